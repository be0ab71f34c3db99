# SPDX-License-Identifier: GPL-2.0-only
"""The fewest operations that fail in the same way: the search, and the VM in which it tries.

A case is a list of inputs, each a list of operations, which one process does in their order. How
it failed is a short text, by which the same failure is known again; empty if it did not.
"""
import re
import time

import lab

OP_BYTES = 8
POLL_S = 0.01
JUDGED = re.compile(r"^judge: .*\((\w+\.c:\d+)\)$|(\w+\.c:\d+): error: |"
                    r"ERROR: libFuzzer: (.*)", re.M)
REPORTED = re.compile(r"(BUG: .*|WARNING: .*|Oops.*|INFO: .*|Kernel panic.*)|"
                      r"^vm/run: (?!the kernel reported)(.*)", re.M)


def operations(data):
    return [data[at:at + OP_BYTES] for at in range(0, len(data), OP_BYTES)]


def how(pattern, text):
    """The part of @text that tells this failure from others, which is not its numbers."""
    found = pattern.search(text)
    return re.sub(r"0x[0-9a-f]+|(?<!c:)\b\d+", "#", next(filter(None, found.groups()))) \
        if found else "failed"


def fewer(units, fails):
    """As few of @units as fail: of these none can be left out alone."""
    size = max(len(units) // 2, 1)
    while True:
        at, before = 0, len(units)
        while at < len(units):
            rest = units[:at] + units[at + size:]
            if rest and fails(rest):
                units = rest
            else:
                at += size
        if size == 1 and len(units) == before:
            return units
        size = max(size // 2, 1)


def smallest(case, fails):
    """First of whole inputs, then of operations. An input without any is none."""
    def inputs(pairs):
        numbers = sorted({number for number, _ in pairs})
        return [[operation for number, operation in pairs if number == one] for one in numbers]

    case = fewer(case, fails)
    return inputs(fewer([(number, operation) for number, some in enumerate(case)
                         for operation in some], lambda pairs: fails(inputs(pairs))))


class Tries:
    """In a VM that does one case after the other, with the modules loaded anew (see guest); in
    another, where one ended it. @start: starts a VM, whose folder is @folder.
    """

    def __init__(self, folder, times, start):
        self.folder, self.times, self.start = folder, times, start
        self.vm, self.number, self.vms = None, 0, 0

    def how(self, case):
        """How it failed, of so many tries."""
        for _ in range(self.times):
            said = self.once(case)
            if said:
                return said
        return ""

    def once(self, case):
        if not self.vm or self.vm.poll() is not None:
            self.vm, self.number, self.vms = self.start(), 0, self.vms + 1
        self.number += 1
        new = self.folder / f"case-{self.number}.new"
        new.mkdir()
        for at, some in enumerate(case):
            (new / f"{at:03}").write_bytes(b"".join(some))
        new.rename(new.with_suffix(""))
        while not self.file("code").exists() and self.vm.poll() is None:
            time.sleep(POLL_S)
        if self.file("code").exists():
            said = self.file("said").read_text(errors="replace")
            return how(JUDGED, said) if int(self.file("code").read_text()) else ""
        # It may have ended as the modules were in use after the last case.
        return self.ended() if self.file("begun").exists() else self.once(case)

    def file(self, name):
        """Of the guest's, about this case."""
        return self.folder / f"{name}-{self.number}"

    def ended(self):
        """The VM has, in the middle of a case."""
        code = self.vm.returncode
        said = (self.folder / "said").read_text(errors="replace")
        if code in (lab.SETUP_PROBLEM, lab.KNOWN_FAULT):
            raise lab.Trouble(f"no VM, or a known fault; see {self.folder}/said")
        return how(REPORTED, said)

    def end(self):
        if self.vm and self.vm.poll() is None:
            (self.folder / "end").touch()
            self.vm.wait()
