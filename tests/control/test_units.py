# SPDX-License-Identifier: BSD-3-Clause
"""What is installed beside the programs: configuration files and systemd units."""
import os
import re
import shutil
import subprocess
import unittest

from support import Case, Programs

CONFIG = os.path.join(os.path.dirname(__file__), '../../config')


class Configuration(Case):
    def check(self, program, name, before=()):
        """The file as it stands, and with every default in it written out."""
        with open(os.path.join(CONFIG, name), encoding='utf-8') as file:
            shipped = file.read()
        written = re.sub(r'^#((?:  )?[a-z_]+:.*)$', r'\1', shipped, flags=re.M)
        self.assertNotEqual(shipped, written)
        for text in (shipped, written):
            path = os.path.join(self.folder, name)
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
            done = subprocess.run([program, *before, '--config', path, '--check-config'],
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_control(self):
        self.check(Programs.control, 'control.yaml')

    def test_dataplane(self):
        self.check(Programs.dataplane, 'dataplane.yaml', ['--'])


class Units(Case):
    def setUp(self):
        super().setUp()
        for name in ('control', 'dataplane', 'fuse'):
            os.symlink(getattr(Programs, name), os.path.join(self.folder, f'vex-{name}'))
        for name in os.listdir(os.path.join(CONFIG, 'systemd')):
            if name.endswith('.service'):
                self.place(name)

    def place(self, name):
        with open(os.path.join(CONFIG, 'systemd', name), encoding='utf-8') as file:
            text = file.read().replace('@bindir@', self.folder).replace('@confdir@', self.folder)
        self.assertNotIn('@', re.sub(r'@system-service|vex-fuse@NAME', '', text))
        with open(os.path.join(self.folder, name.replace('@.', '@x.')), 'w',
                  encoding='utf-8') as file:
            file.write(text)

    @unittest.skipUnless(shutil.which('systemd-analyze'), 'systemd-analyze is not there')
    def test_systemd_accepts_them(self):
        units = [os.path.join(self.folder, name) for name in os.listdir(self.folder)
                 if name.endswith('.service')]
        self.assertEqual(len(units), 3)
        done = subprocess.run(['systemd-analyze', 'verify', '--man=no', *units],
                              capture_output=True, check=False)
        ours = [line for line in done.stderr.decode().splitlines() if 'vex-' in line]
        self.assertEqual(ours, [])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_checks_before_start(self):
        """The line that systemd runs before a start ends with 0 or 78, and starts nothing."""
        for unit, name in (('vex-control.service', 'control.yaml'),
                           ('vex-dataplane.service', 'dataplane.yaml')):
            with open(os.path.join(self.folder, unit), encoding='utf-8') as file:
                text = file.read()
            line = re.search(r'^ExecStartPre=(.*)$', text, re.M).group(1)
            for variable, value in re.findall(r'^Environment="(\w+)=(.*)"$', text, re.M):
                line = line.replace(f'${variable}', value)
            config = os.path.join(self.folder, name)
            shutil.copy(os.path.join(CONFIG, name), config)
            self.assertEqual(self.exit_code(line), 0, line)
            with open(config, 'a', encoding='utf-8') as file:
                file.write('nonsense: 1\n')
            self.assertEqual(self.exit_code(line), 78, line)

    def exit_code(self, line):
        return subprocess.run(line.split(), capture_output=True, timeout=20,
                              check=False).returncode
