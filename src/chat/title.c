/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/title.h"

#include <string.h>

#define MAX_CHARS 60

/* The first line that says something: no fence of a code block, no rule. */
static char *
first_line (const char *text)
{
  g_auto (GStrv) lines = g_strsplit_set (text, "\r\n", 64);
  for (char **line = lines; *line; line++) {
    const char *start = *line + strspn (*line, " \t#>*-+`~=_|");
    if (*start && !g_str_has_prefix (g_strchug (*line), "```"))
      return g_strdup (start);
  }
  return g_strdup ("");
}

/* `n`: characters before it. */
static gboolean
ends_sentence (const char *p, glong n)
{
  gunichar c = g_utf8_get_char (p);
  if (c == 0x3002 || c == 0xff01 || c == 0xff1f)
    return n >= 2;
  /* "e.g. this": too early to be a sentence. */
  return n >= 8 && c < 0x80 && strchr (".?!", (int) c) && (p[1] == 0 || p[1] == ' ');
}

char *
parley_title_from_text (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autofree char *line = first_line (valid);
  const char *end = line, *word = NULL;
  glong n = 0;
  for (; *end && n < MAX_CHARS; end = g_utf8_next_char (end), n++) {
    if (g_unichar_isspace (g_utf8_get_char (end)))
      word = end;
    if (ends_sentence (end, n)) {
      end = g_utf8_next_char (end);
      return g_strndup (line, (gsize) (end - line) - (end[-1] == '.'));
    }
  }
  if (*end == 0) {
    g_strchomp (line);
    gsize length = strlen (line);
    while (length > 0 && strchr (".,:;`*_ ", line[length - 1]))
      line[--length] = 0;
    return g_steal_pointer (&line);
  }
  g_autofree char *cut = g_strndup (line, (gsize) ((word ? word : end) - line));
  return g_strconcat (cut, "…", NULL);
}
