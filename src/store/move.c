/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The database goes to another folder: a whole copy of it is made there, compared, given its name
 * and opened, and only then the folder is written down, by one rename. Until that rename the old
 * one is in use, after it the new one, and nobody can write to the old one from the beginning to
 * the end of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "store/chats-folder-private.h"
#include "store/parley-store-private.h"
#include "store/presence.h"
#include "store/schema.h"

typedef struct {
  ParleyChatsMoved moved;
  gpointer data;
  GCancellable *cancellable;
} Move;

static void
tell (const Move *move, ParleyChatsMoveStage stage, double share)
{
  if (move->moved)
    move->moved (stage, share, move->data);
}

/* ---- the old one ---- */

/* Nobody else has it open, and nobody can write to it. */
typedef struct {
  int presence;
  sqlite3 *db; /* in a transaction */
} Held;

static void
let_go (Held *held)
{
  g_clear_pointer (&held->db, sqlite3_close);
  if (held->presence >= 0)
    close (held->presence);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Held, let_go)

static gboolean
hold (Held *held, const char *path, GError **error)
{
  ParleySchemaAge age;
  gint64 version;

  if (access (path, F_OK) != 0) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_AWAY,
                 _ ("Your chats are kept in “%s”, which is not there now."), path);
    return FALSE;
  }
  held->presence = parley_presence_open (path, error);
  if (held->presence < 0 || !parley_presence_claim (held->presence, error))
    return FALSE;
  held->db = parley_sql_open (path, PARLEY_SQL_WRITE, error);
  return held->db && parley_schema_look (held->db, parley_schema_n_steps, &age, &version, error) &&
         parley_sql_script (held->db, "BEGIN IMMEDIATE", error);
}

/* ---- the new one ---- */

static void
copied (guint64 done, guint64 total, gpointer data)
{
  tell (data, PARLEY_CHATS_MOVE_COPYING, (double) done / (double) total);
}

static gboolean
copy (const Move *move, const char *source, const char *part, GError **error)
{
  g_autoptr (sqlite3) from = parley_sql_open (source, PARLEY_SQL_READ, error);
  sqlite3 *to = NULL;

  if (!from)
    return FALSE;
  g_unlink (part); /* of a move that was cut short */
  int code = sqlite3_open_v2 (part, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
  if (code == SQLITE_OK)
    code = parley_sql_copy (from, to, copied, (gpointer) move, move->cancellable);
  if (code != SQLITE_OK && !g_cancellable_set_error_if_cancelled (move->cancellable, error))
    parley_sql_set_error (to, part, code, error);
  sqlite3_close (to);
  if (code != SQLITE_OK)
    g_unlink (part);
  return code == SQLITE_OK;
}

/* The same number of rows in every table. */
static gboolean
is_equal (sqlite3 *a, sqlite3 *b, const char *path, GError **error)
{
  static const char *const tables[] = { "setting",  "chat",       "message",           "attachment",
                                        "part",     "search",     "generation",        "artifact",
                                        "location", "run",        "artifact_location", "draft_file",
                                        "counter",  "reply_chunk" };

  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++) {
    g_autofree char *sql = g_strdup_printf ("SELECT count (*) FROM %s", tables[i]);
    gint64 n_a, n_b;
    if (!parley_sql_number (a, 0, &n_a, error, sql, "") ||
        !parley_sql_number (b, 0, &n_b, error, sql, ""))
      return FALSE;
    if (n_a != n_b) {
      g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_DAMAGED,
                   _ ("“%s” is damaged (%s). It was left as it is."), path, tables[i]);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_copy (sqlite3 *original, const char *part, GError **error)
{
  g_autoptr (sqlite3) copy = parley_sql_open (part, PARLEY_SQL_FROZEN, error);
  return copy && parley_sql_check (copy, error) && is_equal (original, copy, part, error);
}

/* Never over a database that came there meanwhile. */
static gboolean
place (const char *part, const char *path, GError **error)
{
  gboolean placed = renameat2 (AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) == 0;

  /* Not every file system can do that. */
  if (!placed && (errno == EINVAL || errno == ENOSYS) && access (path, F_OK) != 0)
    placed = g_rename (part, path) == 0;
  if (!placed)
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_FAILED,
                 _ ("“%s” cannot be written: %s."), path, g_strerror (errno));
  return placed;
}

static gboolean
opens_well (const char *folder, GError **error)
{
  /* On this thread, and nothing of it reaches the main loop. */
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autoptr (ParleyStore) store = parley_store_open (folder, error);
  if (!store)
    return FALSE;
  if (parley_store_get_read_only (store)) {
    g_autofree char *problem = parley_store_dup_problem (store);
    g_set_error_literal (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_READ_ONLY, problem);
    return FALSE;
  }
  return parley_store_close (store, error);
}

/* With the old one held. What it made is gone when it fails. */
static gboolean
move_to (const Move *move, Held *held, const char *from, const char *to, GError **error)
{
  g_autofree char *source = g_build_filename (from, "parley.db", NULL);
  g_autofree char *path = g_build_filename (to, "parley.db", NULL);
  g_autofree char *part = g_strconcat (path, ".part", NULL);

  tell (move, PARLEY_CHATS_MOVE_COPYING, 0);
  if (!copy (move, source, part, error))
    return FALSE;
  tell (move, PARLEY_CHATS_MOVE_CHECKING, 1);
  gboolean whole = check_copy (held->db, part, error) && _parley_folder_sync (part, error) &&
                   !g_cancellable_set_error_if_cancelled (move->cancellable, error);
  tell (move, PARLEY_CHATS_MOVE_PLACING, 1);
  if (!whole || !place (part, path, error)) {
    g_unlink (part);
    return FALSE;
  }
  gboolean good = _parley_folder_sync (to, error) && opens_well (to, error);
  tell (move, PARLEY_CHATS_MOVE_CHOOSING, 1);
  if (!good || !_parley_folder_choose (to, from, error)) {
    g_autofree char *now = parley_chats_folder_find (NULL, NULL);
    if (g_strcmp0 (now, to) != 0) /* or it was written down, and only not forced to the disk */
      _parley_folder_delete_database (to, NULL);
    return FALSE;
  }
  tell (move, PARLEY_CHATS_MOVE_DONE, 1);
  return TRUE;
}

gboolean
parley_chats_folder_move (const char *folder, ParleyChatsMoved moved, gpointer data,
                          GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (folder != NULL, FALSE);
  const Move move = { moved, data, cancellable };
  g_autofree char *from = parley_chats_folder_find (NULL, error);
  ParleyChatsFolderLook look;

  if (!from || !parley_chats_folder_look (folder, &look, error))
    return FALSE;
  if (look.has_chats) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID,
                 _ ("There are chats in “%s” already."), folder);
    return FALSE;
  }
  g_autofree char *source = g_build_filename (from, "parley.db", NULL);
  g_auto (Held) held = { .presence = -1 };
  return hold (&held, source, error) && move_to (&move, &held, from, folder, error);
}
