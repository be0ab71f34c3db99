// SPDX-License-Identifier: GPL-2.0-only
/*
 * The locked-memory limit, which binds only those without CAP_IPC_LOCK.
 */
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <viopf.h>

#include "locking.h"
#include "suite.h"

void limit_locking(size_t bytes)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	struct rlimit limit = { bytes, bytes };

	assert_ok(setrlimit(RLIMIT_MEMLOCK, &limit));
	assert_ok(syscall(SYS_capget, &head, data));
	data[CAP_IPC_LOCK / 32].effective &= ~(1u << (CAP_IPC_LOCK % 32));
	assert_ok(syscall(SYS_capset, &head, data));
}
