/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/alloc.h"
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- recurrent state ---- */

static bool
for_each_state (struct pe_runtime *r, uint32_t from, uint32_t to, struct pe_error *error)
{
  uint64_t most = 0;
  for (uint32_t il = 0; il < r->kv.n_layers; il++)
    most = r->kv.state_bytes[il] > most ? r->kv.state_bytes[il] : most;
  void *host = pe_calloc (1, most);
  if (!host)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to copy recurrent state");
  bool ok = true;
  for (uint32_t il = 0; il < r->kv.n_layers && ok; il++) {
    if (r->kv.state_bytes[il] == 0)
      continue;
    size_t d = pe_runtime_stage_device (r, il + 1);
    if (from != UINT32_MAX)
      ok = r->ops[d]->read_state (r->backends[d], il + 1, from, host, error);
    ok = ok && r->ops[d]->write_state (r->backends[d], il + 1, to, host, error);
  }
  pe_free (host);
  return ok;
}

static bool
copy_state (struct pe_runtime *r, uint32_t from, uint32_t to, struct pe_error *error)
{
  return for_each_state (r, from, to, error);
}

static bool
clear_state (struct pe_runtime *r, uint32_t slot, struct pe_error *error)
{
  return for_each_state (r, UINT32_MAX, slot, error);
}

/* A free slot; if there is none, the checkpoint that was used longest ago gives its own up. */
static bool
take_slot (struct pe_runtime *r, uint32_t *slot, struct pe_error *error)
{
  for (uint32_t i = 0; i < r->kv.n_state_slots; i++)
    if (!r->state_used[i]) {
      r->state_used[i] = true;
      *slot = i;
      return true;
    }
  struct pe_sequence *owner = NULL;
  size_t oldest = 0;
  for (struct pe_sequence *s = r->sequences; s; s = s->next)
    for (size_t i = 0; i < s->n_checkpoints; i++)
      if (!owner || s->checkpoints[i].used < owner->checkpoints[oldest].used) {
        owner = s;
        oldest = i;
      }
  if (!owner)
    return pe_fail (error, PE_ERROR_LIMIT,
                    "this model keeps at most %u conversations at once; close one",
                    r->kv.n_state_slots);
  *slot = owner->checkpoints[oldest].slot;
  owner->checkpoints[oldest] = owner->checkpoints[--owner->n_checkpoints];
  return true;
}

bool
pe_sequence_checkpoint (struct pe_sequence *s, struct pe_error *error)
{
  struct pe_runtime *r = s->runtime;
  for (size_t i = 0; i < s->n_checkpoints; i++)
    if (s->checkpoints[i].n_tokens == s->n_tokens) {
      s->checkpoints[i].used = ++r->clock;
      return true;
    }
  uint32_t slot;
  if (!take_slot (r, &slot, NULL))
    return true; /* every slot is somebody's live state: going back will start over */
  if (!copy_state (r, s->state_slot, slot, error)) {
    r->state_used[slot] = false;
    return false;
  }
  s->checkpoints[s->n_checkpoints++] = (struct pe_checkpoint){ s->n_tokens, slot, ++r->clock };
  return true;
}

static void
drop_checkpoints_behind (struct pe_sequence *s, size_t n)
{
  for (size_t i = s->n_checkpoints; i-- > 0;)
    if (s->checkpoints[i].n_tokens > n) {
      s->runtime->state_used[s->checkpoints[i].slot] = false;
      s->checkpoints[i] = s->checkpoints[--s->n_checkpoints];
    }
}

static const struct pe_checkpoint *
best_checkpoint (const struct pe_sequence *s, size_t n)
{
  const struct pe_checkpoint *best = NULL;
  for (size_t i = 0; i < s->n_checkpoints; i++)
    if (s->checkpoints[i].n_tokens <= n && (!best || s->checkpoints[i].n_tokens > best->n_tokens))
      best = &s->checkpoints[i];
  return best;
}

/* ---- pages ---- */

static void
release_pages (struct pe_sequence *s, size_t keep)
{
  while (s->n_pages > keep)
    pe_page_release (&s->runtime->pages, s->pages[--s->n_pages]);
}

void
pe_sequence_trim (struct pe_sequence *s)
{
  size_t n = s->n_tokens + s->n_pending; /* a pass under way writes to the last of these pages */
  release_pages (s, (n + PE_PAGE_TOKENS - 1) / PE_PAGE_TOKENS);
}

static bool
full (const struct pe_runtime *r, struct pe_error *error)
{
  return pe_fail (error, PE_ERROR_CONTEXT_FULL, "the context of %u tokens is full",
                  r->plan->request.n_ctx);
}

/* A shared page gets a copy of its own before it is written to. */
static bool
make_private (struct pe_sequence *s, size_t index, struct pe_error *error)
{
  struct pe_runtime *r = s->runtime;
  uint32_t old = s->pages[index], own;
  if (!pe_page_is_shared (&r->pages, old))
    return true;
  if (!pe_page_take (&r->pages, &own))
    return full (r, error);
  for (uint32_t il = 0; il < r->kv.n_layers; il++) {
    if (r->kv.layers[il].n_kv_heads == 0)
      continue;
    size_t d = pe_runtime_stage_device (r, il + 1);
    if (!r->ops[d]->copy_page (r->backends[d], il + 1, old, own, error)) {
      pe_page_release (&r->pages, own);
      return false;
    }
  }
  pe_page_release (&r->pages, old);
  s->pages[index] = own;
  return true;
}

bool
pe_sequence_reserve (struct pe_sequence *s, size_t n, struct pe_error *error)
{
  struct pe_runtime *r = s->runtime;
  size_t have = s->n_tokens + s->n_pending, need_tokens = have + n;
  if (s->state_is_stale && !clear_state (r, s->state_slot, error))
    return false;
  s->state_is_stale = false;
  if (need_tokens > r->plan->request.n_ctx)
    return full (r, error);
  if (!pe_grow (&s->tokens, &s->tokens_capacity, need_tokens, sizeof *s->tokens))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the conversation's tokens");
  if (r->kv.n_pages == 0)
    return true;
  size_t need = (need_tokens + PE_PAGE_TOKENS - 1) / PE_PAGE_TOKENS;
  if (!pe_grow (&s->pages, &s->pages_capacity, need, sizeof *s->pages))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the page table");
  size_t first = have / PE_PAGE_TOKENS;
  if (first < s->n_pages && !make_private (s, first, error))
    return false;
  while (s->n_pages < need) {
    if (!pe_page_take (&r->pages, &s->pages[s->n_pages]))
      return full (r, error);
    s->n_pages++;
  }
  return true;
}

/* ---- the public part ---- */

bool
pe_sequence_new (struct pe_runtime *runtime, struct pe_sequence **out, struct pe_error *error)
{
  struct pe_sequence *s = pe_calloc (1, sizeof *s);
  if (!s)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for a conversation");
  s->runtime = runtime;
  s->state_slot = UINT32_MAX;
  if (pe_runtime_has_state (runtime)) {
    uint32_t slot;
    bool taken = take_slot (runtime, &slot, error);
    if (!taken || !clear_state (runtime, slot, error)) {
      if (taken)
        runtime->state_used[slot] = false;
      pe_free (s);
      return false;
    }
    s->state_slot = slot;
  }
  s->next = runtime->sequences;
  if (s->next)
    s->next->previous = s;
  runtime->sequences = s;
  *out = s;
  return true;
}

void
pe_sequence_free (struct pe_sequence *s)
{
  if (!s)
    return;
  struct pe_runtime *r = s->runtime;
  pe_runtime_drop_guess (r);
  release_pages (s, 0);
  for (size_t i = 0; i < s->n_checkpoints; i++)
    r->state_used[s->checkpoints[i].slot] = false;
  if (s->state_slot != UINT32_MAX)
    r->state_used[s->state_slot] = false;
  if (s->next)
    s->next->previous = s->previous;
  if (s->previous)
    s->previous->next = s->next;
  else
    r->sequences = s->next;
  pe_free (s->tokens);
  pe_free (s->pages);
  pe_free (s);
}

size_t
pe_sequence_n_tokens (const struct pe_sequence *sequence)
{
  return sequence->n_tokens;
}

const int32_t *
pe_sequence_tokens (const struct pe_sequence *sequence)
{
  return sequence->tokens;
}

size_t
pe_sequence_common (const struct pe_sequence *s, const int32_t *tokens, size_t n)
{
  size_t i = 0;
  while (i < n && i < s->n_tokens && s->tokens[i] == tokens[i])
    i++;
  return i;
}

static void
keep_tokens (struct pe_sequence *s, size_t n)
{
  s->n_tokens = n;
  pe_sequence_trim (s);
  drop_checkpoints_behind (s, n);
}

bool
pe_sequence_truncate (struct pe_sequence *s, size_t n, size_t *n_kept, struct pe_error *error)
{
  struct pe_runtime *r = s->runtime;
  if (n < s->n_tokens) {
    pe_runtime_drop_guess (r);
    if (pe_runtime_has_state (r)) {
      const struct pe_checkpoint *c = best_checkpoint (s, n);
      n = c ? c->n_tokens : 0;
      if (!(c ? copy_state (r, c->slot, s->state_slot, error)
              : clear_state (r, s->state_slot, error)))
        return false;
    }
    keep_tokens (s, n);
  }
  if (n_kept)
    *n_kept = s->n_tokens;
  return true;
}

void
pe_sequence_invalidate (struct pe_sequence *s)
{
  if (!pe_runtime_has_state (s->runtime))
    return;
  const struct pe_checkpoint *c = best_checkpoint (s, s->n_tokens);
  if (c && copy_state (s->runtime, c->slot, s->state_slot, NULL))
    keep_tokens (s, c->n_tokens);
  else {
    s->state_is_stale = !clear_state (s->runtime, s->state_slot, NULL);
    keep_tokens (s, 0);
  }
}

bool
pe_sequence_fork (const struct pe_sequence *s, size_t n, struct pe_sequence **out,
                  struct pe_error *error)
{
  struct pe_runtime *r = s->runtime;
  struct pe_sequence *fork;
  pe_runtime_drop_guess (r);
  if (n > s->n_tokens)
    n = s->n_tokens;
  if (!pe_sequence_new (r, &fork, error))
    return false;
  bool ok = true;
  if (pe_runtime_has_state (r)) {
    const struct pe_checkpoint *c = best_checkpoint (s, n);
    uint32_t from = n && n == s->n_tokens ? s->state_slot : c ? c->slot : UINT32_MAX;
    n = n == s->n_tokens ? n : c ? c->n_tokens : 0;
    if (from != UINT32_MAX)
      ok = copy_state (r, from, fork->state_slot, error);
  }
  size_t n_pages = r->kv.n_pages ? (n + PE_PAGE_TOKENS - 1) / PE_PAGE_TOKENS : 0;
  ok = ok && ((pe_grow (&fork->tokens, &fork->tokens_capacity, n, sizeof *fork->tokens) &&
               pe_grow (&fork->pages, &fork->pages_capacity, n_pages, sizeof *fork->pages)) ||
              pe_fail (error, PE_ERROR_MEMORY, "not enough memory for a conversation"));
  if (!ok) {
    pe_sequence_free (fork);
    return false;
  }
  if (n)
    memcpy (fork->tokens, s->tokens, n * sizeof *s->tokens);
  fork->n_tokens = n;
  for (size_t i = 0; i < n_pages; i++) {
    fork->pages[i] = s->pages[i];
    pe_page_share (&r->pages, s->pages[i]);
  }
  fork->n_pages = n_pages;
  *out = fork;
  return true;
}
