# SPDX-License-Identifier: GPL-2.0-only
"""Figures as people read them: numbers with units, and the table."""
from figures import FIGURES, SECTIONS
from judge import MEASURED, MET, MISSED, NOT_MEASURED

SHORT = {"instr": "instr", "ratio": "", "times": "\u00d7", "requests": "", "us": "\u00b5s",
         "ms": "ms", "retries": "", "%": "%", "bytes/GiB": "B/GiB"}
VERDICTS = {MET: "yes", MISSED: "NO", MEASURED: "\u2013", NOT_MEASURED: "not measured"}


def number(value):
    """Four significant digits at the most, thousands apart."""
    if value is None:
        return "\u2013"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e10:
        return f"{value:.2e}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if size >= 0.1 else f"{value:.2g}"


def plain(value):
    """A limit's number: as it was written, thousands apart."""
    return f"{value:,}"


def with_unit(value, unit):
    text = number(value)
    short = SHORT.get(unit, unit)
    if value is None or not short:
        return text
    return text + short if short in ("\u00d7", "%") else f"{text} {short}"


def limit(figure):
    """The limit as text, or a dash."""
    if "limit" not in figure:
        return "\u2013"
    bound = figure["limit"]
    return f"{bound['relation']} {plain(bound['bound'])}"


def failing(figure):
    """The conditions of a figure that do not hold, as text."""
    return [f"{condition['what']}: {number(condition['value'])}, "
            f"not {condition['relation']} {plain(condition['bound'])}"
            for condition in figure["conditions"] if not condition["met"]]


def ordered(figures):
    """The keys of a run's figures, in the table's order."""
    return [key for section in SECTIONS for key in
            (figure.key for figure in section.figures) if key in figures]


HEAD = ("figure", "value", "ours", "type1", "limit", "met")


def rows(figures):
    """The table: one tuple of texts for each figure."""
    out = []
    for key in ordered(figures):
        figure = figures[key]
        out.append((key, with_unit(figure["value"], FIGURES[key].unit),
                    number(figure.get("ours")), number(figure.get("type1")),
                    limit(figure), VERDICTS[figure["verdict"]]))
    return out


def table(figures):
    """The table as text, with what failed besides the value below its figure's line."""
    lines = [HEAD] + rows(figures)
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    text = []
    for index, line in enumerate(lines):
        cells = [cell.ljust(width) if column in (0, 5) else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        text.append("  ".join(cells).rstrip())
        if index == 0:
            text.append("-" * (sum(widths) + 2 * (len(widths) - 1)))
        else:
            text += ["    " + reason for reason in failing(figures[line[0]])]
    return "\n".join(text)


def markdown(figures):
    """The table for the README."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---|--:|--:|--:|--:|---|"]
    for row in rows(figures):
        lines.append("| `" + row[0] + "` | " + " | ".join(row[1:]) + " |")
    return "\n".join(lines)


def verdict(run):
    """One sentence on the whole run."""
    figures = run["figures"]
    judged = [figure for figure in figures.values() if "limit" in figure]
    met = sum(figure["verdict"] == MET for figure in judged)
    text = f"{met} of {len(judged)} figures with a limit meet it"
    missed = [key for key in ordered(figures) if figures[key]["verdict"] == MISSED]
    if missed:
        text += f"; missed: {', '.join(missed)}"
    absent = [key for key in ordered(figures) if figures[key]["verdict"] == NOT_MEASURED]
    if absent:
        text += f"; not measured: {', '.join(absent)}"
    return text + "."
