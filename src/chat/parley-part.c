/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/parley-part-private.h"

struct _ParleyPart {
  GObject parent_instance;
  ParleyPartKind kind;
  GRefString *text; /* NULL while it grows */
  GString *growing; /* NULL: it does not */
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
  self->text = record->text ? g_ref_string_acquire (record->text) : g_ref_string_new ("");
  return self;
}

ParleyPartRecord *
_parley_part_to_record (ParleyPart *self)
{
  ParleyPartRecord *record = self->growing ? parley_part_record_new (self->kind, self->growing->str)
                                           : parley_part_record_new_shared (self->kind, self->text);
  record->name = g_strdup (self->name);
  record->attachment = g_strdup (self->attachment);
  return record;
}

void
_parley_part_append (ParleyPart *self, const char *text)
{
  if (!self->growing) {
    self->growing = g_string_new (self->text);
    g_clear_pointer (&self->text, g_ref_string_release);
  }
  g_string_append (self->growing, text);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TEXT]);
}

void
_parley_part_settle (ParleyPart *self)
{
  if (!self->growing)
    return;
  self->text = g_ref_string_new_len (self->growing->str, (gssize) self->growing->len);
  g_string_free (g_steal_pointer (&self->growing), TRUE);
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
  return self->growing ? self->growing->str : self->text;
}

gsize
parley_part_get_length (ParleyPart *self)
{
  g_return_val_if_fail (PARLEY_IS_PART (self), 0);
  return self->growing ? self->growing->len : g_ref_string_length (self->text);
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
  case PROP_TEXT: g_value_set_string (value, parley_part_get_text (self)); break;
  case PROP_NAME: g_value_set_string (value, self->name); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
parley_part_finalize (GObject *object)
{
  ParleyPart *self = PARLEY_PART (object);
  g_clear_pointer (&self->text, g_ref_string_release);
  if (self->growing)
    g_string_free (self->growing, TRUE);
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
}
