/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The catalogue of models.
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
must_add (ParleyStore *store, ParleyArtifactRecord *a)
{
  g_autoptr (GError) error = NULL;
  CHECK_MSG (parley_catalogue_add (store, a, &error), "%s", error->message);
}

static void
models_are_added_and_found (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  g_autoptr (ParleyArtifactRecord) a = make_artifact ("One", SHA_A, "/m/one-1.gguf");
  a->n_shards = 2;
  add_file (a, "/m/one-2.gguf", PARLEY_FILE_MODEL, 1);
  add_file (a, "/m/eyes.gguf", PARLEY_FILE_PROJECTOR, 0);
  must_add (store, a);
  CHECK (a->id > 0);
  g_autoptr (ParleyArtifactRecord) b = make_artifact ("One", SHA_B, "/m/\xff\xfe.gguf");
  add_file (b, "/m/eyes.gguf", PARLEY_FILE_PROJECTOR, 0);
  must_add (store, b);
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
  must_add (store, a);
  CHECK (parley_catalogue_set_pinned (store, a->id, TRUE, NULL));
  CHECK (parley_catalogue_set_defaults (store, a->id, "{\"layers\":3}", NULL));
  CHECK (parley_catalogue_set_used (store, a->id, 99, NULL));
  g_autoptr (ParleyArtifactRecord) copy = make_artifact ("One", SHA_A, "/other/one.gguf");
  must_add (store, copy);
  CHECK (copy->id == a->id);
  g_autoptr (ParleyArtifactRecord) both = parley_catalogue_get (store, a->id, NULL);
  CHECK (both->files->len == 2 && both->pinned && both->last_used_at == 99);
  CHECK_STR (both->defaults, "{\"layers\":3}");
  CHECK (parley_catalogue_set_details (store, "/other/one.gguf", "{\"card\":\"x\"}", NULL));
  CHECK (!parley_catalogue_set_details (store, "/nowhere.gguf", "{}", NULL));
  g_autoptr (ParleyArtifactRecord) described = parley_catalogue_get (store, a->id, NULL);
  CHECK_STR (described->details, "{\"card\":\"x\"}");
  CHECK (described->files->len == 2 && described->pinned);
  CHECK_STR (both->name, "One");

  g_autoptr (ParleyArtifactRecord) replaced = make_artifact ("New", SHA_B, "/m/one.gguf");
  must_add (store, replaced);
  CHECK (replaced->id != a->id);
  g_autoptr (ParleyArtifactRecord) old = parley_catalogue_get (store, a->id, NULL);
  CHECK (old->files->len == 1);

  /* Found before it was hashed: the hash is filled in, the model stays. */
  g_autoptr (ParleyArtifactRecord) unhashed = make_artifact ("Late", NULL, "/m/late.gguf");
  must_add (store, unhashed);
  g_autoptr (ParleyArtifactRecord) hashed = make_artifact (
      "Late", "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", "/m/late.gguf");
  must_add (store, hashed);
  CHECK (hashed->id == unhashed->id);
  must_close (store);
}

static void
models_go_with_their_last_file (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  g_autoptr (ParleyArtifactRecord) a = make_artifact ("A", SHA_A, "/m/a.gguf");
  add_file (a, "/m/eyes.gguf", PARLEY_FILE_PROJECTOR, 0);
  must_add (store, a);
  g_autoptr (ParleyArtifactRecord) b = make_artifact ("B", SHA_B, "/m/b.gguf");
  add_file (b, "/m/eyes.gguf", PARLEY_FILE_PROJECTOR, 0);
  must_add (store, b);
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
  must_add (store, a);
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
  must_add (store, b);
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
    CHECK (!parley_catalogue_add (store, a, &error));
    CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID));
  }
  g_autoptr (ParleyArtifactRecord) empty = parley_artifact_record_new ();
  CHECK (!parley_catalogue_add (store, empty, NULL));
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
  remove_tree (test_folder);
  return test_done ();
}
