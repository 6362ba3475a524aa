/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/format/arch.h"

#include <string.h>

#define RMS    .norm = PE_NORM_RMS
#define LAYER  .norm = PE_NORM_LAYER
#define PAIRS  .rope = PE_ARCH_ROPE_NORMAL /* (2i, 2i + 1) */
#define HALVES .rope = PE_ARCH_ROPE_NEOX   /* (i, i + rot / 2) */
#define SILU   .activation = PE_UNARY_SILU
#define GELU   .activation = PE_UNARY_GELU
#define RELU2  .activation = PE_UNARY_RELU_SQUARED

static const struct pe_arch table[] = {
  { "llama", "Llama", RMS, PAIRS, SILU, PE_ARCH_RENORMALISE },
  { "mistral3", "Mistral 3", RMS, PAIRS, SILU, PE_ARCH_RENORMALISE },
  { "llama4", "Llama 4", RMS, PAIRS, SILU,
    PE_ARCH_QK_L2 | PE_ARCH_WEIGH_INPUT | PE_ARCH_TEMPERATURE_NOPE,
    .rope_layers = PE_ROPE_NOT_EVERY_4TH, .window = PE_WINDOW_CHUNKS, .window_period = 4,
    .default_window = 8192, .gating = PE_GATING_SIGMOID },
  { "deci", "Llama Nemotron", RMS, PAIRS, SILU, PE_ARCH_SKIPPED_BRANCHES },
  { "arcee", "Arcee", RMS, PAIRS, RELU2 },
  { "internlm2", "InternLM 2", RMS, PAIRS, SILU },
  { "xverse", "XVERSE", RMS, PAIRS, SILU },
  { "smollm3", "SmolLM 3", RMS, PAIRS, SILU, .rope_layers = PE_ROPE_NOT_EVERY_4TH },
  { "exaone", "EXAONE 3", RMS, HALVES, SILU },
  { "exaone4", "EXAONE 4", RMS, HALVES, SILU, .rope_layers = PE_ROPE_WINDOWED_ONLY,
    .window = PE_WINDOW_PERIODIC, .window_period = 4, .window_needs_layers = 64 },
  { "minicpm", "MiniCPM", RMS, PAIRS, SILU, PE_ARCH_KEY_SCALES | PE_ARCH_RENORMALISE,
    .default_embedding_scale = 12, .default_depth_scale = 1.4f, .default_logit_width = 256 },
  { "minicpm3", "MiniCPM 3", RMS, HALVES, SILU, PE_ARCH_KEY_SCALES, .default_embedding_scale = 12,
    .default_depth_scale = 1.4f, .default_logit_width = 256 },
  { "granite", "Granite", RMS, PAIRS, SILU,
    PE_ARCH_KEY_SCALES | PE_ARCH_RENORMALISE | PE_ARCH_NOPE_BY_KEY },
  { "granitemoe", "Granite MoE", RMS, PAIRS, SILU, PE_ARCH_KEY_SCALES | PE_ARCH_RENORMALISE },
  { "granitehybrid", "Granite hybrid", RMS, PAIRS, SILU,
    PE_ARCH_KEY_SCALES | PE_ARCH_RENORMALISE | PE_ARCH_NOPE_BY_KEY },
  { "qwen2", "Qwen 2", RMS, HALVES, SILU },
  { "qwen2moe", "Qwen 2 MoE", RMS, HALVES, SILU },
  { "qwen2vl", "Qwen 2 VL", RMS, HALVES, SILU },
  { "qwen3", "Qwen 3", RMS, HALVES, SILU },
  { "qwen3vl", "Qwen 3 VL", RMS, HALVES, SILU },
  { "qwen3moe", "Qwen 3 MoE", RMS, HALVES, SILU, PE_ARCH_RENORMALISE },
  { "qwen3vlmoe", "Qwen 3 VL MoE", RMS, HALVES, SILU, PE_ARCH_RENORMALISE },
  { "qwen3next", "Qwen 3 Next", RMS, HALVES, SILU,
    PE_ARCH_POST_NORM_IS_PRE_FFN | PE_ARCH_RENORMALISE },
  { "qwen35", "Qwen 3.5", RMS, HALVES, SILU, PE_ARCH_POST_NORM_IS_PRE_FFN | PE_ARCH_DELTA_TILED },
  { "qwen35moe", "Qwen 3.5 MoE", RMS, HALVES, SILU,
    PE_ARCH_POST_NORM_IS_PRE_FFN | PE_ARCH_DELTA_TILED | PE_ARCH_RENORMALISE },
  { "seed_oss", "Seed-OSS", RMS, HALVES, SILU, PE_ARCH_POST_NORM_IS_PRE_FFN },
  { "gemma", "Gemma", RMS, HALVES, GELU, PE_ARCH_EMBED_SQRT },
  { "gemma2", "Gemma 2", RMS, HALVES, GELU,
    PE_ARCH_EMBED_SQRT | PE_ARCH_ATTN_SOFTCAP | PE_ARCH_FINAL_SOFTCAP, .window = PE_WINDOW_PERIODIC,
    .window_period = 2, .default_window = 4096, .default_attn_softcap = 50,
    .default_final_softcap = 30, .scale_by_width_layers = 46 },
  { "gemma3", "Gemma 3", RMS, HALVES, GELU,
    PE_ARCH_EMBED_SQRT | PE_ARCH_FINAL_SOFTCAP | PE_ARCH_SCALING_GLOBAL_ONLY,
    .window = PE_WINDOW_PERIODIC, .window_period = 6, .default_rope_base_swa = 10000,
    .scale_by_width_layers = 62 },
  { "gemma3n", "Gemma 3n", RMS, HALVES, GELU,
    PE_ARCH_EMBED_SQRT | PE_ARCH_FINAL_SOFTCAP | PE_ARCH_V_NORM | PE_ARCH_NO_ATTN_SCALE |
        PE_ARCH_GEMMA3N | PE_ARCH_SCALING_GLOBAL_ONLY,
    .window = PE_WINDOW_PERIODIC, .window_period = 5, .default_rope_base_swa = 10000,
    .default_final_softcap = 30 },
  { "gemma4", "Gemma 4", RMS, HALVES, GELU,
    PE_ARCH_EMBED_SQRT | PE_ARCH_FINAL_SOFTCAP | PE_ARCH_V_NORM | PE_ARCH_NO_ATTN_SCALE |
        PE_ARCH_GEMMA4 | PE_ARCH_RENORMALISE,
    .window = PE_WINDOW_PERIODIC, .window_period = 6, .default_rope_base_swa = 10000 },
  { "phi2", "Phi 2", LAYER, HALVES, GELU },
  { "phi3", "Phi 3", RMS, HALVES, SILU },
  { "phimoe", "Phi 3.5 MoE", LAYER, HALVES, SILU, .gating = PE_GATING_SPARSE_MIXER },
  { "deepseek", "DeepSeek", RMS, PAIRS, SILU },
  { "deepseek2", "DeepSeek 2", RMS, PAIRS, SILU, PE_ARCH_YARN_LOG_TENTH },
  { "dots1", "dots.1", RMS, HALVES, SILU },
  { "glm4", "GLM 4", RMS, PAIRS, SILU, PE_ARCH_NEOX_BY_SECTIONS },
  { "glm4moe", "GLM 4.5", RMS, HALVES, SILU, PE_ARCH_POST_NORM_IS_PRE_FFN,
    .gating = PE_GATING_SIGMOID },
  { "gpt-oss", "gpt-oss", RMS, HALVES, .activation = PE_UNARY_SWIGLU_OAI,
    PE_ARCH_POST_NORM_IS_PRE_FFN, .window = PE_WINDOW_PERIODIC, .window_period = 2,
    .gating = PE_GATING_SOFTMAX_SELECTED, .mul_up_limit = 7 },
  { "olmo", "OLMo", LAYER, PAIRS, SILU, PE_ARCH_NORMS_WITHOUT_WEIGHTS },
  { "olmo2", "OLMo 2", RMS, HALVES, SILU, PE_ARCH_SCALING_GLOBAL_ONLY, .window = PE_WINDOW_PERIODIC,
    .window_period = 4 },
  { "olmoe", "OLMoE", RMS, HALVES, SILU },
  { "stablelm", "StableLM", LAYER, HALVES, SILU },
  { "starcoder", "StarCoder", LAYER, .rope = PE_ARCH_ROPE_NONE, GELU },
  { "starcoder2", "StarCoder 2", LAYER, HALVES, GELU },
  { "command-r", "Command R", LAYER, PAIRS, SILU, PE_ARCH_LOGIT_MUL | PE_ARCH_KEY_SCALES },
  { "cohere2", "Command R7B", LAYER, PAIRS, SILU, PE_ARCH_LOGIT_MUL | PE_ARCH_KEY_SCALES,
    .rope_layers = PE_ROPE_WINDOWED_ONLY, .window = PE_WINDOW_PERIODIC, .window_period = 4 },
  { "falcon", "Falcon", LAYER, HALVES, GELU },
  { "falcon-h1", "Falcon H1", RMS, HALVES, SILU, PE_ARCH_MIXER_BESIDE_ATTENTION },
  { "gpt2", "GPT-2", LAYER, .rope = PE_ARCH_ROPE_NONE, GELU },
  { "gptneox", "GPT-NeoX", LAYER, HALVES, GELU, PE_ARCH_PARALLEL_BY_KEY },
  { "mpt", "MPT", LAYER, .rope = PE_ARCH_ROPE_NONE, GELU, PE_ARCH_ALIBI },
  { "bloom", "BLOOM", LAYER, .rope = PE_ARCH_ROPE_NONE, GELU, PE_ARCH_ALIBI | PE_ARCH_EMBED_NORM },
  { "nemotron", "Nemotron", LAYER, HALVES, RELU2 },
  { "ernie4_5", "ERNIE 4.5", RMS, PAIRS, SILU, PE_ARCH_NO_OUTPUT_BIAS },
  { "ernie4_5-moe", "ERNIE 4.5 MoE", RMS, PAIRS, SILU,
    PE_ARCH_NO_OUTPUT_BIAS | PE_ARCH_RENORMALISE },
  { "hunyuan-dense", "Hunyuan", RMS, HALVES, SILU, PE_ARCH_QK_NORM_AFTER_ROPE },
  { "hunyuan-moe", "Hunyuan MoE", RMS, HALVES, SILU,
    PE_ARCH_QK_NORM_AFTER_ROPE | PE_ARCH_RENORMALISE },
  { "bailingmoe2", "Ling 2", RMS, HALVES, SILU },
  { "minimax-m2", "MiniMax M2", RMS, HALVES, SILU, PE_ARCH_RENORMALISE,
    .gating = PE_GATING_SIGMOID },
  { "lfm2", "LFM 2", RMS, HALVES, SILU, PE_ARCH_NORM_IS_TOKEN_EMBD },
  { "lfm2moe", "LFM 2 MoE", RMS, HALVES, SILU, PE_ARCH_NORM_IS_TOKEN_EMBD | PE_ARCH_RENORMALISE,
    .gating = PE_GATING_SIGMOID },
  { "mamba", "Mamba", RMS, .rope = PE_ARCH_ROPE_NONE, SILU },
  { "mamba2", "Mamba 2", RMS, .rope = PE_ARCH_ROPE_NONE, SILU },
  { NULL },
};

const struct pe_arch *
pe_arch_find (const char *name, size_t n)
{
  for (const struct pe_arch *arch = table; arch->name; arch++)
    if (strlen (arch->name) == n && memcmp (arch->name, name, n) == 0)
      return arch;
  return NULL;
}

const struct pe_arch *
pe_arch_table (void)
{
  return table;
}
