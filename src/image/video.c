/* SPDX-License-Identifier: Apache-2.0
 *
 * One frame out of a video, through libav. It is given the demuxer that the sniffed type names and a short list of
 * decoders; it reads the mapped bytes through our own reader, may open nothing else, and makes no thread. How long it
 * may take is the master's affair: a stream that never ends is killed with its worker.
 */
#include "image/load.h"

#include <stdio.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>

#include "image/hdr.h"

#define BUFFER 65536
#define PROBE_BYTES (4 << 20) /* what is looked through for a size, where the container has none */
#define STREAMS_MAX 64
#define SIDE_MAX 65535
#define DARK 20          /* mean light, of 255, below which a frame shows nothing */
#define CANDIDATES 10    /* key frames that are tried until one is not dark */
#define PACKETS_MAX 4000 /* that are read for them */

/* Decoders that cameras, phones and the web have use for; nothing exotic, none that draws or runs scripts. */
static const char decoders[] =
    "h264,hevc,vp8,vp9,libdav1d,mpeg4,mpeg1video,mpeg2video,mpegvideo,msmpeg4v1,msmpeg4v2,msmpeg4,wmv1,wmv2,"
    "wmv3,"
    "vc1,h263,h263i,h263p,flv,mjpeg,mjpegb,prores,dvvideo,dnxhd,theora,svq1,svq3,cinepak,qtrle,rpza,vp6,vp6f,"
    "rawvideo,ffv1,huffyuv,ffvhuff,png";
static const char formats[] = "mov,matroska,avi,mpeg,mpegvideo,mpegts,asf";

struct movie {
    struct alb_str bytes;
    size_t pos;
    AVIOContext *io;
    AVFormatContext *format;
    AVStream *track;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame, *kept;
    bool drained; /* no packets are left */
    unsigned packets;
};

static enum alb_code fail(struct alb_err *err, enum alb_code code, const char *what, int number)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    if (number == AVERROR(ENOMEM))
        code = ALB_E_NO_MEMORY;
    alb_ignore(av_strerror(number, text, sizeof(text)) < 0, "then there is a text all the same");
    return alb_fail(err, code, "video: %s: %s", what, text);
}

/* ---- bytes ---- */

static int on_read(void *arg, uint8_t *to, int n)
{
    struct movie *m = arg;
    size_t left = m->bytes.n - m->pos, take = n < 0 ? 0 : (size_t)n < left ? (size_t)n : left;
    if (take == 0)
        return AVERROR_EOF;
    memcpy(to, m->bytes.p + m->pos, take);
    m->pos += take;
    return (int)take;
}

static int64_t on_seek(void *arg, int64_t off, int whence)
{
    struct movie *m = arg;
    int64_t size = (int64_t)m->bytes.n, to;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return size;
    int64_t base = whence == SEEK_CUR ? (int64_t)m->pos : whence == SEEK_END ? size : 0;
    if (__builtin_add_overflow(base, off, &to) || to < 0 || to > size)
        return AVERROR(EINVAL);
    m->pos = (size_t)to;
    return to;
}

static int refuse(AVFormatContext *format, AVIOContext **out, const char *url, int flags,
                  AVDictionary **options)
{
    (void)format;
    (void)url;
    (void)flags;
    (void)options;
    *out = NULL;
    return AVERROR(EACCES);
}

static void say_nothing(void *of, int level, const char *text, va_list args)
{
    (void)of;
    (void)level;
    (void)text;
    (void)args;
}

void alb_video_global_init(void)
{
    av_log_set_level(AV_LOG_QUIET);
    av_log_set_callback(say_nothing);
}

/* ---- container ---- */

static const char *demuxer(enum alb_type type, struct alb_str bytes)
{
    switch ((int)type) {
    case ALB_TYPE_MKV:
    case ALB_TYPE_WEBM:
        return "matroska";
    case ALB_TYPE_AVI:
        return "avi";
    case ALB_TYPE_MPEG:
        return bytes.n > 3 && (unsigned char)bytes.p[3] == 0xb3 ? "mpegvideo" : "mpeg";
    case ALB_TYPE_MTS:
        return "mpegts";
    case ALB_TYPE_WMV:
        return "asf";
    default:
        return "mov";
    }
}

static void finish(struct movie *m)
{
    av_packet_free(&m->packet);
    av_frame_free(&m->frame);
    av_frame_free(&m->kept);
    avcodec_free_context(&m->decoder);
    avformat_close_input(&m->format);
    if (m->io)
        av_freep(&m->io->buffer);
    avio_context_free(&m->io);
}

static bool prepare(struct movie *m)
{
    unsigned char *buffer = av_malloc(BUFFER);
    m->io = buffer ? avio_alloc_context(buffer, BUFFER, 0, m, on_read, NULL, on_seek) : NULL;
    if (buffer && !m->io)
        av_free(buffer);
    m->format = m->io ? avformat_alloc_context() : NULL;
    if (!m->format)
        return false;
    m->format->pb = m->io;
    m->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    m->format->io_open = refuse;
    m->format->max_streams = STREAMS_MAX;
    m->format->probesize = PROBE_BYTES;
    m->format->skip_estimate_duration_from_pts = 1;
    m->format->format_whitelist = av_strdup(formats);
    m->format->codec_whitelist = av_strdup(decoders);
    m->format->protocol_whitelist = av_strdup("none");
    return m->format->format_whitelist && m->format->codec_whitelist && m->format->protocol_whitelist;
}

/* The track that a player would show; the size is looked for in its packets only if the container has none. */
static enum alb_code find_track(struct movie *m, struct alb_err *err)
{
    int n = av_find_best_stream(m->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    const AVCodecParameters *c = n >= 0 ? m->format->streams[n]->codecpar : NULL;
    if (!c || c->width <= 0 || c->height <= 0 || c->codec_id == AV_CODEC_ID_NONE) {
        int rc = avformat_find_stream_info(m->format, NULL);
        n = rc < 0 ? rc : av_find_best_stream(m->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
        c = n >= 0 ? m->format->streams[n]->codecpar : NULL;
    }
    if (!c)
        return fail(err, ALB_E_UNPROCESSABLE, "no pictures in it", n);
    if (c->width <= 0 || c->height <= 0 || c->width > SIDE_MAX || c->height > SIDE_MAX)
        return alb_fail(err, ALB_E_UNPROCESSABLE, "video: without a size");
    m->track = m->format->streams[n];
    for (unsigned i = 0; i < m->format->nb_streams; i++)
        m->format->streams[i]->discard = i == (unsigned)n ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    return ALB_OK;
}

static enum alb_code start(struct movie *m, enum alb_type type, struct alb_str bytes, struct alb_err *err)
{
    *m = (struct movie){.bytes = bytes};
    const AVInputFormat *in = av_find_input_format(demuxer(type, bytes));
    if (!in)
        return alb_fail(err, ALB_E_UNSUPPORTED, "video: %s is not read here", alb_type_name(type));
    if (!prepare(m))
        return alb_fail(err, ALB_E_NO_MEMORY, "video: no memory");
    int rc = avformat_open_input(&m->format, NULL, in, NULL);
    if (rc < 0)
        return fail(err, ALB_E_UNPROCESSABLE, "opening", rc);
    return find_track(m, err);
}

/* With square pixels: what is stored narrow is shown wide. */
static void shown_size(const struct movie *m, uint32_t *width, uint32_t *height)
{
    AVRational r = av_guess_sample_aspect_ratio(m->format, m->track, NULL);
    *width = (uint32_t)m->track->codecpar->width;
    *height = (uint32_t)m->track->codecpar->height;
    if (r.num <= 0 || r.den <= 0 || r.num / r.den >= 8 || r.den / r.num >= 8)
        return;
    int64_t w = av_rescale(*width, r.num, r.den);
    if (w > 0 && w <= SIDE_MAX)
        *width = (uint32_t)w;
}

static uint16_t turn_of(const AVStream *track)
{
    size_t n = 0;
    const uint8_t *matrix = av_stream_get_side_data(track, AV_PKT_DATA_DISPLAYMATRIX, &n);
    if (!matrix || n < 9 * sizeof(int32_t))
        return 0;
    int32_t copy[9];
    memcpy(copy, matrix, sizeof(copy));
    double left = av_display_rotation_get(copy); /* NaN for nonsense, which no comparison takes */
    for (unsigned i = 1; i < 4; i++) {
        double d = left + 90.0 * i;
        if ((d > -45 && d <= 45) || (d > 315 && d <= 405))
            return (uint16_t)(90 * i);
    }
    return 0;
}

static int64_t duration_us(const struct movie *m)
{
    if (m->format->duration > 0)
        return m->format->duration;
    if (m->track->duration > 0)
        return av_rescale_q(m->track->duration, m->track->time_base, AV_TIME_BASE_Q);
    return 0;
}

enum alb_code alb_video_look(enum alb_type type, struct alb_str bytes, struct alb_video *out,
                             struct alb_err *err)
{
    struct movie m;
    *out = (struct alb_video){0};
    enum alb_code code = start(&m, type, bytes, err);
    if (code == ALB_OK) {
        shown_size(&m, &out->width, &out->height);
        out->turn = turn_of(m.track);
        out->duration_ms = duration_us(&m) / 1000;
        if (m.track->avg_frame_rate.num > 0 && m.track->avg_frame_rate.den > 0)
            out->fps = av_q2d(m.track->avg_frame_rate);
        snprintf(out->codec, sizeof(out->codec), "%s", avcodec_get_name(m.track->codecpar->codec_id));
    }
    finish(&m);
    return code;
}

/* ---- frames ---- */

static enum alb_code open_decoder(struct movie *m, struct alb_err *err)
{
    const AVCodecParameters *c = m->track->codecpar;
    const AVCodec *codec = avcodec_find_decoder(c->codec_id);
    if (!codec)
        return alb_fail(err, ALB_E_UNSUPPORTED, "video: %s is not read here", avcodec_get_name(c->codec_id));
    m->decoder = avcodec_alloc_context3(codec);
    m->packet = av_packet_alloc();
    m->frame = av_frame_alloc();
    m->kept = av_frame_alloc();
    char *list = av_strdup(decoders);
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
        2 * (int64_t)c->width * c->height + BUFFER; /* a stream may not outgrow its header */
    if (rc >= 0)
        rc = avcodec_open2(m->decoder, codec, NULL);
    if (rc == AVERROR(EINVAL))
        return alb_fail(err, ALB_E_UNSUPPORTED, "video: %s is not read here", avcodec_get_name(c->codec_id));
    return rc < 0 ? fail(err, ALB_E_UNPROCESSABLE, "decoder", rc) : ALB_OK;
}

/* Gives the decoder one packet of the track, or the end. */
static void feed(struct movie *m)
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
static bool next_frame(struct movie *m)
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

static void keep(struct movie *m)
{
    av_frame_unref(m->kept);
    av_frame_move_ref(m->kept, m->frame);
}

/* To the key frame at or before a time; where the container cannot seek, to the start. */
static void go_to(struct movie *m, int64_t us)
{
    int64_t ts = av_rescale_q(us, AV_TIME_BASE_Q, m->track->time_base);
    if (m->track->start_time != AV_NOPTS_VALUE)
        ts += m->track->start_time;
    if (av_seek_frame(m->format, m->track->index, ts, AVSEEK_FLAG_BACKWARD) < 0)
        alb_ignore(av_seek_frame(m->format, m->track->index, 0, AVSEEK_FLAG_BACKWARD | AVSEEK_FLAG_ANY) < 0,
                   "then it goes on from where it is");
    avcodec_flush_buffers(m->decoder);
    m->drained = false;
    m->packets = 0;
}

static int64_t frame_us(const struct movie *m, const AVFrame *f)
{
    int64_t ts = f->best_effort_timestamp;
    if (ts == AV_NOPTS_VALUE)
        return INT64_MIN;
    if (m->track->start_time != AV_NOPTS_VALUE)
        ts -= m->track->start_time;
    return av_rescale_q(ts, m->track->time_base, AV_TIME_BASE_Q);
}

/* The one shown at a time is the last that begins before it, unless the next one is nearer. */
static bool take_nearest(struct movie *m, int64_t us)
{
    bool have = false;
    int64_t before = INT64_MIN;
    go_to(m, us);
    while (next_frame(m)) {
        int64_t t = frame_us(m, m->frame);
        if (have && t >= us && us - before < t - us)
            break;
        before = t;
        keep(m);
        have = true;
        if (t >= us)
            break;
    }
    return have;
}

static bool take_first(struct movie *m, int64_t us)
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
static bool take_telling(struct movie *m)
{
    int64_t us = duration_us(m) / 10;
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

static VipsImage *to_image(const struct movie *m, struct alb_err *err)
{
    uint32_t w, h;
    enum alb_hdr how = range_of(m->kept);
    shown_size(m, &w, &h);
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
    struct movie m;
    VipsImage *image = NULL;
    int64_t us = l->second > 0 && l->second < 1e9 ? (int64_t)(l->second * AV_TIME_BASE) : 0;
    enum alb_code code = start(&m, l->type, l->bytes, err);
    if (code == ALB_OK)
        code = open_decoder(&m, err);
    if (code == ALB_OK) {
        bool have = l->keyframe ? take_first(&m, us) : us > 0 ? take_nearest(&m, us) : take_telling(&m);
        if (!have && us > 0) /* a time behind the end */
            have = take_telling(&m);
        if (have)
            image = to_image(&m, err);
        else
            alb_fail(err, ALB_E_UNPROCESSABLE, "video: no frame can be decoded");
    }
    finish(&m);
    return image;
}
