# SPDX-License-Identifier: GPL-2.0-only
"""What became of mutants: kept, summed up and written down.

verify/mutated has a line of JSON for each mutant tried in a lane, in order. What the source no
longer has is passed over, and is not written again. verify/survivors has a line for each that
somebody has looked at: its name, "equivalent" or "hole", and why, with blanks between.
docs/mutation.md gets the last result.
"""
import fcntl
import hashlib
import json
import os
import re
from collections import Counter, defaultdict

import document
import lab

FILE = lab.TOP / "verify" / "mutated"
LOCK = lab.WORK / "lock"
HEAD = """\
# SPDX-License-Identifier: GPL-2.0-only
# Made by `verify/mutate run`: what became of each mutant in each lane; see results.py.
"""
KEPT = ("id", "lane", "verdict", "by", "how", "left", "ran")
SURVIVORS = lab.TOP / "verify" / "survivors"
DOCUMENT = lab.TOP / "docs" / "mutation.md"
COUNTED = ("killed", "survived", "unreached")


def load(ids):
    """{(id, lane): result}, of @ids alone."""
    lines = FILE.read_text().splitlines() if FILE.exists() else ()
    results = [json.loads(line) for line in lines if not line.startswith("#")]
    return {(result["id"], result["lane"]): result for result in results if result["id"] in ids}


def keep(result, ids):
    """In the file, which two lanes may write at a time, and which is never there in part."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with open(LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = load(ids)
        found[result["id"], result["lane"]] = {key: result[key] for key in KEPT if key in result}
        new = FILE.with_suffix(".new")
        new.write_text(HEAD + "".join(json.dumps(found[key]) + "\n" for key in sorted(found)))
        os.replace(new, FILE)


def digest(cases):
    """Short for which cases these are."""
    return hashlib.sha256("\n".join(sorted(map(str, cases))).encode()).hexdigest()[:8]


def explained():
    """{id: (word, reason)} from verify/survivors."""
    found = {}
    for line in SURVIVORS.read_text().splitlines() if SURVIVORS.exists() else ():
        if line and not line.startswith("#"):
            name, word, reason = line.split(" ", 2)
            if word not in ("equivalent", "hole"):
                raise ValueError(f"{SURVIVORS}: {word} is neither equivalent nor hole")
            found[name] = (word, reason)
    return found


def over_lanes(results, chosen):
    """One result for each of the mutants @chosen that was tried: of its lanes', the one that says
    most; with what the mutant is.
    """
    found, says = {}, {"unreached": 0, "killed": 2}
    made = {mutant.id: mutant for mutant in chosen}
    for (name, _), result in results.items():
        if name in made and (name not in found or says.get(result["verdict"], 1) >
                             says.get(found[name]["verdict"], 1)):
            mutant = made[name]
            found[name] = dict(result, path=mutant.path, line=mutant.line, diff=mutant.shown)
    return found


class Summary:
    """Of @results, one for each mutant, and what verify/survivors says of them."""

    def __init__(self, results, reasons):
        self.results, self.reasons = results, reasons
        self.verdicts = Counter(result["verdict"] for result in results.values())
        self.open = sorted((result for result in results.values()
                            if result["verdict"] in ("survived", "unreached")),
                           key=lambda result: result["id"])
        self.killed = [result for result in results.values() if result["verdict"] == "killed"]
        self.equivalent = {result["id"] for result in self.open
                           if reasons.get(result["id"], ("",))[0] == "equivalent"}

    @property
    def counted(self):
        return sum(self.verdicts[verdict] for verdict in COUNTED) - len(self.equivalent)

    @property
    def score(self):
        return 100 * len(self.killed) / self.counted if self.counted else 0

    def by_file(self):
        """(path, mutants, killed, equivalent, left) for each file."""
        rows = defaultdict(Counter)
        for name, result in self.results.items():
            if result["verdict"] in COUNTED:
                rows[result["path"]][
                    "equivalent" if name in self.equivalent else result["verdict"]] += 1
        return [(path, sum(row.values()), row["killed"], row["equivalent"],
                 row["survived"] + row["unreached"]) for path, row in sorted(rows.items())]

    def head(self):
        verdicts = self.verdicts
        return (f"{self.score:.1f}% killed: {len(self.killed)} of {self.counted}. "
                f"{len(self.open) - len(self.equivalent)} survive, "
                f"{verdicts['unreached']} of them where no test gets. Not counted: "
                f"{verdicts['equivalent']} of which the compiler makes the same, "
                f"{len(self.equivalent)} that mean the same, {verdicts['invalid']} that are "
                f"no C.")


def survivor(result, reasons):
    word, reason = reasons.get(result["id"], ("", "not looked at yet"))
    left = f" {result['left']} cases that reach it were not run." if result.get("left") else ""
    where = "no test gets there" if result["verdict"] == "unreached" else "survived"
    return (f"- `{result['id']}`, line {result['line']}, {where}.{left}\n"
            f"  `{result['diff']}`\n"
            f"  {word + ': ' if word else ''}{reason}")


def markdown(summary, seed, number, day):
    """What stands in the document."""
    killers = Counter(re.split(":", result["by"])[0] for result in summary.killed)
    ways = Counter(result["how"] for result in summary.killed)
    lines = [f"{day}, seed {seed}, {len(summary.results)} of {number} mutants tried. "
             + summary.head(), "",
             "Killed by " + ", ".join(f"a {how} {count}" for how, count in ways.most_common())
             + ".", ""]
    lines += document.table(["file", "mutants", "killed", "equivalent", "left"], summary.by_file())
    lines += [""] + document.table(["test", "kills"], [(f"`{name}`", count) for name, count
                                                       in killers.most_common()])
    lines += ["", "What survived:", ""]
    lines += [survivor(result, summary.reasons) for result in summary.open] or ["- nothing"]
    return "\n".join(lines)


def write(summary, seed, number, day):
    document.replace(DOCUMENT, "mutation table", markdown(summary, seed, number, day))
