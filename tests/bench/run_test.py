#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""bench/run as a whole, in a project of its own: its benches and its VM are scripts."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import suite

LIMIT_S = 60

# A plan with two benches of two kinds, in place of the real one.
PLAN = '''
BENCHES = (
    Bench("first", ICOUNT, ("fault.resident",), memory_mib=16),
    Bench("second", THREADS, ("scaling.one_segment",), memory_mib=16),
)
'''

LIST = '''#!/bin/sh
printf 'first\\ticount\\tone\\nsecond\\tthreads\\ttwo\\n'
'''

# In place of vm/run: the last words are the benches' names. What to do for one is in a file
# of that name; a VM, if asked for, is a process in the background, as QEMU is.
VM = '''#!/bin/bash
echo "$@" >>"$(dirname "$0")/calls"
while [ "$1" != out/bench/bench ]; do shift; done
for name in "${@:2}"; do
    [ "$name" = --quick ] || . "$(dirname "$0")/$name"
done
'''

GOOD = '''echo "==> $name: working"
printf '{"complete": true, "figures": {"KEY": {"value": VALUE, "unit": "UNIT"}}}' \\
    >"$VIOPF_OUT/bench/$name.json"
'''


def good(key, value, unit):
    return GOOD.replace("KEY", key).replace("VALUE", str(value)).replace("UNIT", unit)


FIRST, SECOND = good("fault.resident", 2000, "instr"), good("scaling.one_segment", 1.5, "times")


class Project(unittest.TestCase):
    def setUp(self):
        self.top = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.top)
        shutil.copytree(suite.BENCH, self.top / "bench",
                        ignore=shutil.ignore_patterns("guest", "baseline.json"))
        plan = (self.top / "bench/plan.py").read_text(encoding="utf-8")
        self.write("bench/plan.py", plan[:plan.index("BENCHES = (")] + PLAN)
        self.script("out/bench/bench", LIST)
        self.script("vm/run", VM)
        for name in ("softiommu.ko", "softdma.ko", "vfio_iommu_iopf.ko"):
            self.write(f"out/stock/{name}", "")
        for name in ("next/vfio_iommu_iopf.ko", "qemu/qemu-system-x86_64"):
            self.write(f"out/{name}", "")
        self.write("out/stock/kernel/release", "4.5.6-guest\n")

    def write(self, name, text):
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def script(self, name, text):
        self.write(name, text)
        (self.top / name).chmod(0o755)

    def start(self, *arguments):
        return subprocess.Popen([self.top / "bench/run", *arguments], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))

    def run_bench(self, first, second, *arguments):
        """Exit code, what it printed, and bench.json if there is one."""
        self.write("vm/first", first)
        self.write("vm/second", second)
        process = self.start(*arguments)
        printed, _nothing = process.communicate(timeout=LIMIT_S)
        path = self.top / "out/bench.json"
        document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        return process.returncode, printed, document


class Results(Project):
    def test_good(self):
        """all goes well: exit code 0, a table, both files"""
        code, printed, document = self.run_bench(FIRST, SECOND)
        self.assertEqual(code, 0, printed)
        self.assertIn("1 of 1 figures with a limit meet it.", printed)
        self.assertEqual(document["figures"]["fault.resident"]["verdict"], "met")
        self.assertEqual(document["figures"]["scaling.one_segment"]["verdict"], "measured")
        self.assertIn("vfio-iopf", (self.top / "out/report.html").read_text(encoding="utf-8"))
        self.assertIn("first | ==> first: working", printed)
        self.assertEqual((self.top / "out/bench/first.log").read_text(),
                         "==> first: working\n")

    def test_machines(self):
        """each bench gets the machine that it is planned for"""
        self.run_bench(FIRST, SECOND, "--quick")
        first, second = (self.top / "vm/calls").read_text().splitlines()
        self.assertIn("--icount", first)
        self.assertNotIn("--icount", second)
        self.assertIn("--cpus 2", second)
        self.assertTrue(first.endswith("out/bench/bench --quick first"))

    def test_missed(self):
        """a missed limit is reported, and is no failure"""
        slow = good("fault.resident", 3000, "instr")
        code, printed, _document = self.run_bench(slow, SECOND)
        self.assertEqual(code, 0)
        self.assertIn("missed: fault.resident", printed)

    def test_failed(self):
        """a bench that fails is reported, the others go on, and the exit code says so"""
        for ending, why in (("exit 120", "its virtual machine died"), ("exit 121", "time-out"),
                            ("exit 122", "the kernel reported a fault"),
                            ("exit 7", "exit code 7"), ("exit 0", "it wrote no"),
                            ('echo "{" >"$VIOPF_OUT/bench/$name.json"', "Expecting")):
            with self.subTest(ending):
                code, printed, document = self.run_bench(ending, SECOND)
                self.assertEqual(code, 1)
                self.assertRegex(printed, f"FAILED: first: .*{why}")
                self.assertEqual(document["figures"]["fault.resident"]["verdict"],
                                 "not measured")
                self.assertEqual(document["figures"]["scaling.one_segment"]["value"], 1.5)

    def test_partly(self):
        """what a bench had measured before it failed is kept, unless the kernel is at fault"""
        plan = (self.top / "bench/plan.py").read_text(encoding="utf-8")
        self.write("bench/plan.py", plan.replace('("fault.resident",)',
                                                 '("fault.resident", "mm.untouched")'))
        partly = FIRST.replace("true", "false")
        code, _printed, document = self.run_bench(partly + "exit 1", SECOND)
        self.assertEqual(code, 1)
        self.assertEqual(document["figures"]["fault.resident"]["value"], 2000)
        code, _printed, document = self.run_bench(FIRST + "exit 122", SECOND)
        self.assertIsNone(document["figures"]["fault.resident"]["value"])

    def test_shared(self):
        """in a quick run, benches that want the same machine share it; each is for itself"""
        plan = (self.top / "bench/plan.py").read_text(encoding="utf-8")
        self.write("bench/plan.py", plan.replace('"second", THREADS', '"second", ICOUNT'))
        self.script("out/bench/bench", LIST.replace("threads", "icount"))
        self.run_bench(FIRST, SECOND)
        self.assertEqual(len((self.top / "vm/calls").read_text().splitlines()), 2)
        (self.top / "vm/calls").unlink()

        partly = SECOND.replace("true", "false")
        code, printed, document = self.run_bench(FIRST, partly + "exit 1", "--quick")
        call, = (self.top / "vm/calls").read_text().splitlines()
        self.assertTrue(call.endswith("out/bench/bench --quick first second"))
        self.assertEqual(code, 1)
        self.assertEqual([entry["failed"] for entry in document["benches"]],
                         [None, "exit code 1"])
        self.assertEqual(document["figures"]["fault.resident"]["value"], 2000)
        self.assertIn("second | ==> second: working", printed)
        self.assertEqual((self.top / "out/bench/second.log").read_text(),
                         "==> second: working\n")

        code, _printed, document = self.run_bench(FIRST, "exit 120", "--quick")
        self.assertEqual([entry["failed"] for entry in document["benches"]],
                         ["its virtual machine died"] * 2)

    def test_stale(self):
        """what an earlier run left is not taken for this one's"""
        self.write("out/bench/first.json", json.dumps(
            {"figures": {"fault.resident": {"value": 1, "unit": "instr"}}}))
        code, _printed, document = self.run_bench("exit 0", SECOND)
        self.assertEqual(code, 1)
        self.assertIsNone(document["figures"]["fault.resident"]["value"])

    def test_regression(self):
        """a figure 5% worse than the baseline is an error, one 4% worse is not"""
        self.run_bench(FIRST, SECOND)
        self.assertEqual(self.run_bench(FIRST, SECOND, "--save-baseline")[0], 0)
        worse = good("fault.resident", 2080, "instr")
        self.assertEqual(self.run_bench(worse, SECOND)[0], 0)
        worse = good("fault.resident", 2120, "instr")
        code, printed, _document = self.run_bench(worse, SECOND)
        self.assertEqual(code, 3)
        self.assertIn("REGRESSION: fault.resident was 2,000 instr, is 2,120: 6.0% worse", printed)

    def test_chosen(self):
        """only the benches named are run; an unknown name is refused"""
        code, _printed, document = self.run_bench("exit 1", SECOND, "second")
        self.assertEqual(code, 0)
        self.assertEqual(list(document["figures"]), ["scaling.one_segment"])
        code, printed, _document = self.run_bench(FIRST, SECOND, "third")
        self.assertEqual(code, 2)
        self.assertIn("no such bench: third", printed)

    def test_readme(self):
        """a run of some benches is not put into the README, and that is said"""
        self.write("README.md", "as it was")
        self.run_bench(FIRST, SECOND)
        code, printed, _document = self.run_bench(FIRST, SECOND, "--readme")
        self.assertEqual(code, 2)
        self.assertIn("is not for the README: not all benches were run", printed)
        self.assertEqual((self.top / "README.md").read_text(encoding="utf-8"), "as it was")

    def test_not_built(self):
        """what is not built is said, and what to do"""
        (self.top / "out/stock/softdma.ko").unlink()
        code, printed, _document = self.run_bench(FIRST, SECOND)
        self.assertEqual(code, 2)
        self.assertIn("out/stock/softdma.ko is not built; run make bench", printed)

    def test_absent(self):
        """a planned bench that the program has not is a failed one"""
        self.script("out/bench/bench", "#!/bin/sh\nprintf 'second\\tthreads\\ttwo\\n'\n")
        code, printed, document = self.run_bench(FIRST, SECOND)
        self.assertEqual(code, 1)
        self.assertIn("FAILED: first: out/bench/bench has no such bench", printed)
        self.assertEqual(document["figures"]["scaling.one_segment"]["value"], 1.5)

    def test_plan(self):
        """a bench that the plan does not know is refused"""
        self.script("out/bench/bench", LIST + "printf 'third\\ticount\\tthree\\n'\n")
        code, printed, _document = self.run_bench(FIRST, SECOND)
        self.assertEqual(code, 2)
        self.assertIn("not in bench/plan.py: third icount", printed)


class Interrupts(Project):
    def wait_until(self, true):
        end = time.monotonic() + LIMIT_S
        while not true():
            self.assertLess(time.monotonic(), end, "waited too long")
            time.sleep(0.02)

    def interrupted(self, number, vm):
        """Exit code, and whether the VM is gone, after a signal while it runs."""
        self.write("vm/first", vm)
        process = self.start()
        pid_file = self.top / "vm/pid"
        self.wait_until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"))
        vm_pid = int(pid_file.read_text())
        process.send_signal(number)
        printed, _nothing = process.communicate(timeout=LIMIT_S)
        gone = not Path(f"/proc/{vm_pid}").exists() or \
            "State:\tZ" in Path(f"/proc/{vm_pid}/status").read_text()
        return process.returncode, gone, printed

    def test_interrupt(self):
        """Ctrl-C, and a kill, leave no VM and no result"""
        vm = 'sleep 300 >/dev/null 2>&1 & echo $! >"$(dirname "$0")/pid"; wait'
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                (self.top / "vm/pid").unlink(missing_ok=True)
                code, gone, printed = self.interrupted(number, vm)
                self.assertEqual(code, 130, printed)
                self.assertTrue(gone)
                self.assertFalse((self.top / "out/bench.json").exists())


if __name__ == "__main__":
    suite.main()
