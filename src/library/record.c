/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/record.h"
#include "library/scan.h"
#include "store/parley-catalogue.h"

#include <sys/stat.h>

static ParleyLocationRecord *
make_location (ParleyHubFile *file, guint part, const char *path)
{
  ParleyLocationRecord *location = parley_location_record_new ();
  const ParleyHubPart *p = parley_hub_file_get_part (file, part);
  struct stat info;
  location->path = g_strdup (path);
  location->sha256 = g_strdup (p->sha256);
  location->size = (gint64) p->size;
  location->origin = g_strdup ("parley");
  location->role = PARLEY_FILE_MODEL;
  location->shard = part;
  if (stat (path, &info) == 0) {
    location->mtime_ns = (gint64) info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    location->inode = info.st_ino;
    location->device = info.st_dev;
  }
  return location;
}

gboolean
parley_record_download (ParleyStore *store, const char *endpoint, ParleyHubFile *file,
                        const char *const *paths, GError **error)
{
  if (parley_hub_file_get_kind (file) != PARLEY_HUB_FILE_MODEL)
    return TRUE;
  g_autoptr (ParleyModel) model = parley_scan_model (paths, NULL, NULL);
  g_autoptr (ParleyArtifactRecord) artifact = parley_artifact_record_new ();
  artifact->sha256 = g_strdup (parley_hub_file_get_part (file, 0)->sha256);
  artifact->size = (gint64) parley_hub_file_get_size (file);
  artifact->n_shards = parley_hub_file_get_n_parts (file);
  artifact->name =
      g_strdup_printf ("%s/%s", parley_hub_file_get_repo (file), parley_hub_file_get_name (file));
  artifact->title = g_strdup (parley_model_get_name (model));
  artifact->architecture = g_strdup (parley_model_get_architecture (model));
  artifact->quantisation = g_strdup (parley_model_get_quantisation (model));
  artifact->n_parameters = (gint64) parley_model_get_parameters (model);
  artifact->context_length = parley_model_get_context_length (model);
  artifact->endpoint = g_strdup (endpoint);
  artifact->repo = g_strdup (parley_hub_file_get_repo (file));
  artifact->commit = g_strdup (parley_hub_file_get_commit (file));
  artifact->file_name = g_strdup (parley_hub_file_get_path (file));
  if (parley_model_get_state (model) != PARLEY_MODEL_READY)
    artifact->problem = g_strdup (parley_model_get_message (model));
  artifact->added_at = g_get_real_time ();
  for (guint i = 0; i < parley_hub_file_get_n_parts (file); i++)
    g_ptr_array_add (artifact->files, make_location (file, i, paths[i]));
  return parley_catalogue_add (store, artifact, NULL, error);
}

gboolean
parley_record_removal (ParleyStore *store, const char *path, GError **error)
{
  g_autoptr (GError) problem = NULL;
  if (parley_catalogue_remove_location (store, path, &problem) ||
      g_error_matches (problem, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}
