/* SPDX-License-Identifier: Apache-2.0
 *
 * The order:
 *   bounding set before the change of user      dropping it needs the capability that goes with root
 *   groups, gid, uid, then all capabilities     each needs what the next one takes away
 *   death signal after the change of user       the kernel forgets it there; then: is the parent still alive?
 *   limits, no_new_privs, Landlock              files can no longer be opened from here on
 *   seccomp last                                it forbids what the steps above use
 */
#include "image/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debian's headers stop at version 2 of Landlock. */
#define LL_FS_V1 ((1ULL << 13) - 1)
#define LL_FS_REFER (1ULL << 13)
#define LL_FS_TRUNCATE (1ULL << 14)
#define LL_FS_IOCTL_DEV (1ULL << 15)
#define LL_NET_BOTH 3ULL
#define LL_SCOPE_BOTH 3ULL
#define LL_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

struct ruleset_attr {
    uint64_t fs, net, scoped;
};

static const char *const font_folders[] = {
    "/usr/share/fonts",      "/usr/local/share/fonts", "/etc/fonts",
    "/usr/share/fontconfig", "/var/cache/fontconfig",  "/usr/share/poppler"};

unsigned alb_seal_landlock(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (unsigned)abi : 0;
}

static int make_ruleset(unsigned abi)
{
    struct ruleset_attr a = {.fs = LL_FS_V1};
    size_t size = sizeof(a.fs);
    if (abi >= 2)
        a.fs |= LL_FS_REFER;
    if (abi >= 3)
        a.fs |= LL_FS_TRUNCATE;
    if (abi >= 4) {
        a.net = LL_NET_BOTH;
        size = offsetof(struct ruleset_attr, scoped);
    }
    if (abi >= 5)
        a.fs |= LL_FS_IOCTL_DEV;
    if (abi >= 6) {
        a.scoped = LL_SCOPE_BOTH;
        size = sizeof(a);
    }
    return (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
}

static void allow_folder(int ruleset, const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return; /* not on this system */
    struct landlock_path_beneath_attr rule = {.allowed_access = LL_READ, .parent_fd = fd};
    alb_ignore(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0,
               "a folder that cannot be allowed stays closed; the canary tells");
    close(fd);
}

static bool enter_landlock(enum alb_profile profile)
{
    unsigned abi = alb_seal_landlock();
    int ruleset = abi > 0 ? make_ruleset(abi) : -1;
    if (ruleset < 0)
        return false;
    for (size_t i = 0; profile == ALB_PROFILE_FONTS && i < ALB_ARRAY_LEN(font_folders); i++)
        allow_folder(ruleset, font_folders[i]);
    bool ok = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    return ok;
}

/* True: another user. A container may not have that user: then root stays root, without any capability. */
static bool change_user(uid_t uid)
{
    bool changed = false;
    for (unsigned long c = 0; c < 64 && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) == 0; c++)
        continue;
    if (geteuid() == 0 && uid != 0)
        changed = setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0;
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof(none));
    return syscall(SYS_capset, &head, none) == 0 && changed;
}

static bool limit(int what, uint64_t soft, uint64_t hard)
{
    struct rlimit l = {soft, hard};
    return setrlimit((__rlimit_resource_t)what, &l) == 0;
}

static bool set_limits(const struct alb_seal *s)
{
    return limit(RLIMIT_CORE, 0, 0) && limit(RLIMIT_NOFILE, 64, 64) &&
           limit(RLIMIT_FSIZE, s->result_max, s->result_max) && limit(RLIMIT_MEMLOCK, 0, 0) &&
           limit(RLIMIT_MSGQUEUE, 0, 0) && limit(RLIMIT_CPU, 86400, 86400) &&
           limit(RLIMIT_DATA, s->data_now + s->memory, s->data_now + s->memory);
}

enum alb_code alb_seal_process(const struct alb_seal *s, uint32_t *reached, struct alb_err *err)
{
    *reached = 0;
    if (change_user(s->uid))
        *reached |= ALB_SEAL_UID;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != s->parent)
        return alb_fail(err, ALB_E_CANCELLED, "the parent is gone");
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (!set_limits(s))
        return alb_fail_sys(err, ALB_E_INTERNAL, errno, "limits");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return alb_fail_sys(err, ALB_E_INTERNAL, errno, "no_new_privs");
    if (enter_landlock(s->profile))
        *reached |= ALB_SEAL_LANDLOCK;
    else if (s->profile == ALB_PROFILE_FONTS)
        return alb_fail(err, ALB_E_UNSUPPORTED, "fonts need Landlock, which this kernel has not");
    int e = alb_filter_install(s->filter);
    if (e != 0)
        return alb_fail_sys(err, ALB_E_INTERNAL, e, "seccomp");
    *reached |= ALB_SEAL_SECCOMP | (alb_filter_relaxed() ? ALB_SEAL_RELAXED : 0u);
    return ALB_OK;
}
