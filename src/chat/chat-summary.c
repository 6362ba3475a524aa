/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Forgetting with a summary: the model writes down what the messages say that are to go, and is
 * given that instead of them from then on. The requests are private and aside: what was computed
 * for other chats stays, and what was for this one while there is room beside it.
 *
 * A conversation is rarely as short as what has room there. So it goes in pieces, each with the
 * summary of those before it:
 *
 *   piece -> summary -> (summary, piece) -> summary … until all is in it
 *
 * How much room there is nobody knows beforehand: the first piece is as long as the context allows,
 * and a responder that has no room for it says so before it computes anything; then the pieces
 * become half as long.
 */
#include "chat/parley-chat-private.h"

#include "chat/summary-pieces.h"

#include <glib/gi18n.h>
#include <string.h>

#define MAX_SUMMARY_BYTES 8000
#define MAX_ROUNDS        100
#define USUAL_ROOM        4096 /* tokens, where the context's length is not known */
#define USUAL_BYTES       3    /* a token, where nothing was measured */

struct _ParleySummaryWork {
  ParleySummaryText *text;
  gsize done, end; /* what is in `before`; where the piece under way ends */
  guint n_rounds;  /* that were made */
  guint room;      /* tokens that a request may have, with what is written */
  double bytes_per_token;
  ParleySummaryRoom piece;
  char *before;       /* the summary so far, or NULL */
  ParleyReply *reply; /* to the piece under way */
  GString *written;   /* of it */
};

static void start_round (ParleyChat *self);

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

/* ---- the work ---- */

static void
end_reply (ParleyChat *self)
{
  ParleySummaryWork *work = self->summary;
  if (work->reply)
    g_signal_handlers_disconnect_by_data (work->reply, self);
  g_clear_object (&work->reply);
}

static void
end_work (ParleyChat *self)
{
  end_reply (self);
  ParleySummaryWork *work = g_steal_pointer (&self->summary);
  parley_summary_text_free (work->text);
  g_string_free (work->written, TRUE);
  g_free (work->before);
  g_free (work);
}

void
_parley_chat_stop_summary (ParleyChat *self)
{
  if (!self->summary)
    return;
  g_autoptr (ParleyReply) reply = self->summary->reply ? g_object_ref (self->summary->reply) : NULL;
  end_work (self);
  if (reply)
    parley_reply_cancel (reply);
}

/* Back to the question. */
static void
fail (ParleyChat *self, const char *problem)
{
  end_work (self);
  g_free (self->summary_problem);
  self->summary_problem = g_strdup (problem);
  _parley_chat_set_state (self, PARLEY_CHAT_NEEDS_ROOM);
}

/* ---- a round ---- */

static char *
dup_wish (const ParleySummaryWork *work, const char *piece)
{
  guint words = work->piece.reply_tokens / 2;
  if (!work->before)
    return g_strdup_printf (
        "Sum up the conversation below in at most %u words, in the language it is held in. Keep "
        "names, numbers, decisions and open questions. Write only the summary.\n\n%s",
        words, piece);
  return g_strdup_printf (
      "Below is what was said earlier in a conversation, in short, and how it went on. Sum up both "
      "together in at most %u words, in the language of the conversation. Keep names, numbers, "
      "decisions and open questions. Write only the summary.\n\nEarlier, in short:\n%s\n\n%s",
      words, work->before, piece);
}

static gboolean
find_piece (ParleySummaryWork *work)
{
  g_autofree char *around = dup_wish (work, "");
  if (!parley_summary_room (work->room, work->bytes_per_token, strlen (around), &work->piece))
    return FALSE;
  work->end = parley_summary_text_find_end (work->text, work->done, work->piece.piece_bytes);
  return TRUE;
}

static void
on_part (ParleyChat *self, guint kind, const char *name, const char *text)
{
  GString *written = self->summary->written;
  if (kind == PARLEY_PART_TEXT && written->len < MAX_SUMMARY_BYTES)
    g_string_append (written, text);
}

static void
on_progress (ParleyChat *self, guint done, guint total)
{
  const ParleySummaryWork *work = self->summary;
  double share = total > 0 ? CLAMP ((double) done / total, 0, 1) : 0;
  double here = (double) work->done + share * (double) (work->end - work->done);
  _parley_chat_set_progress (self, here / (double) parley_summary_text_get_length (work->text));
}

static void
on_finished (ParleyChat *self)
{
  g_autoptr (ParleyChat) alive = g_object_ref (self);
  ParleySummaryWork *work = self->summary;
  g_autoptr (GError) error = parley_reply_get_error (work->reply)
                                 ? g_error_copy (parley_reply_get_error (work->reply))
                                 : NULL;
  end_reply (self);
  if (g_error_matches (error, PARLEY_RESPONDER_ERROR, PARLEY_RESPONDER_ERROR_CONTEXT_FULL)) {
    work->room /= 2;
    start_round (self);
    return;
  }
  g_strstrip (work->written->str);
  if (error || !*work->written->str) {
    fail (self, error ? error->message : _ ("The model wrote nothing."));
    return;
  }
  g_free (work->before);
  work->before = g_strdup (work->written->str);
  work->done = work->end;
  work->n_rounds++;
  if (work->done < parley_summary_text_get_length (work->text)) {
    start_round (self);
    return;
  }
  g_autofree char *summary = g_strdup (work->before);
  end_work (self);
  _parley_chat_set_state (self, PARLEY_CHAT_NEEDS_ROOM);
  _parley_chat_forget_before (self, self->kept_beside_summary, summary);
  parley_chat_retry (self);
}

static void
start_round (ParleyChat *self)
{
  ParleySummaryWork *work = self->summary;
  if (!self->responder) {
    fail (self, _ ("The model is no longer loaded."));
    return;
  }
  if (!find_piece (work)) {
    fail (self, _ ("There is too little room for it beside the other chats that the model "
                   "remembers."));
    return;
  }
  gsize left = parley_summary_text_get_length (work->text) - work->done;
  if (left / work->piece.piece_bytes + work->n_rounds >= MAX_ROUNDS) {
    fail (self, _ ("The conversation is too long for the room that there is."));
    return;
  }
  g_autoptr (ParleyRequest) request = parley_request_new (0);
  request->about = self->store ? self->record->id : 0;
  ParleyTurn *turn = parley_request_add_turn (request, 0, PARLEY_ROLE_USER);
  g_autofree char *piece = parley_summary_text_dup_piece (work->text, work->done, work->end);
  g_autofree char *wish = dup_wish (work, piece);
  parley_turn_add_part (turn, PARLEY_PART_TEXT, wish);
  request->sampling = self->sampling;
  request->sampling.temperature = 0;
  request->sampling.max_tokens = work->piece.reply_tokens;
  g_string_truncate (work->written, 0);
  work->reply = parley_responder_respond (self->responder, request);
  g_signal_connect_swapped (work->reply, "part", G_CALLBACK (on_part), self);
  g_signal_connect_swapped (work->reply, "progress", G_CALLBACK (on_progress), self);
  g_signal_connect_swapped (work->reply, "finished", G_CALLBACK (on_finished), self);
}

/* What the messages say that are to go. */
static void
collect (ParleyChat *self, ParleySummaryText *text)
{
  for (guint i = parley_chat_get_memory_start (self); i < self->path->len; i++) {
    ParleyMessage *message = self->path->pdata[i];
    if (parley_message_get_id (message) == self->kept_beside_summary)
      break;
    g_autofree char *words = parley_message_dup_text (message);
    parley_summary_text_add (text, parley_message_get_role (message), words);
  }
}

void
parley_chat_summarise (ParleyChat *self)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (self->state != PARLEY_CHAT_NEEDS_ROOM || !self->overflow.can_summarise || !self->responder)
    return;
  ParleySummaryWork *work = self->summary = g_new0 (ParleySummaryWork, 1);
  guint length = parley_responder_get_context_length (self->responder);
  work->text = parley_summary_text_new ();
  work->written = g_string_new (NULL);
  work->before = g_strdup (parley_chat_get_summary (self));
  work->room = length > 0 ? length : USUAL_ROOM;
  work->bytes_per_token = self->bytes_per_token > 0 ? self->bytes_per_token : USUAL_BYTES;
  collect (self, work->text);
  g_clear_pointer (&self->summary_problem, g_free);
  _parley_chat_set_progress (self, 0);
  _parley_chat_set_state (self, PARLEY_CHAT_SUMMARISING);
  start_round (self);
}
