/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One sink for messages that no caller is waiting for. Off unless somebody sets it; the engine
 * never prints by itself. The function may be called from any thread.
 */
#pragma once

enum pe_log_level { PE_LOG_DEBUG, PE_LOG_INFO, PE_LOG_WARNING };

typedef void (*pe_log_fn) (enum pe_log_level level, const char *message, void *data);

void pe_log_set (pe_log_fn fn, void *data);
void pe_log (enum pe_log_level level, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
