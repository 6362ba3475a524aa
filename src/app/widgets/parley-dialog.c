/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/widgets/parley-dialog.h"

#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

/* Pixels that a question's buttons may take beside each other, on a screen of 360: its margins are
 * 24. */
#define MOST_FOR_BUTTONS 312

struct _ParleyDialog {
  AdwWindow parent;
  ParleyAnswer answer;
  gpointer data;
  GDestroyNotify destroy;
};

G_DEFINE_FINAL_TYPE (ParleyDialog, parley_dialog, ADW_TYPE_WINDOW)

static void
dispose (GObject *object)
{
  ParleyDialog *self = PARLEY_DIALOG (object);
  GDestroyNotify destroy = g_steal_pointer (&self->destroy);

  self->answer = NULL;
  G_OBJECT_CLASS (parley_dialog_parent_class)->dispose (object);
  /* After the toolkit let go of the window below: the data may be the last to hold that, and a
   * dialog that is destroyed already is not told when it goes. */
  if (destroy != NULL)
    destroy (self->data);
}

static void
parley_dialog_class_init (ParleyDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = dispose;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_DIALOG);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_w, GDK_CONTROL_MASK, "window.close",
                                       NULL);
}

static void
parley_dialog_init (ParleyDialog *self)
{
  gtk_window_set_modal (GTK_WINDOW (self), TRUE);
  gtk_window_set_destroy_with_parent (GTK_WINDOW (self), TRUE);
}

static ParleyDialog *
dialog_over (GtkWindow *parent, const char *title, GtkWidget *content, int width, int height)
{
  int available = parent != NULL ? gtk_widget_get_width (GTK_WIDGET (parent)) : 0;

  return g_object_new (PARLEY_TYPE_DIALOG, "transient-for", parent, "title", title, "content",
                       content, "default-width", available > 0 ? MIN (width, available) : width,
                       "default-height", height, NULL);
}

GtkWindow *
parley_dialog_new (GtkWindow *parent, const char *title, GtkWidget *child, int width, int height)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);

  gtk_box_append (GTK_BOX (box), parley_header_bar (title));
  gtk_widget_set_vexpand (child, TRUE);
  gtk_box_append (GTK_BOX (box), child);
  return GTK_WINDOW (dialog_over (parent, title, box, width, height));
}

static void
answered (GtkButton *button, ParleyDialog *self)
{
  ParleyAnswer answer = self->answer;

  if (answer != NULL)
    answer (self->data);
  gtk_window_close (GTK_WINDOW (self));
}

GtkWindow *
parley_ask (GtkWindow *parent, const char *heading, const char *body, GtkWidget *extra,
            const char *verb, gboolean destructive, ParleyAnswer answer, gpointer data,
            GDestroyNotify destroy)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 12, "dialog-body");
  GtkWidget *handle = gtk_window_handle_new ();
  GtkWidget *buttons = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);
  GtkWidget *cancel = parley_text_button (_ ("Cancel"), "window.close");
  GtkWidget *go = parley_text_button (verb, NULL),
            *title = parley_heading (heading, "dialog-heading", 1);
  int width;

  gtk_label_set_justify (GTK_LABEL (title), GTK_JUSTIFY_CENTER);
  gtk_label_set_xalign (GTK_LABEL (title), 0.5f);
  gtk_widget_set_margin_top (title, 24);
  gtk_box_append (GTK_BOX (box), title);
  if (body != NULL) {
    GtkWidget *text = parley_label (body, NULL);
    gtk_label_set_justify (GTK_LABEL (text), GTK_JUSTIFY_CENTER);
    gtk_label_set_xalign (GTK_LABEL (text), 0.5f);
    gtk_label_set_max_width_chars (GTK_LABEL (text), 44);
    gtk_box_append (GTK_BOX (box), text);
  }
  if (extra != NULL)
    gtk_box_append (GTK_BOX (box), extra);
  gtk_box_set_homogeneous (GTK_BOX (buttons), TRUE);
  gtk_widget_set_margin_top (buttons, 12);
  gtk_widget_add_css_class (go, destructive ? "destructive-action" : "suggested-action");
  gtk_box_append (GTK_BOX (buttons), cancel);
  gtk_box_append (GTK_BOX (buttons), go);
  gtk_widget_measure (buttons, GTK_ORIENTATION_HORIZONTAL, -1, &width, NULL, NULL, NULL);
  if (width > MOST_FOR_BUTTONS)
    gtk_orientable_set_orientation (GTK_ORIENTABLE (buttons), GTK_ORIENTATION_VERTICAL);
  gtk_box_append (GTK_BOX (box), buttons);
  gtk_window_handle_set_child (GTK_WINDOW_HANDLE (handle), box);

  ParleyDialog *self = dialog_over (parent, heading, handle, 400, -1);
  self->answer = answer;
  self->data = data;
  self->destroy = destroy;
  gtk_window_set_resizable (GTK_WINDOW (self), FALSE);
  g_signal_connect (go, "clicked", G_CALLBACK (answered), self);
  gtk_window_set_default_widget (GTK_WINDOW (self), destructive ? cancel : go);
  gtk_widget_grab_focus (destructive ? cancel : go);
  gtk_window_present (GTK_WINDOW (self));
  return GTK_WINDOW (self);
}
