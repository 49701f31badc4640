#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Mixed load, with everyone coming and going: conservation holds and memory stays flat.

    soak.py [SECONDS] [--seed N] [--build FOLDER]

Some processes stay all the time: a producer, a subscriber that must get all of it, a slow one, the
control daemon, and a mirror with traffic on it. Others come and go, by themselves or by kill -9;
ports are moved and detached; the data plane itself is restarted, with one or more workers. Every
two seconds a consistent copy of the statistics must hold; at the end all is counted.
"""
import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
# pylint: disable=wrong-import-position
from guests import Guests  # noqa: E402
from processes import (LIMIT_S, Plane, fd_count, mapped_count, program, resident_kb,  # noqa: E402
                       sanitized, wait_for)

PROGRAMS = {'VEX_DATAPLANE': 'dataplane/vex-dataplane', 'VEX_LOAD': 'tests/smoke/vex-load',
            'PLANE_TOOL': 'tests/smoke/plane-tool', 'VEX_CONTROL': 'control/vex-control',
            'VEXCTL': 'control/vexctl', 'VEX_FUSE': 'fuse/vex-fuse',
            'VEX_REPLAY': 'tools/vex-replay', 'WRITE_SAMPLES': 'tests/capture/write-samples'}
LCORES = {1: '0@0,1@1', 2: '0@0,1@0,2@1', 3: '0@0,1@0,2@1,3@1'}
STEADY = 1          # tenant of the producer that stays
BURST = 64          # events that a killed data plane may have delivered without saying so
TICK_S = 0.2
CHECK_S = 2
GUESTS_MAX = 8
FLAT_KB = 1024      # growth from the third to the last quarter of a life
TOTAL_KB = 12288    # growth over a whole life: pools are touched bit by bit, to their size


class Watch:
    """Memory and files of one process over its life."""

    def __init__(self, name, pid):
        self.name, self.pid = name, pid
        self.samples = []

    def look(self):
        self.samples.append(resident_kb(self.pid))

    def verdict(self):
        """(first, third quarter, last quarter) in KiB; None where it lived too short a life."""
        part = len(self.samples) // 4
        if part < 2:
            return None
        first, _, third, last = (statistics.median(self.samples[i * part:(i + 1) * part])
                                 for i in range(4))
        return first, third, last


class Soak(Guests):
    """The whole of it, in a folder of its own."""

    def __init__(self, seconds, seed, folder):
        super().__init__(seed, folder)
        self.seconds = seconds
        self.log = os.path.join(folder, 'dataplane.log')
        self.watches = []
        self.restarts_wanted = max(2, int(seconds / 45))

    # Those that stay.

    def start(self):
        self.start_plane(2)
        self.control = self.spawn('vex-control', [
            program('VEX_CONTROL'), '--socket', self.control_socket, '--data-socket',
            self.socket, '--state-dir', os.path.join(os.path.dirname(self.socket), 'state')])
        self.all = self.load('subscribe', name='all', ring=1 << 24)
        self.slow = self.load('subscribe', name='slow', ring=1 << 16, slow_us=3000, batch=16,
                              types='write,rename,delete')
        for each in (self.all, self.slow):
            wait_for(lambda e=each: e.report()['connected'], 'the subscribers')
        self.steady = self.load('produce', name='steady', id=STEADY, threads=3, rate=1500,
                                burst=60, filler=1500, ring=1 << 23)
        self.start_mirror()
        for thread in range(3):
            wait_for(lambda t=thread: self.all.report()['streams'].get(f'{STEADY}.{t}'),
                     'the first events of each thread')
        wait_for(self.control_sees_plane, 'vex-control to see the data plane')
        self.before = self.surplus()
        for name, pid in (('all', self.all.pid), ('slow', self.slow.pid),
                          ('steady', self.steady.pid), ('vex-control', self.control.pid),
                          ('vex-fuse', self.mirror.pid if self.mirror else None)):
            if pid:
                self.watches.append(Watch(name, pid))

    def start_plane(self, workers):
        self.plane = Plane(self.socket, self.log, lcores=LCORES[workers])
        self.processes.append(self.plane.process)
        self.workers = workers
        self.watches.append(Watch('vex-dataplane', self.plane.pid))

    def start_mirror(self):
        """A mirror and someone who works in it; None where there is no FUSE here."""
        self.mirror = self.files = None
        if not os.path.exists('/dev/fuse') or os.geteuid():
            print('no FUSE here: without a mirror')
            return
        source, mount = (os.path.join(self.folder, name) for name in ('source', 'mount'))
        os.mkdir(source)
        os.mkdir(mount)
        self.mirror = self.spawn('vex-fuse', [program('VEX_FUSE'), '--socket', self.socket,
                                              source, mount])
        wait_for(lambda: os.path.ismount(mount), 'the mirror')
        self.mirror_before = wait_for(self.mirror_surplus, 'the mirror to attach')
        self.files = self.spawn('files', [sys.executable, os.path.join(HERE, 'files.py'), mount,
                                          str(self.rng.randrange(1000))],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def surplus(self):
        """
        Open files of everyone who stays, and shared memory that the data plane has mapped, less
        what their ports, subscriptions and lanes account for: at a quiet moment a constant.
        """
        stats = self.plane.stats()
        ports, subscribers = len(stats['ports']), len(stats['subscribers'])
        # A consumer maps what it reads once more, to write to.
        mapped = 4 * stats['lanes'] + 3 * subscribers * self.workers
        pids = [self.control.pid, self.all.pid, self.slow.pid, self.steady.pid]
        return [fd_count(self.plane.pid) - 2 * (ports + subscribers),
                mapped_count(self.plane.pid) - mapped] + [fd_count(pid) for pid in pids]

    def mirror_surplus(self):
        """Files that the mirror has open beside its lanes; None while it is not attached."""
        lanes = [port['lane_count'] for port in self.plane.stats()['ports']
                 if port['pid'] == self.mirror.pid]
        files = [os.readlink(f'/proc/{self.mirror.pid}/fd/{fd}')
                 for fd in os.listdir(f'/proc/{self.mirror.pid}/fd')]
        callers = sum(file.endswith('/comm') for file in files)  # kept open for their names
        pipes = sum(file.startswith('pipe:') for file in files)  # of threads; more come in need
        return len(files) - callers - pipes - lanes[0] if lanes else None

    def control_sees_plane(self):
        done = subprocess.run(self.vexctl('status'), capture_output=True, check=False)
        return done.returncode == 0

    def ask_control(self):
        args = self.rng.choice((('status',), ('show', 'ports'), ('show', 'lanes', '--json'),
                                ('show', 'drops'), ('show', 'workers'), ('verify',),
                                ('tail', '--count', '20', '--timeout', '2')))
        done = subprocess.run(self.vexctl(*args), capture_output=True, text=True, check=False,
                              timeout=LIMIT_S)
        if done.returncode:
            raise AssertionError(f'vexctl {args}: {done.stdout}{done.stderr}')
        self.done['vexctl calls'] += 1

    def move(self):
        """Any port to any worker; it may be gone by then."""
        ports = self.plane.stats()['ports']
        port = self.rng.choice(ports)['id']
        code, text = self.plane.tool('move', port, self.rng.randrange(self.workers), check=False)
        if code and 'no port' not in text:
            raise AssertionError(text)
        self.done['moves'] += 1

    def detach(self):
        """By order: it comes back by itself."""
        self.plane.tool('detach-port', self.steady.report()['port'], check=False)
        self.done['detached by order'] += 1

    def restart(self):
        """The data plane ends, well or badly, and another comes, with other workers."""
        number = signal.SIGKILL if self.done['restarts'] % 3 == 2 else signal.SIGTERM
        self.reap_children(everyone=True)  # replays and captures end with their data plane
        stay = (self.all, self.slow, self.steady)
        before = [each.report()['reconnects'] for each in stay]
        code = self.plane.end(number)
        if number == signal.SIGTERM and code:
            raise AssertionError(f'vex-dataplane ended with {code}: {self.plane.log()[-2000:]}')
        self.processes.remove(self.plane.process)
        self.start_plane(self.rng.randint(1, 3))
        for each, n in zip(stay, before):
            wait_for(lambda e=each, m=n: e.report()['reconnects'] > m, 'a reconnect')
        wait_for(self.control_sees_plane, 'vex-control to see the data plane')
        self.done['restarts'] += 1
        self.done['restarts by kill -9'] += number == signal.SIGKILL

    # The run.

    def act(self):
        actions = [(self.new_producer, 5), (self.new_subscriber, 4), (self.move, 6),
                   (self.ask_control, 3), (self.replay, 1), (self.capture, 1), (self.detach, 0.2)]
        if len(self.guests) >= GUESTS_MAX:
            actions = actions[2:]
        chosen, = self.rng.choices([a for a, _ in actions], [w for _, w in actions])
        chosen()

    def check(self):
        """Conservation, right now, under load; and everyone is still there."""
        self.plane.tool('check')
        self.done['checks under load'] += 1
        for process in self.processes:
            if process.poll() is not None and all(process is not p for p, _ in self.children):
                raise AssertionError(f'{process.args} ended with {process.returncode}')
        if "broke the lane's rules" in self.plane.log():
            raise AssertionError(self.plane.log()[-2000:])
        alive = {p.pid for p in self.processes}
        for watch in self.watches:
            if watch.pid in alive:
                watch.look()

    def run(self):
        start = time.monotonic()
        checked = start
        while (passed := time.monotonic() - start) < self.seconds:
            self.act()
            self.end_guests()
            self.reap_children()
            if time.monotonic() - checked > min(CHECK_S, self.seconds / 40):
                self.check()
                checked = time.monotonic()
            if passed > self.seconds * (self.done['restarts'] + 1) / (self.restarts_wanted + 1):
                self.restart()
            time.sleep(TICK_S)

    def finish(self):
        """Everyone who came goes, what is on its way arrives, and all is counted."""
        self.end_guests(everyone=True)
        self.reap_children(everyone=True)
        if self.files:
            out, _ = self.files.communicate('end\n', LIMIT_S)
            self.processes.remove(self.files)
            if self.files.returncode:
                raise AssertionError('the work on files failed: see above')
            self.done['rounds of work on files'] = int(out)
        if self.workers != 2:  # files are compared with those of the first one
            self.plane.end()
            self.processes.remove(self.plane.process)
            self.start_plane(2)
        self.steady.stop()
        report = wait_for(self.drained, 'the steady producer')
        try:
            streams = wait_for(lambda: self.complete(report), 'the last events')
        except AssertionError as error:
            raise AssertionError(f'{error}: {report}, {self.all.report()}') from error
        self.account(report, streams)
        self.plane.verify()
        subprocess.run(self.vexctl('verify', '--wait', '20'), check=True,
                       stdout=subprocess.DEVNULL)
        self.nothing_left_open(self.surplus, self.before)
        if self.mirror:
            self.nothing_left_open(self.mirror_surplus, self.mirror_before)
        self.memory()

    @staticmethod
    def nothing_left_open(count, before):
        try:
            wait_for(lambda: count() == before, 'as many open files as before')
        except AssertionError as error:
            raise AssertionError(f'{error}: {before}, now {count()}') from error

    def drained(self):
        report = self.steady.report()
        return report['done'] and report['drained'] and report['connected'] and report

    def complete(self, report):
        streams = self.all.report()['streams']
        mine = [streams[f'{STEADY}.{i}'] for i in range(len(report['offered']))]
        return all(s['next'] >= n for s, n in zip(mine, report['offered'])) and mine

    def account(self, report, streams):
        """The steady producer's events: each came, or was announced as lost."""
        got = self.all.report()
        for name, stream in got['streams'].items():
            self.sound(name, stream)
        missing = sum(s['missing'] for s in streams)
        repeated = sum(s['repeated'] for s in streams)
        self.done['steady events'] = sum(report['offered'])
        self.done['steady events lost at a full lane'] = report['lost']
        self.done['steady events that came twice'] = repeated
        self.done['steady events that came late'] = sum(s['late'] for s in streams)
        self.done['events read'] = got['received']
        self.done['lost by the subscriber of all'] = got['own_lost']
        self.done['lost by the slow one'] = self.slow.report()['own_lost']
        if missing > report['lost'] + got['own_lost'] or missing < report['lost']:
            raise AssertionError(f'{missing} missing: {report}, {got}')
        if repeated > self.done['restarts by kill -9'] * BURST:
            raise AssertionError(f'{repeated} came twice: {got}')

    def memory(self):
        for watch in self.watches:
            verdict = watch.verdict()
            if not verdict:
                continue
            first, third, last = verdict
            print(f'  {watch.name:14} {first:8.0f} KiB at first, {third:8.0f} in the third '
                  f'quarter, {last:8.0f} in the last, {len(watch.samples)} looks')
            if sanitized():
                continue
            if last - third > FLAT_KB or last - first > TOTAL_KB:
                raise AssertionError(f'{watch.name} grows: {watch.samples}')

    def stop(self):
        """Leaves nothing behind, whatever happened."""
        mount = os.path.join(self.folder, 'mount')
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                process.wait(LIMIT_S / 10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if os.path.ismount(mount):
            subprocess.run(['umount', '-l', mount], check=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('seconds', nargs='?', type=float, default=600)
    parser.add_argument('--seed', type=int, default=random.randrange(10**6))
    parser.add_argument('--build', default=os.path.join(HERE, '..', '..', 'build'))
    args = parser.parse_args()
    for name, path in PROGRAMS.items():
        os.environ.setdefault(name, os.path.abspath(os.path.join(args.build, path)))
    folder = tempfile.mkdtemp(prefix='vex-soak-')
    soak = Soak(args.seconds, args.seed, folder)
    print(f'soak for {args.seconds:.0f} s, seed {args.seed}', flush=True)
    try:
        soak.start()
        soak.run()
        soak.finish()
    finally:
        soak.stop()
        for name, count in soak.done.items():
            print(f'  {count:10} {name}')
    shutil.rmtree(folder)
    print('all held')


if __name__ == '__main__':
    main()
