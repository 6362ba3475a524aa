/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers in words, one way everywhere: sizes in decimal units, rates, counts, durations. Results
 * are the caller's (g_free()). In a language that is written from right to left sizes and facts are
 * isolates (UAX 9), so that their Latin letters do not turn around what stands beside them.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *parley_format_size (guint64 bytes);        /* "6.1 GB", "512 MB", "0 B" */
char *parley_format_count (guint64 n);           /* "999", "12.3k", "1.7M" */
char *parley_format_parameters (guint64 n);      /* "1.7B", "260K", "" for 0 */
char *parley_format_speed (double tokens_per_s); /* "42 tokens/s", "3.4 tokens/s", "" unknown */
char *parley_format_duration (double seconds);   /* "0.4 s", "12 s", "3 min 5 s", "2 h 4 min" */
char *parley_format_number (guint n);            /* "8,192"; "8.192" in Germany */
char *parley_format_tokens (guint n);            /* "1 token", "8,192 tokens" */
char *parley_format_days_ago (gint64 then, gint64 now); /* "today", "3 days ago", "2 years ago" */

/* Facts in a row, "Qwen 3 · 1.7B · 1.1 GB": one more. NULL and "": none. */
void parley_format_add_fact (GString *facts, const char *fact);

/* "Apache 2.0" for "apache-2.0"; what is not known stays as it is. Not to be freed. */
const char *parley_format_license (const char *id);

/* What the slider says aloud. n of n_layers + 1 steps are on the GPU: the output counts as
 * a layer, as everywhere people count them. */
char *parley_format_layers (guint n, guint n_layers, guint64 gpu_bytes);

G_END_DECLS
