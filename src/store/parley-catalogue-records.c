/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/parley-catalogue.h"

ParleyLocationRecord *
parley_location_record_new (void)
{
  return g_new0 (ParleyLocationRecord, 1);
}

void
parley_location_record_free (ParleyLocationRecord *record)
{
  if (!record)
    return;
  g_free (record->path);
  g_free (record->sha256);
  g_free (record->origin);
  g_free (record);
}

ParleyArtifactRecord *
parley_artifact_record_new (void)
{
  ParleyArtifactRecord *record = g_new0 (ParleyArtifactRecord, 1);
  record->n_shards = 1;
  record->files = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_location_record_free);
  return record;
}

void
parley_artifact_record_free (ParleyArtifactRecord *record)
{
  if (!record)
    return;
  g_free (record->sha256);
  g_free (record->name);
  g_free (record->title);
  g_free (record->architecture);
  g_free (record->quantisation);
  g_free (record->endpoint);
  g_free (record->repo);
  g_free (record->commit);
  g_free (record->file_name);
  g_free (record->defaults);
  g_free (record->details);
  g_free (record->problem);
  g_clear_pointer (&record->files, g_ptr_array_unref);
  g_free (record);
}
