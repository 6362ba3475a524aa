/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-model-picker.h"

#include "app/models/parley-model-row.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

struct _ParleyModelPicker {
  GtkWidget parent;
  ParleyServices *services;
  GtkWidget *button, *name, *state, *list, *empty, *popover;
};

G_DEFINE_FINAL_TYPE (ParleyModelPicker, parley_model_picker, GTK_TYPE_WIDGET)

enum { PICKED, N_SIGNALS };
static guint signals[N_SIGNALS];

void
parley_model_picker_popup (ParleyModelPicker *self)
{
  gtk_menu_button_popup (GTK_MENU_BUTTON (self->button));
}

void
parley_model_picker_set (ParleyModelPicker *self, const char *name, const char *state)
{
  const char *shown = name != NULL ? name : _ ("Choose a Model");

  gtk_label_set_text (GTK_LABEL (self->name), shown);
  gtk_label_set_text (GTK_LABEL (self->state), state != NULL ? state : "");
  gtk_widget_set_visible (self->state, state != NULL && *state != '\0');
  parley_set_accessible_name (self->button, shown);
}

/* A button rather than a plain row: it can be pressed by keyboard and assistive technologies. */
static void
pick (GtkButton *button, ParleyModelPicker *self)
{
  gtk_menu_button_popdown (GTK_MENU_BUTTON (self->button));
  g_signal_emit (self, signals[PICKED], 0, g_object_get_data (G_OBJECT (button), "parley-model"));
}

static void
fill (ParleyModelPicker *self)
{
  GListModel *library = G_LIST_MODEL (self->services->library);
  guint shown = 0;

  parley_box_clear (self->list);
  for (guint i = 0; i < g_list_model_get_n_items (library); i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (library, i);
    if (parley_model_get_state (model) != PARLEY_MODEL_READY)
      continue;
    GtkWidget *button = gtk_button_new (), *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);
    GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 2, NULL);
    g_autofree char *facts = parley_model_describe (model);
    gtk_box_append (GTK_BOX (texts), parley_line (parley_model_get_name (model), NULL));
    gtk_box_append (GTK_BOX (texts), parley_line (facts, "caption dim-label numeric"));
    gtk_widget_set_hexpand (texts, TRUE);
    gtk_box_append (GTK_BOX (line), texts);
    if (parley_engines_find (self->services->engines, model) != NULL)
      gtk_box_append (GTK_BOX (line), parley_line (_ ("Loaded"), "tag"));
    gtk_button_set_child (GTK_BUTTON (button), line);
    parley_add_classes (button, "flat starter");
    parley_set_accessible_name (button, parley_model_get_name (model));
    g_object_set_data_full (G_OBJECT (button), "parley-model", g_object_ref (model),
                            g_object_unref);
    g_signal_connect (button, "clicked", G_CALLBACK (pick), self);
    gtk_box_append (GTK_BOX (self->list), button);
    shown++;
  }
  gtk_widget_set_visible (self->empty, shown == 0);
}

static void
close_popover (ParleyModelPicker *self)
{
  gtk_menu_button_popdown (GTK_MENU_BUTTON (self->button));
}

static GtkWidget *
build_popover (ParleyModelPicker *self)
{
  GtkWidget *popover = gtk_popover_new (), *scroller = gtk_scrolled_window_new ();
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 6, NULL);
  GtkWidget *find = parley_text_button (_ ("Find Another Model…"), "win.show-discover");

  self->list = parley_box (GTK_ORIENTATION_VERTICAL, 2, NULL);
  self->empty = parley_label (_ ("There is no model on this computer yet."), "dim-label");
  gtk_widget_set_margin_top (self->empty, 12);
  gtk_widget_set_margin_bottom (self->empty, 12);
  gtk_label_set_xalign (GTK_LABEL (self->empty), 0.5f);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), 380);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), self->list);
  gtk_widget_set_size_request (scroller, 290, -1);
  gtk_widget_add_css_class (find, "flat");
  g_signal_connect_swapped (find, "clicked", G_CALLBACK (close_popover), self);
  gtk_box_append (GTK_BOX (box), scroller);
  gtk_box_append (GTK_BOX (box), self->empty);
  gtk_box_append (GTK_BOX (box), gtk_separator_new (GTK_ORIENTATION_HORIZONTAL));
  gtk_box_append (GTK_BOX (box), find);
  gtk_popover_set_child (GTK_POPOVER (popover), box);
  g_signal_connect_swapped (popover, "show", G_CALLBACK (fill), self);
  return popover;
}

static void
dispose (GObject *object)
{
  g_clear_pointer (&PARLEY_MODEL_PICKER (object)->button, gtk_widget_unparent);
  G_OBJECT_CLASS (parley_model_picker_parent_class)->dispose (object);
}

static void
parley_model_picker_class_init (ParleyModelPickerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
  signals[PICKED] = g_signal_new ("picked", PARLEY_TYPE_MODEL_PICKER, G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 1, PARLEY_TYPE_MODEL);
}

static void
parley_model_picker_init (ParleyModelPicker *self)
{
  GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);

  self->name = parley_line ("", NULL);
  self->state = parley_line ("", "subtitle numeric");
  gtk_label_set_xalign (GTK_LABEL (self->name), 0.5f);
  gtk_label_set_xalign (GTK_LABEL (self->state), 0.5f);
  gtk_widget_set_valign (texts, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (texts), self->name);
  gtk_box_append (GTK_BOX (texts), self->state);
  gtk_box_append (GTK_BOX (line), texts);
  gtk_box_append (GTK_BOX (line), parley_icon ("pan-down-symbolic"));
  self->button = gtk_menu_button_new ();
  gtk_menu_button_set_child (GTK_MENU_BUTTON (self->button), line);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (self->button), build_popover (self));
  parley_add_classes (self->button, "flat model-button");
  gtk_widget_set_tooltip_text (self->button, _ ("Choose a model (Ctrl+L)"));
  gtk_widget_set_parent (self->button, GTK_WIDGET (self));
  parley_model_picker_set (self, NULL, NULL);
}

GtkWidget *
parley_model_picker_new (ParleyServices *services)
{
  ParleyModelPicker *self = g_object_new (PARLEY_TYPE_MODEL_PICKER, NULL);

  self->services = services;
  return GTK_WIDGET (self);
}
