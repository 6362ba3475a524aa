/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-suggestions.h"

#include "fit/parley-fit.h"
#include "hub/json.h"
#include "hub/names.h"

#include <glib/gi18n.h>

#define RESOURCE "/io/github/parleychat/Parley/suggestions.json"

/* Beside the weights: a conversation of some thousand tokens and working memory. */
#define BESIDE_BYTES       (G_GUINT64_CONSTANT (700) * 1000 * 1000)
#define BYTES_OF_PARAMETER 0.61 /* at 4 bits, with scales and the layers that keep more */

static const struct {
  const char *kind, *words;
} kinds[] = {
  { "general", N_ ("For everything") },
  { "quick", N_ ("Small and quick") },
  { "code", N_ ("For programs") },
  { "reasoning", N_ ("Thinks in steps before it answers") },
  { "languages", N_ ("Knows many languages") },
  { "mixture", N_ ("Large, yet quick: uses a part of itself for each word") },
};

static ParleySuggestion *
read_one (JsonObject *object)
{
  const char *repo = parley_json_string (object, "repo");
  if (!parley_name_check_repo (repo, NULL))
    return NULL;
  ParleySuggestion *made = g_new0 (ParleySuggestion, 1);
  made->repo = g_strdup (repo);
  made->quantisation = g_strdup (parley_json_string (object, "quantisation"));
  made->name = g_strdup (parley_json_string (object, "name"));
  made->maker = g_strdup (parley_json_string (object, "maker"));
  made->license = g_strdup (parley_json_string (object, "license"));
  made->kind = g_strdup (parley_json_string (object, "kind"));
  made->source = g_strdup (parley_json_string (object, "source"));
  parley_json_count (object, "bytes", &made->bytes);
  parley_json_count (object, "parameters", &made->parameters);
  return made;
}

static int
compare_bytes (gconstpointer a, gconstpointer b)
{
  guint64 x = (*(ParleySuggestion **) a)->bytes, y = (*(ParleySuggestion **) b)->bytes;
  return (x > y) - (x < y);
}

GPtrArray *
parley_suggestions_get (void)
{
  static GPtrArray *list;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;

  if (list != NULL)
    return list;
  list = g_ptr_array_new ();
  bytes = g_resources_lookup_data (RESOURCE, 0, &error);
  if (bytes != NULL)
    node = parley_json_read (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), RESOURCE,
                             &error);
  JsonArray *models = parley_json_array (parley_json_as_object (node), "models");
  for (guint i = 0; models != NULL && i < json_array_get_length (models); i++) {
    JsonObject *object = parley_json_as_object (json_array_get_element (models, i));
    ParleySuggestion *made = object != NULL ? read_one (object) : NULL;
    if (made != NULL)
      g_ptr_array_add (list, made);
  }
  if (error != NULL)
    g_warning ("%s", error->message);
  g_ptr_array_sort (list, compare_bytes);
  return list;
}

const char *
parley_suggestion_words (const ParleySuggestion *suggestion)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kinds[i].kind, suggestion->kind))
      return _ (kinds[i].words);
  return "";
}

guint64
parley_memory_for_models (ParleyHardware *hardware)
{
  struct pe_device_info devices[PE_MAX_DEVICES];
  gsize n = parley_hardware_get_plan_devices (hardware, devices);
  guint64 bytes = 0;

  for (gsize i = 0; i < n; i++)
    if (i == 0 || devices[i].kind == PE_DEVICE_DISCRETE) /* others share the RAM */
      bytes +=
          devices[i].memory_total - MIN (devices[i].memory_total, parley_fit_margin (&devices[i]));
  return bytes;
}

gboolean
parley_memory_holds (guint64 memory, guint64 file_bytes)
{
  return file_bytes + file_bytes / 12 + BESIDE_BYTES <= memory;
}

guint64
parley_memory_parameters (guint64 memory)
{
  return memory <= BESIDE_BYTES
             ? 0
             : (guint64) ((double) (memory - BESIDE_BYTES) / (BYTES_OF_PARAMETER * 13 / 12));
}
