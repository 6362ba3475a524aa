/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine's errors as GErrors. The domain is also registered with GDBus, so that an error keeps
 * its code on the way from the engine process.
 */
#pragma once

#include <gio/gio.h>

#include "base/error.h"

G_BEGIN_DECLS

#define PARLEY_ENGINE_ERROR (parley_engine_error_quark ())

/* The codes of enum pe_code, without PE_OK and PE_ERROR_CANCELLED (G_IO_ERROR_CANCELLED). */
typedef enum {
  PARLEY_ENGINE_ERROR_ARGUMENT,
  PARLEY_ENGINE_ERROR_IO,
  PARLEY_ENGINE_ERROR_FORMAT,
  PARLEY_ENGINE_ERROR_TRUNCATED,
  PARLEY_ENGINE_ERROR_UNSUPPORTED,
  PARLEY_ENGINE_ERROR_LIMIT,
  PARLEY_ENGINE_ERROR_MEMORY,
  PARLEY_ENGINE_ERROR_DEVICE,
  PARLEY_ENGINE_ERROR_DEVICE_MEMORY,
  PARLEY_ENGINE_ERROR_DEVICE_LOST,
  PARLEY_ENGINE_ERROR_CONTEXT_FULL,
} ParleyEngineError;

GQuark parley_engine_error_quark (void);

/* A new error with the engine's code and message. */
GError *parley_error_new_from_engine (const struct pe_error *engine_error);

/* Sets *error (may be NULL) and returns FALSE, so that a function can end with it. */
gboolean parley_set_engine_error (GError **error, const struct pe_error *engine_error);

G_END_DECLS
