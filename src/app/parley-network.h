/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hub in the preferences: the account's token, the address, offline, and how downloads use the
 * connection.
 */
#pragma once

#include "app/parley-services.h"

#include <adwaita.h>

G_BEGIN_DECLS

void parley_network_apply (ParleyServices *services); /* what the settings say */
/* Out of the keyring, in its own time; `done` is called whether there is one or not. */
void parley_network_load_token (ParleyServices *services, GAsyncReadyCallback done, gpointer data);

/* The hubs whose token may be in the keyring; empty: of none. For: */
GStrv parley_network_list_hubs (ParleyServices *services);
/* Takes their tokens out of it, and the present one out of `hub`. Blocks; for any thread. */
gboolean parley_network_forget_tokens (ParleyHub *hub, const char *const *hubs, GError **error);

void parley_network_add_preferences (AdwPreferencesPage *page, ParleyServices *services);

G_END_DECLS
