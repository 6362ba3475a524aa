/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions to a hub: search, repositories and their files, cards, remote headers, and what its
 * refusals become in words.
 */
#include "engine/format/gguf.h"
#include "engine/model.h"
#include "hub/outline.h"
#include "hub/parley-downloads.h"
#include "standin.h"

#define TOKEN "hf_standinstandinstandinstandinstandin01"

static void
search_finds_and_sorts (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *next = NULL;
  g_autoptr (GPtrArray) found = parley_hub_search (hub, " kestrel ", PARLEY_HUB_SORT_DOWNLOADS,
                                                   NULL, 20, NULL, &next, NULL, &error);
  CHECK_MSG (found, "%s", error->message);
  CHECK (found->len == 2 && !next);
  ParleyHubModel *model = found->pdata[0];
  CHECK_STR (parley_hub_model_get_repo (model), "northwind-labs/Kestrel-7B-Instruct-GGUF");
  CHECK_STR (parley_hub_model_get_author (model), "northwind-labs");
  CHECK_STR (parley_hub_model_get_name (model), "Kestrel-7B-Instruct");
  CHECK_STR (parley_hub_model_get_license (model), "apache-2.0");
  CHECK_STR (parley_hub_model_get_base_model (model), "northwind-labs/Kestrel-7B-Instruct");
  CHECK (parley_hub_model_get_downloads (model) == 812345);
  CHECK (parley_hub_model_get_likes (model) == 1930);
  CHECK (parley_hub_model_get_updated (model) == 1793179800);
  CHECK (parley_hub_model_get_parameters (model) == 7000000000);
  CHECK (parley_hub_model_can_chat (model));
  CHECK (g_list_model_get_n_items (parley_hub_model_get_files (model)) == 0);
  g_autoptr (GPtrArray) embedding =
      parley_hub_search (hub, "embed", PARLEY_HUB_SORT_LIKES, NULL, 20, NULL, NULL, NULL, NULL);
  CHECK (embedding && embedding->len == 1 && !parley_hub_model_can_chat (embedding->pdata[0]));
  g_autoptr (GPtrArray) gated = parley_hub_search (hub, "heron-12b", PARLEY_HUB_SORT_UPDATED, NULL,
                                                   20, NULL, NULL, NULL, NULL);
  CHECK (gated && gated->len == 1);
  CHECK (parley_hub_model_get_gate (gated->pdata[0]) == PARLEY_HUB_GATED_MANUAL);
  g_autoptr (GPtrArray) none = parley_hub_search (hub, "&sort=x#?%20\n", PARLEY_HUB_SORT_TRENDING,
                                                  NULL, 20, NULL, NULL, NULL, &error);
  CHECK (none && none->len == 0);
}

static void
pages_follow_the_cursor (void)
{
  for (int foreign = 0; foreign < 2; foreign++) {
    g_autoptr (ParleyHub) hub = standin_hub_new (TOKEN);
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *cursor = NULL;
    guint pages = 0;
    if (foreign) /* the next page is announced at another origin, which must not be asked */
      standin_tell ("{'fault': {'on': 'search', 'do': 'foreign-link', 'times': -1}}");
    do {
      g_autofree char *next = NULL;
      g_autoptr (GPtrArray) page = parley_hub_search (hub, "", PARLEY_HUB_SORT_DOWNLOADS, NULL, 5,
                                                      cursor, &next, NULL, NULL);
      CHECK (page && page->len <= 5);
      for (guint i = 0; i < page->len; i++)
        CHECK (g_hash_table_add (seen, g_strdup (parley_hub_model_get_repo (page->pdata[i]))));
      g_free (cursor);
      cursor = g_steal_pointer (&next);
    } while (cursor && ++pages < 10);
    CHECK_MSG (g_hash_table_size (seen) == 13 && pages == 2, "%u in %u", g_hash_table_size (seen),
               pages);
  }
}

/* Names of what is found, joined; every one of them is as the filter wants it. */
static char *
sift (ParleyHub *hub, const char *text, const ParleyHubFilter *filter)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) names = g_string_new (NULL);
  g_autoptr (GPtrArray) found = parley_hub_search (hub, text, PARLEY_HUB_SORT_DOWNLOADS, filter, 20,
                                                   NULL, NULL, NULL, &error);
  CHECK_MSG (found, "%s", error->message);
  for (guint i = 0; i < found->len; i++)
    g_string_append_printf (names, "%s%s", i ? " " : "",
                            parley_hub_model_get_name (found->pdata[i]));
  return g_string_free (g_steal_pointer (&names), FALSE);
}

static void
searches_are_sifted (void)
{
  static const struct {
    const char *text;
    ParleyHubFilter filter;
    const char *names;
  } wanted[] = {
    { "", { .license = "mit" }, "Heron-3B-Chat Heron-12B-Chat Wren-Embed-0.3B" },
    { "",
      { .language = "de", .license = "apache-2.0" },
      "Kestrel-7B-Instruct Larch-8B-Instruct Kestrel-1.5B-Instruct Larch-0.5B-Instruct" },
    { "", { .min_parameters = 30000000000 }, "Basalt-32B Basalt-70B" },
    { "", { .min_parameters = 3000000000, .max_parameters = 4000000000 }, "Heron-3B-Chat" },
    { "kestrel", { .family = "Llama" }, "Kestrel-7B-Instruct Kestrel-1.5B-Instruct" },
    { "kestrel", { .family = "Qwen" }, "" },
    { "heron", { .family = "Llama" }, "" }, /* tagged "llama-cpp" */
    { "-", { .family = "Llama" }, "Kestrel-7B-Instruct Kestrel-1.5B-Instruct" },
    { "heron", { .family = "Qwen", .max_parameters = 12000000000 }, "Heron-3B-Chat" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++) {
    g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
    g_autofree char *names = sift (hub, wanted[i].text, &wanted[i].filter);
    CHECK_STR (names, wanted[i].names);
  }
  /* The hub is asked for what it can sift, and for the family's name where no words are. */
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  const ParleyHubFilter filter = { .family = "Gemma", .license = "mit", .language = "fr" };
  g_autofree char *none = sift (hub, "", &filter);
  CHECK_STR (none, "");
  CHECK (standin_requests ("filter=license%3Amit&filter=fr&search=Gemma&", NULL) == 1);
}

static void
searches_are_kept_for_a_while (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autofree char *first = sift (hub, "kestrel", NULL), *other = sift (hub, "heron", NULL);
  CHECK (standin_requests ("/api/models?", NULL) == 2);
  g_autofree char *again = sift (hub, "kestrel", NULL);
  CHECK_STR (again, first);
  CHECK (standin_requests ("/api/models?", NULL) == 2);
  parley_hub_set_token (hub, TOKEN); /* may see more */
  g_autofree char *signed_in = sift (hub, "kestrel", NULL);
  CHECK_STR (signed_in, first);
  CHECK (standin_requests ("/api/models?", NULL) == 3);
  /* What went wrong is not kept. */
  standin_tell ("{'fault': {'on': 'search', 'do': 'status', 'code': 403}}");
  CHECK (
      !parley_hub_search (hub, "basalt", PARLEY_HUB_SORT_LIKES, NULL, 5, NULL, NULL, NULL, NULL));
  g_autoptr (GPtrArray) found =
      parley_hub_search (hub, "basalt", PARLEY_HUB_SORT_LIKES, NULL, 5, NULL, NULL, NULL, NULL);
  CHECK (found && found->len == 2);
}

static void
one_repository_is_looked_up (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHubModel) model =
      parley_hub_look_up (hub, "tidepool-ai/Heron-12B-Chat-GGUF", NULL, &error);
  CHECK_MSG (model, "%s", error->message);
  CHECK (parley_hub_model_get_gate (model) == PARLEY_HUB_GATED_MANUAL);
  CHECK_STR (parley_hub_model_get_license (model), "mit");
  g_autoptr (ParleyHubModel) again =
      parley_hub_look_up (hub, "tidepool-ai/Heron-12B-Chat-GGUF", NULL, &error);
  CHECK (again == model && standin_requests ("/api/models/tidepool-ai", NULL) == 1);
  CHECK (!parley_hub_look_up (hub, "no/such", NULL, &error));
  CHECK (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND));
  g_clear_error (&error);
  CHECK (!parley_hub_look_up (hub, "../etc", NULL, &error) && standin_requests ("etc", NULL) == 0);
}

static void
offline_asks_nobody (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autoptr (GError) error = NULL;
  parley_hub_set_offline (hub, TRUE);
  CHECK (!parley_hub_details (hub, "fixture/plain", NULL, NULL, &error));
  CHECK (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_OFFLINE));
  CHECK (strstr (error->message, "preferences"));
  CHECK (standin_requests ("fixture", NULL) == 0);
  parley_hub_set_offline (hub, FALSE);
  g_autoptr (ParleyHubModel) model = parley_hub_details (hub, "fixture/plain", NULL, NULL, NULL);
  CHECK (model);
}

static void
tokens_belong_to_somebody (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *name = parley_hub_who (hub, TOKEN, NULL, &error);
  CHECK_MSG (name, "%s", error->message);
  CHECK_STR (name, "wanderer");
  CHECK (!parley_hub_has_token (hub));
  static const char *const wrong[] = { "hf_wrong", "", "two words" };
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_clear_error (&error);
    CHECK (!parley_hub_who (hub, wrong[i], NULL, &error));
    CHECK_MSG (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_UNAUTHORISED), "%s",
               error->message);
  }
  /* Who does not say a name is no hub. */
  static const char *const nameless[] = { "{}", "[]", "{'name': 7}", "{'name': ' '}" };
  for (gsize i = 0; i < G_N_ELEMENTS (nameless); i++) {
    g_autofree char *command =
        g_strdup_printf ("{'fault': {'on': 'who', 'do': 'raw', 'body': %s}}", nameless[i]);
    g_clear_error (&error);
    standin_tell (command);
    CHECK_MSG (!parley_hub_who (hub, TOKEN, NULL, &error), "%s", nameless[i]);
    CHECK_MSG (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL), "%s",
               error->message);
  }
  guint asked = standin_requests ("whoami", NULL);
  parley_hub_set_offline (hub, TRUE);
  g_clear_error (&error);
  CHECK (!parley_hub_who (hub, TOKEN, NULL, &error));
  CHECK (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_OFFLINE));
  CHECK (standin_requests ("whoami", NULL) == asked);
}

/* ---- a proxy of the desktop ---- */

#define TYPE_DESKTOP (desktop_get_type ())
G_DECLARE_FINAL_TYPE (Desktop, desktop, , DESKTOP, GObject)
struct _Desktop {
  GObject parent;
};

static gboolean
desktop_is_supported (GProxyResolver *resolver)
{
  return TRUE;
}

static char **
desktop_lookup (GProxyResolver *resolver, const char *uri, GCancellable *cancellable,
                GError **error)
{
  const char *proxies[] = { standin_hub, NULL };
  return g_strdupv ((char **) proxies);
}

static void
desktop_iface_init (GProxyResolverInterface *iface)
{
  iface->is_supported = desktop_is_supported;
  iface->lookup = desktop_lookup;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (
    Desktop, desktop, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (G_TYPE_PROXY_RESOLVER, desktop_iface_init);
    g_io_extension_point_implement (G_PROXY_RESOLVER_EXTENSION_POINT_NAME, g_define_type_id,
                                    "test-desktop", 1000);)

static void
desktop_init (Desktop *self)
{
}

static void
desktop_class_init (DesktopClass *klass)
{
}

static void
the_proxy_of_the_desktop_is_used (void)
{
  g_autoptr (GError) error = NULL;
  standin_tell ("{'reset': true}");
  g_autoptr (ParleyHub) hub = parley_hub_new_for_endpoint ("http://hub.example", NULL);
  _parley_hub_set_patience (hub, 5, 1);
  g_autoptr (ParleyHubModel) model =
      parley_hub_look_up (hub, "quarry/Basalt-32B-GGUF", NULL, &error);
  CHECK_MSG (model, "%s", error->message);
  CHECK (standin_requests ("http://hub.example/api/models/quarry/Basalt-32B-GGUF", NULL) == 1);
}

/* What a proxy says when it opens the tunnel to a server is no answer of that server. */
static void
a_tunnel_is_no_answer (void)
{
  g_autoptr (GError) error = NULL;
  standin_tell ("{'reset': true}");
  g_autoptr (ParleyHub) hub = parley_hub_new_for_endpoint ("https://hub.example", NULL);
  _parley_hub_set_patience (hub, 5, 1);
  const ParleyHubPart part = { .path = "a-Q8_0.gguf", .size = 1000 };
  g_autoptr (ParleyHubFile) file =
      parley_hub_file_new ("a/b", "main", PARLEY_HUB_FILE_MODEL, &part, 1);
  CHECK (!parley_hub_header (hub, file, 0, NULL, NULL, &error));
  CHECK_MSG (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NETWORK), "%s",
             error->message);
  CHECK (standin_requests ("hub.example:443", NULL) > 0);
}

static ParleyHubModel *
details (ParleyHub *hub, const char *repo)
{
  g_autoptr (GError) error = NULL;
  ParleyHubModel *model = parley_hub_details (hub, repo, NULL, NULL, &error);
  CHECK_MSG (model, "%s", error->message);
  return model;
}

static void
files_are_grouped (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autoptr (ParleyHubModel) model = details (hub, "fixture/sharded");
  GListModel *files = parley_hub_model_get_files (model);
  CHECK (g_list_model_get_n_items (files) == 2);
  g_autoptr (ParleyHubFile) half = g_list_model_get_item (files, 0);
  g_autoptr (ParleyHubFile) whole = g_list_model_get_item (files, 1);
  CHECK_STR (parley_hub_file_get_quantisation (whole), "F32");
  CHECK (parley_hub_file_get_n_parts (whole) == 3 && parley_hub_file_is_complete (whole));
  guint64 sum = 0;
  for (guint i = 0; i < 3; i++) {
    const ParleyHubPart *part = parley_hub_file_get_part (whole, i);
    CHECK (strlen (part->sha256) == 64);
    sum += part->size;
  }
  CHECK (parley_hub_file_get_size (whole) == sum && sum > 5000000);
  CHECK (parley_hub_file_get_n_parts (half) == 2 && !parley_hub_file_is_complete (half));
  CHECK_STR (parley_hub_file_get_path (whole), "F32/big-F32-00001-of-00003.gguf");
  CHECK_STR (parley_hub_file_get_commit (whole), parley_hub_model_get_commit (model));

  g_autoptr (ParleyHubModel) plain = details (hub, "fixture/plain");
  CHECK (g_list_model_get_n_items (parley_hub_model_get_files (plain)) == 2);
  CHECK (g_list_model_get_n_items (parley_hub_model_get_companions (plain)) == 3);
  g_autoptr (ParleyHubModel) large = details (hub, "quarry/Basalt-70B-GGUF");
  CHECK (g_list_model_get_n_items (parley_hub_model_get_files (large)) == 3);
  CHECK (parley_hub_model_get_parameters (large) == 70553706496);
  CHECK (parley_hub_model_get_context_length (large) == 131072);
  CHECK_STR (parley_hub_model_get_architecture (large), "llama");
}

static void
a_file_is_chosen (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autoptr (ParleyHubModel) model = details (hub, "northwind-labs/Kestrel-7B-Instruct-GGUF");
  static const char *const wanted[][2] = {
    { NULL, "Q4_K_M" },
    { "", "Q4_K_M" },
    { "q8_0", "Q8_0" },
    { "Kestrel-7B-Instruct-Q2_K.gguf", "Q2_K" },
    { "kestrel-7b-instruct-f16", "F16" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (wanted); i++) {
    g_autoptr (ParleyHubFile) file = parley_hub_model_choose (model, wanted[i][0], NULL);
    CHECK (file);
    CHECK_STR (parley_hub_file_get_quantisation (file), wanted[i][1]);
  }
  g_autoptr (GError) error = NULL;
  CHECK (!parley_hub_model_choose (model, "Q7_X", &error));
  CHECK (strstr (error->message, "Q7_X") && strstr (error->message, "Q4_K_M, Q5_K_M"));
  g_autoptr (ParleyHubModel) plain = details (hub, "fixture/plain");
  g_autoptr (ParleyHubFile) projector =
      parley_hub_model_choose (plain, "mmproj-plain-F16.gguf", NULL);
  CHECK (projector && parley_hub_file_get_kind (projector) == PARLEY_HUB_FILE_PROJECTOR);
  /* What has all its parts comes before what would be better. */
  g_autoptr (ParleyHubModel) sharded = details (hub, "fixture/sharded");
  g_autoptr (ParleyHubFile) whole = parley_hub_model_choose (sharded, NULL, NULL);
  CHECK_STR (parley_hub_file_get_quantisation (whole), "F32");
  g_autoptr (ParleyHubModel) empty = details (hub, "fixture/empty");
  g_clear_error (&error);
  CHECK (!parley_hub_model_choose (empty, NULL, &error));
  CHECK (strstr (error->message, "no model in a GGUF file"));
}

static void
hostile_listings_leave_only_good_files (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autoptr (ParleyHubModel) model = details (hub, "fixture/hostile");
  GListModel *files = parley_hub_model_get_files (model);
  CHECK_MSG (g_list_model_get_n_items (files) == 1, "%u files", g_list_model_get_n_items (files));
  g_autoptr (ParleyHubFile) file = g_list_model_get_item (files, 0);
  CHECK_STR (parley_hub_file_get_path (file), "good-Q8_0.gguf");
  CHECK (g_list_model_get_n_items (parley_hub_model_get_companions (model)) == 0);
}

static void
long_trees_come_in_pages (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  standin_tell ("{'page': 50}");
  g_autoptr (ParleyHubModel) model = details (hub, "fixture/many");
  CHECK (g_list_model_get_n_items (parley_hub_model_get_files (model)) == 130);
  CHECK (standin_requests ("/tree/", NULL) == 3);
}

static void
renamed_repositories_are_followed (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (TOKEN);
  g_autoptr (ParleyHubModel) model = details (hub, "fixture/renamed");
  CHECK_STR (parley_hub_model_get_repo (model), "fixture/plain");
}

static void
cards_are_text (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autofree char *card =
      parley_hub_card (hub, "open-meadow/Larch-8B-Instruct-GGUF", NULL, NULL, NULL);
  CHECK (card && g_str_has_prefix (card, "# Larch-8B-Instruct\n") && !strstr (card, "license:"));
  CHECK (standin_requests ("/api/resolve-cache/", NULL) == 1);
  standin_tell ("{'fault': {'on': 'card', 'do': 'status', 'code': 404,"
                " 'headers': {'X-Error-Code': 'EntryNotFound'}}}");
  g_autofree char *none = parley_hub_card (hub, "fixture/plain", NULL, NULL, NULL);
  CHECK_STR (none, "");
  /* Plain text is kept, an unfinished front matter too. */
  standin_tell ("{'fault': {'on': 'card', 'do': 'raw', 'body': '---\\nlicense: x\\n'}}");
  g_autofree char *unfinished = parley_hub_card (hub, "fixture/plain", NULL, NULL, NULL);
  CHECK_STR (unfinished, "---\nlicense: x\n");
}

static void
expect_error (ParleyHub *hub, const char *repo, int code, const char *word)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHubModel) model = parley_hub_details (hub, repo, NULL, NULL, &error);
  CHECK_MSG (!model, "%s", repo);
  CHECK_MSG (g_error_matches (error, PARLEY_HUB_ERROR, code), "%d: %s", error->code,
             error->message);
  CHECK_MSG (strstr (error->message, word), "%s", error->message);
}

static void
refusals_are_explained (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  expect_error (hub, "no/such", PARLEY_HUB_ERROR_NOT_FOUND, "signed in");
  expect_error (hub, "nonsense", PARLEY_HUB_ERROR_REFERENCE, "owner/name");
  parley_hub_set_token (hub, TOKEN);
  expect_error (hub, "no/such", PARLEY_HUB_ERROR_NOT_FOUND, "no/such does not exist");
  parley_hub_set_token (hub, "hf_wrong");
  expect_error (hub, "fixture/plain", PARLEY_HUB_ERROR_UNAUTHORISED, "access token");
  parley_hub_set_token (hub, NULL);

  g_autoptr (GError) error = NULL;
  CHECK (!parley_hub_details (hub, "fixture/plain", "v9", NULL, &error));
  CHECK (strstr (error->message, "no such revision"));

  static const struct {
    const char *fault;
    int code;
    const char *word;
  } faults[] = {
    { "'do': 'status', 'code': 429, 'headers': {'RateLimit': '\\\"api\\\";r=0;t=55'}",
      PARLEY_HUB_ERROR_RATE_LIMITED, "56 s" },
    { "'do': 'status', 'code': 429, 'headers': {'Retry-After': '1000000000'}",
      PARLEY_HUB_ERROR_RATE_LIMITED, "600 s" },
    { "'do': 'status', 'code': 500", PARLEY_HUB_ERROR_SERVER, "500" },
    { "'do': 'status', 'code': 418, 'body': {'error': 'short\\nand stout'}",
      PARLEY_HUB_ERROR_PROTOCOL, "short and stout" },
    { "'do': 'status', 'code': 403, 'headers': {'X-Error-Message': 'taken down'}",
      PARLEY_HUB_ERROR_FORBIDDEN, "taken down" },
    { "'do': 'raw', 'body': '<html>sign in</html>'", PARLEY_HUB_ERROR_PROTOCOL, "JSON" },
    { "'do': 'raw', 'body': ''", PARLEY_HUB_ERROR_PROTOCOL, "JSON" },
    { "'do': 'raw', 'body': '[]'", PARLEY_HUB_ERROR_PROTOCOL, "which version" },
    { "'do': 'raw', 'body': {'id': 3, 'sha': null, 'tags': {}, 'gguf': [], 'gated': 5}",
      PARLEY_HUB_ERROR_PROTOCOL, "which version" },
    { "'do': 'loop'", PARLEY_HUB_ERROR_PROTOCOL, "again and again" },
    { "'do': 'redirect', 'to': 'file:///etc/passwd'", PARLEY_HUB_ERROR_REFUSED, "not safe" },
    { "'do': 'redirect', 'to': 'ftp://example.org/x'", PARLEY_HUB_ERROR_REFUSED, "not safe" },
    { "'do': 'redirect', 'to': ''", PARLEY_HUB_ERROR_PROTOCOL, "again" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (faults); i++) {
    g_autofree char *command = g_strdup_printf (
        "{'reset': true, 'fault': {'on': 'info', 'times': -1, %s}}", faults[i].fault);
    printf ("# %s\n", faults[i].fault);
    standin_tell (command);
    expect_error (hub, "fixture/plain", faults[i].code, faults[i].word);
  }
}

static void
passing_trouble_is_repeated (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  standin_tell ("{'fault': {'on': 'info', 'do': 'status', 'code': 503, 'times': 2}}");
  g_autoptr (ParleyHubModel) model = details (hub, "fixture/plain");
  CHECK (standin_requests ("/revision/main", NULL) == 3);
}

static void
large_answers_end (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autofree char *large = g_strnfill (9 * 1024 * 1024, ' ');
  g_autofree char *command =
      g_strdup_printf ("{\"fault\": {\"on\": \"info\", \"do\": \"raw\", \"body\": \"%s\"}}", large);
  json_node_unref (standin_ask (command));
  expect_error (hub, "fixture/plain", PARLEY_HUB_ERROR_PROTOCOL, "larger than");
}

static void
the_local_network_is_closed_to_remote_hubs (void)
{
  g_autoptr (ParleyHub) bad = parley_hub_new_for_endpoint ("ftp://example.org", NULL);
  expect_error (bad, "a/b", PARLEY_HUB_ERROR_REFERENCE, "https://");
  g_autoptr (ParleyHub) worse = parley_hub_new_for_endpoint ("not an address", NULL);
  expect_error (worse, "a/b", PARLEY_HUB_ERROR_REFERENCE, "not an address");
  g_autoptr (ParleyHub) closed = parley_hub_new_for_endpoint ("http://127.0.0.1:1", NULL);
  _parley_hub_set_patience (closed, 1, 1);
  expect_error (closed, "a/b", PARLEY_HUB_ERROR_NETWORK, "network connection");
}

static void
on_found (GObject *hub, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) found = parley_hub_search_finish (PARLEY_HUB (hub), result, NULL, &error);
  *(int *) data = found                                                       ? (int) found->len
                  : g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? -2
                                                                              : -3;
}

static void
questions_do_not_block (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  int first = -1, second = -1;
  parley_hub_search_async (hub, "basalt", PARLEY_HUB_SORT_DOWNLOADS, NULL, 10, NULL, NULL, on_found,
                           &first);
  while (first == -1)
    g_main_context_iteration (NULL, TRUE);
  standin_tell ("{'fault': {'on': 'search', 'do': 'status', 'code': 503, 'times': -1}}");
  _parley_hub_set_patience (hub, 60000, 60);
  /* The second waits a minute to ask again: cancelling must end it at once. */
  parley_hub_search_async (hub, "heron", PARLEY_HUB_SORT_DOWNLOADS, NULL, 10, NULL, cancellable,
                           on_found, &second);
  g_usleep (100000);
  g_cancellable_cancel (cancellable);
  while (second == -1)
    g_main_context_iteration (NULL, TRUE);
  CHECK_MSG (second == -2, "%d", second);
}

static void
answers_to_another_token_are_not_kept (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  int found = -1;
  standin_tell ("{'fault': {'on': 'search', 'do': 'status', 'code': 503}}");
  _parley_hub_set_patience (hub, 300, 60);
  parley_hub_search_async (hub, "kestrel", PARLEY_HUB_SORT_DOWNLOADS, NULL, 20, NULL, NULL,
                           on_found, &found);
  while (standin_requests ("/api/models?", NULL) == 0)
    g_usleep (1000);
  parley_hub_set_token (hub, TOKEN); /* while it waits to ask again */
  while (found == -1)
    g_main_context_iteration (NULL, TRUE);
  CHECK_MSG (found == 2, "%d", found);
  guint asked = standin_requests ("/api/models?", NULL);
  g_autofree char *again = sift (hub, "kestrel", NULL);
  CHECK (standin_requests ("/api/models?", NULL) == asked + 1);
}

static void
headers_come_from_afar (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (TOKEN);
  g_autoptr (ParleyHubModel) model = details (hub, "northwind-labs/Kestrel-7B-Instruct-GGUF");
  g_autoptr (ParleyHubFile) file = parley_hub_model_choose (model, "Q4_K_M", NULL);
  g_autoptr (GError) error = NULL;
  guint64 size = 0;
  g_autoptr (GBytes) header = parley_hub_header (hub, file, 0, &size, NULL, &error);
  CHECK_MSG (header, "%s", error->message);
  CHECK (size == parley_hub_file_get_size (file) && size > 4000000000);
  CHECK (g_bytes_get_size (header) == 2 * 1024 * 1024);
  guint requests = standin_requests ("/bridge/", NULL);
  g_autoptr (GBytes) again = parley_hub_header (hub, file, 0, NULL, NULL, &error);
  CHECK (again && g_bytes_equal (header, again));
  CHECK (standin_requests ("/bridge/", NULL) == requests);
  /* A damaged copy in the cache is fetched anew. */
  g_autofree char *cached = g_strdup_printf ("%s/headers/%s", parley_cache_dir (),
                                             parley_hub_file_get_part (file, 0)->sha256);
  CHECK (g_file_set_contents (cached, "GGUF nonsense", -1, NULL));
  g_autoptr (GBytes) anew = parley_hub_header (hub, file, 0, NULL, NULL, &error);
  CHECK (anew && g_bytes_equal (header, anew));
  CHECK (standin_requests ("/bridge/", NULL) == requests + 1);
  CHECK (standin_count ("leaks") == 0 && standin_count ("unranged") == 0);

  /* More than one range: a vocabulary of 128256 words. */
  g_autoptr (ParleyHubModel) large = details (hub, "open-meadow/Larch-8B-Instruct-GGUF");
  g_autoptr (ParleyHubFile) other = parley_hub_model_choose (large, "Q8_0", NULL);
  g_autoptr (GBytes) longer = parley_hub_header (hub, other, 0, &size, NULL, &error);
  CHECK_MSG (longer, "%s", error->message);
  CHECK (g_bytes_get_size (longer) > 2 * 1024 * 1024);
  struct pe_gguf *opened = NULL;
  struct pe_error problem = { 0 };
  uint32_t n_layers = 0;
  gsize n;
  const void *bytes = g_bytes_get_data (longer, &n);
  CHECK_MSG (pe_gguf_parse (bytes, n, size, &opened, &problem), "%s", problem.message);
  CHECK (pe_gguf_u32 (opened, "llama.block_count", &n_layers) && n_layers == 32);
  CHECK (pe_gguf_tensor (opened, "output.weight") && opened->n_tensors == 32 * 9 + 3);
  pe_gguf_free (opened);
}

/* The first part alone has the metadata, but only some of the tensors. */
static void
headers_of_parts_become_one (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (TOKEN);
  g_autoptr (ParleyHubModel) model = details (hub, "fixture/sharded");
  g_autoptr (ParleyHubFile) file = parley_hub_model_choose (model, "F32", NULL);
  g_autoptr (GError) error = NULL;
  guint64 size = 0, last_size = 0;
  g_autoptr (GBytes) header = parley_hub_header (hub, file, 0, &size, NULL, &error);
  CHECK_MSG (header, "%s", error->message);
  CHECK (size == parley_hub_file_get_size (file));
  g_autoptr (GBytes) last = parley_hub_header (hub, file, 3, &last_size, NULL, &error);
  CHECK_MSG (last, "%s", error->message);
  CHECK (last_size == parley_hub_file_get_part (file, 2)->size);
  struct pe_gguf *whole = NULL, *part = NULL;
  struct pe_error problem = { 0 };
  gsize n;
  const void *bytes = g_bytes_get_data (header, &n);
  CHECK_MSG (pe_gguf_parse (bytes, n, size, &whole, &problem), "%s", problem.message);
  bytes = g_bytes_get_data (last, &n);
  CHECK_MSG (pe_gguf_parse (bytes, n, last_size, &part, &problem), "%s", problem.message);
  uint32_t announced = 0;
  CHECK (pe_gguf_u32 (whole, "split.tensors.count", &announced) && announced == 2 * 9 + 3);
  CHECK (whole->n_tensors == announced && part->n_tensors > 0 && part->n_tensors < announced);
  const struct pe_gguf_tensor *here = pe_gguf_tensor (whole, "output.weight");
  const struct pe_gguf_tensor *there = pe_gguf_tensor (part, "output.weight");
  CHECK (here && there && here->n_bytes == there->n_bytes && here->offset > there->offset);
  CHECK (memcmp (here->shape, there->shape, sizeof here->shape) == 0);
  pe_gguf_free (whole);
  pe_gguf_free (part);
  struct pe_model *opened = NULL;
  bytes = g_bytes_get_data (header, &n);
  CHECK_MSG (pe_model_open_header (bytes, n, size, "big", &opened, &problem), "%s",
             problem.message);
  bool good = pe_model_can_compute (opened, &problem);
  pe_model_close (opened);
  CHECK_MSG (good, "%s", problem.message);

  /* Where a part is missing there is nothing to look into, nor where one is of another model. */
  g_autoptr (ParleyHubFile) half = parley_hub_model_choose (model, "Q8_0", NULL);
  CHECK (!parley_hub_header (hub, half, 0, NULL, NULL, &error));
  CHECK_MSG (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND), "%s",
             error->message);
  ParleyHubPart parts[3];
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    parts[i] = *parley_hub_file_get_part (file, i == 2 ? 1 : i);
  g_autofree char *path = g_strdup (parts[2].path);
  parts[2].path = path;
  g_autoptr (ParleyHubFile) mixed =
      parley_hub_file_new (parley_hub_file_get_repo (file), parley_hub_file_get_commit (file),
                           PARLEY_HUB_FILE_MODEL, parts, G_N_ELEMENTS (parts));
  g_clear_error (&error);
  CHECK (!parley_hub_header (hub, mixed, 0, NULL, NULL, &error));
  CHECK_MSG (strstr (error->message, "Part 3 of"), "%s", error->message);
}

/* Whether the engine could run what this is the header of; its tensors are in *gguf. */
static bool
parse_header (GBytes *header, guint64 size, struct pe_gguf **gguf)
{
  struct pe_error problem = { 0 };
  struct pe_model *model = NULL;
  gsize n;
  const void *bytes = g_bytes_get_data (header, &n);
  CHECK_MSG (pe_gguf_parse (bytes, n, size, gguf, &problem), "%s", problem.message);
  CHECK_MSG (pe_model_open_header (bytes, n, size, "big", &model, &problem), "%s", problem.message);
  bool good = pe_model_can_compute (model, &problem);
  pe_model_close (model);
  return good;
}

/* What a split model would do is shown from its first part; the others are not asked for. */
static void
the_first_part_tells_enough (void)
{
  static const struct {
    const char *quantisation;
    guint n_parts;
  } files[] = { { "Q8_0", 3 }, { "Q4_K_M", 2 } };
  g_autoptr (ParleyHub) hub = standin_hub_new (TOKEN);
  g_autoptr (ParleyHubModel) model = details (hub, "quarry/Basalt-70B-GGUF");
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (ParleyHubFile) file = parley_hub_model_choose (model, files[i].quantisation, &error);
    guint64 size = 0, known_size = 0;
    struct pe_gguf *outline = NULL, *known = NULL;
    CHECK (file && parley_hub_file_get_n_parts (file) == files[i].n_parts);
    standin_tell ("{'reset': true}");
    g_autoptr (GBytes) header = parley_hub_outline (hub, file, &size, NULL, &error);
    CHECK_MSG (header, "%s", error->message);
    CHECK (standin_requests ("-00001-of-", NULL) > 0);
    CHECK (standin_requests ("-00002-of-", NULL) + standin_requests ("-00003-of-", NULL) == 0);
    CHECK (parse_header (header, size, &outline));
    CHECK_MSG (outline->n_tensors == 80 * 9 + 3, "%zu", outline->n_tensors);

    g_autoptr (GBytes) whole = parley_hub_header (hub, file, 0, &known_size, NULL, &error);
    CHECK_MSG (whole, "%s", error->message);
    CHECK (parse_header (whole, known_size, &known));
    for (gsize k = 0; k < known->n_tensors; k++) {
      g_autofree char *name = g_strndup (known->tensors[k].name.data, known->tensors[k].name.n);
      const struct pe_gguf_tensor *guessed = pe_gguf_tensor (outline, name);
      CHECK_MSG (guessed, "%s", name);
      CHECK_MSG (memcmp (guessed->shape, known->tensors[k].shape, sizeof guessed->shape) == 0, "%s",
                 name);
    }
    guint64 off = MAX (size, known_size) - MIN (size, known_size);
    CHECK_MSG (off <= known_size / 100, "%" G_GUINT64_FORMAT, off);
    pe_gguf_free (outline);
    pe_gguf_free (known);
  }

  /* Where it does not, all parts are looked into. */
  g_autoptr (ParleyHubModel) small = details (hub, "fixture/sharded");
  g_autoptr (ParleyHubFile) parts = parley_hub_model_choose (small, "F32", NULL);
  g_autoptr (GError) error = NULL;
  guint64 size = 0;
  g_autoptr (GBytes) asked = parley_hub_outline (hub, parts, &size, NULL, &error);
  CHECK_MSG (asked && size == parley_hub_file_get_size (parts), "%s", error ? error->message : "");
  g_autoptr (GBytes) joint = parley_hub_header (hub, parts, 0, NULL, NULL, NULL);
  CHECK (joint && g_bytes_equal (asked, joint));
  g_autoptr (ParleyHubFile) half = parley_hub_model_choose (small, "Q8_0", NULL);
  CHECK (!parley_hub_outline (hub, half, NULL, NULL, &error));
  CHECK (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND));
}

static void
changed_headers_have_no_outline_or_a_bounded_one (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (TOKEN);
  g_autoptr (ParleyHubModel) model = details (hub, "quarry/Basalt-70B-GGUF");
  g_autoptr (ParleyHubFile) file = parley_hub_model_choose (model, "Q4_K_M", NULL);
  g_autoptr (GBytes) header = parley_hub_header (hub, file, 1, NULL, NULL, NULL);
  guint64 size = parley_hub_file_get_part (file, 0)->size, all = parley_hub_file_get_size (file);
  gsize n;
  const guint8 *bytes = g_bytes_get_data (header, &n);
  struct pe_gguf *gguf = NULL;
  struct pe_error problem = { 0 };
  CHECK (pe_gguf_parse (bytes, n, size, &gguf, &problem));
  guint64 table = gguf->tensors[0].info_offset, length = gguf->header_bytes - table;
  pe_gguf_free (gguf);
  guint n_outlines = 0;
  for (guint i = 0; i < 300; i++) {
    g_autofree guint8 *changed = g_memdup2 (bytes, n);
    for (guint k = 0; k <= i % 3; k++)
      changed[table + ((guint64) i * 7919 + k * 104729) % length] ^= (guint8) (1 << (i + k) % 8);
    g_autoptr (GBytes) input = g_bytes_new_static (changed, n);
    guint64 outline_size = 0;
    g_autoptr (GBytes) outline = parley_outline_header (input, size, all, &outline_size);
    n_outlines += outline != NULL;
    CHECK (!outline || (g_bytes_get_size (outline) < 2 * n && outline_size < all / 10 * 12));
  }
  CHECK_MSG (n_outlines > 0 && n_outlines < 300, "%u", n_outlines);
  g_autoptr (GBytes) cut = g_bytes_new_from_bytes (header, 0, table);
  guint64 unused;
  CHECK (!parley_outline_header (cut, size, all, &unused));
  CHECK (!parley_outline_header (header, size, all / 2, &unused)); /* it does not add up */
}

static void
bad_headers_are_refused (void)
{
  g_autoptr (ParleyHub) hub = standin_hub_new (NULL);
  g_autoptr (ParleyHubModel) model = details (hub, "fixture/broken");
  GListModel *files = parley_hub_model_get_files (model);
  CHECK (g_list_model_get_n_items (files) == 2);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (ParleyHubFile) file = g_list_model_get_item (files, i);
    g_autoptr (GError) error = NULL;
    CHECK (!parley_hub_header (hub, file, 0, NULL, NULL, &error));
    CHECK_MSG (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL), "%s",
               error->message);
    CHECK (strstr (error->message, parley_hub_file_get_path (file)));
  }
  g_autoptr (ParleyHubModel) plain = details (hub, "fixture/plain");
  g_autoptr (ParleyHubFile) file = parley_hub_model_choose (plain, "Q8_0", NULL);
  static const char *const faults[] = { "ignore-range", "wrong-start", "wrong-unit", "multipart",
                                        "long" };
  for (size_t i = 0; i < G_N_ELEMENTS (faults); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *command = g_strdup_printf (
        "{'reset': true, 'fault': {'on': 'cdn', 'do': '%s', 'times': -1}}", faults[i]);
    standin_tell (command);
    g_autoptr (GBytes) header = parley_hub_header (hub, file, 0, NULL, NULL, &error);
    if (strcmp (faults[i], "long") == 0) /* what follows the announced length is never read */
      CHECK_MSG (header, "%s", error->message);
    else
      CHECK_MSG (!header && error, "%s", faults[i]);
  }
}

int
main (void)
{
  g_autofree char *cache = g_dir_make_tmp ("parley-hub-XXXXXX", NULL);
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_setenv ("GIO_USE_PROXY_RESOLVER", "test-desktop", TRUE);
  g_vfs_get_default (); /* makes the extension point of resolvers */
  g_type_ensure (TYPE_DESKTOP);
  standin_start (NULL);
  RUN (search_finds_and_sorts);
  RUN (pages_follow_the_cursor);
  RUN (searches_are_sifted);
  RUN (searches_are_kept_for_a_while);
  RUN (one_repository_is_looked_up);
  RUN (offline_asks_nobody);
  RUN (tokens_belong_to_somebody);
  RUN (the_proxy_of_the_desktop_is_used);
  RUN (a_tunnel_is_no_answer);
  RUN (files_are_grouped);
  RUN (a_file_is_chosen);
  RUN (hostile_listings_leave_only_good_files);
  RUN (long_trees_come_in_pages);
  RUN (renamed_repositories_are_followed);
  RUN (cards_are_text);
  RUN (refusals_are_explained);
  RUN (passing_trouble_is_repeated);
  RUN (large_answers_end);
  RUN (the_local_network_is_closed_to_remote_hubs);
  RUN (questions_do_not_block);
  RUN (answers_to_another_token_are_not_kept);
  RUN (headers_come_from_afar);
  RUN (headers_of_parts_become_one);
  RUN (the_first_part_tells_enough);
  RUN (changed_headers_have_no_outline_or_a_bounded_one);
  RUN (bad_headers_are_refused);
  standin_stop ();
  remove_tree (cache);
  return test_done ();
}
