/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hardware/parley-budgets.h"

#include <math.h>
#include <string.h>

static char *
key_of (const char *id, ParleyBudgetKind kind)
{
  return g_strconcat (id, kind == PARLEY_BUDGET_FREE ? "-free" : "", NULL);
}

/* Whether an entry "key=…" is of this key. */
static gboolean
is_of (const char *entry, const char *key)
{
  gsize n = strlen (key);
  return strncmp (entry, key, n) == 0 && entry[n] == '=';
}

/* FALSE: it is of another key, or says nothing. */
static gboolean
read_entry (const char *entry, const char *key, guint64 *bytes)
{
  return is_of (entry, key) &&
         g_ascii_string_to_unsigned (entry + strlen (key) + 1, 10, 1, G_MAXINT64, bytes, NULL);
}

guint64
parley_budgets_get (const char *text, const char *id, ParleyBudgetKind kind)
{
  g_autofree char *key = key_of (id, kind);
  g_auto (GStrv) entries = g_strsplit (text ? text : "", ",", -1);
  for (char **entry = entries; *entry; entry++) {
    guint64 bytes;
    if (read_entry (*entry, key, &bytes))
      return bytes;
  }
  return 0;
}

guint64
parley_budgets_in_force (const char *text, const char *id, ParleyBudgetKind kind)
{
  g_autofree char *own = key_of (id, kind), *any = key_of ("gpu", kind);
  gboolean is_gpu = strcmp (id, "cpu") != 0;
  g_auto (GStrv) entries = g_strsplit (text ? text : "", ",", -1);
  guint64 found = 0;
  for (char **entry = entries; *entry; entry++) {
    guint64 bytes;
    if ((read_entry (*entry, own, &bytes) || (is_gpu && read_entry (*entry, any, &bytes))) &&
        (kind == PARLEY_BUDGET_FREE || found == 0 || bytes < found))
      found = bytes;
  }
  return found;
}

char *
parley_budgets_set (const char *text, const char *id, ParleyBudgetKind kind, guint64 bytes)
{
  g_autofree char *key = key_of (id, kind);
  g_auto (GStrv) entries = g_strsplit (text ? text : "", ",", -1);
  g_autoptr (GString) out = g_string_new (NULL);
  for (char **entry = entries; *entry; entry++)
    if (**entry && !is_of (*entry, key))
      g_string_append_printf (out, "%s%s", out->len ? "," : "", *entry);
  if (bytes)
    g_string_append_printf (out, "%s%s=%" G_GUINT64_FORMAT, out->len ? "," : "", key, bytes);
  return out->len ? g_string_free (g_steal_pointer (&out), FALSE) : NULL;
}

char *
parley_budgets_with_environment (const char *text)
{
  const char *more = g_getenv ("PARLEY_BUDGETS");
  if (!text || !more)
    return g_strdup (text ? text : more);
  return g_strconcat (text, ",", more, NULL);
}

gboolean
parley_budgets_parse_size (const char *text, guint64 *bytes)
{
  static const struct {
    const char *unit;
    double factor;
  } units[] = {
    { "", 1 }, { "B", 1 }, { "kB", 1e3 }, { "MB", 1e6 }, { "GB", 1e9 }, { "TB", 1e12 }
  };
  char *end;
  double value = g_ascii_strtod (text, &end);
  if (end == text || !isfinite (value) || value < 0)
    return FALSE;
  end += strspn (end, " ");
  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_ascii_strcasecmp (end, units[i].unit) == 0 && value * units[i].factor < 1e15) {
      *bytes = (guint64) (value * units[i].factor + 0.5);
      return TRUE;
    }
  return FALSE;
}
