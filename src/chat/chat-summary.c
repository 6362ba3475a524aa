/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Forgetting with a summary: the model writes down what the messages say that are to go, and is
 * given that instead of them from then on. The request is private and aside: what was computed for
 * other chats stays, and what was for this one while there is room beside it.
 */
#include "chat/parley-chat-private.h"

#include <glib/gi18n.h>

#define MAX_SUMMARY_BYTES 8000

const char *
parley_chat_get_summary (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  return parley_chat_get_memory_start (self) > 0 ? self->record->summary : NULL;
}

const char *
parley_chat_get_summary_problem (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  return self->summary_problem;
}

char *
_parley_chat_dup_system (ParleyChat *self)
{
  const char *summary = parley_chat_get_summary (self);
  if (!summary)
    return g_strdup (self->record->system_prompt);
  return g_strdup_printf ("%s%sWhat was said earlier in this conversation, in short:\n%s",
                          self->record->system_prompt ? self->record->system_prompt : "",
                          self->record->system_prompt ? "\n\n" : "", summary);
}

static char *
dup_wish (ParleyChat *self)
{
  static const char *const authors[] = {
    [PARLEY_ROLE_SYSTEM] = "System",
    [PARLEY_ROLE_USER] = "User",
    [PARLEY_ROLE_ASSISTANT] = "Assistant",
    [PARLEY_ROLE_TOOL] = "Tool",
  };
  g_autoptr (GString) wish = g_string_new (
      "Sum up the conversation below in at most 200 words, in the language it is held in. Keep "
      "names, numbers, decisions and open questions. Write only the summary.\n\n");
  const char *before = parley_chat_get_summary (self);
  if (before)
    g_string_append_printf (wish, "Before that, in short:\n%s\n\n", before);
  for (guint i = parley_chat_get_memory_start (self); i < self->path->len; i++) {
    ParleyMessage *message = self->path->pdata[i];
    if (parley_message_get_id (message) == self->kept_beside_summary)
      break;
    g_autofree char *text = parley_message_dup_text (message);
    g_string_append_printf (wish, "%s: %s\n\n", authors[parley_message_get_role (message)], text);
  }
  return g_string_free (g_steal_pointer (&wish), FALSE);
}

static void
on_part (ParleyChat *self, guint kind, const char *name, const char *text)
{
  if (kind == PARLEY_PART_TEXT && self->summary_text->len < MAX_SUMMARY_BYTES)
    g_string_append (self->summary_text, text);
}

static void
on_progress (ParleyChat *self, guint done, guint total)
{
  _parley_chat_set_progress (self, total > 0 ? CLAMP ((double) done / total, 0, 1) : 0);
}

/* Returns what was written. */
static char *
take_summary (ParleyChat *self)
{
  g_signal_handlers_disconnect_by_data (self->summary, self);
  g_clear_object (&self->summary);
  return g_strstrip (g_string_free (g_steal_pointer (&self->summary_text), FALSE));
}

void
_parley_chat_stop_summary (ParleyChat *self)
{
  if (!self->summary)
    return;
  g_autoptr (ParleyReply) reply = g_object_ref (self->summary);
  g_free (take_summary (self));
  parley_reply_cancel (reply);
}

static void
on_finished (ParleyChat *self)
{
  g_autoptr (ParleyChat) alive = g_object_ref (self);
  const GError *error = parley_reply_get_error (self->summary);
  g_autofree char *problem = error ? g_strdup (error->message) : NULL;
  g_autofree char *summary = take_summary (self);
  if (!problem && !*summary)
    problem = g_strdup (_ ("The model wrote nothing."));
  self->summary_problem = g_strdup (problem);
  _parley_chat_set_state (self, PARLEY_CHAT_NEEDS_ROOM);
  if (problem)
    return;
  _parley_chat_forget_before (self, self->kept_beside_summary, summary);
  parley_chat_retry (self);
}

void
parley_chat_summarise (ParleyChat *self)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (self->state != PARLEY_CHAT_NEEDS_ROOM || !self->overflow.can_summarise || !self->responder)
    return;
  g_autoptr (ParleyRequest) request = parley_request_new (0);
  request->about = self->store ? self->record->id : 0;
  ParleyTurn *turn = parley_request_add_turn (request, 0, PARLEY_ROLE_USER);
  g_autofree char *wish = dup_wish (self);
  parley_turn_add_part (turn, PARLEY_PART_TEXT, wish);
  request->sampling = self->sampling;
  request->sampling.temperature = 0;
  request->sampling.max_tokens = PARLEY_SUMMARY_TOKENS;
  self->summary_text = g_string_new (NULL);
  g_clear_pointer (&self->summary_problem, g_free);
  _parley_chat_set_progress (self, 0);
  _parley_chat_set_state (self, PARLEY_CHAT_SUMMARISING);
  self->summary = parley_responder_respond (self->responder, request);
  g_signal_connect_swapped (self->summary, "part", G_CALLBACK (on_part), self);
  g_signal_connect_swapped (self->summary, "progress", G_CALLBACK (on_progress), self);
  g_signal_connect_swapped (self->summary, "finished", G_CALLBACK (on_finished), self);
}
