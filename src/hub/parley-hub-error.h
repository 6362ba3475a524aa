/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What can go wrong between a hub and a file on disk. Messages are whole sentences that name the
 * address or file and say what to do; untrusted parts in them are plain text without control
 * characters. A cancelled operation reports G_IO_ERROR_CANCELLED.
 */
#pragma once

#include <glib.h>

#define PARLEY_HUB_ERROR (parley_hub_error_quark ())

typedef enum {
  PARLEY_HUB_ERROR_NETWORK,      /* no connection, or it broke; trying again may help */
  PARLEY_HUB_ERROR_OFFLINE,      /* HF_HUB_OFFLINE is set, or the preferences say so */
  PARLEY_HUB_ERROR_NOT_FOUND,    /* no such repository, revision or file, as far as we may see */
  PARLEY_HUB_ERROR_GATED,        /* terms must be accepted on the repository's page */
  PARLEY_HUB_ERROR_UNAUTHORISED, /* the access token was refused, or one is needed */
  PARLEY_HUB_ERROR_FORBIDDEN,    /* taken down or otherwise closed */
  PARLEY_HUB_ERROR_RATE_LIMITED, /* too many requests for now */
  PARLEY_HUB_ERROR_SERVER,       /* the hub answered 5xx */
  PARLEY_HUB_ERROR_PROTOCOL,     /* an answer that makes no sense */
  PARLEY_HUB_ERROR_REFUSED,      /* an unsafe redirect or file name */
  PARLEY_HUB_ERROR_CHANGED,      /* the remote file is no longer the one that was chosen */
  PARLEY_HUB_ERROR_CHECKSUM,     /* all bytes are there and are not those of the file */
  PARLEY_HUB_ERROR_SPACE,        /* the disk is full, or would be */
  PARLEY_HUB_ERROR_FILE,         /* the file system refused */
  PARLEY_HUB_ERROR_REFERENCE,    /* text that names no repository or file */
} ParleyHubError;

GQuark parley_hub_error_quark (void);
