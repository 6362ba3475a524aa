/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The second dimension of a plan: layers on a GPU whose experts stay in RAM. Of such a layer a run
 * of operations, from the first expert's matrix to the sum over the experts, is executed by the
 * CPU, with the weights where they are; everything else of the layer is the GPU's.
 */
#pragma once

#include "engine/plan.h"
#include "engine/program.h"

/* Of one stage; first == end: none. */
struct pe_ram_part {
  size_t first, end; /* operations of the CPU */
  size_t beside;     /* those in [end, beside) need nothing of it: the GPU does them meanwhile */
};

/* What the CPU would do of a layer: none where it has no experts. */
struct pe_ram_part pe_ram_part_of (const struct pe_program *program, uint32_t stage);
/* What it does by this plan. */
struct pe_ram_part pe_ram_part (const struct pe_program *program, const struct pe_plan *plan,
                                uint32_t stage);

static inline bool
pe_ram_part_is_none (struct pe_ram_part part)
{
  return part.first == part.end;
}

/* Whether a tensor of the stage is read by the CPU's operations alone. */
bool pe_ram_part_keeps (const struct pe_program *program, uint32_t stage, struct pe_ram_part part,
                        int32_t tensor);

/* Which way a value crosses: to the CPU before its operations, back behind them, or both. */
void pe_ram_part_crosses (const struct pe_program *program, uint32_t stage, struct pe_ram_part part,
                          uint16_t value, bool *in, bool *out);
