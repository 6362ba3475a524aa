/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A store, a chat in it, and a responder that the test plays.
 */
#pragma once

#include "tests/store/common.h"

#include "chat/parley-chat-list.h"
#include "fake-responder.h"

static ParleyStore *store;
static FakeResponder *fake;
static ParleyChat *chat;

static inline void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static inline void
begin (void)
{
  /* A case before may have ended early. */
  g_clear_object (&chat);
  g_clear_object (&fake);
  if (store)
    parley_store_close (store, NULL);
  g_clear_object (&store);
  store = must_open (fresh_folder ());
  fake = fake_responder_new (PARLEY_RESPONDER_READY);
  chat = parley_chat_new (store);
  parley_chat_set_responder (chat, PARLEY_RESPONDER (fake));
}

/* Everything anew from the disk. */
static inline void
reload (void)
{
  gint64 id = parley_chat_get_id (chat);
  g_clear_object (&chat);
  must_close (g_steal_pointer (&store));
  store = must_open (test_folder);
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyChatRecord) record = parley_store_get_chat (store, id, &error);
  CHECK_MSG (record, "%s", error->message);
  chat = parley_chat_new_from_record (store, record);
  CHECK (parley_chat_open (chat, NULL));
  parley_chat_set_responder (chat, PARLEY_RESPONDER (fake));
}

static inline guint
n_messages (void)
{
  return g_list_model_get_n_items (G_LIST_MODEL (chat));
}

/* Not a new reference. */
static inline ParleyMessage *
at (guint position)
{
  ParleyMessage *message = g_list_model_get_item (G_LIST_MODEL (chat), position);
  CHECK_MSG (message, "no message %u", position);
  g_object_unref (message);
  return message;
}

static inline gpointer
item (gpointer list, guint position)
{
  gpointer found = g_list_model_get_item (G_LIST_MODEL (list), position);
  CHECK_MSG (found, "no item %u", position);
  g_object_unref (found);
  return found;
}

static inline void
check_text (guint position, const char *expected)
{
  g_autofree char *text = parley_message_dup_text (at (position));
  CHECK_STR (text, expected);
}

static inline void
check_turn (guint n, ParleyRole role, const char *expected)
{
  CHECK (n < fake->request->turns->len);
  const ParleyTurn *turn = fake->request->turns->pdata[n];
  g_autofree char *text = parley_turn_dup_text (turn);
  CHECK (turn->role == role);
  CHECK_STR (text, expected);
}

static inline void
exchange (const char *question, const char *answer)
{
  guint before = fake->n_requests;
  parley_chat_send (chat, question, NULL);
  settle ();
  CHECK (fake->n_requests == before + 1);
  fake_responder_say (fake, answer);
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  settle ();
}

static inline int
chat_fixture_done (void)
{
  g_clear_object (&chat);
  g_clear_object (&fake);
  if (store)
    must_close (g_steal_pointer (&store));
  remove_tree (test_folder);
  return test_done ();
}
