# SPDX-License-Identifier: GPL-2.0-only
"""Which bench runs in which machine, and which figures it has to bring back.

Each bench gets a virtual machine of its own, so that one that fails takes no other with
it, and finds none of another's leavings. In a quick run those that want the same machine
share it, a few at a time: to start one takes longer than most of them. There are two kinds
of machine:

  icount    one CPU; its clock counts instructions. Repeatable: for what an operation costs.
  threads   several CPUs, emulated in parallel, with the host's clock. For what depends on
            several things at once. Only ratios within one run mean something.

Either may have Linux's own Intel driver and QEMU's devices in place of the software hardware,
on the newest kernel: intel.
"""
from dataclasses import dataclass

ICOUNT, THREADS = "icount", "threads"

# Without the checks that vm/run turns on for tests: they would make mapping and swapping
# slower, and pinning look worse than it is. And with loops for clearing and copying
# pages, as QEMU emulates the string instructions a word at a time.
PLAIN = "page_poison=0 slab_debug=- kfence.sample_interval=0 clearcpuid=erms,fsrm,rep_good"


@dataclass(frozen=True)
class Bench:
    """limit_s, quick_limit_s: when the machine is given up. zram_mib: size of the swap.
    quick_memory_mib: the machine's memory in a quick run, if other than memory_mib."""
    name: str
    machine: str
    figures: tuple
    memory_mib: int = 1024
    quick_memory_mib: int = 0
    limit_s: int = 900
    quick_limit_s: int = 600
    cpus: int = 2
    zram_mib: int = 0
    devices: int = 1
    iotlb: int = 16384
    intel: bool = False

    def memory(self, quick):
        """MiB."""
        return quick and self.quick_memory_mib or self.memory_mib

    def machine_options(self, quick):
        """Of vm/run, but for when it is to be given up."""
        options = ["--mem", f"{self.memory(quick)}M", "--append", PLAIN]
        if self.intel:
            options += ["--kernel", "next", "--intel"]
        if self.machine == ICOUNT:
            return options + ["--icount"]
        return options + ["--cpus", str(self.cpus)]

    def setup(self):
        """What makes the machine ready, for the command that follows."""
        return ["bench/guest-setup", "--zram", str(self.zram_mib),
                "--devices", str(self.devices), "--iotlb", str(self.iotlb), "--"]

    def wants(self, quick):
        """Equal for benches that can share a machine."""
        return self.machine_options(quick) + self.setup()


# Benches in one machine at the most, in a quick run.
SHARING = 4


def share(benches, quick):
    """The benches, in lists of those that run in the same machine."""
    groups = []
    for bench in benches:
        group = next((group for group in groups if quick and len(group) < SHARING
                      and group[0].wants(quick) == bench.wants(quick)), None)
        if group:
            group.append(bench)
        else:
            groups.append([bench])
    return groups


def vm_options(group, quick):
    """Of vm/run, for the benches of a machine."""
    limit_s = sum(bench.quick_limit_s if quick else bench.limit_s for bench in group)
    return [*group[0].machine_options(quick), "--timeout", str(limit_s)]


def command(group, quick):
    """What runs in that machine."""
    return [*group[0].setup(), "out/bench/bench", *["--quick"] * quick,
            *(bench.name for bench in group)]


# resident is the first of those that share its machine: it measures pages that lie one after
# the other, and only a fresh machine gives such.
BENCHES = (
    Bench("resident", ICOUNT, ("prefetch.scattered_4k",
                               *(f"{what}.resident_{kind}" for kind in ("4k", "thp")
                                 for what in ("prefetch", "unmap", "evict")))),
    Bench("map_dma", ICOUNT, ("map_dma.cold",)),
    Bench("fault_resident", ICOUNT, ("fault.resident",)),
    Bench("hot_instr", ICOUNT, ("hot.instructions_4k", "hot.instructions_thp")),
    Bench("cold", ICOUNT, ("cold.sequential", "cold.random")),
    Bench("faults_per_gib", ICOUNT, ("faults.per_gib",), memory_mib=1536),
    Bench("mm_untouched", ICOUNT, ("mm.untouched",)),
    Bench("metadata", ICOUNT, ("metadata.mapped", "metadata.resident"), memory_mib=1536),
    Bench("window", ICOUNT, ("window.fixed",), memory_mib=1536),
    Bench("series", ICOUNT, tuple(f"series.{size}mb_{runs}" for size in (1, 10)
                                  for runs in (1, 100, 1000))),
    Bench("first_dma", ICOUNT, ("first_dma.cold_2g",), memory_mib=2816),
    Bench("resident_intel", ICOUNT,
          tuple(f"intel.{what}_{kind}" for kind in ("4k", "thp")
                for what in ("prefetch", "unmap", "evict")), intel=True),
    Bench("intel", ICOUNT,
          ("intel.fault", "intel.cold",
           *(f"intel.flushes_{what}_{kind}" for kind in ("4k", "thp")
             for what in ("unmap", "evict"))), zram_mib=256, intel=True),
    Bench("hot_intel", THREADS, ("intel.hot_4k", "intel.hot_thp"), intel=True),
    Bench("stubborn", THREADS,
          tuple(f"intel.beside_stubborn_{what}" for what in ("hot", "cold")), intel=True),
    Bench("hot", THREADS, ("hot.throughput_4k", "hot.throughput_thp"), devices=2, iotlb=4096),
    Bench("latency", THREADS, ("fault.resident_latency",)),
    Bench("scaling", THREADS, ("scaling.segments", "scaling.one_segment")),
    Bench("pressure", THREADS, ("pressure",), zram_mib=2048),
    Bench("density", THREADS, ("density",), memory_mib=3072, quick_memory_mib=1536,
          zram_mib=6144, devices=192, iotlb=4096, limit_s=1200),
)
