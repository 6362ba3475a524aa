/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a person allows each device, as a text like that of PARLEY_BUDGETS (see heaps.h): most
 * memory for a model, and how much is to stay free. Pure functions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The setting in the store that keeps the text. */
#define PARLEY_BUDGETS_SETTING "budgets"

typedef enum {
  PARLEY_BUDGET_MOST, /* bytes that one model may take */
  PARLEY_BUDGET_FREE, /* bytes that stay free, instead of the usual share */
} ParleyBudgetKind;

/* Bytes; 0: nothing is said. `id` as in pe_device_info, or "gpu". `text` may be NULL. */
guint64 parley_budgets_get (const char *text, const char *id, ParleyBudgetKind kind);
/* The same of all that is said of a device, as pe_budget_apply() takes it: what "gpu" says is of
 * every GPU, the least of several holds, and the last of several that stay free. */
guint64 parley_budgets_in_force (const char *text, const char *id, ParleyBudgetKind kind);
/* The text with that changed; bytes 0: nothing is said any more. NULL: nothing is left in it. */
char *parley_budgets_set (const char *text, const char *id, ParleyBudgetKind kind,
                          guint64 bytes) G_GNUC_WARN_UNUSED_RESULT;

/* The text, and after it what PARLEY_BUDGETS says; NULL: neither says anything. */
char *parley_budgets_with_environment (const char *text) G_GNUC_WARN_UNUSED_RESULT;

/* "6GB", "1.5 GB", "800 MB", "123456": bytes, by powers of 1000. FALSE: it says nothing. */
gboolean parley_budgets_parse_size (const char *text, guint64 *bytes);

G_END_DECLS
