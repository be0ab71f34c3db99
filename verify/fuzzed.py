# SPDX-License-Identifier: GPL-2.0-only
"""What the fuzzer has done over all: verify/fuzzed.json, in the tree, as machines do not last.

For each lane the executions, operations and seconds, how many inputs were found and how many
VMs a known fault stopped. And of one build of the module, told by its code, which blocks were
reached: [how many, of how many], and a bit for each in the order of their places, in
hexadecimal. Another build has other blocks, so that it begins anew with these.

A VM's line is in out/fuzz/LANE/record until take() has added it, and in "taken" from then on.
"""
import json

import blocks
import lab

RECORD = lab.TOP / "verify" / "fuzzed.json"


def load():
    return json.loads(RECORD.read_text()) if RECORD.exists() else {}


def count(lines):
    """Of VMs."""
    sums = {key: sum(line[key] for line in lines)
            for key in ("executions", "operations", "seconds")}
    return {**sums, "found": sum(bool(line["found"]) for line in lines),
            "known faults": sum(line["code"] == lab.KNOWN_FAULT for line in lines)}


def add(sums, counts):
    for key, number in counts.items():
        sums[key] = sums.get(key, 0) + number


def add_reached(sums, code, known):
    """@known: {place of a block: reached}, of the build @code. Returns it with what was known."""
    bits = int(sums["bits"], 16) if sums.get("code") == code else 0
    known = {place: known[place] or bool(bits >> at & 1)
             for at, place in enumerate(sorted(known))}
    bits = sum(reached << at for at, reached in enumerate(known.values()))
    sums.update(code=code, bits=f"{bits:x}", reached=[sum(known.values()), len(known)])
    return known


def lines_of(folder):
    """Of the VMs in @folder that take() has not added yet."""
    path = folder / "record"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def take(lane, folder, code):
    """Adds to the record what VMs did in @folder. Returns {place of a block: reached} of the
    build @code, or none if these had another.
    """
    record, lines = load(), lines_of(folder)
    sums = record.setdefault(lane, {})
    add(sums, count(lines))
    build, known = blocks.load(folder / "reached")
    known = add_reached(sums, code, known) if build == code else {}
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    if lines:
        with open(folder / "taken", "a") as taken:
            taken.write((folder / "record").read_text())
        (folder / "record").unlink()
    return known


def summary(name, sums):
    """A line of what the fuzzer did."""
    found, number = sums.get("reached", (0, 0))
    stopped = sums.get("known faults")
    return (f"{name}: {sums['executions']:,} executions, {sums['operations']:,} operations, "
            f"{sums['operations'] / max(sums['seconds'], 1):.0f} operations/s; " +
            (f"{found:,} of {number:,} blocks reached; " if number else "") +
            f"{sums['found']} found" +
            (f"; {stopped} VMs stopped by a known fault" if stopped else ""))


def summaries():
    """One for each lane, and what all have done."""
    record = load()
    total = sum(sums["executions"] for sums in record.values())
    return [summary(lane, sums) for lane, sums in record.items()] + [
        f"over all: {total:,} executions"]
