/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the conformance cases cannot see: where bytes come from, limits, and lack of memory.
 */
#include "base/json.h"
#include "engine/text/template.h"

#include "../harness.h"

static struct pe_template_result result;
static struct pe_error error;

static bool
render (const char *text, const char *context, const struct pe_template_limits *limits)
{
  static const struct tm now = { .tm_year = 125, .tm_mon = 10, .tm_mday = 9 };
  struct pe_json_document document;
  struct pe_template *tmpl;
  error = (struct pe_error){ 0 };
  pe_template_result_clear (&result);
  if (!pe_json_parse (context, strlen (context), &document, &error))
    return false;
  bool ok = pe_template_parse (text, strlen (text), &tmpl, &error);
  if (ok) {
    ok = pe_template_render (tmpl, &document.root, &now, limits, &result, &error);
    pe_template_free (tmpl);
  }
  pe_json_document_clear (&document);
  return ok;
}

/* The rendered text with the stretches from values in brackets. */
static const char *
marked (const char *text, const char *context)
{
  static char out[1000];
  size_t n = 0;
  CHECK_MSG (render (text, context, NULL), "%s", error.message);
  for (size_t i = 0; i < result.n_pieces; i++) {
    const struct pe_template_piece *piece = &result.pieces[i];
    n += (size_t) snprintf (out + n, sizeof out - n, piece->from_values ? "[%.*s]" : "%.*s",
                            (int) piece->n, result.text + piece->offset);
  }
  out[n] = 0;
  return out;
}

static void
tells_origins_apart (void)
{
  static const char context[] = "{\"m\":{\"c\":\" Ab \",\"l\":[\"x\",\"y\"],\"n\":7},"
                                "\"bos_token\":\"<s>\",\"name\":\"zed\"}";
  static const struct {
    const char *text, *expected;
  } cases[] = {
    { "<{{ m.c }}>", "<[ Ab ]>" },
    { "{{ bos_token ~ name }}", "<s>[zed]" },
    { "{{ '<' + m.c + '>' }}", "<[ Ab ]>" },
    { "{{ ('<' ~ m.c ~ '>') | upper }}", "<[ AB ]>" },
    { "{{ m.c | trim }}{{ m.c.strip() }}", "[AbAb]" },
    { "{{ ('(' ~ m.c ~ ')')[1:4] }}", "[ Ab]" },
    { "{{ ('(' ~ m.c ~ ')')[::-1] }}", ")[ bA ](" },
    { "{{ m.l | join(', ') }}", "[x], [y]" },
    { "{{ '-'.join(m.l) }}", "[x]-[y]" },
    { "{{ 'a-b'.replace('-', name) }}", "a[zed]b" },
    { "{{ name.replace('e', '+') }}", "[z]+[d]" },
    { "{{ m.l | tojson }}", "[\"[x]\", \"[y]\"]" },
    { "{{ m.l }}", "['[x]', '[y]']" },
    { "{{ m.n }}{{ m.l | length }}", "72" },
    { "{{ '%s=%s' % ('k', name) }}", "k=[zed]" },
    { "{{ '{}={}'.format('k', name) }}", "k=[zed]" },
    { "{{ ('<|' ~ name).split('|')[1] }}", "[zed]" },
    { "{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(name) | upper }}", "<[ZED]>" },
    { "{% set x %}a{{ name }}{% endset %}{{ x }}", "a[zed]" },
    { "{% for c in name %}{{ c }}.{% endfor %}", "[z].[e].[d]." },
    { "{% for k in m %}{{ k }}{% endfor %}", "[cln]" },
    { "{{ name | indent(2, true) }}", "  [zed]" },
    { "{{ name.center(7, '*') }}", "**[zed]**" },
    { "{{ name == 'zed' and 'yes' }}", "yes" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    CHECK_STR (marked (cases[i].text, context), cases[i].expected);
}

static void
stops_at_limits (void)
{
  static const struct {
    const char *text;
    struct pe_template_limits limits;
  } cases[] = {
    { "{% for i in range(1000) %}{% endfor %}", { .steps = 500 } },
    { "{% for i in range(1000) %}0123456789{% endfor %}", { .output_bytes = 5000 } },
    { "{{ ('a' * 100000) | length }}", { .memory_bytes = 50000 } },
    { "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(20) }}",
      { .depth = 10 } },
    { "{{ range(100001) }}", { 0 } },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CHECK_MSG (!render (cases[i].text, "{}", &cases[i].limits), "%s", cases[i].text);
    CHECK_MSG (error.code == PE_ERROR_LIMIT, "%s: %s", cases[i].text, error.message);
  }
}

static void
reports_the_place (void)
{
  CHECK (!render ("ab{{ x. }}", "{}", NULL) && error.code == PE_ERROR_FORMAT && error.offset == 8);
  CHECK (!render ("ab{{ 1 + none }}", "{}", NULL) && error.offset == 5);
  CHECK (!render ("{{ raise_exception('why ' ~ 1) }}", "{}", NULL));
  CHECK (error.code == PE_ERROR_ARGUMENT);
  CHECK_STR (error.message, "why 1");
}

static void
survives_lack_of_memory (void)
{
  static const char text[] =
      "{% macro f(a, b='x') %}{{ a }}{{ b }}{% endmacro %}"
      "{% for m in messages if m.role %}{{ f(m.role, b=m | tojson) }}"
      "{{ messages | map(attribute='role') | sort | join('-') }}{% endfor %}";
  static const char context[] = "{\"messages\":[{\"role\":\"b\"},{\"role\":\"a\",\"k\":[1.5]}]}";
  for (uint64_t nth = 1;; nth++) {
    pe_alloc_fail_at (nth, true);
    bool ok = render (text, context, NULL);
    pe_alloc_fail_at (0, false);
    CHECK (ok || error.code == PE_ERROR_MEMORY);
    if (ok) {
      CHECK (nth > 5);
      CHECK_STR (result.text, "b{\"role\": \"b\"}a-ba{\"role\": \"a\", \"k\": [1.5]}a-b");
      return;
    }
  }
}

int
main (void)
{
  RUN (tells_origins_apart);
  RUN (stops_at_limits);
  RUN (reports_the_place);
  RUN (survives_lack_of_memory);
  pe_template_result_clear (&result);
  return test_done ();
}
