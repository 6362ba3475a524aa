/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-model-details.h"

#include "app/widgets/parley-dialog.h"
#include "app/text/parley-format.h"
#include "app/reply/parley-markdown-view.h"
#include "app/widgets/parley-widgets.h"
#include "library/record.h"

#include <glib/gi18n.h>
#include <string.h>

/* ---- where it is ---- */

/* Where no file manager can point at a file, its folder opens. */
static void
shown (GObject *bus, GAsyncResult *result, gpointer path)
{
  g_autofree char *file = path, *folder = g_path_get_dirname (file);
  g_autofree char *uri = g_filename_to_uri (folder, NULL, NULL);
  g_autoptr (GVariant) answer =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (bus), result, NULL);

  if (answer == NULL && uri != NULL)
    g_app_info_launch_default_for_uri_async (uri, NULL, NULL, NULL, NULL);
}

void
parley_model_show_file (GtkWindow *parent, ParleyModel *model)
{
  const char *path = parley_model_get_path (model);
  g_autofree char *uri = g_filename_to_uri (path, NULL, NULL);
  GDBusConnection *bus =
      g_application_get_dbus_connection (G_APPLICATION (gtk_window_get_application (parent)));
  const char *uris[] = { uri, NULL };

  if (bus != NULL && uri != NULL)
    g_dbus_connection_call (bus, "org.freedesktop.FileManager1", "/org/freedesktop/FileManager1",
                            "org.freedesktop.FileManager1", "ShowItems",
                            g_variant_new ("(^ass)", uris, ""), NULL, G_DBUS_CALL_FLAGS_NONE, 5000,
                            NULL, shown, g_strdup (path));
}

typedef struct {
  GtkWindow *window;
  ParleyModel *model;
} Place;

static void
place_free (gpointer data, GClosure *closure)
{
  Place *place = data;

  g_object_unref (place->model);
  g_free (place);
}

static void
show_clicked (GtkButton *button, gpointer data)
{
  Place *place = data;

  parley_model_show_file (place->window, place->model);
}

/* ---- facts ---- */

static void
add_fact (GtkWidget *list, const char *label, const char *value)
{
  if (value != NULL && *value != '\0')
    gtk_list_box_append (GTK_LIST_BOX (list), parley_fact_row (label, value));
}

static GtkWidget *
facts_of (ParleyModel *model)
{
  GtkWidget *list = parley_boxed_list ();
  gint64 used = parley_model_get_last_used (model);
  g_autofree char *parameters = parley_format_parameters (parley_model_get_parameters (model));
  g_autofree char *size = parley_format_size (parley_model_get_size (model));
  g_autofree char *layers = g_strdup_printf ("%u", parley_model_get_n_layers (model));
  g_autofree char *context = parley_format_tokens (parley_model_get_context_length (model));
  g_autofree char *path = g_filename_display_name (parley_model_get_path (model));
  g_autofree char *last =
      used > 0 ? parley_format_days_ago (used / G_USEC_PER_SEC, g_get_real_time () / G_USEC_PER_SEC)
               : NULL;
  g_autofree char *tags = parley_model_get_tags (model) != NULL
                              ? g_strjoinv (", ", (GStrv) parley_model_get_tags (model))
                              : NULL;

  add_fact (list, _ ("Family"), parley_model_get_family (model));
  add_fact (list, _ ("Parameters"), parameters);
  add_fact (list, _ ("Quantisation"), parley_model_get_quantisation (model));
  add_fact (list, _ ("Size"), size);
  add_fact (list, _ ("Layers"), layers);
  add_fact (list, _ ("Trained for"), context);
  add_fact (list, _ ("Chat template"),
            parley_model_has_chat_template (model) ? _ ("yes") : _ ("none: continues text"));
  add_fact (list, _ ("Licence"), parley_format_license (parley_model_get_license (model)));
  add_fact (list, _ ("Tags"), tags);
  add_fact (list, _ ("Last used"), last);
  add_fact (list, _ ("From"), parley_model_get_repo (model));
  add_fact (list, _ ("SHA-256"), parley_model_get_sha256 (model));
  add_fact (list, _ ("Used in place, belongs to"),
            parley_model_is_builtin (model) ? "" : parley_model_get_owner (model));
  add_fact (list, _ ("File"), path);
  for (const char *const *also = parley_model_get_also (model); also != NULL && *also != NULL;
       also++) {
    g_autofree char *other = g_filename_display_name (*also);
    add_fact (list, _ ("Also at"), other);
  }
  return list;
}

static char *
dup_card (ParleyServices *services, ParleyModel *model)
{
  g_autoptr (ParleyArtifactRecord) record =
      parley_catalogue_find_path (services->store, parley_model_get_path (model), NULL);

  return record != NULL ? parley_record_dup_card (record) : NULL;
}

void
parley_model_details_present (GtkWindow *parent, ParleyServices *services, ParleyModel *model)
{
  GtkWidget *body = parley_box (GTK_ORIENTATION_VERTICAL, 12, NULL);
  GtkWidget *where = parley_pill_button (_ ("Show in Files"), NULL, FALSE);
  g_autofree char *card = dup_card (services, model);
  Place *place = g_new0 (Place, 1);

  *place = (Place){ parent, g_object_ref (model) };
  g_signal_connect_data (where, "clicked", G_CALLBACK (show_clicked), place, place_free, 0);
  gtk_box_append (GTK_BOX (body), facts_of (model));
  gtk_box_append (GTK_BOX (body), where);
  if (card != NULL && *card != '\0') {
    GtkWidget *view = parley_markdown_view_new ();
    parley_markdown_view_set (PARLEY_MARKDOWN_VIEW (view), card, strlen (card), TRUE);
    gtk_box_append (GTK_BOX (body), parley_heading (_ ("About This Model"), "section-title", 2));
    gtk_box_append (GTK_BOX (body), view);
  }
  gtk_window_present (parley_dialog_new (parent, parley_model_get_name (model),
                                         parley_page_body (body, 520), 540, 600));
}
