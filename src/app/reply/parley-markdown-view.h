/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shows Markdown that may still grow. Only what can still change is parsed again; blocks that are
 * final keep their widgets.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_MARKDOWN_VIEW (parley_markdown_view_get_type ())
G_DECLARE_FINAL_TYPE (ParleyMarkdownView, parley_markdown_view, PARLEY, MARKDOWN_VIEW, GtkBox)

GtkWidget *parley_markdown_view_new (void);
/* `text` continues what was shown before, or is another one. `complete`: it will not grow. */
void parley_markdown_view_set (ParleyMarkdownView *self, const char *text, gsize length,
                               gboolean complete);

G_END_DECLS
