/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a chat chooses its words: groups of rows for the page of its settings, in two levels. What is
 * set is set at once.
 */
#pragma once

#include <adwaita.h>

#include "chat/parley-chat.h"

G_BEGIN_DECLS

typedef struct _ParleySamplingView ParleySamplingView;

/* Adds the groups to `page`; lives as long as the page. */
ParleySamplingView *parley_sampling_view_add (AdwPreferencesPage *page, ParleyChat *chat);

/* Shows what the chat has now, after others changed it. */
void parley_sampling_view_show (ParleySamplingView *self);

G_END_DECLS
