/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"
#include "base/number.h"

#include "../harness.h"

#include <locale.h>
#include <math.h>

static struct pe_json_document document;

static const struct pe_json *
parse (const char *text)
{
  struct pe_error error;
  pe_json_document_clear (&document);
  CHECK_MSG (pe_json_parse (text, strlen (text), &document, &error), "%s: %s", text, error.message);
  return &document.root;
}

static void
rejects (const char *text, size_t n, enum pe_code code, uint64_t offset)
{
  struct pe_error error = { 0 };
  struct pe_json_document refused;
  bool parsed = pe_json_parse (text, n, &refused, &error);
  if (parsed)
    pe_json_document_clear (&refused);
  CHECK_MSG (!parsed, "%.60s was accepted", text);
  CHECK_MSG (error.code == code && error.offset == offset, "%.60s: code %d, offset %llu, \"%s\"",
             text, error.code, (unsigned long long) error.offset, error.message);
}

static void
scalars (void)
{
  CHECK (parse ("null")->kind == PE_JSON_NULL);
  CHECK (parse (" true\n")->boolean);
  CHECK (parse ("false")->kind == PE_JSON_BOOL && !document.root.boolean);
  CHECK (parse ("-0")->kind == PE_JSON_INT && document.root.integer == 0);
  CHECK (parse ("9223372036854775807")->integer == INT64_MAX);
  CHECK (parse ("-9223372036854775808")->integer == INT64_MIN);
  CHECK (parse ("9223372036854775808")->kind == PE_JSON_FLOAT && document.root.is_big_integer);
  CHECK (parse ("1e999")->kind == PE_JSON_FLOAT && isinf (document.root.real));
  CHECK (parse ("1.5E+3")->real == 1500 && !document.root.is_big_integer);
  CHECK (parse ("-0.0")->real == 0 && signbit (document.root.real));
}

static void
strings (void)
{
  CHECK_STR (parse ("\"a\\n\\u0041\\/\\\"\\\\ \\u00e9\"")->string.data, "a\nA/\"\\ é");
  CHECK_STR (parse ("\"\\ud83d\\ude00\"")->string.data, "😀");
  CHECK_STR (parse ("\"\\ud83dx\\ude00\"")->string.data, "\uFFFDx\uFFFD");
  CHECK_STR (parse ("\"\\ud83d\\u0041\"")->string.data, "\uFFFDA");
  CHECK (parse ("\"a\\u0000b\"")->string.n == 3 && document.root.string.data[2] == 'b');
}

static void
lists (void)
{
  const struct pe_json *root = parse ("{\"a\":[1,[],{}],\"b\":{\"c\":\"d\"},\"a\":2,\"e\":null}");
  CHECK (root->list.n == 3);
  CHECK (pe_json_get (root, "a")->integer == 2);
  CHECK_STR (root->list.keys[0].data, "a");
  CHECK_STR (pe_json_get (pe_json_get (root, "b"), "c")->string.data, "d");
  CHECK (pe_json_get (root, "e")->kind == PE_JSON_NULL);
  CHECK (!pe_json_get (root, "f") && !pe_json_get (NULL, "f"));
  root = parse ("[[1,2],[3,[4]]]");
  CHECK (root->list.items[1].list.items[1].list.items[0].integer == 4);
}

static void
many_keys_stay_linear (void)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  for (int i = 0; i < 200000; i++) {
    char key[16];
    snprintf (key, sizeof key, "k%d", i % 150000);
    pe_json_key (&w, key);
    pe_json_int (&w, i);
  }
  pe_json_end_object (&w);
  CHECK (pe_json_finish (&w));
  const struct pe_json *root = parse (w.text);
  pe_json_writer_clear (&w);
  CHECK (root->list.n == 150000);
  CHECK (root->list.items[7].integer == 150007 && root->list.items[149999].integer == 149999);
}

static void
refuses_damage (void)
{
  static const struct {
    const char *text;
    unsigned offset;
  } cases[] = {
    { "", 0 },
    { "  ", 2 },
    { "nul", 0 },
    { "[1,]", 3 },
    { "[1 2]", 3 },
    { "[1", 2 },
    { "{\"a\"}", 4 },
    { "{a:1}", 1 },
    { "{\"a\":1,}", 7 },
    { "01", 0 },
    { "-", 1 },
    { "1.", 2 },
    { ".5", 0 },
    { "1e", 2 },
    { "+1", 0 },
    { "NaN", 0 },
    { "\"abc", 4 },
    { "\"\\x\"", 2 },
    { "\"\\u12\"", 5 },
    { "\"\n\"", 1 },
    { "\"\xff\"", 1 },
    { "\"\xc0\x80\"", 1 },
    { "\"\xed\xa0\x80\"", 1 },
    { "1 x", 2 },
    { "[]]", 2 },
    { "'a'", 0 },
    { "\"\\", 2 },
    { "{\"a\" 1}", 5 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    rejects (cases[i].text, strlen (cases[i].text), PE_ERROR_FORMAT, cases[i].offset);
  rejects ("1\0", 2, PE_ERROR_FORMAT, 1);
}

static void
bounds_depth (void)
{
  char text[200000];
  memset (text, '[', sizeof text);
  rejects (text, sizeof text, PE_ERROR_LIMIT, PE_JSON_MAX_DEPTH);
  memset (text + PE_JSON_MAX_DEPTH, ']', PE_JSON_MAX_DEPTH);
  text[2 * PE_JSON_MAX_DEPTH] = 0;
  parse (text);
}

static void
writes (void)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  pe_json_key (&w, "a\"b");
  pe_json_begin_array (&w);
  pe_json_int (&w, INT64_MIN);
  pe_json_uint (&w, UINT64_MAX);
  pe_json_real (&w, 0.1);
  pe_json_real (&w, NAN);
  pe_json_bool (&w, true);
  pe_json_begin_object (&w);
  pe_json_end_object (&w);
  pe_json_end_array (&w);
  pe_json_key (&w, "s");
  pe_json_string (&w, "x\n\x01\xff\0é\x7f", 8);
  pe_json_end_object (&w);
  CHECK (pe_json_finish (&w));
  CHECK_STR (w.text, "{\"a\\\"b\":[-9223372036854775808,18446744073709551615,0.1,null,true,{}],"
                     "\"s\":\"x\\n\\u0001\uFFFD\\u0000é\x7f\"}");
  parse (w.text);
  struct pe_json_writer again = { 0 };
  pe_json_value (&again, &document.root);
  CHECK (pe_json_finish (&again));
  CHECK (strstr (again.text, "0.1,null,true,{}],\"s\":"));
  pe_json_writer_clear (&again);
  pe_json_writer_clear (&w);
  pe_json_begin_array (&w);
  CHECK (!pe_json_finish (&w)); /* a list without an end */
  pe_json_writer_clear (&w);
}

static void
survives_lack_of_memory (void)
{
  static const char text[] = "{\"a\":[1,2,{\"b\":\"text\"}],\"c\":{\"d\":[[],[1.5]]}}";
  struct pe_error error;
  for (uint64_t nth = 1;; nth++) {
    pe_alloc_fail_at (nth, nth % 2);
    struct pe_json_document d;
    bool parsed = pe_json_parse (text, strlen (text), &d, &error);
    bool written = false;
    if (parsed) {
      struct pe_json_writer w = { 0 };
      pe_json_value (&w, &d.root);
      written = pe_json_finish (&w);
      pe_json_writer_clear (&w);
      pe_json_document_clear (&d);
    } else {
      CHECK (error.code == PE_ERROR_MEMORY);
    }
    pe_alloc_fail_at (0, false);
    if (written) {
      CHECK (nth > 3);
      return;
    }
  }
}

static void
formats_floats_as_python (void)
{
  static const struct {
    double value;
    const char *text;
  } cases[] = {
    { 0, "0.0" },
    { -0.0, "-0.0" },
    { 1, "1.0" },
    { 0.1, "0.1" },
    { 1e15, "1000000000000000.0" },
    { 1e16, "1e+16" },
    { 1e22, "1e+22" },
    { 1e-4, "0.0001" },
    { 1e-5, "1e-05" },
    { 1.5e300, "1.5e+300" },
    { 1.0 / 3, "0.3333333333333333" },
    { 123456789.123, "123456789.123" },
    { 5e-324, "5e-324" },
    { 1.7976931348623157e308, "1.7976931348623157e+308" },
    { 2.0 / 3, "0.6666666666666666" },
    { 9007199254740993.0, "9007199254740992.0" },
    { INFINITY, "inf" },
    { -INFINITY, "-inf" },
  };
  const char *old = setlocale (LC_NUMERIC, NULL);
  char text[32];
  setlocale (LC_NUMERIC, "de_DE.UTF-8"); /* where it is installed, the decimal point is a comma */
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    pe_double_format (cases[i].value, text);
    CHECK_STR (text, cases[i].text);
  }
  double value = 0;
  CHECK (pe_double_parse ("1.25", 4, &value) && value == 1.25);
  CHECK (!pe_double_parse ("1,25", 4, &value) && !pe_double_parse ("", 0, &value));
  setlocale (LC_NUMERIC, old);
}

int
main (void)
{
  RUN (scalars);
  RUN (strings);
  RUN (lists);
  RUN (many_keys_stay_linear);
  RUN (refuses_damage);
  RUN (bounds_depth);
  RUN (writes);
  RUN (survives_lack_of_memory);
  RUN (formats_floats_as_python);
  pe_json_document_clear (&document);
  return test_done ();
}
