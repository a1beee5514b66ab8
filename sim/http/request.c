/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parameters of an API request, and the check of its signature. The signature is computed here once more, from the
 * server's side, and not by the daemon's code: so each of the two finds the other's mistakes.
 */

#include "request.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>

#define SHA1_SIZE  20
#define BASE64_MAX 64

/* --- parameters --- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* A form's text: + is a space. NULL for a bad percent code, bad UTF-8, or without memory. */
static char *decode(const char *s, size_t n, size_t *ret_size)
{
	_cleanup_free_ char *out = malloc(n + 1);
	size_t size = 0;

	if (!out)
		return NULL;

	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < n ? hex_digit(s[i + 1]) : -1;
			int low = i + 2 < n ? hex_digit(s[i + 2]) : -1;

			if (high < 0 || low < 0)
				return NULL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		out[size++] = c;
	}

	out[size] = '\0';
	if (!mk_utf8_valid(out, size))
		return NULL;
	*ret_size = size;
	return take_ptr(out);
}

static struct request_param *find(const struct request *q, const char *name)
{
	for (size_t i = 0; i < q->n; i++)
		if (streq(q->params[i].name, name))
			return &q->params[i];
	return NULL;
}

static void param_done(struct request_param *p)
{
	free(p->name);
	free(p->value);
	*p = (struct request_param){ 0 };
}

/* Takes name and value in any case. */
static int put(struct request *q, struct request_param new, bool keep_last)
{
	struct request_param *old = find(q, new.name), *more;

	if (old && !keep_last) {
		param_done(&new);
		return 0;
	}
	if (old) {
		param_done(old);
		*old = new;
		return 0;
	}

	more = q->n < REQUEST_PARAMS_MAX ? realloc(q->params, (q->n + 1) * sizeof(*more)) : NULL;
	if (!more) {
		param_done(&new);
		return -E2BIG;
	}

	q->params = more;
	q->params[q->n++] = new;
	return 0;
}

static int add_one(struct request *q, const char *s, size_t n, bool keep_last)
{
	const char *equals = memchr(s, '=', n);
	struct request_param p = { 0 };
	size_t name_size = 0;

	if (!equals)
		return 0; /* ApiServlet.utf8Fixup() passes over it */

	p.name = decode(s, (size_t)(equals - s), &name_size);
	p.value = decode(equals + 1, n - (size_t)(equals - s) - 1, &p.size);
	if (!p.name || !p.value || strlen(p.name) != name_size) {
		param_done(&p);
		return -EINVAL;
	}

	return put(q, p, keep_last);
}

int request_add(struct request *q, const char *text, bool keep_last)
{
	while (*text) {
		size_t n = strcspn(text, "&");
		int r = add_one(q, text, n, keep_last);

		if (r < 0)
			return r;
		text += n;
		text += *text == '&';
	}
	return 0;
}

void request_done(struct request *q)
{
	for (size_t i = 0; i < q->n; i++)
		param_done(&q->params[i]);
	free(q->params);
	*q = (struct request){ 0 };
}

const char *request_get(const struct request *q, const char *name, bool any_case)
{
	for (size_t i = 0; i < q->n; i++)
		if (any_case ? strcasecmp(q->params[i].name, name) == 0
			     : streq(q->params[i].name, name))
			return q->params[i].value;
	return NULL;
}

/* --- signature --- */

struct by_name {
	const struct request_param *param;
};

/* strcmp() on UTF-8: code-point order, which is String.compareTo()'s but for surrogates. */
static int compare_names(const void *a, const void *b)
{
	const struct by_name *x = a, *y = b;

	return strcmp(x->param->name, y->param->name);
}

/* java.net.URLEncoder, then + for a space replaced by %20; at most three bytes for each. Returns the end. */
static char *encode(char *to, const char *value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)value[i];

		if (isalnum(c) || (c && strchr(".-*_", c)))
			*to++ = (char)c;
		else
			to += sprintf(to, "%%%02X", c);
	}

	*to = '\0';
	return to;
}

/* By hand and not through a stream, whose addresses AddressSanitizer gets wrong beside umockdev's threads. */
char *request_string_to_sign(const struct request *q)
{
	_cleanup_free_ struct by_name *sorted = calloc(q->n + 1, sizeof(*sorted));
	size_t size = 1, n = 0;
	char *text, *end;

	if (!sorted)
		return NULL;

	for (size_t i = 0; i < q->n; i++) {
		size += strlen(q->params[i].name) + 3 * q->params[i].size + strlen("&=");
		if (strcasecmp(q->params[i].name, "signature") != 0)
			sorted[n++].param = &q->params[i];
	}
	qsort(sorted, n, sizeof(*sorted), compare_names);

	text = end = calloc(size, 1);
	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		end += sprintf(end, "%s%s=", i > 0 ? "&" : "", sorted[i].param->name);
		end = encode(end, sorted[i].param->value, sorted[i].param->size);
	}

	for (char *c = text; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return text;
}

bool request_signature_ok(const struct request *q, const char *secret)
{
	_cleanup_free_ char *text = request_string_to_sign(q);
	const char *given = request_get(q, "signature", true);
	unsigned char mac[EVP_MAX_MD_SIZE], base64[BASE64_MAX];
	unsigned size = 0;

	if (!text || !given ||
	    !HMAC(EVP_sha1(), secret, (int)strlen(secret), (const unsigned char *)text,
		  strlen(text), mac, &size) ||
	    size != SHA1_SIZE)
		return false;

	size = (unsigned)EVP_EncodeBlock(base64, mac, (int)size);
	return strlen(given) == size && CRYPTO_memcmp(base64, given, size) == 0;
}

/* Two digits. Returns what follows them, or NULL. */
static const char *parse_two(const char *s, int *ret)
{
	if (!s || !isdigit((unsigned char)s[0]) || !isdigit((unsigned char)s[1]))
		return NULL;
	*ret = (s[0] - '0') * 10 + s[1] - '0';
	return s + 2;
}

/* "Z", "+hh:mm" or "+hhmm". Returns what it ends with, or NULL. */
static const char *parse_offset(const char *s, int64_t *ret_offset)
{
	int sign = *s == '-' ? -1 : 1, hours, minutes;

	if (*s == 'Z') {
		*ret_offset = 0;
		return s + 1;
	}
	if (*s != '+' && *s != '-')
		return NULL;

	s = parse_two(s + 1, &hours);
	if (s && *s == ':')
		s++;
	s = parse_two(s, &minutes);
	if (s)
		*ret_offset = sign * (hours * 3600 + minutes * 60);
	return s;
}

int request_parse_expires(const char *text, int64_t *ret_time)
{
	struct tm tm = { 0 };
	const char *s = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t offset;

	if (s && *s == '.')
		s += 1 + strspn(s + 1, "0123456789");
	s = s ? parse_offset(s, &offset) : NULL;
	if (!s || *s)
		return -EINVAL;

	*ret_time = timegm(&tm) - offset;
	return 0;
}

/* --- the texts of parameters --- */

static bool has_control(const struct request_param *p)
{
	for (size_t i = 0; i < p->size; i++) {
		unsigned char c = (unsigned char)p->value[i];

		if ((c < 0x20 && c != '\n' && c != '\r') || c == 0x7f)
			return true;
	}
	return false;
}

bool request_bad_text(const struct request *q, char **ret_why)
{
	for (size_t i = 0; i < q->n; i++) {
		if (!has_control(&q->params[i]))
			continue;
		*ret_why = mk_strdup_printf("Received value containing illegal ASCII "
					    "non-printable characters for parameter %s",
					    q->params[i].name);
		return true;
	}

	return false;
}

static bool of_transport(const char *name)
{
	static const char *const names[] = { "signature",        "apikey",  "command", "response",
					     "signatureversion", "expires", NULL };

	for (const char *const *n = names; *n; n++)
		if (strcasecmp(*n, name) == 0)
			return true;
	return false;
}

json_object *request_to_json(const struct request *q)
{
	json_object *o = json_object_new_object();

	for (size_t i = 0; o && i < q->n; i++) {
		if (of_transport(q->params[i].name))
			continue;
		json_object_object_add(o, q->params[i].name,
				       json_object_new_string_len(q->params[i].value,
								  (int)q->params[i].size));
	}
	return o;
}
