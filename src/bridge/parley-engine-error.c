/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/parley-engine-error.h"

#define NAME(word) "io.github.parleychat.Parley.Error." word

static const GDBusErrorEntry entries[] = {
  { PARLEY_ENGINE_ERROR_ARGUMENT, NAME ("Argument") },
  { PARLEY_ENGINE_ERROR_IO, NAME ("InputOutput") },
  { PARLEY_ENGINE_ERROR_FORMAT, NAME ("Format") },
  { PARLEY_ENGINE_ERROR_TRUNCATED, NAME ("Truncated") },
  { PARLEY_ENGINE_ERROR_UNSUPPORTED, NAME ("Unsupported") },
  { PARLEY_ENGINE_ERROR_LIMIT, NAME ("Limit") },
  { PARLEY_ENGINE_ERROR_MEMORY, NAME ("Memory") },
  { PARLEY_ENGINE_ERROR_DEVICE, NAME ("Device") },
  { PARLEY_ENGINE_ERROR_DEVICE_MEMORY, NAME ("DeviceMemory") },
  { PARLEY_ENGINE_ERROR_DEVICE_LOST, NAME ("DeviceLost") },
  { PARLEY_ENGINE_ERROR_CONTEXT_FULL, NAME ("ContextFull") },
};

GQuark
parley_engine_error_quark (void)
{
  static gsize quark;
  g_dbus_error_register_error_domain ("parley-engine-error-quark", &quark, entries,
                                      G_N_ELEMENTS (entries));
  return (GQuark) quark;
}

GError *
parley_error_new_from_engine (const struct pe_error *engine_error)
{
  static const int codes[] = {
    [PE_ERROR_ARGUMENT] = PARLEY_ENGINE_ERROR_ARGUMENT,
    [PE_ERROR_IO] = PARLEY_ENGINE_ERROR_IO,
    [PE_ERROR_FORMAT] = PARLEY_ENGINE_ERROR_FORMAT,
    [PE_ERROR_TRUNCATED] = PARLEY_ENGINE_ERROR_TRUNCATED,
    [PE_ERROR_UNSUPPORTED] = PARLEY_ENGINE_ERROR_UNSUPPORTED,
    [PE_ERROR_LIMIT] = PARLEY_ENGINE_ERROR_LIMIT,
    [PE_ERROR_MEMORY] = PARLEY_ENGINE_ERROR_MEMORY,
    [PE_ERROR_DEVICE] = PARLEY_ENGINE_ERROR_DEVICE,
    [PE_ERROR_DEVICE_MEMORY] = PARLEY_ENGINE_ERROR_DEVICE_MEMORY,
    [PE_ERROR_DEVICE_LOST] = PARLEY_ENGINE_ERROR_DEVICE_LOST,
    [PE_ERROR_CONTEXT_FULL] = PARLEY_ENGINE_ERROR_CONTEXT_FULL,
  };
  g_autofree char *message = g_utf8_make_valid (engine_error->message, -1);
  if (engine_error->code == PE_ERROR_CANCELLED)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, message);
  int code = engine_error->code > PE_OK && engine_error->code < G_N_ELEMENTS (codes)
                 ? codes[engine_error->code]
                 : PARLEY_ENGINE_ERROR_ARGUMENT;
  return g_error_new_literal (PARLEY_ENGINE_ERROR, code, message);
}

gboolean
parley_set_engine_error (GError **error, const struct pe_error *engine_error)
{
  if (error)
    *error = parley_error_new_from_engine (engine_error);
  return FALSE;
}
