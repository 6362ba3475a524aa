/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-transcript.h"

#include "app/parley-format.h"
#include "app/parley-highlight.h"
#include "app/parley-message-row.h"
#include "app/parley-widgets.h"

#include <glib/gi18n.h>

#define WINDOW   40   /* messages shown without being asked for, and added at each step upwards */
#define AT_ONCE  8    /* of these, so many before the first frame: each costs milliseconds */
#define SLICE_US 6000 /* for the others, between two frames */
#define NEAR_END 24   /* pixels from the end that count as the end */

struct _ParleyTranscript {
  GtkWidget parent;
  ParleyChat *chat;
  GtkWidget *overlay, *scroller, *clamp, *content, *earlier, *rows, *status, *jump;
  GtkWidget *status_text, *unanswered;
  GtkAdjustment *vertical;
  guint first;        /* position of the first message that has a row */
  guint wanted_first; /* of the one that gets one by itself */
  guint fill_id;
  double last_value;
  guint settle_id;
  char *query;          /* whose words are marked, or NULL */
  GtkWidget *target;    /* to be brought into view once it has its place; borrowed from a row */
  gint64 reading_since; /* monotonic microseconds */
  double read_at_first; /* progress then: what the cache held */
  guint at_end : 1;
  guint adjusting : 1;
};

G_DEFINE_FINAL_TYPE (ParleyTranscript, parley_transcript, GTK_TYPE_WIDGET)

enum { EDIT, N_SIGNALS };
static guint signals[N_SIGNALS];

/* ---- scrolling ---- */

void
parley_transcript_to_end (ParleyTranscript *self)
{
  self->at_end = TRUE;
  self->adjusting = TRUE;
  gtk_adjustment_set_value (self->vertical, gtk_adjustment_get_upper (self->vertical));
  self->adjusting = FALSE;
  gtk_widget_set_visible (self->jump, FALSE);
}

static void
scrolled (ParleyTranscript *self)
{
  double rest = gtk_adjustment_get_upper (self->vertical) -
                gtk_adjustment_get_page_size (self->vertical) -
                gtk_adjustment_get_value (self->vertical);

  double value = gtk_adjustment_get_value (self->vertical);
  gboolean upwards = value < self->last_value;

  self->last_value = value;
  if (self->adjusting)
    return;
  /* Text that grew below is no reason to let go of the end; only a person going up is. */
  if (rest <= NEAR_END)
    self->at_end = TRUE;
  else if (upwards)
    self->at_end = FALSE;
  gtk_widget_set_visible (self->jump, !self->at_end);
}

static void
scroll_to_target (ParleyTranscript *self)
{
  graphene_point_t at;
  double page = gtk_adjustment_get_page_size (self->vertical);

  if (!gtk_widget_compute_point (self->target, self->content, &GRAPHENE_POINT_INIT (0, 0), &at))
    return;
  self->at_end = FALSE;
  self->target = NULL;
  self->adjusting = TRUE;
  gtk_adjustment_set_value (self->vertical, at.y - page / 3);
  self->adjusting = FALSE;
  self->last_value = gtk_adjustment_get_value (self->vertical);
  gtk_widget_set_visible (self->jump, TRUE);
}

/* In the frame after a change of heights: a value set while they are laid out is not laid out. */
static gboolean
settle_end (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  ParleyTranscript *self = PARLEY_TRANSCRIPT (widget);

  self->settle_id = 0;
  if (self->target != NULL)
    scroll_to_target (self);
  else if (self->at_end)
    parley_transcript_to_end (self);
  return G_SOURCE_REMOVE;
}

/* The text grew or the window changed its size: keep the end in view, or the place. */
static void
resized (ParleyTranscript *self)
{
  if ((self->at_end || self->target != NULL) && self->settle_id == 0)
    self->settle_id = gtk_widget_add_tick_callback (GTK_WIDGET (self), settle_end, NULL, NULL);
}

/* ---- rows ---- */

static void
edit (ParleyMessageRow *row, ParleyTranscript *self)
{
  g_signal_emit (self, signals[EDIT], 0, parley_message_row_get_message (row));
}

static GtkWidget *
new_row (ParleyTranscript *self, guint position)
{
  g_autoptr (ParleyMessage) message = g_list_model_get_item (G_LIST_MODEL (self->chat), position);
  GtkWidget *row = parley_message_row_new (self->chat, message);

  g_signal_connect (row, "edit", G_CALLBACK (edit), self);
  return row;
}

static GtkWidget *
nth_row (ParleyTranscript *self, guint n)
{
  GtkWidget *row = gtk_widget_get_first_child (self->rows);

  while (row != NULL && n-- > 0)
    row = gtk_widget_get_next_sibling (row);
  return row;
}

/* Rows for the `n` messages before those that have one. What is in view stays where it is. */
static void
prepend_rows (ParleyTranscript *self, guint n)
{
  double from_end =
      gtk_adjustment_get_upper (self->vertical) - gtk_adjustment_get_value (self->vertical);
  /* Not of the content: its padding is no part of its width. */
  int width = gtk_widget_get_width (self->clamp), natural;

  for (guint i = 0; i < n; i++) {
    GtkWidget *row = new_row (self, --self->first);
    gtk_box_prepend (GTK_BOX (self->rows), row);
    if (self->query != NULL)
      parley_highlight (row, self->query);
  }
  gtk_widget_set_visible (self->earlier, self->first > 0 && self->first <= self->wanted_first);
  if (width == 0) /* nothing was laid out yet */
    return;
  gtk_widget_measure (self->clamp, GTK_ORIENTATION_VERTICAL, width, NULL, &natural, NULL, NULL);
  gtk_adjustment_set_upper (self->vertical, natural);
  gtk_adjustment_set_value (self->vertical, natural - from_end);
}

static gboolean
fill (gpointer data)
{
  ParleyTranscript *self = data;
  gint64 end = g_get_monotonic_time () + SLICE_US;

  while (self->first > self->wanted_first && g_get_monotonic_time () < end)
    prepend_rows (self, 1);
  if (self->first > self->wanted_first)
    return G_SOURCE_CONTINUE;
  self->fill_id = 0;
  return G_SOURCE_REMOVE;
}

static void
show_from (ParleyTranscript *self, guint first)
{
  guint n = self->chat != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->chat)) : 0;

  parley_box_clear (self->rows);
  self->target = NULL;
  g_clear_handle_id (&self->fill_id, g_source_remove);
  self->first = self->wanted_first = first;
  for (guint i = self->first; i < n; i++)
    gtk_box_append (GTK_BOX (self->rows), new_row (self, i));
  gtk_widget_set_visible (self->earlier, self->first > 0);
}

static void
show_all (ParleyTranscript *self)
{
  guint n = self->chat != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->chat)) : 0;

  show_from (self, n > AT_ONCE ? n - AT_ONCE : 0);
  self->wanted_first = n > WINDOW ? n - WINDOW : 0;
  if (self->first > self->wanted_first) {
    gtk_widget_set_visible (self->earlier, FALSE);
    self->fill_id = g_idle_add_full (GDK_PRIORITY_REDRAW + 10, fill, self, NULL);
  }
}

void
parley_transcript_show_hit (ParleyTranscript *self, gint64 message, const char *query)
{
  guint n = self->chat != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->chat)) : 0;
  guint position = n;

  g_free (self->query);
  self->query = g_strdup (query);
  for (guint i = 0; i < n && position == n; i++) {
    g_autoptr (ParleyMessage) item = g_list_model_get_item (G_LIST_MODEL (self->chat), i);
    if (parley_message_get_id (item) == message)
      position = i;
  }
  if (position < self->first)
    show_from (self, position > 4 ? position - 4 : 0);
  parley_highlight (self->rows, query);
  if (position == n)
    return;
  GtkWidget *row = nth_row (self, position - self->first);
  GtkWidget *found = row != NULL ? parley_highlight (row, query) : NULL;
  self->target = found != NULL ? found : row;
  self->at_end = FALSE;
  if (self->settle_id == 0)
    self->settle_id = gtk_widget_add_tick_callback (GTK_WIDGET (self), settle_end, NULL, NULL);
}

static void
show_earlier (ParleyTranscript *self)
{
  self->wanted_first = self->first - MIN (WINDOW, self->first);
  if (self->fill_id == 0)
    self->fill_id = g_idle_add_full (GDK_PRIORITY_REDRAW + 10, fill, self, NULL);
}

static void
messages_changed (GListModel *model, guint position, guint removed, guint added,
                  ParleyTranscript *self)
{
  if (position < self->first) {
    show_all (self);
    return;
  }
  self->target = NULL;
  GtkWidget *row = nth_row (self, position - self->first);
  for (guint i = 0; i < removed && row != NULL; i++) {
    GtkWidget *next = gtk_widget_get_next_sibling (row);
    gtk_box_remove (GTK_BOX (self->rows), row);
    row = next;
  }
  for (guint i = 0; i < added; i++) {
    guint at = position + i - self->first;
    GtkWidget *before = at > 0 ? nth_row (self, at - 1) : NULL;
    gtk_box_insert_child_after (GTK_BOX (self->rows), new_row (self, position + i), before);
  }
}

/* ---- what goes on ---- */

/* Borrowed from the chat; NULL: there is none. */
static ParleyMessage *
last_message (ParleyTranscript *self)
{
  guint n = self->chat != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->chat)) : 0;
  g_autoptr (ParleyMessage) last =
      n > 0 ? g_list_model_get_item (G_LIST_MODEL (self->chat), n - 1) : NULL;

  return last;
}

/* "Reading the conversation, 40 %, about 12 s left": from what was read since it began, so that
 * what the cache held already does not make it look quicker than it is. */
static char *
reading_text (ParleyTranscript *self)
{
  double progress = parley_chat_get_progress (self->chat);
  gint64 now = g_get_monotonic_time ();

  if (self->reading_since == 0 || progress < self->read_at_first) {
    self->reading_since = now;
    self->read_at_first = progress;
  }
  double done = progress - self->read_at_first,
         seconds = (double) (now - self->reading_since) / G_USEC_PER_SEC;
  if (progress <= 0 || progress >= 1)
    return g_strdup (_ ("Reading the conversation"));
  if (done < 0.02 || seconds < 1)
    return g_strdup_printf (_ ("Reading the conversation, %.0f %%"), progress * 100);
  g_autofree char *left = parley_format_duration (seconds * (1 - progress) / done);
  /* Translators: per cent, then a duration. */
  return g_strdup_printf (_ ("Reading the conversation, %.0f %%, about %s left"), progress * 100,
                          left);
}

/* The last word is the person's, and nothing is under way: the program ended, or waiting was
 * stopped. */
static gboolean
is_unanswered (ParleyTranscript *self)
{
  ParleyMessage *last = last_message (self);

  return last != NULL && parley_chat_get_state (self->chat) == PARLEY_CHAT_IDLE &&
         parley_message_get_role (last) == PARLEY_ROLE_USER;
}

static void
answer (ParleyTranscript *self)
{
  if (is_unanswered (self))
    parley_chat_regenerate (self->chat, last_message (self));
}

static void
show_state (ParleyTranscript *self)
{
  g_autofree char *text = NULL;
  ParleyResponder *responder;

  if (self->chat == NULL)
    return;
  responder = parley_chat_get_responder (self->chat);
  switch (parley_chat_get_state (self->chat)) {
  case PARLEY_CHAT_WAITING:
    if (responder != NULL && parley_responder_get_state (responder) == PARLEY_RESPONDER_LOADING)
      text = parley_responder_dup_message (responder);
    if (text == NULL)
      text = g_strdup (responder == NULL ? _ ("Waiting for a model") : _ ("Waiting for its turn"));
    break;
  case PARLEY_CHAT_READING: text = reading_text (self); break;
  case PARLEY_CHAT_SUMMARISING: text = g_strdup (_ ("Summing up the oldest messages")); break;
  default: break;
  }
  if (parley_chat_get_state (self->chat) != PARLEY_CHAT_READING)
    self->reading_since = 0;
  guint waiting = parley_chat_get_state (self->chat) == PARLEY_CHAT_ANSWERING
                      ? parley_chat_get_n_waiting (self->chat)
                      : 0;
  if (waiting > 0)
    text = g_strdup_printf (ngettext ("%u message is answered after this reply",
                                      "%u messages are answered after this reply", waiting),
                            waiting);
  gtk_widget_set_visible (self->unanswered, is_unanswered (self));
  gtk_widget_set_visible (self->status, text != NULL);
  gtk_label_set_text (GTK_LABEL (self->status_text), text != NULL ? text : "");
}

void
parley_transcript_set_chat (ParleyTranscript *self, ParleyChat *chat)
{
  if (self->chat == chat)
    return;
  if (self->chat != NULL)
    g_signal_handlers_disconnect_by_data (self->chat, self);
  g_set_object (&self->chat, chat);
  g_clear_pointer (&self->query, g_free);
  self->reading_since = 0;
  if (chat != NULL) {
    g_signal_connect (chat, "items-changed", G_CALLBACK (messages_changed), self);
    g_signal_connect_swapped (chat, "items-changed", G_CALLBACK (show_state), self);
    g_signal_connect_swapped (chat, "notify::state", G_CALLBACK (show_state), self);
    g_signal_connect_swapped (chat, "notify::responder", G_CALLBACK (show_state), self);
    g_signal_connect_swapped (chat, "notify::progress", G_CALLBACK (show_state), self);
  }
  show_all (self);
  show_state (self);
  parley_transcript_to_end (self);
}

static void
dispose (GObject *object)
{
  ParleyTranscript *self = PARLEY_TRANSCRIPT (object);

  g_clear_handle_id (&self->fill_id, g_source_remove);
  if (self->chat != NULL)
    g_signal_handlers_disconnect_by_data (self->chat, self);
  g_clear_object (&self->chat);
  g_clear_pointer (&self->query, g_free);
  g_clear_pointer (&self->overlay, gtk_widget_unparent);
  G_OBJECT_CLASS (parley_transcript_parent_class)->dispose (object);
}

static void
parley_transcript_class_init (ParleyTranscriptClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
  signals[EDIT] = g_signal_new ("edit", PARLEY_TYPE_TRANSCRIPT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 1, PARLEY_TYPE_MESSAGE);
}

static GtkWidget *
build_status (ParleyTranscript *self)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 10, NULL);
  GtkWidget *spinner = gtk_spinner_new ();

  gtk_spinner_start (GTK_SPINNER (spinner));
  self->status_text = parley_label ("", "dim-label");
  gtk_box_append (GTK_BOX (box), spinner);
  gtk_box_append (GTK_BOX (box), self->status_text);
  gtk_widget_set_visible (box, FALSE);
  return box;
}

static GtkWidget *
build_unanswered (ParleyTranscript *self)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);
  GtkWidget *text = parley_label (_ ("This message was not answered."), "dim-label");
  GtkWidget *button = parley_text_button (_ ("Answer"), NULL);

  gtk_widget_set_hexpand (text, TRUE);
  gtk_label_set_xalign (GTK_LABEL (text), 1);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (answer), self);
  gtk_box_append (GTK_BOX (box), text);
  gtk_box_append (GTK_BOX (box), button);
  gtk_widget_set_visible (box, FALSE);
  return box;
}

static void
parley_transcript_init (ParleyTranscript *self)
{
  GtkWidget *clamp = self->clamp = adw_clamp_new ();

  self->content = parley_box (GTK_ORIENTATION_VERTICAL, 14, "transcript");
  self->earlier = parley_text_button (_ ("Show earlier messages"), NULL);
  gtk_widget_add_css_class (self->earlier, "flat");
  gtk_widget_set_halign (self->earlier, GTK_ALIGN_CENTER);
  g_signal_connect_swapped (self->earlier, "clicked", G_CALLBACK (show_earlier), self);
  self->rows = parley_box (GTK_ORIENTATION_VERTICAL, 18, NULL);
  parley_set_accessible_name (self->rows, _ ("Conversation"));
  self->status = build_status (self);
  gtk_box_append (GTK_BOX (self->content), self->earlier);
  gtk_box_append (GTK_BOX (self->content), self->rows);
  gtk_box_append (GTK_BOX (self->content), self->status);
  self->unanswered = build_unanswered (self);
  gtk_box_append (GTK_BOX (self->content), self->unanswered);
  adw_clamp_set_maximum_size (ADW_CLAMP (clamp), 820);
  adw_clamp_set_tightening_threshold (ADW_CLAMP (clamp), 700);
  adw_clamp_set_child (ADW_CLAMP (clamp), self->content);

  self->scroller = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self->scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self->scroller), clamp);
  self->vertical = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (self->scroller));
  g_signal_connect_swapped (self->vertical, "value-changed", G_CALLBACK (scrolled), self);
  g_signal_connect_swapped (self->vertical, "changed", G_CALLBACK (resized), self);
  self->at_end = TRUE;

  self->jump = parley_icon_button ("go-bottom-symbolic", _ ("To the end"), NULL);
  parley_add_classes (self->jump, "circular jump-button");
  gtk_widget_set_halign (self->jump, GTK_ALIGN_END);
  gtk_widget_set_valign (self->jump, GTK_ALIGN_END);
  gtk_widget_set_visible (self->jump, FALSE);
  g_signal_connect_swapped (self->jump, "clicked", G_CALLBACK (parley_transcript_to_end), self);
  self->overlay = gtk_overlay_new ();
  gtk_overlay_set_child (GTK_OVERLAY (self->overlay), self->scroller);
  gtk_overlay_add_overlay (GTK_OVERLAY (self->overlay), self->jump);
  gtk_widget_set_parent (self->overlay, GTK_WIDGET (self));
  gtk_widget_set_vexpand (GTK_WIDGET (self), TRUE);
}

GtkWidget *
parley_transcript_new (void)
{
  return g_object_new (PARLEY_TYPE_TRANSCRIPT, NULL);
}
