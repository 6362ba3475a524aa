/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A folder of its own for each case, and short forms of what the cases do most.
 */
#pragma once

#include <glib/gstdio.h>

#include "store/parley-catalogue.h"
#include "store/parley-chat-records.h"
#include "tests/harness.h"

static inline void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name (dir));) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    remove_tree (child);
  }
  g_remove (path);
}

static char *test_folder;

static inline const char *
fresh_folder (void)
{
  if (test_folder)
    remove_tree (test_folder);
  g_free (test_folder);
  test_folder = g_dir_make_tmp ("parley-test-XXXXXX", NULL);
  return test_folder;
}

static inline ParleyStore *
must_open (const char *folder)
{
  g_autoptr (GError) error = NULL;
  ParleyStore *store = parley_store_open (folder, &error);
  CHECK_MSG (store, "%s", error->message);
  return store;
}

static inline void
must_flush (ParleyStore *store)
{
  g_autoptr (GError) error = NULL;
  CHECK_MSG (parley_store_flush (store, &error), "%s", error->message);
}

static inline void
must_close (ParleyStore *store)
{
  g_autoptr (GError) error = NULL;
  CHECK_MSG (parley_store_close (store, &error), "%s", error->message);
  g_object_unref (store);
}

static inline gint64
put_chat (ParleyStore *store, const char *title)
{
  g_autoptr (ParleyChatRecord) chat = parley_chat_record_new ();
  chat->id = parley_store_new_id (store);
  g_free (chat->title);
  chat->title = g_strdup (title);
  chat->created_at = chat->updated_at = g_get_real_time ();
  parley_store_put_chat (store, chat);
  return chat->id;
}

/* `text` NULL: a running reply. */
static inline gint64
add_message (ParleyStore *store, gint64 chat, gint64 parent, ParleyRole role, const char *text)
{
  g_autoptr (ParleyMessageRecord) message = parley_message_record_new ();
  message->id = parley_store_new_id (store);
  message->chat = chat;
  message->parent = parent;
  message->role = role;
  message->created_at = g_get_real_time ();
  message->state = text ? PARLEY_MESSAGE_COMPLETE : PARLEY_MESSAGE_ANSWERING;
  if (text)
    g_ptr_array_add (message->parts, parley_part_record_new (PARLEY_PART_TEXT, text));
  parley_store_add_message (store, message);
  return message->id;
}

static inline GPtrArray *
must_load (ParleyStore *store, gint64 chat)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *messages = parley_store_load_messages (store, chat, &error);
  CHECK_MSG (messages, "%s", error->message);
  return messages;
}

static inline const char *
part_text (GPtrArray *messages, guint message, guint part)
{
  CHECK (message < messages->len);
  const ParleyMessageRecord *m = messages->pdata[message];
  CHECK (part < m->parts->len);
  return ((ParleyPartRecord *) m->parts->pdata[part])->text;
}
