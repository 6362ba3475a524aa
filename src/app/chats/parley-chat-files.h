/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chats in files: each is work under way that is seen below the list of chats and can be cancelled.
 * What came of it is told in the window of `widget`.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum {
  PARLEY_CHAT_MARKDOWN, /* the shown path, to be read */
  PARLEY_CHAT_JSON,     /* everything, to be imported again */
} ParleyChatFormat;

/* As the chat is now, whatever becomes of it meanwhile. A file of that name is replaced. */
void parley_chat_files_export (ParleyServices *services, GtkWidget *widget, ParleyChat *chat,
                               ParleyChatFormat format, GFile *file);

/* Takes `files` (of GFile). Each is a chat that comes in as a whole or not at all; cancelling keeps
 * those that are in. The chat of a single file is shown then. */
void parley_chat_files_import (ParleyServices *services, GtkWidget *widget, GPtrArray *files);

G_END_DECLS
