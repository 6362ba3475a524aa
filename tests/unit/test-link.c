/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Addresses that models write: which may be opened, and that none hides where it leads.
 */
#include "app/text/parley-link.h"
#include "tests/harness.h"

static void
only_web_and_mail_are_opened (void)
{
  static const char *const safe[] = { "https://example.org", "HTTP://example.org/a?b=c#d",
                                      "https://example.org:8080/x@y", "https://[::1]:80/",
                                      "MAILTO:someone@example.org", "https://münchen.example/ä" };
  static const char *const unsafe[] = { "file:///etc/passwd",
                                        "javascript:alert(1)",
                                        "JaVaScRiPt://example.org/%0aalert(1)",
                                        "data:text/html,x",
                                        "vbscript:x",
                                        "smb://example.org/x",
                                        "parley:open",
                                        "https:example.org",
                                        "//example.org",
                                        "/relative",
                                        "#place",
                                        "",
                                        "https://",
                                        "https:///etc/passwd",
                                        "https://?x",
                                        "https://example.org/\nx",
                                        " https://example.org",
                                        "https://exa mple.org",
                                        "https://example.org/\x7f",
                                        "https://example.org/\xff" };

  for (gsize i = 0; i < G_N_ELEMENTS (safe); i++)
    CHECK_MSG (parley_link_is_safe (safe[i]), "%s", safe[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (unsafe); i++)
    CHECK_MSG (!parley_link_is_safe (unsafe[i]), "%s", unsafe[i]);
  CHECK (!parley_link_is_safe (NULL));
  g_autofree char *path = g_strnfill (5000, 'x');
  g_autofree char *longer = g_strconcat ("https://example.org/", path, NULL);
  CHECK (!parley_link_is_safe (longer));
}

static void
a_name_before_the_host_is_not_opened (void)
{
  CHECK (!parley_link_is_safe ("https://bank.example@evil.example/login"));
  CHECK (!parley_link_is_safe ("https://bank.example:443@evil.example"));
  CHECK (!parley_link_is_safe ("http://a@b@evil.example/"));
  CHECK (parley_link_is_safe ("https://example.org/@someone"));
}

static void
check_host (const char *target, const char *expected)
{
  g_autofree char *host = parley_link_get_host (target);
  CHECK_STR (host != NULL ? host : "none", expected);
}

static void
hosts_are_told_in_ascii (void)
{
  check_host ("https://example.org/a:b@c", "example.org");
  check_host ("https://example.org:8443", "example.org");
  check_host ("https://bank.example@evil.example/login", "evil.example");
  check_host ("https://evil.example\\@bank.example/", "evil.example");
  check_host ("https://[2001:db8::1]:80/x", "[2001:db8::1]");
  check_host ("mailto:someone@example.org?subject=a@b", "example.org");
  check_host ("https://\u0430pple.example/", "xn--pple-43d.example"); /* a Cyrillic а */
  check_host ("file:///etc/passwd", "none");
  check_host ("javascript:alert(1)", "none");
  check_host ("https:///x", "none");
}

static void
check_shown (const char *target, const char *expected)
{
  g_autofree char *shown = parley_link_for_display (target);
  CHECK_STR (shown, expected);
}

static void
nothing_hides_in_what_is_shown (void)
{
  check_shown ("https://example.org/a", "https://example.org/a");
  check_shown ("https://example.org/ä", "https://example.org/ä");
  check_shown ("https://example.org/\u202egpj.exe", "https://example.org/%E2%80%AEgpj.exe");
  check_shown ("https://example.org/\u200b\u2066x", "https://example.org/%E2%80%8B%E2%81%A6x");
  check_shown ("https://example.org/\u3164x", "https://example.org/%E3%85%A4x");
  check_shown ("https://a\u0430.example/\u202e", "https://xn--a-8sb.example/%E2%80%AE");
  check_shown ("file:///etc/\npasswd", "file:///etc/%0Apasswd");
  check_shown ("javascript:alert(1)", "javascript:alert(1)");
}

int
main (void)
{
  RUN (only_web_and_mail_are_opened);
  RUN (a_name_before_the_host_is_not_opened);
  RUN (hosts_are_told_in_ascii);
  RUN (nothing_hides_in_what_is_shown);
  return test_done ();
}
