#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""What baseline.py keeps, and what it calls a regression."""
import unittest

import suite
from suite import ICOUNT, THREADS, figure, run

import baseline
from figures import FIGURES

FAULT, HOT = "fault.resident", "hot.throughput_4k"


def kept(**figures):
    return {"full": {"kernel": "old", "figures": {FAULT: 1000, **figures}}}


class Compare(unittest.TestCase):
    def regression(self, value, before=None, mode="full"):
        """Whether it is one; None if it is not compared at all."""
        document = run([(FAULT, figure(value), ICOUNT)], mode)
        return baseline.compare(before or kept(), document).get(FAULT, {}).get("regression")

    def test_tolerance(self):
        """5% worse is none, more is a regression, better is none"""
        self.assertIs(self.regression(1050), False)
        self.assertIs(self.regression(1051), True)
        self.assertIs(self.regression(500), False)

    def test_slack(self):
        """nor is what is little in the figure's own unit"""
        key = "evict.resident_thp"
        little, much = FIGURES[key].slack, FIGURES[key].slack * 1.1
        for more, regression in ((little, False), (much, True)):
            run = suite.run([(key, suite.figure(2 + more), suite.ICOUNT)])
            found = baseline.compare({"full": {"figures": {key: 2}}}, run)
            self.assertIs(found[key]["regression"], regression)

    def test_own_tolerance(self):
        """a figure with a tolerance of its own is judged by that"""
        key = "series.1mb_100"
        for value, worse in ((1.25, False), (1.26, True)):
            made = {"value": value, "unit": FIGURES[key].unit, "detail": {"faults": 1}}
            document = run([(key, made, ICOUNT)])
            found = baseline.compare(kept(**{key: 1.0}), document)[key]
            self.assertIs(found["regression"], worse)

    def test_amount(self):
        """how much worse it is, is said"""
        document = run([(FAULT, figure(1250), ICOUNT)])
        self.assertEqual(baseline.compare(kept(), document)[FAULT],
                         {"before": 1000, "now": 1250, "worse": 0.25, "regression": True})

    def test_direction(self):
        """where more is better, less is worse"""
        self.assertAlmostEqual(baseline.change(HOT, 1.0, 0.9), 0.1)
        self.assertAlmostEqual(baseline.change(FAULT, 1000, 900), -0.1)

    def test_zero(self):
        """anything is worse than nothing"""
        self.assertEqual(baseline.change("metadata.mapped", 0, 8), float("inf"))
        self.assertEqual(baseline.change("metadata.mapped", 0, 0), 0)

    def test_modes(self):
        """quick runs are not compared with full ones"""
        self.assertIsNone(self.regression(9999, mode="quick"))

    def test_clocks(self):
        """what depends on the host's clock is not compared"""
        document = run([(HOT, figure(0.5, "ratio"), THREADS)])
        self.assertEqual(baseline.compare(kept(**{HOT: 1.0}), document), {})

    def test_absent(self):
        """what was not measured, or was not before, is not compared"""
        document = run([(FAULT, None, ICOUNT), ("mm.untouched", figure(9, "ratio"), ICOUNT)])
        self.assertEqual(baseline.compare(kept(), document), {})
        self.assertEqual(baseline.compare({}, document), {})


class Save(unittest.TestCase):
    def test_replaces(self):
        """a run's figures replace those of its mode, others stay"""
        before = dict(kept(**{"mm.untouched": 1.01}), quick={"kernel": "q", "figures": {}})
        after = baseline.save(before, run([(FAULT, figure(900), ICOUNT),
                                           (HOT, figure(0.5, "ratio"), THREADS)]))
        self.assertEqual(after["full"], {"kernel": "4.5.6-guest",
                                         "figures": {FAULT: 900, "mm.untouched": 1.01}})
        self.assertEqual(after["quick"], before["quick"])

    def test_nothing_measured(self):
        """a figure that was not measured leaves the old one"""
        after = baseline.save(kept(), run([(FAULT, None, ICOUNT)]))
        self.assertEqual(after["full"]["figures"], {FAULT: 1000})


if __name__ == "__main__":
    suite.main()
