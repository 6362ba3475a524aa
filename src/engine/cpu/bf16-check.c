/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/alloc.h"
#include "engine/cpu/kernels.h"

#include <math.h>
#include <string.h>

#define M 35 /* neither a multiple of anything that kernels count in */
#define N 37
#define K 512

static const enum pe_type types[] = { PE_TYPE_F16, PE_TYPE_BF16, PE_TYPE_Q8_0, PE_TYPE_Q4_K };

struct check {
  float a[M][K], b[N][K], c[M][N];
  unsigned char rows[N][K * 2];
};

static float
next (uint32_t *state)
{
  *state = *state * 1664525u + 1013904223u;
  return (float) (int32_t) *state * 0x1p-31f;
}

static float
rounded (float x)
{
  return pe_bf16_to_float (pe_bf16_from_float (x));
}

/* Three terms keep the values themselves but for some 17 bits on each side. */
static bool
is_right (const struct check *x, unsigned terms)
{
  double bound = terms == 1 ? 1e-6 : 1e-5;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < N; j++) {
      double sum = 0, size = 0;
      for (size_t p = 0; p < K; p++) {
        float a = x->a[i][p], b = x->b[j][p];
        double product = terms == 1 ? (double) rounded (a) * rounded (b) : (double) a * b;
        sum += product;
        size += fabs (product);
      }
      if (!(fabs (x->c[i][j] - sum) <= bound * size))
        return false;
    }
  return true;
}

static bool
type_is_right (const struct pe_kernels *kernels, enum pe_type type, struct check *x, void *packed,
               void *scratch)
{
  const struct pe_type_info *info = pe_type_info (type);
  unsigned terms = kernels->bf16_terms[type];
  if (!kernels->gemm_bf16[type])
    return true;
  kernels->pack_bf16 (terms, M, K, x->a[0], K, packed);
  for (size_t j = 0; j < N; j++) {
    info->encode (x->b[j], x->rows[j], K);
    info->decode (x->rows[j], x->b[j], K);
  }
  memset (x->c, 0xff, sizeof x->c);
  kernels->gemm_bf16[type](M, N, K, packed, x->rows, sizeof *x->rows, x->c[0], N, scratch);
  return is_right (x, terms);
}

bool
pe_bf16_is_right (const struct pe_kernels *kernels)
{
  size_t packed = pe_bf16_packed_bytes (3, M, K);
  struct check *x = pe_malloc (sizeof *x);
  char *memory = pe_malloc (packed + kernels->gemm_scratch + 64);
  bool right = x && memory;
  if (right) {
    char *aligned = memory + (64 - (uintptr_t) memory % 64);
    uint32_t state = 1;
    for (size_t p = 0; p < K; p++) {
      for (size_t i = 0; i < M; i++)
        x->a[i][p] = 3 * next (&state);
      for (size_t j = 0; j < N; j++)
        x->b[j][p] = next (&state);
    }
    for (size_t t = 0; t < sizeof types / sizeof *types && right; t++)
      right = type_is_right (kernels, types[t], x, aligned, aligned + packed);
  }
  pe_free (memory);
  pe_free (x);
  return right;
}
