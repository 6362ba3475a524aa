/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake-responder.h"

#include <string.h>

static void responder_init (ParleyResponderInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FakeResponder, fake_responder, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (PARLEY_TYPE_RESPONDER, responder_init))

FakeResponder *
fake_responder_new (ParleyResponderState state)
{
  FakeResponder *self = g_object_new (FAKE_TYPE_RESPONDER, NULL);
  self->state = state;
  return self;
}

void
fake_responder_set_state (FakeResponder *self, ParleyResponderState state)
{
  self->state = state;
  parley_responder_changed (PARLEY_RESPONDER (self));
}

void
fake_responder_say (FakeResponder *self, const char *text)
{
  parley_reply_push (self->reply, PARLEY_PART_TEXT, NULL, text, -1);
}

void
fake_responder_think (FakeResponder *self, const char *text)
{
  parley_reply_push (self->reply, PARLEY_PART_REASONING, NULL, text, -1);
}

void
fake_responder_finish (FakeResponder *self, ParleyStopReason stop, int error)
{
  ParleyReplyStats stats = { .prompt_tokens = 7,
                             .reply_tokens = 11,
                             .reply_seconds = 2,
                             .stop = stop,
                             .seed = 42,
                             .model = (char *) "Fake 1B" };
  parley_reply_finish (
      self->reply, &stats,
      error ? g_error_new_literal (PARLEY_RESPONDER_ERROR, error - 1, "The engine ended.") : NULL);
}

static ParleyResponderState
get_state (ParleyResponder *responder)
{
  return FAKE_RESPONDER (responder)->state;
}

static char *
dup_text (ParleyResponder *responder)
{
  return g_strdup ("fake");
}

static guint
get_context_length (ParleyResponder *responder)
{
  return FAKE_RESPONDER (responder)->limit;
}

static gboolean
has_template (ParleyResponder *responder)
{
  return TRUE;
}

static guint
count_tokens (ParleyRequest *request)
{
  guint n = 0;
  for (guint i = 0; i < request->turns->len; i++) {
    g_autofree char *text = parley_turn_dup_text (request->turns->pdata[i]);
    n += (guint) strlen (text);
  }
  return n;
}

static gboolean
refuse (gpointer reply)
{
  parley_reply_finish (reply, NULL,
                       g_error_new_literal (PARLEY_RESPONDER_ERROR,
                                            PARLEY_RESPONDER_ERROR_CONTEXT_FULL, "No room."));
  return G_SOURCE_REMOVE;
}

static ParleyReply *
respond (ParleyResponder *responder, ParleyRequest *request)
{
  FakeResponder *self = FAKE_RESPONDER (responder);
  g_clear_pointer (&self->request, parley_request_unref);
  g_clear_object (&self->reply);
  self->request = parley_request_ref (request);
  self->reply = parley_reply_new ();
  self->n_requests++;
  if (self->room > 0 && request->about != 0 &&
      count_tokens (request) + request->sampling.max_tokens > self->room) {
    self->n_refused++;
    g_idle_add_full (G_PRIORITY_DEFAULT, refuse, g_object_ref (self->reply), g_object_unref);
  }
  /* As those do that now have more to answer. */
  ParleyReply *reply = g_object_ref (self->reply);
  parley_responder_changed (responder);
  return reply;
}

static void
measure_async (ParleyResponder *responder, ParleyRequest *request, GCancellable *cancellable,
               GAsyncReadyCallback callback, gpointer data)
{
  FakeResponder *self = FAKE_RESPONDER (responder);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  if (self->cannot_measure) {
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "cannot count");
    return;
  }
  guint n = request->turns->len;
  ParleyMeasure *measure = g_malloc0 (sizeof *measure + n * sizeof measure->turns[0]);
  measure->n_turns = n;
  measure->limit = self->limit;
  for (guint i = 0; i < n; i++) {
    g_autofree char *text = parley_turn_dup_text (request->turns->pdata[i]);
    measure->turns[i] = (guint) strlen (text);
    measure->total += measure->turns[i];
  }
  g_task_return_pointer (task, measure, g_free);
}

static ParleyMeasure *
measure_finish (ParleyResponder *responder, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
responder_init (ParleyResponderInterface *iface)
{
  iface->get_state = get_state;
  iface->dup_message = dup_text;
  iface->dup_name = dup_text;
  iface->dup_reference = dup_text;
  iface->get_context_length = get_context_length;
  iface->has_template = has_template;
  iface->respond = respond;
  iface->measure_async = measure_async;
  iface->measure_finish = measure_finish;
}

static void
fake_responder_finalize (GObject *object)
{
  FakeResponder *self = FAKE_RESPONDER (object);
  g_clear_pointer (&self->request, parley_request_unref);
  g_clear_object (&self->reply);
  G_OBJECT_CLASS (fake_responder_parent_class)->finalize (object);
}

static void
fake_responder_class_init (FakeResponderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = fake_responder_finalize;
}

static void
fake_responder_init (FakeResponder *self)
{
}
