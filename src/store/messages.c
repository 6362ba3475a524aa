/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/attachments.h"
#include "store/chats.h"
#include "store/parley-chat-records.h"
#include "store/parley-store-private.h"
#include "store/replies.h"

/* What goes in together: in one transaction all of it, or nothing. */
typedef struct {
  gint64 writer;
  ParleyChatRecord *chat; /* NULL: it is there */
  GPtrArray *attachments; /* of ParleyAttachmentRecord, or NULL */
  GPtrArray *messages;    /* of ParleyMessageRecord, parents first */
} Addition;

static void
addition_free (gpointer data)
{
  Addition *add = data;
  parley_chat_record_free (add->chat);
  g_clear_pointer (&add->attachments, g_ptr_array_unref);
  g_ptr_array_unref (add->messages);
  g_free (add);
}

static gboolean
put_generation (sqlite3 *db, const ParleyGenerationRecord *g, gint64 message, GError **error)
{
  return parley_sql_run (db, error,
                         "INSERT OR REPLACE INTO generation (message, model, model_sha256,"
                         " settings, seed, prompt_tokens, cached_tokens, reply_tokens,"
                         " prompt_seconds, reply_seconds, first_token_seconds, stop, problem,"
                         " token_ids, rows_evaluated, weight_bytes_read, reasoning_seconds)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                         "isssiiiidddssbiid", message, g->model, g->model_sha256, g->settings,
                         (gint64) g->seed, (gint64) g->prompt_tokens, (gint64) g->cached_tokens,
                         (gint64) g->reply_tokens, g->prompt_seconds, g->reply_seconds,
                         g->first_token_seconds, g->stop, g->problem, g->token_ids,
                         (gint64) g->rows_evaluated, (gint64) g->weight_bytes_read,
                         g->reasoning_seconds);
}

static gboolean
add_message (sqlite3 *db, const ParleyMessageRecord *m, gint64 writer, GError **error)
{
  gboolean answering = m->state == PARLEY_MESSAGE_ANSWERING;
  if (!parley_sql_run (db, error,
                       "INSERT INTO message (id, chat, parent, role, chosen_child, state, writer,"
                       " created_at, deleted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       "iizszizii", m->id, m->chat, m->parent, parley_role_to_string (m->role),
                       m->chosen_child, (gint64) m->state, answering ? writer : (gint64) 0,
                       m->created_at, m->deleted_at))
    return FALSE;
  for (guint i = 0; i < m->parts->len; i++) {
    const ParleyPartRecord *part = m->parts->pdata[i];
    /* A file that waited long in a draft may be gone; what was read out of it is not. */
    if (!parley_sql_run (db, error,
                         "INSERT INTO part (message, n, kind, name, text, attachment)"
                         " VALUES (?, ?, ?, ?, ?,"
                         " (SELECT sha256 FROM attachment WHERE sha256 = ?))",
                         "iissss", m->id, (gint64) i, parley_part_kind_to_string (part->kind),
                         part->name, part->text, part->attachment))
      return FALSE;
  }
  return (!m->generation || put_generation (db, m->generation, m->id, error)) &&
         (answering || parley_replies_index (db, m->id, error));
}

static gboolean
make_addition (sqlite3 *db, gpointer data, GError **error)
{
  const Addition *add = data;
  if (add->chat && !parley_chats_put (db, add->chat, error))
    return FALSE;
  for (guint i = 0; add->attachments && i < add->attachments->len; i++)
    if (!parley_attachments_put (db, add->attachments->pdata[i], error))
      return FALSE;
  for (guint i = 0; i < add->messages->len; i++)
    if (!add_message (db, add->messages->pdata[i], add->writer, error))
      return FALSE;
  return TRUE;
}

static gpointer
copy_message (gconstpointer message, gpointer data)
{
  return parley_message_record_copy (message);
}

static void
queue_addition (ParleyStore *store, const ParleyChatRecord *chat, GPtrArray *messages)
{
  Addition *add = g_new (Addition, 1);
  *add = (Addition){ .writer = parley_store_get_number (store),
                     .chat = chat ? parley_chat_record_copy (chat) : NULL,
                     .messages = messages };
  parley_store_queue (store, PARLEY_STORE_CHATS, PARLEY_STORE_DURABLE, make_addition, add,
                      addition_free);
}

void
parley_store_add_message (ParleyStore *store, const ParleyMessageRecord *message)
{
  GPtrArray *messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_message_record_free);
  g_ptr_array_add (messages, parley_message_record_copy (message));
  queue_addition (store, NULL, messages);
}

void
parley_store_add_chat (ParleyStore *store, const ParleyChatRecord *chat, GPtrArray *messages)
{
  GPtrArray *copies = g_ptr_array_copy (messages, (GCopyFunc) copy_message, NULL);
  g_ptr_array_set_free_func (copies, (GDestroyNotify) parley_message_record_free);
  queue_addition (store, chat, copies);
}

gboolean
parley_store_import_chat (ParleyStore *store, const ParleyChatRecord *chat, GPtrArray *messages,
                          GPtrArray *attachments, GError **error)
{
  Addition add = { .writer = parley_store_get_number (store),
                   .chat = (ParleyChatRecord *) chat,
                   .messages = messages,
                   .attachments = attachments };
  return parley_store_run (store, PARLEY_STORE_CHATS, make_addition, &add, error);
}

typedef struct {
  gint64 message;
  guint n;
  const char *kind;
  char *name, *text;
} Chunk;

static void
chunk_free (gpointer data)
{
  Chunk *chunk = data;
  g_free (chunk->name);
  g_free (chunk->text);
  g_free (chunk);
}

static gboolean
append_chunk (sqlite3 *db, gpointer data, GError **error)
{
  const Chunk *chunk = data;
  return parley_sql_run (db, error,
                         "INSERT INTO reply_chunk (message, n, kind, name, text)"
                         " VALUES (?, ?, ?, ?, ?)",
                         "iisss", chunk->message, (gint64) chunk->n, chunk->kind, chunk->name,
                         chunk->text);
}

void
parley_store_append_reply (ParleyStore *store, gint64 message, guint n, ParleyPartKind kind,
                           const char *name, const char *text, gssize n_bytes)
{
  Chunk *chunk = g_new (Chunk, 1);
  *chunk = (Chunk){ .message = message,
                    .n = n,
                    .kind = parley_part_kind_to_string (kind),
                    .name = g_strdup (name),
                    .text = n_bytes < 0 ? g_strdup (text) : g_strndup (text, (gsize) n_bytes) };
  /* No area: a token is nothing that lists of chats have to be read again for. */
  parley_store_queue (store, 0, PARLEY_STORE_SOON, append_chunk, chunk, chunk_free);
}

typedef struct {
  gint64 message;
  ParleyMessageState state;
  ParleyGenerationRecord *generation;
} Finish;

static void
finish_free (gpointer data)
{
  Finish *finish = data;
  parley_generation_record_free (finish->generation);
  g_free (finish);
}

static gboolean
finish_reply (sqlite3 *db, gpointer data, GError **error)
{
  const Finish *finish = data;
  return parley_replies_fold (db, finish->message, finish->state, error) &&
         (!finish->generation || put_generation (db, finish->generation, finish->message, error));
}

void
parley_store_finish_reply (ParleyStore *store, gint64 message, ParleyMessageState state,
                           const ParleyGenerationRecord *generation)
{
  Finish *finish = g_new (Finish, 1);
  *finish =
      (Finish){ .message = message,
                .state = state,
                .generation = generation ? parley_generation_record_copy (generation) : NULL };
  parley_store_queue (store, PARLEY_STORE_CHATS, PARLEY_STORE_DURABLE, finish_reply, finish,
                      finish_free);
}

/* A small change of one message. */
typedef struct {
  const char *sql; /* of a value and the message */
  gint64 value, message;
} Change;

static gboolean
make_change (sqlite3 *db, gpointer data, GError **error)
{
  const Change *change = data;
  return parley_sql_run (db, error, change->sql, "ii", change->value, change->message);
}

static void
queue_change (ParleyStore *store, const char *sql, gint64 value, gint64 message)
{
  Change change = { .sql = sql, .value = value, .message = message };
  parley_store_queue (store, PARLEY_STORE_CHATS, PARLEY_STORE_DURABLE, make_change,
                      g_memdup2 (&change, sizeof change), g_free);
}

G_STATIC_ASSERT (PARLEY_MESSAGE_ANSWERING == 1);

void
parley_store_resume_reply (ParleyStore *store, gint64 message)
{
  queue_change (store, "UPDATE message SET state = 1, writer = ? WHERE id = ?",
                parley_store_get_number (store), message);
}

void
parley_store_choose_child (ParleyStore *store, gint64 parent, gint64 child)
{
  if (parent != 0)
    queue_change (store, "UPDATE message SET chosen_child = nullif (?, 0) WHERE id = ?", child,
                  parent);
}

void
parley_store_set_message_deleted (ParleyStore *store, gint64 message, gint64 when)
{
  queue_change (store, "UPDATE message SET deleted_at = ? WHERE id = ?", when, message);
}

/* Reading */

typedef struct {
  gint64 chat;
  GPtrArray *messages; /* in the order of making */
  GHashTable *by_id;   /* gint64 * in the record -> record */
} Load;

static gboolean
load_rows (sqlite3 *db, Load *load, GError **error)
{
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (
      db, error,
      "SELECT id, parent, role, chosen_child, state, created_at, deleted_at FROM message"
      " WHERE chat = ? ORDER BY created_at, id",
      "i", load->chat);
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure)) {
    g_autoptr (ParleyMessageRecord) m = parley_message_record_new ();
    g_autofree char *role = parley_sql_dup_text (rows, 2);
    m->id = sqlite3_column_int64 (rows, 0);
    m->chat = load->chat;
    m->parent = sqlite3_column_int64 (rows, 1);
    m->chosen_child = sqlite3_column_int64 (rows, 3);
    m->state = (ParleyMessageState) CLAMP (sqlite3_column_int (rows, 4), PARLEY_MESSAGE_COMPLETE,
                                           PARLEY_MESSAGE_FAILED);
    m->created_at = sqlite3_column_int64 (rows, 5);
    m->deleted_at = sqlite3_column_int64 (rows, 6);
    if (!parley_role_from_string (role, &m->role))
      continue;
    g_hash_table_insert (load->by_id, &m->id, m);
    g_ptr_array_add (load->messages, g_steal_pointer (&m));
  }
  return parley_sql_end (&failure, error);
}

/* Appends a stretch to part `n`, which it begins where there is none of that number yet. */
static void
add_stretch (ParleyMessageRecord *message, gint64 n, sqlite3_stmt *row)
{
  g_autofree char *kind_name = parley_sql_dup_text (row, 2);
  g_autofree char *text = parley_sql_dup_text (row, 4);
  ParleyPartKind kind;
  if (!text || !parley_part_kind_from_string (kind_name, &kind))
    return;
  if (n >= 0 && n < message->parts->len) {
    ParleyPartRecord *part = message->parts->pdata[n];
    g_autofree char *longer = g_strconcat (part->text, text, NULL);
    g_ref_string_release (part->text);
    part->text = g_ref_string_new (longer);
    return;
  }
  ParleyPartRecord *part = parley_part_record_new (kind, text);
  part->name = parley_sql_dup_text (row, 3);
  part->attachment = parley_sql_dup_text (row, 5);
  g_ptr_array_add (message->parts, part);
}

static gboolean
load_parts (sqlite3 *db, Load *load, const char *sql, GError **error)
{
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (db, error, sql, "i", load->chat);
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure)) {
    gint64 id = sqlite3_column_int64 (rows, 0);
    ParleyMessageRecord *message = g_hash_table_lookup (load->by_id, &id);
    if (message)
      add_stretch (message, sqlite3_column_int64 (rows, 1), rows);
  }
  return parley_sql_end (&failure, error);
}

static gboolean
load_generations (sqlite3 *db, Load *load, GError **error)
{
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (
      db, error,
      "SELECT g.message, g.model, g.model_sha256, g.settings, g.seed, g.prompt_tokens,"
      " g.cached_tokens, g.reply_tokens, g.prompt_seconds, g.reply_seconds, g.first_token_seconds,"
      " g.stop, g.problem, g.token_ids, g.rows_evaluated, g.weight_bytes_read,"
      " g.reasoning_seconds FROM generation g JOIN message m ON m.id = g.message"
      " WHERE m.chat = ?",
      "i", load->chat);
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure)) {
    gint64 id = sqlite3_column_int64 (rows, 0);
    ParleyMessageRecord *message = g_hash_table_lookup (load->by_id, &id);
    if (!message)
      continue;
    ParleyGenerationRecord *g = message->generation = parley_generation_record_new (id);
    g->model = parley_sql_dup_text (rows, 1);
    g->model_sha256 = parley_sql_dup_text (rows, 2);
    g->settings = parley_sql_dup_text (rows, 3);
    g->seed = (guint64) sqlite3_column_int64 (rows, 4);
    g->prompt_tokens = (guint) sqlite3_column_int64 (rows, 5);
    g->cached_tokens = (guint) sqlite3_column_int64 (rows, 6);
    g->reply_tokens = (guint) sqlite3_column_int64 (rows, 7);
    g->prompt_seconds = sqlite3_column_double (rows, 8);
    g->reply_seconds = sqlite3_column_double (rows, 9);
    g->first_token_seconds = sqlite3_column_double (rows, 10);
    g->stop = parley_sql_dup_text (rows, 11);
    g->problem = parley_sql_dup_text (rows, 12);
    g->token_ids = parley_sql_dup_bytes (rows, 13);
    g->rows_evaluated = (guint64) sqlite3_column_int64 (rows, 14);
    g->weight_bytes_read = (guint64) sqlite3_column_int64 (rows, 15);
    g->reasoning_seconds = sqlite3_column_double (rows, 16);
  }
  return parley_sql_end (&failure, error);
}

static gboolean
load_messages (sqlite3 *db, gpointer data, GError **error)
{
  Load *load = data;
  return load_rows (db, load, error) &&
         load_parts (db, load,
                     "SELECT p.message, p.n, p.kind, p.name, p.text, p.attachment FROM part p"
                     " JOIN message m ON m.id = p.message WHERE m.chat = ?"
                     " ORDER BY p.message, p.n",
                     error) &&
         load_parts (db, load,
                     "SELECT c.message, c.n, c.kind, c.name, c.text, NULL FROM reply_chunk c"
                     " JOIN message m ON m.id = c.message WHERE m.chat = ?"
                     " ORDER BY c.message, c.n, c.id",
                     error) &&
         load_generations (db, load, error);
}

/* Parents before children. What hangs on nothing (a damaged tree) counts as a first message, and
 * what hangs on itself is left out. */
static GPtrArray *
order_by_tree (Load *load)
{
  GPtrArray *ordered = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_message_record_free);
  g_autoptr (GHashTable) children =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify) g_ptr_array_unref);
  for (guint i = 0; i < load->messages->len; i++) {
    ParleyMessageRecord *m = load->messages->pdata[i];
    if (!g_hash_table_contains (load->by_id, &m->parent)) {
      m->parent = 0;
      g_ptr_array_add (ordered, m);
      continue;
    }
    GPtrArray *siblings = g_hash_table_lookup (children, &m->parent);
    if (!siblings) {
      siblings = g_ptr_array_new ();
      g_hash_table_insert (children, &m->parent, siblings);
    }
    g_ptr_array_add (siblings, m);
  }
  for (guint i = 0; i < ordered->len; i++) {
    const ParleyMessageRecord *m = ordered->pdata[i];
    GPtrArray *siblings = g_hash_table_lookup (children, &m->id);
    for (guint k = 0; siblings && k < siblings->len; k++)
      g_ptr_array_add (ordered, siblings->pdata[k]);
  }
  g_autoptr (GHashTable) reached = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < ordered->len; i++)
    g_hash_table_add (reached, ordered->pdata[i]);
  for (guint i = 0; i < load->messages->len; i++)
    if (!g_hash_table_contains (reached, load->messages->pdata[i]))
      parley_message_record_free (load->messages->pdata[i]);
  return ordered;
}

GPtrArray *
parley_store_load_messages (ParleyStore *store, gint64 chat, GError **error)
{
  Load load = { .chat = chat,
                .messages = g_ptr_array_new (),
                .by_id = g_hash_table_new (g_int64_hash, g_int64_equal) };
  GPtrArray *ordered = NULL;
  if (parley_store_read (store, load_messages, &load, error))
    ordered = order_by_tree (&load);
  else
    g_ptr_array_set_free_func (load.messages, (GDestroyNotify) parley_message_record_free);
  g_ptr_array_unref (load.messages);
  g_hash_table_unref (load.by_id);
  return ordered;
}
