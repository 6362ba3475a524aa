/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/parley-device-json.h"

#include "bridge/parley-engine-error.h"
#include "engine/parley-engine.h"

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
  FIELD (memory_total, FIELD_U64),
  FIELD (memory_available, FIELD_U64),
  FIELD (memory_is_budget, FIELD_BOOL),
  FIELD (memory_margin, FIELD_U64),
  FIELD (driver_bytes, FIELD_U64),
  FIELD (allocation_alignment, FIELD_U64),
  FIELD (max_allocation, FIELD_U64),
  FIELD (shared_memory_bytes, FIELD_U32),
  FIELD (subgroup_size, FIELD_U32),
  FIELD (has_f16, FIELD_BOOL),
  FIELD (has_int8_dot, FIELD_BOOL),
  FIELD (has_cooperative_matrix, FIELD_BOOL),
  FIELD (has_timeline, FIELD_BOOL),
  FIELD (n_cores, FIELD_U32),
  FIELD (n_threads, FIELD_U32),
  FIELD (read_rate, FIELD_RATE),
  FIELD (transfer_rate, FIELD_RATE),
  FIELD (matmul_rate, FIELD_RATE),
#undef FIELD
};

/* Of the rates of a device, those that are one number. */
static const struct {
  const char *name;
  gsize offset;
} single_rates[] = {
  { "cache_read", G_STRUCT_OFFSET (struct pe_rates, cache_read) },
  { "cache_multiply", G_STRUCT_OFFSET (struct pe_rates, cache_multiply) },
  { "op_seconds", G_STRUCT_OFFSET (struct pe_rates, op_seconds) },
  { "pass_seconds", G_STRUCT_OFFSET (struct pe_rates, pass_seconds) },
};

const char *
parley_device_kind_to_string (enum pe_device_kind kind)
{
  return (guint) kind < G_N_ELEMENTS (kind_names) ? kind_names[kind] : "unknown";
}

static void
write_by_type (struct pe_json_writer *w, const char *name, const double rates[PE_TYPE_COUNT])
{
  pe_json_key (w, name);
  pe_json_begin_object (w);
  for (guint type = 0; type < PE_TYPE_COUNT; type++)
    if (rates[type] > 0) {
      pe_json_key (w, pe_type_info (type)->name);
      pe_json_real (w, rates[type]);
    }
  pe_json_end_object (w);
}

/* Only what was measured: with one thread, then with all. */
static void
write_rates (struct pe_json_writer *w, const struct pe_device_info *device)
{
  if (!parley_device_has_rates (device))
    return;
  pe_json_key (w, "rates_version");
  pe_json_uint (w, PE_RATES_VERSION);
  pe_json_key (w, "rates");
  pe_json_begin_array (w);
  for (guint i = 0; i < PE_RATES_COUNT; i++) {
    const struct pe_rates *rates = &device->rates[i];
    pe_json_begin_object (w);
    write_by_type (w, "read", rates->read);
    write_by_type (w, "multiply", rates->multiply);
    for (gsize k = 0; k < G_N_ELEMENTS (single_rates); k++) {
      pe_json_key (w, single_rates[k].name);
      pe_json_real (w, *(const double *) ((const char *) rates + single_rates[k].offset));
    }
    pe_json_end_object (w);
  }
  pe_json_end_array (w);
}

static void
write_heaps (struct pe_json_writer *w, const struct pe_device_info *device)
{
  pe_json_key (w, "heaps");
  pe_json_begin_array (w);
  for (guint i = 0; i < MIN (device->n_heaps, PE_MAX_HEAPS); i++) {
    const struct pe_heap *heap = &device->heaps[i];
    pe_json_begin_object (w);
    pe_json_key (w, "size");
    pe_json_uint (w, heap->size);
    pe_json_key (w, "budget");
    pe_json_uint (w, heap->budget);
    pe_json_key (w, "usage");
    pe_json_uint (w, heap->usage);
    pe_json_key (w, "device_local");
    pe_json_bool (w, heap->device_local);
    pe_json_key (w, "host_visible");
    pe_json_bool (w, heap->host_visible);
    pe_json_end_object (w);
  }
  pe_json_end_array (w);
}

gboolean
parley_device_has_rates (const struct pe_device_info *device)
{
  return device->rates[PE_RATES_ALL_THREADS].read[PE_TYPE_Q8_0] > 0;
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
  pe_json_key (w, "doubt");
  pe_json_text (w, device->doubt);
  pe_json_key (w, "bus");
  pe_json_text (w, device->bus);
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
  if (device->kind != PE_DEVICE_CPU)
    write_heaps (w, device);
  write_rates (w, device);
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

static gboolean
read_flag (const struct pe_json *object, const char *key)
{
  const struct pe_json *value = pe_json_get (object, key);
  return value && value->kind == PE_JSON_BOOL && value->boolean;
}

static void
read_heaps (const struct pe_json *object, struct pe_device_info *device)
{
  const struct pe_json *list = pe_json_get (object, "heaps");
  if (!list || list->kind != PE_JSON_ARRAY)
    return;
  for (gsize i = 0; i < list->list.n && i < PE_MAX_HEAPS; i++) {
    const struct pe_json *item = &list->list.items[i];
    if (item->kind != PE_JSON_OBJECT)
      return;
    device->heaps[device->n_heaps++] = (struct pe_heap){
      .size = read_integer (item, "size"),
      .budget = read_integer (item, "budget"),
      .usage = read_integer (item, "usage"),
      .device_local = read_flag (item, "device_local"),
      .host_visible = read_flag (item, "host_visible"),
    };
  }
}

static void
read_by_type (const struct pe_json *object, const char *name, double rates[PE_TYPE_COUNT])
{
  const struct pe_json *list = pe_json_get (object, name);
  if (!list || list->kind != PE_JSON_OBJECT)
    return;
  for (guint type = 0; type < PE_TYPE_COUNT; type++)
    if (pe_type_info (type))
      rates[type] = read_number (list, pe_type_info (type)->name);
}

/* Rates of another version of the engine are as good as none. */
static void
read_rates (const struct pe_json *object, struct pe_device_info *device)
{
  const struct pe_json *list = pe_json_get (object, "rates");
  if (!list || list->kind != PE_JSON_ARRAY || list->list.n != PE_RATES_COUNT ||
      read_integer (object, "rates_version") != PE_RATES_VERSION)
    return;
  for (guint i = 0; i < PE_RATES_COUNT; i++) {
    const struct pe_json *item = &list->list.items[i];
    struct pe_rates *rates = &device->rates[i];
    if (item->kind != PE_JSON_OBJECT)
      continue;
    read_by_type (item, "read", rates->read);
    read_by_type (item, "multiply", rates->multiply);
    for (gsize k = 0; k < G_N_ELEMENTS (single_rates); k++)
      *(double *) ((char *) rates + single_rates[k].offset) =
          read_number (item, single_rates[k].name);
  }
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
  read_string (object, "doubt", device->doubt, sizeof device->doubt);
  read_string (object, "bus", device->bus, sizeof device->bus);
  read_heaps (object, device);
  read_rates (object, device);

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
