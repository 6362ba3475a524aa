/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Code books of the IQ1, IQ2 and IQ3 types. The figures define the format, so they are the same
 * in every implementation; they were published by the ggml project (MIT licence). Here each entry
 * is packed to 16 bits: element i of an entry is a digit, and its value is found from the digit.
 *
 *   IQ1: 8 digits of 2 bits, value = digit - 1            (-1, 0, 1)
 *   IQ2: 8 digits of 2 bits, value = 8, 25 or 43
 *   IQ3: 4 digits of 3 bits, value = 8 digit + 4 (IQ3_XXS; digit 7: 62), 2 digit + 1 (IQ3_S)
 */
#pragma once

#include <stdint.h>

extern const uint16_t pe_iq1_grid[2048];
extern const uint16_t pe_iq2_xxs_grid[256];
extern const uint16_t pe_iq2_xs_grid[512];
extern const uint16_t pe_iq2_s_grid[1024];
extern const uint16_t pe_iq3_xxs_grid[256];
extern const uint16_t pe_iq3_s_grid[512];
