/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that wait for the message they will go along with. What a chat is begun with waits under
 * no chat, since that is in the store only from its first message on.
 */
#include "store/parley-chat-records.h"
#include "store/parley-store-private.h"

typedef struct {
  gint64 chat;
  ParleyDraftFile *file;
} AddFile;

static void
add_file_free (gpointer data)
{
  AddFile *add = data;
  parley_draft_file_free (add->file);
  g_free (add);
}

static gboolean
add_file (sqlite3 *db, gpointer data, GError **error)
{
  const AddFile *add = data;
  const ParleyPartRecord *part = add->file->part;
  return parley_sql_run (db, error,
                         "INSERT INTO draft_file (id, chat, name, text, attachment)"
                         " VALUES (?, ?, ?, ?, ?)",
                         "izsss", add->file->id, add->chat, part->name, part->text,
                         part->attachment);
}

void
parley_store_add_draft_file (ParleyStore *store, gint64 chat, const ParleyDraftFile *file)
{
  AddFile *add = g_new (AddFile, 1);
  *add = (AddFile){ .chat = chat, .file = parley_draft_file_new (file->id, file->part) };
  /* No area: nothing of it is shown in a list of chats. */
  parley_store_queue (store, 0, PARLEY_STORE_DURABLE, add_file, add, add_file_free);
}

static gboolean
remove_file (sqlite3 *db, gpointer data, GError **error)
{
  return parley_sql_run (db, error, "DELETE FROM draft_file WHERE id = ?", "i", *(gint64 *) data);
}

void
parley_store_remove_draft_file (ParleyStore *store, gint64 id)
{
  parley_store_queue (store, 0, PARLEY_STORE_DURABLE, remove_file, g_memdup2 (&id, sizeof id),
                      g_free);
}

typedef struct {
  gint64 chat;
  GPtrArray *files;
} ListFiles;

static gboolean
list_files (sqlite3 *db, gpointer data, GError **error)
{
  ListFiles *list = data;
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (
      db, error, "SELECT id, text, name, attachment FROM draft_file WHERE chat IS ? ORDER BY id",
      "z", list->chat);
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure)) {
    g_autofree char *text = parley_sql_dup_text (rows, 1);
    g_autoptr (ParleyPartRecord) part = parley_part_record_new (PARLEY_PART_ATTACHMENT, text);
    part->name = parley_sql_dup_text (rows, 2);
    part->attachment = parley_sql_dup_text (rows, 3);
    g_ptr_array_add (list->files, parley_draft_file_new (sqlite3_column_int64 (rows, 0), part));
  }
  return parley_sql_end (&failure, error);
}

GPtrArray *
parley_store_list_draft_files (ParleyStore *store, gint64 chat, GError **error)
{
  g_autoptr (GPtrArray) files =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_draft_file_free);
  ListFiles list = { .chat = chat, .files = files };
  return parley_store_read (store, list_files, &list, error) ? g_steal_pointer (&files) : NULL;
}
