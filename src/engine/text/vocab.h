/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside of a vocabulary, for the tokenizers of this folder. Immutable after loading.
 */
#pragma once

#include "base/alloc.h"
#include "engine/format/gguf.h"
#include "engine/text/pretokenizer.h"
#include "engine/text/tokenizer.h"
#include "engine/text/trie.h"

enum pe_vocab_kind { PE_VOCAB_SPM, PE_VOCAB_BPE, PE_VOCAB_UNIGRAM, PE_VOCAB_WORDPIECE };

struct pe_token {
  struct pe_string text;
  struct pe_string piece; /* what it stands for in a text, when it is printed */
  float score;
  uint8_t attributes; /* 0: an ordinary token */
  bool ends_generation;
  bool strips_left, strips_right; /* special tokens that swallow white space beside them */
};

/* What two neighbouring symbols of byte-pair encoding become. */
struct pe_merge {
  uint64_t pair; /* left << 32 | right */
  uint32_t rank; /* PE_NO_RANK: the slot is free */
  uint32_t result;
};
#define PE_NO_RANK   UINT32_MAX
#define PE_NO_SYMBOL UINT32_MAX

struct pe_vocab {
  enum pe_vocab_kind kind;
  struct pe_vocab_info info;
  struct pe_arena arena;
  const struct pe_gguf *gguf;

  struct pe_token *tokens;
  /* Symbols are the tokens and, after them, further texts that only merges know. */
  struct pe_string *extras;
  size_t n_extras, extras_capacity;
  struct pe_hash_key hash_key;
  uint32_t *slots; /* by text: symbol + 1, or 0 */
  size_t n_slots;
  size_t longest;   /* bytes of the longest token */
  bool joins_words; /* something is merged over the beginning of a run of U+2581 */

  int32_t byte_tokens[256];   /* what one byte becomes when nothing else fits */
  uint32_t byte_symbols[256]; /* byte-level BPE: the symbol of a byte */
  struct pe_trie specials;    /* control, unknown and user-defined tokens */
  bool special_begins[256];   /* first bytes of those */

  /* BPE */
  struct pe_merge *merges;
  size_t n_merge_slots;
  struct pe_pretokenizer *pretokenizer;
  bool is_plain;    /* merges work on UTF-8 with U+2581 for blanks, not on mapped bytes */
  bool lacks_bytes; /* not every byte has a token: what is no UTF-8 becomes U+FFFD */
  bool takes_whole; /* a piece that is a token is not built by merges */
  /* Unigram */
  struct pe_trie words;
  float unknown_score;
  const unsigned char *charsmap; /* normalisation: a double array ... */
  uint32_t n_charsmap;           /* ... of so many 32-bit units ... */
  struct pe_string replacements; /* ... and zero-terminated texts */
  bool merges_spaces;
};

#define PE_BLANK "\xe2\x96\x81" /* U+2581, which stands for a blank in vocabularies */

/* The symbol with this text, or PE_NO_SYMBOL; below n_tokens it is a token. */
uint32_t pe_vocab_symbol (const struct pe_vocab *vocab, const char *text, size_t n);
/* A token that ordinary text may become: never a control, unknown or byte token. */
uint32_t pe_vocab_word (const struct pe_vocab *vocab, const char *text, size_t n);

static inline struct pe_string
pe_vocab_text (const struct pe_vocab *vocab, uint32_t symbol)
{
  return symbol < vocab->info.n_tokens ? vocab->tokens[symbol].text
                                       : vocab->extras[symbol - vocab->info.n_tokens];
}

/* Whether U+2581 stands behind another character. */
bool pe_has_inner_blank (struct pe_string text);
/* Where the word that begins at `at` ends: before the next run of U+2581 behind a character. What
 * no token joins can be merged by itself, in memory that stays in the processor's caches. */
size_t pe_vocab_word_end (const struct pe_vocab *vocab, const char *text, size_t at, size_t n);

/* Parts of loading that belong to a kind. */
bool pe_bpe_load (struct pe_vocab *vocab, struct pe_error *error);
bool pe_unigram_load (struct pe_vocab *vocab, struct pe_error *error);
bool pe_vocab_add_symbol (struct pe_vocab *vocab, struct pe_string text, uint32_t *out,
                          struct pe_error *error);

/* One stretch of text without special tokens. `at_start`: nothing, or a special token, is before
 * it. All append to *tokens; false means memory or a limit. */
struct pe_stretch {
  const char *text;
  size_t n;
  bool at_start;
};
bool pe_spm_tokenize (const struct pe_vocab *vocab, struct pe_stretch stretch,
                      struct pe_tokens *tokens, struct pe_error *error);
bool pe_bpe_tokenize (const struct pe_vocab *vocab, struct pe_stretch stretch,
                      struct pe_tokens *tokens, struct pe_error *error);
bool pe_unigram_tokenize (const struct pe_vocab *vocab, struct pe_stretch stretch,
                          struct pe_tokens *tokens, struct pe_error *error);
bool pe_wordpiece_tokenize (const struct pe_vocab *vocab, struct pe_stretch stretch,
                            struct pe_tokens *tokens, struct pe_error *error);

bool pe_tokens_add (struct pe_tokens *tokens, int32_t id, struct pe_error *error);
/* The bytes one by one, for what no token covers. */
bool pe_tokens_add_bytes (const struct pe_vocab *vocab, const char *text, size_t n,
                          struct pe_tokens *tokens, struct pe_error *error);
