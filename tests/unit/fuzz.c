// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fuzzer's entry: the first byte chooses the subject, the others are what its
 * driver does.
 */
#include <linux/types.h>

#include "support.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const drive_fn subject[] = {
		residency_drive, iova_drive, window_drive, pgtable_drive,
		names_drive,
	};
	struct bytes b = { data, size };
	u32 which = bytes_below(&b, 5);

	subject[which](&b);
	return 0;
}
