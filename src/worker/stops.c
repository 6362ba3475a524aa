/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/stops.h"

#include <string.h>

void
stops_init (Stops *self, const char *const *stops)
{
  self->stops = stops;
  self->held = g_string_new (NULL);
}

void
stops_clear (Stops *self)
{
  if (self->held)
    g_string_free (self->held, TRUE);
  self->held = NULL;
}

/* How many of the last bytes are the beginning of a stop string. */
static gsize
beginning_at_end (const Stops *self)
{
  gsize longest = 0;
  for (const char *const *stop = self->stops; stop && *stop; stop++) {
    gsize n = MIN (strlen (*stop) - 1, self->held->len);
    for (; n > longest; n--)
      if (memcmp (self->held->str + self->held->len - n, *stop, n) == 0)
        longest = n;
  }
  return longest;
}

gboolean
stops_push (Stops *self, const char *bytes, gsize n, GString *out)
{
  g_string_append_len (self->held, bytes, (gssize) n);
  const char *first = NULL;
  for (const char *const *stop = self->stops; stop && *stop; stop++) {
    const char *found = memmem (self->held->str, self->held->len, *stop, strlen (*stop));
    if (found && (!first || found < first))
      first = found;
  }
  gsize certain =
      first ? (gsize) (first - self->held->str) : self->held->len - beginning_at_end (self);
  g_string_append_len (out, self->held->str, (gssize) certain);
  if (first)
    g_string_truncate (self->held, 0);
  else
    g_string_erase (self->held, 0, (gssize) certain);
  return first != NULL;
}

void
stops_finish (Stops *self, GString *out)
{
  g_string_append_len (out, self->held->str, (gssize) self->held->len);
  g_string_truncate (self->held, 0);
}
