/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Walks the operations of a stage. This is the reference of what each operation means; the large
 * ones are in files of their own. Small element-wise work runs on the calling thread: a barrier
 * costs more than it saves.
 */
#include "engine/cpu/cpu.h"

#include <math.h>
#include <string.h>

/* Rows of fewer elements than this in all are not worth waking the other threads. */
#define PARALLEL_ELEMENTS 16384

/* ---- what the operations share ---- */

const float *
pe_cpu_vector (const struct pe_backend *b, struct pe_weight w, unsigned slot)
{
  const struct pe_tensor *t = &b->tensors[w.tensor];
  if (t->type == PE_TYPE_F32)
    return (const float *) t->data + w.row;
  float *copy =
      (float *) ((char *) b->work.data + b->layout.vectors) + slot * b->layout.vector_elements;
  b->kernels->decode[t->type](t->data, copy, t->n_elements);
  return copy + w.row;
}

struct quantise_job {
  struct pe_backend *b;
  struct pe_view view;
  struct pe_q8_group *out;
};

static void
quantise_rows (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct quantise_job *job = data;
  size_t groups = pe_q8_groups (job->view.width);
  for (size_t i = begin; i < end; i++) {
    uint32_t row = (uint32_t) (i / job->view.count), h = (uint32_t) (i % job->view.count);
    job->b->kernels->quantise (job->view.width,
                               pe_cpu_row (job->b, job->view, row) + h * job->view.stride,
                               job->out + i * groups);
  }
}

const struct pe_q8_group *
pe_cpu_quantise (struct pe_backend *b, struct pe_view view)
{
  struct pe_q8_group *out = (struct pe_q8_group *) ((char *) b->work.data + b->layout.quantised);
  if (b->quantised.valid && !b->quantised.terms && pe_view_equal (b->quantised.view, view))
    return out;
  struct quantise_job job = { b, view, out };
  size_t n = (size_t) b->n_rows * view.count;
  if (n * view.width < PARALLEL_ELEMENTS)
    quantise_rows (&job, 0, n, 0);
  else
    pe_pool_run (b->pool, n, 1, quantise_rows, &job);
  b->quantised = (struct pe_cpu_quantised){ .valid = true, .view = view };
  return out;
}

struct pack_job {
  struct pe_backend *b;
  struct pe_view view;
  unsigned terms;
  char *out;
};

static void
pack_rows (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct pack_job *job = data;
  size_t width = job->view.width;
  job->b->kernels->pack_bf16 (job->terms, end - begin, width,
                              pe_cpu_row (job->b, job->view, (uint32_t) begin),
                              pe_cpu_row_stride (job->b, job->view),
                              job->out + pe_bf16_packed_bytes (job->terms, begin, width));
}

const void *
pe_cpu_pack (struct pe_backend *b, struct pe_view view, unsigned terms)
{
  char *out = (char *) b->work.data + b->layout.quantised;
  if (b->quantised.valid && b->quantised.terms == terms && pe_view_equal (b->quantised.view, view))
    return out;
  struct pack_job job = { b, view, terms, out };
  pe_pool_run (b->pool, b->n_rows, PE_BF16_ROWS, pack_rows, &job);
  b->quantised = (struct pe_cpu_quantised){ .valid = true, .terms = terms, .view = view };
  return out;
}

/* ---- rotation ---- */

static bool
same_rope (const struct pe_cpu_rope_table *t, const struct pe_rope *r, struct pe_weight factors)
{
  return t->valid && t->factors.tensor == factors.tensor && t->rope.n_rot == r->n_rot &&
         memcmp (&t->rope.base, &r->base,
                 offsetof (struct pe_rope, n_ctx_original) - offsetof (struct pe_rope, base)) == 0;
}

/* Angle of pair i: position / factor_i * base^(-2i / n_rot), stretched by the linear or YaRN
 * scaling (Peng et al. 2023): below yarn_low the angle stays, above yarn_high it is scaled. */
static void
fill_rope_table (struct pe_backend *b, struct pe_cpu_rope_table *t, const float *factors)
{
  const struct pe_rope *r = &t->rope;
  uint32_t n = r->n_rot / 2;
  for (uint32_t i = 0; i < n; i++) {
    double rate = pow (r->base, -2.0 * i / r->n_rot);
    if (factors)
      rate /= factors[i];
    double scale = r->position_scale;
    if (r->yarn_factor > 0) {
      double span = r->yarn_high - r->yarn_low;
      double ramp = ((double) i - r->yarn_low) / (span > 0.001 ? span : 0.001);
      double keep = 1 - (ramp < 0 ? 0 : ramp > 1 ? 1 : ramp);
      scale = scale * (1 - keep) + keep;
    }
    for (uint32_t row = 0; row < b->n_rows; row++) {
      double angle = b->pass->positions[row] * rate * scale;
      float *out = t->cos_sin + ((size_t) row * n + i) * 2;
      out[0] = (float) (cos (angle) * r->magnitude);
      out[1] = (float) (sin (angle) * r->magnitude);
    }
  }
}

const float *
pe_cpu_rope_table (struct pe_backend *b, const struct pe_op *op)
{
  struct pe_weight factors = pe_rope_factors (op, b->plan->request.n_ctx);
  for (unsigned i = 0; i < PE_CPU_ROPE_TABLES; i++)
    if (same_rope (&b->rope[i], &op->rope, factors))
      return b->rope[i].cos_sin;
  unsigned slot = b->next_rope++ % PE_CPU_ROPE_TABLES;
  struct pe_cpu_rope_table *t = &b->rope[slot];
  float *base = (float *) ((char *) b->work.data + b->layout.rope);
  t->valid = true;
  t->rope = op->rope;
  t->factors = factors;
  t->cos_sin = base + slot * b->plan->request.n_batch * b->layout.rope_width;
  fill_rope_table (b, t, factors.tensor == PE_NO_TENSOR ? NULL : pe_cpu_vector (b, factors, 0));
  return t->cos_sin;
}

static void
rotate_head (const struct pe_rope *r, const float *cos_sin, float *x)
{
  uint32_t n = r->n_rot / 2;
  bool halves = r->kind == PE_ROPE_NEOX;
  for (uint32_t i = 0; i < n; i++) {
    float *p = halves ? x + i : x + 2 * i, *q = halves ? x + i + n : x + 2 * i + 1;
    float c = cos_sin[2 * i], s = cos_sin[2 * i + 1], a = *p, d = *q;
    *p = a * c - d * s;
    *q = a * s + d * c;
  }
}

static void
run_rope (struct pe_backend *b, const struct pe_op *op)
{
  const float *table = pe_cpu_rope_table (b, op);
  for (uint32_t row = 0; row < b->n_rows; row++)
    for (uint32_t h = 0; h < op->out.count; h++)
      rotate_head (&op->rope, table + (size_t) row * op->rope.n_rot,
                   pe_cpu_row (b, op->out, row) + h * op->out.stride);
}

/* ---- embedding ---- */

static void
run_embed (struct pe_backend *b, const struct pe_op *op)
{
  const struct pe_tensor *table = &b->tensors[op->w[0].tensor];
  uint32_t n = op->out.width;
  for (uint32_t row = 0; row < b->n_rows; row++) {
    float *out = pe_cpu_row (b, op->out, row);
    b->kernels->decode[table->type](pe_cpu_weight_row (b, op->w[0], b->pass->tokens[row]), out, n);
    if (op->embed.scale != 1.0f)
      b->kernels->mul (n, op->embed.scale, out, NULL, out);
    if (op->w[1].tensor == PE_NO_TENSOR)
      continue;
    const struct pe_tensor *positions = &b->tensors[op->w[1].tensor];
    float *position = (float *) ((char *) b->work.data + b->layout.quantised);
    uint64_t p = b->pass->positions[row];
    if (p >= positions->shape[1])
      p = positions->shape[1] - 1; /* beyond what was trained: the last one */
    b->kernels->decode[positions->type](pe_cpu_weight_row (b, op->w[1], p), position, n);
    b->kernels->add (n, 1, out, 1, position, out);
  }
}

/* ---- norms ---- */

struct norm_job {
  struct pe_backend *b;
  const struct pe_op *op;
  const float *weight, *bias;
  uint32_t weight_step; /* elements between the weights of groups: 0 = shared */
};

static void
norm_group (const struct norm_job *job, const float *x, const float *w, const float *c, float *y)
{
  const struct pe_kernels *k = job->b->kernels;
  uint32_t n = job->op->out.width;
  float mean = 0, eps = job->op->norm.eps, factor;
  if (job->op->norm.kind == PE_NORM_LAYER)
    mean = k->sum (n, x) / (float) n;
  float squares = k->sum_squares (n, x, mean);
  if (job->op->norm.kind == PE_NORM_L2) {
    float length = sqrtf (squares);
    factor = 1 / (length > eps ? length : eps);
  } else
    factor = 1 / sqrtf (squares / (float) n + eps);
  for (uint32_t i = 0; i < n; i++) {
    float v = (x[i] - mean) * factor;
    if (w)
      v *= w[i];
    y[i] = c ? v + c[i] : v;
  }
}

static void
norm_groups (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct norm_job *job = data;
  const struct pe_op *op = job->op;
  for (size_t i = begin; i < end; i++) {
    uint32_t row = (uint32_t) (i / op->out.count), h = (uint32_t) (i % op->out.count);
    size_t step = (size_t) h * job->weight_step;
    norm_group (job, pe_cpu_row (job->b, op->in[0], row) + h * op->in[0].stride,
                job->weight ? job->weight + step : NULL, job->bias ? job->bias + step : NULL,
                pe_cpu_row (job->b, op->out, row) + h * op->out.stride);
  }
}

static void
run_norm (struct pe_backend *b, const struct pe_op *op)
{
  struct norm_job job = { b, op, NULL, NULL, 0 };
  if (op->w[0].tensor != PE_NO_TENSOR) {
    job.weight = pe_cpu_vector (b, op->w[0], 0);
    job.weight_step = op->w[0].n_rows > op->out.width ? op->out.width : 0;
  }
  if (op->w[1].tensor != PE_NO_TENSOR)
    job.bias = pe_cpu_vector (b, op->w[1], 1);
  size_t n = (size_t) b->n_rows * op->out.count;
  if (n * op->out.width < PARALLEL_ELEMENTS)
    norm_groups (&job, 0, n, 0);
  else
    pe_pool_run (b->pool, n, 1 + PARALLEL_ELEMENTS / (8 * op->out.width), norm_groups, &job);
}

/* ---- element-wise ---- */

struct map_job {
  struct pe_backend *b;
  const struct pe_op *op;
  const float *weight;
};

static void
map_unary (const struct map_job *job, const float *x, float *y)
{
  const struct pe_op *op = job->op;
  const struct pe_kernels *k = job->b->kernels;
  uint32_t n = op->out.width;
  if (op->unary.f == PE_UNARY_SCALE && job->weight) {
    bool one = op->w[0].n_rows == 1;
    k->mul (n, op->unary.a * (one ? job->weight[0] : 1), x, one ? NULL : job->weight, y);
  } else
    k->unary (op->unary.f, op->unary.a, op->unary.b, n, x, y);
}

static float
gate_value (enum pe_unary f, float x)
{
  float s = 1 / (1 + expf (-x));
  return f == PE_UNARY_SIGMOID ? s : f == PE_UNARY_SILU ? x * s : x;
}

/* Element j of the j-th group of a view whose groups need not match the other operand's: the two
 * only have the same number of elements, or y has one for the whole row. */
static void
map_mul (const struct map_job *job, uint32_t row)
{
  const struct pe_op *op = job->op;
  const float *x = pe_cpu_row (job->b, op->in[0], row), *y = pe_cpu_row (job->b, op->in[1], row);
  float *out = pe_cpu_row (job->b, op->out, row);
  uint32_t n_y = op->in[1].count * op->in[1].width;
  uint32_t e = 0;
  for (uint32_t h = 0; h < op->out.count; h++)
    for (uint32_t i = 0; i < op->out.width; i++, e++) {
      uint32_t at = n_y == 1 ? 0 : e;
      float g = y[(at / op->in[1].width) * op->in[1].stride + at % op->in[1].width];
      out[h * op->out.stride + i] = x[h * op->in[0].stride + i] * gate_value (op->unary.f, g);
    }
}

static void
map_sparse_gate (const struct map_job *job, const float *x, float *y)
{
  const struct pe_op *op = job->op;
  uint32_t n = op->out.width;
  float mean = job->b->kernels->sum (n, x) / (float) n;
  float deviation = sqrtf (job->b->kernels->sum_squares (n, x, mean) / (float) (n > 1 ? n - 1 : 1));
  float cut = mean + op->unary.a * deviation;
  for (uint32_t i = 0; i < n; i++)
    y[i] = x[i] > cut ? x[i] - cut : 0;
}

static void
map_match_norm (const struct map_job *job, const float *x, const float *like, float *y)
{
  const struct pe_kernels *k = job->b->kernels;
  uint32_t n = job->op->out.width;
  float have = k->sum_squares (n, x, 0), want = k->sum_squares (n, like, 0);
  k->mul (n, sqrtf (want) / sqrtf (have > 1e-30f ? have : 1e-30f), x, NULL, y);
}

static void
map_rows (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct map_job *job = data;
  const struct pe_op *op = job->op;
  struct pe_backend *b = job->b;
  for (size_t r = begin; r < end; r++) {
    uint32_t row = (uint32_t) r;
    if (op->kind == PE_OP_MUL) {
      map_mul (job, row);
      continue;
    }
    for (uint32_t h = 0; h < op->out.count; h++) {
      const float *x = pe_cpu_row (b, op->in[0], row) + h * op->in[0].stride;
      const float *y = op->in[1].value == PE_NO_VALUE
                           ? NULL
                           : pe_cpu_row (b, op->in[1], row) + h * op->in[1].stride;
      float *out = pe_cpu_row (b, op->out, row) + h * op->out.stride;
      uint32_t n = op->out.width;
      switch (op->kind) {
      case PE_OP_GLU: b->kernels->glu (op->unary.f, op->unary.a, n, x, y, out); break;
      case PE_OP_UNARY: map_unary (job, x, out); break;
      case PE_OP_ADD: b->kernels->add (n, op->unary.a, x, op->unary.b, y, out); break;
      case PE_OP_COPY: memmove (out, x, n * sizeof *out); break;
      case PE_OP_SPARSE_GATE: map_sparse_gate (job, x, out); break;
      case PE_OP_MATCH_NORM: map_match_norm (job, x, y, out); break;
      default: break;
      }
    }
  }
}

static void
run_map (struct pe_backend *b, const struct pe_op *op)
{
  struct map_job job = { b, op, NULL };
  if (op->w[0].tensor != PE_NO_TENSOR)
    job.weight = pe_cpu_vector (b, op->w[0], 0);
  size_t per_row = (size_t) op->out.count * op->out.width;
  if (b->n_rows * per_row < PARALLEL_ELEMENTS)
    map_rows (&job, 0, b->n_rows, 0);
  else
    pe_pool_run (b->pool, b->n_rows, 1 + PARALLEL_ELEMENTS / (8 * per_row), map_rows, &job);
}

/* ---- AltUp (Gemma 3n) ---- */

static void
run_altup (struct pe_backend *b, const struct pe_op *op)
{
  uint32_t n = op->out.width, streams = op->altup.n_streams, active = op->altup.active;
  bool predict = op->kind == PE_OP_ALTUP_PREDICT;
  for (uint32_t row = 0; row < b->n_rows; row++) {
    const float *x = pe_cpu_row (b, op->in[0], row);
    const float *c = pe_cpu_row (b, op->in[predict ? 1 : 2], row);
    const float *result = predict ? NULL : pe_cpu_row (b, op->in[1], row);
    float *y = pe_cpu_row (b, op->out, row);
    for (uint32_t i = 0; i < n; i++)
      for (uint32_t j = 0; j < streams; j++) {
        float v = x[j * op->in[0].stride + i];
        if (predict)
          for (uint32_t k = 0; k < streams; k++)
            v += c[j * streams + k] * x[k * op->in[0].stride + i];
        else
          v += (result[i] - x[active * op->in[0].stride + i]) * (1 + c[j]);
        y[j * op->out.stride + i] = v;
      }
  }
}

/* ---- stages ---- */

/* The output is computed for the rows that want it: they move to the front. */
static void
keep_wanted_rows (struct pe_backend *b)
{
  for (size_t v = 0; v < b->program->n_values; v++) {
    const struct pe_value *value = &b->program->values[v];
    if (!value->carry)
      continue;
    float *base = (float *) ((char *) b->work.data + b->layout.values[v]);
    for (uint32_t i = 0; i < b->pass->n_out; i++)
      if (b->pass->out_rows[i] != i)
        memmove (base + (size_t) i * value->width,
                 base + (size_t) b->pass->out_rows[i] * value->width, value->width * sizeof *base);
  }
  b->n_rows = b->pass->n_out;
}

static void
forget_quantised (struct pe_backend *b, const struct pe_op *op)
{
  if (b->quantised.valid && op->out.value == b->quantised.view.value)
    b->quantised.valid = false;
}

static bool
run_op (struct pe_backend *b, const struct pe_op *op, struct pe_error *error)
{
  switch (op->kind) {
  case PE_OP_EMBED: run_embed (b, op); break;
  case PE_OP_NORM: run_norm (b, op); break;
  case PE_OP_MATMUL_HEADS: pe_cpu_matmul_heads (b, op); break;
  case PE_OP_ROPE: run_rope (b, op); break;
  case PE_OP_KV_STORE: pe_cpu_kv_store (b, op); break;
  case PE_OP_ATTENTION: pe_cpu_attention (b, op); break;
  case PE_OP_GLU:
  case PE_OP_UNARY:
  case PE_OP_ADD:
  case PE_OP_MUL:
  case PE_OP_COPY:
  case PE_OP_SPARSE_GATE:
  case PE_OP_MATCH_NORM: run_map (b, op); break;
  case PE_OP_ROUTE: pe_cpu_route (b, op); break;
  case PE_OP_MATMUL_EXPERT: pe_cpu_matmul_expert (b, op); break;
  case PE_OP_EXPERT_SUM: pe_cpu_expert_sum (b, op); break;
  case PE_OP_CONV: pe_cpu_conv (b, op); break;
  case PE_OP_SSM: pe_cpu_ssm (b, op); break;
  case PE_OP_DELTA_NET: pe_cpu_delta_net (b, op); break;
  case PE_OP_ALTUP_PREDICT:
  case PE_OP_ALTUP_CORRECT: run_altup (b, op); break;
  case PE_OP_MATMUL: /* several at once, see below */
  case PE_OP_COUNT:
    return pe_fail (error, PE_ERROR_UNSUPPORTED, "operation %d does not exist", (int) op->kind);
  }
  return true;
}

bool
pe_cpu_run_operations (struct pe_backend *b, uint32_t stage, size_t first, size_t end,
                       struct pe_error *error)
{
  const struct pe_stage *s = pe_program_stage (b->program, stage);
  for (size_t i = first, n; i < end; i += n) {
    const struct pe_op *op = &s->ops[i];
    if (op->kind == PE_OP_MATMUL)
      n = pe_cpu_matmul (b, op, end - i);
    else if (run_op (b, op, error))
      n = 1;
    else
      return false;
    for (size_t k = 0; k < n; k++)
      forget_quantised (b, &op[k]);
  }
  return true;
}

bool
pe_cpu_run_stage (struct pe_backend *b, uint32_t stage, struct pe_error *error)
{
  if (stage == b->program->n_layers + 1) {
    if (b->pass->n_out == 0)
      return true;
    keep_wanted_rows (b);
    b->quantised.valid = false;
  }
  return pe_cpu_run_operations (b, stage, 0, pe_program_stage (b->program, stage)->n_ops, error);
}
