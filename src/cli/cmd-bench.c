/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli bench: how fast a model runs here, beside what the machine allows.
 */
#include "cli/bench-core.h"
#include "cli/commands.h"
#include "cli/engine-options.h"
#include "cli/models.h"

static double
share (const struct bench_figure *f)
{
  return f->limit > 0 ? f->tokens_per_second / f->limit : 0;
}

static int
print_json (const struct bench_result *result)
{
  struct pe_json_writer w = { 0 };
  bench_write_json (&w, result);
  return cli_print_json (&w);
}

static void
print_line (const char *name, const struct bench_figure *f, double unit, const char *unit_name,
            const char *limit_name)
{
  if (!(f->tokens_per_second > 0))
    return;
  printf ("%-11s %9.1f tokens/s  %8.1f %s", name, f->tokens_per_second, f->rate / unit, unit_name);
  if (f->limit > 0)
    printf ("  %3.0f %% of %s (%.1f tokens/s)", share (f) * 100, limit_name, f->limit);
  printf ("\n");
}

static int
print_table (const struct bench_result *r)
{
  for (size_t d = 0; d < r->n_devices; d++)
    printf ("%-11s %s, %.1f GB/s read, %.2f TFLOP/s\n", d == 0 ? "CPU" : "GPU", r->devices[d].name,
            r->devices[d].read_rate / 1e9, r->devices[d].matmul_rate / 1e12);
  printf ("%-11s %u of %u layers on the GPU, %u threads on the CPU, loaded in %.2f s\n", "model",
          r->n_gpu_layers, r->n_layers + 1, r->plan.n_threads, r->load_seconds);
  print_line ("prompt", &r->prompt, 1e12, "TFLOP/s", "the arithmetic's rate");
  print_line ("generation", &r->generation, 1e9, "GB/s", "the memory's rate");
  return CLI_DONE;
}

/* The file of a name as other commands take it; NULL: reported. */
static char *
find_file (const char *name)
{
  if (g_file_test (name, G_FILE_TEST_IS_REGULAR))
    return g_strdup (name);
  g_autoptr (ParleyLibrary) library = cli_library_open ();
  g_autoptr (ParleyModel) model = library ? cli_library_find (library, name) : NULL;
  return model ? g_strdup (parley_model_get_path (model)) : NULL;
}

int
parley_cmd_bench (int argc, char **argv)
{
  struct cli_engine_options options = { 0 };
  int n_prompt = 512, n_gen = 128, depth = 0, n_repeat = 5;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "prompt-tokens", 0, 0, G_OPTION_ARG_INT, &n_prompt, "Length of the prompt (512)", "N" },
    { "gen-tokens", 0, 0, G_OPTION_ARG_INT, &n_gen, "Tokens to generate (128)", "N" },
    { "depth", 0, 0, G_OPTION_ARG_INT, &depth, "Tokens in the context before (0)", "N" },
    { "repeat", 0, 0, G_OPTION_ARG_INT, &n_repeat, "Measure so often, report the median (5)", "N" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    CLI_ENGINE_OPTIONS (&options),
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "MODEL", "Measures how fast a model runs on this computer.",
                  entries, 1, 1))
    return CLI_USAGE;
  struct bench_request request = { 0 };
  pe_plan_request_init (&request.plan);
  bool usable = cli_engine_request (&options, &request.plan);
  cli_engine_options_clear (&options);
  if (!usable)
    return CLI_USAGE;
  if (n_prompt < 0 || n_gen < 0 || depth < 0 || n_repeat < 1 || n_prompt > 1 << 20 ||
      n_gen > 1 << 20 || depth > 1 << 22)
    return cli_usage ("the numbers of tokens and of repeats cannot be negative");
  request.n_prompt = (uint32_t) n_prompt;
  request.n_gen = (uint32_t) n_gen;
  request.depth = (uint32_t) depth;
  request.n_repeat = (uint32_t) n_repeat;
  struct bench_result result;
  struct pe_error error = { 0 };
  g_autofree char *path = find_file (argv[1]);
  if (!path)
    return CLI_FAILED;
  if (!bench_run (path, &request, &result, &error))
    return cli_fail_engine ("cannot measure", &error);
  return json ? print_json (&result) : print_table (&result);
}
