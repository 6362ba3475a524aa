/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-composer.h"

#include "app/compat.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define MAX_HEIGHT 220

struct _ParleyComposer {
  GtkBox parent;
  GtkWidget *attachments, *view, *hint, *send, *stop, *stack;
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

/* ---- files ---- */

void
parley_composer_set_chat (ParleyComposer *self, ParleyChat *chat, ParleyStore *store)
{
  parley_attachments_set_chat (PARLEY_ATTACHMENTS (self->attachments), chat, store);
}

ParleyAttachments *
parley_composer_get_attachments (ParleyComposer *self)
{
  return PARLEY_ATTACHMENTS (self->attachments);
}

void
parley_composer_attach_file (ParleyComposer *self, GFile *file)
{
  parley_attachments_add (PARLEY_ATTACHMENTS (self->attachments), file);
}

static void
file_chosen (GFile *file, gpointer data)
{
  parley_composer_attach_file (PARLEY_COMPOSER (data), file);
}

void
parley_composer_attach (ParleyComposer *self)
{
  parley_open_files (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), _ ("Attach Files"), NULL,
                     TRUE, file_chosen, g_object_ref (self), g_object_unref);
}

static void
attach_list (ParleyComposer *self, GdkFileList *list)
{
  GSList *files = gdk_file_list_get_files (list);

  for (GSList *l = files; l != NULL; l = l->next)
    parley_composer_attach_file (self, l->data);
  g_slist_free (files);
}

static void
pasted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyComposer) self = data;
  const GValue *value = gdk_clipboard_read_value_finish (GDK_CLIPBOARD (source), result, NULL);

  if (value != NULL && G_VALUE_HOLDS (value, GDK_TYPE_FILE_LIST))
    attach_list (self, g_value_get_boxed (value));
}

/* Files on the clipboard are attached; text goes the usual way. */
static void
paste (GtkTextView *view, ParleyComposer *self)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (view));
  GdkContentFormats *formats = gdk_clipboard_get_formats (clipboard);

  if (!gdk_content_formats_contain_gtype (formats, GDK_TYPE_FILE_LIST) ||
      gdk_content_formats_contain_gtype (formats, G_TYPE_STRING))
    return;
  gdk_clipboard_read_value_async (clipboard, GDK_TYPE_FILE_LIST, G_PRIORITY_DEFAULT, NULL, pasted,
                                  g_object_ref (self));
  g_signal_stop_emission_by_name (view, "paste-clipboard");
}

/* ---- the text ---- */

static gboolean
can_send (ParleyComposer *self)
{
  ParleyAttachments *files = PARLEY_ATTACHMENTS (self->attachments);

  return (gtk_text_buffer_get_char_count (buffer_of (self)) > 0 ||
          parley_attachments_get_n (files) > 0) &&
         !parley_attachments_is_reading (files);
}

static void
send (ParleyComposer *self)
{
  g_autofree char *text = g_strstrip (parley_composer_dup_text (self));

  if (can_send (self) &&
      (*text != '\0' || parley_attachments_get_n (PARLEY_ATTACHMENTS (self->attachments)) > 0))
    g_signal_emit (self, signals[SEND], 0, text);
}

static void
stop (ParleyComposer *self)
{
  g_signal_emit (self, signals[STOP], 0);
}

static void
text_changed (ParleyComposer *self)
{
  gtk_widget_set_visible (self->hint, gtk_text_buffer_get_char_count (buffer_of (self)) == 0);
  gtk_widget_set_sensitive (self->send, can_send (self));
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

  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);

  gtk_widget_add_css_class (GTK_WIDGET (self), "composer");
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  self->attachments = parley_attachments_new ();
  g_signal_connect_swapped (self->attachments, "changed", G_CALLBACK (text_changed), self);
  self->view = gtk_text_view_new ();
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (self->view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_top_margin (GTK_TEXT_VIEW (self->view), 8);
  gtk_text_view_set_bottom_margin (GTK_TEXT_VIEW (self->view), 7);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (self->view), FALSE);
  parley_set_accessible_name (self->view, _ ("Message"));
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (key_pressed), self);
  gtk_widget_add_controller (self->view, keys);
  g_signal_connect_swapped (buffer_of (self), "changed", G_CALLBACK (text_changed), self);
  g_signal_connect (self->view, "paste-clipboard", G_CALLBACK (paste), self);

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
  GtkWidget *attach = parley_icon_button ("mail-attachment-symbolic", _ ("Attach Files"), NULL);
  parley_add_classes (attach, "round flat");
  gtk_widget_set_valign (attach, GTK_ALIGN_END);
  g_signal_connect_swapped (attach, "clicked", G_CALLBACK (parley_composer_attach), self);
  gtk_box_append (GTK_BOX (line), attach);
  gtk_box_append (GTK_BOX (line), overlay);
  gtk_box_append (GTK_BOX (line), self->stack);
  gtk_box_append (GTK_BOX (self), self->attachments);
  gtk_box_append (GTK_BOX (self), line);
}

GtkWidget *
parley_composer_new (void)
{
  return g_object_new (PARLEY_TYPE_COMPOSER, NULL);
}
