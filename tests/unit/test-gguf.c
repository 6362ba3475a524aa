/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GGUF files that are sound: what the writer writes is what the reader reads, values convert as
 * promised, a large vocabulary takes little memory, and lack of memory is reported. Hostile files
 * are in tests/malformed.
 */
#include "tests/harness.h"

#include "base/alloc.h"
#include "engine/format/gguf.h"

#include <math.h>
#include <unistd.h>

static char *
read_file (const char *path, size_t *n)
{
  FILE *f = fopen (path, "rb");
  if (!f)
    return NULL;
  fseek (f, 0, SEEK_END);
  *n = (size_t) ftell (f);
  rewind (f);
  char *bytes = malloc (*n ? *n : 1);
  size_t got = fread (bytes, 1, *n, f);
  fclose (f);
  return got == *n ? bytes : NULL;
}

static bool
fill (struct pe_gguf_writer *w, size_t tensor, void *data, struct pe_error *error)
{
  const unsigned *seed = data;
  for (unsigned i = 0; i < 6; i++) { /* in pieces */
    float value = (float) (*seed * 100 + tensor * 10 + i);
    if (!pe_gguf_write (w, &value, sizeof value, error))
      return false;
  }
  return true;
}

static bool
fill_short (struct pe_gguf_writer *w, size_t tensor, void *data, struct pe_error *error)
{
  (void) tensor, (void) data;
  return pe_gguf_write (w, "1234", 4, error);
}

static bool
fill_long (struct pe_gguf_writer *w, size_t tensor, void *data, struct pe_error *error)
{
  (void) tensor, (void) data;
  static const char bytes[25];
  return pe_gguf_write (w, bytes, sizeof bytes, error);
}

static const uint64_t shape[] = { 3, 2 };
static char path[64];

static void
written_files_read_the_same (void)
{
  struct pe_error error = { 0 };
  struct pe_gguf_writer *w = pe_gguf_writer_new ();
  const int32_t numbers[] = { -1, 0, INT32_MAX };
  const struct pe_string texts[] = { { "a", 1 }, { "", 0 }, { "b\0c", 3 } };
  unsigned seed = 7;
  pe_gguf_put_u32 (w, "u32", 42);
  pe_gguf_put_u64 (w, "u64", UINT64_MAX);
  pe_gguf_put_f32 (w, "f32", 0.5f);
  pe_gguf_put_bool (w, "bool", true);
  pe_gguf_put_string (w, "string", "text", 4);
  pe_gguf_put_array (w, "numbers", PE_GGUF_I32, numbers, 3);
  pe_gguf_put_strings (w, "texts", texts, 3);
  pe_gguf_add_tensor (w, "first", PE_TYPE_F32, 2, shape, fill, &seed);
  pe_gguf_add_tensor (w, "second", PE_TYPE_F32, 2, shape, fill, &seed);
  CHECK_MSG (pe_gguf_writer_save (w, path, &error), "%s", error.message);
  pe_gguf_writer_free (w);

  size_t n;
  char *bytes = read_file (path, &n);
  struct pe_gguf *gguf;
  CHECK (bytes);
  CHECK_MSG (pe_gguf_parse (bytes, n, n, &gguf, &error), "%s", error.message);
  CHECK (gguf->version == 3 && gguf->n_entries == 7 && gguf->n_tensors == 2);
  uint32_t u32 = 0;
  float f32 = 0;
  bool boolean = false;
  struct pe_string s;
  CHECK (pe_gguf_u32 (gguf, "u32", &u32) && u32 == 42);
  CHECK (!pe_gguf_u32 (gguf, "u64", &u32) && u32 == 42);
  CHECK (pe_gguf_f32 (gguf, "f32", &f32) && f32 >= 0.5f && f32 <= 0.5f);
  CHECK (pe_gguf_bool (gguf, "bool", &boolean) && boolean);
  CHECK (pe_gguf_string (gguf, "string", &s) && pe_string_equal (s, "text"));
  CHECK (!pe_gguf_find (gguf, "absent") && !pe_gguf_string (gguf, "u32", &s));
  int64_t i64 = 0;
  uint64_t u64 = 0;
  double f64 = 0;
  const struct pe_gguf_entry *entry = pe_gguf_find (gguf, "numbers");
  CHECK (entry && entry->is_array && entry->count == 3);
  CHECK (pe_gguf_entry_i64 (entry, 0, &i64) && i64 == -1 && !pe_gguf_entry_u64 (entry, 0, &u64));
  CHECK (pe_gguf_entry_f64 (entry, 0, &f64) && f64 <= -1 && f64 >= -1);
  CHECK (!pe_gguf_entry_i64 (entry, 3, &i64) && !pe_gguf_entry_i64 (NULL, 0, &i64));
  entry = pe_gguf_find (gguf, "u64");
  CHECK (pe_gguf_entry_u64 (entry, 0, &u64) && u64 == UINT64_MAX);
  CHECK (!pe_gguf_entry_i64 (entry, 0, &i64));
  entry = pe_gguf_find (gguf, "texts");
  CHECK (pe_gguf_entry_string (entry, 2, &s) && s.n == 3 && memcmp (s.data, "b\0c", 3) == 0);
  const struct pe_gguf_tensor *t = pe_gguf_tensor (gguf, "second");
  CHECK (t && !pe_gguf_tensor (gguf, "third"));
  CHECK (t->n_dims == 2 && t->n_elements == 6 && t->n_bytes == 24 && t->offset % 32 == 0);
  float value;
  memcpy (&value, bytes + t->offset + 20, sizeof value);
  CHECK (value >= 715 && value <= 715);
  pe_gguf_free (gguf);
  free (bytes);
}

static void
failed_saves_leave_nothing (void)
{
  static const pe_gguf_fill_fn wrong[] = { fill_short, fill_long };
  for (size_t i = 0; i < 2; i++) {
    struct pe_error error = { 0 };
    struct pe_gguf_writer *w = pe_gguf_writer_new ();
    unlink (path);
    pe_gguf_add_tensor (w, "t", PE_TYPE_F32, 2, shape, wrong[i], NULL);
    CHECK (!pe_gguf_writer_save (w, path, &error) && error.message[0]);
    pe_gguf_writer_free (w);
    char part[80];
    snprintf (part, sizeof part, "%s.part", path);
    CHECK (access (path, F_OK) != 0 && access (part, F_OK) != 0);
  }
  struct pe_error error = { 0 };
  struct pe_gguf_writer *w = pe_gguf_writer_new ();
  const uint64_t odd[] = { 31 };
  pe_gguf_add_tensor (w, "t", PE_TYPE_Q8_0, 1, odd, fill, NULL);
  CHECK (!pe_gguf_writer_save (w, path, &error) && error.code == PE_ERROR_ARGUMENT);
  pe_gguf_writer_free (w);
}

/* 262,144 tokens with scores and types, as the largest published vocabularies have. */
static void
large_vocabularies_take_little (void)
{
  enum { N = 262144 };
  struct pe_error error = { 0 };
  struct pe_gguf_writer *w = pe_gguf_writer_new ();
  struct pe_string *texts = calloc (N, sizeof *texts);
  char *all = malloc (N * 8);
  float *scores = calloc (N, sizeof *scores);
  for (int i = 0; i < N; i++) {
    texts[i].data = all + i * 8;
    texts[i].n = (size_t) snprintf (all + i * 8, 8, "t%06d", i);
  }
  pe_gguf_put_strings (w, "tokenizer.ggml.tokens", texts, N);
  pe_gguf_put_array (w, "tokenizer.ggml.scores", PE_GGUF_F32, scores, N);
  CHECK (pe_gguf_writer_save (w, path, &error));
  pe_gguf_writer_free (w);
  size_t n = 0;
  char *bytes = read_file (path, &n);
  struct pe_gguf *gguf;
  CHECK_MSG (pe_gguf_parse (bytes, n, n, &gguf, &error), "%s", error.message);
  CHECK_MSG (gguf->memory_bytes < N * 16 + (1 << 17), "%llu bytes",
             (unsigned long long) gguf->memory_bytes);
  struct pe_string s;
  CHECK (pe_gguf_entry_string (pe_gguf_find (gguf, "tokenizer.ggml.tokens"), N - 1, &s));
  CHECK (pe_string_equal (s, "t262143"));
  pe_gguf_free (gguf);
  free (bytes);
  free (texts);
  free (all);
  free (scores);
}

static void
lack_of_memory_is_reported (void)
{
  struct pe_gguf_writer *w = pe_gguf_writer_new ();
  struct pe_error error = { 0 };
  unsigned seed = 1;
  const struct pe_string texts[] = { { "a", 1 }, { "b", 1 } };
  pe_gguf_put_strings (w, "texts", texts, 2);
  pe_gguf_add_tensor (w, "a", PE_TYPE_F32, 2, shape, fill, &seed);
  pe_gguf_add_tensor (w, "b", PE_TYPE_F32, 2, shape, fill, &seed);
  CHECK (pe_gguf_writer_save (w, path, &error));
  pe_gguf_writer_free (w);
  size_t n = 0;
  char *bytes = read_file (path, &n);
  struct pe_gguf *gguf = NULL;
  uint64_t k = 0;
  bool parsed = false;
  while (!parsed && k < 100) {
    pe_alloc_fail_at (++k, false);
    parsed = pe_gguf_parse (bytes, n, n, &gguf, &error);
    pe_alloc_fail_at (0, false);
    CHECK (parsed || error.code == PE_ERROR_MEMORY);
  }
  CHECK (parsed && k > 2);
  pe_gguf_free (gguf);
  free (bytes);
}

int
main (void)
{
  snprintf (path, sizeof path, "/tmp/parley-test-gguf-%d", (int) getpid ());
  RUN (written_files_read_the_same);
  RUN (failed_saves_leave_nothing);
  RUN (large_vocabularies_take_little);
  RUN (lack_of_memory_is_reported);
  unlink (path);
  return test_done ();
}
