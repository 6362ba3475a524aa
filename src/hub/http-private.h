/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "hub/http.h"

/* What a status other than 2xx means for a person; fills in response->retry_after. */
void parley_http_set_status_error (ParleyHttpResponse *response, const char *what,
                                   gboolean has_token, GError **error);
