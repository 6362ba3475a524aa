/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model's hyper-parameters, read once from the metadata and checked against sane ranges; no
 * other code reads them from the file. Which keys mean something is the family's business: many
 * writers store every key they know, with zeros for what is off.
 */
#pragma once

#include "base/alloc.h"
#include "base/error.h"
#include "engine/program.h"

struct pe_gguf;
struct pe_arch;

enum pe_rope_scaling { PE_SCALING_NONE, PE_SCALING_LINEAR, PE_SCALING_YARN, PE_SCALING_LONG };

struct pe_hparams {
  uint32_t n_layers; /* without trailing prediction layers */
  uint32_t n_embd, n_vocab, n_ctx_train;

  /* per layer */
  uint32_t *n_heads, *n_kv_heads, *n_ff;
  bool *is_windowed, *is_recurrent;

  uint32_t k_width, v_width;         /* of a head */
  uint32_t k_width_swa, v_width_swa; /* of windowed layers */
  float norm_eps;

  uint32_t n_rot, n_rot_swa;
  float rope_base, rope_base_swa;
  enum pe_rope_scaling scaling;
  float scaling_factor; /* >= 1, or 1 */
  bool has_rope;        /* rope.scaling.finetuned is not false */
  bool has_sections;    /* rope.dimension_sections */
  float attn_factor;
  uint32_t n_ctx_original;
  float yarn_beta_fast, yarn_beta_slow, yarn_log_multiplier;

  uint32_t window;
  float attn_softcap, final_softcap, attn_scale;
  float temperature_scale;
  uint32_t temperature_length;
  float clamp_qkv, max_alibi_bias;
  bool parallel_residual;

  float embedding_scale, residual_scale, logit_scale; /* 0 = absent */

  uint32_t n_experts, n_experts_used, n_ff_expert, n_ff_shared_expert;
  uint32_t n_expert_groups, n_expert_groups_used;
  uint32_t gating; /* 0 = absent, else expert_gating_func */
  bool expert_weights_norm;
  bool has_expert_weights_norm;
  float expert_weights_scale;

  uint32_t n_lora_q, n_lora_kv, k_width_mla, v_width_mla;

  uint32_t ssm_conv, ssm_inner, ssm_state, ssm_rank, ssm_groups;
  bool ssm_dt_b_c_rms;
  uint32_t shortconv_kernel;

  uint32_t n_embd_per_layer;   /* per-layer embeddings (gemma3n, gemma4) */
  uint32_t n_shared_kv_layers; /* trailing layers that read an earlier layer's cache */
};

/* Arrays come from `arena`. Errors name the key and its offset in the file. */
bool pe_hparams_read (const struct pe_gguf *gguf, const struct pe_arch *arch,
                      struct pe_arena *arena, struct pe_hparams *out, struct pe_error *error);
