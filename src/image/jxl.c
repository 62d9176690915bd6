/* SPDX-License-Identifier: Apache-2.0
 *
 * The frames of JPEG XL animations through libjxl, which puts each one together as it is shown; and stills of more
 * than 8 bits, at some of which libvips 8.14 gives up. Other stills are left to libvips.
 */
#include <string.h>

#include <jxl/decode.h>

#include "image/frames.h"

struct reading {
    JxlDecoder *d;
    JxlBasicInfo info;
    const struct alb_load *l;
    struct alb_frames f;
    int *delays; /* as f.delays, with room for `room` */
    uint32_t room;
    void *icc;
    size_t icc_size;
};

static VipsImage *bad(struct alb_err *err, const char *what)
{
    alb_fail(err, ALB_E_UNPROCESSABLE, "jxl: %s", what);
    return NULL;
}

static bool begin(struct reading *r, int events)
{
    JxlDecoderReset(r->d);
    return JxlDecoderSubscribeEvents(r->d, events) == JXL_DEC_SUCCESS &&
           JxlDecoderSetInput(r->d, (const uint8_t *)r->l->bytes.p, r->l->bytes.n) == JXL_DEC_SUCCESS &&
           (JxlDecoderCloseInput(r->d), true);
}

static void take_profile(struct reading *r)
{
    size_t n = 0;
    if (JxlDecoderGetICCProfileSize(r->d, NULL, JXL_COLOR_PROFILE_TARGET_DATA, &n) != JXL_DEC_SUCCESS ||
        n == 0 || n > (64u << 20))
        return;
    g_free(r->icc);
    r->icc = g_try_malloc(n);
    r->icc_size = r->icc ? n : 0;
    if (r->icc && JxlDecoderGetColorAsICCProfile(r->d, NULL, JXL_COLOR_PROFILE_TARGET_DATA, r->icc, n) !=
                      JXL_DEC_SUCCESS)
        r->icc_size = 0;
}

static bool add_frame(struct reading *r)
{
    JxlFrameHeader h;
    if (JxlDecoderGetFrameHeader(r->d, &h) != JXL_DEC_SUCCESS || r->f.count >= ALB_FRAMES_MAX)
        return false;
    if (r->f.count == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        r->delays = g_renew(int, r->delays, r->room);
    }
    double ms =
        r->info.animation.tps_numerator > 0
            ? 1000.0 * h.duration * r->info.animation.tps_denominator / r->info.animation.tps_numerator + 0.5
            : 0;
    r->delays[r->f.count++] = ms < INT32_MAX ? (int)ms : 0;
    return true;
}

/* Looks through the frames' headers. False: it is a still of 8 bits, or nothing that can be read. */
static bool look(struct reading *r)
{
    if (!begin(r, JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FRAME))
        return false;
    for (;;) {
        JxlDecoderStatus s = JxlDecoderProcessInput(r->d);
        if (s == JXL_DEC_BASIC_INFO) {
            if (JxlDecoderGetBasicInfo(r->d, &r->info) != JXL_DEC_SUCCESS ||
                (!r->info.have_animation && r->info.bits_per_sample <= 8))
                return false;
        } else if (s == JXL_DEC_COLOR_ENCODING) {
            take_profile(r);
        } else if (s == JXL_DEC_FRAME) {
            if (!add_frame(r))
                return false;
        } else {
            /* at the end, or where a file was cut: decoding will tell */
            return r->f.count > (r->info.have_animation ? 1u : 0u);
        }
    }
}

/* Decodes frame after frame to its place; those before the first that is wanted are passed over. */
static bool decode(struct reading *r, VipsImage *image)
{
    uint32_t wanted = alb_frames_wanted(r->l, r->f.count), at = 0;
    size_t line = r->f.width * (size_t)r->f.bands * (r->f.bits > 8 ? 2 : 1), one = line * r->f.height;
    const JxlPixelFormat format = {r->f.bands, r->f.bits > 8 ? JXL_TYPE_UINT16 : JXL_TYPE_UINT8,
                                   JXL_NATIVE_ENDIAN, 0};
    if (!begin(r, JXL_DEC_FULL_IMAGE))
        return false;
    JxlDecoderSkipFrames(r->d, r->l->page);
    while (at < wanted) {
        size_t need = 0;
        JxlDecoderStatus s = JxlDecoderProcessInput(r->d);
        if (s == JXL_DEC_NEED_IMAGE_OUT_BUFFER) {
            if (JxlDecoderImageOutBufferSize(r->d, &format, &need) != JXL_DEC_SUCCESS || need != one ||
                JxlDecoderSetImageOutBuffer(r->d, &format, image->data + at * one, one) != JXL_DEC_SUCCESS)
                return false;
        } else if (s == JXL_DEC_FULL_IMAGE) {
            at++;
        } else {
            return false;
        }
    }
    return true;
}

static VipsImage *frames(struct reading *r, struct alb_err *err)
{
    bool turned = r->info.orientation > JXL_ORIENT_FLIP_VERTICAL; /* libjxl turns the picture */
    r->f.width = turned ? r->info.ysize : r->info.xsize;
    r->f.height = turned ? r->info.xsize : r->info.ysize;
    r->f.bands = r->info.num_color_channels + (r->info.alpha_bits > 0 ? 1u : 0u);
    r->f.bits = r->info.bits_per_sample > 8 ? 16 : 8;
    r->f.plays = r->info.animation.num_loops < INT32_MAX ? (int)r->info.animation.num_loops : 0;
    r->f.delays = r->f.count > 1 ? r->delays : NULL;
    if (r->f.bands < 1 || r->f.bands > 4)
        return bad(err, "its channels are not colours");
    VipsImage *image = alb_frames_new(r->l, &r->f, err);
    if (image && !r->l->header && !decode(r, image)) {
        g_object_unref(image);
        return bad(err, "its frames cannot be read");
    }
    if (image && r->icc_size > 0)
        vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, r->icc, r->icc_size);
    return image;
}

VipsImage *alb_jxl_open(const struct alb_load *l, bool *taken, struct alb_err *err)
{
    struct reading r = {.l = l, .d = JxlDecoderCreate(NULL)};
    VipsImage *image = NULL;
    *taken = r.d && look(&r);
    if (*taken)
        image = frames(&r, err);
    g_free(r.delays);
    g_free(r.icc);
    if (r.d)
        JxlDecoderDestroy(r.d);
    return image;
}
