/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the commands of parley-cli share: options, messages, files, JSON lines. Errors go to
 * standard error as "parley-cli: what went wrong: why". One thread.
 */
#pragma once

#include "base/error.h"
#include "base/json.h"

#include <glib.h>
#include <stdio.h>

enum cli_status {
  CLI_DONE = 0,
  CLI_FAILED = 1,
  CLI_USAGE = 2,
};

/* Prints "parley-cli: " and the message, control characters replaced; returns CLI_FAILED. */
int cli_fail (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* "parley-cli: `what`: why"; returns CLI_FAILED. */
int cli_fail_engine (const char *what, const struct pe_error *error);
int cli_fail_glib (const char *what, const GError *error);

/* The same with a hint at --help; returns CLI_USAGE. */
int cli_usage (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Parses and removes the options of a command. `arguments` and `summary` are for --help, which
 * prints and leaves the program. Afterwards (*argv)[1] ... are the arguments proper, between
 * `min_args` and `max_args` of them (-1: any number). False: reported, return CLI_USAGE. */
bool cli_parse (int *argc, char ***argv, const char *arguments, const char *summary,
                const GOptionEntry *entries, int min_args, int max_args);

/* The whole of a file ("-": standard input), zero-terminated, at most `max` bytes; g_free() it.
 * NULL: reported. */
char *cli_read_file (const char *path, size_t max, size_t *n);

/* Calls `fn` for each line that is not blank of a file ("-": standard input) with the parsed JSON
 * object, and NULL with *error filled when it is none; stops at the first failure to read or when
 * fn returns false. Returns an exit status. */
typedef bool (*cli_line_fn) (size_t line, const struct pe_json *request,
                             const struct pe_error *error, void *data);
int cli_each_line (const char *path, cli_line_fn fn, void *data);

/* Finishes the text, prints it and a newline, and clears the writer; returns an exit status. */
int cli_print_json (struct pe_json_writer *w);

/* Members of requests; false when absent or of another kind. */
bool cli_json_bool (const struct pe_json *object, const char *key, bool otherwise);

/* The member `key` or, in base64, `key`_b64. *data is inside the request or to be freed by the
 * caller through *owned. False when neither is there or the base64 is damaged. */
bool cli_json_bytes (const struct pe_json *object, const char *key, const char **data, size_t *n,
                     char **owned);

/* Writes the member `key`, or `key`_b64 when the bytes are no valid UTF-8. */
void cli_write_bytes (struct pe_json_writer *w, const char *key, const char *data, size_t n);
