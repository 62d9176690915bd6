/* SPDX-License-Identifier: Apache-2.0
 *
 * What is this file? Answered from its bytes, never from its name or from what a client said. Runs in the
 * server on untrusted bytes: no library, no allocation, no recursion, never reads outside [p, p + n).
 * A claim is not a promise: the darkroom's probe says whether the content can be read.
 *
 * The answer looks at the beginning only (ALB_SNIFF_LEN bytes are enough for every kind, with one exception:
 * a TIFF-shaped raw file whose first directory lies at the end is taken for TIFF; the probe, which can seek,
 * corrects it).
 *
 * Pure; any thread.
 */
#ifndef ALB_IMAGE_SNIFF_H
#define ALB_IMAGE_SNIFF_H

#include "base/str.h"

enum alb_type {
    ALB_TYPE_UNKNOWN = 0,
#define ALB_X(id, name, mime, ending, cls) ALB_TYPE_##id,
#include "tbl/types.h"
#undef ALB_X
    ALB_TYPE_COUNT
};
enum alb_type_class {
    ALB_CLASS_NONE,
    ALB_CLASS_RASTER,
    ALB_CLASS_RAW,
    ALB_CLASS_VECTOR,
    ALB_CLASS_VIDEO,
    ALB_CLASS_SIDECAR,
};

#define ALB_SNIFF_LEN 4096

/* p may be NULL if n is 0. Fewer bytes than ALB_SNIFF_LEN mean: the file is that short. */
enum alb_type alb_sniff(const void *p, size_t n);

const char *alb_type_name(enum alb_type t);   /* "jpeg"; "unknown" */
const char *alb_type_mime(enum alb_type t);   /* "image/jpeg"; "application/octet-stream" */
const char *alb_type_ending(enum alb_type t); /* "jpg" without a dot; "bin" */
enum alb_type_class alb_type_class(enum alb_type t);
enum alb_type alb_type_of_name(struct alb_str name); /* by the names above; UNKNOWN if none */
enum alb_type alb_type_of_mime(struct alb_str mime); /* the first of that media type; UNKNOWN if none */
/* Whether the darkroom of this build makes pictures of it. */
bool alb_type_can_show(enum alb_type t);

/* Width and height as the header of an encoded picture states them (stored orientation, one page), for every type that
 * albumen writes; false if they are not there. Used to check what a worker has returned. */
bool alb_sniff_size(enum alb_type t, const void *p, size_t n, uint32_t *width,
                    uint32_t *height) ALB_MUST_CHECK;

/* TIFF-shaped files: what the first directory says decides between TIFF and the raw kinds. For the probe,
 * which can read a directory that lies far inside the file. */
struct alb_tiff_hint {
    bool dng;      /* has DNGVersion */
    bool cr2;      /* Canon's mark behind the TIFF header */
    bool sub_ifds; /* points to sub-directories */
    bool reduced;  /* the first picture is a reduced one (NewSubfileType 1) */
    bool cfa;      /* the first picture is sensor data (PhotometricInterpretation 32803) */
    char make[24]; /* NUL-terminated, cut */
};
enum alb_type alb_sniff_tiff(const struct alb_tiff_hint *hint);

#endif
