/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The parameters that CloudStack's command classes declare, in the order in which ParamProcessWorker looks at them:
 * those of the class, then those of its base classes. Ended by a row without a name.
 */

#include "model/model.h"

extern const struct sim_param sim_params_attach_volume[], sim_params_create_snapshot[],
	sim_params_create_tags[], sim_params_delete_tags[], sim_params_create_volume[],
	sim_params_delete_snapshot[], sim_params_deploy_vm[], sim_params_destroy_vm[],
	sim_params_destroy_volume[], sim_params_detach_volume[], sim_params_id_snapshot[],
	sim_params_id_vm[], sim_params_migrate_volume[], sim_params_id_volume[],
	sim_params_resize_volume[], sim_params_start_vm[], sim_params_stop_vm[],
	sim_params_update_volume[];

extern const struct sim_param sim_params_list_apis[], sim_params_list_backups[],
	sim_params_list_disk_offerings[], sim_params_list_jobs[], sim_params_list_networks[],
	sim_params_list_service_offerings[], sim_params_list_snapshots[], sim_params_list_tags[],
	sim_params_list_templates[], sim_params_list_vm_snapshots[], sim_params_list_vms[],
	sim_params_list_volumes[], sim_params_list_zones[], sim_params_query_job[];

#define P_PLACE_HOST    .type = P_ID, .kind = K_NONE, .only = SIM_HOST
#define P_PLACE_CLUSTER .type = P_ID, .kind = K_NONE, .only = SIM_CLUSTER
#define P_PLACE_POD     .type = P_ID, .kind = K_NONE, .only = SIM_POD
#define P_DOMAIN        .type = P_ID, .kind = K_DOMAIN
#define P_PROJECT       .type = P_ID, .kind = K_PROJECT
