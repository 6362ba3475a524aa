/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-paste.h"

#include "app/parley-window.h"
#include "hub/parley-hub-ref.h"

#include <glib/gi18n.h>
#include <string.h>

#define MAX_BYTES 2000 /* more is no address */

gboolean
parley_paste_text (GtkWidget *widget, ParleyServices *services, const char *text)
{
  g_autofree char *address =
      text != NULL && strlen (text) <= MAX_BYTES ? g_strstrip (g_strdup (text)) : NULL;
  g_autoptr (ParleyHubRef) ref =
      address != NULL
          ? parley_hub_ref_parse (address, parley_hub_get_endpoint (services->hub), NULL)
          : NULL;

  return ref != NULL && gtk_widget_activate_action (widget, "win.search", "s", address);
}

typedef struct {
  GtkWidget *window;
  ParleyServices *services;
} Paste;

static void
text_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  Paste *paste = data;
  g_autofree char *text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, NULL);

  if (text != NULL && !parley_paste_text (paste->window, paste->services, text))
    parley_window_toast (PARLEY_WINDOW (paste->window),
                         _ ("What you pasted names no model on the hub."));
  g_object_unref (paste->window);
  g_free (paste);
}

static gboolean
pasted (GtkWidget *widget, GVariant *arguments, gpointer services)
{
  Paste *paste = g_new0 (Paste, 1);

  *paste = (Paste){ g_object_ref (widget), services };
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (widget), NULL, text_ready, paste);
  return TRUE;
}

/* On the way up: texts and entries have taken what was pasted into them before. */
void
parley_paste_watch (GtkWidget *window, ParleyServices *services)
{
  GtkEventController *controller = gtk_shortcut_controller_new ();
  GtkShortcutTrigger *trigger = gtk_shortcut_trigger_parse_string ("<Control>v");

  gtk_event_controller_set_propagation_phase (controller, GTK_PHASE_BUBBLE);
  gtk_shortcut_controller_add_shortcut (
      GTK_SHORTCUT_CONTROLLER (controller),
      gtk_shortcut_new (trigger, gtk_callback_action_new (pasted, services, NULL)));
  gtk_widget_add_controller (window, controller);
}
