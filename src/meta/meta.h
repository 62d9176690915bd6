/* SPDX-License-Identifier: Apache-2.0
 *
 * meta: what a file says about itself: EXIF, IPTC-IIM, XMP and the boxes of QuickTime, MP4 and CR3, read from
 * hostile bytes into one struct. Readers are pure functions over buffers (or over a read function, for files
 * too large for memory). In the server they run only inside the darkroom's workers.
 *
 * Bounds (law 7): text and lists are cut at the limits below and are valid UTF-8 without control characters
 * (newline and tab stay in descriptions); numbers outside their plausible range are dropped, never clamped. A
 * reader that meets nonsense keeps what it had and returns; "nothing found" is not an error.
 *
 * Everything found lives in the arena given by the caller. One thread per struct and arena.
 */
#ifndef ALB_META_META_H
#define ALB_META_META_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define ALB_META_NAME_MAX 256 /* camera, lens, author, software, ids: bytes */
#define ALB_META_TITLE_MAX 1024
#define ALB_META_TEXT_MAX 8192    /* description */
#define ALB_META_KEYWORD_MAX 512  /* one path "a/b/c" */
#define ALB_META_KEYWORDS_MAX 512 /* how many */
#define ALB_META_PACKED_MAX (512 * 1024)
#define ALB_META_BLOCK_MAX (16 * 1024 * 1024) /* larger EXIF, IPTC or XMP blocks are not read */

/* When the picture was taken. Three values (the model's capture time): the wall clock always, offset and so
 * the instant only if the file says where it was. With an unknown offset utc_ms is the wall clock taken as
 * UTC. */
struct alb_meta_time {
    bool known;
    bool has_offset;
    int16_t offset_min; /* minutes east of UTC, -1080..1080 */
    int64_t local_ms;   /* wall clock as if it were UTC; milliseconds from SubSec */
    int64_t utc_ms;
};

struct alb_meta {
    struct alb_meta_time taken; /* DateTimeOriginal, else digitized, else (weak) the file's change time */
    bool taken_is_weak;         /* only a "modified" or container time was there */
    struct alb_str make, model, lens, software;        /* empty = unknown */
    double f_number, focal_mm, focal_35mm, exposure_s; /* 0 = unknown */
    uint32_t iso;                                      /* 0 = unknown */
    bool has_gps, has_altitude;
    double latitude, longitude, altitude_m;
    uint8_t orientation; /* EXIF 1..8, 0 = not stated */
    bool has_rating;
    int8_t rating; /* -1 (rejected) .. 5 */
    struct alb_str title, description, author, copyright;
    struct alb_str city, state, country; /* where it was taken, as people write it; each may be empty */
    struct alb_str *keywords;            /* paths "a/b", each once */
    size_t keyword_count;
    uint32_t width, height; /* as the metadata says; 0 = not stated */
    /* live and motion photos */
    struct alb_str content_id; /* Apple's ContentIdentifier, the same in still and video */
    bool motion_photo;         /* Google's or Samsung's: a video is appended to the still */
    int64_t motion_from_end;   /* bytes from the end of the file to the video, 0 = not stated */
    int64_t motion_still_us;   /* time of the still inside it, -1 = not stated */
    struct alb_str projection; /* "equirectangular" ..., empty = flat */
    /* video */
    int64_t duration_ms; /* 0 = not a video or not stated */
    uint16_t turn;       /* 0, 90, 180, 270 clockwise to show it upright */
    double fps;
    struct alb_str codec; /* fourcc of the first video track: "avc1", "hvc1" ... */
    bool has_audio;
};
void alb_meta_init(struct alb_meta *m);

/* Each reader adds what it finds to *m, which the caller has initialised: one struct per source, merged
 * later. They fail only for want of memory (NO_MEMORY, or TOO_LARGE when the arena's cap is reached). */

/* An EXIF block: TIFF structure, with or without "Exif\0\0" before it. Knows Apple's maker note. */
enum alb_code alb_meta_exif(struct alb_arena *a, struct alb_meta *m, const void *p, size_t n,
                            struct alb_err *err) ALB_MUST_CHECK;
/* IIM records, or a Photoshop image-resource block around them ("Photoshop 3.0\0" or "8BIM" first). */
enum alb_code alb_meta_iptc(struct alb_arena *a, struct alb_meta *m, const void *p, size_t n,
                            struct alb_err *err) ALB_MUST_CHECK;
/* An XMP packet or sidecar (UTF-8). Document type declarations are refused (nothing is read then). */
enum alb_code alb_meta_xmp(struct alb_arena *a, struct alb_meta *m, const void *p, size_t n,
                           struct alb_err *err) ALB_MUST_CHECK;
/* Whether a packet may be given to an XML parser: its size, its text, its depth, no document type. Zeros at its end are
 * cut off. */
bool alb_meta_xmp_harmless(struct alb_str *s) ALB_MUST_CHECK;
/* XMP needs its library set up once per process, before any thread. */
void alb_meta_global_init(void);

/* Bytes at an offset: returns how many were read (0 at the end or on error). */
struct alb_meta_source {
    size_t (*read)(void *arg, int64_t off, void *p, size_t n);
    void *arg;
    int64_t size;
};
struct alb_meta_source alb_meta_source_mem(struct alb_str *bytes); /* bytes outlives the source */

/* QuickTime and MP4: mvhd, tracks, Apple's keys, ©xyz, ©day; CR3: its CMT blocks (EXIF). *found_moov tells
 * whether the file has its index at all. */
enum alb_code alb_meta_moov(struct alb_arena *a, struct alb_meta *m, const struct alb_meta_source *src,
                            bool *found_moov, struct alb_err *err) ALB_MUST_CHECK;
/* TIFF and TIFF-shaped raw files: their own directories are the EXIF. *seen tells what the first directory is
 * (the kind of raw file follows from it). */
struct alb_meta_tiff {
    bool ok; /* it has the structure of a TIFF file */
    bool dng, cr2, sub_ifds, reduced, cfa;
    char make[24];
    struct alb_str xmp, iptc; /* blocks in the arena, for their readers */
};
enum alb_code alb_meta_tiff(struct alb_arena *a, struct alb_meta *m, const struct alb_meta_source *src,
                            struct alb_meta_tiff *seen, struct alb_err *err) ALB_MUST_CHECK;

/* One answer out of several (NULL = not there): xmp over iptc over exif for what people write, exif over xmp
 * over container for what cameras write, keywords are the union. */
enum alb_code alb_meta_merge(struct alb_arena *a, struct alb_meta *out, const struct alb_meta *exif,
                             const struct alb_meta *iptc, const struct alb_meta *xmp,
                             const struct alb_meta *container, struct alb_err *err) ALB_MUST_CHECK;

/* To bytes and back (worker to server). unpack trusts nothing: every bound above is checked again; INVALID.
 */
void alb_meta_pack(const struct alb_meta *m, struct alb_buf *out);
enum alb_code alb_meta_unpack(struct alb_arena *a, struct alb_str s, struct alb_meta *out,
                              struct alb_err *err) ALB_MUST_CHECK;

#endif
