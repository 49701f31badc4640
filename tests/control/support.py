# SPDX-License-Identifier: BSD-3-Clause
"""Starts and stops the programs under test, each test in a folder of its own."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

from anyone import reach

LIMIT_S = 20


class Programs:
    """Paths of the programs, set from the command line."""
    control = vexctl = fake = dataplane = producer = fuse = None
    replay = samples = dissector = None


def wait_for(condition, what):
    """Waits until the condition gives something true, and returns it."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError(f'waited {LIMIT_S} s in vain for {what}')


class Case(unittest.TestCase):
    """A folder, sockets in it, and processes that end with the test."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='vex-control-')
        os.chmod(self.folder, 0o755)
        self.control_socket = os.path.join(self.folder, 'control.sock')
        self.data_socket = os.path.join(self.folder, 'data.sock')
        self.log_path = os.path.join(self.folder, 'control.log')
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        shutil.rmtree(self.folder)

    def spawn(self, command, **options):
        process = subprocess.Popen(command, **options)
        self.processes.append(process)
        return process

    def start_fake(self, fault=''):
        process = self.spawn([Programs.fake, self.data_socket, fault])
        wait_for(lambda: self.listens(self.data_socket, socket.SOCK_SEQPACKET), 'the fake')
        return process

    def control_command(self, *options):
        return [Programs.control, '--socket', self.control_socket, '--data-socket',
                self.data_socket, '--state-dir', os.path.join(self.folder, 'state'), *options]

    def start_control(self, *options):
        with open(self.log_path, 'ab') as log:
            process = self.spawn(self.control_command(*options), stderr=log)
        wait_for(lambda: self.listens(self.control_socket, socket.SOCK_STREAM), 'vex-control')
        return process

    @staticmethod
    def listens(path, kind):
        with socket.socket(socket.AF_UNIX, kind) as client:
            return client.connect_ex(path) == 0

    def log(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as log:
            return log.read()

    def vexctl(self, *args, code=0, **options):
        """Runs vexctl, checks its exit code, and returns what it printed on both."""
        vexctl = Programs.vexctl
        if 'user' in options:
            vexctl, options['env'] = reach(self.folder, vexctl)
        done = subprocess.run([vexctl, '--control', self.control_socket, '--socket',
                               self.data_socket, *args], capture_output=True, timeout=LIMIT_S,
                              check=False, **options)
        out = done.stdout.decode()
        err = done.stderr.decode()
        self.assertEqual(done.returncode, code, f'vexctl {args}: {out}{err}')
        self.assertNotIn('ERROR: AddressSanitizer', err)
        return out, err

    def json(self, *args, code=0):
        out, err = self.vexctl(*args, '--json', code=code)
        self.assertEqual(err, '')
        self.assertEqual(out.count('\n'), 1)
        return json.loads(out)

    def raw(self, data):
        """Sends bytes, and reads the one line that comes back."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(self.control_socket)
            client.sendall(data)
            with client.makefile('rb') as answers:
                return json.loads(answers.readline())

    def plane_state(self):
        done = subprocess.run([Programs.vexctl, '--control', self.control_socket, '--json',
                               'status'], capture_output=True, timeout=LIMIT_S, check=False)
        return json.loads(done.stdout)['data_plane']['state'] if done.stdout else None

    def wait_plane(self, state):
        wait_for(lambda: self.plane_state() == state, f'the data plane to be {state}')

    def start_both(self, fault=''):
        fake = self.start_fake(fault)
        control = self.start_control()
        self.wait_plane('running')
        return fake, control

    def finish(self, process):
        """Waits for the end and returns the exit code; None stands for too long."""
        try:
            return process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            return None


class RealCase(Case):
    """The real data plane, with producers and subscribers."""

    def start_dataplane(self, *options):
        process = self.spawn([Programs.dataplane, '--no-huge', '--in-memory', '--no-pci', '-m',
                              '128', '--lcores', '0@0,(1-2)@0', '--', '--socket', self.data_socket,
                              '--idle', 'adaptive', *options], stderr=subprocess.DEVNULL)
        wait_for(lambda: self.listens(self.data_socket, socket.SOCK_SEQPACKET), 'the data plane')
        return process

    def client(self, *args):
        client = self.spawn([Programs.producer, args[0], self.data_socket, *args[1:]],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertIn(client.stdout.readline(), (b'done\n', b'ready\n'))
        return client

    def end(self, client):
        client.stdin.close()
        self.assertEqual(self.finish(client), 0)
        client.stdout.close()

    def port(self, name):
        """The live port of this name; None where there is none."""
        found = [port for port in self.json('show', 'ports')['ports']
                 if port['name'] == name and port['state'] == 'live']
        self.assertLessEqual(len(found), 1)
        return found[0] if found else None

    def wait_received(self, name, count):
        def received():
            port = self.port(name)
            return port and port['received'] >= count
        wait_for(received, f'{count} events of {name}')

    def start(self, *options):
        dataplane = self.start_dataplane()
        control = self.start_control(*options)
        self.wait_plane('running')
        return dataplane, control


def compile_program(path, body):
    """An object of eBPF, as users make one: a program in section filter."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    source = f'#include "abi/program.h"\nVEX_PROGRAM(filter)\n{{\n{body}\n}}\n'
    subprocess.run(['clang', '-O2', '-target', 'bpf', '-I', os.path.join(root, 'lib'), '-x', 'c',
                    '-c', '-', '-o', path], input=source.encode(), check=True)
    return path
