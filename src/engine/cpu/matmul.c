/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Matrix products: weight rows are dealt out to the threads in chunks. With a batch, a chunk fits
 * the first cache levels and is used for all rows of it before the next one is read.
 */
#include "engine/cpu/cpu.h"

#include <math.h>

#define CHUNK_BYTES   ((size_t) 96 << 10)
#define CHUNKS_LEAST  8  /* per thread, so that a slow one can be helped out */
#define GEMM_ROWS     4  /* from here on blocks of rows beat one after the other */
#define MOST_TOGETHER 4  /* products of one input */
#define PACKED_ROWS   16 /* from here on blocks of bfloat16 are filled well enough */
#define PACKED_LEAST  4  /* chunks per thread: each reads all activations, so fewer and larger */

struct matmul_job {
  struct pe_backend *b;
  const struct pe_op *op;
  struct pe_view in, out;
  const float *bias;
  float scale;
  const struct pe_q8_group *quantised; /* NULL: exact, or */
  const void *packed;                  /* in bfloat16 */
  size_t tile;                         /* weight rows that go through the whole batch together */
};

/* Weight rows of one chunk: large enough to stream, small enough to share out. */
static size_t
chunk_rows (const struct pe_backend *b, uint64_t n_rows, uint64_t row_bytes)
{
  uint64_t by_cache = CHUNK_BYTES / (row_bytes ? row_bytes : 1);
  uint64_t by_share = n_rows / ((uint64_t) pe_pool_n_threads (b->pool) * CHUNKS_LEAST);
  uint64_t n = by_cache < by_share ? by_cache : by_share;
  n &= ~(uint64_t) 15;
  return n < 16 ? 16 : (size_t) n;
}

/* Of weights that are expanded: as many as the kernel expands together. */
static size_t
packed_chunk_rows (const struct pe_backend *b, enum pe_type type, uint64_t n_rows, uint64_t width)
{
  uint64_t by_cache = pe_bf16_panel_rows (b->kernels, b->kernels->bf16_terms[type], width);
  uint64_t by_share = n_rows / ((uint64_t) pe_pool_n_threads (b->pool) * PACKED_LEAST);
  uint64_t n = by_cache < by_share ? by_cache : by_share / PE_BF16_ROWS * PE_BF16_ROWS;
  return n < PE_BF16_ROWS ? PE_BF16_ROWS : (size_t) n;
}

static void
finish_columns (const struct matmul_job *job, uint32_t row, size_t begin, size_t end)
{
  float *out = pe_cpu_row (job->b, job->out, row);
  if (job->scale != 1.0f)
    job->b->kernels->mul (end - begin, job->scale, out + begin, NULL, out + begin);
  if (job->bias)
    job->b->kernels->add (end - begin, 1, out + begin, 1, job->bias + begin, out + begin);
}

static void
multiply_tile (const struct matmul_job *job, size_t begin, size_t end, unsigned thread)
{
  struct pe_backend *b = job->b;
  const struct pe_tensor *w = &b->tensors[job->op->w[0].tensor];
  const char *rows = pe_cpu_weight_row (b, job->op->w[0], begin);
  size_t k = job->in.width, n = end - begin, groups = pe_q8_groups (k);
  const float *x = pe_cpu_row (b, job->in, 0);
  float *out = pe_cpu_row (b, job->out, 0) + begin;
  size_t x_stride = pe_cpu_row_stride (b, job->in), out_stride = pe_cpu_row_stride (b, job->out);
  void *scratch = pe_cpu_thread_scratch (b, thread);
  if (b->n_rows >= GEMM_ROWS) {
    if (job->packed)
      b->kernels->gemm_bf16[w->type](b->n_rows, n, k, job->packed, rows, w->row_bytes, out,
                                     out_stride, scratch);
    else if (job->quantised)
      b->kernels->gemm_fast[w->type](b->n_rows, n, k, job->quantised, groups, rows, w->row_bytes,
                                     out, out_stride, scratch);
    else
      b->kernels->gemm_exact[w->type](b->n_rows, n, k, x, x_stride, rows, w->row_bytes, out,
                                      out_stride, scratch);
  } else
    for (uint32_t row = 0; row < b->n_rows; row++)
      if (job->quantised)
        b->kernels->dot_fast[w->type](k, rows, w->row_bytes, n, job->quantised + row * groups,
                                      out + row * out_stride);
      else
        b->kernels->dot_exact[w->type](k, rows, w->row_bytes, n, x + row * x_stride,
                                       out + row * out_stride);
  for (uint32_t row = 0; row < b->n_rows; row++)
    finish_columns (job, row, begin, end);
}

/* Products of one input: their rows follow each other, as if they were one matrix. */
struct matmul_group {
  struct matmul_job jobs[MOST_TOGETHER];
  size_t ends[MOST_TOGETHER]; /* of the rows of each */
  size_t n;
};

static void
multiply_rows (const struct matmul_job *job, size_t begin, size_t end, unsigned thread)
{
  for (size_t at = begin; at < end; at += job->tile)
    multiply_tile (job, at, end - at < job->tile ? end : at + job->tile, thread);
}

static void
multiply_group (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct matmul_group *g = data;
  size_t first = 0;
  for (size_t i = 0; i < g->n && begin < end; first = g->ends[i++]) {
    size_t stop = end < g->ends[i] ? end : g->ends[i];
    if (begin >= stop)
      continue;
    multiply_rows (&g->jobs[i], begin - first, stop - first, thread);
    begin = stop;
  }
}

static bool
wants_quantised (const struct pe_backend *b, const struct pe_tensor *w, uint32_t width)
{
  return b->plan->request.precision == PE_PRECISION_FAST && width % 32 == 0 &&
         b->kernels->dot_fast[w->type] && b->kernels->gemm_fast[w->type];
}

static bool
wants_packed (const struct pe_backend *b, const struct pe_tensor *w, uint32_t width)
{
  return b->plan->request.precision == PE_PRECISION_FAST && width % 32 == 0 &&
         b->n_rows >= PACKED_ROWS && b->kernels->gemm_bf16[w->type];
}

static struct pe_view
flat (struct pe_view v)
{
  return (struct pe_view){ v.value, v.offset, 1, v.count * v.width, v.count * v.width };
}

static struct matmul_job
make_job (struct pe_backend *b, const struct pe_op *op)
{
  const struct pe_tensor *w = &b->tensors[op->w[0].tensor];
  struct matmul_job job = {
    .b = b, .op = op, .in = flat (op->in[0]), .out = flat (op->out), .scale = op->matmul.scale
  };
  if (op->w[1].tensor != PE_NO_TENSOR)
    job.bias = pe_cpu_vector (b, op->w[1], 1);
  if (op->w[2].tensor != PE_NO_TENSOR)
    job.scale *= pe_cpu_vector (b, op->w[2], 2)[0];
  if (wants_packed (b, w, job.in.width))
    job.packed = pe_cpu_pack (b, job.in, b->kernels->bf16_terms[w->type]);
  else if (wants_quantised (b, w, job.in.width))
    job.quantised = pe_cpu_quantise (b, job.in);
  job.tile = job.packed ? packed_chunk_rows (b, w->type, op->w[0].n_rows, job.in.width)
                        : chunk_rows (b, op->w[0].n_rows, w->row_bytes);
  return job;
}

/* Small tensors of another type have one place for all that are decoded. */
static bool
is_plain (const struct pe_backend *b, struct pe_weight w)
{
  return w.tensor == PE_NO_TENSOR || b->tensors[w.tensor].type == PE_TYPE_F32;
}

/* Whether `op` can be computed at the same time as `first`. */
static bool
goes_with (const struct pe_backend *b, const struct pe_op *first, const struct pe_op *op)
{
  uint16_t input = first->in[0].value;
  return op->kind == PE_OP_MATMUL && b->n_rows < GEMM_ROWS &&
         pe_view_equal (op->in[0], first->in[0]) && first->out.value != input &&
         op->out.value != input && is_plain (b, op->w[1]) && is_plain (b, op->w[2]);
}

size_t
pe_cpu_matmul (struct pe_backend *b, const struct pe_op *ops, size_t n_ops)
{
  struct matmul_group group = { .n = 0 };
  size_t chunk = SIZE_MAX, end = 0;
  uint64_t bytes = 0;
  while (group.n < n_ops && group.n < MOST_TOGETHER &&
         (group.n == 0 || goes_with (b, &ops[0], &ops[group.n]))) {
    const struct pe_op *op = &ops[group.n];
    const struct pe_tensor *w = &b->tensors[op->w[0].tensor];
    struct matmul_job *job = &group.jobs[group.n];
    *job = make_job (b, op);
    chunk = job->tile < chunk ? job->tile : chunk;
    if (b->n_rows < GEMM_ROWS)
      job->tile = op->w[0].n_rows;
    group.ends[group.n++] = end += op->w[0].n_rows;
    bytes += op->w[0].n_rows * w->row_bytes;
  }
  if (bytes < CHUNK_BYTES / 8 && b->n_rows < 8)
    multiply_group (&group, 0, end, 0);
  else
    pe_pool_run (b->pool, end, chunk, multiply_group, &group);
  return group.n;
}

/* ---- one matrix a head ---- */

static void
multiply_heads (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct matmul_job *job = data;
  struct pe_backend *b = job->b;
  const struct pe_op *op = job->op;
  const struct pe_tensor *w = &b->tensors[op->w[0].tensor];
  for (size_t h = begin; h < end; h++)
    b->kernels->gemm_exact[w->type](
        b->n_rows, op->out.width, op->in[0].width,
        pe_cpu_row (b, op->in[0], 0) + h * op->in[0].stride, pe_cpu_row_stride (b, op->in[0]),
        pe_cpu_weight_row (b, op->w[0], h * op->out.width), w->row_bytes,
        pe_cpu_row (b, op->out, 0) + h * op->out.stride, pe_cpu_row_stride (b, op->out),
        pe_cpu_thread_scratch (b, thread));
}

void
pe_cpu_matmul_heads (struct pe_backend *b, const struct pe_op *op)
{
  struct matmul_job job = { .b = b, .op = op };
  pe_pool_run (b->pool, op->out.count, 1, multiply_heads, &job);
}
