/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernels for prompts in bfloat16, against double precision: those of every level that this
 * processor has, and those for AMX on tiles that are worked in plain C, so that they are proved
 * where there are none.
 */
#include "engine/cpu/kernels.h"

#include "../harness.h"
#include "../random-blocks.h"
#include "tile-emulation.h"

#include "engine/cpu/x86/amx-blocks.h"

static void
round_32 (const float *values, uint16_t *out)
{
  for (int i = 0; i < 32; i++)
    out[i] = pe_bf16_from_float (tile_flush (values[i]));
}

#include "engine/cpu/x86/gemm-bf16.h"

#define GUARD    0x1.5a5a5ap30f
#define N_GUARDS 3

static struct pe_kernels emulated;
static const struct pe_kernels *kernels; /* what is being tested */
static uint64_t state = 1;

/* ---- one product ---- */

struct product {
  enum pe_type type;
  size_t m, n, k, row_bytes, c_stride;
  float *a, *b, *c; /* b: decoded and rounded, as the activations are */
  unsigned char *rows;
};

static float
rounded (float x)
{
  return pe_bf16_to_float (pe_bf16_from_float (x));
}

static struct product
make_product (enum pe_type type, size_t m, size_t n, size_t k)
{
  struct product p = { .type = type, .m = m, .n = n, .k = k, .c_stride = n + N_GUARDS };
  p.row_bytes = pe_type_row_bytes (type, k);
  p.a = malloc ((m * (k + 3) + 1) * sizeof *p.a);
  p.b = malloc ((n * k + 1) * sizeof *p.b);
  p.c = malloc ((m * p.c_stride + 1) * sizeof *p.c);
  p.rows = malloc (n * p.row_bytes + 1); /* rows begin at an odd address */
  for (size_t i = 0; i < m * (k + 3); i++)
    p.a[i] = 2.0f * random_float (&state);
  for (size_t i = 0; i < m * p.c_stride; i++)
    p.c[i] = GUARD;
  random_blocks (type, p.rows + 1, n * k, 1.0f, &state);
  for (size_t j = 0; j < n; j++)
    pe_type_info (type)->decode (p.rows + 1 + j * p.row_bytes, p.b + j * k, k);
  return p;
}

static void
multiply (struct product *p)
{
  unsigned terms = kernels->bf16_terms[p->type];
  size_t packed = pe_bf16_packed_bytes (terms, p->m, p->k);
  char *a = aligned_alloc (64, packed + 64);
  void *scratch = aligned_alloc (64, (kernels->gemm_scratch + 63) & ~(size_t) 63);
  memset (a, 0x5a, packed + 64);
  kernels->pack_bf16 (terms, p->m, p->k, p->a, p->k + 3, a);
  for (int i = 0; i < 64; i++)
    CHECK_MSG (a[packed + i] == 0x5a, "%zux%zu", p->m, p->k);
  kernels->gemm_bf16[p->type](p->m, p->n, p->k, a, p->rows + 1, p->row_bytes, p->c, p->c_stride,
                              scratch);
  free (a);
  free (scratch);
}

static void
check_product (enum pe_type type, size_t m, size_t n, size_t k)
{
  struct product p = make_product (type, m, n, k);
  bool whole = kernels->bf16_terms[type] == 3;
  double bound = whole ? 9e-6 : 1e-6; /* what was lost twice: 2^-18 on each side */
  multiply (&p);
  for (size_t i = 0; i < m; i++) {
    const float *row = p.c + i * p.c_stride;
    for (size_t j = 0; j < n; j++) {
      double right = 0, size = 0;
      for (size_t l = 0; l < k; l++) {
        float a = p.a[i * (k + 3) + l], b = p.b[j * k + l];
        double x = whole ? (double) a * b : (double) rounded (a) * rounded (b);
        right += x;
        size += fabs (x);
      }
      CHECK_MSG (fabs (row[j] - right) <= bound * size, "%s, %zux%zux%zu at %zu,%zu: %g, not %g",
                 pe_type_info (type)->name, m, n, k, i, j, row[j], right);
    }
    for (size_t j = n; j < p.c_stride; j++)
      CHECK_MSG (row[j] == GUARD, "%s, %zux%zux%zu", pe_type_info (type)->name, m, n, k);
  }
  free (p.a);
  free (p.b);
  free (p.c);
  free (p.rows);
}

/* ---- types and shapes ---- */

static const size_t sides[] = { 0, 1, 15, 16, 17, 31, 33 };
#define N_SIDES (sizeof sides / sizeof *sides)

/* Every type with four shapes, the depths one block, one more than a super-block, and several. */
static void
every_type_agrees (void)
{
  size_t nth = 0, n_types = 0;
  for (unsigned type = 0; type < PE_TYPE_COUNT; type++) {
    if (!kernels->gemm_bf16[type])
      continue;
    size_t block = pe_type_info (type)->block_elements;
    block = block < 32 ? 32 : block;
    const size_t depths[] = { block, 256 + block, 1024, 1024 + block };
    for (size_t d = 0; d < 4; d++, nth++)
      check_product ((enum pe_type) type, sides[1 + nth % (N_SIDES - 1)],
                     sides[1 + nth / 2 % (N_SIDES - 1)], depths[d]);
    n_types++;
  }
  CHECK_MSG (n_types >= 1, "%zu", n_types);
}

static void
every_shape_agrees (void)
{
  for (size_t i = 0; i < N_SIDES; i++)
    for (size_t j = 0; j < N_SIDES; j++)
      for (size_t k = 0; k <= 288; k += k ? 256 : 32)
        check_product (PE_TYPE_BF16, sides[i], sides[j], k);
}

/* Rows that fill the memory for weights, and longer ones, which are cut. */
static void
long_rows_agree (void)
{
  size_t most = kernels->bf16_panel / 2 / PE_BF16_ROWS;
  CHECK (pe_bf16_panel_rows (kernels, 1, most) == PE_BF16_ROWS);
  CHECK (pe_bf16_panel_rows (kernels, 1, most / 2) == 2 * PE_BF16_ROWS);
  CHECK (pe_bf16_panel_rows (kernels, 3, most / 6) == 2 * PE_BF16_ROWS);
  CHECK (pe_bf16_panel_rows (kernels, 1, 2 * most) == PE_BF16_ROWS);
  if (kernels->gemm_bf16[PE_TYPE_F16])
    check_product (PE_TYPE_F16, 2, 3, most / 96 * 32 + 32);
  check_product (PE_TYPE_BF16, 2, 33, most);
  check_product (PE_TYPE_BF16, 2, 3, most + 32);
  check_product (PE_TYPE_BF16, 17, 1, 2 * most + 96);
  check_product (PE_TYPE_BF16, 1, 2 * PE_BF16_ROWS + 1, most / 2);
}

/* Packed in two calls, or in one. */
static void
packing_goes_on (void)
{
  size_t m = PE_BF16_ROWS + 5, k = 96, bytes = pe_bf16_packed_bytes (3, m, k);
  float *x = malloc (m * k * sizeof *x);
  char *one = aligned_alloc (64, bytes), *two = aligned_alloc (64, bytes);
  for (size_t i = 0; i < m * k; i++)
    x[i] = random_float (&state);
  for (unsigned terms = 1; terms <= 3; terms += 2) {
    kernels->pack_bf16 (terms, m, k, x, k, one);
    kernels->pack_bf16 (terms, PE_BF16_ROWS, k, x, k, two);
    kernels->pack_bf16 (terms, m - PE_BF16_ROWS, k, x + PE_BF16_ROWS * k, k,
                        two + pe_bf16_packed_bytes (terms, PE_BF16_ROWS, k));
    CHECK (memcmp (one, two, pe_bf16_packed_bytes (terms, m, k)) == 0);
  }
  free (x);
  free (one);
  free (two);
}

static void
is_found_right (void)
{
  CHECK (pe_bf16_is_right (kernels));
}

/* What is not a number or infinite stays so, and spoils only its own row. */
static void
infinities_stay (void)
{
  struct product p = make_product (PE_TYPE_BF16, 3, 2, 64);
  p.a[5] = INFINITY;
  p.a[p.k + 3] = NAN;
  multiply (&p);
  for (size_t j = 0; j < p.n; j++) {
    CHECK (isinf (p.c[j]));
    CHECK (isnan (p.c[p.c_stride + j]));
    CHECK (isfinite (p.c[2 * p.c_stride + j]));
  }
  free (p.a);
  free (p.b);
  free (p.c);
  free (p.rows);
}

/* ---- the tiles themselves ---- */

static void
tiles_do_as_described (void)
{
  /* 2 x 4 by 4 x 1; the pairs of the second operand lie beside each other */
  const struct tile_config config = { .palette = 1, .row_bytes = { 4, 8, 4 }, .rows = { 2, 2, 2 } };
  uint16_t a[2][4], b[2][2], tiny = 1;
  float sums[3] = { 10, 20, GUARD };
  for (int i = 0; i < 4; i++) {
    a[0][i] = pe_bf16_from_float ((float) (i + 1));
    a[1][i] = pe_bf16_from_float ((float) -i);
    b[i / 2][i % 2] = pe_bf16_from_float ((float) (1 << i));
  }
  tile_faults = 0;
  tile_configure (&config);
  tile_load (0, sums, 4);
  tile_load (1, a, 8);
  tile_load (2, b, 4);
  tile_dp (0, 1, 2);
  tile_store (0, sums, 4);
  CHECK (sums[0] == 10 + 1 + 4 + 12 + 32 && sums[1] == 20 - 2 - 8 - 24 && sums[2] == GUARD);

  a[0][0] = tiny; /* a denormal number counts as none */
  b[0][0] = pe_bf16_from_float (0x1p120f);
  a[0][1] = a[0][2] = a[0][3] = 0;
  tile_load (1, a, 8);
  tile_load (2, b, 4);
  tile_zero (0);
  tile_dp (0, 1, 2);
  tile_store (0, sums, 4);
  CHECK (sums[0] == 0 && tile_faults == 0);

  tile_dp (0, 1, 1); /* an operand twice, and of the wrong size */
  CHECK (tile_faults == 1);
  tile_load (3, a, 8); /* not configured */
  tile_release ();
  tile_zero (0);
  CHECK (tile_faults == 3);
  tile_faults = 0;
}

static void
kernels_keep_the_rules (void)
{
  tile_faults = tile_n_configured = 0;
  check_product (PE_TYPE_Q4_K, 33, 17, 512);
  CHECK (tile_faults == 0 && tile_n_configured == 1);
  CHECK (!tiles.configured); /* given back */
}

static void
defects_are_found (void)
{
  for (int defect = TILES_SKIP_ODD; defect <= TILES_KEEP_SUMS; defect++) {
    tile_defect = defect;
    bool right = pe_bf16_is_right (kernels);
    tile_defect = TILES_RIGHT;
    CHECK_MSG (!right, "%d", defect);
  }
  CHECK (pe_bf16_is_right (kernels));
}

static void
check_table (void)
{
  RUN (every_type_agrees);
  RUN (every_shape_agrees);
  RUN (long_rows_agree);
  RUN (packing_goes_on);
  RUN (infinities_stay);
  RUN (is_found_right);
}

static void
no_kernels (void)
{
  SKIP ("this processor has none of these");
}

int
main (void)
{
  unsigned n_tables = 0;
  for (int level = 0; level < PE_CPU_LEVEL_COUNT; level++) {
    kernels = pe_kernels_for ((enum pe_cpu_level) level);
    if (kernels->level != (enum pe_cpu_level) level || !kernels->pack_bf16)
      continue;
    printf ("# %s\n", pe_cpu_level_name (kernels->level));
    check_table ();
    n_tables++;
  }
  if (n_tables == 0)
    RUN (no_kernels);
  printf ("# amx, emulated\n");
  pe_kernels_init_scalar (&emulated);
  set_bf16 (&emulated);
  kernels = &emulated;
  RUN (tiles_do_as_described);
  RUN (kernels_keep_the_rules);
  check_table ();
  RUN (defects_are_found);
  return test_done ();
}
