/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writes a model with its card, what a person made of it and chats into one ".tar.zst", which
 * parley_import() turns into the same again. Blocks; for a worker thread.
 */
#pragma once

#include "library/unpack.h"
#include "library/parley-model.h"
#include "store/parley-store.h"

G_BEGIN_DECLS

/* `chats`: of strings, JSON as of parley_chat_export_json(); may be NULL. A file that is there is
 * not replaced unless `replace`; when writing fails nothing is left behind. */
gboolean parley_export (ParleyModel *model, ParleyStore *store, GPtrArray *chats, const char *path,
                        gboolean replace, ParleyProgress progress, gpointer data,
                        GCancellable *cancellable, GError **error);

G_END_DECLS
