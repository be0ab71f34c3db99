/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmarks share. Each is a function in a file of its own, listed in main.c,
 * and fills in the figures that it measures; what they are judged by is not known here.
 * It runs in a process of its own, so that none finds another's memory or files.
 *
 * Two kinds: those that count instructions want a VM with one CPU whose clock counts
 * them (vm/run --icount); the others want threads that run at the same time. A figure
 * that was made on the wrong kind of VM is worth nothing, so main.c looks at the number
 * of CPUs.
 *
 * What is NAN here is null in the output: it could not be measured; the detail says why.
 */
#ifndef BENCH_H
#define BENCH_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "rig.h"
#include "sys.h"

#define KIB	(1ul << 10)
#define MIB	(1ul << 20)
#define GIB	(1ul << 30)
#define PAGE	4096ul
#define BLOCK	(2 * MIB)	/* of a transparent huge page */

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* The two sides of each comparison. */
enum backend { OURS, TYPE1, BACKENDS };

/* What to give VFIO_SET_IOMMU. */
#define EXTENSION(backend) \
	((backend) == OURS ? VFIO_IOPF_IOMMU : VFIO_TYPE1v2_IOMMU)

/* Names of series in plots: the same everywhere. */
#define SERIES_OURS	"unpinned (vfio-iopf)"
#define SERIES_TYPE1	"pinned (type1)"
#define SERIES_CPU	"CPU's own page faults"
#define SERIES_NONE	"no VFIO"

struct options {
	bool quick;		/* fewer runs, smaller sizes */
	unsigned int runs;	/* of each measurement; 0: as the benchmark likes */
};

struct result {
	json_object *figures;
};

/**
 * struct bench - a benchmark
 * @name: on the command line, and of its output file
 * @what: one line
 * @icount: it counts instructions
 * @apart: not one of make bench's; a script of its own runs it
 * @run: returns 0, or -1 having said on standard error what is wrong
 */
struct bench {
	const char *name;
	const char *what;
	bool icount;
	bool apart;
	int (*run)(struct result *to, const struct options *opt);
};

/* How many runs, if --runs does not say. */
static inline unsigned int runs_of(const struct options *opt, unsigned int full,
				   unsigned int quick)
{
	if (opt->runs)
		return opt->runs;
	return opt->quick ? quick : full;
}

/* result.c: the output */

/* A figure by its key; it belongs to the result. */
json_object *figure_add(struct result *to, const char *key, const char *unit, double value);

void put_number(json_object *to, const char *name, double value);
void put_text(json_object *to, const char *name, const char *text);
void put_numbers(json_object *to, const char *name, const double *values, unsigned int n);

/* The members of an object within an object, made if it is not there: "detail". */
json_object *put_object(json_object *to, const char *name);

/* The container's counters that a reader may want to see, into an object. */
void put_stats(json_object *to, const struct vfio_iopf_stats *stats);

/* A plot of a figure, and its series, one y for each x. */
json_object *plot_add(json_object *figure, const char *x_label, const char *y_label, bool log_x,
		      bool log_y, const double *x, unsigned int n);
void plot_series(json_object *plot, const char *name, const double *y, unsigned int n);

/* clock.c: time and statistics */

/* Nanoseconds since some point in the past; instructions in a VM with --icount. */
uint64_t now_ns(void);

/* What two calls of now_ns() one after the other differ by. */
uint64_t clock_cost_ns(void);

/* The time since @start without the clock's own cost; not below 0. */
double since_ns(uint64_t start);

/* Of values in any order; NAN for none. */
double median(const double *values, unsigned int n);
double percentile(const double *values, unsigned int n, double percent);

/* wait.c: waiting for the device, to the microsecond */

/* From now on this thread gives way to everything else; needed once, before the next. */
int patience(void);

/* Wait for the descriptor submitted last; *@outcome is what became of it. */
int await(struct sdma_queue *q, struct softdma_desc *outcome);

/* The same, looking every 300 us and asleep in between; needs no patience(). */
int await_asleep(struct sdma_queue *q, struct softdma_desc *outcome);

/* Run descriptors; *@ns: from before the doorbell until the last one's completion is seen. */
int timed(struct sdma_queue *q, struct softdma_desc *desc, unsigned int n, double *ns);

/* memory.c: memory to give to devices, aligned to 2 MiB */

enum memory_kind {
	MEMORY_4K,	/* never a huge page */
	MEMORY_THP,	/* transparent huge pages */
};

/* Not touched; NULL, having said so, if there is none. Give it back by munmap(). */
void *memory_get(size_t bytes, enum memory_kind kind);

/* Write a word into each page; THP: checks that huge pages came. Returns 0 or -1. */
int memory_touch(void *mem, size_t bytes, enum memory_kind kind);

/* How many of its pages the CPU's page table has. */
uint64_t memory_present_pages(const void *mem, size_t bytes);

/* charged.c: what the kernel has allocated for this process; in a VM with one CPU */

/* Once, before what is to be counted. */
int charged_begin(void);

/* In bytes, exact as long as nothing else is done meanwhile; NAN if it can't be told. */
double charged_bytes(void);

/* device.c: the device at work, in a VM with one CPU */

#define IOVA_SOURCE	0x40000000ull	/* what it copies from: below IOVA_MEMORY */
#define SOURCE_BYTES	MIB
#define DEVICE_BATCH	512u		/* operations by one doorbell */

/* rig_open(), and a source to copy from that the device has used. */
int device_open(struct rig *rig, enum backend backend, void **source);

/* Open a device, call @once for each of @runs, which stops at one that fails, and close it. */
int device_runs(enum backend backend, unsigned int runs,
		int (*once)(struct rig *rig, enum backend backend, void *what, unsigned int run),
		void *what);

/* Run descriptors; adds the time to *@ns, unless it is NULL. */
int device_do(struct sdma_queue *q, struct softdma_desc *desc, unsigned int n, double *ns);

/* Write all of a range in order, a multiple of SOURCE_BYTES. */
int device_write_range(struct rig *rig, uint64_t iova, uint64_t bytes, double *ns);

/* Write whole pages, given by their numbers from IOVA_MEMORY on. */
int device_write_pages(struct rig *rig, const uint64_t *pages, unsigned int nr, double *ns);

/* @nr different numbers below @of, the same each time; to be freed. */
uint64_t *random_pages(unsigned int nr, uint64_t of, uint64_t seed);

/* softiommu's counters and times, in debugfs */
double softiommu_stat(const char *name);
int softiommu_times_reset(void);

/* All of them added up, in ns. */
double softiommu_times_sum(void);

/* The times of the last responses in ns, at most @max; how many, or -1. */
int softiommu_times(double *ns, unsigned int max);

/* trace.c: what Linux's Intel driver sends to its IOMMU */

#define TRACE_FAULTS	4096

/**
 * struct trace - what was seen between trace_begin() and trace_end()
 * @iotlb: invalidations of the IOMMU's TLB, each of one range
 * @device: of a device's TLB
 * @waits: how often the driver waited for them
 * @faults: instructions from the last interrupt for page requests to a response
 * @nr_faults: how many responses
 */
struct trace {
	unsigned int iotlb, device, waits;
	double faults[TRACE_FAULTS];
	unsigned int nr_faults;

	/* private */
	double interrupt_at;
	bool lost;
};

int trace_begin(void);
int trace_end(struct trace *to);

/* The benchmarks, in files of their own. */
extern const struct bench bench_bounds;
extern const struct bench bench_cold;
extern const struct bench bench_density;
extern const struct bench bench_fault_resident;
extern const struct bench bench_faults_per_gib;
extern const struct bench bench_first_dma;
extern const struct bench bench_hot;
extern const struct bench bench_hot_instructions;
extern const struct bench bench_hot_intel;
extern const struct bench bench_intel;
extern const struct bench bench_latency;
extern const struct bench bench_map_dma;
extern const struct bench bench_metadata;
extern const struct bench bench_mm_untouched;
extern const struct bench bench_pressure;
extern const struct bench bench_resident;
extern const struct bench bench_resident_intel;
extern const struct bench bench_scaling;
extern const struct bench bench_segment_size;
extern const struct bench bench_series;
extern const struct bench bench_stubborn;
extern const struct bench bench_window;

#endif /* BENCH_H */
