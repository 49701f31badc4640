#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Replays captures into a data plane, and compares what is captured from it, byte for byte.

    test_replay.py DATAPLANE REPLAY WRITE_SAMPLES CAPTURE_LANE VEXCTL
"""
import contextlib
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

PATIENCE = 60
START = 1790000000
HEADER = struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 81920, 147)
OPEN, GAP = 10, 1


def must(condition, *what):
    if not condition:
        sys.exit('failed: ' + ' '.join(str(part) for part in what))


def record(kind, seq, boundary=2, attrs=b'', count=0):
    """A record of which the id's sequence and the type matter."""
    return struct.pack('<IIQIHHQIiHBBIII', 56 + len(attrs), 0, seq, 3, 4, 5, START * 10**9, 6, -2,
                       kind, boundary, count, 7, 8, 9) + attrs


def gap(first, count):
    attrs = struct.pack('<IQQQII4x', 11 << 20 | 32, first, first + count - 1, count, 1, 0)
    return record(GAP, first, 0, attrs, 1)


def packet(time_ns, data):
    return struct.pack('<IIII', START + time_ns // 10**9, time_ns % 10**9, len(data), len(data)) + data


def write(path, packets):
    with open(path, 'wb') as file:
        file.write(HEADER + b''.join(packets))


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def packets_of(path):
    data, at, found = read(path), 24, []
    while at < len(data):
        size = struct.unpack_from('<I', data, at + 8)[0]
        found.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return found


class Bench:
    """The programs under test, and a folder for their files."""

    def __init__(self, folder, programs):
        self.folder = folder
        self.dataplane, self.replayer, self.samples, self.capturer, self.vexctl = programs
        self.socket = f'{folder}/dataplane.sock'
        self.plane = None

    def path(self, name):
        return f'{self.folder}/{name}'

    def start_plane(self):
        self.plane = subprocess.Popen(
            [self.dataplane, '--no-huge', '--in-memory', '--no-pci', '-l', '0-1', '-m', '128',
             '--', '--socket', self.socket, '--idle', 'adaptive'], stdin=subprocess.DEVNULL)

    def stop_plane(self, number=signal.SIGTERM):
        self.plane.send_signal(number)
        return self.plane.wait(PATIENCE)

    def command(self, *options):
        return [self.replayer, '--socket', self.socket, *options]

    def replay(self, *options):
        return subprocess.run(self.command(*options), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE)

    def replay_json(self, *options):
        done = self.replay('--json', *options)
        must(done.returncode == 0, done.args, done.stderr)
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def capturing(self, path, count):
        with subprocess.Popen([self.capturer, self.socket, path, str(count)],
                              stdout=subprocess.PIPE, text=True) as process:
            must(process.stdout.readline() == 'ready\n', 'the capture did not start')
            yield
            must(process.wait(PATIENCE) == 0, 'the capture is not whole')

    def wait_for_plane(self):
        probe = self.path('empty.pcap')
        write(probe, [])
        deadline = time.monotonic() + PATIENCE
        while self.replay('--quiet', probe).returncode:
            must(self.plane.poll() is None, 'the data plane ended')
            must(time.monotonic() < deadline, 'the data plane does not answer')
            time.sleep(0.05)


def test_round_trip(bench):
    """Every type in every shape, up to the largest record: the two files are the same."""
    original, copy = bench.path('original.pcap'), bench.path('copy.pcap')
    subprocess.run([bench.samples, '--largest', '--no-own-gaps', original], check=True)
    count = len(packets_of(original))
    with bench.capturing(copy, count):
        summary = bench.replay_json('--fast', original)
    must(summary['records'] == count and summary['lost'] == 0, summary)
    must(summary['bytes'] == sum(map(len, packets_of(original))), summary)
    must(read(copy) == read(original), 'the copy differs from the original')


def test_vexctl_capture(bench):
    """What vexctl captures of a replay is what was replayed. Its --count leaves GAPs out."""
    original, copy = bench.path('original.pcap'), bench.path('vexctl.pcap')
    subprocess.run([bench.samples, '--no-own-gaps', original], check=True)
    events = sum(data[40:42] != b'\1\0' for data in packets_of(original))
    command = [bench.vexctl, '--socket', bench.socket, 'capture', '-w', copy, '--count', str(events)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + PATIENCE
        while not os.path.exists(copy): # it is made once the subscription stands
            must(process.poll() is None and time.monotonic() < deadline, 'vexctl does not capture')
            time.sleep(0.01)
        bench.replay_json('--fast', original)
        text = process.communicate(timeout=PATIENCE)[1]
        must(process.returncode == 0, text)
    must(read(copy) == read(original), 'the copy differs from the original:', text)


def test_gaps(bench):
    """A GAP of the capture's own lane is counted; one that was passed on is an event."""
    original, copy = bench.path('gaps.pcap'), bench.path('gaps-copy.pcap')
    passed_on = bytearray(gap(3, 5))
    passed_on[42] = 2
    events = [record(OPEN, 1), bytes(passed_on), record(OPEN, 9)]
    write(original, [packet(0, data) for data in
                     [events[0], gap(100, 7), events[1], gap(200, 35), events[2]]])
    with bench.capturing(copy, 3 * 2):
        summary = bench.replay_json('--fast', '--loop', '2', original)
    must(summary['records'] == 6 and summary['rounds'] == 2, summary)
    must(summary['gaps'] == 2 and summary['gap_events'] == 42, summary)
    must(packets_of(copy) == events * 2, 'other records came than were replayed')
    told = bench.replay('--fast', original).stdout
    must('2 GAPs stood in the capture: 42 events were lost' in told, told)


def test_pace(bench):
    """Intervals are kept, shortened or left out; one that goes back costs nothing."""
    path = bench.path('pace.pcap')
    write(path, [packet(ms * 10**6, record(OPEN, ms)) for ms in (0, 200, 100, 400)])
    must(bench.replay_json(path)['seconds'] >= 0.4, 'as recorded')
    must(bench.replay_json('--speed', '0.5', path)['seconds'] >= 0.8, 'at half the speed')
    write(path, [packet(0, record(OPEN, 0)), packet(86400 * 10**9, record(OPEN, 1))])
    must(bench.replay_json('--speed', '864000', path)['seconds'] >= 0.1, 'a day in 0.1 s')
    must(bench.replay_json('--fast', path)['records'] == 2, 'a day in no time')


def test_bad_files(bench):
    """Errors name the packet; what stands before it is played."""
    path = bench.path('bad.pcap')
    write(path, [packet(0, record(OPEN, seq)) for seq in range(3)])
    with open(path, 'r+b') as file:
        file.truncate(24 + 3 * 72 - 10)
    done = bench.replay('--json', path)
    must(done.returncode == 1 and f'{path}: packet 3: ' in done.stderr, done.stderr)
    must(json.loads(done.stdout)['records'] == 2, done.stdout)
    write(path, [packet(0, record(OPEN, 1)), packet(0, record(9, 2))])
    done = bench.replay('--quiet', path)
    must(done.returncode == 1 and f'{path}: packet 2: ' in done.stderr, done.stderr)
    must(not done.stdout and done.stderr.count('\n') == 1, 'not one line:', done.stdout, done.stderr)
    done = bench.replay(bench.path('nonexistent.pcap'))
    must(done.returncode == 1 and 'nonexistent.pcap: No such file' in done.stderr, done.stderr)
    write(path, [packet(0, record(OPEN, 0, 2, struct.pack('<I', 6 << 20 | 4084) + b'x' * 4084, 1))])
    done = bench.replay('--lane-size', '4096', path)
    must(done.returncode == 1 and 'packet 1: ' in done.stderr and '--lane-size' in done.stderr,
         done.stderr)


def test_usage(bench):
    path = bench.path('pace.pcap')
    for wrong in ([], [path, path], ['--speed', '0', path], ['--speed', 'inf', path],
                  ['--speed', 'x', path], ['--fast', '--speed', '2', path], ['--loop', '-1', path],
                  ['--loop', '2', '-'], ['--lane-size', '5000', path], ['--name', '', path],
                  ['--name', 'n' * 48, path], ['--nonsense', path]):
        done = bench.replay(*wrong)
        must(done.returncode == 2 and done.stderr.count('\n') == 1, wrong, done.stderr)
    must(bench.replay('--help').stdout.startswith('usage: vex-replay'), '--help')
    must(re.match(r'vex-replay \d', bench.replay('--version').stdout), '--version')
    must(bench.replay('--quiet', '--fast', path).stdout == '', '--quiet')
    done = subprocess.run([bench.replayer, '--socket', bench.path('nobody'), path],
                          stderr=subprocess.PIPE, text=True, check=False)
    must(done.returncode == 1 and 'nobody' in done.stderr, done.stderr)


def test_standard_input(bench):
    copy = bench.path('stdin-copy.pcap')
    path = bench.path('gaps.pcap')
    with bench.capturing(copy, 3), open(path, 'rb') as file:
        done = subprocess.run(bench.command('--fast', '-'), stdin=file, check=False,
                              stdout=subprocess.DEVNULL)
    must(done.returncode == 0 and len(packets_of(copy)) == 3, 'standard input')


def interrupt(process):
    process.send_signal(signal.SIGINT)
    out, text = process.communicate(timeout=PATIENCE)
    must(process.returncode == 1, process.returncode, text)
    return json.loads(out)


def test_progress(bench):
    """A bar on a terminal, which --quiet leaves out; the tests before saw none in a pipe."""
    path = bench.path('gaps.pcap')
    for options, shown in ([], True), (['--quiet'], False):
        terminal, end = pty.openpty()
        process = subprocess.run(bench.command(*options, '--fast', path), stderr=end, check=False,
                                 stdout=subprocess.DEVNULL)
        os.write(end, b'the end')
        text = os.read(terminal, 65536).decode()
        must(process.returncode == 0 and ('% ' in text) == shown, repr(text))
        os.close(terminal)
        os.close(end)


def check_restart(bench, *options):
    """Kills the data plane under a replay, starts another, and returns the summary."""
    path, copy = bench.path('loop.pcap'), bench.path('loop-copy.pcap')
    write(path, [packet(ms * 10**6, record(OPEN, ms)) for ms in range(10)])
    process = subprocess.Popen(bench.command('--loop', '0', '--json', *options, path),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with bench.capturing(copy, 100):
        pass
    bench.stop_plane(signal.SIGKILL)
    bench.start_plane()
    bench.wait_for_plane()
    with bench.capturing(copy, 100):
        pass
    must(process.poll() is None, 'the replay ended by itself')
    summary = interrupt(process)
    must(summary['records'] >= 200, summary)
    return summary


def test_interrupt_and_restart(bench):
    """A data plane that is killed in the middle is found again; Ctrl-C ends with the summary."""
    summary = check_restart(bench)
    must(summary['lost'] == 0, 'the lane had room:', summary)
    summary = check_restart(bench, '--fast', '--lane-size', '4096')
    must(summary['lost'] < 10, 'it did not wait for the data plane:', summary)


def main():
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder, [os.path.abspath(program) for program in sys.argv[1:]])
        bench.start_plane()
        try:
            bench.wait_for_plane()
            for test in (test_round_trip, test_vexctl_capture, test_gaps, test_pace,
                         test_bad_files, test_usage, test_standard_input, test_progress,
                         test_interrupt_and_restart):
                test(bench)
                print(f'{test.__name__}: passed')
            must(bench.stop_plane() == 0, 'the data plane did not end well')
        finally:
            if bench.plane.poll() is None:
                bench.plane.kill()
                bench.plane.wait()


if __name__ == '__main__':
    main()
