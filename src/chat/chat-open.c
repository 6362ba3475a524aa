/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the messages of a chat come out of the store: on a thread, as there may be many, and long
 * ones. The chat itself stays with the thread that asked.
 */
#include "chat/parley-chat-private.h"

typedef void (*Got) (ParleyChat *self, GPtrArray *records, const GError *error, gpointer data);

typedef struct {
  ParleyChat *chat;
  ParleyStore *store;
  gint64 id;
  GMainContext *context;
  GCancellable *cancellable; /* NULL: nobody cancels it */
  Got got;
  gpointer data;
  GDestroyNotify destroy;
  gboolean told;

  GMutex mutex; /* guards `done`; what follows is the thread's until then */
  GCond end;
  gboolean done;
  GPtrArray *records; /* NULL: there is an error */
  GError *error;
} Reading;

static void
reading_free (gpointer data)
{
  Reading *self = data;
  if (self->destroy)
    self->destroy (self->data);
  g_clear_pointer (&self->records, g_ptr_array_unref);
  g_clear_error (&self->error);
  g_clear_object (&self->cancellable);
  g_object_unref (self->chat);
  g_object_unref (self->store);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->end);
  g_free (self);
}

static gboolean
tell (gpointer data)
{
  Reading *self = data;
  gboolean told = self->told;
  self->told = TRUE;
  if (!told && !g_cancellable_is_cancelled (self->cancellable))
    self->got (self->chat, self->records, self->error, self->data);
  return G_SOURCE_REMOVE;
}

static gpointer
read_messages (gpointer data)
{
  Reading *self = data;
  self->records = parley_store_load_messages (self->store, self->id, &self->error);
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, tell, self, reading_free);
  g_autoptr (GMainContext) context = g_main_context_ref (self->context);
  g_mutex_lock (&self->mutex);
  self->done = TRUE;
  g_cond_signal (&self->end);
  g_mutex_unlock (&self->mutex);
  g_source_attach (source, context);
  return NULL;
}

/* What has come within `patience_ms` is told of in the call, everything else later. */
static void
begin_to_read (ParleyChat *chat, guint patience_ms, GCancellable *cancellable, Got got,
               gpointer data, GDestroyNotify destroy)
{
  Reading *self = g_new0 (Reading, 1);
  *self = (Reading){ .chat = g_object_ref (chat),
                     .store = g_object_ref (chat->store),
                     .id = chat->record->id,
                     .context = g_main_context_ref_thread_default (),
                     .cancellable = cancellable ? g_object_ref (cancellable) : NULL,
                     .got = got,
                     .data = data,
                     .destroy = destroy };
  g_mutex_init (&self->mutex);
  g_cond_init (&self->end);
  gint64 until = g_get_monotonic_time () + patience_ms * G_TIME_SPAN_MILLISECOND;
  g_thread_unref (g_thread_new ("messages", read_messages, self));
  if (patience_ms == 0)
    return;
  /* It is freed by this thread's loop, so not before the end of this. */
  g_mutex_lock (&self->mutex);
  while (!self->done && g_cond_wait_until (&self->end, &self->mutex, until))
    ;
  gboolean done = self->done;
  g_mutex_unlock (&self->mutex);
  if (done)
    tell (self);
}

/* Opening */

static void
take_messages (ParleyChat *self, GPtrArray *records)
{
  self->opened = TRUE;
  _parley_chat_load_tree (self, records);
}

gboolean
parley_chat_open (ParleyChat *self, GError **error)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), FALSE);
  if (self->opened)
    return TRUE;
  g_autoptr (GPtrArray) records = g_steal_pointer (&self->unread);
  if (!records)
    records = parley_store_load_messages (self->store, self->record->id, error);
  if (!records)
    return FALSE;
  take_messages (self, records);
  return TRUE;
}

typedef struct {
  ParleyChatOpened opened;
  gpointer data;
  GDestroyNotify destroy;
  GCancellable *cancellable;
  gint64 updated_at; /* of the chat when reading began */
} Opening;

static void
opening_free (gpointer data)
{
  Opening *opening = data;
  if (opening->destroy)
    opening->destroy (opening->data);
  g_clear_object (&opening->cancellable);
  g_free (opening);
}

static void
got_messages (ParleyChat *self, GPtrArray *records, const GError *error, gpointer data)
{
  Opening *opening = data;
  if (records && !self->opened && self->record->updated_at != opening->updated_at) {
    /* Another process has gone on with it meanwhile. */
    Opening *again = g_memdup2 (opening, sizeof *opening);
    *opening = (Opening){ 0 };
    again->updated_at = self->record->updated_at;
    begin_to_read (self, 0, again->cancellable, got_messages, again, opening_free);
    return;
  }
  if (records && !self->opened)
    take_messages (self, records);
  opening->opened (self, self->opened ? NULL : error, opening->data);
}

void
parley_chat_open_async (ParleyChat *self, guint patience_ms, GCancellable *cancellable,
                        ParleyChatOpened opened, gpointer data, GDestroyNotify destroy)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (self->opened || self->unread) {
    parley_chat_open (self, NULL);
    opened (self, NULL, data);
    if (destroy)
      destroy (data);
    return;
  }
  Opening *opening = g_new (Opening, 1);
  *opening = (Opening){ .opened = opened,
                        .data = data,
                        .destroy = destroy,
                        .cancellable = cancellable ? g_object_ref (cancellable) : NULL,
                        .updated_at = self->record->updated_at };
  begin_to_read (self, patience_ms, cancellable, got_messages, opening, opening_free);
}

/* Following what another process writes */

static void
got_news (ParleyChat *self, GPtrArray *records, const GError *error, gpointer n_saves)
{
  gboolean busy = _parley_chat_is_busy (self);
  /* What was read may be older than what was done here since. */
  gboolean again = self->following_again || self->n_saves != GPOINTER_TO_UINT (n_saves);
  self->following = self->following_again = FALSE;
  self->behind = !records || busy;
  if (self->behind)
    return; /* until the next change */
  if (again)
    _parley_chat_follow (self);
  else
    _parley_chat_merge_tree (self, records);
}

void
_parley_chat_follow (ParleyChat *self)
{
  if (self->following) {
    self->following_again = TRUE;
    return;
  }
  self->following = TRUE;
  begin_to_read (self, 0, NULL, got_news, GUINT_TO_POINTER (self->n_saves), NULL);
}
