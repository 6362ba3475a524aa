/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that a person asks for: what may be replaced and how, back-ups of a database in use, disks
 * that are full, and the end of everything.
 */
#include "common.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/new-file.h"

#define PAGES_A_STEP 256

static char *
in_folder (const char *name)
{
  return g_build_filename (test_folder, name, NULL);
}

static void
check_content (const char *name, const char *expected)
{
  g_autofree char *path = in_folder (name);
  g_autofree char *text = NULL;
  CHECK_MSG (g_file_get_contents (path, &text, NULL, NULL), "%s", name);
  CHECK_STR (text, expected);
}

static void
put_file (const char *name, const char *text)
{
  g_autofree char *path = in_folder (name);
  CHECK (g_file_set_contents (path, text, -1, NULL));
}

static guint
count_files (void)
{
  guint n = 0;
  g_autoptr (GDir) dir = g_dir_open (test_folder, 0, NULL);
  while (g_dir_read_name (dir))
    n++;
  return n;
}

static gboolean
write_whole (const char *name, const char *text, GError **error)
{
  g_autofree char *path = in_folder (name);
  g_autoptr (ParleyNewFile) file = parley_new_file_create (path, error);
  return file && parley_new_file_write (file, text, strlen (text), NULL, error) &&
         parley_new_file_finish (file, error);
}

static void
files_appear_as_a_whole (void)
{
  g_autoptr (GError) error = NULL;
  struct stat info;
  fresh_folder ();
  g_autofree char *path = in_folder ("a.txt");
  g_autoptr (ParleyNewFile) file = parley_new_file_create (path, &error);
  CHECK_MSG (file, "%s", error->message);
  CHECK (parley_new_file_write (file, "new", 3, NULL, NULL));
  CHECK (!g_file_test (path, G_FILE_TEST_EXISTS));
  CHECK_MSG (parley_new_file_finish (file, &error), "%s", error->message);
  check_content ("a.txt", "new");
  CHECK (stat (path, &info) == 0 && (info.st_mode & 0777) == 0600);

  /* What is replaced keeps its permissions; what is given up leaves it, and nothing beside it. */
  CHECK (chmod (path, 0644) == 0);
  g_autoptr (ParleyNewFile) other = parley_new_file_create (path, NULL);
  CHECK (parley_new_file_write (other, "half", 4, NULL, NULL));
  check_content ("a.txt", "new");
  g_clear_pointer (&other, parley_new_file_free);
  check_content ("a.txt", "new");
  CHECK (count_files () == 1);
  CHECK (write_whole ("a.txt", "newer", NULL));
  check_content ("a.txt", "newer");
  CHECK (stat (path, &info) == 0 && (info.st_mode & 0777) == 0644);
  CHECK (count_files () == 1);
}

/* The program may end at any moment. */
static void
death_leaves_what_was_there (void)
{
  fresh_folder ();
  put_file ("a.txt", "old");
  g_autofree char *path = in_folder ("a.txt");
  pid_t child = fork ();
  if (child == 0) {
    ParleyNewFile *file = parley_new_file_create (path, NULL);
    _exit (file && parley_new_file_write (file, "half", 4, NULL, NULL) ? 0 : 1);
  }
  int status;
  CHECK (waitpid (child, &status, 0) == child && WIFEXITED (status) && WEXITSTATUS (status) == 0);
  check_content ("a.txt", "old");
}

static void
odd_targets_are_refused (void)
{
  fresh_folder ();
  g_autofree char *folder = in_folder ("folder"), *pipe = in_folder ("pipe"),
                  *link = in_folder ("link"), *nowhere = in_folder ("nowhere"),
                  *file = in_folder ("file");
  static const char *const names[] = { "folder", "pipe", "nowhere", "missing/a.txt" };
  struct stat info;
  CHECK (g_mkdir (folder, 0700) == 0 && mkfifo (pipe, 0600) == 0);
  CHECK (symlink ("not-there", nowhere) == 0 && symlink ("file", link) == 0);
  put_file ("file", "old");
  guint before = count_files ();
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GError) error = NULL;
    CHECK_MSG (!write_whole (names[i], "x", &error) && error, "%s", names[i]);
    CHECK_MSG (strstr (error->message, "cannot be written"), "%s", error->message);
  }
  CHECK (count_files () == before);
  CHECK (lstat (pipe, &info) == 0 && S_ISFIFO (info.st_mode));
  CHECK (lstat (nowhere, &info) == 0 && S_ISLNK (info.st_mode));

  /* Through a link the file behind it is written, and the link stays. */
  CHECK (write_whole ("link", "new", NULL));
  check_content ("file", "new");
  CHECK (lstat (link, &info) == 0 && S_ISLNK (info.st_mode));
  if (geteuid () == 0)
    return; /* may write anything */
  CHECK (chmod (file, 0400) == 0);
  CHECK (!write_whole ("file", "newer", NULL));
  check_content ("file", "new");
  CHECK (chmod (test_folder, 0500) == 0);
  CHECK (!write_whole ("other", "x", NULL));
  CHECK (chmod (test_folder, 0700) == 0);
}

static void
short_space_leaves_what_was_there (void)
{
  g_autofree char *text = g_strnfill (3 << 20, 'x');
  g_autoptr (GError) error = NULL;
  fresh_folder ();
  put_file ("a.txt", "old");
  struct rlimit before, small = { 1 << 20, 1 << 20 };
  CHECK (getrlimit (RLIMIT_FSIZE, &before) == 0);
  small.rlim_max = before.rlim_max;
  signal (SIGXFSZ, SIG_IGN);
  CHECK (setrlimit (RLIMIT_FSIZE, &small) == 0);
  gboolean written = write_whole ("a.txt", text, &error);
  CHECK (setrlimit (RLIMIT_FSIZE, &before) == 0);
  CHECK (!written && error && strstr (error->message, "a.txt"));
  check_content ("a.txt", "old");
  CHECK (count_files () == 1);
}

/* ---- back-ups ---- */

static ParleyStore *
open_full (guint megabytes)
{
  ParleyStore *store = must_open (fresh_folder ());
  gint64 chat = put_chat (store, "Long");
  g_autofree char *text = g_strnfill (1 << 20, 'y');
  for (guint i = 0; i < megabytes; i++)
    add_message (store, chat, 0, PARLEY_ROLE_USER, text);
  parley_store_set_setting (store, "round", "0");
  must_flush (store);
  return store;
}

typedef struct {
  ParleyStore *store;
  GCancellable *cancellable; /* NULL: go on to the end */
  guint n_calls;
  guint64 total;
} Watch;

static void
on_progress (guint64 done, guint64 total, gpointer data)
{
  Watch *watch = data;
  watch->total = total;
  if (watch->cancellable)
    g_cancellable_cancel (watch->cancellable);
  /* A bound, should the copy begin anew each time. */
  if (++watch->n_calls > 100)
    return;
  g_autofree char *value = g_strdup_printf ("%u", watch->n_calls);
  parley_store_set_setting (watch->store, "round", value);
  must_flush (watch->store);
}

static char *
setting_of_copy (const char *path)
{
  sqlite3 *db;
  sqlite3_stmt *rows;
  CHECK (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
  CHECK (sqlite3_prepare_v2 (db, "SELECT value FROM setting WHERE key = 'round'", -1, &rows,
                             NULL) == SQLITE_OK);
  CHECK (sqlite3_step (rows) == SQLITE_ROW);
  char *value = g_strdup ((const char *) sqlite3_column_text (rows, 0));
  sqlite3_finalize (rows);
  sqlite3_close (db);
  return value;
}

/* Commits between two steps neither begin the copy anew nor get into it. */
static void
copies_what_is_there_at_its_start (void)
{
  ParleyStore *store = open_full (6);
  g_autofree char *copy = in_folder ("copy.db");
  g_autoptr (GError) error = NULL;
  Watch watch = { .store = store };
  struct stat info;
  CHECK_MSG (parley_store_back_up (store, copy, on_progress, &watch, NULL, &error), "%s",
             error->message);
  CHECK_MSG (watch.n_calls == (watch.total + PAGES_A_STEP - 1) / PAGES_A_STEP && watch.n_calls > 4,
             "%u steps for %u pages", watch.n_calls, (guint) watch.total);
  g_autofree char *value = setting_of_copy (copy);
  CHECK_STR (value, "0");
  CHECK (stat (copy, &info) == 0 && (info.st_mode & 0777) == 0600);
  must_close (store);
}

static void
cancelled_copies_leave_the_older_one (void)
{
  ParleyStore *store = open_full (3);
  guint before = count_files ();
  put_file ("copy.db", "older");
  g_autofree char *copy = in_folder ("copy.db");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Watch watch = { .store = store, .cancellable = cancellable };
  CHECK (!parley_store_back_up (store, copy, on_progress, &watch, cancellable, &error));
  CHECK (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) && watch.n_calls == 1);
  check_content ("copy.db", "older");
  CHECK_MSG (count_files () == before + 1, "%u files", count_files ());
  must_close (store);
}

static void
full_disks_leave_the_older_copy (void)
{
  ParleyStore *store = open_full (3);
  g_autofree char *small = in_folder ("small");
  g_autofree char *copy = g_build_filename (small, "copy.db", NULL);
  g_autofree char *mount =
      g_strdup_printf ("mount -t tmpfs -o size=1m tmpfs '%s' 2>/dev/null", small);
  g_autofree char *unmount = g_strdup_printf ("umount '%s'", small);
  g_autoptr (GError) error = NULL;
  g_autofree char *kept = NULL;
  CHECK (g_mkdir (small, 0700) == 0);
  if (system (mount) != 0) {
    must_close (store);
    SKIP ("mounting is not allowed");
  }
  gboolean put = g_file_set_contents (copy, "older", -1, NULL);
  gboolean copied = parley_store_back_up (store, copy, NULL, NULL, NULL, &error);
  g_file_get_contents (copy, &kept, NULL, NULL);
  g_autoptr (GDir) dir = g_dir_open (small, 0, NULL);
  guint n_files = 0;
  while (dir && g_dir_read_name (dir))
    n_files++;
  g_clear_pointer (&dir, g_dir_close);
  CHECK (system (unmount) == 0);
  CHECK (put && !copied);
  CHECK_MSG (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE) &&
                 strstr (error->message, "copy.db"),
             "%s", error->message);
  CHECK_STR (kept, "older");
  CHECK (n_files == 1);
  must_close (store);
}

/* Nor by another name for it: what is open would be cut off from its name. */
static void
copies_never_replace_the_original (void)
{
  ParleyStore *store = open_full (1);
  g_autofree char *own = in_folder ("parley.db"), *link = in_folder ("link.db"),
                  *log = in_folder ("parley.db-wal");
  struct stat before, after;
  CHECK (stat (own, &before) == 0 && symlink ("parley.db", link) == 0);
  const char *const targets[] = { own, link, log };
  for (gsize i = 0; i < G_N_ELEMENTS (targets); i++) {
    g_autoptr (GError) error = NULL;
    CHECK_MSG (!parley_store_back_up (store, targets[i], NULL, NULL, NULL, &error), "%s",
               targets[i]);
    CHECK_MSG (strstr (error->message, "keeps its chats"), "%s", error->message);
  }
  CHECK (stat (own, &after) == 0 && after.st_ino == before.st_ino);
  must_close (store);
}

/* ---- the end ---- */

static void
erasing_says_what_may_be_left (void)
{
  ParleyStore *store = open_full (1);
  put_file ("parley.db.damaged-2026-01-01-000000", "old chats");
  g_autofree char *path = in_folder ("parley.db");
  g_autofree char *aside = in_folder ("parley.db.damaged-2026-01-01-000000");
  g_autoptr (GError) error = NULL;
  sqlite3 *reader;
  CHECK (sqlite3_open (path, &reader) == SQLITE_OK);
  CHECK (sqlite3_exec (reader, "BEGIN; SELECT count(*) FROM chat", NULL, NULL, NULL) == SQLITE_OK);
  CHECK (!parley_store_erase (store, &error));
  CHECK_MSG (strstr (error->message, "another program"), "%s", error->message);
  g_autoptr (GPtrArray) chats = parley_store_list_chats (store, NULL);
  CHECK (chats && chats->len == 0);
  sqlite3_close (reader);
  g_clear_error (&error);
  CHECK_MSG (parley_store_erase (store, &error), "%s", error->message);
  CHECK (!g_file_test (aside, G_FILE_TEST_EXISTS));
  must_close (store);
}

int
main (void)
{
  RUN (files_appear_as_a_whole);
  RUN (death_leaves_what_was_there);
  RUN (odd_targets_are_refused);
  RUN (short_space_leaves_what_was_there);
  RUN (copies_what_is_there_at_its_start);
  RUN (cancelled_copies_leave_the_older_one);
  RUN (full_disks_leave_the_older_copy);
  RUN (copies_never_replace_the_original);
  RUN (erasing_says_what_may_be_left);
  remove_tree (test_folder);
  return test_done ();
}
