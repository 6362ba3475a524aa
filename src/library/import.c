/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/import.h"
#include "library/bundle.h"
#include "library/companion.h"
#include "library/parley-model-private.h"
#include "library/place-list.h"
#include "library/record.h"
#include "library/scan.h"
#include "library/staging.h"

#include "hub/disk.h"
#include "hub/names.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOME_OF_IMPORTS "imported" /* where files go that do not say where they came from */
#define MAX_TEXT_BYTES  (16 * 1024 * 1024)
#define MAX_NEIGHBOURS  1000

typedef struct {
  const char *models_dir;
  ParleyStore *store;
  ParleyProgress progress;
  gpointer data;
  GCancellable *cancellable;
  guint64 done, total;
  ParleyImport *result;
} Work;

/* One model on its way: parts that lie somewhere and are to lie at `targets`. */
typedef struct {
  GPtrArray *sources, *targets; /* of strings */
  GPtrArray *sha256s;           /* of strings; "": not known */
  gboolean is_staged;           /* the sources are ours: they are renamed */
} Group;

static void
group_free (gpointer data)
{
  Group *group = data;
  g_ptr_array_unref (group->sources);
  g_ptr_array_unref (group->targets);
  g_ptr_array_unref (group->sha256s);
  g_free (group);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Group, group_free)

static Group *
group_new (gboolean is_staged)
{
  Group *group = g_new0 (Group, 1);
  group->sources = g_ptr_array_new_with_free_func (g_free);
  group->targets = g_ptr_array_new_with_free_func (g_free);
  group->sha256s = g_ptr_array_new_with_free_func (g_free);
  group->is_staged = is_staged;
  return group;
}

void
parley_import_free (ParleyImport *import)
{
  if (!import)
    return;
  g_ptr_array_unref (import->paths);
  g_ptr_array_unref (import->known);
  g_ptr_array_unref (import->chats);
  g_ptr_array_unref (import->left);
  g_free (import);
}

static ParleyImport *
import_new (void)
{
  ParleyImport *import = g_new0 (ParleyImport, 1);
  import->paths = g_ptr_array_new_with_free_func (g_free);
  import->known = g_ptr_array_new_with_free_func (g_free);
  import->chats = g_ptr_array_new_with_free_func (g_free);
  import->left = g_ptr_array_new_with_free_func (g_free);
  return import;
}

static GStrv
to_strv (GPtrArray *array)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  for (guint i = 0; i < array->len; i++)
    g_strv_builder_add (builder, array->pdata[i]);
  return g_strv_builder_end (builder);
}

/* A file that is no model at all is refused before anything is moved. */
static gboolean
check_model (GPtrArray *paths, const char *shown, GError **error)
{
  g_auto (GStrv) parts = to_strv (paths);
  g_autoptr (ParleyModel) model = parley_scan_model ((const char *const *) parts);
  ParleyModelState state = parley_model_get_state (model);
  if (state == PARLEY_MODEL_READY || state == PARLEY_MODEL_UNSUPPORTED)
    return TRUE;
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
               state == PARLEY_MODEL_INCOMPLETE
                   ? _ ("%s was not imported: %s")
                   : _ ("%s was not imported, because it is no sound GGUF file: %s"),
               shown, parley_model_get_message (model));
  return FALSE;
}

/* ---- into place ---- */

static gboolean
same_bytes (const char *path, const char *sha256)
{
  char hex[65] = "";
  struct stat info;
  EVP_MD_CTX *hash = EVP_MD_CTX_new ();
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0 && fstat (fd, &info) == 0 && S_ISREG (info.st_mode) && hash &&
      EVP_DigestInit_ex (hash, EVP_sha256 (), NULL) &&
      parley_disk_hash (fd, (guint64) info.st_size, hash, path, NULL, NULL))
    parley_disk_finish_hash (hash, hex);
  if (fd >= 0)
    close (fd);
  EVP_MD_CTX_free (hash);
  return strcmp (hex, sha256) == 0;
}

/* The model of the catalogue that has the same bytes in a folder that is there. What the catalogue
 * says is enough to spare a copy; with `read_again`, before an original is deleted for it, the
 * bytes themselves are asked. */
static gboolean
is_known (Work *work, Group *group, gboolean read_again)
{
  const char *sha256 = group->sha256s->pdata[0];
  if (!work->store || !*sha256)
    return FALSE;
  g_autoptr (ParleyArtifactRecord) record =
      parley_catalogue_find_sha256 (work->store, sha256, NULL);
  g_autofree char *prefix = g_strconcat (work->models_dir, "/", NULL);
  guint found = 0;
  for (guint i = 0; record && i < record->files->len; i++) {
    const ParleyLocationRecord *location = record->files->pdata[i];
    GStatBuf info;
    if (location->role != PARLEY_FILE_MODEL || !g_str_has_prefix (location->path, prefix) ||
        g_stat (location->path, &info) != 0 || info.st_size != location->size ||
        location->shard != found || found >= group->sha256s->len ||
        g_strcmp0 (location->sha256, group->sha256s->pdata[found]) != 0 ||
        (read_again && !same_bytes (location->path, location->sha256)))
      continue;
    if (found++ == 0)
      g_ptr_array_add (work->result->known, g_strdup (location->path));
  }
  if (found == group->sha256s->len)
    return TRUE;
  if (found > 0)
    g_ptr_array_remove_index (work->result->known, work->result->known->len - 1);
  return FALSE;
}

/* Gives the targets a folder of their own where something else lies at one of them; those that
 * hold the same bytes already stay. */
static void
find_room (Group *group)
{
  g_autofree char *folder = g_path_get_dirname (group->targets->pdata[0]);
  for (guint try = 2; try < 1000; try++) {
    gboolean taken = FALSE;
    for (guint i = 0; i < group->targets->len && !taken; i++)
      taken = g_file_test (group->targets->pdata[i], G_FILE_TEST_EXISTS) &&
              !same_bytes (group->targets->pdata[i], group->sha256s->pdata[i]);
    if (!taken)
      return;
    for (guint i = 0; i < group->targets->len; i++) {
      g_autofree char *old = g_ptr_array_steal_index (group->targets, i);
      g_autofree char *base = g_path_get_basename (old);
      g_ptr_array_insert (group->targets, (int) i, g_strdup_printf ("%s-%u/%s", folder, try, base));
    }
  }
}

static gboolean
settle_file (const char *from, const char *to, GError **error)
{
  int fd = open (from, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_OPEN, from);
  gboolean good = parley_disk_settle (fd, from, to, error);
  close (fd);
  return good;
}

/* A split model comes in a folder of its own where it can: that is one renaming for all parts. */
static gboolean
settle_together (Group *group, const char *folder, GError **error)
{
  g_autofree char *above = g_path_get_dirname (folder);
  g_autofree char *inside = g_path_get_dirname (group->sources->pdata[0]);
  g_autofree char *whole = g_build_filename (inside, ".whole", NULL);
  if (g_mkdir (whole, 0755) != 0 || g_mkdir_with_parents (above, 0755) != 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_CREATE_FOLDER, folder);
  for (guint i = 0; i < group->sources->len; i++) {
    g_autofree char *base = g_path_get_basename (group->targets->pdata[i]);
    g_autofree char *to = g_build_filename (whole, base, NULL);
    if (!settle_file (group->sources->pdata[i], to, error))
      return FALSE;
  }
  return g_rename (whole, folder) == 0
             ? parley_disk_sync_folder (above, error)
             : parley_disk_fail (error, errno, PARLEY_DISK_CREATE, folder);
}

/* Renames staged parts to their targets. */
static gboolean
settle (Group *group, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (group->targets->pdata[0]);
  if (group->targets->len > 1 && !g_file_test (folder, G_FILE_TEST_EXISTS))
    return settle_together (group, folder, error);
  if (g_mkdir_with_parents (folder, 0755) != 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_CREATE_FOLDER, folder);
  for (guint i = group->sources->len; i-- > 0;)
    if (!g_file_test (group->targets->pdata[i],
                      G_FILE_TEST_EXISTS) && /* the same bytes, see above */
        !settle_file (group->sources->pdata[i], group->targets->pdata[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
enter (Work *work, Group *group, const ParleyOrigin *origin, GError **error)
{
  g_auto (GStrv) paths = to_strv (group->targets), sha256s = to_strv (group->sha256s);
  g_ptr_array_add (work->result->paths, g_strdup (paths[0]));
  return !work->store || parley_record_files (work->store, (const char *const *) paths,
                                              (const char *const *) sha256s, origin, NULL, error);
}

/* ---- files that lie elsewhere ---- */

/* All parts of the model that `path` is a part of. */
static GPtrArray *
find_parts (const char *path)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func (g_free);
  guint index, count;
  gsize stem;
  if (!parley_name_shard (path, &index, &count, &stem)) {
    g_ptr_array_add (parts, g_strdup (path));
    return parts;
  }
  for (guint i = 1; i <= count; i++)
    g_ptr_array_add (parts, g_strdup_printf ("%.*s-%05u-of-%05u.gguf", (int) stem, path, i, count));
  return parts;
}

static guint64
sum_sizes (GPtrArray *paths)
{
  guint64 sum = 0;
  GStatBuf info;
  for (guint i = 0; i < paths->len; i++)
    sum += g_stat (paths->pdata[i], &info) == 0 ? (guint64) info.st_size : 0;
  return sum;
}

/* Copies the sources of `group` into the staging folder. */
static gboolean
stage (Work *work, ParleyStaging *staging, Group *group, GError **error)
{
  if (!parley_disk_check_space (work->models_dir, sum_sizes (group->sources), error))
    return FALSE;
  for (guint i = 0; i < group->sources->len; i++) {
    g_autofree char *from = g_ptr_array_steal_index (group->sources, i);
    g_autofree char *base = g_path_get_basename (group->targets->pdata[i]);
    char *to = g_build_filename (staging->path, base, NULL);
    char sha256[65] = "";
    g_ptr_array_insert (group->sources, (int) i, to);
    if (!parley_disk_check_size (work->models_dir, work->total, error) ||
        !parley_staging_copy (from, to, sha256, &work->done, work->total, work->progress,
                              work->data, work->cancellable, error))
      return FALSE;
    const char *expected = i < group->sha256s->len ? group->sha256s->pdata[i] : "";
    if (*expected && strcmp (expected, sha256) != 0) {
      g_set_error (
          error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_CHECKSUM,
          _ ("What was read of %s is not what was downloaded once (its SHA-256 differs), so "
             "it was left where it is. Download the model again"),
          from);
      return FALSE;
    }
    if (i < group->sha256s->len)
      g_free (g_ptr_array_steal_index (group->sha256s, i));
    g_ptr_array_insert (group->sha256s, (int) i, g_strdup (sha256));
  }
  group->is_staged = TRUE;
  return TRUE;
}

static void
delete_originals (Work *work, GPtrArray *originals)
{
  for (guint i = 0; i < originals->len; i++)
    if (g_unlink (originals->pdata[i]) == 0 && work->store)
      parley_record_removal (work->store, originals->pdata[i], NULL);
}

/* "imported", and for a split model a folder of its own in it. */
static char *
home_of (const char *name)
{
  guint index, count;
  gsize stem;
  g_autofree char *base = g_path_get_basename (name);
  if (!parley_name_shard (base, &index, &count, &stem))
    return g_strdup (HOME_OF_IMPORTS);
  base[stem] = '\0';
  return g_build_filename (HOME_OF_IMPORTS, base, NULL);
}

/* `place`: below the models folder; NULL: it says nothing of where it came from. */
static gboolean
import_file (Work *work, const char *path, const char *place, gboolean move, GError **error)
{
  g_autoptr (GPtrArray) originals = find_parts (path);
  g_autoptr (Group) group = group_new (FALSE);
  g_autofree char *home = place ? g_strdup (place) : home_of (path);
  g_autofree char *folder = g_build_filename (work->models_dir, home, NULL);
  for (guint i = 0; i < originals->len; i++) {
    g_autofree char *base = g_path_get_basename (originals->pdata[i]);
    if (!parley_name_check_path (base, error))
      return FALSE;
    g_ptr_array_add (group->sources, g_strdup (originals->pdata[i]));
    g_ptr_array_add (group->targets, g_build_filename (folder, base, NULL));
  }
  if (!check_model (originals, path, error))
    return FALSE;
  g_autofree char *prefix = g_strconcat (work->models_dir, "/", NULL);
  if (g_str_has_prefix (path, prefix)) {
    g_ptr_array_add (work->result->known, g_strdup (originals->pdata[0]));
    return TRUE;
  }
  g_autoptr (ParleyStaging) staging = parley_staging_new (work->models_dir, error);
  if (!staging || !stage (work, staging, group, error))
    return FALSE;
  if (!is_known (work, group, move)) {
    find_room (group);
    if (!settle (group, error) || !enter (work, group, NULL, error))
      return FALSE;
  }
  if (move)
    delete_originals (work, originals);
  return TRUE;
}

static gboolean
import_folder (Work *work, const char *path, gboolean move, GError **error)
{
  ParleyPlace place = { .path = (char *) path, .slug = (char *) "", .program = (char *) "" };
  g_autoptr (GPtrArray) entries =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_entry_free);
  g_autoptr (GPtrArray) folders = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *name = g_path_get_basename (path);
  parley_place_list (&place, entries, folders, work->cancellable);
  if (entries->len == 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                 _ ("There is no model in a GGUF file in %s. Choose another folder"), path);
    return FALSE;
  }
  for (guint i = 0; i < entries->len; i++)
    for (char **part = ((ParleyEntry *) entries->pdata[i])->parts; *part; part++) {
      GStatBuf info;
      work->total += g_stat (*part, &info) == 0 ? (guint64) info.st_size : 0;
    }
  for (guint i = 0; i < entries->len; i++) {
    ParleyEntry *entry = entries->pdata[i];
    /* Folders below keep their names; what hub downloads call owner/name stays so. */
    g_autofree char *below = g_path_get_dirname (entry->parts[0] + strlen (path) + 1);
    g_autofree char *home = strcmp (below, ".") != 0
                                ? g_strdup (below)
                                : g_build_filename (HOME_OF_IMPORTS, name, NULL);
    if (!parley_name_check_path (home, NULL)) {
      g_free (home);
      home = g_strdup (HOME_OF_IMPORTS);
    }
    g_autoptr (GError) problem = NULL;
    if (import_file (work, entry->parts[0], home, move, &problem))
      continue;
    /* One that is no model must not keep the others out; a full disk would. */
    gboolean only_this = g_error_matches (problem, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL) ||
                         g_error_matches (problem, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFUSED);
    if (!only_this || entries->len == 1) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
    g_ptr_array_add (work->result->left, g_strdup (problem->message));
  }
  if (work->result->paths->len + work->result->known->len > 0)
    return TRUE;
  g_set_error_literal (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                       work->result->left->pdata[0]);
  return FALSE;
}

/* ---- archives ---- */

static guint64
room_in (const char *folder)
{
  g_autoptr (GFile) file = g_file_new_for_path (folder);
  g_autoptr (GFileInfo) info = g_file_query_filesystem_info (file, "filesystem::*", NULL, NULL);
  guint64 free_bytes =
      info ? g_file_info_get_attribute_uint64 (info, G_FILE_ATTRIBUTE_FILESYSTEM_FREE) : 0;
  guint64 size =
      info ? g_file_info_get_attribute_uint64 (info, G_FILE_ATTRIBUTE_FILESYSTEM_SIZE) : 0;
  guint64 reserve = MIN ((guint64) 1 << 30, size / 20);
  return free_bytes > reserve ? free_bytes - reserve : 0;
}

static ParleyUnpacked *
find_unpacked (GPtrArray *files, const char *name)
{
  for (guint i = 0; i < files->len; i++)
    if (strcmp (((ParleyUnpacked *) files->pdata[i])->name, name) == 0)
      return files->pdata[i];
  return NULL;
}

static char *
read_text (ParleyStaging *staging, GPtrArray *files, const char *name, gsize *n)
{
  ParleyUnpacked *file = find_unpacked (files, name);
  char *text = NULL;
  g_autofree char *path = g_build_filename (staging->path, name, NULL);
  if (!file || file->size > MAX_TEXT_BYTES || !g_file_get_contents (path, &text, n, NULL))
    return NULL;
  return text;
}

/* The bundle's parts as a group; each must be there and have the checksum it should. */
static Group *
group_of_bundle (Work *work, ParleyStaging *staging, GPtrArray *files, const ParleyBundle *bundle,
                 GError **error)
{
  g_autoptr (Group) group = group_new (TRUE);
  g_autofree char *home = g_path_get_dirname (bundle->place);
  for (guint i = 0; i < bundle->names->len; i++) {
    const char *name = bundle->names->pdata[i];
    ParleyUnpacked *file = find_unpacked (files, name);
    if (!file || strcmp (file->sha256, bundle->sha256s->pdata[i]) != 0) {
      g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_CHECKSUM,
                   file ? _ ("The archive is damaged: %s in it is not what was put in (its SHA-256 "
                             "differs). Get the archive again")
                        : _ ("The archive is damaged: %s in it is missing. Get the archive again"),
                   name);
      return NULL;
    }
    g_autofree char *base = g_path_get_basename (name);
    g_ptr_array_add (group->sources, g_build_filename (staging->path, name, NULL));
    g_ptr_array_add (group->targets, g_build_filename (work->models_dir, home, base, NULL));
    g_ptr_array_add (group->sha256s, g_strdup (file->sha256));
  }
  return g_steal_pointer (&group);
}

/* Gives the model at `path` what the bundle says of it. */
static gboolean
restore_state (Work *work, const ParleyBundle *bundle, const char *path, GError **error)
{
  if (!work->store)
    return TRUE;
  g_autoptr (ParleyArtifactRecord) record = parley_catalogue_find_path (work->store, path, error);
  if (!record)
    return FALSE;
  g_auto (GStrv) parts = g_strsplit (path, "\n", 1);
  g_autoptr (ParleyModel) model = parley_scan_model ((const char *const *) parts);
  static const char *const none[] = { NULL };
  /* A name that another model has here is not taken. */
  if (bundle->own_name)
    parley_record_rename (work->store, model, bundle->own_name, NULL);
  if (!parley_record_set_tags (work->store, model,
                               bundle->tags ? (const char *const *) bundle->tags : none, error) ||
      !parley_record_set_pinned (work->store, model, bundle->pinned, error))
    return FALSE;
  g_autofree char *id = g_strdup (path + strlen (work->models_dir) + 1);
  guint index, count;
  gsize stem;
  if (parley_name_shard (id, &index, &count, &stem))
    id[stem] = '\0';
  else if (g_str_has_suffix (id, ".gguf"))
    id[strlen (id) - strlen (".gguf")] = '\0';
  for (gsize i = 0; parley_model_setting_keys[i]; i++) {
    g_autofree char *key = parley_model_setting (id, parley_model_setting_keys[i]);
    const char *value = g_hash_table_lookup (bundle->settings, parley_model_setting_keys[i]);
    if (value)
      parley_store_set_setting (work->store, key, value);
  }
  return TRUE;
}

static gboolean
import_bundle (Work *work, ParleyStaging *staging, GPtrArray *files, const ParleyBundle *bundle,
               GError **error)
{
  gsize n;
  g_autofree char *card = read_text (staging, files, PARLEY_BUNDLE_CARD, &n);
  g_autoptr (Group) group = group_of_bundle (work, staging, files, bundle, error);
  if (!group || !check_model (group->sources, bundle->place, error))
    return FALSE;
  ParleyOrigin origin = { .endpoint = bundle->endpoint,
                          .repo = bundle->repo,
                          .commit = bundle->commit,
                          .file_name = bundle->file_name,
                          .card = card && g_utf8_validate (card, -1, NULL) ? card : NULL };
  gboolean known = is_known (work, group, FALSE);
  if (!known) {
    find_room (group);
    if (!settle (group, error) || !enter (work, group, &origin, error))
      return FALSE;
  }
  GPtrArray *list = known ? work->result->known : work->result->paths;
  if (!restore_state (work, bundle, list->pdata[list->len - 1], error))
    return FALSE;
  for (guint i = 0; i < files->len; i++) {
    const char *name = ((ParleyUnpacked *) files->pdata[i])->name;
    char *text = g_str_has_prefix (name, PARLEY_BUNDLE_CHATS "/")
                     ? read_text (staging, files, name, &n)
                     : NULL;
    if (text)
      g_ptr_array_add (work->result->chats, text);
  }
  return TRUE;
}

static int
compare_unpacked (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(ParleyUnpacked **) a)->name, (*(ParleyUnpacked **) b)->name);
}

/* An archive that somebody else made: each model in it, where the archive has it. */
static gboolean
import_unpacked (Work *work, ParleyStaging *staging, GPtrArray *files, const char *archive,
                 GError **error)
{
  guint n_models = 0;
  g_ptr_array_sort (files, compare_unpacked);
  for (guint i = 0; i < files->len; i++) {
    ParleyUnpacked *file = files->pdata[i];
    guint index, count;
    gsize stem;
    g_autofree char *unpacked = g_build_filename (staging->path, file->name, NULL);
    if (!g_str_has_suffix (file->name, ".gguf") ||
        (parley_name_shard (file->name, &index, &count, &stem) && index != 1) ||
        parley_is_companion (unpacked))
      continue;
    g_autoptr (Group) group = group_new (TRUE);
    g_autoptr (GPtrArray) names = find_parts (file->name);
    g_autofree char *below = g_path_get_dirname (file->name);
    g_autofree char *home = strcmp (below, ".") == 0 ? home_of (file->name) : g_strdup (below);
    for (guint k = 0; k < names->len; k++) {
      ParleyUnpacked *part = find_unpacked (files, names->pdata[k]);
      g_autofree char *base = g_path_get_basename (names->pdata[k]);
      g_ptr_array_add (group->sources, g_build_filename (staging->path, names->pdata[k], NULL));
      g_ptr_array_add (group->targets, g_build_filename (work->models_dir, home, base, NULL));
      g_ptr_array_add (group->sha256s, g_strdup (part ? part->sha256 : ""));
    }
    if (!check_model (group->sources, archive, error))
      return FALSE;
    n_models++;
    if (is_known (work, group, FALSE))
      continue;
    find_room (group);
    if (!settle (group, error) || !enter (work, group, NULL, error))
      return FALSE;
  }
  if (n_models > 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               _ ("There is no model in a GGUF file in %s. Choose another archive"), archive);
  return FALSE;
}

static gboolean
import_archive (Work *work, const char *path, GError **error)
{
  g_autoptr (ParleyStaging) staging = parley_staging_new (work->models_dir, error);
  if (!staging)
    return FALSE;
  g_autoptr (GPtrArray) files =
      parley_archive_unpack (path, staging->folder_fd, room_in (work->models_dir), work->progress,
                             work->data, work->cancellable, error);
  if (!files)
    return FALSE;
  gsize n = 0;
  g_autofree char *json = read_text (staging, files, PARLEY_BUNDLE_NAME, &n);
  if (!json)
    return import_unpacked (work, staging, files, path, error);
  g_autoptr (ParleyBundle) bundle = parley_bundle_read (json, n, error);
  return bundle && import_bundle (work, staging, files, bundle, error);
}

ParleyImport *
parley_import (const char *path, const char *models_dir, ParleyStore *store, gboolean move,
               ParleyProgress progress, gpointer data, GCancellable *cancellable, GError **error)
{
  g_autofree char *whole = g_canonicalize_filename (path, NULL);
  g_autofree char *folder = g_canonicalize_filename (models_dir, NULL);
  g_autoptr (ParleyImport) result = import_new ();
  Work work = { .models_dir = folder,
                .store = store,
                .progress = progress,
                .data = data,
                .cancellable = cancellable,
                .result = result };
  gboolean good;
  if (!g_file_test (whole, G_FILE_TEST_EXISTS)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                 _ ("There is no such file or folder: %s. Check its name"), whole);
    return NULL;
  }
  if (g_file_test (whole, G_FILE_TEST_IS_DIR)) {
    good = import_folder (&work, whole, move, error);
  } else if (parley_archive_is_one (whole)) {
    good = import_archive (&work, whole, error);
  } else {
    g_autoptr (GPtrArray) parts = find_parts (whole);
    work.total = sum_sizes (parts);
    good = import_file (&work, whole, NULL, move, error);
  }
  return good ? g_steal_pointer (&result) : NULL;
}

/* ---- to another folder ---- */

gboolean
parley_relocate (ParleyModel *model, const char *folder, ParleyStore *store,
                 ParleyProgress progress, gpointer data, GCancellable *cancellable, GError **error)
{
  const ParleyModelFacts *facts = _parley_model_get_facts (model);
  g_autofree char *models_dir = g_canonicalize_filename (folder, NULL);
  g_autoptr (ParleyImport) result = import_new ();
  g_autoptr (GPtrArray) originals = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Group) group = group_new (FALSE);
  Work work = { .models_dir = models_dir,
                .store = store,
                .progress = progress,
                .data = data,
                .cancellable = cancellable,
                .total = facts->size,
                .result = result };
  if (!facts->managed || facts->state == PARLEY_MODEL_AWAY) {
    g_set_error (
        error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
        _ ("%s does not lie in one of Parley's own folders, so it was left alone. Import it "
           "first"),
        facts->parts[0]);
    return FALSE;
  }
  if (strcmp (models_dir, facts->folder) == 0)
    return TRUE;
  g_autoptr (ParleyArtifactRecord) record = store ? parley_record_of (store, model, error) : NULL;
  if (store && !record)
    return FALSE;
  for (char **part = facts->parts; *part; part++) {
    g_ptr_array_add (originals, g_strdup (*part));
    g_ptr_array_add (group->sources, g_strdup (*part));
    g_ptr_array_add (group->targets,
                     g_build_filename (models_dir, *part + strlen (facts->folder) + 1, NULL));
    const char *sha256 = "";
    for (guint i = 0; record && i < record->files->len; i++) {
      const ParleyLocationRecord *location = record->files->pdata[i];
      if (strcmp (location->path, *part) == 0 && location->sha256)
        sha256 = location->sha256;
    }
    g_ptr_array_add (group->sha256s, g_strdup (sha256));
  }
  g_autoptr (ParleyStaging) staging = parley_staging_new (models_dir, error);
  if (!staging || !stage (&work, staging, group, error))
    return FALSE;
  find_room (group);
  g_auto (GStrv) paths = to_strv (group->targets), sha256s = to_strv (group->sha256s);
  if (!settle (group, error) ||
      (record && !parley_record_places (store, record, (const char *const *) paths,
                                        (const char *const *) sha256s, error)))
    return FALSE;
  delete_originals (&work, originals);
  parley_remove_empty_folders (facts->parts[0], facts->folder);
  return TRUE;
}

/* ---- once more ---- */

gboolean
parley_verify (ParleyModel *model, ParleyStore *store, ParleyProgress progress, gpointer data,
               GCancellable *cancellable, GError **error)
{
  const ParleyModelFacts *facts = _parley_model_get_facts (model);
  g_autoptr (ParleyArtifactRecord) record = parley_record_of (store, model, error);
  guint64 done = 0;
  if (!record)
    return FALSE;
  for (guint i = 0; facts->parts[i]; i++) {
    char hex[65] = "";
    struct stat info;
    EVP_MD_CTX *hash = EVP_MD_CTX_new ();
    int fd = open (facts->parts[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    gboolean good = fd >= 0 && fstat (fd, &info) == 0;
    if (!good)
      parley_disk_fail (error, errno, PARLEY_DISK_READ, facts->parts[i]);
    good = good && hash && EVP_DigestInit_ex (hash, EVP_sha256 (), NULL) &&
           parley_disk_hash (fd, (guint64) info.st_size, hash, facts->parts[i], cancellable, error);
    if (good)
      parley_disk_finish_hash (hash, hex);
    if (fd >= 0)
      close (fd);
    EVP_MD_CTX_free (hash);
    if (!good)
      return FALSE;
    done += (guint64) info.st_size;
    if (progress)
      progress (done, facts->size, data);
    for (guint k = 0; k < record->files->len; k++) {
      ParleyLocationRecord *location = record->files->pdata[k];
      if (strcmp (location->path, facts->parts[i]) != 0)
        continue;
      if (!location->sha256) {
        location->sha256 = g_strdup (hex);
        if (i == 0 && !record->sha256)
          record->sha256 = g_strdup (hex);
      } else if (strcmp (location->sha256, hex) != 0) {
        g_set_error (
            error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_CHECKSUM,
            _ ("%s is not what it was (its SHA-256 differs): the disk or a program changed "
               "it. Delete the model and download it again"),
            facts->parts[i]);
        return FALSE;
      }
    }
  }
  return parley_catalogue_add (store, record, error);
}
