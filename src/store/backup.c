/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The database as a whole: a copy of it while it is in use, and everything a person wrote taken
 * out of it for good.
 */
#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "store/parley-store-private.h"

#define PAGES_A_STEP 256

gboolean
parley_store_back_up (ParleyStore *self, const char *path, GError **error)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), FALSE);
  if (!parley_store_get_read_only (self) && !parley_store_flush (self, error))
    return FALSE;
  g_autofree char *source = g_build_filename (parley_store_get_folder (self), "parley.db", NULL);
  g_autofree char *part = g_strconcat (path, ".part", NULL);
  g_autoptr (sqlite3) from = parley_sql_open (source, PARLEY_SQL_READ, error);
  sqlite3 *to = NULL;
  if (!from)
    return FALSE;
  /* Written beside and renamed, so that an older back-up is replaced by a whole one only. */
  g_unlink (part);
  int code = sqlite3_open_v2 (part, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
  sqlite3_backup *backup =
      code == SQLITE_OK ? sqlite3_backup_init (to, "main", from, "main") : NULL;
  if (backup) {
    while ((code = sqlite3_backup_step (backup, PAGES_A_STEP)) == SQLITE_OK ||
           code == SQLITE_BUSY || code == SQLITE_LOCKED)
      if (code != SQLITE_OK)
        sqlite3_sleep (20);
    int finished = sqlite3_backup_finish (backup);
    code = code == SQLITE_DONE ? finished : code;
  } else
    code = code != SQLITE_OK ? code : sqlite3_errcode (to);
  if (code != SQLITE_OK)
    parley_sql_set_error (to, part, code, error);
  sqlite3_close (to);
  if (code == SQLITE_OK && g_rename (part, path) != 0) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_OPEN,
                 _ ("“%s” cannot be written: %s."), path, g_strerror (errno));
    code = SQLITE_CANTOPEN;
  }
  if (code != SQLITE_OK)
    g_unlink (part);
  return code == SQLITE_OK;
}

/* Zeros are written over what is deleted. */
static gboolean
erase (sqlite3 *db, gpointer data, GError **error)
{
  return parley_sql_run (db, error, "DELETE FROM chat", "") &&
         parley_sql_run (db, error, "DELETE FROM attachment", "") &&
         parley_sql_run (db, error, "DELETE FROM search", "") &&
         parley_sql_run (db, error, "DELETE FROM run", "") &&
         parley_sql_run (db, error, "INSERT INTO search (search) VALUES ('rebuild')", "") &&
         parley_sql_run (db, error, "DELETE FROM setting", "");
}

gboolean
parley_store_erase (ParleyStore *self, GError **error)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), FALSE);
  if (!parley_store_run (self, PARLEY_STORE_CHATS | PARLEY_STORE_SETTINGS | PARLEY_STORE_RUNS,
                         erase, NULL, error))
    return FALSE;
  _parley_store_forget_settings (self);
  g_autofree char *path = g_build_filename (parley_store_get_folder (self), "parley.db", NULL);
  g_autoptr (sqlite3) db = parley_sql_open (path, PARLEY_SQL_WRITE, error);
  /* The file is written anew without the pages that held it, and the log is emptied. */
  if (!db)
    return FALSE;
  sqlite3_limit (db, SQLITE_LIMIT_ATTACHED, 1); /* the new file while it is written */
  return parley_sql_script (db, "VACUUM", error) &&
         parley_sql_script (db, "PRAGMA wal_checkpoint (TRUNCATE)", error);
}
