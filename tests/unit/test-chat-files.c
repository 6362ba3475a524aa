/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chats that go into files and come out of them, and files that are no chats.
 */
#include "chat-fixture.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void
exported_chats_come_back (void)
{
  begin ();
  g_autoptr (GPtrArray) files =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_part_record_free);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("int main;", 9);
  ParleyPartRecord *file = parley_part_record_new (PARLEY_PART_ATTACHMENT, "int main;");
  file->name = g_strdup ("main.c");
  file->attachment = parley_store_add_attachment (store, "text/plain", bytes, NULL);
  g_ptr_array_add (files, file);
  parley_chat_send (chat, "What is this?", files);
  settle ();
  fake_responder_think (fake, "A variable.");
  fake_responder_say (fake, "A variable called main.");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  parley_chat_regenerate (chat, at (1));
  settle ();
  fake_responder_say (fake, "Odd C.");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  parley_chat_show_version (chat, at (1), 1);
  parley_chat_set_title (chat, "Odd “C”");
  parley_chat_set_folder (chat, "Work");
  parley_chat_set_pinned (chat, TRUE);
  must_flush (store);

  g_autofree char *json = parley_chat_export_json (chat, NULL, NULL, NULL);
  g_autoptr (GError) error = NULL;
  ParleyChat *copy = parley_chat_import_json (store, json, strlen (json), NULL, &error);
  CHECK_MSG (copy, "%s", error ? error->message : "");
  CHECK (parley_chat_get_id (copy) != parley_chat_get_id (chat));
  g_object_unref (chat);
  chat = copy;
  reload ();
  CHECK_STR (parley_chat_get_title (chat), "Odd “C”");
  CHECK_STR (parley_chat_get_folder (chat), "Work");
  CHECK (parley_chat_get_pinned (chat));
  CHECK (n_messages () == 2);
  CHECK (parley_message_get_n_versions (at (1)) == 2 && parley_message_get_version (at (1)) == 1);
  check_text (1, "A variable called main.");
  g_autofree char *again = parley_chat_export_json (chat, NULL, NULL, NULL);
  CHECK_STR (again, json);
}

static void
hostile_exports_are_refused (void)
{
  static const char *const texts[] = {
    "",
    "{}",
    "[1]",
    "{\"format\":\"parley-chat\"}",
    "{\"format\":\"parley-chat\",\"version\":2,\"messages\":[]}",
    "{\"format\":\"parley-chat\",\"version\":1}",
    "{\"format\":\"parley-chat\",\"version\":1,\"messages\":[{\"id\":1,\"parent\":2,"
    "\"role\":\"user\"},{\"id\":2,\"parent\":1,\"role\":\"user\"}]}",
    "{\"format\":\"parley-chat\",\"version\":1,\"messages\":[{\"id\":1,\"role\":\"user\"},"
    "{\"id\":1,\"role\":\"user\"}]}",
    "{\"format\":\"parley-chat\",\"version\":1,\"messages\":[{\"id\":1,\"role\":\"x\"}]}",
  };
  begin ();
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;
    ParleyChat *read = parley_chat_import_json (store, texts[i], strlen (texts[i]), NULL, &error);
    CHECK_MSG (!read && error, "case %zu", i);
  }
  /* What is merely odd is left out. */
  static const char odd[] =
      "{\"format\":\"parley-chat\",\"version\":1,\"title\":7,\"messages\":[{\"id\":5,\"parent\":"
      "null,\"role\":\"user\",\"created\":\"never\",\"parts\":[{\"kind\":\"x\",\"text\":\"a\"},"
      "{\"kind\":\"text\"},{\"kind\":\"text\",\"text\":\"b\"},{\"kind\":\"attachment\","
      "\"text\":\"t\",\"attachment\":\"../../etc\"}],\"generation\":{\"seed\":-1,"
      "\"reply_tokens\":1e99}}],\"path\":[99,\"x\"],\"attachments\":[]}";
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyChat) read = parley_chat_import_json (store, odd, strlen (odd), NULL, &error);
  CHECK_MSG (read, "%s", error ? error->message : "");
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (read)) == 1);
}

static guint
count_chats (void)
{
  g_autoptr (GPtrArray) chats = parley_store_list_chats (store, NULL);
  return chats->len;
}

/* Refused in words that hold `words`, and nothing of it is in the store. */
static void
check_refused (const char *json, gsize n, const char *words)
{
  g_autoptr (GError) error = NULL;
  guint before = count_chats ();
  CHECK_MSG (!parley_chat_import_json (store, json, n, NULL, &error), "%s", words);
  CHECK_MSG (strstr (error->message, words), "%s: %s", words, error->message);
  CHECK (count_chats () == before);
}

#define HEAD "{\"format\":\"parley-chat\",\"version\":1,"

static void
exports_of_any_size_are_bounded (void)
{
  begin ();
  g_autoptr (GString) deep = g_string_new (HEAD "\"messages\":");
  for (guint i = 0; i < 100; i++)
    g_string_append_c (deep, '[');
  check_refused (deep->str, deep->len, "nested too deeply");

  g_autoptr (GString) many = g_string_new (HEAD "\"messages\":[");
  for (guint i = 1; i <= 100001; i++)
    g_string_append_printf (many, "%s{\"id\":%u,\"role\":\"user\"}", i > 1 ? "," : "", i);
  g_string_append (many, "]}");
  check_refused (many->str, many->len, "too many messages");

  g_autoptr (GString) parts =
      g_string_new (HEAD "\"messages\":[{\"id\":1,\"role\":\"user\",\"parts\":[");
  for (guint i = 0; i < 1001; i++)
    g_string_append_printf (parts, "%s{\"kind\":\"text\",\"text\":\"a\"}", i > 0 ? "," : "");
  g_string_append (parts, "]}]}");
  check_refused (parts->str, parts->len, "too many parts");

  g_autofree char *large = g_malloc ((64 << 20) + 1);
  memset (large, ' ', (64 << 20) + 1);
  check_refused (large, (64 << 20) + 1, "larger than 64 MB");

  static const char damaged[] = HEAD "\"messages\":[}";
  check_refused (damaged, sizeof damaged - 1, "damaged at byte");
  static const char empty[] = HEAD "\"messages\":[]}";
  check_refused (empty, sizeof empty - 1, "no messages");
  /* The second message is refused after the first was understood. */
  static const char half[] =
      HEAD "\"messages\":[{\"id\":1,\"role\":\"user\"},{\"id\":2,\"role\":\"x\"}]}";
  check_refused (half, sizeof half - 1, "no author");
}

/* Many parts that name one file: it is decoded and stored once. What becomes a label is a line. */
static void
bombs_stay_small (void)
{
  begin ();
  g_autoptr (GString) bomb = g_string_new (HEAD "\"title\":\"a\\nb");
  for (guint i = 0; i < 5000; i++)
    g_string_append (bomb, "é");
  g_string_append (bomb, "\",\"folder\":\"x\\ty\",\"updated\":\"9999-01-01T00:00:00Z\","
                         "\"messages\":[");
  for (guint i = 1; i <= 2000; i++)
    g_string_append_printf (bomb,
                            "%s{\"id\":%u,\"role\":\"user\",\"parts\":[{\"kind\":\"attachment\","
                            "\"text\":\"t\",\"attachment\":\"k\"}]}",
                            i > 1 ? "," : "", i);
  g_string_append (bomb, "],\"attachments\":{\"k\":{\"type\":\"a/b\",\"base64\":\"");
  for (guint i = 0; i < 1 << 18; i++)
    g_string_append (bomb, "aaaa");
  g_string_append (bomb, "\"}}}");
  struct rusage before, after;
  CHECK (getrusage (RUSAGE_SELF, &before) == 0);
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyChat) read = parley_chat_import_json (store, bomb->str, bomb->len, NULL, &error);
  CHECK_MSG (read, "%s", error->message);
  /* 2,000 times 768 kB would be 1.5 GB. */
  CHECK (getrusage (RUSAGE_SELF, &after) == 0 && after.ru_maxrss - before.ru_maxrss < 512 << 10);
  CHECK (g_utf8_strlen (parley_chat_get_title (read), -1) == 500);
  CHECK (g_str_has_prefix (parley_chat_get_title (read), "a bé"));
  CHECK_STR (parley_chat_get_folder (read), "x y");
  CHECK (parley_chat_get_updated_at (read) <= g_get_real_time ());
  g_autoptr (ParleyPart) part = g_list_model_get_item (G_LIST_MODEL (item (read, 0)), 0);
  g_autoptr (GBytes) bytes =
      parley_store_get_attachment (store, parley_part_get_attachment (part), NULL, NULL);
  CHECK (bytes && g_bytes_get_size (bytes) == 3 << 18);
}

static void
odd_files_are_refused (void)
{
  begin ();
  g_autofree char *pipe = g_build_filename (test_folder, "pipe", NULL);
  g_autofree char *large = g_build_filename (test_folder, "large", NULL);
  g_autofree char *missing = g_build_filename (test_folder, "missing", NULL);
  CHECK (mkfifo (pipe, 0600) == 0);
  int fd = g_creat (large, 0600);
  CHECK (fd >= 0 && ftruncate (fd, ((off_t) 64 << 20) + 1) == 0);
  close (fd);
  const struct {
    const char *path, *words;
  } cases[] = { { test_folder, "folder" },
                { pipe, "not a usual file" },
                { large, "larger than 64 MB" },
                { missing, "missing" } };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GFile) file = g_file_new_for_path (cases[i].path);
    g_autoptr (GError) error = NULL;
    CHECK_MSG (!parley_chat_import_file (store, file, NULL, &error), "%s", cases[i].path);
    CHECK_MSG (strstr (error->message, cases[i].words), "%s", error->message);
  }
}

/* What cannot be stored, or is no longer wanted, is not there: not until the next start either. */
static void
imports_in_vain_leave_nothing (void)
{
  begin ();
  exchange ("One", "1");
  must_flush (store);
  g_autofree char *json = parley_chat_export_json (chat, NULL, NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_cancellable_cancel (cancellable);
  CHECK (!parley_chat_import_json (store, json, strlen (json), cancellable, &error));
  CHECK (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  CHECK (count_chats () == 1);
  CHECK (!parley_chat_export_json (chat, NULL, cancellable, NULL));
  CHECK (!parley_chat_export_markdown (chat, cancellable, NULL));
  g_clear_error (&error);
  CHECK (parley_store_close (store, NULL));
  CHECK (!parley_chat_import_json (store, json, strlen (json), NULL, &error) && error);
}

static gpointer
export_in_thread (gpointer snapshot)
{
  return parley_chat_export_json (snapshot, NULL, NULL, NULL);
}

/* Another thread writes down what was said until then, while the chat goes on; of an opened chat
 * without asking the store, which may be full or gone. */
static void
snapshots_are_exported_elsewhere (void)
{
  begin ();
  exchange ("One", "1");
  parley_chat_edit (chat, at (0), "Eins");
  settle ();
  fake_responder_say (fake, "eins");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  g_autofree char *expected = parley_chat_export_json (chat, NULL, NULL, NULL);
  ParleyChat *snapshot = parley_chat_snapshot (chat);
  exchange ("Two", "2");
  g_autofree char *got =
      g_thread_join (g_thread_new ("export", export_in_thread, g_object_ref (snapshot)));
  CHECK_STR (got, expected);
  g_object_unref (snapshot);
  g_object_unref (snapshot);
  must_flush (store);
  CHECK (count_chats () == 1);

  /* One that nobody has opened is read there. */
  g_autofree char *whole = parley_chat_export_json (chat, NULL, NULL, NULL);
  g_autoptr (ParleyChatRecord) record =
      parley_store_get_chat (store, parley_chat_get_id (chat), NULL);
  g_autoptr (ParleyChat) unopened = parley_chat_new_from_record (store, record);
  ParleyChat *other = parley_chat_snapshot (unopened);
  g_autofree char *read = g_thread_join (g_thread_new ("export", export_in_thread, other));
  g_object_unref (other);
  CHECK_STR (read, whole);
}

static const char *
first_text (ParleyChat *of)
{
  return parley_part_get_text (item (item (of, 0), 0));
}

/* However long they are: what is made of a chat has the very same texts. */
static void
texts_are_shared (void)
{
  begin ();
  g_autofree char *novel = g_strnfill (1 << 20, 'x');
  parley_chat_send (chat, novel, NULL);
  settle ();
  const ParleyTurn *turn = fake->request->turns->pdata[0];
  const ParleyPartRecord *asked = turn->parts->pdata[0];
  CHECK (asked->text == first_text (chat));

  /* A reply grows in a place of its own, and is shared when it is whole. */
  fake_responder_say (fake, "An");
  fake_responder_say (fake, "swer");
  g_autoptr (ParleyChat) during = parley_chat_snapshot (chat);
  fake_responder_say (fake, "ed");
  fake_responder_finish (fake, PARLEY_STOP_END, 0);
  const char *answer = parley_part_get_text (item (at (1), 0));
  CHECK_STR (answer, "Answered");

  g_autoptr (ParleyChat) after = parley_chat_snapshot (chat);
  g_autoptr (ParleyChat) branch = parley_chat_branch (chat, NULL);
  CHECK (parley_chat_open (during, NULL) && parley_chat_open (after, NULL));
  CHECK_STR (parley_part_get_text (item (item (during, 1), 0)), "Answer");
  CHECK (first_text (during) == first_text (chat));
  CHECK (first_text (after) == first_text (chat));
  CHECK (first_text (branch) == first_text (chat));
  CHECK (parley_part_get_text (item (item (after, 1), 0)) == answer);
}

/* What would make the file too large for the import stays out, and is counted. */
static void
large_files_stay_out_of_exports (void)
{
  begin ();
  g_autoptr (GPtrArray) files =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_part_record_free);
  for (guint i = 0; i < 3; i++) {
    char *data = g_malloc0 (20 << 20);
    data[0] = (char) ('a' + i);
    g_autoptr (GBytes) bytes = g_bytes_new_take (data, 20 << 20);
    ParleyPartRecord *file = parley_part_record_new (PARLEY_PART_ATTACHMENT, "text of it");
    file->attachment = parley_store_add_attachment (store, "application/pdf", bytes, NULL);
    g_ptr_array_add (files, file);
  }
  parley_chat_send (chat, "Read", files);
  must_flush (store);
  guint n_left_out = 0;
  g_autoptr (GError) error = NULL;
  g_autofree char *json = parley_chat_export_json (chat, &n_left_out, NULL, &error);
  CHECK_MSG (json, "%s", error->message);
  CHECK_MSG (n_left_out == 1, "%u", n_left_out);
  g_autoptr (ParleyChat) read = parley_chat_import_json (store, json, strlen (json), NULL, &error);
  CHECK_MSG (read, "%s", error->message);
  CHECK (g_list_model_get_n_items (G_LIST_MODEL (item (read, 0))) == 4);
}

static void
exports_path_and_tree (void)
{
  begin ();
  parley_chat_set_system_prompt (chat, "Be brief.");
  exchange ("Name a tree.", "Oak");
  parley_chat_regenerate (chat, at (1));
  settle ();
  fake_responder_think (fake, "Not an oak.\nAn ash?");
  fake_responder_say (fake, "Ash");
  fake_responder_finish (fake, PARLEY_STOP_LENGTH, 0);
  g_autofree char *markdown = parley_chat_export_markdown (chat, NULL, NULL);
  const char *body = strstr (markdown, "## System");
  CHECK (g_str_has_prefix (markdown, "# Name a tree\n\n2"));
  CHECK_STR (body, "## System\n\nBe brief.\n\n## You\n\nName a tree.\n\n## Fake 1B\n\n"
                   "> Not an oak.\n> An ash?\n\nAsh\n\n"
                   "*The reply reached its longest allowed length.*\n\n");
  g_autofree char *json = parley_chat_export_json (chat, NULL, NULL, NULL);
  CHECK (strstr (json, "\"format\":\"parley-chat\",\"version\":1"));
  CHECK (strstr (json, "\"path\":[1,3]"));
  CHECK (strstr (json, "{\"id\":2,\"parent\":1,\"role\":\"assistant\",\"state\":\"complete\""));
  CHECK (strstr (json, "\"text\":\"Oak\"") && strstr (json, "\"text\":\"Ash\""));
}

int
main (void)
{
  RUN (exported_chats_come_back);
  RUN (hostile_exports_are_refused);
  RUN (exports_of_any_size_are_bounded);
  RUN (bombs_stay_small);
  RUN (odd_files_are_refused);
  RUN (imports_in_vain_leave_nothing);
  RUN (snapshots_are_exported_elsewhere);
  RUN (texts_are_shared);
  RUN (large_files_stay_out_of_exports);
  RUN (exports_path_and_tree);
  return chat_fixture_done ();
}
