/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/compat.h"

#include "app/parley-markdown.h"

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
parley_open_address (GtkWindow *parent, const char *address)
{
  if (!parley_markdown_link_is_safe (address))
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

void
parley_row_set_plain (GtkWidget *row)
{
  adw_preferences_row_set_use_underline (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
}
