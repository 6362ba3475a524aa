/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parser is a small state machine over marks: in every state a list of marks is looked for, and
 * each leads to another state. Text up to the first byte that could begin a mark is passed on.
 */
#include "engine/text/reply.h"

#include "base/alloc.h"

#include <string.h>

/* Llama 3 is told to answer with a call as it stands, without marks around it. */
#define BARE_CALL "{\"name\": \"*\", \"parameters\": "
#define TOLD_BARE "{\"name\": function name, \"parameters\""

static const struct pe_reply_format formats[] = {
  { .name = "channels", .is_harmony = true },
  { .name = "Gemma channels",
    .think_open = "<|channel>thought\n",
    .think_close = "<channel|>",
    .call_open = "<|tool_call>",
    .call_close = "<tool_call|>" },
  { .name = "Command thinking",
    .think_open = "<|START_THINKING|>",
    .think_close = "<|END_THINKING|>",
    .call_open = "<|START_ACTION|>",
    .call_close = "<|END_ACTION|>",
    .answer_open = "<|START_RESPONSE|>",
    .answer_close = "<|END_RESPONSE|>" },
  { .name = "Kimi calls",
    .think_open = "<think>",
    .think_close = "</think>",
    .call_open = "<|tool_calls_section_begin|>",
    .call_close = "<|tool_calls_section_end|>",
    .call_begin = "<|tool_call_begin|>",
    .call_end = "<|tool_call_end|>" },
  { .name = "DeepSeek calls",
    .think_open = "<think>",
    .think_close = "</think>",
    .call_open = "<｜tool▁calls▁begin｜>",
    .call_close = "<｜tool▁calls▁end｜>",
    .call_begin = "<｜tool▁call▁begin｜>",
    .call_end = "<｜tool▁call▁end｜>" },
  { .name = "DeepSeek 4 calls",
    .think_open = "<think>",
    .think_close = "</think>",
    .call_open = "<｜DSML｜tool_calls>",
    .call_close = "</｜DSML｜tool_calls>",
    .told = { "｜DSML｜", "tool_calls>" } },
  { .name = "DeepSeek 3.2 calls",
    .think_open = "<think>",
    .think_close = "</think>",
    .call_open = "<｜DSML｜function_calls>",
    .call_close = "</｜DSML｜function_calls>",
    .told = { "｜DSML｜", "function_calls>" } },
  { .name = "bracketed calls and thinking",
    .think_open = "[THINK]",
    .think_close = "[/THINK]",
    .call_open = "[TOOL_CALLS]" },
  { .name = "LFM2 calls",
    .think_open = "<think>",
    .think_close = "</think>",
    .call_open = "<|tool_call_start|>",
    .call_close = "<|tool_call_end|>" },
  { .name = "MiniMax calls",
    .think_open = "<think>",
    .think_close = "</think>",
    .call_open = "<minimax:tool_call>",
    .call_close = "</minimax:tool_call>" },
  { .name = "Seed tags",
    .think_open = "<seed:think>",
    .think_close = "</seed:think>",
    .call_open = "<seed:tool_call>",
    .call_close = "</seed:tool_call>" },
  { .name = "TOOLCALL tags",
    .think_open = "<think>",
    .think_close = "</think>",
    .call_open = "<TOOLCALL>",
    .call_close = "</TOOLCALL>" },
  { .name = "Phi calls", .call_open = "<|tool_call|>", .call_close = "<|/tool_call|>" },
  { .name = "Granite calls",
    .think_open = "<think>",
    .think_close = "</think>",
    .call_open = "<|tool_call|>",
    .answer_open = "<response>",
    .answer_close = "</response>" },
  { .name = "function tags",
    .call_open = "<function=",
    .call_close = "</function>",
    .told = { "<|python_tag|>", "</function>" } },
  { .name = "Llama calls with code",
    .call_open = "<|python_tag|>",
    .bare_call = BARE_CALL,
    .told = { "<|python_tag|>", TOLD_BARE } },
  { .name = "Llama calls", .bare_call = BARE_CALL, .told = { TOLD_BARE } },
  { .name = "calls of code", .call_open = "<|python_tag|>" },
  { .name = "think tags and calls",
    .think_open = "<think>",
    .think_close = "</think>",
    .call_open = "<tool_call>",
    .call_close = "</tool_call>" },
  { .name = "think tags", .think_open = "<think>", .think_close = "</think>" },
};

static const struct pe_reply_format plain = { .name = "plain text" };

bool
pe_reply_format_has_marks (const struct pe_reply_format *format)
{
  return format != &plain;
}

static bool
mentions (const char *text, size_t n, const char *mark)
{
  return mark && memmem (text, n, mark, strlen (mark)) != NULL;
}

/* Templates show a family's marks either where they render past calls or in what they tell the
 * model to write. The table's order puts the more particular first. */
const struct pe_reply_format *
pe_reply_format_detect (const char *text, size_t n)
{
  if (!text || n == 0)
    return &plain;
  if (mentions (text, n, "<|channel|>"))
    return &formats[0];
  for (size_t i = 1; i < sizeof formats / sizeof *formats; i++) {
    const struct pe_reply_format *f = &formats[i];
    if (f->told[0]) {
      if (mentions (text, n, f->told[0]) && (!f->told[1] || mentions (text, n, f->told[1])))
        return f;
      continue;
    }
    if (f->call_open && f->call_close && mentions (text, n, f->call_open) &&
        mentions (text, n, f->call_close))
      return f;
    if (f->call_open && !f->call_close && mentions (text, n, f->call_open))
      return f;
    if (f->think_open && mentions (text, n, f->think_close) &&
        (!f->call_open || strcmp (f->think_open, "<think>") != 0))
      return f;
  }
  return &plain;
}

static bool
ends_with (const char *text, size_t n, const char *mark)
{
  size_t m = strlen (mark);
  while (m && (mark[m - 1] == '\n' || mark[m - 1] == ' '))
    m--;
  return n >= m && memcmp (text + n - m, mark, m) == 0;
}

bool
pe_reply_prompt_opens_reasoning (const struct pe_reply_format *format, const char *prompt, size_t n)
{
  while (n && (prompt[n - 1] == '\n' || prompt[n - 1] == ' '))
    n--;
  return format->think_open && ends_with (prompt, n, format->think_open);
}

enum state {
  STATE_TEXT,
  STATE_REASONING,
  STATE_CALLS, /* inside call_open ... call_close, between calls */
  STATE_CALL,
  STATE_HEADER, /* channels: up to <|message|> */
};

struct pe_reply {
  const struct pe_reply_format *format;
  pe_reply_fn fn;
  void *data;
  enum state state;
  enum pe_reply_part part;
  bool begins;     /* the next text starts a part */
  bool trims;      /* white space at the start of the part is dropped */
  bool at_start;   /* of an answer: nothing but white space has come */
  bool in_message; /* channels: between <|message|> and <|end|> */
  unsigned n_calls;
  char *pending; /* held back */
  size_t n_pending, capacity;
  char header[256];
  size_t n_header;
};

bool
pe_reply_new (const struct pe_reply_format *format, bool in_reasoning, pe_reply_fn fn, void *data,
              struct pe_reply **out, struct pe_error *error)
{
  struct pe_reply *reply = pe_calloc (1, sizeof *reply);
  if (!reply)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to read a reply");
  reply->format = format;
  reply->fn = fn;
  reply->data = data;
  reply->state = in_reasoning ? STATE_REASONING : STATE_TEXT;
  reply->part = in_reasoning ? PE_REPLY_REASONING : PE_REPLY_TEXT;
  reply->begins = true;
  reply->trims = true;
  reply->at_start = true;
  *out = reply;
  return true;
}

void
pe_reply_free (struct pe_reply *reply)
{
  if (!reply)
    return;
  pe_free (reply->pending);
  pe_free (reply);
}

unsigned
pe_reply_n_calls (const struct pe_reply *reply)
{
  return reply->n_calls;
}

static void
emit (struct pe_reply *r, const char *text, size_t n)
{
  if (r->state == STATE_CALLS)
    return; /* white space and separators between calls */
  if (r->state == STATE_HEADER) {
    size_t room = sizeof r->header - 1 - r->n_header;
    size_t kept = n < room ? n : room;
    memcpy (r->header + r->n_header, text, kept);
    r->n_header += kept;
    r->header[r->n_header] = 0;
    return;
  }
  if (r->trims) {
    size_t blank = 0;
    while (blank < n && strchr (" \t\r\n", text[blank]) && text[blank])
      blank++;
    text += blank;
    n -= blank;
    if (n == 0)
      return;
    r->trims = false;
  }
  r->at_start = false;
  if (n == 0)
    return;
  r->fn (r->part, r->begins, text, n, r->data);
  r->begins = false;
}

static void
enter (struct pe_reply *r, enum state state, enum pe_reply_part part)
{
  r->state = state;
  r->in_message = false;
  r->at_start = state == STATE_TEXT;
  r->part = part;
  r->begins = true;
  r->trims = true;
}

static void
end_call (struct pe_reply *r, enum state next)
{
  r->n_calls++;
  enter (r, next, PE_REPLY_TEXT);
}

/* ---- the marks of each state ---- */

enum action {
  ACT_REASON,
  ACT_TEXT,
  ACT_CALLS,
  ACT_CALL,
  ACT_END_CALL,
  ACT_END_ALL,
  ACT_DROP,
  ACT_HEADER,
  ACT_MESSAGE,
  ACT_RECIPIENT,
  ACT_BARE_CALL,
};

struct mark {
  const char *text; /* NULL: none */
  enum action action;
  bool at_start; /* only where an answer begins; '*' in it stands for a name */
};

#define MAX_MARKS 8

static size_t
harmony_marks (const struct pe_reply *r, struct mark marks[MAX_MARKS])
{
  size_t n = 0;
  if (r->state == STATE_HEADER) {
    marks[n++] = (struct mark){ "<|message|>", ACT_MESSAGE };
    marks[n++] = (struct mark){ "<|channel|>", ACT_DROP };
    marks[n++] = (struct mark){ "<|constrain|>", ACT_DROP };
  } else {
    /* The prompt ends with the sender; a recipient may come before the channel. */
    if (r->at_start)
      marks[n++] = (struct mark){ " to=functions.", ACT_RECIPIENT, true };
    marks[n++] = (struct mark){ "<|channel|>", ACT_HEADER };
    marks[n++] = (struct mark){ "<|start|>", ACT_HEADER };
    marks[n++] = (struct mark){ "<|end|>", ACT_END_ALL };
    marks[n++] = (struct mark){ "<|call|>", ACT_END_ALL };
    marks[n++] = (struct mark){ "<|return|>", ACT_END_ALL };
  }
  return n;
}

static size_t
state_marks (const struct pe_reply *r, struct mark marks[MAX_MARKS])
{
  const struct pe_reply_format *f = r->format;
  size_t n = 0;
  if (f->is_harmony)
    return harmony_marks (r, marks);
  switch (r->state) {
  case STATE_TEXT:
    marks[n++] = (struct mark){ f->think_open, ACT_REASON };
    marks[n++] = (struct mark){ f->call_open, f->call_begin ? ACT_CALLS : ACT_CALL };
    marks[n++] = (struct mark){ f->answer_open, ACT_DROP };
    marks[n++] = (struct mark){ f->answer_close, ACT_DROP };
    if (r->at_start)
      marks[n++] = (struct mark){ f->bare_call, ACT_BARE_CALL, true };
    break;
  case STATE_REASONING: marks[n++] = (struct mark){ f->think_close, ACT_TEXT }; break;
  case STATE_CALLS:
    marks[n++] = (struct mark){ f->call_begin, ACT_CALL };
    marks[n++] = (struct mark){ f->call_close, ACT_TEXT };
    break;
  case STATE_CALL:
    marks[n++] = (struct mark){ f->call_begin ? f->call_end : f->call_close, ACT_END_CALL };
    if (!f->call_close) /* the next call begins where this one ends */
      marks[n++] = (struct mark){ f->call_open, ACT_CALL };
    break;
  case STATE_HEADER: break;
  }
  return n;
}

/* "analysis", "final", "commentary to=functions.f", or "assistant" before a channel. */
static void
begin_message (struct pe_reply *r)
{
  const char *header = r->header;
  const char *recipient = strstr (header, "to=functions.");
  if (recipient) {
    const char *name = recipient + strlen ("to=functions.");
    size_t n = strcspn (name, " \n\t<");
    enter (r, STATE_CALL, PE_REPLY_TOOL_CALL);
    r->fn (PE_REPLY_TOOL_CALL, true, name, n, r->data);
    r->fn (PE_REPLY_TOOL_CALL, false, "\n", 1, r->data);
    r->begins = false;
  } else if (strstr (header, "analysis")) {
    enter (r, STATE_REASONING, PE_REPLY_REASONING);
  } else {
    enter (r, STATE_TEXT, PE_REPLY_TEXT);
    r->in_message = true;
  }
}

static void
enter_header (struct pe_reply *r, const char *header)
{
  enter (r, STATE_HEADER, PE_REPLY_TEXT);
  r->n_header = 0;
  emit (r, header, strlen (header));
}

/* `mark`: how it is spelt in the reply. */
static void
act (struct pe_reply *r, enum action action, const char *mark, size_t n)
{
  switch (action) {
  case ACT_REASON: enter (r, STATE_REASONING, PE_REPLY_REASONING); break;
  case ACT_TEXT: enter (r, STATE_TEXT, PE_REPLY_TEXT); break;
  case ACT_CALLS: enter (r, STATE_CALLS, PE_REPLY_TOOL_CALL); break;
  case ACT_CALL:
    if (r->state == STATE_CALL)
      r->n_calls++;
    enter (r, STATE_CALL, PE_REPLY_TOOL_CALL);
    break;
  case ACT_END_CALL: end_call (r, r->format->call_begin ? STATE_CALLS : STATE_TEXT); break;
  case ACT_END_ALL:
    if (r->state == STATE_CALL)
      r->n_calls++;
    enter (r, STATE_TEXT, PE_REPLY_TEXT);
    break;
  case ACT_HEADER: enter_header (r, ""); break;
  case ACT_RECIPIENT: enter_header (r, "to=functions."); break;
  case ACT_BARE_CALL:
    enter (r, STATE_CALL, PE_REPLY_TOOL_CALL);
    emit (r, mark, n);
    break;
  case ACT_MESSAGE: begin_message (r); break;
  case ACT_DROP:
    if (r->state == STATE_HEADER)
      emit (r, " ", 1); /* keeps the words of the header apart */
    break;
  }
}

#define MAX_NAME 64

/* How many bytes of the text spell the mark; 0 when it does not begin with it. *partly: it may,
 * once more has come. */
static size_t
spell (const struct mark *mark, const char *text, size_t n, bool *partly)
{
  size_t at = 0;
  *partly = false;
  for (const char *m = mark->text; m && *m; m++) {
    size_t name = 0;
    if (mark->at_start && *m == '*') {
      while (at < n && name < MAX_NAME && text[at] != '"' && text[at] != '\n') {
        name++;
        at++;
      }
      if (name || at == n)
        continue;
      return 0;
    }
    if (at == n) {
      *partly = true;
      return 0;
    }
    if (text[at++] != *m)
      return 0;
  }
  return at;
}

struct found {
  const struct mark *mark; /* NULL: none is whole */
  size_t at, length;       /* `at`: also where one may have begun, or n */
  bool may_grow;           /* more text may make another mark of it */
};

static struct found
find_mark (const struct mark *marks, size_t n_marks, const char *text, size_t n)
{
  size_t start = 0;
  while (start < n && strchr (" \t\r\n", text[start]) && text[start])
    start++;
  for (size_t i = 0; i < n; i++) {
    struct found found = { .at = i };
    for (size_t k = 0; k < n_marks; k++) {
      bool partly;
      if (marks[k].at_start && i > 0 && i != start)
        continue;
      size_t length = spell (&marks[k], text + i, n - i, &partly);
      found.may_grow |= partly;
      if (length > found.length) {
        found.mark = &marks[k];
        found.length = length;
      }
    }
    if (found.mark || found.may_grow)
      return found;
  }
  return (struct found){ .at = n };
}

static void
consume (struct pe_reply *r, bool at_end)
{
  size_t done = 0;
  for (;;) {
    struct mark marks[MAX_MARKS];
    size_t n_marks = state_marks (r, marks);
    const char *text = r->pending + done;
    size_t n = r->n_pending - done;
    struct found found = find_mark (marks, n_marks, text, n);
    if (found.may_grow && !found.mark && at_end) {
      emit (r, text, found.at + 1); /* no mark after all */
      done += found.at + 1;
      continue;
    }
    emit (r, text, found.at);
    done += found.at;
    if (!found.mark || (found.may_grow && !at_end))
      break;
    act (r, found.mark->action, text + found.at, found.length);
    done += found.length;
  }
  memmove (r->pending, r->pending + done, r->n_pending - done);
  r->n_pending -= done;
}

bool
pe_reply_push (struct pe_reply *r, const char *bytes, size_t n, struct pe_error *error)
{
  if (n == 0)
    return true;
  if (!pe_grow (&r->pending, &r->capacity, r->n_pending + n, 1))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to read a reply");
  memcpy (r->pending + r->n_pending, bytes, n);
  r->n_pending += n;
  consume (r, false);
  return true;
}

bool
pe_reply_finish (struct pe_reply *r, struct pe_error *error)
{
  if (r->n_pending)
    consume (r, true);
  if (r->state == STATE_CALL)
    r->n_calls++;
  r->n_pending = 0;
  return true;
}

bool
pe_reply_is_answering (const struct pe_reply *r)
{
  return r->state == STATE_TEXT && (r->in_message || !r->format->is_harmony);
}
