/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/desktop/parley-notifier.h"

#include <string.h>

#define WAITING_KEY "parley-notifications"

/* One that waits for the answer to how its body is read. */
typedef struct {
  GApplication *application; /* held meanwhile */
  GNotification *notification;
  char *id, *body;
  GCancellable *cancellable;
} Waiting;

static void
waiting_free (Waiting *waiting)
{
  g_application_release (waiting->application);
  g_object_unref (waiting->application);
  g_object_unref (waiting->notification);
  g_object_unref (waiting->cancellable);
  g_free (waiting->id);
  g_free (waiting->body);
  g_free (waiting);
}

/* id -> the GCancellable of the one that waits */
static GHashTable *
all_waiting (GApplication *application)
{
  GHashTable *table = g_object_get_data (G_OBJECT (application), WAITING_KEY);

  if (table == NULL) {
    table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
    g_object_set_data_full (G_OBJECT (application), WAITING_KEY, table,
                            (GDestroyNotify) g_hash_table_unref);
  }
  return table;
}

static void
cancel (GApplication *application, const char *id)
{
  GHashTable *table = all_waiting (application);
  GCancellable *cancellable = g_hash_table_lookup (table, id);

  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
  g_hash_table_remove (table, id);
}

static void
send (Waiting *waiting, gboolean markup)
{
  g_autofree char *escaped = g_markup_escape_text (waiting->body, -1);

  g_notification_set_body (waiting->notification, markup ? escaped : waiting->body);
  g_application_send_notification (waiting->application, waiting->id, waiting->notification);
  waiting_free (waiting);
}

static gboolean
reads_markup (GVariant *answer)
{
  g_autofree const char **capabilities = NULL;

  if (answer == NULL || !g_variant_is_of_type (answer, G_VARIANT_TYPE ("(as)")))
    return FALSE;
  g_variant_get (answer, "(^a&s)", &capabilities);
  return g_strv_contains (capabilities, "body-markup");
}

static void
capabilities_known (GObject *bus, GAsyncResult *result, gpointer data)
{
  Waiting *waiting = data;
  g_autoptr (GVariant) answer =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (bus), result, NULL);

  if (g_cancellable_is_cancelled (waiting->cancellable)) {
    waiting_free (waiting);
    return;
  }
  g_hash_table_remove (all_waiting (waiting->application), waiting->id);
  send (waiting, reads_markup (answer));
}

static void
ask_for_capabilities (GDBusConnection *bus, Waiting *waiting)
{
  g_dbus_connection_call (bus, "org.freedesktop.Notifications", "/org/freedesktop/Notifications",
                          "org.freedesktop.Notifications", "GetCapabilities", NULL, NULL,
                          G_DBUS_CALL_FLAGS_NONE, 5000, waiting->cancellable, capabilities_known,
                          waiting);
}

/* Where this service is, the toolkit tells it and not the one that may read markup. */
static void
service_known (GObject *bus, GAsyncResult *result, gpointer data)
{
  Waiting *waiting = data;
  g_autoptr (GVariant) owner =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (bus), result, NULL);

  if (owner == NULL || g_cancellable_is_cancelled (waiting->cancellable)) {
    ask_for_capabilities (G_DBUS_CONNECTION (bus), waiting);
    return;
  }
  g_hash_table_remove (all_waiting (waiting->application), waiting->id);
  send (waiting, FALSE);
}

/* Out of a sandbox the portal is told, which takes bodies as text. */
static gboolean
is_told_to_portal (void)
{
  const char *wanted = g_getenv ("GTK_USE_PORTAL");

  return g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS) || g_getenv ("SNAP") != NULL ||
         (wanted != NULL && g_str_equal (wanted, "1"));
}

void
parley_notify (GApplication *application, const char *id, const char *title, const char *body,
               const char *action, GVariant *target)
{
  GDBusConnection *bus = g_application_get_dbus_connection (application);
  Waiting *waiting = g_new0 (Waiting, 1);

  g_application_hold (application);
  waiting->application = g_object_ref (application);
  waiting->notification = g_notification_new (title);
  waiting->id = g_strdup (id);
  waiting->body = g_strdup (body);
  waiting->cancellable = g_cancellable_new ();
  g_notification_set_default_action_and_target_value (waiting->notification, action, target);
  cancel (application, id);
  if (bus == NULL || is_told_to_portal ()) {
    send (waiting, FALSE);
    return;
  }
  g_hash_table_insert (all_waiting (application), g_strdup (id),
                       g_object_ref (waiting->cancellable));
  g_dbus_connection_call (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "GetNameOwner",
                          g_variant_new ("(s)", "org.gtk.Notifications"), NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, waiting->cancellable, service_known, waiting);
}

void
parley_notify_withdraw (GApplication *application, const char *id)
{
  cancel (application, id);
  g_application_withdraw_notification (application, id);
}
