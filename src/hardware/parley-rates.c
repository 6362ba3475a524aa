/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hardware/parley-rates.h"

#include "bridge/parley-device-json.h"
#include "bridge/parley-engine-error.h"
#include "engine/parley-engine.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>

#define MAX_FILE_BYTES (256 * 1024)
#define MAX_REMEMBERED 32

char *
parley_rates_default_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "parley", "rates.json", NULL);
}

static gboolean
same_device (const struct pe_device_info *a, const struct pe_device_info *b)
{
  return g_str_equal (a->id, b->id) && g_str_equal (a->name, b->name) &&
         g_str_equal (a->driver, b->driver);
}

static gboolean
complete (const struct pe_device_info *device)
{
  return parley_device_has_rates (device) && device->read_rate > 0 && device->matmul_rate > 0 &&
         (device->kind == PE_DEVICE_CPU || device->transfer_rate > 0);
}

/* Remembered devices, the last remembered first; an unreadable file is an empty one. */
static GArray *
read_all (const char *path)
{
  GArray *devices = g_array_new (FALSE, TRUE, sizeof (struct pe_device_info));
  g_autofree char *text = NULL;
  gsize n;
  GStatBuf status;
  struct pe_json_document document = { 0 };
  if (g_stat (path, &status) != 0 || status.st_size > MAX_FILE_BYTES ||
      !g_file_get_contents (path, &text, &n, NULL) || !pe_json_parse (text, n, &document, NULL))
    return devices;
  const struct pe_json *list = pe_json_get (&document.root, "devices");
  if (list && list->kind == PE_JSON_ARRAY)
    for (gsize i = 0; i < list->list.n && i < MAX_REMEMBERED; i++) {
      struct pe_device_info device;
      if (parley_device_from_json (&list->list.items[i], &device))
        g_array_append_val (devices, device);
    }
  pe_json_document_clear (&document);
  return devices;
}

gboolean
parley_rates_recall (const char *path, struct pe_device_info *device)
{
  g_autoptr (GArray) known = read_all (path);
  for (guint i = 0; i < known->len && !complete (device); i++) {
    const struct pe_device_info *other = &g_array_index (known, struct pe_device_info, i);
    if (!same_device (device, other))
      continue;
    if (device->read_rate <= 0)
      device->read_rate = other->read_rate;
    if (device->transfer_rate <= 0)
      device->transfer_rate = other->transfer_rate;
    if (device->matmul_rate <= 0)
      device->matmul_rate = other->matmul_rate;
    if (!parley_device_has_rates (device))
      memcpy (device->rates, other->rates, sizeof device->rates);
    if (!device->driver_bytes)
      device->driver_bytes = other->driver_bytes;
  }
  return complete (device);
}

gboolean
parley_rates_measure (const char *path, struct pe_device_info *devices, gsize n, gboolean again,
                      const struct pe_progress *progress, GError **error)
{
  struct pe_error problem = { 0 };
  gboolean measured = FALSE;
  for (gsize i = 0; i < n; i++) {
    if (!again && parley_rates_recall (path, &devices[i]))
      continue;
    if (!pe_device_measure (&devices[i], &problem) ||
        !pe_rates_measure (&devices[0], &devices[i], progress, &problem)) {
      parley_set_engine_error (error, &problem);
      return FALSE;
    }
    measured = TRUE;
  }
  if (measured)
    parley_rates_remember (path, devices, n, NULL); /* else they are measured again */
  return TRUE;
}

gboolean
parley_rates_remember (const char *path, const struct pe_device_info *devices, gsize n,
                       GError **error)
{
  g_autoptr (GArray) all = g_array_new (FALSE, TRUE, sizeof (struct pe_device_info));
  g_array_append_vals (all, devices, (guint) n);
  g_autoptr (GArray) known = read_all (path);
  for (guint i = 0; i < known->len && all->len < MAX_REMEMBERED; i++) {
    const struct pe_device_info *old = &g_array_index (known, struct pe_device_info, i);
    gboolean replaced = FALSE;
    for (gsize j = 0; j < n; j++)
      replaced |= same_device (&devices[j], old);
    if (!replaced)
      g_array_append_val (all, *old);
  }

  g_autofree char *text =
      parley_devices_to_json ((const struct pe_device_info *) (gpointer) all->data, all->len, "");
  g_autofree char *folder = g_path_get_dirname (path);
  if (g_mkdir_with_parents (folder, 0700) != 0) {
    int code = errno;
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
                 _ ("the folder “%s” cannot be made: %s"), folder, g_strerror (code));
    return FALSE;
  }
  return g_file_set_contents (path, text, -1, error);
}
