/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signs a request: the string to sign, its HMAC-SHA1, and the body of the POST. */

#include "wire.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <strings.h>

#define SHA1_SIZE      20
#define SIGNATURE_SIZE (((SHA1_SIZE + 2) / 3) * 4 + 1)

struct param {
	const char *name, *value; /* borrowed from the object */
	size_t value_size;
};

struct params {
	struct param *items; /* sorted by name */
	size_t n;
};

static void params_done(struct params *p)
{
	free(p->items);
}

/* CloudStack sorts the raw names, case-sensitively, before it lower-cases anything. */
static int compare(const void *a, const void *b)
{
	const struct param *pa = a, *pb = b;

	return strcmp(pa->name, pb->name);
}

static int collect(json_object *o, struct params *ret)
{
	size_t n = (size_t)json_object_object_length(o);

	ret->n = 0;
	ret->items = calloc(n + 1, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;

	json_object_object_foreach(o, name, value) {
		struct param *p = &ret->items[ret->n];

		if (strcasecmp(name, "signature") == 0)
			continue;

		p->name = name;
		p->value = str_or_empty(json_object_get_string(value));
		p->value_size = json_object_is_type(value, json_type_string)
					? (size_t)json_object_get_string_len(value)
					: strlen(p->value);
		ret->n++;
	}

	qsort(ret->items, ret->n, sizeof(*ret->items), compare);
	return 0;
}

/* Java's form encoder with %20 for the space: '*' stays, '~' does not. */
static char *encode(char *out, const char *s, size_t size, bool lower)
{
	const char *hex = lower ? "0123456789abcdef" : "0123456789ABCDEF";

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)s[i];
		bool upper = c >= 'A' && c <= 'Z';

		if (upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    (c && strchr(".-*_", c))) {
			*out++ = (char)(upper && lower ? c - 'A' + 'a' : c);
		} else {
			*out++ = '%';
			*out++ = hex[c >> 4];
			*out++ = hex[c & 15];
		}
	}

	return out;
}

/* Names go into the signed string as they are (brackets and dots stay), but in lower case. */
static char *lower_name(char *out, const char *name)
{
	for (; *name; name++)
		*out++ = (char)(*name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name);
	return out;
}

/* Room for everything, so that nothing is ever moved and left behind unwiped. */
static size_t room(const struct params *p)
{
	size_t size = sizeof("&signature=") + (size_t)SIGNATURE_SIZE * 3;

	for (size_t i = 0; i < p->n; i++)
		size += 3 * (strlen(p->items[i].name) + p->items[i].value_size) + 2;
	return size;
}

static char *join(const struct params *p, bool for_signing)
{
	char *text, *out;

	text = malloc(room(p));
	if (!text)
		return NULL;

	out = text;
	for (size_t i = 0; i < p->n; i++) {
		const struct param *item = &p->items[i];

		if (i > 0)
			*out++ = '&';
		out = for_signing ? lower_name(out, item->name)
				  : encode(out, item->name, strlen(item->name), false);
		*out++ = '=';
		out = encode(out, item->value, item->value_size, for_signing);
	}

	*out = '\0';
	return text;
}

static void wipe_freep(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
}

static int sign(const char *text, const char *secret_key, char ret[SIGNATURE_SIZE])
{
	unsigned char mac[SHA1_SIZE];
	unsigned size = sizeof(mac);

	if (!HMAC(EVP_sha1(), secret_key, (int)strlen(secret_key), (const unsigned char *)text,
		  strlen(text), mac, &size))
		return -EIO;

	EVP_EncodeBlock((unsigned char *)ret, mac, (int)size);
	return 0;
}

char *mk_cs_string_to_sign(json_object *params)
{
	_cleanup_(params_done) struct params p = {};

	return collect(params, &p) < 0 ? NULL : join(&p, true);
}

char *mk_cs_signature(json_object *params, const char *secret_key)
{
	_cleanup_(wipe_freep) char *text = mk_cs_string_to_sign(params);
	char signature[SIGNATURE_SIZE];

	if (!text || sign(text, secret_key, signature) < 0)
		return NULL;

	return strdup(signature);
}

char *mk_cs_signed_body(json_object *params, const char *secret_key)
{
	_cleanup_free_ char *signature = mk_cs_signature(params, secret_key);
	_cleanup_(params_done) struct params p = {};
	char *body, *out;

	if (!signature || collect(params, &p) < 0)
		return NULL;

	body = join(&p, false);
	if (!body)
		return NULL;

	out = stpcpy(body + strlen(body), p.n > 0 ? "&signature=" : "signature=");
	out = encode(out, signature, strlen(signature), false);
	*out = '\0';
	return body;
}
