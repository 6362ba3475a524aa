/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Families of models: one row each. A row says what the tensors and the metadata of a file do not
 * say by themselves; everything else (biases, fused matrices, tied output, experts, kinds of
 * mixers) follows from which tensors are there. ARCHITECTURE.md shows how to add one.
 */
#pragma once

#include "engine/program.h"

enum pe_arch_rope { PE_ARCH_ROPE_NONE, PE_ARCH_ROPE_NORMAL, PE_ARCH_ROPE_NEOX };

/* Which layers rotate their queries and keys. */
enum pe_arch_rope_layers {
  PE_ROPE_ALL_LAYERS,
  PE_ROPE_NOT_EVERY_4TH,
  PE_ROPE_WINDOWED_ONLY,
};

enum pe_arch_window {
  PE_WINDOW_IGNORED,
  PE_WINDOW_ALL,      /* every layer, where the file has a window */
  PE_WINDOW_PERIODIC, /* all but each `window_period`-th layer */
  PE_WINDOW_CHUNKS,   /* the same, but chunks of positions instead of a sliding window */
};

enum pe_arch_flag {
  PE_ARCH_EMBED_SQRT = 1 << 0,           /* embedding times sqrt (n_embd) */
  PE_ARCH_POST_NORM_IS_PRE_FFN = 1 << 1, /* post_attention_norm precedes the feed-forward */
  PE_ARCH_QK_NORM_AFTER_ROPE = 1 << 2,
  PE_ARCH_QK_L2 = 1 << 3,          /* weightless RMS of q and k after rope, on rotated layers */
  PE_ARCH_V_NORM = 1 << 4,         /* weightless RMS of v, per head */
  PE_ARCH_NO_OUTPUT_BIAS = 1 << 5, /* attn_output.bias is in files, but not used */
  PE_ARCH_LOGIT_MUL = 1 << 6,      /* logit_scale multiplies; otherwise it divides */
  PE_ARCH_KEY_SCALES = 1 << 7,     /* embedding, residual, attention and logit scales by key */
  PE_ARCH_ATTN_SOFTCAP = 1 << 8,
  PE_ARCH_FINAL_SOFTCAP = 1 << 9,
  PE_ARCH_RENORMALISE = 1 << 10,        /* expert weights sum to one, unless a key says otherwise */
  PE_ARCH_WEIGH_INPUT = 1 << 11,        /* expert weights multiply the input of the expert */
  PE_ARCH_NORM_IS_TOKEN_EMBD = 1 << 12, /* the final norm is called token_embd_norm */
  PE_ARCH_EMBED_NORM = 1 << 13,         /* token_embd_norm follows the embedding */
  PE_ARCH_ALIBI = 1 << 14,
  PE_ARCH_NOPE_BY_KEY = 1 << 15,         /* rope.scaling.finetuned = false means no rotation */
  PE_ARCH_SCALING_GLOBAL_ONLY = 1 << 16, /* rope scaling on full layers only */
  PE_ARCH_YARN_LOG_TENTH = 1 << 17,      /* yarn_log_multiplier is stored times 0.1 */
  PE_ARCH_TEMPERATURE_NOPE = 1 << 18,    /* query temperature on layers without rotation */
  PE_ARCH_DELTA_TILED = 1 << 19,         /* value head j uses key head j mod n_k */
  PE_ARCH_GEMMA3N = 1 << 20,             /* altup streams and laurel: format/build-gemma.c */
  PE_ARCH_GEMMA4 = 1 << 21,
  PE_ARCH_NEOX_BY_SECTIONS = 1 << 22,       /* rotary halves where the file has sections */
  PE_ARCH_MIXER_BESIDE_ATTENTION = 1 << 23, /* falcon-h1: both, summed */
  PE_ARCH_NO_ATTN_SCALE = 1 << 24,          /* scores are not divided by sqrt (head size) */
  PE_ARCH_PARALLEL_BY_KEY = 1 << 25,        /* use_parallel_residual decides */
  PE_ARCH_NORMS_WITHOUT_WEIGHTS = 1 << 26,
  /* Layers without attention (no heads), with a matrix in its place (heads, but none of keys) or
   * without a feed-forward (width 0). */
  PE_ARCH_SKIPPED_BRANCHES = 1 << 27,
};

struct pe_arch {
  const char *name;  /* general.architecture */
  const char *title; /* for people */
  enum pe_norm_kind norm;
  enum pe_arch_rope rope;
  enum pe_unary activation;
  uint32_t flags;
  enum pe_arch_rope_layers rope_layers;
  enum pe_arch_window window;
  uint32_t window_period; /* default, where the file has no pattern */
  uint32_t default_window;
  uint32_t window_needs_layers; /* window only in models with this many layers; 0 = any */
  float default_rope_base_swa;  /* 0: the same as on full layers */
  enum pe_gating gating;        /* where the file does not say */
  float default_attn_softcap, default_final_softcap;
  uint32_t scale_by_width_layers; /* with this many layers scores scale by n_embd / n_heads */
  float mul_up_limit;             /* of PE_UNARY_SWIGLU_OAI */
  /* Scales of files that do not say theirs; 0: none. Branches by depth / sqrt (layers), logits by
   * width / n_embd. */
  float default_embedding_scale, default_depth_scale, default_logit_width;
};

/* NULL for an unknown family. */
const struct pe_arch *pe_arch_find (const char *name, size_t n);
/* All rows, for documentation and tests; ends with a row whose name is NULL. */
const struct pe_arch *pe_arch_table (void);
