/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one thing a person should know or decide before writing on: no model, loading, a failure,
 * no chat format, a full context. Hidden when there is nothing.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_CHAT_NOTICE (parley_chat_notice_get_type ())
G_DECLARE_FINAL_TYPE (ParleyChatNotice, parley_chat_notice, PARLEY, CHAT_NOTICE, GtkBox)

GtkWidget *parley_chat_notice_new (ParleyServices *services);
void parley_chat_notice_set_chat (ParleyChatNotice *self, ParleyChat *chat);

G_END_DECLS
