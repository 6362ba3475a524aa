/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Splits the text of a reply, while it arrives, into what the person reads, the model's reasoning,
 * and calls of tools. Model families mark these differently; the marks are chosen from the chat
 * template's source. A mark that has arrived only in part is held back until it is known what it
 * is, so that no half of a mark is ever shown.
 *
 * A parser belongs to one thread at a time. Bytes given to the callback are valid only during the
 * call; the text is passed on as it came (UTF-8 characters may be cut between calls only where the
 * input was).
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

enum pe_reply_part {
  PE_REPLY_TEXT,
  PE_REPLY_REASONING,
  PE_REPLY_TOOL_CALL, /* what stands between the marks: JSON or the family's own notation */
};

/* How a family writes reasoning and calls. Marks are NULL where there are none. */
struct pe_reply_format {
  const char *name; /* "think tags", for messages */
  const char *think_open, *think_close;
  const char *call_open, *call_close;     /* call_close NULL: to the end of the reply */
  const char *call_begin, *call_end;      /* around each call inside the former, or NULL */
  const char *answer_open, *answer_close; /* marks around the answer itself, dropped */
  const char *bare_call; /* how an answer begins that is one call to its end; '*' is a name */
  const char *told[2];   /* what templates mention that mention no mark, or less than the format */
  bool is_harmony;       /* channels: <|channel|>analysis<|message|> ... */
};

/* From the source of a chat template (NULL or n 0: none): the format whose marks it mentions; plain
 * text when it mentions none. Never NULL; static. */
const struct pe_reply_format *pe_reply_format_detect (const char *chat_template, size_t n);

/* FALSE: control tokens mean nothing in a reply, and are best not spelt out. */
bool pe_reply_format_has_marks (const struct pe_reply_format *format);

/* Whether a rendered prompt ends with an opened reasoning mark, so that the reply begins inside
 * the reasoning. */
bool pe_reply_prompt_opens_reasoning (const struct pe_reply_format *format, const char *prompt,
                                      size_t n);

/* Called with stretches of the reply in order. `begins`: a new part starts here (two calls of
 * tools in a row are two parts); n may then be 0. */
typedef void (*pe_reply_fn) (enum pe_reply_part part, bool begins, const char *text, size_t n,
                             void *data);

struct pe_reply;

/* `in_reasoning`: see pe_reply_prompt_opens_reasoning(). */
bool pe_reply_new (const struct pe_reply_format *format, bool in_reasoning, pe_reply_fn fn,
                   void *data, struct pe_reply **out, struct pe_error *error);
void pe_reply_free (struct pe_reply *reply); /* NULL is fine */

/* Text of the reply, control tokens spelt out where the format has marks. */
bool pe_reply_push (struct pe_reply *reply, const char *bytes, size_t n, struct pe_error *error);

/* The reply is over: what was held back was no mark. Reasoning without an end stays reasoning. */
bool pe_reply_finish (struct pe_reply *reply, struct pe_error *error);

/* Calls that are complete; generation may stop at the first. */
unsigned pe_reply_n_calls (const struct pe_reply *reply);
/* What comes next belongs to the answer, not to reasoning, a call, or the head of a channel. */
bool pe_reply_is_answering (const struct pe_reply *reply);
