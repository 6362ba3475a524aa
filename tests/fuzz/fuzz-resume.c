/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as the description of an unfinished download and of an exported model: what is
 * accepted names only places below the models folder.
 */
#include "hub/names.h"
#include "hub/sidecar.h"
#include "library/bundle.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create ("sidecar", MFD_CLOEXEC);
    g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (ftruncate (fd, 0) != 0 || pwrite (fd, data, n, 0) != (ssize_t) n)
    abort ();
  g_autoptr (ParleySidecar) sidecar = parley_sidecar_read (path, NULL);
  for (guint i = 0; sidecar && i < sidecar->n_parts; i++)
    if (!parley_name_check_path (sidecar->parts[i].path, NULL) ||
        sidecar->parts[i].synced > sidecar->parts[i].size)
      abort ();
  g_autoptr (ParleyBundle) bundle = parley_bundle_read ((const char *) data, n, NULL);
  if (bundle) {
    g_autofree char *json = parley_bundle_to_json (bundle);
    g_autoptr (ParleyBundle) again = parley_bundle_read (json, strlen (json), NULL);
    if (!again || !parley_name_check_path (bundle->place, NULL))
      abort ();
  }
  return 0;
}
