/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A suite: the cases of one test program, run one after the other, each in a
 * process of its own between a fresh load of the modules and their removal.
 *
 * What a case leaves behind ends with its process: files, mappings, threads.
 * An assertion that fails in a child of the case is not lost, for
 * child_wait() passes it on. What it printed appears as TAP comments.
 */
#ifndef VIOPF_TEST_SUITE_H
#define VIOPF_TEST_SUITE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

/* How long a case may take, unless it says otherwise; see patience(). */
#define CASE_LIMIT_S	90

/* Is it that kernel ("stock", "uml-debug"; see vm/run)? */
int lane_is(const char *name);

/*
 * How long to wait for what should be there within @s seconds on an idle host: hosts are
 * busy, and the kernels with checkers are several times slower.
 */
double patience(double s);

/*
 * How often to try what is worth trying @n times: less often on the debug kernel, which
 * finds what is wrong each time that it happens, and takes its time. The kcsan kernel finds a
 * race now and then.
 */
unsigned int rounds(unsigned int n);

/*
 * How often of @n to reset a device, or end its user, while it faults: each time Linux's Intel
 * driver may meet the fault of its own that docs/hardware.md tells of, and the VM starts
 * again. The kernels with checkers are mended.
 */
unsigned int reset_rounds(unsigned int n);

/**
 * struct suite_case - one test
 * @name: begins with the ledger rows that it shows: "S1 S6 munmap during DMA"
 * @run: the test; cmocka's assertions, and skip_because()
 * @iopf: parameters for vfio_iommu_iopf.ko, or NULL
 * @softiommu: parameters for softiommu.ko, or NULL
 * @softdma: parameters for softdma.ko, or NULL
 * @limit_s: seconds it may take, 0 for CASE_LIMIT_S
 * @arg: for @run, from case_arg()
 * @no_modules: it loads what it needs itself, and unloads it
 * @soft: it is about something that the software hardware alone can do. On other
 *	hardware there is no such case, nor one with parameters for it
 * @newest: it is about something that 6.12 does not have
 * @any: it has parameters for the software hardware; other hardware does without
 */
struct suite_case {
	const char *name;
	void (*run)(void);
	const char *iopf;
	const char *softiommu;
	const char *softdma;
	unsigned int limit_s;
	const void *arg;
	int no_modules;
	int soft;
	int newest;
	int any;
};

/* CASE("S1 name", function, .iopf = "parameters", ...) */
#define CASE(name_, run_, ...)	{ .name = (name_), .run = (run_), __VA_ARGS__ }

/*
 * suite_run - run the cases, printing TAP
 *
 * Arguments of the program: parts of names; with any, only cases with one of
 * them in their name are run. Returns the program's exit code.
 */
int suite_run(const struct suite_case *cases, size_t n, int argc, char **argv);

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define SUITE(cases, argc, argv)	suite_run(cases, ARRAY_SIZE(cases), argc, argv)

/* The running case's @arg. */
const void *case_arg(void);

/* End the case here: what it needs is not there. */
void skip_because(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* Like assert_true(), saying more than the expression. */
#define assert_msg(cond, ...) \
	do { \
		if (!(cond)) { \
			print_error(__VA_ARGS__); \
			print_error("\n"); \
			assert_true(cond); \
		} \
	} while (0)

/* A call that returns 0, or sets errno. */
#define assert_ok(call) \
	do { \
		int ret_ = (int)(call); \
		assert_msg(ret_ == 0, "%s: returned %d, errno %d, %s", #call, \
			   ret_, errno, viopf_error()); \
	} while (0)

/* Run @fn(@arg) in a child; its assertions print there and fail child_wait(). */
pid_t child_run(void (*fn)(void *arg), void *arg);

/* Wait for the child's good end, for @limit_s seconds at the most. */
void child_wait(pid_t pid, unsigned int limit_s);

/*
 * Wait for the child's end, whatever its result. Returns waitpid()'s status;
 * fails if it is still there after @limit_s seconds.
 */
int child_reap(pid_t pid, unsigned int limit_s);

/* The number that an environment variable has, or @otherwise. */
unsigned long env_number(const char *name, unsigned long otherwise);

/* Seconds since some point in the past. */
double now_s(void);

/* Wait until @cond, with an overall limit; evaluates to 0 if it passed. */
#define wait_until(cond, limit_s) \
	({ \
		double by_ = now_s() + patience(limit_s); \
		int met_; \
		while (!(met_ = !!(cond)) && now_s() < by_) \
			nap_ms(1); \
		met_; \
	})

/*
 * What waits for nobody takes far less than this on an idle host; what it must not wait for
 * does not come before.
 */
#define AT_ONCE_S	10

/* That is what was done since now_s() said @start. */
#define assert_at_once(start)	assert_true(now_s() - (start) < patience(AT_ONCE_S))

void nap_ms(unsigned int ms);

#endif /* VIOPF_TEST_SUITE_H */
