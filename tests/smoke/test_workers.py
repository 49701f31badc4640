#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two workers: ports are spread over them, and moved while running without loss or disorder."""
import signal
import unittest

import libvex
import raw
from processes import Case, wait_for

TWO = '0@0,1@0,2@1'
BIG = 1 << 26


class Workers(Case):
    def test_ports_are_spread(self):
        plane = self.plane(lcores=TWO)
        producers = [self.produce(id=i, count=1000, wait_us=1000000) for i in range(1, 5)]
        wait_for(lambda: len(plane.stats()['ports']) == 4, 'four ports')
        ports = plane.stats()['ports']
        self.assertEqual(sorted(p['worker'] for p in ports), [0, 0, 1, 1])
        for producer in producers:
            self.finished(producer)
        plane.verify()
        self.assertEqual([w['received'] for w in plane.stats()['workers']], [2000, 2000])

    def test_moves_under_load(self):
        """Ports go to and fro: no event is lost, repeated, or before an earlier one of its lane."""
        plane = self.plane(lcores=TWO)
        subscribers = [self.subscribe(ring=BIG) for _ in range(2)]
        producers = [self.produce(id=i, threads=2, rate=10000, burst=40, ring=1 << 22)
                     for i in range(1, 4)]
        for i in range(150):
            for producer in producers:
                plane.tool('move', producer.report()['port'], (i + producer.report()['port']) % 2)
        for tenant, producer in enumerate(producers, 1):
            producer.stop()
            report = self.finished(producer)
            self.assertEqual(report['lost'], 0)
            for subscriber in subscribers:
                self.assert_clean(self.wait_streams(subscriber, tenant, report['offered']),
                                  report['offered'])
        for subscriber in subscribers:
            self.assertEqual(subscriber.report()['own_lost'], 0)
        plane.verify()
        self.assertTrue(all(w['received'] for w in plane.stats()['workers']))

    def test_moves_with_a_backlog(self):
        """What the old worker had delivered is read before what the new one delivers."""
        plane = self.plane(lcores=TWO)
        subscriber = self.subscribe(ring=BIG)
        ports = [libvex.Port(self.socket, ring_size=1 << 24) for _ in range(3)]
        lanes = [port.lane() for port in ports]
        has = libvex.HAS_TASK | libvex.HAS_TENANT | libvex.HAS_RANGE | libvex.HAS_PATH
        events = 10000
        with raw.Connection(self.socket) as control:
            control.say_hello(raw.CONTROL)
            for part in range(6):
                plane.send(signal.SIGSTOP)
                for offset in range(part * events, (part + 1) * events):
                    for tenant, lane in enumerate(lanes):
                        event = libvex.make_event(libvex.OPEN, b'/x', tenant=tenant, offset=offset)
                        event.has = has
                        self.assertEqual(libvex.publish(lane, event), 0)
                plane.send(signal.SIGCONT)
                for i in range(20):
                    for port in ports:
                        number = port.stats().port
                        control.ask(raw.target(raw.PORT_MOVE, number, (i + number) % 2))
                for tenant in range(3):
                    self.wait_streams(subscriber, tenant, [(part + 1) * events])
        for stream in subscriber.report()['streams'].values():
            self.assertEqual((stream['late'], stream['missing'], stream['repeated']), (0, 0, 0),
                             stream)
        plane.verify()
        for port in ports:
            port.close()

    def test_a_restart_with_two_workers(self):
        plane = self.plane(lcores=TWO)
        subscriber = self.subscribe(ring=BIG)
        producers = [self.produce(id=i, rate=10000, burst=40, ring=1 << 24) for i in (1, 2)]
        wait_for(lambda: subscriber.report()['received'] > 5000, 'load')
        plane.end(signal.SIGTERM)
        plane = self.plane(lcores=TWO)
        for each in (*producers, subscriber):
            wait_for(lambda e=each: e.report()['reconnects'], 'a reconnect')
        for tenant, producer in enumerate(producers, 1):
            producer.stop()
            report = self.finished(producer)
            self.assert_clean(self.wait_streams(subscriber, tenant, report['offered']),
                              report['offered'])
        plane.verify()

    def test_moves_that_can_not_be(self):
        plane = self.plane(lcores=TWO)
        self.produce(id=1, count=1)
        wait_for(lambda: plane.stats()['ports'], 'the port')
        for args, words in (((0, 2), 'worker 2'), ((63, 0), 'port 63'), ((9999, 0), 'port 9999')):
            code, text = plane.tool('move', *args, check=False)
            self.assertEqual(code, 1)
            self.assertIn(words, text)
        for what in ('detach-port', 'detach-subscriber'):
            code, text = plane.tool(what, 40, check=False)
            self.assertEqual(code, 1)
            self.assertIn('no such', text)
        plane.verify()

    def test_detached_with_a_backlog(self):
        """What is left is drained before the producer's next attach: nothing comes twice."""
        producer = self.produce(id=1, rate=5000, burst=40, ring=1 << 24, background=True)
        wait_for(lambda: producer.report()['offered'][0] > 1000, 'a backlog')
        plane = self.plane('--settle-ms', '2000')  # holds lanes that are older than it is
        subscriber = self.subscribe(ring=BIG)
        wait_for(lambda: plane.stats()['ports'], 'the port')
        plane.tool('detach-port', 0)
        wait_for(lambda: producer.report()['reconnects'], 'its return')
        producer.stop()
        report = self.finished(producer)
        self.assert_clean(self.wait_streams(subscriber, 1, report['offered']), report['offered'])
        plane.verify()

    def test_detached_by_order(self):
        """Who is detached from outside comes back by himself, and nothing is lost by it."""
        plane = self.plane(lcores=TWO)
        subscriber = self.subscribe(ring=BIG)
        producer = self.produce(id=1, rate=10000, burst=40, ring=1 << 24)
        for i in range(3):
            before = subscriber.report()['received']
            wait_for(lambda n=before: subscriber.report()['received'] > n + 500, 'load')
            plane.tool('detach-port', producer.report()['port'])
            wait_for(lambda n=i: producer.report()['reconnects'] > n, 'its return')
        producer.stop()
        report = self.finished(producer)
        self.assert_clean(self.wait_streams(subscriber, 1, report['offered']), report['offered'])
        plane.tool('detach-subscriber', subscriber.report()['subscriber'])
        wait_for(lambda: subscriber.report()['reconnects'], 'its return')
        plane.verify()


if __name__ == '__main__':
    unittest.main(verbosity=2)
