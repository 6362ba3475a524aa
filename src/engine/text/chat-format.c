/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/chat-format.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/text/chat-builtin.h"
#include "engine/text/special-spans.h"
#include "engine/text/template.h"

#include <stdio.h>
#include <string.h>

struct pe_chat_format {
  struct pe_chat_format_info info;
  const struct pe_vocab *vocab;
  struct pe_template *tmpl; /* NULL: plain completion */
  struct pe_special_finder *finder;
  char *bos, *eos;
  char description[128];
};

static bool
fail_memory (struct pe_error *error)
{
  return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to prepare the chat");
}

static char *
token_text (const struct pe_vocab *vocab, int32_t token)
{
  char buffer[8];
  size_t n = 0;
  const char *text = token == PE_NO_TOKEN ? "" : pe_token_piece (vocab, token, true, buffer, &n);
  return pe_strndup (text ? text : "", text ? n : 0);
}

static bool
mentions (const char *text, size_t n, const char *word)
{
  return memmem (text, n, word, strlen (word)) != NULL;
}

bool
pe_chat_format_new (const char *chat_template, size_t n, const struct pe_vocab *vocab,
                    struct pe_chat_format **out, struct pe_error *error)
{
  struct pe_chat_format *f = pe_calloc (1, sizeof *f);
  const struct pe_chat_builtin *builtin = NULL;
  if (!f)
    return fail_memory (error);
  f->vocab = vocab;
  f->info.source = PE_CHAT_TEMPLATE;
  snprintf (f->description, sizeof f->description, "The model's own chat template");
  if (!chat_template || n == 0) {
    builtin = pe_chat_builtin_find (vocab);
    f->info.source = builtin ? PE_CHAT_BUILTIN : PE_CHAT_PLAIN;
    chat_template = builtin ? builtin->text : NULL;
    n = builtin ? strlen (builtin->text) : 0;
    if (builtin)
      snprintf (f->description, sizeof f->description,
                "The file has no chat template; its vocabulary is that of %s", builtin->name);
    else
      snprintf (f->description, sizeof f->description,
                "The file has no chat template: the text is continued as it stands");
  }
  f->info.description = f->description;
  f->info.reply = pe_reply_format_detect (chat_template, n);
  if (chat_template) {
    f->info.has_thinking_switch = mentions (chat_template, n, "enable_thinking");
    f->info.has_tools = mentions (chat_template, n, "tools");
  }
  f->bos = token_text (vocab, pe_vocab_info (vocab)->bos);
  f->eos = token_text (vocab, pe_vocab_info (vocab)->eos);
  if (!f->bos || !f->eos) {
    pe_chat_format_free (f);
    return fail_memory (error);
  }
  if (!pe_special_finder_new (vocab, &f->finder, error) ||
      (chat_template && !pe_template_parse (chat_template, n, &f->tmpl, error))) {
    pe_chat_format_free (f);
    return false;
  }
  *out = f;
  return true;
}

void
pe_chat_format_free (struct pe_chat_format *f)
{
  if (!f)
    return;
  pe_template_free (f->tmpl);
  pe_special_finder_free (f->finder);
  pe_free (f->bos);
  pe_free (f->eos);
  pe_free (f);
}

const struct pe_chat_format_info *
pe_chat_format_info (const struct pe_chat_format *f)
{
  return &f->info;
}

/* ---- the template's context ---- */

static bool
is_role (const struct pe_chat_message *message, const char *role)
{
  return strcmp (message->role, role) == 0;
}

static void
put_text (struct pe_json_writer *w, const char *key, const char *text)
{
  pe_json_key (w, key);
  pe_json_text (w, text ? text : "");
}

static void
put_optional (struct pe_json_writer *w, const char *key, const char *text)
{
  if (text)
    put_text (w, key, text);
}

#define BLANK_LINE "\n\n"

/* Content of several messages. */
struct joined {
  char *text;
  size_t n, capacity;
};

static bool
join (struct joined *j, const char *between, const char *text)
{
  size_t n = text ? strlen (text) : 0, gap = j->n && n ? strlen (between) : 0;
  if (!pe_grow (&j->text, &j->capacity, j->n + gap + n + 1, 1))
    return false;
  memcpy (j->text + j->n, between, gap);
  if (n)
    memcpy (j->text + j->n + gap, text, n);
  j->n += gap + n;
  j->text[j->n] = 0;
  return true;
}

/* Tool calls; `as_text`: with "arguments" written as JSON text instead of an object. */
static void
put_tool_calls (struct pe_json_writer *w, const struct pe_json *calls, bool as_text)
{
  pe_json_key (w, "tool_calls");
  if (!as_text) {
    pe_json_value (w, calls);
    return;
  }
  pe_json_begin_array (w);
  for (size_t i = 0; calls->kind == PE_JSON_ARRAY && i < calls->list.n; i++) {
    const struct pe_json *call = &calls->list.items[i], *function = pe_json_get (call, "function");
    const struct pe_json *arguments = pe_json_get (function, "arguments");
    pe_json_begin_object (w);
    for (size_t k = 0; call->kind == PE_JSON_OBJECT && k < call->list.n; k++) {
      if (strcmp (call->list.keys[k].data, "function") == 0)
        continue;
      pe_json_key (w, call->list.keys[k].data);
      pe_json_value (w, &call->list.items[k]);
    }
    if (function) {
      struct pe_json_writer text = { 0 };
      pe_json_key (w, "function");
      pe_json_begin_object (w);
      const struct pe_json *name = pe_json_get (function, "name");
      if (name) {
        pe_json_key (w, "name");
        pe_json_value (w, name);
      }
      pe_json_key (w, "arguments");
      if (arguments && arguments->kind == PE_JSON_STRING) {
        pe_json_value (w, arguments);
      } else if (arguments) {
        pe_json_value (&text, arguments);
        if (pe_json_finish (&text))
          pe_json_string (w, text.text, text.n);
        else
          w->failed = true;
      } else {
        pe_json_text (w, "{}");
      }
      pe_json_writer_clear (&text);
      pe_json_end_object (w);
    }
    pe_json_end_object (w);
  }
  pe_json_end_array (w);
}

/* One message, with `content` in place of its own. */
static void
put_message (struct pe_json_writer *w, const struct pe_chat_message *message, const char *content,
             unsigned changes)
{
  pe_json_begin_object (w);
  put_text (w, "role", message->role);
  put_text (w, "content", content);
  put_optional (w, "reasoning_content", message->reasoning);
  put_optional (w, "tool_call_id", message->tool_call_id);
  put_optional (w, "name", message->name);
  if (message->tool_calls)
    put_tool_calls (w, message->tool_calls, changes & PE_CHAT_ARGUMENTS_AS_TEXT);
  pe_json_end_object (w);
}

static bool
may_merge (const struct pe_chat_message *a, const struct pe_chat_message *b)
{
  return strcmp (a->role, b->role) == 0 && !is_role (a, "tool") && !a->tool_calls && !b->tool_calls;
}

static bool
put_messages (struct pe_json_writer *w, const struct pe_chat_request *request, unsigned changes)
{
  struct joined system = { 0 }, content = { 0 };
  bool ok = true, moves = changes & PE_CHAT_MOVED_SYSTEM;
  pe_json_key (w, "messages");
  pe_json_begin_array (w);
  for (size_t i = 0; ok && moves && i < request->n_messages; i++)
    if (is_role (&request->messages[i], "system"))
      ok = join (&system, BLANK_LINE, request->messages[i].content);
  const struct pe_chat_message *before = NULL; /* whose content is being gathered */
  for (size_t i = 0; ok && i < request->n_messages; i++) {
    const struct pe_chat_message *message = &request->messages[i];
    if (moves && is_role (message, "system"))
      continue;
    if (before && !((changes & PE_CHAT_MERGED_TURNS) && may_merge (before, message))) {
      put_message (w, before, content.text, changes);
      before = NULL;
      content.n = 0;
    }
    if (!before)
      before = message;
    if (system.n && is_role (message, "user")) {
      ok = join (&content, BLANK_LINE, system.text);
      system.n = 0;
    }
    ok = ok && join (&content, BLANK_LINE, message->content);
  }
  if (ok && before)
    put_message (w, before, content.text, changes);
  pe_json_end_array (w);
  pe_free (system.text);
  pe_free (content.text);
  return ok;
}

static bool
make_context (const struct pe_chat_format *f, const struct pe_chat_request *request,
              unsigned changes, struct pe_json_document *out, struct pe_error *error)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  put_text (&w, "bos_token", f->bos);
  put_text (&w, "eos_token", f->eos);
  pe_json_key (&w, "add_generation_prompt");
  pe_json_bool (&w, !request->continues);
  if (request->continues) {
    pe_json_key (&w, "continue_final_message");
    pe_json_bool (&w, true);
  }
  if (request->thinking != PE_THINKING_UNSET) {
    pe_json_key (&w, "enable_thinking");
    pe_json_bool (&w, request->thinking == PE_THINKING_ON);
  }
  if (request->tools) {
    pe_json_key (&w, "tools");
    pe_json_value (&w, request->tools);
  }
  const struct pe_json *extra = request->extra;
  for (size_t i = 0; extra && extra->kind == PE_JSON_OBJECT && i < extra->list.n; i++) {
    pe_json_key (&w, extra->list.keys[i].data);
    pe_json_value (&w, &extra->list.items[i]);
  }
  bool ok = put_messages (&w, request, changes);
  pe_json_end_object (&w);
  ok = pe_json_finish (&w) && ok;
  ok = ok ? pe_json_parse (w.text, w.n, out, error) : fail_memory (error);
  pe_json_writer_clear (&w);
  return ok;
}

/* ---- rendering ---- */

static bool
render_once (const struct pe_chat_format *f, const struct pe_chat_request *request,
             unsigned changes, struct pe_template_result *out, struct pe_error *error)
{
  struct pe_json_document context;
  struct tm local;
  const struct tm *now = request->now;
  if (!now) {
    time_t t = time (NULL);
    now = localtime_r (&t, &local);
  }
  if (!make_context (f, request, changes, &context, error))
    return false;
  bool ok = pe_template_render (f->tmpl, &context.root, now, NULL, out, error);
  pe_json_document_clear (&context);
  return ok;
}

/* Templates differ in what they accept: tries the messages as they are, then changed step by step.
 * When nothing helps, the first error is the one to report. */
static bool
render (const struct pe_chat_format *f, const struct pe_chat_request *request, unsigned *changes,
        struct pe_template_result *out, struct pe_error *error)
{
  static const unsigned attempts[] = {
    0,
    PE_CHAT_MERGED_TURNS,
    PE_CHAT_MOVED_SYSTEM,
    PE_CHAT_MERGED_TURNS | PE_CHAT_MOVED_SYSTEM,
    PE_CHAT_ARGUMENTS_AS_TEXT,
    PE_CHAT_ARGUMENTS_AS_TEXT | PE_CHAT_MERGED_TURNS | PE_CHAT_MOVED_SYSTEM,
  };
  bool has_calls = false;
  for (size_t i = 0; i < request->n_messages; i++)
    has_calls = has_calls || request->messages[i].tool_calls;
  for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
    struct pe_error why = { 0 };
    if ((attempts[i] & PE_CHAT_ARGUMENTS_AS_TEXT) && !has_calls)
      continue;
    *changes = attempts[i];
    if (render_once (f, request, attempts[i], out, &why))
      return true;
    if (i == 0 && error)
      *error = why;
    if (why.code == PE_ERROR_MEMORY || why.code == PE_ERROR_LIMIT)
      return false;
  }
  return pe_fail_prefix (error, "the chat template does not take this conversation");
}

/* Plain completion: the contents one after another. A reply stands right behind what it went on
 * with, as when it was made. */
static bool
join_contents (const struct pe_chat_request *request, struct pe_template_result *out,
               struct pe_error *error)
{
  struct joined text = { 0 };
  bool ok = join (&text, "", "");
  for (size_t i = 0; ok && i < request->n_messages; i++) {
    bool is_reply = strcmp (request->messages[i].role, "assistant") == 0;
    ok = join (&text, is_reply ? "" : BLANK_LINE, request->messages[i].content);
  }
  out->pieces = ok ? pe_calloc (1, sizeof *out->pieces) : NULL;
  if (!out->pieces) {
    pe_free (text.text);
    return fail_memory (error);
  }
  out->text = text.text;
  out->n = text.n;
  out->pieces[0] = (struct pe_template_piece){ 0, text.n, true };
  out->n_pieces = text.n ? 1 : 0;
  return true;
}

/* ---- tokens ---- */

/* The vocabulary's own beginning of text; what it puts at the end has no place before a reply. */
static bool
add_bos (const struct pe_vocab *vocab, struct pe_tokens *tokens, struct pe_error *error)
{
  const struct pe_vocab_info *info = pe_vocab_info (vocab);
  if (!info->add_bos || info->bos == PE_NO_TOKEN)
    return true;
  if (!pe_grow (&tokens->ids, &tokens->capacity, tokens->n + 1, sizeof *tokens->ids))
    return fail_memory (error);
  tokens->ids[tokens->n++] = info->bos;
  return true;
}

/* Tokenises all of the text in as few pieces as its safety allows: only where people's text spells
 * a control token is it cut out and read as plain text. */
static bool
tokenise (const struct pe_chat_format *f, const struct pe_template_result *rendered,
          struct pe_tokens *tokens, struct pe_error *error)
{
  struct pe_spans spans = { 0 };
  size_t at = 0;
  bool ok = add_bos (f->vocab, tokens, error) &&
            pe_special_finder_search (f->finder, rendered, &spans, error);
  for (size_t i = 0; ok && i <= spans.n; i++) {
    size_t begin = i < spans.n ? spans.items[i].begin : rendered->n;
    size_t end = i < spans.n ? spans.items[i].end : rendered->n;
    unsigned first = at == 0 ? 0 : PE_CONTINUE;
    if (begin > at) {
      ok = pe_tokenize (f->vocab, rendered->text + at, begin - at, first | PE_PARSE_SPECIAL, tokens,
                        error);
      first = PE_CONTINUE;
    }
    if (ok && end > begin)
      ok = pe_tokenize (f->vocab, rendered->text + begin, end - begin, first, tokens, error);
    at = end;
  }
  pe_free (spans.items);
  return ok;
}

/* Templates that write the beginning-of-text mark themselves, on top of the vocabulary's own. */
static void
drop_double_bos (const struct pe_vocab *vocab, struct pe_tokens *tokens)
{
  int32_t bos = pe_vocab_info (vocab)->bos;
  if (bos == PE_NO_TOKEN || tokens->n < 2 || tokens->ids[0] != bos || tokens->ids[1] != bos)
    return;
  tokens->n--;
  memmove (tokens->ids, tokens->ids + 1, tokens->n * sizeof *tokens->ids);
}

bool
pe_chat_format_apply (const struct pe_chat_format *f, const struct pe_chat_request *request,
                      struct pe_chat_prompt *out, struct pe_error *error)
{
  struct pe_template_result rendered = { 0 };
  memset (out, 0, sizeof *out);
  if (!(f->tmpl ? render (f, request, &out->changes, &rendered, error)
                : join_contents (request, &rendered, error)))
    return false;
  if (!tokenise (f, &rendered, &out->tokens, error)) {
    pe_template_result_clear (&rendered);
    pe_chat_prompt_clear (out);
    return false;
  }
  drop_double_bos (f->vocab, &out->tokens);
  out->text = rendered.text;
  out->n = rendered.n;
  out->opens_reasoning =
      f->tmpl && pe_reply_prompt_opens_reasoning (f->info.reply, out->text, out->n);
  rendered.text = NULL;
  pe_template_result_clear (&rendered);
  return true;
}

void
pe_chat_prompt_clear (struct pe_chat_prompt *prompt)
{
  pe_free (prompt->text);
  pe_tokens_clear (&prompt->tokens);
  memset (prompt, 0, sizeof *prompt);
}
