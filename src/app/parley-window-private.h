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
  GtkWidget *switcher;  /* at the bottom, when folded */
  GPtrArray *headers;   /* of the pages; borrowed */
  GPtrArray *to_import; /* of GFile: chats that were named since the last turn of the main loop */
  guint import_id;
  GCancellable *opening; /* the chat that is shown next is being read; or NULL */
  guint save_state_id;
  gint64 state_saved_at;     /* monotonic microseconds; 0: not yet */
  guint folds_as_before : 1; /* should it fold at its first frame */
};

/* Adds win.*; they are also how scripts and tests drive the window over D-Bus. */
void _parley_window_add_actions (ParleyWindow *self);
void _parley_window_add_chat_actions (ParleyWindow *self);
void _parley_window_add_data_actions (ParleyWindow *self);
void _parley_window_add_folder_actions (ParleyWindow *self);

/* Once everything is built: size, place, chat and sidebar as the store has them. */
void _parley_window_restore_state (ParleyWindow *self);
void _parley_window_watch_state (ParleyWindow *self); /* and from then on writes what changes */
void _parley_window_save_state (ParleyWindow *self);  /* now */

G_END_DECLS
