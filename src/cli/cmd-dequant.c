/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli dequant: raw blocks of one tensor type as float32, for checks of the decoders.
 */
#include "cli/cli.h"
#include "cli/commands.h"

#include "engine/quant/types.h"

#define MAX_FILE_BYTES ((size_t) 1 << 30)

int
parley_cmd_dequant (int argc, char **argv)
{
  g_autofree char *type_name = NULL, *out_path = NULL;
  const GOptionEntry entries[] = {
    { "type", 't', 0, G_OPTION_ARG_STRING, &type_name, "Type of the blocks, such as Q4_K", "NAME" },
    { "out", 'o', 0, G_OPTION_ARG_FILENAME, &out_path, "Where to write float32 values", "FILE" },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "FILE", "Decodes raw blocks of one tensor type to float32.",
                  entries, 1, 1))
    return CLI_USAGE;
  if (!type_name || !out_path)
    return cli_usage ("--type and --out are needed");
  enum pe_type type;
  const struct pe_type_info *info = NULL;
  if (!pe_type_by_name (type_name, &type) || !(info = pe_type_info (type))->decode)
    return cli_usage ("no weights are stored in a type '%s'", type_name);

  size_t n_bytes;
  g_autofree char *blocks = cli_read_file (argv[1], MAX_FILE_BYTES, &n_bytes);
  if (!blocks)
    return CLI_FAILED;
  if (n_bytes % info->block_bytes)
    return cli_fail ("%s: %zu bytes are not a whole number of %s blocks of %u bytes", argv[1],
                     n_bytes, info->name, info->block_bytes);
  size_t n = n_bytes / info->block_bytes * info->block_elements;
  g_autofree float *values = g_try_new (float, n + 1);
  if (!values)
    return cli_fail ("%s: not enough memory for %zu values", argv[1], n);
  info->decode (blocks, values, n);

  g_autoptr (GError) error = NULL;
  if (!g_file_set_contents (out_path, (const char *) values, (gssize) (n * sizeof *values), &error))
    return cli_fail_glib ("cannot write the values", error);
  return CLI_DONE;
}
