/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast matrices are multiplied with each way of sharing the work out: what
 * engine/vulkan/tiling.c chooses is read off this.
 */
#include "vulkan-bench.h"

#include <stdio.h>
#include <string.h>

static bool
sweep_matvec (struct bench *b, enum pe_shader shader)
{
  static const uint32_t groups[] = { 32, 64, 128, 256 }, rows[] = { 1, 2, 4, 8 };
  uint64_t whole = b->weight_bytes;
  bool ok = true;
  /* A matrix that fills the device by far, and one of a model of 8 thousand million parameters. */
  for (int small = 0; small < 2 && ok; small++) {
    b->weight_bytes = small ? pe_type_row_bytes (pe_shader_code[shader].type, b->k) * b->n : whole;
    for (size_t g = 0; g < 4 && ok; g++)
      for (size_t r = 0; r < 4 && ok; r++) {
        b->group = groups[g];
        b->rows = rows[r];
        printf ("%s%3u invocations, %u rows: ", small ? "small, " : "", b->group, b->rows);
        ok = bench_variant (b, shader);
      }
  }
  b->weight_bytes = whole;
  return ok;
}

static bool
sweep_fragments (struct bench *b, enum pe_shader shader)
{
  static const struct pe_gpu_tiling tilings[] = {
    { 0, 64, 64, 2, 2, 32, 2 },   { 0, 64, 64, 2, 2, 64, 2 },   { 0, 64, 128, 1, 4, 32, 2 },
    { 0, 64, 128, 2, 2, 32, 2 },  { 0, 64, 128, 2, 4, 32, 2 },  { 0, 64, 128, 2, 4, 64, 1 },
    { 0, 64, 128, 2, 2, 64, 1 },  { 0, 128, 64, 4, 2, 32, 2 },  { 0, 128, 64, 2, 2, 32, 2 },
    { 0, 128, 128, 2, 2, 32, 2 }, { 0, 128, 128, 2, 4, 32, 2 }, { 0, 128, 128, 4, 2, 32, 2 },
    { 0, 128, 128, 2, 4, 64, 1 }, { 0, 128, 128, 2, 4, 16, 2 }, { 0, 128, 256, 2, 4, 32, 1 },
  };
  bool ok = true;
  for (size_t i = 0; i < sizeof tilings / sizeof *tilings && ok; i++) {
    b->tiling = tilings[i];
    b->tiling.size = b->tiling.grid_m * b->tiling.grid_n * b->f.gpu.tiers.subgroup_size;
    printf ("%3u x %3u by %u x %u, %u x %2u: ", tilings[i].tile_m, tilings[i].tile_n,
            tilings[i].grid_m, tilings[i].grid_n, tilings[i].buffers, tilings[i].step);
    ok = bench_variant (b, shader);
  }
  b->tiling.size = 0;
  return ok;
}

static bool
sweep (struct bench *b, const char *wanted)
{
  bool ok = true;
  b->seconds = 0.08;
  for (enum pe_shader s = 0; ok && s < PE_SHADER_COUNT; s++) {
    if (strcmp (pe_shader_code[s].name, wanted) != 0)
      continue;
    if (strncmp (pe_shader_code[s].kernel, "matvec", 6) == 0)
      ok = sweep_matvec (b, s);
    else if (strcmp (pe_shader_code[s].kernel, "matmul_coop") == 0)
      ok = sweep_fragments (b, s);
  }
  return ok;
}

int
bench_sweep (const char *wanted)
{
  return bench_run (sweep, wanted);
}
