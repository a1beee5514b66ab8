/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves that the CloudStack client checks the server's certificate, against a real HTTPS server in the test's
 * process. The program openssl makes the certificates, with a certificate authority of their own.
 */

#include "cloudstack-env.h"

#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/stat.h>

static char dir[] = "/tmp/mk-tls-XXXXXX";

static enum MHD_Result on_https(void *cls, struct MHD_Connection *connection, const char *url,
				const char *method, const char *version, const char *data,
				size_t *size, void **state)
{
	static char body[] = "{\"deletevolumeresponse\":{\"success\":true}}", seen;
	struct MHD_Response *response;
	enum MHD_Result r;

	if (!*state || *size > 0) { /* headers, then the body's pieces, then its end */
		*state = &seen;
		*size = 0;
		return MHD_YES;
	}

	response = MHD_create_response_from_buffer(sizeof(body) - 1, body, MHD_RESPMEM_PERSISTENT);
	r = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return r;
}

static char *slurp(const char *name)
{
	char *text = calloc(1, 16384);
	char path[PATH_MAX];
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (f && text)
		(void)!fread(text, 1, 16383, f);
	return text;
}

static struct MHD_Daemon *serve(const char *name)
{
	_cleanup_free_ char *key_name = mk_strdup_printf("%s.key", name);
	_cleanup_free_ char *cert_name = mk_strdup_printf("%s.pem", name);
	_cleanup_free_ char *key = slurp(key_name), *cert = slurp(cert_name);
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL,
				on_https, NULL, MHD_OPTION_SOCK_ADDR, &sin,
				MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_HTTPS_MEM_CERT, cert,
				MHD_OPTION_END);
}

/* Writes to a server with this certificate. True if it was answered; else *ret_status says why. */
static bool try(const char *cert, const char *ca, bool insecure, char **ret_status)
{
	struct MHD_Daemon *daemon = serve(cert);
	_cleanup_(answer_done) struct answer a = {};
	_cleanup_free_ char *ca_path = ca ? mk_strdup_printf("%s/%s", dir, ca) : NULL;
	unsigned short port;
	bool ok;
	struct env e;

	CU_ASSERT_PTR_NOT_NULL_FATAL(daemon);
	port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	env_config(&e, NULL);
	snprintf(e.url, sizeof(e.url), "https://127.0.0.1:%u/client/api", port);
	e.config.ca_file = ca_path;
	e.config.insecure = insecure;
	env_start(&e);

	/* without a connection it was certainly not run */
	mk_cs_write(e.cs, "deleteVolume", NULL, true, on_answer, &a);
	env_until(&e, &a.n, 1);
	ok = a.outcome == MK_CS_OK;
	CU_ASSERT(ok || a.outcome == MK_CS_NOT_RUN);
	CU_ASSERT_EQUAL(mk_cs_reachable(e.cs), ok);
	*ret_status = strdup(mk_cs_status(e.cs));
	if (!ok)
		CU_ASSERT(mk_cs_requests_sent(e.cs) >= 1);

	env_close(&e);
	MHD_stop_daemon(daemon);
	return ok;
}

static void check_refused(const char *cert, const char *ca, const char *problem)
{
	_cleanup_free_ char *status = NULL;

	CU_ASSERT(!try(cert, ca, false, &status));
	CU_ASSERT_PTR_NOT_NULL(strstr(status, "ca-file"));
	CU_ASSERT_PTR_NOT_NULL(strcasestr(status, problem));
	tap_note("%s", status);
}

static void right_authority(void)
{
	_cleanup_free_ char *status = NULL;

	CU_ASSERT(try("good", "ca.pem", false, &status));
	CU_ASSERT_STRING_EQUAL(status, "");
}

static void wrong_name(void)
{
	check_refused("name", "ca.pem", "127.0.0.1");
}

static void unknown_authority(void)
{
	check_refused("good", "other.pem", "certificate");
	check_refused("good", NULL, "certificate");
	check_refused("good", "missing.pem", "missing.pem");
}

static void insecure(void)
{
	_cleanup_free_ char *a = NULL, *b = NULL;

	CU_ASSERT(try("name", NULL, true, &a));
	CU_ASSERT(try("good", "other.pem", true, &b));
}

static int make_certificates(void)
{
	static const char script[] =
		"exec >/dev/null 2>&1; set -e; cd '%s'\n"
		"k='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
		"for ca in ca other; do openssl req -x509 $k -keyout $ca.key -out $ca.pem -days 2 "
		"-subj /CN=$ca; done\n"
		"leaf() { openssl req $k -keyout $1.key -out $1.csr -subj /CN=$1\n"
		"  echo \"subjectAltName=$2\" > $1.ext\n"
		"  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
		"-extfile $1.ext -out $1.pem; }\n"
		"leaf good IP:127.0.0.1; leaf name DNS:elsewhere.example\n";
	_cleanup_free_ char *command = NULL;

	if (!mkdtemp(dir))
		return 1;
	command = mk_strdup_printf(script, dir);
	return system(command) == 0 ? 0 : 1;
}

static int remove_certificates(void)
{
	_cleanup_free_ char *command = mk_strdup_printf("rm -r '%s'", dir);

	return system(command) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L41 right authority", right_authority },
		{ "L41 wrong host name", wrong_name },
		{ "L41 unknown authority", unknown_authority },
		{ "insecure accepts all", insecure },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "cloudstack-tls", make_certificates, remove_certificates,
			tests);
}
