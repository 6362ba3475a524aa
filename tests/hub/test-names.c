/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names that a hub hands us: what they say, and which of them become files here.
 */
#include "hub/json.h"
#include "hub/names.h"
#include "hub/quality.h"
#include "hub/parley-hub-error.h"
#include "hub/parley-hub-ref.h"
#include "hub/url.h"

#include "tests/harness.h"

static void
unsafe_paths_are_refused (void)
{
  static const char *const bad[] = {
    "",
    "/",
    ".",
    "..",
    "../x",
    "a/../../b",
    "a/./b",
    "a//b",
    "/etc/x",
    "a/",
    "C:\\x",
    "C:x",
    "\\\\host\\s",
    "..\\x",
    "a\\b",
    "CON",
    "con.gguf",
    "NUL.txt",
    "COM1.gguf",
    "lpt9",
    "aux.x.y",
    "x.",
    "x ",
    " x",
    "a/x./b",
    ".hidden",
    "a\nb",
    "a\tb",
    "a\x7f",
    "evil\u202Efugg.gguf",
    "zero\u200Bwidth",
    "what?",
    "a*b",
    "a\"b",
    "a<b",
    "a>b",
    "a|b",
    "x.gguf.part",
    "x.gguf.part.json",
    "x.GGUF.PART.LOCK",
    "x.gguf.part.wish",
    "a.part/b.gguf",
    "\xff\xfe.gguf",
    "caf\xc3",
    "\xc2\x85"
    "next",
    "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q.gguf",
  };
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    CHECK_MSG (!parley_name_check_path (bad[i], &error), "%zu", i);
    CHECK_MSG (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFUSED), "%zu", i);
    CHECK (g_utf8_validate (error->message, -1, NULL) && !strchr (error->message, '\n'));
  }
  g_autofree char *longest = g_strnfill (200, 'x'), *longer = g_strnfill (201, 'x');
  CHECK (parley_name_check_path (longest, NULL));
  CHECK (!parley_name_check_path (longer, NULL));
}

static void
ordinary_paths_pass (void)
{
  static const char *const good[] = {
    "model.gguf",
    "Q8_0/Model-Q8_0-00001-of-00002.gguf",
    "Qwen_Qwen3-1.7B-Q4_K_M.gguf",
    "modèle.gguf",
    "模型-7B.gguf",
    "a b.gguf",
    "console.gguf",
    "com10.gguf",
    "x.part.gguf",
  };
  for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
    CHECK_MSG (parley_name_check_path (good[i], NULL), "%s", good[i]);
}

static void
names_that_are_one_file_collide (void)
{
  static const char *const pairs[][2] = {
    { "Model.gguf", "MODEL.GGUF" },
    { "caf\u00e9.gguf", "cafe\u0301.gguf" },
    { "Straße.gguf", "STRASSE.gguf" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (pairs); i++) {
    g_autofree char *a = parley_name_collision_key (pairs[i][0]);
    g_autofree char *b = parley_name_collision_key (pairs[i][1]);
    CHECK_STR (a, b);
  }
}

static void
repositories (void)
{
  static const char *const good[] = { "a/b", "org-1/Name_2.0-GGUF", "_x/y" };
  static const char *const bad[] = { "",     "a",    "/b",    "a/",        "a/b/c", "a b/c", ".a/b",
                                     "a/..", "../b", "a/b\n", "a\u00e9/b", "a/b?",  "a/-b" };
  for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
    CHECK_MSG (parley_name_check_repo (good[i], NULL), "%s", good[i]);
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    CHECK_MSG (!parley_name_check_repo (bad[i], NULL), "%s", bad[i]);
}

static void
quantisations (void)
{
  static const char *const known[][2] = {
    { "Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Q4_K_M" },
    { "model.Q8_0.gguf", "Q8_0" },
    { "model-q4_0.gguf", "Q4_0" },
    { "Qwen3-UD-Q4_K_XL.gguf", "UD-Q4_K_XL" },
    { "x-UD-IQ2_XXS.gguf", "UD-IQ2_XXS" },
    { "x-IQ4_NL.gguf", "IQ4_NL" },
    { "x-BF16.gguf", "BF16" },
    { "x-fp16.gguf", "F16" },
    { "BF16/x-00001-of-00002.gguf", "BF16" },
    { "x-Q8_0/x-Q2_K.gguf", "Q2_K" },
    { "gpt-mxfp4.gguf", "MXFP4" },
    { "x-MXFP4_MOE.gguf", "MXFP4_MOE" },
    { "x-TQ1_0.gguf", "TQ1_0" },
    { "x-Q4_0_8_8.gguf", "Q4_0_8_8" },
    { "stories260k.gguf", NULL },
    { "FAQ4_0x.gguf", NULL },
    { "Q9_0.gguf", NULL },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (known); i++) {
    g_autofree char *found = parley_name_quantisation (known[i][0]);
    CHECK_MSG (g_strcmp0 (found, known[i][1]) == 0, "%s: %s", known[i][0],
               found ? found : "(none)");
  }
}

static void
shards_and_kinds (void)
{
  guint index = 0, count = 0;
  gsize stem = 0;
  CHECK (parley_name_shard ("a/big-00002-of-00003.gguf", &index, &count, &stem));
  CHECK (index == 2 && count == 3 && stem == strlen ("a/big"));
  CHECK (!parley_name_shard ("big-00000-of-00003.gguf", &index, &count, &stem));
  CHECK (!parley_name_shard ("big-00004-of-00003.gguf", &index, &count, &stem));
  CHECK (!parley_name_shard ("big-0001-of-0003.gguf", &index, &count, &stem));
  CHECK (!parley_name_shard ("big-00001-of-99999.gguf", &index, &count, &stem));
  CHECK (!parley_name_shard ("-00001-of-00001.gguf", &index, &count, &stem));
  CHECK (parley_name_kind ("x/mmproj-model-F16.gguf") == PARLEY_HUB_FILE_PROJECTOR);
  CHECK (parley_name_kind ("model.imatrix.gguf") == PARLEY_HUB_FILE_OTHER);
  CHECK (parley_name_kind ("eagle3-model.gguf") == PARLEY_HUB_FILE_DRAFT);
  CHECK (parley_name_kind ("mmproj/model-Q4_0.gguf") == PARLEY_HUB_FILE_MODEL);
  CHECK (parley_name_kind ("x/pirate-lora-F16.gguf") == PARLEY_HUB_FILE_ADAPTER);
  CHECK (parley_name_kind ("ggml-adapter-model.gguf") == PARLEY_HUB_FILE_ADAPTER);
  CHECK (parley_name_kind ("exploration-Q4_0.gguf") == PARLEY_HUB_FILE_MODEL);
  CHECK (parley_name_kind ("model-lora-merged-Q4_0.gguf") == PARLEY_HUB_FILE_MODEL);
}

static void
parameters (void)
{
  static const struct {
    const char *name;
    guint64 parameters;
  } known[] = {
    { "Qwen3-1.7B-GGUF", 1700000000 },
    { "Llama-3.2-1B-Instruct", 1000000000 },
    { "gemma-3-270m-it", 270000000 },
    { "Mixtral-8x7B-Instruct", 56000000000 },
    { "Qwen3-30B-A3B", 30000000000 },
    { "Phi-3-mini-128k-instruct", 0 },
    { "model-4bit", 0 },
    { "Qwen2.5-7B-Instruct-1M", 7000000000 },
    { "999999999999999999999999999B", 0 },
    { "0B", 0 },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (known); i++)
    CHECK_MSG (parley_name_parameters (known[i].name) == known[i].parameters,
               "%s: %" G_GUINT64_FORMAT, known[i].name, parley_name_parameters (known[i].name));
}

static void
references (void)
{
  static const struct {
    const char *text, *repo, *revision, *quantisation, *file;
  } good[] = {
    { "org/name", "org/name", NULL, NULL, NULL },
    { "  org/name \n", "org/name", NULL, NULL, NULL },
    { "org/name:Q4_K_M", "org/name", NULL, "Q4_K_M", NULL },
    { "org/name/a/b-Q8_0.gguf", "org/name", NULL, NULL, "a/b-Q8_0.gguf" },
    { "org/name@v1.0:Q8_0", "org/name", "v1.0", "Q8_0", NULL },
    { "hf.co/org/name:Q8_0", "org/name", NULL, "Q8_0", NULL },
    { "hf.co/org/name/a/b.gguf", "org/name", NULL, NULL, "a/b.gguf" },
    { "www.huggingface.co/org/name?library=x#files", "org/name", NULL, NULL, NULL },
    { "huggingface.co/org/name/tree/main", "org/name", "main", NULL, NULL },
    { "huggingface.co/org/name/blob/main/a/b.gguf", "org/name", "main", NULL, "a/b.gguf" },
    { "https://huggingface.co/org/name", "org/name", NULL, NULL, NULL },
    { "https://huggingface.co/org/name/tree/main", "org/name", "main", NULL, NULL },
    { "https://huggingface.co/org/name/resolve/main/x%20y.gguf?download=true", "org/name", "main",
      NULL, "x y.gguf" },
    { "https://huggingface.co/org/name/blob/refs%2Fpr%2F1/x.gguf", "org/name", "refs/pr/1", NULL,
      "x.gguf" },
    { "http://127.0.0.1:99/hub/org/name", "org/name", NULL, NULL, NULL },
  };
  static const char *const bad[] = {
    "",
    "org",
    "/name",
    "org/",
    "org/name:",
    "org/name:a b",
    "org/name/../x",
    "org/../name",
    "https://evil.example/org/name",
    "https://user@huggingface.co/org/name",
    "https://huggingface.co/org",
    "https://huggingface.co/org/name/settings",
    "huggingface.co/org",
    "hf.co/org/name/blob/main/%2e%2e/x",
    "https://huggingface.co/org/name/resolve/main/%2e%2e/x",
    "org/name@../x",
    "file:///etc/passwd",
    "\xff/\xff",
    "javascript:a/b",
  };
  for (size_t i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (ParleyHubRef) ref =
        parley_hub_ref_parse (good[i].text, "http://127.0.0.1:99/hub", NULL);
    CHECK_MSG (ref, "%s", good[i].text);
    CHECK_STR (ref->repo, good[i].repo);
    CHECK_MSG (g_strcmp0 (ref->revision, good[i].revision) == 0, "%s", good[i].text);
    CHECK_MSG (g_strcmp0 (ref->quantisation, good[i].quantisation) == 0, "%s", good[i].text);
    CHECK_MSG (g_strcmp0 (ref->file, good[i].file) == 0, "%s", good[i].text);
  }
  CHECK (parley_hub_ref_is_clear ("org/name:Q8_0") && parley_hub_ref_is_clear (good[6].text));
  CHECK (parley_hub_ref_is_clear ("huggingface.co/org/name") &&
         !parley_hub_ref_is_clear ("org/name"));
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (ParleyHubRef) ref = parley_hub_ref_parse (bad[i], NULL, &error);
    CHECK_MSG (!ref && error, "%s", bad[i]);
  }
}

static void
local_addresses (void)
{
  static const char *const local[] = {
    "http://localhost/",       "http://LOCALHOST:80/",
    "http://a.localhost/",     "http://127.0.0.1/",
    "http://127.1/",           "http://2130706433/",
    "http://0x7f.1/",          "http://0.0.0.0/",
    "http://10.0.0.1/",        "http://192.168.1.1/",
    "http://172.16.0.1/",      "http://[::1]/",
    "http://169.254.169.254/", "http://[::ffff:127.0.0.1]/",
    "http://[fe80::1]/",       "http://[fd00::1]/",
  };
  static const char *const remote[] = { "https://huggingface.co/", "http://8.8.8.8/",
                                        "http://127.0.0.1.example/", "http://[2001:db8::1]/" };
  for (size_t i = 0; i < G_N_ELEMENTS (local); i++) {
    g_autoptr (ParleyUrl) url = parley_url_parse (local[i], NULL, NULL);
    CHECK_MSG (url && parley_url_is_local (url), "%s", local[i]);
  }
  for (size_t i = 0; i < G_N_ELEMENTS (remote); i++) {
    g_autoptr (ParleyUrl) url = parley_url_parse (remote[i], NULL, NULL);
    CHECK_MSG (url && !parley_url_is_local (url), "%s", remote[i]);
  }
}

static void
json_is_bounded (void)
{
  g_autofree char *deep = g_strnfill (100000, '[');
  static const char *const bad[] = { "", " ", "{", "<html>", "[1,", "\xff", "{\"a\":}" };
  CHECK (!parley_json_read (deep, strlen (deep), "x", NULL));
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    CHECK_MSG (!parley_json_read (bad[i], strlen (bad[i]), "x", &error), "%s", bad[i]);
    CHECK (g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL));
  }
  const char *text = "{\"n\":3,\"neg\":-1,\"big\":9223372036854775808,\"s\":\"x\",\"f\":1.5,"
                     "\"null\":null,\"brackets\":\"[[[[\",\"t\":true}";
  g_autoptr (JsonNode) node = parley_json_read (text, strlen (text), "x", NULL);
  JsonObject *object = parley_json_as_object (node);
  guint64 n = 77;
  CHECK (parley_json_count (object, "n", &n) && n == 3);
  n = 77;
  CHECK (!parley_json_count (object, "neg", &n) && !parley_json_count (object, "big", &n) &&
         !parley_json_count (object, "f", &n) && !parley_json_count (object, "s", &n) &&
         !parley_json_count (object, "none", &n) && n == 77);
  CHECK_STR (parley_json_string (object, "s"), "x");
  CHECK_STR (parley_json_string (object, "n"), "");
  CHECK_STR (parley_json_string (object, "null"), "");
  CHECK (parley_json_true (object, "t") && !parley_json_true (object, "s"));
  CHECK (!parley_json_object (object, "s") && !parley_json_array (object, "null"));
}

static void
shown_text_is_plain (void)
{
  g_autofree char *shown = parley_name_for_display ("a\nb\x1b[31m\u202Ec\xff", 100);
  CHECK_STR (shown, "a b [31mc\uFFFD");
  g_autofree char *cut = parley_name_for_display ("caf\u00e9", 4);
  CHECK (g_utf8_validate (cut, -1, NULL));
}

static void
quality_is_read_off_the_name (void)
{
  static const struct {
    const char *name;
    guint bits;
  } names[] = { { "Q4_K_M", 4 },     { "UD-IQ2_XXS", 2 }, { "IQ4_XS", 4 }, { "Q8_0", 8 },
                { "BF16", 16 },      { "F32", 32 },       { "TQ1_0", 1 },  { "MXFP4_MOE", 4 },
                { "UD-Q6_K_XL", 6 }, { "", 0 },           { "Q", 0 },      { "Q9_0", 0 } };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    CHECK_MSG (parley_quality_bits (names[i].name) == names[i].bits, "%s: %u", names[i].name,
               parley_quality_bits (names[i].name));
  for (guint bits = 1; bits <= 32; bits++)
    CHECK (*parley_quality_words (bits));
}

int
main (void)
{
  RUN (unsafe_paths_are_refused);
  RUN (ordinary_paths_pass);
  RUN (names_that_are_one_file_collide);
  RUN (repositories);
  RUN (quantisations);
  RUN (shards_and_kinds);
  RUN (parameters);
  RUN (quality_is_read_off_the_name);
  RUN (references);
  RUN (local_addresses);
  RUN (json_is_bounded);
  RUN (shown_text_is_plain);
  return test_done ();
}
