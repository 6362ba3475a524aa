/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli logits: what the model thinks of every next token, for checks of the engine.
 */
#include "cli/commands.h"
#include "cli/engine-options.h"

#include <stdio.h>
#include <string.h>

#define MAX_TOKENS      65536
#define DEFAULT_CONTEXT 256

/* "1,2,3" -> token ids; NULL: reported. */
static int32_t *
parse_tokens (const char *text, size_t *n)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", MAX_TOKENS + 1);
  guint count = g_strv_length (parts);
  g_autofree int32_t *tokens = g_new (int32_t, count ? count : 1);
  for (guint i = 0; i < count; i++) {
    guint64 id;
    if (!g_ascii_string_to_unsigned (g_strstrip (parts[i]), 10, 0, G_MAXINT32, &id, NULL)) {
      cli_usage ("--tokens wants whole numbers with commas between them, not '%s'", parts[i]);
      return NULL;
    }
    tokens[i] = (int32_t) id;
  }
  if (count == 0 || count > MAX_TOKENS) {
    cli_usage ("--tokens wants 1 to %d tokens", MAX_TOKENS);
    return NULL;
  }
  *n = count;
  return g_steal_pointer (&tokens);
}

static bool
write_logits (struct pe_runtime *runtime, const int32_t *tokens, size_t n, uint32_t n_vocab,
              const char *path)
{
  struct pe_error error = { 0 };
  struct pe_sequence *sequence;
  if (!pe_sequence_new (runtime, &sequence, &error)) {
    cli_fail_engine ("cannot evaluate", &error);
    return false;
  }
  FILE *f = fopen (path, "wb");
  uint32_t step = pe_runtime_plan (runtime)->request.n_outputs;
  g_autofree struct pe_row *rows = g_new (struct pe_row, step);
  bool ok = f != NULL;
  for (size_t done = 0; done < n && ok; done += step) {
    size_t count = MIN (step, n - done);
    for (size_t i = 0; i < count; i++)
      rows[i] = (struct pe_row){ sequence, tokens[done + i], true };
    ok = pe_runtime_compute (runtime, rows, count, &error);
    if (!ok) {
      cli_fail_engine ("cannot evaluate", &error);
      break;
    }
    for (size_t i = 0; i < count && ok; i++)
      ok = fwrite (pe_runtime_logits (runtime, i), sizeof (float), n_vocab, f) == n_vocab;
  }
  if (f && fclose (f) != 0)
    ok = false;
  if (!ok && error.code == PE_OK)
    cli_fail ("%s cannot be written", path);
  pe_sequence_free (sequence);
  return ok;
}

int
parley_cmd_logits (int argc, char **argv)
{
  struct cli_engine_options options = { 0 };
  g_autofree char *token_text = NULL, *out_path = NULL;
  const GOptionEntry entries[] = {
    { "tokens", 0, 0, G_OPTION_ARG_STRING, &token_text, "Token ids with commas between", "1,2,3" },
    { "out", 'o', 0, G_OPTION_ARG_FILENAME, &out_path, "Where to write float32 logits", "FILE" },
    CLI_ENGINE_OPTIONS (&options),
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "MODEL",
                  "Writes the logits after every token: tokens x vocabulary float32 numbers.",
                  entries, 1, 1))
    return CLI_USAGE;
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.precision = PE_PRECISION_EXACT;
  request.n_gpu_layers = 0;
  request.n_ctx = DEFAULT_CONTEXT;
  size_t n_tokens = 0;
  bool usable = cli_engine_request (&options, &request);
  bool batch_given = options.n_batch > 0;
  cli_engine_options_clear (&options);
  if (!usable)
    return CLI_USAGE;
  if (!token_text || !out_path)
    return cli_usage ("--tokens and --out are needed");
  g_autofree int32_t *tokens = parse_tokens (token_text, &n_tokens);
  if (!tokens)
    return CLI_USAGE;
  if (request.n_ctx < n_tokens)
    return cli_usage ("%zu tokens do not fit into a context of %u", n_tokens, request.n_ctx);
  if (!batch_given)
    request.n_batch = (uint32_t) MIN (n_tokens, 512);
  request.n_outputs = request.n_batch;

  struct pe_error error = { 0 };
  struct pe_model *model = NULL;
  struct pe_plan *plan = NULL;
  struct pe_runtime *runtime = NULL;
  struct pe_device_info devices[PE_MAX_DEVICES];
  size_t n_devices = pe_devices_list (devices, PE_MAX_DEVICES, false, NULL);
  if (request.n_gpu_layers == 0)
    n_devices = 1;
  int status = CLI_DONE;
  if (!pe_model_open (argv[1], &model, &error) ||
      !pe_plan_make (model, &request, devices, n_devices, &plan, &error) ||
      !pe_runtime_create (model, plan, NULL, &runtime, &error))
    status = cli_fail_engine ("cannot load the model", &error);
  else if (!write_logits (runtime, tokens, n_tokens, pe_model_info (model)->n_vocab, out_path))
    status = CLI_FAILED;
  pe_runtime_free (runtime);
  pe_plan_free (plan);
  pe_model_close (model);
  return status;
}
