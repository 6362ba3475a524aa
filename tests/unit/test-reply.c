/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Replies in the families' notations, whole and cut at every byte.
 */
#include "engine/text/reply.h"

#include "../harness.h"

struct seen {
  char text[2000];
  size_t n;
};

static void
note (enum pe_reply_part part, bool begins, const char *text, size_t n, void *data)
{
  static const char letters[] = {
    [PE_REPLY_TEXT] = 'T', [PE_REPLY_REASONING] = 'R', [PE_REPLY_TOOL_CALL] = 'C'
  };
  struct seen *seen = data;
  if (begins)
    seen->n += (size_t) snprintf (seen->text + seen->n, 8, "{%c}", letters[part]);
  memcpy (seen->text + seen->n, text, n);
  seen->n += n;
  seen->text[seen->n] = 0;
}

static unsigned
split (const char *template, bool in_reasoning, const char *reply, size_t step, struct seen *seen)
{
  struct pe_error error;
  struct pe_reply *r;
  size_t n = strlen (reply);
  const struct pe_reply_format *format = pe_reply_format_detect (template, strlen (template));
  memset (seen, 0, sizeof *seen);
  CHECK (pe_reply_new (format, in_reasoning, note, seen, &r, &error));
  for (size_t i = 0; i < n; i += step)
    CHECK (pe_reply_push (r, reply + i, n - i < step ? n - i : step, &error));
  CHECK (pe_reply_finish (r, &error));
  unsigned n_calls = pe_reply_n_calls (r);
  pe_reply_free (r);
  return n_calls;
}

#define LLAMA "{\"name\": function name, \"parameters\": ...}"

static const struct {
  const char *template;
  bool in_reasoning;
  const char *reply, *expected;
  unsigned n_calls;
} cases[] = {
  { "", false, "Just <text>.", "{T}Just <text>.", 0 },
  { "<think> </think>", false, "<think>\nhm</think>\n\nYes", "{R}hm{T}Yes", 0 },
  { "<think> </think>", true, "hm</think>Yes", "{R}hm{T}Yes", 0 },
  { "<think> </think>", true, "never closed", "{R}never closed", 0 },
  { "<think> </think>", false, "a < b, <thin", "{T}a < b, <thin", 0 },
  { "<tool_call> </tool_call>", false,
    "I look.\n<tool_call>\n{\"name\":\"f\"}\n</tool_call>\n<tool_call>{}</tool_call>",
    "{T}I look.\n{C}{\"name\":\"f\"}\n{C}{}", 2 },
  { "<tool_call> </tool_call>", false, "<tool_call>{\"a\":", "{C}{\"a\":", 1 },
  { LLAMA, false, "{\"name\": \"f\", \"parameters\": {\"a\": 1}}",
    "{C}{\"name\": \"f\", \"parameters\": {\"a\": 1}}", 1 },
  { LLAMA, false, "\n {\"name\": \"f\", \"parameters\": {}}",
    "{C}{\"name\": \"f\", \"parameters\": {}}", 1 },
  { LLAMA, false, "{\"name\": \"Ada\", \"age\": 36}", "{T}{\"name\": \"Ada\", \"age\": 36}", 0 },
  { LLAMA, false, "So: {\"name\": \"f\", \"parameters\": {}}",
    "{T}So: {\"name\": \"f\", \"parameters\": {}}", 0 },
  { LLAMA, false, "{\"name\": \"f", "{T}{\"name\": \"f", 0 },
  { "<|python_tag|> " LLAMA, false, "<|python_tag|>f.call(a=1)", "{C}f.call(a=1)", 1 },
  { "<|python_tag|> <function=f> </function>", false, "<function=f>{}</function>ok", "{C}f>{}{T}ok",
    1 },
  { "\uff5cDSML\uff5c tool_calls>", true,
    "hm</think><\uff5cDSML\uff5ctool_calls>x</\uff5cDSML\uff5ctool_calls>", "{R}hm{C}x", 1 },
  { "<|channel|>", false, " to=functions.f<|channel|>commentary json<|message|>{}<|call|>",
    "{C}f\n{}", 1 },
  { "<|channel|>", false, " to=functionality", "{T}to=functionality", 0 },
  { "<|channel|>", false,
    "<|channel|>analysis<|message|>So<|end|><|start|>assistant<|channel|>final<|message|>Hi<|"
    "return|>",
    "{R}So{T}Hi", 0 },
  { "<|channel|>", false,
    "<|channel|>commentary to=functions.look <|constrain|>json<|message|>{\"q\":1}<|call|>",
    "{C}look\n{\"q\":1}", 1 },
  { "<|channel|>", false,
    "<|start|>assistant to=functions.look<|channel|>commentary<|message|>{}<|call|>", "{C}look\n{}",
    1 },
  { "[TOOL_CALLS]", false, "[TOOL_CALLS]f[ARGS]{}[TOOL_CALLS]g[ARGS]{}", "{C}f[ARGS]{}{C}g[ARGS]{}",
    2 },
  { "[THINK] [/THINK] [TOOL_CALLS]", false, "[THINK]x[/THINK]y", "{R}x{T}y", 0 },
  { "<|START_ACTION|> <|END_ACTION|>", false,
    "<|START_THINKING|>t<|END_THINKING|><|START_RESPONSE|>r<|END_RESPONSE|>", "{R}t{T}r", 0 },
  { "<｜tool▁calls▁begin｜> <｜tool▁calls▁end｜>", false,
    "ok<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>g"
    "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "{T}ok{C}f{C}g", 2 },
  { "<|channel>thought <channel|>", false, "<|channel>thought\nx<channel|>y", "{R}x{T}y", 0 },
};

static void
splits_whole_replies (void)
{
  struct seen seen;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    unsigned n = split (cases[i].template, cases[i].in_reasoning, cases[i].reply, 10000, &seen);
    CHECK_STR (seen.text, cases[i].expected);
    CHECK_MSG (n == cases[i].n_calls, "case %zu: %u calls", i, n);
  }
}

static void
splits_streams_the_same (void)
{
  struct seen seen;
  for (size_t step = 1; step < 9; step++)
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      unsigned n = split (cases[i].template, cases[i].in_reasoning, cases[i].reply, step, &seen);
      CHECK_STR (seen.text, cases[i].expected);
      CHECK (n == cases[i].n_calls);
    }
}

static void
holds_back_half_a_mark (void)
{
  struct pe_error error;
  struct pe_reply *r;
  struct seen seen = { 0 };
  CHECK (pe_reply_new (pe_reply_format_detect ("</think>", 8), true, note, &seen, &r, &error));
  CHECK (pe_reply_push (r, "hm</thi", 7, &error));
  CHECK_STR (seen.text, "{R}hm");
  CHECK (pe_reply_push (r, "s", 1, &error));
  CHECK_STR (seen.text, "{R}hm</this");
  CHECK (pe_reply_push (r, "</think>", 8, &error));
  CHECK_STR (seen.text, "{R}hm</this");
  pe_reply_free (r);
}

static void
sees_opened_reasoning (void)
{
  const struct pe_reply_format *f = pe_reply_format_detect ("</think>", 8);
  CHECK (pe_reply_prompt_opens_reasoning (f, "a<think>\n", 9));
  CHECK (!pe_reply_prompt_opens_reasoning (f, "<think>\n\n</think>\n\n", 19));
  CHECK (!pe_reply_prompt_opens_reasoning (pe_reply_format_detect (NULL, 0), "<think>", 7));
}

int
main (void)
{
  RUN (splits_whole_replies);
  RUN (splits_streams_the_same);
  RUN (holds_back_half_a_mark);
  RUN (sees_opened_reasoning);
  return test_done ();
}
