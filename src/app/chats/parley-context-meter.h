/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How full a chat's context is: a bar and figures. Hidden while that is not known.
 */
#pragma once

#include "chat/parley-chat.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_CONTEXT_METER (parley_context_meter_get_type ())
G_DECLARE_FINAL_TYPE (ParleyContextMeter, parley_context_meter, PARLEY, CONTEXT_METER, GtkBox)

GtkWidget *parley_context_meter_new (void);
void parley_context_meter_set_chat (ParleyContextMeter *self, ParleyChat *chat); /* NULL: none */
/* Tokens of files that go along with the next message: they count as used. */
void parley_context_meter_set_waiting (ParleyContextMeter *self, guint tokens);

G_END_DECLS
