/* SPDX-License-Identifier: Apache-2.0
 *
 * The blocks come from meta/rights.h; here they take the place of those that libvips carries along.
 */
#include "image/general_rights.h"

#include <string.h>

#include "image/general_steps.h"
#include "meta/meta.h"
#include "meta/rights.h"

/* Takes b over. */
static void set_blob(VipsImage *image, const char *name, struct alb_buf *b)
{
    struct alb_str s = alb_buf_code(b) == ALB_OK ? alb_buf_view(b) : ALB_STR_NONE;
    if (s.n > 0)
        vips_image_set_blob_copy(image, name, s.p, s.n);
    else
        vips_image_remove(image, name);
    alb_buf_fini(b);
}

/* A field of libvips for each entry: its savers delete what has none. */
static void exif_field(VipsImage *image, const char *name, struct alb_buf *value_of)
{
    struct alb_str text = alb_buf_view(value_of);
    if (text.n == 0) {
        vips_image_remove(image, name);
        return;
    }
    char *value = g_strdup_printf("%.*s (%.*s, ASCII, %zu components, %zu bytes)", (int)text.n, text.p,
                                  (int)text.n, text.p, text.n + 1, text.n + 1);
    vips_image_set_string(image, name, value);
    g_free(value);
}

static void *forget_exif(VipsImage *image, const char *name, GValue *value, void *arg)
{
    (void)value;
    (void)arg;
    if (strncmp(name, "exif-", 5) == 0 && strcmp(name, VIPS_META_EXIF_NAME) != 0)
        vips_image_remove(image, name);
    return NULL;
}

static void exif_only(VipsImage *image)
{
    struct alb_buf b = ALB_BUF_INIT(ALB_META_BLOCK_MAX), artist = ALB_BUF_INIT(ALB_META_BLOCK_MAX),
                   copyright = ALB_BUF_INIT(ALB_META_BLOCK_MAX);
    alb_meta_rights_exif(alb_image_blob(image, VIPS_META_EXIF_NAME), &b, &artist, &copyright);
    vips_image_map(image, forget_exif, NULL);
    set_blob(image, VIPS_META_EXIF_NAME, &b);
    exif_field(image, "exif-ifd0-Artist", &artist);
    exif_field(image, "exif-ifd0-Copyright", &copyright);
    alb_buf_fini(&artist);
    alb_buf_fini(&copyright);
}

void alb_rights_only(VipsImage *image)
{
    struct alb_buf iptc = ALB_BUF_INIT(ALB_META_BLOCK_MAX), xmp = ALB_BUF_INIT(ALB_META_BLOCK_MAX);
    exif_only(image);
    alb_meta_rights_iptc(alb_image_blob(image, VIPS_META_IPTC_NAME), &iptc);
    set_blob(image, VIPS_META_IPTC_NAME, &iptc);
    alb_meta_rights_xmp(alb_image_blob(image, VIPS_META_XMP_NAME), &xmp);
    set_blob(image, VIPS_META_XMP_NAME, &xmp);
}
