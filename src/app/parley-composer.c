/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-composer.h"

#include "app/parley-widgets.h"

#include <glib/gi18n.h>

#define MAX_HEIGHT 220

struct _ParleyComposer {
  GtkBox parent;
  GtkWidget *view, *hint, *send, *stop, *stack;
};

G_DEFINE_FINAL_TYPE (ParleyComposer, parley_composer, GTK_TYPE_BOX)

enum { SEND, STOP, CHANGED, RECALL, N_SIGNALS };
static guint signals[N_SIGNALS];

static GtkTextBuffer *
buffer_of (ParleyComposer *self)
{
  return gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->view));
}

char *
parley_composer_dup_text (ParleyComposer *self)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer_of (self), &start, &end);
  return gtk_text_buffer_get_text (buffer_of (self), &start, &end, FALSE);
}

void
parley_composer_set_text (ParleyComposer *self, const char *text)
{
  gtk_text_buffer_set_text (buffer_of (self), text != NULL ? text : "", -1);
}

void
parley_composer_set_hint (ParleyComposer *self, const char *hint)
{
  gtk_label_set_text (GTK_LABEL (self->hint), hint);
}

void
parley_composer_set_running (ParleyComposer *self, gboolean running)
{
  gboolean had_focus = gtk_widget_is_focus (self->send) || gtk_widget_is_focus (self->stop);

  gtk_stack_set_visible_child (GTK_STACK (self->stack), running ? self->stop : self->send);
  if (had_focus)
    parley_composer_focus (self);
}

void
parley_composer_focus (ParleyComposer *self)
{
  gtk_widget_grab_focus (self->view);
}

static void
send (ParleyComposer *self)
{
  g_autofree char *text = g_strstrip (parley_composer_dup_text (self));

  if (*text != '\0')
    g_signal_emit (self, signals[SEND], 0, text);
}

static void
stop (ParleyComposer *self)
{
  g_signal_emit (self, signals[STOP], 0);
}

static void
text_changed (GtkTextBuffer *buffer, ParleyComposer *self)
{
  gboolean empty = gtk_text_buffer_get_char_count (buffer) == 0;

  gtk_widget_set_visible (self->hint, empty);
  gtk_widget_set_sensitive (self->send, !empty);
  g_signal_emit (self, signals[CHANGED], 0);
}

static gboolean
key_pressed (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType state,
             ParleyComposer *self)
{
  gboolean shift = (state & (GDK_SHIFT_MASK | GDK_CONTROL_MASK | GDK_ALT_MASK)) != 0;

  if ((key == GDK_KEY_Return || key == GDK_KEY_KP_Enter || key == GDK_KEY_ISO_Enter) && !shift) {
    send (self);
    return GDK_EVENT_STOP;
  }
  if (key == GDK_KEY_Up && !shift && gtk_text_buffer_get_char_count (buffer_of (self)) == 0) {
    g_signal_emit (self, signals[RECALL], 0);
    return GDK_EVENT_STOP;
  }
  return GDK_EVENT_PROPAGATE;
}

static GtkWidget *
round_button (ParleyComposer *self, const char *icon, const char *name, const char *css,
              GCallback callback)
{
  GtkWidget *button = parley_icon_button (icon, name, NULL);

  parley_add_classes (button, css);
  gtk_widget_set_valign (button, GTK_ALIGN_END);
  g_signal_connect_swapped (button, "clicked", callback, self);
  return button;
}

static void
parley_composer_class_init (ParleyComposerClass *klass)
{
  GType type = PARLEY_TYPE_COMPOSER;

  signals[SEND] = g_signal_new ("send", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                1, G_TYPE_STRING);
  signals[STOP] =
      g_signal_new ("stop", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[CHANGED] =
      g_signal_new ("changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[RECALL] =
      g_signal_new ("recall", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
parley_composer_init (ParleyComposer *self)
{
  GtkWidget *overlay = gtk_overlay_new (), *scroller = gtk_scrolled_window_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();

  gtk_widget_add_css_class (GTK_WIDGET (self), "composer");
  gtk_box_set_spacing (GTK_BOX (self), 8);
  self->view = gtk_text_view_new ();
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (self->view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_top_margin (GTK_TEXT_VIEW (self->view), 8);
  gtk_text_view_set_bottom_margin (GTK_TEXT_VIEW (self->view), 7);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (self->view), FALSE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Message"), -1);
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (key_pressed), self);
  gtk_widget_add_controller (self->view, keys);
  g_signal_connect (buffer_of (self), "changed", G_CALLBACK (text_changed), self);

  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), MAX_HEIGHT);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), self->view);
  self->hint = parley_line (_ ("Write a message"), "composer-hint");
  gtk_widget_set_valign (self->hint, GTK_ALIGN_CENTER);
  gtk_widget_set_can_target (self->hint, FALSE);
  gtk_overlay_set_child (GTK_OVERLAY (overlay), scroller);
  gtk_overlay_add_overlay (GTK_OVERLAY (overlay), self->hint);
  gtk_widget_set_hexpand (overlay, TRUE);

  self->stack = gtk_stack_new ();
  gtk_stack_set_transition_type (GTK_STACK (self->stack), GTK_STACK_TRANSITION_TYPE_CROSSFADE);
  gtk_widget_set_valign (self->stack, GTK_ALIGN_END);
  self->send = round_button (self, "parley-send-symbolic", _ ("Send"), "round suggested-action",
                             G_CALLBACK (send));
  self->stop = round_button (self, "parley-stop-symbolic", _ ("Stop"), "round", G_CALLBACK (stop));
  gtk_widget_set_sensitive (self->send, FALSE);
  gtk_stack_add_child (GTK_STACK (self->stack), self->send);
  gtk_stack_add_child (GTK_STACK (self->stack), self->stop);
  gtk_box_append (GTK_BOX (self), overlay);
  gtk_box_append (GTK_BOX (self), self->stack);
}

GtkWidget *
parley_composer_new (void)
{
  return g_object_new (PARLEY_TYPE_COMPOSER, NULL);
}
