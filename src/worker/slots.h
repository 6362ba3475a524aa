/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The conversations that a runtime has computed lately, so that a prompt is only read from where
 * it differs from one of them. Versions of a conversation share the pages of their common
 * beginning. What leaves nothing behind has a slot of its own. Engine thread only.
 */
#pragma once

#include "engine/runtime.h"

#define WORKER_MAX_SLOTS 4

struct slots {
  struct slot {
    struct pe_sequence *sequence; /* NULL: free */
    uint64_t used;
    uint64_t conversation; /* whose it is; 0: not known */
    bool busy;
  } all[WORKER_MAX_SLOTS], passing;
  uint64_t clock;
};

/* What wants a slot. */
struct slot_wish {
  uint64_t conversation; /* 0: none that is known */
  bool is_private;       /* nothing of it is kept, and no slot of others is used for it */
  bool is_aside;         /* no conversation but its own gives way */
};

/* A busy slot whose sequence begins with as many of `tokens` (n > 0 of them) as can be had without
 * computing, at most n - 1, and holds nothing else. NULL with *error: not even one can be made. */
struct slot *slots_acquire (struct slots *slots, struct pe_runtime *runtime, const int32_t *tokens,
                            size_t n, const struct slot_wish *wish, struct pe_error *error);

/* Keeps it for later requests, or forgets it. */
void slots_release (struct slots *slots, struct slot *slot, bool forget);

/* Gives up the slot that was not used for longest, of those that may give way, for its pages;
 * false: none is idle. */
bool slots_evict (struct slots *slots, const struct slot_wish *wish);

/* Frees all sequences, the busy ones too: before their runtime goes. */
void slots_clear (struct slots *slots);
