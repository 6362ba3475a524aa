/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hostile.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64, N_KINDS };
static const unsigned kind_bytes[N_KINDS] = { 1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8 };

/* ---- bytes ---- */

struct buffer {
  unsigned char *data;
  size_t n, capacity;
};

static void
put (struct buffer *b, const void *bytes, size_t n)
{
  if (b->n + n > b->capacity) {
    b->capacity = 2 * (b->n + n);
    b->data = realloc (b->data, b->capacity);
  }
  if (n)
    memcpy (b->data + b->n, bytes, n);
  b->n += n;
}

static void
put_uint (struct buffer *b, uint64_t value, unsigned n)
{
  put (b, &value, n); /* little-endian, as the engine demands */
}

static void
put_text (struct buffer *b, const char *text)
{
  put_uint (b, strlen (text), 8);
  put (b, text, strlen (text));
}

static void
put_head (struct buffer *b, uint32_t version, uint64_t n_tensors, uint64_t n_entries)
{
  put (b, "GGUF", 4);
  put_uint (b, version, 4);
  put_uint (b, n_tensors, 8);
  put_uint (b, n_entries, 8);
}

static void
put_key (struct buffer *b, const char *key, uint32_t kind)
{
  put_text (b, key);
  put_uint (b, kind, 4);
}

static void
put_number (struct buffer *b, const char *key, uint32_t kind, uint64_t value)
{
  put_key (b, key, kind);
  put_uint (b, value, kind_bytes[kind]);
}

static void
put_string (struct buffer *b, const char *key, const char *text)
{
  put_key (b, key, STRING);
  put_text (b, text);
}

static void
put_array (struct buffer *b, const char *key, uint32_t kind, uint64_t count)
{
  put_key (b, key, ARRAY);
  put_uint (b, kind, 4);
  put_uint (b, count, 8);
}

static void
put_tensor (struct buffer *b, const char *name, uint32_t n_dims, const uint64_t *shape,
            uint32_t type, uint64_t offset)
{
  put_text (b, name);
  put_uint (b, n_dims, 4);
  for (uint32_t d = 0; d < n_dims && d < 8; d++)
    put_uint (b, shape[d], 8);
  put_uint (b, type, 4);
  put_uint (b, offset, 8);
}

static void
put_zeros (struct buffer *b, size_t n)
{
  static const unsigned char zeros[256];
  for (; n; n -= n < 256 ? n : 256)
    put (b, zeros, n < 256 ? n : 256);
}

static void
put_padding (struct buffer *b)
{
  put_zeros (b, (32 - b->n % 32) % 32);
}

/* ---- handing over ---- */

struct run {
  hostile_fn fn;
  void *data;
  size_t n;
};

__attribute__ ((format (printf, 4, 5))) static void
give (struct run *r, struct buffer *b, enum refused_by by, const char *format, ...)
{
  struct hostile file = { .by = by, .n = b->n };
  va_list list;
  va_start (list, format);
  vsnprintf (file.name, sizeof file.name, format, list);
  va_end (list);
  file.bytes = malloc (b->n ? b->n : 1);
  memcpy (file.bytes, b->data ? b->data : (unsigned char *) "", b->n);
  r->fn (&file, r->data);
  r->n++;
  free (file.bytes);
  free (b->data);
  *b = (struct buffer){ 0 };
}

#define EACH(type, item, ...)                                                                      \
  for (const type item##_list[] = __VA_ARGS__, *item = item##_list;                                \
       item < item##_list + sizeof item##_list / sizeof *item##_list; item++)
typedef const char *text_t;
#define LL(x) ((unsigned long long) (x))

/* ---- the container ---- */

static void
heads (struct run *r)
{
  struct buffer b = { 0 };
  for (size_t n = 0; n < 24; n++) {
    put_head (&b, 3, 0, 0);
    b.n = n;
    give (r, &b, BY_PARSER, "G1 %zu bytes of a header", n);
  }
  EACH (char, c, { 0, 'g', 'F', (char) 0xff })
  {
    put_head (&b, 3, 0, 0);
    b.data[3] = (unsigned char) *c;
    if (*c != 'F')
      give (r, &b, BY_PARSER, "G1 signature ends in %d", *c);
  }
  EACH (uint32_t, v, { 0, 1, 4, 5, 255, 0x03000000, 0x02000000, 0x30000, 0x80000003, 0xffffffff })
  {
    put_head (&b, *v, 0, 0);
    give (r, &b, BY_PARSER, "G2 version %x", *v);
  }
  EACH (uint64_t, n,
        { 1, 2, 65537, 1u << 31, UINT32_MAX, 1ull << 32, 1ull << 62, 1ull << 63, UINT64_MAX })
  {
    put_head (&b, 3, *n, 0);
    give (r, &b, BY_PARSER, "G3 %llu tensors, no bytes", LL (*n));
    put_head (&b, 3, 0, *n);
    give (r, &b, BY_PARSER, "G3 %llu entries, no bytes", LL (*n));
    put_head (&b, 3, *n, 0);
    put_zeros (&b, 4096);
    give (r, &b, BY_PARSER, "G3 %llu tensors, 4096 zeros", LL (*n));
    put_head (&b, 3, 0, *n);
    put_zeros (&b, 4096);
    give (r, &b, BY_PARSER, "G3 %llu entries, 4096 zeros", LL (*n));
  }
  put_head (&b, 3, 0, 0);
  give (r, &b, BY_NOBODY, "G3 nothing at all");
}

static void
keys (struct run *r)
{
  struct buffer b = { 0 };
  EACH (uint64_t, n,
        { 0, 65536, 1u << 20, UINT32_MAX, 1ull << 32, 1ull << 62, 1ull << 63, UINT64_MAX })
  {
    put_head (&b, 3, 0, 1);
    put_uint (&b, *n, 8);
    put_zeros (&b, 100);
    give (r, &b, BY_PARSER, "G4 key of %llu bytes", LL (*n));
  }
  EACH (int, extra, { 0, 1, 7 })
  {
    put_head (&b, 3, 0, 1);
    put_uint (&b, 20 + (unsigned) *extra, 8);
    put_zeros (&b, 20);
    give (r, &b, BY_PARSER, "G4 key that ends %d bytes after the file", *extra);
  }
  EACH (text_t, text,
        { "a\xff"
          "b",
          "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\xe2\x96" })
  {
    put_head (&b, 3, 0, 1);
    put_number (&b, *text, U32, 1);
    give (r, &b, BY_PARSER, "G4 key that is no UTF-8, %zu bytes", strlen (*text));
  }
  for (size_t at = 0; at < 3; at++) {
    char key[3] = "abc";
    put_head (&b, 3, 0, 1);
    key[at] = 0;
    put_uint (&b, 3, 8);
    put (&b, key, 3);
    put_uint (&b, U8, 4);
    put_uint (&b, 1, 1);
    give (r, &b, BY_PARSER, "G4 zero at byte %zu of a key", at);
  }
  for (uint32_t gap = 0; gap < 4; gap++) {
    put_head (&b, 3, 0, 2 + gap);
    put_number (&b, "twice", U8, 1);
    for (uint32_t i = 0; i < gap; i++) {
      char key[] = "other0";
      key[5] = (char) ('0' + i);
      put_number (&b, key, U8, 1);
    }
    put_string (&b, "twice", "x");
    give (r, &b, BY_PARSER, "G4 key given twice, %u between", gap);
  }
}

static void
values (struct run *r)
{
  struct buffer b = { 0 };
  EACH (uint64_t, n,
        { 101, 1u << 24, (1u << 24) + 1, UINT32_MAX, 1ull << 32, 1ull << 62, 1ull << 63,
          UINT64_MAX - 8, UINT64_MAX })
  {
    put_head (&b, 3, 0, 1);
    put_key (&b, "text", STRING);
    put_uint (&b, *n, 8);
    put_zeros (&b, 100);
    give (r, &b, BY_PARSER, "G5 text of %llu bytes", LL (*n));
    put_head (&b, 3, 0, 1);
    put_array (&b, "texts", STRING, 2);
    put_text (&b, "fine");
    put_uint (&b, *n, 8);
    put_zeros (&b, 100);
    give (r, &b, BY_PARSER, "G5 text of %llu bytes in a list", LL (*n));
  }
  for (uint32_t kind = 0; kind < N_KINDS; kind++) {
    EACH (uint64_t, n,
          { 0, 1u << 24, UINT32_MAX, 1ull << 32, 1ull << 61, 1ull << 62, 1ull << 63, UINT64_MAX })
    {
      uint64_t count = *n ? *n : 96 / kind_bytes[kind] + 1;
      put_head (&b, 3, 0, 1);
      put_array (&b, "list", kind, count);
      put_zeros (&b, 96);
      give (r, &b, BY_PARSER, "G6 list of %llu of kind %u", LL (count), kind);
    }
    if (kind != STRING && kind != ARRAY) {
      put_head (&b, 3, 0, 1);
      put_key (&b, "cut", kind);
      put_zeros (&b, kind_bytes[kind] - 1);
      give (r, &b, BY_PARSER, "G6 value of kind %u, one byte short", kind);
    }
  }
  EACH (uint32_t, kind, { 13, 14, 100, 255, 0x80000000, 0xffffffff })
  {
    put_head (&b, 3, 0, 1);
    put_key (&b, "value", *kind);
    put_zeros (&b, 32);
    give (r, &b, BY_PARSER, "G6 kind %u", *kind);
    put_head (&b, 3, 0, 1);
    put_array (&b, "list", *kind, 1);
    put_zeros (&b, 32);
    give (r, &b, BY_PARSER, "G6 list of kind %u", *kind);
  }
  EACH (unsigned, value, { 2, 3, 127, 128, 255 })
  {
    put_head (&b, 3, 0, 1);
    put_number (&b, "truth", BOOL, *value);
    give (r, &b, BY_PARSER, "G6 truth value %u", *value);
    put_head (&b, 3, 0, 1);
    put_array (&b, "truths", BOOL, 3);
    put_uint (&b, 1u | *value << 16, 3);
    give (r, &b, BY_PARSER, "G6 truth value %u in a list", *value);
  }
  EACH (unsigned, depth, { 1, 4, 5, 6, 64, 1000000 })
  {
    put_head (&b, 3, 0, 1);
    put_array (&b, "nested", depth[0] == 1 ? U8 : ARRAY, 1);
    for (unsigned d = 2; d < *depth; d++) {
      put_uint (&b, ARRAY, 4);
      put_uint (&b, 1, 8);
    }
    if (*depth > 1) {
      put_uint (&b, U8, 4);
      put_uint (&b, 1, 8);
    }
    put_uint (&b, 7, 1);
    give (r, &b, *depth > 4 ? BY_PARSER : BY_NOBODY, "G6 lists nested %u deep", *depth);
  }
}

static void
alignments (struct run *r)
{
  struct buffer b = { 0 };
  EACH (uint32_t, a,
        { 0, 1, 2, 3, 4, 7, 12, 24, 33, 65535, 65537, 131072, 1u << 30, 1u << 31, UINT32_MAX })
  {
    put_head (&b, 3, 0, 1);
    put_number (&b, "general.alignment", U32, *a);
    give (r, &b, BY_PARSER, "G11 alignment %u", *a);
  }
  for (uint32_t kind = 0; kind < N_KINDS; kind++) {
    put_head (&b, 3, 0, 1);
    if (kind == STRING)
      put_string (&b, "general.alignment", "32");
    else if (kind == ARRAY) {
      put_array (&b, "general.alignment", U32, 1);
      put_uint (&b, 32, 4);
    } else
      put_number (&b, "general.alignment", kind, kind == BOOL ? 1 : 32);
    give (r, &b, kind == U32 ? BY_NOBODY : BY_PARSER, "G11 alignment of kind %u", kind);
  }
  EACH (uint32_t, a, { 8, 16, 64, 65536 })
  {
    put_head (&b, 3, 0, 1);
    put_number (&b, "general.alignment", U32, *a);
    give (r, &b, BY_NOBODY, "G11 alignment %u is allowed", *a);
  }
  put_head (&b, 3, 0, 2);
  put_number (&b, "general.alignment", U32, 32);
  put_number (&b, "general.alignment", U32, 64);
  give (r, &b, BY_PARSER, "G11 alignment given twice");
}

/* ---- tensors ---- */

static void
one_tensor (struct buffer *b, const char *name, uint32_t n_dims, const uint64_t *shape,
            uint32_t type, uint64_t offset, size_t data_bytes)
{
  put_head (b, 3, 1, 0);
  put_tensor (b, name, n_dims, shape, type, offset);
  put_padding (b);
  put_zeros (b, data_bytes);
}

static void
shapes (struct run *r)
{
  struct buffer b = { 0 };
  const uint64_t small[8] = { 32, 1, 1, 1, 1, 1, 1, 1 };
  EACH (uint32_t, n, { 0, 5, 6, 255, 1u << 31, UINT32_MAX })
  {
    one_tensor (&b, "t", *n, small, 0, 0, 128);
    give (r, &b, BY_PARSER, "G7 %u dimensions", *n);
  }
  for (uint32_t d = 0; d < 4; d++)
    EACH (uint64_t, size,
          { 0, 1ull << 40, 1ull << 61, 1ull << 62, 1ull << 63, (1ull << 63) + 1, UINT64_MAX - 31,
            UINT64_MAX })
  for (uint32_t type = 0; type <= 8; type += 8) {
    uint64_t shape[4] = { 32, 1, 1, 1 };
    shape[d] = *size;
    one_tensor (&b, "t", 4, shape, type, 0, 128);
    give (r, &b, BY_PARSER, "G8 dimension %u is %llu, type %u", d, LL (*size), type);
  }
  static const uint64_t products[][4] = {
    { 1ull << 32, 1ull << 32, 1, 1 }, /* wraps to zero */
    { 1ull << 32, 1ull << 31, 2, 1 }, /* the same in three steps */
    { 1ull << 32, 1ull << 30, 4, 8 },
    { (1ull << 32) + 1, 1ull << 32, 1, 1 }, /* wraps to something small */
    { 0x5555555555555556, 3, 1, 1 },        /* wraps to two */
    { 1ull << 62, 1, 2, 1 },                /* wraps to negative */
    { 1ull << 31, 1ull << 31, 1, 2 },
    { 1ull << 61, 3, 1, 1 }, /* elements fit, bytes do not */
    { 1ull << 60, 4, 1, 1 },
    { 1ull << 16, 1ull << 16, 1ull << 16, 1ull << 16 },
  };
  for (size_t i = 0; i < sizeof products / sizeof *products; i++)
    for (uint32_t type = 0; type <= 30; type += 30) {
      one_tensor (&b, "t", 4, products[i], type, 0, 4096);
      give (r, &b, BY_PARSER, "G8 product %zu, type %u", i, type);
    }
  static const struct {
    uint32_t type, block;
  } blocks[] = { { 2, 32 },   { 3, 32 },   { 6, 32 },   { 7, 32 },   { 8, 32 },   { 10, 256 },
                 { 11, 256 }, { 12, 256 }, { 13, 256 }, { 14, 256 }, { 16, 256 }, { 20, 32 },
                 { 23, 256 }, { 34, 256 }, { 39, 32 },  { 40, 64 },  { 41, 128 } };
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
    EACH (int, off, { -1, 1 })
    {
      uint64_t shape[1] = { (uint64_t) ((int) blocks[i].block + *off) };
      one_tensor (&b, "t", 1, shape, blocks[i].type, 0, 4096);
      give (r, &b, BY_PARSER, "G8 rows of %llu in type %u", LL (shape[0]), blocks[i].type);
    }
  EACH (uint32_t, type, { 4, 5, 9, 15, 31, 32, 33, 36, 37, 38, 43, 44, 255, 1u << 31, UINT32_MAX })
  {
    one_tensor (&b, "t", 1, small, *type, 0, 4096);
    give (r, &b, BY_PARSER, "G13 type %u", *type);
  }
}

static void
places (struct run *r)
{
  struct buffer b = { 0 };
  const uint64_t shape[4] = { 32, 1, 1, 1 }; /* 128 bytes of F32 */
  EACH (uint64_t, offset,
        { 1, 4, 31, 33, 128, 160, 1ull << 32, 1ull << 63, UINT64_MAX - 31, UINT64_MAX - 63,
          UINT64_MAX })
  {
    one_tensor (&b, "t", 1, shape, 0, *offset, 128);
    give (r, &b, BY_PARSER, "G9 offset %llu", LL (*offset));
  }
  EACH (size_t, n, { 0, 1, 64, 127 })
  {
    one_tensor (&b, "t", 1, shape, 0, 0, *n);
    give (r, &b, BY_PARSER, "G10 %zu of 128 bytes are there", *n);
  }
  EACH (size_t, n, { 128, 129, 4096 })
  {
    one_tensor (&b, "t", 1, shape, 0, 0, *n);
    give (r, &b, BY_NOBODY, "G10 %zu bytes for 128", *n);
  }
  EACH (uint64_t, second, { 0, 32, 64, 96 })
  {
    for (int swap = 0; swap < 2; swap++) {
      put_head (&b, 3, 2, 0);
      put_tensor (&b, "a", 1, shape, 0, swap ? *second : 0);
      put_tensor (&b, "b", 1, shape, 0, swap ? 0 : *second);
      put_padding (&b);
      put_zeros (&b, 512);
      give (r, &b, BY_PARSER, "G9 tensors share bytes from %llu on, order %d", LL (*second), swap);
    }
  }
  EACH (size_t, n, { 0, 64, 65, 100, 1u << 20 })
  {
    char *name = calloc (1, *n + 1);
    memset (name, 'n', *n);
    one_tensor (&b, name, 1, shape, 0, 0, 128);
    give (r, &b, BY_PARSER, "G12 name of %zu bytes", *n);
    free (name);
  }
  EACH (text_t, name, { "a\xff", "\xc3", "\xf8\x88\x80\x80\x80" })
  {
    one_tensor (&b, *name, 1, shape, 0, 0, 128);
    give (r, &b, BY_PARSER, "G12 name that is no UTF-8, %zu bytes", strlen (*name));
  }
  put_head (&b, 3, 2, 0);
  put_tensor (&b, "same", 1, shape, 0, 0);
  put_tensor (&b, "same", 1, shape, 0, 128);
  put_padding (&b);
  put_zeros (&b, 256);
  give (r, &b, BY_PARSER, "G12 two tensors of one name");
}

/* ---- vocabularies ---- */

struct words {
  const char *model;
  const char *const *texts;
  size_t n;
  const int32_t *types;
  const float *scores;
};

static void
put_words (struct buffer *b, uint64_t n_entries, const struct words *w)
{
  put_head (b, 3, 0, n_entries + 2 + (w->types != NULL) + (w->scores != NULL));
  put_string (b, "tokenizer.ggml.model", w->model);
  put_array (b, "tokenizer.ggml.tokens", STRING, w->n);
  for (size_t i = 0; i < w->n; i++)
    put_text (b, w->texts[i]);
  if (w->types) {
    put_array (b, "tokenizer.ggml.token_type", I32, w->n);
    put (b, w->types, w->n * 4);
  }
  if (w->scores) {
    put_array (b, "tokenizer.ggml.scores", F32, w->n);
    put (b, w->scores, w->n * 4);
  }
}

static const char *const four_texts[] = { "a", "b", "ab", "<0x0A>" };
static const int32_t four_types[] = { 1, 1, 1, 6 };
static const float four_scores[] = { 0, 0, 1, 0 };
static const struct words four = { "llama", four_texts, 4, four_types, four_scores };

static void
special_ids (struct run *r)
{
  struct buffer b = { 0 };
  EACH (text_t, name,
        { "bos", "eos", "eot", "eom", "unknown", "seperator", "padding", "fim_pad", "fim_rep",
          "fim_sep" })
  {
    char key[64];
    snprintf (key, sizeof key, "tokenizer.ggml.%s_token_id", *name);
    EACH (uint32_t, id, { 4, 5, 1u << 20, 1u << 31, UINT32_MAX - 1 })
    {
      put_words (&b, 1, &four);
      put_number (&b, key, U32, *id);
      give (r, &b, BY_VOCAB, "T1 %s is %u of 4", *name, *id);
    }
    put_words (&b, 1, &four);
    put_number (&b, key, I32, (uint32_t) -2);
    give (r, &b, BY_VOCAB, "T1 %s is -2", *name);
    put_words (&b, 1, &four);
    put_number (&b, key, U64, 1ull << 32);
    give (r, &b, BY_VOCAB, "T1 %s is 2^32", *name);
    put_words (&b, 1, &four);
    put_string (&b, key, "1");
    give (r, &b, BY_VOCAB, "T1 %s is a text", *name);
    put_words (&b, 1, &four);
    put_array (&b, key, U32, 1);
    put_uint (&b, 1, 4);
    give (r, &b, BY_VOCAB, "T1 %s is a list", *name);
  }
  EACH (text_t, model, { "llama", "gpt2", "bert", "t5", "gemma4" })
  {
    struct words one = { *model, four_texts, 1, NULL, NULL };
    put_words (&b, 0, &one);
    give (r, &b, BY_NOBODY, "T1 one token, default ids of %s", *model);
  }
}

static void
vocabularies (struct run *r)
{
  struct buffer b = { 0 };
  EACH (text_t, model, { "", "Llama", "gpt-2", "rwkv", "../x" })
  {
    struct words w = four;
    w.model = *model;
    put_words (&b, 0, &w);
    give (r, &b, BY_VOCAB, "T2 kind '%s'", *model);
  }
  put_head (&b, 3, 0, 1);
  put_string (&b, "tokenizer.ggml.model", "llama");
  give (r, &b, BY_VOCAB, "T2 no tokens");
  put_head (&b, 3, 0, 2);
  put_string (&b, "tokenizer.ggml.model", "llama");
  put_string (&b, "tokenizer.ggml.tokens", "abc");
  give (r, &b, BY_VOCAB, "T2 tokens are one text");
  EACH (uint64_t, n, { 0, (1u << 20) + 1 })
  {
    put_head (&b, 3, 0, 2);
    put_string (&b, "tokenizer.ggml.model", "llama");
    put_array (&b, "tokenizer.ggml.tokens", STRING, *n);
    for (uint64_t i = 0; i < *n; i++)
      put_uint (&b, 0, 8);
    give (r, &b, BY_VOCAB, "T2 %llu tokens", LL (*n));
  }
  EACH (text_t, key, { "tokenizer.ggml.scores", "tokenizer.ggml.token_type" })
  {
    struct words w = { "llama", four_texts, 4, NULL, NULL };
    EACH (uint64_t, n, { 0, 1, 3, 5 })
    {
      put_words (&b, 1, &w);
      put_array (&b, *key, I32, *n);
      for (uint64_t i = 0; i < *n; i++)
        put_uint (&b, 1, 4);
      give (r, &b, BY_VOCAB, "T2 %s has %llu of 4", *key, LL (*n));
    }
    put_words (&b, 1, &w);
    put_number (&b, *key, I32, 1);
    give (r, &b, BY_VOCAB, "T2 %s is a number", *key);
    put_words (&b, 1, &w);
    put_array (&b, *key, STRING, 4);
    for (int i = 0; i < 4; i++)
      put_text (&b, "1");
    give (r, &b, BY_VOCAB, "T2 %s has texts", *key);
  }
  EACH (int32_t, type, { -1, 7, 100, INT32_MAX, INT32_MIN })
  {
    int32_t types[4] = { 1, 1, *type, 6 };
    struct words w = { "llama", four_texts, 4, types, NULL };
    put_words (&b, 0, &w);
    give (r, &b, BY_VOCAB, "T2 token type %d", *type);
  }
  EACH (size_t, n, { 16385, 65536, 1u << 20 })
  {
    char *text = calloc (1, *n + 1);
    memset (text, 'x', *n);
    const char *texts[] = { "a", text };
    struct words w = { "llama", texts, 2, NULL, NULL };
    put_words (&b, 0, &w);
    give (r, &b, BY_VOCAB, "T3 token of %zu bytes", *n);
    free (text);
  }
  const char *odd[] = { "", "", "a", "a", "\xff\xfe", "\xc3" };
  EACH (text_t, model, { "llama", "gpt2", "bert", "t5", "gemma4" })
  {
    struct words w = { *model, odd, 6, NULL, NULL };
    put_words (&b, 0, &w);
    give (r, &b, BY_NOBODY, "T3 empty, equal and broken tokens, %s", *model);
  }
  EACH (text_t, text,
        { "<0x-1>", "<0xZZ>", "<0x1>", "<0x100>", "<0X41>", "0x41", "", "<0x4 >", "A" })
  {
    const char *texts[] = { "a", *text };
    const int32_t types[] = { 1, 6 };
    struct words w = { "llama", texts, 2, types, NULL };
    put_words (&b, 0, &w);
    give (r, &b, BY_VOCAB, "T4 byte token '%s'", *text);
  }
  EACH (float, score, { NAN, -NAN, INFINITY, -INFINITY })
  {
    float scores[4] = { 0, 1, *score, 2 };
    EACH (text_t, model, { "llama", "t5" })
    {
      struct words w = { *model, four_texts, 4, NULL, scores };
      put_words (&b, 0, &w);
      give (r, &b, BY_VOCAB, "T6 score %g of %s", (double) *score, *model);
    }
  }
}

static void
merges (struct run *r)
{
  struct buffer b = { 0 };
  const struct words w = { "gpt2", four_texts, 3, NULL, NULL };
  EACH (text_t, merge, { "", "a", " ", "  ", "ab", "a ", "abc", "a\tb" })
  {
    put_words (&b, 1, &w);
    put_array (&b, "tokenizer.ggml.merges", STRING, 1);
    put_text (&b, *merge);
    give (r, &b, BY_VOCAB, "T5 merge '%s'", *merge);
  }
  EACH (text_t, merge, { "a b", "a a", "x y", "a  b", "ab ab" })
  {
    put_words (&b, 1, &w);
    put_array (&b, "tokenizer.ggml.merges", STRING, 2);
    put_text (&b, *merge);
    put_text (&b, *merge);
    give (r, &b, BY_NOBODY, "T5 merge '%s', twice", *merge);
  }
  put_words (&b, 1, &w);
  put_number (&b, "tokenizer.ggml.merges", U32, 1);
  give (r, &b, BY_VOCAB, "T5 merges are a number");
  put_words (&b, 1, &w);
  put_array (&b, "tokenizer.ggml.merges", STRING, (1u << 20) + 1);
  for (uint32_t i = 0; i <= 1u << 20; i++)
    put_text (&b, "a b");
  give (r, &b, BY_VOCAB, "T5 more merges than allowed");
}

static void
maps (struct run *r)
{
  struct buffer b = { 0 };
  const struct words w = { "t5", four_texts, 4, NULL, four_scores };
  EACH (uint32_t, n, { 0, 1, 2, 3, 16, 17, 28, 32, 1u << 31, UINT32_MAX })
  {
    put_words (&b, 1, &w);
    put_array (&b, "tokenizer.ggml.precompiled_charsmap", U8, 32);
    put_uint (&b, *n, 4);
    put_zeros (&b, 27);
    put_uint (&b, 1, 1); /* the last text is not ended */
    give (r, &b, BY_VOCAB, "T7 normalisation map of %u bytes", *n);
  }
}

size_t
hostile_each (hostile_fn fn, void *data)
{
  struct run r = { fn, data, 0 };
  heads (&r);
  keys (&r);
  values (&r);
  alignments (&r);
  shapes (&r);
  places (&r);
  special_ids (&r);
  vocabularies (&r);
  merges (&r);
  maps (&r);
  return r.n;
}

/* ---- the sound file ---- */

static const struct {
  const char *name;
  uint32_t type;
  uint64_t shape[2];
  size_t n_bytes; /* a multiple of 32 */
} sound_tensors[] = {
  { "token_embd.weight", 8, { 32, 272 }, 272 * 34 }, /* Q8_0 */
  { "blk.0.attn_norm.weight", 0, { 32, 1 }, 32 * 4 },
  { "blk.0.attn_q.weight", 0, { 32, 32 }, 32 * 32 * 4 },
  { "blk.0.attn_k.weight", 1, { 32, 16 }, 32 * 16 * 2 }, /* F16 */
  { "blk.0.attn_v.weight", 1, { 32, 16 }, 32 * 16 * 2 },
  { "blk.0.attn_output.weight", 0, { 32, 32 }, 32 * 32 * 4 },
  { "blk.0.ffn_norm.weight", 0, { 32, 1 }, 32 * 4 },
  { "blk.0.ffn_gate.weight", 0, { 32, 64 }, 32 * 64 * 4 },
  { "blk.0.ffn_up.weight", 0, { 32, 64 }, 32 * 64 * 4 },
  { "blk.0.ffn_down.weight", 0, { 64, 32 }, 32 * 64 * 4 },
  { "output_norm.weight", 0, { 32, 1 }, 32 * 4 },
};

static void
put_sound_words (struct buffer *b, uint64_t n_entries)
{
  enum { N = 272 };
  static char texts[N][8];
  static const char *list[N];
  static int32_t types[N];
  static float scores[N];
  for (int i = 0; i < N; i++) {
    snprintf (texts[i], sizeof texts[i], i < 256 ? "<0x%02X>" : "%c%.*s",
              i < 256 ? (unsigned) i : (unsigned) ('a' + i % 4), i % 3, "abc");
    list[i] = texts[i];
    types[i] = i < 256 ? 6 : 1;
    scores[i] = (float) -i;
  }
  const struct words w = { "llama", list, N, types, scores };
  put_words (b, n_entries, &w);
}

unsigned char *
hostile_sound_file (size_t *n)
{
  struct buffer b = { 0 };
  const size_t n_tensors = sizeof sound_tensors / sizeof *sound_tensors;
  put_sound_words (&b, N_KINDS + 8);
  memcpy (b.data + 8, &(uint64_t){ n_tensors + 1 }, 8);
  put_string (&b, "general.architecture", "llama");
  put_number (&b, "llama.block_count", U32, 1);
  put_number (&b, "llama.context_length", U32, 64);
  put_number (&b, "llama.embedding_length", U32, 32);
  put_number (&b, "llama.feed_forward_length", U32, 64);
  put_number (&b, "llama.attention.head_count", U32, 2);
  put_number (&b, "llama.attention.head_count_kv", U32, 1);
  put_number (&b, "llama.attention.layer_norm_rms_epsilon", F32, 0x3727c5ac); /* 1e-5 */
  for (uint32_t kind = 0; kind < N_KINDS; kind++) {
    char key[16];
    snprintf (key, sizeof key, "kind.%u", kind);
    if (kind == STRING)
      put_string (&b, key, "text");
    else if (kind == ARRAY) {
      put_array (&b, key, ARRAY, 1);
      put_uint (&b, STRING, 4);
      put_uint (&b, 1, 8);
      put_text (&b, "deep");
    } else
      put_number (&b, key, kind, 1);
  }
  uint64_t offset = 0;
  for (size_t i = 0; i < n_tensors; i++) {
    put_tensor (&b, sound_tensors[i].name, sound_tensors[i].shape[1] > 1 ? 2 : 1,
                sound_tensors[i].shape, sound_tensors[i].type, offset);
    offset += sound_tensors[i].n_bytes;
  }
  /* One more, that nobody asks for, up to the size that was promised. */
  size_t header = (b.n + 8 + 4 + 4 + 8 + 4 + 8 + 31) / 32 * 32;
  uint64_t rest[1] = { HOSTILE_SOUND_BYTES - header - offset };
  put_tensor (&b, "rest", 1, rest, 24, offset); /* I8 */
  put_padding (&b);
  for (size_t i = 0; b.n < HOSTILE_SOUND_BYTES; i++)
    put_uint (&b, i * 37 % 61, 1);
  *n = b.n;
  unsigned char *exact = malloc (b.n);
  memcpy (exact, b.data, b.n);
  free (b.data);
  return exact;
}
