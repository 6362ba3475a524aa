/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/parley-catalogue.h"

#include <glib/gi18n.h>
#include <string.h>

#include "store/parley-store-private.h"

#define MAX_NAME_TRIES 1000

static GBytes *
path_bytes (const char *path)
{
  return g_bytes_new (path, strlen (path));
}

static char *
dup_path (sqlite3_stmt *rows, int column)
{
  const char *data = sqlite3_column_blob (rows, column);
  return g_strndup (data ? data : "", (gsize) sqlite3_column_bytes (rows, column));
}

static gboolean
is_sha256 (const char *text)
{
  return strlen (text) == 64 && strspn (text, "0123456789abcdef") == 64;
}

/* Adding */

/* The identifier under which the artifact is stored already; 0: none. */
static gboolean
find_known (sqlite3 *db, const ParleyArtifactRecord *a, gint64 *id, GError **error)
{
  if (!parley_sql_number (db, 0, id, error, "SELECT id FROM artifact WHERE id = ?", "i", a->id))
    return FALSE;
  if (*id == 0 && a->sha256 &&
      !parley_sql_number (db, 0, id, error, "SELECT id FROM artifact WHERE sha256 = ?", "s",
                          a->sha256))
    return FALSE;
  if (*id != 0 || a->files->len == 0)
    return TRUE;
  const ParleyLocationRecord *first = a->files->pdata[0];
  g_autoptr (GBytes) path = path_bytes (first->path);
  /* A path whose content is known to be another one now is no proof. */
  return parley_sql_number (db, 0, id, error,
                            "SELECT a.id FROM location l JOIN artifact_location al"
                            " ON al.location = l.id JOIN artifact a ON a.id = al.artifact"
                            " WHERE l.path = ?1 AND al.role = ?2"
                            " AND coalesce (a.sha256 = ?3, 1)",
                            "bis", path, (gint64) first->role, a->sha256);
}

static gboolean
choose_name (sqlite3 *db, ParleyArtifactRecord *a, gint64 id, GError **error)
{
  g_autofree char *wanted = g_strdup (a->name && *a->name ? a->name : "model");
  for (guint i = 1; i <= MAX_NAME_TRIES; i++) {
    g_autofree char *name = i == 1 ? g_strdup (wanted) : g_strdup_printf ("%s (%u)", wanted, i);
    gint64 taken;
    if (!parley_sql_number (db, 0, &taken, error,
                            "SELECT count (*) FROM artifact WHERE name = ? AND id <> ?", "si", name,
                            id))
      return FALSE;
    if (!taken) {
      g_free (a->name);
      a->name = g_steal_pointer (&name);
      return TRUE;
    }
  }
  g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID,
               _ ("Too many models are called “%s”."), wanted);
  return FALSE;
}

static gboolean
put_artifact (sqlite3 *db, ParleyArtifactRecord *a, GError **error)
{
  gint64 known;
  if (!find_known (db, a, &known, error) || !choose_name (db, a, known, error))
    return FALSE;
  if (!parley_sql_run (
          db, error,
          "INSERT INTO artifact (id, sha256, size, n_shards, name, title, architecture,"
          " quantisation, n_parameters, context_length, endpoint, repo, commit_id, file_name,"
          " defaults, details, problem, pinned, added_at, last_used_at)"
          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
          " ON CONFLICT (id) DO UPDATE SET sha256 = coalesce (excluded.sha256, sha256),"
          " size = excluded.size, n_shards = excluded.n_shards,"
          /* Only automatic names contain a '/'; one that a person gave stays. */
          " name = CASE WHEN instr (name, '/') = 0 AND instr (excluded.name, '/') > 0 THEN name"
          "  ELSE excluded.name END,"
          " title = excluded.title, architecture = excluded.architecture,"
          " quantisation = excluded.quantisation, n_parameters = excluded.n_parameters,"
          " context_length = excluded.context_length,"
          " endpoint = coalesce (excluded.endpoint, endpoint),"
          " repo = coalesce (excluded.repo, repo),"
          " commit_id = coalesce (excluded.commit_id, commit_id),"
          " file_name = coalesce (excluded.file_name, file_name),"
          " details = coalesce (excluded.details, details),"
          " problem = excluded.problem",
          "zsiissssiisssssssiii", known, a->sha256, a->size, (gint64) a->n_shards, a->name,
          a->title, a->architecture, a->quantisation, a->n_parameters, a->context_length,
          a->endpoint, a->repo, a->commit, a->file_name, a->defaults, a->details, a->problem,
          (gint64) a->pinned, a->added_at ? a->added_at : g_get_real_time (), a->last_used_at))
    return FALSE;
  a->id = known ? known : sqlite3_last_insert_rowid (db);
  return TRUE;
}

static gboolean
put_location (sqlite3 *db, gint64 artifact, ParleyLocationRecord *l, GError **error)
{
  g_autoptr (GBytes) path = path_bytes (l->path);
  if (!parley_sql_run (
          db, error,
          "INSERT INTO location (path, sha256, size, mtime_ns, inode, device, origin, missing)"
          " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET"
          " sha256 = excluded.sha256, size = excluded.size, mtime_ns = excluded.mtime_ns,"
          " inode = excluded.inode, device = excluded.device, origin = excluded.origin,"
          " missing = excluded.missing",
          "bsiiiisi", path, l->sha256, l->size, l->mtime_ns, (gint64) l->inode, (gint64) l->device,
          l->origin, (gint64) l->missing) ||
      !parley_sql_number (db, 0, &l->id, error, "SELECT id FROM location WHERE path = ?", "b",
                          path))
    return FALSE;
  /* Weights belong to one model. Where they did to another, the file was replaced. */
  return (l->role != PARLEY_FILE_MODEL ||
          parley_sql_run (db, error,
                          "DELETE FROM artifact_location WHERE location = ? AND artifact <> ?"
                          " AND role = 0",
                          "ii", l->id, artifact)) &&
         parley_sql_run (db, error,
                         "INSERT INTO artifact_location VALUES (?, ?, ?, ?)"
                         " ON CONFLICT (artifact, location) DO UPDATE SET role = excluded.role,"
                         " shard = excluded.shard",
                         "iiii", artifact, l->id, (gint64) l->role, (gint64) l->shard);
}

G_STATIC_ASSERT (PARLEY_FILE_MODEL == 0);

static gboolean
drop_orphans (sqlite3 *db, GError **error)
{
  return parley_sql_run (db, error,
                         "DELETE FROM artifact WHERE NOT EXISTS (SELECT 1 FROM artifact_location"
                         " WHERE artifact = artifact.id AND role = 0)",
                         "") &&
         parley_sql_run (db, error,
                         "DELETE FROM location WHERE NOT EXISTS (SELECT 1 FROM artifact_location"
                         " WHERE location = location.id)",
                         "");
}

static gboolean
add (sqlite3 *db, gpointer data, GError **error)
{
  ParleyArtifactRecord *artifact = data;
  if (!put_artifact (db, artifact, error))
    return FALSE;
  for (guint i = 0; i < artifact->files->len; i++)
    if (!put_location (db, artifact->id, artifact->files->pdata[i], error))
      return FALSE;
  return drop_orphans (db, error);
}

static gboolean
check_artifact (const ParleyArtifactRecord *a, GError **error)
{
  gboolean sound = a->size >= 0 && a->n_shards >= 1 && (!a->sha256 || is_sha256 (a->sha256));
  gboolean has_weights = FALSE;
  for (guint i = 0; i < a->files->len; i++) {
    const ParleyLocationRecord *l = a->files->pdata[i];
    sound = sound && l->path && g_path_is_absolute (l->path) && l->size >= 0 &&
            (!l->sha256 || is_sha256 (l->sha256));
    has_weights = has_weights || l->role == PARLEY_FILE_MODEL;
  }
  if (!sound || !has_weights)
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID,
                 _ ("“%s” is no sound entry for the catalogue of models."), a->name ? a->name : "");
  return sound && has_weights;
}

gboolean
parley_catalogue_add (ParleyStore *store, ParleyArtifactRecord *artifact, GError **error)
{
  return check_artifact (artifact, error) &&
         parley_store_run (store, PARLEY_STORE_CATALOGUE, add, artifact, error);
}

/* Reading */

#define LOCATION_COLUMNS                                                                           \
  "l.id, l.path, l.sha256, l.size, l.mtime_ns, l.inode, l.device, l.origin, l.missing,"            \
  " coalesce (al.role, 0), coalesce (al.shard, 0)"

static ParleyLocationRecord *
read_location (sqlite3_stmt *row)
{
  ParleyLocationRecord *l = parley_location_record_new ();
  l->id = sqlite3_column_int64 (row, 0);
  l->path = dup_path (row, 1);
  l->sha256 = parley_sql_dup_text (row, 2);
  l->size = sqlite3_column_int64 (row, 3);
  l->mtime_ns = sqlite3_column_int64 (row, 4);
  l->inode = (guint64) sqlite3_column_int64 (row, 5);
  l->device = (guint64) sqlite3_column_int64 (row, 6);
  l->origin = parley_sql_dup_text (row, 7);
  l->missing = sqlite3_column_int (row, 8) != 0;
  l->role =
      (ParleyFileRole) CLAMP (sqlite3_column_int (row, 9), PARLEY_FILE_MODEL, PARLEY_FILE_CARD);
  l->shard = (guint) sqlite3_column_int (row, 10);
  return l;
}

static ParleyArtifactRecord *
read_artifact (sqlite3_stmt *row)
{
  ParleyArtifactRecord *a = parley_artifact_record_new ();
  a->id = sqlite3_column_int64 (row, 0);
  a->sha256 = parley_sql_dup_text (row, 1);
  a->size = sqlite3_column_int64 (row, 2);
  a->n_shards = (guint) sqlite3_column_int64 (row, 3);
  a->name = parley_sql_dup_text (row, 4);
  a->title = parley_sql_dup_text (row, 5);
  a->architecture = parley_sql_dup_text (row, 6);
  a->quantisation = parley_sql_dup_text (row, 7);
  a->n_parameters = sqlite3_column_int64 (row, 8);
  a->context_length = sqlite3_column_int64 (row, 9);
  a->endpoint = parley_sql_dup_text (row, 10);
  a->repo = parley_sql_dup_text (row, 11);
  a->commit = parley_sql_dup_text (row, 12);
  a->file_name = parley_sql_dup_text (row, 13);
  a->defaults = parley_sql_dup_text (row, 14);
  a->details = parley_sql_dup_text (row, 15);
  a->problem = parley_sql_dup_text (row, 16);
  a->pinned = sqlite3_column_int (row, 17) != 0;
  a->added_at = sqlite3_column_int64 (row, 18);
  a->last_used_at = sqlite3_column_int64 (row, 19);
  return a;
}

/* Which artifacts: one, or all of them. */
typedef struct {
  gint64 id;          /* 0: see the next ones */
  const char *path;   /* NULL: see the next one */
  const char *sha256; /* NULL: all */
  GPtrArray *artifacts;
} Select;

static gboolean
read_files (sqlite3 *db, ParleyArtifactRecord *a, GError **error)
{
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (
      db, error,
      "SELECT " LOCATION_COLUMNS " FROM artifact_location al JOIN location l ON l.id = al.location"
      " WHERE al.artifact = ? ORDER BY al.role, al.shard, l.missing, l.id",
      "i", a->id);
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure))
    g_ptr_array_add (a->files, read_location (rows));
  return parley_sql_end (&failure, error);
}

static gboolean
select_artifacts (sqlite3 *db, gpointer data, GError **error)
{
  Select *s = data;
  g_autoptr (GBytes) path = s->path ? path_bytes (s->path) : NULL;
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (
      db, error,
      "SELECT id, sha256, size, n_shards, name, title, architecture, quantisation, n_parameters,"
      " context_length, endpoint, repo, commit_id, file_name, defaults, details, problem, pinned,"
      " added_at, last_used_at FROM artifact"
      " WHERE (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR sha256 = ?2)"
      " AND (?3 IS NULL OR id IN (SELECT al.artifact FROM location l JOIN artifact_location al"
      "  ON al.location = l.id WHERE l.path = ?3)) ORDER BY name COLLATE NOCASE, id",
      "zsb", s->id, s->sha256, path);
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure)) {
    ParleyArtifactRecord *artifact = read_artifact (rows);
    g_ptr_array_add (s->artifacts, artifact);
    if (!read_files (db, artifact, error))
      return FALSE;
  }
  return parley_sql_end (&failure, error);
}

static GPtrArray *
run_select (ParleyStore *store, Select *s, GError **error)
{
  g_autoptr (GPtrArray) artifacts =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_artifact_record_free);
  s->artifacts = artifacts;
  if (!parley_store_read (store, select_artifacts, s, error))
    return NULL;
  return g_steal_pointer (&artifacts);
}

static ParleyArtifactRecord *
select_one (ParleyStore *store, Select *s, GError **error)
{
  g_autoptr (GPtrArray) artifacts = run_select (store, s, error);
  if (!artifacts)
    return NULL;
  if (artifacts->len == 0) {
    g_set_error_literal (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND,
                         _ ("This model is not in the library."));
    return NULL;
  }
  return g_ptr_array_steal_index (artifacts, 0);
}

GPtrArray *
parley_catalogue_list (ParleyStore *store, GError **error)
{
  return run_select (store, &(Select){ 0 }, error);
}

ParleyArtifactRecord *
parley_catalogue_get (ParleyStore *store, gint64 id, GError **error)
{
  return select_one (store, &(Select){ .id = id ? id : -1 }, error);
}

ParleyArtifactRecord *
parley_catalogue_find_path (ParleyStore *store, const char *path, GError **error)
{
  return select_one (store, &(Select){ .path = path }, error);
}

ParleyArtifactRecord *
parley_catalogue_find_sha256 (ParleyStore *store, const char *sha256, GError **error)
{
  return select_one (store, &(Select){ .sha256 = sha256 }, error);
}

static gboolean
list_locations (sqlite3 *db, gpointer data, GError **error)
{
  GPtrArray *locations = data;
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (
      db, error,
      "SELECT " LOCATION_COLUMNS " FROM location l"
      " LEFT JOIN artifact_location al ON al.location = l.id GROUP BY l.id ORDER BY l.path",
      "");
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure))
    g_ptr_array_add (locations, read_location (rows));
  return parley_sql_end (&failure, error);
}

GPtrArray *
parley_catalogue_list_locations (ParleyStore *store, GError **error)
{
  g_autoptr (GPtrArray) locations =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_location_record_free);
  return parley_store_read (store, list_locations, locations, error) ? g_steal_pointer (&locations)
                                                                     : NULL;
}

/* Changing */

/* One statement about one artifact or one location, which has to be there. */
typedef struct {
  const char *sql; /* ?1: the artifact or path, ?2: text, ?3: number */
  gint64 artifact;
  const char *path;
  const char *text;
  gint64 number;
} Change;

static gboolean
make_change (sqlite3 *db, gpointer data, GError **error)
{
  const Change *c = data;
  g_autoptr (GBytes) path = c->path ? path_bytes (c->path) : NULL;
  gboolean ok = path ? parley_sql_run (db, error, c->sql, "bsi", path, c->text, c->number)
                     : parley_sql_run (db, error, c->sql, "isi", c->artifact, c->text, c->number);
  if (!ok)
    return FALSE;
  if (sqlite3_changes (db) == 0) {
    g_set_error_literal (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND,
                         _ ("This model is not in the library."));
    return FALSE;
  }
  return drop_orphans (db, error);
}

static gboolean
change (ParleyStore *store, const Change *c, GError **error)
{
  return parley_store_run (store, PARLEY_STORE_CATALOGUE, make_change, (gpointer) c, error);
}

static gboolean
rename_artifact (sqlite3 *db, gpointer data, GError **error)
{
  const Change *c = data;
  gint64 taken;
  if (!parley_sql_number (db, 0, &taken, error,
                          "SELECT count (*) FROM artifact WHERE name = ? AND id <> ?", "si",
                          c->text, c->artifact))
    return FALSE;
  if (taken) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID,
                 _ ("Another model is called “%s” already. Choose another name."), c->text);
    return FALSE;
  }
  return make_change (db, data, error);
}

gboolean
parley_catalogue_rename (ParleyStore *store, gint64 id, const char *name, GError **error)
{
  Change c = { .sql = "UPDATE artifact SET name = ?2 WHERE id = ?1 AND ?3 = 0",
               .artifact = id,
               .text = name };
  return parley_store_run (store, PARLEY_STORE_CATALOGUE, rename_artifact, &c, error);
}

gboolean
parley_catalogue_set_pinned (ParleyStore *store, gint64 id, gboolean pinned, GError **error)
{
  return change (store,
                 &(Change){ .sql = "UPDATE artifact SET pinned = ?3 WHERE id = ?1 AND ?2 IS NULL",
                            .artifact = id,
                            .number = pinned },
                 error);
}

gboolean
parley_catalogue_set_defaults (ParleyStore *store, gint64 id, const char *json, GError **error)
{
  return change (store,
                 &(Change){ .sql = "UPDATE artifact SET defaults = ?2 WHERE id = ?1 AND ?3 = 0",
                            .artifact = id,
                            .text = json },
                 error);
}

gboolean
parley_catalogue_set_details (ParleyStore *store, const char *path, const char *json,
                              GError **error)
{
  return change (store,
                 &(Change){ .sql = "UPDATE artifact SET details = ?2 WHERE ?3 = 0 AND id IN"
                                   " (SELECT al.artifact FROM location l JOIN artifact_location al"
                                   " ON al.location = l.id WHERE l.path = ?1 AND al.role = 0)",
                            .path = path,
                            .text = json },
                 error);
}

gboolean
parley_catalogue_set_used (ParleyStore *store, gint64 id, gint64 when, GError **error)
{
  return change (
      store,
      &(Change){ .sql = "UPDATE artifact SET last_used_at = ?3 WHERE id = ?1 AND ?2 IS NULL",
                 .artifact = id,
                 .number = when },
      error);
}

gboolean
parley_catalogue_set_missing (ParleyStore *store, const char *path, gboolean missing,
                              GError **error)
{
  return change (store,
                 &(Change){ .sql = "UPDATE location SET missing = ?3 WHERE path = ?1"
                                   " AND ?2 IS NULL",
                            .path = path,
                            .number = missing },
                 error);
}

gboolean
parley_catalogue_remove_location (ParleyStore *store, const char *path, GError **error)
{
  return change (store,
                 &(Change){ .sql = "DELETE FROM location WHERE path = ?1 AND ?2 IS NULL"
                                   " AND ?3 = 0",
                            .path = path },
                 error);
}

gboolean
parley_catalogue_remove (ParleyStore *store, gint64 id, GError **error)
{
  return change (store,
                 &(Change){ .sql = "DELETE FROM artifact WHERE id = ?1 AND ?2 IS NULL AND ?3 = 0",
                            .artifact = id },
                 error);
}

static gboolean
update_location (sqlite3 *db, gpointer data, GError **error)
{
  const ParleyLocationRecord *l = data;
  g_autoptr (GBytes) path = path_bytes (l->path);
  if (!parley_sql_run (db, error,
                       "UPDATE location SET sha256 = ?, size = ?, mtime_ns = ?, inode = ?,"
                       " device = ?, missing = ? WHERE path = ?",
                       "siiiiib", l->sha256, l->size, l->mtime_ns, (gint64) l->inode,
                       (gint64) l->device, (gint64) l->missing, path))
    return FALSE;
  if (sqlite3_changes (db) > 0)
    return TRUE;
  g_set_error_literal (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND,
                       _ ("This file is not in the library."));
  return FALSE;
}

gboolean
parley_catalogue_update_location (ParleyStore *store, const ParleyLocationRecord *record,
                                  GError **error)
{
  return parley_store_run (store, PARLEY_STORE_CATALOGUE, update_location, (gpointer) record,
                           error);
}
