/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The best settings for a model on a computer: every placement is reckoned, with the largest batch
 * for which there is room beside it, with the cache in 16 bits and then in 8. Fewer bits save more,
 * but replies get worse, which is for a person to choose.
 */
#include "fit/fit-private.h"

#include <glib/gi18n.h>

/* In the order of preference where they take the same time. */
static const enum pe_type cache_types[] = { PE_TYPE_F16, PE_TYPE_Q8_0 };
static const guint32 contexts[] = { 8192, 4096, 2048, 1024, 512 };

/* What a typical prompt is cut into; see speed.h. */
#define MOST_ROWS 512
/* Below 32 rows kernels reach less than is foretold, which knows no blocks of rows. */
#define MOST_PASSES 16

typedef struct {
  ParleyFitModel *model;
  const struct pe_device_info *devices;
  gsize n_devices;
  const ParleySpeedHistory *history;
  struct pe_plan_request request; /* with what is being looked at */
  guint n_layers;
  gboolean experts; /* the model has some */
  ParleyFit *best;
  double ideal; /* seconds of the quickest turn that was reckoned, whether it fits or not */
} Search;

static double
seconds (const ParleyFit *fit)
{
  return fit->speed.turn_seconds;
}

/* Without any rate the most layers are taken for the quickest. Where it makes no difference, as the
 * GPU cannot take them, none are asked for. */
static gboolean
is_better (const ParleyFit *a, const ParleyFit *b)
{
  if (!b)
    return TRUE;
  if (a->gpu_layers == b->gpu_layers && a->request.n_gpu_layers < b->request.n_gpu_layers &&
      seconds (a) <= seconds (b))
    return TRUE;
  if (seconds (a) > 0 && seconds (b) > 0)
    return seconds (a) < seconds (b);
  return a->gpu_layers > b->gpu_layers;
}

/* So many rows a batch, and of the layers on the GPU the first so many with their experts in RAM;
 * NULL: there is no such plan. */
static ParleyFit *
reckon (Search *search, guint32 rows, guint experts_in_ram)
{
  struct pe_plan_request *r = &search->request;
  /* The output counts as a layer and is the first to go: these are the layers in RAM. */
  guint in_ram = search->n_layers + 1 - MAX (1, (guint) r->n_gpu_layers);
  r->n_batch = rows;
  r->n_cpu_experts = experts_in_ram ? in_ram + experts_in_ram : 0;
  ParleyFit *fit = parley_fit_model_plan (search->model, r, search->devices, search->n_devices,
                                          search->history, NULL);
  if (fit && seconds (fit) > 0 && (search->ideal == 0 || seconds (fit) < search->ideal))
    search->ideal = seconds (fit);
  return fit;
}

static gboolean
fits (Search *search, guint32 rows, guint experts_in_ram, gboolean gpu_alone)
{
  g_autoptr (ParleyFit) fit = reckon (search, rows, experts_in_ram);
  return fit &&
         (gpu_alone ? _parley_fit_leaves_gpu_margins (fit) : _parley_fit_leaves_margins (fit));
}

/* The least of first … last with which the GPUs have room for so many rows; last + 1: none. */
static guint
least_experts (Search *search, guint32 rows, guint first, guint last)
{
  guint low = first, high = last + 1;
  while (low < high) {
    guint middle = low + (high - low) / 2;
    if (fits (search, rows, middle, TRUE))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* A prompt takes so many passes; the fewest rows with which it does. */
static guint32
rows_for (guint passes)
{
  return (MOST_ROWS + passes - 1) / passes;
}

static void
take (Search *search, guint32 rows, guint experts_in_ram)
{
  g_autoptr (ParleyFit) fit = reckon (search, rows, experts_in_ram);
  if (fit && _parley_fit_leaves_margins (fit) && is_better (fit, search->best)) {
    g_clear_pointer (&search->best, parley_fit_unref);
    search->best = g_steal_pointer (&fit);
  }
}

/* Of several GPUs fewer may do where less has to fit: then no batch is known to be the quickest. */
static gboolean
may_spread (const Search *search)
{
  return search->n_devices > 2;
}

/* With as many rows as there is room for. */
static void
consider (Search *search, guint experts_in_ram)
{
  guint low = 1, high = MOST_PASSES;
  if (may_spread (search)) {
    for (guint passes = 1; passes <= MOST_PASSES; passes++)
      if (passes == 1 || rows_for (passes) != rows_for (passes - 1))
        take (search, rows_for (passes), experts_in_ram);
    return;
  }
  if (fits (search, MOST_ROWS, experts_in_ram, FALSE))
    high = 1;
  while (low < high) {
    guint middle = low + (high - low) / 2;
    if (fits (search, rows_for (middle), experts_in_ram, FALSE))
      high = middle;
    else
      low = middle + 1;
  }
  take (search, rows_for (low), experts_in_ram);
}

/* Whether the best is no slower than this would be with all the memory there could be. */
static gboolean
is_hopeless (Search *search, guint most_experts)
{
  g_autoptr (ParleyFit) none = reckon (search, MOST_ROWS, 0);
  g_autoptr (ParleyFit) all = most_experts ? reckon (search, MOST_ROWS, most_experts) : NULL;
  return search->best && none && !is_better (none, search->best) &&
         (!all || !is_better (all, search->best));
}

/* Experts in RAM make room for layers and for rows. The fewest that do are the best where the GPU
 * is the quicker of the two, and as many as the RAM holds where it is not. */
static void
search_placement (Search *search, guint gpu_layers)
{
  search->request.n_gpu_layers = (gint32) gpu_layers;
  guint most = search->experts && gpu_layers > 1 ? gpu_layers - 1 : 0;
  if (!may_spread (search) && is_hopeless (search, most))
    return;
  guint least = least_experts (search, rows_for (MOST_PASSES), 0, most);
  if (least > most)
    return;
  guint roomy = MIN (least_experts (search, MOST_ROWS, least, most), most);
  for (guint n = roomy + 1; n-- > least;)
    consider (search, n);
  guint low = roomy, high = most;
  while (low < high) {
    guint middle = low + (high - low + 1) / 2;
    if (fits (search, MOST_ROWS, middle, FALSE))
      low = middle;
    else
      high = middle - 1;
  }
  if (low > roomy)
    consider (search, low);
}

static void
search_context (Search *search, guint32 n_ctx)
{
  pe_plan_request_init (&search->request);
  search->request.n_ctx = n_ctx;
  search->ideal = 0;
  for (gsize t = 0; t < G_N_ELEMENTS (cache_types); t++) {
    search->request.k_type = search->request.v_type = cache_types[t];
    for (guint n = search->n_devices > 1 ? search->n_layers + 2 : 1; n-- > 0;)
      search_placement (search, n);
    if (search->best && !may_spread (search) && seconds (search->best) > 0 &&
        seconds (search->best) <= search->ideal)
      return;
  }
}

/* How many layers there are, and whether any has experts. FALSE: the engine cannot run it. */
static gboolean
describe_model (Search *search)
{
  pe_plan_request_init (&search->request);
  search->request.n_gpu_layers = 0;
  search->request.n_cpu_experts = 1;
  g_autoptr (ParleyFit) fit = parley_fit_model_plan (
      search->model, &search->request, search->devices, search->n_devices, NULL, NULL);
  if (!fit || fit->verdict == PARLEY_FIT_UNSUPPORTED)
    return FALSE;
  search->n_layers = fit->n_layers;
  search->experts = fit->request.n_cpu_experts > 0;
  return TRUE;
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
  g_autofree char *rows =
      r->n_batch < MIN (MOST_ROWS, r->n_ctx)
          ? g_strdup_printf (_ (", and prompts are read %u tokens at a time"), r->n_batch)
          : g_strdup ("");
  const char *less = wanted && r->n_ctx < wanted ? _ ("; more does not fit") : "";
  guint experts = _parley_fit_experts_in_ram (fit);
  g_autofree char *apart =
      experts ? g_strdup_printf (ngettext (" without the experts of %u layer",
                                           " without the experts of %u layers", experts),
                                 experts)
              : g_strdup ("");
  return g_strdup_printf (_ ("%s%s, %s; the context is %u tokens%s%s%s."), place, apart, why,
                          r->n_ctx, cache, rows, less);
}

gboolean
parley_fit_model_auto (ParleyFitModel *model, guint32 wanted, const struct pe_device_info *devices,
                       gsize n_devices, const ParleySpeedHistory *history,
                       struct pe_plan_request *request, char **sentence)
{
  Search search = {
    .model = model, .devices = devices, .n_devices = n_devices, .history = history
  };
  guint32 trained = parley_fit_model_get_trained_context (model);
  gboolean usable = describe_model (&search);
  if (wanted && usable)
    search_context (&search, wanted);
  for (gsize i = 0; i < G_N_ELEMENTS (contexts) && usable && !search.best; i++)
    if (!wanted)
      search_context (&search, trained ? MIN (contexts[i], trained) : contexts[i]);
  if (!search.best) {
    pe_plan_request_init (request);
    request->n_ctx = wanted ? wanted : contexts[G_N_ELEMENTS (contexts) - 1];
    request->n_batch = rows_for (MOST_PASSES);
    request->n_gpu_layers = 0;
    *sentence = g_strdup (_ ("No settings were found with which this model fits into memory."));
    return FALSE;
  }
  *request = search.best->request;
  *sentence = explain (search.best, wanted ? wanted : MIN (contexts[0], trained ? trained : 8192));
  parley_fit_unref (search.best);
  return TRUE;
}
