/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sources: the kernel's Documentation/userspace-api/landlock.rst and seccomp_filter.rst.
 */
#include "worker/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Landlock ---- */

/* Newer than the headers of Debian 12. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#define ACCESS_NET_BIND_TCP        (1ULL << 0)
#define ACCESS_NET_CONNECT_TCP     (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL               (1ULL << 1)

/* struct landlock_ruleset_attr as of ABI 6; older kernels take a shorter one. */
struct ruleset_attr {
  uint64_t handled_access_fs;
  uint64_t handled_access_net;
  uint64_t scoped;
};

#define ACCESS_FILE                                                                                \
  (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |     \
   LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV)
#define ACCESS_READ                                                                                \
  (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_DEVICE                                                                              \
  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |    \
   LANDLOCK_ACCESS_FS_IOCTL_DEV)

/* Libraries, driver descriptions and what drivers ask the kernel; nobody's home is among them. */
static const char *const readable[] = {
  "/usr",
  "/lib",
  "/lib32",
  "/lib64",
  "/etc",
  "/opt",
  "/app",                /* Flatpak */
  "/nix/store",          /* NixOS */
  "/gnu/store",          /* Guix */
  "/run/opengl-driver",  /* NixOS */
  "/run/current-system", /* NixOS, Guix */
  "/sys",
  "/proc/self",
  "/proc/cpuinfo",
  "/proc/meminfo",
  "/proc/stat",
  "/proc/version",
  "/proc/devices",
  "/proc/modules",
  "/proc/driver",
  "/proc/sys",
  "/dev/urandom",
  "/dev/random",
  "/dev/zero",
};

static const char *const device_folders[] = { "/dev/dri", "/dev/dma_heap", "/dev/nvidia-caps" };
static const char *const device_prefixes[] = { "nvidia", "kfd", "udmabuf", "mali", "null", "dxg" };

static void
allow (int ruleset, uint64_t handled, const char *path, uint64_t access)
{
  struct landlock_path_beneath_attr rule = { .parent_fd = open (path, O_PATH | O_CLOEXEC) };
  struct stat status;
  if (rule.parent_fd < 0)
    return;
  if (fstat (rule.parent_fd, &status) == 0) {
    rule.allowed_access = access & handled & (S_ISDIR (status.st_mode) ? ~0ULL : ACCESS_FILE);
    syscall (SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  }
  close (rule.parent_fd);
}

/* Where a person has told the loader to look; entries are separated by colons. */
static void
allow_list (int ruleset, uint64_t handled, const char *variable, gboolean folder_of)
{
  const char *value = g_getenv (variable);
  g_auto (GStrv) paths = g_strsplit (value ? value : "", ":", 64);
  for (char **path = paths; *path; path++)
    if (g_path_is_absolute (*path)) {
      g_autofree char *folder = folder_of ? g_path_get_dirname (*path) : g_strdup (*path);
      /* A list with an empty or root folder in it must not open everything. */
      if (!g_str_equal (folder, "/"))
        allow (ruleset, handled, folder, ACCESS_READ);
    }
}

static void
allow_folders (int ruleset, uint64_t handled)
{
  for (size_t i = 0; i < G_N_ELEMENTS (readable); i++)
    allow (ruleset, handled, readable[i], ACCESS_READ);
  for (size_t i = 0; i < G_N_ELEMENTS (device_folders); i++)
    allow (ruleset, handled, device_folders[i], ACCESS_DEVICE);

  g_autoptr (GDir) devices = g_dir_open ("/dev", 0, NULL);
  const char *name;
  while (devices && (name = g_dir_read_name (devices)))
    for (size_t i = 0; i < G_N_ELEMENTS (device_prefixes); i++)
      if (g_str_has_prefix (name, device_prefixes[i])) {
        g_autofree char *path = g_build_filename ("/dev", name, NULL);
        allow (ruleset, handled, path, ACCESS_DEVICE);
      }

  static const char *const file_lists[] = { "VK_DRIVER_FILES", "VK_ICD_FILENAMES",
                                            "VK_ADD_DRIVER_FILES" };
  for (size_t i = 0; i < G_N_ELEMENTS (file_lists); i++)
    allow_list (ruleset, handled, file_lists[i], TRUE);
  allow_list (ruleset, handled, "LD_LIBRARY_PATH", FALSE);
  const char *const vulkan_parents[] = { g_get_user_data_dir (), g_get_user_config_dir () };
  for (size_t i = 0; i < G_N_ELEMENTS (vulkan_parents); i++) {
    g_autofree char *path = g_build_filename (vulkan_parents[i], "vulkan", NULL);
    allow (ruleset, handled, path, ACCESS_READ);
  }
}

/* Returns the ABI that is in force, 0 when there is none. */
static int
confine_landlock (void)
{
  long abi = syscall (SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1)
    return 0;
  struct ruleset_attr attr = { .handled_access_fs = (1ULL << 13) - 1 };
  size_t size = sizeof attr.handled_access_fs;
  if (abi >= 2)
    attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3)
    attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
  if (abi >= 4) {
    attr.handled_access_net = ACCESS_NET_BIND_TCP | ACCESS_NET_CONNECT_TCP;
    size = offsetof (struct ruleset_attr, scoped);
  }
  if (abi >= 5)
    attr.handled_access_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
  if (abi >= 6) {
    attr.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
    size = sizeof attr;
  }
  int ruleset = (int) syscall (SYS_landlock_create_ruleset, &attr, size, 0);
  if (ruleset < 0)
    return 0;
  allow_folders (ruleset, attr.handled_access_fs);
  long result = syscall (SYS_landlock_restrict_self, ruleset, 0);
  close (ruleset);
  return result == 0 ? (int) abi : 0;
}

/* ---- seccomp ---- */

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define THIS_ARCH AUDIT_ARCH_RISCV64
#endif

#ifdef THIS_ARCH

/* Refused with EPERM. Everything else stays allowed: what drivers need is unknown to us. */
static const int refused[] = {
  /* network */
  SYS_socket,
  SYS_connect,
  SYS_bind,
  SYS_listen,
  SYS_accept,
  SYS_accept4,
  /* other programs and processes */
  SYS_execve,
  SYS_execveat,
  SYS_ptrace,
  SYS_process_vm_readv,
  SYS_process_vm_writev,
  SYS_pidfd_open,
  SYS_pidfd_getfd,
  SYS_pidfd_send_signal,
  SYS_tkill,
  SYS_rt_sigqueueinfo,
  SYS_rt_tgsigqueueinfo,
  SYS_kcmp,
  SYS_process_madvise,
  /* files by name, other than reading; Landlock decides about opening */
  SYS_unlinkat,
  SYS_renameat2,
  SYS_mkdirat,
  SYS_linkat,
  SYS_symlinkat,
  SYS_mknodat,
  SYS_truncate,
  SYS_fchmodat,
  SYS_fchmod,
  SYS_fchownat,
  SYS_fchown,
  SYS_utimensat,
  SYS_setxattr,
  SYS_lsetxattr,
  SYS_fsetxattr,
  SYS_removexattr,
  SYS_lremovexattr,
  SYS_fremovexattr,
  SYS_open_by_handle_at,
  SYS_name_to_handle_at,
  SYS_chroot,
  SYS_inotify_add_watch,
  SYS_fanotify_init,
  /* the system */
  SYS_mount,
  SYS_umount2,
  SYS_pivot_root,
  SYS_open_tree,
  SYS_move_mount,
  SYS_fsopen,
  SYS_fsmount,
  SYS_fsconfig,
  SYS_fspick,
  SYS_mount_setattr,
  SYS_unshare,
  SYS_setns,
  SYS_swapon,
  SYS_swapoff,
  SYS_reboot,
  SYS_kexec_load,
  SYS_init_module,
  SYS_finit_module,
  SYS_delete_module,
  SYS_acct,
  SYS_quotactl,
  SYS_sethostname,
  SYS_setdomainname,
  SYS_settimeofday,
  SYS_clock_settime,
  SYS_clock_adjtime,
  SYS_adjtimex,
  SYS_syslog,
  SYS_vhangup,
  SYS_personality,
  /* parts of the kernel with a history */
  SYS_bpf,
  SYS_perf_event_open,
  SYS_userfaultfd,
  SYS_io_uring_setup,
  SYS_io_uring_enter,
  SYS_io_uring_register,
  SYS_keyctl,
  SYS_add_key,
  SYS_request_key,
  SYS_setuid,
  SYS_setgid,
  SYS_setreuid,
  SYS_setregid,
  SYS_setresuid,
  SYS_setresgid,
  SYS_setfsuid,
  SYS_setfsgid,
  SYS_setgroups,
  SYS_capset,
#ifdef SYS_renameat
  SYS_renameat,
#endif
#ifdef __x86_64__
  SYS_fork,
  SYS_vfork,
  SYS_unlink,
  SYS_rename,
  SYS_mkdir,
  SYS_rmdir,
  SYS_link,
  SYS_symlink,
  SYS_mknod,
  SYS_chmod,
  SYS_chown,
  SYS_lchown,
  SYS_utime,
  SYS_utimes,
  SYS_futimesat,
  SYS_creat,
  SYS_uselib,
  SYS_ustat,
  SYS_sysfs,
  SYS_iopl,
  SYS_ioperm,
  SYS_modify_ldt,
  SYS_kexec_file_load,
#endif
};

#define LOAD(field)                                                                                \
  BPF_STMT (BPF_LD | BPF_W | BPF_ABS, (uint32_t) offsetof (struct seccomp_data, field))
#define IF(test, value, then_skip, else_skip)                                                      \
  BPF_JUMP (BPF_JMP | (test) | BPF_K, (uint32_t) (value), then_skip, else_skip)
#define RETURN(action) BPF_STMT (BPF_RET | BPF_K, (uint32_t) (action))
#define REFUSE         RETURN (SECCOMP_RET_ERRNO | EPERM)
#define LOW_WORD(n)    args[n] /* both architectures are little-endian */

static gboolean
confine_seccomp (void)
{
  const uint32_t self = (uint32_t) getpid ();
  const struct sock_filter head[] = {
    LOAD (arch),
    IF (BPF_JEQ, THIS_ARCH, 1, 0),
    RETURN (SECCOMP_RET_KILL_PROCESS),
    LOAD (nr),
#ifdef __x86_64__
    IF (BPF_JGE, 0x40000000, 0, 1), /* x32 */
    RETURN (SECCOMP_RET_ERRNO | ENOSYS),
#endif
    /* A thread, yes; a process, no. clone3 hides its flags in memory; glibc then takes clone. */
    IF (BPF_JEQ, SYS_clone3, 0, 1),
    RETURN (SECCOMP_RET_ERRNO | ENOSYS),
    IF (BPF_JEQ, SYS_clone, 0, 4),
    LOAD (LOW_WORD (0)),
    IF (BPF_JSET, CLONE_THREAD, 0, 1),
    RETURN (SECCOMP_RET_ALLOW),
    REFUSE,
    /* Signals to itself: abort() and raise(). */
    IF (BPF_JEQ, SYS_kill, 1, 0),
    IF (BPF_JEQ, SYS_tgkill, 0, 4),
    LOAD (LOW_WORD (0)),
    IF (BPF_JEQ, self, 0, 1),
    RETURN (SECCOMP_RET_ALLOW),
    REFUSE,
    /* Typing into the terminal that started us. */
    IF (BPF_JEQ, SYS_ioctl, 0, 4),
    LOAD (LOW_WORD (1)),
    IF (BPF_JEQ, TIOCSTI, 1, 0),
    IF (BPF_JEQ, 0x541C /* TIOCLINUX */, 0, 1),
    REFUSE,
    LOAD (nr),
  };
  struct sock_filter filter[G_N_ELEMENTS (head) + G_N_ELEMENTS (refused) + 2];
  const size_t n_refused = G_N_ELEMENTS (refused);
  G_STATIC_ASSERT (G_N_ELEMENTS (refused) < 255); /* a jump is 8 bits */
  memcpy (filter, head, sizeof head);
  struct sock_filter *at = filter + G_N_ELEMENTS (head);
  for (size_t i = 0; i < n_refused; i++)
    *at++ = (struct sock_filter) IF (BPF_JEQ, refused[i], (uint8_t) (n_refused - i), 0);
  *at++ = (struct sock_filter) RETURN (SECCOMP_RET_ALLOW);
  *at++ = (struct sock_filter) REFUSE;

  struct sock_fprog program = { .len = (unsigned short) (at - filter), .filter = filter };
  return syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

#else

static gboolean
confine_seccomp (void)
{
  return FALSE;
}

#endif

void
worker_confine (char *report, size_t size)
{
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    g_strlcpy (report, "not confined: the kernel refuses", size);
    return;
  }
  int abi = confine_landlock ();
  gboolean filtered = confine_seccomp ();
  char landlock[32] = "no Landlock";
  if (abi > 0)
    snprintf (landlock, sizeof landlock, "Landlock (ABI %d)", abi);
  snprintf (report, size, "%s, %s", landlock, filtered ? "seccomp" : "no seccomp");
}

void
worker_set_limits (void)
{
  int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    /* Raising it is always allowed; nothing to do where it is not. */
    if (write (fd, "800", 3) != 3)
      g_debug ("the out-of-memory score cannot be raised");
    close (fd);
  }
  setrlimit (RLIMIT_CORE, &(struct rlimit){ 0, 0 });
  signal (SIGINT, SIG_IGN); /* Ctrl+C in a terminal is meant for the program that started it */
}
