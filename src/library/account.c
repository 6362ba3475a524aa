/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/account.h"

#include "hub/secret.h"
#include "hub/url.h"

#include <glib/gi18n.h>
#include <string.h>

static const char *const endpoint_names[] = { "PARLEY_HUB", "HF_ENDPOINT" };

gboolean
parley_account_is_endpoint_fixed (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (endpoint_names); i++) {
    const char *value = g_getenv (endpoint_names[i]);
    if (value && *value)
      return TRUE;
  }
  return FALSE;
}

char *
parley_account_check_endpoint (const char *text, GError **error)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  if (*trimmed == '\0')
    return g_steal_pointer (&trimmed);
  g_autofree char *whole =
      strstr (trimmed, "://") ? g_strdup (trimmed) : g_strconcat ("https://", trimmed, NULL);
  g_autoptr (ParleyUrl) url = parley_url_parse (whole, NULL, NULL);
  if (!url || url->query || strlen (whole) > 500 ||
      (strcmp (url->scheme, "https") != 0 && strcmp (url->scheme, "http") != 0)) {
    g_set_error_literal (
        error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFERENCE,
        _ ("This is not the address of a hub. Write one that begins with https://"));
    return NULL;
  }
  return g_steal_pointer (&whole);
}

ParleyHub *
parley_account_new_hub (ParleyStore *store)
{
  g_autofree char *endpoint =
      store ? parley_store_get_setting (store, PARLEY_SETTING_ENDPOINT) : NULL;
  g_autofree char *offline =
      store ? parley_store_get_setting (store, PARLEY_SETTING_OFFLINE) : NULL;
  /* A token of the environment belongs to the hub of the environment, or to the usual one. */
  ParleyHub *hub = endpoint && *endpoint && !parley_account_is_endpoint_fixed ()
                       ? parley_hub_new_for_endpoint (endpoint, NULL)
                       : parley_hub_new ();
  parley_hub_set_offline (hub, g_strcmp0 (offline, "1") == 0);
  return hub;
}

gboolean
parley_account_load_token (ParleyHub *hub, GError **error)
{
  if (parley_hub_has_token (hub))
    return TRUE;
  g_autoptr (GError) problem = NULL;
  char *token = parley_secret_load (parley_hub_get_endpoint (hub), NULL, &problem);
  if (token)
    parley_hub_set_token (hub, token);
  parley_secret_free (token);
  if (!problem)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

char *
parley_account_sign_in (ParleyHub *hub, const char *token, gboolean *kept, char **why,
                        GCancellable *cancellable, GError **error)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (token));
  g_autofree char *name = parley_hub_who (hub, trimmed, cancellable, error);
  g_autoptr (GError) problem = NULL;
  if (!name)
    return NULL;
  parley_hub_set_token (hub, trimmed);
  *kept = parley_secret_save (parley_hub_get_endpoint (hub), trimmed, cancellable, &problem);
  *why = g_strdup (problem ? problem->message : "");
  return g_steal_pointer (&name);
}

gboolean
parley_account_sign_out (ParleyHub *hub, GError **error)
{
  parley_hub_set_token (hub, NULL);
  return parley_secret_save (parley_hub_get_endpoint (hub), NULL, NULL, error);
}
