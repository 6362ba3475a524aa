/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/parley-model.h"
#include "library/parley-model-private.h"
#include "library/builtin.h"

#include <string.h>

struct _ParleyModel {
  GObject parent_instance;

  ParleyModelFacts facts;
};

G_DEFINE_FINAL_TYPE (ParleyModel, parley_model, G_TYPE_OBJECT)

enum {
  PROP_ID = 1,
  PROP_NAME,
  PROP_PATH,
  PROP_FILE_NAME,
  PROP_N_PARTS,
  PROP_QUANTISATION,
  PROP_SIZE,
  PROP_FAMILY,
  PROP_ARCHITECTURE,
  PROP_PARAMETERS,
  PROP_N_LAYERS,
  PROP_CONTEXT_LENGTH,
  PROP_LICENSE,
  PROP_HAS_CHAT_TEMPLATE,
  PROP_REPO,
  PROP_COMMIT,
  PROP_SHA256,
  PROP_MODIFIED,
  PROP_STATE,
  PROP_MESSAGE,
  PROP_OWNER,
  N_PROPS
};

static void
parley_model_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  ParleyModel *self = PARLEY_MODEL (object);
  const ParleyModelFacts *facts = &self->facts;
  switch (id) {
  case PROP_ID: g_value_set_string (value, facts->id); break;
  case PROP_NAME: g_value_set_string (value, parley_model_get_name (self)); break;
  case PROP_PATH: g_value_set_string (value, facts->parts[0]); break;
  case PROP_FILE_NAME: g_value_set_string (value, parley_model_get_file_name (self)); break;
  case PROP_N_PARTS: g_value_set_uint (value, parley_model_get_n_parts (self)); break;
  case PROP_QUANTISATION: g_value_set_string (value, facts->quantisation); break;
  case PROP_SIZE: g_value_set_uint64 (value, facts->size); break;
  case PROP_FAMILY: g_value_set_string (value, facts->family); break;
  case PROP_ARCHITECTURE: g_value_set_string (value, facts->architecture); break;
  case PROP_PARAMETERS: g_value_set_uint64 (value, facts->parameters); break;
  case PROP_N_LAYERS: g_value_set_uint (value, facts->n_layers); break;
  case PROP_CONTEXT_LENGTH: g_value_set_uint (value, facts->context_length); break;
  case PROP_LICENSE: g_value_set_string (value, facts->license); break;
  case PROP_HAS_CHAT_TEMPLATE: g_value_set_boolean (value, facts->has_chat_template); break;
  case PROP_REPO: g_value_set_string (value, facts->repo); break;
  case PROP_COMMIT: g_value_set_string (value, facts->commit); break;
  case PROP_SHA256: g_value_set_string (value, facts->sha256); break;
  case PROP_MODIFIED: g_value_set_int64 (value, facts->modified); break;
  case PROP_STATE: g_value_set_uint (value, facts->state); break;
  case PROP_MESSAGE: g_value_set_string (value, facts->message); break;
  case PROP_OWNER: g_value_set_string (value, facts->owner); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static char **
string_members (ParleyModelFacts *facts, gsize i)
{
  char **members[] = { &facts->id,      &facts->name,    &facts->quantisation, &facts->family,
                       &facts->license, &facts->repo,    &facts->architecture, &facts->commit,
                       &facts->sha256,  &facts->message, &facts->owner,        &facts->own_name,
                       &facts->folder };
  return i < G_N_ELEMENTS (members) ? members[i] : NULL;
}

static void
parley_model_finalize (GObject *object)
{
  ParleyModel *self = PARLEY_MODEL (object);
  char **member;
  for (gsize i = 0; (member = string_members (&self->facts, i)); i++)
    g_free (*member);
  g_strfreev (self->facts.parts);
  g_strfreev (self->facts.tags);
  g_strfreev (self->facts.also);
  G_OBJECT_CLASS (parley_model_parent_class)->finalize (object);
}

static void
parley_model_class_init (ParleyModelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->get_property = parley_model_get_property;
  object_class->finalize = parley_model_finalize;
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GParamSpec *specs[N_PROPS] = {
    [PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, flags),
    [PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags),
    [PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, flags),
    [PROP_FILE_NAME] = g_param_spec_string ("file-name", NULL, NULL, NULL, flags),
    [PROP_N_PARTS] = g_param_spec_uint ("n-parts", NULL, NULL, 0, G_MAXUINT, 0, flags),
    [PROP_QUANTISATION] = g_param_spec_string ("quantisation", NULL, NULL, NULL, flags),
    [PROP_SIZE] = g_param_spec_uint64 ("size", NULL, NULL, 0, G_MAXUINT64, 0, flags),
    [PROP_FAMILY] = g_param_spec_string ("family", NULL, NULL, NULL, flags),
    [PROP_ARCHITECTURE] = g_param_spec_string ("architecture", NULL, NULL, NULL, flags),
    [PROP_PARAMETERS] = g_param_spec_uint64 ("parameters", NULL, NULL, 0, G_MAXUINT64, 0, flags),
    [PROP_N_LAYERS] = g_param_spec_uint ("n-layers", NULL, NULL, 0, G_MAXUINT, 0, flags),
    [PROP_CONTEXT_LENGTH] =
        g_param_spec_uint ("context-length", NULL, NULL, 0, G_MAXUINT, 0, flags),
    [PROP_LICENSE] = g_param_spec_string ("license", NULL, NULL, NULL, flags),
    [PROP_HAS_CHAT_TEMPLATE] = g_param_spec_boolean ("has-chat-template", NULL, NULL, FALSE, flags),
    [PROP_REPO] = g_param_spec_string ("repo", NULL, NULL, NULL, flags),
    [PROP_COMMIT] = g_param_spec_string ("commit", NULL, NULL, NULL, flags),
    [PROP_SHA256] = g_param_spec_string ("sha256", NULL, NULL, NULL, flags),
    [PROP_MODIFIED] = g_param_spec_int64 ("modified", NULL, NULL, 0, G_MAXINT64, 0, flags),
    [PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, PARLEY_MODEL_DAMAGED, 0, flags),
    [PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, flags),
    [PROP_OWNER] = g_param_spec_string ("owner", NULL, NULL, NULL, flags),
  };
  g_object_class_install_properties (object_class, N_PROPS, specs);
}

static void
parley_model_init (ParleyModel *self)
{
}

ParleyModel *
_parley_model_new (ParleyModelFacts *facts)
{
  ParleyModel *self = g_object_new (PARLEY_TYPE_MODEL, NULL);
  char **member;
  self->facts = *facts;
  memset (facts, 0, sizeof *facts);
  for (gsize i = 0; (member = string_members (&self->facts, i)); i++)
    if (!*member)
      *member = g_strdup ("");
  return self;
}

const ParleyModelFacts *
_parley_model_get_facts (ParleyModel *self)
{
  return &self->facts;
}

const char *
parley_model_get_id (ParleyModel *self)
{
  return self->facts.id;
}

const char *
parley_model_get_name (ParleyModel *self)
{
  return *self->facts.own_name ? self->facts.own_name : self->facts.name;
}

const char *
parley_model_get_path (ParleyModel *self)
{
  return self->facts.parts[0];
}

const char *
parley_model_get_file_name (ParleyModel *self)
{
  const char *slash = strrchr (self->facts.parts[0], '/');
  return slash ? slash + 1 : self->facts.parts[0];
}

guint
parley_model_get_n_parts (ParleyModel *self)
{
  return g_strv_length (self->facts.parts);
}

GStrv
parley_model_dup_parts (ParleyModel *self)
{
  return g_strdupv (self->facts.parts);
}

const char *
parley_model_get_quantisation (ParleyModel *self)
{
  return self->facts.quantisation;
}

guint64
parley_model_get_size (ParleyModel *self)
{
  return self->facts.size;
}

const char *
parley_model_get_family (ParleyModel *self)
{
  return self->facts.family;
}

const char *
parley_model_get_architecture (ParleyModel *self)
{
  return self->facts.architecture;
}

guint64
parley_model_get_parameters (ParleyModel *self)
{
  return self->facts.parameters;
}

guint
parley_model_get_n_layers (ParleyModel *self)
{
  return self->facts.n_layers;
}

guint
parley_model_get_context_length (ParleyModel *self)
{
  return self->facts.context_length;
}

const char *
parley_model_get_license (ParleyModel *self)
{
  return self->facts.license;
}

gboolean
parley_model_has_chat_template (ParleyModel *self)
{
  return self->facts.has_chat_template;
}

const char *
parley_model_get_repo (ParleyModel *self)
{
  return self->facts.repo;
}

const char *
parley_model_get_commit (ParleyModel *self)
{
  return self->facts.commit;
}

const char *
parley_model_get_sha256 (ParleyModel *self)
{
  return self->facts.sha256;
}

gint64
parley_model_get_modified (ParleyModel *self)
{
  return self->facts.modified;
}

ParleyModelState
parley_model_get_state (ParleyModel *self)
{
  return self->facts.state;
}

const char *
parley_model_get_message (ParleyModel *self)
{
  return self->facts.message;
}

const char *
parley_model_get_owner (ParleyModel *self)
{
  return self->facts.owner;
}

gboolean
parley_model_is_builtin (ParleyModel *self)
{
  return strcmp (self->facts.owner, PARLEY_BUILTIN_OWNER) == 0;
}

void
_parley_model_claim (ParleyModel *self, const char *id, const char *owner)
{
  g_free (self->facts.id);
  self->facts.id = g_strdup (id);
  g_free (self->facts.owner);
  self->facts.owner = g_strdup (owner);
}

const char *const *
parley_model_get_tags (ParleyModel *self)
{
  return (const char *const *) self->facts.tags;
}

const char *const *
parley_model_get_also (ParleyModel *self)
{
  return (const char *const *) self->facts.also;
}

gboolean
parley_model_is_pinned (ParleyModel *self)
{
  return self->facts.pinned;
}

gboolean
parley_model_is_managed (ParleyModel *self)
{
  return self->facts.managed;
}

gint64
parley_model_get_last_used (ParleyModel *self)
{
  return self->facts.last_used;
}

const char *
parley_model_get_folder (ParleyModel *self)
{
  return self->facts.folder;
}
