/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the words of a search lie in a text.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  gsize start, end; /* bytes */
  guint word;       /* which of the query, from 0 */
} ParleyMatch;

/* Where words of the query begin words of the text, as the index of the store sees them: whatever
 * their case and diacritics, the last word as a beginning. Array of ParleyMatch, in order. */
GArray *parley_find_words (const char *text, const char *query);

/* The match with the most different words of the query at it or close behind it, the first of such;
 * *n_words becomes how many. NULL, and 0, where there are no matches. */
const ParleyMatch *parley_best_match (const GArray *matches, guint *n_words);

G_END_DECLS
