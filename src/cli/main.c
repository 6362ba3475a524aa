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
  return cli_usage ("unknown command: %s", argv[1]);
}
