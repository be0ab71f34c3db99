# SPDX-License-Identifier: GPL-2.0-only
"""Reads what the benches wrote, and says what it is worth.

Pure functions: documents in, documents out. A bench's document is taken as it is or not
at all: a figure with another unit than the table's, with what is no number, or with a
plot that could not be read (no axes' names, series of another length) makes the whole
document bad, and the bench a failed one. A value of null could not be measured; the
figure's detail says why.

The verdict on a figure is one of
  "met", "missed"     it has a limit
  "measured"          it has none
  "not measured"      its bench failed, left it out, or gave null
"""
import math
from numbers import Real

from figures import FIGURES

OURS, TYPE1 = "unpinned (vfio-iopf)", "pinned (type1)"
CPU, NO_VFIO = "CPU's own page faults", "no VFIO"
MET, MISSED, MEASURED, NOT_MEASURED = "met", "missed", "measured", "not measured"


class BadDocument(Exception):
    """What a bench wrote can't be used. The text says why."""


def is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def plots_of(figure):
    """A figure's plots as a list, there being none, one or several."""
    plots = figure.get("plot") or []
    return plots if isinstance(plots, list) else [plots]


def _member(figure, condition):
    return (figure.get("detail") or {}).get(condition.member)


def _check_plot(key, plot):
    for axis in ("x_label", "y_label"):
        if not plot.get(axis):
            raise BadDocument(f"{key}: a plot without {axis}")
    if not plot.get("series") or not plot.get("x"):
        raise BadDocument(f"{key}: a plot of nothing")
    for series in plot["series"]:
        if len(series["y"]) != len(plot["x"]):
            raise BadDocument(f"{key}: series \"{series['name']}\" has {len(series['y'])} "
                              f"points for {len(plot['x'])} places")
        if not all(y is None or is_number(y) for y in series["y"]):
            raise BadDocument(f"{key}: series \"{series['name']}\" is not all numbers")


def _check_figure(key, figure):
    if key not in FIGURES:
        raise BadDocument(f"{key}: no such figure in figures.py")
    if figure.get("unit") != FIGURES[key].unit:
        raise BadDocument(f"{key}: the unit is {figure.get('unit')!r}, "
                          f"not {FIGURES[key].unit!r}")
    for member in ("value", "ours", "type1", "cpu"):
        if not (figure.get(member) is None or is_number(figure[member])):
            raise BadDocument(f"{key}: {member} is {figure[member]!r}, not a number")
    if not all(is_number(sample) for sample in figure.get("samples") or []):
        raise BadDocument(f"{key}: the samples are not all numbers")
    for condition in FIGURES[key].conditions:
        if figure["value"] is not None and not is_number(_member(figure, condition)):
            raise BadDocument(f"{key}: detail.{condition.member} is not a number")
    for plot in plots_of(figure):
        _check_plot(key, plot)


def check_document(document, wanted, complete=True):
    """The figures of a bench's document: the wanted ones, all if it is to be complete."""
    if not isinstance(document, dict) or not isinstance(document.get("figures"), dict):
        raise BadDocument("there are no figures in it")
    figures = document["figures"]
    for key, figure in figures.items():
        try:
            _check_figure(key, figure)
        except (TypeError, KeyError, AttributeError) as error:
            raise BadDocument(f"{key}: not of the agreed form ({error!r})") from error
    missing = sorted(set(wanted) - set(figures))
    if missing and complete:
        raise BadDocument(f"without {', '.join(missing)}")
    extra = sorted(set(figures) - set(wanted))
    if extra:
        raise BadDocument(f"with {', '.join(extra)}, which the plan gives to another bench")
    return figures


def judge(key, figure):
    """The verdict on a measured figure, and on each of its conditions."""
    spec = FIGURES[key]
    if figure["value"] is None:
        return NOT_MEASURED, []
    verdicts = []
    if spec.limit:
        verdicts.append(spec.limit.holds(figure["value"]))
    conditions = []
    for condition in spec.conditions:
        value = _member(figure, condition)
        holds = condition.limit.holds(value)
        verdicts.append(holds)
        conditions.append({"member": condition.member, "what": condition.what,
                           "value": value, "relation": condition.limit.relation,
                           "bound": condition.limit.bound, "met": holds})
    verdict = MEASURED
    if verdicts:
        verdict = MET if all(verdicts) else MISSED
    return verdict, conditions


def judged(key, figure, bench):
    """A figure as it stands in bench.json: as measured, with its limit and the verdict."""
    spec = FIGURES[key]
    verdict, conditions = judge(key, figure)
    out = dict(figure, what=spec.what, rows=list(spec.rows), bench=bench["name"],
               machine=bench["machine"], verdict=verdict, conditions=conditions)
    if spec.limit:
        out["limit"] = {"relation": spec.limit.relation, "bound": spec.limit.bound}
    return out


def not_measured(key, bench):
    """The same for a figure whose bench did not yield it."""
    spec = FIGURES[key]
    out = {"value": None, "unit": spec.unit, "what": spec.what, "rows": list(spec.rows),
           "bench": bench["name"], "machine": bench["machine"], "verdict": NOT_MEASURED,
           "conditions": []}
    if spec.limit:
        out["limit"] = {"relation": spec.limit.relation, "bound": spec.limit.bound}
    return out


def count(figures, verdict):
    return sum(figure["verdict"] == verdict for figure in figures.values())
