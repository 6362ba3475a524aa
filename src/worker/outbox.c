/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/outbox.h"

#include <string.h>

typedef struct {
  ParleyTextKind kind;
  char *name;
  GString *text;
} OutboxPart;

static void
part_free (gpointer data)
{
  OutboxPart *part = data;
  g_free (part->name);
  g_string_free (part->text, TRUE);
  g_free (part);
}

void
outbox_init (Outbox *self, guint64 id, guint credit)
{
  *self = (Outbox){ .id = id, .credit = credit };
  self->parts = g_ptr_array_new_with_free_func (part_free);
}

void
outbox_clear (Outbox *self)
{
  g_clear_pointer (&self->parts, g_ptr_array_unref);
}

void
outbox_add (Outbox *self, ParleyTextKind kind, const char *name, const char *text, gsize n)
{
  if (n == 0)
    return;
  OutboxPart *part = self->parts->len ? self->parts->pdata[self->parts->len - 1] : NULL;
  if (!part || part->kind != kind || g_strcmp0 (part->name, name) != 0) {
    part = g_new (OutboxPart, 1);
    *part = (OutboxPart){ kind, g_strdup (name), g_string_new (NULL) };
    g_ptr_array_add (self->parts, part);
  }
  self->n_bytes += n;
  while (n > 0) {
    gsize run = strnlen (text, n);
    g_string_append_len (part->text, text, (gssize) run);
    if (run < n) {
      g_string_append (part->text, "\xef\xbf\xbd");
      run++;
    }
    text += run;
    n -= run;
  }
}

gboolean
outbox_flush (Outbox *self, gboolean now, OutboxSend send, gpointer data)
{
  if (self->parts->len == 0)
    return TRUE;
  gint64 time = g_get_monotonic_time ();
  if (self->credit == 0 || (!now && time - self->last_sent < WORKER_FRAME_US))
    return FALSE;
  GVariantBuilder parts;
  g_variant_builder_init (&parts, G_VARIANT_TYPE ("a(uss)"));
  for (guint i = 0; i < self->parts->len; i++) {
    OutboxPart *part = self->parts->pdata[i];
    g_variant_builder_add (&parts, "(uss)", (guint32) part->kind, part->name ? part->name : "",
                           part->text->str);
  }
  g_ptr_array_set_size (self->parts, 0);
  self->n_bytes = 0;
  self->credit--;
  self->last_sent = time;
  send (data, self->id, self->sequence++, g_variant_builder_end (&parts));
  return TRUE;
}

gboolean
outbox_is_full (const Outbox *self)
{
  return self->n_bytes >= WORKER_MAX_PART_BYTES / 2 || self->parts->len >= WORKER_MAX_PARTS / 2;
}
