/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A chat in the sidebar: its title (and what a search found), whether it is answering, its menu.
 */
#pragma once

#include "chat/parley-chat-list.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_CHAT_ROW (parley_chat_row_get_type ())
G_DECLARE_FINAL_TYPE (ParleyChatRow, parley_chat_row, PARLEY, CHAT_ROW, GtkListBoxRow)

/* `hit` may be NULL. */
GtkWidget *parley_chat_row_new (ParleyChat *chat, ParleyChatHit *hit);
ParleyChat *parley_chat_row_get_chat (ParleyChatRow *self);
gint64 parley_chat_row_get_message (ParleyChatRow *self);
/* The button of its menu is made when it is first wanted. */
void parley_chat_row_show_button (ParleyChatRow *self);
void parley_chat_row_popup (ParleyChatRow *self);
/* In a folded folder only the header of a row shows. */
void parley_chat_row_set_folded (ParleyChatRow *self, gboolean folded);

G_END_DECLS
