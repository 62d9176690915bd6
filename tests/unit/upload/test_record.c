/* SPDX-License-Identifier: Apache-2.0
 *
 * The record alone: what is written is read, what is torn falls back to the older slot, what is damaged is not
 * believed.
 */
#include "world.h"

#include "upload/priv.h"

struct file {
    unsigned char p[8192];
    size_t n;
    struct alb_record_head head;
};

static void fill_slot(struct alb_record_slot *slot, uint64_t seq, int64_t offset, const unsigned char *sums)
{
    struct alb_hash h;
    unsigned char bytes[100];

    memset(slot, 0, sizeof(*slot));
    slot->seq = seq;
    slot->length = 100 << 20;
    slot->offset = offset;
    slot->expires_ms = 12345;
    slot->state = ALB_UPLOAD_OPEN;
    slot->chain = alb_record_chain(
        0, alb_str_n((const char *)sums, (size_t)(offset / ALB_BLOCK_SIZE) * ALB_BLOCK_SUM_LEN));
    kit_fill(bytes, sizeof(bytes), 0, seq);
    const enum alb_hash_kind kinds[] = {ALB_HASH_SHA256, ALB_HASH_SHA1, ALB_HASH_MD5};
    for (size_t i = 0; i < 3; i++) {
        alb_hash_init(&h, kinds[i]);
        alb_hash_update(&h, bytes, sizeof(bytes));
        slot->hashes[i].n = alb_hash_save(&h, slot->hashes[i].p);
    }
}

/* Slots of seq 6 (5 blocks) and 7 (9 blocks and a half). */
static void build(struct file *f)
{
    struct alb_buf b = ALB_BUF_INIT(sizeof(f->p));
    struct alb_record_slot slot;
    unsigned char sums[10 * ALB_BLOCK_SUM_LEN];

    kit_fill(sums, sizeof(sums), 0, 3);
    f->head = (struct alb_record_head){.id = ALB_STR("the-id"),
                                       .metadata = ALB_STR("some metadata"),
                                       .note = ALB_STR("and a note"),
                                       .owner = 77,
                                       .created_ms = 99,
                                       .kind = ALB_UPLOAD_PARTIAL,
                                       .md5 = true};
    assert_ok(alb_record_head_write(&f->head, &b, &err));
    assert_int_equal(f->head.size, 512);
    memset(f->p, 0, sizeof(f->p));
    memcpy(f->p, b.p, b.n);
    fill_slot(&slot, 6, 5 * ALB_BLOCK_SIZE, sums);
    alb_record_slot_write(&slot, f->p + alb_record_slot_at(&f->head, 6));
    fill_slot(&slot, 7, 9 * ALB_BLOCK_SIZE + 500000, sums);
    alb_record_slot_write(&slot, f->p + alb_record_slot_at(&f->head, 7));
    memcpy(f->p + alb_record_sums_at(&f->head), sums, 9 * ALB_BLOCK_SUM_LEN);
    f->n = (size_t)alb_record_sums_at(&f->head) + 9 * ALB_BLOCK_SUM_LEN;
    alb_buf_fini(&b);
}

static enum alb_code read_file(const struct file *f, uint64_t newest, uint64_t *seq, bool *stale)
{
    struct alb_record_head head;
    struct alb_record_slot slot;
    struct alb_str sums;
    enum alb_code code = alb_record_read(f->p, f->n, newest, &head, &slot, &sums, stale, NULL);

    *seq = slot.seq;
    if (code == ALB_OK) {
        assert_true(alb_str_eq_c(head.id, "the-id"));
        assert_true(alb_str_eq_c(head.metadata, "some metadata"));
        assert_true(alb_str_eq_c(head.note, "and a note"));
        assert_int_equal(head.owner, 77);
        assert_int_equal(head.created_ms, 99);
        assert_int_equal(head.kind, ALB_UPLOAD_PARTIAL);
        assert_true(head.md5);
        assert_int_equal(sums.n, (size_t)(slot.offset / ALB_BLOCK_SIZE) * ALB_BLOCK_SUM_LEN);
        assert_int_equal(slot.expires_ms, 12345);
    }
    return code;
}

static void the_newest_valid_slot_counts(void **state)
{
    struct file *f = calloc(1, sizeof(*f));
    uint64_t seq;
    bool stale;

    (void)state;
    build(f);
    assert_int_equal(read_file(f, UINT64_MAX, &seq, &stale), ALB_OK);
    assert_int_equal(seq, 7);
    assert_false(stale);
    assert_int_equal(read_file(f, 6, &seq, &stale), ALB_OK); /* 7 was written, but its fsync failed */
    assert_int_equal(seq, 6);
    assert_true(stale);
    assert_int_equal(read_file(f, 5, &seq, &stale), ALB_E_CORRUPT);
    free(f);
}

/* Any one byte wrong: the head's make it damaged, a slot's or its sums' give the other slot. */
static void no_flipped_byte_is_believed(void **state)
{
    struct file *f = calloc(1, sizeof(*f));
    uint64_t seq;
    bool stale;

    (void)state;
    build(f);
    size_t used7 = (size_t)alb_record_slot_at(&f->head, 7), used6 = (size_t)alb_record_slot_at(&f->head, 6);
    size_t sums = (size_t)alb_record_sums_at(&f->head);
    for (size_t at = 0; at < f->n; at++) {
        f->p[at] ^= 0x20;
        enum alb_code code = read_file(f, UINT64_MAX, &seq, &stale);
        if (at < f->head.size)
            assert_int_equal(code, ALB_E_CORRUPT);
        else if (at >= sums && at < sums + 5 * ALB_BLOCK_SUM_LEN)
            assert_int_equal(code, ALB_E_CORRUPT); /* both slots speak of it */
        else if (at >= sums || (at >= used7 && at < used7 + 400))
            assert_true(code == ALB_OK && seq == 6);
        else if (at >= used6 && at < used6 + 400)
            assert_true(code == ALB_OK && seq == 7);
        else
            assert_int_equal(code, ALB_OK); /* behind the used part of a slot */
        f->p[at] ^= 0x20;
    }
    for (size_t n = 0; n < f->n; n++) { /* cut anywhere */
        struct file cut = *f;
        cut.n = n;
        enum alb_code code = read_file(&cut, UINT64_MAX, &seq, &stale);
        if (n < sums + 5 * ALB_BLOCK_SUM_LEN)
            assert_int_equal(code, ALB_E_CORRUPT);
        else
            assert_true(code == ALB_OK && seq == 6);
    }
    free(f);
}

/* The slot reached the disk, its sums did not (one fdatasync covers both, in any order). */
static void a_slot_without_its_sums_does_not_count(void **state)
{
    struct file *f = calloc(1, sizeof(*f));
    uint64_t seq;
    bool stale;

    (void)state;
    build(f);
    memset(f->p + alb_record_sums_at(&f->head) + 5 * ALB_BLOCK_SUM_LEN, 0, 4 * ALB_BLOCK_SUM_LEN);
    assert_int_equal(read_file(f, UINT64_MAX, &seq, &stale), ALB_OK);
    assert_int_equal(seq, 6);
    free(f);
}

static void ends_are_kept(void **state)
{
    unsigned char p[ALB_RECORD_SLOT];
    struct alb_record_slot a = {.seq = 1, .length = 5, .offset = 5}, b;

    (void)state;
    a.state = ALB_UPLOAD_FINISHED;
    a.result_n = ALB_UPLOAD_RESULT_MAX;
    kit_fill(a.result, sizeof(a.result), 0, 1);
    alb_record_slot_write(&a, p);
    assert_true(alb_record_slot_read(p, &b));
    assert_int_equal(b.result_n, a.result_n);
    assert_memory_equal(a.result, b.result, a.result_n);
    a = (struct alb_record_slot){.seq = 1, .length = 5, .offset = 5, .state = ALB_UPLOAD_REJECTED};
    for (int code = 1; code < ALB_CODE_COUNT; code++) {
        a.rejected = (enum alb_code)code;
        a.reason_n = ALB_RECORD_REASON_MAX;
        memset(a.reason, 'r', sizeof(a.reason));
        alb_record_slot_write(&a, p);
        assert_true(alb_record_slot_read(p, &b));
        assert_int_equal(b.rejected, code);
        assert_memory_equal(a.reason, b.reason, a.reason_n);
    }
    a = (struct alb_record_slot){.seq = 1, .length = 9, .offset = 5, .state = ALB_UPLOAD_COMPLETE};
    alb_record_slot_write(&a, p);
    assert_false(alb_record_slot_read(p, &b)); /* complete, and bytes are missing */
    a = (struct alb_record_slot){.seq = 1, .length = 4, .offset = 5};
    alb_record_slot_write(&a, p);
    assert_false(alb_record_slot_read(p, &b));
    a = (struct alb_record_slot){.seq = 0, .length = 4, .offset = 4};
    alb_record_slot_write(&a, p);
    assert_false(alb_record_slot_read(p, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_valid_slot_counts),
        cmocka_unit_test(no_flipped_byte_is_believed),
        cmocka_unit_test(a_slot_without_its_sums_does_not_count),
        cmocka_unit_test(ends_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
