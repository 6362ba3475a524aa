/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/outline.h"

#include "base/checked.h"
#include "engine/format/gguf.h"

#include <string.h>

#define COUNT_AT     8 /* how many tensors there are, behind magic and version */
#define OFFSET_BYTES 8 /* a tensor's place ends its description */
#define LENGTH_BYTES 8 /* and the length of its name begins it */
#define MAX_LAYERS   1000
#define MAX_TENSORS  65536 /* as many as a header may have */
#define MAX_PERIOD   8     /* layers of several kinds take turns */
#define TOLERANCE    10    /* the estimate may be off by this part of the size */

typedef struct {
  const guint8 *bytes;
  struct pe_gguf *gguf;
  guint n_layers;
  /* For each layer: its tensors in the first part, which lie one behind the other, and of what
   * names and types they are. No tensors: it is elsewhere, or not whole here. */
  guint *first, *n;
  guint *kind;
  GByteArray *out;
  guint64 n_tensors, data;
} Outline;

static void
outline_clear (Outline *self)
{
  pe_gguf_free (self->gguf);
  g_free (self->first);
  g_free (self->n);
  g_free (self->kind);
  if (self->out)
    g_byte_array_unref (self->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outline, outline_clear)

/* "blk.12.attn_q.weight": 12, and where the rest begins; -1: of no layer. */
static int
layer_of (const struct pe_gguf_tensor *tensor, gsize *rest)
{
  const char *name = tensor->name.data;
  gsize n = tensor->name.n, at = strlen ("blk.");
  guint layer = 0, n_digits = 0;
  if (n < at || memcmp (name, "blk.", at) != 0)
    return -1;
  for (; at < n && g_ascii_isdigit (name[at]) && n_digits < 4; at++, n_digits++)
    layer = layer * 10 + (guint) (name[at] - '0');
  *rest = at;
  return n_digits > 0 && at < n && name[at] == '.' && layer < MAX_LAYERS ? (int) layer : -1;
}

static gboolean
read_layers (Outline *self)
{
  const struct pe_gguf *gguf = self->gguf;
  struct pe_string family;
  uint32_t n_layers;
  if (!pe_gguf_string (gguf, "general.architecture", &family) || family.n > 100)
    return FALSE;
  g_autofree char *key = g_strdup_printf ("%.*s.block_count", (int) family.n, family.data);
  if (!pe_gguf_u32 (gguf, key, &n_layers) || n_layers == 0 || n_layers > MAX_LAYERS)
    return FALSE;
  self->n_layers = n_layers;
  self->first = g_new0 (guint, n_layers);
  self->n = g_new0 (guint, n_layers);
  self->kind = g_new0 (guint, n_layers);
  int last = -1;
  for (gsize i = 0; i < gguf->n_tensors; i++) {
    gsize rest = 0;
    int layer = layer_of (&gguf->tensors[i], &rest);
    if (layer < 0 || layer >= (int) n_layers)
      continue;
    if (self->n[layer]++ == 0)
      self->first[layer] = (guint) i;
    else if (i != self->first[layer] + self->n[layer] - 1)
      return FALSE; /* in no order that can be gone on with */
    for (gsize k = rest; k < gguf->tensors[i].name.n; k++)
      self->kind[layer] = self->kind[layer] * 33 + (guint8) gguf->tensors[i].name.data[k];
    self->kind[layer] = self->kind[layer] * 33 + (guint) gguf->tensors[i].type;
    last = layer;
  }
  if (last >= 0)
    self->n[last] = 0; /* may go on in the next part */
  return TRUE;
}

/* After how many layers their kinds repeat, as far as the later half of those seen shows it. */
static guint
period_of (const Outline *self)
{
  guint top = 0;
  for (guint i = 0; i < self->n_layers; i++)
    top = self->n[i] ? i : top;
  for (guint period = 1; period <= MAX_PERIOD; period++) {
    gboolean repeats = TRUE;
    for (guint i = MAX (top / 2, period); i <= top && repeats; i++)
      repeats = !self->n[i] || !self->n[i - period] || self->kind[i] == self->kind[i - period];
    if (repeats)
      return period;
  }
  return 1;
}

/* The whole layer that `layer` is taken to be like; -1: none. */
static int
model_for (const Outline *self, guint layer, guint period)
{
  for (guint i = self->n_layers; i-- > 0;)
    if (self->n[i] && i % period == layer % period)
      return (int) i;
  return -1;
}

static void
append_u64 (GByteArray *out, guint64 value)
{
  value = GUINT64_TO_LE (value);
  g_byte_array_append (out, (const guint8 *) &value, sizeof value);
}

/* The description of tensor `i` under another name; NULL: its own. */
static gboolean
append (Outline *self, gsize i, const char *name)
{
  const struct pe_gguf_tensor *tensor = &self->gguf->tensors[i];
  guint64 end = i + 1 < self->gguf->n_tensors ? tensor[1].info_offset : self->gguf->header_bytes;
  guint64 start = tensor->info_offset + LENGTH_BYTES + tensor->name.n;
  gsize n = name ? strlen (name) : tensor->name.n;
  append_u64 (self->out, n);
  g_byte_array_append (self->out, (const guint8 *) (name ? name : tensor->name.data), (guint) n);
  g_byte_array_append (self->out, self->bytes + start, (guint) (end - start - OFFSET_BYTES));
  append_u64 (self->out, self->data);
  return ++self->n_tensors <= MAX_TENSORS &&
         pe_add_u64 (self->data, tensor->n_bytes, &self->data) &&
         pe_align_u64 (self->data, self->gguf->alignment, &self->data);
}

static gboolean
append_layer (Outline *self, guint layer, guint like)
{
  for (guint i = self->first[like]; i < self->first[like] + self->n[like]; i++) {
    const struct pe_gguf_tensor *tensor = &self->gguf->tensors[i];
    gsize rest = 0;
    layer_of (tensor, &rest);
    g_autofree char *name = g_strdup_printf ("blk.%u%.*s", layer, (int) (tensor->name.n - rest),
                                             tensor->name.data + rest);
    if (!append (self, i, name))
      return FALSE;
  }
  return TRUE;
}

static gboolean
append_layers (Outline *self)
{
  guint period = period_of (self);
  for (gsize i = 0; i < self->gguf->n_tensors; i++) {
    gsize rest;
    int layer = layer_of (&self->gguf->tensors[i], &rest);
    gboolean whole = layer < 0 || (layer < (int) self->n_layers && self->n[layer]);
    if (whole && !append (self, i, NULL))
      return FALSE;
  }
  for (guint layer = 0; layer < self->n_layers; layer++) {
    int like = self->n[layer] ? 0 : model_for (self, layer, period);
    if (like < 0 || (!self->n[layer] && !append_layer (self, layer, (guint) like)))
      return FALSE;
  }
  return TRUE;
}

static gssize
find (const Outline *self, const char *name)
{
  const struct pe_gguf_tensor *tensor = pe_gguf_tensor (self->gguf, name);
  return tensor ? tensor - self->gguf->tensors : -1;
}

/* What comes behind the layers: a norm, as small as theirs, and the output, where the embedding
 * does not serve as that too, which the size tells. */
static gboolean
append_end (Outline *self, guint64 all_bytes)
{
  gssize norm = find (self, "blk.0.attn_norm.weight"), embedding = find (self, "token_embd.weight");
  if (find (self, "output_norm.weight") < 0 && norm >= 0 &&
      !append (self, (gsize) norm, "output_norm.weight"))
    return FALSE;
  if (find (self, "output.weight") >= 0 || embedding < 0)
    return TRUE;
  guint64 missing = all_bytes > self->data ? all_bytes - self->data : 0;
  return missing < self->gguf->tensors[embedding].n_bytes / 2 ||
         append (self, (gsize) embedding, "output.weight");
}

GBytes *
parley_outline_header (GBytes *first, guint64 first_bytes, guint64 all_bytes, guint64 *file_bytes)
{
  g_auto (Outline) self = { .out = g_byte_array_new () };
  struct pe_error problem = { 0 };
  gsize n;
  guint64 whole;
  self.bytes = g_bytes_get_data (first, &n);
  if (!pe_gguf_parse (self.bytes, n, first_bytes, &self.gguf, &problem) ||
      self.gguf->n_tensors == 0 || !read_layers (&self))
    return NULL;
  g_byte_array_append (self.out, self.bytes, (guint) self.gguf->tensors[0].info_offset);
  if (!append_layers (&self) || !append_end (&self, all_bytes) ||
      !pe_align_u64 (self.out->len, self.gguf->alignment, &whole) ||
      !pe_add_u64 (whole, self.data, &whole))
    return NULL;
  guint64 off = whole > all_bytes ? whole - all_bytes : all_bytes - whole;
  if (off > all_bytes / TOLERANCE)
    return NULL;
  guint64 count = GUINT64_TO_LE (self.n_tensors);
  memcpy (self.out->data + COUNT_AT, &count, sizeof count);
  *file_bytes = whole;
  return g_byte_array_free_to_bytes (g_steal_pointer (&self.out));
}
