#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The adaptive idle strategy: workers sleep when nothing comes, and wake at once."""
import subprocess
import time
import unittest

from processes import Case, LIMIT_S, cpu_seconds, program, wait_for

WATCH_S = 2
ROUNDS = 200
MEDIAN_MAX_NS = 2_000_000  # generous: test machines are noisy; vex-bench measures


class Idle(Case):
    def test_a_sleeping_worker_wakes_at_once(self):
        plane = self.plane('--idle', 'adaptive')
        done = subprocess.run([program('WAKE'), self.socket, str(ROUNDS)], capture_output=True,
                              text=True, timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        median, p90, most = (int(word) for word in done.stdout.split())
        print(f'publish to readable, the worker asleep: median {median / 1000:.1f} us, '
              f'p90 {p90 / 1000:.1f} us, max {most / 1000:.1f} us')
        self.assertLess(median, MEDIAN_MAX_NS)
        plane.verify()
        self.assertGreater(plane.stats()['workers'][0]['sleeps'], ROUNDS / 2)

    def test_it_costs_next_to_nothing_while_nothing_comes(self):
        plane = self.plane('--idle', 'adaptive')
        subscriber = self.subscribe()
        producer = self.produce(id=1, count=10, wait_us=1000000)
        self.finished(producer)
        wait_for(lambda: plane.stats()['workers'][0]['sleeping'], 'the worker to sleep')
        subscriber.end()
        before = cpu_seconds(plane.pid)
        time.sleep(WATCH_S)  # what is measured is this very time
        used = cpu_seconds(plane.pid) - before
        print(f'idle: {used / WATCH_S * 100:.1f} % of a core')
        self.assertLess(used, WATCH_S * 0.05)
        plane.verify()

    def test_polling_does_not_sleep(self):
        plane = self.plane('--idle', 'poll')
        subscriber = self.subscribe(ring=1 << 24)
        report = self.finished(self.produce(id=1, count=1000, wait_us=1000000))
        self.assert_clean(self.wait_streams(subscriber, 1, report['offered']), report['offered'])
        plane.verify()
        self.assertEqual(plane.stats()['workers'][0]['sleeps'], 0)


if __name__ == '__main__':
    unittest.main(verbosity=2)
