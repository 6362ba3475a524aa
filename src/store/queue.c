/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/parley-catalogue.h"

#include <string.h>

#include "store/parley-store-private.h"

static gboolean
add_one (sqlite3 *db, ParleyQueueRecord *r, gint64 *group, GError **error)
{
  g_autoptr (GBytes) target = g_bytes_new (r->target, strlen (r->target));
  if (!parley_sql_run (
          db, error,
          "INSERT INTO download (batch, position, endpoint, repo, commit_id, path, sha256, size,"
          " target, role, shard, done, state, problem, added_at)"
          " VALUES (?1, (SELECT coalesce (max (position), 0) + 1 FROM download), ?2, ?3, ?4, ?5,"
          " ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (target) DO NOTHING",
          "isssssibiiiisi", *group, r->endpoint, r->repo, r->commit, r->path, r->sha256, r->size,
          target, (gint64) r->role, (gint64) r->shard, r->done, (gint64) r->state, r->problem,
          r->added_at ? r->added_at : g_get_real_time ()))
    return FALSE;
  g_autoptr (sqlite3_stmt) row = parley_sql_query (
      db, error, "SELECT id, batch, position FROM download WHERE target = ?", "b", target);
  if (!row || !parley_sql_next (row, error))
    return FALSE;
  r->id = sqlite3_column_int64 (row, 0);
  r->group = sqlite3_column_int64 (row, 1);
  r->position = sqlite3_column_double (row, 2);
  g_clear_pointer (&row, sqlite3_finalize);
  if (r->group != 0) {
    *group = r->group;
    return TRUE;
  }
  /* The first of its group gives it its number. */
  *group = r->group = r->id;
  return parley_sql_run (db, error, "UPDATE download SET batch = id WHERE id = ?", "i", r->id);
}

static gboolean
add_all (sqlite3 *db, gpointer data, GError **error)
{
  GPtrArray *records = data;
  gint64 group = 0;
  for (guint i = 0; i < records->len; i++)
    if (!add_one (db, records->pdata[i], &group, error))
      return FALSE;
  return TRUE;
}

gboolean
parley_queue_add (ParleyStore *store, GPtrArray *records, GError **error)
{
  for (guint i = 0; i < records->len; i++) {
    const ParleyQueueRecord *r = records->pdata[i];
    if (!r->target || !g_path_is_absolute (r->target) || r->size < -1) {
      g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID,
                   "“%s” cannot be queued for download.", r->path ? r->path : "");
      return FALSE;
    }
  }
  return parley_store_run (store, PARLEY_STORE_DOWNLOADS, add_all, records, error);
}

static gboolean
list (sqlite3 *db, gpointer data, GError **error)
{
  GPtrArray *records = data;
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (
      db, error,
      "SELECT id, batch, position, endpoint, repo, commit_id, path, sha256, size, target, role,"
      " shard, done, state, problem, added_at FROM download ORDER BY position, id",
      "");
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure)) {
    ParleyQueueRecord *r = parley_queue_record_new ();
    r->id = sqlite3_column_int64 (rows, 0);
    r->group = sqlite3_column_int64 (rows, 1);
    r->position = sqlite3_column_double (rows, 2);
    r->endpoint = parley_sql_dup_text (rows, 3);
    r->repo = parley_sql_dup_text (rows, 4);
    r->commit = parley_sql_dup_text (rows, 5);
    r->path = parley_sql_dup_text (rows, 6);
    r->sha256 = parley_sql_dup_text (rows, 7);
    r->size = sqlite3_column_int64 (rows, 8);
    const char *target = sqlite3_column_blob (rows, 9);
    r->target = g_strndup (target ? target : "", (gsize) sqlite3_column_bytes (rows, 9));
    r->role =
        (ParleyFileRole) CLAMP (sqlite3_column_int (rows, 10), PARLEY_FILE_MODEL, PARLEY_FILE_CARD);
    r->shard = (guint) sqlite3_column_int (rows, 11);
    r->done = sqlite3_column_int64 (rows, 12);
    r->state = (ParleyQueueState) CLAMP (sqlite3_column_int (rows, 13), PARLEY_QUEUE_QUEUED,
                                         PARLEY_QUEUE_FAILED);
    r->problem = parley_sql_dup_text (rows, 14);
    r->added_at = sqlite3_column_int64 (rows, 15);
    g_ptr_array_add (records, r);
  }
  return parley_sql_end (&failure, error);
}

GPtrArray *
parley_queue_list (ParleyStore *store, GError **error)
{
  g_autoptr (GPtrArray) records =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_queue_record_free);
  return parley_store_read (store, list, records, error) ? g_steal_pointer (&records) : NULL;
}

typedef struct {
  gint64 id, before, done;
  ParleyQueueState state;
  const char *problem;
} Row;

static gboolean
was_there (sqlite3 *db, GError **error)
{
  if (sqlite3_changes (db) > 0)
    return TRUE;
  g_set_error_literal (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND,
                       "This download is no longer in the queue.");
  return FALSE;
}

static gboolean
set_state (sqlite3 *db, gpointer data, GError **error)
{
  const Row *row = data;
  return parley_sql_run (db, error,
                         "UPDATE download SET state = ?, done = ?, problem = ? WHERE id = ?",
                         "iisi", (gint64) row->state, row->done, row->problem, row->id) &&
         was_there (db, error);
}

gboolean
parley_queue_set_state (ParleyStore *store, gint64 id, ParleyQueueState state, gint64 done,
                        const char *problem, GError **error)
{
  Row row = { .id = id, .state = state, .done = done, .problem = problem };
  return parley_store_run (store, PARLEY_STORE_DOWNLOADS, set_state, &row, error);
}

/* Numbers the queue anew, so that positions stay whole however often rows are moved. */
static gboolean
move (sqlite3 *db, gpointer data, GError **error)
{
  const Row *row = data;
  return parley_sql_run (db, error,
                         "UPDATE download SET position = coalesce ((SELECT position - 0.5 FROM"
                         " download WHERE id = ?2), (SELECT max (position) + 1 FROM download))"
                         " WHERE id = ?1",
                         "ii", row->id, row->before) &&
         was_there (db, error) &&
         parley_sql_run (db, error,
                         "UPDATE download SET position = r.n FROM (SELECT id, row_number () OVER"
                         " (ORDER BY position, id) AS n FROM download) AS r"
                         " WHERE r.id = download.id",
                         "");
}

gboolean
parley_queue_move (ParleyStore *store, gint64 id, gint64 before, GError **error)
{
  Row row = { .id = id, .before = before };
  return parley_store_run (store, PARLEY_STORE_DOWNLOADS, move, &row, error);
}

static gboolean
remove_row (sqlite3 *db, gpointer data, GError **error)
{
  const Row *row = data;
  return parley_sql_run (db, error, "DELETE FROM download WHERE id = ?", "i", row->id) &&
         was_there (db, error);
}

gboolean
parley_queue_remove (ParleyStore *store, gint64 id, GError **error)
{
  Row row = { .id = id };
  return parley_store_run (store, PARLEY_STORE_DOWNLOADS, remove_row, &row, error);
}
