/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/parley-responder.h"

G_DEFINE_QUARK (parley - responder - error - quark, parley_responder_error)
G_DEFINE_INTERFACE (ParleyResponder, parley_responder, G_TYPE_OBJECT)

static guint changed_signal;

static void
parley_responder_default_init (ParleyResponderInterface *iface)
{
  changed_signal = g_signal_new ("changed", PARLEY_TYPE_RESPONDER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
}

typedef struct {
  ParleyRequest request;
  gatomicrefcount references;
} CountedRequest;

static void
turn_free (gpointer data)
{
  ParleyTurn *turn = data;
  g_ptr_array_unref (turn->parts);
  g_free (turn);
}

ParleyRequest *
parley_request_new (gint64 chat)
{
  CountedRequest *counted = g_new0 (CountedRequest, 1);
  g_atomic_ref_count_init (&counted->references);
  counted->request.chat = chat;
  counted->request.turns = g_ptr_array_new_with_free_func (turn_free);
  parley_sampling_init (&counted->request.sampling);
  return &counted->request;
}

ParleyRequest *
parley_request_ref (ParleyRequest *request)
{
  g_atomic_ref_count_inc (&((CountedRequest *) request)->references);
  return request;
}

void
parley_request_unref (ParleyRequest *request)
{
  CountedRequest *counted = (CountedRequest *) request;
  if (!g_atomic_ref_count_dec (&counted->references))
    return;
  g_ptr_array_unref (request->turns);
  g_free (counted);
}

ParleyTurn *
parley_request_add_turn (ParleyRequest *request, gint64 message, ParleyRole role)
{
  ParleyTurn *turn = g_new0 (ParleyTurn, 1);
  turn->message = message;
  turn->role = role;
  turn->parts = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_part_record_free);
  g_ptr_array_add (request->turns, turn);
  return turn;
}

void
parley_turn_add_part (ParleyTurn *turn, ParleyPartKind kind, const char *text)
{
  g_ptr_array_add (turn->parts, parley_part_record_new (kind, text));
}

char *
parley_turn_dup_text (const ParleyTurn *turn)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < turn->parts->len; i++) {
    const ParleyPartRecord *part = turn->parts->pdata[i];
    if (part->kind == PARLEY_PART_TEXT)
      g_string_append (text, part->text);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

ParleyResponderState
parley_responder_get_state (ParleyResponder *self)
{
  g_return_val_if_fail (PARLEY_IS_RESPONDER (self), PARLEY_RESPONDER_NO_MODEL);
  return PARLEY_RESPONDER_GET_IFACE (self)->get_state (self);
}

char *
parley_responder_dup_message (ParleyResponder *self)
{
  g_return_val_if_fail (PARLEY_IS_RESPONDER (self), NULL);
  return PARLEY_RESPONDER_GET_IFACE (self)->dup_message (self);
}

char *
parley_responder_dup_name (ParleyResponder *self)
{
  g_return_val_if_fail (PARLEY_IS_RESPONDER (self), NULL);
  return PARLEY_RESPONDER_GET_IFACE (self)->dup_name (self);
}

char *
parley_responder_dup_reference (ParleyResponder *self)
{
  g_return_val_if_fail (PARLEY_IS_RESPONDER (self), NULL);
  return PARLEY_RESPONDER_GET_IFACE (self)->dup_reference (self);
}

guint
parley_responder_get_context_length (ParleyResponder *self)
{
  g_return_val_if_fail (PARLEY_IS_RESPONDER (self), 0);
  return PARLEY_RESPONDER_GET_IFACE (self)->get_context_length (self);
}

gboolean
parley_responder_has_template (ParleyResponder *self)
{
  g_return_val_if_fail (PARLEY_IS_RESPONDER (self), FALSE);
  return PARLEY_RESPONDER_GET_IFACE (self)->has_template (self);
}

ParleyReply *
parley_responder_respond (ParleyResponder *self, ParleyRequest *request)
{
  g_return_val_if_fail (PARLEY_IS_RESPONDER (self), NULL);
  return PARLEY_RESPONDER_GET_IFACE (self)->respond (self, request);
}

void
parley_responder_measure_async (ParleyResponder *self, ParleyRequest *request,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer data)
{
  g_return_if_fail (PARLEY_IS_RESPONDER (self));
  PARLEY_RESPONDER_GET_IFACE (self)->measure_async (self, request, cancellable, callback, data);
}

ParleyMeasure *
parley_responder_measure_finish (ParleyResponder *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (PARLEY_IS_RESPONDER (self), NULL);
  return PARLEY_RESPONDER_GET_IFACE (self)->measure_finish (self, result, error);
}

void
parley_responder_changed (ParleyResponder *self)
{
  g_return_if_fail (PARLEY_IS_RESPONDER (self));
  g_signal_emit (self, changed_signal, 0);
}
