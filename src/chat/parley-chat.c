/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/parley-chat-private.h"

#include "chat/title.h"

#define SAVE_DRAFT_MS 500

enum {
  PROP_0,
  PROP_TITLE,
  PROP_FOLDER,
  PROP_PINNED,
  PROP_SYSTEM_PROMPT,
  PROP_STATE,
  PROP_DRAFT,
  PROP_UPDATED_AT,
  PROP_CONTEXT_USED,
  PROP_CONTEXT_LENGTH,
  PROP_PROGRESS,
  PROP_MEMORY_START,
  PROP_RESPONDER,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];
static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ParleyChat, parley_chat, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
notify (ParleyChat *self, guint prop)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[prop]);
}

ParleyChat *
parley_chat_new_from_record (ParleyStore *store, const ParleyChatRecord *record)
{
  ParleyChat *self = g_object_new (PARLEY_TYPE_CHAT, NULL);
  g_set_object (&self->store, store);
  parley_chat_record_free (self->record);
  self->record = parley_chat_record_copy (record);
  parley_sampling_from_json (&self->sampling, record->settings);
  self->stored = store != NULL;
  return self;
}

ParleyChat *
parley_chat_new (ParleyStore *store)
{
  g_autoptr (ParleyChatRecord) record = parley_chat_record_new ();
  record->id = store ? parley_store_new_id (store) : 0;
  record->created_at = record->updated_at = g_get_real_time ();
  ParleyChat *self = parley_chat_new_from_record (store, record);
  self->stored = FALSE;
  self->opened = TRUE;
  return self;
}

ParleyChat *
parley_chat_snapshot (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  ParleyChat *copy = parley_chat_new_from_record (self->store, self->record);
  copy->stored = FALSE;
  if (self->opened)
    copy->unread = _parley_chat_list_records (self);
  return copy;
}

/* Saving */

void
_parley_chat_save (ParleyChat *self)
{
  g_clear_handle_id (&self->save_later, g_source_remove);
  self->n_saves++;
  if (self->stored)
    parley_store_put_chat (self->store, self->record);
}

static gboolean
save_now (gpointer data)
{
  ParleyChat *self = data;
  self->save_later = 0;
  _parley_chat_save (self);
  return G_SOURCE_REMOVE;
}

void
_parley_chat_forsake (ParleyChat *self)
{
  self->stored = FALSE;
  g_clear_handle_id (&self->save_later, g_source_remove);
  _parley_chat_abandon (self);
  _parley_chat_set_state (self, PARLEY_CHAT_IDLE);
}

void
_parley_chat_touch (ParleyChat *self)
{
  self->record->updated_at = g_get_real_time ();
  _parley_chat_save (self);
  notify (self, PROP_UPDATED_AT);
}

gint64
_parley_chat_new_id (ParleyChat *self)
{
  return self->store ? parley_store_new_id (self->store) : ++self->next_temporary_id;
}

void
_parley_chat_set_deleted_at (ParleyChat *self, gint64 when)
{
  self->record->deleted_at = when;
  _parley_chat_save (self);
}

void
_parley_chat_refresh (ParleyChat *self, const ParleyChatRecord *record)
{
  if (_parley_chat_is_busy (self) || self->save_later)
    return;
  gboolean same = self->record->updated_at == record->updated_at &&
                  self->record->leaf == record->leaf &&
                  g_strcmp0 (self->record->title, record->title) == 0 &&
                  g_strcmp0 (self->record->folder, record->folder) == 0 &&
                  self->record->pinned == record->pinned;
  if (same && !self->behind)
    return;
  parley_chat_record_free (self->record);
  self->record = parley_chat_record_copy (record);
  parley_sampling_from_json (&self->sampling, record->settings);
  if (self->opened)
    _parley_chat_follow (self);
  static const guint changed[] = { PROP_TITLE,         PROP_FOLDER, PROP_PINNED,
                                   PROP_SYSTEM_PROMPT, PROP_DRAFT,  PROP_UPDATED_AT };
  for (gsize i = 0; i < G_N_ELEMENTS (changed); i++)
    notify (self, changed[i]);
}

/* Fields */

gint64
parley_chat_get_id (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), 0);
  return self->record->id;
}

gboolean
parley_chat_is_temporary (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), TRUE);
  return self->store == NULL;
}

gboolean
parley_chat_is_new (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), TRUE);
  return self->store != NULL && !self->stored;
}

ParleyChatState
parley_chat_get_state (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), PARLEY_CHAT_IDLE);
  return self->state;
}

void
_parley_chat_set_state (ParleyChat *self, ParleyChatState state)
{
  if (self->state == state)
    return;
  self->state = state;
  notify (self, PROP_STATE);
}

gint64
parley_chat_get_updated_at (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), 0);
  return self->record->updated_at;
}

const char *
parley_chat_get_title (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  return self->record->title;
}

const char *
parley_chat_get_folder (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  return self->record->folder;
}

gboolean
parley_chat_get_pinned (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), FALSE);
  return self->record->pinned;
}

const char *
parley_chat_get_system_prompt (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  return self->record->system_prompt;
}

const ParleySampling *
parley_chat_get_sampling (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  return &self->sampling;
}

const char *
parley_chat_get_model (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  return self->record->model;
}

const char *
parley_chat_get_draft (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  return self->record->draft;
}

/* TRUE: it was another one. */
static gboolean
set_text (char **field, const char *text)
{
  if (g_strcmp0 (*field, text) == 0)
    return FALSE;
  g_free (*field);
  *field = g_strdup (text);
  return TRUE;
}

void
_parley_chat_make_title (ParleyChat *self, const char *text)
{
  if (self->record->title_given || *self->record->title)
    return;
  g_autofree char *title = parley_title_from_text (text);
  if (set_text (&self->record->title, title)) {
    _parley_chat_save (self);
    notify (self, PROP_TITLE);
  }
}

void
parley_chat_set_title (ParleyChat *self, const char *title)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  g_autofree char *given = g_strstrip (g_strdup (title ? title : ""));
  self->record->title_given = *given != '\0';
  /* One that was never looked at has no messages here yet. */
  if (!self->record->title_given)
    parley_chat_open (self, NULL);
  if (!self->record->title_given && self->path->len > 0) {
    g_autofree char *text = parley_message_dup_text (self->path->pdata[0]);
    g_autofree char *automatic = parley_title_from_text (text);
    set_text (&self->record->title, automatic);
  } else
    set_text (&self->record->title, given);
  _parley_chat_save (self);
  notify (self, PROP_TITLE);
}

void
parley_chat_set_folder (ParleyChat *self, const char *folder)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (!set_text (&self->record->folder, folder))
    return;
  _parley_chat_save (self);
  notify (self, PROP_FOLDER);
}

void
parley_chat_set_pinned (ParleyChat *self, gboolean pinned)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (self->record->pinned == !!pinned)
    return;
  self->record->pinned = !!pinned;
  _parley_chat_save (self);
  notify (self, PROP_PINNED);
}

void
parley_chat_set_system_prompt (ParleyChat *self, const char *text)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (!set_text (&self->record->system_prompt, text && *text ? text : NULL))
    return;
  _parley_chat_save (self);
  notify (self, PROP_SYSTEM_PROMPT);
}

void
parley_chat_set_sampling (ParleyChat *self, const ParleySampling *sampling)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (parley_sampling_equal (&self->sampling, sampling))
    return;
  g_free (self->record->settings);
  self->record->settings = parley_sampling_to_json (sampling);
  /* Read back, so that limits hold. */
  parley_sampling_from_json (&self->sampling, self->record->settings);
  _parley_chat_save (self);
}

void
parley_chat_set_draft (ParleyChat *self, const char *text)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (!set_text (&self->record->draft, text && *text ? text : NULL))
    return;
  /* It changes with every key. */
  if (self->stored && !self->save_later)
    self->save_later = g_timeout_add (SAVE_DRAFT_MS, save_now, self);
  notify (self, PROP_DRAFT);
}

void
_parley_chat_set_model (ParleyChat *self, const char *reference)
{
  if (set_text (&self->record->model, reference))
    _parley_chat_save (self);
}

void
_parley_chat_set_context (ParleyChat *self, guint used, guint length)
{
  if (self->context_used != used) {
    self->context_used = used;
    notify (self, PROP_CONTEXT_USED);
  }
  if (self->context_length != length) {
    self->context_length = length;
    notify (self, PROP_CONTEXT_LENGTH);
  }
}

guint
parley_chat_get_context_used (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), 0);
  return self->context_used;
}

guint
parley_chat_get_context_length (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), 0);
  return self->context_length;
}

void
_parley_chat_set_progress (ParleyChat *self, double progress)
{
  self->progress = progress;
  notify (self, PROP_PROGRESS);
}

void
_parley_chat_memory_changed (ParleyChat *self)
{
  notify (self, PROP_MEMORY_START);
}

double
parley_chat_get_progress (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), 0);
  return self->progress;
}

ParleyResponder *
parley_chat_get_responder (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  return self->responder;
}

void
parley_chat_set_responder (ParleyChat *self, ParleyResponder *responder)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (self->responder == responder)
    return;
  if (self->responder)
    g_signal_handlers_disconnect_by_func (self->responder, _parley_chat_responder_changed, self);
  _parley_chat_stop_measuring (self);
  g_set_object (&self->responder, responder);
  if (responder)
    g_signal_connect_swapped (responder, "changed", G_CALLBACK (_parley_chat_responder_changed),
                              self);
  _parley_chat_responder_changed (self);
}

void
_parley_chat_tell_responder (ParleyChat *self)
{
  notify (self, PROP_RESPONDER);
}

/* The path as a list */

static GType
get_item_type (GListModel *model)
{
  return PARLEY_TYPE_MESSAGE;
}

static guint
get_n_items (GListModel *model)
{
  return PARLEY_CHAT (model)->path->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  GPtrArray *path = PARLEY_CHAT (model)->path;
  return position < path->len ? g_object_ref (path->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
parley_chat_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ParleyChat *self = PARLEY_CHAT (object);
  switch (id) {
  case PROP_TITLE: g_value_set_string (value, self->record->title); break;
  case PROP_FOLDER: g_value_set_string (value, self->record->folder); break;
  case PROP_PINNED: g_value_set_boolean (value, self->record->pinned); break;
  case PROP_SYSTEM_PROMPT: g_value_set_string (value, self->record->system_prompt); break;
  case PROP_STATE: g_value_set_uint (value, self->state); break;
  case PROP_DRAFT: g_value_set_string (value, self->record->draft); break;
  case PROP_UPDATED_AT: g_value_set_int64 (value, self->record->updated_at); break;
  case PROP_CONTEXT_USED: g_value_set_uint (value, self->context_used); break;
  case PROP_CONTEXT_LENGTH: g_value_set_uint (value, self->context_length); break;
  case PROP_MEMORY_START: g_value_set_uint (value, parley_chat_get_memory_start (self)); break;
  case PROP_RESPONDER: g_value_set_object (value, self->responder); break;
  case PROP_PROGRESS: g_value_set_double (value, self->progress); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
parley_chat_dispose (GObject *object)
{
  ParleyChat *self = PARLEY_CHAT (object);
  _parley_chat_abandon (self);
  if (self->save_later)
    _parley_chat_save (self);
  if (self->responder)
    g_signal_handlers_disconnect_by_func (self->responder, _parley_chat_responder_changed, self);
  g_clear_object (&self->responder);
  G_OBJECT_CLASS (parley_chat_parent_class)->dispose (object);
}

static void
parley_chat_finalize (GObject *object)
{
  ParleyChat *self = PARLEY_CHAT (object);
  g_ptr_array_unref (self->path);
  g_ptr_array_unref (self->roots);
  g_hash_table_unref (self->messages);
  g_clear_pointer (&self->unread, g_ptr_array_unref);
  g_array_unref (self->deletions);
  g_array_unref (self->turn_starts);
  g_free (self->summary_problem);
  parley_chat_record_free (self->record);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (parley_chat_parent_class)->finalize (object);
}

static void
parley_chat_class_init (ParleyChatClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->get_property = parley_chat_get_property;
  object_class->dispose = parley_chat_dispose;
  object_class->finalize = parley_chat_finalize;
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", flags);
  props[PROP_FOLDER] = g_param_spec_string ("folder", NULL, NULL, NULL, flags);
  props[PROP_PINNED] = g_param_spec_boolean ("pinned", NULL, NULL, FALSE, flags);
  props[PROP_SYSTEM_PROMPT] = g_param_spec_string ("system-prompt", NULL, NULL, NULL, flags);
  props[PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, PARLEY_CHAT_SUMMARISING, 0, flags);
  props[PROP_DRAFT] = g_param_spec_string ("draft", NULL, NULL, NULL, flags);
  props[PROP_UPDATED_AT] = g_param_spec_int64 ("updated-at", NULL, NULL, 0, G_MAXINT64, 0, flags);
  props[PROP_CONTEXT_USED] = g_param_spec_uint ("context-used", NULL, NULL, 0, G_MAXUINT, 0, flags);
  props[PROP_CONTEXT_LENGTH] =
      g_param_spec_uint ("context-length", NULL, NULL, 0, G_MAXUINT, 0, flags);
  props[PROP_MEMORY_START] = g_param_spec_uint ("memory-start", NULL, NULL, 0, G_MAXUINT, 0, flags);
  props[PROP_RESPONDER] =
      g_param_spec_object ("responder", NULL, NULL, PARLEY_TYPE_RESPONDER, flags);
  props[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0, 1, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
parley_chat_init (ParleyChat *self)
{
  self->record = parley_chat_record_new ();
  parley_sampling_init (&self->sampling);
  self->messages = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  self->roots = g_ptr_array_new ();
  self->path = g_ptr_array_new ();
  self->deletions = g_array_new (FALSE, FALSE, sizeof (ParleyDeletion));
  self->turn_starts = g_array_new (FALSE, FALSE, sizeof (guint));
}
