/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/chats.h"

#include "store/parley-chat-records.h"
#include "store/parley-store-private.h"
#include "store/replies.h"

#include <glib/gi18n.h>

#define KEEP_DELETED_US G_TIME_SPAN_HOUR

#define CHAT_COLUMNS                                                                               \
  "id, title, title_given, folder, pinned, system_prompt, settings, model, leaf, memory_start,"    \
  " draft, created_at, updated_at, deleted_at, summary"

/* The title is a row of `search`, which is only written when the title is another. */
static gboolean
index_title (sqlite3 *db, const ParleyChatRecord *chat, GError **error)
{
  gint64 same;
  if (!parley_sql_number (db, 0, &same, error, "SELECT title = ? FROM chat WHERE id = ?", "si",
                          chat->title, chat->id))
    return FALSE;
  if (same)
    return TRUE;
  g_autofree char *plain = parley_replies_plain (chat->title);
  return parley_sql_run (db, error, "DELETE FROM search WHERE rowid = ?", "i", chat->id) &&
         (!*plain || parley_sql_run (db, error, "INSERT INTO search (rowid, text) VALUES (?, ?)",
                                     "is", chat->id, plain));
}

gboolean
parley_chats_put (sqlite3 *db, const ParleyChatRecord *chat, GError **error)
{
  return index_title (db, chat, error) &&
         parley_sql_run (
             db, error,
             "INSERT INTO chat (" CHAT_COLUMNS
             ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
             " ON CONFLICT (id) DO UPDATE SET title = excluded.title,"
             " title_given = excluded.title_given, folder = excluded.folder,"
             " pinned = excluded.pinned, system_prompt = excluded.system_prompt,"
             " settings = excluded.settings, model = excluded.model, leaf = excluded.leaf,"
             " memory_start = excluded.memory_start, draft = excluded.draft,"
             " updated_at = excluded.updated_at, deleted_at = excluded.deleted_at,"
             " summary = excluded.summary",
             "isisissszzsiiis", chat->id, chat->title, (gint64) chat->title_given, chat->folder,
             (gint64) chat->pinned, chat->system_prompt, chat->settings, chat->model, chat->leaf,
             chat->memory_start, chat->draft, chat->created_at, chat->updated_at, chat->deleted_at,
             chat->summary);
}

static gboolean
put_chat (sqlite3 *db, gpointer data, GError **error)
{
  return parley_chats_put (db, data, error);
}

void
parley_store_put_chat (ParleyStore *store, const ParleyChatRecord *chat)
{
  parley_store_queue (store, PARLEY_STORE_CHATS, PARLEY_STORE_DURABLE, put_chat,
                      parley_chat_record_copy (chat), (GDestroyNotify) parley_chat_record_free);
}

/* The messages hang on the chat alone when they go: one that took along what hangs on it would do
 * so in one step inside the other, of which SQLite allows a thousand. */
gboolean
parley_chats_purge (sqlite3 *db, gint64 chat, GError **error)
{
  return parley_sql_run (db, error,
                         "DELETE FROM search WHERE rowid = ?1"
                         " OR rowid IN (SELECT id FROM message WHERE chat = ?1)",
                         "i", chat) &&
         parley_sql_run (db, error, "UPDATE message SET parent = NULL WHERE chat = ?", "i", chat) &&
         parley_sql_run (db, error, "DELETE FROM chat WHERE id = ?", "i", chat);
}

gboolean
parley_chats_purge_old (sqlite3 *db, gint64 now, GError **error)
{
  g_autoptr (GArray) old = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (sqlite3_stmt) rows =
      parley_sql_query (db, error, "SELECT id FROM chat WHERE deleted_at BETWEEN 1 AND ?", "i",
                        now - KEEP_DELETED_US);
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure)) {
    gint64 chat = sqlite3_column_int64 (rows, 0);
    g_array_append_val (old, chat);
  }
  if (!parley_sql_end (&failure, error))
    return FALSE;
  g_clear_pointer (&rows, sqlite3_finalize);
  for (guint i = 0; i < old->len; i++)
    if (!parley_chats_purge (db, g_array_index (old, gint64, i), error))
      return FALSE;
  /* A young one may belong to a message that another process has not written yet. */
  return parley_sql_run (db, error,
                         "DELETE FROM attachment WHERE added_at < ? AND NOT EXISTS"
                         " (SELECT 1 FROM part WHERE part.attachment = attachment.sha256)"
                         " AND NOT EXISTS (SELECT 1 FROM draft_file"
                         " WHERE draft_file.attachment = attachment.sha256)",
                         "i", now - KEEP_DELETED_US);
}

static gboolean
purge_chat (sqlite3 *db, gpointer data, GError **error)
{
  return parley_chats_purge (db, *(gint64 *) data, error);
}

void
parley_store_purge_chat (ParleyStore *store, gint64 chat)
{
  parley_store_queue (store, PARLEY_STORE_CHATS, PARLEY_STORE_DURABLE, purge_chat,
                      g_memdup2 (&chat, sizeof chat), g_free);
}

static ParleyChatRecord *
read_chat (sqlite3_stmt *row)
{
  ParleyChatRecord *chat = g_new0 (ParleyChatRecord, 1);
  chat->id = sqlite3_column_int64 (row, 0);
  chat->title = parley_sql_dup_text (row, 1);
  chat->title_given = sqlite3_column_int (row, 2) != 0;
  chat->folder = parley_sql_dup_text (row, 3);
  chat->pinned = sqlite3_column_int (row, 4) != 0;
  chat->system_prompt = parley_sql_dup_text (row, 5);
  chat->settings = parley_sql_dup_text (row, 6);
  chat->model = parley_sql_dup_text (row, 7);
  chat->leaf = sqlite3_column_int64 (row, 8);
  chat->memory_start = sqlite3_column_int64 (row, 9);
  chat->draft = parley_sql_dup_text (row, 10);
  chat->created_at = sqlite3_column_int64 (row, 11);
  chat->updated_at = sqlite3_column_int64 (row, 12);
  chat->deleted_at = sqlite3_column_int64 (row, 13);
  chat->summary = parley_sql_dup_text (row, 14);
  return chat;
}

static gboolean
list_chats (sqlite3 *db, gpointer data, GError **error)
{
  GPtrArray *chats = data;
  g_autoptr (sqlite3_stmt) rows =
      parley_sql_query (db, error,
                        "SELECT " CHAT_COLUMNS " FROM chat WHERE deleted_at = 0"
                        " ORDER BY pinned DESC, updated_at DESC, id DESC",
                        "");
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure))
    g_ptr_array_add (chats, read_chat (rows));
  return parley_sql_end (&failure, error);
}

GPtrArray *
parley_store_list_chats (ParleyStore *store, GError **error)
{
  g_autoptr (GPtrArray) chats =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_chat_record_free);
  return parley_store_read (store, list_chats, chats, error) ? g_steal_pointer (&chats) : NULL;
}

typedef struct {
  gint64 id;
  ParleyChatRecord *chat;
} GetChat;

static gboolean
get_chat (sqlite3 *db, gpointer data, GError **error)
{
  GetChat *get = data;
  g_autoptr (sqlite3_stmt) rows =
      parley_sql_query (db, error, "SELECT " CHAT_COLUMNS " FROM chat WHERE id = ?", "i", get->id);
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  if (parley_sql_next (rows, &failure))
    get->chat = read_chat (rows);
  else if (failure)
    g_propagate_error (error, g_steal_pointer (&failure));
  else
    g_set_error_literal (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND,
                         _ ("This chat is no longer there."));
  return get->chat != NULL;
}

ParleyChatRecord *
parley_store_get_chat (ParleyStore *store, gint64 chat, GError **error)
{
  GetChat get = { .id = chat };
  return parley_store_read (store, get_chat, &get, error) ? get.chat : NULL;
}
