/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "hub/http.h"
#include "hub/parley-hub.h"

G_BEGIN_DECLS

ParleyHttp *_parley_hub_get_http (ParleyHub *self);

/* For tests: see parley_http_set_patience(). */
void _parley_hub_set_patience (ParleyHub *self, guint retry_ms, guint stall_seconds);

/* Where the bytes of a file are asked for. Free with g_free(). */
char *_parley_hub_dup_resolve_address (ParleyHub *self, const char *repo, const char *revision,
                                       const char *path);

G_END_DECLS
