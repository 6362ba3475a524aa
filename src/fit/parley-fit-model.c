/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fit/parley-fit-model.h"

#include "bridge/parley-engine-error.h"
#include "engine/parley-engine.h"
#include "fit/fit-private.h"

#define CONTEXT_STEP 256

struct _ParleyFitModel {
  gatomicrefcount references;
  struct pe_model *model;
};

G_DEFINE_BOXED_TYPE (ParleyFitModel, parley_fit_model, parley_fit_model_ref, parley_fit_model_unref)

ParleyFitModel *
parley_fit_model_ref (ParleyFitModel *model)
{
  g_atomic_ref_count_inc (&model->references);
  return model;
}

void
parley_fit_model_unref (ParleyFitModel *model)
{
  if (!g_atomic_ref_count_dec (&model->references))
    return;
  pe_model_close (model->model);
  g_free (model);
}

static ParleyFitModel *
wrap (struct pe_model *model)
{
  ParleyFitModel *self = g_new0 (ParleyFitModel, 1);
  g_atomic_ref_count_init (&self->references);
  self->model = model;
  return self;
}

ParleyFitModel *
parley_fit_model_open (const char *path, GError **error)
{
  struct pe_error engine_error = { 0 };
  struct pe_model *model;
  if (pe_model_open (path, &model, &engine_error))
    return wrap (model);
  parley_set_engine_error (error, &engine_error);
  return NULL;
}

ParleyFitModel *
parley_fit_model_open_header (GBytes *header, guint64 file_bytes, const char *name, GError **error)
{
  struct pe_error engine_error = { 0 };
  struct pe_model *model;
  gsize n;
  const void *bytes = g_bytes_get_data (header, &n);
  if (pe_model_open_header (bytes, n, file_bytes, name, &model, &engine_error))
    return wrap (model);
  parley_set_engine_error (error, &engine_error);
  return NULL;
}

guint32
parley_fit_model_get_trained_context (ParleyFitModel *model)
{
  return pe_model_info (model->model)->n_ctx_train;
}

ParleyFit *
parley_fit_model_plan (ParleyFitModel *self, const struct pe_plan_request *request,
                       const struct pe_device_info *devices, gsize n_devices,
                       const ParleySpeedHistory *history, GError **error)
{
  struct pe_error engine_error = { 0 };
  struct pe_plan_request usual;
  struct pe_plan *plan;
  g_autoptr (ParleyFit) fit = _parley_fit_new ();
  fit->file_bytes = pe_model_info (self->model)->file_bytes;
  pe_plan_request_init (&usual);
  if (!pe_model_can_compute (self->model, &engine_error)) {
    fit->verdict = PARLEY_FIT_UNSUPPORTED;
    fit->sentence = g_strdup (engine_error.message);
    return g_steal_pointer (&fit);
  }
  if (!pe_plan_make (self->model, request ? request : &usual, devices, n_devices, &plan,
                     &engine_error)) {
    parley_set_engine_error (error, &engine_error);
    return NULL;
  }
  _parley_fit_take_plan (fit, plan);
  fit->n_experts = pe_model_info (self->model)->n_experts;
  g_autofree char *gpus = _parley_fit_gpu_names (fit);
  parley_speed_predict (self->model, plan, gpus, history, &fit->speed);
  pe_plan_free (plan);
  _parley_fit_conclude (fit);
  return g_steal_pointer (&fit);
}

gboolean
_parley_fit_model_seconds (ParleyFitModel *self, const struct pe_plan_request *request,
                           const struct pe_device_info *devices, gsize n_devices, guint depth,
                           guint prompt_tokens, guint reply_tokens, double *prompt_seconds,
                           double *reply_seconds)
{
  struct pe_error error;
  struct pe_plan *plan;
  if (!pe_plan_make (self->model, request, devices, n_devices, &plan, &error))
    return FALSE;
  parley_speed_of_run (self->model, plan, depth, prompt_tokens, reply_tokens, prompt_seconds,
                       reply_seconds);
  pe_plan_free (plan);
  return TRUE;
}

/* ---- the largest that fits ---- */

static gboolean
fits (ParleyFitModel *self, const struct pe_plan_request *request,
      const struct pe_device_info *devices, gsize n_devices)
{
  g_autoptr (ParleyFit) fit = parley_fit_model_plan (self, request, devices, n_devices, NULL, NULL);
  return fit && fit->verdict != PARLEY_FIT_UNSUPPORTED && _parley_fit_leaves_margins (fit);
}

guint32
parley_fit_model_largest_context (ParleyFitModel *self, const struct pe_plan_request *request,
                                  const struct pe_device_info *devices, gsize n_devices)
{
  struct pe_plan_request r = *request;
  guint32 trained = parley_fit_model_get_trained_context (self);
  guint32 low = 0, high = (trained ? trained : 8192) / CONTEXT_STEP;
  if (high == 0) {
    r.n_ctx = trained;
    return fits (self, &r, devices, n_devices) ? trained : 0;
  }
  while (low < high) {
    guint32 middle = low + (high - low + 1) / 2;
    r.n_ctx = middle * CONTEXT_STEP;
    if (fits (self, &r, devices, n_devices))
      low = middle;
    else
      high = middle - 1;
  }
  return low * CONTEXT_STEP;
}

guint
parley_fit_model_largest_layers (ParleyFitModel *self, const struct pe_plan_request *request,
                                 const struct pe_device_info *devices, gsize n_devices)
{
  struct pe_plan_request r = *request;
  guint low = 0, high = pe_model_info (self->model)->n_layers + 1;
  while (n_devices > 1 && low < high) {
    guint middle = low + (high - low + 1) / 2;
    r.n_gpu_layers = (gint32) middle;
    if (fits (self, &r, devices, n_devices))
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

GArray *
parley_fit_model_sweep (ParleyFitModel *self, const struct pe_plan_request *request,
                        const struct pe_device_info *devices, gsize n_devices,
                        const ParleySpeedHistory *history, guint *best)
{
  g_autoptr (GArray) points = g_array_new (FALSE, TRUE, sizeof (ParleyFitPoint));
  struct pe_plan_request r = *request;
  guint n = n_devices > 1 ? pe_model_info (self->model)->n_layers + 1 : 0, quickest = 0;
  double least = 0;
  for (guint i = 0; i <= n; i++) {
    ParleyFitPoint point = { 0 };
    r.n_gpu_layers = (gint32) i;
    g_autoptr (ParleyFit) fit = parley_fit_model_plan (self, &r, devices, n_devices, history, NULL);
    if (!fit || fit->verdict == PARLEY_FIT_UNSUPPORTED)
      return NULL;
    point.speed = fit->speed;
    point.fits = _parley_fit_leaves_margins (fit);
    for (gsize d = 1; d < fit->n_devices; d++)
      point.gpu_bytes += fit->devices[d].planned;
    g_array_append_val (points, point);
    double seconds = point.speed.turn_seconds;
    if (point.fits && seconds > 0 && (least == 0 || seconds < least)) {
      least = seconds;
      quickest = i;
    }
  }
  if (best)
    *best = quickest;
  return g_steal_pointer (&points);
}
