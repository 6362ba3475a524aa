/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How long work tells how far it is.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* `total` may grow meanwhile; called on the thread that works. */
typedef void (*ParleyProgress) (guint64 done, guint64 total, gpointer data);

G_END_DECLS
