/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GGUF files, versions 2 and 3, little-endian: a reader for untrusted input, and a writer for
 * tools and tests. Source: the GGUF specification of the ggml project.
 *
 * The reader parses the header only (metadata and tensor table) from bytes in memory; it never
 * touches tensor data. Everything it returns was checked against format/limits.h, and stays valid
 * until pe_gguf_free(). A parsed file is immutable and may be read from any thread.
 */
#pragma once

#include "base/error.h"
#include "engine/quant/types.h"

#include <stddef.h>

enum pe_gguf_kind {
  PE_GGUF_U8 = 0,
  PE_GGUF_I8 = 1,
  PE_GGUF_U16 = 2,
  PE_GGUF_I16 = 3,
  PE_GGUF_U32 = 4,
  PE_GGUF_I32 = 5,
  PE_GGUF_F32 = 6,
  PE_GGUF_BOOL = 7,
  PE_GGUF_STRING = 8,
  PE_GGUF_ARRAY = 9,
  PE_GGUF_U64 = 10,
  PE_GGUF_I64 = 11,
  PE_GGUF_F64 = 12,
};

struct pe_string {
  const char *data; /* bytes of the file: not zero-terminated, not always UTF-8 */
  size_t n;
};

/* One metadata entry. Scalars have count 1. Strings of an array are found through an index that
 * the reader built, so access is constant-time. */
struct pe_gguf_entry {
  struct pe_string key;
  enum pe_gguf_kind kind; /* of the elements, for an array */
  bool is_array;
  bool is_nested; /* an array of arrays: kept out of reach, `count` is 0 */
  uint64_t count;
  uint64_t offset;           /* of the entry in the file, for messages */
  const unsigned char *data; /* first element; NULL for strings */
  struct pe_string *strings; /* `count` of them, for strings */
};

struct pe_gguf_tensor {
  struct pe_string name;
  uint32_t n_dims;
  uint64_t shape[4]; /* shape[0] is the contiguous row length; unused dimensions are 1 */
  enum pe_type type;
  uint64_t n_elements;
  uint64_t n_bytes;
  uint64_t offset;      /* from the start of the file, checked to lie inside it with n_bytes */
  uint64_t info_offset; /* of the description in the header, for messages */
};

struct pe_gguf {
  uint32_t version;
  uint64_t alignment;
  uint64_t header_bytes; /* up to the end of the tensor table */
  uint64_t data_offset;
  uint64_t file_bytes;
  uint64_t memory_bytes; /* host memory that this object holds */
  size_t n_entries;
  struct pe_gguf_entry *entries;
  size_t n_tensors;
  struct pe_gguf_tensor *tensors; /* in file order */
  struct pe_gguf_private *private_data;
};

/* Parses the header of a file of `file_bytes` bytes, of which `n` (its first) are at `bytes`.
 * The bytes must stay readable and unchanged as long as *out lives.
 * PE_ERROR_TRUNCATED with n < file_bytes: more bytes are needed, at least up to error->offset.
 * Any other failure names the byte offset of the fault. */
bool pe_gguf_parse (const void *bytes, uint64_t n, uint64_t file_bytes, struct pe_gguf **out,
                    struct pe_error *error);
void pe_gguf_free (struct pe_gguf *gguf); /* NULL is fine */

/* Constant-time lookups; NULL when there is none. */
const struct pe_gguf_entry *pe_gguf_find (const struct pe_gguf *gguf, const char *key);
const struct pe_gguf_tensor *pe_gguf_tensor (const struct pe_gguf *gguf, const char *name);

/* Typed access with the coercions that real files need: any integer width, and f32/f64, as long
 * as the value fits. False when the key is absent, of another kind, or out of range: *out is then
 * untouched. Element `i` of arrays; scalars answer to i == 0. */
bool pe_gguf_entry_u64 (const struct pe_gguf_entry *entry, uint64_t i, uint64_t *out);
bool pe_gguf_entry_i64 (const struct pe_gguf_entry *entry, uint64_t i, int64_t *out);
bool pe_gguf_entry_f64 (const struct pe_gguf_entry *entry, uint64_t i, double *out);
bool pe_gguf_entry_bool (const struct pe_gguf_entry *entry, uint64_t i, bool *out);
bool pe_gguf_entry_string (const struct pe_gguf_entry *entry, uint64_t i, struct pe_string *out);
bool pe_gguf_u32 (const struct pe_gguf *gguf, const char *key, uint32_t *out);
bool pe_gguf_f32 (const struct pe_gguf *gguf, const char *key, float *out);
bool pe_gguf_bool (const struct pe_gguf *gguf, const char *key, bool *out);
bool pe_gguf_string (const struct pe_gguf *gguf, const char *key, struct pe_string *out);

bool pe_string_equal (struct pe_string a, const char *b);

/* ---- writer: builds a file in memory-independent order: metadata, then tensors, then data ---- */

struct pe_gguf_writer;

struct pe_gguf_writer *pe_gguf_writer_new (void);
void pe_gguf_writer_free (struct pe_gguf_writer *writer);

/* Errors are kept and reported by pe_gguf_writer_save(). Keys and strings are copied. */
void pe_gguf_put_u32 (struct pe_gguf_writer *w, const char *key, uint32_t value);
void pe_gguf_put_u64 (struct pe_gguf_writer *w, const char *key, uint64_t value);
void pe_gguf_put_f32 (struct pe_gguf_writer *w, const char *key, float value);
void pe_gguf_put_bool (struct pe_gguf_writer *w, const char *key, bool value);
void pe_gguf_put_string (struct pe_gguf_writer *w, const char *key, const char *data, size_t n);
void pe_gguf_put_array (struct pe_gguf_writer *w, const char *key, enum pe_gguf_kind kind,
                        const void *elements, size_t n); /* not strings */
void pe_gguf_put_strings (struct pe_gguf_writer *w, const char *key,
                          const struct pe_string *strings, size_t n);

/* Describes a tensor; `fill` is called at save time, once, in order, and writes exactly the
 * tensor's bytes in one or more calls of pe_gguf_write(). */
typedef bool (*pe_gguf_fill_fn) (struct pe_gguf_writer *w, size_t tensor, void *data,
                                 struct pe_error *error);
void pe_gguf_add_tensor (struct pe_gguf_writer *w, const char *name, enum pe_type type,
                         uint32_t n_dims, const uint64_t *shape, pe_gguf_fill_fn fill, void *data);
bool pe_gguf_write (struct pe_gguf_writer *w, const void *bytes, size_t n, struct pe_error *error);

/* Writes `path`.part, fsyncs and renames; nothing half-written is left behind. */
bool pe_gguf_writer_save (struct pe_gguf_writer *w, const char *path, struct pe_error *error);
