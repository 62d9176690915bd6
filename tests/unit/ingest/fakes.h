/* SPDX-License-Identifier: Apache-2.0
 *
 * What ingest stands on, faked with the same symbols: the store of originals, the darkroom's probe lane and
 * the library's transaction. Each call writes one letter into fake.order:
 *   P published   O original opened   V a slice of it verified   B probe submitted   C transaction begun   E
 * unpinned   R original removed
 */
#ifndef ALB_TESTS_INGEST_FAKES_H
#define ALB_TESTS_INGEST_FAKES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "image/darkroom.h"
#include "ingest/ingest.h"

struct fake {
    /* what is to happen */
    enum alb_code submit; /* of the probe */
    enum alb_code probe;  /* how it ends */
    int64_t queued_ns, run_ns;
    bool damaged, unknown, with_meta;
    enum alb_code publish, open, create /* at once */, commit /* later */;
    bool existed;      /* the original was there */
    enum alb_code row; /* of that hash; ALB_OK = there is one */
    unsigned slices;   /* of publishing and of verifying, at least 1 */
    enum alb_created_as as;
    bool trashed;
    struct alb_taken taken; /* what is remembered of upload "known" */
    /* what has happened */
    char order[64];
    atomic_uint steps;
    unsigned pins;
    /* the transaction's arguments, copied as far as tests look */
    struct alb_asset_new asset;
    char name[300], mime[64], title[64], tags[256], key[96], upload[64];
    uint32_t hint_stated, file_stated;
};
extern struct fake fake;
void fake_reset(void);
void fake_note(char c);

#endif
