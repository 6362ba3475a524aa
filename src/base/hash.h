/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A keyed hash for tables whose keys come from files, so that nobody can prepare keys that all
 * fall into one slot. SipHash-1-3 (Aumasson and Bernstein 2012). Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct pe_hash_key {
  uint64_t k0, k1;
};

/* Unpredictable; one for each table. */
struct pe_hash_key pe_hash_key_new (void);
uint64_t pe_hash (struct pe_hash_key key, const void *bytes, size_t n);
