/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is read without the lock that it is written under, on CPUs that reorder.
 *
 * Each process here is a few accesses of one thread, each with the numbers of those that it
 * has to come after: by the kernel's memory model (tools/memory-model/Documentation in the
 * kernel's source), what is after an acquire, before a release, on both sides of a barrier,
 * or depends on what was read. All others may change places in any way. To lock is an
 * acquire, so what stands before it may sink into it; to unlock is a release.
 *
 * Memory is one for all, so it is not shown what CPUs do that show a write to some before
 * others: that makes no difference with two threads, and where there are three here (PUBLISH)
 * the second one has a release, which the model makes pass on what it has seen. herd7, which
 * knows all of the kernel's model, is no package of Debian's.
 *
 *  ANSWERING	A worker reads worker->answering and then frees its group, which whoever
 *		answers it may still use: viopf_worker_respond() and _finish(), fault/pool.c,
 *		viopf_worker_answer(), fault/cancel.c. It has to take fault_lock in between.
 *  WAKING	A worker looks at the queue and sleeps; a group is queued and it is to be woken:
 *		viopf_worker_wait(), fault/pool.c, viopf_faults_queue(), fault/answer.c.
 *  PARKING	A group begins to wait while the container fails: viopf_waiting_add() and
 *		viopf_waiting_fail(), fault/waiting.c; iommu->failed is set under no lock of both.
 *  PUBLISH	A segment is published, found by mtree_load(), and reads iommu->set, which is
 *		being replaced: object/segment.c, table/table.c, change/set.c.
 *  OWNER	exec gives a process's mm away, and changes its credentials:
 *		viopf_owner_become(), fault/owner.c.
 *  ADVICE	A prefetch fails, as the mapping's address is updated: uapi/advise.c,
 *		viopf_vaddr_resume(), change/vaddr.c.
 *
 * MUTANT FINISH_UNLOCKED	!(freed)
 * MUTANT WAITQUEUE_ACTIVE	waiting
 * MUTANT PARK_UNLOCKED	parked
 * MUTANT PUBLISH_PLAIN	made
 * MUTANT PUBLISH_UNLOCKED	table_set
 * MUTANT SET_AFTER_WALK	table_set
 * MUTANT SET_PLAIN	filled
 * MUTANT NO_RMB	owned
 * MUTANT ADVICE_UNLOCKED	spurious
 */
#define B(n)	(1 << (n))
/* Access n, which comes after those of the set. */
#define access(n, set)	!(did & B(n)) && (did & (set)) == (set) -> did = did | B(n)

bool lock, table_lock;

/* ANSWERING */
bool answering = true, freed;

proctype answerer()
{
	byte did;

end:	do
	:: atomic { access(0, 0); assert(!freed) }	/* uses the group */
	:: atomic { !lock && access(1, 0); lock = true }
	:: atomic { access(2, B(1)); answering = false }
	:: atomic { access(3, B(0) | B(1) | B(2)); lock = false }
	:: did == 15 -> break
	od
}

proctype answered()
{
	byte did;

end:	do
	/* Had it read true with the lock held, it would not be there yet: no run goes on so. */
	:: atomic { !answering && access(0, 0) }
#ifdef FINISH_UNLOCKED
	:: atomic { access(1, 0) }
	:: atomic { access(2, 0) }
	:: atomic { access(3, B(0)); freed = true }
#else
	:: atomic { !lock && access(1, 0); lock = true }
	:: atomic { access(2, B(0) | B(1)); lock = false }
	:: atomic { access(3, B(0) | B(1)); freed = true }	/* depends on what 0 read */
#endif
	:: did == 15 -> break
	od
}

/* WAKING: lock is that of the wait queue. */
bool in_line, waiting, woken, nothing;

proctype waker()
{
	byte did;

	do
	:: atomic { access(0, 0); in_line = true }
#ifdef WAITQUEUE_ACTIVE
	:: atomic { access(1, 0) }
	:: atomic { access(2, 0); woken = waiting }
	:: atomic { access(3, 0) }
#else
	:: atomic { !lock && access(1, 0); lock = true }
	:: atomic { access(2, B(1)); woken = waiting }
	:: atomic { access(3, B(0) | B(1) | B(2)); lock = false }
#endif
	:: did == 15 -> break
	od
}

proctype sleeper()
{
	byte did;

	do
	:: atomic { !lock && access(0, 0); lock = true }
	:: atomic { access(1, B(0)); waiting = true }
	:: atomic { access(2, B(1)) }			/* set_current_state(): a barrier */
	:: atomic { access(3, B(0) | B(1) | B(2)); lock = false }
	:: atomic { access(4, B(2)); nothing = !in_line }
	:: did == 31 -> break
	od
}

/* PARKING */
bool failed, parked, seen;

proctype fails()
{
	byte did;

	do
	:: atomic { access(0, 0); failed = true }	/* xchg(): a barrier */
	:: atomic { !lock && access(1, B(0)); lock = true }
	:: atomic { access(2, B(1)); parked = false }
	:: atomic { access(3, B(1) | B(2)); lock = false }
	:: did == 15 -> break
	od
}

proctype parks()
{
	byte did;

	do
	:: atomic { !lock && access(0, 0); lock = true }
#ifdef PARK_UNLOCKED
	:: atomic { access(1, 0); seen = failed }
#else
	:: atomic { access(1, B(0)); seen = failed }
#endif
	:: atomic { access(2, B(0) | B(1)); parked = parked || !seen }
	:: atomic { access(3, B(0) | B(1) | B(2)); lock = false }
	:: did == 15 -> break
	od
}

/* PUBLISH: lock is segments_lock. Sets: 0 none, 1 old, 2 new. */
bool made, published, found, filled;
byte set = 1, table_set;

proctype walker()
{
	byte did;

	do
	:: atomic { access(6, 0); filled = true }	/* what is in the new set */
#ifdef SET_AFTER_WALK
	:: atomic { access(0, B(5) | B(6)); set = 2 }
	:: atomic { access(5, B(1) | B(4)); lock = false }
#elif defined(SET_PLAIN)
	:: atomic { access(0, 0); set = 2 }		/* WRITE_ONCE() */
	:: atomic { access(5, B(0) | B(1) | B(4)); lock = false }
#else
	:: atomic { access(0, B(6)); set = 2 }	/* smp_store_release(&iommu->set) */
	:: atomic { access(5, B(0) | B(1) | B(4)); lock = false }
#endif
	:: atomic { !lock && access(1, 0); lock = true }
	:: atomic { !table_lock && access(2, B(1)); found = published; table_lock = found }
	:: atomic {
		access(3, B(2));
		table_set = (found && table_set -> 2 : table_set)
	   }
#ifdef SET_AFTER_WALK
	:: atomic { access(4, B(3)); table_lock = table_lock && !found }
#else
	:: atomic { (!found || did & B(0)) && access(4, B(3));
		    table_lock = table_lock && !found }	/* a release, if it was locked */
#endif
	:: did == 127 -> break
	od
}

proctype publisher()
{
	byte did;

	do
#ifdef PUBLISH_UNLOCKED
	:: atomic { access(0, 0) }
	:: atomic { access(3, 0) }
#else
	:: atomic { !lock && access(0, 0); lock = true }
	:: atomic { access(3, B(0) | B(1) | B(2)); lock = false }
#endif
	:: atomic { access(1, 0); made = true }		/* its lock, its notifier ... */
#ifdef PUBLISH_PLAIN
	:: atomic { access(2, B(0)); published = true }
#else
	:: atomic { access(2, B(0) | B(1)); published = true }	/* rcu_assign_pointer() */
#endif
	:: did == 15 -> break
	od
}

proctype finder()
{
	byte did;

	do
	:: atomic { published && access(0, 0) }		/* mtree_load() */
	:: atomic { !table_lock && access(1, B(0)); assert(made); table_lock = true }
	:: atomic {
		access(2, B(1));
		assert(table_set || set != 2 || filled);	/* what it looks at next */
		table_set = (table_set -> table_set : set)
	   }
	:: atomic { access(3, B(1) | B(2)); table_lock = false }
	:: did == 15 -> break
	od
}

/* OWNER */
bool stranger, changed, owned;

proctype exec()
{
	byte did;

	do
	:: atomic { access(0, 0); stranger = true }	/* mm_update_next_owner() */
	:: atomic { access(1, B(0)); changed = true }	/* commit_creds(): a release */
	:: did == 3 -> break
	od
}

bool took_changed;

proctype becomes()
{
	byte did;

	do
	:: atomic { access(0, 0); took_changed = changed }	/* get_task_cred() */
#ifdef NO_RMB
	:: atomic { access(1, 0); owned = !stranger }
#else
	:: atomic { access(1, B(0)); owned = !stranger }	/* smp_rmb() */
#endif
	:: did == 3 -> break
	od
}

/* ADVICE */
bool invalid = true, superseded, spurious;

proctype resumes()
{
	byte did;

	do
	:: atomic { !lock && access(0, 0); lock = true }
	:: atomic { access(1, B(0)); invalid = false }
	:: atomic { access(2, B(0)); superseded = true }
	:: atomic { access(3, B(0) | B(1) | B(2)); lock = false }
	:: did == 15 -> break
	od
}

proctype prefetch()
{
	byte did;
	bool again, busy;

	do
#ifdef ADVICE_UNLOCKED
	:: atomic { access(0, 0) }
	:: atomic { access(1, 0); again = superseded }
	:: atomic { access(2, 0); busy = invalid }
	:: atomic { access(3, 0) }
#else
	:: atomic { !lock && access(0, 0); lock = true }
	:: atomic { access(1, B(0)); again = superseded }
	:: atomic { access(2, B(0)); busy = invalid }
	:: atomic { access(3, B(0) | B(1) | B(2)); lock = false }
#endif
	:: did == 15 -> break
	od;
	spurious = !again && !busy
}

init
{
	atomic {
		if
		:: run answerer(); run answered()
		:: run waker(); run sleeper()
		:: run fails(); run parks()
		:: run walker(); run publisher(); run finder()
		:: run exec(); run becomes()
		:: run resumes(); run prefetch()
		fi
	}
end:	_nr_pr == 1;
	assert(!(waiting && !woken && nothing));
	assert(!(failed && parked));
	assert(table_set != 1);
	assert(!(took_changed && owned));
	assert(!spurious)
}
