# SPDX-License-Identifier: GPL-2.0-only
"""Which blocks of the module the fuzzer has reached, by file and function.

What viopf_cov.ko says of a block is where its code was. A folder's file "reached" has, of one
build of the module, those that any VM has reached: lines of section and offset. Another build
has others, and begins anew.
"""
import hashlib
import re
import subprocess
from collections import Counter, defaultdict

import document
import lab

DOCUMENT = lab.TOP / "docs" / "fuzz.md"
# What the kernel's macros make of a tracepoint, and the compiler before a function.
MADE = re.compile(r"(__bpf_|perf_|do_|__)?trace_?(event_|raw_|iter_|iopf_)|__pfx_")


def sections(path):
    """[(address, name)], ascending."""
    return sorted((int(line.split()[1], 16), line.split()[0])
                  for line in path.read_text().splitlines())


def said(vm):
    """{(section, offset): reached} of a VM, or none if it did not come to tell."""
    if not (vm / "sites").exists() or not (vm / "sections").exists():
        return {}
    where = sections(vm / "sections")
    found, first = {}, min((address for address, name in where if "init" not in name), default=0)
    for line in (vm / "sites").read_text().splitlines():
        at, reached = map(int, line.split())
        start, name = max(section for section in where if section[0] <= first + at and
                          "init" not in section[1])
        found[name, first + at - start] = bool(reached)
    return found


def digest(ko):
    """Of the code alone: a commit changes what the module says of its version."""
    code = subprocess.run(["objcopy", "-O", "binary", "-j", ".text", ko / f"{lab.MODULE}.ko",
                           "/dev/stdout"], capture_output=True, check=True).stdout
    return hashlib.sha256(code).hexdigest()


def load(path):
    """What file @path knows: the build, and {(section, offset): reached}."""
    lines = path.read_text().splitlines() if path.exists() else [""]
    return lines[0], {(line.split()[0], int(line.split()[1])): line.split()[2] == "1"
                      for line in lines[1:]}


def note(vm, ko, path):
    """Adds what a VM has reached. Returns (blocks reached, blocks), or None if it did not tell."""
    found = said(vm)
    if not found:
        return None
    build = digest(ko)
    known_build, known = load(path)
    if known_build == build:
        found = {block: reached or known.get(block, False) for block, reached in found.items()}
    path.write_text(build + "\n" + "".join(f"{section} {offset} {int(reached)}\n" for
                                           (section, offset), reached in sorted(found.items())))
    return sum(found.values()), len(found)


def places(ko, names):
    """{(section, offset): (file of the module, function)}: where the innermost function is that
    is the module's own, as some are inlined.
    """
    found = {}
    for section in {section for section, _ in names}:
        offsets = sorted(offset for name, offset in names if name == section)
        lines = subprocess.run(["addr2line", "-afi", "-j", section, "-e", ko,
                                *(hex(offset - 1) for offset in offsets)], text=True,
                               capture_output=True, check=True).stdout
        for one in re.split(r"^(?=0x)", lines, flags=re.M)[1:]:
            address, *frames = one.splitlines()
            for function, place in zip(frames[::2], frames[1::2]):
                path = re.search(r"/build/module/([\w/]+\.[ch]):", place)
                if path:
                    found[section, int(address, 16) + 1] = (path[1], function)
                    break
    return found


def by_file(known, ko):
    """{file: Counter of blocks and reached}, {file: functions that were never reached}."""
    where = places(ko / f"{lab.MODULE}.ko", known)
    files, functions = defaultdict(Counter), defaultdict(Counter)
    for block, reached in known.items():
        if block in where:
            files[where[block][0]][reached] += 1
            functions[where[block]][reached] += 1
    never = defaultdict(list)
    for (file, function), counts in sorted(functions.items()):
        if not counts[True] and not MADE.match(function):
            never[file].append(function)
    return files, never


def table(lane, known, ko):
    files, never = by_file(known, ko)
    return ["", *document.table(
        [f"on {lane}", "blocks", "reached", "functions never reached"],
        [(file, counts.total(), counts[True], ", ".join(f"`{name}`" for name in never[file]))
         for file, counts in sorted(files.items())])]


def write(tables, lines, day):
    """Into the document: @lines, and a table for each (lane, what is known of blocks, modules)."""
    made = [f"{day}.", ""] + [f"- {line}" for line in lines]
    for one in tables:
        made += table(*one)
    document.replace(DOCUMENT, "fuzz table", "\n".join(made))
