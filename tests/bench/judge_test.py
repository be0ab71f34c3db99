#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""What judge.py takes from a bench, and what it says of it."""
import unittest

import suite
from suite import ICOUNT, figure, plot

import judge
from figures import FIGURES, SECTIONS, at_least, at_most
from plan import BENCHES

MAP = "map_dma.cold"


class Verdicts(unittest.TestCase):
    def verdict(self, key, made):
        return judge.judged(key, made, ICOUNT)["verdict"]

    def test_upper(self):
        """a limit from above is met at it and missed beyond it"""
        self.assertEqual(self.verdict("fault.resident", figure(2500)), "met")
        self.assertEqual(self.verdict("fault.resident", figure(2500.1)), "missed")

    def test_lower(self):
        """a limit from below is met at it and missed under it"""
        self.assertEqual(self.verdict("hot.throughput_4k", figure(0.995, "ratio")), "met")
        self.assertEqual(self.verdict("hot.throughput_4k", figure(0.9949, "ratio")), "missed")

    def test_condition(self):
        """a condition that does not hold makes a figure missed, and is named"""
        made = figure(4000, detail={"memory_taken_by_1_tib_kb": 64})
        out = judge.judged(MAP, made, ICOUNT)
        self.assertEqual(out["verdict"], "missed")
        self.assertEqual([c["met"] for c in out["conditions"]], [False])
        made["detail"]["memory_taken_by_1_tib_kb"] = 0
        self.assertEqual(self.verdict(MAP, made), "met")

    def test_no_limit(self):
        """a figure without a limit is neither met nor missed"""
        self.assertEqual(self.verdict("scaling.one_segment", figure(1.1, "times")), "measured")

    def test_null(self):
        """a value of null was not measured"""
        self.assertEqual(self.verdict(MAP, figure(None)), "not measured")


class Documents(unittest.TestCase):
    def check(self, made, key="fault.resident", **more):
        return judge.check_document({"figures": {key: made}}, [key], **more)

    def refused(self, made, why, key="fault.resident"):
        with self.assertRaisesRegex(judge.BadDocument, why):
            self.check(made, key)

    def test_good(self):
        """a good document is taken as it is"""
        made = figure(7, ours=7, type1=None, samples=[6, 7, 8], plot=plot())
        self.assertEqual(self.check(made), {"fault.resident": made})

    def test_no_document(self):
        """what is not of the form at all is refused"""
        for document in (None, [], {}, {"figures": [1]}):
            with self.assertRaisesRegex(judge.BadDocument, "no figures"):
                judge.check_document(document, [])

    def test_unit(self):
        """a figure in another unit is refused"""
        self.refused(figure(7, "us"), "unit")

    def test_numbers(self):
        """what is no finite number is refused"""
        self.refused(figure("7"), "value")
        self.refused(figure(float("nan")), "value")
        self.refused(figure(True), "value")
        self.refused(figure(7, type1="fast"), "type1")
        self.refused(figure(7, samples=[7, None]), "samples")
        self.refused("seven", "form")

    def test_condition_missing(self):
        """a figure without the detail that its condition needs is refused"""
        self.refused(figure(7), "memory_taken", MAP)

    def test_plots(self):
        """a plot without axes' names, or with a series too short, is refused"""
        self.refused(figure(7, plot=plot(x_label="")), "x_label")
        self.refused(figure(7, plot=[plot(), plot(y_label=None)]), "y_label")
        short = [{"name": judge.OURS, "y": [1, 2]}]
        self.refused(figure(7, plot=plot(series=short)), "2 points for 3")
        self.refused(figure(7, plot=plot(series=[])), "nothing")

    def test_missing(self):
        """a complete document without a figure that it should have is refused"""
        with self.assertRaisesRegex(judge.BadDocument, "without map_dma.cold"):
            judge.check_document({"figures": {}}, [MAP])
        self.assertEqual(judge.check_document({"figures": {}}, [MAP], complete=False), {})

    def test_foreign(self):
        """a figure of another bench, or of none, is refused"""
        with self.assertRaisesRegex(judge.BadDocument, "another bench"):
            judge.check_document({"figures": {"fault.resident": figure(7)}}, [])
        with self.assertRaisesRegex(judge.BadDocument, "no such figure"):
            judge.check_document({"figures": {"no.such": figure(7)}}, [])


class Tables(unittest.TestCase):
    def test_plan(self):
        """each figure is measured by one bench, and each bench measures some"""
        planned = [key for bench in BENCHES for key in bench.figures]
        self.assertEqual(sorted(planned), sorted(FIGURES))
        self.assertTrue(all(bench.figures for bench in BENCHES))
        names = [bench.name for bench in BENCHES]
        self.assertEqual(len(names), len(set(names)))

    def test_sections(self):
        """no figure stands in two sections"""
        keys = [figure.key for section in SECTIONS for figure in section.figures]
        self.assertEqual(len(keys), len(set(keys)))

    def test_limits(self):
        """limits hold at their bound"""
        self.assertTrue(at_most(0).holds(0))
        self.assertFalse(at_most(0).holds(1))
        self.assertTrue(at_least(10).holds(10))
        self.assertFalse(at_least(10).holds(9.99))


if __name__ == "__main__":
    suite.main()
