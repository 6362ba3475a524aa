/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message of a chat, and the parts that it consists of. Main thread only. Objects of a chat stay
 * the same for as long as the chat lives, on whichever version is shown.
 */
#pragma once

#include <gio/gio.h>

#include "chat/parley-reply.h"

G_BEGIN_DECLS

/* Properties (readable, notified): kind, text, name. A growing part notifies `text` once for what
 * came together; a view that follows it remembers how much it has shown, since text is only ever
 * appended. */
#define PARLEY_TYPE_PART (parley_part_get_type ())
G_DECLARE_FINAL_TYPE (ParleyPart, parley_part, PARLEY, PART, GObject)

ParleyPartKind parley_part_get_kind (ParleyPart *self);
const char *parley_part_get_text (ParleyPart *self);       /* valid until the next append */
gsize parley_part_get_length (ParleyPart *self);           /* bytes of the text */
const char *parley_part_get_name (ParleyPart *self);       /* NULL: none */
const char *parley_part_get_attachment (ParleyPart *self); /* SHA-256, NULL: none */

/* A GListModel of ParleyPart.
 * Properties (readable, notified): role, state (notifies for statistics and remark too), version,
 * n-versions, forgotten, can-continue. */
#define PARLEY_TYPE_MESSAGE (parley_message_get_type ())
G_DECLARE_FINAL_TYPE (ParleyMessage, parley_message, PARLEY, MESSAGE, GObject)

gint64 parley_message_get_id (ParleyMessage *self);
ParleyRole parley_message_get_role (ParleyMessage *self);
ParleyMessageState parley_message_get_state (ParleyMessage *self);
gint64 parley_message_get_created_at (ParleyMessage *self); /* microseconds since 1970 */
/* "2/3": this is the second of three versions, counted from 1. */
guint parley_message_get_version (ParleyMessage *self);
guint parley_message_get_n_versions (ParleyMessage *self);
/* TRUE: the model is no longer given this message; see ParleyChat's memory. */
gboolean parley_message_get_forgotten (ParleyMessage *self);
/* The text parts together: what copying and editing take. */
char *parley_message_dup_text (ParleyMessage *self);
gsize parley_message_get_length (ParleyMessage *self); /* of that text, in bytes */
/* How the reply came to be. NULL: not a finished reply. */
const ParleyReplyStats *parley_message_get_stats (ParleyMessage *self);
/* Why it is INTERRUPTED, STOPPED or FAILED, or why a complete reply ended early, as a sentence;
 * NULL: nothing to say. */
const char *parley_message_get_remark (ParleyMessage *self);
/* TRUE: parley_chat_continue() can go on with it. */
gboolean parley_message_can_continue (ParleyMessage *self);

G_END_DECLS
