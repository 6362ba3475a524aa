/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans, verdicts and the automatic choice on computers that are not here: a table of what drivers
 * say of their heaps, from sane to absurd.
 *
 *   test-fit SYNTH-MODEL
 */
#include "../harness.h"

#include "engine/parley-engine.h"
#include "fit/parley-fit-model.h"

#include <math.h>
#include <unistd.h>

#define MIB (1ull << 20)
#define GIB (1ull << 30)

/* ---- the computers ---- */

static const struct computer {
  const char *name;
  enum pe_device_kind kind;
  guint64 ram;
  struct pe_heap heaps[4];
  guint64 total, available; /* what has to come out of it */
  const char *doubt;        /* a part of it, or NULL: none */
} computers[] = {
  { "8 GB discrete",
    PE_DEVICE_DISCRETE,
    16 * GIB,
    { { 8 * GIB, 7 * GIB, GIB / 2, true, false }, { 8 * GIB, 8 * GIB, 0, false, true } },
    8 * GIB,
    6 * GIB + GIB / 2,
    NULL },
  { "24 GB",
    PE_DEVICE_DISCRETE,
    64 * GIB,
    { { 24 * GIB, 23 * GIB, 0, true, true }, { 32 * GIB, 32 * GIB, 0, false, true } },
    24 * GIB,
    23 * GIB,
    NULL },
  { "integrated, 2/3 + 1/3",
    PE_DEVICE_INTEGRATED,
    16 * GIB,
    { { 8 * GIB, 8 * GIB, 0, true, true }, { 4 * GIB, 4 * GIB, GIB, false, true } },
    12 * GIB,
    11 * GIB,
    NULL },
  { "integrated with more than there is",
    PE_DEVICE_INTEGRATED,
    8 * GIB,
    { { 30 * GIB, 30 * GIB, 0, true, true } },
    8 * GIB,
    8 * GIB / 10 * 9,
    NULL },
  { "small window",
    PE_DEVICE_DISCRETE,
    32 * GIB,
    { { 12 * GIB, 11 * GIB, 0, true, false },
      { 16 * GIB, 16 * GIB, 0, false, true },
      { 256 * MIB, 256 * MIB, 0, true, true } },
    12 * GIB,
    11 * GIB,
    NULL },
  { "no budget extension",
    PE_DEVICE_DISCRETE,
    32 * GIB,
    { { 10 * GIB, 0, 0, true, false }, { 16 * GIB, 0, 0, false, true } },
    10 * GIB,
    10 * GIB / 100 * 85,
    "does not say" },
  { "software only",
    PE_DEVICE_SOFTWARE,
    4 * GIB,
    { { 4 * GIB, 0, 0, true, true } },
    4 * GIB,
    4 * GIB / 100 * 85,
    "does not say" },
  { "heap of 128 MB",
    PE_DEVICE_DISCRETE,
    8 * GIB,
    { { 128 * MIB, 128 * MIB, 0, true, true } },
    128 * MIB,
    128 * MIB,
    "less memory than any model needs" },
  { "budget above the heap",
    PE_DEVICE_DISCRETE,
    8 * GIB,
    { { 4 * GIB, 40 * GIB, GIB, true, true } },
    4 * GIB,
    3 * GIB,
    "larger than the memory" },
  { "more used than there is",
    PE_DEVICE_DISCRETE,
    8 * GIB,
    { { 4 * GIB, 4 * GIB, 5 * GIB, true, true } },
    4 * GIB,
    0,
    NULL },
  { "an impossible heap",
    PE_DEVICE_DISCRETE,
    8 * GIB,
    { { UINT64_MAX, UINT64_MAX, 7, true, true } },
    0,
    0,
    "impossible" },
  { "no heap of its own",
    PE_DEVICE_DISCRETE,
    8 * GIB,
    { { 8 * GIB, 8 * GIB, 0, false, true } },
    0,
    0,
    "no memory of its own" },
  { "no heap at all", PE_DEVICE_INTEGRATED, 8 * GIB, { { 0 } }, 0, 0, "no memory of its own" },
};

/* The CPU with nine tenths of its RAM free, and the GPU, both with plausible rates. */
static gsize
build_computer (const struct computer *c, struct pe_device_info devices[2])
{
  memset (devices, 0, 2 * sizeof *devices);
  devices[0] = (struct pe_device_info){ .id = "cpu",
                                        .name = "Processor",
                                        .kind = PE_DEVICE_CPU,
                                        .memory_total = c->ram,
                                        .memory_available = c->ram / 10 * 9,
                                        .n_cores = 8,
                                        .n_threads = 16,
                                        .read_rate = 40e9,
                                        .transfer_rate = 10e9,
                                        .matmul_rate = 4e11 };
  struct pe_device_info *gpu = &devices[1];
  *gpu = (struct pe_device_info){ .id = "00ff",
                                  .name = "Card",
                                  .kind = c->kind,
                                  .allocation_alignment = 256,
                                  .max_allocation = 4 * GIB,
                                  .shared_memory_bytes = 32768,
                                  .subgroup_size = 32,
                                  .has_f16 = true,
                                  .has_timeline = true,
                                  .transfer_rate = 12e9 };
  gpu->read_rate = c->kind == PE_DEVICE_DISCRETE ? 400e9 : 50e9;
  gpu->matmul_rate = c->kind == PE_DEVICE_DISCRETE ? 2e13 : 1e12;
  for (guint i = 0; i < G_N_ELEMENTS (c->heaps) && c->heaps[i].size; i++)
    gpu->heaps[gpu->n_heaps++] = c->heaps[i];
  pe_heaps_judge (gpu, c->ram, devices[0].memory_available);
  for (gsize d = 0; d < 2; d++)
    for (guint type = 0; type < PE_TYPE_COUNT; type++)
      for (guint i = 0; pe_type_info (type) && i < PE_RATES_COUNT; i++) {
        struct pe_rates *r = &devices[d].rates[i];
        double share = d == 0 && i == PE_RATES_ONE_THREAD ? 0.3 : 0.8;
        r->read[type] = devices[d].read_rate * share;
        r->multiply[type] = devices[d].matmul_rate * share / 2;
        r->cache_read = devices[d].read_rate * share / 2;
        r->cache_multiply = devices[d].read_rate * share * 4;
        r->op_seconds = 1e-6;
        r->pass_seconds = d ? 5e-5 : 0;
      }
  return 2;
}

static void
heaps_are_judged (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (computers); i++) {
    const struct computer *c = &computers[i];
    struct pe_device_info devices[2];
    build_computer (c, devices);
    const struct pe_device_info *gpu = &devices[1];
    printf ("# %-36s %8.2f GiB, %8.2f available  %s\n", c->name, (double) gpu->memory_total / GIB,
            (double) gpu->memory_available / GIB, gpu->doubt);
    CHECK_MSG (gpu->memory_total == c->total && gpu->memory_available == c->available, "%s",
               c->name);
    CHECK_MSG (c->doubt ? strstr (gpu->doubt, c->doubt) != NULL : !*gpu->doubt, "%s: “%s”", c->name,
               gpu->doubt);
  }
}

static void
budgets_that_move_are_doubted (void)
{
  struct pe_device_info gpu = { .kind = PE_DEVICE_DISCRETE, .n_heaps = 2 };
  gpu.heaps[0] = (struct pe_heap){ 8 * GIB, 8 * GIB, 0, true, false };
  gpu.heaps[1] = (struct pe_heap){ GIB, GIB, 0, false, true };
  struct pe_heap later[2] = { gpu.heaps[0], gpu.heaps[1] };
  pe_heaps_merge (&gpu, later, 2);
  CHECK_STR (gpu.doubt, "");
  later[0].budget = 3 * GIB;
  pe_heaps_merge (&gpu, later, 2);
  pe_heaps_judge (&gpu, 16 * GIB, 16 * GIB);
  CHECK (gpu.memory_available == 3 * GIB && strstr (gpu.doubt, "changed"));
  pe_heaps_merge (&gpu, later, 0); /* all of them gone */
  pe_heaps_judge (&gpu, 16 * GIB, 16 * GIB);
  CHECK (gpu.memory_total == 0 && gpu.memory_available == 0);
}

static void
budgets_by_hand_bound_a_device (void)
{
  struct pe_device_info devices[2];
  build_computer (&computers[1], devices);
  pe_budget_apply (&devices[1], "cpu=1000,gpu=5000000000");
  CHECK (devices[1].memory_available == 5000000000u);
  pe_budget_apply (&devices[0], "cpu=1000000000,gpu=5");
  CHECK (devices[0].memory_available == 1000000000u);
  static const char *const nonsense[] = { "",       "gpu",    "gpu=", "gpu=0",
                                          "gpu=-",  "gpu=x",  "=5",   ",,,",
                                          "gpu=5x", "00fe=1", "gp=1", "gpu=99999999999999999999" };
  for (gsize i = 0; i < G_N_ELEMENTS (nonsense); i++) {
    pe_budget_apply (&devices[1], nonsense[i]);
    CHECK_MSG (devices[1].memory_available == 5000000000u, "%s", nonsense[i]);
  }
}

/* ---- a model of eight layers and some 760 MB, of which nothing but the header is read ---- */

static char *path;
static ParleyFitModel *model;

static void
plan_on (const struct computer *c, gint32 layers, guint32 n_ctx, ParleyFit **out)
{
  struct pe_device_info devices[2];
  struct pe_plan_request request;
  gsize n = build_computer (c, devices);
  pe_plan_request_init (&request);
  request.n_gpu_layers = layers;
  request.n_ctx = n_ctx;
  *out = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK_MSG (*out, "%s", c->name);
}

static void
verdicts_follow_the_memory (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (computers); i++) {
    const struct computer *c = &computers[i];
    g_autoptr (ParleyFit) fit = NULL;
    plan_on (c, PE_GPU_LAYERS_AUTO, 4096, &fit);
    const ParleyFitDevice *gpu = parley_fit_get_device (fit, 1);
    printf ("# %-36s %-18s %u layers, %s\n", c->name,
            parley_fit_verdict_words (parley_fit_get_verdict (fit)),
            parley_fit_get_gpu_layers (fit), parley_fit_get_sentence (fit));
    guint64 margin = parley_fit_margin (&gpu->info);
    CHECK_MSG (parley_fit_get_verdict (fit) != PARLEY_FIT_UNSUPPORTED, "%s", c->name);
    if (parley_fit_get_gpu_layers (fit))
      CHECK_MSG (gpu->planned + margin <= c->available, "%s", c->name);
    if (c->available < 512 * MIB)
      CHECK_MSG (parley_fit_get_gpu_layers (fit) == 0, "%s", c->name);
    if (c->available >= 3 * GIB)
      CHECK_MSG (parley_fit_get_verdict (fit) == PARLEY_FIT_ON_GPU, "%s", c->name);
    CHECK (parley_fit_is_doubtful (fit) == (c->doubt && parley_fit_get_gpu_layers (fit)));
  }
  /* A choice by hand that does not fit is said so. */
  g_autoptr (ParleyFit) small = NULL;
  plan_on (&computers[7], 9, 4096, &small);
  CHECK (parley_fit_get_verdict (small) == PARLEY_FIT_TOO_LARGE);
  CHECK (strstr (parley_fit_get_sentence (small), "Card"));
}

/* What an integrated GPU takes counts against the RAM once, whichever side it is on. */
static void
shared_memory_counts_once (void)
{
  struct computer c = computers[2];
  g_autoptr (ParleyFit) fit = NULL;
  c.ram = 2 * GIB;
  c.heaps[0] = (struct pe_heap){ GIB, GIB, 0, true, true };
  c.heaps[1] = (struct pe_heap){ GIB / 2, GIB / 2, 0, false, true };
  plan_on (&c, PE_GPU_LAYERS_AUTO, 4096, &fit);
  guint64 both = parley_fit_get_device (fit, 0)->planned + parley_fit_get_device (fit, 1)->planned;
  guint64 margin = parley_fit_margin (&parley_fit_get_device (fit, 0)->info);
  CHECK ((parley_fit_get_verdict (fit) == PARLEY_FIT_TOO_LARGE) ==
         (both + margin > c.ram / 10 * 9));
}

static void
the_largest_that_fits (void)
{
  struct pe_device_info devices[2];
  struct pe_plan_request request;
  gsize n = build_computer (&computers[0], devices);
  devices[1].memory_available = 1200 * MIB;
  pe_plan_request_init (&request);
  request.n_ctx = 8192;
  guint layers = parley_fit_model_largest_layers (model, &request, devices, n);
  CHECK_MSG (layers > 0 && layers < 9, "%u layers", layers);
  for (guint i = 0; i < 2; i++) {
    request.n_gpu_layers = (gint32) (layers + i);
    g_autoptr (ParleyFit) fit = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
    CHECK ((parley_fit_get_verdict (fit) == PARLEY_FIT_TOO_LARGE) == (i == 1));
  }
  request.n_gpu_layers = (gint32) layers;
  guint32 context = parley_fit_model_largest_context (model, &request, devices, n);
  CHECK_MSG (context >= 8192 && context % 256 == 0 && context < 131072, "%u tokens", context);
  request.n_ctx = context + 4096; /* a segment of the cache more */
  g_autoptr (ParleyFit) more = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (parley_fit_get_verdict (more) == PARLEY_FIT_TOO_LARGE);
  devices[1].memory_margin = devices[1].memory_available; /* everything is to stay free */
  CHECK (parley_fit_model_largest_layers (model, &request, devices, n) == 0);
}

/* ---- speed ---- */

static void
speed_follows_the_rates (void)
{
  struct pe_device_info devices[2];
  struct pe_plan_request request;
  gsize n = build_computer (&computers[1], devices);
  pe_plan_request_init (&request);
  request.n_ctx = 16384;
  guint best;
  g_autoptr (GArray) points = parley_fit_model_sweep (model, &request, devices, n, NULL, &best);
  CHECK (points && points->len == 10 && best == 9);
  for (guint i = 0; i < points->len; i++) {
    const ParleyFitPoint *p = &g_array_index (points, ParleyFitPoint, i);
    CHECK (p->fits && p->speed.trust == PARLEY_SPEED_PREDICTED && *p->speed.basis);
    CHECK (p->speed.generation > p->speed.generation_full && p->speed.generation_full > 0);
    CHECK (p->speed.prompt > p->speed.generation && p->speed.load_seconds > 0);
    CHECK (i == 0 || p->gpu_bytes > g_array_index (points, ParleyFitPoint, i - 1).gpu_bytes);
  }
  g_autoptr (ParleyFit) whole = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  const ParleySpeedHistory history = { 0.5, 0.8, 3 };
  g_autoptr (ParleyFit) corrected =
      parley_fit_model_plan (model, &request, devices, n, &history, NULL);
  CHECK (fabs (parley_fit_get_speed (corrected) / parley_fit_get_speed (whole) - 0.5) < 1e-9);
  CHECK (parley_fit_get_trust (corrected) == PARLEY_SPEED_MEASURED);
  CHECK (strstr (parley_fit_get_basis (corrected), "3 replies"));

  memset (devices[1].rates, 0, sizeof devices[1].rates); /* never measured by the engine */
  g_autoptr (ParleyFit) rough = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (parley_fit_get_trust (rough) == PARLEY_SPEED_ROUGH && parley_fit_get_speed (rough) > 0);
  devices[1].read_rate = devices[1].matmul_rate = 0; /* nor by anybody */
  g_autoptr (ParleyFit) none = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (parley_fit_get_speed (none) == 0 && strstr (parley_fit_get_basis (none), "no data"));
}

static void
threads_lie_between_one_and_all (void)
{
  struct pe_device_info cpu = { .kind = PE_DEVICE_CPU, .n_cores = 8 };
  double last = 0;
  CHECK (pe_rate_with_threads (&cpu, 1, 10, 40) == 10);
  for (guint32 n = 1; n <= 8; n++) {
    double rate = pe_rate_with_threads (&cpu, n, 10, 40);
    CHECK (rate > last && rate <= 40);
    last = rate;
  }
  CHECK (last == 40 && pe_rate_with_threads (&cpu, 64, 10, 40) == 40);
  CHECK (pe_rate_with_threads (&cpu, 4, 0, 40) == 40);
}

/* ---- the automatic choice ---- */

static void
automatic_is_never_slower (void)
{
  static const enum pe_type caches[] = { PE_TYPE_F32, PE_TYPE_F16, PE_TYPE_Q8_0, PE_TYPE_Q4_0 };
  guint tried = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (computers); i++) {
    struct pe_device_info devices[2];
    struct pe_plan_request chosen, manual;
    gsize n = build_computer (&computers[i], devices);
    g_autofree char *sentence = NULL;
    gboolean found = parley_fit_model_auto (model, 0, devices, n, &chosen, &sentence);
    printf ("# %-36s %s\n", computers[i].name, sentence);
    CHECK_MSG (found && *sentence, "%s", computers[i].name);
    g_autoptr (ParleyFit) best = parley_fit_model_plan (model, &chosen, devices, n, NULL, NULL);
    CHECK_MSG (best && parley_fit_get_verdict (best) != PARLEY_FIT_TOO_LARGE, "%s",
               computers[i].name);
    for (guint by_hand = 0; by_hand < 10 * G_N_ELEMENTS (caches) * 4; by_hand++) {
      manual = chosen;
      manual.n_gpu_layers = (gint32) (by_hand % 10);
      manual.k_type = manual.v_type = caches[by_hand / 10 % G_N_ELEMENTS (caches)];
      manual.n_batch = 64u << by_hand / 40;
      g_autoptr (ParleyFit) fit = parley_fit_model_plan (model, &manual, devices, n, NULL, NULL);
      if (!fit || parley_fit_get_verdict (fit) == PARLEY_FIT_TOO_LARGE)
        continue;
      tried++;
      CHECK_MSG (parley_fit_get_turn_seconds (best) <=
                     parley_fit_get_turn_seconds (fit) * (1 + 1e-9),
                 "%s: %d layers by hand take %.4f s, %d by itself %.4f s", computers[i].name,
                 manual.n_gpu_layers, parley_fit_get_turn_seconds (fit), chosen.n_gpu_layers,
                 parley_fit_get_turn_seconds (best));
    }
  }
  printf ("# %u choices by hand were no quicker\n", tried);
  CHECK (tried > 500);
}

static void
automatic_gives_up_in_words (void)
{
  struct pe_device_info devices[2];
  struct pe_plan_request chosen;
  g_autofree char *little = NULL, *none = NULL;
  build_computer (&computers[0], devices);
  /* A little less each time, until the usual context does not fit. */
  guint64 available = 2000 * MIB;
  do {
    g_free (little);
    devices[0].memory_available = available -= 8 * MIB;
    CHECK (parley_fit_model_auto (model, 0, devices, 1, &chosen, &little));
  } while (chosen.n_ctx == 8192);
  CHECK_MSG (chosen.n_ctx >= 512 && strstr (little, "does not fit"), "%s", little);
  CHECK (chosen.k_type == PE_TYPE_Q8_0); /* that was given up before */
  devices[0].memory_available = 100 * MIB;
  CHECK (!parley_fit_model_auto (model, 0, devices, 1, &chosen, &none) && *none);
}

int
main (int argc, char **argv)
{
  if (argc != 2)
    return 2;
  path = g_strdup_printf ("%s/parley-fit-%d.gguf", g_get_tmp_dir (), (int) getpid ());
  g_autofree char *command = g_strdup_printf (
      "%s --preset llama-1b --layers 8 --vocab 4000 --type q8_0 %s >/dev/null", argv[1], path);
  if (system (command) != 0)
    return 2;
  g_autoptr (GError) error = NULL;
  model = parley_fit_model_open (path, &error);
  if (!model) {
    fprintf (stderr, "test-fit: %s\n", error->message);
    return 2;
  }
  RUN (heaps_are_judged);
  RUN (budgets_that_move_are_doubted);
  RUN (budgets_by_hand_bound_a_device);
  RUN (verdicts_follow_the_memory);
  RUN (shared_memory_counts_once);
  RUN (the_largest_that_fits);
  RUN (speed_follows_the_rates);
  RUN (threads_lie_between_one_and_all);
  RUN (automatic_is_never_slower);
  RUN (automatic_gives_up_in_words);
  parley_fit_model_unref (model);
  unlink (path);
  g_free (path);
  return test_done ();
}
