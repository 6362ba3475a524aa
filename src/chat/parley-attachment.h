/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that go along with a message: texts and source code as they are, PDF as the text in it.
 * PDF is read by a process of its own (parley-pdf-text), which is closed in as the engine is, so
 * that a hostile file harms nobody.
 */
#pragma once

#include <gio/gio.h>

#include "store/parley-chat-records.h"

G_BEGIN_DECLS

#define PARLEY_ATTACHMENT_MAX_FILE (32 << 20) /* bytes */
#define PARLEY_ATTACHMENT_MAX_TEXT (4 << 20)

/* Reads on another thread. `store` (NULL: none) keeps the file itself beside its text. */
void parley_attachment_read_async (GFile *file, ParleyStore *store, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer data);
/* A part of the kind ATTACHMENT. The error is a sentence that names the file. */
ParleyPartRecord *parley_attachment_read_finish (GAsyncResult *result,
                                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
