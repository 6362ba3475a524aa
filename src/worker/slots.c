/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/slots.h"

#include <string.h>

static struct slot *
free_slot (struct slots *slots)
{
  for (size_t i = 0; i < WORKER_MAX_SLOTS; i++)
    if (!slots->all[i].sequence)
      return &slots->all[i];
  return NULL;
}

static struct slot *
oldest_idle (struct slots *slots, const struct slot *except)
{
  struct slot *oldest = NULL;
  for (size_t i = 0; i < WORKER_MAX_SLOTS; i++) {
    struct slot *s = &slots->all[i];
    if (s->sequence && !s->busy && s != except && (!oldest || s->used < oldest->used))
      oldest = s;
  }
  return oldest;
}

static void
drop (struct slot *slot)
{
  pe_sequence_free (slot->sequence);
  memset (slot, 0, sizeof *slot);
}

static struct slot *
best_match (struct slots *slots, const int32_t *tokens, size_t n, size_t *common)
{
  struct slot *best = NULL;
  *common = 0;
  for (size_t i = 0; i < WORKER_MAX_SLOTS; i++) {
    struct slot *s = &slots->all[i];
    if (!s->sequence || s->busy)
      continue;
    size_t here = pe_sequence_common (s->sequence, tokens, n);
    if (here > *common) {
      best = s;
      *common = here;
    }
  }
  return best;
}

/* A second sequence with the first `common` tokens of `from`, in a slot of its own. */
static struct slot *
branch (struct slots *slots, struct slot *from, size_t common)
{
  struct slot *slot = free_slot (slots);
  if (!slot && (slot = oldest_idle (slots, from)))
    drop (slot);
  if (!slot || !pe_sequence_fork (from->sequence, common, &slot->sequence, NULL))
    return NULL;
  return slot;
}

static struct slot *
fresh (struct slots *slots, struct pe_runtime *runtime, struct pe_error *error)
{
  for (;;) {
    struct slot *slot = free_slot (slots);
    if (slot && pe_sequence_new (runtime, &slot->sequence, error))
      return slot;
    if (!slots_evict (slots)) {
      if (!slot)
        pe_fail (error, PE_ERROR_LIMIT, "too many conversations are being answered at once");
      return NULL;
    }
  }
}

struct slot *
slots_acquire (struct slots *slots, struct pe_runtime *runtime, const int32_t *tokens, size_t n,
               struct pe_error *error)
{
  size_t common;
  struct slot *slot = NULL, *match = best_match (slots, tokens, n, &common);
  if (match) {
    /* What goes beyond the common part is another version: it stays, unless room is short. */
    bool extends = common == pe_sequence_n_tokens (match->sequence);
    slot = extends ? match : branch (slots, match, common);
    if (!slot)
      slot = match;
    size_t keep = common < n ? common : n - 1;
    if (!pe_sequence_truncate (slot->sequence, keep, NULL, NULL)) {
      drop (slot);
      slot = NULL;
    }
  }
  if (!slot)
    slot = fresh (slots, runtime, error);
  if (slot) {
    slot->busy = true;
    slot->used = ++slots->clock;
  }
  return slot;
}

void
slots_release (struct slots *slots, struct slot *slot, bool forget)
{
  if (forget)
    drop (slot);
  else {
    slot->busy = false;
    slot->used = ++slots->clock;
  }
}

bool
slots_evict (struct slots *slots)
{
  struct slot *slot = oldest_idle (slots, NULL);
  if (!slot)
    return false;
  drop (slot);
  return true;
}

void
slots_clear (struct slots *slots)
{
  for (size_t i = 0; i < WORKER_MAX_SLOTS; i++)
    drop (&slots->all[i]);
}
