/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Floating-point numbers as text, whatever the locale of the process says.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Reads all `n` bytes as a decimal number ("-1.5e3"; also "inf", "nan" and hexadecimal floats, as
 * strtod does). Too large becomes infinity. False when anything is left over or n is 0 or above
 * 4096. */
bool pe_double_parse (const char *text, size_t n, double *out);

/* The shortest decimal digits that read back as `value` (finite): digits[0].digits[1]... times
 * ten to the power of *exponent. Zero gives "0". Returns how many digits; zero-terminated. */
unsigned pe_double_digits (double value, char digits[18], int *exponent);

/* As Python's repr(): "1.0", "0.1", "1e+16", "1e-05", "inf", "nan". Returns the length. */
size_t pe_double_format (double value, char out[32]);
