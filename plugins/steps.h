/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the step tables of several classes have in common. Linked into each plugin. */

#include <migratekit/volume-plugin.h>

#include <inttypes.h>
#include <string.h>

#define TAG_OWNER     "migratekit:owner"
#define TAG_CLASS     "migratekit:class"
#define TAG_OPERATION "migratekit:operation"

extern const struct mk_host *host; /* set by steps_init() */

/* The plugins' init. */
int steps_init(const struct mk_host *h);

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* ---- JSON and notes ---- */

void set_str(json_object *o, const char *key, const char *value);
void set_int(json_object *o, const char *key, int64_t value);
void set_bool(json_object *o, const char *key, bool value);
const char *get_str(json_object *o, const char *key); /* "" if it is no text */

/* The i-th argument of the call as text. */
const char *arg(json_object *args, size_t i);

/* Durable notes of the operation. */
bool flag(struct mk_op *op, const char *key);
void set_flag(struct mk_op *op, const char *key, bool value);
const char *note(struct mk_op *op, const char *key); /* "" if there is none */
void set_note(struct mk_op *op, const char *key, const char *value);

/* ---- guards: all call fail() and return MK_FAILED ---- */

int fail_no_vm(struct mk_op *op);
int fail_no_volume(struct mk_op *op);

/* Another appliance's volume, by its tag. */
bool is_foreign(struct mk_op *op, const struct mk_volume_info *v);

/*
 * The volume is there (v not NULL), is no other appliance's, is not being deleted, and is managed in
 * this class (class NULL: in any, or not at all). MK_DONE, or MK_FAILED.
 */
int check_volume(struct mk_op *op, const struct mk_volume_info *v, const char *class);

/* MK_DONE if the VM is there and in that state; MK_AGAIN while it is on its way to another. */
int check_vm_state(struct mk_op *op, const struct mk_vm_info *vm, const char *state);

/* ---- queries ---- */

json_object *volume_to_json(const struct mk_volume_info *v);
int query_vm(struct mk_op *op); /* result VM: a step function for MK_ASK_VM */

/* ---- commands ---- */

/*
 * The next thing to do until the volume is deleted: destroyVolume with expunge, whose outcome can be
 * asked for, or deleteVolume where server or role lack it. MK_DONE once it is gone. The caller has
 * checked that it may be deleted; one that is attached is not: WrongState.
 */
int delete_volume(struct mk_op *op, const struct mk_volume_info *v);

/* Until the volume carries our tags, of that class; then it is in the store under that name (NULL: its
 * own) and MK_DONE. */
int own_volume(struct mk_op *op, const struct mk_volume_info *v, const char *class,
	       const char *name);
/* Until it carries none of our tags. v may be NULL: it is gone. */
int disown_volume(struct mk_op *op, const struct mk_volume_info *v);

/* ---- moving (move.c): step functions; the volume is the operation's, the VM the one it is attached to -- */

int attach_check(struct mk_op *op, const char *class); /* MK_ASK_VM_VOLUME */
int attach(struct mk_op *op);                          /* MK_ASK_VOLUME */
int attach_undo(struct mk_op *op);                     /* MK_ASK_VOLUME */
int attach_prove(struct mk_op *op);                    /* MK_ASK_VM_VOLUME */

/* The volume leaves the appliance. */
int detach_check(struct mk_op *op, const char *class); /* MK_ASK_VOLUME */
int detach(struct mk_op *op);                          /* MK_ASK_VOLUME */
int detach_undo(struct mk_op *op);                     /* MK_ASK_VOLUME */
int detach_prove(struct mk_op *op);                    /* MK_ASK_VOLUME */
