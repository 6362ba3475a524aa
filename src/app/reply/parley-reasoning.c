/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-reasoning.h"

#include "app/text/parley-format.h"
#include "app/reply/parley-markdown-view.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

struct _ParleyReasoning {
  GtkBox parent;
  GtkWidget *button, *title, *chevron, *revealer, *view;
  gint64 began; /* monotonic microseconds; 0: was complete when first seen */
  guint settled : 1;
};

G_DEFINE_FINAL_TYPE (ParleyReasoning, parley_reasoning, GTK_TYPE_BOX)

static void
toggled (GtkToggleButton *button, ParleyReasoning *self)
{
  parley_fold (self->button, self->chevron, self->revealer, gtk_toggle_button_get_active (button));
}

void
parley_reasoning_unfold (ParleyReasoning *self)
{
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->button), TRUE);
}

static void
set_title (ParleyReasoning *self, const char *title)
{
  gtk_label_set_text (GTK_LABEL (self->title), title);
  parley_set_accessible_name (self->button, title);
}

void
parley_reasoning_set (ParleyReasoning *self, const char *text, gsize length, gboolean live,
                      double seconds)
{
  if (live && self->began == 0)
    self->began = g_get_monotonic_time ();
  if (live)
    set_title (self, _ ("Thinking…"));
  else if (seconds > 0 || (!self->settled && self->began != 0)) {
    if (seconds <= 0)
      seconds = (double) (g_get_monotonic_time () - self->began) / 1e6;
    g_autofree char *duration = parley_format_duration (seconds);
    g_autofree char *title = g_strdup_printf (_ ("Thought for %s"), duration);
    set_title (self, title);
  } else if (!self->settled)
    set_title (self, _ ("Thoughts"));
  self->settled = !live;
  parley_markdown_view_set (PARLEY_MARKDOWN_VIEW (self->view), text, length, !live);
}

static void
parley_reasoning_class_init (ParleyReasoningClass *klass)
{
}

static void
parley_reasoning_init (ParleyReasoning *self)
{
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 6, NULL);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_widget_add_css_class (GTK_WIDGET (self), "reasoning");
  self->button = gtk_toggle_button_new ();
  gtk_widget_add_css_class (self->button, "flat");
  gtk_widget_set_halign (self->button, GTK_ALIGN_START);
  self->title = parley_line ("", "dim-label");
  self->chevron = parley_icon (NULL);
  gtk_box_append (GTK_BOX (line), parley_icon ("parley-think-symbolic"));
  gtk_box_append (GTK_BOX (line), self->title);
  gtk_box_append (GTK_BOX (line), self->chevron);
  gtk_button_set_child (GTK_BUTTON (self->button), line);
  self->view = parley_markdown_view_new ();
  gtk_widget_add_css_class (self->view, "reasoning-text");
  self->revealer = gtk_revealer_new ();
  gtk_revealer_set_child (GTK_REVEALER (self->revealer), self->view);
  parley_fold (self->button, self->chevron, self->revealer, FALSE);
  g_signal_connect (self->button, "toggled", G_CALLBACK (toggled), self);
  gtk_box_append (GTK_BOX (self), self->button);
  gtk_box_append (GTK_BOX (self), self->revealer);
}

GtkWidget *
parley_reasoning_new (void)
{
  return g_object_new (PARLEY_TYPE_REASONING, NULL);
}
