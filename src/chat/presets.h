/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Presets: a system prompt and sampling settings under a name, kept in the store's settings.
 */
#pragma once

#include "chat/parley-sampling.h"
#include "store/parley-store.h"

G_BEGIN_DECLS

typedef struct {
  char *name;
  char *system_prompt; /* NULL: none */
  ParleySampling sampling;
} ParleyPreset;

ParleyPreset *parley_preset_new (const char *name, const char *system_prompt,
                                 const ParleySampling *sampling);
void parley_preset_free (ParleyPreset *preset);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyPreset, parley_preset_free)

/* Array of ParleyPreset, by name. What cannot be read is left out. */
GPtrArray *parley_presets_load (ParleyStore *store);
/* Replaces the one of the same name. At most 100 are kept. */
void parley_presets_save (ParleyStore *store, const ParleyPreset *preset);
void parley_presets_remove (ParleyStore *store, const char *name);

G_END_DECLS
