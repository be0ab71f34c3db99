# SPDX-License-Identifier: GPL-2.0-only
"""What became of mutants: kept, summed up and written down.

out/mutate/results has a line of JSON for each mutant tried in a lane; a later one of the same
holds. verify/survivors, in the tree, has a line for each that somebody has looked at: its name,
"equivalent" or "hole", and why, with blanks between. docs/mutation.md gets the last result.
"""
import json
import re
from collections import Counter, defaultdict

import document
import lab

FILE = lab.WORK / "results"
SURVIVORS = lab.TOP / "verify" / "survivors"
DOCUMENT = lab.TOP / "docs" / "mutation.md"
COUNTED = ("killed", "survived", "unreached")


def load():
    """{(id, lane): result}. A line that was cut short is none."""
    found = {}
    for line in FILE.read_text().splitlines() if FILE.exists() else ():
        try:
            result = json.loads(line)
        except ValueError:
            continue
        found[result["id"], result["lane"]] = result
    return found


def append(result):
    """On a line of its own, whatever was there."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with open(FILE, "a") as file:
        file.write("\n" + json.dumps(result, sort_keys=True))


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


def over_lanes(results, ids):
    """One result for each of @ids that was tried: of its lanes', the one that says most."""
    found, says = {}, {"unreached": 0, "killed": 2}
    for (name, _), result in results.items():
        if name in ids and (name not in found or says.get(result["verdict"], 1) >
                            says.get(found[name]["verdict"], 1)):
            found[name] = result
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
