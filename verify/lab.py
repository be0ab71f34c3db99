# SPDX-License-Identifier: GPL-2.0-only
"""Where changed modules are built and tried: out/mutate/, never the tree itself.

A Build is a copy of module/ that the kernel's makefiles build in. Each has a folder ko/ with
what it built, and the software hardware's modules as they are, for a VM to load.
"""
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
OUT = TOP / "out"
WORK = OUT / "mutate"
MODULE = "vfio_iommu_iopf"

SPLAT, TIMED_OUT, SETUP_PROBLEM, KNOWN_FAULT = 122, 121, 123, 124
START_S = {"uml": 40, "uml-debug": 90}       # for a VM to start, on a busy host too; the others:
SLOW_START_S = 240


class Trouble(Exception):
    """The lab itself does not work."""


@dataclass(frozen=True)
class Program:
    """A kernel test program: the suites that it runs in, its options of vm/run."""
    name: str
    lanes: tuple
    options: tuple


def programs():
    """All of them, by mk/common.sh."""
    command = ["bash", "-c", ". mk/common.sh; kernel_tests"]
    said = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line.split("\t") for line in said.splitlines()]
    return [Program(name, tuple(suites.split()), tuple(options.split()))
            for name, suites, options in lines]


def sources():
    """Of the module, by their paths in it."""
    root = TOP / "module"
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*.c"))}


class Build:
    """The module for a lane, in a copy that may be changed a file at a time."""

    def __init__(self, lane, name, work=WORK):
        self.lane, self.folder = lane, work / name
        self.tree, self.ko = self.folder / "build", self.folder / "ko"
        self.note = self.folder / "changed"
        self.sources = sources()

    def prepare(self, changed=None):
        """The copy as the tree is, but for files of the module that are @changed; builds it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = open(self.folder / "lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble(f"another run works in {self.folder}") from None
        subprocess.run([TOP / "mk/module-tree", self.tree, "module"], check=True)
        for path in self.note.read_text().split() if self.note.exists() else ():
            self.object(path).unlink(missing_ok=True)
            (self.tree / "unit" / self.object(path).name).unlink(missing_ok=True)
        self.note.write_text("")
        for path, text in (changed or {}).items():
            self.write(path, text)
        if not self.make(self.ko):
            raise Trouble(f"the module does not build; see {self.folder}/log")

    def object(self, path):
        return (self.tree / "module" / path).with_suffix(".o")

    def write(self, path, text):
        """Noted first: what was built from it is not taken for the tree's later."""
        with open(self.note, "a") as note:
            note.write(f"{path}\n")
        (self.tree / "module" / path).write_text(text)

    @property
    def kernel(self):
        return (OUT / self.lane / "kernel").resolve() / "build"

    def make(self, ko):
        """Into the folder @ko. Warnings are none of a mutant's concern."""
        return self.run("make", "-C", self.kernel, f"M={self.tree}", "KCFLAGS=-w",
                        "--no-print-directory", "modules") and self.collect(ko)

    def change(self, path, text, ko):
        """What was prepared, with one file that is @text, until restore(). By the commands that
        make has left beside what it made, as its rules take longer than these.
        """
        made = self.object(path)
        shutil.copy2(made, made.with_suffix(".whole"))
        self.write(path, text)
        module = self.tree / "module" / MODULE
        steps = map(self.saved, (made, module.with_suffix(".o"), module.with_suffix(".ko")))
        # As make has it for objtool.
        return self.run("env", "SRCARCH=x86", "bash", "-ec", "\n".join(steps)) and \
            self.collect(ko)

    def restore(self, path):
        """In time's order, too: nothing is there for make to do."""
        made = self.object(path)
        (self.tree / "module" / path).write_text(self.sources[path])
        os.replace(made.with_suffix(".whole"), made)
        os.utime(made)
        self.note.write_text("")

    def saved(self, made):
        """The command that makes a file. It names that as seen from where it runs."""
        text = (made.parent / f".{made.name}.cmd").read_text()
        name, command = re.match(r"savedcmd_(\S+) := (.*)", text).groups()
        folder = self.kernel if name.startswith("/") else self.tree
        return f"cd {folder}; " + command.replace("$$", "$").replace("$(pound)", "#")

    def run(self, *command):
        lane = ["bash", "-c", '. mk/common.sh; in_lane "$@"', "-", self.lane]
        with open(self.folder / "log", "w") as log:
            return not subprocess.run([*lane, *command], cwd=TOP, stdout=log, stderr=log,
                                      check=False).returncode

    def collect(self, ko):
        """The modules into the folder @ko."""
        ko.mkdir(parents=True, exist_ok=True)
        for module in (OUT / self.lane).glob("*.ko"):
            link = ko / module.name
            if module.stem != MODULE and not link.is_symlink():
                link.symlink_to(module)
        for module in (self.tree / "module").glob("*.ko"):
            shutil.copy(module, ko)
        return True

    def code(self, path):
        """What the compiler made of a file."""
        stripped = self.folder / "code.o"
        subprocess.run(["objcopy", "-g", self.object(path), stripped], check=True)
        return hashlib.sha256(stripped.read_bytes()).hexdigest()


class Machine:
    """The VM that a lane's modules are tried in. What is left of the last try is in folder."""

    def __init__(self, build):
        self.build, self.folder = build, build.folder / "vm"

    def run(self, cases, options, keep_going=False):
        """@cases: (folder of modules, seconds, program, name). Returns vm/run's exit code, and
        those of the cases that have ended, by the name of the folder.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "cases").write_text("".join("\t".join(map(str, case)) + "\n"
                                                   for case in cases))
        environ = dict(os.environ, VIOPF_OUT=str(self.folder),
                       VIOPF_KLOG=str(self.folder / "klog"))
        allowed = [case[1] + 15 for case in cases]
        start_s = START_S.get(self.build.lane, SLOW_START_S)
        command = [TOP / "vm/run", "--kernel", self.build.lane,
                   "--timeout", str(start_s + sum(allowed)), *options,
                   "--", "verify/guest", *(["--all"] if keep_going else [])]
        with open(self.folder / "said", "w") as said, \
             subprocess.Popen(command, cwd=TOP, env=environ, stdin=subprocess.DEVNULL,
                              stdout=said, stderr=said) as ran:
            self.watch(ran, start_s + max(allowed))
        if ran.returncode == SETUP_PROBLEM:
            raise Trouble(f"no VM; see {self.folder}/said")
        ended = defaultdict(list)
        for line in self.text("ended").splitlines():
            ko, code = line.split("\t")
            ended[Path(ko).name].append(int(code))
        return ran.returncode, ended

    def watch(self, ran, patience):
        """Ends a VM in which no case has ended for so many seconds: a program that can't be
        killed stays for ever, and is not the only one.
        """
        ended, since = "", time.monotonic()
        while ran.poll() is None:
            if self.text("ended") != ended:
                ended, since = self.text("ended"), time.monotonic()
            elif time.monotonic() - since > patience:
                ran.terminate()
            with suppress(subprocess.TimeoutExpired):
                ran.wait(1)

    def text(self, name):
        file = self.folder / name
        return file.read_text(errors="replace") if file.exists() else ""
