/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Opening, schema, settings, damage, durability of the queue, two stores at once.
 */
#include "common.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/parley-run-records.h"
#include "store/schema.h"

static gint64
number (sqlite3 *db, const char *sql)
{
  gint64 n;
  CHECK (parley_sql_number (db, -1, &n, NULL, sql, ""));
  return n;
}

static sqlite3 *
raw_open (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "parley.db", NULL);
  sqlite3 *db;
  CHECK (sqlite3_open (path, &db) == SQLITE_OK);
  return db;
}

static void
makes_folder_and_schema (void)
{
  g_autofree char *folder = g_build_filename (fresh_folder (), "a", "b", NULL);
  ParleyStore *store = must_open (folder);
  CHECK (!parley_store_get_read_only (store));
  CHECK_STR (parley_store_get_folder (store), folder);
  g_autofree char *path = g_build_filename (folder, "parley.db", NULL);
  struct stat info;
  CHECK (stat (path, &info) == 0);
  CHECK ((info.st_mode & 0777) == 0600);
  CHECK (stat (folder, &info) == 0);
  CHECK ((info.st_mode & 0777) == 0700);
  must_close (store);

  g_autoptr (sqlite3) db = raw_open (folder);
  CHECK (number (db, "PRAGMA user_version") == parley_schema_n_steps);
  CHECK (number (db, "PRAGMA application_id") == PARLEY_SCHEMA_APPLICATION_ID);
  sqlite3_stmt *mode;
  CHECK (sqlite3_prepare_v2 (db, "PRAGMA journal_mode", -1, &mode, NULL) == SQLITE_OK);
  CHECK (sqlite3_step (mode) == SQLITE_ROW);
  CHECK_STR ((const char *) sqlite3_column_text (mode, 0), "wal");
  sqlite3_finalize (mode);
}

static void
default_folder_follows_environment (void)
{
  g_setenv ("PARLEY_DATA_DIR", "/somewhere/else", TRUE);
  g_autofree char *given = parley_store_default_folder ();
  CHECK_STR (given, "/somewhere/else");
  g_unsetenv ("PARLEY_DATA_DIR");
  g_autofree char *usual = parley_store_default_folder ();
  g_autofree char *expected = g_build_filename (g_get_user_data_dir (), "parley", NULL);
  CHECK_STR (usual, expected);
}

static void
connections_are_hardened (void)
{
  must_close (must_open (fresh_folder ()));
  g_autofree char *path = g_build_filename (test_folder, "parley.db", NULL);
  g_autoptr (sqlite3) db = parley_sql_open (path, PARLEY_SQL_WRITE, NULL);
  CHECK (db);
  int on;
  sqlite3_db_config (db, SQLITE_DBCONFIG_DEFENSIVE, -1, &on);
  CHECK (on == 1);
  sqlite3_db_config (db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, -1, &on);
  CHECK (on == 0);
  CHECK (sqlite3_limit (db, SQLITE_LIMIT_ATTACHED, -1) == 0);
  CHECK (number (db, "PRAGMA foreign_keys") == 1);
  CHECK (number (db, "PRAGMA mmap_size") <= 0);
  g_autoptr (GError) error = NULL;
  CHECK (!parley_sql_script (db, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = ''",
                             &error));
}

/* Each missing step is made, in order; a step that fails takes the ones before it along. */
static void
migrates_step_by_step (void)
{
  static const char *const steps[] = {
    "CREATE TABLE a (x); INSERT INTO a VALUES (1);",
    "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1;",
    "CREATE TABLE b AS SELECT y FROM a;",
  };
  static const char *const broken[] = { steps[0], steps[1], steps[2], "CREATE TABLE c (z);",
                                        "UPDATE nowhere SET x = 1;" };
  g_autofree char *path = g_build_filename (fresh_folder (), "m.db", NULL);
  g_close (g_creat (path, 0600), NULL);
  g_autoptr (sqlite3) db = parley_sql_open (path, PARLEY_SQL_WRITE, NULL);
  ParleySchemaAge age;
  gint64 version;

  CHECK (parley_schema_look (db, 3, &age, &version, NULL));
  CHECK (age == PARLEY_SCHEMA_OLDER && version == 0);
  CHECK (parley_schema_update (db, steps, 1, NULL));
  CHECK (number (db, "PRAGMA user_version") == 1);
  CHECK (parley_schema_update (db, steps, 3, NULL));
  CHECK (number (db, "SELECT y FROM b") == 2);
  CHECK (parley_schema_look (db, 3, &age, &version, NULL));
  CHECK (age == PARLEY_SCHEMA_CURRENT && version == 3);
  CHECK (parley_schema_update (db, steps, 3, NULL));
  CHECK (number (db, "SELECT count (*) FROM b") == 1);

  CHECK (parley_sql_script (db, "BEGIN", NULL));
  g_autoptr (GError) error = NULL;
  CHECK (!parley_schema_update (db, broken, 5, &error));
  CHECK (parley_sql_script (db, "ROLLBACK", NULL));
  CHECK (number (db, "PRAGMA user_version") == 3);
  CHECK (number (db, "SELECT count (*) FROM sqlite_schema WHERE name = 'c'") == 0);
  CHECK (parley_schema_look (db, 2, &age, &version, NULL));
  CHECK (age == PARLEY_SCHEMA_NEWER);
}

static void
an_unused_table_goes (void)
{
  g_autofree char *path = g_build_filename (fresh_folder (), "parley.db", NULL);
  {
    g_close (g_creat (path, 0600), NULL);
    g_autoptr (sqlite3) db = parley_sql_open (path, PARLEY_SQL_WRITE, NULL);
    CHECK (parley_schema_update (db, parley_schema_steps, 3, NULL));
    CHECK (number (db, "SELECT count (*) FROM sqlite_schema WHERE name = 'download'") == 1);
  }
  must_close (must_open (test_folder));
  g_autoptr (sqlite3) db = raw_open (test_folder);
  CHECK (number (db, "SELECT count (*) FROM sqlite_schema WHERE name = 'download'") == 0);
  CHECK (number (db, "PRAGMA user_version") == parley_schema_n_steps);
}

static void
newer_schema_opens_for_reading (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "From the future");
  parley_store_set_setting (store, "look/scheme", "dark");
  must_close (store);
  {
    g_autoptr (sqlite3) db = raw_open (test_folder);
    CHECK (sqlite3_exec (db, "PRAGMA user_version = 99", NULL, NULL, NULL) == SQLITE_OK);
  }
  store = must_open (test_folder);
  CHECK (parley_store_get_read_only (store));
  g_autofree char *problem = parley_store_dup_problem (store);
  CHECK (problem && strstr (problem, "newer Parley") && strstr (problem, "parley.db") &&
         strstr (problem, "99"));
  g_autofree char *scheme = parley_store_get_setting (store, "look/scheme");
  CHECK_STR (scheme, "dark");
  g_autoptr (GPtrArray) chats = parley_store_list_chats (store, NULL);
  CHECK (chats && chats->len == 1);
  CHECK (((ParleyChatRecord *) chats->pdata[0])->id == chat);

  put_chat (store, "Not to be written");
  g_autoptr (ParleyArtifactRecord) artifact = parley_artifact_record_new ();
  g_autoptr (GError) error = NULL;
  ParleyLocationRecord *file = parley_location_record_new ();
  file->path = g_strdup ("/m.gguf");
  g_ptr_array_add (artifact->files, file);
  CHECK (!parley_catalogue_add (store, artifact, &error));
  CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_READ_ONLY));
  must_close (store);
  g_autoptr (sqlite3) db = raw_open (test_folder);
  CHECK (number (db, "PRAGMA user_version") == 99);
  CHECK (number (db, "SELECT count (*) FROM chat") == 1);
}

/* A file that the person may not write opens for reading. Root may write everything, so the case
 * runs as nobody then. */
static void
unwritable_database_opens_for_reading (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  put_chat (store, "Kept");
  must_close (store);
  g_autofree char *path = g_build_filename (test_folder, "parley.db", NULL);
  CHECK (g_chmod (path, 0444) == 0);
  CHECK (g_chmod (test_folder, 0555) == 0);
  pid_t child = fork ();
  if (child == 0) {
    if (getuid () == 0 && (setgid (65534) != 0 || setuid (65534) != 0))
      _exit (77);
    g_autoptr (GError) error = NULL;
    store = parley_store_open (test_folder, &error);
    if (!store)
      printf ("# %s\n", error->message);
    fflush (stdout);
    g_autoptr (GPtrArray) chats = store ? parley_store_list_chats (store, NULL) : NULL;
    _exit (!store                                ? 1
           : !parley_store_get_read_only (store) ? 2
           : !parley_store_dup_problem (store)   ? 3
           : !chats || chats->len != 1           ? 4
                                                 : 0);
  }
  int status;
  CHECK (waitpid (child, &status, 0) == child);
  g_chmod (test_folder, 0755);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
    SKIP ("cannot give up root");
  CHECK_MSG (WIFEXITED (status) && WEXITSTATUS (status) == 0, "status %d", status);
}

static void
file_in_the_way_is_an_error (void)
{
  g_autofree char *file = g_build_filename (fresh_folder (), "file", NULL);
  CHECK (g_file_set_contents (file, "x", 1, NULL));
  g_autofree char *folder = g_build_filename (file, "data", NULL);
  g_autoptr (GError) error = NULL;
  CHECK (!parley_store_open (folder, &error));
  CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_OPEN));
  CHECK (strstr (error->message, folder));
}

static void
check_refused_and_untouched (const char *contents, gsize n)
{
  g_autofree char *path = g_build_filename (test_folder, "parley.db", NULL);
  CHECK (g_file_set_contents (path, contents, (gssize) n, NULL));
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyStore) store = parley_store_open (test_folder, &error);
  CHECK (!store);
  CHECK_MSG (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_DAMAGED), "%s",
             error->message);
  CHECK (strstr (error->message, path));
  g_autofree char *after = NULL;
  gsize n_after;
  CHECK (g_file_get_contents (path, &after, &n_after, NULL));
  CHECK (n_after == n && memcmp (after, contents, n) == 0);
}

static void
damaged_database_is_refused_and_set_aside (void)
{
  fresh_folder ();
  char noise[8192];
  for (gsize i = 0; i < sizeof noise; i++)
    noise[i] = (char) (i * 131 + 7);
  check_refused_and_untouched (noise, sizeof noise);
  check_refused_and_untouched ("not a database at all", 21);

  g_autoptr (GError) error = NULL;
  g_autofree char *aside = parley_store_set_aside (test_folder, "damaged", &error);
  CHECK_MSG (aside, "%s", error->message);
  g_autofree char *kept = NULL;
  CHECK (g_file_get_contents (aside, &kept, NULL, NULL));
  CHECK_STR (kept, "not a database at all");
  must_close (must_open (test_folder));
  CHECK (g_file_test (aside, G_FILE_TEST_EXISTS));
}

static void
foreign_database_is_refused (void)
{
  fresh_folder ();
  {
    g_autoptr (sqlite3) db = raw_open (test_folder);
    CHECK (sqlite3_exec (db, "CREATE TABLE cookies (x)", NULL, NULL, NULL) == SQLITE_OK);
  }
  g_autoptr (GError) error = NULL;
  CHECK (!parley_store_open (test_folder, &error));
  CHECK (strstr (error->message, "another program"));
  g_autoptr (sqlite3) db = raw_open (test_folder);
  CHECK (number (db, "SELECT count (*) FROM sqlite_schema") == 1);
}

/* Every page damaged in turn: opening, listing and checking may fail, and only fail. */
static void
damaged_pages_are_errors (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  for (int i = 0; i < 40; i++) {
    gint64 chat = put_chat (store, "A chat");
    gint64 first = add_message (store, chat, 0, PARLEY_ROLE_USER, "What is the tallest tree?");
    add_message (store, chat, first, PARLEY_ROLE_ASSISTANT, "A redwood.");
  }
  must_close (store);
  sqlite3 *db = raw_open (test_folder);
  gint64 n_free = number (db, "PRAGMA freelist_count");
  sqlite3_close (db);
  g_autofree char *path = g_build_filename (test_folder, "parley.db", NULL);
  g_autofree char *whole = NULL;
  gsize n;
  CHECK (g_file_get_contents (path, &whole, &n, NULL));
  guint refused = 0, found = 0;
  for (gsize page = 0; page < n / 4096; page++) {
    g_autofree char *damaged = g_memdup2 (whole, n);
    memset (damaged + page * 4096, 0xa5, 4096);
    CHECK (g_file_set_contents (path, damaged, (gssize) n, NULL));
    g_autoptr (GError) error = NULL;
    g_autoptr (ParleyStore) opened = parley_store_open (test_folder, &error);
    if (!opened) {
      CHECK (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_DAMAGED));
      refused++;
      continue;
    }
    g_autoptr (GPtrArray) chats = parley_store_list_chats (opened, NULL);
    g_autoptr (GPtrArray) hits = parley_store_search (opened, "tallest", 10, NULL);
    if (!chats || !hits)
      found++;
    else if (!parley_store_check (opened, &error)) {
      CHECK_MSG (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_DAMAGED), "%s",
                 error->message);
      found++;
    }
    parley_store_close (opened, NULL);
  }
  printf ("# %u pages, %u free: %u refused, %u found later\n", (guint) (n / 4096), (guint) n_free,
          refused, found);
  CHECK (refused >= 1);
  CHECK (refused + found + (guint) n_free >= n / 4096);
}

static void
settings_are_read_back (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  CHECK (!parley_store_get_setting (store, "none"));
  parley_store_set_setting (store, "a", "1");
  parley_store_set_setting (store, "a", "zwölf");
  parley_store_set_setting (store, "b", "2");
  parley_store_set_setting (store, "b", NULL);
  g_autofree char *at_once = parley_store_get_setting (store, "a");
  CHECK_STR (at_once, "zwölf");
  CHECK (!parley_store_get_setting (store, "b"));
  must_close (store);
  store = must_open (test_folder);
  g_autofree char *later = parley_store_get_setting (store, "a");
  CHECK_STR (later, "zwölf");
  CHECK (!parley_store_get_setting (store, "b"));
  must_close (store);
}

/* The latest of a model, apart from those of others; gone with everything else. */
static void
speeds_are_kept_by_model (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  g_autoptr (GError) error = NULL;
  for (guint i = 0; i < PARLEY_RUNS_KEPT + 5; i++) {
    ParleyRunRecord run = { .devices = "cpu,00ff",
                            .gpu_layers = i,
                            .cpu_experts = 2,
                            .context = 4096,
                            .batch = 512,
                            .threads = 3,
                            .k_type = 8,
                            .v_type = 1,
                            .depth = 7,
                            .prompt_tokens = 100,
                            .reply_tokens = 20,
                            .prompt_seconds = 0.5,
                            .reply_seconds = 1.25 };
    parley_store_add_run (store, "org/one", &run);
    run.devices[3] = '\0';
    run.prompt_seconds = i == 0 ? NAN : -1;
    if (i < 2)
      parley_store_add_run (store, "org/other", &run);
  }
  must_flush (store);
  g_autoptr (GArray) none = parley_store_list_runs (store, "org/none");
  g_autoptr (GArray) other = parley_store_list_runs (store, "org/other");
  g_autoptr (GArray) runs = parley_store_list_runs (store, "org/one");
  CHECK (none->len == 0 && runs->len == PARLEY_RUNS_KEPT);
  const ParleyRunRecord *last = &g_array_index (runs, ParleyRunRecord, 0);
  const ParleyRunRecord *first = &g_array_index (runs, ParleyRunRecord, PARLEY_RUNS_KEPT - 1);
  CHECK (last->gpu_layers == PARLEY_RUNS_KEPT + 4 && first->gpu_layers == 5);
  CHECK_STR (last->devices, "cpu,00ff");
  CHECK (last->cpu_experts == 2 && last->context == 4096 && last->batch == 512);
  CHECK (last->threads == 3 && last->k_type == 8 && last->v_type == 1 && last->depth == 7);
  CHECK (last->prompt_tokens == 100 && last->reply_tokens == 20);
  CHECK (last->prompt_seconds == 0.5 && last->reply_seconds == 1.25 && last->ended_at > 0);
  /* What is no time is stored as none. */
  CHECK (other->len == 2);
  for (guint i = 0; i < other->len; i++)
    CHECK (g_array_index (other, ParleyRunRecord, i).prompt_seconds == 0);
  CHECK_STR (g_array_index (other, ParleyRunRecord, 0).devices, "cpu");
  CHECK (parley_store_erase (store, &error));
  g_autoptr (GArray) gone = parley_store_list_runs (store, "org/one");
  CHECK (gone->len == 0);
  must_close (store);
}

static void
identifiers_never_repeat (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  fresh_folder ();
  ParleyStore *first = must_open (test_folder);
  for (int round = 0; round < 5; round++) {
    ParleyStore *second = must_open (test_folder);
    gint64 last = 0;
    for (int i = 0; i < 200; i++) {
      gint64 id = parley_store_new_id (i % 2 ? first : second);
      CHECK (id > 0);
      CHECK (g_hash_table_add (seen, g_memdup2 (&id, sizeof id)));
      if (i % 2 == 0) {
        CHECK (id > last);
        last = id;
      }
    }
    must_close (second);
  }
  must_close (first);
}

typedef struct {
  guint here, elsewhere;
} Seen;

static void
on_changed (ParleyStore *store, guint areas, gboolean elsewhere, gpointer data)
{
  Seen *seen = data;
  if (elsewhere)
    seen->elsewhere++;
  else
    seen->here |= areas;
}

static gboolean
set_flag (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
iterate_until (guint *counter, guint milliseconds)
{
  gboolean over = FALSE;
  guint timeout = g_timeout_add (milliseconds, set_flag, &over);
  while (!over && *counter == 0)
    g_main_context_iteration (NULL, TRUE);
  if (!over)
    g_source_remove (timeout);
}

static void
tells_what_changed_and_where (void)
{
  ParleyStore *first = must_open (fresh_folder ()), *second = must_open (test_folder);
  Seen seen[2] = { 0 };
  g_signal_connect (first, "changed", G_CALLBACK (on_changed), &seen[0]);
  g_signal_connect (second, "changed", G_CALLBACK (on_changed), &seen[1]);
  /* What the opening of the second wrote is other people's work to the first. */
  iterate_until (&seen[0].elsewhere, 2000);
  seen[0].elsewhere = 0;

  put_chat (first, "New");
  must_flush (first);
  iterate_until (&seen[0].here, 5000);
  CHECK (seen[0].here == PARLEY_STORE_CHATS);
  iterate_until (&seen[1].elsewhere, 5000);
  CHECK (seen[1].elsewhere > 0);
  CHECK (seen[1].here == 0);

  parley_store_set_setting (first, "shared", "yes");
  must_flush (first);
  seen[1].elsewhere = 0;
  iterate_until (&seen[1].elsewhere, 5000);
  g_autofree char *shared = parley_store_get_setting (second, "shared");
  CHECK_STR (shared, "yes");
  iterate_until (&seen[0].elsewhere, 100); /* until all is told that there is */
  seen[0].here = 0;
  CHECK (parley_store_erase (first, NULL));
  iterate_until (&seen[0].here, 5000);
  CHECK (seen[0].here == (PARLEY_STORE_CHATS | PARLEY_STORE_SETTINGS | PARLEY_STORE_RUNS));
  must_close (first);
  must_close (second);
}

/* While another program holds the file, what was said is kept, and told; then it is written. */
static void
locked_file_delays_and_loses_nothing (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  sqlite3 *other = raw_open (test_folder);
  CHECK (sqlite3_exec (other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
  gint64 chat = put_chat (store, "Waiting");
  add_message (store, chat, 0, PARLEY_ROLE_USER, "kept");
  g_autofree char *problem = NULL;
  for (int i = 0; i < 200 && !problem; i++) {
    g_usleep (50000);
    problem = parley_store_dup_problem (store);
  }
  CHECK (problem && strstr (problem, "locked"));
  CHECK (sqlite3_exec (other, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
  sqlite3_close (other);
  must_flush (store);
  CHECK (!parley_store_dup_problem (store));
  g_autoptr (GPtrArray) messages = must_load (store, chat);
  CHECK_STR (part_text (messages, 0, 0), "kept");
  must_close (store);
}

/* max_page_count stands in for a full disk: SQLite gives the same code for both. */
static void
full_disk_delays_and_loses_nothing (void)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "Full");
  gint64 reply = add_message (store, chat, 0, PARLEY_ROLE_ASSISTANT, NULL);
  must_flush (store);
  must_close (store);

  /* A real small file system, where that is allowed. */
  g_autofree char *command =
      g_strdup_printf ("mount -t tmpfs -o size=400k tmpfs '%s' 2>/dev/null", test_folder);
  if (system (command) != 0)
    SKIP ("mounting is not allowed");
  g_autofree char *ballast = g_build_filename (test_folder, "ballast", NULL);
  g_autofree char *unmount = g_strdup_printf ("umount '%s'", test_folder);
  store = parley_store_open (test_folder, NULL);
  gboolean opened = store != NULL, told = FALSE, flushed = FALSE, refused = FALSE, kept = FALSE;
  if (opened) {
    chat = put_chat (store, "Full");
    reply = add_message (store, chat, 0, PARLEY_ROLE_ASSISTANT, NULL);
    opened = parley_store_flush (store, NULL);
    int fd = g_creat (ballast, 0600);
    static const char zeros[4096];
    while (write (fd, zeros, sizeof zeros) > 0)
      ;
    close (fd);
    g_autoptr (GString) expected = g_string_new (NULL);
    for (int i = 0; i < 400; i++) {
      g_autofree char *piece = g_strdup_printf ("piece %d of a long reply on a full disk. ", i);
      g_string_append (expected, piece);
      parley_store_append_reply (store, reply, 0, PARLEY_PART_TEXT, NULL, piece, -1);
    }
    parley_store_finish_reply (store, reply, PARLEY_MESSAGE_COMPLETE, NULL);
    g_autoptr (GError) error = NULL;
    refused = !parley_store_flush (store, &error) &&
              g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_FULL);
    g_autofree char *problem = parley_store_dup_problem (store);
    told = problem && strstr (problem, "full");
    g_remove (ballast);
    flushed = parley_store_flush (store, NULL);
    g_autoptr (GPtrArray) messages = parley_store_load_messages (store, chat, NULL);
    if (messages && messages->len == 1) {
      const ParleyMessageRecord *m = messages->pdata[0];
      kept = m->state == PARLEY_MESSAGE_COMPLETE && m->parts->len == 1 &&
             strcmp (((ParleyPartRecord *) m->parts->pdata[0])->text, expected->str) == 0;
    }
    parley_store_close (store, NULL);
    g_object_unref (store);
  }
  CHECK (system (unmount) == 0);
  CHECK (opened);
  CHECK (refused);
  CHECK (told);
  CHECK (flushed);
  CHECK (kept);
}

int
main (void)
{
  RUN (makes_folder_and_schema);
  RUN (default_folder_follows_environment);
  RUN (connections_are_hardened);
  RUN (migrates_step_by_step);
  RUN (an_unused_table_goes);
  RUN (newer_schema_opens_for_reading);
  RUN (unwritable_database_opens_for_reading);
  RUN (file_in_the_way_is_an_error);
  RUN (damaged_database_is_refused_and_set_aside);
  RUN (foreign_database_is_refused);
  RUN (damaged_pages_are_errors);
  RUN (settings_are_read_back);
  RUN (speeds_are_kept_by_model);
  RUN (identifiers_never_repeat);
  RUN (tells_what_changed_and_where);
  RUN (locked_file_delays_and_loses_nothing);
  RUN (full_disk_delays_and_loses_nothing);
  remove_tree (test_folder);
  return test_done ();
}
