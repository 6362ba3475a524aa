/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Time that only goes forward, for measuring.
 */
#pragma once

#include <time.h>

/* Seconds since some moment of the past. */
static inline double
pe_clock (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}
