/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as what a hub says: a repository, a tree of files, a download's description, and a
 * Content-Range. No path that is not safe may come out.
 */
#include "hub/http.h"
#include "hub/json.h"
#include "hub/names.h"
#include "hub/parley-hub-model-private.h"
#include "hub/parley-hub-ref.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t n);

static void
try_json (const char *text, size_t n)
{
  g_autoptr (JsonNode) node = parley_json_read (text, n, "fuzz", NULL);
  JsonObject *object = parley_json_as_object (node);
  g_autoptr (ParleyHubModel) model = object ? _parley_hub_model_from_json (object) : NULL;
  if (model && !parley_name_check_repo (parley_hub_model_get_repo (model), NULL))
    abort ();
  guint64 count;
  parley_json_count (object, "size", &count);
  parley_json_array (object, "siblings");
}

static void
try_range (const char *text)
{
  ParleyHttpResponse response = { .headers = g_hash_table_new (g_str_hash, g_str_equal) };
  g_hash_table_insert (response.headers, (gpointer) "content-range", (gpointer) text);
  g_hash_table_insert (response.headers, (gpointer) "link", (gpointer) text);
  guint64 first, last, total;
  if (parley_http_content_range (&response, &first, &last, &total) &&
      (first > last || last >= total))
    abort ();
  g_free (parley_http_next_link (&response));
  g_hash_table_unref (response.headers);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  g_autofree char *text = g_strndup ((const char *) data, n);
  try_json ((const char *) data, n);
  try_range (text);
  g_autoptr (ParleyHubRef) ref = parley_hub_ref_parse (text, "https://hub.example", NULL);
  if (ref && ref->file && !parley_name_check_path (ref->file, NULL))
    abort ();
  if (g_utf8_validate (text, -1, NULL) && parley_name_check_path (text, NULL) &&
      (strstr (text, "..") == text || text[0] == '/' || strchr (text, '\\')))
    abort ();
  return 0;
}
