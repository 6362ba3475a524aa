/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a model is said to take beside what the system then says that it takes, in a process of its
 * own for each: our own allocations to the byte, resident memory within 1 % or 16 MB. Every
 * reference model and some synthetic ones; with none, one, half and all of the layers on a device
 * where that is quick, and everywhere in the long form. What a driver takes beside our own is
 * printed and not judged: of a software device it is the compiler's code.
 *
 *   test-accuracy SYNTH-MODEL
 *
 * With PARLEY_TEST_LONG also the presets of real sizes.
 */
#include "../engine-load.h"
#include "../harness.h"

#include "fit/parley-fit-model.h"

#include <dirent.h>
#include <gio/gio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MB      1000000.0
#define CONTEXT 256

enum { CASE_OK, CASE_NO_DEVICE, CASE_FAILED };

struct outcome {
  int status;
  uint64_t planned, allocated; /* ours, all devices */
  uint64_t resident_planned;   /* of the plan, what the system should call resident */
  uint64_t resident_before, resident_after;
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
  uint32_t most = quarter ? 32 : CONTEXT;
  request.n_ctx = train && train < most ? train : most;
  request.n_batch = request.n_ctx;
  const uint32_t layers[] = { 0, 1, (n_layers + 1) / 2, n_layers + 1 };
  request.n_gpu_layers = (int32_t) layers[quarter];
  out->resident_before = resident ();
  if (!load (&l, path, &request, devices, n)) {
    snprintf (out->what, sizeof out->what, "it cannot be loaded");
    return;
  }
  if (!fill_context (&l, request.n_ctx - 1, &error)) {
    snprintf (out->what, sizeof out->what, "%.100s", error.message);
    return;
  }
  out->resident_after = resident ();
  const struct pe_plan *plan = pe_runtime_plan (l.runtime);
  for (size_t d = 0; d < plan->n_devices; d++) {
    out->planned += pe_plan_bytes (plan, d, PE_MEMORY_KIND_COUNT);
    out->allocated += pe_runtime_allocated (l.runtime, d, PE_MEMORY_KIND_COUNT);
    /* A software device's memory is this process's too. */
    if (d == 0 || plan->devices[d].kind == PE_DEVICE_SOFTWARE)
      out->resident_planned += pe_plan_bytes (plan, d, PE_MEMORY_KIND_COUNT);
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
run_case (uint32_t quarter, struct outcome *out)
{
  int pipes[2];
  *out = (struct outcome){ .status = CASE_FAILED };
  fflush (stdout);
  if (pipe (pipes) != 0)
    return false;
  pid_t child = fork ();
  if (child == 0) {
    struct outcome mine = *out;
    measure (path, quarter, &mine);
    _exit (write (pipes[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
  }
  close (pipes[1]);
  bool ok = child > 0 && read (pipes[0], out, sizeof *out) == sizeof *out;
  close (pipes[0]);
  if (child > 0)
    waitpid (child, NULL, 0);
  return ok;
}

static void
model_is_as_foretold (void)
{
  bool sanitized = g_strcmp0 (g_getenv ("PARLEY_TEST_SANITIZE"), "asan") == 0;
  uint32_t n_quarters = every_split ? 4 : 1;
  for (uint32_t quarter = 0; quarter < n_quarters; quarter++) {
    struct outcome o;
    CHECK_MSG (run_case (quarter, &o), "%s", label);
    if (o.status == CASE_NO_DEVICE)
      break;
    CHECK_MSG (o.status == CASE_OK, "%s: %s", label, o.what);
    double grown = (double) o.resident_after - (double) o.resident_before;
    double off = grown - (double) o.resident_planned;
    printf ("# %-28s %3u/%-3u %9.1f MB planned %9.1f MB taken %9.1f MB resident, %9.1f foretold "
            "%+6.1f\n",
            label, o.placed, o.n_layers + 1, (double) o.planned / MB, (double) o.allocated / MB,
            grown / MB, (double) o.resident_planned / MB, off / MB);
    CHECK_MSG (o.planned == o.allocated, "%s", label);
    if (sanitized || quarter > 0)
      continue;
    CHECK_MSG (off <= 16 * MB || off <= (double) o.resident_planned / 100, "%s: %.1f MB more",
               label, off / MB);
    CHECK_MSG (off >= -16 * MB || off >= -(double) o.resident_planned / 100, "%s: %.1f MB less",
               label, -off / MB);
  }
}

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
    every_split = g_getenv ("PARLEY_TEST_LONG") || g_str_has_prefix (name, "stories");
    test_run (name, model_is_as_foretold);
  }
}

static void
synthetic_model (const char *generator, const char *options, const char *name)
{
  g_autofree char *file = g_strdup_printf (
      "%s/parley-accuracy-%d.gguf", access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir (),
      (int) getpid ());
  g_autofree char *command = g_strdup_printf ("%s %s %s >/dev/null", generator, options, file);
  if (system (command) == 0) {
    path = file;
    label = name;
    every_split = g_getenv ("PARLEY_TEST_LONG") != NULL;
    test_run (name, model_is_as_foretold);
  }
  unlink (file);
}

int
main (int argc, char **argv)
{
  if (argc != 2)
    return 2;
  const char *shared = g_getenv ("PARLEY_CONFORMANCE");
  static const char *const folders[] = { "arch", "quantized-model" };
  for (gsize i = 0; shared && i < G_N_ELEMENTS (folders); i++) {
    g_autofree char *folder = g_build_filename (shared, folders[i], NULL);
    reference_models (folder);
  }
  if (g_getenv ("PARLEY_TEST_MODELS"))
    reference_models (g_getenv ("PARLEY_TEST_MODELS"));
  synthetic_model (argv[1], "--preset llama-1b --type q4_0 --layers 2 --vocab 32000",
                   "llama-1b, two layers");
  synthetic_model (argv[1], "--preset qwen3-0.6b --type q4_k_m --layers 3 --vocab 32000",
                   "qwen3-0.6b, three layers");
  if (g_getenv ("PARLEY_TEST_LONG")) {
    synthetic_model (argv[1], "--preset qwen3-0.6b --type q8_0", "qwen3-0.6b q8_0");
    synthetic_model (argv[1], "--preset llama-1b --type q4_k_m", "llama-1b q4_k_m");
    synthetic_model (argv[1], "--preset llama-3b --type q4_0", "llama-3b q4_0");
  }
  return test_done ();
}
