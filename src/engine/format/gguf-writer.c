/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/format/gguf.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "engine/format/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ALIGNMENT 32u

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "arrays are written as they lie in memory");

struct bytes {
  unsigned char *data;
  size_t n, capacity;
};

struct tensor {
  pe_gguf_fill_fn fill;
  void *data;
  uint64_t n_bytes;
};

struct pe_gguf_writer {
  struct bytes entries, infos;
  uint64_t n_entries, data_bytes;
  struct tensor *tensors;
  size_t n_tensors, tensors_capacity;
  struct pe_error error; /* the first one */
  FILE *file;            /* while saving */
  uint64_t left;         /* bytes that the tensor being filled still lacks */
};

struct pe_gguf_writer *
pe_gguf_writer_new (void)
{
  return pe_calloc (1, sizeof (struct pe_gguf_writer));
}

void
pe_gguf_writer_free (struct pe_gguf_writer *w)
{
  if (!w)
    return;
  pe_free (w->entries.data);
  pe_free (w->infos.data);
  pe_free (w->tensors);
  pe_free (w);
}

static void
append (struct pe_gguf_writer *w, struct bytes *b, const void *data, size_t n)
{
  if (w->error.code || n == 0)
    return;
  if (n > SIZE_MAX - b->n || !pe_grow (&b->data, &b->capacity, b->n + n, 1)) {
    pe_fail (&w->error, PE_ERROR_MEMORY, "not enough memory for the header of the file");
    return;
  }
  memcpy (b->data + b->n, data, n);
  b->n += n;
}

static void
append_uint (struct pe_gguf_writer *w, struct bytes *b, uint64_t value, unsigned n_bytes)
{
  unsigned char little[8];
  for (unsigned i = 0; i < n_bytes; i++)
    little[i] = (unsigned char) (value >> (8 * i));
  append (w, b, little, n_bytes);
}

static void
append_string (struct pe_gguf_writer *w, struct bytes *b, const char *data, size_t n)
{
  append_uint (w, b, n, 8);
  append (w, b, data, n);
}

static void
begin_entry (struct pe_gguf_writer *w, const char *key, enum pe_gguf_kind kind)
{
  append_string (w, &w->entries, key, strlen (key));
  append_uint (w, &w->entries, kind, 4);
  w->n_entries++;
}

void
pe_gguf_put_u32 (struct pe_gguf_writer *w, const char *key, uint32_t value)
{
  begin_entry (w, key, PE_GGUF_U32);
  append_uint (w, &w->entries, value, 4);
}

void
pe_gguf_put_u64 (struct pe_gguf_writer *w, const char *key, uint64_t value)
{
  begin_entry (w, key, PE_GGUF_U64);
  append_uint (w, &w->entries, value, 8);
}

void
pe_gguf_put_f32 (struct pe_gguf_writer *w, const char *key, float value)
{
  uint32_t bits;
  memcpy (&bits, &value, sizeof bits);
  begin_entry (w, key, PE_GGUF_F32);
  append_uint (w, &w->entries, bits, 4);
}

void
pe_gguf_put_bool (struct pe_gguf_writer *w, const char *key, bool value)
{
  begin_entry (w, key, PE_GGUF_BOOL);
  append_uint (w, &w->entries, value, 1);
}

void
pe_gguf_put_string (struct pe_gguf_writer *w, const char *key, const char *data, size_t n)
{
  begin_entry (w, key, PE_GGUF_STRING);
  append_string (w, &w->entries, data, n);
}

void
pe_gguf_put_array (struct pe_gguf_writer *w, const char *key, enum pe_gguf_kind kind,
                   const void *elements, size_t n)
{
  static const unsigned char sizes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
  size_t size = kind < sizeof sizes ? sizes[kind] : 0, n_bytes;
  if (size == 0 || !pe_mul_size (n, size, &n_bytes)) {
    if (!w->error.code)
      pe_fail (&w->error, PE_ERROR_ARGUMENT, "%s: no array of numbers", key);
    return;
  }
  begin_entry (w, key, PE_GGUF_ARRAY);
  append_uint (w, &w->entries, kind, 4);
  append_uint (w, &w->entries, n, 8);
  append (w, &w->entries, elements, n_bytes);
}

void
pe_gguf_put_strings (struct pe_gguf_writer *w, const char *key, const struct pe_string *strings,
                     size_t n)
{
  begin_entry (w, key, PE_GGUF_ARRAY);
  append_uint (w, &w->entries, PE_GGUF_STRING, 4);
  append_uint (w, &w->entries, n, 8);
  for (size_t i = 0; i < n; i++)
    append_string (w, &w->entries, strings[i].data, strings[i].n);
}

/* ---- tensors ---- */

void
pe_gguf_add_tensor (struct pe_gguf_writer *w, const char *name, enum pe_type type, uint32_t n_dims,
                    const uint64_t *shape, pe_gguf_fill_fn fill, void *data)
{
  if (w->error.code)
    return;
  size_t name_bytes = strlen (name);
  if (name_bytes == 0 || name_bytes > PE_LIMIT_TENSOR_NAME_BYTES || n_dims == 0 ||
      n_dims > PE_LIMIT_TENSOR_DIMENSIONS) {
    pe_fail (&w->error, PE_ERROR_ARGUMENT,
             "'%s': a tensor needs a name of 1 to 63 bytes and 1 to "
             "4 dimensions",
             name);
    return;
  }
  uint64_t n_bytes = pe_type_row_bytes (type, shape[0]), end, padded;
  bool fits = n_bytes != 0;
  for (uint32_t d = 1; fits && d < n_dims; d++)
    fits = shape[d] != 0 && pe_mul_u64 (n_bytes, shape[d], &n_bytes);
  if (!fits || !pe_add_u64 (w->data_bytes, n_bytes, &end) ||
      !pe_align_u64 (end, ALIGNMENT, &padded)) {
    pe_fail (&w->error, PE_ERROR_ARGUMENT, "'%s': no such shape for its type", name);
    return;
  }
  if (!pe_grow (&w->tensors, &w->tensors_capacity, w->n_tensors + 1, sizeof *w->tensors)) {
    pe_fail (&w->error, PE_ERROR_MEMORY, "not enough memory for the tensor table");
    return;
  }
  w->tensors[w->n_tensors++] = (struct tensor){ .fill = fill, .data = data, .n_bytes = n_bytes };
  append_string (w, &w->infos, name, name_bytes);
  append_uint (w, &w->infos, n_dims, 4);
  for (uint32_t d = 0; d < n_dims; d++)
    append_uint (w, &w->infos, shape[d], 8);
  append_uint (w, &w->infos, type, 4);
  append_uint (w, &w->infos, w->data_bytes, 8);
  w->data_bytes = padded;
}

/* ---- saving ---- */

static bool
put (struct pe_gguf_writer *w, const void *bytes, size_t n, struct pe_error *error)
{
  if (n == 0 || fwrite (bytes, 1, n, w->file) == n)
    return true;
  return pe_fail (error, PE_ERROR_IO, "cannot write: %s", strerror (errno));
}

static bool
put_padding (struct pe_gguf_writer *w, uint64_t after, struct pe_error *error)
{
  static const char zeros[ALIGNMENT];
  return put (w, zeros, (size_t) ((ALIGNMENT - after % ALIGNMENT) % ALIGNMENT), error);
}

bool
pe_gguf_write (struct pe_gguf_writer *w, const void *bytes, size_t n, struct pe_error *error)
{
  if (!w->file || n > w->left)
    return pe_fail (error, PE_ERROR_ARGUMENT, "more bytes than the tensor has");
  w->left -= n;
  return put (w, bytes, n, error);
}

static bool
save (struct pe_gguf_writer *w, struct pe_error *error)
{
  struct bytes head = { 0 };
  append (w, &head, "GGUF", 4);
  append_uint (w, &head, 3, 4);
  append_uint (w, &head, w->n_tensors, 8);
  append_uint (w, &head, w->n_entries, 8);
  bool ok = !w->error.code;
  if (!ok && error)
    *error = w->error;
  ok = ok && put (w, head.data, head.n, error) && put (w, w->entries.data, w->entries.n, error) &&
       put (w, w->infos.data, w->infos.n, error) &&
       put_padding (w, head.n + w->entries.n + w->infos.n, error);
  pe_free (head.data);
  for (size_t i = 0; ok && i < w->n_tensors; i++) {
    struct tensor *t = &w->tensors[i];
    w->left = t->n_bytes;
    ok = t->fill (w, i, t->data, error);
    if (ok && w->left)
      ok = pe_fail (error, PE_ERROR_ARGUMENT, "tensor %zu lacks %llu bytes", i,
                    (unsigned long long) w->left);
    ok = ok && put_padding (w, t->n_bytes, error);
  }
  if (ok && (fflush (w->file) != 0 || fsync (fileno (w->file)) != 0))
    ok = pe_fail (error, PE_ERROR_IO, "cannot write: %s", strerror (errno));
  return ok;
}

/* So that the new name outlives a power failure, too. */
static bool
sync_folder (const char *path, struct pe_error *error)
{
  const char *slash = strrchr (path, '/');
  char *folder =
      slash ? pe_strndup (path, slash == path ? 1 : (size_t) (slash - path)) : pe_strndup (".", 1);
  if (!folder)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory");
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = fd >= 0 && fsync (fd) == 0;
  if (!ok)
    pe_fail (error, PE_ERROR_IO, "cannot write: %s", strerror (errno));
  if (fd >= 0)
    close (fd);
  pe_free (folder);
  return ok;
}

bool
pe_gguf_writer_save (struct pe_gguf_writer *w, const char *path, struct pe_error *error)
{
  char part[PATH_MAX];
  if (snprintf (part, sizeof part, "%s.part", path) >= (int) sizeof part)
    return pe_fail (error, PE_ERROR_ARGUMENT, "%s: the path is too long", path);
  w->file = fopen (part, "wbe");
  if (!w->file)
    return pe_fail (error, PE_ERROR_IO, "%s: cannot create: %s", part, strerror (errno));
  bool ok = save (w, error);
  if (fclose (w->file) != 0 && ok)
    ok = pe_fail (error, PE_ERROR_IO, "cannot write: %s", strerror (errno));
  w->file = NULL;
  if (ok && rename (part, path) != 0)
    ok = pe_fail (error, PE_ERROR_IO, "cannot rename: %s", strerror (errno));
  if (ok)
    return sync_folder (path, error) || pe_fail_prefix (error, "%s", path);
  unlink (part);
  return pe_fail_prefix (error, "%s", path);
}
