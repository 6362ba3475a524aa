/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-memory-bars.h"

#include "app/load/parley-memory-bar.h"
#include "app/widgets/parley-widgets.h"
#include "worker/parley-worker-client.h"

#include <glib/gi18n.h>

struct _ParleyMemoryBars {
  GtkBox parent;
  GHashTable *others; /* device -> guint64: bytes of other programs, as last measured */
  guint64 gpu_bytes;
};

G_DEFINE_FINAL_TYPE (ParleyMemoryBars, parley_memory_bars, GTK_TYPE_BOX)

guint64
parley_memory_bars_get_gpu_bytes (ParleyMemoryBars *self)
{
  return self->gpu_bytes;
}

/* Returns the sum. */
static guint64
sort (const guint64 parts[PE_MEMORY_KIND_COUNT], ParleyMemoryUse *use)
{
  for (guint kind = 0; kind < PE_MEMORY_KIND_COUNT; kind++) {
    if (kind == PE_MEMORY_WEIGHTS)
      use->weights += parts[kind];
    else if (kind == PE_MEMORY_KV || kind == PE_MEMORY_STATE)
      use->kv += parts[kind];
    else
      use->work += parts[kind];
  }
  return use->weights + use->kv + use->work;
}

/* The bar of the next device; the one after it follows. */
static void
show (ParleyMemoryBars *self, GtkWidget **bar, enum pe_device_kind kind, const char *name,
      const ParleyMemoryUse *use)
{
  if (*bar == NULL) {
    *bar = parley_memory_bar_new ();
    gtk_box_append (GTK_BOX (self), *bar);
  }
  parley_memory_bar_set (PARLEY_MEMORY_BAR (*bar), kind == PE_DEVICE_CPU ? _ ("Main memory") : name,
                         use);
  if (kind != PE_DEVICE_CPU)
    self->gpu_bytes += use->weights + use->kv + use->work;
  *bar = gtk_widget_get_next_sibling (*bar);
}

static void
remove_from (ParleyMemoryBars *self, GtkWidget *bar)
{
  while (bar != NULL) {
    GtkWidget *next = gtk_widget_get_next_sibling (bar);
    gtk_box_remove (GTK_BOX (self), bar);
    bar = next;
  }
}

static void
use_of (const ParleyDeviceMemory *device, ParleyMemoryUse *use)
{
  *use = (ParleyMemoryUse){ .total = device->total };
  guint64 ours = sort (device->planned, use);
  /* What the system calls taken holds our own memory, except for the file's mapping. */
  guint64 taken = device->total - MIN (device->available, device->total);
  guint64 counted = ours - MIN (device->mapped, ours);
  use->others = taken > counted ? taken - counted : 0;
  if (ours + use->others > device->total && ours <= device->total)
    use->others = device->total - ours; /* page cache gives way */
}

void
parley_memory_bars_set_live (ParleyMemoryBars *self, GArray *devices)
{
  GtkWidget *bar = gtk_widget_get_first_child (GTK_WIDGET (self));

  self->gpu_bytes = 0;
  for (guint i = devices->len; i-- > 0;) { /* the GPU first: the slider is about it */
    const ParleyDeviceMemory *device = &g_array_index (devices, ParleyDeviceMemory, i);
    ParleyMemoryUse use;
    use_of (device, &use);
    g_hash_table_replace (self->others, g_strdup (device->id),
                          g_memdup2 (&use.others, sizeof use.others));
    show (self, &bar, device->kind, device->name, &use);
  }
  remove_from (self, bar);
}

void
parley_memory_bars_set_forecast (ParleyMemoryBars *self, ParleyFit *fit)
{
  GtkWidget *bar = gtk_widget_get_first_child (GTK_WIDGET (self));

  self->gpu_bytes = 0;
  for (gsize i = parley_fit_get_n_devices (fit); i-- > 0;) {
    const ParleyFitDevice *device = parley_fit_get_device (fit, i);
    const guint64 *others = g_hash_table_lookup (self->others, device->info.id);
    ParleyMemoryUse use = { .total = device->info.memory_total };
    sort (device->parts, &use);
    use.others =
        others != NULL ? *others : use.total - MIN (device->info.memory_available, use.total);
    show (self, &bar, device->info.kind, device->info.name, &use);
  }
  remove_from (self, bar);
}

void
parley_memory_bars_clear (ParleyMemoryBars *self)
{
  g_hash_table_remove_all (self->others);
  self->gpu_bytes = 0;
  parley_box_clear (GTK_WIDGET (self));
}

static void
finalize (GObject *object)
{
  g_hash_table_unref (PARLEY_MEMORY_BARS (object)->others);
  G_OBJECT_CLASS (parley_memory_bars_parent_class)->finalize (object);
}

static void
parley_memory_bars_class_init (ParleyMemoryBarsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;
}

static void
parley_memory_bars_init (ParleyMemoryBars *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 14);
  self->others = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

GtkWidget *
parley_memory_bars_new (void)
{
  return g_object_new (PARLEY_TYPE_MEMORY_BARS, NULL);
}
