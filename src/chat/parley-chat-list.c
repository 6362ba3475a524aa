/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/parley-chat-list.h"

#include "chat/parley-chat-hit-private.h"
#include "chat/parley-chat-private.h"

#define MAX_HITS 200

struct _ParleyChatList {
  GObject parent_instance;
  ParleyStore *store;
  GPtrArray *chats;   /* of ParleyChat, as shown */
  GPtrArray *deleted; /* of ParleyChat: can be restored */
};

static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ParleyChatList, parley_chat_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

/* Order */

static int
compare (ParleyChat *a, ParleyChat *b)
{
  if (parley_chat_get_pinned (a) != parley_chat_get_pinned (b))
    return parley_chat_get_pinned (a) ? -1 : 1;
  gint64 time_a = parley_chat_get_updated_at (a), time_b = parley_chat_get_updated_at (b);
  if (time_a != time_b)
    return time_a > time_b ? -1 : 1;
  gint64 id_a = parley_chat_get_id (a), id_b = parley_chat_get_id (b);
  return id_a > id_b ? -1 : id_a < id_b;
}

static void on_order_changed (ParleyChatList *self, GParamSpec *pspec, ParleyChat *chat);

static void
watch (ParleyChatList *self, ParleyChat *chat)
{
  g_signal_connect_object (chat, "notify::pinned", G_CALLBACK (on_order_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (chat, "notify::updated-at", G_CALLBACK (on_order_changed), self,
                           G_CONNECT_SWAPPED);
}

/* Takes the reference. */
static void
show_chat (ParleyChatList *self, ParleyChat *chat)
{
  guint position = 0;
  while (position < self->chats->len && compare (self->chats->pdata[position], chat) < 0)
    position++;
  g_ptr_array_insert (self->chats, (int) position, chat);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 0, 1);
}

static ParleyChat *
hide_chat (ParleyChatList *self, guint position)
{
  ParleyChat *chat = g_ptr_array_steal_index (self->chats, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
  return chat;
}

/* `self` and `chat` are swapped by the connection: the list comes first. */
static void
on_order_changed (ParleyChatList *self, GParamSpec *pspec, ParleyChat *chat)
{
  guint position;
  if (!g_ptr_array_find (self->chats, chat, &position)) {
    /* A new one joins with its first message. */
    if (g_list_model_get_n_items (G_LIST_MODEL (chat)) > 0 &&
        !g_ptr_array_find (self->deleted, chat, NULL))
      show_chat (self, g_object_ref (chat));
    return;
  }
  gboolean after_previous = position == 0 || compare (self->chats->pdata[position - 1], chat) < 0;
  gboolean before_next =
      position + 1 == self->chats->len || compare (chat, self->chats->pdata[position + 1]) < 0;
  if (!after_previous || !before_next)
    show_chat (self, hide_chat (self, position));
}

/* Other processes */

static gboolean
find_id (gconstpointer chat, gconstpointer id)
{
  return parley_chat_get_id ((ParleyChat *) chat) == *(const gint64 *) id;
}

static ParleyChat *
find_in (GPtrArray *chats, gint64 id, guint *position)
{
  guint found;
  if (!g_ptr_array_find_with_equal_func (chats, &id, find_id, &found))
    return NULL;
  if (position)
    *position = found;
  return chats->pdata[found];
}

static int
compare_items (gconstpointer a, gconstpointer b)
{
  return compare (*(ParleyChat *const *) a, *(ParleyChat *const *) b);
}

static gpointer
take_reference (gconstpointer chat, gpointer data)
{
  return g_object_ref ((gpointer) chat);
}

static GPtrArray *
copy_chats (GPtrArray *chats)
{
  GPtrArray *copy = g_ptr_array_copy (chats, take_reference, NULL);
  g_ptr_array_set_free_func (copy, g_object_unref);
  return copy;
}

/* All at once, told of as one change of what lies between the first and the last of them. */
static void
show_all (ParleyChatList *self, GPtrArray *fresh)
{
  if (fresh->len == 0)
    return;
  guint n = self->chats->len, first = 0, behind = 0;
  g_autoptr (GPtrArray) before = g_steal_pointer (&self->chats);
  self->chats = copy_chats (before);
  for (guint i = 0; i < fresh->len; i++) {
    watch (self, fresh->pdata[i]);
    g_ptr_array_add (self->chats, g_object_ref (fresh->pdata[i]));
  }
  g_ptr_array_sort (self->chats, compare_items);
  while (first < n && before->pdata[first] == self->chats->pdata[first])
    first++;
  while (behind < n - first &&
         before->pdata[n - 1 - behind] == self->chats->pdata[self->chats->len - 1 - behind])
    behind++;
  g_list_model_items_changed (G_LIST_MODEL (self), first, n - first - behind,
                              self->chats->len - first - behind);
}

void
parley_chat_list_reload (ParleyChatList *self)
{
  g_return_if_fail (PARLEY_IS_CHAT_LIST (self));
  g_autoptr (GPtrArray) records = parley_store_list_chats (self->store, NULL);
  if (!records)
    return;
  g_autoptr (GHashTable) unknown = g_hash_table_new (g_int64_hash, g_int64_equal);
  for (guint i = 0; i < records->len; i++)
    g_hash_table_insert (unknown, &((ParleyChatRecord *) records->pdata[i])->id, records->pdata[i]);
  /* What is refreshed may move. */
  g_autoptr (GPtrArray) known = copy_chats (self->chats);
  for (guint i = 0; i < known->len; i++) {
    gint64 id = parley_chat_get_id (known->pdata[i]);
    const ParleyChatRecord *record = g_hash_table_lookup (unknown, &id);
    guint position;
    if (record) {
      g_hash_table_remove (unknown, &id);
      _parley_chat_refresh (known->pdata[i], record);
      continue;
    }
    g_autoptr (ParleyChatRecord) gone = parley_store_get_chat (self->store, id, NULL);
    if (gone && gone->deleted_at != 0 && g_ptr_array_find (self->chats, known->pdata[i], &position))
      g_object_unref (hide_chat (self, position));
  }
  g_autoptr (GPtrArray) fresh = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < records->len; i++) {
    const ParleyChatRecord *record = records->pdata[i];
    /* What was deleted here may not be written yet. */
    if (g_hash_table_contains (unknown, &record->id) && !find_in (self->deleted, record->id, NULL))
      g_ptr_array_add (fresh, parley_chat_new_from_record (self->store, record));
  }
  show_all (self, fresh);
}

static void
on_store_changed (ParleyChatList *self, guint areas, gboolean elsewhere)
{
  if (elsewhere && (areas & PARLEY_STORE_CHATS))
    parley_chat_list_reload (self);
}

ParleyChatList *
parley_chat_list_new (ParleyStore *store, GError **error)
{
  g_return_val_if_fail (PARLEY_IS_STORE (store), NULL);
  g_autoptr (GPtrArray) records = parley_store_list_chats (store, error);
  if (!records)
    return NULL;
  ParleyChatList *self = g_object_new (PARLEY_TYPE_CHAT_LIST, NULL);
  self->store = g_object_ref (store);
  for (guint i = 0; i < records->len; i++) {
    ParleyChat *chat = parley_chat_new_from_record (store, records->pdata[i]);
    watch (self, chat);
    g_ptr_array_add (self->chats, chat);
  }
  g_signal_connect_object (store, "changed", G_CALLBACK (on_store_changed), self,
                           G_CONNECT_SWAPPED);
  return self;
}

ParleyChat *
parley_chat_list_create (ParleyChatList *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT_LIST (self), NULL);
  ParleyChat *chat = parley_chat_new (self->store);
  watch (self, chat);
  return chat;
}

ParleyChat *
parley_chat_list_find (ParleyChatList *self, gint64 id)
{
  g_return_val_if_fail (PARLEY_IS_CHAT_LIST (self), NULL);
  return find_in (self->chats, id, NULL);
}

/* Deleting */

void
parley_chat_list_delete (ParleyChatList *self, ParleyChat *chat)
{
  g_return_if_fail (PARLEY_IS_CHAT_LIST (self));
  guint position;
  if (!g_ptr_array_find (self->chats, chat, &position))
    return;
  parley_chat_stop (chat);
  g_ptr_array_add (self->deleted, hide_chat (self, position));
  _parley_chat_set_deleted_at (chat, g_get_real_time ());
}

gboolean
parley_chat_list_restore (ParleyChatList *self, ParleyChat *chat)
{
  g_return_val_if_fail (PARLEY_IS_CHAT_LIST (self), FALSE);
  guint position;
  if (!g_ptr_array_find (self->deleted, chat, &position))
    return FALSE;
  _parley_chat_set_deleted_at (chat, 0);
  show_chat (self, g_ptr_array_steal_index (self->deleted, position));
  return TRUE;
}

void
parley_chat_list_clear (ParleyChatList *self)
{
  g_return_if_fail (PARLEY_IS_CHAT_LIST (self));
  guint n = self->chats->len;
  for (guint i = 0; i < n; i++)
    _parley_chat_forsake (self->chats->pdata[i]);
  for (guint i = 0; i < self->deleted->len; i++)
    _parley_chat_forsake (self->deleted->pdata[i]);
  g_ptr_array_set_size (self->deleted, 0);
  g_ptr_array_set_size (self->chats, 0);
  g_list_model_items_changed (G_LIST_MODEL (self), 0, n, 0);
}

ParleyChat *
parley_chat_list_duplicate (ParleyChatList *self, ParleyChat *chat)
{
  g_return_val_if_fail (PARLEY_IS_CHAT_LIST (self), NULL);
  if (!parley_chat_open (chat, NULL))
    return NULL;
  return parley_chat_list_adopt (self, _parley_chat_duplicate (chat));
}

ParleyChat *
parley_chat_list_adopt (ParleyChatList *self, ParleyChat *chat)
{
  g_return_val_if_fail (PARLEY_IS_CHAT_LIST (self), NULL);
  if (chat && !parley_chat_is_temporary (chat) &&
      !find_in (self->chats, parley_chat_get_id (chat), NULL)) {
    watch (self, chat);
    show_chat (self, g_object_ref (chat));
  }
  return chat;
}

void
parley_chat_list_adopt_all (ParleyChatList *self, GPtrArray *chats)
{
  g_return_if_fail (PARLEY_IS_CHAT_LIST (self));
  g_autoptr (GHashTable) known = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_autoptr (GPtrArray) fresh = g_ptr_array_new ();
  for (guint i = 0; i < self->chats->len; i++)
    g_hash_table_add (known, &((ParleyChat *) self->chats->pdata[i])->record->id);
  for (guint i = 0; i < chats->len; i++)
    if (!g_hash_table_contains (known, &((ParleyChat *) chats->pdata[i])->record->id))
      g_ptr_array_add (fresh, chats->pdata[i]);
  show_all (self, fresh);
}

/* Search */

typedef struct {
  char *query;
  GPtrArray *hits; /* of ParleySearchHit */
} Search;

static void
search_free (gpointer data)
{
  Search *search = data;
  g_free (search->query);
  g_clear_pointer (&search->hits, g_ptr_array_unref);
  g_free (search);
}

static void
search_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Search *search = data;
  GError *error = NULL;
  search->hits =
      parley_store_search (PARLEY_CHAT_LIST (source)->store, search->query, MAX_HITS, &error);
  if (search->hits)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
parley_chat_list_search_async (ParleyChatList *self, const char *query, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer data)
{
  g_return_if_fail (PARLEY_IS_CHAT_LIST (self));
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, parley_chat_list_search_async);
  Search *search = g_new0 (Search, 1);
  search->query = g_strdup (query);
  g_task_set_task_data (task, search, search_free);
  g_task_run_in_thread (task, search_in_thread);
}

GListModel *
parley_chat_list_search_finish (ParleyChatList *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  Search *search = g_task_get_task_data (G_TASK (result));
  GListStore *found = g_list_store_new (PARLEY_TYPE_CHAT_HIT);
  while (search->hits->len > 0) {
    ParleySearchHit *hit = g_ptr_array_steal_index (search->hits, 0);
    ParleyChat *chat = find_in (self->chats, hit->chat, NULL);
    if (!chat) {
      parley_search_hit_free (hit);
      continue;
    }
    g_autoptr (ParleyChatHit) item = _parley_chat_hit_new (chat, hit);
    g_list_store_append (found, item);
  }
  return G_LIST_MODEL (found);
}

/* The list */

static GType
get_item_type (GListModel *model)
{
  return PARLEY_TYPE_CHAT;
}

static guint
get_n_items (GListModel *model)
{
  return PARLEY_CHAT_LIST (model)->chats->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  GPtrArray *chats = PARLEY_CHAT_LIST (model)->chats;
  return position < chats->len ? g_object_ref (chats->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
parley_chat_list_finalize (GObject *object)
{
  ParleyChatList *self = PARLEY_CHAT_LIST (object);
  g_ptr_array_unref (self->chats);
  g_ptr_array_unref (self->deleted);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (parley_chat_list_parent_class)->finalize (object);
}

static void
parley_chat_list_class_init (ParleyChatListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = parley_chat_list_finalize;
}

static void
parley_chat_list_init (ParleyChatList *self)
{
  self->chats = g_ptr_array_new_with_free_func (g_object_unref);
  self->deleted = g_ptr_array_new_with_free_func (g_object_unref);
}
