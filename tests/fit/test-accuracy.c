/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a model is said to take beside what the system then says that it takes, in a process of its
 * own for each: our own allocations to the byte, resident memory and the device's within 1 % or
 * 16 MB. Every reference model and some synthetic ones; with none, one, half and all of the layers
 * on a device for a choice of them, and for all in the long form.
 *
 * What a driver takes beside our own is not the plan's to foretell; of a software device, whose
 * memory is this process's, it is compiled code, more of it the more kinds of kernels a model
 * needs. So where a device takes part, twins are judged: two models that differ in nothing but the
 * number of layers need the same kernels, and the larger has to take as much more as is foretold.
 *
 *   test-accuracy SYNTH-MODEL
 *
 * With PARLEY_TEST_LONG also the presets of real sizes.
 */
#include "../engine-load.h"
#include "../harness.h"

#include "engine/heaps.h"
#include "fit/parley-fit-model.h"

#include <dirent.h>
#include <gio/gio.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#define MB      1000000.0
#define CONTEXT 256
#define ROWS    32 /* where a device takes part, which may be a slow one */

enum { CASE_OK, CASE_NO_DEVICE, CASE_FAILED };

struct outcome {
  int status;
  uint64_t planned, allocated;   /* ours, all devices */
  uint64_t resident_planned;     /* of the plan, what the system should call resident */
  uint64_t resident;             /* more than before */
  uint64_t heaps_planned, heaps; /* of a device with memory of its own, as its driver says */
  bool has_heaps;
  uint32_t n_layers, placed;
  char what[120];
};

/* ---- in the process of a case ---- */

static uint64_t
resident (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    return 0;
  const char *line = strstr (text, "VmRSS:");
  return line ? g_ascii_strtoull (line + 6 + strspn (line + 6, " \t"), NULL, 10) * 1024 : 0;
}

/* What this process takes of the device's heaps; false where its memory is this process's, or where
 * the driver does not say. */
static bool
heap_use (const struct pe_device_info *device, uint64_t *usage)
{
  struct pe_device_info found[PE_MAX_DEVICES];
  uint64_t budget;
  size_t n = device->kind == PE_DEVICE_DISCRETE || device->kind == PE_DEVICE_INTEGRATED
                 ? pe_devices_list (found, PE_MAX_DEVICES, false, NULL)
                 : 0;
  for (size_t d = 1; d < n && d < PE_MAX_DEVICES; d++)
    if (strcmp (found[d].id, device->id) == 0 && found[d].memory_is_budget) {
      pe_heaps_sum (&found[d], &budget, usage);
      return true;
    }
  return false;
}

/* The embedding of a model whose output has a table of its own is read row by row: little of it
 * becomes resident. */
static uint64_t
unread_bytes (const struct pe_plan *plan, const struct pe_model *model)
{
  uint64_t bytes = 0;
  if (!pe_gguf_tensor (pe_model_gguf (model), "output.weight"))
    return 0;
  for (size_t i = 0; i < plan->n_allocations; i++)
    if (plan->allocations[i].stage == 0 && plan->allocations[i].mapped)
      bytes += plan->allocations[i].bytes;
  return bytes;
}

static bool
fill_context (struct loaded *l, uint32_t n, struct pe_error *error)
{
  struct pe_row rows[CONTEXT];
  uint32_t n_vocab = pe_model_info (l->model)->n_vocab;
  for (uint32_t i = 0; i < n; i++)
    rows[i] = (struct pe_row){ l->sequence, (int32_t) (i * 7 % n_vocab), i + 1 == n };
  return pe_runtime_compute (l->runtime, rows, n, error);
}

static void
measure (const char *path, uint32_t quarter, struct outcome *out)
{
  struct pe_device_info devices[PE_MAX_DEVICES];
  struct pe_plan_request request;
  struct pe_error error = { 0 };
  struct loaded l;
  /* What the driver brings in by being asked is no part of a model's memory. */
  size_t n = quarter ? test_devices (devices) : pe_devices_list (devices, 1, false, NULL);
  if (quarter && n < 2) {
    out->status = CASE_NO_DEVICE;
    return;
  }
  struct pe_model *header;
  if (!pe_model_open (path, &header, &error)) {
    snprintf (out->what, sizeof out->what, "%.100s", error.message);
    return;
  }
  uint32_t n_layers = pe_model_info (header)->n_layers, train = pe_model_info (header)->n_ctx_train;
  pe_model_close (header);
  pe_plan_request_init (&request);
  uint32_t most = quarter ? ROWS : CONTEXT;
  request.n_ctx = train && train < most ? train : most;
  request.n_batch = request.n_ctx;
  const uint32_t layers[] = { 0, 1, (n_layers + 1) / 2, n_layers + 1 };
  request.n_gpu_layers = (int32_t) layers[quarter];
  uint64_t resident_before = resident (), heaps_before = 0, heaps_after = 0;
  out->has_heaps = quarter && heap_use (&devices[1], &heaps_before);
  if (!load (&l, path, &request, devices, n)) {
    snprintf (out->what, sizeof out->what, "it cannot be loaded");
    return;
  }
  if (!fill_context (&l, request.n_ctx - 1, &error)) {
    snprintf (out->what, sizeof out->what, "%.100s", error.message);
    return;
  }
  out->resident = resident () - resident_before;
  out->has_heaps = out->has_heaps && heap_use (&devices[1], &heaps_after);
  out->heaps = heaps_after - heaps_before;
  const struct pe_plan *plan = pe_runtime_plan (l.runtime);
  for (size_t d = 0; d < plan->n_devices; d++) {
    out->planned += pe_plan_bytes (plan, d, PE_MEMORY_KIND_COUNT);
    out->allocated += pe_runtime_allocated (l.runtime, d, PE_MEMORY_KIND_COUNT);
    /* A software device's memory is this process's too. */
    if (d == 0 || plan->devices[d].kind == PE_DEVICE_SOFTWARE)
      out->resident_planned += pe_plan_bytes (plan, d, PE_MEMORY_KIND_COUNT);
    else
      out->heaps_planned += pe_plan_bytes (plan, d, PE_MEMORY_KIND_COUNT);
  }
  out->resident_planned -= unread_bytes (plan, l.model);
  out->n_layers = plan->n_layers;
  out->placed = pe_plan_gpu_layers (plan);
  out->status = CASE_OK;
  unload (&l);
}

/* ---- the table ---- */

static const char *path, *label;
static bool every_split; /* a software device takes its time */

static bool
run_case (const char *file, uint32_t quarter, struct outcome *out)
{
  int pipes[2];
  *out = (struct outcome){ .status = CASE_FAILED };
  fflush (stdout);
  if (pipe (pipes) != 0)
    return false;
  pid_t child = fork ();
  if (child == 0) {
    struct outcome mine = *out;
    measure (file, quarter, &mine);
    _exit (write (pipes[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
  }
  close (pipes[1]);
  bool ok = child > 0 && read (pipes[0], out, sizeof *out) == sizeof *out;
  close (pipes[0]);
  if (child > 0)
    waitpid (child, NULL, 0);
  return ok;
}

static bool
is_sanitized (void)
{
  return g_strcmp0 (g_getenv ("PARLEY_TEST_SANITIZE"), "asan") == 0;
}

static bool
is_near (double off, double foretold)
{
  return fabs (off) <= 16 * MB || fabs (off) <= foretold / 100;
}

static void
print_outcome (const char *name, const struct outcome *o)
{
  printf ("# %-28s %3u/%-3u %9.1f MB planned %9.1f MB taken %9.1f MB resident, %9.1f foretold",
          name, o->placed, o->n_layers + 1, (double) o->planned / MB, (double) o->allocated / MB,
          (double) o->resident / MB, (double) o->resident_planned / MB);
  if (o->has_heaps)
    printf ("; %9.1f MB of heaps, %9.1f foretold", (double) o->heaps / MB,
            (double) o->heaps_planned / MB);
  printf ("\n");
}

static void
model_is_as_foretold (void)
{
  uint32_t n_quarters = every_split ? 4 : 1;
  for (uint32_t quarter = 0; quarter < n_quarters; quarter++) {
    struct outcome o;
    CHECK_MSG (run_case (path, quarter, &o), "%s", label);
    if (o.status == CASE_NO_DEVICE)
      break;
    CHECK_MSG (o.status == CASE_OK, "%s: %s", label, o.what);
    double off = (double) o.resident - (double) o.resident_planned;
    print_outcome (label, &o);
    CHECK_MSG (o.planned == o.allocated, "%s", label);
    CHECK_MSG (is_sanitized () || (quarter && off > 0) ||
                   is_near (off, (double) o.resident_planned),
               "%s: %+.1f MB", label, off / MB);
  }
}

static const char *generator, *twin_options;
static uint32_t few_layers, many_layers;

static bool make_model (const char *options, uint32_t n_layers, char **file);

/* Whatever the driver takes, both take. Under a sanitizer only our own allocations could be judged,
 * and the other models' are. */
static void
twins_differ_as_foretold (void)
{
  g_autofree char *few = NULL, *many = NULL;
  if (is_sanitized () && !g_getenv ("PARLEY_TEST_LONG"))
    SKIP ("a sanitizer keeps memory of its own");
  bool made =
      make_model (twin_options, few_layers, &few) && make_model (twin_options, many_layers, &many);
  for (uint32_t quarter = 0; made && quarter < 4; quarter++) {
    struct outcome a, b;
    /* The first time the driver compiles, and keeps on its disk what the others only load. */
    made = (!quarter || run_case (few, quarter, &a)) && run_case (few, quarter, &a) &&
           run_case (many, quarter, &b);
    if (!made || a.status != CASE_OK || b.status != CASE_OK)
      break;
    print_outcome (label, &a);
    print_outcome (label, &b);
    double more = (double) b.resident - (double) a.resident;
    double foretold = (double) b.resident_planned - (double) a.resident_planned;
    CHECK (b.planned == b.allocated && b.planned > a.planned + 64 * 1000 * 1000);
    CHECK_MSG (is_sanitized () || is_near (more - foretold, foretold),
               "%u layers more: %.1f MB resident, %.1f foretold", b.placed - a.placed, more / MB,
               foretold / MB);
    if (!a.has_heaps || !b.has_heaps)
      continue;
    more = (double) b.heaps - (double) a.heaps;
    foretold = (double) b.heaps_planned - (double) a.heaps_planned;
    CHECK_MSG (is_near (more - foretold, foretold),
               "%u layers more: %.1f MB of heaps, %.1f foretold", b.placed - a.placed, more / MB,
               foretold / MB);
  }
  if (few)
    unlink (few);
  if (many)
    unlink (many);
  CHECK (made);
}

/* One of each kind of memory: caches, windows, compressed ones, states, experts, and the formats.
 */
static const char *const everywhere[] = {
  "stories260k.gguf",    "llama-gqa.gguf", "gemma2-swa.gguf",
  "deepseek2-lite.gguf", "mamba2.gguf",    "qwen3moe.gguf",
  "gpt-oss-mxfp4.gguf",  "Q4_K_M.gguf",    NULL
};

static void
reference_models (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *full = g_build_filename (folder, name, NULL);
    struct pe_model *model;
    if (!g_str_has_suffix (name, ".gguf") || !pe_model_open (full, &model, NULL))
      continue;
    bool usable = pe_model_can_compute (model, NULL);
    pe_model_close (model);
    if (!usable)
      continue;
    path = full;
    label = name;
    every_split = g_getenv ("PARLEY_TEST_LONG") || g_strv_contains (everywhere, name);
    test_run (name, model_is_as_foretold);
  }
}

/* n_layers 0: as the options say. */
static bool
make_model (const char *options, uint32_t n_layers, char **file)
{
  *file = g_strdup_printf ("%s/parley-accuracy-%d-%u.gguf",
                           access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir (),
                           (int) getpid (), n_layers);
  g_autofree char *layers = n_layers ? g_strdup_printf ("--layers %u", n_layers) : g_strdup ("");
  g_autofree char *command =
      g_strdup_printf ("%s %s %s %s >/dev/null", generator, options, layers, *file);
  return system (command) == 0;
}

static void
synthetic_model (const char *options, const char *name)
{
  g_autofree char *file = NULL;
  if (make_model (options, 0, &file)) {
    path = file;
    label = name;
    every_split = g_getenv ("PARLEY_TEST_LONG") != NULL;
    test_run (name, model_is_as_foretold);
  }
  unlink (file);
}

static void
twins (const char *options, uint32_t few, uint32_t many, const char *name)
{
  twin_options = options;
  few_layers = few;
  many_layers = many;
  label = name;
  test_run (name, twins_differ_as_foretold);
}

int
main (int argc, char **argv)
{
  if (argc != 2)
    return 2;
  generator = argv[1];
  printf (
      "# With layers on a software device its driver's compiled code is resident beside what is "
      "foretold,\n# which the twins at the end cancel out.\n");
  const char *shared = g_getenv ("PARLEY_CONFORMANCE");
  static const char *const folders[] = { "arch", "quantized-model" };
  for (gsize i = 0; shared && i < G_N_ELEMENTS (folders); i++) {
    g_autofree char *folder = g_build_filename (shared, folders[i], NULL);
    reference_models (folder);
  }
  if (g_getenv ("PARLEY_TEST_MODELS"))
    reference_models (g_getenv ("PARLEY_TEST_MODELS"));
  synthetic_model ("--preset llama-1b --type q4_0 --layers 2 --vocab 32000",
                   "llama-1b, two layers");
  synthetic_model ("--preset qwen3-0.6b --type q4_k_m --layers 3 --vocab 32000",
                   "qwen3-0.6b, three layers");
  twins ("--preset tiny --embd 1024 --ffn 4096 --vocab 512 --type q8_0", 4, 10, "twins");
  twins ("--preset tiny-moe --embd 1024 --ffn 512 --vocab 512 --type q4_0", 4, 14,
         "twins with experts");
  if (g_getenv ("PARLEY_TEST_LONG")) {
    synthetic_model ("--preset qwen3-0.6b --type q8_0", "qwen3-0.6b q8_0");
    synthetic_model ("--preset llama-1b --type q4_k_m", "llama-1b q4_k_m");
    synthetic_model ("--preset llama-3b --type q4_0", "llama-3b q4_0");
  }
  return test_done ();
}
