/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The storage types of tensors: names, geometry, and the reference decoders that every kernel is
 * compared with. Numbers are those of GGUF files. Rows are whole blocks; values are float32.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pe_type {
  PE_TYPE_F32 = 0,
  PE_TYPE_F16 = 1,
  PE_TYPE_Q4_0 = 2,
  PE_TYPE_Q4_1 = 3,
  PE_TYPE_Q5_0 = 6,
  PE_TYPE_Q5_1 = 7,
  PE_TYPE_Q8_0 = 8,
  PE_TYPE_Q2_K = 10,
  PE_TYPE_Q3_K = 11,
  PE_TYPE_Q4_K = 12,
  PE_TYPE_Q5_K = 13,
  PE_TYPE_Q6_K = 14,
  PE_TYPE_IQ2_XXS = 16,
  PE_TYPE_IQ2_XS = 17,
  PE_TYPE_IQ3_XXS = 18,
  PE_TYPE_IQ1_S = 19,
  PE_TYPE_IQ4_NL = 20,
  PE_TYPE_IQ3_S = 21,
  PE_TYPE_IQ2_S = 22,
  PE_TYPE_IQ4_XS = 23,
  PE_TYPE_I8 = 24,
  PE_TYPE_I16 = 25,
  PE_TYPE_I32 = 26,
  PE_TYPE_I64 = 27,
  PE_TYPE_F64 = 28,
  PE_TYPE_IQ1_M = 29,
  PE_TYPE_BF16 = 30,
  PE_TYPE_TQ1_0 = 34,
  PE_TYPE_TQ2_0 = 35,
  PE_TYPE_MXFP4 = 39,
  PE_TYPE_NVFP4 = 40,
  PE_TYPE_Q1_0 = 41,
  PE_TYPE_Q2_0 = 42,
  PE_TYPE_COUNT = 43, /* numbers below this that are not named above were withdrawn */
};

/* Decodes `n` elements (a multiple of the block) from `blocks`. */
typedef void (*pe_decode_fn) (const void *blocks, float *out, size_t n);

/* Encodes `n` elements (a multiple of the block); used by tools that make models, never to run
 * one. NULL where nothing needs it. */
typedef void (*pe_encode_fn) (const float *values, void *blocks, size_t n);

struct pe_type_info {
  const char *name;        /* "Q4_K"; NULL: not a type */
  uint32_t block_elements; /* 1, 32, 64, 128 or 256 */
  uint32_t block_bytes;
  pe_decode_fn decode; /* NULL for the integer types and F64: no weights are stored so */
  pe_encode_fn encode;
};

/* NULL for a number that is no type. */
const struct pe_type_info *pe_type_info (uint32_t type);

/* Case-insensitive; false when no type is called so. */
bool pe_type_by_name (const char *name, enum pe_type *out);

/* Bytes of a row of `n` elements, or 0 when n is not a multiple of the block. */
uint64_t pe_type_row_bytes (enum pe_type type, uint64_t n);

float pe_half_to_float (uint16_t half);
uint16_t pe_half_from_float (float value); /* round to nearest even; overflow becomes infinity */
float pe_bf16_to_float (uint16_t value);
uint16_t pe_bf16_from_float (float value); /* round to nearest even */
