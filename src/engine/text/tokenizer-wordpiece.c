/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * WordPiece: words are cut greedily into the longest tokens; a word that cannot be covered is
 * unknown as a whole. Vocabularies in GGUF files mark the beginnings of words with U+2581. As
 * there, letters lose their case and their accents. Source: Devlin et al. 2019.
 */
#include "engine/text/vocab.h"

#include "base/utf8.h"
#include "engine/text/char.h"
#include "engine/text/wordpiece-tables.h"

#include <string.h>

static bool
in_ranges (const uint32_t (*table)[2], size_t n, uint32_t c)
{
  size_t low = 0, high = n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (table[middle][1] < c)
      low = middle + 1;
    else
      high = middle;
  }
  return low < n && table[low][0] <= c;
}

#define IN(table, c) in_ranges (table, sizeof table / sizeof *table, c)

static uint32_t
base_of (uint32_t c)
{
  if (c >= 0xac00 && c <= 0xd7a3) /* Hangul syllables: the leading consonant */
    return 0x1100 + (c - 0xac00) / 588;
  size_t low = 0, high = sizeof bases / sizeof *bases;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (bases[middle][0] < c)
      low = middle + 1;
    else
      high = middle;
  }
  return low < sizeof bases / sizeof *bases && bases[low][0] == c ? bases[low][1] : c;
}

static bool
is_ideograph (uint32_t c)
{
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
         (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2ceaf) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

static bool
stands_alone (uint32_t c)
{
  return IN (punctuation_ranges, c) || (c < 0x7f && c > ' ' && strchr ("$+<=>^`|~", (int) c)) ||
         is_ideograph (c);
}

struct word {
  char *data; /* begins with U+2581 */
  size_t n, capacity;
};

static bool
append (struct word *word, const char *bytes, size_t n, struct pe_error *error)
{
  if (!pe_grow (&word->data, &word->capacity, word->n + n, 1))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to tokenise the text");
  memcpy (word->data + word->n, bytes, n);
  word->n += n;
  return true;
}

/* Ends the word: adds its tokens, and begins the next one. */
static bool
flush (const struct pe_vocab *vocab, struct word *word, struct pe_tokens *tokens,
       struct pe_error *error)
{
  size_t n_before = tokens->n;
  bool covered = word->n > 3;
  for (size_t at = 0; covered && at < word->n;) {
    size_t longest = 0;
    uint32_t token = 0, node = 0;
    for (size_t i = at; i < word->n; i++) {
      node = pe_trie_step (&vocab->words, node, (unsigned char) word->data[i]);
      if (node == PE_TRIE_NONE)
        break;
      if (vocab->words.values[node] != PE_TRIE_NONE) {
        token = vocab->words.values[node];
        longest = i + 1 - at;
      }
    }
    covered = longest > 0;
    at += longest;
    if (covered && !pe_tokens_add (tokens, (int32_t) token, error))
      return false;
  }
  if (!covered && word->n > 3) {
    tokens->n = n_before;
    if (vocab->info.unknown != PE_NO_TOKEN && !pe_tokens_add (tokens, vocab->info.unknown, error))
      return false;
  }
  word->n = 0;
  return append (word, PE_BLANK, 3, error);
}

static bool
add_char (const struct pe_vocab *vocab, struct word *word, uint32_t c, struct pe_tokens *tokens,
          struct pe_error *error)
{
  c = base_of (c);
  if (pe_char_is_space (c))
    return flush (vocab, word, tokens, error);
  if (c == 0xfffd || IN (omitted_ranges, c))
    return true;
  uint32_t lower[3];
  unsigned n_lower = pe_char_convert (c, PE_CASE_LOWER, lower);
  bool alone = stands_alone (c);
  if (alone && !flush (vocab, word, tokens, error))
    return false;
  for (unsigned i = 0; i < n_lower; i++) {
    char bytes[4];
    if (!append (word, bytes, pe_utf8_put (lower[i], bytes), error))
      return false;
  }
  return !alone || flush (vocab, word, tokens, error);
}

bool
pe_wordpiece_tokenize (const struct pe_vocab *vocab, struct pe_stretch stretch,
                       struct pe_tokens *tokens, struct pe_error *error)
{
  struct word word = { 0 };
  bool ok = append (&word, PE_BLANK, 3, error);
  for (size_t i = 0; ok && i < stretch.n;) {
    uint32_t c = 0xfffd;
    unsigned length = pe_utf8_next (stretch.text + i, stretch.n - i, &c);
    i += length ? length : 1;
    ok = add_char (vocab, &word, length ? c : 0xfffd, tokens, error);
  }
  ok = ok && flush (vocab, &word, tokens, error);
  pe_free (word.data);
  return ok;
}
