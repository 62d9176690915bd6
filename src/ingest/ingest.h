/* SPDX-License-Identifier: Apache-2.0
 *
 * ingest: the only maker of assets. It is the sink of the upload room: a complete, durable upload goes in,
 * and one transaction later there is an asset, or a clear refusal.
 *
 *   SNIFF   type by content; empty or unknown: UNPROCESSABLE, nothing is kept
 *   PROBE   in the darkroom's probe lane: header, metadata, damage, placeholder. A known type whose
 *           content is damaged is kept and marked (it may be the only copy)
 *   PUBLISH the upload's file becomes the original (blob/store.h); pinned until the end
 *   CREATE  one transaction: blob row, asset, layers, links, jobs, change feed, counters
 *   -> result: alb_ingest_result as text, kept by the upload room for clients that ask again
 *
 * What became of an upload is remembered in the transaction that makes its asset, for keep_ms: the sink's
 * recall answers from there, so the upload room needs no durable memory of what was taken.
 *
 * After a crash the upload room offers the parcel again: the file may have been renamed already (then PUBLISH
 * comes first and finds it), the asset may exist already (then it is the duplicate of itself, and the answer
 * names it). So nothing is lost and nothing is made twice (laws 3 and 5).
 * Refused for good are an empty file, an unknown type, other bytes with the SHA-1 of a photo that is there
 * (all UNPROCESSABLE), a full quota (TOO_LARGE) and an owner who may not upload (FORBIDDEN). Every other
 * failure leaves the upload complete, to be offered again.
 *
 * What was published for a parcel that is refused then is removed at once.
 *
 * Threads: any. No lock of its own (actors).
 */
#ifndef ALB_INGEST_INGEST_H
#define ALB_INGEST_INGEST_H

#include "base/clock.h"
#include "base/pool.h"
#include "library/asset.h"
#include "upload/sink.h"

struct alb_blob_store;
struct alb_darkroom;
struct alb_ingest;

struct alb_ingest_config {
    const struct alb_clock *clock;
    struct alb_pool *pool;
    struct alb_library *library;
    struct alb_blob_store *store;
    struct alb_darkroom *darkroom;
    int64_t probe_ns; /* longest probe, queue included */
    int64_t keep_ms;  /* what became of an upload is remembered so long (recall); 0 = not at all */
};
enum alb_code alb_ingest_new(const struct alb_ingest_config *config, struct alb_ingest **out,
                             struct alb_err *err) ALB_MUST_CHECK;
void alb_ingest_free(struct alb_ingest **ingest); /* no parcel is under way */
/* The sink for alb_uploads_config; valid as long as the ingest. */
const struct alb_upload_sink *alb_ingest_sink(struct alb_ingest *ingest);

/* What a door knows about an upload beside its bytes. It travels in the `note` of the upload (durable with
 * it), in a form of our own: pack and unpack are inverse, unpack trusts nothing. */
#define ALB_INGEST_TAGS_MAX 64
#define ALB_INGEST_ALBUMS_MAX 8
#define ALB_INGEST_ALBUM_NAME_MAX 255
struct alb_ingest_hints {
    enum alb_door door;
    struct alb_str name;      /* original file name, without folders */
    int64_t file_modified_ms; /* 0 = unknown */
    bool has_taken;
    struct alb_capture taken;
    struct alb_str title, description; /* p == NULL: not said */
    bool favorite;
    enum alb_visibility visibility;
    struct alb_str device_id, device_asset_id;
    struct alb_str tags[ALB_INGEST_TAGS_MAX]; /* paths, of the owner */
    size_t tag_count;
    struct alb_str albums[ALB_INGEST_ALBUMS_MAX]; /* names of personal albums of the owner, made if missing */
    size_t album_count;
};
void alb_ingest_hints_init(struct alb_ingest_hints *h);
void alb_ingest_hints_pack(const struct alb_ingest_hints *h, struct alb_buf *out);
/* Views point into the arena. INVALID if it is not what pack makes (unknown keys are skipped). */
enum alb_code alb_ingest_hints_unpack(struct alb_str note, struct alb_arena *a, struct alb_ingest_hints *out,
                                      struct alb_err *err) ALB_MUST_CHECK;

/* What became of it. Text: "created|duplicate|restored <uuid>[ trashed]". */
struct alb_ingest_result {
    enum alb_created_as as;
    struct alb_uuid asset;
    bool trashed; /* the duplicate lies in the trash */
};
const char *alb_ingest_result_word(enum alb_created_as as); /* "created" */
struct alb_bytes *
alb_ingest_result_text(const struct alb_ingest_result *result) ALB_MUST_CHECK; /* NULL: no memory */
bool alb_ingest_result_parse(struct alb_str text, struct alb_ingest_result *out) ALB_MUST_CHECK;

/* Follow-up jobs that come with a new asset (src/jobs runs them). */
#define ALB_JOB_KIND_WARM "asset.warm" /* make the standard sizes */

#endif
