/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All chats of a store: a GListModel of ParleyChat, pinned ones first, then the latest changed.
 * There is one object for each chat. Follows what other processes do. Main thread only.
 */
#pragma once

#include "chat/parley-chat.h"

G_BEGIN_DECLS

#define PARLEY_TYPE_CHAT_LIST (parley_chat_list_get_type ())
G_DECLARE_FINAL_TYPE (ParleyChatList, parley_chat_list, PARLEY, CHAT_LIST, GObject)

ParleyChatList *parley_chat_list_new (ParleyStore *store, GError **error);

/* A new chat; it joins the list with its first message. */
ParleyChat *parley_chat_list_create (ParleyChatList *self);
/* NULL: no such chat. Not a new reference. */
ParleyChat *parley_chat_list_find (ParleyChatList *self, gint64 id);

/* Takes a chat out of the list; it stays on disk for an hour or until the next start after that,
 * and `restore` brings it back. A running reply is stopped. */
void parley_chat_list_delete (ParleyChatList *self, ParleyChat *chat);
gboolean parley_chat_list_restore (ParleyChatList *self, ParleyChat *chat); /* FALSE: gone */
/* Takes all chats out of the list without changing the store: it was emptied. Replies are cut off.
 */
void parley_chat_list_clear (ParleyChatList *self);
/* With all versions, but for a reply that is being written. */
ParleyChat *parley_chat_list_duplicate (ParleyChatList *self, ParleyChat *chat);

/* Lets a chat join that was made by other means (parley_chat_branch); returns it. */
ParleyChat *parley_chat_list_adopt (ParleyChatList *self, ParleyChat *chat);
/* The same for many at once (of ParleyChat), in one change of the list. */
void parley_chat_list_adopt_all (ParleyChatList *self, GPtrArray *chats);

/* Reads the list from the store again: after a clear that was in vain. */
void parley_chat_list_reload (ParleyChatList *self);

/* A hit of a search. */
#define PARLEY_TYPE_CHAT_HIT (parley_chat_hit_get_type ())
G_DECLARE_FINAL_TYPE (ParleyChatHit, parley_chat_hit, PARLEY, CHAT_HIT, GObject)

ParleyChat *parley_chat_hit_get_chat (ParleyChatHit *self);
gint64 parley_chat_hit_get_message (ParleyChatHit *self);      /* 0: in the title */
const char *parley_chat_hit_get_snippet (ParleyChatHit *self); /* plain text, one line */
/* Stretches of the snippet that match, in bytes; not owned. */
const ParleySearchMatch *parley_chat_hit_get_matches (ParleyChatHit *self, guint *n);

/* Searches titles and messages on another thread; at most 200 hits, best first. The result is a
 * GListModel of ParleyChatHit. */
void parley_chat_list_search_async (ParleyChatList *self, const char *query,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer data);
GListModel *parley_chat_list_search_finish (ParleyChatList *self, GAsyncResult *result,
                                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
