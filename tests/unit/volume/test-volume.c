/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves src/volume: how managed volumes are stored, and how it is proven which disk is which volume. The database is
 * real; the table of disks is the test's own and takes the place of src/device. Each condition of a proof is broken
 * here once, and must give its own error.
 */

#include "tap.h"
#include "volume/volume.h"

#include <sys/sysmacros.h>

#define OMA          "11111111-1111-4111-8111-111111111111"
#define OTHER        "22222222-2222-4222-8222-222222222222"
#define VOL          "5d0c1f7e-8a3b-4c42-9d10-aabbccddeeff"
#define DIGITS       "5d0c1f7e8a3b4c429d10"
/* The same 20 digits: only `customid` can make such a pair. */
#define TWIN         "5d0c1f7e-8a3b-4c42-9d10-001122334455"
#define SIZE         (UINT64_C(10) << 30)
#define OTHER_DIGITS "22222222222242228222"

/* ---- the disks of this machine ------------------------------------------------------------------------------ */

static struct mk_disk disks[4];
static size_t n_disks;
static const char *holder;

struct mk_devices {
	int unused;
};
static struct mk_devices table;

size_t mk_devices_by_serial(struct mk_devices *devices, const char *serial,
			    const struct mk_disk **ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < n_disks; i++) {
		if (!streq(disks[i].serial, serial))
			continue;
		if (n < max)
			ret[n] = &disks[i];
		n++;
	}
	return n;
}

const struct mk_disk *mk_devices_only(struct mk_devices *devices, const char *serial)
{
	const struct mk_disk *disk = NULL;

	return mk_devices_by_serial(devices, serial, &disk, 1) == 1 ? disk : NULL;
}

bool mk_devices_held(struct mk_devices *devices, const struct mk_disk *disk, char **ret_holder)
{
	*ret_holder = holder ? strdup(holder) : NULL;
	return holder != NULL;
}

void mk_serial_of_volume(const char *uuid, char ret_serial[MK_SERIAL_SIZE])
{
	size_t n = 0;

	for (const char *c = uuid; *c && n < MK_SERIAL_DIGITS; c++)
		if (*c != '-')
			ret_serial[n++] = *c;
	ret_serial[n] = '\0';
}

static struct mk_disk *plug(const char *node, unsigned minor, const char *serial, uint64_t size)
{
	disks[n_disks] = (struct mk_disk){ .node = node,
					   .link = "/dev/disk/by-id/virtio-" DIGITS,
					   .serial = serial,
					   .bus = "virtio",
					   .syspath = "",
					   .settled = true,
					   .devnum = makedev(252, minor),
					   .diskseq = 7,
					   .size = size };
	return &disks[n_disks++];
}

/* ---- the set -------------------------------------------------------------------------------------------------- */

static char dir[] = "/tmp/mk-test-volume.XXXXXX";
static char *path;
static struct mk_store *store;
static struct mk_volumes *volumes;
static unsigned n_added, n_changed, n_removed;

static void added(struct mk_volume *v, void *data)
{
	n_added++;
}

static void changed(struct mk_volume *v, void *data)
{
	n_changed++;
}

static void removed(struct mk_volume *v, void *data)
{
	n_removed++;
}

static void open_set(void)
{
	struct mk_volumes_watcher watcher = { added, changed, removed, NULL };
	_cleanup_error_ struct mk_error error = { 0 };

	CU_ASSERT_EQUAL_FATAL(mk_store_open(path, &store, &error), 0);
	CU_ASSERT_EQUAL_FATAL(mk_volumes_new(store, &table, OMA, &watcher, &volumes), 0);
	mk_volumes_recheck(volumes);
}

static void close_set(void)
{
	CU_ASSERT_EQUAL(mk_store_commit(store), 0);
	volumes = mk_volumes_free(volumes);
	store = mk_store_close(store);
}

static void begin(void)
{
	static unsigned n;

	free(path);
	path = mk_strdup_printf("%s/%u.db", dir, n++);
	n_disks = 0;
	holder = NULL;
	n_added = n_changed = n_removed = 0;
	open_set();
}

static struct mk_volume *follow(const char *id, const char *vm, bool busy, bool held)
{
	struct mk_volume_info info = { .id = id,
				       .name = "disk",
				       .type = "DATADISK",
				       .state = "Ready",
				       .vm = vm,
				       .zone = "",
				       .owner = OMA,
				       .class = "oma",
				       .device_id = *vm ? 1 : -1,
				       .size = SIZE,
				       .busy = busy };

	CU_ASSERT_EQUAL_FATAL(mk_volumes_manage(volumes, &info, "oma", NULL, held), 0);
	return mk_volumes_find(volumes, id);
}

static struct mk_volume *manage(const char *id, const char *vm)
{
	return follow(id, vm, false, false);
}

/* ---- the proof -------------------------------------------------------------------------------------------------- */

static int prove(enum mk_error_code *ret_code, char **ret_text)
{
	struct mk_error error = { 0 };
	const struct mk_disk *disk = NULL;
	int r = mk_correlate(volumes, VOL, SIZE, &disk, &error);

	*ret_code = error.code;
	*ret_text = error.text ? error.text : strdup("");
	if (r == 0)
		CU_ASSERT_PTR_EQUAL(disk, &disks[0]);
	return r;
}

#define PROVES(want_r, want_code, words)                                                           \
	do {                                                                                       \
		enum mk_error_code code_;                                                          \
		_cleanup_free_ char *text_ = NULL;                                                 \
		int r_ = prove(&code_, &text_);                                                    \
                                                                                                   \
		if (r_ != (want_r) || code_ != (want_code) || !strstr(text_, words))               \
			tap_note("got %d, error %d: %s", r_, (int)code_, text_);                   \
		CU_ASSERT_EQUAL(r_, want_r);                                                       \
		CU_ASSERT_EQUAL(code_, want_code);                                                 \
		CU_ASSERT_PTR_NOT_NULL(strstr(text_, words));                                      \
	} while (0)

/* L06, L31: identity or an error. */
static void test_proof(void)
{
	begin();
	PROVES(-EAGAIN, MK_ERROR_DEVICE_NOT_FOUND, "a disk with the serial " DIGITS);
	plug("/dev/vdb", 16, DIGITS, SIZE);
	PROVES(0, MK_ERROR_NONE, "");

	plug("/dev/vdc", 32, "", SIZE); /* no serial, same size: never a candidate */
	PROVES(0, MK_ERROR_NONE, "");
	disks[1].serial = "ffffffffffffffffffff";
	PROVES(0, MK_ERROR_NONE, "");
	disks[1].serial = DIGITS;
	PROVES(-EINVAL, MK_ERROR_AMBIGUOUS, "/dev/vdb, /dev/vdc");
	n_disks = 1;

	disks[0].size = SIZE - 512;
	PROVES(-EINVAL, MK_ERROR_DEVICE_MISMATCH, "CloudStack says 10737418240");
	disks[0].size = SIZE;

	holder = "dm-0 (multipath)";
	PROVES(-EINVAL, MK_ERROR_DEVICE_MISMATCH, "held by dm-0 (multipath)");
	holder = NULL;

	disks[0].settled = false;
	PROVES(-EAGAIN, MK_ERROR_DEVICE_NOT_FOUND, "udev to process disk /dev/vdb");
	disks[0].settled = true;

	disks[0].stale_link = true;
	PROVES(-EAGAIN, MK_ERROR_DEVICE_MISMATCH, "points to another disk");
	disks[0].stale_link = false;
	PROVES(0, MK_ERROR_NONE, "");
	close_set();
}

static void test_claimants(void)
{
	struct mk_device_info device;
	struct mk_volume *other;

	begin();
	plug("/dev/vdb", 16, DIGITS, SIZE);
	(void)manage(TWIN, "");
	PROVES(-EINVAL, MK_ERROR_AMBIGUOUS, TWIN);
	CU_ASSERT_EQUAL(mk_volumes_forget(volumes, TWIN), 0);
	PROVES(0, MK_ERROR_NONE, "");

	other = manage(OTHER, OMA);
	mk_correlate_fill(&disks[0], &device);
	CU_ASSERT_EQUAL(mk_volume_bind(other, 1, &device), 0);
	PROVES(-EINVAL, MK_ERROR_AMBIGUOUS, OTHER);
	close_set();
}

static void test_hypervisors(void)
{
	static const char *const unproven[] = { "XenServer", "VMware", "Hyperv", "" };

	for (size_t i = 0; i < ARRAY_SIZE(unproven); i++) {
		_cleanup_error_ struct mk_error error = { 0 };

		CU_ASSERT_EQUAL(mk_correlate_check(unproven[i], &error), -EINVAL);
		CU_ASSERT_EQUAL(error.code, MK_ERROR_NOT_SUPPORTED);
		CU_ASSERT_PTR_NOT_NULL(strstr(error.text, unproven[i]));
	}

	{
		_cleanup_error_ struct mk_error error = { 0 };

		CU_ASSERT_EQUAL(mk_correlate_check("KVM", &error), 0);
	}
}

/* A size that CloudStack left out equals none that the kernel has not read yet. */
static void test_no_size(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	const struct mk_disk *disk = NULL;

	begin();
	plug("/dev/vdb", 16, DIGITS, 0);
	CU_ASSERT_EQUAL(mk_correlate(volumes, VOL, 0, &disk, &error), -EINVAL);
	CU_ASSERT_EQUAL(error.code, MK_ERROR_DEVICE_MISMATCH);
	CU_ASSERT_PTR_NULL(disk);
	close_set();
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* A disk that vanishes without a detach makes its volume lost; it is found again when it returns. */
static void test_lost_and_found(void)
{
	struct mk_volume *v;

	begin();
	v = manage(VOL, OMA);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_LOST);
	CU_ASSERT_STRING_EQUAL(v->node, "");

	plug("/dev/vdb", 16, DIGITS, SIZE);
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_ATTACHED);
	CU_ASSERT_STRING_EQUAL(v->node, "/dev/vdb");
	CU_ASSERT_EQUAL(v->diskseq, 7);
	CU_ASSERT_PTR_EQUAL(mk_volumes_by_disk(volumes, &disks[0]), v);

	n_changed = 0;
	mk_volumes_recheck(volumes); /* nothing is new: nobody is told */
	CU_ASSERT_EQUAL(n_changed, 0);

	n_disks = 0;
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_LOST);
	CU_ASSERT_STRING_EQUAL(v->node, "");
	CU_ASSERT_STRING_EQUAL(v->vm, OMA);

	plug("/dev/vdd", 48, DIGITS, SIZE + 1); /* another size: not this one */
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_LOST);
	disks[0].size = SIZE;
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_ATTACHED);
	CU_ASSERT_STRING_EQUAL(v->node, "/dev/vdd");
	close_set();
}

/* What its user puts on a disk, and a udev that looks at it again, take it from nobody. */
static void test_given(void)
{
	struct mk_volume *v;

	begin();
	plug("/dev/vdb", 16, DIGITS, SIZE);
	v = manage(VOL, OMA);
	mk_volumes_recheck(volumes);
	CU_ASSERT_STRING_EQUAL(v->node, "/dev/vdb");

	holder = "dm-0 (data-lv)";
	disks[0].settled = false;
	plug("/dev/vdc", 32, OTHER_DIGITS, SIZE); /* any other disk comes */
	n_changed = 0;
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_ATTACHED);
	CU_ASSERT_STRING_EQUAL(v->node, "/dev/vdb");
	CU_ASSERT_EQUAL(n_changed, 0);
	PROVES(0, MK_ERROR_NONE, ""); /* attached again */

	disks[0].settled = true;
	close_set();
	open_set();
	v = mk_volumes_find(volumes, VOL);
	CU_ASSERT_STRING_EQUAL(v->node, "/dev/vdb");
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_ATTACHED);

	disks[0].diskseq = 8; /* another disk at its place was given to nobody */
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_LOST);
	PROVES(-EINVAL, MK_ERROR_DEVICE_MISMATCH, "held by dm-0");
	holder = NULL;
	disks[0].settled = false;
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_LOST);
	disks[0].settled = true;
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->diskseq, 8);
	close_set();
}

/* A second disk with the serial: no answer, before anybody has looked again. */
static void test_second_disk(void)
{
	struct mk_volume *v;

	begin();
	plug("/dev/vdb", 16, DIGITS, SIZE);
	v = manage(VOL, OMA);
	mk_volumes_recheck(volumes);
	CU_ASSERT_TRUE(mk_volume_has_device(v));
	plug("/dev/vdc", 32, DIGITS, SIZE);
	CU_ASSERT_FALSE(mk_volume_has_device(v));
	n_disks = 1;
	CU_ASSERT_TRUE(mk_volume_has_device(v));
	close_set();
}

/* "Attached" is a claim to be proven, whatever was proven before. */
static void test_attached_is_proven(void)
{
	struct mk_volume *v;

	begin();
	plug("/dev/vdb", 16, DIGITS, SIZE);
	v = manage(VOL, OMA);
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(mk_volume_set_state(v, MK_VOLUME_DETACHING), 0);
	plug("/dev/vdc", 32, DIGITS, SIZE);
	CU_ASSERT_EQUAL(mk_volume_set_state(v, MK_VOLUME_ATTACHED), 0);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_LOST);
	CU_ASSERT_STRING_EQUAL(v->node, "");

	n_disks = 1;
	CU_ASSERT_EQUAL(mk_volume_set_state(v, MK_VOLUME_ATTACHED), 0);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_ATTACHED);
	CU_ASSERT_STRING_EQUAL(v->node, "/dev/vdb");
	close_set();
}

/* L06: somebody knows that the disk is not its own: it stays lost until CloudStack's word is taken. */
static void test_stays_lost(void)
{
	struct mk_volume *v;
	uint64_t revision;

	begin();
	plug("/dev/vdb", 16, DIGITS, SIZE);
	v = manage(VOL, OMA);
	mk_volumes_recheck(volumes);
	revision = v->revision;
	CU_ASSERT_EQUAL(mk_volume_set_state(v, MK_VOLUME_LOST), 0);
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_LOST);
	CU_ASSERT_STRING_EQUAL(v->node, "");
	CU_ASSERT_NOT_EQUAL(v->revision, revision);

	v = manage(VOL, OMA);
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_ATTACHED);
	close_set();
}

/* The disk of a volume that an operation attaches or detaches is the operation's to judge. */
static void test_not_ours_to_judge(void)
{
	struct mk_volume *v;

	begin();
	plug("/dev/vdb", 16, DIGITS, SIZE);
	v = manage(VOL, OMA);
	CU_ASSERT_EQUAL(mk_volume_set_state(v, MK_VOLUME_DETACHING), 0);
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_DETACHING);
	CU_ASSERT_EQUAL(mk_volume_set_state(v, MK_VOLUME_DETACHED), 0);
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_DETACHED);
	CU_ASSERT_STRING_EQUAL(v->vm, "");
	CU_ASSERT_STRING_EQUAL(v->node, "");
	close_set();
}

/* Its operation has ended and does not know how: then CloudStack and the disk say. */
static void test_settled(void)
{
	struct mk_volume *v;

	begin();
	plug("/dev/vdb", 16, DIGITS, SIZE);
	v = manage(VOL, OMA);
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(mk_volume_set_state(v, MK_VOLUME_DETACHING), 0);
	(void)follow(VOL, OMA, false, true);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_DETACHING);
	(void)follow(VOL, OMA, false, false);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_LOST);
	mk_volumes_recheck(volumes);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_ATTACHED);

	(void)manage(VOL, "");
	CU_ASSERT_EQUAL(mk_volume_set_attaching(v, OMA), 0);
	(void)follow(VOL, OMA, false, true);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_ATTACHING);
	(void)follow(VOL, OMA, false, false);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_LOST);
	close_set();
}

/* Where it may be on its way to is known until it is seen to be there, or nothing is pending on it. */
static void test_target(void)
{
	struct mk_volume *v;

	begin();
	v = manage(VOL, "");
	CU_ASSERT_EQUAL(mk_volume_set_attaching(v, OTHER), 0);
	close_set();
	open_set();
	v = mk_volumes_find(volumes, VOL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_ATTACHING);
	CU_ASSERT_STRING_EQUAL(v->target, OTHER);
	(void)follow(VOL, "", true, false);
	CU_ASSERT_STRING_EQUAL(v->target, OTHER);
	(void)follow(VOL, "", false, false);
	CU_ASSERT_STRING_EQUAL(v->target, "");
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_DETACHED);

	CU_ASSERT_EQUAL(mk_volume_set_attaching(v, OTHER), 0);
	(void)follow(VOL, OTHER, true, true);
	CU_ASSERT_STRING_EQUAL(v->target, "");
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_ATTACHED);
	close_set();
}

/* A disk has gone, its volume's detach has not ended, and the next disk gets its name and number. */
static void test_name_of_the_next(void)
{
	struct mk_device_info device;
	struct mk_volume *other;
	struct mk_disk *next;

	begin();
	other = manage(OTHER, OMA);
	mk_correlate_fill(plug("/dev/vdb", 16, OTHER_DIGITS, SIZE), &device);
	CU_ASSERT_EQUAL(mk_volume_bind(other, 1, &device), 0);
	CU_ASSERT_TRUE(mk_volume_has_device(other));
	CU_ASSERT_EQUAL(mk_volume_set_state(other, MK_VOLUME_DETACHING), 0);

	n_disks = 0;
	next = plug("/dev/vdb", 16, DIGITS, SIZE);
	next->diskseq = 8;
	CU_ASSERT_FALSE(mk_volume_has_device(other));
	CU_ASSERT_PTR_NULL(mk_volumes_by_disk(volumes, next));
	PROVES(0, MK_ERROR_NONE, "");
	mk_volumes_recheck(volumes);
	CU_ASSERT_STRING_EQUAL(other->node, "");
	CU_ASSERT_EQUAL(other->state, MK_VOLUME_DETACHING);
	close_set();
}

/* L05: no device is ever invented for a volume that is elsewhere. */
static void test_elsewhere(void)
{
	struct mk_volume *v;

	begin();
	plug("/dev/vdb", 16, DIGITS, SIZE);
	v = manage(VOL, OMA);
	mk_volumes_recheck(volumes);
	CU_ASSERT_STRING_EQUAL(v->node, "/dev/vdb");
	v = manage(VOL, OTHER);
	CU_ASSERT_EQUAL(v->state, MK_VOLUME_ATTACHED);
	CU_ASSERT_STRING_EQUAL(v->node, "");
	mk_volumes_recheck(volumes);
	CU_ASSERT_STRING_EQUAL(v->node, "");
	close_set();
}

static void test_restart(void)
{
	struct mk_volume *v;

	begin();
	plug("/dev/vdb", 16, DIGITS, SIZE);
	v = manage(VOL, OMA);
	(void)manage(OTHER, "");
	mk_volumes_recheck(volumes);
	close_set();
	CU_ASSERT_EQUAL(n_removed, 2);

	disks[0].node = "/dev/vdq"; /* after a reboot it has another name */
	open_set();
	CU_ASSERT_EQUAL(mk_volumes_count(volumes), 2);
	v = mk_volumes_find(volumes, VOL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	CU_ASSERT_STRING_EQUAL(v->node, "/dev/vdq");
	CU_ASSERT_STRING_EQUAL(v->name, "disk");
	CU_ASSERT_EQUAL(v->size, SIZE);
	CU_ASSERT_EQUAL(v->device_id, 1);
	CU_ASSERT_EQUAL(mk_volumes_forget(volumes, VOL), 0);
	close_set();

	open_set();
	CU_ASSERT_PTR_NULL(mk_volumes_find(volumes, VOL));
	CU_ASSERT_PTR_NOT_NULL(mk_volumes_find(volumes, OTHER));
	close_set();
}

static void test_states(void)
{
	for (int s = 0; s < MK_VOLUME_N_STATES; s++)
		CU_ASSERT_EQUAL(mk_volume_state_from_string(
					mk_volume_state_to_string((enum mk_volume_state)s)),
				s);
	CU_ASSERT_EQUAL(mk_volume_state_from_string("gone"), -EINVAL);
}

static int set_up(void)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void)
{
	_cleanup_free_ char *line = mk_strdup_printf("rm -rf %s", dir);

	free(path);
	return system(line);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L06-L31-proof", test_proof },
		{ "no-size", test_no_size },
		{ "L31-claimants", test_claimants },
		{ "hypervisors", test_hypervisors },
		{ "lost-and-found", test_lost_and_found },
		{ "attached-is-proven", test_attached_is_proven },
		{ "L06-stays-lost", test_stays_lost },
		{ "given", test_given },
		{ "L31-second-disk", test_second_disk },
		{ "not-ours-to-judge", test_not_ours_to_judge },
		{ "settled", test_settled },
		{ "L01-target", test_target },
		{ "L06-name-of-the-next", test_name_of_the_next },
		{ "L05-elsewhere", test_elsewhere },
		{ "restart", test_restart },
		{ "states", test_states },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "volume", set_up, tear_down, tests);
}
