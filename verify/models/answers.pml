/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Answers: each page request group gets one, from whoever claims it.
 *
 * Two groups ask for something in one mapping, which is user-handled or not. The handler takes
 * them over; two workers resolve them. The mapping's address may be taken away and given anew; the
 * mapping may be unmapped, and the devices detached, in any order. Somebody may have opened a fault
 * fd, reads and decides. If user space means to unmap and detach, a worker may be blocked in the mm
 * until it is aborted, and the reader may do nothing any more; else these do their part some day.
 *
 * Where a group is at[] says: in one list, or with one who sees to its answer. A step is what the
 * code does in one hold of fault_lock; to send an answer is another one, without it.
 *
 * MUTANT NO_ANSWERED_TEST	replied
 * MUTANT NO_CLAIM		vgroup
 * MUTANT NO_OWN_CLAIM		vgroup
 * MUTANT NO_GIVE_UP_TEST	vgroup
 * MUTANT NO_REFUSE_TEST	vgroup
 * MUTANT NO_ANSWERING		invalid array index
 * MUTANT NO_IDLE_WAIT		vgroup
 * MUTANT NO_DRAIN		invalid end state
 * MUTANT NO_QUEUE_TAKE		invalid end state
 * MUTANT NO_ABORT		invalid end state
 * MUTANT NO_DEAD_TEST		in_container
 * MUTANT NO_FD_TEST		acceptance cycle
 * MUTANT NO_CLOSE_TAKE		acceptance cycle
 * MUTANT NO_UNMAP_TAKE		in_container
 * MUTANT NO_RESUME		acceptance cycle
 * MUTANT NO_REFUSAL_WORK	acceptance cycle
 */

/*
 * Where a group is: on its way; with the handler; queued; with a worker; in a list of those that
 * wait; with whoever unmaps or detaches, or decides or closes the fd, or has mapped its page for
 * another group; and gone.
 */
mtype = { COMING, HANDLED, QUEUED, TAKEN, UNREAD, UNDECIDED, PARKED, REFUSED,
	  CANCELLED, DECIDED, MERGED, FREED };
mtype at[2] = COMING;
bool approved[2];
bool replied[2];		/* a ghost: it has its answer */

/* The container and its group: groups pending, in both; the group is still there. */
byte pending;
bool attached = true, vgroup = true, fault_fd;

/* The mapping. Another one takes its place when it has another address. */
bool user_handled, in_container = true, dead, vaddr_invalid;
byte addresses;

/* struct viopf_worker. The group that a worker has is its number; NOBODY: none. */
#define NOBODY	2
byte group[2] = NOBODY;
bool answered[2], answering[2], aborted[2], suspended[2], entered[2];

bool cuts;	/* user space will unmap and detach */

/* viopf_answer_send(), fault/answer.c: out, and counted no more. */
inline send(out)
{
	d_step {
		assert(vgroup && at[out] != FREED && !replied[out]);
		replied[out] = true;
		pending--
	}
}

/* iopf_free_group() */
inline free_group(gone)
{
	d_step { at[gone] = FREED; approved[gone] = false }
}

/* viopf_answer(), fault/answer.c. */
inline answer(claimed)
{
	atomic { send(claimed); free_group(claimed) }
}

/* viopf_waiting_take_from(), fault/waiting.c. */
inline take(from, list)
{
	at[0] = (at[0] == from -> list : at[0]);
	at[1] = (at[1] == from -> list : at[1])
}

/* For what UNMAP_DMA takes away. */
#define waits(g)	(at[g] == UNREAD || at[g] == UNDECIDED || at[g] == PARKED)

#define room	(at[0] != QUEUED && at[1] != QUEUED)

/* viopf_iopf_handler(), fault/handler.c. */
inline handle()
{
	if
	/* viopf_handler_try() */
	:: in_container && !user_handled && !vaddr_invalid -> answer(g)
	/* viopf_handler_queue() */
	:: at[g] = QUEUED
	/* the same, a flood */
	:: !room -> answer(g)
	fi
}

proctype Handler()
{
	byte g;

	do
	/* iommu_report_device_fault(); viopf_handler_receive() */
	:: atomic { g < 2 && attached -> at[g] = HANDLED; pending++ };
		atomic { handle(); g++ }
	:: d_step { g < 2 && !attached -> at[g] = FREED; replied[g] = true; g++ }
	:: g == 2 -> break
	od;
end:	false
}

mtype = { OK, INVALID, FAILURE, INPROGRESS };

/* viopf_worker_give_up(), fault/answer.c; and what its callers do with the group. */
inline give_up(list)
{
	if
#ifdef NO_GIVE_UP_TEST
	:: true -> at[g] = list; group[me] = NOBODY; ret = INPROGRESS
#else
	:: !answered[me] -> at[g] = list; group[me] = NOBODY; ret = INPROGRESS
	:: answered[me] -> ret = INVALID
#endif
	fi
}

/* viopf_waiting_add(), fault/waiting.c: FAILURE if too many wait. */
inline waiting_add(what)
{
	if
	:: waits(1 - g) || at[1 - g] == REFUSED -> ret = FAILURE
	:: give_up(what)
	fi
}

/* viopf_forward(), fault/forward.c. */
inline forward()
{
	if
	:: !user_handled || approved[g]
#ifndef NO_DEAD_TEST
	:: user_handled && !approved[g] && dead -> ret = INVALID
#endif
#ifndef NO_FD_TEST
	:: user_handled && !approved[g] && !fault_fd -> ret = INVALID
#endif
	:: else -> assert(in_container); waiting_add(UNREAD)
	fi
}

/* viopf_worker_enter(), fault/cancel.c. The process may have ended. */
inline enter()
{
	if
	:: !dead && !vaddr_invalid && !aborted[me] && address == addresses -> entered[me] = true
	:: ret = INVALID
	fi
}

/* viopf_vaddr_wait(), fault/waiting.c. */
inline vaddr_wait()
{
	if
	:: address != addresses || suspended[me] -> give_up(QUEUED)
	:: address == addresses && !suspended[me] && vaddr_invalid -> waiting_add(PARKED)
	:: else
	fi
}

/* viopf_refuse(), fault/refusal.c: later, if there have been too many. */
inline refuse()
{
	if
#ifndef NO_REFUSE_TEST
	:: answered[me]
	:: else ->
#else
	:: true ->
#endif
		assert(vgroup);		/* viopf_refusal_count() */
		if
		:: true
		:: waiting_add(REFUSED)
		fi
	fi
}

/* viopf_worker_finish(), fault/pool.c. */
inline finish()
{
	if
	:: group[me] != NOBODY -> free_group(g)
	:: else
	fi;
	group[me] = NOBODY;
	answered[me] = false;
	aborted[me] = false;
	suspended[me] = false;
	ret = OK;
	address = 0;
	g = 0
}

/* In viopf_worker_respond(): who comes later finds it answered. */
inline own_claim()
{
#ifdef NO_OWN_CLAIM
	skip
#else
	answered[me] = true
#endif
}

/* viopf_worker_main(), fault/pool.c; viopf_fault_resolve(), fault/resolve.c. */
proctype Worker(byte me)
{
	byte g, address;
	mtype ret = OK;

	/* viopf_worker_next(). Of two that are idle it does not matter which. */
end:	atomic {
		(at[0] == QUEUED || at[1] == QUEUED) && (me == 0 || group[0] != NOBODY);
		if
		:: at[0] == QUEUED -> g = 0
		:: at[1] == QUEUED -> g = 1
		fi;
		at[g] = TAKEN;
		group[me] = g;
		/* viopf_mapping_find_get() */
		if
		:: in_container -> address = addresses
		:: !in_container -> goto invalid
		fi
	};

	/* viopf_fault_permitted(). What is approved stays so until the mapping is dead. */
	atomic {
		forward();
		if
		:: ret == OK -> enter()
		:: else
		fi;
		if
		:: ret == OK
		:: ret == INVALID -> goto fails
		:: else -> goto respond
		fi
	};

	/* viopf_fault_page(), in the mm. */
	if
	/* It comes; and another group, in the queue, is satisfied: viopf_merge_answer(). */
	:: atomic { !user_handled && !dead && at[1 - g] == QUEUED -> at[1 - g] = MERGED };
		atomic { answer(1 - g); entered[me] = false; goto respond }
	:: atomic { entered[me] = false; goto respond }
	/* It never will; or it is waited for, and nothing but an abort ends that. */
	:: atomic { entered[me] = false; goto fails }
	:: cuts -> atomic { aborted[me] -> entered[me] = false; goto fails }
	fi;

fails:	atomic {
		ret = INVALID;
		if
		:: !user_handled -> vaddr_wait()
		:: else
		fi;
		if
		:: ret == INVALID
		:: else -> goto respond
		fi
	};
invalid:
	atomic { refuse() };

	/* viopf_worker_respond(), fault/pool.c. */
respond:
	atomic {
		ret = OK;
		if
		:: group[me] == NOBODY -> finish(); goto end
		:: group[me] != NOBODY && answered[me]
		:: group[me] != NOBODY && !answered[me] -> own_claim(); goto ours
		fi
	};
#ifdef NO_ANSWERED_TEST
	goto ours;
#endif
	atomic {
#ifndef NO_ANSWERING
		!answering[me];
#endif
		finish();
		goto end
	};
ours:	atomic { send(g); finish(); goto end }
}

/* viopf_refusal_work(), fault/refusal.c. */
proctype Refusal()
{
end:	do
	:: atomic { at[0] == REFUSED -> answer(0) }
	:: atomic { at[1] == REFUSED -> answer(1) }
	od
}

/* uapi/fault_fd.c: read, write, close. */
inline read(wanted)
{
	/* viopf_fault_fd_fetch_from() */
	atomic { at[wanted] == UNREAD -> at[wanted] = UNDECIDED }
}

/* viopf_fault_fd_take(): CONTINUE, or another answer. */
inline write(wanted)
{
	atomic { at[wanted] == UNDECIDED ->
		if
		:: approved[wanted] = true; at[wanted] = QUEUED
		:: at[wanted] = DECIDED
		fi }
}

proctype Reader()
{
end_none:
	fault_fd ->
	do
	:: read(0)
	:: read(1)
	:: write(0)
	:: write(1)
	:: atomic { at[0] == DECIDED -> answer(0) }
	:: atomic { at[1] == DECIDED -> answer(1) }
	:: cuts && at[0] != DECIDED && at[1] != DECIDED -> goto end
	/* viopf_fault_fd_release() */
	:: atomic { fault_fd ->
		fault_fd = false;
#ifndef NO_CLOSE_TAKE
		take(UNREAD, DECIDED);
		take(UNDECIDED, DECIDED)
#endif
		}
	:: !fault_fd && at[0] != DECIDED && at[1] != DECIDED -> break
	od;
end:	false
}

/* viopf_worker_abort(), fault/cancel.c. */
#ifdef NO_ABORT
#define abort(w)	skip
#else
#define abort(w)	aborted[w] = true
#endif

/* viopf_claim_workers(), fault/cancel.c. */
inline claim(w, matches)
{
	if
	:: group[w] != NOBODY && matches && !answered[w] ->
#ifndef NO_CLAIM
		answered[w] = true;
#endif
		answering[w] = true;
		abort(w)
	:: else
	fi
}

/* viopf_answer_list() and viopf_answer_claimed(). */
inline answer_all()
{
	do
	:: atomic { at[0] == CANCELLED -> answer(0) }
	:: atomic { at[1] == CANCELLED -> answer(1) }
	:: atomic { answering[0] -> send(group[0]); answering[0] = false }
	:: atomic { answering[1] -> send(group[1]); answering[1] = false }
	:: at[0] != CANCELLED && at[1] != CANCELLED && !answering[0] && !answering[1] -> break
	od
}

/* viopf_waiting_take() */
inline take_waiting()
{
	take(PARKED, CANCELLED);
	take(REFUSED, CANCELLED);
	take(UNREAD, CANCELLED);
	take(UNDECIDED, CANCELLED)
}

/* viopf_faults_suspend(), fault/cancel.c: UNMAP_DMA of an address. */
inline suspend()
{
	d_step {
		vaddr_invalid = true;
		suspended[0] = suspended[0] || entered[0];
		suspended[1] = suspended[1] || entered[1];
		aborted[0] = aborted[0] || entered[0];
		aborted[1] = aborted[1] || entered[1]
	}
}

/* viopf_vaddr_update() and viopf_vaddr_resume(), change/vaddr.c: MAP_DMA of another. */
inline resume()
{
	dead = true;
	d_step {
		vaddr_invalid = false;
		addresses++;
		dead = false;
#ifndef NO_RESUME
		take(PARKED, QUEUED)
#endif
	}
}

/* viopf_mapping_remove(), change/unmap.c; viopf_faults_cancel_mapping(), fault/cancel.c. */
inline unmap()
{
	d_step {
		dead = true;
		vaddr_invalid = false;
#ifndef NO_UNMAP_TAKE
		take_waiting();
#endif
		claim(0, entered[0]);
		claim(1, entered[1]);
		approved[0] = false;
		approved[1] = false
	};
	answer_all();
	atomic {
		in_container = false;
		assert(in_container || !waits(0));
		assert(in_container || !waits(1))
	}
}

/* viopf_group_detach(), change/attach.c; viopf_faults_cancel_group(), fault/cancel.c. */
inline detach()
{
	/*
	 * viopf_quarantine_group(), change/quarantine.c: when the IOMMU driver returns from
	 * it, no iommu_report_device_fault() is running or will begin.
	 */
#ifdef NO_DRAIN
	attached = false;
#else
	atomic { at[0] != HANDLED && at[1] != HANDLED -> attached = false };
#endif
	d_step {
		claim(0, true);
		claim(1, true);
		take_waiting();
#ifndef NO_QUEUE_TAKE
		take(QUEUED, CANCELLED)
#endif
	};
	answer_all();
#ifndef NO_IDLE_WAIT
	!pending;
#endif
	vgroup = false
}

/* User space, with container->lock. */
proctype Client()
{
	if
	:: !user_handled -> suspend();
		if
		:: resume()
		:: cuts
		fi
	:: true
	fi;
	do
	:: cuts && in_container -> unmap()
	:: cuts && attached -> detach()
	:: !cuts || !in_container && !attached -> break
	od;
end:	false
}

init
{
	atomic {
		if
		:: true
		:: user_handled = true
		:: user_handled = true; fault_fd = true
		fi;
		if
		:: true
		:: cuts = true
		fi;
		run Handler();
		run Worker(0);
#ifndef FAIRNESS	/* a pool of one has to get on, too */
		run Worker(1);
#endif
#ifndef NO_REFUSAL_WORK
		run Refusal();
#endif
		run Reader();
		run Client()
	};
end:	false
}

ltl all_answered { <> (at[0] == FREED && at[1] == FREED && !pending) }
