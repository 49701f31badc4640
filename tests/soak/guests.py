# SPDX-License-Identifier: BSD-3-Clause
"""Those that come to a data plane and go again, by themselves or by kill -9."""
import collections
import itertools
import os
import random
import signal
import subprocess
import time

from processes import LIMIT_S, Load, program

STAY_S = (0.5, 6)
KILLED = 0.4          # share of the guests that are killed
REPLAY_KILLED = 0.02  # chance of a replay to be killed at each look


class Guests:
    """Producers, subscribers, replays and captures; everything is drawn from one seed."""

    def __init__(self, seed, folder):
        self.rng = random.Random(seed)
        self.folder = folder
        self.socket = os.path.join(folder, 'data.sock')
        self.control_socket = os.path.join(folder, 'control.sock')
        self.done = collections.Counter()
        self.ids = itertools.count(100)  # two of one id would seem to be one with ids that go back
        self.guests = []     # (load, when it ends)
        self.children = []   # (process, name), expected to end by themselves
        self.processes = []  # all that run, those that stay included

    def spawn(self, name, command, **more):
        with open(os.path.join(self.folder, name + '.log'), 'ab') as log:
            # pylint: disable=consider-using-with
            process = subprocess.Popen(command, stderr=log, **more)
        self.processes.append(process)
        return process

    def load(self, mode, **options):
        load = Load(mode, self.socket, background=True, **options)
        self.processes.append(load.process)
        return load

    def vexctl(self, *args):
        return [program('VEXCTL'), '--control', self.control_socket, '--socket', self.socket, *args]

    def new_producer(self):
        rng = self.rng
        options = {'wait_us': 500} if rng.random() < 0.5 else {}
        self.guests.append((self.load(
            'produce', id=next(self.ids), threads=rng.randint(1, 4),
            rate=rng.choice((200, 2000, 10000)), burst=rng.randint(1, 200),
            filler=rng.choice((0, 100, 4000)), ring=1 << rng.randint(13, 18), **options),
            time.monotonic() + rng.uniform(*STAY_S)))

    def new_subscriber(self):
        rng = self.rng
        options = {'types': rng.choice(('open', 'write,metric'))} if rng.random() < 0.5 else {}
        self.guests.append((self.load(
            'subscribe', ring=1 << rng.randint(12, 20), batch=rng.randint(1, 64),
            slow_us=rng.choice((0, 0, 500)), **options), time.monotonic() + rng.uniform(*STAY_S)))

    def end_guests(self, everyone=False):
        for load, until in list(self.guests):
            if not everyone and time.monotonic() < until:
                continue
            self.guests.remove((load, until))
            self.processes.remove(load.process)
            if self.rng.random() < KILLED:
                load.kill()
                self.done['killed by kill -9'] += 1
                continue
            for name, stream in load.report().get('streams', {}).items():
                self.sound(name, stream)
            if load.end():
                raise AssertionError(f'vex-load ended with {load.process.returncode}')
            self.done['left by themselves'] += 1

    @staticmethod
    def sound(name, stream):
        if stream['corrupt'] or stream['renumbered']:
            raise AssertionError(f'stream {name}: {stream}')

    def child(self, name, command):
        process = self.spawn(name, command, stdout=subprocess.DEVNULL)
        self.children.append((process, name))
        self.done[name] += 1

    def replay(self):
        """Plays a capture: the samples, or what a capture of ours caught."""
        own = os.path.join(self.folder, 'own.pcap')
        file = own if os.path.exists(own) and self.rng.random() < 0.5 else \
            os.path.join(self.folder, 'samples.pcap')
        if not os.path.exists(file):
            subprocess.run([program('WRITE_SAMPLES'), '--no-own-gaps', file], check=True)
        self.child('vex-replay', [program('VEX_REPLAY'), '--socket', self.socket, '--quiet',
                                  '--fast', '--loop', str(self.rng.randint(1, 20)), file])

    def capture(self):
        """
        What the mirror does, into a file that takes the last one's place when it is whole. Were the
        producers' events played back, they would seem to come twice.
        """
        if any(name == 'vexctl capture' for _, name in self.children):
            return
        own = os.path.join(self.folder, 'own.pcap')
        if os.path.exists(own + '.part'):
            os.rename(own + '.part', own)
        self.child('vexctl capture', self.vexctl('capture', '-w', own + '.part', '--where',
                                                 'boundary=fuse', '--count', '500', '--timeout',
                                                 '5'))

    def reap_children(self, everyone=False):
        """Replays may be killed; whoever ends by himself has done well."""
        for process, name in list(self.children):
            if name == 'vex-replay' and self.rng.random() < REPLAY_KILLED:
                process.kill()
                self.done['killed by kill -9'] += 1
            if process.poll() is None and not everyone:
                continue
            code = process.wait(LIMIT_S)
            self.children.remove((process, name))
            self.processes.remove(process)
            if code not in (0, -signal.SIGKILL):
                with open(os.path.join(self.folder, name + '.log'), encoding='utf-8',
                          errors='replace') as log:
                    raise AssertionError(f'{name} ended with {code}: {log.read()[-2000:]}')
