/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Class failover end to end: sets of volumes between the appliance and a failover VM. */

#include "failover-env.h"

/* ---- there and back -------------------------------------------------------------------------------------------- */

/* L05: one system disk and five data disks; no device is invented for what is elsewhere. */
static void test_there_and_back(void)
{
	_cleanup_json_ json_object *there = NULL, *back = NULL;
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 6, &set);
	there = o_succeed(&w, f_assign(&w, &set, "there"));
	CU_ASSERT(f_assigned(&w, &set));
	CU_ASSERT_STRING_EQUAL(mk_json_str(there, "VM", ""), F_VM);
	CU_ASSERT_STRING_EQUAL(mk_json_str(there, "Root", ""), set.ids[0]);
	CU_ASSERT_EQUAL(json_object_array_length(mk_json_get(there, "Volumes")), 6);
	CU_ASSERT_EQUAL(mk_json_int(mk_json_get(there, "DeviceIds"), set.ids[3], -1), 4);
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 6);
	CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), 6);

	back = o_succeed(&w, f_return(&w, &set, "back"));
	CU_ASSERT(f_home(&w, &set));
	CU_ASSERT(starts_with(mk_json_str(mk_json_get(back, "Devices"), set.ids[5], ""),
			      "/dev/vd"));
	for (size_t i = 0; i < set.n; i++) {
		CU_ASSERT_STRING_EQUAL(f_type(&w, set.ids[i]), "DATADISK");
		CU_ASSERT_EQUAL(f_generation(&w, set.ids[i]), 100 + (int64_t)i);
	}
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 12);
	CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), 12);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 0);
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L05-there-and-back", test_there_and_back },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "failover", NULL, NULL, tests);
}
