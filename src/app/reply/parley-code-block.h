/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A block of code: language, Copy, highlighted text that scrolls sideways. Growing text is
 * appended, so that what was highlighted stays.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_CODE_BLOCK (parley_code_block_get_type ())
G_DECLARE_FINAL_TYPE (ParleyCodeBlock, parley_code_block, PARLEY, CODE_BLOCK, GtkBox)

GtkWidget *parley_code_block_new (const char *language);
void parley_code_block_set_text (ParleyCodeBlock *self, const char *text);

G_END_DECLS
