/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The access token in the desktop's keyring (libsecret), one for each hub. A computer may have no
 * keyring, or a locked one that its owner does not open: that is an error with a sentence, and the
 * token then lasts as long as the program. Blocks: for a worker thread, or a terminal program.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The token for this hub, or NULL: none is kept (without an error), or there is no keyring. Never
 * asks a person for a password. Free with parley_secret_free(). */
char *parley_secret_load (const char *endpoint, GCancellable *cancellable, GError **error);
/* `token` NULL: forgets it. */
gboolean parley_secret_save (const char *endpoint, const char *token, GCancellable *cancellable,
                             GError **error);
void parley_secret_free (char *token); /* and wipes it; NULL is fine */

G_END_DECLS
