/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-engines.h"

#include "chat/parley-local-responder.h"

#include <string.h>

struct _ParleyEngines {
  GObject parent;
  ParleyHardware *hardware;
  ParleyStore *store;
  ParleyModel *model;
  ParleyWorkerClient *client;
  ParleyResponder *responder;
  GCancellable *loading;
};

G_DEFINE_FINAL_TYPE (ParleyEngines, parley_engines, G_TYPE_OBJECT)

enum { CHANGED, TOLD, N_SIGNALS };
static guint signals[N_SIGNALS];

ParleyModel *
parley_engines_get_model (ParleyEngines *self)
{
  return self->model;
}

ParleyWorkerClient *
parley_engines_get_client (ParleyEngines *self)
{
  return self->client;
}

ParleyResponder *
parley_engines_get_responder (ParleyEngines *self)
{
  return self->responder;
}

/* ---- settings ---- */

static char *
setting (ParleyEngines *self, ParleyModel *model, const char *key)
{
  g_autofree char *own = g_strdup_printf ("model/%s/%s", parley_model_get_id (model), key);
  g_autofree char *general = g_strdup_printf ("load/%s", key);
  char *value = parley_store_get_setting (self->store, own);

  return value != NULL ? value : parley_store_get_setting (self->store, general);
}

void
parley_engines_set (ParleyEngines *self, ParleyModel *model, const char *key, const char *value)
{
  g_autofree char *own = g_strdup_printf ("model/%s/%s", parley_model_get_id (model), key);

  parley_store_set_setting (self->store, own, value);
}

void
parley_engines_get_request (ParleyEngines *self, ParleyModel *model,
                            struct pe_plan_request *request)
{
  g_autofree char *layers = setting (self, model, "gpu-layers");
  g_autofree char *context = setting (self, model, "context");
  g_autofree char *kv = setting (self, model, "kv");
  guint64 n = 0;

  pe_plan_request_init (request);
  if (layers != NULL && g_ascii_string_to_unsigned (layers, 10, 0, 10000, &n, NULL))
    request->n_gpu_layers = (int32_t) n;
  if (context != NULL && g_ascii_string_to_unsigned (context, 10, 256, 1 << 24, &n, NULL))
    request->n_ctx = (uint32_t) n;
  if (g_strcmp0 (kv, "q8_0") == 0)
    request->k_type = request->v_type = PE_TYPE_Q8_0;
}

/* ---- loading ---- */

static void
loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyEngines) self = data;
  g_autoptr (GError) error = NULL;

  /* Failures show in the client's state and the responder's message. */
  if (!parley_worker_client_load_finish (PARLEY_WORKER_CLIENT (source), result, &error))
    g_info ("loading: %s", error->message);
  g_signal_emit (self, signals[CHANGED], 0);
}

void
parley_engines_reload (ParleyEngines *self)
{
  struct pe_plan_request request;

  if (self->model == NULL)
    return;
  if (self->loading != NULL)
    g_cancellable_cancel (self->loading);
  g_clear_object (&self->loading);
  self->loading = g_cancellable_new ();
  parley_engines_get_request (self, self->model, &request);
  parley_worker_client_load_async (self->client, parley_model_get_path (self->model), &request,
                                   self->loading, loaded, g_object_ref (self));
  g_signal_emit (self, signals[CHANGED], 0);
}

void
parley_engines_unload (ParleyEngines *self)
{
  if (self->model == NULL)
    return;
  if (self->loading != NULL)
    g_cancellable_cancel (self->loading);
  g_clear_object (&self->loading);
  parley_worker_client_unload (self->client);
  g_clear_object (&self->responder);
  g_clear_object (&self->client);
  g_clear_object (&self->model);
  g_signal_emit (self, signals[CHANGED], 0);
}

void
parley_engines_forget (ParleyEngines *self, ParleyModel *model)
{
  if (self->model != NULL &&
      g_str_equal (parley_model_get_id (self->model), parley_model_get_id (model)))
    parley_engines_unload (self);
}

static void
moved (ParleyWorkerClient *client, const char *what, ParleyEngines *self)
{
  g_signal_emit (self, signals[TOLD], 0, what);
}

ParleyResponder *
parley_engines_open (ParleyEngines *self, ParleyModel *model)
{
  if (self->model != NULL &&
      g_str_equal (parley_model_get_path (self->model), parley_model_get_path (model))) {
    ParleyWorkerState state = parley_worker_client_get_state (self->client);
    if (state != PARLEY_WORKER_READY && state != PARLEY_WORKER_LOADING)
      parley_engines_reload (self);
    return self->responder;
  }
  parley_engines_unload (self);
  self->model = g_object_ref (model);
  self->client = parley_worker_client_new ();
  g_signal_connect_object (self->client, "moved", G_CALLBACK (moved), self, 0);
  ParleyLocalResponder *responder = parley_local_responder_new (self->client);
  parley_local_responder_set_model (responder, parley_model_get_name (model),
                                    parley_model_get_id (model), parley_model_get_sha256 (model));
  self->responder = PARLEY_RESPONDER (responder);
  parley_engines_reload (self);
  return self->responder;
}

static void
dispose (GObject *object)
{
  ParleyEngines *self = PARLEY_ENGINES (object);

  parley_engines_unload (self);
  g_clear_object (&self->hardware);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (parley_engines_parent_class)->dispose (object);
}

static void
parley_engines_class_init (ParleyEnginesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  signals[CHANGED] = g_signal_new ("changed", PARLEY_TYPE_ENGINES, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
  signals[TOLD] = g_signal_new ("told", PARLEY_TYPE_ENGINES, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
parley_engines_init (ParleyEngines *self)
{
}

ParleyEngines *
parley_engines_new (ParleyHardware *hardware, ParleyStore *store)
{
  ParleyEngines *self = g_object_new (PARLEY_TYPE_ENGINES, NULL);

  self->hardware = g_object_ref (hardware);
  self->store = g_object_ref (store);
  return self;
}
