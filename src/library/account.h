/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which hub is used, and as whom: the environment decides, then what a person set, then the usual.
 * The settings are kept in the store, the access token in the desktop's keyring.
 */
#pragma once

#include "hub/parley-hub.h"
#include "store/parley-store.h"

G_BEGIN_DECLS

#define PARLEY_SETTING_ENDPOINT "hub/endpoint" /* an address */
#define PARLEY_SETTING_OFFLINE  "hub/offline"  /* "1" */

/* `store` may be NULL: nothing was set. */
ParleyHub *parley_account_new_hub (ParleyStore *store);
/* TRUE: the environment names the hub, so the setting has no say. */
gboolean parley_account_is_endpoint_fixed (void);
/* The address as it is kept; NULL with PARLEY_HUB_ERROR_REFERENCE for what is none. "" is the
 * usual hub. Free with g_free(). */
char *parley_account_check_endpoint (const char *text, GError **error);

/* Gives the hub the keyring's token unless it has one from the environment. Blocks; never asks a
 * person. FALSE: there is no keyring. */
gboolean parley_account_load_token (ParleyHub *hub, GError **error);

/* Asks the hub whether it knows the token, and only then uses and keeps it. *kept: it is in the
 * keyring, else it lasts as long as the program, and *why says why. Returns the account's name.
 * Blocks. */
char *parley_account_sign_in (ParleyHub *hub, const char *token, gboolean *kept, char **why,
                              GCancellable *cancellable, GError **error);
gboolean parley_account_sign_out (ParleyHub *hub, GError **error);

G_END_DECLS
