/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Measures the simulator: how many lists it answers in a second of one core. Its processor time is what counts, so that
 * neither the client nor a busy machine takes part. MK_SIMULATOR=PROGRAM measures another simulator.
 */

#include "bench-internal.h"
#include "child.h"
#include "cloudstack/wire.h"
#include "testsim.h"
#include "tap.h"

#include <curl/curl.h>

#define SERIES   "lists of the simulator, a second of one core"
#define REQUESTS 400

/* The simulator's demo keys. */
static const char api_key[] = "mK7-demoKey_0123456789abcdefABCDEF";
static const char secret[] = "s3cr3t-DEMO_key-0123456789-abcdefghijklmnop";
static const char first_id[] = "aaaaaaaa-0000-4000-8000-000000000000";

/* Processor time of the simulator, ns. */
static double cpu(const struct th_sim *sim)
{
	_cleanup_free_ char *path = mk_strdup_printf("/proc/%d/schedstat", (int)th_pid(sim));
	_cleanup_free_ char *text = child_slurp(path, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	return text ? strtod(text, NULL) : 0;
}

static char *list_body(const char *command, const char *key, const char *value)
{
	_cleanup_json_ json_object *params = json_object_new_object();

	mk_json_set_str(params, "command", command);
	mk_json_set_str(params, "listall", "true");
	mk_json_set_str(params, "response", "json");
	mk_json_set_str(params, "apikey", api_key);
	if (key)
		mk_json_set_str(params, key, value);
	return mk_cs_signed_body(params, secret);
}

/* On one connection, one after the other. */
static void measure(struct th_sim *sim, const char *variant, char *body, unsigned requests)
{
	json_object *samples = json_object_new_array();
	CURL *c = curl_easy_init();

	curl_easy_setopt(c, CURLOPT_URL, th_url(sim));
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	for (unsigned round = 0; round < ROUNDS; round++) {
		double start = cpu(sim);

		for (unsigned i = 0; i < requests; i++) {
			long status = 0;

			CU_ASSERT_EQUAL_FATAL(curl_easy_perform(c), CURLE_OK);
			curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
			CU_ASSERT_EQUAL_FATAL(status, 200);
		}
		add(samples, requests / (cpu(sim) - start) * 1e9);
	}
	put(SERIES, variant, "1/s", samples);
	curl_easy_cleanup(c);
	free(body);
}

static void seed(struct th_sim *sim, unsigned from, unsigned to)
{
	_cleanup_json_ json_object *volumes = many_volumes(from, to), *reply = NULL;

	reply = th_admin(sim, "seed", json_object_to_json_string(volumes));
	CU_ASSERT_PTR_NOT_NULL_FATAL(reply);
}

void bench_sim(void)
{
	struct th_sim *sim = th_start(NULL, -1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(sim);
	seed(sim, 0, 1);
	measure(sim, "listCapabilities: no rows", list_body("listCapabilities", NULL, NULL),
		REQUESTS);
	measure(sim, "one by id, 1 volume", list_body("listVolumes", "id", first_id), REQUESTS);
	measure(sim, "all, 1 volume and 3 roots", list_body("listVolumes", NULL, NULL), REQUESTS);
	for (unsigned i = 0; i < MANY; i += PART)
		seed(sim, i, i + PART);
	measure(sim, "one by id, 5000 volumes", list_body("listVolumes", "id", first_id), REQUESTS);
	measure(sim, "500 of 5000 volumes", list_body("listVolumes", NULL, NULL), REQUESTS / 20);
	CU_ASSERT(th_stop(sim));
}
