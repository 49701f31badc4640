#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Subscribers that stand still while events wait for them: nothing is lost, or all of it is told."""
import os
import signal
import unittest

from processes import Case, freeze, wait_for

EVENTS, RING = 3000, 1 << 14


class Backlog(Case):
    def hold(self):
        """A plane in which most of the events wait for a subscriber that was stopped."""
        plane = self.plane('--backlog', '4096')
        slow, quick = self.subscribe(ring=RING), self.subscribe(ring=1 << 22)
        freeze(slow.pid)
        producer = self.produce(id=1, count=EVENTS, wait_us=10000000)
        self.wait_streams(quick, 1, [EVENTS])
        wait_for(lambda: sum(port['held'] for port in plane.stats()['ports']) > EVENTS / 2,
                 'events to wait')
        return plane, slow, producer

    def test_who_wakes_up_gets_all(self):
        plane, slow, producer = self.hold()
        os.kill(slow.pid, signal.SIGCONT)
        self.assert_clean(self.wait_streams(slow, 1, [EVENTS]), [EVENTS])
        self.assertEqual(slow.report()['own_lost'], 0)
        self.finished(producer)
        wait_for(lambda: not any(port['held'] for port in plane.stats()['ports']), 'no event to wait')

    def test_who_dies_gives_up_what_waited(self):
        plane, slow, producer = self.hold()
        self.assertEqual(producer.end(), 0)
        wait_for(lambda: any(port['draining'] for port in plane.stats()['ports']),
                 'the port to drain')
        self.started.remove(slow)
        slow.kill()
        wait_for(lambda: not plane.stats()['ports'], 'the port to be freed')
        retired = plane.stats()['retired']
        self.assertEqual(retired['port']['received'], EVENTS)
        self.assertEqual(retired['port']['delivered'], EVENTS)
        self.assertGreater(retired['target']['target_gone'], EVENTS / 2)

    def test_a_plane_that_stops_tells_what_waited(self):
        plane, slow, producer = self.hold()
        self.assertEqual(plane.end(signal.SIGTERM), 0)
        os.kill(slow.pid, signal.SIGCONT)

        def told():
            report = slow.report()
            return report['received'] + report['own_lost'] == EVENTS and report
        self.assertGreater(wait_for(told, 'the loss to be told')['own_lost'], EVENTS / 2)
        producer.kill()
        self.started.remove(producer)


if __name__ == '__main__':
    unittest.main(verbosity=2)
