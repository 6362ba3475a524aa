/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/names.h"
#include "hub/parley-hub-error.h"

#include <glib/gi18n.h>
#include <string.h>

#define MAX_COMPONENT_BYTES 200 /* leaves room for ".part.json" below the usual 255 */
#define MAX_COMPONENTS      16
#define MAX_REPO_HALF       96
#define MAX_SHARDS          1000

/* Characters that turn the direction of text, or that nobody sees. */
static gboolean
is_deceptive (gunichar c)
{
  return (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x2069) || c == 0x061C || c == 0xFEFF || c == 0x2028 || c == 0x2029;
}

static gboolean
is_control (gunichar c)
{
  return c < 0x20 || (c >= 0x7F && c <= 0x9F);
}

static gboolean
is_repo_half (const char *text, gsize n)
{
  if (n == 0 || n > MAX_REPO_HALF || text[0] == '.' || text[0] == '-' || text[n - 1] == '.')
    return FALSE;
  for (gsize i = 0; i < n; i++)
    if (!g_ascii_isalnum (text[i]) && text[i] != '.' && text[i] != '_' && text[i] != '-')
      return FALSE;
  return TRUE;
}

gboolean
parley_name_check_repo (const char *repo, GError **error)
{
  const char *slash = strchr (repo, '/');
  if (slash && is_repo_half (repo, (gsize) (slash - repo)) &&
      is_repo_half (slash + 1, strlen (slash + 1)))
    return TRUE;
  g_autofree char *shown = parley_name_for_display (repo, 200);
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFERENCE,
               _ ("“%s” is not the name of a repository; those look like “owner/name”"), shown);
  return FALSE;
}

/* Names that Windows gives to devices, whatever follows the first dot. */
static gboolean
is_device_name (const char *component, gsize n)
{
  static const char *const names[] = { "con", "prn", "aux", "nul", "conin$", "conout$" };
  gsize stem = strcspn (component, ".");
  stem = MIN (stem, n);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (strlen (names[i]) == stem && g_ascii_strncasecmp (component, names[i], stem) == 0)
      return TRUE;
  return stem == 4 && g_ascii_isdigit (component[3]) && component[3] != '0' &&
         (g_ascii_strncasecmp (component, "com", 3) == 0 ||
          g_ascii_strncasecmp (component, "lpt", 3) == 0);
}

static gboolean
ends_with (const char *text, gsize n, const char *end)
{
  gsize m = strlen (end);
  return n >= m && g_ascii_strncasecmp (text + n - m, end, m) == 0;
}

static gboolean
is_component (const char *text, gsize n)
{
  if (n == 0 || n > MAX_COMPONENT_BYTES || text[0] == '.' || text[n - 1] == '.' || text[0] == ' ' ||
      text[n - 1] == ' ' || is_device_name (text, n))
    return FALSE;
  for (const char *p = text; p < text + n; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (is_control (c) || is_deceptive (c) || (c < 0x80 && strchr ("\\:*?\"<>|", (int) c)))
      return FALSE;
  }
  return !ends_with (text, n, ".part") && !ends_with (text, n, ".part.json") &&
         !ends_with (text, n, ".part.lock") && !ends_with (text, n, ".part.wish");
}

gboolean
parley_name_check_path (const char *path, GError **error)
{
  gsize n_components = 0;
  gboolean good = g_utf8_validate (path, -1, NULL);
  for (const char *p = path; good;) {
    gsize n = strcspn (p, "/");
    good = is_component (p, n) && ++n_components <= MAX_COMPONENTS;
    if (p[n] == '\0')
      break;
    p += n + 1;
  }
  if (good)
    return TRUE;
  g_autofree char *shown = parley_name_for_display (path, 200);
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFUSED,
               _ ("The repository names a file “%s”, which is not a safe name for a file here"),
               shown);
  return FALSE;
}

char *
parley_name_collision_key (const char *path)
{
  g_autofree char *folded = g_utf8_casefold (path, -1);
  char *key = g_utf8_normalize (folded, -1, G_NORMALIZE_ALL_COMPOSE);
  return key ? key : g_steal_pointer (&folded);
}

char *
parley_name_quantisation (const char *path)
{
  static GRegex *regex;
  static gsize once;
  if (g_once_init_enter (&once)) {
    regex = g_regex_new (
        "(?<![a-z0-9])((?:ud-)?(?:bf16|fp?(?:16|32)|tq[12]_0|mxfp4(?:_moe)?|nvfp4|"
        "i?q[1-8]_(?:xxs|xs|s|m|nl|xl|k(?:_(?:xxs|xs|s|m|l|xxl|xl))?|[01](?:_[48]_[48])?)))"
        "(?![a-z0-9])",
        G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, NULL);
    g_once_init_leave (&once, 1);
  }
  char *found = NULL;
  g_autoptr (GMatchInfo) match = NULL;
  for (g_regex_match (regex, path, 0, &match); g_match_info_matches (match);
       g_match_info_next (match, NULL)) {
    g_autofree char *word = g_match_info_fetch (match, 1);
    g_free (found);
    found = g_ascii_strup (word, -1);
  }
  if (found && g_str_has_prefix (found, "FP")) /* "FP16" is another way to write "F16" */
    memmove (found + 1, found + 2, strlen (found + 2) + 1);
  return found;
}

static gboolean
five_digits (const char *text, guint *value)
{
  *value = 0;
  for (int i = 0; i < 5; i++) {
    if (!g_ascii_isdigit (text[i]))
      return FALSE;
    *value = *value * 10 + (guint) (text[i] - '0');
  }
  return TRUE;
}

gboolean
parley_name_shard (const char *path, guint *index, guint *count, gsize *stem_length)
{
  gsize n = strlen (path), tail = strlen ("-00001-of-00001.gguf");
  if (n <= tail)
    return FALSE;
  const char *p = path + n - tail;
  guint i, of;
  if (p[0] != '-' || !five_digits (p + 1, &i) || strncmp (p + 6, "-of-", 4) != 0 ||
      !five_digits (p + 10, &of) || g_ascii_strcasecmp (p + 15, ".gguf") != 0 || i < 1 || i > of ||
      of > MAX_SHARDS)
    return FALSE;
  *index = i;
  *count = of;
  *stem_length = n - tail;
  return TRUE;
}

static gboolean
has_whole_word (const char *text, const char *word)
{
  gsize n = strlen (word);
  for (const char *p = text; (p = strstr (p, word)); p += n)
    if ((p == text || !g_ascii_isalnum (p[-1])) && !g_ascii_isalnum (p[n]))
      return TRUE;
  return FALSE;
}

ParleyHubFileKind
parley_name_kind (const char *path)
{
  static const char *const drafts[] = { "mtp-", "eagle3-", "dflash-", "dspark-" };
  const char *slash = strrchr (path, '/');
  g_autofree char *name = g_ascii_strdown (slash ? slash + 1 : path, -1);
  if (strstr (name, "mmproj"))
    return PARLEY_HUB_FILE_PROJECTOR;
  if (strstr (name, "imatrix") || g_str_has_prefix (name, "ggml-vocab"))
    return PARLEY_HUB_FILE_OTHER;
  for (gsize i = 0; i < G_N_ELEMENTS (drafts); i++)
    if (g_str_has_prefix (name, drafts[i]))
      return PARLEY_HUB_FILE_DRAFT;
  /* "…-lora-f16.gguf", but not "exploration", nor what a LoRA was merged into. */
  if (!strstr (name, "merged") &&
      (has_whole_word (name, "lora") || has_whole_word (name, "adapter")))
    return PARLEY_HUB_FILE_ADAPTER;
  return PARLEY_HUB_FILE_MODEL;
}

/* A decimal number of at most nine digits at *p, moved behind it; 0 when there is none. */
static double
read_number (const char **p)
{
  double value = 0, unit = 1;
  int digits = 0;
  const char *q = *p;
  for (; g_ascii_isdigit (*q) && digits < 9; q++, digits++)
    value = value * 10 + (*q - '0');
  if (digits > 0 && q[0] == '.' && g_ascii_isdigit (q[1]))
    for (q++; g_ascii_isdigit (*q) && digits < 9; q++, digits++)
      value += (*q - '0') * (unit /= 10);
  *p = q;
  return value;
}

guint64
parley_name_parameters (const char *name)
{
  gboolean at_start = TRUE;
  for (const char *p = name; *p; p++) {
    if (at_start && g_ascii_isdigit (*p)) {
      const char *q = p;
      double value = read_number (&q);
      if (value > 0 && g_ascii_tolower (*q) == 'x' && g_ascii_isdigit (q[1])) {
        q++;
        value *= read_number (&q);
      }
      char letter = g_ascii_tolower (*q);
      double unit = letter == 't' ? 1e12 : letter == 'b' ? 1e9 : letter == 'm' ? 1e6 : 0;
      if (unit > 0 && !g_ascii_isalnum (q[1]) && value * unit < 1e15)
        return (guint64) (value * unit + 0.5);
      p = q > p ? q - 1 : p;
    }
    at_start = !g_ascii_isalnum (*p) && *p != '.';
  }
  return 0;
}

char *
parley_name_for_display (const char *text, gsize max_bytes)
{
  g_autofree char *cut = g_strndup (text, max_bytes);
  g_autofree char *valid = g_utf8_make_valid (cut, -1);
  GString *shown = g_string_new (NULL);
  for (const char *p = valid; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (is_control (c))
      g_string_append_c (shown, ' ');
    else if (!is_deceptive (c))
      g_string_append_unichar (shown, c);
  }
  return g_string_free (shown, FALSE);
}
