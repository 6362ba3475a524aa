/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli tokenize: text to tokens and back with the vocabulary of a GGUF file.
 */
#include "cli/cli.h"
#include "cli/commands.h"

#include "engine/format/gguf.h"
#include "engine/text/tokenizer.h"

struct job {
  const struct pe_vocab *vocab;
  bool failed;
};

static void
write_text (struct pe_json_writer *w, const struct pe_vocab *vocab, const int32_t *ids, size_t n)
{
  g_autoptr (GByteArray) text = g_byte_array_new ();
  for (size_t i = 0; i < n; i++) {
    char buffer[8];
    size_t n_piece;
    const char *piece = pe_token_piece (vocab, ids[i], true, buffer, &n_piece);
    g_byte_array_append (text, (const guint8 *) piece, (guint) n_piece);
  }
  cli_write_bytes (w, "detok", text->len ? (const char *) text->data : "", text->len);
}

static bool
write_tokens (struct pe_json_writer *w, const struct pe_vocab *vocab, const char *text, size_t n,
              unsigned flags, struct pe_error *error)
{
  struct pe_tokens tokens = { 0 };
  bool ok = pe_tokenize (vocab, text, n, flags, &tokens, error);
  if (ok) {
    pe_json_key (w, "ids");
    pe_json_begin_array (w);
    for (size_t i = 0; i < tokens.n; i++)
      pe_json_int (w, tokens.ids[i]);
    pe_json_end_array (w);
    write_text (w, vocab, tokens.ids, tokens.n);
  }
  pe_tokens_clear (&tokens);
  return ok;
}

static bool
write_decoded (struct pe_json_writer *w, const struct pe_vocab *vocab, const struct pe_json *list,
               struct pe_error *error)
{
  g_autofree int32_t *ids = g_new (int32_t, list->list.n + 1);
  for (size_t i = 0; i < list->list.n; i++) {
    const struct pe_json *item = &list->list.items[i];
    if (item->kind != PE_JSON_INT || item->integer < INT32_MIN || item->integer > INT32_MAX)
      return pe_fail (error, PE_ERROR_ARGUMENT, "'decode' is not a list of token numbers");
    ids[i] = (int32_t) item->integer;
  }
  write_text (w, vocab, ids, list->list.n);
  return true;
}

static bool
answer (struct pe_json_writer *w, const struct pe_vocab *vocab, const struct pe_json *request,
        struct pe_error *error)
{
  const struct pe_json *decode = pe_json_get (request, "decode");
  if (decode && decode->kind == PE_JSON_ARRAY)
    return write_decoded (w, vocab, decode, error);
  const char *text;
  size_t n;
  g_autofree char *owned = NULL;
  if (!cli_json_bytes (request, "text", &text, &n, &owned))
    return pe_fail (error, PE_ERROR_ARGUMENT,
                    "neither 'text' nor 'text_b64' nor 'decode' is there");
  unsigned flags = (cli_json_bool (request, "add_special", false) ? PE_ADD_SPECIAL : 0) |
                   (cli_json_bool (request, "parse_special", false) ? PE_PARSE_SPECIAL : 0);
  return write_tokens (w, vocab, text, n, flags, error);
}

static bool
on_line (size_t line, const struct pe_json *request, const struct pe_error *parse_error, void *data)
{
  struct job *job = data;
  struct pe_error error = { 0 };
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  const struct pe_json *id = request ? pe_json_get (request, "id") : NULL;
  if (id) {
    pe_json_key (&w, "id");
    pe_json_value (&w, id);
  }
  bool ok = false;
  if (!request)
    error = *parse_error;
  else
    ok = answer (&w, job->vocab, request, &error);
  if (!ok) {
    pe_json_key (&w, "error");
    pe_json_text (&w, error.message);
    job->failed = true;
  }
  pe_json_end_object (&w);
  return cli_print_json (&w) == CLI_DONE;
}

static int
run (const struct pe_vocab *vocab, const char *requests, const char *text, unsigned flags)
{
  if (requests) {
    struct job job = { .vocab = vocab };
    int status = cli_each_line (requests, on_line, &job);
    return status == CLI_DONE && job.failed ? CLI_FAILED : status;
  }
  struct pe_error error = { 0 };
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  if (!write_tokens (&w, vocab, text, strlen (text), flags, &error)) {
    pe_json_writer_clear (&w);
    return cli_fail_engine ("cannot tokenise", &error);
  }
  pe_json_end_object (&w);
  return cli_print_json (&w);
}

int
parley_cmd_tokenize (int argc, char **argv)
{
  g_autofree char *requests = NULL, *text = NULL;
  gboolean no_special = FALSE, parse_special = FALSE;
  const GOptionEntry entries[] = {
    { "jsonl", 0, 0, G_OPTION_ARG_FILENAME, &requests, "Requests, one JSON object a line", "FILE" },
    { "text", 0, 0, G_OPTION_ARG_STRING, &text, "Tokenise this text", "TEXT" },
    { "no-special", 0, 0, G_OPTION_ARG_NONE, &no_special,
      "With --text: add no token for beginning and end", NULL },
    { "parse-special", 0, 0, G_OPTION_ARG_NONE, &parse_special,
      "With --text: text that spells a control token becomes it", NULL },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "FILE",
                  "Turns text into tokens and back with the vocabulary of a GGUF file.", entries, 1,
                  1))
    return CLI_USAGE;
  if (!requests == !text)
    return cli_usage ("either --jsonl or --text is needed");

  g_autoptr (GError) failure = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (argv[1], FALSE, &failure);
  if (!file)
    return cli_fail_glib ("cannot open the model", failure);
  struct pe_error error = { 0 };
  struct pe_gguf *gguf = NULL;
  struct pe_vocab *vocab = NULL;
  size_t n = g_mapped_file_get_length (file);
  int status;
  if (pe_gguf_parse (g_mapped_file_get_contents (file), n, n, &gguf, &error) &&
      pe_vocab_load (gguf, &vocab, &error))
    status = run (vocab, requests, text,
                  (no_special ? 0 : PE_ADD_SPECIAL) | (parse_special ? PE_PARSE_SPECIAL : 0));
  else
    status = cli_fail_engine (argv[1], &error);
  pe_vocab_free (vocab);
  pe_gguf_free (gguf);
  return status;
}
