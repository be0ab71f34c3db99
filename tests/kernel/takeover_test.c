// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takeover: which of type1's containers are ours, by the module's parameter and by
 * /sys/class/vfio_iopf/takeover_process. A container is the kernel's own type1's if
 * VFIO_CHECK_EXTENSION on it knows nothing of VFIO_IOPF. What a container that was taken
 * over is like, modes_test.c and conformance_test.c have.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mdev.h"
#include "rig.h"

#define PARAMETER	"/sys/module/vfio_iommu_iopf/parameters/takeover"
#define PROCESSES	"/sys/class/vfio_iopf/takeover_process"
#define LONGEST		4000
#define SIZE		(16 * PAGE)
#define CHILD_LIMIT_S	60

static char bdfs[MAX_DEVICES][16];

/* Names of devices, separated by commas; devices are numbers in a string. */
static const char *names_of(const char *devices)
{
	static char text[256];

	text[0] = '\0';
	devices_list(bdfs);
	for (; *devices; devices++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			 text[0] ? "," : "", bdfs[*devices - '0']);
	return text;
}

static void choose(const char *text)
{
	assert_int_equal(file_write(PARAMETER, text), 0);
}

static void assert_chosen(const char *text)
{
	char got[2 * LONGEST];

	assert_int_equal(file_read(PARAMETER, got, sizeof(got)), 0);
	got[strcspn(got, "\n")] = '\0';
	assert_string_equal(got, text);
}

/* A container of type1's kind with these devices, put into it in that order. */
static struct viopf_container *open_type1(const char *devices)
{
	const char *names[MAX_DEVICES];
	struct viopf_container *c;
	unsigned int n;

	devices_list(bdfs);
	for (n = 0; devices[n]; n++)
		names[n] = bdfs[devices[n] - '0'];
	assert_ok(viopf_container_open(&c, names, n, VFIO_TYPE1v2_IOMMU));
	return c;
}

static int is_ours(struct viopf_container *c)
{
	int answer = viopf_check_extension(c, VFIO_IOPF);

	assert_in_range(answer, 0, 1);
	return answer;
}

/* Whose would such a container be? */
static int opens_ours(const char *devices)
{
	struct viopf_container *c = open_type1(devices);
	int ours = is_ours(c);

	viopf_container_close(c);
	return ours;
}

/* What is chosen is paged in on demand, what is not is pinned by type1, at one time. */
static void one_of_two(void)
{
	struct rig ours, type1;
	char *p = mem_anon(SIZE);

	choose(names_of("1"));
	rig_open_as(&ours, 1, 1, VFIO_TYPE1v2_IOMMU);
	assert_true(is_ours(ours.c));
	rig_map(&ours, p, IOVA_BASE, SIZE);
	dev_fill(&ours, IOVA_BASE, SIZE, 1);
	assert_true(rig_stats(&ours).faults > 0);
	assert_int_equal(status_kb("VmLck"), 0);

	rig_open_as(&type1, 0, 1, VFIO_TYPE1v2_IOMMU);
	assert_false(is_ours(type1.c));
	rig_map(&type1, p, IOVA_BASE, SIZE);
	assert_true(status_kb("VmLck") >= (long)(SIZE / 1024));
	dev_check(&type1, IOVA_BASE, SIZE, 1);
	rig_close(&type1);
	dev_check(&ours, IOVA_BASE, SIZE, 1);
	rig_close(&ours);
}

/* As the module was loaded: the software devices' names are known. */
static void from_the_start(void)
{
	assert_string_equal(names_of("0"), "5d4a:00:00.0");
	assert_chosen("5d4a:00:00.0,ffff:ff:1f.7");
	assert_true(opens_ours("0"));
	assert_false(opens_ours("1"));
}

static void several_names(void)
{
	choose(names_of("02"));
	assert_true(opens_ours("0"));
	assert_false(opens_ours("1"));
	assert_true(opens_ours("2"));
	/* A name counts as a whole. */
	choose("5d4a:00:00.,d4a:00:01.0,5d4a:00:02.00");
	assert_false(opens_ours("0"));
	assert_false(opens_ours("1"));
	assert_false(opens_ours("2"));
}

/* Changes are for containers to come; what is open keeps what it said of itself. */
static void at_run_time(void)
{
	struct viopf_container *ours, *type1;

	assert_chosen("0");
	type1 = open_type1("0");
	choose("1\n");
	assert_chosen("1");
	ours = open_type1("1");
	choose("N");
	assert_chosen("N");
	assert_false(is_ours(type1));
	assert_true(is_ours(ours));
	assert_int_equal(viopf_check_extension(ours, VFIO_TYPE1_IOMMU), 1);
	assert_int_equal(viopf_check_extension(ours, VFIO_TYPE1v2_IOMMU), 1);
	assert_int_equal(viopf_check_extension(ours, VFIO_UNMAP_ALL), 1);
	assert_false(opens_ours("2"));
	viopf_container_close(ours);
	viopf_container_close(type1);

	choose("Y");
	assert_true(opens_ours("0"));
	choose(names_of("1"));
	assert_false(opens_ours("0"));
	assert_true(opens_ours("1"));
	choose("0");
	assert_false(opens_ours("1"));
}

/* The group that came last decides, of those that came before VFIO_SET_IOMMU. */
static void several_groups(void)
{
	struct viopf_container *c;

	choose(names_of("1"));
	c = open_type1("012");
	assert_false(is_ours(c));
	viopf_container_close(c);
	c = open_type1("021");
	assert_true(is_ours(c));
	viopf_container_close(c);
}

static void later_groups(void)
{
	struct viopf_container *ours, *type1;

	choose(names_of("1"));
	ours = open_type1("1");
	type1 = open_type1("2");
	assert_ok(viopf_group_add(ours, bdfs[0]));
	choose("0");
	assert_ok(viopf_group_add(ours, bdfs[3]));
	assert_ok(viopf_group_remove(ours, bdfs[1]));
	assert_true(is_ours(ours));
	choose(names_of("1"));
	assert_ok(viopf_group_add(type1, bdfs[1]));
	assert_false(is_ours(type1));
	viopf_container_close(type1);
	viopf_container_close(ours);
}

/* Where type1 is not there, what it would be for has no backend. */
static void without_type1(void)
{
	struct viopf_container *c;
	const char *name;

	choose(names_of("1"));
	assert_ok(shell("rmmod vfio_iommu_type1"));
	assert_true(opens_ours("1"));
	name = bdfs[0];
	assert_int_equal(viopf_container_open(&c, &name, 1, VFIO_TYPE1v2_IOMMU), -ENODEV);
	assert_ok(viopf_container_new(&c));
	assert_int_equal(viopf_check_extension(c, VFIO_TYPE1v2_IOMMU), 1);
	assert_int_equal(viopf_check_extension(c, VFIO_UNMAP_ALL), 1);
	choose("0");
	assert_int_equal(viopf_check_extension(c, VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(viopf_check_extension(c, VFIO_UNMAP_ALL), 0);
	viopf_container_close(c);
}

/* The kernel's log has so many lines of ours since the mark: "-eq 0". */
static void assert_said(const char *lines)
{
	assert_ok(shell("test $(dmesg | sed '1,/takeover_test looks here/d' | "
			"grep -c vfio_iommu_iopf) %s", lines));
}

/* The next event of a container of ours has come, and begins like that. */
static int event_is(int events, const char *start)
{
	char text[4096] = "";
	ssize_t n;

	do {
		n = recv(events, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = '\0';
	} while (n > 0 && !strstr(text, "/vfio_iopf/"));
	assert_msg(n <= 0 || !strcmp(text, start), "%s, not %s", text, start);
	return n > 0;
}

/* A device that can't fault has its group named when it comes, if it is ours. */
static void quietly(void)
{
	struct viopf_container *c;
	struct viopf_info info;
	int events = uevents_open();
	char add[128];

	assert_int_equal(file_write("/dev/kmsg", "takeover_test looks here"), 0);
	choose(names_of("1"));
	assert_false(opens_ours("0"));
	assert_said("-eq 0");
	choose(names_of("0"));
	c = open_type1("0");
	assert_said("-gt 0");
	assert_ok(viopf_get_info(c, &info));
	snprintf(add, sizeof(add), "add@/devices/virtual/vfio_iopf/container%llu",
		 (unsigned long long)info.iopf.container);
	assert_true(wait_until(event_is(events, add), 20));
	viopf_container_close(c);
	close(events);
}

static struct viopf_container *open_mediated(struct mdev *m, unsigned int index)
{
	struct viopf_container *c;

	assert_ok(viopf_container_new(&c));
	assert_int_equal(mdev_attach(m, index, viopf_container_fd(c)), 0);
	assert_ok(viopf_set_iommu(c, VFIO_TYPE1v2_IOMMU));
	return c;
}

static void mediated(void)
{
	struct viopf_container *ours, *type1;
	struct mdev chosen, other;

	mdev_load(2);
	choose(SOFTMDEV_NAME ".1");
	ours = open_mediated(&chosen, 1);
	type1 = open_mediated(&other, 0);
	assert_true(is_ours(ours));
	assert_false(is_ours(type1));
	mdev_close(&other);
	mdev_close(&chosen);
	viopf_container_close(type1);
	viopf_container_close(ours);
}

static void bad_names(void)
{
	static const char *const bad[] = {
		"", "\n", ",", "2", "on", "yes", "0000", "0,", ",0000:01:00.0", "0000:01:00.0,",
		"0000:01:00.0,,0000:02:00.0", "0000:01:00.0,1", "0000:01:00.0, 0000:02:00.0",
		"0000:01:00.0 ", "0000:01:00.0\n0000:02:00.0", "0000:01:00.0\n\n", "\n1", "1\n\n",
		"0000:01:00.0\t", "0000:\x7f.0", "0000:\x01.0", "0000:\xc3\xa4.0",
	};
	char text[LONGEST + 2];
	size_t i;

	choose(names_of("12"));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int err = file_write(PARAMETER, bad[i]);

		/* Of nothing at all the kernel tells no module. */
		assert_msg(err == (bad[i][0] ? -EINVAL : 0), "\"%s\": %d", bad[i], err);
		assert_chosen(names_of("12"));
	}
	memset(text, ':', sizeof(text));
	text[LONGEST + 1] = '\0';
	assert_int_equal(file_write(PARAMETER, text), -EINVAL);
	assert_chosen(names_of("12"));
	assert_true(opens_ours("1"));
	text[LONGEST] = '\0';
	choose(text);
	assert_chosen(text);
	assert_int_equal(module_remove("vfio_iommu_iopf"), 0);
	assert_int_equal(module_insert("vfio_iommu_iopf", "takeover=0000:01:00.0,"), -EINVAL);
	/* The kernel takes back what it had taken. */
	assert_int_equal(module_insert("vfio_iommu_iopf", "takeover=5d4a:00:01.0 takeover=1 "
				       "aging=x"), -EINVAL);
	assert_int_equal(module_insert("vfio_iommu_iopf", "takeover"), 0);
	assert_chosen("1");
}

/* A child that does nothing until it is killed, or the case has ended. */
static void stay(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static int choose_process(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", pid);
	return file_write(PROCESSES, text);
}

/* What is chosen changes all the time, until @stop; a process chosen ends now and then. */
struct changes {
	pid_t child[32];
	int stop;
};

static void *keep_choosing(void *arg)
{
	static const char *const text[] = { "0", "5d4a:00:00.0", "5d4a:00:01.0,5d4a:00:02.0" };
	struct changes *changes = arg;
	unsigned int i;

	for (i = 0; !__atomic_load_n(&changes->stop, __ATOMIC_ACQUIRE); i++) {
		file_write(PARAMETER, text[i % ARRAY_SIZE(text)]);
		if (i < ARRAY_SIZE(changes->child)) {
			choose_process(changes->child[i]);
			kill(changes->child[i / 2], SIGKILL);
		}
	}
	return NULL;
}

/* The list is replaced while it is looked at: a container is one's or the other's. */
static void while_it_changes(void)
{
	unsigned int i, ours = 0, n = rounds(200);
	struct changes changes = { 0 };
	pthread_t thread;

	for (i = 0; i < ARRAY_SIZE(changes.child); i++) {
		changes.child[i] = fork();
		if (!changes.child[i])
			stay();
	}
	assert_int_equal(pthread_create(&thread, NULL, keep_choosing, &changes), 0);
	for (i = 0; i < n; i++)
		ours += opens_ours(i % 2 ? "0" : "1");
	__atomic_store_n(&changes.stop, 1, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (i = 0; i < ARRAY_SIZE(changes.child); i++)
		kill(changes.child[i], SIGKILL);
	printf("# %u of %u were ours\n", ours, n);
}

/* The list is of these processes, 0 for none. */
static void assert_processes(pid_t first, pid_t second)
{
	char want[64] = "", got[64];

	if (first)
		snprintf(want, sizeof(want), "%d\n", first);
	if (second)
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "%d\n", second);
	assert_int_equal(file_read(PROCESSES, got, sizeof(got)), 0);
	assert_string_equal(got, want);
}

/* One process lets another go on, or waits for that. */
struct gate {
	int fd[2];
};

static void gate_init(struct gate *gate)
{
	assert_int_equal(pipe2(gate->fd, O_CLOEXEC), 0);
}

static void gate_open(struct gate *gate)
{
	assert_int_equal(write(gate->fd[1], "", 1), 1);
}

static void gate_pass(struct gate *gate)
{
	char c;

	assert_int_equal(read(gate->fd[0], &c, 1), 1);
}

/* Processes that open a container once they are chosen, or know that they are not. */
struct family {
	struct gate chosen, born;
	int ours;
};

static void opens_as_told(void *arg)
{
	assert_int_equal(opens_ours("0"), ((struct family *)arg)->ours);
}

static void *opens_in_thread(void *ours)
{
	*(int *)ours = opens_ours("0");
	return NULL;
}

static void has_descendants(void *arg)
{
	struct family *family = arg;
	pthread_t thread;
	int ours;

	gate_pass(&family->chosen);
	assert_int_equal(opens_ours("0"), family->ours);
	assert_int_equal(pthread_create(&thread, NULL, opens_in_thread, &ours), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(ours, family->ours);
	child_wait(child_run(opens_as_told, family), CHILD_LIMIT_S);
}

/* Chosen and its child are ours; who chose and its other child are not. */
static void process_and_child(void)
{
	struct family chosen = { .ours = 1 }, other = { .ours = 0 };
	pid_t pid, sibling;

	gate_init(&chosen.chosen);
	gate_init(&other.chosen);
	pid = child_run(has_descendants, &chosen);
	sibling = child_run(has_descendants, &other);
	assert_int_equal(choose_process(pid), 0);
	assert_processes(pid, 0);
	gate_open(&other.chosen);
	child_wait(sibling, CHILD_LIMIT_S);
	assert_false(opens_ours("0"));
	gate_open(&chosen.chosen);
	child_wait(pid, CHILD_LIMIT_S);
	assert_processes(0, 0);
}

/* It stays when its parent goes, and then opens its container. */
static void outlives_parent(void *arg)
{
	struct family *family = arg;
	pid_t parent = getppid();

	prctl(PR_SET_PDEATHSIG, 0);
	gate_open(&family->born);
	assert_true(wait_until(getppid() != parent, 10));
	opens_as_told(family);
	gate_open(&family->chosen);
}

static void leaves_orphan(void *arg)
{
	struct family *family = arg;

	gate_pass(&family->chosen);
	child_run(outlives_parent, family);
	gate_pass(&family->born);
}

static void adopts_orphan(void *arg)
{
	int status = -1;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	gate_open(&((struct family *)arg)->chosen);
	child_wait(child_run(leaves_orphan, arg), CHILD_LIMIT_S);
	assert_true(waitpid(-1, &status, 0) > 0);
	assert_int_equal(status, 0);
}

/* A descendant stays one as long as who is chosen is its subreaper, or else is none. */
static void orphans(void)
{
	struct family adopted = { .ours = 1 }, left = { .ours = 0 };
	pid_t pid;

	gate_init(&adopted.chosen);
	gate_init(&adopted.born);
	assert_int_equal(choose_process(pid = child_run(adopts_orphan, &adopted)), 0);
	child_wait(pid, CHILD_LIMIT_S);

	gate_init(&left.chosen);
	gate_init(&left.born);
	assert_int_equal(choose_process(pid = child_run(leaves_orphan, &left)), 0);
	gate_open(&left.chosen);
	child_wait(pid, CHILD_LIMIT_S);
	gate_pass(&left.chosen);
}

/* A child with that number, which exits with whether it opens ours; or in a namespace. */
static pid_t clone_as(uint64_t flags, pid_t number)
{
	struct clone_args args = {
		.flags = flags, .exit_signal = SIGCHLD,
		.set_tid = number ? (uintptr_t)&number : 0, .set_tid_size = !!number,
	};
	pid_t pid;

	fflush(stdout);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	assert_msg(pid >= 0, "clone3: %s", strerror(errno));
	return pid;
}

/* Its number may come again; it is another process then. */
static void number_again(void)
{
	pid_t pid = clone_as(0, 0);
	int status;

	if (!pid)
		stay();
	assert_int_equal(choose_process(pid), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	child_reap(pid, 10);
	if (!clone_as(0, pid))
		_exit(opens_ours("0"));
	status = child_reap(pid, CHILD_LIMIT_S);
	assert_int_equal(status, 0);
	assert_processes(0, 0);
}

/* What nobody has waited for yet has ended all the same. */
static void zombie(void)
{
	pid_t pid = clone_as(0, 0);
	siginfo_t info;

	if (!pid)
		stay();
	assert_int_equal(choose_process(pid), 0);
	assert_processes(pid, 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	assert_processes(0, 0);
	assert_int_equal(choose_process(pid), -ESRCH);
	child_reap(pid, 10);
}

static void *tells_number(void *arg)
{
	struct family *family = arg;

	family->ours = gettid();
	gate_open(&family->born);
	gate_pass(&family->chosen);
	return NULL;
}

static void process_list(void)
{
	static const char *const bad[] = { "\n", "0", "-1", "x", "1 2", "1x", "99999999999" };
	pid_t pid = clone_as(0, 0);
	struct family family;
	struct stat st;
	pthread_t thread;
	size_t i;

	if (!pid)
		stay();
	assert_int_equal(stat(PROCESSES, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_processes(0, 0);
	assert_int_equal(choose_process(pid), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_msg(file_write(PROCESSES, bad[i]) == -EINVAL, "\"%s\"", bad[i]);
	assert_int_equal(choose_process(4194304), -ESRCH);
	assert_int_equal(choose_process(pid), 0);
	assert_processes(pid, 0);

	/* A thread's number means its process. */
	gate_init(&family.born);
	gate_init(&family.chosen);
	assert_int_equal(pthread_create(&thread, NULL, tells_number, &family), 0);
	gate_pass(&family.born);
	assert_int_equal(choose_process(family.ours), 0);
	assert_processes(pid, getpid());
	gate_open(&family.chosen);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	child_reap(pid, 10);
	assert_processes(getpid(), 0);
	assert_true(opens_ours("0"));
}

/* Numbers are those of who writes and reads. */
static void namespaces(void)
{
	struct gate gate;
	pid_t pid;

	gate_init(&gate);
	pid = clone_as(CLONE_NEWPID, 0);
	if (!pid) {
		char text[16];
		int good = getpid() == 1 && !choose_process(1) &&
			   !file_read(PROCESSES, text, sizeof(text)) && !strcmp(text, "1\n");

		_exit(!good || write(gate.fd[1], "", 1) != 1 || !opens_ours("0"));
	}
	gate_pass(&gate);
	assert_false(opens_ours("1"));
	assert_int_equal(child_reap(pid, CHILD_LIMIT_S), 0);
}

static const struct suite_case cases[] = {
	CASE("takeover: one of two devices", one_of_two),
	CASE("takeover: a device chosen as the module is loaded", from_the_start,
	     .iopf = "takeover=5d4a:00:00.0,ffff:ff:1f.7"),
	CASE("takeover: several devices chosen", several_names),
	CASE("takeover: changed at run time", at_run_time),
	CASE("takeover: of several groups the last one decides", several_groups),
	CASE("takeover: groups that come later", later_groups),
	CASE("takeover: by device, without type1", without_type1),
	CASE("takeover: nothing is said of what is not chosen", quietly, .softdma = "nofault=3"),
	CASE("takeover: a mediated device", mediated),
	CASE("takeover: what is no list of names is refused", bad_names),
	CASE("takeover: what is chosen changes all the time", while_it_changes),
	CASE("takeover: a process and its child", process_and_child),
	CASE("takeover: orphans", orphans),
	CASE("takeover: a process's number comes again", number_again),
	CASE("takeover: a process that has ended", zombie),
	CASE("takeover: the list of processes", process_list),
	CASE("takeover: PID namespaces", namespaces),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
