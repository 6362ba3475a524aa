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
  X (devices, "what this computer has, and what is used") \
  X (search, "find models on the hub") \
  X (show, "the files of a repository, and whether they fit") \
  X (pull, "download a model") \
  X (downloads, "what is not downloaded to its end yet") \
  X (list, "the models on this computer") \
  X (info, "what is known of a model") \
  X (rm, "delete a model") \
  X (import, "bring models from files, folders and archives") \
  X (export, "write a model with all that belongs to it into one archive") \
  X (set, "name, tag and pin a model, and set its defaults") \
  X (verify, "read a model from the disk and check its SHA-256") \
  X (move, "move a model to another models folder") \
  X (folders, "where models lie") \
  X (fit, "whether a model runs here, and how fast") \
  X (chat, "talk to a model") \
  X (bench, "measure how fast a model runs here") \
  X (logits, "what a model thinks of every next token") \
  X (inspect, "what the header of a GGUF file says") \
  X (tokenize, "turn text into tokens and back") \
  X (dequant, "decode raw blocks of one tensor type") \
  X (render, "render chat templates")
/* clang-format on */

#define PARLEY_DECLARE_COMMAND(name, summary) int parley_cmd_##name (int argc, char **argv);
PARLEY_COMMANDS (PARLEY_DECLARE_COMMAND)
#undef PARLEY_DECLARE_COMMAND
