/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-find-words.h"

#define CLOSE 160 /* bytes: about two lines */

/* The letter without its case and marks. */
static gunichar
fold (gunichar c)
{
  gunichar base[8];
  gsize n = g_unichar_fully_decompose (g_unichar_tolower (c), FALSE, base, G_N_ELEMENTS (base));

  return n > 0 ? base[0] : c;
}

static gboolean
is_word (gunichar c)
{
  return g_unichar_isalnum (c) || g_unichar_ismark (c);
}

static GPtrArray *
words_of (const char *query)
{
  GPtrArray *words = g_ptr_array_new_with_free_func (g_free);
  const char *p = query;

  while (*p != '\0') {
    GString *word = g_string_new (NULL);
    for (; *p != '\0' && is_word (g_utf8_get_char (p)); p = g_utf8_next_char (p))
      if (!g_unichar_ismark (g_utf8_get_char (p)))
        g_string_append_unichar (word, fold (g_utf8_get_char (p)));
    if (word->len > 0)
      g_ptr_array_add (words, g_string_free (g_steal_pointer (&word), FALSE));
    else
      g_string_free (word, TRUE);
    while (*p != '\0' && !is_word (g_utf8_get_char (p)))
      p = g_utf8_next_char (p);
  }
  return words;
}

/* Where the word ends when the text begins with it, or NULL. */
static const char *
begins_with (const char *text, const char *word)
{
  while (*word != '\0') {
    while (*text != '\0' && g_unichar_ismark (g_utf8_get_char (text)))
      text = g_utf8_next_char (text);
    if (*text == '\0' || fold (g_utf8_get_char (text)) != g_utf8_get_char (word))
      return NULL;
    text = g_utf8_next_char (text);
    word = g_utf8_next_char (word);
  }
  while (*text != '\0' && g_unichar_ismark (g_utf8_get_char (text)))
    text = g_utf8_next_char (text);
  return text;
}

GArray *
parley_find_words (const char *text, const char *query)
{
  GArray *matches = g_array_new (FALSE, FALSE, sizeof (ParleyMatch));
  g_autoptr (GPtrArray) words = words_of (query != NULL ? query : "");
  gboolean inside = FALSE; /* a word of the text has begun before `p` */

  for (const char *p = text; words->len > 0 && *p != '\0'; p = g_utf8_next_char (p)) {
    gboolean word = is_word (g_utf8_get_char (p));
    for (guint i = 0; word && !inside && i < words->len; i++) {
      const char *end = begins_with (p, words->pdata[i]);
      gboolean whole = end != NULL && (*end == '\0' || !is_word (g_utf8_get_char (end)));
      if (end == NULL || (!whole && i + 1 < words->len))
        continue;
      ParleyMatch match = { (gsize) (p - text), (gsize) (end - text), i };
      g_array_append_val (matches, match);
      break;
    }
    inside = word;
  }
  return matches;
}

const ParleyMatch *
parley_best_match (const GArray *matches, guint *n_words)
{
  const ParleyMatch *best = NULL;

  *n_words = 0;
  for (guint i = 0; i < matches->len; i++) {
    const ParleyMatch *match = &g_array_index (matches, ParleyMatch, i);
    guint64 seen = 0;
    for (guint k = i; k < matches->len; k++) {
      const ParleyMatch *next = &g_array_index (matches, ParleyMatch, k);
      if (next->start > match->start + CLOSE)
        break;
      seen |= G_GUINT64_CONSTANT (1) << MIN (next->word, 63);
    }
    guint n = (guint) __builtin_popcountll (seen);
    if (n > *n_words) {
      best = match;
      *n_words = n;
    }
  }
  return best;
}
