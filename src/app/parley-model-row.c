/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-model-row.h"

#include "app/parley-dialog.h"
#include "app/parley-forecast.h"
#include "app/parley-format.h"
#include "app/parley-widgets.h"
#include "app/parley-window.h"
#include "library/record.h"

#include <glib/gi18n.h>

struct _ParleyModelRow {
  GtkListBoxRow parent;
  ParleyServices *services;
  ParleyModel *model;
  GtkWidget *verdict, *speed;
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (ParleyModelRow, parley_model_row, GTK_TYPE_LIST_BOX_ROW)

static void
append_fact (GString *out, const char *text)
{
  if (text == NULL || *text == '\0')
    return;
  g_string_append_printf (out, "%s%s", out->len > 0 ? " · " : "", text);
}

char *
parley_model_describe (ParleyModel *model)
{
  g_autofree char *parameters = parley_format_parameters (parley_model_get_parameters (model));
  g_autofree char *size = parley_format_size (parley_model_get_size (model));
  GString *out = g_string_new (NULL);

  append_fact (out, parley_model_get_family (model));
  append_fact (out, parameters);
  append_fact (out, parley_model_get_quantisation (model));
  append_fact (out, size);
  append_fact (out, parley_model_is_builtin (model) ? "" : parley_model_get_owner (model));
  for (const char *const *tag = parley_model_get_tags (model); tag != NULL && *tag != NULL; tag++)
    append_fact (out, *tag);
  return g_string_free (out, FALSE);
}

static void
forecast_ready (gpointer subject, const ParleyForecast *forecast, gpointer data)
{
  ParleyModelRow *self = data;

  parley_verdict_set (PARLEY_VERDICT (self->verdict), forecast->verdict, forecast->words);
  gtk_widget_set_tooltip_text (self->verdict, forecast->why);
  gtk_label_set_text (GTK_LABEL (self->speed), forecast->speed);
  gtk_widget_set_visible (self->speed, *forecast->speed != '\0');
}

/* ---- actions ---- */

static ParleyWindow *
window_of (ParleyModelRow *self)
{
  return PARLEY_WINDOW (gtk_widget_get_root (GTK_WIDGET (self)));
}

static void
chat (GtkButton *button, ParleyModelRow *self)
{
  g_autoptr (GError) error = NULL;

  if (!parley_model_is_builtin (self->model) &&
      !parley_record_set_used (self->services->store, self->model, &error))
    g_debug ("its last use is not kept: %s", error->message);
  parley_window_new_chat (window_of (self), self->model);
}

static void
delete_now (gpointer data)
{
  ParleyModelRow *self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *size = parley_format_size (parley_model_get_size (self->model));
  g_autofree char *text = g_strdup_printf (_ ("%s freed"), size);
  ParleyWindow *window = window_of (self);

  parley_engines_forget (self->services->engines, self->model);
  if (!parley_library_delete (self->services->library, self->model, &error))
    parley_window_toast (window, error->message);
  else
    parley_window_toast (window, text);
}

static void
ask_delete (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);
  g_autofree char *size = parley_format_size (parley_model_get_size (self->model));
  g_autofree char *heading =
      g_strdup_printf (_ ("Delete %s?"), parley_model_get_name (self->model));
  g_autofree char *verb = g_strdup_printf (_ ("Delete %s"), size);

  parley_ask (GTK_WINDOW (window_of (self)), heading,
              _ ("The file is removed from the disk. Your chats stay. You can download the model "
                 "again."),
              NULL, verb, TRUE, delete_now, g_object_ref (self), g_object_unref);
}

static void
pin (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);
  g_autoptr (GError) error = NULL;

  if (!parley_record_set_pinned (self->services->store, self->model,
                                 !parley_model_is_pinned (self->model), &error))
    parley_window_toast (window_of (self), error->message);
}

typedef struct {
  ParleyModelRow *row;
  GtkWidget *entry;
} Naming;

static void
naming_free (gpointer data)
{
  Naming *naming = data;

  g_object_unref (naming->row);
  g_object_unref (naming->entry);
  g_free (naming);
}

static void
name_now (gpointer data)
{
  Naming *naming = data;
  g_autoptr (GError) error = NULL;

  if (!parley_record_rename (naming->row->services->store, naming->row->model,
                             gtk_editable_get_text (GTK_EDITABLE (naming->entry)), &error))
    parley_window_toast (window_of (naming->row), error->message);
}

static void
ask_name (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);
  Naming *naming = g_new0 (Naming, 1);

  naming->row = g_object_ref (self);
  naming->entry = g_object_ref_sink (gtk_entry_new ());
  gtk_editable_set_text (GTK_EDITABLE (naming->entry), parley_model_get_name (self->model));
  gtk_accessible_update_property (GTK_ACCESSIBLE (naming->entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Name of the model"), -1);
  parley_ask (GTK_WINDOW (window_of (self)), _ ("Rename the Model"),
              _ ("Leave it empty to use the name in the file. The file itself keeps its name."),
              naming->entry, _ ("Rename"), FALSE, name_now, naming, naming_free);
}

static void
add_fact (GtkWidget *list, const char *label, const char *value)
{
  if (value != NULL && *value != '\0')
    gtk_list_box_append (GTK_LIST_BOX (list), parley_fact_row (label, value));
}

static void
show_details (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);
  ParleyModel *model = self->model;
  GtkWidget *list = parley_boxed_list ();
  g_autofree char *parameters = parley_format_parameters (parley_model_get_parameters (model));
  g_autofree char *size = parley_format_size (parley_model_get_size (model));
  g_autofree char *layers = g_strdup_printf ("%u", parley_model_get_n_layers (model));
  g_autofree char *context = parley_format_tokens (parley_model_get_context_length (model));
  g_autofree char *path = g_filename_display_name (parley_model_get_path (model));

  add_fact (list, _ ("Family"), parley_model_get_family (model));
  add_fact (list, _ ("Parameters"), parameters);
  add_fact (list, _ ("Quantisation"), parley_model_get_quantisation (model));
  add_fact (list, _ ("Size"), size);
  add_fact (list, _ ("Layers"), layers);
  add_fact (list, _ ("Trained for"), context);
  add_fact (list, _ ("Chat template"),
            parley_model_has_chat_template (model) ? _ ("yes") : _ ("none: continues text"));
  add_fact (list, _ ("Licence"), parley_model_get_license (model));
  add_fact (list, _ ("From"), parley_model_get_repo (model));
  add_fact (list, _ ("SHA-256"), parley_model_get_sha256 (model));
  add_fact (list, _ ("Used in place, belongs to"),
            parley_model_is_builtin (model) ? "" : parley_model_get_owner (model));
  add_fact (list, _ ("File"), path);
  for (const char *const *also = parley_model_get_also (model); also != NULL && *also != NULL;
       also++) {
    g_autofree char *shown = g_filename_display_name (*also);
    add_fact (list, _ ("Also at"), shown);
  }
  gtk_window_present (parley_dialog_new (GTK_WINDOW (window_of (self)),
                                         parley_model_get_name (model),
                                         parley_page_body (list, 520), 540, 600));
}

static void
dispose (GObject *object)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (object);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (parley_model_row_parent_class)->dispose (object);
}

static void
parley_model_row_class_init (ParleyModelRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.details", NULL, show_details);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.delete", NULL, ask_delete);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.pin", NULL, pin);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.rename", NULL, ask_name);
}

static void
parley_model_row_init (ParleyModelRow *self)
{
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self), FALSE);
}

static GtkWidget *
build_texts (ParleyModelRow *self)
{
  GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 4, NULL);
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 14, NULL);
  g_autofree char *facts = parley_model_describe (self->model);
  ParleyModelState state = parley_model_get_state (self->model);

  self->verdict = parley_verdict_new ();
  self->speed = parley_line ("", "numeric dim-label");
  gtk_widget_set_visible (self->speed, FALSE);
  gtk_box_append (GTK_BOX (line), self->verdict);
  gtk_box_append (GTK_BOX (line), self->speed);
  gtk_box_append (GTK_BOX (texts), parley_line (parley_model_get_name (self->model), "quant-name"));
  gtk_box_append (GTK_BOX (texts), parley_line (facts, "numeric dim-label"));
  gtk_box_append (GTK_BOX (texts), line);
  if (parley_model_is_builtin (self->model))
    gtk_box_append (
        GTK_BOX (texts),
        parley_label (_ ("A tiny demonstration that comes with Parley"), "caption dim-label"));
  if (state == PARLEY_MODEL_READY) {
    self->cancellable = g_cancellable_new ();
    parley_forecast_model (self->services, self->model, NULL, self->cancellable, forecast_ready,
                           g_object_ref (self), g_object_unref);
  } else {
    parley_verdict_set (PARLEY_VERDICT (self->verdict), PARLEY_SHOWN_TOO_BIG,
                        state == PARLEY_MODEL_INCOMPLETE    ? _ ("Parts are missing")
                        : state == PARLEY_MODEL_UNSUPPORTED ? _ ("Not supported")
                        : state == PARLEY_MODEL_AWAY        ? _ ("Not plugged in")
                                                            : _ ("Damaged"));
    gtk_box_append (GTK_BOX (texts),
                    parley_label (parley_model_get_message (self->model), "caption dim-label"));
  }
  gtk_widget_set_hexpand (texts, TRUE);
  return texts;
}

GtkWidget *
parley_model_row_new (ParleyServices *services, ParleyModel *model)
{
  ParleyModelRow *self = g_object_new (PARLEY_TYPE_MODEL_ROW, NULL);
  GtkWidget *row = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, "file-row");
  g_autoptr (GMenu) menu = g_menu_new ();
  const char *name = parley_model_get_name (model);
  g_autofree char *chat_name = g_strdup_printf (_ ("Chat with %s"), name);
  g_autofree char *menu_name = g_strdup_printf (_ ("More about %s"), name);

  self->services = services;
  self->model = g_object_ref (model);
  gtk_box_append (GTK_BOX (row), build_texts (self));
  GtkWidget *button = parley_text_button (_ ("Chat"), NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, chat_name,
                                  -1);
  gtk_widget_set_visible (button, parley_model_get_state (model) == PARLEY_MODEL_READY);
  g_signal_connect (button, "clicked", G_CALLBACK (chat), self);
  gtk_box_append (GTK_BOX (row), button);
  g_menu_append (menu, _ ("_Details"), "row.details");
  if (!parley_model_is_builtin (model)) {
    g_menu_append (menu, _ ("_Rename…"), "row.rename");
    g_menu_append (menu, parley_model_is_pinned (model) ? _ ("_Unpin") : _ ("_Pin to the Top"),
                   "row.pin");
  }
  if (parley_model_is_managed (model))
    g_menu_append (menu, _ ("_Delete…"), "row.delete");
  GtkWidget *more = parley_menu_button ("view-more-symbolic", menu_name, G_MENU_MODEL (menu));
  gtk_widget_add_css_class (more, "flat");
  gtk_box_append (GTK_BOX (row), more);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), row);
  return GTK_WIDGET (self);
}
