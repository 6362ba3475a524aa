/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whom a chat talks to: takes messages and settings, gives a reply in parts. The local worker is
 * one; nothing here assumes that the engine is on this computer. Main thread only.
 *
 * Signal `changed ()`: state, message, name or context length may be other than before.
 */
#pragma once

#include "chat/parley-reply.h"
#include "chat/parley-sampling.h"

G_BEGIN_DECLS

#define PARLEY_RESPONDER_ERROR (parley_responder_error_quark ())

typedef enum {
  PARLEY_RESPONDER_ERROR_FAILED,
  PARLEY_RESPONDER_ERROR_NOT_READY,    /* no model, or it is still loading */
  PARLEY_RESPONDER_ERROR_INTERRUPTED,  /* the engine ended in the middle; can be continued */
  PARLEY_RESPONDER_ERROR_CONTEXT_FULL, /* the messages do not fit the context */
  PARLEY_RESPONDER_ERROR_TEMPLATE,     /* the model's chat template refuses these messages */
} ParleyResponderError;

GQuark parley_responder_error_quark (void);

typedef enum {
  PARLEY_RESPONDER_NO_MODEL,
  PARLEY_RESPONDER_LOADING,
  PARLEY_RESPONDER_READY,
  PARLEY_RESPONDER_ANSWERING, /* further requests wait their turn */
  PARLEY_RESPONDER_FAILED,    /* the message says what happened and what to do */
} ParleyResponderState;

/* One message as the model is to see it. */
typedef struct {
  gint64 message; /* its identifier; 0: none */
  ParleyRole role;
  GPtrArray *parts; /* of ParleyPartRecord */
} ParleyTurn;

/* Reference-counted; not changed after it was submitted. */
typedef struct {
  gint64 chat;        /* requests of one chat share what was computed for it; 0: share nothing */
  gint64 about;       /* the chat that it is about without being a part of it; 0: none */
  GPtrArray *turns;   /* of ParleyTurn, the system prompt among them */
  gboolean continues; /* the last turn is the beginning of the reply, to be gone on with */
  ParleySampling sampling;
} ParleyRequest;

ParleyRequest *parley_request_new (gint64 chat);
ParleyRequest *parley_request_ref (ParleyRequest *request);
void parley_request_unref (ParleyRequest *request);
/* Adds a turn and returns it, with empty parts. */
ParleyTurn *parley_request_add_turn (ParleyRequest *request, gint64 message, ParleyRole role);
void parley_turn_add_part (ParleyTurn *turn, ParleyPartKind kind, const char *text);
/* The turn's text parts together. */
char *parley_turn_dup_text (const ParleyTurn *turn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyRequest, parley_request_unref)

/* How long a request is. `turns` says what each of its turns costs, as the growth of the prompt
 * when the turn is added to those before it. */
typedef struct {
  guint total; /* tokens of the whole prompt */
  guint limit; /* the context's length; 0: unknown */
  guint n_turns;
  guint turns[];
} ParleyMeasure;

#define PARLEY_TYPE_RESPONDER (parley_responder_get_type ())
G_DECLARE_INTERFACE (ParleyResponder, parley_responder, PARLEY, RESPONDER, GObject)

struct _ParleyResponderInterface {
  GTypeInterface parent_iface;

  ParleyResponderState (*get_state) (ParleyResponder *self);
  char *(*dup_message) (ParleyResponder *self);
  char *(*dup_name) (ParleyResponder *self);
  char *(*dup_reference) (ParleyResponder *self);
  guint (*get_context_length) (ParleyResponder *self);
  gboolean (*has_template) (ParleyResponder *self);
  ParleyReply *(*respond) (ParleyResponder *self, ParleyRequest *request);
  void (*measure_async) (ParleyResponder *self, ParleyRequest *request, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data);
  ParleyMeasure *(*measure_finish) (ParleyResponder *self, GAsyncResult *result, GError **error);
};

ParleyResponderState parley_responder_get_state (ParleyResponder *self);
/* A sentence about the state ("Loading Qwen3 1.7B …", what failed), or NULL. */
char *parley_responder_dup_message (ParleyResponder *self);
/* The model's name for people, or NULL. */
char *parley_responder_dup_name (ParleyResponder *self);
/* What a chat stores to find this responder's model again, or NULL. */
char *parley_responder_dup_reference (ParleyResponder *self);
guint parley_responder_get_context_length (ParleyResponder *self); /* tokens; 0: unknown */
/* FALSE: the model has no chat template; it continues the text as plain completion. */
gboolean parley_responder_has_template (ParleyResponder *self);

/* Never NULL: what goes wrong, comes as the reply's error. */
ParleyReply *parley_responder_respond (ParleyResponder *self,
                                       ParleyRequest *request) G_GNUC_WARN_UNUSED_RESULT;

/* Counts without answering. G_IO_ERROR_NOT_SUPPORTED from a responder that cannot count. The
 * measure is freed by g_free(). */
void parley_responder_measure_async (ParleyResponder *self, ParleyRequest *request,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer data);
ParleyMeasure *parley_responder_measure_finish (ParleyResponder *self, GAsyncResult *result,
                                                GError **error);

/* For implementations. */
void parley_responder_changed (ParleyResponder *self);

G_END_DECLS
