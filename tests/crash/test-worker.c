/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The real engine process with a real model: what it says, what it evaluates, and what is left
 * when it dies.
 */
#include "base/json.h"
#include "worker-fixture.h"

#include <glib/gstdio.h>
#include <signal.h>

static Fixture f;

static void
load_stories (int gpu_layers)
{
  g_autofree char *path = stories_path ();
  struct pe_plan_request plan = small_plan (gpu_layers);
  g_autoptr (GError) error = NULL;
  fixture_init (&f, NULL);
  CHECK_MSG (fixture_load (&f, path, &plan, &error), "%s", error->message);
}

/* ---- loading ---- */

static void
loads (void)
{
  load_stories (0);
  const ParleyLoadedModel *model = parley_worker_client_get_model (f.client);
  CHECK (parley_worker_client_get_state (f.client) == PARLEY_WORKER_READY);
  CHECK_STR (model->architecture, "llama");
  CHECK (model->n_layers == 5 && model->n_vocab == 512 && model->has_vocab);
  CHECK (!model->has_template);
  CHECK (model->plan.n_ctx == 512 && parley_worker_client_get_context_length (f.client) == 512);
  CHECK_STR (model->note, "");
  CHECK (parley_worker_client_get_pid (f.client) > 0);
  CHECK (parley_worker_client_get_load_progress (f.client) == 1);
  printf ("# confinement: %s\n", parley_worker_client_get_confinement (f.client));
  fixture_clear (&f);
}

static void
refuses_what_is_no_model (void)
{
  g_autofree char *folder = g_dir_make_tmp ("parley-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "damaged.gguf", NULL);
  CHECK (g_file_set_contents (path, "GGUF\3\0\0\0\xff\xff", 10, NULL));
  struct pe_plan_request plan = small_plan (0);
  g_autoptr (GError) error = NULL;
  fixture_init (&f, NULL);
  CHECK (!fixture_load (&f, path, &plan, &error));
  CHECK (error->domain == PARLEY_ENGINE_ERROR);
  CHECK_MSG (strstr (error->message, "damaged.gguf"), "%s", error->message);
  CHECK (parley_worker_client_get_state (f.client) == PARLEY_WORKER_FAILED);
  CHECK_STR (parley_worker_client_get_message (f.client), error->message);
  CHECK (parley_worker_client_get_pid (f.client) == 0 && f.n_crashes == 0);

  g_clear_error (&error);
  CHECK (!fixture_load (&f, folder, &plan, &error));
  CHECK (g_error_matches (error, PARLEY_ENGINE_ERROR, PARLEY_ENGINE_ERROR_IO));
  g_clear_error (&error);
  g_unlink (path);
  CHECK (!fixture_load (&f, path, &plan, &error));
  CHECK (g_error_matches (error, PARLEY_ENGINE_ERROR, PARLEY_ENGINE_ERROR_IO));
  g_rmdir (folder);
  fixture_clear (&f);
}

static void
loads_again_after_failing (void)
{
  g_autofree char *path = stories_path ();
  struct pe_plan_request plan = small_plan (0);
  fixture_init (&f, NULL);
  CHECK (!fixture_load (&f, "/nowhere/at/all.gguf", &plan, NULL));
  CHECK (fixture_load (&f, path, &plan, NULL));
  GPid first = parley_worker_client_get_pid (f.client);
  CHECK (fixture_load (&f, path, &plan, NULL)); /* anew: another process */
  CHECK (parley_worker_client_get_pid (f.client) != first);
  parley_worker_client_unload (f.client);
  CHECK (parley_worker_client_get_state (f.client) == PARLEY_WORKER_IDLE);
  CHECK (parley_worker_client_get_model (f.client) == NULL && f.n_crashes == 0);
  fixture_clear (&f);
}

static void
loading_can_be_cancelled (void)
{
  g_autofree char *path = stories_path ();
  struct pe_plan_request plan = small_plan (0);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  fixture_init (&f, NULL);
  Waiting w = { 0 };
  parley_worker_client_load_async (f.client, path, &plan, cancellable, waiting_done, &w);
  g_cancellable_cancel (cancellable);
  WAIT_FOR (w.done);
  g_autoptr (GError) error = NULL;
  CHECK (!parley_worker_client_load_finish (f.client, w.result, &error));
  CHECK (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_object_unref (w.result);
  WAIT_FOR (parley_worker_client_get_state (f.client) == PARLEY_WORKER_IDLE);
  CHECK (fixture_load (&f, path, &plan, NULL));
  fixture_clear (&f);
}

static void
program_may_be_missing (void)
{
  g_autofree char *path = stories_path ();
  struct pe_plan_request plan = small_plan (0);
  g_autoptr (GError) error = NULL;
  fixture_init (&f, "/nowhere/parley-worker");
  CHECK (!fixture_load (&f, path, &plan, &error));
  CHECK (g_error_matches (error, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_SPAWN));
  CHECK (strstr (error->message, "/nowhere/parley-worker"));
  fixture_clear (&f);
  fixture_init (&f, "/bin/true"); /* ends at once, without a word */
  g_clear_error (&error);
  CHECK (!fixture_load (&f, path, &plan, &error));
  CHECK (error->domain == PARLEY_WORKER_ERROR);
  fixture_clear (&f);
}

/* ---- replies ---- */

static void
tells_the_story (void)
{
  load_stories (0);
  ParleyGenerationRequest request = plain_request (125);
  const ParleyGenerationStats *stats = fixture_generate (&f, &request);
  CHECK (parley_generation_get_error (f.generation) == NULL);
  CHECK_MSG (g_str_has_prefix (f.text->str, STORY), "%s", f.text->str);
  CHECK (stats->stop == PARLEY_GENERATION_LENGTH && stats->reply_tokens == 125);
  CHECK (stats->prompt_tokens == 5 && stats->cached_tokens == 0);
  CHECK (f.n_done == 1 && f.last_done == 5 && f.last_total == 5);
  static const gint32 first[] = { 1, 403, 407, 261, 378, 432, 383, 286 };
  gsize n;
  const gint32 *ids = g_bytes_get_data (parley_generation_get_token_ids (f.generation), &n);
  CHECK (n == 130 * sizeof *ids && memcmp (ids, first, sizeof first) == 0);
  fixture_clear (&f);
}

static void
messages_continue_as_text (void)
{
  load_stories (0);
  ParleyGenerationRequest request = plain_request (20);
  request.text = NULL;
  request.messages = "[{\"role\": \"user\", \"content\": \"" PROMPT "\"}]";
  fixture_generate (&f, &request);
  CHECK_MSG (f.text->len > 20 && g_str_has_prefix (STORY, f.text->str), "%s", f.text->str);

  request.messages = "{\"role\": 1}";
  fixture_generate (&f, &request);
  CHECK (g_error_matches (parley_generation_get_error (f.generation), PARLEY_ENGINE_ERROR,
                          PARLEY_ENGINE_ERROR_ARGUMENT));
  request.messages = "[";
  fixture_generate (&f, &request);
  CHECK (parley_generation_get_error (f.generation) && f.text->len == 0);
  fixture_clear (&f);
}

static void
keeps_what_was_read (void)
{
  load_stories (0);
  ParleyGenerationRequest request = plain_request (10);
  fixture_generate (&f, &request);
  ParleyWorkerCounters before = fixture_counters (&f);
  CHECK (before.rows_evaluated == 5 + 9); /* the last token of a reply is not evaluated */
  CHECK (before.tokens_chosen == 10);

  g_autofree char *longer = g_strconcat (PROMPT, f.text->str, NULL);
  request.text = longer;
  const ParleyGenerationStats *stats = fixture_generate (&f, &request);
  CHECK (g_str_has_prefix (STORY + strlen (longer) - strlen (PROMPT), f.text->str));
  ParleyWorkerCounters after = fixture_counters (&f);
  CHECK (stats->cached_tokens == 14 && stats->prompt_tokens == 15);
  CHECK (after.rows_evaluated - before.rows_evaluated == 1 + 9);

  /* Another version of the reply: the common part is kept, the other version stays. */
  request.text = PROMPT ", there was a cat";
  stats = fixture_generate (&f, &request);
  CHECK (stats->cached_tokens >= 7 && stats->cached_tokens < stats->prompt_tokens);
  request.text = longer;
  stats = fixture_generate (&f, &request);
  CHECK (stats->cached_tokens == stats->prompt_tokens - 1);

  /* A private one leaves nothing behind. */
  request.text = "The dog ran";
  request.is_private = TRUE;
  fixture_generate (&f, &request);
  stats = fixture_generate (&f, &request);
  CHECK (stats->cached_tokens <= 1);
  fixture_clear (&f);
}

/* What the program asks for by itself, as a summary: no chat has to be read again for it. */
static void
leaves_chats_alone (void)
{
  load_stories (0); /* 512 tokens: two pages, and one to spare */
  ParleyGenerationRequest chat = plain_request (10), aside = plain_request (10);
  chat.conversation = 7;
  aside.is_private = aside.is_aside = TRUE;
  fixture_generate (&f, &chat);
  g_autofree char *more = g_strconcat (PROMPT, f.text->str, NULL);
  chat.text = more;

  /* It goes on from what the chat begins with, on a slot of its own. */
  aside.text = more;
  const ParleyGenerationStats *stats = fixture_generate (&f, &aside);
  CHECK (parley_generation_get_error (f.generation) == NULL && stats->reply_tokens == 10);
  CHECK (stats->cached_tokens == 14);
  stats = fixture_generate (&f, &chat);
  CHECK (stats->cached_tokens == stats->prompt_tokens - 1);

  /* With one page left it is refused before anything is computed, if in the end it would want two;
   * a piece that fits is answered any number of times. */
  ParleyGenerationRequest second = plain_request (10);
  second.text = "The cat sat";
  second.conversation = 8;
  fixture_generate (&f, &second);
  ParleyWorkerCounters before = fixture_counters (&f);
  aside.text = "The dog ran";
  aside.max_tokens = 300;
  fixture_generate (&f, &aside);
  CHECK (g_error_matches (parley_generation_get_error (f.generation), PARLEY_ENGINE_ERROR,
                          PARLEY_ENGINE_ERROR_CONTEXT_FULL));
  CHECK (fixture_counters (&f).rows_evaluated == before.rows_evaluated);
  aside.max_tokens = 10;
  for (guint i = 0; i < 3; i++) {
    fixture_generate (&f, &aside);
    CHECK (parley_generation_get_error (f.generation) == NULL);
  }
  stats = fixture_generate (&f, &chat);
  CHECK (stats->cached_tokens == stats->prompt_tokens - 1);

  /* Where the chat has every page but one, a long one finds no room, and says so. */
  chat.max_tokens = 400;
  fixture_generate (&f, &chat);
  CHECK (parley_generation_get_error (f.generation) == NULL);
  g_autofree char *whole = g_strconcat (more, f.text->str, NULL);
  g_autofree char *other = g_strconcat ("The dog", f.text->str, NULL);
  chat.text = whole;
  chat.max_tokens = 1;
  fixture_generate (&f, &chat); /* the text may be other tokens than those that were chosen */
  aside.text = other;
  fixture_generate (&f, &aside);
  const GError *error = parley_generation_get_error (f.generation);
  CHECK (g_error_matches (error, PARLEY_ENGINE_ERROR, PARLEY_ENGINE_ERROR_CONTEXT_FULL));
  CHECK_MSG (strstr (error->message, "remembers"), "%s", error->message);
  stats = fixture_generate (&f, &chat);
  CHECK_MSG (stats->cached_tokens == stats->prompt_tokens - 1, "%u of %u", stats->cached_tokens,
             stats->prompt_tokens);

  /* Its own chat gives way, as what was read of it is worth nothing after the summary. */
  aside.conversation = 7;
  fixture_generate (&f, &aside);
  CHECK (parley_generation_get_error (f.generation) == NULL);
  /* And any chat gives way to what a person waits for, though nothing of that is kept. */
  fixture_generate (&f, &chat);
  aside.conversation = 0;
  aside.is_aside = FALSE;
  fixture_generate (&f, &aside);
  CHECK (parley_generation_get_error (f.generation) == NULL);
  fixture_clear (&f);
}

static void
ends_before_a_stop_string (void)
{
  load_stories (0);
  ParleyGenerationRequest request = plain_request (100);
  request.stop = (const char *const[]){ "zebra", "loved to", NULL };
  const ParleyGenerationStats *stats = fixture_generate (&f, &request);
  CHECK_STR (f.text->str, ", there was a little girl named Lily. She ");
  CHECK (stats->stop == PARLEY_GENERATION_WORD);
  fixture_clear (&f);
}

static void
answers_follow_rules (void)
{
  load_stories (0);
  ParleyGenerationRequest request = plain_request (200);
  request.json_schema = "{\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\", "
                        "\"maxLength\": 9}, \"old\": {\"type\": \"boolean\"}}, "
                        "\"required\": [\"name\", \"old\"]}";
  const ParleyGenerationStats *stats = fixture_generate (&f, &request);
  struct pe_json_document answer = { 0 };
  CHECK_MSG (pe_json_parse (f.text->str, f.text->len, &answer, NULL), "%s", f.text->str);
  CHECK (stats->stop == PARLEY_GENERATION_END);
  CHECK (pe_json_get (&answer.root, "name")->kind == PE_JSON_STRING);
  CHECK (pe_json_get (&answer.root, "old")->kind == PE_JSON_BOOL);
  pe_json_document_clear (&answer);

  request.json_schema = NULL;
  request.grammar = "root ::= \"north\" | \"south\"";
  request.sampler.temperature = 1;
  for (request.sampler.seed = 0; request.sampler.seed < 4; request.sampler.seed++) {
    fixture_generate (&f, &request);
    CHECK_MSG (!strcmp (f.text->str, "north") || !strcmp (f.text->str, "south"), "%s", f.text->str);
  }

  request.grammar = "root ::= nothing";
  stats = fixture_generate (&f, &request);
  CHECK (stats->stop == PARLEY_GENERATION_ERROR);
  CHECK (parley_generation_get_error (f.generation)->domain == PARLEY_ENGINE_ERROR);
  request.grammar = NULL;
  request.sampler.dry_base = 0;
  stats = fixture_generate (&f, &request);
  CHECK (stats->stop == PARLEY_GENERATION_ERROR);
  CHECK (strstr (parley_generation_get_error (f.generation)->message, "DRY base"));
  fixture_clear (&f);
}

static void
ends_when_the_context_is_full (void)
{
  load_stories (0);
  ParleyGenerationRequest request = plain_request (0);
  const ParleyGenerationStats *stats = fixture_generate (&f, &request);
  CHECK (stats->stop == PARLEY_GENERATION_CONTEXT || stats->stop == PARLEY_GENERATION_END);
  CHECK (stats->prompt_tokens + stats->reply_tokens <= 512);

  g_autoptr (GString) endless = g_string_new (NULL);
  for (int i = 0; i < 600; i++)
    g_string_append (endless, "once upon a time ");
  request.text = endless->str;
  fixture_generate (&f, &request);
  CHECK (g_error_matches (parley_generation_get_error (f.generation), PARLEY_ENGINE_ERROR,
                          PARLEY_ENGINE_ERROR_CONTEXT_FULL));
  request = plain_request (10);
  fixture_generate (&f, &request);
  CHECK (g_str_has_prefix (STORY, f.text->str));
  fixture_clear (&f);
}

static void
answers_in_turn (void)
{
  load_stories (0);
  ParleyGenerationRequest request = plain_request (40);
  Fixture second = f; /* its own account of the same client */
  second.text = g_string_new (NULL);
  second.other = g_string_new (NULL);
  second.generation = NULL;
  fixture_start (&f, &request);
  fixture_start (&second, &request);
  CHECK (f.n_done == 0);
  WAIT_FOR (second.n_done);
  CHECK (f.n_done == 1);
  CHECK (g_string_equal (f.text, second.text) && f.text->len > 0);
  g_signal_handlers_disconnect_by_data (second.generation, &second);
  g_object_unref (second.generation);
  g_string_free (second.text, TRUE);
  g_string_free (second.other, TRUE);
  fixture_clear (&f);
}

static void
counts_without_answering (void)
{
  load_stories (0);
  ParleyGenerationRequest request = plain_request (1);
  g_autofree ParleyTokenCount *plain = fixture_count (&f, &request, NULL);
  CHECK (plain && plain->total == 5 && plain->n_turns == 0);
  request.text = NULL;
  request.messages = "[{\"role\": \"user\", \"content\": \"" PROMPT "\"},"
                     "{\"role\": \"assistant\", \"content\": \", there was\"},"
                     "{\"role\": \"user\", \"content\": \"a cat\"}]";
  g_autofree ParleyTokenCount *turns = fixture_count (&f, &request, NULL);
  CHECK (turns && turns->n_turns == 3 && turns->turns[0] == 5);
  CHECK (turns->turns[0] + turns->turns[1] + turns->turns[2] == turns->total);
  CHECK (fixture_counters (&f).rows_evaluated == 0);
  fixture_clear (&f);
}

/* ---- stopping and dying ---- */

static void
cancel_it (gpointer data)
{
  Fixture *fixture = data;
  if (fixture->n_parts == 3)
    parley_generation_cancel (fixture->generation);
}

static void
cancels_within_a_token (void)
{
  g_setenv ("PARLEY_TEST_PACE", "30", TRUE);
  load_stories (0);
  g_unsetenv ("PARLEY_TEST_PACE");
  ParleyGenerationRequest request = plain_request (200);
  f.on_part = cancel_it;
  const ParleyGenerationStats *stats = fixture_generate (&f, &request);
  CHECK (stats->stop == PARLEY_GENERATION_CANCELLED);
  CHECK (parley_generation_get_error (f.generation) == NULL);
  CHECK_MSG (stats->reply_tokens >= 3 && stats->reply_tokens <= 5, "%u tokens",
             stats->reply_tokens);
  CHECK (g_str_has_prefix (STORY, f.text->str));
  f.on_part = NULL;
  request.max_tokens = 5;
  stats = fixture_generate (&f, &request);
  CHECK (stats->stop == PARLEY_GENERATION_LENGTH && g_str_has_prefix (STORY, f.text->str));

  /* One that waits for its turn goes at once. */
  request.max_tokens = 200;
  fixture_start (&f, &request);
  g_autoptr (ParleyGeneration) waits = parley_worker_client_generate (f.client, &request);
  parley_generation_cancel (waits);
  WAIT_FOR (parley_generation_is_done (waits));
  CHECK (f.n_done == 0);
  CHECK (parley_generation_get_stats (waits)->stop == PARLEY_GENERATION_CANCELLED);
  parley_generation_cancel (f.generation);
  WAIT_FOR (f.n_done);
  fixture_clear (&f);
}

static void
kill_it (gpointer data)
{
  Fixture *fixture = data;
  if (fixture->n_parts == 4)
    kill (parley_worker_client_get_pid (fixture->client), SIGKILL);
}

static void
tells_that_it_was_killed (void)
{
  g_setenv ("PARLEY_TEST_PACE", "20", TRUE);
  load_stories (0);
  g_unsetenv ("PARLEY_TEST_PACE");
  ParleyGenerationRequest request = plain_request (200);
  f.on_part = kill_it;
  fixture_generate (&f, &request);
  WAIT_FOR (f.crash != NULL);
  CHECK_MSG (strstr (f.crash, "killed"), "%s", f.crash);
  CHECK (f.n_crashes == 1);
  CHECK (g_error_matches (parley_generation_get_error (f.generation), PARLEY_WORKER_ERROR,
                          PARLEY_WORKER_ERROR_CRASHED));
  CHECK_STR (parley_generation_get_error (f.generation)->message, f.crash);
  CHECK (f.n_parts >= 4 && f.text->len > 0 && g_str_has_prefix (STORY, f.text->str));
  CHECK (parley_worker_client_get_state (f.client) == PARLEY_WORKER_CRASHED);
  CHECK (parley_worker_client_get_pid (f.client) == 0);

  /* It goes on where it was, in a new process. */
  g_autofree char *path = g_strdup (parley_worker_client_get_path (f.client));
  g_autofree char *so_far = g_strconcat (PROMPT, f.text->str, NULL);
  struct pe_plan_request plan = small_plan (0);
  f.on_part = NULL;
  CHECK (fixture_load (&f, path, &plan, NULL));
  request.text = so_far;
  request.max_tokens = 20;
  fixture_generate (&f, &request);
  CHECK (g_str_has_prefix (STORY + strlen (so_far) - strlen (PROMPT), f.text->str));
  fixture_clear (&f);
}

static void
calls_fail_without_a_process (void)
{
  fixture_init (&f, NULL);
  ParleyGenerationRequest request = plain_request (1);
  fixture_generate (&f, &request);
  CHECK (g_error_matches (parley_generation_get_error (f.generation), PARLEY_WORKER_ERROR,
                          PARLEY_WORKER_ERROR_STATE));
  g_autoptr (GError) error = NULL;
  CHECK (!fixture_place (&f, 1, &error));
  CHECK (g_error_matches (error, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_STATE));
  CHECK (fixture_count (&f, &request, NULL) == NULL);
  CHECK (fixture_memory (&f) == NULL);
  fixture_clear (&f);
}

/* ---- memory and moving ---- */

static void
takes_what_is_planned (void)
{
  load_stories (0);
  g_autoptr (GArray) memory = fixture_memory (&f);
  CHECK (memory && memory->len >= 1);
  for (guint d = 0; d < memory->len; d++) {
    const ParleyDeviceMemory *m = &g_array_index (memory, ParleyDeviceMemory, d);
    guint64 sum = 0;
    for (int k = 0; k < PE_MEMORY_KIND_COUNT; k++) {
      CHECK_MSG (m->planned[k] == m->allocated[k],
                 "%s of %s: planned %" G_GUINT64_FORMAT ", allocated %" G_GUINT64_FORMAT,
                 pe_memory_kind_name ((enum pe_memory_kind) k), m->name, m->planned[k],
                 m->allocated[k]);
      sum += m->planned[k];
    }
    CHECK (d > 0 || (sum > 1000000 && m->total > 0 && m->available > 0));
  }
  fixture_clear (&f);
}

static guint moves;

static void
move_it (gpointer data)
{
  static const struct {
    guint at_part, to;
  } steps[] = { { 5, 0 }, { 15, 6 }, { 25, 3 } };
  Fixture *fixture = data;
  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    if (fixture->n_parts == steps[i].at_part) {
      parley_worker_client_place_async (fixture->client, steps[i].to, NULL, NULL, NULL);
      moves++;
    }
}

static void
moves_layers_while_it_talks (void)
{
  g_setenv ("PARLEY_VULKAN_DEVICE", "0", TRUE);
  g_setenv ("PARLEY_TEST_PACE", "20", TRUE);
  load_stories (6);
  g_unsetenv ("PARLEY_TEST_PACE");
  g_unsetenv ("PARLEY_VULKAN_DEVICE");
  const ParleyLoadedModel *model = parley_worker_client_get_model (f.client);
  if (!*model->device.id) {
    fixture_clear (&f);
    SKIP ("there is no Vulkan device");
  }
  CHECK (parley_worker_client_get_gpu_layers (f.client) == 6);
  GPid pid = parley_worker_client_get_pid (f.client);
  ParleyGenerationRequest request = plain_request (60);
  f.on_part = move_it;
  moves = 0;
  const ParleyGenerationStats *stats = fixture_generate (&f, &request);
  CHECK (moves == 3 && stats->reply_tokens == 60 && f.n_parts == 60);
  CHECK_MSG (g_str_has_prefix (STORY, f.text->str), "%s", f.text->str);
  WAIT_FOR (!parley_worker_client_get_placing (f.client));
  CHECK (parley_worker_client_get_gpu_layers (f.client) == 3);
  CHECK (parley_worker_client_get_pid (f.client) == pid && f.n_crashes == 0);
  ParleyWorkerCounters counters = fixture_counters (&f);
  CHECK (counters.rows_evaluated == 5 + 59 && counters.gpu_dispatches > 0);
  CHECK (fixture_place (&f, 100, NULL)); /* clamped */
  CHECK (parley_worker_client_get_gpu_layers (f.client) == 6);
  fixture_clear (&f);
}

/* ---- when the GPU fails ---- */

static char *told;

static void
moved (ParleyWorkerClient *client, const char *what, gpointer data)
{
  g_free (told);
  told = g_strdup (what);
}

static void
load_on_gpu (void)
{
  g_setenv ("PARLEY_VULKAN_DEVICE", "0", TRUE);
  load_stories (6);
  g_unsetenv ("PARLEY_VULKAN_DEVICE");
  if (!*parley_worker_client_get_model (f.client)->device.id) {
    fixture_clear (&f);
    SKIP ("there is no Vulkan device");
  }
}

/* The story with the GPU failing on the way; all layers are there at first. */
static guint
tell_with_fault (const char *fault)
{
  g_clear_pointer (&told, g_free);
  g_setenv ("PARLEY_TEST_GPU_FAULT", fault, TRUE);
  load_on_gpu ();
  g_unsetenv ("PARLEY_TEST_GPU_FAULT");
  g_signal_connect (f.client, "moved", G_CALLBACK (moved), NULL);
  GPid pid = parley_worker_client_get_pid (f.client);
  ParleyGenerationRequest request = plain_request (60);
  /* The GPU does not go on by itself with two tokens to choose from. Otherwise a row that cannot be
   * begun ahead is just begun later, and there is nothing to tell. */
  static const struct pe_logit_bias never = { 0, -100 };
  request.sampler.logit_bias = &never;
  request.sampler.n_logit_bias = 1;
  const ParleyGenerationStats *stats = fixture_generate (&f, &request);
  CHECK (parley_generation_get_error (f.generation) == NULL);
  CHECK_MSG (g_str_has_prefix (STORY, f.text->str), "%s", f.text->str);
  CHECK (stats->reply_tokens == 60);
  CHECK (parley_worker_client_get_pid (f.client) == pid && f.n_crashes == 0);
  CHECK (told);
  CHECK_STR (parley_worker_client_get_model (f.client)->note, told);
  guint layers = parley_worker_client_get_gpu_layers (f.client);
  ParleyWorkerCounters counters = fixture_counters (&f);
  printf ("# %s: %s (%u layers, %u rows)\n", fault, told, layers, (guint) counters.rows_evaluated);
  fixture_clear (&f);
  return layers;
}

static void
goes_on_after_a_lost_device (void)
{
  CHECK (tell_with_fault ("lost@100") == 6);
  CHECK_MSG (strstr (told, "The GPU stopped working"), "%s", told);
}

static void
steps_down_when_memory_is_full (void)
{
  CHECK (tell_with_fault ("memory@100") == 5);
  CHECK_MSG (strstr (told, "5 of 6 layers are on the GPU instead of 6."), "%s", told);
}

static void
gives_way_to_others (void)
{
  load_on_gpu ();
  g_autoptr (GArray) memory = fixture_memory (&f);
  CHECK (memory && memory->len == 2);
  const ParleyDeviceMemory *gpu = &g_array_index (memory, ParleyDeviceMemory, 1);
  guint64 bytes = 0;
  for (int k = 0; k < PE_MEMORY_KIND_COUNT; k++)
    bytes += gpu->allocated[k];
  fixture_clear (&f);
  g_autofree char *fault = g_strdup_printf ("budget:%" G_GUINT64_FORMAT "@100", bytes - 1);
  CHECK (tell_with_fault (fault) == 5);
  CHECK_MSG (g_str_has_prefix (told, "Other programs need the GPU's memory: "), "%s", told);
}

static char *
kernels_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "parley", "kernels", NULL);
}

/* What the engine compiled is written by this side, and given to the next process; damage to it
 * harms nobody. */
static void
kernels_are_kept (void)
{
  g_autofree char *path = kernels_path ();
  g_unlink (path);
  load_on_gpu ();
  ParleyGenerationRequest request = plain_request (20);
  fixture_generate (&f, &request);
  WAIT_FOR (g_file_test (path, G_FILE_TEST_EXISTS));
  g_autofree char *first = NULL, *again = NULL;
  gsize n_first, n_again = 0;
  CHECK (g_file_get_contents (path, &first, &n_first, NULL) && n_first > 200);
  fixture_clear (&f);

  g_autofree char *damaged = g_memdup2 (first, n_first);
  damaged[n_first - 1] ^= 1;
  CHECK (g_file_set_contents (path, damaged, (gssize) n_first, NULL));
  load_on_gpu ();
  fixture_generate (&f, &request);
  CHECK_MSG (g_str_has_prefix (STORY, f.text->str), "%s", f.text->str);
  gint64 limit = g_get_monotonic_time () + GUARD_SECONDS * G_USEC_PER_SEC;
  while (g_get_monotonic_time () < limit) {
    g_clear_pointer (&again, g_free);
    if (g_file_get_contents (path, &again, &n_again, NULL) &&
        (n_again != n_first || memcmp (again, damaged, n_first) != 0))
      break;
    g_main_context_iteration (NULL, FALSE);
    g_usleep (1000);
  }
  CHECK (n_again > 200 && memcmp (again, damaged, MIN (n_first, n_again)) != 0);
  fixture_clear (&f);
  g_unlink (path);
}

static void
talks_on_two_gpus (void)
{
  g_setenv ("PARLEY_VULKAN_DEVICE", "0,0", TRUE);
  load_stories (6);
  g_unsetenv ("PARLEY_VULKAN_DEVICE");
  if (!*parley_worker_client_get_model (f.client)->device.id) {
    fixture_clear (&f);
    SKIP ("there is no Vulkan device");
  }
  g_autoptr (GArray) memory = fixture_memory (&f);
  CHECK (memory && memory->len == 3);
  ParleyGenerationRequest request = plain_request (20);
  fixture_generate (&f, &request);
  CHECK_MSG (f.text->len > 20 && g_str_has_prefix (STORY, f.text->str), "%s", f.text->str);
  fixture_clear (&f);
}

int
main (void)
{
  g_autofree char *cache = g_dir_make_tmp ("parley-cache-XXXXXX", NULL);
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_setenv ("PARLEY_VULKAN_DEVICE", "none", FALSE);
  RUN (loads);
  RUN (refuses_what_is_no_model);
  RUN (loads_again_after_failing);
  RUN (loading_can_be_cancelled);
  RUN (program_may_be_missing);
  RUN (tells_the_story);
  RUN (messages_continue_as_text);
  RUN (keeps_what_was_read);
  RUN (leaves_chats_alone);
  RUN (ends_before_a_stop_string);
  RUN (answers_follow_rules);
  RUN (ends_when_the_context_is_full);
  RUN (answers_in_turn);
  RUN (counts_without_answering);
  RUN (cancels_within_a_token);
  RUN (tells_that_it_was_killed);
  RUN (calls_fail_without_a_process);
  RUN (takes_what_is_planned);
  RUN (moves_layers_while_it_talks);
  RUN (goes_on_after_a_lost_device);
  RUN (steps_down_when_memory_is_full);
  RUN (gives_way_to_others);
  RUN (kernels_are_kept);
  RUN (talks_on_two_gpus);
  g_autofree char *folder = g_build_filename (cache, "parley", NULL);
  g_rmdir (folder);
  g_rmdir (cache);
  return test_done ();
}
