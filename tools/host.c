// SPDX-License-Identifier: GPL-2.0-only
/*
 * This machine's kernel, as the checks want to know it: release, command line and
 * configuration.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "check.h"
#include "iopf.h"
#include "sysfs.h"

#define CONFIG_MAX	(4u << 20)	/* Debian's has 300 kB */

/* The file's text, unpacked if it is packed; NULL if there is none. */
static char *config_at(const char *path)
{
	gzFile file = gzopen(path, "r");
	char *text;
	int len;

	if (!file)
		return NULL;
	text = malloc(CONFIG_MAX);
	if (!text)
		die_no_memory();
	len = gzread(file, text, CONFIG_MAX - 1);
	gzclose(file);
	if (len <= 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

static char *config_find(const char *release)
{
	char path[PATH_MAX], *text;

	sys_path(path, "/proc/config.gz");
	text = config_at(path);
	if (text)
		return text;
	sys_path(path, "/boot/config-%s", release);
	text = config_at(path);
	if (text)
		return text;
	sys_path(path, "/lib/modules/%s/config", release);
	return config_at(path);
}

void host_init(struct host *host)
{
	char *text = sys_read_all("/proc/cmdline"), *p;

	*host = (struct host) { 0 };
	sys_read(host->release, sizeof(host->release), "/proc/sys/kernel/osrelease");
	sys_read(host->machine, sizeof(host->machine), "/proc/sys/kernel/arch");
	if (sscanf(host->release, "%u.%u", &host->major, &host->minor) != 2)
		host->major = 0;
	if (asprintf(&host->cmdline, " %s ", text ? text : "") < 0)
		die_no_memory();
	for (p = host->cmdline; *p; p++) {
		if (*p == '\n')
			*p = ' ';
	}
	free(text);
	host->config = config_find(host->release);
}

void host_deinit(struct host *host)
{
	free(host->cmdline);
	free(host->config);
}

bool host_booted_with(const struct host *host, const char *word)
{
	char padded[128];

	snprintf(padded, sizeof(padded), " %s ", word);
	return strstr(host->cmdline, padded);
}

char host_option(const struct host *host, const char *option)
{
	char line[128], *found;

	if (!host->config)
		return '?';
	snprintf(line, sizeof(line), "\nCONFIG_%s=", option);
	found = strstr(host->config, line);
	if (!found)
		return 'n';
	return found[strlen(line)] == 'm' ? 'm' : 'y';
}

enum series host_series(const struct host *host)
{
	unsigned int version = host->major << 16 | host->minor;

	if (version < (6 << 16 | 12))
		return SERIES_OLD;
	if (version == (6 << 16 | 12))
		return SERIES_6_12;
	if (version < (7 << 16 | 3))
		return SERIES_BETWEEN;
	return version == (7 << 16 | 3) ? SERIES_NEXT : SERIES_NEWER;
}
