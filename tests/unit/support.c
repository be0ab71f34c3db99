// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks, random bytes and the state behind the shims. Linked with everything,
 * the fuzzer included, so it must not need cmocka: see unit.c for that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bug.h>
#include <linux/slab.h>

#include "support.h"

#define DEFAULT_SEED	0x766966696f706621ULL

static void die(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
	abort();
}

void (*check_failed)(const char *what, const char *file, int line) = die;

unsigned int shim_warnings;
unsigned int shim_blocks;
unsigned int shim_fail_nth;

bool shim_warn(bool condition, const char *what, const char *file, int line)
{
	(void)what;
	(void)file;
	(void)line;
	if (condition)
		shim_warnings++;
	return condition;
}

static bool alloc_fails(void)
{
	return shim_fail_nth && !--shim_fail_nth;
}

void *shim_alloc(size_t nr, size_t bytes, bool zero)
{
	void *p;

	if (alloc_fails())
		return NULL;
	p = calloc(nr, bytes);
	if (!p)
		abort();
	if (!zero)
		memset(p, 0xa5, nr * bytes);
	shim_blocks++;
	return p;
}

/* Always moves, so that whoever kept the old pointer is found out. */
void *shim_realloc(void *old, size_t nr, size_t bytes)
{
	void *p;

	if (alloc_fails())
		return NULL;
	p = reallocarray(old, nr, bytes);
	if (!p)
		abort();
	shim_blocks += !old;
	return p;
}

void shim_free(void *p)
{
	shim_blocks -= !!p;
	free(p);
}

u32 bytes_take(struct bytes *b, unsigned int nr_bytes)
{
	u32 value = 0;

	for (; nr_bytes && b->left; nr_bytes--, b->left--)
		value = value << 8 | *b->next++;
	return value;
}

u32 bytes_below(struct bytes *b, u32 limit)
{
	return bytes_take(b, limit > 0x10000 ? 4 : limit > 0x100 ? 2 : 1) %
	       limit;
}

/* Steele, Lea and Flood's SplitMix64. */
u64 random_u64(void)
{
	static u64 state;
	static bool seeded;
	const char *seed;
	u64 z;

	if (!seeded) {
		seed = getenv("VIOPF_SEED");
		state = seed ? strtoull(seed, NULL, 0) : DEFAULT_SEED;
		printf("# VIOPF_SEED=%#llx\n", state);
		seeded = true;
	}
	z = state += 0x9e3779b97f4a7c15ULL;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

u32 random_below(u32 limit)
{
	return random_u64() % limit;
}

void drive_randomly(drive_fn drive, unsigned int nr, size_t max_bytes)
{
	u8 *buffer = malloc(max_bytes);
	size_t i;

	if (!buffer)
		abort();
	for (; nr; nr--) {
		struct bytes b = { buffer, 1 + random_below(max_bytes) };

		for (i = 0; i < b.left; i++)
			buffer[i] = random_u64();
		drive(&b);
	}
	free(buffer);
}
