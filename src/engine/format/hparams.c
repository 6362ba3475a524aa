/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/format/hparams.h"

#include "engine/format/arch.h"
#include "engine/format/gguf.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
  MAX_LAYERS = 512,
  MAX_EXPERTS = 512,
  MAX_HEADS = 4096,
  MAX_HEAD_WIDTH = 8192,
  MAX_WIDTH = 1 << 20,
  MAX_CONTEXT = 1 << 28,
};

/* What is being read; `failed` once a value was refused, all later reads then do nothing. */
struct reader {
  const struct pe_gguf *gguf;
  const struct pe_arch *arch;
  struct pe_error *error;
  bool failed;
};

static const struct pe_gguf_entry *
find (struct reader *r, const char *key, char *full, size_t size)
{
  snprintf (full, size, "%s.%s", r->arch->name, key);
  return r->failed ? NULL : pe_gguf_find (r->gguf, full);
}

static void
refuse (struct reader *r, const struct pe_gguf_entry *entry, const char *key, const char *why)
{
  if (!r->failed)
    pe_fail_at (r->error, PE_ERROR_FORMAT, entry ? entry->offset : 0, "%s %s", key, why);
  r->failed = true;
}

/* An optional whole number; present but out of range is an error. */
static uint32_t
number (struct reader *r, const char *key, uint32_t absent, uint32_t min, uint32_t max)
{
  char full[160];
  const struct pe_gguf_entry *entry = find (r, key, full, sizeof full);
  if (!entry || (entry->is_array && entry->count != 1))
    return absent;
  uint64_t value;
  if (!pe_gguf_entry_u64 (entry, 0, &value) || value < min || value > max) {
    char why[96];
    snprintf (why, sizeof why, "is not a whole number from %u to %u", min, max);
    refuse (r, entry, full, why);
    return absent;
  }
  return (uint32_t) value;
}

static uint32_t
required (struct reader *r, const char *key, uint32_t max)
{
  char full[160];
  if (!find (r, key, full, sizeof full) && !r->failed)
    refuse (r, NULL, full, "is missing");
  return number (r, key, 1, 1, max);
}

static float
real (struct reader *r, const char *key, float absent, float min, float max)
{
  char full[160];
  const struct pe_gguf_entry *entry = find (r, key, full, sizeof full);
  if (!entry)
    return absent;
  double value;
  if (!pe_gguf_entry_f64 (entry, 0, &value) || !(value >= (double) min && value <= (double) max)) {
    char why[96];
    snprintf (why, sizeof why, "is not a number from %g to %g", (double) min, (double) max);
    refuse (r, entry, full, why);
    return absent;
  }
  return (float) value;
}

static bool
boolean (struct reader *r, const char *key, bool absent, bool *present)
{
  char full[160];
  const struct pe_gguf_entry *entry = find (r, key, full, sizeof full);
  bool value = absent;
  bool found = entry && pe_gguf_entry_bool (entry, 0, &value);
  if (present)
    *present = found;
  return value;
}

/* One number for all layers, or an array with one for each. */
static uint32_t *
per_layer (struct reader *r, struct pe_arena *arena, const char *key, uint32_t n_layers,
           const uint32_t *absent_each, uint32_t absent, uint32_t max)
{
  uint32_t *values = pe_arena_array (arena, n_layers, sizeof *values);
  if (!values) {
    if (!r->failed)
      pe_fail (r->error, PE_ERROR_MEMORY, "not enough memory for the model's description");
    r->failed = true;
    return NULL;
  }
  char full[160];
  const struct pe_gguf_entry *entry = find (r, key, full, sizeof full);
  if (entry && entry->is_array && entry->count != 1 && entry->count < n_layers)
    refuse (r, entry, full, "has fewer elements than the model has layers");
  for (uint32_t il = 0; il < n_layers && !r->failed; il++) {
    values[il] = absent_each ? absent_each[il] : absent;
    uint64_t value;
    if (!entry)
      continue;
    if (!pe_gguf_entry_u64 (entry, entry->is_array && entry->count > 1 ? il : 0, &value) ||
        value > max)
      refuse (r, entry, full, "is out of range");
    else
      values[il] = (uint32_t) value;
  }
  return values;
}

static void
read_widths (struct reader *r, struct pe_hparams *h)
{
  uint32_t heads = 1;
  for (uint32_t il = 0; il < h->n_layers && heads <= 1; il++)
    if (h->n_heads[il])
      heads = h->n_heads[il];
  uint32_t width = h->n_embd / heads ? h->n_embd / heads : 1;
  h->k_width = number (r, "attention.key_length", width, 1, MAX_HEAD_WIDTH);
  h->v_width = number (r, "attention.value_length", width, 1, MAX_HEAD_WIDTH);
  h->k_width_swa = number (r, "attention.key_length_swa", h->k_width, 1, MAX_HEAD_WIDTH);
  h->v_width_swa = number (r, "attention.value_length_swa", h->v_width, 1, MAX_HEAD_WIDTH);
  h->n_lora_q = number (r, "attention.q_lora_rank", 0, 0, MAX_WIDTH);
  h->n_lora_kv = number (r, "attention.kv_lora_rank", 0, 0, MAX_WIDTH);
  h->k_width_mla = number (r, "attention.key_length_mla", 0, 0, MAX_HEAD_WIDTH);
  h->v_width_mla = number (r, "attention.value_length_mla", 0, 0, MAX_HEAD_WIDTH);
  if (h->k_width_mla == 0)
    h->k_width_mla = h->k_width;
  if (h->v_width_mla == 0)
    h->v_width_mla = h->v_width;
}

static void
read_rope (struct reader *r, struct pe_hparams *h)
{
  h->n_rot = number (r, "rope.dimension_count", h->k_width, 0, MAX_HEAD_WIDTH);
  h->n_rot_swa =
      number (r, "rope.dimension_count_swa",
              h->k_width_swa != h->k_width ? h->k_width_swa : h->n_rot, 0, MAX_HEAD_WIDTH);
  if (h->n_rot % 2 || h->n_rot_swa % 2)
    refuse (r, NULL, "rope.dimension_count", "is odd");
  h->rope_base = real (r, "rope.freq_base", 10000, 0, 1e12f);
  if (h->rope_base < 1)
    h->rope_base = 10000;
  float base_swa =
      r->arch->default_rope_base_swa > 0 ? r->arch->default_rope_base_swa : h->rope_base;
  h->rope_base_swa = real (r, "rope.freq_base_swa", base_swa, 0, 1e12f);
  if (h->rope_base_swa < 1)
    h->rope_base_swa = base_swa;

  struct pe_string type = { "", 0 };
  char full[160];
  const struct pe_gguf_entry *entry = find (r, "rope.scaling.type", full, sizeof full);
  if (entry)
    pe_gguf_entry_string (entry, 0, &type);
  h->scaling_factor =
      real (r, "rope.scaling.factor", real (r, "rope.scale_linear", 1, 0, 1e6f), 0, 1e6f);
  if (!(h->scaling_factor > 0))
    h->scaling_factor = 1;
  if (pe_string_equal (type, "yarn"))
    h->scaling = PE_SCALING_YARN;
  else if (pe_string_equal (type, "longrope"))
    h->scaling = PE_SCALING_LONG;
  else if (pe_string_equal (type, "none"))
    h->scaling = PE_SCALING_NONE;
  else
    h->scaling = PE_SCALING_LINEAR;
  if (h->scaling != PE_SCALING_YARN && h->scaling != PE_SCALING_LINEAR)
    h->scaling_factor = 1;
  h->has_rope = boolean (r, "rope.scaling.finetuned", true, NULL);
  h->attn_factor = real (r, "rope.scaling.attn_factor", 1, 0, 1e6f);
  if (!(h->attn_factor > 0))
    h->attn_factor = 1;
  h->n_ctx_original =
      number (r, "rope.scaling.original_context_length", h->n_ctx_train, 0, MAX_CONTEXT);
  if (h->n_ctx_original == 0)
    h->n_ctx_original = h->n_ctx_train;
  h->yarn_beta_fast = real (r, "rope.scaling.yarn_beta_fast", 32, -1, 1e6f);
  h->yarn_beta_slow = real (r, "rope.scaling.yarn_beta_slow", 1, -1, 1e6f);
  h->yarn_log_multiplier = real (r, "rope.scaling.yarn_log_multiplier", 0, -1e6f, 1e6f);
  h->has_sections = find (r, "rope.dimension_sections", full, sizeof full) != NULL;
  if (h->has_sections) {
    uint64_t first = 0;
    const struct pe_gguf_entry *sections = pe_gguf_find (r->gguf, full);
    h->has_sections = pe_gguf_entry_u64 (sections, 0, &first) && first > 0;
  }
}

/* Which layers see only a window: the file's array, its period, or the family's. */
static void
read_windows (struct reader *r, struct pe_arena *arena, struct pe_hparams *h)
{
  const struct pe_arch *arch = r->arch;
  h->is_windowed = pe_arena_array (arena, h->n_layers, sizeof *h->is_windowed);
  if (!h->is_windowed) {
    refuse (r, NULL, "the layer table", "does not fit into memory");
    return;
  }
  if (arch->window == PE_WINDOW_IGNORED ||
      (arch->window_needs_layers && h->n_layers != arch->window_needs_layers))
    return;
  uint32_t window = number (r, "attention.sliding_window", 0, 0, MAX_CONTEXT);
  if (arch->window == PE_WINDOW_CHUNKS)
    window = number (r, "attention.chunk_size", arch->default_window, 0, MAX_CONTEXT);
  else if (window == 0)
    window = arch->default_window;
  if (window == 0)
    return;
  h->window = window;

  char full[160];
  const struct pe_gguf_entry *pattern =
      find (r, "attention.sliding_window_pattern", full, sizeof full);
  if (pattern && pattern->is_array && pattern->count >= h->n_layers) {
    for (uint32_t il = 0; il < h->n_layers; il++) {
      int64_t value = 0;
      bool flag = false;
      if (pe_gguf_entry_bool (pattern, il, &flag))
        h->is_windowed[il] = flag;
      else if (pe_gguf_entry_i64 (pattern, il, &value))
        h->is_windowed[il] = value != 0;
    }
    return;
  }
  uint32_t period = arch->window_period;
  if (pattern && !pattern->is_array)
    period = number (r, "attention.sliding_window_pattern", period, 0, MAX_LAYERS);
  for (uint32_t il = 0; il < h->n_layers; il++)
    h->is_windowed[il] = arch->window == PE_WINDOW_ALL || period == 0 || il % period + 1 < period;
}

static void
read_experts (struct reader *r, struct pe_hparams *h)
{
  h->n_experts = number (r, "expert_count", 0, 0, MAX_EXPERTS);
  h->n_experts_used = number (r, "expert_used_count", 0, 0, MAX_EXPERTS);
  if (h->n_experts && (h->n_experts_used == 0 || h->n_experts_used > h->n_experts))
    refuse (r, NULL, "expert_used_count", "is not between 1 and the number of experts");
  h->n_ff_expert = number (r, "expert_feed_forward_length", 0, 0, MAX_WIDTH);
  h->n_ff_shared_expert = number (r, "expert_shared_feed_forward_length", 0, 0, MAX_WIDTH);
  h->n_expert_groups = number (r, "expert_group_count", 0, 0, MAX_EXPERTS);
  h->n_expert_groups_used = number (r, "expert_group_used_count", 0, 0, MAX_EXPERTS);
  if (h->n_expert_groups > 1 &&
      (h->n_experts % h->n_expert_groups || h->n_expert_groups_used == 0 ||
       h->n_expert_groups_used > h->n_expert_groups))
    refuse (r, NULL, "expert_group_count", "does not divide the experts");
  h->gating = number (r, "expert_gating_func", 0, 0, 4);
  h->expert_weights_norm = boolean (r, "expert_weights_norm", false, &h->has_expert_weights_norm);
  h->expert_weights_scale = real (r, "expert_weights_scale", 0, -1e6f, 1e6f);
}

static void
read_mixers (struct reader *r, struct pe_arena *arena, struct pe_hparams *h)
{
  h->ssm_conv = number (r, "ssm.conv_kernel", 0, 0, 64);
  h->ssm_inner = number (r, "ssm.inner_size", 0, 0, MAX_WIDTH);
  h->ssm_state = number (r, "ssm.state_size", 0, 0, MAX_HEAD_WIDTH);
  h->ssm_rank = number (r, "ssm.time_step_rank", 0, 0, MAX_WIDTH);
  h->ssm_groups = number (r, "ssm.group_count", 0, 0, MAX_HEADS);
  h->ssm_dt_b_c_rms = boolean (r, "ssm.dt_b_c_rms", false, NULL);
  h->shortconv_kernel = number (r, "shortconv.l_cache", 0, 0, 64);

  h->is_recurrent = pe_arena_array (arena, h->n_layers, sizeof *h->is_recurrent);
  if (!h->is_recurrent)
    refuse (r, NULL, "the layer table", "does not fit into memory");
  if (r->failed)
    return;
  char full[160];
  const struct pe_gguf_entry *layers = find (r, "attention.recurrent_layers", full, sizeof full);
  uint32_t interval = number (r, "full_attention_interval", 4, 1, MAX_LAYERS);
  for (uint32_t il = 0; il < h->n_layers; il++) {
    bool flag = false;
    if (layers && layers->is_array && layers->count >= h->n_layers &&
        pe_gguf_entry_bool (layers, il, &flag))
      h->is_recurrent[il] = flag;
    else
      h->is_recurrent[il] = (il + 1) % interval != 0;
  }
}

bool
pe_hparams_read (const struct pe_gguf *gguf, const struct pe_arch *arch, struct pe_arena *arena,
                 struct pe_hparams *h, struct pe_error *error)
{
  struct reader reader = { .gguf = gguf, .arch = arch, .error = error };
  struct reader *r = &reader;
  memset (h, 0, sizeof *h);
  h->n_layers = required (r, "block_count", MAX_LAYERS);
  uint32_t n_predict = number (r, "nextn_predict_layers", 0, 0, MAX_LAYERS);
  if (n_predict >= h->n_layers && n_predict)
    refuse (r, NULL, "nextn_predict_layers", "leaves no layers");
  else
    h->n_layers -= n_predict;
  h->n_embd = required (r, "embedding_length", MAX_WIDTH);
  h->n_ctx_train = number (r, "context_length", 2048, 1, MAX_CONTEXT);
  if (r->failed)
    return false;

  h->n_heads = per_layer (r, arena, "attention.head_count", h->n_layers, NULL, 0, MAX_HEADS);
  if (r->failed)
    return false;
  h->n_kv_heads =
      per_layer (r, arena, "attention.head_count_kv", h->n_layers, h->n_heads, 0, MAX_HEADS);
  h->n_ff = per_layer (r, arena, "feed_forward_length", h->n_layers, NULL, 0, MAX_WIDTH);
  if (r->failed)
    return false;
  for (uint32_t il = 0; il < h->n_layers; il++)
    if (h->n_kv_heads[il] &&
        (h->n_kv_heads[il] > h->n_heads[il] || h->n_heads[il] % h->n_kv_heads[il])) {
      refuse (r, NULL, "attention.head_count_kv", "does not divide attention.head_count");
      return false;
    }

  float eps_rms = real (r, "attention.layer_norm_rms_epsilon", 0, 0, 1);
  float eps_layer = real (r, "attention.layer_norm_epsilon", 0, 0, 1);
  h->norm_eps = arch->norm == PE_NORM_LAYER ? (eps_layer > 0 ? eps_layer : eps_rms)
                                            : (eps_rms > 0 ? eps_rms : eps_layer);
  if (!(h->norm_eps > 0))
    h->norm_eps = 1e-5f;

  read_widths (r, h);
  read_rope (r, h);
  read_windows (r, arena, h);
  read_experts (r, h);
  read_mixers (r, arena, h);

  if (arch->flags & PE_ARCH_ATTN_SOFTCAP)
    h->attn_softcap = real (r, "attn_logit_softcapping", arch->default_attn_softcap, 0, 1e6f);
  if (arch->flags & PE_ARCH_FINAL_SOFTCAP)
    h->final_softcap = real (r, "final_logit_softcapping", arch->default_final_softcap, 0, 1e6f);
  if (arch->flags & PE_ARCH_KEY_SCALES) {
    h->embedding_scale = real (r, "embedding_scale", 0, -1e6f, 1e6f);
    h->residual_scale = real (r, "residual_scale", 0, -1e6f, 1e6f);
    h->attn_scale = real (r, "attention.scale", 0, 0, 1e6f);
    h->logit_scale = real (r, "logit_scale", 0, -1e6f, 1e6f);
  }
  h->temperature_scale = real (r, "attention.temperature_scale", 0, 0, 1e6f);
  h->temperature_length = number (r, "attention.temperature_length", 0, 0, MAX_CONTEXT);
  h->clamp_qkv = real (r, "attention.clamp_kqv", 0, 0, 1e9f);
  h->max_alibi_bias = real (r, "attention.max_alibi_bias", 8, 0, 1e6f);
  h->parallel_residual = boolean (r, "use_parallel_residual", true, NULL);
  h->n_embd_per_layer = number (r, "embedding_length_per_layer_input", 0, 0, MAX_WIDTH);
  h->n_shared_kv_layers = number (r, "attention.shared_kv_layers", 0, 0, h->n_layers);
  return !r->failed;
}
