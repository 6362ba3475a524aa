/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/chats-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "store/chats-folder-private.h"
#include "store/presence.h"
#include "store/schema.h"

#define MAX_CHOICE_BYTES 16384

/* ---- what was chosen ---- */

/* A line with the folder and, after a move, one with the folder of before. */
static char *
choice_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "parley", "chats-folder", NULL);
}

void
_parley_folder_choice_clear (ParleyFolderChoice *choice)
{
  g_free (choice->folder);
  g_free (choice->left);
}

/* FALSE: there is a file and it names no folder. */
static gboolean
read_choice (ParleyFolderChoice *choice)
{
  g_autofree char *path = choice_path (), *text = NULL;
  g_autoptr (GError) failure = NULL;
  gsize n;

  *choice = (ParleyFolderChoice){ 0 };
  if (!g_file_get_contents (path, &text, &n, &failure))
    return g_error_matches (failure, G_FILE_ERROR, G_FILE_ERROR_NOENT) ||
           g_error_matches (failure, G_FILE_ERROR, G_FILE_ERROR_NOTDIR);
  if (n > MAX_CHOICE_BYTES || strlen (text) != n)
    return FALSE;
  g_auto (GStrv) lines = g_strsplit (text, "\n", 3);
  if (!lines[0] || !g_path_is_absolute (lines[0]))
    return FALSE;
  choice->folder = g_strdup (lines[0]);
  if (lines[1] && g_path_is_absolute (lines[1]))
    choice->left = g_strdup (lines[1]);
  return TRUE;
}

/* A rename is on the disk with its folder. */
gboolean
_parley_folder_sync (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  gboolean ok = fd >= 0 && fsync (fd) == 0;

  if (!ok)
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_FAILED,
                 _ ("“%s” cannot be written: %s."), path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return ok;
}

gboolean
_parley_folder_choose (const char *folder, const char *left, GError **error)
{
  g_autofree char *path = choice_path (), *parent = g_path_get_dirname (path);
  g_autofree char *usual = parley_chats_folder_dup_usual ();
  g_autofree char *text = g_strconcat (folder, "\n", left ? left : "", left ? "\n" : NULL, NULL);

  if (!left && strcmp (folder, usual) == 0) {
    if (g_unlink (path) != 0 && errno != ENOENT) {
      g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_FAILED,
                   _ ("“%s” cannot be written: %s."), path, g_strerror (errno));
      return FALSE;
    }
    return access (parent, F_OK) != 0 || _parley_folder_sync (parent, error);
  }
  if (g_mkdir_with_parents (parent, 0700) != 0) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_FAILED,
                 _ ("The folder “%s” cannot be made: %s."), parent, g_strerror (errno));
    return FALSE;
  }
  return g_file_set_contents_full (path, text, -1,
                                   G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                   0600, error) &&
         _parley_folder_sync (parent, error);
}

/* ---- where it is ---- */

char *
parley_chats_folder_dup_usual (void)
{
  return g_build_filename (g_get_user_data_dir (), "parley", NULL);
}

gboolean
parley_chats_folder_is_given (void)
{
  const char *given = g_getenv ("PARLEY_DATA_DIR");
  return given && *given;
}

gboolean
parley_chats_folder_is_chosen (void)
{
  g_auto (ParleyFolderChoice) choice = { 0 };
  return !parley_chats_folder_is_given () && (!read_choice (&choice) || choice.folder);
}

char *
parley_chats_folder_find (gboolean *chosen, GError **error)
{
  g_auto (ParleyFolderChoice) choice = { 0 };

  if (chosen)
    *chosen = FALSE;
  if (parley_chats_folder_is_given ())
    return g_canonicalize_filename (g_getenv ("PARLEY_DATA_DIR"), NULL);
  if (!read_choice (&choice)) {
    g_autofree char *path = choice_path ();
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_AWAY,
                 _ ("“%s” should say in which folder your chats are, and cannot be understood."),
                 path);
    return NULL;
  }
  if (!choice.folder)
    return parley_chats_folder_dup_usual ();
  if (chosen)
    *chosen = TRUE;
  return g_steal_pointer (&choice.folder);
}

char *
parley_store_default_folder (void)
{
  char *folder = parley_chats_folder_find (NULL, NULL);
  return folder ? folder : parley_chats_folder_dup_usual ();
}

char *
parley_chats_folder_dup_left (void)
{
  g_auto (ParleyFolderChoice) choice = { 0 };
  return !parley_chats_folder_is_given () && read_choice (&choice) ? g_steal_pointer (&choice.left)
                                                                   : NULL;
}

/* ---- looking ---- */

static gboolean
refuse (GError **error, const char *folder, const char *why)
{
  g_autofree char *shown = g_filename_display_name (folder);
  g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID,
               _ ("Chats cannot be kept in “%s”: %s"), shown, why);
  return FALSE;
}

/* Another process of another computer could have it open, and locks would not tell. */
static gboolean
is_remote (const char *folder)
{
  g_autoptr (GFile) file = g_file_new_for_path (folder);
  g_autoptr (GFileInfo) info = g_file_query_filesystem_info (
      file, G_FILE_ATTRIBUTE_FILESYSTEM_REMOTE "," G_FILE_ATTRIBUTE_FILESYSTEM_TYPE, NULL, NULL);

  return !g_file_is_native (file) ||
         (info && g_file_info_get_attribute_boolean (info, G_FILE_ATTRIBUTE_FILESYSTEM_REMOTE));
}

/* By the document portal, to a program in a sandbox. */
static gboolean
is_handed_in (const char *folder)
{
  g_autofree char *documents = g_build_filename (g_get_user_runtime_dir (), "doc", "", NULL);
  return g_str_has_prefix (folder, documents);
}

/* A log that belongs to no database would become part of one that is put beside it. */
static gboolean
has_remains (const char *folder)
{
  static const char *const names[] = { "parley.db-wal", "parley.db-journal" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (folder, names[i], NULL);
    if (access (path, F_OK) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Does there, in a folder of its own, what a store does. */
static gboolean
try_out (const char *folder, GError **error)
{
  g_autofree char *inner = g_build_filename (folder, ".parley-XXXXXX", NULL);

  if (!g_mkdtemp_full (inner, 0700))
    return refuse (error, folder, _ ("it cannot be written to."));
  g_autoptr (GError) failure = NULL;
  /* On this thread, and nothing of it reaches the main loop. */
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autoptr (ParleyStore) store = parley_store_open (inner, &failure);
  gboolean ok = store && !parley_store_get_read_only (store);
  if (ok) {
    parley_store_set_setting (store, "try", "1");
    ok = parley_store_flush (store, &failure) && parley_store_close (store, &failure);
  }
  g_clear_object (&store);
  _parley_folder_delete_database (inner, NULL);
  g_rmdir (inner);
  if (!ok)
    refuse (error, folder, failure ? failure->message : _ ("it cannot be written to."));
  return ok;
}

static gboolean
read_look (const char *path, ParleyChatsFolderLook *look, GError **error)
{
  g_autoptr (sqlite3) db = parley_sql_open (path, PARLEY_SQL_READ, error);
  ParleySchemaAge age;
  gint64 version, n, newest;

  if (!db || !parley_schema_look (db, parley_schema_n_steps, &age, &version, error))
    return FALSE;
  if (age == PARLEY_SCHEMA_NEWER) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_READ_ONLY,
                 _ ("The chats in “%s” were last used by a newer Parley. Update this one first."),
                 path);
    return FALSE;
  }
  if (!parley_sql_number (db, 0, &n, error, "SELECT count (*) FROM chat WHERE deleted_at = 0",
                          "") ||
      !parley_sql_number (db, 0, &newest, error,
                          "SELECT max (updated_at) FROM chat WHERE deleted_at = 0", ""))
    return FALSE;
  *look = (ParleyChatsFolderLook){ TRUE, (guint) n, newest };
  return TRUE;
}

gboolean
parley_chats_folder_look (const char *folder, ParleyChatsFolderLook *look, GError **error)
{
  g_return_val_if_fail (folder != NULL && look != NULL, FALSE);
  g_autofree char *path = g_build_filename (folder, "parley.db", NULL);

  *look = (ParleyChatsFolderLook){ 0 };
  if (!g_path_is_absolute (folder) || strchr (folder, '\n'))
    return refuse (error, folder, _ ("it has a name that cannot be written down."));
  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    return refuse (error, folder, _ ("it is no folder."));
  if (is_remote (folder))
    return refuse (error, folder, _ ("it is on another computer, where a database is not safe."));
  if (is_handed_in (folder))
    return refuse (
        error, folder,
        _ ("the desktop hands it in for a while only. Help, Files and Back-up, says how Parley can "
           "have a folder of its own."));
  if (!try_out (folder, error))
    return FALSE;
  if (access (path, F_OK) == 0)
    return read_look (path, look, error);
  return !has_remains (folder) ||
         refuse (error, folder, _ ("remains of another database are there."));
}

/* ---- other folders ---- */

gboolean
parley_chats_folder_use (const char *folder, GError **error)
{
  g_return_val_if_fail (folder != NULL, FALSE);
  g_auto (ParleyFolderChoice) choice = { 0 };
  ParleyChatsFolderLook look;

  if (!parley_chats_folder_look (folder, &look, error))
    return FALSE;
  if (!look.has_chats)
    return refuse (error, folder, _ ("there are none."));
  g_autoptr (ParleyStore) store = parley_store_open (folder, error);
  if (!store || !parley_store_close (store, error))
    return FALSE;
  read_choice (&choice);
  gboolean still_left = choice.left && strcmp (choice.left, folder) != 0;
  return _parley_folder_choose (folder, still_left ? choice.left : NULL, error);
}

gboolean
parley_chats_folder_use_usual (GError **error)
{
  g_autofree char *usual = parley_chats_folder_dup_usual ();
  return _parley_folder_choose (usual, NULL, error);
}

/* The log first: what is left of a database without it is whole, and a log without a database is
 * dangerous to the next one. */
gboolean
_parley_folder_delete_database (const char *folder, GError **error)
{
  static const char *const names[] = { "parley.db-wal", "parley.db-shm", "parley.db-journal",
                                       "parley.db", "parley.db.open" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (folder, names[i], NULL);
    if (g_unlink (path) != 0 && errno != ENOENT) {
      g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_FAILED,
                   _ ("“%s” cannot be deleted: %s."), path, g_strerror (errno));
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
is_same_file (const char *a, const char *b)
{
  GStatBuf first, second;
  return g_stat (a, &first) == 0 && g_stat (b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

gboolean
parley_chats_folder_settle (gboolean delete, GError **error)
{
  g_auto (ParleyFolderChoice) choice = { 0 };

  if (!read_choice (&choice) || !choice.left)
    return TRUE;
  g_autofree char *now = g_build_filename (choice.folder, "parley.db", NULL);
  g_autofree char *old = g_build_filename (choice.left, "parley.db", NULL);
  if (access (old, F_OK) == 0 && !is_same_file (now, old)) {
    int presence = parley_presence_open (old, error);
    gboolean ok = presence >= 0 && parley_presence_claim (presence, error);
    if (ok && delete)
      ok = _parley_folder_delete_database (choice.left, error);
    else if (ok) {
      g_autofree char *aside = parley_store_set_aside (choice.left, "moved", error);
      ok = aside != NULL;
    }
    if (presence >= 0)
      close (presence);
    if (!ok)
      return FALSE;
  }
  return _parley_folder_choose (choice.folder, NULL, error);
}
