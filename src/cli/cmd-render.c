/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli render: chat templates with given contexts, for tests and for people who write them.
 */
#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/text/template.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define MAX_FILE_BYTES ((size_t) 16 << 20)

/* "2025-11-09T07:05:03" into broken-down time, without a time zone. */
static bool
parse_time (const char *text, struct tm *out)
{
  memset (out, 0, sizeof *out);
  const char *end = strptime (text, "%Y-%m-%dT%H:%M:%S", out);
  return end && !*end;
}

static void
local_time (struct tm *out)
{
  time_t now = time (NULL);
  localtime_r (&now, out);
}

static bool
render (const char *text, size_t n, const struct pe_json *context, const struct tm *now,
        struct pe_template_result *result, struct pe_error *error)
{
  struct pe_template *tmpl;
  if (!pe_template_parse (text, n, &tmpl, error))
    return false;
  bool rendered = pe_template_render (tmpl, context, now, NULL, result, error);
  pe_template_free (tmpl);
  return rendered;
}

static bool
render_request (const struct pe_json *request, struct pe_template_result *result,
                struct pe_error *error)
{
  static const struct pe_json empty = { .kind = PE_JSON_OBJECT };
  const struct pe_json *text = pe_json_get (request, "template");
  const struct pe_json *context = pe_json_get (request, "context");
  const struct pe_json *now = pe_json_get (request, "now");
  struct tm tm;
  if (!text || text->kind != PE_JSON_STRING)
    return pe_fail (error, PE_ERROR_ARGUMENT, "the request has no \"template\"");
  if (context && context->kind != PE_JSON_OBJECT)
    return pe_fail (error, PE_ERROR_ARGUMENT, "\"context\" is not an object");
  local_time (&tm);
  if (now && (now->kind != PE_JSON_STRING || !parse_time (now->string.data, &tm)))
    return pe_fail (error, PE_ERROR_ARGUMENT, "\"now\" is not like 2025-11-09T07:05:03");
  return render (text->string.data, text->string.n, context ? context : &empty, &tm, result, error);
}

static void
write_pieces (struct pe_json_writer *w, const struct pe_template_result *result)
{
  pe_json_key (w, "pieces");
  pe_json_begin_array (w);
  for (size_t i = 0; i < result->n_pieces; i++) {
    const struct pe_template_piece *piece = &result->pieces[i];
    pe_json_begin_object (w);
    pe_json_key (w, piece->from_values ? "value" : "template");
    pe_json_string (w, result->text + piece->offset, piece->n);
    pe_json_end_object (w);
  }
  pe_json_end_array (w);
}

static bool
answer_line (size_t line, const struct pe_json *request, const struct pe_error *damage, void *data)
{
  const bool *with_pieces = data;
  struct pe_template_result result = { 0 };
  struct pe_error error = { 0 };
  struct pe_json_writer w = { 0 };
  const struct pe_json *id = pe_json_get (request, "id");
  pe_json_begin_object (&w);
  if (id) {
    pe_json_key (&w, "id");
    pe_json_value (&w, id);
  }
  if (request ? render_request (request, &result, &error) : (error = *damage, false)) {
    pe_json_key (&w, "text");
    pe_json_string (&w, result.text, result.n);
    if (*with_pieces)
      write_pieces (&w, &result);
  } else {
    pe_json_key (&w, "error");
    pe_json_text (&w, error.message);
  }
  pe_json_end_object (&w);
  pe_template_result_clear (&result);
  return cli_print_json (&w) == CLI_DONE;
}

static int
render_files (const char *template_path, const char *context_path, const struct tm *now,
              bool as_json, bool with_pieces)
{
  size_t n_template, n_context;
  g_autofree char *text = cli_read_file (template_path, MAX_FILE_BYTES, &n_template);
  g_autofree char *json = text ? cli_read_file (context_path, MAX_FILE_BYTES, &n_context) : NULL;
  struct pe_json_document context;
  struct pe_template_result result = { 0 };
  struct pe_error error = { 0 };
  int status = CLI_DONE;
  if (!json)
    return CLI_FAILED;
  if (!pe_json_parse (json, n_context, &context, &error))
    return cli_fail_engine (context_path, &error);
  if (context.root.kind != PE_JSON_OBJECT) {
    status = cli_fail ("%s: not a JSON object", context_path);
  } else if (!render (text, n_template, &context.root, now, &result, &error)) {
    status = cli_fail_engine (template_path, &error);
  } else if (as_json || with_pieces) {
    struct pe_json_writer w = { 0 };
    pe_json_begin_object (&w);
    pe_json_key (&w, "text");
    pe_json_string (&w, result.text, result.n);
    if (with_pieces)
      write_pieces (&w, &result);
    pe_json_end_object (&w);
    status = cli_print_json (&w);
  } else if (fwrite (result.text, 1, result.n, stdout) != result.n || fflush (stdout) != 0) {
    status = cli_fail ("cannot print: %s", g_strerror (errno));
  }
  pe_template_result_clear (&result);
  pe_json_document_clear (&context);
  return status;
}

int
parley_cmd_render (int argc, char **argv)
{
  g_autofree char *requests = NULL, *now_text = NULL;
  gboolean as_json = FALSE, with_pieces = FALSE;
  const GOptionEntry entries[] = {
    { "jsonl", 0, 0, G_OPTION_ARG_FILENAME, &requests,
      "Answer each line of a file (- for standard input): "
      "{\"id\",\"template\",\"context\",\"now\"}",
      "REQUESTS" },
    { "now", 0, 0, G_OPTION_ARG_STRING, &now_text, "What strftime_now() sees", "TIME" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "Print the text as JSON", NULL },
    { "pieces", 0, 0, G_OPTION_ARG_NONE, &with_pieces,
      "Tell apart what came from the template and what from the values", NULL },
    { NULL },
  };
  struct tm now;
  if (!cli_parse (&argc, &argv, "[TEMPLATE.jinja CONTEXT.json]",
                  "Renders a chat template with the names of a JSON object.", entries, 0, 2))
    return CLI_USAGE;
  if (requests ? argc != 1 : argc != 3)
    return cli_usage ("expected either --jsonl, or a template and a context");
  local_time (&now);
  if (now_text && !parse_time (now_text, &now))
    return cli_usage ("wrong time: %s is not like 2025-11-09T07:05:03", now_text);
  if (!requests)
    return render_files (argv[1], argv[2], &now, as_json, with_pieces);
  bool pieces = with_pieces;
  return cli_each_line (requests, answer_line, &pieces);
}
