/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli chat: talk to a model in its engine process, line by line or with one prompt.
 */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/engine-options.h"
#include "cli/models.h"
#include "cli/sampling-options.h"
#include "fit/history.h"
#include "hardware/parley-budgets.h"
#include "worker/parley-worker-client.h"

#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define INTERRUPTED 130 /* as shells have it */
#define MAX_LINE    (1024 * 1024)

struct message {
  const char *role;
  char *text;
};

struct chat {
  ParleyWorkerClient *client;
  ParleyStore *store; /* NULL: speeds are not kept */
  char *id;           /* of the model in the library, or NULL */
  struct pe_plan_request plan;
  ParleyGenerationRequest request; /* without the messages */
  GPtrArray *messages;             /* of struct message */
  char *system;
  gboolean raw;
  gboolean interactive;
  gboolean is_terminal; /* standard output */

  GMainLoop *loop;
  ParleyGeneration *generation; /* under way */
  GString *reply;               /* its answer so far */
  gboolean in_reasoning;
  int status; /* CLI_DONE, or why the loop was left */
};

/* ---- messages ---- */

static void
message_free (gpointer data)
{
  struct message *message = data;
  g_free (message->text);
  g_free (message);
}

static void
add_message (struct chat *chat, const char *role, const char *text)
{
  struct message *message = g_new (struct message, 1);
  *message = (struct message){ role, g_strdup (text) };
  g_ptr_array_add (chat->messages, message);
}

static void
start_over (struct chat *chat)
{
  g_ptr_array_set_size (chat->messages, 0);
  if (chat->system)
    add_message (chat, "system", chat->system);
}

static char *
messages_to_json (struct chat *chat)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_array (&w);
  for (guint i = 0; i < chat->messages->len; i++) {
    const struct message *message = chat->messages->pdata[i];
    pe_json_begin_object (&w);
    pe_json_key (&w, "role");
    pe_json_text (&w, message->role);
    pe_json_key (&w, "content");
    pe_json_text (&w, message->text);
    pe_json_end_object (&w);
  }
  pe_json_end_array (&w);
  char *text = pe_json_finish (&w) ? g_strdup (w.text) : NULL;
  pe_json_writer_clear (&w);
  return text;
}

/* ---- output ---- */

/* A model's words must not command the terminal: only line ends and tabs of the control characters
 * get there. Files and pipes get everything as it is. */
static void
print_text (const struct chat *chat, const char *text)
{
  if (!chat->is_terminal) {
    fputs (text, stdout);
    return;
  }
  g_autoptr (GString) clean = g_string_sized_new (strlen (text));
  for (const char *p = text; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (c == '\n' || c == '\t' || !g_unichar_iscntrl (c))
      g_string_append_unichar (clean, c);
  }
  fputs (clean->str, stdout);
}

static void
print_stats (const ParleyGenerationStats *stats)
{
  fprintf (stderr, "[%u prompt tokens, %u of them kept, read in %.2f s; %u tokens in %.2f s",
           stats->prompt_tokens, stats->cached_tokens, stats->prompt_seconds, stats->reply_tokens,
           stats->reply_seconds);
  double speed = parley_generation_stats_get_speed (stats);
  if (speed > 0)
    fprintf (stderr, ", %.1f tokens/s", speed);
  static const char *const ends[] = {
    [PARLEY_GENERATION_LENGTH] = "; ended at --max-tokens",
    [PARLEY_GENERATION_CONTEXT] = "; the context is full",
    [PARLEY_GENERATION_WORD] = "; ended at a stop string",
    [PARLEY_GENERATION_CANCELLED] = "; stopped",
  };
  const char *end = stats->stop < G_N_ELEMENTS (ends) ? ends[stats->stop] : NULL;
  fprintf (stderr, "%s]\n", end ? end : "");
}

static void
leave (struct chat *chat, int status)
{
  chat->status = status;
  g_main_loop_quit (chat->loop);
}

/* ---- a reply ---- */

static void read_line (struct chat *chat);

static void
take_part (ParleyGeneration *generation, ParleyTextKind kind, const char *name, const char *text,
           struct chat *chat)
{
  gboolean is_answer = kind == PARLEY_TEXT_ANSWER;
  if (is_answer)
    g_string_append (chat->reply, text);
  /* With one prompt, standard output is the answer alone. */
  if (!is_answer && !chat->interactive) {
    fputs (text, stderr);
    return;
  }
  if (chat->is_terminal && chat->in_reasoning == is_answer)
    fputs (is_answer ? "\033[0m\n" : "\033[2m", stdout);
  chat->in_reasoning = !is_answer;
  print_text (chat, text);
  fflush (stdout);
}

/* How fast it was, for predictions. Where there are several GPUs it is not known here which. */
static void
keep_speed (struct chat *chat, const ParleyGenerationStats *stats)
{
  const ParleyLoadedModel *model = parley_worker_client_get_model (chat->client);
  const char *named = g_getenv ("PARLEY_VULKAN_DEVICE");
  ParleyRunRecord run;
  if (!chat->id || !model || (named && strchr (named, ',')))
    return;
  if (!chat->store && !(chat->store = parley_store_open (NULL, NULL)))
    return;
  const char *ids[] = { model->device.id };
  parley_run_init (&run, &model->plan, parley_worker_client_get_gpu_layers (chat->client), ids,
                   *model->device.id ? 1 : 0);
  run.depth = stats->cached_tokens;
  run.prompt_tokens = stats->prompt_tokens - MIN (stats->cached_tokens, stats->prompt_tokens);
  run.reply_tokens = stats->reply_tokens;
  run.prompt_seconds = stats->prompt_seconds;
  run.reply_seconds = stats->reply_seconds;
  parley_store_add_run (chat->store, chat->id, &run);
}

static void
finish_reply (ParleyGeneration *generation, struct chat *chat)
{
  if (chat->is_terminal && chat->in_reasoning)
    fputs ("\033[0m", stdout);
  if (chat->interactive || (chat->reply->len && chat->reply->str[chat->reply->len - 1] != '\n'))
    fputs ("\n", stdout);
  fflush (stdout);
  const GError *error = parley_generation_get_error (generation);
  if (error)
    cli_fail_glib ("no reply", error);
  else {
    print_stats (parley_generation_get_stats (generation));
    keep_speed (chat, parley_generation_get_stats (generation));
  }
  /* What came counts, however it ended. */
  if (chat->reply->len)
    add_message (chat, "assistant", chat->reply->str);
  g_clear_object (&chat->generation);
  if (!chat->interactive)
    leave (chat, error ? CLI_FAILED : CLI_DONE);
  else if (parley_worker_client_get_state (chat->client) == PARLEY_WORKER_READY)
    read_line (chat);
}

static void
ask (struct chat *chat, const char *text)
{
  ParleyGenerationRequest request = chat->request;
  g_autofree char *messages = NULL;
  if (chat->raw)
    request.text = text;
  else {
    add_message (chat, "user", text);
    request.messages = messages = messages_to_json (chat);
  }
  g_string_truncate (chat->reply, 0);
  chat->in_reasoning = FALSE;
  chat->generation = parley_worker_client_generate (chat->client, &request);
  g_signal_connect (chat->generation, "part", G_CALLBACK (take_part), chat);
  g_signal_connect (chat->generation, "done", G_CALLBACK (finish_reply), chat);
}

/* ---- lines ---- */

static void
placed (GObject *object, GAsyncResult *result, gpointer data)
{
  struct chat *chat = data;
  ParleyWorkerClient *client = PARLEY_WORKER_CLIENT (object);
  g_autoptr (GError) error = NULL;
  if (!parley_worker_client_place_finish (client, result, &error))
    cli_fail_glib ("not all layers could be moved", error);
  fprintf (stderr, "[%u of %u layers on the GPU]\n", parley_worker_client_get_gpu_layers (client),
           parley_worker_client_get_model (client)
               ? parley_worker_client_get_model (client)->n_layers + 1
               : 0);
  read_line (chat);
}

static void
take_command (struct chat *chat, const char *line)
{
  guint64 n;
  if (g_str_equal (line, "/quit")) {
    leave (chat, CLI_DONE);
    return;
  }
  if (g_str_has_prefix (line, "/gpu ") &&
      g_ascii_string_to_unsigned (line + 5, 10, 0, G_MAXUINT32, &n, NULL)) {
    parley_worker_client_place_async (chat->client, (guint) n, NULL, placed, chat);
    return;
  }
  if (g_str_equal (line, "/new"))
    start_over (chat);
  else
    fputs ("/new    start a new conversation\n"
           "/gpu N  move layers: N of them on the GPU\n"
           "/quit   leave (also Ctrl+D); Ctrl+C stops a reply\n",
           stderr);
  read_line (chat);
}

static void
line_read (GObject *object, GAsyncResult *result, gpointer data)
{
  struct chat *chat = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_data_input_stream_read_line_finish_utf8 (G_DATA_INPUT_STREAM (object),
                                                                     result, NULL, &error);
  if (error) {
    cli_fail_glib ("your words cannot be read", error);
    leave (chat, CLI_FAILED);
  } else if (!line)
    leave (chat, CLI_DONE);
  else if (line[0] == '/')
    take_command (chat, line);
  else if (*g_strstrip (line))
    ask (chat, line);
  else
    read_line (chat);
}

static void
read_line (struct chat *chat)
{
  static GDataInputStream *input;
  if (!input) {
    g_autoptr (GInputStream) in = g_unix_input_stream_new (STDIN_FILENO, FALSE);
    input = g_data_input_stream_new (in);
    g_buffered_input_stream_set_buffer_size (G_BUFFERED_INPUT_STREAM (input), MAX_LINE);
  }
  if (isatty (STDIN_FILENO))
    fputs ("> ", stderr);
  g_data_input_stream_read_line_async (input, G_PRIORITY_DEFAULT, NULL, line_read, chat);
}

/* Ctrl+C: stops the reply; when there is none, or again, leaves. */
static gboolean
interrupted (gpointer data)
{
  static guint times;
  struct chat *chat = data;
  if (chat->generation && !parley_generation_is_done (chat->generation) && times++ == 0) {
    parley_generation_cancel (chat->generation);
    return G_SOURCE_CONTINUE;
  }
  fputs ("\n", stderr);
  leave (chat, INTERRUPTED);
  return G_SOURCE_CONTINUE;
}

/* ---- loading ---- */

static void
loaded (GObject *object, GAsyncResult *result, gpointer data)
{
  struct chat *chat = data;
  g_autoptr (GError) error = NULL;
  if (!parley_worker_client_load_finish (chat->client, result, &error)) {
    if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      cli_fail_glib ("cannot load the model", error);
    leave (chat, CLI_FAILED);
    return;
  }
  g_main_loop_quit (chat->loop);
}

static void
loaded_again (GObject *object, GAsyncResult *result, gpointer data)
{
  struct chat *chat = data;
  g_autoptr (GError) error = NULL;
  if (!parley_worker_client_load_finish (chat->client, result, &error)) {
    cli_fail_glib ("cannot load the model again", error);
    leave (chat, CLI_FAILED);
    return;
  }
  fputs ("[The engine was started again; nothing of the conversation is lost.]\n", stderr);
  read_line (chat);
}

/* The engine died; the conversation is ours. */
static void
load_again (ParleyWorkerClient *client, const char *reason, struct chat *chat)
{
  if (!chat->interactive)
    return;
  g_autofree char *path = g_strdup (parley_worker_client_get_path (chat->client));
  parley_worker_client_load_async (chat->client, path, &chat->plan, NULL, loaded_again, chat);
}

static void
tell_moved (ParleyWorkerClient *client, const char *what, struct chat *chat)
{
  fprintf (stderr, "\n[%s]\n", what);
}

static gboolean
load (struct chat *chat, const char *path)
{
  chat->status = CLI_DONE;
  parley_worker_client_load_async (chat->client, path, &chat->plan, NULL, loaded, chat);
  g_main_loop_run (chat->loop);
  if (chat->status != CLI_DONE)
    return FALSE;
  const ParleyLoadedModel *model = parley_worker_client_get_model (chat->client);
  if (*model->note)
    fprintf (stderr, "[%s]\n", model->note);
  if (!model->has_template && !chat->raw)
    fputs ("[This model has no chat template: it continues the text.]\n", stderr);
  if (chat->interactive)
    fprintf (stderr, "[%s, %u of %u layers on the GPU, context of %u tokens; /help]\n", model->name,
             parley_worker_client_get_gpu_layers (chat->client), model->n_layers + 1,
             model->plan.n_ctx);
  return TRUE;
}

/* Without a name: the first model that can be used. */
static char *
find_any_model (struct chat *chat)
{
  g_autoptr (ParleyLibrary) library = cli_library_open_with (chat->store);
  if (!library)
    return NULL;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (library)); i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (G_LIST_MODEL (library), i);
    if (parley_model_get_state (model) != PARLEY_MODEL_READY)
      continue;
    if (parley_model_is_builtin (model))
      fprintf (
          stderr,
          "[There is no model of your own yet, so this is %s, a tiny demonstration that knows a "
          "little about Parley. 'parley-cli search WORDS' finds real ones.]\n",
          parley_model_get_name (model));
    chat->id = g_strdup (parley_model_get_id (model));
    return g_strdup (parley_model_get_path (model));
  }
  cli_fail ("there is no model on this computer yet: find one with 'parley-cli search WORDS' and "
            "download it with 'parley-cli pull ORG/NAME', or name a GGUF file");
  return NULL;
}

/* A path, or what the library calls a model; NULL: reported. */
static char *
find_model (struct chat *chat, const char *name)
{
  if (g_file_test (name, G_FILE_TEST_IS_REGULAR))
    return g_strdup (name);
  g_autoptr (ParleyLibrary) library = cli_library_open_with (chat->store);
  g_autoptr (ParleyModel) model = library ? cli_library_find (library, name) : NULL;
  if (model && parley_model_get_state (model) != PARLEY_MODEL_READY) {
    cli_fail ("%s cannot be used: %s", parley_model_get_name (model),
              parley_model_get_message (model));
    return NULL;
  }
  chat->id = model ? g_strdup (parley_model_get_id (model)) : NULL;
  return model ? g_strdup (parley_model_get_path (model)) : NULL;
}

/* ---- the command ---- */

int
parley_cmd_chat (int argc, char **argv)
{
  struct chat chat = { 0 };
  struct cli_engine_options engine = { 0 };
  struct cli_sampling_options sampling;
  g_autofree char *prompt = NULL, *system = NULL;
  gboolean raw = FALSE;
  const GOptionEntry own[] = {
    { "prompt", 'p', 0, G_OPTION_ARG_STRING, &prompt, "Print one reply to this, and leave",
      "TEXT" },
    { "system", 's', 0, G_OPTION_ARG_STRING, &system, "What the model is told first", "TEXT" },
    { "raw", 0, 0, G_OPTION_ARG_NONE, &raw, "Continue the text as it is, without a template",
      NULL },
    CLI_ENGINE_OPTIONS (&engine),
  };
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  cli_sampling_options_init (&sampling);
  g_array_append_vals (entries, own, G_N_ELEMENTS (own));
  cli_sampling_entries (&sampling, entries);
  parley_generation_request_init (&chat.request);
  pe_plan_request_init (&chat.plan);
  int status = CLI_USAGE;
  bool usable = cli_parse (&argc, &argv, "[MODEL]",
                           "Talks to a model: a file, or the name of one in the library.",
                           (const GOptionEntry *) (gpointer) entries->data, 0, 1) &&
                cli_engine_request (&engine, &chat.plan) &&
                cli_sampling_request (&sampling, &chat.request, &status);
  cli_engine_options_clear (&engine);
  if (usable && raw && system) {
    status = cli_usage ("--system needs a template, and --raw does without");
    usable = false;
  }
  g_autofree char *path = NULL;
  if (usable) {
    status = CLI_FAILED;
    chat.store = cli_store_peek ();
    path = argc > 1 ? find_model (&chat, argv[1]) : find_any_model (&chat);
  }
  if (!path) {
    g_clear_object (&chat.store);
    cli_sampling_options_clear (&sampling);
    return status;
  }

  chat.raw = raw;
  chat.system = system;
  chat.interactive = prompt == NULL;
  chat.is_terminal = isatty (STDOUT_FILENO);
  chat.client = parley_worker_client_new ();
  g_autofree char *budgets =
      chat.store ? parley_store_get_setting (chat.store, PARLEY_BUDGETS_SETTING) : NULL;
  g_autofree char *all_budgets = parley_budgets_with_environment (budgets);
  parley_worker_client_set_budgets (chat.client, all_budgets);
  g_signal_connect (chat.client, "crashed", G_CALLBACK (load_again), &chat);
  g_signal_connect (chat.client, "moved", G_CALLBACK (tell_moved), &chat);
  chat.messages = g_ptr_array_new_with_free_func (message_free);
  chat.reply = g_string_new (NULL);
  chat.loop = g_main_loop_new (NULL, FALSE);
  guint signal_source = g_unix_signal_add (SIGINT, interrupted, &chat);
  start_over (&chat);
  if (load (&chat, path)) {
    if (prompt)
      ask (&chat, prompt);
    else
      read_line (&chat);
    g_main_loop_run (chat.loop);
  }
  g_source_remove (signal_source);
  if (chat.generation)
    g_signal_handlers_disconnect_by_data (chat.generation, &chat);
  g_signal_handlers_disconnect_by_data (chat.client, &chat);
  parley_worker_client_unload (chat.client);
  g_clear_object (&chat.generation);
  g_object_unref (chat.client);
  if (chat.store)
    parley_store_close (chat.store, NULL); /* what it cannot keep is no loss */
  g_clear_object (&chat.store);
  g_free (chat.id);
  g_main_loop_unref (chat.loop);
  g_string_free (chat.reply, TRUE);
  g_ptr_array_unref (chat.messages);
  cli_sampling_options_clear (&sampling);
  return chat.status;
}
