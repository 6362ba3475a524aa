/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Arithmetic on sizes that come from files, networks or people. Each returns false when the
 * result does not fit, and then leaves *out alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool
pe_add_u64 (uint64_t a, uint64_t b, uint64_t *out)
{
  return !__builtin_add_overflow (a, b, out);
}

static inline bool
pe_mul_u64 (uint64_t a, uint64_t b, uint64_t *out)
{
  return !__builtin_mul_overflow (a, b, out);
}

static inline bool
pe_add_size (size_t a, size_t b, size_t *out)
{
  return !__builtin_add_overflow (a, b, out);
}

static inline bool
pe_mul_size (size_t a, size_t b, size_t *out)
{
  return !__builtin_mul_overflow (a, b, out);
}

/* `alignment` is a power of two. */
static inline bool
pe_align_u64 (uint64_t value, uint64_t alignment, uint64_t *out)
{
  uint64_t sum;
  if (!pe_add_u64 (value, alignment - 1, &sum))
    return false;
  *out = sum & ~(alignment - 1);
  return true;
}

static inline uint64_t
pe_div_up (uint64_t value, uint64_t by)
{
  return value / by + (value % by != 0);
}
