/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asking the responder and listening to it:
 *
 *   ask -> (responder ready?) -> measure -> (fits?) -> respond -> parts … -> finished
 *           WAITING until then              NEEDS_ROOM until a person has decided
 *
 * A reply is asked for whenever the path ends in a person's message that wants one, so messages
 * sent during a reply are answered together after it.
 */
#include "chat/parley-chat-private.h"

#include "chat/context.h"
#include "chat/parley-part-private.h"

#include <string.h>

static void on_part (ParleyChat *self, guint kind, const char *name, const char *text);
static void on_progress (ParleyChat *self, guint done, guint total);
static void on_finished (ParleyChat *self);

/* The request */

static void
add_parts (ParleyTurn *turn, ParleyMessage *message)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (message));
  /* Between two messages of the same side, as between paragraphs. */
  if (turn->parts->len > 0)
    parley_turn_add_part (turn, PARLEY_PART_TEXT, "\n\n");
  for (guint i = 0; i < n; i++) {
    g_autoptr (ParleyPart) part = g_list_model_get_item (G_LIST_MODEL (message), i);
    g_ptr_array_add (turn->parts, _parley_part_to_record (part));
  }
}

/* A reply of which nothing came says nothing to the model either. */
static gboolean
says_something (ParleyMessage *message)
{
  return g_list_model_get_n_items (G_LIST_MODEL (message)) > 0;
}

static void
build_request (ParleyChat *self)
{
  g_clear_pointer (&self->request, parley_request_unref);
  ParleyRequest *request = self->request = parley_request_new (self->store ? self->record->id : 0);
  g_array_set_size (self->turn_starts, 0);
  request->sampling = self->sampling;
  request->continues = self->continued != NULL;
  self->n_fixed = 0;
  g_autofree char *system = _parley_chat_dup_system (self);
  if (system) {
    ParleyTurn *turn = parley_request_add_turn (request, 0, PARLEY_ROLE_SYSTEM);
    parley_turn_add_part (turn, PARLEY_PART_TEXT, system);
    guint none = 0;
    g_array_append_val (self->turn_starts, none);
    self->n_fixed = 1;
  }
  ParleyTurn *turn = NULL;
  guint end = self->under ? self->under_end : self->path->len;
  for (guint i = parley_chat_get_memory_start (self); i < end; i++) {
    ParleyMessage *message = self->path->pdata[i];
    ParleyRole role = parley_message_get_role (message);
    if (!says_something (message))
      continue;
    /* Many templates insist on turns that alternate. */
    gboolean merge = turn && turn->role == role && role != PARLEY_ROLE_TOOL;
    if (!merge) {
      turn = parley_request_add_turn (request, parley_message_get_id (message), role);
      g_array_append_val (self->turn_starts, i);
    }
    add_parts (turn, message);
  }
}

/* Asking */

void
_parley_chat_stop_measuring (ParleyChat *self)
{
  if (self->measuring)
    g_cancellable_cancel (self->measuring);
  g_clear_object (&self->measuring);
}

static void
end_waiting (ParleyChat *self)
{
  _parley_chat_stop_measuring (self);
  g_clear_pointer (&self->request, parley_request_unref);
  self->continued = self->under = NULL;
  self->overflow = (ParleyOverflow){ 0 };
  g_clear_pointer (&self->summary_problem, g_free);
}

static void
respond (ParleyChat *self)
{
  g_autoptr (ParleyRequest) request = g_steal_pointer (&self->request);
  g_autofree char *reference = parley_responder_dup_reference (self->responder);
  if (self->continued) {
    self->answering = g_steal_pointer (&self->continued);
    _parley_message_resume (self->answering);
    if (self->stored)
      parley_store_resume_reply (self->store, parley_message_get_id (self->answering));
  } else
    self->answering =
        _parley_chat_add_message (self, self->under ? self->under : _parley_chat_get_last (self),
                                  PARLEY_ROLE_ASSISTANT, PARLEY_MESSAGE_ANSWERING, NULL);
  self->under = NULL;
  _parley_chat_set_model (self, reference);
  self->stopping = FALSE;
  _parley_chat_set_progress (self, 0);
  /* Behind another chat's reply nothing is read yet; its progress says when it is. */
  _parley_chat_set_state (self,
                          parley_responder_get_state (self->responder) == PARLEY_RESPONDER_ANSWERING
                              ? PARLEY_CHAT_WAITING
                              : PARLEY_CHAT_READING);
  self->reply = parley_responder_respond (self->responder, request);
  g_signal_connect_swapped (self->reply, "part", G_CALLBACK (on_part), self);
  g_signal_connect_swapped (self->reply, "progress", G_CALLBACK (on_progress), self);
  g_signal_connect_swapped (self->reply, "finished", G_CALLBACK (on_finished), self);
}

/* The first message that stays when there has to be room for so many more tokens; 0: none can. */
static gint64
find_first_kept (ParleyChat *self, const ParleyMeasure *measure, guint more)
{
  g_autofree ParleyMeasure *longer =
      g_memdup2 (measure, sizeof *measure + measure->n_turns * sizeof measure->turns[0]);
  ParleyOverflow overflow;
  guint first = 0;
  longer->total += more;
  parley_context_plan (longer, self->request->turns, self->n_fixed, self->sampling.max_tokens,
                       &overflow, &first);
  if (overflow.n_messages == 0)
    return 0;
  return parley_message_get_id (self->path->pdata[g_array_index (self->turn_starts, guint, first)]);
}

static double
bytes_per_token (GPtrArray *turns, guint n_tokens)
{
  gsize n_bytes = 0;
  for (guint i = 0; i < turns->len; i++) {
    const ParleyTurn *turn = turns->pdata[i];
    for (guint k = 0; k < turn->parts->len; k++)
      n_bytes += strlen (((const ParleyPartRecord *) turn->parts->pdata[k])->text);
  }
  return n_tokens > 0 ? (double) n_bytes / n_tokens : 0;
}

static void
use_measure (ParleyChat *self, const ParleyMeasure *measure)
{
  guint first_kept;
  self->bytes_per_token = bytes_per_token (self->request->turns, measure->total);
  _parley_chat_set_context (self, measure->total, measure->limit);
  if (parley_context_plan (measure, self->request->turns, self->n_fixed, self->sampling.max_tokens,
                           &self->overflow, &first_kept)) {
    respond (self);
    return;
  }
  /* In messages rather than in turns, since that is what a person sees. */
  guint position = g_array_index (self->turn_starts, guint, first_kept);
  self->first_kept = parley_message_get_id (self->path->pdata[position]);
  if (self->overflow.n_messages > 0)
    self->overflow.n_messages = position - parley_chat_get_memory_start (self);
  /* With some slack, so that the question does not come again with the next message. */
  guint slack = measure->limit / 4;
  gint64 roomier = find_first_kept (self, measure, slack);
  if (roomier != 0)
    self->first_kept = roomier;
  self->kept_beside_summary = find_first_kept (self, measure, slack + PARLEY_SUMMARY_TOKENS);
  if (self->kept_beside_summary == 0)
    self->kept_beside_summary = find_first_kept (self, measure, PARLEY_SUMMARY_TOKENS);
  self->overflow.can_summarise = self->kept_beside_summary != 0 && self->overflow.n_messages > 0;
  _parley_chat_set_state (self, PARLEY_CHAT_NEEDS_ROOM);
}

typedef struct {
  ParleyChat *chat;
  GCancellable *cancellable; /* tells which measure this is */
} Measuring;

static void
on_measured (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Measuring *measuring = data;
  g_autoptr (ParleyChat) self = measuring->chat;
  g_autoptr (GCancellable) cancellable = measuring->cancellable;
  g_autofree ParleyMeasure *measure =
      parley_responder_measure_finish (PARLEY_RESPONDER (source), result, NULL);
  if (self->measuring != cancellable)
    return;
  g_clear_object (&self->measuring);
  /* What cannot be measured is asked all the same: the reply says what is wrong. */
  if (measure)
    use_measure (self, measure);
  else
    respond (self);
}

static gboolean
is_ready (ParleyChat *self)
{
  if (!self->responder)
    return FALSE;
  ParleyResponderState state = parley_responder_get_state (self->responder);
  return state == PARLEY_RESPONDER_READY || state == PARLEY_RESPONDER_ANSWERING;
}

void
_parley_chat_ask (ParleyChat *self)
{
  /* A responder may tell of a change while it is asked, before its reply is known. */
  if (self->answering || self->measuring || self->summary)
    return;
  _parley_chat_set_state (self, PARLEY_CHAT_WAITING);
  /* Who was told may have found a responder, and so have asked already. */
  if (self->measuring || !is_ready (self))
    return;
  build_request (self);
  self->measuring = g_cancellable_new ();
  Measuring *measuring = g_new (Measuring, 1);
  *measuring =
      (Measuring){ .chat = g_object_ref (self), .cancellable = g_object_ref (self->measuring) };
  parley_responder_measure_async (self->responder, self->request, self->measuring, on_measured,
                                  measuring);
}

void
_parley_chat_responder_changed (ParleyChat *self)
{
  guint length = self->responder ? parley_responder_get_context_length (self->responder) : 0;
  _parley_chat_set_context (self, self->context_used, length);
  if (self->state == PARLEY_CHAT_NEEDS_ROOM && length > self->overflow.length)
    parley_chat_retry (self);
  else if (self->state == PARLEY_CHAT_WAITING) {
    if (!is_ready (self))
      _parley_chat_stop_measuring (self);
    _parley_chat_ask (self);
  }
  _parley_chat_tell_responder (self);
}

/* Listening */

static void
on_progress (ParleyChat *self, guint done, guint total)
{
  if (self->state == PARLEY_CHAT_WAITING)
    _parley_chat_set_state (self, PARLEY_CHAT_READING);
  _parley_chat_set_progress (self, total > 0 ? CLAMP ((double) done / total, 0, 1) : 0);
}

static void
on_part (ParleyChat *self, guint kind, const char *name, const char *text)
{
  _parley_chat_set_state (self, PARLEY_CHAT_ANSWERING);
  guint n = _parley_message_append (self->answering, (ParleyPartKind) kind, name, text);
  if (self->stored)
    parley_store_append_reply (self->store, parley_message_get_id (self->answering), n,
                               (ParleyPartKind) kind, name, text, -1);
}

static ParleyGenerationRecord *
make_generation (ParleyChat *self)
{
  const ParleyReplyStats *stats = parley_reply_get_stats (self->reply);
  const GError *error = parley_reply_get_error (self->reply);
  ParleyGenerationRecord *g =
      parley_generation_record_new (parley_message_get_id (self->answering));
  g->model = g_strdup (stats->model);
  g->model_sha256 = g_strdup (stats->model_sha256);
  g->settings = parley_sampling_to_json (&self->sampling);
  g->seed = stats->seed;
  g->prompt_tokens = stats->prompt_tokens;
  g->cached_tokens = stats->cached_tokens;
  g->reply_tokens = stats->reply_tokens;
  g->prompt_seconds = stats->prompt_seconds;
  g->reply_seconds = stats->reply_seconds;
  g->first_token_seconds = stats->first_token_seconds;
  g->reasoning_seconds = stats->reasoning_seconds;
  g->rows_evaluated = stats->rows_evaluated;
  g->weight_bytes_read = stats->weight_bytes_read;
  g->stop = g_strdup (parley_stop_reason_to_string (stats->stop));
  g->problem = error ? g_strdup (error->message) : NULL;
  g->token_ids = stats->token_ids ? g_bytes_ref (stats->token_ids) : NULL;
  return g;
}

static ParleyMessageState
final_state (ParleyReply *reply)
{
  const GError *error = parley_reply_get_error (reply);
  if (!error)
    return parley_reply_get_stats (reply)->stop == PARLEY_STOP_CANCELLED ? PARLEY_MESSAGE_STOPPED
                                                                         : PARLEY_MESSAGE_COMPLETE;
  return g_error_matches (error, PARLEY_RESPONDER_ERROR, PARLEY_RESPONDER_ERROR_INTERRUPTED)
             ? PARLEY_MESSAGE_INTERRUPTED
             : PARLEY_MESSAGE_FAILED;
}

/* The reply is over, or over for us: keeps what came. Takes `generation`. */
static void
conclude (ParleyChat *self, ParleyMessageState state, ParleyGenerationRecord *generation)
{
  ParleyMessage *message = g_steal_pointer (&self->answering);
  g_signal_handlers_disconnect_by_data (self->reply, self);
  g_clear_object (&self->reply);
  if (self->stored)
    parley_store_finish_reply (self->store, parley_message_get_id (message), state, generation);
  _parley_message_finish (message, state, generation);
  _parley_chat_touch (self);
}

static void
on_finished (ParleyChat *self)
{
  g_autoptr (ParleyChat) alive = g_object_ref (self);
  const ParleyReplyStats *stats = parley_reply_get_stats (self->reply);
  if (stats->prompt_tokens > 0)
    _parley_chat_set_context (self, stats->prompt_tokens + stats->reply_tokens,
                              self->context_length);
  ParleyMessageState state = final_state (self->reply);
  gboolean went_well = state == PARLEY_MESSAGE_COMPLETE && !self->stopping;
  conclude (self, state, make_generation (self));
  ParleyMessage *last = _parley_chat_get_last (self);
  if (went_well && parley_message_get_role (last) == PARLEY_ROLE_USER)
    _parley_chat_ask (self);
  else
    _parley_chat_set_state (self, PARLEY_CHAT_IDLE);
}

void
_parley_chat_abandon (ParleyChat *self)
{
  _parley_chat_stop_summary (self);
  end_waiting (self);
  if (!self->reply)
    return;
  g_autoptr (ParleyReply) reply = g_object_ref (self->reply);
  ParleyGenerationRecord *generation = make_generation (self);
  conclude (self, PARLEY_MESSAGE_INTERRUPTED, generation);
  parley_reply_cancel (reply);
}

/* What a person does */

static GPtrArray *
parts_with_text (const char *text, GPtrArray *attachments)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_part_record_free);
  for (guint i = 0; attachments && i < attachments->len; i++)
    g_ptr_array_add (parts, parley_part_record_copy (attachments->pdata[i]));
  if (text && *text) {
    g_autofree char *valid = g_utf8_make_valid (text, -1);
    g_ptr_array_add (parts, parley_part_record_new (PARLEY_PART_TEXT, valid));
  }
  return parts;
}

ParleyMessage *
parley_chat_send (ParleyChat *self, const char *text, GPtrArray *attachments)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  GPtrArray *parts = parts_with_text (text, attachments);
  if (parts->len == 0) {
    g_ptr_array_unref (parts);
    return NULL;
  }
  const ParleyPartRecord *first = parts->pdata[0];
  g_autofree char *title_source = g_strdup (text && *text ? text
                                            : first->name ? first->name
                                                          : first->text);
  /* What was measured or offered to be forgotten was for another last message. */
  if (!self->reply) {
    _parley_chat_stop_summary (self);
    end_waiting (self);
  }
  ParleyMessage *message = _parley_chat_add_message (
      self, _parley_chat_get_last (self), PARLEY_ROLE_USER, PARLEY_MESSAGE_COMPLETE, parts);
  _parley_chat_make_title (self, title_source);
  self->stopping = FALSE;
  _parley_chat_ask (self);
  return message;
}

ParleyMessage *
parley_chat_edit (ParleyChat *self, ParleyMessage *message, const char *text)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  if (_parley_chat_is_busy (self))
    return NULL;
  g_autoptr (GPtrArray) others =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_part_record_free);
  g_autoptr (ParleyMessageRecord) old = _parley_message_to_record (message, self->record->id);
  for (guint i = 0; i < old->parts->len; i++) {
    const ParleyPartRecord *part = old->parts->pdata[i];
    if (part->kind == PARLEY_PART_ATTACHMENT)
      g_ptr_array_add (others, parley_part_record_copy (part));
  }
  ParleyRole role = parley_message_get_role (message);
  ParleyMessage *edited =
      _parley_chat_add_message (self, _parley_message_get_parent (message), role,
                                PARLEY_MESSAGE_COMPLETE, parts_with_text (text, others));
  if (role == PARLEY_ROLE_USER)
    _parley_chat_ask (self);
  return edited;
}

void
parley_chat_regenerate (ParleyChat *self, ParleyMessage *message)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (_parley_chat_is_busy (self))
    return;
  guint position;
  if (!g_ptr_array_find (self->path, message, &position))
    return;
  if (parley_message_get_role (message) != PARLEY_ROLE_ASSISTANT) {
    self->under = message;
    self->under_end = position + 1;
  } else {
    self->under = _parley_message_get_parent (message);
    self->under_end = position;
    /* One that failed before it said anything is no version worth keeping. */
    if (self->under && !says_something (message))
      _parley_chat_discard (self, message);
  }
  if (self->under)
    _parley_chat_ask (self);
}

void
parley_chat_continue (ParleyChat *self, ParleyMessage *message)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (_parley_chat_is_busy (self) || !parley_message_can_continue (message) ||
      _parley_chat_get_last (self) != message)
    return;
  self->continued = message;
  _parley_chat_ask (self);
}

void
parley_chat_stop (ParleyChat *self)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (self->reply) {
    self->stopping = TRUE;
    parley_reply_cancel (self->reply);
    return;
  }
  _parley_chat_stop_summary (self);
  end_waiting (self);
  _parley_chat_set_state (self, PARLEY_CHAT_IDLE);
}

guint
parley_chat_get_n_waiting (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), 0);
  if (!_parley_chat_is_busy (self))
    return 0;
  guint n = 0;
  for (guint i = self->path->len; i > 0; i--, n++)
    if (parley_message_get_role (self->path->pdata[i - 1]) != PARLEY_ROLE_USER)
      break;
  return n;
}

/* Memory */

const ParleyOverflow *
parley_chat_get_overflow (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  return self->state == PARLEY_CHAT_NEEDS_ROOM ? &self->overflow : NULL;
}

void
parley_chat_forget_oldest (ParleyChat *self)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (self->state != PARLEY_CHAT_NEEDS_ROOM || self->overflow.n_messages == 0)
    return;
  _parley_chat_forget_before (self, self->first_kept, NULL);
  parley_chat_retry (self);
}

void
parley_chat_retry (ParleyChat *self)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (self->state == PARLEY_CHAT_NEEDS_ROOM)
    _parley_chat_ask (self);
}

void
_parley_chat_forget_before (ParleyChat *self, gint64 message, const char *summary)
{
  self->record->memory_start = message;
  if (g_strcmp0 (self->record->summary, summary) != 0) {
    g_free (self->record->summary);
    self->record->summary = g_strdup (summary);
  }
  _parley_chat_save (self);
  _parley_chat_update_path (self);
  _parley_chat_memory_changed (self);
}

guint
parley_chat_get_memory_start (ParleyChat *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), 0);
  for (guint i = 0; self->record->memory_start && i < self->path->len; i++)
    if (parley_message_get_id (self->path->pdata[i]) == self->record->memory_start)
      return i;
  return 0;
}

void
parley_chat_remember_all (ParleyChat *self)
{
  g_return_if_fail (PARLEY_IS_CHAT (self));
  if (self->record->memory_start != 0)
    _parley_chat_forget_before (self, 0, NULL);
}
