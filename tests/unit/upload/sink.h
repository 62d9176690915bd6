/* SPDX-License-Identifier: Apache-2.0
 *
 * A sink for tests, built like ingest: publishes the parcel in a blob store, then commits a line to a
 * "catalog" (a file; append and fdatasync), then answers. Idempotent by id. It can be told to fail, to hold
 * its answer until it is let go, and to have a memory (recall).
 */
#ifndef ALB_TESTS_UPLOAD_SINK_H
#define ALB_TESTS_UPLOAD_SINK_H

#include "../blob/kit.h"

#include <pthread.h>
#include "upload/upload.h"

struct test_sink {
    struct alb_upload_sink sink;
    struct alb_blob_store *store; /* NULL: nothing is published */
    int data_fd;
    pthread_mutex_t m;
    /* under m */
    enum alb_code fail;
    enum alb_code fail_late; /* published, but the catalog does not take it */
    bool hold;
    struct alb_owner held[64];
    struct alb_bytes *held_result[64];
    unsigned held_n, takes, inside, inside_most;
};

#define CATALOG_LINE 192

KIT_UNUSED static bool catalog_find(int data_fd, struct alb_str id, unsigned char sha256[32], int64_t *size)
{
    char line[CATALOG_LINE];
    bool found = false;
    int fd = openat(data_fd, "catalog", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    for (int64_t at = 0; !found && pread(fd, line, sizeof(line), at) == CATALOG_LINE; at += CATALOG_LINE) {
        uint64_t sum;
        memcpy(&sum, line + CATALOG_LINE - 8, 8);
        if (sum != alb_xxh3(line, CATALOG_LINE - 8))
            continue; /* a commit that a crash has torn */
        if ((size_t)line[0] == id.n && memcmp(line + 1, id.p, id.n) == 0) {
            memcpy(sha256, line + 72, 32);
            memcpy(size, line + 104, 8);
            found = true;
        }
    }
    (void)close(fd);
    return found;
}

KIT_UNUSED static enum alb_code catalog_commit(int data_fd, const struct alb_upload_parcel *p,
                                               struct alb_err *err)
{
    char line[CATALOG_LINE] = {0};
    int fd;
    int64_t size;

    line[0] = (char)p->id.n;
    memcpy(line + 1, p->id.p, p->id.n);
    memcpy(line + 72, p->sha256, 32);
    memcpy(line + 104, &p->size, 8);
    uint64_t sum = alb_xxh3(line, CATALOG_LINE - 8);
    memcpy(line + CATALOG_LINE - 8, &sum, 8);
    enum alb_code code = alb_fs_open(data_fd, "catalog", O_RDWR, 0, &fd, err);
    if (code == ALB_OK)
        code = alb_fs_size(fd, &size, err);
    if (code == ALB_OK)
        code = alb_fs_pwrite_all(fd, line, sizeof(line), size - size % CATALOG_LINE, err);
    if (code == ALB_OK)
        code = alb_fs_datasync(fd, err);
    alb_fs_close(&fd);
    return code;
}

KIT_UNUSED static enum alb_code test_sink_publish(struct test_sink *t, const struct alb_upload_parcel *p,
                                                  struct alb_err *err)
{
    struct alb_blob_publish publish;
    struct alb_blob_source src = {
        .from_dirfd = p->dirfd, .from_name = p->name, .size = p->size, .sums = p->sums, .synced = true};
    unsigned char sha[32];
    int64_t size;

    if (catalog_find(t->data_fd, p->id, sha, &size))
        return ALB_OK;
    memcpy(src.sha256, p->sha256, sizeof(src.sha256));
    enum alb_code code = alb_blob_publish_path(&publish, t->store, &src, err);
    (void)pthread_mutex_lock(&t->m);
    enum alb_code late = t->fail_late;
    (void)pthread_mutex_unlock(&t->m);
    if (code == ALB_OK && late != ALB_OK)
        code = alb_fail(err, late, "told to fail when it is published");
    if (code == ALB_OK)
        code = catalog_commit(t->data_fd, p, err);
    alb_blob_publish_end(&publish);
    return code;
}

KIT_UNUSED static struct alb_bytes *test_sink_result(struct alb_str id)
{
    char text[100];

    int n = snprintf(text, sizeof(text), "asset of %.*s", (int)id.n, id.p);
    return alb_bytes_copy(text, (size_t)n);
}

KIT_UNUSED static enum alb_code test_sink_take(void *ctx, const struct alb_upload_parcel *p,
                                               struct alb_future **future, struct alb_err *err)
{
    struct test_sink *t = ctx;
    struct alb_owner title;
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code;

    *future = NULL;
    (void)pthread_mutex_lock(&t->m);
    t->takes++;
    if (++t->inside > t->inside_most)
        t->inside_most = t->inside;
    enum alb_code fail = t->fail;
    (void)pthread_mutex_unlock(&t->m);
    if (fail != ALB_OK)
        code = alb_fail(&why, fail, "told to fail");
    else
        code = t->store != NULL ? test_sink_publish(t, p, &why) : ALB_OK;
    struct alb_bytes *result = test_sink_result(p->id);
    if (alb_future_new(future, &title) != ALB_OK || result == NULL)
        abort();
    (void)pthread_mutex_lock(&t->m);
    bool hold = t->hold && t->held_n < 64;
    if (hold) {
        t->held[t->held_n] = title;
        t->held_result[t->held_n++] = result;
    } else {
        t->inside--;
    }
    (void)pthread_mutex_unlock(&t->m);
    (void)err;
    if (hold)
        return ALB_OK;
    if (code == ALB_OK) {
        (void)alb_future_settle(&title, &result->obj);
    } else {
        alb_bytes_unref(result);
        (void)alb_future_fail(&title, &why);
    }
    return ALB_OK;
}

/* Lets go what is held: with success, or with t->fail. */
KIT_UNUSED static void test_sink_let_go(struct test_sink *t)
{
    struct alb_err why = ALB_ERR_INIT;

    (void)pthread_mutex_lock(&t->m);
    t->hold = false;
    unsigned n = t->held_n;
    t->held_n = 0;
    t->inside -= n;
    enum alb_code fail = t->fail;
    (void)pthread_mutex_unlock(&t->m);
    for (unsigned i = 0; i < n; i++) {
        if (fail == ALB_OK) {
            (void)alb_future_settle(&t->held[i], &t->held_result[i]->obj);
        } else {
            alb_bytes_unref(t->held_result[i]);
            alb_err_clear(&why);
            (void)alb_fail(&why, fail, "told to fail");
            (void)alb_future_fail(&t->held[i], &why);
        }
    }
}

KIT_UNUSED static enum alb_code test_sink_recall(void *ctx, struct alb_str id, int64_t *owner, int64_t *size,
                                                 struct alb_bytes **result, struct alb_err *err)
{
    struct test_sink *t = ctx;
    unsigned char sha[32];

    *result = NULL;
    if (!catalog_find(t->data_fd, id, sha, size))
        return alb_fail(err, ALB_E_NOT_FOUND, "not taken");
    *owner = 7;
    *result = test_sink_result(id);
    return ALB_OK;
}

KIT_UNUSED static void test_sink_init(struct test_sink *t, struct kit_store *k, bool recall)
{
    memset(t, 0, sizeof(*t));
    (void)pthread_mutex_init(&t->m, NULL);
    t->sink.ctx = t;
    t->sink.take = test_sink_take;
    t->sink.recall = recall ? test_sink_recall : NULL;
    t->store = k->store;
    t->data_fd = k->fd;
    if (!kit_exists(k->fd, "catalog"))
        kit_write_file(k->fd, "catalog", "", 0);
}

#endif
