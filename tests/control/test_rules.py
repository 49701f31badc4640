# SPDX-License-Identifier: BSD-3-Clause
"""Commands about rules that ask nobody: check, and explain of files."""
import json
import os
import shutil
import subprocess
import unittest

from support import Case, Programs, compile_program

RULE = '- rule: {}\n  condition: {}\n'


class Rules(Case):
    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def check(self, *paths, code=0):
        out, err = self.vexctl('rules', 'check', '--json', *paths, code=code)
        self.assertEqual(err, '')
        return json.loads(out)


class Check(Rules):
    def test_good(self):
        path = self.write('a.yaml', RULE.format('one', 'evt.type = open') +
                          RULE.format('two', 'evt.type = close') + '  enabled: false\n')
        result = self.check(path)
        self.assertEqual((result['ok'], result['active'], result['disabled'], result['errors']),
                         (True, 1, 1, 0))
        self.assertGreater(result['image_bytes'], 0)
        out, err = self.vexctl('rules', 'check', path)
        self.assertTrue(out.startswith('good: 2 rules in 1 files (1 active, 1 disabled'), out)
        self.assertEqual(err, '')
        self.assertIn('\033[32mgood', self.vexctl('rules', 'check', path, '--color=always')[0])

    def test_everything_wrong_in_one_go(self):
        path = self.write('a.yaml', '- macro: a\n  condition: b\n- macro: b\n  condition: a\n' +
                          RULE.format('x', 'fd.nam = /etc/passwd and user.uid = "x"'))
        result = self.check(path, code=78)
        got = {(d['code'], d['line'], d['column']) for d in result['diagnostics']}
        self.assertEqual(got, {('cycle', 4, 14), ('field', 6, 14), ('type', 6, 50)})
        field = [d for d in result['diagnostics'] if d['code'] == 'field'][0]
        self.assertEqual(field['suggestion'], 'fd.name')
        self.assertIn('fd.nam = /etc/passwd', field['source'])
        out, err = self.vexctl('rules', 'check', path, code=78)
        self.assertEqual(out, '1 files: 3 errors, 0 warnings\n')
        self.assertIn(f"{path}:6:14: error: no such field 'fd.nam'; did you mean fd.name?\n", err)
        self.assertIn('\n               ^\n', err)

    def test_bad_input(self):
        for text, code in (('- rule: [\n', 'yaml'), ('x: 1\n', 'shape'),
                           ('- rule: r\n', 'missing'),
                           (RULE.format('r', 'evt.type = open and'), 'syntax'),
                           (RULE.format('r', 'nothing'), 'macro'),
                           (RULE.format('r', 'user.uid startswith a'), 'operator'),
                           (RULE.format('r', 'fd.name regex "("'), 'pattern'),
                           (RULE.format('r', f'fd.name regex "{"(a|b)" * 400}"'), 'limit'),
                           (RULE.format('r', 'fd.name regex "(a{1,900}b){1,900}c"'), 'pattern'),
                           (RULE.format('r', 'evt.type = open') + '  colour: red\n', 'key'),
                           ('- list: l\n  items: [l]\n' + RULE.format('r', 'proc.name in (l)'),
                            'cycle'),
                           ('- include: a.yaml\n', 'include'), (b'- rule: \xff\n', 'yaml'),
                           (RULE.format('r', 'fd.name regex "(.{1,30000}a){5}"'), 'pattern')):
            result = self.check(self.write('a.yaml', text), code=78)
            self.assertIn(code, [d['code'] for d in result['diagnostics']], text[:80])

    def test_nothing(self):
        for text in ('', '# nothing\n', '---\n'):
            result = self.check(self.write('a.yaml', text), code=78)
            self.assertIn('no rules in it', result['diagnostics'][0]['message'])
        self.assertEqual(self.check(self.write('a.yaml', '[]\n'))['active'], 0)
        _, err = self.vexctl('rules', 'disassemble', self.write('a.image', ''), code=78)
        self.assertIn('a.image:1:1: error: no rules in it; write [] if that is meant', err)
        self.vexctl('rules', 'compile', '-o', os.path.join(self.folder, 'b.image'),
                    self.write('a.yaml', ''), code=78)
        self.assertFalse(os.path.exists(os.path.join(self.folder, 'b.image')))

    def test_unsupported_is_a_warning(self):
        result = self.check(self.write('a.yaml', RULE.format('r', 'evt.type = connect')))
        self.assertEqual((result['unsupported'], result['warnings']), (1, 1))
        self.assertEqual(result['diagnostics'][0]['severity'], 'warning')

    def test_folders_and_includes(self):
        self.write('rules/b.yaml', '- include: ../more/c.yaml\n')
        self.write('rules/a.yml', RULE.format('a', 'evt.type = open'))
        self.write('rules/no.txt', 'nonsense')
        self.write('more/c.yaml', RULE.format('c', 'evt.type = open'))
        result = self.check(os.path.join(self.folder, 'rules'))
        self.assertEqual((result['files'], result['active']), (3, 2))
        self.write('more/c.yaml', '- include: gone.yaml\n')
        result = self.check(os.path.join(self.folder, 'rules'), code=78)
        self.assertEqual(result['diagnostics'][0]['code'], 'io')

    @unittest.skipUnless(shutil.which('clang'), 'no clang')
    def test_programs(self):
        path = self.write('a.yaml', '- program: p\n  file: p.o\n' +
                          RULE.format('r', 'evt.type = truncate') + '  program: p\n')
        result = self.check(path, code=78)
        self.assertEqual(result['diagnostics'][0]['code'], 'program')
        program = compile_program(os.path.join(self.folder, 'p.o'), 'return event->size > 5;')
        self.assertEqual(self.check(path)['active'], 1)
        with open(program, 'rb') as file:
            good = file.read()
        for data in (good[:100], b'', b'\x7fELF' + b'\0' * 900, good.replace(b'filter', b'failed')):
            self.write('p.o', data)
            self.check(path, code=78)
        compile_program(program, 'return ((const uint64_t *)event)[sizeof(*event) / 8];')
        _, err = self.vexctl('rules', 'check', path, code=78)
        self.assertIn(f"{path}:1:12: error: program 'p': {program}: section 'filter': "
                      'instruction 0 is out of bounds of the event', err)

    def test_unreadable(self):
        result = self.check(os.path.join(self.folder, 'none'), code=1)
        self.assertIn('No such file', result['diagnostics'][0]['message'])
        self.check('/dev/null', code=1)

    def test_terminal_is_safe(self):
        path = self.write('a.yaml', '- rule: x\n  condition: "evt.type = \\e[31m"\n')
        self.assertNotIn('\033', self.vexctl('rules', 'check', path, code=78)[1])

    def test_usage(self):
        for words in ([], ['--no-such', 'x']):
            _, err = self.vexctl('rules', 'check', *words, code=2)
            self.assertIn('rules check', err)


    def test_folder_without_rules(self):
        os.makedirs(os.path.join(self.folder, 'empty'))
        result = self.check(os.path.join(self.folder, 'empty'), code=1)
        self.assertIn('no *.yaml', result['diagnostics'][0]['message'])
        path = self.write('a.yaml', '- include: empty\n')
        self.assertTrue(self.check(path)['ok'], 'a folder that is included may be empty')
        self.assertTrue(self.check(self.write('b.yaml', '[]\n'))['ok'])

    def test_pipes(self):
        text = RULE.format('r', 'evt.type = open')
        for path in ('-', '/dev/stdin'):
            done = subprocess.run([Programs.vexctl, 'rules', 'check', '--json', path],
                                  input=text.encode(), capture_output=True, check=True)
            self.assertEqual(json.loads(done.stdout)['active'], 1, path)
        fifo = os.path.join(self.folder, 'rules')
        os.makedirs(fifo)
        os.mkfifo(os.path.join(fifo, 'a.yaml'))
        self.assertIn('not a file', self.check(fifo, code=1)['diagnostics'][0]['message'])


class Images(Rules):
    def test_compile_and_disassemble(self):
        path = self.write('a.yaml', RULE.format('one', 'evt.type = open and fs.size > 3'))
        image = os.path.join(self.folder, 'a.image')
        result = json.loads(self.vexctl('rules', 'compile', path, '-o', image, '--json')[0])
        self.assertEqual((result['ok'], result['active'], result['image']), (True, 1, image))
        with open(image, 'rb') as file:
            data = file.read()
        self.assertEqual(len(data), result['image_bytes'])
        done = subprocess.run([Programs.vexctl, 'rules', 'compile', path, '-o', '-'],
                              capture_output=True, check=True)
        self.assertEqual(done.stdout, data)
        out, _ = self.vexctl('rules', 'disassemble', image)
        self.assertIn('rule 0 "one" active', out)
        self.assertIn('class critical', out)
        self.assertEqual(self.vexctl('rules', 'disassemble', path)[0], out)
        self.assertEqual(json.loads(self.vexctl('rules', 'disassemble', image, '--json')[0]),
                         {'image_bytes': len(data), 'text': out})
        self.write('b.image', data[:-1] + bytes([data[-1] ^ 1]))
        out, err = self.vexctl('rules', 'disassemble', os.path.join(self.folder, 'b.image'), code=78)
        self.assertEqual(out, '')
        self.assertIn('b.image: ', err)

    def test_nothing_is_written_where_it_is_wrong(self):
        image = self.write('a.image', 'as it was')
        bad = self.write('a.yaml', RULE.format('one', 'evt.typ = open'))
        self.assertIn('evt.type?', self.vexctl('rules', 'compile', bad, '-o', image, code=78)[1])
        with open(image, encoding='utf-8') as file:
            self.assertEqual(file.read(), 'as it was')
        good = self.write('b.yaml', RULE.format('one', 'evt.type = open'))
        self.vexctl('rules', 'compile', good, '-o', os.path.join(self.folder, 'no/x'), code=1)
        self.assertEqual(sorted(os.listdir(self.folder)), ['a.image', 'a.yaml', 'b.yaml'])
        for words in ([good], ['-o', image], [good, '-o'], [good, '-x']):
            self.vexctl('rules', 'compile', *words, code=2)

    def test_wrong_rules_as_json(self):
        bad = self.write('a.yaml', RULE.format('one', 'evt.typ = open'))
        event = self.write('event.json', '{"type":"open"}')
        for words in (['load', bad], ['explain', event, '--rules', bad], ['disassemble', bad],
                      ['compile', bad, '-o', os.path.join(self.folder, 'x')]):
            result = json.loads(self.vexctl('rules', *words, '--json', code=78)[0])
            self.assertEqual((result['ok'], result['errors']), (False, 1))
            self.assertEqual(result['diagnostics'][0]['suggestion'], 'evt.type')


class Explain(Rules):
    def explain(self, event, *options):
        path = self.write('event.json', json.dumps(event))
        result = json.loads(self.vexctl('rules', 'explain', path, '--json', *options)[0])
        return {rule['name']: rule.get('why', 'matches') for rule in result['rules']}

    def test_why(self):
        rules = self.write('a.yaml', RULE.format('path', 'evt.type = open and fd.name = /a') +
                           RULE.format('size', 'evt.type = open and fs.size > 10') +
                           RULE.format('off', 'evt.type = open') + '  enabled: false\n' +
                           RULE.format('peer', 'evt.type = open and fd.sip = 1.2.3.4') +
                           RULE.format('first', 'user.uid = 7') + '  match: first\n' +
                           RULE.format('last', 'evt.type = open'))
        event = {'type': 'open', 'path': '/a', 'uid': 7, 'offset': 0, 'size': 10}
        said = self.explain(event, '--rules', rules)
        self.assertEqual(said['path'], 'matches')
        self.assertEqual(said['size'], 'fs.size > 10 is false (the event has 10)')
        self.assertEqual(said['off'], 'disabled')
        self.assertTrue(said['peer'].startswith('unsupported: fd.sip ('))
        self.assertEqual(said['first'], 'matches')
        self.assertEqual(said['last'], 'an earlier rule has match: first')
        self.assertEqual(self.explain({**event, 'uid': 8}, '--rules', rules)['last'], 'matches')
        path = self.write('event.json', json.dumps(event))
        out, _ = self.vexctl('rules', 'explain', '--matching', path, '--rules', rules)
        self.assertEqual(out.splitlines()[1:],
                         ['path: matches', 'first: matches', 'The event names: path'])

    def test_names_the_rule_of_the_highest_priority(self):
        rules = self.write('a.yaml', RULE.format('low', 'evt.type = open') +
                           RULE.format('high', 'evt.type = open') + '  priority: CRITICAL\n' +
                           RULE.format('other', 'evt.type = close') + '  priority: EMERGENCY\n')
        for event, named in (('open', 'high'), ('close', 'other'), ('read', None)):
            path = self.write('event.json', json.dumps({'type': event}))
            said = self.json('rules', 'explain', path, '--rules', rules)
            self.assertEqual(said.get('named'), named)

    @unittest.skipUnless(shutil.which('clang'), 'no clang')
    def test_programs(self):
        compile_program(os.path.join(self.folder, 'p.o'), 'return VEX_ENDS(event, ".iso");')
        path = self.write('a.yaml', '- program: p\n  file: p.o\n' +
                          RULE.format('r', 'evt.type = open') + '  program: p\n')
        event = {'type': 'open', 'path': '/a/b.iso'}
        self.assertEqual(self.explain(event, '--rules', path), {'r': 'matches'})
        event['path'] = '/a/b.img'
        self.assertIn('program "p" is false', self.explain(event, '--rules', path)['r'])

    def test_names_of_several_lines(self):
        rules = self.write('a.yaml', '- rule: "a\\nb: matches\\nc"\n  condition: evt.type = open\n' +
                           RULE.format('d', 'evt.type = close'))
        said = self.explain({'type': 'open'}, '--rules', rules)
        self.assertEqual(said, {'a\nb: matches\nc': 'matches',
                                'd': 'evt.type in (close) is false (the event has open)'})

    def test_standard_input_and_captures(self):
        rules = self.write('a.yaml', RULE.format('r', 'evt.type = open'))
        done = subprocess.run([Programs.vexctl, 'rules', 'explain', '-', '--rules', rules],
                              input=b'{"type":"open"}\n', capture_output=True, check=True)
        self.assertIn(b'r: matches', done.stdout)
        capture = os.path.join(self.folder, 'x.pcap')
        subprocess.run([Programs.samples, capture], check=True)
        out, _ = self.vexctl('rules', 'explain', f'{capture}:3', '--rules', rules)
        self.assertEqual(len(out.splitlines()), 2)
        for number, why in (('0', 'has no packet 0'), ('999999', 'has no packet 999999')):
            _, err = self.vexctl('rules', 'explain', f'{capture}:{number}', '--rules', rules,
                                 code=1)
            self.assertIn(why, err)

    def test_gaps(self):
        rules = self.write('a.yaml', RULE.format('r', 'event.category = control') +
                           RULE.format('all', 'event.node >= 0'))
        gap = {'type': 'gap', 'boundary': 'kernel', 'gap': {'first': 1, 'last': 2, 'count': 2}}
        self.assertEqual(set(self.explain(gap, '--rules', rules).values()),
                         {'gaps are no business of rules: everyone gets them'})
        path = self.write('event.json', json.dumps(gap))
        out, _ = self.vexctl('rules', 'explain', path, '--rules', rules)
        self.assertNotIn('The event names', out)
        for condition in ('event.category = control', 'evt.type = gap', 'evt.type = gap and uid',
                          'evt.type = gap or event.category = control and fs.size > 5'):
            text = '- macro: uid\n  condition: user.uid = 0\n' + RULE.format('r', condition)
            said = self.check(self.write('a.yaml', text))['diagnostics']
            self.assertEqual([d['message'] for d in said],
                             ["rule 'r' never matches: gaps are no business of rules"], condition)
        for condition in ('evt.type in (gap, open)', 'evt.type = gap or user.uid = 0',
                          'not evt.type = gap', 'event.category in (control, file)'):
            self.assertEqual(self.check(self.write('a.yaml', RULE.format('r', condition)))
                             ['warnings'], 0, condition)

    def test_what_tail_prints(self):
        rules = self.write('a.yaml', RULE.format('r', 'fs.ino = 18446744073709551615'))
        path = self.write('event.json', '{"type":"open","ino":18446744073709551615,"dev":1}\n')
        out, _ = self.vexctl('rules', 'explain', path, '--rules', rules)
        self.assertIn('r: matches', out)

    def test_wrong_events(self):
        rules = self.write('a.yaml', RULE.format('r', 'evt.type = open'))
        for text, why in (('{"type":"open",', 'expected near end of file'),
                          ('{"typ":"open"}', 'unknown key "typ"'), ('', 'expected near'),
                          ('{"type":"open"}\n{"type":"close"}\n', 'end of file expected'),
                          ('{"type":"open","result":4294967294}', 'of 32 bits'),
                          ('{"type":"open"' + ' ' * (4 << 20) + '}', 'File too large')):
            path = self.write('event.json', text)
            self.assertIn(why, self.vexctl('rules', 'explain', path, '--rules', rules,
                                           code=1)[1])
        self.assertIn('No such file', self.vexctl('rules', 'explain', '/none', '--rules', rules,
                                                  code=1)[1])
        for words in ([], ['a', 'b'], ['--no-such']):
            self.vexctl('rules', 'explain', *words, code=2)
        path = self.write('event.json', '{"type":"open"}')
        self.assertIn("no such macro 'x'", self.vexctl(
            'rules', 'explain', path, '--rules', self.write('b.yaml', RULE.format('r', 'x')),
            code=78)[1])
