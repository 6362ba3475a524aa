/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Geometry of the tensor types, small blocks worked out by hand, and encoders against decoders.
 */
#include "engine/quant/types.h"

#include "../harness.h"

#include <math.h>
#include <stdint.h>

static void
knows_types_by_number_and_name (void)
{
  enum pe_type type;
  CHECK (pe_type_by_name ("q4_k", &type) && type == PE_TYPE_Q4_K);
  CHECK (pe_type_by_name ("BF16", &type) && type == PE_TYPE_BF16);
  CHECK (!pe_type_by_name ("Q4", &type) && !pe_type_by_name ("", &type));
  CHECK (pe_type_info (PE_TYPE_IQ4_XS)->block_bytes == 136);
  static const uint32_t withdrawn[] = { 4, 5, 9, 15, 31, 32, 33, 36, 37, 38, 43, UINT32_MAX };
  for (size_t i = 0; i < sizeof withdrawn / sizeof *withdrawn; i++)
    CHECK_MSG (!pe_type_info (withdrawn[i]), "%u", withdrawn[i]);
  int n_decoders = 0;
  for (uint32_t i = 0; i < PE_TYPE_COUNT; i++) {
    const struct pe_type_info *info = pe_type_info (i);
    if (!info)
      continue;
    CHECK_MSG (256 % info->block_elements == 0, "%s", info->name);
    n_decoders += info->decode != NULL;
  }
  CHECK (n_decoders == 28);
}

static void
computes_row_sizes (void)
{
  CHECK (pe_type_row_bytes (PE_TYPE_F32, 7) == 28);
  CHECK (pe_type_row_bytes (PE_TYPE_Q4_0, 64) == 36);
  CHECK (pe_type_row_bytes (PE_TYPE_Q6_K, 512) == 420);
  CHECK (pe_type_row_bytes (PE_TYPE_Q6_K, 300) == 0);
  CHECK (pe_type_row_bytes (PE_TYPE_F64, UINT64_MAX / 2) == 0);
  CHECK (pe_type_row_bytes ((enum pe_type) 5, 32) == 0);
}

static void
converts_halves (void)
{
  static const struct {
    uint16_t half;
    float value;
  } exact[] = {
    { 0x0000, 0.0f },     { 0x3c00, 1.0f },         { 0xc000, -2.0f },       { 0x7bff, 65504.0f },
    { 0x0001, 0x1p-24f }, { 0x03ff, 0x1.ff8p-15f }, { 0x0400, 0x1p-14f },    { 0x8001, -0x1p-24f },
    { 0x7c00, INFINITY }, { 0xfc00, -INFINITY },    { 0x3555, 0x1.554p-2f },
  };
  for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
    CHECK_MSG (pe_half_to_float (exact[i].half) == exact[i].value, "%04x", exact[i].half);
    CHECK_MSG (pe_half_from_float (exact[i].value) == exact[i].half, "%04x", exact[i].half);
  }
  CHECK (isnan (pe_half_to_float (0x7e00)) && (pe_half_from_float (NAN) & 0x7fff) > 0x7c00);
  /* ties go to even; 65520 is the first that overflows */
  CHECK (pe_half_from_float (0x1.002p0f) == 0x3c00 && pe_half_from_float (0x1.006p0f) == 0x3c02);
  CHECK (pe_half_from_float (65519.0f) == 0x7bff && pe_half_from_float (65520.0f) == 0x7c00);
  CHECK (pe_half_from_float (0x1p-25f) == 0 && pe_half_from_float (0x1.8p-24f) == 2);
  for (uint32_t h = 0; h < 0x10000; h++) {
    float value = pe_half_to_float ((uint16_t) h);
    CHECK_MSG (isnan (value) || pe_half_from_float (value) == h, "%04x", h);
  }
  CHECK (pe_bf16_from_float (0x1.01p0f) == 0x3f80 && pe_bf16_from_float (0x1.03p0f) == 0x3f82);
  CHECK (pe_bf16_to_float (0xc040) == -3.0f && isnan (pe_bf16_to_float (pe_bf16_from_float (NAN))));
}

static void
decodes_blocks_worked_by_hand (void)
{
  float out[256];
  /* d = 0.5; first byte: element 0 is 3 - 8, element 16 is 12 - 8 */
  unsigned char q4_0[18] = { 0x00, 0x38, 0xc3 };
  pe_type_info (PE_TYPE_Q4_0)->decode (q4_0, out, 32);
  CHECK (out[0] == -2.5f && out[16] == 2.0f && out[1] == -4.0f);

  /* d = 2, m = -1; bits 0 and 31 set */
  unsigned char q5_1[24] = { 0x00, 0x40, 0x00, 0xbc, 0x01, 0, 0, 0x80, 0x21 };
  pe_type_info (PE_TYPE_Q5_1)->decode (q5_1, out, 32);
  CHECK (out[0] == 2 * 17 - 1 && out[16] == 2 * 2 - 1 && out[31] == 2 * 16 - 1);

  /* exponent 129 stands for 4: codes 7 and 9 are 6 and -0.5 */
  unsigned char mxfp4[17] = { 129, 0x97 };
  pe_type_info (PE_TYPE_MXFP4)->decode (mxfp4, out, 32);
  CHECK (out[0] == 24.0f && out[16] == -2.0f);

  /* scale 1 (0x38), 2 (0x40), none, none; each group has its codes in eight bytes of its own */
  unsigned char nvfp4[36] = { 0x38, 0x40, 0x00, 0x7f, 0x21 };
  nvfp4[4 + 8] = 0x21;
  nvfp4[4 + 24] = 0x77;
  pe_type_info (PE_TYPE_NVFP4)->decode (nvfp4, out, 64);
  CHECK (out[0] == 0.5f && out[8] == 1.0f && out[16] == 1.0f && out[24] == 2.0f && out[48] == 0.0f);

  /* sub-block 5: scale 3 + 16 (high bits in byte 1), minimum 2 + 48 (high bits in byte 5) */
  unsigned char q4_k[144] = { 0x00, 0x3c, 0x00, 0x38 };
  q4_k[4 + 1] = 1 << 6;
  q4_k[4 + 5] = 3 << 6;
  q4_k[4 + 9] = 0x23;
  q4_k[16 + 64] = 0x70;
  pe_type_info (PE_TYPE_Q4_K)->decode (q4_k, out, 256);
  CHECK (out[160] == 19 * 7 - 0.5f * 50 && out[161] == -25.0f);

  /* element 130: half 1, row 0, low nibble of byte 64 + 2, two bits from byte 32 + 2 */
  unsigned char q6_k[210] = { 0 };
  q6_k[64 + 2] = 0x05;
  q6_k[128 + 32 + 2] = 0x02;
  q6_k[192 + 8] = (unsigned char) -3;
  q6_k[209] = 0x3c;
  pe_type_info (PE_TYPE_Q6_K)->decode (q6_k, out, 256);
  CHECK (out[130] == -3.0f * (37 - 32) && out[131] == 96.0f);
}

/* Numbers between -1 and 1, the same everywhere. */
static float
noise (uint32_t *state)
{
  *state = *state * 1664525u + 1013904223u;
  return (float) (int32_t) *state * 0x1p-31f;
}

static void
encoders_come_close (void)
{
  static const struct {
    enum pe_type type;
    float bound; /* largest error over the largest magnitude of 256 elements */
  } cases[] = {
    { PE_TYPE_F32, 0.0f },     { PE_TYPE_F16, 0x1p-11f }, { PE_TYPE_BF16, 0x1p-8f },
    { PE_TYPE_Q8_0, 0.0044f }, { PE_TYPE_Q4_0, 0.126f },  { PE_TYPE_Q4_1, 0.068f },
    { PE_TYPE_Q5_0, 0.063f },  { PE_TYPE_Q5_1, 0.034f },  { PE_TYPE_Q4_K, 0.08f },
    { PE_TYPE_Q5_K, 0.05f },   { PE_TYPE_Q6_K, 0.034f },
  };
  unsigned char blocks[1024];
  float values[256], back[256];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct pe_type_info *info = pe_type_info (cases[i].type);
    uint32_t state = 7;
    for (int round = 0; round < 50; round++) {
      float largest = 0.0f, worst = 0.0f;
      for (int j = 0; j < 256; j++) {
        values[j] = noise (&state) * (float) (1 + j / 32);
        largest = fmaxf (largest, fabsf (values[j]));
      }
      info->encode (values, blocks, 256);
      info->decode (blocks, back, 256);
      for (int j = 0; j < 256; j++)
        worst = fmaxf (worst, fabsf (values[j] - back[j]));
      CHECK_MSG (worst <= cases[i].bound * largest, "%s: %g of %g", info->name, worst, largest);
    }
  }
}

static void
encoders_take_extremes (void)
{
  unsigned char blocks[1024];
  float values[256], back[256];
  static const float extremes[] = { 0.0f, -0.0f, 1e-30f, 3e38f, INFINITY, -INFINITY, NAN };
  for (uint32_t type = 0; type < PE_TYPE_COUNT; type++) {
    const struct pe_type_info *info = pe_type_info (type);
    if (!info || !info->encode)
      continue;
    for (size_t i = 0; i < sizeof extremes / sizeof *extremes; i++) {
      for (int j = 0; j < 256; j++)
        values[j] = j % 3 ? extremes[i] : 0.0f;
      info->encode (values, blocks, 256);
      info->decode (blocks, back, 256);
      CHECK_MSG (i > 1 || back[1] == 0.0f, "%s: zero became %g", info->name, back[1]);
    }
  }
}

int
main (void)
{
  RUN (knows_types_by_number_and_name);
  RUN (computes_row_sizes);
  RUN (converts_halves);
  RUN (decodes_blocks_worked_by_hand);
  RUN (encoders_come_close);
  RUN (encoders_take_extremes);
  return test_done ();
}
