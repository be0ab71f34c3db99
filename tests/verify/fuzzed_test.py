#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""What verify/fuzz/run keeps of its VMs in the tree."""
import json
import sys
import tempfile
import unittest
from pathlib import Path

import tap

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "verify"))

import fuzzed  # noqa: E402
import lab  # noqa: E402


def vm(**what):
    return {"executions": 10, "operations": 60, "seconds": 2, "found": None, "code": 0, **what}


class Fuzzed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        fuzzed.RECORD = self.folder / "fuzzed"

    def has_run(self, *vms, code="one", reached="101"):
        """VMs have, and told of so many blocks, one after the other."""
        with open(self.folder / "record", "a") as record:
            record.writelines(json.dumps(line) + "\n" for line in vms)
        (self.folder / "reached").write_text(code + "\n" + "".join(
            f".text {at} {bit}\n" for at, bit in enumerate(reached)))

    def take(self, code="one"):
        return fuzzed.take("uml", self.folder, code)

    def sums(self):
        return fuzzed.load()["uml"]

    def test_sums(self):
        """VMs add up, over reports, each once"""
        self.has_run(vm(), vm(found="crash-1", code=1))
        self.take()
        self.take()
        self.has_run(vm(code=lab.KNOWN_FAULT))
        self.take()
        self.assertEqual({key: self.sums()[key] for key in fuzzed.count([])},
                         {"executions": 30, "operations": 180, "seconds": 6, "found": 1,
                          "known faults": 1})

    def test_machines(self):
        """what another machine has reached of the same build counts"""
        self.has_run(vm(), reached="1001")
        self.take()
        self.has_run(vm(), reached="0011")
        known = self.take()
        self.assertEqual([known[place] for place in sorted(known)], [True, False, True, True])
        self.assertEqual(self.sums()["reached"], [3, 4])

    def test_other_build(self):
        """blocks of another build are not mixed in"""
        self.has_run(vm(), reached="1111")
        self.take()
        self.has_run(vm(), code="other", reached="01")
        self.assertEqual(fuzzed.take("uml", self.folder, "other"),
                         {(".text", 0): False, (".text", 1): True})
        self.assertEqual(self.sums()["reached"], [1, 2])

    def test_not_as_it_is(self):
        """what was reached of a module that is no more is not taken, what was done is"""
        self.has_run(vm(), reached="10")
        self.take()
        self.has_run(vm(), code="older", reached="11")
        self.assertEqual(self.take(), {})
        self.assertEqual((self.sums()["reached"], self.sums()["executions"]), ([1, 2], 20))

    def test_summaries(self):
        """a line for a lane, and what all have done"""
        self.has_run(vm(executions=9999999))
        self.take()
        fuzzed.take("stock", self.folder / "none", "one")
        record = fuzzed.load()
        record["stock"] = fuzzed.count([vm(executions=1, code=lab.KNOWN_FAULT)])
        fuzzed.RECORD.write_text(json.dumps(record))
        self.assertEqual(fuzzed.summaries(), [
            "uml: 9,999,999 executions, 60 operations, 30 operations/s; 2 of 3 blocks reached; "
            "0 found",
            "stock: 1 executions, 60 operations, 30 operations/s; 0 found; 1 VMs stopped by a "
            "known fault",
            "over all: 10,000,000 executions"])


if __name__ == "__main__":
    runner = tap.TAPTestRunner()
    runner.set_stream(True)
    unittest.main(module="__main__", testRunner=runner)
