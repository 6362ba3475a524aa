/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Finds stop strings in a text that comes in pieces: what may be the beginning of one waits.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const char *const *stops; /* ends with NULL; may be NULL; not owned */
  GString *held;
} Stops;

void stops_init (Stops *self, const char *const *stops);
void stops_clear (Stops *self);

/* Appends to `out` what is certain to stand before any stop string. TRUE: one was found; nothing
 * of it or behind it is passed on, now or later. */
gboolean stops_push (Stops *self, const char *bytes, gsize n, GString *out);

/* The text ended: what waited was no stop string. */
void stops_finish (Stops *self, GString *out);

G_END_DECLS
