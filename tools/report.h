/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What iopf check has to say: findings, each with a state, and with a fix where there is
 * one; printed as lines or JSON.
 */
#ifndef IOPF_REPORT_H
#define IOPF_REPORT_H

#include <json-c/json.h>
#include <stdbool.h>

enum finding_state {
	STATE_OK,
	STATE_PROBLEM,
	STATE_CANT_TELL,
	N_STATES
};

struct finding {
	enum finding_state state;
	char *device;		/* NULL: of the host */
	const char *check;	/* iopf-check(8) lists them */
	char *text;
	char *fix;		/* or NULL */
};

struct report {
	struct finding *v;
	int n;
	const char *device;	/* that findings are about from now on, or NULL */
};

/* One more; @check is a literal. Its fix, if it has one, follows. */
void report_add(struct report *r, enum finding_state state, const char *check,
		const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void report_fix(struct report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int report_count(const struct report *r, enum finding_state state);

/* The worst of a device's findings from @first on, NULL if all are ok. */
const struct finding *report_worst(const struct report *r, int first);

/* Forget all from @first on. */
void report_cut(struct report *r, int first);

/* @parameters: of the module, for the JSON; taken over. */
void report_print(const struct report *r, bool json, struct json_object *parameters);

/* IOPF_OK, _FAILED or _CANT_TELL. */
int report_exit_code(const struct report *r);

#endif /* IOPF_REPORT_H */
