/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/parley-chat-records.h"

static const char *const role_names[] = {
  [PARLEY_ROLE_SYSTEM] = "system",
  [PARLEY_ROLE_USER] = "user",
  [PARLEY_ROLE_ASSISTANT] = "assistant",
  [PARLEY_ROLE_TOOL] = "tool",
};

static const char *const kind_names[] = {
  [PARLEY_PART_TEXT] = "text",
  [PARLEY_PART_REASONING] = "reasoning",
  [PARLEY_PART_TOOL_CALL] = "tool-call",
  [PARLEY_PART_TOOL_RESULT] = "tool-result",
  [PARLEY_PART_ATTACHMENT] = "attachment",
};

static int
find_name (const char *const *names, gsize n, const char *text)
{
  for (gsize i = 0; i < n; i++)
    if (g_strcmp0 (names[i], text) == 0)
      return (int) i;
  return -1;
}

const char *
parley_role_to_string (ParleyRole role)
{
  g_return_val_if_fail ((gsize) role < G_N_ELEMENTS (role_names), NULL);
  return role_names[role];
}

gboolean
parley_role_from_string (const char *text, ParleyRole *role)
{
  int found = find_name (role_names, G_N_ELEMENTS (role_names), text);
  if (found >= 0)
    *role = (ParleyRole) found;
  return found >= 0;
}

const char *
parley_part_kind_to_string (ParleyPartKind kind)
{
  g_return_val_if_fail ((gsize) kind < G_N_ELEMENTS (kind_names), NULL);
  return kind_names[kind];
}

gboolean
parley_part_kind_from_string (const char *text, ParleyPartKind *kind)
{
  int found = find_name (kind_names, G_N_ELEMENTS (kind_names), text);
  if (found >= 0)
    *kind = (ParleyPartKind) found;
  return found >= 0;
}

ParleyPartRecord *
parley_part_record_new (ParleyPartKind kind, const char *text)
{
  ParleyPartRecord *record = g_new0 (ParleyPartRecord, 1);
  record->kind = kind;
  record->text = g_ref_string_new (text ? text : "");
  return record;
}

ParleyPartRecord *
parley_part_record_new_shared (ParleyPartKind kind, GRefString *text)
{
  ParleyPartRecord *record = g_new0 (ParleyPartRecord, 1);
  record->kind = kind;
  record->text = g_ref_string_acquire (text);
  return record;
}

ParleyPartRecord *
parley_part_record_copy (const ParleyPartRecord *record)
{
  ParleyPartRecord *copy = parley_part_record_new_shared (record->kind, record->text);
  copy->name = g_strdup (record->name);
  copy->attachment = g_strdup (record->attachment);
  return copy;
}

void
parley_part_record_free (ParleyPartRecord *record)
{
  if (!record)
    return;
  g_clear_pointer (&record->text, g_ref_string_release);
  g_free (record->name);
  g_free (record->attachment);
  g_free (record);
}

ParleyDraftFile *
parley_draft_file_new (gint64 id, const ParleyPartRecord *part)
{
  ParleyDraftFile *file = g_new (ParleyDraftFile, 1);
  *file = (ParleyDraftFile){ .id = id, .part = parley_part_record_copy (part) };
  return file;
}

void
parley_draft_file_free (ParleyDraftFile *file)
{
  if (!file)
    return;
  parley_part_record_free (file->part);
  g_free (file);
}

ParleyGenerationRecord *
parley_generation_record_new (gint64 message)
{
  ParleyGenerationRecord *record = g_new0 (ParleyGenerationRecord, 1);
  record->message = message;
  return record;
}

ParleyGenerationRecord *
parley_generation_record_copy (const ParleyGenerationRecord *record)
{
  ParleyGenerationRecord *copy = g_memdup2 (record, sizeof *record);
  copy->model = g_strdup (record->model);
  copy->model_sha256 = g_strdup (record->model_sha256);
  copy->settings = g_strdup (record->settings);
  copy->stop = g_strdup (record->stop);
  copy->problem = g_strdup (record->problem);
  copy->token_ids = record->token_ids ? g_bytes_ref (record->token_ids) : NULL;
  return copy;
}

void
parley_generation_record_free (ParleyGenerationRecord *record)
{
  if (!record)
    return;
  g_free (record->model);
  g_free (record->model_sha256);
  g_free (record->settings);
  g_free (record->stop);
  g_free (record->problem);
  g_clear_pointer (&record->token_ids, g_bytes_unref);
  g_free (record);
}

ParleyMessageRecord *
parley_message_record_new (void)
{
  ParleyMessageRecord *record = g_new0 (ParleyMessageRecord, 1);
  record->parts = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_part_record_free);
  return record;
}

ParleyMessageRecord *
parley_message_record_copy (const ParleyMessageRecord *record)
{
  ParleyMessageRecord *copy = parley_message_record_new ();
  GPtrArray *parts = copy->parts;
  *copy = *record;
  copy->parts = parts;
  for (guint i = 0; record->parts && i < record->parts->len; i++)
    g_ptr_array_add (parts, parley_part_record_copy (record->parts->pdata[i]));
  if (record->generation)
    copy->generation = parley_generation_record_copy (record->generation);
  return copy;
}

void
parley_message_record_free (ParleyMessageRecord *record)
{
  if (!record)
    return;
  g_clear_pointer (&record->parts, g_ptr_array_unref);
  parley_generation_record_free (record->generation);
  g_free (record);
}

ParleyChatRecord *
parley_chat_record_new (void)
{
  ParleyChatRecord *record = g_new0 (ParleyChatRecord, 1);
  record->title = g_strdup ("");
  return record;
}

ParleyChatRecord *
parley_chat_record_copy (const ParleyChatRecord *record)
{
  ParleyChatRecord *copy = g_memdup2 (record, sizeof *record);
  copy->title = g_strdup (record->title);
  copy->folder = g_strdup (record->folder);
  copy->system_prompt = g_strdup (record->system_prompt);
  copy->settings = g_strdup (record->settings);
  copy->model = g_strdup (record->model);
  copy->draft = g_strdup (record->draft);
  copy->summary = g_strdup (record->summary);
  return copy;
}

void
parley_chat_record_free (ParleyChatRecord *record)
{
  if (!record)
    return;
  g_free (record->title);
  g_free (record->folder);
  g_free (record->system_prompt);
  g_free (record->settings);
  g_free (record->model);
  g_free (record->draft);
  g_free (record->summary);
  g_free (record);
}
