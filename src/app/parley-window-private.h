/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/chats/parley-chat-page.h"
#include "app/models/parley-compare-page.h"
#include "app/models/parley-discover-page.h"
#include "app/models/parley-models-page.h"
#include "app/chats/parley-sidebar.h"
#include "app/widgets/parley-split.h"
#include "app/parley-window.h"

G_BEGIN_DECLS

struct _ParleyWindow {
  AdwApplicationWindow parent;
  ParleyServices *services; /* the application's */
  AdwToastOverlay *toasts;
  ParleySplit *split;
  ParleySidebar *sidebar;
  AdwViewStack *places;
  ParleyChatPage *chat_page;
  ParleyDiscoverPage *discover_page;
  GtkWidget *problem; /* revealer: what is wrong with saving */
  ParleyModelsPage *models_page;
  ParleyComparePage *compare_page;
  GtkWidget *switcher; /* at the bottom, when folded */
  GPtrArray *headers;  /* of the pages; borrowed */
  guint save_size_id;
  GPtrArray *to_import; /* of GFile: chats that were named since the last turn of the main loop */
  guint import_id;
};

/* Adds win.*; they are also how scripts and tests drive the window over D-Bus. */
void _parley_window_add_actions (ParleyWindow *self);
void _parley_window_add_chat_actions (ParleyWindow *self);
void _parley_window_add_data_actions (ParleyWindow *self);

G_END_DECLS
