/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/life.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"

static bool has_ipv6(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0;
    alb_fs_close(&fd);
    return ok;
}

enum alb_code alb_life_listen(struct alb_arena *text, const char *host, const char *port,
                              const char *listen[ALB_LIFE_LISTEN_MAX], size_t *n, struct alb_err *err)
{
    bool any = host[0] == '\0' || strcmp(host, "0.0.0.0") == 0;
    *n = 0;
    if (any && strcmp(port, "0") != 0 && has_ipv6()) /* a free port of both would be two ports */
        listen[(*n)++] = alb_arena_cstr(text, alb_arena_printf(text, "[::]:%s", port));
    listen[(*n)++] = alb_arena_cstr(text, alb_arena_printf(text, "%s:%s", any ? "0.0.0.0" : host, port));
    return alb_arena_code(text) == ALB_OK ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "out of memory");
}

void alb_life_block_signals(sigset_t *set)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGPIPE};
    (void)sigemptyset(set);
    for (size_t i = 0; i < ALB_ARRAY_LEN(numbers); i++)
        (void)sigaddset(set, numbers[i]);
    (void)pthread_sigmask(SIG_BLOCK, set, NULL);
}

static const char *last_words; /* set before the handler is */

static void on_second_signal(int number)
{
    (void)number;
    ssize_t n = write(STDOUT_FILENO, last_words, strlen(last_words));
    (void)n; /* leaving anyway */
    _exit(1);
}

void alb_life_arm_second_signal(const char *text)
{
    struct sigaction act = {.sa_handler = on_second_signal};
    sigset_t again;
    last_words = text;
    (void)sigaction(SIGTERM, &act, NULL);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigemptyset(&again);
    (void)sigaddset(&again, SIGTERM);
    (void)sigaddset(&again, SIGINT);
    (void)pthread_sigmask(SIG_UNBLOCK, &again, NULL);
}
