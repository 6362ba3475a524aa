/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The reference decoders, all of type pe_decode_fn, and encoders, of type pe_encode_fn. Everyone
 * else reaches them through pe_type_info(). Source of the layouts: the ggml project's format.
 */
#pragma once

#include <stddef.h>

void pe_decode_f32 (const void *blocks, float *out, size_t n);
void pe_decode_f16 (const void *blocks, float *out, size_t n);
void pe_decode_bf16 (const void *blocks, float *out, size_t n);

void pe_decode_q4_0 (const void *blocks, float *out, size_t n);
void pe_decode_q4_1 (const void *blocks, float *out, size_t n);
void pe_decode_q5_0 (const void *blocks, float *out, size_t n);
void pe_decode_q5_1 (const void *blocks, float *out, size_t n);
void pe_decode_q8_0 (const void *blocks, float *out, size_t n);
void pe_decode_q1_0 (const void *blocks, float *out, size_t n);
void pe_decode_q2_0 (const void *blocks, float *out, size_t n);

void pe_decode_iq4_nl (const void *blocks, float *out, size_t n);
void pe_decode_iq4_xs (const void *blocks, float *out, size_t n);
void pe_decode_mxfp4 (const void *blocks, float *out, size_t n);
void pe_decode_nvfp4 (const void *blocks, float *out, size_t n);

void pe_decode_q2_k (const void *blocks, float *out, size_t n);
void pe_decode_q3_k (const void *blocks, float *out, size_t n);
void pe_decode_q4_k (const void *blocks, float *out, size_t n);
void pe_decode_q5_k (const void *blocks, float *out, size_t n);
void pe_decode_q6_k (const void *blocks, float *out, size_t n);

void pe_decode_tq1_0 (const void *blocks, float *out, size_t n);
void pe_decode_tq2_0 (const void *blocks, float *out, size_t n);

void pe_decode_iq1_s (const void *blocks, float *out, size_t n);
void pe_decode_iq1_m (const void *blocks, float *out, size_t n);
void pe_decode_iq2_xxs (const void *blocks, float *out, size_t n);
void pe_decode_iq2_xs (const void *blocks, float *out, size_t n);
void pe_decode_iq2_s (const void *blocks, float *out, size_t n);
void pe_decode_iq3_xxs (const void *blocks, float *out, size_t n);
void pe_decode_iq3_s (const void *blocks, float *out, size_t n);

void pe_encode_f32 (const float *values, void *blocks, size_t n);
void pe_encode_f16 (const float *values, void *blocks, size_t n);
void pe_encode_bf16 (const float *values, void *blocks, size_t n);
void pe_encode_q4_0 (const float *values, void *blocks, size_t n);
void pe_encode_q4_1 (const float *values, void *blocks, size_t n);
void pe_encode_q5_0 (const float *values, void *blocks, size_t n);
void pe_encode_q5_1 (const float *values, void *blocks, size_t n);
void pe_encode_q8_0 (const float *values, void *blocks, size_t n);
void pe_encode_q4_k (const float *values, void *blocks, size_t n);
void pe_encode_q5_k (const float *values, void *blocks, size_t n);
void pe_encode_q6_k (const float *values, void *blocks, size_t n);
