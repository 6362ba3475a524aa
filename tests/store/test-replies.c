/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Replies that are being written: the journal, what becomes of it when its process is killed at
 * any moment, and two processes at once. With --long many more kills.
 *
 * The processes that are killed are this program again: `test-replies --child FOLDER KIND`.
 */
#include "common.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/sql.h"

static int n_kills = 40;

static void
part_of (GPtrArray *messages, guint message, guint part, ParleyPartKind kind, const char *text)
{
  const ParleyMessageRecord *m = messages->pdata[message];
  CHECK_STR (part_text (messages, message, part), text);
  CHECK (((ParleyPartRecord *) m->parts->pdata[part])->kind == kind);
}

static ParleyMessageState
state_of (GPtrArray *messages, guint message)
{
  CHECK (message < messages->len);
  return ((ParleyMessageRecord *) messages->pdata[message])->state;
}

static gint64
count (const char *folder, const char *sql)
{
  g_autofree char *path = g_build_filename (folder, "parley.db", NULL);
  g_autoptr (sqlite3) db = parley_sql_open (path, PARLEY_SQL_READ, NULL);
  gint64 n;
  CHECK (db && parley_sql_number (db, -1, &n, NULL, sql, ""));
  return n;
}

static void
pieces_become_parts (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "Reply");
  gint64 asked = add_message (store, chat, 0, PARLEY_ROLE_USER, "Which trees are tallest?");
  gint64 reply = add_message (store, chat, asked, PARLEY_ROLE_ASSISTANT, NULL);
  parley_store_append_reply (store, reply, 0, PARLEY_PART_REASONING, NULL, "Let me", -1);
  parley_store_append_reply (store, reply, 0, PARLEY_PART_REASONING, NULL, " think.", -1);
  parley_store_append_reply (store, reply, 1, PARLEY_PART_TEXT, NULL, "Redwoods, cut here", 8);
  parley_store_append_reply (store, reply, 1, PARLEY_PART_TEXT, NULL, ".", 1);
  parley_store_append_reply (store, reply, 2, PARLEY_PART_TOOL_CALL, "measure", "{}", -1);
  must_flush (store);

  /* Running: readable, but not yet findable. */
  g_autoptr (GPtrArray) running = must_load (store, chat);
  CHECK (state_of (running, 1) == PARLEY_MESSAGE_ANSWERING);
  part_of (running, 1, 1, PARLEY_PART_TEXT, "Redwoods.");
  g_autoptr (GPtrArray) none = parley_store_search (store, "redwoods", 10, NULL);
  CHECK (none && none->len == 0);

  g_autoptr (ParleyGenerationRecord) g = parley_generation_record_new (reply);
  static const gint32 tokens[] = { 1, 2, 300000 };
  g->model = g_strdup ("A model");
  g->model_sha256 = g_strdup ("abc");
  g->seed = G_MAXUINT64;
  g->reply_tokens = 3;
  g->reply_seconds = 0.5;
  g->stop = g_strdup ("end");
  g->token_ids = g_bytes_new_static (tokens, sizeof tokens);
  parley_store_finish_reply (store, reply, PARLEY_MESSAGE_COMPLETE, g);
  must_close (store);

  CHECK (count (test_folder, "SELECT count (*) FROM reply_chunk") == 0);
  store = must_open (test_folder);
  g_autoptr (GPtrArray) done = must_load (store, chat);
  CHECK (done->len == 2);
  CHECK (state_of (done, 1) == PARLEY_MESSAGE_COMPLETE);
  part_of (done, 1, 0, PARLEY_PART_REASONING, "Let me think.");
  part_of (done, 1, 1, PARLEY_PART_TEXT, "Redwoods.");
  part_of (done, 1, 2, PARLEY_PART_TOOL_CALL, "{}");
  const ParleyMessageRecord *m = done->pdata[1];
  CHECK (m->generation && m->generation->seed == G_MAXUINT64 && m->generation->reply_tokens == 3);
  gsize n;
  const void *ids = g_bytes_get_data (m->generation->token_ids, &n);
  CHECK (n == sizeof tokens && memcmp (ids, tokens, n) == 0);
  g_autoptr (GPtrArray) found = parley_store_search (store, "redwoods", 10, NULL);
  CHECK (found && found->len == 1);
  g_autoptr (GPtrArray) thought = parley_store_search (store, "let think", 10, NULL);
  CHECK (thought && thought->len == 1);

  /* Going on with it appends to its last part. */
  parley_store_resume_reply (store, reply);
  parley_store_append_reply (store, reply, 2, PARLEY_PART_TOOL_CALL, "measure", "!", -1);
  parley_store_append_reply (store, reply, 3, PARLEY_PART_TEXT, NULL, "Sequoias.", -1);
  parley_store_finish_reply (store, reply, PARLEY_MESSAGE_STOPPED, NULL);
  must_flush (store);
  g_autoptr (GPtrArray) longer = must_load (store, chat);
  CHECK (state_of (longer, 1) == PARLEY_MESSAGE_STOPPED);
  part_of (longer, 1, 2, PARLEY_PART_TOOL_CALL, "{}!");
  part_of (longer, 1, 3, PARLEY_PART_TEXT, "Sequoias.");
  must_close (store);
}

/* Nobody asks for it: pieces come into the file by themselves. */
static void
pieces_arrive_without_a_flush (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "Reply");
  gint64 reply = add_message (store, chat, 0, PARLEY_ROLE_ASSISTANT, NULL);
  must_flush (store);
  for (int i = 0; i < 20; i++)
    parley_store_append_reply (store, reply, 0, PARLEY_PART_TEXT, NULL, "x", 1);
  gint64 n = 0;
  for (int i = 0; i < 500 && n < 20; i++) {
    g_usleep (10000);
    n = count (test_folder, "SELECT count (*) FROM reply_chunk");
  }
  CHECK (n == 20);
  must_close (store);
}

/* The child */

static void say (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* One write() for each line: what the parent reads was said before the kill. */
static void
say (const char *format, ...)
{
  va_list values;
  va_start (values, format);
  g_autofree char *line = g_strdup_vprintf (format, values);
  va_end (values);
  if (write (STDOUT_FILENO, line, strlen (line)) < 0)
    _exit (2);
}

static char *
word (guint reply, guint i)
{
  return g_strdup_printf ("%u.%u ", reply, i);
}

/* Writes replies of 30 words for ever. Says "chat ID", "words R N" when N words of reply R are
 * flushed, "done R" when reply R is finished and flushed. */
static void
write_replies (ParleyStore *store)
{
  gint64 chat = put_chat (store, "Killed"), last = 0;
  if (!parley_store_flush (store, NULL))
    _exit (2);
  say ("chat %" G_GINT64_FORMAT "\n", chat);
  for (guint r = 0;; r++) {
    last = add_message (store, chat, last, PARLEY_ROLE_ASSISTANT, NULL);
    for (guint i = 0; i < 30; i++) {
      g_autofree char *text = word (r, i);
      parley_store_append_reply (store, last, 0, PARLEY_PART_TEXT, NULL, text, -1);
      if (i % 10 == 9) {
        if (!parley_store_flush (store, NULL))
          _exit (2);
        say ("words %u %u\n", r, i + 1);
      }
      g_usleep (200);
    }
    parley_store_finish_reply (store, last, PARLEY_MESSAGE_COMPLETE, NULL);
    if (!parley_store_flush (store, NULL))
      _exit (2);
    say ("done %u\n", r);
  }
}

/* Adds models for ever. Says "model N". */
static void
write_models (ParleyStore *store)
{
  say ("chat 0\n");
  for (guint i = 0;; i++) {
    g_autoptr (ParleyArtifactRecord) artifact = parley_artifact_record_new ();
    ParleyLocationRecord *file = parley_location_record_new ();
    file->path = g_strdup_printf ("/models/%u.gguf", i);
    artifact->name = g_strdup_printf ("model %u", i);
    g_ptr_array_add (artifact->files, file);
    if (!parley_catalogue_add (store, artifact, NULL))
      _exit (2);
    say ("model %u\n", i);
  }
}

static int
be_the_child (const char *folder, const char *kind)
{
  ParleyStore *store = parley_store_open (folder, NULL);
  if (!store)
    return 2;
  if (strcmp (kind, "models") == 0)
    write_models (store);
  else
    write_replies (store);
  return 0;
}

/* The parent */

/* Runs a child and kills it after `delay` microseconds; returns what it said in whole lines. */
static GStrv
kill_a_child (const char *folder, const char *kind, gulong delay)
{
  const char *const arguments[] = { "/proc/self/exe", "--child", folder, kind, NULL };
  GPid pid;
  int out;
  g_autoptr (GError) error = NULL;
  CHECK_MSG (g_spawn_async_with_pipes (NULL, (char **) arguments, NULL,
                                       G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_LEAVE_DESCRIPTORS_OPEN,
                                       NULL, NULL, &pid, NULL, &out, NULL, &error),
             "%s", error->message);
  g_autoptr (GString) said = g_string_new (NULL);
  char buffer[4096];
  ssize_t n = read (out, buffer, sizeof buffer); /* it is up */
  if (n > 0)
    g_string_append_len (said, buffer, n);
  g_usleep (delay);
  kill (pid, SIGKILL);
  while ((n = read (out, buffer, sizeof buffer)) > 0)
    g_string_append_len (said, buffer, n);
  close (out);
  int status;
  CHECK (waitpid (pid, &status, 0) == pid);
  CHECK_MSG (WIFSIGNALED (status), "the child ended by itself: %d", status);
  GStrv lines = g_strsplit (said->str, "\n", -1);
  return lines;
}

static void
check_replies (ParleyStore *store, char **lines, guint *n_interrupted)
{
  gint64 chat = 0;
  guint done = 0, reply = 0, words = 0;
  for (; *lines; lines++) {
    guint r, n;
    if (sscanf (*lines, "chat %" G_GINT64_FORMAT, &chat) == 1)
      continue;
    if (sscanf (*lines, "words %u %u", &r, &n) == 2) {
      reply = r;
      words = n;
    } else if (sscanf (*lines, "done %u", &r) == 1)
      done = r + 1;
  }
  CHECK (chat != 0);
  g_autoptr (GPtrArray) messages = must_load (store, chat);
  CHECK_MSG (messages->len >= done, "%u of %u replies", messages->len, done);
  for (guint r = 0; r < messages->len; r++) {
    const ParleyMessageRecord *m = messages->pdata[r];
    guint at_least = r < done ? 30 : r == reply ? words : 0;
    const char *text = m->parts->len > 0 ? part_text (messages, r, 0) : "";
    g_autoptr (GString) expected = g_string_new (NULL);
    guint n = 0;
    for (; n < 30 && expected->len < strlen (text); n++) {
      g_autofree char *next = word (r, n);
      g_string_append (expected, next);
    }
    CHECK_STR (text, expected->str);
    CHECK_MSG (n >= at_least, "reply %u has %u words of %u", r, n, at_least);
    CHECK (m->state == PARLEY_MESSAGE_COMPLETE || m->state == PARLEY_MESSAGE_INTERRUPTED);
    if (r < done)
      CHECK (m->state == PARLEY_MESSAGE_COMPLETE);
    *n_interrupted += m->state == PARLEY_MESSAGE_INTERRUPTED;
  }
}

static void
killed_writers_lose_nothing_acknowledged (void)
{
  guint n_interrupted = 0;
  fresh_folder ();
  for (int i = 0; i < n_kills; i++) {
    g_auto (GStrv) lines =
        kill_a_child (test_folder, "replies", (gulong) g_random_int_range (0, 120000));
    ParleyStore *store = must_open (test_folder);
    check_replies (store, lines, &n_interrupted);
    CHECK (parley_store_check (store, NULL));
    must_close (store);
    CHECK (count (test_folder, "SELECT count (*) FROM reply_chunk") == 0);
    CHECK (count (test_folder, "SELECT count (*) FROM message WHERE writer IS NOT NULL") == 0);
  }
  printf ("# %d kills, %u replies interrupted\n", n_kills, n_interrupted);
  CHECK (n_interrupted > 0);
}

static void
killed_additions_are_whole (void)
{
  for (int i = 0; i < n_kills / 2; i++) {
    g_auto (GStrv) lines =
        kill_a_child (fresh_folder (), "models", (gulong) g_random_int_range (0, 60000));
    gint64 said = -1;
    for (char **line = lines; *line; line++) {
      guint n;
      if (sscanf (*line, "model %u", &n) == 1)
        said = n;
    }
    ParleyStore *store = must_open (test_folder);
    g_autoptr (GPtrArray) models = parley_catalogue_list (store, NULL);
    CHECK (models);
    CHECK_MSG (models->len >= said + 1, "%u models of %d", models->len, (int) said + 1);
    CHECK (models->len <= said + 2);
    for (guint k = 0; k < models->len; k++)
      CHECK (((ParleyArtifactRecord *) models->pdata[k])->files->len == 1);
    must_close (store);
  }
}

/* A reply that a living process writes is none of ours to close. */
static void
replies_of_the_living_are_left_alone (void)
{
  ParleyStore *first = must_open (fresh_folder ());
  gint64 chat = put_chat (first, "Shared");
  gint64 reply = add_message (first, chat, 0, PARLEY_ROLE_ASSISTANT, NULL);
  parley_store_append_reply (first, reply, 0, PARLEY_PART_TEXT, NULL, "On my", -1);
  must_flush (first);
  ParleyStore *second = must_open (test_folder);
  g_autoptr (GPtrArray) running = must_load (second, chat);
  CHECK (state_of (running, 0) == PARLEY_MESSAGE_ANSWERING);
  CHECK_STR (part_text (running, 0, 0), "On my");
  parley_store_append_reply (first, reply, 0, PARLEY_PART_TEXT, NULL, " way", -1);
  parley_store_finish_reply (first, reply, PARLEY_MESSAGE_COMPLETE, NULL);
  must_flush (first);
  g_autoptr (GPtrArray) done = must_load (second, chat);
  CHECK (state_of (done, 0) == PARLEY_MESSAGE_COMPLETE);
  CHECK_STR (part_text (done, 0, 0), "On my way");
  must_close (second);
  must_close (first);
}

/* Two processes write at once, while this one writes and reads; each finds all of its own. */
static void
two_processes_share_the_file (void)
{
  fresh_folder ();
  ParleyStore *store = must_open (test_folder);
  const char *const arguments[] = { "/proc/self/exe", "--child", test_folder, "replies", NULL };
  GPid pids[2];
  int outs[2];
  for (int i = 0; i < 2; i++)
    CHECK (g_spawn_async_with_pipes (NULL, (char **) arguments, NULL,
                                     G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_LEAVE_DESCRIPTORS_OPEN,
                                     NULL, NULL, &pids[i], NULL, &outs[i], NULL, NULL));
  gint64 chat = put_chat (store, "Mine");
  for (int i = 0; i < 100; i++) {
    add_message (store, chat, 0, PARLEY_ROLE_USER, "mine");
    must_flush (store);
    g_autoptr (GPtrArray) messages = must_load (store, chat);
    CHECK (messages->len == (guint) i + 1);
  }
  GStrv lines[2];
  for (int i = 0; i < 2; i++) {
    kill (pids[i], SIGKILL);
    g_autoptr (GString) said = g_string_new (NULL);
    char buffer[4096];
    for (ssize_t n; (n = read (outs[i], buffer, sizeof buffer)) > 0;)
      g_string_append_len (said, buffer, n);
    close (outs[i]);
    waitpid (pids[i], NULL, 0);
    lines[i] = g_strsplit (said->str, "\n", -1);
  }
  must_close (store);
  store = must_open (test_folder);
  guint n_interrupted = 0;
  for (int i = 0; i < 2; i++) {
    if (lines[i][0] && *lines[i][0])
      check_replies (store, lines[i], &n_interrupted);
    g_strfreev (lines[i]);
  }
  CHECK (parley_store_check (store, NULL));
  must_close (store);
}

int
main (int argc, char **argv)
{
  if (argc == 4 && strcmp (argv[1], "--child") == 0)
    return be_the_child (argv[2], argv[3]);
  if (argc == 2 && strcmp (argv[1], "--long") == 0)
    n_kills = 5000;
  RUN (pieces_become_parts);
  RUN (pieces_arrive_without_a_flush);
  RUN (killed_writers_lose_nothing_acknowledged);
  RUN (killed_additions_are_whole);
  RUN (replies_of_the_living_are_left_alone);
  RUN (two_processes_share_the_file);
  remove_tree (test_folder);
  return test_done ();
}
