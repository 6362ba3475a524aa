/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is measured of each kernel: sizes as models have them, or small ones on software devices.
 */
#include "vulkan-bench.h"

#include "engine/program.h"

#include <stdio.h>
#include <string.h>

/* Where things lie in the working memory, in float32 elements. */
enum { INPUT = 0, ROUNDED = 4 << 20, SCALES = 7 << 20, OUTPUT = 8 << 20 };

/* Of attention: a layer as many models have it, keys and values as halves. */
enum {
  N_HEADS = 32,
  N_KV_HEADS = 8,
  HEAD_WIDTH = 128,
  N_PAGES = 16,
  PAGE_TOKENS = 256,
  DEPTH = 4096
};

static struct job
job_of (enum pe_shader shader, const void *push, size_t push_bytes, uint32_t x, uint32_t y,
        uint32_t z)
{
  return (struct job){
    .shader = shader, .push = push, .push_bytes = (uint32_t) push_bytes, .x = x, .y = y, .z = z
  };
}

static uint32_t
group_size (const struct bench *b, uint32_t on_hardware)
{
  const struct pe_device_info *info = &b->f.gpu.info;
  return info->kind == PE_DEVICE_SOFTWARE ? info->subgroup_size : on_hardware;
}

/* Of a grid that goes on along y. */
static void
set_linear (struct job *job, uint64_t groups)
{
  job->x = (uint32_t) (groups < PE_GRID_X ? groups : PE_GRID_X);
  job->y = (uint32_t) ((groups + PE_GRID_X - 1) / PE_GRID_X);
}

/* ---- matrices ---- */

static bool
bench_matvec (struct bench *b, enum pe_shader shader)
{
  enum pe_type type = pe_shader_code[shader].type;
  uint64_t row_bytes = pe_type_row_bytes (type, b->k);
  uint32_t n = (uint32_t) (b->weight_bytes / row_bytes);
  struct pe_gpu_share share = pe_gpu_choose_share (&b->f.gpu, b->k, 1, false);
  uint32_t size = b->group ? b->group : share.size, rows = b->rows ? b->rows : share.rows;
  const struct matvec_arguments push = {
    .weight = { b->weights.address },
    .work = b->work.address + PE_BOOK_BYTES,
    .n = { n },
    .out_offset = { OUTPUT },
    .in_offset = INPUT,
    .k = b->k,
    .scale = 1,
  };
  struct job job = job_of (shader, &push, sizeof push, 0, 0, 1);
  memcpy (job.constants, (uint32_t[]){ size, 1, rows, 0, 0 }, 5 * sizeof (uint32_t));
  job.n_constants = 5;
  set_linear (&job, (n + rows - 1) / rows);
  job.bytes = (double) n * (double) row_bytes;
  return bench_fill_weights (b, type) && bench_print (b, pe_shader_code[shader].name, &job);
}

/* Eight matrices, one for each of eight groups. */
static bool
bench_matvec_expert (struct bench *b, enum pe_shader shader)
{
  enum pe_type type = pe_shader_code[shader].type;
  uint64_t row_bytes = pe_type_row_bytes (type, b->k);
  uint32_t n = (uint32_t) (b->weight_bytes / row_bytes / 8);
  const struct matvec_expert_arguments push = {
    .weight = b->weights.address,
    .matrix_bytes = n * row_bytes,
    .work = b->work.address + PE_BOOK_BYTES,
    .n = n,
    .k = b->k,
    .in_offset = INPUT,
    .out_offset = OUTPUT,
    .out_stride = n,
    .n_groups = 8,
    .n_experts = 8,
    .scale = 1,
  };
  struct pe_gpu_share share = pe_gpu_choose_share (&b->f.gpu, b->k, 1, false);
  struct job job = job_of (shader, &push, sizeof push, (n + share.rows - 1) / share.rows, 1, 8);
  memcpy (job.constants, (uint32_t[]){ share.size, share.rows, PE_FLAG_HEADS },
          3 * sizeof (uint32_t));
  job.n_constants = 3;
  job.bytes = 8.0 * n * (double) row_bytes;
  return bench_fill_weights (b, type) && bench_print (b, pe_shader_code[shader].name, &job);
}

static struct job
halving (const struct bench *b, struct halve_arguments *push)
{
  *push = (struct halve_arguments){
    .work = b->work.address + PE_BOOK_BYTES,
    .in_offset = INPUT,
    .in_row_stride = b->k,
    .in_stride = b->k,
    .out_offset = ROUNDED,
    .out_row_stride = b->k / 2,
    .out_stride = b->k / 2,
    .scales_offset = SCALES,
    .width = b->k,
  };
  struct job job = job_of (PE_SHADER_HALVE, push, sizeof *push, 1, b->m, 1);
  job.constants[0] = group_size (b, 128);
  job.n_constants = 1;
  job.bytes = 6.0 * b->k * b->m;
  return job;
}

static struct job
quantising (const struct bench *b, struct quantise_arguments *push)
{
  uint32_t stride = b->k / 32 * 12, size = group_size (b, 64);
  *push = (struct quantise_arguments){
    .work = b->work.address + PE_BOOK_BYTES,
    .in_offset = INPUT,
    .in_row_stride = b->k,
    .in_stride = b->k,
    .out_offset = ROUNDED,
    .out_row_stride = stride,
    .out_stride = stride,
    .width = b->k,
  };
  struct job job =
      job_of (PE_SHADER_QUANTISE, push, sizeof *push, (b->k / 4 + size - 1) / size, b->m, 1);
  job.constants[0] = size;
  job.n_constants = 1;
  job.bytes = (4.0 * b->k + 4.0 * stride) * b->m;
  return job;
}

static bool
bench_rounding (struct bench *b, enum pe_shader shader)
{
  struct halve_arguments halve;
  struct quantise_arguments quantise;
  const struct job job =
      shader == PE_SHADER_HALVE ? halving (b, &halve) : quantising (b, &quantise);
  return bench_print (b, pe_shader_code[shader].name, &job);
}

/* All forms of the product of many rows, behind what rounds their inputs. */
static bool
bench_matmul (struct bench *b, enum pe_shader shader)
{
  const struct pe_shader_code *code = &pe_shader_code[shader];
  bool codes = strcmp (code->kernel, "matmul_dot") == 0;
  bool halves = !codes && strcmp (code->kernel, "matmul") != 0;
  bool fragments = code->needs == PE_SHADER_TIER_COOPERATIVE_MATRIX;
  struct halve_arguments halve;
  struct quantise_arguments quantise;
  const struct job before = codes ? quantising (b, &quantise) : halving (b, &halve);
  const struct matmul_arguments push = {
    .weight = b->weights.address,
    .work = b->work.address + PE_BOOK_BYTES,
    .n = b->n,
    .k = b->k,
    .n_rows = b->m,
    .in_offset = codes || halves ? ROUNDED : INPUT,
    .in_row_stride = codes    ? quantise.out_row_stride
                     : halves ? halve.out_row_stride
                              : b->k,
    .out_offset = OUTPUT,
    .out_row_stride = b->n,
    .scales_offset = SCALES,
    .n_groups = 1,
    .scale = 1,
  };
  struct job job = job_of (shader, &push, sizeof push, 0, 0, 1);
  struct pe_gpu_tiling t =
      b->tiling.size ? b->tiling : pe_gpu_choose_tiling (&b->f.gpu, fragments, b->n, b->m);
  job.n_constants = pe_gpu_tiling_constants (&b->f.gpu, &t, 0, job.constants);
  set_linear (&job, pe_gpu_tiles (&t, b->n, b->m));
  job.operations = 2.0 * b->n * b->k * b->m;
  return bench_fill_weights (b, code->type) && bench_fill_work (b) &&
         bench_seconds (b, &before) >= 0 && bench_print (b, code->name, &job);
}

/* ---- attention ---- */

static bool
bench_attention (struct bench *b, uint32_t n_rows, const char *what)
{
  uint32_t tile_rows = n_rows == 1 ? 1 : 8, tile_heads = n_rows == 1 ? 4 : 2;
  uint32_t n_tiles = n_rows / tile_rows, n_splits = n_rows == 1 ? 8 : 1;
  uint32_t *table = b->f.words, *split = table + 16384;
  uint64_t *segments = (uint64_t *) (table + 16384 + 16);
  for (uint32_t i = 0; i < n_rows; i++) {
    table[PE_TABLE_POSITIONS (BENCH_MAX_ROWS) + i] = DEPTH - n_rows + i;
    table[PE_TABLE_FIRST_PAGE (BENCH_MAX_ROWS) + i] = 0;
  }
  for (uint32_t i = 0; i < n_tiles; i++) {
    table[PE_TABLE_TILES (BENCH_MAX_ROWS) + 2 * i] = i * tile_rows;
    table[PE_TABLE_TILES (BENCH_MAX_ROWS) + 2 * i + 1] = tile_rows;
  }
  for (uint32_t i = 0; i < N_PAGES; i++)
    table[PE_TABLE_PAGES (BENCH_MAX_ROWS) + i] = i;
  split[0] = n_splits;
  split[1] = DEPTH / n_splits;
  segments[0] = b->weights.address;
  const struct attention_arguments push = {
    .work = b->work.address + PE_BOOK_BYTES,
    .segments = b->f.tables.address + 4 * (16384 + 16),
    .tables = b->f.tables.address,
    .split = b->f.tables.address + 4 * 16384,
    .q_offset = INPUT,
    .q_row_stride = N_HEADS * HEAD_WIDTH,
    .q_stride = HEAD_WIDTH,
    .out_offset = OUTPUT,
    .out_row_stride = N_HEADS * HEAD_WIDTH,
    .out_stride = HEAD_WIDTH,
    .partial_offset = ROUNDED,
    .n_heads = N_HEADS,
    .n_kv_heads = N_KV_HEADS,
    .max_rows = BENCH_MAX_ROWS,
    .page_table = PE_TABLE_PAGES (BENCH_MAX_ROWS),
    .scale = 0.1f,
  };
  struct job job =
      job_of (PE_SHADER_ATTENTION, &push, sizeof push, n_tiles, N_HEADS / tile_heads, n_splits);
  const uint32_t constants[] = { 0,          PE_TYPE_F16, PE_TYPE_F16, HEAD_WIDTH,
                                 HEAD_WIDTH, tile_rows,   tile_heads,  0 };
  memcpy (job.constants, constants, sizeof constants);
  job.n_constants = 8;
  if (n_rows == 1)
    job.bytes = 4.0 * DEPTH * N_KV_HEADS * HEAD_WIDTH;
  else
    job.operations = 4.0 * n_rows * (DEPTH - n_rows / 2.0) * N_HEADS * HEAD_WIDTH;
  return bench_print (b, what, &job);
}

static bool
bench_attentions (struct bench *b, enum pe_shader shader)
{
  (void) shader;
  return bench_fill_weights (b, PE_TYPE_F16) && bench_fill_work (b) &&
         bench_attention (b, 1, "attention, 1 row") &&
         bench_attention (b, b->m, "attention, many rows");
}

/* ---- rows ---- */

static bool
bench_norm (struct bench *b, enum pe_shader shader)
{
  const struct norm_arguments push = {
    .work = b->work.address + PE_BOOK_BYTES,
    .weight = b->work.address + PE_BOOK_BYTES,
    .in_row_stride = b->k,
    .out_offset = OUTPUT,
    .out_row_stride = b->k,
    .width = b->k,
    .n_groups = 1,
    .eps = 1e-5f,
  };
  struct job job = job_of (shader, &push, sizeof push, 1, b->m, 1);
  memcpy (job.constants, (uint32_t[]){ group_size (b, 256), PE_NORM_RMS }, 2 * sizeof (uint32_t));
  job.n_constants = 2;
  job.bytes = 8.0 * b->k * b->m;
  return bench_print (b, pe_shader_code[shader].name, &job);
}

/* A gated activation. */
static bool
bench_elementwise (struct bench *b, enum pe_shader shader)
{
  uint32_t size = group_size (b, 128);
  const struct elementwise_arguments push = {
    .work = b->work.address + PE_BOOK_BYTES,
    .a_row_stride = b->k,
    .a_width = b->k,
    .b_offset = ROUNDED,
    .b_row_stride = b->k,
    .b_width = b->k,
    .out_offset = OUTPUT,
    .out_row_stride = b->k,
    .out_width = b->k,
    .n = b->k,
    .n_rows = b->m,
    .b_repeat = 1,
  };
  struct job job = job_of (shader, &push, sizeof push, 0, 0, 1);
  memcpy (job.constants, (uint32_t[]){ size, 0, PE_UNARY_SILU }, 3 * sizeof (uint32_t));
  job.n_constants = 3;
  set_linear (&job, ((uint64_t) b->k * b->m + size - 1) / size);
  job.bytes = 12.0 * b->k * b->m;
  return bench_print (b, pe_shader_code[shader].name, &job);
}

static bool
bench_copy (struct bench *b, enum pe_shader shader)
{
  const struct copy_arguments push = { b->work.address, b->work.address + BENCH_WORK_BYTES / 2,
                                       BENCH_WORK_BYTES / 32 };
  struct job job = job_of (shader, &push, sizeof push, 0, 0, 1);
  job.constants[0] = group_size (b, 256);
  job.n_constants = 1;
  set_linear (&job, (push.n + job.constants[0] - 1) / job.constants[0]);
  job.bytes = BENCH_WORK_BYTES;
  return bench_print (b, pe_shader_code[shader].name, &job);
}

/* ---- the table ---- */

static const struct {
  const char *kernel;
  bool (*bench) (struct bench *b, enum pe_shader shader);
} benches[] = {
  { "copy", bench_copy },
  { "norm", bench_norm },
  { "elementwise", bench_elementwise },
  { "attention", bench_attentions },
  { "matvec", bench_matvec },
  { "matvec_expert", bench_matvec_expert },
  { "matvec_dot", bench_matvec },
  { "matvec_expert_dot", bench_matvec_expert },
  { "halve", bench_rounding },
  { "quantise", bench_rounding },
  { "matmul", bench_matmul },
  { "matmul_half", bench_matmul },
  { "matmul_dot", bench_matmul },
  { "matmul_coop", bench_matmul },
};

bool
bench_variant (struct bench *b, enum pe_shader shader)
{
  for (size_t i = 0; i < sizeof benches / sizeof *benches; i++)
    if (strcmp (benches[i].kernel, pe_shader_code[shader].kernel) == 0) {
      const char *why = fixture_missing (&b->f, shader);
      if (!why)
        return benches[i].bench (b, shader);
      printf ("%-24s %s\n", pe_shader_code[shader].name, why);
    }
  return true;
}
