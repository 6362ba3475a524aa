/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* A title made of the beginning of a message: its first sentence, without Markdown's marks, cut at
 * a word after about 60 characters. "" when there is nothing to say. */
char *parley_title_from_text (const char *text);
