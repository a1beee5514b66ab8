/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes log messages: to the journal with its fields, or as one line to standard error. log.h says which of the
 * two, and what is escaped. */

#include "log.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* Our own location fields would all name this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define IDENTIFIER  "migratekit-volumed"
#define STREAM_SIZE 48 /* two 64-bit numbers and a colon */
#define N_FIELDS    6
#define N_RECORD    (N_FIELDS + 3) /* MESSAGE, PRIORITY, SYSLOG_IDENTIFIER */

static bool to_journal;
static bool with_debug;

static const char *const level_names[] = { "emergency", "alert",  "critical", "error",
					   "warning",   "notice", "info",     "debug" };

struct field {
	const char *name; /* with '=' */
	const char *value;
};

/* systemd names the stream it connected us to; a redirection makes the two differ. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[STREAM_SIZE];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;

	snprintf(ours, sizeof(ours), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	return streq(stream, ours);
}

void mk_log_open(bool verbose)
{
	with_debug = verbose;
	to_journal = stderr_is_journal();
}

static void get_fields(const struct mk_log_fields *f, struct field ret[N_FIELDS])
{
	static const struct mk_log_fields none;

	if (!f)
		f = &none;

	ret[0] = (struct field){ "OPERATION=", str_or_empty(f->operation) };
	ret[1] = (struct field){ "VOLUME=", str_or_empty(f->volume) };
	ret[2] = (struct field){ "VM=", str_or_empty(f->vm) };
	ret[3] = (struct field){ "STEP=", str_or_empty(f->step) };
	ret[4] = (struct field){ "PLUGIN=", str_or_empty(f->plugin) };
	ret[5] = (struct field){ "CLOUDSTACK_JOB=", str_or_empty(f->cloudstack_job) };
}

/* Prints clean UTF-8 on one line: C0 and C1 control characters (a terminal obeys both) as \n, \t, \xNN. */
static void put_escaped(FILE *f, const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		if (*p == '\n')
			fputs("\\n", f);
		else if (*p == '\t')
			fputs("\\t", f);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(f, "\\x%02x", *p);
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			fprintf(f, "\\x%02x", *++p);
		else
			fputc(*p, f);
	}
}

static void put_cleaned(FILE *f, const char *s)
{
	_cleanup_free_ char *clean = mk_utf8_clean(s);

	put_escaped(f, clean ? clean : "(out of memory)");
}

/* Built in memory and written at once: lines of several processes do not mix. */
static void log_stderr(int priority, const struct field fields[N_FIELDS], const char *text)
{
	_cleanup_free_ char *line = NULL;
	bool any = false;
	size_t size = 0;
	FILE *f;

	f = open_memstream(&line, &size);
	if (!f)
		return;

	fprintf(f, "%s: ", level_names[priority]);
	put_cleaned(f, text);
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (!*fields[i].value)
			continue;
		fputs(any ? " " : " [", f);
		fputs(fields[i].name, f);
		put_cleaned(f, fields[i].value);
		any = true;
	}
	fputs(any ? "]\n" : "\n", f);

	if (fclose(f) == 0)
		(void)!write(STDERR_FILENO, line, size);
}

static int log_journal(int priority, const struct field fields[N_FIELDS], const char *text)
{
	char *record[N_RECORD] = { NULL };
	struct iovec iov[N_RECORD];
	int n = 0, r = 0;

	record[n++] = mk_strdup_printf("MESSAGE=%s", text);
	record[n++] = mk_strdup_printf("PRIORITY=%i", priority);
	record[n++] = mk_strdup_printf("SYSLOG_IDENTIFIER=" IDENTIFIER);
	for (size_t i = 0; i < N_FIELDS; i++)
		if (*fields[i].value)
			record[n++] = mk_strdup_printf("%s%s", fields[i].name, fields[i].value);

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *raw = record[i];

		record[i] = raw ? mk_utf8_clean(raw) : NULL;
		if (!record[i]) {
			r = -ENOMEM;
			continue;
		}
		iov[i] = (struct iovec){ record[i], strlen(record[i]) };
	}

	if (r == 0)
		r = sd_journal_sendv(iov, n);
	for (int i = 0; i < n; i++)
		free(record[i]);
	return r;
}

void mk_log(int priority, const struct mk_log_fields *fields, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	struct field list[N_FIELDS];
	int saved_errno = errno;
	va_list ap;
	int n;

	priority = LOG_PRI(priority);
	if (priority == LOG_DEBUG && !with_debug)
		return;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;

	get_fields(fields, list);
	if (!to_journal || log_journal(priority, list, text ? text : "(out of memory)") < 0)
		log_stderr(priority, list, text ? text : "(out of memory)");
	errno = saved_errno;
}
