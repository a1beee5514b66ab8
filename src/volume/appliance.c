/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The self-check: asks CloudStack for the configured VM, and compares the VM's id with this machine's DMI UUID. */

#include "appliance.h"

#include "cloudstack/wire.h"

#include <ctype.h>

/* Readable by root only: systemd hands its content down as a credential. */
#define DMI_UUID       "/sys/class/dmi/id/product_uuid"
#define DMI_CREDENTIAL "dmi-uuid"

struct mk_appliance_check {
	char *vm;
	bool dmi;
	struct mk_cs_request *request;
	mk_appliance_done *done;
	void *data;
};

static void check_free(struct mk_appliance_check *check)
{
	free(check->vm);
	free(check);
}

static bool read_uuid(const char *path, char ret[MK_UUID_SIZE])
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	if (!f || !fgets(ret, MK_UUID_SIZE, f))
		return false;

	for (char *c = ret; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return mk_uuid_valid(ret);
}

/* False if this machine does not tell. The credential is no UUID where there was nothing to hand down. */
static bool read_dmi(char ret[MK_UUID_SIZE])
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	_cleanup_free_ char *path =
		directory ? mk_strdup_printf("%s/" DMI_CREDENTIAL, directory) : NULL;

	return (path && read_uuid(path, ret)) || read_uuid(DMI_UUID, ret);
}

/* Of a VM that CloudStack knows. */
static char *compare_dmi(const struct mk_appliance_check *check, bool *ret_unverified)
{
	char uuid[MK_UUID_SIZE];

	if (!read_dmi(uuid)) {
		*ret_unverified = true;
		return NULL;
	}

	if (streq(uuid, check->vm))
		return NULL;

	return mk_strdup_printf("this machine is VM %s by its DMI UUID, and the configuration says "
				"%s ([appliance] vm)",
				uuid, check->vm);
}

static char *problem_of(const struct mk_appliance_check *check, const struct mk_cs_reply *reply,
			bool *ret_unverified)
{
	_cleanup_(mk_cs_vms_done) struct mk_cs_vms vms = { 0 };
	_cleanup_free_ char *why = NULL;

	*ret_unverified = false;
	if (reply->outcome != MK_CS_OK)
		return mk_strdup_printf(
			"the appliance's VM %s ([appliance] vm) could not be looked up: "
			"%d %s",
			check->vm, reply->code, reply->text);
	if (mk_cs_vms_parse(reply->body, &vms, &why) < 0)
		return mk_strdup_printf(
			"CloudStack's answer about the appliance's VM %s cannot be used: "
			"%s",
			check->vm, str_or_empty(why));
	if (vms.n != 1 || !streq(vms.items[0].id, check->vm))
		return mk_strdup_printf(
			"CloudStack does not know the appliance's VM %s ([appliance] vm)",
			check->vm);
	if (check->dmi && streq(vms.items[0].hypervisor, "KVM"))
		return compare_dmi(check, ret_unverified);
	return NULL;
}

static void on_reply(const struct mk_cs_reply *reply, void *data)
{
	struct mk_appliance_check *check = data;
	bool unverified;
	_cleanup_free_ char *problem = problem_of(check, reply, &unverified);

	check->done(str_or_empty(problem), unverified, check->data);
	check_free(check);
}

struct mk_appliance_check *mk_appliance_check(struct mk_cs *cs, const char *vm, bool dmi,
					      mk_appliance_done *done, void *data)
{
	_cleanup_json_ json_object *params = json_object_new_object();
	struct mk_appliance_check *check = calloc(1, sizeof(*check));

	if (!check)
		return NULL;

	check->vm = strdup(vm);
	check->dmi = dmi;
	check->done = done;
	check->data = data;
	mk_json_set_str(params, "id", vm);
	mk_json_set_str(params, "details", "min");
	if (check->vm)
		check->request = mk_cs_read(cs, "listVirtualMachines", params, "virtualmachine",
					    on_reply, check);
	if (check->request)
		return check;

	check_free(check);
	return NULL;
}

struct mk_appliance_check *mk_appliance_check_cancel(struct mk_appliance_check *check)
{
	if (check) {
		mk_cs_request_cancel(check->request);
		check_free(check);
	}
	return NULL;
}
