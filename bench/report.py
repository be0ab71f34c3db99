# SPDX-License-Identifier: GPL-2.0-only
"""out/bench.json to out/report.html: one page that needs nothing else, and no network.

Every number in it comes from the run. What could not be measured is said where it would
stand. The page's text and looks are in report.html.j2, the drawings in plots.py.
"""
from pathlib import Path

import jinja2

import plots
import words
from figures import FIGURES, SECTIONS
from judge import MISSED, NOT_MEASURED, TYPE1, plots_of

FOLDER = Path(__file__).resolve().parent
ABSENT = "was not measured in this run"


def _value(run, key):
    return run["figures"].get(key, {}).get("value")


def _plentiful(run):
    small, huge = _value(run, "hot.throughput_4k"), _value(run, "hot.throughput_thp")
    if small is None or huge is None:
        return f"Throughput while memory is plentiful {ABSENT}."
    return (f"While memory is plentiful a device copies through unpinned memory at "
            f"{small:.1%} of pinned type1's throughput on 4 KiB pages, and at {huge:.1%} on "
            "huge pages.")


def _start(run):
    times = _value(run, "first_dma.cold_2g")
    if times is None:
        return f"The time to the first DMA {ABSENT}"
    return f"The first DMA into 2 GiB of fresh memory is done {words.number(times)} times sooner"


def _scarce(run):
    figure = run["figures"].get("density", {})
    if figure.get("value") is None:
        return f"{_start(run)}; how many tenants fit into one machine {ABSENT}."
    text = f"{words.number(figure['value'])} times as many tenants"
    if figure.get("ours") is not None and figure.get("type1") is not None:
        text += f" ({words.number(figure['ours'])} against {words.number(figure['type1'])})"
    return f"{_start(run)}, and {text} fit into one machine before throughput falls."


def sentences(run):
    """The three that the report opens with."""
    return [_plentiful(run), _scarce(run), words.verdict(run)]


def picture(run):
    """The one that it opens with, its title, and the key of its figure if it has one."""
    for key, title in (("density", "What a machine gets done, as it is given more tenants"),
                       ("map_dma.cold", "Mapping memory that was never touched")):
        drawn = plots_of(run["figures"].get(key, {}))
        if drawn:
            return {"title": title, "svg": plots.draw(drawn[0], 4.4), "key": key}
    return {"title": "Every figure against its limit", "key": None,
            "svg": plots.overview(run["figures"])}


def _section_bars(figures):
    """Bars for those figures that have two sides and no plot of their own, by unit."""
    units = {}
    for key, figure in figures.items():
        if figure["verdict"] != NOT_MEASURED and not plots_of(figure) and plots.parts(figure):
            unit = "ratio" if figure["unit"] == "times" else figure["unit"]
            units.setdefault(unit, {})[key] = figure
    return [plots.bars(group) for group in units.values()]


def _both(plot):
    """Whether pinned type1 is in a plot: it has no page requests to be measured."""
    return TYPE1 in (series["name"] for series in plot["series"])


def _figure(key, figure, run, opening):
    change = run["baseline"]["figures"].get(key)
    drawn = plots_of(figure)
    detail = dict(figure.get("detail") or {})
    if key == opening:
        drawn = drawn[1:]
    return {"key": key, "what": figure["what"], "rows": " ".join(figure["rows"]),
            "value": words.with_unit(figure["value"], figure["unit"]),
            "ours": words.number(figure.get("ours")),
            "type1": words.number(figure.get("type1")), "cpu": words.number(figure.get("cpu")),
            "limit": words.limit(figure), "met": words.VERDICTS[figure["verdict"]],
            "verdict": figure["verdict"].replace(" ", "-"), "failing": words.failing(figure),
            "conditions": figure["conditions"],
            "samples": [words.number(sample) for sample in figure.get("samples") or []],
            "parts_unit": detail.pop("ours_and_type1_are", ""), "detail": detail, "change": change,
            "machine": figure["machine"],
            "plots": [{"svg": plots.draw(plot), "both": _both(plot)} for plot in drawn]}


def sections(run, opening):
    out = []
    for section in SECTIONS:
        figures = {figure.key: run["figures"][figure.key] for figure in section.figures
                   if figure.key in run["figures"]}
        if figures:
            out.append({"name": section.name, "title": section.title, "text": section.text,
                        "bars": _section_bars(figures),
                        "figures": [_figure(key, figure, run, opening)
                                    for key, figure in figures.items()]})
    return out


def regressions(run):
    return [dict(change, key=key, unit=FIGURES[key].unit)
            for key, change in run["baseline"]["figures"].items() if change["regression"]]


def html(run):
    opening = picture(run)
    loader = jinja2.FileSystemLoader(FOLDER)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True,
                                     lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters["number"] = words.number
    return environment.get_template("report.html.j2").render(
        run=run, picture=opening, sentences=sentences(run),
        overview=plots.overview(run["figures"]) if opening["key"] else None,
        sections=sections(run, opening["key"]), regressions=regressions(run),
        failed=[entry for entry in run["benches"] if entry["failed"]],
        missed=[key for key in words.ordered(run["figures"])
                if run["figures"][key]["verdict"] == MISSED])


def write(run, path):
    path.write_text(html(run) + "\n", encoding="utf-8")
