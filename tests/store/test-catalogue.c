/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The catalogue of models and the download queue.
 */
#include "common.h"

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static ParleyArtifactRecord *
make_artifact (const char *name, const char *sha256, const char *path)
{
  ParleyArtifactRecord *a = parley_artifact_record_new ();
  a->name = g_strdup (name);
  a->sha256 = g_strdup (sha256);
  a->size = 1000;
  a->architecture = g_strdup ("llama");
  a->quantisation = g_strdup ("Q4_K_M");
  a->n_parameters = G_GINT64_CONSTANT (7000000000);
  a->repo = g_strdup ("org/repo");
  a->commit = g_strdup ("c0ffee");
  a->file_name = g_strdup ("sub/file.gguf");
  ParleyLocationRecord *file = parley_location_record_new ();
  file->path = g_strdup (path);
  file->size = 1000;
  file->mtime_ns = 123456789;
  file->inode = G_MAXUINT64;
  file->origin = g_strdup ("parley");
  g_ptr_array_add (a->files, file);
  return a;
}

static void
add_file (ParleyArtifactRecord *a, const char *path, ParleyFileRole role, guint shard)
{
  ParleyLocationRecord *file = parley_location_record_new ();
  file->path = g_strdup (path);
  file->role = role;
  file->shard = shard;
  g_ptr_array_add (a->files, file);
}

static void
must_add (ParleyStore *store, ParleyArtifactRecord *a, const gint64 *downloads)
{
  g_autoptr (GError) error = NULL;
  CHECK_MSG (parley_catalogue_add (store, a, downloads, &error), "%s", error->message);
}

static void
models_are_added_and_found (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  g_autoptr (ParleyArtifactRecord) a = make_artifact ("One", SHA_A, "/m/one-1.gguf");
  a->n_shards = 2;
  add_file (a, "/m/one-2.gguf", PARLEY_FILE_MODEL, 1);
  add_file (a, "/m/eyes.gguf", PARLEY_FILE_PROJECTOR, 0);
  must_add (store, a, NULL);
  CHECK (a->id > 0);
  g_autoptr (ParleyArtifactRecord) b = make_artifact ("One", SHA_B, "/m/\xff\xfe.gguf");
  add_file (b, "/m/eyes.gguf", PARLEY_FILE_PROJECTOR, 0);
  must_add (store, b, NULL);
  CHECK_STR (b->name, "One (2)");

  g_autoptr (GPtrArray) all = parley_catalogue_list (store, NULL);
  CHECK (all && all->len == 2);
  const ParleyArtifactRecord *first = all->pdata[0];
  CHECK (first->files->len == 3 && first->n_shards == 2);
  CHECK_STR (((ParleyLocationRecord *) first->files->pdata[1])->path, "/m/one-2.gguf");
  CHECK (((ParleyLocationRecord *) first->files->pdata[0])->inode == G_MAXUINT64);
  CHECK (((ParleyLocationRecord *) first->files->pdata[2])->role == PARLEY_FILE_PROJECTOR);
  CHECK_STR (first->architecture, "llama");
  CHECK_STR (first->commit, "c0ffee");
  CHECK (first->n_parameters == G_GINT64_CONSTANT (7000000000) && first->added_at > 0);

  g_autoptr (ParleyArtifactRecord) by_path =
      parley_catalogue_find_path (store, "/m/\xff\xfe.gguf", NULL);
  CHECK (by_path && by_path->id == b->id);
  g_autoptr (ParleyArtifactRecord) by_hash = parley_catalogue_find_sha256 (store, SHA_A, NULL);
  CHECK (by_hash && by_hash->id == a->id);
  g_autoptr (ParleyArtifactRecord) by_id = parley_catalogue_get (store, b->id, NULL);
  CHECK (by_id && by_id->id == b->id);
  g_autoptr (GError) error = NULL;
  CHECK (!parley_catalogue_get (store, 0, &error));
  CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND));
  g_autoptr (GPtrArray) locations = parley_catalogue_list_locations (store, NULL);
  CHECK (locations && locations->len == 4);
  must_close (store);
}

/* The same content at a second place is the same model; other content at a known place is not. */
static void
content_decides_what_a_model_is (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  g_autoptr (ParleyArtifactRecord) a = make_artifact ("One", SHA_A, "/m/one.gguf");
  must_add (store, a, NULL);
  CHECK (parley_catalogue_set_pinned (store, a->id, TRUE, NULL));
  CHECK (parley_catalogue_set_defaults (store, a->id, "{\"layers\":3}", NULL));
  CHECK (parley_catalogue_set_used (store, a->id, 99, NULL));
  g_autoptr (ParleyArtifactRecord) copy = make_artifact ("One", SHA_A, "/other/one.gguf");
  must_add (store, copy, NULL);
  CHECK (copy->id == a->id);
  g_autoptr (ParleyArtifactRecord) both = parley_catalogue_get (store, a->id, NULL);
  CHECK (both->files->len == 2 && both->pinned && both->last_used_at == 99);
  CHECK_STR (both->defaults, "{\"layers\":3}");
  CHECK_STR (both->name, "One");

  g_autoptr (ParleyArtifactRecord) replaced = make_artifact ("New", SHA_B, "/m/one.gguf");
  must_add (store, replaced, NULL);
  CHECK (replaced->id != a->id);
  g_autoptr (ParleyArtifactRecord) old = parley_catalogue_get (store, a->id, NULL);
  CHECK (old->files->len == 1);

  /* Found before it was hashed: the hash is filled in, the model stays. */
  g_autoptr (ParleyArtifactRecord) unhashed = make_artifact ("Late", NULL, "/m/late.gguf");
  must_add (store, unhashed, NULL);
  g_autoptr (ParleyArtifactRecord) hashed = make_artifact (
      "Late", "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", "/m/late.gguf");
  must_add (store, hashed, NULL);
  CHECK (hashed->id == unhashed->id);
  must_close (store);
}

static void
models_go_with_their_last_file (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  g_autoptr (ParleyArtifactRecord) a = make_artifact ("A", SHA_A, "/m/a.gguf");
  add_file (a, "/m/eyes.gguf", PARLEY_FILE_PROJECTOR, 0);
  must_add (store, a, NULL);
  g_autoptr (ParleyArtifactRecord) b = make_artifact ("B", SHA_B, "/m/b.gguf");
  add_file (b, "/m/eyes.gguf", PARLEY_FILE_PROJECTOR, 0);
  must_add (store, b, NULL);
  CHECK (parley_catalogue_remove_location (store, "/m/a.gguf", NULL));
  CHECK (!parley_catalogue_get (store, a->id, NULL));
  g_autoptr (GPtrArray) shared = parley_catalogue_list_locations (store, NULL);
  CHECK (shared->len == 2);
  CHECK (parley_catalogue_remove (store, b->id, NULL));
  g_autoptr (GPtrArray) none = parley_catalogue_list_locations (store, NULL);
  CHECK (none->len == 0);
  g_autoptr (GError) error = NULL;
  CHECK (!parley_catalogue_remove (store, b->id, &error));
  CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND));
  must_close (store);
}

static void
locations_change (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  g_autoptr (ParleyArtifactRecord) a = make_artifact ("A", NULL, "/m/a.gguf");
  must_add (store, a, NULL);
  CHECK (parley_catalogue_set_missing (store, "/m/a.gguf", TRUE, NULL));
  g_autoptr (ParleyArtifactRecord) away = parley_catalogue_get (store, a->id, NULL);
  CHECK (((ParleyLocationRecord *) away->files->pdata[0])->missing);
  ParleyLocationRecord *file = a->files->pdata[0];
  file->sha256 = g_strdup (SHA_A);
  file->size = 5;
  CHECK (parley_catalogue_update_location (store, file, NULL));
  g_autoptr (ParleyArtifactRecord) back = parley_catalogue_get (store, a->id, NULL);
  const ParleyLocationRecord *read = back->files->pdata[0];
  CHECK (!read->missing && read->size == 5);
  CHECK_STR (read->sha256, SHA_A);

  g_autoptr (ParleyArtifactRecord) b = make_artifact ("B", SHA_B, "/m/b.gguf");
  must_add (store, b, NULL);
  g_autoptr (GError) error = NULL;
  CHECK (!parley_catalogue_rename (store, b->id, "A", &error));
  CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID));
  CHECK (strstr (error->message, "“A”"));
  CHECK (parley_catalogue_rename (store, b->id, "Renamed", NULL));
  must_close (store);
}

static void
unsound_records_are_refused (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  static const struct {
    const char *sha256, *path;
  } unsound[] = {
    { "../../etc/passwd", "/m.gguf" },
    { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/m.gguf" },
    { SHA_A, "relative.gguf" },
    { SHA_A, NULL },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (unsound); i++) {
    g_autoptr (ParleyArtifactRecord) a = make_artifact ("A", unsound[i].sha256, unsound[i].path);
    g_autoptr (GError) error = NULL;
    CHECK (!parley_catalogue_add (store, a, NULL, &error));
    CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID));
  }
  g_autoptr (ParleyArtifactRecord) empty = parley_artifact_record_new ();
  CHECK (!parley_catalogue_add (store, empty, NULL, NULL));
  must_close (store);
}

static gint64
queued (ParleyStore *store, guint position)
{
  g_autoptr (GPtrArray) rows = parley_queue_list (store, NULL);
  CHECK (rows && position < rows->len);
  return ((ParleyQueueRecord *) rows->pdata[position])->id;
}

static void
queue_keeps_its_order (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  g_autoptr (GPtrArray) rows =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_queue_record_free);
  for (int i = 0; i < 3; i++) {
    ParleyQueueRecord *row = parley_queue_record_new ();
    row->repo = g_strdup ("org/repo");
    row->target = g_strdup_printf ("/m/%d.gguf", i);
    row->shard = (guint) i;
    g_ptr_array_add (rows, row);
  }
  CHECK (parley_queue_add (store, rows, NULL));
  const ParleyQueueRecord *const *r = (gpointer) rows->pdata;
  CHECK (r[0]->group == r[0]->id && r[2]->group == r[0]->id && r[2]->position == 3);
  gint64 id = r[1]->id;
  CHECK (parley_queue_add (store, rows, NULL));
  CHECK (r[1]->id == id);

  for (int i = 0; i < 200; i++)
    CHECK (parley_queue_move (store, queued (store, 2), queued (store, 0), NULL));
  CHECK (parley_queue_move (store, r[0]->id, 0, NULL));
  CHECK (queued (store, 2) == r[0]->id);
  CHECK (parley_queue_set_state (store, id, PARLEY_QUEUE_FAILED, 77, "No network.", NULL));
  must_close (store);
  store = must_open (test_folder);
  g_autoptr (GPtrArray) later = parley_queue_list (store, NULL);
  CHECK (later->len == 3);
  for (guint i = 0; i < later->len; i++) {
    const ParleyQueueRecord *row = later->pdata[i];
    CHECK (row->position == i + 1 && row->size == -1);
    if (row->id == id) {
      CHECK (row->state == PARLEY_QUEUE_FAILED && row->done == 77);
      CHECK_STR (row->problem, "No network.");
    }
  }
  /* A finished one becomes a model and leaves the queue in one step. */
  g_autoptr (ParleyArtifactRecord) a = make_artifact ("A", SHA_A, "/m/1.gguf");
  gint64 finished[] = { id, 0 };
  must_add (store, a, finished);
  g_autoptr (GPtrArray) rest = parley_queue_list (store, NULL);
  CHECK (rest->len == 2);
  CHECK (parley_queue_remove (store, queued (store, 0), NULL));
  g_autoptr (GError) error = NULL;
  CHECK (!parley_queue_remove (store, id, &error));
  CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND));
  must_close (store);
}

int
main (void)
{
  RUN (models_are_added_and_found);
  RUN (content_decides_what_a_model_is);
  RUN (models_go_with_their_last_file);
  RUN (locations_change);
  RUN (unsound_records_are_refused);
  RUN (queue_keeps_its_order);
  remove_tree (test_folder);
  return test_done ();
}
