/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a chat is answered: its system prompt, how words are chosen, how long a reply may be. Every
 * change takes effect at once, from the next reply on, and is stored with the chat.
 */
#pragma once

#include "chat/parley-chat.h"

#include <gtk/gtk.h>

void parley_chat_settings_present (GtkWindow *parent, ParleyChat *chat, ParleyStore *store);
