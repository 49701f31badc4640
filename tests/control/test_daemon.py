# SPDX-License-Identifier: BSD-3-Clause
"""vex-control as a daemon: start, stop, restart, configuration, permissions, wrong callers."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import unittest

from support import Case, Programs, wait_for

NOBODY = 65534


class Daemon(Case):
    def run_control(self, *options):
        """Runs a vex-control that is to end by itself; its exit code and what it said."""
        done = subprocess.run(self.control_command(*options), capture_output=True, timeout=20,
                              check=False)
        return done.returncode, done.stderr.decode()

    def write_config(self, text):
        path = os.path.join(self.folder, 'control.yaml')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def test_stop_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.start_fake()
            control = self.start_control()
            self.wait_plane('running')
            control.send_signal(number)
            self.assertEqual(self.finish(control), 0)
            self.assertFalse(os.path.exists(self.control_socket))

    def test_starts_without_data_plane(self):
        self.start_control()
        status = self.json_status_away()
        self.assertIn(f'socket {self.data_socket}', status['data_plane']['reason'])
        for words in (['verify'], ['show', 'ports'], ['show', 'types'], ['port', 'detach', '0']):
            _, err = self.vexctl(*words, code=1)
            self.assertIn(f'data plane not running (socket {self.data_socket})', err)
        self.json('show', 'calls')
        self.start_fake()
        self.wait_plane('running')

    def json_status_away(self):
        out, _ = self.vexctl('status', '--json', code=1)
        status = json.loads(out)
        self.assertEqual(status['data_plane']['state'], 'not running')
        self.assertIn('not running', self.vexctl('status', code=1)[0])
        return status

    def test_data_plane_restarts(self):
        fake, _ = self.start_both()
        for _ in range(3):
            fake.kill()
            fake.wait()
            self.wait_plane('not running')
            fake = self.start_fake()
            self.wait_plane('running')
            self.assertEqual(self.json('status')['data_plane']['pid'], fake.pid)
            self.vexctl('verify')

    def test_control_killed(self):
        _, control = self.start_both()
        control.kill()
        control.wait()
        _, err = self.vexctl('status', code=1)
        self.assertIn('nobody listens there', err)
        self.start_control()
        self.wait_plane('running')

    def test_socket_in_use(self):
        self.start_control()
        code, said = self.run_control()
        self.assertEqual(code, 78)
        self.assertTrue(said.startswith(f'vex-control: socket {self.control_socket} is in use by '
                                        'a running program'), said)
        self.assertEqual(said.count('\n'), 1)
        self.vexctl('show', 'calls')

    def test_socket_path_taken_by_a_file(self):
        with open(self.control_socket, 'w', encoding='utf-8') as file:
            file.write('precious')
        code, said = self.run_control()
        self.assertEqual(code, 78)
        self.assertIn('a file that is not a socket is there', said)
        with open(self.control_socket, encoding='utf-8') as file:
            self.assertEqual(file.read(), 'precious')

    def test_folder_of_the_socket_is_missing(self):
        self.control_socket = os.path.join(self.folder, 'missing', 'control.sock')
        code, said = self.run_control()
        self.assertEqual((code, said.count('\n')), (78, 1))
        self.assertIn(self.control_socket, said)
        self.assertEqual(os.listdir(self.folder), [])

    def test_usage(self):
        for options in (['--no-such'], ['x'], ['--socket']):
            code, said = self.run_control(*options)
            self.assertEqual(code, 2)
            self.assertIn("Try 'vex-control --help'", said)
        self.assertEqual(self.run_control('--help')[0], 0)
        self.assertEqual(self.run_control('--version')[0], 0)
        code, said = self.run_control('--data-socket', 'x' * 200)
        self.assertEqual(code, 78)
        self.assertIn('socket path', said)

    def test_bad_config(self):
        for text, message in (('sokcet: /a\n', "1: unknown key 'sokcet'"),
                              ('log:\n  level: info\n  color: red\n', "3: unknown key 'color'"),
                              ('socket: relative\n', '1:'), ('socket: null\n', '1:'),
                              ('log: {format: xml}\n', '1:'), ('a: [\n', ':'),
                              ('# fine\nallow: {users: [no-such-user]}\n', '2:')):
            path = self.write_config(text)
            for options in (['--check-config'], []):
                code, said = self.run_control('--config', path, *options)
                self.assertEqual(code, 78, text)
                self.assertIn(f'{path}:', said)
                self.assertIn(message, said)
                self.assertEqual(said.count('\n'), 1)
        code, said = self.run_control('--config', f'{self.folder}/none')
        self.assertEqual(code, 78)
        self.assertIn(f'{self.folder}/none', said)

    def test_good_config(self):
        path = self.write_config('log: {format: json, level: debug}\n'
                                 'allow: {users: [root, 12], groups: [root]}\n')
        self.assertEqual(self.run_control('--config', path, '--check-config')[0], 0)
        self.assertFalse(os.path.exists(self.control_socket))
        self.start_control('--config', path)
        for line in self.log().splitlines():
            self.assertEqual(json.loads(line)['program'], 'vex-control')

    def test_socket_from_config(self):
        path = self.write_config(f'socket: {self.control_socket}\n'
                                 f'data_socket: {self.data_socket}\n'
                                 f'state_dir: {self.folder}/state\n')
        self.start_fake()
        self.spawn([Programs.control, '--config', path])
        wait_for(lambda: self.plane_state() == 'running', 'the sockets of the file')

    def test_reload(self):
        path = self.write_config('log: {level: info}\n')
        control = self.start_control('--config', path)
        self.write_config('nonsense: 1\n')
        control.send_signal(signal.SIGHUP)
        wait_for(lambda: 'the configuration stays as it was' in self.log(), 'the refusal')
        self.assertIn("unknown key 'nonsense'", self.log())
        self.write_config('log: {format: json}\n')
        control.send_signal(signal.SIGHUP)
        wait_for(lambda: '"message":"configuration read again"' in self.log(), 'the reload')
        self.write_config(f'socket: {self.folder}/other.sock\n')
        control.send_signal(signal.SIGHUP)
        self.vexctl('show', 'calls')
        self.assertIsNone(control.poll())

    def test_audit(self):
        self.start_both()
        self.vexctl('port', 'move', '0', '1')
        self.vexctl('port', 'move', '99', '1', code=1)
        self.assertRegex(self.log(), r'audit: uid=\d+ gid=\d+ pid=\d+ call=port.move port=0 '
                                     r'worker=1 result=done\n')
        self.assertRegex(self.log(), r'call=port.move port=99 worker=1 result=failed: .*no such')
        self.vexctl('show', 'ports')
        self.assertEqual(self.log().count('audit:'), 2)

    def test_refused_by_data_plane(self):
        self.start_fake('refuse')
        self.start_control()
        wait_for(lambda: 'it refused us: not today' in self.log(), 'the refusal')
        self.json_status_away()

    def test_data_plane_without_segment(self):
        self.start_fake('no-fd')
        self.start_control()
        wait_for(lambda: 'no data plane of this version' in self.log(), 'the complaint')
        self.json_status_away()

    def test_wrong_answer(self):
        self.start_both('wrong-answer')
        _, err = self.vexctl('port', 'move', '0', '1', code=1)
        self.assertIn('went away before it answered', err)
        self.wait_plane('running')

    def test_orders_die_with_the_data_plane(self):
        fake, _ = self.start_both('mute')
        waiting = self.spawn([Programs.vexctl, '--control', self.control_socket, 'port', 'detach',
                              '0'], stderr=subprocess.PIPE)
        self.json('status')
        fake.kill()
        _, err = waiting.communicate(timeout=20)
        self.assertEqual(waiting.returncode, 1)
        self.assertRegex(err, b'went away before it answered|not running')

    def test_mute_data_plane(self):
        self.start_both('mute')
        _, err = self.vexctl('port', 'detach', '0', code=1)
        self.assertIn('went away before it answered', err)
        self.assertIn('it does not answer', self.log())

    def test_stopped_data_plane_is_shown_as_stalled(self):
        fake, _ = self.start_both()
        fake.send_signal(signal.SIGSTOP)
        self.wait_plane('stalled')
        self.assertIn('last heartbeat', self.vexctl('status', code=1)[0])
        fake.send_signal(signal.SIGCONT)
        self.wait_plane('running')

    def test_rpc_errors(self):
        self.start_both()
        call = b'{"jsonrpc":"2.0","id":1,"method":"%s","params":%s}\n'
        for data, code in ((b'nonsense\n', -32700), (b'[]\n', -32600), (b'\xff\n', -32700),
                           (b'{"jsonrpc":"2.0","id":1}\n', -32600),
                           (call % (b'no.such', b'{}'), -32601),
                           (call % (b'status', b'[]'), -32602),
                           (call % (b'status', b'{"x":1}'), -32602),
                           (call % (b'port.move', b'{"port":0}'), -32602),
                           (call % (b'port.move', b'{"port":0,"worker":"1"}'), -32602),
                           (call % (b'port.move', b'{"port":0,"worker":-1}'), -32602),
                           (call % (b'port.move', b'{"port":0,"worker":1,"x":1}'), -32602),
                           (call % (b'port.move', b'{"port":99,"worker":1}'), -32002),
                           (b'[' * 100 + b'\n', -32600),
                           (b'x' * (1 << 20) + b'xx', -32600)):
            answer = self.raw(data)
            self.assertEqual(answer['error']['code'], code, data[:80])
            self.assertTrue(answer['error']['message'])
        self.assertEqual(self.raw(call % (b'verify', b'{}'))['result']['ok'], True)

    def test_callers_who_go_away(self):
        self.start_both()
        for data in (b'', b'{', b'{"jsonrpc":"2.0","id":1,"method":"types.list"}\n' * 50):
            for _ in range(40):
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(self.control_socket)
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                        client.sendall(data)  # unless those before are still in all the places
        wait_for(lambda: self.json('status')['control']['connections'] == 1, 'them to be gone')


@unittest.skipIf(os.geteuid(), 'only root can be somebody else')
class Permissions(Case):
    def setUp(self):
        super().setUp()
        self.copy = os.path.join(self.folder, 'vexctl')
        shutil.copy(Programs.vexctl, self.copy)
        os.chmod(self.copy, 0o755)

    def vexctl_as_nobody(self, *args, groups=()):
        done = subprocess.run([self.copy, '--control', self.control_socket, *args], cwd='/',
                              capture_output=True, user=NOBODY, group=NOBODY,
                              extra_groups=list(groups), timeout=20, check=False)
        return done.returncode, done.stderr.decode()

    def start(self, config):
        path = os.path.join(self.folder, 'control.yaml')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(config)
        self.start_fake()
        control = self.start_control('--config', path)
        self.wait_plane('running')
        return control, path

    def test_stranger(self):
        self.start('')
        for words in (['status'], ['verify'], ['port', 'move', '0', '1']):
            code, said = self.vexctl_as_nobody(*words)
            self.assertEqual(code, 1)
            self.assertEqual(said, f'vexctl: user {NOBODY} may not use vex-control: only root, '
                                   'user 0, and those that its configuration allows\n')

    def test_reader(self):
        self.start(f'allow: {{users: [{NOBODY}]}}\n')
        self.assertEqual(self.vexctl_as_nobody('verify'), (0, ''))
        for words in (['port', 'move', '0', '1'], ['port', 'detach', '0'],
                      ['subscriber', 'detach', '0']):
            code, said = self.vexctl_as_nobody(*words)
            self.assertEqual(code, 1)
            self.assertIn(f'is for root and user 0; you are user {NOBODY}', said)
        self.assertRegex(self.log(), rf'audit: uid={NOBODY} .* call=port.move result=failed')
        self.assertEqual(self.json('show', 'ports')['ports'][0]['worker'], 0)

    def test_group(self):
        control, path = self.start('allow: {groups: [4242]}\n')
        self.assertEqual(self.vexctl_as_nobody('status')[0], 1)
        self.assertEqual(self.vexctl_as_nobody('status', groups=[7, 4242])[0], 0)
        with open(path, 'w', encoding='utf-8') as file:
            file.write('allow: {groups: [4243]}\n')
        control.send_signal(signal.SIGHUP)
        wait_for(lambda: 'configuration read again' in self.log(), 'the reload')
        self.assertEqual(self.vexctl_as_nobody('status', groups=[7, 4242])[0], 1)

    def test_one_user_cannot_lock_others_out(self):
        self.start(f'allow: {{users: [{NOBODY}]}}\n')
        hoard = self.spawn(['python3', '-c', f'''
import os, socket, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
clients = [socket.socket(socket.AF_UNIX) for _ in range(100)]
for client in clients:
    client.connect({self.control_socket!r})
print('ready', flush=True)
sys.stdin.read()'''], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(hoard.stdout.readline(), b'ready\n')
        self.assertEqual(self.json('status')['control']['connections'], 17)
        code, said = self.vexctl_as_nobody('status')
        self.assertEqual(code, 1)
        self.assertIn('too many connections', said)
        hoard.communicate()
        wait_for(lambda: self.vexctl_as_nobody('status')[0] == 0, 'room')
