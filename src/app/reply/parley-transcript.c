/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-transcript.h"

#include "app/text/parley-format.h"
#include "app/reply/parley-message-rows.h"
#include "app/reply/parley-reasoning.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define NEAR_END  24 /* pixels from the end that count as the end */
#define NEAR_EDGE 80 /* pixels that a found word has at least between it and the right edge */

struct _ParleyTranscript {
  GtkWidget parent;
  ParleyChat *chat;
  GtkWidget *overlay, *scroller, *content, *earlier, *status, *jump;
  ParleyMessageRows *rows;
  GtkWidget *status_text, *unanswered;
  GtkAdjustment *vertical;
  double last_value;
  guint settle_id;
  ParleyHit target;     /* kept in view until a person scrolls; its widget is a weak pointer */
  guint n_frames;       /* after which new rows have their places */
  gint64 reading_since; /* monotonic microseconds */
  double read_at_first; /* progress then: what the cache held */
  guint at_end : 1;
  guint adjusting : 1;
};

G_DEFINE_FINAL_TYPE (ParleyTranscript, parley_transcript, GTK_TYPE_WIDGET)

enum { EDIT, N_SIGNALS };
static guint signals[N_SIGNALS];

/* ---- scrolling ---- */

static void
set_target (ParleyTranscript *self, const ParleyHit *hit)
{
  g_clear_weak_pointer (&self->target.widget);
  if (hit == NULL)
    return;
  self->target = *hit;
  g_object_add_weak_pointer (G_OBJECT (hit->widget), (gpointer *) &self->target.widget);
}

void
parley_transcript_to_end (ParleyTranscript *self)
{
  set_target (self, NULL);
  if (parley_message_rows_has_later (self->rows))
    parley_message_rows_show_end (self->rows);
  self->at_end = TRUE;
  self->adjusting = TRUE;
  gtk_adjustment_set_value (self->vertical, gtk_adjustment_get_upper (self->vertical));
  self->adjusting = FALSE;
  gtk_widget_set_visible (self->jump, FALSE);
}

static void
scrolled (ParleyTranscript *self)
{
  double page = gtk_adjustment_get_page_size (self->vertical);
  double value = gtk_adjustment_get_value (self->vertical);
  double rest = gtk_adjustment_get_upper (self->vertical) - page - value;
  gboolean upwards = value < self->last_value;
  gboolean later = parley_message_rows_has_later (self->rows);

  self->last_value = value;
  if (self->adjusting)
    return;
  /* A value that had to follow a change of heights was chosen by nobody. */
  if (self->settle_id == 0)
    set_target (self, NULL);
  if (later && rest < page)
    parley_message_rows_add_later (self->rows);
  /* Text that grew below is no reason to let go of the end; only a person going up is. */
  if (rest <= NEAR_END && !later)
    self->at_end = TRUE;
  else if (upwards)
    self->at_end = FALSE;
  gtk_widget_set_visible (self->jump, !self->at_end);
}

/* Code and tables that are wider than the page scroll by themselves. */
static void
scroll_sideways (ParleyTranscript *self)
{
  GtkWidget *widget = self->target.widget;
  graphene_point_t at;

  while ((widget = gtk_widget_get_ancestor (gtk_widget_get_parent (widget),
                                            GTK_TYPE_SCROLLED_WINDOW)) != self->scroller &&
         widget != NULL) {
    GtkAdjustment *sideways = gtk_scrolled_window_get_hadjustment (GTK_SCROLLED_WINDOW (widget));
    float width = (float) gtk_widget_get_width (widget);
    if (parley_hit_get_place (&self->target, widget, &at) && (at.x < 0 || at.x > width - NEAR_EDGE))
      gtk_adjustment_set_value (sideways, gtk_adjustment_get_value (sideways) + (double) at.x -
                                              (double) width / 3);
  }
}

static void
scroll_to_target (ParleyTranscript *self)
{
  double page = gtk_adjustment_get_page_size (self->vertical);
  graphene_point_t at;

  if (!parley_hit_get_place (&self->target, self->content, &at))
    return;
  scroll_sideways (self);
  self->adjusting = TRUE;
  gtk_adjustment_set_value (self->vertical, (double) at.y - page / 3);
  self->adjusting = FALSE;
  self->last_value = gtk_adjustment_get_value (self->vertical);
  gtk_widget_set_visible (self->jump,
                          parley_message_rows_has_later (self->rows) ||
                              gtk_adjustment_get_upper (self->vertical) - page > self->last_value);
}

/* In the frame after a change of heights: a value set while they are laid out is not laid out. */
static gboolean
settle_end (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  ParleyTranscript *self = PARLEY_TRANSCRIPT (widget);

  if (self->target.widget != NULL)
    scroll_to_target (self);
  else if (self->at_end)
    parley_transcript_to_end (self);
  if (self->n_frames > 0) {
    self->n_frames--;
    return G_SOURCE_CONTINUE;
  }
  self->settle_id = 0;
  return G_SOURCE_REMOVE;
}

static void
settle (ParleyTranscript *self)
{
  if (self->settle_id == 0)
    self->settle_id = gtk_widget_add_tick_callback (GTK_WIDGET (self), settle_end, NULL, NULL);
}

/* The text grew or the window changed its size: keep the end in view, or the place. */
static void
resized (ParleyTranscript *self)
{
  if (self->at_end || self->target.widget != NULL)
    settle (self);
}

/* ---- rows ---- */

static void
edit (ParleyMessageRows *rows, ParleyMessage *message, ParleyTranscript *self)
{
  g_signal_emit (self, signals[EDIT], 0, message);
}

/* What is in view stays where it is. */
static void
prepended (ParleyMessageRows *rows, ParleyTranscript *self)
{
  GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (rows));
  int width = gtk_widget_get_width (GTK_WIDGET (rows)), height;

  if (width == 0) /* nothing was laid out yet */
    return;
  gtk_widget_measure (row, GTK_ORIENTATION_VERTICAL, width, NULL, &height, NULL, NULL);
  height += PARLEY_MESSAGE_ROWS_SPACING;
  self->adjusting = TRUE;
  gtk_adjustment_set_upper (self->vertical, gtk_adjustment_get_upper (self->vertical) + height);
  gtk_adjustment_set_value (self->vertical, gtk_adjustment_get_value (self->vertical) + height);
  self->adjusting = FALSE;
  self->last_value = gtk_adjustment_get_value (self->vertical);
}

static void
window_changed (ParleyMessageRows *rows, ParleyTranscript *self)
{
  gtk_widget_set_visible (self->earlier, parley_message_rows_has_earlier (rows));
  if (self->at_end && parley_message_rows_has_later (rows))
    parley_message_rows_show_end (rows);
}

void
parley_transcript_show_hit (ParleyTranscript *self, gint64 message, const char *query)
{
  gboolean at_end = self->at_end;
  ParleyHit hit = { 0 };

  self->at_end = FALSE; /* or the end would be asked for as soon as there are messages below */
  ParleyMessageRow *row = message != 0 ? parley_message_rows_show (self->rows, message) : NULL;
  if (row == NULL)
    self->at_end = at_end;
  parley_message_rows_set_query (self->rows, query);
  if (row == NULL)
    return;
  parley_message_row_mark (row, query, &hit);
  GtkWidget *thoughts =
      hit.folded ? gtk_widget_get_ancestor (hit.widget, PARLEY_TYPE_REASONING) : NULL;
  if (thoughts != NULL)
    parley_reasoning_unfold (PARLEY_REASONING (thoughts));
  else if (hit.widget == NULL || hit.folded)
    /* The word is in what is not shown as it was written, such as an address. */
    hit = (ParleyHit){ .widget = GTK_WIDGET (row) };
  set_target (self, &hit);
  self->n_frames = 2;
  settle (self);
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

static char *
summing_up_text (ParleyTranscript *self)
{
  double progress = parley_chat_get_progress (self->chat);

  if (progress <= 0 || progress >= 1)
    return g_strdup (_ ("Summing up the oldest messages"));
  return g_strdup_printf (_ ("Summing up the oldest messages, %.0f %%"), progress * 100);
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
  case PARLEY_CHAT_SUMMARISING: text = summing_up_text (self); break;
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
  self->reading_since = 0;
  if (chat != NULL) {
    g_signal_connect_swapped (chat, "items-changed", G_CALLBACK (show_state), self);
    g_signal_connect_swapped (chat, "notify::state", G_CALLBACK (show_state), self);
    g_signal_connect_swapped (chat, "notify::responder", G_CALLBACK (show_state), self);
    g_signal_connect_swapped (chat, "notify::progress", G_CALLBACK (show_state), self);
  }
  self->at_end = TRUE;
  parley_message_rows_set_chat (self->rows, chat);
  show_state (self);
  parley_transcript_to_end (self);
}

static void
dispose (GObject *object)
{
  ParleyTranscript *self = PARLEY_TRANSCRIPT (object);

  if (self->chat != NULL)
    g_signal_handlers_disconnect_by_data (self->chat, self);
  g_clear_object (&self->chat);
  set_target (self, NULL);
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
  GtkWidget *clamp = adw_clamp_new ();

  self->content = parley_box (GTK_ORIENTATION_VERTICAL, 14, "transcript");
  self->earlier = parley_text_button (_ ("Show earlier messages"), NULL);
  gtk_widget_add_css_class (self->earlier, "flat");
  gtk_widget_set_halign (self->earlier, GTK_ALIGN_CENTER);
  self->rows = PARLEY_MESSAGE_ROWS (parley_message_rows_new ());
  parley_set_accessible_name (GTK_WIDGET (self->rows), _ ("Conversation"));
  g_signal_connect_swapped (self->earlier, "clicked", G_CALLBACK (parley_message_rows_add_earlier),
                            self->rows);
  g_signal_connect (self->rows, "edit", G_CALLBACK (edit), self);
  g_signal_connect (self->rows, "prepended", G_CALLBACK (prepended), self);
  g_signal_connect (self->rows, "window-changed", G_CALLBACK (window_changed), self);
  self->status = build_status (self);
  gtk_box_append (GTK_BOX (self->content), self->earlier);
  gtk_box_append (GTK_BOX (self->content), GTK_WIDGET (self->rows));
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
  for (const char *const *name = (const char *[]){ "value-changed", "changed", NULL }; *name;
       name++)
    g_signal_connect_object (self->vertical, *name, G_CALLBACK (gtk_widget_queue_draw), self->rows,
                             G_CONNECT_SWAPPED);
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
