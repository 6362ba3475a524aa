/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-engine.h"

struct _ParleyEngine {
  GObject parent;
  ParleyModel *model;
  ParleyWorkerClient *client;
  ParleyLocalResponder *responder;
  GCancellable *loading;
  ParleyEngineState state; /* as last notified */
  gint64 last_used;
  gint64 last_moved; /* layers */
  gboolean waiting;
};

G_DEFINE_FINAL_TYPE (ParleyEngine, parley_engine, G_TYPE_OBJECT)

enum { PROP_0, PROP_STATE, N_PROPS };
static GParamSpec *props[N_PROPS];

ParleyModel *
parley_engine_get_model (ParleyEngine *self)
{
  return self->model;
}

ParleyWorkerClient *
parley_engine_get_client (ParleyEngine *self)
{
  return self->client;
}

ParleyResponder *
parley_engine_get_responder (ParleyEngine *self)
{
  return PARLEY_RESPONDER (self->responder);
}

gint64
parley_engine_get_last_used (ParleyEngine *self)
{
  return self->last_used;
}

ParleyEngineState
parley_engine_get_state (ParleyEngine *self)
{
  if (self->waiting)
    return PARLEY_ENGINE_WAITING;
  switch (parley_responder_get_state (PARLEY_RESPONDER (self->responder))) {
  case PARLEY_RESPONDER_READY: return PARLEY_ENGINE_RESTING;
  case PARLEY_RESPONDER_ANSWERING: return PARLEY_ENGINE_ANSWERING;
  case PARLEY_RESPONDER_FAILED: return PARLEY_ENGINE_FAILED;
  default: return PARLEY_ENGINE_LOADING;
  }
}

static void
update (ParleyEngine *self)
{
  ParleyEngineState state = parley_engine_get_state (self);

  if (state == self->state)
    return;
  /* What rests now was in use until now. */
  if (self->state == PARLEY_ENGINE_ANSWERING || self->state == PARLEY_ENGINE_LOADING)
    self->last_used = g_get_monotonic_time ();
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
}

void
_parley_engine_use (ParleyEngine *self)
{
  self->last_used = g_get_monotonic_time ();
}

void
_parley_engine_wait (ParleyEngine *self, const char *waiting_for)
{
  self->waiting = TRUE;
  parley_local_responder_set_pending (self->responder, waiting_for);
  update (self);
}

static void
loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyEngine) self = data;
  g_autoptr (GError) error = NULL;

  /* Failures show in the client's state and the responder's message. */
  if (!parley_worker_client_load_finish (PARLEY_WORKER_CLIENT (source), result, &error))
    g_info ("loading: %s", error->message);
}

static void
stop_loading (ParleyEngine *self)
{
  if (self->loading != NULL)
    g_cancellable_cancel (self->loading);
  g_clear_object (&self->loading);
}

void
_parley_engine_load (ParleyEngine *self, const struct pe_plan_request *request)
{
  stop_loading (self);
  self->waiting = FALSE;
  /* A load over another would tell of its beginning while the client still calls itself ready, and
   * who then asks it something asks nobody. */
  parley_worker_client_unload (self->client);
  self->loading = g_cancellable_new ();
  parley_worker_client_load_async (self->client, parley_model_get_path (self->model), request,
                                   self->loading, loaded, g_object_ref (self));
  parley_local_responder_set_pending (self->responder, NULL);
  _parley_engine_use (self);
  update (self);
}

void
_parley_engine_unload (ParleyEngine *self)
{
  stop_loading (self);
  self->waiting = FALSE;
  parley_worker_client_unload (self->client);
  parley_local_responder_set_pending (self->responder, NULL);
}

static void
layers_moved (ParleyEngine *self)
{
  self->last_moved = g_get_monotonic_time ();
}

gboolean
_parley_engine_describe_run (ParleyEngine *self, const ParleyReplyStats *stats,
                             const char *const *ids, gsize n_ids, ParleyRunRecord *run)
{
  const ParleyLoadedModel *loaded = parley_worker_client_get_model (self->client);
  double seconds = stats->prompt_seconds + stats->reply_seconds;

  if (loaded == NULL || parley_worker_client_get_placing (self->client) ||
      self->last_moved > g_get_monotonic_time () - (gint64) (seconds * G_TIME_SPAN_SECOND))
    return FALSE;
  parley_run_init (run, &loaded->plan, parley_worker_client_get_gpu_layers (self->client), ids,
                   n_ids);
  run->depth = stats->cached_tokens;
  run->prompt_tokens = stats->prompt_tokens - MIN (stats->cached_tokens, stats->prompt_tokens);
  run->reply_tokens = stats->reply_tokens;
  run->prompt_seconds = stats->prompt_seconds;
  run->reply_seconds = stats->reply_seconds;
  return TRUE;
}

ParleyEngine *
_parley_engine_new (ParleyModel *model)
{
  ParleyEngine *self = g_object_new (PARLEY_TYPE_ENGINE, NULL);

  self->model = g_object_ref (model);
  self->client = parley_worker_client_new ();
  self->responder = parley_local_responder_new (self->client);
  parley_local_responder_set_model (self->responder, parley_model_get_name (model),
                                    parley_model_get_id (model), parley_model_get_sha256 (model));
  g_signal_connect_object (self->responder, "changed", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->client, "notify::gpu-layers", G_CALLBACK (layers_moved), self,
                           G_CONNECT_SWAPPED);
  _parley_engine_use (self);
  return self;
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_STATE)
    g_value_set_uint (value, parley_engine_get_state (PARLEY_ENGINE (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
dispose (GObject *object)
{
  ParleyEngine *self = PARLEY_ENGINE (object);

  stop_loading (self);
  if (self->client != NULL)
    parley_worker_client_unload (self->client);
  g_clear_object (&self->responder);
  g_clear_object (&self->client);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (parley_engine_parent_class)->dispose (object);
}

static void
parley_engine_class_init (ParleyEngineClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->get_property = get_property;
  props[PROP_STATE] =
      g_param_spec_uint ("state", NULL, NULL, 0, PARLEY_ENGINE_FAILED, 0,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (G_OBJECT_CLASS (klass), N_PROPS, props);
}

static void
parley_engine_init (ParleyEngine *self)
{
  self->state = PARLEY_ENGINE_LOADING;
}
