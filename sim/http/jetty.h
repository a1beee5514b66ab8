/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What Jetty, CloudStack's HTTP server, answers by itself. All make an answer in *ret. */

#include "http.h"

/* To a request that it does not read: it closes the connection. */
void jetty_bad(struct http_answer *ret, unsigned status, const char *reason);

/*
 * Its page of an error on this path, with the exceptions that caused it, outermost first; NULL for none. An exception
 * that leaves CloudStack's servlet ends as a 404.
 */
void jetty_error(struct http_answer *ret, unsigned status, const char *text, const char *path,
		 const char *cause, const char *inner);

/* To a path that is not the API's: a redirection to the UI, the UI's page, or a 404. query and host may be NULL. */
void jetty_elsewhere(struct http_answer *ret, const char *path, const char *query,
		     const char *host);
