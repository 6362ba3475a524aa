/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/parley-hub-model.h"
#include "hub/names.h"
#include "hub/parley-hub-error.h"
#include "hub/parley-hub-model-private.h"

#include <glib/gi18n.h>
#include <string.h>

#define MAX_TAGS  200
#define MAX_FILES 5000

struct _ParleyHubModel {
  GObject parent_instance;

  char *repo;
  char *author;
  char *name;
  char *commit;
  char *pipeline;
  char *license;
  char *base_model;
  char *architecture;
  GStrv tags;
  guint64 downloads, likes, context_length, parameters;
  gint64 updated;
  ParleyHubGate gate;
  GListStore *files, *companions;
};

G_DEFINE_FINAL_TYPE (ParleyHubModel, parley_hub_model, G_TYPE_OBJECT)

enum {
  PROP_REPO = 1,
  PROP_AUTHOR,
  PROP_NAME,
  PROP_COMMIT,
  PROP_PIPELINE,
  PROP_LICENSE,
  PROP_BASE_MODEL,
  PROP_ARCHITECTURE,
  PROP_TAGS,
  PROP_DOWNLOADS,
  PROP_LIKES,
  PROP_UPDATED,
  PROP_GATE,
  PROP_CONTEXT_LENGTH,
  PROP_PARAMETERS,
  PROP_FILES,
  PROP_COMPANIONS,
  N_PROPS
};

static void
parley_hub_model_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  ParleyHubModel *self = PARLEY_HUB_MODEL (object);
  switch (id) {
  case PROP_REPO: g_value_set_string (value, self->repo); break;
  case PROP_AUTHOR: g_value_set_string (value, self->author); break;
  case PROP_NAME: g_value_set_string (value, self->name); break;
  case PROP_COMMIT: g_value_set_string (value, self->commit); break;
  case PROP_PIPELINE: g_value_set_string (value, self->pipeline); break;
  case PROP_LICENSE: g_value_set_string (value, self->license); break;
  case PROP_BASE_MODEL: g_value_set_string (value, self->base_model); break;
  case PROP_ARCHITECTURE: g_value_set_string (value, self->architecture); break;
  case PROP_TAGS: g_value_set_boxed (value, self->tags); break;
  case PROP_DOWNLOADS: g_value_set_uint64 (value, self->downloads); break;
  case PROP_LIKES: g_value_set_uint64 (value, self->likes); break;
  case PROP_UPDATED: g_value_set_int64 (value, self->updated); break;
  case PROP_GATE: g_value_set_uint (value, self->gate); break;
  case PROP_CONTEXT_LENGTH: g_value_set_uint64 (value, self->context_length); break;
  case PROP_PARAMETERS: g_value_set_uint64 (value, self->parameters); break;
  case PROP_FILES: g_value_set_object (value, self->files); break;
  case PROP_COMPANIONS: g_value_set_object (value, self->companions); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
parley_hub_model_finalize (GObject *object)
{
  ParleyHubModel *self = PARLEY_HUB_MODEL (object);
  g_free (self->repo);
  g_free (self->author);
  g_free (self->name);
  g_free (self->commit);
  g_free (self->pipeline);
  g_free (self->license);
  g_free (self->base_model);
  g_free (self->architecture);
  g_strfreev (self->tags);
  g_object_unref (self->files);
  g_object_unref (self->companions);
  G_OBJECT_CLASS (parley_hub_model_parent_class)->finalize (object);
}

static void
parley_hub_model_class_init (ParleyHubModelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->get_property = parley_hub_model_get_property;
  object_class->finalize = parley_hub_model_finalize;
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GParamSpec *specs[N_PROPS] = {
    [PROP_REPO] = g_param_spec_string ("repo", NULL, NULL, NULL, flags),
    [PROP_AUTHOR] = g_param_spec_string ("author", NULL, NULL, NULL, flags),
    [PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags),
    [PROP_COMMIT] = g_param_spec_string ("commit", NULL, NULL, NULL, flags),
    [PROP_PIPELINE] = g_param_spec_string ("pipeline", NULL, NULL, NULL, flags),
    [PROP_LICENSE] = g_param_spec_string ("license", NULL, NULL, NULL, flags),
    [PROP_BASE_MODEL] = g_param_spec_string ("base-model", NULL, NULL, NULL, flags),
    [PROP_ARCHITECTURE] = g_param_spec_string ("architecture", NULL, NULL, NULL, flags),
    [PROP_TAGS] = g_param_spec_boxed ("tags", NULL, NULL, G_TYPE_STRV, flags),
    [PROP_DOWNLOADS] = g_param_spec_uint64 ("downloads", NULL, NULL, 0, G_MAXUINT64, 0, flags),
    [PROP_LIKES] = g_param_spec_uint64 ("likes", NULL, NULL, 0, G_MAXUINT64, 0, flags),
    [PROP_UPDATED] = g_param_spec_int64 ("updated", NULL, NULL, 0, G_MAXINT64, 0, flags),
    [PROP_GATE] = g_param_spec_uint ("gate", NULL, NULL, 0, PARLEY_HUB_GATED_MANUAL, 0, flags),
    [PROP_CONTEXT_LENGTH] =
        g_param_spec_uint64 ("context-length", NULL, NULL, 0, G_MAXUINT64, 0, flags),
    [PROP_PARAMETERS] = g_param_spec_uint64 ("parameters", NULL, NULL, 0, G_MAXUINT64, 0, flags),
    [PROP_FILES] = g_param_spec_object ("files", NULL, NULL, G_TYPE_LIST_MODEL, flags),
    [PROP_COMPANIONS] = g_param_spec_object ("companions", NULL, NULL, G_TYPE_LIST_MODEL, flags),
  };
  g_object_class_install_properties (object_class, N_PROPS, specs);
}

static void
parley_hub_model_init (ParleyHubModel *self)
{
  self->files = g_list_store_new (PARLEY_TYPE_HUB_FILE);
  self->companions = g_list_store_new (PARLEY_TYPE_HUB_FILE);
}

/* ---- from the hub's JSON ---- */

static GStrv
read_tags (JsonObject *object)
{
  g_autoptr (GStrvBuilder) tags = g_strv_builder_new ();
  JsonArray *array = parley_json_array (object, "tags");
  guint n = array ? json_array_get_length (array) : 0;
  for (guint i = 0; i < MIN (n, MAX_TAGS); i++) {
    JsonNode *node = json_array_get_element (array, i);
    if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING) {
      g_autofree char *tag = parley_name_for_display (json_node_get_string (node), 100);
      g_strv_builder_add (tags, tag);
    }
  }
  return g_strv_builder_end (tags);
}

/* What follows `prefix` in the first tag that begins with it; "" when none does. */
static const char *
tag_value (const ParleyHubModel *self, const char *prefix)
{
  for (char **tag = self->tags; *tag; tag++)
    if (g_str_has_prefix (*tag, prefix))
      return *tag + strlen (prefix);
  return "";
}

static char *
read_license (const ParleyHubModel *self, JsonObject *object)
{
  JsonObject *card = parley_json_object (object, "cardData");
  const char *license = parley_json_string (card, "license");
  if (strcmp (license, "other") == 0 && *parley_json_string (card, "license_name"))
    license = parley_json_string (card, "license_name");
  if (!*license)
    license = tag_value (self, "license:");
  return parley_name_for_display (license, 80);
}

static char *
read_base_model (const ParleyHubModel *self)
{
  const char *base = tag_value (self, "base_model:quantized:");
  if (!*base)
    base = tag_value (self, "base_model:");
  const char *colon = strrchr (base, ':');
  base = colon ? colon + 1 : base;
  return g_strdup (parley_name_check_repo (base, NULL) ? base : "");
}

static ParleyHubGate
read_gate (JsonObject *object)
{
  const char *gated = parley_json_string (object, "gated"); /* false, "auto" or "manual" */
  if (strcmp (gated, "manual") == 0)
    return PARLEY_HUB_GATED_MANUAL;
  return *gated || parley_json_true (object, "gated") ? PARLEY_HUB_GATED_AUTOMATIC
                                                      : PARLEY_HUB_OPEN;
}

static gint64
read_time (JsonObject *object, const char *name)
{
  g_autoptr (GDateTime) time =
      g_date_time_new_from_iso8601 (parley_json_string (object, name), NULL);
  return time ? MAX (g_date_time_to_unix (time), 0) : 0;
}

/* Hexadecimal digits only: it becomes part of addresses and paths. */
static char *
read_commit (JsonObject *object)
{
  const char *sha = parley_json_string (object, "sha");
  gsize n = strspn (sha, "0123456789abcdef");
  return g_strdup (n == 40 && sha[n] == '\0' ? sha : "");
}

ParleyHubModel *
_parley_hub_model_from_json (JsonObject *object)
{
  const char *repo = parley_json_string (object, "id");
  if (!parley_name_check_repo (repo, NULL))
    return NULL;
  ParleyHubModel *self = g_object_new (PARLEY_TYPE_HUB_MODEL, NULL);
  const char *slash = strchr (repo, '/');
  self->repo = g_strdup (repo);
  self->author = g_strndup (repo, (gsize) (slash - repo));
  self->name = g_strdup (slash + 1);
  gsize n = strlen (self->name);
  if (n > 5 && g_ascii_strcasecmp (self->name + n - 5, "-GGUF") == 0)
    self->name[n - 5] = '\0';
  self->commit = read_commit (object);
  self->pipeline = parley_name_for_display (parley_json_string (object, "pipeline_tag"), 60);
  self->tags = read_tags (object);
  self->license = read_license (self, object);
  self->base_model = read_base_model (self);
  parley_json_count (object, "downloads", &self->downloads);
  parley_json_count (object, "likes", &self->likes);
  self->updated = read_time (object, "lastModified");
  self->gate = read_gate (object);
  JsonObject *gguf = parley_json_object (object, "gguf");
  self->architecture = parley_name_for_display (parley_json_string (gguf, "architecture"), 60);
  parley_json_count (gguf, "context_length", &self->context_length);
  if (!parley_json_count (gguf, "total", &self->parameters))
    self->parameters = parley_name_parameters (self->name);
  return self;
}

/* ---- files ---- */

static int
compare_parts (gconstpointer a, gconstpointer b)
{
  return strcmp (((const ParleyHubPart *) a)->path, ((const ParleyHubPart *) b)->path);
}

static int
compare_files (gconstpointer a, gconstpointer b, gpointer data)
{
  guint64 x = parley_hub_file_get_size ((ParleyHubFile *) a);
  guint64 y = parley_hub_file_get_size ((ParleyHubFile *) b);
  if (x != y)
    return x < y ? -1 : 1;
  return strcmp (parley_hub_file_get_path ((ParleyHubFile *) a),
                 parley_hub_file_get_path ((ParleyHubFile *) b));
}

static gboolean
is_gguf (const char *path)
{
  gsize n = strlen (path);
  return n > 5 && g_ascii_strcasecmp (path + n - 5, ".gguf") == 0;
}

/* How many of the sorted `parts` from `i` on are one model. */
static guint
count_shards (GArray *parts, guint i)
{
  const ParleyHubPart *first = &g_array_index (parts, ParleyHubPart, i);
  guint index, count, n = 1;
  gsize stem;
  if (!parley_name_shard (first->path, &index, &count, &stem))
    return 1;
  for (; i + n < parts->len; n++) {
    const ParleyHubPart *next = &g_array_index (parts, ParleyHubPart, i + n);
    guint next_index, next_count;
    gsize next_stem;
    if (!parley_name_shard (next->path, &next_index, &next_count, &next_stem) ||
        next_count != count || next_stem != stem || strncmp (next->path, first->path, stem) != 0)
      break;
  }
  return n;
}

void
_parley_hub_model_take_parts (ParleyHubModel *self, GArray *parts)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GArray) kept = g_array_new (FALSE, FALSE, sizeof (ParleyHubPart));
  for (guint i = 0; i < parts->len && kept->len < MAX_FILES; i++) {
    const ParleyHubPart *part = &g_array_index (parts, ParleyHubPart, i);
    if (is_gguf (part->path) && parley_name_check_path (part->path, NULL) &&
        g_hash_table_add (seen, parley_name_collision_key (part->path)))
      g_array_append_val (kept, *part);
  }
  g_array_sort (kept, compare_parts);
  for (guint i = 0, n; i < kept->len; i += n) {
    const ParleyHubPart *part = &g_array_index (kept, ParleyHubPart, i);
    n = count_shards (kept, i);
    ParleyHubFileKind kind = parley_name_kind (part->path);
    g_autoptr (ParleyHubFile) file = parley_hub_file_new (self->repo, self->commit, kind, part, n);
    g_list_store_insert_sorted (kind == PARLEY_HUB_FILE_MODEL ? self->files : self->companions,
                                file, compare_files, NULL);
  }
}

static char *
list_choices (ParleyHubModel *self)
{
  GString *text = g_string_new (NULL);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->files));
  for (guint i = 0; i < MIN (n, 40); i++) {
    g_autoptr (ParleyHubFile) file = g_list_model_get_item (G_LIST_MODEL (self->files), i);
    const char *label = parley_hub_file_get_quantisation (file);
    g_string_append_printf (text, "%s%s", i ? ", " : "",
                            *label ? label : parley_hub_file_get_path (file));
  }
  return g_string_free (text, FALSE);
}

/* TRUE when `wanted` is the file's path, its last component, or the name of all its parts. */
static gboolean
is_named (ParleyHubFile *file, const char *wanted)
{
  const char *path = parley_hub_file_get_path (file), *name = parley_hub_file_get_name (file);
  guint index, count;
  gsize stem;
  if (g_ascii_strcasecmp (path, wanted) == 0 || g_ascii_strcasecmp (name, wanted) == 0)
    return TRUE;
  if (!parley_name_shard (name, &index, &count, &stem))
    stem = strlen (name) - strlen (".gguf");
  return strlen (wanted) == stem && g_ascii_strncasecmp (name, wanted, stem) == 0;
}

static ParleyHubFile *
choose_usual (ParleyHubModel *self)
{
  static const char *const usual[] = { "Q4_K_M", "Q4_K_S", "Q4_0", "Q5_K_M", "UD-Q4_K_XL",
                                       "MXFP4",  "Q3_K_M", "Q6_K", "Q8_0",   "IQ4_XS",
                                       "Q2_K",   "BF16",   "F16" };
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->files));
  for (gsize u = 0; u < G_N_ELEMENTS (usual); u++)
    for (guint i = 0; i < n; i++) {
      g_autoptr (ParleyHubFile) file = g_list_model_get_item (G_LIST_MODEL (self->files), i);
      if (parley_hub_file_is_complete (file) &&
          strcmp (parley_hub_file_get_quantisation (file), usual[u]) == 0)
        return g_steal_pointer (&file);
    }
  for (guint i = 0; i < n; i++) {
    g_autoptr (ParleyHubFile) file = g_list_model_get_item (G_LIST_MODEL (self->files), i);
    if (parley_hub_file_is_complete (file))
      return g_steal_pointer (&file);
  }
  return n > 0 ? g_list_model_get_item (G_LIST_MODEL (self->files), 0) : NULL;
}

ParleyHubFile *
parley_hub_model_choose (ParleyHubModel *self, const char *wanted, GError **error)
{
  g_autoptr (ParleyHubFile) found = NULL;
  GListModel *lists[] = { G_LIST_MODEL (self->files), G_LIST_MODEL (self->companions) };
  if (!wanted || !*wanted)
    found = choose_usual (self);
  for (int by_name = 1; !found && wanted && by_name >= 0; by_name--)
    for (gsize l = 0; !found && l < (by_name ? G_N_ELEMENTS (lists) : 1); l++)
      for (guint i = 0; !found && i < g_list_model_get_n_items (lists[l]); i++) {
        g_autoptr (ParleyHubFile) file = g_list_model_get_item (lists[l], i);
        if (by_name ? is_named (file, wanted)
                    : g_ascii_strcasecmp (parley_hub_file_get_quantisation (file), wanted) == 0)
          found = g_steal_pointer (&file);
      }
  if (found)
    return g_steal_pointer (&found);
  g_autofree char *choices = list_choices (self);
  g_autofree char *shown = parley_name_for_display (wanted ? wanted : "", 100);
  if (!*choices)
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND,
                 _ ("%s has no model in a GGUF file. Search for another version of it"),
                 self->repo);
  else
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND,
                 _ ("%s has no “%s”. Choose one of: %s"), self->repo, shown, choices);
  return NULL;
}

/* ---- what it says ---- */

const char *
parley_hub_model_get_repo (ParleyHubModel *self)
{
  return self->repo;
}

const char *
parley_hub_model_get_author (ParleyHubModel *self)
{
  return self->author;
}

const char *
parley_hub_model_get_name (ParleyHubModel *self)
{
  return self->name;
}

const char *
parley_hub_model_get_commit (ParleyHubModel *self)
{
  return self->commit;
}

guint64
parley_hub_model_get_downloads (ParleyHubModel *self)
{
  return self->downloads;
}

guint64
parley_hub_model_get_likes (ParleyHubModel *self)
{
  return self->likes;
}

gint64
parley_hub_model_get_updated (ParleyHubModel *self)
{
  return self->updated;
}

ParleyHubGate
parley_hub_model_get_gate (ParleyHubModel *self)
{
  return self->gate;
}

const char *const *
parley_hub_model_get_tags (ParleyHubModel *self)
{
  return (const char *const *) self->tags;
}

const char *
parley_hub_model_get_pipeline (ParleyHubModel *self)
{
  return self->pipeline;
}

const char *
parley_hub_model_get_license (ParleyHubModel *self)
{
  return self->license;
}

const char *
parley_hub_model_get_base_model (ParleyHubModel *self)
{
  return self->base_model;
}

const char *
parley_hub_model_get_architecture (ParleyHubModel *self)
{
  return self->architecture;
}

guint64
parley_hub_model_get_context_length (ParleyHubModel *self)
{
  return self->context_length;
}

guint64
parley_hub_model_get_parameters (ParleyHubModel *self)
{
  return self->parameters;
}

gboolean
parley_hub_model_can_chat (ParleyHubModel *self)
{
  static const char *const others[] = {
    "feature-extraction",           "sentence-similarity", "text-ranking",  "text-to-image",
    "automatic-speech-recognition", "text-to-speech",      "text-to-video", "image-to-video",
    "text-classification",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    if (strcmp (self->pipeline, others[i]) == 0)
      return FALSE;
  return TRUE;
}

GListModel *
parley_hub_model_get_files (ParleyHubModel *self)
{
  return G_LIST_MODEL (self->files);
}

GListModel *
parley_hub_model_get_companions (ParleyHubModel *self)
{
  return G_LIST_MODEL (self->companions);
}
