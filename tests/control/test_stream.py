# SPDX-License-Identifier: BSD-3-Clause
"""vexctl tail, top and capture on what vex-replay plays into a real data plane."""
import fcntl
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import termios
import time

from support import LIMIT_S, Case, Programs, wait_for

PCAP_HEADER = 24
PACKET_HEADER = 16
RESULT, TYPE = 36, 40  # where they stand in a record
GAP, RENAME = 1, 16


def packets(path):
    """The records of a capture, as bytes."""
    with open(path, 'rb') as file:
        data = file.read()
    at, found = PCAP_HEADER, []
    while at < len(data):
        size, = struct.unpack_from('<I', data, at + 8)
        found.append(data[at + PACKET_HEADER:at + PACKET_HEADER + size])
        at += PACKET_HEADER + size
    return found


def catches_interrupts(pid):
    """A stream does from the moment its subscription stands."""
    with open(f'/proc/{pid}/status', encoding='ascii') as status:
        caught, = [line.split()[1] for line in status if line.startswith('SigCgt:')]
    return int(caught, 16) >> (signal.SIGINT - 1) & 1


class Stream(Case):
    def setUp(self):
        super().setUp()
        self.recorded = os.path.join(self.folder, 'recorded.pcap')
        subprocess.run([Programs.samples, '--no-own-gaps', self.recorded], check=True)
        self.records = packets(self.recorded)
        self.events = [record for record in self.records if record[TYPE] != GAP]

    def start_dataplane(self):
        process = self.spawn([Programs.dataplane, '--no-huge', '--in-memory', '--no-pci', '-m',
                              '128', '--lcores', '0@0,(1-2)@0', '--', '--socket', self.data_socket,
                              '--idle', 'adaptive'], stderr=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL)
        wait_for(lambda: self.listens(self.data_socket, socket.SOCK_SEQPACKET), 'the data plane')
        return process

    def start(self):
        self.start_dataplane()
        self.start_control()
        self.wait_plane('running')

    def follow(self, *args, **options):
        """Starts a command that follows the stream, and waits until it is attached."""
        options = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **options}
        process = self.spawn([Programs.vexctl, '--socket', self.data_socket, *args], **options)
        wait_for(lambda: catches_interrupts(process.pid), 'the subscription to stand')
        return process

    def attached(self):
        return sum(row['state'] == 'live'
                   for row in self.json('show', 'subscribers')['subscribers'])

    def replay(self):
        subprocess.run([Programs.replay, '--socket', self.data_socket, '--fast', '--quiet',
                        self.recorded], check=True, timeout=LIMIT_S)

    def end(self, process, code=0):
        out, err = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, code, err)
        self.assertNotIn(b'Sanitizer', err)
        return (out or b'').decode(), err.decode()

    def follow_all(self, *args):
        process = self.follow('tail', '--count', str(len(self.events)), *args)
        self.replay()
        out, err = self.end(process)
        self.assertEqual(err, '')
        return out.split('\n')[:-1]

    def test_tail(self):
        self.start()
        plain = [json.loads(line) for line in self.follow_all('--json')]
        self.assertEqual(sum(event['type'] != 'gap' for event in plain), len(self.events))
        self.assertEqual([event['result'] for event in plain],
                         [struct.unpack_from('<i', record, RESULT)[0] for record in self.records])
        ocsf = [json.loads(line) for line in self.follow_all('--format', 'ocsf')]
        self.assertEqual([event['unmapped']['type'] for event in ocsf],
                         [event['type'] for event in plain])
        text = self.follow_all()
        self.assertEqual(len(text), len(plain))
        for line, event in zip(text, plain):
            self.assertIn('*** GAP ***' if event['type'] == 'gap' else f" {event['type']} ", line)

    def test_colour_of_gaps(self):
        self.start()
        lines = self.follow_all('--color', 'always')
        self.assertEqual({line.startswith('\033[') and line.endswith('\033[0m')
                          for line in lines if 'GAP' in line}, {True})
        self.assertFalse([line for line in lines if 'GAP' not in line and '\033' in line])

    def test_where(self):
        self.start()
        every = [json.loads(line) for line in self.follow_all('--json')]
        events = [event for event in every if event['type'] != 'gap']
        gaps = len(every) - len(events)
        cases = [('type=rename|audit', lambda e: e['type'] in ('rename', 'audit')),
                 ('type=graph', lambda e: e['category'] == 'graph'),
                 ('boundary=fuse,type=file', lambda e: e['boundary'] == 'fuse' and
                  e['category'] == 'file'),
                 ('comm=comm-*', lambda e: e.get('comm', '').startswith('comm-')),
                 ('path=/srv/**', lambda e: e.get('path', '').startswith('/srv/')),
                 (f"pid={events[9]['pid']}", lambda e: e['pid'] == events[9]['pid']),
                 (f"uid={events[9]['uid']}", lambda e: e['uid'] == events[9]['uid'])]
        for where, wanted in cases:
            left = [event['id'] for event in events if wanted(event)]
            self.assertTrue(left, where)
            process = self.follow('tail', '--json', '--where', where, '--count', str(len(left)))
            self.replay()
            got = [json.loads(line) for line in self.end(process)[0].split('\n')[:-1]]
            self.assertEqual([e['id'] for e in got if e['type'] != 'gap'], left, where)
            self.assertEqual(sum(e['type'] == 'gap' for e in got), gaps, where)

    def test_ends(self):
        self.start()
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.follow('tail')
            process.send_signal(number)
            self.assertEqual(self.end(process), ('', ''))
        self.assertEqual(self.vexctl('tail', '--timeout', '0.05'), ('', ''))
        wait_for(lambda: self.attached() == 0, 'all to be detached')

    def delivered(self):
        return sum(row['delivered'] for row in self.json('show', 'subscribers')['subscribers']
                   if row['state'] == 'live')

    def test_an_end_loses_nothing_delivered(self):
        """What came while it could not run is written before it ends."""
        self.start()
        path = os.path.join(self.folder, 'late.pcap')
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.follow('capture', '-w', path)
            process.send_signal(signal.SIGSTOP)
            for _ in range(3):
                self.replay()
            self.vexctl('verify', '--wait', '20')
            delivered = self.delivered()
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            out, _ = self.end(process)
            self.assertGreaterEqual(delivered, 3 * len(self.events))
            self.assertIn(f'captured {delivered} packets', out)
            wait_for(lambda: self.attached() == 0, 'it to be detached')

    def test_reader_that_goes_away(self):
        self.start()
        for command in (('tail',), ('tail', '--json'), ('capture', '-w', '-'),
                        ('top', '--interval', '0.05')):
            read, write = os.pipe()
            process = self.follow(*command, stdout=write)
            os.close(write)
            os.close(read)
            self.replay()
            self.assertNotIn('cannot', self.end(process)[1])

    def test_full_disk(self):
        self.start()
        for command in (('tail',), ('capture', '-w', '-'), ('capture', '-w', '/dev/full')):
            with open('/dev/full', 'wb') as full:
                process = self.follow(*command, stdout=full)
                self.replay()
                self.assertIn('No space left on device', self.end(process, 1)[1])

    def test_capture(self):
        self.start()
        path = os.path.join(self.folder, 'new.pcap')
        process = self.follow('capture', '-w', path, '--count', str(len(self.events)))
        self.replay()
        out, err = self.end(process)
        self.assertEqual(err, '')
        self.assertIn(f'captured {len(self.records)} packets, '
                      f'{len(self.records) - len(self.events)} of them GAPs', out)
        with open(self.recorded, 'rb') as old, open(path, 'rb') as new:
            self.assertTrue(old.read() == new.read())

    def test_capture_tells_its_summary_on_stdout(self):
        self.start()
        path = os.path.join(self.folder, 'empty.pcap')
        out, err = self.vexctl('capture', '-w', path, '--timeout', '.05', '--json')
        self.assertEqual((json.loads(out), err), ({'packets': 0, 'gaps': 0, 'lost': 0}, ''))

    def test_timeout_counts_from_the_subscription(self):
        self.start_dataplane().send_signal(signal.SIGSTOP)
        process = self.spawn([Programs.vexctl, '--socket', self.data_socket, 'tail', '--timeout',
                              '0.5'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until = time.monotonic() + 0.6
        wait_for(lambda: time.monotonic() > until, 'the timeout to pass before it can attach')
        before = time.monotonic()
        self.processes[0].send_signal(signal.SIGCONT)
        self.end(process)
        self.assertGreaterEqual(time.monotonic() - before, 0.5)

    def test_what_came_before_the_timeout_is_told_late(self):
        self.start()
        process = self.follow('tail', '--json', '--timeout', '1')
        until = time.monotonic() + 1
        process.send_signal(signal.SIGSTOP)
        self.replay()
        self.vexctl('verify', '--wait', str(LIMIT_S))
        wait_for(lambda: time.monotonic() > until, 'the timeout to pass')
        process.send_signal(signal.SIGCONT)
        lines = self.end(process)[0].split('\n')[:-1]
        self.assertEqual(sum(json.loads(line)['type'] != 'gap' for line in lines),
                         len(self.events))

    def test_capture_to_a_pipe(self):
        self.start()
        renames = [record for record in self.records if record[TYPE] == RENAME]
        with open(os.path.join(self.folder, 'piped.pcap'), 'wb') as out:
            process = self.follow('--json', 'capture', '-w', '-', '--where', 'type=rename',
                                  '--count', str(len(renames)), stdout=out)
            self.replay()
            summary = json.loads(self.end(process)[1])
        got = packets(out.name)
        self.assertEqual([record for record in got if record[TYPE] != GAP], renames)
        self.assertEqual((summary['packets'], summary['gaps']),
                         (len(got), len(got) - len(renames)))

    def test_capture_spares_a_file_where_there_is_no_data_plane(self):
        with open(self.recorded, 'rb') as file:
            before = file.read()
        _, err = self.vexctl('capture', '-w', self.recorded, code=1)
        self.assertIn('is vex-dataplane running?', err)
        with open(self.recorded, 'rb') as file:
            self.assertEqual(file.read(), before)

    def test_no_data_plane(self):
        for command in ('tail', 'top'):
            out, err = self.vexctl(command, code=1)
            self.assertEqual(out, '')
            self.assertEqual(err.count('\n'), 1)
            self.assertIn(self.data_socket, err)
            told = json.loads(self.vexctl(command, '--json', code=1)[1])
            self.assertEqual(told['level'], 'error')
            self.assertIn(self.data_socket, told['message'])

    def test_data_plane_comes_back(self):
        self.start()
        count = 2 * len(self.events)
        paths = [os.path.join(self.folder, name) for name in ('out', 'err')]
        with open(paths[0], 'wb') as out, open(paths[1], 'wb') as err:
            process = self.follow('tail', '--json', '--count', str(count), stdout=out, stderr=err)

        def told(text):
            with open(paths[1], encoding='utf-8') as file:
                return text in file.read()
        self.replay()
        self.vexctl('verify', '--wait', str(LIMIT_S))
        dataplane = self.processes[0]
        dataplane.kill()
        dataplane.wait()
        wait_for(lambda: told('is gone; waiting'), 'the loss to be told')
        self.start_dataplane()
        wait_for(lambda: told('is back'), 'the tail to be back')
        self.replay()
        self.assertEqual(self.finish(process), 0)
        with open(paths[0], encoding='utf-8') as out:
            events = [json.loads(line) for line in out]
        self.assertEqual(sum(event['type'] != 'gap' for event in events), count)

    def check_top(self, intervals):
        for top in intervals:
            for name in ('types', 'processes', 'directories'):
                total = sum(row['events_per_s'] for row in top[name])
                self.assertAlmostEqual(total, top['events_per_s'], 3)
                self.assertLessEqual(len(top[name]), 11)

    def test_top(self):
        self.start()
        process = self.follow('--json', 'top', '--interval', '0.3', '--timeout', '2')
        self.replay()
        tops = [json.loads(line) for line in self.end(process)[0].split('\n')[:-1]]
        self.assertEqual(sum(top['events'] for top in tops), len(self.events))
        self.check_top(tops)
        busy = max(tops, key=lambda top: top['events'])
        self.assertIn('/srv/data/été', [row.get('path') for row in busy['directories']])
        self.assertTrue(busy['lost'])

    def test_top_on_pipes(self):
        self.start()
        process = self.follow('top', '--interval', '0.2', '--count', '3')
        self.replay()
        out, _ = self.end(process)
        self.assertEqual(out.count('DIRECTORY'), 3)
        self.assertNotIn('\033', out)

    def test_top_on_a_terminal(self):
        self.start()
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
        process = self.follow('top', '--interval', '0.1', stdout=slave,
                              env=dict(os.environ, TERM='xterm'))
        os.close(slave)
        shown = b''
        while shown.count(b'DIRECTORY') < 2:
            shown += os.read(master, 65536)
        self.replay()
        while b'/srv/data/' not in shown:
            shown += os.read(master, 65536)
        process.send_signal(signal.SIGINT)
        try:
            while True:
                shown += os.read(master, 65536)
        except OSError:  # the terminal's other end is closed
            pass
        os.close(master)
        self.end(process)
        self.assertTrue(shown.startswith(b'\033[?1049h'))
        self.assertTrue(shown.endswith(b'\033[?1049l'))
        for frame in shown.split(b'\033[H\033[J')[2:]:
            self.assertLessEqual(frame.count(b'\n'), 24)

    def test_usage(self):
        cases = [(('tail', 'x'), "'x' is not expected"),
                 (('tail', '--bogus'), "'--bogus' is unknown"),
                 (('tail', '--format', 'xml'), 'must be text, json or ocsf'),
                 (('tail', '--json', '--format', 'text'), 'exclude each other'),
                 (('tail', '--where', 'type=reed'), 'no such type or category'),
                 (('tail', '--count', '0'), '--count must be a number from 1'),
                 (('tail', '--count', '1x'), '--count must be a number from 1'),
                 (('tail', '--name', ''), '--name must have 1 to 47 bytes'),
                 (('tail', '--name', 'x' * 48), '--name must have 1 to 47 bytes'),
                 (('tail', '--timeout', '-1'), '--timeout must be seconds'),
                 (('tail', '--timeout', 'nan'), '--timeout must be seconds'),
                 (('top', '--interval', '0'), '--interval must be seconds'),
                 (('top', '--interval', '4000'), '--interval must be seconds'),
                 (('capture',), '-w FILE is missing'),
                 (('capture', '-w'), 'lacks its value')]
        for command, message in cases:
            out, err = self.vexctl(*command, code=2)
            self.assertEqual(out, '')
            self.assertIn(message, err)
            self.assertEqual(err.count('\n'), 1, err)

    def test_name(self):
        self.start()
        process = self.follow('tail', '--name', 'audit')
        self.assertEqual([row['name'] for row in self.json('show', 'subscribers')['subscribers']
                          if row['state'] == 'live'], ['audit'])
        process.send_signal(signal.SIGINT)
        self.end(process)

    def test_help(self):
        for command in ('tail', 'top', 'capture'):
            out, _ = self.vexctl(command, '--help')
            self.assertIn('--where', out)
            self.assertIn(command, self.vexctl('help')[0])
