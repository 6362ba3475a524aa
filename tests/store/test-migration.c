/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kill -9 while a database of an older Parley is brought up to date: it is then the old one or the
 * new one, whole, and the next start finishes the work. With PARLEY_TEST_LONG many more kills.
 *
 * The process that is killed is this program again: `test-migration --child FOLDER`.
 */
#include "common.h"

#include "store/schema.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_SETTINGS 20000
#define N_CHATS    500

/* Of the first version, with something in it. */
static char *
old_database (void)
{
  g_autofree char *path = g_build_filename (fresh_folder (), "parley.db", NULL);
  g_autoptr (GError) error = NULL;
  char *bytes;
  gsize n;
  g_close (g_creat (path, 0600), NULL);
  sqlite3 *db = parley_sql_open (path, PARLEY_SQL_WRITE, NULL);
  CHECK (db && parley_schema_update (db, parley_schema_steps, 1, NULL));
  CHECK_MSG (parley_sql_script (
                 db,
                 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                 " INSERT INTO setting SELECT 'key ' || i, 'value ' || i FROM n;"
                 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
                 " INSERT INTO chat SELECT i, 'Chat ' || i, 1, NULL, 0, NULL, NULL, NULL, NULL,"
                 " NULL, NULL, i, i, 0 FROM n;",
                 &error),
             "%s", error->message);
  sqlite3_close (db);
  CHECK (g_file_get_contents (path, &bytes, &n, NULL) && n > 100000);
  char *copy = g_build_filename (g_get_tmp_dir (), "parley-old-XXXXXX", NULL);
  int fd = g_mkstemp (copy);
  CHECK (fd >= 0 && write (fd, bytes, n) == (ssize_t) n);
  close (fd);
  g_free (bytes);
  return copy;
}

static gint64
number (const char *sql)
{
  g_autofree char *path = g_build_filename (test_folder, "parley.db", NULL);
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  CHECK (sqlite3_open (path, &db) == SQLITE_OK);
  CHECK_MSG (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL) == SQLITE_OK, "%s",
             sqlite3_errmsg (db));
  CHECK_MSG (sqlite3_step (statement) == SQLITE_ROW, "%s", sql);
  gint64 value = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  sqlite3_close (db);
  return value;
}

/* TRUE: it had been brought up to date before. */
static gboolean
kill_a_child (gulong delay)
{
  const char *const arguments[] = { "/proc/self/exe", "--child", test_folder, NULL };
  GPid pid;
  int out, status;
  char said = 0;
  g_autoptr (GError) error = NULL;
  CHECK_MSG (g_spawn_async_with_pipes (NULL, (char **) arguments, NULL,
                                       G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_LEAVE_DESCRIPTORS_OPEN,
                                       NULL, NULL, &pid, NULL, &out, NULL, &error),
             "%s", error->message);
  CHECK (read (out, &said, 1) == 1); /* it is up */
  g_usleep (delay);
  kill (pid, SIGKILL);
  gboolean was_open = read (out, &said, 1) == 1;
  close (out);
  CHECK (waitpid (pid, &status, 0) == pid && WIFSIGNALED (status));
  return was_open;
}

static void
killed_migrations_lose_nothing (void)
{
  guint n_kills = g_getenv ("PARLEY_TEST_LONG") ? 2500 : 50, n_before = 0, n_old = 0;
  g_autofree char *old = old_database ();
  g_autoptr (GFile) from = g_file_new_for_path (old);
  gint64 newest = parley_schema_n_steps;
  for (guint i = 0; i < n_kills; i++) {
    g_autofree char *path = g_build_filename (fresh_folder (), "parley.db", NULL);
    g_autoptr (GFile) to = g_file_new_for_path (path);
    CHECK (g_file_copy (from, to, G_FILE_COPY_NONE, NULL, NULL, NULL, NULL));
    n_before += !kill_a_child ((gulong) g_random_int_range (0, 30000));
    gint64 version = number ("PRAGMA user_version");
    CHECK_MSG (version == 1 || version == newest, "%" G_GINT64_FORMAT, version);
    n_old += version == 1;
    must_close (must_open (test_folder));
    CHECK (number ("PRAGMA user_version") == newest);
    CHECK (number ("SELECT count (*) FROM setting WHERE value = 'value ' || substr (key, 5)") ==
           N_SETTINGS);
    CHECK (number ("SELECT count (*) FROM chat WHERE title = 'Chat ' || id") == N_CHATS);
    CHECK (number ("SELECT count (*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") ==
           1);
  }
  printf ("# %u kills, %u before it was open, %u with the old database left\n", n_kills, n_before,
          n_old);
  CHECK (n_before >= n_kills / 10);
  g_unlink (old);
}

/* Since the sixth version what a model thought is found; an older index did not have it. */
static void
thoughts_of_old_messages_are_found (void)
{
  g_autofree char *path = g_build_filename (fresh_folder (), "parley.db", NULL);
  g_close (g_creat (path, 0600), NULL);
  sqlite3 *db = parley_sql_open (path, PARLEY_SQL_WRITE, NULL);
  CHECK (db && parley_schema_update (db, parley_schema_steps, 5, NULL));
  CHECK (parley_sql_script (
      db,
      "INSERT INTO chat VALUES (1, 'Title', 1, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL,"
      "  1, 1, 0, NULL);"
      "INSERT INTO message VALUES (2, 1, NULL, 'assistant', NULL, 0, NULL, 1, 0),"
      "  (3, 1, NULL, 'assistant', NULL, 0, NULL, 1, 0);"
      "INSERT INTO part VALUES (2, 0, 'reasoning', NULL, 'first' || char (10, 1) || 'numbat', "
      "NULL),"
      "  (2, 1, 'text', NULL, 'A quokka', NULL), (3, 0, 'text', NULL, 'A wombat', NULL);"
      "INSERT INTO search (rowid, text) VALUES (1, 'Title'), (2, 'A quokka'), (3, 'A wombat');",
      NULL));
  sqlite3_close (db);
  ParleyStore *store = must_open (test_folder);
  static const char *const words[] = { "title", "quokka", "wombat", "numbat", "first" };
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++) {
    g_autoptr (GPtrArray) hits = parley_store_search (store, words[i], 10, NULL);
    CHECK_MSG (hits && hits->len == 1, "%s", words[i]);
  }
  must_close (store);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--child") == 0) {
    if (write (STDOUT_FILENO, "u", 1) != 1 || !parley_store_open (argv[2], NULL) ||
        write (STDOUT_FILENO, "o", 1) != 1)
      return 2;
    for (;;)
      pause ();
  }
  RUN (killed_migrations_lose_nothing);
  RUN (thoughts_of_old_messages_are_found);
  remove_tree (test_folder);
  return test_done ();
}
