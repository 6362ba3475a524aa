/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/joint-header.h"
#include "hub/parley-hub-error.h"

#include "base/checked.h"
#include "engine/format/gguf.h"

#include <glib/gi18n.h>
#include <string.h>

#define COUNT_AT     8 /* how many tensors there are, behind magic and version */
#define OFFSET_BYTES 8 /* a tensor's place ends its description */

static guint64
end_of_entries (const struct pe_gguf *gguf)
{
  return gguf->n_tensors ? gguf->tensors[0].info_offset : gguf->header_bytes;
}

static void
append_u64 (GByteArray *out, guint64 value)
{
  value = GUINT64_TO_LE (value);
  g_byte_array_append (out, (const guint8 *) &value, sizeof value);
}

/* The descriptions of a part's tensors, which lie one behind the other from *data on. */
static gboolean
append_tensors (GByteArray *out, const struct pe_gguf *gguf, const guint8 *bytes, guint64 alignment,
                guint64 *data)
{
  for (gsize i = 0; i < gguf->n_tensors; i++) {
    const struct pe_gguf_tensor *tensor = &gguf->tensors[i];
    guint64 end = i + 1 < gguf->n_tensors ? tensor[1].info_offset : gguf->header_bytes;
    g_byte_array_append (out, bytes + tensor->info_offset,
                         (guint) (end - tensor->info_offset - OFFSET_BYTES));
    append_u64 (out, *data);
    if (!pe_add_u64 (*data, tensor->n_bytes, data) || !pe_align_u64 (*data, alignment, data))
      return FALSE;
  }
  return TRUE;
}

/* Whether a part says that it is this one of so many; loading asks the same. */
static gboolean
is_part (const struct pe_gguf *gguf, guint index, guint count)
{
  uint32_t no, of;
  return pe_gguf_u32 (gguf, "split.no", &no) && no == index &&
         pe_gguf_u32 (gguf, "split.count", &of) && of == count;
}

/* One entry of `parts` for each header. */
static gboolean
parse (GPtrArray *headers, const guint64 *sizes, const char *name, GPtrArray *parts, GError **error)
{
  for (guint i = 0; i < headers->len; i++) {
    struct pe_gguf *gguf;
    struct pe_error problem = { 0 };
    gsize n;
    const void *bytes = g_bytes_get_data (headers->pdata[i], &n);
    if (!pe_gguf_parse (bytes, n, sizes[i], &gguf, &problem)) {
      g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                   _ ("%s on the hub cannot be used: %s. Choose another file"), name,
                   problem.message);
      return FALSE;
    }
    g_ptr_array_add (parts, gguf);
    if (!is_part (gguf, i, headers->len)) {
      g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                   _ ("Part %u of %s on the hub is of another model. Choose another file"), i + 1,
                   name);
      return FALSE;
    }
  }
  return TRUE;
}

GBytes *
parley_joint_header (GPtrArray *headers, const guint64 *sizes, const char *name,
                     guint64 *file_bytes, GError **error)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) pe_gguf_free);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  guint64 n_tensors = 0, all = 0, data = 0, whole = 0;
  if (!parse (headers, sizes, name, parts, error))
    return NULL;
  const struct pe_gguf *first = parts->pdata[0];
  g_byte_array_append (out, g_bytes_get_data (headers->pdata[0], NULL),
                       (guint) end_of_entries (first));
  gboolean sound = TRUE;
  for (guint i = 0; i < parts->len && sound; i++) {
    const struct pe_gguf *gguf = parts->pdata[i];
    n_tensors += gguf->n_tensors;
    sound = pe_add_u64 (all, sizes[i], &all) &&
            append_tensors (out, gguf, g_bytes_get_data (headers->pdata[i], NULL), first->alignment,
                            &data);
  }
  sound = sound && pe_align_u64 (out->len, first->alignment, &whole) &&
          pe_add_u64 (whole, data, &whole);
  if (!sound) {
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("%s on the hub is larger than makes sense. Choose another file"), name);
    return NULL;
  }
  guint64 count = GUINT64_TO_LE (n_tensors);
  memcpy (out->data + COUNT_AT, &count, sizeof count);
  *file_bytes = MAX (all, whole); /* where the parts were padded less than one file is */
  return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}
