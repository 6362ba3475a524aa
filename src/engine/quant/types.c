/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/quant/types.h"
#include "engine/quant/blocks.h"
#include "engine/quant/decode.h"

#include <strings.h>

#define TYPE(NAME, elements, bytes, decoder, encoder)                                              \
  [PE_TYPE_##NAME] = { #NAME, elements, bytes, decoder, encoder }

static const struct pe_type_info types[PE_TYPE_COUNT] = {
  TYPE (F32, 1, 4, pe_decode_f32, pe_encode_f32),
  TYPE (F16, 1, 2, pe_decode_f16, pe_encode_f16),
  TYPE (BF16, 1, 2, pe_decode_bf16, pe_encode_bf16),
  TYPE (F64, 1, 8, NULL, NULL),
  TYPE (I8, 1, 1, NULL, NULL),
  TYPE (I16, 1, 2, NULL, NULL),
  TYPE (I32, 1, 4, NULL, NULL),
  TYPE (I64, 1, 8, NULL, NULL),
  TYPE (Q4_0, 32, sizeof (struct pe_block_q4_0), pe_decode_q4_0, pe_encode_q4_0),
  TYPE (Q4_1, 32, sizeof (struct pe_block_q4_1), pe_decode_q4_1, pe_encode_q4_1),
  TYPE (Q5_0, 32, sizeof (struct pe_block_q5_0), pe_decode_q5_0, pe_encode_q5_0),
  TYPE (Q5_1, 32, sizeof (struct pe_block_q5_1), pe_decode_q5_1, pe_encode_q5_1),
  TYPE (Q8_0, 32, sizeof (struct pe_block_q8_0), pe_decode_q8_0, pe_encode_q8_0),
  TYPE (Q1_0, 128, sizeof (struct pe_block_q1_0), pe_decode_q1_0, NULL),
  TYPE (Q2_0, 64, sizeof (struct pe_block_q2_0), pe_decode_q2_0, NULL),
  TYPE (IQ4_NL, 32, sizeof (struct pe_block_iq4_nl), pe_decode_iq4_nl, NULL),
  TYPE (MXFP4, 32, sizeof (struct pe_block_mxfp4), pe_decode_mxfp4, NULL),
  TYPE (NVFP4, 64, sizeof (struct pe_block_nvfp4), pe_decode_nvfp4, NULL),
  TYPE (Q2_K, 256, sizeof (struct pe_block_q2_k), pe_decode_q2_k, NULL),
  TYPE (Q3_K, 256, sizeof (struct pe_block_q3_k), pe_decode_q3_k, NULL),
  TYPE (Q4_K, 256, sizeof (struct pe_block_q4_k), pe_decode_q4_k, pe_encode_q4_k),
  TYPE (Q5_K, 256, sizeof (struct pe_block_q5_k), pe_decode_q5_k, pe_encode_q5_k),
  TYPE (Q6_K, 256, sizeof (struct pe_block_q6_k), pe_decode_q6_k, pe_encode_q6_k),
  TYPE (IQ4_XS, 256, sizeof (struct pe_block_iq4_xs), pe_decode_iq4_xs, NULL),
  TYPE (TQ1_0, 256, sizeof (struct pe_block_tq1_0), pe_decode_tq1_0, NULL),
  TYPE (TQ2_0, 256, sizeof (struct pe_block_tq2_0), pe_decode_tq2_0, NULL),
  TYPE (IQ1_S, 256, sizeof (struct pe_block_iq1_s), pe_decode_iq1_s, NULL),
  TYPE (IQ1_M, 256, sizeof (struct pe_block_iq1_m), pe_decode_iq1_m, NULL),
  TYPE (IQ2_XXS, 256, sizeof (struct pe_block_iq2_xxs), pe_decode_iq2_xxs, NULL),
  TYPE (IQ2_XS, 256, sizeof (struct pe_block_iq2_xs), pe_decode_iq2_xs, NULL),
  TYPE (IQ2_S, 256, sizeof (struct pe_block_iq2_s), pe_decode_iq2_s, NULL),
  TYPE (IQ3_XXS, 256, sizeof (struct pe_block_iq3_xxs), pe_decode_iq3_xxs, NULL),
  TYPE (IQ3_S, 256, sizeof (struct pe_block_iq3_s), pe_decode_iq3_s, NULL),
};

const struct pe_type_info *
pe_type_info (uint32_t type)
{
  return type < PE_TYPE_COUNT && types[type].name ? &types[type] : NULL;
}

bool
pe_type_by_name (const char *name, enum pe_type *out)
{
  for (unsigned i = 0; i < PE_TYPE_COUNT; i++)
    if (types[i].name && strcasecmp (types[i].name, name) == 0) {
      *out = (enum pe_type) i;
      return true;
    }
  return false;
}

uint64_t
pe_type_row_bytes (enum pe_type type, uint64_t n)
{
  const struct pe_type_info *info = pe_type_info (type);
  if (!info || n % info->block_elements)
    return 0;
  uint64_t bytes;
  return __builtin_mul_overflow (n / info->block_elements, (uint64_t) info->block_bytes, &bytes)
             ? 0
             : bytes;
}
