/* SPDX-License-Identifier: Apache-2.0
 *
 * Our own readers of pixels and profiles in the worker: Windows bitmaps and ICC. (Codecs of others are fuzzed
 * by their makers; they live in the sandbox.) First byte: b bitmap, i profile, B a good bitmap with changes.
 */
#include <string.h>

#include "base/check.h"
#include "fuzz.h"
#include "image/icc.h"
#include "image/load.h"

static void bitmap(struct alb_str s)
{
    uint32_t w, h;
    if (!alb_bmp_size(s, &w, &h) || (uint64_t)w * h > 1 << 20)
        return;
    for (int strict = 0; strict < 2; strict++) {
        VipsImage *image = alb_bmp_open(s, strict, NULL);
        if (image)
            ALB_CHECK((uint32_t)vips_image_get_width(image) == w &&
                      (uint32_t)vips_image_get_height(image) == h);
        g_clear_object(&image);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char good[] = "BM\x66\0\0\0\0\0\0\0\x46\0\0\0\x28\0\0\0\x04\0\0\0\x04\0\0\0\x01\0\x04\0\0\0"
                               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\x04\0\0\0\0\0\0\0\0\0\xe0\0\xe0\0\0\0\x40\0\0\0\x02\x12\0\0\x04\x31\0\x03"
                               "\x12\x30\0\0\0\x02\x01\x01\x03\x22\0\x01";
    static bool ready;
    if (!ready && VIPS_INIT("fuzz") != 0)
        return 0;
    ready = true;
    uint8_t kind = fuzz_take_byte(&data, &size);
    struct alb_str s = {(const char *)data, size};
    if (kind == 'b') {
        bitmap(s);
    } else if (kind == 'i') {
        ALB_CHECK((unsigned)alb_icc_kind(s) <= ALB_ICC_OTHER);
    } else if (kind == 'B') {
        char copy[sizeof(good) - 1];
        memcpy(copy, good, sizeof(copy));
        for (; size >= 2; data += 2, size -= 2)
            copy[data[0] % sizeof(copy)] = (char)data[1];
        bitmap((struct alb_str){copy, sizeof(copy)});
    }
    return 0;
}
