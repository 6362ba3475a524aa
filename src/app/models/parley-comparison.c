/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-comparison.h"

#include "fit/history.h"
#include "hub/parley-hub-ref.h"

#include <glib/gi18n.h>

#define MAX_ENTRIES 24

struct _ParleyComparison {
  GObject parent;
  ParleyServices *services;
  GPtrArray *entries;
  guint n_ctx;
  ParleyCompareSort sort;
  struct pe_device_info devices[PE_MAX_DEVICES]; /* imagined ones */
  gsize n_devices;
  GCancellable *cancellable; /* when it ends */
  guint planning : 1;
  guint again : 1;
};

G_DEFINE_FINAL_TYPE (ParleyComparison, parley_comparison, G_TYPE_OBJECT)

enum { CHANGED, TOLD, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
clear_compared (gpointer data)
{
  ParleyCompared *entry = data;

  g_free (entry->key);
  g_free (entry->name);
  g_free (entry->quantisation);
  g_free (entry->problem);
  g_clear_object (&entry->model);
  g_clear_object (&entry->file);
  g_clear_pointer (&entry->fit_model, parley_fit_model_unref);
  g_clear_pointer (&entry->fit, parley_fit_unref);
}

static void
compared_free (gpointer data)
{
  g_rc_box_release_full (data, clear_compared);
}

GPtrArray *
parley_comparison_get_entries (ParleyComparison *self)
{
  return self->entries;
}

static ParleyCompared *
find (ParleyComparison *self, const char *key)
{
  for (guint i = 0; i < self->entries->len; i++) {
    ParleyCompared *entry = self->entries->pdata[i];
    if (g_str_equal (entry->key, key))
      return entry;
  }
  return NULL;
}

/* ---- order ---- */

static guint64
memory_of (const ParleyCompared *entry)
{
  guint64 sum = 0;

  for (gsize d = 0; entry->fit != NULL && d < parley_fit_get_n_devices (entry->fit); d++)
    sum += parley_fit_get_device (entry->fit, d)->planned +
           parley_fit_get_device (entry->fit, d)->driver;
  return sum;
}

static int
by_order (gconstpointer a, gconstpointer b, gpointer data)
{
  const ParleyCompared *x = *(const ParleyCompared *const *) a;
  const ParleyCompared *y = *(const ParleyCompared *const *) b;
  ParleyComparison *self = data;
  double p = 0, q = 0;

  if (self->sort == PARLEY_SORT_BY_SIZE) {
    p = (double) memory_of (x);
    q = (double) memory_of (y);
  } else if (self->sort == PARLEY_SORT_BY_SPEED) {
    p = y->fit != NULL ? parley_fit_get_speed_at_full_context (y->fit) : 0;
    q = x->fit != NULL ? parley_fit_get_speed_at_full_context (x->fit) : 0;
  }
  if (p != q)
    return p < q ? -1 : 1;
  int names = g_utf8_collate (x->name, y->name);
  return names != 0 ? names : g_strcmp0 (x->quantisation, y->quantisation);
}

static void
changed (ParleyComparison *self)
{
  g_ptr_array_sort_with_data (self->entries, by_order, self);
  g_signal_emit (self, signals[CHANGED], 0);
}

/* ---- planning ---- */

typedef struct {
  GPtrArray *keys;   /* of char */
  GPtrArray *models; /* of ParleyFitModel, as many */
  GPtrArray *runs;   /* of GArray of ParleyRunRecord, or NULL, as many */
  GPtrArray *fits;   /* of ParleyFit or NULL, as many */
  GPtrArray *errors; /* of char or NULL */
  struct pe_device_info devices[PE_MAX_DEVICES];
  gsize n_devices;
  guint n_ctx;
} Plans;

static void
plans_free (gpointer data)
{
  Plans *plans = data;

  g_ptr_array_unref (plans->keys);
  g_ptr_array_unref (plans->models);
  g_ptr_array_unref (plans->runs);
  g_ptr_array_unref (plans->fits);
  g_ptr_array_unref (plans->errors);
  g_free (plans);
}

static void
fit_or_nothing_free (gpointer data)
{
  if (data != NULL)
    parley_fit_unref (data);
}

static void
runs_or_nothing_free (gpointer data)
{
  if (data != NULL)
    g_array_unref (data);
}

/* The context is what the model can keep at most. */
static void
make_plans (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Plans *plans = data;

  for (guint i = 0; i < plans->models->len; i++) {
    ParleyFitModel *model = plans->models->pdata[i];
    guint32 trained = parley_fit_model_get_trained_context (model);
    g_autoptr (GError) error = NULL;
    struct pe_plan_request request;
    ParleySpeedHistory history = { 0 };
    pe_plan_request_init (&request);
    request.n_ctx = trained != 0 ? MIN (plans->n_ctx, trained) : plans->n_ctx;
    if (plans->runs->pdata[i] != NULL)
      parley_fit_model_recall (model, plans->runs->pdata[i], plans->devices, plans->n_devices,
                               &history);
    g_ptr_array_add (plans->fits, parley_fit_model_plan (model, &request, plans->devices,
                                                         plans->n_devices, &history, &error));
    g_ptr_array_add (plans->errors, error != NULL ? g_strdup (error->message) : NULL);
  }
  g_task_return_boolean (task, TRUE);
}

static void plan_all (ParleyComparison *self);

static void
planned (GObject *source, GAsyncResult *result, gpointer data)
{
  ParleyComparison *self = PARLEY_COMPARISON (source);
  Plans *plans = g_task_get_task_data (G_TASK (result));

  self->planning = FALSE;
  if (!g_task_propagate_boolean (G_TASK (result), NULL))
    return;
  for (guint i = 0; i < plans->keys->len; i++) {
    ParleyCompared *entry = find (self, plans->keys->pdata[i]);
    if (entry == NULL)
      continue;
    g_clear_pointer (&entry->fit, parley_fit_unref);
    g_free (entry->problem);
    entry->fit = g_steal_pointer (&plans->fits->pdata[i]);
    entry->problem = g_steal_pointer (&plans->errors->pdata[i]);
  }
  changed (self);
  if (self->again)
    plan_all (self);
}

/* One round at a time; what changes meanwhile makes one more. */
static void
plan_all (ParleyComparison *self)
{
  g_autoptr (GTask) task = NULL;
  Plans *plans;

  self->again = self->planning;
  if (self->planning)
    return;
  plans = g_new0 (Plans, 1);
  plans->keys = g_ptr_array_new_with_free_func (g_free);
  plans->models = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_fit_model_unref);
  plans->runs = g_ptr_array_new_with_free_func (runs_or_nothing_free);
  plans->fits = g_ptr_array_new_with_free_func (fit_or_nothing_free);
  plans->errors = g_ptr_array_new_with_free_func (g_free);
  plans->n_ctx = self->n_ctx;
  plans->n_devices = parley_comparison_get_devices (self, plans->devices);
  for (guint i = 0; i < self->entries->len; i++) {
    ParleyCompared *entry = self->entries->pdata[i];
    if (entry->fit_model == NULL)
      continue;
    g_ptr_array_add (plans->keys, g_strdup (entry->key));
    g_ptr_array_add (plans->models, parley_fit_model_ref (entry->fit_model));
    /* What models did here says nothing of another computer. */
    g_ptr_array_add (plans->runs, entry->model != NULL && self->n_devices == 0
                                      ? parley_store_list_runs (self->services->store,
                                                                parley_model_get_id (entry->model))
                                      : NULL);
  }
  self->planning = TRUE;
  task = g_task_new (self, self->cancellable, planned, NULL);
  g_task_set_task_data (task, plans, plans_free);
  g_task_run_in_thread (task, make_plans);
}

/* ---- headers ---- */

typedef struct {
  char *key, *path, *name;
  GBytes *header;
  guint64 file_bytes;
} Opening;

static void
opening_free (gpointer data)
{
  Opening *opening = data;

  g_free (opening->key);
  g_free (opening->path);
  g_free (opening->name);
  g_clear_pointer (&opening->header, g_bytes_unref);
  g_free (opening);
}

static void
open_header (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Opening *opening = data;
  GError *error = NULL;
  ParleyFitModel *model = opening->path != NULL
                              ? parley_fit_model_open (opening->path, &error)
                              : parley_fit_model_open_header (opening->header, opening->file_bytes,
                                                              opening->name, &error);

  if (model == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, model, (GDestroyNotify) parley_fit_model_unref);
}

static void
header_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  ParleyComparison *self = PARLEY_COMPARISON (source);
  Opening *opening = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyFitModel) model = g_task_propagate_pointer (G_TASK (result), &error);
  ParleyCompared *entry;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  entry = find (self, opening->key);
  if (entry == NULL)
    return;
  if (model == NULL) {
    g_free (entry->problem);
    entry->problem = g_strdup (error->message);
    changed (self);
    return;
  }
  entry->fit_model = g_steal_pointer (&model);
  plan_all (self);
}

static GTask *
opening_task (ParleyComparison *self, const char *key)
{
  GTask *task = g_task_new (self, self->cancellable, header_opened, NULL);
  Opening *opening = g_new0 (Opening, 1);

  opening->key = g_strdup (key);
  g_task_set_task_data (task, opening, opening_free);
  return task;
}

static void
header_fetched (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Opening *opening = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  opening->header =
      parley_hub_header_finish (PARLEY_HUB (source), result, &opening->file_bytes, &error);
  if (opening->header != NULL)
    g_task_run_in_thread (task, open_header);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/* ---- what is compared ---- */

static ParleyCompared *
add (ParleyComparison *self, char *key, const char *name, const char *quantisation)
{
  ParleyCompared *entry;

  if (find (self, key) != NULL || self->entries->len >= MAX_ENTRIES) {
    if (self->entries->len >= MAX_ENTRIES)
      g_signal_emit (self, signals[TOLD], 0, _ ("No more models can be compared at a time."));
    g_free (key);
    return NULL;
  }
  entry = g_rc_box_new0 (ParleyCompared);
  entry->key = key;
  entry->name = g_strdup (name);
  entry->quantisation = g_strdup (quantisation);
  g_ptr_array_add (self->entries, entry);
  return entry;
}

static char *
key_of (ParleyModel *model)
{
  return g_strconcat ("local:", parley_model_get_id (model), NULL);
}

gboolean
parley_comparison_has (ParleyComparison *self, ParleyModel *model)
{
  g_autofree char *key = key_of (model);

  return find (self, key) != NULL;
}

void
parley_comparison_add_model (ParleyComparison *self, ParleyModel *model)
{
  ParleyCompared *entry = add (self, key_of (model), parley_model_get_name (model),
                               parley_model_get_quantisation (model));
  g_autoptr (GTask) task = NULL;
  Opening *opening;

  if (entry == NULL)
    return;
  entry->model = g_object_ref (model);
  task = opening_task (self, entry->key);
  opening = g_task_get_task_data (task);
  opening->path = g_strdup (parley_model_get_path (model));
  g_task_run_in_thread (task, open_header);
  changed (self);
}

static void
add_file (ParleyComparison *self, ParleyHubModel *model, ParleyHubFile *file)
{
  ParleyCompared *entry =
      add (self,
           g_strconcat ("hub:", parley_hub_file_get_repo (file), "/",
                        parley_hub_file_get_path (file), NULL),
           parley_hub_model_get_name (model), parley_hub_file_get_quantisation (file));
  GTask *task;
  Opening *opening;

  if (entry == NULL)
    return;
  entry->file = g_object_ref (file);
  task = opening_task (self, entry->key);
  opening = g_task_get_task_data (task);
  opening->name = g_strdup (parley_hub_file_get_name (file));
  parley_hub_header_async (self->services->hub, file, 0, self->cancellable, header_fetched, task);
  changed (self);
}

typedef struct {
  ParleyComparison *self;
  char *wanted;
} Asking;

static void
details_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;
  g_autoptr (ParleyComparison) self = asking->self;
  g_autofree char *wanted = asking->wanted;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHubModel) model =
      parley_hub_details_finish (PARLEY_HUB (source), result, &error);
  g_autoptr (ParleyHubFile) file =
      model != NULL ? parley_hub_model_choose (model, wanted, &error) : NULL;

  g_free (asking);
  if (file != NULL)
    add_file (self, model, file);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_signal_emit (self, signals[TOLD], 0, error->message);
}

void
parley_comparison_add_reference (ParleyComparison *self, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHubRef) ref =
      parley_hub_ref_parse (text, parley_hub_get_endpoint (self->services->hub), &error);
  Asking *asking;

  if (ref == NULL) {
    g_signal_emit (self, signals[TOLD], 0, error->message);
    return;
  }
  asking = g_new0 (Asking, 1);
  asking->self = g_object_ref (self);
  asking->wanted = g_strdup (ref->file != NULL ? ref->file : ref->quantisation);
  parley_hub_details_async (self->services->hub, ref->repo, ref->revision, self->cancellable,
                            details_ready, asking);
}

void
parley_comparison_remove (ParleyComparison *self, const char *key)
{
  ParleyCompared *entry = find (self, key);

  if (entry == NULL)
    return;
  g_ptr_array_remove (self->entries, entry);
  changed (self);
}

/* ---- settings ---- */

void
parley_comparison_set_context (ParleyComparison *self, guint n_ctx)
{
  if (self->n_ctx == n_ctx)
    return;
  self->n_ctx = n_ctx;
  plan_all (self);
}

guint
parley_comparison_get_context (ParleyComparison *self)
{
  return self->n_ctx;
}

void
parley_comparison_set_sort (ParleyComparison *self, ParleyCompareSort sort)
{
  self->sort = sort;
  changed (self);
}

void
parley_comparison_set_devices (ParleyComparison *self, const struct pe_device_info *devices,
                               gsize n)
{
  self->n_devices = MIN (n, G_N_ELEMENTS (self->devices));
  for (gsize i = 0; i < self->n_devices; i++)
    self->devices[i] = devices[i];
  plan_all (self);
}

gsize
parley_comparison_get_devices (ParleyComparison *self,
                               struct pe_device_info devices[PE_MAX_DEVICES])
{
  if (self->n_devices == 0)
    return parley_hardware_get_plan_devices (self->services->hardware, devices);
  for (gsize i = 0; i < self->n_devices; i++)
    devices[i] = self->devices[i];
  return self->n_devices;
}

/* ---- a table for spreadsheets ---- */

/* A field is quoted; one that a spreadsheet would take for a formula begins with an apostrophe. */
static void
append_field (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  if (strchr ("=+-@\t\r", *text) != NULL && *text != '\0')
    g_string_append_c (out, '\'');
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '"')
      g_string_append_c (out, '"');
    g_string_append_c (out, *c);
  }
  g_string_append (out, "\",");
}

static void
append_figure (GString *out, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (value > 0)
    g_string_append (out, g_ascii_formatd (text, sizeof text, "%.2f", value));
  g_string_append_c (out, ',');
}

char *
parley_comparison_to_csv (ParleyComparison *self)
{
  GString *out = g_string_new ("model,quantisation,verdict,context,gpu_layers,layers,"
                               "ram_bytes,vram_bytes,tokens_per_second_empty,"
                               "tokens_per_second_full,prompt_tokens_per_second,basis,"
                               "load_seconds,load_basis\r\n");

  for (guint i = 0; i < self->entries->len; i++) {
    ParleyCompared *entry = self->entries->pdata[i];
    ParleyFit *fit = entry->fit;
    append_field (out, entry->name);
    append_field (out, entry->quantisation);
    if (fit == NULL) {
      append_field (out, entry->problem != NULL ? entry->problem : "");
      g_string_append (out, ",,,,,,,,,,\r\n");
      continue;
    }
    append_field (out, parley_fit_verdict_words (parley_fit_get_verdict (fit)));
    g_string_append_printf (out, "%u,%u,%u,", parley_fit_get_request (fit)->n_ctx,
                            parley_fit_get_gpu_layers (fit), parley_fit_get_n_layers (fit));
    guint64 bytes[2] = { 0 };
    for (gsize d = 0; d < parley_fit_get_n_devices (fit); d++)
      bytes[d > 0] += parley_fit_get_device (fit, d)->planned;
    g_string_append_printf (out, "%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",", bytes[0],
                            bytes[1]);
    append_figure (out, parley_fit_get_speed (fit));
    append_figure (out, parley_fit_get_speed_at_full_context (fit));
    append_figure (out, parley_fit_get_prompt_speed (fit));
    append_field (out, parley_fit_get_basis (fit));
    append_figure (out, parley_fit_get_load_seconds (fit));
    append_field (out, parley_fit_get_load_basis (fit));
    g_string_truncate (out, out->len - 1);
    g_string_append (out, "\r\n");
  }
  return g_string_free (out, FALSE);
}

/* ---- making ---- */

static void
dispose (GObject *object)
{
  ParleyComparison *self = PARLEY_COMPARISON (object);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->entries, g_ptr_array_unref);
  G_OBJECT_CLASS (parley_comparison_parent_class)->dispose (object);
}

static void
parley_comparison_class_init (ParleyComparisonClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  signals[CHANGED] = g_signal_new ("changed", PARLEY_TYPE_COMPARISON, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
  signals[TOLD] = g_signal_new ("told", PARLEY_TYPE_COMPARISON, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
parley_comparison_init (ParleyComparison *self)
{
  self->entries = g_ptr_array_new_with_free_func (compared_free);
  self->cancellable = g_cancellable_new ();
  self->n_ctx = 8192;
}

static void
hardware_changed (ParleyComparison *self)
{
  if (self->n_devices == 0 && self->entries->len > 0)
    plan_all (self);
}

ParleyComparison *
parley_comparison_new (ParleyServices *services)
{
  ParleyComparison *self = g_object_new (PARLEY_TYPE_COMPARISON, NULL);

  self->services = services;
  g_signal_connect_object (services->hardware, "changed", G_CALLBACK (hardware_changed), self,
                           G_CONNECT_SWAPPED);
  return self;
}
