/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/parley-hub-file.h"
#include "hub/names.h"

#include <glib/gi18n.h>
#include <string.h>

const char *
parley_hub_file_kind_words (ParleyHubFileKind kind)
{
  switch (kind) {
  case PARLEY_HUB_FILE_PROJECTOR:
    return _ ("Projector: turns pictures or sound into something its model reads. No model to "
              "talk to by itself.");
  case PARLEY_HUB_FILE_DRAFT:
    return _ ("Draft model: guesses words ahead for the larger one. No model to talk to by "
              "itself.");
  case PARLEY_HUB_FILE_ADAPTER:
    return _ ("Adapter: changes another model. No model to talk to by itself.");
  case PARLEY_HUB_FILE_OTHER:
    return _ ("Figures that were used in the making. Nothing to talk to.");
  case PARLEY_HUB_FILE_MODEL: break;
  }
  return "";
}

const char *
parley_hub_file_kind_name (ParleyHubFileKind kind)
{
  switch (kind) {
  case PARLEY_HUB_FILE_MODEL: return "model";
  case PARLEY_HUB_FILE_PROJECTOR: return "projector";
  case PARLEY_HUB_FILE_DRAFT: return "draft";
  case PARLEY_HUB_FILE_ADAPTER: return "adapter";
  case PARLEY_HUB_FILE_OTHER: return "other";
  }
  return "";
}

struct _ParleyHubFile {
  GObject parent_instance;

  char *repo;
  char *commit;
  char *quantisation;
  ParleyHubFileKind kind;
  guint64 size;
  ParleyHubPart *parts;
  gsize n_parts;
  gboolean is_complete;
};

G_DEFINE_FINAL_TYPE (ParleyHubFile, parley_hub_file, G_TYPE_OBJECT)

enum { PROP_REPO = 1, PROP_PATH, PROP_NAME, PROP_QUANTISATION, PROP_SIZE, PROP_N_PARTS, N_PROPS };

static void
parley_hub_file_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  ParleyHubFile *self = PARLEY_HUB_FILE (object);
  switch (id) {
  case PROP_REPO: g_value_set_string (value, self->repo); break;
  case PROP_PATH: g_value_set_string (value, parley_hub_file_get_path (self)); break;
  case PROP_NAME: g_value_set_string (value, parley_hub_file_get_name (self)); break;
  case PROP_QUANTISATION: g_value_set_string (value, self->quantisation); break;
  case PROP_SIZE: g_value_set_uint64 (value, self->size); break;
  case PROP_N_PARTS: g_value_set_uint (value, (guint) self->n_parts); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
parley_hub_file_finalize (GObject *object)
{
  ParleyHubFile *self = PARLEY_HUB_FILE (object);
  for (gsize i = 0; i < self->n_parts; i++)
    g_free ((char *) self->parts[i].path);
  g_free (self->parts);
  g_free (self->repo);
  g_free (self->commit);
  g_free (self->quantisation);
  G_OBJECT_CLASS (parley_hub_file_parent_class)->finalize (object);
}

static void
parley_hub_file_class_init (ParleyHubFileClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->get_property = parley_hub_file_get_property;
  object_class->finalize = parley_hub_file_finalize;
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GParamSpec *specs[N_PROPS] = {
    [PROP_REPO] = g_param_spec_string ("repo", NULL, NULL, NULL, flags),
    [PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, flags),
    [PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags),
    [PROP_QUANTISATION] = g_param_spec_string ("quantisation", NULL, NULL, NULL, flags),
    [PROP_SIZE] = g_param_spec_uint64 ("size", NULL, NULL, 0, G_MAXUINT64, 0, flags),
    [PROP_N_PARTS] = g_param_spec_uint ("n-parts", NULL, NULL, 0, G_MAXUINT, 0, flags),
  };
  g_object_class_install_properties (object_class, N_PROPS, specs);
}

static void
parley_hub_file_init (ParleyHubFile *self)
{
}

ParleyHubFile *
parley_hub_file_new (const char *repo, const char *commit, ParleyHubFileKind kind,
                     const ParleyHubPart *parts, gsize n_parts)
{
  g_return_val_if_fail (n_parts > 0, NULL);
  ParleyHubFile *self = g_object_new (PARLEY_TYPE_HUB_FILE, NULL);
  self->repo = g_strdup (repo);
  self->commit = g_strdup (commit);
  self->kind = kind;
  self->quantisation = parley_name_quantisation (parts[0].path);
  if (!self->quantisation)
    self->quantisation = g_strdup ("");
  self->parts = g_new0 (ParleyHubPart, n_parts);
  self->n_parts = n_parts;
  for (gsize i = 0; i < n_parts; i++) {
    self->parts[i] = parts[i];
    self->parts[i].path = g_strdup (parts[i].path);
    self->size += parts[i].size;
  }
  guint index, count;
  gsize stem;
  self->is_complete =
      !parley_name_shard (parts[0].path, &index, &count, &stem) || (count == n_parts && index == 1);
  return self;
}

const char *
parley_hub_file_get_repo (ParleyHubFile *self)
{
  return self->repo;
}

const char *
parley_hub_file_get_commit (ParleyHubFile *self)
{
  return self->commit;
}

const char *
parley_hub_file_get_path (ParleyHubFile *self)
{
  return self->parts[0].path;
}

const char *
parley_hub_file_get_name (ParleyHubFile *self)
{
  const char *slash = strrchr (self->parts[0].path, '/');
  return slash ? slash + 1 : self->parts[0].path;
}

const char *
parley_hub_file_get_quantisation (ParleyHubFile *self)
{
  return self->quantisation;
}

ParleyHubFileKind
parley_hub_file_get_kind (ParleyHubFile *self)
{
  return self->kind;
}

guint64
parley_hub_file_get_size (ParleyHubFile *self)
{
  return self->size;
}

guint
parley_hub_file_get_n_parts (ParleyHubFile *self)
{
  return (guint) self->n_parts;
}

const ParleyHubPart *
parley_hub_file_get_part (ParleyHubFile *self, guint i)
{
  g_return_val_if_fail (i < self->n_parts, NULL);
  return &self->parts[i];
}

gboolean
parley_hub_file_is_complete (ParleyHubFile *self)
{
  return self->is_complete;
}
