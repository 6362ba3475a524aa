/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-context-meter.h"

#include "app/text/parley-format.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define NEARLY_FULL 0.85

struct _ParleyContextMeter {
  GtkBox parent;
  ParleyChat *chat;
  guint waiting; /* tokens of files that go along with the next message */
  GtkWidget *bar, *figures;
};

G_DEFINE_FINAL_TYPE (ParleyContextMeter, parley_context_meter, GTK_TYPE_BOX)

static void
show (ParleyContextMeter *self)
{
  guint used = self->waiting + (self->chat != NULL ? parley_chat_get_context_used (self->chat) : 0);
  guint length = self->chat != NULL ? parley_chat_get_context_length (self->chat) : 0;
  double share = length > 0 ? MIN ((double) used / length, 1) : 0;

  gtk_widget_set_visible (GTK_WIDGET (self), used > 0 && length > 0);
  if (used == 0 || length == 0)
    return;
  g_autofree char *number = parley_format_number (used);
  g_autofree char *of = parley_format_tokens (length);
  /* Translators: how much of the context is used, such as "1,234 of 8,192 tokens". */
  g_autofree char *text = g_strdup_printf (_ ("%s of %s"), number, of);
  gtk_label_set_text (GTK_LABEL (self->figures), text);
  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar), share);
  if (share >= NEARLY_FULL)
    gtk_widget_add_css_class (self->bar, "nearly-full");
  else
    gtk_widget_remove_css_class (self->bar, "nearly-full");
}

void
parley_context_meter_set_waiting (ParleyContextMeter *self, guint tokens)
{
  if (tokens == self->waiting)
    return;
  self->waiting = tokens;
  show (self);
}

void
parley_context_meter_set_chat (ParleyContextMeter *self, ParleyChat *chat)
{
  if (self->chat != NULL)
    g_signal_handlers_disconnect_by_data (self->chat, self);
  g_set_object (&self->chat, chat);
  if (chat != NULL) {
    g_signal_connect_swapped (chat, "notify::context-used", G_CALLBACK (show), self);
    g_signal_connect_swapped (chat, "notify::context-length", G_CALLBACK (show), self);
  }
  show (self);
}

static void
dispose (GObject *object)
{
  ParleyContextMeter *self = PARLEY_CONTEXT_METER (object);

  if (self->chat != NULL)
    g_signal_handlers_disconnect_by_data (self->chat, self);
  g_clear_object (&self->chat);
  G_OBJECT_CLASS (parley_context_meter_parent_class)->dispose (object);
}

static void
parley_context_meter_class_init (ParleyContextMeterClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
}

static void
parley_context_meter_init (ParleyContextMeter *self)
{
  gtk_box_set_spacing (GTK_BOX (self), 8);
  gtk_widget_add_css_class (GTK_WIDGET (self), "context-meter");
  gtk_widget_set_halign (GTK_WIDGET (self), GTK_ALIGN_END);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self),
                               _ ("How much of its context the conversation fills"));
  self->bar = gtk_progress_bar_new ();
  gtk_widget_add_css_class (self->bar, "slim");
  gtk_widget_set_size_request (self->bar, 64, -1);
  gtk_widget_set_valign (self->bar, GTK_ALIGN_CENTER);
  parley_set_accessible_name (self->bar, _ ("Context in use"));
  self->figures = parley_line ("", "caption dim-label numeric");
  gtk_box_append (GTK_BOX (self), self->bar);
  gtk_box_append (GTK_BOX (self), self->figures);
  show (self);
}

GtkWidget *
parley_context_meter_new (void)
{
  return g_object_new (PARLEY_TYPE_CONTEXT_METER, NULL);
}
