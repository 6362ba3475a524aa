/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tokenizers on small vocabularies of our own: what text becomes, that people's text never becomes
 * a control token, whatever ids are asked for, lack of memory, and the gathering of UTF-8.
 */
#include "tests/harness.h"

#include "base/alloc.h"
#include "engine/format/gguf.h"
#include "engine/text/merge.h"
#include "engine/text/pretokenizer.h"
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

/* ---- linear in the length of the text ---- */

static uint64_t pairs_seen;

/* Two runs of a letter of the same power of two merge; longer ones first. */
static void
doubled (const void *data, struct pe_part *left, const struct pe_part *right)
{
  pairs_seen++;
  if (left->n != right->n || left->n >= 64)
    return;
  left->order = *(const bool *) data ? 64 - left->n : left->n;
  left->merged = 0;
}

static void
merging_is_linear (void)
{
  for (size_t n = 1000; n <= 100000; n *= 10)
    for (int longer_first = 0; longer_first < 2; longer_first++) {
      struct pe_merger m = { 0 };
      struct pe_error error = { 0 };
      bool order = longer_first;
      for (size_t i = 0; i < n; i++)
        CHECK (pe_merger_add (&m, (uint32_t) i, 1, 0, &error));
      pairs_seen = 0;
      CHECK (pe_merger_run (&m, doubled, &order, &error));
      CHECK_MSG (pairs_seen < 3 * n, "%llu pairs", (unsigned long long) pairs_seen);
      CHECK (m.queue_capacity < 6 * n); /* its entries are three for a part at the most */
      size_t left = 0;
      for (uint32_t i = 0; i != PE_NO_PAIR; i = m.parts[i].next)
        left++;
      CHECK (left < n / 64 + 8);
      pe_merger_clear (&m);
    }
}

/* Runs that patterns could try again at each of their characters. */
static const struct {
  const char *unit, *end;
} runs[] = {
  { "a", "" },    { "A", "" },         { " ", "" },   { " ", "x" },        { "\n", "" },
  { "\n", "x" },  { "7", "" },         { "7", "x" },  { "!", "" },         { "\t \n", "x" },
  { "'", "" },    { "<", "" },         { "a ", "!" }, { "\xd7\x90", " " }, { "\xe4\xb8\xad", "7" },
  { "\xff", "" }, { "\xcc\x81", "x" },
};

static uint64_t
steps_of (const char *name, size_t run, size_t n)
{
  struct pe_pretokenizer *p = NULL;
  struct pe_pretokenizer_traits traits;
  struct pe_error error = { 0 };
  struct pe_cuts cuts = { 0 };
  char *text = malloc (n + 8);
  size_t unit = strlen (runs[run].unit), length = n / unit * unit;
  for (size_t i = 0; i < length; i++)
    text[i] = runs[run].unit[i % unit];
  strcpy (text + length, runs[run].end);
  length += strlen (runs[run].end);
  uint64_t steps = 0;
  pe_pretokenizer_count_steps (&steps);
  bool ok = pe_pretokenizer_new (name, strlen (name), &p, &traits, &error) &&
            pe_pretokenize (p, text, length, &cuts, &error);
  pe_pretokenizer_count_steps (NULL);
  CHECK_MSG (ok && traits.known && cuts.n && cuts.ends[cuts.n - 1] == length, "%s", name);
  pe_cuts_clear (&cuts);
  pe_pretokenizer_free (p);
  free (text);
  return steps;
}

static void
cutting_is_linear (void)
{
  static const char *const names[] = {
    "llama-bpe",   "dbrx",    "qwen2",        "gpt-2",
    "starcoder",   "default", "falcon",       "minicpm5",
    "jais-2",      "qwen35",  "laguna",       "seed-coder",
    "exaone-moe",  "gpt-4o",  "llama4",       "granite-embed-multi-97m",
    "tiny_aya",    "tekken",  "kimi-k2",      "youtu",
    "deepseek-v3", "afmoe",   "deepseek-llm", "deepseek-coder",
    "bloom",       "viking",  "chameleon",    "gemma4",
    "superbpe",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (size_t run = 0; run < sizeof runs / sizeof *runs; run++) {
      uint64_t once = steps_of (names[i], run, 1200), twice = steps_of (names[i], run, 2400);
      CHECK_MSG (twice <= 2 * once + once / 4 + 100, "%s, run %zu: %llu steps, then %llu", names[i],
                 run, (unsigned long long) once, (unsigned long long) twice);
    }
}

/* Words are merged by themselves where no token reaches over a blank; one that does is found. */
static void
tokens_may_join_words (void)
{
  static const struct word words[] = {
    { "<unk>", 2, 0 },
    { "<s>", 3, 0 },
    { "</s>", 3, 0 },
    { "a", 1, -3 },
    { "\xe2\x96\x81", 1, -5 },
    { "a\xe2\x96\x81", 1, -2 },
    { "a\xe2\x96\x81"
      "a",
      1, -1 },
    { "\xe2\x96\x81\xe2\x96\x81", 1, -4 },
  };
  open_vocab ("llama", "", words, 8, NULL, 0);
  CHECK_STR (TOKENS ("a a", PE_CONTINUE), "6");
  CHECK_STR (TOKENS ("a  a", PE_CONTINUE), "5 4 3");
  close_vocab ();
  open_vocab ("llama", "", words, 5, NULL, 0);
  CHECK_STR (TOKENS ("a a", PE_CONTINUE), "3 4 3");
  close_vocab ();
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
  RUN (merging_is_linear);
  RUN (cutting_is_linear);
  RUN (tokens_may_join_words);
  return test_done ();
}
