#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""What the table, the report and the README say of a run."""
import unittest
from html.parser import HTMLParser
from xml.etree import ElementTree

import suite
from suite import ICOUNT, THREADS, figure, plot, run

import plots
import readme
import report
import words
from figures import FIGURES
from judge import OURS, TYPE1

DENSITY = ("density", figure(4, "times", ours=4, type1=1, plot=plot()), THREADS)
MISSED = ("fault.resident", figure(9999, ours=9999, samples=[9998, 9999]), ICOUNT)
MET = ("unmap.resident_4k", figure(200, ours=200, type1=451), ICOUNT)
ABSENT = ("pressure", None, THREADS)


class Page(HTMLParser):
    """The text of a page, its drawings, and what it would load."""

    def __init__(self, text):
        super().__init__()
        self.words, self.loads, self.drawings, self.stack = [], [], 0, []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.drawings += tag == "svg"
        for name, value in attrs:
            inner = (value or "").startswith("#")
            if name in ("src", "href", "xlink:href", "data") and not inner:
                self.loads.append(value)
        self.stack.append(tag)

    def handle_endtag(self, tag):
        while self.stack and self.stack.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"style", "script"} & set(self.stack):
            self.words.append(data)


def page(*figures, **more):
    document = run(figures, **more)
    return Page(report.html(document))


class Report(unittest.TestCase):
    def test_alone(self):
        """it is a page that loads nothing"""
        text = report.html(run([DENSITY, MISSED, MET]))
        self.assertEqual(Page(text).loads, [])
        self.assertNotIn("<script", text)
        self.assertNotIn("@import", text)

    def test_opening(self):
        """it opens with one picture and then three sentences"""
        document = run([DENSITY, MISSED, MET])
        text = report.html(document)
        three = report.sentences(document)
        self.assertEqual(len(three), 3)
        for sentence in three:
            self.assertTrue(sentence.endswith("."))
        self.assertLess(text.index("<svg"), text.index('class="lead"'))
        self.assertEqual(text[:text.index('class="lead"')].count("<svg"), 1)
        self.assertIn(" ".join(three), Page(text).text)

    def test_no_density(self):
        """without density the opening picture is another, and the text says so"""
        got = page(MISSED, MET)
        self.assertGreater(got.drawings, 0)
        self.assertIn("how many tenants fit into one machine was not measured", got.text)

    def test_nothing(self):
        """a run in which everything failed makes a report too"""
        got = page(ABSENT, failed=[("pressure", "time-out")])
        self.assertIn("Nothing was measured", got.text)
        self.assertIn("pressure failed: time-out", got.text)

    def test_missed(self):
        """a missed figure is said to be missed, a met one met"""
        got = page(MISSED, MET).text
        self.assertIn("fault.resident 9,999 instr 9,999 – – ≤ 2,500 NO", got)
        self.assertIn("unmap.resident_4k 200 instr 200 451 – ≤ 300 yes", got)
        self.assertIn("missed: fault.resident", got)

    def test_regression(self):
        """a regression is told"""
        document = run([MISSED])
        document["baseline"]["figures"] = {"fault.resident": {
            "before": 5000, "now": 9999, "worse": 0.9998, "regression": True}}
        self.assertIn("is worse than the baseline: 5,000 → 9,999 instr, 100.0%",
                      Page(report.html(document)).text)

    def test_machine(self):
        """it says what it was measured on"""
        got = page(MET).text
        for part in ("Made-up CPU", "4.5.6-guest", "0123456789ab", "page_poison=0"):
            self.assertIn(part, got)

    def test_escaped(self):
        """text from a bench is no markup"""
        made = figure(1, ours=1, detail={"why": "<b>bold</b>"})
        text = report.html(run([("fault.resident", made, ICOUNT)],
                               failed=[("pressure", "<b>bold</b>")]))
        self.assertNotIn("<b>bold</b>", text)


class Drawings(unittest.TestCase):
    def draw(self, text):
        return " ".join(ElementTree.fromstring(text).itertext())

    def test_plot(self):
        """a plot has its axes' names and both systems"""
        got = self.draw(plots.draw(plot()))
        for part in ("tenants", "operations per second", OURS, TYPE1):
            self.assertIn(part, got)

    def test_gives_up(self):
        """where a series ends early, it is said"""
        self.assertIn("could not go beyond 2", self.draw(plots.draw(plot())))
        sizes = plot(x_label="size (bytes)", x=[4096, 8192, 16384], log_x=True, log_y=True)
        self.assertIn("could not go beyond 8 KiB", self.draw(plots.draw(sizes)))

    def test_one_side(self):
        """a plot without pinned type1 says why, one with it doesn't"""
        why = "Pinned type1 has no place in this plot"
        alone = plot(series=[{"name": OURS, "y": [1, 2, 3]}])
        for made, there in ((alone, True), (plot(), False)):
            one = ("fault.resident", figure(1, plot=made), ICOUNT)
            self.assertEqual(why in page(DENSITY, one).text, there)

    def test_never_ran(self):
        """a series without a point is named too"""
        empty = [{"name": OURS, "y": [1, 2, 3]}, {"name": TYPE1, "y": [None] * 3}]
        self.assertIn(TYPE1 + ": could not run", self.draw(plots.draw(plot(series=empty))))

    def test_names(self):
        """places that are names become groups of bars"""
        got = self.draw(plots.draw(plot(x=["munmap", "fork", "mprotect"])))
        for part in ("munmap", "fork", "mprotect", OURS, TYPE1):
            self.assertIn(part, got)

    def test_colours(self):
        """all colours are the page's, for light and dark"""
        text = plots.draw(plot()) + plots.overview(run([MISSED, MET])["figures"])
        self.assertIn("var(--ours)", text)
        self.assertNotRegex(text, r"(fill|stroke): *#")

    def test_ids(self):
        """no two drawings share an id"""
        first, second = ({element.get("id") for element in
                          ElementTree.fromstring(plots.draw(plot())).iter()
                          if element.get("id")} for _ in range(2))
        self.assertTrue(first)
        self.assertFalse(first & second)

    def test_overview(self):
        """the overview names each figure that has a limit, and no other"""
        got = self.draw(plots.overview(run([MISSED, MET, ABSENT])["figures"]))
        self.assertIn("fault.resident", got)
        self.assertIn("unmap.resident_4k", got)
        self.assertNotIn("pressure", got)

    def test_bars(self):
        """bars show both sides; of a ratio, relative to type1"""
        got = self.draw(plots.bars(run([MET])["figures"]))
        for part in ("200", "451", OURS, TYPE1, "instructions"):
            self.assertIn(part, got)
        made = figure(0.5, "ratio", ours=300, type1=600)
        one = run([("hot.throughput_4k", made, THREADS)])["figures"]["hot.throughput_4k"]
        self.assertEqual(plots.parts(one), [(OURS, 0.5), (TYPE1, 1.0)])


class Words(unittest.TestCase):
    def test_numbers(self):
        """numbers are short and keep what matters"""
        for value, text in ((None, "–"), (0, "0"), (0.99512, "0.9951"), (1.02, "1.02"),
                            (12.3456, "12.35"), (8065, "8,065"), (2.5e12, "2.50e+12"),
                            (0.000123, "0.00012"),
                            (123456.7, "123,457"), (1191560000, "1,191,560,000")):
            self.assertEqual(words.number(value), text)

    def test_table(self):
        """the table has a line for each figure, and the reason of a miss"""
        made = figure(1, detail={"memory_taken_by_1_tib_kb": 64})
        got = words.table(run([("map_dma.cold", made, ICOUNT), ABSENT])["figures"])
        self.assertRegex(got, r"map_dma\.cold +1 instr +– +– +≤ 5,000 +NO\n +memory .*: 64, not")
        self.assertRegex(got, r"pressure +– +– +– +≤ 3 +not measured")

    def test_verdict(self):
        """the verdict counts, and names what missed and what is absent"""
        self.assertEqual(words.verdict(run([MISSED, MET, ABSENT])),
                         "1 of 3 figures with a limit meet it; missed: fault.resident; "
                         "not measured: pressure.")


class Readme(unittest.TestCase):
    others = [(key, None, THREADS) for key in FIGURES if key not in (MET[0], MISSED[0])]
    document = f"before\n{readme.BEGIN}\nstale words\n{readme.END}\nafter\n"

    def test_replaced(self):
        """what is between the markers is replaced, the rest stays, and again the same"""
        everything = run([MET, MISSED] + self.others)
        once = readme.replaced(self.document, everything)
        self.assertTrue(once.startswith(f"before\n{readme.BEGIN}\n"))
        self.assertTrue(once.endswith(f"{readme.END}\nafter\n"))
        self.assertNotIn("stale words", once)
        self.assertIn("| `unmap.resident_4k` | 200 instr | 200 | 451 | ≤ 300 | yes |", once)
        self.assertIn("4.5.6-guest", once)
        self.assertEqual(readme.replaced(once, everything), once)

    def test_refused(self):
        """a quick run, a part of one, changed source and a README without markers are refused"""
        with self.assertRaisesRegex(readme.NotFit, "quick"):
            readme.replaced(self.document, run([MET], mode="quick"))
        with self.assertRaisesRegex(readme.NotFit, "not all"):
            readme.replaced(self.document, run([MET]))
        changed = run([MET, MISSED] + self.others)
        changed["source"]["changed"] = True
        with self.assertRaisesRegex(readme.NotFit, "commit"):
            readme.replaced(self.document, changed)
        with self.assertRaisesRegex(readme.NotFit, "has no"):
            readme.replaced("nothing", run([MET, MISSED] + self.others))


if __name__ == "__main__":
    suite.main()
