# SPDX-License-Identifier: BSD-3-Clause
"""Rules in force: the real data plane, events that flow, and changes in between."""
import json
import os
import shutil
import signal
import socket
import subprocess
import unittest

from support import Programs, RealCase, compile_program, wait_for

OBJECT = os.path.join(os.path.dirname(Programs.dataplane or ''), '../tests/program/good.o')
RELOADS = 100

EVENTS = 2000
DROP = '- rule: drop\n  condition: evt.type = write\n  route: drop\n'
PASS = '- rule: pass\n  condition: evt.type = write\n'


class Live(RealCase):
    def write(self, text, name='rules.yaml'):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def load(self, text):
        return self.json('rules', 'load', self.write(text))

    def publish(self, count=EVENTS):
        """Publishes under a name of its own, and waits until all of it was received."""
        before = self.json('status')['data_plane']['received']
        writer = self.client('publish', 'writer', str(count))
        wait_for(lambda: self.json('status')['data_plane']['received'] == before + count,
                 'the events')
        self.end(writer)
        self.vexctl('verify', '--wait', '20', '--quiet')

    def counter(self, rule, key):
        return self.json('rules', 'list', rule)['rules'][0][key]

    def dropped(self, reason):
        return {row['reason']: row['count'] for row in self.json('show', 'drops')['drops']}[reason]

    def delivered(self):
        return self.json('status')['data_plane']['delivered']

    def wait_in_force(self, version):
        def in_force():
            status = self.json('rules', 'status')
            return (status['state'], status['version']) == ('in force', version)
        wait_for(in_force, f'version {version} to be in force')

    def test_rules_decide(self):
        self.start()
        reader = self.client('subscribe', 'reader')
        self.publish()
        self.assertEqual(self.delivered(), EVENTS)
        self.load(DROP + PASS)
        self.publish()
        self.assertEqual((self.delivered(), self.dropped('rule_drop')), (EVENTS, EVENTS))
        self.assertEqual(self.counter('drop', 'matched'), EVENTS)
        self.assertGreater(self.counter('drop', 'last_ns'), 0)
        self.assertIn(f'{EVENTS:,}', self.vexctl('rules', 'list')[0])
        self.assertIn(f'matched   {EVENTS:,}', self.vexctl('rules', 'show', 'drop')[0])
        self.json('rules', 'disable', 'drop')
        self.publish()
        self.assertEqual((self.delivered(), self.dropped('rule_drop')), (2 * EVENTS, EVENTS))
        self.json('rules', 'enable', 'drop')
        self.publish()
        self.assertEqual((self.delivered(), self.dropped('rule_drop')), (2 * EVENTS, 2 * EVENTS))
        self.json('rules', 'rollback', '2')
        self.publish()
        self.assertEqual((self.delivered(), self.dropped('rule_drop')), (3 * EVENTS, 2 * EVENTS))
        self.assertEqual(self.counter('pass', 'matched'), 4 * EVENTS)
        self.end(reader)
        self.vexctl('verify', '--wait', '20')

    @unittest.skipUnless(shutil.which('clang'), 'no clang')
    def test_programs_decide(self):
        self.start()
        program = compile_program(os.path.join(self.folder, 'p.o'), 'return event->seq % 4 == 1;')
        asks = '- program: p\n  file: p.o\n' + DROP + '  program: p\n'
        reader = self.client('subscribe', 'reader')
        self.load(asks)
        self.publish()
        self.assertEqual((self.delivered(), self.dropped('rule_drop')),
                         (EVENTS * 3 // 4, EVENTS // 4))
        self.assertEqual(self.counter('drop', 'matched'), EVENTS // 4)
        self.load(PASS + asks)  # not a new program: what was counted stays
        self.assertEqual(self.counter('drop', 'matched'), EVENTS // 4)
        compile_program(program, 'return ((const uint64_t *)event)[sizeof(*event) / 8];')
        self.assertIn('is out of bounds of the event',
                      self.vexctl('rules', 'load', self.write(asks), code=78)[1])
        self.publish()
        self.assertEqual(self.dropped('rule_drop'), EVENTS // 2)
        self.end(reader)
        self.vexctl('verify', '--wait', '20')

    def test_events_name_their_version(self):
        self.start()
        self.load(PASS)
        for version in (1, 2):
            tail = self.spawn([Programs.vexctl, '--control', self.control_socket, '--socket',
                               self.data_socket, 'tail', '--json', '--count', '1'],
                              stdout=subprocess.PIPE)
            wait_for(lambda: [row for row in self.json('show', 'subscribers')['subscribers']
                              if row['state'] == 'live'], 'the subscriber')
            self.publish(64)
            out = tail.communicate(timeout=20)[0].decode()
            self.assertIn(f'"route":{{"generation":{version},"matched":1', out)
            self.load(PASS + '# more\n')
            wait_for(lambda: not self.json('show', 'subscribers')['subscribers'], 'its end')
        self.vexctl('verify', '--wait', '20')

    def test_begins_with_an_image(self):
        image = os.path.join(self.folder, 'rules.image')
        self.vexctl('rules', 'compile', self.write(DROP), '-o', image)
        self.start_dataplane('--rules-image', image)
        self.start_control()
        self.wait_plane('running')
        reader = self.client('subscribe', 'reader')
        self.publish()
        self.assertEqual((self.delivered(), self.dropped('rule_drop')), (0, EVENTS))
        self.end(reader)
        self.vexctl('verify', '--wait', '20')

    def test_tail_tells_the_rule(self):
        self.start()
        self.load('- rule: wrote\n  condition: evt.type = write\n  priority: error\n'
                  '  output: '"'"'%fd.name by "%proc.name"'"'"'\n')
        message = '/some/file by "<NA>"'
        wanted = {'text': f'  wrote: {message}\n', 'json': ('wrote', message),
                  'ocsf': (4, f'wrote: {message}')}
        for form in wanted:
            tail = self.spawn([Programs.vexctl, '--control', self.control_socket, '--socket',
                               self.data_socket, 'tail', '--format', form, '--count', '1', '--where',
                               'rule=wr*,priority=error,class=normal'], stdout=subprocess.PIPE)
            wait_for(lambda: [row for row in self.json('show', 'subscribers')['subscribers']
                              if row['state'] == 'live'], 'the subscriber')
            self.publish(64)
            out = tail.communicate(timeout=20)[0].decode()
            if form == 'text':
                self.assertTrue(out.endswith(wanted[form]), out)
            else:
                event = json.loads(out)
                keys = ('rule_name', 'message') if form == 'json' else ('severity_id', 'message')
                self.assertEqual(tuple(event[key] for key in keys), wanted[form])
            wait_for(lambda: not self.json('show', 'subscribers')['subscribers'], 'its end')
        self.vexctl('verify', '--wait', '20')

    def test_a_suppression_is_told_of(self):
        """Where nothing comes any more; by a worker that sleeps meanwhile."""
        self.start()
        self.load('- rule: wrote\n  condition: evt.type = write\n  suppress: 1s\n')
        for form in ('text', 'json'):
            tail = self.spawn([Programs.vexctl, '--control', self.control_socket, '--socket',
                               self.data_socket, 'tail', '--format', form, '--count', '2',
                               '--where', 'rule=wrote'], stdout=subprocess.PIPE)
            wait_for(lambda: [row for row in self.json('show', 'subscribers')['subscribers']
                              if row['state'] == 'live'], 'the subscriber')
            writer = self.client('publish', 'writer', '64')
            first, summary = tail.communicate(timeout=20)[0].decode().splitlines()
            if form == 'text':
                self.assertIn('matched=1', first)
                self.assertIn('summary suppressed=63', summary)
            else:
                first, summary = json.loads(first), json.loads(summary)
                self.assertNotIn('suppressed', first)
                self.assertEqual(summary['seq'], first['seq'] + 1)
                self.assertEqual((summary['suppressed']['count'], summary['suppressed']['summary'],
                                  summary['rule_name']), (63, True, 'wrote'))
            self.assertEqual(self.port('writer')['received'], 65)
            self.end(writer)
            wait_for(lambda: not self.json('show', 'subscribers')['subscribers'], 'its end')
        self.assertEqual(self.counter('wrote', 'limited'), 2 * 63)
        self.assertEqual(sum(row['summaries']
                             for row in self.json('show', 'workers')['workers']), 2)
        self.vexctl('verify', '--wait', '20')

    def test_suppressions_while_ports_move_and_rules_change(self):
        """By two workers; what is told in any way was held back, and all is accounted for."""
        self.start()
        paths = [self.write(PASS + '  suppress: 1ms\n', 'a.yaml'),
                 self.write(PASS + '  suppress: 2ms\n' + DROP + '  sample: 1/1000\n', 'b.yaml')]
        self.vexctl('rules', 'load', paths[0])
        with open(os.path.join(self.folder, 'events'), 'w+b') as out:
            tail = self.spawn([Programs.vexctl, '--socket', self.data_socket, 'tail', '--json'],
                              stdout=out)
            self.move_and_load(paths)
            held, sent = self.dropped('suppressed'), sum(
                row['summaries'] for row in self.json('show', 'workers')['workers'])
            tail.send_signal(signal.SIGINT)
            self.assertEqual(self.finish(tail), 0)
            out.seek(0)
            told = [event['suppressed'] for event in map(json.loads, out) if 'suppressed' in event]
        self.assertGreater(sent, 0)
        self.assertEqual(len([one for one in told if 'summary' in one]), sent)
        self.assertLessEqual(sum(one['count'] for one in told), held)

    def move_and_load(self, paths):
        wait_for(lambda: [row for row in self.json('show', 'subscribers')['subscribers']
                          if row['state'] == 'live'], 'the subscriber')
        writers = [self.client('publish', name, '0') for name in ('one', 'two')]
        for i in range(40):
            self.vexctl('rules', 'load', paths[i // 8 % 2])
            self.vexctl('port', 'move', str(self.port('one')['port']), str(i % 2))
        for writer in writers:
            self.end(writer)
        wait_for(lambda: not self.json('show', 'ports')['ports'], 'the ports to be gone')
        self.vexctl('verify', '--wait', '20')

    def test_reloads_under_load(self):
        self.start()
        reader = self.client('subscribe', 'reader')
        writer = self.client('publish', 'writer', '0')
        paths = [self.write(DROP + PASS, 'a.yaml'), self.write(PASS, 'b.yaml')]
        for i in range(60):
            self.assertEqual(self.json('rules', 'load', paths[i % 2])['version'], i + 1)
        self.wait_received('writer', self.port('writer')['received'] + 1000)
        self.assertEqual(self.json('rules', 'status')['version'], 60)
        self.assertGreater(self.dropped('rule_drop'), 0)
        self.end(writer)
        self.end(reader)
        self.vexctl('verify', '--wait', '20')

    def rss_kb(self, process):
        with open(f'/proc/{process.pid}/status', encoding='utf-8') as status:
            return int([line for line in status if line.startswith('VmRSS')][0].split()[1])

    def test_many_reloads_leak_nothing(self):
        """Over one connection, as fast as they go: version files are bundles themselves."""
        # Where there is ASan it is to keep little of what was freed.
        os.environ['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':quarantine_size_mb=4'
        dataplane, control = self.start('--config', self.write('history: 5\n', 'control.yaml'))
        bundles = []
        for version, text in enumerate((DROP + PASS, PASS), 1):
            self.load(text)
            with open(f'{self.folder}/state/rules/{version:010}.rules', 'rb') as file:
                bundles.append(file.read())
        self.publish()
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(20)
            caller.connect(self.control_socket)
            with caller.makefile('rwb') as stream:
                for i in range(3 * RELOADS):
                    bundle = bundles[i % 2]
                    stream.write(b'{"jsonrpc":"2.0","id":1,"method":"rules.load","bytes":%d}\n'
                                 % len(bundle) + bundle)
                    stream.flush()
                    answer = json.loads(stream.readline())
                    self.assertEqual(answer['result']['version'], i + 3)
                    if i == RELOADS:
                        before = self.rss_kb(dataplane), self.rss_kb(control)
        # A set takes some 8 MB, and an old one may be there a little longer; 200 may not.
        for process, was in zip((dataplane, control), before):
            self.assertLess(self.rss_kb(process) - was, 32 * 1024)
        for process in (dataplane, control):
            self.assertLess(len(os.listdir(f'/proc/{process.pid}/fd')), 100)
        self.assertEqual(len(self.json('rules', 'history')['versions']), 5)
        self.publish()
        self.vexctl('verify', '--wait', '20')

    @unittest.skipUnless(os.path.exists(OBJECT), 'there was no clang to compile programs')
    def test_programs_travel_along(self):
        """The object is read by vexctl, kept with the version, and not needed again."""
        dataplane, _ = self.start()
        os.mkdir(f'{self.folder}/p')
        shutil.copy(OBJECT, f'{self.folder}/p/good.o')
        self.load('- program: texts\n  file: p/good.o\n  section: texts\n'
                  '- rule: asks\n  condition: evt.type = write\n  program: texts\n'
                  '  route: drop\n')
        os.unlink(f'{self.folder}/p/good.o')
        dataplane.kill()
        dataplane.wait()
        self.start_dataplane()
        self.wait_in_force(1)
        self.publish()
        self.assertEqual((self.counter('asks', 'matched'), self.dropped('unmatched')),
                         (0, EVENTS))
        self.json('rules', 'disable', 'asks')
        self.json('rules', 'rollback', '1')
        self.vexctl('verify', '--wait', '20')

    def test_control_away(self):
        """The data plane keeps its rules while vex-control is away, however it went."""
        _, control = self.start()
        self.load(DROP)
        for kill in (signal.SIGKILL, signal.SIGTERM):
            writer = self.client('publish', 'writer', '0')
            self.wait_received('writer', 100)
            control.send_signal(kill)
            control.wait()
            self.end(writer)
            control = self.start_control()
            self.wait_in_force(1)
            self.vexctl('verify', '--wait', '20')
            self.assertEqual(self.delivered(), 0)
            self.assertEqual(self.dropped('unmatched'), 0)
        self.assertIn('rules: the data plane has version 1', self.log())
        self.assertEqual(self.counter('drop', 'matched'), self.dropped('rule_drop'))

    def test_data_plane_restarts(self):
        dataplane, _ = self.start()
        self.load(PASS)
        self.load(DROP)
        dataplane.kill()
        dataplane.wait()
        self.wait_plane('not running')
        _, err = self.vexctl('rules', 'load', self.write(PASS), code=1)
        self.assertIn('nothing was changed', err)
        self.start_dataplane()
        self.wait_in_force(2)
        self.publish()
        self.assertEqual(self.dropped('rule_drop'), EVENTS)
        self.vexctl('verify', '--wait', '20')

    def test_a_data_plane_waits_for_rules(self):
        """It polls no lane before it has heard from vex-control, which may have none to give."""
        dataplane = self.start_dataplane('--rules-wait-ms', '600000')
        self.start_control()
        self.wait_plane('running')
        self.publish()
        self.load(DROP)
        dataplane.kill()
        dataplane.wait()
        self.start_dataplane('--rules-wait-ms', '600000')
        self.wait_in_force(1)
        self.publish()
        self.assertEqual(self.dropped('rule_drop'), EVENTS)
        self.vexctl('verify', '--wait', '20')

    def test_another_store(self):
        """A data plane whose rules a vex-control without history does not know."""
        _, control = self.start()
        for _ in range(3):
            self.load(PASS)
        control.kill()
        control.wait()
        self.start_control('--state-dir', f'{self.folder}/other')
        self.wait_plane('running')
        self.assertEqual(self.json('rules', 'status')['state'], 'none')
        self.assertEqual(self.load(DROP)['version'], 4)
        self.publish()
        self.assertEqual(self.dropped('rule_drop'), EVENTS)
        self.vexctl('verify', '--wait', '20')

    def test_data_plane_is_ahead(self):
        """Killed when the data plane had a version and the disk did not name it yet."""
        _, control = self.start()
        self.load(DROP)
        self.load(PASS)
        control.kill()
        control.wait()
        os.unlink(f'{self.folder}/state/rules/0000000002.rules')
        self.start_control()
        self.wait_in_force(3)
        self.assertEqual(self.json('rules', 'history')['versions'][1]['action'], 'copy of 1')
        self.publish()
        self.assertEqual(self.dropped('rule_drop'), EVENTS)
        self.vexctl('verify', '--wait', '20')

    def test_refused(self):
        """Too many rules for the data plane: those in force stay."""
        config = self.write('rules_max: 2\n', 'dataplane.yaml')
        self.start_dataplane('--config', config)
        self.start_control()
        self.wait_plane('running')
        self.load(DROP)
        _, err = self.vexctl('rules', 'load', self.write(DROP + PASS + PASS.replace('pass', 'x')),
                             code=1)
        self.assertIn('the data plane refused: ', err)
        self.assertEqual([v['version'] for v in self.json('rules', 'history')['versions']], [1])
        self.publish()
        self.assertEqual(self.dropped('rule_drop'), EVENTS)
        self.vexctl('verify', '--wait', '20')

    def test_both_killed_in_the_middle_of_loads(self):
        dataplane, control = self.start()
        writer = self.client('publish', 'writer', '0')
        self.load(PASS)
        path = self.write(DROP)
        for round_ in range(4):
            load = self.spawn([Programs.vexctl, '--control', self.control_socket, 'rules', 'load',
                               path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            victim = control if round_ % 2 else dataplane
            victim.kill()
            victim.wait()
            self.finish(load)
            if round_ % 2:
                control = self.start_control()
            else:
                dataplane = self.start_dataplane()
            self.wait_plane('running')
            wait_for(lambda: self.json('rules', 'status')['state'] == 'in force', 'rules')
        self.wait_received('writer', 100)
        self.end(writer)
        self.vexctl('verify', '--wait', '20')
