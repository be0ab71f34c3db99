# SPDX-License-Identifier: GPL-2.0-only
"""One mutant tried: is it C, does it differ, does a test tell?

Verdicts: "killed", by a test, which says how; "survived", with the cases that ran, and how many
were left; "unreached", no test gets there; "equivalent", the compiler made the same of it;
"invalid", the compiler refused it.
"""
import json
import os
import re
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import lab
import mutants
import results

FIRST = ("stock", "uml")    # the lanes that all mutants are tried on
UNIT = ("policy/residency.c", "policy/iova.c", "policy/window.c", "policy/names.c")
UNIT_S = 300
KNOWN_FAULTS = 5
SLACK_S = 20
STOPPED = (124, 137)        # by timeout
AGAIN, ALONE = "again", "alone"
SPLAT = re.compile(r"BUG: .*|WARNING: .*|Oops: .*|general protection fault.*|Kernel panic.*"
                   r"|INFO: .*|kmemleak: .*")


def arranged(cases, cost, kills):
    """@cases, the cheapest of each program before the next cheapest of any; those of a program
    that has killed more mutants of the same file sooner.
    """
    rank, found = Counter(), []
    for case in sorted(cases, key=lambda case: (cost[case], case)):
        rank[case.program] += 1
        found.append((rank[case.program] // (1 + kills[case.program]), cost[case], case))
    return [case for _, _, case in sorted(found)]


def limited(cases, seconds, limit):
    """The first of @cases, as many as take @limit seconds."""
    taken, total = [], 0
    for case in cases:
        total += seconds[case]
        if limit and taken and total > limit:
            break
        taken.append(case)
    return taken


def killer(cases, codes):
    """The one that failed, or ran when the VM died; the last if all have ended well."""
    well = codes.index(next(filter(None, codes))) if any(codes) else len(codes)
    return cases[min(well, len(cases) - 1)]


WHOLE = mutants.Mutant("", "", 0, "none", 0, (), "the module as it is", 0)


@dataclass
class Candidate:
    """A mutant that was built, and the cases that are to tell."""
    mutant: mutants.Mutant
    ko: Path
    cases: list


class Bench:
    """A lane's build and VM. Which cases have run on a mutant that survived is known on the machine
    that ran them.
    """

    def __init__(self, lane, reach):
        self.build, self.reach = lab.Build(lane, lane), reach
        self.machine = lab.Machine(self.build)
        self.is_measured = any(case.suite == lane for case in reach.seconds)
        self.programs = {program.name: program for program in lab.programs()
                         if lane in program.lanes}
        self.has_checkers = lane.endswith("debug")
        self.slower = 5 if self.has_checkers else 1
        self.same = {}
        self.note, self.ran = self.build.folder / "ran", {}

    def resume(self, done):
        """With the cases that ran on what survived, if they are those that the record means."""
        for name, ran in json.loads(self.note.read_text() if self.note.exists() else "{}").items():
            if done.get((name, self.build.lane), {}).get("ran") == results.digest(ran):
                self.ran[name] = ran

    def cases(self, mutant):
        """Those that reach it; if it was measured in this lane what they reach, those that passed
        there.
        """
        reached = self.reach.of(mutant.path, mutant.function, mutant.block)
        if self.is_measured:
            reached = {case for case in reached if case.suite == self.build.lane}
        return {case for case in reached if case.program in self.programs}

    def left(self, mutant):
        """Those that have not run on it."""
        ran = self.ran.get(mutant.id, ())
        return {case for case in self.cases(mutant) if str(case) not in ran}

    def note_ran(self, mutant, cases):
        """All that have run on it now, by their names."""
        ran = self.ran.setdefault(mutant.id, [])
        ran += map(str, cases)
        self.note.parent.mkdir(parents=True, exist_ok=True)
        self.note.write_text(json.dumps(self.ran))
        return ran

    def make(self, mutant, cases, ko):
        """Builds it into @ko; a verdict if that takes no VM, or None."""
        if not cases and mutant.path not in UNIT:
            return {"verdict": "unreached"}
        path = mutant.path
        if path not in self.same:
            self.same[path] = self.build.code(path)
        try:
            if not self.build.change(path, mutant.apply(self.build.sources[path]), ko):
                return {"verdict": "invalid"}
            if self.build.code(path) == self.same[path]:
                return {"verdict": "equivalent"}
            return self.unit(path) if path in UNIT and self.build.lane in FIRST else None
        finally:
            self.build.restore(path)

    def unit(self, path):
        """The file's own test, and the one of random bytes; None if they don't tell."""
        folder = self.build.tree
        subprocess.run(["rsync", "-aR", "tests/unit", "soft/iommu", folder], cwd=lab.TOP,
                       check=True)
        for test in (f"{Path(path).stem}_test", "fuzz_test"):
            program = folder / "unit" / test
            make = ["make", "-C", folder / "tests/unit", f"OUT={program.parent}", "WARN=", program]
            if subprocess.run(make, capture_output=True, check=False).returncode:
                return None
            killed = {"verdict": "killed", "by": f"unit/{test}"}
            try:
                if subprocess.run(program, capture_output=True, timeout=UNIT_S,
                                  check=False).returncode:
                    return dict(killed, how="failed case")
            except subprocess.TimeoutExpired:
                return dict(killed, how="hang")
        return None

    def check_whole(self, programs=None):
        """The module as it is, built as mutants are, passes a case of each program, or of
        @programs; or what that fails kills nothing.
        """
        path, text = next(iter(self.build.sources.items()))
        if not self.build.change(path, text, self.build.ko):
            raise lab.Trouble(f"the module does not build by itself; see {self.build.folder}/log")
        self.build.restore(path)
        cheapest = {}
        for case in sorted(self.reach.seconds, key=self.reach.seconds.get, reverse=True):
            if case.suite == self.build.lane and case.program in (programs or self.programs):
                cheapest[case.program] = case
        whole = Candidate(WHOLE, self.build.ko, [*cheapest.values()])
        for result in self.judge([whole]).values():
            raise lab.Trouble(f"the module as it is fails {result['by']}")

    def judge(self, candidates):
        """{mutant's name: how it was killed}, for those that were. Programs that want the same
        VM share one, the plainest VM first.
        """
        machines, killed = defaultdict(list), {}
        for candidate in candidates:
            for case in candidate.cases:
                together = machines[self.programs[case.program].options]
                if not together or together[-1].mutant is not candidate.mutant:
                    together.append(replace(candidate, cases=[]))
                together[-1].cases.append(case)
        for options in sorted(machines, key=len):
            killed.update(self.try_all([candidate for candidate in machines[options]
                                        if candidate.mutant.id not in killed], options))
        return killed

    def try_all(self, left, options):
        """One after the other in one VM, and in others if that dies."""
        killed, tries = {}, 0
        while left:
            code, ended = self.machine.run([(candidate.ko, self.allowed(case), case.program,
                                             case.name) for candidate in left
                                            for case in candidate.cases], options)
            again = []
            for candidate, how in self.blamed(left, code, ended, self.has_checkers):
                if how == AGAIN:
                    again.append(candidate)
                elif how == ALONE:
                    killed.update(self.try_all([candidate], options))
                elif how:
                    by = killer(candidate.cases, ended[candidate.ko.name])
                    killed[candidate.mutant.id] = {"verdict": "killed", "by": str(by), "how": how,
                                                   "said": self.said(candidate, how)}
            tries += len(again) == len(left)
            if tries > KNOWN_FAULTS:
                raise lab.Trouble(f"the VM runs nothing; see {self.machine.folder}")
            left = again
        return killed

    @staticmethod
    def blamed(left, code, ended, has_checkers=False):
        """(candidate, what has killed it) for each. What the VM did is the doing of the first
        that has not ended; or, if all have, of one that is to be found. Checkers tell of leaks
        and locks as the VM ends: of none in one that died.
        """
        died = "splat" if code == lab.SPLAT else "hang"
        if code in (0, lab.KNOWN_FAULT) or ended["stopped"]:
            died = None
        settled, cut_off = [], False
        for candidate in left:
            codes, how = ended[candidate.ko.name], None
            if codes and codes[-1]:
                how = "hang" if codes[-1] in STOPPED else "failed case"
            elif len(codes) < len(candidate.cases):
                how, died, cut_off = died or AGAIN, None, has_checkers
            settled.append((candidate, how))
        if died:
            settled = [(candidate, how or (died if len(left) == 1 else ALONE))
                       for candidate, how in settled]
        return [(candidate, how or (AGAIN if cut_off else None)) for candidate, how in settled]

    def allowed(self, case):
        """Seconds, three times what it takes; where several want a CPU, so much longer."""
        busy = max(1, os.getloadavg()[0] / os.cpu_count())
        return round(3 * self.slower * busy * self.reach.seconds[case]) + SLACK_S

    def said(self, candidate, how):
        """A line of it."""
        if how == "failed case":
            text = self.machine.text(f"tap.{candidate.ko.name}").partition("\nnot ok")[0]
            found = re.findall(r"^#   (.*)", text, re.M)
        else:
            found = SPLAT.findall(self.machine.text("said"))[:1]
        return found[-1][:200] if found else ""
