/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A check of all records, for tests: see verify.c.
 */
#ifndef VIOPF_VERIFY_H
#define VIOPF_VERIFY_H

void viopf_verify_init(void);
void viopf_verify_exit(void);

#endif /* VIOPF_VERIFY_H */
