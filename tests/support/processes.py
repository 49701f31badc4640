# SPDX-License-Identifier: BSD-3-Clause
"""Starts and stops the real programs, each test in a folder of its own.

Paths come from the environment, as tests/smoke/meson.build sets them.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

LIMIT_S = 60


def program(name):
    """Path of a program that the build made, by the name of its variable."""
    return os.environ[name]


def sanitized():
    """Whether the programs are built with sanitizers, which changes memory and time."""
    return os.environ.get('SANITIZED', '') not in ('', 'none')


def preload_sanitizer():
    """A library with ASan can be loaded by Python only where ASan itself came first.

    So Python starts itself anew, with ASan before it and its own leaks left alone; the programs
    it starts get the environment that it had.
    """
    if 'address' not in os.environ.get('SANITIZED', ''):
        return
    if 'VEX_OWN_OPTIONS' in os.environ:
        os.environ.pop('LD_PRELOAD')
        os.environ['ASAN_OPTIONS'] = os.environ.pop('VEX_OWN_OPTIONS')
        return
    own = os.environ.get('ASAN_OPTIONS', '')
    library = subprocess.run(['gcc', '-print-file-name=libasan.so'], check=True,
                             capture_output=True, text=True).stdout.strip()
    environment = dict(os.environ, VEX_OWN_OPTIONS=own, LD_PRELOAD=os.path.realpath(library),
                       ASAN_OPTIONS='detect_leaks=0')
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def wait_for(condition, what):
    """Waits until the condition gives something true, and returns it."""
    end = time.monotonic() + LIMIT_S
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f'waited {LIMIT_S} s in vain for {what}')
        time.sleep(0.02)


def freeze(pid):
    """Stops a process, and returns once every thread of it stands still."""
    def still():
        for task in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{task}/stat', encoding='utf-8') as stat:
                if stat.read().rpartition(')')[2].split()[0] != 'T':
                    return False
        return True
    os.kill(pid, signal.SIGSTOP)
    wait_for(still, f'process {pid} to stand still')


def resident_kb(pid):
    """Memory of a process that is its own: neither files nor shared memory."""
    with open(f'/proc/{pid}/status', encoding='ascii') as status:
        for line in status:
            if line.startswith('RssAnon:'):
                return int(line.split()[1])
    raise AssertionError(f'no RssAnon of {pid}')


def mapped_count(pid):
    """How many pieces of shared memory a process has mapped: lanes that stay show here."""
    with open(f'/proc/{pid}/maps', encoding='utf-8', errors='replace') as maps:
        return sum('/memfd:' in line for line in maps)


def fd_count(pid):
    """How many files a process has open."""
    return len(os.listdir(f'/proc/{pid}/fd'))


def cpu_seconds(pid):
    """Processor time that a process has used."""
    with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class Load:
    """One vex-load; what it reports is a dict."""

    def __init__(self, mode, socket, **options):
        command = [program('VEX_LOAD')]
        for key, value in options.items():
            name = '--' + key.replace('_', '-')
            command += [name] if value is True else [name, str(value)]
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([*command, mode, socket], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.lock = threading.Lock()

    def order(self, line):
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()

    def report(self):
        with self.lock:
            self.order('report')
            line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f'vex-load ended with {self.process.wait()}')
        return json.loads(line)

    def stop(self):
        self.order('stop')

    def end(self):
        """Lets it detach by itself; returns its exit code."""
        self.process.stdin.close()
        code = self.process.wait(LIMIT_S)
        self.process.stdout.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    @property
    def pid(self):
        return self.process.pid


class Plane:
    """One vex-dataplane, and what it tells of itself."""

    EAL = ('--no-huge', '--in-memory', '-m', '128')

    def __init__(self, socket, log, *options, lcores='0@0,1@1', eal=()):
        self.socket = socket
        self.log_path = log
        with open(log, 'ab') as stderr:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [program('VEX_DATAPLANE'), *self.EAL, '--lcores', lcores, *eal, '--',
                 '--socket', socket, *options], stderr=stderr)
        wait_for(self.ready, 'vex-dataplane')

    @property
    def pid(self):
        return self.process.pid

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f'vex-dataplane ended: {self.log()}')
        return f'pid {self.pid},' in self.log() and \
            f'ready at {self.socket}' in self.log().split(f'pid {self.pid},')[1]

    def log(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as log:
            return log.read()

    def tool(self, *args, check=True):
        """Runs plane-tool; its output, or with check off its exit code and output."""
        done = subprocess.run([program('PLANE_TOOL'), self.socket, *map(str, args)],
                              capture_output=True, text=True, timeout=LIMIT_S, check=False)
        if not check:
            return done.returncode, done.stdout + done.stderr
        if done.returncode:
            raise AssertionError(f'plane-tool {args}: {done.stdout}{done.stderr}')
        return done.stdout

    def stats(self):
        return json.loads(self.tool('stats'))

    def verify(self):
        self.tool('verify')

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        """Ends it; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(LIMIT_S)


class Case(unittest.TestCase):
    """A folder, a socket in it, and processes that end with the test."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='vex-smoke-')
        os.chmod(self.folder, 0o755)
        self.socket = os.path.join(self.folder, 'data.sock')
        self.log_path = os.path.join(self.folder, 'dataplane.log')
        self.addCleanup(shutil.rmtree, self.folder)
        self.started = []
        self.addCleanup(self.kill_all)

    def tearDown(self):
        """Whatever a test was about: what came in is accounted for in the end."""
        for each in self.started:
            if isinstance(each, Plane) and each.process.poll() is None:
                each.verify()

    def kill_all(self):
        for each in self.started:
            if each.process.poll() is None:
                each.process.send_signal(signal.SIGCONT)
                each.process.kill()
            each.process.wait()
            for pipe in (each.process.stdin, each.process.stdout):
                if pipe:
                    pipe.close()

    def plane(self, *options, **more):
        plane = Plane(self.socket, self.log_path, *options, **more)
        self.started.append(plane)
        return plane

    def load(self, mode, **options):
        load = Load(mode, self.socket, **options)
        self.started.append(load)
        return load

    def produce(self, **options):
        return self.load('produce', **options)

    def subscribe(self, **options):
        """A subscriber that is attached when this returns."""
        load = self.load('subscribe', **options)
        wait_for(lambda: load.report()['connected'], 'the subscriber')
        return load

    def finished(self, producer):
        """The producer's report once it is done and the data plane took all."""
        def done():
            report = producer.report()
            return report['done'] and report['drained'] and report['connected'] and report
        return wait_for(done, 'the producer to be done and drained')

    @staticmethod
    def accounted(subscriber):
        """Per stream: events got, each counted once, and events known to be missing."""
        return {name: stream['received'] - stream['repeated'] + stream['missing']
                for name, stream in subscriber.report()['streams'].items()}

    def wait_streams(self, subscriber, tenant, offered):
        """Waits until the last event of each thread came; returns the streams."""
        def complete():
            streams = subscriber.report()['streams']
            mine = [streams.get(f'{tenant}.{i}') for i in range(len(offered))]
            if all(s and s['next'] >= n for s, n in zip(mine, offered)):
                return mine
            return None
        try:
            return wait_for(complete, 'the last events')
        except AssertionError as error:
            raise AssertionError(f'{error}: {subscriber.report()}, offered {offered}') from error

    def assert_clean(self, streams, offered, repeated=0):
        """Each event came once, in order, as it was sent, under its number."""
        for stream, count in zip(streams, offered):
            self.assertEqual(stream['next'], count, streams)
            for key in ('missing', 'corrupt', 'renumbered', 'late'):
                self.assertEqual(stream[key], 0, (key, streams))
            self.assertLessEqual(stream['repeated'], repeated, streams)
