# SPDX-License-Identifier: GPL-2.0-only
"""Runs commands in virtual machines, several at a time if asked to, and ends them all.

Each vm/run has a process group of its own, with its QEMU in it, so that a Ctrl-C at the
terminal reaches nobody but this process, which then ends the groups: none outlives it.
Threads start machines, any thread ends them. Once they have been ended no new one starts.
"""
import contextlib
import os
import signal
import subprocess
import threading

# vm/run's own exit codes
WHY = {120: "its virtual machine died", 121: "time-out",
       122: "the kernel reported a fault of its own", 123: "its machine did not start"}


class Ended(Exception):
    """The machines were ended, and there are to be no new ones."""


class Machines:
    """lock guards running and ended."""

    def __init__(self, vm_run):
        self.vm_run = vm_run
        self.lock = threading.Lock()
        self.running = set()
        self.ended = False

    def _start(self, command, environment):
        with self.lock:
            if self.ended:
                raise Ended()
            process = subprocess.Popen(
                [self.vm_run, *command], env=dict(os.environ, **environment),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace", start_new_session=True)
            self.running.add(process)
        return process

    def run(self, command, environment, each_line):
        """One command in a VM; each_line gets what it prints. Returns vm/run's exit code."""
        process = self._start(command, environment)
        try:
            for line in process.stdout:
                each_line(line)
            return process.wait()
        finally:
            with self.lock:
                self.running.discard(process)

    def end(self):
        """Ends all of them. vm/run cleans up if it is given the time."""
        with self.lock:
            self.ended = True
            processes = list(self.running)
        for number, limit_s in ((signal.SIGTERM, 20), (signal.SIGKILL, 5)):
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            for process in processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(limit_s)
