/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static pe_log_fn sink;
static void *sink_data;

void
pe_log_set (pe_log_fn fn, void *data)
{
  sink = fn;
  sink_data = data;
}

void
pe_log (enum pe_log_level level, const char *format, ...)
{
  if (!sink)
    return;
  char message[512];
  va_list args;
  va_start (args, format);
  vsnprintf (message, sizeof message, format, args);
  va_end (args);
  sink (level, message, sink_data);
}
