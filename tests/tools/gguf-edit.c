/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gguf-edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct copy {
  const struct pe_gguf *base;
  const unsigned char *bytes;
  const struct gguf_change *changes;
  size_t n;
  struct pe_gguf_writer *writer;
  size_t *sources; /* tensor of the base for each one that is written */
  uint64_t *sizes; /* its bytes in the copy */
  enum pe_type *types;
};

static void
full_key (const struct copy *c, const char *key, char *full, size_t size)
{
  struct pe_string family = { "", 0 };
  pe_gguf_string (c->base, "general.architecture", &family);
  if (key[0] == '.')
    snprintf (full, size, "%.*s%s", (int) family.n, family.data, key);
  else
    snprintf (full, size, "%s", key);
}

static bool
is_key (enum gguf_change_kind kind)
{
  return kind <= GGUF_CUT_ARRAY;
}

static const struct gguf_change *
change_of_key (const struct copy *c, struct pe_string key)
{
  char full[256];
  for (size_t i = 0; i < c->n; i++) {
    full_key (c, c->changes[i].name, full, sizeof full);
    if (is_key (c->changes[i].kind) && pe_string_equal (key, full))
      return &c->changes[i];
  }
  return NULL;
}

static void
put_numbers (struct copy *c, const char *key, const struct gguf_change *change)
{
  uint32_t *numbers = calloc (change->integer + 1, sizeof *numbers);
  for (uint64_t i = 0; i < change->integer; i++)
    numbers[i] = (uint32_t) change->real;
  pe_gguf_put_array (c->writer, key, PE_GGUF_U32, numbers, change->integer);
  free (numbers);
}

static void
put_change (struct copy *c, const struct gguf_change *change)
{
  char key[256];
  full_key (c, change->name, key, sizeof key);
  switch (change->kind) {
  case GGUF_PUT_U64:
    if (change->integer <= UINT32_MAX)
      pe_gguf_put_u32 (c->writer, key, (uint32_t) change->integer);
    else
      pe_gguf_put_u64 (c->writer, key, change->integer);
    break;
  case GGUF_PUT_F32: pe_gguf_put_f32 (c->writer, key, (float) change->real); break;
  case GGUF_PUT_STRING:
    pe_gguf_put_string (c->writer, key, change->text, strlen (change->text));
    break;
  case GGUF_PUT_NUMBERS: put_numbers (c, key, change); break;
  default: break;
  }
}

static void
put_entry (struct copy *c, const struct pe_gguf_entry *e, uint64_t count)
{
  char key[1024];
  uint64_t u = 0;
  double f = 0;
  bool flag = false;
  snprintf (key, sizeof key, "%.*s", (int) e->key.n, e->key.data);
  if (e->is_nested)
    return;
  if (e->is_array && e->kind == PE_GGUF_STRING)
    pe_gguf_put_strings (c->writer, key, e->strings, count);
  else if (e->is_array)
    pe_gguf_put_array (c->writer, key, e->kind, e->data, count);
  else if (e->kind == PE_GGUF_STRING)
    pe_gguf_put_string (c->writer, key, e->strings[0].data, e->strings[0].n);
  else if (pe_gguf_entry_bool (e, 0, &flag) && e->kind == PE_GGUF_BOOL)
    pe_gguf_put_bool (c->writer, key, flag);
  else if (e->kind == PE_GGUF_F32 || e->kind == PE_GGUF_F64) {
    pe_gguf_entry_f64 (e, 0, &f);
    pe_gguf_put_f32 (c->writer, key, (float) f);
  } else if (pe_gguf_entry_u64 (e, 0, &u) && u <= UINT32_MAX)
    pe_gguf_put_u32 (c->writer, key, (uint32_t) u);
  else
    pe_gguf_put_u64 (c->writer, key, u);
}

static void
put_metadata (struct copy *c)
{
  for (size_t i = 0; i < c->base->n_entries; i++) {
    const struct pe_gguf_entry *e = &c->base->entries[i];
    const struct gguf_change *change = change_of_key (c, e->key);
    if (!change)
      put_entry (c, e, e->count);
    else if (change->kind == GGUF_CUT_ARRAY)
      put_entry (c, e, change->integer < e->count ? change->integer : e->count);
  }
  for (size_t i = 0; i < c->n; i++)
    if (c->changes[i].kind <= GGUF_PUT_NUMBERS)
      put_change (c, &c->changes[i]);
}

/* The pattern of one element of a plain type, or of one byte. */
static size_t
pattern (enum pe_type type, const struct gguf_change *change, unsigned char out[4])
{
  float real = (float) change->real;
  uint32_t bits;
  memcpy (&bits, &real, sizeof bits);
  if (type == PE_TYPE_F32) {
    memcpy (out, &bits, 4);
    return 4;
  }
  if (type == PE_TYPE_BF16 || type == PE_TYPE_F16) {
    uint16_t half = (uint16_t) (bits >> 16);
    if (type == PE_TYPE_F16) /* only what has no finite value needs to be exact */
      half = real > 0 || real < 0 ? (real < 0 ? 0xfc00 : 0x7c00) : bits & 0x7fffffff ? 0x7e00 : 0;
    memcpy (out, &half, 2);
    return 2;
  }
  out[0] = (unsigned char) change->integer;
  return 1;
}

static bool
write_tensor (struct pe_gguf_writer *w, size_t tensor, void *data, struct pe_error *error)
{
  const struct copy *c = data;
  const struct pe_gguf_tensor *t = &c->base->tensors[c->sources[tensor]];
  uint64_t size = c->sizes[tensor];
  unsigned char *bytes = calloc (1, size ? size : 1);
  memcpy (bytes, c->bytes + t->offset, size < t->n_bytes ? size : t->n_bytes);
  char name[128];
  snprintf (name, sizeof name, "%.*s", (int) t->name.n, t->name.data);
  for (size_t i = 0; i < c->n; i++)
    if (c->changes[i].kind == GGUF_FILL_TENSORS && strstr (name, c->changes[i].name)) {
      unsigned char fill[4];
      size_t n = pattern (c->types[tensor], &c->changes[i], fill);
      for (uint64_t k = 0; k + n <= size; k += n)
        memcpy (bytes + k, fill, n);
    }
  bool ok = pe_gguf_write (w, bytes, size, error);
  free (bytes);
  return ok;
}

static void
add_tensors (struct copy *c)
{
  size_t n = 0;
  for (size_t i = 0; i < c->base->n_tensors; i++) {
    const struct pe_gguf_tensor *t = &c->base->tensors[i];
    char name[128];
    uint64_t shape[4];
    enum pe_type type = t->type;
    uint32_t n_dims = t->n_dims;
    bool drop = false;
    snprintf (name, sizeof name, "%.*s", (int) t->name.n, t->name.data);
    memcpy (shape, t->shape, sizeof shape);
    for (size_t k = 0; k < c->n; k++) {
      const struct gguf_change *change = &c->changes[k];
      if (is_key (change->kind) || strcmp (change->name, name) != 0)
        continue;
      drop |= change->kind == GGUF_DROP_TENSOR;
      if (change->kind == GGUF_TYPE_TENSOR)
        type = (enum pe_type) change->integer;
      if (change->kind == GGUF_SHAPE_TENSOR) {
        memcpy (shape, change->shape, sizeof shape);
        for (n_dims = 4; n_dims > 1 && shape[n_dims - 1] == 1;)
          n_dims--;
      }
    }
    if (drop)
      continue;
    c->sources[n] = i;
    c->types[n] = type;
    c->sizes[n++] = pe_type_row_bytes (type, shape[0]) * shape[1] * shape[2] * shape[3];
    pe_gguf_add_tensor (c->writer, name, type, n_dims, shape, write_tensor, c);
  }
}

bool
gguf_copy (const struct pe_gguf *base, const void *bytes, const struct gguf_change *changes,
           size_t n, const char *path, struct pe_error *error)
{
  struct copy c = { .base = base, .bytes = bytes, .changes = changes, .n = n };
  c.writer = pe_gguf_writer_new ();
  c.sources = calloc (base->n_tensors + 1, sizeof *c.sources);
  c.sizes = calloc (base->n_tensors + 1, sizeof *c.sizes);
  c.types = calloc (base->n_tensors + 1, sizeof *c.types);
  put_metadata (&c);
  add_tensors (&c);
  bool ok = pe_gguf_writer_save (c.writer, path, error);
  pe_gguf_writer_free (c.writer);
  free (c.sources);
  free (c.sizes);
  free (c.types);
  return ok;
}
