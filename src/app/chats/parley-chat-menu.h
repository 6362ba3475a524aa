/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What can be done with a chat, as a menu: in its row of the sidebar and in its header.
 */
#pragma once

#include "chat/parley-chat.h"

G_BEGIN_DECLS

/* `open`: it is the chat that is shown, so that its settings and files belong to the menu. NULL
 * chat: an empty menu. */
GMenuModel *parley_chat_menu_new (ParleyChat *chat, gboolean open);

G_END_DECLS
