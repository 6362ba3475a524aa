/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The files that go along with the next message: a chip for each, with what it costs in tokens and
 * a button that takes it off again. Hidden while there are none.
 *
 * Signal "changed" (): a file came, was read, was counted or was taken off.
 */
#pragma once

#include "chat/parley-chat.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_ATTACHMENTS (parley_attachments_get_type ())
G_DECLARE_FINAL_TYPE (ParleyAttachments, parley_attachments, PARLEY, ATTACHMENTS, GtkWidget)

GtkWidget *parley_attachments_new (void);

/* Files belong to the chat they were added to: what another chat had comes back with it, and what
 * was there when the program ended. A temporary chat's are kept nowhere. */
void parley_attachments_set_chat (ParleyAttachments *self, ParleyChat *chat, ParleyStore *store);
/* What cannot be attached is told in a toast. */
void parley_attachments_add (ParleyAttachments *self, GFile *file);
guint parley_attachments_get_tokens (ParleyAttachments *self); /* of all, as far as known */
guint parley_attachments_get_n (ParleyAttachments *self);
gboolean parley_attachments_is_reading (ParleyAttachments *self);
/* An array of ParleyPartRecord: what was read so far. */
GPtrArray *parley_attachments_dup_parts (ParleyAttachments *self);
void parley_attachments_clear (ParleyAttachments *self);
/* What a new chat is begun with, be it shown or not; for who deletes everything in the store. */
void parley_attachments_forget_new (ParleyAttachments *self);

G_END_DECLS
