/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plain C kernels that the others fall back on for rare cases. See kernels.h for what they do.
 */
#pragma once

#include "engine/program.h"

void pe_reference_unary (enum pe_unary f, float a, float b, size_t n, const float *x, float *out);
void pe_reference_glu (enum pe_unary f, float limit, size_t n, const float *gate, const float *up,
                       float *out);
