#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""What verify/soak keeps of a run, and writes down."""
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from io import StringIO
from pathlib import Path

import tap

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "verify"))
SPEC = spec_from_loader("soak", SourceFileLoader("soak", str(TOP / "verify" / "soak")))
soak = module_from_spec(SPEC)
SPEC.loader.exec_module(soak)

SAID = """\
1..1
#   VIOPF_TEST_SEED=7
#   matrix fork|none 1|mapped, huge 0
#   matrix fork, write|none 2
#   54976 pages
ok 1 - S1
"""


class Soak(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        soak.RECORD = Path(self.folder.name) / "soaked"
        soak.DOCUMENT = Path(self.folder.name) / "soak.md"

    def test_parse(self):
        """seed, pages and matrix of a run's output"""
        self.assertEqual(soak.parse(SAID), (7, 54976, {"fork": {"none": 1, "mapped, huge": 0},
                                                       "fork, write": {"none": 2}}))

    def test_cut_short(self):
        """output that ends early has no pages"""
        self.assertEqual(soak.parse("#   VIOPF_TEST_SEED=7\n#   matr"), (7, None, {}))

    def test_sums(self):
        """runs add up, cell by cell"""
        sums = {}
        for _ in range(2):
            soak.add(sums, 60, *soak.parse(SAID)[1:])
        self.assertEqual(sums, {"runs": 2, "seconds": 120, "pages": 109952,
                                "cells": {"fork": {"none": 2, "mapped, huge": 0},
                                          "fork, write": {"none": 4}}})

    def test_report(self):
        """the document has the sums, and nothing in a cell that can't be"""
        sums = {"failed": [{"date": "2001-02-03", "seed": 9}]}
        soak.add(sums, 60, *soak.parse(SAID)[1:])
        soak.RECORD.write_text(soak.json.dumps({"next": sums}))
        soak.DOCUMENT.write_text("before\n<!-- soak table begins -->\nold\n"
                                 "<!-- soak table ends -->\nafter\n")
        with redirect_stdout(StringIO()):
            soak.report(None)
        text = soak.DOCUMENT.read_text()
        self.assertIn("`next`: 1 runs, 60 s, 54,976 pages, 3 events met a state, 2 of 3 cells. "
                      "1 runs failed.", text)
        self.assertIn("| event | none | mapped, huge |", text)
        self.assertIn("| fork, write | 2 |  |", text)
        self.assertRegex(text, r"(?s)^before\n.*after\n$")
        self.assertNotIn("old", text)


if __name__ == "__main__":
    runner = tap.TAPTestRunner()
    runner.set_stream(True)
    unittest.main(module="__main__", testRunner=runner)
