/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/schema.h"

#include <glib/gi18n.h>

/* Identifiers of chats and messages are drawn from one set (parley_store_new_id), so that a row of
 * `search` can belong to either: the text of a message or the title of a chat. */
static const char version_1[] =
    "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO counter VALUES ('open', 0);"

    "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE chat ("
    "  id INTEGER PRIMARY KEY, title TEXT NOT NULL, title_given INTEGER NOT NULL, folder TEXT,"
    "  pinned INTEGER NOT NULL, system_prompt TEXT, settings TEXT, model TEXT, leaf INTEGER,"
    "  memory_start INTEGER, draft TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    "  deleted_at INTEGER NOT NULL) STRICT;"

    /* writer: number of the opened store that is writing the reply, null when nobody does. */
    "CREATE TABLE message ("
    "  id INTEGER PRIMARY KEY, chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE,"
    "  parent INTEGER REFERENCES message ON DELETE CASCADE, role TEXT NOT NULL,"
    "  chosen_child INTEGER, state INTEGER NOT NULL, writer INTEGER, created_at INTEGER NOT NULL,"
    "  deleted_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX message_chat ON message (chat);"
    "CREATE INDEX message_parent ON message (parent) WHERE parent IS NOT NULL;"
    "CREATE INDEX message_writer ON message (writer) WHERE writer IS NOT NULL;"

    "CREATE TABLE attachment ("
    "  sha256 TEXT PRIMARY KEY, mime_type TEXT NOT NULL, bytes BLOB NOT NULL,"
    "  added_at INTEGER NOT NULL) STRICT;"

    "CREATE TABLE part ("
    "  message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE, n INTEGER NOT NULL,"
    "  kind TEXT NOT NULL, name TEXT, text TEXT NOT NULL, attachment TEXT REFERENCES attachment,"
    "  PRIMARY KEY (message, n)) STRICT;"
    "CREATE INDEX part_attachment ON part (attachment) WHERE attachment IS NOT NULL;"

    /* A running reply only ever inserts here; at its end the rows become parts and go. */
    "CREATE TABLE reply_chunk ("
    "  id INTEGER PRIMARY KEY, message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,"
    "  n INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT, text TEXT NOT NULL) STRICT;"
    "CREATE INDEX reply_chunk_message ON reply_chunk (message);"

    "CREATE TABLE generation ("
    "  message INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE, model TEXT,"
    "  model_sha256 TEXT, settings TEXT, seed INTEGER, prompt_tokens INTEGER NOT NULL,"
    "  cached_tokens INTEGER NOT NULL, reply_tokens INTEGER NOT NULL, prompt_seconds REAL NOT NULL,"
    "  reply_seconds REAL NOT NULL, first_token_seconds REAL NOT NULL, stop TEXT, problem TEXT,"
    "  token_ids BLOB) STRICT;"

    "CREATE VIRTUAL TABLE search USING fts5 ("
    "  text, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');"

    "CREATE TABLE artifact ("
    "  id INTEGER PRIMARY KEY, sha256 TEXT UNIQUE, size INTEGER NOT NULL,"
    "  n_shards INTEGER NOT NULL, name TEXT NOT NULL UNIQUE, title TEXT, architecture TEXT,"
    "  quantisation TEXT, n_parameters INTEGER NOT NULL, context_length INTEGER NOT NULL,"
    "  endpoint TEXT, repo TEXT, commit_id TEXT, file_name TEXT, defaults TEXT, details TEXT,"
    "  problem TEXT, pinned INTEGER NOT NULL, added_at INTEGER NOT NULL,"
    "  last_used_at INTEGER NOT NULL) STRICT;"
    /* A path is bytes, not text. */
    "CREATE TABLE location ("
    "  id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, sha256 TEXT, size INTEGER NOT NULL,"
    "  mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, device INTEGER NOT NULL, origin TEXT,"
    "  missing INTEGER NOT NULL) STRICT;"
    "CREATE TABLE artifact_location ("
    "  artifact INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,"
    "  location INTEGER NOT NULL REFERENCES location ON DELETE CASCADE, role INTEGER NOT NULL,"
    "  shard INTEGER NOT NULL, PRIMARY KEY (artifact, location)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX artifact_location_location ON artifact_location (location);"

    "CREATE TABLE download ("
    "  id INTEGER PRIMARY KEY, batch INTEGER NOT NULL, position REAL NOT NULL, endpoint TEXT,"
    "  repo TEXT, commit_id TEXT, path TEXT, sha256 TEXT, size INTEGER NOT NULL,"
    "  target BLOB NOT NULL UNIQUE, role INTEGER NOT NULL, shard INTEGER NOT NULL,"
    "  done INTEGER NOT NULL, state INTEGER NOT NULL, problem TEXT,"
    "  added_at INTEGER NOT NULL) STRICT;";

/* What the engine did for a reply. */
static const char version_2[] =
    "ALTER TABLE generation ADD COLUMN rows_evaluated INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE generation ADD COLUMN weight_bytes_read INTEGER NOT NULL DEFAULT 0;";

/* What a chat remembers of the messages before memory_start; how long a model thought. */
static const char version_3[] =
    "ALTER TABLE chat ADD COLUMN summary TEXT;"
    "ALTER TABLE generation ADD COLUMN reasoning_seconds REAL NOT NULL DEFAULT 0;";

/* Downloads are described beside their files (src/hub/sidecar.h); this table was never used. */
static const char version_4[] = "DROP TABLE download;";

/* How fast replies came and how the model was placed: it outlives the chats, and the library. */
static const char version_5[] =
    "CREATE TABLE run ("
    "  id INTEGER PRIMARY KEY, model TEXT NOT NULL, devices TEXT NOT NULL,"
    "  gpu_layers INTEGER NOT NULL, cpu_experts INTEGER NOT NULL, context INTEGER NOT NULL,"
    "  batch INTEGER NOT NULL, threads INTEGER NOT NULL, k_type INTEGER NOT NULL,"
    "  v_type INTEGER NOT NULL, depth INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL,"
    "  reply_tokens INTEGER NOT NULL, prompt_seconds REAL NOT NULL, reply_seconds REAL NOT NULL,"
    "  ended_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX run_model ON run (model);";

/* What a model thought is found too (parley_replies_index() does the same for each new message). */
static const char version_6[] =
    "CREATE TEMP TABLE thinking AS SELECT DISTINCT message FROM part WHERE kind = 'reasoning'"
    "  AND message IN (SELECT id FROM message WHERE writer IS NULL);"
    "DELETE FROM search WHERE rowid IN (SELECT message FROM thinking);"
    "INSERT INTO search (rowid, text) SELECT message, replace (replace (replace (replace ("
    "  group_concat (text, ' '), char (10), ' '), char (9), ' '), char (1), ' '), char (2), ' ')"
    "  FROM (SELECT message, text FROM part JOIN thinking USING (message)"
    "        WHERE kind IN ('text', 'reasoning') ORDER BY message, kind = 'reasoning', n)"
    "  GROUP BY message;"
    "DROP TABLE thinking;";

/* Files that wait in the entry of a chat; chat: null for one that is not stored yet. */
static const char version_7[] =
    "CREATE TABLE draft_file ("
    "  id INTEGER PRIMARY KEY, chat INTEGER REFERENCES chat ON DELETE CASCADE, name TEXT,"
    "  text TEXT NOT NULL, attachment TEXT REFERENCES attachment) STRICT;"
    "CREATE INDEX draft_file_chat ON draft_file (chat);"
    "CREATE INDEX draft_file_attachment ON draft_file (attachment) WHERE attachment IS NOT NULL;";

const char *const parley_schema_steps[] = { version_1, version_2, version_3, version_4,
                                            version_5, version_6, version_7 };
const guint parley_schema_n_steps = G_N_ELEMENTS (parley_schema_steps);

gboolean
parley_schema_look (sqlite3 *db, guint n_steps, ParleySchemaAge *age, gint64 *version,
                    GError **error)
{
  gint64 application, n_tables;
  if (!parley_sql_number (db, 0, version, error, "PRAGMA user_version", "") ||
      !parley_sql_number (db, 0, &application, error, "PRAGMA application_id", "") ||
      !parley_sql_number (db, 0, &n_tables, error, "SELECT count (*) FROM sqlite_schema", ""))
    return FALSE;
  gboolean empty = *version == 0 && n_tables == 0;
  if (!empty && application != PARLEY_SCHEMA_APPLICATION_ID) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_DAMAGED,
                 _ ("“%s” is a database of another program. It was left as it is."),
                 sqlite3_db_filename (db, "main"));
    return FALSE;
  }
  *age = *version > n_steps            ? PARLEY_SCHEMA_NEWER
         : *version < (gint64) n_steps ? PARLEY_SCHEMA_OLDER
                                       : PARLEY_SCHEMA_CURRENT;
  return TRUE;
}

gboolean
parley_schema_update (sqlite3 *db, const char *const *steps, guint n_steps, GError **error)
{
  gint64 version;
  if (!parley_sql_number (db, 0, &version, error, "PRAGMA user_version", ""))
    return FALSE;
  for (gint64 i = MAX (version, 0); i < n_steps; i++) {
    g_autofree char *marks =
        g_strdup_printf ("PRAGMA application_id = %d; PRAGMA user_version = %" G_GINT64_FORMAT ";",
                         PARLEY_SCHEMA_APPLICATION_ID, i + 1);
    if (!parley_sql_script (db, steps[i], error) || !parley_sql_script (db, marks, error))
      return FALSE;
  }
  return TRUE;
}
