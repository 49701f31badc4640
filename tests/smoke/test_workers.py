#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two workers: ports are spread over them, and moved while running without loss or disorder."""
import os
import re
import signal
import unittest

import libvex
import raw
from processes import Case, wait_for

TWO = '0@0,1@0,2@1'
BIG = 1 << 26


def allowed_cpus(pid):
    """Of each thread, by its name: the processors that it may run on."""
    found = {}
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/status', encoding='utf-8') as status:
            fields = dict(line.split(':', 1) for line in status)
        cpus = set()
        for part in fields['Cpus_allowed_list'].strip().split(','):
            first, _, last = part.partition('-')
            cpus |= set(range(int(first), int(last or first) + 1))
        found['main' if int(task) == pid else fields['Name'].strip()] = cpus
    return found


def said_cpus(text):
    return {int(cpu) for cpu in text.split(',')}


class Workers(Case):
    def test_workers_are_where_they_are_said_to_be(self):
        for lcores in ('0@0,1@0', '0@1,1@0', '3@0,7@1,9@0', '0@0,1@(0-1)'):
            plane = self.plane(lcores=lcores)
            log = plane.log().split(f'pid {plane.pid},')[1]
            allowed = allowed_cpus(plane.pid)
            control = re.search(r'control on cpus? (\d+(?:,\d+)*)', log)[1]
            self.assertEqual(said_cpus(control), allowed['main'], log)
            workers = re.findall(r'lcore (\d+) on cpus? (\d+(?:,\d+)*), socket (\d+)', log)
            self.assertEqual(len(workers), lcores.count('@') - 1)
            for lcore, cpus, socket in workers:
                self.assertEqual(said_cpus(cpus), allowed[f'rte-worker-{lcore}'], log)
                first = min(said_cpus(cpus))
                node = f'/sys/devices/system/cpu/cpu{first}/node{socket}'
                self.assertTrue(os.path.exists(node) or socket == '0', node)
            self.assertEqual(plane.end(), 0)

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
