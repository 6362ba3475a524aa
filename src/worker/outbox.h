/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Parts of a reply on their way to the connection: gathered for the length of a display's frame,
 * and sent while the other side gives credit. Engine thread only.
 */
#pragma once

#include "worker/wire.h"

G_BEGIN_DECLS

typedef struct {
  guint64 id;
  guint credit, sequence;
  gint64 last_sent; /* monotonic, microseconds */
  GPtrArray *parts; /* of OutboxPart, not sent yet */
  gsize n_bytes;    /* of their text */
} Outbox;

typedef void (*OutboxSend) (gpointer data, guint64 id, guint sequence, GVariant *parts);

void outbox_init (Outbox *self, guint64 id, guint credit);
void outbox_clear (Outbox *self);

/* `text` is valid UTF-8; zeros in it become U+FFFD, since D-Bus has none. `name` may be NULL. */
void outbox_add (Outbox *self, ParleyTextKind kind, const char *name, const char *text, gsize n);

/* Sends what there is, if there is credit and, unless `now`, if a frame has passed. TRUE: nothing
 * is left. */
gboolean outbox_flush (Outbox *self, gboolean now, OutboxSend send, gpointer data);

/* So much waits for credit that generating should wait as well. */
gboolean outbox_is_full (const Outbox *self);

G_END_DECLS
