/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The library for commands: opened with its catalogue where that can be had, and read.
 */
#pragma once

#include "cli/cli.h"
#include "library/parley-library.h"

/* NULL: reported. */
ParleyLibrary *cli_library_open (void);

/* A model by name, prefix or path. NULL: reported. */
ParleyModel *cli_library_find (ParleyLibrary *library, const char *name);

const char *cli_model_state (ParleyModel *model); /* "ready", "incomplete", … */
void cli_write_model (struct pe_json_writer *w, ParleyModel *model);
