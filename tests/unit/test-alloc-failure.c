/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every allocation fails once, and from each one on all of them fail: opening a model, planning,
 * loading, eight tokens, moving layers, branches, going back. What fails says that memory is
 * short; nothing leaks (run it under a sanitizer); and the same afterwards works and gives the
 * same tokens as if nothing had been.
 *
 *   test-alloc-failure SYNTH-MODEL
 */
#include "../engine-load.h"
#include "../harness.h"

#include "base/alloc.h"

#include <unistd.h>

#define N_TOKENS 8

static const char *path;
static struct pe_device_info devices[PE_MAX_DEVICES];
static size_t n_devices;

static bool
evaluate_some (struct loaded *l, float *out, struct pe_error *error)
{
  struct pe_row rows[N_TOKENS];
  for (int i = 0; i < N_TOKENS; i++)
    rows[i] = (struct pe_row){ l->sequence, 3 + i, i + 1 == N_TOKENS };
  if (!pe_runtime_compute (l->runtime, rows, 5, error) ||
      !pe_runtime_compute (l->runtime, rows + 5, N_TOKENS - 5, error))
    return false;
  size_t n = pe_model_info (l->model)->n_vocab;
  memcpy (out, pe_runtime_logits (l->runtime, 0), n * sizeof *out);
  return true;
}

/* Moves everything there and back, branches off, goes back, and evaluates both sides once more. */
static bool
branch_some (struct loaded *l, float *out, struct pe_error *error)
{
  struct pe_sequence *branch = NULL;
  size_t kept, n = pe_model_info (l->model)->n_vocab;
  bool ok = true;
  if (n_devices > 1)
    ok = pe_runtime_place (l->runtime, 1, error) && pe_runtime_place (l->runtime, 0, error);
  else
    ok = pe_runtime_place (l->runtime, 0, error);
  ok = ok && pe_sequence_fork (l->sequence, N_TOKENS, &branch, error);
  if (ok) {
    struct pe_row row = { branch, 4, true };
    ok = pe_runtime_compute (l->runtime, &row, 1, error);
    if (ok)
      memcpy (out, pe_runtime_logits (l->runtime, 0), n * sizeof *out);
  }
  ok = ok && pe_sequence_truncate (l->sequence, 4, &kept, error);
  if (ok) {
    struct pe_row row = { l->sequence, 5, false };
    ok = pe_runtime_compute (l->runtime, &row, 1, error);
  }
  pe_sequence_free (branch);
  return ok;
}

static void
make_request (struct pe_plan_request *request)
{
  pe_plan_request_init (request);
  request->n_ctx = 64;
  request->n_batch = 8;
  request->n_threads = 2;
  request->n_gpu_layers = 0;
}

/* What the model says of itself and how it reads a text: nothing of that may silently be missing.
 */
static bool
describe (const struct pe_model *model, float *out, struct pe_error *error)
{
  const struct pe_model_info *info = pe_model_info (model);
  const struct pe_vocab *vocab = pe_model_vocab (model, NULL);
  *out++ = (float) (strlen (info->architecture) + strlen (info->name) + strlen (info->license));
  *out++ = (float) strlen (info->quantisation);
  *out++ = (float) info->chat_template_bytes;
  *out++ = vocab != NULL;
  if (!vocab)
    return true;
  struct pe_tokens tokens = { 0 };
  bool ok = pe_tokenize (vocab, "Some words.", 11, PE_ADD_SPECIAL, &tokens, error);
  for (size_t i = 0; i < tokens.n && i < 16; i++)
    *out++ = (float) tokens.ids[i];
  pe_tokens_clear (&tokens);
  return ok;
}

/* Everything; `out` gets 2 * n_vocab figures and the description. */
static bool
everything (float *out, size_t capacity, struct pe_error *error)
{
  struct loaded l = { 0 };
  struct pe_plan *plan = NULL;
  struct pe_plan_request request;
  make_request (&request);
  bool ok = pe_model_open (path, &l.model, error);
  size_t n = ok ? pe_model_info (l.model)->n_vocab : 0;
  ok = ok && pe_model_can_compute (l.model, error) && 2 * n + 32 <= capacity &&
       describe (l.model, out + 2 * n, error) &&
       pe_plan_make (l.model, &request, devices, n_devices, &plan, error) &&
       pe_runtime_create (l.model, plan, NULL, &l.runtime, error) &&
       pe_sequence_new (l.runtime, &l.sequence, error) && evaluate_some (&l, out, error) &&
       branch_some (&l, out + n, error);
  pe_plan_free (plan);
  unload (&l);
  return ok;
}

#define CAPACITY (1 << 17)
static float expected[CAPACITY], got[CAPACITY];

static void
each_allocation (bool forever)
{
  struct pe_error error = { 0 };
  if (access (path, R_OK) != 0)
    SKIP ("no reference models beside the project");
  memset (expected, 0, sizeof expected);
  pe_alloc_fail_at (0, false);
  CHECK_MSG (everything (expected, CAPACITY, &error), "%s", error.message);
  uint64_t total = pe_alloc_fail_at (0, false), survived = 0;
  /* All of them take part in the long form; a share of the middle in the short one. */
  uint64_t step = getenv ("PARLEY_TEST_LONG") || total < 600 ? 1 : 1 + total / 600;
  CHECK (total > 50);
  for (uint64_t k = 1; k <= total; k += step) {
    memset (&error, 0, sizeof error);
    memset (got, 0, sizeof got);
    pe_alloc_fail_at (k, forever);
    bool ok = everything (got, CAPACITY, &error);
    pe_alloc_fail_at (0, false);
    if (ok) { /* what can be done without is done without, with the same result */
      survived++;
      CHECK_MSG (memcmp (got, expected, sizeof got) == 0, "allocation %llu changed the result",
                 (unsigned long long) k);
    } else
      CHECK_MSG (error.code == PE_ERROR_MEMORY && error.message[0],
                 "allocation %llu: code %d, \"%s\"", (unsigned long long) k, (int) error.code,
                 error.message);
  }
  printf ("# %llu allocations, every %llu., %llu were not needed\n", (unsigned long long) total,
          (unsigned long long) step, (unsigned long long) survived);
  memset (got, 0, sizeof got);
  CHECK_MSG (everything (got, CAPACITY, &error), "afterwards: %s", error.message);
  CHECK (memcmp (got, expected, sizeof got) == 0);
}

static void
fails_once (void)
{
  each_allocation (false);
}

static void
fails_for_good (void)
{
  each_allocation (true);
}

/* On one runtime, over and over: what fails leaves it as it was. */
static void
one_runtime_goes_on (void)
{
  struct loaded l;
  struct pe_plan_request request;
  struct pe_error error = { 0 };
  if (access (path, R_OK) != 0)
    SKIP ("no reference models beside the project");
  make_request (&request);
  CHECK (load (&l, path, &request, devices, n_devices));
  size_t n = pe_model_info (l.model)->n_vocab;
  bool ok = 2 * n <= CAPACITY && evaluate_some (&l, expected, &error) &&
            branch_some (&l, expected + n, &error);
  uint64_t k = 0;
  for (bool whole = false; ok && !whole && k < 1000;) {
    size_t kept;
    ok = pe_sequence_truncate (l.sequence, 0, &kept, &error) && kept == 0;
    memset (&error, 0, sizeof error);
    pe_alloc_fail_at (++k, false);
    whole = ok && evaluate_some (&l, got, &error) && branch_some (&l, got + n, &error);
    /* The end is reached when the allocation that should fail is beyond the last one. */
    uint64_t made = pe_alloc_fail_at (0, false);
    if (!whole && ok && error.code != PE_ERROR_MEMORY) {
      printf ("# allocation %llu: %s\n", (unsigned long long) k, error.message);
      ok = false;
    }
    if (whole)
      ok = memcmp (got, expected, 2 * n * sizeof *got) == 0;
    whole = whole && made < k;
  }
  unload (&l);
  CHECK_MSG (ok, "at allocation %llu: %s", (unsigned long long) k, error.message);
  CHECK (k > 5 && k < 1000);
}

static void
run_model (const char *name)
{
  static const struct {
    const char *name;
    void (*fn) (void);
  } cases[] = {
    { "each allocation fails once", fails_once },
    { "all fail from each one on", fails_for_good },
    { "one runtime goes on", one_runtime_goes_on },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char full[160];
    snprintf (full, sizeof full, "%s, %zu devices: %s", name, n_devices, cases[i].name);
    test_run (full, cases[i].fn);
    pe_alloc_fail_at (0, false);
  }
}

int
main (int argc, char **argv)
{
  static const char *const models[] = { "llama-gqa", "qwen3moe", "mamba2", "qwen3next",
                                        "deepseek2-oldfmt" };
  if (argc != 2)
    return 2;
  char synthetic[64], command[512], full[512];
  snprintf (synthetic, sizeof synthetic, "/tmp/parley-alloc-%d.gguf", (int) getpid ());
  snprintf (command, sizeof command,
            "%s --preset tiny --type q8_0 --embd 64 --ffn 64 --vocab 512 %s >/dev/null", argv[1],
            synthetic);
  if (system (command) != 0)
    return 1;
  n_devices = pe_devices_list (devices, 1, false, NULL);
  path = synthetic;
  run_model ("synthetic");
  const char *folder = getenv ("PARLEY_CONFORMANCE");
  for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
    snprintf (full, sizeof full, "%s/arch/%s.gguf", folder ? folder : "", models[m]);
    path = full;
    run_model (models[m]);
  }
  unlink (synthetic);
  return test_done ();
}
