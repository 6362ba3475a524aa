/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Choosing tokens: each setting on logits small enough to work out by hand, what is off changes
 * nothing, the same seed gives the same tokens, and replies under a grammar.
 */
#include "tests/harness.h"

#include "base/alloc.h"
#include "engine/format/gguf.h"
#include "engine/sampler.h"
#include "engine/text/grammar.h"
#include "engine/text/tokenizer.h"

#include <math.h>
#include <unistd.h>

#define DRAWS 20000

static struct pe_sampler_params params;
static struct pe_sampler *sampler;

/* Nothing but temperature 1. */
static void
plain (void)
{
  pe_sampler_params_init (&params);
  params.temperature = 1;
  params.top_k = 0;
  params.top_p = 1;
  params.min_p = 0;
  params.seed = 5;
}

static void
make (uint32_t n_vocab)
{
  struct pe_error error = { 0 };
  pe_sampler_free (sampler);
  sampler = NULL;
  CHECK_MSG (pe_sampler_new (&params, n_vocab, &sampler, &error), "%s", error.message);
}

/* Draws from probabilities; each share must be within 0.02 of `expected` (a deviation of 5 sigma),
 * and what is expected never to come must not come once. */
static void
draws (const float *p, const float *expected, uint32_t n)
{
  float logits[16];
  int counts[16] = { 0 };
  for (uint32_t i = 0; i < n; i++)
    logits[i] = logf (p[i]) + 3;
  for (int i = 0; i < DRAWS; i++)
    counts[pe_sampler_sample (sampler, logits)]++;
  for (uint32_t i = 0; i < n; i++) {
    double share = (double) counts[i] / DRAWS;
    CHECK_MSG (fabs (share - (double) expected[i]) < 0.02 && (expected[i] > 0 || counts[i] == 0),
               "token %u: %g, not %g", i, share, (double) expected[i]);
  }
}

static const float five[5] = { 0.1f, 0.4f, 0.2f, 0.25f, 0.05f };

static void
temperature (void)
{
  plain ();
  make (5);
  draws (five, five, 5);
  params.temperature = 0.5f; /* squares, over their sum 0.275 */
  make (5);
  draws (five, (float[]){ 0.0364f, 0.5818f, 0.1455f, 0.2273f, 0.0091f }, 5);
  params.temperature = 0;
  make (5);
  draws (five, (float[]){ 0, 1, 0, 0, 0 }, 5);
}

static void
cuts (void)
{
  plain ();
  params.top_k = 2;
  make (5);
  draws (five, (float[]){ 0, 0.6154f, 0, 0.3846f, 0 }, 5);
  plain ();
  params.top_p = 0.8f;
  make (5);
  draws (five, (float[]){ 0, 0.4706f, 0.2353f, 0.2941f, 0 }, 5);
  plain ();
  params.min_p = 0.4f; /* of 0.4: 0.16 */
  make (5);
  draws (five, (float[]){ 0, 0.4706f, 0.2353f, 0.2941f, 0 }, 5);
  /* The logits' deviation is 0.7156; within 0.8 of it of the best, ln 0.4: above ln 0.226. */
  plain ();
  params.top_n_sigma = 0.8f;
  make (5);
  draws (five, (float[]){ 0, 0.6154f, 0, 0.3846f, 0 }, 5);
}

/* Entropy 1.4150 nats; the surprises 2.3026, 0.9163, 1.6094, 1.3863, 2.9957 are 0.888, 0.499,
 * 0.194, 0.029 and 1.581 from it. */
static void
typical (void)
{
  plain ();
  params.typical_p = 0.4f; /* 0.25 + 0.2 */
  make (5);
  draws (five, (float[]){ 0, 0, 0.4444f, 0.5556f, 0 }, 5);
  params.typical_p = 0.5f; /* and 0.4 */
  params.top_p = 0.5f;     /* of 0.4, 0.25, 0.2 over 0.85: the first two */
  make (5);
  draws (five, (float[]){ 0, 0.6154f, 0, 0.3846f, 0 }, 5);
}

static void
xtc (void)
{
  plain ();
  params.xtc_probability = 1;
  params.xtc_threshold = 0.2f - 1e-4f; /* 0.4, 0.25 and 0.2 reach it: 0.2 stays */
  make (5);
  draws (five, (float[]){ 0.2857f, 0, 0.5714f, 0, 0.1429f }, 5);
  params.xtc_probability = 0.5f;
  make (5);
  draws (five, (float[]){ 0.1929f, 0.2f, 0.3857f, 0.125f, 0.0964f }, 5);
  params.xtc_probability = 1;
  params.xtc_threshold = 0.3f; /* only one reaches it */
  make (5);
  draws (five, five, 5);
}

static void
dynamic_temperature (void)
{
  static const float even[4] = { 0.25f, 0.25f, 0.25f, 0.25f }, sure[2] = { 0.9f, 0.1f };
  plain ();
  params.dynamic_temperature_range = 0.5f;
  make (4);
  draws (even, even, 4);
  /* entropy 0.3251 of 0.6931 = 0.4690: temperature 0.5 + 0.469 = 0.9690; 9^(1/0.969) = 9.656 */
  make (2);
  draws (sure, (float[]){ 0.9062f, 0.0938f }, 2);
  /* squared, 0.22: temperature 0.72; 9^(1/0.72) = 21.15 */
  params.dynamic_temperature_exponent = 2;
  make (2);
  draws (sure, (float[]){ 0.9549f, 0.0451f }, 2);
}

static void
bias (void)
{
  const struct pe_logit_bias list[] = { { 1, -INFINITY }, { 4, logf (2) } };
  plain ();
  params.logit_bias = list;
  params.n_logit_bias = 2;
  make (5);
  draws (five, (float[]){ 0.1538f, 0, 0.3077f, 0.3846f, 0.1538f }, 5);
  params.temperature = 0;
  make (5);
  draws (five, (float[]){ 0, 0, 0, 1, 0 }, 5);
}

static void
penalties (void)
{
  static const float logits[4] = { 2, 1.5f, -1, -1.2f };
  plain ();
  params.temperature = 0;
  params.repeat_penalty = 2;
  params.penalty_window = 2;
  make (4);
  CHECK (pe_sampler_sample (sampler, logits) == 0);
  pe_sampler_accept (sampler, 0); /* 1, 1.5 */
  CHECK (pe_sampler_sample (sampler, logits) == 1);
  pe_sampler_accept (sampler, 1); /* 1, 0.75 */
  CHECK (pe_sampler_sample (sampler, logits) == 0);
  pe_sampler_accept (sampler, 2);
  pe_sampler_accept (sampler, 2); /* both forgotten */
  CHECK (pe_sampler_sample (sampler, logits) == 0);
  CHECK (pe_sampler_sample (sampler, (float[]){ -5, -5, -1, -1.5f }) == 3); /* -2 */
  params.repeat_penalty = 1;
  params.frequency_penalty = 0.2f;
  params.presence_penalty = 0.2f;
  make (4);
  pe_sampler_accept (sampler, 0); /* 1.6 */
  CHECK (pe_sampler_sample (sampler, logits) == 0);
  pe_sampler_accept (sampler, 0); /* 1.4 */
  CHECK (pe_sampler_sample (sampler, logits) == 1);
}

static void
accept_all (const char *tokens)
{
  for (; *tokens; tokens++)
    pe_sampler_accept (sampler, *tokens - 'a');
}

/* Letters are tokens: after "abcd…abc", d costs 1 * 2^(3 - 2). */
static void
dry (void)
{
  static const float logits[6] = { 0, 0, 0, 3, 1.1f, 0.9f };
  plain ();
  params.temperature = 0;
  params.dry_multiplier = 1;
  params.dry_base = 2;
  make (6);
  accept_all ("abcdfabc");
  CHECK (pe_sampler_sample (sampler, logits) == 4); /* 3 - 2 */
  params.dry_free_length = 3;
  make (6);
  accept_all ("abcdfabc");
  CHECK (pe_sampler_sample (sampler, logits) == 3); /* 3 - 1 */
  params.dry_free_length = 4;
  make (6);
  accept_all ("abcdfabc");
  CHECK (pe_sampler_sample (sampler, (float[]){ 0, 0, 0, 3, 2.9f, 0 }) == 3);
  /* The earlier run is no longer in the window. */
  params.dry_free_length = 2;
  params.dry_window = 6;
  make (6);
  accept_all ("abcdfabc");
  CHECK (pe_sampler_sample (sampler, logits) == 3); /* "bcd" is: 3 - 1 */
  params.dry_window = 4;
  make (6);
  accept_all ("abcdfabc");
  CHECK (pe_sampler_sample (sampler, (float[]){ 0, 0, 0, 3, 2.9f, 0 }) == 3);
  /* A run so long that its cost has no number is still only a cost. */
  params.dry_window = 4096;
  make (6);
  for (int i = 0; i < 4000; i++)
    pe_sampler_accept (sampler, 3);
  CHECK (pe_sampler_sample (sampler, logits) == 4);
}

/* The target is met on average whatever the distribution offers. */
static void
mirostat (void)
{
  float logits[64], total = 0;
  for (int i = 0; i < 64; i++)
    logits[i] = -0.1f * (float) i;
  plain ();
  params.mirostat = true;
  params.mirostat_tau = 2;
  params.top_k = 1; /* has no say */
  make (64);
  int n_tokens[64] = { 0 };
  for (int i = 0; i < DRAWS; i++)
    n_tokens[pe_sampler_sample (sampler, logits)]++;
  for (int i = 0; i < 64; i++)
    if (n_tokens[i])
      total -= (float) n_tokens[i] * log2f ((float) n_tokens[i] / DRAWS);
  /* the tokens' own entropy lies near the target of 2 bits */
  CHECK_MSG (total / DRAWS > 1.7f && total / DRAWS < 2.4f, "%g bits", (double) (total / DRAWS));
  CHECK (n_tokens[0] < DRAWS && n_tokens[63] == 0);
}

/* ---- off is off; the same seed ---- */

static void
test_logits (float *logits, uint32_t n, uint32_t round)
{
  uint32_t x = 12345 + round;
  for (uint32_t i = 0; i < n; i++) {
    x = x * 1664525u + 1013904223u;
    logits[i] = (float) (x >> 8) * 0x1p-20f - 8;
  }
}

static void
chain (int32_t *out, uint32_t n, uint32_t n_vocab)
{
  float logits[1000];
  make (n_vocab);
  for (uint32_t i = 0; i < n; i++) {
    test_logits (logits, n_vocab, i);
    out[i] = pe_sampler_sample (sampler, logits);
    pe_sampler_accept (sampler, out[i]);
  }
}

/* As the chain chose before it could do more than top-k, top-p, min-p and penalties. */
static void
off_changes_nothing (void)
{
  static const int32_t usual[12] = { 426, 395, 648, 888, 808, 480, 897, 944, 335, 406, 266, 627 };
  static const int32_t penalised[12] = { 20, 14, 2, 15, 3, 24, 4, 44, 40, 5, 46, 33 };
  int32_t tokens[12];
  pe_sampler_params_init (&params);
  params.seed = 42;
  chain (tokens, 12, 1000);
  for (int i = 0; i < 12; i++)
    CHECK_MSG (tokens[i] == usual[i], "%d: %d", i, tokens[i]);
  params.repeat_penalty = 1.3f;
  params.presence_penalty = 0.5f;
  params.temperature = 1.5f;
  params.top_k = 0;
  chain (tokens, 12, 50);
  for (int i = 0; i < 12; i++)
    CHECK_MSG (tokens[i] == penalised[i], "%d: %d", i, tokens[i]);
  /* what stands beside a switch that is off has no say */
  params.xtc_threshold = 0;
  params.dry_base = 3;
  params.dry_window = 0;
  params.mirostat_tau = 0;
  params.dynamic_temperature_exponent = 7;
  chain (tokens, 12, 50);
  for (int i = 0; i < 12; i++)
    CHECK (tokens[i] == penalised[i]);
}

static void
same_seed_same_tokens (void)
{
  int32_t first[200], second[200];
  pe_sampler_params_init (&params);
  params.seed = 9;
  params.top_k = 0;
  params.top_p = 1;
  params.min_p = 0;
  params.temperature = 2;
  params.typical_p = 0.95f;
  params.top_n_sigma = 2;
  params.xtc_probability = 0.5f;
  params.xtc_threshold = 0.01f;
  params.dynamic_temperature_range = 0.5f;
  params.dry_multiplier = 0.8f;
  chain (first, 200, 300);
  chain (second, 200, 300);
  CHECK (memcmp (first, second, sizeof first) == 0);
  params.seed = 10;
  chain (second, 200, 300);
  CHECK (memcmp (first, second, sizeof first) != 0);
}

static void
ranges (void)
{
  static const float bad[] = { NAN, INFINITY, -INFINITY, -0.5f, 1e9f };
  struct pe_error error;
  struct pe_sampler *refused = NULL;
#define REFUSED(field, value)                                                                      \
  do {                                                                                             \
    plain ();                                                                                      \
    params.field = (value);                                                                        \
    bool made = pe_sampler_new (&params, 10, &refused, &error);                                    \
    if (made)                                                                                      \
      pe_sampler_free (refused);                                                                   \
    CHECK_MSG (!made && error.code == PE_ERROR_ARGUMENT, #field " may be %g", (double) (value));   \
  } while (0)
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    REFUSED (temperature, bad[i]);
    REFUSED (min_p, bad[i]);
    REFUSED (typical_p, bad[i]);
    REFUSED (top_n_sigma, bad[i]);
    REFUSED (xtc_probability, bad[i]);
    REFUSED (xtc_threshold, bad[i]);
    REFUSED (dynamic_temperature_range, bad[i]);
    REFUSED (dynamic_temperature_exponent, bad[i]);
    REFUSED (dry_multiplier, bad[i]);
    REFUSED (dry_base, bad[i]);
    REFUSED (mirostat_tau, bad[i]);
    REFUSED (mirostat_eta, bad[i]);
    REFUSED (repeat_penalty, bad[i]);
  }
  REFUSED (frequency_penalty, NAN);
  REFUSED (presence_penalty, INFINITY);
  REFUSED (penalty_window, UINT32_MAX);
  REFUSED (dry_window, UINT32_MAX);
  static const struct pe_logit_bias wrong[] = { { 10, 0 }, { -1, 0 }, { 0, NAN }, { 0, INFINITY } };
  for (size_t i = 0; i < 4; i++) {
    plain ();
    params.logit_bias = &wrong[i];
    params.n_logit_bias = 1;
    CHECK (!pe_sampler_new (&params, 10, &refused, &error) && error.code == PE_ERROR_ARGUMENT);
  }
  plain ();
  CHECK (!pe_sampler_new (&params, 0, &refused, &error));
}

/* Logits that are no numbers, or all the same nothing. */
static void
odd_logits (void)
{
  float logits[4] = { NAN, -INFINITY, 1, NAN };
  for (int i = 0; i < 4; i++) {
    plain ();
    params.temperature = i == 1 ? 0 : 1;
    params.top_n_sigma = i == 2 ? 1 : 0;
    params.mirostat = i == 3;
    make (4);
    CHECK (pe_sampler_sample (sampler, logits) == 2);
    int32_t any = pe_sampler_sample (sampler, (float[]){ NAN, NAN, NAN, NAN });
    CHECK (any >= 0 && any < 4);
  }
}

static void
lack_of_memory (void)
{
  struct pe_error error;
  plain ();
  params.dry_multiplier = 1;
  for (uint64_t nth = 1;; nth++) {
    struct pe_sampler *made = NULL;
    pe_alloc_fail_at (nth, false);
    bool good = pe_sampler_new (&params, 10, &made, &error);
    pe_alloc_fail_at (0, false);
    pe_sampler_free (made);
    CHECK (good ? nth > 8 : error.code == PE_ERROR_MEMORY);
    if (good)
      return;
  }
}

/* ---- with a vocabulary ---- */

static struct pe_gguf *gguf;
static struct pe_vocab *vocab;
static char *file_bytes;

static const char *const words[] = { "<unk>", "<s>", "</s>",      "{",  "}", "\"a\"", ":",
                                     "1",     "2",   "}}",        "\"", "b", ",",     " ",
                                     "\n",    "x",   "{\"a\":1}", "a:", "a", "<|c|>" };
#define N_WORDS (sizeof words / sizeof *words)

static void
load_vocab (void)
{
  char path[64];
  struct pe_error error = { 0 };
  struct pe_string texts[N_WORDS];
  int32_t types[N_WORDS];
  float scores[N_WORDS] = { 0 };
  for (size_t i = 0; i < N_WORDS; i++) {
    texts[i] = (struct pe_string){ words[i], strlen (words[i]) };
    types[i] = i == 0 ? 2 : i < 3 || i == N_WORDS - 1 ? 3 : 1;
  }
  snprintf (path, sizeof path, "/tmp/parley-test-sampler-%d", (int) getpid ());
  struct pe_gguf_writer *w = pe_gguf_writer_new ();
  pe_gguf_put_string (w, "tokenizer.ggml.model", "llama", 5);
  pe_gguf_put_strings (w, "tokenizer.ggml.tokens", texts, N_WORDS);
  pe_gguf_put_array (w, "tokenizer.ggml.token_type", PE_GGUF_I32, types, N_WORDS);
  pe_gguf_put_array (w, "tokenizer.ggml.scores", PE_GGUF_F32, scores, N_WORDS);
  pe_gguf_put_u32 (w, "tokenizer.ggml.bos_token_id", 1);
  pe_gguf_put_u32 (w, "tokenizer.ggml.eos_token_id", 2);
  bool ok = pe_gguf_writer_save (w, path, &error);
  pe_gguf_writer_free (w);
  CHECK_MSG (ok, "%s", error.message);
  FILE *f = fopen (path, "rb");
  file_bytes = malloc (1 << 16);
  size_t size = fread (file_bytes, 1, 1 << 16, f);
  fclose (f);
  unlink (path);
  CHECK_MSG (pe_gguf_parse (file_bytes, size, size, &gguf, &error) &&
                 pe_vocab_load (gguf, &vocab, &error),
             "%s", error.message);
}

/* A run is not counted across a breaker, be it one token's text, part of it or that of two. */
static void
dry_breakers (void)
{
  static const char *const breakers[] = { ":", "1,x" };
  static const int32_t runs[4][7] = {
    { 11, 12, 15, 7, 11, 12, -1 }, /* b , x 1 b ,: the x costs */
    { 11, 6, 15, 7, 11, 6, -1 },   /* b : x 1 b : */
    { 11, 17, 15, 7, 11, 17, -1 }, /* b a: x 1 b a: */
    { 7, 12, 15, 3, 7, 12, 15 },   /* 1 , x { 1 , x */
  };
  struct pe_error error;
  for (int i = 0; i < 4; i++) {
    float logits[N_WORDS] = { 0 };
    plain ();
    params.temperature = 0;
    params.dry_multiplier = 4;
    make (N_WORDS);
    CHECK (pe_sampler_set_dry_breakers (sampler, vocab, breakers, 2, &error));
    for (int k = 0; k < 7; k++)
      pe_sampler_accept (sampler, runs[i][k]);
    int32_t next = i == 3 ? 3 : 15;
    logits[next] = 3;
    logits[8] = 1;
    CHECK_MSG (pe_sampler_sample (sampler, logits) == (i == 0 ? 8 : next), "run %d", i);
  }
  /* a breaker itself never costs anything */
  float logits[N_WORDS] = { 0 };
  make (N_WORDS);
  CHECK (pe_sampler_set_dry_breakers (sampler, vocab, breakers, 2, &error));
  static const int32_t run[] = { 11, 12, 6, 11, 12 };
  for (int k = 0; k < 5; k++)
    pe_sampler_accept (sampler, run[k]);
  logits[6] = 3;
  CHECK (pe_sampler_sample (sampler, logits) == 6);
  CHECK (!pe_sampler_set_dry_breakers (sampler, vocab, &(const char *){ "" }, 1, &error));
}

/* ---- from the best alone ---- */

#define N_LOGITS 1000

static struct pe_best_logit ranked[N_LOGITS];

static int
better (const void *a, const void *b)
{
  const struct pe_best_logit *x = a, *y = b;
  if (x->logit != y->logit)
    return x->logit < y->logit ? 1 : -1;
  return x->token < y->token ? -1 : 1;
}

/* Logits with many that are equal, some that are not numbers; in one of four rounds nearly all are
 * impossible. */
static void
invent_logits (float *logits, uint32_t round, uint32_t *random)
{
  for (int32_t i = 0; i < N_LOGITS; i++) {
    *random = *random * 1664525u + 1013904223u;
    logits[i] = (float) (*random >> 24) * 0.05f - 3;
    if (*random % 97 == 0)
      logits[i] = NAN;
    if (round % 4 == 3 && i != 7 && i != 300)
      logits[i] = -INFINITY;
    ranked[i] = (struct pe_best_logit){ i, logits[i] == logits[i] ? logits[i] : -INFINITY };
  }
  qsort (ranked, N_LOGITS, sizeof *ranked, better);
}

/* Two samplers with the same settings, one with all logits and one with as many as it asks for. */
static void
same_from_the_best (const char *what)
{
  struct pe_error error = { 0 };
  struct pe_sampler *all, *few;
  float logits[N_LOGITS];
  uint32_t random = 9;
  CHECK (pe_sampler_new (&params, N_LOGITS, &all, &error));
  CHECK (pe_sampler_new (&params, N_LOGITS, &few, &error));
  bool same = true;
  uint32_t n = 1;
  for (uint32_t i = 0; i < 300 && same && n; i++) {
    invent_logits (logits, i, &random);
    int32_t token = pe_sampler_sample (all, logits);
    n = pe_sampler_n_best (few);
    same = n <= PE_MAX_BEST && pe_sampler_sample_best (few, ranked, n) == token;
    pe_sampler_accept (all, token);
    pe_sampler_accept (few, token);
  }
  pe_sampler_free (all);
  pe_sampler_free (few);
  CHECK_MSG (n > 0, "%s: all are asked for", what);
  CHECK_MSG (same, "%s: another token", what);
}

static void
from_the_best (void)
{
  static const struct pe_logit_bias lower[] = { { 3, -INFINITY }, { 4, -2 }, { 300, -100 } };
  pe_sampler_params_init (&params);
  params.seed = 11;
  same_from_the_best ("usual settings");
  params.typical_p = 0.9f;
  params.xtc_probability = 0.5f;
  params.dynamic_temperature_range = 0.5f;
  same_from_the_best ("more cuts");
  params.repeat_penalty = 1.2f;
  params.frequency_penalty = 0.3f;
  params.presence_penalty = 0.2f;
  same_from_the_best ("penalties");
  params.logit_bias = lower;
  params.n_logit_bias = 3;
  same_from_the_best ("biases that lower");
  params.temperature = 0;
  same_from_the_best ("greedy with penalties");
  pe_sampler_params_init (&params);
  params.temperature = 0;
  same_from_the_best ("greedy");
  make (N_LOGITS);
  CHECK (pe_sampler_n_best (sampler) == 1);
}

static uint32_t
n_best (void)
{
  make (N_LOGITS);
  return pe_sampler_n_best (sampler);
}

static void
all_are_needed (void)
{
  static const struct pe_logit_bias raise[] = { { 3, 0.1f } };
  pe_sampler_params_init (&params);
  CHECK (n_best () == params.top_k);
  params.top_k = 0;
  CHECK (n_best () == 0);
  params.top_k = PE_MAX_BEST;
  CHECK (n_best () == PE_MAX_BEST);
  params.top_k++;
  CHECK (n_best () == 0);
  params.top_k = 40;
  params.repeat_penalty = 0.9f;
  CHECK (n_best () == 0);
  params.repeat_penalty = 1;
  params.presence_penalty = -1;
  CHECK (n_best () == 0);
  params.presence_penalty = 0;
  params.top_n_sigma = 1;
  CHECK (n_best () == 0);
  params.top_n_sigma = 0;
  params.mirostat = true;
  CHECK (n_best () == 0);
  params.mirostat = false;
  params.dry_multiplier = 1;
  CHECK (n_best () == 0);
  params.dry_multiplier = 0;
  params.logit_bias = raise;
  params.n_logit_bias = 1;
  CHECK (n_best () == 0);
  params.n_logit_bias = 0;
  /* The last tokens, each once, may all be among the best and be lowered. */
  params.repeat_penalty = 1.1f;
  CHECK (n_best () == 40);
  for (int32_t i = 0; i < 100; i++)
    pe_sampler_accept (sampler, i);
  CHECK (pe_sampler_n_best (sampler) == 40 + params.penalty_window);
  /* What is no token of the vocabulary is passed over. */
  const struct pe_best_logit odd[] = { { -1, 5 }, { N_LOGITS, 4 }, { 500, 3 } };
  CHECK (pe_sampler_sample_best (sampler, odd, 3) == 500);
  CHECK (pe_sampler_sample_best (sampler, odd, 2) == 0);
}

static void
set_schema (struct pe_grammar **grammar, const char *schema)
{
  struct pe_error error = { 0 };
  pe_grammar_free (*grammar);
  *grammar = NULL;
  CHECK_MSG (pe_grammar_from_schema (schema, strlen (schema), grammar, &error), "%s",
             error.message);
  CHECK_MSG (pe_sampler_set_grammar (sampler, *grammar, vocab, &error), "%s", error.message);
}

static struct pe_grammar *schema_grammar;

/* Logits of every kind; the text is always of the schema. */
static void
within_a_grammar (void)
{
  for (int kind = 0; kind < 5; kind++)
    for (int round = 0; round < 200; round++) {
      char text[4096] = "", buffer[8];
      size_t n_text = 0, n;
      plain ();
      params.seed = (uint64_t) round;
      params.temperature = kind == 1 ? 0 : 1;
      params.top_k = kind == 2 ? 3 : 0;
      params.mirostat = kind == 3;
      params.dry_multiplier = kind == 4 ? 2 : 0;
      make (N_WORDS);
      for (int32_t i = 0; i < (int32_t) N_WORDS; i++)
        pe_sampler_accept (sampler, i); /* a prompt */
      set_schema (&schema_grammar, "{\"properties\":{\"a\":{\"enum\":[1,2,{\"a\":1}]},"
                                   "\"b\":{\"const\":2}},\"required\":[\"a\"]}");
      for (;;) {
        float logits[N_WORDS];
        test_logits (logits, N_WORDS, (uint32_t) (round * 1000) + (uint32_t) n_text);
        int32_t token = pe_sampler_sample (sampler, logits);
        CHECK_MSG (token >= 0, "stuck after %s", text);
        CHECK (token != 0 && token != 1 && token != 19);
        pe_sampler_accept (sampler, token);
        if (token == 2)
          break;
        const char *piece = pe_token_piece (vocab, token, false, buffer, &n);
        CHECK (n_text + n < sizeof text);
        memcpy (text + n_text, piece, n);
        text[n_text += n] = 0;
      }
      CHECK (pe_sampler_may_end (sampler));
      char squeezed[4096], *to = squeezed;
      for (const char *at = text; *at; at++)
        if (*at != ' ' && *at != '\n')
          *to++ = *at;
      *to = 0;
      CHECK_MSG (!strcmp (squeezed, "{\"a\":1}") || !strcmp (squeezed, "{\"a\":2}") ||
                     !strcmp (squeezed, "{\"a\":{\"a\":1}}") ||
                     !strcmp (squeezed, "{\"a\":1,\"b\":2}") ||
                     !strcmp (squeezed, "{\"a\":2,\"b\":2}") ||
                     !strcmp (squeezed, "{\"a\":{\"a\":1},\"b\":2}"),
                 "%s", text);
    }
}

/* Nothing in the vocabulary begins such a text; what the model rules out; the end alone. */
static void
no_token_fits (void)
{
  float logits[N_WORDS] = { 0 };
  plain ();
  make (N_WORDS);
  set_schema (&schema_grammar, "{\"type\":\"null\"}");
  CHECK (pe_sampler_sample (sampler, logits) == -1);
  set_schema (&schema_grammar, "{\"const\":2}");
  for (size_t i = 0; i < N_WORDS; i++)
    logits[i] = i == 15 ? 1 : -INFINITY;
  CHECK (pe_sampler_sample (sampler, logits) == 8);
  CHECK (!pe_sampler_may_end (sampler));
  pe_sampler_accept (sampler, 8);
  CHECK (pe_sampler_may_end (sampler) && pe_sampler_sample (sampler, logits) == 2);
  CHECK (pe_sampler_set_grammar (sampler, NULL, NULL, NULL));
  CHECK (pe_sampler_sample (sampler, logits) == 15);
}

int
main (void)
{
  RUN (temperature);
  RUN (cuts);
  RUN (typical);
  RUN (xtc);
  RUN (dynamic_temperature);
  RUN (bias);
  RUN (penalties);
  RUN (dry);
  RUN (mirostat);
  RUN (off_changes_nothing);
  RUN (same_seed_same_tokens);
  RUN (ranges);
  RUN (odd_logits);
  RUN (lack_of_memory);
  RUN (load_vocab);
  RUN (dry_breakers);
  RUN (from_the_best);
  RUN (all_are_needed);
  RUN (within_a_grammar);
  RUN (no_token_fits);
  pe_sampler_free (sampler);
  pe_grammar_free (schema_grammar);
  pe_vocab_free (vocab);
  pe_gguf_free (gguf);
  free (file_bytes);
  return test_done ();
}
