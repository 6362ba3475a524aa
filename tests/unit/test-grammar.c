/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Grammars: what they accept and refuse, hostile ones, JSON schemas, and that any reply drawn at
 * random within a random schema validates against it.
 */
#include "tests/harness.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/text/grammar.h"

#include <math.h>

static struct pe_grammar *grammar;
static struct pe_matcher *matcher;

static void
drop (void)
{
  pe_matcher_free (matcher);
  pe_grammar_free (grammar);
  matcher = NULL;
  grammar = NULL;
}

static void
follow (void)
{
  struct pe_error error = { 0 };
  CHECK_MSG (pe_matcher_new (grammar, &matcher, &error), "%s", error.message);
}

static void
use_rules (const char *rules)
{
  struct pe_error error = { 0 };
  drop ();
  CHECK_MSG (pe_grammar_parse (rules, strlen (rules), &grammar, &error), "%s: %s", rules,
             error.message);
  follow ();
}

static void
use_schema (const char *schema)
{
  struct pe_error error = { 0 };
  drop ();
  CHECK_MSG (pe_grammar_from_schema (schema, strlen (schema), &grammar, &error), "%s: %s", schema,
             error.message);
  follow ();
}

/* The whole text matches; it is taken byte by byte. */
static bool
takes (const char *text)
{
  pe_matcher_reset (matcher);
  for (; *text; text++) {
    bool allowed = pe_matcher_allows (matcher, text, 1);
    CHECK (pe_matcher_accept (matcher, text, 1) == allowed);
    if (!allowed)
      return false;
  }
  return pe_matcher_may_end (matcher);
}

/* ---- rules ---- */

static void
parts (void)
{
  use_rules ("root ::= \"a\" [b-d]+ (\"x\" | \"yz\")? \"!\"{2,3} # a comment\n");
  CHECK (takes ("ab!!") && takes ("abcdx!!!") && takes ("adyz!!"));
  CHECK (!takes ("a!!") && !takes ("ab!") && !takes ("ab!!!!") && !takes ("abxx!!"));
  use_rules ("root ::= greeting (\", \" name)* \".\"\ngreeting ::= \"Hi\"\n | \"Hello\"\n"
             "name ::= [A-Z] [a-z]{1,3}");
  CHECK (takes ("Hi.") && takes ("Hello, Bob, Eve.") && !takes ("Hi, Roberta.") && !takes ("Hel."));
  use_rules ("root ::= | \"a\" root");
  CHECK (takes ("") &&
         takes ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
  use_rules ("root ::= (\"a\"*)* \"b\"{0} \"c\"{2} \"d\"{1,}");
  CHECK (takes ("ccd") && takes ("aaaccddd") && !takes ("acd") && !takes ("bccd"));
  use_rules ("root ::= \"\\x41\\u00e9\\U0001f600\\n\\\"\"");
  CHECK (takes ("Aé😀\n\""));
}

static void
characters (void)
{
  use_rules ("root ::= [à-ö] [^a-cé\\]] . [^\\x00-\\u07ff]");
  CHECK (takes ("éxyz") == false && takes ("éxy€") && takes ("à😀😀😀") && takes ("öà\u07ff\u0800"));
  CHECK (!takes ("÷xy€") && !takes ("éby€") && !takes ("ééy€") && !takes ("é]y€"));
  /* no byte sequence that is not UTF-8: a surrogate, an overlong form, one beyond the end */
  use_rules ("root ::= .*");
  CHECK (takes ("\ud7ff\ue000\U0010ffff\u00a0\x01"));
  CHECK (!takes ("\xed\xa0\x80") && !takes ("\xc0\x80") && !takes ("\xf4\x90\x80\x80") &&
         !takes ("\xe0\x9f\xbf") && !takes ("\xe2\x82") && !takes ("\x80"));
}

/* Every character, in classes cut at every kind of border. */
static void
all_characters (void)
{
  static const struct {
    const char *rules;
    uint32_t low, high;
  } classes[] = { { "root ::= [\\x7f-\\u0080]", 0x7f, 0x80 },
                  { "root ::= [\\u07fe-\\u1234]", 0x7fe, 0x1234 },
                  { "root ::= [\\u0801-\\U00012345]", 0x801, 0x12345 },
                  { "root ::= [\\ud7fe-\\U0010fffe]", 0xd7fe, 0x10fffe } };
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
    use_rules (classes[i].rules);
    for (uint32_t c = 1; c <= 0x10ffff; c += c < 0x3000 ? 1 : 13) {
      char text[5] = { 0 };
      if (c >= 0xd800 && c < 0xe000)
        continue;
      if (c < 0x80)
        text[0] = (char) c;
      else if (c < 0x800)
        text[0] = (char) (0xc0 | c >> 6), text[1] = (char) (0x80 | (c & 63));
      else if (c < 0x10000)
        text[0] = (char) (0xe0 | c >> 12), text[1] = (char) (0x80 | (c >> 6 & 63)),
        text[2] = (char) (0x80 | (c & 63));
      else
        text[0] = (char) (0xf0 | c >> 18), text[1] = (char) (0x80 | (c >> 12 & 63)),
        text[2] = (char) (0x80 | (c >> 6 & 63)), text[3] = (char) (0x80 | (c & 63));
      pe_matcher_reset (matcher);
      bool taken = pe_matcher_accept (matcher, text, strlen (text)) && pe_matcher_may_end (matcher);
      CHECK_MSG (taken == (c >= classes[i].low && c <= classes[i].high), "%s U+%04x",
                 classes[i].rules, (unsigned) c);
    }
  }
}

static void
refuses (const char *rules, enum pe_code code, const char *reason)
{
  struct pe_error error = { 0 };
  struct pe_grammar *refused = NULL;
  bool parsed = pe_grammar_parse (rules, strlen (rules), &refused, &error);
  pe_grammar_free (refused);
  CHECK_MSG (!parsed, "%.60s was accepted", rules);
  CHECK_MSG (error.code == code && strstr (error.message, reason), "%.60s: %d %s", rules,
             error.code, error.message);
}

static char *
repeated (const char *before, const char *middle, size_t times, const char *after)
{
  size_t n = strlen (middle);
  char *text = malloc (strlen (before) + n * times + strlen (after) + 1);
  strcpy (text, before);
  char *at = text + strlen (text);
  for (size_t i = 0; i < times; i++, at += n)
    memcpy (at, middle, n);
  strcpy (at, after);
  return text;
}

static void
hostile_rules (void)
{
  refuses ("", PE_ERROR_FORMAT, "no rule 'root'");
  refuses ("root", PE_ERROR_FORMAT, "no rule (");
  refuses ("root ::= # nothing", PE_ERROR_FORMAT, "an empty rule");
  refuses ("root ::=", PE_ERROR_FORMAT, "an empty rule");
  refuses ("root ::= a", PE_ERROR_FORMAT, "the rule 'a' and never says");
  refuses ("root ::= \"a\"\nroot ::= \"b\"", PE_ERROR_FORMAT, "was there before");
  refuses ("root ::= \"a", PE_ERROR_FORMAT, "unfinished");
  refuses ("root ::= [a", PE_ERROR_FORMAT, "unfinished");
  refuses ("root ::= []", PE_ERROR_FORMAT, "no character");
  refuses ("root ::= [^\\x00-\\U0010ffff]", PE_ERROR_FORMAT, "no character");
  refuses ("root ::= [z-a]", PE_ERROR_FORMAT, "backwards");
  refuses ("root ::= \"\\q\"", PE_ERROR_FORMAT, "unknown escape");
  refuses ("root ::= \"\\ud800\"", PE_ERROR_FORMAT, "no character");
  refuses ("root ::= \"\xff\"", PE_ERROR_FORMAT, "not UTF-8");
  refuses ("root ::= (\"a\"", PE_ERROR_FORMAT, "does not end");
  refuses ("root ::= \"a\")", PE_ERROR_FORMAT, "nothing opened");
  refuses ("root ::= ()", PE_ERROR_FORMAT, "empty group");
  /* expressions of other languages */
  refuses ("root ::= ^+a", PE_ERROR_FORMAT, "does not belong");
  refuses ("root ::= ^{2}", PE_ERROR_FORMAT, "does not belong");
  refuses ("root ::= (?<=x)", PE_ERROR_FORMAT, "does not belong");
  refuses ("root ::= \"a\"**", PE_ERROR_FORMAT, "does not belong");
  refuses ("root ::= \"a\"{}", PE_ERROR_FORMAT, "without a number");
  refuses ("root ::= \"a\"{3,2}", PE_ERROR_FORMAT, "no sense");
  /* too much */
  refuses ("root ::= \"a\"{0,1000000000}", PE_ERROR_LIMIT, "more than");
  refuses ("root ::= ((\"a\"{4000}){4000}){4000}", PE_ERROR_LIMIT, "too large");
  refuses ("root ::= ((\"\"{4000}){4000}){4000}", PE_ERROR_LIMIT, "too large");
  /* what begins with itself, or never ends */
  refuses ("root ::= root \"a\" | \"b\"", PE_ERROR_FORMAT, "'root' begins with itself");
  refuses ("root ::= \"x\" a\na ::= \"\" b\nb ::= \"y\"? a \"z\"", PE_ERROR_FORMAT,
           "begins with itself");
  refuses ("root ::= root", PE_ERROR_FORMAT, "begins with itself");
  refuses ("root ::= \"a\" root", PE_ERROR_FORMAT, "matches no text");
  refuses ("root ::= \"a\" b\nb ::= \"b\" root \"c\"", PE_ERROR_FORMAT, "matches no text");
}

static void
large_rules (void)
{
  char *deep = repeated ("root ::= ", "(", 100000, "");
  refuses (deep, PE_ERROR_LIMIT, "nests more than");
  free (deep);
  char *long_text = repeated ("root ::= \"", "a", 100000, "\"");
  refuses (long_text, PE_ERROR_LIMIT, "too large");
  free (long_text);
  char *many = repeated ("root ::= ", "a b c ", 200000, "");
  refuses (many, PE_ERROR_LIMIT, "too large");
  free (many);
  char *chain = malloc (1 << 20), *at = chain;
  for (int i = 0; i < 20000; i++)
    at += sprintf (at, "r%d ::= r%d\n", i, i + 1);
  refuses (chain, PE_ERROR_LIMIT, "rules");
  at = chain + sprintf (chain, "root ::= r0\n");
  for (int i = 0; i < 10000; i++)
    at += sprintf (at, "r%d ::= r%d\n", i * 7919 % 10000, (i * 7919 + 1) % 10000);
  refuses (chain, PE_ERROR_FORMAT, "begins with itself");
  /* a stack deeper than there may be */
  at = chain + sprintf (chain, "root ::= r0\nr100 ::= \"x\"\n");
  for (int i = 0; i < 100; i++)
    at += sprintf (at, "r%d ::= r%d \"y\"\n", i, i + 1);
  refuses (chain, PE_ERROR_FORMAT, "nested deeper");
  free (chain);
}

/* Many ways at once: refused by count, never followed one by one. */
static void
ambiguous_rules (void)
{
  struct pe_error error = { 0 };
  struct pe_matcher *refused = NULL;
  use_rules ("root ::= a a a a a a a a a a a a a a a a\na ::= \"x\"{0,200} | \"x\" a \"y\"?");
  char text[64];
  memset (text, 'x', sizeof text);
  size_t taken = 0;
  while (taken < 64 && pe_matcher_accept (matcher, text, 1))
    taken++;
  CHECK (taken == 64 || pe_matcher_was_limited (matcher));
  char *many = repeated ("root ::= \"a\"", " | \"a\" [a-z] \"b\"", 2000, "");
  drop ();
  CHECK (pe_grammar_parse (many, strlen (many), &grammar, &error));
  free (many);
  CHECK (!pe_matcher_new (grammar, &refused, &error) && error.code == PE_ERROR_LIMIT);
}

/* Depth is used up; what was taken can still be ended. */
static void
depth (void)
{
  use_rules ("root ::= \"(\" root \")\" | \"x\"");
  int n = 0;
  while (pe_matcher_accept (matcher, "(", 1))
    n++;
  CHECK_MSG (n == PE_GRAMMAR_MAX_DEPTH, "%d", n);
  CHECK (pe_matcher_accept (matcher, "x", 1));
  for (int i = 0; i < n; i++)
    CHECK (!pe_matcher_may_end (matcher) && pe_matcher_accept (matcher, ")", 1));
  CHECK (pe_matcher_may_end (matcher) && !pe_matcher_allows (matcher, ")", 1));
}

/* The tables fill up and are emptied many times; the place is kept. */
static void
full_tables (void)
{
  use_rules ("root ::= (\"a\" | \"b\"){4000} \"c\"");
  for (int i = 0; i < 4000; i++)
    CHECK (pe_matcher_accept (matcher, i & 1 ? "a" : "b", 1) &&
           pe_matcher_allows (matcher, "c", 1) == (i == 3999));
  CHECK (pe_matcher_accept (matcher, "c", 1) && pe_matcher_may_end (matcher));
  use_rules ("root ::= \"[\" (root (\",\" root)*)? \"]\" | [0-9]{1,30}");
  for (int round = 0; round < 2000; round++) {
    CHECK (pe_matcher_accept (matcher, round ? ",[[[" : "[[[[", 4));
    CHECK (pe_matcher_accept (matcher, "1234,5],[],6],77]", 17));
  }
  CHECK (pe_matcher_accept (matcher, "]", 1) && pe_matcher_may_end (matcher));
}

/* ---- schemas ---- */

static void
schema_values (void)
{
  use_schema ("{\"type\":\"string\"}");
  CHECK (takes ("\"\"") && takes ("\"é\\n\\u00e9\\\"\"") && !takes ("\"\n\"") && !takes ("1"));
  CHECK (!takes ("\"\\ud83d\\ude00\"") && !takes ("\"\\x\"") && !takes ("\"a\"b"));
  use_schema ("{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}");
  CHECK (!takes ("\"a\"") && takes ("\"é\\n\"") && takes ("\"😀😀😀\"") && !takes ("\"abcd\""));
  use_schema ("{\"type\":\"integer\"}");
  CHECK (takes ("0") && takes ("-12") && !takes ("012") && !takes ("1.5") && !takes ("+1"));
  use_schema ("{\"type\":\"number\"}");
  CHECK (takes ("0.50") && takes ("-1e-9") && takes ("7") && !takes (".5") && !takes ("1."));
  use_schema ("{\"type\":[\"boolean\",\"null\"]}");
  CHECK (takes ("true") && takes ("null") && !takes ("nil"));
  use_schema ("{\"enum\":[1,\"a\\\"b\",null,{\"x\":[1.5]}]}");
  CHECK (takes ("1") && takes ("\"a\\\"b\"") && takes ("{\"x\":[1.5]}") && !takes ("2"));
  use_schema ("{\"type\":\"string\",\"enum\":[1,\"a\"]}");
  CHECK (takes ("\"a\"") && !takes ("1"));
  use_schema ("{\"const\":\"é\"}");
  CHECK (takes ("\"é\"") && !takes ("\"e\""));
  use_schema ("{}");
  CHECK (takes ("[{\"a\":[1,2.5e3,\"x\"], \"b\":{}},null]") && !takes ("[1,]"));
  use_schema ("true");
  CHECK (takes ("[]") && !takes (""));
}

static void
schema_lists (void)
{
  use_schema (
      "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1,\"maxItems\":3}");
  CHECK (takes ("[1]") && takes ("[1, 2,\n3]") && !takes ("[]") && !takes ("[1,2,3,4]"));
  use_schema ("{\"items\":{\"const\":1},\"maxItems\":0}");
  CHECK (takes ("[]") && !takes ("[1]"));
  use_schema ("{\"type\":\"array\",\"maxItems\":1}");
  CHECK (takes ("[]") && takes ("[{}]") && !takes ("[1,2]"));
}

static void
schema_objects (void)
{
  use_schema ("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},"
              "\"b\":{\"type\":\"string\"},\"c\":{}},\"required\":[\"b\"]}");
  CHECK (takes ("{\"b\":\"\"}") && takes ("{\"a\":1,\"b\":\"\",\"c\":[]}") &&
         takes ("{ \"b\": \"\" , \"c\": 1 }"));
  CHECK (!takes ("{}") && !takes ("{\"a\":1}") && !takes ("{\"b\":\"\",\"a\":1}") &&
         !takes ("{\"b\":\"\",}"));
  use_schema (
      "{\"properties\":{\"ab\":{\"const\":1},\"ac\":{\"const\":2}},\"additionalProperties\":"
      "{\"type\":\"boolean\"}}");
  CHECK (takes ("{}") && takes ("{\"ab\":1,\"a\":true,\"abc\":true,\"\":false}"));
  CHECK (!takes ("{\"ab\":true}") && !takes ("{\"x\":true,\"ab\":1}") && !takes ("{\"ad\":1}"));
  CHECK (!takes ("{\"\\u0061b\":true}"));
  use_schema ("{\"additionalProperties\":false}");
  CHECK (takes ("{}") && !takes ("{\"a\":1}"));
  use_schema ("{\"required\":[\"a\"],\"properties\":{\"a\":{\"const\":1},\"b\":false}}");
  CHECK (takes ("{\"a\":1}") && !takes ("{\"a\":1,\"b\":1}"));
  use_schema ("{\"required\":[\"z\"]}");
  CHECK (takes ("{\"z\":[]}") && !takes ("{}"));
}

static void
schema_choices (void)
{
  use_schema (
      "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}]}");
  CHECK (takes ("[1,[2,[]]]") && !takes ("[\"a\"]"));
  use_schema ("{\"$defs\":{\"a/b~c\":{\"const\":7}},\"$ref\":\"#/$defs/a~1b~0c\"}");
  CHECK (takes ("7") && !takes ("8"));
  use_schema ("{\"$defs\":{\"é\":{\"const\":7}},\"allOf\":[{\"$ref\":\"#/%24defs/%C3%A9\"}]}");
  CHECK (takes ("7"));
  use_schema (
      "{\"oneOf\":[{\"type\":\"object\",\"required\":[\"k\"],\"properties\":{\"k\":{\"const\":"
      "\"x\"}}},"
      "{\"type\":\"object\",\"required\":[\"k\"],\"properties\":{\"k\":{\"enum\":[\"y\",\"z\"]},"
      "\"v\":{\"type\":\"null\"}}},{\"type\":\"string\"}]}");
  CHECK (takes ("{\"k\":\"x\"}") && takes ("{\"k\":\"z\",\"v\":null}") && takes ("\"\""));
  CHECK (!takes ("{\"k\":\"x\",\"v\":null}") && !takes ("{}"));
  use_schema ("{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},\"next\":"
              "{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#\"}]}},\"required\":[\"v\",\"next\"],"
              "\"title\":\"list\",\"x-note\":1,\"$id\":\"list\"}");
  CHECK (takes ("{\"v\":1,\"next\":{\"v\":2,\"next\":null}}") && !takes ("{\"v\":1,\"next\":{}}"));
}

static void
refuses_schema (const char *schema, enum pe_code code, const char *reason)
{
  struct pe_error error = { 0 };
  struct pe_grammar *refused = NULL;
  bool made = pe_grammar_from_schema (schema, strlen (schema), &refused, &error);
  pe_grammar_free (refused);
  CHECK_MSG (!made, "%.60s was accepted", schema);
  CHECK_MSG (error.code == code && strstr (error.message, reason), "%.60s: %d %s", schema,
             error.code, error.message);
}

static void
hostile_schemas (void)
{
  refuses_schema ("{", PE_ERROR_FORMAT, "the schema");
  refuses_schema ("1", PE_ERROR_FORMAT, "no schema");
  refuses_schema ("false", PE_ERROR_FORMAT, "matches no text");
  refuses_schema ("{\"type\":\"str\"}", PE_ERROR_FORMAT, "\"type\"");
  refuses_schema ("{\"type\":[]}", PE_ERROR_FORMAT, "\"type\"");
  refuses_schema ("{\"type\":\"string\",\"pattern\":\"^a\"}", PE_ERROR_UNSUPPORTED, "\"pattern\"");
  refuses_schema ("{\"type\":\"integer\",\"minimum\":1}", PE_ERROR_UNSUPPORTED, "\"minimum\"");
  refuses_schema ("{\"not\":{}}", PE_ERROR_UNSUPPORTED, "\"not\"");
  refuses_schema ("{\"maxLength\":1000000000}", PE_ERROR_LIMIT, "\"maxLength\"");
  refuses_schema ("{\"minItems\":-1}", PE_ERROR_FORMAT, "\"minItems\"");
  refuses_schema ("{\"minItems\":2,\"maxItems\":1}", PE_ERROR_FORMAT, "above");
  refuses_schema ("{\"enum\":[]}", PE_ERROR_FORMAT, "\"enum\"");
  refuses_schema ("{\"enum\":[1e400]}", PE_ERROR_UNSUPPORTED, "2^63");
  refuses_schema ("{\"type\":\"null\",\"enum\":[1]}", PE_ERROR_FORMAT, "\"type\"");
  refuses_schema ("{\"enum\":[1],\"minLength\":1}", PE_ERROR_UNSUPPORTED,
                  "\"enum\" and \"minLength\"");
  refuses_schema ("{\"anyOf\":[{}],\"oneOf\":[{}]}", PE_ERROR_UNSUPPORTED, "only one");
  refuses_schema ("{\"allOf\":[{},{}]}", PE_ERROR_UNSUPPORTED, "\"allOf\"");
  refuses_schema ("{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}",
                  PE_ERROR_UNSUPPORTED, "\"oneOf\"");
  refuses_schema ("{\"oneOf\":[{\"minLength\":1},{\"type\":\"null\"}]}", PE_ERROR_UNSUPPORTED,
                  "\"oneOf\"");
  refuses_schema ("{\"properties\":[]}", PE_ERROR_FORMAT, "\"properties\"");
  refuses_schema ("{\"required\":[1]}", PE_ERROR_FORMAT, "\"required\"");
  refuses_schema ("{\"required\":[\"a\"],\"additionalProperties\":false}", PE_ERROR_FORMAT, "'a'");
  /* references */
  refuses_schema ("{\"$ref\":\"https://example.org/s.json\"}", PE_ERROR_UNSUPPORTED, "within it");
  refuses_schema ("{\"$ref\":\"#/$defs/x\"}", PE_ERROR_FORMAT, "does not have");
  refuses_schema ("{\"$ref\":\"#/%4\"}", PE_ERROR_FORMAT, "does not have");
  refuses_schema ("{\"$ref\":1}", PE_ERROR_UNSUPPORTED, "no text");
  refuses_schema ("{\"$ref\":\"#\"}", PE_ERROR_FORMAT, "circle");
  refuses_schema ("{\"$ref\":\"#\",\"minLength\":1}", PE_ERROR_UNSUPPORTED, "only one");
  refuses_schema ("{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}", PE_ERROR_FORMAT,
                  "begins with itself");
  refuses_schema ("{\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}", PE_ERROR_FORMAT,
                  "matches no text");
}

static void
large_schemas (void)
{
  char *deep = repeated ("", "{\"items\":", 100000, "");
  refuses_schema (deep, PE_ERROR_LIMIT, "the schema");
  free (deep);
  char *at, *wide = malloc (2 << 20);
  at = wide + sprintf (wide, "{\"properties\":{");
  for (int i = 0; i < 60000; i++)
    at += sprintf (at, "%s\"p%d\":{}", i ? "," : "", i);
  strcpy (at, "}}");
  refuses_schema (wide, PE_ERROR_LIMIT, "properties");
  at = wide + sprintf (wide, "{\"enum\":[0");
  for (int i = 1; i < 100000; i++)
    at += sprintf (at, ",%d", i);
  strcpy (at, "]}");
  refuses_schema (wide, PE_ERROR_LIMIT, "\"enum\"");
  at = wide + sprintf (wide, "{\"anyOf\":[true");
  for (int i = 1; i < 200000; i++)
    at += sprintf (at, ",true");
  strcpy (at, "]}");
  refuses_schema (wide, PE_ERROR_LIMIT, "");
  /* as many properties as there may be, optional, beside others */
  at = wide + sprintf (wide, "{\"additionalProperties\":{\"type\":\"null\"},\"properties\":{");
  for (int i = 0; i < 512; i++)
    at += sprintf (at, "%s\"p%d\":{\"const\":%d}", i ? "," : "", i, i);
  strcpy (at, "}}");
  use_schema (wide);
  CHECK (takes ("{\"p0\":0,\"p511\":511,\"p512\":null}") && !takes ("{\"p511\":null}"));
  free (wide);
}

/* ---- random schemas ---- */

static uint64_t state;

static uint32_t
pick (uint32_t below)
{
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t) (state >> 33) % below;
}

static void
random_schema (struct pe_json_writer *w, int level)
{
  static const char *const simple[] = { "string", "integer", "number", "boolean", "null" };
  static const char *const names[] = { "a", "ab", "b", "é\"", "", "a\nb", "abc" };
  pe_json_begin_object (w);
  switch (level > 3 ? pick (3) : pick (9)) {
  case 0:
    pe_json_key (w, "type");
    pe_json_text (w, simple[pick (5)]);
    break;
  case 1:
    pe_json_key (w, "enum");
    pe_json_begin_array (w);
    pe_json_int (w, pick (100));
    pe_json_text (w, names[pick (7)]);
    pe_json_real (w, pick (7) / 4.0);
    pe_json_end_array (w);
    break;
  case 2:
    pe_json_key (w, "type");
    pe_json_text (w, "string");
    pe_json_key (w, "minLength");
    pe_json_int (w, pick (3));
    pe_json_key (w, "maxLength");
    pe_json_int (w, 2 + pick (4));
    break;
  case 3:
    pe_json_key (w, "anyOf");
    pe_json_begin_array (w);
    random_schema (w, level + 1);
    random_schema (w, level + 1);
    pe_json_end_array (w);
    break;
  case 4:
    pe_json_key (w, "items");
    random_schema (w, level + 1);
    pe_json_key (w, "minItems");
    pe_json_int (w, pick (3));
    pe_json_key (w, "maxItems");
    pe_json_int (w, 2 + pick (3));
    break;
  case 5:
    pe_json_key (w, "$ref");
    pe_json_text (w, "#/$defs/tree");
    break;
  default:
    pe_json_key (w, "type");
    pe_json_text (w, "object");
    pe_json_key (w, "properties");
    pe_json_begin_object (w);
    uint32_t first = pick (5), n = pick (3);
    for (uint32_t i = 0; i < n; i++) {
      pe_json_key (w, names[first + i]);
      random_schema (w, level + 1);
    }
    pe_json_end_object (w);
    pe_json_key (w, "required");
    pe_json_begin_array (w);
    if (n && pick (2))
      pe_json_text (w, names[first]);
    pe_json_end_array (w);
    if (pick (2)) {
      pe_json_key (w, "additionalProperties");
      random_schema (w, level + 1);
    }
  }
  if (level == 0) {
    pe_json_key (w, "$defs");
    pe_json_begin_object (w);
    pe_json_key (w, "tree");
    pe_json_begin_object (w);
    pe_json_key (w, "type");
    pe_json_text (w, "array");
    pe_json_key (w, "items");
    pe_json_begin_object (w);
    pe_json_key (w, "$ref");
    pe_json_text (w, "#/$defs/tree");
    pe_json_end_object (w);
    pe_json_end_object (w);
    pe_json_end_object (w);
  }
  pe_json_end_object (w);
}

/* A validator of its own, for the keywords above. */
static bool
has_type (const struct pe_json *v, const char *type)
{
  bool is_number = v->kind == PE_JSON_INT || v->kind == PE_JSON_FLOAT;
  switch (type[0]) {
  case 's': return v->kind == PE_JSON_STRING;
  case 'i':
    return v->kind == PE_JSON_INT || (v->kind == PE_JSON_FLOAT && v->real == floor (v->real));
  case 'n': return type[2] == 'l' ? v->kind == PE_JSON_NULL : is_number;
  case 'b': return v->kind == PE_JSON_BOOL;
  case 'a': return v->kind == PE_JSON_ARRAY;
  default: return v->kind == PE_JSON_OBJECT;
  }
}

static bool
same (const struct pe_json *a, const struct pe_json *b)
{
  double x = a->kind == PE_JSON_INT ? (double) a->integer : a->real;
  double y = b->kind == PE_JSON_INT ? (double) b->integer : b->real;
  if (a->kind == PE_JSON_STRING || b->kind == PE_JSON_STRING)
    return a->kind == b->kind && a->string.n == b->string.n &&
           memcmp (a->string.data, b->string.data, a->string.n) == 0;
  return has_type (a, "number") && has_type (b, "number") && x == y;
}

static int64_t
number_of (const struct pe_json *schema, const char *key, int64_t otherwise)
{
  const struct pe_json *v = pe_json_get (schema, key);
  return v ? v->integer : otherwise;
}

static bool
validates (const struct pe_json *root, const struct pe_json *s, const struct pe_json *v)
{
  const struct pe_json *k;
  if (pe_json_get (s, "$ref"))
    return validates (root, pe_json_get (pe_json_get (root, "$defs"), "tree"), v);
  if ((k = pe_json_get (s, "type")) && !has_type (v, k->string.data))
    return false;
  if ((k = pe_json_get (s, "anyOf")))
    return validates (root, &k->list.items[0], v) || validates (root, &k->list.items[1], v);
  if ((k = pe_json_get (s, "enum"))) {
    for (size_t i = 0; i < k->list.n; i++)
      if (same (&k->list.items[i], v))
        return true;
    return false;
  }
  if (v->kind == PE_JSON_STRING) {
    int64_t n = 0;
    for (size_t i = 0; i < v->string.n; i++)
      n += (v->string.data[i] & 0xc0) != 0x80;
    return n >= number_of (s, "minLength", 0) && n <= number_of (s, "maxLength", INT64_MAX);
  }
  if (v->kind == PE_JSON_ARRAY) {
    if ((int64_t) v->list.n < number_of (s, "minItems", 0) ||
        (int64_t) v->list.n > number_of (s, "maxItems", INT64_MAX))
      return false;
    if ((k = pe_json_get (s, "items")))
      for (size_t i = 0; i < v->list.n; i++)
        if (!validates (root, k, &v->list.items[i]))
          return false;
  }
  if (v->kind == PE_JSON_OBJECT) {
    if ((k = pe_json_get (s, "required")))
      for (size_t i = 0; i < k->list.n; i++)
        if (!pe_json_get (v, k->list.items[i].string.data))
          return false;
    for (size_t i = 0; i < v->list.n; i++) {
      k = pe_json_get (pe_json_get (s, "properties"), v->list.keys[i].data);
      if (!k)
        k = pe_json_get (s, "additionalProperties");
      if (k && !validates (root, k, &v->list.items[i]))
        return false;
    }
  }
  return true;
}

/* Bytes drawn among those allowed, closing ones the more likely the longer the reply is. */
static size_t
random_reply (char *out, size_t size)
{
  static const char likely[] = "\"]}0:,aé{[";
  size_t n = 0;
  pe_matcher_reset (matcher);
  while (n < size) {
    if (pe_matcher_may_end (matcher) && pick (3) == 0)
      return n;
    char byte;
    unsigned tries = 0;
    do {
      if (tries < 64 && n > 100)
        byte = likely[tries++ % 5];
      else if (tries++ < 64)
        byte = likely[pick (sizeof likely - 1)];
      else
        byte = (char) (tries < 128 ? pick (256) : tries);
    } while (!pe_matcher_allows (matcher, &byte, 1) && tries < 400);
    if (tries == 400) {
      CHECK_MSG (pe_matcher_may_end (matcher), "stuck after %.*s", (int) n, out);
      return n;
    }
    CHECK (pe_matcher_accept (matcher, &byte, 1));
    out[n++] = byte;
  }
  CHECK_MSG (false, "no end: %.*s", (int) n, out);
  return n;
}

static void
random_schemas (void)
{
  static char reply[1 << 16];
  int n_replies = 0, n_long = 0;
  state = 7;
  for (int round = 0; round < 400; round++) {
    struct pe_json_writer w = { 0 };
    struct pe_json_document schema, value;
    struct pe_error error = { 0 };
    random_schema (&w, 0);
    CHECK (pe_json_finish (&w) && pe_json_parse (w.text, w.n, &schema, &error));
    use_schema (w.text);
    for (int i = 0; i < 10; i++, n_replies++) {
      size_t n = random_reply (reply, sizeof reply);
      CHECK_MSG (pe_json_parse (reply, n, &value, &error), "%s: %.*s: %s", w.text, (int) n, reply,
                 error.message);
      CHECK_MSG (validates (&schema.root, &schema.root, &value.root), "%s: %.*s", w.text, (int) n,
                 reply);
      n_long += n > 20;
      pe_json_document_clear (&value);
    }
    pe_json_document_clear (&schema);
    pe_json_writer_clear (&w);
  }
  CHECK_MSG (n_replies == 4000 && n_long > 400, "%d of %d replies are long", n_long, n_replies);
}

static void
lack_of_memory (void)
{
  static const char schema[] = "{\"properties\":{\"a\":{\"enum\":[1,\"b\"]},\"c\":{\"items\":"
                               "{\"$ref\":\"#\"}}},\"additionalProperties\":{\"type\":\"null\"}}";
  struct pe_error error;
  drop ();
  for (uint64_t nth = 1;; nth++) {
    struct pe_grammar *made = NULL;
    struct pe_matcher *m = NULL;
    pe_alloc_fail_at (nth, false);
    bool good = pe_grammar_from_schema (schema, sizeof schema - 1, &made, &error) &&
                pe_matcher_new (made, &m, &error);
    pe_alloc_fail_at (0, false);
    pe_matcher_free (m);
    pe_grammar_free (made);
    if (good) {
      CHECK (nth > 20);
      return;
    }
    CHECK_MSG (error.code == PE_ERROR_MEMORY, "%s", error.message);
    CHECK (nth < 100000);
  }
}

int
main (void)
{
  RUN (parts);
  RUN (characters);
  RUN (all_characters);
  RUN (hostile_rules);
  RUN (large_rules);
  RUN (ambiguous_rules);
  RUN (depth);
  RUN (full_tables);
  RUN (schema_values);
  RUN (schema_lists);
  RUN (schema_objects);
  RUN (schema_choices);
  RUN (hostile_schemas);
  RUN (large_schemas);
  RUN (random_schemas);
  RUN (lack_of_memory);
  drop ();
  return test_done ();
}
