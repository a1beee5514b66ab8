/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fuzzes /proc/self/mountinfo and /proc/swaps. The answer to who uses a disk must be one line of text, nobody, or an
 * error without a text.
 */

#include "device/device.h"

#include <ctype.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PATH_SIZE 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/fuzz-mounts-XXXXXX";

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void clean_up(void)
{
	static const char *const files[] = { "/self/mountinfo", "/swaps", "/self", "" };
	char path[PATH_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, files[i]);
		(void)remove(path);
	}
}

static struct mk_devices *start(void)
{
	struct mk_devices_config config = { .proc = dir };
	struct mk_devices *devices;
	char path[PATH_SIZE];

	must(mkdtemp(dir) && sd_event_new(&config.event) >= 0);
	snprintf(path, sizeof(path), "%s/self", dir);
	must(mkdir(path, 0700) == 0);
	must(atexit(clean_up) == 0);
	must(mk_devices_new(&config, &devices) == 0);
	return devices;
}

static void put_file(const char *name, const uint8_t *data, size_t size)
{
	char path[PATH_SIZE];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	must(f && (size == 0 || fwrite(data, size, 1, f) == 1) && fclose(f) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mk_disk disk = {
		.node = "/dev/vdb-is-not-here",
		.syspath = "/sys/no/such/vdb",
		.devnum = makedev(252, 16),
	};
	static struct mk_devices *devices;
	_cleanup_free_ char *text = NULL;
	size_t half = size ? data[0] * size / 256 : 0;
	int r;

	if (!devices)
		devices = start();

	put_file("self/mountinfo", data, half);
	put_file("swaps", data + half, size - half);
	r = mk_devices_users(devices, &disk, &text);
	must(r > 0 ? text && *text : !text);
	for (const char *p = text; p && *p; p++)
		must(!iscntrl((unsigned char)*p));
	must(!text || mk_utf8_valid(text, strlen(text)));
	return 0;
}
