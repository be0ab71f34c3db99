# SPDX-License-Identifier: GPL-2.0-only
"""What is said of the machine that the virtual machines are emulated on."""
import os
import platform
import re
import subprocess
from pathlib import Path


def _first(pattern, path):
    found = re.search(pattern, Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1).strip() if found else None


def _output(*command):
    """The first line that a command prints, or None."""
    try:
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return (done.stdout.splitlines() or [None])[0]


def free_mib():
    return int(_first(r"^MemAvailable:\s*(\d+)", "/proc/meminfo")) // 1024


def describe(top):
    """CPU, memory, system and emulator."""
    return {"cpu": _first(r"^model name\s*: (.*)", "/proc/cpuinfo") or platform.machine(),
            "cpus": len(os.sched_getaffinity(0)),
            "memory_mib": int(_first(r"^MemTotal:\s*(\d+)", "/proc/meminfo")) // 1024,
            "system": _first(r'^PRETTY_NAME="(.*)"', "/etc/os-release"),
            "kernel": platform.release(),
            "emulator": _output("qemu-system-x86_64", "--version"),
            "compiler": _output("cc", "--version"),
            "load_average": round(os.getloadavg()[0], 2)}


def source(top):
    """The version of the project, as git knows it, or None. What it says of itself is not it."""
    commit = _output("git", "-C", str(top), "rev-parse", "--short=12", "HEAD")
    changed = _output("git", "-C", str(top), "status", "--porcelain", "--untracked-files=no",
                      "--", ".", ":!docs", ":!man", ":!*.md")
    return {"commit": commit, "changed": bool(changed)}
