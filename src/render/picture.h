/* SPDX-License-Identifier: Apache-2.0
 *
 * Finished pictures as objects, and their files in the result cache. Private to src/render. Any thread; the
 * two that read and write files belong on the io pool, but for ALB_PICTURE_AT_HAND, which an event loop may ask for.
 */
#ifndef ALB_RENDER_PICTURE_H
#define ALB_RENDER_PICTURE_H

#include "base/flight.h"
#include "image/plan.h"
#include "render/render.h"

struct alb_cache;

/* Takes the bytes; NULL: no memory (bytes released). */
struct alb_picture *alb_picture_new(const struct alb_flight_key *key, struct alb_bytes *bytes,
                                    enum alb_format format, uint32_t width, uint32_t height) ALB_MUST_CHECK;
/* For whom a file of the cache is read: that of a client is a hit or a miss, and to be used keeps it longer, but not
 * to be used by what is done ahead of time. */
enum alb_picture_for {
    ALB_PICTURE_FOR_A_CLIENT,
    ALB_PICTURE_AT_ONCE, /* for a client, if it is known to be there and small; not found is no miss yet */
    ALB_PICTURE_AT_HAND, /* the same without waiting for the disk */
    ALB_PICTURE_FOR_ANOTHER,
    ALB_PICTURE_FOR_UPKEEP
};
#define ALB_PICTURE_SMALL ((int64_t)256 << 10)
struct alb_hot_cache;
/* A reference, or NULL: not there (or bad, or no memory): make it. cache may be NULL. hot: the memory that it comes
 * into; what that takes lies where it is best sent from (base/bytes_file.h). NULL: none. */
struct alb_picture *alb_picture_from_disk(struct alb_cache *cache, const struct alb_flight_key *key,
                                          enum alb_picture_for of,
                                          const struct alb_hot_cache *hot) ALB_MUST_CHECK;
/* Best effort: what is not kept is made again. cache may be NULL. front: its meta is filled in. */
struct alb_derived_front;
void alb_picture_to_disk(struct alb_cache *cache, const struct alb_flight_key *key, enum alb_format format,
                         const struct alb_picture *p, struct alb_derived_front *front);

#endif
