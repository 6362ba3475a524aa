/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Element-wise kernels for any vector width. Rows whose length is no multiple of W end in one
 * padded vector.
 */
#pragma once

#include "engine/cpu/kernels.h"
#include "engine/cpu/reference.h"

#include <math.h>

/* The last n < W elements, filled up with zeros. */
INLINE vf
load_tail (const float *p, size_t n)
{
  float values[W] = { 0 };
  memcpy (values, p, n * sizeof *p);
  return vf_load (values);
}

INLINE void
store_tail (float *p, vf x, size_t n)
{
  float values[W];
  vf_store (values, x);
  memcpy (p, values, n * sizeof *p);
}

/* ---- functions of vectors ---- */

/* e^x = 2^n e^r with r within ln 2 / 2 of 0, and the Taylor series of e^r up to r^7, whose rest is
 * below 6e-9. Below -87 zero; above 88.7 infinity. NaN stays NaN. */
INLINE vf
exp_vf (vf x)
{
  vf bounded = vf_max (vf_set (-88.0f), vf_min (vf_set (89.0f), x)); /* NaN stays */
  vf n = vf_round (vf_mul (bounded, vf_set (1.44269504088896f)));
  vf r = vf_fma (n, vf_set (-0x1.62e4p-1f), bounded); /* ln 2 in two parts, */
  r = vf_fma (n, vf_set (-0x1.7f7d1cp-20f), r);       /* the first with few bits */
  vf y = vf_set (1.0f / 5040);
  y = vf_fma (y, r, vf_set (1.0f / 720));
  y = vf_fma (y, r, vf_set (1.0f / 120));
  y = vf_fma (y, r, vf_set (1.0f / 24));
  y = vf_fma (y, r, vf_set (1.0f / 6));
  y = vf_fma (y, r, vf_set (0.5f));
  y = vf_fma (y, r, vf_set (1.0f));
  y = vf_fma (y, r, vf_set (1.0f));
  return vf_if_less (x, vf_set (-87.0f), vf_zero (), vf_scale (y, n));
}

INLINE vf
sigmoid_vf (vf x)
{
  vf one = vf_set (1.0f);
  return vf_div (one, vf_add (one, exp_vf (vf_sub (vf_zero (), x))));
}

/* Near zero the Taylor series, whose rest is below 2e-8 there; else 1 - 2 / (e^2x + 1). */
INLINE vf
tanh_vf (vf x)
{
  vf square = vf_mul (x, x), one = vf_set (1.0f);
  vf y = vf_set (21844.0f / 6081075);
  y = vf_fma (y, square, vf_set (-1382.0f / 155925));
  y = vf_fma (y, square, vf_set (62.0f / 2835));
  y = vf_fma (y, square, vf_set (-17.0f / 315));
  y = vf_fma (y, square, vf_set (2.0f / 15));
  y = vf_fma (y, square, vf_set (-1.0f / 3));
  y = vf_fma (vf_mul (y, square), x, x);
  vf twice = exp_vf (vf_add (x, x));
  vf far = vf_sub (one, vf_div (vf_set (2.0f), vf_add (twice, one)));
  return vf_if_less (vf_abs (x), vf_set (0.4f), y, far);
}

/* 0.5 x (1 + tanh (u)) = x sigmoid (2 u) */
INLINE vf
gelu_vf (vf x)
{
  const float twice_root = 1.595769121605731f; /* 2 sqrt (2 / pi) */
  vf inner = vf_fma (vf_mul (x, x), vf_set (0.044715f), vf_set (1.0f));
  return vf_mul (x, sigmoid_vf (vf_mul (vf_mul (x, vf_set (twice_root)), inner)));
}

INLINE vf
unary_vf (enum pe_unary f, vf a, vf x)
{
  switch (f) {
  case PE_UNARY_SILU: return vf_mul (x, sigmoid_vf (x));
  case PE_UNARY_GELU: return gelu_vf (x);
  case PE_UNARY_SIGMOID: return sigmoid_vf (x);
  case PE_UNARY_TANH: return tanh_vf (x);
  case PE_UNARY_SOFTCAP: return vf_mul (a, tanh_vf (vf_div (x, a)));
  default: return x;
  }
}

/* ---- kernels ---- */

/* `f` is a constant at each call, so the loop has one function in it. */
INLINE void
unary_loop (enum pe_unary f, float a, size_t n, const float *x, float *out)
{
  size_t i = 0;
  for (; i + W <= n; i += W)
    vf_store (out + i, unary_vf (f, vf_set (a), vf_load (x + i)));
  if (i < n)
    store_tail (out + i, unary_vf (f, vf_set (a), load_tail (x + i, n - i)), n - i);
}

static void
unary (enum pe_unary f, float a, float b, size_t n, const float *x, float *out)
{
  switch (f) {
  case PE_UNARY_SILU: unary_loop (PE_UNARY_SILU, a, n, x, out); break;
  case PE_UNARY_GELU: unary_loop (PE_UNARY_GELU, a, n, x, out); break;
  case PE_UNARY_SIGMOID: unary_loop (PE_UNARY_SIGMOID, a, n, x, out); break;
  case PE_UNARY_TANH: unary_loop (PE_UNARY_TANH, a, n, x, out); break;
  case PE_UNARY_SOFTCAP: unary_loop (PE_UNARY_SOFTCAP, a, n, x, out); break;
  default: pe_reference_unary (f, a, b, n, x, out); break;
  }
}

INLINE void
glu_loop (enum pe_unary f, size_t n, const float *gate, const float *up, float *out)
{
  vf none = vf_zero ();
  size_t i = 0;
  for (; i + W <= n; i += W)
    vf_store (out + i, vf_mul (unary_vf (f, none, vf_load (gate + i)), vf_load (up + i)));
  if (i < n)
    store_tail (out + i,
                vf_mul (unary_vf (f, none, load_tail (gate + i, n - i)), load_tail (up + i, n - i)),
                n - i);
}

static void
glu (enum pe_unary f, float limit, size_t n, const float *gate, const float *up, float *out)
{
  switch (f) {
  case PE_UNARY_SILU: glu_loop (PE_UNARY_SILU, n, gate, up, out); break;
  case PE_UNARY_GELU: glu_loop (PE_UNARY_GELU, n, gate, up, out); break;
  default: pe_reference_glu (f, limit, n, gate, up, out); break;
  }
}

static float
softmax_exp (size_t n, float max, float *x)
{
  vf sum = vf_zero (), shift = vf_set (max);
  size_t i = 0;
  for (; i + W <= n; i += W) {
    vf y = exp_vf (vf_sub (vf_load (x + i), shift));
    vf_store (x + i, y);
    sum = vf_add (sum, y);
  }
  float total = vf_sum (sum);
  if (i < n) {
    store_tail (x + i, exp_vf (vf_sub (load_tail (x + i, n - i), shift)), n - i);
    for (; i < n; i++)
      total += x[i];
  }
  return total;
}

static float
dot (size_t n, const float *a, const float *b)
{
  float sum;
  dot_float_rows (load_f32, one_f32, 4, 1, n, (const char *) a, 0, b, &sum);
  return sum;
}

static void
axpy (size_t n, float a, const float *x, float *y)
{
  size_t i = 0;
  for (; i + W <= n; i += W)
    vf_store (y + i, vf_fma (vf_set (a), vf_load (x + i), vf_load (y + i)));
  for (; i < n; i++)
    y[i] += a * x[i];
}

static void
add (size_t n, float a, const float *x, float b, const float *y, float *out)
{
  size_t i = 0;
  for (; i + W <= n; i += W) {
    vf right = vf_mul (vf_set (b), vf_load (y + i));
    vf_store (out + i, vf_fma (vf_set (a), vf_load (x + i), right));
  }
  for (; i < n; i++)
    out[i] = a * x[i] + b * y[i];
}

static void
mul (size_t n, float a, const float *x, const float *y, float *out)
{
  size_t i = 0;
  for (; i + W <= n; i += W) {
    vf left = vf_mul (vf_set (a), vf_load (x + i));
    vf_store (out + i, y ? vf_mul (left, vf_load (y + i)) : left);
  }
  for (; i < n; i++)
    out[i] = a * x[i] * (y ? y[i] : 1.0f);
}

static float
max_of (size_t n, const float *x)
{
  float largest = -INFINITY;
  size_t i = 0;
  if (n >= W) {
    vf best = vf_load (x);
    for (i = W; i + W <= n; i += W)
      best = vf_max (best, vf_load (x + i));
    largest = vf_largest (best);
  }
  for (; i < n; i++)
    largest = x[i] > largest ? x[i] : largest;
  return largest;
}

INLINE void
set_elements (struct pe_kernels *kernels)
{
  kernels->dot = dot;
  kernels->axpy = axpy;
  kernels->add = add;
  kernels->mul = mul;
  kernels->max = max_of;
  kernels->unary = unary;
  kernels->glu = glu;
  kernels->softmax_exp = softmax_exp;
}
