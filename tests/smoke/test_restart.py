#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Processes that end or are killed in the middle of load: the others go on, and all is counted."""
import signal
import unittest

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


if __name__ == '__main__':
    unittest.main(verbosity=2)
