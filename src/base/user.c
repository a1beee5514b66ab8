/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The user that the service runs as: becoming that user, and naming the current one in messages. */

#include "base.h"

#include <grp.h>
#include <pwd.h>

int mk_user_become(void)
{
	const struct passwd *user;

	errno = 0;
	user = getpwnam(MK_DAEMON_USER);
	if (!user)
		return errno > 0 && errno != ENOENT ? -errno : -ESRCH;

	if (initgroups(user->pw_name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 ||
	    setuid(user->pw_uid) < 0)
		return errno > 0 ? -errno : -EPERM;

	return 0;
}

const char *mk_user_name(void)
{
	const struct passwd *user = getpwuid(geteuid());
	static char name[64];

	if (user)
		snprintf(name, sizeof(name), "%s", user->pw_name);
	else
		snprintf(name, sizeof(name), "%u", geteuid());
	return name;
}

const char *mk_user_strerror(int error)
{
	static char text[128];

	if (error != EACCES)
		return strerror(error);

	snprintf(text, sizeof(text), "%s to the user %s", strerror(error), mk_user_name());
	return text;
}
