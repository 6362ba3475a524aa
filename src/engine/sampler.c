/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/sampler.h"

#include "base/alloc.h"
#include "engine/sampling/candidates.h"
#include "engine/sampling/dry.h"
#include "engine/text/grammar.h"
#include "engine/text/tokenizer.h"

#include <math.h>
#include <string.h>

struct pe_sampler {
  struct pe_sampler_params params; /* logit_bias: a copy */
  uint32_t n_vocab;
  struct pe_candidate *candidates; /* n_vocab of them */
  float *adjusted;                 /* n_vocab logits */
  int32_t *recent;                 /* a ring of penalty_window tokens */
  size_t n_recent, next;
  uint16_t *counts; /* per token, within the ring */
  struct pe_dry *dry;
  float mirostat_mu; /* bits of surprise allowed */
  struct pe_matcher *matcher;
  const struct pe_vocab *vocab; /* of the grammar */
  uint64_t random[4];
};

void
pe_sampler_params_init (struct pe_sampler_params *params)
{
  *params = (struct pe_sampler_params){ .temperature = 0.8f,
                                        .top_k = 40,
                                        .top_p = 0.95f,
                                        .min_p = 0.05f,
                                        .repeat_penalty = 1,
                                        .penalty_window = 64,
                                        .typical_p = 1,
                                        .xtc_threshold = 0.1f,
                                        .dynamic_temperature_exponent = 1,
                                        .dry_base = 1.75f,
                                        .dry_free_length = 2,
                                        .dry_window = 8192,
                                        .mirostat_tau = 5,
                                        .mirostat_eta = 0.1f };
}

/* ---- random numbers: xoshiro256** (Blackman and Vigna), seeded by splitmix64 ---- */

static uint64_t
rotate_left (uint64_t x, int k)
{
  return (x << k) | (x >> (64 - k));
}

static uint64_t
next_random (struct pe_sampler *s)
{
  uint64_t *x = s->random, result = rotate_left (x[1] * 5, 7) * 9, t = x[1] << 17;
  x[2] ^= x[0];
  x[3] ^= x[1];
  x[1] ^= x[2];
  x[0] ^= x[3];
  x[2] ^= t;
  x[3] = rotate_left (x[3], 45);
  return result;
}

static void
seed_random (struct pe_sampler *s, uint64_t seed)
{
  for (int i = 0; i < 4; i++) {
    uint64_t z = (seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    s->random[i] = z ^ (z >> 31);
  }
}

static float
uniform (struct pe_sampler *s)
{
  return (float) (next_random (s) >> 40) * 0x1p-24f;
}

/* ---- settings ---- */

bool
pe_sampler_check (const struct pe_sampler_params *p, struct pe_error *error)
{
  const struct {
    const char *name;
    float value, low, high;
  } ranges[] = {
    { "temperature", p->temperature, 0, 100 },
    { "top-p", p->top_p, 0, INFINITY },
    { "min-p", p->min_p, 0, 1 },
    { "repetition penalty", p->repeat_penalty, 0x1p-20f, 1e6f },
    { "frequency penalty", p->frequency_penalty, -1e6f, 1e6f },
    { "presence penalty", p->presence_penalty, -1e6f, 1e6f },
    { "penalty window", (float) p->penalty_window, 0, 0x1p20f },
    { "typical-p", p->typical_p, 0, 1 },
    { "top-n-sigma", p->top_n_sigma, 0, 1e6f },
    { "XTC probability", p->xtc_probability, 0, 1 },
    { "XTC threshold", p->xtc_threshold, 0, 1 },
    { "dynamic temperature range", p->dynamic_temperature_range, 0, 100 },
    { "dynamic temperature exponent", p->dynamic_temperature_exponent, 0, 100 },
    { "DRY multiplier", p->dry_multiplier, 0, 1e6f },
    { "DRY base", p->dry_base, 1, 100 },
    { "DRY window", (float) p->dry_window, p->dry_multiplier > 0 ? 1 : 0, PE_DRY_MAX_WINDOW },
    { "mirostat target", p->mirostat_tau, 0, 100 },
    { "mirostat rate", p->mirostat_eta, 0, 1 },
  };
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    if (!(ranges[i].value >= ranges[i].low && ranges[i].value <= ranges[i].high))
      return pe_fail (error, PE_ERROR_ARGUMENT, "the %s is %g; it can be from %g to %g",
                      ranges[i].name, (double) ranges[i].value, (double) ranges[i].low,
                      (double) ranges[i].high);
  return true;
}

static bool
check (const struct pe_sampler_params *p, uint32_t n_vocab, struct pe_error *error)
{
  if (!pe_sampler_check (p, error))
    return false;
  if (n_vocab == 0 || n_vocab > INT32_MAX || p->n_logit_bias > n_vocab)
    return pe_fail (error, PE_ERROR_ARGUMENT,
                    "there are no tokens, or more logit biases than tokens");
  for (size_t i = 0; i < p->n_logit_bias; i++) {
    const struct pe_logit_bias *b = &p->logit_bias[i];
    if (b->token < 0 || (uint32_t) b->token >= n_vocab || !(b->bias <= 1e6f))
      return pe_fail (error, PE_ERROR_ARGUMENT, "the logit bias of token %d is out of range",
                      b->token);
  }
  return true;
}

static bool
allocate (struct pe_sampler *s, struct pe_error *error)
{
  struct pe_sampler_params *p = &s->params;
  const struct pe_logit_bias *theirs = p->logit_bias;
  struct pe_logit_bias *bias = pe_calloc (p->n_logit_bias, sizeof *bias);
  p->logit_bias = bias;
  s->candidates = pe_calloc (s->n_vocab, sizeof *s->candidates);
  s->adjusted = pe_calloc (s->n_vocab, sizeof *s->adjusted);
  s->recent = pe_calloc (p->penalty_window, sizeof *s->recent);
  s->counts = pe_calloc (s->n_vocab, sizeof *s->counts);
  if (!bias || !s->candidates || !s->adjusted || !s->recent || !s->counts)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to choose tokens");
  if (p->n_logit_bias)
    memcpy (bias, theirs, p->n_logit_bias * sizeof *bias);
  return !(p->dry_multiplier > 0) || pe_dry_new (p, s->n_vocab, &s->dry, error);
}

bool
pe_sampler_new (const struct pe_sampler_params *params, uint32_t n_vocab, struct pe_sampler **out,
                struct pe_error *error)
{
  if (!check (params, n_vocab, error))
    return false;
  struct pe_sampler *s = pe_calloc (1, sizeof *s);
  if (!s)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to choose tokens");
  s->params = *params;
  s->n_vocab = n_vocab;
  s->mirostat_mu = 2 * params->mirostat_tau;
  seed_random (s, params->seed);
  if (!allocate (s, error)) {
    pe_sampler_free (s);
    return false;
  }
  *out = s;
  return true;
}

void
pe_sampler_free (struct pe_sampler *sampler)
{
  if (!sampler)
    return;
  pe_free ((void *) sampler->params.logit_bias);
  pe_free (sampler->candidates);
  pe_free (sampler->adjusted);
  pe_free (sampler->recent);
  pe_free (sampler->counts);
  pe_dry_free (sampler->dry);
  pe_matcher_free (sampler->matcher);
  pe_free (sampler);
}

bool
pe_sampler_set_dry_breakers (struct pe_sampler *sampler, const struct pe_vocab *vocab,
                             const char *const *texts, size_t n, struct pe_error *error)
{
  return !sampler->dry || pe_dry_set_breakers (sampler->dry, vocab, texts, n, error);
}

/* ---- what came before ---- */

static void
remember (struct pe_sampler *s, int32_t token)
{
  if (s->params.penalty_window == 0)
    return;
  if (s->n_recent == s->params.penalty_window)
    s->counts[s->recent[s->next]]--;
  else
    s->n_recent++;
  s->recent[s->next] = token;
  s->next = (s->next + 1) % s->params.penalty_window;
  if (s->counts[token] < UINT16_MAX)
    s->counts[token]++;
}

void
pe_sampler_accept (struct pe_sampler *s, int32_t token)
{
  char buffer[8];
  size_t n;
  if (token < 0 || (uint32_t) token >= s->n_vocab)
    return;
  remember (s, token);
  if (s->dry)
    pe_dry_accept (s->dry, token);
  if (s->matcher && !pe_token_ends_generation (s->vocab, token)) {
    const char *piece = pe_token_piece (s->vocab, token, false, buffer, &n);
    pe_matcher_accept (s->matcher, piece, n);
  }
}

/* ---- grammar ---- */

bool
pe_sampler_set_grammar (struct pe_sampler *sampler, const struct pe_grammar *grammar,
                        const struct pe_vocab *vocab, struct pe_error *error)
{
  struct pe_matcher *matcher = NULL;
  if (grammar && !pe_matcher_new (grammar, &matcher, error))
    return false;
  pe_matcher_free (sampler->matcher);
  sampler->matcher = matcher;
  sampler->vocab = vocab;
  return true;
}

bool
pe_sampler_may_end (const struct pe_sampler *sampler)
{
  return !sampler->matcher || pe_matcher_may_end (sampler->matcher);
}

/* A token without text would leave the grammar where it is, for ever. */
static bool
allows (struct pe_sampler *s, int32_t token)
{
  char buffer[8];
  size_t n;
  if (pe_token_ends_generation (s->vocab, token))
    return pe_matcher_may_end (s->matcher);
  const char *piece = pe_token_piece (s->vocab, token, false, buffer, &n);
  return n > 0 && pe_matcher_allows (s->matcher, piece, n);
}

/* What a model finds impossible stays possible where the grammar leaves nothing else. */
static void
mask (struct pe_sampler *s, float *logits)
{
  for (uint32_t i = 0; i < s->n_vocab; i++)
    logits[i] = !allows (s, (int32_t) i) ? -INFINITY : logits[i] > -1e30f ? logits[i] : -1e30f;
}

/* ---- logits ---- */

static bool
has_penalties (const struct pe_sampler_params *p)
{
  return p->repeat_penalty != 1.0f || p->frequency_penalty != 0.0f || p->presence_penalty != 0.0f;
}

/* Keskar et al. 2019 for the repetition penalty; the others subtract by count and by presence. */
static float
penalised (const struct pe_sampler *s, int32_t token, float x)
{
  const struct pe_sampler_params *p = &s->params;
  if (s->counts[token] == 0)
    return x;
  x = x > 0 ? x / p->repeat_penalty : x * p->repeat_penalty;
  return x - (float) s->counts[token] * p->frequency_penalty - p->presence_penalty;
}

static void
penalise (const struct pe_sampler *s, float *logits)
{
  for (uint32_t i = 0; has_penalties (&s->params) && i < s->n_vocab; i++)
    logits[i] = penalised (s, (int32_t) i, logits[i]);
}

/* The logits as the settings change them, in memory of the sampler. */
static const float *
adjust (struct pe_sampler *s, const float *logits, bool masked)
{
  const struct pe_sampler_params *p = &s->params;
  memcpy (s->adjusted, logits, s->n_vocab * sizeof *logits);
  if (masked)
    mask (s, s->adjusted);
  for (size_t i = 0; i < p->n_logit_bias; i++)
    s->adjusted[p->logit_bias[i].token] += p->logit_bias[i].bias;
  penalise (s, s->adjusted);
  if (s->dry)
    pe_dry_apply (s->dry, s->adjusted);
  return s->adjusted;
}

static int32_t
greedy (const float *logits, uint32_t n)
{
  int32_t best = 0;
  float best_logit = -INFINITY;
  for (uint32_t i = 0; i < n; i++)
    if (logits[i] > best_logit) { /* never for NaN */
      best_logit = logits[i];
      best = (int32_t) i;
    }
  return best;
}

/* ---- draw ---- */

static size_t
draw (struct pe_sampler *s, const struct pe_candidate *c, size_t n)
{
  float u = uniform (s), sum = 0;
  for (size_t i = 0; i < n; i++) {
    sum += c[i].p;
    if (u < sum)
      return i;
  }
  return n - 1;
}

/* Softmax at the temperature, which may depend on how open the choice is. */
static void
heat (const struct pe_sampler *s, struct pe_candidate *c, size_t n)
{
  float t = s->params.temperature, range = s->params.dynamic_temperature_range;
  if (range > 0 && n > 1) {
    float low = t > range ? t - range : 0;
    pe_candidates_softmax (c, n, 1);
    t = low + (t + range - low) *
                  powf (pe_candidates_entropy (c, n), s->params.dynamic_temperature_exponent);
  }
  pe_candidates_softmax (c, n, t > 1e-6f ? t : 1e-6f);
}

static int32_t
draw_mirostat (struct pe_sampler *s, struct pe_candidate *c, size_t n, float *surprise)
{
  heat (s, c, n);
  n = pe_candidates_cut_surprise (c, n, s->mirostat_mu);
  float sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += c[i].p;
  for (size_t i = 0; i < n; i++)
    c[i].p /= sum;
  size_t i = draw (s, c, n);
  *surprise = -log2f (c[i].p);
  return c[i].token;
}

static size_t
truncate_list (struct pe_sampler *s, struct pe_candidate *c, size_t n)
{
  const struct pe_sampler_params *p = &s->params;
  pe_candidates_softmax (c, n, 1);
  if (p->typical_p < 1) {
    n = pe_candidates_cut_typical (c, n, p->typical_p);
    pe_candidates_softmax (c, n, 1);
  }
  if (p->top_p < 1)
    n = pe_candidates_cut_top_p (c, n, p->top_p);
  if (p->min_p > 0)
    n = pe_candidates_cut_min_p (c, n, p->min_p);
  if (p->xtc_probability > 0 && uniform (s) < p->xtc_probability) {
    pe_candidates_softmax (c, n, 1);
    n = pe_candidates_cut_xtc (c, n, p->xtc_threshold);
  }
  return n;
}

static int32_t
draw_truncated (struct pe_sampler *s, struct pe_candidate *c, size_t n)
{
  n = truncate_list (s, c, n);
  heat (s, c, n);
  return c[draw (s, c, n)].token;
}

/* One choice; *surprise in bits, where mirostat measures it. */
static int32_t
choose (struct pe_sampler *s, const float *logits, bool masked, float *surprise)
{
  const struct pe_sampler_params *p = &s->params;
  const float *x = adjust (s, logits, masked);
  if (!(p->temperature > 0))
    return greedy (x, s->n_vocab);
  float least = p->top_n_sigma > 0 && !p->mirostat
                    ? pe_candidates_sigma_bound (x, s->n_vocab, p->top_n_sigma)
                    : -INFINITY;
  struct pe_candidate *c = s->candidates;
  size_t n = pe_candidates_collect (c, x, s->n_vocab, p->mirostat ? 0 : p->top_k, least);
  if (!(c[0].logit > -INFINITY))
    return c[0].token; /* nothing to choose from */
  if (p->mirostat)
    return draw_mirostat (s, c, n, surprise);
  return draw_truncated (s, c, n);
}

int32_t
pe_sampler_sample (struct pe_sampler *s, const float *logits)
{
  float surprise = s->params.mirostat_tau;
  int32_t token = choose (s, logits, false, &surprise);
  if (s->matcher && !allows (s, token)) {
    token = choose (s, logits, true, &surprise);
    if (!allows (s, token))
      return PE_NO_TOKEN;
  }
  if (s->params.mirostat)
    s->mirostat_mu -= s->params.mirostat_eta * (surprise - s->params.mirostat_tau);
  return token;
}

/* ---- from the best ---- */

uint32_t
pe_sampler_n_best (const struct pe_sampler *s)
{
  const struct pe_sampler_params *p = &s->params;
  uint64_t n = p->temperature > 0 ? p->top_k : 1;
  if (n == 0 || s->matcher || s->dry || p->mirostat || p->top_n_sigma > 0)
    return 0;
  /* A logit that is lowered makes room for one more; one that is raised may come from anywhere. */
  if (has_penalties (p)) {
    if (p->repeat_penalty < 1 || p->frequency_penalty < 0 || p->presence_penalty < 0)
      return 0;
    n += s->n_recent;
  }
  for (size_t i = 0; i < p->n_logit_bias; i++)
    if (p->logit_bias[i].bias > 0)
      return 0;
  n += p->n_logit_bias;
  return n <= PE_MAX_BEST ? (uint32_t) n : 0;
}

int32_t
pe_sampler_sample_best (struct pe_sampler *s, const struct pe_best_logit *best, size_t n)
{
  const struct pe_sampler_params *p = &s->params;
  struct pe_candidate *c = s->candidates;
  size_t n_best = n < s->n_vocab ? n : s->n_vocab;
  n = 0;
  for (size_t i = 0; i < n_best; i++) {
    float x = best[i].logit;
    if (best[i].token < 0 || (uint32_t) best[i].token >= s->n_vocab)
      continue;
    for (size_t k = 0; k < p->n_logit_bias; k++)
      if (p->logit_bias[k].token == best[i].token)
        x += p->logit_bias[k].bias;
    if (has_penalties (p))
      x = penalised (s, best[i].token, x);
    c[n++] = (struct pe_candidate){ best[i].token, x == x ? x : -INFINITY, 0 };
  }
  if (n == 0)
    return 0;
  pe_candidates_sort (c, n);
  bool draws = p->temperature > 0;
  if (!(c[0].logit > -INFINITY))
    return draws ? c[0].token : 0;
  if (!draws)
    return c[0].token;
  return draw_truncated (s, c, n < p->top_k ? n : p->top_k);
}
