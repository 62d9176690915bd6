/* SPDX-License-Identifier: Apache-2.0
 *
 * What a sealed process can still do. Each question is asked by a child of its own that seals itself as a
 * worker does and answers with its exit status; asking for something forbidden may end it with SIGSYS.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <pthread.h>

#include "test.h"
#include "image/seal.h"

typedef int ask_fn(void);

static struct alb_filter filters[2];

enum { SEAL_FAILED = 200 };

/* The exit status, or 256 + signal. */
static int ask(enum alb_profile profile, ask_fn *question)
{
    int status;
    pid_t parent = getpid(), pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        uint32_t reached;
        struct alb_seal s = {.profile = profile,
                             .filter = &filters[profile],
                             .parent = parent,
                             .uid = 65534,
                             .memory = 256 << 20,
                             .result_max = 1 << 20,
                             .data_now = ALB_SANITIZED ? 1ULL << 46 : 64 << 20};
        if (alb_seal_process(&s, &reached, NULL) != ALB_OK || !(reached & ALB_SEAL_SECCOMP))
            _exit(SEAL_FAILED);
        _exit(question());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int errno_of(long rc)
{
    return rc >= 0 ? 0 : errno;
}

static int ask_passwd(void)
{
    return errno_of(open("/etc/passwd", O_RDONLY));
}

static int ask_font_folder(void)
{
    return errno_of(open("/usr/share/fonts", O_RDONLY | O_DIRECTORY));
}

static int ask_font_write(void)
{
    return errno_of(open("/var/cache/fontconfig/albumen-test", O_WRONLY | O_CREAT, 0600));
}

static int ask_own_fd(void)
{
    return errno_of(open("/proc/self/fd/0", O_RDONLY));
}

static int ask_socket(void)
{
    return errno_of(socket(AF_INET, SOCK_STREAM, 0));
}

static int ask_unix_socket(void)
{
    int pair[2];
    return errno_of(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

static int ask_fork(void)
{
    return errno_of(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int ask_exec(void)
{
    char *none[] = {NULL};
    return errno_of(execve("/bin/true", none, none));
}

static int ask_executable_memory(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}

static int ask_make_executable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? 1 : errno_of(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int ask_kill_parent(void)
{
    return errno_of(kill(getppid(), 0));
}

static int ask_ptrace(void)
{
    return errno_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int ask_more_files(void)
{
    struct rlimit l = {1000, 1000};
    return errno_of(setrlimit(RLIMIT_NOFILE, &l));
}

static int ask_more_memory(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_DATA, &l) != 0)
        return 1;
    l.rlim_cur = l.rlim_max = l.rlim_max + 4096;
    return errno_of(setrlimit(RLIMIT_DATA, &l));
}

static int ask_less_memory(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_DATA, &l) != 0)
        return 1;
    l.rlim_cur -= 4096;
    return errno_of(setrlimit(RLIMIT_DATA, &l));
}

static int ask_others_limits(void)
{
    struct rlimit l = {1, 1};
    return errno_of(prlimit(getppid(), RLIMIT_CPU, &l, NULL));
}

static int ask_dumpable(void)
{
    return errno_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int ask_unshare(void)
{
    return errno_of(syscall(SYS_unshare, 0x10000000));
}

static int ask_name(void)
{
    return errno_of(prctl(PR_SET_NAME, "fine", 0, 0, 0));
}

static int ask_memory(void)
{
    volatile char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p[5000] = 1;
    return p[5000] - 1;
}

static int ask_too_much_memory(void)
{
    void *p = mmap(NULL, 1ULL << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}

/* RLIMIT_DATA does not count it. */
static int ask_shared_memory(void)
{
    void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}

static int ask_shared_executable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, 0, 0);
    return p == MAP_FAILED ? errno : 0;
}

/* GLib's question before it writes a warning. */
static int ask_peer(void)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof(a);
    return errno_of(getpeername(2, (struct sockaddr *)&a, &n));
}

static void *nothing(void *arg)
{
    return arg;
}

static int ask_thread(void)
{
    pthread_t t;
    return pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0 ? 0 : 1;
}

static int ask_abort(void)
{
    abort();
}

static int ask_x32(void)
{
#if defined(__x86_64__)
    return errno_of(syscall(0x40000000 + SYS_getpid));
#else
    abort();
#endif
}

static int ask_uid(void)
{
    return getuid() == 0 || setuid(0) == 0;
}

static void test_strict(void **state)
{
    static const struct {
        ask_fn *question;
        int answer;
    } cases[] = {
        {ask_passwd, ENOENT},
        {ask_font_folder, ENOENT},
        {ask_own_fd, ENOENT},
        {ask_socket, EPERM},
        {ask_unix_socket, EPERM},
        {ask_fork, EPERM},
        {ask_exec, 256 + SIGSYS},
        {ask_executable_memory, EPERM},
        {ask_make_executable, EPERM},
        {ask_kill_parent, 256 + SIGSYS}, /* asks for its parent's number first: not in the list either */
        {ask_ptrace, 256 + SIGSYS},
        {ask_more_files, EPERM},
        {ask_more_memory, EPERM},
        {ask_less_memory, 0},
        {ask_others_limits, 256 + SIGSYS},
        {ask_dumpable, EPERM},
        {ask_unshare, 256 + SIGSYS},
        {ask_name, 0},
        {ask_memory, 0},
        {ask_too_much_memory, ENOMEM},
        {ask_peer, EPERM},
        {ask_shared_memory, EPERM},
        {ask_shared_executable, EPERM},
        {ask_thread, 0},
        {ask_abort, 256 + SIGABRT},
        {ask_x32, 256 + SIGSYS},
    };
    (void)state;
    if (ALB_SANITIZED) {
        print_message("# the list of a sanitizer build is longer\n");
        return;
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        int got = ask(ALB_PROFILE_STRICT, cases[i].question);
        if (got != cases[i].answer && !(cases[i].question == ask_x32 && got == 256 + SIGABRT))
            fail_msg("case %zu: %d, not %d", i, got, cases[i].answer);
    }
}

/* Landlock holds in every build, also where a sanitizer may call open. */
static void test_no_file_opens(void **state)
{
    (void)state;
    assert_true(alb_seal_landlock() > 0);
    assert_int_not_equal(ask(ALB_PROFILE_STRICT, ask_passwd), 0);
    assert_int_not_equal(ask(ALB_PROFILE_STRICT, ask_font_folder), 0);
    assert_int_not_equal(ask(ALB_PROFILE_FONTS, ask_passwd), 0);
    assert_int_not_equal(ask(ALB_PROFILE_FONTS, ask_own_fd), 0);
    assert_int_not_equal(ask(ALB_PROFILE_FONTS, ask_font_write), 0);
    assert_int_equal(ask(ALB_PROFILE_FONTS, ask_font_folder), 0);
}

static void test_user(void **state)
{
    (void)state;
    if (geteuid() == 0)
        assert_int_not_equal(ask(ALB_PROFILE_STRICT, ask_uid), 1);
}

/* A worker whose parent has died before it could ask for its death signal does not start. */
static void test_orphan(void **state)
{
    struct alb_seal s = {.profile = ALB_PROFILE_STRICT,
                         .filter = &filters[0],
                         .parent = 1,
                         .uid = 65534,
                         .memory = 1 << 30,
                         .result_max = 1 << 20,
                         .data_now = 1ULL << 46};
    int status;
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        uint32_t reached;
        s.parent = getpid(); /* nobody's parent here */
        _exit(alb_seal_process(&s, &reached, NULL) == ALB_E_CANCELLED ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strict),
        cmocka_unit_test(test_no_file_opens),
        cmocka_unit_test(test_user),
        cmocka_unit_test(test_orphan),
    };
    if (!alb_filter_build(&filters[0], ALB_PROFILE_STRICT) ||
        !alb_filter_build(&filters[1], ALB_PROFILE_FONTS))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
