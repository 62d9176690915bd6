/* SPDX-License-Identifier: Apache-2.0
 *
 * Default: the process is killed (SIGSYS), which the server counts apart: a call that is not in the list is
 * an attack or a library that needs looking at. Calls that libraries try and can do without get a plain
 * error.
 */
#include "image/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0
#endif

#define OWN_PID 0x7fedc0deu /* replaced by the worker's pid when the filter is installed */
#define ALLOW SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_KILL_PROCESS
#define FAIL(e) (SECCOMP_RET_ERRNO | (uint32_t)(e))

/* Frequent ones first: the list is walked. */
static const int allowed[] = {
    SYS_futex,
    SYS_read,
    SYS_write,
    SYS_munmap,
    SYS_madvise,
    SYS_brk,
    SYS_mremap,
    SYS_lseek,
    SYS_pread64,
    SYS_pwrite64,
    SYS_readv,
    SYS_writev,
    SYS_close,
    SYS_fstat,
    SYS_clock_gettime,
    SYS_recvmsg,
    SYS_sendmsg,
    SYS_ppoll,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_exit,
    SYS_exit_group,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_sched_get_priority_max,
    SYS_sched_get_priority_min,
    SYS_gettid,
    SYS_getpid,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigaction,
    SYS_sigaltstack,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_clock_getres,
    SYS_getrandom,
    SYS_dup,
    SYS_ftruncate,
    SYS_getrusage,
    SYS_sysinfo,
    SYS_uname,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_times,
    SYS_restart_syscall,
    SYS_gettimeofday,
    SYS_getcpu,
    SYS_fadvise64,
#ifdef SYS_poll
    SYS_poll,
#endif
#ifdef SYS_time
    SYS_time,
#endif
};

/* "No such file": what a library sees on a machine where the file is not installed. */
static const int absent[] = {
    SYS_openat,  SYS_openat2,  SYS_statx,  SYS_faccessat,  SYS_faccessat2, SYS_readlinkat, SYS_statfs,
    SYS_mkdirat, SYS_unlinkat, SYS_getcwd, SYS_getdents64,
#ifdef SYS_open
    SYS_open,    SYS_stat,     SYS_lstat,  SYS_access,     SYS_readlink,   SYS_mkdir,      SYS_unlink,
#endif
};

static const int forbidden[] = {
    SYS_socket,        SYS_socketpair,
    SYS_connect,       SYS_bind,
    SYS_listen,        SYS_sendto,
    SYS_recvfrom,      SYS_setpriority,
    SYS_getpriority,   SYS_sched_setscheduler,
    SYS_sched_setattr, SYS_sched_setaffinity,
    SYS_get_mempolicy, SYS_set_mempolicy,
    SYS_mbind,         SYS_memfd_create,
    SYS_pipe2,         SYS_eventfd2,
    SYS_inotify_init1, SYS_fallocate,
    SYS_ioctl,         SYS_kill,
    SYS_fstatfs,       SYS_getpeername, /* GLib, before it writes a warning: is its stderr the journal? */
};

/* FONTS: may look around; Landlock decides where. */
static const int looking[] = {
    SYS_statx, SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_statfs, SYS_fstatfs, SYS_getdents64,
#ifdef SYS_open
    SYS_stat,  SYS_lstat,     SYS_access,     SYS_readlink,
#endif
};

/* A sanitizer reads /proc/self/maps for its reports, stops threads to look for leaks and asks about its
 * output. */
static const int sanitizer[] = {
    SYS_openat,
    SYS_readlinkat,
    SYS_newfstatat,
    SYS_getdents64,
    SYS_ioctl,
    SYS_getppid,
    SYS_prctl,
    SYS_personality,
    SYS_pipe2,
    SYS_socketpair,
    SYS_sched_setaffinity,
    SYS_tgkill,
    SYS_getpgid,
    SYS_prlimit64,
#ifdef SYS_open
    SYS_open,
    SYS_readlink,
    SYS_stat,
#endif
};

/* ---- assembling ---- */

static void emit(struct alb_filter *f, struct sock_filter i)
{
    if (f->count < ALB_FILTER_MAX)
        memcpy(&f->code[f->count], &i, sizeof(i));
    f->count++;
}

static void load(struct alb_filter *f, size_t off)
{
    emit(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)off));
}

static void low(struct alb_filter *f, unsigned arg)
{
    load(f, offsetof(struct seccomp_data, args) + 8 * arg); /* both architectures are little-endian */
}

static void high(struct alb_filter *f, unsigned arg)
{
    load(f, offsetof(struct seccomp_data, args) + 8 * arg + 4);
}

static void answer(struct alb_filter *f, uint32_t what)
{
    emit(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

/* Jumps over `skip` instructions unless A == k. */
static void unless_equal(struct alb_filter *f, uint32_t k, uint8_t skip)
{
    emit(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, skip));
}

static void unless_bits(struct alb_filter *f, uint32_t mask, uint8_t skip)
{
    emit(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mask, 0, skip));
}

static void each(struct alb_filter *f, const int *calls, size_t n, uint32_t what)
{
    for (size_t i = 0; i < n; i++) {
        unless_equal(f, (uint32_t)calls[i], 1);
        answer(f, what);
    }
}

/* nr with any of `mask` in its argument gets `with`, else `without`. */
static void by_bits(struct alb_filter *f, int nr, unsigned arg, uint32_t mask, uint32_t with,
                    uint32_t without)
{
    unless_equal(f, (uint32_t)nr, 4);
    low(f, arg);
    unless_bits(f, mask, 1);
    answer(f, with);
    answer(f, without);
}

/* nr with its (32-bit) argument out of a list is allowed, else `other`. */
static void by_value(struct alb_filter *f, int nr, unsigned arg, const uint32_t *values, size_t n,
                     uint32_t other)
{
    unless_equal(f, (uint32_t)nr, (uint8_t)(2 + 2 * n));
    low(f, arg);
    for (size_t i = 0; i < n; i++) {
        unless_equal(f, values[i], 1);
        answer(f, ALLOW);
    }
    answer(f, other);
}

/* Memory of one's own: not executable, and not shared, for shared memory is not in RLIMIT_DATA. (Files may be
 * mapped shared: fontconfig does.) */
static void mapping(struct alb_filter *f)
{
    unless_equal(f, SYS_mmap, 8);
    low(f, 2);
    unless_bits(f, PROT_EXEC, 1);
    answer(f, FAIL(EPERM));
    low(f, 3);
    unless_bits(f, MAP_ANONYMOUS, 2);
    unless_bits(f, MAP_SHARED, 1);
    answer(f, FAIL(EPERM));
    answer(f, ALLOW);
}

/* Own limits may be read, and those of memory and time set (the kernel keeps them under the hard ones). */
static void limits(struct alb_filter *f)
{
    unless_equal(f, SYS_prlimit64, 13);
    low(f, 0);
    unless_equal(f, 0, 10); /* of myself, else to the end */
    low(f, 2);
    unless_equal(f, 0, 3); /* new limits: none, both halves */
    high(f, 2);
    unless_equal(f, 0, 1);
    answer(f, ALLOW);
    low(f, 1);
    unless_equal(f, RLIMIT_DATA, 1);
    answer(f, ALLOW);
    unless_equal(f, RLIMIT_CPU, 1);
    answer(f, ALLOW);
    answer(f, FAIL(EPERM));
}

static void checked(struct alb_filter *f, enum alb_profile profile)
{
    static const uint32_t commands[] = {F_GETFL, F_GETFD, F_SETFD, F_DUPFD_CLOEXEC, 1033 /* F_ADD_SEALS */,
                                        1034 /* F_GET_SEALS */};
    static const uint32_t names[] = {PR_SET_NAME};
    static const uint32_t self[] = {OWN_PID};
    uint32_t opening = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
    mapping(f);
    by_bits(f, SYS_mprotect, 2, PROT_EXEC, FAIL(EPERM), ALLOW);
    by_bits(f, SYS_clone, 0, CLONE_THREAD, ALLOW, FAIL(EPERM));
    each(f, (const int[]){SYS_clone3}, 1, FAIL(ENOSYS));
    by_value(f, SYS_fcntl, 1, commands, ALB_ARRAY_LEN(commands), FAIL(EPERM));
    if (ALB_SANITIZED)
        each(f, sanitizer, ALB_ARRAY_LEN(sanitizer), ALLOW);
    by_value(f, SYS_prctl, 0, names, 1, FAIL(EPERM));
    by_value(f, SYS_tgkill, 0, self, 1, FAIL(EPERM));
    limits(f);
    if (profile == ALB_PROFILE_FONTS) {
        each(f, (const int[]){SYS_newfstatat}, 1, ALLOW);
        by_bits(f, SYS_openat, 2, opening, FAIL(EACCES), ALLOW);
#ifdef SYS_open
        by_bits(f, SYS_open, 1, opening, FAIL(EACCES), ALLOW);
#endif
        each(f, looking, ALB_ARRAY_LEN(looking), ALLOW);
    }
    by_bits(f, SYS_newfstatat, 3, AT_EMPTY_PATH, ALLOW, FAIL(ENOENT));
}

bool alb_filter_build(struct alb_filter *f, enum alb_profile profile)
{
    _Static_assert(sizeof(struct sock_filter) == sizeof(uint64_t), "one instruction is 8 bytes");
    f->count = 0;
    load(f, offsetof(struct seccomp_data, arch));
    emit(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
    answer(f, KILL);
    load(f, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    emit(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1)); /* the x32 numbers */
    answer(f, KILL);
#endif
    each(f, allowed, ALB_ARRAY_LEN(allowed), ALLOW);
    checked(f, profile);
    each(f, absent, ALB_ARRAY_LEN(absent), FAIL(ENOENT));
    each(f, forbidden, ALB_ARRAY_LEN(forbidden), FAIL(EPERM));
    answer(f, KILL);
    return ARCH != 0 && f->count <= ALB_FILTER_MAX;
}

int alb_filter_install(struct alb_filter *f)
{
    uint32_t pid = (uint32_t)getpid();
    for (size_t i = 0; i < f->count; i++) {
        struct sock_filter s;
        memcpy(&s, &f->code[i], sizeof(s));
        if (s.k == OWN_PID && BPF_CLASS(s.code) == BPF_JMP)
            s.k = pid;
        memcpy(&f->code[i], &s, sizeof(s));
    }
    struct sock_fprog program = {(unsigned short)f->count, (struct sock_filter *)(void *)f->code};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}

bool alb_filter_relaxed(void)
{
    return ALB_SANITIZED != 0;
}
