/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Device descriptions as JSON: what `parley-worker --probe` prints, what is cached, and what
 * `parley-cli devices --json` shows.
 *
 *   {"why": "…", "devices": [{"id": "cpu", "name": "…", "kind": "cpu", "memory_total": 1, …}, …]}
 */
#pragma once

#include <glib.h>

#include "base/json.h"
#include "engine/plan.h"

G_BEGIN_DECLS

/* "cpu", "discrete", "integrated", "software". */
const char *parley_device_kind_to_string (enum pe_device_kind kind);

/* Whether the engine's own rates on this device are known. */
gboolean parley_device_has_rates (const struct pe_device_info *device);

/* Appends one object. */
void parley_device_to_json (struct pe_json_writer *w, const struct pe_device_info *device);

/* Reads one object; takes nothing that makes no sense: names are cut to their room, absent and
 * impossible numbers are 0. FALSE: no object, no id, or an unknown kind. */
gboolean parley_device_from_json (const struct pe_json *object, struct pe_device_info *device);

/* A whole list with its sentence; `text` is freed by g_free(). */
char *parley_devices_to_json (const struct pe_device_info *devices, gsize n, const char *why);

/* Returns an array of struct pe_device_info of which the first is the CPU, or NULL with an error
 * for anything else. `why` (may be NULL) gets the sentence, freed by g_free(). */
GArray *parley_devices_from_json (const char *text, gsize n, char **why,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
