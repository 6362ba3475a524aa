/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Well-known models to begin with, shipped as data (resources/suggestions.json), and what this
 * computer's memory holds. No widgets.
 */
#pragma once

#include "hardware/parley-hardware.h"

G_BEGIN_DECLS

typedef struct {
  char *repo, *quantisation;
  char *name, *maker;
  char *license; /* as the hub says it: "apache-2.0" */
  char *kind;    /* "general", "code", … */
  char *source;  /* the address of its page */
  guint64 bytes; /* of the file, rounded */
  guint64 parameters;
} ParleySuggestion;

/* Array of ParleySuggestion by rising size; read once, never freed. */
GPtrArray *parley_suggestions_get (void);

/* "Answers and thinks in steps": what it is good for, translated; "" for unknown kinds. */
const char *parley_suggestion_words (const ParleySuggestion *suggestion);

/* Bytes that weights and a conversation may take on this computer, over all its devices, when it
 * does little else. */
guint64 parley_memory_for_models (ParleyHardware *hardware);
/* Whether a file of so many bytes runs in that much memory, roughly: the plan says it exactly. */
gboolean parley_memory_holds (guint64 memory, guint64 file_bytes);
/* Parameters of the largest model that runs in so much memory in a usual quantisation. */
guint64 parley_memory_parameters (guint64 memory);

G_END_DECLS
