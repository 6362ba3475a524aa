/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/vulkan/layout.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "engine/quant/iq-grids.h"
#include "engine/sampler.h"
#include "engine/split.h"
#include "shaders/shared/arguments.h"

#include <assert.h>
#include <string.h>

#define MAX_LOGIT_ROWS 32
#define UNUSED         UINT64_MAX

/* Fusion reads an input up to this many operations later, or writes a result earlier, than the
 * list says; lives are widened by it before values share memory. */
#define FUSION_REACH 3

const struct pe_layer *
pe_gpu_layer (const struct pe_program *program, uint32_t stage)
{
  return stage <= program->n_layers ? &program->layers[stage - 1] : &program->output;
}

/* ---- working memory ---- */

/* The first and last operation of a stage that touches a value. */
struct life {
  size_t first, last;
  bool any;
};

static void
touch (struct life *lives, struct pe_view view, size_t op)
{
  if (view.value == PE_NO_VALUE)
    return;
  struct life *l = &lives[view.value];
  if (!l->any)
    l->first = op;
  l->last = op;
  l->any = true;
}

static void
stage_lives (const struct pe_stage *stage, struct life *lives, size_t n_values)
{
  memset (lives, 0, n_values * sizeof *lives);
  for (size_t i = 0; i < stage->n_ops; i++) {
    const struct pe_op *op = &stage->ops[i];
    for (int k = 0; k < 3; k++)
      touch (lives, op->in[k], i);
    touch (lives, op->out, i);
    if (op->kind == PE_OP_MATMUL_EXPERT || op->kind == PE_OP_EXPERT_SUM)
      touch (lives, op->expert.ids, i);
  }
}

static bool
overlap (const struct life *a, const struct life *b)
{
  return a->any && b->any && a->first <= b->last + FUSION_REACH &&
         b->first <= a->last + FUSION_REACH;
}

/* Two values may share memory unless they live at the same time in some stage. */
static bool
find_conflicts (const struct pe_program *program, bool *used, bool *conflicts)
{
  size_t n = program->n_values;
  struct life *lives = pe_malloc (n * sizeof *lives);
  if (!lives)
    return false;
  for (uint32_t s = 1; s < pe_program_n_stages (program); s++) {
    stage_lives (pe_program_stage (program, s), lives, n);
    for (size_t a = 0; a < n; a++) {
      used[a] |= lives[a].any;
      for (size_t b = 0; b < n; b++)
        conflicts[a * n + b] |= overlap (&lives[a], &lives[b]);
    }
  }
  for (size_t a = 0; a < n; a++)
    for (size_t b = 0; b < n; b++)
      if (program->values[a].carry || program->values[b].carry)
        conflicts[a * n + b] = true;
  pe_free (lives);
  return true;
}

/* Lowest offset where `n_elements` fit beside all placed values that conflict. */
static uint64_t
find_place (const struct pe_gpu_layout *l, const struct pe_program *program, const bool *conflicts,
            const uint64_t *sizes, size_t value)
{
  size_t n = program->n_values;
  uint64_t at = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t o = 0; o < n; o++)
      if (l->values[o] != UNUSED && conflicts[value * n + o] && at < l->values[o] + sizes[o] &&
          l->values[o] < at + sizes[value]) {
        at = l->values[o] + sizes[o];
        moved = true;
      }
  }
  return at;
}

static uint64_t
padded (uint64_t elements)
{
  return (elements + 63) & ~(uint64_t) 63;
}

/* Largest first; the logits, of fewer rows, among them. */
static bool
place_values (const struct pe_program *program, struct pe_gpu_layout *l, uint64_t *end)
{
  size_t n = program->n_values;
  bool *used = pe_calloc (n, sizeof *used);
  bool *conflicts = pe_calloc (n * n, sizeof *conflicts);
  uint64_t *sizes = pe_calloc (n, sizeof *sizes);
  bool ok = used && conflicts && sizes && find_conflicts (program, used, conflicts);
  *end = 0;
  for (size_t v = 0; v < n && ok; v++) {
    uint64_t rows = v == program->logits ? l->logit_rows : l->max_rows;
    l->strides[v] = (program->values[v].width + 3) & ~3u;
    sizes[v] = padded (rows * l->strides[v]);
    used[v] |= program->values[v].carry;
  }
  while (ok) {
    size_t largest = n;
    for (size_t v = 0; v < n; v++)
      if (used[v] && l->values[v] == UNUSED && (largest == n || sizes[v] > sizes[largest]))
        largest = v;
    if (largest == n)
      break;
    l->values[largest] = find_place (l, program, conflicts, sizes, largest);
    if (l->values[largest] + sizes[largest] > *end)
      *end = l->values[largest] + sizes[largest];
  }
  pe_free (used);
  pe_free (conflicts);
  pe_free (sizes);
  return ok;
}

static uint64_t
max_u64 (uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

static void
measure_stages (const struct pe_program *program, uint64_t *partial, uint64_t *frequencies)
{
  *partial = *frequencies = 0;
  for (uint32_t s = 1; s < pe_program_n_stages (program); s++) {
    const struct pe_stage *stage = pe_program_stage (program, s);
    uint64_t pairs = 0;
    for (size_t i = 0; i < stage->n_ops; i++) {
      const struct pe_op *op = &stage->ops[i];
      if (op->kind == PE_OP_ATTENTION)
        *partial =
            max_u64 (*partial, (uint64_t) op->attention.n_heads * (op->attention.v_width + 4));
      if (op->kind == PE_OP_ROPE)
        pairs += op->rope.n_rot / 2;
    }
    *frequencies = max_u64 (*frequencies, pairs);
  }
}

/* What crosses to the CPU and back where a layer's experts stay in RAM, at most. */
static uint64_t
part_elements (const struct pe_program *program, const struct pe_plan_request *request,
               const struct pe_gpu_layout *l)
{
  uint64_t most = 0;
  for (uint32_t s = 1; s <= program->n_layers && s <= request->n_cpu_experts; s++) {
    const struct pe_ram_part part = pe_ram_part_of (program, s);
    uint64_t sum = 0;
    for (size_t v = 0; v < program->n_values && !pe_ram_part_is_none (part); v++) {
      bool in, out;
      pe_ram_part_crosses (program, s, part, (uint16_t) v, &in, &out);
      sum += ((uint64_t) in + out) * l->strides[v];
    }
    most = max_u64 (most, sum);
  }
  return most;
}

/* What prompts take besides: float32 elements for all rows. */
struct prompt_sizes {
  uint64_t rounded, scales, expert_lists;
};

static void
measure_prompts (const struct pe_program *program, uint64_t rows, bool fast,
                 struct prompt_sizes *out)
{
  *out = (struct prompt_sizes){ 0 };
  for (uint32_t s = 1; s < pe_program_n_stages (program); s++) {
    const struct pe_stage *stage = pe_program_stage (program, s);
    for (size_t i = 0; i < stage->n_ops; i++) {
      const struct pe_op *op = &stage->ops[i];
      bool many = op->kind == PE_OP_MATMUL_EXPERT || op->kind == PE_OP_MATMUL_HEADS;
      if (!many && op->kind != PE_OP_MATMUL)
        continue;
      uint64_t groups = many ? op->in[0].count : 1;
      uint64_t width = pe_gpu_elements (op->in[0]) / (groups ? groups : 1);
      out->rounded = max_u64 (out->rounded, rows * groups * pe_gpu_half_stride ((uint32_t) width));
      out->scales = max_u64 (out->scales, rows * groups);
      if (op->kind == PE_OP_MATMUL_EXPERT)
        out->expert_lists =
            max_u64 (out->expert_lists, op->expert.n_experts + 1 + rows * op->expert.n_used);
    }
  }
  if (!fast)
    out->rounded = out->scales = 0;
}

bool
pe_gpu_layout_make (const struct pe_program *program, const struct pe_plan_request *request,
                    const struct pe_kv_geometry *kv, struct pe_gpu_layout *l,
                    struct pe_error *error)
{
  size_t n = program->n_values;
  memset (l, 0, sizeof *l);
  l->max_rows = request->n_batch;
  l->logit_rows = request->n_outputs < MAX_LOGIT_ROWS ? request->n_outputs : MAX_LOGIT_ROWS;
  l->values = pe_malloc (n * sizeof *l->values);
  l->gathered = pe_malloc (n * sizeof *l->gathered);
  l->strides = pe_calloc (n, sizeof *l->strides);
  uint64_t end = 0;
  if (!l->values || !l->gathered || !l->strides) {
    pe_gpu_layout_clear (l);
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the plan");
  }
  memset (l->values, 0xff, n * sizeof *l->values);
  memset (l->gathered, 0xff, n * sizeof *l->gathered);
  if (!place_values (program, l, &end)) {
    pe_gpu_layout_clear (l);
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the plan");
  }
  uint64_t carried = 0;
  for (size_t v = 0; v < n; v++)
    if (program->values[v].carry) {
      l->gathered[v] = end;
      end += padded ((uint64_t) l->logit_rows * l->strides[v]);
      carried += program->values[v].width;
    }
  uint64_t partial, frequencies;
  measure_stages (program, &partial, &frequencies);
  uint64_t few = l->max_rows < PE_GPU_FEW_ROWS ? l->max_rows : PE_GPU_FEW_ROWS;
  l->partial = end;
  end += padded (few * PE_GPU_MAX_SPLITS * partial);
  struct prompt_sizes prompts = { 0 };
  if (l->max_rows > PE_GPU_FEW_ROWS)
    measure_prompts (program, l->max_rows, request->precision == PE_PRECISION_FAST, &prompts);
  l->rounded = end;
  end += padded (prompts.rounded);
  l->scales = end;
  end += padded (prompts.scales);
  l->expert_lists = end;
  end += padded (prompts.expert_lists);
  l->best = end;
  end += padded (2ull * l->logit_rows * PE_GPU_BEST_GROUPS * PE_MAX_BEST);
  l->work_bytes = PE_BOOK_BYTES + end * sizeof (float);
  l->exchange_set =
      max_u64 (carried, part_elements (program, request, l)) * l->max_rows * sizeof (float);
  l->exchange_bytes = PE_GPU_SETS * l->exchange_set;
  l->logits_bytes =
      (uint64_t) l->logit_rows * program->values[program->logits].width * sizeof (float);

  /* Page tables: a pass names at most every page of the context once for each of a few sequences;
   * one with more is refused when it starts, see pe_gpu_fill_tables(). */
  uint32_t n_pages = (request->n_ctx + PE_PAGE_TOKENS - 1) / PE_PAGE_TOKENS + 1;
  uint32_t n_pools = kv->n_pages[PE_POOL_WINDOW] ? 2 : 1;
  l->max_pages = 16 * n_pages;
  l->stage_tables =
      ((pe_gpu_page_table (l, n_pools) * (uint64_t) sizeof (uint32_t)) + 255) & ~255ull;
  l->frequencies = PE_GPU_TABLE_SEGMENTS + 8ull * kv->n_segments;
  l->stage_table_bytes = (l->frequencies + frequencies * sizeof (uint64_t) + 63) & ~63ull;
  l->set_bytes =
      (l->stage_tables + l->stage_table_bytes * pe_program_n_stages (program) + 255) & ~255ull;
  l->table_bytes = PE_GPU_SETS * l->set_bytes;
  if (end > UINT32_MAX) {
    pe_gpu_layout_clear (l);
    return pe_fail (error, PE_ERROR_LIMIT, "batches of %u rows are more than the GPU can work on",
                    request->n_batch);
  }
  return true;
}

void
pe_gpu_layout_clear (struct pe_gpu_layout *l)
{
  pe_free (l->values);
  pe_free (l->gathered);
  pe_free (l->strides);
  memset (l, 0, sizeof *l);
}

void
pe_gpu_write_books (void *to)
{
  uint16_t *at = to;
  static_assert (sizeof pe_iq2_xxs_grid + sizeof pe_iq2_xs_grid + sizeof pe_iq2_s_grid +
                         sizeof pe_iq3_xxs_grid + sizeof pe_iq3_s_grid ==
                     PE_BOOK_BYTES,
                 "books of another size");
  at = memcpy (at, pe_iq2_xxs_grid, sizeof pe_iq2_xxs_grid);
  at = memcpy (at + 256, pe_iq2_xs_grid, sizeof pe_iq2_xs_grid);
  at = memcpy (at + 512, pe_iq2_s_grid, sizeof pe_iq2_s_grid);
  at = memcpy (at + 1024, pe_iq3_xxs_grid, sizeof pe_iq3_xxs_grid);
  memcpy (at + 256, pe_iq3_s_grid, sizeof pe_iq3_s_grid);
}
