/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One reply on its way out of the engine process. Main context of its client only.
 *
 * Signals, in this order of time:
 *   progress (guint done, guint total)   tokens of the prompt read so far
 *   part (ParleyTextKind kind, const char *name, const char *text)
 *                                        the next stretch, at most one batch for each frame of a
 *                                        display; whole UTF-8 characters; another kind or name
 *                                        than before begins a new part
 *   done ()                              once, always, and never from inside the call that made
 *                                        the generation; see the getters
 */
#pragma once

#include <gio/gio.h>

#include "engine/sampler.h"

G_BEGIN_DECLS

typedef enum {
  PARLEY_TEXT_ANSWER,
  PARLEY_TEXT_REASONING,
  PARLEY_TEXT_TOOL_CALL, /* name: the tool; text: its arguments (JSON) */
} ParleyTextKind;

typedef enum {
  PARLEY_GENERATION_END,     /* the model ended it */
  PARLEY_GENERATION_LENGTH,  /* max_tokens reached */
  PARLEY_GENERATION_CONTEXT, /* the context is full */
  PARLEY_GENERATION_WORD,    /* a stop string came; it is not part of the text */
  PARLEY_GENERATION_CANCELLED,
  PARLEY_GENERATION_ERROR,
} ParleyGenerationStop;

/* What to generate. Zero-initialise, then parley_generation_request_init(). Nothing of it is kept
 * after the call that it is given to. */
typedef struct {
  /* A JSON array of messages, [{"role": "user", "content": "…"}, …], rendered by the model's chat
   * format; or NULL, and `text` is continued as it stands. */
  const char *messages;
  const char *text;
  gboolean continues;  /* the last message is the beginning of the reply, to be gone on with */
  const char *options; /* a JSON object of further template variables
                          ({"enable_thinking": false}), or NULL */
  const char *tools;   /* a JSON array of tools offered to the model, or NULL */
  gboolean is_private; /* nothing computed for this request is kept for the next one */
  gboolean is_aside;   /* nobody waits for it as an answer: no conversation but its own gives way */
  guint64 conversation;             /* that it belongs to; 0: none that is known */
  struct pe_sampler_params sampler; /* the seed is used as it stands */
  /* What the answer must follow, reasoning aside: rules or a JSON schema (engine/text/grammar.h);
   * at most one of the two. */
  const char *grammar, *json_schema;
  guint max_tokens;        /* 0: as many as the context holds */
  const char *const *stop; /* ends with NULL, at most 16; or NULL */
} ParleyGenerationRequest;

void parley_generation_request_init (ParleyGenerationRequest *request);

/* "42=-inf", "17=2.5": a token's number and what is added to its logit. FALSE: it is not that. */
gboolean parley_logit_bias_parse (const char *text, struct pe_logit_bias *bias);

typedef struct {
  guint prompt_tokens; /* of which cached_tokens did not have to be read again */
  guint cached_tokens;
  guint reply_tokens;
  double prompt_seconds, reply_seconds;
  double first_token_seconds; /* from the start of the request to the first token */
  guint64 rows_evaluated;     /* tokens that went through the model for it */
  guint64 weight_bytes_read;  /* from the file meanwhile: by moves of layers */
  ParleyGenerationStop stop;
} ParleyGenerationStats;

/* Tokens per second after the first token; 0: too few to say. */
double parley_generation_stats_get_speed (const ParleyGenerationStats *stats);

#define PARLEY_TYPE_GENERATION (parley_generation_get_type ())
G_DECLARE_FINAL_TYPE (ParleyGeneration, parley_generation, PARLEY, GENERATION, GObject)

/* Ends it within one token; what comes until `done` counts. */
void parley_generation_cancel (ParleyGeneration *self);
gboolean parley_generation_is_done (ParleyGeneration *self);
const ParleyGenerationStats *parley_generation_get_stats (ParleyGeneration *self);
/* Little-endian int32 of the prompt and the reply; NULL before `done`, or when it is not known. */
GBytes *parley_generation_get_token_ids (ParleyGeneration *self);
/* NULL: it went well (being cancelled is no error). */
const GError *parley_generation_get_error (ParleyGeneration *self);

G_END_DECLS
