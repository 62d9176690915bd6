/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/imgproxy/info.h"

#include <stdio.h>

#include "base/codec.h"
#include "base/json.h"

static void kdouble(struct alb_json *j, const char *key, double v)
{
    if (v <= 0)
        return;
    alb_json_key(j, key);
    alb_json_double(j, v);
}

static void ktext(struct alb_json *j, const char *key, struct alb_str v)
{
    if (v.n > 0)
        alb_json_kstr(j, key, v);
}

static void ktime(struct alb_json *j, const char *key, const struct alb_meta_time *t)
{
    char text[25];
    if (!t->known)
        return;
    alb_time_rfc3339(t->local_ms, text);
    text[19] = '\0'; /* as cameras write it: without a zone */
    alb_json_kc(j, key, text);
}

enum fact {
    MAKE,
    MODEL,
    LENS,
    SOFTWARE,
    TAKEN,
    ZONE,
    F_NUMBER,
    EXPOSURE,
    FOCAL,
    FOCAL_35,
    ISO,
    ORIENTATION,
    LATITUDE,
    LONGITUDE
};

/* The tag's name in the standard, or as people are told of it (imgproxy's default: the titles that libexif has). */
static const char *named(enum fact f, bool canonical)
{
    static const char *const names[][2] = {
        [MAKE] = {"Manufacturer", "Make"},
        [MODEL] = {"Model", "Model"},
        [LENS] = {"Lens Model", "LensModel"},
        [SOFTWARE] = {"Software", "Software"},
        [TAKEN] = {"Date and Time (Original)", "DateTimeOriginal"},
        [ZONE] = {"Offset Time For DateTimeOriginal", "OffsetTimeOriginal"},
        [F_NUMBER] = {"F-Number", "FNumber"},
        [EXPOSURE] = {"Exposure Time", "ExposureTime"},
        [FOCAL] = {"Focal Length", "FocalLength"},
        [FOCAL_35] = {"Focal Length in 35mm Film", "FocalLengthIn35mmFilm"},
        [ISO] = {"ISO Speed Ratings", "ISOSpeedRatings"},
        [ORIENTATION] = {"Orientation", "Orientation"},
        [LATITUDE] = {"Latitude", "GPSLatitude"},
        [LONGITUDE] = {"Longitude", "GPSLongitude"},
    };
    return names[f][canonical ? 1 : 0];
}

static void write_taken(struct alb_json *j, const struct alb_meta_time *t, bool canonical)
{
    char zone[16];
    int offset = t->offset_min < 0 ? -t->offset_min : t->offset_min;
    ktime(j, named(TAKEN, canonical), t);
    if (!t->known || !t->has_offset)
        return;
    (void)snprintf(zone, sizeof(zone), "%c%02d:%02d", t->offset_min < 0 ? '-' : '+', offset / 60, offset % 60);
    alb_json_kc(j, named(ZONE, canonical), zone);
}

/* What the readers make of files is merged (meta.h): each fact is told once, with the block that it usually comes
 * from. */
static void write_exif(struct alb_json *j, const struct alb_meta *m, bool canonical)
{
    alb_json_key(j, "exif");
    alb_json_object(j);
    ktext(j, named(MAKE, canonical), m->make);
    ktext(j, named(MODEL, canonical), m->model);
    ktext(j, named(LENS, canonical), m->lens);
    ktext(j, named(SOFTWARE, canonical), m->software);
    write_taken(j, &m->taken, canonical);
    kdouble(j, named(F_NUMBER, canonical), m->f_number);
    kdouble(j, named(EXPOSURE, canonical), m->exposure_s);
    kdouble(j, named(FOCAL, canonical), m->focal_mm);
    kdouble(j, named(FOCAL_35, canonical), m->focal_35mm);
    if (m->iso > 0)
        alb_json_ki64(j, named(ISO, canonical), m->iso);
    if (m->orientation > 0)
        alb_json_ki64(j, named(ORIENTATION, canonical), m->orientation);
    if (m->has_gps) {
        alb_json_key(j, named(LATITUDE, canonical));
        alb_json_double(j, m->latitude);
        alb_json_key(j, named(LONGITUDE, canonical));
        alb_json_double(j, m->longitude);
    }
    alb_json_end(j);
}

static void write_iptc(struct alb_json *j, const struct alb_meta *m)
{
    alb_json_key(j, "iptc");
    alb_json_object(j);
    ktext(j, "By-line", m->author);
    ktext(j, "Copyright Notice", m->copyright);
    ktext(j, "City", m->city);
    ktext(j, "Province/State", m->state);
    ktext(j, "Country/Primary Location Name", m->country);
    if (m->keyword_count > 0) {
        alb_json_key(j, "Keywords");
        alb_json_array(j);
        for (size_t i = 0; i < m->keyword_count; i++)
            alb_json_str(j, m->keywords[i]);
        alb_json_end(j);
    }
    alb_json_end(j);
}

static void write_xmp(struct alb_json *j, const struct alb_meta *m)
{
    alb_json_key(j, "xmp");
    alb_json_object(j);
    ktext(j, "dc:title", m->title);
    ktext(j, "dc:description", m->description);
    if (m->has_rating)
        alb_json_ki64(j, "xmp:Rating", m->rating);
    alb_json_end(j);
}

static void write_video(struct alb_json *j, const struct alb_meta *m)
{
    alb_json_key(j, "video_meta");
    alb_json_object(j);
    alb_json_key(j, "duration");
    alb_json_double(j, (double)m->duration_ms / 1000);
    kdouble(j, "fps", m->fps);
    ktext(j, "codec", m->codec);
    alb_json_kbool(j, "has_audio", m->has_audio);
    alb_json_end(j);
}

static void write_pixels(struct alb_json *j, const struct alb_imgproxy_info *want,
                         const struct alb_image_header *h, const struct alb_look *look)
{
    static const char *const spaces[] = {[ALB_SPACE_RGB] = "srgb",
                                         [ALB_SPACE_GREY] = "b-w",
                                         [ALB_SPACE_CMYK] = "cmyk",
                                         [ALB_SPACE_OTHER] = "multiband"};
    int bands = h->space == ALB_SPACE_GREY ? 1 : h->space == ALB_SPACE_CMYK ? 4 : 3;
    if (want->colorspace)
        alb_json_kc(j, "colorspace", spaces[h->space]);
    if (want->bands)
        alb_json_ki64(j, "bands", bands + (h->alpha ? 1 : 0));
    if (want->sample_format)
        alb_json_kc(j, "sample_format", h->bits <= 8 ? "uchar" : h->bits <= 16 ? "ushort" : "float");
    if (want->pages_number)
        alb_json_ki64(j, "pages_number", h->pages);
    if (want->alpha) {
        alb_json_key(j, "alpha");
        alb_json_object(j);
        alb_json_kbool(j, "has_alpha", h->alpha);
        if (want->alpha_check)
            alb_json_kbool(j, "has_transparency", look->rgba && alb_look_has_alpha(look));
        alb_json_end(j);
    }
}

/* ---- what it looks like ---- */

static void write_colour(struct alb_json *j, struct alb_colour c)
{
    alb_json_object(j);
    alb_json_ki64(j, "R", c.r);
    alb_json_ki64(j, "G", c.g);
    alb_json_ki64(j, "B", c.b);
    alb_json_ki64(j, "A", c.a);
    alb_json_end(j);
}

static void write_dominant(struct alb_json *j, const struct alb_look *l, bool build)
{
    struct alb_colour colours[ALB_DOMINANT_COUNT];
    unsigned found = alb_look_dominant(l, build, colours);
    alb_json_key(j, "dominant_colors");
    alb_json_object(j);
    for (unsigned i = 0; i < ALB_DOMINANT_COUNT; i++) {
        if (!(found & 1u << i))
            continue;
        alb_json_key(j, alb_dominant_name((enum alb_dominant)i));
        write_colour(j, colours[i]);
    }
    alb_json_end(j);
}

static void write_palette(struct alb_json *j, const struct alb_look *l, unsigned max)
{
    struct alb_colour colours[ALB_LOOK_PALETTE_MAX];
    unsigned n = alb_look_palette(l, max, colours);
    alb_json_key(j, "palette");
    alb_json_array(j);
    for (unsigned i = 0; i < n; i++)
        write_colour(j, colours[i]);
    alb_json_end(j);
}

static void write_look(struct alb_json *j, const struct alb_imgproxy_info *want, const struct alb_look *l)
{
    char text[ALB_BLURHASH_MAX];
    if (want->palette > 0)
        write_palette(j, l, (unsigned)want->palette);
    if (want->average) {
        alb_json_key(j, "average");
        write_colour(j, alb_look_average(l, want->average_ignore_transparent));
    }
    if (want->dominant)
        write_dominant(j, l, want->dominant_build_missed);
    if (want->blurhash_x > 0 && want->blurhash_y > 0) {
        alb_look_blurhash(l, (unsigned)want->blurhash_x, (unsigned)want->blurhash_y, text);
        alb_json_kc(j, "blurhash", text);
    }
    if (want->perceptual_hash) {
        (void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)alb_look_phash(l));
        alb_json_kc(j, "perceptual_hash", text);
    }
}

static void write_sums(struct alb_json *j, const struct alb_imgproxy_info *want,
                       const struct alb_imgproxy_sums *sums)
{
    alb_json_key(j, "hashsums");
    alb_json_object(j);
    for (int i = ALB_IMGPROXY_HASH_MD5; i <= ALB_IMGPROXY_HASH_SHA512; i++)
        if (want->hashes & (1u << i))
            alb_json_kc(j, alb_imgproxy_word_name(alb_imgproxy_hashes, i), sums->text[i]);
    alb_json_end(j);
}

static void write_file(struct alb_json *j, const struct alb_imgproxy_info *want, const struct alb_probe *p,
                       int64_t size)
{
    const struct alb_image_header *h = &p->header;
    bool lies = h->orientation >= 5; /* width and height are those of the picture as it is shown */
    if (want->size)
        alb_json_ki64(j, "size", size);
    if (want->format) {
        alb_json_kc(j, "format", alb_type_name(p->type));
        alb_json_kc(j, "mime_type", alb_type_mime(p->type));
    }
    if (want->dimensions) {
        alb_json_ki64(j, "width", lies ? h->height : h->width);
        alb_json_ki64(j, "height", lies ? h->width : h->height);
        alb_json_ki64(j, "orientation", h->orientation);
    }
}

static void write_crop(struct alb_json *j, const struct alb_imgproxy_info *want, const struct alb_probe *p)
{
    struct alb_imgproxy_place_of at;
    if (!alb_imgproxy_info_crop(want, p, &at))
        return;
    alb_json_key(j, "crop");
    alb_json_object(j);
    const struct {
        const char *key;
        double v;
    } all[] = {{"left", at.left}, {"top", at.top}, {"width", at.width}, {"height", at.height}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(all); i++) {
        alb_json_key(j, all[i].key);
        alb_json_double(j, all[i].v);
    }
    alb_json_end(j);
}

enum alb_code alb_imgproxy_info_write(const struct alb_imgproxy_info *want, const struct alb_probe *p,
                                      int64_t size, const struct alb_imgproxy_sums *sums, struct alb_buf *out,
                                      struct alb_err *err)
{
    struct alb_json j;
    if (p->header.width == 0 || p->header.height == 0)
        return alb_fail(err, ALB_E_UNPROCESSABLE, "%s", p->note[0] ? p->note : "a picture without a size");
    alb_json_init(&j, out);
    alb_json_object(&j);
    write_file(&j, want, p, size);
    if (want->exif)
        write_exif(&j, &p->meta, want->exif_canonical);
    if (want->iptc)
        write_iptc(&j, &p->meta);
    if (want->xmp)
        write_xmp(&j, &p->meta);
    if (want->video_meta && alb_type_class(p->type) == ALB_CLASS_VIDEO)
        write_video(&j, &p->meta);
    const struct alb_look look = {p->small, p->small_width, p->small_height};
    write_pixels(&j, want, &p->header, &look);
    write_crop(&j, want, p);
    if (look.rgba)
        write_look(&j, want, &look);
    if (want->thumb_hash && p->thumbhash_len > 0) {
        struct alb_buf text = ALB_BUF_INIT(64);
        alb_b64_encode(&text, p->thumbhash, p->thumbhash_len, ALB_B64_STD);
        alb_json_kstr(&j, "thumb_hash", alb_buf_view(&text));
        alb_buf_fini(&text);
    }
    if (want->hashes)
        write_sums(&j, want, sums);
    alb_json_end(&j);
    return alb_buf_code(out);
}
