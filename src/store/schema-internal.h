/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The schema, as the steps that lead to it: entry N turns schema N into N + 1. An entry that was ever
 * released is never changed. doc/storage.md describes the result.
 */
static const char *const migrations[] = {
	/* 1: operations, managed volumes, audit */
	"CREATE TABLE operations ("
	"  id TEXT PRIMARY KEY,"
	"  kind TEXT NOT NULL,"
	"  class TEXT NOT NULL,"
	"  args TEXT NOT NULL,"
	"  volumes TEXT NOT NULL,"
	"  vm TEXT NOT NULL,"
	"  vm_claimed INTEGER NOT NULL,"
	"  state TEXT NOT NULL,"
	"  step TEXT NOT NULL,"
	"  step_index INTEGER NOT NULL,"
	"  step_count INTEGER NOT NULL,"
	"  undoing INTEGER NOT NULL,"
	"  undone INTEGER NOT NULL,"
	"  undo_failed INTEGER NOT NULL,"
	"  cancel INTEGER NOT NULL,"
	"  error TEXT NOT NULL,"
	"  message TEXT NOT NULL,"
	"  details TEXT NOT NULL,"
	"  result TEXT NOT NULL,"
	"  scratch TEXT NOT NULL,"
	"  command TEXT NOT NULL,"
	"  command_params TEXT NOT NULL,"
	"  command_job TEXT NOT NULL,"
	"  command_state TEXT NOT NULL,"
	"  command_sync INTEGER NOT NULL,"
	"  command_code INTEGER NOT NULL,"
	"  command_tries INTEGER NOT NULL,"
	"  command_text TEXT NOT NULL,"
	"  caller INTEGER NOT NULL,"
	"  created INTEGER NOT NULL,"
	"  started INTEGER NOT NULL,"
	"  finished INTEGER NOT NULL,"
	"  deadline INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX operations_by_state ON operations (state, finished);"
	"CREATE INDEX operations_by_created ON operations (created);"
	"CREATE TABLE volumes ("
	"  id TEXT PRIMARY KEY,"
	"  name TEXT NOT NULL,"
	"  class TEXT NOT NULL,"
	"  vm TEXT NOT NULL,"
	"  device_id INTEGER NOT NULL,"
	"  size INTEGER NOT NULL,"
	"  state TEXT NOT NULL,"
	"  device TEXT NOT NULL,"
	"  created INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE events ("
	"  n INTEGER PRIMARY KEY,"
	"  at INTEGER NOT NULL,"
	"  operation TEXT NOT NULL,"
	"  what TEXT NOT NULL,"
	"  text TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX events_by_operation ON events (operation);"
	"CREATE TRIGGER events_of_pruned AFTER DELETE ON operations BEGIN"
	"  DELETE FROM events WHERE operation = OLD.id;"
	"END;",
	/* 2: operations that other operations made */
	"ALTER TABLE operations ADD COLUMN parent TEXT NOT NULL DEFAULT '';",
	/* 3: the VM that a volume may be on its way to; of those on their way, where the newest
	 * operation meant them to go */
	"ALTER TABLE volumes ADD COLUMN target TEXT NOT NULL DEFAULT '';"
	"UPDATE volumes SET target = coalesce((SELECT o.vm FROM operations AS o WHERE EXISTS"
	"  (SELECT 1 FROM json_each(o.volumes) WHERE value = volumes.id)"
	"  ORDER BY o.created DESC LIMIT 1), '') WHERE state = 'attaching';",
};
