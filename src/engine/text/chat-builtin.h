/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chat templates for models whose file has none but whose vocabulary has the marks of a known
 * format.
 */
#pragma once

#include "engine/text/tokenizer.h"

struct pe_chat_builtin {
  const char *name; /* "ChatML" */
  const char *text;
};

/* NULL: the vocabulary has the marks of none. Static. */
const struct pe_chat_builtin *pe_chat_builtin_find (const struct pe_vocab *vocab);
