/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/bundle.h"
#include "library/record.h"

#include "hub/json.h"
#include "hub/names.h"
#include "hub/parley-hub-error.h"

#include <glib/gi18n.h>
#include <string.h>

#define VERSION         1
#define MAX_PARTS       64
#define MAX_VALUE_BYTES (64 * 1024)

ParleyBundle *
parley_bundle_new (void)
{
  ParleyBundle *self = g_new0 (ParleyBundle, 1);
  self->settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->sha256s = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
parley_bundle_free (ParleyBundle *self)
{
  if (!self)
    return;
  g_free (self->place);
  g_free (self->endpoint);
  g_free (self->repo);
  g_free (self->commit);
  g_free (self->file_name);
  g_free (self->own_name);
  g_strfreev (self->tags);
  g_hash_table_unref (self->settings);
  g_ptr_array_unref (self->names);
  g_ptr_array_unref (self->sha256s);
  g_free (self);
}

static void
put (JsonBuilder *b, const char *name, const char *value)
{
  if (!value)
    return;
  json_builder_set_member_name (b, name);
  json_builder_add_string_value (b, value);
}

char *
parley_bundle_to_json (const ParleyBundle *self)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();
  json_builder_begin_object (b);
  put (b, "format", "parley-model");
  json_builder_set_member_name (b, "version");
  json_builder_add_int_value (b, VERSION);
  put (b, "place", self->place);
  put (b, "endpoint", self->endpoint);
  put (b, "repo", self->repo);
  put (b, "commit", self->commit);
  put (b, "file_name", self->file_name);
  put (b, "name", self->own_name);
  json_builder_set_member_name (b, "pinned");
  json_builder_add_boolean_value (b, self->pinned);
  json_builder_set_member_name (b, "tags");
  json_builder_begin_array (b);
  for (char **tag = self->tags; tag && *tag; tag++)
    json_builder_add_string_value (b, *tag);
  json_builder_end_array (b);
  json_builder_set_member_name (b, "settings");
  json_builder_begin_object (b);
  for (gsize i = 0; parley_model_setting_keys[i]; i++)
    put (b, parley_model_setting_keys[i],
         g_hash_table_lookup (self->settings, parley_model_setting_keys[i]));
  json_builder_end_object (b);
  json_builder_set_member_name (b, "parts");
  json_builder_begin_array (b);
  for (guint i = 0; i < self->names->len; i++) {
    json_builder_begin_object (b);
    put (b, "file", self->names->pdata[i]);
    put (b, "sha256", self->sha256s->pdata[i]);
    json_builder_end_object (b);
  }
  json_builder_end_array (b);
  json_builder_end_object (b);
  g_autoptr (JsonNode) root = json_builder_get_root (b);
  return json_to_string (root, TRUE);
}

static char *
take_text (JsonObject *object, const char *name)
{
  const char *text = parley_json_string (object, name);
  return *text ? parley_name_for_display (text, 500) : NULL;
}

static gboolean
read_parts (ParleyBundle *self, JsonArray *parts)
{
  guint n = parts ? json_array_get_length (parts) : 0;
  for (guint i = 0; i < n; i++) {
    JsonObject *part = parley_json_as_object (json_array_get_element (parts, i));
    const char *name = parley_json_string (part, "file");
    const char *sha256 = parley_json_string (part, "sha256");
    if (!parley_name_check_path (name, NULL) || strlen (sha256) != 64 ||
        strspn (sha256, "0123456789abcdef") != 64)
      return FALSE;
    g_ptr_array_add (self->names, g_strdup (name));
    g_ptr_array_add (self->sha256s, g_strdup (sha256));
  }
  return n > 0 && n <= MAX_PARTS;
}

ParleyBundle *
parley_bundle_read (const char *json, gsize n, GError **error)
{
  g_autoptr (JsonNode) node = parley_json_read (json, n, PARLEY_BUNDLE_NAME, error);
  if (!node)
    return NULL;
  JsonObject *object = parley_json_as_object (node);
  g_autoptr (ParleyBundle) self = parley_bundle_new ();
  guint64 version = 0;
  parley_json_count (object, "version", &version);
  self->place = g_strdup (parley_json_string (object, "place"));
  if (strcmp (parley_json_string (object, "format"), "parley-model") != 0 || version != VERSION ||
      !parley_name_check_path (self->place, NULL) ||
      !read_parts (self, parley_json_array (object, "parts"))) {
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 version > VERSION ? _ ("The archive was made by a newer Parley. Update this one")
                                   : _ ("The description in the archive makes no sense. Export the "
                                        "model again"));
    return NULL;
  }
  self->endpoint = take_text (object, "endpoint");
  self->repo = take_text (object, "repo");
  self->commit = take_text (object, "commit");
  self->file_name = take_text (object, "file_name");
  self->own_name = take_text (object, "name");
  if (self->repo && !parley_name_check_repo (self->repo, NULL))
    g_clear_pointer (&self->repo, g_free);
  self->pinned = parley_json_true (object, "pinned");
  JsonArray *tags = parley_json_array (object, "tags");
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();
  for (guint i = 0; tags && i < MIN (json_array_get_length (tags), 20); i++) {
    JsonNode *tag = json_array_get_element (tags, i);
    if (JSON_NODE_HOLDS_VALUE (tag) && json_node_get_value_type (tag) == G_TYPE_STRING)
      g_strv_builder_add (list, json_node_get_string (tag));
  }
  self->tags = g_strv_builder_end (list);
  JsonObject *settings = parley_json_object (object, "settings");
  for (gsize i = 0; parley_model_setting_keys[i]; i++) {
    const char *value = parley_json_string (settings, parley_model_setting_keys[i]);
    if (*value && strlen (value) <= MAX_VALUE_BYTES)
      g_hash_table_insert (self->settings, g_strdup (parley_model_setting_keys[i]),
                           g_strdup (value));
  }
  return g_steal_pointer (&self);
}
