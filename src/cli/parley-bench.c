/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-bench: `parley-cli bench --json` with nothing but the engine, for machines that have a C
 * library and perhaps a Vulkan driver, and nothing else.
 */
#include "cli/bench-core.h"
#include "cli/bench-gpu.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
usage (void)
{
  fprintf (stderr, "Usage: parley-bench MODEL [--prompt-tokens N] [--gen-tokens N] [--depth N]\n"
                   "                    [--gpu-layers N|auto] [--cpu-experts N] [--threads N]\n"
                   "                    [--batch N] [--ctx N] [--kv-type f32|f16|q8_0|q4_0] "
                   "[--precision exact|fast]\n"
                   "                    [--repeat N]\n"
                   "       parley-bench --gpu MODEL    everything about a model on one GPU\n"
                   "       parley-bench --gpu-quick MODEL    the same with few tokens\n");
  return 2;
}

static bool
number (const char *text, uint32_t *out)
{
  char *end;
  errno = 0;
  unsigned long value = strtoul (text, &end, 10);
  if (errno || *end || end == text || value > 1u << 24)
    return false;
  *out = (uint32_t) value;
  return true;
}

static bool
apply (struct bench_request *q, int option, const char *value)
{
  uint32_t n = 0;
  switch (option) {
  case 'p': return number (value, &q->n_prompt);
  case 'g': return number (value, &q->n_gen);
  case 'd': return number (value, &q->depth);
  case 'r': return number (value, &q->n_repeat);
  case 'e': return number (value, &q->plan.n_cpu_experts);
  case 't': return number (value, &q->plan.n_threads);
  case 'b': return number (value, &q->plan.n_batch);
  case 'c': return number (value, &q->plan.n_ctx);
  case 'l':
    q->plan.n_gpu_layers = PE_GPU_LAYERS_AUTO;
    if (strcmp (value, "auto") == 0)
      return true;
    q->plan.n_gpu_layers = 0;
    return number (value, &n) && (q->plan.n_gpu_layers = (int32_t) n, true);
  case 'k': {
    enum pe_type type;
    bool known = pe_type_by_name (value, &type);
    q->plan.k_type = q->plan.v_type = type;
    return known;
  }
  case 'x':
    q->plan.precision = strcmp (value, "exact") == 0 ? PE_PRECISION_EXACT : PE_PRECISION_FAST;
    return strcmp (value, "exact") == 0 || strcmp (value, "fast") == 0;
  default: return false;
  }
}

static int
measure_gpu (const char *path, bool quick)
{
  struct bench_gpu_request request = { .depths = { 0, 4096, 16384 },
                                       .prompts = { 512, 4096 },
                                       .n_gen = 64 };
  if (quick)
    request =
        (struct bench_gpu_request){ .depths = { 0, 64, 256 }, .prompts = { 32, 128 }, .n_gen = 8 };
  pe_plan_request_init (&request.plan);
  struct pe_json_writer w = { 0 };
  struct pe_error error = { 0 };
  bool ok = bench_gpu_run (path, &request, &w, &error);
  if (!ok)
    fprintf (stderr, "parley-bench: cannot measure: %s\n", error.message);
  ok = ok && pe_json_finish (&w) && puts (w.text) >= 0;
  pe_json_writer_clear (&w);
  return ok ? 0 : 1;
}

int
main (int argc, char **argv)
{
  static const struct option options[] = {
    { "prompt-tokens", required_argument, NULL, 'p' },
    { "gen-tokens", required_argument, NULL, 'g' },
    { "depth", required_argument, NULL, 'd' },
    { "repeat", required_argument, NULL, 'r' },
    { "cpu-experts", required_argument, NULL, 'e' },
    { "threads", required_argument, NULL, 't' },
    { "batch", required_argument, NULL, 'b' },
    { "ctx", required_argument, NULL, 'c' },
    { "gpu-layers", required_argument, NULL, 'l' },
    { "kv-type", required_argument, NULL, 'k' },
    { "precision", required_argument, NULL, 'x' },
    { NULL, 0, NULL, 0 },
  };
  if (argc == 3 && (strcmp (argv[1], "--gpu") == 0 || strcmp (argv[1], "--gpu-quick") == 0))
    return measure_gpu (argv[2], argv[1][5] != 0);
  struct bench_request request = { .n_prompt = 512, .n_gen = 128, .n_repeat = 5 };
  pe_plan_request_init (&request.plan);
  for (int option; (option = getopt_long (argc, argv, "", options, NULL)) != -1;)
    if (!apply (&request, option, optarg))
      return usage ();
  if (optind + 1 != argc)
    return usage ();
  struct bench_result result;
  struct pe_error error = { 0 };
  if (!bench_run (argv[optind], &request, &result, &error)) {
    fprintf (stderr, "parley-bench: cannot measure: %s\n", error.message);
    return 1;
  }
  struct pe_json_writer w = { 0 };
  bench_write_json (&w, &result);
  bool ok = pe_json_finish (&w) && puts (w.text) >= 0;
  pe_json_writer_clear (&w);
  return ok ? 0 : 1;
}
