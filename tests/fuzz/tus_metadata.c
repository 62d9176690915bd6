/* SPDX-License-Identifier: Apache-2.0
 *
 * Upload-Metadata (doors/tus): no input harms, and whatever is taken can be kept: it packs into a note that
 * unpacks again.
 */
#include "base/arena.h"
#include "base/check.h"
#include "doors/tus/metadata.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alb_ingest_hints hints, again;
    struct alb_arena *arena = alb_arena_new((size_t)8 << 20);
    struct alb_buf note = ALB_BUF_INIT((size_t)8 << 20);

    alb_ingest_hints_init(&hints);
    if (arena != NULL &&
        alb_tus_metadata(alb_str_n((const char *)data, size), arena, &hints, NULL) == ALB_OK) {
        ALB_CHECK(hints.tag_count <= ALB_INGEST_TAGS_MAX);
        ALB_CHECK(alb_str_is_utf8(hints.name) && alb_str_is_utf8(hints.title));
        alb_ingest_hints_pack(&hints, &note);
        ALB_CHECK(alb_buf_code(&note) == ALB_OK);
        ALB_CHECK(alb_ingest_hints_unpack(alb_buf_view(&note), arena, &again, NULL) == ALB_OK);
        ALB_CHECK(alb_str_eq(again.name, hints.name));
    }
    alb_buf_fini(&note);
    alb_arena_free(&arena);
    return 0;
}
