/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/page-table.h"

#include "base/alloc.h"

#include <string.h>

bool
pe_page_table_grow (struct pe_page_table *t, size_t n)
{
  return pe_grow (&t->slots, &t->capacity, n, sizeof *t->slots);
}

bool
pe_page_table_share (struct pe_page_table *t, struct pe_page_pool *pool,
                     const struct pe_page_table *from, size_t first, size_t n)
{
  if (!pe_page_table_grow (t, n))
    return false;
  for (size_t i = 0; i < n; i++) {
    t->slots[i] = i < first ? PE_NO_PAGE : from->slots[i];
    if (i >= first)
      pe_page_share (pool, from->slots[i]);
  }
  t->first = first < n ? first : n;
  t->n = n;
  return true;
}

void
pe_page_table_cut (struct pe_page_table *t, struct pe_page_pool *pool, size_t n)
{
  while (t->n > n && t->n > t->first)
    pe_page_release (pool, t->slots[--t->n]);
  if (t->n > n)
    t->n = t->first = n;
}

void
pe_page_table_forget (struct pe_page_table *t, struct pe_page_pool *pool, size_t first)
{
  for (; t->first < first && t->first < t->n; t->first++) {
    pe_page_release (pool, t->slots[t->first]);
    t->slots[t->first] = PE_NO_PAGE;
  }
}

void
pe_page_table_clear (struct pe_page_table *t, struct pe_page_pool *pool)
{
  pe_page_table_cut (t, pool, 0);
  pe_free (t->slots);
  memset (t, 0, sizeof *t);
}
