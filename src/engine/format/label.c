/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/format/label.h"

#include "engine/format/gguf.h"

#include <string.h>

/* general.file_type; bit 10 means that the converter guessed. */
static const char *const labels[] = {
  [0] = "F32",      [1] = "F16",      [2] = "Q4_0",    [3] = "Q4_1",    [7] = "Q8_0",
  [8] = "Q5_0",     [9] = "Q5_1",     [10] = "Q2_K",   [11] = "Q3_K_S", [12] = "Q3_K_M",
  [13] = "Q3_K_L",  [14] = "Q4_K_S",  [15] = "Q4_K_M", [16] = "Q5_K_S", [17] = "Q5_K_M",
  [18] = "Q6_K",    [19] = "IQ2_XXS", [20] = "IQ2_XS", [21] = "Q2_K_S", [22] = "IQ3_XS",
  [23] = "IQ3_XXS", [24] = "IQ1_S",   [25] = "IQ4_NL", [26] = "IQ3_S",  [27] = "IQ3_M",
  [28] = "IQ2_S",   [29] = "IQ2_M",   [30] = "IQ4_XS", [31] = "IQ1_M",  [32] = "BF16",
  [36] = "TQ1_0",   [37] = "TQ2_0",   [38] = "MXFP4",  [39] = "NVFP4",  [40] = "Q1_0",
  [41] = "Q2_0",
};

static const char *
main_type (const struct pe_tensor *tensors, size_t n_tensors)
{
  uint64_t bytes[PE_TYPE_COUNT] = { 0 };
  for (size_t i = 0; i < n_tensors; i++)
    if (tensors[i].n_dims >= 2)
      bytes[tensors[i].type] += tensors[i].n_bytes;
  size_t most = 0;
  for (size_t t = 1; t < PE_TYPE_COUNT; t++)
    if (bytes[t] > bytes[most])
      most = t;
  return bytes[most] ? pe_type_info ((uint32_t) most)->name : "";
}

const char *
pe_quantisation_label (const struct pe_gguf *gguf, const struct pe_tensor *tensors,
                       size_t n_tensors)
{
  uint32_t file_type;
  if (pe_gguf_u32 (gguf, "general.file_type", &file_type)) {
    file_type &= ~1024u;
    if (file_type > 1 && file_type < sizeof labels / sizeof *labels && labels[file_type])
      return labels[file_type];
  }
  return main_type (tensors, n_tensors);
}
