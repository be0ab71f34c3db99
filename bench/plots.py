# SPDX-License-Identifier: GPL-2.0-only
"""Draws: from a plot's description, or from figures, to the text of an SVG.

The SVG is for use inside of an HTML page, and takes its colours and its font from the
page (report.html.j2), which has two sets of them, for light and for dark. matplotlib
knows no such colours: each stands for itself by a hexadecimal one that nothing else
uses, and is exchanged when the drawing is done.
"""
import io
import itertools
import re

import matplotlib
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

import words
from figures import AT_MOST, FIGURES
from judge import CPU, MET, MISSED, NO_VFIO, OURS, TYPE1

INK, FAINT = "#010203", "#040506"
COLOURS = {OURS: "#110213", TYPE1: "#120213", CPU: "#130213", NO_VFIO: "#140213"}
OTHERS = ("#150213", "#160213", "#170213", "#180213")
GOOD, BAD = "#190213", "#1a0213"
PAGE_COLOURS = {INK: "--ink", FAINT: "--faint", COLOURS[OURS]: "--ours",
                COLOURS[TYPE1]: "--type1", COLOURS[CPU]: "--cpu",
                COLOURS[NO_VFIO]: "--no-vfio", OTHERS[0]: "--other1", OTHERS[1]: "--other2",
                OTHERS[2]: "--other3", OTHERS[3]: "--other4", GOOD: "--good", BAD: "--bad"}
MARKERS = {OURS: "o", TYPE1: "s", CPU: "^", NO_VFIO: "^"}
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "vfio-iopf", "font.family": "DejaVu Sans",
         "font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": FAINT,
         "xtick.color": INK, "ytick.color": INK, "grid.color": FAINT, "grid.linewidth": 0.6,
         "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
         "lines.linewidth": 2.2, "lines.markersize": 6, "legend.frameon": False}
UNITS = {"instr": "instructions", "requests": "page requests", "us": "microseconds",
         "retries": "retries", "%": "%", "bytes/GiB": "bytes for each GiB",
         "ratio": "ratio", "times": "times", "per page": "for each page"}
WIDTH = 8.4

_drawn = itertools.count(1)


def _finish(canvas, alternative):
    """The SVG's text, without the XML prologue, its ids unlike any other drawing's."""
    buffer = io.StringIO()
    canvas.savefig(buffer, format="svg", transparent=True, metadata={"Date": None},
                   bbox_inches="tight", pad_inches=0.08)
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg"):], flags=re.DOTALL)
    for colour, name in PAGE_COLOURS.items():
        text = text.replace(colour, f"var({name})")
    text = re.sub(r"'?DejaVu Sans'?[^;\"]*", "var(--font)", text)
    prefix = f"p{next(_drawn)}-"
    text = re.sub(r'\bid="', f'id="{prefix}', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{prefix}", text)
    label = alternative.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    text = re.sub(r'(<svg\b[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg\b[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1).strip()


def _axes(width, height):
    canvas = Canvas(figsize=(width, height))
    axes = canvas.add_subplot()
    axes.tick_params(length=0)
    return canvas, axes


def _bytes(value, _position=None):
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            return f"{value:g} {unit}"
        value /= 1024


def _number(value, _position=None):
    return words.number(value)


def _scale(axis, label, log, places=None):
    """The axis' label, and numbers on it that people can read: at some of the places, if
    they are given, and are few, or the axis is logarithmic or of sizes."""
    axis.set_label_text(label)
    sizes = "bytes" in label
    if places and (log or sizes or len(places) <= 5):
        step = -(-len(places) // 7)
        axis.set_major_locator(FixedLocator(places[::step]))
    if log:
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(_bytes if sizes else _number))


def _colours(names):
    others = itertools.cycle(OTHERS)
    return {name: COLOURS.get(name) or next(others) for name in names}


def _legend(axes, count):
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=min(count, 4),
                borderaxespad=0.2, handlelength=1.4, columnspacing=1.4)


def _lines(axes, plot):
    """A line for each series. One that ends before the others ends in a cross."""
    colours = _colours(series["name"] for series in plot["series"])
    place = _bytes if "bytes" in plot["x_label"] else _number
    for series in plot["series"]:
        points = [(x, y) for x, y in zip(plot["x"], series["y"]) if y is not None]
        if not points:
            axes.plot([], [], color=colours[series["name"]],
                      label=f"{series['name']}: could not run")
            continue
        axes.plot(*zip(*points), color=colours[series["name"]], label=series["name"],
                  marker=MARKERS.get(series["name"], "o"), clip_on=False,
                  zorder=4 if series["name"] == OURS else 3)
        if series["y"][-1] is None:
            axes.plot(*points[-1], marker="x", markersize=13, markeredgewidth=2.5,
                      color=colours[series["name"]], clip_on=False, zorder=5)
            axes.annotate(f"could not go beyond {place(points[-1][0])}", points[-1],
                          xytext=(12, 8), textcoords="offset points",
                          color=colours[series["name"]])


def _groups(axes, plot):
    """Bars, for places that are names."""
    colours = _colours(series["name"] for series in plot["series"])
    width = 0.8 / len(plot["series"])
    for index, series in enumerate(plot["series"]):
        places = [place - 0.4 + width * (index + 0.5) for place in range(len(plot["x"]))]
        heights = [0 if y is None else y for y in series["y"]]
        bars = axes.bar(places, heights, width * 0.92, color=colours[series["name"]],
                        label=series["name"])
        axes.bar_label(bars, ["\u2013" if y is None else words.number(y)
                              for y in series["y"]], padding=2, fontsize=8)
    axes.set_xticks(range(len(plot["x"])), plot["x"])


def draw(plot, height=3.6):
    """A plot as a bench describes it."""
    with matplotlib.rc_context(STYLE):
        canvas, axes = _axes(WIDTH, height)
        axes.grid(axis="y")
        named = any(isinstance(x, str) for x in plot["x"])
        if plot.get("log_y"):
            axes.set_yscale("log")
        if named:
            _groups(axes, plot)
            axes.set_xlabel(plot["x_label"])
        else:
            if plot.get("log_x"):
                axes.set_xscale("log", base=2 if "bytes" in plot["x_label"] else 10)
            _lines(axes, plot)
            _scale(axes.xaxis, plot["x_label"], plot.get("log_x"), plot["x"])
        _scale(axes.yaxis, plot["y_label"], plot.get("log_y"))
        bottom, top = axes.get_ylim()
        if plot.get("log_y"):
            axes.set_ylim(top=top * (top / bottom) ** 0.06)
        else:
            axes.set_ylim(min(0, bottom), top * 1.06)
        if not named and not plot.get("log_x") and min(plot["x"]) >= 0:
            axes.set_xlim(left=0)
        _legend(axes, len(plot["series"]))
        return _finish(canvas, f"{plot['y_label']} against {plot['x_label']}: "
                       + ", ".join(series["name"] for series in plot["series"]))


def parts(figure):
    """What a figure was made from: (series' name, number), relative where it is a ratio."""
    out = [(name, figure[member]) for name, member in
           ((OURS, "ours"), (TYPE1, "type1"), (CPU, "cpu")) if figure.get(member) is not None]
    if figure["unit"] in ("ratio", "times"):
        base = figure.get("cpu") or figure.get("type1")
        out = [(name, value / base) for name, value in out] if base else []
    return out if len(out) > 1 and all(value > 0 for _name, value in out) else []


def bars(figures):
    """What the figures were made from, side by side; all of them of one unit."""
    unit = next(iter(figures.values()))["unit"]
    relative = unit in ("ratio", "times")
    with matplotlib.rc_context(STYLE):
        canvas, axes = _axes(WIDTH, 0.45 + 0.2 * sum(len(parts(f)) + 1
                                                     for f in figures.values()))
        axes.grid(axis="x")
        place, places, seen, values = 0, [], {}, []
        for figure in figures.values():
            first = place
            for name, value in parts(figure):
                bar = axes.barh(place, value, 0.86, color=COLOURS[name],
                                label=None if name in seen else name)
                seen[name] = True
                values.append(value)
                axes.bar_label(bar, [words.number(value)], padding=4, fontsize=9)
                place += 1
            places.append((first + place - 1) / 2)
            place += 0.7
        axes.set_yticks(places, figures.keys())
        axes.invert_yaxis()
        log = max(values) > 20 * min(values)
        if log:
            axes.set_xscale("log")
            axes.set_xlim(left=min(values) / 3, right=max(values) * 4)
        label = "pinned type1 (or the CPU, where it has a bar) = 1" if relative else UNITS[unit]
        _scale(axes.xaxis, label + (", logarithmic" if log else ""), log)
        _legend(axes, len(seen))
        return _finish(canvas, f"bars, {label}: {', '.join(figures)}")


def _share(figure, value):
    """How much of its limit a value uses up: 1 is just met, less is better."""
    limit = figure["limit"]
    top, bottom = (value, limit["bound"]) if limit["relation"] == AT_MOST else \
        (limit["bound"], value)
    return top / bottom if bottom and top > 0 else None


def _reference(figure):
    """The same for what the figure is compared with."""
    if figure["unit"] in ("ratio", "times"):
        one = figure.get("type1") is not None or figure.get("cpu") is not None
        return _share(figure, 1) if one else None
    if figure["unit"] == "%" or figure.get("type1") is None:
        return None
    return _share(figure, figure["type1"])


def overview(figures):
    """All figures that have a limit, each as the part of its limit that it uses up."""
    shown = {key: figures[key] for key in words.ordered(figures)
             if figures[key]["verdict"] in (MET, MISSED)
             and "limit" in figures[key] and _share(figures[key], figures[key]["value"])}
    if not shown:
        return None
    with matplotlib.rc_context(STYLE):
        canvas, axes = _axes(WIDTH, 0.9 + 0.235 * len(shown))
        axes.grid(axis="x")
        axes.set_xscale("log")
        axes.axvline(1, color=INK, linewidth=1.2)
        for place, (key, figure) in enumerate(shown.items()):
            share, other = _share(figure, figure["value"]), _reference(figure)
            if other:
                axes.plot([other, share], [place, place], color=FAINT, linewidth=1.4)
                axes.plot(other, place, marker="s", color=COLOURS[TYPE1])
            axes.plot(share, place, marker="o", markersize=8,
                      color=GOOD if FIGURES[key].limit.holds(figure["value"]) else BAD)
        axes.set_yticks(range(len(shown)), shown.keys())
        axes.invert_yaxis()
        for label, marker, colour in (("unpinned, limit met", "o", GOOD),
                                      ("unpinned, limit missed", "o", BAD),
                                      ("type1 (or CPU, or no VFIO)", "s", COLOURS[TYPE1])):
            axes.plot([], [], marker, color=colour, label=label)
        _scale(axes.xaxis, "part of its limit that a figure uses up, logarithmic: left of 1 "
               "is better than the limit", True)
        _legend(axes, 3)
        return _finish(canvas, "every figure against its limit")
