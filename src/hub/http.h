/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * HTTP exchanges with a hub, over libcurl, on the calling thread. Redirects are followed by hand:
 * at most five, never from https to http, never to another scheme, into the local network only
 * when the hub is there itself; the access token goes to the hub's own origin only. All bodies
 * are bounded while they arrive. Proxies are those of the environment, else of the desktop;
 * certificates those of the system, or of SSL_CERT_FILE. Functions may be called from any thread.
 */
#pragma once

#include "hub/parley-hub-error.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ParleyHttp ParleyHttp;

/* Never fails: an endpoint that cannot be used makes every exchange fail with the reason. */
ParleyHttp *parley_http_new (const char *endpoint, const char *token);
void parley_http_free (ParleyHttp *http); /* no exchange may be running */

const char *parley_http_get_endpoint (ParleyHttp *http);
gboolean parley_http_has_token (ParleyHttp *http);
void parley_http_set_token (ParleyHttp *http, const char *token);

/* TRUE: every exchange fails at once, with PARLEY_HUB_ERROR_OFFLINE. */
void parley_http_set_offline (ParleyHttp *http, gboolean offline);
gboolean parley_http_is_offline (ParleyHttp *http);

/* First pause before a repetition (1000 ms), and how long a connection may be silent (30 s). */
void parley_http_set_patience (ParleyHttp *http, guint retry_ms, guint stall_seconds);
guint parley_http_get_retry_ms (ParleyHttp *http);

typedef struct {
  int status;          /* of the last answer; 0: none came */
  GHashTable *headers; /* of the last answer: lower-case name -> value */
  GHashTable *linked;  /* x-linked-… and x-repo-commit, wherever on the hub's origin they came */
  GByteArray *body;    /* unless a sink took it */
  char *url;           /* that answered last */
  gboolean elsewhere;  /* it was not of the hub's origin */
  guint retry_after;   /* seconds that the server asks to wait; 0: nothing said; at most 600 */
} ParleyHttpResponse;

void parley_http_response_clear (ParleyHttpResponse *response);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ParleyHttpResponse, parley_http_response_clear)

typedef struct {
  const char *url;  /* absolute */
  const char *what; /* what is asked for, in messages: "org/name" */
  gboolean ranged;  /* ask for bytes from range_start on, as they are (no compression) */
  guint64 range_start;
  guint64 range_length; /* 0: to the end */
  gsize max_body;       /* larger bodies fail; not counted for the sink */
  /* For 200 and 206: called when the headers are there, then for each piece of the body. FALSE
   * with an error ends the exchange. `sink` NULL: the body is kept. */
  gboolean (*accept) (const ParleyHttpResponse *response, gpointer data, GError **error);
  gboolean (*sink) (const guint8 *bytes, gsize n, gpointer data, GError **error);
  gpointer data;
} ParleyHttpRequest;

/* One try. FALSE: no complete answer with status 2xx; a status that says no is put in words.
 * `response` must be zeroed, and is filled in as far as things went. */
gboolean parley_http_try (ParleyHttp *http, const ParleyHttpRequest *request,
                          ParleyHttpResponse *response, GCancellable *cancellable, GError **error);

/* Up to three tries, with pauses, for what may pass; not for requests with a sink. */
gboolean parley_http_get (ParleyHttp *http, const ParleyHttpRequest *request,
                          ParleyHttpResponse *response, GCancellable *cancellable, GError **error);

/* Waits; FALSE when cancelled meanwhile. */
gboolean parley_http_pause (guint ms, GCancellable *cancellable, GError **error);

/* TRUE for failures that may pass by themselves. */
gboolean parley_http_is_passing (const GError *error);

/* Reads "bytes FIRST-LAST/TOTAL". */
gboolean parley_http_content_range (const ParleyHttpResponse *response, guint64 *first,
                                    guint64 *last, guint64 *total);

/* The target of a Link header with rel="next", or NULL. Free with g_free(). */
char *parley_http_next_link (const ParleyHttpResponse *response);

G_END_DECLS
