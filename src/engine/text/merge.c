/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/merge.h"

#include "base/alloc.h"

void
pe_merger_clear (struct pe_merger *m)
{
  pe_free (m->parts);
  pe_free (m->queue);
  *m = (struct pe_merger){ 0 };
}

bool
pe_merger_add (struct pe_merger *m, uint32_t offset, uint32_t n, uint32_t symbol,
               struct pe_error *error)
{
  if (!pe_grow (&m->parts, &m->parts_capacity, m->n_parts + 1, sizeof *m->parts))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to tokenise the text");
  m->parts[m->n_parts++] = (struct pe_part){ .offset = offset, .n = n, .symbol = symbol };
  return true;
}

static void
sift_down (struct pe_merger *m, size_t i)
{
  uint64_t item = m->queue[i];
  for (size_t child; (child = 2 * i + 1) < m->n_queue; i = child) {
    if (child + 1 < m->n_queue && m->queue[child + 1] < m->queue[child])
      child++;
    if (item <= m->queue[child])
      break;
    m->queue[i] = m->queue[child];
  }
  m->queue[i] = item;
}

static void
push (struct pe_merger *m, uint64_t item)
{
  size_t i = m->n_queue++;
  for (size_t parent; i > 0 && m->queue[parent = (i - 1) / 2] > item; i = parent)
    m->queue[i] = m->queue[parent];
  m->queue[i] = item;
}

/* Looks at the pair that begins with part i, and queues it if it merges. */
static void
consider (struct pe_merger *m, pe_pair_fn pair, const void *data, uint32_t i)
{
  struct pe_part *left = &m->parts[i];
  left->order = PE_NO_PAIR;
  if (left->next == PE_NO_PAIR)
    return;
  pair (data, left, &m->parts[left->next]);
  if (left->order != PE_NO_PAIR)
    push (m, (uint64_t) left->order << 32 | i);
}

bool
pe_merger_run (struct pe_merger *m, pe_pair_fn pair, const void *data, struct pe_error *error)
{
  size_t n = m->n_parts;
  /* Each part is queued once, and each of at most n - 1 merges queues two more. */
  if (n >= PE_NO_PAIR || !pe_grow (&m->queue, &m->queue_capacity, 3 * n + 1, sizeof *m->queue))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to tokenise the text");
  m->n_queue = 0;
  for (size_t i = 0; i < n; i++) {
    m->parts[i].previous = i ? (uint32_t) i - 1 : PE_NO_PAIR;
    m->parts[i].next = i + 1 < n ? (uint32_t) i + 1 : PE_NO_PAIR;
  }
  for (size_t i = 0; i < n; i++)
    consider (m, pair, data, (uint32_t) i);
  while (m->n_queue) {
    uint32_t i = (uint32_t) m->queue[0], order = (uint32_t) (m->queue[0] >> 32);
    m->queue[0] = m->queue[--m->n_queue];
    if (m->n_queue)
      sift_down (m, 0);
    struct pe_part *left = &m->parts[i];
    /* A pair whose parts have merged with others since has another order, or none. */
    if (left->order != order || left->n == 0)
      continue;
    struct pe_part *right = &m->parts[left->next];
    left->n += right->n;
    left->symbol = left->merged;
    left->next = right->next;
    if (right->next != PE_NO_PAIR)
      m->parts[right->next].previous = i;
    right->n = 0;
    right->order = PE_NO_PAIR;
    consider (m, pair, data, i);
    if (left->previous != PE_NO_PAIR)
      consider (m, pair, data, left->previous);
  }
  return true;
}
