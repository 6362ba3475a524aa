/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/pretokenizer.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "engine/format/limits.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#define MAX_STEPS       6
#define JIT_STACK_BYTES (256 * 1024)

/* White space as Unicode has it; PCRE2's \s counts U+180E, too, and not U+0085. */
#define BUT_NEWLINES                                                                               \
  "\\x09\\x0b\\x0c \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}" \
  "\\x{3000}"
#define SPACES    "\\r\\n" BUT_NEWLINES
#define SPACE     "[" SPACES "]"
#define NOT_SPACE "[^" SPACES "]"
#define BLANKS    SPACE "+(?!" NOT_SPACE ")|" SPACE "+"
/* A pattern that a whole run can fail looks behind itself, so that it isn't tried again at each
 * character of the run: the time would grow with the square of its length. */
#define FIRST_OF(set) "(?<!" set ")"
#define LINES         SPACE "*[\\r\\n]+|" BLANKS

#define CONTRACTION     "'(?:[sStTmMdD]|[rRvV][eE]|[lL][lL])"
#define SIGNS(more)     " ?[^" SPACES "\\p{L}\\p{N}" more "]+"
#define WORD            "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define GPT2            "'(?:[stmd]|[rv]e|ll)| ?\\p{L}+| ?\\p{N}+|" SIGNS ("") "|" BLANKS
#define LLAMA3(numbers) CONTRACTION "|" WORD "|" numbers "|" SIGNS ("") "[\\r\\n]*|" LINES

/* Words with at most one change from upper to lower case. As published, letters without case,
 * modifiers and marks count as both; of most of these names, the programs that models in this
 * format were made for know only the ASCII letters' case and leave the marks out. */
#define UPPER       "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER       "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define ASCII_UPPER "[^a-z\\P{L}]"
#define ASCII_LOWER "[^A-Z\\P{L}]"
#define CASED(u, l, end)                                                                           \
  "[^\\r\\n\\p{L}\\p{N}]?" u "*" l "+" end "|[^\\r\\n\\p{L}\\p{N}]?" u "+" l "*" end
#define AND_CONTRACTION       "(?:" CONTRACTION ")?"
#define GPT4O(words, numbers) words "|" numbers "|" SIGNS ("") "[\\r\\n/]*|" LINES
/* The same words in any case. */
#define MARKED_WORD "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+" AND_CONTRACTION
#define NOT_HAN_WORD                                                                               \
  "[^\\r\\n\\p{L}\\p{N}]?[^\\p{M}\\p{N}\\p{P}\\p{S}\\p{Z}\\p{C}\\p{sc:Han}]+" AND_CONTRACTION

#define DEEPSEEK3                                                                                  \
  "[!-/:-@\\[-`{-~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"                          \
  "| ?[\\p{P}\\p{S}]+[\\r\\n]*|" LINES
#define KANA_HAN "\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{30ff}"
/* U+0800 to U+9FA5 without the blanks among them, and Hangul. */
#define EASTERN_RUNS                                                                               \
  "[\\x{800}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}"                   \
  "\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{9fa5}\\x{ac00}-\\x{d7ff}]+"
#define BLOOM " ?[^(" SPACES "|.,!?\\x{2026}\\x{3002}\\x{ff0c}\\x{3001}\\x{964}\\x{6d4}\\x{60c})]+"

/* Letters of scripts with two cases, as the family lists them. */
#define CASED_SCRIPTS                                                                              \
  "A-Za-z\\x{b5}\\x{c0}-\\x{d6}\\x{d8}-\\x{f6}\\x{f8}-\\x{1ba}\\x{1bc}-\\x{1bf}\\x{1c4}-\\x{293}"  \
  "\\x{295}-\\x{2af}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37b}-\\x{37d}\\x{37f}\\x{386}"            \
  "\\x{388}-\\x{38a}\\x{38c}\\x{38e}-\\x{3a1}\\x{3a3}-\\x{3f5}\\x{3f7}-\\x{481}\\x{48a}-\\x{52f}"  \
  "\\x{531}-\\x{556}\\x{10a0}-\\x{10c5}\\x{13a0}-\\x{13f5}\\x{13f8}-\\x{13fd}\\x{1c90}-\\x{1cba}"  \
  "\\x{1cbd}-\\x{1cbf}\\x{1d00}-\\x{1d2b}\\x{1d6b}-\\x{1d77}\\x{1d79}-\\x{1d9a}\\x{1e00}-\\x{"     \
  "1f15}"                                                                                          \
  "\\x{1f18}-\\x{1f1d}\\x{1f20}-\\x{1f45}\\x{1f48}-\\x{1f4d}\\x{1f50}-\\x{1f57}\\x{1f59}\\x{1f5b}" \
  "\\x{1f5d}\\x{1f5f}-\\x{1f7d}\\x{1f80}-\\x{1fb4}\\x{1fb6}-\\x{1fbc}\\x{1fbe}\\x{1fc2}-\\x{1fc4}" \
  "\\x{1fc6}-\\x{1fcc}\\x{1fd0}-\\x{1fd3}\\x{1fd6}-\\x{1fdb}\\x{1fe0}-\\x{1fec}\\x{1ff2}-\\x{"     \
  "1ff4}"                                                                                          \
  "\\x{1ff6}-\\x{1ffc}\\x{2102}\\x{2107}\\x{210a}-\\x{2113}\\x{2115}\\x{2119}-\\x{211d}\\x{2124}"  \
  "\\x{2126}\\x{2128}\\x{212a}-\\x{212d}\\x{212f}-\\x{2134}\\x{2139}\\x{213c}-\\x{213f}"           \
  "\\x{2145}-\\x{2149}\\x{214e}\\x{2183}\\x{2184}\\x{2c00}-\\x{2c7b}\\x{2c7e}-\\x{2ce4}"           \
  "\\x{2ceb}-\\x{2cee}\\x{2cf2}\\x{2cf3}\\x{a640}-\\x{a66d}\\x{a680}-\\x{a69b}\\x{a722}-\\x{a76f}" \
  "\\x{a771}-\\x{a787}\\x{a78b}-\\x{a78e}\\x{ab70}-\\x{abbf}\\x{fb00}-\\x{fb06}\\x{fb13}-\\x{"     \
  "fb17}"                                                                                          \
  "\\x{ff21}-\\x{ff3a}\\x{ff41}-\\x{ff5a}\\x{10400}-\\x{1044f}\\x{104b0}-\\x{104d3}"               \
  "\\x{104d8}-\\x{104fb}\\x{10c80}-\\x{10cb2}\\x{10cc0}-\\x{10cf2}\\x{118a0}-\\x{118df}"           \
  "\\x{1e900}-\\x{1e943}"

enum { BOS = 1, WHOLE = 2, SEPARATOR = 4, PLAIN = 8, ALWAYS_BOS = 16 };

/* A pattern that begins with '#' is followed by the real one, whose matches are cut again into
 * groups of three characters, counted from the right. */
#define THREES "#"

static const struct rule {
  const char *names; /* between blanks */
  unsigned traits;
  const char *steps[MAX_STEPS];
} rules[] = {
  { " llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano ",
    BOS | WHOLE,
    { LLAMA3 ("\\p{N}{1,3}") } },
  { " dbrx smaug-bpe glm4 chatglm-bpe ", 0, { LLAMA3 ("\\p{N}{1,3}") } },
  { " qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2 bailingmoe "
    "bailingmoe2 llada-moe ",
    0,
    { LLAMA3 ("\\p{N}") } },
  { " gpt-2 phi-2 jina-es jina-de jina-v2-es jina-v2-de gigachat a.x-4.0 mellum modern-bert "
    "exaone4 "
    "mpt olmo jais trillion granite-docling ",
    0,
    { GPT2 } },
  { " roberta-bpe jina-v1-en jina-v2-code ", SEPARATOR, { GPT2 } },
  { " starcoder refact command-r smollm codeshell exaone minerva-7b mellum2 ",
    0,
    { "\\p{N}", GPT2 } },
  { " default ", 0, { "[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]" } },
  { " falcon ", 0, { "[\\p{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]" } },
  { " minicpm5 ", WHOLE, { "\\p{N}{1,3}", LLAMA3 ("\\p{N}+") } },
  { " jais-2 ",
    0,
    { CONTRACTION "|" WORD "|\\p{N}{1,3}|" SIGNS ("") "[\\r\\n]*|" FIRST_OF ("[" BUT_NEWLINES "]")
          SPACE "*[\\r\\n]+|" SPACE "{512}(?!" NOT_SPACE ")|" SPACE "{256}(?!" NOT_SPACE ")|" SPACE
                "{128}(?!" NOT_SPACE ")|" SPACE "{64}(?!" NOT_SPACE ")|" SPACE "{32}(?!" NOT_SPACE
                ")|" SPACE "{16}(?!" NOT_SPACE ")|" SPACE "{8}(?!" NOT_SPACE ")|" SPACE
                "{4}(?!" NOT_SPACE ")|" SPACE "{1,2}(?!" NOT_SPACE ")|" SPACE } },
  { " qwen35 ",
    0,
    { CONTRACTION
      "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}|" SIGNS ("\\p{M}") "[\\r\\n]*|" LINES } },
  { " laguna ", 0, { "[^\\n]+|\\n+", LLAMA3 ("\\p{N}") } },
  { " seed-coder ", 0, { CONTRACTION "|" WORD "|\\p{N}|" SIGNS ("") "|" LINES } },
  { " exaone-moe ",
    0,
    { CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}\\p{M}*+(?: ?\\p{L}\\p{M}*+)*+|\\p{N}|" SIGNS (
        "") "[\\r\\n/]?|" SPACE "*[\\r\\n]|" BLANKS } },
  { " gpt-4o ", 0, { GPT4O (CASED (UPPER, LOWER, AND_CONTRACTION), "\\p{N}{1,3}") } },
  { " llama4 kanana2 talkie minimax-m2 ",
    0,
    { GPT4O (CASED (ASCII_UPPER, ASCII_LOWER, AND_CONTRACTION), "\\p{N}{1,3}") } },
  { " granite-embed-multi-97m ", WHOLE, { GPT4O (MARKED_WORD, "\\p{N}{1,3}") } },
  { " tiny_aya cohere2moe ",
    0,
    { THREES FIRST_OF ("\\p{Nd}") "\\p{Nd}+(?![\\p{L}\\p{N}\\p{M}\\p{Pc}])",
      GPT4O (MARKED_WORD, "\\p{N}{1,3}") } },
  { " tekken ", BOS | WHOLE, { GPT4O (CASED (UPPER, LOWER, ""), "\\p{N}") } },
  { " kimi-k2 ",
    0,
    { "\\p{sc:Han}+|" NOT_HAN_WORD "|\\p{N}{1,3}|" SIGNS ("") "[\\r\\n]*|" LINES } },
  { " youtu ",
    WHOLE,
    { "[\\x{ac00}-\\x{d7a3}\\x{3131}-\\x{318e}]+|[\\x{ff01}\\x{2026}\\x{201c}\\x{201d}\\x{2018}"
      "\\x{2019}\\x{2014}\\x{ff1a}\\x{ff1b}\\x{ff0c}\\x{3001}-\\x{303f}\\x{fe30}-\\x{fe4f}]+|"
      "[\\x{3105}-\\x{312f}]+|[" KANA_HAN "]+",
      GPT4O (MARKED_WORD, "\\p{N}") } },
  { " deepseek-v3 hunyuan-dense joyai-llm ", 0, { "\\p{N}{1,3}", "[" KANA_HAN "]+", DEEPSEEK3 } },
  { " afmoe ",
    0,
    { THREES "\\p{N}+",
      "[\\x{4e00}-\\x{9fff}\\x{3400}-\\x{4dbf}\\x{f900}-\\x{faff}\\x{3040}-\\x{30ff}"
      "\\x{ff65}-\\x{ff9f}\\x{2f00}-\\x{2fdf}\\x{e40}-\\x{eff}\\x{1780}-\\x{17ff}\\x{1000}-\\x{"
      "109f}"
      "\\x{aa60}-\\x{aa7f}\\x{a9e0}-\\x{a9ff}\\x{ac00}-\\x{d7af}\\x{1100}-\\x{11ff}]+",
      DEEPSEEK3 } },
  { " deepseek-llm ",
    0,
    { "[\\r\\n]", SPACE "?[" CASED_SCRIPTS "]+",
      SPACE "?[!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}\\x{2018}-\\x{201f}\\x{3001}\\x{3002}]+",
      FIRST_OF (SPACE) SPACE "+\\z", EASTERN_RUNS, "\\p{N}+" } },
  { " deepseek-coder ",
    0,
    { "[\\r\\n]", SPACE "?\\p{L}+", SPACE "?\\p{P}+", EASTERN_RUNS, "\\p{N}" } },
  { " bloom poro-chat gpt3-finnish ", 0, { BLOOM } },
  { " viking ", 0, { BLOOM, "\\p{N}" } },
  { " chameleon ",
    BOS,
    { "<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", "[\\t\\n]|    |  ", "\\p{N}",
      "[\\p{P}!-/:-@\\[-`{-~]", GPT2 } },
  { " gemma4 sarvam-moe ", PLAIN, { "[^\\n]+|\\n+" } },
  { " granite-embed-multi-311m ", PLAIN | ALWAYS_BOS, { "[^\\n]+|\\n+" } },
  { " superbpe ", 0, { "\\p{N}+", THREES "[0-9]+" } },
};

struct step {
  pcre2_code *code;
  bool threes;
};

struct pe_pretokenizer {
  struct step steps[MAX_STEPS];
  size_t n_steps;
};

static const struct rule *
find_rule (const char *name, size_t n)
{
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    for (const char *at = rules[i].names + 1; *at;) {
      size_t length = strcspn (at, " ");
      if (length == n && memcmp (at, name, n) == 0)
        return &rules[i];
      at += length + 1;
    }
  return NULL;
}

static uint64_t *steps_counted;

void
pe_pretokenizer_count_steps (uint64_t *steps)
{
  steps_counted = steps;
}

static int
count_step (pcre2_callout_block *block, void *data)
{
  (void) block;
  ++*(uint64_t *) data;
  return 0;
}

/* PCRE2's memory comes from the engine's allocator, so that tests can make it fail. */
static void *
take (size_t n, void *data)
{
  (void) data;
  return pe_malloc (n);
}

static void
give_back (void *p, void *data)
{
  (void) data;
  pe_free (p);
}

static bool
no_memory (struct pe_error *error)
{
  return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to cut the text");
}

bool
pe_pretokenizer_new (const char *name, size_t n, struct pe_pretokenizer **out,
                     struct pe_pretokenizer_traits *traits, struct pe_error *error)
{
  const struct rule *rule = n ? find_rule (name, n) : find_rule ("default", 7);
  *traits = (struct pe_pretokenizer_traits){ .known = rule != NULL };
  if (!rule)
    rule = find_rule ("dbrx", 4);
  traits->adds_bos = rule->traits & (BOS | ALWAYS_BOS);
  traits->always_bos = rule->traits & ALWAYS_BOS;
  traits->adds_separator = rule->traits & SEPARATOR;
  traits->takes_whole = rule->traits & WHOLE;
  traits->is_plain = rule->traits & PLAIN;

  pcre2_general_context *general = pcre2_general_context_create (take, give_back, NULL);
  pcre2_compile_context *context = general ? pcre2_compile_context_create (general) : NULL;
  struct pe_pretokenizer *p = context ? pe_calloc (1, sizeof *p) : NULL;
  bool ok = p != NULL;
  uint32_t options = PCRE2_UTF | PCRE2_UCP;
  if (steps_counted)
    options |= PCRE2_AUTO_CALLOUT | PCRE2_NO_AUTO_POSSESS;
  while (ok && p->n_steps < MAX_STEPS && rule->steps[p->n_steps]) {
    const char *pattern = rule->steps[p->n_steps];
    struct step *step = &p->steps[p->n_steps++];
    step->threes = *pattern == '#';
    int code;
    PCRE2_SIZE at;
    step->code = pcre2_compile ((PCRE2_SPTR) (pattern + step->threes), PCRE2_ZERO_TERMINATED,
                                options, &code, &at, context);
    ok = step->code != NULL;
    if (ok)
      pcre2_jit_compile (step->code, PCRE2_JIT_COMPLETE); /* without it the interpreter works */
  }
  pcre2_compile_context_free (context);
  pcre2_general_context_free (general);
  if (!ok) {
    pe_pretokenizer_free (p);
    return no_memory (error);
  }
  *out = p;
  return true;
}

void
pe_pretokenizer_free (struct pe_pretokenizer *p)
{
  if (!p)
    return;
  for (size_t i = 0; i < p->n_steps; i++)
    pcre2_code_free (p->steps[i].code);
  pe_free (p);
}

/* ---- cutting ---- */

struct cutter {
  const char *text;
  pcre2_match_data *match;
  pcre2_match_context *context;
  struct pe_error *error;
};

void
pe_cuts_clear (struct pe_cuts *cuts)
{
  pe_free (cuts->ends);
  *cuts = (struct pe_cuts){ 0 };
}

static bool
cut_at (struct pe_cuts *cuts, size_t end, struct pe_error *error)
{
  if (cuts->n && cuts->ends[cuts->n - 1] == end)
    return true;
  if (!pe_grow (&cuts->ends, &cuts->capacity, cuts->n + 1, sizeof *cuts->ends))
    return no_memory (error);
  cuts->ends[cuts->n++] = (uint32_t) end;
  return true;
}

/* Cuts [begin, end) so that every group but the first has three characters. */
static bool
cut_threes (struct cutter *c, size_t begin, size_t end, struct pe_cuts *cuts)
{
  size_t n_chars = 0;
  for (size_t i = begin; i < end; i++)
    n_chars += ((unsigned char) c->text[i] & 0xc0) != 0x80;
  for (size_t i = begin; i < end;) {
    uint32_t unused;
    unsigned length = pe_utf8_next (c->text + i, end - i, &unused);
    i += length ? length : 1;
    if (--n_chars % 3 == 0 && !cut_at (cuts, i, c->error))
      return false;
  }
  return true;
}

/* Applies one step to the piece [begin, end), which is valid UTF-8. */
static bool
cut_piece (struct cutter *c, const struct step *step, size_t begin, size_t end,
           struct pe_cuts *cuts)
{
  PCRE2_SPTR piece = (PCRE2_SPTR) c->text + begin;
  size_t at = 0, n = end - begin;
  while (at < n) {
    int rc = pcre2_match (step->code, piece, n, at, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, c->match,
                          c->context);
    if (rc == PCRE2_ERROR_NOMATCH)
      break;
    if (rc == PCRE2_ERROR_NOMEMORY)
      return no_memory (c->error);
    if (rc < 0)
      return pe_fail (c->error, PE_ERROR_LIMIT, "the text is too intricate to be cut into words");
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer (c->match);
    if (span[0] > 0 && !cut_at (cuts, begin + span[0], c->error))
      return false;
    if (step->threes ? !cut_threes (c, begin + span[0], begin + span[1], cuts)
                     : !cut_at (cuts, begin + span[1], c->error))
      return false;
    at = span[1];
  }
  return cut_at (cuts, end, c->error);
}

/* Runs of valid UTF-8, and runs of what is not. */
static bool
cut_invalid (struct cutter *c, size_t n, struct pe_cuts *cuts)
{
  size_t i = 0;
  while (i < n) {
    size_t begin = i;
    uint32_t unused;
    unsigned length;
    while (i < n && (length = pe_utf8_next (c->text + i, n - i, &unused)))
      i += length;
    if (i > begin && !cut_at (cuts, i, c->error))
      return false;
    begin = i;
    while (i < n && !pe_utf8_next (c->text + i, n - i, &unused))
      i++;
    if (i > begin && !cut_at (cuts, i, c->error))
      return false;
  }
  return true;
}

static bool
run_steps (struct cutter *c, const struct pe_pretokenizer *p, size_t n, struct pe_cuts *cuts,
           struct pe_cuts *spare)
{
  if (!cut_invalid (c, n, cuts))
    return false;
  for (size_t s = 0; s < p->n_steps; s++) {
    size_t begin = 0;
    spare->n = 0;
    for (size_t i = 0; i < cuts->n; i++) {
      size_t end = cuts->ends[i];
      uint32_t unused;
      /* Pieces are valid or invalid as a whole: their first bytes tell. */
      bool is_valid = pe_utf8_next (c->text + begin, end - begin, &unused) > 0;
      if (is_valid ? !cut_piece (c, &p->steps[s], begin, end, spare)
                   : !cut_at (spare, end, c->error))
        return false;
      begin = end;
    }
    struct pe_cuts old = *cuts;
    *cuts = *spare;
    *spare = old;
  }
  return true;
}

bool
pe_pretokenize (const struct pe_pretokenizer *p, const char *text, size_t n, struct pe_cuts *cuts,
                struct pe_error *error)
{
  struct pe_cuts spare = { 0 };
  pcre2_general_context *general = pcre2_general_context_create (take, give_back, NULL);
  pcre2_jit_stack *stack = NULL;
  struct cutter c = { .text = text, .error = error };
  if (general) {
    c.match = pcre2_match_data_create (1, general);
    c.context = pcre2_match_context_create (general);
    stack = pcre2_jit_stack_create (32 * 1024, JIT_STACK_BYTES, general);
  }
  cuts->n = 0;
  bool ok = (c.match && c.context) || no_memory (error);
  if (ok) {
    if (stack)
      pcre2_jit_stack_assign (c.context, NULL, stack);
    if (steps_counted)
      pcre2_set_callout (c.context, count_step, steps_counted);
    pcre2_set_match_limit (c.context, UINT32_MAX); /* patterns are ours, and linear */
    ok = run_steps (&c, p, n, cuts, &spare);
  }
  pcre2_jit_stack_free (stack);
  pcre2_match_context_free (c.context);
  pcre2_match_data_free (c.match);
  pcre2_general_context_free (general);
  pe_cuts_clear (&spare);
  return ok;
}
