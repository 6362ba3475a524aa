/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-application.h"

#include "app/desktop/parley-attention.h"
#include "app/models/parley-importer.h"
#include "app/parley-chats-move.h"
#include "app/parley-preferences.h"
#include "app/desktop/parley-search-provider.h"
#include "app/parley-shortcuts.h"
#include "app/desktop/parley-watchdog.h"
#include "app/widgets/parley-contrast.h"
#include "app/widgets/parley-widgets.h"
#include "app/parley-window.h"
#include "parley-config.h"
#include "store/chats-folder.h"

#include <glib/gi18n.h>
#include <gtksourceview/gtksource.h>

struct _ParleyApplication {
  AdwApplication parent;
  ParleyServices *services; /* NULL until something needs them */
  ParleySearchProvider *search_provider;
  ParleyAttention *attention;
  GtkWindow *moving; /* instead of ours while chats move; borrowed */
  char *folder;      /* in which to begin, NULL: where the chats are */
  gboolean move;     /* them to that folder */
  char *told;        /* what went wrong with that, for the window */
  GStrv again;
};

G_DEFINE_FINAL_TYPE (ParleyApplication, parley_application, ADW_TYPE_APPLICATION)

static gboolean
ensure_services (ParleyApplication *self, GError **error)
{
  /* Where they will be is not known yet. */
  if (self->moving != NULL || self->folder != NULL) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, _ ("Your chats are being moved."));
    return FALSE;
  }
  if (self->services == NULL)
    self->services = parley_services_new (error);
  return self->services != NULL;
}

static GtkWindow *ensure_window (ParleyApplication *self);

static void
arrived (const GError *error, gpointer application)
{
  ParleyApplication *self = application;

  self->moving = NULL;
  if (error != NULL)
    self->told = g_strdup_printf (_ ("Your chats were not moved, and are where they were: %s"),
                                  error->message);
  ensure_window (self);
  g_application_release (G_APPLICATION (self));
}

/* TRUE: it takes a while, and a window of its own says so. */
static gboolean
begin_in_folder (ParleyApplication *self)
{
  g_autofree char *folder = g_steal_pointer (&self->folder);
  g_autoptr (GError) error = NULL;

  if (folder == NULL)
    return FALSE;
  if (self->move) {
    g_application_hold (G_APPLICATION (self));
    self->moving = parley_chats_move_present (GTK_APPLICATION (self), folder, arrived, self);
    return TRUE;
  }
  if (!parley_chats_folder_use (folder, &error))
    self->told = g_strdup_printf (_ ("That folder cannot be used: %s"), error->message);
  return FALSE;
}

/* The window, made where there is none. NULL: the chats cannot be opened, and a window says so. */
static GtkWindow *
ensure_window (ParleyApplication *self)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));
  g_autoptr (GError) error = NULL;

  if (window == NULL) {
    if (begin_in_folder (self))
      return NULL;
    if (!ensure_services (self, &error)) {
      parley_chats_failure_present (GTK_APPLICATION (self), error);
      return NULL;
    }
    parley_preferences_apply_colours (self->services);
    window = parley_window_new (ADW_APPLICATION (self), self->services);
    parley_watchdog_watch (window);
    if (self->attention == NULL)
      self->attention = parley_attention_new (GTK_APPLICATION (self), self->services);
    parley_attention_watch (self->attention, window);
    gtk_window_present (window);
    parley_services_start (self->services);
    if (self->told != NULL)
      parley_window_toast (PARLEY_WINDOW (window), self->told);
    g_clear_pointer (&self->told, g_free);
    parley_window_ask_about_left (PARLEY_WINDOW (window));
  }
  gtk_window_present (window);
  return PARLEY_IS_WINDOW (window) ? window : NULL;
}

static void
activate (GApplication *application)
{
  ensure_window (PARLEY_APPLICATION (application));
}

/* ---- what others hand over: files, addresses, actions of the launcher ---- */

static void
window_action (ParleyApplication *self, const char *action, GVariant *parameter)
{
  GtkWindow *window = ensure_window (self);

  if (window != NULL)
    g_action_group_activate_action (G_ACTION_GROUP (window), action, parameter);
  else if (parameter != NULL)
    g_variant_unref (g_variant_ref_sink (parameter));
}

static void
import_file (ParleyApplication *self, GFile *file)
{
  GtkWindow *window = ensure_window (self);

  if (window == NULL)
    return;
  parley_window_show_place (PARLEY_WINDOW (window), "models");
  parley_importer_run (self->services, GTK_WIDGET (window), file);
}

/* Files on this computer join the library; addresses open the page of their model. */
static void
open (GApplication *application, GFile **files, int n, const char *hint)
{
  ParleyApplication *self = PARLEY_APPLICATION (application);

  for (int i = 0; i < n; i++) {
    g_autofree char *path = g_file_get_path (files[i]);
    g_autofree char *uri = g_file_get_uri (files[i]);
    if (path != NULL) {
      import_file (self, files[i]);
      continue;
    }
    const char *text = uri;
    if (g_str_has_prefix (uri, "parley:")) {
      text += strlen ("parley:");
      text += strspn (text, "/"); /* parley:ORG/NAME and parley://ORG/NAME */
    }
    g_autofree char *reference = g_uri_unescape_string (text, NULL);
    if (reference != NULL && g_utf8_validate (reference, -1, NULL))
      window_action (self, "search", g_variant_new_string (reference));
  }
}

static void
new_chat (GSimpleAction *action, GVariant *parameter, gpointer application)
{
  window_action (PARLEY_APPLICATION (application), "new-chat", NULL);
}

static void
show_models (GSimpleAction *action, GVariant *parameter, gpointer application)
{
  window_action (PARLEY_APPLICATION (application), "show-models", NULL);
}

static void
show_chat (GSimpleAction *action, GVariant *parameter, gpointer application)
{
  window_action (PARLEY_APPLICATION (application), "show-chat", parameter);
}

static void
discover (GSimpleAction *action, GVariant *parameter, gpointer application)
{
  window_action (PARLEY_APPLICATION (application), "show-discover", NULL);
}

static int
handle_local_options (GApplication *application, GVariantDict *options)
{
  static const char *const actions[] = { "new-chat", "discover" };
  ParleyApplication *self = PARLEY_APPLICATION (application);
  g_autoptr (GError) error = NULL;

  if (g_variant_dict_contains (options, "version")) {
    g_print ("parley %s\n", PARLEY_VERSION);
    return 0;
  }
  self->move = g_variant_dict_lookup (options, "move-chats", "^ay", &self->folder);
  if (!self->move)
    g_variant_dict_lookup (options, "use-chats", "^ay", &self->folder);
  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++) {
    if (!g_variant_dict_contains (options, actions[i]))
      continue;
    if (!g_application_register (application, NULL, &error)) {
      g_printerr ("parley: cannot start: %s\n", error->message);
      return 1;
    }
    g_action_group_activate_action (G_ACTION_GROUP (application), actions[i], NULL);
    if (g_application_get_is_remote (application)) {
      g_dbus_connection_flush_sync (g_application_get_dbus_connection (application), NULL, NULL);
      return 0;
    }
  }
  return -1;
}

/* ---- the desktop's search ---- */

static ParleyChatList *
host_chats (gpointer application)
{
  ParleyApplication *self = PARLEY_APPLICATION (application);

  return ensure_services (self, NULL) ? self->services->chats : NULL;
}

static void
host_show (gpointer application, gint64 id, gint64 message)
{
  ParleyApplication *self = PARLEY_APPLICATION (application);
  GtkWindow *window = ensure_window (self);
  ParleyChat *chat = window != NULL ? parley_chat_list_find (self->services->chats, id) : NULL;

  if (chat != NULL)
    parley_window_show_chat (PARLEY_WINDOW (window), chat, message);
}

static void
host_search (gpointer application, const char *text)
{
  GtkWindow *window = ensure_window (PARLEY_APPLICATION (application));

  if (window != NULL)
    parley_window_search_chats (PARLEY_WINDOW (window), text);
}

static gboolean
dbus_register (GApplication *application, GDBusConnection *connection, const char *path,
               GError **error)
{
  static const ParleySearchProviderHost host = { host_chats, host_show, host_search };
  ParleyApplication *self = PARLEY_APPLICATION (application);
  g_autofree char *own = g_strconcat (path, "/SearchProvider", NULL);

  if (!G_APPLICATION_CLASS (parley_application_parent_class)
           ->dbus_register (application, connection, path, error))
    return FALSE;
  self->search_provider = parley_search_provider_new (&host, self);
  return parley_search_provider_export (self->search_provider, connection, own, error);
}

static void
dbus_unregister (GApplication *application, GDBusConnection *connection, const char *path)
{
  ParleyApplication *self = PARLEY_APPLICATION (application);

  if (self->search_provider != NULL)
    parley_search_provider_unexport (self->search_provider);
  g_clear_object (&self->search_provider);
  G_APPLICATION_CLASS (parley_application_parent_class)
      ->dbus_unregister (application, connection, path);
}

/* Quitting quits, whatever still goes on: a reply is kept as far as it came. */
static void
quit (GSimpleAction *action, GVariant *parameter, gpointer application)
{
  ParleyApplication *self = PARLEY_APPLICATION (application);
  GList *windows = g_list_copy (gtk_application_get_windows (application));

  g_clear_object (&self->attention); /* which would hide windows instead */
  for (GList *l = windows; l != NULL; l = l->next)
    gtk_window_close (l->data);
  g_list_free (windows);
  g_application_quit (G_APPLICATION (self));
}

/* ---- chats that cannot be opened, or are to be elsewhere ---- */

static void
try_again (GSimpleAction *action, GVariant *parameter, gpointer application)
{
  ParleyApplication *self = PARLEY_APPLICATION (application);
  GtkWindow *window = gtk_application_get_active_window (application);

  if (self->services != NULL || self->moving != NULL)
    return;
  g_application_hold (application);
  if (window != NULL)
    gtk_window_destroy (window);
  ensure_window (self);
  g_application_release (application);
}

static void
use_usual_folder (GSimpleAction *action, GVariant *parameter, gpointer application)
{
  ParleyApplication *self = PARLEY_APPLICATION (application);
  g_autoptr (GError) error = NULL;

  if (self->services != NULL || self->moving != NULL)
    return;
  if (!parley_chats_folder_use_usual (&error))
    g_warning ("%s", error->message); /* the page that comes again says what is the matter */
  try_again (NULL, NULL, application);
}

void
parley_application_begin_in (ParleyApplication *self, const char *folder, gboolean move)
{
  g_autofree char *option = g_strconcat (move ? "--move-chats=" : "--use-chats=", folder, NULL);
  const char *const arguments[] = { g_get_prgname (), option, NULL };

  g_strfreev (self->again);
  self->again = g_strdupv ((GStrv) arguments);
  quit (NULL, NULL, self);
}

char **
parley_application_get_again (ParleyApplication *self)
{
  return self->again;
}

static void
finalize (GObject *object)
{
  ParleyApplication *self = PARLEY_APPLICATION (object);

  g_free (self->folder);
  g_free (self->told);
  g_strfreev (self->again);
  G_OBJECT_CLASS (parley_application_parent_class)->finalize (object);
}

static void
startup (GApplication *application)
{
  static const GActionEntry actions[] = { { "quit", quit },
                                          { "try-again", try_again },
                                          { "use-usual-folder", use_usual_folder },
                                          { "new-chat", new_chat },
                                          { "discover", discover },
                                          { "show-models", show_models },
                                          { "show-chat", show_chat, "x" } };

  G_APPLICATION_CLASS (parley_application_parent_class)->startup (application);
  /* Started by the desktop's search and left alone, it goes away again. */
  if (g_application_get_flags (application) & G_APPLICATION_IS_SERVICE)
    g_application_set_inactivity_timeout (application, 30000);
  gtk_source_init ();
  /* Translators: "default:RTL" for a language that is written from right to left, in case the
   * toolkit itself has no translation into it. */
  if (g_str_equal (C_ ("direction", "default:LTR"), "default:RTL"))
    gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  gtk_window_set_default_icon_name (PARLEY_APP_ID);
  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions),
                                   application);
  parley_shortcuts_install (GTK_APPLICATION (application));
  parley_contrast_follow ();
}

static void
shutdown (GApplication *application)
{
  ParleyApplication *self = PARLEY_APPLICATION (application);
  GList *windows = g_list_copy (gtk_application_get_windows (GTK_APPLICATION (application)));

  for (GList *l = windows; l != NULL; l = l->next)
    gtk_window_destroy (l->data);
  g_list_free (windows);
  g_clear_object (&self->attention);
  g_clear_pointer (&self->services, parley_services_free);
  G_APPLICATION_CLASS (parley_application_parent_class)->shutdown (application);
}

static void
parley_application_class_init (ParleyApplicationClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;
  G_APPLICATION_CLASS (klass)->activate = activate;
  G_APPLICATION_CLASS (klass)->open = open;
  G_APPLICATION_CLASS (klass)->handle_local_options = handle_local_options;
  G_APPLICATION_CLASS (klass)->dbus_register = dbus_register;
  G_APPLICATION_CLASS (klass)->dbus_unregister = dbus_unregister;
  G_APPLICATION_CLASS (klass)->startup = startup;
  G_APPLICATION_CLASS (klass)->shutdown = shutdown;
}

static void
parley_application_init (ParleyApplication *self)
{
  static const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Tell the version"), NULL },
    { "new-chat", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Begin a new chat"), NULL },
    { "discover", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Look for a model"), NULL },
    { "move-chats", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, NULL, NULL, NULL },
    { "use-chats", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, NULL, NULL, NULL },
    { NULL },
  };

  g_application_add_main_option_entries (G_APPLICATION (self), entries);
  g_application_set_option_context_parameter_string (
      G_APPLICATION (self), N_ ("[FILE.gguf | parley:ORG/NAME[:QUANT] | ADDRESS]…"));
}

AdwApplication *
parley_application_new (void)
{
  return g_object_new (PARLEY_TYPE_APPLICATION, "application-id", PARLEY_APP_ID, "flags",
                       G_APPLICATION_HANDLES_OPEN, "resource-base-path",
                       "/io/github/parleychat/Parley", NULL);
}
