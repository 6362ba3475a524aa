/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The library for commands: opened with its catalogue where that can be had, and read.
 */
#pragma once

#include "cli/cli.h"
#include "engine/plan.h"
#include "library/parley-library.h"

/* The store of what was kept so far, for looking; NULL where nothing was, or it cannot be opened.
 * Looking makes nothing. */
ParleyStore *cli_store_peek (void);

/* The hub that a person chose, with the token of the keyring. */
ParleyHub *cli_hub_new (void);

/* NULL: reported. */
ParleyLibrary *cli_library_open (void);

/* The same with a store that is open. */
ParleyLibrary *cli_library_open_with (ParleyStore *store);

/* The CPU and the GPUs that models are planned for here, with the rates that are known and with
 * what the person allows; `store` may be NULL. Returns how many. */
gsize cli_plan_devices (ParleyStore *store, struct pe_device_info devices[PE_MAX_DEVICES]);

/* A model by name, prefix or path. NULL: reported. */
ParleyModel *cli_library_find (ParleyLibrary *library, const char *name);

/* Both at once, for commands that change what the catalogue says: opens the store and the library,
 * and finds the model. False: reported; what was opened is set all the same, to be released. */
bool cli_model_open (const char *name, ParleyStore **store, ParleyLibrary **library,
                     ParleyModel **model);

const char *cli_model_state (ParleyModel *model); /* "ready", "incomplete", … */
void cli_write_model (struct pe_json_writer *w, ParleyModel *model);

/* A line on the terminal that says how far something is. */
typedef struct {
  bool is_quiet;
  const char *verb; /* "imported" */
  gint64 shown_at;
  bool has_line;
} CliProgress;

void cli_on_progress (guint64 done, guint64 total, gpointer progress); /* a ParleyProgress */
void cli_progress_end (CliProgress *progress);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CliProgress, cli_progress_end)
