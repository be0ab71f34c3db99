# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of bench/ share: where it is, made-up figures, and TAP.

All numbers in these tests are made up here.
"""
import sys
import unittest
from pathlib import Path

import tap

TOP = Path(__file__).resolve().parent.parent.parent
BENCH = TOP / "bench"
sys.path.insert(0, str(BENCH))

from judge import OURS, TYPE1, judged, not_measured  # noqa: E402

ICOUNT = {"name": "one", "machine": "icount"}
THREADS = {"name": "two", "machine": "threads"}


def figure(value, unit="instr", **more):
    """A figure as a bench writes it."""
    return dict({"value": value, "unit": unit}, **more)


def plot(**more):
    """A plot with both systems in it, one of which gives up."""
    return dict({"x_label": "tenants", "y_label": "operations per second",
                 "x": [1, 2, 4], "series": [{"name": OURS, "y": [10, 20, 30]},
                                            {"name": TYPE1, "y": [11, 21, None]}]}, **more)


def run(figures, mode="full", failed=()):
    """A bench.json. figures: (key, as a bench writes it, ICOUNT or THREADS)."""
    stand = {key: judged(key, made, bench) if made else not_measured(key, bench)
             for key, made, bench in figures}
    entries = [{"name": name, "machine": "threads", "memory_mib": 512,
                "shared_with": None, "code": 120,
                "failed": why, "seconds": 1.5} for name, why in failed]
    return {"format": 1, "mode": mode, "started": "2001-02-03T04:05:06Z", "seconds": 7,
            "source": {"commit": "0123456789ab", "changed": False},
            "host": {"cpu": "Made-up CPU", "cpus": 2, "memory_mib": 4096, "system": "Debian",
                     "kernel": "1.2.3-host", "emulator": "QEMU", "compiler": "cc",
                     "load_average": 0.1},
            "guest": {"kernel": "4.5.6-guest", "parameters": "page_poison=0"},
            "benches": entries, "figures": stand,
            "baseline": {"kernel": None, "figures": {}}}


def main():
    runner = tap.TAPTestRunner()
    runner.set_stream(True)
    unittest.main(module="__main__", testRunner=runner)
