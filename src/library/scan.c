/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/scan.h"
#include "engine/model.h"
#include "hub/names.h"
#include "library/parley-model-private.h"
#include "store/parley-catalogue.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_DEPTH 8
#define MAX_FILES 10000

/* ---- one model ---- */

static char *
cleaned (const char *text)
{
  return g_strstrip (parley_name_for_display (text ? text : "", 120));
}

/* "dir/Name-Q4_K_M-00001-of-00002.gguf" without the numbering and the ending. */
static char *
without_ending (const char *path)
{
  guint index, count;
  gsize stem;
  if (!parley_name_shard (path, &index, &count, &stem))
    stem = strlen (path) - (g_str_has_suffix (path, ".gguf") ? strlen (".gguf") : 0);
  return g_strndup (path, stem);
}

/* What to call a file that does not name itself: "my-model_Q8_0.gguf" is "my model". */
static char *
name_of_file (const char *path, const char *quantisation)
{
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *stem = without_ending (base);
  gsize n = strlen (stem), q = strlen (quantisation);
  if (q > 0 && n > q + 1 && g_ascii_strcasecmp (stem + n - q, quantisation) == 0)
    stem[n - q - 1] = '\0';
  g_strdelimit (stem, "-_", ' ');
  return cleaned (stem);
}

static void
read_header (ParleyModelFacts *facts)
{
  struct pe_model *model = NULL;
  struct pe_error error = { 0 };
  if (!pe_model_open (facts->parts[0], &model, &error)) {
    facts->state =
        error.code == PE_ERROR_UNSUPPORTED ? PARLEY_MODEL_UNSUPPORTED : PARLEY_MODEL_DAMAGED;
    facts->message = g_strdup (error.message);
    return;
  }
  const struct pe_model_info *info = pe_model_info (model);
  facts->name = cleaned (info->name);
  facts->family = cleaned (info->family);
  facts->architecture = cleaned (info->architecture);
  facts->license = cleaned (info->license);
  if (*info->quantisation) {
    g_free (facts->quantisation);
    facts->quantisation = cleaned (info->quantisation);
  }
  facts->parameters = info->n_parameters;
  facts->n_layers = info->n_layers;
  facts->context_length = info->n_ctx_train;
  facts->has_chat_template = info->chat_template != NULL;
  if (!pe_model_can_compute (model, &error)) {
    facts->state = PARLEY_MODEL_UNSUPPORTED;
    facts->message = g_strdup (error.message);
  }
  pe_model_close (model);
}

/* "org/repo/…" and "org/repo@1234567/…" say where a file came from. */
static void
read_origin (ParleyModelFacts *facts, const char *relative, ParleyStore *store)
{
  g_autoptr (ParleyArtifactRecord) record =
      store ? parley_catalogue_find_path (store, facts->parts[0], NULL) : NULL;
  if (record) {
    facts->repo = g_strdup (record->repo);
    facts->commit = g_strdup (record->commit);
    facts->sha256 = g_strdup (record->sha256);
  }
  g_auto (GStrv) words = g_strsplit (relative ? relative : "", "/", 3);
  if (facts->repo || g_strv_length (words) < 3)
    return;
  *strchrnul (words[1], '@') = '\0';
  g_autofree char *repo = g_strdup_printf ("%s/%s", words[0], words[1]);
  if (parley_name_check_repo (repo, NULL))
    facts->repo = g_steal_pointer (&repo);
}

ParleyModel *
parley_scan_model (const char *const *parts, const char *relative, ParleyStore *store)
{
  ParleyModelFacts facts = { .parts = g_strdupv ((GStrv) parts), .state = PARLEY_MODEL_READY };
  guint index, count = 1;
  gsize stem;
  gboolean is_split = parley_name_shard (parts[0], &index, &count, &stem);
  for (guint i = 0; parts[i]; i++) {
    struct stat info;
    if (stat (parts[i], &info) != 0) {
      facts.state = PARLEY_MODEL_DAMAGED;
      g_free (facts.message);
      facts.message = g_strdup_printf ("%s: %s", parts[i], g_strerror (errno));
      continue;
    }
    facts.size += (guint64) info.st_size;
    if (i == 0) {
      facts.modified = info.st_mtim.tv_sec;
      facts.modified_ns = info.st_mtim.tv_nsec;
      facts.inode = info.st_ino;
    }
  }
  facts.quantisation = parley_name_quantisation (parts[0]);
  if (facts.state == PARLEY_MODEL_READY && is_split &&
      (index != 1 || g_strv_length (facts.parts) != count)) {
    facts.state = PARLEY_MODEL_INCOMPLETE;
    facts.message = g_strdup_printf ("%u of %u parts are here. Download the model again to get the "
                                     "others",
                                     g_strv_length (facts.parts), count);
  } else if (facts.state == PARLEY_MODEL_READY) {
    read_header (&facts);
  }
  if (!facts.quantisation)
    facts.quantisation = g_strdup ("");
  if (!facts.name || !*facts.name) {
    g_free (facts.name);
    facts.name = name_of_file (parts[0], facts.quantisation);
  }
  facts.id = without_ending (relative ? relative : parts[0]);
  read_origin (&facts, relative, store);
  return _parley_model_new (&facts);
}

/* ---- the folder ---- */

typedef struct {
  GPtrArray *files; /* paths of .gguf files, in no order */
  GPtrArray *folders;
  GCancellable *cancellable;
} Walk;

static void
walk_folder (Walk *walk, const char *folder, guint depth)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  if (!dir)
    return;
  g_ptr_array_add (walk->folders, g_strdup (folder));
  for (const char *name; (name = g_dir_read_name (dir)) && walk->files->len < MAX_FILES;) {
    if (name[0] == '.' || g_cancellable_is_cancelled (walk->cancellable))
      continue;
    g_autofree char *path = g_build_filename (folder, name, NULL);
    gsize n = strlen (name);
    if (n > 5 && g_ascii_strcasecmp (name + n - 5, ".gguf") == 0 &&
        g_file_test (path, G_FILE_TEST_IS_REGULAR))
      g_ptr_array_add (walk->files, g_steal_pointer (&path));
    else if (depth < MAX_DEPTH && g_file_test (path, G_FILE_TEST_IS_DIR))
      walk_folder (walk, path, depth + 1);
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

/* The model that was read from the same files before, if nothing changed. */
static ParleyModel *
find_unchanged (GPtrArray *known, const char *const *parts, ParleyStore *store)
{
  for (guint i = 0; known && i < known->len; i++) {
    const ParleyModelFacts *facts = _parley_model_get_facts (known->pdata[i]);
    if (!g_strv_equal ((const char *const *) facts->parts, parts))
      continue;
    guint64 size = 0;
    struct stat info = { 0 };
    for (guint p = g_strv_length ((GStrv) parts); p-- > 0;)
      size += stat (parts[p], &info) == 0 ? (guint64) info.st_size : 0;
    g_autoptr (ParleyArtifactRecord) record =
        store ? parley_catalogue_find_path (store, parts[0], NULL) : NULL;
    if (size == facts->size && info.st_ino == facts->inode &&
        info.st_mtim.tv_sec == facts->modified && info.st_mtim.tv_nsec == facts->modified_ns &&
        (!record || !record->sha256 || strcmp (record->sha256, facts->sha256) == 0))
      return g_object_ref (known->pdata[i]);
  }
  return NULL;
}

static int
compare_models (gconstpointer a, gconstpointer b)
{
  ParleyModel *x = *(ParleyModel **) a, *y = *(ParleyModel **) b;
  int order = g_utf8_collate (parley_model_get_name (x), parley_model_get_name (y));
  if (order == 0 && parley_model_get_size (x) != parley_model_get_size (y))
    order = parley_model_get_size (x) < parley_model_get_size (y) ? -1 : 1;
  return order ? order : strcmp (parley_model_get_path (x), parley_model_get_path (y));
}

ParleyScan *
parley_scan_folder (const char *folder, ParleyStore *store, GPtrArray *known,
                    GCancellable *cancellable)
{
  ParleyScan *scan = g_new0 (ParleyScan, 1);
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  scan->models = g_ptr_array_new_with_free_func (g_object_unref);
  scan->folders = g_ptr_array_new_with_free_func (g_free);
  Walk walk = { .files = files, .folders = scan->folders, .cancellable = cancellable };
  walk_folder (&walk, folder, 0);
  g_ptr_array_sort (files, compare_paths);
  for (guint i = 0, n; i < files->len && !g_cancellable_is_cancelled (cancellable); i += n) {
    const char *first = files->pdata[i];
    g_autoptr (GPtrArray) parts = g_ptr_array_new ();
    for (n = 0; n == 0 || (i + n < files->len && is_next_part (first, files->pdata[i + n])); n++)
      g_ptr_array_add (parts, files->pdata[i + n]);
    g_ptr_array_add (parts, NULL);
    if (parley_name_kind (first) != PARLEY_HUB_FILE_MODEL || is_arriving (first))
      continue;
    const char *const *paths = (const char *const *) parts->pdata;
    ParleyModel *model = find_unchanged (known, paths, store);
    if (!model)
      model = parley_scan_model (paths, first + strlen (folder) + 1, store);
    g_ptr_array_add (scan->models, model);
  }
  g_ptr_array_sort (scan->models, compare_models);
  return scan;
}

void
parley_scan_free (ParleyScan *scan)
{
  if (!scan)
    return;
  g_ptr_array_unref (scan->models);
  g_ptr_array_unref (scan->folders);
  g_free (scan);
}
