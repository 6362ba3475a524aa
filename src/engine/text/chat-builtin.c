/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/chat-builtin.h"

#include <string.h>

#define EACH_MESSAGE "{% for m in messages %}"
#define END_EACH     "{% endfor %}"
#define PROMPT(text) "{% if add_generation_prompt %}{{ '" text "' }}{% endif %}"

/* A vocabulary is of a format when it has all of its marks as control or user-defined tokens. */
static const struct {
  struct pe_chat_builtin builtin;
  const char *marks[4];
} formats[] = {
  { { "Llama 3", "{{ bos_token }}" EACH_MESSAGE
                 "{{ '<|start_header_id|>' ~ m.role ~ '<|end_header_id|>\\n\\n' ~ m.content | trim"
                 " ~ '<|eot_id|>' }}" END_EACH PROMPT (
                     "<|start_header_id|>assistant<|end_header_id|>\\n\\n") },
    { "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>" } },
  { { "Phi 4", EACH_MESSAGE
      "{{ '<|im_start|>' ~ m.role ~ '<|im_sep|>' ~ m.content ~ '<|im_end|>' }}" END_EACH PROMPT (
          "<|im_start|>assistant<|im_sep|>") },
    { "<|im_start|>", "<|im_sep|>", "<|im_end|>" } },
  { { "ChatML", EACH_MESSAGE
      "{{ '<|im_start|>' ~ m.role ~ '\\n' ~ m.content ~ '<|im_end|>\\n' }}" END_EACH PROMPT (
          "<|im_start|>assistant\\n") },
    { "<|im_start|>", "<|im_end|>" } },
  { { "Gemma",
      "{{ bos_token }}{% if messages and messages[0].role == 'system' %}"
      "{% set system = messages[0].content ~ '\\n\\n' %}{% set messages = messages[1:] %}{% endif "
      "%}" EACH_MESSAGE
      "{{ '<start_of_turn>' ~ ('model' if m.role == 'assistant' else m.role) ~ '\\n' }}"
      "{% if loop.first %}{{ system }}{% endif %}"
      "{{ m.content | trim ~ '<end_of_turn>\\n' }}" END_EACH PROMPT ("<start_of_turn>model\\n") },
    { "<start_of_turn>", "<end_of_turn>" } },
  { { "Phi 3", EACH_MESSAGE
      "{{ '<|' }}{{ 'assistant' if m.role == 'assistant' else 'system' if m.role =="
      " 'system' else 'user' }}{{ '|>\\n' ~ m.content ~ '<|end|>\\n' }}" END_EACH PROMPT (
          "<|assistant|>\\n") },
    { "<|user|>", "<|assistant|>", "<|end|>" } },
  { { "Mistral",
      "{{ bos_token }}{% set ns = namespace(system='') %}" EACH_MESSAGE
      "{% if m.role == 'system' %}{% set ns.system = m.content ~ '\\n\\n' %}"
      "{% elif m.role == 'assistant' %}{{ ' ' ~ m.content | trim ~ eos_token }}"
      "{% else %}{{ '[INST] ' ~ ns.system ~ m.content ~ ' [/INST]' }}{% set ns.system = '' %}"
      "{% endif %}" END_EACH },
    { "[INST]", "[/INST]" } },
};

const struct pe_chat_builtin *
pe_chat_builtin_find (const struct pe_vocab *vocab)
{
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    bool all = true;
    for (size_t k = 0; k < 4 && formats[i].marks[k] && all; k++) {
      const char *mark = formats[i].marks[k];
      int32_t token = pe_token_by_text (vocab, mark, strlen (mark));
      all = token != PE_NO_TOKEN &&
            (pe_token_attributes (vocab, token) & (PE_TOKEN_CONTROL | PE_TOKEN_USER_DEFINED));
    }
    if (all)
      return &formats[i].builtin;
  }
  return NULL;
}
