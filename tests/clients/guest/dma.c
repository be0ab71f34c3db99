// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only program of the virtual machine that a client under test runs: process 1,
 * alone in the initramfs. It drives a softdma device that was passed through, as a
 * driver of such a machine would: by the physical addresses of the machine's memory.
 *
 * Most of that memory is kept from Linux (mem=), so that nothing but the device and this
 * program ever touches it; "ranges", on the kernel's command line, says where it is. In
 * each MiB of it, a spot, three pages are used: at FILLED the device writes, at WRITTEN
 * this program does, at COPIED the device puts a copy of another spot's WRITTEN. Every
 * RUN_EVERY spots the device also writes RUN_BYTES in one go. Beside that it writes
 * pages that Linux gave us, one by one.
 *
 * Whoever started the machine gives commands on the console, a line each, and gets a
 * line back that begins with "guest: ":
 *
 *   fill	all writes, with new patterns, and a check of them by device and CPU
 *   check	the check alone
 *   use N	has Linux give N MiB, writes to all of it, has the device write and check some
 *		of its pages, and gives it back
 *   quit	ends the machine
 *
 * The answer to the first two is "OPERATIONS operations, BYTES bytes, N wrong", to the third
 * the same and ", N of M pages in plugged memory": in what a virtio-mem device has brought,
 * which Linux prefers for memory of processes. Whatever goes wrong in another way is told in
 * a line "guest: FAILED ..." and ends the machine. For who can't speak to it, "first", on the
 * kernel's command line, is a command that comes before all others.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/pci_regs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "softdma_client.h"

#define PAGE		4096u
#define SPOT		(1ull << 20)
#define FILLED		0u
#define WRITTEN		(64u << 10)
#define COPIED		(128u << 10)
#define RUN		(512u << 10)
#define RUN_BYTES	(256u << 10)
#define RUN_EVERY	16u
#define OWN_PAGES	256u
#define USE_EVERY	32u	/* pages, of which the device gets one */
#define MAX_RANGES	4
#define BATCH		32u
#define RING_LOG2	6	/* a page of descriptors */
#define LIMIT_MS	300000

struct range {
	uint64_t first, end;	/* physical */
	uint8_t *cpu;
};

struct batch {
	struct softdma_desc desc[BATCH];
	unsigned int nr;
};

/* What the device's client calls, here by sysfs (see viopf.h). */
struct viopf_device {
	int config;
};

static struct range ranges[MAX_RANGES];
static unsigned int nr_ranges;
static uint8_t *own;
static uint64_t own_phys[OWN_PAGES];
static struct viopf_device device;
static struct sdma dma;
static struct batch batch;
static uint64_t operations, bytes, wrong, seed;

static void end(void)
{
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

__attribute__((format(printf, 1, 2)))
static void fail(const char *format, ...)
{
	va_list args;

	printf("guest: FAILED ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(" (%s)\n", strerror(errno));
	end();
}

int viopf_config_read(struct viopf_device *dev, uint64_t off, void *buf, size_t len)
{
	return pread(dev->config, buf, len, (off_t)off) == (ssize_t)len ? 0 : -EIO;
}

int viopf_config_write(struct viopf_device *dev, uint64_t off, const void *buf, size_t len)
{
	return pwrite(dev->config, buf, len, (off_t)off) == (ssize_t)len ? 0 : -EIO;
}

int viopf_bus_master(struct viopf_device *dev, int on)
{
	uint16_t command;

	if (viopf_config_read(dev, PCI_COMMAND, &command, sizeof(command)))
		return -EIO;
	command = (uint16_t)(on ? command | PCI_COMMAND_MASTER :
				  command & ~PCI_COMMAND_MASTER);
	return viopf_config_write(dev, PCI_COMMAND, &command, sizeof(command));
}

static uint64_t phys_of(const void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (fd < 0 || pread(fd, &entry, 8, (off_t)((uintptr_t)p / PAGE * 8)) != 8 ||
	    !(entry >> 63))
		fail("no physical address of %p", p);
	close(fd);
	return (entry & ((1ull << 55) - 1)) * PAGE;
}

static void *own_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		fail("no memory");
	return p;
}

static void find_device(void)
{
	uint32_t id, wanted = SOFTDMA_DEVICE_ID << 16 | SOFTDMA_VENDOR_ID;
	glob_t found;
	void *ring;
	size_t i;

	if (glob("/sys/bus/pci/devices/*/config", 0, NULL, &found))
		fail("no PCI device");
	for (i = 0; i < found.gl_pathc; i++) {
		device.config = open(found.gl_pathv[i], O_RDWR);
		if (!viopf_config_read(&device, PCI_VENDOR_ID, &id, sizeof(id)) && id == wanted)
			break;
		close(device.config);
	}
	if (i == found.gl_pathc)
		fail("no softdma device among %zu", found.gl_pathc);
	ring = own_memory(PAGE);
	if (sdma_open(&dma, &device) ||
	    sdma_queue_start(&dma, 0, ring, phys_of(ring), RING_LOG2))
		fail("the device does not start");
}

/* Is an address in memory that a virtio-mem device has brought? */
static int is_plugged(uint64_t phys)
{
	FILE *file = fopen("/proc/iomem", "r");
	unsigned long long first, last;
	char line[128];
	int found = 0;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, "System RAM (virtio_mem)") &&
			sscanf(line, "%llx-%llx", &first, &last) == 2 &&
			phys >= first && phys <= last;
	if (file)
		fclose(file);
	return found;
}

/* "first-end,first-end": physical addresses, hexadecimal. */
static void find_memory(const char *spec)
{
	int fd = open("/dev/mem", O_RDWR);
	unsigned int i;
	char *at;

	for (; spec && *spec && nr_ranges < MAX_RANGES; spec = *at ? at + 1 : at) {
		struct range *r = &ranges[nr_ranges++];

		r->first = strtoull(spec, &at, 16);
		r->end = strtoull(at + 1, &at, 16);
		r->cpu = mmap(NULL, r->end - r->first, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			      (off_t)r->first);
		if (r->cpu == MAP_FAILED)
			fail("cannot reach memory at %#llx", (unsigned long long)r->first);
	}
	if (!nr_ranges)
		fail("no ranges on the kernel's command line");
	own = own_memory(OWN_PAGES * PAGE);
	for (i = 0; i < OWN_PAGES; i++)
		own_phys[i] = phys_of(own + i * PAGE);
}

static void flush(void)
{
	struct softdma_desc *desc = batch.desc;
	unsigned int i;
	int status;

	if (!batch.nr)
		return;
	if (sdma_submit(&dma.q[0], desc, batch.nr))
		fail("the device takes no descriptors");
	for (i = 0; i < batch.nr; i++, desc++) {
		status = sdma_wait(&dma.q[0], batch.nr - 1 - i, LIMIT_MS, desc);
		if (status != SOFTDMA_OK)
			fail("operation %u on %#llx, %#llx ended with %d, queue status %#x",
			     desc->opcode, (unsigned long long)desc->src,
			     (unsigned long long)desc->dst, status,
			     sdma_queue_status(&dma.q[0]));
		operations++;
		bytes += desc->len;
		if (desc->opcode == SOFTDMA_OP_CHECK)
			wrong += desc->result;
	}
	batch.nr = 0;
}

static void add(struct softdma_desc desc)
{
	batch.desc[batch.nr++] = desc;
	if (batch.nr == BATCH)
		flush();
}

static unsigned int nr_spots(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < nr_ranges; i++)
		nr += (unsigned int)((ranges[i].end - ranges[i].first) / SPOT);
	return nr;
}

/* Where spot @n is for the device and, in *@cpu, for us. */
static uint64_t spot(unsigned int n, uint8_t **cpu)
{
	uint64_t offset = n * SPOT;
	unsigned int i;

	for (i = 0; offset >= ranges[i].end - ranges[i].first; i++)
		offset -= ranges[i].end - ranges[i].first;
	*cpu = ranges[i].cpu + offset;
	return ranges[i].first + offset;
}

static uint64_t spot_seed(unsigned int n, unsigned int place)
{
	return seed + n * SPOT + place;
}

/* The first and the last spot swap what they have written, and so on. */
static unsigned int partner(unsigned int n)
{
	return nr_spots() - 1 - n;
}

static void fill(void)
{
	unsigned int n, nr = nr_spots();
	uint64_t at;
	uint8_t *cpu;

	seed += 1ull << 40;
	for (n = 0; n < nr; n++) {
		at = spot(n, &cpu);
		sdma_pattern_fill(cpu + WRITTEN, PAGE, spot_seed(n, WRITTEN), 0);
		add(sdma_fill(at + FILLED, PAGE, spot_seed(n, FILLED), 0));
		if (n % RUN_EVERY == 0)
			add(sdma_fill(at + RUN, RUN_BYTES, spot_seed(n, RUN), 0));
	}
	for (n = 0; n < nr; n++)
		add(sdma_copy(spot(n, &cpu) + COPIED, spot(partner(n), &cpu) + WRITTEN, PAGE));
	for (n = 0; n < OWN_PAGES; n++)
		add(sdma_fill(own_phys[n], PAGE, seed, n * PAGE));
	flush();
}

static void check(void)
{
	unsigned int n, nr = nr_spots();
	uint64_t at;
	uint8_t *cpu;

	for (n = 0; n < nr; n++) {
		at = spot(n, &cpu);
		add(sdma_check(at + WRITTEN, PAGE, spot_seed(n, WRITTEN), 0));
		wrong += sdma_pattern_check(cpu + FILLED, PAGE, spot_seed(n, FILLED), 0);
		wrong += sdma_pattern_check(cpu + COPIED, PAGE, spot_seed(partner(n), WRITTEN),
					    0);
		if (n % RUN_EVERY == 0)
			wrong += sdma_pattern_check(cpu + RUN, RUN_BYTES, spot_seed(n, RUN), 0);
	}
	wrong += sdma_pattern_check(own, OWN_PAGES * PAGE, seed, 0);
	flush();
}

/* Memory of Linux's, as a driver would use it. Returns how many of the pages were plugged. */
static unsigned int use(size_t size)
{
	static uint64_t pattern = 1ull << 63;	/* no other write's */
	uint8_t *p = own_memory(size);
	unsigned int plugged = 0;
	uint64_t phys;
	size_t at;

	pattern += 1ull << 40;
	memset(p, 0x5a, size);
	for (at = 0; at < size; at += USE_EVERY * PAGE) {
		phys = phys_of(p + at);
		plugged += is_plugged(phys);
		add(sdma_fill(phys, PAGE, pattern, at));
	}
	flush();
	for (at = 0; at < size; at += USE_EVERY * PAGE) {
		add(sdma_check(phys_of(p + at), PAGE, pattern, at));
		wrong += sdma_pattern_check(p + at, PAGE, pattern, at);
		wrong += p[at + PAGE] != 0x5a;
	}
	flush();
	munmap(p, size);
	return plugged;
}

static void prepare(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) || mount("sys", "/sys", "sysfs", 0, NULL) ||
	    mknod("/dev/mem", S_IFCHR | 0600, makedev(1, 1)))
		fail("no file systems");
	find_memory(getenv("ranges"));
	find_device();
}

/* What came of a command, in the line that its sender waits for. */
static void tell(const char *more)
{
	printf("guest: %llu operations, %llu bytes, %llu wrong%s\n",
	       (unsigned long long)operations, (unsigned long long)bytes,
	       (unsigned long long)wrong, more);
}

static void obey(const char *line)
{
	unsigned int mib, plugged;
	char more[64] = "";

	operations = 0;
	bytes = 0;
	wrong = 0;
	if (sscanf(line, "use %u", &mib) == 1) {
		plugged = use((size_t)mib << 20);
		snprintf(more, sizeof(more), ", %u of %u pages in plugged memory", plugged,
			 (mib << 20) / (USE_EVERY * PAGE));
	} else {
		if (!strncmp(line, "fill", 4))
			fill();
		check();
	}
	tell(more);
}

int main(void)
{
	const char *first;
	char line[64];

	prepare();
	printf("guest: ready, %u MiB to reach by DMA\n", nr_spots());
	first = getenv("first");
	if (first)
		obey(first);
	while (fgets(line, sizeof(line), stdin) && strncmp(line, "quit", 4))
		obey(line);
	printf("guest: bye\n");
	end();
}
