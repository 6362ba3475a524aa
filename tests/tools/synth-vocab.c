/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "synth-vocab.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, BYTE = 6 };

#define N_SYLLABLES 80

static const char chat_template[] =
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

struct vocab {
  struct pe_arena arena;
  struct pe_string *tokens;
  int32_t *types;
  float *scores;
  struct pe_string *merges;
  uint32_t n, capacity, n_merges;
};

static void
put (struct vocab *v, const char *text, int32_t type)
{
  if (v->n == v->capacity)
    return;
  char *copy = pe_arena_strndup (&v->arena, text, strlen (text));
  v->tokens[v->n] = (struct pe_string){ copy, copy ? strlen (copy) : 0 };
  v->types[v->n] = type;
  v->scores[v->n] = type == NORMAL ? -(float) v->n : 0.0f;
  v->n++;
}

static void
put_merge (struct vocab *v, const char *left, const char *right)
{
  char pair[32];
  int n = snprintf (pair, sizeof pair, "%s %s", left, right);
  char *copy = pe_arena_strndup (&v->arena, pair, (size_t) n);
  v->merges[v->n_merges++] = (struct pe_string){ copy, copy ? (size_t) n : 0 };
}

/* Word number i: the digits of i in bijective base 80, a syllable each, so all words differ. */
static void
word (uint32_t i, char out[16])
{
  static const char consonants[] = "bcdfghjklmnprstv", vowels[] = "aeiou";
  size_t n = 0;
  do {
    uint32_t digit = i % N_SYLLABLES;
    out[n++] = consonants[digit / 5];
    out[n++] = vowels[digit % 5];
    i = i / N_SYLLABLES;
  } while (i-- > 0);
  out[n] = 0;
}

static void
fill_spm (struct vocab *v)
{
  put (v, "<unk>", UNKNOWN);
  put (v, "<s>", CONTROL);
  put (v, "</s>", CONTROL);
  for (int b = 0; b < 256; b++) {
    char text[16];
    snprintf (text, sizeof text, "<0x%02X>", b);
    put (v, text, BYTE);
  }
  put (v, "<|im_start|>", CONTROL);
  put (v, "<|im_end|>", CONTROL);
  put (v, "\xe2\x96\x81", NORMAL); /* the mark that stands for a space */
  for (char c[] = "a"; *c <= 'z'; ++*c)
    put (v, c, NORMAL);
  for (uint32_t i = 0; v->n < v->capacity; i++) {
    char text[24] = "\xe2\x96\x81";
    word (i / 2, text + (i % 2 ? 0 : 3)); /* with and without a space before */
    put (v, text, NORMAL);
  }
}

/* The letter that stands for a byte: itself where it can be printed, else one from U+0100 on. */
static void
byte_letter (int byte, char out[4])
{
  int code = byte, n_hidden = 0;
  for (int b = 0; b <= byte; b++) {
    bool shown = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
    if (b == byte && !shown)
      code = 256 + n_hidden;
    n_hidden += !shown;
  }
  size_t n = 0;
  if (code >= 128) {
    out[n++] = (char) (0xc0 | code >> 6);
    out[n++] = (char) (0x80 | (code & 63));
  } else
    out[n++] = (char) code;
  out[n] = 0;
}

/* Words of one and two syllables have merges that lead to them. */
static void
fill_bpe (struct vocab *v)
{
  char text[16], left[16], right[16];
  for (int b = 0; b < 256; b++) {
    byte_letter (b, text);
    put (v, text, NORMAL);
  }
  put (v, "<|endoftext|>", CONTROL);
  put (v, "<|im_start|>", CONTROL);
  put (v, "<|im_end|>", CONTROL);
  for (uint32_t i = 0; v->n < v->capacity; i++) {
    word (i, text);
    put (v, text, NORMAL);
    if (strlen (text) > 4)
      continue;
    size_t half = strlen (text) / 2;
    memcpy (left, text, half);
    left[half] = 0;
    strcpy (right, text + half);
    put_merge (v, left, right);
  }
}

bool
synth_vocab_put (struct pe_gguf_writer *w, enum synth_vocab_kind kind, uint32_t n_tokens)
{
  struct vocab v = { .capacity = n_tokens };
  v.tokens = pe_arena_array (&v.arena, n_tokens, sizeof *v.tokens);
  v.types = pe_arena_array (&v.arena, n_tokens, sizeof *v.types);
  v.scores = pe_arena_array (&v.arena, n_tokens, sizeof *v.scores);
  v.merges = pe_arena_array (&v.arena, n_tokens, sizeof *v.merges);
  bool ok = v.tokens && v.types && v.scores && v.merges && n_tokens >= SYNTH_VOCAB_MIN;
  if (ok) {
    bool spm = kind == SYNTH_VOCAB_SPM;
    if (spm)
      fill_spm (&v);
    else
      fill_bpe (&v);
    const char *model = spm ? "llama" : "gpt2";
    pe_gguf_put_string (w, "tokenizer.ggml.model", model, strlen (model));
    if (!spm)
      pe_gguf_put_string (w, "tokenizer.ggml.pre", "qwen2", 5);
    pe_gguf_put_strings (w, "tokenizer.ggml.tokens", v.tokens, v.n);
    if (spm)
      pe_gguf_put_array (w, "tokenizer.ggml.scores", PE_GGUF_F32, v.scores, v.n);
    pe_gguf_put_array (w, "tokenizer.ggml.token_type", PE_GGUF_I32, v.types, v.n);
    if (!spm)
      pe_gguf_put_strings (w, "tokenizer.ggml.merges", v.merges, v.n_merges);
    pe_gguf_put_u32 (w, "tokenizer.ggml.bos_token_id", spm ? 1 : 256);
    pe_gguf_put_u32 (w, "tokenizer.ggml.eos_token_id", spm ? 2 : 258);
    pe_gguf_put_bool (w, "tokenizer.ggml.add_bos_token", spm);
    pe_gguf_put_string (w, "tokenizer.chat_template", chat_template, sizeof chat_template - 1);
  }
  for (uint32_t i = 0; ok && i < v.n; i++)
    ok = v.tokens[i].data != NULL;
  for (uint32_t i = 0; ok && i < v.n_merges; i++)
    ok = v.merges[i].data != NULL;
  pe_arena_clear (&v.arena);
  return ok;
}
