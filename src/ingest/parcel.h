/* SPDX-License-Identifier: Apache-2.0
 *
 * One parcel on its way to becoming an asset: an actor (base/actor.h). Private to src/ingest.
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
    struct alb_blob_publish publish;
    struct alb_waiter waiter; /* for the catalog's commit */
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
enum alb_code alb_parcel_facts(const struct alb_probe *probe, struct alb_arena *a,
                               struct alb_parcel_facts *out, struct alb_err *err) ALB_MUST_CHECK;

#endif
