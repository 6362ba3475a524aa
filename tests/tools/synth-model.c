/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writes a GGUF model of a known shape with random weights: for measurements and tests that need
 * no sense, only size. Quantised tensors are random blocks with fitting scales, so that writing
 * is about as fast as the disk.
 */
#include "synth-vocab.h"

#include "../random-blocks.h"
#include "engine/format/gguf.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct shape {
  const char *name, *arch;
  uint32_t n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_width, n_vocab, n_ctx;
  uint32_t n_experts, n_used; /* then n_ff is that of an expert */
  bool tied;
  float rope_base;
};

static const struct shape presets[] = {
  { "llama-1b", "llama", 16, 2048, 8192, 32, 8, 64, 128256, 131072, 0, 0, true, 5e5f },
  { "llama-3b", "llama", 28, 3072, 8192, 24, 8, 128, 128256, 131072, 0, 0, true, 5e5f },
  { "llama-8b", "llama", 32, 4096, 14336, 32, 8, 128, 128256, 131072, 0, 0, false, 5e5f },
  { "qwen3-0.6b", "qwen3", 28, 1024, 3072, 16, 8, 128, 151936, 40960, 0, 0, true, 1e6f },
  { "qwen3-8b", "qwen3", 36, 4096, 12288, 32, 8, 128, 151936, 40960, 0, 0, false, 1e6f },
  { "qwen3-30b-a3b", "qwen3moe", 48, 2048, 768, 32, 4, 128, 151936, 40960, 128, 8, false, 1e6f },
  { "tiny", "llama", 2, 256, 512, 4, 2, 64, 1024, 4096, 0, 0, false, 1e4f },
  { "tiny-qwen3", "qwen3", 2, 256, 512, 4, 2, 64, 1024, 4096, 0, 0, true, 1e6f },
  { "tiny-moe", "qwen3moe", 2, 256, 256, 4, 2, 64, 1024, 4096, 8, 2, false, 1e6f },
};

/* What a file is called by, and the types of its tensors; `more` is for those that the mix keeps
 * more bits of. See "file types and mixes" of the GGUF tools. */
struct mix {
  const char *name;
  uint32_t file_type;
  enum pe_type base, more, output;
};

static const struct mix mixes[] = {
  { "f32", 0, PE_TYPE_F32, PE_TYPE_F32, PE_TYPE_F32 },
  { "f16", 1, PE_TYPE_F16, PE_TYPE_F16, PE_TYPE_F16 },
  { "bf16", 32, PE_TYPE_BF16, PE_TYPE_BF16, PE_TYPE_BF16 },
  { "q8_0", 7, PE_TYPE_Q8_0, PE_TYPE_Q8_0, PE_TYPE_Q8_0 },
  { "q4_0", 2, PE_TYPE_Q4_0, PE_TYPE_Q4_0, PE_TYPE_Q6_K },
  { "q4_k_m", 15, PE_TYPE_Q4_K, PE_TYPE_Q6_K, PE_TYPE_Q6_K },
  { "q5_k_m", 17, PE_TYPE_Q5_K, PE_TYPE_Q6_K, PE_TYPE_Q6_K },
  { "q6_k", 18, PE_TYPE_Q6_K, PE_TYPE_Q6_K, PE_TYPE_Q6_K },
};

/* How one tensor is filled. */
struct filling {
  enum pe_type type;
  uint64_t n_elements;
  float rms;
  bool around_one; /* the weights of a norm */
  uint64_t seed;
};

struct model {
  struct shape shape;
  const struct mix *mix;
  uint64_t seed;
  struct pe_gguf_writer *writer;
  struct filling *fillings;
  size_t n_tensors, capacity;
};

/* Random signs and mantissas under one exponent: magnitudes from 1 to 2 times a power of two. */
static void
fill_floats (enum pe_type type, float rms, void *out, size_t n_bytes, uint64_t *state)
{
  uint32_t exponent = (uint32_t) (127 + (int) lrintf (log2f (rms / 1.53f)));
  uint64_t keep, set;
  if (type == PE_TYPE_F32) {
    keep = 0x807fffff807fffff;
    set = (uint64_t) (exponent << 23) * 0x0000000100000001;
  } else if (type == PE_TYPE_BF16) {
    keep = 0x807f807f807f807f;
    set = (uint64_t) (exponent << 7) * 0x0001000100010001;
  } else {
    keep = 0x83ff83ff83ff83ff;
    set = (uint64_t) ((exponent - 112) << 10) * 0x0001000100010001;
  }
  uint64_t *words = out;
  for (size_t i = 0; i < n_bytes / 8; i++)
    words[i] = (random_u64 (state) & keep) | set;
}

static bool
fill (struct pe_gguf_writer *w, size_t tensor, void *data, struct pe_error *error)
{
  enum { AT_ONCE = 1 << 16 }; /* elements, a multiple of every block */
  static _Alignas(64) unsigned char buffer[AT_ONCE * 4];
  const struct filling *f = (const struct filling *) data + tensor;
  uint64_t state = f->seed;
  for (uint64_t left = f->n_elements; left;) {
    size_t n = left < AT_ONCE ? (size_t) left : AT_ONCE;
    size_t n_bytes = (size_t) pe_type_row_bytes (f->type, n);
    if (f->around_one)
      for (size_t i = 0; i < n; i++) {
        float value = 1.0f + 0.1f * random_float (&state);
        memcpy (buffer + 4 * i, &value, sizeof value);
      }
    else if (f->type == PE_TYPE_F32 || f->type == PE_TYPE_F16 || f->type == PE_TYPE_BF16)
      fill_floats (f->type, f->rms, buffer, (n_bytes + 7) / 8 * 8, &state);
    else
      random_blocks (f->type, buffer, n, f->rms, &state);
    if (!pe_gguf_write (w, buffer, n_bytes, error))
      return false;
    left -= n;
  }
  return true;
}

/* What the usual tools fall back on for rows that are no multiple of the block. */
static enum pe_type
fitting_type (enum pe_type type, uint64_t width)
{
  if (width % pe_type_info (type)->block_elements == 0)
    return type;
  if (width % 32)
    return PE_TYPE_F16;
  return type == PE_TYPE_Q6_K ? PE_TYPE_Q8_0 : type == PE_TYPE_Q5_K ? PE_TYPE_Q5_1 : PE_TYPE_Q5_0;
}

static void
add (struct model *m, const char *name, enum pe_type type, uint32_t n_dims, const uint64_t *shape,
     float rms)
{
  if (m->n_tensors == m->capacity)
    return;
  struct filling *f = &m->fillings[m->n_tensors];
  *f = (struct filling){ .n_elements = 1, .rms = rms, .around_one = n_dims == 1 };
  f->type = n_dims == 1 ? PE_TYPE_F32 : fitting_type (type, shape[0]);
  f->seed = m->seed * 1000003 + m->n_tensors;
  for (uint32_t i = 0; i < n_dims; i++)
    f->n_elements *= shape[i];
  pe_gguf_add_tensor (m->writer, name, f->type, n_dims, shape, fill, m->fillings);
  m->n_tensors++;
}

static void
add_matrix (struct model *m, int layer, const char *name, enum pe_type type, uint64_t in,
            uint64_t out, uint64_t n_experts, float scale)
{
  char full[64];
  snprintf (full, sizeof full, "blk.%d.%s.weight", layer, name);
  uint64_t shape[3] = { in, out, n_experts };
  add (m, full, type, n_experts ? 3 : 2, shape, scale / sqrtf ((float) in));
}

static void
add_norm (struct model *m, int layer, const char *name, uint64_t width)
{
  char full[64];
  snprintf (full, sizeof full, "blk.%d.%s.weight", layer, name);
  add (m, full, PE_TYPE_F32, 1, &width, 0.0f);
}

/* Half of the layers, spread as the quantising tools do. */
static bool
gets_more (int layer, int n_layers)
{
  return layer < n_layers / 8 || layer >= 7 * n_layers / 8 || (layer - n_layers / 8) % 3 == 2;
}

static void
add_layer (struct model *m, int il)
{
  const struct shape *s = &m->shape;
  enum pe_type base = m->mix->base, more = gets_more (il, (int) s->n_layers) ? m->mix->more : base;
  uint64_t q = (uint64_t) s->n_heads * s->head_width, kv = (uint64_t) s->n_kv_heads * s->head_width;
  float into_residual = 1.0f / sqrtf (2.0f * (float) s->n_layers);
  add_norm (m, il, "attn_norm", s->n_embd);
  add_matrix (m, il, "attn_q", base, s->n_embd, q, 0, 1);
  add_matrix (m, il, "attn_k", base, s->n_embd, kv, 0, 1);
  add_matrix (m, il, "attn_v", more, s->n_embd, kv, 0, 1);
  add_matrix (m, il, "attn_output", base, q, s->n_embd, 0, into_residual);
  if (strncmp (s->arch, "qwen3", 5) == 0) {
    add_norm (m, il, "attn_q_norm", s->head_width);
    add_norm (m, il, "attn_k_norm", s->head_width);
  }
  add_norm (m, il, "ffn_norm", s->n_embd);
  if (s->n_experts) {
    add_matrix (m, il, "ffn_gate_inp", PE_TYPE_F32, s->n_embd, s->n_experts, 0, 1);
    add_matrix (m, il, "ffn_gate_exps", base, s->n_embd, s->n_ff, s->n_experts, 1);
    add_matrix (m, il, "ffn_up_exps", base, s->n_embd, s->n_ff, s->n_experts, 1);
    add_matrix (m, il, "ffn_down_exps", more, s->n_ff, s->n_embd, s->n_experts, into_residual);
  } else {
    add_matrix (m, il, "ffn_gate", base, s->n_embd, s->n_ff, 0, 1);
    add_matrix (m, il, "ffn_up", base, s->n_embd, s->n_ff, 0, 1);
    add_matrix (m, il, "ffn_down", more, s->n_ff, s->n_embd, 0, into_residual);
  }
}

static void
add_tensors (struct model *m)
{
  const struct shape *s = &m->shape;
  uint64_t table[2] = { s->n_embd, s->n_vocab }, width = s->n_embd;
  add (m, "token_embd.weight", s->tied ? m->mix->output : m->mix->base, 2, table,
       s->tied ? 2.0f / sqrtf ((float) width) : 1.0f);
  for (uint32_t il = 0; il < s->n_layers; il++)
    add_layer (m, (int) il);
  add (m, "output_norm.weight", PE_TYPE_F32, 1, &width, 0.0f);
  if (!s->tied)
    add (m, "output.weight", m->mix->output, 2, table, 2.0f / sqrtf ((float) width));
}

static void
put_u32 (struct model *m, const char *key, uint32_t value)
{
  char full[96];
  snprintf (full, sizeof full, "%s.%s", m->shape.arch, key);
  pe_gguf_put_u32 (m->writer, full, value);
}

static void
put_f32 (struct model *m, const char *key, float value)
{
  char full[96];
  snprintf (full, sizeof full, "%s.%s", m->shape.arch, key);
  pe_gguf_put_f32 (m->writer, full, value);
}

static void
put_metadata (struct model *m)
{
  const struct shape *s = &m->shape;
  char name[64];
  int n = snprintf (name, sizeof name, "Synthetic %s %s", s->name, m->mix->name);
  pe_gguf_put_string (m->writer, "general.architecture", s->arch, strlen (s->arch));
  pe_gguf_put_string (m->writer, "general.name", name, (size_t) n);
  pe_gguf_put_u32 (m->writer, "general.file_type", m->mix->file_type);
  pe_gguf_put_u32 (m->writer, "general.quantization_version", 2);
  put_u32 (m, "block_count", s->n_layers);
  put_u32 (m, "context_length", s->n_ctx);
  put_u32 (m, "embedding_length", s->n_embd);
  put_u32 (m, "feed_forward_length", s->n_ff);
  put_u32 (m, "attention.head_count", s->n_heads);
  put_u32 (m, "attention.head_count_kv", s->n_kv_heads);
  put_u32 (m, "attention.key_length", s->head_width);
  put_u32 (m, "attention.value_length", s->head_width);
  put_f32 (m, "attention.layer_norm_rms_epsilon", 1e-6f);
  put_u32 (m, "rope.dimension_count", s->head_width);
  put_f32 (m, "rope.freq_base", s->rope_base);
  put_u32 (m, "vocab_size", s->n_vocab);
  if (s->n_experts) {
    put_u32 (m, "expert_count", s->n_experts);
    put_u32 (m, "expert_used_count", s->n_used);
    put_u32 (m, "expert_feed_forward_length", s->n_ff);
  }
}

static int
usage (void)
{
  fprintf (stderr,
           "Usage: synth-model --preset NAME --type TYPE [--layers N] [--embd N] [--ffn N]\n"
           "                   [--heads N] [--kv-heads N] [--vocab N] [--ctx N] [--seed N]\n"
           "                   OUT.gguf\nPresets:");
  for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
    fprintf (stderr, " %s", presets[i].name);
  fprintf (stderr, "\nTypes:");
  for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++)
    fprintf (stderr, " %s", mixes[i].name);
  fprintf (stderr, "\n");
  return 2;
}

static bool
parse (int argc, char **argv, struct model *m, const char **path)
{
  uint32_t layers = 0, embd = 0, ffn = 0, heads = 0, kv_heads = 0, vocab = 0, ctx = 0;
  const struct option options[] = {
    { "preset", 1, NULL, 'p' },
    { "type", 1, NULL, 't' },
    { "layers", 1, NULL, 'l' },
    { "embd", 1, NULL, 'e' },
    { "ffn", 1, NULL, 'f' },
    { "heads", 1, NULL, 'h' },
    { "kv-heads", 1, NULL, 'k' },
    { "vocab", 1, NULL, 'v' },
    { "ctx", 1, NULL, 'c' },
    { "seed", 1, NULL, 's' },
    { 0 },
  };
  uint32_t *numbers[256] = { ['l'] = &layers,   ['e'] = &embd,  ['f'] = &ffn, ['h'] = &heads,
                             ['k'] = &kv_heads, ['v'] = &vocab, ['c'] = &ctx };
  for (int c; (c = getopt_long (argc, argv, "", options, NULL)) != -1;) {
    if (c == 'p') {
      for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp (optarg, presets[i].name) == 0)
          m->shape = presets[i];
    } else if (c == 't') {
      for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++)
        if (strcmp (optarg, mixes[i].name) == 0)
          m->mix = &mixes[i];
    } else if (c == 's')
      m->seed = strtoull (optarg, NULL, 10);
    else if (c > 0 && c < 256 && numbers[c])
      *numbers[c] = (uint32_t) strtoul (optarg, NULL, 10);
    else
      return false;
  }
  struct shape *s = &m->shape;
  if (!s->name || !m->mix || optind + 1 != argc)
    return false;
  *path = argv[optind];
  s->n_layers = layers ? layers : s->n_layers;
  s->n_embd = embd ? embd : s->n_embd;
  s->n_ff = ffn ? ffn : s->n_ff;
  s->n_heads = heads ? heads : s->n_heads;
  s->n_kv_heads = kv_heads ? kv_heads : s->n_kv_heads;
  s->n_vocab = vocab ? vocab : s->n_vocab;
  s->n_ctx = ctx ? ctx : s->n_ctx;
  return s->n_layers <= 512 && s->n_heads % s->n_kv_heads == 0 && s->n_vocab >= SYNTH_VOCAB_MIN;
}

int
main (int argc, char **argv)
{
  struct model m = { .seed = 1 };
  const char *path;
  if (!parse (argc, argv, &m, &path))
    return usage ();
  m.capacity = (size_t) m.shape.n_layers * 12 + 3;
  m.fillings = calloc (m.capacity, sizeof *m.fillings);
  m.writer = pe_gguf_writer_new ();
  struct pe_error error = { .message = "not enough memory" };
  bool ok = m.fillings && m.writer;
  if (ok) {
    put_metadata (&m);
    ok = synth_vocab_put (m.writer,
                          strcmp (m.shape.arch, "llama") == 0 ? SYNTH_VOCAB_SPM : SYNTH_VOCAB_BPE,
                          m.shape.n_vocab);
  }
  if (ok) {
    add_tensors (&m);
    ok = pe_gguf_writer_save (m.writer, path, &error);
  }
  if (!ok)
    fprintf (stderr, "synth-model: %s\n", error.message);
  pe_gguf_writer_free (m.writer);
  free (m.fillings);
  return ok ? 0 : 1;
}
