/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * softmm.ko: memory as it is with CPU features and devices that an emulator may lack. Loads it
 * where it is not there; the suite removes it. Everything here fails the case, rather than
 * return an error.
 */
#ifndef VIOPF_TEST_SOFTMM_H
#define VIOPF_TEST_SOFTMM_H

/* A knob. Skips the case if the kernel is built without what it is about. */
void softmm_set(const char *file, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What a file there says. */
unsigned int softmm_number(const char *file);

/* A page of it: "device" or "memory". */
char *softmm_map(const char *file, int prot);

#endif /* VIOPF_TEST_SOFTMM_H */
