/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/quality.h"

#include <glib/gi18n.h>
#include <string.h>

guint
parley_quality_bits (const char *quantisation)
{
  const char *name = quantisation;
  if (g_ascii_strncasecmp (name, "UD-", 3) == 0)
    name += 3;
  if (g_ascii_strncasecmp (name, "MXFP4", 5) == 0 || g_ascii_strncasecmp (name, "NVFP4", 5) == 0)
    return 4;
  if (g_ascii_strcasecmp (name, "BF16") == 0 || g_ascii_strcasecmp (name, "F16") == 0)
    return 16;
  if (g_ascii_strcasecmp (name, "F32") == 0)
    return 32;
  name += strcspn (name, "0123456789"); /* "Q", "IQ" or "TQ" */
  return *name >= '1' && *name <= '8' ? (guint) (*name - '0') : 0;
}

const char *
parley_quality_name (guint bits)
{
  static const char *const names[] = { "unknown",
                                       "last-resort",
                                       "weak",
                                       "weaker",
                                       "good",
                                       "close",
                                       "very-close",
                                       "practically-original",
                                       "practically-original" };
  return bits < G_N_ELEMENTS (names) ? names[bits] : "original";
}

const char *
parley_quality_words (guint bits)
{
  switch (bits) {
  case 0: return "";
  case 1: return _ ("A last resort");
  case 2: return _ ("Much weaker");
  case 3: return _ ("Noticeably weaker");
  case 4: return _ ("A good balance");
  case 5: return _ ("Close to the original");
  case 6: return _ ("Very close to the original");
  case 7:
  case 8: return _ ("Practically the original");
  default: return _ ("The original precision");
  }
}
