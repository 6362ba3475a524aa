/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The schema and its history. Step i brings a database from version i (PRAGMA user_version) to
 * i + 1; a step that was released is never edited.
 */
#pragma once

#include "store/sql.h"

/* "Prly", PRAGMA application_id: tells our files from other programs' databases. */
#define PARLEY_SCHEMA_APPLICATION_ID 0x50726c79

extern const char *const parley_schema_steps[];
extern const guint parley_schema_n_steps;

typedef enum {
  PARLEY_SCHEMA_CURRENT,
  PARLEY_SCHEMA_OLDER, /* or empty */
  PARLEY_SCHEMA_NEWER,
} ParleySchemaAge;

/* Reads the marks of the file. Another program's database is an error. */
gboolean parley_schema_look (sqlite3 *db, guint n_steps, ParleySchemaAge *age, gint64 *version,
                             GError **error);

/* Makes the missing steps. Within the caller's transaction, so that a step that fails leaves
 * nothing behind. */
gboolean parley_schema_update (sqlite3 *db, const char *const *steps, guint n_steps,
                               GError **error);
