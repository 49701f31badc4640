#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""vex-dataplane's options, configuration and socket: one clear line and the right exit code."""
import ctypes
import os
import shutil
import signal
import socket
import stat
import subprocess
import unittest

import raw
from anyone import reach
from processes import Case, LIMIT_S, program, wait_for

OK, USAGE, CONFIG = 0, 2, 78
EAL = ('--no-huge', '--in-memory', '-m', '128', '--lcores', '0@0,1@1')
NOBODY = 65534
STRANGER = 12345


class Options(Case):
    def run_plane(self, *args, **more):
        path = program('VEX_DATAPLANE')
        if 'user' in more:
            path, more['env'] = reach(self.folder, path)
        done = subprocess.run([path, *args], capture_output=True, text=True,
                              timeout=LIMIT_S, check=False, **more)
        return done.returncode, done.stdout, done.stderr

    def refuses(self, code, words, *args, eal=EAL, **more):
        """Ends with this code, after one line that holds the words."""
        got, out, err = self.run_plane(*eal, '--', *args, **more)
        self.assertEqual(got, code, err)
        self.assertEqual(out, '')
        self.assertEqual(err.count('\n'), 1, err)
        for word in words:
            self.assertIn(word, err)
        self.assertNotIn('\033', err)

    def config(self, text):
        path = os.path.join(self.folder, 'dataplane.yaml')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def test_help_and_version_with_or_without_separator(self):
        for args in (['--help'], ['-h'], ['--', '--help'], [*EAL, '--', '-h']):
            code, out, err = self.run_plane(*args)
            self.assertEqual((code, err), (OK, ''))
            self.assertIn('--socket PATH', out)
        for args in (['--version'], ['--', '--version'], [*EAL, '--', '--version']):
            code, out, err = self.run_plane(*args)
            self.assertEqual((code, err), (OK, ''), args)
            self.assertRegex(out, r'^vex-dataplane \d+\.\d+\.\d+\n$')

    def test_every_option_is_in_the_help(self):
        _, text, _ = self.run_plane('--help')
        for name in ('socket', 'config', 'check-config', 'idle', 'spin-us', 'settle-ms', 'node',
                     'events', 'long-events', 'ring-max', 'lane-memory', 'kernel-tap', 'kernel-ring',
                     'kernel-return-rate',
                     'rules-image', 'rules-wait-ms',
                     'allow-anyone', 'log-json', 'log-level'):
            self.assertIn('--' + name, text)

    def test_options_of_its_own(self):
        self.refuses(USAGE, ['--bogus'], '--bogus')
        self.refuses(USAGE, ['extra', 'see --help'], 'extra')
        self.refuses(USAGE, ['--idle'], '--idle')
        self.refuses(USAGE, ['--idle', 'fast', 'poll or adaptive'], '--idle', 'fast')
        self.refuses(USAGE, ['--log-level', 'loud', 'warning'], '--log-level', 'loud')
        self.refuses(USAGE, ['--ring-max', '12345', 'power of two'], '--ring-max', '12345')
        self.refuses(USAGE, ['--kernel-ring', '12345', 'power of two'], '--kernel-ring', '12345')
        self.refuses(USAGE, ['--kernel-return-rate', '1 to'], '--kernel-return-rate', '0')
        self.refuses(USAGE, ['--kernel-tap', 'path of a device'], '--kernel-tap=')

    def test_numbers(self):
        for text in ('', 'x', '1x', '-1', ' 1', '1e3', '1000001', '99999999999999999999999'):
            self.refuses(USAGE, ['--spin-us', text, '0 to 1000000'], '--spin-us', text)
        self.refuses(USAGE, ['--events', '1024'], '--events', '1023')
        self.refuses(USAGE, ['--rules-wait-ms', '600000'], '--rules-wait-ms', '600001')
        self.refuses(USAGE, ['--node', '4294967295'], '--node', '4294967296')

    def test_options_of_eal(self):
        more = ('--socket', self.socket)
        self.refuses(USAGE, ['EAL', 'lcore'], *more, eal=('--no-huge', '-l', '0-99'))
        self.refuses(USAGE, ['EAL', 'core list'], *more, eal=('--no-huge', '-l', 'abc'))
        hint = 'own options stand behind --'
        self.refuses(USAGE, ['--nonsense', hint], *more, eal=('--no-huge', '--nonsense'))
        self.refuses(USAGE, ['--socket', hint], eal=('--no-huge', '--socket', self.socket))
        self.assertFalse(os.path.exists(self.socket))

    def test_secondary_processes(self):
        for words in (['--proc-type=secondary'], ['--proc-type', 'secondary'], ['--proc=x']):
            self.refuses(USAGE, ['primary', '--file-prefix'], '--socket', self.socket,
                         eal=(*EAL, *words))
        self.assertFalse(os.path.exists(self.socket))
        for kind in ('primary', 'auto'):
            plane = self.plane(eal=['--proc-type', kind])
            self.assertEqual(plane.end(), OK)

    def test_one_lcore_only(self):
        self.refuses(CONFIG, ['one lcore', '-l 0-1'], '--socket', self.socket,
                     eal=('--no-huge', '-m', '128', '-l', '0'))

    @unittest.skipIf(os.path.isdir('/dev/hugepages') and os.listdir('/dev/hugepages'),
                     'hugepages are in use here')
    def test_no_hugepages(self):
        with open('/proc/meminfo', encoding='ascii') as meminfo:
            if 'HugePages_Total:       0' not in meminfo.read():
                self.skipTest('this machine has hugepages')
        self.refuses(CONFIG, ['hugepage', '--no-huge --in-memory'], '--socket', self.socket,
                     eal=('-l', '0-1'))

    def test_too_little_memory(self):
        self.refuses(CONFIG, ['memory', '-m'], '--socket', self.socket,
                     eal=('--no-huge', '--in-memory', '-l', '0-1', '-m', '2'))
        self.refuses(CONFIG, ['memory', '--events'], '--socket', self.socket, '--events',
                     '10000000')

    def test_configuration(self):
        good = self.config('idle: poll\nspin_us: 10\nallow:\n  users: [root, 5]\n'
                           'kernel_select: {type: [file], path: [/srv, /home], device: [/, 8:1],'
                           ' uid: [root], pid: [1], cgroup: [17]}\n')
        code, out, err = self.run_plane('--', '--config', good, '--check-config')
        self.assertEqual((code, out, err), (OK, '', ''))
        for text, words in (
                ('node: 1\n\nbogus: 1\n', [':3:', "'bogus'", 'socket']),
                ('idle: sometimes\n', [':1:', 'idle', 'adaptive']),
                ('node: 1\nspin_us: -4\n', [':2:', 'spin_us', '1000000']),
                ('spin_us: null\n', [':1:', 'spin_us']),
                ('spin_us:\n', [':1:', 'spin_us']),
                ('node: 1\nnode: 2\n', [':2:', 'node']),
                ('ring_max: 12345\n', ['ring_max', 'power of two']),
                ('kernel_ring: 12345\n', ['kernel_ring', 'power of two']),
                ('kernel_select:\n  type: [file, flie]\n', [':2:', "'flie'"]),
                ('kernel_select:\n  path: /srv\n', [':2:', 'path', 'a list']),
                ('kernel_select:\n  path: [srv]\n', [':2:', "'srv'"]),
                ('kernel_select:\n  colour: [red]\n', [':2:', "'colour'", 'cgroup']),
                ('socket: relative/path\n', [':1:', 'socket']),
                ('socket: /' + 'x' * 200 + '\n', [':1:', 'socket']),
                ('allow:\n  users: [no-such-user-here]\n', [':2:', 'no-such-user-here']),
                ('allow:\n  mode: 01000\n', [':2:', 'mode']),
                ('node: 1\nring_max: 5000\n', [':2:', 'ring_max', 'power of two, 4096 to']),
                ('\n\nkernel_ring: 5000\n', [':3:', 'kernel_ring', 'power of two']),
                ('ring_max: 2048\n', [':1:', 'ring_max']),
                ('idle: poll\nbacklog: 5\n', [':2:', 'backlog', '0, or a number, 128 to 65536']),
                ('lane_memory: 5\n', [':1:', 'lane_memory']),
                ('allow: 5\n', [':1:', 'mapping']),
                ('- a\n- b\n', [':1:']),
                ('node: [1\n', ['dataplane.yaml:']),
                ('log:\n  level: loud\n', [':2:', 'level', 'debug'])):
            path = self.config(text)
            self.refuses(CONFIG, [path, *words], '--config', path, '--check-config')
            self.refuses(CONFIG, [path, *words], '--config', path)

    def test_configuration_that_can_not_be_read(self):
        missing = os.path.join(self.folder, 'missing.yaml')
        self.refuses(CONFIG, [missing, 'No such file'], '--config', missing)
        self.refuses(CONFIG, [self.folder, 'directory'], '--config', self.folder)

    def test_an_option_overrides_the_file(self):
        path = self.config('socket: /nonexistent/x\nnode: 77\nidle: poll\nsettle_ms: 0\n')
        plane = self.plane('--config', path, '--idle', 'adaptive')
        self.assertIn('adaptive', plane.log())
        self.assertEqual(plane.end(), OK)

    def test_json_lines(self):
        plane = self.plane('--log-json')
        self.assertEqual(plane.end(), OK)
        for line in plane.log().splitlines():
            self.assertRegex(line, r'^\{"time":"\d{4}-\d\d-\d\dT.*"message":".*"\}$')

    def test_a_socket_in_use(self):
        plane = self.plane()
        self.refuses(CONFIG, [self.socket, 'in use', '--socket'], '--socket', self.socket)
        subscriber = self.subscribe()  # the first one has not noticed
        self.assertTrue(subscriber.report()['connected'])
        self.assertEqual(plane.end(), OK)
        self.assertFalse(os.path.exists(self.socket))

    def test_a_socket_left_behind_is_replaced(self):
        self.plane().end(signal.SIGKILL)
        self.assertTrue(os.path.exists(self.socket))
        self.assertEqual(self.plane().end(), OK)

    def test_what_is_no_socket_is_not_replaced(self):
        with open(self.socket, 'w', encoding='utf-8') as file:
            file.write('precious')
        self.refuses(CONFIG, [self.socket, 'not a socket'], '--socket', self.socket)
        with open(self.socket, encoding='utf-8') as file:
            self.assertEqual(file.read(), 'precious')
        self.refuses(CONFIG, [self.folder], '--socket', self.folder)

    def test_a_socket_that_can_not_be(self):
        missing = os.path.join(self.folder, 'missing')
        path = os.path.join(missing, 'x.sock')
        self.refuses(CONFIG, [path, 'No such file'], '--socket', path)
        self.assertFalse(os.path.exists(missing))
        long = os.path.join(self.folder, 'x' * 120)
        self.refuses(USAGE, ['107'], '--socket', long)
        self.refuses(USAGE, ['--socket'], '--socket', '')

    @unittest.skipUnless(os.access('/run', os.W_OK), '/run may not be written')
    def test_the_first_start_after_a_boot(self):
        """Nobody has made the folder of the socket below /run yet."""
        folder = f'/run/vex-options-{os.getpid()}'
        self.socket = os.path.join(folder, 'x.sock')
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.assertEqual(self.plane().end(), OK)
        self.assertEqual(os.listdir(folder), [])

    def test_a_folder_that_may_not_be_written(self):
        """As another user: the data plane can't make its socket, and says so."""
        os.chmod(self.folder, 0o755)
        self.refuses(CONFIG, [self.socket, 'Permission denied'], '--socket', self.socket,
                     user=NOBODY)

    def load_as(self, user):
        """Whether this user may attach, and what he is told if not."""
        path, env = reach(self.folder, program('VEX_LOAD'))
        done = subprocess.run([path, 'produce', self.socket], user=user, group=user, env=env,
                              extra_groups=[], capture_output=True, text=True, input='',
                              timeout=LIMIT_S, check=False)
        self.assertLessEqual(done.stderr.count('\n'), 1)
        return done.returncode == 0, done.stderr

    def test_a_user_without_a_right_on_the_socket(self):
        plane = self.plane()
        self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), 0o660)
        may, err = self.load_as(NOBODY)
        self.assertFalse(may)
        self.assertIn(self.socket, err)
        self.assertIn('ermission', err)
        plane.verify()

    def test_a_user_who_is_not_on_the_list(self):
        path = self.config(f'allow:\n  users: [{NOBODY}]\n  mode: 0666\n')
        plane = self.plane('--config', path)
        self.assertTrue(self.load_as(NOBODY)[0])
        may, err = self.load_as(STRANGER)
        self.assertFalse(may)
        self.assertIn('may not attach', err)
        self.assertIn('allow', err)
        self.assertIn(f'uid {STRANGER}', plane.log())
        plane.verify()

    def test_anyone(self):
        self.plane('--allow-anyone')
        self.assertTrue(self.load_as(STRANGER)[0])
        self.assertTrue(self.load_as(NOBODY)[0])

    def test_strangers_may_not_control_nor_keep_ids(self):
        self.plane('--allow-anyone')
        path, env = reach(self.folder, program('PLANE_TOOL'), raw.__file__)
        done = subprocess.run([path, self.socket, 'stats'], user=NOBODY, env=env,
                              capture_output=True, text=True, timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('only root', done.stderr)
        code = ("import sys, raw\nwith raw.Connection(sys.argv[1]) as c:\n"
                "    print(c.say_hello(raw.PRODUCER, flags=1).reason)\n"
                "    print(c.say_hello(raw.PRODUCER, boundary=raw.KERNEL).reason)\n")
        done = subprocess.run(['python3', '-c', code, self.socket], user=NOBODY, check=True, env=env,
                              cwd='/',
                              capture_output=True, text=True, timeout=LIMIT_S)
        self.assertEqual(done.stdout.count('only root'), 2, done.stdout)

    def test_reload_of_who_may_attach(self):
        """SIGHUP: who is there stays, who comes is judged anew, what is gone from the file is
        not in force any more, and a bad file changes nothing."""
        path = self.config('allow:\n  anyone: true\n  mode: 0666\n')
        plane = self.plane('--config', path)
        subscriber = self.subscribe()
        self.assertTrue(self.load_as(STRANGER)[0])

        self.reload(plane, f'allow:\n  users: [{NOBODY}]\n  mode: 0666\n')
        self.assertFalse(self.load_as(STRANGER)[0])
        self.assertTrue(self.load_as(NOBODY)[0])

        self.reload(plane, 'allow:\n  users: [\n', 'stays in force')
        self.assertTrue(self.load_as(NOBODY)[0])

        self.reload(plane, f'allow:\n  groups: [{STRANGER}]\n  mode: 0666\n')
        self.assertTrue(self.load_as(STRANGER)[0])
        self.assertFalse(self.load_as(NOBODY)[0])

        self.reload(plane, '')
        self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), 0o660)
        self.assertFalse(self.load_as(STRANGER)[0])

        self.assertEqual(subscriber.report()['reconnects'], 0)
        self.assertTrue(subscriber.report()['connected'])
        plane.verify()

    def reload(self, plane, text, word='read anew'):
        said = plane.log().count(word)
        self.config(text)
        plane.send(signal.SIGHUP)
        wait_for(lambda: plane.log().count(word) > said, f'the log to say "{word}"')

    def test_reload_without_a_file(self):
        plane = self.plane()
        plane.send(signal.SIGHUP)
        wait_for(lambda: 'nothing to reload' in plane.log(), 'an answer')
        self.assertEqual(plane.end(), OK)

    def test_the_end_by_sigint(self):
        plane = self.plane()
        self.assertEqual(plane.end(signal.SIGINT), OK)
        self.assertFalse(os.path.exists(self.socket))
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            self.assertNotEqual(client.connect_ex(self.socket), 0)

    def test_the_end_by_a_signal_to_any_thread(self):
        """EAL's threads do not block signals; workers do."""
        signal_thread = ctypes.CDLL(None, use_errno=True).tgkill
        for name in ('eal-intr-thread', None):
            plane = self.plane()
            tasks = {}
            for task in os.listdir(f'/proc/{plane.pid}/task'):
                with open(f'/proc/{plane.pid}/task/{task}/status', encoding='utf-8') as status:
                    fields = dict(line.split(':\t', 1) for line in status)
                tasks[fields['Name'].strip()] = int(task)
                if fields['Name'].startswith('rte-worker'):
                    self.assertTrue(int(fields['SigBlk'], 16) & 1 << (signal.SIGTERM - 1))
            self.assertEqual(signal_thread(plane.pid, tasks.get(name, plane.pid), signal.SIGTERM),
                             0)
            self.assertEqual(plane.process.wait(LIMIT_S), OK)


if __name__ == '__main__':
    unittest.main(verbosity=2)
