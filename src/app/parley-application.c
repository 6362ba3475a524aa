/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-application.h"

#include "app/parley-widgets.h"
#include "app/parley-window.h"
#include "parley-config.h"

#include <glib/gi18n.h>
#include <gtksourceview/gtksource.h>

struct _ParleyApplication {
  AdwApplication parent;
  ParleyServices *services;
};

G_DEFINE_FINAL_TYPE (ParleyApplication, parley_application, ADW_TYPE_APPLICATION)

static const struct {
  const char *action;
  const char *keys[4];
} accelerators[] = {
  { "win.new-chat", { "<Control>n" } },
  { "win.find", { "<Control>f" } },
  { "win.pick-model", { "<Control>l" } },
  { "win.load-panel", { "<Control>g" } },
  { "win.preferences", { "<Control>comma" } },
  /* With Shift the key gives what the layout has there. */
  { "win.chat-settings", { "<Control><Shift>comma", "<Control>less", "<Control><Shift>less" } },
  { "win.shortcuts", { "<Control>question" } },
  { "win.toggle-sidebar", { "F9" } },
  { "win.regenerate", { "<Control>r" } },
  { "win.previous-version", { "<Control>bracketleft" } },
  { "win.next-version", { "<Control>bracketright" } },
  { "win.show-chats", { "<Alt>1" } },
  { "win.show-discover", { "<Alt>2" } },
  { "win.show-models", { "<Alt>3" } },
  { "win.show-computer", { "<Alt>4" } },
  { "window.close", { "<Control>w" } },
  { "app.quit", { "<Control>q" } },
};

/* A database that cannot be opened is told in a window; quitting is all that is left then. */
static void
show_failure (ParleyApplication *self, const GError *error)
{
  GtkWidget *window = adw_application_window_new (GTK_APPLICATION (self));
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);

  gtk_box_append (GTK_BOX (box), parley_header_bar (_ ("Parley")));
  gtk_box_append (GTK_BOX (box),
                  parley_status_page ("dialog-warning-symbolic", _ ("Your Chats Cannot Be Opened"),
                                      error->message,
                                      parley_pill_button (_ ("Quit"), "app.quit", TRUE)));
  adw_application_window_set_content (ADW_APPLICATION_WINDOW (window), box);
  gtk_window_set_default_size (GTK_WINDOW (window), 560, 480);
  gtk_window_present (GTK_WINDOW (window));
}

static void
apply_colour_scheme (ParleyApplication *self)
{
  g_autofree char *scheme = parley_store_get_setting (self->services->store, "colour-scheme");

  adw_style_manager_set_color_scheme (
      adw_style_manager_get_default (),
      g_strcmp0 (scheme, "light") == 0  ? ADW_COLOR_SCHEME_FORCE_LIGHT
      : g_strcmp0 (scheme, "dark") == 0 ? ADW_COLOR_SCHEME_FORCE_DARK
                                        : ADW_COLOR_SCHEME_DEFAULT);
}

static void
activate (GApplication *application)
{
  ParleyApplication *self = PARLEY_APPLICATION (application);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));
  g_autoptr (GError) error = NULL;

  if (window != NULL) {
    gtk_window_present (window);
    return;
  }
  self->services = parley_services_new (&error);
  if (self->services == NULL) {
    show_failure (self, error);
    return;
  }
  apply_colour_scheme (self);
  window = parley_window_new (ADW_APPLICATION (self), self->services);
  gtk_window_present (window);
  parley_services_start (self->services);
}

static void
quit (GSimpleAction *action, GVariant *parameter, gpointer application)
{
  GList *windows = g_list_copy (gtk_application_get_windows (application));

  for (GList *l = windows; l != NULL; l = l->next)
    gtk_window_close (l->data);
  g_list_free (windows);
}

static void
startup (GApplication *application)
{
  static const GActionEntry actions[] = { { "quit", quit } };

  G_APPLICATION_CLASS (parley_application_parent_class)->startup (application);
  gtk_source_init ();
  gtk_window_set_default_icon_name (PARLEY_APP_ID);
  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions),
                                   application);
  for (gsize i = 0; i < G_N_ELEMENTS (accelerators); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (application), accelerators[i].action,
                                           (const char *const *) accelerators[i].keys);
}

static void
shutdown (GApplication *application)
{
  ParleyApplication *self = PARLEY_APPLICATION (application);
  GList *windows = g_list_copy (gtk_application_get_windows (GTK_APPLICATION (application)));

  for (GList *l = windows; l != NULL; l = l->next)
    gtk_window_destroy (l->data);
  g_list_free (windows);
  g_clear_pointer (&self->services, parley_services_free);
  G_APPLICATION_CLASS (parley_application_parent_class)->shutdown (application);
}

static void
parley_application_class_init (ParleyApplicationClass *klass)
{
  G_APPLICATION_CLASS (klass)->activate = activate;
  G_APPLICATION_CLASS (klass)->startup = startup;
  G_APPLICATION_CLASS (klass)->shutdown = shutdown;
}

static void
parley_application_init (ParleyApplication *self)
{
}

AdwApplication *
parley_application_new (void)
{
  return g_object_new (PARLEY_TYPE_APPLICATION, "application-id", PARLEY_APP_ID,
                       "resource-base-path", "/io/github/parleychat/Parley", NULL);
}
