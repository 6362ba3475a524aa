/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What Parley does while nobody looks at it: it tells when a reply or a download is done, keeps the
 * computer awake while it works, and, where a person wants that, goes on without its window until
 * what was begun is finished. Where not, it asks before long work on files ends with the window.
 */
#pragma once

#include "app/parley-services.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_ATTENTION (parley_attention_get_type ())
G_DECLARE_FINAL_TYPE (ParleyAttention, parley_attention, PARLEY, ATTENTION, GObject)

ParleyAttention *parley_attention_new (GtkApplication *application, ParleyServices *services);

/* A reply is being written, a file downloaded, or a task under way. */
gboolean parley_attention_is_busy (ParleyAttention *self);

/* From now on this ParleyWindow may be hidden instead of closed, and what it shows is not told. */
void parley_attention_watch (ParleyAttention *self, GtkWindow *window);

G_END_DECLS
