/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/char.h"

#include "engine/text/char-tables.h"

#include <stddef.h>

#define N(array) (sizeof (array) / sizeof *(array))

static bool
is_in (const struct char_range *ranges, size_t n, uint32_t c)
{
  size_t low = 0;
  while (low < n) {
    size_t middle = low + (n - low) / 2;
    if (c > ranges[middle].last)
      low = middle + 1;
    else if (c < ranges[middle].first)
      n = middle;
    else
      return (c - ranges[middle].first) % ranges[middle].step == 0;
  }
  return false;
}

bool
pe_char_is_alpha (uint32_t c)
{
  return is_in (alpha_ranges, N (alpha_ranges), c);
}

bool
pe_char_is_decimal (uint32_t c)
{
  return is_in (decimal_ranges, N (decimal_ranges), c);
}

bool
pe_char_is_digit (uint32_t c)
{
  return is_in (digit_ranges, N (digit_ranges), c);
}

bool
pe_char_is_numeric (uint32_t c)
{
  return is_in (numeric_ranges, N (numeric_ranges), c);
}

bool
pe_char_is_space (uint32_t c)
{
  return is_in (space_ranges, N (space_ranges), c);
}

bool
pe_char_is_printable (uint32_t c)
{
  return !is_in (unprintable_ranges, N (unprintable_ranges), c);
}

bool
pe_char_is_upper (uint32_t c)
{
  return is_in (upper_ranges, N (upper_ranges), c);
}

bool
pe_char_is_lower (uint32_t c)
{
  return is_in (lower_ranges, N (lower_ranges), c);
}

bool
pe_char_is_title (uint32_t c)
{
  return is_in (title_ranges, N (title_ranges), c);
}

bool
pe_char_is_case_ignorable (uint32_t c)
{
  return is_in (ignorable_ranges, N (ignorable_ranges), c);
}

static const struct {
  const struct char_delta *deltas;
  size_t n_deltas;
  const struct char_special *specials;
  size_t n_specials;
} cases[] = {
  [PE_CASE_UPPER] = { upper_deltas, N (upper_deltas), upper_specials, N (upper_specials) },
  [PE_CASE_LOWER] = { lower_deltas, N (lower_deltas), lower_specials, N (lower_specials) },
  [PE_CASE_TITLE] = { title_deltas, N (title_deltas), title_specials, N (title_specials) },
  [PE_CASE_FOLD] = { fold_deltas, N (fold_deltas), fold_specials, N (fold_specials) },
};

unsigned
pe_char_convert (uint32_t c, enum pe_case to, uint32_t out[3])
{
  out[0] = c;
  if (c < 0x80) {
    if (to == PE_CASE_UPPER || to == PE_CASE_TITLE)
      out[0] = c >= 'a' && c <= 'z' ? c - 32 : c;
    else
      out[0] = c >= 'A' && c <= 'Z' ? c + 32 : c;
    return 1;
  }
  const struct char_special *specials = cases[to].specials;
  size_t low = 0, high = cases[to].n_specials;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (specials[middle].from < c) {
      low = middle + 1;
    } else if (specials[middle].from > c) {
      high = middle;
    } else {
      unsigned n = 0;
      for (; n < 3 && specials[middle].to[n]; n++)
        out[n] = specials[middle].to[n];
      return n;
    }
  }
  const struct char_delta *deltas = cases[to].deltas;
  low = 0;
  high = cases[to].n_deltas;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (deltas[middle].last < c) {
      low = middle + 1;
    } else if (deltas[middle].first > c) {
      high = middle;
    } else {
      if ((c - deltas[middle].first) % deltas[middle].step == 0)
        out[0] = (uint32_t) ((int64_t) c + deltas[middle].difference);
      return 1;
    }
  }
  return 1;
}
