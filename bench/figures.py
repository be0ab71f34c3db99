# SPDX-License-Identifier: GPL-2.0-only
"""The table of figures: what is measured, in which unit, and what it has to reach.

Nothing in here was measured. A figure's value comes from the bench that has it (see
plan.py); judge.py puts the two together. A figure without a limit is measured and
reported, and neither met nor missed.

A limit may have further conditions: members of the figure's "detail" that have to hold
as well. The rows are those of the review ledger in docs/design.md.
"""
from dataclasses import dataclass, field

AT_MOST, AT_LEAST = "\u2264", "\u2265"


@dataclass(frozen=True)
class Limit:
    """A bound on a number: relation AT_MOST or AT_LEAST."""
    relation: str
    bound: float

    def holds(self, value):
        if self.relation == AT_MOST:
            return value <= self.bound
        return value >= self.bound


@dataclass(frozen=True)
class Condition:
    """A limit on a member of a figure's detail."""
    member: str
    what: str
    limit: Limit


@dataclass(frozen=True)
class Figure:
    """One line of the table. lower: smaller is better (matters where there is no limit).
    tolerance, slack: how much worse than the baseline, as a part of it and in the figure's
    unit, is no regression; one has to exceed both."""
    key: str
    what: str
    unit: str
    limit: Limit = None
    conditions: tuple = ()
    rows: tuple = ()
    lower: bool = field(default=True)
    tolerance: float = 0.05
    slack: float = 0

    def __post_init__(self):
        if self.limit:
            object.__setattr__(self, "lower", self.limit.relation == AT_MOST)


@dataclass(frozen=True)
class Section:
    """Figures that are told together in the report."""
    name: str
    title: str
    text: str
    figures: tuple


# What one call costs, shared by the thousands of 4 KiB that it is for, comes and goes with
# interrupts and with where memory lies.
THP_SLACK = 3
# What is left of two long walks by the mm, with and without a device: -2 to 67 in one day.
EVICT_SLACK = 80
FLUSH_SLACK = 0.01


def at_most(bound):
    return Limit(AT_MOST, bound)


def at_least(bound):
    return Limit(AT_LEAST, bound)


START = Section(
    "start", "Starting",
    "Pinning has to bring in every page before the device may start. Demand paging brings "
    "in what the device asks for.",
    (
        Figure("map_dma.cold",
               "MAP_DMA of memory never touched, in all, the dearest of the sizes tried "
               "(type1's figure is that of its largest size)",
               "instr", at_most(5000),
               (Condition("memory_taken_by_1_tib_kb", "memory taken by mapping 1 TiB, in kB",
                          at_most(0)),),
               ("S11",)),
        Figure("first_dma.cold_2g",
               "MAP_DMA of 2 GiB never touched until the first DMA is done: how many times "
               "sooner than with type1",
               "times", at_least(1000),
               (Condition("rss_share", "resident then, as a part of type1's",
                          at_most(0.001)),),
               ("R19",)),
    ))

HOT = Section(
    "hot", "When memory is plentiful",
    "Copying between buffers that are resident: what does demand paging cost when there is "
    "nothing to page?",
    (
        Figure("hot.throughput_4k", "copy over resident 4 KiB pages, relative to type1",
               "ratio", at_least(0.995), rows=("R17",)),
        Figure("hot.throughput_thp", "copy over resident huge pages, relative to type1",
               "ratio", at_least(0.995), rows=("R17", "R12")),
        Figure("hot.instructions_4k",
               "the same over 4 KiB pages, counted: type1's instructions over ours",
               "ratio", at_least(0.995), rows=("R17",)),
        Figure("hot.instructions_thp",
               "the same over huge pages, counted: type1's instructions over ours",
               "ratio", at_least(0.995), rows=("R17", "R12")),
    ))

COLD = Section(
    "cold", "First touch",
    "The device writes memory that nobody has touched. The limit set by physics is the CPU "
    "doing so itself: its own page faults, and a device pass over the resident memory.",
    (
        Figure("cold.sequential",
               "device writes never-touched memory in order, relative to CPU first touch "
               "plus a hot pass",
               "ratio", at_most(1.10), rows=("S9", "R12")),
        Figure("cold.random",
               "4 KiB device writes at random, relative to the CPU's",
               "ratio", at_most(1.25),
               (Condition("populated_extra_pages", "pages populated that were not asked for",
                          at_most(0)),),
               ("S9", "R12")),
        Figure("faults.per_gib", "page requests for 1 GiB written in order, default settings",
               "requests", at_most(256), rows=("S9", "S14")),
        Figure("window.fixed",
               "default (adaptive) window: its cost relative to the best fixed window of 1, "
               "16 or 512 pages, the worst of the access patterns tried",
               "ratio", rows=("R12",), tolerance=0.2),
    ))

OPERATIONS = Section(
    "operations", "Cost of each operation",
    "Instructions, counted by the emulator: the same from run to run, whatever the host "
    "does.",
    (
        Figure("fault.resident",
               "page request for a 4 KiB page that the CPU has resident: from report to "
               "response",
               "instr", at_most(2500), rows=("R7",)),
        Figure("prefetch.resident_4k",
               "prefetch of resident memory, new and touched in order, for each 4 KiB page",
               "instr", at_most(400), rows=("R14",)),
        Figure("prefetch.scattered_4k",
               "prefetch of resident memory, its 4 KiB pages anywhere, for each of them",
               "instr", rows=("R14",)),
        Figure("prefetch.resident_thp",
               "prefetch of resident huge pages, for each 4 KiB of them",
               "instr", at_most(20), rows=("R14", "R12"), slack=THP_SLACK),
        Figure("unmap.resident_4k", "UNMAP_DMA of resident memory, for each 4 KiB page",
               "instr", at_most(300), rows=("R3",)),
        Figure("unmap.resident_thp",
               "UNMAP_DMA of resident huge pages, for each 4 KiB of them",
               "instr", at_most(10), rows=("R3", "R12"), slack=THP_SLACK),
        Figure("evict.resident_4k", "eviction by the mm, for each 4 KiB page",
               "instr", at_most(300), rows=("R3", "S4")),
        Figure("evict.resident_thp",
               "eviction of huge pages by the mm, for each 4 KiB of them",
               "instr", at_most(10), rows=("R3", "R12"), slack=THP_SLACK),
        Figure("mm.untouched",
               "munmap, madvise, fork and mprotect of mapped memory that no device touched, "
               "relative to no VFIO at all; the worst of them",
               "ratio", at_most(1.02), rows=("S2",)),
    ))

PARALLEL = Section(
    "parallel", "Faults in parallel, and under pressure",
    "Each device queue is a thread that faults. Two on two CPUs should get nearly twice as "
    "far as one; and none may starve while Linux swaps the memory out under them.",
    (
        Figure("fault.resident_latency",
               "the same fault with two CPUs: 99th percentile of report to response",
               "us", rows=("R7",)),
        Figure("scaling.segments",
               "fault rate in different segments, two CPUs over one",
               "times", at_least(1.7), rows=("R7",)),
        Figure("scaling.one_segment",
               "fault rate within one segment, two CPUs over one",
               "times", rows=("R7",), lower=False),
        Figure("pressure",
               "retries for each fault while all of a huge mapping is being swapped",
               "retries", at_most(3), rows=("R7", "R5")),
    ))


# A slowdown is the small difference between two large counts: 10,000 instructions, of 12
# million, come and go with the order in which threads run.
SERIES_TOLERANCE = 0.25


def _series(megabytes, runs, bound, faults):
    conditions = ()
    if faults:
        conditions = (Condition("faults", "page requests", at_most(faults)),)
    return Figure(f"series.{megabytes}mb_{runs}",
                  f"slowdown against pinned of {runs} \u00d7 {megabytes} MB, 8.8 GB/s, on huge "
                  "pages",
                  "%", at_most(bound), conditions, ("S14",), tolerance=SERIES_TOLERANCE)


SERIES = Section(
    "series", "The table of 2021",
    "The kernel series that this project began from measured a crypto accelerator: how much "
    "slower is demand paging after 1, 100 and 1000 operations over the same memory? It "
    "reported 63.4, 22.9 and 2.6 % at 1 MB, and 32.6, 3.5 and 1.6 % at 10 MB. Here the "
    "software device is held to the same 8.8 GB/s.",
    (
        _series(1, 1, 30, 13), _series(1, 100, 1, 13), _series(1, 1000, 0.2, 13),
        _series(10, 1, 15, None), _series(10, 100, 0.5, None), _series(10, 1000, 0.1, None),
    ))

DENSITY = Section(
    "density", "How many fit",
    "Tenants: each a process with a device of its own, 256 MiB mapped, and a working set of "
    "16 MiB that drifts. All of them in one machine of 3 GiB (a quick run: 1.5) with "
    "compressed swap. How much do they get done together, as more of them move in? It is "
    "counted once little is swapped in, or after a minute (a quick run: 20 seconds).",
    (
        Figure("density",
               "tenants at 90% of the plateau, relative to the most that type1 can start",
               "times", at_least(10), rows=("R18",)),
    ))

METADATA = Section(
    "metadata", "Memory for bookkeeping",
    "What the module itself allocates.",
    (
        Figure("metadata.mapped", "for each GiB that is mapped and not touched",
               "bytes/GiB", at_most(0), rows=("S2", "S11")),
        Figure("metadata.resident", "for memory that the device has resident, as a part of it",
               "%", at_most(0.02), rows=("S2",)),
    ))

INTEL = Section(
    "intel", "On Linux's Intel driver",
    "The newest kernel, its own driver for VT-d, stock vfio-pci, and a device of QEMU's that "
    "keeps what it has translated. The IOMMU is emulated with caching mode off, as hardware "
    "has it.",
    (
        Figure("intel.fault",
               "page request for a 4 KiB page that the CPU has resident: from the interrupt to "
               "the response", "instr", rows=("R7",)),
        Figure("intel.cold",
               "CPU work for a device to write never-touched memory in order, MAP_DMA included, "
               "relative to type1's", "ratio", rows=("S9",)),
        Figure("intel.hot_4k", "copy over resident 4 KiB pages, relative to type1",
               "ratio", at_least(0.98), rows=("R17",)),
        Figure("intel.hot_thp", "copy over resident huge pages, relative to type1",
               "ratio", at_least(0.98), rows=("R17", "R12")),
        Figure("intel.beside_stubborn_hot",
               "copy over resident memory beside a device that never stops asking for what is "
               "not mapped, relative to alone",
               "ratio", at_least(0.9), rows=("S6",)),
        Figure("intel.beside_stubborn_cold",
               "the same where each page that is written faults",
               "ratio", at_least(0.9), rows=("S6", "R7")),
        Figure("intel.prefetch_4k",
               "prefetch of resident memory, its 4 KiB pages anywhere, for each of them",
               "instr", rows=("R14",)),
        Figure("intel.prefetch_thp", "prefetch of resident huge pages, for each 4 KiB of them",
               "instr", rows=("R14", "R12"), slack=THP_SLACK),
        Figure("intel.unmap_4k", "UNMAP_DMA of resident memory, for each 4 KiB page",
               "instr", rows=("R3",)),
        Figure("intel.unmap_thp", "UNMAP_DMA of resident huge pages, for each 4 KiB of them",
               "instr", rows=("R3", "R12"), slack=THP_SLACK),
        Figure("intel.evict_4k", "eviction by the mm, for each 4 KiB page",
               "instr", rows=("R3", "S4"), slack=EVICT_SLACK),
        Figure("intel.evict_thp", "eviction of huge pages by the mm, for each 4 KiB of them",
               "instr", rows=("R3", "R12"), slack=THP_SLACK),
        Figure("intel.flushes_unmap_4k",
               "invalidations that UNMAP_DMA sends to TLBs, for each 4 KiB page",
               "per page", rows=("R3",), slack=FLUSH_SLACK),
        Figure("intel.flushes_unmap_thp", "the same of huge pages, for each 4 KiB of them",
               "per page", rows=("R3", "R12"), slack=FLUSH_SLACK),
        Figure("intel.flushes_evict_4k",
               "invalidations for an eviction by the mm, for each 4 KiB page",
               "per page", rows=("R3", "S4"), slack=FLUSH_SLACK),
        Figure("intel.flushes_evict_thp", "the same of huge pages, for each 4 KiB of them",
               "per page", rows=("R3", "R12"), slack=FLUSH_SLACK),
    ))

SECTIONS = (DENSITY, START, HOT, COLD, OPERATIONS, PARALLEL, SERIES, METADATA, INTEL)
FIGURES = {figure.key: figure for section in SECTIONS for figure in section.figures}
