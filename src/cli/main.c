/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli: Parley for the terminal and for tests. Looks the command up and hands over.
 */
#include "cli/cli.h"
#include "cli/commands.h"
#include "parley-config.h"

#include <locale.h>
#include <string.h>

static const struct {
  const char *name, *summary;
  int (*run) (int argc, char **argv);
} commands[] = {
#define PARLEY_LIST_COMMAND(name, summary) { #name, summary, parley_cmd_##name },
  PARLEY_COMMANDS (PARLEY_LIST_COMMAND)
#undef PARLEY_LIST_COMMAND
};

static void
print_help (FILE *to)
{
  fprintf (to, "Usage: parley-cli COMMAND [OPTION…] [ARGUMENT…]\n\n"
               "Finds, downloads and runs language models on this computer.\n\nCommands:\n");
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    fprintf (to, "  %-10s %s\n", commands[i].name, commands[i].summary);
  fprintf (to,
           "\n'parley-cli COMMAND --help' says more; 'parley-cli --version' tells the version.\n"
           "Exit status: 0 done, 1 failed, 2 used wrongly.\n");
}

/* How many letters must be put in, left out or replaced; words longer than that are far apart. */
static size_t
distance (const char *a, const char *b)
{
  size_t row[24], n = strlen (b);
  if (n >= G_N_ELEMENTS (row))
    return G_N_ELEMENTS (row);
  for (size_t k = 0; k <= n; k++)
    row[k] = k;
  for (size_t i = 0; a[i]; i++) {
    size_t corner = row[0];
    row[0] = i + 1;
    for (size_t k = 0; k < n; k++) {
      size_t change = corner + (a[i] != b[k]);
      corner = row[k + 1];
      row[k + 1] = MIN (MIN (row[k], corner) + 1, change);
    }
  }
  return row[n];
}

/* The command that was probably meant, or NULL. */
static const char *
nearest (const char *word)
{
  static const char *const others[][2] = {
    { "download", "pull" },   { "get", "pull" },   { "install", "pull" }, { "ls", "list" },
    { "delete", "rm" },       { "remove", "rm" },  { "run", "chat" },     { "find", "search" },
    { "queue", "downloads" }, { "add", "import" },
  };
  const char *best = NULL;
  size_t least = 3; /* further away it is a guess */
  for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
    if (strcmp (word, others[i][0]) == 0)
      return others[i][1];
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++) {
    size_t far = distance (word, commands[i].name);
    if (far < least && far * 2 < strlen (commands[i].name)) {
      least = far;
      best = commands[i].name;
    }
  }
  return best;
}

int
main (int argc, char **argv)
{
  /* Arguments are UTF-8 whatever the environment says; numbers keep the decimal point. */
  if (!setlocale (LC_CTYPE, "") || !g_get_charset (NULL))
    setlocale (LC_CTYPE, "C.UTF-8");
  g_set_prgname ("parley-cli");
  if (argc < 2) {
    print_help (stderr);
    return CLI_USAGE;
  }
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0) {
    print_help (stdout);
    return CLI_DONE;
  }
  if (strcmp (argv[1], "--version") == 0) {
    printf ("parley-cli %s\n", PARLEY_VERSION);
    return CLI_DONE;
  }
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (argv[1], commands[i].name) == 0) {
      g_autofree char *name = g_strconcat ("parley-cli ", argv[1], NULL);
      g_set_prgname (name);
      return commands[i].run (argc - 1, argv + 1);
    }
  const char *near = nearest (argv[1]);
  return near ? cli_usage ("unknown command: %s; did you mean %s?", argv[1], near)
              : cli_usage ("unknown command: %s", argv[1]);
}
