/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The best settings for a model on a computer: every placement, cache type and batch is reckoned,
 * which takes a tenth of a second and needs no cleverness.
 */
#include "fit/fit-private.h"

#include <glib/gi18n.h>

/* In the order of preference where they take the same time. */
static const enum pe_type cache_types[] = { PE_TYPE_F16, PE_TYPE_Q8_0 };
static const guint32 batches[] = { 512, 256, 128, 32 };
static const guint32 contexts[] = { 8192, 4096, 2048, 1024, 512 };

typedef struct {
  ParleyFitModel *model;
  const struct pe_device_info *devices;
  gsize n_devices;
  const ParleySpeedHistory *history;
  ParleyFit *best;
} Search;

/* Without any rate the most layers are taken for the quickest. */
static gboolean
is_better (const ParleyFit *a, const ParleyFit *b)
{
  if (!b)
    return TRUE;
  if (a->speed.turn_seconds > 0 && b->speed.turn_seconds > 0)
    return a->speed.turn_seconds < b->speed.turn_seconds;
  return a->gpu_layers > b->gpu_layers;
}

/* Takes `request` if it fits and is better than the best until now; its number of layers, or 0
 * where there is no plan. */
static guint
consider (Search *search, const struct pe_plan_request *request)
{
  g_autoptr (ParleyFit) fit = parley_fit_model_plan (search->model, request, search->devices,
                                                     search->n_devices, search->history, NULL);
  if (!fit || fit->verdict == PARLEY_FIT_UNSUPPORTED)
    return 0;
  if (_parley_fit_leaves_margins (fit) && is_better (fit, search->best)) {
    g_clear_pointer (&search->best, parley_fit_unref);
    search->best = parley_fit_ref (fit);
  }
  return fit->n_layers;
}

static void
search_context (Search *search, guint32 n_ctx)
{
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.n_ctx = n_ctx;
  for (gsize t = 0; t < G_N_ELEMENTS (cache_types); t++)
    for (gsize b = 0; b < G_N_ELEMENTS (batches); b++) {
      request.k_type = request.v_type = cache_types[t];
      request.n_batch = batches[b];
      request.n_gpu_layers = PE_GPU_LAYERS_AUTO;
      guint n_layers = consider (search, &request);
      for (guint n = 0; search->n_devices > 1 && n <= n_layers + 1; n++) {
        request.n_gpu_layers = (gint32) n;
        consider (search, &request);
      }
    }
}

static char *
explain (const ParleyFit *fit, guint32 wanted)
{
  const struct pe_plan_request *r = &fit->request;
  g_autofree char *gpus = _parley_fit_gpu_names (fit);
  g_autofree char *place = fit->n_devices < 2 || fit->gpu_layers == 0
                               ? g_strdup (_ ("Everything runs on the processor"))
                           : fit->gpu_layers > fit->n_layers
                               ? g_strdup_printf (_ ("All layers go onto %s"), gpus)
                               : g_strdup_printf (_ ("%u of %u layers go onto %s"), fit->gpu_layers,
                                                  fit->n_layers + 1, gpus);
  const char *why = fit->speed.turn_seconds > 0
                        ? _ ("the quickest that fits by what was measured here")
                        : _ ("the most that fits");
  const char *cache =
      r->k_type == PE_TYPE_F16 ? "" : _ (", with the cache in 8 bits so that more fits");
  const char *less = wanted && r->n_ctx < wanted ? _ ("; more does not fit") : "";
  return g_strdup_printf (_ ("%s, %s; the context is %u tokens%s%s."), place, why, r->n_ctx, cache,
                          less);
}

gboolean
parley_fit_model_auto (ParleyFitModel *model, guint32 wanted, const struct pe_device_info *devices,
                       gsize n_devices, const ParleySpeedHistory *history,
                       struct pe_plan_request *request, char **sentence)
{
  Search search = { model, devices, n_devices, history, NULL };
  guint32 trained = parley_fit_model_get_trained_context (model);
  if (wanted)
    search_context (&search, wanted);
  for (gsize i = 0; i < G_N_ELEMENTS (contexts) && !search.best; i++)
    if (!wanted)
      search_context (&search, trained ? MIN (contexts[i], trained) : contexts[i]);
  if (!search.best) {
    pe_plan_request_init (request);
    request->n_ctx = wanted ? wanted : contexts[G_N_ELEMENTS (contexts) - 1];
    request->n_batch = batches[G_N_ELEMENTS (batches) - 1];
    request->n_gpu_layers = 0;
    *sentence = g_strdup (_ ("No settings were found with which this model fits into memory."));
    return FALSE;
  }
  *request = search.best->request;
  *sentence = explain (search.best, wanted ? wanted : MIN (contexts[0], trained ? trained : 8192));
  parley_fit_unref (search.best);
  return TRUE;
}
