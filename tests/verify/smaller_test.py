#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""verify/fuzz/run --minimize: the search, and the VMs in which it tries."""
import sys
import tempfile
import unittest
from pathlib import Path

import tap

TOP = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "verify"), str(TOP / "verify" / "fuzz")]

import smaller  # noqa: E402

SPLAT = """\
vm/run: the kernel reported a fault of its own:
[    7.104288] viopf_cov: 3925 blocks
[    9.731035] WARNING: module/table/leaf.c:123 at viopf_leaf_drop+0x1d/0x40, CPU#0: fuzz/71
"""


class VM:
    """What the guest does, whenever it is looked at: a case fails that has b, and after c the VM
    has to be another; one that has k ends it at once.
    """
    returncode = None

    def __init__(self, folder):
        self.folder, self.number = Path(tempfile.mkdtemp(dir=folder)), 1

    def write(self, name, text):
        (self.folder / f"{name}-{self.number}").write_text(text)

    def poll(self):
        case = self.folder / f"case-{self.number}"
        if self.returncode is None and case.exists():
            data = "".join(path.read_text() for path in sorted(case.iterdir()))
            self.write("begun", "")
            if "k" in data:
                self.returncode = 122
                (self.folder / "said").write_text(SPLAT)
            else:
                self.write("said", "judge: 7 of them (device.c:42)\n" if "b" in data else "")
                self.write("code", "77" if "b" in data else "0")
                self.number += 1
                self.returncode = 3 if "c" in data else None
        return self.returncode


class Smaller(unittest.TestCase):
    def tries(self, times=1):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)

        def start():
            tries.folder = (vm := VM(folder.name)).folder
            return vm
        tries = smaller.Tries(None, times, start)
        return tries

    def test_fewer(self):
        """what is needed together is found, wherever it is"""
        for needed in ({0}, {99}, {3, 50}, {1, 2, 98, 99}, set(range(0, 100, 7))):
            self.assertEqual(smaller.fewer(list(range(100)), needed.issubset), sorted(needed))

    def test_again(self):
        """what can be left out once another is left out, is"""
        self.assertEqual(smaller.fewer([2, 9, 5], lambda some: 5 in some and
                                       (2 in some or 9 not in some)), [5])

    def test_inputs(self):
        """inputs go as a whole, then operations, and an input that has none"""
        case = [[b"1", b"2"], [b"3", b"3"], [b"4", b"5"], [b"6"]]
        asked = []

        def fails(some):
            asked.append(some)
            return {b"2", b"5"} <= {operation for operations in some for operation in operations}
        self.assertEqual(smaller.smallest(case, fails), [[b"2"], [b"5"]])
        self.assertEqual(asked[0], [[b"4", b"5"], [b"6"]])
        self.assertNotIn([], asked)
        self.assertFalse(any([] in some for some in asked))

    def test_how(self):
        """a failure is known again by its place, not by its numbers"""
        self.assertEqual(smaller.how(smaller.JUDGED, "judge: slot 3 (x) is 4 (memory.c:123)\n"),
                         "memory.c:123")
        self.assertEqual(smaller.how(smaller.JUDGED, "[ ERROR ] --- lib/rig.c:120: error: Fail\n"),
                         "rig.c:120")
        self.assertEqual(smaller.how(smaller.JUDGED, "==12== ERROR: libFuzzer: timeout after 240"),
                         "timeout after #")
        self.assertEqual(smaller.how(smaller.REPORTED, SPLAT),
                         "WARNING: module/table/leaf.c:123 at viopf_leaf_drop+#/#, CPU##: fuzz/#")
        self.assertEqual(smaller.how(smaller.REPORTED, "vm/run: time-out after 600 s\n"),
                         "time-out after # s")

    def test_tries(self):
        """what ended the VM failed, and only that, if it had begun"""
        tries = self.tries()
        self.assertEqual(tries.how([[b"a"]]), "")
        self.assertEqual(tries.how([[b"a"], [b"b"]]), "device.c:42")
        self.assertEqual((tries.vms, tries.how([[b"c"]])), (1, ""))
        self.assertEqual((tries.how([[b"a"]]), tries.vms), ("", 2))
        self.assertIn("viopf_leaf_drop", tries.how([[b"k"]]))
        self.assertEqual((tries.how([[b"b"]]), tries.vms), ("device.c:42", 3))

    def test_late(self):
        """a VM that ends when a case is there already has not done it"""
        tries = self.tries()
        tries.how([[b"a"]])
        old = tries.vm
        old.poll = iter([None, 3, 3]).__next__
        old.returncode = 3
        self.assertEqual((tries.how([[b"b"]]), tries.vms), ("device.c:42", 2))

    def test_times(self):
        """of several tries one that fails is enough"""
        tries = self.tries(3)
        said = iter(["", "now", ""])
        tries.once = lambda case: next(said)
        self.assertEqual(tries.how([[b"a"]]), "now")
        self.assertEqual(list(said), [""])


if __name__ == "__main__":
    runner = tap.TAPTestRunner()
    runner.set_stream(True)
    unittest.main(module="__main__", testRunner=runner)
