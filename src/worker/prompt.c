/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/prompt.h"

#include "base/json.h"
#include "bridge/parley-engine-error.h"
#include "engine/text/chat-format.h"
#include "worker/parley-worker-client.h"

#include <string.h>

/* ---- the model ---- */

struct WorkerModel {
  struct pe_model *model;
  struct pe_chat_format *format; /* NULL: it has no usable vocabulary */
  char *note;
};

WorkerModel *
worker_model_new (struct pe_model *model)
{
  WorkerModel *self = g_atomic_rc_box_new0 (WorkerModel);
  const struct pe_model_info *info = pe_model_info (model);
  const struct pe_vocab *vocab = pe_model_vocab (model, NULL);
  struct pe_error error;
  self->model = model;
  if (!vocab || pe_chat_format_new (info->chat_template, info->chat_template_bytes, vocab,
                                    &self->format, &error))
    return self;
  /* A template that cannot be read is no reason not to talk at all. */
  self->note = g_strdup_printf ("The model's chat template cannot be used: %s.", error.message);
  pe_chat_format_new (NULL, 0, vocab, &self->format, &error);
  return self;
}

WorkerModel *
worker_model_ref (WorkerModel *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
model_clear (gpointer data)
{
  WorkerModel *self = data;
  pe_chat_format_free (self->format);
  pe_model_close (self->model);
  g_free (self->note);
}

void
worker_model_unref (WorkerModel *self)
{
  g_atomic_rc_box_release_full (self, model_clear);
}

struct pe_model *
worker_model_get (const WorkerModel *self)
{
  return self->model;
}

const char *
worker_model_get_note (const WorkerModel *self)
{
  return self->note;
}

gboolean
worker_model_has_template (const WorkerModel *self)
{
  return self->format && pe_chat_format_info (self->format)->source != PE_CHAT_PLAIN;
}

/* ---- reading a reply ---- */

struct WorkerReader {
  struct pe_utf8_stream characters;
  struct pe_reply *reply; /* NULL: all is answer */
  gboolean has_marks;
  WorkerPartFn fn;        /* during a push */
  gpointer data;
};

static void
take_reply (enum pe_reply_part part, bool begins, const char *text, size_t n, void *data)
{
  static const ParleyTextKind kinds[] = {
    [PE_REPLY_TEXT] = PARLEY_TEXT_ANSWER,
    [PE_REPLY_REASONING] = PARLEY_TEXT_REASONING,
    [PE_REPLY_TOOL_CALL] = PARLEY_TEXT_TOOL_CALL,
  };
  WorkerReader *self = data;
  self->fn (self->data, kinds[part], NULL, text, n);
}

static void
take_characters (WorkerReader *self, const char *text, gsize n)
{
  /* Without memory for the parser the marks show, and nothing is lost. */
  if (!self->reply || !pe_reply_push (self->reply, text, n, NULL))
    self->fn (self->data, PARLEY_TEXT_ANSWER, NULL, text, n);
}

void
worker_reader_push (WorkerReader *self, const char *bytes, gsize n, WorkerPartFn fn, gpointer data)
{
  self->fn = fn;
  self->data = data;
  g_autofree char *text = g_malloc (3 * (n + 4));
  take_characters (self, text, pe_utf8_stream_push (&self->characters, bytes, n, text));
}

void
worker_reader_finish (WorkerReader *self, WorkerPartFn fn, gpointer data)
{
  char rest[16];
  self->fn = fn;
  self->data = data;
  take_characters (self, rest, pe_utf8_stream_finish (&self->characters, rest));
  if (self->reply)
    pe_reply_finish (self->reply, NULL);
}

gboolean
worker_reader_wants_control (const WorkerReader *self)
{
  return self->reply != NULL && self->has_marks;
}

gboolean
worker_reader_is_answering (const WorkerReader *self)
{
  return !self->reply || pe_reply_is_answering (self->reply);
}

void
worker_reader_free (WorkerReader *self)
{
  if (!self)
    return;
  pe_reply_free (self->reply);
  g_free (self);
}

/* ---- requests ---- */

/* A request as the engine's chat format wants it; zero-initialised. */
struct source {
  const struct pe_vocab *vocab;
  const struct pe_chat_format *format;
  struct pe_json_document messages, tools, options;
  struct pe_chat_message *list;
  struct pe_chat_request chat;
};

static void
source_clear (struct source *source)
{
  pe_json_document_clear (&source->messages);
  pe_json_document_clear (&source->tools);
  pe_json_document_clear (&source->options);
  g_free (source->list);
}

static gboolean
refuse (GError **error, const char *message)
{
  g_set_error_literal (error, PARLEY_ENGINE_ERROR, PARLEY_ENGINE_ERROR_ARGUMENT, message);
  return FALSE;
}

/* `text` NULL: nothing to do. */
static gboolean
parse (const char *text, enum pe_json_kind kind, struct pe_json_document *out, GError **error)
{
  struct pe_error problem;
  if (text && !pe_json_parse (text, strlen (text), out, &problem))
    return parley_set_engine_error (error, &problem);
  return !text || out->root.kind == kind ||
         refuse (error, "The messages, tools or options of the request are not what they should "
                        "be.");
}

static const char *
string_member (const struct pe_json *message, const char *key)
{
  const struct pe_json *value = pe_json_get (message, key);
  return value && value->kind == PE_JSON_STRING ? value->string.data : NULL;
}

static gboolean
read_messages (struct source *source, GError **error)
{
  const struct pe_json *all = &source->messages.root;
  if (all->list.n == 0)
    return refuse (error, "There are no messages to answer.");
  source->list = g_new0 (struct pe_chat_message, all->list.n);
  for (size_t i = 0; i < all->list.n; i++) {
    const struct pe_json *message = &all->list.items[i];
    const struct pe_json *calls = pe_json_get (message, "tool_calls");
    source->list[i] = (struct pe_chat_message){
      .role = string_member (message, "role"),
      .content = string_member (message, "content"),
      .reasoning = string_member (message, "reasoning_content"),
      .tool_calls = calls && calls->kind == PE_JSON_ARRAY ? calls : NULL,
      .tool_call_id = string_member (message, "tool_call_id"),
      .name = string_member (message, "name"),
    };
    if (!source->list[i].role)
      return refuse (error, "A message of the request has no role.");
  }
  source->chat.messages = source->list;
  source->chat.n_messages = all->list.n;
  return TRUE;
}

static gboolean
source_init (struct source *source, const WorkerModel *model,
             const ParleyGenerationRequest *request, GError **error)
{
  struct pe_error problem;
  source->vocab = pe_model_vocab (model->model, &problem);
  source->format = model->format;
  if (!source->vocab || !source->format)
    return source->vocab ? refuse (error, "The model's chat format cannot be used.")
                         : parley_set_engine_error (error, &problem);
  if (!request->messages)
    return TRUE;
  if (!parse (request->messages, PE_JSON_ARRAY, &source->messages, error) ||
      !parse (request->tools, PE_JSON_ARRAY, &source->tools, error) ||
      !parse (request->options, PE_JSON_OBJECT, &source->options, error) ||
      !read_messages (source, error))
    return FALSE;
  source->chat.continues = request->continues;
  source->chat.tools = request->tools ? &source->tools.root : NULL;
  source->chat.extra = request->options ? &source->options.root : NULL;
  const struct pe_json *thinking =
      request->options ? pe_json_get (&source->options.root, "enable_thinking") : NULL;
  if (thinking && thinking->kind == PE_JSON_BOOL)
    source->chat.thinking = thinking->boolean ? PE_THINKING_ON : PE_THINKING_OFF;
  return TRUE;
}

/* The prompt of the first `n` messages, moved to *tokens. */
static gboolean
apply (const struct source *source, size_t n, struct pe_tokens *tokens, bool *opens_reasoning,
       GError **error)
{
  struct pe_chat_request chat = source->chat;
  chat.n_messages = n;
  chat.continues = chat.continues && n == source->chat.n_messages;
  struct pe_chat_prompt prompt;
  struct pe_error problem;
  if (!pe_chat_format_apply (source->format, &chat, &prompt, &problem)) {
    if (problem.code == PE_ERROR_MEMORY)
      return parley_set_engine_error (error, &problem);
    g_set_error (error, PARLEY_WORKER_ERROR, PARLEY_WORKER_ERROR_TEMPLATE,
                 "The model's chat template refuses these messages: %s", problem.message);
    return FALSE;
  }
  *opens_reasoning = prompt.opens_reasoning;
  pe_tokens_clear (tokens);
  *tokens = prompt.tokens;
  prompt.tokens = (struct pe_tokens){ 0 };
  pe_chat_prompt_clear (&prompt);
  return TRUE;
}

static gboolean
make_all (const struct source *source, const char *text, struct pe_tokens *tokens,
          bool *opens_reasoning, GError **error)
{
  struct pe_error problem;
  *opens_reasoning = false;
  if (text && !pe_tokenize (source->vocab, text, strlen (text), PE_ADD_SPECIAL, tokens, &problem))
    return parley_set_engine_error (error, &problem);
  if (!text && !apply (source, source->chat.n_messages, tokens, opens_reasoning, error))
    return FALSE;
  return tokens->n > 0 || refuse (error, "There is no text to go on with.");
}

gboolean
worker_prompt_make (WorkerModel *model, const ParleyGenerationRequest *request,
                    struct pe_tokens *tokens, WorkerReader **reader, GError **error)
{
  struct source source = { 0 };
  bool opens_reasoning;
  gboolean ok = source_init (&source, model, request, error) &&
                make_all (&source, request->text, tokens, &opens_reasoning, error);
  source_clear (&source);
  if (!ok)
    return FALSE;
  WorkerReader *made = g_new0 (WorkerReader, 1);
  struct pe_error problem;
  if (!request->text && worker_model_has_template (model)) {
    const struct pe_reply_format *format = pe_chat_format_info (model->format)->reply;
    made->has_marks = pe_reply_format_has_marks (format);
    if (!pe_reply_new (format, opens_reasoning, take_reply, made, &made->reply, &problem)) {
      worker_reader_free (made);
      return parley_set_engine_error (error, &problem);
    }
  }
  *reader = made;
  return TRUE;
}

gboolean
worker_prompt_count (WorkerModel *model, const ParleyGenerationRequest *request, guint *total,
                     GArray **turns, GError **error)
{
  struct source source = { 0 };
  struct pe_tokens tokens = { 0 };
  bool opens_reasoning;
  gboolean ok = source_init (&source, model, request, error) &&
                make_all (&source, request->text, &tokens, &opens_reasoning, error);
  g_autoptr (GArray) growths = g_array_new (FALSE, TRUE, sizeof (guint32));
  *total = (guint) tokens.n;
  gsize before = 0;
  for (gsize i = 1; ok && i <= source.chat.n_messages; i++) {
    /* Some templates refuse a conversation that ends here: the next message counts for both. */
    gsize now = before;
    if (i == source.chat.n_messages)
      now = *total;
    else if (apply (&source, i, &tokens, &opens_reasoning, NULL))
      now = tokens.n;
    guint32 growth = (guint32) (now > before ? now - before : 0);
    g_array_append_val (growths, growth);
    before = MAX (now, before);
  }
  pe_tokens_clear (&tokens);
  source_clear (&source);
  if (ok)
    *turns = g_steal_pointer (&growths);
  return ok;
}
