/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/parley-message-private.h"

#include <glib/gi18n.h>

#include "chat/parley-part-private.h"

struct _ParleyMessage {
  GObject parent_instance;

  gint64 id;
  ParleyRole role;
  ParleyMessageState state;
  gint64 created_at, deleted_at, chosen_child;
  GPtrArray *parts; /* of ParleyPart */
  ParleyGenerationRecord *generation;
  ParleyReplyStats stats; /* the same for others; borrows from `generation` */

  ParleyMessage *parent; /* not owned */
  GPtrArray *children;   /* not owned */
  guint version, n_versions;
  gboolean forgotten, last;
};

enum {
  PROP_0,
  PROP_ROLE,
  PROP_STATE,
  PROP_VERSION,
  PROP_N_VERSIONS,
  PROP_FORGOTTEN,
  PROP_CAN_CONTINUE,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];
static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ParleyMessage, parley_message, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
set_generation (ParleyMessage *self, ParleyGenerationRecord *generation)
{
  parley_generation_record_free (self->generation);
  self->generation = generation;
  self->stats = (ParleyReplyStats){ 0 };
  if (!generation)
    return;
  self->stats = (ParleyReplyStats){
    .prompt_tokens = generation->prompt_tokens,
    .cached_tokens = generation->cached_tokens,
    .reply_tokens = generation->reply_tokens,
    .prompt_seconds = generation->prompt_seconds,
    .reply_seconds = generation->reply_seconds,
    .first_token_seconds = generation->first_token_seconds,
    .reasoning_seconds = generation->reasoning_seconds,
    .rows_evaluated = generation->rows_evaluated,
    .weight_bytes_read = generation->weight_bytes_read,
    .stop = PARLEY_STOP_ERROR,
    .seed = generation->seed,
    .model = generation->model,
    .model_sha256 = generation->model_sha256,
    .token_ids = generation->token_ids,
  };
  parley_stop_reason_from_string (generation->stop, &self->stats.stop);
}

static void
set_state (ParleyMessage *self, ParleyMessageState state)
{
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CAN_CONTINUE]);
}

static void
add_parts (ParleyMessage *self, const ParleyMessageRecord *record)
{
  for (guint i = 0; record->parts && i < record->parts->len; i++)
    g_ptr_array_add (self->parts, _parley_part_new (record->parts->pdata[i]));
}

ParleyMessage *
_parley_message_new (const ParleyMessageRecord *record)
{
  ParleyMessage *self = g_object_new (PARLEY_TYPE_MESSAGE, NULL);
  self->id = record->id;
  self->role = record->role;
  self->state = record->state;
  self->created_at = record->created_at;
  self->deleted_at = record->deleted_at;
  self->chosen_child = record->chosen_child;
  add_parts (self, record);
  if (record->generation)
    set_generation (self, parley_generation_record_copy (record->generation));
  return self;
}

void
_parley_message_update (ParleyMessage *self, const ParleyMessageRecord *record)
{
  guint before = self->parts->len;
  g_ptr_array_set_size (self->parts, 0);
  add_parts (self, record);
  self->deleted_at = record->deleted_at;
  set_generation (self,
                  record->generation ? parley_generation_record_copy (record->generation) : NULL);
  g_list_model_items_changed (G_LIST_MODEL (self), 0, before, self->parts->len);
  set_state (self, record->state);
}

ParleyMessageRecord *
_parley_message_to_record (ParleyMessage *self, gint64 chat)
{
  ParleyMessageRecord *record = parley_message_record_new ();
  record->id = self->id;
  record->chat = chat;
  record->parent = self->parent ? self->parent->id : 0;
  record->role = self->role;
  record->chosen_child = self->chosen_child;
  record->state = self->state;
  record->created_at = self->created_at;
  record->deleted_at = self->deleted_at;
  for (guint i = 0; i < self->parts->len; i++)
    g_ptr_array_add (record->parts, _parley_part_to_record (self->parts->pdata[i]));
  if (self->generation)
    record->generation = parley_generation_record_copy (self->generation);
  return record;
}

ParleyMessage *
_parley_message_get_parent (ParleyMessage *self)
{
  return self->parent;
}

void
_parley_message_add_child (ParleyMessage *self, ParleyMessage *child)
{
  child->parent = self;
  g_ptr_array_add (self->children, child);
}

GPtrArray *
_parley_message_get_children (ParleyMessage *self)
{
  return self->children;
}

gint64
_parley_message_get_chosen_child (ParleyMessage *self)
{
  return self->chosen_child;
}

void
_parley_message_set_chosen_child (ParleyMessage *self, gint64 id)
{
  self->chosen_child = id;
}

gint64
_parley_message_get_deleted_at (ParleyMessage *self)
{
  return self->deleted_at;
}

void
_parley_message_set_deleted_at (ParleyMessage *self, gint64 when)
{
  self->deleted_at = when;
}

void
_parley_message_place (ParleyMessage *self, guint version, guint n_versions, gboolean forgotten,
                       gboolean last)
{
  GObject *object = G_OBJECT (self);
  g_object_freeze_notify (object);
  if (self->version != version)
    g_object_notify_by_pspec (object, props[PROP_VERSION]);
  if (self->n_versions != n_versions)
    g_object_notify_by_pspec (object, props[PROP_N_VERSIONS]);
  if (self->forgotten != forgotten)
    g_object_notify_by_pspec (object, props[PROP_FORGOTTEN]);
  if (self->last != last)
    g_object_notify_by_pspec (object, props[PROP_CAN_CONTINUE]);
  self->version = version;
  self->n_versions = n_versions;
  self->forgotten = forgotten;
  self->last = last;
  g_object_thaw_notify (object);
}

void
_parley_message_resume (ParleyMessage *self)
{
  set_generation (self, NULL);
  set_state (self, PARLEY_MESSAGE_ANSWERING);
}

guint
_parley_message_append (ParleyMessage *self, ParleyPartKind kind, const char *name,
                        const char *text)
{
  guint n = self->parts->len;
  ParleyPart *last = n > 0 ? self->parts->pdata[n - 1] : NULL;
  if (last && parley_part_get_kind (last) == kind &&
      g_strcmp0 (parley_part_get_name (last), name) == 0) {
    _parley_part_append (last, text);
    return n - 1;
  }
  g_autoptr (ParleyPartRecord) record = parley_part_record_new (kind, text);
  record->name = g_strdup (name);
  g_ptr_array_add (self->parts, _parley_part_new (record));
  g_list_model_items_changed (G_LIST_MODEL (self), n, 0, 1);
  return n;
}

void
_parley_message_finish (ParleyMessage *self, ParleyMessageState state,
                        ParleyGenerationRecord *generation)
{
  for (guint i = 0; i < self->parts->len; i++)
    _parley_part_settle (self->parts->pdata[i]);
  set_generation (self, generation);
  set_state (self, state);
}

const ParleyGenerationRecord *
_parley_message_get_generation (ParleyMessage *self)
{
  return self->generation;
}

gint64
parley_message_get_id (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), 0);
  return self->id;
}

ParleyRole
parley_message_get_role (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), PARLEY_ROLE_USER);
  return self->role;
}

ParleyMessageState
parley_message_get_state (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), PARLEY_MESSAGE_COMPLETE);
  return self->state;
}

gint64
parley_message_get_created_at (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), 0);
  return self->created_at;
}

guint
parley_message_get_version (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), 1);
  return self->version;
}

guint
parley_message_get_n_versions (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), 1);
  return self->n_versions;
}

gboolean
parley_message_get_forgotten (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), FALSE);
  return self->forgotten;
}

gsize
parley_message_get_length (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), 0);
  gsize n = 0;
  for (guint i = 0; i < self->parts->len; i++)
    if (parley_part_get_kind (self->parts->pdata[i]) == PARLEY_PART_TEXT)
      n += parley_part_get_length (self->parts->pdata[i]);
  return n;
}

char *
parley_message_dup_text (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), NULL);
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < self->parts->len; i++)
    if (parley_part_get_kind (self->parts->pdata[i]) == PARLEY_PART_TEXT)
      g_string_append (text, parley_part_get_text (self->parts->pdata[i]));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

const ParleyReplyStats *
parley_message_get_stats (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), NULL);
  return self->generation ? &self->stats : NULL;
}

const char *
parley_message_get_remark (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), NULL);
  if (self->generation && self->generation->problem)
    return self->generation->problem;
  switch (self->state) {
  case PARLEY_MESSAGE_STOPPED: return _ ("Stopped.");
  case PARLEY_MESSAGE_INTERRUPTED: return _ ("The reply was interrupted.");
  case PARLEY_MESSAGE_FAILED: return _ ("There is no reply.");
  case PARLEY_MESSAGE_COMPLETE:
    if (self->generation &&
        (self->stats.stop == PARLEY_STOP_LENGTH || self->stats.stop == PARLEY_STOP_CONTEXT))
      return parley_stop_reason_describe (self->stats.stop);
    return NULL;
  default: return NULL;
  }
}

gboolean
parley_message_can_continue (ParleyMessage *self)
{
  g_return_val_if_fail (PARLEY_IS_MESSAGE (self), FALSE);
  if (self->role != PARLEY_ROLE_ASSISTANT || !self->last || self->parts->len == 0)
    return FALSE;
  switch (self->state) {
  case PARLEY_MESSAGE_STOPPED:
  case PARLEY_MESSAGE_INTERRUPTED:
  case PARLEY_MESSAGE_FAILED: return TRUE;
  case PARLEY_MESSAGE_COMPLETE:
    return self->generation &&
           (self->stats.stop == PARLEY_STOP_LENGTH || self->stats.stop == PARLEY_STOP_CONTEXT);
  default: return FALSE;
  }
}

static GType
get_item_type (GListModel *model)
{
  return PARLEY_TYPE_PART;
}

static guint
get_n_items (GListModel *model)
{
  return PARLEY_MESSAGE (model)->parts->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  GPtrArray *parts = PARLEY_MESSAGE (model)->parts;
  return position < parts->len ? g_object_ref (parts->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
parley_message_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ParleyMessage *self = PARLEY_MESSAGE (object);
  switch (id) {
  case PROP_ROLE: g_value_set_uint (value, self->role); break;
  case PROP_STATE: g_value_set_uint (value, self->state); break;
  case PROP_VERSION: g_value_set_uint (value, self->version); break;
  case PROP_N_VERSIONS: g_value_set_uint (value, self->n_versions); break;
  case PROP_FORGOTTEN: g_value_set_boolean (value, self->forgotten); break;
  case PROP_CAN_CONTINUE: g_value_set_boolean (value, parley_message_can_continue (self)); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
parley_message_finalize (GObject *object)
{
  ParleyMessage *self = PARLEY_MESSAGE (object);
  g_ptr_array_unref (self->parts);
  g_ptr_array_unref (self->children);
  parley_generation_record_free (self->generation);
  G_OBJECT_CLASS (parley_message_parent_class)->finalize (object);
}

static void
parley_message_class_init (ParleyMessageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->get_property = parley_message_get_property;
  object_class->finalize = parley_message_finalize;
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  props[PROP_ROLE] = g_param_spec_uint ("role", NULL, NULL, 0, PARLEY_ROLE_TOOL, 0, flags);
  props[PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, PARLEY_MESSAGE_FAILED, 0, flags);
  props[PROP_VERSION] = g_param_spec_uint ("version", NULL, NULL, 1, G_MAXUINT, 1, flags);
  props[PROP_N_VERSIONS] = g_param_spec_uint ("n-versions", NULL, NULL, 1, G_MAXUINT, 1, flags);
  props[PROP_FORGOTTEN] = g_param_spec_boolean ("forgotten", NULL, NULL, FALSE, flags);
  props[PROP_CAN_CONTINUE] = g_param_spec_boolean ("can-continue", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
parley_message_init (ParleyMessage *self)
{
  self->parts = g_ptr_array_new_with_free_func (g_object_unref);
  self->children = g_ptr_array_new ();
  self->version = self->n_versions = 1;
}
