/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-chat-page.h"

#include "app/chats/parley-chat-menu.h"
#include "app/chats/parley-chat-notice.h"
#include "app/chats/parley-composer.h"
#include "app/chats/parley-context-meter.h"
#include "app/load/parley-default-model.h"
#include "app/models/parley-importer.h"
#include "app/load/parley-load-panel.h"
#include "app/load/parley-model-defaults.h"
#include "app/load/parley-model-picker.h"
#include "app/reply/parley-transcript.h"
#include "app/chats/parley-welcome.h"
#include "app/widgets/parley-widgets.h"
#include "app/parley-window.h"
#include "library/unpack.h"

#include <glib/gi18n.h>

struct _ParleyChatPage {
  GtkBox parent;
  ParleyServices *services;
  ParleyChat *chat;
  ParleyMessage *editing; /* the message that Send replaces, or NULL */
  GtkWidget *header, *load_button, *load_panel, *menu, *stack, *edit_line;
  GtkWidget *temporary, *meter;
  ParleyModelPicker *picker;
  ParleyTranscript *transcript;
  ParleyChatNotice *notice;
  ParleyComposer *composer;
  guint draft_id;
  guint setting_text : 1; /* not by the person */
};

G_DEFINE_FINAL_TYPE (ParleyChatPage, parley_chat_page, GTK_TYPE_BOX)

enum { PROP_0, PROP_CHAT, N_PROPS };
static GParamSpec *props[N_PROPS];

GtkWidget *
parley_chat_page_get_header (ParleyChatPage *self)
{
  return self->header;
}

ParleyChat *
parley_chat_page_get_chat (ParleyChatPage *self)
{
  return self->chat;
}

gboolean
parley_chat_page_has_messages (ParleyChatPage *self)
{
  return self->chat != NULL && g_list_model_get_n_items (G_LIST_MODEL (self->chat)) > 0;
}

void
parley_chat_page_focus (ParleyChatPage *self)
{
  parley_composer_focus (self->composer);
}

/* What is begun in a new chat, which is not in the store yet. */
#define NEW_DRAFT         "chat/new-draft"
#define SAVE_NEW_DRAFT_MS 700

static gboolean
save_new_draft (gpointer data)
{
  ParleyChatPage *self = data;

  self->draft_id = 0;
  if (self->chat != NULL && !parley_chat_page_has_messages (self) &&
      !parley_chat_is_temporary (self->chat))
    parley_store_set_setting (self->services->store, NEW_DRAFT, parley_chat_get_draft (self->chat));
  return G_SOURCE_REMOVE;
}

static void
set_text (ParleyChatPage *self, const char *text)
{
  self->setting_text = TRUE;
  parley_composer_set_text (self->composer, text);
  self->setting_text = FALSE;
}

/* With every change, so that a crash costs no more than what was typed in half a second. */
static void
text_changed (ParleyChatPage *self)
{
  parley_context_meter_set_waiting (
      PARLEY_CONTEXT_METER (self->meter),
      parley_attachments_get_tokens (parley_composer_get_attachments (self->composer)));
  if (self->setting_text)
    return;
  parley_chat_page_save_draft (self);
  if (self->draft_id == 0 && !parley_chat_page_has_messages (self))
    self->draft_id = g_timeout_add (SAVE_NEW_DRAFT_MS, save_new_draft, self);
}

void
parley_chat_page_save_draft (ParleyChatPage *self)
{
  g_autofree char *text = parley_composer_dup_text (self->composer);

  if (self->chat != NULL && self->editing == NULL &&
      g_strcmp0 (text, parley_chat_get_draft (self->chat)) != 0 &&
      (*text != '\0' || parley_chat_get_draft (self->chat) != NULL))
    parley_chat_set_draft (self->chat, text);
}

void
parley_chat_page_flush_draft (ParleyChatPage *self)
{
  parley_chat_page_save_draft (self);
  g_clear_handle_id (&self->draft_id, g_source_remove);
  save_new_draft (self);
}

/* ---- the model ---- */

static ParleyEngine *
engine_of (ParleyChatPage *self)
{
  return self->chat != NULL ? parley_engines_find_responder (self->services->engines,
                                                             parley_chat_get_responder (self->chat))
                            : NULL;
}

static void
show_model (ParleyChatPage *self)
{
  ParleyEngine *engine = engine_of (self);
  ParleyModel *chosen =
      self->chat != NULL ? parley_default_model_find (self->services, self->chat) : NULL;

  if (engine != NULL)
    parley_model_picker_set (self->picker, parley_model_get_name (parley_engine_get_model (engine)),
                             parley_load_panel_get_summary (PARLEY_LOAD_PANEL (self->load_panel)));
  else if (chosen != NULL)
    parley_model_picker_set (self->picker, parley_model_get_name (chosen), _ ("not loaded"));
  else
    parley_model_picker_set (self->picker, NULL, NULL);
  gtk_widget_set_visible (self->load_button, engine != NULL || chosen != NULL);
}

static void
follow_engine (ParleyChatPage *self)
{
  ParleyEngine *engine = engine_of (self);
  ParleyModel *model = NULL;

  if (engine != NULL)
    model = parley_engine_get_model (engine);
  else if (self->chat != NULL)
    model = parley_default_model_find (self->services, self->chat);
  parley_load_panel_set_model (PARLEY_LOAD_PANEL (self->load_panel), model, engine);
  show_model (self);
}

void
parley_chat_page_use_model (ParleyChatPage *self, ParleyModel *model)
{
  if (self->chat == NULL)
    return;
  parley_store_set_setting (self->services->store, "chat/last-model", parley_model_get_id (model));
  parley_model_defaults_apply (self->services, model, self->chat);
  parley_chat_set_responder (self->chat, parley_engines_open (self->services->engines, model));
  follow_engine (self);
  parley_chat_notice_set_chat (self->notice, self->chat);
  parley_composer_focus (self->composer);
}

static void
picked (ParleyModelPicker *picker, ParleyModel *model, ParleyChatPage *self)
{
  parley_chat_page_use_model (self, model);
}

/* The engine that this chat talks to may have given way to another, or been loaded by one. */
static void
find_engine (ParleyChatPage *self)
{
  ParleyResponder *present = parley_chat_get_responder (self->chat);
  ParleyEngine *loaded;

  if (present != NULL && engine_of (self) == NULL)
    parley_chat_set_responder (self->chat, NULL);
  if (parley_chat_get_responder (self->chat) == NULL &&
      (loaded = parley_engines_find (self->services->engines,
                                     parley_default_model_find (self->services, self->chat))) !=
          NULL)
    parley_chat_set_responder (self->chat, parley_engine_get_responder (loaded));
}

static void
engines_changed (ParleyChatPage *self)
{
  if (self->chat != NULL)
    find_engine (self);
  follow_engine (self);
  parley_chat_notice_set_chat (self->notice, self->chat);
}

/* A model is loaded when it is first needed, not at the start of the program, and again when it
 * ended or could not be loaded. */
static void
ensure_model (ParleyChatPage *self)
{
  ParleyResponder *responder = parley_chat_get_responder (self->chat);
  ParleyResponderState state =
      responder != NULL ? parley_responder_get_state (responder) : PARLEY_RESPONDER_NO_MODEL;
  ParleyModel *model;

  if ((state == PARLEY_RESPONDER_NO_MODEL || state == PARLEY_RESPONDER_FAILED) &&
      (model = parley_default_model_find (self->services, self->chat)) != NULL)
    parley_chat_page_use_model (self, model);
}

/* What a message waits for may have come. */
static void
library_changed (ParleyChatPage *self)
{
  if (self->chat != NULL && parley_chat_get_state (self->chat) == PARLEY_CHAT_WAITING)
    ensure_model (self);
  follow_engine (self);
}

void
parley_chat_page_load_model (ParleyChatPage *self)
{
  if (self->chat != NULL)
    ensure_model (self);
}

void
parley_chat_page_pick_model (ParleyChatPage *self)
{
  parley_model_picker_popup (self->picker);
}

void
parley_chat_page_show_load_panel (ParleyChatPage *self)
{
  if (gtk_widget_get_visible (self->load_button))
    gtk_menu_button_popup (GTK_MENU_BUTTON (self->load_button));
}

void
parley_chat_page_attach (ParleyChatPage *self)
{
  parley_composer_attach (self->composer);
}

void
parley_chat_page_attach_file (ParleyChatPage *self, GFile *file)
{
  parley_composer_attach_file (self->composer, file);
}

static gboolean
may_hold_models (GFile *file)
{
  g_autofree char *name = g_file_get_basename (file);
  g_autofree char *lower = g_ascii_strdown (name != NULL ? name : "", -1);

  return g_str_has_suffix (lower, ".gguf") || parley_archive_is_one (lower);
}

/* Models join the library; everything else goes along with the message. */
static gboolean
dropped (GtkDropTarget *target, const GValue *value, double x, double y, ParleyChatPage *self)
{
  GSList *files = gdk_file_list_get_files (g_value_get_boxed (value));
  gboolean models = FALSE;

  for (GSList *l = files; l != NULL; l = l->next) {
    if (may_hold_models (l->data)) {
      parley_importer_run (self->services, GTK_WIDGET (self), l->data);
      models = TRUE;
    } else
      parley_chat_page_attach_file (self, l->data);
  }
  g_slist_free (files);
  if (models)
    gtk_widget_activate_action (GTK_WIDGET (self), "win.show-models", NULL);
  return TRUE;
}

/* On the way down: a text would take the file's path for something to write. */
static void
accept_drops (ParleyChatPage *self)
{
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (target), GTK_PHASE_CAPTURE);
  g_signal_connect (target, "drop", G_CALLBACK (dropped), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}

void
parley_chat_page_show_hit (ParleyChatPage *self, gint64 message, const char *query)
{
  parley_transcript_show_hit (self->transcript, message, query);
}

/* ---- talking ---- */

static void
show_state (ParleyChatPage *self)
{
  ParleyChatState state = self->chat != NULL ? parley_chat_get_state (self->chat) : 0;

  parley_composer_set_running (
      self->composer, state == PARLEY_CHAT_READING || state == PARLEY_CHAT_ANSWERING ||
                          state == PARLEY_CHAT_SUMMARISING || state == PARLEY_CHAT_WAITING);
}

/* Whatever asks for a reply (a message, Continue, Answer again) comes through here. */
static void
state_changed (ParleyChatPage *self)
{
  if (parley_chat_get_state (self->chat) == PARLEY_CHAT_WAITING)
    ensure_model (self);
  show_state (self);
}

static void
show_stack (ParleyChatPage *self)
{
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack),
                                    parley_chat_page_has_messages (self) ? "messages" : "empty");
}

static void
stop_editing (ParleyChatPage *self)
{
  g_clear_object (&self->editing);
  gtk_widget_set_visible (self->edit_line, FALSE);
  set_text (self, self->chat != NULL ? parley_chat_get_draft (self->chat) : NULL);
}

gboolean
parley_chat_page_stop_editing (ParleyChatPage *self)
{
  if (self->editing == NULL)
    return FALSE;
  stop_editing (self);
  return TRUE;
}

static void
send (ParleyComposer *composer, const char *text, ParleyChatPage *self)
{
  if (self->chat == NULL)
    return;
  if (self->editing != NULL) {
    /* While a reply runs its path stays. */
    if (parley_chat_edit (self->chat, self->editing, text) == NULL) {
      parley_window_tell (GTK_WIDGET (self), _ ("Send it again when the reply is written."));
      return;
    }
  } else {
    ParleyAttachments *attached = parley_composer_get_attachments (self->composer);
    g_autoptr (GPtrArray) files = parley_attachments_dup_parts (attached);
    gboolean first = !parley_chat_page_has_messages (self);
    parley_chat_send (self->chat, text, files);
    /* In this order: what the program does not live to do leaves a draft too many. */
    if (first)
      parley_store_set_setting (self->services->store, NEW_DRAFT, NULL);
    parley_attachments_clear (attached);
    parley_chat_set_draft (self->chat, NULL);
  }
  stop_editing (self);
  parley_transcript_to_end (self->transcript);
}

void
parley_chat_page_forget_new_draft (ParleyChatPage *self)
{
  g_clear_handle_id (&self->draft_id, g_source_remove);
  parley_store_set_setting (self->services->store, NEW_DRAFT, NULL);
  parley_attachments_forget_new (parley_composer_get_attachments (self->composer));
  if (self->chat != NULL && parley_chat_is_new (self->chat)) {
    parley_chat_set_draft (self->chat, NULL);
    set_text (self, NULL);
  }
}

static void
stop (ParleyComposer *composer, ParleyChatPage *self)
{
  if (self->chat != NULL)
    parley_chat_stop (self->chat);
}

/* ---- writing a message anew ---- */

static void
edit_as (ParleyChatPage *self, ParleyMessage *message, const char *text)
{
  parley_chat_page_save_draft (self);
  g_set_object (&self->editing, message);
  gtk_widget_set_visible (self->edit_line, TRUE);
  set_text (self, text);
  parley_composer_focus (self->composer);
}

static void
edit (ParleyTranscript *transcript, ParleyMessage *message, ParleyChatPage *self)
{
  g_autofree char *text = parley_message_dup_text (message);

  edit_as (self, message, text);
}

/* What was begun in a chat that is left, for as long as the program runs. */
typedef struct {
  ParleyMessage *message;
  char *text;
} Edit;

#define EDIT_KEY "parley-edit"

static void
edit_free (gpointer data)
{
  Edit *edit = data;

  g_object_unref (edit->message);
  g_free (edit->text);
  g_free (edit);
}

static void
put_edit_aside (ParleyChatPage *self)
{
  Edit *edit = NULL;

  if (self->editing != NULL) {
    edit = g_new0 (Edit, 1);
    *edit = (Edit){ g_object_ref (self->editing), parley_composer_dup_text (self->composer) };
  }
  g_object_set_data_full (G_OBJECT (self->chat), EDIT_KEY, edit, edit_free);
}

static void
take_edit_up (ParleyChatPage *self)
{
  Edit *edit = g_object_steal_data (G_OBJECT (self->chat), EDIT_KEY);

  if (edit == NULL)
    return;
  edit_as (self, edit->message, edit->text);
  edit_free (edit);
}

static ParleyMessage *
last_message (ParleyChatPage *self, ParleyRole role)
{
  guint n = self->chat != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->chat)) : 0;

  while (n-- > 0) {
    g_autoptr (ParleyMessage) message = g_list_model_get_item (G_LIST_MODEL (self->chat), n);
    if (parley_message_get_role (message) == role)
      return message; /* the chat keeps it */
  }
  return NULL;
}

void
parley_chat_page_edit_last (ParleyChatPage *self)
{
  ParleyMessage *message = last_message (self, PARLEY_ROLE_USER);

  if (message != NULL)
    edit (self->transcript, message, self);
}

void
parley_chat_page_regenerate (ParleyChatPage *self)
{
  guint n = self->chat != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->chat)) : 0;

  if (n == 0 || parley_chat_get_state (self->chat) != PARLEY_CHAT_IDLE)
    return;
  /* Of a person's message that was not answered this is its answer. */
  g_autoptr (ParleyMessage) last = g_list_model_get_item (G_LIST_MODEL (self->chat), n - 1);
  parley_chat_regenerate (self->chat, last);
}

gboolean
parley_chat_page_copy_reply (ParleyChatPage *self)
{
  ParleyMessage *message = last_message (self, PARLEY_ROLE_ASSISTANT);

  if (message == NULL)
    return FALSE;
  g_autofree char *text = parley_message_dup_text (message);
  parley_copy (GTK_WIDGET (self), text);
  return TRUE;
}

void
parley_chat_page_step_version (ParleyChatPage *self, int step)
{
  ParleyMessage *message = last_message (self, PARLEY_ROLE_ASSISTANT);

  if (message == NULL)
    return;
  int version = (int) parley_message_get_version (message) + step;
  if (version >= 1 && version <= (int) parley_message_get_n_versions (message))
    parley_chat_show_version (self->chat, message, (guint) version);
}

static void
restore_new_draft (ParleyChatPage *self)
{
  g_autofree char *draft = NULL;

  if (parley_chat_page_has_messages (self) || parley_chat_is_temporary (self->chat) ||
      parley_chat_get_draft (self->chat) != NULL)
    return;
  draft = parley_store_get_setting (self->services->store, NEW_DRAFT);
  parley_chat_set_draft (self->chat, draft);
}

static void
show_menu (ParleyChatPage *self)
{
  g_autoptr (GMenuModel) menu = parley_chat_menu_new (self->chat, TRUE);

  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (self->menu), menu);
}

void
parley_chat_page_set_chat (ParleyChatPage *self, ParleyChat *chat)
{
  if (self->chat == chat)
    return;
  parley_chat_page_flush_draft (self);
  if (self->chat != NULL) {
    g_signal_handlers_disconnect_by_data (self->chat, self);
    put_edit_aside (self);
  }
  stop_editing (self);
  g_set_object (&self->chat, chat);
  /* Its files are others now; the text is still that of the chat before. */
  self->setting_text = TRUE;
  parley_composer_set_chat (self->composer, chat, self->services->store);
  self->setting_text = FALSE;
  if (chat != NULL) {
    g_signal_connect_swapped (chat, "notify::state", G_CALLBACK (state_changed), self);
    g_signal_connect_swapped (chat, "items-changed", G_CALLBACK (show_stack), self);
    restore_new_draft (self);
    set_text (self, parley_chat_get_draft (chat));
    g_signal_connect_swapped (chat, "notify::pinned", G_CALLBACK (show_menu), self);
    g_signal_connect_swapped (chat, "notify::folder", G_CALLBACK (show_menu), self);
    find_engine (self);
  }
  parley_context_meter_set_chat (PARLEY_CONTEXT_METER (self->meter), chat);
  gtk_widget_set_visible (self->temporary, chat != NULL && parley_chat_is_temporary (chat));
  parley_transcript_set_chat (self->transcript, chat);
  parley_chat_notice_set_chat (self->notice, chat);
  show_stack (self);
  show_state (self);
  show_menu (self);
  follow_engine (self);
  if (chat != NULL)
    take_edit_up (self);
  /* A chat that waits, unseen until now, for a model that was unloaded. */
  if (chat != NULL && parley_chat_get_state (chat) == PARLEY_CHAT_WAITING)
    ensure_model (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CHAT]);
}

/* ---- making ---- */

static void
dispose (GObject *object)
{
  ParleyChatPage *self = PARLEY_CHAT_PAGE (object);

  g_clear_handle_id (&self->draft_id, g_source_remove);
  if (self->chat != NULL)
    g_signal_handlers_disconnect_by_data (self->chat, self);
  g_clear_object (&self->chat);
  g_clear_object (&self->editing);
  G_OBJECT_CLASS (parley_chat_page_parent_class)->dispose (object);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_CHAT)
    g_value_set_object (value, PARLEY_CHAT_PAGE (object)->chat);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
parley_chat_page_class_init (ParleyChatPageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->get_property = get_property;
  props[PROP_CHAT] = g_param_spec_object ("chat", NULL, NULL, PARLEY_TYPE_CHAT,
                                          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (G_OBJECT_CLASS (klass), N_PROPS, props);
}

static void
parley_chat_page_init (ParleyChatPage *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
}

static GtkWidget *
build_header (ParleyChatPage *self)
{
  GtkWidget *popover = gtk_popover_new (), *scroller = gtk_scrolled_window_new ();

  self->header = parley_header_bar (NULL);
  self->picker = PARLEY_MODEL_PICKER (parley_model_picker_new (self->services));
  g_signal_connect (self->picker, "picked", G_CALLBACK (picked), self);
  adw_header_bar_set_title_widget (ADW_HEADER_BAR (self->header), GTK_WIDGET (self->picker));
  self->load_panel = parley_load_panel_new (self->services);
  g_signal_connect_object (self->load_panel, "notify::summary", G_CALLBACK (show_model), self,
                           G_CONNECT_SWAPPED);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), 620);
  gtk_widget_set_size_request (scroller, 330, -1);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), self->load_panel);
  gtk_popover_set_child (GTK_POPOVER (popover), scroller);
  self->load_button = parley_menu_button ("parley-sliders-symbolic", _ ("Layers and Memory"), NULL);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (self->load_button), popover);
  self->menu = parley_menu_button ("view-more-symbolic", _ ("Chat Menu"), NULL);
  adw_header_bar_pack_end (ADW_HEADER_BAR (self->header), self->menu);
  adw_header_bar_pack_end (ADW_HEADER_BAR (self->header), self->load_button);
  return self->header;
}

static GtkWidget *
build_edit_line (ParleyChatPage *self)
{
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);
  GtkWidget *text =
      parley_label (_ ("Writing this message anew; the old version stays."), "caption dim-label");
  GtkWidget *button = parley_text_button (_ ("Cancel"), NULL);

  gtk_widget_set_hexpand (text, TRUE);
  gtk_widget_set_margin_start (text, 16);
  gtk_widget_add_css_class (button, "flat");
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (stop_editing), self);
  gtk_box_append (GTK_BOX (line), text);
  gtk_box_append (GTK_BOX (line), button);
  gtk_widget_set_visible (line, FALSE);
  return line;
}

static GtkWidget *
build_temporary (void)
{
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, "temporary-line");

  gtk_box_append (GTK_BOX (line), parley_icon ("view-conceal-symbolic"));
  gtk_box_append (GTK_BOX (line),
                  parley_label (_ ("Temporary chat: it is gone when you leave it."), "caption"));
  gtk_widget_set_halign (line, GTK_ALIGN_CENTER);
  gtk_widget_set_visible (line, FALSE);
  return line;
}

GtkWidget *
parley_chat_page_new (ParleyServices *services)
{
  ParleyChatPage *self = g_object_new (PARLEY_TYPE_CHAT_PAGE, NULL);
  GtkWidget *clamp = adw_clamp_new (), *bottom = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);

  self->services = services;
  self->transcript = PARLEY_TRANSCRIPT (parley_transcript_new ());
  g_signal_connect (self->transcript, "edit", G_CALLBACK (edit), self);
  self->stack = gtk_stack_new ();
  gtk_stack_add_named (GTK_STACK (self->stack), parley_welcome_new (services), "empty");
  gtk_stack_add_named (GTK_STACK (self->stack), GTK_WIDGET (self->transcript), "messages");
  gtk_widget_set_vexpand (self->stack, TRUE);

  self->notice = PARLEY_CHAT_NOTICE (parley_chat_notice_new (services));
  self->edit_line = build_edit_line (self);
  self->composer = PARLEY_COMPOSER (parley_composer_new ());
  g_signal_connect (self->composer, "send", G_CALLBACK (send), self);
  g_signal_connect (self->composer, "stop", G_CALLBACK (stop), self);
  g_signal_connect_swapped (self->composer, "changed", G_CALLBACK (text_changed), self);
  g_signal_connect_swapped (self->composer, "recall", G_CALLBACK (parley_chat_page_edit_last),
                            self);
  gtk_widget_add_css_class (bottom, "composer-area");
  gtk_box_append (GTK_BOX (bottom), GTK_WIDGET (self->notice));
  gtk_box_append (GTK_BOX (bottom), self->edit_line);
  gtk_box_append (GTK_BOX (bottom), GTK_WIDGET (self->composer));
  self->meter = parley_context_meter_new ();
  gtk_box_append (GTK_BOX (bottom), self->meter);
  adw_clamp_set_maximum_size (ADW_CLAMP (clamp), 820);
  adw_clamp_set_tightening_threshold (ADW_CLAMP (clamp), 700);
  adw_clamp_set_child (ADW_CLAMP (clamp), bottom);

  accept_drops (self);
  self->temporary = build_temporary ();
  gtk_box_append (GTK_BOX (self), build_header (self));
  gtk_box_append (GTK_BOX (self), self->temporary);
  gtk_box_append (GTK_BOX (self), self->stack);
  gtk_box_append (GTK_BOX (self), clamp);
  g_signal_connect_object (services->engines, "changed", G_CALLBACK (engines_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->library, "items-changed", G_CALLBACK (library_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->downloads, "items-changed", G_CALLBACK (show_model), self,
                           G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}
