/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every numeric limit of model files in one place, each with its reason. They lie far above what
 * real files need and far below what would hurt: a file can never make the reader take more memory
 * than a small multiple of the bytes it really has.
 */
#pragma once

#include <stdint.h>

/* ---- container ---- */

/* The largest published headers, with 262,144 tokens and their merges, take about 16 MiB. */
#define PE_LIMIT_HEADER_BYTES ((uint64_t) 1 << 30)
/* Files have some dozens; 61 layers with 256 experts each, unfused, are 47,000 tensors. */
#define PE_LIMIT_ENTRIES   65536u
#define PE_LIMIT_TENSORS   65536u
#define PE_LIMIT_KEY_BYTES 65535u /* the specification's own */
/* Templates, licences and whole tokenizer definitions are stored as one string. */
#define PE_LIMIT_STRING_BYTES      ((uint64_t) 16 << 20)
#define PE_LIMIT_ARRAY_ELEMENTS    ((uint64_t) 16 << 20) /* 64 times the largest vocabulary */
#define PE_LIMIT_STRINGS           ((uint64_t) 4 << 20) /* of all arrays: an index of 16 bytes each */
#define PE_LIMIT_NESTING           4u /* of arrays in arrays, which are skipped; no known file has any */
#define PE_LIMIT_TENSOR_NAME_BYTES 63u /* ggml's own limit, as is the next */
#define PE_LIMIT_TENSOR_DIMENSIONS 4u
#define PE_LIMIT_ALIGNMENT_MIN     8u     /* below that numbers of 64 bits are not aligned */
#define PE_LIMIT_ALIGNMENT_MAX     65536u /* the largest page size in use */
#define PE_DEFAULT_ALIGNMENT       32u

/* The fewest bytes that an entry, a tensor description and an array's string take in a file:
 * announced counts are compared with the bytes left before anything is allocated for them. */
#define PE_LEAST_ENTRY_BYTES  14u /* key 8 + 1, type 4, value 1 */
#define PE_LEAST_TENSOR_BYTES 33u /* name 8 + 1, dimensions 4 + 8, type 4, offset 8 */
#define PE_LEAST_STRING_BYTES 8u

/* ---- vocabulary ---- */

#define PE_LIMIT_TOKENS         (1u << 20) /* four times the largest published vocabulary */
#define PE_LIMIT_MERGES         (1u << 20) /* twice the longest published list */
#define PE_LIMIT_TOKEN_BYTES    16384u /* real ones have some hundred; they are matched with texts */
#define PE_LIMIT_CHARSMAP_BYTES (4u << 20) /* SentencePiece's normalisation map has 240 kB */
#define PE_LIMIT_TEXT_BYTES     (1u << 30) /* of one call: positions are 32-bit numbers */
