# SPDX-License-Identifier: BSD-3-Clause
"""Rules as they are loaded, switched and rolled back, against a data plane that misbehaves."""
import json
import os
import pwd
import shutil
import signal
import subprocess
import unittest

from support import Case, Programs, compile_program, wait_for

ONE = '- rule: one\n  condition: evt.type = open\n'
TWO = ONE + '- rule: two\n  condition: evt.type = close\n  route: [subscriber:x, drop]\n'


class Changes(Case):
    def tearDown(self):
        if os.path.ismount(self.state()):
            for process in self.processes:
                process.kill()
                process.wait()
            subprocess.run(['umount', self.state()], check=True)
        super().tearDown()

    def state(self):
        return os.path.join(self.folder, 'state')

    def write(self, text, name='rules.yaml'):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def load(self, text, *options):
        return self.json('rules', 'load', self.write(text), *options)

    def states(self):
        return {rule['name']: rule['state'] for rule in self.json('rules', 'list')['rules']}

    def history(self):
        return self.json('rules', 'history')['versions']

    def status(self):
        return self.json('rules', 'status')

    def wait_state(self, state, version=None):
        wait_for(lambda: self.status()['state'] == state and
                 version in (None, self.status()['version']), f'rules to be {state}')

    def restart(self, control, *options):
        control.kill()
        control.wait()
        return self.start_control(*options)

    def version_path(self, number):
        return os.path.join(self.state(), 'rules', f'{number:010}.rules')


class Good(Changes):
    def test_nothing_loaded(self):
        self.start_both()
        self.assertEqual(self.status()['state'], 'none')
        self.assertEqual(self.json('rules', 'list')['rules'], [])
        self.assertEqual(self.history(), [])
        self.assertIn('there are no rules', self.vexctl('rules', 'text', code=1)[1])
        for words in (['enable', 'x'], ['disable', 'x']):
            self.assertIn('there are no rules', self.vexctl('rules', *words, code=1)[1])

    def test_load(self):
        self.start_both()
        result = self.load(TWO, '--message', 'the first')
        self.assertEqual((result['version'], result['active'], result['changed']), (1, 2, True))
        rules = self.json('rules', 'list')['rules']
        self.assertEqual([rule['name'] for rule in rules], ['one', 'two'])
        self.assertEqual(rules[1]['targets'], ['subscriber:x', 'drop'])
        self.assertEqual([rule['matched'] for rule in rules], [0, 10])
        self.assertEqual([rule['name'] for rule in self.json('rules', 'list', 'two')['rules']],
                         ['two'])
        out, err = self.vexctl('rules', 'list', 'two', 'x', code=1)
        self.assertEqual(out, '')
        self.assertIn("no rule 'x'", err)
        self.assertIn('--bogus', self.vexctl('rules', 'list', '--bogus', code=2)[1])
        version = self.history()[0]
        self.assertEqual((version['message'], version['user'], version['uid'], version['current']),
                         ('the first', pwd.getpwuid(os.getuid()).pw_name, os.getuid(), True))
        self.assertIn('version 1: in force, 2 rules', self.vexctl('rules', 'status')[0])
        self.assertIn('the first', self.vexctl('rules', 'history')[0])
        self.assertIn('subscriber:x, drop', self.vexctl('rules', 'list')[0])
        self.assertRegex(self.log(), r'audit: uid=\d+ gid=\d+ pid=\d+ call=rules.load bytes=\d+ '
                                     r'version=1 result=done\n')
        self.vexctl('verify')

    def test_text_is_kept_as_it_was(self):
        self.start_both()
        self.write(ONE, 'more/b.yaml')
        path = self.write('- include: more\n# a comment\n', 'a.yaml')
        self.vexctl('rules', 'load', path)
        os.unlink(path)
        files = self.json('rules', 'text')['files']
        self.assertEqual([file['text'] for file in files],
                         ['- include: more\n# a comment\n', ONE])
        self.load(TWO)
        self.assertEqual(self.vexctl('rules', 'text', '1')[0],
                         f'# {path}\n- include: more\n# a comment\n'
                         f'# {self.folder}/more/b.yaml\n{ONE}')
        self.assertEqual(self.json('rules', 'rollback', '1')['active'], 1)

    def test_show_tells_of_changes(self):
        self.start_both()
        self.write(ONE + '- rule: one\n  tags: [b]\n  override: {tags: append}\n', 'a.yaml')
        last = self.write('- include: a.yaml\n- rule: one\n  condition: and fs.size > 3\n'
                          '  append: true\n', 'b.yaml')
        self.vexctl('rules', 'load', last)
        self.vexctl('rules', 'disable', 'one')
        shown = self.json('rules', 'show', 'one')
        self.assertEqual([(c['file'], c['line'], c.get('text', '')[:12]) for c in shown['changes']],
                         [(f'{self.folder}/a.yaml', 3, '- rule: one\n'), (last, 2, '- rule: one\n'),
                          ('switched by vexctl', 1, '')])
        out, _ = self.vexctl('rules', 'show', 'one')
        self.assertIn(f'changed   {last}:2\nswitched  switched by vexctl:1\n', out)
        self.assertIn('\n- rule: one\n  condition: and fs.size > 3\n  append: true\n', out)
        result = json.loads(self.vexctl('rules', 'diff', '1', last, '--json')[0])
        self.assertEqual((result['from'], result['changes']), ('version 1', []))

    def test_cut_names_are_whole_characters(self):
        self.start_both()
        self.load(ONE.replace('one', 'x' + '\u00e9' * 100))
        self.assertIn('x' + '\u00e9' * 79 + ' ', self.vexctl('rules', 'list')[0])

    def test_large_text(self):
        self.start_both()
        text = ''.join(f'- rule: r{i}\n  desc: "{"x" * 1000}"\n'
                       f'  condition: evt.type = open and fd.name = /a/{i}\n' for i in range(2500))
        self.load(text)
        self.assertEqual(self.json('rules', 'text')['files'][0]['text'], text)
        rules = self.json('rules', 'list')['rules']
        self.assertEqual([rule['name'] for rule in rules], [f'r{i}' for i in range(2500)])

    @unittest.skipIf('address' in os.environ.get('SANITIZED', ''), 'ASan keeps what was freed')
    def test_memory_of_compiling_goes_back(self):
        """What it takes is many times what stays: an image, which is no memory of this kind."""
        control = self.start_both()[1]
        text = ''.join(f'- rule: r{i}\n  condition: fd.name pmatch (/srv/{i})\n'
                       for i in range(20000))
        self.load(text)
        with open(f'/proc/{control.pid}/status', encoding='ascii') as status:
            kept = next(int(line.split()[1]) for line in status if line.startswith('RssAnon:'))
        self.assertLess(kept, 6000)

    def test_switch(self):
        self.start_both()
        self.load(TWO)
        self.assertEqual(self.json('rules', 'disable', 'two', '--message', 'why')['disabled'], 1)
        self.assertEqual(self.states(), {'one': 'active', 'two': 'disabled'})
        self.assertFalse(self.json('rules', 'disable', 'two')['changed'])
        self.assertIn("there is no rule 'twoo'; did you mean two",
                      self.vexctl('rules', 'disable', 'twoo', code=1)[1])
        self.json('rules', 'disable', 'one')
        self.assertEqual(self.states(), {'one': 'disabled', 'two': 'disabled'})
        self.json('rules', 'enable', 'one', 'two')
        self.assertEqual(self.states(), {'one': 'active', 'two': 'active'})
        self.json('rules', 'rollback', '2')
        self.assertEqual(self.states(), {'one': 'active', 'two': 'disabled'})
        self.assertEqual([v['action'] for v in self.history()],
                         ['load', 'disable', 'disable', 'enable', 'rollback to 2'])
        self.assertEqual(self.history()[1]['message'], 'why')
        self.assertEqual([v.get('names') for v in self.history()],
                         [None, ['two'], ['one'], ['one', 'two'], None])
        self.assertRegex(self.vexctl('rules', 'history')[0],
                         r'(?s) disable .* why \(two\)\n.* disable .* one\n.* enable .* one, two\n')
        self.assertIn('call=rules.enable names=["one","two"] version=4 result=done', self.log())
        self.assertIn('call=rules.disable names=["twoo"] result=', self.log())
        _, err = self.vexctl('rules', 'enable', 'three', code=1)
        self.assertIn("no rule 'three'", err)
        self.assertEqual(self.status()['version'], 5)
        self.load(TWO)
        self.assertEqual(self.states(), {'one': 'active', 'two': 'active'})

    @unittest.skipUnless(shutil.which('clang'), 'no clang')
    def test_programs_are_kept(self):
        _, control = self.start_both()
        program = compile_program(os.path.join(self.folder, 'p.o'), 'return event->size > 5;')
        self.load('- program: p\n  file: p.o\n- program: q\n  file: p.o\n' + ONE +
                  '  program: p\n')
        os.unlink(program)
        self.json('rules', 'disable', 'one')
        self.assertEqual(self.states(), {'one': 'disabled'})
        self.restart(control)
        self.wait_state('in force', 2)
        self.json('rules', 'enable', 'one')
        self.assertEqual(self.states(), {'one': 'active'})

    def test_odd_names(self):
        self.start_both()
        names = ['a: b', '"quoted"', "it's", '- dash', 'ünïcode 🎉', 'true', '#hash', '\\n', '%YAML']
        self.load(''.join(f'- rule: {json.dumps(name, ensure_ascii=False)}\n'
                          '  condition: evt.type = open\n' for name in names))
        for name in names:
            done = subprocess.run([Programs.vexctl, '--control', self.control_socket, 'rules',
                                   'disable', '--', name], capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, (name, done.stderr))
        self.assertEqual(set(self.states().values()), {'disabled'})

    def test_show(self):
        self.start_both()
        text = ('# first\n- list: l\n  items: [a]\n\n- rule: one\n  # why\n  condition: >\n'
                '    evt.type = open and\n\n    proc.name in (l)\n  tags: [t]\n\n# end\n'
                '- rule: two\n  condition: evt.type = close\n')
        self.load(text)
        shown = self.json('rules', 'show', 'one')
        self.assertEqual(shown['text'], text[text.index('- rule: one'):text.index('\n# end')])
        self.assertEqual((shown['line'], shown['state'], shown['tags']), (5, 'active', ['t']))
        self.assertIn('proc.name', shown['condition'])
        self.assertIn('rule 0 "one" active', shown['compiled'])
        out, _ = self.vexctl('rules', 'show', 'two')
        self.assertRegex(out, r'(?s)^rule      two\nfile      .*\nstate     active\n.*'
                              r'- rule: two\n  condition: evt.type = close\n.*cacheable: ')
        self.assertIn("no rule 'x'", self.vexctl('rules', 'show', 'x', code=1)[1])
        self.vexctl('rules', 'show', code=2)

    def test_show_whole_text(self):
        self.start_both()
        parts = ['- desc: first\n  rule: A\n  condition: evt.type = open\n',
                 '-\n  rule: B\n  condition: evt.type = open\n',
                 '- rule: C\n# at the margin\n\n  condition: |\n    evt.type = open\n\n'
                 '    and fd.name = "/a # b"\n',
                 '  # of no rule\n\n',
                 '- condition: evt.type = connect\n  tags:\n  - a\n  rule: D # the last line\n',
                 '- {rule: E, condition: evt.type = open}   # flow\n',
                 '- rule: A\n  append: true\n  tags: [x,\n    y]\n',
                 '# end\n']
        self.load(''.join(parts[:2]) + parts[2] + parts[3] + ''.join(parts[4:]))
        for name, part in zip('ABCDE', parts[:3] + parts[4:6]):
            shown = self.json('rules', 'show', name)
            self.assertEqual(shown['text'], part)
            self.assertIn('\n' + part, self.vexctl('rules', 'show', name)[0])
        self.assertEqual([change['text'] for change in self.json('rules', 'show', 'A')['changes']],
                         [parts[6]])
        why = self.json('rules', 'show', 'D')['unsupported']
        self.assertEqual(why, [{'name': 'connect', 'why': 'network operations are not seen'}])
        self.load('[{rule: F, condition: evt.type = open}, {"rule": "G",\n'
                  ' condition: evt.type = open, tags: [a]}]')
        self.assertEqual(self.json('rules', 'show', 'F')['text'],
                         '{rule: F, condition: evt.type = open}')
        self.assertEqual(self.json('rules', 'show', 'G')['text'],
                         '{"rule": "G",\n condition: evt.type = open, tags: [a]}')

    def test_explain(self):
        self.start_both()
        self.load(TWO)
        event = self.write('{"type":"close"}', 'event.json')
        self.json('rules', 'disable', 'one')
        said = self.json('rules', 'explain', event)['rules']
        self.assertEqual(said, [{'name': 'one', 'matches': False, 'why': 'disabled'},
                                {'name': 'two', 'matches': True}])

    @unittest.skipUnless(shutil.which('clang'), 'no clang')
    def test_diff_of_programs(self):
        self.start_both()
        text = ('- program: p\n  file: p.o\n- program: q\n  file: p.o\n- rule: r\n'
                '  condition: evt.type = open and program[p]\n')
        compile_program(os.path.join(self.folder, 'p.o'), 'return event->size > 5;')
        self.load(text)
        self.load(text.replace('program[p]', 'program[q]'))
        self.assertEqual(self.diff(), {('changed', 'r'): ['condition']})
        compile_program(os.path.join(self.folder, 'p.o'), 'return event->size > 6;')
        self.load(text.replace('program[p]', 'program[q]'))
        self.assertEqual(self.diff(), {('changed', 'program p'): ['code'],
                                       ('changed', 'program q'): ['code']})
        self.assertIn('program[\\"q\\"]', self.vexctl('rules', 'diff', '1', '2')[0])

    def diff(self, *words):
        changes = self.json('rules', 'diff', *words)['changes']
        return {(c['change'], c.get('rule') or c['definition']): sorted(c.get('keys', {}))
                for c in changes}

    def test_diff(self):
        self.start_both()
        rules = [f'- rule: {name}\n  condition: evt.type = open and fd.name = /{name}\n'
                 for name in 'abcde']
        self.load(''.join(rules) + '- group: g\n  members: [x]\n')
        self.assertIn('no version before', self.vexctl('rules', 'diff', code=1)[1])
        self.load(''.join([rules[1], rules[0], rules[2] + '  priority: ERROR\n', rules[4],
                           '- rule: new\n  condition: evt.type = close\n',
                           '- group: g\n  members: [x, y]\n- group: h\n  members: [x]\n']))
        wanted = {('removed', 'd'): [], ('moved', 'a'): [], ('changed', 'c'): ['priority'],
                  ('added', 'new'): [], ('changed', 'group g'): ['members'],
                  ('added', 'group h'): []}
        got = self.diff()
        if ('moved', 'b') in got:
            wanted[('moved', 'b')] = wanted.pop(('moved', 'a'))
        self.assertEqual(got, wanted)
        self.assertEqual(self.diff('1'), wanted)
        self.assertEqual(self.diff('1', '2'), wanted)
        self.assertEqual(len(self.diff('2', '1')), 6)
        self.assertEqual(self.diff('2'), {})
        self.json('rules', 'disable', 'c')
        self.assertEqual(self.diff(), {('changed', 'c'): ['state']})
        path = self.write(rules[0], 'other.yaml')
        self.assertEqual(self.diff(path)[('removed', 'new')], [])
        out, _ = self.vexctl('rules', 'diff', '1', '2')
        self.assertIn('  changed rule c\n    priority:\n      - "informational"\n'
                      '      + "error"\n', out)
        self.assertIn('no difference', self.vexctl('rules', 'diff', '2', '2')[0])
        self.assertNotIn('\033', out)
        self.vexctl('rules', 'diff', '9', code=1)
        self.vexctl('rules', 'diff', '0', code=2)
        self.vexctl('rules', 'diff', '--no-such', code=2)
        wrong = self.write('- rule: x\n')
        self.vexctl('rules', 'diff', wrong, code=78)
        self.assertEqual(self.json('rules', 'diff', wrong, code=78)['errors'], 1)

    def test_dry_run(self):
        self.start_control()
        result = self.load(TWO, '--dry-run')
        self.assertEqual((result['changed'], result['dry_run'], result['active']),
                         (False, True, 2))
        self.assertIn('nothing was loaded', self.vexctl('rules', 'load', '--dry-run',
                                                        self.write(ONE))[0])
        self.assertEqual(self.history(), [])
        self.assertEqual(os.listdir(os.path.join(self.state(), 'rules')), [])

    def test_both_restart(self):
        fake, control = self.start_both()
        self.load(TWO)
        self.json('rules', 'disable', 'one')
        fake.kill()
        fake.wait()
        self.wait_state('waiting', 2)
        fake = self.start_fake()
        self.wait_state('in force', 2)
        control = self.restart(control)
        self.wait_state('in force', 2)
        self.assertEqual(self.states(), {'one': 'disabled', 'two': 'active'})
        control.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(control), 0)
        fake.kill()
        fake.wait()
        self.start_control()
        self.wait_state('waiting', 2)
        self.assertEqual(self.states(), {'one': 'disabled', 'two': 'active'})
        self.start_fake()
        self.wait_state('in force', 2)
        self.vexctl('verify')

    def test_history_is_bounded(self):
        config = self.write('history: 3\n', 'control.yaml')
        self.start_fake()
        control = self.start_control('--config', config)
        self.wait_plane('running')
        for i in range(6):
            self.load(ONE + f'# {i}\n')
        self.assertEqual([v['version'] for v in self.history()], [4, 5, 6])
        self.assertIn('no version 3', self.vexctl('rules', 'rollback', '3', code=1)[1])
        self.assertEqual(len(os.listdir(os.path.join(self.state(), 'rules'))), 3)
        self.write('history_bytes: 1\n', 'control.yaml')
        self.restart(control, '--config', config)
        self.wait_state('in force', 6)
        self.load(TWO)
        self.assertEqual([v['version'] for v in self.history()], [7])

    def test_configured_files(self):
        path = self.write(ONE)
        config = self.write(f'rules: [{path}]\n', 'control.yaml')
        self.start_fake()
        control = self.start_control('--config', config)
        self.wait_state('in force', 1)
        self.write(TWO)
        control.send_signal(signal.SIGHUP)
        self.wait_state('in force', 2)
        self.assertEqual(self.history()[1]['action'], 'reload')
        control.send_signal(signal.SIGHUP)
        wait_for(lambda: 'rules: reload: nothing to change' in self.log(), 'the second reload')
        self.write('- rule: x\n  condition: nonsense\n')
        control.send_signal(signal.SIGHUP)
        wait_for(lambda: 'rules: reload: ' in self.log() and "no such macro 'nonsense'" in self.log(),
                 'the refusal')
        self.assertEqual(self.status()['version'], 2)
        self.restart(control, '--config', config)
        self.wait_state('in force', 2)

    def test_configured_files_that_did_not_change(self):
        path = self.write(TWO, 'configured.yaml')
        config = self.write(f'rules: [{path}]\n', 'control.yaml')
        self.start_fake()
        control = self.start_control('--config', config)
        self.wait_state('in force', 1)

        def hang_up():
            times = self.log().count('rules: reload: nothing to change')
            control.send_signal(signal.SIGHUP)
            wait_for(lambda: self.log().count('rules: reload: nothing to change') > times,
                     'the reload that changes nothing')

        self.json('rules', 'disable', 'one')
        hang_up()
        self.assertEqual(self.states(), {'one': 'disabled', 'two': 'active'})
        self.load(ONE)
        hang_up()
        self.assertEqual((self.status()['version'], self.states()), (3, {'one': 'active'}))
        control = self.restart(control, '--config', config)
        self.wait_state('in force', 3)
        hang_up()
        self.json('rules', 'rollback', '2')
        hang_up()
        self.assertEqual(self.status()['version'], 4)
        self.write(TWO + '# changed\n', 'configured.yaml')
        control.send_signal(signal.SIGHUP)
        self.wait_state('in force', 5)
        self.assertEqual(self.states(), {'one': 'active', 'two': 'active'})
        hang_up()

    def test_order_of_two_who_come_at_once(self):
        self.start_both()
        path = self.write(TWO)
        loads = [self.spawn([Programs.vexctl, '--control', self.control_socket, 'rules', 'load',
                             path], stdout=-3, stderr=subprocess.PIPE) for _ in range(8)]
        said = [load.communicate(timeout=20)[1].decode() for load in loads]
        good = sum(load.returncode == 0 for load in loads)
        self.assertGreater(good, 0)
        for load, text in zip(loads, said):
            self.assertIn(load.returncode, (0, 1))
            if load.returncode:
                self.assertIn('another change of the rules is under way', text)
        self.assertEqual(len(self.history()), good)


class Bad(Changes):
    def test_data_plane_is_ahead(self):
        """Killed when the data plane had a version and the disk did not name it yet."""
        _, control = self.start_both()
        for text in (ONE, TWO, ONE):
            self.load(text)
        control.kill()
        control.wait()
        os.unlink(self.version_path(3))
        self.start_control()
        self.wait_state('in force')
        self.assertEqual(self.states(), {'one': 'active', 'two': 'active'})
        self.assertGreater(self.status()['version'], 2)

    def test_wrong_rules(self):
        self.start_both()
        self.load(ONE)
        path = self.write('- rule: x\n  condition: fd.nam = a and user.uid = b\n', 'bad.yaml')
        out, err = self.vexctl('rules', 'load', path, code=78)
        self.assertEqual(out, '')
        self.assertIn(f"{path}:2:14: error: no such field 'fd.nam'; did you mean fd.name?", err)
        self.assertIn('nothing was loaded', err)
        self.vexctl('rules', 'load', f'{self.folder}/none', code=1)
        self.assertEqual(self.status()['version'], 1)
        for words in (['load'], ['load', '--no-such', path], ['enable'], ['disable'],
                      ['rollback'], ['rollback', 'x'], ['rollback', '1', '2'], ['status', 'x'],
                      ['history', 'x'], ['text', 'x'], ['disable', '--dry-run', 'one'],
                      ['load', '--message', b'\xff', path]):
            self.vexctl('rules', *words, code=2)
        self.assertEqual(self.status()['version'], 1)

    def test_no_data_plane(self):
        self.start_control()
        _, err = self.vexctl('rules', 'load', self.write(ONE), code=1)
        self.assertRegex(err, 'data plane not running .*nothing was changed')
        self.assertEqual(self.history(), [])
        _, err = self.vexctl('--control', f'{self.folder}/none', 'rules', 'load',
                             self.write(ONE), code=1)
        self.assertIn('nobody listens there', err)

    def test_refused(self):
        fake, _ = self.start_both()
        self.load(ONE)
        fake.kill()
        fake.wait()
        self.wait_plane('not running')
        fake = self.start_fake('refuse-rules')
        self.wait_state('refused')
        self.assertIn('not these rules', self.vexctl('rules', 'status')[0])
        _, err = self.vexctl('rules', 'load', self.write(TWO), code=1)
        self.assertIn('the data plane refused: not these rules', err)
        self.assertEqual([v['version'] for v in self.history()], [1])
        self.assertEqual(os.listdir(os.path.join(self.state(), 'rules')), ['0000000001.rules'])
        fake.kill()
        fake.wait()
        self.start_fake()
        self.wait_state('in force', 1)
        self.assertEqual(self.states(), {'one': 'active'})

    def begin_load(self, text):
        """A load that a mute data plane does not answer."""
        load = self.spawn([Programs.vexctl, '--control', self.control_socket, 'rules', 'load',
                           self.write(text)], stdout=-3, stderr=subprocess.PIPE)
        wait_for(lambda: (self.status()['change'] or {}).get('phase') == 'publishing', 'the load')
        return load

    def test_one_at_a_time(self):
        fake, _ = self.start_both('mute-rules')
        load = self.begin_load(ONE)
        self.assertIn('under way: load, publishing', self.vexctl('rules', 'status')[0])
        for words in (['load', self.write(ONE)], ['enable', 'one'], ['rollback', '1']):
            _, err = self.vexctl('rules', *words, code=1)
            self.assertIn('another change of the rules is under way: load, publishing, by user '
                          f'{os.getuid()}; try again', err)
        self.json('port', 'move', '0', '1')
        fake.kill()
        fake.wait()
        self.assertIn(b'went away before it answered', load.communicate(timeout=20)[1])
        self.assertEqual(load.returncode, 1)
        self.assertEqual(self.history(), [])
        self.start_fake()
        self.wait_plane('running')
        self.load(ONE)

    def test_caller_goes_away(self):
        fake, _ = self.start_both('mute-rules')
        load = self.begin_load(ONE)
        load.kill()
        load.wait()
        fake.kill()
        fake.wait()
        wait_for(lambda: not self.status()['change'], 'the end of the change')
        self.start_fake()
        self.wait_plane('running')
        self.assertEqual(self.load(TWO)['active'], 2)

    def test_data_plane_dies_of_it(self):
        fake, _ = self.start_both()
        self.load(ONE)
        fake.kill()
        fake.wait()
        self.wait_plane('not running')
        fake = self.start_fake('die-rules')
        fake.wait()
        self.start_fake()
        self.wait_state('in force', 1)

    def test_control_killed_in_the_middle(self):
        fake, control = self.start_both('mute-rules')
        self.begin_load(ONE)
        self.assertEqual(os.listdir(os.path.join(self.state(), 'rules')), ['.new.rules'])
        fake.kill()
        fake.wait()
        self.start_fake()
        control = self.restart(control)
        self.wait_plane('running')
        self.assertEqual(self.status()['state'], 'none')
        self.assertEqual(os.listdir(os.path.join(self.state(), 'rules')), [])
        self.load(ONE)

    def test_stopped_in_the_middle(self):
        _, control = self.start_both('mute-rules')
        load = self.begin_load(ONE)
        control.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(control), 0)
        self.assertEqual(self.finish(load), 1)

    def test_damaged_versions(self):
        fake, control = self.start_both()
        self.load(ONE)
        self.load(TWO)
        with open(self.version_path(2), 'rb') as file:
            whole = file.read()
        for damage in ([whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1:]
                        for i in range(0, len(whole), 37)] + [whole[:-1], whole + b'x', b'']):
            for process in (control, fake):
                process.kill()
                process.wait()
            with open(self.version_path(2), 'wb') as file:
                file.write(damage)
            fake, control = self.start_both()
            self.wait_state('in force', 1)
            self.assertEqual(self.states(), {'one': 'active'})
            self.assertIn('damaged', self.history()[1])
            self.assertIn("version 2 can't be used", self.vexctl('rules', 'rollback', '2',
                                                                  code=1)[1])
        self.assertRegex(self.vexctl('rules', 'history')[0], r'(?m)^ +2 .*damaged: ')
        self.assertNotIn('damaged: damaged', self.vexctl('rules', 'history')[0])
        for why in ("version 2 is damaged: its head is wrong; it is skipped",
                    "version 2 can't be used: its checksum is wrong; it is skipped",
                    "version 2 is damaged: cut off; it is skipped"):
            self.assertIn(why, self.log())
        self.assertEqual(self.load(TWO)['version'], 3)

    def test_all_versions_damaged(self):
        _, control = self.start_both()
        self.load(ONE)
        control.kill()
        control.wait()
        with open(self.version_path(1), 'r+b') as file:
            file.seek(-1, 2)
            file.write(b'X')
        self.start_control()
        wait_for(lambda: 'there are no rules' in self.log(), 'the complaint')
        self.assertEqual(self.status()['state'], 'none')
        self.load(TWO)

    def test_foreign_files_are_left_alone(self):
        _, control = self.start_both()
        self.load(ONE)
        for name in ('notes.txt', '1.rules', '0000000000.rules', 'x.rules'):
            self.write('precious', f'state/rules/{name}')
        control = self.restart(control)
        self.wait_state('in force')
        self.assertEqual([v['version'] for v in self.history()], [1])
        self.assertEqual(len(os.listdir(os.path.join(self.state(), 'rules'))), 5)
        del control

    @unittest.skipUnless(os.getuid() == 0, 'only root mounts')
    def test_disk_full(self):
        os.mkdir(self.state())
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', self.state()],
                       check=True)
        self.start_both()
        self.load(ONE)
        large = ONE + f'# {"x" * 100000}\n'
        _, err = self.vexctl('rules', 'load', self.write(large), code=1)
        self.assertRegex(err, 'cannot write to .*: No space left on device; nothing was changed')
        self.assertEqual(self.status()['version'], 1)
        self.assertEqual(os.listdir(os.path.join(self.state(), 'rules')), ['0000000001.rules'])
        self.assertEqual(self.load(TWO)['version'], 2)

    def test_no_state_folder(self):
        self.start_fake()
        self.start_control('--state-dir', '/dev/null/state')
        self.wait_plane('running')
        self.assertIn('Not a directory: rules can\'t be changed', self.log())
        _, err = self.vexctl('rules', 'load', self.write(ONE), code=1)
        self.assertIn('Not a directory', err)
        self.assertIn("rules can't be changed", self.vexctl('rules', 'status')[0])
        self.json('show', 'ports')

    def test_state_folder_in_use(self):
        self.start_both()
        other = self.spawn([Programs.control, '--socket', f'{self.folder}/other.sock',
                            '--data-socket', self.data_socket, '--state-dir', self.state()],
                           stderr=subprocess.PIPE)
        self.assertIn(b'another vex-control has', other.stderr.readline())

    @unittest.skipUnless(os.getuid() == 0, 'only root becomes another')
    def test_no_permission(self):
        config = self.write('allow: {users: [65534]}\n', 'control.yaml')
        self.start_fake()
        self.start_control('--config', config)
        self.wait_plane('running')
        self.load(ONE)
        path = self.write(TWO)
        os.chmod(path, 0o644)
        for words in (['load', path], ['load', '--dry-run', path], ['disable', 'one'],
                      ['rollback', '1']):
            _, err = self.vexctl('rules', *words, code=1, user=65534, extra_groups=[])
            self.assertIn('is for root and user', err)
        self.assertIn('one', self.vexctl('rules', 'list', user=65534)[0])
        self.assertRegex(self.log(), r'audit: uid=65534 .*call=rules.load result=failed')

    def test_wrong_bytes(self):
        self.start_both()
        call = b'{"jsonrpc":"2.0","id":1,"method":"%s","params":%s%s}\n%s'
        for data, code in ((call % (b'rules.load', b'{}', b'', b''), -32602),
                           (call % (b'rules.load', b'{}', b',"bytes":4', b'junk'), -32602),
                           (call % (b'rules.load', b'{}', b',"bytes":100', b'x' * 100), -32602),
                           (call % (b'rules.load', b'{"x":1}', b',"bytes":1', b'x'), -32602),
                           (call % (b'rules.load', b'{"message":1}', b'', b''), -32602),
                           (call % (b'rules.load', b'{"dry_run":1}', b'', b''), -32602),
                           (call % (b'rules.enable', b'{}', b'', b''), -32602),
                           (call % (b'rules.enable', b'{"names":[]}', b'', b''), -32602),
                           (call % (b'rules.enable', b'{"names":[1]}', b'', b''), -32602),
                           (call % (b'rules.enable', b'{"names":"x"}', b'', b''), -32602),
                           (call % (b'rules.rollback', b'{"version":-1}', b'', b''), -32602),
                           (call % (b'rules.text', b'{"version":7}', b'', b''), -32004),
                           (call % (b'status', b'{}', b',"bytes":1', b'x'), -32602)):
            self.assertEqual(self.raw(data)['error']['code'], code, data[:90])
        self.load(ONE)
        with open(self.version_path(1), 'rb') as file:
            bundle = file.read()
        for i in range(0, len(bundle), 11):
            wrong = bundle[:i] + bytes([bundle[i] ^ 0x10]) + bundle[i + 1:]
            answer = self.raw(call % (b'rules.load', b'{}', b',"bytes":%d' % len(wrong), wrong))
            self.assertEqual(answer['error']['code'], -32602, i)
        answer = self.raw(call % (b'rules.load', b'{}', b',"bytes":%d' % len(bundle), bundle))
        self.assertEqual(answer['result']['version'], 2)
