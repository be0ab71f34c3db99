// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf check: can this host, and which of its devices, do it; and what to do where not
 * (iopf-check(8)). This file puts the parts together, in the order in which one would set
 * a host up.
 */
#include <limits.h>

#include "args.h"
#include "check.h"
#include "container.h"
#include "iopf.h"

static void check_host(struct report *r, const struct host *host)
{
	check_kernel(r, host);
	check_module(r, host);
	check_vfio(r);
	check_iommus(r, host);
	check_interrupts(r, host);
	check_cgroup(r, host);
	check_swap(r);
}

int cmd_check(int argc, char **argv)
{
	struct args args = { .max_words = INT_MAX };
	struct report report = { 0 };
	struct host host;
	struct pci *pci;
	int i, code;

	args_parse(&args, "[DEVICE...]",
		   "Check whether this host, and which of its devices (0000:01:00.0), can page on "
		   "demand; and say what to do where not.\v"
		   "Exit codes: 0 all is well, 1 a problem, 2 wrong arguments, 3 no problem, but not "
		   "all could be looked at.", argc, argv);
	host_init(&host);
	check_host(&report, &host);
	pci = pci_open();
	for (i = 0; i < args.n_words; i++) {
		char name[64];

		device_name_normalize(name, sizeof(name), args.words[i]);
		check_device(&report, &host, pci, name);
	}
	if (!args.n_words)
		check_devices(&report, &host, pci);
	pci_close(pci);
	report_print(&report, args.json, args.json ? module_parameters() : NULL);
	code = report_exit_code(&report);
	report_cut(&report, 0);
	host_deinit(&host);
	return code;
}
