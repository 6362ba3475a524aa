/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Recurrent operations: their rows depend on each other in order, so the threads share out
 * channels and heads instead. The state of a sequence lies in its slot and is updated in place.
 */
#include "engine/cpu/cpu.h"

#include <math.h>
#include <string.h>

static float
softplus (float x)
{
  return x > 20 ? x : log1pf (expf (x));
}

struct mixer_job {
  struct pe_backend *b;
  const struct pe_op *op;
  const struct pe_span *span;
  const float *w0, *w1, *w2;
};

/* ---- convolution: the state is the last kernel - 1 inputs, oldest first, [kernel - 1][width] ----
 */

static void
conv_channels (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct mixer_job *job = data;
  const struct pe_op *op = job->op;
  uint32_t width = op->out.width, k = op->conv.kernel;
  float *state =
      pe_cpu_state (job->b, op->conv.layer, job->span->state_slot, op->conv.state_offset);
  for (uint32_t r = 0; r < job->span->n_rows; r++) {
    const float *x = pe_cpu_row (job->b, op->in[0], job->span->row + r);
    float *y = pe_cpu_row (job->b, op->out, job->span->row + r);
    for (size_t c = begin; c < end; c++) {
      const float *w = job->w0 + c * k;
      float newest = x[c], sum = w[k - 1] * newest;
      for (uint32_t j = 0; j + 1 < k; j++) {
        sum += w[j] * state[j * width + c];
        state[j * width + c] = j + 2 < k ? state[(j + 1) * width + c] : newest;
      }
      y[c] = job->w1 ? sum + job->w1[c] : sum;
    }
  }
}

void
pe_cpu_conv (struct pe_backend *b, const struct pe_op *op)
{
  struct mixer_job job = { .b = b, .op = op, .w0 = pe_cpu_vector (b, op->w[0], 0) };
  if (op->w[1].tensor != PE_NO_TENSOR)
    job.w1 = pe_cpu_vector (b, op->w[1], 1);
  for (uint32_t i = 0; i < b->pass->n_spans; i++) {
    job.span = &b->pass->spans[i];
    pe_pool_run (b->pool, op->out.width, 256, conv_channels, &job);
  }
}

/* ---- selective scan: state [head][channel][state_width] ---- */

static void
scan_heads (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct mixer_job *job = data;
  const struct pe_op *op = job->op;
  uint32_t n = op->ssm.state_width, width = op->ssm.head_width;
  uint32_t n_bc = op->ssm.n_groups * n;
  float *states = pe_cpu_state (job->b, op->ssm.layer, job->span->state_slot, op->ssm.state_offset);
  for (size_t h = begin; h < end; h++) {
    float *state = states + h * width * n;
    size_t group = h / (op->ssm.n_heads / op->ssm.n_groups);
    for (uint32_t r = 0; r < job->span->n_rows; r++) {
      uint32_t row = job->span->row + r;
      const float *x = pe_cpu_row (job->b, op->in[0], row) + h * op->in[0].stride;
      const float *bs = pe_cpu_row (job->b, op->in[1], row) + group * n, *cs = bs + n_bc;
      float dt = pe_cpu_row (job->b, op->in[2], row)[h] + (job->w2 ? job->w2[h] : 0);
      float *y = pe_cpu_row (job->b, op->out, row) + h * op->out.stride;
      dt = softplus (dt);
      float decay = op->ssm.per_channel ? 0 : expf (dt * job->w0[h]);
      for (uint32_t c = 0; c < width; c++) {
        float sum = 0, drive = dt * x[c];
        float *s = state + c * n;
        for (uint32_t j = 0; j < n; j++) {
          float keep = op->ssm.per_channel ? expf (dt * job->w0[h * n + j]) : decay;
          s[j] = s[j] * keep + drive * bs[j];
          sum += s[j] * cs[j];
        }
        y[c] = sum + job->w1[h] * x[c];
      }
    }
  }
}

void
pe_cpu_ssm (struct pe_backend *b, const struct pe_op *op)
{
  struct mixer_job job = {
    .b = b, .op = op, .w0 = pe_cpu_vector (b, op->w[0], 0), .w1 = pe_cpu_vector (b, op->w[1], 1)
  };
  if (op->w[2].tensor != PE_NO_TENSOR)
    job.w2 = pe_cpu_vector (b, op->w[2], 2);
  for (uint32_t i = 0; i < b->pass->n_spans; i++) {
    job.span = &b->pass->spans[i];
    pe_pool_run (b->pool, op->ssm.n_heads, op->ssm.per_channel ? 64 : 1, scan_heads, &job);
  }
}

/* ---- gated delta rule: state [value head][v_width][k_width] ---- */

/* Element h of a view whose groups together hold one number for each value head. */
static float
view_element (const struct pe_backend *b, struct pe_view v, uint32_t row, uint32_t h)
{
  return pe_cpu_row (b, v, row)[(h / v.width) * v.stride + h % v.width];
}

static void
delta_heads (void *data, size_t begin, size_t end, unsigned thread)
{
  const struct mixer_job *job = data;
  const struct pe_op *op = job->op;
  uint32_t nk = op->delta.n_k_heads, kw = op->delta.k_width, vw = op->delta.v_width;
  float *states =
      pe_cpu_state (job->b, op->delta.layer, job->span->state_slot, op->delta.state_offset);
  float q_scale = 1 / sqrtf ((float) kw);
  for (size_t i = begin; i < end; i++) {
    uint32_t h = (uint32_t) i;
    uint32_t kh = op->delta.interleaved ? h / (op->delta.n_v_heads / nk) : h % nk;
    float *state = states + (size_t) h * vw * kw;
    for (uint32_t r = 0; r < job->span->n_rows; r++) {
      uint32_t row = job->span->row + r;
      const float *q = pe_cpu_row (job->b, op->in[0], row) + kh * kw;
      const float *k = q + nk * kw;
      const float *v = pe_cpu_row (job->b, op->in[0], row) + 2 * nk * kw + h * vw;
      float *y = pe_cpu_row (job->b, op->out, row) + h * op->out.stride;
      float alpha = view_element (job->b, op->in[1], row, h);
      float beta = 1 / (1 + expf (-view_element (job->b, op->in[2], row, h)));
      float keep = expf (softplus (alpha + job->w1[h]) * job->w0[h]);
      for (uint32_t c = 0; c < vw; c++) {
        float *s = state + c * kw, known = 0, answer = 0;
        for (uint32_t j = 0; j < kw; j++) {
          s[j] *= keep;
          known += s[j] * k[j];
        }
        float correction = beta * (v[c] - known);
        for (uint32_t j = 0; j < kw; j++) {
          s[j] += correction * k[j];
          answer += s[j] * q[j];
        }
        y[c] = answer * q_scale;
      }
    }
  }
}

void
pe_cpu_delta_net (struct pe_backend *b, const struct pe_op *op)
{
  struct mixer_job job = {
    .b = b, .op = op, .w0 = pe_cpu_vector (b, op->w[0], 0), .w1 = pe_cpu_vector (b, op->w[1], 1)
  };
  for (uint32_t i = 0; i < b->pass->n_spans; i++) {
    job.span = &b->pass->spans[i];
    pe_pool_run (b->pool, op->delta.n_v_heads, 1, delta_heads, &job);
  }
}
