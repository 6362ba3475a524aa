/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-model-row.h"

#include "app/compat.h"
#include "app/widgets/parley-dialog.h"
#include "app/models/parley-forecast.h"
#include "app/text/parley-format.h"
#include "app/load/parley-model-defaults.h"
#include "app/models/parley-model-details.h"
#include "app/models/parley-model-work.h"
#include "app/widgets/parley-widgets.h"
#include "app/parley-window.h"
#include "app/widgets/parley-wrap-layout.h"
#include "library/places.h"
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

char *
parley_model_describe (ParleyModel *model)
{
  g_autofree char *parameters = parley_format_parameters (parley_model_get_parameters (model));
  g_autofree char *size = parley_format_size (parley_model_get_size (model));
  GString *out = g_string_new (NULL);

  parley_format_add_fact (out, parley_model_get_family (model));
  parley_format_add_fact (out, parameters);
  parley_format_add_fact (out, parley_model_get_quantisation (model));
  parley_format_add_fact (out, size);
  parley_format_add_fact (out,
                          parley_model_is_builtin (model) ? "" : parley_model_get_owner (model));
  for (const char *const *tag = parley_model_get_tags (model); tag != NULL && *tag != NULL; tag++)
    parley_format_add_fact (out, *tag);
  return g_string_free (out, FALSE);
}

static void
forecast_ready (gpointer subject, const ParleyForecast *forecast, gpointer data)
{
  ParleyModelRow *self = data;

  parley_verdict_set (PARLEY_VERDICT (self->verdict), forecast->verdict, forecast->words);
  parley_verdict_set_why (PARLEY_VERDICT (self->verdict), forecast->why);
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

/* A model in the trash until nobody can take it back any more. */
typedef struct {
  ParleyLibrary *library;
  ParleyModel *model;
  char *id;
  ParleyWindow *window; /* weak */
} Trashed;

static void
trashed_free (gpointer data)
{
  Trashed *trashed = data;

  g_clear_weak_pointer (&trashed->window);
  g_object_unref (trashed->library);
  g_object_unref (trashed->model);
  g_free (trashed->id);
  g_free (trashed);
}

static void
trashed_leave (gpointer data, GClosure *closure)
{
  trashed_free (data);
}

static void
undo_delete (AdwToast *toast, gpointer data)
{
  Trashed *trashed = data;
  g_autoptr (GError) error = NULL;
  gboolean good = parley_library_restore (trashed->library, trashed->model, trashed->id, &error);

  g_clear_pointer (&trashed->id, g_free);
  if (good || trashed->window == NULL)
    return;
  g_autofree char *text =
      g_strdup_printf (_ ("%s is kept, but not put back yet: %s. Parley tries again when it starts "
                          "the next time."),
                       parley_model_get_name (trashed->model), error->message);
  parley_window_toast (trashed->window, text);
}

static void
purge (GTask *task, gpointer library, gpointer data, GCancellable *cancellable)
{
  Trashed *trashed = data;

  parley_library_purge (library, trashed->model, trashed->id);
  g_task_return_boolean (task, TRUE);
}

/* On a thread: a disk takes its time over many gigabytes. */
static void
delete_for_good (AdwToast *toast, gpointer data)
{
  Trashed *trashed = data;

  if (trashed->id == NULL)
    return;
  g_autoptr (GTask) task = g_task_new (trashed->library, NULL, NULL, NULL);
  Trashed *gone = g_new0 (Trashed, 1);
  *gone = (Trashed){ g_object_ref (trashed->library), g_object_ref (trashed->model),
                     g_steal_pointer (&trashed->id), NULL };
  g_task_set_task_data (task, gone, trashed_free);
  g_task_run_in_thread (task, purge);
}

static void
delete_model (GtkWidget *widget, const char *action, GVariant *parameter)
{
  /* Its row goes with the model. */
  g_autoptr (ParleyModelRow) self = g_object_ref (PARLEY_MODEL_ROW (widget));
  g_autoptr (ParleyModel) model = g_object_ref (self->model);
  ParleyServices *services = self->services;
  ParleyWindow *window = window_of (self);
  g_autoptr (GError) error = NULL;
  g_autofree char *size = parley_format_size (parley_model_get_size (model));
  g_autofree char *text =
      g_strdup_printf (_ ("%s deleted, %s"), parley_model_get_name (model), size);

  parley_engines_forget (services->engines, model);
  char *id = parley_library_trash (services->library, model, &error);
  if (id == NULL) {
    parley_window_toast (window, error->message);
    return;
  }
  AdwToast *toast = parley_toast_new_undo (text);
  Trashed *trashed = g_new0 (Trashed, 1);
  *trashed = (Trashed){ g_object_ref (services->library), g_object_ref (model), id, NULL };
  g_set_weak_pointer (&trashed->window, window);
  g_signal_connect (toast, "button-clicked", G_CALLBACK (undo_delete), trashed);
  g_signal_connect_data (toast, "dismissed", G_CALLBACK (delete_for_good), trashed, trashed_leave,
                         0);
  parley_window_add_toast (window, toast);
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
ask_text (ParleyModelRow *self, const char *text, const char *label, const char *heading,
          const char *body, const char *verb, ParleyAnswer answer)
{
  Naming *naming = g_new0 (Naming, 1);

  naming->row = g_object_ref (self);
  naming->entry = g_object_ref_sink (gtk_entry_new ());
  gtk_editable_set_text (GTK_EDITABLE (naming->entry), text);
  gtk_entry_set_activates_default (GTK_ENTRY (naming->entry), TRUE);
  parley_set_accessible_name (naming->entry, label);
  parley_ask (GTK_WINDOW (window_of (self)), heading, body, naming->entry, verb, FALSE, answer,
              naming, naming_free);
}

static void
ask_name (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);

  ask_text (self, parley_model_get_name (self->model), _ ("Name of the model"),
            _ ("Rename the Model"),
            _ ("Leave it empty to use the name in the file. The file itself keeps its name."),
            _ ("Rename"), name_now);
}

/* ---- tags ---- */

static void
tag_now (gpointer data)
{
  Naming *naming = data;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) tags = g_strsplit (gtk_editable_get_text (GTK_EDITABLE (naming->entry)), ",", 50);

  if (!parley_record_set_tags (naming->row->services->store, naming->row->model,
                               (const char *const *) tags, &error))
    parley_window_toast (window_of (naming->row), error->message);
}

static void
ask_tags (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);
  const char *const *tags = parley_model_get_tags (self->model);
  g_autofree char *text = tags != NULL ? g_strjoinv (", ", (GStrv) tags) : g_strdup ("");

  ask_text (self, text, _ ("Tags of the model"), _ ("Tags"),
            _ ("Words by which you find it again, with commas between them."), _ ("Set Tags"),
            tag_now);
}

/* ---- on the disk ---- */

static void
show_details (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);

  parley_model_details_present (GTK_WINDOW (window_of (self)), self->services, self->model);
}

static void
show_defaults (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);

  parley_model_defaults_present (GTK_WINDOW (window_of (self)), self->services, self->model);
}

static void
show_file (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);

  parley_model_show_file (GTK_WINDOW (window_of (self)), self->model);
}

static void
verify (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);

  parley_model_work_verify (self->services, GTK_WIDGET (window_of (self)), self->model);
}

static void export(GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);

  parley_model_work_export (self->services, GTK_WIDGET (window_of (self)), self->model);
}

static void
move (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);

  parley_engines_forget (self->services->engines, self->model);
  parley_model_work_move (self->services, GTK_WIDGET (window_of (self)), self->model,
                          g_variant_get_bytestring (parameter));
}

static void
get_newer (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ParleyModelRow *self = PARLEY_MODEL_ROW (widget);
  ParleyHubFile *file = parley_updates_find (self->services->updates, self->model);
  g_autoptr (GError) error = NULL;

  if (file != NULL && parley_downloads_add (self->services->downloads, file, &error) == NULL)
    parley_window_toast (window_of (self), error->message);
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
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.delete", NULL, delete_model);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.tags", NULL, ask_tags);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.defaults", NULL, show_defaults);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.show-file", NULL, show_file);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.verify", NULL, verify);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.export", NULL, export);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.move", "ay", move);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.get-newer", NULL, get_newer);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.pin", NULL, pin);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "row.rename", NULL, ask_name);
}

static void
parley_model_row_init (ParleyModelRow *self)
{
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self), FALSE);
}

/* "example/Stories-GGUF · 32k of context · last used today". */
static char *
dup_history (ParleyModel *model)
{
  GString *out = g_string_new (NULL);
  guint context = parley_model_get_context_length (model);
  gint64 used = parley_model_get_last_used (model);

  parley_format_add_fact (out, parley_model_get_repo (model));
  if (context >= 1024) {
    g_autofree char *reach = g_strdup_printf (_ ("%uk of context"), context / 1024);
    parley_format_add_fact (out, reach);
  }
  if (used > 0) {
    g_autofree char *days =
        parley_format_days_ago (used / G_USEC_PER_SEC, g_get_real_time () / G_USEC_PER_SEC);
    g_autofree char *last = g_strdup_printf (_ ("last used %s"), days);
    parley_format_add_fact (out, last);
  }
  return g_string_free (out, FALSE);
}

static GtkWidget *
build_texts (ParleyModelRow *self)
{
  GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 4, NULL);
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 0, NULL);
  g_autofree char *facts = parley_model_describe (self->model);
  g_autofree char *history = dup_history (self->model);
  ParleyModelState state = parley_model_get_state (self->model);

  self->verdict = parley_verdict_new ();
  self->speed = parley_line ("", "numeric dim-label");
  gtk_widget_set_visible (self->speed, FALSE);
  gtk_widget_set_layout_manager (line, parley_wrap_layout_new (14, 3));
  gtk_box_append (GTK_BOX (line), self->verdict);
  gtk_box_append (GTK_BOX (line), self->speed);
  if (parley_model_is_pinned (self->model))
    gtk_box_append (GTK_BOX (line), parley_line (_ ("Pinned"), "tag"));
  if (parley_updates_find (self->services->updates, self->model) != NULL)
    gtk_box_append (GTK_BOX (line), parley_line (_ ("Newer version"), "tag"));
  gtk_box_append (GTK_BOX (texts), parley_line (parley_model_get_name (self->model), "quant-name"));
  gtk_box_append (GTK_BOX (texts), parley_label (facts, "numeric dim-label"));
  if (*history != '\0')
    gtk_box_append (GTK_BOX (texts), parley_line (history, "caption numeric dim-label"));
  gtk_box_append (GTK_BOX (texts), line);
  if (parley_model_is_builtin (self->model))
    gtk_box_append (
        GTK_BOX (texts),
        parley_label (_ ("A tiny demonstration that comes with Parley"), "caption dim-label"));
  if (state == PARLEY_MODEL_READY) {
    self->cancellable = g_cancellable_new ();
    parley_forecast_model (self->services, self->model, NULL, NULL, self->cancellable,
                           forecast_ready, g_object_ref (self), g_object_unref);
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

static void
add_folders (ParleyModelRow *self, GMenu *menu)
{
  g_auto (GStrv) more = parley_places_get (self->services->store, PARLEY_SETTING_FOLDERS);
  const char *present = parley_model_get_folder (self->model);
  const char *first = parley_library_get_models_dir (self->services->library);
  g_autoptr (GMenu) folders = g_menu_new ();

  for (guint i = 0; i == 0 || (more != NULL && more[i - 1] != NULL); i++) {
    const char *folder = i == 0 ? first : more[i - 1];
    if (g_str_equal (folder, present))
      continue;
    g_autofree char *name = g_filename_display_name (folder);
    g_auto (GStrv) words = g_strsplit (name, "_", -1);
    g_autofree char *label = g_strjoinv ("__", words); /* one alone would mark a letter */
    g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);
    g_menu_item_set_action_and_target_value (item, "row.move", g_variant_new_bytestring (folder));
    g_menu_append_item (folders, item);
  }
  if (g_menu_model_get_n_items (G_MENU_MODEL (folders)) > 0)
    g_menu_append_submenu (menu, _ ("_Move To"), G_MENU_MODEL (folders));
}

static void
fill_menu (ParleyModelRow *self, GMenu *menu)
{
  gboolean ready = parley_model_get_state (self->model) == PARLEY_MODEL_READY;
  g_autoptr (GMenu) person = g_menu_new (), disk = g_menu_new (), end = g_menu_new ();

  g_menu_append (menu, _ ("_Details"), "row.details");
  if (!parley_model_is_builtin (self->model)) {
    if (parley_updates_find (self->services->updates, self->model) != NULL)
      g_menu_append (menu, _ ("Download the _Newer Version"), "row.get-newer");
    if (ready)
      g_menu_append (person, _ ("De_faults…"), "row.defaults");
    g_menu_append (person, _ ("_Rename…"), "row.rename");
    g_menu_append (person, _ ("_Tags…"), "row.tags");
    g_menu_append (person,
                   parley_model_is_pinned (self->model) ? _ ("_Unpin") : _ ("_Pin to the Top"),
                   "row.pin");
    g_menu_append (disk, _ ("_Show in Files"), "row.show-file");
    if (ready) {
      g_menu_append (disk, _ ("_Verify Again"), "row.verify");
      g_menu_append (disk, _ ("_Export…"), "row.export");
    }
    if (parley_model_is_managed (self->model)) {
      if (ready)
        add_folders (self, disk);
      g_menu_append (end, _ ("_Delete"), "row.delete");
    }
  }
  g_menu_append_section (menu, NULL, G_MENU_MODEL (person));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (disk));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (end));
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
  parley_set_accessible_name (button, chat_name);
  gtk_widget_set_visible (button, parley_model_get_state (model) == PARLEY_MODEL_READY);
  g_signal_connect (button, "clicked", G_CALLBACK (chat), self);
  gtk_box_append (GTK_BOX (row), button);
  fill_menu (self, menu);
  GtkWidget *more = parley_menu_button ("view-more-symbolic", menu_name, G_MENU_MODEL (menu));
  gtk_widget_add_css_class (more, "flat");
  gtk_box_append (GTK_BOX (row), more);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), row);
  parley_set_accessible_name (GTK_WIDGET (self), name);
  return GTK_WIDGET (self);
}
