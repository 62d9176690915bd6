/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of the data model (one data model under five doors): values that rows hold and that doors show.
 * Numbers of the enums are stored in the database: never change one, only add. Pure types, any thread.
 */
#ifndef ALB_CATALOG_TYPES_H
#define ALB_CATALOG_TYPES_H

#include "base/codec.h"
#include "base/hash.h"
#include "base/str.h"

#define ALB_USER_ADMIN ((int64_t)1) /* the first administrator, exists from migration 1 */
#define ALB_USER_GUEST ((int64_t)2)

enum alb_role { ALB_ROLE_ADMIN = 0, ALB_ROLE_USER = 1, ALB_ROLE_GUEST = 2 };
enum alb_kind { ALB_KIND_IMAGE = 0, ALB_KIND_VIDEO = 1, ALB_KIND_AUDIO = 2, ALB_KIND_OTHER = 3 };
enum alb_visibility {
    ALB_VIS_TIMELINE = 0,
    ALB_VIS_ARCHIVE = 1,
    ALB_VIS_HIDDEN = 2, /* the motion part of a still */
    ALB_VIS_LOCKED = 3, /* only its owner, only after elevation */
    ALB_VIS_COUNT = 4
};
#define ALB_VIS_BIT(v) (1u << (unsigned)(v))
/* Levels of the gallery: 0 everybody, 1 contacts, 2 friends, 4 family, 8 administrators; compared with <=. */
bool alb_level_valid(int level);

enum alb_album_kind { ALB_ALBUM_GALLERY = 0, ALB_ALBUM_PERSONAL = 1 };
enum alb_album_role { ALB_ALBUM_VIEWER = 0, ALB_ALBUM_EDITOR = 1 };
enum alb_tag_scope { ALB_TAG_GALLERY = 0, ALB_TAG_USER = 1 };
enum alb_door {
    ALB_DOOR_WEB = 0,
    ALB_DOOR_TUS = 1,
    ALB_DOOR_IMMICH = 2,
    ALB_DOOR_PIWIGO = 3,
    ALB_DOOR_LOCAL = 4
};
enum alb_sum_kind { ALB_SUM_MD5 = 0, ALB_SUM_SHA1 = 1, ALB_SUM_SHA256 = 2 };

/* A capture time is three values: the instant, the offset (unknown is possible) and what the wall clock said.
 * With an unknown offset the instant is the wall clock taken as UTC. */
struct alb_capture {
    int64_t utc_ms;
    int64_t local_ms;   /* wall clock as if it were UTC */
    int32_t offset_min; /* minutes east of UTC */
    bool has_offset;
};
/* From wall clock and offset; from an instant and offset. */
struct alb_capture alb_capture_local(int64_t local_ms, bool has_offset, int32_t offset_min);
struct alb_capture alb_capture_utc(int64_t utc_ms, bool has_offset, int32_t offset_min);

/* ---- layers (law 6) ---- */

enum alb_layer_id {
    ALB_LAYER_HINT = 0,    /* what the upload said */
    ALB_LAYER_FILE = 1,    /* extracted from the original */
    ALB_LAYER_SIDECAR = 2, /* uploaded XMP */
    ALB_LAYER_PERSON = 3,  /* somebody, through an API or the page */
    ALB_LAYER_COUNT = 4
};
enum alb_field {
    ALB_FIELD_CAPTURE = 0,
    ALB_FIELD_TITLE = 1,
    ALB_FIELD_DESCRIPTION = 2,
    ALB_FIELD_AUTHOR = 3,
    ALB_FIELD_GPS = 4,
    ALB_FIELD_RATING = 5,
    ALB_FIELD_ROTATION = 6,
    ALB_FIELD_COUNT = 7
};
#define ALB_FIELD_BIT(f) (1u << (unsigned)(f))
#define ALB_FIELDS_ALL (ALB_FIELD_BIT(ALB_FIELD_COUNT) - 1u)

/* What one layer says; also the merged, effective values. A field is silent (not in `stated`), says a value,
 * or says "nothing" (in both masks: an explicit empty, which covers weaker layers). */
struct alb_layer {
    uint32_t stated, empty; /* ALB_FIELD_BIT masks; empty is a subset of stated */
    struct alb_capture capture;
    struct alb_str title, description, author; /* UTF-8; borrowed or from the arena of a read */
    double latitude, longitude;
    int rating;   /* -1..5 */
    int rotation; /* 0, 90, 180, 270 clockwise, on top of the file's own orientation */
};

/* The one merge function: for each field the strongest layer that states it. layers[i] may be NULL. In the
 * result `stated` has the fields that have a value, `source[f]` (optional) the layer it came from or -1. */
void alb_layer_merge(const struct alb_layer *const layers[ALB_LAYER_COUNT], struct alb_layer *effective,
                     int source[ALB_FIELD_COUNT]);
/* Puts what `over` states onto base (field by field, explicit empties too) and takes back what `forget`
 * names: how an edit changes the person layer. */
void alb_layer_overlay(struct alb_layer *base, const struct alb_layer *over, uint32_t forget);
/* False (and *why) if a value is out of range or text is not UTF-8 or too long. */
bool alb_layer_valid(const struct alb_layer *l, const char **why) ALB_MUST_CHECK;
/* Takes back what is not valid, field by field: for what files and clients say about a photo, which must not
 * keep the photo out. */
void alb_layer_sanitize(struct alb_layer *l);

/* A tag by name: path value "a/b". */
struct alb_tag_name {
    enum alb_tag_scope scope;
    struct alb_str value;
};

/* Facts of the medium, extracted, not edited. NAN, 0 or an empty view = unknown. Width and height as stored
 * (before orientation). */
struct alb_media {
    int32_t width, height;
    int orientation; /* EXIF 1..8, 0 unknown */
    int64_t duration_ms;
    double fps;
    struct alb_str make, model, lens, projection, exposure; /* exposure as shown: "1/250" */
    struct alb_str city, state, country, time_zone;
    double f_number, focal_mm;
    int32_t iso;
    struct alb_str thumbhash; /* bytes */
    struct alb_str
        header; /* what the image room wants to know before it decodes: its packed header, opaque here */
};

/* The folded form of a text, for comparing without case: NFKC case folding. Appends to out. */
struct alb_buf;
void alb_fold(struct alb_str text, struct alb_buf *out);

/* Month of a wall clock: year * 12 + month - 1; and its first millisecond. */
int32_t alb_month_of(int64_t local_ms);
int64_t alb_month_start(int32_t month);

#endif
