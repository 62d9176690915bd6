/* SPDX-License-Identifier: Apache-2.0
 *
 * When to try again. Time is injected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "fetch/patience.h"

static struct alb_manual_clock now;
static struct alb_outage outage;

static struct alb_patience fresh(int64_t retry_s)
{
    struct alb_patience p;
    alb_manual_clock_init(&now, 1000 * ALB_NS_PER_S, 1700000000000);
    alb_outage_init(&outage);
    alb_patience_init(&p, &outage, &now.clock, retry_s * ALB_NS_PER_S);
    return p;
}

static enum alb_verdict judge(struct alb_patience *p, enum alb_code code, int status, const char *retry_after,
                              int64_t *pause)
{
    struct alb_client_answer a;
    alb_client_answer_init(&a);
    a.status = status;
    if (retry_after)
        alb_buf_printf(&a.head, "HTTP/1.1 %d X\r\nretry-AFTER:  %s \r\n\r\n", status, retry_after);
    enum alb_verdict v = alb_patience_judge(p, code, &a, pause);
    alb_client_answer_fini(&a);
    return v;
}

static void test_what_is_final(void **state)
{
    (void)state;
    static const int final[] = {200, 201, 204, 301, 400, 401, 403, 404, 409,
                                410, 413, 415, 422, 423, 501, 505, 507};
    static const int transient[] = {408, 425, 429, 500, 502, 503, 504};
    struct alb_patience p = fresh(60);
    int64_t pause;
    for (size_t i = 0; i < ALB_ARRAY_LEN(final); i++)
        assert_int_equal(judge(&p, ALB_OK, final[i], NULL, &pause), ALB_VERDICT_ANSWER);
    for (size_t i = 0; i < ALB_ARRAY_LEN(transient); i++) {
        p = fresh(60);
        assert_int_equal(judge(&p, ALB_OK, transient[i], NULL, &pause), ALB_VERDICT_AGAIN);
        assert_true(pause > 0);
    }
    assert_int_equal(judge(&p, ALB_E_BUSY, 0, NULL, &pause), ALB_VERDICT_AGAIN);
    assert_int_equal(judge(&p, ALB_E_TIMEOUT, 0, NULL, &pause), ALB_VERDICT_AGAIN);
    assert_int_equal(judge(&p, ALB_E_CANCELLED, 0, NULL, &pause), ALB_VERDICT_GIVE_UP);
    assert_int_equal(judge(&p, ALB_E_INVALID, 0, NULL, &pause), ALB_VERDICT_GIVE_UP);
}

static void test_pause_grows_and_is_bounded(void **state)
{
    (void)state;
    struct alb_patience p = fresh(100000);
    int64_t full = 250 * ALB_NS_PER_MS;
    for (int i = 0; i < 20; i++) {
        int64_t pause;
        assert_int_equal(judge(&p, ALB_E_BUSY, 0, NULL, &pause), ALB_VERDICT_AGAIN);
        assert_true(pause >= full / 2 && pause <= full);
        full = full * 2 < 15 * ALB_NS_PER_S ? full * 2 : 15 * ALB_NS_PER_S;
    }
}

static void test_gives_up_after_the_time_without_progress(void **state)
{
    (void)state;
    struct alb_patience p = fresh(60);
    int64_t pause;
    assert_int_equal(judge(&p, ALB_OK, 429, NULL, &pause), ALB_VERDICT_AGAIN);
    alb_manual_clock_advance(&now, 59 * ALB_NS_PER_S);
    assert_int_equal(judge(&p, ALB_OK, 429, NULL, &pause), ALB_VERDICT_AGAIN);
    alb_patience_progress(&p);
    alb_manual_clock_advance(&now, 59 * ALB_NS_PER_S);
    assert_int_equal(judge(&p, ALB_OK, 429, NULL, &pause), ALB_VERDICT_AGAIN);
    assert_true(pause <= 250 * ALB_NS_PER_MS); /* progress begins the pauses anew */
    alb_manual_clock_advance(&now, 60 * ALB_NS_PER_S);
    assert_int_equal(judge(&p, ALB_OK, 429, NULL, &pause), ALB_VERDICT_GIVE_UP);
}

static void test_five_hundreds(void **state)
{
    (void)state;
    struct alb_patience p = fresh(100000);
    int64_t pause;
    for (int i = 0; i < 4; i++)
        assert_int_equal(judge(&p, ALB_OK, 500, NULL, &pause), ALB_VERDICT_AGAIN);
    assert_int_equal(judge(&p, ALB_OK, 500, NULL, &pause), ALB_VERDICT_ANSWER);
    assert_int_equal(alb_outage_since(&outage), 0); /* a server that answers 500 is there */
}

static void test_retry_after(void **state)
{
    (void)state;
    struct alb_patience p = fresh(600);
    int64_t pause;
    char date[30];
    assert_int_equal(judge(&p, ALB_OK, 503, "120", &pause), ALB_VERDICT_AGAIN);
    assert_true(pause == 120 * ALB_NS_PER_S);
    assert_int_equal(judge(&p, ALB_OK, 503, "0", &pause), ALB_VERDICT_AGAIN);
    assert_true(pause > 0 && pause < ALB_NS_PER_S);
    alb_time_http(1700000000000 + 30000, date);
    assert_int_equal(judge(&p, ALB_OK, 503, date, &pause), ALB_VERDICT_AGAIN);
    assert_true(pause == 30 * ALB_NS_PER_S);
    alb_time_http(1600000000000, date);
    assert_int_equal(judge(&p, ALB_OK, 503, date, &pause), ALB_VERDICT_AGAIN);
    assert_true(pause < 5 * ALB_NS_PER_S);
    assert_int_equal(judge(&p, ALB_OK, 503, "soon", &pause), ALB_VERDICT_AGAIN);
    /* No use in waiting longer than we may. */
    assert_int_equal(judge(&p, ALB_OK, 503, "601", &pause), ALB_VERDICT_GIVE_UP);
    assert_int_equal(judge(&p, ALB_OK, 503, "99999999999999999999", &pause),
                     ALB_VERDICT_AGAIN); /* no number */
}

static void test_an_outage_is_waited_for_once(void **state)
{
    (void)state;
    struct alb_patience p = fresh(60), q;
    int64_t pause;
    assert_int_equal(judge(&p, ALB_E_BUSY, 0, NULL, &pause), ALB_VERDICT_AGAIN);
    assert_true(alb_outage_since(&outage) == 1000 * ALB_NS_PER_S);
    alb_manual_clock_advance(&now, 60 * ALB_NS_PER_S);
    assert_int_equal(judge(&p, ALB_E_BUSY, 0, NULL, &pause), ALB_VERDICT_GIVE_UP);
    /* The next piece of work makes one attempt. */
    alb_patience_init(&q, &outage, &now.clock, 60 * ALB_NS_PER_S);
    assert_int_equal(judge(&q, ALB_E_BUSY, 0, NULL, &pause), ALB_VERDICT_GIVE_UP);
    /* Any answer ends the outage. */
    assert_int_equal(judge(&q, ALB_OK, 404, NULL, &pause), ALB_VERDICT_ANSWER);
    assert_int_equal(alb_outage_since(&outage), 0);
    alb_patience_init(&q, &outage, &now.clock, 60 * ALB_NS_PER_S);
    assert_int_equal(judge(&q, ALB_E_BUSY, 0, NULL, &pause), ALB_VERDICT_AGAIN);
}

static void test_wait(void **state)
{
    (void)state;
    int fd = eventfd(0, EFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(alb_patience_wait(fd, ALB_NS_PER_MS));
    assert_true(alb_patience_wait(-1, 0));
    assert_int_equal(eventfd_write(fd, 1), 0);
    assert_false(alb_patience_wait(fd, 3600 * ALB_NS_PER_S));
    close(fd);
}

static void test_base(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"http://h", "http://h"},
        {" https://h:8443/photos// ", "https://h:8443/photos"},
        {"http://[::1]:8080/", "http://[::1]:8080"},
        {"h:8080", NULL},
        {"", NULL},
        {"ftp://h", NULL},
        {"file:///etc/passwd", NULL},
        {"http://", NULL},
        {"http://h/?a=b", NULL},
        {"http://h/#x", NULL},
        {"http://user:pw@h", NULL},
        {"http://h:99999", NULL},
        {"http://h h", NULL},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_buf b = ALB_BUF_INIT(2048);
        struct alb_err err = ALB_ERR_INIT;
        enum alb_code code = alb_client_base(alb_str_c(cases[i].in), &b, &err);
        assert_int_equal(code, cases[i].out ? ALB_OK : ALB_E_INVALID);
        if (cases[i].out)
            assert_string_equal(alb_buf_cstr(&b), cases[i].out);
        else
            assert_true(err.msg[0] != '\0');
        alb_buf_fini(&b);
    }
}

static void test_headers(void **state)
{
    (void)state;
    struct alb_client_answer a;
    struct alb_str v;
    alb_client_answer_init(&a);
    alb_buf_c(&a.head, "HTTP/1.1 200 OK\r\nX-A:1\r\nx-b : no\r\nX-B:\t two words \r\nX-Empty:\r\n\r\n");
    assert_true(alb_client_header(&a, "x-a", &v) && alb_str_eq_c(v, "1"));
    assert_true(alb_client_header(&a, "X-B", &v) && alb_str_eq_c(v, "two words"));
    assert_true(alb_client_header(&a, "x-empty", &v) && v.n == 0);
    assert_false(alb_client_header(&a, "x-c", &v));
    assert_int_equal(v.n, 0);
    alb_client_answer_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_final),
        cmocka_unit_test(test_pause_grows_and_is_bounded),
        cmocka_unit_test(test_gives_up_after_the_time_without_progress),
        cmocka_unit_test(test_five_hundreds),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_an_outage_is_waited_for_once),
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_base),
        cmocka_unit_test(test_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
