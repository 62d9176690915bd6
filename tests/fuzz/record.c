/* SPDX-License-Identifier: Apache-2.0
 *
 * State records of uploads. The input is a file as it is; and the same with right checksums in its head and
 * both slots, so that the fuzzer gets behind them. What is read must hold what the rest of the room relies
 * on, and a slot that was read must be read again when it is written.
 */
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "fuzz.h"
#include "upload/record.h"

static void inside(struct alb_str s, const uint8_t *data, size_t size)
{
    const uint8_t *p = (const uint8_t *)s.p;

    ALB_CHECK(s.n == 0 || (p >= data && s.n <= size && p <= data + size - s.n));
}

static void read_file(const uint8_t *data, size_t size, uint64_t newest)
{
    static struct alb_record_slot slot, again;
    struct alb_record_head head;
    struct alb_str sums;
    unsigned char bytes[ALB_RECORD_SLOT];
    bool stale;

    if (alb_record_read(data, size, newest, &head, &slot, &sums, &stale, NULL) != ALB_OK)
        return;
    inside(head.id, data, size);
    inside(head.metadata, data, size);
    inside(head.note, data, size);
    inside(head.path, data, size);
    inside(head.parts, data, size);
    inside(sums, data, size);
    ALB_CHECK(head.id.n >= 1 && head.id.n <= ALB_UPLOAD_ID_PLAIN_MAX && head.size % 512 == 0);
    ALB_CHECK(slot.seq >= 1 && slot.seq <= newest && slot.offset >= 0);
    ALB_CHECK(slot.length == ALB_UPLOAD_DEFERRED || slot.offset <= slot.length);
    ALB_CHECK(slot.state == ALB_UPLOAD_OPEN || slot.offset == slot.length);
    ALB_CHECK(slot.result_n <= ALB_UPLOAD_RESULT_MAX && slot.reason_n <= ALB_RECORD_REASON_MAX);
    bool running = slot.state == ALB_UPLOAD_OPEN || slot.state == ALB_UPLOAD_COMPLETE;
    ALB_CHECK(!running || sums.n == (size_t)(slot.offset / ALB_BLOCK_SIZE) * ALB_BLOCK_SUM_LEN);
    alb_record_slot_write(&slot, bytes);
    ALB_CHECK(alb_record_slot_read(bytes, &again));
    ALB_CHECK(again.seq == slot.seq && again.offset == slot.offset && again.length == slot.length &&
              again.state == slot.state);
}

static void put(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++, v >>= 8)
        p[i] = (uint8_t)v;
}

/* Checksums over whatever the fields say. */
static void mend(uint8_t *p, size_t n)
{
    size_t head = 512;

    if (n < head)
        return;
    memcpy(p, "ALBUPLD1", 8);
    p[16] = 0;
    p[17] = 2;
    p[18] = p[19] = 0; /* 512 */
    p[20] = ALB_RECORD_SLOT & 255;
    p[21] = ALB_RECORD_SLOT >> 8;
    p[22] = p[23] = 0;
    put(p + 8, alb_xxh3(p + 16, head - 16));
    for (size_t at = head; at + ALB_RECORD_SLOT <= n && at <= head + ALB_RECORD_SLOT; at += ALB_RECORD_SLOT) {
        size_t used = (size_t)p[at + 4] | (size_t)p[at + 5] << 8;
        memcpy(p + at, "SLOT", 4);
        p[at + 6] = p[at + 7] = 0;
        if (used >= 16 && used <= ALB_RECORD_SLOT)
            put(p + at + 8, alb_xxh3(p + at + 16, used - 16));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t newest = (uint64_t)fuzz_take_byte(&data, &size) << 56 | UINT64_MAX >> 8;

    read_file(data, size, newest);
    uint8_t *copy = alb_mem_alloc_nofail(size);
    if (size > 0)
        memcpy(copy, data, size);
    mend(copy, size);
    read_file(copy, size, newest);
    alb_mem_free(copy);
    return 0;
}
