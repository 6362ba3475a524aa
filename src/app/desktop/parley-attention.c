/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/desktop/parley-attention.h"

#include "app/compat.h"
#include "app/desktop/parley-background.h"
#include "app/widgets/parley-dialog.h"
#include "app/text/parley-markdown.h"
#include "app/desktop/parley-notifier.h"
#include "app/parley-task.h"
#include "app/parley-window.h"

#include <glib/gi18n.h>
#include <string.h>

#define WORTH_TELLING (8 * G_TIME_SPAN_SECOND) /* a reply that took as long */
#define MAX_BODY      200                      /* characters */
#define READ_BODY     (8 * MAX_BODY)           /* bytes of a reply that become them */

struct _ParleyAttention {
  GObject parent;
  GtkApplication *application; /* borrowed */
  ParleyServices *services;    /* borrowed */
  GHashTable *since;           /* busy chat, weak -> gint64, when it was asked */
  guint cookie;                /* of the inhibition, 0: none */
  GtkWindow *hidden;           /* goes on without being seen; borrowed, or NULL */
  GtkWindow *question;         /* whether work may end with the window; weak, or NULL */
  gboolean may_end;            /* the answer was yes */
};

G_DEFINE_FINAL_TYPE (ParleyAttention, parley_attention, G_TYPE_OBJECT)

static gboolean
is_on (ParleyAttention *self, const char *key, gboolean usual)
{
  g_autofree char *value = parley_store_get_setting (self->services->store, key);

  return value != NULL ? g_str_equal (value, "1") : usual;
}

/* ---- is there anything to do ---- */

static gboolean
is_downloading (ParleyAttention *self)
{
  GListModel *downloads = G_LIST_MODEL (self->services->downloads);

  for (guint i = 0; i < g_list_model_get_n_items (downloads); i++) {
    g_autoptr (ParleyTransfer) transfer = g_list_model_get_item (downloads, i);
    if (parley_transfer_is_active (transfer))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_working (ParleyAttention *self)
{
  return g_list_model_get_n_items (G_LIST_MODEL (self->services->tasks)) > 0;
}

gboolean
parley_attention_is_busy (ParleyAttention *self)
{
  return g_hash_table_size (self->since) > 0 || is_downloading (self) || is_working (self);
}

/* Bytes arrive: a download that waits for a network or for space keeps nothing awake. */
static gboolean
is_receiving (ParleyAttention *self)
{
  GListModel *downloads = G_LIST_MODEL (self->services->downloads);

  for (guint i = 0; i < g_list_model_get_n_items (downloads); i++) {
    g_autoptr (ParleyTransfer) transfer = g_list_model_get_item (downloads, i);
    ParleyTransferState state = parley_transfer_get_state (transfer);
    if (state == PARLEY_TRANSFER_RUNNING || state == PARLEY_TRANSFER_CHECKING)
      return TRUE;
  }
  return FALSE;
}

/* The computer stays awake for replies, downloads and work on files. */
static void
update (ParleyAttention *self)
{
  gboolean answering = g_hash_table_size (self->since) > 0, receiving = is_receiving (self);
  gboolean working = answering || receiving || is_working (self);

  if (working && self->cookie == 0)
    self->cookie =
        gtk_application_inhibit (self->application, NULL, GTK_APPLICATION_INHIBIT_SUSPEND,
                                 answering   ? _ ("Answering")
                                 : receiving ? _ ("Downloading")
                                             : _ ("Working on files"));
  else if (!working && self->cookie != 0) {
    gtk_application_uninhibit (self->application, self->cookie);
    self->cookie = 0;
  }
  if (self->hidden != NULL && !parley_attention_is_busy (self)) {
    GtkWindow *window = self->hidden;
    self->hidden = NULL;
    g_application_release (G_APPLICATION (self->application));
    gtk_window_close (window);
  }
}

/* ---- telling ---- */

/* The window of ours that is in use, the main one or a dialog above it; NULL: none. Not owned. */
static GtkWidget *
window_in_use (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);
    if (gtk_widget_get_mapped (GTK_WIDGET (window)) && gtk_window_is_active (window))
      return GTK_WIDGET (window);
  }
  return NULL;
}

static void
notify (ParleyAttention *self, const char *id, const char *title, const char *body,
        const char *action, GVariant *target)
{
  if (!is_on (self, "notify", TRUE) || window_in_use () != NULL) {
    if (target != NULL)
      g_variant_unref (g_variant_ref_sink (target));
    return;
  }
  parley_notify (G_APPLICATION (self->application), id, title, body, action, target);
}

static char *
reply_id (ParleyChat *chat)
{
  return g_strdup_printf ("reply-%" G_GINT64_FORMAT, parley_chat_get_id (chat));
}

/* How a reply begins, without its marks. */
static char *
beginning_of (const char *text)
{
  gsize length = strnlen (text, READ_BODY);
  while (length > 0 && ((guchar) text[length] & 0xc0) == 0x80)
    length--; /* not within a character */
  g_autoptr (ParleyBlock) block = parley_markdown_parse (text, length);
  g_autofree char *plain = parley_block_plain_text (block);

  if (g_utf8_strlen (plain, -1) <= MAX_BODY && text[length] == '\0')
    return g_steal_pointer (&plain);
  g_autofree char *start = g_utf8_substring (plain, 0, MIN (g_utf8_strlen (plain, -1), MAX_BODY));
  return g_strconcat (g_strchomp (start), "…", NULL);
}

/* Aloud to those who are here; with a notification, where it is worth one, to those who are not. */
static void
tell_reply (ParleyAttention *self, ParleyChat *chat, gboolean worth_notifying)
{
  GtkWidget *window = window_in_use ();
  guint n = g_list_model_get_n_items (G_LIST_MODEL (chat));
  g_autoptr (ParleyMessage) last =
      n > 0 ? g_list_model_get_item (G_LIST_MODEL (chat), n - 1) : NULL;

  if (last == NULL || parley_message_get_role (last) != PARLEY_ROLE_ASSISTANT ||
      parley_message_get_state (last) == PARLEY_MESSAGE_STOPPED)
    return;
  g_autofree char *text = parley_message_dup_text (last);
  const char *remark = parley_message_get_remark (last);
  const char *said = *text != '\0' ? text : remark != NULL ? remark : "";
  g_autofree char *body = beginning_of (said);
  if (window != NULL)
    parley_announce (window, body);
  if (!worth_notifying || parley_chat_is_temporary (chat)) /* it leaves nothing there either */
    return;
  const char *title = parley_chat_get_title (chat);
  g_autofree char *id = reply_id (chat);
  notify (self, id, *title != '\0' ? title : _ ("New Chat"), body, "app.show-chat",
          g_variant_new_int64 (parley_chat_get_id (chat)));
}

/* ---- chats ---- */

/* Whose model is loaded, or answers another chat: it is answered without anybody's help. */
static gboolean
waits_in_line (ParleyChat *chat)
{
  ParleyResponder *responder = parley_chat_get_responder (chat);

  if (parley_chat_get_state (chat) != PARLEY_CHAT_WAITING || responder == NULL)
    return FALSE;
  ParleyResponderState state = parley_responder_get_state (responder);
  return state != PARLEY_RESPONDER_NO_MODEL && state != PARLEY_RESPONDER_FAILED;
}

/* One that was left while it was answered, and is kept nowhere. */
static void
chat_gone (gpointer data, GObject *chat)
{
  ParleyAttention *self = data;

  g_hash_table_remove (self->since, chat);
  update (self);
}

static void
chat_changed (ParleyAttention *self, GParamSpec *pspec, ParleyChat *chat)
{
  ParleyChatState state = parley_chat_get_state (chat);
  gboolean busy = state == PARLEY_CHAT_READING || state == PARLEY_CHAT_ANSWERING ||
                  state == PARLEY_CHAT_SUMMARISING || waits_in_line (chat);
  gint64 *since = g_hash_table_lookup (self->since, chat);

  if (busy && since == NULL) {
    gint64 now = g_get_monotonic_time ();
    g_hash_table_insert (self->since, chat, g_memdup2 (&now, sizeof now));
    g_object_weak_ref (G_OBJECT (chat), chat_gone, self);
  } else if (!busy && since != NULL) {
    gboolean worth = g_get_monotonic_time () - *since >= WORTH_TELLING || self->hidden != NULL;
    g_hash_table_remove (self->since, chat);
    g_object_weak_unref (G_OBJECT (chat), chat_gone, self);
    if (state == PARLEY_CHAT_IDLE)
      tell_reply (self, chat, worth);
  }
  update (self);
}

static void
transfer_changed (ParleyAttention *self)
{
  update (self);
}

static void
transfer_finished (ParleyDownloads *downloads, ParleyTransfer *transfer, ParleyAttention *self)
{
  notify (self, "download", _ ("Download finished"), parley_transfer_get_name (transfer),
          "app.show-models", NULL);
}

static void
watch_item (ParleyAttention *self, GObject *item)
{
  if (g_signal_handler_find (item, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL, self) != 0)
    return;
  if (PARLEY_IS_CHAT (item)) {
    g_signal_connect_object (item, "notify::state", G_CALLBACK (chat_changed), self,
                             G_CONNECT_SWAPPED);
    g_signal_connect_object (item, "notify::responder", G_CALLBACK (chat_changed), self,
                             G_CONNECT_SWAPPED);
  } else
    g_signal_connect_object (item, "notify::state", G_CALLBACK (transfer_changed), self,
                             G_CONNECT_SWAPPED);
}

static void
watch (ParleyAttention *self, GListModel *model, guint position, guint added)
{
  for (guint i = position; i < position + added; i++) {
    g_autoptr (GObject) item = g_list_model_get_item (model, i);
    watch_item (self, item);
  }
}

static void
items_changed (GListModel *model, guint position, guint removed, guint added, ParleyAttention *self)
{
  watch (self, model, position, added);
  update (self);
}

/* A temporary chat is in no list. What is in view of somebody needs not be told any more. */
static void
shown (ParleyAttention *self, ParleyChat *chat, GtkWindow *window)
{
  GApplication *application = G_APPLICATION (self->application);

  if (chat != NULL)
    watch_item (self, G_OBJECT (chat));
  if (!gtk_window_is_active (window))
    return;
  parley_notify_withdraw (application, "download");
  parley_notify_withdraw (application, "work");
  if (chat == NULL)
    return;
  g_autofree char *id = reply_id (chat);
  parley_notify_withdraw (application, id);
}

/* ---- without a window ---- */

/* Without a window the desktop would end the program in the middle of its work. */
static void
background_refused (GObject *object)
{
  ParleyAttention *self = PARLEY_ATTENTION (object);

  if (self->hidden == NULL)
    return;
  GtkWindow *window = self->hidden;
  gtk_window_present (window);
  parley_window_toast (PARLEY_WINDOW (window),
                       _ ("The desktop does not let Parley go on without a window. It can be "
                          "allowed in the settings of applications."));
}

static void
shown_again (GtkWidget *window, ParleyAttention *self)
{
  if (self->hidden != GTK_WINDOW (window))
    return;
  self->hidden = NULL;
  g_application_release (G_APPLICATION (self->application));
}

static void
end_work (gpointer data)
{
  ParleyAttention *self = data;
  GListModel *tasks = G_LIST_MODEL (self->services->tasks);
  GtkWindow *window = gtk_window_get_transient_for (self->question);

  self->may_end = TRUE;
  for (guint i = 0; i < g_list_model_get_n_items (tasks); i++) {
    g_autoptr (ParleyTask) task = g_list_model_get_item (tasks, i);
    parley_task_cancel (task);
  }
  gtk_window_close (window);
  self->may_end = FALSE;
}

/* A download goes on from where it was, and a reply is kept as far as it came; this is not. */
static void
ask_about_work (ParleyAttention *self, GtkWindow *window)
{
  g_autoptr (ParleyTask) task = g_list_model_get_item (G_LIST_MODEL (self->services->tasks), 0);
  /* Translators: what is under way, "Importing stories.gguf". */
  g_autofree char *text = g_strdup_printf (
      _ ("%s: this is not finished. If Parley closes now, it has to be begun again."),
      parley_task_get_title (task));

  if (self->question != NULL) {
    gtk_window_present (self->question);
    return;
  }
  g_set_weak_pointer (&self->question, parley_ask (window, _ ("Close Parley Now?"), text, NULL,
                                                   _ ("Close Anyway"), TRUE, end_work, self, NULL));
}

/* The window is about to close. TRUE: it was hidden instead, and is destroyed when all is done; or
 * the person is asked first. */
static gboolean
hide (ParleyAttention *self, GtkWindow *window)
{
  if (self->may_end || !parley_attention_is_busy (self))
    return FALSE;
  if (!is_on (self, "background", FALSE)) {
    if (!is_working (self))
      return FALSE;
    ask_about_work (self, window);
    return TRUE;
  }
  if (self->hidden == NULL) {
    g_application_hold (G_APPLICATION (self->application));
    self->hidden = window;
    g_signal_connect_object (window, "show", G_CALLBACK (shown_again), self, 0);
    GDBusConnection *bus = g_application_get_dbus_connection (G_APPLICATION (self->application));
    if (bus != NULL)
      parley_background_request (bus, _ ("Parley finishes replies and downloads that were begun."),
                                 background_refused, G_OBJECT (self));
  }
  gtk_widget_set_visible (GTK_WIDGET (window), FALSE);
  return TRUE;
}

/* ---- making ---- */

void
parley_attention_watch (ParleyAttention *self, GtkWindow *window)
{
  g_signal_connect_object (window, "close-request", G_CALLBACK (hide), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (window, "shows", G_CALLBACK (shown), self, G_CONNECT_SWAPPED);
}

static void
dispose (GObject *object)
{
  ParleyAttention *self = PARLEY_ATTENTION (object);
  GHashTableIter iter;
  gpointer chat;

  if (self->cookie != 0)
    gtk_application_uninhibit (self->application, self->cookie);
  self->cookie = 0;
  g_hash_table_iter_init (&iter, self->since);
  while (g_hash_table_iter_next (&iter, &chat, NULL))
    g_object_weak_unref (chat, chat_gone, self);
  g_hash_table_remove_all (self->since);
  if (self->question != NULL)
    gtk_window_destroy (self->question);
  g_clear_weak_pointer (&self->question);
  G_OBJECT_CLASS (parley_attention_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  ParleyAttention *self = PARLEY_ATTENTION (object);

  g_hash_table_unref (self->since);
  G_OBJECT_CLASS (parley_attention_parent_class)->finalize (object);
}

static void
parley_attention_class_init (ParleyAttentionClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->finalize = finalize;
}

static void
parley_attention_init (ParleyAttention *self)
{
  self->since = g_hash_table_new_full (NULL, NULL, NULL, g_free);
}

ParleyAttention *
parley_attention_new (GtkApplication *application, ParleyServices *services)
{
  ParleyAttention *self = g_object_new (PARLEY_TYPE_ATTENTION, NULL);
  GListModel *const models[] = { G_LIST_MODEL (services->chats),
                                 G_LIST_MODEL (services->downloads) };

  self->application = application;
  self->services = services;
  for (gsize i = 0; i < G_N_ELEMENTS (models); i++) {
    g_signal_connect_object (models[i], "items-changed", G_CALLBACK (items_changed), self, 0);
    watch (self, models[i], 0, g_list_model_get_n_items (models[i]));
  }
  g_signal_connect_object (services->tasks, "items-changed", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->downloads, "finished", G_CALLBACK (transfer_finished), self,
                           0);
  return self;
}
