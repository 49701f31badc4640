# SPDX-License-Identifier: BSD-3-Clause
"""The pages tell of what is there: every call, command and option."""
import os
import re

from support import Case, Programs

DOCS = os.path.join(os.path.dirname(__file__), '../../docs')


def page(name):
    with open(os.path.join(DOCS, name), encoding='utf-8') as file:
        return file.read()


class Docs(Case):
    def test_table_of_calls(self):
        self.start_control()
        rows = []
        for call in self.json('show', 'calls')['calls']:
            params = ', '.join(f'`{name}`: {kind}' for name, kind in call['params'].items())
            rows.append(f'| `{call["method"]}` | {call["role"]} | {params} | {call["help"]} |')
        table = page('control.md').split('|---|---|---|---|\n')[1]
        self.assertEqual(table.splitlines(), rows)

    def test_commands(self):
        usages = [line[2:32].strip() for line in self.vexctl('help')[0].splitlines()
                  if re.match('  [a-z]', line)]
        headings = re.findall(r'^### `vexctl (.*)`$', page('vexctl.md'), re.M)
        self.assertEqual(sorted(headings), sorted(usages))

    def test_options(self):
        text = page('vexctl.md')
        sections = dict(re.findall(r'^### `vexctl ([a-z ]+[a-z]).*`$\n((?:(?!#).*\n)*)', text,
                                   re.M))
        for words, section in sections.items():
            said = self.vexctl(*words.split(), '--help')[0]
            options = re.findall(r'^  (--?[a-z]+)', said, re.M)
            self.assertEqual(sorted(options), sorted(re.findall(r'^\| `(--?[a-z]+)', section,
                                                                re.M)), words)

    def test_options_of_the_daemon(self):
        done = self.spawn([Programs.control, '--help'], stdout=-1)
        said = done.communicate()[0].decode()
        table = page('control.md')
        for option in re.findall(r'^  (--[a-z-]+)', said, re.M):
            if option not in ('--help', '--version'):
                self.assertIn(f'| `{option}', table)
