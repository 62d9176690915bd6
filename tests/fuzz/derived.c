/* SPDX-License-Identifier: Apache-2.0
 *
 * Derived files. The input is a file as it is; and, so that the fuzzer gets behind the checksum, the same
 * with a right one. What parses must lie inside the input, and be the file that writing it again would make.
 */
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "blob/derived.h"
#include "fuzz.h"

static void parse(const uint8_t *data, size_t size)
{
    struct alb_derived_view v;

    if (alb_derived_parse(data, size, NULL, &v, NULL) != ALB_OK)
        return;
    const uint8_t *meta = (const uint8_t *)v.front.meta.p, *body = (const uint8_t *)v.body.p;
    ALB_CHECK(meta == data + ALB_DERIVED_HEAD && body == meta + v.front.meta.n + v.front.labels.n);
    ALB_CHECK(body + v.body.n == data + size);
    ALB_CHECK(v.front.meta.n <= ALB_DERIVED_META_MAX && v.front.labels.n <= ALB_DERIVED_LABELS_MAX);
    ALB_CHECK(alb_derived_file_size(&v.front, v.body.n) == (int64_t)size);
    struct alb_derived_key other = v.key;
    ALB_CHECK(alb_derived_parse(data, size, &other, &v, NULL) == ALB_OK);
    other.b[31] ^= 1;
    ALB_CHECK(alb_derived_parse(data, size, &other, &v, NULL) == ALB_E_NOT_FOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse(data, size);
    if (size < ALB_DERIVED_HEAD)
        return 0;
    uint8_t *copy = alb_mem_alloc_nofail(size);
    memcpy(copy, data, size);
    memcpy(copy, "ALBDERV2", 8);
    uint64_t sum = alb_xxh3(copy + 16, size - 16);
    for (int i = 0; i < 8; i++)
        copy[8 + i] = (uint8_t)(sum >> (8 * i));
    parse(copy, size);
    alb_mem_free(copy);
    return 0;
}
