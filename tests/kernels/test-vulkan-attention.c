/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rotation, the cache and attention on the GPU against plain C in double precision: cache types,
 * windows, chunks, soft caps, sinks, ALiBi, temperature, shared KV heads, split keys, pages in
 * any order, rows of several sequences.
 */
#include "engine/kv.h"
#include "engine/program.h"

#include "../driver-leaks.h"
#include "../harness.h"
#include "../random-blocks.h"
#include "vulkan-fixture.h"

#include <math.h>

static struct fixture f;
static uint64_t state = 11;

/* The work buffer, in elements. */
enum { Q = 0, K = 1 << 19, V = 1 << 20, OUT = 3 << 19, PARTIAL = 1 << 21 };
/* The table buffer, in words: the pass, then the segments, then the split. */
enum { MAX_ROWS = 64, SEGMENTS = 4096, SPLIT = 8192, FREQUENCIES = 9000 };

static uint32_t
below (uint32_t n)
{
  return (uint32_t) (random_u64 (&state) % n);
}

static void
random_floats (float *x, size_t n)
{
  for (size_t i = 0; i < n; i++)
    x[i] = random_float (&state);
}

static bool
is_close (double actual, double expected, double tolerance)
{
  return fabs (actual - expected) <= tolerance * (1 + fabs (expected));
}

/* ---- rotation ---- */

static void
check_rope (uint32_t kind, uint32_t first_position)
{
  uint32_t n_pairs = 1 + below (40), groups = 3, n_rows = 4;
  const struct rope_arguments push = {
    .work = f.work.address,
    .frequencies = f.tables.address + 4 * FREQUENCIES,
    .tables = f.tables.address,
    .row_stride = 400,
    .stride = 2 * n_pairs + 5,
    .n_groups = groups,
    .n_pairs = n_pairs,
    .n_rows = n_rows,
    .magnitude = 1.25f,
  };
  float before[1600];
  double rates[64];
  uint64_t *frequencies = (uint64_t *) (f.words + FREQUENCIES);
  for (uint32_t i = 0; i < n_pairs; i++) {
    rates[i] = pow (10000, -(double) i / n_pairs);
    frequencies[i] = (uint64_t) ldexp (rates[i] / (2 * M_PI), 64);
  }
  for (uint32_t i = 0; i < n_rows; i++)
    f.words[PE_TABLE_POSITIONS (MAX_ROWS) + i] = first_position + i;
  random_floats (f.floats, 1600);
  memcpy (before, f.floats, sizeof before);
  CHECK (fixture_run (&f, PE_SHADER_ROPE, (uint32_t[]){ 16, kind }, 2, &push, sizeof push,
                      (n_rows * groups * n_pairs + 15) / 16, 1, 1));
  for (uint32_t row = 0; row < n_rows; row++)
    for (uint32_t i = 0; i < groups * n_pairs; i++) {
      uint32_t pair = i % n_pairs, at = row * 400 + i / n_pairs * push.stride;
      uint32_t a = at + (kind == PE_ROPE_NEOX ? pair : 2 * pair);
      uint32_t b = a + (kind == PE_ROPE_NEOX ? n_pairs : 1);
      double angle = (first_position + row) * rates[pair];
      double c = 1.25 * cos (angle), s = 1.25 * sin (angle);
      CHECK_MSG (is_close (f.floats[a], before[a] * c - before[b] * s, 1e-6), "angle %g", angle);
      CHECK (is_close (f.floats[b], before[a] * s + before[b] * c, 1e-6));
    }
}

static void
rotation_at_any_position (void)
{
  static const uint32_t positions[] = { 0, 100, 4095, 131068 };
  for (int i = 0; i < 4; i++) {
    check_rope (PE_ROPE_NORMAL, positions[i]);
    check_rope (PE_ROPE_NEOX, positions[i]);
  }
}

/* ---- the cache ---- */

struct shape {
  enum pe_type k_type, v_type;
  uint32_t k_width, v_width, n_kv_heads, group;
};

/* Sequences of one pass: rows, first positions. */
struct span {
  uint32_t n_rows, position;
};

static uint64_t
page_bytes (const struct shape *s)
{
  return s->n_kv_heads * (uint64_t) PE_PAGE_TOKENS *
         (pe_type_row_bytes (s->k_type, s->k_width) + pe_type_row_bytes (s->v_type, s->v_width));
}

/* Keys (or values) of a token, decoded from where the layout of kv.h says they lie. */
static void
cached_row (const struct shape *s, uint32_t slot, uint32_t token, uint32_t head, bool values,
            float *out)
{
  uint64_t k_head = PE_PAGE_TOKENS * pe_type_row_bytes (s->k_type, s->k_width);
  uint64_t v_head = PE_PAGE_TOKENS * pe_type_row_bytes (s->v_type, s->v_width);
  uint64_t at = slot * page_bytes (s);
  if (values)
    at += s->n_kv_heads * k_head + head * v_head + token * v_head / PE_PAGE_TOKENS;
  else
    at += head * k_head + token * k_head / PE_PAGE_TOKENS;
  enum pe_type type = values ? s->v_type : s->k_type;
  pe_type_info (type)->decode (f.bytes + at, out, values ? s->v_width : s->k_width);
}

/* Positions, pages and tiles; pages are handed out from the highest slot down. */
static uint32_t
fill_tables (const struct span *spans, uint32_t n_spans, uint32_t tile_rows, uint32_t n_slots)
{
  uint32_t row = 0, page = 0, tiles = 0;
  for (uint32_t i = 0; i < n_spans; i++) {
    uint32_t n_pages = (spans[i].position + spans[i].n_rows - 1) / PE_PAGE_TOKENS + 1;
    for (uint32_t r = 0; r < spans[i].n_rows; r++) {
      f.words[PE_TABLE_POSITIONS (MAX_ROWS) + row + r] = spans[i].position + r;
      f.words[PE_TABLE_FIRST_PAGE (MAX_ROWS) + row + r] = page;
    }
    for (uint32_t r = 0; r < spans[i].n_rows; r += tile_rows) {
      uint32_t left = spans[i].n_rows - r;
      f.words[PE_TABLE_TILES (MAX_ROWS) + 2 * tiles] = row + r;
      f.words[PE_TABLE_TILES (MAX_ROWS) + 2 * tiles++ + 1] = left < tile_rows ? left : tile_rows;
    }
    for (uint32_t k = 0; k < n_pages; k++, page++)
      f.words[PE_TABLE_PAGES (MAX_ROWS) + page] = n_slots - 1 - page;
    row += spans[i].n_rows;
  }
  uint64_t *segments = (uint64_t *) (f.words + SEGMENTS);
  segments[0] = f.weights.address;
  return tiles;
}

static void
check_store (const struct shape *s)
{
  const struct span spans[] = { { 3, 255 }, { 2, 10 } };
  const struct kv_store_arguments push = {
    .work = f.work.address,
    .segments = f.tables.address + 4 * SEGMENTS,
    .tables = f.tables.address,
    .k_offset = K,
    .k_row_stride = s->n_kv_heads * s->k_width + 4,
    .k_stride = s->k_width,
    .v_offset = V,
    .v_row_stride = s->n_kv_heads * s->v_width + 8,
    .v_stride = s->v_width,
    .n_kv_heads = s->n_kv_heads,
    .n_rows = 5,
    .max_rows = MAX_ROWS,
    .page_table = PE_TABLE_PAGES (MAX_ROWS),
  };
  fill_tables (spans, 2, 1, 4);
  random_floats (f.floats + K, 8192);
  random_floats (f.floats + V, 8192);
  memset (f.bytes, 0x55, 4 * page_bytes (s));
  const uint32_t constants[] = { 16, s->k_type, s->v_type, s->k_width, s->v_width };
  CHECK (fixture_run (&f, PE_SHADER_KV_STORE, constants, 5, &push, sizeof push, 64, 1, 1));
  for (uint32_t row = 0; row < 5; row++) {
    uint32_t position = f.words[PE_TABLE_POSITIONS (MAX_ROWS) + row];
    uint32_t slot = row < 3 ? 3 - position / PE_PAGE_TOKENS : 1;
    for (uint32_t h = 0; h < s->n_kv_heads; h++)
      for (int values = 0; values < 2; values++) {
        enum pe_type type = values ? s->v_type : s->k_type;
        uint32_t width = values ? s->v_width : s->k_width;
        const float *x = values ? f.floats + V + row * push.v_row_stride + h * push.v_stride
                                : f.floats + K + row * push.k_row_stride + h * push.k_stride;
        float stored[256], expected[256];
        unsigned char blocks[1024];
        cached_row (s, slot, position % PE_PAGE_TOKENS, h, values, stored);
        pe_type_info (type)->encode (x, blocks, width);
        pe_type_info (type)->decode (blocks, expected, width);
        for (uint32_t i = 0; i < width; i++) {
          /* A step of the type where rounding went the other way. */
          double step = type == PE_TYPE_Q4_0 ? 0.26 : type == PE_TYPE_Q8_0 ? 0.02 : 0;
          CHECK_MSG (fabs (stored[i] - expected[i]) <= step, "%s row %u head %u element %u: %g %g",
                     pe_type_info (type)->name, row, h, i, stored[i], expected[i]);
          if (type == PE_TYPE_Q4_0 || type == PE_TYPE_Q8_0)
            CHECK (fabs (stored[i] - x[i]) <= (type == PE_TYPE_Q4_0 ? 0.14 : 0.005));
        }
      }
  }
}

static void
storing_every_type (void)
{
  static const enum pe_type types[] = { PE_TYPE_F32, PE_TYPE_F16, PE_TYPE_Q8_0, PE_TYPE_Q4_0 };
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < 4; k++)
      check_store (&(struct shape){ types[i], types[k], 64, 96, 2, 1 });
}

/* Norm and rotation of one head, as the queries (or keys) should be; `rates`: radians a position.
 */
static void
prepare_in_c (const float *in, const float *gain, uint32_t width, uint32_t kind, uint32_t n_pairs,
              const double *rates, uint32_t position, float *out)
{
  double squares = 0;
  for (uint32_t i = 0; i < width; i++)
    squares += (double) in[i] * in[i];
  double scale = gain ? 1 / sqrt (squares / width + 1e-5) : 1;
  for (uint32_t i = 0; i < width; i++)
    out[i] = (float) (in[i] * scale * (gain ? gain[i] : 1));
  for (uint32_t p = 0; p < n_pairs; p++) {
    uint32_t i = kind == PE_ROPE_NEOX ? p : 2 * p, j = kind == PE_ROPE_NEOX ? p + n_pairs : i + 1;
    double c = cos (position * rates[p]), sn = sin (position * rates[p]), a = out[i], b = out[j];
    out[i] = (float) (a * c - b * sn);
    out[j] = (float) (a * sn + b * c);
  }
}

/* Queries against C; what was stored against what the type makes of the same numbers in C. */
static void
check_rotate_store (const struct shape *s, uint32_t kind, uint32_t norms)
{
  const struct span spans[] = { { 3, 255 }, { 2, 10 } };
  uint32_t n_heads = s->n_kv_heads * s->group, n_pairs = s->k_width / 4;
  double rates[64];
  uint64_t *frequencies = (uint64_t *) (f.words + FREQUENCIES);
  for (uint32_t i = 0; i < n_pairs; i++) {
    rates[i] = pow (10000, -(double) i / n_pairs);
    frequencies[i] = (uint64_t) ldexp (rates[i] / (2 * M_PI), 64);
  }
  float *gains = (float *) (f.bytes + (8 << 20)), *q_before = malloc (65536 * sizeof *q_before);
  random_floats (gains, 1024);
  const struct rotate_store_arguments push = {
    .work = f.work.address,
    .frequencies = f.tables.address + 4 * FREQUENCIES,
    .q_norm = norms & 1 ? f.weights.address + (8 << 20) : 0,
    .k_norm = norms & 2 ? f.weights.address + (8 << 20) + 4 * 512 : 0,
    .segments = f.tables.address + 4 * SEGMENTS,
    .tables = f.tables.address,
    .q_offset = Q,
    .q_row_stride = n_heads * s->k_width + 4,
    .q_stride = s->k_width,
    .k_offset = K,
    .k_row_stride = s->n_kv_heads * s->k_width + 4,
    .k_stride = s->k_width,
    .v_offset = V,
    .v_row_stride = s->n_kv_heads * s->v_width + 8,
    .v_stride = s->v_width,
    .n_heads = n_heads,
    .n_kv_heads = s->n_kv_heads,
    .n_pairs = n_pairs,
    .max_rows = MAX_ROWS,
    .page_table = PE_TABLE_PAGES (MAX_ROWS),
    .magnitude = 1,
    .q_eps = 1e-5f,
    .k_eps = 1e-5f,
  };
  fill_tables (spans, 2, 1, 4);
  random_floats (f.floats + Q, 8192);
  random_floats (f.floats + K, 8192);
  random_floats (f.floats + V, 8192);
  memcpy (q_before, f.floats + Q, 8192 * sizeof *q_before);
  const uint32_t constants[] = { 16, s->k_type, s->v_type, s->k_width, s->v_width, kind, norms };
  CHECK (fixture_run (&f, PE_SHADER_ROTATE_STORE, constants, 7, &push, sizeof push,
                      n_heads + 2 * s->n_kv_heads, 5, 1));
  for (uint32_t row = 0; row < 5; row++) {
    uint32_t position = f.words[PE_TABLE_POSITIONS (MAX_ROWS) + row];
    uint32_t slot = row < 3 ? 3 - position / PE_PAGE_TOKENS : 1;
    float expected[256], stored[256], decoded[256];
    unsigned char blocks[1024];
    for (uint32_t h = 0; h < n_heads; h++) {
      uint32_t at = row * push.q_row_stride + h * s->k_width;
      prepare_in_c (q_before + at, norms & 1 ? gains : NULL, s->k_width, kind, n_pairs, rates,
                    position, expected);
      for (uint32_t i = 0; i < s->k_width; i++)
        CHECK_MSG (is_close (f.floats[Q + at + i], expected[i], 4e-6), "query %u of row %u: %g %g",
                   h, row, f.floats[Q + at + i], expected[i]);
    }
    for (uint32_t h = 0; h < s->n_kv_heads; h++)
      for (int values = 0; values < 2; values++) {
        enum pe_type type = values ? s->v_type : s->k_type;
        uint32_t width = values ? s->v_width : s->k_width;
        const float *x = values ? f.floats + V + row * push.v_row_stride + h * push.v_stride
                                : f.floats + K + row * push.k_row_stride + h * push.k_stride;
        if (values)
          memcpy (expected, x, width * sizeof *x);
        else
          prepare_in_c (x, norms & 2 ? gains + 512 : NULL, width, kind, n_pairs, rates, position,
                        expected);
        cached_row (s, slot, position % PE_PAGE_TOKENS, h, values, stored);
        pe_type_info (type)->encode (expected, blocks, width);
        pe_type_info (type)->decode (blocks, decoded, width);
        float most = 0;
        for (uint32_t i = 0; i < width; i++)
          most = fmaxf (most, fabsf (expected[i]));
        /* A step of the type where rounding went the other way. */
        double step = type == PE_TYPE_Q4_0   ? most / 7
                      : type == PE_TYPE_Q8_0 ? most / 120
                      : type == PE_TYPE_F16  ? most / 1000
                                             : 4e-6 * (1 + most);
        for (uint32_t i = 0; i < width; i++)
          CHECK_MSG (fabs (stored[i] - decoded[i]) <= step, "%s row %u head %u element %u: %g %g",
                     pe_type_info (type)->name, row, h, i, stored[i], decoded[i]);
      }
  }
  free (q_before);
}

static void
rotating_and_storing (void)
{
  static const enum pe_type types[] = { PE_TYPE_F32, PE_TYPE_F16, PE_TYPE_Q8_0, PE_TYPE_Q4_0 };
  for (uint32_t i = 0; i < 4; i++)
    check_rotate_store (&(struct shape){ types[i], types[3 - i], 64, 96, 2, 3 },
                        i % 2 ? PE_ROPE_NEOX : PE_ROPE_NORMAL, i);
}

/* ---- attention ---- */

static double
alibi_slope (const struct attention_arguments *p, uint32_t head)
{
  uint32_t power = 1;
  while (2 * power <= p->n_heads)
    power *= 2;
  return head < power ? pow (2, -p->alibi_max_bias / power * (head + 1))
                      : pow (2, -p->alibi_max_bias / 2 / power * (2 * (head - power) + 1));
}

static void
attend_in_c (const struct shape *s, const struct attention_arguments *p, uint32_t row,
             uint32_t head, double *out)
{
  uint32_t position = f.words[PE_TABLE_POSITIONS (MAX_ROWS) + row];
  const uint32_t *pages =
      f.words + PE_TABLE_PAGES (MAX_ROWS) + f.words[PE_TABLE_FIRST_PAGE (MAX_ROWS) + row];
  const float *q = f.floats + Q + row * p->q_row_stride + head * p->q_stride;
  static double score[4096];
  double most = p->sinks ? ((const float *) (f.bytes + (8 << 20)))[head] : -INFINITY, sum = 0;
  double temperature = 1;
  if (p->temperature_scale > 0)
    temperature += p->temperature_scale *
                   log (floor ((position + p->temperature_offset) / p->temperature_length) + 1);
  for (uint32_t key = 0; key <= position; key++) {
    float k[256];
    cached_row (s, pages[key / PE_PAGE_TOKENS], key % PE_PAGE_TOKENS, head / s->group, false, k);
    double x = 0;
    for (uint32_t i = 0; i < s->k_width; i++)
      x += (double) q[i] * k[i];
    x *= p->scale * temperature;
    if (p->softcap > 0)
      x = p->softcap * tanh (x / p->softcap);
    if (p->alibi_max_bias > 0)
      x -= alibi_slope (p, head) * (position - key);
    bool seen = (!p->window || position - key < p->window) &&
                (!p->chunk || key / p->chunk == position / p->chunk);
    score[key] = seen ? x : -INFINITY;
    most = fmax (most, score[key]);
  }
  if (p->sinks)
    sum = exp (((const float *) (f.bytes + (8 << 20)))[head] - most);
  for (uint32_t i = 0; i < s->v_width; i++)
    out[i] = 0;
  for (uint32_t key = 0; key <= position; key++) {
    float v[256];
    double w = exp (score[key] - most);
    cached_row (s, pages[key / PE_PAGE_TOKENS], key % PE_PAGE_TOKENS, head / s->group, true, v);
    sum += w;
    for (uint32_t i = 0; i < s->v_width; i++)
      out[i] += w * v[i];
  }
  for (uint32_t i = 0; i < s->v_width; i++)
    out[i] /= sum;
}

/* `options` fills in what is special; split_keys 0: no split. */
static void
check_attention (const struct shape *s, const struct span *spans, uint32_t n_spans,
                 struct attention_arguments options, uint32_t tile_rows, uint32_t tile_heads,
                 uint32_t split_keys)
{
  uint32_t n_heads = s->n_kv_heads * s->group, n_rows = 0, longest = 0;
  for (uint32_t i = 0; i < n_spans; i++) {
    n_rows += spans[i].n_rows;
    uint32_t end = spans[i].position + spans[i].n_rows;
    longest = end > longest ? end : longest;
  }
  struct attention_arguments push = options;
  push.work = f.work.address;
  push.segments = f.tables.address + 4 * SEGMENTS;
  push.tables = f.tables.address;
  push.split = f.tables.address + 4 * SPLIT;
  push.q_offset = Q;
  push.q_stride = s->k_width;
  push.q_row_stride = n_heads * s->k_width + 4;
  push.out_offset = OUT;
  push.out_stride = s->v_width;
  push.out_row_stride = n_heads * s->v_width;
  push.partial_offset = PARTIAL;
  push.n_heads = n_heads;
  push.n_kv_heads = s->n_kv_heads;
  push.max_rows = MAX_ROWS;
  push.page_table = PE_TABLE_PAGES (MAX_ROWS);
  uint32_t tiles = fill_tables (spans, n_spans, tile_rows, 12);
  uint32_t splits = split_keys ? (longest + split_keys - 1) / split_keys : 1;
  f.words[SPLIT] = splits;
  f.words[SPLIT + 1] = split_keys ? split_keys : 4096;
  random_floats (f.floats + Q, (size_t) n_rows * push.q_row_stride);
  for (uint32_t i = 0; i < n_rows * push.q_row_stride; i++)
    f.floats[Q + i] *= 4; /* scores far enough apart to matter */
  for (uint32_t slot = 0; slot < 12; slot++)
    for (int part = 0; part < 2; part++) {
      size_t n = (size_t) PE_PAGE_TOKENS * s->n_kv_heads * (part ? s->v_width : s->k_width);
      uint64_t k_bytes = s->n_kv_heads * PE_PAGE_TOKENS * pe_type_row_bytes (s->k_type, s->k_width);
      random_blocks (part ? s->v_type : s->k_type,
                     f.bytes + slot * page_bytes (s) + (part ? k_bytes : 0), n, 0.5f, &state);
    }
  if (push.sinks)
    random_floats ((float *) (f.bytes + (8 << 20)), n_heads);
  const uint32_t constants[] = {
    0,          s->k_type, s->v_type,  s->k_width,
    s->v_width, tile_rows, tile_heads, push.sinks ? PE_FLAG_SINKS : 0
  };
  uint32_t parts = (s->group + tile_heads - 1) / tile_heads;
  CHECK (fixture_run (&f, PE_SHADER_ATTENTION, constants, 8, &push, sizeof push, tiles,
                      s->n_kv_heads * parts, splits));
  if (splits > 1) {
    const struct attention_combine_arguments combine = {
      .work = push.work,
      .split = push.split,
      .out_offset = OUT,
      .out_row_stride = push.out_row_stride,
      .out_stride = push.out_stride,
      .partial_offset = PARTIAL,
      .n_heads = n_heads,
    };
    CHECK (fixture_run (&f, PE_SHADER_ATTENTION_COMBINE, (uint32_t[]){ 16, s->v_width }, 2,
                        &combine, sizeof combine, n_heads, n_rows, 1));
  }
  for (uint32_t row = 0; row < n_rows; row++)
    for (uint32_t head = 0; head < n_heads; head++) {
      double expected[256];
      attend_in_c (s, &push, row, head, expected);
      for (uint32_t i = 0; i < s->v_width; i++) {
        float actual = f.floats[OUT + row * push.out_row_stride + head * s->v_width + i];
        CHECK_MSG (is_close (actual, expected[i], 2e-5), "row %u head %u element %u: %g %g", row,
                   head, i, actual, expected[i]);
      }
    }
}

static const struct span one_row[] = { { 1, 700 } };
static const struct span mixed[] = { { 1, 700 }, { 2, 3 }, { 1, 255 }, { 1, 256 } };
static const struct span prompt[] = { { 19, 0 }, { 5, 300 } };

static void
attention_over_every_type (void)
{
  static const enum pe_type types[] = { PE_TYPE_F32, PE_TYPE_F16, PE_TYPE_Q8_0, PE_TYPE_Q4_0 };
  for (int i = 0; i < 4; i++) {
    const struct shape s = { types[i], types[3 - i], 32, 64, 2, 3 };
    check_attention (&s, mixed, 4, (struct attention_arguments){ .scale = 0.2f }, 1, 3, 0);
    check_attention (&s, one_row, 1, (struct attention_arguments){ .scale = 0.2f }, 1, 2, 256);
  }
}

static void
attention_masks_and_caps (void)
{
  const struct shape s = { PE_TYPE_F16, PE_TYPE_F16, 24, 16, 2, 3 };
  const struct attention_arguments options[] = {
    { .scale = 0.25f, .window = 100 },
    { .scale = 0.25f, .chunk = 200 },
    { .scale = 0.25f, .softcap = 3 },
    { .scale = 0.25f, .alibi_max_bias = 8 },
    { .scale = 0.25f, .sinks = f.weights.address + (8 << 20) },
    { .scale = 0.25f,
      .temperature_scale = 0.3f,
      .temperature_length = 100,
      .temperature_offset = 1 },
  };
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    check_attention (&s, mixed, 4, options[i], 1, 3, 0);
    check_attention (&s, mixed, 4, options[i], 1, 3, 128);
    check_attention (&s, prompt, 2, options[i], 8, 1, 0);
  }
}

static void
attention_of_wide_heads (void)
{
  const struct shape s = { PE_TYPE_F32, PE_TYPE_F32, 192, 128, 1, 4 };
  check_attention (&s, one_row, 1, (struct attention_arguments){ .scale = 0.05f }, 1, 4, 384);
  check_attention (&s, prompt, 2, (struct attention_arguments){ .scale = 0.05f }, 8, 1, 0);
}

static void
no_kernel_left_out (void)
{
  for (int i = 0; i < PE_SHADER_COUNT; i++)
    CHECK_MSG (f.used[i] || fixture_part (pe_shader_code[i].kernel) != KERNELS_OF_ATTENTION,
               "kernel %s", pe_shader_code[i].name);
}

int
main (void)
{
  char why[256];
  if (!fixture_open (&f, why)) {
    printf ("ok 1 - vulkan-attention # SKIP %s\n1..1\n", why);
    return 0;
  }
  RUN (rotation_at_any_position);
  RUN (storing_every_type);
  RUN (rotating_and_storing);
  RUN (attention_over_every_type);
  RUN (attention_masks_and_caps);
  RUN (attention_of_wide_heads);
  RUN (no_kernel_left_out);
  fixture_close (&f);
  return test_done ();
}
