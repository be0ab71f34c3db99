// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a process that is none: another device's registers (VM_PFNMAP). Our device reaches
 * them all the same, as its error tells: the software one can get at RAM alone. Where the
 * machine has no such device they are softmm.ko's, and RAM.
 *
 * LANES: stock uml-debug
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "advice.h"
#include "locking.h"
#include "rig.h"
#include "softmm.h"

/* What becomes of our device's access to it. */
static enum softdma_status reached;

/* A rig; and a page of the registers of a device that has nothing to do with it. */
static char *rig_open_device(struct rig *rig, int prot)
{
	int fd = open("/sys/bus/pci/devices/0000:00:1f.2/resource5", O_RDWR | O_CLOEXEC);
	char *p = mmap(NULL, PAGE, prot, MAP_SHARED, fd, 0);

	close(fd);
	rig_open(rig, 1);
	reached = p == MAP_FAILED ? SOFTDMA_OK : SOFTDMA_BUS_ERROR;
	return p == MAP_FAILED ? softmm_map("device", prot) : p;
}

/*
 * Another device's registers, mapped in the process: no memory, but mapped for our
 * device all the same, as its error tells, and taken away again.
 */
static void not_memory(void)
{
	char *p, *mmio;
	struct rig rig;

	mmio = rig_open_device(&rig, PROT_READ | PROT_WRITE);
	p = mem_anon(PAGE);
	rig_map(&rig, mmio, IOVA_BASE, PAGE);
	rig_map(&rig, p, IOVA_BASE + PAGE, PAGE);
	assert_int_equal(dev_read(&rig, IOVA_BASE, PAGE, reached), 1);
	assert_int_equal(dev_write(&rig, IOVA_BASE, PAGE, reached), 0);
	verify_residency();
	assert_ok(mprotect(mmio, PAGE, PROT_READ));
	assert_int_equal(dev_read(&rig, IOVA_BASE, PAGE, reached), 1);
	dev_write(&rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	assert_ok(mprotect(mmio, PAGE, PROT_READ | PROT_WRITE));

	assert_ok(viopf_disable(rig.c));
	assert_int_equal(dev_write(&rig, IOVA_BASE, PAGE, reached), 0);
	assert_ok(viopf_enable(rig.c));
	dev_fill(&rig, IOVA_BASE + PAGE, PAGE, 1);
	assert_int_equal(dev_read(&rig, IOVA_BASE, PAGE, reached), 1);
	assert_ok(munmap(mmio, PAGE));
	dev_read(&rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	dev_check(&rig, IOVA_BASE + PAGE, PAGE, 1);
	cpu_check(p, PAGE, 1);
	rig_close(&rig);
}

struct pinner {
	struct rig *rig;
	atomic_int stop;
	atomic_uint rounds;
	int err;
};

static void *pin_and_unpin(void *arg)
{
	struct pinner *pinner = arg;

	while (!atomic_load(&pinner->stop) && !pinner->err) {
		pinner->err = viopf_advise(pinner->rig->c, VFIO_IOPF_ADV_PIN, IOVA_BASE, PAGE,
					   NULL);
		if (!pinner->err)
			pinner->err = viopf_advise(pinner->rig->c, VFIO_IOPF_ADV_UNPIN,
						   IOVA_BASE, PAGE, NULL);
		atomic_fetch_add(&pinner->rounds, 1);
	}
	return NULL;
}

/* The same memory is pinned while a fault is on its way to it, which then finds it there. */
static void not_memory_pinned(void)
{
	struct pinner pinner = { 0 };
	pthread_t thread;
	struct rig rig;
	unsigned int i;
	char *mmio;

	mmio = rig_open_device(&rig, PROT_READ | PROT_WRITE);
	rig_map(&rig, mmio, IOVA_BASE, PAGE);
	pinner.rig = &rig;
	assert_int_equal(pthread_create(&thread, NULL, pin_and_unpin, &pinner), 0);
	for (i = 0; i < 20000 || atomic_load(&pinner.rounds) < 300; i++)
		dev_write(&rig, IOVA_BASE, 8, reached);
	atomic_store(&pinner.stop, 1);
	pthread_join(thread, NULL);
	assert_int_equal(pinner.err, 0);
	assert_int_equal(rig_stats(&rig).resp_invalid, 0);
	rig_close(&rig);
}

/* It is nobody's memory: pinned with a locked-memory limit of 0, as type1 does. */
static void not_memory_limit(void)
{
	struct rig rig;
	char *mmio;

	mmio = rig_open_device(&rig, PROT_READ | PROT_WRITE);
	limit_locking(0);
	assert_ok(viopf_map(rig.c, mmio, IOVA_BASE, PAGE, VIOPF_READ | VIOPF_WRITE | VIOPF_PINNED));
	residency_is(&rig, IOVA_BASE, 1, RW | VFIO_IOPF_PAGE_PINNED);
	assert_int_equal(status_kb("VmLck"), 0);
	rig_close(&rig);
}

/* Which of @pages are dirty, bit by bit. */
static uint64_t dirty_bits(struct rig *rig, unsigned int pages)
{
	uint64_t bits = 0;

	assert_ok(viopf_dirty_get(rig->c, IOVA_BASE, pages * PAGE, &bits));
	return bits;
}

/*
 * Dirty tracking of another device's memory between pages of memory: what is written, and
 * what is only read; and all of it, each time, where it is pinned.
 */
static void not_memory_dirty(void)
{
	char *p, *mmio;
	struct rig rig;

	mmio = rig_open_device(&rig, PROT_READ | PROT_WRITE);
	p = mem_anon(3 * PAGE);
	assert_ptr_equal(mremap(mmio, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE),
			 p + PAGE);
	rig_map(&rig, p, IOVA_BASE, 3 * PAGE);
	dev_write(&rig, IOVA_BASE + PAGE, 8, reached);
	assert_ok(viopf_dirty_start(rig.c));
	assert_int_equal(dirty_bits(&rig, 3), 0);
	dev_read(&rig, IOVA_BASE, PAGE, SOFTDMA_OK);
	dev_read(&rig, IOVA_BASE + PAGE, 8, reached);
	assert_int_equal(dirty_bits(&rig, 3), 0);
	dev_write(&rig, IOVA_BASE + PAGE, 8, reached);
	assert_int_equal(dirty_bits(&rig, 3), 2);
	assert_int_equal(dirty_bits(&rig, 3), 0);
	dev_write(&rig, IOVA_BASE + PAGE, 8, reached);
	dev_write(&rig, IOVA_BASE + 2 * PAGE, 8, SOFTDMA_OK);
	assert_int_equal(dirty_bits(&rig, 3), 6);
	assert_ok(viopf_advise(rig.c, VFIO_IOPF_ADV_PIN, IOVA_BASE + PAGE, PAGE, NULL));
	assert_int_equal(dirty_bits(&rig, 3), 2);
	assert_int_equal(dirty_bits(&rig, 3), 2);
	assert_ok(viopf_disable(rig.c));
	assert_int_equal(dirty_bits(&rig, 3), 7);
	assert_int_equal(dirty_bits(&rig, 3), 7);
	rig_close(&rig);
}

/* What a device and its user can have the kernel say, they can't have it say at will. */
static void says_little(void)
{
	unsigned int i;
	struct rig rig;
	char *mmio;

	assert_ok(shell("dmesg -C"));
	mmio = rig_open_device(&rig, PROT_READ);
	for (i = 0; i < 200; i++) {
		rig_map(&rig, mmio, IOVA_BASE, PAGE);
		dev_write(&rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
		assert_ok(viopf_unmap(rig.c, IOVA_BASE, PAGE, NULL));
	}
	/* 10 in 5 seconds */
	assert_ok(shell("n=$(dmesg | grep -c 'which a device asked for'); "
			"test $n -gt 0 && test $n -lt 200"));
	rig_close(&rig);
}

/* It was let go of as it was looked for, and is memory by the time that it is found. */
static void replaced_meanwhile(void)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, PAGE, 3, 0);
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = softmm_map("device", PROT_READ | PROT_WRITE);
	rig_map(&rig, p, IOVA_BASE, PAGE);
	softmm_set("device_hold", "Y");
	assert_ok(sdma_submit(&rig.dma[0].q[0], &fill, 1));
	assert_true(wait_until(softmm_number("device_held") == 1, 30));
	assert_ptr_equal(mmap(p, PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), p);
	softmm_set("device_hold", "N");
	assert_int_equal(sdma_wait(&rig.dma[0].q[0], 0, DMA_LIMIT_MS, NULL), SOFTDMA_OK);
	cpu_check(p, PAGE, 3);
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("S1 S6 a device's registers", not_memory),
	CASE("S2 S6 a device's registers, pinned during its fault", not_memory_pinned,
	     .iopf = EXACT),
	CASE("S5 S6 a device's registers count against no limit", not_memory_limit),
	CASE("R13 S6 a device's registers, and dirty pages", not_memory_dirty),
	CASE("S6 R16 what devices can say in the kernel's log is limited", says_little),
	CASE("S6 a device's registers, replaced while they are looked for", replaced_meanwhile),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
