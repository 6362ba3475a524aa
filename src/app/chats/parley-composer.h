/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a message is written. Enter sends, Shift+Enter begins a line; while a reply runs, Stop
 * stands in the place of Send, and Enter queues. Files come by the button, by drag and drop, or
 * pasted. Grows to a third of the window.
 */
#pragma once

#include "app/chats/parley-attachments.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_COMPOSER (parley_composer_get_type ())
G_DECLARE_FINAL_TYPE (ParleyComposer, parley_composer, PARLEY, COMPOSER, GtkBox)

GtkWidget *parley_composer_new (void);
/* Whose attachments are shown; the text is the caller's to keep. NULL: none. */
void parley_composer_set_chat (ParleyComposer *self, ParleyChat *chat, ParleyStore *store);
/* Where files are attached. */
ParleyAttachments *parley_composer_get_attachments (ParleyComposer *self);
void parley_composer_attach (ParleyComposer *self); /* asks which files */
void parley_composer_attach_file (ParleyComposer *self, GFile *file);
char *parley_composer_dup_text (ParleyComposer *self);
void parley_composer_set_text (ParleyComposer *self, const char *text);
void parley_composer_set_hint (ParleyComposer *self, const char *hint); /* in the empty entry */
void parley_composer_set_running (ParleyComposer *self, gboolean running);
void parley_composer_focus (ParleyComposer *self);

/* Signals: "send" (const char *text), "stop" (), "changed" (), "recall" (): Up in the empty
 * entry. */

G_END_DECLS
