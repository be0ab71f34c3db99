#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""What verify/mutate makes of C, what it tries, and how it counts."""
import sys
import tempfile
import unittest
from collections import defaultdict
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import tap

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "verify"))

import lab  # noqa: E402
import mutants  # noqa: E402
import reach  # noqa: E402
import results  # noqa: E402
import source  # noqa: E402
import trial  # noqa: E402

CODE = """\
/* if (comment) return 1; */
#define COUNT(x) do { (x)++; } while (0)

static const struct ops ops = {
\t.open = first,
};

LIST(X)

static int first(struct thing *t, int n)
{
\tstruct other *o = other_get(t, 1);
\tint i, ret;

\tlockdep_assert_held(&t->lock);
\tif (!o || n < 3)
\t\treturn -EINVAL;

\tmutex_lock(&t->lock);
\tret = other_ready(o,
\t\t\t  n);
\tmutex_unlock(&t->lock);
\tfor (i = 0; i < n; i++)
\t\tt->calls++;
\tlist_for_each_entry(o, &t->list, node) {
\t\tguard(mutex)(&o->lock);
\t\tother_put(o);
\t}
\tpr_warn("%d of 5\\n", n);
\treturn ret;
}

static struct pair second(int n)
{
\treturn (struct pair){ n && 0x10, n };
}
"""

EXPECTED = [
    ("negate", "(!o || n < 3) => (!(!o || n < 3))"),
    ("false", "(!o || n < 3) => ((!o || n < 3) && 0)"),
    ("true", "(!o || n < 3) => ((!o || n < 3) || 1)"),
    ("logic", "!o || n < 3 => !o && n < 3"),
    ("bound", "!o || n < 3 => !o || n <= 3"),
    ("off", "!o || n < 3 => !o || n < (3 + 1)"),
    ("leave", "return -EINVAL; => ;"),
    ("lock", "mutex_lock(&t->lock); => ;"),
    ("assign", "ret = other_ready(o, n); => ;"),
    ("off", "i = 0; i < n; i++ => i = (0 + 1); i < n; i++"),
    ("bound", "i = 0; i < n; i++ => i = 0; i <= n; i++"),
    ("count", "t->calls++; => ;"),
    ("lock", "guard(mutex)(&o->lock); => ;"),
    ("call", "other_put(o); => ;"),
    ("logic", "return (struct pair){ n && 0x10, n }; => return (struct pair){ n || 0x10, n };"),
]


def load_mutate():
    loader = SourceFileLoader("mutate", str(TOP / "verify/mutate"))
    module = module_from_spec(spec_from_loader("mutate", loader))
    loader.exec_module(module)
    return module


def result(name, verdict, lane="stock", **more):
    return dict({"id": name, "lane": lane, "verdict": verdict}, **more)


class Named:
    """What the report asks a mutant for."""

    def __init__(self, name):
        self.id, self.path, self.line, self.shown = name, name.split(":")[0], 7, "a; => ;"


class Mutants(unittest.TestCase):
    def made(self):
        return mutants.of_file("a.c", CODE)

    def test_operators(self):
        """a function has these mutants, and its declarations, assertions and messages none"""
        self.assertEqual([(m.operator, m.shown) for m in self.made()], EXPECTED)

    def test_applied(self):
        """a mutant's text differs in what it says, and has its lines where they were"""
        for mutant in self.made():
            text = mutant.apply(CODE)
            self.assertNotEqual(text, CODE)
            self.assertEqual(text.count("\n"), CODE.count("\n"))
        ready = next(m for m in self.made() if m.operator == "assign").apply(CODE)
        self.assertIn("\tmutex_lock(&t->lock);\n\t;\n\n\tmutex_unlock(&t->lock);\n", ready)

    def test_lock(self):
        """a lock goes together with what releases it"""
        text = next(m for m in self.made() if m.operator == "lock").apply(CODE)
        self.assertNotIn("mutex_", text)

    def test_names(self):
        """a name tells a mutant from all others, and does not depend on what is elsewhere"""
        code = CODE.replace("\t\tother_put(o);\n", "\t\tother_put(o);\n\t\tother_put(o);\n")
        names = [m.id for m in mutants.of_file("a.c", "\n\n" + code)]
        self.assertEqual(len(set(names)), len(names))
        self.assertLess({m.id for m in self.made()}, set(names))

    def test_chosen(self):
        """the same seed chooses the same, another one others; files have their share"""
        big = CODE + "".join(CODE[CODE.index("static int"):].replace("first", f"f{i}")
                             for i in range(3))
        files = {"a.c": CODE, "b.c": big}
        chosen = mutants.choose(files, 20, 1)
        self.assertEqual(chosen, mutants.choose(dict(reversed(files.items())), 20, 1))
        self.assertNotEqual({m.id for m in chosen}, {m.id for m in mutants.choose(files, 20, 2)})
        share = sum(m.path == "a.c" for m in chosen)
        self.assertEqual((len(chosen), share), (20, round(20 * CODE.count("\n") /
                                                          (CODE + big).count("\n"))))

    def test_module(self):
        """each function of the module is found, each mutant has a name of its own"""
        for path, text in lab.sources().items():
            plain = "".join(text[start:end] + " " for _, start, end in source.tokens(text))
            self.assertTrue(all(f" {f.name} (" in plain for f in source.functions(text)), path)
            names = [m.id for m in mutants.of_file(path, text)]
            self.assertEqual(len(set(names)), len(names), path)


class Reaches(unittest.TestCase):
    KLOG = ("[ 1.0] iopf: viopf-reach 0 10\n[ 1.0] iopf: viopf-reach 2 1\n"
            "[ 1.1] viopf-case a_test ok 1 - S1 one\n[ 1.1] viopf-case a_test # took 2.5 s\n"
            "[ 2.0] iopf: viopf-reach 0 01\n"
            "[ 2.1] viopf-case a_test not ok 2 - two\n[ 2.1] viopf-case a_test # took 1.0 s\n"
            "[ 3.0] iopf: viopf-reach 0 01\n"
            "[ 3.1] viopf-case a_test ok 3 - three # SKIP no\n"
            "[ 3.1] viopf-case a_test # took 0.1 s\n"
            "[ 4.0] iopf: viopf-reach 0 11\n"
            "[ 4.1] viopf-case a_test ok 4 - four\n[ 4.1] viopf-case a_test # took 1.0 s\n")
    BLOCKS = [("a.c", "f", 0), ("a.c", "f", 1), ("a.c", "g", 0)]
    ONE, FOUR = reach.Case("stock", "a_test", "S1 one"), reach.Case("stock", "a_test", "four")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(setattr, reach, "FILE", reach.FILE)
        reach.FILE = Path(folder.name) / "reach"
        self.reach = reach.Reach()
        self.reach.forget("stock", ["a_test"], self.BLOCKS)
        self.reach.note("stock", self.KLOG, self.BLOCKS)

    def test_noted(self):
        """a case that passes has what was said before it; one that fails or is skipped nothing"""
        self.assertEqual(self.reach.seconds, {self.ONE: 2.5, self.FOUR: 1.0})
        self.assertEqual(self.reach.of("a.c", "f", 0), {self.ONE, self.FOUR})
        self.assertEqual(self.reach.of("a.c", "f", 1), {self.FOUR})
        self.assertEqual(self.reach.of("a.c", "g", 0), {self.ONE})

    def test_newer(self):
        """code newer than the record is reached by what reaches its function, or its file"""
        self.assertEqual(self.reach.of("a.c", "g", 5), {self.ONE})
        self.assertEqual(self.reach.of("a.c", "new", 0), {self.ONE, self.FOUR})

    def test_cost(self):
        """dear is what takes long, or reaches little of a file, or what others reach as well"""
        cost = self.reach.cost("a.c")
        self.assertEqual(cost, {self.ONE: 3.5 / 1.5, self.FOUR: 2 / 1.5})
        self.reach.cases["a.c", "f", 1].add(self.ONE)
        self.assertEqual(self.reach.cost("a.c"), {self.ONE: 3.5 / 2, self.FOUR: 2 / 1})

    def test_kept(self):
        """what is written is read again"""
        self.reach.save()
        again = reach.Reach.load()
        self.assertEqual((again.seconds, again.cases), (self.reach.seconds, self.reach.cases))

    def test_instrumented(self):
        """each block that can be entered at its beginning is noted there"""
        code = "static int f(int a)\n{\n\tswitch (a) {\n\tcase 1:\n\t\treturn 1;\n\t}\n" \
               "\tif (a) {\n\t\tg();\n\t}\n\treturn 0;\n}\nmodule_exit(f);\n"
        changed, blocks = reach.instrument({"main.c": code})
        self.assertEqual(blocks, [("main.c", "f", 0), ("main.c", "f", 1)])
        lines = changed["main.c"].split("\n")
        self.assertEqual([i for i, line in enumerate(lines) if "[0] = '1'" in line], [1])
        self.assertEqual([i for i, line in enumerate(lines) if "[1] = '1'" in line], [6])


class Builds(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = lab.Build("uml", "some", Path(folder.name))
        self.build.sources = {"a.c": "whole a\n", "b.c": "whole b\n"}
        self.module = self.build.tree / "module"
        self.module.mkdir(parents=True)
        self.saved("a.o", "test \"$$(cat module/a.c)\" != bad; cp module/a.c module/a.o")
        self.saved("b.o", "cp module/b.c module/b.o")
        self.saved(f"{lab.MODULE}.o", f"cat module/[ab].o >module/{lab.MODULE}.o")
        self.saved(f"{lab.MODULE}.ko", f"cp module/{lab.MODULE}.o module/{lab.MODULE}.ko")
        for name, text in self.build.sources.items():
            (self.module / name).write_text(text)
            (self.module / name).with_suffix(".o").write_text(text)

    def saved(self, name, command):
        (self.module / f".{name}.cmd").write_text(f"savedcmd_module/{name} := {command}\n\nmore\n")

    def changed(self, path, text):
        try:
            ko = self.build.ko / "some"
            return self.build.change(path, text, ko) and (ko / f"{lab.MODULE}.ko").read_text()
        finally:
            self.build.restore(path)

    def test_changed(self):
        """of a module one file at a time is changed, and the compiler may refuse it"""
        self.assertEqual(self.changed("a.c", "other a\n"), "other a\nwhole b\n")
        self.assertFalse(self.changed("a.c", "bad\n"))
        self.assertEqual(self.changed("b.c", "other b\n"), "whole a\nother b\n")
        self.assertEqual((self.module / "a.c").read_text(), "whole a\n")
        self.assertEqual(self.build.note.read_text(), "")
        self.assertGreaterEqual((self.module / "a.o").stat().st_mtime_ns,
                                (self.module / "a.c").stat().st_mtime_ns)

    def test_alone(self):
        """two runs don't change the same copy"""
        self.build.folder.mkdir(exist_ok=True)
        with open(self.build.folder / "lock", "w") as lock:
            lab.fcntl.flock(lock, lab.fcntl.LOCK_EX)
            with self.assertRaisesRegex(lab.Trouble, "another run"):
                self.build.prepare()


class Trials(unittest.TestCase):
    def setUp(self):
        self.cases = {name: reach.Case("stock", *name.split()) for name in
                      ("a_test 1", "a_test 2", "b_test 1", "b_test 2")}
        self.seconds = dict(zip(self.cases.values(), (1, 2, 3, 4)))

    def test_order(self):
        """programs take turns, cheap cases first; one that has killed before goes ahead"""
        order = trial.arranged(self.cases.values(), self.seconds, trial.Counter())
        self.assertEqual([f"{c.program} {c.name}" for c in order],
                         ["a_test 1", "b_test 1", "a_test 2", "b_test 2"])
        order = trial.arranged(self.cases.values(), self.seconds, trial.Counter(b_test=2))
        self.assertEqual([c.program for c in order], ["b_test", "b_test", "a_test", "a_test"])
        self.assertEqual(len(trial.limited(order, self.seconds, 7)), 2)

    def test_allowed(self):
        """a case may take three times what it took, and longer on a busy host"""
        known = reach.Reach()
        known.seconds = self.seconds
        case = self.cases["b_test 2"]
        bench = trial.Bench("stock", known)
        self.addCleanup(setattr, trial.os, "getloadavg", trial.os.getloadavg)
        for load, seconds in ((0.5, 12), (1, 12), (5, 60)):
            trial.os.getloadavg = lambda: (load * trial.os.cpu_count(), 0, 0)
            self.assertEqual(bench.allowed(case), seconds + trial.SLACK_S)

    def test_whole(self):
        """nothing is tried if the module as it is fails; a case of each program is asked"""
        known, asked = reach.Reach(), []
        known.seconds = {reach.Case("stock", program, name): seconds for program, name, seconds in
                         (("pin_test", "one", 2), ("pin_test", "two", 1), ("race_test", "three", 3),
                          ("no_test", "four", 1))}
        bench = trial.Bench("stock", known)
        bench.judge = lambda candidates: asked.extend(candidates) or {}
        bench.build.restore = lambda path: None
        bench.build.change = lambda path, text, ko: False
        with self.assertRaisesRegex(lab.Trouble, "build"):
            bench.check_whole()
        bench.build.change = lambda path, text, ko: True
        bench.check_whole()
        self.assertEqual(sorted(map(str, asked[0].cases)), ["pin_test: two", "race_test: three"])
        bench.check_whole(["race_test"])
        self.assertEqual([*map(str, asked[1].cases)], ["race_test: three"])
        bench.judge = lambda candidates: {"": {"by": "pin_test: two"}}
        with self.assertRaisesRegex(lab.Trouble, "pin_test: two"):
            bench.check_whole()

    def blamed(self, code, *codes, stopped=(), has_checkers=False):
        """Of candidates with two cases each that have ended with @codes."""
        left = [trial.Candidate(None, Path(str(at)), [None, None]) for at in range(len(codes))]
        ended = defaultdict(list, {str(at): each for at, each in enumerate(codes)})
        ended["stopped"] = list(stopped)
        return [how for _, how in trial.Bench.blamed(left, code, ended, has_checkers)]

    def test_blamed(self):
        """a failed case is its mutant's; a VM's end that of the first that has not ended"""
        self.assertEqual(self.blamed(0, [0, 0], [0, 1], [124]), [None, "failed case", "hang"])
        self.assertEqual(self.blamed(122, [0, 0], [0], []), [None, "splat", "again"])
        self.assertEqual(self.blamed(120, [1], [], []), ["failed case", "hang", "again"])

    def test_blamed_none(self):
        """no mutant is blamed for what the VM is known to do, or did once it was given up"""
        self.assertEqual(self.blamed(124, [0, 0], [0]), [None, "again"])
        self.assertEqual(self.blamed(120, [1], [], stopped=[1]), ["failed case", "again"])

    def test_blamed_late(self):
        """what is found at the end is that of the only one, or of one that is to be found"""
        self.assertEqual(self.blamed(122, [0, 0]), ["splat"])
        self.assertEqual(self.blamed(122, [0, 0], [1]), ["alone", "failed case"])

    def test_blamed_with_checkers(self):
        """who ended well where checkers never came to their end is tried again"""
        self.assertEqual(self.blamed(122, [0, 0], [0], [], has_checkers=True),
                         ["again", "splat", "again"])
        self.assertEqual(self.blamed(0, [0, 0], [0, 1], has_checkers=True), [None, "failed case"])

    def test_killer(self):
        """the case that failed, or was running, or was the last"""
        for codes, name in (([0, 1], "two"), ([0], "two"), ([], "one"), ([0, 0, 0], "three")):
            self.assertEqual(trial.killer(["one", "two", "three"], codes), name)


class Results(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name in ("FILE", "LOCK", "SURVIVORS", "DOCUMENT"):
            self.addCleanup(setattr, results, name, getattr(results, name))
            setattr(results, name, Path(folder.name) / name)
        self.made = [result("a.c:f:call:1", "killed", by="x_test: case", how="splat"),
                     result("a.c:f:call:2", "survived", left=2),
                     result("a.c:f:call:3", "survived", left=0),
                     result("b.c:f:call:4", "unreached"),
                     result("b.c:f:call:5", "invalid"),
                     result("b.c:f:call:6", "survived", left=0),
                     result("b.c:f:call:6", "killed", "debug", by="y_test: case", how="hang"),
                     result("b.c:f:call:7", "equivalent")]
        self.ids = {one["id"] for one in self.made}

    def keep(self):
        for one in self.made:
            results.keep(one, self.ids)
        results.SURVIVORS.write_text("# head\na.c:f:call:3 equivalent for a reason\n")
        chosen = [Named(name) for name in sorted(self.ids)]
        found = results.over_lanes(results.load(self.ids), chosen)
        return results.Summary(found, results.explained())

    def test_sums(self):
        """what is killed is set against all that could be, over all lanes"""
        summary = self.keep()
        self.assertEqual((len(summary.killed), summary.counted, summary.score), (2, 4, 50))
        self.assertEqual(summary.by_file(), [("a.c", 3, 1, 1, 1), ("b.c", 2, 1, 0, 1)])

    def test_document(self):
        """the document has the result between its marks, and the rest as it was"""
        results.DOCUMENT.write_text("before\n<!-- mutation table begins -->\nold\n"
                                    "<!-- mutation table ends -->\nafter\n")
        results.write(self.keep(), 1, 7, "2001-02-03")
        text = results.DOCUMENT.read_text()
        self.assertRegex(text, r"(?s)^before\n.*seed 1, 7 of 7 .*50\.0% killed: 2 of 4\..*after\n$")
        self.assertIn("equivalent: for a reason", text)
        self.assertIn("| `x_test` | 1 |", text)
        self.assertNotIn("old", text)

    def test_word(self):
        """a survivor that is neither equivalent nor a hole is refused"""
        results.SURVIVORS.write_text("a.c:f:call:3 maybe so\n")
        with self.assertRaisesRegex(ValueError, "maybe"):
            results.explained()

    def test_record(self):
        """what is kept is read again, a line each, in order; a later result takes its place"""
        for one in reversed(self.made):
            results.keep(dict(one, said="more than a line should hold"), self.ids)
        results.keep(dict(self.made[1], left=1), self.ids)
        self.made[1]["left"] = 1
        self.assertEqual(list(results.load(self.ids).values()),
                         sorted(self.made, key=lambda one: (one["id"], one["lane"])))
        lines = results.FILE.read_text().splitlines()
        self.assertEqual(sum(not line.startswith("#") for line in lines), len(self.made))

    def test_stale(self):
        """what the source no longer has is no result, and is not written again"""
        for one in self.made:
            results.keep(one, self.ids)
        gone = self.ids.pop()
        self.assertNotIn(gone, {name for name, _ in results.load(self.ids)})
        self.assertIn(gone, results.FILE.read_text())
        results.keep(next(one for one in self.made if one["id"] != gone), self.ids)
        self.assertNotIn(gone, results.FILE.read_text())
        self.assertEqual({name for name, _ in results.load(self.ids)}, self.ids)

    def bench(self, lane, known):
        bench = trial.Bench(lane, known)
        bench.note = results.FILE.with_name(f"ran-{lane}")
        return bench

    def known(self, *names):
        known = reach.Reach()
        known.cases["a.c", "first", 0] = {reach.Case("stock", "event_test", name)
                                          for name in names}
        return known

    def test_resumed(self):
        """what was tried is passed over, unless other cases reach it, or on another lane"""
        mutant = mutants.of_file("a.c", CODE)[0]
        known = self.known("one", "two")
        stock, debug = self.bench("stock", known), self.bench("debug", known)
        due = load_mutate().is_due
        self.assertTrue(due(mutant, {}, stock))
        self.assertFalse(due(mutant, {}, debug))
        both = ["event_test: two", "event_test: one"]
        for verdict, ran, again in (("killed", [], (False, False)), ("invalid", [], (False, False)),
                                    ("survived", both, (False, True)),
                                    ("survived", both[:1], (True, True)),
                                    ("unreached", [], (True, False))):
            done = {(mutant.id, "stock"): result(mutant.id, verdict, ran=results.digest(ran))}
            self.assertEqual((due(mutant, done, stock), due(mutant, done, debug)), again)

    def test_meant(self):
        """parts of names choose; without any all mutants are meant"""
        mutant, meant = mutants.of_file("a.c", CODE)[0], load_mutate().is_meant
        for names, is_meant in (([], True), ([":first:"], True), (["b.c", "a.c:fir"], True),
                                (["b.c"], False)):
            self.assertEqual(meant(mutant, names), is_meant)

    def test_ran(self):
        """of a survivor's cases those run again that did not run here, by what the record says"""
        mutant = mutants.of_file("a.c", CODE)[0]
        known = self.known("one", "two")
        one, two = sorted(known.cases["a.c", "first", 0])
        digest = results.digest(self.bench("stock", known).note_ran(mutant, [one]))
        for said, left in ((digest, {two}), ("another", {one, two})):
            bench = self.bench("stock", known)
            bench.resume({(mutant.id, "stock"): result(mutant.id, "survived", ran=said)})
            self.assertEqual(bench.left(mutant), left)


if __name__ == "__main__":
    runner = tap.TAPTestRunner()
    runner.set_stream(True)
    unittest.main(module="__main__", testRunner=runner)
