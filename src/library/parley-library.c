/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/parley-library.h"
#include "library/builtin.h"
#include "library/parley-model-private.h"
#include "library/record.h"
#include "library/scan.h"
#include "library/staging.h"
#include "library/trash.h"

#include "hub/names.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>

#define AWAY_KEY     "parley-away" /* of a monitor */
#define SETTLE_MS    300           /* after a change in a folder, before it is read again */
#define UNDO_SECONDS 3600 /* a deletion that nobody undid or confirmed becomes final after it */

struct _ParleyLibrary {
  GObject parent_instance;

  char *models_dir;
  gboolean only_own; /* no other place than models_dir */
  ParleyStore *store;
  char *places; /* the settings that name places, as they were read last */
  GPtrArray *models, *notes;
  ParleyModel *builtin; /* NULL, or the last of them */
  GHashTable *monitors; /* folder -> GFileMonitor */
  GCancellable *cancellable;
  guint timeout;
  gboolean is_watching, is_loading, is_scanning, is_stale, is_tidied;
};

static void parley_library_list_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ParleyLibrary, parley_library, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, parley_library_list_init))

enum { PROP_LOADING = 1, N_PROPS };

static GParamSpec *properties[N_PROPS];

static GType
get_item_type (GListModel *list)
{
  return PARLEY_TYPE_MODEL;
}

static guint
get_n_items (GListModel *list)
{
  return PARLEY_LIBRARY (list)->models->len;
}

static gpointer
get_item (GListModel *list, guint position)
{
  GPtrArray *models = PARLEY_LIBRARY (list)->models;
  return position < models->len ? g_object_ref (models->pdata[position]) : NULL;
}

static void
parley_library_list_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
parley_library_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  if (id == PROP_LOADING)
    g_value_set_boolean (value, PARLEY_LIBRARY (object)->is_loading);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
parley_library_dispose (GObject *object)
{
  ParleyLibrary *self = PARLEY_LIBRARY (object);
  g_cancellable_cancel (self->cancellable);
  g_clear_handle_id (&self->timeout, g_source_remove);
  g_hash_table_remove_all (self->monitors);
  if (self->store)
    g_signal_handlers_disconnect_by_data (self->store, self);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (parley_library_parent_class)->dispose (object);
}

static void
parley_library_finalize (GObject *object)
{
  ParleyLibrary *self = PARLEY_LIBRARY (object);
  g_hash_table_unref (self->monitors);
  g_ptr_array_unref (self->models);
  g_clear_object (&self->builtin);
  g_ptr_array_unref (self->notes);
  g_object_unref (self->cancellable);
  g_free (self->models_dir);
  g_free (self->places);
  G_OBJECT_CLASS (parley_library_parent_class)->finalize (object);
}

static guint scanned_signal;

static void
parley_library_class_init (ParleyLibraryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->get_property = parley_library_get_property;
  object_class->dispose = parley_library_dispose;
  object_class->finalize = parley_library_finalize;
  properties[PROP_LOADING] = g_param_spec_boolean ("loading", NULL, NULL, FALSE,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  scanned_signal = g_signal_new ("scanned", PARLEY_TYPE_LIBRARY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
}

static void
monitor_free (gpointer data)
{
  g_file_monitor_cancel (data);
  g_object_unref (data);
}

static void
parley_library_init (ParleyLibrary *self)
{
  self->models = g_ptr_array_new_with_free_func (g_object_unref);
  self->notes = g_ptr_array_new_with_free_func (g_free);
  self->monitors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, monitor_free);
  self->cancellable = g_cancellable_new ();
}

ParleyLibrary *
parley_library_new (const char *models_dir)
{
  ParleyLibrary *self = g_object_new (PARLEY_TYPE_LIBRARY, NULL);
  self->models_dir = g_canonicalize_filename (models_dir ? models_dir : parley_models_dir (), NULL);
  self->only_own = models_dir != NULL;
  if (g_mkdir_with_parents (self->models_dir, 0755) != 0)
    g_debug ("cannot create %s: %s", self->models_dir, g_strerror (errno));
  return self;
}

gboolean
parley_library_is_loading (ParleyLibrary *self)
{
  return self->is_loading;
}

/* ---- reading the folder ---- */

static void
set_loading (ParleyLibrary *self, gboolean loading)
{
  if (loading == self->is_loading)
    return;
  self->is_loading = loading;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LOADING]);
}

/* Replaces the list, but for the model that comes with Parley, and tells only of the span that
 * differs. */
static void
take_models (ParleyLibrary *self, GPtrArray *models)
{
  if (self->builtin) {
    g_ptr_array_remove (models, self->builtin);
    g_ptr_array_add (models, g_object_ref (self->builtin));
  }
  g_autoptr (GPtrArray) old = g_steal_pointer (&self->models);
  self->models = g_ptr_array_ref (models);
  guint head = 0, tail = 0, shorter = MIN (old->len, models->len);
  while (head < shorter && old->pdata[head] == models->pdata[head])
    head++;
  while (tail < shorter - head &&
         old->pdata[old->len - 1 - tail] == models->pdata[models->len - 1 - tail])
    tail++;
  if (old->len - head - tail || models->len - head - tail)
    g_list_model_items_changed (G_LIST_MODEL (self), head, old->len - head - tail,
                                models->len - head - tail);
}

static gboolean
on_settled (gpointer data)
{
  ParleyLibrary *self = data;
  self->timeout = 0;
  parley_library_refresh (self);
  return G_SOURCE_REMOVE;
}

static void
refresh_soon (ParleyLibrary *self)
{
  if (!self->timeout)
    self->timeout = g_timeout_add (SETTLE_MS, on_settled, self);
}

static void
on_changed (GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event,
            ParleyLibrary *self)
{
  g_autofree char *name = g_file_get_basename (file);
  /* Bytes arriving change nothing that is listed. */
  if (event == G_FILE_MONITOR_EVENT_CHANGED || event == G_FILE_MONITOR_EVENT_ATTRIBUTE_CHANGED ||
      (event == G_FILE_MONITOR_EVENT_CHANGES_DONE_HINT && g_str_has_suffix (name, ".part")))
    return;
  refresh_soon (self);
}

static void
watch_folders (ParleyLibrary *self, GPtrArray *folders)
{
  g_autoptr (GHashTable) wanted = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < folders->len; i++)
    g_hash_table_add (wanted, folders->pdata[i]);
  GHashTableIter iter;
  gpointer folder;
  g_hash_table_iter_init (&iter, self->monitors);
  while (g_hash_table_iter_next (&iter, &folder, NULL))
    if (!g_hash_table_contains (wanted, folder))
      g_hash_table_iter_remove (&iter);
  for (guint i = 0; i < folders->len; i++) {
    /* What is away is looked for by a monitor of its own, which the one that saw it go is not. */
    gboolean is_there = g_file_test (folders->pdata[i], G_FILE_TEST_IS_DIR);
    GObject *present = g_hash_table_lookup (self->monitors, folders->pdata[i]);
    if (present && (g_object_get_data (present, AWAY_KEY) == NULL) == is_there)
      continue;
    g_autoptr (GFile) file = g_file_new_for_path (folders->pdata[i]);
    GFileMonitor *monitor = g_file_monitor_directory (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
    if (!monitor)
      continue;
    g_signal_connect_object (monitor, "changed", G_CALLBACK (on_changed), self, 0);
    if (!is_there)
      g_object_set_data (G_OBJECT (monitor), AWAY_KEY, monitor);
    g_hash_table_insert (self->monitors, g_strdup (folders->pdata[i]), monitor);
    self->is_stale |= is_there; /* something may have happened in it before it was watched */
  }
}

typedef struct {
  char *models_dir;
  gboolean only_own, tidy;
  ParleyStore *store;
  GPtrArray *known;
} Scan;

static Scan *
scan_new (ParleyLibrary *self)
{
  Scan *scan = g_new0 (Scan, 1);
  scan->models_dir = g_strdup (self->models_dir);
  scan->only_own = self->only_own;
  scan->tidy = !self->is_tidied;
  scan->store = self->store ? g_object_ref (self->store) : NULL;
  scan->known = g_ptr_array_ref (self->models);
  self->is_tidied = TRUE;
  return scan;
}

static void
scan_free (gpointer data)
{
  Scan *scan = data;
  g_free (scan->models_dir);
  g_clear_object (&scan->store);
  g_ptr_array_unref (scan->known);
  g_free (scan);
}

/* What an earlier run left behind in the folders of our own. */
static void
tidy (const Scan *scan, GPtrArray *places)
{
  for (guint i = 0; i < places->len; i++) {
    const ParleyPlace *place = places->pdata[i];
    if (!place->managed || place->problem)
      continue;
    parley_staging_clean (place->path);
    parley_trash_clean (place->path, UNDO_SECONDS, scan->store);
  }
}

/* A disk that can be unplugged must leave word of what is on it. */
static void
remember_elsewhere (const Scan *scan, GPtrArray *models)
{
  for (guint i = 0; scan->store && i < models->len; i++) {
    ParleyModel *model = models->pdata[i];
    const ParleyModelFacts *facts = _parley_model_get_facts (model);
    if (*facts->owner || strcmp (facts->folder, scan->models_dir) == 0 ||
        facts->state == PARLEY_MODEL_AWAY)
      continue;
    g_autoptr (GError) error = NULL;
    g_autoptr (ParleyArtifactRecord) record = parley_record_of (scan->store, model, &error);
    if (!record)
      g_debug ("not remembered: %s", error->message);
  }
}

static ParleyScan *
scan_run (const Scan *scan, GCancellable *cancellable)
{
  g_autoptr (GPtrArray) places = parley_places_find (scan->models_dir, scan->store);
  if (scan->only_own)
    g_ptr_array_set_size (places, 1);
  if (scan->tidy)
    tidy (scan, places);
  ParleyScan *result = parley_scan_places (places, scan->store, scan->known, cancellable);
  remember_elsewhere (scan, result->models);
  return result;
}

static void
run_scan (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_pointer (task, scan_run (data, cancellable), (GDestroyNotify) parley_scan_free);
}

static void
take_scan (ParleyLibrary *self, ParleyScan *scan)
{
  g_ptr_array_unref (self->notes);
  self->notes = g_ptr_array_ref (scan->notes);
  take_models (self, scan->models);
}

static void
on_scanned (GObject *source, GAsyncResult *result, gpointer data)
{
  ParleyLibrary *self = PARLEY_LIBRARY (source);
  ParleyScan *scan = g_task_propagate_pointer (G_TASK (result), NULL);
  self->is_scanning = FALSE;
  if (!scan)
    return;
  gboolean again = self->is_stale;
  self->is_stale = FALSE;
  take_scan (self, scan);
  if (self->is_watching)
    watch_folders (self, scan->folders);
  parley_scan_free (scan);
  set_loading (self, FALSE);
  g_signal_emit (self, scanned_signal, 0);
  if (again || self->is_stale)
    refresh_soon (self);
  self->is_stale = FALSE;
}

void
parley_library_refresh (ParleyLibrary *self)
{
  if (self->is_scanning) {
    self->is_stale = TRUE;
    return;
  }
  self->is_scanning = TRUE;
  g_autoptr (GTask) task = g_task_new (self, self->cancellable, on_scanned, NULL);
  g_task_set_task_data (task, scan_new (self), scan_free);
  g_task_run_in_thread (task, run_scan);
}

void
parley_library_watch (ParleyLibrary *self)
{
  self->is_watching = TRUE;
  set_loading (self, TRUE);
  parley_library_refresh (self);
}

gboolean
parley_library_load (ParleyLibrary *self, GCancellable *cancellable, GError **error)
{
  Scan *request = scan_new (self);
  ParleyScan *scan = scan_run (request, cancellable);
  gboolean good = !g_cancellable_set_error_if_cancelled (cancellable, error);
  if (good)
    take_scan (self, scan);
  parley_scan_free (scan);
  scan_free (request);
  return good;
}

/* ---- the model that comes with Parley ---- */

void
parley_library_add_builtin (ParleyLibrary *self)
{
  g_autofree char *path = parley_builtin_find ();
  if (!path || self->builtin)
    return;
  self->builtin = parley_library_inspect (path);
  _parley_model_claim (self->builtin, PARLEY_BUILTIN_ID, PARLEY_BUILTIN_OWNER);
  g_ptr_array_add (self->models, g_object_ref (self->builtin));
  g_list_model_items_changed (G_LIST_MODEL (self), self->models->len - 1, 0, 1);
}

guint
parley_library_get_n_own (ParleyLibrary *self)
{
  return self->models->len - (self->builtin ? 1 : 0);
}

ParleyModel *
parley_library_get_builtin (ParleyLibrary *self)
{
  return self->builtin;
}

/* ---- catalogue and downloads ---- */

static char *
dup_places (ParleyStore *store)
{
  g_autofree char *folders = parley_store_get_setting (store, PARLEY_SETTING_FOLDERS);
  g_autofree char *places = parley_store_get_setting (store, PARLEY_SETTING_PLACES);
  return g_strdup_printf ("%s\n\n%s", folders ? folders : "", places ? places : "");
}

static void
on_store_changed (ParleyStore *store, ParleyStoreAreas areas, gboolean elsewhere,
                  ParleyLibrary *self)
{
  g_autofree char *places = (areas & PARLEY_STORE_SETTINGS) ? dup_places (store) : NULL;
  gboolean moved = places && g_strcmp0 (places, self->places) != 0;
  if (moved) {
    g_free (self->places);
    self->places = g_steal_pointer (&places);
  }
  if (((areas & PARLEY_STORE_CATALOGUE) || moved) && self->is_watching)
    refresh_soon (self);
}

void
parley_library_set_store (ParleyLibrary *self, ParleyStore *store)
{
  if (self->store)
    g_signal_handlers_disconnect_by_data (self->store, self);
  if (g_set_object (&self->store, store) && store)
    g_signal_connect_object (store, "changed", G_CALLBACK (on_store_changed), self, 0);
  g_free (self->places);
  self->places = store ? dup_places (store) : NULL;
}

typedef struct {
  ParleyHub *hub;
  ParleyStore *store;
  char *repo, *commit, *path;
} CardOf;

static void
card_of_free (gpointer data)
{
  CardOf *of = data;
  g_object_unref (of->hub);
  g_object_unref (of->store);
  g_free (of->repo);
  g_free (of->commit);
  g_free (of->path);
  g_free (of);
}

/* Without a connection, or a page, the model has none. */
static void
keep_card (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  CardOf *of = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *card = parley_hub_card (of->hub, of->repo, of->commit, cancellable, &error);
  if (!card || !parley_record_set_card (of->store, of->path, card, &error))
    g_debug ("its page is not kept: %s", error->message);
  g_task_return_boolean (task, error == NULL);
}

/* The page of what was downloaded is kept with it, so that it can be read without a connection. */
static void
on_finished (ParleyDownloads *downloads, ParleyTransfer *transfer, ParleyLibrary *self)
{
  parley_library_refresh (self);
  if (!self->store)
    return;
  CardOf *of = g_new0 (CardOf, 1);
  of->hub = g_object_ref (parley_downloads_get_hub (downloads));
  of->store = g_object_ref (self->store);
  of->repo = g_strdup (parley_transfer_get_repo (transfer));
  of->commit = g_strdup (parley_transfer_get_commit (transfer));
  of->path = g_strdup (parley_transfer_get_path (transfer));
  g_autoptr (GTask) task = g_task_new (NULL, self->cancellable, NULL, NULL);
  g_task_set_task_data (task, of, card_of_free);
  g_task_run_in_thread (task, keep_card);
}

typedef struct {
  ParleyStore *store;
  char *endpoint;
} Recorder;

static void
recorder_free (gpointer data)
{
  Recorder *recorder = data;
  g_object_unref (recorder->store);
  g_free (recorder->endpoint);
  g_free (recorder);
}

static gboolean
record_download (ParleyHubFile *file, const char *const *paths, gpointer data, GError **error)
{
  Recorder *recorder = data;
  return parley_record_download (recorder->store, recorder->endpoint, file, paths, error);
}

void
parley_library_record (ParleyLibrary *self, ParleyDownloads *downloads)
{
  if (!self->store)
    return;
  Recorder *recorder = g_new0 (Recorder, 1);
  recorder->store = g_object_ref (self->store);
  recorder->endpoint = g_strdup (parley_downloads_get_endpoint (downloads));
  parley_downloads_set_recorder (downloads, record_download, recorder, recorder_free);
}

void
parley_library_follow (ParleyLibrary *self, ParleyDownloads *downloads)
{
  parley_library_record (self, downloads);
  g_signal_connect_object (downloads, "finished", G_CALLBACK (on_finished), self, 0);
}

/* ---- finding and deleting ---- */

ParleyModel *
parley_library_inspect (const char *path)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  guint index, count;
  gsize stem;
  if (parley_name_shard (absolute, &index, &count, &stem) && index == 1) {
    for (guint i = 1; i <= count; i++) {
      g_autofree char *part =
          g_strdup_printf ("%.*s-%05u-of-%05u.gguf", (int) stem, absolute, i, count);
      if (i == 1 || g_file_test (part, G_FILE_TEST_EXISTS))
        g_ptr_array_add (parts, g_steal_pointer (&part));
    }
  } else {
    g_ptr_array_add (parts, g_strdup (absolute));
  }
  g_ptr_array_add (parts, NULL);
  return parley_scan_model ((const char *const *) parts->pdata);
}

typedef enum { MATCH_EXACT, MATCH_PREFIX } Match;

static gboolean
matches (ParleyModel *model, const char *folded, Match match)
{
  g_autofree char *pulled = g_strdup_printf ("%s:%s", parley_model_get_repo (model),
                                             parley_model_get_quantisation (model));
  const char *const names[] = { parley_model_get_id (model), parley_model_get_name (model),
                                parley_model_get_file_name (model), pulled,
                                parley_model_get_path (model) };
  for (gsize i = 0; i < (match == MATCH_PREFIX ? 3 : G_N_ELEMENTS (names)); i++) {
    g_autofree char *name = g_utf8_casefold (names[i], -1);
    if (match == MATCH_EXACT ? strcmp (name, folded) == 0 : g_str_has_prefix (name, folded))
      return TRUE;
  }
  return FALSE;
}

ParleyModel *
parley_library_lookup (ParleyLibrary *self, const char *text, GError **error)
{
  g_autofree char *shown = parley_name_for_display (text, 200);
  g_autofree char *folded = g_utf8_casefold (shown, -1);
  for (Match match = MATCH_EXACT; match <= MATCH_PREFIX && *folded; match++) {
    g_autoptr (GString) candidates = g_string_new (NULL);
    ParleyModel *found = NULL;
    guint n = 0;
    for (guint i = 0; i < self->models->len; i++) {
      if (!matches (self->models->pdata[i], folded, match))
        continue;
      found = self->models->pdata[i];
      if (n++ < 20)
        g_string_append_printf (candidates, "%s%s", n > 1 ? ", " : "", parley_model_get_id (found));
    }
    if (n == 1)
      return g_object_ref (found);
    if (n > 1) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                   _ ("“%s” could be any of these; write more of the name: %s"), shown,
                   candidates->str);
      return NULL;
    }
  }
  if (g_file_test (text, G_FILE_TEST_IS_REGULAR))
    return parley_library_inspect (text);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               _ ("There is no model “%s” here, and no file of that name. See what is there with "
                  "'parley-cli list', or get one with 'parley-cli pull'"),
               shown);
  return NULL;
}

static gboolean
check_own (ParleyModel *model, GError **error)
{
  const ParleyModelFacts *facts = _parley_model_get_facts (model);
  if (parley_model_is_builtin (model)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                 _ ("%s comes with Parley and cannot be deleted"), parley_model_get_name (model));
    return FALSE;
  }
  if (facts->managed && facts->state != PARLEY_MODEL_AWAY)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
               facts->managed
                   ? _ ("%s is on a disk that is not there. Plug it in first")
                   : _ ("%s is not in Parley's models folder, so it was left alone. Delete "
                        "it with the program that it belongs to"),
               facts->parts[0]);
  return FALSE;
}

static void
drop_from_list (ParleyLibrary *self, ParleyModel *model)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < self->models->len; i++)
    if (strcmp (parley_model_get_path (self->models->pdata[i]), parley_model_get_path (model)) != 0)
      g_ptr_array_add (left, g_object_ref (self->models->pdata[i]));
  take_models (self, left);
}

char *
parley_library_trash (ParleyLibrary *self, ParleyModel *model, GError **error)
{
  const ParleyModelFacts *facts = _parley_model_get_facts (model);
  if (!check_own (model, error))
    return NULL;
  char *id = parley_trash_put (facts->folder, (const char *const *) facts->parts, error);
  if (id)
    drop_from_list (self, model);
  return id;
}

gboolean
parley_library_restore (ParleyLibrary *self, ParleyModel *model, const char *id, GError **error)
{
  gboolean good = parley_trash_restore (_parley_model_get_facts (model)->folder, id, error);
  if (self->is_watching)
    parley_library_refresh (self);
  return good;
}

void
parley_library_purge (ParleyLibrary *self, ParleyModel *model, const char *id)
{
  parley_trash_purge (_parley_model_get_facts (model)->folder, id, self->store);
}

gboolean
parley_library_delete (ParleyLibrary *self, ParleyModel *model, GError **error)
{
  g_autofree char *id = parley_library_trash (self, model, error);
  if (id)
    parley_library_purge (self, model, id);
  return id != NULL;
}

/* ---- what else there is to know ---- */

const char *
parley_library_get_models_dir (ParleyLibrary *self)
{
  return self->models_dir;
}

GPtrArray *
parley_library_get_notes (ParleyLibrary *self)
{
  return self->notes;
}
