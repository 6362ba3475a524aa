/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-transfer-box.h"

#include "app/text/parley-format.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

struct _ParleyTransferBox {
  GtkBox parent;
  ParleyServices *services;
  ParleyTransfer *transfer;
  GtkWidget *bar, *text, *page, *pause, *resume, *cancel;
};

G_DEFINE_FINAL_TYPE (ParleyTransferBox, parley_transfer_box, GTK_TYPE_BOX)

char *
parley_transfer_describe (ParleyTransfer *transfer)
{
  const char *message = parley_transfer_get_message (transfer);
  guint64 done = parley_transfer_get_bytes_done (transfer);
  guint64 total = parley_transfer_get_bytes_total (transfer);
  double rate = parley_transfer_get_rate (transfer);
  g_autofree char *so_far = parley_format_size (done), *all = parley_format_size (total);
  GString *out = g_string_new (NULL);

  if (message != NULL && *message != '\0') {
    g_string_append (out, message);
    return g_string_free (out, FALSE);
  }
  switch (parley_transfer_get_state (transfer)) {
  case PARLEY_TRANSFER_QUEUED: g_string_append (out, _ ("Waits for other downloads")); break;
  case PARLEY_TRANSFER_CHECKING: g_string_append (out, _ ("Checking what is there already")); break;
  case PARLEY_TRANSFER_PAUSED:
    g_string_append_printf (out, _ ("Paused, %s of %s"), so_far, all);
    break;
  case PARLEY_TRANSFER_DONE: g_string_append_printf (out, _ ("%s, verified"), all); break;
  case PARLEY_TRANSFER_CANCELLED: g_string_append (out, _ ("Cancelled")); break;
  default: {
    g_autofree char *amount = g_strdup_printf (_ ("%s of %s"), so_far, all);
    parley_format_add_fact (out, amount);
    if (rate > 0) {
      g_autofree char *speed = parley_format_size ((guint64) rate);
      g_autofree char *left = parley_format_duration ((double) (total - MIN (done, total)) / rate);
      g_autofree char *rate_text = g_strdup_printf (_ ("%s/s"), speed);
      g_autofree char *left_text = *left != '\0' ? g_strdup_printf (_ ("%s left"), left) : NULL;
      parley_format_add_fact (out, rate_text);
      parley_format_add_fact (out, left_text);
    }
  }
  }
  return g_string_free (out, FALSE);
}

static void
show (ParleyTransferBox *self)
{
  ParleyTransferState state = parley_transfer_get_state (self->transfer);
  g_autofree char *text = parley_transfer_describe (self->transfer);
  gboolean active = parley_transfer_is_active (self->transfer);

  gtk_label_set_text (GTK_LABEL (self->text), text);
  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar),
                                 parley_transfer_get_fraction (self->transfer));
  gtk_widget_set_visible (self->pause, active);
  gtk_widget_set_visible (self->resume, state == PARLEY_TRANSFER_PAUSED ||
                                            state == PARLEY_TRANSFER_FAILED ||
                                            state == PARLEY_TRANSFER_WAITING);
  gtk_widget_set_visible (self->cancel,
                          state != PARLEY_TRANSFER_DONE && state != PARLEY_TRANSFER_CANCELLED);
  gtk_widget_set_visible (self->page, g_error_matches (parley_transfer_get_error (self->transfer),
                                                       PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_GATED));
  if (state == PARLEY_TRANSFER_FAILED)
    gtk_widget_add_css_class (self->text, "error");
  else
    gtk_widget_remove_css_class (self->text, "error");
}

/* Terms can only be accepted in a browser. */
static void
open_page (ParleyTransferBox *self)
{
  g_autofree char *address =
      parley_hub_dup_page_address (self->services->hub, parley_transfer_get_repo (self->transfer));

  gtk_widget_activate_action (GTK_WIDGET (self), "win.open-link", "s", address);
}

static void
dispose (GObject *object)
{
  g_clear_object (&PARLEY_TRANSFER_BOX (object)->transfer);
  G_OBJECT_CLASS (parley_transfer_box_parent_class)->dispose (object);
}

static void
parley_transfer_box_class_init (ParleyTransferBoxClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
}

static void
parley_transfer_box_init (ParleyTransferBox *self)
{
  gtk_box_set_spacing (GTK_BOX (self), 6);
}

static GtkWidget *
flat_button (ParleyTransferBox *self, const char *icon, const char *name, GCallback callback)
{
  GtkWidget *button = parley_icon_button (icon, name, NULL);

  parley_add_classes (button, "flat circular");
  g_signal_connect_object (button, "clicked", callback, self->transfer, G_CONNECT_SWAPPED);
  return button;
}

GtkWidget *
parley_transfer_box_new (ParleyServices *services, ParleyTransfer *transfer)
{
  ParleyTransferBox *self = g_object_new (PARLEY_TYPE_TRANSFER_BOX, NULL);
  GtkWidget *column = parley_box (GTK_ORIENTATION_VERTICAL, 6, NULL);

  self->services = services;
  self->transfer = g_object_ref (transfer);
  self->bar = gtk_progress_bar_new ();
  gtk_widget_add_css_class (self->bar, "slim");
  parley_set_accessible_name (self->bar, _ ("Downloaded"));
  self->text = parley_label ("", "caption numeric dim-label");
  gtk_box_append (GTK_BOX (column), self->bar);
  gtk_box_append (GTK_BOX (column), self->text);
  gtk_widget_set_hexpand (column, TRUE);
  gtk_widget_set_valign (column, GTK_ALIGN_CENTER);
  self->page = parley_text_button (_ ("Open Page"), NULL);
  g_signal_connect_swapped (self->page, "clicked", G_CALLBACK (open_page), self);
  self->pause = flat_button (self, "media-playback-pause-symbolic", _ ("Pause download"),
                             G_CALLBACK (parley_transfer_pause));
  self->resume = flat_button (self, "media-playback-start-symbolic", _ ("Resume download"),
                              G_CALLBACK (parley_transfer_resume));
  self->cancel = flat_button (self, "window-close-symbolic", _ ("Cancel download"),
                              G_CALLBACK (parley_transfer_cancel));
  gtk_box_append (GTK_BOX (self), column);
  gtk_box_append (GTK_BOX (self), self->page);
  gtk_box_append (GTK_BOX (self), self->pause);
  gtk_box_append (GTK_BOX (self), self->resume);
  gtk_box_append (GTK_BOX (self), self->cancel);
  g_signal_connect_object (transfer, "notify", G_CALLBACK (show), self, G_CONNECT_SWAPPED);
  show (self);
  return GTK_WIDGET (self);
}
