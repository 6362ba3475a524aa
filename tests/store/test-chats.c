/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chats, their trees, attachments, search, and deleting for good.
 */
#include "common.h"

#include "store/sql.h"

static sqlite3 *
raw_open (void)
{
  g_autofree char *path = g_build_filename (test_folder, "parley.db", NULL);
  sqlite3 *db;
  CHECK (sqlite3_open (path, &db) == SQLITE_OK);
  return db;
}

static gint64
count (const char *sql)
{
  g_autoptr (sqlite3) db = raw_open ();
  gint64 n;
  CHECK (parley_sql_number (db, -1, &n, NULL, sql, ""));
  return n;
}

static void
chats_are_listed_and_changed (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 old = put_chat (store, "Old"), fresh = put_chat (store, "New");
  must_flush (store);
  g_autoptr (ParleyChatRecord) chat = parley_store_get_chat (store, old, NULL);
  CHECK (chat);
  chat->pinned = TRUE;
  chat->title_given = TRUE;
  chat->folder = g_strdup ("Work/Letters");
  chat->system_prompt = g_strdup ("Be kind.");
  chat->settings = g_strdup ("{\"top_k\":1}");
  chat->model = g_strdup ("org/repo/File");
  chat->draft = g_strdup ("Dear");
  chat->leaf = 5;
  chat->memory_start = 3;
  parley_store_put_chat (store, chat);
  must_flush (store);
  g_autoptr (GPtrArray) chats = parley_store_list_chats (store, NULL);
  CHECK (chats && chats->len == 2);
  const ParleyChatRecord *first = chats->pdata[0], *second = chats->pdata[1];
  CHECK (first->id == old && second->id == fresh);
  CHECK (first->pinned && first->title_given && first->leaf == 5 && first->memory_start == 3);
  CHECK_STR (first->folder, "Work/Letters");
  CHECK_STR (first->system_prompt, "Be kind.");
  CHECK_STR (first->settings, "{\"top_k\":1}");
  CHECK_STR (first->model, "org/repo/File");
  CHECK_STR (first->draft, "Dear");
  CHECK (!second->folder && !second->draft && second->leaf == 0);

  chat->deleted_at = g_get_real_time ();
  parley_store_put_chat (store, chat);
  must_flush (store);
  g_autoptr (GPtrArray) rest = parley_store_list_chats (store, NULL);
  CHECK (rest && rest->len == 1);
  g_autoptr (GError) error = NULL;
  CHECK (!parley_store_get_chat (store, 12345, &error));
  CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND));
  must_close (store);
}

static void
trees_come_parents_first (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "Tree");
  gint64 a = add_message (store, chat, 0, PARLEY_ROLE_USER, "a");
  gint64 b = add_message (store, chat, a, PARLEY_ROLE_ASSISTANT, "b");
  gint64 c = add_message (store, chat, a, PARLEY_ROLE_ASSISTANT, "c");
  gint64 d = add_message (store, chat, b, PARLEY_ROLE_USER, "d");
  parley_store_choose_child (store, a, b);
  parley_store_set_message_deleted (store, d, 77);
  must_flush (store);
  g_autoptr (GPtrArray) messages = must_load (store, chat);
  CHECK (messages->len == 4);
  const ParleyMessageRecord *const *m = (gpointer) messages->pdata;
  CHECK (m[0]->id == a && m[1]->id == b && m[2]->id == c && m[3]->id == d);
  CHECK (m[0]->chosen_child == b && m[0]->parent == 0 && m[3]->parent == b);
  CHECK (m[3]->deleted_at == 77);
  CHECK (m[1]->role == PARLEY_ROLE_ASSISTANT);
  must_close (store);
}

/* A tree that was tampered with: a ring, an unknown role, an unknown kind. */
static void
damaged_trees_are_read_as_far_as_they_go (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "Tree");
  gint64 a = add_message (store, chat, 0, PARLEY_ROLE_USER, "a");
  gint64 b = add_message (store, chat, a, PARLEY_ROLE_ASSISTANT, "b");
  gint64 c = add_message (store, chat, b, PARLEY_ROLE_USER, "c");
  gint64 d = add_message (store, chat, 0, PARLEY_ROLE_USER, "d");
  must_close (store);
  {
    g_autoptr (sqlite3) db = raw_open ();
    CHECK (parley_sql_run (db, NULL, "UPDATE message SET parent = ? WHERE id = ?", "ii", c, b));
    CHECK (parley_sql_run (db, NULL, "UPDATE message SET role = 'king' WHERE id = ?", "i", a));
    CHECK (parley_sql_run (db, NULL, "UPDATE message SET state = 99 WHERE id = ?", "i", d));
    CHECK (parley_sql_run (
        db, NULL, "INSERT INTO part (message, n, kind, text) VALUES (?, 9, 'odd', 'x')", "i", d));
  }
  store = must_open (test_folder);
  g_autoptr (GPtrArray) messages = must_load (store, chat);
  CHECK (messages->len == 1);
  CHECK_STR (part_text (messages, 0, 0), "d");
  CHECK (((ParleyMessageRecord *) messages->pdata[0])->parts->len == 1);
  must_close (store);
}

/* A message of a chat that is not there cannot be saved, and stops nothing else. */
static void
impossible_writes_do_not_block_others (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "Fine");
  add_message (store, 999, 0, PARLEY_ROLE_USER, "lost");
  add_message (store, chat, 0, PARLEY_ROLE_USER, "kept");
  must_flush (store);
  CHECK (!parley_store_dup_problem (store));
  g_autoptr (GPtrArray) messages = must_load (store, chat);
  CHECK (messages->len == 1);
  must_close (store);
}

static void
attachments_are_kept_once (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  g_autoptr (GBytes) bytes = g_bytes_new_static ("\0\1\2", 3);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autofree char *first = parley_store_add_attachment (store, "image/png", bytes, NULL);
  g_autofree char *again = parley_store_add_attachment (store, "image/png", bytes, NULL);
  g_autofree char *nothing = parley_store_add_attachment (store, "text/plain", empty, NULL);
  CHECK_STR (first, "ae4b3280e56e2faf83f414a6e3dabe9d5fbe18976544c05fed121accb85b53fc");
  CHECK_STR (again, first);
  must_flush (store);
  g_autofree char *type = NULL;
  g_autoptr (GBytes) read = parley_store_get_attachment (store, first, &type, NULL);
  CHECK (read && g_bytes_equal (read, bytes));
  CHECK_STR (type, "image/png");
  g_autoptr (GBytes) none = parley_store_get_attachment (store, nothing, NULL, NULL);
  CHECK (none && g_bytes_get_size (none) == 0);
  CHECK (count ("SELECT count (*) FROM attachment") == 2);
  g_autoptr (GError) error = NULL;
  CHECK (!parley_store_get_attachment (store, "ff", NULL, &error));
  CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND));
  must_close (store);
}

static gint64
add_draft_file (ParleyStore *store, gint64 chat, const char *name, const char *attachment)
{
  g_autoptr (ParleyPartRecord) part = parley_part_record_new (PARLEY_PART_ATTACHMENT, "read");
  part->name = g_strdup (name);
  part->attachment = g_strdup (attachment);
  g_autoptr (ParleyDraftFile) file = parley_draft_file_new (parley_store_new_id (store), part);
  parley_store_add_draft_file (store, chat, file);
  return file->id;
}

static GPtrArray *
must_list_drafts (ParleyStore *store, gint64 chat)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *files = parley_store_list_draft_files (store, chat, &error);
  CHECK_MSG (files, "%s", error->message);
  return files;
}

/* What they hold on to is kept as long, and goes with the chat, or with everything. */
static void
files_of_drafts_wait (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "Waits"), other = put_chat (store, "Goes");
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_autofree char *sha256 = parley_store_add_attachment (store, "text/plain", bytes, NULL);
  gint64 first = add_draft_file (store, chat, "a.txt", sha256);
  gint64 second = add_draft_file (store, chat, NULL, NULL);
  add_draft_file (store, other, "b.txt", NULL);
  gint64 begun = add_draft_file (store, 0, "c.txt", NULL);
  must_close (store);
  {
    g_autoptr (sqlite3) db = raw_open ();
    CHECK (parley_sql_run (db, NULL, "UPDATE attachment SET added_at = 1", ""));
  }
  store = must_open (test_folder);
  CHECK (count ("SELECT count (*) FROM attachment") == 1);
  g_autoptr (GPtrArray) files = must_list_drafts (store, chat);
  const ParleyDraftFile *a = files->pdata[0], *b = files->pdata[1];
  CHECK (files->len == 2 && a->id == first && b->id == second);
  CHECK (a->part->kind == PARLEY_PART_ATTACHMENT && !b->part->name && !b->part->attachment);
  CHECK_STR (a->part->name, "a.txt");
  CHECK_STR (a->part->text, "read");
  CHECK_STR (a->part->attachment, sha256);
  g_autoptr (GPtrArray) of_new = must_list_drafts (store, 0);
  CHECK (of_new->len == 1 && ((ParleyDraftFile *) of_new->pdata[0])->id == begun);

  parley_store_remove_draft_file (store, second);
  parley_store_purge_chat (store, other);
  must_close (store);
  CHECK (count ("SELECT count (*) FROM draft_file") == 2);
  store = must_open (test_folder);
  CHECK (parley_store_erase (store, NULL));
  must_close (store);
  CHECK (count ("SELECT count (*) FROM draft_file") == 0);
  CHECK (count ("SELECT count (*) FROM attachment") == 0);
}

static GPtrArray *
find (ParleyStore *store, const char *query)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *hits = parley_store_search (store, query, 10, &error);
  CHECK_MSG (hits, "%s: %s", query, error->message);
  return hits;
}

static void
search_finds_words_and_beginnings (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "Über Bäume");
  gint64 message =
      add_message (store, chat, 0, PARLEY_ROLE_USER, "Der\nhöchste Baum ist\tein Mammutbaum.");
  gint64 other = put_chat (store, "Other");
  add_message (store, other, 0, PARLEY_ROLE_USER, "Nothing of the kind");
  must_flush (store);

  g_autoptr (GPtrArray) hits = find (store, "  HOCHSTE, mammut ");
  CHECK (hits->len == 1);
  const ParleySearchHit *hit = hits->pdata[0];
  CHECK (hit->chat == chat && hit->message == message);
  CHECK_STR (hit->title, "Über Bäume");
  CHECK_STR (hit->snippet, "Der höchste Baum ist ein Mammutbaum.");
  CHECK (hit->matches->len == 2);
  ParleySearchMatch match = g_array_index (hit->matches, ParleySearchMatch, 0);
  CHECK (match.end - match.start == strlen ("höchste"));
  CHECK (strncmp (hit->snippet + match.start, "höchste", match.end - match.start) == 0);

  g_autoptr (GPtrArray) title = find (store, "baume");
  CHECK (title->len == 1);
  CHECK (((ParleySearchHit *) title->pdata[0])->message == 0);
  g_autoptr (GPtrArray) both = find (store, "ba");
  CHECK (both->len == 2);
  CHECK (((ParleySearchHit *) both->pdata[0])->message == 0);
  static const char *const none[] = { "", "   ", "…!?", "hochste absent", "ochste" };
  for (gsize i = 0; i < G_N_ELEMENTS (none); i++) {
    g_autoptr (GPtrArray) nothing = find (store, none[i]);
    CHECK_MSG (nothing->len == 0, "%s", none[i]);
  }
  /* Whatever a person types is words, never syntax. */
  static const char *const odd[] = { "\"",         "baum\" OR \"x", "text:baum",    "baum*",
                                     "(baum",      "NOT baum",      "baum AND",     "^baum",
                                     "NEAR(baum)", "\xff\xfe\x01",  "a' OR 1=1 --", "-baum",
                                     "{baum}" };
  for (gsize i = 0; i < G_N_ELEMENTS (odd); i++) {
    g_autoptr (GPtrArray) any = find (store, odd[i]);
    CHECK (any);
  }
  g_autofree char *endless = g_strnfill (1 << 20, 'a');
  g_autoptr (GPtrArray) huge = find (store, endless);
  CHECK (huge->len == 0);

  /* A new title replaces the old one; a deleted message is not found. */
  g_autoptr (ParleyChatRecord) record = parley_store_get_chat (store, chat, NULL);
  g_free (record->title);
  record->title = g_strdup ("Forest");
  parley_store_put_chat (store, record);
  parley_store_set_message_deleted (store, message, 1);
  must_flush (store);
  g_autoptr (GPtrArray) gone = find (store, "ba");
  CHECK (gone->len == 0);
  g_autoptr (GPtrArray) renamed = find (store, "forest");
  CHECK (renamed->len == 1);
  must_close (store);
}

static void
purged_chats_leave_no_trace (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "Xylophone secrets");
  gint64 first = add_message (store, chat, 0, PARLEY_ROLE_USER, "xylophone one");
  gint64 reply = add_message (store, chat, first, PARLEY_ROLE_ASSISTANT, NULL);
  parley_store_append_reply (store, reply, 0, PARLEY_PART_TEXT, NULL, "xylophone two", -1);
  gint64 kept = put_chat (store, "Kept");
  add_message (store, kept, 0, PARLEY_ROLE_USER, "kept");
  parley_store_purge_chat (store, chat);
  must_flush (store);
  g_autoptr (GPtrArray) hits = find (store, "xylophone");
  CHECK (hits->len == 0);
  must_close (store);
  CHECK (count ("SELECT count (*) FROM message") == 1);
  CHECK (count ("SELECT count (*) FROM part") == 1);
  CHECK (count ("SELECT count (*) FROM reply_chunk") == 0);
  CHECK (count ("SELECT count (*) FROM search") == 2);
}

/* Of `n` messages, each of which answers the one before. */
static void
put_long_chat (ParleyStore *store, guint n, gint64 deleted_at)
{
  g_autoptr (ParleyChatRecord) chat = parley_chat_record_new ();
  g_autoptr (GPtrArray) messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_message_record_free);
  chat->id = parley_store_new_id (store);
  chat->deleted_at = deleted_at;
  for (guint i = 0; i < n; i++) {
    ParleyMessageRecord *message = parley_message_record_new ();
    message->id = parley_store_new_id (store);
    message->chat = chat->id;
    message->parent = i > 0 ? ((ParleyMessageRecord *) messages->pdata[i - 1])->id : 0;
    message->role = PARLEY_ROLE_USER;
    g_ptr_array_add (message->parts, parley_part_record_new (PARLEY_PART_TEXT, "on and on"));
    g_ptr_array_add (messages, message);
  }
  parley_store_add_chat (store, chat, messages);
}

/* SQLite does no more than a thousand steps inside one another. */
static void
long_chats_are_purged_and_erased (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  put_long_chat (store, 3000, 1); /* deleted long ago: it goes when the store is opened again */
  put_long_chat (store, 3000, 0);
  must_close (store);
  CHECK (count ("SELECT count (*) FROM message") == 6000);
  store = must_open (test_folder);
  g_autoptr (GPtrArray) chats = parley_store_list_chats (store, NULL);
  CHECK (chats->len == 1);
  CHECK (count ("SELECT count (*) FROM message") == 3000);
  parley_store_purge_chat (store, ((ParleyChatRecord *) chats->pdata[0])->id);
  must_flush (store);
  CHECK (count ("SELECT count (*) FROM message") == 0);

  put_long_chat (store, 3000, 0);
  g_autoptr (GError) error = NULL;
  CHECK_MSG (parley_store_erase (store, &error), "%s", error->message);
  must_close (store);
  CHECK (count ("SELECT count (*) FROM message") == 0);
  CHECK (count ("SELECT count (*) FROM part") == 0);
  CHECK (count ("SELECT count (*) FROM search") == 0);
}

/* What waited in a draft while another program tidied up is sent all the same. */
static void
missing_files_cost_no_message (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "Draft");
  g_autoptr (ParleyMessageRecord) message = parley_message_record_new ();
  message->id = parley_store_new_id (store);
  message->chat = chat;
  message->role = PARLEY_ROLE_USER;
  ParleyPartRecord *part = parley_part_record_new (PARLEY_PART_ATTACHMENT, "what was read of it");
  part->attachment = g_strnfill (64, 'a');
  g_ptr_array_add (message->parts, part);
  parley_store_add_message (store, message);
  must_flush (store);
  g_autoptr (GPtrArray) messages = must_load (store, chat);
  CHECK (messages->len == 1);
  CHECK_STR (part_text (messages, 0, 0), "what was read of it");
  must_close (store);
}

/* All of an imported chat is there, or nothing. */
static void
imports_are_whole (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  g_autoptr (ParleyChatRecord) chat = parley_chat_record_new ();
  g_autoptr (GPtrArray) messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_message_record_free);
  g_autoptr (GPtrArray) files =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_attachment_record_free);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("int main;", 9);
  g_autoptr (GError) error = NULL;
  chat->id = parley_store_new_id (store);
  g_ptr_array_add (files, parley_attachment_record_new ("text/plain", bytes, NULL));
  for (guint i = 0; i < 3; i++) {
    ParleyMessageRecord *message = parley_message_record_new ();
    message->id = parley_store_new_id (store);
    message->chat = chat->id;
    message->role = PARLEY_ROLE_USER;
    message->parent = i == 2 ? 4711 : 0; /* which is not there */
    g_ptr_array_add (message->parts, parley_part_record_new (PARLEY_PART_TEXT, "xylophone"));
    g_ptr_array_add (messages, message);
  }
  CHECK (!parley_store_import_chat (store, chat, messages, files, &error));
  CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID));
  CHECK (count ("SELECT (SELECT count (*) FROM chat) + (SELECT count (*) FROM message) +"
                " (SELECT count (*) FROM attachment) + (SELECT count (*) FROM search)") == 0);
  ((ParleyMessageRecord *) messages->pdata[2])->parent = 0;
  g_clear_error (&error);
  CHECK_MSG (parley_store_import_chat (store, chat, messages, files, &error), "%s", error->message);
  CHECK (count ("SELECT count (*) FROM message") == 3);
  CHECK (count ("SELECT count (*) FROM attachment") == 1);
  must_close (store);
}

/* Deleted chats go for good after an hour, with attachments that nothing uses. */
static void
old_deletions_are_carried_out_at_the_next_open (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 now = g_get_real_time ();
  gint64 ages[] = { now - 2 * G_TIME_SPAN_HOUR, now };
  for (int i = 0; i < 2; i++) {
    gint64 chat = put_chat (store, "Deleted");
    add_message (store, chat, 0, PARLEY_ROLE_USER, "text");
    must_flush (store);
    g_autoptr (ParleyChatRecord) record = parley_store_get_chat (store, chat, NULL);
    record->deleted_at = ages[i];
    parley_store_put_chat (store, record);
  }
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_autofree char *unused = parley_store_add_attachment (store, "text/plain", bytes, NULL);
  must_close (store);
  must_close (must_open (test_folder));
  CHECK (count ("SELECT count (*) FROM chat") == 1);
  CHECK (count ("SELECT count (*) FROM message") == 1);
  CHECK (count ("SELECT count (*) FROM attachment") == 1);
  {
    g_autoptr (sqlite3) db = raw_open ();
    CHECK (parley_sql_run (db, NULL, "UPDATE attachment SET added_at = 1", ""));
  }
  must_close (must_open (test_folder));
  CHECK (count ("SELECT count (*) FROM attachment") == 0);
}

int
main (void)
{
  RUN (chats_are_listed_and_changed);
  RUN (trees_come_parents_first);
  RUN (damaged_trees_are_read_as_far_as_they_go);
  RUN (impossible_writes_do_not_block_others);
  RUN (attachments_are_kept_once);
  RUN (missing_files_cost_no_message);
  RUN (imports_are_whole);
  RUN (files_of_drafts_wait);
  RUN (search_finds_words_and_beginnings);
  RUN (purged_chats_leave_no_trace);
  RUN (long_chats_are_purged_and_erased);
  RUN (old_deletions_are_carried_out_at_the_next_open);
  remove_tree (test_folder);
  return test_done ();
}
