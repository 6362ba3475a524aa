/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One message of a conversation with its actions. A running reply is shown at most once per frame,
 * however quickly it comes.
 */
#pragma once

#include "app/reply/parley-highlight.h"
#include "chat/parley-chat.h"

G_BEGIN_DECLS

#define PARLEY_TYPE_MESSAGE_ROW (parley_message_row_get_type ())
G_DECLARE_FINAL_TYPE (ParleyMessageRow, parley_message_row, PARLEY, MESSAGE_ROW, GtkBox)

GtkWidget *parley_message_row_new (ParleyChat *chat, ParleyMessage *message);
ParleyMessage *parley_message_row_get_message (ParleyMessageRow *self);

/* Marks the words of a search in what was said (see parley-highlight.h). */
void parley_message_row_mark (ParleyMessageRow *self, const char *query, ParleyHit *best);

/* Signal "edit" (): the person wants to write this message anew. */

G_END_DECLS
