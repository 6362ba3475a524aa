/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Downloads against a stand-in that misbehaves: whatever it does, the file at the end is the right
 * one or none, and what arrived is kept.
 */
#include "bench.h"

#include <sys/file.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void
a_file_arrives (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "Q8_0");
  ParleyTransfer *transfer = begin (&bench, file);
  CHECK (parley_downloads_find (bench.downloads, file) == transfer);
  CHECK (parley_downloads_add (bench.downloads, file, NULL) == transfer);
  until (transfer, PARLEY_TRANSFER_DONE, 0);
  CHECK (parley_transfer_get_bytes_done (transfer) == parley_hub_file_get_size (file));
  CHECK (parley_transfer_get_fraction (transfer) == 1 && !bench.fell);
  g_autofree char *path =
      g_build_filename (bench.folder, "fixture", "plain", "plain-Q8_0.gguf", NULL);
  CHECK_STR (parley_transfer_get_path (transfer), path);
  check_file (path, parley_hub_file_get_part (file, 0)->sha256);
  CHECK (!has_remains (bench.folder));
  CHECK (standin_count ("leaks") == 0 && standin_count ("unranged") == 0);
  CHECK (standin_count ("bytes") == parley_hub_file_get_size (file));
  CHECK (!parley_downloads_find (bench.downloads, file));
  /* Once more: it is there, and is verified rather than fetched. */
  ParleyTransfer *again = parley_downloads_add (bench.downloads, file, NULL);
  CHECK (again && again != transfer);
  until (again, PARLEY_TRANSFER_DONE, 0);
  CHECK (standin_count ("bytes") == parley_hub_file_get_size (file));
  parley_downloads_remove_finished (bench.downloads);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (bench.downloads)) == 0);
  bench_close (&bench);
}

static void
parts_arrive_together (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/sharded", "F32");
  ParleyTransfer *transfer = begin (&bench, file);
  until (transfer, PARLEY_TRANSFER_DONE, 0);
  CHECK (!bench.fell && standin_count ("bytes") == parley_hub_file_get_size (file));
  for (guint i = 0; i < 3; i++) {
    const ParleyHubPart *part = parley_hub_file_get_part (file, i);
    g_autofree char *path = g_build_filename (bench.folder, "fixture/sharded", part->path, NULL);
    check_file (path, part->sha256);
  }
  CHECK (!has_remains (bench.folder));
  g_autoptr (ParleyHubFile) half = get_file (&bench, "fixture/sharded", "Q8_0");
  g_autoptr (GError) error = NULL;
  CHECK (!parley_downloads_add (bench.downloads, half, &error));
  CHECK (strstr (error->message, "missing"));
  bench_close (&bench);
}

/* Each ends with the right file, after some repetition. */
static void
passing_faults_are_survived (void)
{
  static const char *const faults[] = {
    "'on': 'cdn', 'do': 'truncate', 'after': 700000",
    "'on': 'cdn', 'do': 'truncate', 'after': 0",
    "'on': 'cdn', 'do': 'truncate', 'after': 1000, 'times': 3",
    "'on': 'cdn', 'do': 'reset', 'after': 300000",
    "'on': 'cdn', 'do': 'reset', 'after': 0, 'times': 2",
    "'on': 'cdn', 'do': 'stall', 'after': 400000, 'seconds': 8",
    "'on': 'cdn', 'do': 'drip'",
    "'on': 'cdn', 'do': 'long'",
    "'on': 'cdn', 'do': 'status', 'code': 403",
    "'on': 'cdn', 'do': 'status', 'code': 500, 'times': 3",
    "'on': 'cdn', 'do': 'status', 'code': 429, 'headers': {'Retry-After': '1'}",
    "'on': 'cdn', 'do': 'wrong-start'",
    "'on': 'cdn', 'do': 'wrong-unit'",
    "'on': 'cdn', 'do': 'short-range', 'times': 2",
    "'on': 'cdn', 'do': 'multipart'",
    "'on': 'cdn', 'do': 'gzip'",
    "'on': 'cdn', 'do': 'ignore-range'",
    "'on': 'resolve', 'do': 'status', 'code': 503, 'times': 2",
    "'on': 'resolve', 'do': 'status', 'code': 429, 'headers': {'RateLimit': '\\\"r\\\";r=0;t=0'}",
    "'on': 'resolve', 'do': 'loop'",
    "'on': 'resolve', 'do': 'direct'",
    "'on': 'resolve', 'do': 'silent'",
    "'on': 'resolve', 'do': 'raw', 'body': '<html>please sign in to the network</html>'",
  };
  for (size_t i = 0; i < G_N_ELEMENTS (faults); i++) {
    Bench bench;
    bench_open (&bench, NULL);
    printf ("# %s\n", faults[i]);
    g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "Q8_0");
    g_autofree char *command = g_strdup_printf ("{'fault': {%s}}", faults[i]);
    standin_tell (command);
    ParleyTransfer *transfer = begin (&bench, file);
    gboolean html = strstr (faults[i], "html") != NULL;
    until (transfer, html ? PARLEY_TRANSFER_FAILED : PARLEY_TRANSFER_DONE, 0);
    if (html) { /* a whole answer of another length is another file */
      CHECK (strstr (parley_transfer_get_message (transfer), "another file"));
      parley_transfer_resume (transfer);
      until (transfer, PARLEY_TRANSFER_DONE, 0);
    }
    check_file (parley_transfer_get_path (transfer), parley_hub_file_get_part (file, 0)->sha256);
    CHECK (!bench.fell && !has_remains (bench.folder));
    CHECK (standin_count ("leaks") == 0 && standin_count ("unranged") == 0);
    bench_close (&bench);
  }
}

/* Each ends in words, with no file at the place of the finished one. */
static void
final_faults_are_explained (void)
{
  static const struct {
    const char *repo, *fault, *word;
    int code;
    const char *token;
  } faults[] = {
    { "fixture/plain", "'on': 'cdn', 'do': 'flip', 'at': 100000", "SHA-256",
      PARLEY_HUB_ERROR_CHECKSUM, TOKEN },
    { "fixture/plain", "'on': 'cdn', 'do': 'wrong-total'", "another file", PARLEY_HUB_ERROR_CHANGED,
      TOKEN },
    { "fixture/plain", "'on': 'cdn', 'do': 'status', 'code': 403, 'times': -1", "closed",
      PARLEY_HUB_ERROR_FORBIDDEN, TOKEN },
    { "fixture/plain", "'on': 'cdn', 'do': 'status', 'code': 416", "shorter",
      PARLEY_HUB_ERROR_CHANGED, TOKEN },
    { "fixture/plain", "'on': 'cdn', 'do': 'wrong-start', 'times': -1", "another range",
      PARLEY_HUB_ERROR_PROTOCOL, TOKEN },
    { "fixture/plain", "'on': 'cdn', 'do': 'gzip', 'times': -1", "encoding",
      PARLEY_HUB_ERROR_PROTOCOL, TOKEN },
    { "fixture/plain", "'on': 'resolve', 'do': 'redirect', 'to': 'file:///etc/passwd'", "not safe",
      PARLEY_HUB_ERROR_REFUSED, TOKEN },
    { "fixture/plain", "'on': 'resolve', 'do': 'redirect', 'to': 'gopher://x.example/'", "not safe",
      PARLEY_HUB_ERROR_REFUSED, TOKEN },
    { "fixture/plain", "'on': 'resolve', 'do': 'loop', 'times': -1", "again and again",
      PARLEY_HUB_ERROR_PROTOCOL, TOKEN },
    { "fixture/plain", "'on': 'resolve', 'do': 'linked', 'headers': {'X-Linked-Size': '77'}",
      "another file", PARLEY_HUB_ERROR_CHANGED, TOKEN },
    { "fixture/plain",
      "'on': 'resolve', 'do': 'linked', 'headers': {'X-Linked-ETag': "
      "'\\\"0000000000000000000000000000000000000000000000000000000000000000\\\"'}",
      "another file", PARLEY_HUB_ERROR_CHANGED, TOKEN },
    { "fixture/plain",
      "'on': 'resolve', 'do': 'linked', 'headers': {'X-Repo-Commit': "
      "'0000000000000000000000000000000000000000'}",
      "another file", PARLEY_HUB_ERROR_CHANGED, TOKEN },
    { "fixture/plain",
      "'on': 'resolve', 'do': 'status', 'code': 404, 'headers': {'X-Error-Code': 'EntryNotFound'}",
      "not there any more", PARLEY_HUB_ERROR_NOT_FOUND, TOKEN },
    { "fixture/automatic", NULL, "accept its terms", PARLEY_HUB_ERROR_GATED, NULL },
    { "fixture/manual", NULL, "account that your access token", PARLEY_HUB_ERROR_GATED, TOKEN },
    { "fixture/closed", NULL, "disabled", PARLEY_HUB_ERROR_FORBIDDEN, TOKEN },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (faults); i++) {
    Bench bench;
    bench_open (&bench, NULL);
    printf ("# %s %s\n", faults[i].repo, faults[i].fault ? faults[i].fault : "");
    parley_hub_set_token (bench.hub, faults[i].token);
    g_autoptr (ParleyHubFile) file = get_file (&bench, faults[i].repo, "Q8_0");
    g_autofree char *command =
        faults[i].fault ? g_strdup_printf ("{'fault': {%s}}", faults[i].fault) : NULL;
    if (command)
      standin_tell (command);
    ParleyTransfer *transfer = begin (&bench, file);
    until (transfer, PARLEY_TRANSFER_FAILED, 0);
    const char *message = parley_transfer_get_message (transfer);
    CHECK_MSG (strstr (message, faults[i].word), "%s", message);
    CHECK_MSG (
        g_error_matches (parley_transfer_get_error (transfer), PARLEY_HUB_ERROR, faults[i].code),
        "%d", parley_transfer_get_error (transfer)->code);
    CHECK (!g_file_test (parley_transfer_get_path (transfer), G_FILE_TEST_EXISTS));
    CHECK (standin_count ("leaks") == 0);
    if (faults[i].fault) { /* once the fault is gone, trying again succeeds */
      standin_tell ("{'reset': true}");
      parley_transfer_resume (transfer);
      until (transfer, PARLEY_TRANSFER_DONE, 0);
      check_file (parley_transfer_get_path (transfer), parley_hub_file_get_part (file, 0)->sha256);
    } else {
      parley_transfer_cancel (transfer);
      CHECK (parley_transfer_get_state (transfer) == PARLEY_TRANSFER_CANCELLED);
      CHECK (rmdir (bench.folder) == 0 && g_mkdir (bench.folder, 0755) == 0);
    }
    bench_close (&bench);
  }
}

static void
pausing_keeps_and_resuming_goes_on (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  standin_tell ("{'rate': 2000000}");
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "F32");
  ParleyTransfer *transfer = begin (&bench, file);
  until (transfer, PARLEY_TRANSFER_DONE, 500000);
  parley_transfer_pause (transfer);
  until (transfer, PARLEY_TRANSFER_PAUSED, 0);
  CHECK_STR (parley_transfer_get_message (transfer), "");
  g_autofree char *part = g_strconcat (parley_transfer_get_path (transfer), ".part", NULL);
  GStatBuf info;
  CHECK (g_stat (part, &info) == 0);
  guint64 there = (guint64) info.st_size;
  CHECK (there >= 500000 && there < parley_hub_file_get_size (file));
  CHECK (parley_transfer_get_bytes_done (transfer) == there);

  /* A pause outlives the program. */
  bench_open_again (&bench);
  parley_downloads_restore (bench.downloads);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (bench.downloads)) == 1);
  g_autoptr (ParleyTransfer) restored = g_list_model_get_item (G_LIST_MODEL (bench.downloads), 0);
  CHECK (parley_transfer_get_state (restored) == PARLEY_TRANSFER_PAUSED);
  CHECK (parley_transfer_get_bytes_done (restored) == there);
  CHECK (parley_downloads_find (bench.downloads, file) == restored);
  standin_tell ("{'rate': 0}");
  parley_transfer_resume (restored);
  until (restored, PARLEY_TRANSFER_DONE, 0);
  check_file (parley_transfer_get_path (restored), parley_hub_file_get_part (file, 0)->sha256);
  g_autofree char *range = NULL;
  g_autofree char *expected = g_strdup_printf ("bytes=%" G_GUINT64_FORMAT "-", there);
  CHECK (standin_requests ("/bridge/", &range) == 2);
  CHECK_STR (range, expected);
  bench_close (&bench);
}

static void
a_restart_goes_on_by_itself (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  standin_tell ("{'rate': 2000000}");
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "F32");
  ParleyTransfer *transfer = begin (&bench, file);
  until (transfer, PARLEY_TRANSFER_DONE, 300000);
  parley_downloads_stop (bench.downloads);
  CHECK (parley_transfer_get_state (transfer) == PARLEY_TRANSFER_QUEUED);
  standin_tell ("{'rate': 0}");
  bench_open_again (&bench);
  parley_downloads_restore (bench.downloads);
  g_autoptr (ParleyTransfer) restored = g_list_model_get_item (G_LIST_MODEL (bench.downloads), 0);
  until (restored, PARLEY_TRANSFER_DONE, 0);
  check_file (parley_transfer_get_path (restored), parley_hub_file_get_part (file, 0)->sha256);
  CHECK (!has_remains (bench.folder));
  bench_close (&bench);
}

/* After a crash of the computer only what was forced to the disk counts: at most 64 MiB are fetched
 * again, and what the disk has beyond is not believed. */
static void
a_crash_of_the_computer_costs_what_was_not_synced (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  standin_tell ("{'rate': 2000000}");
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "F32");
  ParleyTransfer *transfer = begin (&bench, file);
  until (transfer, PARLEY_TRANSFER_DONE, 600000);
  parley_downloads_stop (bench.downloads);
  g_autofree char *part = g_strconcat (parley_transfer_get_path (transfer), ".part", NULL);
  g_autofree char *described = g_strconcat (part, ".json", NULL);
  g_autofree char *text = NULL;
  CHECK (g_file_get_contents (described, &text, NULL, NULL));
  g_autoptr (GString) changed = g_string_new (text);
  CHECK (g_string_replace (changed, "\"boot\" : \"", "\"boot\" : \"another ", 0) == 1);
  CHECK (g_string_replace (changed, "\"synced\" : 0", "\"synced\" : 400000", 0) == 1);
  CHECK (g_file_set_contents (described, changed->str, -1, NULL));
  /* Blocks that never reached the disk read as zeros. */
  int fd = open (part, O_WRONLY | O_CLOEXEC);
  static const char zeros[100000];
  CHECK (fd >= 0 && pwrite (fd, zeros, sizeof zeros, 450000) == sizeof zeros);
  close (fd);

  standin_tell ("{'rate': 0}");
  bench_open_again (&bench);
  parley_downloads_restore (bench.downloads);
  g_autoptr (ParleyTransfer) restored = g_list_model_get_item (G_LIST_MODEL (bench.downloads), 0);
  CHECK (parley_transfer_get_bytes_done (restored) == 400000);
  until (restored, PARLEY_TRANSFER_DONE, 0);
  check_file (parley_transfer_get_path (restored), parley_hub_file_get_part (file, 0)->sha256);
  g_autofree char *range = NULL;
  CHECK (standin_requests ("/bridge/", &range) == 2);
  CHECK_STR (range, "bytes=400000-");
  bench_close (&bench);
}

static void
hostile_descriptions_are_not_restored (void)
{
  static const char *const contents[] = {
    "",
    "[]",
    "{}",
    "nonsense",
    "{'version': 1}",
    "{'version': 1, 'endpoint': 'H', 'repo': '../..', 'commit': 'C', 'parts': [P]}",
    "{'version': 1, 'endpoint': 'H', 'repo': 'fixture/plain', 'commit': 'x', 'parts': [P]}",
    "{'version': 1, 'endpoint': 'H', 'repo': 'fixture/plain', 'commit': 'C', 'parts': []}",
    "{'version': 1, 'endpoint': 'H', 'repo': 'fixture/plain', 'commit': 'C', 'parts': [{'path': "
    "'../../../x.gguf', 'size': 5, 'sha256': 'S'}]}",
    "{'version': 1, 'endpoint': 'H', 'repo': 'fixture/plain', 'commit': 'C', 'parts': [{'path': "
    "'a.gguf', 'size': -5, 'sha256': 'S'}]}",
    /* of another place than where it lies */
    "{'version': 1, 'endpoint': 'H', 'repo': 'fixture/other', 'commit': 'C', 'parts': [P]}",
    "{'version': 2, 'endpoint': 'H', 'repo': 'fixture/plain', 'commit': 'C', 'parts': [P]}",
  };
  Bench bench;
  bench_open (&bench, NULL);
  g_autofree char *folder = g_build_filename (bench.folder, "fixture", "plain", NULL);
  CHECK (g_mkdir_with_parents (folder, 0755) == 0);
  g_autofree char *path = g_build_filename (folder, "a.gguf.part.json", NULL);
  g_autofree char *digits = g_strnfill (64, 'a');
  g_autofree char *sha = g_strdup_printf ("'%s'", digits);
  g_autofree char *commit = g_strdup_printf ("'%.40s'", digits);
  for (size_t i = 0; i < G_N_ELEMENTS (contents); i++) {
    g_autoptr (GString) text = g_string_new (contents[i]);
    g_string_replace (text, "[P]", "[{'path': 'a.gguf', 'size': 5, 'sha256': 'S'}]", 0);
    g_string_replace (text, "'S'", sha, 0);
    g_string_replace (text, "'C'", commit, 0);
    g_strdelimit (text->str, "'", '"');
    CHECK (g_file_set_contents (path, text->str, -1, NULL));
    parley_downloads_restore (bench.downloads);
    CHECK_MSG (g_list_model_get_n_items (G_LIST_MODEL (bench.downloads)) == 0, "%s", text->str);
  }
  bench_close (&bench);
}

static void
cancelling_leaves_nothing (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  standin_tell ("{'rate': 2000000}");
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/sharded", "F32");
  ParleyTransfer *transfer = begin (&bench, file);
  /* The first part is in its place by then. */
  until (transfer, PARLEY_TRANSFER_DONE, parley_hub_file_get_part (file, 0)->size + 1000);
  CHECK (g_file_test (parley_transfer_get_path (transfer), G_FILE_TEST_EXISTS));
  parley_transfer_cancel (transfer);
  until (transfer, PARLEY_TRANSFER_CANCELLED, 0);
  CHECK (rmdir (bench.folder) == 0); /* empty */
  bench_close (&bench);
}

static void
two_run_and_the_third_waits (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  standin_tell ("{'rate': 1000000}");
  g_autoptr (ParleyHubFile) one = get_file (&bench, "fixture/plain", "Q8_0");
  g_autoptr (ParleyHubFile) two = get_file (&bench, "fixture/plain", "F32");
  g_autoptr (ParleyHubFile) three = get_file (&bench, "fixture/sharded", "F32");
  ParleyTransfer *a = begin (&bench, one), *b = begin (&bench, two), *c = begin (&bench, three);
  CHECK (parley_transfer_get_state (c) == PARLEY_TRANSFER_QUEUED);
  until (a, PARLEY_TRANSFER_RUNNING, 0);
  until (b, PARLEY_TRANSFER_RUNNING, 0);
  CHECK (parley_transfer_get_state (c) == PARLEY_TRANSFER_QUEUED);
  parley_transfer_pause (a);
  until (c, PARLEY_TRANSFER_RUNNING, 0);
  parley_transfer_resume (a);
  until (a, PARLEY_TRANSFER_QUEUED, 0);
  standin_tell ("{'rate': 0}");
  until (a, PARLEY_TRANSFER_DONE, 0);
  until (b, PARLEY_TRANSFER_DONE, 0);
  until (c, PARLEY_TRANSFER_DONE, 0);
  bench_close (&bench);
}

static void
another_version_gets_its_own_folder (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "Q8_0");
  g_autofree char *place =
      g_build_filename (bench.folder, "fixture", "plain", "plain-Q8_0.gguf", NULL);
  g_autofree char *folder = g_path_get_dirname (place);
  CHECK (g_mkdir_with_parents (folder, 0755) == 0);
  CHECK (g_file_set_contents (place, "an older version, in use", -1, NULL));
  ParleyTransfer *transfer = begin (&bench, file);
  until (transfer, PARLEY_TRANSFER_DONE, 0);
  g_autofree char *expected = g_strdup_printf ("%s/fixture/plain@%.7s/plain-Q8_0.gguf",
                                               bench.folder, parley_hub_file_get_commit (file));
  CHECK_STR (parley_transfer_get_path (transfer), expected);
  check_file (expected, parley_hub_file_get_part (file, 0)->sha256);
  g_autofree char *old = NULL;
  CHECK (g_file_get_contents (place, &old, NULL, NULL));
  CHECK_STR (old, "an older version, in use");
  CHECK (!has_remains (bench.folder));
  bench_close (&bench);
}

static void
a_moving_branch_does_not_matter (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "mmproj-plain-F16.gguf");
  standin_tell ("{'move': {'repo': 'fixture/plain', 'path': 'mmproj-plain-F16.gguf'}}");
  ParleyTransfer *transfer = begin (&bench, file);
  until (transfer, PARLEY_TRANSFER_DONE, 0);
  check_file (parley_transfer_get_path (transfer), parley_hub_file_get_part (file, 0)->sha256);
  bench_close (&bench);
}

static void
one_program_at_a_time (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "Q8_0");
  g_autofree char *folder = g_build_filename (bench.folder, "fixture", "plain", NULL);
  CHECK (g_mkdir_with_parents (folder, 0755) == 0);
  g_autofree char *lock = g_build_filename (folder, "plain-Q8_0.gguf.part.lock", NULL);
  int fd = open (lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  CHECK (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0);
  ParleyTransfer *transfer = begin (&bench, file);
  until (transfer, PARLEY_TRANSFER_WAITING, 0);
  CHECK (strstr (parley_transfer_get_message (transfer), "Another Parley"));
  CHECK (standin_count ("bytes") == 0);
  close (fd);
  until (transfer, PARLEY_TRANSFER_DONE, 0);
  CHECK (!has_remains (bench.folder));
  bench_close (&bench);
}

static void
a_full_disk_pauses (void)
{
  g_autofree char *disk = g_dir_make_tmp ("parley-disk-XXXXXX", NULL);
  if (mount ("none", disk, "tmpfs", 0, "size=1536k") != 0) {
    g_rmdir (disk);
    SKIP ("a small file system cannot be mounted here");
  }
  Bench bench;
  g_autofree char *folder = g_build_filename (disk, "models", NULL);
  bench_open (&bench, folder);
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "F32");
  ParleyTransfer *transfer = begin (&bench, file);
  until (transfer, PARLEY_TRANSFER_PAUSED, 0);
  CHECK (strstr (parley_transfer_get_message (transfer), "not enough space"));
  CHECK (standin_count ("bytes") == 0);
  parley_transfer_cancel (transfer);

  /* Space that goes away while bytes arrive: what is there stays, and is gone on with. */
  g_autoptr (ParleyHubFile) small = get_file (&bench, "fixture/plain", "imatrix-plain.gguf");
  guint64 size = parley_hub_file_get_size (small);
  CHECK (mount ("none", disk, "tmpfs", MS_REMOUNT, "size=16m") == 0);
  standin_tell ("{'rate': 2000000}");
  ParleyTransfer *second = begin (&bench, small);
  until (second, PARLEY_TRANSFER_DONE, 200000);
  g_autofree char *ballast = g_build_filename (disk, "ballast", NULL);
  int fd = open (ballast, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  static const char zeros[65536];
  while (write (fd, zeros, sizeof zeros) > 0) {
  }
  close (fd);
  standin_tell ("{'rate': 0}");
  until (second, PARLEY_TRANSFER_PAUSED, 0);
  CHECK_MSG (strstr (parley_transfer_get_message (second), "disk is full") ||
                 strstr (parley_transfer_get_message (second), "not enough space"),
             "%s", parley_transfer_get_message (second));
  guint64 before = parley_transfer_get_bytes_done (second);
  CHECK (before >= 200000 && before < size);
  g_unlink (ballast);
  parley_transfer_resume (second);
  until (second, PARLEY_TRANSFER_DONE, 0);
  CHECK (!bench.fell);
  check_file (parley_transfer_get_path (second), parley_hub_file_get_part (small, 0)->sha256);
  g_autofree char *range = NULL;
  g_autofree char *expected = g_strdup_printf ("bytes=%" G_GUINT64_FORMAT "-", before);
  standin_requests ("/bridge/", &range);
  CHECK_STR (range, expected);
  bench_close (&bench);
  umount (disk);
  g_rmdir (disk);
}

/* A file system of 64 MB on which, at fifty points of a download, no byte more has room. */
static void
a_disk_fills_at_fifty_points (void)
{
  g_autofree char *disk = g_dir_make_tmp ("parley-disk-XXXXXX", NULL);
  if (mount ("none", disk, "tmpfs", 0, "size=64m") != 0) {
    g_rmdir (disk);
    SKIP ("a small file system cannot be mounted here");
  }
  g_autofree char *folder = g_build_filename (disk, "models", NULL);
  for (guint i = 0; i < 50; i++) {
    Bench bench;
    bench_open (&bench, folder);
    _parley_downloads_set_space_poll (bench.downloads, 20);
    standin_tell ("{'rate': 1000000}");
    g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "F32");
    guint64 size = parley_hub_file_get_size (file), point = (i + 2) * size / 52;
    ParleyTransfer *transfer = begin (&bench, file);
    until (transfer, PARLEY_TRANSFER_DONE, 1);
    g_autofree char *option = g_strdup_printf ("size=%" G_GUINT64_FORMAT, point);
    CHECK_MSG (mount ("none", disk, "tmpfs", MS_REMOUNT, option) == 0, "%s", option);
    standin_tell ("{'rate': 0}");
    until (transfer, PARLEY_TRANSFER_PAUSED, 0);
    const char *message = parley_transfer_get_message (transfer);
    CHECK_MSG (strstr (message, "are needed") && strstr (message, "are free"), "%s", message);
    guint64 before = parley_transfer_get_bytes_done (transfer);
    CHECK (before > 0 && before <= point && !bench.fell);
    CHECK (!g_file_test (parley_transfer_get_path (transfer), G_FILE_TEST_EXISTS));
    CHECK (mount ("none", disk, "tmpfs", MS_REMOUNT, "size=64m") == 0);
    until (transfer, PARLEY_TRANSFER_DONE, 0); /* by itself */
    CHECK (!bench.fell && !has_remains (folder));
    check_file (parley_transfer_get_path (transfer), parley_hub_file_get_part (file, 0)->sha256);
    g_autofree char *range = NULL;
    g_autofree char *expected = g_strdup_printf ("bytes=%" G_GUINT64_FORMAT "-", before);
    standin_requests ("/bridge/", &range);
    CHECK_STR (range, expected);
    bench_close (&bench);
  }
  umount (disk);
  g_rmdir (disk);
}

static void
the_order_is_kept (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  parley_downloads_set_limit (bench.downloads, 1);
  standin_tell ("{'rate': 500000}");
  g_autoptr (ParleyHubFile) one = get_file (&bench, "fixture/plain", "F32");
  g_autoptr (ParleyHubFile) two = get_file (&bench, "fixture/plain", "Q8_0");
  g_autoptr (ParleyHubFile) three = get_file (&bench, "fixture/plain", "imatrix-plain.gguf");
  begin (&bench, one);
  begin (&bench, two);
  ParleyTransfer *last = begin (&bench, three);
  parley_downloads_move (bench.downloads, last, 1);
  g_autoptr (ParleyTransfer) second = g_list_model_get_item (G_LIST_MODEL (bench.downloads), 1);
  CHECK (second == last && parley_transfer_get_state (last) == PARLEY_TRANSFER_QUEUED);
  bench_open_again (&bench);
  parley_downloads_set_limit (bench.downloads, 1);
  parley_downloads_restore (bench.downloads);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (bench.downloads)) == 3);
  g_autoptr (ParleyTransfer) again = g_list_model_get_item (G_LIST_MODEL (bench.downloads), 1);
  CHECK_STR (parley_transfer_get_name (again), "imatrix-plain.gguf");
  standin_tell ("{'rate': 0}");
  until (again, PARLEY_TRANSFER_DONE, 0);
  g_autoptr (ParleyTransfer) third = g_list_model_get_item (G_LIST_MODEL (bench.downloads), 2);
  until (third, PARLEY_TRANSFER_DONE, 0);
  bench_close (&bench);
}

static void
metered_networks_are_spared (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  standin_tell ("{'rate': 1000000}");
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "F32");
  ParleyTransfer *transfer = begin (&bench, file);
  until (transfer, PARLEY_TRANSFER_DONE, 200000);
  _parley_downloads_set_metered (bench.downloads, TRUE);
  until (transfer, PARLEY_TRANSFER_QUEUED, 0);
  CHECK (strstr (parley_transfer_get_message (transfer), "paid by the byte"));
  guint64 there = parley_transfer_get_bytes_done (transfer);
  CHECK (there >= 200000 && there < parley_hub_file_get_size (file));
  standin_tell ("{'rate': 0}");
  parley_downloads_set_allow_metered (bench.downloads, TRUE);
  until (transfer, PARLEY_TRANSFER_DONE, 0);
  CHECK (!bench.fell);
  check_file (parley_transfer_get_path (transfer), parley_hub_file_get_part (file, 0)->sha256);
  bench_close (&bench);
}

static void
unsafe_files_are_never_begun (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  g_autofree char *commit = g_strnfill (40, 'a');
  static const char *const paths[] = { "../x.gguf",   "/x.gguf",  "a/../x.gguf",
                                       "x.gguf.part", "CON.gguf", "a\\b.gguf" };
  for (size_t i = 0; i < G_N_ELEMENTS (paths); i++) {
    ParleyHubPart part = { .path = paths[i], .size = 10 };
    memset (part.sha256, 'a', 64);
    g_autoptr (ParleyHubFile) file =
        parley_hub_file_new ("a/b", commit, PARLEY_HUB_FILE_MODEL, &part, 1);
    g_autoptr (GError) error = NULL;
    CHECK (!parley_downloads_add (bench.downloads, file, &error));
    CHECK (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFUSED));
  }
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHubFile) unsigned_file = get_file (&bench, "fixture/unsigned", "Q8_0");
  CHECK (!parley_downloads_add (bench.downloads, unsigned_file, &error));
  CHECK (strstr (error->message, "no checksum"));
  CHECK (rmdir (bench.folder) == 0);
  bench_close (&bench);
}

int
main (void)
{
  standin_start (NULL);
  RUN (a_file_arrives);
  RUN (parts_arrive_together);
  RUN (passing_faults_are_survived);
  RUN (final_faults_are_explained);
  RUN (pausing_keeps_and_resuming_goes_on);
  RUN (a_restart_goes_on_by_itself);
  RUN (a_crash_of_the_computer_costs_what_was_not_synced);
  RUN (hostile_descriptions_are_not_restored);
  RUN (cancelling_leaves_nothing);
  RUN (two_run_and_the_third_waits);
  RUN (another_version_gets_its_own_folder);
  RUN (a_moving_branch_does_not_matter);
  RUN (one_program_at_a_time);
  RUN (a_full_disk_pauses);
  RUN (a_disk_fills_at_fifty_points);
  RUN (the_order_is_kept);
  RUN (metered_networks_are_spared);
  RUN (unsafe_files_are_never_begun);
  standin_stop ();
  return test_done ();
}
