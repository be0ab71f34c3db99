# SPDX-License-Identifier: GPL-2.0-only
"""Which bench runs in which machine, and which figures it has to bring back.

Each bench gets a virtual machine of its own, so that one that fails takes no other with
it, and finds none of another's leavings. There are two kinds of machine:

  icount    one CPU; its clock counts instructions. Repeatable: for what an operation costs.
  threads   several CPUs, emulated in parallel, with the host's clock. For what depends on
            several things at once. Only ratios within one run mean something.
"""
from dataclasses import dataclass

ICOUNT, THREADS = "icount", "threads"

# Without the checks that vm/run turns on for tests: they would make mapping and swapping
# slower, and pinning look worse than it is. And with loops for clearing and copying
# pages, as QEMU emulates the string instructions a word at a time.
PLAIN = "page_poison=0 slab_debug=- kfence.sample_interval=0 clearcpuid=erms,fsrm,rep_good"


@dataclass(frozen=True)
class Bench:
    """limit_s, quick_limit_s: when the machine is given up. zram_mib: size of the swap."""
    name: str
    machine: str
    figures: tuple
    memory_mib: int = 1024
    limit_s: int = 900
    quick_limit_s: int = 600
    cpus: int = 2
    zram_mib: int = 0
    devices: int = 1
    iotlb: int = 16384

    def vm_options(self, quick):
        options = ["--mem", f"{self.memory_mib}M", "--append", PLAIN, "--timeout",
                   str(self.quick_limit_s if quick else self.limit_s)]
        if self.machine == ICOUNT:
            return options + ["--icount"]
        return options + ["--cpus", str(self.cpus)]

    def command(self, quick):
        """What runs in the machine."""
        setup = ["bench/guest-setup", "--zram", str(self.zram_mib),
                 "--devices", str(self.devices), "--iotlb", str(self.iotlb), "--"]
        return setup + ["out/bench/bench"] + ["--quick"] * quick + [self.name]


BENCHES = (
    Bench("map_dma", ICOUNT, ("map_dma.cold",)),
    Bench("fault_resident", ICOUNT, ("fault.resident",)),
    Bench("resident", ICOUNT, ("prefetch.scattered_4k",
                               *(f"{what}.resident_{kind}" for kind in ("4k", "thp")
                                 for what in ("prefetch", "unmap", "evict")))),
    Bench("hot_instr", ICOUNT, ("hot.instructions_4k", "hot.instructions_thp")),
    Bench("cold", ICOUNT, ("cold.sequential", "cold.random")),
    Bench("faults_per_gib", ICOUNT, ("faults.per_gib",), memory_mib=1536),
    Bench("mm_untouched", ICOUNT, ("mm.untouched",)),
    Bench("metadata", ICOUNT, ("metadata.mapped", "metadata.resident"), memory_mib=1536),
    Bench("window", ICOUNT, ("window.fixed",), memory_mib=1536),
    Bench("series", ICOUNT, tuple(f"series.{size}mb_{runs}" for size in (1, 10)
                                  for runs in (1, 100, 1000))),
    Bench("first_dma", THREADS, ("first_dma.cold_2g",), memory_mib=2816),
    Bench("hot", THREADS, ("hot.throughput_4k", "hot.throughput_thp"), devices=2, iotlb=4096),
    Bench("latency", THREADS, ("fault.resident_latency",)),
    Bench("scaling", THREADS, ("scaling.segments", "scaling.one_segment")),
    Bench("pressure", THREADS, ("pressure",), zram_mib=2048),
    Bench("density", THREADS, ("density",), memory_mib=3072, zram_mib=6144, devices=192,
          iotlb=4096, limit_s=1200),
)
