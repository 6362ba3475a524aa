/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON from the network and from our own small files: json-glib behind a check of size, depth and
 * encoding (it recurses on nesting), and readers that never trust the kind of a value.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* NULL with PARLEY_HUB_ERROR_PROTOCOL; `source` is named in the message. */
JsonNode *parley_json_read (const char *text, gsize n, const char *source,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* NULL, "" or FALSE where the member is missing or of another kind. */
JsonObject *parley_json_as_object (JsonNode *node);
JsonArray *parley_json_as_array (JsonNode *node);
JsonObject *parley_json_object (JsonObject *object, const char *name);
JsonArray *parley_json_array (JsonObject *object, const char *name);
const char *parley_json_string (JsonObject *object, const char *name);
gboolean parley_json_true (JsonObject *object, const char *name);
/* A whole number from 0 to 2^53; *out is untouched otherwise. */
gboolean parley_json_count (JsonObject *object, const char *name, guint64 *out);

G_END_DECLS
