/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hostile models: sound containers whose contents do not fit together. Each is opened, planned,
 * loaded and asked for a few tokens in a process of its own, which must either refuse it with a
 * reason or compute to the end: no signal, no leak, no endless loop, no large memory.
 *
 *   test-malformed-models SYNTH-MODEL [FAMILY…]
 *
 * The small models are made here; where the reference models lie beside the project, one of each
 * kind of family is taken apart too. PARLEY_TEST_LONG=1 tries every change instead of a share.
 */
#include "../engine-load.h"
#include "../harness.h"
#include "../tools/gguf-edit.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPU_SECONDS 60 /* far more than any case takes, even under a sanitizer */

enum outcome { COMPUTED = 0, REFUSED = 10, NO_REASON = 20, BAD_TOKEN = 21 };

static const char *generator;
static char folder[64];

/* ---- one model, in this process ---- */

static enum outcome
refused (const struct pe_error *error)
{
  if (getenv ("PARLEY_TEST_VERBOSE"))
    printf ("#   %s\n", error->message);
  return error->code == PE_OK || error->message[0] == 0 ? NO_REASON : REFUSED;
}

static bool
compute_some (struct loaded *l, struct pe_error *error)
{
  struct pe_row rows[5] = { { l->sequence, 1, false },
                            { l->sequence, 2, false },
                            { l->sequence, 3, true },
                            { l->sequence, 0, false },
                            { l->sequence, 1, true } };
  return pe_runtime_compute (l->runtime, rows, 3, error) &&
         pe_runtime_compute (l->runtime, rows + 3, 2, error);
}

static enum outcome
sample_some (struct loaded *l, struct pe_error *error)
{
  struct pe_sampler_params params;
  struct pe_sampler *sampler;
  uint32_t n_vocab = pe_model_info (l->model)->n_vocab;
  pe_sampler_params_init (&params);
  if (!pe_sampler_new (&params, n_vocab, &sampler, error))
    return refused (error);
  enum outcome outcome = COMPUTED;
  for (int i = 0; i < 3 && outcome == COMPUTED; i++) {
    int32_t token = pe_sampler_sample (sampler, pe_runtime_logits (l->runtime, 0));
    struct pe_row row = { l->sequence, token, true };
    if (token < 0 || (uint32_t) token >= n_vocab)
      outcome = BAD_TOKEN;
    else if (!pe_runtime_compute (l->runtime, &row, 1, error))
      outcome = refused (error);
    else
      pe_sampler_accept (sampler, token);
  }
  pe_sampler_free (sampler);
  return outcome;
}

static enum outcome
drive (const char *path)
{
  struct pe_device_info cpu[PE_MAX_DEVICES];
  struct pe_error error = { 0 };
  struct pe_plan_request request;
  struct pe_plan *plan = NULL;
  struct loaded l = { 0 };
  pe_devices_list (cpu, 1, false, NULL);
  pe_plan_request_init (&request);
  request.n_ctx = 64;
  request.n_batch = 2;
  request.n_threads = 1;
  enum outcome outcome;
  if (!pe_model_open (path, &l.model, &error) || !pe_model_can_compute (l.model, &error) ||
      !pe_plan_make (l.model, &request, cpu, 1, &plan, &error) ||
      !pe_runtime_create (l.model, plan, NULL, &l.runtime, &error) ||
      !pe_sequence_new (l.runtime, &l.sequence, &error) || !compute_some (&l, &error))
    outcome = refused (&error);
  else
    outcome = sample_some (&l, &error);
  pe_plan_free (plan);
  unload (&l);
  return outcome;
}

/* ---- in a child ---- */

/* The exit status, or 256 + the signal that ended it. */
static int
in_child (enum outcome (*fn) (const char *), const char *path)
{
  fflush (stdout);
  pid_t child = fork ();
  if (child == 0) {
    /* Time spent, not time passed: a busy machine condemns nobody. A child that only waits is for
     * the time limit of the whole. */
    setrlimit (RLIMIT_CPU, &(struct rlimit){ CPU_SECONDS, CPU_SECONDS });
    enum outcome outcome = fn (path);
    fflush (stdout);
    exit ((int) outcome); /* not _exit(): leaks are looked for on the way out */
  }
  int status = 0;
  if (child < 0 || waitpid (child, &status, 0) != child)
    return 1;
  return WIFSIGNALED (status) ? 256 + WTERMSIG (status) : WEXITSTATUS (status);
}

static struct {
  size_t n, n_refused, n_bad;
  char first[512];
} tally;

static void
judge (int status, bool must_refuse, const char *what)
{
  tally.n++;
  tally.n_refused += status == REFUSED;
  if (status == REFUSED || (status == COMPUTED && !must_refuse))
    return;
  printf ("# %s: status %d\n", what, status);
  if (!tally.n_bad++)
    snprintf (tally.first, sizeof tally.first, "%s: status %d", what, status);
}

static void
check_tally (size_t at_least)
{
  printf ("# %zu models, %zu refused\n", tally.n, tally.n_refused);
  size_t n = tally.n, n_bad = tally.n_bad;
  memset (&tally, 0, offsetof (__typeof__ (tally), first));
  CHECK_MSG (n_bad == 0, "%zu, first %s", n_bad, tally.first);
  CHECK (n >= at_least);
}

/* ---- base models ---- */

struct base {
  char path[512];
  void *bytes;
  size_t n;
  struct pe_gguf *gguf;
};

static bool
read_base (struct base *b)
{
  struct stat st;
  int fd = open (b->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat (fd, &st) != 0)
    return false;
  b->n = (size_t) st.st_size;
  b->bytes = mmap (NULL, b->n, PROT_READ, MAP_PRIVATE, fd, 0);
  close (fd);
  struct pe_error error;
  return b->bytes != MAP_FAILED && pe_gguf_parse (b->bytes, b->n, b->n, &b->gguf, &error);
}

static void
close_base (struct base *b)
{
  pe_gguf_free (b->gguf);
  if (b->bytes && b->bytes != MAP_FAILED)
    munmap (b->bytes, b->n);
  memset (b, 0, sizeof *b);
}

static struct base base;

static void
make_base (const char *preset)
{
  char command[1200];
  close_base (&base);
  snprintf (base.path, sizeof base.path, "%s/%s.gguf", folder, preset);
  snprintf (command, sizeof command,
            "%s --preset %s --type f32 --embd 64 --ffn 64 --vocab 512 --ctx 256 %s >/dev/null",
            generator, preset, base.path);
  CHECK_MSG (system (command) == 0 && read_base (&base), "%s", command);
}

static void
try_changes (const struct gguf_change *changes, size_t n, bool must_refuse, const char *what)
{
  char path[128];
  struct pe_error error;
  snprintf (path, sizeof path, "%s/case.gguf", folder);
  /* What the writer itself does not accept has no case. */
  if (gguf_copy (base.gguf, base.bytes, changes, n, path, &error))
    judge (in_child (drive, path), must_refuse, what);
}

/* ---- what has to be refused ---- */

#define U(key, value)                                                                              \
  {                                                                                                \
    GGUF_PUT_U64, key, .integer = (value)                                                          \
  }
#define F(key, value)                                                                              \
  {                                                                                                \
    GGUF_PUT_F32, key, .real = (value)                                                             \
  }

static const struct gguf_change refusals[] = {
  U (".block_count", 0),
  U (".block_count", 3),
  U (".block_count", 513),
  U (".block_count", UINT32_MAX),
  U (".block_count", 1ull << 32),
  U (".embedding_length", 0),
  U (".embedding_length", 63),
  U (".embedding_length", UINT32_MAX),
  U (".attention.head_count", 0),
  U (".attention.head_count", 3),
  U (".attention.head_count", UINT32_MAX),
  U (".attention.head_count_kv", 3),
  U (".attention.head_count_kv", 8),
  U (".attention.head_count_kv", UINT32_MAX),
  U (".attention.key_length", 0),
  U (".attention.key_length", 63),
  U (".attention.key_length", 1u << 30),
  U (".attention.value_length", 0),
  U (".attention.value_length", 65),
  U (".rope.dimension_count", 63),
  U (".rope.dimension_count", 66),
  U (".rope.dimension_count", UINT32_MAX),
  U (".feed_forward_length", 0),
  U (".feed_forward_length", 65),
  U (".feed_forward_length", UINT32_MAX),
  U (".context_length", 1ull << 32),
  U (".context_length", UINT64_MAX),
  F (".attention.layer_norm_rms_epsilon", NAN),
  F (".attention.layer_norm_rms_epsilon", -1),
  F (".attention.layer_norm_rms_epsilon", INFINITY),
  F (".rope.freq_base", NAN),
  F (".rope.freq_base", -10000),
  F (".rope.freq_base", INFINITY),
  F (".rope.scaling.factor", NAN),
  F (".rope.scaling.factor", -1),
  { GGUF_PUT_STRING, ".block_count", .text = "2" },
  { GGUF_PUT_STRING, ".rope.freq_base", .text = "many" },
  { GGUF_PUT_STRING, "general.architecture", .text = "nobody-knows-me" },
  { GGUF_PUT_STRING, "general.type", .text = "adapter" },
  { GGUF_DROP_KEY, "general.architecture" },
  { GGUF_DROP_KEY, ".block_count" },
  { GGUF_DROP_KEY, ".embedding_length" },
  { GGUF_DROP_KEY, ".attention.head_count" },
  { GGUF_PUT_NUMBERS, ".attention.head_count", .integer = 0, .real = 4 },
  { GGUF_PUT_NUMBERS, ".attention.head_count_kv", .integer = 2, .real = 3 },
  { GGUF_PUT_NUMBERS, ".feed_forward_length", .integer = 2, .real = 65 },
  { GGUF_TYPE_TENSOR, "output_norm.weight", .integer = PE_TYPE_Q8_0 },
  { GGUF_TYPE_TENSOR, "blk.0.attn_norm.weight", .integer = PE_TYPE_Q4_0 },
  { GGUF_TYPE_TENSOR, "blk.1.attn_q.weight", .integer = 26 }, /* 32-bit integers */
  { GGUF_SHAPE_TENSOR, "token_embd.weight", .shape = { 64 * 512, 1, 1, 1 } },
  { GGUF_SHAPE_TENSOR, "token_embd.weight", .shape = { 512, 64, 1, 1 } },
  { GGUF_SHAPE_TENSOR, "token_embd.weight", .shape = { 64, 511, 1, 1 } }, /* not the output's */
};

static const struct gguf_change expert_refusals[] = {
  U (".expert_count", 0),
  U (".expert_count", 7),
  U (".expert_count", 9),
  U (".expert_count", 513),
  U (".expert_count", UINT32_MAX),
  U (".expert_used_count", 0),
  U (".expert_used_count", 9),
  U (".expert_used_count", UINT32_MAX),
  U (".expert_group_count", 3),
  U (".expert_group_count", 4), /* of which none is used */
  U (".expert_gating_func", 5),
  F (".expert_weights_scale", NAN),
  { GGUF_DROP_KEY, ".expert_count" },
  { GGUF_DROP_KEY, ".expert_used_count" },
  { GGUF_SHAPE_TENSOR, "blk.0.ffn_up_exps.weight", .shape = { 64, 64, 4, 1 } },
  { GGUF_SHAPE_TENSOR, "blk.0.ffn_up_exps.weight", .shape = { 64, 32, 16, 1 } },
};

static void
refuse_all (const struct gguf_change *list, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    char what[128];
    snprintf (what, sizeof what, "%s, case %zu (%llu, %g)", list[i].name, i,
              (unsigned long long) list[i].integer, list[i].real);
    try_changes (&list[i], 1, true, what);
  }
}

static void
hyper_parameters_are_refused (void)
{
  make_base ("tiny");
  try_changes (NULL, 0, false, "the unchanged model");
  CHECK_MSG (tally.n_refused == 0, "the unchanged model is refused");
  refuse_all (refusals, sizeof refusals / sizeof *refusals);
  make_base ("tiny-moe");
  try_changes (NULL, 0, false, "the unchanged experts");
  refuse_all (expert_refusals, sizeof expert_refusals / sizeof *expert_refusals);
  check_tally (sizeof refusals / sizeof *refusals +
               sizeof expert_refusals / sizeof *expert_refusals + 2);
}

/* Each tensor is needed: without it, or with a row too few, nothing is computed. */
static void
every_tensor_is_needed (void)
{
  const char *presets[] = { "tiny", "tiny-moe" };
  for (size_t p = 0; p < 2; p++) {
    make_base (presets[p]);
    for (size_t i = 0; i < base.gguf->n_tensors; i++) {
      const struct pe_gguf_tensor *t = &base.gguf->tensors[i];
      char name[128];
      snprintf (name, sizeof name, "%.*s", (int) t->name.n, t->name.data);
      if (strcmp (name, "output.weight") == 0 || strstr (name, "attn_norm") ||
          strstr (name, "ffn_norm") || strstr (name, "ffn_gate.") || strstr (name, "_gate_exps") ||
          strstr (name, "attn_q_norm") || strstr (name, "attn_k_norm"))
        continue; /* their absence means something: another form of the family */
      try_changes (&(struct gguf_change){ GGUF_DROP_TENSOR, name }, 1, true, name);
    }
    for (size_t i = 0; i < base.gguf->n_tensors; i++) {
      const struct pe_gguf_tensor *t = &base.gguf->tensors[i];
      struct gguf_change change = { GGUF_SHAPE_TENSOR };
      char name[128];
      snprintf (name, sizeof name, "%.*s", (int) t->name.n, t->name.data);
      change.name = name;
      memcpy (change.shape, t->shape, sizeof change.shape);
      change.shape[t->n_dims - 1]--;
      try_changes (&change, 1, true, name);
    }
  }
  check_tally (40);
}

/* ---- what must do no harm: every key and tensor of every family ---- */

static unsigned turn, share;

static void
try_one (struct gguf_change change, const char *what)
{
  if (turn++ % share == 0)
    try_changes (&change, 1, false, what);
}

static void
vary_entry (const char *family, const struct pe_gguf_entry *e)
{
  static const uint64_t integers[] = { 0,
                                       1,
                                       2,
                                       3,
                                       5,
                                       7,
                                       31,
                                       64,
                                       255,
                                       4096,
                                       8192,
                                       1u << 20,
                                       (1u << 20) + 1,
                                       1u << 28,
                                       1u << 31,
                                       UINT32_MAX,
                                       UINT64_MAX };
  static const double reals[] = { 0, -1, 1, 1e-30, 1e30, NAN, INFINITY, -INFINITY };
  char key[160], what[256];
  uint64_t value = 0;
  snprintf (key, sizeof key, "%.*s", (int) e->key.n, e->key.data);
  snprintf (what, sizeof what, "%s: %s", family, key);
  try_one ((struct gguf_change){ GGUF_DROP_KEY, key }, what);
  try_one ((struct gguf_change){ GGUF_PUT_STRING, key, .text = "text" }, what);
  if (e->is_array) {
    for (uint64_t n = 0; n < 3; n++)
      try_one ((struct gguf_change){ GGUF_CUT_ARRAY, key, .integer = n }, what);
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
      try_one ((struct gguf_change){ GGUF_PUT_NUMBERS, key, e->count, (double) integers[i] }, what);
  }
  if (e->kind == PE_GGUF_F32)
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
      try_one ((struct gguf_change){ GGUF_PUT_F32, key, .real = reals[i] }, what);
  else if (pe_gguf_entry_u64 (e, 0, &value)) {
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
      try_one ((struct gguf_change){ GGUF_PUT_U64, key, .integer = integers[i] }, what);
    uint64_t near[] = { value - 1, value + 1, value / 2, value * 2, value * 16 };
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
      try_one ((struct gguf_change){ GGUF_PUT_U64, key, .integer = near[i] }, what);
    try_one ((struct gguf_change){ GGUF_PUT_NUMBERS, key, 1, (double) value }, what);
    try_one ((struct gguf_change){ GGUF_PUT_NUMBERS, key, 2, (double) value }, what);
  }
}

/* Keys that this family may not have, from those that others do. */
static void
add_foreign_keys (const char *family)
{
  static const char *const keys[] = { ".attention.sliding_window",
                                      ".attention.shared_kv_layers",
                                      ".attention.key_length_swa",
                                      ".attention.value_length_swa",
                                      ".rope.dimension_count_swa",
                                      ".attention.kv_lora_rank",
                                      ".attention.q_lora_rank",
                                      ".attention.key_length_mla",
                                      ".attention.value_length_mla",
                                      ".embedding_length_per_layer_input",
                                      ".nextn_predict_layers",
                                      ".ssm.conv_kernel",
                                      ".ssm.inner_size",
                                      ".ssm.state_size",
                                      ".ssm.time_step_rank",
                                      ".ssm.group_count",
                                      ".shortconv.l_cache",
                                      ".expert_group_count",
                                      ".expert_group_used_count",
                                      ".expert_gating_func",
                                      ".full_attention_interval",
                                      ".rope.scaling.original_context_length" };
  static const uint64_t values[] = { 0, 1, 2, 8, 4096, UINT32_MAX };
  for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
      char what[256];
      snprintf (what, sizeof what, "%s: %s added", family, keys[k]);
      try_one ((struct gguf_change){ GGUF_PUT_U64, keys[k], .integer = values[v] }, what);
    }
}

static void
vary_tensor (const char *family, const struct pe_gguf_tensor *t)
{
  static const enum pe_type types[] = { PE_TYPE_F32,  PE_TYPE_F16,  PE_TYPE_Q8_0,
                                        PE_TYPE_Q4_0, PE_TYPE_Q6_K, (enum pe_type) 26 };
  char name[128], what[256];
  snprintf (name, sizeof name, "%.*s", (int) t->name.n, t->name.data);
  snprintf (what, sizeof what, "%s: %s", family, name);
  try_one ((struct gguf_change){ GGUF_DROP_TENSOR, name }, what);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    try_one ((struct gguf_change){ GGUF_TYPE_TENSOR, name, .integer = types[i] }, what);
  for (uint32_t d = 0; d < t->n_dims; d++)
    for (int how = 0; how < 4; how++) {
      struct gguf_change change = { GGUF_SHAPE_TENSOR, name };
      memcpy (change.shape, t->shape, sizeof change.shape);
      uint64_t n = t->shape[d];
      change.shape[d] = how == 0 ? n + 1 : how == 1 ? 2 * n : how == 2 ? n / 2 : 1;
      if (change.shape[d])
        try_one (change, what);
    }
  struct gguf_change turned = { GGUF_SHAPE_TENSOR, name };
  for (int d = 0; d < 4; d++)
    turned.shape[d] = t->shape[d < 2 ? 1 - d : d];
  try_one (turned, what);
}

static const char *const families[] = {
  "llama-gqa",
  "qwen3moe",
  "deepseek2-lite",
  "deepseek2-oldfmt",
  "deepseek3-sigmoid",
  "gemma3n",
  "gemma4-ple",
  "mamba",
  "mamba2",
  "qwen3next",
  "gpt-oss-f16",
  "lfm2",
  "granitehybrid",
  "llama4",
  "gpt2",
  "mpt",
  "falcon-40b",
  "gemma3-swa",
  "phi3-longrope-long",
  "qwen35",
};
static const char *family;

static void
changed_family_does_no_harm (void)
{
  close_base (&base);
  snprintf (base.path, sizeof base.path, "%s/arch/%s.gguf",
            getenv ("PARLEY_CONFORMANCE") ? getenv ("PARLEY_CONFORMANCE") : "", family);
  if (access (base.path, R_OK) != 0)
    SKIP ("no reference models beside the project");
  CHECK (read_base (&base));
  try_changes (NULL, 0, false, "the unchanged model");
  CHECK_MSG (tally.n_refused == 0, "the unchanged model is refused");
  for (size_t i = 0; i < base.gguf->n_entries; i++)
    if (memcmp (base.gguf->entries[i].key.data, "tokenizer", 5) != 0 &&
        memcmp (base.gguf->entries[i].key.data, "general", 7) != 0)
      vary_entry (family, &base.gguf->entries[i]);
  add_foreign_keys (family);
  for (size_t i = 0; i < base.gguf->n_tensors; i++) {
    unsigned layer = 0;
    const char *name = base.gguf->tensors[i].name.data;
    /* Later layers repeat the first ones. */
    if (sscanf (name, "blk.%u.", &layer) != 1 || layer < 4)
      vary_tensor (family, &base.gguf->tensors[i]);
  }
  check_tally (share > 37 ? 1 : 5);
}

/* ---- weights that are no numbers ---- */

static void
weights_without_value (void)
{
  const char *presets[] = { "tiny", "tiny-moe" };
  static const struct gguf_change fills[] = {
    { GGUF_FILL_TENSORS, "", .real = NAN, .integer = 0x7c },
    { GGUF_FILL_TENSORS, "", .real = INFINITY, .integer = 0xff },
    { GGUF_FILL_TENSORS, "", .real = -INFINITY, .integer = 0x7f },
    { GGUF_FILL_TENSORS, "", .real = 3e38, .integer = 0x7b },
    { GGUF_FILL_TENSORS, "", .real = 0 },
    { GGUF_FILL_TENSORS, "norm", .real = NAN },
    { GGUF_FILL_TENSORS, "norm", .real = 0 },
    { GGUF_FILL_TENSORS, "ffn_gate_inp", .real = NAN },
    { GGUF_FILL_TENSORS, "attn_k", .real = INFINITY },
    { GGUF_FILL_TENSORS, "output", .real = NAN },
  };
  for (size_t p = 0; p < 2; p++) {
    make_base (presets[p]);
    for (size_t i = 0; i < sizeof fills / sizeof *fills; i++)
      try_changes (&fills[i], 1, false, presets[p]);
  }
  for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
    close_base (&base);
    snprintf (base.path, sizeof base.path, "%s/arch/%s.gguf",
              getenv ("PARLEY_CONFORMANCE") ? getenv ("PARLEY_CONFORMANCE") : "", families[f]);
    if (access (base.path, R_OK) == 0 && read_base (&base))
      for (size_t i = 0; i < 3; i++)
        try_changes (&fills[i], 1, false, families[f]);
  }
  CHECK_MSG (tally.n_refused == 0, "%zu refused", tally.n_refused);
  check_tally (20);
}

/* ---- files that change, and things that are no files ---- */

/* The mapping loses its end under the reader: the kernel sends SIGBUS. The engine runs in a worker
 * process, which may die of it and is started anew; nothing else may happen. */
static enum outcome
truncate_while_mapped (const char *path)
{
  struct pe_device_info cpu[PE_MAX_DEVICES];
  struct pe_plan_request request;
  struct loaded l;
  struct pe_error error = { 0 };
  signal (SIGBUS, SIG_DFL); /* a sanitizer would report and go on to exit */
  pe_devices_list (cpu, 1, false, NULL);
  pe_plan_request_init (&request);
  request.n_ctx = 64;
  request.n_threads = 1;
  if (!load (&l, path, &request, cpu, 1))
    return NO_REASON;
  if (truncate (path, 8192) != 0)
    return NO_REASON;
  enum outcome outcome = compute_some (&l, &error) ? COMPUTED : refused (&error);
  unload (&l);
  return outcome;
}

struct cut {
  const char *path;
  off_t size;
};

static bool
cut_file (void *data, uint64_t done, uint64_t total)
{
  struct cut *cut = data;
  return truncate (cut->path, cut->size) == 0;
}

static enum outcome
truncate_while_loading (const char *path)
{
  struct pe_device_info cpu[PE_MAX_DEVICES];
  struct pe_plan_request request;
  struct loaded l = { 0 };
  struct pe_plan *plan = NULL;
  struct pe_error error = { 0 };
  struct cut cut = { path, 8192 };
  struct pe_progress progress = { cut_file, &cut };
  signal (SIGBUS, SIG_DFL);
  pe_devices_list (cpu, 1, false, NULL);
  pe_plan_request_init (&request);
  request.n_ctx = 64;
  bool ok = pe_model_open (path, &l.model, &error) &&
            pe_plan_make (l.model, &request, cpu, 1, &plan, &error) &&
            pe_runtime_create (l.model, plan, &progress, &l.runtime, &error) &&
            pe_sequence_new (l.runtime, &l.sequence, &error) && compute_some (&l, &error);
  pe_plan_free (plan);
  enum outcome outcome = ok ? COMPUTED : refused (&error);
  unload (&l);
  return outcome;
}

static void
truncated_under_the_reader (void)
{
  enum outcome (*ways[]) (const char *) = { truncate_while_mapped, truncate_while_loading };
  struct pe_error error;
  char path[128];
  snprintf (path, sizeof path, "%s/case.gguf", folder);
  make_base ("tiny");
  for (size_t i = 0; i < 2; i++) {
    CHECK (gguf_copy (base.gguf, base.bytes, NULL, 0, path, &error));
    int status = in_child (ways[i], path);
    CHECK_MSG (status == REFUSED || status == 256 + SIGBUS, "way %zu: status %d", i, status);
  }
  /* Cut off before it is opened, at any place: always refused, with the bytes that are missing. */
  for (off_t n = 0; n < (off_t) base.n; n += (off_t) base.n / 37) {
    CHECK (gguf_copy (base.gguf, base.bytes, NULL, 0, path, &error) && truncate (path, n) == 0);
    judge (in_child (drive, path), true, "a prefix");
  }
  check_tally (37);
}

static void
no_regular_files (void)
{
  char path[128];
  judge (in_child (drive, "/dev/zero"), true, "/dev/zero");
  judge (in_child (drive, "/dev/null"), true, "/dev/null");
  judge (in_child (drive, folder), true, "a folder");
  judge (in_child (drive, "/nowhere/at/all.gguf"), true, "nothing");
  snprintf (path, sizeof path, "%s/pipe.gguf", folder);
  CHECK (mkfifo (path, 0600) == 0);
  judge (in_child (drive, path), true, "a FIFO");
  unlink (path);
  snprintf (path, sizeof path, "%s/loop.gguf", folder);
  CHECK (symlink (path, path) == 0);
  judge (in_child (drive, path), true, "a link to itself");
  unlink (path);

  /* A file of holes, as large as the file system allows: zeros are no model, and a sound header
   * before them is a model whose tensors lie where they say. */
  snprintf (path, sizeof path, "%s/case.gguf", folder);
  off_t sizes[] = { (off_t) 1 << 44, (off_t) 1 << 40, (off_t) 1 << 36, (off_t) 1 << 32 };
  size_t k = 0;
  int fd = open (path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  CHECK (fd >= 0);
  while (k < 4 && ftruncate (fd, sizes[k]) != 0)
    k++;
  CHECK (k < 4);
  judge (in_child (drive, path), true, "holes only");
  make_base ("tiny");
  CHECK (pwrite (fd, base.bytes, base.n, 0) == (ssize_t) base.n);
  judge (in_child (drive, path), false, "a model before holes");
  close (fd);
  unlink (path);
  check_tally (8);
}

/* ---- parts ---- */

static void
write_part (const char *name, unsigned no, unsigned count, unsigned n_tensors,
            const char *const *drop, size_t n_drop)
{
  struct gguf_change changes[64];
  struct pe_error error;
  char path[128];
  size_t n = 0;
  changes[n++] = (struct gguf_change) U ("split.no", no);
  changes[n++] = (struct gguf_change) U ("split.count", count);
  changes[n++] = (struct gguf_change) U ("split.tensors.count", n_tensors);
  for (size_t i = 0; i < n_drop && n < 64; i++)
    changes[n++] = (struct gguf_change){ GGUF_DROP_TENSOR, drop[i] };
  snprintf (path, sizeof path, "%s/%s", folder, name);
  CHECK_MSG (gguf_copy (base.gguf, base.bytes, changes, n, path, &error), "%s", error.message);
}

static void
drive_part (const char *name, bool must_refuse, const char *what)
{
  char path[128];
  snprintf (path, sizeof path, "%s/%s", folder, name);
  int status = in_child (drive, path);
  judge (status, must_refuse, what);
  if (!must_refuse && status != COMPUTED)
    tally.n_bad++;
}

static void
remove_part (const char *name)
{
  char path[128];
  snprintf (path, sizeof path, "%s/%s", folder, name);
  unlink (path);
}

static void
parts_that_do_not_belong_together (void)
{
  static const char first[] = "m-00001-of-00002.gguf", second[] = "m-00002-of-00002.gguf";
  char names[64][64];
  const char *early[64], *late[64];
  size_t n_early = 0, n_late = 0;
  make_base ("tiny");
  unsigned n = (unsigned) base.gguf->n_tensors;
  CHECK (n < 60);
  for (size_t i = 0; i < n; i++) {
    const struct pe_gguf_tensor *t = &base.gguf->tensors[i];
    snprintf (names[i], sizeof names[i], "%.*s", (int) t->name.n, t->name.data);
    if (i < n / 2)
      early[n_early++] = names[i];
    else
      late[n_late++] = names[i];
  }
  write_part (first, 0, 2, n, late, n_late);
  drive_part (first, true, "the second part is missing");
  write_part (second, 1, 2, n, early, n_early);
  drive_part (first, false, "two parts");
  drive_part (second, true, "opened by the second part");
  write_part (second, 1, 2, n, NULL, 0);
  drive_part (first, true, "the second part repeats tensors");
  write_part (second, 0, 2, n, early, n_early);
  drive_part (first, true, "the second part says that it is the first");
  write_part (second, 1, 3, n, early, n_early);
  drive_part (first, true, "the second part is one of three");
  write_part (second, 1, 2, n, early, n_early - 1);
  write_part (first, 0, 2, n, late, n_late);
  drive_part (first, true, "a tensor is in both");
  write_part (second, 1, 2, n, early, n_early);
  write_part (first, 0, 2, n + 1, late, n_late);
  drive_part (first, true, "more tensors are announced");
  write_part (first, 0, 3, n, late, n_late);
  drive_part (first, true, "the name says two, the file three");
  write_part (first, 0, 1025, n, late, n_late);
  drive_part (first, true, "a thousand parts");
  write_part (first, 0, UINT32_MAX, n, late, n_late);
  drive_part (first, true, "four thousand million parts");
  write_part ("m.gguf", 0, 2, n, late, n_late);
  drive_part ("m.gguf", true, "a first part without a number");
  remove_part (first);
  remove_part (second);
  remove_part ("m.gguf");
  check_tally (12);
}

static void
memory_stayed_small (void)
{
#if defined(__SANITIZE_ADDRESS__)
  SKIP ("a sanitizer keeps memory of its own");
#else
  struct rusage usage;
  CHECK (getrusage (RUSAGE_CHILDREN, &usage) == 0);
  printf ("# %ld kB at most\n", usage.ru_maxrss);
  CHECK (usage.ru_maxrss < 256 * 1024);
#endif
}

static void
run_family (const char *name)
{
  char full[128];
  family = name;
  snprintf (full, sizeof full, "changed_family_does_no_harm: %s", family);
  memset (&tally, 0, sizeof tally);
  test_run (full, changed_family_does_no_harm);
}

static void
run_all (void)
{
  RUN (hyper_parameters_are_refused);
  RUN (every_tensor_is_needed);
  RUN (weights_without_value);
  RUN (truncated_under_the_reader);
  RUN (no_regular_files);
  RUN (parts_that_do_not_belong_together);
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    run_family (families[i]);
}

int
main (int argc, char **argv)
{
  if (argc < 2)
    return 2;
  generator = argv[1];
  const char *sanitize = getenv ("PARLEY_TEST_SANITIZE");
  bool slow = sanitize && *sanitize; /* each change runs in a process of its own */
  share = getenv ("PARLEY_TEST_LONG") ? 1 : slow ? 499 : 37;
  snprintf (folder, sizeof folder, "%s/parley-models-XXXXXX",
            access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  if (!mkdtemp (folder))
    return 1;
  for (int i = 2; i < argc; i++)
    run_family (argv[i]);
  if (argc == 2)
    run_all ();
  RUN (memory_stayed_small);
  close_base (&base);
  char command[128];
  snprintf (command, sizeof command, "rm -rf '%s'", folder);
  return system (command) == 0 ? test_done () : 1;
}
