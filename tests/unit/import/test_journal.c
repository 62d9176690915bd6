/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/thread.h"
#include "import/journal_index.h"
#include "test.h"

static char dir[64], path[128];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/albumen-test-journal-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/deep/import.journal", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char text[160];
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    (void)unlink(path);
    (void)snprintf(text, sizeof(text), "%s.new", path);
    (void)unlink(text);
    (void)snprintf(text, sizeof(text), "%s/deep", dir);
    (void)rmdir(text);
    return rmdir(dir);
}

static struct alb_journal *open_journal(enum alb_journal_mode mode)
{
    struct alb_journal *j = NULL;
    struct alb_err err = ALB_ERR_INIT;
    assert_int_equal(alb_journal_open(path, mode, &j, &err), ALB_OK);
    assert_non_null(j);
    return j;
}

static void read_all(struct alb_buf *out)
{
    char *p = NULL;
    size_t n = 0;
    assert_int_equal(alb_fs_read_file(AT_FDCWD, path, 1 << 26, &p, &n, NULL), ALB_OK);
    alb_buf_add(out, p, n);
    alb_mem_free(p);
}

static void write_all(struct alb_str s)
{
    int fd;
    assert_int_equal(alb_fs_open(AT_FDCWD, path, O_WRONLY | O_TRUNC | O_CREAT, 0600, &fd, NULL), ALB_OK);
    assert_int_equal(alb_fs_write_all(fd, s.p, s.n, NULL), ALB_OK);
    alb_fs_close(&fd);
}

static void test_remembers(void **state)
{
    (void)state;
    struct alb_item *a = test_item("/p/a b\n\xff.jpg", 1000, 1, ""),
                    *b = test_item("/p/b.jpg", 5, 2, "Album");
    struct alb_item *c = test_item("/p/c.jpg", 9, 3, "");
    struct alb_journal *j = open_journal(ALB_JOURNAL_WRITE);
    unsigned char sha1[ALB_SHA1_LEN];
    struct alb_str url;
    assert_false(alb_journal_hash(j, a, sha1));
    alb_journal_hashed(j, a);
    alb_journal_begun(j, a, ALB_STR("/files/1?x=y z"));
    alb_journal_begun(j, c, ALB_STR("/files/3"));
    alb_journal_gone(j, c);
    alb_journal_done(j, b, "created", ALB_STR("uuid"));
    alb_journal_close(&j);
    assert_null(j);

    j = open_journal(ALB_JOURNAL_WRITE);
    assert_true(alb_journal_hash(j, a, sha1));
    assert_memory_equal(sha1, a->sha1, ALB_SHA1_LEN);
    assert_int_equal(alb_journal_state(j, a, &url), ALB_JOURNAL_HALF);
    assert_true(alb_str_eq_c(url, "/files/1?x=y z"));
    assert_int_equal(alb_journal_state(j, b, &url), ALB_JOURNAL_DONE);
    assert_int_equal(alb_journal_state(j, c, &url), ALB_JOURNAL_NONE);
    /* Any change of the file makes it unknown. */
    a->mtime_ns++;
    assert_false(alb_journal_hash(j, a, sha1));
    a->mtime_ns--;
    a->size++;
    assert_false(alb_journal_hash(j, a, sha1));
    a->size--;
    a->ino++;
    assert_false(alb_journal_hash(j, a, sha1));
    a->ino--;
    /* Other labels are another matter. */
    b->labels++;
    assert_int_equal(alb_journal_state(j, b, &url), ALB_JOURNAL_NONE);
    alb_journal_done(j, a, "created", ALB_STR_NONE);
    alb_journal_close(&j);
    j = open_journal(ALB_JOURNAL_READ);
    assert_int_equal(alb_journal_state(j, a, &url), ALB_JOURNAL_NONE);
    alb_journal_close(&j);
    alb_item_free(&a);
    alb_item_free(&b);
    alb_item_free(&c);
}

static void test_no_journal_knows_nothing(void **state)
{
    (void)state;
    struct alb_item *a = test_item("/p/a.jpg", 1, 1, "");
    unsigned char sha1[ALB_SHA1_LEN];
    struct alb_str url;
    struct alb_journal *none = NULL;
    assert_false(alb_journal_hash(NULL, a, sha1));
    assert_int_equal(alb_journal_state(NULL, a, &url), ALB_JOURNAL_NONE);
    alb_journal_hashed(NULL, a);
    alb_journal_begun(NULL, a, ALB_STR("/x"));
    alb_journal_done(NULL, a, "created", ALB_STR_NONE);
    assert_false(alb_journal_broken(NULL, NULL));
    alb_journal_close(&none);
    /* Reading only: an absent file is empty and stays absent. */
    struct alb_journal *j = open_journal(ALB_JOURNAL_READ);
    alb_journal_hashed(j, a);
    alb_journal_close(&j);
    assert_int_not_equal(access(path, F_OK), 0);
    alb_item_free(&a);
}

/* Cut at every byte: all whole lines are known, and what is written afterwards is, too. */
static void test_torn_at_every_byte(void **state)
{
    (void)state;
    struct alb_item *items[4];
    struct alb_buf whole = ALB_BUF_INIT(1 << 20);
    struct alb_journal *j = open_journal(ALB_JOURNAL_WRITE);
    for (size_t i = 0; i < 4; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "/p/%zu.jpg", i);
        items[i] = test_item(name, (int64_t)i + 1, (unsigned char)(i + 1), "");
        if (i < 3)
            alb_journal_hashed(j, items[i]);
    }
    alb_journal_close(&j);
    read_all(&whole);
    for (size_t cut = 0; cut <= whole.n; cut++) {
        unsigned char sha1[ALB_SHA1_LEN];
        size_t lines = 0, known = 0;
        write_all(alb_str_n(whole.p, cut));
        for (size_t i = 0; i < cut; i++)
            lines += whole.p[i] == '\n';
        j = open_journal(ALB_JOURNAL_WRITE);
        for (size_t i = 0; i < 3; i++)
            known += alb_journal_hash(j, items[i], sha1);
        assert_int_equal(known, lines > 0 ? lines - 1 : 0);
        alb_journal_hashed(j, items[3]);
        alb_journal_close(&j);
        j = open_journal(ALB_JOURNAL_READ);
        assert_true(alb_journal_hash(j, items[3], sha1));
        alb_journal_close(&j);
    }
    for (size_t i = 0; i < 4; i++)
        alb_item_free(&items[i]);
    alb_buf_fini(&whole);
}

/* A flipped bit anywhere may cost its line, never a wrong answer. */
static void test_flipped_bits(void **state)
{
    (void)state;
    struct alb_item *a = test_item("/p/a.jpg", 1, 1, ""), *b = test_item("/p/b.jpg", 2, 2, "");
    struct alb_buf whole = ALB_BUF_INIT(1 << 20);
    struct alb_journal *j = open_journal(ALB_JOURNAL_WRITE);
    alb_journal_hashed(j, a);
    alb_journal_hashed(j, b);
    alb_journal_close(&j);
    read_all(&whole);
    for (size_t i = sizeof(ALB_JOURNAL_HEAD) - 1; i < whole.n; i++) {
        unsigned char sha1[ALB_SHA1_LEN];
        whole.p[i] = (char)(whole.p[i] ^ 1);
        write_all(alb_buf_view(&whole));
        j = open_journal(ALB_JOURNAL_WRITE);
        size_t known = 0;
        if (alb_journal_hash(j, a, sha1)) {
            assert_memory_equal(sha1, a->sha1, ALB_SHA1_LEN);
            known++;
        }
        if (alb_journal_hash(j, b, sha1)) {
            assert_memory_equal(sha1, b->sha1, ALB_SHA1_LEN);
            known++;
        }
        assert_true(known < 2);
        alb_journal_close(&j);
        whole.p[i] = (char)(whole.p[i] ^ 1);
    }
    alb_item_free(&a);
    alb_item_free(&b);
    alb_buf_fini(&whole);
}

static void test_other_files_are_left_alone(void **state)
{
    (void)state;
    struct alb_journal *j = open_journal(ALB_JOURNAL_WRITE);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_buf back = ALB_BUF_INIT(1000);
    alb_journal_close(&j);
    write_all(ALB_STR("Dear diary, today I took many photographs of the sea\n"));
    assert_int_equal(alb_journal_open(path, ALB_JOURNAL_WRITE, &j, &err), ALB_E_INVALID);
    assert_null(j);
    assert_non_null(strstr(err.msg, "is not a journal"));
    read_all(&back);
    assert_true(alb_str_starts(alb_buf_view(&back), ALB_STR("Dear diary")));
    alb_buf_fini(&back);
}

static void test_one_holder(void **state)
{
    (void)state;
    struct alb_journal *j = open_journal(ALB_JOURNAL_WRITE), *k = NULL;
    assert_int_equal(alb_journal_open(path, ALB_JOURNAL_WRITE, &k, NULL), ALB_E_CONFLICT);
    assert_null(k);
    k = open_journal(ALB_JOURNAL_READ);
    alb_journal_close(&k);
    alb_journal_close(&j);
    j = open_journal(ALB_JOURNAL_WRITE);
    alb_journal_close(&j);
}

static void test_rewrites_when_most_is_dead(void **state)
{
    (void)state;
    struct alb_item *keep = test_item("/p/keep.jpg", 1, 1, ""), *half = test_item("/p/half.jpg", 2, 2, "");
    struct alb_item *done = test_item("/p/done.jpg", 3, 3, "Album"),
                    *gone = test_item("/p/gone.jpg", 4, 4, "");
    struct alb_journal *j = open_journal(ALB_JOURNAL_WRITE);
    unsigned char sha1[ALB_SHA1_LEN];
    struct alb_str url;
    struct stat st;
    alb_journal_hashed(j, keep);
    alb_journal_begun(j, half, ALB_STR("/files/first"));
    for (int i = 0; i < 1200; i++) {
        alb_journal_begun(j, gone, ALB_STR("/files/x"));
        alb_journal_done(j, gone, "created", ALB_STR_NONE);
    }
    alb_journal_begun(j, half, ALB_STR("/files/second"));
    alb_journal_done(j, done, "created", ALB_STR_NONE);
    alb_journal_close(&j);
    assert_int_equal(stat(path, &st), 0);
    off_t before = st.st_size;
    j = open_journal(ALB_JOURNAL_WRITE);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < before / 100);
    alb_journal_hashed(j, gone); /* goes to the new file */
    struct alb_journal *k = NULL;
    assert_int_equal(alb_journal_open(path, ALB_JOURNAL_WRITE, &k, NULL), ALB_E_CONFLICT);
    alb_journal_close(&j);
    j = open_journal(ALB_JOURNAL_READ);
    assert_true(alb_journal_hash(j, keep, sha1));
    assert_true(alb_journal_hash(j, gone, sha1));
    assert_int_equal(alb_journal_state(j, half, &url), ALB_JOURNAL_HALF);
    assert_true(alb_str_eq_c(url, "/files/second"));
    assert_int_equal(alb_journal_state(j, done, &url), ALB_JOURNAL_DONE);
    assert_int_equal(alb_journal_state(j, gone, &url), ALB_JOURNAL_NONE);
    alb_journal_close(&j);
    alb_item_free(&keep);
    alb_item_free(&half);
    alb_item_free(&done);
    alb_item_free(&gone);
}

static void test_grows(void **state)
{
    (void)state;
    struct alb_journal *j = open_journal(ALB_JOURNAL_WRITE);
    unsigned char sha1[ALB_SHA1_LEN];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3000; i++) {
            char name[64];
            (void)snprintf(name, sizeof(name), "/photos/%d.jpg", i);
            struct alb_item *item = test_item(name, i + 1, (unsigned char)i, "x");
            memcpy(item->sha1, &i, sizeof(i));
            if (round == 0) {
                alb_journal_hashed(j, item);
                alb_journal_done(j, item, "created", ALB_STR_NONE);
            } else {
                struct alb_str url;
                assert_true(alb_journal_hash(j, item, sha1));
                assert_memory_equal(sha1, item->sha1, ALB_SHA1_LEN);
                assert_int_equal(alb_journal_state(j, item, &url), ALB_JOURNAL_DONE);
            }
            alb_item_free(&item);
        }
        alb_journal_close(&j);
        j = open_journal(ALB_JOURNAL_WRITE);
    }
    alb_journal_close(&j);
}

static void test_disk_full(void **state)
{
    (void)state;
    struct alb_item *a = test_item("/p/a.jpg", 1, 1, ""), *b = test_item("/p/b.jpg", 2, 2, "");
    struct alb_journal *j = open_journal(ALB_JOURNAL_WRITE);
    struct alb_err err = ALB_ERR_INIT;
    unsigned char sha1[ALB_SHA1_LEN];
    alb_journal_hashed(j, a);
    assert_false(alb_journal_broken(j, &err));
    alb_fs_fault(ALB_FS_WRITE, 1, ENOSPC, true);
    alb_journal_hashed(j, b);
    assert_true(alb_fs_fault_fired());
    assert_true(alb_journal_broken(j, &err));
    assert_int_equal(err.code, ALB_E_NO_SPACE);
    alb_journal_hashed(j, b); /* no more, although there would be room now */
    alb_journal_close(&j);
    j = open_journal(ALB_JOURNAL_WRITE);
    assert_true(alb_journal_hash(j, a, sha1));
    assert_false(alb_journal_hash(j, b, sha1));
    alb_journal_close(&j);
    alb_item_free(&a);
    alb_item_free(&b);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct alb_item *a = test_item("/p/a.jpg", 1, 1, ""), *b = test_item("/p/b.jpg", 2, 2, "");
    struct alb_journal *j = open_journal(ALB_JOURNAL_WRITE);
    alb_journal_hashed(j, a);
    alb_journal_begun(j, b, ALB_STR("/files/b"));
    alb_journal_close(&j);
    for (uint64_t n = 1;; n++) {
        alb_mem_fault(n, true);
        enum alb_code code = alb_journal_open(path, ALB_JOURNAL_WRITE, &j, NULL);
        bool fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        if (code == ALB_OK) {
            alb_journal_close(&j);
            if (!fired)
                break;
        } else {
            assert_true(fired);
            assert_null(j);
        }
        assert_true(n < 1000);
    }
    alb_item_free(&a);
    alb_item_free(&b);
}

static void *append_many(void *journal)
{
    for (int i = 0; i < 400; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "/%p/%d.jpg", (void *)&name, i);
        struct alb_item *item = test_item(name, i + 1, 9, "");
        alb_journal_hashed(journal, item);
        alb_item_free(&item);
    }
    return NULL;
}

static void test_lines_of_threads_never_mix(void **state)
{
    (void)state;
    struct alb_thread threads[4] = {{.started = false}};
    struct alb_journal *j = open_journal(ALB_JOURNAL_WRITE);
    struct alb_buf whole = ALB_BUF_INIT(1 << 24);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(alb_thread_start(&threads[i], "append", append_many, j, NULL), ALB_OK);
    for (size_t i = 0; i < 4; i++)
        alb_thread_join(&threads[i]);
    alb_journal_close(&j);
    read_all(&whole);
    struct alb_str rest = alb_buf_view(&whole), line;
    size_t good = 0;
    while (alb_str_next(&rest, '\n', &line)) {
        struct alb_journal_line l;
        good += alb_journal_line_parse(line, &l);
    }
    assert_int_equal(good, 1600);
    alb_buf_fini(&whole);
}

static void test_default_path(void **state)
{
    (void)state;
    struct alb_buf a = ALB_BUF_INIT(4096), b = ALB_BUF_INIT(4096);
    setenv("XDG_STATE_HOME", "/state", 1);
    setenv("HOME", "/home/me", 1);
    assert_int_equal(alb_journal_default_path(ALB_STR("http://a"), ALB_STR("key"), &a, NULL), ALB_OK);
    assert_true(alb_str_starts(alb_buf_view(&a), ALB_STR("/state/albumen/import-")));
    assert_int_equal(alb_journal_default_path(ALB_STR("http://a"), ALB_STR("other"), &b, NULL), ALB_OK);
    assert_false(alb_str_eq(alb_buf_view(&a), alb_buf_view(&b)));
    assert_int_equal(alb_str_find_str(alb_buf_view(&a), ALB_STR("key")), ALB_STR_NPOS);
    setenv("XDG_STATE_HOME", "relative/is/ignored", 1);
    assert_int_equal(alb_journal_default_path(ALB_STR("http://a"), ALB_STR("key"), &a, NULL), ALB_OK);
    assert_true(alb_str_starts(alb_buf_view(&a), ALB_STR("/home/me/.local/state/albumen/import-")));
    unsetenv("HOME");
    assert_int_equal(alb_journal_default_path(ALB_STR("http://a"), ALB_STR("key"), &a, NULL),
                     ALB_E_NOT_FOUND);
    alb_buf_fini(&a);
    alb_buf_fini(&b);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_remembers),
        T(test_no_journal_knows_nothing),
        T(test_torn_at_every_byte),
        T(test_flipped_bits),
        T(test_other_files_are_left_alone),
        T(test_one_holder),
        T(test_rewrites_when_most_is_dead),
        T(test_grows),
        T(test_disk_full),
        T(test_no_memory),
        T(test_lines_of_threads_never_mix),
        cmocka_unit_test(test_default_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
