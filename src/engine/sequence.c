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

/* ---- checkpoints ---- */

static void
drop_checkpoint (struct pe_sequence *s, size_t i)
{
  struct pe_checkpoint *c = &s->checkpoints[i];
  if (c->slot != UINT32_MAX)
    s->runtime->state_used[c->slot] = false;
  pe_page_table_clear (&c->window, &s->runtime->pages[PE_POOL_WINDOW]);
  *c = s->checkpoints[--s->n_checkpoints];
}

/* The one that was used longest ago, of all sequences. */
static bool
drop_oldest_checkpoint (struct pe_runtime *r)
{
  struct pe_sequence *owner = NULL;
  size_t oldest = 0;
  for (struct pe_sequence *s = r->sequences; s; s = s->next)
    for (size_t i = 0; i < s->n_checkpoints; i++)
      if (!owner || s->checkpoints[i].used < owner->checkpoints[oldest].used) {
        owner = s;
        oldest = i;
      }
  if (owner)
    drop_checkpoint (owner, oldest);
  return owner != NULL;
}

/* A free slot; if there is none, a checkpoint gives its own up. */
static bool
take_slot (struct pe_runtime *r, uint32_t *slot, struct pe_error *error)
{
  do
    for (uint32_t i = 0; i < r->kv.n_state_slots; i++)
      if (!r->state_used[i]) {
        r->state_used[i] = true;
        *slot = i;
        return true;
      }
  while (drop_oldest_checkpoint (r));
  return pe_fail (error, PE_ERROR_LIMIT,
                  "this model keeps at most %u conversations at once; close one",
                  r->kv.n_state_slots);
}

/* The pages that windows reach from position n on, and only those. */
static bool
share_window (const struct pe_sequence *s, size_t n, struct pe_page_table *out)
{
  struct pe_runtime *r = s->runtime;
  size_t n_pages = r->kv.n_pages[PE_POOL_WINDOW] ? (n + PE_PAGE_TOKENS - 1) / PE_PAGE_TOKENS : 0;
  return pe_page_table_share (out, &r->pages[PE_POOL_WINDOW], &s->pages[PE_POOL_WINDOW],
                              pe_kv_first_page (&r->kv, PE_POOL_WINDOW, n), n_pages);
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
  struct pe_checkpoint c = { .n_tokens = s->n_tokens, .slot = UINT32_MAX, .used = ++r->clock };
  if (pe_runtime_has_state (r)) {
    if (!take_slot (r, &c.slot, NULL))
      return true; /* every slot is somebody's live state: going back will start over */
    if (!copy_state (r, s->state_slot, c.slot, error)) {
      r->state_used[c.slot] = false;
      return false;
    }
  }
  if (!share_window (s, s->n_tokens, &c.window)) {
    if (c.slot != UINT32_MAX)
      r->state_used[c.slot] = false;
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to remember a place");
  }
  if (s->n_checkpoints == PE_MAX_CHECKPOINTS) {
    size_t oldest = 0;
    for (size_t i = 1; i < s->n_checkpoints; i++)
      oldest = s->checkpoints[i].used < s->checkpoints[oldest].used ? i : oldest;
    drop_checkpoint (s, oldest);
  }
  s->checkpoints[s->n_checkpoints++] = c;
  return true;
}

static void
drop_checkpoints_behind (struct pe_sequence *s, size_t n)
{
  for (size_t i = s->n_checkpoints; i-- > 0;)
    if (s->checkpoints[i].n_tokens > n)
      drop_checkpoint (s, i);
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

/* Whether nothing is missing for going on behind the first n tokens. */
static bool
has_all_before (const struct pe_sequence *s, size_t n)
{
  const struct pe_runtime *r = s->runtime;
  if (pe_runtime_has_state (r) && n != s->n_tokens)
    return false;
  return n == 0 || s->pages[PE_POOL_WINDOW].first <= pe_kv_first_page (&r->kv, PE_POOL_WINDOW, n);
}

/* Brings `to`, whose pages of windows are none, to what `c` remembers; NULL: to the beginning. */
static bool
restore (struct pe_sequence *to, const struct pe_checkpoint *c, struct pe_error *error)
{
  struct pe_runtime *r = to->runtime;
  if (pe_runtime_has_state (r) && !(c ? copy_state (r, c->slot, to->state_slot, error)
                                      : clear_state (r, to->state_slot, error)))
    return false;
  return !c ||
         pe_page_table_share (&to->pages[PE_POOL_WINDOW], &r->pages[PE_POOL_WINDOW], &c->window,
                              c->window.first, c->window.n) ||
         pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the page table");
}

/* ---- pages ---- */

static void
cut_pages (struct pe_sequence *s, size_t n_tokens)
{
  for (uint32_t pool = 0; pool < PE_POOL_COUNT; pool++)
    pe_page_table_cut (&s->pages[pool], &s->runtime->pages[pool],
                       (n_tokens + PE_PAGE_TOKENS - 1) / PE_PAGE_TOKENS);
}

void
pe_sequence_trim (struct pe_sequence *s)
{
  cut_pages (s, s->n_tokens + s->n_pending); /* passes under way write to the last of these */
}

void
pe_sequence_move_windows (struct pe_sequence *s)
{
  struct pe_runtime *r = s->runtime;
  size_t from = s->n_tokens > PE_WINDOW_SLACK ? s->n_tokens - PE_WINDOW_SLACK : 0;
  pe_page_table_forget (&s->pages[PE_POOL_WINDOW], &r->pages[PE_POOL_WINDOW],
                        pe_kv_first_page (&r->kv, PE_POOL_WINDOW, from));
}

static bool
full (const struct pe_runtime *r, struct pe_error *error)
{
  return pe_fail (error, PE_ERROR_CONTEXT_FULL, "the context of %u tokens is full",
                  r->plan->request.n_ctx);
}

/* Checkpoints give way to what is computed. */
static bool
take_page (struct pe_runtime *r, uint32_t pool, uint32_t *slot, struct pe_error *error)
{
  while (!pe_page_take (&r->pages[pool], slot))
    if (pool != PE_POOL_WINDOW || !drop_oldest_checkpoint (r))
      return full (r, error);
  return true;
}

/* A shared page gets a copy of its own before it is written to. */
static bool
make_private (struct pe_sequence *s, uint32_t pool, size_t index, struct pe_error *error)
{
  struct pe_runtime *r = s->runtime;
  struct pe_page_table *table = &s->pages[pool];
  uint32_t old = table->slots[index], own;
  if (!pe_page_is_shared (&r->pages[pool], old))
    return true;
  if (!take_page (r, pool, &own, error))
    return false;
  for (uint32_t il = 0; il < r->kv.n_layers; il++) {
    if (r->kv.layers[il].n_kv_heads == 0 || r->kv.layers[il].pool != pool)
      continue;
    size_t d = pe_runtime_stage_device (r, il + 1);
    if (!r->ops[d]->copy_page (r->backends[d], il + 1, old, own, error)) {
      pe_page_release (&r->pages[pool], own);
      return false;
    }
  }
  pe_page_release (&r->pages[pool], old);
  table->slots[index] = own;
  return true;
}

/* Pages of one pool for positions [have, need). */
static bool
reserve_pages (struct pe_sequence *s, uint32_t pool, size_t have, size_t need,
               struct pe_error *error)
{
  struct pe_page_table *table = &s->pages[pool];
  size_t first = have / PE_PAGE_TOKENS, n = (need + PE_PAGE_TOKENS - 1) / PE_PAGE_TOKENS;
  if (!pe_page_table_grow (table, n))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the page table");
  if (first < table->n && !make_private (s, pool, first, error))
    return false;
  for (; table->n < n; table->n++)
    if (!take_page (s->runtime, pool, &table->slots[table->n], error))
      return false;
  return true;
}

bool
pe_sequence_reserve (struct pe_sequence *s, size_t n, struct pe_error *error)
{
  struct pe_runtime *r = s->runtime;
  size_t have = s->n_tokens + s->n_pending, need = have + n;
  if (s->state_is_stale && !clear_state (r, s->state_slot, error))
    return false;
  s->state_is_stale = false;
  if (need > r->plan->request.n_ctx)
    return full (r, error);
  if (!pe_grow (&s->tokens, &s->tokens_capacity, need, sizeof *s->tokens))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the conversation's tokens");
  for (uint32_t pool = 0; pool < PE_POOL_COUNT; pool++)
    if (r->kv.n_pages[pool] && !reserve_pages (s, pool, have, need, error))
      return false;
  return true;
}

/* ---- the public part ---- */

bool
pe_sequence_has_room (const struct pe_sequence *s, size_t n)
{
  const struct pe_page_pool *pool = &s->runtime->pages[PE_POOL_ALL];
  const struct pe_page_table *table = &s->pages[PE_POOL_ALL];
  size_t first = s->n_tokens / PE_PAGE_TOKENS, wanted = (n + PE_PAGE_TOKENS - 1) / PE_PAGE_TOKENS;
  if (pool->n_pages == 0 || n <= s->n_tokens)
    return true;
  /* One that is shared is copied before it is written to. */
  bool copies = first < table->n && pe_page_is_shared (pool, table->slots[first]);
  return (wanted > table->n ? wanted - table->n : 0) + copies <= pool->n_free;
}

bool
pe_sequence_new (struct pe_runtime *runtime, struct pe_sequence **out, struct pe_error *error)
{
  struct pe_sequence *s = pe_calloc (1, sizeof *s);
  if (!s)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for a conversation");
  s->runtime = runtime;
  s->state_slot = UINT32_MAX;
  if (pe_runtime_has_state (runtime)) {
    uint32_t slot = UINT32_MAX;
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
  for (uint32_t pool = 0; pool < PE_POOL_COUNT; pool++)
    pe_page_table_clear (&s->pages[pool], &r->pages[pool]);
  while (s->n_checkpoints)
    drop_checkpoint (s, s->n_checkpoints - 1);
  if (s->state_slot != UINT32_MAX)
    r->state_used[s->state_slot] = false;
  if (s->next)
    s->next->previous = s->previous;
  if (s->previous)
    s->previous->next = s->next;
  else
    r->sequences = s->next;
  pe_free (s->tokens);
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

/* Back to the latest place at or before the first n tokens that can be had without computing. */
static bool
go_back (struct pe_sequence *s, size_t n, struct pe_error *error)
{
  if (!has_all_before (s, n)) {
    const struct pe_checkpoint *c = best_checkpoint (s, n);
    n = c ? c->n_tokens : 0;
    pe_page_table_cut (&s->pages[PE_POOL_WINDOW], &s->runtime->pages[PE_POOL_WINDOW], 0);
    if (!restore (s, c, error)) {
      keep_tokens (s, 0);
      s->state_is_stale = pe_runtime_has_state (s->runtime);
      return false;
    }
  }
  keep_tokens (s, n);
  return true;
}

bool
pe_sequence_truncate (struct pe_sequence *s, size_t n, size_t *n_kept, struct pe_error *error)
{
  if (n < s->n_tokens) {
    pe_runtime_drop_guess (s->runtime);
    if (!go_back (s, n, error))
      return false;
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
  pe_page_table_cut (&s->pages[PE_POOL_WINDOW], &s->runtime->pages[PE_POOL_WINDOW], 0);
  if (c && restore (s, c, NULL))
    keep_tokens (s, c->n_tokens);
  else {
    keep_tokens (s, 0);
    s->state_is_stale = !clear_state (s->runtime, s->state_slot, NULL);
  }
}

/* What the first n tokens of `s` left, into the empty `fork`; its tokens are not there yet. */
static bool
copy_past (const struct pe_sequence *s, size_t n, struct pe_sequence *fork, struct pe_error *error)
{
  struct pe_runtime *r = s->runtime;
  size_t n_pages = r->kv.n_pages[PE_POOL_ALL] ? (n + PE_PAGE_TOKENS - 1) / PE_PAGE_TOKENS : 0;
  if (!pe_grow (&fork->tokens, &fork->tokens_capacity, n, sizeof *fork->tokens) ||
      !pe_page_table_share (&fork->pages[PE_POOL_ALL], &r->pages[PE_POOL_ALL],
                            &s->pages[PE_POOL_ALL], 0, n_pages))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for a conversation");
  return true;
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
  bool here = has_all_before (s, n), ok = true;
  const struct pe_checkpoint *c = here ? NULL : best_checkpoint (s, n);
  if (!here)
    n = c ? c->n_tokens : 0;
  ok = copy_past (s, n, fork, error);
  if (ok && c)
    ok = restore (fork, c, error);
  else if (ok && n > 0) {
    ok = share_window (s, n, &fork->pages[PE_POOL_WINDOW]) ||
         pe_fail (error, PE_ERROR_MEMORY, "not enough memory for a conversation");
    if (ok && pe_runtime_has_state (r))
      ok = copy_state (r, s->state_slot, fork->state_slot, error);
  }
  if (!ok) {
    pe_sequence_free (fork);
    return false;
  }
  if (n)
    memcpy (fork->tokens, s->tokens, n * sizeof *s->tokens);
  fork->n_tokens = n;
  *out = fork;
  return true;
}
