/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/context.h"

#define USUAL_ROOM 512

guint
parley_context_get_room (guint limit, guint max_tokens)
{
  guint wanted = max_tokens > 0 ? MIN (max_tokens, USUAL_ROOM) : USUAL_ROOM;
  return MIN (wanted, limit / 4);
}

gboolean
parley_context_plan (const ParleyMeasure *measure, GPtrArray *turns, guint n_fixed,
                     guint max_tokens, ParleyOverflow *overflow, guint *first_kept)
{
  guint room = parley_context_get_room (measure->limit, max_tokens);
  guint n = MIN (measure->n_turns, turns->len);
  *overflow = (ParleyOverflow){ .needed = measure->total + room, .length = measure->limit };
  if (measure->limit == 0 || measure->total <= measure->limit - room)
    return TRUE;

  guint kept = measure->total, i = n_fixed;
  while (i + 1 < n && kept > measure->limit - room) {
    /* A person's message goes with all that answers it: no model expects a chat to begin with a
     * reply. */
    do {
      kept -= MIN (kept, measure->turns[i]);
      i++;
    } while (i + 1 < n && ((const ParleyTurn *) turns->pdata[i])->role != PARLEY_ROLE_USER);
  }
  *first_kept = i;
  if (kept <= measure->limit - room) {
    overflow->must_go = measure->total - kept;
    overflow->n_messages = i - n_fixed;
  }
  return FALSE;
}
