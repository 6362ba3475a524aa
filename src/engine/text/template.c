/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/template.h"

#include "base/json.h"
#include "engine/text/template-eval.h"

#include <string.h>

#define MAX_TEMPLATE_BYTES ((size_t) 1 << 20)

/* Line ends become "\n", and one at the very end is dropped. */
static char *
normalise (const char *text, size_t n, size_t *n_out)
{
  char *copy = pe_malloc (n + 1);
  size_t length = 0;
  if (!copy)
    return NULL;
  for (size_t i = 0; i < n; i++) {
    if (text[i] == '\r') {
      copy[length++] = '\n';
      i += i + 1 < n && text[i + 1] == '\n';
    } else {
      copy[length++] = text[i];
    }
  }
  if (length && copy[length - 1] == '\n')
    length--;
  *n_out = length;
  return copy;
}

bool
pe_template_parse (const char *text, size_t n, struct pe_template **out, struct pe_error *error)
{
  struct token *tokens = NULL;
  size_t n_tokens, length;
  if (n > MAX_TEMPLATE_BYTES)
    return pe_fail (error, PE_ERROR_LIMIT, "template: %zu bytes are more than the %zu allowed", n,
                    MAX_TEMPLATE_BYTES);
  struct pe_template *tmpl = pe_calloc (1, sizeof *tmpl);
  char *source = tmpl ? normalise (text, n, &length) : NULL;
  if (!source) {
    pe_free (tmpl);
    return pe_fail (error, PE_ERROR_MEMORY, "template: not enough memory");
  }
  bool ok = pe_t_lex (source, length, &tokens, &n_tokens, error);
  ok = ok && pe_t_parse (tmpl, tokens, n_tokens, error);
  pe_free (tokens);
  pe_free (source);
  if (!ok) {
    pe_template_free (tmpl);
    return false;
  }
  *out = tmpl;
  return true;
}

void
pe_template_free (struct pe_template *tmpl)
{
  if (!tmpl)
    return;
  pe_arena_clear (&tmpl->arena);
  pe_free (tmpl);
}

static struct pe_template_limits
with_defaults (const struct pe_template_limits *given)
{
  struct pe_template_limits limits = given ? *given : (struct pe_template_limits){ 0 };
  if (!limits.steps)
    limits.steps = 4000000;
  if (!limits.output_bytes)
    limits.output_bytes = (uint64_t) 8 << 20;
  if (!limits.memory_bytes)
    limits.memory_bytes = (uint64_t) 64 << 20;
  if (!limits.depth)
    limits.depth = 200;
  if (!limits.milliseconds)
    limits.milliseconds = 1000;
  return limits;
}

/* The output outlives the rendering's arena. */
static bool
copy_result (const struct tbuilder *b, struct pe_template_result *out, struct pe_error *error)
{
  out->text = pe_strndup (b->data, b->n);
  out->pieces = pe_calloc (b->n_runs, sizeof *out->pieces);
  if (!out->text || !out->pieces) {
    pe_template_result_clear (out);
    return pe_fail (error, PE_ERROR_MEMORY, "template: not enough memory");
  }
  out->n = b->n;
  out->n_pieces = b->n_runs;
  size_t begin = 0;
  for (size_t i = 0; i < b->n_runs; i++) {
    out->pieces[i] =
        (struct pe_template_piece){ begin, b->runs[i].end - begin, b->runs[i].from_values };
    begin = b->runs[i].end;
  }
  return true;
}

bool
pe_template_render (const struct pe_template *tmpl, const struct pe_json *context,
                    const struct tm *now, const struct pe_template_limits *limits,
                    struct pe_template_result *out, struct pe_error *error)
{
  struct pe_error ignored;
  struct teval t = { .tmpl = tmpl,
                     .context = context,
                     .limits = with_defaults (limits),
                     .error = error ? error : &ignored,
                     .now = now };
  struct tbuilder b = { .t = &t, .max = (size_t) t.limits.output_bytes };
  t.stack = __builtin_frame_address (0);
  t.out = &b;
  memset (out, 0, sizeof *out);
  t.globals = pe_t_scope_new (&t, NULL);
  bool ok = t.globals && pe_t_run (&t, tmpl->body) && copy_result (&b, out, error);
  pe_arena_clear (&t.arena);
  return ok;
}

void
pe_template_result_clear (struct pe_template_result *result)
{
  pe_free (result->text);
  pe_free (result->pieces);
  memset (result, 0, sizeof *result);
}
