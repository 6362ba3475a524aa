/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Splits replies for templates.py: JSON lines with "template" (its source), "prompt" and "reply"
 * in, and out for each a line {"format": NAME, "begins_inside": whether in the reasoning, "parts":
 * [[KIND, TEXT], ...]}. The reply arrives in pieces of one to seven bytes.
 */
#include "base/json.h"
#include "engine/text/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parts {
  struct pe_json_writer *w;
  char *text;
  size_t n, capacity;
  enum pe_reply_part kind;
  bool any;
};

static void
end_part (struct parts *p)
{
  static const char *const names[] = { "text", "reasoning", "call" };
  if (!p->any)
    return;
  pe_json_begin_array (p->w);
  pe_json_text (p->w, names[p->kind]);
  pe_json_string (p->w, p->text, p->n);
  pe_json_end_array (p->w);
}

static void
note (enum pe_reply_part kind, bool begins, const char *text, size_t n, void *data)
{
  struct parts *p = data;
  if (begins || !p->any) {
    end_part (p);
    p->n = 0;
    p->kind = kind;
    p->any = true;
  }
  if (p->n + n > p->capacity)
    abort (); /* more came out than went in */
  memcpy (p->text + p->n, text, n);
  p->n += n;
}

static bool
split (const struct pe_json *request, struct pe_json_writer *w, struct pe_error *error)
{
  const struct pe_json *source = pe_json_get (request, "template");
  const struct pe_json *prompt = pe_json_get (request, "prompt");
  const struct pe_json *reply = pe_json_get (request, "reply");
  const struct pe_reply_format *format =
      pe_reply_format_detect (source->string.data, source->string.n);
  bool inside = pe_reply_prompt_opens_reasoning (format, prompt->string.data, prompt->string.n);
  struct parts p = { .w = w, .capacity = reply->string.n };
  struct pe_reply *r;
  p.text = malloc (p.capacity + 1);
  if (!p.text || !pe_reply_new (format, inside, note, &p, &r, error))
    return false;
  pe_json_begin_object (w);
  pe_json_key (w, "format");
  pe_json_text (w, format->name);
  pe_json_key (w, "begins_inside");
  pe_json_bool (w, inside);
  pe_json_key (w, "parts");
  pe_json_begin_array (w);
  bool ok = true;
  for (size_t i = 0, step = 1; ok && i < reply->string.n; i += step, step = step % 7 + 1)
    ok = pe_reply_push (r, reply->string.data + i,
                        reply->string.n - i < step ? reply->string.n - i : step, error);
  ok = ok && pe_reply_finish (r, error);
  end_part (&p);
  pe_json_end_array (w);
  pe_json_end_object (w);
  pe_reply_free (r);
  free (p.text);
  return ok;
}

int
main (void)
{
  char *line = NULL;
  size_t capacity = 0;
  ssize_t n;
  struct pe_error error = { 0 };
  while ((n = getline (&line, &capacity, stdin)) > 0) {
    struct pe_json_document document;
    struct pe_json_writer w = { 0 };
    if (!pe_json_parse (line, (size_t) n, &document, &error))
      break;
    if (!split (&document.root, &w, &error) || !pe_json_finish (&w))
      break;
    puts (w.text);
    pe_json_writer_clear (&w);
    pe_json_document_clear (&document);
  }
  free (line);
  if (error.code != PE_OK) {
    fprintf (stderr, "%s\n", error.message);
    return 1;
  }
  return 0;
}
