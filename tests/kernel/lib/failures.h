/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's fault injection (Documentation/fault-injection/): its attributes below debugfs,
 * of the kinds "failslab", "fail_page_alloc" and "fail_usercopy".
 */
#ifndef VIOPF_TEST_FAILURES_H
#define VIOPF_TEST_FAILURES_H

/* One attribute of a kind, if that has it. Fails the case if it can't be written. */
void failures_set(const char *kind, const char *name, const char *value);

/* And of all kinds. */
void failures_set_all(const char *name, const char *value);

/*
 * Make ready: any allocation or copy may fail, whatever it is for, quietly and as often as asked.
 * None does yet. Skips the case on a kernel that can't.
 */
void failures_prepare(void);

/* None fails any more. Each case ends so, if it got to its own end or not. */
void failures_end(void);

/*
 * Only what has the module's @function on the stack, or any of its functions (NULL), where the
 * kernel can tell.
 */
int failures_know_stacks(void);
void failures_only_below(const char *function);

#endif /* VIOPF_TEST_FAILURES_H */
