/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How much memory a GPU has for models, from what its driver says of the heaps. Drivers say odd
 * things: every figure is bounded here, once, and `doubt` tells why less is believed.
 */
#pragma once

#include "engine/plan.h"

/* Without VK_EXT_memory_budget this share of a heap counts as available. */
#define PE_UNBUDGETED_PERCENT 85

/* Fills memory_total, memory_available, memory_is_budget and doubt from info->heaps, ->kind and
 * the computer's RAM (0: unknown). A card's own memory is its largest device-local heap: the
 * window through which the host sees it is a second heap of the same memory. A device that shares
 * the RAM takes from every heap, and never more than the RAM has. */
void pe_heaps_judge (struct pe_device_info *info, uint64_t ram_total, uint64_t ram_available);

/* The driver's budget, bounded by the memory, and what this process takes of it, over the heaps
 * that pe_heaps_judge() counts. */
void pe_heaps_sum (const struct pe_device_info *info, uint64_t *budget, uint64_t *usage);

/* Of two readings of the same heaps the one that promises less; drivers' budgets move. */
void pe_heaps_merge (struct pe_device_info *info, const struct pe_heap *later, uint32_t n);

/* What a person allows, as PARLEY_BUDGETS has it: "cpu=12000000000,gpu=6000000000" or by id, in
 * bytes. Lowers memory_available, and then leaves no margin; "gpu-free=1000000000" is the margin
 * instead of the usual one. Of several for one device the least holds, and the last margin. */
void pe_budget_apply (struct pe_device_info *info, const char *budgets);
