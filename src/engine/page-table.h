/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pages of one sequence in one pool: slots by position / PE_PAGE_TOKENS. Each holds a reference
 * to its slot. The first of a window's pages were given back: they are PE_NO_PAGE.
 */
#pragma once

#include "engine/kv.h"

#define PE_NO_PAGE UINT32_MAX

struct pe_page_table {
  uint32_t *slots;
  size_t n, capacity;
  size_t first; /* the first that was not given back */
};

/* Room for n entries; those that are there stay. false: no memory. */
bool pe_page_table_grow (struct pe_page_table *table, size_t n);
/* An empty table takes pages [first, n) of `from`, which both hold then. false: no memory. */
bool pe_page_table_share (struct pe_page_table *table, struct pe_page_pool *pool,
                          const struct pe_page_table *from, size_t first, size_t n);
/* Gives back the pages from `n` on; those before `first`. */
void pe_page_table_cut (struct pe_page_table *table, struct pe_page_pool *pool, size_t n);
void pe_page_table_forget (struct pe_page_table *table, struct pe_page_pool *pool, size_t first);
/* Gives back everything, the memory of the table too. */
void pe_page_table_clear (struct pe_page_table *table, struct pe_page_pool *pool);
