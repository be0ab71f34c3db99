/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For whom memory is brought in and mapped: see owner.c.
 */
#ifndef VIOPF_OWNER_H
#define VIOPF_OWNER_H

#include <linux/mempolicy.h>

struct cred;
struct mem_cgroup;
struct mm_struct;
struct viopf_fault_ctx;

/**
 * struct viopf_charge - what is allocated is charged to the owner of an mm
 * @memcg: the owner's memory cgroup; a reference
 * @old: what was charged before
 */
struct viopf_charge {
	struct mem_cgroup	*memcg;
	struct mem_cgroup	*old;
};

/**
 * struct viopf_owner - a worker stands for the owner of an mm
 * @charge: it is charged
 * @cred: its credentials; a reference
 * @old_cred: the worker's own
 * @policy: a copy of its NUMA policy, if it has one
 * @old_policy: the worker's own
 * @has_policy: it has one
 */
struct viopf_owner {
	struct viopf_charge	charge;
	const struct cred	*cred;
	const struct cred	*old_cred;
	struct mempolicy	policy;
	struct mempolicy	*old_policy;
	bool			has_policy;
};

void viopf_charge_begin(struct viopf_charge *charge, struct mm_struct *mm);
void viopf_charge_end(struct viopf_charge *charge);
int viopf_owner_begin(struct viopf_owner *owner, struct viopf_fault_ctx *ctx,
		      struct mm_struct *mm);
void viopf_owner_end(struct viopf_owner *owner);
bool viopf_owner_is_joined(void);
void viopf_owner_leave(void);

#endif /* VIOPF_OWNER_H */
