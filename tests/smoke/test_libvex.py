#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""libvex from C, from C++ and through ctypes: what goes in comes out, and errors tell why."""
import ctypes
import errno
import os
import signal
import subprocess
import threading
import time
import unittest

import libvex
from processes import Case, freeze, LIMIT_S, program, wait_for


class Libvex(Case):
    def port(self, **options):
        port = libvex.Port(self.socket, **options)
        self.addCleanup(port.close)
        return port

    def subscription(self, **options):
        sub = libvex.Subscription(self.socket, **options)
        self.addCleanup(sub.close)
        return sub

    def fails(self, code, words, call, *args, **more):
        with self.assertRaises(libvex.VexError) as caught:
            call(*args, **more)
        self.assertEqual(caught.exception.errno, code, caught.exception)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def counts_on(self, events):
        """The ids of one lane's events go on by one; where they begin."""
        base = events[0][0].id.seq
        self.assertEqual([e.id.seq for e, _, _ in events], list(range(base, base + len(events))))
        return base

    def test_every_field_of_every_type_from_c(self):
        plane = self.plane()
        done = subprocess.run([program('ROUNDTRIP'), self.socket], capture_output=True, text=True,
                              timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(int(done.stdout.split()[0]), 80)
        plane.verify()

    def test_from_cpp(self):
        if not os.environ['ROUNDTRIP_CPP']:
            self.skipTest('no C++ compiler')
        plane = self.plane()
        done = subprocess.run([program('ROUNDTRIP_CPP'), self.socket], capture_output=True,
                              text=True, timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        plane.verify()

    def test_the_shared_library_needs_libc_alone(self):
        done = subprocess.run(['readelf', '-d', program('LIBVEX')], capture_output=True, text=True,
                              check=True)
        needed = [line for line in done.stdout.splitlines() if 'NEEDED' in line]
        self.assertTrue(all('libc.so' in line or 'ld-linux' in line or 'san.so' in line
                            for line in needed), needed)
        done = subprocess.run(['nm', '-D', '--defined-only', program('LIBVEX')],
                              capture_output=True, text=True, check=True)
        names = [line.split()[-1] for line in done.stdout.splitlines()]
        self.assertTrue(names and all(name.startswith('vex_') for name in names), names)

    def test_through_ctypes(self):
        plane = self.plane()
        sub = self.subscription(name=b'python')
        lane = self.port(name=b'python').lane()
        path = bytes(range(1, 256))
        value = bytes(range(256)) * 3
        pair = libvex.Pair()
        for part, data in ((pair.name, b'user.\xff'), (pair.value, value)):
            part.data = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p)
            part.len = len(data)
        event = libvex.make_event(libvex.OPEN, path, pid=5, result=-13, pair_count=1,
                                  pairs=ctypes.pointer(pair))
        before = time.time_ns()
        self.assertEqual(libvex.publish(lane, event), 0)
        (got, got_path, pairs), = sub.read_exactly(1)
        self.assertEqual((got.type, got.pid, got.result), (libvex.OPEN, 5, -13))
        self.assertEqual(got_path, path)
        self.assertEqual(pairs, [(b'user.\xff', value)])
        self.assertLess(abs(got.start_ns - before), 10**9)  # given by libvex
        plane.verify()

    def test_a_filter(self):
        self.plane()
        sub = self.subscription(types=[libvex.RENAME])
        lane = self.port().lane()
        for kind in (libvex.OPEN, libvex.RENAME, libvex.METRIC, libvex.RENAME):
            libvex.publish(lane, libvex.make_event(kind, b'/x'))
        self.assertEqual([e.type for e, _, _ in sub.read_exactly(2)], [libvex.RENAME] * 2)
        self.assertEqual(sub.read(), [])

    def test_events_that_can_not_be(self):
        plane = self.plane()
        lane = self.port(ring_size=4096).lane()
        for kind in (0, 9, 255, 256, 60000, libvex.GAP):
            self.assertEqual(libvex.publish(lane, libvex.make_event(kind, b'/x')), -errno.EINVAL)
            self.assertIn(b'type', libvex.lib.vex_last_error())
        for name, code in ((b'user.a', 0), (b'user\0a', -errno.EINVAL)):
            pair = libvex.Pair()
            pair.name.data = ctypes.cast(ctypes.c_char_p(name), ctypes.c_void_p)
            pair.name.len = len(name)
            event = libvex.make_event(libvex.OPEN, b'/x', pair_count=1, pairs=ctypes.pointer(pair))
            self.assertEqual(libvex.publish(lane, event), code, name)
        long = libvex.make_event(libvex.OPEN, b'x' * 4097)
        self.assertEqual(libvex.publish(lane, long), -errno.EINVAL)
        large = libvex.make_event(libvex.OPEN, b'x' * 4096)
        self.assertEqual(libvex.publish(lane, large), -errno.EMSGSIZE)
        plane.verify()
        self.assertEqual(plane.stats()['ports'][0]['received'], 1)

    def test_ids_never_come_again(self):
        """Whoever takes the number of a lane or of a port that was there before has other ids."""
        plane = self.plane()
        sub = self.subscription(background=1)
        seen = []
        for _ in range(2):
            for _ in range(3):
                port = self.port()
                for _ in range(3):
                    lane = port.lane()
                    libvex.publish(lane, libvex.make_event(libvex.OPEN, b'/id'))
                    libvex.lib.vex_lane_close(lane)
                    seen += sub.read_exactly(1)
                    wait_for(lambda: not plane.stats()['lanes'], 'the lane to be freed')
                port.close()
                wait_for(lambda: not plane.stats()['ports'], 'the port to be freed')
            plane.end()
            plane = self.plane()
            wait_for(lambda: sub.stats().connected, 'the subscription')
        ids = [(e.id.node, e.id.port, e.id.lane, e.id.seq) for e, _, _ in seen]
        self.assertEqual({i[:3] for i in ids}, {(ids[0][0], 0, 0)})
        self.assertEqual(len(set(ids)), 18, ids)

    def test_a_full_lane_that_drops(self):
        """The GAP names the very numbers that were lost."""
        plane = self.plane()
        sub = self.subscription()
        lane = self.port(ring_size=4096, full=libvex.DROP).lane()
        event = libvex.make_event(libvex.OPEN, b'/x')
        freeze(plane.pid)
        taken = 0
        while libvex.publish(lane, event) == 0:
            taken += 1
        for _ in range(9):
            self.assertEqual(libvex.publish(lane, event), -errno.ENOBUFS)
        self.assertIn(b'the lane is full', libvex.lib.vex_last_error())
        os.kill(plane.pid, signal.SIGCONT)
        events = sub.read_exactly(taken)
        base = self.counts_on(events)
        self.assertEqual(libvex.publish(lane, event), 0)
        (gap, _, _), (after, _, _) = sub.read_exactly(2)
        self.assertEqual((gap.type, gap.gap.first, gap.gap.last, gap.gap.count, gap.gap.reason),
                         (libvex.GAP, taken, taken + 9, 10, libvex.LANE_FULL))
        self.assertEqual(after.id.seq, base + taken + 10)
        plane.verify()
        self.assertEqual(plane.stats()['ports'][0]['lost'], 10)

    def test_a_full_lane_that_waits_within_bounds(self):
        plane = self.plane()
        sub = self.subscription()
        port = self.port(ring_size=4096, full=libvex.WAIT, wait_us=100000)
        lane = port.lane()
        event = libvex.make_event(libvex.OPEN, b'/x')
        freeze(plane.pid)
        taken = 0
        start = time.monotonic()
        while libvex.publish(lane, event) == 0:
            taken += 1
            start = time.monotonic()
        waited = time.monotonic() - start
        self.assertGreaterEqual(waited, 0.1)
        self.assertLess(waited, 5)
        self.assertEqual(port.stats().waits, 1)
        # One that waits while the data plane wakes up is not lost.
        timer = threading.Timer(0.02, os.kill, (plane.pid, signal.SIGCONT))
        timer.start()
        while libvex.publish(lane, event):
            pass
        timer.join()
        sub.read_exactly(taken + 2)  # with the GAP
        plane.verify()

    def test_a_dead_data_plane_is_not_waited_for(self):
        plane = self.plane()
        port = self.port(ring_size=4096, full=libvex.WAIT, wait_us=30000000)
        lane = port.lane()
        plane.end(signal.SIGKILL)
        wait_for(lambda: not port.stats().connected, 'the loss to be known')
        start = time.monotonic()
        event = libvex.make_event(libvex.OPEN, b'/x')
        while libvex.publish(lane, event) == 0:
            pass
        self.assertLess(time.monotonic() - start, 10)

    def test_no_data_plane(self):
        self.fails(errno.ENOENT, [self.socket, 'vex-dataplane'], libvex.Port, self.socket)
        self.fails(errno.ENOENT, [self.socket, 'vex-dataplane'], libvex.Subscription, self.socket)
        self.plane().end(signal.SIGKILL)
        self.fails(errno.ECONNREFUSED, [self.socket, 'vex-dataplane'], libvex.Port, self.socket)
        long = '/' + 'x' * 200
        self.fails(errno.ENAMETOOLONG, ['too long'], libvex.Port, long)

    def test_bad_options(self):
        self.plane()
        for words, options in ((['1000', 'power of two'], {'ring_size': 1000}),
                               (['power of two'], {'ring_size': 1 << 31}),
                               (['boundary 99'], {'boundary': 99}),
                               (['DROP or WAIT'], {'full': 7}),
                               (['60 s'], {'full': libvex.WAIT, 'wait_us': 60000001}),
                               (['0x80'], {'flags': 0x80})):
            self.fails(errno.EINVAL, words, libvex.Port, self.socket, **options)
        self.fails(errno.EINVAL, ['power of two'], libvex.Subscription, self.socket, ring_size=77)
        self.fails(errno.EINVAL, ['ring_max'], libvex.Subscription, self.socket,
                   ring_size=1 << 27)
        port = self.port(ring_size=1 << 27)
        self.fails(errno.EINVAL, ['134217728', "ring_max allows at most 67108864"], port.lane)

    def test_more_lanes_than_a_port_may_have(self):
        self.plane()
        port = self.port(ring_size=4096)
        for _ in range(64):
            port.lane()
        self.fails(errno.ENOSPC, ['64'], port.lane)

    def test_waiting_for_a_data_plane(self):
        """connect_ms: the data plane may come within that time."""
        opened = []
        thread = threading.Thread(target=lambda: opened.append(self.port(connect_ms=60000)))
        thread.start()
        self.plane()
        thread.join(LIMIT_S)
        self.assertTrue(opened and opened[0].stats().connected)

    def test_in_the_background(self):
        """Opened without a data plane: events wait in the lane and come through later."""
        port = self.port(background=1)
        sub = self.subscription(background=1)
        lane = port.lane()
        for i in range(50):
            self.assertEqual(libvex.publish(lane, libvex.make_event(libvex.OPEN, b'%d' % i)), 0)
        self.assertFalse(port.stats().connected)
        with self.assertRaises(libvex.VexError):
            sub.read()
        plane = self.plane()

        def read():
            try:
                return sub.read()
            except libvex.VexError:
                return []
        events = wait_for(read, 'events')
        events += sub.read_exactly(50 - len(events))
        self.assertEqual([path for _, path, _ in events], [b'%d' % i for i in range(50)])
        self.counts_on(events)
        plane.verify()

    def fill(self, port, count):
        lane = port.lane()
        for i in range(count):
            self.assertEqual(libvex.publish(lane, libvex.make_event(libvex.OPEN, b'%d' % i)), 0)
        return lane

    def test_closing_tells_what_nobody_took(self):
        port = self.port(background=1, close_ms=100)
        self.fill(port, 30)
        lane = self.fill(port, 70)
        start = time.monotonic()
        self.assertEqual(libvex.lib.vex_lane_close(lane), 70)
        stats = port.stats()
        self.assertEqual((stats.published, stats.lost), (30, 70))
        self.assertEqual(port.close(), 30)
        self.assertLess(time.monotonic() - start, 2)
        self.assertGreater(time.monotonic() - start, 0.2)
        port = self.port(background=1)
        port.lane()
        self.assertEqual(port.close(), 0)  # nothing was published: nothing is waited for

    def test_closing_waits_for_a_data_plane(self):
        """One that comes while its time is not over takes all, and who closes hears so."""
        sub = self.subscription(background=1)
        port = self.port(background=1, close_ms=30000)
        for _ in range(2):
            self.fill(port, 50)
        lost = []
        closing = threading.Thread(target=lambda: lost.append(port.close()))
        closing.start()
        plane = self.plane('--settle-ms', '2000')
        closing.join(LIMIT_S)
        self.assertEqual(lost, [0])
        wait_for(lambda: sub.stats().connected, 'the subscription')
        self.assertEqual(len(sub.read_exactly(100)), 100)
        port = self.port()
        self.fill(port, 200)
        self.assertEqual(port.close(), 0)
        received = sum(row['received'] for row in plane.stats()['ports']) + \
            plane.stats()['retired']['port']['received']
        self.assertEqual(received, 300)
        plane.verify()

    def test_more_lanes_than_a_port_may_have(self):
        """Those beyond are attached once there is room; the others do not wait for them."""
        port = self.port(background=1)
        lanes = [self.fill(port, 1) for _ in range(70)]
        sub = self.subscription(background=1)
        plane = self.plane()
        wait_for(lambda: sub.stats().connected, 'the subscription')
        sub.read_exactly(64)
        for lane in lanes[-64:]:
            libvex.lib.vex_lane_close(lane)
        sub.read_exactly(6)
        self.assertEqual(port.stats().reconnects, 0)
        self.assertEqual(port.close(), 0)
        plane.verify()

    def test_a_data_plane_that_does_not_answer(self):
        """It is stopped for longer than anyone waits; afterwards all is as it should be."""
        plane = self.plane()
        sub = self.subscription()
        port = self.port()
        lanes = [port.lane()]
        freeze(plane.pid)
        lanes.append(port.lane())
        os.kill(plane.pid, signal.SIGCONT)
        wait_for(lambda: port.stats().reconnects == 1 and port.stats().connected, 'the port')
        lanes.append(port.lane())
        for i in range(300):
            for number, lane in enumerate(lanes):
                event = libvex.make_event(libvex.OPEN, b'%d' % number, offset=i)
                self.assertEqual(libvex.publish(lane, event), 0)
        wait_for(port.drained, 'all to be taken')
        events = sub.read_exactly(900)
        for number in range(3):
            of_lane = [each for each in events if each[1] == b'%d' % number]
            self.assertEqual(len(of_lane), 300)
            self.counts_on(of_lane)
        plane.verify()
        wait_for(lambda: plane.stats()['lanes'] == 3, 'three lanes, and none that is nobody\'s')


if __name__ == '__main__':
    unittest.main(verbosity=2)
