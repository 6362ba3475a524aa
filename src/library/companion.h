/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What lies beside models without being one. On a hub the name has to tell; of a file that is here
 * the header does where the name is in doubt.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether the file at `path` is no model to talk to by itself: a projector, a draft model, figures
 * of the making, or an adapter. May read the file's header; for any thread. */
gboolean parley_is_companion (const char *path);

G_END_DECLS
