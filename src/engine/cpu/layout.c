/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/alloc.h"
#include "base/checked.h"
#include "engine/cpu/cpu.h"
#include "engine/split.h"

#include <string.h>

static uint64_t
max_u64 (uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

static void
use_view (const struct pe_program *program, struct pe_cpu_layout *l, struct pe_view view)
{
  if (view.value != PE_NO_VALUE && view.value != program->logits)
    l->values[view.value] = 0;
}

static bool
is_float32 (const struct pe_tensor *tensors, struct pe_weight w)
{
  return w.tensor == PE_NO_TENSOR || tensors[w.tensor].type == PE_TYPE_F32;
}

/* What each kind of operation wants beyond its values, with the kernels of this processor. */
struct needs {
  const struct pe_kernels *kernels;
  uint64_t quantised_groups; /* of one row */
  uint64_t scratch;          /* of one thread */
  uint64_t part_floats;      /* of one part of the keys, all KV heads */
  uint64_t n_kv_heads;
};

/* Groups that take as much as a row of n elements in bfloat16. */
static uint64_t
packed_groups (uint64_t n, unsigned terms)
{
  return (n * 2 * terms + sizeof (struct pe_q8_group) - 1) / sizeof (struct pe_q8_group);
}

/* The vectors and the sums of several rows that chose one expert. */
static uint64_t
expert_scratch (const struct pe_op *op)
{
  return PE_CPU_EXPERT_ROWS * (pe_q8_groups (op->in[0].width) * sizeof (struct pe_q8_group) +
                               PE_CPU_EXPERT_CHUNK * sizeof (float));
}

static void
count_op (const struct pe_tensor *tensors, const struct pe_op *op, struct pe_cpu_layout *l,
          struct needs *needs)
{
  uint64_t groups;
  switch (op->kind) {
  case PE_OP_MATMUL:
  case PE_OP_MATMUL_EXPERT:
  case PE_OP_MATMUL_HEADS:
    groups = op->kind == PE_OP_MATMUL ? pe_q8_groups (op->in[0].count * op->in[0].width)
                                      : op->in[0].count * pe_q8_groups (op->in[0].width);
    needs->quantised_groups = max_u64 (needs->quantised_groups, groups);
    if (op->kind == PE_OP_MATMUL)
      needs->quantised_groups =
          max_u64 (needs->quantised_groups,
                   packed_groups (op->in[0].count * op->in[0].width,
                                  needs->kernels->bf16_terms[tensors[op->w[0].tensor].type]));
    needs->scratch =
        max_u64 (needs->scratch, needs->kernels->gemm_scratch +
                                     (op->kind == PE_OP_MATMUL_EXPERT ? expert_scratch (op) : 0));
    break;
  case PE_OP_EMBED: /* a row of the table of positions is decoded there */
    if (op->w[1].tensor != PE_NO_TENSOR)
      needs->quantised_groups =
          max_u64 (needs->quantised_groups,
                   op->out.width * sizeof (float) / sizeof (struct pe_q8_group) + 1);
    break;
  case PE_OP_ROPE: l->rope_width = max_u64 (l->rope_width, op->rope.n_rot); break;
  case PE_OP_ATTENTION: {
    const struct pe_attention *a = &op->attention;
    uint64_t row = (uint64_t) a->k_width + a->v_width + PE_PAGE_TOKENS + 2;
    needs->scratch = max_u64 (needs->scratch, needs->kernels->gemm_scratch +
                                                  pe_cpu_attention_rows (a) * row * 4 + 256);
    needs->part_floats =
        max_u64 (needs->part_floats, a->n_kv_heads * pe_cpu_attention_part_floats (a));
    needs->n_kv_heads = max_u64 (needs->n_kv_heads, a->n_kv_heads);
    break;
  }
  default: break;
  }
  for (int i = 0; i < 3; i++) {
    bool matrix = i == 0 && (op->kind == PE_OP_MATMUL || op->kind == PE_OP_MATMUL_EXPERT ||
                             op->kind == PE_OP_MATMUL_HEADS || op->kind == PE_OP_EMBED);
    if (!matrix && !is_float32 (tensors, op->w[i]))
      l->vector_elements = max_u64 (l->vector_elements, tensors[op->w[i].tensor].n_elements);
  }
}

static bool
reserve (uint64_t *total, uint64_t *offset, uint64_t count, uint64_t size)
{
  uint64_t bytes;
  *offset = *total;
  return pe_mul_u64 (count, size, &bytes) && pe_align_u64 (bytes, 64, &bytes) &&
         pe_add_u64 (*total, bytes, total);
}

bool
pe_cpu_layout_make (const struct pe_model *model, const struct pe_program *program,
                    const struct pe_plan *plan, struct pe_cpu_layout *l, struct pe_error *error)
{
  const struct pe_tensor *tensors = pe_model_tensors (model, NULL);
  memset (l, 0, sizeof *l);
  l->values = pe_malloc (program->n_values * sizeof *l->values);
  if (!l->values)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the plan");
  memset (l->values, 0xff, program->n_values * sizeof *l->values);
  struct needs needs = { .kernels = pe_kernels_for (pe_cpu_best_level ()) };
  uint64_t n_experts = 0, n_used = 0;
  for (uint32_t s = 0; s < pe_program_n_stages (program); s++) {
    const struct pe_stage *stage = pe_program_stage (program, s);
    struct pe_ram_part part = pe_ram_part (program, plan, s);
    if (plan->stage_device[s] == 0)
      part.end = stage->n_ops;
    for (size_t i = part.first; i < part.end; i++) {
      const struct pe_op *op = &stage->ops[i];
      for (int k = 0; k < 3; k++)
        use_view (program, l, op->in[k]);
      use_view (program, l, op->out);
      count_op (tensors, op, l, &needs);
      if (op->kind == PE_OP_MATMUL_EXPERT) {
        n_experts = max_u64 (n_experts, op->expert.n_experts);
        n_used = max_u64 (n_used, op->expert.n_used);
      }
      if (op->kind == PE_OP_MATMUL_EXPERT || op->kind == PE_OP_EXPERT_SUM)
        use_view (program, l, op->expert.ids);
    }
  }
  /* Rows that come from another device need a place even where no operation here reads them. */
  for (size_t v = 0; v < program->n_values; v++)
    if (program->values[v].carry)
      l->values[v] = 0;

  uint64_t rows = plan->request.n_batch, threads = plan->request.n_threads;
  uint64_t packed_rows =
      needs.kernels->pack_bf16 ? (rows + PE_BF16_ROWS - 1) / PE_BF16_ROWS * PE_BF16_ROWS : rows;
  uint64_t part_tokens = PE_CPU_PART_PAGES * PE_PAGE_TOKENS;
  uint64_t parts = (plan->request.n_ctx + part_tokens - 1) / part_tokens;
  bool ok = true;
  for (size_t v = 0; v < program->n_values && ok; v++)
    if (l->values[v] == 0)
      ok = reserve (&l->bytes, &l->values[v], rows * sizeof (float), program->values[v].width);
  ok = ok &&
       reserve (&l->bytes, &l->quantised, packed_rows * sizeof (struct pe_q8_group),
                needs.quantised_groups) &&
       reserve (&l->bytes, &l->rope, rows * PE_CPU_ROPE_TABLES * sizeof (float), l->rope_width) &&
       reserve (&l->bytes, &l->vectors, 3 * sizeof (float), l->vector_elements) &&
       reserve (&l->bytes, &l->experts, sizeof (uint32_t), n_experts + 1 + rows * n_used) &&
       reserve (&l->bytes, &l->parts, parts > 1 ? parts * sizeof (float) : 0, needs.part_floats) &&
       reserve (&l->bytes, &l->joined, sizeof (uint32_t), needs.n_kv_heads);
  l->thread_bytes = (needs.scratch + 63) & ~(uint64_t) 63;
  ok = ok && reserve (&l->bytes, &l->threads, threads, l->thread_bytes);
  if (!ok) {
    pe_cpu_layout_clear (l);
    return pe_fail (error, PE_ERROR_LIMIT, "the working memory would be absurdly large");
  }
  return true;
}

void
pe_cpu_layout_clear (struct pe_cpu_layout *layout)
{
  pe_free (layout->values);
  memset (layout, 0, sizeof *layout);
}
