/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/parley-downloads.h"
#include "hub/disk.h"
#include "hub/names.h"
#include "hub/parley-transfer-private.h"

#include <glib/gi18n.h>
#include <string.h>

#define USUAL_LIMIT  2
#define MAX_LIMIT    8
#define SPACE_MS     5000 /* between two looks at a full disk */
#define WATCH_MS     3000 /* between two looks for what other programs do with the queue */
#define WISH_MS      400  /* between two looks for what they wish of what runs here */
#define MAX_RESTORED 1000
#define MAX_DEPTH    8 /* folders below the models folder that are searched for descriptions */

struct _ParleyDownloads {
  GObject parent_instance;

  ParleyHub *hub;
  char *models_dir;
  GPtrArray *transfers;
  ParleyDownloadsRecorder recorder;
  gpointer recorder_data;
  GDestroyNotify recorder_destroy;
  GNetworkMonitor *monitor;
  guint limit, space_ms;
  GSource *space, *watch, *wishes; /* timers; NULL: not running */
  gboolean stopped, metered, allow_metered;
};

static void parley_downloads_list_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ParleyDownloads, parley_downloads, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      parley_downloads_list_init))

enum { SIGNAL_FINISHED, N_SIGNALS };

static guint signals[N_SIGNALS];

static GType
get_item_type (GListModel *list)
{
  return PARLEY_TYPE_TRANSFER;
}

static guint
get_n_items (GListModel *list)
{
  return PARLEY_DOWNLOADS (list)->transfers->len;
}

static gpointer
get_item (GListModel *list, guint position)
{
  GPtrArray *transfers = PARLEY_DOWNLOADS (list)->transfers;
  return position < transfers->len ? g_object_ref (transfers->pdata[position]) : NULL;
}

static void
parley_downloads_list_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
stop_timer (GSource **timer)
{
  if (*timer)
    g_source_destroy (*timer);
  g_clear_pointer (timer, g_source_unref);
}

static void
start_timer (ParleyDownloads *self, GSource **timer, guint ms, GSourceFunc func)
{
  if (*timer)
    return;
  *timer = g_timeout_source_new (ms);
  g_source_set_callback (*timer, func, self, NULL);
  g_source_attach (*timer, g_main_context_get_thread_default ());
}

static void
parley_downloads_dispose (GObject *object)
{
  ParleyDownloads *self = PARLEY_DOWNLOADS (object);
  parley_downloads_stop (self);
  if (self->monitor)
    g_signal_handlers_disconnect_by_data (self->monitor, self);
  self->monitor = NULL;
  stop_timer (&self->space);
  stop_timer (&self->watch);
  stop_timer (&self->wishes);
  for (guint i = 0; i < self->transfers->len; i++)
    g_signal_handlers_disconnect_by_data (self->transfers->pdata[i], self);
  G_OBJECT_CLASS (parley_downloads_parent_class)->dispose (object);
}

static void
parley_downloads_finalize (GObject *object)
{
  ParleyDownloads *self = PARLEY_DOWNLOADS (object);
  if (self->recorder_destroy)
    self->recorder_destroy (self->recorder_data);
  g_ptr_array_unref (self->transfers);
  g_object_unref (self->hub);
  g_free (self->models_dir);
  G_OBJECT_CLASS (parley_downloads_parent_class)->finalize (object);
}

static void
parley_downloads_class_init (ParleyDownloadsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->dispose = parley_downloads_dispose;
  object_class->finalize = parley_downloads_finalize;
  signals[SIGNAL_FINISHED] =
      g_signal_new ("finished", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 1, PARLEY_TYPE_TRANSFER);
}

static void
parley_downloads_init (ParleyDownloads *self)
{
  self->transfers = g_ptr_array_new_with_free_func (g_object_unref);
  self->limit = USUAL_LIMIT;
  self->space_ms = SPACE_MS;
}

static void
on_network_changed (GNetworkMonitor *monitor, gboolean available, ParleyDownloads *self)
{
  for (guint i = 0; available && i < self->transfers->len; i++)
    _parley_transfer_hurry (self->transfers->pdata[i]);
}

static void schedule (ParleyDownloads *self);

gboolean
parley_downloads_is_held (ParleyDownloads *self)
{
  return self->metered && !self->allow_metered;
}

static void
hold_or_go (ParleyDownloads *self)
{
  for (guint i = 0; parley_downloads_is_held (self) && i < self->transfers->len; i++)
    _parley_transfer_hold (self->transfers->pdata[i],
                           _ ("This connection may be paid by the byte, so the download waits for "
                              "another one. Allow metered connections in the preferences to go "
                              "on"));
  schedule (self);
}

void
_parley_downloads_set_metered (ParleyDownloads *self, gboolean metered)
{
  if (self->metered == metered)
    return;
  self->metered = metered;
  hold_or_go (self);
}

static void
on_metered (GNetworkMonitor *monitor, GParamSpec *spec, ParleyDownloads *self)
{
  _parley_downloads_set_metered (self, g_network_monitor_get_network_metered (monitor));
}

void
parley_downloads_set_allow_metered (ParleyDownloads *self, gboolean allow)
{
  self->allow_metered = allow;
  hold_or_go (self);
}

void
parley_downloads_set_limit (ParleyDownloads *self, guint limit)
{
  self->limit = CLAMP (limit, 1, MAX_LIMIT);
  schedule (self);
}

ParleyDownloads *
parley_downloads_new (ParleyHub *hub, const char *models_dir)
{
  ParleyDownloads *self = g_object_new (PARLEY_TYPE_DOWNLOADS, NULL);
  self->hub = g_object_ref (hub);
  self->models_dir = g_canonicalize_filename (models_dir ? models_dir : parley_models_dir (), NULL);
  self->monitor = g_network_monitor_get_default ();
  g_signal_connect (self->monitor, "network-changed", G_CALLBACK (on_network_changed), self);
  g_signal_connect (self->monitor, "notify::network-metered", G_CALLBACK (on_metered), self);
  self->metered = g_network_monitor_get_network_metered (self->monitor);
  return self;
}

ParleyHub *
parley_downloads_get_hub (ParleyDownloads *self)
{
  return self->hub;
}

const char *
parley_downloads_get_endpoint (ParleyDownloads *self)
{
  return parley_hub_get_endpoint (self->hub);
}

void
parley_downloads_set_recorder (ParleyDownloads *self, ParleyDownloadsRecorder recorder,
                               gpointer data, GDestroyNotify destroy)
{
  g_return_if_fail (self->transfers->len == 0);
  if (self->recorder_destroy)
    self->recorder_destroy (self->recorder_data);
  self->recorder = recorder;
  self->recorder_data = data;
  self->recorder_destroy = destroy;
}

static gboolean
look_for_wishes (gpointer data)
{
  ParleyDownloads *self = data;
  guint running = 0;
  for (guint i = 0; i < self->transfers->len && !self->stopped; i++) {
    running += _parley_transfer_has_thread (self->transfers->pdata[i]);
    _parley_transfer_fulfil_wish (self->transfers->pdata[i]);
  }
  if (running == 0)
    stop_timer (&self->wishes);
  return running > 0;
}

/* Starts queued transfers in their order as long as there is room. */
static void
schedule (ParleyDownloads *self)
{
  guint running = 0;
  gboolean may_run = !self->stopped && !parley_downloads_is_held (self);
  for (guint i = 0; i < self->transfers->len; i++)
    running += _parley_transfer_has_thread (self->transfers->pdata[i]);
  for (guint i = 0; i < self->transfers->len && running < self->limit && may_run; i++) {
    ParleyTransfer *transfer = self->transfers->pdata[i];
    if (parley_transfer_get_state (transfer) != PARLEY_TRANSFER_QUEUED ||
        _parley_transfer_has_thread (transfer))
      continue;
    running++;
    _parley_transfer_start (transfer, self->recorder, self->recorder_data);
    start_timer (self, &self->wishes, WISH_MS, look_for_wishes);
  }
}

static gboolean
waits_for_space (ParleyTransfer *transfer)
{
  return parley_transfer_get_state (transfer) == PARLEY_TRANSFER_PAUSED &&
         g_error_matches (parley_transfer_get_error (transfer), PARLEY_HUB_ERROR,
                          PARLEY_HUB_ERROR_SPACE);
}

static gboolean
look_for_space (gpointer data)
{
  ParleyDownloads *self = data;
  guint n_waiting = 0;
  for (guint i = 0; i < self->transfers->len && !self->stopped; i++) {
    ParleyTransfer *transfer = self->transfers->pdata[i];
    if (!waits_for_space (transfer))
      continue;
    guint64 missing =
        parley_transfer_get_bytes_total (transfer) - parley_transfer_get_bytes_done (transfer);
    if (parley_disk_check_space (self->models_dir, missing, NULL))
      parley_transfer_resume (transfer);
    else
      n_waiting++;
  }
  if (n_waiting == 0)
    stop_timer (&self->space);
  return n_waiting > 0;
}

void
_parley_downloads_set_space_poll (ParleyDownloads *self, guint ms)
{
  self->space_ms = ms;
}

static void
on_state (ParleyTransfer *transfer, GParamSpec *spec, ParleyDownloads *self)
{
  g_autoptr (ParleyDownloads) alive = g_object_ref (self);
  if (parley_transfer_get_state (transfer) == PARLEY_TRANSFER_DONE)
    g_signal_emit (self, signals[SIGNAL_FINISHED], 0, transfer);
  if (waits_for_space (transfer) && !self->stopped)
    start_timer (self, &self->space, self->space_ms, look_for_space);
  schedule (self);
}

/* Takes `job`. */
static ParleyTransfer *
list_job (ParleyDownloads *self, ParleyJob *job)
{
  ParleyTransfer *transfer = _parley_transfer_new (job);
  g_signal_connect (transfer, "notify::state", G_CALLBACK (on_state), self);
  g_ptr_array_add (self->transfers, transfer);
  g_list_model_items_changed (G_LIST_MODEL (self), self->transfers->len - 1, 0, 1);
  return transfer;
}

/* The listed transfer of the same bytes that is not done or cancelled, or NULL. */
static ParleyTransfer *
find_listed (ParleyDownloads *self, const ParleySidecar *wanted)
{
  for (guint i = 0; i < self->transfers->len; i++) {
    ParleyTransfer *transfer = self->transfers->pdata[i];
    ParleyTransferState state = parley_transfer_get_state (transfer);
    if (state != PARLEY_TRANSFER_DONE && state != PARLEY_TRANSFER_CANCELLED &&
        parley_sidecar_equal (parley_job_get_sidecar (_parley_transfer_get_job (transfer)), wanted))
      return transfer;
  }
  return NULL;
}

ParleyTransfer *
parley_downloads_find (ParleyDownloads *self, ParleyHubFile *file)
{
  g_autoptr (ParleySidecar) wanted =
      parley_sidecar_new (parley_hub_get_endpoint (self->hub), file, NULL);
  return wanted ? find_listed (self, wanted) : NULL;
}

/* The description that an earlier run left at the file's place, when it is of the same bytes;
 * *taken: it is of others. */
static ParleySidecar *
find_left (ParleyDownloads *self, const ParleySidecar *wanted, gboolean apart, gboolean *taken)
{
  g_autofree char *place = parley_job_place (self->models_dir, wanted, apart, 0);
  g_autofree char *path = g_strconcat (place, ".part.json", NULL);
  g_autoptr (ParleySidecar) left = parley_sidecar_read (path, NULL);
  *taken = left && !parley_sidecar_equal (left, wanted);
  return left && !*taken ? g_steal_pointer (&left) : NULL;
}

ParleyTransfer *
parley_downloads_add (ParleyDownloads *self, ParleyHubFile *file, GError **error)
{
  g_autoptr (ParleySidecar) wanted =
      parley_sidecar_new (parley_hub_get_endpoint (self->hub), file, error);
  if (!wanted)
    return NULL;
  ParleyTransfer *listed = find_listed (self, wanted);
  if (listed) {
    parley_transfer_resume (listed);
    return listed;
  }
  gboolean taken, apart = FALSE;
  ParleySidecar *left = find_left (self, wanted, FALSE, &taken);
  if (!left) {
    gboolean taken_apart;
    left = find_left (self, wanted, TRUE, &taken_apart);
    apart = left || taken;
  }
  ParleyJob *job =
      parley_job_new (self->hub, self->models_dir, left ? left : g_steal_pointer (&wanted), apart);
  gboolean saved = left ? parley_job_set_paused (job, FALSE, error) : parley_job_save (job, error);
  if (!saved) {
    parley_job_free (job);
    return NULL;
  }
  ParleyTransfer *transfer = list_job (self, job);
  schedule (self);
  return transfer;
}

/* ---- earlier runs ---- */

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;
  return (x > y) - (x < y);
}

static int
compare_added (gconstpointer a, gconstpointer b)
{
  gint64 x = parley_job_get_sidecar (*(ParleyJob **) a)->added;
  gint64 y = parley_job_get_sidecar (*(ParleyJob **) b)->added;
  return (x > y) - (x < y);
}

/* A description counts only where its own words put it. */
static void
restore_one (ParleyDownloads *self, const char *path, GPtrArray *jobs)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleySidecar) sidecar = parley_sidecar_read (path, &error);
  if (!sidecar) {
    g_debug ("not restored: %s", error->message);
    return;
  }
  if (find_listed (self, sidecar))
    return;
  for (int apart = 0; apart < 2; apart++) {
    g_autofree char *place = parley_job_place (self->models_dir, sidecar, apart, 0);
    gsize n = strlen (place);
    if (strncmp (place, path, n) == 0 && strcmp (path + n, ".part.json") == 0) {
      ParleyJob *job =
          parley_job_new (self->hub, self->models_dir, g_steal_pointer (&sidecar), apart);
      if (parley_job_settle_wish (job))
        g_ptr_array_add (jobs, job);
      else
        parley_job_free (job);
      return;
    }
  }
}

static void
search_folder (ParleyDownloads *self, const char *folder, guint depth, GPtrArray *jobs)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir && jobs->len < MAX_RESTORED && (name = g_dir_read_name (dir));) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (g_str_has_suffix (name, ".part.json"))
      restore_one (self, path, jobs);
    else if (depth < MAX_DEPTH && g_file_test (path, G_FILE_TEST_IS_DIR) &&
             !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
      search_folder (self, path, depth + 1, jobs);
  }
}

void
parley_downloads_restore (ParleyDownloads *self)
{
  g_autoptr (GPtrArray) jobs = g_ptr_array_new ();
  search_folder (self, self->models_dir, 0, jobs);
  g_ptr_array_sort (jobs, compare_added);
  for (guint i = 0; i < jobs->len; i++)
    list_job (self, jobs->pdata[i]);
  schedule (self);
}

static int
compare_listed (gconstpointer a, gconstpointer b)
{
  ParleyJob *x = _parley_transfer_get_job (*(ParleyTransfer **) a);
  ParleyJob *y = _parley_transfer_get_job (*(ParleyTransfer **) b);
  return compare_added (&x, &y);
}

void
_parley_downloads_look_around (ParleyDownloads *self)
{
  gboolean moved = FALSE;
  guint n = self->transfers->len;
  for (guint i = 0; i < n && i < self->transfers->len; i++)
    moved |= _parley_transfer_look_again (self->transfers->pdata[i]);
  if (moved) {
    g_ptr_array_sort (self->transfers, compare_listed);
    g_list_model_items_changed (G_LIST_MODEL (self), 0, self->transfers->len, self->transfers->len);
  }
  parley_downloads_restore (self);
}

static gboolean
look_around (gpointer data)
{
  ParleyDownloads *self = data;
  if (!self->stopped)
    _parley_downloads_look_around (self);
  return G_SOURCE_CONTINUE;
}

void
parley_downloads_watch (ParleyDownloads *self)
{
  start_timer (self, &self->watch, WATCH_MS, look_around);
}

static gint64
time_of (ParleyDownloads *self, guint i)
{
  return parley_job_get_sidecar (_parley_transfer_get_job (self->transfers->pdata[i]))->added;
}

static gboolean
is_writable (ParleyTransfer *transfer) /* a running job writes its description itself */
{
  return !_parley_transfer_has_thread (transfer) &&
         parley_transfer_get_state (transfer) != PARLEY_TRANSFER_DONE &&
         parley_transfer_get_state (transfer) != PARLEY_TRANSFER_CANCELLED;
}

/* Times of adding are the order that a restart and other programs find: the moved one gets one
 * between its neighbours. FALSE: there is none. */
static gboolean
put_between (ParleyDownloads *self, guint position)
{
  gint64 before = position > 0 ? time_of (self, position - 1) : G_MININT64;
  gint64 after = position + 1 < self->transfers->len ? time_of (self, position + 1) : G_MAXINT64;
  gint64 between = position == 0                          ? after - 1
                   : position + 1 == self->transfers->len ? before + 1
                                                          : before + (after - before) / 2;
  if (before >= between || between >= after)
    return FALSE;
  parley_job_set_added (_parley_transfer_get_job (self->transfers->pdata[position]), between);
  return TRUE;
}

/* The times of the whole list in its order. */
static void
deal_times (ParleyDownloads *self)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (guint i = 0; i < self->transfers->len; i++) {
    gint64 added = time_of (self, i);
    g_array_append_val (times, added);
  }
  g_array_sort (times, compare_times);
  for (guint i = 0; i < times->len; i++)
    if (is_writable (self->transfers->pdata[i]))
      parley_job_set_added (_parley_transfer_get_job (self->transfers->pdata[i]),
                            g_array_index (times, gint64, i));
}

void
parley_downloads_move (ParleyDownloads *self, ParleyTransfer *transfer, guint position)
{
  guint from;
  if (!g_ptr_array_find (self->transfers, transfer, &from))
    return;
  position = MIN (position, self->transfers->len);
  if (position > from)
    position--;
  if (position == from)
    return;
  g_ptr_array_insert (self->transfers, (int) position,
                      g_ptr_array_steal_index (self->transfers, from));
  if (!is_writable (transfer) || !put_between (self, position))
    deal_times (self);
  guint first = MIN (from, position), n = MAX (from, position) - first + 1;
  g_list_model_items_changed (G_LIST_MODEL (self), first, n, n);
  schedule (self);
}

void
parley_downloads_remove_finished (ParleyDownloads *self)
{
  for (guint i = self->transfers->len; i-- > 0;) {
    ParleyTransferState state = parley_transfer_get_state (self->transfers->pdata[i]);
    if (state != PARLEY_TRANSFER_DONE && state != PARLEY_TRANSFER_CANCELLED)
      continue;
    g_signal_handlers_disconnect_by_data (self->transfers->pdata[i], self);
    g_ptr_array_remove_index (self->transfers, i);
    g_list_model_items_changed (G_LIST_MODEL (self), i, 1, 0);
  }
}

void
parley_downloads_stop (ParleyDownloads *self)
{
  self->stopped = TRUE;
  stop_timer (&self->space);
  stop_timer (&self->watch);
  stop_timer (&self->wishes);
  for (guint i = 0; i < self->transfers->len; i++)
    _parley_transfer_stop (self->transfers->pdata[i]);
}
