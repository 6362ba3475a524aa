/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a model thought before it answered, folded away: a line that says how long it took, and the
 * text behind it.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_REASONING (parley_reasoning_get_type ())
G_DECLARE_FINAL_TYPE (ParleyReasoning, parley_reasoning, PARLEY, REASONING, GtkBox)

GtkWidget *parley_reasoning_new (void);
/* `live`: it is being written now. `seconds`: how long it took, as stored; 0: not known. */
void parley_reasoning_set (ParleyReasoning *self, const char *text, gsize length, gboolean live,
                           double seconds);
void parley_reasoning_unfold (ParleyReasoning *self);

G_END_DECLS
