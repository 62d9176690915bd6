/* SPDX-License-Identifier: Apache-2.0
 *
 * Streaming parser of multipart/form-data (RFC 7578, RFC 2046 §5.1). Fed with pieces of any size, as the body
 * arrives; hands out views into them, so file parts pass without being copied or collected. Part headers are
 * bounded. Strict where it is safe to be: lines end in CRLF, every part has a name.
 * One thread; memory is inside the struct.
 *
 *     while ((ev = alb_multipart_next(&m, &input, &data)) != ALB_PART_MORE)
 *         PART_BEGIN: m.name, m.filename, m.type are valid until the next PART_BEGIN
 *         PART_DATA:  data is the next piece of the part (a view of input, or of the parser)
 *         PART_END, then the next PART_BEGIN or PARTS_END; PARTS_BAD is final, m.why says what is wrong
 *     MORE: input is used up; feed more. At the end of the body, anything but PARTS_END is a cut body.
 */
#ifndef ALB_HTTP_MULTIPART_H
#define ALB_HTTP_MULTIPART_H

#include "base/str.h"

#define ALB_MULTIPART_HEAD_MAX 8192 /* headers of one part */

enum alb_multipart_event {
    ALB_PART_MORE,
    ALB_PART_BEGIN,
    ALB_PART_DATA,
    ALB_PART_END,
    ALB_PARTS_END,
    ALB_PARTS_BAD,
};

struct alb_multipart {
    struct alb_str name, filename, type; /* filename.p, type.p == NULL: not given. Decoded */
    const char *why;                     /* a literal, after PARTS_BAD */
    unsigned parts;
    /* private */
    int state;
    size_t matched; /* bytes of the delimiter seen at the end of the last piece */
    size_t delimiter_n, head_n;
    char delimiter[4 + 70]; /* CRLF, two dashes, boundary */
    char head[ALB_MULTIPART_HEAD_MAX];
};

/* From a Content-Type value. False: not multipart/form-data, or without a good boundary (1..70 bytes). */
bool alb_multipart_init(struct alb_multipart *m, struct alb_str content_type) ALB_MUST_CHECK;
enum alb_multipart_event alb_multipart_next(struct alb_multipart *m, struct alb_str *input,
                                            struct alb_str *data);

/* The value of parameter `name` of a header value such as `form-data; name="a\"b"`, unescaped into out[cap].
 * False: absent, broken or too long. *value views out. */
bool alb_header_param(struct alb_str header, const char *name, char *out, size_t cap,
                      struct alb_str *value) ALB_MUST_CHECK;

#endif
