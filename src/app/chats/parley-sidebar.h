/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The places of the application and the list of chats, with search.
 */
#pragma once

#include "app/parley-services.h"
#include "chat/parley-chat-list.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_SIDEBAR (parley_sidebar_get_type ())
G_DECLARE_FINAL_TYPE (ParleySidebar, parley_sidebar, PARLEY, SIDEBAR, GtkBox)

GtkWidget *parley_sidebar_new (ParleyServices *services, GMenuModel *menu);

void parley_sidebar_set_folded (ParleySidebar *self, gboolean folded);
void parley_sidebar_set_place (ParleySidebar *self, const char *place);
void parley_sidebar_select_chat (ParleySidebar *self, ParleyChat *chat); /* NULL: none */
/* Before its chats change theirs: it stays folded, or open. */
void parley_sidebar_rename_folder (ParleySidebar *self, const char *from, const char *to);
/* Chooses the chat that many below the shown one. */
void parley_sidebar_step_chat (ParleySidebar *self, int step);
void parley_sidebar_start_search (ParleySidebar *self);
/* What is searched for, NULL: nothing. */
const char *parley_sidebar_get_query (ParleySidebar *self);
void parley_sidebar_search (ParleySidebar *self, const char *text);

/* Signal "chat-chosen" (ParleyChat *, gint64 message): message 0, or the one a search found. */

G_END_DECLS
