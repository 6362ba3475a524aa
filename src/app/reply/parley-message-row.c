/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-message-row.h"

#include "app/text/parley-format.h"
#include "app/reply/parley-markdown-view.h"
#include "app/reply/parley-part-card.h"
#include "app/reply/parley-reasoning.h"
#include "app/widgets/parley-widgets.h"
#include "app/widgets/parley-wrap-layout.h"

#include <glib/gi18n.h>
#include <string.h>

#define LONG_BUBBLE 1000 /* bytes that fill the width anyway */

struct _ParleyMessageRow {
  GtkBox parent;
  ParleyChat *chat;
  ParleyMessage *message;
  GtkWidget *author, *body, *notice, *notice_icon, *notice_text, *go_on, *foot, *stats;
  GtkWidget *memory; /* the line where the model's memory starts; NULL: never shown yet */
  GtkWidget *versions, *version_label, *earlier, *later, *again;
  guint tick_id;
};

G_DEFINE_FINAL_TYPE (ParleyMessageRow, parley_message_row, GTK_TYPE_BOX)

enum { PROP_0, PROP_CHAT, PROP_MESSAGE };
enum { EDIT, N_SIGNALS };
static guint signals[N_SIGNALS];

ParleyMessage *
parley_message_row_get_message (ParleyMessageRow *self)
{
  return self->message;
}

static gboolean
is_user (ParleyMessageRow *self)
{
  return parley_message_get_role (self->message) == PARLEY_ROLE_USER;
}

static gboolean
is_running (ParleyMessageRow *self)
{
  return parley_message_get_state (self->message) == PARLEY_MESSAGE_ANSWERING;
}

/* Neither who said it nor how quickly was searched. */
void
parley_message_row_mark (ParleyMessageRow *self, const char *query, ParleyHit *best)
{
  parley_highlight (self->body, query, best);
}

/* ---- parts ---- */

static GtkWidget *
part_widget (ParleyMessageRow *self, ParleyPart *part)
{
  switch (parley_part_get_kind (part)) {
  case PARLEY_PART_REASONING: return parley_reasoning_new ();
  case PARLEY_PART_TEXT:
    /* What a person typed is shown as typed, unless it holds code. */
    if (is_user (self) && strstr (parley_part_get_text (part), "```") == NULL) {
      GtkWidget *label = parley_label (NULL, "md-text");
      gtk_label_set_selectable (GTK_LABEL (label), TRUE);
      parley_label_keep_as_is (GTK_LABEL (label));
      return label;
    }
    return parley_markdown_view_new ();
  default: return parley_part_card_new (part);
  }
}

static double
reasoning_seconds (ParleyMessageRow *self)
{
  const ParleyReplyStats *stats = parley_message_get_stats (self->message);

  return stats != NULL ? stats->reasoning_seconds : 0;
}

static void
show_part (ParleyMessageRow *self, GtkWidget *widget, ParleyPart *part, gboolean live)
{
  const char *text = parley_part_get_text (part);

  if (PARLEY_IS_REASONING (widget))
    parley_reasoning_set (PARLEY_REASONING (widget), text, parley_part_get_length (part), live,
                          reasoning_seconds (self));
  else if (PARLEY_IS_MARKDOWN_VIEW (widget))
    parley_markdown_view_set (PARLEY_MARKDOWN_VIEW (widget), text, parley_part_get_length (part),
                              !live);
  else if (PARLEY_IS_PART_CARD (widget))
    parley_part_card_update (PARLEY_PART_CARD (widget));
  else {
    parley_label_set_long_text (GTK_LABEL (widget), text);
    parley_follow_direction (widget, parley_text_direction (text));
  }
}

static void
show_parts (ParleyMessageRow *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->message));
  GtkWidget *widget = gtk_widget_get_first_child (self->body);

  /* A bubble is as narrow as its text allows. The toolkit finds that out by laying it out in one
   * width after the other, which of a long text takes longest and tells nothing. */
  if (is_user (self))
    gtk_widget_set_halign (self->body, parley_message_get_length (self->message) > LONG_BUBBLE
                                           ? GTK_ALIGN_FILL
                                           : GTK_ALIGN_END);
  for (guint i = 0; i < n; i++) {
    g_autoptr (ParleyPart) part = g_list_model_get_item (G_LIST_MODEL (self->message), i);
    gboolean last = i + 1 == n;
    if (widget == NULL) {
      widget = part_widget (self, part);
      gtk_box_append (GTK_BOX (self->body), widget);
    }
    show_part (self, widget, part, last && is_running (self));
    widget = gtk_widget_get_next_sibling (widget);
  }
}

static gboolean
tick (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  ParleyMessageRow *self = PARLEY_MESSAGE_ROW (widget);

  self->tick_id = 0;
  show_parts (self);
  return G_SOURCE_REMOVE;
}

static void
changed (ParleyMessageRow *self)
{
  if (self->tick_id == 0)
    self->tick_id = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick, NULL, NULL);
}

static void
parts_changed (GListModel *model, guint position, guint removed, guint added,
               ParleyMessageRow *self)
{
  if (removed > 0) {
    parley_box_clear (self->body);
    added = g_list_model_get_n_items (model);
    position = 0;
  }
  for (guint i = position; i < position + added; i++) {
    g_autoptr (ParleyPart) part = g_list_model_get_item (model, i);
    g_signal_connect_object (part, "notify::text", G_CALLBACK (changed), self, G_CONNECT_SWAPPED);
  }
  changed (self);
}

/* ---- state ---- */

/* Of a reply that broke off nothing may be known. */
static char *
stats_text (const ParleyReplyStats *stats, gboolean tell_stop)
{
  g_autofree char *speed = parley_format_speed (parley_reply_stats_get_speed (stats));
  g_autofree char *tokens = parley_format_tokens (stats->reply_tokens);
  g_autofree char *first = parley_format_duration (stats->first_token_seconds);
  GString *out = g_string_new (NULL);

  if (stats->reply_tokens == 0)
    return g_string_free (out, FALSE);
  g_autofree char *begun = g_strdup_printf (_ ("first after %s"), first);
  parley_format_add_fact (out, speed);
  parley_format_add_fact (out, tokens);
  parley_format_add_fact (out, begun);
  if (tell_stop && stats->stop != PARLEY_STOP_END && stats->stop != PARLEY_STOP_ERROR)
    parley_format_add_fact (out, parley_stop_reason_describe (stats->stop));
  return g_string_free (out, FALSE);
}

static void
show_state (ParleyMessageRow *self)
{
  ParleyMessageState state = parley_message_get_state (self->message);
  const ParleyReplyStats *stats = parley_message_get_stats (self->message);
  const char *remark = parley_message_get_remark (self->message);
  guint n = parley_message_get_n_versions (self->message);
  gboolean failed = state == PARLEY_MESSAGE_FAILED, broken = state == PARLEY_MESSAGE_INTERRUPTED;
  g_autofree char *version =
      g_strdup_printf ("%u/%u", parley_message_get_version (self->message), n);

  gtk_label_set_text (GTK_LABEL (self->version_label), version);
  gtk_widget_set_visible (self->versions, n > 1);
  gtk_widget_set_sensitive (self->earlier, parley_message_get_version (self->message) > 1);
  gtk_widget_set_sensitive (self->later, parley_message_get_version (self->message) < n);
  gtk_widget_set_visible (self->foot, !is_running (self));
  if (stats != NULL) {
    g_autofree char *text = stats_text (stats, remark == NULL);
    gtk_label_set_text (GTK_LABEL (self->stats), text);
    if (stats->model != NULL && *stats->model != '\0')
      gtk_label_set_text (GTK_LABEL (self->author), stats->model);
  }
  gtk_widget_set_visible (self->notice, !is_running (self) && remark != NULL);
  gtk_widget_set_visible (self->notice_icon, failed || broken);
  gtk_label_set_text (GTK_LABEL (self->notice_text), remark != NULL ? remark : "");
  gtk_widget_remove_css_class (self->notice, failed ? "caution" : "failure");
  if (failed || broken)
    gtk_widget_add_css_class (self->notice, failed ? "failure" : "caution");
  gtk_widget_set_visible (self->go_on, parley_message_can_continue (self->message));
  gtk_widget_set_opacity (self->body, parley_message_get_forgotten (self->message) ? 0.5 : 1);
  if (!is_running (self))
    changed (self);
}

/* ---- where the memory starts ---- */

static void
remember_all (ParleyMessageRow *self)
{
  parley_chat_remember_all (self->chat);
}

static GtkWidget *
build_memory (ParleyMessageRow *self)
{
  GtkWidget *column = parley_box (GTK_ORIENTATION_VERTICAL, 6, "memory-line");
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);
  GtkWidget *left = gtk_separator_new (GTK_ORIENTATION_HORIZONTAL),
            *right = gtk_separator_new (GTK_ORIENTATION_HORIZONTAL);
  GtkWidget *button = parley_text_button (_ ("Remember All"), NULL);
  const char *summary = parley_chat_get_summary (self->chat);

  for (guint i = 0; i < 2; i++) {
    gtk_widget_set_hexpand (i == 0 ? left : right, TRUE);
    gtk_widget_set_valign (i == 0 ? left : right, GTK_ALIGN_CENTER);
  }
  gtk_widget_add_css_class (button, "flat");
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (remember_all), self);
  gtk_box_append (GTK_BOX (line), left);
  gtk_box_append (GTK_BOX (line), parley_label (_ ("The model’s memory starts here"), "caption"));
  gtk_box_append (GTK_BOX (line), button);
  gtk_box_append (GTK_BOX (line), right);
  gtk_box_append (GTK_BOX (column), line);
  if (summary != NULL) {
    GtkWidget *expander = gtk_expander_new (NULL);
    gtk_expander_set_label_widget (GTK_EXPANDER (expander),
                                   parley_label (_ ("What it keeps of the messages above"), NULL));
    parley_set_accessible_name (expander, _ ("What it keeps of the messages above"));
    GtkWidget *text = parley_label (summary, "md-text dim-label");
    gtk_label_set_selectable (GTK_LABEL (text), TRUE);
    gtk_widget_set_margin_top (text, 6);
    gtk_expander_set_child (GTK_EXPANDER (expander), text);
    gtk_box_append (GTK_BOX (column), expander);
  }
  return column;
}

static void
show_memory (ParleyMessageRow *self)
{
  guint start = parley_chat_get_memory_start (self->chat);
  g_autoptr (ParleyMessage) first =
      start > 0 ? g_list_model_get_item (G_LIST_MODEL (self->chat), start) : NULL;

  if (self->memory != NULL)
    gtk_box_remove (GTK_BOX (self), self->memory);
  self->memory = NULL;
  if (first != self->message)
    return;
  self->memory = build_memory (self);
  gtk_box_prepend (GTK_BOX (self), self->memory);
}

/* ---- actions ---- */

static void
copy (GtkButton *button, ParleyMessageRow *self)
{
  g_autofree char *text = parley_message_dup_text (self->message);

  parley_copy (GTK_WIDGET (self), text);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", _ ("Message copied"));
}

static void
edit (GtkButton *button, ParleyMessageRow *self)
{
  g_signal_emit (self, signals[EDIT], 0);
}

static void
regenerate (GtkButton *button, ParleyMessageRow *self)
{
  parley_chat_regenerate (self->chat, self->message);
}

static void
go_on (GtkButton *button, ParleyMessageRow *self)
{
  parley_chat_continue (self->chat, self->message);
}

static void
branch (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  ParleyMessageRow *self = data;

  gtk_widget_activate_action (GTK_WIDGET (self), "win.branch-chat", "x",
                              parley_message_get_id (self->message));
}

static void delete (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  ParleyMessageRow *self = data;
  GtkWidget *window = GTK_WIDGET (gtk_widget_get_root (GTK_WIDGET (self)));
  gint64 id = parley_message_get_id (self->message);

  /* The row may be gone afterwards; the window stays. */
  if (parley_chat_delete_message (self->chat, self->message))
    gtk_widget_activate_action (window, "win.message-deleted", "x", id);
}

static void
show_earlier (GtkButton *button, ParleyMessageRow *self)
{
  parley_chat_show_version (self->chat, self->message,
                            parley_message_get_version (self->message) - 1);
}

static void
show_later (GtkButton *button, ParleyMessageRow *self)
{
  parley_chat_show_version (self->chat, self->message,
                            parley_message_get_version (self->message) + 1);
}

/* ---- making ---- */

static GtkWidget *
foot_button (ParleyMessageRow *self, const char *icon, const char *name, GCallback callback)
{
  GtkWidget *button = parley_icon_button (icon, name, NULL);

  gtk_widget_add_css_class (button, "flat");
  g_signal_connect (button, "clicked", callback, self);
  return button;
}

static GtkWidget *
build_more (ParleyMessageRow *self)
{
  static const GActionEntry entries[] = { { "branch", branch }, { "delete", delete } };
  g_autoptr (GSimpleActionGroup) group = g_simple_action_group_new ();
  g_autoptr (GMenu) menu = g_menu_new ();
  GtkWidget *button;

  g_action_map_add_action_entries (G_ACTION_MAP (group), entries, G_N_ELEMENTS (entries), self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "message", G_ACTION_GROUP (group));
  g_menu_append (menu, _ ("New Chat from _Here"), "message.branch");
  g_menu_append (menu, _ ("_Delete Message"), "message.delete");
  button = parley_menu_button ("view-more-symbolic", _ ("More Actions"), G_MENU_MODEL (menu));
  gtk_widget_add_css_class (button, "flat");
  return button;
}

static void
build_foot (ParleyMessageRow *self)
{
  GtkBox *foot = GTK_BOX (self->foot = parley_box (GTK_ORIENTATION_HORIZONTAL, 2, "message-foot"));
  GtkBox *versions = GTK_BOX (self->versions = parley_box (GTK_ORIENTATION_HORIZONTAL, 0, NULL));

  self->earlier =
      foot_button (self, "go-previous-symbolic", _ ("Previous version"), G_CALLBACK (show_earlier));
  self->later = foot_button (self, "go-next-symbolic", _ ("Next version"), G_CALLBACK (show_later));
  self->version_label = parley_line ("", "caption dim-label version-label");
  gtk_label_set_xalign (GTK_LABEL (self->version_label), 0.5f);
  gtk_box_append (versions, self->earlier);
  gtk_box_append (versions, self->version_label);
  gtk_box_append (versions, self->later);
  self->stats = parley_label ("", "caption dim-label");
  gtk_box_append (foot,
                  foot_button (self, "edit-copy-symbolic", _ ("Copy message"), G_CALLBACK (copy)));
  gtk_box_append (
      foot, foot_button (self, "document-edit-symbolic", _ ("Edit message"), G_CALLBACK (edit)));
  self->again =
      foot_button (self, "view-refresh-symbolic", _ ("Answer again"), G_CALLBACK (regenerate));
  gtk_widget_set_visible (self->again, !is_user (self));
  gtk_box_append (foot, self->again);
  gtk_box_append (foot, build_more (self));
  gtk_box_append (foot, self->versions);
  gtk_widget_set_margin_start (self->stats, 8);
  gtk_widget_set_margin_end (self->stats, 6);
  if (is_user (self))
    gtk_widget_set_halign (self->foot, GTK_ALIGN_END);
  else {
    /* In a narrow window they stand below the buttons rather than being cut off. */
    gtk_widget_set_layout_manager (self->foot, parley_wrap_layout_new (2, 2));
    gtk_box_append (foot, self->stats);
  }
}

static void
build_notice (ParleyMessageRow *self)
{
  self->notice = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, "notice");
  self->notice_icon = parley_icon ("dialog-warning-symbolic");
  gtk_box_append (GTK_BOX (self->notice), self->notice_icon);
  self->notice_text = parley_label ("", NULL);
  gtk_label_set_selectable (GTK_LABEL (self->notice_text), TRUE);
  gtk_widget_set_hexpand (self->notice_text, TRUE);
  self->go_on = parley_text_button (_ ("Continue"), NULL);
  g_signal_connect (self->go_on, "clicked", G_CALLBACK (go_on), self);
  gtk_box_append (GTK_BOX (self->notice), self->notice_text);
  gtk_box_append (GTK_BOX (self->notice), self->go_on);
}

static void
constructed (GObject *object)
{
  ParleyMessageRow *self = PARLEY_MESSAGE_ROW (object);
  gboolean user = is_user (self);

  G_OBJECT_CLASS (parley_message_row_parent_class)->constructed (object);
  gtk_box_set_spacing (GTK_BOX (self), 4);
  self->body = parley_box (GTK_ORIENTATION_VERTICAL, 10, user ? "bubble" : NULL);
  if (user)
    gtk_widget_set_margin_start (self->body, 48);
  ParleyResponder *responder = parley_chat_get_responder (self->chat);
  g_autofree char *name = responder != NULL ? parley_responder_dup_name (responder) : NULL;
  self->author = parley_line (name != NULL ? name : _ ("Model"), "author");
  gtk_widget_set_visible (self->author, !user);
  build_notice (self);
  build_foot (self);
  gtk_box_append (GTK_BOX (self), self->author);
  gtk_box_append (GTK_BOX (self), self->body);
  gtk_box_append (GTK_BOX (self), self->notice);
  gtk_box_append (GTK_BOX (self), self->foot);
  parley_set_accessible_name (GTK_WIDGET (self), user ? _ ("You wrote") : _ ("Reply"));

  g_signal_connect_object (self->chat, "notify::memory-start", G_CALLBACK (show_memory), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->message, "items-changed", G_CALLBACK (parts_changed), self, 0);
  g_signal_connect_object (self->message, "notify", G_CALLBACK (show_state), self,
                           G_CONNECT_SWAPPED);
  parts_changed (G_LIST_MODEL (self->message), 0, 0,
                 g_list_model_get_n_items (G_LIST_MODEL (self->message)), self);
  show_parts (self);
  show_state (self);
  show_memory (self);
}

static void
dispose (GObject *object)
{
  ParleyMessageRow *self = PARLEY_MESSAGE_ROW (object);

  if (self->tick_id != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick_id);
  self->tick_id = 0;
  g_clear_object (&self->message);
  g_clear_object (&self->chat);
  G_OBJECT_CLASS (parley_message_row_parent_class)->dispose (object);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ParleyMessageRow *self = PARLEY_MESSAGE_ROW (object);

  switch (id) {
  case PROP_CHAT: self->chat = g_value_dup_object (value); break;
  case PROP_MESSAGE: self->message = g_value_dup_object (value); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
parley_message_row_class_init (ParleyMessageRowClass *klass)
{
  GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  G_OBJECT_CLASS (klass)->constructed = constructed;
  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->set_property = set_property;
  g_object_class_install_property (
      G_OBJECT_CLASS (klass), PROP_CHAT,
      g_param_spec_object ("chat", NULL, NULL, PARLEY_TYPE_CHAT, flags));
  g_object_class_install_property (
      G_OBJECT_CLASS (klass), PROP_MESSAGE,
      g_param_spec_object ("message", NULL, NULL, PARLEY_TYPE_MESSAGE, flags));
  gtk_widget_class_set_accessible_role (GTK_WIDGET_CLASS (klass), GTK_ACCESSIBLE_ROLE_LIST_ITEM);
  signals[EDIT] = g_signal_new ("edit", PARLEY_TYPE_MESSAGE_ROW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 0);
}

static void
parley_message_row_init (ParleyMessageRow *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
}

GtkWidget *
parley_message_row_new (ParleyChat *chat, ParleyMessage *message)
{
  return g_object_new (PARLEY_TYPE_MESSAGE_ROW, "chat", chat, "message", message, NULL);
}
