/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/record.h"
#include "library/companion.h"
#include "library/scan.h"

#include "hub/json.h"
#include "hub/names.h"

#include <glib/gi18n.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_TAGS       20
#define MAX_TAG_BYTES  40
#define MAX_NAME_BYTES 120
#define MAX_CARD_BYTES (256 * 1024)

const char *const parley_model_setting_keys[] = { "gpu-layers", "cpu-experts",   "context", "kv",
                                                  "sampling",   "system-prompt", NULL };

char *
parley_model_setting (const char *id, const char *key)
{
  return g_strdup_printf ("model/%s/%s", id, key);
}

static ParleyLocationRecord *
make_location (const char *path, const char *sha256, guint shard, const char *origin)
{
  ParleyLocationRecord *location = parley_location_record_new ();
  struct stat info;
  location->path = g_strdup (path);
  location->sha256 = g_strdup (sha256);
  location->origin = g_strdup (origin);
  location->role = PARLEY_FILE_MODEL;
  location->shard = shard;
  if (stat (path, &info) == 0) {
    location->size = (gint64) info.st_size;
    location->mtime_ns = (gint64) info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    location->inode = info.st_ino;
    location->device = info.st_dev;
  }
  return location;
}

static char *
make_details (const char *card)
{
  if (!card || !*card || strlen (card) > MAX_CARD_BYTES)
    return NULL;
  g_autoptr (JsonObject) object = json_object_new ();
  json_object_set_string_member (object, "card", card);
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  return json_to_string (node, FALSE);
}

/* The record of `model`, whose files lie at `paths`. */
static ParleyArtifactRecord *
make_record (ParleyModel *model, const char *const *paths, const char *const *sha256s,
             const ParleyOrigin *origin, const char *owner)
{
  ParleyArtifactRecord *artifact = parley_artifact_record_new ();
  g_autofree char *base = g_path_get_basename (paths[0]);
  g_autofree char *shown = g_filename_display_name (base);
  artifact->sha256 = sha256s && *sha256s[0] ? g_strdup (sha256s[0]) : NULL;
  artifact->size = (gint64) parley_model_get_size (model);
  artifact->n_shards = g_strv_length ((GStrv) paths);
  artifact->name = g_strdup_printf ("%s/%s", origin && origin->repo ? origin->repo : "here", shown);
  artifact->title = g_strdup (parley_model_get_name (model));
  artifact->architecture = g_strdup (parley_model_get_architecture (model));
  artifact->quantisation = g_strdup (parley_model_get_quantisation (model));
  artifact->n_parameters = (gint64) parley_model_get_parameters (model);
  artifact->context_length = parley_model_get_context_length (model);
  if (origin) {
    artifact->endpoint = g_strdup (origin->endpoint);
    artifact->repo = g_strdup (origin->repo);
    artifact->commit = g_strdup (origin->commit);
    artifact->file_name = g_strdup (origin->file_name);
    artifact->details = make_details (origin->card);
  }
  if (parley_model_get_state (model) != PARLEY_MODEL_READY)
    artifact->problem = g_strdup (parley_model_get_message (model));
  artifact->added_at = g_get_real_time ();
  for (guint i = 0; paths[i]; i++)
    g_ptr_array_add (artifact->files,
                     make_location (paths[i], sha256s && *sha256s[i] ? sha256s[i] : NULL, i,
                                    *owner ? owner : "parley"));
  return artifact;
}

gboolean
parley_record_files (ParleyStore *store, const char *const *paths, const char *const *sha256s,
                     const ParleyOrigin *origin, gint64 *id, GError **error)
{
  g_autoptr (ParleyModel) model = parley_scan_model (paths);
  g_autoptr (ParleyArtifactRecord) artifact = make_record (model, paths, sha256s, origin, "");
  if (!parley_catalogue_add (store, artifact, error))
    return FALSE;
  if (id)
    *id = artifact->id;
  return TRUE;
}

gboolean
parley_record_download (ParleyStore *store, const char *endpoint, ParleyHubFile *file,
                        const char *const *paths, GError **error)
{
  if (parley_is_companion (paths[0]))
    return TRUE;
  ParleyOrigin origin = { .endpoint = endpoint,
                          .repo = parley_hub_file_get_repo (file),
                          .commit = parley_hub_file_get_commit (file),
                          .file_name = parley_hub_file_get_path (file) };
  g_autofree const char **sha256s = g_new0 (const char *, parley_hub_file_get_n_parts (file) + 1);
  for (guint i = 0; i < parley_hub_file_get_n_parts (file); i++)
    sha256s[i] = parley_hub_file_get_part (file, i)->sha256;
  return parley_record_files (store, paths, sha256s, &origin, NULL, error);
}

gboolean
parley_record_set_card (ParleyStore *store, const char *path, const char *card, GError **error)
{
  g_autofree char *details = make_details (card);
  return !details || parley_catalogue_set_details (store, path, details, error);
}

gboolean
parley_record_places (ParleyStore *store, ParleyArtifactRecord *record, const char *const *paths,
                      const char *const *sha256s, GError **error)
{
  for (guint i = 0; paths[i]; i++)
    g_ptr_array_add (record->files,
                     make_location (paths[i], *sha256s[i] ? sha256s[i] : NULL, i, "parley"));
  if (!record->sha256 && *sha256s[0])
    record->sha256 = g_strdup (sha256s[0]);
  return parley_catalogue_add (store, record, error);
}

ParleyArtifactRecord *
parley_record_of (ParleyStore *store, ParleyModel *model, GError **error)
{
  const char *path = parley_model_get_path (model);
  g_autoptr (GError) problem = NULL;
  ParleyArtifactRecord *known = parley_catalogue_find_path (store, path, &problem);
  if (known || !g_error_matches (problem, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND)) {
    if (!known)
      g_propagate_error (error, g_steal_pointer (&problem));
    return known;
  }
  const char *repo = parley_model_get_repo (model), *commit = parley_model_get_commit (model);
  ParleyOrigin origin = { .repo = *repo ? repo : NULL, .commit = *commit ? commit : NULL };
  g_auto (GStrv) paths = parley_model_dup_parts (model);
  g_autofree const char **sha256s = g_new0 (const char *, g_strv_length (paths) + 1);
  for (guint i = 0; paths[i]; i++)
    sha256s[i] = i == 0 ? parley_model_get_sha256 (model) : "";
  g_autoptr (ParleyArtifactRecord) artifact = make_record (
      model, (const char *const *) paths, sha256s, &origin, parley_model_get_owner (model));
  return parley_catalogue_add (store, artifact, error) ? g_steal_pointer (&artifact) : NULL;
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

/* ---- what a person made of it ---- */

static JsonNode *
read_json (const char *text)
{
  return text ? parley_json_read (text, strlen (text), "the catalogue", NULL) : NULL;
}

char *
parley_record_dup_own_name (const ParleyArtifactRecord *record)
{
  return record->name && *record->name && !strchr (record->name, '/')
             ? parley_name_for_display (record->name, MAX_NAME_BYTES)
             : NULL;
}

GStrv
parley_record_dup_tags (const ParleyArtifactRecord *record)
{
  g_autoptr (JsonNode) node = read_json (record->defaults);
  JsonArray *tags = parley_json_array (parley_json_as_object (node), "tags");
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();
  guint n = tags ? MIN (json_array_get_length (tags), MAX_TAGS) : 0;
  for (guint i = 0; i < n; i++) {
    JsonNode *tag = json_array_get_element (tags, i);
    if (JSON_NODE_HOLDS_VALUE (tag) && json_node_get_value_type (tag) == G_TYPE_STRING) {
      g_autofree char *shown = parley_name_for_display (json_node_get_string (tag), MAX_TAG_BYTES);
      g_strv_builder_add (list, shown);
    }
  }
  return n ? g_strv_builder_end (list) : NULL;
}

char *
parley_record_dup_card (const ParleyArtifactRecord *record)
{
  g_autoptr (JsonNode) node = read_json (record->details);
  const char *card = parley_json_string (parley_json_as_object (node), "card");
  return *card ? g_strdup (card) : NULL;
}

gboolean
parley_record_rename (ParleyStore *store, ParleyModel *model, const char *name, GError **error)
{
  g_autoptr (ParleyArtifactRecord) record = parley_record_of (store, model, error);
  g_autofree char *shown = g_strstrip (parley_name_for_display (name ? name : "", MAX_NAME_BYTES));
  if (!record)
    return FALSE;
  if (strchr (shown, '/')) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 _ ("A name cannot contain “/”. Choose another one"));
    return FALSE;
  }
  if (*shown)
    return parley_catalogue_rename (store, record->id, shown, error);
  g_autofree char *base = g_path_get_basename (parley_model_get_path (model));
  g_autofree char *automatic =
      g_strdup_printf ("%s/%s", record->repo ? record->repo : "here", base);
  g_autofree char *numbered = g_strdup_printf ("%s (%" G_GINT64_FORMAT ")", automatic, record->id);
  return parley_catalogue_rename (store, record->id, automatic, NULL) ||
         parley_catalogue_rename (store, record->id, numbered, error);
}

gboolean
parley_record_set_pinned (ParleyStore *store, ParleyModel *model, gboolean pinned, GError **error)
{
  g_autoptr (ParleyArtifactRecord) record = parley_record_of (store, model, error);
  return record && parley_catalogue_set_pinned (store, record->id, pinned, error);
}

gboolean
parley_record_set_used (ParleyStore *store, ParleyModel *model, GError **error)
{
  g_autoptr (ParleyArtifactRecord) record = parley_record_of (store, model, error);
  return record && parley_catalogue_set_used (store, record->id, g_get_real_time (), error);
}

static int
compare_text (gconstpointer a, gconstpointer b)
{
  return g_utf8_collate (*(char **) a, *(char **) b);
}

gboolean
parley_record_set_tags (ParleyStore *store, ParleyModel *model, const char *const *tags,
                        GError **error)
{
  g_autoptr (ParleyArtifactRecord) record = parley_record_of (store, model, error);
  if (!record)
    return FALSE;
  g_autoptr (GPtrArray) cleaned = g_ptr_array_new_with_free_func (g_free);
  for (; *tags && cleaned->len < MAX_TAGS; tags++) {
    char *tag = g_strstrip (parley_name_for_display (*tags, MAX_TAG_BYTES));
    gboolean known = FALSE;
    for (guint i = 0; i < cleaned->len; i++)
      known |= strcmp (cleaned->pdata[i], tag) == 0;
    if (*tag && !known)
      g_ptr_array_add (cleaned, tag);
    else
      g_free (tag);
  }
  g_ptr_array_sort (cleaned, compare_text);
  g_autoptr (JsonArray) array = json_array_new ();
  for (guint i = 0; i < cleaned->len; i++)
    json_array_add_string_element (array, cleaned->pdata[i]);
  g_autoptr (JsonObject) object = json_object_new ();
  json_object_set_array_member (object, "tags", g_steal_pointer (&array));
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autofree char *json = json_to_string (node, FALSE);
  return parley_catalogue_set_defaults (store, record->id, json, error);
}
