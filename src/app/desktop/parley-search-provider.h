/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chats in the desktop's own search (org.gnome.Shell.SearchProvider2). Results are chats; their
 * identifiers are chat and message numbers, which mean nothing outside this database. Main thread
 * only.
 */
#pragma once

#include "chat/parley-chat-list.h"

G_BEGIN_DECLS

/* What the provider needs of the application. */
typedef struct {
  /* The chats, opened without a window where there is none yet; NULL: they cannot be opened. */
  ParleyChatList *(*chats) (gpointer data);
  /* Opens the window on a message (0: the end of the chat), or on a search. */
  void (*show) (gpointer data, gint64 chat, gint64 message);
  void (*search) (gpointer data, const char *text);
} ParleySearchProviderHost;

#define PARLEY_TYPE_SEARCH_PROVIDER (parley_search_provider_get_type ())
G_DECLARE_FINAL_TYPE (ParleySearchProvider, parley_search_provider, PARLEY, SEARCH_PROVIDER,
                      GObject)

/* `host` and `data` outlive the provider. */
ParleySearchProvider *parley_search_provider_new (const ParleySearchProviderHost *host,
                                                  gpointer data);

gboolean parley_search_provider_export (ParleySearchProvider *self, GDBusConnection *connection,
                                        const char *path, GError **error);
void parley_search_provider_unexport (ParleySearchProvider *self);

G_END_DECLS
