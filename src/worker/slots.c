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

static bool
gives_way (const struct slot *slot, const struct slot_wish *wish)
{
  return !wish->is_aside || (wish->conversation && slot->conversation == wish->conversation);
}

static struct slot *
oldest_idle (struct slots *slots, const struct slot *except, const struct slot_wish *wish)
{
  struct slot *oldest = NULL;
  for (size_t i = 0; i < WORKER_MAX_SLOTS; i++) {
    struct slot *s = &slots->all[i];
    if (s->sequence && !s->busy && s != except && gives_way (s, wish) &&
        (!oldest || s->used < oldest->used))
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
branch (struct slots *slots, struct slot *from, size_t common, const struct slot_wish *wish)
{
  struct slot *slot = free_slot (slots);
  if (!slot && (slot = oldest_idle (slots, from, wish)))
    drop (slot);
  if (!slot || !pe_sequence_fork (from->sequence, common, &slot->sequence, NULL))
    return NULL;
  return slot;
}

static struct slot *
fresh (struct slots *slots, struct pe_runtime *runtime, const struct slot_wish *wish,
       struct pe_error *error)
{
  for (;;) {
    struct slot *slot = wish->is_private ? &slots->passing : free_slot (slots);
    if (slot && pe_sequence_new (runtime, &slot->sequence, error))
      return slot;
    if (!slots_evict (slots, wish)) {
      if (!slot)
        pe_fail (error, PE_ERROR_LIMIT, "too many conversations are being answered at once");
      return NULL;
    }
  }
}

/* Shares what a conversation begins with, and leaves that as it is. */
static struct slot *
pass (struct slots *slots, const struct slot *match, size_t common)
{
  if (!pe_sequence_fork (match->sequence, common, &slots->passing.sequence, NULL))
    return NULL;
  return &slots->passing;
}

struct slot *
slots_acquire (struct slots *slots, struct pe_runtime *runtime, const int32_t *tokens, size_t n,
               const struct slot_wish *wish, struct pe_error *error)
{
  size_t common;
  struct slot *slot = NULL, *match = best_match (slots, tokens, n, &common);
  if (match) {
    /* What goes beyond the common part is another version: it stays, unless room is short. */
    bool extends = common == pe_sequence_n_tokens (match->sequence);
    if (wish->is_private)
      slot = pass (slots, match, common);
    else if (extends || !(slot = branch (slots, match, common, wish)))
      slot = match;
    size_t keep = common < n ? common : n - 1;
    if (slot && !pe_sequence_truncate (slot->sequence, keep, NULL, NULL)) {
      drop (slot);
      slot = NULL;
    }
  }
  if (!slot)
    slot = fresh (slots, runtime, wish, error);
  if (slot) {
    slot->busy = true;
    slot->conversation = wish->conversation;
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
slots_evict (struct slots *slots, const struct slot_wish *wish)
{
  struct slot *slot = oldest_idle (slots, NULL, wish);
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
  drop (&slots->passing);
}
