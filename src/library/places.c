/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/places.h"
#include "library/place-list.h"

#include "hub/json.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define MAX_SETTINGS_BYTES (256 * 1024)

void
parley_place_free (ParleyPlace *place)
{
  g_free (place->path);
  g_free (place->program);
  g_free (place->slug);
  g_free (place->problem);
  g_free (place);
}

void
parley_entry_free (ParleyEntry *entry)
{
  g_strfreev (entry->parts);
  g_free (entry->id);
  g_free (entry->repo);
  g_free (entry->commit);
  g_free (entry->sha256);
  g_free (entry->title);
  g_free (entry);
}

static gboolean
is_listed (GPtrArray *places, const char *path)
{
  for (guint i = 0; i < places->len; i++)
    if (strcmp (((ParleyPlace *) places->pdata[i])->path, path) == 0)
      return TRUE;
  return FALSE;
}

/* Takes `path`. */
static ParleyPlace *
add (GPtrArray *places, char *path, ParleyPlaceKind kind, const char *program, const char *slug)
{
  g_autofree char *owned = path;
  if (!owned || !g_path_is_absolute (owned))
    return NULL;
  g_autofree char *whole = g_canonicalize_filename (owned, NULL);
  if (is_listed (places, whole))
    return NULL;
  ParleyPlace *place = g_new0 (ParleyPlace, 1);
  place->path = g_steal_pointer (&whole);
  place->kind = kind;
  place->program = g_strdup (program);
  place->slug = g_strdup (slug);
  g_ptr_array_add (places, place);
  return place;
}

/* A folder of another program: listed when it is there; when it cannot be read, with the reason. */
static void
add_program (GPtrArray *places, char *path, ParleyPlaceKind kind, const char *program,
             const char *slug)
{
  if (!path || access (path, F_OK) != 0) {
    gboolean closed = path && errno == EACCES;
    if (!closed) {
      g_free (path);
      return;
    }
  }
  gboolean readable = access (path, R_OK | X_OK) == 0;
  ParleyPlace *place = add (places, path, kind, program, slug);
  if (place && !readable)
    place->problem = g_strdup_printf ("The models of %s in %s belong to another user and cannot be "
                                      "read. Ask for permission to read that folder, or download "
                                      "the model again",
                                      program, place->path);
}

/* ---- folders of the settings ---- */

GStrv
parley_places_get (ParleyStore *store, const char *setting)
{
  g_autofree char *value = store ? parley_store_get_setting (store, setting) : NULL;
  return value && *value ? g_strsplit (value, "\n", -1) : g_new0 (char *, 1);
}

gboolean
parley_places_add (ParleyStore *store, const char *setting, const char *folder, GError **error)
{
  g_autofree char *path = g_canonicalize_filename (folder, NULL);
  g_auto (GStrv) known = parley_places_get (store, setting);
  if (!g_file_test (path, G_FILE_TEST_IS_DIR) || strchr (path, '\n') ||
      !g_utf8_validate (path, -1, NULL)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY,
                 _ ("There is no folder %s. Choose one that is there"), path);
    return FALSE;
  }
  if (strcmp (path, "/") == 0) {
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        _ ("The whole computer is too much to look through. Choose the folder that "
           "has the models"));
    return FALSE;
  }
  if (g_strv_contains ((const char *const *) known, path))
    return TRUE;
  g_autofree char *before = g_strjoinv ("\n", known);
  g_autofree char *value = *before ? g_strconcat (before, "\n", path, NULL) : g_strdup (path);
  parley_store_set_setting (store, setting, value);
  return TRUE;
}

gboolean
parley_places_remove (ParleyStore *store, const char *folder)
{
  static const char *const settings[] = { PARLEY_SETTING_FOLDERS, PARLEY_SETTING_PLACES };
  g_autofree char *path = g_canonicalize_filename (folder, NULL);
  gboolean found = FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++) {
    g_auto (GStrv) known = parley_places_get (store, settings[i]);
    g_autoptr (GStrvBuilder) left = g_strv_builder_new ();
    gboolean here = FALSE;
    for (char **item = known; *item; item++) {
      if (strcmp (*item, path) == 0)
        here = TRUE;
      else
        g_strv_builder_add (left, *item);
    }
    if (!here)
      continue;
    found = TRUE;
    g_auto (GStrv) rest = g_strv_builder_end (left);
    g_autofree char *value = g_strjoinv ("\n", rest);
    parley_store_set_setting (store, settings[i], *value ? value : NULL);
  }
  return found;
}

static void
add_named (GPtrArray *places, ParleyStore *store, const char *setting, gboolean managed)
{
  g_auto (GStrv) folders = parley_places_get (store, setting);
  for (char **folder = folders; *folder; folder++) {
    g_autofree char *base = g_path_get_basename (*folder);
    ParleyPlace *place = add (places, g_strdup (*folder), PARLEY_PLACE_TREE, "", base);
    if (!place)
      continue;
    place->managed = managed;
    if (!g_file_test (place->path, G_FILE_TEST_IS_DIR))
      place->problem = g_strdup_printf ("The folder %s is not there. Plug its disk in, or remove "
                                        "the folder from the settings",
                                        place->path);
  }
}

/* ---- other programs ---- */

/* A string member of a small JSON file, or NULL. */
static char *
read_member (const char *path, const char *name)
{
  char *text = NULL;
  gsize n;
  if (!g_file_get_contents (path, &text, &n, NULL))
    return NULL;
  g_autofree char *owned = text;
  g_autoptr (JsonNode) node =
      n <= MAX_SETTINGS_BYTES ? parley_json_read (text, n, path, NULL) : NULL;
  const char *value = parley_json_string (parley_json_as_object (node), name);
  return *value ? g_strdup (value) : NULL;
}

static void
add_lm_studio (GPtrArray *places, const char *home)
{
  g_autofree char *pointer = g_build_filename (home, ".lmstudio-home-pointer", NULL);
  g_autofree char *old = g_build_filename (home, ".cache", "lm-studio", NULL);
  char *root = NULL;
  if (g_file_get_contents (pointer, &root, NULL, NULL))
    g_strstrip (root);
  else
    root = g_file_test (old, G_FILE_TEST_IS_DIR) ? g_strdup (old)
                                                 : g_build_filename (home, ".lmstudio", NULL);
  g_autofree char *owned = root;
  g_autofree char *settings = g_build_filename (root, "settings.json", NULL);
  char *chosen = read_member (settings, "downloadsFolder");
  add_program (places, chosen ? chosen : g_build_filename (root, "models", NULL), PARLEY_PLACE_TREE,
               "LM Studio", "lm-studio");
}

static void
add_ollama (GPtrArray *places, const char *home)
{
  const char *chosen = g_getenv ("OLLAMA_MODELS");
  if (chosen && *chosen)
    add_program (places, g_strdup (chosen), PARLEY_PLACE_OLLAMA, "Ollama", "ollama");
  add_program (places, g_build_filename (home, ".ollama", "models", NULL), PARLEY_PLACE_OLLAMA,
               "Ollama", "ollama");
  add_program (places, g_strdup ("/usr/share/ollama/.ollama/models"), PARLEY_PLACE_OLLAMA, "Ollama",
               "ollama");
  add_program (places,
               g_build_filename (home, ".var/app/com.jeffser.Alpaca/data/.ollama/models", NULL),
               PARLEY_PLACE_OLLAMA, "Alpaca", "alpaca");
  add_program (places,
               g_build_filename (g_get_user_data_dir (), "com.jeffser.Alpaca/.ollama/models", NULL),
               PARLEY_PLACE_OLLAMA, "Alpaca", "alpaca");
}

/* llama.cpp reads the same variables in this order; all that are there are looked into. */
static void
add_hub_caches (GPtrArray *places, const char *home)
{
  static const char *const direct[] = { "LLAMA_CACHE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE" };
  for (gsize i = 0; i < G_N_ELEMENTS (direct); i++) {
    const char *value = g_getenv (direct[i]);
    if (value && *value)
      add_program (places, g_strdup (value), PARLEY_PLACE_HUB, "Hugging Face", "hf");
  }
  const char *hf_home = g_getenv ("HF_HOME");
  if (hf_home && *hf_home)
    add_program (places, g_build_filename (hf_home, "hub", NULL), PARLEY_PLACE_HUB, "Hugging Face",
                 "hf");
  add_program (places, g_build_filename (g_get_user_cache_dir (), "huggingface", "hub", NULL),
               PARLEY_PLACE_HUB, "Hugging Face", "hf");
  add_program (places, g_build_filename (home, ".cache", "huggingface", "hub", NULL),
               PARLEY_PLACE_HUB, "Hugging Face", "hf");
  add_program (places, g_build_filename (g_get_user_cache_dir (), "llama.cpp", NULL),
               PARLEY_PLACE_TREE, "llama.cpp", "llama.cpp");
}

static void
add_jan (GPtrArray *places, const char *home)
{
  g_autofree char *settings =
      g_build_filename (g_get_user_data_dir (), "jan.ai.app", "settings.json", NULL);
  g_autofree char *chosen = read_member (settings, "data_folder");
  if (chosen)
    add_program (places, g_build_filename (chosen, "llamacpp", "models", NULL), PARLEY_PLACE_TREE,
                 "Jan", "jan");
  add_program (places, g_build_filename (g_get_user_data_dir (), "Jan/data/llamacpp/models", NULL),
               PARLEY_PLACE_TREE, "Jan", "jan");
  add_program (places,
               g_build_filename (home, ".var/app/ai.jan.Jan/data/Jan/data/llamacpp/models", NULL),
               PARLEY_PLACE_TREE, "Jan", "jan");
  add_program (places, g_build_filename (home, "jan", "models", NULL), PARLEY_PLACE_TREE, "Jan",
               "jan");
}

static void
add_gpt4all (GPtrArray *places, const char *home)
{
  g_autofree char *path =
      g_build_filename (g_get_user_config_dir (), "nomic.ai", "GPT4All.ini", NULL);
  g_autoptr (GKeyFile) ini = g_key_file_new ();
  if (g_key_file_load_from_file (ini, path, G_KEY_FILE_NONE, NULL))
    add_program (places, g_key_file_get_string (ini, "General", "modelPath", NULL),
                 PARLEY_PLACE_TREE, "GPT4All", "gpt4all");
  add_program (places, g_build_filename (g_get_user_data_dir (), "nomic.ai/GPT4All", NULL),
               PARLEY_PLACE_TREE, "GPT4All", "gpt4all");
  add_program (places,
               g_build_filename (home, ".var/app/io.gpt4all.gpt4all/data/nomic.ai/GPT4All", NULL),
               PARLEY_PLACE_TREE, "GPT4All", "gpt4all");
}

GPtrArray *
parley_places_find (const char *models_dir, ParleyStore *store)
{
  GPtrArray *places = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_place_free);
  ParleyPlace *own = add (places, g_strdup (models_dir), PARLEY_PLACE_TREE, "", "");
  own->managed = TRUE;
  add_named (places, store, PARLEY_SETTING_FOLDERS, TRUE);
  add_named (places, store, PARLEY_SETTING_PLACES, FALSE);
  if (g_strcmp0 (g_getenv ("PARLEY_OTHER_PROGRAMS"), "0") == 0)
    return places;
  const char *home = g_get_home_dir ();
  add_lm_studio (places, home);
  add_ollama (places, home);
  add_hub_caches (places, home);
  add_jan (places, home);
  add_gpt4all (places, home);
  return places;
}

void
parley_place_list (const ParleyPlace *place, GPtrArray *entries, GPtrArray *folders,
                   GCancellable *cancellable)
{
  ParleyPlaceList list = {
    .place = place, .entries = entries, .folders = folders, .cancellable = cancellable
  };
  if (place->problem) {
    g_ptr_array_add (folders, g_strdup (place->path)); /* it may come back */
    return;
  }
  switch (place->kind) {
  case PARLEY_PLACE_TREE: parley_place_list_tree (&list); break;
  case PARLEY_PLACE_OLLAMA: parley_place_list_ollama (&list); break;
  case PARLEY_PLACE_HUB: parley_place_list_hub (&list); break;
  default: g_assert_not_reached ();
  }
}
