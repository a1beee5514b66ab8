/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who we are, and who the service is. */

#define MK_DAEMON_USER "migratekit" /* as the unit says */

/* Gives up root for the service's user, for good. Returns 0; -ESRCH if there is no such user; or a
 * negative errno, after which nothing should be read. */
int mk_user_become(void);

/* The name of our user, its number where it has none. Static storage. */
const char *mk_user_name(void);

/* strerror() for a file that could not be read; it names the user who lacks the permission. Static storage. */
const char *mk_user_strerror(int error);
