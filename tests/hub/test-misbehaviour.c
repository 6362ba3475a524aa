/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every way of the stand-in to misbehave, singly and in pairs: the file at the end is the right
 * one or absent, progress does not fall, the token stays with the hub, and what fails says what to
 * do. With PARLEY_TEST_LONG every pair of two faults.
 */
#include "bench.h"

/* On the way to the file. What is in it may pass or be final: the invariants are the same. */
static const char *const faults[] = {
  "'on': 'cdn', 'do': 'truncate', 'after': 0",
  "'on': 'cdn', 'do': 'truncate', 'after': 1",
  "'on': 'cdn', 'do': 'truncate', 'after': 700000",
  "'on': 'cdn', 'do': 'reset', 'after': 0",
  "'on': 'cdn', 'do': 'reset', 'after': 65536",
  "'on': 'cdn', 'do': 'reset', 'after': 300000",
  "'on': 'cdn', 'do': 'flip', 'at': 0",
  "'on': 'cdn', 'do': 'flip', 'at': 100000",
  "'on': 'cdn', 'do': 'flip', 'at': 400000",
  "'on': 'cdn', 'do': 'ignore-range'",
  "'on': 'cdn', 'do': 'wrong-start'",
  "'on': 'cdn', 'do': 'wrong-total'",
  "'on': 'cdn', 'do': 'wrong-unit'",
  "'on': 'cdn', 'do': 'short-range'",
  "'on': 'cdn', 'do': 'multipart'",
  "'on': 'cdn', 'do': 'gzip'",
  "'on': 'cdn', 'do': 'long'",
  "'on': 'cdn', 'do': 'no-length'",
  "'on': 'cdn', 'do': 'status', 'code': 400",
  "'on': 'cdn', 'do': 'status', 'code': 401",
  "'on': 'cdn', 'do': 'status', 'code': 403",
  "'on': 'cdn', 'do': 'status', 'code': 404",
  "'on': 'cdn', 'do': 'status', 'code': 408",
  "'on': 'cdn', 'do': 'status', 'code': 410",
  "'on': 'cdn', 'do': 'status', 'code': 416",
  "'on': 'cdn', 'do': 'status', 'code': 429",
  "'on': 'cdn', 'do': 'status', 'code': 500",
  "'on': 'cdn', 'do': 'status', 'code': 503",
  "'on': 'cdn', 'do': 'status', 'code': 504",
  "'on': 'cdn', 'do': 'status', 'code': 204",
  "'on': 'cdn', 'do': 'redirect', 'to': 'http://127.0.0.1:1/closed'",
  "'on': 'cdn', 'do': 'loop'",
  "'on': 'resolve', 'do': 'status', 'code': 400",
  "'on': 'resolve', 'do': 'status', 'code': 401",
  "'on': 'resolve', 'do': 'status', 'code': 403",
  "'on': 'resolve', 'do': 'status', 'code': 404",
  "'on': 'resolve', 'do': 'status', 'code': 404, 'headers': {'X-Error-Code': 'EntryNotFound'}",
  "'on': 'resolve', 'do': 'status', 'code': 404, 'headers': {'X-Error-Code': 'RevisionNotFound'}",
  "'on': 'resolve', 'do': 'status', 'code': 404, 'headers': {'X-Error-Code': 'RepoNotFound'}",
  "'on': 'resolve', 'do': 'status', 'code': 403, 'headers': {'X-Error-Code': 'GatedRepo'}",
  "'on': 'resolve', 'do': 'status', 'code': 429, 'headers': {'RateLimit': '\\\"r\\\";r=0;t=0'}",
  "'on': 'resolve', 'do': 'status', 'code': 500",
  "'on': 'resolve', 'do': 'status', 'code': 502",
  "'on': 'resolve', 'do': 'status', 'code': 503, 'times': 3",
  "'on': 'resolve', 'do': 'raw', 'body': '<html>please sign in</html>'",
  "'on': 'resolve', 'do': 'raw', 'body': ''",
  "'on': 'resolve', 'do': 'redirect', 'to': 'file:///etc/passwd'",
  "'on': 'resolve', 'do': 'redirect', 'to': 'ftp://127.0.0.1/x'",
  "'on': 'resolve', 'do': 'redirect', 'to': 'gopher://x.example/'",
  "'on': 'resolve', 'do': 'redirect', 'to': 'javascript:alert(1)'",
  "'on': 'resolve', 'do': 'redirect', 'to': 'http://user:secret@127.0.0.1:1/'",
  "'on': 'resolve', 'do': 'redirect', 'to': 'http://127.0.0.1:1/closed'",
  "'on': 'resolve', 'do': 'redirect', 'to': ''",
  "'on': 'resolve', 'do': 'loop'",
  "'on': 'resolve', 'do': 'direct'",
  "'on': 'resolve', 'do': 'silent'",
  "'on': 'resolve', 'do': 'linked', 'headers': {'X-Linked-Size': '77'}",
  "'on': 'resolve', 'do': 'linked', 'headers': {'X-Linked-Size': '-1'}",
  "'on': 'resolve', 'do': 'linked', 'headers': {'X-Linked-Size': '99999999999999999999'}",
  "'on': 'resolve', 'do': 'linked', 'headers': {'X-Linked-ETag': 'W/\\\"x\\\"'}",
  "'on': 'resolve', 'do': 'linked', 'headers': {'X-Repo-Commit': 'main'}",
  "'on': 'resolve', 'do': 'linked', 'headers': {'X-Repo-Commit': "
  "'0000000000000000000000000000000000000000'}",
};

/* Those that take part in pairs: one of each kind. */
static const guint kinds[] = { 2, 5, 7, 9, 10, 14, 15, 20, 24, 26, 42, 44, 53, 55, 56 };

static gboolean
says_what_to_do (const char *message)
{
  static const char *const verbs[] = { "Try ",    "Leave ",   "try again", "Choose ",
                                       "choose ", "Remove ",  "remove ",   "Accept ",
                                       "accept ", "Set ",     "Ask ",      "Check ",
                                       "Create ", "Download", "Open ",     "again" };
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (strstr (message, verbs[i]))
      return TRUE;
  return FALSE;
}

static gboolean
is_over (ParleyTransfer *transfer)
{
  return !parley_transfer_is_active (transfer);
}

static void
until_over (ParleyTransfer *transfer)
{
  gboolean late = FALSE;
  guint timeout = g_timeout_add_seconds (60, on_timeout, &late);
  while (!late && !is_over (transfer))
    g_main_context_iteration (NULL, TRUE);
  if (!late)
    g_source_remove (timeout);
  CHECK_MSG (!late, "state %d: %s", parley_transfer_get_state (transfer),
             parley_transfer_get_message (transfer));
}

static const char *first, *second; /* of the case; second NULL: one alone */

static void
misbehave (const char *fault)
{
  g_autofree char *command = g_strdup_printf ("{'fault': {%s}}", fault);
  standin_tell (command);
}

static void
one_case (void)
{
  Bench bench;
  bench_open (&bench, NULL);
  g_autoptr (ParleyHubFile) file = get_file (&bench, "fixture/plain", "Q8_0");
  const char *sha256 = parley_hub_file_get_part (file, 0)->sha256;
  misbehave (first);
  if (second)
    misbehave (second);
  ParleyTransfer *transfer = begin (&bench, file);
  gboolean damaged = strstr (first, "flip") || (second && strstr (second, "flip"));
  /* Two final faults end it twice; then nothing is wrong any more. */
  for (guint i = 0; i < 4; i++) {
    until_over (transfer);
    if (parley_transfer_get_state (transfer) == PARLEY_TRANSFER_DONE)
      break;
    const char *message = parley_transfer_get_message (transfer);
    CHECK_MSG (says_what_to_do (message), "%s", message);
    CHECK (parley_transfer_get_state (transfer) == PARLEY_TRANSFER_FAILED);
    CHECK (!g_file_test (parley_transfer_get_path (transfer), G_FILE_TEST_EXISTS));
    parley_transfer_resume (transfer);
  }
  CHECK_MSG (parley_transfer_get_state (transfer) == PARLEY_TRANSFER_DONE, "%s",
             parley_transfer_get_message (transfer));
  check_file (parley_transfer_get_path (transfer), sha256);
  CHECK ((!bench.fell || damaged) && !has_remains (bench.folder));
  CHECK (standin_count ("leaks") == 0 && standin_count ("unranged") == 0);
  bench_close (&bench);
}

/* Before a file is chosen: whatever the lists are, the answer is a list or words. */
static const char *const bodies[] = {
  "",
  "null",
  "3",
  "[",
  "{}",
  "[null, 3, {}]",
  "<html>not JSON</html>",
  "{\\\"error\\\": \\\"no\\\"}",
  "[{\\\"id\\\": \\\"../../etc/passwd\\\"}]",
  "{\\\"id\\\": \\\"fixture/plain\\\"}",
  "{\\\"id\\\": \\\"fixture/plain\\\", \\\"sha\\\": \\\"../x\\\", \\\"siblings\\\": {}}",
  "[{\\\"type\\\": \\\"file\\\", \\\"path\\\": \\\"../x.gguf\\\", \\\"size\\\": 1}]",
};
static const char *place;

static void
one_list (void)
{
  ParleyHub *hub = standin_hub_new (TOKEN);
  g_autofree char *fault =
      g_strdup_printf ("'on': '%s', 'do': 'raw', 'body': '%s', 'times': -1", place, first);
  misbehave (fault);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) found = NULL;
  g_autoptr (ParleyHubModel) model = NULL;
  if (strcmp (place, "search") == 0)
    found = parley_hub_search (hub, "x", PARLEY_HUB_SORT_LIKES, NULL, 10, NULL, NULL, NULL, &error);
  else
    model = parley_hub_details (hub, "fixture/plain", NULL, NULL, &error);
  g_object_unref (hub);
  CHECK ((found || model) != (error != NULL));
  CHECK (!error || (*error->message && g_utf8_validate (error->message, -1, NULL)));
  for (guint i = 0; model && i < g_list_model_get_n_items (parley_hub_model_get_files (model));
       i++) {
    g_autoptr (ParleyHubFile) file = g_list_model_get_item (parley_hub_model_get_files (model), i);
    CHECK (!strstr (parley_hub_file_get_path (file), ".."));
  }
  CHECK (!found || found->len == 0);
  CHECK (standin_count ("leaks") == 0);
}

static void
run_named (void (*fn) (void))
{
  g_autofree char *name = second  ? g_strdup_printf ("%s; %s", first, second)
                          : place ? g_strdup_printf ("%s: %s", place, first)
                                  : g_strdup (first);
  g_strdelimit (name, "#\n", ' ');
  test_run (name, fn);
}

int
main (void)
{
  standin_start (NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++) {
    first = faults[i];
    run_named (one_case);
  }
  gboolean all = g_getenv ("PARLEY_TEST_LONG") != NULL;
  for (gsize i = 0; i < (all ? G_N_ELEMENTS (faults) : G_N_ELEMENTS (kinds)); i++)
    for (gsize k = 0; k < (all ? G_N_ELEMENTS (faults) : G_N_ELEMENTS (kinds)); k++) {
      first = faults[all ? i : kinds[i]];
      second = faults[all ? k : kinds[k]];
      /* A sixth of the pairs shows each kind before and after some others. */
      if (all || (i + 4 * k) % 6 == 0)
        run_named (one_case);
    }
  second = NULL;
  static const char *const places[] = { "search", "info", "tree" };
  for (gsize p = 0; p < G_N_ELEMENTS (places); p++)
    for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++) {
      place = places[p];
      first = bodies[i];
      run_named (one_list);
    }
  standin_stop ();
  return test_done ();
}
