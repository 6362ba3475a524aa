/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/format/gguf.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "engine/format/limits.h"

#include <math.h>
#include <string.h>

/* Hash tables over the keys and the tensor names: index + 1, 0 = empty. */
struct table {
  uint32_t *slots;
  size_t size; /* a power of two */
};

struct pe_gguf_private {
  struct pe_arena arena;
  struct pe_hash_key hash_key;
  struct table keys, names;
};

struct reader {
  struct pe_cursor c;
  struct pe_gguf *gguf;
  uint64_t file_bytes;
  uint64_t n_strings; /* so far, of all arrays */
  struct pe_error *error;
};

/* ---- errors ---- */

/* The cursor ran out: either the file is longer than what is at hand, or it is cut off. `need`
 * bytes were wanted at the cursor's position. */
static bool
ran_out (struct reader *r, uint64_t need, const char *what)
{
  uint64_t end;
  if (!pe_add_u64 (r->c.position, need, &end) || end > r->file_bytes)
    /* What is at hand may be all there is: then there is no use in fetching more. */
    return pe_fail_at (r->error, r->c.size < r->file_bytes ? PE_ERROR_FORMAT : PE_ERROR_TRUNCATED,
                       r->c.position,
                       "%s at byte %llu needs %llu bytes, but the file has only %llu more: it is "
                       "cut off or damaged",
                       what, (unsigned long long) r->c.position, (unsigned long long) need,
                       (unsigned long long) (r->file_bytes - r->c.position));
  if (end > PE_LIMIT_HEADER_BYTES)
    return pe_fail_at (r->error, PE_ERROR_LIMIT, r->c.position,
                       "the header is larger than any model's, at byte %llu",
                       (unsigned long long) r->c.position);
  return pe_fail_at (r->error, PE_ERROR_TRUNCATED, end, "%s continues beyond the bytes at hand",
                     what);
}

static bool
bad (struct reader *r, uint64_t offset, const char *what)
{
  return pe_fail_at (r->error, PE_ERROR_FORMAT, offset, "%s, at byte %llu", what,
                     (unsigned long long) offset);
}

static bool
no_memory (struct reader *r)
{
  return pe_fail (r->error, PE_ERROR_MEMORY, "not enough memory for the file's header");
}

static bool
take_u32 (struct reader *r, uint32_t *out, const char *what)
{
  if (!pe_cursor_has (&r->c, 4))
    return ran_out (r, 4, what);
  *out = pe_cursor_u32 (&r->c);
  return true;
}

static bool
take_u64 (struct reader *r, uint64_t *out, const char *what)
{
  if (!pe_cursor_has (&r->c, 8))
    return ran_out (r, 8, what);
  *out = pe_cursor_u64 (&r->c);
  return true;
}

static bool
take_string (struct reader *r, uint64_t limit, struct pe_string *out, const char *what)
{
  uint64_t at = r->c.position, n = 0;
  if (!take_u64 (r, &n, what))
    return false;
  if (n > limit)
    return bad (r, at, "a string is longer than any real one");
  if (!pe_cursor_has (&r->c, n))
    return ran_out (r, n, what);
  *out = (struct pe_string){ (const char *) pe_cursor_take (&r->c, n), (size_t) n };
  return true;
}

/* A count is believed only if the file could hold so many: checked before anything is allocated. */
static bool
plausible (struct reader *r, uint64_t at, uint64_t count, uint64_t least_bytes, uint64_t limit,
           const char *what)
{
  if (count > limit || count > (r->file_bytes - r->c.position) / least_bytes)
    return pe_fail_at (r->error, PE_ERROR_FORMAT, at,
                       "the file announces %llu %s, more than it can hold, at byte %llu",
                       (unsigned long long) count, what, (unsigned long long) at);
  return true;
}

/* ---- names ---- */

bool
pe_string_equal (struct pe_string a, const char *b)
{
  return strlen (b) == a.n && (a.n == 0 || memcmp (a.data, b, a.n) == 0);
}

static bool
table_init (struct table *t, struct pe_arena *arena, size_t n)
{
  t->size = 16;
  while (t->size < 2 * n)
    t->size *= 2;
  t->slots = pe_arena_array (arena, t->size, sizeof *t->slots);
  return t->slots != NULL;
}

typedef struct pe_string (*name_of_fn) (const struct pe_gguf *gguf, uint32_t i);

static struct pe_string
key_of (const struct pe_gguf *gguf, uint32_t i)
{
  return gguf->entries[i].key;
}

static struct pe_string
tensor_name_of (const struct pe_gguf *gguf, uint32_t i)
{
  return gguf->tensors[i].name;
}

/* The slot of a name: its own, or the empty one where it would go. */
static uint32_t *
table_slot (const struct table *t, const struct pe_gguf *gguf, name_of_fn name_of, const char *name,
            size_t n)
{
  size_t mask = t->size - 1;
  for (size_t i = (size_t) pe_hash (gguf->private_data->hash_key, name, n) & mask;;
       i = (i + 1) & mask) {
    uint32_t at = t->slots[i];
    if (at == 0)
      return &t->slots[i];
    struct pe_string other = name_of (gguf, at - 1);
    if (other.n == n && memcmp (other.data, name, n) == 0)
      return &t->slots[i];
  }
}

/* Names are looked up and shown: they must be text. */
static bool
take_name (struct reader *r, uint64_t limit, struct pe_string *out, const char *what)
{
  uint64_t at = r->c.position;
  if (!take_string (r, limit, out, what))
    return false;
  if (out->n == 0)
    return pe_fail_at (r->error, PE_ERROR_FORMAT, at, "%s is empty, at byte %llu", what,
                       (unsigned long long) at);
  if (memchr (out->data, 0, out->n) || !pe_utf8_valid (out->data, out->n))
    return pe_fail_at (r->error, PE_ERROR_FORMAT, at, "%s is no valid text, at byte %llu", what,
                       (unsigned long long) at);
  return true;
}

/* ---- metadata ---- */

static uint32_t
kind_bytes (uint32_t kind)
{
  static const uint32_t bytes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
  return kind < sizeof bytes / sizeof *bytes ? bytes[kind] : 0;
}

static bool
is_kind (uint32_t kind)
{
  return kind <= PE_GGUF_F64;
}

static bool
take_strings (struct reader *r, struct pe_gguf_entry *e)
{
  if (e->count > PE_LIMIT_STRINGS - r->n_strings)
    return bad (r, e->offset, "a list of strings is longer than any real one");
  r->n_strings += e->count;
  /* The index takes memory: what is at hand must at least have the lengths of the strings. */
  if (!pe_cursor_has (&r->c, e->count * PE_LEAST_STRING_BYTES))
    return ran_out (r, e->count * PE_LEAST_STRING_BYTES, "a list of strings");
  e->strings =
      pe_arena_array (&r->gguf->private_data->arena, (size_t) e->count, sizeof *e->strings);
  if (!e->strings)
    return no_memory (r);
  for (uint64_t i = 0; i < e->count; i++)
    if (!take_string (r, PE_LIMIT_STRING_BYTES, &e->strings[i], "a list of strings"))
      return false;
  return true;
}

static bool
check_bools (struct reader *r, const unsigned char *data, uint64_t n, uint64_t at)
{
  for (uint64_t i = 0; i < n; i++)
    if (data[i] > 1)
      return bad (r, at + i, "a truth value is neither 0 nor 1");
  return true;
}

static bool
take_plain (struct reader *r, struct pe_gguf_entry *e)
{
  uint64_t at = r->c.position, bytes;
  if (!pe_mul_u64 (e->count, kind_bytes (e->kind), &bytes))
    return bad (r, at, "a list is longer than any file");
  if (!pe_cursor_has (&r->c, bytes))
    return ran_out (r, bytes, "a metadata value");
  e->data = pe_cursor_take (&r->c, bytes);
  return e->kind != PE_GGUF_BOOL || check_bools (r, e->data, e->count, at);
}

/* Arrays of arrays are allowed by the format and used by nobody: their contents are passed over. */
static bool
skip_array (struct reader *r, unsigned depth)
{
  uint64_t at = r->c.position, count = 0;
  uint32_t kind = 0;
  if (depth > PE_LIMIT_NESTING)
    return bad (r, at, "lists are nested too deeply");
  if (!take_u32 (r, &kind, "a nested list") || !take_u64 (r, &count, "a nested list"))
    return false;
  if (!is_kind (kind))
    return bad (r, at, "a list has elements of an unknown kind");
  uint64_t least = kind == PE_GGUF_ARRAY ? 12 : kind == PE_GGUF_STRING ? 8 : kind_bytes (kind);
  if (!plausible (r, at + 4, count, least, PE_LIMIT_ARRAY_ELEMENTS, "list elements"))
    return false;
  if (kind != PE_GGUF_ARRAY && kind != PE_GGUF_STRING) {
    uint64_t bytes = count * kind_bytes (kind);
    if (!pe_cursor_has (&r->c, bytes))
      return ran_out (r, bytes, "a nested list");
    pe_cursor_take (&r->c, bytes);
    return true;
  }
  for (uint64_t i = 0; i < count; i++) {
    struct pe_string ignored;
    if (kind == PE_GGUF_ARRAY ? !skip_array (r, depth + 1)
                              : !take_string (r, PE_LIMIT_STRING_BYTES, &ignored, "a nested list"))
      return false;
  }
  return true;
}

static bool
take_array (struct reader *r, struct pe_gguf_entry *e)
{
  uint64_t at = r->c.position, count;
  uint32_t kind;
  if (!take_u32 (r, &kind, "a list") || !take_u64 (r, &count, "a list"))
    return false;
  if (!is_kind (kind))
    return bad (r, at, "a list has elements of an unknown kind");
  e->is_array = true;
  e->kind = (enum pe_gguf_kind) kind;
  e->count = count;
  uint64_t least = kind == PE_GGUF_ARRAY ? 12 : kind == PE_GGUF_STRING ? 8 : kind_bytes (kind);
  if (!plausible (r, at + 4, count, least, PE_LIMIT_ARRAY_ELEMENTS, "list elements"))
    return false;
  if (kind == PE_GGUF_STRING)
    return take_strings (r, e);
  if (kind != PE_GGUF_ARRAY)
    return take_plain (r, e);
  e->is_nested = true;
  e->count = 0;
  for (uint64_t i = 0; i < count; i++)
    if (!skip_array (r, 2))
      return false;
  return true;
}

static bool
take_entry (struct reader *r, struct pe_gguf_entry *e)
{
  uint32_t kind;
  e->offset = r->c.position;
  if (!take_name (r, PE_LIMIT_KEY_BYTES, &e->key, "a metadata key"))
    return false;
  uint64_t at = r->c.position;
  if (!take_u32 (r, &kind, "a metadata entry"))
    return false;
  if (!is_kind (kind))
    return bad (r, at, "a metadata entry is of an unknown kind");
  if (kind == PE_GGUF_ARRAY)
    return take_array (r, e);
  e->kind = (enum pe_gguf_kind) kind;
  e->count = 1;
  return kind == PE_GGUF_STRING ? take_strings (r, e) : take_plain (r, e);
}

static bool
take_entries (struct reader *r, uint64_t n)
{
  struct pe_gguf *g = r->gguf;
  struct pe_gguf_private *p = g->private_data;
  g->entries = pe_arena_array (&p->arena, (size_t) n, sizeof *g->entries);
  if (!g->entries || !table_init (&p->keys, &p->arena, (size_t) n))
    return no_memory (r);
  for (uint64_t i = 0; i < n; i++) {
    struct pe_gguf_entry *e = &g->entries[i];
    if (!take_entry (r, e))
      return false;
    uint32_t *slot = table_slot (&p->keys, g, key_of, e->key.data, e->key.n);
    if (*slot)
      return bad (r, e->offset, "a metadata key is there twice");
    *slot = (uint32_t) i + 1;
    g->n_entries++;
  }
  return true;
}

/* ---- tensors ---- */

static bool
take_shape (struct reader *r, struct pe_gguf_tensor *t)
{
  uint64_t at = r->c.position;
  if (!take_u32 (r, &t->n_dims, "a tensor's description"))
    return false;
  if (t->n_dims < 1 || t->n_dims > PE_LIMIT_TENSOR_DIMENSIONS)
    return bad (r, at, "a tensor has no dimension, or more than four");
  t->n_elements = 1;
  for (uint32_t d = 0; d < PE_LIMIT_TENSOR_DIMENSIONS; d++)
    t->shape[d] = 1;
  for (uint32_t d = 0; d < t->n_dims; d++) {
    at = r->c.position;
    if (!take_u64 (r, &t->shape[d], "a tensor's description"))
      return false;
    if (t->shape[d] == 0 || t->shape[d] > INT64_MAX)
      return bad (r, at, "a tensor has a dimension that is zero or negative");
    if (!pe_mul_u64 (t->n_elements, t->shape[d], &t->n_elements) || t->n_elements > INT64_MAX)
      return bad (r, at, "a tensor has more elements than can be counted");
  }
  return true;
}

static bool
take_tensor (struct reader *r, struct pe_gguf_tensor *t)
{
  t->info_offset = r->c.position;
  if (!take_name (r, PE_LIMIT_TENSOR_NAME_BYTES, &t->name, "a tensor's name") || !take_shape (r, t))
    return false;
  uint64_t at = r->c.position;
  uint32_t type;
  if (!take_u32 (r, &type, "a tensor's description"))
    return false;
  const struct pe_type_info *info = pe_type_info (type);
  if (!info)
    return pe_fail_at (r->error, PE_ERROR_UNSUPPORTED, at,
                       "tensor %.*s is stored in type %u, which this engine does not know (at byte "
                       "%llu)",
                       (int) t->name.n, t->name.data, type, (unsigned long long) at);
  t->type = (enum pe_type) type;
  uint64_t row = pe_type_row_bytes (t->type, t->shape[0]);
  if (row == 0)
    return bad (r, at, "a tensor's rows are no whole number of blocks");
  if (!pe_mul_u64 (row, t->n_elements / t->shape[0], &t->n_bytes))
    return bad (r, at, "a tensor is larger than any file");
  at = r->c.position;
  if (!take_u64 (r, &t->offset, "a tensor's description"))
    return false;
  if (t->offset % r->gguf->alignment)
    return bad (r, at, "a tensor's data does not begin where the alignment says");
  return true;
}

static bool
take_tensors (struct reader *r, uint64_t n)
{
  struct pe_gguf *g = r->gguf;
  struct pe_gguf_private *p = g->private_data;
  g->tensors = pe_arena_array (&p->arena, (size_t) n, sizeof *g->tensors);
  if (!g->tensors || !table_init (&p->names, &p->arena, (size_t) n))
    return no_memory (r);
  for (uint64_t i = 0; i < n; i++) {
    struct pe_gguf_tensor *t = &g->tensors[i];
    if (!take_tensor (r, t))
      return false;
    uint32_t *slot = table_slot (&p->names, g, tensor_name_of, t->name.data, t->name.n);
    if (*slot)
      return bad (r, t->info_offset, "two tensors have the same name");
    *slot = (uint32_t) i + 1;
    g->n_tensors++;
  }
  return true;
}

/* Turns offsets within the data section into offsets within the file, all inside it. */
static bool
place_tensors (struct reader *r)
{
  struct pe_gguf *g = r->gguf;
  g->header_bytes = r->c.position;
  if (!pe_align_u64 (g->header_bytes, g->alignment, &g->data_offset))
    return bad (r, g->header_bytes, "the header ends beyond any file");
  for (size_t i = 0; i < g->n_tensors; i++) {
    struct pe_gguf_tensor *t = &g->tensors[i];
    uint64_t end;
    if (!pe_add_u64 (t->offset, g->data_offset, &t->offset) ||
        !pe_add_u64 (t->offset, t->n_bytes, &end) || end > r->file_bytes)
      return pe_fail_at (r->error, PE_ERROR_FORMAT, t->info_offset,
                         "the data of tensor %.*s lies beyond the file's end (described at byte "
                         "%llu): the file is cut off or damaged, download it again",
                         (int) t->name.n, t->name.data, (unsigned long long) t->info_offset);
  }
  return true;
}

static void
sift (const struct pe_gguf *g, uint32_t *order, size_t i, size_t n)
{
  for (size_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && g->tensors[order[child + 1]].offset > g->tensors[order[child]].offset)
      child++;
    if (g->tensors[order[i]].offset >= g->tensors[order[child]].offset)
      return;
    uint32_t t = order[i];
    order[i] = order[child];
    order[child] = t;
  }
}

/* Data of two tensors must not overlap. Real files keep tensors in order; others are sorted (by
 * heap: no input makes it slow). */
static bool
check_overlaps (struct reader *r)
{
  const struct pe_gguf *g = r->gguf;
  uint32_t *order = pe_malloc (g->n_tensors * sizeof *order);
  if (!order)
    return no_memory (r);
  size_t n = g->n_tensors;
  bool sorted = true;
  for (size_t i = 0; i < n; i++) {
    order[i] = (uint32_t) i;
    sorted = sorted && (i == 0 || g->tensors[i].offset >= g->tensors[i - 1].offset);
  }
  if (!sorted) {
    for (size_t i = n / 2; i-- > 0;)
      sift (g, order, i, n);
    for (size_t end = n; end-- > 1;) {
      uint32_t t = order[0];
      order[0] = order[end];
      order[end] = t;
      sift (g, order, 0, end);
    }
  }
  bool ok = true;
  for (size_t i = 1; i < n && ok; i++) {
    const struct pe_gguf_tensor *a = &g->tensors[order[i - 1]], *b = &g->tensors[order[i]];
    if (a->offset + a->n_bytes > b->offset)
      ok = bad (r, b->info_offset, "the data of two tensors overlap");
  }
  pe_free (order);
  return ok;
}

/* ---- the whole header ---- */

static bool
take_alignment (struct reader *r)
{
  struct pe_gguf *g = r->gguf;
  g->alignment = PE_DEFAULT_ALIGNMENT;
  const struct pe_gguf_entry *e = pe_gguf_find (g, "general.alignment");
  uint64_t value;
  if (!e)
    return true;
  if (e->is_array || e->kind != PE_GGUF_U32 || !pe_gguf_entry_u64 (e, 0, &value) ||
      value < PE_LIMIT_ALIGNMENT_MIN || value > PE_LIMIT_ALIGNMENT_MAX || (value & (value - 1)))
    return bad (r, e->offset, "general.alignment is no u32 that is a power of two from 8 to 65536");
  g->alignment = value;
  return true;
}

static bool
take_header (struct reader *r)
{
  struct pe_gguf *g = r->gguf;
  size_t n_magic = r->c.size < 4 ? (size_t) r->c.size : 4;
  if (n_magic && memcmp (r->c.bytes, "GGUF", n_magic) != 0)
    return bad (r, 0, "this is no GGUF file: it does not begin with \"GGUF\"");
  if (!pe_cursor_has (&r->c, 24))
    return ran_out (r, 24, "the header");
  pe_cursor_take (&r->c, 4);
  g->version = pe_cursor_u32 (&r->c);
  if (g->version != 0 && (g->version & 0xffff) == 0)
    return bad (r, 4, "the file is written in the other byte order");
  if (g->version != 2 && g->version != 3)
    return pe_fail_at (r->error, PE_ERROR_UNSUPPORTED, 4,
                       "the file is of GGUF version %u, at byte 4; versions 2 and 3 can be read",
                       g->version);
  uint64_t n_tensors = pe_cursor_u64 (&r->c), n_entries = pe_cursor_u64 (&r->c);
  if (!plausible (r, 8, n_tensors, PE_LEAST_TENSOR_BYTES, PE_LIMIT_TENSORS, "tensors") ||
      !plausible (r, 16, n_entries, PE_LEAST_ENTRY_BYTES, PE_LIMIT_ENTRIES, "metadata entries"))
    return false;
  return take_entries (r, n_entries) && take_alignment (r) && take_tensors (r, n_tensors) &&
         place_tensors (r) && check_overlaps (r);
}

bool
pe_gguf_parse (const void *bytes, uint64_t n, uint64_t file_bytes, struct pe_gguf **out,
               struct pe_error *error)
{
  struct pe_error unused;
  struct pe_gguf *g = pe_calloc (1, sizeof *g);
  if (g)
    g->private_data = pe_calloc (1, sizeof *g->private_data);
  struct reader r = { .c = { .bytes = bytes, .size = n < file_bytes ? n : file_bytes },
                      .gguf = g,
                      .file_bytes = file_bytes,
                      .error = error ? error : &unused };
  if (!g || !g->private_data) {
    pe_gguf_free (g);
    return no_memory (&r);
  }
  g->private_data->hash_key = pe_hash_key_new ();
  g->file_bytes = file_bytes;
  if (!take_header (&r)) {
    pe_gguf_free (g);
    return false;
  }
  g->memory_bytes = g->private_data->arena.n_bytes;
  *out = g;
  return true;
}

void
pe_gguf_free (struct pe_gguf *gguf)
{
  if (!gguf)
    return;
  if (gguf->private_data)
    pe_arena_clear (&gguf->private_data->arena);
  pe_free (gguf->private_data);
  pe_free (gguf);
}

/* ---- access ---- */

const struct pe_gguf_entry *
pe_gguf_find (const struct pe_gguf *gguf, const char *key)
{
  const struct pe_gguf_private *p = gguf->private_data;
  uint32_t i = *table_slot (&p->keys, gguf, key_of, key, strlen (key));
  return i ? &gguf->entries[i - 1] : NULL;
}

const struct pe_gguf_tensor *
pe_gguf_tensor (const struct pe_gguf *gguf, const char *name)
{
  const struct pe_gguf_private *p = gguf->private_data;
  uint32_t i = *table_slot (&p->names, gguf, tensor_name_of, name, strlen (name));
  return i ? &gguf->tensors[i - 1] : NULL;
}

/* Raw bits of element i, little-endian, widened to 64. */
static uint64_t
element_bits (const struct pe_gguf_entry *e, uint64_t i)
{
  uint32_t n = kind_bytes (e->kind);
  uint64_t bits = 0;
  for (uint32_t k = 0; k < n; k++)
    bits |= (uint64_t) e->data[i * n + k] << (8 * k);
  return bits;
}

static double
element_real (const struct pe_gguf_entry *e, uint64_t i)
{
  uint64_t bits = element_bits (e, i);
  if (e->kind == PE_GGUF_F64) {
    double d;
    memcpy (&d, &bits, sizeof d);
    return d;
  }
  uint32_t narrow = (uint32_t) bits;
  float f;
  memcpy (&f, &narrow, sizeof f);
  return (double) f;
}

static bool
is_signed (enum pe_gguf_kind kind)
{
  return kind == PE_GGUF_I8 || kind == PE_GGUF_I16 || kind == PE_GGUF_I32 || kind == PE_GGUF_I64;
}

static bool
is_unsigned (enum pe_gguf_kind kind)
{
  return kind == PE_GGUF_U8 || kind == PE_GGUF_U16 || kind == PE_GGUF_U32 || kind == PE_GGUF_U64;
}

static bool
is_real (enum pe_gguf_kind kind)
{
  return kind == PE_GGUF_F32 || kind == PE_GGUF_F64;
}

static int64_t
element_signed (const struct pe_gguf_entry *e, uint64_t i)
{
  uint64_t bits = element_bits (e, i);
  unsigned shift = 64 - 8 * kind_bytes (e->kind);
  return (int64_t) (bits << shift) >> shift;
}

bool
pe_gguf_entry_i64 (const struct pe_gguf_entry *e, uint64_t i, int64_t *out)
{
  if (!e || i >= e->count)
    return false;
  if (is_signed (e->kind)) {
    *out = element_signed (e, i);
    return true;
  }
  if (is_unsigned (e->kind)) {
    uint64_t bits = element_bits (e, i);
    if (bits > INT64_MAX)
      return false;
    *out = (int64_t) bits;
    return true;
  }
  if (!is_real (e->kind))
    return false;
  double real = element_real (e, i);
  if (!(real >= -9007199254740992.0 && real <= 9007199254740992.0) || real > floor (real))
    return false;
  *out = (int64_t) real;
  return true;
}

bool
pe_gguf_entry_u64 (const struct pe_gguf_entry *e, uint64_t i, uint64_t *out)
{
  if (e && i < e->count && e->kind == PE_GGUF_U64) {
    *out = element_bits (e, i);
    return true;
  }
  int64_t value;
  if (!pe_gguf_entry_i64 (e, i, &value) || value < 0)
    return false;
  *out = (uint64_t) value;
  return true;
}

bool
pe_gguf_entry_f64 (const struct pe_gguf_entry *e, uint64_t i, double *out)
{
  if (!e || i >= e->count)
    return false;
  if (is_real (e->kind))
    *out = element_real (e, i);
  else if (is_signed (e->kind))
    *out = (double) element_signed (e, i);
  else if (is_unsigned (e->kind))
    *out = (double) element_bits (e, i);
  else
    return false;
  return true;
}

bool
pe_gguf_entry_bool (const struct pe_gguf_entry *e, uint64_t i, bool *out)
{
  if (!e || i >= e->count || e->kind != PE_GGUF_BOOL)
    return false;
  *out = e->data[i] != 0;
  return true;
}

bool
pe_gguf_entry_string (const struct pe_gguf_entry *e, uint64_t i, struct pe_string *out)
{
  if (!e || i >= e->count || e->kind != PE_GGUF_STRING)
    return false;
  *out = e->strings[i];
  return true;
}

bool
pe_gguf_u32 (const struct pe_gguf *gguf, const char *key, uint32_t *out)
{
  const struct pe_gguf_entry *e = pe_gguf_find (gguf, key);
  uint64_t value;
  if (!e || e->is_array || !pe_gguf_entry_u64 (e, 0, &value) || value > UINT32_MAX)
    return false;
  *out = (uint32_t) value;
  return true;
}

bool
pe_gguf_f32 (const struct pe_gguf *gguf, const char *key, float *out)
{
  const struct pe_gguf_entry *e = pe_gguf_find (gguf, key);
  double value;
  if (!e || e->is_array || !pe_gguf_entry_f64 (e, 0, &value))
    return false;
  *out = (float) value;
  return true;
}

bool
pe_gguf_bool (const struct pe_gguf *gguf, const char *key, bool *out)
{
  const struct pe_gguf_entry *e = pe_gguf_find (gguf, key);
  return e && !e->is_array && pe_gguf_entry_bool (e, 0, out);
}

bool
pe_gguf_string (const struct pe_gguf *gguf, const char *key, struct pe_string *out)
{
  const struct pe_gguf_entry *e = pe_gguf_find (gguf, key);
  return e && !e->is_array && pe_gguf_entry_string (e, 0, out);
}
