/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/parley-run-records.h"

#include "store/parley-store-private.h"

#include <math.h>

typedef struct {
  char *model;
  ParleyRunRecord run;
} Row;

static void
row_free (gpointer data)
{
  Row *row = data;
  g_free (row->model);
  g_free (row);
}

static gboolean
add (sqlite3 *db, gpointer data, GError **error)
{
  const Row *row = data;
  const ParleyRunRecord *r = &row->run;
  return parley_sql_run (
             db, error,
             "INSERT INTO run (model, devices, gpu_layers, cpu_experts, context, batch, threads,"
             " k_type, v_type, depth, prompt_tokens, reply_tokens, prompt_seconds, reply_seconds,"
             " ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
             "ssiiiiiiiiiiddi", row->model, r->devices, (gint64) r->gpu_layers,
             (gint64) r->cpu_experts, (gint64) r->context, (gint64) r->batch, (gint64) r->threads,
             (gint64) r->k_type, (gint64) r->v_type, (gint64) r->depth, (gint64) r->prompt_tokens,
             (gint64) r->reply_tokens, r->prompt_seconds, r->reply_seconds, r->ended_at) &&
         parley_sql_run (db, error,
                         "DELETE FROM run WHERE model = ?1 AND id NOT IN (SELECT id FROM run"
                         " WHERE model = ?1 ORDER BY id DESC LIMIT ?2)",
                         "si", row->model, (gint64) PARLEY_RUNS_KEPT);
}

void
parley_store_add_run (ParleyStore *store, const char *model, const ParleyRunRecord *run)
{
  g_return_if_fail (PARLEY_IS_STORE (store) && model != NULL);
  Row *row = g_new (Row, 1);
  *row = (Row){ .model = g_strdup (model), .run = *run };
  if (row->run.ended_at == 0)
    row->run.ended_at = g_get_real_time ();
  if (!(run->prompt_seconds > 0 && isfinite (run->prompt_seconds)))
    row->run.prompt_seconds = 0;
  if (!(run->reply_seconds > 0 && isfinite (run->reply_seconds)))
    row->run.reply_seconds = 0;
  parley_store_queue (store, PARLEY_STORE_RUNS, PARLEY_STORE_SOON, add, row, row_free);
}

static guint
count_of (sqlite3_stmt *rows, int column)
{
  return (guint) CLAMP (sqlite3_column_int64 (rows, column), 0, G_MAXINT);
}

static double
seconds_of (sqlite3_stmt *rows, int column)
{
  double seconds = sqlite3_column_double (rows, column);
  return isfinite (seconds) && seconds > 0 ? seconds : 0;
}

typedef struct {
  const char *model;
  GArray *runs;
} Listing;

static gboolean
list (sqlite3 *db, gpointer data, GError **error)
{
  Listing *listing = data;
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (
      db, error,
      "SELECT devices, gpu_layers, cpu_experts, context, batch, threads, k_type, v_type, depth,"
      " prompt_tokens, reply_tokens, prompt_seconds, reply_seconds, ended_at FROM run"
      " WHERE model = ? ORDER BY id DESC LIMIT ?",
      "si", listing->model, (gint64) PARLEY_RUNS_KEPT);
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure)) {
    ParleyRunRecord r = {
      .gpu_layers = count_of (rows, 1),
      .cpu_experts = count_of (rows, 2),
      .context = count_of (rows, 3),
      .batch = count_of (rows, 4),
      .threads = count_of (rows, 5),
      .k_type = count_of (rows, 6),
      .v_type = count_of (rows, 7),
      .depth = count_of (rows, 8),
      .prompt_tokens = count_of (rows, 9),
      .reply_tokens = count_of (rows, 10),
      .prompt_seconds = seconds_of (rows, 11),
      .reply_seconds = seconds_of (rows, 12),
      .ended_at = sqlite3_column_int64 (rows, 13),
    };
    g_strlcpy (r.devices, (const char *) sqlite3_column_text (rows, 0), sizeof r.devices);
    g_array_append_val (listing->runs, r);
  }
  return parley_sql_end (&failure, error);
}

GArray *
parley_store_list_runs (ParleyStore *store, const char *model)
{
  g_autoptr (GError) error = NULL;
  Listing listing = { model, g_array_new (FALSE, TRUE, sizeof (ParleyRunRecord)) };
  if (!parley_store_read (store, list, &listing, &error))
    g_warning ("%s", error->message);
  return listing.runs;
}
