/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/replies.h"

#include "store/presence.h"

char *
parley_replies_plain (const char *text)
{
  char *plain = g_strdup (text);
  for (char *p = plain; *p; p++)
    if ((guchar) *p < 0x20 || *p == 0x7f)
      *p = ' ';
  return plain;
}

gboolean
parley_replies_index (sqlite3 *db, gint64 message, GError **error)
{
  g_autoptr (sqlite3_stmt) rows =
      parley_sql_query (db, error,
                        "SELECT text FROM part WHERE message = ? AND kind IN ('text', 'reasoning')"
                        " ORDER BY kind = 'reasoning', n",
                        "i", message);
  if (!rows)
    return FALSE;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure)) {
    if (text->len)
      g_string_append_c (text, ' ');
    g_string_append (text, (const char *) sqlite3_column_text (rows, 0));
  }
  if (!parley_sql_end (&failure, error))
    return FALSE;
  if (!parley_sql_run (db, error, "DELETE FROM search WHERE rowid = ?", "i", message))
    return FALSE;
  g_autofree char *plain = parley_replies_plain (text->str);
  return text->len == 0 ||
         parley_sql_run (db, error, "INSERT INTO search (rowid, text) VALUES (?, ?)", "is", message,
                         plain);
}

static gboolean
put_part (sqlite3 *db, gint64 message, gint64 n, const char *kind, const char *name,
          const char *text, GError **error)
{
  /* A part that is there already belongs to a reply that is being continued. */
  return parley_sql_run (db, error,
                         "INSERT INTO part (message, n, kind, name, text) VALUES (?, ?, ?, ?, ?)"
                         " ON CONFLICT (message, n) DO UPDATE SET text = text || excluded.text",
                         "iisss", message, n, kind, name, text);
}

gboolean
parley_replies_fold (sqlite3 *db, gint64 message, ParleyMessageState state, GError **error)
{
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (
      db, error, "SELECT n, kind, name, text FROM reply_chunk WHERE message = ? ORDER BY n, id",
      "i", message);
  if (!rows)
    return FALSE;

  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *kind = NULL, *name = NULL;
  g_autoptr (GError) failure = NULL;
  gint64 n = -1;
  while (parley_sql_next (rows, &failure)) {
    if (sqlite3_column_int64 (rows, 0) != n) {
      if (n >= 0 && !put_part (db, message, n, kind, name, text->str, error))
        return FALSE;
      n = sqlite3_column_int64 (rows, 0);
      g_free (kind);
      kind = parley_sql_dup_text (rows, 1);
      g_free (name);
      name = parley_sql_dup_text (rows, 2);
      g_string_truncate (text, 0);
    }
    g_string_append (text, (const char *) sqlite3_column_text (rows, 3));
  }
  if (!parley_sql_end (&failure, error))
    return FALSE;
  g_clear_pointer (&rows, sqlite3_finalize);
  return (n < 0 || put_part (db, message, n, kind, name, text->str, error)) &&
         parley_sql_run (db, error, "DELETE FROM reply_chunk WHERE message = ?", "i", message) &&
         parley_sql_run (db, error, "UPDATE message SET state = ?, writer = NULL WHERE id = ?",
                         "ii", (gint64) state, message) &&
         parley_replies_index (db, message, error);
}

gboolean
parley_replies_recover (sqlite3 *db, int presence, GError **error)
{
  g_autoptr (sqlite3_stmt) rows =
      parley_sql_query (db, error, "SELECT id, writer FROM message WHERE writer IS NOT NULL", "");
  if (!rows)
    return FALSE;
  g_autoptr (GArray) left_behind = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure)) {
    gint64 message = sqlite3_column_int64 (rows, 0);
    if (!parley_presence_is_alive (presence, sqlite3_column_int64 (rows, 1)))
      g_array_append_val (left_behind, message);
  }
  if (!parley_sql_end (&failure, error))
    return FALSE;
  g_clear_pointer (&rows, sqlite3_finalize);
  for (guint i = 0; i < left_behind->len; i++)
    if (!parley_replies_fold (db, g_array_index (left_behind, gint64, i),
                              PARLEY_MESSAGE_INTERRUPTED, error))
      return FALSE;
  return TRUE;
}
