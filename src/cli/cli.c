/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cli.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
print_message (const char *format, va_list args)
{
  g_autofree char *message = g_strdup_vprintf (format, args);
  for (char *p = message; *p; p++)
    if ((unsigned char) *p < 0x20 || *p == 0x7f)
      *p = '?';
  fflush (stdout);
  fprintf (stderr, "parley-cli: %s\n", message);
}

int
cli_fail (const char *format, ...)
{
  va_list args;
  va_start (args, format);
  print_message (format, args);
  va_end (args);
  return CLI_FAILED;
}

int
cli_fail_engine (const char *what, const struct pe_error *error)
{
  return cli_fail ("%s: %s", what, error->message);
}

int
cli_fail_glib (const char *what, const GError *error)
{
  return cli_fail ("%s: %s", what, error->message);
}

int
cli_usage (const char *format, ...)
{
  va_list args;
  va_start (args, format);
  print_message (format, args);
  va_end (args);
  fprintf (stderr, "Try '%s --help'.\n", g_get_prgname ());
  return CLI_USAGE;
}

bool
cli_parse (int *argc, char ***argv, const char *arguments, const char *summary,
           const GOptionEntry *entries, int min_args, int max_args)
{
  g_autoptr (GOptionContext) context = g_option_context_new (arguments);
  g_autoptr (GError) error = NULL;
  g_option_context_set_summary (context, summary);
  if (entries)
    g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, &error)) {
    cli_usage ("wrong option: %s", error->message);
    return false;
  }
  /* A "--" that ended the options is still there. */
  if (*argc > 1 && strcmp ((*argv)[1], "--") == 0) {
    memmove (*argv + 1, *argv + 2, (size_t) (*argc - 1) * sizeof **argv);
    (*argc)--;
  }
  int n = *argc - 1;
  if (n < min_args || (max_args >= 0 && n > max_args)) {
    cli_usage (n < min_args ? "an argument is missing: %s" : "too many arguments: expected %s",
               *arguments ? arguments : "none");
    return false;
  }
  return true;
}

char *
cli_read_file (const char *path, size_t max, size_t *n)
{
  bool is_stdin = strcmp (path, "-") == 0;
  FILE *file = is_stdin ? stdin : fopen (path, "rbe");
  if (!file) {
    cli_fail ("cannot open %s: %s", path, g_strerror (errno));
    return NULL;
  }
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  unsigned char buffer[16384];
  size_t got;
  while (bytes->len <= max && (got = fread (buffer, 1, sizeof buffer, file)) > 0)
    g_byte_array_append (bytes, buffer, (guint) got);
  bool failed = ferror (file);
  int why = errno;
  if (!is_stdin)
    fclose (file);
  if (failed || bytes->len > max) {
    if (failed)
      cli_fail ("cannot read %s: %s", path, g_strerror (why));
    else
      cli_fail ("cannot read %s: it is larger than %zu bytes", path, max);
    return NULL;
  }
  *n = bytes->len;
  g_byte_array_append (bytes, (const guint8 *) "", 1);
  return (char *) g_byte_array_free (g_steal_pointer (&bytes), FALSE);
}

static bool
parse_line (size_t number, const char *line, size_t n, cli_line_fn fn, void *data)
{
  struct pe_json_document document;
  struct pe_error error = { 0 };
  if (!pe_json_parse (line, n, &document, &error))
    return fn (number, NULL, &error, data);
  if (document.root.kind != PE_JSON_OBJECT)
    pe_fail (&error, PE_ERROR_FORMAT, "JSON: not an object");
  bool go_on = fn (number, error.code ? NULL : &document.root, &error, data);
  pe_json_document_clear (&document);
  return go_on;
}

int
cli_each_line (const char *path, cli_line_fn fn, void *data)
{
  bool is_stdin = strcmp (path, "-") == 0;
  FILE *file = is_stdin ? stdin : fopen (path, "rbe");
  if (!file)
    return cli_fail ("cannot open %s: %s", path, g_strerror (errno));
  char *line = NULL;
  size_t capacity = 0, number = 0;
  ssize_t n;
  bool go_on = true;
  while (go_on && (n = getline (&line, &capacity, file)) >= 0) {
    number++;
    if (n > 0 && strspn (line, " \t\r\n") < (size_t) n)
      go_on = parse_line (number, line, (size_t) n, fn, data);
  }
  bool failed = ferror (file);
  int why = errno;
  free (line);
  if (!is_stdin)
    fclose (file);
  if (failed)
    return cli_fail ("cannot read %s: %s", path, g_strerror (why));
  return go_on ? CLI_DONE : CLI_FAILED;
}

int
cli_print_json (struct pe_json_writer *w)
{
  int status = CLI_DONE;
  if (!pe_json_finish (w))
    status = cli_fail ("cannot print: not enough memory");
  else if (fwrite (w->text, 1, w->n, stdout) != w->n || putchar ('\n') == EOF ||
           fflush (stdout) != 0)
    status = cli_fail ("cannot print: %s", g_strerror (errno));
  pe_json_writer_clear (w);
  return status;
}

bool
cli_json_bool (const struct pe_json *object, const char *key, bool otherwise)
{
  const struct pe_json *value = pe_json_get (object, key);
  return value && value->kind == PE_JSON_BOOL ? value->boolean : otherwise;
}

bool
cli_json_bytes (const struct pe_json *object, const char *key, const char **data, size_t *n,
                char **owned)
{
  const struct pe_json *value = pe_json_get (object, key);
  *owned = NULL;
  if (value && value->kind == PE_JSON_STRING) {
    *data = value->string.data;
    *n = value->string.n;
    return true;
  }
  g_autofree char *encoded_key = g_strconcat (key, "_b64", NULL);
  value = pe_json_get (object, encoded_key);
  if (!value || value->kind != PE_JSON_STRING || strlen (value->string.data) != value->string.n)
    return false;
  gsize length;
  *owned = (char *) g_base64_decode (value->string.data, &length);
  *data = *owned;
  *n = length;
  return true;
}

void
cli_write_bytes (struct pe_json_writer *w, const char *key, const char *data, size_t n)
{
  if (pe_utf8_valid (data, n)) {
    pe_json_key (w, key);
    pe_json_string (w, data, n);
    return;
  }
  g_autofree char *encoded_key = g_strconcat (key, "_b64", NULL);
  g_autofree char *encoded = g_base64_encode ((const guchar *) data, n);
  pe_json_key (w, encoded_key);
  pe_json_text (w, encoded);
}
