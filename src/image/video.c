/* SPDX-License-Identifier: Apache-2.0
 *
 * Videos through libav: the container. It is given the demuxer that the sniffed type names and a short list of
 * decoders; it reads the mapped bytes through our own reader, may open nothing else, and makes no thread. How long it
 * may take is the master's affair: a stream that never ends is killed with its worker.
 */
#include <stdio.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>

#include "image/video_priv.h"

#define BUFFER 65536
#define PROBE_BYTES (4 << 20) /* what is looked through for a size, where the container has none */
#define STREAMS_MAX 64
#define SIDE_MAX 65535

/* Decoders that cameras, phones and the web have use for; nothing exotic, none that draws or runs scripts. */
static const char decoders[] =
    "h264,hevc,vp8,vp9,libdav1d,mpeg4,mpeg1video,mpeg2video,mpegvideo,msmpeg4v1,msmpeg4v2,msmpeg4,wmv1,wmv2,"
    "wmv3,"
    "vc1,h263,h263i,h263p,flv,mjpeg,mjpegb,prores,dvvideo,dnxhd,theora,svq1,svq3,cinepak,qtrle,rpza,vp6,vp6f,"
    "rawvideo,ffv1,huffyuv,ffvhuff,png";
static const char formats[] = "mov,matroska,avi,mpeg,mpegvideo,mpegts,asf";

enum alb_code alb_movie_fail(struct alb_err *err, enum alb_code code, const char *what, int number)
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
    struct alb_movie *m = arg;
    size_t left = m->bytes.n - m->pos, take = n < 0 ? 0 : (size_t)n < left ? (size_t)n : left;
    if (take == 0)
        return AVERROR_EOF;
    memcpy(to, m->bytes.p + m->pos, take);
    m->pos += take;
    return (int)take;
}

static int64_t on_seek(void *arg, int64_t off, int whence)
{
    struct alb_movie *m = arg;
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

char *alb_movie_decoders(void)
{
    return av_strdup(decoders);
}

void alb_movie_finish(struct alb_movie *m)
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

static bool prepare(struct alb_movie *m)
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
static enum alb_code find_track(struct alb_movie *m, struct alb_err *err)
{
    int n = av_find_best_stream(m->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    const AVCodecParameters *c = n >= 0 ? m->format->streams[n]->codecpar : NULL;
    if (!c || c->width <= 0 || c->height <= 0 || c->codec_id == AV_CODEC_ID_NONE) {
        int rc = avformat_find_stream_info(m->format, NULL);
        n = rc < 0 ? rc : av_find_best_stream(m->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
        c = n >= 0 ? m->format->streams[n]->codecpar : NULL;
    }
    if (!c)
        return alb_movie_fail(err, ALB_E_UNPROCESSABLE, "no pictures in it", n);
    if (c->width <= 0 || c->height <= 0 || c->width > SIDE_MAX || c->height > SIDE_MAX)
        return alb_fail(err, ALB_E_UNPROCESSABLE, "video: without a size");
    m->track = m->format->streams[n];
    for (unsigned i = 0; i < m->format->nb_streams; i++)
        m->format->streams[i]->discard = i == (unsigned)n ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    return ALB_OK;
}

enum alb_code alb_movie_start(struct alb_movie *m, enum alb_type type, struct alb_str bytes,
                              struct alb_err *err)
{
    *m = (struct alb_movie){.bytes = bytes};
    const AVInputFormat *in = av_find_input_format(demuxer(type, bytes));
    if (!in)
        return alb_fail(err, ALB_E_UNSUPPORTED, "video: %s is not read here", alb_type_name(type));
    if (!prepare(m))
        return alb_fail(err, ALB_E_NO_MEMORY, "video: no memory");
    int rc = avformat_open_input(&m->format, NULL, in, NULL);
    if (rc < 0)
        return alb_movie_fail(err, ALB_E_UNPROCESSABLE, "opening", rc);
    return find_track(m, err);
}

void alb_movie_size(const struct alb_movie *m, uint32_t *width, uint32_t *height)
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

int64_t alb_movie_bounded_us(int64_t us)
{
    return us < -ALB_MOVIE_TIME_MAX ? -ALB_MOVIE_TIME_MAX : us > ALB_MOVIE_TIME_MAX ? ALB_MOVIE_TIME_MAX : us;
}

int64_t alb_movie_duration_us(const struct alb_movie *m)
{
    if (m->format->duration > 0)
        return alb_movie_bounded_us(m->format->duration);
    if (m->track->duration > 0)
        return alb_movie_bounded_us(av_rescale_q(m->track->duration, m->track->time_base, AV_TIME_BASE_Q));
    return 0;
}

enum alb_code alb_video_look(enum alb_type type, struct alb_str bytes, struct alb_video *out,
                             struct alb_err *err)
{
    struct alb_movie m;
    *out = (struct alb_video){0};
    enum alb_code code = alb_movie_start(&m, type, bytes, err);
    if (code == ALB_OK) {
        alb_movie_size(&m, &out->width, &out->height);
        out->turn = turn_of(m.track);
        out->duration_ms = alb_movie_duration_us(&m) / 1000;
        if (m.track->avg_frame_rate.num > 0 && m.track->avg_frame_rate.den > 0)
            out->fps = av_q2d(m.track->avg_frame_rate);
        snprintf(out->codec, sizeof(out->codec), "%s", avcodec_get_name(m.track->codecpar->codec_id));
    }
    alb_movie_finish(&m);
    return code;
}
