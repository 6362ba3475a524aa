/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How tokens are chosen, as a dictionary. An entry that is absent keeps its usual value.
 */
#include "worker/wire.h"

typedef enum { REAL, COUNT, SWITCH } Kind;

#define FIELD(key, kind, member)                                                                   \
  {                                                                                                \
    key, kind, offsetof (struct pe_sampler_params, member)                                         \
  }

static const struct {
  const char *key;
  Kind kind; /* float: d, uint32_t: u, bool: b */
  gsize offset;
} fields[] = {
  FIELD ("temperature", REAL, temperature),
  FIELD ("top-k", COUNT, top_k),
  FIELD ("top-p", REAL, top_p),
  FIELD ("min-p", REAL, min_p),
  FIELD ("typical-p", REAL, typical_p),
  FIELD ("top-n-sigma", REAL, top_n_sigma),
  FIELD ("repeat-penalty", REAL, repeat_penalty),
  FIELD ("frequency-penalty", REAL, frequency_penalty),
  FIELD ("presence-penalty", REAL, presence_penalty),
  FIELD ("penalty-window", COUNT, penalty_window),
  FIELD ("xtc-probability", REAL, xtc_probability),
  FIELD ("xtc-threshold", REAL, xtc_threshold),
  FIELD ("dynamic-temperature-range", REAL, dynamic_temperature_range),
  FIELD ("dynamic-temperature-exponent", REAL, dynamic_temperature_exponent),
  FIELD ("dry-multiplier", REAL, dry_multiplier),
  FIELD ("dry-base", REAL, dry_base),
  FIELD ("dry-free-length", COUNT, dry_free_length),
  FIELD ("dry-window", COUNT, dry_window),
  FIELD ("mirostat", SWITCH, mirostat),
  FIELD ("mirostat-tau", REAL, mirostat_tau),
  FIELD ("mirostat-eta", REAL, mirostat_eta),
};

GVariant *
wire_sampler (const struct pe_sampler_params *params)
{
  GVariantDict dict;
  g_variant_dict_init (&dict, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++) {
    const char *at = (const char *) params + fields[i].offset;
    switch (fields[i].kind) {
    case REAL:
      g_variant_dict_insert (&dict, fields[i].key, "d", (double) *(const float *) at);
      break;
    case COUNT: g_variant_dict_insert (&dict, fields[i].key, "u", *(const uint32_t *) at); break;
    case SWITCH: g_variant_dict_insert (&dict, fields[i].key, "b", *(const bool *) at); break;
    }
  }
  g_variant_dict_insert (&dict, "seed", "t", params->seed);
  GVariantBuilder biases;
  g_variant_builder_init (&biases, G_VARIANT_TYPE ("a(id)"));
  for (gsize i = 0; i < params->n_logit_bias; i++)
    g_variant_builder_add (&biases, "(id)", params->logit_bias[i].token,
                           (double) params->logit_bias[i].bias);
  g_variant_dict_insert_value (&dict, "logit-bias", g_variant_builder_end (&biases));
  return g_variant_dict_end (&dict);
}

static gboolean
read_biases (GVariantDict *dict, struct pe_sampler_params *params, struct pe_logit_bias **biases)
{
  g_autoptr (GVariant) list =
      g_variant_dict_lookup_value (dict, "logit-bias", G_VARIANT_TYPE ("a(id)"));
  gsize n = list ? g_variant_n_children (list) : 0;
  if (n > WORKER_MAX_BIASES)
    return FALSE;
  *biases = g_new (struct pe_logit_bias, n);
  for (gsize i = 0; i < n; i++) {
    double bias;
    g_variant_get_child (list, i, "(id)", &(*biases)[i].token, &bias);
    (*biases)[i].bias = (float) bias;
  }
  params->logit_bias = *biases;
  params->n_logit_bias = n;
  return TRUE;
}

gboolean
wire_read_sampler (GVariant *dictionary, struct pe_sampler_params *params,
                   struct pe_logit_bias **biases)
{
  GVariantDict dict;
  pe_sampler_params_init (params);
  g_variant_dict_init (&dict, dictionary);
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++) {
    char *at = (char *) params + fields[i].offset;
    double real;
    gboolean on;
    switch (fields[i].kind) {
    case REAL:
      if (g_variant_dict_lookup (&dict, fields[i].key, "d", &real))
        *(float *) at = (float) CLAMP (real, -G_MAXFLOAT, G_MAXFLOAT);
      break;
    case COUNT: g_variant_dict_lookup (&dict, fields[i].key, "u", (guint32 *) at); break;
    case SWITCH:
      if (g_variant_dict_lookup (&dict, fields[i].key, "b", &on))
        *(bool *) at = on;
      break;
    }
  }
  g_variant_dict_lookup (&dict, "seed", "t", &params->seed);
  gboolean sound = read_biases (&dict, params, biases);
  g_variant_dict_clear (&dict);
  return sound;
}
