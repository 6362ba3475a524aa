/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Experts that are apart. Files of early 2024 and before have a tensor for each expert
 * ("blk.0.ffn_up.3.weight"); later ones have one stack of all ("blk.0.ffn_up_exps.weight"). Here
 * the former are presented as the latter: a tensor that has no bytes of its own and names its
 * parts, which may lie anywhere in the file and be of different types.
 */
#pragma once

#include "base/alloc.h"
#include "engine/tensor.h"

/* Whether `name` is that of the first expert of a stack. */
bool pe_is_first_of_stack (const char *name);

/* Describes in *stack the tensor that `first` (so named) begins; its name is NULL where the experts
 * do not fit together. False: memory is short. */
bool pe_describe_stack (const struct pe_model *model, const struct pe_tensor *first,
                        struct pe_arena *arena, struct pe_tensor *stack, struct pe_error *error);
