/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/vocab.h"

#include "engine/format/limits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What the file may leave out, by tokenizer.ggml.model. */
static const struct kind {
  const char *model;
  enum pe_vocab_kind kind;
  int32_t bos, eos, unknown, separator, padding;
  bool add_bos, add_eos, add_separator, add_space_prefix;
} kinds[] = {
  { "llama", PE_VOCAB_SPM, 1, 2, 0, -1, -1, true, false, false, true },
  { "gpt2", PE_VOCAB_BPE, 11, 11, -1, -1, -1, false, false, false, false },
  { "gemma4", PE_VOCAB_BPE, -1, -1, -1, -1, -1, true, false, false, false },
  { "bert", PE_VOCAB_WORDPIECE, 101, -1, 100, 102, 0, true, false, true, false },
  { "t5", PE_VOCAB_UNIGRAM, -1, 1, 2, -1, 0, false, true, false, true },
};

/* Token texts with a meaning of their own, whatever their type says in the file. */
enum role { ROLE_NONE, ROLE_EOT, ROLE_EOM, ROLE_END, ROLE_FIM };

static const struct {
  const char *text;
  enum role role;
} known_texts[] = {
  { "<|eot_id|>", ROLE_EOT },
  { "<|im_end|>", ROLE_EOT },
  { "<|end|>", ROLE_EOT },
  { "<end_of_turn>", ROLE_EOT },
  { "<|endoftext|>", ROLE_EOT },
  { "<EOT>", ROLE_EOT },
  { "_<EOT>", ROLE_EOT },
  { "<\xef\xbd\x9c"
    "end" PE_BLANK "of" PE_BLANK "sentence\xef\xbd\x9c>",
    ROLE_EOT },
  { "<|eom_id|>", ROLE_EOM },
  { "<|return|>", ROLE_END },
  { "<|call|>", ROLE_END },
  { "<|flush|>", ROLE_END },
  { "<|calls|>", ROLE_END },
  { "</s>", ROLE_END },
  { "[EOT]", ROLE_END },
  { "[EOS]", ROLE_END },
  { "<|end_of_text|>", ROLE_END },
  { "<end_of_utterance>", ROLE_END },
  { "<eos>", ROLE_END },
  { "<turn|>", ROLE_END },
  { "<|tool_response>", ROLE_END },
  { "[e~[", ROLE_END },
  /* Filling in: padding, repository and file separators end a reply, too. */
  { "<|fim_pad|>", ROLE_END },
  { "<fim-pad>", ROLE_END },
  { "<fim_pad>", ROLE_END },
  { "<PAD>", ROLE_END },
  { "[PAD]", ROLE_END },
  { "<|fim_repo|>", ROLE_END },
  { "<|repo_name|>", ROLE_END },
  { "<fim-repo>", ROLE_END },
  { "<REPO>", ROLE_END },
  { "<reponame>", ROLE_END },
  { "<|file_sep|>", ROLE_END },
  { "<|fim_prefix|>", ROLE_FIM },
  { "<fim-prefix>", ROLE_FIM },
  { "<fim_prefix>", ROLE_FIM },
  { "<\xef\xbd\x9c"
    "fim" PE_BLANK "begin\xef\xbd\x9c>",
    ROLE_FIM },
  { "<PRE>", ROLE_FIM },
  { PE_BLANK "<PRE>", ROLE_FIM },
  { "<|code_prefix|>", ROLE_FIM },
  { "<|fim_suffix|>", ROLE_FIM },
  { "<fim-suffix>", ROLE_FIM },
  { "<fim_suffix>", ROLE_FIM },
  { "<\xef\xbd\x9c"
    "fim" PE_BLANK "hole\xef\xbd\x9c>",
    ROLE_FIM },
  { "<SUF>", ROLE_FIM },
  { PE_BLANK "<SUF>", ROLE_FIM },
  { "<|code_suffix|>", ROLE_FIM },
  { "<|fim_middle|>", ROLE_FIM },
  { "<fim-middle>", ROLE_FIM },
  { "<fim_middle>", ROLE_FIM },
  { "<\xef\xbd\x9c"
    "fim" PE_BLANK "end\xef\xbd\x9c>",
    ROLE_FIM },
  { "<MID>", ROLE_FIM },
  { PE_BLANK "<MID>", ROLE_FIM },
  { "<|code_middle|>", ROLE_FIM },
};

static bool
no_memory (struct pe_error *error)
{
  return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the vocabulary");
}

static bool
refuse (struct pe_error *error, const struct pe_gguf_entry *entry, const char *why)
{
  return pe_fail_at (error, PE_ERROR_FORMAT, entry->offset, "'%.*s' at byte %llu %s",
                     (int) (entry->key.n < 80 ? entry->key.n : 80), entry->key.data,
                     (unsigned long long) entry->offset, why);
}

/* ---- symbols by text ---- */

static uint32_t *
slot_of (const struct pe_vocab *vocab, const char *text, size_t n)
{
  for (uint64_t i = pe_hash (vocab->hash_key, text, n);; i++) {
    uint32_t *slot = &vocab->slots[i & (vocab->n_slots - 1)];
    if (*slot == 0)
      return slot;
    struct pe_string other = pe_vocab_text (vocab, *slot - 1);
    if (other.n == n && memcmp (other.data, text, n) == 0)
      return slot;
  }
}

uint32_t
pe_vocab_symbol (const struct pe_vocab *vocab, const char *text, size_t n)
{
  uint32_t found = n ? *slot_of (vocab, text, n) : 0;
  return found ? found - 1 : PE_NO_SYMBOL;
}

uint32_t
pe_vocab_word (const struct pe_vocab *vocab, const char *text, size_t n)
{
  uint32_t symbol = n <= vocab->longest ? pe_vocab_symbol (vocab, text, n) : PE_NO_SYMBOL;
  if (symbol >= vocab->info.n_tokens ||
      vocab->tokens[symbol].attributes & (PE_TOKEN_CONTROL | PE_TOKEN_UNKNOWN | PE_TOKEN_BYTE))
    return PE_NO_SYMBOL;
  return symbol;
}

/* Doubles the table; what it holds is put in again. */
static bool
widen (struct pe_vocab *vocab)
{
  struct pe_vocab wide = *vocab;
  wide.n_slots *= 2;
  wide.slots = pe_calloc (wide.n_slots, sizeof *wide.slots);
  if (!wide.slots)
    return false;
  for (size_t i = 0; i < vocab->n_slots; i++)
    if (vocab->slots[i]) {
      struct pe_string text = pe_vocab_text (vocab, vocab->slots[i] - 1);
      *slot_of (&wide, text.data, text.n) = vocab->slots[i];
    }
  pe_free (vocab->slots);
  vocab->slots = wide.slots;
  vocab->n_slots = wide.n_slots;
  return true;
}

bool
pe_vocab_add_symbol (struct pe_vocab *vocab, struct pe_string text, uint32_t *out,
                     struct pe_error *error)
{
  uint32_t *slot = slot_of (vocab, text.data, text.n);
  if (!*slot) {
    if (!pe_grow (&vocab->extras, &vocab->extras_capacity, vocab->n_extras + 1,
                  sizeof *vocab->extras))
      return no_memory (error);
    if (2 * ((size_t) vocab->info.n_tokens + vocab->n_extras + 1) > vocab->n_slots) {
      if (!widen (vocab))
        return no_memory (error);
      slot = slot_of (vocab, text.data, text.n);
    }
    vocab->extras[vocab->n_extras++] = text;
    *slot = vocab->info.n_tokens + (uint32_t) vocab->n_extras;
  }
  *out = *slot - 1;
  return true;
}

/* ---- tokens ---- */

static bool
index_tokens (struct pe_vocab *vocab, struct pe_error *error)
{
  vocab->hash_key = pe_hash_key_new ();
  vocab->n_slots = 1024;
  while (vocab->n_slots < 2 * (size_t) vocab->info.n_tokens)
    vocab->n_slots *= 2;
  vocab->slots = pe_calloc (vocab->n_slots, sizeof *vocab->slots);
  if (!vocab->slots)
    return no_memory (error);
  for (uint32_t id = 0; id < vocab->info.n_tokens; id++) {
    struct pe_string text = vocab->tokens[id].text;
    if (text.n)
      *slot_of (vocab, text.data, text.n) = id + 1; /* of equal texts the last one counts */
    if (text.n > vocab->longest)
      vocab->longest = text.n;
  }
  return true;
}

static int
hex_digit (char c)
{
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                : -1;
}

/* "<0x0A>" */
static int
byte_of_text (struct pe_string text)
{
  if (text.n != 6 || memcmp (text.data, "<0x", 3) != 0 || text.data[5] != '>')
    return -1;
  int high = hex_digit (text.data[3]), low = hex_digit (text.data[4]);
  return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static const char all_bytes[256] = {
#define B4(n)  (char) (n), (char) ((n) + 1), (char) ((n) + 2), (char) ((n) + 3)
#define B16(n) B4 (n), B4 ((n) + 4), B4 ((n) + 8), B4 ((n) + 12)
#define B64(n) B16 (n), B16 ((n) + 16), B16 ((n) + 32), B16 ((n) + 48)
  B64 (0),
  B64 (64),
  B64 (128),
  B64 (192),
};

static bool
read_type (struct pe_token *token, const struct pe_gguf_entry *types, uint64_t i,
           struct pe_error *error)
{
  static const uint8_t attributes[] = {
    0, 0, PE_TOKEN_UNKNOWN, PE_TOKEN_CONTROL, PE_TOKEN_USER_DEFINED, PE_TOKEN_UNUSED, PE_TOKEN_BYTE,
  };
  uint64_t type = 1;
  if (types && (!pe_gguf_entry_u64 (types, i, &type) || type >= sizeof attributes))
    return refuse (error, types, "has a type that does not exist");
  token->attributes = attributes[type];
  return true;
}

static bool
read_tokens (struct pe_vocab *vocab, struct pe_error *error)
{
  const struct pe_gguf *gguf = vocab->gguf;
  const struct pe_gguf_entry *texts = pe_gguf_find (gguf, "tokenizer.ggml.tokens");
  const struct pe_gguf_entry *scores = pe_gguf_find (gguf, "tokenizer.ggml.scores");
  const struct pe_gguf_entry *types = pe_gguf_find (gguf, "tokenizer.ggml.token_type");
  if (!texts)
    return pe_fail_at (error, PE_ERROR_FORMAT, 0,
                       "the file has no vocabulary: 'tokenizer.ggml.tokens' is missing");
  if (!texts->is_array || texts->kind != PE_GGUF_STRING)
    return refuse (error, texts, "is not a list of texts");
  if (texts->count == 0 || texts->count > PE_LIMIT_TOKENS)
    return refuse (error, texts, "is empty or longer than any real vocabulary");
  if (scores && (!scores->is_array || scores->count != texts->count))
    return refuse (error, scores, "does not have one number for each token");
  if (types && (!types->is_array || types->count != texts->count))
    return refuse (error, types, "does not have one number for each token");
  vocab->info.n_tokens = (uint32_t) texts->count;
  vocab->tokens = pe_arena_array (&vocab->arena, vocab->info.n_tokens, sizeof *vocab->tokens);
  if (!vocab->tokens)
    return no_memory (error);
  for (uint32_t id = 0; id < vocab->info.n_tokens; id++) {
    struct pe_token *token = &vocab->tokens[id];
    double score = 0;
    token->text = token->piece = texts->strings[id];
    if (token->text.n > PE_LIMIT_TOKEN_BYTES)
      return refuse (error, texts, "has a token that is longer than any real one");
    if (scores && (!pe_gguf_entry_f64 (scores, id, &score) || !isfinite ((float) score)))
      return refuse (error, scores, "has an element that is no number");
    token->score = (float) score;
    if (!read_type (token, types, id, error))
      return false;
    if (token->attributes & PE_TOKEN_BYTE) {
      int byte = byte_of_text (token->text);
      if (byte < 0)
        return refuse (error, texts, "has a byte token whose text is not like <0x0A>");
      token->piece = (struct pe_string){ all_bytes + byte, 1 };
    }
  }
  return index_tokens (vocab, error);
}

/* SentencePiece tokens show a blank as U+2581. */
static bool
read_marked_pieces (struct pe_vocab *vocab, struct pe_error *error)
{
  for (uint32_t id = 0; id < vocab->info.n_tokens; id++) {
    struct pe_token *token = &vocab->tokens[id];
    if (token->attributes || !memmem (token->text.data, token->text.n, PE_BLANK, 3))
      continue;
    char *piece = pe_arena_alloc (&vocab->arena, token->text.n);
    if (!piece)
      return no_memory (error);
    size_t n = 0;
    for (size_t i = 0; i < token->text.n;)
      if (token->text.n - i >= 3 && memcmp (token->text.data + i, PE_BLANK, 3) == 0) {
        piece[n++] = ' ';
        i += 3;
      } else
        piece[n++] = token->text.data[i++];
    token->piece = (struct pe_string){ piece, n };
  }
  return true;
}

bool
pe_has_inner_blank (struct pe_string text)
{
  for (size_t i = 1; i + 3 <= text.n; i++)
    if (memcmp (text.data + i, PE_BLANK, 3) == 0 &&
        (i < 3 || memcmp (text.data + i - 3, PE_BLANK, 3) != 0))
      return true;
  return false;
}

size_t
pe_vocab_word_end (const struct pe_vocab *vocab, const char *text, size_t at, size_t n)
{
  if (vocab->joins_words)
    return n;
  while (n - at >= 3 && memcmp (text + at, PE_BLANK, 3) == 0)
    at += 3;
  const char *next = at < n ? memmem (text + at, n - at, PE_BLANK, 3) : NULL;
  return next ? (size_t) (next - text) : n;
}

/* "<0x0A>", or else the byte as a token of its own. */
static void
find_byte_tokens (struct pe_vocab *vocab)
{
  for (unsigned byte = 0; byte < 256; byte++) {
    char text[8];
    int n = snprintf (text, sizeof text, "<0x%02X>", byte);
    uint32_t token = pe_vocab_symbol (vocab, text, (size_t) n);
    if (token == PE_NO_SYMBOL)
      token = pe_vocab_word (vocab, all_bytes + byte, 1);
    vocab->byte_tokens[byte] = token == PE_NO_SYMBOL ? vocab->info.unknown : (int32_t) token;
  }
}

/* ---- special tokens ---- */

static bool
read_id (struct pe_vocab *vocab, const char *key, int32_t *id, struct pe_error *error)
{
  const struct pe_gguf_entry *entry = pe_gguf_find (vocab->gguf, key);
  int64_t value;
  if (entry) {
    if (entry->is_array || !pe_gguf_entry_i64 (entry, 0, &value))
      return refuse (error, entry, "is not the number of a token");
    /* All bits set is how writers say that there is none. */
    if (value == -1 || value == UINT32_MAX)
      value = PE_NO_TOKEN;
    else if (value < 0 || value >= vocab->info.n_tokens)
      return refuse (error, entry, "is not the number of a token");
    *id = (int32_t) value;
  } else if (*id >= (int64_t) vocab->info.n_tokens)
    *id = PE_NO_TOKEN;
  return true;
}

static bool
read_ids (struct pe_vocab *vocab, const struct kind *kind, struct pe_error *error)
{
  struct pe_vocab_info *info = &vocab->info;
  info->bos = kind->bos;
  info->eos = kind->eos;
  info->unknown = kind->unknown;
  info->separator = kind->separator;
  info->padding = kind->padding;
  info->eot = info->eom = PE_NO_TOKEN;
  return read_id (vocab, "tokenizer.ggml.bos_token_id", &info->bos, error) &&
         (vocab->kind != PE_VOCAB_WORDPIECE ||
          read_id (vocab, "tokenizer.ggml.cls_token_id", &info->bos, error)) &&
         read_id (vocab, "tokenizer.ggml.eos_token_id", &info->eos, error) &&
         read_id (vocab, "tokenizer.ggml.eot_token_id", &info->eot, error) &&
         read_id (vocab, "tokenizer.ggml.eom_token_id", &info->eom, error) &&
         read_id (vocab, "tokenizer.ggml.unknown_token_id", &info->unknown, error) &&
         read_id (vocab, "tokenizer.ggml.seperator_token_id", &info->separator, error) &&
         read_id (vocab, "tokenizer.ggml.padding_token_id", &info->padding, error);
}

static void
end_with (struct pe_vocab *vocab, int32_t id)
{
  if (id != PE_NO_TOKEN)
    vocab->tokens[id].ends_generation = true;
}

/* Texts with a known meaning are control tokens even where the file forgot to say so. */
static bool
find_roles (struct pe_vocab *vocab, struct pe_error *error)
{
  static const char *const fim_keys[] = {
    "tokenizer.ggml.fim_pad_token_id",
    "tokenizer.ggml.fim_rep_token_id",
    "tokenizer.ggml.fim_sep_token_id",
  };
  struct pe_vocab_info *info = &vocab->info;
  for (size_t i = 0; i < sizeof known_texts / sizeof *known_texts; i++) {
    const char *text = known_texts[i].text;
    uint32_t symbol = pe_vocab_symbol (vocab, text, strlen (text));
    if (symbol >= info->n_tokens)
      continue;
    struct pe_token *token = &vocab->tokens[symbol];
    token->attributes = PE_TOKEN_CONTROL;
    token->piece = token->text;
    token->ends_generation = known_texts[i].role != ROLE_FIM;
    if (known_texts[i].role == ROLE_EOT && info->eot == PE_NO_TOKEN)
      info->eot = (int32_t) symbol;
    if (known_texts[i].role == ROLE_EOM && info->eom == PE_NO_TOKEN)
      info->eom = (int32_t) symbol;
  }
  for (size_t i = 0; i < sizeof fim_keys / sizeof *fim_keys; i++) {
    int32_t id = PE_NO_TOKEN;
    if (!read_id (vocab, fim_keys[i], &id, error))
      return false;
    end_with (vocab, id);
  }
  end_with (vocab, info->eos);
  end_with (vocab, info->eot);
  end_with (vocab, info->eom);

  /* Harmony: <|end|> ends a message, not the reply. Gemma 4: </s> is an HTML tag. */
  uint32_t end = pe_vocab_symbol (vocab, "<|end|>", 7);
  uint32_t strike = pe_vocab_symbol (vocab, "</s>", 4);
  if (end < info->n_tokens && pe_vocab_symbol (vocab, "<|return|>", 10) < info->n_tokens &&
      pe_vocab_symbol (vocab, "<|call|>", 8) < info->n_tokens) {
    vocab->tokens[end].ends_generation = false;
    if (info->eot == (int32_t) end)
      info->eot = PE_NO_TOKEN;
  }
  if (strcmp (info->model, "gemma4") == 0 && strike < info->n_tokens &&
      (int32_t) strike != info->eos) {
    vocab->tokens[strike].attributes = 0;
    vocab->tokens[strike].ends_generation = false;
  }
  return true;
}

static bool
contains (struct pe_string haystack, const char *needle)
{
  return memmem (haystack.data, haystack.n, needle, strlen (needle)) != NULL;
}

/* Some families trained with special tokens that swallow the white space beside them; their files
 * do not say so. */
static void
find_strippers (struct pe_vocab *vocab)
{
  struct pe_string name = { "", 0 };
  pe_gguf_string (vocab->gguf, "general.name", &name);
  bool phi3 = contains (name, "phi-3") || contains (name, "phi3") || contains (name, "Phi-3");
  const char *pre = vocab->info.pre_tokenizer;
  bool masks = strcmp (pre, "jina-v2-de") == 0 || strcmp (pre, "jina-v2-es") == 0 ||
               strcmp (pre, "jina-v2-code") == 0 || strcmp (pre, "modern-bert") == 0;
  for (uint32_t id = 0; (phi3 || masks) && id < vocab->info.n_tokens; id++) {
    struct pe_token *token = &vocab->tokens[id];
    if (phi3 && token->attributes & (PE_TOKEN_CONTROL | PE_TOKEN_UNKNOWN | PE_TOKEN_USER_DEFINED))
      token->strips_right = !pe_string_equal (token->text, "<unk>") &&
                            !pe_string_equal (token->text, "<s>") &&
                            !pe_string_equal (token->text, "<|endoftext|>");
    if (masks)
      token->strips_left =
          pe_string_equal (token->text, "<mask>") || pe_string_equal (token->text, "[MASK]");
  }
}

static bool
collect_specials (struct pe_vocab *vocab, struct pe_error *error)
{
  if (!pe_trie_init (&vocab->specials))
    return no_memory (error);
  for (uint32_t id = 0; id < vocab->info.n_tokens; id++) {
    const struct pe_token *token = &vocab->tokens[id];
    if (token->text.n == 0 ||
        !(token->attributes & (PE_TOKEN_CONTROL | PE_TOKEN_UNKNOWN | PE_TOKEN_USER_DEFINED)))
      continue;
    vocab->special_begins[(unsigned char) token->text.data[0]] = true;
    if (!pe_trie_add (&vocab->specials, token->text.data, token->text.n, id))
      return no_memory (error);
  }
  return true;
}

/* ---- the whole ---- */

static bool
read_flags (struct pe_vocab *vocab, const struct kind *kind,
            const struct pe_pretokenizer_traits *traits)
{
  struct pe_vocab_info *info = &vocab->info;
  const struct pe_gguf *gguf = vocab->gguf;
  info->add_bos = kind->add_bos || traits->adds_bos;
  info->add_eos = kind->add_eos;
  info->add_separator = kind->add_separator || traits->adds_separator;
  info->add_space_prefix = kind->add_space_prefix;
  pe_gguf_bool (gguf, "tokenizer.ggml.add_bos_token", &info->add_bos);
  pe_gguf_bool (gguf, "tokenizer.ggml.add_eos_token", &info->add_eos);
  pe_gguf_bool (gguf, "tokenizer.ggml.add_sep_token", &info->add_separator);
  pe_gguf_bool (gguf, "tokenizer.ggml.add_space_prefix", &info->add_space_prefix);
  pe_gguf_bool (gguf, "tokenizer.ggml.remove_extra_whitespaces", &vocab->merges_spaces);
  if (traits->always_bos || strcmp (info->model, "gemma4") == 0)
    info->add_bos = true;
  info->add_bos = info->add_bos && info->bos != PE_NO_TOKEN;
  info->add_eos = info->add_eos && info->eos != PE_NO_TOKEN;
  info->add_separator = info->add_separator && info->separator != PE_NO_TOKEN;
  return true;
}

static const struct kind *
find_kind (struct pe_string model)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (pe_string_equal (model, kinds[i].model))
      return &kinds[i];
  return NULL;
}

static bool
load_kind (struct pe_vocab *vocab, struct pe_error *error)
{
  switch (vocab->kind) {
  case PE_VOCAB_BPE: return pe_bpe_load (vocab, error);
  case PE_VOCAB_UNIGRAM:
  case PE_VOCAB_WORDPIECE: return pe_unigram_load (vocab, error);
  case PE_VOCAB_SPM:
    for (uint32_t id = 0; id < vocab->info.n_tokens && !vocab->joins_words; id++)
      vocab->joins_words = pe_has_inner_blank (vocab->tokens[id].text);
  }
  return true;
}

static bool
load (struct pe_vocab *vocab, struct pe_error *error)
{
  const struct pe_gguf *gguf = vocab->gguf;
  struct pe_string model = { NULL, 0 }, pre = { "", 0 };
  if (!pe_gguf_string (gguf, "tokenizer.ggml.model", &model))
    return pe_fail_at (error, PE_ERROR_FORMAT, 0,
                       "the file has no vocabulary: 'tokenizer.ggml.model' is missing");
  const struct kind *kind = find_kind (model);
  if (!kind)
    return pe_fail_at (error, PE_ERROR_UNSUPPORTED,
                       pe_gguf_find (gguf, "tokenizer.ggml.model")->offset,
                       "vocabularies of the kind '%.*s' are not supported",
                       (int) (model.n < 80 ? model.n : 80), model.data);
  vocab->kind = kind->kind;
  vocab->info.model = kind->model;
  pe_gguf_string (gguf, "tokenizer.ggml.pre", &pre);
  vocab->info.pre_tokenizer = pe_arena_strndup (&vocab->arena, pre.data, pre.n < 80 ? pre.n : 80);
  if (!vocab->info.pre_tokenizer)
    return no_memory (error);

  struct pe_pretokenizer_traits traits = { .known = true };
  if (kind->kind == PE_VOCAB_BPE) {
    bool gemma4 = strcmp (kind->model, "gemma4") == 0;
    if (!pe_pretokenizer_new (gemma4 ? "gemma4" : pre.data, gemma4 ? 6 : pre.n,
                              &vocab->pretokenizer, &traits, error))
      return false;
    vocab->is_plain = traits.is_plain;
    vocab->takes_whole = traits.takes_whole;
  }
  vocab->info.pre_tokenizer_known = traits.known;
  if (!read_tokens (vocab, error) || !read_ids (vocab, kind, error) || !find_roles (vocab, error) ||
      !read_flags (vocab, kind, &traits))
    return false;
  find_byte_tokens (vocab);
  find_strippers (vocab);
  if ((kind->kind != PE_VOCAB_BPE || vocab->is_plain) && !read_marked_pieces (vocab, error))
    return false;
  return collect_specials (vocab, error) && load_kind (vocab, error);
}

bool
pe_vocab_load (const struct pe_gguf *gguf, struct pe_vocab **out, struct pe_error *error)
{
  struct pe_vocab *vocab = pe_calloc (1, sizeof *vocab);
  if (!vocab)
    return no_memory (error);
  vocab->gguf = gguf;
  if (!load (vocab, error)) {
    pe_vocab_free (vocab);
    return false;
  }
  vocab->info.memory_bytes = sizeof *vocab + vocab->arena.n_bytes +
                             vocab->n_slots * sizeof *vocab->slots +
                             vocab->extras_capacity * sizeof *vocab->extras +
                             pe_trie_bytes (&vocab->specials) + pe_trie_bytes (&vocab->words);
  *out = vocab;
  return true;
}

void
pe_vocab_free (struct pe_vocab *vocab)
{
  if (!vocab)
    return;
  pe_trie_clear (&vocab->specials);
  pe_trie_clear (&vocab->words);
  pe_pretokenizer_free (vocab->pretokenizer);
  pe_free (vocab->slots);
  pe_free (vocab->extras);
  pe_arena_clear (&vocab->arena);
  pe_free (vocab);
}

const struct pe_vocab_info *
pe_vocab_info (const struct pe_vocab *vocab)
{
  return &vocab->info;
}
