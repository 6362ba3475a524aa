/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/parley-device-json.h"

#include "bridge/parley-engine-error.h"

#include <math.h>
#include <string.h>

static const char *const kind_names[] = {
  [PE_DEVICE_CPU] = "cpu",
  [PE_DEVICE_DISCRETE] = "discrete",
  [PE_DEVICE_INTEGRATED] = "integrated",
  [PE_DEVICE_SOFTWARE] = "software",
};

/* The numbers and flags of a device, so that writing and reading cannot differ. */
enum field_kind { FIELD_U64, FIELD_U32, FIELD_BOOL, FIELD_RATE };

static const struct {
  const char *name;
  enum field_kind kind;
  gsize offset;
} fields[] = {
#define FIELD(name, kind)                                                                          \
  {                                                                                                \
#name, kind, G_STRUCT_OFFSET(struct pe_device_info, name)                                      \
  }
  FIELD (memory_total, FIELD_U64),      FIELD (memory_available, FIELD_U64),
  FIELD (memory_is_budget, FIELD_BOOL), FIELD (allocation_alignment, FIELD_U64),
  FIELD (max_allocation, FIELD_U64),    FIELD (shared_memory_bytes, FIELD_U32),
  FIELD (subgroup_size, FIELD_U32),     FIELD (has_f16, FIELD_BOOL),
  FIELD (has_int8_dot, FIELD_BOOL),     FIELD (has_cooperative_matrix, FIELD_BOOL),
  FIELD (has_timeline, FIELD_BOOL),     FIELD (n_cores, FIELD_U32),
  FIELD (n_threads, FIELD_U32),         FIELD (read_rate, FIELD_RATE),
  FIELD (transfer_rate, FIELD_RATE),    FIELD (matmul_rate, FIELD_RATE),
#undef FIELD
};

const char *
parley_device_kind_to_string (enum pe_device_kind kind)
{
  return (guint) kind < G_N_ELEMENTS (kind_names) ? kind_names[kind] : "unknown";
}

void
parley_device_to_json (struct pe_json_writer *w, const struct pe_device_info *device)
{
  pe_json_begin_object (w);
  pe_json_key (w, "id");
  pe_json_text (w, device->id);
  pe_json_key (w, "name");
  pe_json_text (w, device->name);
  pe_json_key (w, "driver");
  pe_json_text (w, device->driver);
  pe_json_key (w, "kind");
  pe_json_text (w, parley_device_kind_to_string (device->kind));
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++) {
    gconstpointer field = (const char *) device + fields[i].offset;
    pe_json_key (w, fields[i].name);
    switch (fields[i].kind) {
    case FIELD_U64: pe_json_uint (w, *(const uint64_t *) field); break;
    case FIELD_U32: pe_json_uint (w, *(const uint32_t *) field); break;
    case FIELD_BOOL: pe_json_bool (w, *(const bool *) field); break;
    case FIELD_RATE: pe_json_real (w, *(const double *) field); break;
    }
  }
  pe_json_end_object (w);
}

/* Cuts at a whole character; control characters have no business in a name. */
static void
read_string (const struct pe_json *object, const char *key, char *out, gsize size)
{
  const struct pe_json *value = pe_json_get (object, key);
  out[0] = 0;
  if (!value || value->kind != PE_JSON_STRING)
    return;
  const char *text = value->string.data;
  gsize n = strnlen (text, value->string.n);
  if (n >= size) {
    n = size - 1;
    while (n > 0 && ((guchar) text[n] & 0xc0) == 0x80)
      n--;
  }
  for (gsize i = 0; i < n; i++)
    out[i] = g_ascii_iscntrl (text[i]) ? '?' : text[i];
  out[n] = 0;
}

static double
read_number (const struct pe_json *object, const char *key)
{
  const struct pe_json *value = pe_json_get (object, key);
  double number = 0;
  if (value && value->kind == PE_JSON_INT)
    number = (double) value->integer;
  else if (value && value->kind == PE_JSON_FLOAT)
    number = value->real;
  return isfinite (number) && number > 0 ? number : 0;
}

static guint64
read_integer (const struct pe_json *object, const char *key)
{
  const struct pe_json *value = pe_json_get (object, key);
  return value && value->kind == PE_JSON_INT && value->integer > 0 ? (guint64) value->integer : 0;
}

gboolean
parley_device_from_json (const struct pe_json *object, struct pe_device_info *device)
{
  if (object->kind != PE_JSON_OBJECT)
    return FALSE;
  memset (device, 0, sizeof *device);
  read_string (object, "id", device->id, sizeof device->id);
  read_string (object, "name", device->name, sizeof device->name);
  read_string (object, "driver", device->driver, sizeof device->driver);

  char kind[16];
  read_string (object, "kind", kind, sizeof kind);
  gsize k = 0;
  while (k < G_N_ELEMENTS (kind_names) && !g_str_equal (kind, kind_names[k]))
    k++;
  if (k == G_N_ELEMENTS (kind_names) || !*device->id)
    return FALSE;
  device->kind = (enum pe_device_kind) k;

  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++) {
    gpointer field = (char *) device + fields[i].offset;
    const struct pe_json *value = pe_json_get (object, fields[i].name);
    switch (fields[i].kind) {
    case FIELD_U64: *(uint64_t *) field = read_integer (object, fields[i].name); break;
    case FIELD_U32:
      *(uint32_t *) field = (uint32_t) MIN (read_integer (object, fields[i].name), UINT32_MAX);
      break;
    case FIELD_BOOL:
      *(bool *) field = value && value->kind == PE_JSON_BOOL && value->boolean;
      break;
    case FIELD_RATE: *(double *) field = read_number (object, fields[i].name); break;
    }
  }
  return TRUE;
}

char *
parley_devices_to_json (const struct pe_device_info *devices, gsize n, const char *why)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  pe_json_key (&w, "why");
  pe_json_text (&w, why);
  pe_json_key (&w, "devices");
  pe_json_begin_array (&w);
  for (gsize i = 0; i < n; i++)
    parley_device_to_json (&w, &devices[i]);
  pe_json_end_array (&w);
  pe_json_end_object (&w);
  char *text = pe_json_finish (&w) ? g_strdup (w.text) : g_strdup ("{}");
  pe_json_writer_clear (&w);
  return text;
}

static GArray *
read_devices (const struct pe_json *root, char **why)
{
  const struct pe_json *list = pe_json_get (root, "devices");
  if (!list || list->kind != PE_JSON_ARRAY || list->list.n == 0 || list->list.n > PE_MAX_DEVICES)
    return NULL;
  g_autoptr (GArray) devices = g_array_new (FALSE, TRUE, sizeof (struct pe_device_info));
  for (gsize i = 0; i < list->list.n; i++) {
    struct pe_device_info device;
    if (!parley_device_from_json (&list->list.items[i], &device) ||
        (device.kind == PE_DEVICE_CPU) != (i == 0))
      return NULL;
    g_array_append_val (devices, device);
  }
  if (why) {
    char sentence[256];
    read_string (root, "why", sentence, sizeof sentence);
    *why = g_strdup (sentence);
  }
  return g_steal_pointer (&devices);
}

GArray *
parley_devices_from_json (const char *text, gsize n, char **why, GError **error)
{
  struct pe_json_document document = { 0 };
  struct pe_error problem;
  if (!pe_json_parse (text, n, &document, &problem)) {
    parley_set_engine_error (error, &problem);
    return NULL;
  }
  GArray *devices = read_devices (&document.root, why);
  if (!devices)
    g_set_error_literal (error, PARLEY_ENGINE_ERROR, PARLEY_ENGINE_ERROR_FORMAT,
                         "the list of devices makes no sense");
  pe_json_document_clear (&document);
  return devices;
}
