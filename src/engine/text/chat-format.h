/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the messages of a chat to the tokens of a prompt, by the model's own chat template. What
 * people wrote is tokenised as plain text even where it spells a control token; the template's own
 * text is not.
 *
 * A chat format is made once for a model, is immutable and may be used from any thread.
 */
#pragma once

#include "base/error.h"
#include "engine/text/reply.h"
#include "engine/text/tokenizer.h"

#include <stddef.h>
#include <time.h>

struct pe_json;

enum pe_chat_source {
  PE_CHAT_TEMPLATE, /* the file's own template */
  PE_CHAT_BUILTIN,  /* none in the file; the vocabulary's marks name a known format */
  PE_CHAT_PLAIN,    /* neither: the text is continued */
};

struct pe_chat_format;

struct pe_chat_format_info {
  enum pe_chat_source source;
  const char *description; /* a sentence without full stop for people */
  const struct pe_reply_format *reply;
  bool has_thinking_switch; /* enable_thinking changes what the template writes */
  bool has_tools;           /* the template shows the model its tools */
};

/* `chat_template` (NULL: the file has none) is copied. `vocab` must outlive the format. A template
 * that cannot be parsed is an error: the message says where. */
bool pe_chat_format_new (const char *chat_template, size_t n, const struct pe_vocab *vocab,
                         struct pe_chat_format **out, struct pe_error *error);
void pe_chat_format_free (struct pe_chat_format *format); /* NULL is fine */
const struct pe_chat_format_info *pe_chat_format_info (const struct pe_chat_format *format);

struct pe_chat_message {
  const char *role;                 /* "system", "user", "assistant", "tool" */
  const char *content;              /* zero-terminated UTF-8; NULL is "" */
  const char *reasoning;            /* of an assistant's message, or NULL */
  const struct pe_json *tool_calls; /* array as the OpenAI interface has it, or NULL */
  const char *tool_call_id;         /* of a tool's message, or NULL */
  const char *name;                 /* of the tool, or NULL */
};

enum pe_thinking { PE_THINKING_UNSET, PE_THINKING_ON, PE_THINKING_OFF };

struct pe_chat_request {
  const struct pe_chat_message *messages;
  size_t n_messages;
  bool continues; /* the last message is the model's and unfinished: no generation prompt */
  enum pe_thinking thinking;
  const struct pe_json *tools; /* array, or NULL */
  const struct pe_json *extra; /* object: more names for the template, or NULL */
  const struct tm *now;        /* NULL: the local time */
};

/* What was changed so that the template would take the messages; bits. */
enum pe_chat_change {
  PE_CHAT_MERGED_TURNS = 1,      /* neighbours with the same role became one message */
  PE_CHAT_MOVED_SYSTEM = 2,      /* the system text went into the first message of the user */
  PE_CHAT_ARGUMENTS_AS_TEXT = 4, /* arguments of tool calls became JSON texts */
};

struct pe_chat_prompt {
  char *text; /* zero-terminated */
  size_t n;
  struct pe_tokens tokens;
  bool opens_reasoning; /* the reply begins inside the model's reasoning */
  unsigned changes;
};

/* Renders and tokenises. *out needs no preparation, and pe_chat_prompt_clear() afterwards. */
bool pe_chat_format_apply (const struct pe_chat_format *format,
                           const struct pe_chat_request *request, struct pe_chat_prompt *out,
                           struct pe_error *error);
void pe_chat_prompt_clear (struct pe_chat_prompt *prompt);
