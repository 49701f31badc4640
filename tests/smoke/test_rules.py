#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Rule sets over the socket, while events flow."""
import errno
import json
import os
import signal
import subprocess
import threading
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
SECRET = """
- rule: secret
  condition: fd.name startswith /secret/
  redact:
    fd.name: mask
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

    def keep_publishing(self):
        """A producer of secrets that goes on until the test ends; it knows how many it sent."""
        port = libvex.Port(self.socket, wait_us=1000000, ring_size=1 << 24)
        lane, sent, stop = port.lane(), [0], threading.Event()

        def run():
            while not stop.wait(0.0005):
                libvex.publish(lane, libvex.make_event(libvex.OPEN, b'/secret/key'))
                sent[0] += 1
        thread = threading.Thread(target=run)
        thread.start()

        def end():
            stop.set()
            thread.join()
        self.addCleanup(port.close)
        self.addCleanup(end)
        return sent, end

    def test_nothing_goes_out_without_rules_after_a_restart(self):
        """Under load: what comes before the rules are there waits for them."""
        image = self.image(SECRET)
        plane = self.plane('--rules-image', image)
        subscriber = libvex.Subscription(self.socket, ring_size=1 << 22)
        self.addCleanup(subscriber.close)
        sent, end = self.keep_publishing()
        events = subscriber.read_exactly(100)
        plane.end(signal.SIGKILL)
        plane = self.plane('--rules-wait-ms', '600000', '--settle-ms', '0')

        def read():
            try:
                events.extend(subscriber.read())
            except libvex.VexError as error:  # none is there just now
                self.assertEqual(error.errno, errno.ENOTCONN)
            return len(events)

        def back():
            read()
            stats = plane.stats()
            return stats['ports'] and stats['subscribers']
        wait_for(back, 'both to be back')
        before = sent[0]
        wait_for(lambda: sent[0] > before + 100, 'more events')
        self.assertEqual(plane.stats()['ports'][0]['received'], 0)
        plane.tool('rules', image, 7)
        end()
        wait_for(lambda: read() >= sent[0], 'every event')
        self.assertEqual({path for _, path, _ in events}, {b'/******/***'})
        self.assertEqual({event.route.generation for event, _, _ in events}, {1, 7})
        self.assertIn('rules are in force after', plane.log())
        plane.verify()

    def test_the_wait_for_rules_has_an_end(self):
        plane = self.plane('--rules-wait-ms', '100')
        subscriber = libvex.Subscription(self.socket)
        self.addCleanup(subscriber.close)
        _, end = self.keep_publishing()
        event, path, _ = subscriber.read_exactly(1)[0]
        self.assertEqual((event.route.generation, path), (0, b'/secret/key'))
        self.assertIn('no rules came within 100 ms', plane.log())
        end()
        wait_for(lambda: not plane.tool('verify', check=False)[0], 'it to be quiet')

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
        narrow = self.subscribe(ring=1 << 16) # what it has no room for makes the class block
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
            self.assert_clean(self.wait_streams(narrow, tenant, report['offered']),
                              report['offered'])
        plane.verify()
        self.assertEqual(subscriber.report()['own_lost'] + narrow.report()['own_lost'], 0)
        self.assertGreater(sum(sum(each['blocks'] for each in worker['classes'])
                               for worker in plane.stats()['workers']), 0)
        if not sanitized():
            self.assertLess(after, before[0] + 4096)
        print(f'{first["count"] + last["count"]} reloads: swaps {last}, kB {before[0]}, {after}')


if __name__ == '__main__':
    unittest.main()
