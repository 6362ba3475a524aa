/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/sampler.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
  int32_t token;
  float logit;
  float p;
};

struct pe_sampler {
  struct pe_sampler_params params;
  uint32_t n_vocab;
  struct candidate *candidates; /* n_vocab of them */
  int32_t *recent;              /* a ring of penalty_window tokens */
  size_t n_recent, next;
  uint16_t *counts; /* per token, within the ring */
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
                                        .penalty_window = 64 };
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

bool
pe_sampler_new (const struct pe_sampler_params *params, uint32_t n_vocab, struct pe_sampler **out,
                struct pe_error *error)
{
  bool sane = params->temperature >= 0 && params->temperature <= 100 && params->top_p >= 0 &&
              params->min_p >= 0 && params->min_p <= 1 && params->repeat_penalty > 0 &&
              isfinite (params->repeat_penalty) && isfinite (params->frequency_penalty) &&
              isfinite (params->presence_penalty) && params->penalty_window <= 1u << 20;
  if (!sane || n_vocab == 0)
    return pe_fail (error, PE_ERROR_ARGUMENT, "a sampling setting is out of range");
  struct pe_sampler *s = pe_calloc (1, sizeof *s);
  if (s) {
    s->candidates = pe_calloc (n_vocab, sizeof *s->candidates);
    s->recent = pe_calloc (params->penalty_window, sizeof *s->recent);
    s->counts = pe_calloc (n_vocab, sizeof *s->counts);
  }
  if (!s || !s->candidates || !s->recent || !s->counts) {
    pe_sampler_free (s);
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to choose tokens");
  }
  s->params = *params;
  s->n_vocab = n_vocab;
  seed_random (s, params->seed);
  *out = s;
  return true;
}

void
pe_sampler_free (struct pe_sampler *sampler)
{
  if (!sampler)
    return;
  pe_free (sampler->candidates);
  pe_free (sampler->recent);
  pe_free (sampler->counts);
  pe_free (sampler);
}

void
pe_sampler_accept (struct pe_sampler *s, int32_t token)
{
  if (token < 0 || (uint32_t) token >= s->n_vocab || s->params.penalty_window == 0)
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

/* Keskar et al. 2019 for the repetition penalty; the others subtract by count and by presence. */
static float
penalised (const struct pe_sampler *s, int32_t token, float logit)
{
  uint16_t count = s->counts[token];
  if (count == 0)
    return logit;
  logit = logit > 0 ? logit / s->params.repeat_penalty : logit * s->params.repeat_penalty;
  return logit - (float) count * s->params.frequency_penalty - s->params.presence_penalty;
}

static float
clean (float logit)
{
  return logit == logit ? logit : -INFINITY;
}

static bool
has_penalties (const struct pe_sampler *s)
{
  const struct pe_sampler_params *p = &s->params;
  return p->repeat_penalty != 1.0f || p->frequency_penalty != 0.0f || p->presence_penalty != 0.0f;
}

static int32_t
greedy (const struct pe_sampler *s, const float *logits)
{
  int32_t best = 0;
  float best_logit = -INFINITY;
  bool penalties = has_penalties (s);
  for (uint32_t i = 0; i < s->n_vocab; i++) {
    float x = clean (logits[i]);
    if (penalties)
      x = penalised (s, (int32_t) i, x);
    if (x > best_logit) {
      best_logit = x;
      best = (int32_t) i;
    }
  }
  return best;
}

/* Highest first; equal ones by token, so that the order never depends on the sort. */
static int
by_logit (const void *a, const void *b)
{
  const struct candidate *x = a, *y = b;
  if (x->logit != y->logit)
    return x->logit < y->logit ? 1 : -1;
  return x->token < y->token ? -1 : 1;
}

/* A heap of the k best, worst on top. */
static void
sift_down (struct candidate *heap, size_t n, size_t i)
{
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= n)
      return;
    if (child + 1 < n && by_logit (&heap[child + 1], &heap[child]) > 0)
      child++;
    if (by_logit (&heap[child], &heap[i]) <= 0)
      return;
    struct candidate t = heap[i];
    heap[i] = heap[child];
    heap[child] = t;
    i = child;
  }
}

static size_t
collect (struct pe_sampler *s, const float *logits)
{
  struct candidate *c = s->candidates;
  size_t k = s->params.top_k && s->params.top_k < s->n_vocab ? s->params.top_k : s->n_vocab;
  bool penalties = has_penalties (s);
  size_t n = 0;
  for (uint32_t i = 0; i < s->n_vocab; i++) {
    float x = clean (logits[i]);
    struct candidate new = { (int32_t) i, penalties ? penalised (s, (int32_t) i, x) : x, 0 };
    if (n < k) {
      c[n++] = new;
      if (n == k && k < s->n_vocab)
        for (size_t j = k / 2 + 1; j-- > 0;)
          sift_down (c, n, j);
    } else if (by_logit (&new, &c[0]) < 0) {
      c[0] = new;
      sift_down (c, n, 0);
    }
  }
  qsort (c, n, sizeof *c, by_logit);
  return n;
}

static void
softmax (struct candidate *c, size_t n, float temperature)
{
  float sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += c[i].p = expf ((c[i].logit - c[0].logit) / temperature);
  for (size_t i = 0; i < n; i++)
    c[i].p /= sum;
}

/* The smallest head of the list that holds at least top_p of the probability. */
static size_t
cut_top_p (const struct candidate *c, size_t n, float top_p)
{
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    sum += c[i].p;
    if (sum >= top_p)
      return i + 1;
  }
  return n;
}

static size_t
cut_min_p (const struct candidate *c, size_t n, float min_p)
{
  size_t keep = 1;
  while (keep < n && c[keep].p >= min_p * c[0].p)
    keep++;
  return keep;
}

int32_t
pe_sampler_sample (struct pe_sampler *s, const float *logits)
{
  if (!(s->params.temperature > 0))
    return greedy (s, logits);
  struct candidate *c = s->candidates;
  size_t n = collect (s, logits);
  if (!(c[0].logit > -INFINITY))
    return c[0].token; /* nothing to choose from */
  softmax (c, n, 1);
  if (s->params.top_p < 1)
    n = cut_top_p (c, n, s->params.top_p);
  if (s->params.min_p > 0)
    n = cut_min_p (c, n, s->params.min_p);
  softmax (c, n, s->params.temperature);
  float u = (float) (next_random (s) >> 40) * 0x1p-24f, sum = 0;
  for (size_t i = 0; i < n; i++) {
    sum += c[i].p;
    if (u < sum)
      return c[i].token;
  }
  return c[n - 1].token;
}
