# SPDX-License-Identifier: BSD-3-Clause
"""Each command of vexctl, for people and as JSON, and what it says of wrong use."""
import json
import os
import re
import subprocess

from support import Case, Programs, wait_for

LISTS = {
    'ports': ['port', 'name', 'boundary', 'qos', 'pid', 'uid', 'worker', 'lanes', 'received', 'delivered',
              'dropped', 'rejected', 'held', 'lost'],
    'lanes': ['port', 'lane', 'ring_size', 'waiting', 'received', 'rejected', 'abandoned'],
    'workers': ['worker', 'lcore', 'cpu', 'socket', 'ports', 'sleeping', 'rounds',
                'cycles_per_event'],
    'stages': ['worker', 'stage', 'in', 'out', 'bursts', 'events_per_burst', 'cycles_per_event'],
    'drops': ['kind', 'reason', 'count', 'retired', 'description'],
    'types': ['id', 'type', 'category', 'count', 'description'],
    'subscribers': ['subscriber', 'name', 'pid', 'uid', 'offered', 'delivered', 'read', 'held', 'types'],
    'classes': ['class', 'events', 'delivered', 'dropped', 'held', 'missed', 'displaced', 'blocks',
                'blocked_ns'],
    'tenants': ['tenant', 'passed', 'demoted', 'dropped'],
    'groups': ['group', 'member', 'balance', 'weight', 'state', 'chosen', 'skipped', 'opened',
               'returned', 'lost'],
    'kernel': ['type', 'seen', 'emitted', 'filtered', 'dropped', 'hook_min_ns', 'hook_mean_ns',
               'hook_max_ns'],
    'calls': ['method', 'role', 'params', 'help'],
}


def declared(path, macro, field):
    """What a table of ours declares: one field of each entry, counted from 0."""
    root = os.path.join(os.path.dirname(__file__), '../..')
    with open(os.path.join(root, path), encoding='utf-8') as table:
        entries = re.findall(rf'^{macro}\((.*)\)$', table.read(), re.M)
    return [entry.split(', ')[field].strip('"') for entry in entries]


class Commands(Case):
    def test_wrong_usage_in_json(self):
        """Whatever is wrong is told in the form that was asked for, before anybody is asked."""
        commands = re.findall(r'(?m)^  ([a-z]+(?: [a-z]+)*)', self.vexctl('help')[0])
        cases = [words.split() + ['--no-such'] for words in commands]
        cases += [['rules', 'rollback', '-1'], ['rules', 'explain', '-', '--rules'],
                  ['rules', 'load', '--message'], ['rules', 'load', '-m'], ['verify', '--wait'],
                  ['verify', '--quiet=1'], ['capture', '-w'], ['tail', '--format'],
                  ['rules', 'disable', '--dry-run', 'x'], ['rules', 'compile', '-o'],
                  ['rules', 'compile', 'x'], ['rules', 'compile', '-x'], ['top', 'x'], ['--socket']]
        for words in cases:
            if words[0] == 'completion' or words[:1] == ['help']:
                continue
            out, err = self.vexctl('--json', *words, code=2)
            self.assertEqual(out, '', words)
            for line in err.splitlines():
                said = json.loads(line)
                self.assertEqual((said['level'], said['program']), ('error', 'vexctl'), words)
            self.assertEqual(len(err.splitlines()), 1, (words, err))
            self.assertNotEqual(self.vexctl(*words, code=2)[1], '')

    def test_lists(self):
        self.start_both()
        for noun, keys in LISTS.items():
            rows = self.json('show', noun)[noun]
            self.assertTrue(rows, noun)
            for row in rows:
                for key in keys:
                    self.assertIn(key, row, noun)
            out, _ = self.vexctl('show', noun)
            lines = out.splitlines()
            self.assertEqual(len(lines), len(rows) + 1, noun)
            self.assertRegex(lines[0], r'^ *[A-Z]+  ')
            self.assertRegex(out, r'^[ -~\n]*$', noun)

    def test_lists_are_complete(self):
        self.start_both()
        types = [row['type'] for row in self.json('show', 'types')['types']]
        self.assertEqual(types, declared('lib/abi/event.def', 'VEX_EVENT', 2))
        reasons = [row['reason'] for row in self.json('show', 'drops')['drops']]
        for name in (declared('lib/stat/stat.def', 'VEX_DROP', 1) +
                     declared('lib/stat/stat.def', 'VEX_REJECT', 1)):
            self.assertIn(name, reasons)
        stages = [row['stage'] for row in self.json('show', 'stages')['stages']]
        self.assertEqual(stages, declared('lib/stat/stat.def', 'VEX_STAGE', 1) * 2)

    def test_sums(self):
        self.start_both()
        ports = self.json('show', 'ports')['ports']
        plane = self.json('status')['data_plane']
        workers = self.json('show', 'workers')['workers']
        for key in ('received', 'delivered'):
            self.assertEqual(sum(port[key] for port in ports), plane[key])
            self.assertEqual(sum(worker[key] for worker in workers), plane[key])
        for port in ports:
            self.assertEqual(port['received'], port['delivered'] + port['dropped'] +
                             port['rejected'] + port['held'])
        drops = self.json('show', 'drops')['drops']
        for kind, key in (('drop', 'dropped'), ('reject', 'rejected')):
            self.assertEqual(sum(row['count'] for row in drops if row['kind'] == kind), plane[key])

    def test_kernel(self):
        self.start_both()
        row, = self.json('show', 'kernel')['kernel']
        self.assertEqual(row['emitted'] + row['filtered'] + row['dropped'], row['seen'])
        self.assertEqual((row['type'], row['hook_mean_ns']), ('write', 250.0))
        status = self.json('kernel', 'status')
        self.assertEqual((status['enabled'], status['seen'], status['returned']), (True, 1000, 5))
        self.assertEqual(status['lost']['lane_full'], 7)
        self.assertEqual(status['selection'], {'type': [], 'path': [], 'device': [],
                                               'uid': ['1000'], 'pid': [], 'cgroup': []})
        out, _ = self.vexctl('kernel', 'status')
        self.assertRegex(out, r'(?s)is listened to\nselected +uid 1000\n.* seen 1,000,.*returned 5,')

    def test_kernel_selection(self):
        self.start_both()
        self.assertEqual(self.vexctl('kernel', 'disable')[0], 'kernel disable: done\n')
        self.assertFalse(self.json('kernel', 'status')['enabled'])
        self.assertEqual(self.json('kernel', 'enable'), {'done': True})
        self.assertTrue(self.json('kernel', 'status')['enabled'])
        out, _ = self.vexctl('kernel', 'select', 'type=create|rename', 'path=/srv', 'path=/home',
                             'device=8:1', 'uid=root', 'pid=17', 'cgroup=4711')
        self.assertEqual(out, 'kernel select: done\n')
        selected = {'type': ['create', 'rename'], 'path': ['/srv', '/home'], 'device': ['8:1'],
                    'uid': ['0'], 'pid': ['17'], 'cgroup': ['4711']}
        self.assertEqual(self.json('kernel', 'status')['selection'], selected)
        for wrong, words in (('type=no-such', "no type or category 'no-such'"),
                             ('path=srv', "'srv' is no absolute path"), ('path=', 'absolute path'),
                             ('device=/no/such', 'MAJOR:MINOR'), ('uid=no-such-user', 'no user'),
                             ('pid=me', "'me' is no number"), ('cgroup=/dev/null', 'cgroup'),
                             ('uid=' + '1|' * 16 + '1', 'more than 16')):
            _, err = self.vexctl('kernel', 'select', wrong, code=1)
            self.assertIn(words, err)
        for wrong in ([], ['colour=red'], ['type'], ['all', 'uid=1'], ['=1']):
            self.vexctl('kernel', 'select', *wrong, code=2)
        self.assertEqual(self.json('kernel', 'status')['selection'], selected)
        self.vexctl('kernel', 'select', 'all')
        self.assertFalse(any(self.json('kernel', 'status')['selection'].values()))
        self.assertIn('selected   everything', self.vexctl('kernel', 'status')[0])
        with open(self.log_path, encoding='utf-8') as log:
            self.assertRegex(log.read(), r'audit: .* call=kernel.select .*"uid":\["root"\].* result=done')

    def test_no_kernel_tap(self):
        self.start_both('no-tap')
        for words in (['show', 'kernel'], ['kernel', 'status']):
            out, err = self.vexctl(*words, code=1)
            self.assertEqual(out, '')
            self.assertIn('start it with --kernel-tap', err)

    def test_status(self):
        fake, control = self.start_both()
        status = self.json('status')
        self.assertEqual(status['data_plane']['state'], 'running')
        self.assertEqual(status['data_plane']['pid'], fake.pid)
        self.assertEqual(status['control']['pid'], control.pid)
        out, _ = self.vexctl('status')
        self.assertIn('data plane   running', out)
        self.assertIn(f'pid {fake.pid}', out)

    def test_version(self):
        out, _ = self.vexctl('version')
        self.assertIn('no answer', out)
        self.start_both()
        version = self.json('version')
        self.assertEqual(version['vexctl']['version'], version['control']['version'])
        self.assertEqual(self.vexctl('--version')[0], self.vexctl('version')[0])

    def test_verify_holds(self):
        self.start_both()
        result = self.json('verify')
        self.assertTrue(result['ok'])
        self.assertEqual(result['held'], 0)
        self.assertTrue(any(row['what'] == 'all' for row in result['rows']))
        out, _ = self.vexctl('verify')
        self.assertIn('holds', out)
        self.assertEqual(self.vexctl('verify', '--quiet'), ('', ''))
        self.vexctl('verify', '--wait', '5')

    def test_verify_off_by_one(self):
        self.start_both('off-by-one')
        result = self.json('verify', code=1)
        self.assertFalse(result['ok'])
        port = result['rows'][0]
        self.assertEqual((port['ok'], port['missing']), (False, 1))
        out, _ = self.vexctl('verify', code=1)
        self.assertIn('DOES NOT HOLD', out)
        self.assertIn(port['why'], out)
        self.assertEqual(self.vexctl('verify', '--quiet', code=1), ('', ''))
        self.vexctl('verify', '--wait', '0.2', code=1)

    def test_verify_held(self):
        self.start_both('held')
        self.assertGreater(self.json('verify')['held'], 0)
        _, err = self.vexctl('verify', '--wait', '0.2', code=1)
        self.assertIn('still held', err)

    def test_verify_torn(self):
        self.start_both('torn')
        _, err = self.vexctl('verify', code=1)
        self.assertIn('no consistent copy', err)
        self.json('show', 'ports')

    def test_orders(self):
        self.start_both()
        self.assertEqual(self.json('show', 'ports')['ports'][0]['worker'], 0)
        out, _ = self.vexctl('port', 'move', '0', '1')
        self.assertEqual(out, 'port move 0 1: done\n')
        self.assertEqual(self.json('show', 'ports')['ports'][0]['worker'], 1)
        self.assertEqual(self.json('port', 'detach', '1'), {'done': True})
        self.assertEqual(self.json('show', 'ports')['ports'][1]['received'], 0)
        self.vexctl('subscriber', 'detach', '0')
        self.vexctl('verify')
        for wrong in (['port', 'move', '99', '0'], ['port', 'move', '0', '99'],
                      ['port', 'detach', '99'], ['subscriber', 'detach', '99']):
            _, err = self.vexctl(*wrong, code=1)
            self.assertRegex(err, r'the data plane refused: no such (port|worker|subscriber)\n$')

    def test_prefixes(self):
        self.start_both()
        for words, same in ((['sh', 'po'], ['show', 'ports']), (['stat'], ['status']),
                            (['sh', 'su'], ['show', 'subscribers'])):
            self.assertEqual(self.json(*words).keys(), self.json(*same).keys())
        self.vexctl('p', 'm', '0', '1')
        for words, message in ((['s'], "'s' may be any of: status, show, subscriber"),
                               (['show', 's'], "'s' may be any of: stages, subscribers"),
                               (['shwo'], "did you mean 'show'?"),
                               (['show', 'prots'], "did you mean 'ports'?"),
                               (['zzz'], 'try one of: status,'),
                               (['show'], 'a command must follow, one of: ports,')):
            _, err = self.vexctl(*words, code=2)
            self.assertIn(message, err)

    def test_wrong_usage(self):
        for words in ([], ['--no-such'], ['status', 'x'], ['show', 'ports', 'x'], ['port', 'move'],
                      ['port', 'move', '0'], ['port', 'move', 'a', '0'],
                      ['port', 'move', '-1', '0'], ['port', 'move', '0', '4294967296'],
                      ['port', 'detach', '0', '0'],
                      ['verify', '--wait', 'x'], ['verify', '--wait', '-1'], ['verify', 'x'],
                      ['verify', '--no-such'], ['completion'], ['completion', 'fish'],
                      ['--color', 'blue', 'status'], ['status', '--control']):
            out, err = self.vexctl(*words, code=2)
            self.assertEqual(out, '', words)
            self.assertTrue(err, words)

    def test_global_options(self):
        self.start_both()
        environment = {**os.environ, 'VEX_CONTROL_SOCKET': self.control_socket}
        for args in (['status', '--json'], ['--json', 'status']):
            done = subprocess.run([Programs.vexctl, *args], env=environment, capture_output=True,
                                  check=True)
            self.assertIn('data_plane', json.loads(done.stdout))
        out, _ = self.vexctl('status', '--color=always')
        self.assertIn('\033[32mrunning\033[0m', out)
        out, _ = self.vexctl('show', 'ports', '--color', 'always')
        self.assertNotIn('\033[31mred', out, 'a port\'s name reached the terminal as it was')
        self.assertNotIn('\033', self.vexctl('status')[0])
        _, err = self.vexctl('status', f'--control={self.folder}/none', code=1)
        self.assertIn(f'{self.folder}/none: nobody listens there; start vex-control', err)

    def test_help(self):
        out, _ = self.vexctl('help')
        for words in (declared('control/control.def', 'VEX_CALL', 3) +
                      declared('control/control.def', 'VEX_ORDER', 4)):
            self.assertIn(f'\n  {words} ', out)
        self.assertEqual(self.vexctl('--help')[0], out)
        self.assertIn('Usage: vexctl [OPTION]... port move PORT WORKER\n',
                      self.vexctl('port', 'move', '--help')[0])
        self.assertEqual(self.vexctl('help', 'verify')[0], self.vexctl('verify', '--help')[0])
        self.vexctl('help', 'nothing', code=2)
        out, _ = self.vexctl('help', 'port')
        self.assertIn('  port move PORT WORKER ', out)
        self.assertNotIn('show', out)
        self.assertEqual(self.vexctl('port', '--help')[0], out)
        self.assertIn('78', self.vexctl('help')[0])

    def test_full_disk(self):
        self.start_both()
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([Programs.vexctl, '--control', self.control_socket, 'status'],
                                  stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'cannot write to standard output', done.stderr)

    def complete(self, script, *words):
        """What bash would offer for the last of the words."""
        line = f'''. {script}
COMP_WORDS=(vexctl {' '.join(f"'{word}'" for word in words)})
COMP_CWORD={len(words)}
_vexctl
printf '%s\\n' "${{COMPREPLY[@]}}"'''
        done = subprocess.run(['bash', '--norc', '-c', line], capture_output=True, check=True)
        self.assertEqual(done.stderr, b'')
        return done.stdout.decode().split()

    def test_completion(self):
        script = os.path.join(self.folder, 'completion')
        with open(script, 'w', encoding='utf-8') as file:
            file.write(self.vexctl('completion', 'bash')[0])
        self.assertEqual(self.complete(script, 'st'), ['status'])
        self.assertIn('verify', self.complete(script, ''))
        self.assertEqual(self.complete(script, 'show', 'p'), ['ports'])
        self.assertEqual(self.complete(script, '--json', '--control', 'x', 'port', ''),
                         ['move', 'detach'])
        self.assertEqual(self.complete(script, 'verify', '--w'), ['--wait'])
        self.assertEqual(self.complete(script, '--color', 'al'), ['always'])
        self.assertEqual(self.complete(script, 'completion', 'z'), ['zsh'])
        self.assertEqual(self.complete(script, 'status', '--wa'), [])
        self.assertIn('#compdef vexctl', self.vexctl('completion', 'zsh')[0])

    def test_wait_outlives_a_restart(self):
        fake, control = self.start_both()
        control.kill()
        control.wait()
        waiting = self.spawn([Programs.vexctl, '--control', self.control_socket, 'verify',
                              '--wait', '20', '--quiet'])
        fake.kill()
        fake.wait()
        self.start_control()
        self.start_fake()
        self.assertEqual(self.finish(waiting), 0)
        wait_for(lambda: waiting.poll() == 0, 'verify')
