/* SPDX-License-Identifier: Apache-2.0
 *
 * Words and numbers of the language (contract: words.h).
 */
#include "doors/imgproxy/words.h"

#define NUMBER_MAX 320

const struct alb_imgproxy_word alb_imgproxy_formats[] = {
    {"jpeg", ALB_IMGPROXY_JPEG}, {"jpg", ALB_IMGPROXY_JPEG},
    {"jxl", ALB_IMGPROXY_JXL},   {"png", ALB_IMGPROXY_PNG},
    {"webp", ALB_IMGPROXY_WEBP}, {"gif", ALB_IMGPROXY_GIF},
    {"ico", ALB_IMGPROXY_ICO},   {"svg", ALB_IMGPROXY_SVG},
    {"heic", ALB_IMGPROXY_HEIC}, {"avif", ALB_IMGPROXY_AVIF},
    {"bmp", ALB_IMGPROXY_BMP},   {"tiff", ALB_IMGPROXY_TIFF},
    {"pdf", ALB_IMGPROXY_PDF},   {"mp4", ALB_IMGPROXY_MP4},
    {"best", ALB_IMGPROXY_BEST}, {NULL, 0},
};
const struct alb_imgproxy_word alb_imgproxy_resizes[] = {
    {"fit", ALB_IMGPROXY_FIT},     {"fill", ALB_IMGPROXY_FILL}, {"fill-down", ALB_IMGPROXY_FILL_DOWN},
    {"force", ALB_IMGPROXY_FORCE}, {"auto", ALB_IMGPROXY_AUTO}, {NULL, 0},
};
const struct alb_imgproxy_word alb_imgproxy_kernels[] = {
    {"nearest", ALB_IMGPROXY_NEAREST},   {"linear", ALB_IMGPROXY_LINEAR},     {"cubic", ALB_IMGPROXY_CUBIC},
    {"lanczos2", ALB_IMGPROXY_LANCZOS2}, {"lanczos3", ALB_IMGPROXY_LANCZOS3}, {NULL, 0},
};
const struct alb_imgproxy_word alb_imgproxy_places[] = {
    {"ce", ALB_IMGPROXY_CE},     {"no", ALB_IMGPROXY_NO},
    {"ea", ALB_IMGPROXY_EA},     {"so", ALB_IMGPROXY_SO},
    {"we", ALB_IMGPROXY_WE},     {"nowe", ALB_IMGPROXY_NOWE},
    {"noea", ALB_IMGPROXY_NOEA}, {"sowe", ALB_IMGPROXY_SOWE},
    {"soea", ALB_IMGPROXY_SOEA}, {"sm", ALB_IMGPROXY_SM},
    {"fp", ALB_IMGPROXY_FP},     {"re", ALB_IMGPROXY_RE},
    {"ch", ALB_IMGPROXY_CH},     {NULL, 0},
};
const struct alb_imgproxy_word alb_imgproxy_unsharps[] = {
    {"auto", ALB_IMGPROXY_UNSHARP_AUTO},
    {"none", ALB_IMGPROXY_UNSHARP_NONE},
    {"always", ALB_IMGPROXY_UNSHARP_ALWAYS},
    {NULL, 0},
};
const struct alb_imgproxy_word alb_imgproxy_aqs[] = {
    {"none", ALB_IMGPROXY_AQ_NONE},
    {"size", ALB_IMGPROXY_AQ_SIZE},
    {"dssim", ALB_IMGPROXY_AQ_DSSIM},
    {NULL, 0},
};
const struct alb_imgproxy_word alb_imgproxy_webps[] = {
    {"lossy", ALB_IMGPROXY_LOSSY},
    {"near_lossless", ALB_IMGPROXY_NEAR_LOSSLESS},
    {"lossless", ALB_IMGPROXY_LOSSLESS},
    {NULL, 0},
};
const struct alb_imgproxy_word alb_imgproxy_webp_presets[] = {
    {"default", ALB_IMGPROXY_PRESET_DEFAULT},
    {"picture", ALB_IMGPROXY_PRESET_PICTURE},
    {"photo", ALB_IMGPROXY_PRESET_PHOTO},
    {"drawing", ALB_IMGPROXY_PRESET_DRAWING},
    {"icon", ALB_IMGPROXY_PRESET_ICON},
    {"text", ALB_IMGPROXY_PRESET_TEXT},
    {NULL, 0},
};
const struct alb_imgproxy_word alb_imgproxy_subsamples[] = {
    {"auto", ALB_IMGPROXY_SUBSAMPLE_AUTO},
    {"on", ALB_IMGPROXY_SUBSAMPLE_ON},
    {"off", ALB_IMGPROXY_SUBSAMPLE_OFF},
    {NULL, 0},
};
const struct alb_imgproxy_word alb_imgproxy_hashes[] = {
    {"none", ALB_IMGPROXY_HASH_NONE},     {"md5", ALB_IMGPROXY_HASH_MD5},
    {"sha1", ALB_IMGPROXY_HASH_SHA1},     {"sha256", ALB_IMGPROXY_HASH_SHA256},
    {"sha512", ALB_IMGPROXY_HASH_SHA512}, {NULL, 0},
};

bool alb_imgproxy_word(const struct alb_imgproxy_word *words, struct alb_str s, int *value)
{
    for (; words->name != NULL; words++) {
        if (alb_str_eq_c(s, words->name)) {
            *value = words->value;
            return true;
        }
    }
    *value = 0;
    return false;
}

const char *alb_imgproxy_word_name(const struct alb_imgproxy_word *words, int value)
{
    for (; words->name != NULL; words++) {
        if (words->value == value)
            return words->name;
    }
    return "?";
}

bool alb_imgproxy_int(struct alb_str s, int64_t *out)
{
    if (s.n > 1 && s.p[0] == '+' && s.p[1] != '-')
        s = alb_str_from(s, 1);
    return alb_str_i64(s, out);
}

static bool is_digit_of(char c, bool hex)
{
    char l = alb_lower(c);
    return alb_is_digit(c) || (hex && l >= 'a' && l <= 'f');
}

/* Go lets "_" stand between digits, or between the prefix and a digit. */
static bool drop_underscores(struct alb_str s, char *out, size_t *n)
{
    size_t start = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+') ? 1 : 0;
    bool hex = s.n > start + 1 && s.p[start] == '0' && alb_lower(s.p[start + 1]) == 'x';

    *n = 0;
    if (s.n > NUMBER_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '_') {
            out[(*n)++] = s.p[i];
            continue;
        }
        bool after = i > 0 && (is_digit_of(s.p[i - 1], hex) || (hex && i == start + 2));
        if (!after || i + 1 == s.n || !is_digit_of(s.p[i + 1], hex))
            return false;
    }
    return true;
}

bool alb_imgproxy_float(struct alb_str s, double *out)
{
    char text[NUMBER_MAX];
    size_t n;

    *out = 0;
    if (!drop_underscores(s, text, &n) || !alb_str_number(alb_str_n(text, n), out))
        return false;
    if (*out == 0)
        *out = 0; /* one zero: "-0" would be another key for the same picture */
    return true;
}

bool alb_imgproxy_bool(struct alb_str s, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};

    *out = false;
    for (size_t i = 0; i < ALB_ARRAY_LEN(yes); i++) {
        if (alb_str_eq_c(s, yes[i])) {
            *out = true;
            return true;
        }
        if (alb_str_eq_c(s, no[i]))
            return true;
    }
    return false;
}

bool alb_imgproxy_colour(struct alb_str s, uint32_t *out)
{
    uint64_t v;

    *out = 0;
    if ((s.n != 3 && s.n != 6) || !alb_str_hex_u64(s, &v))
        return false;
    if (s.n == 3)
        v = (v >> 8) * 0x110000 + (v >> 4 & 15) * 0x1100 + (v & 15) * 0x11;
    *out = (uint32_t)v;
    return true;
}
