/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-usual-presets.h"

#include <glib/gi18n.h>

GPtrArray *
parley_usual_presets_new (const char *system_prompt)
{
  static const struct {
    const char *name;
    double temperature, top_p;
  } usual[] = {
    { N_ ("Precise"), 0.2, 0.9 },
    { N_ ("Balanced"), 0.8, 0.95 },
    { N_ ("Imaginative"), 1.2, 0.98 },
  };
  GPtrArray *presets = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_preset_free);

  for (gsize i = 0; i < G_N_ELEMENTS (usual); i++) {
    ParleySampling sampling;
    parley_sampling_init (&sampling);
    sampling.temperature = usual[i].temperature;
    sampling.top_p = usual[i].top_p;
    g_ptr_array_add (presets, parley_preset_new (_ (usual[i].name), system_prompt, &sampling));
  }
  return presets;
}
