/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The database as a whole: a copy of it while it is in use, and everything a person wrote taken
 * out of it for good.
 */
#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "store/new-file.h"
#include "store/parley-store-private.h"

#define ASIDE_PREFIX "parley.db.damaged-" /* see parley_store_set_aside() */

gboolean
parley_store_owns_file (ParleyStore *self, const char *path)
{
  static const char *const names[] = { "parley.db", "parley.db-wal", "parley.db-shm" };
  struct stat theirs, ours;
  g_return_val_if_fail (PARLEY_IS_STORE (self), FALSE);
  if (stat (path, &theirs) != 0)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *own = g_build_filename (parley_store_get_folder (self), names[i], NULL);
    if (stat (own, &ours) == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
      return TRUE;
  }
  return FALSE;
}

/* ---- a copy ---- */

static gboolean
fail_copying (sqlite3 *from, sqlite3 *to, ParleyNewFile *file, int code, GError **error)
{
  int primary = code & 0xff, system = to ? sqlite3_system_errno (to) : 0;
  if (primary != SQLITE_CORRUPT && primary != SQLITE_NOTADB)
    return parley_new_file_fail (file,
                                 primary == SQLITE_FULL ? ENOSPC
                                 : system != 0          ? system
                                                        : EIO,
                                 error);
  parley_sql_set_error (from, sqlite3_db_filename (from, "main"), code, error);
  return FALSE;
}

static gboolean
copy_into (sqlite3 *from, ParleyNewFile *file, ParleyProgress progress, gpointer data,
           GCancellable *cancellable, GError **error)
{
  sqlite3 *to = NULL;
  int code =
      sqlite3_open_v2 (parley_new_file_get_passing_path (file), &to, SQLITE_OPEN_READWRITE, NULL);
  if (code == SQLITE_OK)
    code = parley_sql_copy (from, to, progress, data, cancellable);
  if (code != SQLITE_OK && !g_cancellable_set_error_if_cancelled (cancellable, error))
    fail_copying (from, to, file, code, error);
  sqlite3_close (to);
  return code == SQLITE_OK;
}

gboolean
parley_store_back_up (ParleyStore *self, const char *path, ParleyProgress progress, gpointer data,
                      GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), FALSE);
  if (parley_store_owns_file (self, path)) {
    g_set_error_literal (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID,
                         _ ("Parley keeps its chats in this file. Choose another name."));
    return FALSE;
  }
  if (!parley_store_get_read_only (self) && !parley_store_flush (self, error))
    return FALSE;
  g_autofree char *source = g_build_filename (parley_store_get_folder (self), "parley.db", NULL);
  g_autoptr (sqlite3) from = parley_sql_open (source, PARLEY_SQL_READ, error);
  g_autoptr (ParleyNewFile) file = from ? parley_new_file_create (path, error) : NULL;
  /* A transaction keeps to what is there now. Without it the copy begins anew with every commit in
   * between, and a reply commits ten times a second. */
  return file && parley_sql_script (from, "BEGIN; SELECT 1 FROM sqlite_schema", error) &&
         copy_into (from, file, progress, data, cancellable, error) &&
         parley_new_file_finish (file, error);
}

/* ---- the end ---- */

/* Zeros are written over what is deleted. */
static gboolean
erase (sqlite3 *db, gpointer data, GError **error)
{
  /* As for the parents, see parley_chats_purge(). */
  return parley_sql_run (db, error, "UPDATE message SET parent = NULL", "") &&
         parley_sql_run (db, error, "DELETE FROM chat", "") &&
         parley_sql_run (db, error, "DELETE FROM draft_file", "") &&
         parley_sql_run (db, error, "DELETE FROM attachment", "") &&
         parley_sql_run (db, error, "DELETE FROM search", "") &&
         parley_sql_run (db, error, "DELETE FROM run", "") &&
         parley_sql_run (db, error, "INSERT INTO search (search) VALUES ('rebuild')", "") &&
         parley_sql_run (db, error, "DELETE FROM setting", "");
}

/* A log that somebody still reads is not emptied, which is no error for SQLite. */
static gboolean
empty_log (sqlite3 *db, GError **error)
{
  gint64 busy;
  if (!parley_sql_number (db, 0, &busy, error, "PRAGMA wal_checkpoint (TRUNCATE)", ""))
    return FALSE;
  if (busy)
    g_set_error_literal (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_FAILED,
                         _ ("All chats and settings were deleted, but another program still reads "
                            "the file that they were in: traces stay on the disk until it ends. "
                            "End it and delete everything once more."));
  return !busy;
}

static gboolean
remove_set_aside (const char *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  gboolean good = TRUE;
  for (const char *name; dir && (name = g_dir_read_name (dir));) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (!g_str_has_prefix (name, ASIDE_PREFIX) || g_unlink (path) == 0 || !good)
      continue;
    good = FALSE;
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_FAILED,
                 _ ("“%s” cannot be deleted: %s."), path, g_strerror (errno));
  }
  return good;
}

gboolean
parley_store_erase (ParleyStore *self, GError **error)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), FALSE);
  if (!parley_store_run (self, PARLEY_STORE_CHATS | PARLEY_STORE_SETTINGS | PARLEY_STORE_RUNS,
                         erase, NULL, error))
    return FALSE;
  _parley_store_forget_settings (self);
  const char *folder = parley_store_get_folder (self);
  g_autofree char *path = g_build_filename (folder, "parley.db", NULL);
  g_autoptr (sqlite3) db = parley_sql_open (path, PARLEY_SQL_WRITE, error);
  /* The file is written anew without the pages that held it, and the log is emptied. */
  if (!db)
    return FALSE;
  sqlite3_limit (db, SQLITE_LIMIT_ATTACHED, 1); /* the new file while it is written */
  return parley_sql_script (db, "VACUUM", error) && empty_log (db, error) &&
         remove_set_aside (folder, error);
}
