/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The answers of a hub that mean no, in words; and the headers that take some reading.
 */
#include "hub/http-private.h"
#include "hub/json.h"
#include "hub/names.h"

#include <glib/gi18n.h>
#include <string.h>

#define MAX_WAIT_SECONDS 600

static const char *
header (const ParleyHttpResponse *response, const char *name)
{
  const char *value = response->headers ? g_hash_table_lookup (response->headers, name) : NULL;
  return value ? value : "";
}

/* A decimal number below 10^15 and nothing else up to `end`. */
static gboolean
read_decimal (const char **p, guint64 *out)
{
  const char *q = *p;
  guint64 value = 0;
  while (g_ascii_isdigit (*q) && q - *p < 15)
    value = value * 10 + (guint64) (*q++ - '0');
  if (q == *p || g_ascii_isdigit (*q))
    return FALSE;
  *p = q;
  *out = value;
  return TRUE;
}

/* Retry-After in seconds, or RateLimit: "api";r=0;t=55. */
static guint
read_wait (const ParleyHttpResponse *response)
{
  guint64 seconds = 0;
  const char *p = header (response, "retry-after");
  const char *limit = header (response, "ratelimit");
  const char *t = strstr (limit, ";t=");
  if (g_ascii_isdigit (*p)) {
    if (!read_decimal (&p, &seconds))
      seconds = MAX_WAIT_SECONDS;
  } else if (t && strstr (limit, ";r=0")) {
    t += 3;
    if (read_decimal (&t, &seconds))
      seconds++;
  }
  return (guint) MIN (seconds, MAX_WAIT_SECONDS);
}

/* What the server says went wrong, cleaned; "" when it says nothing of use. */
static char *
server_words (const ParleyHttpResponse *response)
{
  const char *text = header (response, "x-error-message");
  g_autoptr (JsonNode) node = NULL;
  if (!*text && response->body && response->body->len > 0) {
    node = parley_json_read ((const char *) response->body->data, response->body->len, "", NULL);
    JsonObject *object = parley_json_as_object (node);
    text = parley_json_string (object, "error");
    JsonArray *errors = parley_json_array (object, "errors");
    if (!*text && errors && json_array_get_length (errors) > 0)
      text = parley_json_string (parley_json_as_object (json_array_get_element (errors, 0)),
                                 "message");
  }
  return g_strstrip (parley_name_for_display (text, 300));
}

void
parley_http_set_status_error (ParleyHttpResponse *response, const char *what, gboolean has_token,
                              GError **error)
{
  const char *code = header (response, "x-error-code");
  g_autofree char *words = server_words (response);
  g_autofree char *says = *words ? g_strdup_printf (" The hub says: %s", words) : g_strdup ("");
  response->retry_after = read_wait (response);
  int status = response->status;

  if ((status == 401 || status == 403) && strcmp (code, "GatedRepo") == 0)
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_GATED,
                 has_token
                     ? _ ("%s asks you to accept its terms. Open its page, accept them with the "
                          "account that your access token belongs to, then try again")
                     : _ ("%s asks you to accept its terms. Open its page and accept them, then "
                          "set an access token of your account (HF_TOKEN) and try again"),
                 what);
  else if (status == 401 && strcmp (code, "RepoNotFound") != 0 && has_token)
    g_set_error (
        error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_UNAUTHORISED,
        _ ("The hub refuses the access token. Set a valid one, or none for public models.%s"),
        says);
  else if (status == 401)
    g_set_error (
        error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND,
        _ ("%s does not exist, or is open only to people who are signed in. Check the name, "
           "or set an access token (HF_TOKEN)"),
        what);
  else if (status == 403)
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_FORBIDDEN,
                 _ ("Access to %s is closed.%s Open its page in a browser to see why"), what, says);
  else if (status == 404 && strcmp (code, "RevisionNotFound") == 0)
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND,
                 _ ("%s has no such revision. Leave the revision out to get the current one"),
                 what);
  else if (status == 404 && strcmp (code, "EntryNotFound") == 0)
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND,
                 _ ("%s is not there any more. Look at the repository's files again"), what);
  else if (status == 404 || status == 410)
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND,
                 _ ("%s does not exist on this hub. Check the name"), what);
  else if (status == 416)
    g_set_error (
        error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_CHANGED,
        _ ("%s is shorter on the server than it was when it was chosen. Remove the download "
           "and choose the file again"),
        what);
  else if (status == 429 && response->retry_after > 0)
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_RATE_LIMITED,
                 _ ("The hub asks for a pause of %u s: too many requests came from here"),
                 response->retry_after);
  else if (status == 429)
    g_set_error_literal (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_RATE_LIMITED,
                         _ ("The hub asks for a pause: too many requests came from here"));
  else if (status == 408 || status >= 500)
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_SERVER,
                 _ ("The server has trouble of its own (status %d) with %s. Try again later"),
                 status, what);
  else
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("The server answered %s with status %d, which makes no sense here.%s"), what,
                 status, says);
}

gboolean
parley_http_content_range (const ParleyHttpResponse *response, guint64 *first, guint64 *last,
                           guint64 *total)
{
  const char *p = header (response, "content-range");
  if (g_ascii_strncasecmp (p, "bytes ", 6) != 0)
    return FALSE;
  p += 6;
  return read_decimal (&p, first) && *p++ == '-' && read_decimal (&p, last) && *p++ == '/' &&
         read_decimal (&p, total) && *p == '\0' && *first <= *last && *last < *total;
}

char *
parley_http_next_link (const ParleyHttpResponse *response)
{
  const char *p = header (response, "link");
  while ((p = strchr (p, '<'))) {
    const char *end = strchr (p, '>');
    if (!end)
      return NULL;
    const char *next = strchr (end, '<');
    g_autofree char *parameters = g_strndup (end, next ? (gsize) (next - end) : strlen (end));
    if (strstr (parameters, "rel=\"next\"") || strstr (parameters, "rel=next"))
      return g_strndup (p + 1, (gsize) (end - p - 1));
    p = end;
  }
  return NULL;
}
