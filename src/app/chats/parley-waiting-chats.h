/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chats that wait for a model while another one is shown: each gets its model as soon as there is
 * one and no other is being loaded. The chat that is shown asks by itself. Main thread only.
 */
#pragma once

#include "app/parley-services.h"

G_BEGIN_DECLS

/* Watches until it is freed, which has to come before the services go. */
ParleyWaitingChats *parley_waiting_chats_new (ParleyServices *services);
void parley_waiting_chats_free (ParleyWaitingChats *self); /* NULL is fine */

G_END_DECLS
