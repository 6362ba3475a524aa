/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/split.h"

static bool
reads (const struct pe_op *op, uint16_t value)
{
  for (int i = 0; i < 3; i++)
    if (op->in[i].value == value)
      return true;
  return (op->kind == PE_OP_MATMUL_EXPERT || op->kind == PE_OP_EXPERT_SUM) &&
         op->expert.ids.value == value;
}

static bool
is_of_experts (const struct pe_op *op)
{
  return op->kind == PE_OP_MATMUL_EXPERT || op->kind == PE_OP_EXPERT_SUM;
}

/* Whether an operation reads or overwrites what [first, end) wrote, or overwrites what it reads. */
static bool
depends (const struct pe_stage *s, size_t first, size_t end, const struct pe_op *op)
{
  for (size_t i = first; i < end; i++)
    if (reads (op, s->ops[i].out.value) || op->out.value == s->ops[i].out.value ||
        reads (&s->ops[i], op->out.value))
      return true;
  return false;
}

struct pe_ram_part
pe_ram_part_of (const struct pe_program *program, uint32_t stage)
{
  struct pe_ram_part part = { 0 };
  if (stage == 0 || stage > program->n_layers)
    return part;
  const struct pe_stage *s = pe_program_stage (program, stage);
  for (size_t i = 0; i < s->n_ops; i++)
    if (is_of_experts (&s->ops[i])) {
      if (pe_ram_part_is_none (part))
        part.first = i;
      part.end = i + 1;
    }
  if (pe_ram_part_is_none (part))
    return part;
  for (part.beside = part.end; part.beside < s->n_ops; part.beside++)
    if (depends (s, part.first, part.end, &s->ops[part.beside]))
      break;
  return part;
}

struct pe_ram_part
pe_ram_part (const struct pe_program *program, const struct pe_plan *plan, uint32_t stage)
{
  bool splits = stage <= plan->request.n_cpu_experts && plan->stage_device[stage] != 0;
  return splits ? pe_ram_part_of (program, stage) : (struct pe_ram_part){ 0 };
}

bool
pe_ram_part_keeps (const struct pe_program *program, uint32_t stage, struct pe_ram_part part,
                   int32_t tensor)
{
  if (pe_ram_part_is_none (part))
    return false;
  const struct pe_stage *s = pe_program_stage (program, stage);
  bool inside = false;
  for (size_t i = 0; i < s->n_ops; i++)
    for (int k = 0; k < 3; k++)
      if (s->ops[i].w[k].tensor == tensor) {
        if (i < part.first || i >= part.end)
          return false;
        inside = true;
      }
  return inside;
}

void
pe_ram_part_crosses (const struct pe_program *program, uint32_t stage, struct pe_ram_part part,
                     uint16_t value, bool *in, bool *out)
{
  const struct pe_stage *s = pe_program_stage (program, stage);
  bool written = false, before = program->values[value].carry, after = before;
  *in = *out = false;
  for (size_t i = 0; i < s->n_ops; i++) {
    const struct pe_op *op = &s->ops[i];
    if (i < part.first)
      before |= op->out.value == value;
    else if (i < part.end) {
      *in |= !written && reads (op, value);
      written |= op->out.value == value;
    } else
      after |= reads (op, value);
  }
  *out = written && after;
  /* Perhaps only part of its elements are written: the others must come back as they were. */
  *in |= *out && before;
}
