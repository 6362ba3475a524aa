/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The messages of a chat, the latest of them at once and earlier ones on the way up. Follows a
 * growing reply only when the end was in view already.
 */
#pragma once

#include "chat/parley-chat.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_TRANSCRIPT (parley_transcript_get_type ())
G_DECLARE_FINAL_TYPE (ParleyTranscript, parley_transcript, PARLEY, TRANSCRIPT, GtkWidget)

GtkWidget *parley_transcript_new (void);
void parley_transcript_set_chat (ParleyTranscript *self, ParleyChat *chat); /* NULL: none */
void parley_transcript_to_end (ParleyTranscript *self);

/* Brings a message into view, and marks the words of a search in all that are shown; they stay
 * marked until another chat comes or the query is NULL. message 0: only marks. */
void parley_transcript_show_hit (ParleyTranscript *self, gint64 message, const char *query);
/* Signal "edit" (ParleyMessage *). */

G_END_DECLS
