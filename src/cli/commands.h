/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The commands of parley-cli, in the order of its help. A command NAME lives in cmd-NAME.c as
 *
 *   int parley_cmd_NAME (int argc, char **argv);
 *
 * with argv[0] its name; it returns an exit status (enum cli_status).
 */
#pragma once

/* clang-format off */
#define PARLEY_COMMANDS(X) \
  X (logits, "what a model thinks of every next token") \
  X (dequant, "decode raw blocks of one tensor type") \
  X (render, "render chat templates")
/* clang-format on */

#define PARLEY_DECLARE_COMMAND(name, summary) int parley_cmd_##name (int argc, char **argv);
PARLEY_COMMANDS (PARLEY_DECLARE_COMMAND)
#undef PARLEY_DECLARE_COMMAND
