# SPDX-License-Identifier: BSD-3-Clause
"""vexctl and vex-control with the real data plane, producers and subscribers."""
from support import RealCase, wait_for

EVENTS = 5000
WORKERS = 2


class Real(RealCase):
    def test_counts(self):
        dataplane, _ = self.start()
        reader = self.client('subscribe', 'reader')
        writer = self.client('publish', 'writer', str(EVENTS))
        self.vexctl('verify', '--wait', '20', '--quiet')
        self.wait_received('writer', EVENTS)
        port = self.port('writer')
        self.assertEqual((port['received'], port['delivered'], port['pid'], port['lanes']),
                         (EVENTS, EVENTS, writer.pid, 1))
        lanes = self.json('show', 'lanes')['lanes']
        self.assertEqual([(lane['port'], lane['received']) for lane in lanes],
                         [(port['port'], EVENTS)])
        target = self.json('show', 'subscribers')['subscribers'][0]
        self.assertEqual((target['name'], target['pid'], target['delivered']),
                         ('reader', reader.pid, EVENTS))
        types = {row['type']: row['count'] for row in self.json('show', 'types')['types']}
        self.assertEqual(types['write'], EVENTS)
        workers = self.json('show', 'workers')['workers']
        self.assertEqual(len(workers), WORKERS)
        worker = workers[port['worker']]
        self.assertEqual((worker['received'], worker['ports']), (EVENTS, 1))
        self.assertGreater(worker['rounds'], 0)
        self.assertGreater(worker['cycles_per_event'], 0)
        stages = [row for row in self.json('show', 'stages')['stages']
                  if row['worker'] == port['worker']]
        self.assertEqual([(row['in'], row['out']) for row in stages],
                         [(EVENTS, EVENTS)] * len(stages))
        self.assertEqual(self.json('status')['data_plane']['pid'], dataplane.pid)
        self.end(writer)
        self.end(reader)
        self.vexctl('verify', '--wait', '20')

    def test_no_kernel_tap(self):
        self.start()
        for words in (['select', 'all'], ['enable'], ['disable'], ['status']):
            _, err = self.vexctl('kernel', *words, code=1)
            self.assertIn('has no kernel tap; start it with --kernel-tap', err)

    def test_unmatched_events_are_named(self):
        self.start()
        writer = self.client('publish', 'writer', str(EVENTS))
        self.wait_received('writer', EVENTS)
        self.end(writer)
        wait_for(lambda: not self.json('show', 'ports')['ports'], 'the port to be gone')
        drops = {row['reason']: row for row in self.json('show', 'drops')['drops']}
        self.assertEqual((drops['unmatched']['count'], drops['unmatched']['retired']),
                         (EVENTS, EVENTS))
        self.vexctl('verify')

    def test_move_under_load(self):
        self.start()
        reader = self.client('subscribe', 'reader')
        writer = self.client('publish', 'writer', '0')
        before = self.port('writer')
        for step in range(8):
            worker = (before['worker'] + 1 + step) % WORKERS
            self.vexctl('port', 'move', str(before['port']), str(worker))
            self.assertEqual(self.port('writer')['worker'], worker)
            self.wait_received('writer', self.port('writer')['received'] + 100)
        _, err = self.vexctl('port', 'move', str(before['port']), '99', code=1)
        self.assertIn('the data plane refused', err)
        self.end(writer)
        self.end(reader)
        self.vexctl('verify', '--wait', '20')

    def test_detach(self):
        self.start()
        writer = self.client('publish', 'writer', str(EVENTS))
        reader = self.client('subscribe', 'reader')
        self.wait_received('writer', EVENTS)
        self.vexctl('port', 'detach', str(self.port('writer')['port']))
        self.vexctl('subscriber', 'detach', '0')
        retired = wait_for(lambda: self.json('status')['data_plane']['retired_ports'], 'retirement')
        self.assertEqual(retired, 1)
        self.vexctl('verify', '--wait', '20')
        self.end(writer)
        self.end(reader)

    def test_killed_in_turn(self):
        """kill -9 of each process in the middle of load; the others go on and the counts hold."""
        dataplane, control = self.start()
        reader = self.client('subscribe', 'reader')
        writer = self.client('publish', 'writer', '0')
        victim = self.client('publish', 'victim', '0')
        self.wait_received('victim', 100)
        victim.kill()
        wait_for(lambda: not self.port('victim'), 'the dead producer to be noticed')
        control.kill()
        control.wait()
        count = 1000
        self.start_control()
        self.wait_plane('running')
        self.wait_received('writer', count)
        dataplane.kill()
        dataplane.wait()
        self.wait_plane('not running')
        self.start_dataplane()
        self.wait_plane('running')
        self.wait_received('writer', count)
        self.end(writer)
        self.end(reader)
        self.vexctl('verify', '--wait', '20')
