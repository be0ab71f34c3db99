# SPDX-License-Identifier: GPL-2.0-only
"""Which test case reaches which part of the module: measured, and kept in verify/reach.

A module is built that notes each block of code that is entered, and says so when it is
removed, which is after each case. A block is told by its file, its function and its number
there, so that what changes elsewhere leaves the record true; what has come since then is taken
to be reached by whatever reaches the function, or the file.

The file has a line for each case (suite, seconds, program, name), in order, and then one for
each block (file, function, number: the cases that reach it, counted from 1).
"""
import re
from collections import Counter, defaultdict
from dataclasses import dataclass

import lab
import source

FILE = lab.TOP / "verify" / "reach"
HEAD = """\
# SPDX-License-Identifier: GPL-2.0-only
# Made by `verify/mutate reach`: which test case reaches which block of the module; see reach.py.
"""
CHUNK = 800
LIMIT_S, AT_A_TIME = 900, 4
NOTE = "unsigned char __attribute__((unused)) viopf_block_{0} = viopf_blocks[{0}] = '1'; "
EXTERN = " extern unsigned char viopf_blocks[];"
TELLS = """
unsigned char viopf_blocks[{number}] = {{ [0 ... {last}] = '0' }};

static void __exit viopf_reach_exit(void)
{{
    unsigned int i;

    {exit}();
    for (i = 0; i < {number}; i += {chunk})
        printk(KERN_INFO "viopf-reach %u %.*s\\n", i, min_t(int, {chunk}, {number} - i),
               viopf_blocks + i);
}}
module_exit(viopf_reach_exit);
"""
SAID = re.compile(r"viopf-reach (?P<at>\d+) (?P<bits>[01]+)"
                  r"|viopf-case (?P<program>\S+) (?:ok \d+ - (?P<name>.*)|# took (?P<took>[\d.]+) s"
                  r"|not ok .*)")


@dataclass(frozen=True, order=True)
class Case:
    suite: str
    program: str
    name: str

    def __str__(self):
        return f"{self.program}: {self.name}"


def instrument(files):
    """The sources that note what is reached, and the blocks in the order of their numbers."""
    changed, blocks = {}, []
    for path, text in files.items():
        places = []
        for function in source.functions(text):
            for number, at in enumerate(function.blocks):
                places.append((at, len(blocks)))
                blocks.append((path, function.name, number))
        for at, index in reversed(places):
            text = text[:at] + " " + NOTE.format(index) + text[at:]
        changed[path] = re.sub(r"^", EXTERN, text, count=1)
    number = len(blocks)
    leave = re.search(r"^module_exit\((\w+)\);\n", changed["main.c"], re.M)
    changed["main.c"] = (changed["main.c"].replace(leave[0], "") +
                         TELLS.format(number=number, last=number - 1, exit=leave[1], chunk=CHUNK))
    return changed, blocks


class Reach:
    def __init__(self):
        self.seconds = {}                       # Case: how long it takes
        self.cases = defaultdict(set)           # block: the Cases that reach it

    @classmethod
    def load(cls):
        reach, order = cls(), []
        for line in FILE.read_text().splitlines() if FILE.exists() else ():
            if line.startswith("case "):
                _, suite, seconds, program, name = line.split(" ", 4)
                order.append(Case(suite, program, name))
                reach.seconds[order[-1]] = float(seconds)
            elif not line.startswith("#"):
                block, _, runs = line.partition(":")
                path, function, number = block.split()
                cases = reach.cases[path, function, int(number)]
                for run in runs.split():
                    first, last = (run.split("-") * 2)[:2]
                    cases.update(order[int(first) - 1:int(last)])
        return reach

    def save(self):
        order = sorted(self.seconds)
        numbers = {case: number for number, case in enumerate(order, 1)}
        lines = [f"case {case.suite} {self.seconds[case]:.1f} {case.program} {case.name}\n"
                 for case in order]
        for block in sorted(self.cases):
            runs = spans(sorted(numbers[case] for case in self.cases[block]))
            lines.append("{} {} {}:{}\n".format(*block, "".join(" " + run for run in runs)))
        FILE.write_text(HEAD + "".join(lines))

    def forget(self, suite, programs, blocks):
        """What is known of these programs, and of all that is none of @blocks."""
        self.cases = defaultdict(set, {block: self.cases[block] for block in blocks})
        for case in [c for c in self.seconds if c.suite == suite and c.program in programs]:
            del self.seconds[case]
            for reached in self.cases.values():
                reached.discard(case)

    def note(self, suite, klog, blocks):
        """What a VM's log says, with what `took` comes after the case's verdict."""
        reached, case = set(), None
        for said in SAID.finditer(klog):
            if said["bits"]:
                reached |= {blocks[int(said["at"]) + i]
                            for i, bit in enumerate(said["bits"]) if bit == "1"}
            elif said["took"]:
                if case:
                    self.seconds[case] = float(said["took"])
                    for block in reached:
                        self.cases[block].add(case)
                reached, case = set(), None
            elif said["name"] and "# SKIP" not in said["name"]:
                case = Case(suite, said["program"], said["name"].strip())

    def of(self, path, function, number):
        """The cases that reach a block, or may, if it is newer than the record."""
        block = (path, function, number)
        if block in self.cases:
            return self.cases[block]
        near = [other for other in self.cases if other[:2] == block[:2]]
        return set().union(*(self.cases[other] for other in near or self.cases
                             if other[0] == path))

    def cost(self, path):
        """{case: seconds, for as much of a file as it reaches}; what few others reach is more."""
        focus = Counter()
        for block, cases in self.cases.items():
            if block[0] == path:
                focus.update({case: 1 / len(cases) for case in cases})
        return {case: (1 + seconds) / (focus[case] or 1e-9)
                for case, seconds in self.seconds.items()}


def spans(numbers):
    """1 2 3 7 as 1-3 7"""
    found = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [str(a) if a == b else f"{a}-{b}" for a, b in found]


def record(suite, names):
    """Has these programs run, or those of the suite that were not yet, and keeps what they
    reach.
    """
    build = lab.Build(suite, f"reach-{suite}")
    changed, blocks = instrument(build.sources)
    build.prepare(changed)
    machine = lab.Machine(build)
    known = {case.program for case in Reach.load().seconds if case.suite == suite}
    wanted = [program for program in lab.programs() if program.name in names or
              not names and suite in program.lanes and program.name not in known]
    for options in sorted({program.options for program in wanted}):
        left = [program.name for program in wanted if program.options == options]
        while left:
            code, ended = machine.run([(build.ko, LIMIT_S, name, "")
                                       for name in left[:AT_A_TIME]], options, keep_going=True)
            count = len(ended[build.ko.name]) or 1
            done, left = left[:count], left[count:]
            reach = Reach.load()
            reach.forget(suite, done, blocks)
            reach.note(suite, machine.text("klog"), blocks)
            reach.save()
            print(f"{' '.join(done)}: {sum(case.program in done for case in reach.seconds)} cases"
                  + (f"; vm/run says {code}" if code else ""), flush=True)
