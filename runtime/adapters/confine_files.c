/* confine_files.c - the wall around files: Landlock by its system calls, for which Debian 12 has no library.
 */
#include "adapters/confine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12; the numbers are the kernel's for ever. */
enum {
    ABI_REFER = 2,
    ABI_TRUNCATE = 3,
    ABI_IOCTL_DEV = 5,
    ABI_SCOPE = 6,
    FS_TRUNCATE = 1 << 14,
    FS_IOCTL_DEV = 1 << 15,
    SCOPE_ABSTRACT_SOCKET = 1 << 0,
    SCOPE_SIGNAL = 1 << 1
};

struct ruleset {
    uint64_t handled_fs;
    uint64_t handled_net; /* from version 4 */
    uint64_t scoped;      /* from version 6 */
};

static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t writing = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                                LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | FS_TRUNCATE;
/* An empty file, for a lock, is all that is made. */
static const uint64_t moving = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                               LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                               LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                               LANDLOCK_ACCESS_FS_REFER;
static const uint64_t of_files = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE;

/* Whole folders where what is in them is replaced under the same name. Nothing here is a secret of anybody:
 * private keys lie in /etc/ssl/private, which is not among them. */
static const char *const of_system[] = {
    /* code that is loaded late: for names, character sets, cryptography */
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache",
    /* names */
    "/etc/resolv.conf", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/etc/hosts",
    "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
    /* certificates */
    "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/ca-trust",
    "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
    /* time */
    "/usr/share/zoneinfo", "/etc/localtime", "/etc/timezone",
    /* chance */
    "/dev/urandom", "/dev/random", NULL
};

static int create_ruleset(const struct ruleset *ruleset, size_t size, uint32_t flags)
{
    return (int)syscall(SYS_landlock_create_ruleset, ruleset, size, flags);
}

static int kernel_version(void)
{
    int version = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? version : 0;
}

static uint64_t handled_by(int version)
{
    uint64_t all = LANDLOCK_ACCESS_FS_MAKE_SYM | (LANDLOCK_ACCESS_FS_MAKE_SYM - 1); /* those of version 1 */
    return all | (version >= ABI_REFER ? LANDLOCK_ACCESS_FS_REFER : 0) |
           (version >= ABI_TRUNCATE ? FS_TRUNCATE : 0) | (version >= ABI_IOCTL_DEV ? FS_IOCTL_DEV : 0);
}

static int open_ruleset(int version, uint64_t *handled, struct cw_error *err)
{
    struct ruleset ruleset = { .handled_fs = handled_by(version) };
    size_t size = version >= ABI_SCOPE ? sizeof ruleset : sizeof ruleset.handled_fs;
    if (version >= ABI_SCOPE)
        ruleset.scoped = SCOPE_SIGNAL | SCOPE_ABSTRACT_SOCKET;
    *handled = ruleset.handled_fs;
    int fd = create_ruleset(&ruleset, size, 0);
    if (fd < 0)
        cw_fail(err, CW_IO, "Landlock version %d refuses its rules: %s", version, strerror(errno));
    return fd;
}

static bool allow(int ruleset, const char *path, uint64_t access, bool may_be_absent, struct cw_error *err)
{
    struct stat about;
    struct landlock_path_beneath_attr rule = { .allowed_access = access };
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0 && may_be_absent && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return true;
    bool ok = rule.parent_fd >= 0 && fstat(rule.parent_fd, &about) == 0;
    if (ok && !S_ISDIR(about.st_mode))
        rule.allowed_access &= of_files;
    ok = ok && syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    int why = errno;
    if (rule.parent_fd >= 0)
        close(rule.parent_fd);
    return ok || cw_fail(err, CW_IO, "access to %s cannot be kept: %s", path, strerror(why));
}

static bool allow_all(int ruleset, const char *const *paths, uint64_t access, bool may_be_absent,
                      struct cw_error *err)
{
    for (; paths != NULL && *paths != NULL; paths++)
        if (!allow(ruleset, *paths, access, may_be_absent, err))
            return false;
    return true;
}

bool cw_confine_files(const struct cw_confine *confine, int *version, struct cw_error *err)
{
    uint64_t handled;
    *version = kernel_version();
    if (*version == 0)
        return true;
    int ruleset = open_ruleset(*version, &handled, err);
    if (ruleset < 0)
        return false;
    bool ok = allow_all(ruleset, of_system, reading, true, err) &&
              allow(ruleset, "/dev/null", writing & handled, true, err) &&
              allow_all(ruleset, confine->read, reading, true, err) &&
              allow_all(ruleset, confine->write, writing & handled, false, err) &&
              allow_all(ruleset, confine->move, moving & handled, true, err);
    if (ok && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        ok = cw_fail(err, CW_IO, "Landlock cannot be put in force: %s", strerror(errno));
    close(ruleset);
    return ok;
}
