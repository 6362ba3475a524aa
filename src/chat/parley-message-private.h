/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The side of messages that only their chat uses. A message knows its parent and children; the
 * chat owns all of them.
 */
#pragma once

#include "chat/parley-message.h"

ParleyMessage *_parley_message_new (const ParleyMessageRecord *record);
/* Takes over the state, parts and statistics of the record, as another process wrote it. */
void _parley_message_update (ParleyMessage *self, const ParleyMessageRecord *record);
/* A record with everything in it, for storing and copying. */
ParleyMessageRecord *_parley_message_to_record (ParleyMessage *self, gint64 chat);

ParleyMessage *_parley_message_get_parent (ParleyMessage *self);
void _parley_message_add_child (ParleyMessage *self, ParleyMessage *child);
GPtrArray *_parley_message_get_children (ParleyMessage *self); /* of ParleyMessage, not owned */
gint64 _parley_message_get_chosen_child (ParleyMessage *self);
void _parley_message_set_chosen_child (ParleyMessage *self, gint64 id);
gint64 _parley_message_get_deleted_at (ParleyMessage *self);
void _parley_message_set_deleted_at (ParleyMessage *self, gint64 when);

/* Where it stands on the shown path. */
void _parley_message_place (ParleyMessage *self, guint version, guint n_versions,
                            gboolean forgotten, gboolean last);

void _parley_message_resume (ParleyMessage *self);
/* Appends a stretch of a reply; returns the number of the part that it went to. */
guint _parley_message_append (ParleyMessage *self, ParleyPartKind kind, const char *name,
                              const char *text);
/* `generation`: taken; NULL: none. */
void _parley_message_finish (ParleyMessage *self, ParleyMessageState state,
                             ParleyGenerationRecord *generation);
const ParleyGenerationRecord *_parley_message_get_generation (ParleyMessage *self);
