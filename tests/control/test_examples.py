# SPDX-License-Identifier: BSD-3-Clause
"""The example rules are good, and each of them matches what it is meant for, and no more."""
import glob
import json
import os

from support import Case

FOLDER = os.path.join(os.path.dirname(__file__), '../../config/rules')


def event(kind, path, **more):
    return {'type': kind, 'path': path, 'comm': 'cat', 'uid': 1000, 'pid': 7, **more}


# For each rule: events that it matches, and events that it does not.
EVENTS = {
    'Files removed': ([event('delete', '/home/a/b'), event('rmdir', '/srv/x')],
                      [event('delete', '/home/a/b', comm='dpkg'), event('delete', '/tmp/b'),
                       event('delete', '/home/a/b', result=-2), event('open', '/home/a/b')]),
    'Files renamed to an extension of ransomware': (
        [event('rename', '/a', path2='/a.locked'), event('rename', '/a', path2='/b/c.enc')],
        [event('rename', '/a.locked', path2='/a'), event('rename', '/a', path2='/a.encore'),
         event('rename', '/a', path2='/a.locked', result=-1)]),
    'Data set complete': ([event('rename', '/srv/data/.x', path2='/srv/data/x.parquet')],
                          [event('rename', '/srv/data/.x', path2='/srv/data/x.tmp'),
                           event('rename', '/srv/data/.x', path2='/home/x.parquet'),
                           event('create', '/srv/data/x.parquet')]),
    'Job complete': ([event('close', '/srv/data/t/_SUCCESS')],
                     [event('close', '/srv/data/t/x_SUCCESS'), event('open', '/srv/data/_SUCCESS'),
                      event('close', '/home/_SUCCESS')]),
    'Secrets read': ([event('open', '/etc/shadow'), event('open', '/home/a/.ssh/id'),
                      event('open', '/etc/shadow', comm='ssh')],
                     [event('open', '/etc/shadow', comm='sshd'), event('open', '/etc/passwd'),
                      event('open', '/home/a/.ssh/id', comm='ssh'),
                      event('open', '/etc/shadow', result=-13), event('close', '/etc/shadow')]),
    'Secrets tried': ([event('open', '/etc/shadow', result=-13)],
                      [event('open', '/etc/shadow'), event('open', '/etc/shadow', result=-2),
                       event('open', '/etc/passwd', result=-13)]),
    'Scratch': ([event('write', '/tmp/a'), event('open', '/home/a/.cache/x/y')],
                [event('write', '/tmpx'), event('write', '/home/a/cache')]),
    'Objects of compilers': ([event('write', '/src/a.o'), event('read', '/a/b.pyc')],
                             [event('write', '/src/a.c'), event('rename', '/src/a.o')]),
    'Access of persons': ([event('read', '/srv/medical/1')],
                          [event('write', '/srv/medical/1'), event('read', '/srv/m')]),
    'Backups may wait': ([event('read', '/a', comm='restic')], [event('read', '/a')]),
}


class Examples(Case):
    def files(self):
        return sorted(glob.glob(f'{FOLDER}/*.yaml'))

    def test_good(self):
        self.assertTrue(self.files())
        for path in self.files():
            result = self.json('rules', 'check', path)
            self.assertEqual((result['warnings'], result['disabled'], result['unsupported']),
                             (0, 0, 0), path)
        self.json('rules', 'check', *self.files())

    def matching(self, what, rules):
        path = os.path.join(self.folder, 'event.json')
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(what, file)
        said = self.json('rules', 'explain', path, '--rules', rules)['rules']
        return {rule['name']: rule['matches'] for rule in said}

    def test_each_rule(self):
        seen = set()
        for rules in self.files():
            for name in self.matching(event('open', '/'), rules):
                seen.add(name)
                for wanted, events in zip((True, False), EVENTS[name]):
                    for what in events:
                        self.assertEqual(self.matching(what, rules)[name], wanted, (name, what))
        self.assertEqual(seen, set(EVENTS))

    def test_loaded_together(self):
        self.start_both()
        result = self.json('rules', 'load', *self.files())
        self.assertEqual(result['active'], len(EVENTS))
