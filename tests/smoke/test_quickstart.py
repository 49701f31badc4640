#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""tools/quickstart: what it refuses at once, and that it does not wait for who is gone."""
import os
import shutil
import stat
import subprocess
import tempfile
import unittest

TOOLS = os.path.join(os.path.dirname(os.path.realpath(__file__)), '../../tools')
LIMIT_S = 20  # it waits for 30 s for a program that runs
NO_PACKAGES = 'say() { :; }\nneed_root() { :; }\ninstall_packages() { :; }\n' \
    'build_packages= run_packages=\n'


class Quickstart(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='vex-quickstart-')
        self.addCleanup(shutil.rmtree, self.folder)

    def run_it(self, *args, tools=TOOLS, **env):
        return subprocess.run([os.path.join(tools, 'quickstart'), *args], capture_output=True,
                              text=True, timeout=LIMIT_S, check=False,
                              stdin=subprocess.DEVNULL, env={**os.environ, **env})

    def script(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, stat.S_IRWXU)

    def test_no_place_for_the_mirror(self):
        for directory, temporary in (('/', '/tmp'), (self.folder, self.folder),
                                     (self.folder, os.path.join(self.folder, 'a'))):
            os.makedirs(temporary, exist_ok=True)
            done = self.run_it('--once', directory, TMPDIR=temporary)
            self.assertEqual((done.returncode, done.stdout), (2, ''))
            self.assertEqual(done.stderr.count('\n'), 1, done.stderr)
            self.assertIn('TMPDIR', done.stderr)

    def test_a_program_that_ends(self):
        """Its programs are played by scripts here; the data plane ends with an error."""
        tools = os.path.join(self.folder, 'tools')
        self.script('tools/packages.sh', NO_PACKAGES)
        shutil.copy(os.path.join(TOOLS, 'quickstart'), tools)
        self.script('build/build.ninja', '')
        self.script('bin/ninja', '#!/bin/sh\n')
        self.script('build/dataplane/vex-dataplane', '#!/bin/sh\necho no such core >&2\nexit 2\n')
        done = self.run_it('--once', tools=tools,
                           PATH=os.path.join(self.folder, 'bin') + ':' + os.environ['PATH'])
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn('vex-dataplane ended', done.stderr)
        self.assertIn('no such core', done.stderr)


if __name__ == '__main__':
    unittest.main(verbosity=2)
