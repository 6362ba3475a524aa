/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the commands of formulas mean: tables for parley-math.c. NULL or FALSE: not one of these.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

const char *parley_math_symbol (const char *command);   /* "alpha" -> "α" */
gboolean parley_math_is_function (const char *command); /* "sin": its name is what it says */
const char *parley_math_accent (const char *command);   /* "hat" -> a combining mark */
gboolean parley_math_is_alphabet (const char *command); /* "mathbb", "mathcal", … */
gunichar parley_math_letter (const char *alphabet, gunichar letter); /* 0: it has none */

G_END_DECLS
