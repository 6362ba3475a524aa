/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-best-settings.h"

#include "app/models/parley-forecast.h"

/* What a plan takes by itself. */
#define USUAL_CONTEXT 8192
#define USUAL_BATCH   512
#define BY_ITSELF     "auto" /* layers: no number, so the plan counts them */

typedef struct {
  ParleyServices *services;
  ParleyModel *model;
  GCancellable *cancellable;
  gboolean firm; /* the person asked for the model's context: it is not chosen */
  guint trained; /* tokens, of the model */
  ParleyBestSettingsDone done;
  gpointer data;
  GDestroyNotify destroy;
} Choice;

static void
choice_free (gpointer data)
{
  Choice *self = data;

  if (self->destroy != NULL)
    self->destroy (self->data);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->model);
  g_free (self);
}

static void
keep_number (Choice *self, const char *key, guint number, guint usual)
{
  g_autofree char *text = g_strdup_printf ("%u", number);
  g_autofree char *by_itself = g_strdup_printf ("%u", usual);

  parley_engines_choose (self->services->engines, self->model, key, text, by_itself);
}

static void
keep (Choice *self, const struct pe_plan_request *request)
{
  ParleyEngines *engines = self->services->engines;
  g_autofree char *layers = request->n_gpu_layers < 0
                                ? g_strdup (BY_ITSELF)
                                : g_strdup_printf ("%d", request->n_gpu_layers);

  parley_engines_choose (engines, self->model, "gpu-layers", layers, BY_ITSELF);
  keep_number (self, "cpu-experts", request->n_cpu_experts, 0);
  keep_number (self, "batch", request->n_batch, USUAL_BATCH);
  if (!self->firm) /* else it is what it was */
    keep_number (self, "context", request->n_ctx,
                 self->trained > 0 ? MIN (self->trained, USUAL_CONTEXT) : USUAL_CONTEXT);
  parley_engines_choose (engines, self->model, "kv",
                         request->k_type == PE_TYPE_Q8_0 ? "q8_0" : "f16", "f16");
}

static void
chosen (gpointer subject, const struct pe_plan_request *request, const char *sentence,
        gpointer data)
{
  Choice *self = data;
  ParleyEngine *engine = parley_engines_find (self->services->engines, self->model);

  if (request != NULL) {
    keep (self, request);
    if (engine != NULL)
      parley_engines_reload (self->services->engines, engine);
  }
  self->done (sentence, self->data);
}

/* `held`: what the model holds itself would be free for it; NULL: it is not loaded. */
static void
choose (Choice *self, GArray *held)
{
  gboolean own = FALSE;
  guint64 wanted = 0;
  g_autofree char *wish =
      parley_engines_get_wish (self->services->engines, self->model, "context", &own);

  if (wish == NULL || !g_ascii_string_to_unsigned (wish, 10, 256, 1 << 24, &wanted, NULL))
    wanted = 0;
  self->firm = own && wanted > 0;
  self->trained = parley_model_get_context_length (self->model);
  parley_forecast_choose (self->services, self->model, (guint) wanted, self->firm, held,
                          self->cancellable, chosen, self, choice_free);
}

static void
held_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  Choice *self = data;
  ParleyEngine *engine = parley_engines_find (self->services->engines, self->model);
  g_autoptr (GArray) held =
      parley_worker_client_memory_finish (PARLEY_WORKER_CLIENT (source), result, NULL);

  if (g_cancellable_is_cancelled (self->cancellable) || engine == NULL ||
      parley_engine_get_client (engine) != PARLEY_WORKER_CLIENT (source))
    choice_free (self);
  else
    choose (self, held);
}

void
parley_best_settings_take (ParleyServices *services, ParleyModel *model, GCancellable *cancellable,
                           ParleyBestSettingsDone done, gpointer data, GDestroyNotify destroy)
{
  ParleyEngine *engine = parley_engines_find (services->engines, model);
  ParleyWorkerClient *client = engine != NULL ? parley_engine_get_client (engine) : NULL;
  Choice *self = g_new0 (Choice, 1);

  self->services = services;
  self->model = g_object_ref (model);
  self->cancellable = g_object_ref (cancellable);
  self->done = done;
  self->data = data;
  self->destroy = destroy;
  if (client != NULL && parley_worker_client_get_state (client) == PARLEY_WORKER_READY)
    parley_worker_client_memory_async (client, NULL, held_ready, self);
  else
    choose (self, NULL);
}
