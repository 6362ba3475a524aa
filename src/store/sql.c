/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/sql.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <stdarg.h>
#include <string.h>

/* How long a statement waits for another process to let go of the file. */
#define BUSY_TIMEOUT_MS 5000
#define PAGES_A_STEP    256 /* of a copy, between two looks at whether it is cancelled */
#define BUSY_MS         20

static void
harden (sqlite3 *db)
{
  static const struct {
    int option, value;
  } switches[] = {
    { SQLITE_DBCONFIG_DEFENSIVE, 1 },      { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
    { SQLITE_DBCONFIG_DQS_DDL, 0 },        { SQLITE_DBCONFIG_DQS_DML, 0 },
    { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 }, { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
    { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
  };
  static const struct {
    int limit, value;
  } limits[] = {
    { SQLITE_LIMIT_LENGTH, 128 << 20 },   { SQLITE_LIMIT_SQL_LENGTH, 1 << 16 },
    { SQLITE_LIMIT_COLUMN, 100 },         { SQLITE_LIMIT_EXPR_DEPTH, 64 },
    { SQLITE_LIMIT_COMPOUND_SELECT, 8 },  { SQLITE_LIMIT_FUNCTION_ARG, 16 },
    { SQLITE_LIMIT_ATTACHED, 0 },         { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 4096 },
    { SQLITE_LIMIT_VARIABLE_NUMBER, 64 }, { SQLITE_LIMIT_WORKER_THREADS, 0 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (switches); i++)
    sqlite3_db_config (db, switches[i].option, switches[i].value, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    sqlite3_limit (db, limits[i].limit, limits[i].value);
}

sqlite3 *
parley_sql_open (const char *path, ParleySqlAccess access, GError **error)
{
  /* One thread at a time uses a connection, which is all that NOMUTEX asks for. */
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI |
              (access == PARLEY_SQL_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
  g_autofree char *escaped = g_uri_escape_bytes ((const guint8 *) path, strlen (path), "/");
  g_autofree char *uri =
      g_strconcat ("file://", escaped, access == PARLEY_SQL_FROZEN ? "?immutable=1" : NULL, NULL);
  g_autoptr (sqlite3) db = NULL;
  int code = sqlite3_open_v2 (uri, &db, flags, NULL);
  if (code != SQLITE_OK) {
    parley_sql_set_error (db, path, code, error);
    return NULL;
  }
  sqlite3_extended_result_codes (db, 1);
  sqlite3_busy_timeout (db, BUSY_TIMEOUT_MS);
  harden (db);
  /* secure_delete: what a person deletes is overwritten, not only unlinked from its tree. */
  if (!parley_sql_script (db,
                          "PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON;"
                          "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
                          "PRAGMA journal_size_limit = 16777216;",
                          error))
    return NULL;
  return g_steal_pointer (&db);
}

void
parley_sql_set_error (sqlite3 *db, const char *path, int code, GError **error)
{
  const char *words = db ? sqlite3_errmsg (db) : sqlite3_errstr (code);
  int system = db ? sqlite3_system_errno (db) : 0;
  int primary = code & 0xff;

  if (primary == SQLITE_FULL || system == ENOSPC || system == EDQUOT)
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_FULL,
                 _ ("The disk that holds “%s” is full. Make some space; what is not saved yet is "
                    "saved then."),
                 path);
  else if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_DAMAGED,
                 _ ("“%s” is damaged (%s). It was left as it is."), path, words);
  else if (primary == SQLITE_READONLY || primary == SQLITE_PERM || primary == SQLITE_AUTH)
    g_set_error (
        error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_READ_ONLY,
        _ ("“%s” cannot be written (%s). Check the permissions of the file and its folder."), path,
        words);
  else if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_OPEN,
                 _ ("“%s” is locked by another program. Parley tries again."), path);
  else if (primary == SQLITE_CANTOPEN)
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_OPEN,
                 _ ("“%s” cannot be opened: %s."), path, system ? g_strerror (system) : words);
  else if (primary == SQLITE_CONSTRAINT || primary == SQLITE_MISMATCH || primary == SQLITE_TOOBIG)
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID,
                 _ ("Not saved in “%s”: %s."), path, words);
  else
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_FAILED,
                 _ ("Reading or saving “%s” failed: %s."), path, words);
}

gboolean
parley_sql_is_worth_retrying (const GError *error)
{
  return !g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID) &&
         !g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND);
}

static void
set_error (sqlite3 *db, int code, GError **error)
{
  parley_sql_set_error (db, sqlite3_db_filename (db, "main"), code, error);
}

gboolean
parley_sql_script (sqlite3 *db, const char *sql, GError **error)
{
  int code = sqlite3_exec (db, sql, NULL, NULL, NULL);
  if (code != SQLITE_OK)
    set_error (db, code, error);
  return code == SQLITE_OK;
}

static int
bind (sqlite3_stmt *statement, const char *types, va_list *values)
{
  int code = SQLITE_OK;
  for (int i = 1; *types && code == SQLITE_OK; types++, i++) {
    switch (*types) {
    case 'i': code = sqlite3_bind_int64 (statement, i, va_arg (*values, gint64)); break;
    case 'd': code = sqlite3_bind_double (statement, i, va_arg (*values, double)); break;
    case 's':
      code = sqlite3_bind_text (statement, i, va_arg (*values, const char *), -1, SQLITE_TRANSIENT);
      break;
    case 'z': {
      gint64 value = va_arg (*values, gint64);
      if (value)
        code = sqlite3_bind_int64 (statement, i, value);
      break;
    }
    case 'b': {
      GBytes *bytes = va_arg (*values, GBytes *);
      gsize n = 0;
      const void *data = bytes ? g_bytes_get_data (bytes, &n) : NULL;
      /* An empty GBytes has no data, which alone would read as null. */
      if (bytes)
        code = sqlite3_bind_blob64 (statement, i, data ? data : "", n, SQLITE_TRANSIENT);
      break;
    }
    default: g_assert_not_reached ();
    }
  }
  return code;
}

static sqlite3_stmt *
prepare (sqlite3 *db, GError **error, const char *sql, const char *types, va_list *values)
{
  g_autoptr (sqlite3_stmt) statement = NULL;
  int code = sqlite3_prepare_v2 (db, sql, -1, &statement, NULL);
  if (code == SQLITE_OK) {
    g_assert (strlen (types) == (gsize) sqlite3_bind_parameter_count (statement));
    code = bind (statement, types, values);
  }
  if (code != SQLITE_OK) {
    set_error (db, code, error);
    return NULL;
  }
  return g_steal_pointer (&statement);
}

sqlite3_stmt *
parley_sql_query (sqlite3 *db, GError **error, const char *sql, const char *types, ...)
{
  va_list values;
  va_start (values, types);
  sqlite3_stmt *statement = prepare (db, error, sql, types, &values);
  va_end (values);
  return statement;
}

gboolean
parley_sql_next (sqlite3_stmt *rows, GError **error)
{
  int code = sqlite3_step (rows);
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    set_error (sqlite3_db_handle (rows), code, error);
  return code == SQLITE_ROW;
}

gboolean
parley_sql_end (GError **failure, GError **error)
{
  if (!*failure)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (failure));
  return FALSE;
}

gboolean
parley_sql_run (sqlite3 *db, GError **error, const char *sql, const char *types, ...)
{
  va_list values;
  va_start (values, types);
  g_autoptr (sqlite3_stmt) statement = prepare (db, error, sql, types, &values);
  va_end (values);
  if (!statement)
    return FALSE;
  int code = sqlite3_step (statement);
  if (code != SQLITE_DONE && code != SQLITE_ROW) {
    set_error (db, code, error);
    return FALSE;
  }
  return TRUE;
}

gboolean
parley_sql_number (sqlite3 *db, gint64 otherwise, gint64 *out, GError **error, const char *sql,
                   const char *types, ...)
{
  va_list values;
  va_start (values, types);
  g_autoptr (sqlite3_stmt) statement = prepare (db, error, sql, types, &values);
  va_end (values);
  g_autoptr (GError) failure = NULL;
  *out = otherwise;
  if (!statement)
    return FALSE;
  if (parley_sql_next (statement, &failure)) {
    if (sqlite3_column_type (statement, 0) != SQLITE_NULL)
      *out = sqlite3_column_int64 (statement, 0);
    /* Runs on to the end, since a statement that returns what it changed changes it by then. */
    while (!failure && parley_sql_next (statement, &failure))
      ;
  }
  if (!parley_sql_end (&failure, error))
    return FALSE;
  return TRUE;
}

char *
parley_sql_dup_text (sqlite3_stmt *rows, int column)
{
  const char *text = (const char *) sqlite3_column_text (rows, column);
  /* The file can come from anywhere, and what is above takes every string for UTF-8. */
  return text ? g_utf8_make_valid (text, -1) : NULL;
}

GBytes *
parley_sql_dup_bytes (sqlite3_stmt *rows, int column)
{
  if (sqlite3_column_type (rows, column) == SQLITE_NULL)
    return NULL;
  const void *data = sqlite3_column_blob (rows, column);
  return g_bytes_new (data, (gsize) sqlite3_column_bytes (rows, column));
}

gboolean
parley_sql_check (sqlite3 *db, GError **error)
{
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (db, error, "PRAGMA integrity_check (1)", "");
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  if (!parley_sql_next (rows, &failure)) {
    if (failure)
      g_propagate_error (error, g_steal_pointer (&failure));
    return FALSE;
  }
  g_autofree char *verdict = parley_sql_dup_text (rows, 0);
  if (g_strcmp0 (verdict, "ok") == 0)
    return TRUE;
  g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_DAMAGED,
               _ ("“%s” is damaged (%s). It was left as it is."), sqlite3_db_filename (db, "main"),
               verdict);
  return FALSE;
}

int
parley_sql_copy (sqlite3 *from, sqlite3 *to, ParleyProgress progress, gpointer data,
                 GCancellable *cancellable)
{
  int code = sqlite3_exec (to, "PRAGMA journal_mode = OFF", NULL, NULL, NULL);
  if (code != SQLITE_OK)
    return code;
  sqlite3_backup *backup = sqlite3_backup_init (to, "main", from, "main");
  if (!backup)
    return sqlite3_errcode (to);
  do {
    if (g_cancellable_is_cancelled (cancellable)) {
      sqlite3_backup_finish (backup);
      return SQLITE_INTERRUPT;
    }
    code = sqlite3_backup_step (backup, PAGES_A_STEP);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
      sqlite3_sleep (BUSY_MS);
    int total = sqlite3_backup_pagecount (backup), left = sqlite3_backup_remaining (backup);
    if (progress && total > 0)
      progress ((guint64) (total - left), (guint64) total, data);
  } while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED);
  int finished = sqlite3_backup_finish (backup);
  return code == SQLITE_DONE ? finished : code;
}
