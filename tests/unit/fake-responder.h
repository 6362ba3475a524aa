/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A responder that a test plays by hand. A prompt counts one token for each byte of text.
 */
#pragma once

#include "chat/parley-responder.h"

#define FAKE_TYPE_RESPONDER (fake_responder_get_type ())
G_DECLARE_FINAL_TYPE (FakeResponder, fake_responder, FAKE, RESPONDER, GObject)

struct _FakeResponder {
  GObject parent_instance;
  ParleyResponderState state;
  guint limit; /* of the context, 0: unknown */
  guint room;  /* tokens for what is asked aside, prompt and reply; 0: as many as one likes */
  gboolean cannot_measure;
  guint n_requests;
  guint n_refused;        /* of them, as there was no room */
  ParleyRequest *request; /* the last one */
  ParleyReply *reply;     /* to it */
};

FakeResponder *fake_responder_new (ParleyResponderState state);
void fake_responder_set_state (FakeResponder *self, ParleyResponderState state);
void fake_responder_say (FakeResponder *self, const char *text);
void fake_responder_think (FakeResponder *self, const char *text);
/* `error` 0: none; else a code of PARLEY_RESPONDER_ERROR plus 1. */
void fake_responder_finish (FakeResponder *self, ParleyStopReason stop, int error);
