# SPDX-License-Identifier: GPL-2.0-only
"""Puts the table of a run into README.md, between two markers.

Only a full run, of all benches, from a commit as it stands: what is read there has been
measured, on what is named there.
"""
import words
from figures import FIGURES

BEGIN, END = "<!-- bench table begins -->", "<!-- bench table ends -->"


class NotFit(Exception):
    """This run is not one for the README."""


def text(run):
    machine = run["host"]
    return "\n".join((
        f"{words.verdict(run)} Measured {run['started'][:10]} on an emulated machine "
        f"({machine['emulator']}, no KVM; {machine['cpus']} CPUs, {machine['cpu']}), "
        f"Debian's kernel {run['guest']['kernel']}, commit `{run['source']['commit']}`.",
        "", words.markdown(run["figures"])))


def replaced(document, run):
    """The README's text with the run's table in it."""
    if run["mode"] != "full":
        raise NotFit("it was a quick run")
    if set(run["figures"]) != set(FIGURES):
        raise NotFit("not all benches were run")
    if run["source"]["changed"] or not run["source"]["commit"]:
        raise NotFit("the source was no commit as it stands")
    before, begin, rest = document.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise NotFit(f"README.md has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{text(run)}\n{END}{after}"


def update(path, run):
    path.write_text(replaced(path.read_text(encoding="utf-8"), run), encoding="utf-8")
