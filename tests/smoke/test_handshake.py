#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What may be said over the data plane's socket, what is refused, and that nothing leaks."""
import errno
import mmap
import os
import random
import select
import socket
import struct
import unittest

import raw
from processes import Case, fd_count, mapped_count, wait_for


class Handshake(Case):
    """Every test has an honest pair beside it, which must not notice."""

    def setUp(self):
        super().setUp()
        self.dataplane = self.plane()
        self.honest = self.subscribe(ring=1 << 24)
        self.producer = self.produce(id=1, rate=2000, burst=10, ring=1 << 22)
        wait_for(lambda: self.honest.report()['received'] > 100, 'events')
        self.before = self.counts()

    def counts(self):
        """Files and mappings that the data plane has."""
        return fd_count(self.dataplane.pid), mapped_count(self.dataplane.pid)

    def tearDown(self):
        self.producer.stop()
        report = self.finished(self.producer)
        self.assertEqual(report['reconnects'], 0)
        self.assert_clean(self.wait_streams(self.honest, 1, report['offered']),
                          report['offered'])
        self.dataplane.verify()
        wait_for(lambda: self.counts() == self.before,
                 f'{self.before} files and mappings, as before')
        self.assertEqual(len(self.dataplane.stats()['ports']), 1)
        super().tearDown()

    def connect(self):
        connection = raw.Connection(self.socket)
        self.addCleanup(connection.close)
        return connection

    def refused(self, answer, code, *words):
        self.assertIsNotNone(answer)
        self.assertEqual(answer.kind, raw.REFUSED)
        self.assertEqual(answer.error, -code, answer.reason)
        for word in words:
            self.assertIn(word, answer.reason)

    def test_an_answer_bears_the_number_of_its_request(self):
        with self.connect() as connection:
            answer = connection.say_hello(raw.PRODUCER)
            self.assertEqual((answer.kind, answer.request), (raw.WELCOME, 7))

    def test_hello_twice(self):
        with self.connect() as connection:
            self.assertEqual(connection.say_hello(raw.PRODUCER).kind, raw.WELCOME)
            self.refused(connection.say_hello(raw.PRODUCER), errno.EINVAL, 'HELLO before')
            self.refused(connection.say_hello(raw.SUBSCRIBER), errno.EINVAL, 'HELLO before')

    def test_hello_of_no_role_boundary_or_flag_that_exists(self):
        with self.connect() as connection:
            self.refused(connection.ask(raw.hello(9)), errno.EINVAL, 'no role')
            self.refused(connection.say_hello(raw.PRODUCER, boundary=77), errno.EINVAL, '77')
            self.refused(connection.say_hello(raw.PRODUCER, flags=0x80), errno.EINVAL, '0x80')
            self.refused(connection.say_hello(raw.SUBSCRIBER, ring_size=12345), errno.EINVAL,
                         '12345', 'power of two')

    def test_requests_out_of_turn(self):
        with self.connect() as connection:
            for kind in (raw.START, raw.LANE_ADD, raw.LANE_REMOVE, raw.PORT_MOVE,
                         raw.PORT_DETACH, raw.DONE, raw.WELCOME, 999):
                answer = connection.ask(raw.message(kind))
                self.assertEqual(answer.kind, raw.REFUSED, kind)
                self.assertTrue(answer.reason)
            self.assertEqual(connection.say_hello(raw.PRODUCER).kind, raw.WELCOME)
            self.refused(connection.ask(raw.message(raw.START)), errno.EINVAL, 'subscriber')
            self.refused(connection.ask(raw.target(raw.PORT_MOVE, 0)), errno.EACCES, 'control')
            self.refused(connection.ask(raw.message(raw.LANE_REMOVE, b'\xff' * 4)),
                         errno.ENOENT, 'no lane')

    def test_messages_that_are_none(self):
        """Junk, other versions, other lengths: the connection is closed, and no file stays."""
        rng = random.Random(1)
        good = raw.hello(raw.PRODUCER)
        bad = [b'', b'x', good[:-1], good + b'\0', good * 40, rng.randbytes(raw.SIZE),
               raw.message(raw.HELLO, magic=1), raw.message(raw.HELLO, version=2)]
        for data in bad:
            for count in (0, 1, 2, 3):
                with self.connect() as connection, open('/dev/null', 'rb') as null:
                    answer = connection.ask(data, [null.fileno()] * count)
                    self.assertIsNone(answer, data[:20])

    def test_a_good_message_with_files_that_do_not_belong_to_it(self):
        for count in (1, 2, 5, 100):
            with self.connect() as connection, open('/dev/null', 'rb') as null:
                answer = connection.ask(raw.hello(raw.PRODUCER), [null.fileno()] * count)
                self.assertEqual(answer is None, count > 1)
                connection.ask(raw.message(raw.START), [null.fileno()] * count)

    def test_memory_that_is_no_lane(self):
        """Not sealed, sealed too well, of another size, too large, or no memory at all."""
        size = raw.PAGE + raw.RING
        good = raw.RING_SEALS
        pipe_out, pipe_in = os.pipe()
        bad = [(raw.memfd(size, raw.PAGE_SEALS), raw.RING),
               (raw.memfd(size, good & ~raw.SEAL_SHRINK), raw.RING),
               (raw.memfd(size, good & ~raw.SEAL_GROW), raw.RING),
               (raw.memfd(size, 0), raw.RING), (raw.memfd(size - 1), raw.RING),
               (raw.memfd(0), raw.RING), (raw.memfd(size), raw.RING * 2),
               (raw.memfd(size), 0), (raw.memfd(size), 12288), (raw.memfd(size), 1 << 62),
               (raw.memfd(size), 1 << 30), (os.open('/dev/zero', os.O_RDWR), raw.RING),
               (os.open(self.folder, os.O_RDONLY), raw.RING), (pipe_out, raw.RING),
               (pipe_in, raw.RING)]
        with self.connect() as connection:
            self.assertEqual(connection.say_hello(raw.PRODUCER).kind, raw.WELCOME)
            for fd, ring_size in bad:
                answer = connection.ask(raw.lane_add(ring_size), [fd])
                self.assertEqual(answer.kind, raw.REFUSED, (fd, ring_size))
                os.close(fd)
            self.refused(connection.ask(raw.lane_add()), errno.EINVAL, 'memfd')
            fd = raw.memfd(size)
            self.refused(connection.ask(raw.lane_add(position=3), [fd]), errno.EINVAL, '64')
            os.close(fd)
            self.assertEqual(self.port_named('raw')['lane_count'], 0)

    def port_named(self, name):
        return [p for p in self.dataplane.stats()['ports'] if p['name'] == name][0]

    def test_more_lanes_than_a_port_may_have(self):
        rings = [raw.memfd(raw.PAGE + raw.RING) for _ in range(65)]
        with self.connect() as connection:
            connection.say_hello(raw.PRODUCER)
            for number in range(64):
                answer = connection.ask(raw.lane_add(), [rings[number]])
                self.assertEqual((answer.kind, answer.number), (raw.LANE_ADDED, number))
            self.refused(connection.ask(raw.lane_add(), [rings[64]]), errno.ENOSPC, '64')
        for ring in rings:
            os.close(ring)

    def test_a_ring_has_one_consumer(self):
        """Nor can another port take it: the same records would be delivered twice."""
        ring = raw.memfd(raw.PAGE + raw.RING)
        with self.connect() as connection, self.connect() as other:
            connection.say_hello(raw.PRODUCER)
            other.say_hello(raw.PRODUCER)
            self.assertEqual(connection.ask(raw.lane_add(), [ring]).kind, raw.LANE_ADDED)
            for each in (connection, other):
                self.refused(each.ask(raw.lane_add(), [ring]), errno.EBUSY, 'in use')
        os.close(ring)

    def test_an_answer_that_was_not_heard(self):
        """
        A producer that hung up before it learnt where its positions stand comes back with old
        ones; what was delivered meanwhile is not delivered again.
        """
        memory = os.memfd_create('ring', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.truncate(memory, raw.PAGE + raw.RING)
        with mmap.mmap(memory, raw.PAGE + raw.RING) as ring:
            raw.fcntl.fcntl(memory, raw.F_ADD_SEALS, raw.RING_SEALS)
            for seq in range(10):
                ring[raw.PAGE + seq * 64:raw.PAGE + seq * 64 + 64] = raw.event(seq)
            for _ in range(3):
                with self.connect() as connection:
                    connection.say_hello(raw.PRODUCER)
                    connection.send(raw.lane_add(seq=10), [memory])
                wait_for(lambda: len(self.dataplane.stats()['ports']) == 1, 'it to be drained')
            wait_for(lambda: self.honest.report()['foreign'] == 10, 'ten events')
            with self.connect() as connection:
                connection.say_hello(raw.PRODUCER)
                connection.ask(raw.lane_add(seq=10), [memory])
                ring[raw.PAGE + 640:raw.PAGE + 704] = raw.event(10)
                wait_for(lambda: self.honest.report()['foreign'] == 11, 'the next event')
        os.close(memory)

    def test_more_ports_and_subscribers_than_there_are(self):
        for role, limit in ((raw.PRODUCER, 63), (raw.SUBSCRIBER, 63)):
            connections = [self.connect() for _ in range(limit + 1)]
            for connection in connections[:limit]:
                self.assertEqual(connection.say_hello(role).kind, raw.WELCOME)
            self.refused(connections[limit].say_hello(role), errno.ENOSPC, '64')
            for connection in connections:
                connection.close()
            wait_for(lambda: len(self.dataplane.stats()['ports']) == 1, 'the ports to be free')

    def test_a_flood_of_connections(self):
        """Further ones are turned away with a reason, and those that are there stay."""
        connections = [self.connect() for _ in range(400)]
        turned_away = wait_for(lambda: self.answered(connections, 200), 'refusals')
        for connection in turned_away:
            answer = connection.receive()
            if answer:  # none where the data plane's end was closed before it was read
                self.refused(answer, errno.ENOSPC, 'too many connections')
        for connection in connections:
            connection.close()

        def served_again():
            with self.connect() as connection:
                answer = connection.say_hello(raw.CONTROL)
                return answer and answer.kind == raw.WELCOME
        wait_for(served_again, 'room for a connection')

    @staticmethod
    def answered(connections, least):
        """Those that have something to read without having asked, if they are that many."""
        ready, _, _ = select.select([c.socket for c in connections], [], [], 0)
        return len(ready) >= least and [c for c in connections if c.socket in ready]

    def test_a_subscriber_that_would_have_its_writer_blocked(self):
        """Only a unix socket may be what wakes: nothing else can be written to safely."""
        pipe_out, pipe_in = os.pipe()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inet, \
                open(self.log_path, 'rb') as log:
            for fd in (pipe_in, pipe_out, inet.fileno(), log.fileno()):
                with self.connect() as connection:
                    self.refused(connection.ask(raw.hello(raw.SUBSCRIBER), [fd]),
                                 errno.EINVAL, 'unix socket')
        with self.connect() as connection:
            self.refused(connection.ask(raw.hello(raw.SUBSCRIBER)), errno.EINVAL, 'unix socket')
        os.close(pipe_out)
        os.close(pipe_in)

    def test_a_subscriber_that_never_wakes(self):
        """Its socket is full for ever; it is lost to itself alone."""
        with self.connect() as connection:
            self.assertEqual(connection.say_hello(raw.SUBSCRIBER, ring_size=4096).kind,
                             raw.WELCOME)
            page = raw.memfd(raw.PAGE, raw.PAGE_SEALS)
            self.assertEqual(connection.ask(raw.lane_add(4096), [page]).kind, raw.LANE_ADDED)
            os.close(page)
            self.assertEqual(connection.ask(raw.message(raw.START)).kind, raw.DONE)
            received = self.honest.report()['received']
            wait_for(lambda: self.honest.report()['received'] > received + 2000, 'events')
            self.dataplane.tool('check')

    def test_a_subscriber_whose_positions_jump(self):
        page = os.memfd_create('page', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.truncate(page, raw.PAGE)
        with mmap.mmap(page, raw.PAGE) as shared, self.connect() as connection:
            raw.fcntl.fcntl(page, raw.F_ADD_SEALS, raw.PAGE_SEALS)
            connection.say_hello(raw.SUBSCRIBER, ring_size=4096)
            self.assertEqual(connection.ask(raw.lane_add(4096), [page]).kind, raw.LANE_ADDED)
            self.assertEqual(connection.ask(raw.message(raw.START)).kind, raw.DONE)
            rng = random.Random(2)
            received = self.honest.report()['received']
            while self.honest.report()['received'] < received + 2000:
                for _ in range(100):
                    struct.pack_into('<Q', shared, 64 + 8 * rng.randrange(9), rng.getrandbits(64))
            self.dataplane.tool('check')
        os.close(page)

    def test_a_subscriber_that_writes_all_over_its_ring(self):
        """The ring is the one memory of the data plane's that another may write to."""
        with self.connect() as connection:
            connection.say_hello(raw.SUBSCRIBER, ring_size=4096)
            page = raw.memfd(raw.PAGE, raw.PAGE_SEALS)
            answer = connection.ask(raw.lane_add(4096), [page])
            self.assertEqual(connection.ask(raw.message(raw.START)).kind, raw.DONE)
            rng = random.Random(3)
            received = self.honest.report()['received']
            with mmap.mmap(answer.fd(), raw.PAGE + 4096) as ring:
                while self.honest.report()['received'] < received + 2000:
                    ring[:] = rng.randbytes(raw.PAGE + 4096)
            self.dataplane.tool('check')
            os.close(page)

    def test_memory_of_the_data_plane_is_read_only_to_others(self):
        """The statistics, a producer's positions."""
        with self.connect() as connection:
            self.assert_read_only(connection.say_hello(raw.CONTROL).fd(), mmap.PAGESIZE)
        with self.connect() as connection:
            connection.say_hello(raw.PRODUCER)
            ring = raw.memfd(raw.PAGE + raw.RING)
            self.assert_read_only(connection.ask(raw.lane_add(), [ring]).fd(), raw.PAGE)
            os.close(ring)

    def assert_read_only(self, fd, size):
        with mmap.mmap(fd, size, prot=mmap.PROT_READ) as readable:
            self.assertEqual(len(readable), size)
        with self.assertRaises(PermissionError):
            mmap.mmap(fd, size, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        for attack in (lambda: os.pwrite(fd, b'x', 0), lambda: os.truncate(fd, 0),
                       lambda: os.truncate(fd, 1 << 30),
                       lambda: raw.fcntl.fcntl(fd, raw.F_ADD_SEALS, raw.SEAL_WRITE)):
            with self.assertRaises(PermissionError):
                attack()
        # Opened anew, it is as closed as before: the seal is the file's, not the descriptor's.
        again = os.open(f'/proc/self/fd/{fd}', os.O_RDWR)
        with self.assertRaises(PermissionError):
            mmap.mmap(again, size, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        os.close(again)


if __name__ == '__main__':
    unittest.main(verbosity=2)
