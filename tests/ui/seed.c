/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * seed FOLDER: writes a few chats into a data folder through the store, for pictures and tests of
 * the window. Prints the number of the first chat.
 */
#include "store/parley-chat-records.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
  ParleyStore *store;
  gint64 chat, last, now;
} Seed;

static gint64
message (Seed *seed, gint64 parent, ParleyRole role, const char *reasoning, const char *text,
         ParleyMessageState state)
{
  g_autoptr (ParleyMessageRecord) record = parley_message_record_new ();

  record->id = parley_store_new_id (seed->store);
  record->chat = seed->chat;
  record->parent = parent;
  record->role = role;
  record->state = state;
  record->created_at = seed->now;
  if (record->parts == NULL)
    record->parts = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_part_record_free);
  if (reasoning != NULL)
    g_ptr_array_add (record->parts, parley_part_record_new (PARLEY_PART_REASONING, reasoning));
  g_ptr_array_add (record->parts, parley_part_record_new (PARLEY_PART_TEXT, text));
  if (role == PARLEY_ROLE_ASSISTANT) {
    record->generation = parley_generation_record_new (record->id);
    record->generation->model = g_strdup ("Example 8B Instruct");
    record->generation->stop = g_strdup ("end");
    record->generation->prompt_tokens = 412;
    record->generation->reply_tokens = 318;
    record->generation->prompt_seconds = 0.4;
    record->generation->reply_seconds = 8.1;
    record->generation->first_token_seconds = 0.5;
  }
  parley_store_add_message (seed->store, record);
  if (parent != 0)
    parley_store_choose_child (seed->store, parent, record->id);
  seed->last = record->id;
  return record->id;
}

static void
put (Seed *seed, const char *title, gboolean pinned)
{
  g_autoptr (ParleyChatRecord) record = parley_chat_record_new ();

  g_free (record->title);
  record->id = seed->chat;
  record->title = g_strdup (title);
  record->title_given = TRUE;
  record->pinned = pinned;
  record->leaf = seed->last;
  record->created_at = record->updated_at = seed->now;
  parley_store_put_chat (seed->store, record);
}

static void
begin (Seed *seed)
{
  seed->chat = parley_store_new_id (seed->store);
  seed->last = 0;
  put (seed, "", FALSE);
}

/* The chat knows its last message only now. */
static void
finish (Seed *seed, const char *title, gboolean pinned)
{
  put (seed, title, pinned);
  seed->now -= G_TIME_SPAN_HOUR;
}

static const char answer[] =
    "Both keep **what was said before** in memory, but they pay for it differently.\n\n"
    "## In short\n\n"
    "| | Weights | KV cache |\n"
    "|:--|--:|--:|\n"
    "| Grows with | the model | the conversation |\n"
    "| 8B at 4 bits | 4.7 GB | — |\n"
    "| 8,192 tokens | — | 1.0 GB |\n\n"
    "A rough estimate needs only a few numbers:\n\n"
    "```python\n"
    "def kv_bytes(layers, heads, width, tokens, bits=16):\n"
    "    \"\"\"Keys and values of every layer.\"\"\"\n"
    "    return 2 * layers * heads * width * tokens * bits // 8\n\n"
    "print(kv_bytes(32, 8, 128, 8192) / 1e9, \"GB\")\n"
    "```\n\n"
    "So, before you buy anything:\n\n"
    "1. Move a few layers to main memory and watch the speed.\n"
    "2. Halve the precision of the cache.\n"
    "3. Only then shorten the context.\n\n"
    "> A model that fits *almost* is still useful: the slider finds the place where it is quick "
    "enough.\n\n"
    "- [x] weights counted\n"
    "- [ ] cache measured\n\n"
    "More in [the documentation](https://example.org/memory).";

/* So many chats, the last of which has about so many tokens; returns that one. */
static gint64
many_chats (Seed *seed, int n_chats, int n_tokens)
{
  static const char words[] = "The cache grows with every token, and **so** does the time. ";

  for (int i = 0; i < n_chats; i++) {
    gboolean last = i + 1 == n_chats;
    int tokens = last ? n_tokens : 20;
    begin (seed);
    for (int done = 0; done < tokens;) {
      g_autoptr (GString) text = g_string_new (NULL);
      for (int k = 0; k < 500 && done < tokens; k += 14, done += 14)
        g_string_append (text, words);
      gint64 asked =
          message (seed, seed->last, PARLEY_ROLE_USER, NULL, "And then?", PARLEY_MESSAGE_COMPLETE);
      message (seed, asked, PARLEY_ROLE_ASSISTANT, NULL, text->str, PARLEY_MESSAGE_COMPLETE);
    }
    g_autofree char *title = g_strdup_printf ("Chat number %d", i + 1);
    finish (seed, title, FALSE);
  }
  return seed->chat;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Seed seed = { .now = g_get_real_time () };

  if (argc != 2 && argc != 4) {
    fprintf (stderr, "usage: seed FOLDER [CHATS TOKENS]\n");
    return 2;
  }
  seed.store = parley_store_open (argv[1], &error);
  if (seed.store == NULL) {
    fprintf (stderr, "seed: %s\n", error->message);
    return 1;
  }
  begin (&seed);
  gint64 first = seed.chat;
  gint64 question = message (&seed, 0, PARLEY_ROLE_USER, NULL,
                             "Why does a long chat need more memory than the model file says?",
                             PARLEY_MESSAGE_COMPLETE);
  message (&seed, question, PARLEY_ROLE_ASSISTANT, NULL,
           "Because the cache of keys and values grows with every token.", PARLEY_MESSAGE_COMPLETE);
  gint64 reply = message (&seed, question, PARLEY_ROLE_ASSISTANT,
                          "They ask about memory beyond the weights. That is the KV cache: two "
                          "vectors for each layer and token.",
                          answer, PARLEY_MESSAGE_COMPLETE);
  gint64 more = message (&seed, reply, PARLEY_ROLE_USER, NULL, "And what happens when it is full?",
                         PARLEY_MESSAGE_COMPLETE);
  message (&seed, more, PARLEY_ROLE_ASSISTANT, NULL,
           "Then you decide: the model can forget the oldest messages, or the context is made "
           "larger at the cost of some",
           PARLEY_MESSAGE_INTERRUPTED);
  finish (&seed, "Memory of long chats", TRUE);

  static const struct {
    const char *title, *text, *reply;
  } others[] = {
    { "Sourdough timetable", "When do I feed the starter for bread on Sunday?",
      "Feed it on **Friday evening**, and again on Saturday morning." },
    { "Regular expressions for dates", "A pattern for dates such as 2026-11-23?",
      "```regex\n\\b\\d{4}-\\d{2}-\\d{2}\\b\n```" },
    { "Packing list for a week of walking", "What do I take along?",
      "- boots\n- a map\n- two litres of water" },
    { "Explain page tables", "What is a page table?",
      "It maps the addresses a program uses to places in memory." },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++) {
    begin (&seed);
    gint64 asked =
        message (&seed, 0, PARLEY_ROLE_USER, NULL, others[i].text, PARLEY_MESSAGE_COMPLETE);
    message (&seed, asked, PARLEY_ROLE_ASSISTANT, NULL, others[i].reply, PARLEY_MESSAGE_COMPLETE);
    finish (&seed, others[i].title, FALSE);
  }
  if (argc == 4)
    first = many_chats (&seed, atoi (argv[2]), atoi (argv[3]));
  if (!parley_store_close (seed.store, &error)) {
    fprintf (stderr, "seed: %s\n", error->message);
    return 1;
  }
  g_object_unref (seed.store);
  printf ("%" G_GINT64_FORMAT "\n", first);
  return 0;
}
