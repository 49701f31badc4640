#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Rule sets over the socket, while events flow."""
import json
import os
import subprocess
import unittest

import libvex
from processes import (Case, Plane, fd_count, mapped_count, program, resident_kb, sanitized,
                       wait_for)

BIG = 1 << 26
FUSE, APP = 2, 3
BACK = """
- rule: back
  condition: fd.name startswith /back/
  route: boundary:fuse
"""
# Whoever reads too slowly makes producers wait, so that nothing is lost for want of room.
WAITS = """
- class: high
  overload: block
  block: 1s
- class: normal
  overload: block
  block: 1s
"""
KEEPS = WAITS + """
- rule: load
  condition: fd.name startswith /load
- rule: some
  condition: fs.offset < 100
  qos: high
"""
OTHER = WAITS + """
- rule: load
  condition: fd.name startswith /load
- rule: globs
  condition: fd.name glob '/load/*/0/*7/*' or fd.name regex '.*/9+/.*'
- rule: held
  condition: evt.type = rename
  suppress: {for: 1h, by: proc.pid}
  route: subscriber:nobody
"""


class Rules(Case):
    def image(self, text):
        path = os.path.join(self.folder, f'rules{len(os.listdir(self.folder))}')
        with open(path + '.yaml', 'w', encoding='utf-8') as file:
            file.write(text)
        subprocess.run([program('PLANE_TOOL'), 'compile', path + '.yaml', path], check=True,
                       timeout=60)
        return path

    def test_an_image_at_the_start(self):
        plane = self.plane('--rules-image', self.image(KEEPS))
        subscriber = self.subscribe(ring=BIG)
        report = self.finished(self.produce(id=1, count=1000, wait_us=1000000))
        streams = self.wait_streams(subscriber, 1, report['offered'])
        self.assert_clean(streams, report['offered'])
        self.assertEqual(streams[0]['set'], 1)
        self.assertEqual(json.loads(plane.tool('rule-counts'))[0]['matched'], 1000)

    def test_a_reverse_lane_gets_what_leads_there_and_its_own_filter_lets_pass(self):
        plane = self.plane('--rules-image', self.image(BACK))
        fuse = libvex.Subscription(self.socket, name=b'mirror', boundary=FUSE,
                                   filter=libvex.Filter(boundaries=1 << APP))
        others = libvex.Subscription(self.socket)
        paths = [b'/back/a', b'/elsewhere', b'/back/b']
        for boundary in (FUSE, APP): # the first would be an echo
            port = libvex.Port(self.socket, boundary=boundary)
            lane = port.lane()
            for path in paths:
                libvex.publish(lane, libvex.make_event(libvex.OPEN, path))
            got = others.read_exactly(3)
            self.assertEqual([path for _, path, _ in got], paths)
            port.close()
        self.assertEqual([path for _, path, _ in fuse.read_exactly(2)], [b'/back/a', b'/back/b'])
        self.assertEqual(fuse.read(), [])
        with self.assertRaises(libvex.VexError):
            libvex.Subscription(self.socket, boundary=99)
        plane.verify()
        fuse.close()
        others.close()

    def test_an_image_that_is_none_at_the_start(self):
        path = os.path.join(self.folder, 'none')
        with open(path, 'wb') as file:
            file.write(b'nothing of the kind' * 100)
        done = subprocess.run([program('VEX_DATAPLANE'), *Plane.EAL, '--lcores', '0@0,1@1', '--',
                               '--socket', self.socket, '--rules-image', path],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn('the image is refused', done.stderr)

    def test_sets_come_and_go(self):
        plane = self.plane()
        subscriber = self.subscribe(ring=BIG)
        keeps = self.image(KEEPS)
        self.assertEqual(json.loads(plane.tool('rules', keeps, 7))['generation'], 7)
        code, said = plane.tool('rules', keeps, 7, check=False)
        self.assertEqual(code, 1)
        self.assertIn('not above 7', said)
        with open(keeps, 'r+b') as file:
            file.seek(600)
            file.write(b'\x55\xaa')
        code, said = plane.tool('rules', keeps, 8, check=False)
        self.assertEqual(code, 1)
        self.assertIn('refused', said)
        report = self.finished(self.produce(id=1, count=1000, wait_us=1000000))
        self.assertEqual(self.wait_streams(subscriber, 1, report['offered'])[0]['set'], 7)
        plane.tool('unload')
        report = self.finished(self.produce(id=2, count=1000, wait_us=1000000))
        self.assertEqual(self.wait_streams(subscriber, 2, report['offered'])[0]['set'], 0)

    def test_a_hundred_reloads_a_second_under_load(self):
        """Nothing lost, nothing leaked, and the sets that events bear only go up."""
        plane = self.plane()
        images = [self.image(KEEPS), self.image(OTHER)]
        plane.tool('rules', images[0], 1)
        subscriber = self.subscribe(ring=BIG)
        producers = [self.produce(id=i, count=1 << 40, wait_us=5000000)
                     for i in (1, 2)]
        wait_for(lambda: subscriber.report()['received'] > 100000, 'events')
        first = json.loads(plane.tool('reload', 2, 100, 2, *images))
        before = resident_kb(plane.pid), mapped_count(plane.pid), fd_count(plane.pid)
        last = json.loads(plane.tool('reload', 5, 100, first['generation'] + 1, *images))
        wait_for(lambda: mapped_count(plane.pid) <= before[1] and fd_count(plane.pid) <= before[2],
                 'the set that was retired to be freed')
        after = resident_kb(plane.pid)
        for producer in producers:
            producer.stop()
        for tenant, producer in enumerate(producers, 1):
            report = self.finished(producer)
            self.assertEqual(report['lost'] + report['failed'], 0)
            streams = self.wait_streams(subscriber, tenant, report['offered'])
            self.assert_clean(streams, report['offered'])
            for stream in streams:
                self.assertEqual(stream['older'], 0)
                self.assertGreater(stream['sets'], last['count'] / 4)
        plane.verify()
        self.assertEqual(subscriber.report()['own_lost'], 0)
        if not sanitized():
            self.assertLess(after, before[0] + 4096)
        print(f'{first["count"] + last["count"]} reloads: swaps {last}, kB {before[0]}, {after}')


if __name__ == '__main__':
    unittest.main()
