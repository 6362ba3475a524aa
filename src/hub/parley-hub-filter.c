/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/parley-hub-filter.h"

#include <string.h>

/* Words by which a family is known in names and tags, besides its own in lower case. */
static const struct {
  const char *name;
  const char *words[5];
} families[] = {
  { "Command R", { "command-r", "c4ai-", "aya-" } },
  { "DeepSeek", { "deepseek" } },
  { "ERNIE", { "ernie" } },
  { "EXAONE", { "exaone" } },
  { "Falcon", { "falcon" } },
  { "Gemma", { "gemma" } },
  { "GLM", { "glm-", "glm4", "chatglm" } },
  { "gpt-oss", { "gpt-oss" } },
  { "Granite", { "granite" } },
  { "Hunyuan", { "hunyuan" } },
  { "InternLM", { "internlm" } },
  { "LFM", { "lfm2" } },
  { "Llama", { "llama" } },
  { "MiniCPM", { "minicpm" } },
  { "Mistral", { "mistral", "mixtral", "ministral", "magistral", "devstral" } },
  { "Nemotron", { "nemotron" } },
  { "OLMo", { "olmo" } },
  { "Phi", { "phi-", "phi2", "phi3", "phi4" } },
  { "Qwen", { "qwen", "qwq" } },
  { "Seed-OSS", { "seed-oss" } },
  { "SmolLM", { "smollm" } },
  { "StarCoder", { "starcoder" } },
};

const char *const *
parley_hub_families (void)
{
  static const char *names[G_N_ELEMENTS (families) + 1];
  static gsize once;

  if (g_once_init_enter (&once)) {
    for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
      names[i] = families[i].name;
    g_once_init_leave (&once, 1);
  }
  return names;
}

gboolean
parley_hub_filter_is_empty (const ParleyHubFilter *filter)
{
  return !filter || (!filter->family && !filter->license && !filter->language &&
                     !filter->min_parameters && !filter->max_parameters);
}

/* Programs that are called after a family; models of all families name them. */
static const char *const programs[] = {
  "llamafile",     "llamacpp",          "llama-cpp",      "llama_cpp",      "llama.cpp",
  "llamaindex",    "llama-index",       "llama_index",    "llama-stack",    "llamafactory",
  "llama-factory", "llama_factory",     "mistral-common", "mistral_common", "mistral.rs",
  "mistralrs",     "mistral-inference",
};

static gboolean
names_program (const char *text)
{
  for (gsize i = 0; i < G_N_ELEMENTS (programs); i++)
    if (g_ascii_strncasecmp (text, programs[i], strlen (programs[i])) == 0)
      return TRUE;
  return FALSE;
}

/* TRUE where `word` begins a word of `text`, ignoring case: "phi-" is not in "delphi-7b". */
static gboolean
has_word (const char *text, const char *word)
{
  gsize n = strlen (word);
  for (const char *p = text; *p; p++)
    if ((p == text || !g_ascii_isalnum (p[-1])) && g_ascii_strncasecmp (p, word, n) == 0 &&
        !names_program (p))
      return TRUE;
  return FALSE;
}

static gboolean
is_of_family (ParleyHubModel *model, const char *family)
{
  const char *const *tags = parley_hub_model_get_tags (model);
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++) {
    if (strcmp (families[i].name, family) != 0)
      continue;
    for (gsize w = 0; w < G_N_ELEMENTS (families[i].words) && families[i].words[w]; w++) {
      const char *word = families[i].words[w];
      if (has_word (parley_hub_model_get_name (model), word) ||
          has_word (parley_hub_model_get_base_model (model), word))
        return TRUE;
      for (gsize t = 0; tags[t];
           t++) /* "qwen3" is a tag of its own; "dataset:…" is another thing */
        if (!strchr (tags[t], ':') && has_word (tags[t], word))
          return TRUE;
    }
  }
  return FALSE;
}

gboolean
parley_hub_filter_accepts (const ParleyHubFilter *filter, ParleyHubModel *model)
{
  if (parley_hub_filter_is_empty (filter))
    return TRUE;
  guint64 parameters = parley_hub_model_get_parameters (model);
  gboolean bounded = filter->min_parameters || filter->max_parameters;
  if (bounded && (parameters == 0 || parameters < filter->min_parameters ||
                  (filter->max_parameters && parameters >= filter->max_parameters)))
    return FALSE;
  if (filter->license &&
      g_ascii_strcasecmp (parley_hub_model_get_license (model), filter->license) != 0)
    return FALSE;
  if (filter->language && !g_strv_contains (parley_hub_model_get_tags (model), filter->language))
    return FALSE;
  return !filter->family || is_of_family (model, filter->family);
}
