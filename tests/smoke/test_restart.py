#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Processes that end or are killed in the middle of load: the others go on, and all is counted."""
import os
import signal
import unittest

import libvex
import raw
from processes import Case, fd_count, mapped_count, resident_kb, sanitized, wait_for

BIG = 1 << 24  # bytes of a lane that holds all that a test publishes
BURST = 64     # events that a killed data plane may have delivered without saying so
THREADS = 2


class Restart(Case):
    def restart(self, number, rounds=3):
        """Ends the data plane under load, several times, and starts another one."""
        plane = self.plane()
        subscribers = [self.subscribe(ring=BIG) for _ in range(2)]
        producer = self.produce(id=1, threads=THREADS, rate=20000, burst=100, ring=BIG)
        for i in range(rounds):
            before = subscribers[0].report()['received']
            wait_for(lambda b=before: subscribers[0].report()['received'] > b + 2000, 'load')
            plane.end(number)
            plane = self.plane()
            for each in (*subscribers, producer):
                wait_for(lambda e=each, n=i: e.report()['reconnects'] > n, 'a reconnect')
        producer.stop()
        report = self.finished(producer)
        self.assertEqual(report['lost'], 0)
        repeated = 0 if number == signal.SIGTERM else rounds * BURST
        for subscriber in subscribers:
            streams = self.wait_streams(subscriber, 1, report['offered'])
            self.assert_clean(streams, report['offered'], repeated)
            self.assertEqual(subscriber.report()['own_lost'], 0)
        plane.verify()

    def test_a_data_plane_that_is_stopped_loses_and_repeats_nothing(self):
        self.restart(signal.SIGTERM)

    def test_a_data_plane_that_is_killed_repeats_at_most_a_burst(self):
        self.restart(signal.SIGKILL)

    def flowing(self, subscriber, tenant, count=2000):
        """Waits for so many more events of this producer."""
        def received():
            return subscriber.report()['streams'].get(f'{tenant}.0', {}).get('received', 0)
        before = received()
        wait_for(lambda: received() > before + count, 'events')

    def test_a_producer_that_is_killed(self):
        """What it had committed is delivered, its port is freed, and the others go on."""
        plane = self.plane()
        subscriber = self.subscribe(ring=1 << 26)
        victims = [self.produce(id=i, threads=THREADS, rate=20000, burst=50, ring=BIG)
                   for i in (2, 3)]
        other = self.produce(id=1, threads=THREADS, rate=20000, burst=50, ring=BIG)
        for tenant, victim in enumerate(victims, 2):
            self.flowing(subscriber, tenant)
            victim.kill()
            wait_for(lambda n=tenant: len(plane.stats()['ports']) == 4 - n, 'its port to be free')
        other.stop()
        report = self.finished(other)
        self.assert_clean(self.wait_streams(subscriber, 1, report['offered']), report['offered'])
        plane.verify()
        streams = subscriber.report()['streams']
        for name, stream in streams.items():
            self.assertEqual((stream['missing'], stream['repeated'], stream['corrupt']),
                             (0, 0, 0), (name, stream))
        retired = plane.stats()['retired']
        self.assertEqual((retired['ports'], retired['lanes'], retired['untrusted']), (2, 4, 0))
        self.assertEqual(retired['port']['received'],
                         sum(s['received'] for n, s in streams.items() if n[0] != '1'))

    def test_a_producer_that_is_killed_before_it_could_announce_its_losses(self):
        plane = self.plane()
        subscriber = self.subscribe(ring=BIG)
        victim = self.produce(id=1, ring=4096, rate=1000)
        self.flowing(subscriber, 1, 10)
        plane.send(signal.SIGSTOP)
        lost = wait_for(lambda: victim.report()['lost'], 'losses')
        victim.stop()
        report = wait_for(lambda: victim.report()['done'] and victim.report(), 'its end')
        self.assertGreaterEqual(report['lost'], lost)
        victim.kill()
        plane.send(signal.SIGCONT)
        wait_for(lambda: not plane.stats()['ports'], 'its port to be free')
        plane.verify()
        got = subscriber.report()
        self.assertEqual(got['gap_events'], report['lost'])
        self.assertEqual(got['streams']['1.0']['received'],
                         report['offered'][0] - report['lost'])
        self.assertEqual(plane.stats()['retired']['port']['lost'], report['lost'])

    def test_a_subscriber_that_is_killed(self):
        plane = self.plane()
        other = self.subscribe(ring=1 << 26)
        victims = [self.subscribe() for _ in range(2)]
        producer = self.produce(id=1, threads=THREADS, rate=20000, burst=50, ring=BIG)
        for left, victim in ((2, victims[0]), (1, victims[1])):
            self.flowing(victim, 1)
            victim.kill()
            wait_for(lambda n=left: len(plane.stats()['subscribers']) == n, 'it to be gone')
            self.flowing(other, 1)
        producer.stop()
        report = self.finished(producer)
        self.assert_clean(self.wait_streams(other, 1, report['offered']), report['offered'])
        plane.verify()
        self.assertEqual(plane.stats()['retired']['subscribers'], 2)

    def test_a_subscriber_hears_of_losses_that_its_data_plane_took_to_the_grave(self):
        """Its lane was full when the data plane ended: the GAP that was owed is not forgotten."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            plane = self.plane()
            slow = self.subscribe(ring=4096)
            slow.process.send_signal(signal.SIGSTOP)
            report = self.finished(self.produce(id=1, count=1000, ring=BIG))
            plane.verify()
            plane.end(number)
            slow.process.send_signal(signal.SIGCONT)

            def told(subscriber=slow):
                got = subscriber.report()
                return got['received'] + got['own_lost'] == 1000 and got
            got = wait_for(told, 'the loss to be told')
            self.assertGreater(got['own_lost'], 0)
            self.assertEqual(got['received'] + got['gap_events'], sum(report['offered']))

    def test_coming_and_going_leaves_nothing_behind(self):
        """Files, mappings and memory of the data plane after 200 producers and subscribers."""
        plane = self.plane()
        for i in range(220):
            if i == 20:
                before = fd_count(plane.pid), mapped_count(plane.pid)
                memory = resident_kb(plane.pid)
            self.come_and_go()
            wait_for(lambda: not plane.stats()['ports'] + plane.stats()['subscribers'], 'the end')
        # What asked for the statistics may still be on its way out; a leak would be hundreds.
        wait_for(lambda: (fd_count(plane.pid), mapped_count(plane.pid)) <= before,
                 f'files and mappings to be {before} again')
        if not sanitized():
            self.assertLess(resident_kb(plane.pid), memory + 256)
        plane.verify()
        self.assertEqual(plane.stats()['retired']['port']['received'], 220 * 10)

    def come_and_go(self):
        """A producer and a subscriber, and two that hang up in the middle of attaching."""
        sub = libvex.Subscription(self.socket, ring_size=65536)
        port = libvex.Port(self.socket)
        lanes = [port.lane(), port.lane()]
        for i in range(10):
            libvex.publish(lanes[i % 2], libvex.make_event(libvex.OPEN, b'/x'))
        sub.read_exactly(10)
        port.close()
        sub.close()
        with raw.Connection(self.socket) as connection:
            connection.say_hello(raw.PRODUCER)
            fd = raw.memfd(raw.PAGE + raw.RING)
            connection.send(raw.lane_add(), [fd])
            os.close(fd)
        with raw.Connection(self.socket) as connection:
            connection.say_hello(raw.SUBSCRIBER)


if __name__ == '__main__':
    unittest.main(verbosity=2)
