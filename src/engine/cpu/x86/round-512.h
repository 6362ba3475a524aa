/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <immintrin.h>
#include <stdint.h>

/* 32 floats to bfloat16: to nearest, ties to even; denormal ones become zero. */
static inline __attribute__ ((always_inline)) void
round_32 (const float *values, uint16_t *out)
{
  __m512bh both = _mm512_cvtne2ps_pbh (_mm512_loadu_ps (values + 16), _mm512_loadu_ps (values));
  _mm512_storeu_si512 (out, (__m512i) both);
}
