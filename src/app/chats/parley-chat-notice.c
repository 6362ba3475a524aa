/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-chat-notice.h"

#include "app/load/parley-default-model.h"
#include "app/models/parley-forecast.h"
#include "app/text/parley-format.h"
#include "app/models/parley-transfer-box.h"
#include "app/widgets/parley-widgets.h"
#include "app/widgets/parley-wrap-layout.h"

#include <glib/gi18n.h>

#define N_BUTTONS 3

typedef void (*Act) (ParleyChatNotice *self);

typedef struct {
  const char *label; /* NULL: none */
  Act act;
} Choice;

struct _ParleyChatNotice {
  GtkBox parent;
  ParleyServices *services;
  ParleyChat *chat;
  ParleyWorkerClient *client; /* of the model that the chat talks to, or NULL */
  GtkWidget *icon, *text, *bar, *column, *line, *row, *buttons[N_BUTTONS];
  Act acts[N_BUTTONS];
  GCancellable *pricing; /* what a larger context costs */
  guint enlarged;        /* tokens it would have; 0: it cannot be larger */
};

G_DEFINE_FINAL_TYPE (ParleyChatNotice, parley_chat_notice, GTK_TYPE_BOX)

static ParleyEngine *
engine_of (ParleyChatNotice *self)
{
  return self->chat != NULL ? parley_engines_find_responder (self->services->engines,
                                                             parley_chat_get_responder (self->chat))
                            : NULL;
}

/* ---- what can be done ---- */

static void
pick_model (ParleyChatNotice *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "win.pick-model", NULL);
}

static void
edit_last (ParleyChatNotice *self)
{
  parley_chat_stop (self->chat);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.edit-last", NULL);
}

/* The first download that failed while nothing else is here; borrowed, or NULL. */
static ParleyTransfer *
failed_download (ParleyChatNotice *self)
{
  GListModel *downloads = G_LIST_MODEL (self->services->downloads);

  if (parley_library_get_n_own (self->services->library) > 0)
    return NULL;
  for (guint i = 0; i < g_list_model_get_n_items (downloads); i++) {
    g_autoptr (ParleyTransfer) transfer = g_list_model_get_item (downloads, i);
    if (parley_transfer_get_state (transfer) == PARLEY_TRANSFER_FAILED)
      return transfer;
  }
  return NULL;
}

static void
download_again (ParleyChatNotice *self)
{
  ParleyTransfer *failed = failed_download (self);

  if (failed != NULL)
    parley_transfer_resume (failed);
}

static void
load_again (ParleyChatNotice *self)
{
  ParleyEngine *engine = engine_of (self);

  if (engine != NULL)
    parley_engines_reload (self->services->engines, engine);
}

static void
stop_loading (ParleyChatNotice *self)
{
  ParleyEngine *engine = engine_of (self);

  if (engine != NULL)
    parley_engines_unload (self->services->engines, engine);
}

static void
forget_oldest (ParleyChatNotice *self)
{
  parley_chat_forget_oldest (self->chat);
}

static void
summarise (ParleyChatNotice *self)
{
  parley_chat_summarise (self->chat);
}

/* The question goes away by itself once the context is there. */
static void
enlarge (ParleyChatNotice *self)
{
  ParleyEngine *engine = engine_of (self);
  g_autofree char *text = g_strdup_printf ("%u", self->enlarged);

  if (engine == NULL || self->enlarged == 0)
    return;
  parley_engines_set (self->services->engines, parley_engine_get_model (engine), "context", text);
  parley_engines_reload (self->services->engines, engine);
}

static void
clicked (GtkWidget *button, ParleyChatNotice *self)
{
  for (guint i = 0; i < N_BUTTONS; i++)
    if (self->buttons[i] == button && self->acts[i] != NULL) {
      self->acts[i](self);
      return;
    }
}

/* One button stands beside the text, several below it. */
static void
place_buttons (ParleyChatNotice *self, gboolean below)
{
  GtkWidget *place = below ? self->column : self->line;

  if (gtk_widget_get_parent (self->row) == place)
    return;
  gtk_box_remove (GTK_BOX (gtk_widget_get_parent (self->row)), self->row);
  gtk_box_append (GTK_BOX (place), self->row);
}

/* `choices`: the suggested one first. */
static void
say (ParleyChatNotice *self, const char *css, const char *text, const Choice choices[N_BUTTONS])
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
  for (guint i = 0; i < N_BUTTONS; i++) {
    gtk_widget_set_visible (self->buttons[i], choices[i].label != NULL);
    if (choices[i].label != NULL)
      gtk_button_set_label (GTK_BUTTON (self->buttons[i]), choices[i].label);
    self->acts[i] = choices[i].act;
  }
  gtk_widget_set_visible (self->row, choices[0].label != NULL);
  place_buttons (self, choices[1].label != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self), TRUE);
}

/* ---- a full context ---- */

static guint64
kv_bytes (ParleyFit *fit)
{
  guint64 bytes = 0;

  for (gsize i = 0; i < parley_fit_get_n_devices (fit); i++)
    bytes += parley_fit_get_device (fit, i)->parts[PE_MEMORY_KV];
  return bytes;
}

/* Behind the question. */
static void
say_why_not (ParleyChatNotice *self, const char *why)
{
  /* Translators: what there is to decide, then why something cannot be chosen. */
  g_autofree char *text =
      g_strdup_printf (_ ("%s %s"), gtk_label_get_text (GTK_LABEL (self->text)), why);

  gtk_label_set_text (GTK_LABEL (self->text), text);
}

static void
priced (gpointer subject, const ParleyForecast *forecast, gpointer data)
{
  ParleyChatNotice *self = data;
  ParleyEngine *engine = engine_of (self);
  const ParleyOverflow *overflow =
      self->chat != NULL ? parley_chat_get_overflow (self->chat) : NULL;

  if (engine == NULL || overflow == NULL || self->enlarged == 0)
    return;
  guint last = overflow->n_messages == 0 ? 0 : overflow->can_summarise ? 2 : 1;
  g_autofree char *tokens = parley_format_number (self->enlarged);
  if (forecast->fit == NULL) /* it stands without a price */
    return;
  if (forecast->verdict == PARLEY_SHOWN_TOO_BIG) {
    g_autofree char *why =
        g_strdup_printf (_ ("There is not enough memory for a context of %s."), tokens);
    gtk_widget_set_visible (self->buttons[last], FALSE);
    say_why_not (self, why);
    self->enlarged = 0;
    return;
  }
  guint64 all = kv_bytes (forecast->fit);
  g_autofree char *more = parley_format_size (all - all * overflow->length / self->enlarged);
  /* Translators: a button that makes the context larger: tokens, and the memory it takes. */
  g_autofree char *label = g_strdup_printf (_ ("Enlarge to %s (+%s)"), tokens, more);
  gtk_button_set_label (GTK_BUTTON (self->buttons[last]), label);
}

/* The longest context that the loaded model was made for; 0: not known. */
static guint
n_trained (ParleyChatNotice *self)
{
  const ParleyLoadedModel *model =
      self->client != NULL ? parley_worker_client_get_model (self->client) : NULL;

  return model != NULL ? model->n_ctx_train : 0;
}

typedef struct {
  ParleyChatNotice *notice;
  GCancellable *pricing; /* tells which question this is */
} Pricing;

/* What the model holds now it gives back before it is loaded again. */
static void
held_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Pricing *pricing = data;
  g_autoptr (ParleyChatNotice) self = pricing->notice;
  g_autoptr (GCancellable) cancellable = pricing->pricing;
  g_autoptr (GArray) held =
      parley_worker_client_memory_finish (PARLEY_WORKER_CLIENT (source), result, NULL);
  ParleyEngine *engine = engine_of (self);
  const ParleyLoadedModel *model = parley_worker_client_get_model (PARLEY_WORKER_CLIENT (source));

  if (self->pricing != cancellable || self->enlarged == 0 || engine == NULL || model == NULL)
    return;
  struct pe_plan_request request = model->plan;
  request.n_ctx = self->enlarged;
  parley_forecast_model (self->services, parley_engine_get_model (engine), &request, held,
                         cancellable, priced, g_object_ref (self), g_object_unref);
}

/* Twice the length, or as much more as is needed; never more than the model was made for. */
static void
find_enlarged (ParleyChatNotice *self, const ParleyOverflow *overflow)
{
  const ParleyLoadedModel *model =
      self->client != NULL ? parley_worker_client_get_model (self->client) : NULL;
  guint64 wanted = (guint64) overflow->length * 2;

  self->enlarged = 0;
  while (wanted < overflow->needed)
    wanted *= 2;
  if (model == NULL)
    return;
  if (n_trained (self) > 0)
    wanted = MIN (wanted, n_trained (self));
  if (wanted <= overflow->length || wanted < overflow->needed)
    return;
  self->enlarged = (guint) MIN (wanted, 1 << 24);
  if (self->pricing != NULL)
    g_cancellable_cancel (self->pricing);
  g_clear_object (&self->pricing);
  self->pricing = g_cancellable_new ();
  Pricing *pricing = g_new (Pricing, 1);
  *pricing = (Pricing){ g_object_ref (self), g_object_ref (self->pricing) };
  parley_worker_client_memory_async (self->client, self->pricing, held_ready, pricing);
}

static void
say_overflow (ParleyChatNotice *self)
{
  const ParleyOverflow *overflow = parley_chat_get_overflow (self->chat);
  g_autofree char *room = parley_format_tokens (overflow->length);
  g_autofree char *text = NULL;
  Choice choices[N_BUTTONS] = { 0 };
  guint n = 0;

  if (engine_of (self) != NULL)
    find_enlarged (self, overflow);
  if (overflow->n_messages == 0) {
    text = g_strdup_printf (_ ("The last message alone is too long for a context of %s."), room);
    choices[n++] = (Choice){ _ ("Edit Message"), edit_last };
  } else {
    text =
        g_strdup_printf (ngettext ("The conversation no longer fits the context of %s. The model "
                                   "can forget the oldest message; you still see it.",
                                   "The conversation no longer fits the context of %s. The model "
                                   "can forget the oldest messages; you still see them.",
                                   overflow->n_messages),
                         room);
    choices[n++] = (Choice){ _ ("Forget the Oldest"), forget_oldest };
    if (overflow->can_summarise)
      choices[n++] = (Choice){ _ ("Sum Them Up"), summarise };
  }
  if (self->enlarged > 0)
    choices[n++] = (Choice){ _ ("Enlarge"), enlarge };
  const char *problem = parley_chat_get_summary_problem (self->chat);
  if (problem != NULL) {
    g_autofree char *question = g_steal_pointer (&text);
    /* Translators: why it was not written, then what else can be done. */
    text = g_strdup_printf (_ ("The summary was not written: %s %s"), problem, question);
  }
  say (self, "caution", text, choices);
  guint most = n_trained (self);
  if (self->enlarged == 0 && most > 0) {
    g_autofree char *limit = parley_format_tokens (most);
    g_autofree char *why = g_strdup_printf (_ ("The model was made for at most %s."), limit);
    say_why_not (self, why);
  }
}

/* ---- which of them ---- */

static void
say_loading (ParleyChatNotice *self, const char *message)
{
  say (self, NULL, message != NULL ? message : _ ("Loading the model"),
       (Choice[N_BUTTONS]){ { _ ("Cancel"), stop_loading } });
  gtk_widget_set_visible (self->bar, TRUE);
  if (self->client != NULL)
    gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar),
                                   parley_worker_client_get_load_progress (self->client));
}

/* Nobody answers this chat yet. With one model, or one talked to before, the first message finds it
 * by itself. */
static void
say_nobody (ParleyChatNotice *self)
{
  ParleyTransfer *awaited = parley_default_model_awaited (self->services);
  gboolean waits = parley_chat_get_state (self->chat) == PARLEY_CHAT_WAITING;
  gboolean several = parley_library_get_n_own (self->services->library) > 1;

  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
  if (waits && awaited != NULL) {
    g_autofree char *how_far = parley_transfer_describe (awaited);
    /* Translators: a file, and how far its download is. */
    g_autofree char *text =
        g_strdup_printf (_ ("Your message is answered as soon as %s is here: %s"),
                         parley_transfer_get_name (awaited), how_far);
    say (self, NULL, text, (Choice[N_BUTTONS]){ { _ ("Choose Another"), pick_model } });
    gtk_widget_set_visible (self->bar, TRUE);
    gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar),
                                   parley_transfer_get_fraction (awaited));
  } else if (waits && failed_download (self) != NULL)
    say (self, "failure", parley_transfer_get_message (failed_download (self)),
         (Choice[N_BUTTONS]){ { _ ("Try Again"), download_again },
                              { _ ("Choose Another"), pick_model } });
  else if (waits || (several && parley_default_model_find (self->services, self->chat) == NULL))
    say (self, NULL, _ ("Choose the model you want to talk to."),
         (Choice[N_BUTTONS]){ { _ ("Choose Model"), pick_model } });
}

static void
show (ParleyChatNotice *self)
{
  ParleyResponder *responder = self->chat != NULL ? parley_chat_get_responder (self->chat) : NULL;
  g_autofree char *message = NULL;

  gtk_widget_set_visible (self->bar, FALSE);
  if (self->chat != NULL && parley_chat_get_state (self->chat) == PARLEY_CHAT_NEEDS_ROOM) {
    say_overflow (self);
    return;
  }
  if (self->chat == NULL || responder == NULL) {
    gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
    if (self->chat != NULL)
      say_nobody (self);
    return;
  }
  message = parley_responder_dup_message (responder);
  switch (parley_responder_get_state (responder)) {
  case PARLEY_RESPONDER_LOADING: say_loading (self, message); break;
  case PARLEY_RESPONDER_FAILED:
    say (self, "failure", message != NULL ? message : _ ("The model could not be loaded."),
         (Choice[N_BUTTONS]){ { _ ("Load Again"), load_again },
                              { _ ("Choose Another"), pick_model } });
    break;
  case PARLEY_RESPONDER_NO_MODEL:
    say (self, NULL, message != NULL ? message : _ ("No model is loaded."),
         (Choice[N_BUTTONS]){ { _ ("Choose Model"), pick_model } });
    break;
  default:
    gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
    if (!parley_responder_has_template (responder))
      say (self, NULL,
           _ ("This model has no chat format. It continues your text instead of answering it."),
           (Choice[N_BUTTONS]){ 0 });
  }
}

/* How far it is only matters while a message waits for it. */
static void
transfer_changed (ParleyChatNotice *self)
{
  if (self->chat != NULL && parley_chat_get_responder (self->chat) == NULL)
    show (self);
}

static void
downloads_changed (GListModel *downloads, guint position, guint removed, guint added,
                   ParleyChatNotice *self)
{
  for (guint i = position; i < position + added; i++) {
    g_autoptr (ParleyTransfer) transfer = g_list_model_get_item (downloads, i);
    g_signal_handlers_disconnect_by_func (transfer, transfer_changed, self);
    g_signal_connect_object (transfer, "notify", G_CALLBACK (transfer_changed), self,
                             G_CONNECT_SWAPPED);
  }
  transfer_changed (self);
}

static void
follow (ParleyChatNotice *self)
{
  ParleyEngine *engine = engine_of (self);
  ParleyWorkerClient *client = engine != NULL ? parley_engine_get_client (engine) : NULL;

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
  follow (self);
}

static void
dispose (GObject *object)
{
  ParleyChatNotice *self = PARLEY_CHAT_NOTICE (object);

  if (self->chat != NULL)
    g_signal_handlers_disconnect_by_data (self->chat, self);
  if (self->client != NULL)
    g_signal_handlers_disconnect_by_data (self->client, self);
  if (self->pricing != NULL)
    g_cancellable_cancel (self->pricing);
  g_clear_object (&self->pricing);
  g_clear_object (&self->row);
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
  self->icon = parley_icon (NULL);
  self->text = parley_label ("", NULL);
  gtk_widget_set_hexpand (self->text, TRUE);
  self->row = g_object_ref_sink (parley_box (GTK_ORIENTATION_HORIZONTAL, 0, NULL));
  gtk_widget_set_layout_manager (self->row, parley_wrap_layout_new (8, 8));
  for (guint i = 0; i < N_BUTTONS; i++) {
    self->buttons[i] = parley_text_button ("", NULL);
    g_signal_connect (self->buttons[i], "clicked", G_CALLBACK (clicked), self);
    gtk_box_append (GTK_BOX (self->row), self->buttons[i]);
  }
  self->bar = gtk_progress_bar_new ();
  gtk_widget_add_css_class (self->bar, "slim");
  parley_set_accessible_name (self->bar, _ ("Loaded"));
  gtk_box_append (GTK_BOX (line), self->icon);
  gtk_box_append (GTK_BOX (line), self->text);
  gtk_box_append (GTK_BOX (column), line);
  gtk_box_append (GTK_BOX (column), self->bar);
  gtk_box_append (GTK_BOX (self), column);
  self->column = column;
  self->line = line;
  gtk_box_append (GTK_BOX (line), self->row);
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
  g_signal_connect_object (services->downloads, "items-changed", G_CALLBACK (downloads_changed),
                           self, 0);
  downloads_changed (G_LIST_MODEL (services->downloads), 0, 0,
                     g_list_model_get_n_items (G_LIST_MODEL (services->downloads)), self);
  follow (self);
  return GTK_WIDGET (self);
}
