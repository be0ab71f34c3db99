// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf check: the IOMMUs, their modes, and whether their drivers pass page requests on.
 *
 * That last can't be seen on a host; docs/hardware.md tells what was run and read, by driver
 * and series of kernels, and this file repeats it: of any other kernel it says that it can't
 * tell. Where a container is open the module itself has tried, and that counts more.
 *
 * Bits are those of the VT-d specification's extended capability register, as the driver
 * looks at them (intel/iommu.h, intel_iommu_probe_device() in Linux).
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "iopf.h"
#include "sysfs.h"

#define ECAP_DT		(1ull << 2)	/* devices may keep translations: ATS */
#define ECAP_PRS	(1ull << 29)	/* page requests */
#define ECAP_PDS	(1ull << 42)	/* they can be drained */
#define ECAP_SMTS	(1ull << 43)	/* scalable mode */

enum kind { KIND_INTEL, KIND_AMD, KIND_SMMUV3, KIND_SOFT, KIND_OTHER, N_KINDS };

static const char *const kind_names[N_KINDS] = {
	"Intel VT-d", "AMD-Vi", "Arm SMMUv3", "the software IOMMU for tests", "other",
};

struct verdict {
	enum finding_state state;
	char text[256];
	char fix[256];		/* empty: none */
};

static void say(char *out, size_t size, const char *fmt, va_list args)
{
	vsnprintf(out, size, fmt, args);
}

static struct verdict verdict(enum finding_state state, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static struct verdict verdict(enum finding_state state, const char *fmt, ...)
{
	struct verdict v = { .state = state };
	va_list args;

	va_start(args, fmt);
	say(v.text, sizeof(v.text), fmt, args);
	va_end(args);
	return v;
}

static struct verdict with_fix(struct verdict v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static struct verdict with_fix(struct verdict v, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(v.fix, sizeof(v.fix), fmt, args);
	va_end(args);
	return v;
}

static void report_verdict(struct report *r, const char *check, const struct verdict *v)
{
	report_add(r, v->state, check, "%s", v->text);
	if (v->fix[0])
		report_fix(r, "%s", v->fix);
}

/* What stands behind an entry of /sys/class/iommu. */
static enum kind kind_of(const char *unit)
{
	if (sys_exists("/sys/class/iommu/%s/intel-iommu", unit))
		return KIND_INTEL;
	if (sys_exists("/sys/class/iommu/%s/amd-iommu", unit))
		return KIND_AMD;
	if (!strncmp(unit, "smmu3", 5))
		return KIND_SMMUV3;
	return strncmp(unit, "softiommu", 9) ? KIND_OTHER : KIND_SOFT;
}

/* Scalable mode was asked for: 1, forbidden: 0, or left to the kernel's default: -1. */
static int scalable_mode_asked(const struct host *host)
{
	const char *word = host->cmdline;
	int asked = -1;

	while ((word = strstr(word, " intel_iommu="))) {
		const char *end = strchr(++word, ' ');

		for (; word < end; word++) {
			if (!strncmp(word, "sm_on", 5))
				asked = 1;
			else if (!strncmp(word, "sm_off", 6))
				asked = 0;
		}
	}
	return asked;
}

#define LEGACY	"%s is in legacy mode, which has no page requests"

/* Is it in scalable mode, given that the hardware has that? */
static struct verdict intel_mode(const struct host *host, const char *unit)
{
	int asked = scalable_mode_asked(host);
	char built_in = host_option(host, "INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON");

	if (!asked)
		return with_fix(verdict(STATE_PROBLEM, LEGACY, unit),
				"boot without sm_off in intel_iommu=");
	if (asked == 1 || built_in == 'y')
		return verdict(STATE_OK, "%s (%s), scalable mode", unit, kind_names[KIND_INTEL]);
	if (built_in == 'n')
		return with_fix(verdict(STATE_PROBLEM, LEGACY, unit),
				"boot with intel_iommu=on,sm_on");
	return with_fix(verdict(STATE_CANT_TELL, "whether %s is in scalable mode is the kernel's "
				"default, which can't be read", unit),
			"boot with intel_iommu=on,sm_on");
}

static struct verdict intel_unit(const struct host *host, const char *unit)
{
	char text[32];
	uint64_t ecap;

	if (sys_read(text, sizeof(text), "/sys/class/iommu/%s/intel-iommu/ecap", unit))
		return verdict(STATE_CANT_TELL, "%s's capabilities can't be read", unit);
	ecap = strtoull(text, NULL, 16);
	if (!(ecap & ECAP_SMTS))
		return with_fix(verdict(STATE_PROBLEM,
					"%s has legacy mode alone, and so no page requests", unit),
				"none on this hardware: memory is pinned");
	if (!(ecap & ECAP_DT) || !(ecap & ECAP_PRS) || !(ecap & ECAP_PDS))
		return with_fix(verdict(STATE_PROBLEM, "%s can't take page requests (no %s)", unit,
					!(ecap & ECAP_DT) ? "device TLBs" :
					!(ecap & ECAP_PRS) ? "PRS" : "page request drain"),
				"none on this hardware: memory is pinned");
	return intel_mode(host, unit);
}

static struct verdict unit_verdict(const struct host *host, const char *unit)
{
	enum kind kind = kind_of(unit);

	if (kind == KIND_INTEL)
		return intel_unit(host, unit);
	return verdict(STATE_OK, "%s (%s)", unit, kind_names[kind]);
}

static struct verdict smmu_requests(const struct host *host)
{
	if (host_series(host) == SERIES_6_12 || host_option(host, "ARM_SMMU_V3_SVA") == 'n')
		return with_fix(verdict(STATE_PROBLEM,
					"this kernel's SMMUv3 driver passes none on"),
				"boot Linux 7.3 with CONFIG_ARM_SMMU_V3_SVA");
	return verdict(STATE_CANT_TELL,
		       "the SMMUv3 driver passes on those of devices that stall; that was never run");
}

/* Does the driver of such IOMMUs pass page requests on? */
static struct verdict driver_verdict(const struct host *host, enum kind kind)
{
	enum series series = host_series(host);

	if (kind == KIND_SOFT)
		return verdict(STATE_OK, "softiommu passes them on");
	if (series != SERIES_6_12 && series != SERIES_NEXT)
		return verdict(STATE_CANT_TELL,
			       "what Linux %u.%u's IOMMU driver does with them was not tried",
			       host->major, host->minor);
	if (kind == KIND_SMMUV3)
		return smmu_requests(host);
	if (kind != KIND_INTEL)
		return with_fix(verdict(STATE_PROBLEM,
					"this IOMMU's driver passes none on in Linux %u.%u",
					host->major, host->minor),
				"none yet: memory is pinned, as with type1");
	if (series == SERIES_6_12)
		return with_fix(verdict(STATE_PROBLEM, "Linux 6.12's Intel driver passes none on: "
					"memory is pinned"),
				"boot Linux 7.3, from Debian's backports");
	return verdict(STATE_OK, "Linux 7.3's Intel driver passes them on");
}

static void report_no_iommu(struct report *r, const struct host *host)
{
	static const char *const off[] = { "intel_iommu=off", "amd_iommu=off", "iommu=off", NULL };
	int i;

	report_add(r, STATE_PROBLEM, "iommu", "there is no IOMMU, or it is not on");
	for (i = 0; off[i]; i++) {
		if (host_booted_with(host, off[i])) {
			report_fix(r, "boot without %s", off[i]);
			return;
		}
	}
	if (sys_exists("/sys/firmware/acpi/tables/DMAR"))
		report_fix(r, "boot with intel_iommu=on");
	else if (sys_exists("/sys/firmware/acpi/tables/IVRS"))
		report_fix(r, "see the kernel's log for AMD-Vi");
	else
		report_fix(r, "turn it on in the firmware's setup (VT-d, AMD-Vi, SVM)");
}

/*
 * The best unit stands for the host: a graphics device's own, say, has often less, and is
 * told of where a device behind it is checked.
 */
static const char *best_unit(const struct host *host, const struct names *units)
{
	const char *best = units->v[0];
	int i;

	for (i = 0; i < units->n; i++) {
		if (driver_verdict(host, kind_of(units->v[i])).state == STATE_OK &&
		    unit_verdict(host, units->v[i]).state == STATE_OK)
			return units->v[i];
		if (unit_verdict(host, units->v[i]).state == STATE_OK &&
		    unit_verdict(host, best).state != STATE_OK)
			best = units->v[i];
	}
	return best;
}

void check_iommus(struct report *r, const struct host *host)
{
	struct verdict unit, driver;
	struct names units;
	const char *best;

	sys_list(&units, "/sys/class/iommu");
	if (!units.n) {
		report_no_iommu(r, host);
		return;
	}
	best = best_unit(host, &units);
	unit = unit_verdict(host, best);
	driver = driver_verdict(host, kind_of(best));
	if (units.n > 1) {
		size_t len = strlen(unit.text);

		snprintf(unit.text + len, sizeof(unit.text) - len, "; %d more", units.n - 1);
	}
	report_verdict(r, "iommu", &unit);
	report_verdict(r, "requests", &driver);
	names_free(&units);
}

/* A container that has the device knows: the kind, or empty. *@container is its name. */
static void kind_in_container(const char *device, char *kind, size_t size, char *container)
{
	struct names names;
	int i;

	kind[0] = '\0';
	sys_list(&names, "/sys/class/vfio_iopf");
	for (i = 0; i < names.n && !kind[0]; i++) {
		snprintf(container, 32, "%.31s", names.v[i]);
		sys_read(kind, size, "/sys/class/vfio_iopf/%s/devices/%s/kind", names.v[i], device);
	}
	names_free(&names);
}

static struct verdict device_verdict(const struct host *host, const char *name)
{
	char unit[64], kind[16], container[32];
	struct verdict v;

	kind_in_container(name, kind, sizeof(kind), container);
	if (!strcmp(kind, "faulting"))
		return verdict(STATE_OK, "it pages on demand, in %s", container);
	if (!strcmp(kind, "emulated"))
		return verdict(STATE_OK, "it needs none, in %s", container);
	if (sys_link(unit, sizeof(unit), "/sys/bus/pci/devices/%s/iommu", name))
		return with_fix(verdict(STATE_PROBLEM, "no IOMMU stands in front of it"),
				"turn it on in the firmware, and by intel_iommu=on");
	v = unit_verdict(host, unit);
	if (v.state == STATE_OK)
		v = driver_verdict(host, kind_of(unit));
	if (v.state != STATE_PROBLEM && !strcmp(kind, "pinning"))
		return with_fix(verdict(STATE_PROBLEM, "%s pins memory for it", container),
				"the kernel's log, at the container's start, says why");
	return v;
}

void check_device_iommu(struct report *r, const struct host *host, const char *name)
{
	struct verdict v = device_verdict(host, name);

	report_verdict(r, "requests", &v);
}

bool iommus_are_software(void)
{
	struct names units;
	bool all;
	int i;

	sys_list(&units, "/sys/class/iommu");
	all = units.n > 0;
	for (i = 0; i < units.n; i++)
		all &= kind_of(units.v[i]) == KIND_SOFT;
	names_free(&units);
	return all;
}

bool iommu_is_intel(const char *bdf)
{
	char unit[64];

	return !sys_link(unit, sizeof(unit), "/sys/bus/pci/devices/%s/iommu", bdf) &&
	       kind_of(unit) == KIND_INTEL;
}
