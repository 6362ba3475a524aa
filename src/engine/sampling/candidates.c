/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/sampling/candidates.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Highest first; equal ones by token, so that the order never depends on the sort. */
static int
by_logit (const void *a, const void *b)
{
  const struct pe_candidate *x = a, *y = b;
  if (x->logit != y->logit)
    return x->logit < y->logit ? 1 : -1;
  return x->token < y->token ? -1 : 1;
}

/* A heap of the k best, worst on top. */
static void
sift_down (struct pe_candidate *heap, size_t n, size_t i)
{
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= n)
      return;
    if (child + 1 < n && by_logit (&heap[child + 1], &heap[child]) > 0)
      child++;
    if (by_logit (&heap[child], &heap[i]) <= 0)
      return;
    struct pe_candidate t = heap[i];
    heap[i] = heap[child];
    heap[child] = t;
    i = child;
  }
}

static float
clean (float logit)
{
  return logit == logit ? logit : -INFINITY;
}

size_t
pe_candidates_collect (struct pe_candidate *out, const float *logits, uint32_t n_logits, uint32_t k,
                       float least)
{
  if (k == 0 || k > n_logits)
    k = n_logits;
  size_t n = 0;
  for (uint32_t i = 0; i < n_logits; i++) {
    struct pe_candidate new = { (int32_t) i, clean (logits[i]), 0 };
    if (new.logit < least)
      continue;
    if (n < k) {
      out[n++] = new;
      if (n == k && k < n_logits)
        for (size_t j = k / 2 + 1; j-- > 0;)
          sift_down (out, n, j);
    } else if (by_logit (&new, &out[0]) < 0) {
      out[0] = new;
      sift_down (out, n, 0);
    }
  }
  if (n == 0)
    out[n++] = (struct pe_candidate){ 0, -INFINITY, 0 };
  qsort (out, n, sizeof *out, by_logit);
  return n;
}

void
pe_candidates_sort (struct pe_candidate *c, size_t n)
{
  qsort (c, n, sizeof *c, by_logit);
}

float
pe_candidates_sigma_bound (const float *logits, uint32_t n, float n_sigma)
{
  double sum = 0, squares = 0, best = -INFINITY;
  uint32_t count = 0;
  for (uint32_t i = 0; i < n; i++)
    if (isfinite (logits[i])) {
      best = logits[i] > best ? logits[i] : best;
      sum += logits[i];
      count++;
    }
  if (count == 0)
    return -INFINITY;
  double mean = sum / count;
  for (uint32_t i = 0; i < n; i++)
    if (isfinite (logits[i]))
      squares += (logits[i] - mean) * (logits[i] - mean);
  return (float) (best - n_sigma * sqrt (squares / count));
}

void
pe_candidates_softmax (struct pe_candidate *c, size_t n, float temperature)
{
  float sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += c[i].p = expf ((c[i].logit - c[0].logit) / temperature);
  for (size_t i = 0; i < n; i++)
    c[i].p /= sum;
}

static float
entropy (const struct pe_candidate *c, size_t n)
{
  float sum = 0;
  for (size_t i = 0; i < n; i++)
    if (c[i].p > 0)
      sum -= c[i].p * logf (c[i].p);
  return sum;
}

/* By how far the surprise is from the mean, which `p` holds meanwhile. */
static int
by_distance (const void *a, const void *b)
{
  const struct pe_candidate *x = a, *y = b;
  if (x->p != y->p)
    return x->p < y->p ? -1 : 1;
  return by_logit (a, b);
}

size_t
pe_candidates_cut_typical (struct pe_candidate *c, size_t n, float mass)
{
  float mean = entropy (c, n), best = c[0].logit, total = 0, sum = 0;
  for (size_t i = 0; i < n; i++) {
    total += expf (c[i].logit - best);
    c[i].p = c[i].p > 0 ? fabsf (-logf (c[i].p) - mean) : INFINITY;
  }
  qsort (c, n, sizeof *c, by_distance);
  size_t keep = 0;
  while (keep < n && sum <= mass)
    sum += expf (c[keep++].logit - best) / total;
  qsort (c, keep, sizeof *c, by_logit);
  return keep;
}

/* The smallest head of the list that holds at least `mass`. */
size_t
pe_candidates_cut_top_p (const struct pe_candidate *c, size_t n, float mass)
{
  float sum = 0;
  for (size_t i = 0; i < n; i++) {
    sum += c[i].p;
    if (sum >= mass)
      return i + 1;
  }
  return n;
}

size_t
pe_candidates_cut_min_p (const struct pe_candidate *c, size_t n, float share)
{
  size_t keep = 1;
  while (keep < n && c[keep].p >= share * c[0].p)
    keep++;
  return keep;
}

size_t
pe_candidates_cut_surprise (const struct pe_candidate *c, size_t n, float bits)
{
  size_t keep = 1;
  while (keep < n && -log2f (c[keep].p) <= bits)
    keep++;
  return keep;
}

size_t
pe_candidates_cut_xtc (struct pe_candidate *c, size_t n, float threshold)
{
  size_t above = 0;
  while (above < n && c[above].p >= threshold)
    above++;
  if (above < 2)
    return n;
  n -= above - 1;
  memmove (c, c + above - 1, n * sizeof *c);
  return n;
}

float
pe_candidates_entropy (const struct pe_candidate *c, size_t n)
{
  return n > 1 ? entropy (c, n) / logf ((float) n) : 0;
}
