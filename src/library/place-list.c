/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/place-list.h"

#include "hub/json.h"
#include "hub/names.h"
#include "library/companion.h"

#include <glib/gstdio.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH          8
#define MAX_FILES          10000
#define MAX_MANIFEST_BYTES (1024 * 1024)

/* ---- GGUF files in folders ---- */

/* "name" for "sub/name" in the ids of the first folder, "slug/sub/name" elsewhere. */
static char *
make_id (const ParleyPlaceList *list, const char *below)
{
  g_autofree char *shown = g_filename_display_name (below);
  return *list->place->slug ? g_strconcat (list->place->slug, "/", shown, NULL)
                            : g_steal_pointer (&shown);
}

static char *
without_ending (const char *path)
{
  guint index, count;
  gsize stem;
  if (!parley_name_shard (path, &index, &count, &stem))
    stem = strlen (path) - (g_str_has_suffix (path, ".gguf") ? strlen (".gguf") : 0);
  return g_strndup (path, stem);
}

static gboolean
is_gguf (const char *name)
{
  gsize n = strlen (name);
  return n > 5 && g_ascii_strcasecmp (name + n - 5, ".gguf") == 0;
}

/* Names under which other programs keep what has not arrived yet. */
static gboolean
is_unfinished (const char *name)
{
  return g_str_has_prefix (name, "incomplete-") || g_str_has_prefix (name, "downloading_");
}

static void
walk (ParleyPlaceList *list, const char *folder, guint depth, GPtrArray *files)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  if (!dir)
    return;
  g_ptr_array_add (list->folders, g_strdup (folder));
  for (const char *name; (name = g_dir_read_name (dir)) && files->len < MAX_FILES;) {
    if (name[0] == '.' || g_cancellable_is_cancelled (list->cancellable))
      continue;
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (is_gguf (name) && !is_unfinished (name) && g_file_test (path, G_FILE_TEST_IS_REGULAR))
      g_ptr_array_add (files, g_steal_pointer (&path));
    else if (depth < MAX_DEPTH && g_file_test (path, G_FILE_TEST_IS_DIR))
      walk (list, path, depth + 1, files);
  }
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char **) a, *(char **) b);
}

static gboolean
is_next_part (const char *first, const char *path)
{
  guint index, count, other_index, other_count;
  gsize stem, other_stem;
  return parley_name_shard (first, &index, &count, &stem) &&
         parley_name_shard (path, &other_index, &other_count, &other_stem) &&
         count == other_count && stem == other_stem && strncmp (first, path, stem) == 0;
}

/* Parts that are there while others still arrive belong to a download, not to the library. */
static gboolean
is_arriving (const char *path)
{
  guint index, count;
  gsize stem;
  g_autofree char *first =
      parley_name_shard (path, &index, &count, &stem)
          ? g_strdup_printf ("%.*s-00001-of-%05u.gguf", (int) stem, path, count)
          : g_strdup (path);
  g_autofree char *described = g_strconcat (first, ".part.json", NULL);
  return g_file_test (described, G_FILE_TEST_EXISTS);
}

/* "owner/name/…" and "owner/name@1234567/…" say where a file came from. */
static char *
repo_of (const char *below)
{
  g_auto (GStrv) words = g_strsplit (below, "/", 3);
  if (g_strv_length (words) < 3)
    return NULL;
  *strchrnul (words[1], '@') = '\0';
  g_autofree char *repo = g_strdup_printf ("%s/%s", words[0], words[1]);
  return parley_name_check_repo (repo, NULL) ? g_steal_pointer (&repo) : NULL;
}

/* Jan calls every file model.gguf and the folder by the model's name. */
static char *
title_of (const char *below)
{
  g_autofree char *base = g_path_get_basename (below);
  if (strcmp (base, "model.gguf") != 0)
    return NULL;
  g_autofree char *folder = g_path_get_dirname (below);
  g_autofree char *name = g_path_get_basename (folder);
  return strcmp (name, ".") == 0 ? NULL : parley_name_for_display (name, 120);
}

/* Companions in a way of their own: Jan's projectors are called mmproj.gguf, which the rule for
 * names covers. */
void
parley_place_list_tree (ParleyPlaceList *list)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  const char *root = list->place->path;
  walk (list, root, 0, files);
  g_ptr_array_sort (files, compare_paths);
  for (guint i = 0, n; i < files->len; i += n) {
    const char *first = files->pdata[i];
    g_autoptr (GStrvBuilder) parts = g_strv_builder_new ();
    for (n = 0; n == 0 || (i + n < files->len && is_next_part (first, files->pdata[i + n])); n++)
      g_strv_builder_add (parts, files->pdata[i + n]);
    if (is_arriving (first) || parley_is_companion (first))
      continue;
    const char *below = first + strlen (root) + 1;
    g_autofree char *stem = without_ending (below);
    ParleyEntry *entry = g_new0 (ParleyEntry, 1);
    entry->place = list->place;
    entry->parts = g_strv_builder_end (parts);
    entry->id = make_id (list, stem);
    entry->repo = repo_of (below);
    entry->title = title_of (below);
    g_ptr_array_add (list->entries, entry);
  }
}

/* The names in a folder that is watched from now on, in an order of ours: of two that lead to one
 * file the first names the model, and a person's settings are kept by that name. NULL: none. */
static GPtrArray *
names_in (ParleyPlaceList *list, const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  if (!dir)
    return NULL;
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  for (const char *name; (name = g_dir_read_name (dir)) && names->len < MAX_FILES;)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_paths);
  g_ptr_array_add (list->folders, g_strdup (folder));
  return names;
}

/* ---- Ollama ---- */

/* "sha256:<64 hexadecimal digits>" as the digits; a digest becomes part of a path. */
static const char *
read_digest (const char *digest)
{
  if (!g_str_has_prefix (digest, "sha256:"))
    return NULL;
  digest += strlen ("sha256:");
  return strlen (digest) == 64 && strspn (digest, "0123456789abcdef") == 64 ? digest : NULL;
}

/* The digest of the layer that holds the weights. */
static char *
find_weights (const char *manifest)
{
  char *text = NULL;
  gsize n;
  GStatBuf info;
  if (g_stat (manifest, &info) != 0 || info.st_size > MAX_MANIFEST_BYTES ||
      !g_file_get_contents (manifest, &text, &n, NULL))
    return NULL;
  g_autofree char *owned = text;
  g_autoptr (JsonNode) node = parley_json_read (text, n, manifest, NULL);
  JsonArray *layers = parley_json_array (parley_json_as_object (node), "layers");
  for (guint i = 0; layers && i < json_array_get_length (layers); i++) {
    JsonObject *layer = parley_json_as_object (json_array_get_element (layers, i));
    const char *digest = read_digest (parley_json_string (layer, "digest"));
    if (digest &&
        strcmp (parley_json_string (layer, "mediaType"), "application/vnd.ollama.image.model") == 0)
      return g_strdup (digest);
  }
  return NULL;
}

static void
take_manifest (ParleyPlaceList *list, const char *manifest, const char *below)
{
  g_autofree char *digest = find_weights (manifest);
  g_auto (GStrv) words = g_strsplit (below, "/", -1);
  if (!digest || g_strv_length (words) != 4)
    return;
  g_autofree char *blob = g_strconcat ("sha256-", digest, NULL);
  g_autofree char *path = g_build_filename (list->place->path, "blobs", blob, NULL);
  gboolean from_library = strcmp (words[1], "library") == 0;
  g_autofree char *name = from_library ? g_strdup_printf ("%s:%s", words[2], words[3])
                                       : g_strdup_printf ("%s/%s:%s", words[1], words[2], words[3]);
  ParleyEntry *entry = g_new0 (ParleyEntry, 1);
  entry->place = list->place;
  entry->parts = g_strsplit (path, "\n", 1);
  entry->id = make_id (list, name);
  entry->title = parley_name_for_display (name, 120);
  entry->sha256 = g_steal_pointer (&digest);
  if (strcmp (words[0], "hf.co") == 0) {
    g_autofree char *repo = g_strdup_printf ("%s/%s", words[1], words[2]);
    if (parley_name_check_repo (repo, NULL))
      entry->repo = g_steal_pointer (&repo);
  }
  g_ptr_array_add (list->entries, entry);
}

static void
walk_manifests (ParleyPlaceList *list, const char *folder, gsize root, guint depth)
{
  g_autoptr (GPtrArray) names = names_in (list, folder);
  for (guint i = 0; names && i < names->len && list->entries->len < MAX_FILES; i++) {
    const char *name = names->pdata[i];
    if (name[0] == '.' || g_cancellable_is_cancelled (list->cancellable))
      continue;
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (g_file_test (path, G_FILE_TEST_IS_DIR) && depth < 3)
      walk_manifests (list, path, root, depth + 1);
    else if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
      take_manifest (list, path, path + root + 1);
  }
}

void
parley_place_list_ollama (ParleyPlaceList *list)
{
  g_autofree char *manifests = g_build_filename (list->place->path, "manifests", NULL);
  walk_manifests (list, manifests, strlen (manifests), 0);
}

/* ---- the hub's own cache ---- */

/* "models--owner--name" as "owner/name". */
static char *
cached_repo (const char *folder)
{
  if (!g_str_has_prefix (folder, "models--"))
    return NULL;
  const char *rest = folder + strlen ("models--");
  const char *dashes = strstr (rest, "--");
  if (!dashes)
    return NULL;
  g_autofree char *repo =
      g_strdup_printf ("%.*s/%s", (int) (dashes - rest), rest, dashes + strlen ("--"));
  return parley_name_check_repo (repo, NULL) ? g_steal_pointer (&repo) : NULL;
}

/* The name of a blob is its SHA-256 when it came from large storage. */
static char *
blob_hash (const char *path)
{
  char target[PATH_MAX];
  if (!realpath (path, target))
    return NULL;
  const char *base = strrchr (target, '/');
  return base && strlen (base + 1) == 64 && strspn (base + 1, "0123456789abcdef") == 64
             ? g_strdup (base + 1)
             : NULL;
}

static void
take_snapshot (ParleyPlaceList *list, const char *folder, const char *repo, const char *commit)
{
  ParleyPlace inner = { .path = (char *) folder, .kind = PARLEY_PLACE_TREE, .slug = (char *) "" };
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_entry_free);
  ParleyPlaceList below = {
    .place = &inner, .entries = found, .folders = list->folders, .cancellable = list->cancellable
  };
  parley_place_list_tree (&below);
  while (found->len > 0) {
    ParleyEntry *entry = g_ptr_array_steal_index (found, 0);
    g_autofree char *stem = g_steal_pointer (&entry->id);
    g_autofree char *name = g_strdup_printf ("%s/%s", repo, stem);
    entry->place = list->place;
    entry->id = make_id (list, name);
    g_free (entry->repo);
    entry->repo = g_strdup (repo);
    entry->commit = g_strdup (commit);
    entry->sha256 = blob_hash (entry->parts[0]);
    g_ptr_array_add (list->entries, entry);
  }
}

static void
take_cached_repo (ParleyPlaceList *list, const char *folder, const char *repo)
{
  g_autofree char *snapshots = g_build_filename (folder, "snapshots", NULL);
  g_autoptr (GPtrArray) commits = names_in (list, snapshots);
  for (guint i = 0; commits && i < commits->len && list->entries->len < MAX_FILES; i++) {
    const char *commit = commits->pdata[i];
    if (strlen (commit) != 40 || strspn (commit, "0123456789abcdef") != 40)
      continue;
    g_autofree char *snapshot = g_build_filename (snapshots, commit, NULL);
    take_snapshot (list, snapshot, repo, commit);
  }
}

void
parley_place_list_hub (ParleyPlaceList *list)
{
  g_autoptr (GPtrArray) names = names_in (list, list->place->path);
  for (guint i = 0; names && i < names->len && list->entries->len < MAX_FILES; i++) {
    const char *name = names->pdata[i];
    g_autofree char *repo = cached_repo (name);
    g_autofree char *folder = g_build_filename (list->place->path, name, NULL);
    if (repo) {
      take_cached_repo (list, folder, repo);
    } else if (is_gguf (name) && g_file_test (folder, G_FILE_TEST_IS_REGULAR) &&
               !parley_is_companion (folder)) {
      /* Older versions of llama.cpp put their files here. */
      g_autofree char *stem = without_ending (name);
      ParleyEntry *entry = g_new0 (ParleyEntry, 1);
      entry->place = list->place;
      entry->parts = g_strsplit (folder, "\n", 1);
      entry->id = make_id (list, stem);
      g_ptr_array_add (list->entries, entry);
    }
  }
}
