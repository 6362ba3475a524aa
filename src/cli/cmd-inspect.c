/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli inspect: what the header of a GGUF file says. Works on any well-formed file, also of
 * families that cannot be run. Long lists are shortened.
 */
#include "cli/cli.h"
#include "cli/commands.h"

#include "engine/format/gguf.h"
#include "engine/text/tokenizer.h"

#define SHOWN_ELEMENTS 8
#define SHOWN_BYTES    400

static const char *const kind_names[] = { "u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                          "bool", "string", "array", "u64", "i64", "f64" };

static void
write_element (struct pe_json_writer *w, const struct pe_gguf_entry *entry, uint64_t i, size_t max)
{
  struct pe_string text;
  bool boolean;
  int64_t integer;
  uint64_t natural;
  double real;
  if (pe_gguf_entry_string (entry, i, &text))
    pe_json_string (w, text.data, text.n < max ? text.n : max);
  else if (entry->kind == PE_GGUF_BOOL && pe_gguf_entry_bool (entry, i, &boolean))
    pe_json_bool (w, boolean);
  else if ((entry->kind == PE_GGUF_F32 || entry->kind == PE_GGUF_F64) &&
           pe_gguf_entry_f64 (entry, i, &real))
    pe_json_real (w, real);
  else if (pe_gguf_entry_i64 (entry, i, &integer))
    pe_json_int (w, integer);
  else if (pe_gguf_entry_u64 (entry, i, &natural))
    pe_json_uint (w, natural);
  else
    pe_json_null (w);
}

static void
write_entry (struct pe_json_writer *w, const struct pe_gguf_entry *entry)
{
  pe_json_begin_object (w);
  pe_json_key (w, "key");
  pe_json_string (w, entry->key.data, entry->key.n);
  pe_json_key (w, "type");
  pe_json_text (w, entry->is_nested ? "array" : kind_names[entry->kind]);
  if (!entry->is_array) {
    pe_json_key (w, "value");
    write_element (w, entry, 0, SIZE_MAX);
  } else if (!entry->is_nested) {
    pe_json_key (w, "count");
    pe_json_uint (w, entry->count);
    pe_json_key (w, "first");
    pe_json_begin_array (w);
    for (uint64_t i = 0; i < entry->count && i < SHOWN_ELEMENTS; i++)
      write_element (w, entry, i, SHOWN_BYTES);
    pe_json_end_array (w);
  }
  pe_json_end_object (w);
}

static void
write_tensor (struct pe_json_writer *w, const struct pe_gguf_tensor *t)
{
  pe_json_begin_object (w);
  pe_json_key (w, "name");
  pe_json_string (w, t->name.data, t->name.n);
  pe_json_key (w, "type");
  pe_json_text (w, pe_type_info (t->type)->name);
  pe_json_key (w, "shape");
  pe_json_begin_array (w);
  for (uint32_t d = 0; d < t->n_dims; d++)
    pe_json_uint (w, t->shape[d]);
  pe_json_end_array (w);
  pe_json_key (w, "offset");
  pe_json_uint (w, t->offset);
  pe_json_key (w, "bytes");
  pe_json_uint (w, t->n_bytes);
  pe_json_end_object (w);
}

static void
write_id (struct pe_json_writer *w, const char *name, int32_t id)
{
  pe_json_key (w, name);
  pe_json_int (w, id);
}

static void
write_vocabulary (struct pe_json_writer *w, const struct pe_vocab *vocab)
{
  const struct pe_vocab_info *info = pe_vocab_info (vocab);
  pe_json_key (w, "vocabulary");
  pe_json_begin_object (w);
  pe_json_key (w, "model");
  pe_json_text (w, info->model);
  pe_json_key (w, "pre_tokenizer");
  pe_json_text (w, info->pre_tokenizer);
  pe_json_key (w, "pre_tokenizer_known");
  pe_json_bool (w, info->pre_tokenizer_known);
  write_id (w, "tokens", (int32_t) info->n_tokens);
  write_id (w, "bos", info->bos);
  write_id (w, "eos", info->eos);
  write_id (w, "eot", info->eot);
  write_id (w, "eom", info->eom);
  write_id (w, "unknown", info->unknown);
  write_id (w, "separator", info->separator);
  write_id (w, "padding", info->padding);
  pe_json_key (w, "add_bos");
  pe_json_bool (w, info->add_bos);
  pe_json_key (w, "add_eos");
  pe_json_bool (w, info->add_eos);
  pe_json_key (w, "add_separator");
  pe_json_bool (w, info->add_separator);
  pe_json_key (w, "ends_generation");
  pe_json_begin_array (w);
  for (uint32_t id = 0; id < info->n_tokens; id++)
    if (pe_token_ends_generation (vocab, (int32_t) id))
      pe_json_uint (w, id);
  pe_json_end_array (w);
  pe_json_end_object (w);
}

static int
print_json (const struct pe_gguf *gguf, const struct pe_vocab *vocab)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  pe_json_key (&w, "version");
  pe_json_uint (&w, gguf->version);
  pe_json_key (&w, "file_bytes");
  pe_json_uint (&w, gguf->file_bytes);
  pe_json_key (&w, "header_bytes");
  pe_json_uint (&w, gguf->header_bytes);
  pe_json_key (&w, "alignment");
  pe_json_uint (&w, gguf->alignment);
  pe_json_key (&w, "metadata");
  pe_json_begin_array (&w);
  for (size_t i = 0; i < gguf->n_entries; i++)
    write_entry (&w, &gguf->entries[i]);
  pe_json_end_array (&w);
  pe_json_key (&w, "tensors");
  pe_json_begin_array (&w);
  for (size_t i = 0; i < gguf->n_tensors; i++)
    write_tensor (&w, &gguf->tensors[i]);
  pe_json_end_array (&w);
  if (vocab)
    write_vocabulary (&w, vocab);
  pe_json_end_object (&w);
  return cli_print_json (&w);
}

/* One element as JSON shows it: quoted, and harmless to a terminal. */
static void
print_element (const struct pe_gguf_entry *entry, uint64_t i, size_t max)
{
  struct pe_json_writer w = { 0 };
  write_element (&w, entry, i, max);
  if (pe_json_finish (&w))
    fputs (w.text, stdout);
  pe_json_writer_clear (&w);
}

static void
print_name (struct pe_string name, int width)
{
  g_autofree char *text = g_strndup (name.data, name.n);
  for (char *c = text; *c; c++)
    if (g_ascii_iscntrl (*c))
      *c = '?';
  printf ("%-*s", width, text);
}

static int
print_text (const struct pe_gguf *gguf)
{
  printf ("GGUF version %u, %" G_GUINT64_FORMAT " bytes, of which %" G_GUINT64_FORMAT
          " header; alignment %" G_GUINT64_FORMAT "\n\n%zu metadata entries\n",
          gguf->version, gguf->file_bytes, gguf->header_bytes, gguf->alignment, gguf->n_entries);
  for (size_t i = 0; i < gguf->n_entries; i++) {
    const struct pe_gguf_entry *entry = &gguf->entries[i];
    printf ("  ");
    print_name (entry->key, 44);
    if (entry->is_nested)
      printf (" array of arrays");
    else if (entry->is_array)
      printf (" %s[%" G_GUINT64_FORMAT "] ", kind_names[entry->kind], entry->count);
    else
      printf (" %s ", kind_names[entry->kind]);
    for (uint64_t k = 0; k < entry->count && k < SHOWN_ELEMENTS; k++) {
      if (k)
        printf (", ");
      print_element (entry, k, entry->is_array ? 40 : SHOWN_BYTES);
    }
    printf ("%s\n", entry->count > SHOWN_ELEMENTS ? ", …" : "");
  }
  printf ("\n%zu tensors\n", gguf->n_tensors);
  for (size_t i = 0; i < gguf->n_tensors; i++) {
    const struct pe_gguf_tensor *t = &gguf->tensors[i];
    printf ("  ");
    print_name (t->name, 44);
    printf (" %-8s", pe_type_info (t->type)->name);
    for (uint32_t d = 0; d < t->n_dims; d++)
      printf ("%s%" G_GUINT64_FORMAT, d ? " × " : "", t->shape[d]);
    printf ("\n");
  }
  return CLI_DONE;
}

int
parley_cmd_inspect (int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "FILE", "Shows the metadata and the tensors of a GGUF file.",
                  entries, 1, 1))
    return CLI_USAGE;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (argv[1], FALSE, &failure);
  if (!file)
    return cli_fail_glib ("cannot open the file", failure);
  struct pe_error error = { 0 };
  struct pe_gguf *gguf = NULL;
  struct pe_vocab *vocab = NULL;
  size_t n = g_mapped_file_get_length (file);
  if (!pe_gguf_parse (g_mapped_file_get_contents (file), n, n, &gguf, &error))
    return cli_fail_engine (argv[1], &error);
  pe_vocab_load (gguf, &vocab, NULL); /* a file without a vocabulary is fine here */
  int status = json ? print_json (gguf, vocab) : print_text (gguf);
  pe_vocab_free (vocab);
  pe_gguf_free (gguf);
  return status;
}
