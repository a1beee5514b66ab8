/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who uses a disk or one of its partitions: mounts, swap, holders, exclusive openers. The kernel is asked on each
 * call; nothing is remembered. */

#include "device-internal.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define NAME_SIZE    64
#define DM_NAME_SIZE 136 /* DM_NAME_LEN is 128 */
#define LISTED_MAX   16  /* the rest is only counted */

/* The disk first, then its partitions. */
struct part {
	char name[NAME_SIZE];
	dev_t devnum;
};

struct parts {
	struct part *items;
	size_t n;
};

struct users {
	char *text; /* NULL: none yet */
	int n;
	int problem; /* a negative errno: the answer is not complete */
};

static void parts_done(struct parts *parts)
{
	free(parts->items);
}

static void users_done(struct users *users)
{
	free(users->text);
}

_printf_(2, 3) static void add_user(struct users *users, const char *fmt, ...)
{
	_cleanup_free_ char *user = NULL, *clean = NULL;
	char *longer;
	va_list ap;
	int n;

	if (++users->n > LISTED_MAX)
		return;

	va_start(ap, fmt);
	n = vasprintf(&user, fmt, ap);
	va_end(ap);
	if (n < 0)
		user = NULL;
	clean = user ? mk_utf8_clean(user) : NULL;
	for (char *p = clean; p && *p; p++) /* one line, whatever a mount point is called */
		if (iscntrl((unsigned char)*p))
			*p = '?';
	longer = clean ? mk_strdup_printf("%s%s%s", str_or_empty(users->text),
					  users->text ? ", " : "", clean)
		       : NULL;
	if (!longer) {
		users->problem = -ENOMEM;
		return;
	}

	free(users->text);
	users->text = longer;
}

/* The next entry that does not begin with a dot. NULL at the end, with errno 0, and on errors. */
static const char *next_entry(DIR *dir)
{
	struct dirent *e;

	do {
		errno = 0;
		/* glibc's is safe for each stream of its own; readdir_r() is deprecated. */
		/* cppcheck-suppress readdirCalled */
		e = readdir(dir);
	} while (e && e->d_name[0] == '.');
	return e ? e->d_name : NULL;
}

/* ---- the disk and its partitions ------------------------------------------------------------------------ */

static const struct part *part_of(const struct parts *parts, dev_t devnum)
{
	for (size_t i = 0; i < parts->n; i++)
		if (parts->items[i].devnum == devnum)
			return &parts->items[i];
	return NULL;
}

static int add_part(struct parts *parts, const char *name, dev_t devnum)
{
	struct part *longer = reallocarray(parts->items, parts->n + 1, sizeof(*parts->items));

	if (!longer)
		return -ENOMEM;
	parts->items = longer;
	if (strlen(name) >= NAME_SIZE)
		return -ENAMETOOLONG;

	longer[parts->n] = (struct part){ .devnum = devnum };
	memcpy(longer[parts->n].name, name, strlen(name));
	parts->n++;
	return 0;
}

/* A directory below the disk's: a partition if it has an attribute of that name. */
static int look_at_part(struct parts *parts, const struct mk_disk *disk, const char *name)
{
	char path[PATH_MAX], text[NAME_SIZE];
	dev_t devnum = 0;
	int r;

	if (snprintf(path, sizeof(path), "%s/%s/partition", disk->syspath, name) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (access(path, F_OK) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;

	if (snprintf(path, sizeof(path), "%s/%s/dev", disk->syspath, name) >= PATH_MAX)
		return -ENAMETOOLONG;
	r = mk_attr_line(path, text, sizeof(text));
	if (r == -ENOENT || r == -ENODEV) /* removed while we looked */
		return 0;
	if (r == 0)
		r = mk_devnum_parse(text, &devnum);
	return r < 0 ? r : add_part(parts, name, devnum);
}

static int read_parts(const struct mk_disk *disk, struct parts *ret)
{
	_cleanup_closedir_ DIR *dir = opendir(disk->syspath);
	const char *slash = strrchr(disk->syspath, '/');
	const char *name;
	int r;

	r = add_part(ret, slash ? slash + 1 : disk->syspath, disk->devnum);
	if (r < 0)
		return r;
	if (!dir) /* a disk that was pulled out has no partitions any more, but may still be mounted */
		return errno == ENOENT ? 0 : -errno;

	while ((name = next_entry(dir))) {
		r = look_at_part(ret, disk, name);
		if (r < 0)
			return r;
	}
	return -errno;
}

/* ---- mounts and swap -------------------------------------------------------------------------------------- */

/* In place: the kernel writes blank, tab, newline, backslash and '#' as \ooo (fs/proc_namespace.c). */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

static FILE *proc_open(const struct mk_devices *devices, const char *name)
{
	_cleanup_free_ char *path = mk_strdup_printf("%s/%s", mk_devices_proc(devices), name);

	if (!path) {
		errno = ENOMEM;
		return NULL;
	}

	return fopen(path, "re");
}

/*
 * proc(5): "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue". A file system
 * over several devices (btrfs) has a number of its own, 0:N, and names one of its devices.
 */
static int look_at_mount(const struct parts *parts, char *line, struct users *users)
{
	char *field[5], *separator = strstr(line, " - "), *source = NULL, *rest = line;
	const struct part *part;
	dev_t devnum;

	if (!separator)
		return -EBADMSG;
	*separator = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(field); i++)
		field[i] = strsep(&rest, " ");
	rest = separator + strlen(" - ");
	if (strsep(&rest, " ") && rest)
		source = strsep(&rest, " \n");
	if (!field[4] || !source || mk_devnum_parse(field[2], &devnum) < 0)
		return -EBADMSG;

	unescape(source);
	if (major(devnum) == 0 && starts_with(source, "/dev/"))
		(void)mk_node_devnum(source, &devnum);
	part = part_of(parts, devnum);
	if (part) {
		unescape(field[4]);
		add_user(users, "mounted on %s (%s)", field[4], part->name);
	}
	return 0;
}

static int look_at_mounts(const struct mk_devices *devices, const struct parts *parts,
			  struct users *users)
{
	_cleanup_fclose_ FILE *f = proc_open(devices, "self/mountinfo");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int r;

	if (!f)
		return -errno;

	while (getline(&line, &size, f) >= 0) {
		r = look_at_mount(parts, line, users);
		if (r < 0)
			return r;
	}
	return ferror(f) || !feof(f) ? -EIO : 0;
}

static const struct part *swap_part(const struct parts *parts, const char *path)
{
	dev_t devnum;

	if (mk_node_devnum(path, &devnum) == 0)
		return part_of(parts, devnum);

	/* The kernel adds " (deleted)" when the node is gone. */
	for (size_t i = 0; i < parts->n; i++) {
		size_t n = strlen(parts->items[i].name);

		if (starts_with(path, "/dev/") && strncmp(path + 5, parts->items[i].name, n) == 0 &&
		    (!path[5 + n] || path[5 + n] == ' '))
			return &parts->items[i];
	}
	return NULL;
}

/* A headline, then "/dev/vdb2  partition  1048572  0  -2". */
static int look_at_swaps(const struct mk_devices *devices, const struct parts *parts,
			 struct users *users)
{
	_cleanup_fclose_ FILE *f = proc_open(devices, "swaps");
	_cleanup_free_ char *line = NULL;
	const struct part *part;
	size_t size = 0;

	if (!f)
		return errno == ENOENT ? 0 : -errno; /* a kernel without swap */

	while (getline(&line, &size, f) >= 0) {
		line[strcspn(line, " \t\n")] = '\0';
		unescape(line);
		part = swap_part(parts, line);
		if (part)
			add_user(users, "swap (%s)", part->name);
	}
	return ferror(f) || !feof(f) ? -EIO : 0;
}

/* ---- holders ---------------------------------------------------------------------------------------------------- */

/* "dm-0 (vg-root)", "md127". */
static char *describe_holder(const char *dir, const char *name)
{
	char path[PATH_MAX], dm[DM_NAME_SIZE];

	if (snprintf(path, sizeof(path), "%s/%s/dm/name", dir, name) < PATH_MAX &&
	    mk_attr_line(path, dm, sizeof(dm)) == 0 && *dm)
		return mk_strdup_printf("%s (%s)", name, dm);
	return strdup(name);
}

static int look_at_holders(const struct mk_disk *disk, const struct part *part, bool whole,
			   struct users *users, char **ret_holder)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PATH_MAX];
	const char *name;

	if (snprintf(path, sizeof(path), "%s%s%s/holders", disk->syspath, whole ? "" : "/",
		     whole ? "" : part->name) >= PATH_MAX)
		return -ENAMETOOLONG;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;

	while ((name = next_entry(dir))) {
		_cleanup_free_ char *holder = describe_holder(path, name);

		if (!holder)
			return -ENOMEM;
		add_user(users, "held by %s%s%s", holder, whole ? "" : " on ",
			 whole ? "" : part->name);
		if (ret_holder && !*ret_holder)
			*ret_holder = take_ptr(holder);
	}
	return -errno;
}

static int look_at_all_holders(const struct mk_disk *disk, const struct parts *parts,
			       struct users *users, char **ret_holder)
{
	int r = 0;

	for (size_t i = 0; i < parts->n && r == 0; i++)
		r = look_at_holders(disk, &parts->items[i], i == 0, users, ret_holder);
	return r;
}

bool mk_devices_held(struct mk_devices *devices, const struct mk_disk *disk, char **ret_holder)
{
	_cleanup_(parts_done) struct parts parts = { 0 };
	_cleanup_(users_done) struct users users = { 0 };
	_cleanup_free_ char *holder = NULL;
	int r;

	r = read_parts(disk, &parts);
	if (r == 0)
		r = look_at_all_holders(disk, &parts, &users, &holder);
	if (r < 0 && !holder)
		holder = mk_strdup_printf("something that cannot be found out (%s)", strerror(-r));
	if (r == 0 && users.n == 0)
		return false;

	*ret_holder = take_ptr(holder);
	return true;
}

/* ---- exclusive openers ---------------------------------------------------------------------------------------- */

/* Whether a link of /proc/PID/fd leads to the disk or a partition. Only what is below /dev is asked
 * for: a file on a dead server would block us. */
static bool leads_to(const struct parts *parts, int dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	dev_t devnum;

	if (n <= 0)
		return false;

	target[n] = '\0';
	return starts_with(target, "/dev/") && mk_node_devnum(target, &devnum) == 0 &&
	       part_of(parts, devnum);
}

static bool process_has_open(const char *proc, const char *pid, const struct parts *parts)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PATH_MAX];
	const char *name;

	if (snprintf(path, sizeof(path), "%s/%s/fd", proc, pid) >= PATH_MAX)
		return false;
	dir = opendir(path);
	while (dir && (name = next_entry(dir)))
		if (leads_to(parts, dirfd(dir), name))
			return true;
	return false;
}

static void add_processes(const struct mk_devices *devices, const struct parts *parts,
			  struct users *users)
{
	const char *proc = mk_devices_proc(devices);
	_cleanup_closedir_ DIR *dir = opendir(proc);
	int before = users->n;
	const char *pid;

	while (dir && (pid = next_entry(dir))) {
		char path[PATH_MAX], comm[NAME_SIZE];

		if (!isdigit((unsigned char)pid[0]) || !process_has_open(proc, pid, parts))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s/comm", proc, pid) >= PATH_MAX ||
		    mk_attr_line(path, comm, sizeof(comm)) < 0)
			snprintf(comm, sizeof(comm), "?");
		add_user(users, "opened exclusively by process %s (%s)", pid, comm);
	}

	/* A process that we may not look into, or the kernel. */
	if (users->n == before)
		add_user(users, "opened exclusively by another process");
}

static int try_exclusive(const struct mk_devices *devices, const struct mk_disk *disk,
			 const struct parts *parts, struct users *users)
{
	_cleanup_close_ int fd = -1;
	dev_t devnum;
	int r;

	r = mk_node_devnum(disk->node, &devnum);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (devnum != disk->devnum)
		return -ESTALE;

	/* Read-only: closing a writer makes udev look at the disk again. */
	fd = open(disk->node, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		return 0;

	switch (errno) {
	case EBUSY:
		add_processes(devices, parts, users);
		return 0;
	case ENOENT:
	case ENXIO:
	case ENODEV:
	case ENOMEDIUM:
	case EACCES: /* not ours to open: the other checks have to do */
	case EPERM:
		return 0;
	default:
		return -errno;
	}
}

int mk_devices_users(struct mk_devices *devices, const struct mk_disk *disk, char **ret)
{
	_cleanup_(parts_done) struct parts parts = { 0 };
	_cleanup_(users_done) struct users users = { 0 };
	char more[NAME_SIZE] = "";
	char *text;
	int r;

	r = read_parts(disk, &parts);
	if (r == 0)
		r = look_at_mounts(devices, &parts, &users);
	if (r == 0)
		r = look_at_swaps(devices, &parts, &users);
	if (r == 0)
		r = look_at_all_holders(disk, &parts, &users, NULL);
	/* All of them open it exclusively. */
	if (r == 0 && users.n == 0)
		r = try_exclusive(devices, disk, &parts, &users);
	if (r == 0)
		r = users.problem;
	if (r < 0 || users.n == 0)
		return r;

	if (users.n > LISTED_MAX)
		snprintf(more, sizeof(more), ", and %i more", users.n - LISTED_MAX);
	text = mk_strdup_printf("%s%s%s%s", str_or_empty(*ret), *ret && **ret ? ", " : "",
				users.text, more);
	if (!text)
		return -ENOMEM;
	free(*ret);
	*ret = text;
	return users.n;
}
