/* confine_calls.c - the wall around system calls: seccomp, through libseccomp. */
#include "adapters/confine_private.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* By name: what this architecture or this libseccomp does not have is no door either. */
static const char *const refused[] = {
    /* programs and processes */
    "execve", "execveat", "fork", "vfork", "uselib",
    /* others' memory, and their descriptors */
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd",
    "kcmp", "move_pages", "migrate_pages",
    /* mounts, namespaces, roots */
    "mount", "umount", "umount2", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount", "open_tree",
    "mount_setattr", "pivot_root", "chroot", "setns", "unshare", "open_by_handle_at", "name_to_handle_at",
    "quotactl", "quotactl_fd", "fanotify_init",
    /* code in the kernel, and its doors for it */
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "create_module", "delete_module", "bpf",
    "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "modify_ldt",
    "iopl", "ioperm",
    /* its keys, its log, its clocks, its names, the machine itself */
    "keyctl", "add_key", "request_key", "syslog", "acct", "settimeofday", "clock_settime", "clock_settime64",
    "clock_adjtime", "clock_adjtime64", "adjtimex", "stime", "sethostname", "setdomainname", "swapon",
    "swapoff", "reboot", "personality", "vhangup", "nfsservctl", "lookup_dcookie", "sysfs", "_sysctl",
    /* another person */
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid",
    "capset", "setuid32", "setgid32", "setreuid32", "setregid32", "setresuid32", "setresgid32", "setgroups32",
    "setfsuid32", "setfsgid32"
};

static bool refuse_all(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int number = seccomp_syscall_resolve_name(refused[i]);
        if (number != __NR_SCMP_ERROR && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0) != 0)
            return false;
    }
    return true;
}

/* Threads are clones too. What clone3 is asked for lies in memory, where no filter looks: the C library
 * takes clone instead when the kernel seems not to have it. */
static bool refuse_processes(scmp_filter_ctx filter)
{
#if defined(__s390__) || defined(__CRIS__)
    const struct scmp_arg_cmp no_thread = SCMP_A1(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
#else
    const struct scmp_arg_cmp no_thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
#endif
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, no_thread) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

/* Unix, IPv4, IPv6 and netlink, which the C library asks for addresses, are the ones up to 16. */
static bool refuse_odd_sockets(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_GT, AF_NETLINK, 0)) == 0;
}

/* A terminal would run what is typed into it with the rights of whoever sits there. */
static bool refuse_typing(scmp_filter_ctx filter)
{
    static const unsigned requests[] = { TIOCSTI, TIOCLINUX };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i])) != 0)
            return false;
    return true;
}

static bool kernel_has_filters(void)
{
    return prctl(PR_GET_SECCOMP) >= 0 && seccomp_api_get() > 0;
}

bool cw_confine_calls(bool *in_force, struct cw_error *err)
{
    *in_force = kernel_has_filters();
    if (!*in_force)
        return true;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool ok = filter != NULL && seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
              refuse_all(filter) && refuse_processes(filter) && refuse_odd_sockets(filter) &&
              refuse_typing(filter);
    int why = ok ? -seccomp_load(filter) : EINVAL;
    if (filter != NULL)
        seccomp_release(filter);
    *in_force = why == 0;
    return why == 0 || cw_fail(err, CW_IO, "seccomp cannot be put in force: %s", strerror(why));
}
