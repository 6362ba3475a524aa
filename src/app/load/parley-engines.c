/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-engines.h"

#include "app/load/parley-room.h"

#include <glib/gi18n.h>

#define LOOK_FOR_IDLE_S 20

struct _ParleyEngines {
  GObject parent;
  ParleyHardware *hardware;
  ParleyStore *store;
  GPtrArray *engines; /* of ParleyEngine, in order of opening */
  ParleyEngine *next; /* the one that waits for others to finish; borrowed, or NULL */
  GPtrArray *leaving; /* of ParleyEngine: those it waits for */
  GCancellable *planning;
  guint idle_id;
};

static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ParleyEngines, parley_engines, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

enum { CHANGED, UNLOADING, TOLD, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
tell (ParleyEngines *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

/* ---- finding ---- */

ParleyEngine *
parley_engines_find (ParleyEngines *self, ParleyModel *model)
{
  for (guint i = 0; model != NULL && i < self->engines->len; i++) {
    ParleyModel *loaded = parley_engine_get_model (self->engines->pdata[i]);
    if (g_str_equal (parley_model_get_id (loaded), parley_model_get_id (model)))
      return self->engines->pdata[i];
  }
  return NULL;
}

ParleyEngine *
parley_engines_find_responder (ParleyEngines *self, ParleyResponder *responder)
{
  for (guint i = 0; responder != NULL && i < self->engines->len; i++)
    if (parley_engine_get_responder (self->engines->pdata[i]) == responder)
      return self->engines->pdata[i];
  return NULL;
}

/* ---- settings ---- */

static char *
own_key (ParleyModel *model, const char *key)
{
  return g_strdup_printf ("model/%s/%s", parley_model_get_id (model), key);
}

/* The value that was reckoned last, beside the one that holds. */
static char *
reckoned_key (ParleyModel *model, const char *key)
{
  return g_strdup_printf ("model/%s/%s/reckoned", parley_model_get_id (model), key);
}

static char *
general_setting (ParleyEngines *self, const char *key)
{
  g_autofree char *general = g_strdup_printf ("load/%s", key);

  return parley_store_get_setting (self->store, general);
}

static char *
setting (ParleyEngines *self, ParleyModel *model, const char *key)
{
  char *value = parley_engines_get_setting (self, model, key);

  return value != NULL ? value : general_setting (self, key);
}

void
parley_engines_set (ParleyEngines *self, ParleyModel *model, const char *key, const char *value)
{
  g_autofree char *own = own_key (model, key), *reckoned = reckoned_key (model, key);

  parley_store_set_setting (self->store, own, value);
  parley_store_set_setting (self->store, reckoned, NULL);
}

void
parley_engines_choose (ParleyEngines *self, ParleyModel *model, const char *key, const char *value,
                       const char *usual)
{
  g_autofree char *general = general_setting (self, key), *reckoned = reckoned_key (model, key);
  gboolean anyway = g_str_equal (value, general != NULL ? general : usual);

  parley_engines_set (self, model, key, anyway ? NULL : value);
  if (!anyway)
    parley_store_set_setting (self->store, reckoned, value);
}

char *
parley_engines_get_wish (ParleyEngines *self, ParleyModel *model, const char *key, gboolean *own)
{
  g_autofree char *value = parley_engines_get_setting (self, model, key);
  g_autofree char *name = reckoned_key (model, key);
  g_autofree char *reckoned = parley_store_get_setting (self->store, name);

  *own = value != NULL && g_strcmp0 (value, reckoned) != 0;
  return *own ? g_steal_pointer (&value) : general_setting (self, key);
}

char *
parley_engines_get_setting (ParleyEngines *self, ParleyModel *model, const char *key)
{
  g_autofree char *own = own_key (model, key);

  return parley_store_get_setting (self->store, own);
}

gboolean
parley_engines_has_setting (ParleyEngines *self, ParleyModel *model, const char *key)
{
  g_autofree char *value = parley_engines_get_setting (self, model, key);

  return value != NULL;
}

/* 0: absent, or not a number within these limits. */
static guint64
number (ParleyEngines *self, ParleyModel *model, const char *key, guint64 least, guint64 most)
{
  g_autofree char *text = setting (self, model, key);
  guint64 n = 0;

  return text != NULL && g_ascii_string_to_unsigned (text, 10, least, most, &n, NULL) ? n : 0;
}

void
parley_engines_get_request (ParleyEngines *self, ParleyModel *model,
                            struct pe_plan_request *request)
{
  g_autofree char *layers = setting (self, model, "gpu-layers");
  g_autofree char *kv = setting (self, model, "kv");
  guint64 n = 0;

  pe_plan_request_init (request);
  if (layers != NULL && g_ascii_string_to_unsigned (layers, 10, 0, 10000, &n, NULL))
    request->n_gpu_layers = (int32_t) n;
  request->n_cpu_experts = (uint32_t) number (self, model, "cpu-experts", 1, 10000);
  request->n_ctx = (uint32_t) number (self, model, "context", 256, 1 << 24);
  request->n_batch = (uint32_t) number (self, model, "batch", 16, 4096);
  request->n_threads = (uint32_t) number (self, model, "threads", 1, 1024);
  if (g_strcmp0 (kv, "q8_0") == 0)
    request->k_type = request->v_type = PE_TYPE_Q8_0;
  else if (g_strcmp0 (kv, "q4_0") == 0)
    request->k_type = request->v_type = PE_TYPE_Q4_0;
}

/* ---- leaving ---- */

static void stop_planning (ParleyEngines *self);

static void
take_out (ParleyEngines *self, ParleyEngine *engine)
{
  guint position;

  if (!g_ptr_array_find (self->engines, engine, &position))
    return;
  if (engine == self->next)
    stop_planning (self);
  g_autoptr (ParleyEngine) gone = g_ptr_array_steal_index (self->engines, position);
  g_signal_handlers_disconnect_by_data (gone, self);
  g_ptr_array_remove (self->leaving, gone);
  _parley_engine_unload (gone);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}

void
parley_engines_unload (ParleyEngines *self, ParleyEngine *engine)
{
  g_autoptr (ParleyEngine) kept = g_object_ref (engine);

  g_signal_emit (self, signals[UNLOADING], 0, parley_engine_get_responder (engine));
  take_out (self, engine);
  tell (self);
}

void
parley_engines_forget (ParleyEngines *self, ParleyModel *model)
{
  ParleyEngine *engine = parley_engines_find (self, model);

  if (engine != NULL)
    parley_engines_unload (self, engine);
}

/* ---- loading ---- */

static void
load (ParleyEngines *self, ParleyEngine *engine)
{
  struct pe_plan_request request;

  parley_engines_get_request (self, parley_engine_get_model (engine), &request);
  parley_worker_client_set_budgets (parley_engine_get_client (engine),
                                    parley_hardware_get_budgets (self->hardware));
  _parley_engine_load (engine, &request);
}

/* Lets those go that have finished; loads when nobody is left to wait for. */
static void
go_on (ParleyEngines *self)
{
  ParleyEngine *next = self->next;

  if (next == NULL || self->planning != NULL)
    return;
  for (guint i = self->leaving->len; i-- > 0;) {
    g_autoptr (ParleyEngine) old = g_object_ref (self->leaving->pdata[i]);
    if (parley_engine_get_state (old) == PARLEY_ENGINE_ANSWERING) {
      g_autofree char *text =
          g_strdup_printf (_ ("Waiting until %s has answered, to have its memory"),
                           parley_model_get_name (parley_engine_get_model (old)));
      _parley_engine_wait (next, text);
      return;
    }
    /* Translators: names of two models. */
    g_autofree char *text =
        g_strdup_printf (_ ("%s was unloaded to make room for %s."),
                         parley_model_get_name (parley_engine_get_model (old)),
                         parley_model_get_name (parley_engine_get_model (next)));
    take_out (self, old);
    g_signal_emit (self, signals[TOLD], 0, text);
  }
  self->next = NULL;
  load (self, next);
}

static void
planned (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyEngines) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) leaving = parley_room_plan_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_object (&self->planning);
  for (guint i = 0; leaving != NULL && i < leaving->len; i++)
    if (g_ptr_array_find (self->engines, leaving->pdata[i], NULL))
      g_ptr_array_add (self->leaving, g_object_ref (leaving->pdata[i]));
  go_on (self);
  tell (self);
}

static void
stop_planning (ParleyEngines *self)
{
  if (self->planning != NULL)
    g_cancellable_cancel (self->planning);
  g_clear_object (&self->planning);
  g_ptr_array_set_size (self->leaving, 0);
  self->next = NULL;
}

static int
by_last_use (gconstpointer a, gconstpointer b)
{
  gint64 x = parley_engine_get_last_used (*(ParleyEngine *const *) a),
         y = parley_engine_get_last_used (*(ParleyEngine *const *) b);

  return x < y ? -1 : x > y;
}

/* The others, those least recently used first. */
static GPtrArray *
others_of (ParleyEngines *self, ParleyEngine *engine)
{
  GPtrArray *others = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->engines->len; i++)
    if (self->engines->pdata[i] != engine)
      g_ptr_array_add (others, g_object_ref (self->engines->pdata[i]));
  g_ptr_array_sort (others, by_last_use);
  return others;
}

void
parley_engines_reload (ParleyEngines *self, ParleyEngine *engine)
{
  g_autoptr (GPtrArray) others = others_of (self, engine);
  struct pe_plan_request request;

  if (!g_ptr_array_find (self->engines, engine, NULL))
    return;
  /* One waits at a time: who waited before is taken back, and asked for again by the chats that
   * wait for it. */
  if (self->next != NULL && self->next != engine)
    take_out (self, self->next);
  stop_planning (self);
  if (others->len == 0) {
    load (self, engine);
    tell (self);
    return;
  }
  self->next = engine;
  self->planning = g_cancellable_new ();
  parley_engines_get_request (self, parley_engine_get_model (engine), &request);
  _parley_engine_wait (engine, _ ("Looking whether there is room for both models"));
  parley_room_plan_async (self->hardware, parley_engine_get_model (engine), &request, others,
                          self->planning, planned, g_object_ref (self));
  tell (self);
}

static void
engine_changed (ParleyEngines *self, GParamSpec *pspec, ParleyEngine *engine)
{
  go_on (self);
  tell (self);
}

static void
moved (ParleyWorkerClient *client, const char *what, ParleyEngines *self)
{
  g_signal_emit (self, signals[TOLD], 0, what);
}

/* ---- how fast it was ---- */

static guint
n_answering (ParleyEngines *self)
{
  guint n = 0;

  for (guint i = 0; i < self->engines->len; i++)
    n += parley_engine_get_state (self->engines->pdata[i]) == PARLEY_ENGINE_ANSWERING;
  return n;
}

/* A reply during which layers moved, or beside which another was written, tells nothing of a
 * placement. */
static void
answered (ParleyLocalResponder *responder, const ParleyReplyStats *stats, ParleyEngines *self)
{
  ParleyEngine *engine = parley_engines_find_responder (self, PARLEY_RESPONDER (responder));
  const char *ids[PE_MAX_DEVICES];
  struct pe_device_info devices[PE_MAX_DEVICES];
  gsize n = parley_hardware_get_plan_devices (self->hardware, devices);
  ParleyRunRecord run;

  for (gsize d = 1; d < n; d++)
    ids[d - 1] = devices[d].id;
  if (engine == NULL || stats->stop == PARLEY_STOP_ERROR || n_answering (self) > 0 ||
      !_parley_engine_describe_run (engine, stats, ids, n - 1, &run))
    return;
  parley_store_add_run (self->store, parley_model_get_id (parley_engine_get_model (engine)), &run);
}

ParleyResponder *
parley_engines_open (ParleyEngines *self, ParleyModel *model)
{
  ParleyEngine *engine = parley_engines_find (self, model);

  if (engine != NULL) {
    _parley_engine_use (engine);
    if (parley_engine_get_state (engine) == PARLEY_ENGINE_FAILED)
      parley_engines_reload (self, engine);
    return parley_engine_get_responder (engine);
  }
  engine = _parley_engine_new (model);
  g_signal_connect_swapped (engine, "notify::state", G_CALLBACK (engine_changed), self);
  g_signal_connect_object (parley_engine_get_client (engine), "moved", G_CALLBACK (moved), self, 0);
  g_signal_connect_object (parley_engine_get_responder (engine), "answered", G_CALLBACK (answered),
                           self, 0);
  g_ptr_array_add (self->engines, engine);
  g_list_model_items_changed (G_LIST_MODEL (self), self->engines->len - 1, 0, 1);
  parley_engines_reload (self, engine);
  return parley_engine_get_responder (engine);
}

/* ---- idle ---- */

static gboolean
look_for_idle (gpointer data)
{
  ParleyEngines *self = data;
  g_autofree char *text = parley_store_get_setting (self->store, "load/idle-minutes");
  guint64 minutes = 0;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 1, 10000, &minutes, NULL))
    return G_SOURCE_CONTINUE;
  gint64 since = g_get_monotonic_time () - (gint64) minutes * G_TIME_SPAN_MINUTE;
  for (guint i = self->engines->len; i-- > 0;) {
    ParleyEngine *engine = self->engines->pdata[i];
    if (parley_engine_get_state (engine) == PARLEY_ENGINE_RESTING &&
        parley_engine_get_last_used (engine) < since)
      parley_engines_unload (self, engine);
  }
  return G_SOURCE_CONTINUE;
}

/* A timer only while something is loaded: idle means no wake-ups at all. */
static void
watch_idle (ParleyEngines *self)
{
  if (self->engines->len > 0 && self->idle_id == 0)
    self->idle_id = g_timeout_add_seconds (LOOK_FOR_IDLE_S, look_for_idle, self);
  else if (self->engines->len == 0)
    g_clear_handle_id (&self->idle_id, g_source_remove);
}

/* ---- the list ---- */

static GType
get_item_type (GListModel *model)
{
  return PARLEY_TYPE_ENGINE;
}

static guint
get_n_items (GListModel *model)
{
  return PARLEY_ENGINES (model)->engines->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  GPtrArray *engines = PARLEY_ENGINES (model)->engines;
  return position < engines->len ? g_object_ref (engines->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
dispose (GObject *object)
{
  ParleyEngines *self = PARLEY_ENGINES (object);

  stop_planning (self);
  while (self->engines->len > 0)
    take_out (self, self->engines->pdata[self->engines->len - 1]);
  g_clear_handle_id (&self->idle_id, g_source_remove);
  g_clear_object (&self->hardware);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (parley_engines_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  ParleyEngines *self = PARLEY_ENGINES (object);

  g_ptr_array_unref (self->engines);
  g_ptr_array_unref (self->leaving);
  G_OBJECT_CLASS (parley_engines_parent_class)->finalize (object);
}

static void
parley_engines_class_init (ParleyEnginesClass *klass)
{
  GType type = PARLEY_TYPE_ENGINES;

  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->finalize = finalize;
  signals[CHANGED] =
      g_signal_new ("changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[UNLOADING] = g_signal_new ("unloading", PARLEY_TYPE_ENGINES, G_SIGNAL_RUN_LAST, 0, NULL,
                                     NULL, NULL, G_TYPE_NONE, 1, PARLEY_TYPE_RESPONDER);
  signals[TOLD] = g_signal_new ("told", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                1, G_TYPE_STRING);
}

static void
parley_engines_init (ParleyEngines *self)
{
  self->engines = g_ptr_array_new_with_free_func (g_object_unref);
  self->leaving = g_ptr_array_new_with_free_func (g_object_unref);
  g_signal_connect (self, "items-changed", G_CALLBACK (watch_idle), NULL);
}

ParleyEngines *
parley_engines_new (ParleyHardware *hardware, ParleyStore *store)
{
  ParleyEngines *self = g_object_new (PARLEY_TYPE_ENGINES, NULL);

  self->hardware = g_object_ref (hardware);
  self->store = g_object_ref (store);
  return self;
}
