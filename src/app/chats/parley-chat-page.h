/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A conversation: header with the model and its load panel, transcript, composer.
 */
#pragma once

#include "app/parley-services.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_CHAT_PAGE (parley_chat_page_get_type ())
G_DECLARE_FINAL_TYPE (ParleyChatPage, parley_chat_page, PARLEY, CHAT_PAGE, GtkBox)

GtkWidget *parley_chat_page_new (ParleyServices *services);
GtkWidget *parley_chat_page_get_header (ParleyChatPage *self);

ParleyChat *parley_chat_page_get_chat (ParleyChatPage *self); /* NULL: none */
void parley_chat_page_set_chat (ParleyChatPage *self, ParleyChat *chat);
gboolean parley_chat_page_has_messages (ParleyChatPage *self);
void parley_chat_page_save_draft (ParleyChatPage *self);
void parley_chat_page_flush_draft (ParleyChatPage *self); /* the window closes */
/* What a new chat is begun with, text and files; for who deletes everything in the store. */
void parley_chat_page_forget_new_draft (ParleyChatPage *self);
void parley_chat_page_focus (ParleyChatPage *self);

void parley_chat_page_use_model (ParleyChatPage *self, ParleyModel *model);
void parley_chat_page_pick_model (ParleyChatPage *self);
/* The one that the chat would be answered by, if it is not loaded. */
void parley_chat_page_load_model (ParleyChatPage *self);
void parley_chat_page_show_load_panel (ParleyChatPage *self);
void parley_chat_page_attach (ParleyChatPage *self); /* asks which files */
void parley_chat_page_attach_file (ParleyChatPage *self, GFile *file);
/* Brings a message into view with the words of a search marked in it. */
void parley_chat_page_show_hit (ParleyChatPage *self, gint64 message, const char *query);
/* Leaves a message as it was that is being written anew. FALSE: none is. */
gboolean parley_chat_page_stop_editing (ParleyChatPage *self);
void parley_chat_page_regenerate (ParleyChatPage *self);
void parley_chat_page_edit_last (ParleyChatPage *self);      /* what the person wrote last */
gboolean parley_chat_page_copy_reply (ParleyChatPage *self); /* FALSE: there is none */
void parley_chat_page_step_version (ParleyChatPage *self, int step); /* of the last reply */

G_END_DECLS
