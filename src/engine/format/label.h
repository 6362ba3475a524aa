/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tensor.h"

#include <stddef.h>

struct pe_gguf;

/* What people call a file's quantisation: "Q4_K_M". From general.file_type where that names a
 * mixture or a quantised type, else the type that holds most of the weights. Static string. */
const char *pe_quantisation_label (const struct pe_gguf *gguf, const struct pe_tensor *tensors,
                                   size_t n_tensors);
