/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-format.h"

#include <glib/gi18n.h>
#include <locale.h>
#include <math.h>

/* Takes the text. The mark before it is a letter from right to left: by the first letter of all the
 * toolkit chooses the direction of a line. */
static char *
isolate (char *text)
{
  if (!g_str_equal (C_ ("direction", "default:LTR"), "default:RTL"))
    return text;
  g_autofree char *taken = text;
  return g_strdup_printf ("\u200f\u2068%s\u2069", taken);
}

void
parley_format_add_fact (GString *facts, const char *fact)
{
  if (fact == NULL || *fact == '\0')
    return;
  g_autofree char *isolated = isolate (g_strdup (fact));
  g_string_append_printf (facts, "%s%s", facts->len > 0 ? " · " : "", isolated);
}

char *
parley_format_size (guint64 bytes)
{
  static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
  double value = (double) bytes;
  guint unit = 0;

  if (bytes < 1000)
    return isolate (g_strdup_printf ("%u B", (guint) bytes));
  for (value /= 1000; value >= (unit < 2 ? 999.5 : 999.95) && unit + 1 < G_N_ELEMENTS (units);
       value /= 1000)
    unit++;
  return isolate (g_strdup_printf (value < 9.95 || unit >= 2 ? "%.1f\u00a0%s" : "%.0f\u00a0%s",
                                   value, units[unit]));
}

static char *
short_number (double value, const char *const *units, guint n_units)
{
  guint unit = 0;

  while (value >= 999.5 && unit + 1 < n_units) {
    value /= 1000;
    unit++;
  }
  if (unit == 0 || value >= 99.5)
    return g_strdup_printf ("%.0f%s", value, units[unit]);
  if (fabs (value - round (value)) < 0.05)
    return g_strdup_printf ("%.0f%s", round (value), units[unit]);
  return g_strdup_printf ("%.1f%s", value, units[unit]);
}

char *
parley_format_count (guint64 n)
{
  static const char *const units[] = { "", "k", "M", "G" };
  return short_number ((double) n, units, G_N_ELEMENTS (units));
}

char *
parley_format_parameters (guint64 n)
{
  static const char *const units[] = { "", "K", "M", "B", "T" };
  return n == 0 ? g_strdup ("") : short_number ((double) n, units, G_N_ELEMENTS (units));
}

/* What stands between thousands where this person lives; never what is the decimal point there. */
static const char *
separator (void)
{
  const struct lconv *numbers = localeconv ();

  if (*numbers->thousands_sep != '\0')
    return numbers->thousands_sep;
  return *numbers->decimal_point == ',' ? "\u202f" : ",";
}

static char *
grouped (guint n)
{
  if (n < 1000)
    return g_strdup_printf ("%u", n);
  g_autofree char *thousands = grouped (n / 1000);
  return g_strdup_printf ("%s%s%03u", thousands, separator (), n % 1000);
}

char *
parley_format_speed (double tokens_per_s)
{
  if (!(tokens_per_s > 0) || !isfinite (tokens_per_s))
    return g_strdup ("");
  if (tokens_per_s < 9.95)
    return g_strdup_printf (_ ("%.1f tokens/s"), tokens_per_s);
  /* More than three digits of it are known of nothing. */
  double unit = tokens_per_s < 1000 ? 1 : pow (10, floor (log10 (tokens_per_s)) - 2);
  g_autofree char *number =
      grouped ((guint) MIN (round (tokens_per_s / unit) * unit, (double) G_MAXUINT));
  return g_strdup_printf (_ ("%s tokens/s"), number);
}

char *
parley_format_duration (double seconds)
{
  if (!(seconds >= 0) || seconds > 8.64e7)
    return g_strdup ("");
  if (seconds < 0.0995)
    return g_strdup_printf (_ ("%.0f ms"), seconds * 1000);
  if (seconds < 9.95)
    return g_strdup_printf (_ ("%.1f s"), seconds);
  if (seconds < 59.5)
    return g_strdup_printf (_ ("%.0f s"), seconds);
  guint whole = (guint) (seconds + 0.5);
  if (whole < 3600)
    return g_strdup_printf (_ ("%u min %u s"), whole / 60, whole % 60);
  return g_strdup_printf (_ ("%u h %u min"), whole / 3600, whole % 3600 / 60);
}

char *
parley_format_number (guint n)
{
  return grouped (n);
}

char *
parley_format_tokens (guint n)
{
  g_autofree char *number = grouped (n);
  return g_strdup_printf (ngettext ("%s token", "%s tokens", n), number);
}

char *
parley_format_days_ago (gint64 then, gint64 now)
{
  gint64 days = (now - then) / 86400;

  if (then <= 0)
    return g_strdup ("");
  if (days <= 0)
    return g_strdup (_ ("today"));
  if (days == 1)
    return g_strdup (_ ("yesterday"));
  if (days < 60)
    return g_strdup_printf (ngettext ("%d day ago", "%d days ago", (gulong) days), (int) days);
  if (days < 730)
    return g_strdup_printf (ngettext ("%d month ago", "%d months ago", (gulong) (days / 30)),
                            (int) (days / 30));
  return g_strdup_printf (ngettext ("%d year ago", "%d years ago", (gulong) (days / 365)),
                          (int) (days / 365));
}

char *
parley_format_layers (guint n, guint n_layers, guint64 gpu_bytes)
{
  g_autofree char *size = parley_format_size (gpu_bytes);

  if (n == 0)
    return g_strdup (_ ("No layers on the GPU"));
  if (n > n_layers)
    return g_strdup_printf (_ ("All %u layers on the GPU, %s"), n_layers + 1, size);
  return g_strdup_printf (_ ("%u of %u layers on the GPU, %s"), n, n_layers + 1, size);
}

const char *
parley_format_license (const char *id)
{
  static const struct {
    const char *id, *name;
  } known[] = {
    { "apache-2.0", "Apache 2.0" },
    { "mit", "MIT" },
    { "bsd-3-clause", "BSD 3" },
    { "gemma", "Gemma" },
    { "llama2", "Llama 2" },
    { "llama3", "Llama 3" },
    { "llama3.1", "Llama 3.1" },
    { "llama3.2", "Llama 3.2" },
    { "llama3.3", "Llama 3.3" },
    { "llama4", "Llama 4" },
    { "lfm1.0", "LFM 1.0" },
    { "cc-by-4.0", "CC BY 4.0" },
    { "cc-by-sa-4.0", "CC BY-SA 4.0" },
    { "cc-by-nc-4.0", "CC BY-NC 4.0" },
    { "gpl-3.0", "GPL 3" },
    { "openrail", "OpenRAIL" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_ascii_strcasecmp (known[i].id, id) == 0)
      return known[i].name;
  return id;
}
