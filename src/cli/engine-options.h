/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The options that every command which runs the engine understands, and what they mean.
 */
#pragma once

#include "cli/cli.h"
#include "engine/parley-engine.h"

struct cli_engine_options {
  int n_ctx, n_batch, n_threads, n_cpu_experts;
  char *gpu_layers; /* "auto" or a number; NULL: the command's default */
  char *kv_type, *precision;
};

/* Rows for a GOptionEntry table; `o` is a struct cli_engine_options *. */
#define CLI_ENGINE_OPTIONS(o)                                                                          \
  { "ctx", 0, 0, G_OPTION_ARG_INT, &(o)->n_ctx, "Tokens of context", "N" },                            \
      { "batch", 0, 0, G_OPTION_ARG_INT, &(o)->n_batch, "Tokens of a prompt evaluated at once", "N" }, \
      { "threads", 0, 0, G_OPTION_ARG_INT, &(o)->n_threads, "Threads on the CPU", "N" },               \
      { "cpu-experts",                                                                                 \
        0,                                                                                             \
        0,                                                                                             \
        G_OPTION_ARG_INT,                                                                              \
        &(o)->n_cpu_experts,                                                                           \
        "Layers, from the first, that keep their experts in RAM when they are on the GPU",             \
        "N" },                                                                                         \
      { "gpu-layers",                                                                                  \
        0,                                                                                             \
        0,                                                                                             \
        G_OPTION_ARG_STRING,                                                                           \
        &(o)->gpu_layers,                                                                              \
        "Layers on the GPU: 0 to the number of layers plus one (the output), or auto",                 \
        "N" },                                                                                         \
      { "kv-type",          0, 0, G_OPTION_ARG_STRING, &(o)->kv_type, "Type of the key-value cache",   \
        "f32|f16|q8_0|q4_0" },                                                                         \
  {                                                                                                    \
    "precision", 0, 0, G_OPTION_ARG_STRING, &(o)->precision,                                           \
        "exact: float32 throughout; fast: activations may be rounded", "exact|fast"                    \
  }

void cli_engine_options_clear (struct cli_engine_options *options);

/* Fills *request from the options on top of what it holds; false: reported, return CLI_USAGE. */
bool cli_engine_request (const struct cli_engine_options *options, struct pe_plan_request *request);
