/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chats against a responder that the test plays: replies, versions, memory, what is stored.
 */
#include "chat-fixture.h"

#include "chat/context.h"
#include "chat/presets.h"
#include "chat/request-json.h"
#include "chat/summary-pieces.h"
#include "chat/title.h"

static void
reply_arrives_in_parts_and_is_stored (void)
{
  begin ();
  parley_chat_set_system_prompt (chat, "Be brief.");
  ParleyMessage *sent = parley_chat_send (chat, "What is a quantisation? I forgot.", NULL);
  CHECK (sent == at (0));
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_WAITING);
  settle ();
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_READING);
  CHECK (n_messages () == 2);
  CHECK (parley_message_get_state (at (1)) == PARLEY_MESSAGE_ANSWERING);
  check_turn (0, PARLEY_ROLE_SYSTEM, "Be brief.");
  check_turn (1, PARLEY_ROLE_USER, "What is a quantisation? I forgot.");
  CHECK (!fake->request->continues);

  parley_reply_progress (fake->reply, 1, 4);
  CHECK (parley_chat_get_progress (chat) == 0.25);
  fake_responder_think (fake, "Hm");
  fake_responder_think (fake, "m.");
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_ANSWERING);
  fake_responder_say (fake, "Fewer ");
  fake_responder_say (fake, "bits.");
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (at (1))) == 2);
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_IDLE);
  CHECK (parley_chat_get_context_used (chat) == 18);

  reload ();
  CHECK_STR (parley_chat_get_title (chat), "What is a quantisation?");
  CHECK_STR (parley_chat_get_model (chat), "fake");
  CHECK_STR (parley_chat_get_system_prompt (chat), "Be brief.");
  CHECK (n_messages () == 2);
  check_text (1, "Fewer bits.");
  g_autoptr (ParleyPart) first = g_list_model_get_item (G_LIST_MODEL (at (1)), 0);
  CHECK (parley_part_get_kind (first) == PARLEY_PART_REASONING);
  CHECK_STR (parley_part_get_text (first), "Hmm.");
  CHECK (parley_message_get_state (at (1)) == PARLEY_MESSAGE_COMPLETE);
  const ParleyReplyStats *stats = parley_message_get_stats (at (1));
  CHECK (stats && stats->reply_tokens == 11 && stats->stop == PARLEY_STOP_END);
  CHECK (stats->seed == 42 && parley_reply_stats_get_speed (stats) == 5);
  CHECK_STR (stats->model, "Fake 1B");
  CHECK (!parley_message_get_remark (at (1)));
  CHECK (!parley_message_can_continue (at (1)));
}

static void
waits_for_a_responder (void)
{
  begin ();
  parley_chat_set_responder (chat, NULL);
  parley_chat_send (chat, "Anybody?", NULL);
  settle ();
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_WAITING);
  CHECK (parley_chat_get_n_waiting (chat) == 1);
  fake->state = PARLEY_RESPONDER_LOADING;
  parley_chat_set_responder (chat, PARLEY_RESPONDER (fake));
  settle ();
  CHECK (fake->n_requests == 0);
  fake_responder_set_state (fake, PARLEY_RESPONDER_READY);
  settle ();
  CHECK (fake->n_requests == 1);
  fake_responder_say (fake, "Yes.");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  check_text (1, "Yes.");

  fake_responder_set_state (fake, PARLEY_RESPONDER_LOADING);
  parley_chat_send (chat, "Still?", NULL);
  parley_chat_stop (chat);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_IDLE);
  fake_responder_set_state (fake, PARLEY_RESPONDER_READY);
  settle ();
  CHECK (fake->n_requests == 1);
  CHECK (n_messages () == 3);
}

static void
messages_sent_meanwhile_are_answered_together (void)
{
  begin ();
  parley_chat_send (chat, "One", NULL);
  settle ();
  fake_responder_say (fake, "First.");
  parley_chat_send (chat, "Two", NULL);
  parley_chat_send (chat, "Three", NULL);
  settle ();
  CHECK (fake->n_requests == 1);
  CHECK (parley_chat_get_n_waiting (chat) == 2);
  fake_responder_say (fake, " Done.");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  settle ();
  CHECK (fake->n_requests == 2);
  CHECK (fake->request->turns->len == 3);
  check_turn (1, PARLEY_ROLE_ASSISTANT, "First. Done.");
  check_turn (2, PARLEY_ROLE_USER, "Two\n\nThree");
  fake_responder_say (fake, "Second.");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  CHECK (n_messages () == 5);
  check_text (1, "First. Done.");
  check_text (4, "Second.");
}

static void
count_notes (GObject *object, GParamSpec *pspec, guint *n)
{
  (*n)++;
}

static void
replies_wait_behind_those_of_other_chats (void)
{
  guint n_told = 0;
  begin ();
  fake->state = PARLEY_RESPONDER_ANSWERING;
  parley_chat_send (chat, "And me?", NULL);
  settle ();
  CHECK (fake->n_requests == 1);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_WAITING);
  gulong id = g_signal_connect (chat, "notify::responder", G_CALLBACK (count_notes), &n_told);
  fake_responder_set_state (fake, PARLEY_RESPONDER_ANSWERING);
  CHECK (n_told == 1 && fake->n_requests == 1);
  parley_reply_progress (fake->reply, 1, 4);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_READING);
  CHECK (parley_chat_get_progress (chat) == 0.25);
  fake_responder_say (fake, "You too.");
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_ANSWERING);
  fake_responder_finish (fake, PARLEY_STOP_END, 0);

  /* Waiting can be ended, and the message answered later. */
  parley_chat_send (chat, "Again?", NULL);
  settle ();
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_WAITING && fake->n_requests == 2);
  parley_chat_stop (chat);
  CHECK (g_cancellable_is_cancelled (parley_reply_get_cancellable (fake->reply)));
  fake_responder_finish (fake, PARLEY_STOP_CANCELLED, 0);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_IDLE);
  g_signal_handler_disconnect (chat, id);
}

static void
unanswered_messages_can_be_answered (void)
{
  begin ();
  parley_chat_set_responder (chat, NULL);
  parley_chat_send (chat, "Anybody?", NULL);
  reload ();
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_IDLE && n_messages () == 1);
  parley_chat_set_responder (chat, PARLEY_RESPONDER (fake));
  settle ();
  CHECK (fake->n_requests == 0);
  parley_chat_regenerate (chat, at (0));
  settle ();
  CHECK (fake->n_requests == 1);
  check_turn (0, PARLEY_ROLE_USER, "Anybody?");
  fake_responder_say (fake, "Me.");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  CHECK (n_messages () == 2 && parley_message_get_n_versions (at (0)) == 1);
  check_text (1, "Me.");
}

static void
stopped_reply_can_be_continued (void)
{
  begin ();
  parley_chat_send (chat, "Tell a story", NULL);
  settle ();
  fake_responder_say (fake, "Once upon");
  parley_chat_stop (chat);
  CHECK (g_cancellable_is_cancelled (parley_reply_get_cancellable (fake->reply)));
  fake_responder_say (fake, " a");
  fake_responder_finish (fake, PARLEY_STOP_CANCELLED, 0);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_IDLE);
  CHECK (parley_message_get_state (at (1)) == PARLEY_MESSAGE_STOPPED);

  reload ();
  CHECK (parley_message_can_continue (at (1)));
  CHECK_STR (parley_message_get_remark (at (1)), "Stopped.");
  parley_chat_continue (chat, at (1));
  settle ();
  CHECK (fake->request->continues);
  check_turn (1, PARLEY_ROLE_ASSISTANT, "Once upon a");
  fake_responder_say (fake, " time.");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  reload ();
  CHECK (n_messages () == 2);
  check_text (1, "Once upon a time.");
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (at (1))) == 1);
  CHECK (parley_message_get_state (at (1)) == PARLEY_MESSAGE_COMPLETE);
}

static void
death_of_the_engine_keeps_the_text (void)
{
  begin ();
  parley_chat_send (chat, "Hello", NULL);
  settle ();
  fake_responder_say (fake, "Hello, dear");
  fake_responder_finish (fake, PARLEY_STOP_ERROR, PARLEY_RESPONDER_ERROR_INTERRUPTED + 1);
  reload ();
  CHECK (parley_message_get_state (at (1)) == PARLEY_MESSAGE_INTERRUPTED);
  CHECK_STR (parley_message_get_remark (at (1)), "The engine ended.");
  check_text (1, "Hello, dear");
  CHECK (parley_message_can_continue (at (1)));
}

/* The window closed, or the chat was let go of, in the middle of a reply. */
static void
letting_go_of_a_chat_keeps_the_text (void)
{
  begin ();
  parley_chat_send (chat, "Hello", NULL);
  settle ();
  fake_responder_say (fake, "Hel");
  reload ();
  CHECK (g_cancellable_is_cancelled (parley_reply_get_cancellable (fake->reply)));
  CHECK (parley_message_get_state (at (1)) == PARLEY_MESSAGE_INTERRUPTED);
  check_text (1, "Hel");
}

static void
failed_replies_leave_no_versions (void)
{
  begin ();
  parley_chat_send (chat, "Hello", NULL);
  settle ();
  fake_responder_finish (fake, PARLEY_STOP_ERROR, PARLEY_RESPONDER_ERROR_FAILED + 1);
  CHECK (parley_message_get_state (at (1)) == PARLEY_MESSAGE_FAILED);
  CHECK (!parley_message_can_continue (at (1)));
  parley_chat_regenerate (chat, at (1));
  settle ();
  fake_responder_say (fake, "Hi");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  reload ();
  CHECK (n_messages () == 2);
  CHECK (parley_message_get_n_versions (at (1)) == 1);
  check_text (1, "Hi");
}

static void
versions_stand_side_by_side (void)
{
  begin ();
  exchange ("Name a tree", "Oak");
  exchange ("Another", "Elm");
  parley_chat_regenerate (chat, at (1));
  settle ();
  CHECK (fake->request->turns->len == 1);
  CHECK (n_messages () == 2);
  fake_responder_say (fake, "Ash");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  CHECK (parley_message_get_version (at (1)) == 2);
  CHECK (parley_message_get_n_versions (at (1)) == 2);

  CHECK (parley_chat_show_version (chat, at (1), 1));
  CHECK (n_messages () == 4);
  check_text (1, "Oak");
  check_text (3, "Elm");
  CHECK (!parley_chat_show_version (chat, at (1), 3));

  ParleyMessage *edited = parley_chat_edit (chat, at (2), "A third");
  settle ();
  CHECK (edited == at (2));
  CHECK (fake->request->turns->len == 3);
  check_turn (2, PARLEY_ROLE_USER, "A third");
  fake_responder_say (fake, "Fir");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  CHECK (parley_message_get_n_versions (at (2)) == 2);

  reload ();
  CHECK (n_messages () == 4);
  check_text (2, "A third");
  check_text (3, "Fir");
  CHECK (parley_chat_show_version (chat, at (2), 1));
  check_text (3, "Elm");
  CHECK (parley_chat_show_version (chat, at (1), 2));
  CHECK (n_messages () == 2);

  /* The first message has versions too. */
  parley_chat_edit (chat, at (0), "Name a bird");
  settle ();
  fake_responder_say (fake, "Wren");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  reload ();
  CHECK (parley_message_get_version (at (0)) == 2);
  check_text (1, "Wren");
  CHECK (parley_chat_show_version (chat, at (0), 1));
  reload ();
  check_text (1, "Ash");
}

static void
path_stays_while_a_reply_runs (void)
{
  begin ();
  exchange ("One", "1");
  parley_chat_regenerate (chat, at (1));
  settle ();
  fake_responder_say (fake, "I");
  CHECK (!parley_chat_show_version (chat, at (1), 1));
  CHECK (!parley_chat_delete_message (chat, at (0)));
  CHECK (!parley_chat_edit (chat, at (0), "Two"));
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  CHECK (parley_chat_show_version (chat, at (1), 1));
}

static void
deleting_can_be_undone (void)
{
  begin ();
  exchange ("One", "1");
  exchange ("Two", "2");
  /* The only version goes alone … */
  CHECK (parley_chat_delete_message (chat, at (1)));
  CHECK (n_messages () == 3);
  check_text (1, "Two");
  reload ();
  CHECK (n_messages () == 3);
  gint64 id = parley_message_get_id (at (2)), other = parley_message_get_id (at (0));
  CHECK (!parley_chat_undo_delete (chat, id));
  CHECK (parley_chat_delete_message (chat, at (2)));
  CHECK (parley_chat_delete_message (chat, at (0)));
  CHECK (parley_chat_undo_delete (chat, id)); /* not the latest */
  CHECK (n_messages () == 2 && parley_message_get_id (at (1)) == id);
  CHECK (!parley_chat_undo_delete (chat, id));
  CHECK (parley_chat_undo_delete (chat, other));
  CHECK (n_messages () == 3);

  /* … one of several gives way to its neighbour, with what follows it. */
  parley_chat_regenerate (chat, at (2));
  settle ();
  fake_responder_say (fake, "II");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  exchange ("Three", "3");
  CHECK (n_messages () == 5);
  id = parley_message_get_id (at (2));
  CHECK (parley_chat_delete_message (chat, at (2)));
  CHECK (n_messages () == 3);
  check_text (2, "2");
  CHECK (parley_message_get_n_versions (at (2)) == 1);
  CHECK (parley_chat_undo_delete (chat, id));
  CHECK (n_messages () == 5);
  check_text (2, "II");
  check_text (4, "3");
  /* Both sides of the gap are turns of a person: one for the model. */
  exchange ("Four", "4");
  check_turn (0, PARLEY_ROLE_USER, "One\n\nTwo");
}

static void
nothing_is_forgotten_unasked (void)
{
  begin ();
  fake->limit = 100; /* room for a reply: 25 */
  parley_chat_set_system_prompt (chat, "0123456789");
  exchange ("aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb");
  CHECK (fake->n_requests == 1);
  parley_chat_send (chat, "cccccccccccccccccccccccccccccc", NULL);
  settle ();
  CHECK (fake->n_requests == 1);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_NEEDS_ROOM);
  const ParleyOverflow *overflow = parley_chat_get_overflow (chat);
  CHECK (overflow && overflow->needed == 80 + 25 && overflow->length == 100);
  CHECK (overflow->must_go == 40 && overflow->n_messages == 2);
  CHECK (parley_chat_get_memory_start (chat) == 0);

  parley_chat_forget_oldest (chat);
  settle ();
  CHECK (fake->n_requests == 2);
  CHECK (fake->request->turns->len == 2);
  check_turn (0, PARLEY_ROLE_SYSTEM, "0123456789");
  check_turn (1, PARLEY_ROLE_USER, "cccccccccccccccccccccccccccccc");
  fake_responder_say (fake, "d");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  reload ();
  CHECK (parley_chat_get_memory_start (chat) == 2);
  CHECK (parley_message_get_forgotten (at (1)));
  CHECK (!parley_message_get_forgotten (at (2)));
  parley_chat_remember_all (chat);
  CHECK (!parley_message_get_forgotten (at (1)));

  /* Or the context is enlarged, which goes on by itself. */
  parley_chat_send (chat, "e", NULL);
  settle ();
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_NEEDS_ROOM);
  fake->limit = 1000;
  fake_responder_set_state (fake, PARLEY_RESPONDER_READY);
  settle ();
  CHECK (fake->n_requests == 3);
  CHECK (fake->request->turns->len == 6);
  fake_responder_finish (fake, PARLEY_STOP_END, 0);

  /* A last message that is too long alone: nothing could go. */
  fake->limit = 20;
  parley_chat_send (chat, "ffffffffffffffffffffffffffffff", NULL);
  settle ();
  overflow = parley_chat_get_overflow (chat);
  CHECK (overflow && overflow->n_messages == 0);
  parley_chat_forget_oldest (chat);
  settle ();
  CHECK (fake->n_requests == 3);
  parley_chat_stop (chat);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_IDLE);
}

static void
forgotten_messages_can_be_summed_up (void)
{
  begin ();
  fake->limit = 2000; /* room for a reply: 500 */
  g_autofree char *long_text = g_strnfill (550, 'a');
  parley_chat_set_system_prompt (chat, "Be brief.");
  exchange (long_text, "b");
  parley_chat_send (chat, long_text, NULL);
  settle ();
  fake_responder_say (fake, "c");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  parley_chat_send (chat, long_text, NULL);
  settle ();
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_NEEDS_ROOM);
  CHECK (parley_chat_get_overflow (chat)->can_summarise);
  guint before = fake->n_requests;

  /* One that fails leads back to the question. */
  parley_chat_summarise (chat);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_SUMMARISING);
  CHECK (fake->n_requests == before + 1 && fake->request->chat == 0);
  CHECK (strstr (
      ((ParleyPartRecord *) ((ParleyTurn *) fake->request->turns->pdata[0])->parts->pdata[0])->text,
      "User: aaaa"));
  fake_responder_finish (fake, PARLEY_STOP_ERROR, PARLEY_RESPONDER_ERROR_FAILED + 1);
  settle ();
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_NEEDS_ROOM);
  CHECK (parley_chat_get_summary (chat) == NULL);
  CHECK (parley_chat_get_summary_problem (chat) != NULL);

  parley_chat_summarise (chat);
  CHECK (parley_chat_get_summary_problem (chat) == NULL);
  fake_responder_think (fake, "Hm.");
  fake_responder_say (fake, " They spoke of a. ");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  settle ();
  CHECK_STR (parley_chat_get_summary (chat), "They spoke of a.");
  CHECK (parley_chat_get_memory_start (chat) == 4);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_READING);
  check_turn (0, PARLEY_ROLE_SYSTEM,
              "Be brief.\n\nWhat was said earlier in this conversation, in short:\n"
              "They spoke of a.");
  fake_responder_say (fake, "d");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  reload ();
  CHECK_STR (parley_chat_get_summary (chat), "They spoke of a.");
  parley_chat_remember_all (chat);
  CHECK (parley_chat_get_summary (chat) == NULL);

  /* Stopping does neither. */
  fake->limit = 1400;
  parley_chat_send (chat, "e", NULL);
  settle ();
  parley_chat_summarise (chat);
  parley_chat_stop (chat);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_IDLE);
}

/* ---- summaries in pieces ---- */

static const char *
asked (void)
{
  const ParleyTurn *turn = fake->request->turns->pdata[0];
  return ((const ParleyPartRecord *) turn->parts->pdata[0])->text;
}

/* A chat of so many exchanges, whose texts say which they are, that needs room now. */
static void
fill_chat (guint n, const char *text)
{
  begin ();
  for (guint i = 0; i < n; i++) {
    g_autofree char *question = g_strdup_printf ("q%02u. %s", i, text);
    g_autofree char *answer = g_strdup_printf ("a%02u. %s", i, text);
    exchange (question, answer);
  }
  fake->limit = 6000;
  parley_chat_send (chat, "And now?", NULL);
  settle ();
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_NEEDS_ROOM);
  CHECK (parley_chat_get_overflow (chat)->can_summarise);
  fake->n_requests = fake->n_refused = 0;
}

/* Answers each piece until the chat goes on; returns how many there were. */
static guint
answer_pieces (GString *all)
{
  double progress = 0;
  guint n = 0, answered = 0;
  while (parley_chat_get_state (chat) == PARLEY_CHAT_SUMMARISING) {
    settle ();
    if (parley_chat_get_state (chat) != PARLEY_CHAT_SUMMARISING || fake->n_requests == answered)
      break;
    answered = fake->n_requests;
    CHECK (fake->request->chat == 0 && fake->request->about == parley_chat_get_id (chat));
    CHECK (strlen (asked ()) + fake->request->sampling.max_tokens <= fake->room);
    g_autofree char *before = g_strdup_printf ("in short:\nS%u\n", n);
    CHECK_MSG (n == 0 || strstr (asked (), before), "round %u", n);
    g_string_append (all, asked ());
    parley_reply_progress (fake->reply, 1, 2);
    CHECK (parley_chat_get_progress (chat) > progress && parley_chat_get_progress (chat) < 1);
    progress = parley_chat_get_progress (chat);
    g_autofree char *summary = g_strdup_printf ("S%u", ++n);
    fake_responder_say (fake, summary);
    fake_responder_finish (fake, PARLEY_STOP_END, 0);
  }
  settle ();
  return n;
}

static void
long_conversations_are_summed_up_in_pieces (void)
{
  g_autofree char *text = g_strnfill (480, 'x');
  g_autoptr (GString) all = g_string_new (NULL);
  fill_chat (12, text);
  fake->room = 1500;
  parley_chat_summarise (chat);
  guint n = answer_pieces (all), start = parley_chat_get_memory_start (chat);
  /* 6000 tokens, then 3000, and of 1500 each piece has a message: half of the next is too little.
   */
  CHECK_MSG (n == 18 && start == n && fake->n_refused == 2 && fake->n_requests == n + 2 + 1,
             "%u rounds for %u messages, %u refused, %u asked", n, start, fake->n_refused,
             fake->n_requests);
  /* Every message that is forgotten was in a piece, the others in none. */
  for (guint i = 0; i < 24; i++) {
    g_autofree char *mark =
        g_strdup_printf ("%s: %c%02u.", i % 2 ? "Assistant" : "User", i % 2 ? 'a' : 'q', i / 2);
    CHECK_MSG (!!strstr (all->str, mark) == (i < start), "message %u", i);
  }
  CHECK_STR (parley_chat_get_summary (chat), "S18");
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_READING);
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
}

static void
long_messages_are_cut_between_paragraphs (void)
{
  g_autoptr (GString) text = g_string_new (NULL), all = g_string_new (NULL);
  for (guint i = 0; i < 40; i++)
    g_string_append_printf (text, "Paragraph %02u of it. %0*d\n\n", i, 120, 0);
  fill_chat (1, text->str);
  fake->room = 1500;
  parley_chat_summarise (chat);
  CHECK (answer_pieces (all) > 4);
  CHECK (strstr (all->str, "User (going on): Paragraph"));
  for (const char *at = strstr (all->str, "(going on): "); at; at = strstr (at + 1, "(going on): "))
    CHECK (g_str_has_prefix (at, "(going on): Paragraph"));
  for (guint i = 0; i < 40; i++) {
    g_autofree char *mark = g_strdup_printf ("Paragraph %02u", i);
    CHECK (strstr (all->str, mark));
  }
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
}

static void
too_little_room_for_a_summary_is_said (void)
{
  g_autofree char *text = g_strnfill (480, 'x');
  g_autoptr (GString) all = g_string_new (NULL);
  fill_chat (12, text);
  fake->room = 300;
  parley_chat_summarise (chat);
  settle ();
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_NEEDS_ROOM);
  CHECK (strstr (parley_chat_get_summary_problem (chat), "too little room"));
  CHECK (fake->n_requests == fake->n_refused && fake->n_refused <= 5);
  CHECK (parley_chat_get_memory_start (chat) == 0);

  /* It can be stopped between any two pieces, and then nothing is forgotten. */
  fake->room = 1500;
  parley_chat_summarise (chat);
  settle ();
  fake_responder_say (fake, "S1");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_SUMMARISING);
  g_autoptr (ParleyReply) second = g_object_ref (fake->reply);
  parley_chat_stop (chat);
  CHECK (g_cancellable_is_cancelled (parley_reply_get_cancellable (second)));
  CHECK (parley_chat_get_state (chat) == PARLEY_CHAT_IDLE);
  CHECK (parley_chat_get_memory_start (chat) == 0 && parley_chat_get_summary (chat) == NULL);
}

/* Whatever the text is, pieces are whole characters, of bounded length, and all of it. */
static void
pieces_make_up_the_whole (void)
{
  static const char *const texts[] = { "ééééééééééééééé", "one two three. four\nfive\n\nsix", "",
                                       "🙂🙂🙂🙂🙂" };
  for (gsize max = 1; max < 30; max++) {
    g_autoptr (ParleySummaryText) text = parley_summary_text_new ();
    g_autoptr (GString) expected = g_string_new (NULL), got = g_string_new (NULL);
    for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
      parley_summary_text_add (text, PARLEY_ROLE_USER, texts[i]);
      g_string_append_printf (expected, "User: %s\n\n", texts[i]);
    }
    gsize n = parley_summary_text_get_length (text), from = 0;
    while (from < n) {
      gsize end = parley_summary_text_find_end (text, from, max);
      CHECK (end > from && end <= n && (end - from <= max || end - from <= 4));
      g_autofree char *piece = parley_summary_text_dup_piece (text, from, end);
      CHECK (g_utf8_validate (piece, -1, NULL));
      const char *after = strstr (piece, "(going on): ");
      g_string_append (got, after ? after + strlen ("(going on): ") : piece);
      from = end;
    }
    CHECK_STR (got->str, expected->str);
  }
}

static void
thoughts_are_timed (void)
{
  begin ();
  parley_chat_send (chat, "Hello", NULL);
  settle ();
  fake_responder_think (fake, "They greet me.");
  g_usleep (2000);
  fake_responder_say (fake, "Hi");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  double seconds = parley_message_get_stats (at (1))->reasoning_seconds;
  CHECK (seconds >= 0.002);
  reload ();
  CHECK (parley_message_get_stats (at (1))->reasoning_seconds == seconds);
}

static void
presets_are_kept_by_name (void)
{
  begin ();
  ParleySampling sampling;
  parley_sampling_init (&sampling);
  sampling.temperature = 0.25;
  static const char *const names[] = { "Poet \"x\"", "Lawyer", "Lawyer" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    sampling.top_k = (guint) i;
    g_autoptr (ParleyPreset) preset =
        parley_preset_new (names[i], i > 0 ? "Be exact.\n" : NULL, &sampling);
    parley_presets_save (store, preset);
  }
  must_close (g_steal_pointer (&store));
  store = must_open (test_folder);
  g_autoptr (GPtrArray) presets = parley_presets_load (store);
  CHECK (presets->len == 2);
  const ParleyPreset *lawyer = presets->pdata[0], *poet = presets->pdata[1];
  CHECK_STR (lawyer->name, "Lawyer");
  CHECK_STR (lawyer->system_prompt, "Be exact.\n");
  CHECK (lawyer->sampling.top_k == 2 && lawyer->sampling.temperature == 0.25);
  CHECK_STR (poet->name, "Poet \"x\"");
  CHECK (poet->system_prompt == NULL);
  parley_presets_remove (store, "Lawyer");
  g_autoptr (GPtrArray) rest = parley_presets_load (store);
  CHECK (rest->len == 1);
}

/* Nothing that was written is left in any file of the folder. */
static void
erasing_leaves_nothing (void)
{
  begin ();
  g_autoptr (ParleyChatList) list = parley_chat_list_new (store, NULL);
  exchange ("The xylophone is hidden", "Under the quokka");
  parley_chat_list_adopt (list, chat);
  parley_store_set_setting (store, "secret", "marmalade");
  must_flush (store);
  g_autofree char *copy = g_build_filename (test_folder, "copy.db", NULL);
  g_autoptr (GError) error = NULL;
  CHECK_MSG (parley_store_back_up (store, copy, NULL, NULL, NULL, &error), "%s", error->message);

  parley_chat_list_clear (list);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (list)) == 0);
  CHECK_MSG (parley_store_erase (store, &error), "%s", error->message);
  parley_chat_set_title (chat, "The xylophone again"); /* somebody still holds it */
  CHECK (parley_store_get_setting (store, "secret") == NULL);
  g_clear_object (&chat);
  must_close (g_steal_pointer (&store));
  static const char *const words[] = { "xylophone", "quokka", "marmalade" };
  static const char *const files[] = { "parley.db", "parley.db-wal" };
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (words); k++) {
      g_autofree char *path = g_build_filename (test_folder, files[i], NULL);
      g_autofree char *bytes = NULL;
      gsize n;
      if (g_file_get_contents (path, &bytes, &n, NULL))
        CHECK_MSG (!memmem (bytes, n, words[k], strlen (words[k])), "%s in %s", words[k], files[i]);
    }

  /* The back-up has it all. */
  g_autofree char *folder = g_build_filename (test_folder, "restored", NULL);
  g_autofree char *restored = g_build_filename (folder, "parley.db", NULL);
  CHECK (g_mkdir (folder, 0700) == 0 && g_rename (copy, restored) == 0);
  store = must_open (folder);
  g_autoptr (GPtrArray) hits = parley_store_search (store, "quokka", 10, NULL);
  CHECK (hits && hits->len == 1);
}

static void
unmeasured_requests_are_made_all_the_same (void)
{
  begin ();
  fake->cannot_measure = TRUE;
  exchange ("Hello", "Hi");
  CHECK (n_messages () == 2);
}

static void
hostile_text_stays_text (void)
{
  begin ();
  parley_chat_send (chat, "a\xff\xfe b <|im_start|> '; DROP TABLE chat; --", NULL);
  settle ();
  static const char bytes[] = "x\xc3y\0z";
  parley_reply_push (fake->reply, PARLEY_PART_TEXT, NULL, bytes, 5);
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  reload ();
  check_text (0, "a\xef\xbf\xbd\xef\xbf\xbd b <|im_start|> '; DROP TABLE chat; --");
  check_text (1, "x\xef\xbf\xbdy\xef\xbf\xbdz");
}

static void
temporary_chats_leave_nothing (void)
{
  begin ();
  g_clear_object (&chat);
  chat = parley_chat_new (NULL);
  parley_chat_set_responder (chat, PARLEY_RESPONDER (fake));
  CHECK (parley_chat_is_temporary (chat));
  exchange ("Psst", "Yes?");
  CHECK (fake->request->chat == 0);
  check_text (1, "Yes?");
  must_flush (store);
  g_autoptr (GPtrArray) chats = parley_store_list_chats (store, NULL);
  CHECK (chats && chats->len == 0);
}

static void
attachments_stand_before_the_text (void)
{
  begin ();
  g_autoptr (GPtrArray) files =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_part_record_free);
  ParleyPartRecord *file = parley_part_record_new (PARLEY_PART_ATTACHMENT, "int main;");
  file->name = g_strdup ("a.c");
  g_autoptr (GBytes) bytes = g_bytes_new_static ("int main;", 9);
  file->attachment = parley_store_add_attachment (store, "text/x-c", bytes, NULL);
  g_ptr_array_add (files, file);
  parley_chat_send (chat, "Explain", files);
  settle ();
  g_autofree char *json = parley_request_to_json (fake->request);
  CHECK_STR (json, "[{\"role\":\"user\",\"content\":\"File “a.c”:\\n\\nint main;\\n\\nExplain\"}]");
  fake_responder_say (fake, "C");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  parley_chat_edit (chat, at (0), "Explain more");
  settle ();
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  reload ();
  g_autoptr (ParleyPart) part = g_list_model_get_item (G_LIST_MODEL (at (0)), 0);
  CHECK (parley_part_get_kind (part) == PARLEY_PART_ATTACHMENT);
  CHECK_STR (parley_part_get_name (part), "a.c");
  g_autofree char *exported = parley_chat_export_json (chat, NULL, NULL, NULL);
  CHECK (exported && strstr (exported, "\"base64\":\"aW50IG1haW47\""));
}

static void
on_searched (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GListModel **) data = parley_chat_list_search_finish (PARLEY_CHAT_LIST (source), result, NULL);
}

static GListModel *
search (ParleyChatList *list, const char *query)
{
  GListModel *found = NULL;
  must_flush (store);
  parley_chat_list_search_async (list, query, NULL, on_searched, &found);
  while (!found)
    g_main_context_iteration (NULL, TRUE);
  return found;
}

static void
list_follows_its_chats (void)
{
  begin ();
  g_autoptr (ParleyChatList) list = parley_chat_list_new (store, NULL);
  g_autoptr (ParleyChat) trees = parley_chat_list_create (list);
  g_autoptr (ParleyChat) birds = parley_chat_list_create (list);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (list)) == 0);
  parley_chat_send (trees, "The tallest tree", NULL);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (list)) == 1);
  g_usleep (10);
  parley_chat_send (birds, "The smallest bird lives in a tree", NULL);
  CHECK (item (list, 0) == birds && item (list, 1) == trees);
  parley_chat_set_pinned (trees, TRUE);
  CHECK (item (list, 0) == trees);
  parley_chat_set_pinned (trees, FALSE);
  CHECK (item (list, 0) == birds);
  CHECK (parley_chat_list_find (list, parley_chat_get_id (birds)) == birds);

  g_autoptr (GListModel) hits = search (list, "small TREE");
  CHECK (g_list_model_get_n_items (hits) == 0);
  g_autoptr (GListModel) more = search (list, "smallest tre");
  CHECK (g_list_model_get_n_items (more) == 2);
  ParleyChatHit *title = item (more, 0), *message = item (more, 1);
  CHECK (parley_chat_hit_get_chat (title) == birds && parley_chat_hit_get_message (title) == 0);
  CHECK (parley_chat_hit_get_message (message) == parley_message_get_id (item (birds, 0)));
  guint n;
  const ParleySearchMatch *matches = parley_chat_hit_get_matches (message, &n);
  CHECK_STR (parley_chat_hit_get_snippet (message), "The smallest bird lives in a tree");
  CHECK (n == 2 && matches[0].start == 4 && matches[0].end == 12 && matches[1].start == 29);

  parley_chat_list_delete (list, birds);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (list)) == 1);
  g_autoptr (GListModel) none = search (list, "smallest");
  CHECK (g_list_model_get_n_items (none) == 0);
  parley_chat_list_restore (list, birds);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (list)) == 2);
  must_flush (store);
  g_autoptr (ParleyChatList) again = parley_chat_list_new (store, NULL);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (again)) == 2);
}

typedef struct {
  guint n, position, removed, added;
} Change;

static void
note_change (GListModel *list, guint position, guint removed, guint added, Change *change)
{
  *change = (Change){ change->n + 1, position, removed, added };
}

static ParleyChat *
chat_of_time (gint64 updated_at)
{
  g_autoptr (ParleyChatRecord) record = parley_chat_record_new ();
  record->id = parley_store_new_id (store);
  record->updated_at = updated_at;
  return parley_chat_new_from_record (store, record);
}

/* Told of in one change, which leaves out what stays where it was. */
static void
many_join_the_list_at_once (void)
{
  begin ();
  g_autoptr (ParleyChatList) list = parley_chat_list_new (store, NULL);
  g_autoptr (GPtrArray) chats = g_ptr_array_new_with_free_func (g_object_unref);
  for (gint64 i = 1; i <= 100; i++)
    g_ptr_array_add (chats, chat_of_time (i * 10));
  Change change = { 0 };
  g_signal_connect (list, "items-changed", G_CALLBACK (note_change), &change);
  parley_chat_list_adopt_all (list, chats);
  CHECK (change.n == 1 && change.position == 0 && change.removed == 0 && change.added == 100);
  CHECK (item (list, 0) == chats->pdata[99]);

  /* Some between the third and the fourth and one before the fifth; one is known already. */
  g_autoptr (GPtrArray) more = g_ptr_array_new_with_free_func (g_object_unref);
  for (gint64 i = 1; i <= 5; i++)
    g_ptr_array_add (more, chat_of_time (970 + i));
  g_ptr_array_add (more, chat_of_time (965));
  g_ptr_array_add (more, g_object_ref (chats->pdata[4]));
  parley_chat_list_adopt_all (list, more);
  CHECK (change.n == 2 && change.position == 3 && change.removed == 1 && change.added == 7);
  CHECK (item (list, 3) == more->pdata[4] && item (list, 9) == more->pdata[5]);
  CHECK (item (list, 8) == chats->pdata[96] && item (list, 10) == chats->pdata[95]);
  parley_chat_list_adopt_all (list, more);
  CHECK (change.n == 2);
}

/* The same of what another process has written. */
static void
many_come_from_elsewhere_at_once (void)
{
  begin ();
  put_chat (store, "The first");
  must_flush (store);
  g_autoptr (ParleyChatList) list = parley_chat_list_new (store, NULL);
  Change change = { 0 };
  g_signal_connect (list, "items-changed", G_CALLBACK (note_change), &change);
  for (int i = 0; i < 50; i++)
    put_chat (store, "Another");
  must_flush (store);
  parley_chat_list_reload (list);
  CHECK (change.n == 1 && change.removed + 50 == change.added);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (list)) == 51);
}

static void
copies_are_chats_of_their_own (void)
{
  begin ();
  exchange ("One", "1");
  exchange ("Two", "2");
  CHECK (parley_chat_delete_message (chat, at (1)));
  g_autoptr (ParleyChat) branch = parley_chat_branch (chat, at (1));
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (branch)) == 2);
  CHECK (parley_chat_get_id (branch) != parley_chat_get_id (chat));
  g_autoptr (ParleyChatList) list = parley_chat_list_new (store, NULL);
  g_autoptr (ParleyChat) copy = parley_chat_list_duplicate (list, chat);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (copy)) == 3);
  CHECK (parley_chat_list_adopt (list, branch) == branch);
  must_flush (store);
  g_autoptr (ParleyChatRecord) record =
      parley_store_get_chat (store, parley_chat_get_id (copy), NULL);
  g_autoptr (ParleyChat) read = parley_chat_new_from_record (store, record);
  CHECK (parley_chat_open (read, NULL));
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (read)) == 3);
  g_autofree char *text = parley_message_dup_text (item (read, 2));
  CHECK_STR (text, "2");
  g_autofree char *whole = parley_chat_export_json (read, NULL, NULL, NULL);
  CHECK (strstr (whole, "\"deleted\""));
}

typedef struct {
  guint n_opened, n_freed;
  gboolean failed;
} Opened;

static void
on_opened (ParleyChat *self, const GError *error, gpointer data)
{
  Opened *opened = data;
  opened->n_opened++;
  opened->failed = error != NULL;
}

static void
on_freed (gpointer data)
{
  ((Opened *) data)->n_freed++;
}

static void
wait_freed (const Opened *opened, guint n)
{
  for (int i = 0; i < 1000 && opened->n_freed < n; i++) {
    settle ();
    g_usleep (10000);
  }
  CHECK_MSG (opened->n_freed == n, "%u", opened->n_freed);
}

static ParleyChat *
unopened (void)
{
  must_flush (store);
  g_autoptr (ParleyChatRecord) record =
      parley_store_get_chat (store, parley_chat_get_id (chat), NULL);
  return parley_chat_new_from_record (store, record);
}

/* Nothing is read in the call without patience; once for all who wait; not for those who do not. */
static void
chats_are_read_on_a_thread (void)
{
  begin ();
  exchange ("One", "1");
  g_autoptr (ParleyChat) read = unopened ();
  Change change = { 0 };
  Opened opened = { 0 }, cancelled = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_signal_connect (read, "items-changed", G_CALLBACK (note_change), &change);
  parley_chat_open_async (read, 0, NULL, on_opened, &opened, on_freed);
  parley_chat_open_async (read, 0, NULL, on_opened, &opened, on_freed);
  parley_chat_open_async (read, 0, cancellable, on_opened, &cancelled, on_freed);
  g_cancellable_cancel (cancellable);
  CHECK (change.n == 0 && opened.n_opened == 0);
  wait_freed (&opened, 2);
  wait_freed (&cancelled, 1);
  CHECK (opened.n_opened == 2 && !opened.failed && cancelled.n_opened == 0);
  CHECK (change.n == 1 && change.added == 2);

  /* What is there already is told of at once. */
  parley_chat_open_async (read, 0, NULL, on_opened, &opened, on_freed);
  CHECK (opened.n_opened == 3 && opened.n_freed == 3);

  /* With patience, too, and once. */
  g_autoptr (ParleyChat) other = unopened ();
  parley_chat_open_async (other, 60000, NULL, on_opened, &opened, on_freed);
  CHECK (opened.n_opened == 4 && g_list_model_get_n_items (G_LIST_MODEL (other)) == 2);
  wait_freed (&opened, 4);
  CHECK (opened.n_opened == 4);
}

/* A chat that another process goes on with while it is read is read again. */
static void
chats_are_read_as_they_are_in_the_end (void)
{
  begin ();
  exchange ("One", "1");
  must_flush (store);
  g_autoptr (ParleyChatList) list = parley_chat_list_new (store, NULL);
  ParleyChat *seen = item (list, 0);
  Opened opened = { 0 };
  parley_chat_open_async (seen, 0, NULL, on_opened, &opened, on_freed);
  g_usleep (200000); /* likely read by now, but not told of */
  parley_chat_set_responder (chat, NULL);
  parley_chat_send (chat, "Two", NULL);
  must_flush (store);
  parley_chat_list_reload (list);
  CHECK (opened.n_opened == 0);
  wait_freed (&opened, 1);
  CHECK (opened.n_opened == 1 && g_list_model_get_n_items (G_LIST_MODEL (seen)) == 3);
}

/* What another process writes shows up in the list and in open chats. */
static void
other_processes_are_followed (void)
{
  begin ();
  exchange ("One", "1");
  must_flush (store);
  g_autoptr (ParleyChatList) list = parley_chat_list_new (store, NULL);
  ParleyChat *seen = item (list, 0);
  CHECK (parley_chat_open (seen, NULL));
  ParleyStore *second = must_open (test_folder);
  g_autoptr (ParleyChatRecord) record =
      parley_store_get_chat (second, parley_chat_get_id (seen), NULL);
  g_autoptr (ParleyChat) elsewhere = parley_chat_new_from_record (second, record);
  CHECK (parley_chat_open (elsewhere, NULL));
  parley_chat_send (elsewhere, "From elsewhere", NULL);
  put_chat (second, "Another");
  must_flush (second);
  for (int i = 0; i < 1000 && (g_list_model_get_n_items (G_LIST_MODEL (list)) < 2 ||
                               g_list_model_get_n_items (G_LIST_MODEL (seen)) < 3);
       i++) {
    settle ();
    g_usleep (10000);
  }
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (list)) == 2);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (seen)) == 3);
  g_clear_object (&elsewhere);
  must_close (second);
}

static void
sampling_survives_json (void)
{
  ParleySampling s, t;
  parley_sampling_init (&s);
  g_autofree char *usual = parley_sampling_to_json (&s);
  CHECK_STR (usual, "{}");
  s.temperature = 0.25;
  s.top_k = 7;
  s.seed_given = TRUE;
  s.seed = G_MAXUINT64;
  s.typical_p = 0.5;
  s.dry_multiplier = 0.8;
  s.mirostat = 1;
  parley_sampling_set_json_schema (&s, "{\"type\": \"object\"}");
  g_autofree char *json = parley_sampling_to_json (&s);
  parley_sampling_from_json (&t, json);
  CHECK (parley_sampling_equal (&s, &t));
  CHECK_STR (t.json_schema, "{\"type\": \"object\"}");
  parley_sampling_set_grammar (&s, "root ::= \"yes\" | \"no\"");
  CHECK (s.json_schema == NULL && !parley_sampling_equal (&s, &t));
  CHECK (parley_sampling_set_logit_bias (&s, "42=-inf, 17=2.5"));
  g_autofree char *bound = parley_sampling_to_json (&s);
  parley_sampling_from_json (&t, bound);
  CHECK (parley_sampling_equal (&s, &t));
  CHECK_STR (t.grammar, "root ::= \"yes\" | \"no\"");
  parley_sampling_init (&s);
  static const char *const hostile[] = {
    NULL,
    "",
    "[]",
    "{",
    "{\"temperature\":\"hot\"}",
    "{\"seed\":-1}",
    "{\"top_k\":null}",
    "{\"grammar\":7}",
    "{\"grammar\":\"\"}",
    "{\"logit_bias\":\"42\"}",
    "{\"logit_bias\":\"-1=2\"}",
    "{\"logit_bias\":\"1=nan 2=1\"}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (hostile); i++) {
    parley_sampling_from_json (&t, hostile[i]);
    CHECK_MSG (parley_sampling_equal (&s, &t), "%s", hostile[i]);
  }
  parley_sampling_from_json (&t, "{\"temperature\":1e999,\"top_k\":-5,\"top_p\":7,\"min_p\":-1}");
  CHECK (t.temperature == 5 || t.temperature == s.temperature);
  CHECK (t.top_k == 0 && t.top_p == 1 && t.min_p == 0);
}

static void
biases_and_forms_are_checked (void)
{
  g_autoptr (GArray) biases = parley_logit_biases_parse (" 42=-inf,\n17=2.5 ");
  CHECK (biases != NULL && biases->len == 2);
  const struct pe_logit_bias *b = (gpointer) biases->data;
  CHECK (b[0].token == 42 && b[0].bias < -1e30f && b[1].token == 17 && b[1].bias == 2.5f);
  static const char *const wrong[] = { "42", "=1", "42=", "x=1", "42=1x", "99999999999=1", "1==2" };
  ParleySampling s;
  parley_sampling_init (&s);
  CHECK (parley_sampling_set_logit_bias (&s, "1=1"));
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    CHECK_MSG (!parley_sampling_set_logit_bias (&s, wrong[i]), "%s", wrong[i]);
  CHECK_STR (s.logit_bias, "1=1");
  g_autoptr (GString) many = g_string_new (NULL);
  for (guint i = 0; i < 1001; i++)
    g_string_append_printf (many, "%u=1 ", i);
  CHECK (!parley_sampling_set_logit_bias (&s, many->str));
  CHECK (parley_sampling_set_logit_bias (&s, " ") && s.logit_bias == NULL);

  g_autoptr (GError) error = NULL;
  CHECK (parley_answer_form_check ("root ::= \"a\"", FALSE, &error) && error == NULL);
  CHECK (parley_answer_form_check ("{\"type\": \"object\"}", TRUE, &error) && error == NULL);
  CHECK (!parley_answer_form_check ("root ::= (", FALSE, &error) && *error->message != '\0');
  g_clear_error (&error);
  CHECK (!parley_answer_form_check ("{\"type\": 7}", TRUE, &error) && *error->message != '\0');
}

static void
titles_are_first_sentences (void)
{
  static const struct {
    const char *text, *title;
  } cases[] = {
    { "", "" },
    { " \n\t", "" },
    { "Hello", "Hello" },
    { "What is a token? And why?", "What is a token?" },
    { "Explain this.", "Explain this" },
    { "# A heading\nmore", "A heading" },
    { "```c\nint x;\n```\nWhat does it do?", "int x" },
    { "e.g. this one stays together", "e.g. this one stays together" },
    { "Please write a long letter to somebody who has not written back for a whole year",
      "Please write a long letter to somebody who has not written…" },
    { "\xe4\xbd\xa0\xe5\xa5\xbd\xe5\x90\x97\xef\xbc\x9f\xe8\xb0\xa2",
      "\xe4\xbd\xa0\xe5\xa5\xbd\xe5\x90\x97\xef\xbc\x9f" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *title = parley_title_from_text (cases[i].text);
    CHECK_STR (title, cases[i].title);
  }
}

int
main (void)
{
  RUN (reply_arrives_in_parts_and_is_stored);
  RUN (waits_for_a_responder);
  RUN (messages_sent_meanwhile_are_answered_together);
  RUN (replies_wait_behind_those_of_other_chats);
  RUN (unanswered_messages_can_be_answered);
  RUN (stopped_reply_can_be_continued);
  RUN (death_of_the_engine_keeps_the_text);
  RUN (letting_go_of_a_chat_keeps_the_text);
  RUN (failed_replies_leave_no_versions);
  RUN (versions_stand_side_by_side);
  RUN (path_stays_while_a_reply_runs);
  RUN (deleting_can_be_undone);
  RUN (nothing_is_forgotten_unasked);
  RUN (forgotten_messages_can_be_summed_up);
  RUN (long_conversations_are_summed_up_in_pieces);
  RUN (long_messages_are_cut_between_paragraphs);
  RUN (too_little_room_for_a_summary_is_said);
  RUN (pieces_make_up_the_whole);
  RUN (thoughts_are_timed);
  RUN (presets_are_kept_by_name);
  RUN (erasing_leaves_nothing);
  RUN (unmeasured_requests_are_made_all_the_same);
  RUN (hostile_text_stays_text);
  RUN (temporary_chats_leave_nothing);
  RUN (attachments_stand_before_the_text);
  RUN (list_follows_its_chats);
  RUN (many_join_the_list_at_once);
  RUN (many_come_from_elsewhere_at_once);
  RUN (copies_are_chats_of_their_own);
  RUN (chats_are_read_on_a_thread);
  RUN (chats_are_read_as_they_are_in_the_end);
  RUN (other_processes_are_followed);
  RUN (sampling_survives_json);
  RUN (biases_and_forms_are_checked);
  RUN (titles_are_first_sentences);
  return chat_fixture_done ();
}
