/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client's own copy of its configuration, checked; and mk_cs_clean(), which removes our keys
 * from texts. */

#include "cloudstack-internal.h"

#define KEY_MIN  8 /* shorter ones are no keys, and would blot out plain words */
#define TIME_MAX (24 * 3600 * USEC_PER_SEC)

DEFINE_CLEANUP(CURLU *, curl_url_cleanup)

/* http(s), a host, and nothing that would carry a secret into a status sentence. */
static bool url_valid(const char *url)
{
	_cleanup_(curl_url_cleanupp) CURLU *u = curl_url();
	static const CURLUPart unwanted[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
					      CURLUPART_FRAGMENT };
	char *part = NULL;
	bool ok;

	if (!u || !mk_text_valid(url, 2048) ||
	    curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &part, 0) != CURLUE_OK)
		return false;

	ok = streq(part, "http") || streq(part, "https");
	curl_free(part);
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++) {
		part = NULL;
		if (curl_url_get(u, unwanted[i], &part, 0) == CURLUE_OK)
			ok = false;
		curl_free(part);
	}

	return ok;
}

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
	return value > 0 ? value : fallback;
}

static bool time_valid(uint64_t usec)
{
	return usec >= USEC_PER_MSEC && usec <= TIME_MAX;
}

static int copy_numbers(struct mk_cs_settings *s, const struct mk_cs_config *c)
{
	s->insecure = c->insecure;
	s->max_requests = c->max_requests > 0 ? c->max_requests : 32;
	s->read_timeout = or_default(c->read_timeout, 30 * USEC_PER_SEC);
	s->sync_timeout = or_default(c->sync_timeout, 300 * USEC_PER_SEC);
	s->poll_min = or_default(c->poll_min, 1 * USEC_PER_SEC);
	s->poll_max = or_default(c->poll_max, 5 * USEC_PER_SEC);
	s->retry_min = or_default(c->retry_min, 500 * USEC_PER_MSEC);
	s->retry_max = or_default(c->retry_max, 30 * USEC_PER_SEC);

	if (s->max_requests > 128 || !time_valid(s->read_timeout) || !time_valid(s->sync_timeout) ||
	    !time_valid(s->poll_min) || !time_valid(s->poll_max) || !time_valid(s->retry_min) ||
	    !time_valid(s->retry_max) || s->poll_min > s->poll_max || s->retry_min > s->retry_max)
		return -EINVAL;
	return 0;
}

int mk_cs_settings_copy(struct mk_cs_settings *ret, const struct mk_cs_config *c)
{
	_cleanup_(mk_cs_settings_done) struct mk_cs_settings s = {};
	int r;

	if (!c->url || !url_valid(c->url) || !c->api_key || !*c->api_key || !c->secret_key ||
	    !*c->secret_key)
		return -EINVAL;

	r = copy_numbers(&s, c);
	if (r < 0)
		return r;

	if (mk_str_set(&s.url, c->url) < 0 || mk_str_set(&s.api_key, c->api_key) < 0 ||
	    mk_str_set(&s.secret_key, c->secret_key) < 0 || mk_str_set(&s.ca_file, c->ca_file) < 0)
		return -ENOMEM;

	*ret = s;
	s = (struct mk_cs_settings){};
	return 0;
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void mk_cs_settings_done(struct mk_cs_settings *s)
{
	wipe(s->api_key);
	wipe(s->secret_key);
	free(s->url);
	free(s->ca_file);
	*s = (struct mk_cs_settings){};
}

static void blot_out(char *text, const char *key)
{
	size_t size = key ? strlen(key) : 0;

	if (size < KEY_MIN)
		return;
	while ((text = strstr(text, key)))
		text = (char *)memset(text, '*', size) + size;
}

char *mk_cs_clean(const struct mk_cs *cs, const char *text)
{
	char *clean = mk_utf8_clean(text);

	if (clean) {
		blot_out(clean, cs->settings.secret_key);
		blot_out(clean, cs->settings.api_key);
	}

	return clean;
}
