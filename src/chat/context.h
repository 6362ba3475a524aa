/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What has to be forgotten so that the rest fits the context. Only a proposal: nothing is left out
 * that a person has not agreed to.
 */
#pragma once

#include "chat/parley-chat.h"

/* Room that is kept for a reply: what the person allows one to be, within reason. */
guint parley_context_get_room (guint limit, guint max_tokens);

/* TRUE: it fits. Else fills in `overflow`, whose n_messages counts turns, and the number of the
 * first turn that would be kept (of a person, where there is one). The first `n_fixed` turns (the
 * system prompt) and the last one always stay. */
gboolean parley_context_plan (const ParleyMeasure *measure, GPtrArray *turns, guint n_fixed,
                              guint max_tokens, ParleyOverflow *overflow, guint *first_kept);
