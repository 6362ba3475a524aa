/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/json.h"
#include "hub/parley-hub-error.h"

#include <glib/gi18n.h>

#define MAX_DEPTH 64
#define MAX_COUNT ((gint64) 1 << 53)

static gboolean
is_shallow (const char *text, gsize n)
{
  unsigned depth = 0;
  gboolean in_string = FALSE;
  for (gsize i = 0; i < n; i++) {
    char c = text[i];
    if (in_string) {
      if (c == '\\')
        i++;
      else if (c == '"')
        in_string = FALSE;
    } else if (c == '"') {
      in_string = TRUE;
    } else if (c == '[' || c == '{') {
      if (++depth > MAX_DEPTH)
        return FALSE;
    } else if ((c == ']' || c == '}') && depth > 0) {
      depth--;
    }
  }
  return TRUE;
}

JsonNode *
parley_json_read (const char *text, gsize n, const char *source, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  if (n > 0 && n < G_MAXSSIZE && g_utf8_validate (text, (gssize) n, NULL) && is_shallow (text, n) &&
      json_parser_load_from_data (parser, text, (gssize) n, NULL)) {
    JsonNode *root = json_parser_steal_root (parser);
    if (root)
      return root;
  }
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
               _ ("What %s contains is not the JSON that was expected"), source);
  return NULL;
}

JsonObject *
parley_json_as_object (JsonNode *node)
{
  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
parley_json_as_array (JsonNode *node)
{
  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static JsonNode *
member (JsonObject *object, const char *name)
{
  return object && json_object_has_member (object, name) ? json_object_get_member (object, name)
                                                         : NULL;
}

JsonObject *
parley_json_object (JsonObject *object, const char *name)
{
  return parley_json_as_object (member (object, name));
}

JsonArray *
parley_json_array (JsonObject *object, const char *name)
{
  return parley_json_as_array (member (object, name));
}

const char *
parley_json_string (JsonObject *object, const char *name)
{
  JsonNode *node = member (object, name);
  const char *text =
      node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
          ? json_node_get_string (node)
          : NULL;
  return text ? text : "";
}

gboolean
parley_json_true (JsonObject *object, const char *name)
{
  JsonNode *node = member (object, name);
  return node && JSON_NODE_HOLDS_VALUE (node) &&
         json_node_get_value_type (node) == G_TYPE_BOOLEAN && json_node_get_boolean (node);
}

gboolean
parley_json_count (JsonObject *object, const char *name, guint64 *out)
{
  JsonNode *node = member (object, name);
  if (!node || !JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  gint64 value = json_node_get_int (node);
  if (value < 0 || value > MAX_COUNT)
    return FALSE;
  *out = (guint64) value;
  return TRUE;
}
