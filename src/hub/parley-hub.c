/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/parley-hub.h"
#include "hub/json.h"
#include "hub/names.h"
#include "hub/parley-hub-model-private.h"
#include "hub/parley-hub-private.h"
#include "hub/search-cache.h"
#include "hub/url.h"

#include <glib/gi18n.h>
#include <string.h>

#define DEFAULT_ENDPOINT "https://huggingface.co"
#define MAX_LIST_BODY    (16 * 1024 * 1024)
#define MAX_DETAILS_BODY (8 * 1024 * 1024)
#define MAX_CARD_BYTES   (1024 * 1024)
#define MAX_TREE_PAGES   20
#define MAX_SEARCH_BYTES 200
#define MAX_SIFTED_PAGES 5 /* asked for one answer while the filter leaves little of each */
#define LIST_FIELDS                                                                                \
  "expand=downloads&expand=likes&expand=lastModified&expand=gated&expand=tags"                     \
  "&expand=pipeline_tag&expand=sha"

struct _ParleyHub {
  GObject parent_instance;

  ParleyHttp *http;
  ParleySearchCache *searches;
};

G_DEFINE_FINAL_TYPE (ParleyHub, parley_hub, G_TYPE_OBJECT)

static void
parley_hub_finalize (GObject *object)
{
  ParleyHub *self = PARLEY_HUB (object);
  g_clear_pointer (&self->http, parley_http_free);
  g_clear_pointer (&self->searches, parley_search_cache_free);
  G_OBJECT_CLASS (parley_hub_parent_class)->finalize (object);
}

static void
parley_hub_class_init (ParleyHubClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = parley_hub_finalize;
}

static void
parley_hub_init (ParleyHub *self)
{
  self->searches = parley_search_cache_new ();
}

/* NULL when the variable is unset or empty. */
static const char *
environment (const char *name)
{
  const char *value = g_getenv (name);
  return value && *value ? value : NULL;
}

/* The token that the environment or the Hub's own tools left on this computer. */
static char *
find_token (void)
{
  const char *disabled = environment ("HF_HUB_DISABLE_IMPLICIT_TOKEN");
  if (disabled && strcmp (disabled, "0") != 0)
    return NULL;
  const char *token = environment ("HF_TOKEN");
  if (!token)
    token = environment ("HUGGING_FACE_HUB_TOKEN");
  if (token)
    return g_strdup (token);
  const char *home = environment ("HF_HOME"), *path = environment ("HF_TOKEN_PATH");
  g_autofree char *file =
      path   ? g_strdup (path)
      : home ? g_build_filename (home, "token", NULL)
             : g_build_filename (g_get_user_cache_dir (), "huggingface", "token", NULL);
  char *text = NULL;
  return g_file_get_contents (file, &text, NULL, NULL) ? text : NULL;
}

ParleyHub *
parley_hub_new (void)
{
  const char *endpoint = environment ("PARLEY_HUB");
  if (!endpoint)
    endpoint = environment ("HF_ENDPOINT");
  g_autofree char *token = find_token ();
  return parley_hub_new_for_endpoint (endpoint ? endpoint : DEFAULT_ENDPOINT, token);
}

ParleyHub *
parley_hub_new_for_endpoint (const char *endpoint, const char *token)
{
  ParleyHub *self = g_object_new (PARLEY_TYPE_HUB, NULL);
  self->http = parley_http_new (endpoint, token);
  return self;
}

const char *
parley_hub_get_endpoint (ParleyHub *self)
{
  return parley_http_get_endpoint (self->http);
}

gboolean
parley_hub_has_token (ParleyHub *self)
{
  return parley_http_has_token (self->http);
}

void
parley_hub_set_token (ParleyHub *self, const char *token)
{
  parley_http_set_token (self->http, token);
  parley_search_cache_clear (self->searches); /* it may open other doors */
}

void
parley_hub_set_offline (ParleyHub *self, gboolean offline)
{
  parley_http_set_offline (self->http, offline);
}

ParleyHttp *
_parley_hub_get_http (ParleyHub *self)
{
  return self->http;
}

void
_parley_hub_set_patience (ParleyHub *self, guint retry_ms, guint stall_seconds)
{
  parley_http_set_patience (self->http, retry_ms, stall_seconds);
}

char *
parley_hub_dup_page_address (ParleyHub *self, const char *repo)
{
  g_autofree char *escaped = g_uri_escape_string (repo, "/", FALSE);
  return g_strdup_printf ("%s/%s", parley_hub_get_endpoint (self), escaped);
}

char *
_parley_hub_dup_resolve_address (ParleyHub *self, const char *repo, const char *revision,
                                 const char *path)
{
  g_autofree char *rev = g_uri_escape_string (revision, NULL, FALSE);
  g_autofree char *file = g_uri_escape_string (path, "/", FALSE);
  return g_strdup_printf ("%s/%s/resolve/%s/%s", parley_hub_get_endpoint (self), repo, rev, file);
}

/* ---- search ---- */

static const char *
sort_name (ParleyHubSort sort)
{
  switch (sort) {
  case PARLEY_HUB_SORT_DOWNLOADS: return "downloads";
  case PARLEY_HUB_SORT_LIKES: return "likes";
  case PARLEY_HUB_SORT_UPDATED: return "lastModified";
  case PARLEY_HUB_SORT_TRENDING:
  default: return "trendingScore";
  }
}

/* The query of the next page. Only the query of the Link header is taken, so that neither a mirror
 * that names another origin nor a hostile one leads anywhere else. */
static char *
next_query (const ParleyHttpResponse *response)
{
  g_autofree char *link = parley_http_next_link (response);
  g_autoptr (ParleyUrl) url = link ? parley_url_parse (link, response->url, NULL) : NULL;
  return url ? g_strdup (url->query) : NULL;
}

/* What the hub says of one repository. */
static JsonNode *
fetch_json (ParleyHub *self, const char *address, const char *repo, GCancellable *cancellable,
            GError **error)
{
  g_auto (ParleyHttpResponse) response = { 0 };
  ParleyHttpRequest request = { .url = address, .what = repo, .max_body = MAX_DETAILS_BODY };
  if (!parley_http_get (self->http, &request, &response, cancellable, error))
    return NULL;
  return parley_json_read ((const char *) response.body->data, response.body->len,
                           _ ("the hub's answer"), error);
}

/* One page of an array from the hub. */
static JsonNode *
fetch_page (ParleyHub *self, const char *address, const char *what, char **next,
            GCancellable *cancellable, GError **error)
{
  g_auto (ParleyHttpResponse) response = { 0 };
  ParleyHttpRequest request = { .url = address, .what = what, .max_body = MAX_LIST_BODY };
  if (!parley_http_get (self->http, &request, &response, cancellable, error))
    return NULL;
  g_autoptr (JsonNode) node = parley_json_read ((const char *) response.body->data,
                                                response.body->len, _ ("the hub's answer"), error);
  if (node && !parley_json_as_array (node)) {
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("%s does not answer as a model hub does. Check the address of the hub"),
                 parley_hub_get_endpoint (self));
    return NULL;
  }
  if (node)
    *next = next_query (&response);
  return g_steal_pointer (&node);
}

/* One page of models, from the cache where it is known. */
static GPtrArray *
search_page (ParleyHub *self, const char *query, char **next, GCancellable *cancellable,
             GError **error)
{
  g_autofree char *address =
      g_strdup_printf ("%s/api/models?%s", parley_hub_get_endpoint (self), query);
  guint when;
  GPtrArray *models = parley_search_cache_find (self->searches, address, next, &when);
  if (models)
    return models;
  g_autoptr (JsonNode) node =
      fetch_page (self, address, _ ("the search"), next, cancellable, error);
  if (!node)
    return NULL;
  models = g_ptr_array_new_with_free_func (g_object_unref);
  JsonArray *array = json_node_get_array (node);
  for (guint i = 0; i < MIN (json_array_get_length (array), 500); i++) {
    JsonObject *object = parley_json_as_object (json_array_get_element (array, i));
    ParleyHubModel *model = object ? _parley_hub_model_from_json (object) : NULL;
    if (model)
      g_ptr_array_add (models, model);
  }
  parley_search_cache_put (self->searches, address, models, *next, when);
  return models;
}

static void
append_escaped (GString *query, const char *name, const char *value)
{
  g_autofree char *escaped = g_uri_escape_string (value, NULL, FALSE);
  g_string_append_printf (query, "&%s%s", name, escaped);
}

static char *
first_query (const char *text, ParleyHubSort sort, const ParleyHubFilter *filter, guint limit)
{
  g_autofree char *cut = g_strstrip (parley_name_for_display (text ? text : "", MAX_SEARCH_BYTES));
  GString *query = g_string_new ("filter=gguf");
  /* Without words the family's own name makes the hub look where there is something. */
  const char *words = *cut || !filter || !filter->family ? cut : filter->family;
  gboolean sifted_here =
      filter && (filter->family || filter->min_parameters || filter->max_parameters);
  if (filter && filter->license)
    append_escaped (query, "filter=license%3A", filter->license);
  if (filter && filter->language)
    append_escaped (query, "filter=", filter->language);
  if (*words)
    append_escaped (query, "search=", words);
  g_string_append_printf (query, "&sort=%s&limit=%u&" LIST_FIELDS, sort_name (sort),
                          sifted_here ? 100 : CLAMP (limit, 1, 100));
  return g_string_free (query, FALSE);
}

GPtrArray *
parley_hub_search (ParleyHub *self, const char *text, ParleyHubSort sort,
                   const ParleyHubFilter *filter, guint limit, const char *cursor,
                   char **next_cursor, GCancellable *cancellable, GError **error)
{
  g_autofree char *query = cursor ? g_strdup (cursor) : first_query (text, sort, filter, limit);
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint page = 0; query && page < MAX_SIFTED_PAGES && (page == 0 || found->len < limit / 2);
       page++) {
    g_autofree char *next = NULL;
    g_autoptr (GPtrArray) models = search_page (self, query, &next, cancellable, error);
    if (!models)
      return NULL;
    for (guint i = 0; i < models->len; i++)
      if (parley_hub_filter_accepts (filter, models->pdata[i]))
        g_ptr_array_add (found, g_object_ref (models->pdata[i]));
    g_free (query);
    query = g_steal_pointer (&next);
    if (parley_hub_filter_is_empty (filter))
      break;
  }
  if (next_cursor)
    *next_cursor = g_steal_pointer (&query);
  return g_steal_pointer (&found);
}

ParleyHubModel *
parley_hub_look_up (ParleyHub *self, const char *repo, GCancellable *cancellable, GError **error)
{
  if (!parley_name_check_repo (repo, error))
    return NULL;
  g_autofree char *next = NULL;
  g_autofree char *address =
      g_strdup_printf ("%s/api/models/%s?" LIST_FIELDS, parley_hub_get_endpoint (self), repo);
  guint when;
  g_autoptr (GPtrArray) known = parley_search_cache_find (self->searches, address, &next, &when);
  if (known)
    return g_object_ref (known->pdata[0]);
  g_autoptr (JsonNode) node = fetch_json (self, address, repo, cancellable, error);
  JsonObject *object = node ? parley_json_as_object (node) : NULL;
  ParleyHubModel *model = object ? _parley_hub_model_from_json (object) : NULL;
  if (node && !model)
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("The hub's answer about %s makes no sense. Try again later"), repo);
  if (!model)
    return NULL;
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (kept, g_object_ref (model));
  parley_search_cache_put (self->searches, address, kept, NULL, when);
  return model;
}

char *
parley_hub_who (ParleyHub *self, const char *token, GCancellable *cancellable, GError **error)
{
  g_autofree char *address = g_strdup_printf ("%s/api/whoami-v2", parley_hub_get_endpoint (self));
  g_autoptr (ParleyHub) other =
      token ? parley_hub_new_for_endpoint (parley_hub_get_endpoint (self), token) : NULL;
  if (token && !parley_hub_has_token (other)) {
    g_set_error_literal (
        error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_UNAUTHORISED,
        _ ("This is no access token. Copy it again from the page of your account"));
    return NULL;
  }
  if (other)
    parley_hub_set_offline (other, parley_http_is_offline (self->http));
  g_autoptr (JsonNode) node =
      fetch_json (other ? other : self, address, _ ("your account"), cancellable, error);
  if (!node)
    return NULL;
  g_autofree char *name = g_strstrip (
      parley_name_for_display (parley_json_string (parley_json_as_object (node), "name"), 100));
  if (*name)
    return g_steal_pointer (&name);
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
               _ ("%s does not answer as a model hub does. Check the address of the hub"),
               parley_hub_get_endpoint (self));
  return NULL;
}

/* ---- details ---- */

/* An entry of the tree; FALSE for what cannot be downloaded. The path belongs to the JSON. */
static gboolean
read_entry (JsonObject *object, ParleyHubPart *part)
{
  if (strcmp (parley_json_string (object, "type"), "file") != 0)
    return FALSE;
  JsonObject *lfs = parley_json_object (object, "lfs");
  const char *sha = parley_json_string (lfs, "oid");
  if (g_str_has_prefix (sha, "sha256:"))
    sha += strlen ("sha256:");
  *part = (ParleyHubPart){ .path = parley_json_string (object, "path") };
  gsize n = strspn (sha, "0123456789abcdef");
  if (n == 64 && sha[n] == '\0')
    memcpy (part->sha256, sha, n);
  guint64 lfs_size = 0;
  gboolean sized = parley_json_count (object, "size", &part->size) && part->size > 0;
  if (sized && parley_json_count (lfs, "size", &lfs_size) && lfs_size > 0)
    part->size = lfs_size;
  return sized;
}

static gboolean
fetch_tree (ParleyHub *self, ParleyHubModel *model, GCancellable *cancellable, GError **error)
{
  const char *repo = parley_hub_model_get_repo (model);
  g_autofree char *query = g_strdup ("recursive=true&expand=false");
  g_autoptr (GPtrArray) pages = g_ptr_array_new_with_free_func ((GDestroyNotify) json_node_unref);
  g_autoptr (GArray) parts = g_array_new (FALSE, FALSE, sizeof (ParleyHubPart));
  for (guint page = 0; query && page < MAX_TREE_PAGES; page++) {
    g_autofree char *address =
        g_strdup_printf ("%s/api/models/%s/tree/%s?%s", parley_hub_get_endpoint (self), repo,
                         parley_hub_model_get_commit (model), query);
    g_clear_pointer (&query, g_free);
    JsonNode *node = fetch_page (self, address, repo, &query, cancellable, error);
    if (!node)
      return FALSE;
    g_ptr_array_add (pages, node);
    JsonArray *array = json_node_get_array (node);
    for (guint i = 0; i < json_array_get_length (array); i++) {
      ParleyHubPart part;
      JsonObject *object = parley_json_as_object (json_array_get_element (array, i));
      if (object && read_entry (object, &part))
        g_array_append_val (parts, part);
    }
  }
  _parley_hub_model_take_parts (model, parts);
  return TRUE;
}

ParleyHubModel *
parley_hub_details (ParleyHub *self, const char *repo, const char *revision,
                    GCancellable *cancellable, GError **error)
{
  if (!parley_name_check_repo (repo, error))
    return NULL;
  g_autofree char *escaped = g_uri_escape_string (revision ? revision : "main", NULL, FALSE);
  g_autofree char *address = g_strdup_printf ("%s/api/models/%s/revision/%s",
                                              parley_hub_get_endpoint (self), repo, escaped);
  g_autoptr (JsonNode) node = fetch_json (self, address, repo, cancellable, error);
  if (!node)
    return NULL;
  JsonObject *object = parley_json_as_object (node);
  g_autoptr (ParleyHubModel) model = object ? _parley_hub_model_from_json (object) : NULL;
  if (!model || !*parley_hub_model_get_commit (model)) {
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("The hub's answer about %s does not say which version it is. Try again later"),
                 repo);
    return NULL;
  }
  return fetch_tree (self, model, cancellable, error) ? g_steal_pointer (&model) : NULL;
}

/* ---- card ---- */

/* What follows the YAML between two lines of "---" at the beginning, if there is any. */
static const char *
skip_front_matter (const char *text)
{
  if (g_str_has_prefix (text, "\xef\xbb\xbf"))
    text += 3;
  if (!g_str_has_prefix (text, "---\n") && !g_str_has_prefix (text, "---\r\n"))
    return text;
  const char *end = strstr (text + 3, "\n---");
  while (end && end[4] != '\n' && end[4] != '\r' && end[4] != '\0')
    end = strstr (end + 4, "\n---");
  return end ? end + 4 + strspn (end + 4, "\r\n") : text;
}

char *
parley_hub_card (ParleyHub *self, const char *repo, const char *commit, GCancellable *cancellable,
                 GError **error)
{
  if (!parley_name_check_repo (repo, error))
    return NULL;
  g_autofree char *address =
      _parley_hub_dup_resolve_address (self, repo, commit ? commit : "main", "README.md");
  g_auto (ParleyHttpResponse) response = { 0 };
  ParleyHttpRequest request = { .url = address, .what = repo, .max_body = MAX_CARD_BYTES };
  g_autoptr (GError) problem = NULL;
  if (!parley_http_get (self->http, &request, &response, cancellable, &problem)) {
    if (response.status == 404)
      return g_strdup ("");
    g_propagate_error (error, g_steal_pointer (&problem));
    return NULL;
  }
  g_autofree char *text =
      g_utf8_make_valid ((const char *) response.body->data, (gssize) response.body->len);
  return g_strdup (skip_front_matter (text));
}

/* ---- the same without blocking ---- */

typedef struct {
  char *text; /* search text or repository */
  char *more; /* cursor, revision or commit */
  ParleyHubSort sort;
  ParleyHubFilter filter; /* owns its strings */
  guint number;           /* limit or part */
  ParleyHubFile *file;
  char *next_cursor;
  guint64 file_bytes;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;
  g_free (question->text);
  g_free (question->more);
  g_free (question->next_cursor);
  g_free ((char *) question->filter.family);
  g_free ((char *) question->filter.license);
  g_free ((char *) question->filter.language);
  g_clear_object (&question->file);
  g_free (question);
}

static void
ask (ParleyHub *self, Question question, GTaskThreadFunc run, GCancellable *cancellable,
     GAsyncReadyCallback callback, gpointer data, gpointer tag)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, tag);
  g_task_set_return_on_cancel (task, FALSE);
  g_task_set_task_data (task, g_memdup2 (&question, sizeof question), question_free);
  g_task_run_in_thread (task, run);
}

static void
answer (GTask *task, gpointer result, GDestroyNotify destroy, GError *error)
{
  if (result)
    g_task_return_pointer (task, result, destroy);
  else
    g_task_return_error (task, error);
}

static void
run_search (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Question *question = data;
  GError *error = NULL;
  gpointer result = parley_hub_search (source, question->text, question->sort, &question->filter,
                                       question->number, question->more, &question->next_cursor,
                                       cancellable, &error);
  answer (task, result, (GDestroyNotify) g_ptr_array_unref, error);
}

void
parley_hub_search_async (ParleyHub *self, const char *text, ParleyHubSort sort,
                         const ParleyHubFilter *filter, guint limit, const char *cursor,
                         GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Question question = {
    .text = g_strdup (text), .more = g_strdup (cursor), .sort = sort, .number = limit
  };
  if (filter) {
    question.filter = *filter;
    question.filter.family = g_strdup (filter->family);
    question.filter.license = g_strdup (filter->license);
    question.filter.language = g_strdup (filter->language);
  }
  ask (self, question, run_search, cancellable, callback, data, parley_hub_search_async);
}

GPtrArray *
parley_hub_search_finish (ParleyHub *self, GAsyncResult *result, char **next_cursor, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  Question *question = g_task_get_task_data (G_TASK (result));
  if (next_cursor)
    *next_cursor = g_strdup (question->next_cursor);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
run_look_up (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Question *question = data;
  GError *error = NULL;
  gpointer result = parley_hub_look_up (source, question->text, cancellable, &error);
  answer (task, result, g_object_unref, error);
}

void
parley_hub_look_up_async (ParleyHub *self, const char *repo, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer data)
{
  Question question = { .text = g_strdup (repo) };
  ask (self, question, run_look_up, cancellable, callback, data, parley_hub_look_up_async);
}

ParleyHubModel *
parley_hub_look_up_finish (ParleyHub *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
run_details (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Question *question = data;
  GError *error = NULL;
  gpointer result =
      parley_hub_details (source, question->text, question->more, cancellable, &error);
  answer (task, result, g_object_unref, error);
}

void
parley_hub_details_async (ParleyHub *self, const char *repo, const char *revision,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Question question = { .text = g_strdup (repo), .more = g_strdup (revision) };
  ask (self, question, run_details, cancellable, callback, data, parley_hub_details_async);
}

ParleyHubModel *
parley_hub_details_finish (ParleyHub *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
run_card (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Question *question = data;
  GError *error = NULL;
  gpointer result = parley_hub_card (source, question->text, question->more, cancellable, &error);
  answer (task, result, g_free, error);
}

void
parley_hub_card_async (ParleyHub *self, const char *repo, const char *commit,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Question question = { .text = g_strdup (repo), .more = g_strdup (commit) };
  ask (self, question, run_card, cancellable, callback, data, parley_hub_card_async);
}

char *
parley_hub_card_finish (ParleyHub *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
run_header (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Question *question = data;
  GError *error = NULL;
  gpointer result = parley_hub_header (source, question->file, question->number,
                                       &question->file_bytes, cancellable, &error);
  answer (task, result, (GDestroyNotify) g_bytes_unref, error);
}

static void
run_outline (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Question *question = data;
  GError *error = NULL;
  gpointer result =
      parley_hub_outline (source, question->file, &question->file_bytes, cancellable, &error);
  answer (task, result, (GDestroyNotify) g_bytes_unref, error);
}

void
parley_hub_outline_async (ParleyHub *self, ParleyHubFile *file, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer data)
{
  Question question = { .file = g_object_ref (file) };
  ask (self, question, run_outline, cancellable, callback, data, parley_hub_outline_async);
}

GBytes *
parley_hub_outline_finish (ParleyHub *self, GAsyncResult *result, guint64 *file_bytes,
                           GError **error)
{
  return parley_hub_header_finish (self, result, file_bytes, error);
}

void
parley_hub_header_async (ParleyHub *self, ParleyHubFile *file, guint part,
                         GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Question question = { .file = g_object_ref (file), .number = part };
  ask (self, question, run_header, cancellable, callback, data, parley_hub_header_async);
}

GBytes *
parley_hub_header_finish (ParleyHub *self, GAsyncResult *result, guint64 *file_bytes,
                          GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  Question *question = g_task_get_task_data (G_TASK (result));
  if (file_bytes)
    *file_bytes = question->file_bytes;
  return g_task_propagate_pointer (G_TASK (result), error);
}
