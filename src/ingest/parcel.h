/* SPDX-License-Identifier: Apache-2.0
 *
 * One parcel on its way to becoming an asset: an actor (base/actor.h). Private to src/ingest.
 *
 *   the file is there (usual):    OPEN -> SNIFF -> PROBE -> PUBLISH -> CREATE
 *   it was renamed by a run that did not come to its end:
 *                                 PUBLISH (finds it) -> OPEN, checked -> SNIFF -> PROBE -> CREATE
 *
 * What ends badly is one of two kinds, and upload tells them apart by the code (alb_upload_refusal):
 *   refused      an empty or unknown file, a forged SHA-1, the owner's quota: the bytes are given up
 *   not now      everything else, whatever code it came with: the upload stays, and is offered again
 * A hint or a fact that the catalog would not take (a title too long, a date in the year 0) is left out: it
 * never costs the photo.
 */
#ifndef ALB_INGEST_PARCEL_H
#define ALB_INGEST_PARCEL_H

#include "base/actor.h"
#include "base/future.h"
#include "blob/store.h"
#include "image/darkroom.h"
#include "ingest/ingest.h"

struct alb_ingest {
    struct alb_ingest_config config;
    struct alb_upload_sink sink;
};

struct alb_parcel_job {
    /* fixed after create */
    struct alb_ingest *ingest;
    struct alb_upload_parcel parcel; /* borrowed from the upload room until the title ends */
    struct alb_actor actor;
    /* owned by the turn that runs */
    struct alb_owner owner;
    struct alb_arena *arena;
    struct alb_ingest_hints hints;
    int fd; /* of the bytes, or -1 */
    struct alb_blob_reader *reader;
    enum alb_type type;
    struct alb_darkroom_job probing;
    bool probed, published;
    bool orphan;                     /* refused after it was published */
    struct alb_blob_publish publish; /* ended by job_free in any case */
    struct alb_waiter waiter;        /* for the catalog's commit */
    struct alb_future *commit;
};

/* Takes *owner. */
void alb_parcel_begin(struct alb_ingest *ingest, const struct alb_upload_parcel *parcel,
                      struct alb_owner *owner);

/* What the probe found, as the library wants it: fills media, file layer and tags (arena). */
struct alb_parcel_facts {
    struct alb_media media;
    struct alb_layer file;
    struct alb_tag_name *tags;
    size_t tag_count;
};
/* Fields that the catalog would refuse become silent. */
void alb_parcel_clean(struct alb_layer *layer);
/* A tag that the catalog takes. */
bool alb_parcel_tag_ok(struct alb_str value);
/* A file name that the catalog takes: without control characters, cut (its ending stays); one made from the
 * id if there is none. Empty: no memory. */
struct alb_str alb_parcel_name(struct alb_str given, struct alb_str id, enum alb_type type,
                               struct alb_arena *a);
enum alb_code alb_parcel_facts(const struct alb_probe *probe, struct alb_arena *a,
                               struct alb_parcel_facts *out, struct alb_err *err) ALB_MUST_CHECK;

#endif
