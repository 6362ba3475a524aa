/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/request-json.h"

#include <string.h>

#include "base/json.h"

static char *
join_parts (const ParleyTurn *turn, ParleyPartKind kind)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < turn->parts->len; i++) {
    const ParleyPartRecord *part = turn->parts->pdata[i];
    if (part->kind == kind)
      g_string_append (text, part->text);
    else if (kind == PARLEY_PART_TEXT && part->kind == PARLEY_PART_ATTACHMENT)
      g_string_append_printf (text, "File “%s”:\n\n%s\n\n", part->name ? part->name : "",
                              part->text);
    else if (kind == PARLEY_PART_TEXT && part->kind == PARLEY_PART_TOOL_RESULT)
      g_string_append (text, part->text);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
put_text (struct pe_json_writer *w, const char *key, const char *text)
{
  pe_json_key (w, key);
  pe_json_string (w, text, strlen (text));
}

/* Arguments are an object to templates, where they are one. */
static void
put_arguments (struct pe_json_writer *w, const char *text)
{
  struct pe_json_document document = { 0 };
  pe_json_key (w, "arguments");
  if (!pe_json_parse (text, strlen (text), &document, NULL)) {
    pe_json_string (w, text, strlen (text));
    return;
  }
  pe_json_value (w, &document.root);
  pe_json_document_clear (&document);
}

static void
put_tool_calls (struct pe_json_writer *w, const ParleyTurn *turn)
{
  gboolean any = FALSE;
  for (guint i = 0; i < turn->parts->len; i++) {
    const ParleyPartRecord *part = turn->parts->pdata[i];
    if (part->kind != PARLEY_PART_TOOL_CALL)
      continue;
    if (!any) {
      pe_json_key (w, "tool_calls");
      pe_json_begin_array (w);
      any = TRUE;
    }
    pe_json_begin_object (w);
    put_text (w, "type", "function");
    pe_json_key (w, "function");
    pe_json_begin_object (w);
    put_text (w, "name", part->name ? part->name : "");
    put_arguments (w, part->text);
    pe_json_end_object (w);
    pe_json_end_object (w);
  }
  if (any)
    pe_json_end_array (w);
}

char *
parley_request_to_json (const ParleyRequest *request)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_array (&w);
  for (guint i = 0; i < request->turns->len; i++) {
    const ParleyTurn *turn = request->turns->pdata[i];
    g_autofree char *content = join_parts (turn, PARLEY_PART_TEXT);
    g_autofree char *reasoning = join_parts (turn, PARLEY_PART_REASONING);
    pe_json_begin_object (&w);
    put_text (&w, "role", parley_role_to_string (turn->role));
    put_text (&w, "content", content);
    if (*reasoning)
      put_text (&w, "reasoning_content", reasoning);
    put_tool_calls (&w, turn);
    pe_json_end_object (&w);
  }
  pe_json_end_array (&w);
  char *json = pe_json_finish (&w) ? g_strdup (w.text) : NULL;
  pe_json_writer_clear (&w);
  return json;
}
