/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench.h"

#include "../random-blocks.h"
#include "engine/cpu/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define WIDTH       4096 /* of a row */
#define ROWS        16384
#define GEMM_M      512
#define GEMM_N      256
#define MAX_BYTES   ((size_t) WIDTH * ROWS * 4)
#define READ_BYTES  ((size_t) 256 << 20)
#define SECONDS     0.25
#define BARE_ROUNDS 200

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* The best of several runs in that time, in seconds. */
#define BEST_OF(statement)                                                                         \
  ({                                                                                               \
    double best = 1e9, end = now () + SECONDS;                                                     \
    do {                                                                                           \
      double start = now ();                                                                       \
      statement;                                                                                   \
      double took = now () - start;                                                                \
      best = took < best ? took : best;                                                            \
    } while (now () < end);                                                                        \
    best;                                                                                          \
  })

static const enum pe_type types[] = {
  PE_TYPE_F32,     PE_TYPE_F16,    PE_TYPE_BF16,  PE_TYPE_Q8_0,    PE_TYPE_Q4_0,
  PE_TYPE_Q4_1,    PE_TYPE_Q5_0,   PE_TYPE_Q5_1,  PE_TYPE_Q2_K,    PE_TYPE_Q3_K,
  PE_TYPE_Q4_K,    PE_TYPE_Q5_K,   PE_TYPE_Q6_K,  PE_TYPE_IQ4_NL,  PE_TYPE_IQ4_XS,
  PE_TYPE_MXFP4,   PE_TYPE_NVFP4,  PE_TYPE_TQ2_0, PE_TYPE_IQ1_S,   PE_TYPE_IQ1_M,
  PE_TYPE_IQ2_XXS, PE_TYPE_IQ2_XS, PE_TYPE_IQ2_S, PE_TYPE_IQ3_XXS, PE_TYPE_IQ3_S,
};

struct work {
  unsigned char *rows;
  float *x, *out, *c;
  struct pe_q8_group *groups;
  void *packed, *scratch;
};

/* What this level and one thread could reach at most. */
struct limits {
  double read, exact, fast, bf16; /* bytes and operations per second */
};

static struct limits
limits_of (const struct pe_kernels *k, const struct work *w)
{
  struct limits l = { 0 };
  volatile uint64_t sink;
  double operations = 0;
  double reading = BEST_OF (sink = k->read_bytes (READ_BYTES, w->rows));
  double exact = BEST_OF (operations = k->bare_exact (BARE_ROUNDS, w->scratch));
  (void) sink;
  l.read = READ_BYTES / reading;
  l.exact = l.fast = operations / exact;
  if (k->bare_fast) {
    double fast = BEST_OF (operations = k->bare_fast (BARE_ROUNDS, w->scratch));
    l.fast = operations / fast;
  }
  if (k->bare_bf16) {
    double bf16 = BEST_OF (operations = k->bare_bf16 (BARE_ROUNDS, w->scratch));
    l.bf16 = operations / bf16;
  }
  return l;
}

static void
print_rate (double rate, double limit)
{
  printf (" %7.1f %3.0f %%", rate * 1e-9, 100 * rate / limit);
}

static void
bench_type (const struct pe_kernels *k, enum pe_type type, const struct limits *l,
            const struct work *w)
{
  size_t row_bytes = pe_type_row_bytes (type, WIDTH), groups = pe_q8_groups (WIDTH);
  double bytes = (double) row_bytes * ROWS, operations = 2.0 * GEMM_M * GEMM_N * WIDTH;
  uint64_t state = 1;
  random_blocks (type, w->rows, (size_t) WIDTH * 64, 1.0f, &state);
  for (size_t r = 64; r < ROWS; r += 64)
    memcpy (w->rows + r * row_bytes, w->rows, 64 * row_bytes);

  double exact = BEST_OF (k->dot_exact[type](WIDTH, w->rows, row_bytes, ROWS, w->x, w->out));
  double gemm = BEST_OF (k->gemm_exact[type](GEMM_M, GEMM_N, WIDTH, w->x, WIDTH, w->rows, row_bytes,
                                             w->c, GEMM_N, w->scratch));
  printf ("%-8s %-7s", pe_cpu_level_name (k->level), pe_type_info (type)->name);
  print_rate (bytes / exact, l->read);
  print_rate (operations / gemm, l->exact);
  if (k->dot_fast[type]) {
    double fast = BEST_OF (k->dot_fast[type](WIDTH, w->rows, row_bytes, ROWS, w->groups, w->out));
    double gemm_fast = BEST_OF (k->gemm_fast[type](GEMM_M, GEMM_N, WIDTH, w->groups, groups,
                                                   w->rows, row_bytes, w->c, GEMM_N, w->scratch));
    print_rate (bytes / fast, l->read);
    print_rate (operations / gemm_fast, l->fast);
  }
  if (k->gemm_bf16[type]) {
    k->pack_bf16 (k->bf16_terms[type], GEMM_M, WIDTH, w->x, WIDTH, w->packed);
    double bf16 = BEST_OF (k->gemm_bf16[type](GEMM_M, GEMM_N, WIDTH, w->packed, w->rows, row_bytes,
                                              w->c, GEMM_N, w->scratch));
    printf (k->dot_fast[type] ? "" : "%28s", "");
    print_rate (operations / bf16, l->bf16);
  }
  printf ("\n");
  fflush (stdout);
}

static void
bench_elements (const struct pe_kernels *k, const struct work *w)
{
  size_t n = WIDTH;
  double softmax = BEST_OF (k->softmax_exp (n, 1.0f, w->out));
  double silu = BEST_OF (k->glu (PE_UNARY_SILU, 0, n, w->x, w->x, w->out));
  double gelu = BEST_OF (k->glu (PE_UNARY_GELU, 0, n, w->x, w->x, w->out));
  double quantise = BEST_OF (k->quantise (n, w->x, w->groups));
  double squares = BEST_OF (w->out[0] = k->sum_squares (n, w->x, 0.0f));
  double scale = 1e-9 * (double) n;
  printf ("%-8s elements, 10^9 a second: softmax %.2f, swiglu %.2f, geglu %.2f, quantise %.2f, "
          "sum of squares %.2f\n",
          pe_cpu_level_name (k->level), scale / softmax, scale / silu, scale / gelu,
          scale / quantise, scale / squares);
}

int
bench_kernels (const char *level, const char *type)
{
  size_t scratch = 0;
  for (int l = 0; l < PE_CPU_LEVEL_COUNT; l++) {
    size_t bytes = (pe_kernels_for ((enum pe_cpu_level) l)->gemm_scratch + 63) & ~(size_t) 63;
    scratch = bytes > scratch ? bytes : scratch;
  }
  struct work w = {
    .rows = malloc (MAX_BYTES > READ_BYTES ? MAX_BYTES : READ_BYTES),
    .x = malloc (GEMM_M * WIDTH * sizeof (float)),
    .out = malloc (ROWS * sizeof (float)),
    .c = malloc (GEMM_M * GEMM_N * sizeof (float)),
    .groups = aligned_alloc (64, GEMM_M * pe_q8_groups (WIDTH) * sizeof (struct pe_q8_group)),
    .packed = aligned_alloc (64, pe_bf16_packed_bytes (3, GEMM_M, WIDTH)),
    .scratch = aligned_alloc (64, scratch),
  };
  if (!w.rows || !w.x || !w.out || !w.c || !w.groups || !w.packed || !w.scratch)
    return 1;
  uint64_t state = 2;
  for (size_t i = 0; i < GEMM_M * WIDTH; i++)
    w.x[i] = random_float (&state);
  pe_kernels_for (PE_CPU_SCALAR)->quantise (GEMM_M * WIDTH, w.x, w.groups);

  memset (w.rows, 1, READ_BYTES);
  memset (w.scratch, 0, scratch);
  printf ("One thread; %% of what the level reads from memory or computes in its bare inner loop.\n"
          "%-16s %13s %13s %13s %13s %13s\n%-16s %13s %13s %13s %13s %13s\n",
          "level    type", "dot", "gemm", "fast dot", "fast gemm", "bf16 gemm", "", "GB/s",
          "GFLOP/s", "GB/s", "GOP/s", "GFLOP/s");
  for (int l = 0; l < PE_CPU_LEVEL_COUNT; l++) {
    const struct pe_kernels *k = pe_kernels_for ((enum pe_cpu_level) l);
    if (k->level != (enum pe_cpu_level) l ||
        (level && strcmp (level, pe_cpu_level_name (k->level))))
      continue;
    struct limits limits = limits_of (k, &w);
    printf ("%-8s %-7s %7.1f       %7.1f       %7.1f       %7.1f       %7.1f\n",
            pe_cpu_level_name (k->level), "limit", limits.read * 1e-9, limits.exact * 1e-9,
            limits.read * 1e-9, limits.fast * 1e-9, limits.bf16 * 1e-9);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
      if (!type || strcasecmp (type, pe_type_info (types[t])->name) == 0)
        bench_type (k, types[t], &limits, &w);
    bench_elements (k, &w);
  }
  return 0;
}
