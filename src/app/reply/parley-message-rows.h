/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The rows of a conversation's messages, as many of them as are looked at: the latest, or those
 * around one that was searched for, and more on the way up and down. A row costs milliseconds, so
 * that only a few are made at once and the others between two frames. Only those in sight are drawn:
 * whoever moves or resizes what they scroll in has them drawn again (gtk_widget_queue_draw).
 */
#pragma once

#include "app/reply/parley-message-row.h"

G_BEGIN_DECLS

#define PARLEY_TYPE_MESSAGE_ROWS (parley_message_rows_get_type ())
G_DECLARE_FINAL_TYPE (ParleyMessageRows, parley_message_rows, PARLEY, MESSAGE_ROWS, GtkWidget)

#define PARLEY_MESSAGE_ROWS_SPACING 18 /* pixels between two rows */

GtkWidget *parley_message_rows_new (void);

/* NULL: none. Shows the latest; no words are marked. */
void parley_message_rows_set_chat (ParleyMessageRows *self, ParleyChat *chat);
void parley_message_rows_show_end (ParleyMessageRows *self);

/* Marks the words of a search in all rows there are and will be; NULL: in none. */
void parley_message_rows_set_query (ParleyMessageRows *self, const char *query);

/* The row of the message with this id, or NULL if the chat has none; others are let go of where it
 * lies too far up. Borrowed, until the chat changes or other rows are asked for. */
ParleyMessageRow *parley_message_rows_show (ParleyMessageRows *self, gint64 message);

/* Whether there are messages before or behind the rows that there are or will be by themselves; and
 * more of them. */
gboolean parley_message_rows_has_earlier (ParleyMessageRows *self);
gboolean parley_message_rows_has_later (ParleyMessageRows *self);
void parley_message_rows_add_earlier (ParleyMessageRows *self);
void parley_message_rows_add_later (ParleyMessageRows *self);

/* Signals: "edit" (ParleyMessage *), a person wants to; "prepended", a row came before the others
 * and is not laid out yet; "window-changed", has_earlier or has_later may answer otherwise. */

G_END_DECLS
