#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Producers, subscribers and a data plane, with nothing going wrong."""
import unittest

from processes import Case, wait_for

# Bytes of a lane that holds all that a test publishes, so that no reader can be too slow.
BIG = 1 << 24


class Flow(Case):
    def test_everyone_gets_everything_in_order(self):
        plane = self.plane()
        first, second = self.subscribe(ring=BIG), self.subscribe(ring=BIG)
        producers = [self.produce(id=i, threads=3, count=5000, wait_us=1000000, filler=200)
                     for i in (1, 2)]
        for number, producer in enumerate(producers, 1):
            report = self.finished(producer)
            self.assertEqual(report['offered'], [5000] * 3)
            self.assertEqual(report['lost'] + report['failed'], 0)
            self.assertEqual(report['stats_published'], 15000)
            for subscriber in (first, second):
                streams = self.wait_streams(subscriber, number, report['offered'])
                self.assert_clean(streams, report['offered'])
        for subscriber in (first, second):
            self.assertEqual(subscriber.report()['received'], 30000)
        plane.verify()

    def test_a_filter_lets_its_types_through_and_nothing_else(self):
        plane = self.plane()
        some = self.subscribe(types='rename,metric', ring=BIG)
        everything = self.subscribe(ring=BIG)
        report = self.finished(self.produce(id=1, count=10000, wait_us=1000000))
        self.wait_streams(everything, 1, report['offered'])
        self.wait_streams(some, 1, report['offered'])  # the last of ten is a metric
        self.assertEqual(some.report()['received'], 2000)
        self.assertEqual(some.report()['streams']['1.0']['missing'], 8000)
        plane.verify()

    def test_events_that_nobody_asked_for_are_counted(self):
        plane = self.plane()
        some = self.subscribe(types='rename')
        self.finished(self.produce(id=1, count=1000, wait_us=1000000))
        plane.verify()
        self.assertEqual(plane.stats()['ports'][0]['drop']['unmatched'], 900)
        self.assertEqual(some.report()['received'], 100)

    def test_a_full_lane_drops_and_says_so(self):
        """A small lane, a flood: what is lost is announced, range by range."""
        plane = self.plane()
        subscriber = self.subscribe(ring=1 << 26)
        report = self.finished(self.produce(id=1, count=300000, ring=4096))
        self.assertGreater(report['lost'], 0)
        self.assertEqual(report['lost'], report['stats_lost'])

        def settled():
            got = subscriber.report()
            stream = got['streams']['1.0']
            return stream['received'] + got['gap_events'] == 300000 and got
        got = wait_for(settled, 'every event or its GAP')
        self.assertEqual(got['own_lost'], 0)
        self.assertEqual(got['gap_events'], report['lost'])
        self.assertEqual(got['streams']['1.0']['renumbered'], 0)
        self.assertEqual(got['streams']['1.0']['id_bases'], 1)
        plane.verify()
        self.assertEqual(plane.stats()['ports'][0]['lost'], report['lost'])

    def test_a_slow_subscriber_loses_alone(self):
        plane = self.plane()
        fast = self.subscribe(ring=BIG)
        slow = self.subscribe(ring=4096, slow_us=2000, batch=4)
        report = self.finished(self.produce(id=1, count=50000, wait_us=1000000))
        self.assert_clean(self.wait_streams(fast, 1, report['offered']), report['offered'])

        def told():
            got = slow.report()
            return got['received'] + got['own_lost'] == 50000 and got
        got = wait_for(told, 'the slow one to hear of its losses')
        self.assertGreater(got['own_gaps'], 0)
        plane.verify()
        counted = [s for s in plane.stats()['subscribers'] if s['id'] == got['subscriber']][0]
        self.assertEqual(counted['target_full'], got['own_lost'])
        self.assertEqual(counted['announced'], got['own_lost'])


if __name__ == '__main__':
    unittest.main(verbosity=2)
