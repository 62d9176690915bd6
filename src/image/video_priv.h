/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to image/video*.c: a video that is open, and what both halves do with it. video.c: the container;
 * video_frames.c: its pictures. One thread.
 */
#ifndef ALB_IMAGE_VIDEO_PRIV_H
#define ALB_IMAGE_VIDEO_PRIV_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "image/load.h"

#define ALB_MOVIE_TIME_MAX INT64_C(1000000000000000) /* us: sums of such times fit */

struct alb_movie {
    struct alb_str bytes;
    size_t pos;
    AVIOContext *io;
    AVFormatContext *format;
    AVStream *track;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame, *kept;
    int64_t start; /* of the track, in its own words; AV_NOPTS_VALUE: at 0 */
    bool drained;  /* no packets are left */
    bool ahead;    /* `frame` is behind the time that was asked for, and the next one to be looked at */
    bool looking;  /* the decoder is somewhere: it may go on from there */
    unsigned packets;
};

/* Fails *err with what libav says of `number`. */
enum alb_code alb_movie_fail(struct alb_err *err, enum alb_code code, const char *what, int number);
/* To be finished even if it fails. The track that a player would show is found, no decoder is open. */
enum alb_code alb_movie_start(struct alb_movie *m, enum alb_type type, struct alb_str bytes,
                              struct alb_err *err) ALB_MUST_CHECK;
void alb_movie_finish(struct alb_movie *m);
/* The names of the decoders that may be used, to be freed with av_free; NULL: no memory. */
char *alb_movie_decoders(void);
/* With square pixels: what is stored narrow is shown wide. */
void alb_movie_size(const struct alb_movie *m, uint32_t *width, uint32_t *height);
int64_t alb_movie_duration_us(const struct alb_movie *m); /* 0: the container does not tell */
/* Times that a file makes up are kept where sums of them fit. */
int64_t alb_movie_bounded_us(int64_t us);

#endif
