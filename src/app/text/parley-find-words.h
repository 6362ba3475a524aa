/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the words of a search lie in a text.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  gsize start, end; /* bytes */
} ParleyMatch;

/* Where words of the query begin words of the text, as the index of the store sees them: whatever
 * their case and diacritics, the last word as a beginning. Array of ParleyMatch, in order. */
GArray *parley_find_words (const char *text, const char *query);

G_END_DECLS
