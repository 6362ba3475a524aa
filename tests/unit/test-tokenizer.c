/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tokenizers on small vocabularies of our own: what text becomes, that people's text never becomes
 * a control token, whatever ids are asked for, lack of memory, and the gathering of UTF-8.
 */
#include "tests/harness.h"

#include "base/alloc.h"
#include "engine/format/gguf.h"
#include "engine/text/tokenizer.h"

#include <unistd.h>

struct word {
  const char *text;
  int32_t type;
  float score;
};

static struct {
  char *bytes;
  struct pe_gguf *gguf;
  struct pe_vocab *vocab;
} own;

static void
close_vocab (void)
{
  pe_vocab_free (own.vocab);
  pe_gguf_free (own.gguf);
  free (own.bytes);
  memset (&own, 0, sizeof own);
}

static void
open_gguf (const char *model, const char *pre, const struct word *words, size_t n,
           const char *const *merges, size_t n_merges)
{
  char path[64];
  snprintf (path, sizeof path, "/tmp/parley-test-tokenizer-%d", (int) getpid ());
  struct pe_string texts[64], merge_texts[64];
  int32_t types[64];
  float scores[64];
  for (size_t i = 0; i < n; i++) {
    texts[i] = (struct pe_string){ words[i].text, strlen (words[i].text) };
    types[i] = words[i].type;
    scores[i] = words[i].score;
  }
  for (size_t i = 0; i < n_merges; i++)
    merge_texts[i] = (struct pe_string){ merges[i], strlen (merges[i]) };
  struct pe_gguf_writer *w = pe_gguf_writer_new ();
  struct pe_error error = { 0 };
  pe_gguf_put_string (w, "tokenizer.ggml.model", model, strlen (model));
  pe_gguf_put_string (w, "tokenizer.ggml.pre", pre, strlen (pre));
  pe_gguf_put_strings (w, "tokenizer.ggml.tokens", texts, n);
  pe_gguf_put_array (w, "tokenizer.ggml.token_type", PE_GGUF_I32, types, n);
  pe_gguf_put_array (w, "tokenizer.ggml.scores", PE_GGUF_F32, scores, n);
  pe_gguf_put_strings (w, "tokenizer.ggml.merges", merge_texts, n_merges);
  pe_gguf_put_u32 (w, "tokenizer.ggml.bos_token_id", 1);
  pe_gguf_put_u32 (w, "tokenizer.ggml.eos_token_id", 2);
  pe_gguf_put_u32 (w, "tokenizer.ggml.unknown_token_id", 0);
  pe_gguf_put_u32 (w, "tokenizer.ggml.seperator_token_id", 2);
  bool ok = pe_gguf_writer_save (w, path, &error);
  pe_gguf_writer_free (w);
  CHECK_MSG (ok, "%s", error.message);
  FILE *f = fopen (path, "rb");
  own.bytes = malloc (1 << 16);
  size_t size = fread (own.bytes, 1, 1 << 16, f);
  fclose (f);
  unlink (path);
  CHECK_MSG (pe_gguf_parse (own.bytes, size, size, &own.gguf, &error), "%s", error.message);
}

static void
open_vocab (const char *model, const char *pre, const struct word *words, size_t n,
            const char *const *merges, size_t n_merges)
{
  struct pe_error error = { 0 };
  open_gguf (model, pre, words, n, merges, n_merges);
  CHECK_MSG (pe_vocab_load (own.gguf, &own.vocab, &error), "%s", error.message);
}

/* "1 5 7", the tokens of a text. */
static const char *
tokens_of (const char *text, size_t n, unsigned flags)
{
  static char out[512];
  struct pe_tokens tokens = { 0 };
  struct pe_error error = { 0 };
  size_t at = 0;
  out[0] = 0;
  if (!pe_tokenize (own.vocab, text, n, flags, &tokens, &error))
    return "failed";
  for (size_t i = 0; i < tokens.n && at < sizeof out - 12; i++)
    at += (size_t) snprintf (out + at, sizeof out - at, "%s%d", i ? " " : "", tokens.ids[i]);
  pe_tokens_clear (&tokens);
  return out;
}

#define TOKENS(text, flags) tokens_of (text, sizeof text - 1, flags)

static const struct word spm_words[] = {
  { "<unk>", 2, 0 },
  { "<s>", 3, 0 },
  { "</s>", 3, 0 },
  { "<0x0A>", 6, 0 },
  { "<0xC3>", 6, 0 },
  { "a", 1, -3 },
  { "b", 1, -4 },
  { "ab", 1, -1 },
  { "\xe2\x96\x81", 1, -5 },
  { "\xe2\x96\x81"
    "ab",
    1, -2 },
  { "<|tool|>", 3, 0 },
  { "<u>", 4, 0 },
};

static void
sentencepiece (void)
{
  open_vocab ("llama", "", spm_words, 12, NULL, 0);
  CHECK_STR (TOKENS ("ab", PE_ADD_SPECIAL), "1 9");
  CHECK_STR (TOKENS ("ab ab", 0), "9 9");
  CHECK_STR (TOKENS ("ab", PE_CONTINUE), "7");
  CHECK_STR (TOKENS ("aab", PE_CONTINUE), "5 7");
  CHECK_STR (TOKENS ("\n", PE_CONTINUE), "3");
  CHECK_STR (TOKENS ("\xc3", PE_CONTINUE), "4");
  CHECK_STR (TOKENS ("z", PE_CONTINUE), "0");
  CHECK_STR (TOKENS ("", PE_ADD_SPECIAL), "1");
  CHECK_STR (TOKENS ("a\0b", PE_CONTINUE), "5 0 6");
  close_vocab ();
}

static void
text_never_becomes_a_control_token (void)
{
  open_vocab ("llama", "", spm_words, 12, NULL, 0);
  CHECK_STR (TOKENS ("<|tool|>", PE_PARSE_SPECIAL), "10");
  CHECK_STR (TOKENS ("<|tool|></s>", PE_PARSE_SPECIAL), "10 2");
  CHECK (!strstr (TOKENS ("<|tool|>", 0), "10"));
  CHECK_STR (TOKENS ("<u>", PE_CONTINUE), "11"); /* user-defined: in any text */
  CHECK (pe_token_attributes (own.vocab, 10) == PE_TOKEN_CONTROL);
  CHECK (pe_token_by_text (own.vocab, "<|tool|>", 8) == 10);
  CHECK (pe_token_ends_generation (own.vocab, 2) && !pe_token_ends_generation (own.vocab, 1));
  close_vocab ();

  /* Not even where merges or a whole piece spell one. */
  static const struct word words[] = {
    { "<unk>", 2, 0 }, { "<s>", 3, 0 }, { "</s>", 3, 0 },
    { "x", 1, 0 },     { "y", 1, 0 },   { "xy", 3, 0 },
  };
  static const char *const merges[] = { "x y" };
  open_vocab ("gpt2", "llama-bpe", words, 6, merges, 1);
  CHECK_STR (TOKENS ("xy", 0), "3 4");
  CHECK_STR (TOKENS ("xy", PE_PARSE_SPECIAL), "5");
  close_vocab ();
}

static const struct word bpe_words[] = {
  { "<unk>", 2, 0 },
  { "<s>", 3, 0 },
  { "</s>", 3, 0 },
  { "a", 1, 0 },
  { "b", 1, 0 },
  { "c", 1, 0 },
  { "\xc4\xa0", 1, 0 },
  { "ab", 1, 0 },
  { "bc", 1, 0 },
  { "\xc4\xa0"
    "a",
    1, 0 },
  { "abc", 1, 0 },
};
static const char *const bpe_merges[] = { "b c", "a b", "\xc4\xa0 a", "q r" };

static void
byte_level (void)
{
  open_vocab ("gpt2", "gpt-2", bpe_words, 11, bpe_merges, 4);
  CHECK_STR (TOKENS ("abc", 0), "3 8");     /* "b c" has the better rank */
  CHECK_STR (TOKENS ("ab ab", 0), "7 6 7"); /* "a b" comes before the blank's merge */
  CHECK_STR (TOKENS ("a  a", 0), "3 6 9");
  char buffer[8];
  size_t n;
  const char *piece = pe_token_piece (own.vocab, 9, false, buffer, &n);
  CHECK (n == 2 && memcmp (piece, " a", 2) == 0);
  close_vocab ();
  open_vocab ("gpt2", "llama-bpe", bpe_words, 11, bpe_merges, 4);
  CHECK_STR (TOKENS ("abc", PE_ADD_SPECIAL), "1 10"); /* whole pieces first, and BOS */
  close_vocab ();
  open_vocab ("gpt2", "no-such-name", bpe_words, 11, bpe_merges, 4);
  CHECK (!pe_vocab_info (own.vocab)->pre_tokenizer_known);
  close_vocab ();
}

static void
wordpiece (void)
{
  static const struct word words[] = {
    { "[UNK]", 3, 0 },
    { "[CLS]", 3, 0 },
    { "[SEP]", 3, 0 },
    { "\xe2\x96\x81"
      "play",
      1, 0 },
    { "ing", 1, 0 },
    { "\xe2\x96\x81.", 1, 0 },
    { "\xe2\x96\x81"
      "cafe",
      1, 0 },
    { "\xe2\x96\x81\xe8\xaa\x9e", 1, 0 },
  };
  open_vocab ("bert", "", words, 8, NULL, 0);
  CHECK_STR (TOKENS ("Playing. Caf\xc3\xa9", PE_ADD_SPECIAL), "1 3 4 5 6 2");
  CHECK_STR (TOKENS ("play\xe8\xaa\x9eplay played", 0), "3 7 3 0");
  CHECK_STR (TOKENS ("", PE_ADD_SPECIAL), "1 2");
  close_vocab ();
}

static void
unigram (void)
{
  static const struct word words[] = {
    { "<pad>", 3, 0 },
    { "<s>", 3, 0 },
    { "</s>", 3, 0 },
    { "\xe2\x96\x81", 1, -3 },
    { "a", 1, -4 },
    { "b", 1, -4 },
    { "ab", 1, -5 },
    { "\xe2\x96\x81"
      "a",
      1, -3.5f },
  };
  open_vocab ("t5", "", words, 8, NULL, 0);
  CHECK_STR (TOKENS ("ab", PE_ADD_SPECIAL), "7 5 2"); /* -7.5 beats -8 */
  CHECK_STR (TOKENS ("aab", 0), "7 6");
  CHECK_STR (TOKENS ("zz", 0), "3 0"); /* runs of unknown text are one token */
  close_vocab ();
}

static void
any_id_may_be_asked_for (void)
{
  open_vocab ("llama", "", spm_words, 12, NULL, 0);
  static const int32_t ids[] = { -1, 12, INT32_MAX, INT32_MIN, 1 << 20 };
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    char buffer[8];
    size_t n = 99;
    CHECK (pe_token_piece (own.vocab, ids[i], true, buffer, &n) && n == 0);
    CHECK (pe_token_attributes (own.vocab, ids[i]) == 0);
    CHECK (!pe_token_ends_generation (own.vocab, ids[i]));
  }
  CHECK (pe_token_by_text (own.vocab, "", 0) == PE_NO_TOKEN);
  CHECK (pe_token_by_text (own.vocab, "absent", 6) == PE_NO_TOKEN);
  close_vocab ();
}

static void
lack_of_memory_is_reported (void)
{
  static const char *const models[] = { "llama", "gpt2", "t5", "bert", "gemma4" };
  for (size_t m = 0; m < 5; m++) {
    open_gguf (models[m], "", bpe_words, 11, bpe_merges, 4);
    struct pe_error error = { 0 };
    bool ok = false;
    uint64_t k = 0;
    while (!ok && k < 5000) { /* fails each allocation of loading once */
      pe_alloc_fail_at (++k, false);
      ok = pe_vocab_load (own.gguf, &own.vocab, &error);
      pe_alloc_fail_at (0, false);
      CHECK_MSG (ok || error.code == PE_ERROR_MEMORY, "%s", error.message);
    }
    CHECK (ok && k > 3);
    for (k = 0, ok = false; !ok && k < 5000;) {
      struct pe_tokens tokens = { 0 };
      pe_alloc_fail_at (++k, false);
      ok = pe_tokenize (own.vocab, "abc a\nb", 7, PE_ADD_SPECIAL, &tokens, &error);
      pe_alloc_fail_at (0, false);
      CHECK_MSG (ok || (error.code == PE_ERROR_MEMORY && tokens.n == 0), "%s", error.message);
      pe_tokens_clear (&tokens);
    }
    CHECK (ok && k > 2);
    close_vocab ();
  }
}

static void
streams_give_whole_characters (void)
{
  static const struct {
    const char *bytes, *text;
  } cases[] = {
    { "plain", "plain" },
    { "\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80" },
    { "a\xff"
      "b",
      "a\xef\xbf\xbd"
      "b" },
    { "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" },
    { "\xe2\x28", "\xef\xbf\xbd(" },
    { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
    { "\xf0\x9f\x98", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct pe_utf8_stream stream = { 0 };
    char out[64];
    size_t n = 0;
    for (const char *p = cases[i].bytes; *p; p++)
      n += pe_utf8_stream_push (&stream, p, 1, out + n);
    n += pe_utf8_stream_finish (&stream, out + n);
    out[n] = 0;
    CHECK_STR (out, cases[i].text);
  }
}

int
main (void)
{
  RUN (sentencepiece);
  RUN (text_never_becomes_a_control_token);
  RUN (byte_level);
  RUN (wordpiece);
  RUN (unigram);
  RUN (any_id_may_be_asked_for);
  RUN (lack_of_memory_is_reported);
  RUN (streams_give_whole_characters);
  return test_done ();
}
