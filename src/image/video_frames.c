/* SPDX-License-Identifier: Apache-2.0
 *
 * Videos: their pictures. A frame nearest to a time, or one that shows what it is about; several of them through a
 * decoder that stays open; and their colours as sRGB.
 */
#include "image/video_priv.h"

#include <string.h>

#include <libswscale/swscale.h>

#include "base/mem.h"
#include "image/hdr.h"

#define DARK 20          /* mean light, of 255, below which a frame shows nothing */
#define CANDIDATES 10    /* key frames that are tried until one is not dark */
#define PACKETS_MAX 4000 /* that are read for them */
#define STRIDE 5000000   /* us that are decoded through before it is worth a jump, where no index tells */
#define BACK 2000000     /* us */
#define SPARE 65536      /* pixels that a picture may have more than its header says */

static enum alb_code open_decoder(struct alb_movie *m, struct alb_err *err)
{
    const AVCodecParameters *c = m->track->codecpar;
    const AVCodec *codec = avcodec_find_decoder(c->codec_id);
    if (!codec)
        return alb_fail(err, ALB_E_UNSUPPORTED, "video: %s is not read here", avcodec_get_name(c->codec_id));
    m->decoder = avcodec_alloc_context3(codec);
    m->packet = av_packet_alloc();
    m->frame = av_frame_alloc();
    m->kept = av_frame_alloc();
    char *list = alb_movie_decoders();
    if (m->decoder)
        m->decoder->codec_whitelist = list;
    else
        av_free(list);
    if (!m->decoder || !m->packet || !m->frame || !m->kept || !list)
        return alb_fail(err, ALB_E_NO_MEMORY, "video: no memory");
    int rc = avcodec_parameters_to_context(m->decoder, c);
    m->decoder->thread_count = 1;
    m->decoder->thread_type = 0;
    m->decoder->pkt_timebase = m->track->time_base;
    m->decoder->max_pixels =
        2 * (int64_t)c->width * c->height + SPARE; /* a stream may not outgrow its header */
    if (rc >= 0)
        rc = avcodec_open2(m->decoder, codec, NULL);
    if (rc == AVERROR(EINVAL))
        return alb_fail(err, ALB_E_UNSUPPORTED, "video: %s is not read here", avcodec_get_name(c->codec_id));
    return rc < 0 ? alb_movie_fail(err, ALB_E_UNPROCESSABLE, "decoder", rc) : ALB_OK;
}

/* Gives the decoder one packet of the track, or the end. */
static void feed(struct alb_movie *m)
{
    int rc;
    while ((rc = av_read_frame(m->format, m->packet)) >= 0) {
        bool ours = m->packet->stream_index == m->track->index;
        if (ours) /* a damaged packet is passed over */
            alb_ignore(avcodec_send_packet(m->decoder, m->packet) < 0, "the next one may be whole");
        av_packet_unref(m->packet);
        if (ours) {
            m->packets++;
            return;
        }
    }
    m->drained = true;
    alb_ignore(avcodec_send_packet(m->decoder, NULL) < 0, "there is nothing more to come");
}

/* The next frame to m->frame; false at the end. */
static bool next_frame(struct alb_movie *m)
{
    for (;;) {
        int rc = avcodec_receive_frame(m->decoder, m->frame);
        if (rc == 0 && m->frame->width > 0 && m->frame->height > 0)
            return true;
        if (rc != AVERROR(EAGAIN) && (rc == AVERROR_EOF || m->drained))
            return false;
        if (m->drained)
            return false;
        feed(m);
    }
}

static void keep(struct alb_movie *m)
{
    av_frame_unref(m->kept);
    av_frame_move_ref(m->kept, m->frame);
}

/* The container's word for a time. */
static int64_t stamp_of(const struct alb_movie *m, int64_t us)
{
    int64_t ts = av_rescale_q(us, AV_TIME_BASE_Q, m->track->time_base), sum;
    if (m->start == AV_NOPTS_VALUE || __builtin_add_overflow(ts, m->start, &sum))
        return ts;
    return sum;
}

static void rewind_bytes(struct alb_movie *m)
{
    alb_ignore(av_seek_frame(m->format, -1, 0, AVSEEK_FLAG_BYTE) < 0, "then it goes on from where it is");
}

/* Streams for broadcast begin at any time, and only their packets tell which. */
static void find_start(struct alb_movie *m)
{
    m->start = m->track->start_time;
    if (m->start != AV_NOPTS_VALUE || (m->format->iformat->flags & AVFMT_TS_DISCONT) == 0)
        return;
    for (unsigned i = 0; i < PACKETS_MAX && m->start == AV_NOPTS_VALUE; i++) {
        if (av_read_frame(m->format, m->packet) < 0)
            break;
        if (m->packet->stream_index == m->track->index)
            m->start = m->packet->pts;
        av_packet_unref(m->packet);
    }
    rewind_bytes(m);
}

/* To the key frame at or before a time; where the container cannot seek, to the start. */
static void go_to(struct alb_movie *m, int64_t us)
{
    int64_t ts = stamp_of(m, us);
    if (us <= 0 && (m->format->iformat->flags & AVFMT_TS_DISCONT) != 0)
        rewind_bytes(m); /* by times they find the packet after the first */
    else if (av_seek_frame(m->format, m->track->index, ts, AVSEEK_FLAG_BACKWARD) < 0 &&
             av_seek_frame(m->format, m->track->index, 0, AVSEEK_FLAG_BACKWARD | AVSEEK_FLAG_ANY) < 0)
        rewind_bytes(m);
    avcodec_flush_buffers(m->decoder);
    m->drained = m->ahead = false;
    m->looking = true;
    m->packets = 0;
    av_frame_unref(m->kept);
}

static int64_t frame_us(const struct alb_movie *m, const AVFrame *f)
{
    int64_t ts = f->best_effort_timestamp;
    if (ts == AV_NOPTS_VALUE || (m->start != AV_NOPTS_VALUE && __builtin_sub_overflow(ts, m->start, &ts)))
        return -ALB_MOVIE_TIME_MAX;
    return alb_movie_bounded_us(av_rescale_q(ts, m->track->time_base, AV_TIME_BASE_Q));
}

/* The one shown at a time is the last that begins before it, unless the next one is nearer. Goes on from where the
 * decoder is. */
static bool look_on(struct alb_movie *m, int64_t us)
{
    bool have = m->kept->buf[0] != NULL;
    int64_t before = have ? frame_us(m, m->kept) : -ALB_MOVIE_TIME_MAX;
    while ((!have || before < us) && (m->ahead || next_frame(m))) {
        int64_t t = frame_us(m, m->frame);
        m->ahead = have && t >= us && us - before < t - us;
        if (m->ahead)
            break;
        before = t;
        keep(m);
        have = true;
    }
    return have;
}

static bool take_nearest(struct alb_movie *m, int64_t us)
{
    int64_t from = us, back = BACK;
    for (;;) {
        go_to(m, from);
        m->ahead = next_frame(m);
        if (from == 0 || (m->ahead && frame_us(m, m->frame) <= us))
            return look_on(m, us);
        from = from > back ? from - back
                           : 0; /* streams without an index are gone to by guesses: it was too late */
        back *= 8;
    }
}

/* Whether a jump lands behind the frame that is here: else every frame between would be decoded once more. */
static bool is_far(const struct alb_movie *m, int64_t us)
{
    if (!m->looking || m->kept->buf[0] == NULL || frame_us(m, m->kept) > us)
        return true;
    int i = av_index_search_timestamp(m->track, stamp_of(m, us), AVSEEK_FLAG_BACKWARD);
    const AVIndexEntry *e = i >= 0 ? avformat_index_get_entry(m->track, i) : NULL;
    return e ? e->timestamp > m->kept->best_effort_timestamp : us - frame_us(m, m->kept) > STRIDE;
}

static bool take_first(struct alb_movie *m, int64_t us)
{
    go_to(m, us);
    if (!next_frame(m))
        return false;
    keep(m);
    return true;
}

/* ---- colours ---- */

static const int *coefficients(const AVFrame *f)
{
    switch ((int)f->colorspace) {
    case AVCOL_SPC_BT709:
        return sws_getCoefficients(SWS_CS_ITU709);
    case AVCOL_SPC_FCC:
        return sws_getCoefficients(SWS_CS_FCC);
    case AVCOL_SPC_SMPTE240M:
        return sws_getCoefficients(SWS_CS_SMPTE240M);
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return sws_getCoefficients(SWS_CS_BT2020);
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        return sws_getCoefficients(SWS_CS_ITU601);
    default: /* not told: as players take it, by the size */
        return sws_getCoefficients(f->width >= 1280 || f->height > 576 ? SWS_CS_ITU709 : SWS_CS_ITU601);
    }
}

/* The picture in another size and format; NULL if that is not possible. Rows are padded, as libav likes them. */
static AVFrame *converted(const AVFrame *f, uint32_t width, uint32_t height, enum AVPixelFormat format)
{
    int flags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP;
    AVFrame *out = av_frame_alloc();
    struct SwsContext *sws = sws_getContext(f->width, f->height, (enum AVPixelFormat)f->format, (int)width,
                                            (int)height, format, flags, NULL, NULL, NULL);
    bool ok = out && sws;
    if (ok) {
        int *from, *to, from_full, to_full, brightness, contrast, saturation;
        if (sws_getColorspaceDetails(sws, &from, &from_full, &to, &to_full, &brightness, &contrast,
                                     &saturation) >= 0) {
            from_full = from_full || f->color_range == AVCOL_RANGE_JPEG;
            alb_ignore(sws_setColorspaceDetails(sws, coefficients(f), from_full, to, 1, brightness, contrast,
                                                saturation) < 0,
                       "RGB has none");
        }
        out->width = (int)width;
        out->height = (int)height;
        out->format = format;
        ok = av_frame_get_buffer(out, 0) == 0 &&
             sws_scale(sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height, out->data,
                       out->linesize) == (int)height;
    }
    sws_freeContext(sws);
    if (!ok)
        av_frame_free(&out);
    return out;
}

/* Mean light of a frame, 0..255. */
static unsigned light_of(const AVFrame *f)
{
    enum { SIDE = 32 };
    AVFrame *small = converted(f, SIDE, SIDE, AV_PIX_FMT_GRAY8);
    unsigned sum = 0;
    for (unsigned y = 0; small && y < SIDE; y++) {
        for (unsigned x = 0; x < SIDE; x++)
            sum += small->data[0][y * (unsigned)small->linesize[0] + x];
    }
    av_frame_free(&small);
    return sum / (SIDE * SIDE);
}

/* A key frame a tenth into it, at most a second; or one behind that, when it is dark there. */
static bool take_telling(struct alb_movie *m)
{
    int64_t us = alb_movie_duration_us(m) / 10;
    unsigned best = 0, seen = 0;
    m->decoder->skip_frame = AVDISCARD_NONKEY;
    go_to(m, us < AV_TIME_BASE ? us : AV_TIME_BASE);
    while (seen < CANDIDATES && m->packets < PACKETS_MAX && next_frame(m)) {
        unsigned light = light_of(m->frame);
        if (seen == 0 || light > best) {
            best = light;
            keep(m);
        }
        seen++;
        if (light >= DARK)
            break;
    }
    m->decoder->skip_frame = AVDISCARD_DEFAULT;
    return seen > 0 || take_first(m, 0); /* some streams have no key frames that are marked */
}

static enum alb_hdr range_of(const AVFrame *f)
{
    if (f->color_trc == AVCOL_TRC_SMPTE2084)
        return ALB_HDR_PQ;
    return f->color_trc == AVCOL_TRC_ARIB_STD_B67 ? ALB_HDR_HLG : ALB_HDR_NONE;
}

static bool copy_rows(const AVFrame *rgb, VipsImage *image, enum alb_hdr how)
{
    size_t w = (size_t)image->Xsize, h = (size_t)image->Ysize;
    struct alb_hdr_tables *t = how != ALB_HDR_NONE ? alb_hdr_new(how) : NULL;
    for (size_t y = 0; y < h; y++) {
        const uint8_t *from = rgb->data[0] + y * (size_t)rgb->linesize[0];
        unsigned char *to = image->data + y * w * 3;
        if (t)
            alb_hdr_run(t, (const uint16_t *)(const void *)from, to, w, 3); /* libav aligns its rows */
        else
            memcpy(to, from, w * 3);
    }
    bool ok = t || how == ALB_HDR_NONE;
    alb_hdr_free(&t);
    return ok;
}

static VipsImage *to_image(const struct alb_movie *m, struct alb_err *err)
{
    uint32_t w, h;
    enum alb_hdr how = range_of(m->kept);
    alb_movie_size(m, &w, &h);
    AVFrame *rgb = converted(m->kept, w, h, how == ALB_HDR_NONE ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_RGB48);
    VipsImage *image = rgb ? alb_load_blank(w, h, 3, VIPS_FORMAT_UCHAR, err) : NULL;
    if (!rgb)
        alb_fail(err, ALB_E_UNPROCESSABLE, "video: its colours cannot be converted");
    if (image && !copy_rows(rgb, image, how)) {
        g_clear_object(&image);
        alb_fail(err, ALB_E_NO_MEMORY, "video: no memory");
    }
    av_frame_free(&rgb);
    return image;
}

VipsImage *alb_video_open(const struct alb_load *l, struct alb_err *err)
{
    struct alb_movie m;
    VipsImage *image = NULL;
    int64_t us = l->second > 0 && l->second < 1e9 ? (int64_t)(l->second * AV_TIME_BASE) : 0;
    enum alb_code code = alb_movie_start(&m, l->type, l->bytes, err);
    if (code == ALB_OK)
        code = open_decoder(&m, err);
    if (code == ALB_OK) {
        find_start(&m);
        bool have = l->keyframe ? take_first(&m, us) : us > 0 ? take_nearest(&m, us) : take_telling(&m);
        if (!have && us > 0) /* a time behind the end */
            have = take_telling(&m);
        if (have)
            image = to_image(&m, err);
        else
            alb_fail(err, ALB_E_UNPROCESSABLE, "video: no frame can be decoded");
    }
    alb_movie_finish(&m);
    return image;
}

/* ---- several ---- */

struct alb_film {
    struct alb_movie m;
};

enum alb_code alb_film_open(enum alb_type type, struct alb_str bytes, struct alb_film **out,
                            struct alb_err *err)
{
    struct alb_film *f = alb_mem_calloc(1, sizeof(*f));
    *out = NULL;
    if (!f)
        return alb_fail(err, ALB_E_NO_MEMORY, "video: no memory");
    enum alb_code code = alb_movie_start(&f->m, type, bytes, err);
    if (code == ALB_OK)
        code = open_decoder(&f->m, err);
    if (code == ALB_OK) {
        find_start(&f->m);
        *out = f;
    } else {
        alb_film_close(&f);
    }
    return code;
}

void alb_film_close(struct alb_film **film)
{
    if (!*film)
        return;
    alb_movie_finish(&(*film)->m);
    alb_mem_free(*film);
    *film = NULL;
}

int64_t alb_film_us(struct alb_film *film)
{
    struct alb_movie *m = &film->m;
    int64_t us = alb_movie_duration_us(m), end = INT64_MIN;
    if (us > 0)
        return us;
    while (av_read_frame(m->format, m->packet) >=
           0) { /* what was never finished has no duration in its head */
        int64_t ts = m->packet->pts != AV_NOPTS_VALUE ? m->packet->pts : m->packet->dts, sum;
        bool ours = m->packet->stream_index == m->track->index && ts != AV_NOPTS_VALUE;
        int64_t length = m->packet->duration > 0 ? m->packet->duration : 1;
        av_packet_unref(m->packet);
        if (ours && !__builtin_add_overflow(ts, length, &sum) && sum > end)
            end = sum;
    }
    m->looking = false;
    if (end == INT64_MIN || (m->start != AV_NOPTS_VALUE && __builtin_sub_overflow(end, m->start, &end)))
        return 0;
    us = alb_movie_bounded_us(av_rescale_q(end, m->track->time_base, AV_TIME_BASE_Q));
    return us > 0 ? us : 0;
}

bool alb_film_go(struct alb_film *film, int64_t us, bool keyframe, bool *same)
{
    struct alb_movie *m = &film->m;
    const AVFrame *f = m->kept;
    bool had = f->buf[0] != NULL;
    int64_t before = had ? frame_us(m, f) : 0;
    bool have = keyframe ? take_first(m, us) : is_far(m, us) ? take_nearest(m, us) : look_on(m, us);
    *same = have && had && before > -ALB_MOVIE_TIME_MAX && frame_us(m, f) == before;
    return have;
}

VipsImage *alb_film_image(const struct alb_film *film, struct alb_err *err)
{
    return to_image(&film->m, err);
}
