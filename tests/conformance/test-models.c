/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reference models against their reference logits. Each model is loaded once for each precision
 * and walks the splits between CPU and GPU by moving layers. The rule is that of the reference
 * data: NMSE within the model's tolerance, and the same best token wherever the reference's margin
 * is wide enough.
 *
 *   test-models cpu|gpu FOLDER [NAME…]
 *
 * FOLDER holds NAME.json, NAME.gguf and NAME.logits.f32 for each model, or one quantized.json over
 * TYPE.gguf and TYPE.truth.f32: one model in many storage types.
 */
#include "../engine-load.h"
#include "../harness.h"

#include <dirent.h>
#include <math.h>

#define MAX_TOKENS 128

struct reference {
  char name[96];
  char model[512];
  int32_t tokens[MAX_TOKENS];
  size_t n;
  uint32_t n_vocab, n_ctx;
  double exact, fast;
  float *logits;
};

static char *
read_whole (const char *path, size_t *n)
{
  FILE *f = fopen (path, "rb");
  if (!f)
    return NULL;
  fseek (f, 0, SEEK_END);
  long size = ftell (f);
  rewind (f);
  char *data = size >= 0 ? malloc ((size_t) size + 1) : NULL;
  if (data && fread (data, 1, (size_t) size, f) != (size_t) size) {
    free (data);
    data = NULL;
  }
  fclose (f);
  if (data) {
    data[size] = 0;
    *n = (size_t) size;
  }
  return data;
}

static double
number (const struct pe_json *j, double absent)
{
  if (j && j->kind == PE_JSON_INT)
    return (double) j->integer;
  return j && j->kind == PE_JSON_FLOAT ? j->real : absent;
}

static bool
read_tokens (const struct pe_json *list, struct reference *r)
{
  if (!list || list->kind != PE_JSON_ARRAY || list->list.n > MAX_TOKENS)
    return false;
  r->n = list->list.n;
  for (size_t i = 0; i < r->n; i++)
    r->tokens[i] = (int32_t) list->list.items[i].integer;
  return true;
}

static bool
read_logits (const char *path, struct reference *r)
{
  size_t n;
  r->logits = (float *) read_whole (path, &n);
  return r->logits && n == r->n * r->n_vocab * sizeof (float);
}

/* NAME.json beside NAME.gguf and NAME.logits.f32. */
static bool
read_reference (const char *folder, const char *name, struct reference *r)
{
  char path[640];
  size_t n;
  memset (r, 0, sizeof *r);
  snprintf (r->name, sizeof r->name, "%s", name);
  snprintf (r->model, sizeof r->model, "%s/%s.gguf", folder, name);
  snprintf (path, sizeof path, "%s/%s.json", folder, name);
  char *text = read_whole (path, &n);
  struct pe_json_document doc = { 0 };
  struct pe_error error;
  bool ok = text && pe_json_parse (text, n, &doc, &error);
  if (ok) {
    const struct pe_json *tolerance = pe_json_get (&doc.root, "tolerance");
    r->n_vocab = (uint32_t) number (pe_json_get (&doc.root, "n_vocab"), 0);
    r->n_ctx = (uint32_t) number (pe_json_get (&doc.root, "n_ctx"), 256);
    r->exact = number (pe_json_get (tolerance, "exact"), 1e-6);
    r->fast = number (pe_json_get (tolerance, "fast"), 1e-3);
    snprintf (path, sizeof path, "%s/%s.logits.f32", folder, name);
    ok = read_tokens (pe_json_get (&doc.root, "tokens"), r) && read_logits (path, r);
  }
  pe_json_document_clear (&doc);
  free (text);
  return ok;
}

static struct pe_json_document quantized; /* quantized.json; empty: the folder has none */

static bool
open_quantized (const char *folder)
{
  char path[640];
  size_t n;
  struct pe_error error;
  snprintf (path, sizeof path, "%s/quantized.json", folder);
  char *text = read_whole (path, &n);
  bool ok = text && pe_json_parse (text, n, &quantized, &error);
  free (text);
  return ok;
}

/* A path that rounds activations may be three times as far off as the reference engine is. */
static bool
read_quantized (const char *folder, const struct pe_json *type, struct reference *r)
{
  char path[640];
  memset (r, 0, sizeof *r);
  const struct pe_json *name = pe_json_get (type, "name");
  snprintf (r->name, sizeof r->name, "%.*s", (int) name->string.n, name->string.data);
  snprintf (r->model, sizeof r->model, "%s/%s.gguf", folder, r->name);
  snprintf (path, sizeof path, "%s/%s.truth.f32", folder, r->name);
  r->n_vocab = (uint32_t) number (pe_json_get (&quantized.root, "n_vocab"), 0);
  r->n_ctx = (uint32_t) number (pe_json_get (&quantized.root, "n_ctx"), 256);
  r->exact = 1e-6;
  r->fast = fmax (1e-6, 3 * number (pe_json_get (type, "nmse_reference_vs_truth"), 0));
  return read_tokens (pe_json_get (&quantized.root, "tokens"), r) && read_logits (path, r);
}

static size_t
best (const float *x, size_t n)
{
  size_t top = 0;
  for (size_t i = 1; i < n; i++)
    if (x[i] > x[top])
      top = i;
  return top;
}

static float
margin_of (const float *x, size_t n)
{
  size_t top = best (x, n);
  float second = -INFINITY;
  for (size_t i = 0; i < n; i++)
    if (i != top && x[i] > second)
      second = x[i];
  return x[top] - second;
}

static void
judge (const struct reference *r, const float *logits, double tolerance, bool fast,
       const char *what)
{
  double sum = 0;
  for (size_t i = 0; i < r->n * r->n_vocab; i++)
    sum += (double) r->logits[i] * r->logits[i];
  double rms = sqrt (sum / (double) (r->n * r->n_vocab));
  double margin = fast ? fmax (1e-3, 8 * sqrt (tolerance) * rms) : 1e-3;
  double e = nmse (logits, r->logits, r->n * r->n_vocab);
  CHECK_MSG (e <= tolerance, "%s, %s: NMSE %.2e, allowed %.0e", r->name, what, e, tolerance);
  for (size_t i = 0; i < r->n; i++) {
    const float *mine = logits + i * r->n_vocab, *theirs = r->logits + i * r->n_vocab;
    if ((double) margin_of (theirs, r->n_vocab) > margin)
      CHECK_MSG (best (mine, r->n_vocab) == best (theirs, r->n_vocab),
                 "%s, %s: another best token at position %zu", r->name, what, i);
  }
}

static struct reference reference;
static struct pe_device_info devices[PE_MAX_DEVICES];
static size_t n_devices;
static struct loaded loaded;
static float *logits;

static void
request_for (struct pe_plan_request *request, enum pe_precision precision)
{
  pe_plan_request_init (request);
  request->n_ctx = reference.n_ctx;
  request->n_batch = 64;
  request->n_outputs = 64;
  request->k_type = request->v_type = PE_TYPE_F32;
  request->precision = precision;
  request->n_gpu_layers = 0;
}

static void
start_over (void)
{
  struct pe_error error = { 0 };
  CHECK_MSG (pe_sequence_truncate (loaded.sequence, 0, NULL, &error), "%s", error.message);
}

static void
exact_on_cpu (void)
{
  static const size_t batches[] = { 64, 1, 7 };
  struct pe_plan_request request;
  request_for (&request, PE_PRECISION_EXACT);
  CHECK (load (&loaded, reference.model, &request, devices, 1));
  for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
    char what[64];
    snprintf (what, sizeof what, "exact, CPU, batches of %zu", batches[b]);
    start_over ();
    CHECK (evaluate (&loaded, reference.tokens, reference.n, batches[b], logits));
    judge (&reference, logits, reference.exact, false, what);
  }
}

static void
fast_on_cpu (void)
{
  struct pe_plan_request request;
  request_for (&request, PE_PRECISION_FAST);
  request.k_type = request.v_type = PE_TYPE_F16;
  CHECK (load (&loaded, reference.model, &request, devices, 1));
  CHECK (evaluate (&loaded, reference.tokens, reference.n, 64, logits));
  judge (&reference, logits, reference.fast, true, "fast, CPU");
}

/* Every split with PARLEY_TEST_LONG, else none, one, half, all but the output, all. */
static bool
split_is_walked (uint32_t n, uint32_t n_layers)
{
  return getenv ("PARLEY_TEST_LONG") || n <= 1 || n == (n_layers + 1) / 2 || n >= n_layers;
}

/* With everything asked for on the GPU, everything above the embedding lies there. These may leave
 * layers to the CPU: Gemma 3n for its extras, Mamba 1, here for a rank of odd size, Phi 3.5 MoE for
 * its gating, and files that keep experts apart. */
static void
check_nothing_is_left (void)
{
  const struct pe_plan *plan = pe_runtime_plan (loaded.runtime);
  static const char *const left[] = { "gemma3n", "mamba", "phimoe", "llama-apart" };
  bool may = false;
  for (size_t i = 0; i < sizeof left / sizeof *left; i++)
    may |= strcmp (reference.name, left[i]) == 0;
  for (uint32_t stage = 1; stage < plan->n_layers + 2; stage++)
    CHECK_MSG (may || plan->stage_device[stage] != 0, "%s: stage %u stays on the CPU",
               reference.name, stage);
}

static void
splits_on_gpu (void)
{
  struct pe_plan_request request;
  struct pe_error error = { 0 };
  request_for (&request, PE_PRECISION_FAST);
  CHECK (load (&loaded, reference.model, &request, devices, n_devices));
  uint32_t n_layers = pe_model_info (loaded.model)->n_layers;
  for (uint32_t n = 0; n <= n_layers + 1; n++) {
    if (!split_is_walked (n, n_layers))
      continue;
    char what[64];
    snprintf (what, sizeof what, "%u of %u layers on the GPU", n, n_layers + 1);
    start_over ();
    CHECK_MSG (pe_runtime_place (loaded.runtime, n, &error), "%s: %s", what, error.message);
    if (n > n_layers)
      check_nothing_is_left ();
    /* A prompt in one piece, then one token at a time, as a chat does. */
    size_t prompt = reference.n / 2;
    CHECK (evaluate (&loaded, reference.tokens, prompt, 64, logits));
    CHECK (evaluate (&loaded, reference.tokens + prompt, reference.n - prompt, 1,
                     logits + prompt * reference.n_vocab));
    judge (&reference, logits, reference.fast, true, what);
  }
}

/* Teacher-forced, with a move before every few tokens: the cache moves along. */
static void
moves_on_gpu (void)
{
  struct pe_plan_request request;
  struct pe_error error = { 0 };
  uint32_t random = 12345;
  request_for (&request, PE_PRECISION_FAST);
  CHECK (load (&loaded, reference.model, &request, devices, n_devices));
  uint32_t n_layers = pe_model_info (loaded.model)->n_layers;
  for (size_t i = 0; i < reference.n; i++) {
    random = random * 1664525u + 1013904223u;
    if (i % 3 == 0)
      CHECK_MSG (pe_runtime_place (loaded.runtime, (random >> 16) % (n_layers + 2), &error), "%s",
                 error.message);
    CHECK (evaluate (&loaded, reference.tokens + i, 1, 1, logits + i * reference.n_vocab));
  }
  struct pe_runtime_counters counters;
  pe_runtime_counters (loaded.runtime, &counters);
  CHECK (counters.rows_evaluated == reference.n);
  judge (&reference, logits, reference.fast, true, "layers moving");
}

static void
run_case (const char *kind, void (*fn) (void))
{
  char name[160];
  snprintf (name, sizeof name, "%s: %s", reference.name, kind);
  test_run (name, fn);
  unload (&loaded);
}

static int
by_name (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static bool
is_wanted (const char *name, char **only)
{
  if (!*only)
    return true;
  for (; *only; only++)
    if (strncmp (name, *only, strlen (*only)) == 0)
      return true;
  return false;
}

static void
run_model (bool is_readable, bool gpu)
{
  if (!is_readable) {
    printf ("not ok %d - %s: the reference cannot be read\n", ++test_number, reference.name);
    test_failures++;
    free (reference.logits);
    return;
  }
  logits = malloc (reference.n * reference.n_vocab * sizeof *logits);
  if (gpu) {
    run_case ("splits", splits_on_gpu);
    run_case ("moves", moves_on_gpu);
  } else {
    run_case ("exact", exact_on_cpu);
    run_case ("fast", fast_on_cpu);
  }
  free (logits);
  free (reference.logits);
}

static void
run_quantized (const char *folder, bool gpu)
{
  const struct pe_json *types = pe_json_get (&quantized.root, "types");
  for (size_t i = 0; i < types->list.n; i++)
    run_model (read_quantized (folder, &types->list.items[i], &reference), gpu);
  pe_json_document_clear (&quantized);
}

static void
run_folder (DIR *dir, const char *folder, bool gpu, char **only)
{
  char *names[512];
  size_t n = 0;
  for (struct dirent *e; (e = readdir (dir)) && n < 512;) {
    char *dot = strrchr (e->d_name, '.');
    if (dot && strcmp (dot, ".json") == 0) {
      *dot = 0;
      if (is_wanted (e->d_name, only))
        names[n++] = strdup (e->d_name);
    }
  }
  qsort (names, n, sizeof *names, by_name);
  for (size_t i = 0; i < n; i++) {
    run_model (read_reference (folder, names[i], &reference), gpu);
    free (names[i]);
  }
}

int
main (int argc, char **argv)
{
  bool gpu = argc > 1 && strcmp (argv[1], "gpu") == 0;
  const char *folder = argc > 2 ? argv[2] : "";
  DIR *dir = opendir (folder);
  if (!dir) {
    printf ("1..0 # SKIP no reference models beside the project\n");
    return 0;
  }
  n_devices = test_devices (devices);
  if (gpu && n_devices < 2)
    printf ("1..0 # SKIP no Vulkan device\n");
  else if (open_quantized (folder))
    run_quantized (folder, gpu);
  else
    run_folder (dir, folder, gpu, argv + 3);
  closedir (dir);
  return gpu && n_devices < 2 ? 0 : test_done ();
}
