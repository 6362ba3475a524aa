/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-link.h"

#include <gio/gio.h>
#include <string.h>

#define LONGEST 4096 /* bytes of an address that may be opened */

static gboolean
is_web (const char *target)
{
  return g_ascii_strncasecmp (target, "http://", 7) == 0 ||
         g_ascii_strncasecmp (target, "https://", 8) == 0;
}

static gboolean
is_mail (const char *target)
{
  return g_ascii_strncasecmp (target, "mailto:", 7) == 0;
}

/* Where user, host and port stand in a web address. A backslash ends them, as in browsers. */
static void
find_authority (const char *target, const char **start, const char **end)
{
  *start = strstr (target, "://") + 3;
  *end = *start + strcspn (*start, "/\\?#");
}

/* The host alone; FALSE: there is none. */
static gboolean
find_host (const char *target, const char **start, const char **end)
{
  const char *from, *to;

  if (is_mail (target)) {
    from = target + strlen ("mailto:");
    to = from + strcspn (from, "?,;");
    const char *at = g_strrstr_len (from, to - from, "@");
    if (at == NULL)
      return FALSE;
    from = at + 1;
  } else if (is_web (target)) {
    find_authority (target, &from, &to);
    const char *at = g_strrstr_len (from, to - from, "@");
    if (at != NULL)
      from = at + 1;
    const char *port = memchr (from, ']', (gsize) (to - from)); /* of an IPv6 address */
    port = memchr (port != NULL ? port : from, ':', (gsize) (to - (port != NULL ? port : from)));
    if (port != NULL)
      to = port;
  } else
    return FALSE;
  *start = from;
  *end = to;
  return to > from;
}

gboolean
parley_link_is_safe (const char *target)
{
  const char *start, *end;

  if (target == NULL || strlen (target) > LONGEST || !g_utf8_validate (target, -1, NULL))
    return FALSE;
  for (const char *c = target; *c != '\0'; c++)
    if ((guchar) *c < 0x21 || *c == 0x7f)
      return FALSE;
  if (is_mail (target))
    return TRUE;
  if (!is_web (target) || !find_host (target, &start, &end))
    return FALSE;
  g_autofree char *host = parley_link_get_host (target);
  find_authority (target, &start, &end);
  return host != NULL && memchr (start, '@', (gsize) (end - start)) == NULL;
}

char *
parley_link_get_host (const char *target)
{
  const char *start, *end;

  if (target == NULL || !find_host (target, &start, &end))
    return NULL;
  g_autofree char *host = g_utf8_make_valid (start, end - start);
  return g_hostname_to_ascii (host);
}

static gboolean
is_plain (gunichar c)
{
  return c > 0x20 && c != 0x7f && g_unichar_isgraph (c) && g_unichar_type (c) != G_UNICODE_FORMAT &&
         !(c >= 0x115f && c <= 0x1160) && c != 0x3164 && c != 0xffa0 && c != 0x2800 /* blanks */;
}

static void
append_plain (GString *out, const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    const char *next = g_utf8_next_char (p);
    if (is_plain (g_utf8_get_char (p)))
      g_string_append_len (out, p, next - p);
    else
      for (const char *byte = p; byte < next; byte++)
        g_string_append_printf (out, "%%%02X", (guchar) *byte);
  }
}

char *
parley_link_for_display (const char *target)
{
  g_autofree char *valid = g_utf8_make_valid (target, -1);
  g_autofree char *host = parley_link_get_host (valid);
  GString *out = g_string_new (NULL);
  const char *start, *end;

  if (host == NULL) {
    append_plain (out, valid);
    return g_string_free (out, FALSE);
  }
  find_host (valid, &start, &end);
  g_autofree char *before = g_strndup (valid, (gsize) (start - valid));
  append_plain (out, before);
  append_plain (out, host);
  append_plain (out, end);
  return g_string_free (out, FALSE);
}
