/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The text side of a model in the engine process: requests become tokens, tokens become parts of a
 * reply. The model is shared by the engine thread and those that count.
 */
#pragma once

#include "engine/model.h"
#include "engine/text/tokenizer.h"
#include "worker/parley-generation.h"

G_BEGIN_DECLS

/* Reference-counted; constant. */
typedef struct WorkerModel WorkerModel;

/* Owns `model`. */
WorkerModel *worker_model_new (struct pe_model *model);
WorkerModel *worker_model_ref (WorkerModel *self);
void worker_model_unref (WorkerModel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerModel, worker_model_unref)

struct pe_model *worker_model_get (const WorkerModel *self);
/* What is wrong with its chat template, a sentence; NULL: nothing. */
const char *worker_model_get_note (const WorkerModel *self);
/* FALSE: messages are run together as plain completion. */
gboolean worker_model_has_template (const WorkerModel *self);

/* What turns the text of a reply into parts. */
typedef struct WorkerReader WorkerReader;
typedef void (*WorkerPartFn) (gpointer data, ParleyTextKind kind, const char *name,
                              const char *text, gsize n);

void worker_reader_push (WorkerReader *self, const char *bytes, gsize n, WorkerPartFn fn,
                         gpointer data);
void worker_reader_finish (WorkerReader *self, WorkerPartFn fn, gpointer data);
/* Whether it is to be given the text of control tokens as well. */
gboolean worker_reader_wants_control (const WorkerReader *self);
/* What comes next belongs to the answer: no reasoning, no call. */
gboolean worker_reader_is_answering (const WorkerReader *self);
void worker_reader_free (WorkerReader *self); /* NULL is fine */

/* Renders and tokenises into *tokens, of which there is at least one then. *reader gets a
 * new one that fits this request. */
gboolean worker_prompt_make (WorkerModel *model, const ParleyGenerationRequest *request,
                             struct pe_tokens *tokens, WorkerReader **reader, GError **error);

/* How long the prompt is, and how much each message adds: an array of guint32. */
gboolean worker_prompt_count (WorkerModel *model, const ParleyGenerationRequest *request,
                              guint *total, GArray **turns, GError **error);

G_END_DECLS
