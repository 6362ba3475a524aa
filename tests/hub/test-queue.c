/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One queue of several programs: what one begins the other lists, pauses, moves and removes, and
 * never do two write one file. The programs are two ParleyDownloads on one folder, whose locks
 * exclude each other as those of two processes do.
 */
#include "bench.h"

#include "hub/disk.h"
#include "hub/wish.h"

#include <sys/stat.h>
#include <unistd.h>

/* The other program. */
static ParleyDownloads *
other_new (Bench *bench)
{
  ParleyDownloads *other = parley_downloads_new (bench->hub, bench->folder);
  parley_downloads_restore (other);
  return other;
}

static ParleyTransfer *
nth (ParleyDownloads *downloads, guint i)
{
  g_autoptr (ParleyTransfer) transfer = g_list_model_get_item (G_LIST_MODEL (downloads), i);
  CHECK_MSG (transfer, "%u", i);
  return transfer; /* the list keeps it */
}

static char *
beside (ParleyTransfer *transfer, const char *suffix)
{
  return g_strconcat (parley_transfer_get_path (transfer), suffix, NULL);
}

static gboolean
is_paused_on_disk (ParleyTransfer *transfer)
{
  g_autofree char *path = beside (transfer, ".part.json");
  g_autofree char *text = NULL;
  CHECK (g_file_get_contents (path, &text, NULL, NULL));
  return strstr (text, "\"paused\" : true") != NULL;
}

static void
what_one_begins_the_other_follows (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  standin_tell ("{'rate': 1200000}");
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/sharded", "F32");
  guint64 size = parley_hub_file_get_size (file), first = parley_hub_file_get_part (file, 0)->size;
  ParleyTransfer *runs = begin (&bench, file);
  until (runs, PARLEY_TRANSFER_DONE, 200000);
  g_autoptr (ParleyDownloads) other = other_new (&bench);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (other)) == 1);
  ParleyTransfer *follows = nth (other, 0);
  Bench seen = { .highest = 0 };
  g_signal_connect (follows, "notify::bytes-done", G_CALLBACK (on_progress), &seen);
  until (follows, PARLEY_TRANSFER_WAITING, 0);
  CHECK (strstr (parley_transfer_get_message (follows), "Another Parley"));
  until (follows, PARLEY_TRANSFER_DONE, first + 1); /* parts that the other has finished count */
  CHECK (parley_transfer_get_state (follows) == PARLEY_TRANSFER_WAITING);
  standin_tell ("{'rate': 0}");
  until (runs, PARLEY_TRANSFER_DONE, 0);
  until (follows, PARLEY_TRANSFER_DONE, 0);
  CHECK (!bench.fell && !seen.fell);
  CHECK (standin_count ("bytes") == size);
  CHECK (!has_remains (bench.folder));
  for (guint i = 0; i < 3; i++) {
    const ParleyHubPart *part = parley_hub_file_get_part (file, i);
    g_autofree char *path = g_build_filename (bench.folder, "fixture/sharded", part->path, NULL);
    check_file (path, part->sha256);
  }
  g_signal_handlers_disconnect_by_data (follows, &seen);
  bench_close (&bench);
}

/* Between the renaming of a file and what says that it is there, nothing is there. */
static void
nothing_falls_while_another_renames (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  standin_tell ("{'rate': 1000000}");
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "F32");
  ParleyTransfer *waits = begin (&bench, file);
  until (waits, PARLEY_TRANSFER_DONE, 300000);
  parley_transfer_pause (waits);
  until (waits, PARLEY_TRANSFER_PAUSED, 0);
  g_autofree char *lock_path = beside (waits, ".part.lock"), *part = beside (waits, ".part");
  gboolean busy;
  int lock = parley_disk_lock (lock_path, &busy, NULL);
  CHECK (lock >= 0);
  parley_transfer_resume (waits);
  until (waits, PARLEY_TRANSFER_WAITING, 0);
  CHECK (parley_transfer_get_bytes_done (waits) >= 300000);
  CHECK (g_unlink (part) == 0);
  /* It looks once in a second, or when it is told that there is hope. */
  gboolean over = FALSE;
  g_timeout_add (1500, on_timeout, &over);
  _parley_transfer_hurry (waits);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  CHECK (parley_transfer_get_state (waits) == PARLEY_TRANSFER_WAITING && !bench.fell);
  parley_disk_unlock (lock, lock_path);
  parley_transfer_cancel (waits);
  until (waits, PARLEY_TRANSFER_CANCELLED, 0);
  bench_close (&bench);
}

static void
a_pause_reaches_who_runs_it (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  standin_tell ("{'rate': 1000000}");
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "F32");
  ParleyTransfer *runs = begin (&bench, file);
  until (runs, PARLEY_TRANSFER_DONE, 300000);
  g_autoptr (ParleyDownloads) other = other_new (&bench);
  ParleyTransfer *follows = nth (other, 0);
  until (follows, PARLEY_TRANSFER_WAITING, 0);
  parley_transfer_pause (follows);
  until (follows, PARLEY_TRANSFER_PAUSED, 0);
  until (runs, PARLEY_TRANSFER_PAUSED, 0);
  g_autofree char *wish = beside (runs, PARLEY_WISH_SUFFIX);
  CHECK (!g_file_test (wish, G_FILE_TEST_EXISTS) && is_paused_on_disk (runs));
  guint64 there = parley_transfer_get_bytes_done (runs);
  CHECK (there >= 300000 && there < parley_hub_file_get_size (file));
  _parley_downloads_look_around (other);
  CHECK (parley_transfer_get_state (follows) == PARLEY_TRANSFER_PAUSED);
  CHECK (parley_transfer_get_bytes_done (follows) == there);

  /* Going on in one program is going on in the other. */
  parley_transfer_resume (runs);
  until (runs, PARLEY_TRANSFER_RUNNING, 0);
  _parley_downloads_look_around (other);
  until (follows, PARLEY_TRANSFER_WAITING, 0);
  standin_tell ("{'rate': 0}");
  until (runs, PARLEY_TRANSFER_DONE, 0);
  until (follows, PARLEY_TRANSFER_DONE, 0);
  check_file (parley_transfer_get_path (runs), parley_hub_file_get_part (file, 0)->sha256);
  CHECK (!bench.fell && !has_remains (bench.folder));
  bench_close (&bench);
}

static void
a_removal_reaches_who_runs_it (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  standin_tell ("{'rate': 1000000}");
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/sharded", "F32");
  ParleyTransfer *runs = begin (&bench, file);
  until (runs, PARLEY_TRANSFER_DONE, parley_hub_file_get_part (file, 0)->size + 1000);
  g_autoptr (ParleyDownloads) other = other_new (&bench);
  ParleyTransfer *follows = nth (other, 0);
  until (follows, PARLEY_TRANSFER_WAITING, 0);
  parley_transfer_cancel (follows);
  until (follows, PARLEY_TRANSFER_CANCELLED, 0);
  parley_downloads_remove_finished (other);
  _parley_downloads_look_around (other); /* what will be gone is not listed again */
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (other)) == 0);
  until (runs, PARLEY_TRANSFER_CANCELLED, 0);
  CHECK (rmdir (bench.folder) == 0); /* empty */
  bench_close (&bench);
}

static void
what_ended_elsewhere_has_ended (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  standin_tell ("{'rate': 1000000}");
  g_autoptr (ParleyHubFile) one = get_file (&bench, "fixture/plain", "F32");
  g_autoptr (ParleyHubFile) two = get_file (&bench, "fixture/plain", "Q8_0");
  ParleyTransfer *a = begin (&bench, one), *b = begin (&bench, two);
  parley_transfer_pause (a);
  parley_transfer_pause (b);
  until (a, PARLEY_TRANSFER_PAUSED, 0);
  until (b, PARLEY_TRANSFER_PAUSED, 0);
  g_autoptr (ParleyDownloads) other = other_new (&bench);
  ParleyTransfer *x = nth (other, 0), *y = nth (other, 1);
  CHECK (parley_transfer_get_state (x) == PARLEY_TRANSFER_PAUSED);
  standin_tell ("{'rate': 0}");
  parley_transfer_resume (a);
  until (a, PARLEY_TRANSFER_DONE, 0);
  parley_transfer_cancel (b);
  until (b, PARLEY_TRANSFER_CANCELLED, 0);
  _parley_downloads_look_around (other);
  CHECK (parley_transfer_get_state (x) == PARLEY_TRANSFER_DONE);
  CHECK (parley_transfer_get_bytes_done (x) == parley_hub_file_get_size (one));
  CHECK (parley_transfer_get_state (y) == PARLEY_TRANSFER_CANCELLED);
  /* A file that another program has finished is nobody's to remove. */
  parley_transfer_cancel (x);
  check_file (parley_transfer_get_path (a), parley_hub_file_get_part (one, 0)->sha256);
  bench_close (&bench);
}

static void
the_order_is_one (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  parley_downloads_set_limit (bench.downloads, 1);
  standin_tell ("{'rate': 300000}");
  static const char *const wanted[] = { "F32", "Q8_0", "imatrix-plain.gguf" };
  for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++) {
    g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", wanted[i]);
    begin (&bench, file);
  }
  until (nth (bench.downloads, 0), PARLEY_TRANSFER_DONE, 1);
  g_autoptr (ParleyDownloads) other = parley_downloads_new (bench.hub, bench.folder);
  parley_downloads_set_limit (other, 1);
  parley_downloads_restore (other);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (other)) == 3);
  CHECK_STR (parley_transfer_get_name (nth (other, 2)), "imatrix-plain.gguf");
  parley_downloads_move (other, nth (other, 2), 1);
  _parley_downloads_look_around (bench.downloads);
  CHECK_STR (parley_transfer_get_name (nth (bench.downloads, 0)), "plain-F32.gguf");
  CHECK_STR (parley_transfer_get_name (nth (bench.downloads, 1)), "imatrix-plain.gguf");
  CHECK_STR (parley_transfer_get_name (nth (bench.downloads, 2)), "plain-Q8_0.gguf");
  /* What runs here was not touched by it. */
  CHECK (parley_transfer_is_active (nth (bench.downloads, 0)) && !bench.fell);
  g_clear_object (&other);
  standin_tell ("{'rate': 0}");
  for (guint i = 0; i < 3; i++)
    until (nth (bench.downloads, i), PARLEY_TRANSFER_DONE, 0);
  CHECK (!has_remains (bench.folder));
  bench_close (&bench);
}

/* The program that was asked may have been killed before it looked. */
static void
wishes_outlive_who_was_asked (void)
{
  static const struct {
    const char *text;
    guint n_listed;
    ParleyTransferState state;
  } wishes[] = {
    { "pause", 1, PARLEY_TRANSFER_PAUSED },
    { "cancel", 0, 0 },
    { "", 1, PARLEY_TRANSFER_CHECKING },
    { "pausepausepausepause", 1, PARLEY_TRANSFER_CHECKING },
    { "PAUSE\n", 1, PARLEY_TRANSFER_CHECKING },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (wishes); i++) {
    Bench bench;
    bench_open (&bench, NULL);
    standin_tell ("{'rate': 1000000}");
    g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "F32");
    ParleyTransfer *transfer = begin (&bench, file);
    until (transfer, PARLEY_TRANSFER_DONE, 200000);
    g_autofree char *wish = beside (transfer, PARLEY_WISH_SUFFIX);
    parley_downloads_stop (bench.downloads);
    CHECK (g_file_set_contents (wish, wishes[i].text, -1, NULL));
    bench_open_again (&bench);
    parley_downloads_restore (bench.downloads);
    guint n = g_list_model_get_n_items (G_LIST_MODEL (bench.downloads));
    CHECK_MSG (n == wishes[i].n_listed, "%s: %u", wishes[i].text, n);
    if (n > 0)
      CHECK_MSG (parley_transfer_get_state (nth (bench.downloads, 0)) == wishes[i].state, "%s: %d",
                 wishes[i].text, parley_transfer_get_state (nth (bench.downloads, 0)));
    else
      CHECK (rmdir (bench.folder) == 0);
    standin_tell ("{'rate': 0}");
    if (n > 0) {
      parley_transfer_resume (nth (bench.downloads, 0));
      until (nth (bench.downloads, 0), PARLEY_TRANSFER_DONE, 0);
      CHECK (!has_remains (bench.folder));
    }
    bench_close (&bench);
  }
}

static void
strange_wishes_are_none (void)
{
  g_autofree char *folder = g_dir_make_tmp ("parley-wish-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "x.gguf" PARLEY_WISH_SUFFIX, NULL);
  g_autofree char *target = g_build_filename (folder, "target", NULL);
  CHECK (parley_wish_look (path) == PARLEY_WISH_NONE);
  CHECK (mkfifo (path, 0644) == 0 && parley_wish_take (path) == PARLEY_WISH_NONE);
  CHECK (g_file_set_contents (target, "cancel", -1, NULL) && symlink (target, path) == 0);
  CHECK (parley_wish_take (path) == PARLEY_WISH_NONE);
  CHECK (g_file_test (target, G_FILE_TEST_EXISTS));
  CHECK (parley_wish_leave (path, PARLEY_WISH_CANCEL, NULL));
  CHECK (parley_wish_look (path) == PARLEY_WISH_CANCEL);
  CHECK (parley_wish_leave (path, PARLEY_WISH_PAUSE, NULL));
  CHECK (parley_wish_take (path) == PARLEY_WISH_PAUSE);
  CHECK (parley_wish_take (path) == PARLEY_WISH_NONE);
  CHECK (parley_wish_leave (path, PARLEY_WISH_NONE, NULL));
  remove_tree (folder);
}

int
main (void)
{
  standin_start (NULL);
  RUN (what_one_begins_the_other_follows);
  RUN (nothing_falls_while_another_renames);
  RUN (a_pause_reaches_who_runs_it);
  RUN (a_removal_reaches_who_runs_it);
  RUN (what_ended_elsewhere_has_ended);
  RUN (the_order_is_one);
  RUN (wishes_outlive_who_was_asked);
  RUN (strange_wishes_are_none);
  standin_stop ();
  return test_done ();
}
