// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let a PCI device copy memory that is not pinned.
 *
 *	copy BDF [SECONDS]	e.g. copy 5d4a:00:00.0
 *
 * With SECONDS it copies again and again for so long, and has the kernel page out the copy
 * each time, if there is swap, so that the device has to ask for it anew.
 *
 * The device is a softdma engine (soft/softdma.h) bound to vfio-pci or free to
 * be bound. Any device of yours works the same way up to where its registers
 * are written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <viopf.h>

#include "softdma_client.h"

#define SIZE	(8ul << 20)
#define IOVA	0x100000000ull		/* where the device sees the memory */
#define RW	(VIOPF_READ | VIOPF_WRITE)

static void check(int err)
{
	if (err < 0) {
		fprintf(stderr, "%s\n", viopf_error());
		exit(EXIT_FAILURE);
	}
}

/* One copy by the device, from the first half of @buf to the second. */
static void copy(struct sdma *dma, char *buf)
{
	struct softdma_desc copy = sdma_copy(IOVA + SIZE, IOVA, SIZE);

	if (sdma_do(&dma->q[0], &copy, 10000) == SOFTDMA_OK && !memcmp(buf, buf + SIZE, SIZE))
		return;
	puts("the copy failed");
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	time_t until = time(NULL) + (argc > 2 ? atoi(argv[2]) : 0);
	const char *bdf = argc > 1 ? argv[1] : "5d4a:00:00.0";
	char *buf = aligned_alloc(4096, 2 * SIZE), *ring = aligned_alloc(4096, 4096);
	struct viopf_container *container;
	struct vfio_iopf_stats stats;
	struct viopf_device *dev;
	struct sdma dma;

	check(viopf_bind(bdf));
	check(viopf_container_open(&container, &bdf, 1, VFIO_IOPF_IOMMU));
	check(viopf_map(container, buf, IOVA, 2 * SIZE, RW));
	check(viopf_map(container, ring, IOVA + 2 * SIZE, 4096, RW));
	check(viopf_device_open(container, bdf, &dev));
	check(sdma_open(&dma, dev));
	check(sdma_queue_start(&dma, 0, ring, IOVA + 2 * SIZE, 6));

	sdma_pattern_fill(buf, SIZE, 1, 0);
	for (copy(&dma, buf); time(NULL) < until; copy(&dma, buf)) {
		madvise(buf + SIZE, SIZE, MADV_PAGEOUT);
		usleep(100000);
	}
	check(viopf_stats(container, &stats));
	printf("%lu MiB copied: %llu faults, %llu pages resident\n", SIZE >> 20,
	       stats.faults, stats.resident_pages);
	viopf_device_close(dev);
	viopf_container_close(container);
	return system("grep -E 'VmLck|VmPin' /proc/$PPID/status") ? EXIT_FAILURE : EXIT_SUCCESS;
}
