/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a quantisation costs in quality, from its name: for people who choose a file.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bits that the name speaks of, 1 … 32: 4 for "Q4_K_M", "IQ4_XS" and "MXFP4", 16 for "BF16"; 0:
 * it tells nothing. */
guint parley_quality_bits (const char *quantisation);

/* "Practically the original", … translated; "" for 0 bits. */
const char *parley_quality_words (guint bits);
/* "last-resort", "weak", "weaker", "good", "close", "very-close", "practically-original",
 * "original" and, for 0 bits, "unknown": for programs. */
const char *parley_quality_name (guint bits);

G_END_DECLS
