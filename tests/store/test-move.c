/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chats go to another folder: all of them or none, whatever fails and whenever the process is
 * killed; and a folder that is away is never replaced by an empty one.
 *
 * The process that is killed is this program again: `test-move --child FOLDER STAGE`.
 */
#include "common.h"

#include "store/chats-folder.h"
#include "store/schema.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_CHATS 300

static char *home, *usual, *other;

static char *
file_in (const char *folder, const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static gboolean
is_there (const char *folder, const char *name)
{
  g_autofree char *path = file_in (folder, name);
  return access (path, F_OK) == 0;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Files of a folder, "parley.db.moved-…" as "parley.db.moved". */
static char *
list (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  for (const char *name; dir && (name = g_dir_read_name (dir));)
    g_ptr_array_add (names, g_strndup (name, strcspn (name, "-")));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (" ", (char **) names->pdata);
}

/* The usual folder with chats, and an empty one. */
static void
begin (void)
{
  g_autofree char *config = file_in (home, "config");
  remove_tree (config);
  remove_tree (usual);
  remove_tree (other);
  CHECK (g_mkdir (other, 0700) == 0);
  g_autofree char *text = g_strnfill (6000, 'x'); /* more than is copied in one step */
  ParleyStore *store = must_open (NULL);
  for (guint i = 0; i < N_CHATS; i++) {
    gint64 chat = put_chat (store, "A chat");
    add_message (store, chat, 0, PARLEY_ROLE_USER, text);
  }
  must_close (store);
}

static void
all_chats_are_in (const char *folder)
{
  g_autofree char *now = parley_chats_folder_find (NULL, NULL);
  ParleyStore *store = must_open (NULL);
  g_autoptr (GPtrArray) chats = parley_store_list_chats (store, NULL);
  CHECK_STR (now, folder);
  CHECK_STR (parley_store_get_folder (store), folder);
  CHECK_MSG (chats && chats->len == N_CHATS, "%u chats", chats ? chats->len : 0);
  CHECK (parley_store_check (store, NULL));
  must_close (store);
}

static void
must_move (const char *folder)
{
  g_autoptr (GError) error = NULL;
  CHECK_MSG (parley_chats_folder_move (folder, NULL, NULL, NULL, &error), "%s", error->message);
}

static void
moved_chats_are_all_there (void)
{
  begin ();
  must_move (other);
  all_chats_are_in (other);
  g_autofree char *left = parley_chats_folder_dup_left ();
  CHECK_STR (left, usual);
  CHECK (is_there (usual, "parley.db"));
  CHECK (parley_chats_folder_settle (TRUE, NULL));
  g_autofree char *nothing = list (usual);
  CHECK_STR (nothing, "");
  CHECK (!parley_chats_folder_dup_left ());
  all_chats_are_in (other);

  must_move (usual);
  CHECK (parley_chats_folder_is_chosen ());
  CHECK (parley_chats_folder_settle (FALSE, NULL));
  all_chats_are_in (usual);
  CHECK (!parley_chats_folder_is_chosen ());
  g_autofree char *aside = list (other);
  CHECK_STR (aside, "parley.db.moved parley.db.open");
}

static void
die_at (ParleyChatsMoveStage stage, double share, gpointer data)
{
  if (stage == *(guint *) data && (stage != PARLEY_CHATS_MOVE_COPYING || share > 0))
    kill (getpid (), SIGKILL);
}

/* `stage` above the last: it comes to its end, or is killed after so many microseconds. */
static void
move_in_child (guint stage, gulong delay)
{
  g_autofree char *text = g_strdup_printf ("%u", stage);
  const char *const arguments[] = { "/proc/self/exe", "--child", other, text, NULL };
  GPid pid;
  int status;
  CHECK (g_spawn_async (NULL, (char **) arguments, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                        &pid, NULL));
  if (stage > PARLEY_CHATS_MOVE_DONE) {
    g_usleep (delay);
    kill (pid, SIGKILL);
  }
  CHECK (waitpid (pid, &status, 0) == pid);
  CHECK (stage > PARLEY_CHATS_MOVE_DONE || WIFSIGNALED (status));
}

/* What came of it: TRUE, they are in the new folder. */
static gboolean
look_after_a_kill (void)
{
  g_autofree char *now = parley_chats_folder_find (NULL, NULL);
  gboolean moved = strcmp (now, other) == 0;
  all_chats_are_in (moved ? other : usual);
  CHECK (is_there (usual, "parley.db"));
  /* It can be done again, or with what is there by now. */
  ParleyChatsFolderLook look;
  CHECK (parley_chats_folder_look (other, &look, NULL));
  if (!moved && look.has_chats)
    CHECK (parley_chats_folder_use (other, NULL));
  else if (!moved)
    must_move (other);
  all_chats_are_in (other);
  return moved;
}

static void
killed_moves_lose_nothing (void)
{
  guint n_kills = g_getenv ("PARLEY_TEST_LONG") ? 500 : 12, n_moved = 0;
  for (guint stage = 0; stage <= PARLEY_CHATS_MOVE_DONE; stage++) {
    begin ();
    move_in_child (stage, 0);
    CHECK (look_after_a_kill () == (stage == PARLEY_CHATS_MOVE_DONE));
  }
  for (guint i = 0; i < n_kills; i++) {
    begin ();
    move_in_child (PARLEY_CHATS_MOVE_DONE + 1, (gulong) g_random_int_range (1000, 500000));
    n_moved += look_after_a_kill ();
  }
  printf ("# %u of %u had moved\n", n_moved, n_kills);
}

static void
must_fail (const char *folder, ParleyStoreError code, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  CHECK (!parley_chats_folder_move (folder, NULL, NULL, cancellable, &error));
  if (cancellable)
    CHECK (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  else
    CHECK_MSG (g_error_matches (error, PARLEY_STORE_ERROR, (int) code), "%s", error->message);
  CHECK (!parley_chats_folder_is_chosen ());
}

static void
failed_moves_leave_nothing (void)
{
  begin ();
  struct rlimit before, low;
  CHECK (getrlimit (RLIMIT_FSIZE, &before) == 0);
  low = before;
  low.rlim_cur = 200000;
  signal (SIGXFSZ, SIG_IGN);
  CHECK (setrlimit (RLIMIT_FSIZE, &low) == 0);
  g_autoptr (GError) error = NULL;
  CHECK (!parley_chats_folder_move (other, NULL, NULL, NULL, &error));
  CHECK (setrlimit (RLIMIT_FSIZE, &before) == 0);
  g_autofree char *nothing = list (other);
  CHECK_STR (nothing, "");

  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_cancellable_cancel (cancelled);
  must_fail (other, 0, cancelled);
  ParleyStore *store = must_open (NULL); /* somebody else has them open */
  must_fail (other, PARLEY_STORE_ERROR_OPEN, NULL);
  must_close (store);
  must_fail ("/proc/self", PARLEY_STORE_ERROR_INVALID, NULL);
  must_fail ("/nowhere/at/all", PARLEY_STORE_ERROR_INVALID, NULL);
  must_fail ("relative", PARLEY_STORE_ERROR_INVALID, NULL);
  must_fail (usual, PARLEY_STORE_ERROR_INVALID, NULL);
  g_autofree char *still_nothing = list (other);
  CHECK_STR (still_nothing, "");

  g_autofree char *log = file_in (other, "parley.db-wal"), *file = file_in (other, "parley.db");
  CHECK (g_file_set_contents (log, "x", -1, NULL));
  must_fail (other, PARLEY_STORE_ERROR_INVALID, NULL);
  g_unlink (log);
  CHECK (g_file_set_contents (file, "of another program, and it is no database at all", -1, NULL));
  must_fail (other, PARLEY_STORE_ERROR_DAMAGED, NULL);
  CHECK (!parley_chats_folder_use (other, NULL) && !parley_chats_folder_is_chosen ());
  all_chats_are_in (usual);
}

static void
folder_that_is_away_stays_empty (void)
{
  begin ();
  must_move (other);
  CHECK (parley_chats_folder_settle (TRUE, NULL));
  g_autofree char *unplugged = g_strconcat (other, ".away", NULL);
  g_autofree char *choice = g_build_filename (home, "config", "parley", "chats-folder", NULL);
  for (guint i = 0; i < 3; i++) {
    if (i < 2)
      CHECK (g_rename (other, unplugged) == 0);
    else
      CHECK (g_file_set_contents (choice, "no path", -1, NULL));
    if (i == 1)
      CHECK (g_mkdir (other, 0700) == 0); /* what the disk is mounted on */
    g_autoptr (GError) error = NULL;
    CHECK (!parley_store_open (NULL, &error));
    CHECK_MSG (g_error_matches (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_AWAY), "%s",
               error->message);
    CHECK (parley_chats_folder_is_chosen ());
    g_autofree char *in_other = list (other), *in_usual = list (usual);
    CHECK_STR (in_usual, "");
    CHECK (i == 2 || !*in_other);
    if (i < 2) {
      g_rmdir (other);
      CHECK (g_rename (unplugged, other) == 0);
      all_chats_are_in (other);
    }
  }
  CHECK (parley_chats_folder_use_usual (NULL));
  must_close (must_open (NULL));
  CHECK (is_there (usual, "parley.db"));
  ParleyChatsFolderLook look;
  CHECK (parley_chats_folder_look (other, &look, NULL));
  CHECK (look.has_chats && look.n_chats == N_CHATS && look.changed_at > 0);
  CHECK (parley_chats_folder_use (other, NULL));
  all_chats_are_in (other);
  g_setenv ("PARLEY_DATA_DIR", usual, TRUE);
  g_autofree char *given = parley_store_default_folder ();
  CHECK_STR (given, usual);
  CHECK (!parley_chats_folder_is_chosen () && parley_chats_folder_is_given ());
  g_unsetenv ("PARLEY_DATA_DIR");
}

int
main (int argc, char **argv)
{
  if (argc == 4 && strcmp (argv[1], "--child") == 0) {
    guint stage = (guint) atoi (argv[3]);
    return !parley_chats_folder_move (argv[2], die_at, &stage, NULL, NULL);
  }
  home = g_dir_make_tmp ("parley-test-XXXXXX", NULL);
  g_unsetenv ("PARLEY_DATA_DIR");
  g_autofree char *config = file_in (home, "config"), *data = file_in (home, "data");
  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  g_setenv ("XDG_DATA_HOME", data, TRUE);
  usual = file_in (data, "parley");
  other = file_in (home, "other");
  RUN (moved_chats_are_all_there);
  RUN (killed_moves_lose_nothing);
  RUN (failed_moves_leave_nothing);
  RUN (folder_that_is_away_stays_empty);
  remove_tree (home);
  return test_done ();
}
