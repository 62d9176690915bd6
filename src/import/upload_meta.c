/* SPDX-License-Identifier: Apache-2.0
 *
 * What an upload says about its file, and what the server's Location means. Pure.
 */
#include "import/upload.h"

#include "base/codec.h"

static void add_pair(struct alb_buf *out, const char *key, struct alb_str value)
{
    if (out->n > 0)
        alb_buf_char(out, ',');
    alb_buf_c(out, key);
    alb_buf_char(out, ' ');
    alb_b64_encode(out, value.p, value.n, ALB_B64_STD);
}

/* Names are UTF-8 on the wire. What is no UTF-8 was most likely Latin-1; control characters are nobody's
 * intent. */
static void add_name(struct alb_buf *out, struct alb_str s)
{
    bool utf8 = alb_str_is_utf8(s);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f) {
            alb_buf_char(out, '_');
        } else if (c < 0x80 || utf8) {
            alb_buf_char(out, s.p[i]);
        } else {
            alb_buf_char(out, (char)(0xc0 | (c >> 6)));
            alb_buf_char(out, (char)(0x80 | (c & 0x3f)));
        }
    }
}

static void add_text(struct alb_buf *out, const char *key, struct alb_str text)
{
    struct alb_buf clean = ALB_BUF_INIT(3 * ALB_IMPORT_PATH_MAX);
    add_name(&clean, text);
    add_pair(out, key, alb_buf_view(&clean));
    alb_buf_fini(&clean);
}

void alb_upload_metadata(const struct alb_item *item, struct alb_str tags, struct alb_buf *out)
{
    char room[16], when[25];
    struct alb_str name = alb_item_name(item);
    int64_t ms = item->mtime_ns / ALB_NS_PER_MS - (item->mtime_ns % ALB_NS_PER_MS < 0 ? 1 : 0);
    add_text(out, "filename", name);
    add_pair(out, "filetype", alb_str_c(alb_mime_of(alb_extension_of(name, room))));
    alb_time_rfc3339(ms, when);
    add_pair(out, "taken-at", alb_str_c(when)); /* a hint: what the file itself says is stronger */
    add_pair(out, "modified-at", alb_str_c(when));
    if (item->album.n > 0)
        add_text(out, "album", item->album);
    if (tags.n > 0)
        add_pair(out, "tags", tags);
}

/* The path of an http address; `s` itself when it is none. */
static struct alb_str path_of(struct alb_str s)
{
    size_t at = alb_str_find_str(s, ALB_STR("://"));
    if (at == ALB_STR_NPOS)
        return s;
    struct alb_str rest = alb_str_from(s, at + 3);
    size_t slash = alb_str_find(rest, '/');
    return slash == ALB_STR_NPOS ? ALB_STR("/") : alb_str_from(rest, slash);
}

bool alb_upload_target(struct alb_str base, struct alb_str location, struct alb_buf *target)
{
    struct alb_str path = path_of(alb_str_trim(location));
    struct alb_str prefix = path_of(base);
    alb_buf_reset(target);
    if (path.n == 0 || alb_str_has_control(path) || alb_str_find(path, ' ') != ALB_STR_NPOS)
        return false;
    if (path.p[0] != '/') {
        alb_buf_c(target, "/files/");
    } else if (prefix.n > 1 && alb_str_starts(path, prefix) && path.n > prefix.n && path.p[prefix.n] == '/') {
        path = alb_str_from(path, prefix.n);
    }
    alb_buf_str(target, path);
    return alb_buf_code(target) == ALB_OK && target->n <= ALB_IMPORT_URL_MAX;
}
