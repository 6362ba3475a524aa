/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/parley-part-private.h"

struct _ParleyPart {
  GObject parent_instance;
  ParleyPartKind kind;
  GString *text;
  char *name, *attachment;
};

enum {
  PROP_0,
  PROP_KIND,
  PROP_TEXT,
  PROP_NAME,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (ParleyPart, parley_part, G_TYPE_OBJECT)

ParleyPart *
_parley_part_new (const ParleyPartRecord *record)
{
  ParleyPart *self = g_object_new (PARLEY_TYPE_PART, NULL);
  self->kind = record->kind;
  self->name = g_strdup (record->name);
  self->attachment = g_strdup (record->attachment);
  g_string_assign (self->text, record->text ? record->text : "");
  return self;
}

ParleyPartRecord *
_parley_part_to_record (ParleyPart *self)
{
  ParleyPartRecord *record = parley_part_record_new (self->kind, self->text->str);
  record->name = g_strdup (self->name);
  record->attachment = g_strdup (self->attachment);
  return record;
}

void
_parley_part_append (ParleyPart *self, const char *text)
{
  g_string_append (self->text, text);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TEXT]);
}

ParleyPartKind
parley_part_get_kind (ParleyPart *self)
{
  g_return_val_if_fail (PARLEY_IS_PART (self), PARLEY_PART_TEXT);
  return self->kind;
}

const char *
parley_part_get_text (ParleyPart *self)
{
  g_return_val_if_fail (PARLEY_IS_PART (self), NULL);
  return self->text->str;
}

gsize
parley_part_get_length (ParleyPart *self)
{
  g_return_val_if_fail (PARLEY_IS_PART (self), 0);
  return self->text->len;
}

const char *
parley_part_get_name (ParleyPart *self)
{
  g_return_val_if_fail (PARLEY_IS_PART (self), NULL);
  return self->name;
}

const char *
parley_part_get_attachment (ParleyPart *self)
{
  g_return_val_if_fail (PARLEY_IS_PART (self), NULL);
  return self->attachment;
}

static void
parley_part_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ParleyPart *self = PARLEY_PART (object);
  switch (id) {
  case PROP_KIND: g_value_set_uint (value, self->kind); break;
  case PROP_TEXT: g_value_set_string (value, self->text->str); break;
  case PROP_NAME: g_value_set_string (value, self->name); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
parley_part_finalize (GObject *object)
{
  ParleyPart *self = PARLEY_PART (object);
  g_string_free (self->text, TRUE);
  g_free (self->name);
  g_free (self->attachment);
  G_OBJECT_CLASS (parley_part_parent_class)->finalize (object);
}

static void
parley_part_class_init (ParleyPartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->get_property = parley_part_get_property;
  object_class->finalize = parley_part_finalize;
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  props[PROP_KIND] = g_param_spec_uint ("kind", NULL, NULL, 0, PARLEY_PART_ATTACHMENT, 0, flags);
  props[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, "", flags);
  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
parley_part_init (ParleyPart *self)
{
  self->text = g_string_new (NULL);
}
