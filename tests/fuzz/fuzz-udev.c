/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fuzzes what udev and sysfs say of a disk's serial and links. An input is six lines of text, of which an empty one
 * stands for a missing value, and then the bytes of a VPD page. The serial that comes out must be a text that callers
 * can compare.
 */

#include "device/device-internal.h"

#include <ctype.h>
#include <sys/sysmacros.h>

#define LINES 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* The first line of the data, which loses it; NULL if it is empty. The caller frees. */
static char *take_line(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
	size_t n = end ? (size_t)(end - *data) : *size;
	char *line = n ? strndup((const char *)*data, n) : NULL;

	*data += end ? n + 1 : n;
	*size -= end ? n + 1 : n;
	return line;
}

static void check_numbers(const char *s)
{
	char text[64];
	uint64_t v;
	dev_t devnum;

	if (mk_decimal_parse(s, &v) == 0) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
		must(streq(s + strspn(s, "0"), v ? text : ""));
	}
	if (mk_devnum_parse(s, &devnum) == 0)
		must(strspn(s, "0123456789:") == strlen(s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char serial[MK_SERIAL_TEXT_SIZE];
	char *lines[LINES];
	size_t n;

	for (size_t i = 0; i < LINES; i++)
		lines[i] = take_line(&data, &size);

	mk_serial_choose(
		&(struct mk_serial_facts){
			.bus = str_or_empty(lines[0]),
			.attribute = lines[1],
			.id_serial = lines[2],
			.id_serial_short = lines[3],
			.id_scsi_serial = lines[4],
			.page = size ? data : NULL,
			.page_size = size,
		},
		serial);

	n = strlen(serial);
	must(mk_text_valid(serial, MK_SERIAL_TEXT_SIZE - 1));
	must(n == 0 ||
	     (!isspace((unsigned char)serial[0]) && !isspace((unsigned char)serial[n - 1])));
	if (lines[5]) {
		if (mk_link_names_serial(lines[5], serial))
			must(n > 0 && starts_with(lines[5], "/dev/disk/by-id/") &&
			     streq(lines[5] + strlen(lines[5]) - n, serial));
		check_numbers(lines[5]);
	}

	for (size_t i = 0; i < LINES; i++)
		free(lines[i]);
	return 0;
}
