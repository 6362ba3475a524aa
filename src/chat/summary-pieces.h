/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A long conversation as text, cut into pieces that a model can sum up one after the other. Pure.
 */
#pragma once

#include "store/parley-chat-records.h"

G_BEGIN_DECLS

typedef struct _ParleySummaryText ParleySummaryText;

ParleySummaryText *parley_summary_text_new (void);
void parley_summary_text_free (ParleySummaryText *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleySummaryText, parley_summary_text_free)

void parley_summary_text_add (ParleySummaryText *self, ParleyRole author, const char *text);
gsize parley_summary_text_get_length (ParleySummaryText *self); /* bytes */

/* Where the piece ends that begins at `from`, less than the length, and has at most `max` > 0 bytes
 * (or one character): before a message, else behind a paragraph, a line, a sentence, a word, as far
 * as the piece is not less than half as long as it could be. */
gsize parley_summary_text_find_end (ParleySummaryText *self, gsize from, gsize max);
/* The piece; what goes on with a message that was cut says whose it is. */
char *parley_summary_text_dup_piece (ParleySummaryText *self, gsize from, gsize end);

/* How the pieces are made for so many tokens of a context, given how long the wish around them is,
 * with what the pieces before said. FALSE: too little for a piece that makes sense. */
typedef struct {
  gsize piece_bytes;
  guint reply_tokens; /* for what is written of it */
} ParleySummaryRoom;

gboolean parley_summary_room (guint tokens, double bytes_per_token, gsize wish_bytes,
                              ParleySummaryRoom *room);

G_END_DECLS
