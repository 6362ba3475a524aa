/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The CPU kernels behind one table. Plain C is the reference and fills every entry; each
 * instruction-set level then overwrites what it does better. All kernels are pure functions of
 * their arguments, single-threaded, and accept n == 0.
 */
#pragma once

#include "engine/program.h"
#include "engine/quant/types.h"

#include <stddef.h>
#include <stdint.h>

/* Levels, each including those before it on its architecture. */
enum pe_cpu_level {
  PE_CPU_SCALAR,
  PE_CPU_AVX2,    /* AVX2, FMA, F16C */
  PE_CPU_AVXVNNI,
  PE_CPU_AVX512,  /* F, BW, DQ, VL and VNNI; BF16 where present */
  PE_CPU_AMX,
  PE_CPU_LEVEL_COUNT,
};

/* Activations of the `fast` precision, quantised once and shared by all matrices that read them:
 * blocks of 32 int8 values with one scale, and their sums for types with an offset. */
struct pe_q8_block {
  float d;       /* value = d * q */
  int32_t sum;   /* of the q */
  int8_t q[32];
};

struct pe_kernels {
  enum pe_cpu_level level;

  /* Dot products of `n_rows` (1 … 4) consecutive weight rows with one activation row. `row_bytes`
   * apart; n elements each (a multiple of the block); out[0 … n_rows). */
  void (*dot_exact[PE_TYPE_COUNT]) (size_t n, const void *rows, size_t row_bytes, size_t n_rows,
                                    const float *x, float *out);
  /* The same with quantised activations; NULL where the type has no such kernel (floats). */
  void (*dot_fast[PE_TYPE_COUNT]) (size_t n, const void *rows, size_t row_bytes, size_t n_rows,
                                   const struct pe_q8_block *x, float *out);
  pe_decode_fn decode[PE_TYPE_COUNT];

  void (*quantise) (size_t n, const float *x, struct pe_q8_block *out); /* n % 32 == 0 */

  /* C[m][n] (+)= A[m][k] B[n][k]' with float32 rows; strides in elements. For prompts: B is a
   * panel of decoded weight rows. */
  void (*gemm) (size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *b,
                size_t b_stride, float *c, size_t c_stride);

  float (*dot) (size_t n, const float *a, const float *b);
  void (*axpy) (size_t n, float a, const float *x, float *y); /* y += a x */
  float (*sum_squares) (size_t n, const float *x);
  void (*glu) (enum pe_unary f, float limit, size_t n, const float *gate, const float *up,
               float *out);
  void (*unary) (enum pe_unary f, float a, float b, size_t n, const float *x, float *out);
  /* In place: x = exp (x - max); returns the sum. */
  float (*softmax_exp) (size_t n, float max, float *x);
};

/* The table for a level, filled on first use; a level that this processor lacks gives the best
 * one below it. */
const struct pe_kernels *pe_kernels_for (enum pe_cpu_level level);

/* The best level here, capped by PARLEY_CPU (scalar|avx2|avxvnni|avx512|amx). */
enum pe_cpu_level pe_cpu_best_level (void);
const char *pe_cpu_level_name (enum pe_cpu_level level);

void pe_kernels_init_scalar (struct pe_kernels *kernels);
#if defined __x86_64__
void pe_kernels_init_avx2 (struct pe_kernels *kernels);
void pe_kernels_init_avxvnni (struct pe_kernels *kernels);
void pe_kernels_init_avx512 (struct pe_kernels *kernels);
#endif
