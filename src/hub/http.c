/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/http.h"
#include "hub/http-private.h"
#include "hub/names.h"
#include "hub/url.h"
#include "parley-config.h"

#include <curl/curl.h>
#include <glib/gi18n.h>
#include <string.h>

#define MAX_REDIRECTS    5
#define MAX_HEADER_BYTES (64 * 1024)
#define MAX_ERROR_BODY   (64 * 1024)
#define MAX_TRIES        3
#define MAX_QUIET_WAIT   5 /* seconds that a question waits by itself when asked to */

struct _ParleyHttp {
  char *endpoint;
  ParleyUrl *origin; /* NULL: the endpoint is no address */
  gboolean is_local;
  gboolean is_offline_for_all; /* HF_HUB_OFFLINE is set */
  int is_offline;              /* a person wants it so; atomic */
  char *user_agent;
  GAsyncQueue *idle; /* of CURLM *: each keeps its connections open for the next exchange */
  GMutex mutex;      /* of what follows */
  char *token;
  guint retry_ms, stall_seconds;
};

/* A token is sent in a header line, so nothing in it may end one. */
static char *
clean_token (const char *token)
{
  g_autofree char *text = g_strstrip (g_strdup (token ? token : ""));
  gsize n = strlen (text);
  if (n == 0 || n > 1024)
    return NULL;
  for (gsize i = 0; i < n; i++)
    if (!g_ascii_isgraph (text[i]))
      return NULL;
  return g_steal_pointer (&text);
}

ParleyHttp *
parley_http_new (const char *endpoint, const char *token)
{
  static gsize once;
  if (g_once_init_enter (&once)) {
    curl_global_init (CURL_GLOBAL_DEFAULT);
    g_once_init_leave (&once, 1);
  }
  ParleyHttp *http = g_new0 (ParleyHttp, 1);
  http->endpoint = g_strdup (endpoint);
  for (gsize n = strlen (http->endpoint); n > 0 && http->endpoint[n - 1] == '/'; n--)
    http->endpoint[n - 1] = '\0';
  http->origin = parley_url_parse (http->endpoint, NULL, NULL);
  if (http->origin && (http->origin->query || (strcmp (http->origin->scheme, "https") != 0 &&
                                               strcmp (http->origin->scheme, "http") != 0)))
    g_clear_pointer (&http->origin, parley_url_free);
  http->is_local = http->origin && parley_url_is_local (http->origin);
  const char *offline = g_getenv ("HF_HUB_OFFLINE");
  http->is_offline_for_all = offline && *offline && strcmp (offline, "0") != 0;
  http->user_agent = g_strdup_printf ("parley/" PARLEY_VERSION "; libcurl/%s",
                                      curl_version_info (CURLVERSION_NOW)->version);
  http->idle = g_async_queue_new ();
  g_mutex_init (&http->mutex);
  http->token = clean_token (token);
  http->retry_ms = 1000;
  http->stall_seconds = 30;
  return http;
}

void
parley_http_free (ParleyHttp *http)
{
  if (!http)
    return;
  for (CURLM *multi; (multi = g_async_queue_try_pop (http->idle));)
    curl_multi_cleanup (multi);
  g_async_queue_unref (http->idle);
  g_mutex_clear (&http->mutex);
  g_clear_pointer (&http->origin, parley_url_free);
  g_free (http->endpoint);
  g_free (http->user_agent);
  g_free (http->token);
  g_free (http);
}

const char *
parley_http_get_endpoint (ParleyHttp *http)
{
  return http->endpoint;
}

gboolean
parley_http_has_token (ParleyHttp *http)
{
  g_mutex_lock (&http->mutex);
  gboolean has = http->token != NULL;
  g_mutex_unlock (&http->mutex);
  return has;
}

void
parley_http_set_token (ParleyHttp *http, const char *token)
{
  g_mutex_lock (&http->mutex);
  g_free (http->token);
  http->token = clean_token (token);
  g_mutex_unlock (&http->mutex);
}

void
parley_http_set_offline (ParleyHttp *http, gboolean offline)
{
  g_atomic_int_set (&http->is_offline, offline);
}

gboolean
parley_http_is_offline (ParleyHttp *http)
{
  return http->is_offline_for_all || g_atomic_int_get (&http->is_offline);
}

void
parley_http_set_patience (ParleyHttp *http, guint retry_ms, guint stall_seconds)
{
  g_mutex_lock (&http->mutex);
  http->retry_ms = retry_ms;
  http->stall_seconds = stall_seconds;
  g_mutex_unlock (&http->mutex);
}

guint
parley_http_get_retry_ms (ParleyHttp *http)
{
  g_mutex_lock (&http->mutex);
  guint ms = http->retry_ms;
  g_mutex_unlock (&http->mutex);
  return ms;
}

void
parley_http_response_clear (ParleyHttpResponse *response)
{
  g_clear_pointer (&response->headers, g_hash_table_unref);
  g_clear_pointer (&response->linked, g_hash_table_unref);
  g_clear_pointer (&response->body, g_byte_array_unref);
  g_clear_pointer (&response->url, g_free);
  memset (response, 0, sizeof *response);
}

gboolean
parley_http_is_passing (const GError *error)
{
  return g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NETWORK) ||
         g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_SERVER) ||
         g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_RATE_LIMITED);
}

/* One request and its answer, without redirects. */
typedef struct {
  const ParleyHttpRequest *request;
  ParleyHttpResponse *response;
  gboolean on_origin;
  gsize header_bytes;
  GError *error; /* raised by a callback */
} Exchange;

static gboolean
wants_sink (const Exchange *exchange)
{
  return exchange->request->sink &&
         (exchange->response->status == 200 || exchange->response->status == 206);
}

static void
store_header (Exchange *exchange, const char *line, gsize n)
{
  const char *colon = memchr (line, ':', n);
  if (!colon)
    return;
  g_autofree char *name = g_ascii_strdown (line, colon - line);
  char *value = g_strstrip (g_strndup (colon + 1, n - (gsize) (colon - line) - 1));
  if (exchange->on_origin &&
      (g_str_has_prefix (name, "x-linked-") || strcmp (name, "x-repo-commit") == 0))
    g_hash_table_replace (exchange->response->linked, g_strdup (name), g_strdup (value));
  g_hash_table_replace (exchange->response->headers, g_steal_pointer (&name), value);
}

static size_t
on_header (char *line, size_t size, size_t n, void *data)
{
  Exchange *exchange = data;
  ParleyHttpResponse *response = exchange->response;
  n *= size;
  exchange->header_bytes += n;
  if (exchange->header_bytes > MAX_HEADER_BYTES) {
    g_set_error (&exchange->error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("The server answers %s with more headers than make sense"),
                 exchange->request->what);
    return 0;
  }
  gsize length = n;
  while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == '\n'))
    length--;
  if (length > 5 && strncmp (line, "HTTP/", 5) == 0) {
    g_hash_table_remove_all (response->headers); /* an interim answer came before */
    response->status = 0;
    const char *space = memchr (line, ' ', length);
    for (int i = 1; space && i <= 3 && space + i < line + length && g_ascii_isdigit (space[i]); i++)
      response->status = response->status * 10 + (space[i] - '0');
  } else if (length > 0) {
    store_header (exchange, line, length);
  } else if (wants_sink (exchange) && exchange->request->accept &&
             !exchange->request->accept (response, exchange->request->data, &exchange->error)) {
    return 0;
  }
  return n;
}

static size_t
on_body (char *bytes, size_t size, size_t n, void *data)
{
  Exchange *exchange = data;
  ParleyHttpResponse *response = exchange->response;
  n *= size;
  if (wants_sink (exchange))
    return exchange->request->sink ((const guint8 *) bytes, n, exchange->request->data,
                                    &exchange->error)
               ? n
               : 0;
  gboolean good = response->status >= 200 && response->status < 300;
  gsize most = good ? exchange->request->max_body : MAX_ERROR_BODY;
  gsize room = most - MIN (most, response->body->len);
  if (n > room && good) {
    g_set_error (&exchange->error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("The server's answer about %s is larger than makes sense"),
                 exchange->request->what);
    return 0;
  }
  g_byte_array_append (response->body, (const guint8 *) bytes, (guint) MIN (n, room));
  return n;
}

static void
set_curl_error (CURLcode code, const ParleyUrl *url, GError **error)
{
  const char *words = curl_easy_strerror (code);
  switch (code) {
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_CONNECT:
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NETWORK,
                 _ ("Cannot reach %s (%s). Check the network connection"), url->host, words);
    return;
  case CURLE_OPERATION_TIMEDOUT:
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NETWORK,
                 _ ("%s stopped sending. Check the network connection"), url->host);
    return;
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
    g_set_error (
        error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFUSED,
        _ ("The certificate of %s cannot be trusted, so nothing was fetched. Check the date "
           "of this computer, and whether the network asks you to sign in"),
        url->host);
    return;
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_URL_MALFORMAT:
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFUSED, _ ("%s://%s: %s"), url->scheme,
                 url->host, words);
    return;
  default:
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NETWORK,
                 _ ("The connection to %s broke (%s)"), url->host, words);
  }
}

static void
on_cancelled (GCancellable *cancellable, gpointer multi)
{
  curl_multi_wakeup (multi);
}

/* Runs `easy` to its end on this thread; cancelling ends it at once. */
static CURLcode
perform (CURLM *multi, CURL *easy, GCancellable *cancellable)
{
  CURLcode code = CURLE_FAILED_INIT;
  if (curl_multi_add_handle (multi, easy) != CURLM_OK)
    return code;
  gulong handler =
      cancellable ? g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), multi, NULL) : 0;
  int running = 1;
  while (!g_cancellable_is_cancelled (cancellable)) {
    if (curl_multi_perform (multi, &running) != CURLM_OK || !running)
      break;
    if (curl_multi_poll (multi, NULL, 0, 1000, NULL) != CURLM_OK)
      break;
  }
  g_cancellable_disconnect (cancellable, handler);
  int left;
  for (CURLMsg *message; (message = curl_multi_info_read (multi, &left));)
    if (message->msg == CURLMSG_DONE && message->easy_handle == easy)
      code = message->data.result;
  curl_multi_remove_handle (multi, easy);
  return code;
}

/* The desktop's proxy. What the environment names goes first, and libcurl reads that itself. */
static void
set_proxy (CURL *easy, const ParleyUrl *url, const char *address, GCancellable *cancellable)
{
  static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                       "ALL_PROXY" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_getenv (names[i]))
      return;
  if (parley_url_is_local (url))
    return;
  g_auto (GStrv) proxies =
      g_proxy_resolver_lookup (g_proxy_resolver_get_default (), address, cancellable, NULL);
  if (proxies && proxies[0] && strcmp (proxies[0], "direct://") != 0)
    curl_easy_setopt (easy, CURLOPT_PROXY, proxies[0]);
}

/* libcurl knows where the system keeps its certificates; this variable is for others. */
static void
set_certificates (CURL *easy)
{
  const char *file = g_getenv ("SSL_CERT_FILE");
  if (file && *file)
    curl_easy_setopt (easy, CURLOPT_CAINFO, file);
}

static CURL *
make_easy (ParleyHttp *http, Exchange *exchange, const char *address, struct curl_slist **headers)
{
  CURL *easy = curl_easy_init ();
  if (!easy)
    return NULL;
  const ParleyHttpRequest *request = exchange->request;
  g_mutex_lock (&http->mutex);
  if (http->token && exchange->on_origin) {
    g_autofree char *line = g_strconcat ("Authorization: Bearer ", http->token, NULL);
    *headers = curl_slist_append (*headers, line);
  }
  curl_easy_setopt (easy, CURLOPT_LOW_SPEED_TIME, (long) http->stall_seconds);
  g_mutex_unlock (&http->mutex);
  curl_easy_setopt (easy, CURLOPT_LOW_SPEED_LIMIT, request->sink ? 1024L : 1L);
  if (request->ranged) {
    g_autofree char *end = request->range_length
                               ? g_strdup_printf ("%" G_GUINT64_FORMAT,
                                                  request->range_start + request->range_length - 1)
                               : g_strdup ("");
    g_autofree char *range =
        g_strdup_printf ("%" G_GUINT64_FORMAT "-%s", request->range_start, end);
    curl_easy_setopt (easy, CURLOPT_RANGE, range);
    *headers = curl_slist_append (*headers, "Accept-Encoding: identity");
  } else {
    curl_easy_setopt (easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  }
  curl_easy_setopt (easy, CURLOPT_URL, address);
  curl_easy_setopt (easy, CURLOPT_HTTPHEADER, *headers);
  curl_easy_setopt (easy, CURLOPT_USERAGENT, http->user_agent);
  curl_easy_setopt (easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (easy, CURLOPT_CONNECTTIMEOUT, 15L);
  curl_easy_setopt (easy, CURLOPT_BUFFERSIZE, 256L * 1024);
  /* Servers limit the rate of a connection: with HTTP/2 all downloads would share one. */
  if (request->sink)
    curl_easy_setopt (easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
  curl_easy_setopt (easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* a proxy's are not the hub's */
  curl_easy_setopt (easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt (easy, CURLOPT_HEADERDATA, exchange);
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt (easy, CURLOPT_WRITEDATA, exchange);
  return easy;
}

static gboolean
exchange_once (ParleyHttp *http, const ParleyHttpRequest *request, ParleyHttpResponse *response,
               const ParleyUrl *url, GCancellable *cancellable, GError **error)
{
  Exchange exchange = { .request = request,
                        .response = response,
                        .on_origin = parley_url_same_origin (url, http->origin) };
  response->status = 0;
  response->elsewhere = !exchange.on_origin;
  g_hash_table_remove_all (response->headers);
  g_byte_array_set_size (response->body, 0);

  CURLM *multi = g_async_queue_try_pop (http->idle);
  if (!multi)
    multi = curl_multi_init ();
  struct curl_slist *headers = NULL;
  CURL *easy = multi ? make_easy (http, &exchange, response->url, &headers) : NULL;
  if (easy) {
    set_proxy (easy, url, response->url, cancellable);
    set_certificates (easy);
  }
  CURLcode code = easy ? perform (multi, easy, cancellable) : CURLE_OUT_OF_MEMORY;
  curl_easy_cleanup (easy);
  curl_slist_free_all (headers);
  if (multi)
    g_async_queue_push (http->idle, multi);

  if (g_cancellable_set_error_if_cancelled (cancellable, error)) {
    g_clear_error (&exchange.error);
    return FALSE;
  }
  if (exchange.error) {
    g_propagate_error (error, exchange.error);
    return FALSE;
  }
  if (code != CURLE_OK) {
    set_curl_error (code, url, error);
    return FALSE;
  }
  return TRUE;
}

/* Where the answer sends us, when going there is safe. */
static char *
redirect_target (ParleyHttp *http, const ParleyHttpRequest *request,
                 const ParleyHttpResponse *response, GError **error)
{
  const char *location = g_hash_table_lookup (response->headers, "location");
  g_autofree char *target = NULL;
  g_autoptr (ParleyUrl) url = location ? parley_url_parse (location, response->url, &target) : NULL;
  if (!location) {
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("The server redirects %s to nowhere"), request->what);
    return NULL;
  }
  if (!url || !target) {
    g_set_error (
        error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFUSED,
        _ ("The server redirects %s to an address that is not safe to follow. Check the address of "
           "the hub, or choose another file"),
        request->what);
    return NULL;
  }
  gboolean plain = strcmp (url->scheme, "http") == 0;
  gboolean allowed =
      plain ? strcmp (http->origin->scheme, "http") == 0 : strcmp (url->scheme, "https") == 0;
  if (!allowed || (parley_url_is_local (url) && !http->is_local)) {
    g_autofree char *shown = parley_name_for_display (url->host, 100);
    g_set_error (
        error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFUSED,
        _ ("The server redirects %s to %s://%s, which is not safe to follow. Check the address of "
           "the hub, or choose another file"),
        request->what, url->scheme, shown);
    return NULL;
  }
  return g_steal_pointer (&target);
}

gboolean
parley_http_try (ParleyHttp *http, const ParleyHttpRequest *request, ParleyHttpResponse *response,
                 GCancellable *cancellable, GError **error)
{
  parley_http_response_clear (response);
  if (!http->origin) {
    g_autofree char *shown = parley_name_for_display (http->endpoint, 200);
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFERENCE,
                 _ ("“%s” is not the address of a hub. Set PARLEY_HUB to one that begins with "
                    "https://, or unset it"),
                 shown);
    return FALSE;
  }
  if (parley_http_is_offline (http)) {
    g_set_error_literal (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_OFFLINE,
                         http->is_offline_for_all
                             ? _ ("Offline by wish: HF_HUB_OFFLINE is set. Unset it to use the hub")
                             : _ ("Offline by wish: the preferences say so. Change that to use the "
                                  "hub"));
    return FALSE;
  }
  response->headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  response->linked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  response->body = g_byte_array_new ();
  response->url = g_strdup (request->url);

  for (int hops = 0;; hops++) {
    g_autoptr (ParleyUrl) url = parley_url_parse (response->url, NULL, NULL);
    if (!url) {
      g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                   _ ("The address of %s makes no sense"), request->what);
      return FALSE;
    }
    if (!exchange_once (http, request, response, url, cancellable, error))
      return FALSE;
    int status = response->status;
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
      break;
    if (hops == MAX_REDIRECTS) {
      g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                   _ ("The server redirects %s again and again"), request->what);
      return FALSE;
    }
    char *target = redirect_target (http, request, response, error);
    if (!target)
      return FALSE;
    g_free (response->url);
    response->url = target;
  }
  if (response->status >= 200 && response->status < 300)
    return TRUE;
  parley_http_set_status_error (response, request->what, parley_http_has_token (http), error);
  return FALSE;
}

gboolean
parley_http_pause (guint ms, GCancellable *cancellable, GError **error)
{
  GPollFD fd;
  if (cancellable && g_cancellable_make_pollfd (cancellable, &fd)) {
    g_poll (&fd, 1, (int) ms);
    g_cancellable_release_fd (cancellable);
  } else {
    g_usleep ((gulong) ms * 1000);
  }
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

gboolean
parley_http_get (ParleyHttp *http, const ParleyHttpRequest *request, ParleyHttpResponse *response,
                 GCancellable *cancellable, GError **error)
{
  guint wait = parley_http_get_retry_ms (http);
  for (int i = 1;; i++) {
    g_autoptr (GError) problem = NULL;
    if (parley_http_try (http, request, response, cancellable, &problem))
      return TRUE;
    if (i == MAX_TRIES || !parley_http_is_passing (problem) ||
        response->retry_after > MAX_QUIET_WAIT) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
    guint ms = response->retry_after ? response->retry_after * 1000 : wait;
    if (!parley_http_pause (ms, cancellable, error))
      return FALSE;
    wait *= 2;
  }
}
