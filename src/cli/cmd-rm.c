/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli rm: deletes a model of the library.
 */
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/table.h"

int
parley_cmd_rm (int argc, char **argv)
{
  if (!cli_parse (&argc, &argv, "MODEL", "Deletes a model from this computer.", NULL, 1, 1))
    return CLI_USAGE;
  g_autoptr (ParleyLibrary) library = cli_library_open ();
  g_autoptr (ParleyModel) model = library ? cli_library_find (library, argv[1]) : NULL;
  g_autoptr (GError) error = NULL;
  if (!model)
    return CLI_FAILED;
  g_autofree char *size = cli_format_bytes (parley_model_get_size (model));
  if (!parley_library_delete (library, model, &error))
    return cli_fail_glib ("cannot delete", error);
  printf ("%s is deleted; %s are free again.\n", parley_model_get_id (model), size);
  return CLI_DONE;
}
