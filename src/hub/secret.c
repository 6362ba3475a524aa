/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/secret.h"
#include "hub/parley-hub-error.h"

#include <glib/gi18n.h>
#include <libsecret/secret.h>

static const SecretSchema schema = {
  "io.github.parleychat.Parley.HubToken",
  SECRET_SCHEMA_NONE,
  { { "endpoint", SECRET_SCHEMA_ATTRIBUTE_STRING }, { NULL, 0 } },
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
};

/* A sentence instead of what the bus says. */
static void
set_unavailable (GError *problem, GError **error)
{
  if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_propagate_error (error, g_error_copy (problem));
  else
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_FILE,
                 _ ("The keyring of this desktop cannot be used (%s)"), problem->message);
}

/* Where no session runs, asking for its bus would start one. */
static gboolean
has_bus (GError **error)
{
  g_autofree char *usual = g_build_filename (g_get_user_runtime_dir (), "bus", NULL);
  if (g_getenv ("DBUS_SESSION_BUS_ADDRESS") || g_file_test (usual, G_FILE_TEST_EXISTS))
    return TRUE;
  g_set_error_literal (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_FILE,
                       _ ("There is no keyring here, because no desktop session runs"));
  return FALSE;
}

char *
parley_secret_load (const char *endpoint, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) problem = NULL;
  if (!has_bus (error))
    return NULL;
  g_autoptr (GHashTable) wanted = secret_attributes_build (&schema, "endpoint", endpoint, NULL);
  GList *found = secret_password_searchv_sync (&schema, wanted, SECRET_SEARCH_LOAD_SECRETS,
                                               cancellable, &problem);
  char *token = NULL;
  if (found) {
    g_autoptr (SecretValue) value =
        secret_retrievable_retrieve_secret_sync (found->data, cancellable, &problem);
    const char *text = value ? secret_value_get_text (value) : NULL;
    token = text ? g_strdup (text) : NULL;
  }
  g_list_free_full (found, g_object_unref);
  if (!token && problem)
    set_unavailable (problem, error);
  return token;
}

gboolean
parley_secret_save (const char *endpoint, const char *token, GCancellable *cancellable,
                    GError **error)
{
  g_autoptr (GError) problem = NULL;
  if (!has_bus (error))
    return FALSE;
  if (token) {
    g_autofree char *label = g_strdup_printf ("Access token of Parley for %s", endpoint);
    secret_password_store_sync (&schema, SECRET_COLLECTION_DEFAULT, label, token, cancellable,
                                &problem, "endpoint", endpoint, NULL);
  } else {
    secret_password_clear_sync (&schema, cancellable, &problem, "endpoint", endpoint, NULL);
  }
  if (problem)
    set_unavailable (problem, error);
  return problem == NULL;
}

void
parley_secret_free (char *token)
{
  if (token)
    secret_password_wipe (token);
  g_free (token);
}
