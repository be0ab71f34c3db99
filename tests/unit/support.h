/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the unit tests share: checks, random bytes, and the knobs of the shims.
 *
 * The code under test is module/ and soft/, compiled as it is against shim/. For
 * each subject there is a driver, <subject>_drive(), which turns a string of bytes into
 * operations, does them to the real thing and to a brute-force model side by
 * side, and compares the two after each. Tests feed it random bytes; so does a
 * fuzzer, through LLVMFuzzerTestOneInput().
 */
#ifndef UNIT_SUPPORT_H
#define UNIT_SUPPORT_H

#include <stdarg.h>
#include <setjmp.h>
#include <linux/types.h>

/* In drivers and models: works under cmocka and without. */
#define CHECK(condition) \
	do { \
		if (!(condition)) \
			check_failed(#condition, __FILE__, __LINE__); \
	} while (0)

extern void (*check_failed)(const char *what, const char *file, int line);

/* The shims' knobs. */
extern unsigned int shim_warnings;	/* WARN_ON_ONCE()s that were true */
extern unsigned int shim_blocks;	/* allocations not freed yet */
extern unsigned int shim_fail_nth;	/* which allocation from now fails; 0: none */

/* A string of bytes, as numbers. When it has run out they are all 0. */
struct bytes {
	const u8	*next;
	size_t		left;
};

u32 bytes_take(struct bytes *b, unsigned int nr_bytes);
u32 bytes_below(struct bytes *b, u32 limit);	/* 0 <= result < limit */

/* Random numbers: $VIOPF_SEED, else always the same. */
u64 random_u64(void);
u32 random_below(u32 limit);

typedef void (*drive_fn)(struct bytes *b);

/* Calls @drive @nr times with up to @max_bytes random bytes. */
void drive_randomly(drive_fn drive, unsigned int nr, size_t max_bytes);

void residency_drive(struct bytes *b);
void iova_drive(struct bytes *b);
void window_drive(struct bytes *b);
void names_drive(struct bytes *b);
void pgtable_drive(struct bytes *b);

/* For cmocka: begins each test with the knobs at rest, ends it without leaks. */
int unit_setup(void **state);
int unit_teardown(void **state);

/* A struct CMUnitTest; the name says which rows of the ledger it shows. */
#define UNIT_TEST(name, function) \
	{ name, function, unit_setup, unit_teardown, NULL }

/* Sets up TAP output, prints the seed. */
void unit_start(void);

#endif /* UNIT_SUPPORT_H */
