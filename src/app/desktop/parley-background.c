/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/desktop/parley-background.h"

#define NAME "org.freedesktop.portal.Desktop"
#define PATH "/org/freedesktop/portal/desktop"

typedef struct {
  GDBusConnection *bus;
  ParleyBackgroundRefused refused;
  GObject *object;
  guint subscription;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  g_object_unref (request->bus);
  g_object_unref (request->object);
  g_free (request);
}

/* Response 0: the request was dealt with, "background" says how; others: it was not. */
static void
answered (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
          const char *signal, GVariant *parameters, gpointer data)
{
  Request *request = data;
  g_autoptr (GVariant) results = NULL;
  guint32 response;
  gboolean allowed = FALSE;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(ua{sv})")))
    return;
  g_variant_get (parameters, "(u@a{sv})", &response, &results);
  g_variant_lookup (results, "background", "b", &allowed);
  if (response != 0 || !allowed)
    request->refused (request->object);
  g_dbus_connection_signal_unsubscribe (bus, request->subscription);
}

/* No portal: no answer will come either. */
static void
called (GObject *bus, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) handle =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (bus), result, &error);

  if (handle == NULL)
    g_dbus_connection_signal_unsubscribe (G_DBUS_CONNECTION (bus), GPOINTER_TO_UINT (data));
}

void
parley_background_request (GDBusConnection *bus, const char *reason,
                           ParleyBackgroundRefused refused, GObject *object)
{
  static guint n_requests;
  Request *request = g_new0 (Request, 1);
  g_autofree char *token = g_strdup_printf ("parley%u", ++n_requests);
  /* ":1.42" is "1_42" in the path that the answer comes from. */
  g_autofree char *sender =
      g_strdelimit (g_strdup (g_dbus_connection_get_unique_name (bus) + 1), ".", '_');
  g_autofree char *path = g_strdup_printf (PATH "/request/%s/%s", sender, token);
  GVariantBuilder options;

  *request = (Request){ g_object_ref (bus), refused, g_object_ref (object), 0 };
  request->subscription = g_dbus_connection_signal_subscribe (
      bus, NAME, "org.freedesktop.portal.Request", "Response", path, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
      answered, request, request_free);
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "handle_token", g_variant_new_string (token));
  g_variant_builder_add (&options, "{sv}", "reason", g_variant_new_string (reason));
  g_dbus_connection_call (bus, NAME, PATH, "org.freedesktop.portal.Background", "RequestBackground",
                          g_variant_new ("(sa{sv})", "", &options), G_VARIANT_TYPE ("(o)"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, called,
                          GUINT_TO_POINTER (request->subscription));
}
