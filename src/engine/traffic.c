/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kv.h"
#include "engine/plan.h"
#include "engine/split.h"
#include "engine/tensor.h"

#include <string.h>

static void
count_weight (const struct pe_tensor *tensors, const struct pe_op *op, struct pe_traffic *t)
{
  const struct pe_tensor *w = &tensors[op->w[0].tensor];
  uint64_t rows = op->w[0].n_rows, whole = rows;
  switch (op->kind) {
  case PE_OP_EMBED:
    t->weight_bytes += w->row_bytes;
    t->type_bytes[w->type] += w->row_bytes;
    return;
  case PE_OP_MATMUL_EXPERT:
    rows *= op->expert.n_used;
    whole *= op->expert.n_experts;
    break;
  case PE_OP_MATMUL:
  case PE_OP_MATMUL_HEADS: break;
  default: return; /* norms and the like: a few kilobytes */
  }
  t->weight_bytes += rows * w->row_bytes;
  t->type_bytes[w->type] += rows * w->row_bytes;
  t->whole_bytes[w->type] += whole * w->row_bytes;
  t->operations += 2 * rows * w->shape[0];
}

static uint64_t
cache_bytes (const struct pe_kv_layer *layer, const struct pe_attention *a, uint32_t depth)
{
  uint64_t tokens = depth;
  if (a->window && a->window < tokens)
    tokens = a->window;
  if (a->chunk && a->chunk < tokens)
    tokens = a->chunk;
  return tokens * layer->n_kv_heads * (layer->k_row_bytes + layer->v_row_bytes);
}

void
pe_plan_traffic (const struct pe_model *model, const struct pe_plan *plan, uint32_t depth,
                 struct pe_traffic *out)
{
  const struct pe_program *program = pe_model_program (model);
  const struct pe_tensor *tensors = pe_model_tensors (model, NULL);
  struct pe_kv_geometry kv;
  memset (out, 0, plan->n_devices * sizeof *out);
  if (!program || !pe_kv_geometry_make (program, &plan->request, &kv, NULL))
    return;
  for (uint32_t s = 0; s < pe_program_n_stages (program); s++) {
    const struct pe_stage *stage = pe_program_stage (program, s);
    const struct pe_ram_part part = pe_ram_part (program, plan, s);
    out[plan->stage_device[s]].n_stages++;
    for (size_t i = 0; i < stage->n_ops; i++) {
      const struct pe_op *op = &stage->ops[i];
      struct pe_traffic *t = &out[i >= part.first && i < part.end ? 0 : plan->stage_device[s]];
      t->n_operators++;
      if (op->w[0].tensor != PE_NO_TENSOR) {
        enum pe_type type = tensors[op->w[0].tensor].type;
        uint64_t before = t->type_bytes[type];
        count_weight (tensors, op, t);
        if (s + 1 == pe_program_n_stages (program))
          t->output_bytes[type] += t->type_bytes[type] - before;
      }
      if (op->kind == PE_OP_ATTENTION)
        t->kv_bytes += cache_bytes (&kv.layers[op->attention.layer], &op->attention, depth);
    }
  }
  pe_kv_geometry_clear (&kv);
}
