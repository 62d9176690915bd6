/* SPDX-License-Identifier: Apache-2.0
 *
 * The note of an upload (ingest.h): whatever unpack takes, pack gives back in a form that unpack takes again
 * with the same meaning. And the text of a result.
 */
#include "base/arena.h"
#include "base/check.h"
#include "fuzz.h"
#include "ingest/ingest.h"

static bool same(const struct alb_ingest_hints *a, const struct alb_ingest_hints *b)
{
    if (a->door != b->door || a->favorite != b->favorite || a->visibility != b->visibility ||
        a->has_taken != b->has_taken || a->file_modified_ms != b->file_modified_ms ||
        a->tag_count != b->tag_count)
        return false;
    if (a->has_taken &&
        (a->taken.utc_ms != b->taken.utc_ms || a->taken.local_ms != b->taken.local_ms ||
         a->taken.has_offset != b->taken.has_offset || a->taken.offset_min != b->taken.offset_min))
        return false;
    for (size_t i = 0; i < a->tag_count; i++)
        if (!alb_str_eq(a->tags[i], b->tags[i]))
            return false;
    return alb_str_eq(a->name, b->name) && alb_str_eq(a->title, b->title) &&
           alb_str_eq(a->description, b->description) && alb_str_eq(a->device_id, b->device_id) &&
           alb_str_eq(a->device_asset_id, b->device_asset_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alb_ingest_hints first, second;
    struct alb_ingest_result result;
    struct alb_str text = alb_str_n((const char *)data, size);
    struct alb_arena *arena = alb_arena_new((size_t)8 << 20);
    struct alb_buf note = ALB_BUF_INIT((size_t)8 << 20);

    if (arena != NULL && alb_ingest_hints_unpack(text, arena, &first, NULL) == ALB_OK) {
        alb_ingest_hints_pack(&first, &note);
        ALB_CHECK(alb_buf_code(&note) == ALB_OK);
        ALB_CHECK(alb_ingest_hints_unpack(alb_buf_view(&note), arena, &second, NULL) == ALB_OK);
        ALB_CHECK(same(&first, &second));
    }
    if (alb_ingest_result_parse(text, &result))
        ALB_CHECK(alb_ingest_result_word(result.as) != NULL);
    alb_buf_fini(&note);
    alb_arena_free(&arena);
    return 0;
}
