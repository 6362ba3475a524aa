/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/sampling-options.h"

#include "engine/text/grammar.h"

#include <string.h>

void
cli_sampling_options_init (struct cli_sampling_options *o)
{
  struct pe_sampler_params p;
  pe_sampler_params_init (&p);
  *o = (struct cli_sampling_options){
    .temperature = p.temperature,
    .top_k = (int) p.top_k,
    .top_p = p.top_p,
    .min_p = p.min_p,
    .typical_p = p.typical_p,
    .top_n_sigma = p.top_n_sigma,
    .repeat_penalty = p.repeat_penalty,
    .frequency_penalty = p.frequency_penalty,
    .presence_penalty = p.presence_penalty,
    .penalty_window = (int) p.penalty_window,
    .xtc_probability = p.xtc_probability,
    .xtc_threshold = p.xtc_threshold,
    .dynamic_range = p.dynamic_temperature_range,
    .dynamic_exponent = p.dynamic_temperature_exponent,
    .dry_multiplier = p.dry_multiplier,
    .dry_base = p.dry_base,
    .dry_free_length = (int) p.dry_free_length,
    .dry_window = (int) p.dry_window,
    .mirostat_tau = p.mirostat_tau,
    .mirostat_eta = p.mirostat_eta,
  };
}

void
cli_sampling_options_clear (struct cli_sampling_options *o)
{
  g_clear_pointer (&o->seed, g_free);
  g_clear_pointer (&o->schema_file, g_free);
  g_clear_pointer (&o->grammar_file, g_free);
  g_clear_pointer (&o->biases, g_strfreev);
  g_clear_pointer (&o->stops, g_strfreev);
  g_clear_pointer (&o->bias_list, g_free);
  g_clear_pointer (&o->schema, g_free);
  g_clear_pointer (&o->grammar, g_free);
}

void
cli_sampling_entries (struct cli_sampling_options *o, GArray *entries)
{
  const GOptionEntry rows[] = {
    { "temp", 't', 0, G_OPTION_ARG_DOUBLE, &o->temperature, "Temperature; 0: always the likeliest",
      "T" },
    { "top-k", 0, 0, G_OPTION_ARG_INT, &o->top_k, "Choose among so many; 0: all", "N" },
    { "top-p", 0, 0, G_OPTION_ARG_DOUBLE, &o->top_p, "Share of probability to choose among, 0 to 1",
      "P" },
    { "min-p", 0, 0, G_OPTION_ARG_DOUBLE, &o->min_p, "Least share of the likeliest, 0 to 1", "P" },
    { "typical", 0, 0, G_OPTION_ARG_DOUBLE, &o->typical_p,
      "Share of probability around the expected surprise; 1: off", "P" },
    { "top-n-sigma", 0, 0, G_OPTION_ARG_DOUBLE, &o->top_n_sigma,
      "Within so many deviations of the likeliest; 0: off", "N" },
    { "repeat-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &o->repeat_penalty,
      "Against tokens that have been; 1: none", "X" },
    { "presence-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &o->presence_penalty,
      "Taken once from tokens that have been; 0: none", "X" },
    { "frequency-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &o->frequency_penalty,
      "Taken for each time that a token has been; 0: none", "X" },
    { "repeat-last-n", 0, 0, G_OPTION_ARG_INT, &o->penalty_window,
      "How far back these three look, in tokens", "N" },
    { "dry-multiplier", 0, 0, G_OPTION_ARG_DOUBLE, &o->dry_multiplier,
      "Against repeated runs of tokens; 0: off", "X" },
    { "dry-base", 0, 0, G_OPTION_ARG_DOUBLE, &o->dry_base, "Growth with the length of a run", "X" },
    { "dry-allowed-length", 0, 0, G_OPTION_ARG_INT, &o->dry_free_length,
      "Longest run that costs nothing", "N" },
    { "dry-last-n", 0, 0, G_OPTION_ARG_INT, &o->dry_window, "How far back runs are looked for",
      "N" },
    { "xtc-probability", 0, 0, G_OPTION_ARG_DOUBLE, &o->xtc_probability,
      "How often the likeliest tokens are left out; 0: never", "P" },
    { "xtc-threshold", 0, 0, G_OPTION_ARG_DOUBLE, &o->xtc_threshold,
      "Those that reach it are, all but the least likely", "P" },
    { "dynatemp-range", 0, 0, G_OPTION_ARG_DOUBLE, &o->dynamic_range,
      "Temperature up and down by this, by how sure the model is; 0: off", "T" },
    { "dynatemp-exp", 0, 0, G_OPTION_ARG_DOUBLE, &o->dynamic_exponent, "Its exponent", "X" },
    { "mirostat", 0, 0, G_OPTION_ARG_NONE, &o->mirostat,
      "Aim at a constant surprise (version 2) instead of choosing among the likeliest", NULL },
    { "mirostat-tau", 0, 0, G_OPTION_ARG_DOUBLE, &o->mirostat_tau, "Its target, in bits", "X" },
    { "mirostat-eta", 0, 0, G_OPTION_ARG_DOUBLE, &o->mirostat_eta, "How fast it adapts", "X" },
    { "logit-bias", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->biases,
      "Added to the logit of a token, given by its number; -inf: never. May be repeated",
      "TOKEN=BIAS" },
    { "seed", 0, 0, G_OPTION_ARG_STRING, &o->seed, "The same seed gives the same reply", "N" },
    { "json-schema", 0, 0, G_OPTION_ARG_FILENAME, &o->schema_file,
      "The answer is JSON of this schema", "FILE" },
    { "grammar", 0, 0, G_OPTION_ARG_FILENAME, &o->grammar_file, "The answer follows these rules",
      "FILE" },
    { "max-tokens", 'n', 0, G_OPTION_ARG_INT, &o->max_tokens, "At most so many; 0: no limit", "N" },
    { "stop", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->stops, "End the reply before this text",
      "TEXT" },
  };
  g_array_append_vals (entries, rows, G_N_ELEMENTS (rows));
}

/* ---- what they mean ---- */

static bool
read_counts (const struct cli_sampling_options *o, ParleyGenerationRequest *request)
{
  struct pe_sampler_params *s = &request->sampler;
  const struct {
    const char *name;
    int value;
    guint32 *to;
  } counts[] = {
    { "top-k", o->top_k, &s->top_k },
    { "repeat-last-n", o->penalty_window, &s->penalty_window },
    { "dry-allowed-length", o->dry_free_length, &s->dry_free_length },
    { "dry-last-n", o->dry_window, &s->dry_window },
    { "max-tokens", o->max_tokens, &request->max_tokens },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++) {
    if (counts[i].value < 0) {
      cli_usage ("--%s cannot be negative", counts[i].name);
      return false;
    }
    *counts[i].to = (guint32) counts[i].value;
  }
  return true;
}

static void
read_reals (const struct cli_sampling_options *o, struct pe_sampler_params *s)
{
  s->temperature = (float) o->temperature;
  s->top_p = (float) o->top_p;
  s->min_p = (float) o->min_p;
  s->typical_p = (float) o->typical_p;
  s->top_n_sigma = (float) o->top_n_sigma;
  s->repeat_penalty = (float) o->repeat_penalty;
  s->presence_penalty = (float) o->presence_penalty;
  s->frequency_penalty = (float) o->frequency_penalty;
  s->xtc_probability = (float) o->xtc_probability;
  s->xtc_threshold = (float) o->xtc_threshold;
  s->dynamic_temperature_range = (float) o->dynamic_range;
  s->dynamic_temperature_exponent = (float) o->dynamic_exponent;
  s->dry_multiplier = (float) o->dry_multiplier;
  s->dry_base = (float) o->dry_base;
  s->mirostat_tau = (float) o->mirostat_tau;
  s->mirostat_eta = (float) o->mirostat_eta;
}

static bool
read_biases (struct cli_sampling_options *o, struct pe_sampler_params *s)
{
  gsize n = o->biases ? g_strv_length (o->biases) : 0;
  o->bias_list = g_new (struct pe_logit_bias, n);
  for (gsize i = 0; i < n; i++)
    if (!parley_logit_bias_parse (o->biases[i], &o->bias_list[i])) {
      cli_usage ("--logit-bias wants TOKEN=BIAS, such as 42=-inf, not '%s'", o->biases[i]);
      return false;
    }
  s->logit_bias = o->bias_list;
  s->n_logit_bias = n;
  return true;
}

/* Reads and parses it here already: an error is told before a large model is loaded for nothing. */
static bool
read_grammar (const char *file, bool is_schema, char **text)
{
  struct pe_grammar *grammar = NULL;
  struct pe_error error;
  gsize n;
  if (!file)
    return true;
  *text = cli_read_file (file, PE_GRAMMAR_MAX_BYTES, &n);
  if (!*text)
    return false;
  bool ok = strlen (*text) == n;
  if (!ok)
    cli_fail ("'%s' is no text", file);
  else if (!(ok = is_schema ? pe_grammar_from_schema (*text, n, &grammar, &error)
                            : pe_grammar_parse (*text, n, &grammar, &error)))
    cli_fail ("'%s' cannot be used: %s", file, error.message);
  pe_grammar_free (grammar);
  return ok;
}

bool
cli_sampling_request (struct cli_sampling_options *o, ParleyGenerationRequest *request, int *status)
{
  struct pe_sampler_params *s = &request->sampler;
  struct pe_error error;
  *status = CLI_USAGE;
  read_reals (o, s);
  s->mirostat = o->mirostat;
  if (!read_counts (o, request) || !read_biases (o, s))
    return false;
  if (!pe_sampler_check (s, &error)) {
    cli_usage ("%s", error.message);
    return false;
  }
  s->seed = (guint64) g_random_int () << 32 | g_random_int ();
  if (o->seed && !g_ascii_string_to_unsigned (o->seed, 10, 0, G_MAXUINT64, &s->seed, NULL)) {
    cli_usage ("--seed wants a whole number, not '%s'", o->seed);
    return false;
  }
  if (o->schema_file && o->grammar_file) {
    cli_usage ("--json-schema and --grammar do not go together");
    return false;
  }
  *status = CLI_FAILED;
  if (!read_grammar (o->schema_file, true, &o->schema) ||
      !read_grammar (o->grammar_file, false, &o->grammar))
    return false;
  request->json_schema = o->schema;
  request->grammar = o->grammar;
  request->stop = (const char *const *) o->stops;
  return true;
}
