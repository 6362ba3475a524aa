/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tree of messages and the path through it. At each fork the path takes the chosen child, or
 * the newest one that is not deleted. A deleted message with versions beside it is passed over by
 * choosing one of those; one without is skipped, and the path goes on below it.
 */
#include "chat/parley-chat-private.h"

#include "chat/title.h"

static GPtrArray *
siblings_of (ParleyChat *self, ParleyMessage *message)
{
  ParleyMessage *parent = _parley_message_get_parent (message);
  return parent ? _parley_message_get_children (parent) : self->roots;
}

static gboolean
is_deleted (ParleyMessage *message)
{
  return _parley_message_get_deleted_at (message) != 0;
}

static ParleyMessage *
pick (GPtrArray *messages, gint64 chosen)
{
  ParleyMessage *newest = NULL, *hidden = NULL;
  for (guint i = 0; i < messages->len; i++) {
    ParleyMessage *message = messages->pdata[i];
    gboolean is_chosen = parley_message_get_id (message) == chosen;
    if (is_deleted (message)) {
      if (is_chosen || !hidden)
        hidden = message;
    } else if (is_chosen)
      return message;
    else
      newest = message;
  }
  return newest ? newest : hidden;
}

static void
place_messages (ParleyChat *self)
{
  guint start = parley_chat_get_memory_start (self);
  for (guint i = 0; i < self->path->len; i++) {
    ParleyMessage *message = self->path->pdata[i];
    GPtrArray *siblings = siblings_of (self, message);
    guint version = 0, n = 0;
    for (guint k = 0; k < siblings->len; k++) {
      n += !is_deleted (siblings->pdata[k]);
      if (siblings->pdata[k] == message)
        version = n;
    }
    _parley_message_place (message, version, n, i < start, i + 1 == self->path->len);
  }
}

void
_parley_chat_update_path (ParleyChat *self)
{
  g_autoptr (GPtrArray) old = g_steal_pointer (&self->path);
  self->path = g_ptr_array_new ();
  ParleyMessage *message = pick (self->roots, self->chosen_root);
  for (; message; message = pick (_parley_message_get_children (message),
                                  _parley_message_get_chosen_child (message)))
    if (!is_deleted (message))
      g_ptr_array_add (self->path, message);

  guint common = 0;
  while (common < old->len && common < self->path->len &&
         old->pdata[common] == self->path->pdata[common])
    common++;
  ParleyMessage *last = _parley_chat_get_last (self);
  self->record->leaf = last ? parley_message_get_id (last) : 0;
  place_messages (self);
  if (old->len > common || self->path->len > common)
    g_list_model_items_changed (G_LIST_MODEL (self), common, old->len - common,
                                self->path->len - common);
}

ParleyMessage *
_parley_chat_get_last (ParleyChat *self)
{
  return self->path->len > 0 ? self->path->pdata[self->path->len - 1] : NULL;
}

gboolean
_parley_chat_is_busy (ParleyChat *self)
{
  return self->state != PARLEY_CHAT_IDLE;
}

static ParleyMessage *
lookup (ParleyChat *self, gint64 id)
{
  return g_hash_table_lookup (self->messages, &id);
}

static void
choose (ParleyChat *self, ParleyMessage *message)
{
  ParleyMessage *parent = _parley_message_get_parent (message);
  gint64 id = parley_message_get_id (message);
  if (!parent) {
    self->chosen_root = id;
    return;
  }
  if (_parley_message_get_chosen_child (parent) == id)
    return;
  _parley_message_set_chosen_child (parent, id);
  if (self->stored)
    parley_store_choose_child (self->store, parley_message_get_id (parent), id);
}

ParleyMessage *
_parley_chat_insert (ParleyChat *self, const ParleyMessageRecord *record)
{
  ParleyMessage *message = _parley_message_new (record);
  ParleyMessage *parent = lookup (self, record->parent);
  gint64 *key = g_new (gint64, 1);
  *key = record->id;
  g_hash_table_insert (self->messages, key, message);
  if (parent)
    _parley_message_add_child (parent, message);
  else
    g_ptr_array_add (self->roots, message);
  return message;
}

ParleyMessage *
_parley_chat_add_message (ParleyChat *self, ParleyMessage *parent, ParleyRole role,
                          ParleyMessageState state, GPtrArray *parts)
{
  g_autoptr (ParleyMessageRecord) record = parley_message_record_new ();
  record->id = _parley_chat_new_id (self);
  record->chat = self->record->id;
  record->parent = parent ? parley_message_get_id (parent) : 0;
  record->role = role;
  record->state = state;
  record->created_at = g_get_real_time ();
  if (parts) {
    g_ptr_array_unref (record->parts);
    record->parts = parts;
  }
  ParleyMessage *message = _parley_chat_insert (self, record);
  if (self->store && !self->stored) {
    self->stored = TRUE;
    _parley_chat_save (self);
  }
  if (self->stored)
    parley_store_add_message (self->store, record);
  choose (self, message);
  _parley_chat_update_path (self);
  _parley_chat_touch (self);
  return message;
}

void
_parley_chat_load_tree (ParleyChat *self, GPtrArray *records)
{
  for (guint i = 0; i < records->len; i++)
    _parley_chat_insert (self, records->pdata[i]);
  for (ParleyMessage *m = lookup (self, self->record->leaf); m; m = _parley_message_get_parent (m))
    self->chosen_root = parley_message_get_id (m);
  _parley_chat_update_path (self);
}

void
_parley_chat_merge_tree (ParleyChat *self, GPtrArray *records)
{
  for (guint i = 0; i < records->len; i++) {
    const ParleyMessageRecord *record = records->pdata[i];
    ParleyMessage *known = lookup (self, record->id);
    if (!known)
      _parley_chat_insert (self, record);
    else if (known != self->answering &&
             (parley_message_get_state (known) != record->state ||
              record->state == PARLEY_MESSAGE_ANSWERING ||
              _parley_message_get_deleted_at (known) != record->deleted_at))
      _parley_message_update (known, record);
    if (known)
      _parley_message_set_chosen_child (known, record->chosen_child);
  }
  _parley_chat_update_path (self);
}

/* Versions */

static gboolean
may_change_path (ParleyChat *self, ParleyMessage *message)
{
  return !_parley_chat_is_busy (self) && lookup (self, parley_message_get_id (message)) == message;
}

gboolean
parley_chat_show_version (ParleyChat *self, ParleyMessage *message, guint version)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), FALSE);
  if (!may_change_path (self, message))
    return FALSE;
  GPtrArray *siblings = siblings_of (self, message);
  guint n = 0;
  for (guint i = 0; i < siblings->len; i++) {
    if (is_deleted (siblings->pdata[i]) || ++n != version)
      continue;
    choose (self, siblings->pdata[i]);
    _parley_chat_update_path (self);
    _parley_chat_save (self);
    return TRUE;
  }
  return FALSE;
}

gboolean
parley_chat_show_message (ParleyChat *self, gint64 id, guint *position)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), FALSE);
  ParleyMessage *message = lookup (self, id);
  if (!message || is_deleted (message))
    return FALSE;
  if (!_parley_chat_is_busy (self)) {
    for (ParleyMessage *m = message; m; m = _parley_message_get_parent (m))
      choose (self, m);
    _parley_chat_update_path (self);
    _parley_chat_save (self);
  }
  guint found;
  if (!g_ptr_array_find (self->path, message, &found))
    return FALSE;
  if (position)
    *position = found;
  return TRUE;
}

/* Deleting */

static void
set_deleted (ParleyChat *self, ParleyMessage *message, gint64 when)
{
  _parley_message_set_deleted_at (message, when);
  if (self->stored)
    parley_store_set_message_deleted (self->store, parley_message_get_id (message), when);
}

void
_parley_chat_discard (ParleyChat *self, ParleyMessage *message)
{
  set_deleted (self, message, g_get_real_time ());

  /* The version before it takes its place, or the one after. */
  GPtrArray *siblings = siblings_of (self, message);
  ParleyMessage *neighbour = NULL;
  gboolean passed = FALSE;
  for (guint i = 0; i < siblings->len; i++) {
    passed = passed || siblings->pdata[i] == message;
    if (!is_deleted (siblings->pdata[i]) && (!passed || !neighbour))
      neighbour = siblings->pdata[i];
  }
  if (neighbour)
    choose (self, neighbour);
  _parley_chat_update_path (self);
  _parley_chat_save (self);
}

gboolean
parley_chat_delete_message (ParleyChat *self, ParleyMessage *message)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), FALSE);
  if (!may_change_path (self, message) || is_deleted (message))
    return FALSE;
  ParleyMessage *parent = _parley_message_get_parent (message);
  ParleyDeletion deletion = {
    .message = parley_message_get_id (message),
    .chosen = parent ? _parley_message_get_chosen_child (parent) : self->chosen_root,
  };
  g_array_append_val (self->deletions, deletion);
  _parley_chat_discard (self, message);
  return TRUE;
}

gboolean
parley_chat_undo_delete (ParleyChat *self, gint64 id)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), FALSE);
  guint n = self->deletions->len;
  while (n > 0 && g_array_index (self->deletions, ParleyDeletion, n - 1).message != id)
    n--;
  if (n == 0 || _parley_chat_is_busy (self))
    return FALSE;
  gint64 chosen_id = g_array_index (self->deletions, ParleyDeletion, n - 1).chosen;
  g_array_remove_index (self->deletions, n - 1);
  ParleyMessage *message = lookup (self, id), *chosen = lookup (self, chosen_id);
  if (!message)
    return FALSE;
  set_deleted (self, message, 0);
  if (chosen)
    choose (self, chosen);
  _parley_chat_update_path (self);
  _parley_chat_save (self);
  return TRUE;
}

/* Copies */

void
_parley_chat_take_records (ParleyChat *self, GPtrArray *records)
{
  self->opened = TRUE;
  if (self->store && records->len > 0) {
    self->stored = TRUE;
    parley_store_add_chat (self->store, self->record, records);
  }
  _parley_chat_load_tree (self, records);
}

GPtrArray *
_parley_chat_list_records (ParleyChat *self)
{
  GPtrArray *records = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_message_record_free);
  g_autoptr (GPtrArray) messages = g_ptr_array_new ();
  g_ptr_array_extend (messages, self->roots, NULL, NULL);
  for (guint i = 0; i < messages->len; i++) {
    g_ptr_array_add (records, _parley_message_to_record (messages->pdata[i], self->record->id));
    g_ptr_array_extend (messages, _parley_message_get_children (messages->pdata[i]), NULL, NULL);
  }
  return records;
}

ParleyChat *
_parley_chat_copy (ParleyChat *self, GPtrArray *messages, ParleyMessage *leaf)
{
  ParleyChat *copy = parley_chat_new (self->store);
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  g_autoptr (GPtrArray) records =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_message_record_free);
  for (guint i = 0; i < messages->len; i++) {
    ParleyMessage *message = messages->pdata[i];
    ParleyMessageRecord *record = _parley_message_to_record (message, copy->record->id);
    gint64 *old = g_memdup2 (&record->id, sizeof record->id);
    gint64 *fresh = g_new (gint64, 1);
    *fresh = record->id = _parley_chat_new_id (copy);
    g_hash_table_insert (ids, old, fresh);
    if (record->generation)
      record->generation->message = record->id;
    g_ptr_array_add (records, record);
  }
  for (guint i = 0; i < records->len; i++) {
    ParleyMessageRecord *record = records->pdata[i];
    const gint64 *parent = g_hash_table_lookup (ids, &record->parent);
    const gint64 *chosen = g_hash_table_lookup (ids, &record->chosen_child);
    /* A deleted message between two of the path is left out: the one before takes its place. */
    const ParleyMessageRecord *before = i > 0 ? records->pdata[i - 1] : NULL;
    record->parent = parent ? *parent : record->parent != 0 && before ? before->id : 0;
    record->chosen_child = chosen ? *chosen : 0;
  }
  gint64 leaf_id = leaf ? parley_message_get_id (leaf) : 0;
  const gint64 *new_leaf = g_hash_table_lookup (ids, &leaf_id);

  ParleyChatRecord *record = copy->record;
  g_free (record->title);
  record->title = g_strdup (self->record->title);
  record->title_given = self->record->title_given;
  record->folder = g_strdup (self->record->folder);
  record->system_prompt = g_strdup (self->record->system_prompt);
  record->settings = g_strdup (self->record->settings);
  record->model = g_strdup (self->record->model);
  record->summary = g_strdup (self->record->summary);
  record->leaf = new_leaf ? *new_leaf : 0;
  const gint64 *memory_start = g_hash_table_lookup (ids, &self->record->memory_start);
  record->memory_start = memory_start ? *memory_start : 0;
  copy->sampling = self->sampling;
  _parley_chat_take_records (copy, records);
  parley_chat_set_responder (copy, self->responder);
  return copy;
}

ParleyChat *
parley_chat_branch (ParleyChat *self, ParleyMessage *last)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  g_autoptr (GPtrArray) path = g_ptr_array_new ();
  ParleyMessage *leaf = NULL;
  for (guint i = 0; i < self->path->len && (i == 0 || leaf != last); i++) {
    leaf = self->path->pdata[i];
    /* What is still being written belongs to this chat alone. */
    if (leaf == self->answering)
      break;
    g_ptr_array_add (path, leaf);
  }
  return _parley_chat_copy (self, path, path->len ? path->pdata[path->len - 1] : NULL);
}

static void
collect (GPtrArray *into, GPtrArray *messages, ParleyMessage *except)
{
  for (guint i = 0; i < messages->len; i++)
    if (messages->pdata[i] != except)
      g_ptr_array_add (into, messages->pdata[i]);
}

ParleyChat *
_parley_chat_duplicate (ParleyChat *self)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  collect (all, self->roots, self->answering);
  for (guint i = 0; i < all->len; i++)
    collect (all, _parley_message_get_children (all->pdata[i]), self->answering);
  return _parley_chat_copy (self, all, _parley_chat_get_last (self));
}
