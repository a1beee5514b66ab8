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
	const char *end = s + n, *equals = memchr(s, '=', n), *value = equals ? equals + 1 : end;
	struct request_param p = { 0 };
	size_t name_size = 0;

	if (n == 0)
		return 0;

	p.name = decode(s, (size_t)((equals ? equals : end) - s), &name_size);
	p.value = decode(value, (size_t)(end - value), &p.size);
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

/* --- the order of a HashMap --- */

/* The next character of valid UTF-8. */
static uint32_t next_char(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	unsigned more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
	uint32_t c = more ? *p & (0x3fU >> more) : *p;

	for (unsigned i = 1; i <= more; i++)
		c = c << 6 | (p[i] & 0x3f);
	*s += 1 + more;
	return c;
}

/* String.hashCode(), of UTF-16 units, as HashMap spreads it. */
static uint32_t java_hash(const char *s)
{
	uint32_t hash = 0;

	while (*s) {
		uint32_t c = next_char(&s);

		if (c > 0xffff)
			hash = (hash * 31 + 0xd7c0 + (c >> 10)) * 31 + (0xdc00 | (c & 0x3ff));
		else
			hash = hash * 31 + c;
	}
	return hash ^ hash >> 16;
}

struct in_map {
	const struct request_param *param;
	uint32_t bucket;
};

static int compare_places(const void *a, const void *b)
{
	const struct in_map *x = a, *y = b;

	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	return x->param < y->param ? -1 : 1;
}

/*
 * The parameters in the order in which the server walks over them: it decides which of two names that differ in case
 * stays, and which of two mistakes is told. The caller frees; NULL without memory.
 */
static struct in_map *java_order(const struct request *q)
{
	struct in_map *map = calloc(q->n + 1, sizeof(*map));
	uint32_t capacity = 16;

	while (q->n > capacity * 3 / 4)
		capacity *= 2;
	for (size_t i = 0; map && i < q->n; i++) {
		map[i].param = &q->params[i];
		map[i].bucket = java_hash(q->params[i].name) & (capacity - 1);
	}
	if (map)
		qsort(map, q->n, sizeof(*map), compare_places);
	return map;
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

/* "Z", "+hh", "+hhmm", "+hh:mm", and the same with seconds. Returns what it ends with, or NULL. */
static const char *parse_offset(const char *s, int64_t *ret_offset)
{
	int sign = *s == '-' ? -1 : 1, parts[3] = { 0 };
	size_t n = 0;

	if (*s == 'Z' || *s == 'z') {
		*ret_offset = 0;
		return s + 1;
	}
	if (*s != '+' && *s != '-')
		return NULL;

	for (s++; s && n < ARRAY_SIZE(parts) && (n == 0 || *s == ':' || isdigit((unsigned char)*s));
	     n++)
		s = parse_two(s + (n > 0 && *s == ':'), &parts[n]);
	*ret_offset = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
	return s;
}

/* "yyyy-MM-ddTHH:mm", perhaps with seconds and a fraction. Returns what follows, or NULL. */
static const char *parse_local(const char *text, struct tm *ret)
{
	static const char digits[] = "0123456789";
	const char *s;

	if (strspn(text, digits) != 4)
		return NULL;
	s = strptime(text, "%Y-%m-%d", ret);
	if (!s || s != text + strlen("yyyy-MM-dd") || (*s != 'T' && *s != 't'))
		return NULL;

	s = parse_two(s + 1, &ret->tm_hour);
	s = s && *s == ':' ? parse_two(s + 1, &ret->tm_min) : NULL;
	if (!s || *s != ':')
		return s;
	s = parse_two(s + 1, &ret->tm_sec);
	if (s && *s == '.')
		s += 1 + strspn(s + 1, digits);
	return s;
}

/* As DateUtil.parseTZDateString(): ISO 8601 with an offset. */
int request_parse_expires(const char *text, int64_t *ret_time)
{
	struct tm tm = { 0 }, same;
	const char *s = parse_local(text, &tm);
	int64_t offset = 0;

	s = s ? parse_offset(s, &offset) : NULL;
	if (!s || *s || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
		return -EINVAL;

	same = tm;
	*ret_time = timegm(&tm) - offset;
	return tm.tm_mday == same.tm_mday ? 0 : -EINVAL; /* no 30th of February */
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
	_cleanup_free_ struct in_map *map = java_order(q);

	for (size_t i = 0; map && i < q->n; i++) {
		if (!has_control(map[i].param))
			continue;
		*ret_why = mk_strdup_printf("Received value containing illegal ASCII "
					    "non-printable characters for parameter %s",
					    map[i].param->name);
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

json_object *request_to_json(const struct request *q, bool lower)
{
	_cleanup_free_ struct in_map *map = java_order(q);
	json_object *o = json_object_new_object();

	for (size_t i = 0; o && map && i < q->n; i++) {
		const struct request_param *p = map[i].param;
		_cleanup_free_ char *name = of_transport(p->name) ? NULL : strdup(p->name);

		for (char *c = name; lower && c && *c; c++)
			*c = (char)tolower((unsigned char)*c);
		if (name)
			json_object_object_add(o, name,
					       json_object_new_string_len(p->value, (int)p->size));
	}
	return o;
}
