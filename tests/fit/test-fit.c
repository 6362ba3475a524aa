/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans, verdicts and the automatic choice on computers that are not here: a table of what drivers
 * say of their heaps, from sane to absurd.
 *
 *   test-fit SYNTH-MODEL
 */
#include "../harness.h"

#include "engine/parley-engine.h"
#include "fit/history.h"
#include "hardware/parley-hardware.h"

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
  guint64 second;           /* bytes of a second card like the first */
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
  { "two GPUs, 8 GB and 4 GB",
    PE_DEVICE_DISCRETE,
    32 * GIB,
    { { 8 * GIB, 7 * GIB, 0, true, false }, { 16 * GIB, 16 * GIB, 0, false, true } },
    8 * GIB,
    7 * GIB,
    NULL,
    4 * GIB },
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

#define N_DEVICES 3

static const struct computer *
computer_called (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (computers); i++)
    if (strcmp (computers[i].name, name) == 0)
      return &computers[i];
  abort ();
}

/* The CPU with nine tenths of its RAM free, and one GPU or two, all with plausible rates. */
static gsize
build_computer (const struct computer *c, struct pe_device_info devices[N_DEVICES])
{
  memset (devices, 0, N_DEVICES * sizeof *devices);
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
  gsize n = 2;
  if (c->second) {
    struct pe_device_info *other = &devices[n++];
    *other = *gpu;
    g_strlcpy (other->id, "00fe", sizeof other->id);
    g_strlcpy (other->name, "Other card", sizeof other->name);
    other->heaps[0] = (struct pe_heap){ c->second, c->second, 0, true, false };
    pe_heaps_judge (other, c->ram, devices[0].memory_available);
  }
  for (gsize d = 0; d < n; d++)
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
  return n;
}

static void
heaps_are_judged (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (computers); i++) {
    const struct computer *c = &computers[i];
    struct pe_device_info devices[N_DEVICES];
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

/* As the program and the person change them. */
static void
budgets_are_kept_as_text (void)
{
  g_autofree char *one = parley_budgets_set (NULL, "cpu", PARLEY_BUDGET_MOST, 1000000000);
  g_autofree char *two = parley_budgets_set (one, "00ff", PARLEY_BUDGET_FREE, 7);
  g_autofree char *three = parley_budgets_set (two, "00ff", PARLEY_BUDGET_MOST, 5000000000);
  g_autofree char *four = parley_budgets_set (three, "cpu", PARLEY_BUDGET_MOST, 0);
  g_autofree char *five = parley_budgets_set (four, "00ff", PARLEY_BUDGET_FREE, 0);
  CHECK_STR (three, "cpu=1000000000,00ff-free=7,00ff=5000000000");
  CHECK (parley_budgets_get (three, "00ff", PARLEY_BUDGET_FREE) == 7);
  CHECK (parley_budgets_get (three, "00f", PARLEY_BUDGET_MOST) == 0);
  CHECK (parley_budgets_get (NULL, "cpu", PARLEY_BUDGET_MOST) == 0);
  CHECK (parley_budgets_get ("cpu=12x,cpu=-5,cpu=,=3", "cpu", PARLEY_BUDGET_MOST) == 0);
  CHECK_STR (five, "00ff=5000000000");
  const char *both = "gpu=9,00ff-free=4,00ff=7,cpu=5,gpu-free=3,gpu=8";
  CHECK (parley_budgets_in_force (both, "00ff", PARLEY_BUDGET_MOST) == 7);
  CHECK (parley_budgets_in_force (both, "00ff", PARLEY_BUDGET_FREE) == 3);
  CHECK (parley_budgets_in_force (both, "00aa", PARLEY_BUDGET_MOST) == 8);
  CHECK (parley_budgets_in_force (both, "cpu", PARLEY_BUDGET_MOST) == 5);
  CHECK (parley_budgets_in_force (both, "cpu", PARLEY_BUDGET_FREE) == 0);
  CHECK (parley_budgets_in_force (NULL, "cpu", PARLEY_BUDGET_MOST) == 0);
  CHECK (parley_budgets_set (five, "00ff", PARLEY_BUDGET_MOST, 0) == NULL);

  guint64 bytes = 1;
  CHECK (parley_budgets_parse_size ("1.5 GB", &bytes) && bytes == 1500000000);
  CHECK (parley_budgets_parse_size ("800mb", &bytes) && bytes == 800000000);
  CHECK (parley_budgets_parse_size ("0", &bytes) && bytes == 0);
  static const char *const nonsense[] = { "", "GB", "-1GB", "nan", "inf", "5 Gigs", "1e300 TB" };
  for (gsize i = 0; i < G_N_ELEMENTS (nonsense); i++)
    CHECK_MSG (!parley_budgets_parse_size (nonsense[i], &bytes), "%s", nonsense[i]);
}

/* ARCHITECTURE.md says why it is these. */
static void
margins_by_kind (void)
{
  static const struct {
    enum pe_device_kind kind;
    guint64 total, margin;
  } cases[] = {
    { PE_DEVICE_CPU, 4 * GIB, 512 * MIB },        { PE_DEVICE_CPU, 32 * GIB, 32 * GIB / 20 },
    { PE_DEVICE_DISCRETE, 4 * GIB, 512 * MIB },   { PE_DEVICE_DISCRETE, 8 * GIB, 512 * MIB },
    { PE_DEVICE_DISCRETE, 24 * GIB, 1536 * MIB }, { PE_DEVICE_DISCRETE, 80 * GIB, 5 * GIB },
    { PE_DEVICE_INTEGRATED, 4 * GIB, GIB },       { PE_DEVICE_INTEGRATED, 30 * GIB, 3 * GIB },
    { PE_DEVICE_SOFTWARE, 16 * GIB, 0 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    const struct pe_device_info device = { .kind = cases[i].kind, .memory_total = cases[i].total };
    guint64 margin = parley_fit_margin (&device);
    CHECK_MSG (margin == cases[i].margin, "%d, %u MiB: %u MiB", cases[i].kind,
               (guint) (cases[i].total / MIB), (guint) (margin / MIB));
    CHECK (cases[i].kind == PE_DEVICE_CPU || margin == pe_device_margin (&device));
  }
}

static void
margins_by_hand_replace_the_usual_ones (void)
{
  struct pe_device_info devices[N_DEVICES];
  build_computer (&computers[1], devices);
  guint64 before = devices[1].memory_available, usual = parley_fit_margin (&devices[1]);
  pe_budget_apply (&devices[1], "00ff-free=3000000000,cpu-free=7");
  CHECK (parley_fit_margin (&devices[1]) == 3000000000u && usual != 3000000000u);
  CHECK (devices[1].memory_available == before);
  pe_budget_apply (&devices[1], "gpu-free=2000000000,gpu=5000000000"); /* in any order */
  CHECK (devices[1].memory_available == 5000000000u);
  CHECK (parley_fit_margin (&devices[1]) == 2000000000u);
  pe_budget_apply (&devices[1], "-free=1,gpu-free=0,gpu-free=x,xgpu-free=5");
  CHECK (parley_fit_margin (&devices[1]) == 2000000000u);
  pe_budget_apply (&devices[0], "gpu-free=9,cpu-free=123456789");
  CHECK (parley_fit_margin (&devices[0]) == 123456789u);
}

static void
budgets_by_hand_bound_a_device (void)
{
  struct pe_device_info devices[N_DEVICES];
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
static ParleyFitModel *model, *moe;

static void
plan_on (const struct computer *c, gint32 layers, guint32 n_ctx, ParleyFit **out)
{
  struct pe_device_info devices[N_DEVICES];
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
  /* Every heap that promises nothing leaves the model in RAM, and a driver that lies is named. */
  g_autoptr (ParleyFit) lying = NULL;
  plan_on (computer_called ("budget above the heap"), PE_GPU_LAYERS_AUTO, 4096, &lying);
  CHECK (strstr (parley_fit_get_sentence (lying), "Less certain"));
  /* A choice by hand that does not fit is said so. */
  g_autoptr (ParleyFit) small = NULL;
  plan_on (computer_called ("heap of 128 MB"), 9, 4096, &small);
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

/* ---- several GPUs ---- */

static void
several_gpus_only_where_named (void)
{
  struct pe_device_info devices[N_DEVICES], used[PE_MAX_DEVICES];
  gsize n = build_computer (computer_called ("two GPUs, 8 GB and 4 GB"), devices);
  CHECK (n == 3);
  CHECK (parley_hardware_select (devices, n, NULL, used) == 2 && g_str_equal (used[1].id, "00ff"));
  CHECK (parley_hardware_select (devices, n, "00fe", used) == 2);
  CHECK (parley_hardware_select (devices, n, "00ff,00fe", used) == 3);
  CHECK_STR (used[1].id, "00ff");
  CHECK_STR (used[2].id, "00fe");
  CHECK (parley_hardware_select (devices, 1, "00ff,00fe", used) == 1); /* none is there */
}

/* The first is filled before the second gets a layer; what neither holds stays in RAM. */
static void
two_gpus_are_filled_in_order (void)
{
  struct pe_device_info devices[N_DEVICES];
  struct pe_plan_request request;
  const struct computer *c = computer_called ("two GPUs, 8 GB and 4 GB");
  gsize n = build_computer (c, devices);
  pe_plan_request_init (&request);
  request.n_ctx = 4096;
  g_autoptr (ParleyFit) roomy = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (parley_fit_get_verdict (roomy) == PARLEY_FIT_ON_GPU);
  CHECK (parley_fit_get_device (roomy, 1)->planned > 0);
  CHECK (parley_fit_get_device (roomy, 2)->parts[PE_MEMORY_WEIGHTS] == 0);
  CHECK (!strstr (parley_fit_get_sentence (roomy), "Other card"));

  devices[1].memory_available = 1000 * MIB;
  g_autoptr (ParleyFit) both = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK_MSG (parley_fit_get_verdict (both) == PARLEY_FIT_ON_GPU, "%s",
             parley_fit_get_sentence (both));
  CHECK (parley_fit_get_device (both, 1)->parts[PE_MEMORY_WEIGHTS] > 0);
  CHECK (parley_fit_get_device (both, 2)->parts[PE_MEMORY_WEIGHTS] > 0);
  CHECK_MSG (strstr (parley_fit_get_sentence (both), "Card and Other card"), "%s",
             parley_fit_get_sentence (both));
  CHECK (strstr (parley_fit_get_basis (both), "Card and Other card"));
  for (gsize d = 1; d < n; d++) {
    const ParleyFitDevice *gpu = parley_fit_get_device (both, d);
    CHECK (gpu->planned + parley_fit_margin (&gpu->info) <= gpu->info.memory_available);
  }

  devices[2].memory_available = 700 * MIB;
  g_autoptr (ParleyFit) part = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK_MSG (parley_fit_get_verdict (part) == PARLEY_FIT_PARTLY, "%s",
             parley_fit_get_sentence (part));
  CHECK (parley_fit_get_gpu_layers (part) < parley_fit_get_gpu_layers (both));
  /* The same model in a larger file takes more of both, and never more than there is. */
  g_autoptr (ParleyFit) larger = parley_fit_scale (both, 1600000000);
  CHECK (parley_fit_is_approximate (larger));
  for (gsize d = 1; d < n; d++) {
    const ParleyFitDevice *gpu = parley_fit_get_device (larger, d);
    CHECK (gpu->planned + parley_fit_margin (&gpu->info) <= gpu->info.memory_available);
  }
  CHECK (parley_fit_get_device (larger, 2)->planned >= parley_fit_get_device (both, 2)->planned);
}

/* What the driver was seen to take is needed too, where anything is on its device. */
static void
the_driver_counts (void)
{
  struct pe_device_info devices[N_DEVICES];
  struct pe_plan_request request;
  gsize n = build_computer (&computers[0], devices);
  pe_plan_request_init (&request);
  request.n_ctx = 4096;
  g_autoptr (ParleyFit) without = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  guint64 planned = parley_fit_get_device (without, 1)->planned;
  guint64 margin = parley_fit_margin (&devices[1]);
  CHECK (parley_fit_get_device (without, 1)->driver == 0);
  devices[1].memory_available = planned + margin; /* to the byte */
  g_autoptr (ParleyFit) tight = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (parley_fit_get_verdict (tight) == PARLEY_FIT_ON_GPU);
  devices[1].driver_bytes = 90 * MIB;
  g_autoptr (ParleyFit) less = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (parley_fit_get_verdict (less) == PARLEY_FIT_PARTLY);
  CHECK (parley_fit_get_device (less, 1)->driver == 90 * MIB);
  CHECK (parley_fit_get_device (less, 0)->driver == 0);
  request.n_gpu_layers = 9;
  g_autoptr (ParleyFit) forced = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (parley_fit_get_verdict (forced) == PARLEY_FIT_TOO_LARGE);
  request.n_gpu_layers = 0;
  g_autoptr (ParleyFit) none = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (parley_fit_get_device (none, 1)->driver == 0 ||
         parley_fit_get_device (none, 1)->planned > 0);
}

static void
the_largest_that_fits (void)
{
  struct pe_device_info devices[N_DEVICES];
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
  struct pe_device_info devices[N_DEVICES];
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
  memset (devices[1].rates, 0, sizeof devices[1].rates); /* never measured by the engine */
  g_autoptr (ParleyFit) rough = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (parley_fit_get_trust (rough) == PARLEY_SPEED_ROUGH && parley_fit_get_speed (rough) > 0);
  devices[1].read_rate = devices[1].matmul_rate = 0; /* nor by anybody */
  g_autoptr (ParleyFit) none = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (parley_fit_get_speed (none) == 0 && strstr (parley_fit_get_basis (none), "no data"));
}

/* A batch reads the weights once and costs a pass: in small ones each row pays more of it, up to
 * what a token alone does. What a turn takes follows. */
static void
small_batches_are_slower (void)
{
  static const guint32 batches[] = { 1, 8, 32, 64, 128, 256, 512 };
  static const gint32 layers[] = { 0, 4, 9 };
  struct pe_device_info devices[N_DEVICES];
  struct pe_plan_request request;
  gsize n = build_computer (&computers[1], devices);
  pe_plan_request_init (&request);
  request.n_ctx = 4096;
  for (gsize l = 0; l < G_N_ELEMENTS (layers); l++) {
    double last = 0, last_turn = 0;
    request.n_gpu_layers = layers[l];
    for (gsize b = 0; b < G_N_ELEMENTS (batches); b++) {
      request.n_batch = batches[b];
      g_autoptr (ParleyFit) fit = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
      double prompt = parley_fit_get_prompt_speed (fit), alone = parley_fit_get_speed (fit);
      double turn = parley_fit_get_turn_seconds (fit);
      printf ("# %d layers, %3u rows: %8.1f tokens/s of a prompt, %.1f alone, %.3f s a turn\n",
              layers[l], batches[b], prompt, alone, turn);
      CHECK_MSG (prompt > last * 1.005, "%u rows: %.1f tokens/s, fewer %.1f", batches[b], prompt,
                 last);
      CHECK (b == 0 || turn < last_turn);
      if (batches[b] == 1)
        CHECK_MSG (prompt > alone / 2 && prompt < alone * 1.05, "%.1f, %.1f", prompt, alone);
      last = prompt;
      last_turn = turn;
    }
    /* More rows than a prompt of this reckoning has make no difference. */
    request.n_batch = 1024;
    g_autoptr (ParleyFit) more = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
    CHECK (parley_fit_get_prompt_speed (more) == last);
  }
}

/* ---- what earlier replies say ---- */

/* A reply that took `slower` times as long as it is foretold. */
static void
add_run (GArray *runs, const struct pe_device_info *devices, gsize n, guint layers, guint threads,
         double slower)
{
  const char *ids[] = { devices[1].id, devices[2].id };
  struct pe_plan_request request;
  ParleyRunRecord run;
  pe_plan_request_init (&request);
  request.n_ctx = 16384;
  request.n_batch = 512;
  request.n_threads = threads;
  request.n_gpu_layers = (gint32) layers;
  parley_run_init (&run, &request, layers, ids, n - 1);
  run.depth = 100;
  run.prompt_tokens = 300;
  run.reply_tokens = 50;
  g_autoptr (ParleyFit) fit = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (fit);
  /* Nearly what the engine reckons at this depth; the test compares with its own plan below. */
  run.prompt_seconds = run.prompt_tokens / parley_fit_get_prompt_speed (fit) * slower;
  run.reply_seconds = (run.reply_tokens - 1) / parley_fit_get_speed (fit) * slower;
  g_array_append_val (runs, run);
}

static void
replies_correct_predictions (void)
{
  struct pe_device_info devices[N_DEVICES];
  struct pe_plan_request request;
  ParleySpeedHistory history;
  gsize n = build_computer (&computers[1], devices);
  g_autoptr (GArray) runs = g_array_new (FALSE, TRUE, sizeof (ParleyRunRecord));
  pe_plan_request_init (&request);
  request.n_ctx = 16384;
  request.n_gpu_layers = 4;
  g_autoptr (ParleyFit) plain = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);

  /* Placed otherwise, but on the same sides: it corrects, and the words say so. */
  add_run (runs, devices, n, 6, 8, 2);
  parley_fit_model_recall (model, runs, devices, n, &history);
  CHECK (history.n_runs == 1);
  g_autoptr (ParleyFit) near = parley_fit_model_plan (model, &request, devices, n, &history, NULL);
  double ratio = parley_fit_get_speed (near) / parley_fit_get_speed (plain);
  CHECK_MSG (fabs (ratio - 0.5) < 0.1, "%g", ratio);
  CHECK (parley_fit_get_trust (near) == PARLEY_SPEED_PREDICTED);
  CHECK_MSG (strstr (parley_fit_get_basis (near), "corrected by one reply"), "%s",
             parley_fit_get_basis (near));

  /* Placed like this: the middle of them counts alone. */
  add_run (runs, devices, n, 4, 8, 4);
  add_run (runs, devices, n, 4, 8, 1.25);
  add_run (runs, devices, n, 4, 8, 1.25);
  parley_fit_model_recall (model, runs, devices, n, &history);
  g_autoptr (ParleyFit) same = parley_fit_model_plan (model, &request, devices, n, &history, NULL);
  ratio = parley_fit_get_speed (same) / parley_fit_get_speed (plain);
  CHECK_MSG (fabs (ratio - 0.8) < 0.1, "%g", ratio);
  ratio = parley_fit_get_prompt_speed (same) / parley_fit_get_prompt_speed (plain);
  CHECK_MSG (fabs (ratio - 0.8) < 0.1, "%g", ratio);
  CHECK (parley_fit_get_turn_seconds (same) > parley_fit_get_turn_seconds (plain));
  CHECK (parley_fit_get_trust (same) == PARLEY_SPEED_MEASURED);
  CHECK_STR (parley_fit_get_basis (same),
             "measured on this computer with this model, in 3 replies");

  /* On the processor alone, or on the GPU alone, nothing is known. */
  request.n_gpu_layers = 9;
  g_autoptr (ParleyFit) whole = parley_fit_model_plan (model, &request, devices, n, &history, NULL);
  CHECK (parley_fit_get_trust (whole) == PARLEY_SPEED_PREDICTED &&
         !strstr (parley_fit_get_basis (whole), "corrected"));
}

static void
replies_elsewhere_say_nothing (void)
{
  struct pe_device_info devices[N_DEVICES];
  ParleySpeedHistory history;
  gsize n = build_computer (&computers[1], devices);
  g_autoptr (GArray) runs = g_array_new (FALSE, TRUE, sizeof (ParleyRunRecord));
  add_run (runs, devices, n, 4, 8, 2);
  add_run (runs, devices, n, 0, 8, 2);
  g_strlcpy (devices[1].id, "another", sizeof devices[1].id);
  parley_fit_model_recall (model, runs, devices, n, &history);
  CHECK (history.n_runs == 1 && history.runs[0].gpu_layers == 0);
  parley_fit_model_recall (model, runs, devices, 1, &history);
  CHECK (history.n_runs == 1);

  /* Too short, disturbed, or nonsense. */
  g_array_set_size (runs, 0);
  for (guint i = 0; i < 6; i++) {
    add_run (runs, devices, n, 0, 8, i == 2 ? 1000 : i == 3 ? 0.001 : 1);
    ParleyRunRecord *run = &g_array_index (runs, ParleyRunRecord, i);
    if (i == 0) {
      run->reply_tokens = 3;
      run->prompt_tokens = 10;
    } else if (i == 1)
      run->prompt_seconds = run->reply_seconds = 0;
    else if (i == 4)
      run->k_type = 12345;
    else if (i == 5)
      run->context = G_MAXUINT32;
  }
  parley_fit_model_recall (model, runs, devices, n, &history);
  CHECK_MSG (history.n_runs == 0, "%u", history.n_runs);
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

struct tally {
  guint tried, fitting;         /* choices by hand */
  guint partly, apart, reduced; /* automatic ones: with layers, experts and rows given up */
};

/* Every choice by hand of layers, experts, cache and batch against the automatic one. A cache of 4
 * bits is a person's choice alone: it saves more, but replies get worse. So are batches of fewer
 * than 32 rows, which are slower than they are reckoned. */
static void
compare_by_hand (ParleyFitModel *of, const struct pe_device_info *devices, gsize n,
                 const char *name, struct tally *tally)
{
  static const enum pe_type caches[] = { PE_TYPE_F16, PE_TYPE_Q8_0, PE_TYPE_F32 };
  static const guint32 batches[] = { 1024, 512, 200, 128, 48, 32 };
  struct pe_plan_request chosen, manual;
  g_autofree char *sentence = NULL;
  if (!parley_fit_model_auto (of, 0, devices, n, NULL, &chosen, &sentence))
    return;
  CHECK_MSG (chosen.k_type != PE_TYPE_Q4_0 && chosen.v_type != PE_TYPE_Q4_0, "%s", name);
  g_autoptr (ParleyFit) best = parley_fit_model_plan (of, &chosen, devices, n, NULL, NULL);
  CHECK_MSG (best && parley_fit_get_verdict (best) != PARLEY_FIT_TOO_LARGE, "%s", name);
  guint layers = parley_fit_get_n_layers (best);
  double seconds = parley_fit_get_turn_seconds (best);
  CHECK_MSG (chosen.n_batch >= 32, "%s: %u rows", name, chosen.n_batch);
  tally->partly += parley_fit_get_verdict (best) == PARLEY_FIT_PARTLY;
  tally->apart += chosen.n_cpu_experts > 0;
  tally->reduced += chosen.n_batch < 512;
  CHECK_MSG ((chosen.n_batch < 512) == (strstr (sentence, "at a time") != NULL), "%s", sentence);
  CHECK_MSG (chosen.n_cpu_experts == 0 || strstr (sentence, "without the experts"), "%s", sentence);
  for (guint gpu_layers = 0; gpu_layers <= (n > 1 ? layers + 1 : 0); gpu_layers++)
    for (guint experts = 0; experts <= (of == model ? 0 : layers); experts++)
      for (gsize c = 0; c < G_N_ELEMENTS (caches); c++)
        for (gsize b = 0; b < G_N_ELEMENTS (batches); b++) {
          manual = chosen;
          manual.n_gpu_layers = (gint32) gpu_layers;
          manual.n_cpu_experts = experts;
          manual.k_type = manual.v_type = caches[c];
          manual.n_batch = batches[b];
          g_autoptr (ParleyFit) fit = parley_fit_model_plan (of, &manual, devices, n, NULL, NULL);
          tally->tried++;
          if (!fit || parley_fit_get_verdict (fit) == PARLEY_FIT_TOO_LARGE)
            continue;
          tally->fitting++;
          CHECK_MSG (seconds <= parley_fit_get_turn_seconds (fit) * (1 + 1e-9),
                     "%s: %u layers, %u without experts, cache %u, %u rows by hand take %.4f s; "
                     "%d, %u, %u, %u by itself %.4f s",
                     name, gpu_layers, experts, caches[c], batches[b],
                     parley_fit_get_turn_seconds (fit), chosen.n_gpu_layers, chosen.n_cpu_experts,
                     chosen.k_type, chosen.n_batch, seconds);
        }
}

static void
automatic_is_never_slower (void)
{
  struct tally tally = { 0 };
  for (gsize i = 0; i < G_N_ELEMENTS (computers); i++) {
    struct pe_device_info devices[N_DEVICES];
    gsize n = build_computer (&computers[i], devices);
    compare_by_hand (model, devices, n, computers[i].name, &tally);
  }
  printf ("# %u choices by hand, of which %u fit, were no quicker\n", tally.tried, tally.fitting);
  CHECK (tally.fitting > 1000);
}

/* Cards and RAM of every size between nothing and all of a model, a card that is slower than the
 * processor, and one that shares its memory. */
static void
automatic_is_never_slower_where_memory_is_short (void)
{
  static const struct {
    const char *name, *computer;
    double slower;
    guint64 ram; /* 0: as much as there is */
  } cases[] = {
    { "quick card", "24 GB", 1, 0 },
    { "slow card", "24 GB", 20, 0 },
    { "shared memory", "integrated, 2/3 + 1/3", 1, 0 },
    { "two cards", "two GPUs, 8 GB and 4 GB", 1, 0 },
    { "quick card, little RAM", "24 GB", 1, 600 * MIB },
    { "slow card, little RAM", "24 GB", 20, 600 * MIB },
  };
  ParleyFitModel *const models[] = { model, moe };
  for (gsize m = 0; m < G_N_ELEMENTS (models); m++) {
    struct tally tally = { 0 };
    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
      for (guint64 step = 1; step <= 12; step++) {
        struct pe_device_info devices[N_DEVICES];
        gsize n = build_computer (computer_called (cases[i].computer), devices);
        for (gsize d = 1; d < n; d++) {
          struct pe_rates *r = &devices[d].rates[PE_RATES_ALL_THREADS];
          devices[d].memory_margin = MIB;
          devices[d].memory_available = step * (models[m] == moe ? 20 : 90) * MIB / d;
          for (guint type = 0; type < PE_TYPE_COUNT; type++) {
            r->read[type] /= cases[i].slower;
            r->multiply[type] /= cases[i].slower;
          }
        }
        devices[0].memory_margin = MIB;
        if (cases[i].ram)
          devices[0].memory_available = models[m] == moe ? cases[i].ram / 4 : cases[i].ram;
        compare_by_hand (models[m], devices, n, cases[i].name, &tally);
      }
    printf ("# %u choices by hand, of which %u fit; %u automatic ones with some layers on the GPU, "
            "%u with experts apart, %u with fewer rows\n",
            tally.tried, tally.fitting, tally.partly, tally.apart, tally.reduced);
    CHECK (tally.fitting > 5000 && tally.fitting < tally.tried);
    CHECK (tally.partly + tally.apart > 10 && tally.reduced > 10);
    CHECK (models[m] == model || tally.apart > 5);
  }
}

static void
automatic_gives_up_in_words (void)
{
  struct pe_device_info devices[N_DEVICES];
  struct pe_plan_request chosen;
  g_autofree char *little = NULL, *none = NULL;
  build_computer (&computers[0], devices);
  /* A little less each time, until the usual context does not fit. */
  guint64 available = 2000 * MIB;
  do {
    g_free (little);
    devices[0].memory_available = available -= 8 * MIB;
    CHECK (parley_fit_model_auto (model, 0, devices, 1, NULL, &chosen, &little));
  } while (chosen.n_ctx == 8192);
  CHECK_MSG (chosen.n_ctx >= 512 && strstr (little, "does not fit"), "%s", little);
  CHECK (chosen.k_type == PE_TYPE_Q8_0); /* that was given up before */
  devices[0].memory_available = 100 * MIB;
  CHECK (!parley_fit_model_auto (model, 0, devices, 1, NULL, &chosen, &none) && *none);
}

/* ---- headers that lie ---- */

/* The file begins with it. */
static GBytes *
header_bytes (void)
{
  enum { MOST = 400000 };
  FILE *file = fopen (path, "re");
  CHECK (file);
  guint8 *bytes = g_malloc (MOST);
  gsize n = fread (bytes, 1, MOST, file);
  fclose (file);
  return g_bytes_new_take (bytes, n);
}

/* Any word of the first kilobytes set to any of these: an error or a fit, never a crash; and a fit
 * never promises more than there is. */
static void
lying_headers_promise_nothing (void)
{
  static const guint64 lies[] = { 0, 1, 0x7fffffff, 0xffffffff, 1ull << 40, G_MAXUINT64 };
  struct pe_device_info devices[N_DEVICES];
  gsize n = build_computer (&computers[0], devices), n_bytes;
  g_autoptr (GBytes) header = header_bytes ();
  const guint8 *sound = g_bytes_get_data (header, &n_bytes);
  guint n_errors = 0, n_fits = 0;
  for (gsize at = 4; at < 3000; at += 4)
    for (gsize i = 0; i < G_N_ELEMENTS (lies); i++) {
      guint8 *copy = g_memdup2 (sound, n_bytes);
      memcpy (copy + at, &lies[i], at % 8 ? 4 : 8);
      g_autoptr (GBytes) lying = g_bytes_new_take (copy, n_bytes);
      g_autoptr (GError) error = NULL;
      g_autoptr (ParleyFit) fit =
          parley_fit_for_header (lying, 760000000, "lying", NULL, devices, n, &error);
      CHECK ((fit != NULL) != (error != NULL));
      n_errors += error != NULL;
      if (!fit)
        continue;
      n_fits++;
      for (gsize d = 0; d < parley_fit_get_n_devices (fit); d++)
        CHECK (parley_fit_get_verdict (fit) >= PARLEY_FIT_TOO_LARGE ||
               parley_fit_get_device (fit, d)->planned <= devices[d].memory_available);
    }
  printf ("# %u lies were refused, %u led to a verdict\n", n_errors, n_fits);
  CHECK (n_errors > 100 && n_fits > 100);
  /* A file that is smaller than its tensors. */
  g_autoptr (GError) short_file = NULL;
  g_autoptr (ParleyFit) none =
      parley_fit_for_header (header, 1000000, "short", NULL, devices, n, &short_file);
  CHECK (!none && short_file && *short_file->message);
}

/* The device that was planned for is gone: the plan for what is left is another, and no index of
 * the old one is used. */
static void
devices_that_vanish (void)
{
  struct pe_device_info devices[N_DEVICES];
  struct pe_plan_request request;
  gsize n = build_computer (&computers[1], devices);
  pe_plan_request_init (&request);
  g_autoptr (ParleyFit) before = parley_fit_model_plan (model, &request, devices, n, NULL, NULL);
  CHECK (parley_fit_get_verdict (before) == PARLEY_FIT_ON_GPU);
  request = *parley_fit_get_request (before); /* nine layers on a GPU */
  g_autoptr (ParleyFit) after = parley_fit_model_plan (model, &request, devices, 1, NULL, NULL);
  CHECK (parley_fit_get_verdict (after) == PARLEY_FIT_IN_RAM);
  CHECK (parley_fit_get_gpu_layers (after) == 0 && parley_fit_get_n_devices (after) == 1);
  g_autoptr (GArray) points = parley_fit_model_sweep (model, &request, devices, 1, NULL, NULL);
  CHECK (points && points->len == 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyFit) none = parley_fit_model_plan (model, &request, devices, 0, NULL, &error);
  CHECK (!none && error); /* not even a processor */
}

static ParleyFitModel *
make_model (const char *generator, const char *options, const char *file)
{
  g_autofree char *command = g_strdup_printf ("%s %s %s >/dev/null", generator, options, file);
  g_autoptr (GError) error = NULL;
  ParleyFitModel *made = system (command) == 0 ? parley_fit_model_open (file, &error) : NULL;
  if (!made)
    fprintf (stderr, "test-fit: %s\n", error ? error->message : command);
  return made;
}

int
main (int argc, char **argv)
{
  if (argc != 2)
    return 2;
  path = g_strdup_printf ("%s/parley-fit-%d.gguf", g_get_tmp_dir (), (int) getpid ());
  g_autofree char *moe_path =
      g_strdup_printf ("%s/parley-fit-%d-experts.gguf", g_get_tmp_dir (), (int) getpid ());
  model = make_model (argv[1], "--preset llama-1b --layers 8 --vocab 4000 --type q8_0", path);
  moe = make_model (argv[1], "--preset tiny-moe --layers 6 --embd 1024 --ffn 512 --type q8_0",
                    moe_path);
  if (!model || !moe)
    return 2;
  RUN (heaps_are_judged);
  RUN (budgets_that_move_are_doubted);
  RUN (budgets_by_hand_bound_a_device);
  RUN (budgets_are_kept_as_text);
  RUN (margins_by_kind);
  RUN (margins_by_hand_replace_the_usual_ones);
  RUN (verdicts_follow_the_memory);
  RUN (shared_memory_counts_once);
  RUN (several_gpus_only_where_named);
  RUN (two_gpus_are_filled_in_order);
  RUN (the_driver_counts);
  RUN (the_largest_that_fits);
  RUN (speed_follows_the_rates);
  RUN (small_batches_are_slower);
  RUN (replies_correct_predictions);
  RUN (replies_elsewhere_say_nothing);
  RUN (threads_lie_between_one_and_all);
  RUN (automatic_is_never_slower);
  RUN (automatic_is_never_slower_where_memory_is_short);
  RUN (automatic_gives_up_in_words);
  RUN (lying_headers_promise_nothing);
  RUN (devices_that_vanish);
  parley_fit_model_unref (model);
  parley_fit_model_unref (moe);
  unlink (path);
  unlink (moe_path);
  g_free (path);
  return test_done ();
}
