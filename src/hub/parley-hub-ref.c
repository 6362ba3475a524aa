/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/parley-hub-ref.h"
#include "hub/names.h"
#include "hub/parley-hub-error.h"
#include "hub/url.h"

#include <glib/gi18n.h>
#include <string.h>

void
parley_hub_ref_free (ParleyHubRef *ref)
{
  if (!ref)
    return;
  g_free (ref->repo);
  g_free (ref->revision);
  g_free (ref->quantisation);
  g_free (ref->file);
  g_free (ref);
}

/* TRUE for the addresses of a hub; *path then receives what follows its own address. */
static gboolean
is_hub_address (const ParleyUrl *url, const char *endpoint, const char **path)
{
  const char *rest = url->path;
  g_autoptr (ParleyUrl) hub = endpoint ? parley_url_parse (endpoint, NULL, NULL) : NULL;
  gboolean known = strcmp (url->host, "huggingface.co") == 0 || strcmp (url->host, "hf.co") == 0 ||
                   strcmp (url->host, "www.huggingface.co") == 0;
  if (hub && parley_url_same_origin (hub, url)) {
    known = TRUE;
    if (strcmp (hub->path, "/") != 0 && g_str_has_prefix (rest, hub->path))
      rest += strlen (hub->path);
  }
  while (*rest == '/')
    rest++;
  *path = rest;
  return known;
}

static gboolean
is_revision (const char *text)
{
  gsize n = strlen (text);
  for (gsize i = 0; i < n; i++)
    if (!g_ascii_isalnum (text[i]) && !strchr ("._-/", text[i]))
      return FALSE;
  return n > 0 && n <= 100 && !strstr (text, "..");
}

static gboolean
is_quantisation (const char *text)
{
  gsize n = strlen (text);
  for (gsize i = 0; i < n; i++)
    if (!g_ascii_isalnum (text[i]) && !strchr ("._-", text[i]))
      return FALSE;
  return n > 0 && n <= 40;
}

/* Where a short form may begin with the name of the hub, as browsers that hide the scheme copy it.
 */
static gboolean
begins_with_host (const char *text)
{
  return g_str_has_prefix (text, "hf.co/") || g_str_has_prefix (text, "huggingface.co/") ||
         g_str_has_prefix (text, "www.huggingface.co/");
}

gboolean
parley_hub_ref_is_clear (const char *text)
{
  return strchr (text, ':') != NULL || begins_with_host (text);
}

/* `rest`: what follows "org/name" in an address or a short form, without its leading '/'.
 * `is_short`: a path of a file may follow directly, "hf.co/org/name/file.gguf". */
static gboolean
read_rest (ParleyHubRef *ref, const char *rest, gboolean is_address, gboolean is_short)
{
  g_auto (GStrv) words = g_strsplit (rest, "/", 3);
  guint n = g_strv_length (words);
  gboolean is_verb =
      n > 0 && (strcmp (words[0], "resolve") == 0 || strcmp (words[0], "blob") == 0 ||
                strcmp (words[0], "tree") == 0 || strcmp (words[0], "raw") == 0);
  if (is_address && n > 0 && *words[0] && !is_verb && !is_short)
    return FALSE;
  if (!is_address || (is_short && !is_verb)) {
    ref->file = *rest ? g_strdup (rest) : NULL;
    return TRUE;
  }
  if (n >= 2)
    ref->revision = g_uri_unescape_string (words[1], NULL);
  if (n == 3 && *words[2] && strcmp (words[0], "tree") != 0)
    ref->file = g_uri_unescape_string (words[2], NULL);
  return (n < 2 || ref->revision) && (n < 3 || !*words[2] || ref->file || *words[0] == 't');
}

static ParleyHubRef *
read_ref (const char *text, const char *endpoint)
{
  g_autoptr (ParleyHubRef) ref = g_new0 (ParleyHubRef, 1);
  g_autoptr (ParleyUrl) url = NULL;
  const char *path = text;
  gboolean is_short = begins_with_host (text);
  gboolean is_address = is_short || strstr (text, "://") != NULL;
  if (is_address) {
    g_autofree char *full = g_strconcat (is_short ? "https://" : "", text, NULL);
    url = parley_url_parse (full, NULL, NULL);
    if (!url || !is_hub_address (url, endpoint, &path))
      return NULL;
  }
  const char *slash = strchr (path, '/');
  if (!slash)
    return NULL;
  gsize half = strcspn (slash + 1, "/:@");
  ref->repo = g_strndup (path, (gsize) (slash - path) + 1 + half);
  const char *rest = slash + 1 + half;
  if (*rest == '@') {
    gsize n = strcspn (++rest, ":");
    ref->revision = g_strndup (rest, n);
    rest += n;
  }
  if (*rest == ':') {
    ref->quantisation = g_strdup (rest + 1);
    rest = "";
  }
  if (*rest == '/' && !read_rest (ref, rest + 1, is_address, is_short))
    return NULL;
  if (!parley_name_check_repo (ref->repo, NULL) ||
      (ref->revision && !is_revision (ref->revision)) ||
      (ref->quantisation && !is_quantisation (ref->quantisation)) ||
      (ref->file && !parley_name_check_path (ref->file, NULL)))
    return NULL;
  return g_steal_pointer (&ref);
}

ParleyHubRef *
parley_hub_ref_parse (const char *text, const char *endpoint, GError **error)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  ParleyHubRef *ref = g_utf8_validate (trimmed, -1, NULL) ? read_ref (trimmed, endpoint) : NULL;
  if (!ref) {
    g_autofree char *shown = parley_name_for_display (trimmed, 200);
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFERENCE,
                 _ ("“%s” names no repository. Write owner/name, owner/name:Q4_K_M, "
                    "owner/name/file.gguf, or the address of its page"),
                 shown);
  }
  return ref;
}
