/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Starts standin.py and talks to its control address. For tests of one thread.
 */
#pragma once

#include "hub/json.h"
#include "hub/parley-hub-private.h"

#include "tests/harness.h"

#include <curl/curl.h>
#include <glib/gstdio.h>

static GSubprocess *standin;
static char *standin_hub; /* addresses */
static char *standin_cdn;

static inline void
standin_start (const char *models)
{
  const char *script = g_getenv ("PARLEY_STANDIN");
  const char *argv[] = { "python3", script, models ? "--models" : NULL, models, NULL };
  g_autoptr (GError) error = NULL;
  if (script)
    standin = g_subprocess_newv (
        argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  g_autoptr (GDataInputStream) lines =
      standin ? g_data_input_stream_new (g_subprocess_get_stdout_pipe (standin)) : NULL;
  g_autofree char *line = lines ? g_data_input_stream_read_line (lines, NULL, NULL, NULL) : NULL;
  g_autoptr (JsonNode) node = line ? parley_json_read (line, strlen (line), "", NULL) : NULL;
  JsonObject *object = parley_json_as_object (node);
  if (!object) {
    printf ("Bail out! the stand-in did not start: %s\n", error ? error->message : "no address");
    exit (1);
  }
  standin_hub = g_strdup (parley_json_string (object, "hub"));
  standin_cdn = g_strdup (parley_json_string (object, "cdn"));
}

static inline void
standin_stop (void)
{
  g_output_stream_close (g_subprocess_get_stdin_pipe (standin), NULL, NULL);
  g_subprocess_wait (standin, NULL, NULL);
  g_clear_object (&standin);
  g_free (standin_hub);
  g_free (standin_cdn);
}

static inline size_t
standin_keep (char *bytes, size_t size, size_t n, void *data)
{
  g_string_append_len (data, bytes, (gssize) (size * n));
  return size * n;
}

/* Posts `command` (NULL: asks for the state) and returns the answer. */
static inline JsonNode *
standin_ask (const char *command)
{
  g_autofree char *address = g_strconcat (standin_hub, "/_control", NULL);
  g_autoptr (GString) answer = g_string_new (NULL);
  CURL *easy = curl_easy_init ();
  curl_easy_setopt (easy, CURLOPT_URL, address);
  if (command)
    curl_easy_setopt (easy, CURLOPT_POSTFIELDS, command);
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, standin_keep);
  curl_easy_setopt (easy, CURLOPT_WRITEDATA, answer);
  CURLcode code = curl_easy_perform (easy);
  curl_easy_cleanup (easy);
  JsonNode *node = code == CURLE_OK ? parley_json_read (answer->str, answer->len, "", NULL) : NULL;
  if (!node) {
    printf ("Bail out! the stand-in does not answer\n");
    exit (1);
  }
  return node;
}

/* JSON with ' for ". */
static inline void
standin_tell (const char *command)
{
  g_autofree char *json = g_strdelimit (g_strdup (command), "'", '"');
  json_node_unref (standin_ask (json));
}

static inline guint64
standin_count (const char *name)
{
  g_autoptr (JsonNode) state = standin_ask (NULL);
  guint64 n = 0;
  parley_json_count (parley_json_as_object (state), name, &n);
  return n;
}

/* How many requests so far have `text` in their address; *last_range (may be NULL) receives the
 * range of the last of them, to be freed. */
static inline guint
standin_requests (const char *text, char **last_range)
{
  g_autoptr (JsonNode) state = standin_ask (NULL);
  JsonArray *log = parley_json_array (parley_json_as_object (state), "log");
  guint n = 0;
  for (guint i = 0; i < json_array_get_length (log); i++) {
    JsonObject *request = json_array_get_object_element (log, i);
    if (!strstr (parley_json_string (request, "path"), text))
      continue;
    n++;
    if (last_range) {
      g_free (*last_range);
      *last_range = g_strdup (parley_json_string (request, "range"));
    }
  }
  return n;
}

/* A hub at the stand-in with short pauses, after a reset. */
static inline ParleyHub *
standin_hub_new (const char *token)
{
  standin_tell ("{'reset': true}");
  ParleyHub *hub = parley_hub_new_for_endpoint (standin_hub, token);
  _parley_hub_set_patience (hub, 5, 1);
  return hub;
}

/* Removes a folder and all in it. */
static inline void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir =
      g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name (dir));) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    remove_tree (child);
  }
  g_remove (path);
}
