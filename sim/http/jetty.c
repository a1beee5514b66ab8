/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "jetty.h"

#define UI "/client/"

static void set_page(struct http_answer *ret, char *body)
{
	ret->type = HTTP_HTML;
	ret->body = body;
	ret->size = strlen(str_or_empty(body));
}

void jetty_bad(struct http_answer *ret, unsigned status, const char *reason)
{
	*ret = (struct http_answer){ .status = status, .close = true };
	set_page(ret,
		 mk_strdup_printf("<h1>Bad Message %u</h1><pre>reason: %s</pre>", status, reason));
}

static char *cause_row(const char *cause)
{
	return cause ? mk_strdup_printf("<tr><th>CAUSED BY:</th><td>%s</td></tr>\n", cause)
		     : strdup("");
}

void jetty_error(struct http_answer *ret, unsigned status, const char *text, const char *path,
		 const char *cause, const char *inner)
{
	_cleanup_free_ char *row = cause_row(cause), *inner_row = cause_row(inner), *trace = NULL;

	trace = cause ? mk_strdup_printf("<h3>Caused by:</h3><pre>%s\n</pre>\n", cause)
		      : strdup("");
	*ret = (struct http_answer){ .status = status, .close = cause != NULL };
	set_page(ret,
		 mk_strdup_printf(
			 "<html>\n<head>\n"
			 "<meta http-equiv=\"Content-Type\" "
			 "content=\"text/html;charset=ISO-8859-1\"/>\n"
			 "<title>Error %u %s</title>\n</head>\n<body><h2>HTTP ERROR %u %s</h2>\n"
			 "<table>\n<tr><th>URI:</th><td>%s</td></tr>\n"
			 "<tr><th>STATUS:</th><td>%u</td></tr>\n"
			 "<tr><th>MESSAGE:</th><td>%s</td></tr>\n"
			 "<tr><th>SERVLET:</th><td>default</td></tr>\n%s%s</table>\n%s\n"
			 "</body>\n</html>\n",
			 status, text, status, text, path, status, text, str_or_empty(row),
			 str_or_empty(inner_row), str_or_empty(trace)));
}

/* To the UI; whatever the query was, a signature in it included, goes along. */
static void redirect(struct http_answer *ret, unsigned status, const char *query, const char *host)
{
	*ret = (struct http_answer){ .status = status };
	ret->location = mk_strdup_printf("http://%s" UI "%s%s", str_or_empty(host),
					 query ? "?" : "", str_or_empty(query));
}

void jetty_elsewhere(struct http_answer *ret, const char *path, const char *query, const char *host)
{
	if (streq(path, "/client")) {
		redirect(ret, 302, query, host);
	} else if (streq(path, UI)) {
		*ret = (struct http_answer){ .status = 200 };
		set_page(ret, strdup("<!DOCTYPE html><html lang=\"en-gb\"><head><title>Apache "
				     "CloudStack</title></head><body><div id=\"app\"></div></body>"
				     "</html>"));
	} else if (starts_with(path, UI)) {
		jetty_error(ret, 404, "Not Found", path, NULL, NULL);
	} else {
		redirect(ret, 301, query, host);
	}
}
