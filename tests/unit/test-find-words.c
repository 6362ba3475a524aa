/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the words of a search lie in a text: as the index of the store finds them.
 */
#include "app/text/parley-find-words.h"
#include "tests/harness.h"

/* `expected`: the text with what is found in brackets. */
static void
check (const char *text, const char *query, const char *expected)
{
  g_autoptr (GArray) matches = parley_find_words (text, query);
  g_autoptr (GString) marked = g_string_new (NULL);
  gsize at = 0;

  for (guint i = 0; i < matches->len; i++) {
    const ParleyMatch *match = &g_array_index (matches, ParleyMatch, i);
    CHECK (match->start >= at && match->end > match->start && match->end <= strlen (text));
    g_string_append_len (marked, text + at, (gssize) (match->start - at));
    g_string_append_printf (marked, "[%.*s]", (int) (match->end - match->start),
                            text + match->start);
    at = match->end;
  }
  g_string_append (marked, text + at);
  CHECK_STR (marked->str, expected);
}

static void
words (void)
{
  check ("The cache grows.", "cache", "The [cache] grows.");
  check ("Caching the CACHE", "cach", "[Cach]ing the [CACH]E");
  check ("subcache", "cache", "subcache");
  check ("one two three", "two thr", "one [two] [thr]ee");
  check ("twofold three", "two thr", "twofold [thr]ee");
  check ("a", "", "a");
  check ("a", "!?", "a");
  check ("", "a", "");
}

static void
letters_of_any_kind (void)
{
  check ("Über Öl", "uber", "[Über] Öl");
  check ("cafe\xcc\x81s", "café", "[cafe\xcc\x81]s");
  check ("ΑΒΓ αβγ", "αβ", "[ΑΒ]Γ [αβ]γ");
  check ("<b>bold</b>", "bold", "<b>[bold]</b>");
}

static void
the_best_has_most_words_together (void)
{
  const char *far = "of one, of two, of three. "
                    "........................................................................."
                    "......................................................................... "
                    "The three of them were one. Of one.";
  g_autoptr (GArray) matches = parley_find_words (far, "of them");
  guint n;

  const ParleyMatch *best = parley_best_match (matches, &n);
  CHECK (n == 2 && best != NULL && best->word == 0);
  CHECK_MSG (g_str_has_prefix (far + best->start, "of them"), "%s", far + best->start);
  g_autoptr (GArray) none = parley_find_words (far, "four");
  CHECK (parley_best_match (none, &n) == NULL && n == 0);
}

int
main (void)
{
  RUN (words);
  RUN (letters_of_any_kind);
  RUN (the_best_has_most_words_together);
  return test_done ();
}
