/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A worker client with everything that it said written down, and calls that wait in a main loop.
 */
#pragma once

#include "harness.h"
#include "worker/parley-worker-client.h"

#define GUARD_SECONDS 60 /* against hanging only */

/* What stories260k.gguf says after PROMPT, always taking the likeliest token. */
#define PROMPT "Once upon a time"
#define STORY                                                                                      \
  ", there was a little girl named Lily. She loved to play outside in the park. One day, she saw " \
  "a big, red ball. She wanted to play with it, but it was too high.\nLily's mom said, \"Lily, "   \
  "let's go to the park.\" Lily was sad and didn't know what to do. She said, \"I want to play "   \
  "with your ball, but I can't"

typedef struct {
  ParleyWorkerClient *client;
  char *crash; /* the reason, once it crashed */
  guint n_crashes;
  GString *text;  /* of the last generation */
  GString *other; /* reasoning and calls */
  guint n_parts, n_progress, n_done;
  guint last_done, last_total;
  ParleyGeneration *generation;
  void (*on_part) (gpointer fixture); /* called after each part */
} Fixture;

static inline void
fixture_crashed (ParleyWorkerClient *client, const char *reason, Fixture *f)
{
  g_free (f->crash);
  f->crash = g_strdup (reason);
  f->n_crashes++;
}

static inline void
fixture_init (Fixture *f, const char *program)
{
  *f = (Fixture){ 0 };
  f->client = g_object_new (PARLEY_TYPE_WORKER_CLIENT, "program", program, NULL);
  f->text = g_string_new (NULL);
  f->other = g_string_new (NULL);
  g_signal_connect (f->client, "crashed", G_CALLBACK (fixture_crashed), f);
}

static inline void
fixture_clear (Fixture *f)
{
  if (f->generation)
    g_signal_handlers_disconnect_by_data (f->generation, f);
  g_clear_object (&f->generation);
  g_signal_handlers_disconnect_by_data (f->client, f);
  g_object_add_weak_pointer (G_OBJECT (f->client), (gpointer *) &f->client);
  parley_worker_client_unload (f->client);
  g_object_unref (f->client);
  g_string_free (f->text, TRUE);
  g_string_free (f->other, TRUE);
  g_free (f->crash);
  /* Answers that are still on their way hold references; they come at once. */
  gint64 limit = g_get_monotonic_time () + GUARD_SECONDS * G_USEC_PER_SEC;
  while (f->client && g_get_monotonic_time () < limit)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
  CHECK (f->client == NULL);
}

/* Runs the main loop until the condition holds; FALSE: it never did. */
#define WAIT_FOR(condition)                                                                        \
  do {                                                                                             \
    gint64 wait_limit = g_get_monotonic_time () + GUARD_SECONDS * G_USEC_PER_SEC;                  \
    while (!(condition) && g_get_monotonic_time () < wait_limit)                                   \
      if (!g_main_context_iteration (NULL, FALSE))                                                 \
        g_usleep (500);                                                                            \
    CHECK (condition);                                                                             \
  } while (0)

typedef struct {
  gboolean done;
  GAsyncResult *result;
} Waiting;

static inline void
waiting_done (GObject *object, GAsyncResult *result, gpointer data)
{
  Waiting *w = data;
  w->done = TRUE;
  w->result = g_object_ref (result);
}

static inline gboolean
fixture_load (Fixture *f, const char *path, const struct pe_plan_request *request, GError **error)
{
  Waiting w = { 0 };
  parley_worker_client_load_async (f->client, path, request, NULL, waiting_done, &w);
  WAIT_FOR (w.done);
  g_autoptr (GAsyncResult) result = w.result;
  return parley_worker_client_load_finish (f->client, result, error);
}

static inline gboolean
fixture_place (Fixture *f, guint n, GError **error)
{
  Waiting w = { 0 };
  parley_worker_client_place_async (f->client, n, NULL, waiting_done, &w);
  WAIT_FOR (w.done);
  g_autoptr (GAsyncResult) result = w.result;
  return parley_worker_client_place_finish (f->client, result, error);
}

static inline ParleyWorkerCounters
fixture_counters (Fixture *f)
{
  Waiting w = { 0 };
  ParleyWorkerCounters counters = { 0 };
  parley_worker_client_counters_async (f->client, NULL, waiting_done, &w);
  WAIT_FOR (w.done);
  g_autoptr (GAsyncResult) result = w.result;
  CHECK (parley_worker_client_counters_finish (f->client, result, &counters, NULL));
  return counters;
}

static inline GArray *
fixture_memory (Fixture *f)
{
  Waiting w = { 0 };
  parley_worker_client_memory_async (f->client, NULL, waiting_done, &w);
  WAIT_FOR (w.done);
  g_autoptr (GAsyncResult) result = w.result;
  return parley_worker_client_memory_finish (f->client, result, NULL);
}

static inline ParleyTokenCount *
fixture_count (Fixture *f, const ParleyGenerationRequest *request, GError **error)
{
  Waiting w = { 0 };
  parley_worker_client_count_async (f->client, request, NULL, waiting_done, &w);
  WAIT_FOR (w.done);
  g_autoptr (GAsyncResult) result = w.result;
  return parley_worker_client_count_finish (f->client, result, error);
}

static inline void
fixture_part (ParleyGeneration *generation, ParleyTextKind kind, const char *name, const char *text,
              Fixture *f)
{
  g_string_append (kind == PARLEY_TEXT_ANSWER ? f->text : f->other, text);
  f->n_parts++;
  if (f->on_part)
    f->on_part (f);
}

static inline void
fixture_progress (ParleyGeneration *generation, guint done, guint total, Fixture *f)
{
  f->n_progress++;
  f->last_done = done;
  f->last_total = total;
}

static inline void
fixture_done (ParleyGeneration *generation, Fixture *f)
{
  f->n_done++;
}

/* Starts; what came of the one before is forgotten. */
static inline void
fixture_start (Fixture *f, const ParleyGenerationRequest *request)
{
  if (f->generation)
    g_signal_handlers_disconnect_by_data (f->generation, f);
  g_clear_object (&f->generation);
  g_string_truncate (f->text, 0);
  g_string_truncate (f->other, 0);
  f->n_parts = f->n_progress = f->n_done = f->last_done = f->last_total = 0;
  f->generation = parley_worker_client_generate (f->client, request);
  g_signal_connect (f->generation, "part", G_CALLBACK (fixture_part), f);
  g_signal_connect (f->generation, "progress", G_CALLBACK (fixture_progress), f);
  g_signal_connect (f->generation, "done", G_CALLBACK (fixture_done), f);
  CHECK (f->n_done == 0);
}

static inline const ParleyGenerationStats *
fixture_generate (Fixture *f, const ParleyGenerationRequest *request)
{
  fixture_start (f, request);
  WAIT_FOR (f->n_done > 0);
  return parley_generation_get_stats (f->generation);
}

/* The likeliest `n` tokens after PROMPT, as they stand. */
static inline ParleyGenerationRequest
plain_request (guint n)
{
  ParleyGenerationRequest request;
  parley_generation_request_init (&request);
  request.text = PROMPT;
  request.sampler.temperature = 0;
  request.max_tokens = n;
  return request;
}

static inline struct pe_plan_request
small_plan (int gpu_layers)
{
  struct pe_plan_request plan;
  pe_plan_request_init (&plan);
  plan.n_ctx = 512;
  plan.n_gpu_layers = gpu_layers;
  plan.precision = PE_PRECISION_EXACT;
  plan.k_type = plan.v_type = PE_TYPE_F32;
  return plan;
}

/* The trained model of the tests; skips the case where it is absent. */
static inline char *
stories_path (void)
{
  const char *folder = g_getenv ("PARLEY_TEST_MODELS");
  char *path = g_build_filename (folder ? folder : ".", "stories260k.gguf", NULL);
  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_free (path);
    SKIP ("stories260k.gguf is not there");
  }
  return path;
}
