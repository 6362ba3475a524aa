/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The CPU kernels behind one table. Plain C is the reference and fills every entry; each
 * instruction-set level then overwrites what it does better. All kernels are pure functions of
 * their arguments, single-threaded, and accept n == 0.
 */
#pragma once

#include "engine/program.h"
#include "engine/quant/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Levels, best last, of x86 and then of Arm. AVX-512 processors need not have AVX-VNNI. */
enum pe_cpu_level {
  PE_CPU_SCALAR,
  PE_CPU_AVX2, /* AVX2, FMA, F16C, BMI2 */
  PE_CPU_AVXVNNI,
  PE_CPU_AVX512, /* F, BW, DQ, VL and VNNI */
  PE_CPU_AMX,    /* AVX-512 with BF16, and tiles of bfloat16 */
  PE_CPU_NEON,
  PE_CPU_DOTPROD, /* NEON with products of four bytes */
  PE_CPU_I8MM,    /* and of matrices of bytes */
  PE_CPU_LEVEL_COUNT,
};

/* Activations of the `fast` precision, quantised once and shared by all matrices that read them:
 * 256 values as int8 with a scale for each 32, and the sums of each 16 for types with an offset.
 * The last group of a row is filled up with zeros. */
struct pe_q8_group {
  float d[8];      /* value = d * q */
  int16_t sum[16]; /* of the q */
  int8_t q[256];
};

/* Groups of a row of n elements. */
static inline size_t
pe_q8_groups (size_t n)
{
  return n / 256 + (n % 256 != 0);
}

/* Working memory of one gemm call, 64-byte aligned, contents of no interest: what all levels take
 * but those whose table says more. */
#define PE_GEMM_SCRATCH (64 * 1024)

/* Rows of activations, and of weights, that the bfloat16 kernels multiply together. */
#define PE_BF16_ROWS 32

struct pe_kernels {
  enum pe_cpu_level level;
  size_t gemm_scratch; /* bytes, at least PE_GEMM_SCRATCH */
  size_t bf16_panel;   /* bytes of it that hold weights for gemm_bf16 */

  /* Weight rows lie `row_bytes` apart and have n (or k) elements, a multiple of the block. */

  /* out[r] = row r . x, for r < n_rows. Best with many rows: they are read ahead. */
  void (*dot_exact[PE_TYPE_COUNT]) (size_t n, const void *rows, size_t row_bytes, size_t n_rows,
                                    const float *x, float *out);
  /* The same with quantised activations; NULL where this level has no such kernel: use exact. */
  void (*dot_fast[PE_TYPE_COUNT]) (size_t n, const void *rows, size_t row_bytes, size_t n_rows,
                                   const struct pe_q8_group *x, float *out);

  /* c[i][j] = a[i] . row j, for i < m, j < n: prompts, and scores of attention. Strides in
   * elements (a_stride of gemm_fast: groups). From some 4 rows of `a` on better than dot. */
  void (*gemm_exact[PE_TYPE_COUNT]) (size_t m, size_t n, size_t k, const float *a, size_t a_stride,
                                     const void *rows, size_t row_bytes, float *c, size_t c_stride,
                                     void *scratch);
  void (*gemm_fast[PE_TYPE_COUNT]) (size_t m, size_t n, size_t k, const struct pe_q8_group *a,
                                    size_t a_stride, const void *rows, size_t row_bytes, float *c,
                                    size_t c_stride, void *scratch); /* or NULL, as dot_fast */

  /* Prompts, where this level multiplies bfloat16 faster than int8 or float32, else NULL: `a` is
   * what pack_bf16() made of m rows of k elements, a multiple of 32, with bf16_terms[type]. One
   * term: both sides are rounded. Three: both are split in two parts, and the parts multiplied but
   * for the two small ones, which leaves some 17 bits. From some 16 rows of `a` on better than the
   * others. */
  void (*gemm_bf16[PE_TYPE_COUNT]) (size_t m, size_t n, size_t k, const void *a, const void *rows,
                                    size_t row_bytes, float *c, size_t c_stride, void *scratch);
  uint8_t bf16_terms[PE_TYPE_COUNT];
  /* Fills pe_bf16_packed_bytes (terms, m, k) at `out`, 64-byte aligned, for gemm_bf16. Rows from a
   * multiple of PE_BF16_ROWS on may be packed by another call, behind those before. */
  void (*pack_bf16) (unsigned terms, size_t m, size_t k, const float *x, size_t x_stride,
                     void *out);

  /* y[i] += sum over r < n_rows of w[i][r] * row r, for i < m: the values of attention. */
  void (*weigh_rows[PE_TYPE_COUNT]) (size_t m, size_t n_rows, size_t n, const float *w,
                                     size_t w_stride, const void *rows, size_t row_bytes, float *y,
                                     size_t y_stride);

  pe_decode_fn decode[PE_TYPE_COUNT];
  pe_encode_fn encode[PE_TYPE_COUNT]; /* NULL where pe_type_info() has none */
  void (*quantise) (size_t n, const float *x, struct pe_q8_group *out); /* n % 32 == 0 */

  /* Element-wise; out may be one of the inputs. */
  float (*dot) (size_t n, const float *a, const float *b);
  void (*axpy) (size_t n, float a, const float *x, float *y); /* y += a x */
  void (*add) (size_t n, float a, const float *x, float b, const float *y,
               float *out); /* ax + by */
  void (*mul) (size_t n, float a, const float *x, const float *y,
               float *out); /* a x y; y or NULL */
  float (*sum) (size_t n, const float *x);
  float (*sum_squares) (size_t n, const float *x, float mean); /* of x - mean */
  void (*glu) (enum pe_unary f, float limit, size_t n, const float *gate, const float *up,
               float *out);
  void (*unary) (enum pe_unary f, float a, float b, size_t n, const float *x, float *out);
  /* In place: x = exp (x - max); returns the sum. */
  float (*softmax_exp) (size_t n, float max, float *x);
  float (*max) (size_t n, const float *x); /* minus infinity for n == 0 */

  /* What this level could reach at most, to compare with. read_bytes() returns something of all
   * that it read. The others are the inner loops of gemm alone, on PE_GEMM_SCRATCH bytes
   * of numbers of no interest; they return how many operations that were. */
  uint64_t (*read_bytes) (size_t n, const void *data);
  double (*bare_exact) (size_t rounds, void *scratch);
  double (*bare_fast) (size_t rounds, void *scratch); /* NULL: no kernels of that kind */
  double (*bare_bf16) (size_t rounds, void *scratch); /* the same */
};

static inline size_t
pe_bf16_packed_bytes (unsigned terms, size_t m, size_t k)
{
  return (m + PE_BF16_ROWS - 1) / PE_BF16_ROWS * PE_BF16_ROWS * k * 2 * terms;
}

/* Rows of k weights that gemm_bf16 expands together. */
static inline size_t
pe_bf16_panel_rows (const struct pe_kernels *kernels, unsigned terms, size_t k)
{
  size_t rows = kernels->bf16_panel / (2 * terms * k) / PE_BF16_ROWS * PE_BF16_ROWS;
  return rows ? rows : PE_BF16_ROWS;
}

/* The table for a level, filled on first use; a level that this processor lacks gives the best
 * one below it. */
const struct pe_kernels *pe_kernels_for (enum pe_cpu_level level);

/* The best level here, capped by PARLEY_CPU (scalar|avx2|avxvnni|avx512|amx|neon|dotprod|i8mm). */
enum pe_cpu_level pe_cpu_best_level (void);
const char *pe_cpu_level_name (enum pe_cpu_level level);

void pe_kernels_init_scalar (struct pe_kernels *kernels);
#if defined __x86_64__
void pe_kernels_init_avx2 (struct pe_kernels *kernels);
void pe_kernels_init_avxvnni (struct pe_kernels *kernels);
void pe_kernels_init_avx512 (struct pe_kernels *kernels);
void pe_kernels_init_avx512bf16 (struct pe_kernels *kernels);
void pe_kernels_init_amx (struct pe_kernels *kernels);
#elif defined __aarch64__
void pe_kernels_init_neon (struct pe_kernels *kernels);
void pe_kernels_init_dotprod (struct pe_kernels *kernels);
void pe_kernels_init_i8mm (struct pe_kernels *kernels);
#endif

/* Whether pack_bf16 and gemm_bf16 of a table multiply what they should: asked of processors that
 * the kernels have not met before. Not for several threads at once. */
bool pe_bf16_is_right (const struct pe_kernels *kernels);
