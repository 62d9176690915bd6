/* SPDX-License-Identifier: Apache-2.0
 *
 * See serverd.h. Usage: http-serverd [options of `albumen serve`], for example --listen unix:/tmp/x. Prints
 * "ready ADDRESS…" when it answers, drains on SIGTERM (within --shutdown-timeout), dumps on SIGQUIT, and says
 * at the end whether everything was given back.
 */
#include "serverd.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"

struct serverd serverd;

static const char *const any_origin[] = {"https://app.example"};
static const struct alb_cors cors = {any_origin, 1, true, NULL, "X-Shown", 600};
const struct alb_http_group serverd_group = {.name = "test", .cors = &cors};

int64_t serverd_number(struct alb_req *req, const char *name, int64_t otherwise)
{
    struct alb_str text;
    int64_t n;

    return alb_req_query_get(req, name, &text) && alb_str_i64(text, &n) ? n : otherwise;
}

static void release(void *arg)
{
    struct alb_owner quiet[16];
    unsigned n = 0;

    (void)arg;
    alb_mutex_lock(&serverd.mtx);
    if (--serverd.open == 0) {
        n = serverd.quiet_n;
        serverd.quiet_n = 0;
        memcpy(quiet, serverd.quiet, n * sizeof(quiet[0]));
    }
    alb_mutex_unlock(&serverd.mtx);
    for (unsigned i = 0; i < n; i++) {
        struct alb_bytes *b = alb_bytes_copy("quiet\n", 6);

        ALB_CHECK(b != NULL);
        alb_ignore(alb_future_settle(&quiet[i], &b->obj), "nobody else ends it");
    }
}

long serverd_open(void)
{
    long n;

    alb_mutex_lock(&serverd.mtx);
    n = serverd.open;
    alb_mutex_unlock(&serverd.mtx);
    return n;
}

void serverd_hold(struct alb_req *req)
{
    alb_mutex_lock(&serverd.mtx);
    serverd.open++;
    alb_mutex_unlock(&serverd.mtx);
    alb_ignore(!alb_arena_defer(alb_req_arena(req), release, NULL), "then it runs at once");
}

static struct alb_bytes *text_of(size_t n)
{
    struct alb_buf b = ALB_BUF_INIT(n);
    struct alb_bytes *bytes;
    char *p = alb_buf_reserve(&b, n);

    ALB_CHECK(p != NULL);
    memset(p, 'x', n);
    alb_buf_commit(&b, n);
    bytes = alb_bytes_copy(b.p, b.n);
    alb_buf_fini(&b);
    ALB_CHECK(bytes != NULL);
    return bytes;
}

static void die(const char *what, const struct alb_err *err)
{
    fprintf(stderr, "serverd: %s: %s\n", what, err->msg);
    _exit(1);
}

static void serve(const struct alb_options *o, const sigset_t *signals)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_http_config config;
    char address[128];
    int sig = 0;

    if (alb_http_config_options(&config, o, &err) != ALB_OK)
        die("options", &err);
    config.pool = serverd.pool;
    if (alb_http_server_new(&config, &serverd.http, &err) != ALB_OK ||
        serverd_routes_answers(serverd.http, &err) != ALB_OK ||
        serverd_routes_waits(serverd.http, &err) != ALB_OK ||
        serverd_routes_bodies(serverd.http, &err) != ALB_OK ||
        alb_http_server_start(serverd.http, &err) != ALB_OK)
        die("start", &err);
    printf("ready");
    for (size_t i = 0; alb_http_server_address(serverd.http, i, address, sizeof(address)); i++)
        printf(" %s", address);
    printf("\n");
    fflush(stdout);
    alb_http_notify("READY=1");
    while (sigwait(signals, &sig) == 0 && sig == SIGQUIT)
        alb_http_dump(serverd.http, STDERR_FILENO);
    alb_http_notify("STOPPING=1");
    int64_t until = alb_deadline(alb_mono(alb_clock_real()), alb_opt_duration(o, ALB_P_SHUTDOWN_TIMEOUT));
    enum alb_code code = alb_http_server_stop(serverd.http, until);
    printf("stopped %s open=%ld\n", code == ALB_OK ? "clean" : "cut", serverd_open());
    alb_http_server_free(&serverd.http);
}

int main(int argc, char **argv, char **envp)
{
    struct alb_pool_config pool = {.name = "io", .threads = 4, .queue_max = 4096};
    struct alb_err err = ALB_ERR_INIT;
    struct alb_options *o;
    sigset_t signals;
    char **rest;

    alb_mutex_init(&serverd.mtx, ALB_LOCK_TEST_OUTER);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGQUIT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (alb_options_parse(ALB_CMD_SERVE, argc - 1, argv + 1, envp, &o, &rest, &err) != ALB_OK)
        die("options", &err);
    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT,
                  strcmp(alb_opt_string(o, ALB_P_LOG_LEVEL), "info") == 0 ? ALB_LOG_INFO : ALB_LOG_ERROR);
    serverd.timers = alb_timers_new(alb_clock_real(), 100000);
    serverd.flight = alb_flight_new(10000);
    serverd.small = text_of(1024);
    serverd.large = text_of(20480);
    ALB_CHECK(serverd.timers && serverd.flight);
    if (alb_timers_start(serverd.timers, &err) != ALB_OK ||
        alb_pool_new(&pool, &serverd.pool, &err) != ALB_OK)
        die("threads", &err);
    serve(o, &signals);
    alb_pool_free(&serverd.pool);
    alb_timers_free(&serverd.timers);
    serverd_finish_works();
    alb_flight_free(&serverd.flight);
    alb_bytes_unref(serverd.small);
    alb_bytes_unref(serverd.large);
    alb_options_free(&o);
    alb_mutex_fini(&serverd.mtx);
    return serverd.open == 0 ? 0 : 2;
}
