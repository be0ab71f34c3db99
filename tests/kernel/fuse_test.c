// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that serves a file system to itself, maps its file for a device, and no longer
 * answers: the device's page request waits as a CPU would. Whatever ends that process must
 * not wait for it in turn.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuse.h"
#include "rig.h"

#define SIZE	(16 * PAGE)

/* A device at work on a file of our own. */
struct scene {
	struct rig rig;
	struct fuse fuse;
	char *p;
};

/*
 * The files of the container are closed before the server's, as they are opened first. The
 * file that is mapped is closed at once: an exit that closes it would wait for the server.
 */
static void scene_open(struct scene *s)
{
	rig_open(&s->rig, 1);
	fuse_mount(&s->fuse, SIZE);
	s->p = mem_file(s->fuse.fd, SIZE, MAP_SHARED);
	assert_ok(close(s->fuse.fd));
	rig_map(&s->rig, s->p, IOVA_BASE, SIZE);
}

static void scene_close(struct scene *s)
{
	rig_close(&s->rig);
	munmap(s->p, SIZE);
	fuse_abort();
	pthread_join(s->fuse.thread, NULL);
	close(s->fuse.dev);
}

static void submit_read(struct scene *s)
{
	struct softdma_desc desc = sdma_checksum(IOVA_BASE, PAGE, 0);

	assert_ok(sdma_submit(&s->rig.dma[0].q[0], &desc, 1));
}

/* To what the file system is just asked for, as only that has to wait. */
static void submit_write(struct scene *s)
{
	struct softdma_desc desc =
		sdma_fill(IOVA_BASE + atomic_load(&s->fuse.offset), PAGE, 1, 0);

	assert_ok(sdma_submit(&s->rig.dma[0].q[0], &desc, 1));
}

/* Until the file system has been asked once more, and said nothing. */
static void wait_stalled(struct scene *s)
{
	assert_true(wait_until(atomic_load(&s->fuse.stalled) > 0, 30));
}

static void at_work(void)
{
	struct scene s;

	scene_open(&s);
	dev_read(&s.rig, IOVA_BASE, SIZE, SOFTDMA_OK);
	dev_fill(&s.rig, IOVA_BASE, SIZE, 1);
	cpu_check(s.p, SIZE, 1);
	assert_ok(msync(s.p, SIZE, MS_SYNC));
	dev_fill(&s.rig, IOVA_BASE, SIZE, 2);
	cpu_check(s.p, SIZE, 2);
	scene_close(&s);
}

static void unmapped(void)
{
	struct softdma_desc done;
	struct scene s;

	scene_open(&s);
	atomic_store(&s.fuse.stalls, 1);
	submit_read(&s);
	wait_stalled(&s);
	assert_ok(viopf_unmap(s.rig.c, IOVA_BASE, SIZE, NULL));
	assert_int_equal(sdma_wait(&s.rig.dma[0].q[0], 0, DMA_LIMIT_MS, &done),
			 SOFTDMA_FAULT_INVALID);
	scene_close(&s);
}

/*
 * It loses its address and then is unmapped, while a worker can't but wait in it: the answer
 * is UNMAP_DMA's, and when the worker comes back it has none to give, nor to put off.
 */
static void address_gone_and_unmapped(void)
{
	struct vfio_iopf_stats before;
	struct softdma_desc done;
	struct scene s;

	scene_open(&s);
	before = rig_stats(&s.rig);
	atomic_store(&s.fuse.stalls, 1);
	submit_read(&s);
	wait_stalled(&s);
	assert_ok(viopf_unmap_vaddr(s.rig.c, IOVA_BASE, SIZE));
	assert_ok(viopf_unmap(s.rig.c, IOVA_BASE, SIZE, NULL));
	assert_int_equal(sdma_wait(&s.rig.dma[0].q[0], 0, DMA_LIMIT_MS, &done),
			 SOFTDMA_FAULT_INVALID);
	fuse_abort();
	assert_true(wait_until(rig_stats(&s.rig).aborts == before.aborts + 1, 30));
	nap_ms(200);
	assert_grew(&s.rig, before, groups, 1);
	assert_grew(&s.rig, before, resp_invalid, 1);
	assert_pending(&s.rig, 0);
	scene_close(&s);
}

/* Reports to the test by a pipe, and is killed. */
static void die_in_read(void *arg)
{
	struct scene s;

	scene_open(&s);
	atomic_store(&s.fuse.stalls, 1);
	submit_read(&s);
	wait_stalled(&s);
	assert_int_equal(write(*(int *)arg, "", 1), 1);
	pause();
}

static void *sync_it(void *arg)
{
	struct scene *s = arg;

	msync(s->p, SIZE, MS_SYNC);
	return NULL;
}

/* What is being written back is not to be written to; the device's page request waits. */
static void die_in_write_back(void *arg)
{
	struct softdma_desc done;
	struct scene s;
	pthread_t thread;

	scene_open(&s);
	dev_fill(&s.rig, IOVA_BASE, SIZE, 1);
	atomic_store(&s.fuse.stalls, 1);
	assert_int_equal(pthread_create(&thread, NULL, sync_it, &s), 0);
	wait_stalled(&s);
	submit_write(&s);
	assert_int_equal(sdma_wait(&s.rig.dma[0].q[0], 0, 1000, &done), -ETIMEDOUT);
	assert_int_equal(write(*(int *)arg, "", 1), 1);
	pause();
}

static pid_t begin(void (*victim)(void *arg))
{
	static int pipefd[2];
	char byte;
	pid_t pid;

	assert_ok(pipe(pipefd));
	pid = child_run(victim, &pipefd[1]);
	close(pipefd[1]);
	assert_int_equal(read(pipefd[0], &byte, 1), 1);
	assert_ok(kill(pid, SIGKILL));
	return pid;
}

static void killed_in_read(void)
{
	pid_t pid = begin(die_in_read);

	child_reap(pid, 30);
	fuse_abort();
	rig_works(0, 1, SIZE);
}

/*
 * Linux can't end that wait by a signal, a CPU's neither (fuse_page_mkwrite()). As there, it
 * ends with the connection.
 */
static void killed_in_write_back(void)
{
	pid_t pid = begin(die_in_write_back);

	nap_ms(2000);
	fuse_abort();
	child_reap(pid, 30);
	rig_works(0, 1, SIZE);
}

static const struct suite_case cases[] = {
	CASE("S1 S6 a file system of the process's own", at_work),
	CASE("S6 R8 unmapped while it says nothing", unmapped),
	CASE("S6 S7 R8 its address gone, and unmapped, while it says nothing",
	     address_gone_and_unmapped),
	CASE("S6 R8 R9 killed while it says nothing", killed_in_read),
	CASE("S6 R8 R9 killed while it says nothing of what it writes back",
	     killed_in_write_back),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
