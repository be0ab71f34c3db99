# SPDX-License-Identifier: GPL-2.0-only
"""The last figures that were counted in instructions, and what has become worse since.

baseline.json holds, for "full" and for "quick" runs apart (their sizes differ), the
kernel they were taken on and one number for each figure. Instructions repeat, so a
figure that is worse by more than its tolerance and its slack has a reason in the source or in
the kernel.
Figures that are times of a busy host are not in it.
"""
from figures import FIGURES


def counted(figures):
    """Those figures of a run that a baseline is made of."""
    return {key: figure["value"] for key, figure in figures.items()
            if figure["machine"] == "icount" and figure["value"] is not None}


def save(baseline, run):
    """The baseline with a run's figures in place of the same mode's older ones."""
    figures = counted(run["figures"])
    kept = dict(baseline.get(run["mode"], {}).get("figures", {}))
    kept.update(figures)
    return dict(baseline, **{run["mode"]: {"kernel": run["guest"]["kernel"],
                                           "figures": dict(sorted(kept.items()))}})


def change(key, before, now):
    """How much worse, as a part: 0.05 is 5% worse, -0.05 is 5% better."""
    if before == now:
        return 0.0
    worse = now - before if FIGURES[key].lower else before - now
    if before == 0:
        return float("inf") if worse > 0 else float("-inf")
    return worse / abs(before)


def compare(baseline, run):
    """For each counted figure that the baseline has: before, now, and how much worse."""
    before = baseline.get(run["mode"], {}).get("figures", {})
    out = {}
    for key, now in counted(run["figures"]).items():
        if key in before:
            worse = change(key, before[key], now)
            out[key] = {"before": before[key], "now": now, "worse": worse,
                        "regression": worse > FIGURES[key].tolerance and
                        abs(now - before[key]) > FIGURES[key].slack}
    return out


def kernel(baseline, run):
    """The kernel of the baseline for this mode, or None."""
    return baseline.get(run["mode"], {}).get("kernel")
