/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-chat-menu.h"

#include <glib/gi18n.h>

static void
append (GMenu *menu, const char *label, const char *action, gint64 chat)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target (item, action, "x", chat);
  g_menu_append_item (menu, item);
}

static void
append_section (GMenu *menu, GMenu *section)
{
  if (g_menu_model_get_n_items (G_MENU_MODEL (section)) > 0)
    g_menu_append_section (menu, NULL, G_MENU_MODEL (section));
  g_object_unref (section);
}

GMenuModel *
parley_chat_menu_new (ParleyChat *chat, gboolean open)
{
  GMenu *menu = g_menu_new ();

  if (chat == NULL)
    return G_MENU_MODEL (menu);
  gint64 id = parley_chat_get_id (chat);
  gboolean temporary = parley_chat_is_temporary (chat);
  GMenu *here = g_menu_new (), *order = g_menu_new (), *files = g_menu_new (), *end = g_menu_new ();

  if (open) {
    g_menu_append (here, _ ("Chat _Settings"), "win.chat-settings");
    g_menu_append (here, _ ("_Attach Files…"), "win.attach");
  }
  if (!temporary) {
    append (order, parley_chat_get_pinned (chat) ? _ ("Un_pin") : _ ("_Pin"), "win.pin-chat", id);
    append (order, _ ("_Rename…"), "win.rename-chat", id);
    append (order, _ ("_Move to Folder…"), "win.move-chat", id);
    append (order, _ ("_Duplicate"), "win.duplicate-chat", id);
    append (end, _ ("D_elete"), "win.delete-chat", id);
  }
  append (files, _ ("Export as _Text…"), "win.export-markdown", temporary ? 0 : id);
  append (files, _ ("Export as _Data…"), "win.export-json", temporary ? 0 : id);
  append_section (menu, here);
  append_section (menu, order);
  append_section (menu, files);
  append_section (menu, end);
  return G_MENU_MODEL (menu);
}
