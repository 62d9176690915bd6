/* SPDX-License-Identifier: Apache-2.0
 *
 * Naming bytes. alb_library_resolve is the only way from a reference in a request to bytes of the library:
 * it checks see(principal, asset) and the credential's permission in one snapshot and gives a struct
 * alb_source, an immutable counted object with everything that render and the doors need. `render` accepts
 * nothing else.
 */
#ifndef ALB_LIBRARY_SOURCE_H
#define ALB_LIBRARY_SOURCE_H

#include "library/principal.h"

/* "asset://<uuid>", "asset:<id>", "asset:<uuid>" or a bare UUID. */
struct alb_ref {
    bool by_uuid;
    int64_t id;
    struct alb_uuid uuid;
};
bool alb_ref_parse(struct alb_str text, struct alb_ref *ref) ALB_MUST_CHECK;

enum alb_purpose {
    ALB_PURPOSE_VIEW,    /* a picture made from it: permission asset.view */
    ALB_PURPOSE_ORIGINAL /* the original's bytes: permission asset.download */
};

struct alb_source {
    struct alb_obj obj;
    int64_t asset_id, owner_id;
    struct alb_uuid asset_uuid;
    /* the blob */
    int64_t blob_id, size;
    unsigned char sha256[ALB_SHA256_LEN];
    struct alb_str store, key; /* NUL behind both */
    struct alb_str sums;       /* checksums of the blocks, as the blob store made them */
    /* the header */
    enum alb_kind kind;
    struct alb_str mime;
    struct alb_str header; /* alb_media.header: the image room's packed header, empty = never probed */
    int32_t width, height; /* as stored, 0 = unknown */
    int orientation;       /* EXIF 1..8, 0 = unknown */
    int rotation;          /* by a person, clockwise, on top */
    int64_t duration_ms;
    int64_t render_rev; /* with sha256: identity of everything derived */
    bool damaged;
    bool is_private;     /* not visible to guests: no shared caches */
    int64_t modified_ms; /* for Last-Modified of the original: when it was added */
    struct alb_str name; /* original file name */
};
static inline struct alb_source *alb_source_ref(struct alb_source *s)
{
    return s ? (struct alb_source *)(void *)alb_obj_ref(&s->obj) : NULL;
}
static inline void alb_source_unref(struct alb_source *s)
{
    if (s)
        alb_obj_unref(&s->obj);
}
void alb_source_cleanup(struct alb_source **s); /* for ALB_CLEANUP */

/* io thread. NOT_FOUND if absent or not visible (never tells which), FORBIDDEN if the credential lacks the
 * permission, GONE if the blob is being removed. Remembers the answer. */
enum alb_code alb_library_resolve(struct alb_library *lib, struct alb_principal *p, const struct alb_ref *ref,
                                  enum alb_purpose purpose, struct alb_source **source,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* Event loop: the remembered answer if it is current, else NULL. No SQL, no allocation; one short lock. */
struct alb_source *alb_library_resolve_hot(struct alb_library *lib, const struct alb_principal *p,
                                           const struct alb_ref *ref, enum alb_purpose purpose);

#endif
