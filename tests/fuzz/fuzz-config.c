/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fuzzes the configuration file. A file must be read without a problem, or refused with problems that are valid texts.
 * A configuration that was read must be consistent, and can be printed.
 */

#include "config/config.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PATH_SIZE 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(mk_config_problems_done) struct mk_config_problems problems = { 0 };
	_cleanup_(mk_config_freep) struct mk_config *config = NULL;
	_cleanup_close_ int fd = memfd_create("volumed.conf", MFD_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	char path[PATH_SIZE];
	size_t n = 0;
	FILE *f;
	int r;

	must(fd >= 0 && fchmod(fd, 0600) == 0);
	must(write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%i", fd);

	r = mk_config_load(path, &config, &problems);
	must(r == 0 ? problems.n == 0 : problems.n > 0);
	for (size_t i = 0; i < problems.n; i++)
		must(mk_text_valid(problems.items[i], 8192));
	if (r < 0)
		return 0;

	must(mk_uuid_valid(config->appliance.vm));
	must(config->cloudstack.poll_min <= config->cloudstack.poll_max);
	f = open_memstream(&text, &n);
	must(f);
	mk_config_dump(config, f);
	must(fclose(f) == 0 && n > 0);
	return 0;
}
