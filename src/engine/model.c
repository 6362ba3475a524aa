/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/model.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "engine/format/apart.h"
#include "engine/format/build.h"
#include "engine/format/gguf.h"
#include "engine/format/label.h"
#include "engine/format/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PARTS 1024

/* One file of a model. */
struct part {
  int fd; /* -1: opened from bytes */
  const void *bytes;
  uint64_t n_bytes; /* at hand */
  uint64_t file_bytes;
  void *mapping; /* to unmap, or NULL */
  void *copy;    /* to free, or NULL */
  struct pe_gguf *gguf;
};

struct pe_model {
  struct pe_arena arena;
  struct part *parts;
  size_t n_parts, parts_capacity;
  struct pe_tensor *tensors;
  size_t n_tensors; /* of the files */
  size_t n_stacks;  /* behind them: experts put together */
  uint32_t *index;  /* open addressing: tensor number + 1, 0 = empty */
  size_t index_size;
  struct pe_hparams hparams;
  const struct pe_arch *arch;
  struct pe_program *program;
  struct pe_error program_error; /* when program is NULL */
  struct pe_vocab *vocab;
  struct pe_error vocab_error;
  struct pe_model_info info;
};

/* ---- parts ---- */

static void
close_part (struct part *part)
{
  pe_gguf_free (part->gguf);
  if (part->mapping)
    munmap (part->mapping, (size_t) part->n_bytes);
  pe_free (part->copy);
  if (part->fd >= 0)
    close (part->fd);
}

static bool
add_part (struct pe_model *m, const struct part *part, const char *name, struct pe_error *error)
{
  if (!pe_grow (&m->parts, &m->parts_capacity, m->n_parts + 1, sizeof *m->parts))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to open %s", name);
  struct part *added = &m->parts[m->n_parts];
  *added = *part;
  if (!pe_gguf_parse (part->bytes, part->n_bytes, part->file_bytes, &added->gguf, error))
    return pe_fail_prefix (error, "%s", name);
  m->n_parts++;
  return true;
}

/* Takes over `fd`, whatever happens. */
static bool
map_part (struct pe_model *m, int fd, const char *name, struct pe_error *error)
{
  struct part part = { .fd = fd };
  struct stat st;
  if (fstat (fd, &st) != 0)
    pe_fail (error, PE_ERROR_IO, "%s cannot be examined: %s", name, strerror (errno));
  else if (!S_ISREG (st.st_mode))
    pe_fail (error, PE_ERROR_IO, "%s is not a regular file", name);
  else if (st.st_size == 0)
    pe_fail_at (error, PE_ERROR_FORMAT, 0, "%s is empty", name);
  else {
    part.n_bytes = part.file_bytes = (uint64_t) st.st_size;
    void *p = mmap (NULL, (size_t) st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
      pe_fail (error, PE_ERROR_IO, "%s cannot be mapped: %s", name, strerror (errno));
    else {
      part.mapping = p;
      part.bytes = p;
      if (add_part (m, &part, name, error))
        return true;
    }
  }
  close_part (&part);
  return false;
}

static bool
open_part (struct pe_model *m, const char *path, struct pe_error *error)
{
  /* O_NONBLOCK: a FIFO must not keep us waiting for a writer. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return pe_fail (error, PE_ERROR_IO, "%s cannot be opened: %s", path, strerror (errno));
  return map_part (m, fd, path, error);
}

static bool
check_part (const struct pe_model *m, uint32_t i, uint32_t count, const char *name,
            struct pe_error *error)
{
  uint32_t no = 0, of = 0;
  if (pe_gguf_u32 (m->parts[i].gguf, "split.no", &no) && no == i &&
      pe_gguf_u32 (m->parts[i].gguf, "split.count", &of) && of == count)
    return true;
  return pe_fail (error, PE_ERROR_FORMAT, "%s is not part %u of its model", name, i + 1);
}

/* "NAME-00001-of-00003.gguf": opens the other parts that the first one announces. */
static bool
open_other_parts (struct pe_model *m, const char *path, struct pe_error *error)
{
  uint32_t count = 0, number = 0;
  const struct pe_gguf *first = m->parts[0].gguf;
  if (!pe_gguf_u32 (first, "split.count", &count) || count <= 1)
    return true;
  if (count > MAX_PARTS)
    return pe_fail (error, PE_ERROR_LIMIT, "%s says that it has %u parts", path, count);
  if (pe_gguf_u32 (first, "split.no", &number) && number != 0)
    return pe_fail (error, PE_ERROR_ARGUMENT, "%s is part %u of a model; open the first part", path,
                    number + 1);
  char suffix[40];
  int n = snprintf (suffix, sizeof suffix, "-%05u-of-%05u.gguf", 1u, count);
  size_t length = strlen (path);
  if (length < (size_t) n || strcmp (path + length - (size_t) n, suffix) != 0)
    return pe_fail (error, PE_ERROR_FORMAT,
                    "%s is the first of %u parts, but its name does not end in %s", path, count,
                    suffix);
  char *other = pe_malloc (length + 1);
  if (!other)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to open %s", path);
  bool ok = true;
  for (uint32_t i = 1; i < count && ok; i++) {
    snprintf (other, length + 1, "%.*s-%05u-of-%05u.gguf", (int) (length - (size_t) n), path, i + 1,
              count);
    ok = open_part (m, other, error);
    if (ok)
      ok = check_part (m, i, count, other, error);
  }
  pe_free (other);
  return ok;
}

/* ---- tensors ---- */

static uint64_t
hash (const char *s, size_t n)
{
  uint64_t h = 1469598103934665603u; /* FNV-1a */
  for (size_t i = 0; i < n; i++)
    h = (h ^ (unsigned char) s[i]) * 1099511628211u;
  return h;
}

static uint32_t *
index_slot (const struct pe_model *m, const char *name, size_t n)
{
  size_t mask = m->index_size - 1;
  for (size_t i = (size_t) hash (name, n) & mask;; i = (i + 1) & mask) {
    uint32_t t = m->index[i];
    if (t == 0 ||
        (strlen (m->tensors[t - 1].name) == n && memcmp (m->tensors[t - 1].name, name, n) == 0))
      return &m->index[i];
  }
}

static bool
begins_stack (struct pe_string name)
{
  char text[PE_LIMIT_TENSOR_NAME_BYTES + 1];
  if (name.n >= sizeof text)
    return false;
  memcpy (text, name.data, name.n);
  text[name.n] = 0;
  return pe_is_first_of_stack (text);
}

/* Adds the stacks of experts that the files keep apart; gather_tensors() counted them. */
static bool
add_stacks (struct pe_model *m, struct pe_error *error)
{
  for (size_t i = 0; i < m->n_tensors; i++) {
    if (!pe_is_first_of_stack (m->tensors[i].name))
      continue;
    struct pe_tensor *stack = &m->tensors[m->n_tensors + m->n_stacks];
    if (!pe_describe_stack (m, &m->tensors[i], &m->arena, stack, error))
      return false;
    uint32_t *slot = stack->name ? index_slot (m, stack->name, strlen (stack->name)) : NULL;
    if (slot && *slot == 0)
      *slot = (uint32_t) (m->n_tensors + ++m->n_stacks);
  }
  return true;
}

static bool
gather_tensors (struct pe_model *m, struct pe_error *error)
{
  size_t n = 0;
  for (size_t p = 0; p < m->n_parts; p++) {
    const struct pe_gguf *gguf = m->parts[p].gguf;
    n += gguf->n_tensors;
    for (size_t i = 0; i < gguf->n_tensors; i++)
      n += begins_stack (gguf->tensors[i].name);
  }
  m->index_size = 16;
  while (m->index_size < 2 * n)
    m->index_size *= 2;
  m->tensors = pe_arena_array (&m->arena, n, sizeof *m->tensors);
  m->index = pe_arena_array (&m->arena, m->index_size, sizeof *m->index);
  if (!m->tensors || !m->index)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the list of tensors");
  for (size_t p = 0; p < m->n_parts; p++) {
    const struct pe_gguf *gguf = m->parts[p].gguf;
    for (size_t i = 0; i < gguf->n_tensors; i++) {
      const struct pe_gguf_tensor *info = &gguf->tensors[i];
      struct pe_tensor *t = &m->tensors[m->n_tensors];
      char *name = pe_arena_strndup (&m->arena, info->name.data, info->name.n);
      if (!name)
        return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the list of tensors");
      *t = (struct pe_tensor){
        .name = name,
        .type = info->type,
        .n_dims = info->n_dims,
        .n_elements = info->n_elements,
        .n_bytes = info->n_bytes,
        .row_bytes = pe_type_row_bytes (info->type, info->shape[0]),
        .file = (uint32_t) p,
        .offset = info->offset,
      };
      memcpy (t->shape, info->shape, sizeof t->shape);
      if (m->parts[p].mapping)
        t->data = (const unsigned char *) m->parts[p].bytes + info->offset;
      uint32_t *slot = index_slot (m, name, info->name.n);
      if (*slot)
        return pe_fail (error, PE_ERROR_FORMAT, "tensor %s is in two parts of the model", name);
      *slot = (uint32_t) ++m->n_tensors;
    }
  }
  uint32_t total;
  if (m->n_parts > 1 && pe_gguf_u32 (m->parts[0].gguf, "split.tensors.count", &total) &&
      total != m->n_tensors)
    return pe_fail (error, PE_ERROR_FORMAT, "the parts hold %zu tensors, but %u are announced",
                    m->n_tensors, total);
  return add_stacks (m, error);
}

const struct pe_tensor *
pe_model_tensors (const struct pe_model *model, size_t *n)
{
  if (n)
    *n = model->n_tensors;
  return model->tensors;
}

const struct pe_tensor *
pe_model_find_tensor (const struct pe_model *model, const char *name)
{
  uint32_t t = *index_slot (model, name, strlen (name));
  return t ? &model->tensors[t - 1] : NULL;
}

/* ---- what it is ---- */

/* "" for what the file does not say; NULL when memory is short. */
static const char *
keep_string (struct pe_model *m, const char *key)
{
  struct pe_string s;
  if (!pe_gguf_string (m->parts[0].gguf, key, &s))
    return "";
  /* For people's eyes: invalid UTF-8 becomes U+FFFD. */
  char *text = pe_arena_alloc (&m->arena, 3 * (s.n + 4) + 20);
  if (!text)
    return NULL;
  struct pe_utf8_stream stream = { 0 };
  size_t n = pe_utf8_stream_push (&stream, s.data, s.n, text);
  n += pe_utf8_stream_finish (&stream, text + n);
  text[n] = 0;
  return text;
}

/* The other names by which converters know a family. */
static const struct pe_arch *
find_family (struct pe_string name)
{
  static const char *aliases[][2] = {
    { "gptoss", "gpt-oss" },
    { "olmo3", "olmo2" },
    { "qwen25vl", "qwen2vl" },
  };
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (pe_string_equal (name, aliases[i][0]))
      return pe_arch_find (aliases[i][1], strlen (aliases[i][1]));
  return pe_arch_find (name.data, name.n);
}

/* Fills arch, hparams and program, or program_error. */
static void
understand (struct pe_model *m)
{
  struct pe_error *error = &m->program_error;
  const struct pe_gguf *gguf = m->parts[0].gguf;
  struct pe_string name, type;
  if (pe_gguf_string (gguf, "general.type", &type) && !pe_string_equal (type, "model")) {
    pe_fail (error, PE_ERROR_UNSUPPORTED, "this file is no chat model but of the kind \"%.*s\"",
             (int) (type.n < 40 ? type.n : 40), type.data);
    return;
  }
  if (!pe_gguf_string (gguf, "general.architecture", &name)) {
    pe_fail_at (error, PE_ERROR_FORMAT, 0, "the file does not say of which family it is");
    return;
  }
  m->arch = find_family (name);
  if (!m->arch) {
    pe_fail (error, PE_ERROR_UNSUPPORTED,
             "models of the family \"%.*s\" are not supported by this version",
             (int) (name.n < 60 ? name.n : 60), name.data);
    return;
  }
  if (m->n_tensors == 0) {
    pe_fail (error, PE_ERROR_UNSUPPORTED, "the file holds a vocabulary only, no weights");
    return;
  }
  if (!pe_hparams_read (gguf, m->arch, &m->arena, &m->hparams, error))
    return;
  const struct pe_tensor *embedding = pe_model_find_tensor (m, "token_embd.weight");
  if (!embedding || embedding->n_dims != 2 || embedding->shape[1] > INT32_MAX) {
    pe_fail (error, PE_ERROR_FORMAT, "the file has no usable tensor token_embd.weight");
    return;
  }
  m->hparams.n_vocab = (uint32_t) embedding->shape[1];
  struct pe_program *program;
  if (pe_build_program (m, m->arch, &m->hparams, &m->arena, &program, error))
    m->program = program;
}

static bool
describe (struct pe_model *m, struct pe_error *error)
{
  struct pe_model_info *info = &m->info;
  info->architecture = keep_string (m, "general.architecture");
  info->name = keep_string (m, "general.name");
  info->license = keep_string (m, "general.license");
  info->family = m->arch ? m->arch->title : info->architecture;
  info->n_layers = m->hparams.n_layers;
  info->n_vocab = m->hparams.n_vocab;
  info->n_embd = m->hparams.n_embd;
  info->n_ctx_train = m->hparams.n_ctx_train;
  info->n_experts = m->hparams.n_experts;
  info->n_experts_used = m->hparams.n_experts_used;
  for (size_t i = 0; i < m->n_parts; i++)
    info->file_bytes += m->parts[i].file_bytes;
  for (size_t i = 0; i < m->n_tensors; i++) {
    info->n_parameters += m->tensors[i].n_elements;
    info->tensor_bytes += m->tensors[i].n_bytes;
  }
  info->quantisation = pe_quantisation_label (m->parts[0].gguf, m->tensors, m->n_tensors);
  struct pe_string tmpl;
  if (pe_gguf_string (m->parts[0].gguf, "tokenizer.chat_template", &tmpl) && tmpl.n > 0) {
    info->chat_template = pe_arena_strndup (&m->arena, tmpl.data, tmpl.n);
    info->chat_template_bytes = tmpl.n;
  }
  if (!info->architecture || !info->name || !info->license ||
      (info->chat_template_bytes && !info->chat_template))
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the model's description");
  info->memory_bytes = m->arena.n_bytes;
  for (size_t i = 0; i < m->n_parts; i++) {
    info->memory_bytes += m->parts[i].gguf->memory_bytes;
    if (m->parts[i].copy)
      info->memory_bytes += m->parts[i].n_bytes;
  }
  if (m->vocab)
    info->memory_bytes += pe_vocab_info (m->vocab)->memory_bytes;
  return true;
}

static bool
finish_open (struct pe_model *m, struct pe_model **out, struct pe_error *error)
{
  if (!gather_tensors (m, error)) {
    pe_model_close (m);
    return false;
  }
  understand (m);
  if (!pe_vocab_load (m->parts[0].gguf, &m->vocab, &m->vocab_error))
    m->vocab = NULL;
  if (m->program_error.code == PE_ERROR_MEMORY || m->vocab_error.code == PE_ERROR_MEMORY) {
    *error = m->program_error.code == PE_ERROR_MEMORY ? m->program_error : m->vocab_error;
    pe_model_close (m);
    return false;
  }
  if (!describe (m, error)) {
    pe_model_close (m);
    return false;
  }
  *out = m;
  return true;
}

static struct pe_model *
new_model (struct pe_error *error)
{
  struct pe_model *m = pe_calloc (1, sizeof *m);
  if (!m)
    pe_fail (error, PE_ERROR_MEMORY, "not enough memory to open a model");
  return m;
}

bool
pe_model_open (const char *path, struct pe_model **out, struct pe_error *error)
{
  struct pe_error unused;
  error = error ? error : &unused;
  struct pe_model *m = new_model (error);
  if (!m)
    return false;
  if (!open_part (m, path, error) || !open_other_parts (m, path, error)) {
    pe_model_close (m);
    return false;
  }
  return finish_open (m, out, error);
}

bool
pe_model_open_fds (const int *fds, size_t n_fds, const char *name, struct pe_model **out,
                   struct pe_error *error)
{
  struct pe_error unused;
  error = error ? error : &unused;
  struct pe_model *m = new_model (error);
  if (!m)
    return false;
  bool ok = n_fds > 0 && n_fds <= MAX_PARTS;
  if (!ok)
    pe_fail (error, PE_ERROR_ARGUMENT, "%s cannot consist of %zu files", name, n_fds);
  for (size_t i = 0; i < n_fds && ok; i++) {
    int own = fcntl (fds[i], F_DUPFD_CLOEXEC, 3);
    ok = own >= 0 ? map_part (m, own, name, error)
                  : pe_fail (error, PE_ERROR_IO, "%s cannot be opened: %s", name, strerror (errno));
    if (ok && n_fds > 1)
      ok = check_part (m, (uint32_t) i, (uint32_t) n_fds, name, error);
  }
  uint32_t count;
  if (ok && n_fds == 1 && pe_gguf_u32 (m->parts[0].gguf, "split.count", &count) && count > 1)
    ok = pe_fail (error, PE_ERROR_FORMAT, "%s is one of %u parts, and the others are missing", name,
                  count);
  if (ok)
    return finish_open (m, out, error);
  pe_model_close (m);
  return false;
}

bool
pe_model_open_header (const void *bytes, size_t n, uint64_t file_bytes, const char *name,
                      struct pe_model **out, struct pe_error *error)
{
  struct pe_error unused;
  error = error ? error : &unused;
  struct pe_model *m = new_model (error);
  if (!m)
    return false;
  struct part part = { .fd = -1, .n_bytes = n, .file_bytes = file_bytes };
  part.copy = pe_malloc (n);
  part.bytes = part.copy;
  if (!part.copy)
    pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the header of %s", name);
  else {
    if (n)
      memcpy (part.copy, bytes, n);
    if (add_part (m, &part, name, error))
      return finish_open (m, out, error);
  }
  close_part (&part);
  pe_model_close (m);
  return false;
}

void
pe_model_close (struct pe_model *model)
{
  if (!model)
    return;
  pe_vocab_free (model->vocab);
  for (size_t i = 0; i < model->n_parts; i++)
    close_part (&model->parts[i]);
  pe_free (model->parts);
  pe_arena_clear (&model->arena);
  pe_free (model);
}

const struct pe_model_info *
pe_model_info (const struct pe_model *model)
{
  return &model->info;
}

const struct pe_gguf *
pe_model_gguf (const struct pe_model *model)
{
  return model->parts[0].gguf;
}

const struct pe_vocab *
pe_model_vocab (const struct pe_model *model, struct pe_error *error)
{
  if (!model->vocab && error)
    *error = model->vocab_error;
  return model->vocab;
}

bool
pe_model_can_compute (const struct pe_model *model, struct pe_error *error)
{
  if (!model->program && error)
    *error = model->program_error;
  return model->program != NULL;
}

const struct pe_program *
pe_model_program (const struct pe_model *model)
{
  return model->program;
}

int
pe_model_file (const struct pe_model *model, uint32_t file)
{
  return file < model->n_parts ? model->parts[file].fd : -1;
}

uint64_t
pe_model_file_bytes (const struct pe_model *model, uint32_t file)
{
  return file < model->n_parts ? model->parts[file].file_bytes : 0;
}
