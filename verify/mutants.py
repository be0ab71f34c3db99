# SPDX-License-Identifier: GPL-2.0-only
"""What a mutant is, and which ones there are of a file.

A mutant is the source with one small fault. Operators:

    call    a call is left out            negate  a condition is turned round
    assign  an assignment is left out     true    a condition is true, though evaluated
    count   a counter is not counted      false   the same with false
    lock    a lock is not taken, nor      bound   < for <=, > for >=, and the other way round
            released, in that function    logic   && for ||, and the other way round
    leave   return, goto, break or        off     a constant is one more
            continue is left out

Nothing is made of declarations, of what only asserts, traces or speaks to people, and of what
only lets others have the CPU. Lines stay where they are.
"""
import hashlib
import random
import re
from dataclasses import dataclass

import source

SPARED = re.compile(r"(?:lockdep_|WARN_|BUG_|might_|pr_|dev_|trace_|sysfs_emit|seq_|scnprintf|"
                    r"cond_resched|cpu_relax|BUILD_BUG|static_assert)\w*\(|\bWARN\(")
LOCKS = r"(?:mutex|spin|read|write|rcu_read|xa|task|mmap_(?:read|write))"
TAKES = re.compile(rf"guard\(\w+\)\(|((?:{LOCKS}_lock(?!_init)|down_(?:read|write))\w*)\(")
RELEASES = re.compile(rf"(?:{LOCKS}_unlock\w*|up_(?:read|write))\(")
SETS = re.compile(r"[^=!<>]=[^=]|<<=|>>=")
COUNTS = re.compile(r"\+\+|--|^viopf_count\w*\(")
SWAPPED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "&&": "||", "||": "&&"}


@dataclass(frozen=True)
class Mutant:
    path: str
    function: str
    block: int
    operator: str
    line: int
    edits: tuple        # (start, end, what comes there)
    shown: str          # what is lost and what comes, in a line
    ordinal: int        # of those that would be called the same

    @property
    def id(self):
        digest = hashlib.sha256(f"{self.shown} {self.ordinal}".encode()).hexdigest()[:8]
        return f"{self.path}:{self.function}:{self.operator}:{digest}"

    def apply(self, text):
        for start, end, new in reversed(self.edits):
            lost = text[start:end].count("\n") - new.count("\n")
            text = text[:start] + new + "\n" * lost + text[end:]
        return text


def squash(text):
    return " ".join(re.sub(r"/\*.*?\*/", " ", text, flags=re.S).split())


class Maker:
    """The mutants of one function."""

    def __init__(self, path, text, function):
        self.path, self.text, self.function = path, text, function
        self.made, self.named = [], {}

    def add(self, operator, part, edits, old, new):
        shown = f"{squash(old)} => {squash(new)}"
        ordinal = self.named[operator, shown] = self.named.get((operator, shown), 0) + 1
        line = self.text.count("\n", 0, edits[0][0]) + 1
        self.made.append(Mutant(self.path, self.function.name, part.block, operator, line,
                                tuple(edits), shown, ordinal))

    def drop(self, operator, part):
        old = self.text[part.start:part.end]
        self.add(operator, part, [(part.start, part.end, ";")], old, ";")

    def all(self):
        for part in self.function.parts:
            text = self.text[part.start:part.end]
            if part.kind == "declaration" or SPARED.search(text):
                continue
            if part.kind == "statement":
                self.statement(part, text)
            elif ";" not in text:
                self.condition(part, text)
            self.inside(part)
        return self.made

    def statement(self, part, text):
        if re.match(r"(?:return|goto|break|continue)\b", text):
            if part.inner:
                self.drop("leave", part)
        elif RELEASES.match(text):
            return
        elif TAKES.match(text):
            self.lock(part, text)
        elif COUNTS.search(text):
            self.drop("count", part)
        else:
            self.drop("assign" if SETS.search(text) else "call", part)

    def lock(self, part, text):
        """Together with what releases it, up to where it is taken again."""
        edits = [(part.start, part.end, ";")]
        taken = TAKES.match(text)[1]
        if taken:
            release = re.sub("down(?=_)", "up", re.sub("_lock.*", "_unlock", taken))
            what = re.split("[,)]", squash(text[len(taken):]))[0]
            for other in self.function.parts[self.function.parts.index(part) + 1:]:
                its = self.text[other.start:other.end]
                if its.startswith(taken + what):
                    break
                if its.startswith(release + what):
                    edits.append((other.start, other.end, ";"))
        self.add("lock", part, edits, text, ";")

    def condition(self, part, text):
        kinds = {"negate": f"!({text})", "false": f"({text}) && 0"}
        if part.kind == "if":
            kinds["true"] = f"({text}) || 1"
        for operator, new in kinds.items():
            self.add(operator, part, [(part.start, part.end, new)], f"({text})", f"({new})")

    def inside(self, part):
        text = self.text[part.start:part.end]
        for kind, start, end in source.tokens(text):
            old = text[start:end]
            if kind == "mark" and old in SWAPPED:
                operator, new = "logic" if old in ("&&", "||") else "bound", SWAPPED[old]
            elif kind == "number" and re.fullmatch(r"\d+[uUlL]*", old):
                operator, new = "off", f"({old} + 1)"
            else:
                continue
            self.add(operator, part, [(part.start + start, part.start + end, new)],
                     text, text[:start] + new + text[end:])


def of_file(path, text):
    return [mutant for function in source.functions(text)
            for mutant in Maker(path, text, function).all()]


def all_ids(files):
    return {mutant.id for path, text in files.items() for mutant in of_file(path, text)}


def quotas(lines, number):
    """@number in proportion to @lines, in whole numbers."""
    total = sum(lines.values())
    exact = {path: number * count / total for path, count in lines.items()}
    given = {path: int(share) for path, share in exact.items()}
    late = sorted(exact, key=lambda path: (given[path] - exact[path], path))
    for path in late[:number - sum(given.values())]:
        given[path] += 1
    return given


def choose(files, number, seed):
    """Up to @number, spread over @files by their lines, in an order in which any first part is
    a fair sample of them; the same for the same seed and source.
    """
    chosen = []
    lines = {path: files[path].count("\n") for path in sorted(files)}
    for path, quota in quotas(lines, number).items():
        made = sorted(of_file(path, files[path]), key=lambda mutant: mutant.id)
        chosen += random.Random(f"{seed} {path}").sample(made, min(quota, len(made)))
    random.Random(str(seed)).shuffle(chosen)
    return chosen
