/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/wire.h"

#include "bridge/parley-device-json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_CLEAN_BYTES 1000

/* Counts of tokens and layers stay far below what arithmetic on them could overflow. */
#define MAX_TOKENS (1u << 28)
#define MAX_LAYERS (1u << 16)

static const GDBusErrorEntry error_entries[] = {
  { PARLEY_WORKER_ERROR_SPAWN, WORKER_INTERFACE ".Error.Spawn" },
  { PARLEY_WORKER_ERROR_CRASHED, WORKER_INTERFACE ".Error.Crashed" },
  { PARLEY_WORKER_ERROR_PROTOCOL, WORKER_INTERFACE ".Error.Protocol" },
  { PARLEY_WORKER_ERROR_STATE, WORKER_INTERFACE ".Error.State" },
  { PARLEY_WORKER_ERROR_TEMPLATE, WORKER_INTERFACE ".Error.Template" },
};

GQuark
parley_worker_error_quark (void)
{
  static gsize quark;
  g_dbus_error_register_error_domain ("parley-worker-error-quark", &quark, error_entries,
                                      G_N_ELEMENTS (error_entries));
  return (GQuark) quark;
}

/* A dictionary's memory is that of a message; entries are looked up by name and type. */
static guint
get_uint (GVariantDict *dict, const char *key, guint otherwise)
{
  guint32 value;
  return g_variant_dict_lookup (dict, key, "u", &value) ? value : otherwise;
}

static gboolean
get_bool (GVariantDict *dict, const char *key)
{
  gboolean value;
  return g_variant_dict_lookup (dict, key, "b", &value) && value;
}

/* Lives as long as the dictionary that `dict` was made from. */
static const char *
get_string (GVariantDict *dict, const char *key)
{
  const char *text;
  return g_variant_dict_lookup (dict, key, "&s", &text) ? text : NULL;
}

static gboolean
get_seconds (GVariantDict *dict, const char *key, double *out)
{
  *out = 0;
  return !g_variant_dict_lookup (dict, key, "d", out) || (isfinite (*out) && *out >= 0);
}

char *
wire_clean (const char *text)
{
  gsize n = strlen (text);
  if (n > MAX_CLEAN_BYTES)
    n = MAX_CLEAN_BYTES;
  g_autofree char *cut = g_strndup (text, n);
  char *clean = g_utf8_make_valid (cut, -1);
  for (char *c = clean; *c; c++)
    if (g_ascii_iscntrl (*c))
      *c = ' ';
  return clean;
}

/* ---- how to load ---- */

GVariant *
wire_plan_request (const struct pe_plan_request *request)
{
  GVariantDict dict;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "context", "u", request->n_ctx);
  g_variant_dict_insert (&dict, "batch", "u", request->n_batch);
  g_variant_dict_insert (&dict, "gpu-layers", "i", request->n_gpu_layers);
  g_variant_dict_insert (&dict, "cpu-experts", "u", request->n_cpu_experts);
  g_variant_dict_insert (&dict, "k-type", "u", (guint) request->k_type);
  g_variant_dict_insert (&dict, "v-type", "u", (guint) request->v_type);
  g_variant_dict_insert (&dict, "precision", "u", (guint) request->precision);
  g_variant_dict_insert (&dict, "threads", "u", request->n_threads);
  return g_variant_dict_end (&dict);
}

static gboolean
is_cache_type (guint type)
{
  return type == PE_TYPE_F32 || type == PE_TYPE_F16 || type == PE_TYPE_Q8_0 || type == PE_TYPE_Q4_0;
}

gboolean
wire_read_plan_request (GVariant *dictionary, struct pe_plan_request *request)
{
  GVariantDict dict;
  g_variant_dict_init (&dict, dictionary);
  request->n_ctx = get_uint (&dict, "context", 0);
  request->n_batch = get_uint (&dict, "batch", 0);
  gint32 layers = PE_GPU_LAYERS_AUTO;
  g_variant_dict_lookup (&dict, "gpu-layers", "i", &layers);
  request->n_gpu_layers = MAX (layers, PE_GPU_LAYERS_AUTO);
  request->n_cpu_experts = get_uint (&dict, "cpu-experts", 0);
  guint k_type = get_uint (&dict, "k-type", PE_TYPE_F16);
  guint v_type = get_uint (&dict, "v-type", PE_TYPE_F16);
  guint precision = get_uint (&dict, "precision", PE_PRECISION_FAST);
  request->n_threads = get_uint (&dict, "threads", 0);
  g_variant_dict_clear (&dict);
  if (request->n_ctx > MAX_TOKENS || request->n_batch > MAX_TOKENS || !is_cache_type (k_type) ||
      !is_cache_type (v_type) || precision > PE_PRECISION_FAST || request->n_threads > 4096)
    return FALSE;
  request->k_type = (enum pe_type) k_type;
  request->v_type = (enum pe_type) v_type;
  request->precision = (enum pe_precision) precision;
  return TRUE;
}

/* ---- files ---- */

/* Read, not mapped: the other side may shorten it meanwhile. */
GBytes *
wire_read_file (int fd, gsize most)
{
  struct stat status;
  if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode) || status.st_size <= 0 ||
      (guint64) status.st_size > most)
    return NULL;
  gsize n = (gsize) status.st_size, done = 0;
  g_autofree char *bytes = g_try_malloc (n);
  while (bytes && done < n) {
    gssize more = pread (fd, bytes + done, n - done, (off_t) done);
    if (more < 0 && errno == EINTR)
      continue;
    if (more <= 0)
      return NULL;
    done += (gsize) more;
  }
  return bytes ? g_bytes_new_take (g_steal_pointer (&bytes), n) : NULL;
}

int
wire_write_file (const char *name, gconstpointer bytes, gsize n)
{
  int fd = memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  for (gsize done = 0; fd >= 0 && done < n;) {
    gssize more = pwrite (fd, (const char *) bytes + done, n - done, (off_t) done);
    if (more < 0 && errno == EINTR)
      continue;
    if (more <= 0) {
      close (fd);
      return -1;
    }
    done += (gsize) more;
  }
  if (fd >= 0)
    fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  return fd;
}

/* ---- what to generate ---- */

GVariant *
wire_generation (const ParleyGenerationRequest *request)
{
  GVariantDict dict;
  g_variant_dict_init (&dict, NULL);
  if (request->messages)
    g_variant_dict_insert (&dict, "messages", "s", request->messages);
  if (request->text)
    g_variant_dict_insert (&dict, "text", "s", request->text);
  if (request->options)
    g_variant_dict_insert (&dict, "options", "s", request->options);
  if (request->tools)
    g_variant_dict_insert (&dict, "tools", "s", request->tools);
  if (request->stop)
    g_variant_dict_insert_value (&dict, "stop", g_variant_new_strv (request->stop, -1));
  g_variant_dict_insert (&dict, "continues", "b", request->continues);
  g_variant_dict_insert (&dict, "private", "b", request->is_private);
  g_variant_dict_insert (&dict, "aside", "b", request->is_aside);
  g_variant_dict_insert (&dict, "conversation", "t", request->conversation);
  g_variant_dict_insert (&dict, "max-tokens", "u", request->max_tokens);
  if (request->grammar)
    g_variant_dict_insert (&dict, "grammar", "s", request->grammar);
  if (request->json_schema)
    g_variant_dict_insert (&dict, "json-schema", "s", request->json_schema);
  g_variant_dict_insert_value (&dict, "sampler", wire_sampler (&request->sampler));
  return g_variant_dict_end (&dict);
}

gboolean
wire_read_generation (GVariant *dictionary, WireGeneration *out)
{
  *out = (WireGeneration){ .dictionary = g_variant_ref (dictionary) };
  g_variant_get_data (dictionary); /* flat from here on: strings stay where they are */
  ParleyGenerationRequest *request = &out->request;
  GVariantDict dict;
  g_variant_dict_init (&dict, dictionary);
  request->messages = get_string (&dict, "messages");
  request->text = get_string (&dict, "text");
  request->options = get_string (&dict, "options");
  request->tools = get_string (&dict, "tools");
  request->continues = get_bool (&dict, "continues");
  request->is_private = get_bool (&dict, "private");
  request->is_aside = get_bool (&dict, "aside");
  g_variant_dict_lookup (&dict, "conversation", "t", &request->conversation);
  request->max_tokens = get_uint (&dict, "max-tokens", 0);
  request->grammar = get_string (&dict, "grammar");
  request->json_schema = get_string (&dict, "json-schema");
  g_autoptr (GVariant) sampler =
      g_variant_dict_lookup_value (&dict, "sampler", G_VARIANT_TYPE_VARDICT);
  gboolean sound = sampler && wire_read_sampler (sampler, &request->sampler, &out->biases) &&
                   !(request->grammar && request->json_schema) &&
                   (request->messages != NULL) != (request->text != NULL) &&
                   g_variant_get_size (dictionary) <= WORKER_MAX_PROMPT_BYTES;
  if (g_variant_dict_lookup (&dict, "stop", "^a&s", &out->stops)) {
    guint n = g_strv_length ((char **) out->stops);
    sound &= n <= WORKER_MAX_STOPS;
    for (guint i = 0; i < n; i++)
      sound &= *out->stops[i] && strlen (out->stops[i]) <= WORKER_MAX_STOP_BYTES;
    request->stop = out->stops;
  }
  g_variant_dict_clear (&dict);
  if (!sound)
    wire_generation_clear (out);
  return sound;
}

void
wire_generation_clear (WireGeneration *generation)
{
  g_clear_pointer (&generation->dictionary, g_variant_unref);
  g_clear_pointer (&generation->stops, g_free);
  g_clear_pointer (&generation->biases, g_free);
}

GVariant *
wire_stats (const ParleyGenerationStats *stats)
{
  GVariantDict dict;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "prompt-tokens", "u", stats->prompt_tokens);
  g_variant_dict_insert (&dict, "cached-tokens", "u", stats->cached_tokens);
  g_variant_dict_insert (&dict, "reply-tokens", "u", stats->reply_tokens);
  g_variant_dict_insert (&dict, "prompt-seconds", "d", stats->prompt_seconds);
  g_variant_dict_insert (&dict, "reply-seconds", "d", stats->reply_seconds);
  g_variant_dict_insert (&dict, "first-token-seconds", "d", stats->first_token_seconds);
  g_variant_dict_insert (&dict, "rows-evaluated", "t", stats->rows_evaluated);
  g_variant_dict_insert (&dict, "weight-bytes-read", "t", stats->weight_bytes_read);
  g_variant_dict_insert (&dict, "stop", "u", (guint) stats->stop);
  return g_variant_dict_end (&dict);
}

gboolean
wire_read_stats (GVariant *dictionary, ParleyGenerationStats *stats)
{
  GVariantDict dict;
  g_variant_dict_init (&dict, dictionary);
  stats->prompt_tokens = get_uint (&dict, "prompt-tokens", 0);
  stats->cached_tokens = get_uint (&dict, "cached-tokens", 0);
  stats->reply_tokens = get_uint (&dict, "reply-tokens", 0);
  stats->rows_evaluated = stats->weight_bytes_read = 0;
  g_variant_dict_lookup (&dict, "rows-evaluated", "t", &stats->rows_evaluated);
  g_variant_dict_lookup (&dict, "weight-bytes-read", "t", &stats->weight_bytes_read);
  guint stop = get_uint (&dict, "stop", G_MAXUINT);
  gboolean sound = get_seconds (&dict, "prompt-seconds", &stats->prompt_seconds) &&
                   get_seconds (&dict, "reply-seconds", &stats->reply_seconds) &&
                   get_seconds (&dict, "first-token-seconds", &stats->first_token_seconds) &&
                   stop <= PARLEY_GENERATION_ERROR && stats->prompt_tokens <= MAX_TOKENS &&
                   stats->cached_tokens <= stats->prompt_tokens &&
                   stats->reply_tokens <= MAX_TOKENS;
  stats->stop = (ParleyGenerationStop) stop;
  g_variant_dict_clear (&dict);
  return sound;
}

/* ---- what was loaded ---- */

static char *
device_text (const struct pe_device_info *device)
{
  struct pe_json_writer w = { 0 };
  parley_device_to_json (&w, device);
  char *text = g_strdup (pe_json_finish (&w) ? w.text : "");
  pe_json_writer_clear (&w);
  return text;
}

static gboolean
read_device (const char *text, struct pe_device_info *device)
{
  struct pe_json_document document = { 0 };
  if (!text || !pe_json_parse (text, strlen (text), &document, NULL))
    return FALSE;
  gboolean sound = parley_device_from_json (&document.root, device);
  pe_json_document_clear (&document);
  return sound;
}

GVariant *
wire_model (const ParleyLoadedModel *model, guint gpu_layers)
{
  GVariantDict dict;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", model->name);
  g_variant_dict_insert (&dict, "architecture", "s", model->architecture);
  g_variant_dict_insert (&dict, "family", "s", model->family);
  g_variant_dict_insert (&dict, "quantisation", "s", model->quantisation);
  g_variant_dict_insert (&dict, "note", "s", model->note);
  g_variant_dict_insert (&dict, "layers", "u", model->n_layers);
  g_variant_dict_insert (&dict, "trained-context", "u", model->n_ctx_train);
  g_variant_dict_insert (&dict, "vocabulary", "u", model->n_vocab);
  g_variant_dict_insert (&dict, "has-template", "b", model->has_template);
  g_variant_dict_insert (&dict, "has-vocabulary", "b", model->has_vocab);
  g_variant_dict_insert (&dict, "on-gpu", "u", gpu_layers);
  g_variant_dict_insert_value (&dict, "plan", wire_plan_request (&model->plan));
  if (*model->device.id) {
    g_autofree char *device = device_text (&model->device);
    g_variant_dict_insert (&dict, "device", "s", device);
  }
  return g_variant_dict_end (&dict);
}

/* Replaces the string in the dictionary by a clean copy, which lives with it. */
static void
clean_string (GVariantDict *dict, const char *key)
{
  const char *text = get_string (dict, key);
  g_autofree char *clean = wire_clean (text ? text : "");
  g_variant_dict_insert (dict, key, "s", clean);
}

gboolean
wire_read_model (GVariant *dictionary, WireModel *out)
{
  *out = (WireModel){ 0 };
  static const char *const strings[] = { "name", "architecture", "family", "quantisation", "note" };
  ParleyLoadedModel *model = &out->model;
  GVariantDict dict;
  g_variant_dict_init (&dict, dictionary);
  for (gsize i = 0; i < G_N_ELEMENTS (strings); i++)
    clean_string (&dict, strings[i]);
  out->dictionary = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_variant_get_data (out->dictionary); /* flat from here on: strings stay where they are */

  g_variant_dict_init (&dict, out->dictionary);
  model->name = get_string (&dict, "name");
  model->architecture = get_string (&dict, "architecture");
  model->family = get_string (&dict, "family");
  model->quantisation = get_string (&dict, "quantisation");
  model->note = get_string (&dict, "note");
  model->n_layers = get_uint (&dict, "layers", 0);
  model->n_ctx_train = get_uint (&dict, "trained-context", 0);
  model->n_vocab = get_uint (&dict, "vocabulary", 0);
  model->has_template = get_bool (&dict, "has-template");
  model->has_vocab = get_bool (&dict, "has-vocabulary");
  out->gpu_layers = get_uint (&dict, "on-gpu", 0);
  g_autoptr (GVariant) plan = g_variant_dict_lookup_value (&dict, "plan", G_VARIANT_TYPE_VARDICT);
  const char *device = get_string (&dict, "device");
  gboolean sound = plan && wire_read_plan_request (plan, &model->plan) &&
                   (!device || read_device (device, &model->device)) &&
                   model->n_layers <= MAX_LAYERS && out->gpu_layers <= model->n_layers + 1 &&
                   model->n_ctx_train <= MAX_TOKENS && model->n_vocab <= MAX_TOKENS &&
                   model->plan.n_ctx > 0;
  g_variant_dict_clear (&dict);
  if (!sound)
    wire_model_clear (out);
  return sound;
}

void
wire_model_clear (WireModel *model)
{
  g_clear_pointer (&model->dictionary, g_variant_unref);
}

/* ---- memory ---- */

static GVariant *
amounts (const guint64 *bytes)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, bytes, PE_MEMORY_KIND_COUNT,
                                    sizeof *bytes);
}

GVariant *
wire_memory (const struct pe_device_info *device, const ParleyDeviceMemory *memory)
{
  g_autofree char *text = device_text (device);
  return g_variant_new ("(s@at@att)", text, amounts (memory->planned), amounts (memory->allocated),
                        memory->mapped);
}

static gboolean
read_amounts (GVariant *array, guint64 *bytes)
{
  gsize n;
  const guint64 *numbers = g_variant_get_fixed_array (array, &n, sizeof *bytes);
  if (n != PE_MEMORY_KIND_COUNT)
    return FALSE;
  for (gsize i = 0; i < n; i++) {
    if (numbers[i] > G_MAXUINT64 / PE_MEMORY_KIND_COUNT) /* a sum must not overflow */
      return FALSE;
    bytes[i] = numbers[i];
  }
  return TRUE;
}

gboolean
wire_read_memory (GVariant *entry, ParleyDeviceMemory *memory)
{
  *memory = (ParleyDeviceMemory){ 0 };
  const char *text;
  g_autoptr (GVariant) planned = NULL, allocated = NULL;
  g_variant_get (entry, "(&s@at@att)", &text, &planned, &allocated, &memory->mapped);
  struct pe_device_info device;
  if (!read_device (text, &device) || !read_amounts (planned, memory->planned) ||
      !read_amounts (allocated, memory->allocated))
    return FALSE;
  g_strlcpy (memory->id, device.id, sizeof memory->id);
  g_strlcpy (memory->name, device.name, sizeof memory->name);
  memory->kind = device.kind;
  memory->available = device.memory_available;
  memory->total = device.memory_total;
  return TRUE;
}
