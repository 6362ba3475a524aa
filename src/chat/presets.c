/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/presets.h"

#include <string.h>

#include "base/json.h"

#define KEY         "chat/presets"
#define MAX_PRESETS 100

ParleyPreset *
parley_preset_new (const char *name, const char *system_prompt, const ParleySampling *sampling)
{
  ParleyPreset *preset = g_new0 (ParleyPreset, 1);
  preset->name = g_strdup (name);
  preset->system_prompt = g_strdup (system_prompt);
  preset->sampling = *sampling;
  return preset;
}

void
parley_preset_free (ParleyPreset *preset)
{
  if (!preset)
    return;
  g_free (preset->name);
  g_free (preset->system_prompt);
  g_free (preset);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const ParleyPreset *x = *(ParleyPreset *const *) a, *y = *(ParleyPreset *const *) b;
  return g_utf8_collate (x->name, y->name);
}

static const char *
get_text (const struct pe_json *object, const char *key)
{
  const struct pe_json *value = pe_json_get (object, key);
  return value && value->kind == PE_JSON_STRING ? value->string.data : NULL;
}

GPtrArray *
parley_presets_load (ParleyStore *store)
{
  GPtrArray *presets = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_preset_free);
  g_autofree char *json = parley_store_get_setting (store, KEY);
  struct pe_json_document document = { 0 };
  if (!json || !pe_json_parse (json, strlen (json), &document, NULL))
    return presets;
  if (document.root.kind == PE_JSON_ARRAY)
    for (size_t i = 0; i < MIN (document.root.list.n, MAX_PRESETS); i++) {
      const struct pe_json *item = &document.root.list.items[i];
      const char *name = get_text (item, "name");
      ParleySampling sampling;
      parley_sampling_from_json (&sampling, get_text (item, "sampling"));
      if (name && *name)
        g_ptr_array_add (presets,
                         parley_preset_new (name, get_text (item, "system_prompt"), &sampling));
    }
  pe_json_document_clear (&document);
  g_ptr_array_sort (presets, compare);
  return presets;
}

static void
store_all (ParleyStore *store, GPtrArray *presets)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_array (&w);
  for (guint i = 0; i < MIN (presets->len, MAX_PRESETS); i++) {
    const ParleyPreset *preset = presets->pdata[i];
    g_autofree char *sampling = parley_sampling_to_json (&preset->sampling);
    pe_json_begin_object (&w);
    pe_json_key (&w, "name");
    pe_json_text (&w, preset->name);
    if (preset->system_prompt) {
      pe_json_key (&w, "system_prompt");
      pe_json_text (&w, preset->system_prompt);
    }
    pe_json_key (&w, "sampling");
    pe_json_text (&w, sampling);
    pe_json_end_object (&w);
  }
  pe_json_end_array (&w);
  if (pe_json_finish (&w))
    parley_store_set_setting (store, KEY, presets->len > 0 ? w.text : NULL);
  pe_json_writer_clear (&w);
}

static void
take_out (GPtrArray *presets, const char *name)
{
  for (guint i = presets->len; i > 0; i--)
    if (g_str_equal (((ParleyPreset *) presets->pdata[i - 1])->name, name))
      g_ptr_array_remove_index (presets, i - 1);
}

void
parley_presets_save (ParleyStore *store, const ParleyPreset *preset)
{
  g_autoptr (GPtrArray) presets = parley_presets_load (store);
  take_out (presets, preset->name);
  g_ptr_array_insert (presets, 0,
                      parley_preset_new (preset->name, preset->system_prompt, &preset->sampling));
  store_all (store, presets);
}

void
parley_presets_remove (ParleyStore *store, const char *name)
{
  g_autoptr (GPtrArray) presets = parley_presets_load (store);
  take_out (presets, name);
  store_all (store, presets);
}
