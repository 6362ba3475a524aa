/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SQLite in the manner of the rest: statements that free themselves, GError in words for people.
 * Inside src/store only.
 */
#pragma once

#include <sqlite3.h>

#include "store/parley-store.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3, sqlite3_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_stmt, sqlite3_finalize)

typedef enum {
  PARLEY_SQL_WRITE,
  PARLEY_SQL_READ,
  PARLEY_SQL_FROZEN, /* for reading where not even locks can be had; nobody may write meanwhile */
} ParleySqlAccess;

/* A connection with everything off that Parley does not use (a database can come from anywhere):
 * defensive mode, no trust in functions named by the schema, low limits, no mapping (a file cut
 * short must be an error, not a signal). NULL with the error. */
sqlite3 *parley_sql_open (const char *path, ParleySqlAccess access, GError **error);

/* Sets the error for a result code of `db` (NULL: could not even be opened) and names `path`. */
void parley_sql_set_error (sqlite3 *db, const char *path, int code, GError **error);

/* FALSE for errors that trying again cannot mend: a broken constraint, an unfit value. */
gboolean parley_sql_is_worth_retrying (const GError *error);

/* Reads every page and every index. */
gboolean parley_sql_check (sqlite3 *db, GError **error);

/* All of `from`, which may be in use, into the empty database `to`. There is no journal: a copy
 * that fails is to be deleted. `progress`, which may be NULL, counts pages. SQLITE_OK,
 * SQLITE_INTERRUPT when it was cancelled, or what failed. */
int parley_sql_copy (sqlite3 *from, sqlite3 *to, ParleyProgress progress, gpointer data,
                     GCancellable *cancellable);

/* Several statements without values. */
gboolean parley_sql_script (sqlite3 *db, const char *sql, GError **error);

/* One statement with values by type: i gint64, d double, s char * (NULL: null), b GBytes * (NULL:
 * null), z gint64 of which 0 is stored as null. `run` wants no rows. */
gboolean parley_sql_run (sqlite3 *db, GError **error, const char *sql, const char *types, ...);
sqlite3_stmt *parley_sql_query (sqlite3 *db, GError **error, const char *sql, const char *types,
                                ...);
/* TRUE: there is a row. FALSE: the end, or an error. */
gboolean parley_sql_next (sqlite3_stmt *rows, GError **error);
/* After the last row: passes the error of parley_sql_next() on. TRUE: there was none. */
gboolean parley_sql_end (GError **failure, GError **error);
/* The number in the first column of the first row; `otherwise` where there is none. */
gboolean parley_sql_number (sqlite3 *db, gint64 otherwise, gint64 *out, GError **error,
                            const char *sql, const char *types, ...);

/* Copies of a column; NULL for null. */
char *parley_sql_dup_text (sqlite3_stmt *rows, int column);
GBytes *parley_sql_dup_bytes (sqlite3_stmt *rows, int column);
