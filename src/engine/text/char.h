/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Properties of Unicode characters and their cases, as Python's str methods see them (full case
 * mapping, not of any language). Source: the Unicode Character Database. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

bool pe_char_is_alpha (uint32_t c);
bool pe_char_is_decimal (uint32_t c);
bool pe_char_is_digit (uint32_t c);
bool pe_char_is_numeric (uint32_t c);
bool pe_char_is_space (uint32_t c);
bool pe_char_is_printable (uint32_t c);
bool pe_char_is_upper (uint32_t c);
bool pe_char_is_lower (uint32_t c);
bool pe_char_is_title (uint32_t c);
bool pe_char_is_case_ignorable (uint32_t c); /* passed over around a final sigma */

static inline bool
pe_char_is_cased (uint32_t c)
{
  return pe_char_is_upper (c) || pe_char_is_lower (c) || pe_char_is_title (c);
}

enum pe_case { PE_CASE_UPPER, PE_CASE_LOWER, PE_CASE_TITLE, PE_CASE_FOLD };

/* Writes one to three characters and returns how many. */
unsigned pe_char_convert (uint32_t c, enum pe_case to, uint32_t out[3]);
