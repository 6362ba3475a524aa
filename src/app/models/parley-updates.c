/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-updates.h"

#include "hub/names.h"

#include <string.h>

#define SETTING       "updates/checked"
#define SETTING_NEWER "updates/newer"
#define DAY           (24 * 60 * 60)
#define PAUSE         (10 * G_TIME_SPAN_MINUTE) /* after the hub could not be asked */
#define MAX_REPOS     30

/* Of which hub, and for each model: its id, then repository, commit and parts of the newer file. */
#define NEWER_TYPE "(sa(sssa(sts)))"

struct _ParleyUpdates {
  GObject parent;
  ParleyHub *hub;
  ParleyLibrary *library;
  ParleyStore *store;
  GCancellable *cancellable;
  GPtrArray *repos;  /* still to be asked about */
  GHashTable *newer; /* id of a model -> ParleyHubFile */
  gint64 tried;      /* monotonic, when the hub could not be asked; 0: it could */
  gboolean asking;
};

G_DEFINE_FINAL_TYPE (ParleyUpdates, parley_updates, G_TYPE_OBJECT)

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

/* Only what was downloaded and verified can be compared. */
static gboolean
is_ours (ParleyModel *model)
{
  return parley_model_is_managed (model) && *parley_model_get_repo (model) != '\0' &&
         *parley_model_get_commit (model) != '\0' && *parley_model_get_sha256 (model) != '\0';
}

static gboolean
has_bytes (ParleyUpdates *self, const char *sha256)
{
  GListModel *library = G_LIST_MODEL (self->library);

  for (guint i = 0; i < g_list_model_get_n_items (library); i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (library, i);
    if (g_str_equal (parley_model_get_sha256 (model), sha256))
      return TRUE;
  }
  return FALSE;
}

ParleyHubFile *
parley_updates_find (ParleyUpdates *self, ParleyModel *model)
{
  ParleyHubFile *file = g_hash_table_lookup (self->newer, parley_model_get_id (model));

  return file != NULL && !has_bytes (self, parley_hub_file_get_part (file, 0)->sha256) ? file
                                                                                       : NULL;
}

/* ---- what is known stays known until the next time ---- */

static void
save_newer (ParleyUpdates *self)
{
  GListModel *library = G_LIST_MODEL (self->library);
  GVariantBuilder models;

  g_variant_builder_init (&models, G_VARIANT_TYPE ("a(sssa(sts))"));
  for (guint i = 0; i < g_list_model_get_n_items (library); i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (library, i);
    ParleyHubFile *file = parley_updates_find (self, model);
    if (file == NULL)
      continue;
    g_variant_builder_open (&models, G_VARIANT_TYPE ("(sssa(sts))"));
    g_variant_builder_add (&models, "s", parley_model_get_id (model));
    g_variant_builder_add (&models, "s", parley_hub_file_get_repo (file));
    g_variant_builder_add (&models, "s", parley_hub_file_get_commit (file));
    g_variant_builder_open (&models, G_VARIANT_TYPE ("a(sts)"));
    for (guint k = 0; k < parley_hub_file_get_n_parts (file); k++) {
      const ParleyHubPart *part = parley_hub_file_get_part (file, k);
      g_variant_builder_add (&models, "(sts)", part->path, part->size, part->sha256);
    }
    g_variant_builder_close (&models);
    g_variant_builder_close (&models);
  }
  g_autoptr (GVariant) newer = g_variant_ref_sink (g_variant_new (
      "(s@a(sssa(sts)))", parley_hub_get_endpoint (self->hub), g_variant_builder_end (&models)));
  g_autofree char *text = g_variant_print (newer, TRUE);
  parley_store_set_setting (self->store, SETTING_NEWER, text);
}

static ParleyHubFile *
load_file (const char *repo, const char *commit, GVariantIter *parts)
{
  g_autoptr (GArray) list = g_array_new (FALSE, TRUE, sizeof (ParleyHubPart));
  ParleyHubPart part = { 0 };
  const char *sha256;

  while (g_variant_iter_loop (parts, "(&st&s)", &part.path, &part.size, &sha256)) {
    if (!parley_name_check_path (part.path, NULL) || strlen (sha256) >= sizeof part.sha256)
      return NULL;
    g_strlcpy (part.sha256, sha256, sizeof part.sha256);
    g_array_append_val (list, part);
  }
  return list->len > 0
             ? parley_hub_file_new (repo, commit, PARLEY_HUB_FILE_MODEL,
                                    (const ParleyHubPart *) (gpointer) list->data, list->len)
             : NULL;
}

static void
load_newer (ParleyUpdates *self)
{
  g_autofree char *text = parley_store_get_setting (self->store, SETTING_NEWER);
  g_autoptr (GVariant) newer =
      text != NULL ? g_variant_parse (G_VARIANT_TYPE (NEWER_TYPE), text, NULL, NULL, NULL) : NULL;
  g_autoptr (GVariantIter) models = NULL;
  const char *endpoint, *id, *repo, *commit;
  GVariantIter *parts;

  if (newer == NULL)
    return;
  g_variant_get (newer, "(&sa(sssa(sts)))", &endpoint, &models);
  if (!g_str_equal (endpoint, parley_hub_get_endpoint (self->hub)))
    return;
  while (g_variant_iter_loop (models, "(&s&s&sa(sts))", &id, &repo, &commit, &parts)) {
    ParleyHubFile *file = load_file (repo, commit, parts);
    if (file != NULL)
      g_hash_table_insert (self->newer, g_strdup (id), file);
  }
}

/* ---- asking ---- */

static void
compare (ParleyUpdates *self, ParleyHubModel *there)
{
  GListModel *library = G_LIST_MODEL (self->library);
  GListModel *files = parley_hub_model_get_files (there);

  for (guint i = 0; i < g_list_model_get_n_items (library); i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (library, i);
    if (!is_ours (model) ||
        !g_str_equal (parley_model_get_repo (model), parley_hub_model_get_repo (there)))
      continue;
    g_hash_table_remove (self->newer, parley_model_get_id (model));
    for (guint k = 0; k < g_list_model_get_n_items (files); k++) {
      g_autoptr (ParleyHubFile) file = g_list_model_get_item (files, k);
      const char *sha256 = parley_hub_file_get_part (file, 0)->sha256;
      if (g_str_equal (parley_hub_file_get_name (file), parley_model_get_file_name (model)) &&
          *sha256 != '\0' && !has_bytes (self, sha256))
        g_hash_table_insert (self->newer, g_strdup (parley_model_get_id (model)),
                             g_object_ref (file));
    }
  }
}

/* The hub said something, if only that this repository is gone or closed. */
static gboolean
is_answer (const GError *error)
{
  static const ParleyHubError answers[] = { PARLEY_HUB_ERROR_NOT_FOUND, PARLEY_HUB_ERROR_GATED,
                                            PARLEY_HUB_ERROR_UNAUTHORISED,
                                            PARLEY_HUB_ERROR_FORBIDDEN, PARLEY_HUB_ERROR_PROTOCOL };

  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    if (g_error_matches (error, PARLEY_HUB_ERROR, (int) answers[i]))
      return TRUE;
  return FALSE;
}

static void ask_next (ParleyUpdates *self);

static void
answered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyUpdates) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHubModel) there =
      parley_hub_details_finish (PARLEY_HUB (source), result, &error);

  if (self->repos == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (there != NULL)
    compare (self, there);
  else if (!is_answer (error)) {
    g_ptr_array_set_size (self->repos, 0); /* the hub is not there, or wants to be left alone */
    self->tried = g_get_monotonic_time ();
  }
  ask_next (self);
}

static void
finish (ParleyUpdates *self)
{
  self->asking = FALSE;
  save_newer (self);
  if (self->tried == 0) {
    g_autofree char *now =
        g_strdup_printf ("%" G_GINT64_FORMAT, g_get_real_time () / G_USEC_PER_SEC);
    parley_store_set_setting (self->store, SETTING, now);
  }
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
ask_next (ParleyUpdates *self)
{
  if (self->repos->len == 0) {
    finish (self);
    return;
  }
  g_autofree char *repo = g_ptr_array_steal_index (self->repos, self->repos->len - 1);
  parley_hub_details_async (self->hub, repo, NULL, self->cancellable, answered,
                            g_object_ref (self));
}

void
parley_updates_check (ParleyUpdates *self)
{
  GListModel *library = G_LIST_MODEL (self->library);
  g_autofree char *last = parley_store_get_setting (self->store, SETTING);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  gint64 then = last != NULL ? g_ascii_strtoll (last, NULL, 10) : 0;

  if (self->asking || (then <= now && now - then < DAY) ||
      (self->tried != 0 && g_get_monotonic_time () - self->tried < PAUSE) ||
      parley_library_is_loading (self->library))
    return;
  for (guint i = 0; i < g_list_model_get_n_items (library) && self->repos->len < MAX_REPOS; i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (library, i);
    const char *repo = parley_model_get_repo (model);
    if (is_ours (model) && !g_ptr_array_find_with_equal_func (self->repos, repo, g_str_equal, NULL))
      g_ptr_array_add (self->repos, g_strdup (repo));
  }
  if (self->repos->len == 0)
    return;
  self->tried = 0;
  self->asking = TRUE;
  ask_next (self);
}

static void
dispose (GObject *object)
{
  ParleyUpdates *self = PARLEY_UPDATES (object);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->repos, g_ptr_array_unref);
  g_clear_object (&self->hub);
  g_clear_object (&self->library);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (parley_updates_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  g_hash_table_unref (PARLEY_UPDATES (object)->newer);
  G_OBJECT_CLASS (parley_updates_parent_class)->finalize (object);
}

static void
parley_updates_class_init (ParleyUpdatesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->finalize = finalize;
  signals[CHANGED] = g_signal_new ("changed", PARLEY_TYPE_UPDATES, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
parley_updates_init (ParleyUpdates *self)
{
  self->cancellable = g_cancellable_new ();
  self->repos = g_ptr_array_new_with_free_func (g_free);
  self->newer = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
}

ParleyUpdates *
parley_updates_new (ParleyHub *hub, ParleyLibrary *library, ParleyStore *store)
{
  ParleyUpdates *self = g_object_new (PARLEY_TYPE_UPDATES, NULL);

  self->hub = g_object_ref (hub);
  self->library = g_object_ref (library);
  self->store = g_object_ref (store);
  load_newer (self);
  return self;
}
