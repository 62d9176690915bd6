/* SPDX-License-Identifier: Apache-2.0
 *
 * Damage that readers meet: marked once, whoever tells; never against a file that has become good since, in
 * whatever order reader and publisher come.
 */
#include "kit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/stat.h"
#include "blob/disk/disk.h"
#include "library/original.h"

#define BYTES 2500000

struct house {
    struct kit *k;
    int dirfd;
    struct alb_quarantine *quarantine;
    struct alb_blob_store *store;
    unsigned char *good;
    struct alb_asset_new asset;
    struct alb_bytes *sums;
    char key[ALB_BLOB_KEY_MAX];
};

static void write_file(const struct house *h, const char *name, const void *p, size_t n)
{
    int fd = openat(h->dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    assert_int_equal(close(fd), 0);
}

/* As ingest does it: publish, commit, unpin. `pause` runs between file and commit. */
static void publish(struct house *h, void (*pause)(struct house *h))
{
    struct alb_blob_publish p;
    struct alb_blob_source s = {.from_dirfd = h->dirfd, .from_name = "upload", .size = BYTES};
    struct alb_created *c;

    write_file(h, "upload", h->good, BYTES);
    memcpy(s.sha256, h->asset.blob.sha256, ALB_SHA256_LEN);
    s.sums = alb_bytes_view(h->sums);
    assert_int_equal(alb_blob_publish_path(&p, h->store, &s, NULL), ALB_OK);
    memcpy(h->key, p.key, sizeof(h->key));
    h->asset.blob.key = alb_str_c(h->key);
    if (pause)
        pause(h);
    c = kit_create(h->k, &h->asset);
    assert_non_null(c);
    alb_obj_unref(&c->obj);
    alb_blob_publish_end(&p);
    assert_int_equal(unlinkat(h->dirfd, "upload", 0), 0);
}

static void open_house(struct house *h, struct kit *k)
{
    struct alb_sums sums;

    *h = (struct house){.k = k, .dirfd = open(k->path, O_RDONLY | O_DIRECTORY)};
    assert_int_equal(alb_quarantine_open(h->dirfd, 1 << 30, 100, &k->clock.clock, &h->quarantine, NULL), ALB_OK);
    assert_int_equal(alb_blob_disk_open(h->dirfd, h->quarantine, &h->store, NULL), ALB_OK);
    alb_library_watch_store(k->lib, h->store);
    h->good = malloc(BYTES);
    assert_non_null(h->good);
    for (size_t i = 0; i < BYTES; i++)
        h->good[i] = (unsigned char)(i * 2654435761u >> 13);
    assert_int_equal(alb_sums_init(&sums, NULL), ALB_OK);
    assert_int_equal(alb_sums_update(&sums, h->good, BYTES, NULL), ALB_OK);
    h->sums = alb_sums_final(&sums);
    alb_sums_fini(&sums);
    h->asset = kit_asset(ALB_USER_ADMIN, 1);
    h->asset.blob.size = BYTES;
    h->asset.blob.sums = alb_bytes_view(h->sums);
    alb_sha256(h->good, BYTES, h->asset.blob.sha256);
    alb_sha1(h->good, BYTES, h->asset.blob.sha1);
    publish(h, NULL);
}

static void close_house(struct house *h)
{
    alb_blob_store_free(&h->store);
    alb_quarantine_close(&h->quarantine);
    alb_bytes_unref(h->sums);
    free(h->good);
    (void)close(h->dirfd);
}

static void path_of(const struct house *h, char out[200])
{
    snprintf(out, 200, "originals/%s", h->key);
}

static void harm(const struct house *h, size_t at)
{
    char path[200];
    unsigned char bad = (unsigned char)(h->good[at] ^ 0x40);
    int fd;

    path_of(h, path);
    assert_int_equal(fchmodat(h->dirfd, path, 0600, 0), 0);
    fd = openat(h->dirfd, path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &bad, 1, (off_t)at), 1);
    assert_int_equal(close(fd), 0);
}

static struct alb_blob row_of(struct house *h)
{
    struct alb_blob row;

    assert_int_equal(alb_library_blob_find(h->k->lib, h->asset.blob.sha256, h->k->arena, &row, NULL), ALB_OK);
    return row;
}

/* All that is queued has been written: a write that comes after it has. */
static void settle(struct house *h)
{
    int64_t n;

    assert_int_equal(KIT_ID(&n, alb_library_blob_bury, h->k->lib, 1), ALB_OK);
}

static struct alb_blob_reader *reader_of(struct house *h)
{
    struct alb_blob row = row_of(h);
    struct alb_blob_ref ref = {.size = row.size, .key = row.key, .sums = row.sums};
    struct alb_blob_reader *r;

    memcpy(ref.sha256, row.sha256, sizeof(ref.sha256));
    assert_int_equal(alb_blob_open(h->store, &ref, &r, NULL), ALB_OK);
    return r;
}

static enum alb_code read_at(struct alb_blob_reader *r, int64_t off)
{
    char byte;
    size_t got;

    return alb_blob_read(r, off, &byte, 1, &got, NULL);
}

static uint64_t marked(void)
{
    return (uint64_t)alb_stat_get(ALB_STAT_BLOB_MARKED);
}

static void test_marked_once_and_healed(void **state)
{
    struct house h;
    struct alb_blob_reader *readers[5];
    uint64_t before = marked();

    open_house(&h, *state);
    harm(&h, 1500000);
    for (size_t i = 0; i < ALB_ARRAY_LEN(readers); i++)
        readers[i] = reader_of(&h);
    assert_int_equal(read_at(readers[0], 10), ALB_OK);
    settle(&h);
    assert_false(row_of(&h).bad); /* nobody has met it yet */
    for (size_t i = 0; i < ALB_ARRAY_LEN(readers); i++) {
        assert_int_equal(read_at(readers[i], 1500000), ALB_E_CORRUPT);
        alb_blob_close(&readers[i]);
    }
    settle(&h);
    assert_true(row_of(&h).bad);
    assert_int_equal(marked(), before + 1);
    assert_true(kit_get(h.k, 1).original_bad);
    publish(&h, NULL); /* the same bytes again */
    assert_false(row_of(&h).bad);
    assert_false(kit_get(h.k, 1).original_bad);
    readers[0] = reader_of(&h);
    assert_int_equal(read_at(readers[0], 1500000), ALB_OK);
    alb_blob_close(&readers[0]);
    harm(&h, 5); /* and a second time */
    readers[0] = reader_of(&h);
    assert_int_equal(read_at(readers[0], 1), ALB_E_CORRUPT);
    alb_blob_close(&readers[0]);
    settle(&h);
    assert_true(row_of(&h).bad);
    close_house(&h);
}

static void test_missing_and_cut(void **state)
{
    struct house h;
    char path[200];
    struct alb_blob row;
    struct alb_blob_reader *r;

    open_house(&h, *state);
    path_of(&h, path);
    row = row_of(&h);
    struct alb_blob_ref ref = {.size = row.size, .key = row.key, .sums = row.sums};
    memcpy(ref.sha256, row.sha256, sizeof(ref.sha256));
    assert_int_equal(unlinkat(h.dirfd, path, 0), 0);
    assert_int_equal(alb_blob_open(h.store, &ref, &r, NULL), ALB_E_NOT_FOUND);
    settle(&h);
    assert_true(row_of(&h).bad);
    publish(&h, NULL);
    assert_false(row_of(&h).bad);
    assert_int_equal(fchmodat(h.dirfd, path, 0600, 0), 0);
    int fd = openat(h.dirfd, path, O_WRONLY);
    assert_int_equal(ftruncate(fd, BYTES - 1), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(alb_blob_open(h.store, &ref, &r, NULL), ALB_E_CORRUPT);
    settle(&h);
    assert_true(row_of(&h).bad);
    close_house(&h);
}

/* A reader that holds the damaged file speaks of the past when the good one is in its place. */
static struct alb_blob_reader *old_reader;

static void read_old(struct house *h)
{
    (void)h;
    assert_int_equal(read_at(old_reader, 1), ALB_E_CORRUPT);
}

static void test_old_reader(void **state)
{
    struct house h;

    open_house(&h, *state);
    for (int when = 0; when < 2; when++) { /* before the commit of the good file, and after it */
        harm(&h, 5);
        old_reader = reader_of(&h);
        publish(&h, when == 0 ? read_old : NULL);
        if (when == 1)
            read_old(&h);
        alb_blob_close(&old_reader);
        settle(&h);
        assert_false(row_of(&h).bad);
    }
    close_house(&h);
}

/* Whoever looked at the file before it was published again may not judge it any more: damage that nobody knew of
 * (so no mark told the publication that it heals), the clock standing still. */
static void test_judgement_of_the_past(void **state)
{
    struct house h;
    struct alb_blob seen;

    open_house(&h, *state);
    harm(&h, 5);
    seen = row_of(&h);
    publish(&h, NULL);
    assert_int_equal(KIT(alb_library_blob_verified, h.k->lib, seen.id, seen.verified_at, false), ALB_OK);
    assert_false(row_of(&h).bad);
    seen = row_of(&h);
    assert_int_equal(KIT(alb_library_blob_verified, h.k->lib, seen.id, seen.verified_at, false), ALB_OK);
    assert_true(row_of(&h).bad);
    assert_true(row_of(&h).verified_at > seen.verified_at);
    close_house(&h);
}

static void test_users(void **state)
{
    struct kit *k = *state;
    int64_t ann = kit_user(k, "ann", 0), done;
    struct alb_principal *p = kit_as(k, ann);
    struct alb_blob_user *list;
    struct alb_blob *rows;
    size_t n;

    kit_add(k, ALB_USER_ADMIN, 7);
    int64_t id = kit_add(k, ann, 7);
    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, id, &done), ALB_OK);
    assert_int_equal(alb_library_blob_page(k->lib, 0, 10, k->arena, &rows, &n, NULL), ALB_OK);
    assert_int_equal(n, 1);
    assert_int_equal(alb_library_blob_users(k->lib, rows[0].id, 10, k->arena, &list, &n, NULL), ALB_OK);
    assert_int_equal(n, 2);
    assert_true(alb_str_eq_c(list[0].owner, "admin") && alb_str_eq_c(list[0].name, "IMG_1.JPG"));
    assert_true(alb_str_eq_c(list[1].owner, "ann") && list[1].trashed && !list[0].trashed);
    assert_int_equal(list[1].asset_id, id);
    assert_int_equal(alb_library_blob_users(k->lib, rows[0].id, 1, k->arena, &list, &n, NULL), ALB_OK);
    assert_int_equal(n, 1);
    alb_principal_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_marked_once_and_healed, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(test_missing_and_cut, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(test_old_reader, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(test_judgement_of_the_past, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(test_users, kit_setup, kit_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
