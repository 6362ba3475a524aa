/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The library: models that come and go in the folder, by our hand, by downloads, or by others.
 */
#include "hub/parley-downloads.h"
#include "library/parley-library.h"
#include "library/record.h"
#include "standin.h"
#include "store/parley-catalogue.h"

#include <sys/stat.h>

static gboolean
on_timeout (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs the main loop until the library has `n` models. */
static void
until_count (ParleyLibrary *library, guint n)
{
  gboolean late = FALSE;
  guint timeout = g_timeout_add_seconds (30, on_timeout, &late);
  while (!late && (g_list_model_get_n_items (G_LIST_MODEL (library)) != n ||
                   parley_library_is_loading (library)))
    g_main_context_iteration (NULL, TRUE);
  if (!late)
    g_source_remove (timeout);
  CHECK_MSG (!late, "%u models, not %u", g_list_model_get_n_items (G_LIST_MODEL (library)), n);
}

/* Keeps an own count from what the list announces. */
static void
on_items (GListModel *list, guint position, guint removed, guint added, guint *count)
{
  *count += added - removed;
}

static ParleyHubFile *
get_file (ParleyHub *hub, const char *repo, const char *wanted)
{
  g_autoptr (ParleyHubModel) model = parley_hub_details (hub, repo, NULL, NULL, NULL);
  CHECK (model);
  ParleyHubFile *file = parley_hub_model_choose (model, wanted, NULL);
  CHECK (file);
  return file;
}

static void
downloads_show_up_and_deletion_hides (void)
{
  g_autofree char *data = g_dir_make_tmp ("parley-library-XXXXXX", NULL);
  g_autofree char *models = g_build_filename (data, "models", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyStore) store = parley_store_open (data, &error);
  CHECK_MSG (store, "%s", error->message);
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autoptr (ParleyLibrary) library = parley_library_new (models);
  g_autoptr (ParleyDownloads) downloads = parley_downloads_new (hub, models);
  guint count = 0;
  g_signal_connect (library, "items-changed", G_CALLBACK (on_items), &count);
  parley_library_set_store (library, store);
  parley_library_follow (library, downloads);
  parley_library_watch (library);
  CHECK (parley_library_is_loading (library));
  until_count (library, 0);

  g_autoptr (ParleyHubFile) small = get_file (hub, "fixture/plain", "Q8_0");
  g_autoptr (ParleyHubFile) parts = get_file (hub, "fixture/sharded", "F32");
  g_autoptr (ParleyHubFile) projector = get_file (hub, "fixture/plain", "mmproj-plain-F16.gguf");
  CHECK (parley_downloads_add (downloads, small, NULL));
  CHECK (parley_downloads_add (downloads, parts, NULL));
  ParleyTransfer *last = parley_downloads_add (downloads, projector, NULL);
  until_count (library, 2);
  while (parley_transfer_is_active (last))
    g_main_context_iteration (NULL, TRUE);
  CHECK_MSG (parley_transfer_get_state (last) == PARLEY_TRANSFER_DONE, "%s",
             parley_transfer_get_message (last));

  g_autoptr (ParleyModel) model = parley_library_lookup (library, "fixture/plain/", &error);
  CHECK_MSG (model, "%s", error->message);
  CHECK_STR (parley_model_get_repo (model), "fixture/plain");
  CHECK_STR (parley_model_get_commit (model), parley_hub_file_get_commit (small));
  CHECK_STR (parley_model_get_sha256 (model), parley_hub_file_get_part (small, 0)->sha256);
  CHECK_STR (parley_model_get_quantisation (model), "Q8_0");
  CHECK (parley_model_get_state (model) == PARLEY_MODEL_READY);
  CHECK (parley_model_get_parameters (model) == 1443072);
  g_autoptr (ParleyArtifactRecord) record =
      parley_catalogue_find_sha256 (store, parley_hub_file_get_part (small, 0)->sha256, &error);
  CHECK_MSG (record, "%s", error->message);
  CHECK_STR (record->repo, "fixture/plain");
  CHECK_STR (record->endpoint, standin_hub);
  CHECK (record->files->len == 1);
  g_autofree char *card = NULL; /* is fetched when the model is there already */
  for (guint i = 0; i < 1000 && !card; i++) {
    g_autoptr (ParleyArtifactRecord) now = parley_catalogue_get (store, record->id, NULL);
    card = now ? parley_record_dup_card (now) : NULL;
    g_usleep (card ? 0 : 10000);
  }
  CHECK_STR (card, "# Fixture\n");

  /* Both call themselves "Tiny": a choice must be unambiguous. */
  CHECK (!parley_library_lookup (library, "tiny", &error));
  CHECK (strstr (error->message, "fixture/plain/plain-Q8_0") &&
         strstr (error->message, "fixture/sharded/F32/big-F32"));
  CHECK (parley_library_delete (library, model, NULL));
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (library)) == 1 && count == 1);
  CHECK (!g_file_test (parley_model_get_path (model), G_FILE_TEST_EXISTS));
  g_clear_error (&error);
  g_autoptr (ParleyArtifactRecord) gone =
      parley_catalogue_find_path (store, parley_model_get_path (model), &error);
  CHECK (!gone);
  g_autoptr (ParleyModel) tiny = parley_library_lookup (library, "TINY", NULL);
  CHECK (tiny && parley_model_get_n_parts (tiny) == 3);
  /* A scan that still runs keeps the library; it must not count any more. */
  g_signal_handlers_disconnect_by_func (library, on_items, &count);
  g_clear_object (&downloads);
  g_clear_object (&library);
  CHECK (parley_store_close (store, NULL));
  remove_tree (data);
}

static void
others_changes_are_seen (void)
{
  g_autofree char *models = g_dir_make_tmp ("parley-library-XXXXXX", NULL);
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autoptr (ParleyDownloads) source = parley_downloads_new (hub, models);
  g_autoptr (ParleyLibrary) library = parley_library_new (models);
  parley_library_watch (library);
  until_count (library, 0);
  /* A download that this library does not follow, as of another process. */
  g_autoptr (ParleyHubFile) file = get_file (hub, "fixture/plain", "F32");
  ParleyTransfer *transfer = parley_downloads_add (source, file, NULL);
  until_count (library, 1);
  g_autoptr (ParleyModel) model = g_list_model_get_item (G_LIST_MODEL (library), 0);
  CHECK_STR (parley_model_get_repo (model), "fixture/plain"); /* from its place */
  CHECK_STR (parley_model_get_sha256 (model), "");
  /* A file that did not change stays the same object. */
  g_autofree char *other = g_build_filename (models, "noise.gguf", NULL);
  CHECK (g_file_set_contents (other, "noise", -1, NULL));
  until_count (library, 2);
  g_autoptr (ParleyModel) again = parley_library_lookup (library, "fixture/plain/plain-f32", NULL);
  CHECK (again == model);
  g_autoptr (ParleyModel) noise = parley_library_lookup (library, "noise", NULL);
  CHECK (noise && parley_model_get_state (noise) == PARLEY_MODEL_DAMAGED);
  CHECK (strstr (parley_model_get_message (noise), "noise.gguf"));
  g_unlink (other);
  g_unlink (parley_transfer_get_path (transfer));
  until_count (library, 0);
  remove_tree (models);
}

static void
strange_folders_are_survived (void)
{
  g_autofree char *models = g_dir_make_tmp ("parley-library-XXXXXX", NULL);
  g_autofree char *loop = g_build_filename (models, "loop", NULL);
  g_autofree char *fifo = g_build_filename (models, "pipe.gguf", NULL);
  g_autofree char *dangling = g_build_filename (models, "gone.gguf", NULL);
  g_autofree char *folder = g_build_filename (models, "folder.gguf", NULL);
  g_autofree char *hidden = g_build_filename (models, ".hidden.gguf", NULL);
  CHECK (symlink (models, loop) == 0 && mkfifo (fifo, 0644) == 0);
  CHECK (symlink ("/nonexistent", dangling) == 0 && g_mkdir (folder, 0755) == 0);
  CHECK (g_file_set_contents (hidden, "x", -1, NULL));
  g_autoptr (ParleyLibrary) library = parley_library_new (models);
  CHECK (parley_library_load (library, NULL, NULL));
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (library)) == 0);
  remove_tree (models);
  g_autoptr (ParleyLibrary) nowhere = parley_library_new ("/proc/no/such/folder");
  CHECK (parley_library_load (nowhere, NULL, NULL));
  g_autoptr (ParleyModel) missing = parley_library_inspect ("/proc/no/such/file.gguf");
  CHECK (parley_model_get_state (missing) == PARLEY_MODEL_DAMAGED);
}

int
main (void)
{
  standin_start (NULL);
  RUN (downloads_show_up_and_deletion_hides);
  RUN (others_changes_are_seen);
  RUN (strange_folders_are_survived);
  standin_stop ();
  return test_done ();
}
