# SPDX-License-Identifier: BSD-3-Clause
"""Every command line of vexctl that the README and the pages show works as it is shown."""
import glob
import os
import re
import shutil
import stat
import subprocess

from support import LIMIT_S, Programs, RealCase

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '../..'))
VERSIONS = 12  # docs/rules.md goes back to this one
STREAM_S = 1

# Lines that show no command.
NO_COMMANDS = {
    'vexctl [OPTION]... COMMAND [ARGUMENT]...': 'how commands are made up',
}
# Lines that can't work here, what they then say, and why; tests/kmod runs them in a machine of its
# own.
NO_TAP = (1, 'has no kernel tap')
FAILS = {
    "vexctl kernel select path=/srv type='create|rename|delete'": NO_TAP,
    'vexctl kernel status': NO_TAP,
    'vexctl kernel disable': NO_TAP,
}

# What goes on until Ctrl-C is ended after a while.
WRAPPER = '''#!/bin/sh
for word; do
	case $word in tail | top | capture) exec {vexctl} "$@" --timeout {seconds} ;; esac
done
exec {vexctl} "$@"
'''
EVENT = '{"type": "open", "path": "/etc/shadow", "comm": "cat", "uid": 1000}\n'


def blocks(text):
    """The lines that stand in blocks of code, fenced or indented, continued ones joined."""
    fenced = False
    before = ''
    for line in text.replace('\\\n', ' ').splitlines():
        if line.startswith('```'):
            fenced = not fenced
        elif fenced or (line.startswith('    ') and before in ('', 'code')):
            yield line.strip()
            before = 'code'
            continue
        before = line.strip()


def command_lines():
    pages = [os.path.join(ROOT, 'README.md'), *sorted(glob.glob(os.path.join(ROOT, 'docs/*.md')))]
    for path in pages:
        with open(path, encoding='utf-8') as file:
            for line in blocks(file.read()):
                if re.search(r'(^|[|;&/] ?)vexctl ', line):
                    yield os.path.relpath(path, ROOT), re.sub(r'\s+# .*', '', line)


class DocsRun(RealCase):
    def write(self, name, text, mode=0o644):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, mode)

    def lay_out(self):
        """What the lines name: the programs, the rules, an event, a dozen versions of the rules."""
        rules = os.path.join(ROOT, 'config/rules')
        os.symlink(os.path.join(ROOT, 'config'), os.path.join(self.folder, 'config'))
        os.symlink(Programs.dissector, os.path.join(self.folder, 'vexplane.lua'))
        self.write('build/control/vexctl',
                   WRAPPER.format(vexctl=Programs.vexctl, seconds=STREAM_S), stat.S_IRWXU)
        self.write('event.json', EVENT)
        os.mkdir(os.path.join(self.folder, 'rules.d'))
        shutil.copy(os.path.join(rules, 'secrets-read.yaml'), os.path.join(self.folder, 'rules.d'))
        for _ in range(VERSIONS):
            self.vexctl('rules', 'load', os.path.join(self.folder, 'rules.d'))

    def run_line(self, line):
        path = os.path.join(self.folder, 'build/control') + ':' + os.environ['PATH']
        return subprocess.run(
            ['bash', '-o', 'pipefail', '-c', line], cwd=self.folder, capture_output=True,
            text=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, 'PATH': path, 'VEX_SOCKET': self.data_socket,
                 'VEX_CONTROL_SOCKET': self.control_socket})

    def test_every_line(self):
        self.start()
        self.lay_out()
        writer = self.client('publish', 'writer', '0')
        left = {*NO_COMMANDS, *FAILS}
        for page, line in command_lines():
            left.discard(line)
            if line in NO_COMMANDS or ('tshark' in line and not shutil.which('tshark')):
                continue
            code, words = FAILS.get(line, (0, ''))
            with self.subTest(page=page, line=line):
                done = self.run_line(line)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn(words, done.stderr)
        self.assertEqual(left, set(), 'lines that no page shows any more')
        self.end(writer)
        self.vexctl('verify', '--wait', str(LIMIT_S), '--quiet')
