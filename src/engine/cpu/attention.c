/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The key-value cache and attention. A job is one KV head and a few rows of one sequence: all
 * query heads of that KV head go through each page of keys and values together, with a running
 * softmax (Milakov and Gimelshein 2018), so a page is read once. One row with many keys behind it
 * is shared out by parts of the keys too; whoever ends the last part of a head joins them.
 */
#include "engine/cpu/cpu.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* ---- storing ---- */

static void
store_heads (const struct pe_backend *b, struct pe_view view, uint32_t row, char *base,
             enum pe_type type, uint64_t head_bytes, uint64_t row_bytes, uint32_t token)
{
  const float *x = pe_cpu_row (b, view, row);
  for (uint32_t h = 0; h < view.count; h++) {
    char *to = base + h * head_bytes + token * row_bytes;
    if (type == PE_TYPE_F32)
      memcpy (to, x + h * view.stride, view.width * sizeof *x);
    else
      b->kernels->encode[type](x + h * view.stride, to, view.width);
  }
}

void
pe_cpu_kv_store (struct pe_backend *b, const struct pe_op *op)
{
  const struct pe_kv_layer *g = &b->context.kv->layers[op->cache.layer];
  for (uint32_t i = 0; i < b->pass->n_spans; i++) {
    const struct pe_span *span = &b->pass->spans[i];
    const uint32_t *pages = span->pages[g->pool];
    for (uint32_t r = 0; r < span->n_rows; r++) {
      uint32_t position = span->position + r, token = position % PE_PAGE_TOKENS;
      char *page = pe_cpu_page (b, op->cache.layer, pages[position / PE_PAGE_TOKENS]);
      store_heads (b, op->in[0], span->row + r, page, g->k_type, g->k_head_bytes, g->k_row_bytes,
                   token);
      store_heads (b, op->in[1], span->row + r, page + g->n_kv_heads * g->k_head_bytes, g->v_type,
                   g->v_head_bytes, g->v_row_bytes, token);
    }
  }
}

/* ---- attending ---- */

struct attention_job {
  struct pe_backend *b;
  const struct pe_op *op;
  const struct pe_span *span;
  uint32_t group;      /* query heads of one KV head */
  uint32_t block_rows; /* rows of the batch in one job */
  const float *sinks;
  uint32_t n_parts;      /* of the keys of one row; 1: whole */
  uint32_t first_part;   /* windows leave out the keys before */
  atomic_uint *n_joined; /* [n_kv_heads] parts that are done */
};

/* The running softmax of m rows: what some keys have given. */
struct attention_sums {
  float *acc; /* [m][v_width] */
  float *max, *sum;
};

/* What one job works with, carved out of the thread's scratch. */
struct attention_state {
  float *q;      /* [m][k_width], scaled */
  float *scores; /* [m][256] */
  struct attention_sums sums;
  void *gemm;
};

static struct attention_sums
carve_sums (float *f, uint64_t m, uint32_t v_width)
{
  return (struct attention_sums){ f, f + m * v_width, f + m * v_width + m };
}

static struct attention_state
carve (const struct attention_job *job, unsigned thread)
{
  const struct pe_attention *a = &job->op->attention;
  uint64_t m = pe_cpu_attention_rows (a);
  char *p = pe_cpu_thread_scratch (job->b, thread);
  struct attention_state s = { .gemm = p };
  float *f = (float *) (p + job->b->kernels->gemm_scratch);
  s.q = f;
  s.scores = s.q + m * a->k_width;
  s.sums = carve_sums (s.scores + m * PE_PAGE_TOKENS, m, a->v_width);
  return s;
}

/* What a part of the keys of a head leaves for whoever joins them. */
static struct attention_sums
part_sums (const struct attention_job *job, uint32_t kv_head, uint32_t part)
{
  const struct pe_attention *a = &job->op->attention;
  uint64_t index = (uint64_t) kv_head * job->n_parts + part;
  float *parts = (float *) ((char *) job->b->work.data + job->b->layout.parts);
  return carve_sums (parts + index * pe_cpu_attention_part_floats (a), job->group, a->v_width);
}

/* First key that the query at `position` sees. */
static uint32_t
first_key (const struct pe_attention *a, uint32_t position)
{
  uint32_t first = 0;
  if (a->window && position + 1 > a->window)
    first = position + 1 - a->window;
  if (a->chunk && position - position % a->chunk > first)
    first = position - position % a->chunk;
  return first;
}

/* Slope of ALiBi for a head (Press et al. 2021), for any number of heads. */
static float
alibi_slope (const struct pe_attention *a, uint32_t head)
{
  uint32_t power = 1;
  while (power * 2 <= a->n_heads)
    power *= 2;
  float base = exp2f (-a->alibi_max_bias / (float) power);
  float half = exp2f (-a->alibi_max_bias / 2 / (float) power);
  return head < power ? powf (base, (float) head + 1)
                      : powf (half, (float) (2 * (head - power) + 1));
}

static void
load_queries (const struct attention_job *job, struct attention_state *s, uint32_t row,
              uint32_t n_rows, uint32_t kv_head)
{
  const struct pe_attention *a = &job->op->attention;
  for (uint32_t r = 0; r < n_rows; r++) {
    uint32_t position = job->span->position + row + r;
    float scale = a->scale;
    if (a->temperature_scale > 0)
      scale *= 1 + a->temperature_scale * logf (floorf (((float) position + a->temperature_offset) /
                                                        a->temperature_length) +
                                                1);
    const float *q = pe_cpu_row (job->b, job->op->in[0], job->span->row + row + r) +
                     kv_head * job->group * job->op->in[0].stride;
    for (uint32_t g = 0; g < job->group; g++)
      job->b->kernels->mul (a->k_width, scale, q + g * job->op->in[0].stride, NULL,
                            s->q + (r * job->group + g) * a->k_width);
  }
}

/* Folds one page into the running softmax of row i (of the job's m rows). */
static void
fold_page (const struct attention_job *job, struct attention_state *s, uint32_t i,
           uint32_t position, uint32_t head, uint32_t key0, uint32_t n_keys)
{
  const struct pe_attention *a = &job->op->attention;
  const struct pe_kernels *k = job->b->kernels;
  float *x = s->scores + i * PE_PAGE_TOKENS;
  if (a->softcap > 0)
    k->unary (PE_UNARY_SOFTCAP, a->softcap, 0, n_keys, x, x);
  if (a->alibi_max_bias > 0) {
    float slope = alibi_slope (a, head);
    for (uint32_t j = 0; j < n_keys; j++)
      x[j] -= slope * (float) ((int64_t) position - (int64_t) (key0 + j));
  }
  uint32_t first = first_key (a, position);
  uint32_t begin = first > key0 ? first - key0 : 0;
  uint32_t end = position >= key0 ? position + 1 - key0 : 0;
  if (end > n_keys)
    end = n_keys;
  for (uint32_t j = 0; j < n_keys && j < begin; j++)
    x[j] = 0;
  for (uint32_t j = end; j < n_keys; j++)
    x[j] = 0;
  if (begin >= end)
    return;
  struct attention_sums *sums = &s->sums;
  float max = k->max (end - begin, x + begin);
  if (max > sums->max[i]) {
    float shrink = expf (sums->max[i] - max); /* 0 the first time */
    sums->sum[i] *= shrink;
    k->mul (a->v_width, shrink, sums->acc + i * a->v_width, NULL, sums->acc + i * a->v_width);
    sums->max[i] = max;
  }
  sums->sum[i] += k->softmax_exp (end - begin, sums->max[i], x + begin);
}

static void
clear_sums (const struct attention_sums *sums, uint32_t m, uint32_t v_width)
{
  memset (sums->acc, 0, (size_t) m * v_width * sizeof *sums->acc);
  for (uint32_t i = 0; i < m; i++) {
    sums->max[i] = -INFINITY;
    sums->sum[i] = 0;
  }
}

/* Adds what the keys of pages [first, end) give to the rows. */
static void
attend_pages (const struct attention_job *job, struct attention_state *s, uint32_t row,
              uint32_t n_rows, uint32_t kv_head, uint32_t first, uint32_t end)
{
  struct pe_backend *b = job->b;
  const struct pe_attention *a = &job->op->attention;
  const struct pe_kv_layer *g = &b->context.kv->layers[a->layer];
  uint32_t m = n_rows * job->group, position0 = job->span->position + row;
  uint32_t n_keys_all = position0 + n_rows;
  for (uint32_t p = first; p < end && p * PE_PAGE_TOKENS < n_keys_all; p++) {
    uint32_t key0 = p * PE_PAGE_TOKENS, left = n_keys_all - key0;
    uint32_t n_keys = left < PE_PAGE_TOKENS ? left : PE_PAGE_TOKENS;
    const char *page = pe_cpu_page (b, a->layer, job->span->pages[g->pool][p]);
    const char *keys = page + kv_head * g->k_head_bytes;
    const char *values = page + g->n_kv_heads * g->k_head_bytes + kv_head * g->v_head_bytes;
    b->kernels->gemm_exact[g->k_type](m, n_keys, a->k_width, s->q, a->k_width, keys, g->k_row_bytes,
                                      s->scores, PE_PAGE_TOKENS, s->gemm);
    for (uint32_t i = 0; i < m; i++)
      fold_page (job, s, i, position0 + i / job->group, kv_head * job->group + i % job->group, key0,
                 n_keys);
    b->kernels->weigh_rows[g->v_type](m, n_keys, a->v_width, s->scores, PE_PAGE_TOKENS, values,
                                      g->v_row_bytes, s->sums.acc, a->v_width);
  }
}

/* Row i of `sums` into the output, divided by its sum. */
static void
write_row (const struct attention_job *job, const struct attention_sums *sums, uint32_t i,
           uint32_t row, uint32_t kv_head)
{
  struct pe_backend *b = job->b;
  uint32_t head = kv_head * job->group + i % job->group;
  uint32_t v_width = job->op->attention.v_width;
  float shrink = 1, sum = sums->sum[i];
  if (job->sinks) {
    float max = sums->max[i] > job->sinks[head] ? sums->max[i] : job->sinks[head];
    shrink = expf (sums->max[i] - max);
    sum = sum * shrink + expf (job->sinks[head] - max);
  }
  float *out = pe_cpu_row (b, job->op->out, job->span->row + row + i / job->group) +
               head * job->op->out.stride;
  b->kernels->mul (v_width, shrink / sum, sums->acc + i * v_width, NULL, out);
}

static void
attend_block (const struct attention_job *job, uint32_t row, uint32_t n_rows, uint32_t kv_head,
              unsigned thread)
{
  const struct pe_attention *a = &job->op->attention;
  struct attention_state s = carve (job, thread);
  uint32_t m = n_rows * job->group;
  load_queries (job, &s, row, n_rows, kv_head);
  clear_sums (&s.sums, m, a->v_width);
  attend_pages (job, &s, row, n_rows, kv_head,
                first_key (a, job->span->position + row) / PE_PAGE_TOKENS, UINT32_MAX);
  for (uint32_t i = 0; i < m; i++)
    write_row (job, &s.sums, i, row, kv_head);
}

static void
attend_jobs (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct attention_job *job = data;
  uint32_t n_kv_heads = job->op->attention.n_kv_heads;
  for (size_t i = begin; i < end; i++) {
    uint32_t row = (uint32_t) (i / n_kv_heads) * job->block_rows;
    uint32_t left = job->span->n_rows - row;
    attend_block (job, row, left < job->block_rows ? left : job->block_rows,
                  (uint32_t) (i % n_kv_heads), thread);
  }
}

/* ---- one row, its keys in parts ---- */

/* The parts of a head into the first one. Each has seen at least one key. */
static void
join_parts (const struct attention_job *job, uint32_t kv_head)
{
  uint32_t v_width = job->op->attention.v_width;
  const struct pe_kernels *k = job->b->kernels;
  struct attention_sums all = part_sums (job, kv_head, 0);
  for (uint32_t p = 1; p < job->n_parts; p++) {
    struct attention_sums part = part_sums (job, kv_head, p);
    for (uint32_t i = 0; i < job->group; i++) {
      float max = fmaxf (all.max[i], part.max[i]);
      float left = expf (all.max[i] - max), right = expf (part.max[i] - max);
      float *acc = all.acc + i * v_width;
      k->add (v_width, left, acc, right, part.acc + i * v_width, acc);
      all.sum[i] = all.sum[i] * left + part.sum[i] * right;
      all.max[i] = max;
    }
  }
  for (uint32_t i = 0; i < job->group; i++)
    write_row (job, &all, i, 0, kv_head);
}

static void
attend_parts (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct attention_job *job = data;
  const struct pe_attention *a = &job->op->attention;
  for (size_t i = begin; i < end; i++) {
    uint32_t kv_head = (uint32_t) (i / job->n_parts), part = (uint32_t) (i % job->n_parts);
    uint32_t first = first_key (a, job->span->position) / PE_PAGE_TOKENS;
    uint32_t page = (job->first_part + part) * PE_CPU_PART_PAGES;
    struct attention_state s = carve (job, thread);
    s.sums = part_sums (job, kv_head, part);
    load_queries (job, &s, 0, 1, kv_head);
    clear_sums (&s.sums, job->group, a->v_width);
    attend_pages (job, &s, 0, 1, kv_head, page > first ? page : first, page + PE_CPU_PART_PAGES);
    if (atomic_fetch_add (&job->n_joined[kv_head], 1) + 1 == job->n_parts)
      join_parts (job, kv_head);
  }
}

void
pe_cpu_attention (struct pe_backend *b, const struct pe_op *op)
{
  const struct pe_attention *a = &op->attention;
  struct attention_job job = { .b = b, .op = op, .group = a->n_heads / a->n_kv_heads };
  uint32_t rows = (uint32_t) pe_cpu_attention_rows (a) / job.group;
  job.block_rows = rows < 16 ? rows : 16;
  if (op->w[0].tensor != PE_NO_TENSOR)
    job.sinks = pe_cpu_vector (b, op->w[0], 0);
  for (uint32_t i = 0; i < b->pass->n_spans; i++) {
    job.span = &b->pass->spans[i];
    uint32_t position = job.span->position;
    job.first_part = first_key (a, position) / (PE_CPU_PART_PAGES * PE_PAGE_TOKENS);
    job.n_parts = position / (PE_CPU_PART_PAGES * PE_PAGE_TOKENS) + 1 - job.first_part;
    if (job.span->n_rows == 1 && job.n_parts > 1) {
      job.n_joined = (atomic_uint *) ((char *) b->work.data + b->layout.joined);
      for (uint32_t h = 0; h < a->n_kv_heads; h++)
        atomic_init (&job.n_joined[h], 0);
      pe_pool_run (b->pool, (size_t) a->n_kv_heads * job.n_parts, 1, attend_parts, &job);
      continue;
    }
    size_t blocks = (job.span->n_rows + job.block_rows - 1) / job.block_rows;
    pe_pool_run (b->pool, blocks * a->n_kv_heads, 1, attend_jobs, &job);
  }
}
