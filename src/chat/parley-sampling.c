/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/parley-sampling.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "bridge/parley-engine-error.h"
#include "engine/text/grammar.h"

#define MAX_BIASES 1000

typedef enum {
  FIELD_REAL,
  FIELD_COUNT,
} FieldType;

/* One row for each number, so that reading, writing and limits agree. */
static const struct {
  const char *key;
  FieldType type;
  gsize offset;
  double usual, min, max;
} fields[] = {
  { "temperature", FIELD_REAL, offsetof (ParleySampling, temperature), 0.8, 0, 5 },
  { "top_k", FIELD_COUNT, offsetof (ParleySampling, top_k), 40, 0, 1 << 20 },
  { "top_p", FIELD_REAL, offsetof (ParleySampling, top_p), 0.95, 0, 1 },
  { "min_p", FIELD_REAL, offsetof (ParleySampling, min_p), 0.05, 0, 1 },
  { "repeat_penalty", FIELD_REAL, offsetof (ParleySampling, repeat_penalty), 1, 0.1, 10 },
  { "frequency_penalty", FIELD_REAL, offsetof (ParleySampling, frequency_penalty), 0, -2, 2 },
  { "presence_penalty", FIELD_REAL, offsetof (ParleySampling, presence_penalty), 0, -2, 2 },
  { "penalty_window", FIELD_COUNT, offsetof (ParleySampling, penalty_window), 64, 0, 1 << 20 },
  { "typical_p", FIELD_REAL, offsetof (ParleySampling, typical_p), 1, 0, 1 },
  { "top_n_sigma", FIELD_REAL, offsetof (ParleySampling, top_n_sigma), 0, 0, 100 },
  { "xtc_probability", FIELD_REAL, offsetof (ParleySampling, xtc_probability), 0, 0, 1 },
  { "xtc_threshold", FIELD_REAL, offsetof (ParleySampling, xtc_threshold), 0.1, 0, 1 },
  { "dynamic_temperature_range", FIELD_REAL, offsetof (ParleySampling, dynamic_temperature_range),
    0, 0, 5 },
  { "dynamic_temperature_exponent", FIELD_REAL,
    offsetof (ParleySampling, dynamic_temperature_exponent), 1, 0, 10 },
  { "dry_multiplier", FIELD_REAL, offsetof (ParleySampling, dry_multiplier), 0, 0, 100 },
  { "dry_base", FIELD_REAL, offsetof (ParleySampling, dry_base), 1.75, 1, 10 },
  { "dry_free_length", FIELD_COUNT, offsetof (ParleySampling, dry_free_length), 2, 0, 1 << 20 },
  { "dry_window", FIELD_COUNT, offsetof (ParleySampling, dry_window), 8192, 1, 1 << 20 },
  { "mirostat", FIELD_COUNT, offsetof (ParleySampling, mirostat), 0, 0, 1 },
  { "mirostat_tau", FIELD_REAL, offsetof (ParleySampling, mirostat_tau), 5, 0, 100 },
  { "mirostat_eta", FIELD_REAL, offsetof (ParleySampling, mirostat_eta), 0.1, 0, 1 },
  { "max_tokens", FIELD_COUNT, offsetof (ParleySampling, max_tokens), 0, 0, 1 << 24 },
};

/* The same for texts. */
static const struct {
  const char *key;
  gsize offset;
} texts[] = {
  { "json_schema", offsetof (ParleySampling, json_schema) },
  { "grammar", offsetof (ParleySampling, grammar) },
  { "logit_bias", offsetof (ParleySampling, logit_bias) },
};

static const char **
text_of (ParleySampling *sampling, gsize i)
{
  return (const char **) ((char *) sampling + texts[i].offset);
}

static double
get_field (const ParleySampling *sampling, gsize i)
{
  const char *at = (const char *) sampling + fields[i].offset;
  return fields[i].type == FIELD_REAL ? *(const double *) at : *(const guint *) at;
}

static void
set_field (ParleySampling *sampling, gsize i, double value)
{
  char *at = (char *) sampling + fields[i].offset;
  double fit = isnan (value) ? fields[i].usual : CLAMP (value, fields[i].min, fields[i].max);
  if (fields[i].type == FIELD_REAL)
    *(double *) at = fit;
  else
    *(guint *) at = (guint) fit;
}

void
parley_sampling_init (ParleySampling *sampling)
{
  *sampling = (ParleySampling){ 0 };
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    set_field (sampling, i, fields[i].usual);
}

gboolean
parley_sampling_equal (const ParleySampling *a, const ParleySampling *b)
{
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    if (get_field (a, i) != get_field (b, i))
      return FALSE;
  return a->json_schema == b->json_schema && a->grammar == b->grammar &&
         a->logit_bias == b->logit_bias && a->seed_given == b->seed_given &&
         (!a->seed_given || a->seed == b->seed);
}

void
parley_sampling_set_json_schema (ParleySampling *sampling, const char *schema)
{
  sampling->json_schema = schema && *schema ? g_intern_string (schema) : NULL;
  sampling->grammar = NULL;
}

void
parley_sampling_set_grammar (ParleySampling *sampling, const char *rules)
{
  sampling->grammar = rules && *rules ? g_intern_string (rules) : NULL;
  sampling->json_schema = NULL;
}

gboolean
parley_answer_form_check (const char *text, gboolean is_schema, GError **error)
{
  struct pe_grammar *grammar = NULL;
  struct pe_error why = { 0 };
  gsize n = strlen (text);
  gboolean sound = is_schema ? pe_grammar_from_schema (text, n, &grammar, &why)
                             : pe_grammar_parse (text, n, &grammar, &why);
  pe_grammar_free (grammar);
  return sound || parley_set_engine_error (error, &why);
}

GArray *
parley_logit_biases_parse (const char *text)
{
  g_autoptr (GArray) biases = g_array_new (FALSE, FALSE, sizeof (struct pe_logit_bias));
  g_auto (GStrv) pairs = g_strsplit_set (text, " ,;\t\r\n", -1);
  for (gsize i = 0; pairs[i]; i++) {
    struct pe_logit_bias bias;
    if (!*pairs[i])
      continue;
    if (biases->len == MAX_BIASES || !parley_logit_bias_parse (pairs[i], &bias))
      return NULL;
    g_array_append_val (biases, bias);
  }
  return g_steal_pointer (&biases);
}

gboolean
parley_sampling_set_logit_bias (ParleySampling *sampling, const char *text)
{
  g_autoptr (GArray) biases = parley_logit_biases_parse (text ? text : "");
  if (!biases)
    return FALSE;
  sampling->logit_bias = biases->len > 0 ? g_intern_string (text) : NULL;
  return TRUE;
}

char *
parley_sampling_to_json (const ParleySampling *sampling)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++) {
    double value = get_field (sampling, i);
    if (value == fields[i].usual)
      continue;
    pe_json_key (&w, fields[i].key);
    if (fields[i].type == FIELD_REAL)
      pe_json_real (&w, value);
    else
      pe_json_uint (&w, (guint64) value);
  }
  if (sampling->seed_given) {
    /* As text: a reader that keeps numbers as doubles would change it. */
    g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, sampling->seed);
    pe_json_key (&w, "seed");
    pe_json_text (&w, seed);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    const char *text = *text_of ((ParleySampling *) sampling, i);
    if (!text)
      continue;
    pe_json_key (&w, texts[i].key);
    pe_json_text (&w, text);
  }
  pe_json_end_object (&w);
  char *json = g_strdup (pe_json_finish (&w) ? w.text : "{}");
  pe_json_writer_clear (&w);
  return json;
}

static void
read_seed (ParleySampling *sampling, const struct pe_json *value)
{
  guint64 seed = 0;
  if (value->kind == PE_JSON_INT && value->integer >= 0)
    seed = (guint64) value->integer;
  else if (value->kind != PE_JSON_STRING ||
           !g_ascii_string_to_unsigned (value->string.data, 10, 0, G_MAXUINT64, &seed, NULL))
    return;
  sampling->seed = seed;
  sampling->seed_given = TRUE;
}

void
parley_sampling_from_json (ParleySampling *sampling, const char *json)
{
  parley_sampling_init (sampling);
  struct pe_json_document document = { 0 };
  if (!json || !pe_json_parse (json, strlen (json), &document, NULL))
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++) {
    const struct pe_json *value = pe_json_get (&document.root, fields[i].key);
    if (value && value->kind == PE_JSON_INT)
      set_field (sampling, i, (double) value->integer);
    else if (value && value->kind == PE_JSON_FLOAT)
      set_field (sampling, i, value->real);
  }
  const struct pe_json *seed = pe_json_get (&document.root, "seed");
  if (seed)
    read_seed (sampling, seed);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    const struct pe_json *text = pe_json_get (&document.root, texts[i].key);
    if (text && text->kind == PE_JSON_STRING && *text->string.data)
      *text_of (sampling, i) = g_intern_string (text->string.data);
  }
  if (sampling->json_schema)
    sampling->grammar = NULL;
  if (!parley_sampling_set_logit_bias (sampling, sampling->logit_bias))
    sampling->logit_bias = NULL;
  pe_json_document_clear (&document);
}
