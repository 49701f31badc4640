#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Users who may attach and mean ill: they spend no more than their share, and nobody else's."""
import mmap
import os
import struct
import subprocess
import time
import unittest

import raw
from anyone import reach
from processes import Case, LIMIT_S, program, wait_for

NOBODY, STRANGER = 65534, 12345
MIB = 1 << 20

# Takes up as many connections as it can; says how many it was left, and why no more.
SILENT = '''
import select, sys, time, raw
kept = [raw.Connection(sys.argv[1]) for _ in range(60)]
time.sleep(0.3)
refused, _, _ = select.select([c.socket for c in kept], [], [], 0)
reason = [c.receive().reason for c in kept if c.socket in refused][:1]
print(len(kept) - len(refused), *reason, flush=True)
sys.stdin.read()
'''

# Asks for lanes until it is refused, and keeps them.
GREEDY = '''
import sys, raw
with raw.Connection(sys.argv[1]) as c:
    assert c.say_hello(raw.PRODUCER).kind == raw.WELCOME
    count = 0
    while True:
        size = int(sys.argv[2])
        answer = c.ask(raw.lane_add(ring_size=size), [raw.memfd(raw.PAGE + size)])
        if answer.kind == raw.REFUSED:
            break
        count += 1
    print(count, answer.error, answer.reason, flush=True)
    sys.stdin.read()
'''


class Strangers(Case):
    def script(self, text, *args, user=NOBODY):
        """Runs as another user until the test ends; what it says, and itself."""
        _, env = reach(self.folder, program('PLANE_TOOL'), raw.__file__)
        # pylint: disable=consider-using-with
        process = subprocess.Popen(['python3', '-c', text, self.socket, *map(str, args)], user=user,
                                   group=user, extra_groups=[], env=env, cwd='/', text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.let_go, process)
        return process.stdout.readline().strip(), process

    @staticmethod
    def let_go(process):
        process.stdin.close()
        process.wait(LIMIT_S)
        process.stdout.close()

    def test_silence_takes_no_place_of_others(self):
        plane = self.plane('--allow-anyone')
        for user in (NOBODY, STRANGER):
            said, _ = self.script(SILENT, user=user)
            self.assertEqual(said, '48 too many connections of this user')
        said, _ = self.script(SILENT, user=STRANGER + 1)
        self.assertRegex(said, '^32 too many connections$')
        self.assertEqual(len(plane.stats()['ports']), 0)  # a control session finds a place
        wait_for(lambda: self.script(SILENT)[0].startswith('48 '), 'the silent to be hung up on')
        plane.verify()

    def test_memory_of_lanes_has_a_bound(self):
        plane = self.plane('--allow-anyone', '--lane-memory', str(8 * MIB))
        refusal = r'^%d -28 a lane of 1048576 bytes: %s .*lane_memory'
        self.assertRegex(self.script(GREEDY, MIB)[0], refusal % (4, "this user's lanes"))
        self.assertRegex(self.script(GREEDY, MIB, user=STRANGER)[0],
                         refusal % (2, 'lanes of other users'))
        with raw.Connection(self.socket) as connection:
            connection.say_hello(raw.PRODUCER)
            for _ in range(2):
                answer = connection.ask(raw.lane_add(ring_size=MIB), [raw.memfd(raw.PAGE + MIB)])
                self.assertEqual(answer.kind, raw.LANE_ADDED)
            answer = connection.ask(raw.lane_add(ring_size=MIB), [raw.memfd(raw.PAGE + MIB)])
            self.assertIn('all lanes have 8388608', answer.reason)
        plane.verify()

    def test_a_name_forges_no_line(self):
        plane = self.plane()
        name = b'x\nvex-dataplane: forged \x1b[31m \xc2\x9b'
        with raw.Connection(self.socket) as connection:
            self.assertEqual(connection.ask(raw.hello(raw.PRODUCER, name=name)).kind, raw.WELCOME)
            file = os.memfd_create('r', os.MFD_ALLOW_SEALING)
            os.truncate(file, raw.PAGE + raw.RING)
            with mmap.mmap(file, raw.PAGE + raw.RING) as ring:
                raw.fcntl.fcntl(file, raw.F_ADD_SEALS, raw.RING_SEALS)
                answer = connection.ask(raw.lane_add(), [file])
                self.assertEqual(answer.kind, raw.LANE_ADDED)
                ring[raw.PAGE:raw.PAGE + 4] = struct.pack('<I', 0xffffffff)
                wait_for(lambda: 'was detached' in plane.log(), 'the lane to go')
            os.close(file)
        self.assertIn(r'x\x0avex-dataplane: forged \x1b[31m \xc2\x9b', plane.log())
        self.assertNotIn('\nvex-dataplane: forged', plane.log())

    def test_refusals_do_not_flood_the_log(self):
        plane = self.plane()
        count, start = 0, time.monotonic()
        with raw.Connection(self.socket) as connection:
            while time.monotonic() - start < 1:
                connection.ask(raw.message(raw.LANE_REMOVE))
                count += 1
        self.assertGreater(count, 100)
        wait_for(lambda: 'more refusals were not logged' in plane.log(), 'the count')
        time.sleep(1.2)  # the rest of the last second is told then
        wait_for(lambda: self.told(plane) == count, f'{count} refusals to be told of')
        self.assertLess(plane.log().count('\n'), 40)

    @staticmethod
    def told(plane):
        lines = plane.log().splitlines()
        rest = [int(line.split()[2]) for line in lines if 'more refusals' in line]
        return sum('was refused' in line for line in lines) + sum(rest)


if __name__ == '__main__':
    unittest.main(verbosity=2)
