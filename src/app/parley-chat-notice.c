/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-chat-notice.h"

#include "app/parley-format.h"
#include "app/parley-widgets.h"

#include <glib/gi18n.h>

struct _ParleyChatNotice {
  GtkBox parent;
  ParleyServices *services;
  ParleyChat *chat;
  ParleyWorkerClient *client;
  GtkWidget *icon, *text, *bar, *first, *second;
  void (*first_act) (ParleyChatNotice *self);
  void (*second_act) (ParleyChatNotice *self);
};

G_DEFINE_FINAL_TYPE (ParleyChatNotice, parley_chat_notice, GTK_TYPE_BOX)

typedef void (*Act) (ParleyChatNotice *self);

static void
pick_model (ParleyChatNotice *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "win.pick-model", NULL);
}

static void
load_again (ParleyChatNotice *self)
{
  parley_engines_reload (self->services->engines);
}

static void
stop_loading (ParleyChatNotice *self)
{
  parley_engines_unload (self->services->engines);
}

static void
forget_oldest (ParleyChatNotice *self)
{
  parley_chat_forget_oldest (self->chat);
}

static void
load_panel (ParleyChatNotice *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "win.load-panel", NULL);
}

static void
act_first (GtkButton *button, ParleyChatNotice *self)
{
  self->first_act (self);
}

static void
act_second (GtkButton *button, ParleyChatNotice *self)
{
  self->second_act (self);
}

static void
say (ParleyChatNotice *self, const char *css, const char *text, const char *first, Act first_act,
     const char *second, Act second_act)
{
  static const char *const kinds[] = { "caution", "failure" };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    gtk_widget_remove_css_class (GTK_WIDGET (self), kinds[i]);
  if (css != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self), css);
  gtk_image_set_from_icon_name (GTK_IMAGE (self->icon), css != NULL
                                                            ? "dialog-warning-symbolic"
                                                            : "dialog-information-symbolic");
  gtk_label_set_text (GTK_LABEL (self->text), text);
  gtk_widget_set_visible (self->first, first != NULL);
  gtk_widget_set_visible (self->second, second != NULL);
  if (first != NULL)
    gtk_button_set_label (GTK_BUTTON (self->first), first);
  if (second != NULL)
    gtk_button_set_label (GTK_BUTTON (self->second), second);
  self->first_act = first_act;
  self->second_act = second_act;
  gtk_widget_set_visible (GTK_WIDGET (self), TRUE);
}

static void
say_overflow (ParleyChatNotice *self)
{
  const ParleyOverflow *overflow = parley_chat_get_overflow (self->chat);
  g_autofree char *room = parley_format_tokens (overflow != NULL ? overflow->length : 0);
  g_autofree char *text = NULL;

  if (overflow == NULL || overflow->n_messages == 0) {
    text = g_strdup_printf (_ ("The last message alone is too long for a context of %s."), room);
    say (self, "caution", text, _ ("Enlarge…"), load_panel, NULL, NULL);
    return;
  }
  text = g_strdup_printf (ngettext ("The conversation no longer fits the context of %s. The model "
                                    "can forget the oldest message; you still see it.",
                                    "The conversation no longer fits the context of %s. The model "
                                    "can forget the oldest messages; you still see them.",
                                    overflow->n_messages),
                          room);
  say (self, "caution", text, _ ("Forget the Oldest"), forget_oldest, _ ("Enlarge…"), load_panel);
}

static void
show (ParleyChatNotice *self)
{
  ParleyResponder *responder = self->chat != NULL ? parley_chat_get_responder (self->chat) : NULL;
  guint n_models = g_list_model_get_n_items (G_LIST_MODEL (self->services->library));
  g_autofree char *last = parley_store_get_setting (self->services->store, "chat/last-model");
  g_autofree char *message = NULL;

  gtk_widget_set_visible (self->bar, FALSE);
  if (self->chat != NULL && parley_chat_get_state (self->chat) == PARLEY_CHAT_NEEDS_ROOM) {
    say_overflow (self);
    return;
  }
  if (responder == NULL) {
    gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
    /* With one model, or one talked to before, the first message finds it by itself. */
    if (n_models > 1 && self->chat != NULL && last == NULL &&
        parley_chat_get_model (self->chat) == NULL)
      say (self, NULL, _ ("Choose the model you want to talk to."), _ ("Choose Model"), pick_model,
           NULL, NULL);
    return;
  }
  message = parley_responder_dup_message (responder);
  switch (parley_responder_get_state (responder)) {
  case PARLEY_RESPONDER_LOADING:
    say (self, NULL, message != NULL ? message : _ ("Loading the model"), _ ("Cancel"),
         stop_loading, NULL, NULL);
    gtk_widget_set_visible (self->bar, TRUE);
    if (self->client != NULL)
      gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar),
                                     parley_worker_client_get_load_progress (self->client));
    break;
  case PARLEY_RESPONDER_FAILED:
    say (self, "failure", message != NULL ? message : _ ("The model could not be loaded."),
         _ ("Load Again"), load_again, _ ("Choose Another"), pick_model);
    break;
  case PARLEY_RESPONDER_NO_MODEL:
    say (self, NULL, message != NULL ? message : _ ("No model is loaded."), _ ("Choose Model"),
         pick_model, NULL, NULL);
    break;
  default:
    gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
    if (!parley_responder_has_template (responder))
      say (self, NULL,
           _ ("This model has no chat format. It continues your text instead of answering it."),
           NULL, NULL, NULL, NULL);
  }
}

static void
follow (ParleyChatNotice *self)
{
  ParleyWorkerClient *client = parley_engines_get_client (self->services->engines);

  if (client != self->client) {
    if (self->client != NULL)
      g_signal_handlers_disconnect_by_data (self->client, self);
    g_set_object (&self->client, client);
    if (client != NULL)
      g_signal_connect_swapped (client, "notify", G_CALLBACK (show), self);
  }
  show (self);
}

void
parley_chat_notice_set_chat (ParleyChatNotice *self, ParleyChat *chat)
{
  if (self->chat != NULL)
    g_signal_handlers_disconnect_by_data (self->chat, self);
  g_set_object (&self->chat, chat);
  if (chat != NULL)
    g_signal_connect_swapped (chat, "notify::state", G_CALLBACK (show), self);
  show (self);
}

static void
dispose (GObject *object)
{
  ParleyChatNotice *self = PARLEY_CHAT_NOTICE (object);

  if (self->chat != NULL)
    g_signal_handlers_disconnect_by_data (self->chat, self);
  if (self->client != NULL)
    g_signal_handlers_disconnect_by_data (self->client, self);
  g_clear_object (&self->chat);
  g_clear_object (&self->client);
  G_OBJECT_CLASS (parley_chat_notice_parent_class)->dispose (object);
}

static void
parley_chat_notice_class_init (ParleyChatNoticeClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
}

static void
parley_chat_notice_init (ParleyChatNotice *self)
{
  GtkWidget *column = parley_box (GTK_ORIENTATION_VERTICAL, 8, NULL);
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);

  gtk_widget_add_css_class (GTK_WIDGET (self), "notice");
  gtk_widget_set_margin_bottom (GTK_WIDGET (self), 10);
  self->icon = gtk_image_new ();
  self->text = parley_label ("", NULL);
  gtk_widget_set_hexpand (self->text, TRUE);
  self->first = parley_text_button ("", NULL);
  self->second = parley_text_button ("", NULL);
  g_signal_connect (self->first, "clicked", G_CALLBACK (act_first), self);
  g_signal_connect (self->second, "clicked", G_CALLBACK (act_second), self);
  self->bar = gtk_progress_bar_new ();
  gtk_widget_add_css_class (self->bar, "slim");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->bar), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Loaded"), -1);
  gtk_box_append (GTK_BOX (line), self->icon);
  gtk_box_append (GTK_BOX (line), self->text);
  gtk_box_append (GTK_BOX (line), self->second);
  gtk_box_append (GTK_BOX (line), self->first);
  gtk_box_append (GTK_BOX (column), line);
  gtk_box_append (GTK_BOX (column), self->bar);
  gtk_box_append (GTK_BOX (self), column);
}

GtkWidget *
parley_chat_notice_new (ParleyServices *services)
{
  ParleyChatNotice *self = g_object_new (PARLEY_TYPE_CHAT_NOTICE, NULL);

  self->services = services;
  g_signal_connect_object (services->engines, "changed", G_CALLBACK (follow), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->library, "items-changed", G_CALLBACK (show), self,
                           G_CONNECT_SWAPPED);
  follow (self);
  return GTK_WIDGET (self);
}
