/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mixtures of experts: choosing them, multiplying by the chosen ones, summing up. The product
 * goes expert by expert, so that an expert's rows are read once for all rows that chose it, and
 * several of these are multiplied together.
 */
#include "engine/cpu/cpu.h"

#include <math.h>
#include <string.h>

#define MAX_EXPERTS    512
#define TOGETHER_LEAST 4  /* pairs of one expert from which on a product of all beats one by one */
#define MANY_ROWS      32 /* of a batch */

/* ---- choosing ---- */

static void
softmax (float *x, uint32_t n)
{
  float max = x[0], sum = 0;
  for (uint32_t i = 1; i < n; i++)
    max = x[i] > max ? x[i] : max;
  for (uint32_t i = 0; i < n; i++)
    sum += x[i] = expf (x[i] - max);
  for (uint32_t i = 0; i < n; i++)
    x[i] /= sum;
}

static void
gate_all (enum pe_gating gating, float *x, uint32_t n)
{
  switch (gating) {
  case PE_GATING_SOFTMAX: softmax (x, n); break;
  case PE_GATING_SIGMOID:
    for (uint32_t i = 0; i < n; i++)
      x[i] = 1 / (1 + expf (-x[i]));
    break;
  case PE_GATING_SQRT_SOFTPLUS:
    for (uint32_t i = 0; i < n; i++)
      x[i] = sqrtf (x[i] > 20 ? x[i] : log1pf (expf (x[i])));
    break;
  case PE_GATING_SOFTMAX_SELECTED: /* raw logits choose */
  case PE_GATING_SPARSE_MIXER: break;
  }
}

/* A group counts as much as its two best experts; experts of the groups that lose are out. */
static void
mask_groups (const struct pe_route *r, float *choice)
{
  uint32_t n = r->n_experts / r->n_groups;
  bool keep[MAX_EXPERTS] = { false };
  float score[MAX_EXPERTS];
  for (uint32_t g = 0; g < r->n_groups; g++) {
    float best = -INFINITY, second = -INFINITY;
    for (uint32_t i = 0; i < n; i++) {
      float x = choice[g * n + i];
      if (x > best) {
        second = best;
        best = x;
      } else if (x > second)
        second = x;
    }
    score[g] = n > 1 ? best + second : best;
  }
  for (uint32_t k = 0; k < r->n_groups_used; k++) {
    uint32_t best = UINT32_MAX;
    for (uint32_t g = 0; g < r->n_groups; g++)
      if (!keep[g] && (best == UINT32_MAX || score[g] > score[best]))
        best = g;
    keep[best] = true;
  }
  for (uint32_t i = 0; i < r->n_experts; i++)
    if (!keep[i / n])
      choice[i] = -INFINITY;
}

/* How far below the best of those left a logit may be and still count, relative to the larger of
 * the two magnitudes: twice the jitter that the model was trained with. */
#define SPARSE_MIXER_REACH 0.02f

static float
sparse_mixer_weight (const float *logits, const bool *taken, uint32_t n, uint32_t best)
{
  float top = logits[best], sum = 0;
  for (uint32_t i = 0; i < n; i++)
    if (!taken[i] && top - logits[i] <= SPARSE_MIXER_REACH * fmaxf (fabsf (logits[i]), top))
      sum += expf (logits[i] - top);
  return sum > 0 ? 1 / sum : 1;
}

static void
route_row (const struct pe_route *r, const float *logits, const float *bias, const float *factors,
           float *out)
{
  float p[MAX_EXPERTS], choice[MAX_EXPERTS];
  memcpy (p, logits, r->n_experts * sizeof *p);
  gate_all (r->gating, p, r->n_experts);
  for (uint32_t i = 0; i < r->n_experts; i++) {
    choice[i] = bias ? p[i] + bias[i] : p[i];
    if (!(choice[i] > -INFINITY))
      choice[i] = -INFINITY; /* not a number: never chosen before a number */
  }
  if (r->n_groups > 1)
    mask_groups (r, choice);
  bool taken[MAX_EXPERTS] = { false };
  float *ids = out, *weights = out + r->n_used;
  for (uint32_t k = 0; k < r->n_used; k++) {
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < r->n_experts; i++)
      if (!taken[i] && (best == UINT32_MAX || choice[i] > choice[best]))
        best = i;
    weights[k] = r->gating == PE_GATING_SPARSE_MIXER
                     ? sparse_mixer_weight (choice, taken, r->n_experts, best)
                     : p[best];
    taken[best] = true;
    ids[k] = (float) best;
  }
  if (r->gating == PE_GATING_SOFTMAX_SELECTED)
    softmax (weights, r->n_used);
  if (r->renormalise) {
    float sum = 0;
    for (uint32_t k = 0; k < r->n_used; k++)
      sum += weights[k];
    if (sum < 6.103515625e-5f) /* the smallest normal half: keeps a zero row finite */
      sum = 6.103515625e-5f;
    for (uint32_t k = 0; k < r->n_used; k++)
      weights[k] /= sum;
  }
  for (uint32_t k = 0; k < r->n_used; k++)
    weights[k] *= r->scale * (factors ? factors[(uint32_t) ids[k]] : 1);
}

void
pe_cpu_route (struct pe_backend *b, const struct pe_op *op)
{
  const float *bias = op->w[0].tensor != PE_NO_TENSOR ? pe_cpu_vector (b, op->w[0], 0) : NULL;
  const float *factors = op->w[1].tensor != PE_NO_TENSOR ? pe_cpu_vector (b, op->w[1], 1) : NULL;
  for (uint32_t row = 0; row < b->n_rows; row++)
    route_row (&op->route, pe_cpu_row (b, op->in[0], row), bias, factors,
               pe_cpu_row (b, op->out, row));
}

/* ---- multiplying ---- */

struct expert_job {
  struct pe_backend *b;
  const struct pe_op *op;
  const struct pe_q8_group *quantised; /* NULL: exact */
  const uint32_t *first;               /* per expert, into pairs; n_experts + 1 of them */
  const uint32_t *pairs;               /* row * n_used + place */
  const float *bias, *factors;
  size_t chunk, n_chunks; /* of the rows of one expert */
};

static uint32_t
expert_id (const struct pe_backend *b, const struct pe_op *op, uint32_t pair)
{
  uint32_t n_used = op->expert.n_used;
  float id = pe_cpu_row (b, op->expert.ids, pair / n_used)[pair % n_used];
  uint32_t e = id >= 0 ? (uint32_t) id : 0;
  return e < op->expert.n_experts ? e : op->expert.n_experts - 1;
}

/* Sorts the chosen (row, place) pairs by expert: counting sort in the work memory. */
static void
sort_pairs (struct pe_backend *b, const struct pe_op *op, uint32_t *first, uint32_t *pairs)
{
  uint32_t n_experts = op->expert.n_experts, n = b->n_rows * op->expert.n_used;
  memset (first, 0, (n_experts + 1) * sizeof *first);
  for (uint32_t i = 0; i < n; i++)
    first[expert_id (b, op, i) + 1]++;
  for (uint32_t e = 0; e < n_experts; e++)
    first[e + 1] += first[e];
  for (uint32_t i = n; i-- > 0;) {
    uint32_t e = expert_id (b, op, i);
    pairs[--first[e + 1]] = i;
  }
  /* Each first[e + 1] now points at the start of e; shift back into place. */
  memmove (first, first + 1, n_experts * sizeof *first);
  first[n_experts] = n;
}

/* The tensor that holds expert e, and in *rows its row `begin` among those of the operation. */
static const struct pe_tensor *
expert_tensor (const struct pe_backend *b, const struct pe_op *op, uint32_t e, size_t begin,
               const char **rows)
{
  const struct pe_tensor *w = &b->tensors[op->w[0].tensor];
  if (w->experts) {
    w = &b->tensors[w->experts[e]];
    *rows = (const char *) w->data + (op->w[0].row + begin) * w->row_bytes;
  } else
    *rows = pe_cpu_weight_row (b, op->w[0], (uint64_t) e * w->shape[1] + begin);
  return w;
}

/* Which of the input's vectors of a row goes with a pair. */
static uint32_t
input_of (const struct pe_op *op, uint32_t pair)
{
  return op->in[0].count > 1 ? pair % op->expert.n_used : 0;
}

static const struct pe_q8_group *
quantised_of (const struct expert_job *job, uint32_t pair)
{
  const struct pe_op *op = job->op;
  uint32_t vector = pair / op->expert.n_used * op->in[0].count + input_of (op, pair);
  return job->quantised + vector * pe_q8_groups (op->in[0].width);
}

static float *
out_of (const struct expert_job *job, uint32_t pair)
{
  const struct pe_op *op = job->op;
  uint32_t n_used = op->expert.n_used;
  return pe_cpu_row (job->b, op->out, pair / n_used) + pair % n_used * op->out.stride;
}

/* `out`: n columns from `begin` on. */
static void
finish_pair (const struct expert_job *job, uint32_t pair, uint32_t e, size_t begin, size_t n,
             float *out)
{
  struct pe_backend *b = job->b;
  const struct pe_op *op = job->op;
  uint32_t n_used = op->expert.n_used;
  float scale = job->factors ? job->factors[e] : 1;
  if (op->expert.weigh_input)
    scale *= pe_cpu_row (b, op->expert.ids, pair / n_used)[n_used + pair % n_used];
  if (scale != 1.0f)
    b->kernels->mul (n, scale, out, NULL, out);
  if (job->bias)
    b->kernels->add (n, 1, out, 1,
                     job->bias + (uint64_t) e * b->tensors[op->w[0].tensor].shape[1] + begin, out);
}

static void
multiply_pair (const struct expert_job *job, uint32_t pair, uint32_t e, size_t begin, size_t n)
{
  struct pe_backend *b = job->b;
  const struct pe_op *op = job->op;
  const char *rows;
  const struct pe_tensor *w = expert_tensor (b, op, e, begin, &rows);
  float *out = out_of (job, pair) + begin;
  if (job->quantised && b->kernels->dot_fast[w->type])
    b->kernels->dot_fast[w->type](op->in[0].width, rows, w->row_bytes, n, quantised_of (job, pair),
                                  out);
  else
    b->kernels->dot_exact[w->type](op->in[0].width, rows, w->row_bytes, n,
                                   pe_cpu_row (b, op->in[0], pair / op->expert.n_used) +
                                       input_of (op, pair) * op->in[0].stride,
                                   out);
  finish_pair (job, pair, e, begin, n, out);
}

/* `m` pairs of one expert: their vectors are laid beside each other, and what comes out is dealt
 * out again. */
static void
multiply_together (const struct expert_job *job, const uint32_t *pairs, size_t m, uint32_t e,
                   size_t begin, size_t n, unsigned thread)
{
  struct pe_backend *b = job->b;
  size_t width = job->op->in[0].width, groups = pe_q8_groups (width);
  char *scratch = pe_cpu_thread_scratch (b, thread);
  struct pe_q8_group *a = (struct pe_q8_group *) (scratch + b->kernels->gemm_scratch);
  float *c = (float *) (a + PE_CPU_EXPERT_ROWS * groups);
  const char *rows;
  const struct pe_tensor *w = expert_tensor (b, job->op, e, begin, &rows);
  for (size_t i = 0; i < m; i++)
    memcpy (a + i * groups, quantised_of (job, pairs[i]), groups * sizeof *a);
  b->kernels->gemm_fast[w->type](m, n, width, a, groups, rows, w->row_bytes, c, n, scratch);
  for (size_t i = 0; i < m; i++) {
    float *out = out_of (job, pairs[i]) + begin;
    memcpy (out, c + i * n, n * sizeof *c);
    finish_pair (job, pairs[i], e, begin, n, out);
  }
}

static void
multiply_expert (const struct expert_job *job, uint32_t e, size_t begin, size_t n, unsigned thread)
{
  const char *rows;
  const struct pe_tensor *w = expert_tensor (job->b, job->op, e, begin, &rows);
  uint32_t p = job->first[e], end = job->first[e + 1];
  while (job->quantised && job->b->kernels->gemm_fast[w->type] && end - p >= TOGETHER_LEAST) {
    uint32_t m = end - p < PE_CPU_EXPERT_ROWS ? end - p : PE_CPU_EXPERT_ROWS;
    multiply_together (job, job->pairs + p, m, e, begin, n, thread);
    p += m;
  }
  for (; p < end; p++)
    multiply_pair (job, job->pairs[p], e, begin, n);
}

static void
multiply_expert_chunks (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct expert_job *job = data;
  for (size_t i = begin; i < end; i++) {
    uint32_t e = (uint32_t) (i / job->n_chunks);
    size_t row = (i % job->n_chunks) * job->chunk, left = job->op->w[0].n_rows - row;
    multiply_expert (job, e, row, left < job->chunk ? left : job->chunk, thread);
  }
}

/* Whether any of the experts is of a type that is multiplied by rounded activations. */
static bool
has_fast_type (const struct pe_backend *b, const struct pe_tensor *w)
{
  if (!w->experts)
    return b->kernels->dot_fast[w->type] != NULL;
  for (uint64_t e = 0; e < w->shape[2]; e++)
    if (b->kernels->dot_fast[b->tensors[w->experts[e]].type])
      return true;
  return false;
}

void
pe_cpu_matmul_expert (struct pe_backend *b, const struct pe_op *op)
{
  const struct pe_tensor *w = &b->tensors[op->w[0].tensor];
  uint32_t *first = (uint32_t *) ((char *) b->work.data + b->layout.experts);
  uint32_t *pairs = first + op->expert.n_experts + 1;
  struct expert_job job = { .b = b, .op = op, .first = first, .pairs = pairs };
  /* A chunk is expanded for all of an expert's rows; few rows are better shared out. */
  job.chunk = b->n_rows < MANY_ROWS ? 64 : PE_CPU_EXPERT_CHUNK;
  sort_pairs (b, op, first, pairs);
  if (op->w[1].tensor != PE_NO_TENSOR)
    job.bias = pe_cpu_vector (b, op->w[1], 1);
  if (op->w[2].tensor != PE_NO_TENSOR)
    job.factors = pe_cpu_vector (b, op->w[2], 2);
  if (b->plan->request.precision == PE_PRECISION_FAST && op->in[0].width % 32 == 0 &&
      has_fast_type (b, w))
    job.quantised = pe_cpu_quantise (b, op->in[0]);
  job.n_chunks = (op->w[0].n_rows + job.chunk - 1) / job.chunk;
  pe_pool_run (b->pool, op->expert.n_experts * job.n_chunks, 4, multiply_expert_chunks, &job);
}

void
pe_cpu_expert_sum (struct pe_backend *b, const struct pe_op *op)
{
  uint32_t n_used = op->expert.n_used;
  for (uint32_t row = 0; row < b->n_rows; row++) {
    const float *weights = pe_cpu_row (b, op->expert.ids, row) + n_used;
    const float *x = pe_cpu_row (b, op->in[0], row);
    float *out = pe_cpu_row (b, op->out, row);
    memset (out, 0, op->out.width * sizeof *out);
    for (uint32_t k = 0; k < n_used; k++)
      b->kernels->axpy (op->out.width, op->expert.weigh_input ? 1 : weights[k],
                        x + k * op->in[0].stride, out);
  }
}
