/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers in words.
 */
#include "app/text/parley-format.h"
#include "tests/harness.h"

#include <locale.h>

#define CHECK_TAKEN(expression, expected)                                                          \
  do {                                                                                             \
    g_autofree char *taken = (expression);                                                         \
    CHECK_STR (taken, expected);                                                                   \
  } while (0)

static void
sizes (void)
{
  CHECK_TAKEN (parley_format_size (0), "0 B");
  CHECK_TAKEN (parley_format_size (999), "999 B");
  CHECK_TAKEN (parley_format_size (1000), "1.0\u00a0kB");
  CHECK_TAKEN (parley_format_size (4661000000), "4.7\u00a0GB");
  CHECK_TAKEN (parley_format_size (12345678901), "12.3\u00a0GB");
  CHECK_TAKEN (parley_format_size (312400000), "312\u00a0MB");
  CHECK_TAKEN (parley_format_size (999600000), "1.0\u00a0GB");
  CHECK_TAKEN (parley_format_size (G_MAXUINT64), "18.4\u00a0EB");
}

static void
counts_and_speeds (void)
{
  CHECK_TAKEN (parley_format_count (999), "999");
  CHECK_TAKEN (parley_format_count (12345), "12.3k");
  CHECK_TAKEN (parley_format_count (2000000), "2M");
  CHECK_TAKEN (parley_format_parameters (0), "");
  CHECK_TAKEN (parley_format_parameters (1720000000), "1.7B");
  CHECK_TAKEN (parley_format_parameters (260000), "260K");
  CHECK_TAKEN (parley_format_parameters (70600000000), "70.6B");
  CHECK_TAKEN (parley_format_speed (0), "");
  CHECK_TAKEN (parley_format_speed (0.0 / 0.0), "");
  CHECK_TAKEN (parley_format_speed (3.42), "3.4 tokens/s");
  CHECK_TAKEN (parley_format_speed (42.4), "42 tokens/s");
  CHECK_TAKEN (parley_format_speed (999.6), "1,000 tokens/s");
  CHECK_TAKEN (parley_format_speed (197803), "198,000 tokens/s");
  CHECK_TAKEN (parley_format_tokens (1), "1 token");
  CHECK_TAKEN (parley_format_tokens (8192), "8,192 tokens");
  CHECK_TAKEN (parley_format_tokens (1048576), "1,048,576 tokens");
}

static void
thousands_as_in_germany (void)
{
  if (setlocale (LC_NUMERIC, "de_DE.UTF-8") == NULL)
    SKIP ("no German locale");
  g_autofree char *number = parley_format_number (1048576);
  g_autofree char *speed = parley_format_speed (1000);
  setlocale (LC_NUMERIC, "C");
  CHECK_STR (number, "1.048.576");
  CHECK_STR (speed, "1.000 tokens/s");
}

static void
times (void)
{
  CHECK_TAKEN (parley_format_duration (-1), "");
  CHECK_TAKEN (parley_format_duration (0.0123), "12 ms");
  CHECK_TAKEN (parley_format_duration (0.42), "0.4 s");
  CHECK_TAKEN (parley_format_duration (12.2), "12 s");
  CHECK_TAKEN (parley_format_duration (59.7), "1 min 0 s");
  CHECK_TAKEN (parley_format_duration (185), "3 min 5 s");
  CHECK_TAKEN (parley_format_duration (7440), "2 h 4 min");
  CHECK_TAKEN (parley_format_days_ago (0, 1000), "");
  CHECK_TAKEN (parley_format_days_ago (1000, 2000), "today");
  CHECK_TAKEN (parley_format_days_ago (1000, 1000 + 86400), "yesterday");
  CHECK_TAKEN (parley_format_days_ago (1000, 1000 + 86400 * 3), "3 days ago");
  CHECK_TAKEN (parley_format_days_ago (1000, 1000 + 86400 * 90), "3 months ago");
  CHECK_TAKEN (parley_format_days_ago (1000, 1000 + 86400 * 800), "2 years ago");
}

static void
layers (void)
{
  CHECK_TAKEN (parley_format_layers (0, 32, 0), "No layers on the GPU");
  CHECK_TAKEN (parley_format_layers (28, 32, 6100000000),
               "28 of 33 layers on the GPU, 6.1\u00a0GB");
  CHECK_TAKEN (parley_format_layers (33, 32, 6100000000), "All 33 layers on the GPU, 6.1\u00a0GB");
  CHECK_TAKEN (parley_format_layers (99, 32, 6100000000), "All 33 layers on the GPU, 6.1\u00a0GB");
}

int
main (void)
{
  RUN (sizes);
  RUN (counts_and_speeds);
  RUN (thousands_as_in_germany);
  RUN (times);
  RUN (layers);
  return test_done ();
}
