/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/compat.h"

#include "app/text/parley-link.h"
#include "parley-config.h"

#include <glib/gi18n.h>

void
parley_css_load (GtkCssProvider *provider, const char *css)
{
#if GTK_CHECK_VERSION(4, 12, 0)
  gtk_css_provider_load_from_string (provider, css);
#else
  gtk_css_provider_load_from_data (provider, css, -1);
#endif
}

void
parley_widget_get_colour (GtkWidget *widget, GdkRGBA *colour)
{
#if GTK_CHECK_VERSION(4, 10, 0)
  gtk_widget_get_color (widget, colour);
#else
  gtk_style_context_get_color (gtk_widget_get_style_context (widget), colour);
#endif
}

void
parley_announce (GtkWidget *widget, const char *text)
{
#if GTK_CHECK_VERSION(4, 14, 0)
  gtk_accessible_announce (GTK_ACCESSIBLE (widget), text,
                           GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
#endif
}

void
parley_show_about (GtkWindow *parent)
{
  const char *const properties[] = { "application-name", "application-icon", "version",
                                     "developer-name",   "website",          "comments" };
  const char *const values[] = {
    "Parley",
    PARLEY_APP_ID,
    PARLEY_VERSION,
    _ ("The Parley authors"),
    "https://github.com/parleychat/parley",
    _ ("Talk to language models on your own computer. Nothing you write leaves it."),
  };
#if ADW_CHECK_VERSION(1, 5, 0)
  GObject *about = G_OBJECT (adw_about_dialog_new ());
#else
  GObject *about = G_OBJECT (adw_about_window_new ());
#endif

  for (gsize i = 0; i < G_N_ELEMENTS (properties); i++)
    g_object_set (about, properties[i], values[i], NULL);
  g_object_set (about, "license-type", GTK_LICENSE_GPL_3_0, NULL);
#if ADW_CHECK_VERSION(1, 5, 0)
  adw_dialog_present (ADW_DIALOG (about), GTK_WIDGET (parent));
#else
  gtk_window_set_transient_for (GTK_WINDOW (about), parent);
  gtk_window_set_modal (GTK_WINDOW (about), TRUE);
  gtk_window_present (GTK_WINDOW (about));
#endif
}

void
parley_open_address (GtkWindow *parent, const char *address)
{
  if (!parley_link_is_safe (address))
    return;
#if GTK_CHECK_VERSION(4, 10, 0)
  g_autoptr (GtkUriLauncher) launcher = gtk_uri_launcher_new (address);
  gtk_uri_launcher_launch (launcher, parent, NULL, NULL, NULL);
#else
  gtk_show_uri (parent, address, GDK_CURRENT_TIME);
#endif
}

typedef struct {
  ParleyFileChosen chosen;
  gpointer data;
  GDestroyNotify destroy;
} Choice;

static void
choice_done (Choice *choice, GFile *file)
{
  if (file != NULL)
    choice->chosen (file, choice->data);
  if (choice->destroy != NULL)
    choice->destroy (choice->data);
  g_free (choice);
}

#if GTK_CHECK_VERSION(4, 10, 0)
static void
save_finished (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GFile) file = gtk_file_dialog_save_finish (GTK_FILE_DIALOG (source), result, NULL);
  choice_done (data, file);
}
#else
static void
save_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  g_autoptr (GFile) file = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  choice_done (data, file);
  g_object_unref (dialog);
}
#endif

void
parley_save_file (GtkWindow *parent, const char *title, const char *suggested_name,
                  ParleyFileChosen chosen, gpointer data, GDestroyNotify destroy)
{
  Choice *choice = g_new0 (Choice, 1);

  *choice = (Choice){ chosen, data, destroy };
#if GTK_CHECK_VERSION(4, 10, 0)
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  gtk_file_dialog_set_title (dialog, title);
  gtk_file_dialog_set_initial_name (dialog, suggested_name);
  gtk_file_dialog_save (dialog, parent, NULL, save_finished, choice);
#else
  GtkFileChooserNative *dialog =
      gtk_file_chooser_native_new (title, parent, GTK_FILE_CHOOSER_ACTION_SAVE, NULL, NULL);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), suggested_name);
  g_signal_connect (dialog, "response", G_CALLBACK (save_response), choice);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
#endif
}

/* ---- opening ---- */

static void
choice_done_many (Choice *choice, GListModel *files)
{
  for (guint i = 0; files != NULL && i < g_list_model_get_n_items (files); i++) {
    g_autoptr (GFile) file = g_list_model_get_item (files, i);
    choice->chosen (file, choice->data);
  }
  choice_done (choice, NULL);
}

static GtkFileFilter *
filter_for (const char *suffix)
{
  GtkFileFilter *filter = gtk_file_filter_new ();
  g_autofree char *name = g_strdup_printf ("*.%s", suffix);

  gtk_file_filter_add_suffix (filter, suffix);
  gtk_file_filter_set_name (filter, name);
  return filter;
}

#if GTK_CHECK_VERSION(4, 10, 0)
static void
open_finished (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GListModel) files =
      gtk_file_dialog_open_multiple_finish (GTK_FILE_DIALOG (source), result, NULL);
  choice_done_many (data, files);
}

static void
open_one_finished (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GFile) file = gtk_file_dialog_open_finish (GTK_FILE_DIALOG (source), result, NULL);
  choice_done (data, file);
}

static void
folder_finished (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GFile) file =
      gtk_file_dialog_select_folder_finish (GTK_FILE_DIALOG (source), result, NULL);
  choice_done (data, file);
}
#else
static void
open_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  g_autoptr (GListModel) files = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    files = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (dialog));
  choice_done_many (data, files);
  g_object_unref (dialog);
}

static void
open_native (GtkWindow *parent, const char *title, GtkFileChooserAction action, const char *suffix,
             gboolean several, Choice *choice)
{
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (title, parent, action, NULL, NULL);

  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (dialog), several);
  if (suffix != NULL) {
    g_autoptr (GtkFileFilter) filter = filter_for (suffix);
    gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (dialog), filter);
  }
  g_signal_connect (dialog, "response", G_CALLBACK (open_response), choice);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}
#endif

void
parley_open_files (GtkWindow *parent, const char *title, const char *suffix, gboolean several,
                   ParleyFileChosen chosen, gpointer data, GDestroyNotify destroy)
{
  Choice *choice = g_new0 (Choice, 1);

  *choice = (Choice){ chosen, data, destroy };
#if GTK_CHECK_VERSION(4, 10, 0)
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  gtk_file_dialog_set_title (dialog, title);
  if (suffix != NULL) {
    g_autoptr (GtkFileFilter) filter = filter_for (suffix);
    gtk_file_dialog_set_default_filter (dialog, filter);
  }
  if (several)
    gtk_file_dialog_open_multiple (dialog, parent, NULL, open_finished, choice);
  else
    gtk_file_dialog_open (dialog, parent, NULL, open_one_finished, choice);
#else
  open_native (parent, title, GTK_FILE_CHOOSER_ACTION_OPEN, suffix, several, choice);
#endif
}

void
parley_open_folder (GtkWindow *parent, const char *title, ParleyFileChosen chosen, gpointer data,
                    GDestroyNotify destroy)
{
  Choice *choice = g_new0 (Choice, 1);

  *choice = (Choice){ chosen, data, destroy };
#if GTK_CHECK_VERSION(4, 10, 0)
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  gtk_file_dialog_set_title (dialog, title);
  gtk_file_dialog_select_folder (dialog, parent, NULL, folder_finished, choice);
#else
  open_native (parent, title, GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, NULL, FALSE, choice);
#endif
}

AdwToast *
parley_toast_new (const char *text)
{
#if ADW_CHECK_VERSION(1, 4, 0)
  AdwToast *toast = adw_toast_new ("");
  adw_toast_set_use_markup (toast, FALSE);
  adw_toast_set_title (toast, text);
  return toast;
#else
  g_autofree char *escaped = g_markup_escape_text (text, -1);
  return adw_toast_new (escaped);
#endif
}

AdwToast *
parley_toast_new_undo (const char *text)
{
  AdwToast *toast = parley_toast_new (text);

  adw_toast_set_button_label (toast, _ ("Undo"));
  adw_toast_set_timeout (toast, 15);
  return toast;
}

void
parley_row_set_plain (GtkWidget *row)
{
  adw_preferences_row_set_use_underline (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
}
