/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/url.h"

#include <curl/curl.h>
#include <gio/gio.h>
#include <string.h>

/* NULL when the address has no such part. */
static char *
url_part (CURLU *handle, CURLUPart part, unsigned flags)
{
  char *text = NULL;
  if (curl_url_get (handle, part, &text, flags) != CURLUE_OK)
    return NULL;
  char *copy = g_strdup (text);
  curl_free (text);
  return copy;
}

ParleyUrl *
parley_url_parse (const char *text, const char *base, char **absolute)
{
  CURLU *handle = curl_url ();
  g_autoptr (ParleyUrl) url = g_new0 (ParleyUrl, 1);
  if (handle && (!base || curl_url_set (handle, CURLUPART_URL, base, 0) == CURLUE_OK) &&
      curl_url_set (handle, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE) ==
          CURLUE_OK) {
    g_autofree char *user = url_part (handle, CURLUPART_USER, 0);
    g_autofree char *scheme = url_part (handle, CURLUPART_SCHEME, 0);
    g_autofree char *host = url_part (handle, CURLUPART_HOST, 0);
    if (!user && scheme && host && *host) {
      url->scheme = g_ascii_strdown (scheme, -1);
      url->host = g_ascii_strdown (host, -1);
      url->port = url_part (handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
      url->path = url_part (handle, CURLUPART_PATH, 0);
      url->query = url_part (handle, CURLUPART_QUERY, 0);
      if (absolute)
        *absolute = url_part (handle, CURLUPART_URL, 0);
    }
  }
  curl_url_cleanup (handle);
  return url->host && url->port && url->path ? g_steal_pointer (&url) : NULL;
}

void
parley_url_free (ParleyUrl *url)
{
  if (!url)
    return;
  g_free (url->scheme);
  g_free (url->host);
  g_free (url->port);
  g_free (url->path);
  g_free (url->query);
  g_free (url);
}

gboolean
parley_url_same_origin (const ParleyUrl *a, const ParleyUrl *b)
{
  return strcmp (a->scheme, b->scheme) == 0 && strcmp (a->host, b->host) == 0 &&
         strcmp (a->port, b->port) == 0;
}

gboolean
parley_url_is_local (const ParleyUrl *url)
{
  gsize n = strlen (url->host);
  g_autofree char *bare =
      url->host[0] == '[' && n > 2 ? g_strndup (url->host + 1, n - 2) : g_strdup (url->host);
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (bare);
  if (!address)
    return strcmp (bare, "localhost") == 0 || g_str_has_suffix (bare, ".localhost");
  const guint8 *bytes = g_inet_address_to_bytes (address);
  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6) {
    /* ::ffff:a.b.c.d is an IPv4 address; fc00::/7 is private. */
    static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };
    if (memcmp (bytes, mapped, sizeof mapped) == 0) {
      g_autoptr (GInetAddress) inner =
          g_inet_address_new_from_bytes (bytes + 12, G_SOCKET_FAMILY_IPV4);
      return g_inet_address_get_is_loopback (inner) || g_inet_address_get_is_any (inner) ||
             g_inet_address_get_is_link_local (inner) || g_inet_address_get_is_site_local (inner);
    }
    if ((bytes[0] & 0xfe) == 0xfc)
      return TRUE;
  }
  return g_inet_address_get_is_loopback (address) || g_inet_address_get_is_any (address) ||
         g_inet_address_get_is_link_local (address) || g_inet_address_get_is_site_local (address);
}
