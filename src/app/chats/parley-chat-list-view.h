/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list of chats: pinned ones, folders that fold, then the rest, the latest first; or what a
 * search found. A chat is dragged onto a folder to move it there (the chat's menu does the same).
 *
 * Signal "chosen" (ParleyChat *, gint64 message).
 */
#pragma once

#include "chat/parley-chat-list.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_CHAT_LIST_VIEW (parley_chat_list_view_get_type ())
G_DECLARE_FINAL_TYPE (ParleyChatListView, parley_chat_list_view, PARLEY, CHAT_LIST_VIEW, GtkWidget)

GtkWidget *parley_chat_list_view_new (ParleyChatList *chats, ParleyStore *store);

/* Shows these hits (of ParleyChatHit) instead of the chats; NULL: the chats again. */
void parley_chat_list_view_set_hits (ParleyChatListView *self, GListModel *hits);
/* Before its chats change theirs: it stays folded, or open. */
void parley_chat_list_view_rename_folder (ParleyChatListView *self, const char *from,
                                          const char *to);
void parley_chat_list_view_select (ParleyChatListView *self, ParleyChat *chat); /* NULL: none */
/* Chooses the chat that many rows below the selected one, or from the top; folded ones are passed.
 */
void parley_chat_list_view_step (ParleyChatListView *self, int step);
gboolean parley_chat_list_view_is_empty (ParleyChatListView *self);

G_END_DECLS
