#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Producers that break the rules of their lane: counted by reason, detached, and nobody else's
loss."""
import subprocess
import unittest

from processes import Case, LIMIT_S, fd_count, mapped_count, program, wait_for


class Attacker:
    """One attack under way."""

    def __init__(self, attack, socket):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([program('HOSTILE'), attack, socket], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def hear(self, word):
        line = self.process.stdout.readline().strip()
        if line != word:
            raise AssertionError(f'hostile said {line!r}, not {word!r}')

    def end(self):
        self.process.stdin.close()
        self.process.wait(LIMIT_S)
        self.process.stdout.close()


class Hostile(Case):
    """Every attack is made beside an honest pair that must not notice."""

    def setUp(self):
        super().setUp()
        self.dataplane = self.plane()
        self.honest = self.subscribe(ring=1 << 26)
        self.producer = self.produce(id=1, rate=2000, burst=10, ring=1 << 22)
        wait_for(lambda: self.honest.report()['received'] > 100, 'events')
        self.before = self.counts()

    def counts(self):
        return fd_count(self.dataplane.pid), mapped_count(self.dataplane.pid)

    def attack(self, name):
        attacker = Attacker(name, self.socket)
        self.started.append(attacker)
        attacker.hear('attached')
        attacker.hear('done')
        return attacker

    def end(self, attacker):
        """Lets it go; the data plane must be as before, and all accounted for."""
        attacker.end()
        wait_for(lambda: len(self.dataplane.stats()['ports']) == 1, 'the port to be free')
        self.producer.stop()
        report = self.finished(self.producer)
        self.assertEqual((report['reconnects'], report['lost']), (0, 0))
        self.assert_clean(self.wait_streams(self.honest, 1, report['offered']),
                          report['offered'])
        self.dataplane.verify()
        try:
            wait_for(lambda: self.counts() == self.before, 'files and mappings as before')
        except AssertionError as error:
            raise AssertionError(f'{error}: {self.before}, now {self.counts()}') from error
        return self.dataplane.stats()['retired']

    def detached(self, name, *reasons):
        """The lane is detached while its producer stays, and the reason is counted."""
        with self.subTest(name):
            attacker = self.attack(name)
            wait_for(lambda: self.dataplane.stats()['retired']['untrusted'], 'the lane to go')
            self.assertIn("lane 0 broke the lane's rules", self.dataplane.log())
            self.assertIsNone(attacker.process.poll())
            retired = self.end(attacker)
            self.assertEqual(retired['untrusted'], 1)
            counted = {name for name, n in retired['port']['reject'].items() if n}
            self.assertTrue(counted & set(reasons), retired)

    def test_size_odd(self):
        self.detached('size_odd', 'bad_size')

    def test_size_small(self):
        self.detached('size_small', 'bad_size')

    def test_size_large(self):
        self.detached('size_large', 'bad_size')

    def test_size_of_the_ring(self):
        self.detached('size_ring', 'bad_size')

    def test_size_huge(self):
        self.detached('size_huge', 'bad_size')

    def test_sequence_that_jumps(self):
        self.detached('seq_jump', 'bad_sequence')

    def test_sequence_that_repeats(self):
        self.detached('seq_repeat', 'bad_sequence')

    def test_gaps_that_can_not_be(self):
        self.detached('gap_backward', 'bad_sequence')

    def test_gap_of_other_numbers(self):
        self.detached('gap_elsewhere', 'bad_sequence')

    def test_gap_that_counts_wrong(self):
        self.detached('gap_miscounted', 'bad_sequence')

    def test_gap_without_end(self):
        self.detached('gap_without_end', 'bad_sequence')

    def test_noise(self):
        self.detached('noise', 'bad_size', 'bad_sequence')

    def test_bad_records_are_refused_one_by_one(self):
        retired = self.end(self.attack('bad_records'))
        self.assertEqual(retired['untrusted'], 0)
        reject = retired['port']['reject']
        self.assertEqual(sum(reject.values()), 6, reject)
        self.assertEqual((reject['bad_type'], reject['bad_boundary'], reject['bad_string']),
                         (1, 1, 1), reject)
        self.assertEqual(self.honest.report()['foreign'], 6)

    def test_a_record_that_is_never_committed(self):
        retired = self.end(self.attack('never_committed'))
        self.assertEqual((retired['untrusted'], retired['port']['received']), (0, 1))

    def test_a_page_that_lies(self):
        retired = self.end(self.attack('page_lies'))
        self.assertEqual(sum(retired['port']['reject'].values()), 0)
        self.assertGreaterEqual(retired['port']['received'], 1000)

    def test_a_loss_without_end_is_not_believed(self):
        retired = self.end(self.attack('loss_without_end'))
        self.assertEqual((retired['abandoned'], retired['port']['lost']), (0, 0))

    def test_headers_that_change_while_they_are_read(self):
        """What was checked is what is delivered: a private copy, whatever happens outside."""
        retired = self.end(self.attack('changing_headers'))
        self.assertGreater(retired['port']['received'], 0)

    def test_a_size_that_flickers(self):
        self.end(self.attack('flickering_size'))

    def test_one_who_hangs_up_and_writes_on(self):
        retired = self.end(self.attack('writing_on'))
        self.assertGreater(retired['port']['received'], 0)

    def test_one_who_wakes_for_nothing(self):
        self.end(self.attack('waking'))


if __name__ == '__main__':
    unittest.main(verbosity=2)
