/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the next token is chosen, and how long a reply may be: what a person can set for a chat.
 */
#pragma once

#include "worker/parley-generation.h"

G_BEGIN_DECLS

typedef struct {
  double temperature;       /* 0: always the likeliest; at most 5 */
  guint top_k;              /* 0: off */
  double top_p;             /* 1: off */
  double min_p;             /* 0: off */
  double repeat_penalty;    /* 1: off */
  double frequency_penalty; /* 0: off */
  double presence_penalty;  /* 0: off */
  guint penalty_window;     /* tokens looked back at */
  double typical_p;         /* 1: off */
  double top_n_sigma;       /* 0: off */
  double xtc_probability;   /* 0: off */
  double xtc_threshold;
  double dynamic_temperature_range; /* 0: off */
  double dynamic_temperature_exponent;
  double dry_multiplier; /* 0: off */
  double dry_base;
  guint dry_free_length; /* longest repetition that costs nothing */
  guint dry_window;      /* tokens looked back at */
  guint mirostat;        /* 0: off; 1: version 2, in place of the limits above */
  double mirostat_tau;
  double mirostat_eta;
  /* Interned; NULL: none. At most one of the first two. */
  const char *json_schema; /* that answers follow */
  const char *grammar;     /* rules that answers follow (engine/text/grammar.h) */
  const char *logit_bias;  /* "42=-inf 17=2.5": tokens by number, and what is added to each */
  gboolean seed_given;     /* FALSE: a new seed for every reply */
  guint64 seed;
  guint max_tokens; /* of a reply; 0: as many as it takes */
} ParleySampling;

void parley_sampling_init (ParleySampling *sampling); /* 0.8, 40, 0.95, 0.05, 1 */
gboolean parley_sampling_equal (const ParleySampling *a, const ParleySampling *b);

/* NULL or empty: answers may be anything. Each takes the place of the other. What cannot be used is
 * kept and refused by the model's process: parley_answer_form_check() tells before. */
void parley_sampling_set_json_schema (ParleySampling *sampling, const char *schema);
void parley_sampling_set_grammar (ParleySampling *sampling, const char *rules);
gboolean parley_answer_form_check (const char *text, gboolean is_schema, GError **error);

/* Pairs are apart by spaces or commas. FALSE: this cannot be understood, nothing was changed. */
gboolean parley_sampling_set_logit_bias (ParleySampling *sampling, const char *text);
/* Array of struct pe_logit_bias of a text that parley_sampling_set_logit_bias() takes; else NULL.
 */
GArray *parley_logit_biases_parse (const char *text);

/* A JSON object with the fields that differ from the defaults. */
char *parley_sampling_to_json (const ParleySampling *sampling);
/* Fields that are absent, of another type or not understood keep their defaults, numbers outside
 * their range the nearest allowed one; NULL and text that is no object mean the defaults. */
void parley_sampling_from_json (ParleySampling *sampling, const char *json);

G_END_DECLS
