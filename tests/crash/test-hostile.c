/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an engine process says is not believed: every nonsense of hostile-worker.c ends it, keeps
 * the text that came before, and never harms the program that asked.
 */
#include "worker-fixture.h"

#include <signal.h>

static Fixture f;

static gboolean
load_hostile (const char *mode, GError **error)
{
  g_autofree char *program =
      g_build_filename (g_getenv ("PARLEY_TEST_BUILD"), "tests/crash/hostile-worker", NULL);
  struct pe_plan_request plan = small_plan (0);
  g_setenv ("HOSTILE", mode, TRUE);
  fixture_init (&f, program);
  return fixture_load (&f, "/proc/self/exe", &plan, error);
}

static void
never_loads (void)
{
  static const char *const modes[] = { "noise",       "silent-death", "hello-type",
                                       "old",         "progress-nan", "empty-model",
                                       "many-layers", "no-context",   "layers-beyond" };
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autoptr (GError) error = NULL;
    CHECK_MSG (!load_hostile (modes[i], &error), "%s", modes[i]);
    CHECK_MSG (error->domain == PARLEY_WORKER_ERROR, "%s: %s", modes[i], error->message);
    CHECK_MSG (parley_worker_client_get_pid (f.client) == 0, "%s", modes[i]);
    CHECK_MSG (parley_worker_client_get_state (f.client) != PARLEY_WORKER_READY, "%s", modes[i]);
    fixture_clear (&f);
  }
}

static gboolean
is_clean (const char *text)
{
  for (; *text; text++)
    if (g_ascii_iscntrl (*text))
      return FALSE;
  return TRUE;
}

static void
cleans_what_people_see (void)
{
  g_autoptr (GError) error = NULL;
  CHECK (!load_hostile ("foreign-error", &error));
  CHECK (g_error_matches (error, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_PROTOCOL));
  CHECK (is_clean (error->message));
  fixture_clear (&f);

  g_clear_error (&error);
  CHECK (load_hostile ("sound", &error));
  CHECK (is_clean (parley_worker_client_get_model (f.client)->name));
  CHECK (is_clean (parley_worker_client_get_confinement (f.client)));
  ParleyGenerationRequest request = plain_request (1);
  fixture_generate (&f, &request);
  CHECK_STR (f.text->str, "xxxx");
  const GError *problem = parley_generation_get_error (f.generation);
  CHECK (problem && problem->domain == PARLEY_WORKER_ERROR && is_clean (problem->message));
  CHECK (parley_worker_client_get_state (f.client) == PARLEY_WORKER_READY);
  fixture_clear (&f);
}

/* The reply's text up to the nonsense is there, and the process is not. */
static void
check_ended (const char *mode, ParleyWorkerError code)
{
  CHECK_MSG (load_hostile (mode, NULL), "%s", mode);
  ParleyGenerationRequest request = plain_request (1);
  fixture_generate (&f, &request);
  const GError *error = parley_generation_get_error (f.generation);
  CHECK_MSG (g_error_matches (error, PARLEY_WORKER_ERROR, (int) code), "%s: %s", mode,
             error ? error->message : "no error");
  CHECK_MSG (g_str_has_prefix (f.text->str, "xxxx"), "%s: %s", mode, f.text->str);
  CHECK_MSG (f.n_crashes == 1 && f.n_done == 1, "%s", mode);
  CHECK_MSG (parley_worker_client_get_state (f.client) == PARLEY_WORKER_CRASHED, "%s", mode);
  CHECK_MSG (parley_worker_client_get_pid (f.client) == 0, "%s", mode);
  CHECK_STR (parley_worker_client_get_message (f.client), f.crash);
}

static void
ends_what_talks_nonsense (void)
{
  static const char *const modes[] = { "gap",      "again",        "no-such-reply", "kind",
                                       "huge",     "many",         "empty",         "flood",
                                       "progress", "placed",       "done-early",    "done-tokens",
                                       "done-nan", "done-nothing", "types" };
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++) {
    check_ended (modes[i], PARLEY_WORKER_ERROR_PROTOCOL);
    gsize most = strcmp (modes[i], "flood") == 0 ? 16u << 20 : 1000;
    CHECK_MSG (f.text->len <= most, "%s: %zu bytes", modes[i], f.text->len);
    fixture_clear (&f);
  }
}

static void
says_how_it_died (void)
{
  static const struct {
    const char *mode, *word;
  } cases[] = { { "segfault", "signal 11" },
                { "bus", "signal 7" },
                { "exit", "status 3" },
                { "raw-bytes", "" },
                { "hang-up", "" } };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    check_ended (cases[i].mode, PARLEY_WORKER_ERROR_CRASHED);
    CHECK_MSG (strstr (f.crash, cases[i].word), "%s: %s", cases[i].mode, f.crash);
    fixture_clear (&f);
  }
}

static void
checks_numbers_of_answers (void)
{
  CHECK (load_hostile ("memory", NULL));
  CHECK (fixture_memory (&f) == NULL);
  CHECK (parley_worker_client_get_state (f.client) == PARLEY_WORKER_CRASHED && f.n_crashes == 1);
  fixture_clear (&f);
  CHECK (load_hostile ("memory", NULL));
  CHECK (!fixture_place (&f, 1, NULL));
  CHECK (parley_worker_client_get_state (f.client) == PARLEY_WORKER_CRASHED);
  CHECK (parley_worker_client_get_gpu_layers (f.client) == 0);
  fixture_clear (&f);
}

static void
unloads_in_the_middle (void)
{
  CHECK (load_hostile ("quiet", NULL));
  ParleyGenerationRequest request = plain_request (1);
  fixture_start (&f, &request);
  WAIT_FOR (f.n_parts == 1);
  GPid pid = parley_worker_client_get_pid (f.client);
  parley_worker_client_unload (f.client);
  CHECK (f.n_done == 1 && f.n_crashes == 0);
  CHECK (parley_generation_get_stats (f.generation)->stop == PARLEY_GENERATION_CANCELLED);
  WAIT_FOR (kill (pid, 0) != 0);
  fixture_clear (&f);
}

int
main (void)
{
  RUN (never_loads);
  RUN (cleans_what_people_see);
  RUN (ends_what_talks_nonsense);
  RUN (says_how_it_died);
  RUN (checks_numbers_of_answers);
  RUN (unloads_in_the_middle);
  return test_done ();
}
