/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths of imagor's file storages (contract: storage_key.h).
 */
#include "doors/thumbor/storage_key.h"

#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/hash.h"

#define KEY_MAX (4 * ALB_THUMBOR_PATH_MAX)
#define SUFFIX_DIGITS 20

bool alb_thumbor_style_of(struct alb_str name, bool results, enum alb_thumbor_style *style)
{
    static const char *const names[] = {"original", "digest", "suffix", "size"};
    size_t n = results ? ALB_ARRAY_LEN(names) : ALB_THUMBOR_STYLE_SUFFIX;
    for (size_t i = 0; i < n; i++) {
        if (!alb_str_eq_ci(name, alb_str_c(names[i])))
            continue;
        *style = (enum alb_thumbor_style)i;
        return true;
    }
    return false;
}

static struct alb_str kept(struct alb_arena *arena, struct alb_buf *b)
{
    struct alb_str out = ALB_STR_NONE;
    if (alb_buf_code(b) == ALB_OK)
        out = alb_arena_str(arena, alb_buf_view(b));
    alb_buf_fini(b);
    return out;
}

/* ---- keys ---- */

static void digest(struct alb_str text, char out[2 * ALB_SHA1_LEN + 1])
{
    unsigned char sum[ALB_SHA1_LEN];
    alb_sha1(text.p, text.n, sum);
    alb_hex(sum, sizeof(sum), out);
}

static struct alb_str digest_key(struct alb_arena *arena, struct alb_str text)
{
    char hex[2 * ALB_SHA1_LEN + 1];
    digest(text, hex);
    return alb_arena_printf(arena, "%.2s/%.2s/%s", hex, hex + 2, hex + 4);
}

struct alb_str alb_thumbor_original_key(struct alb_arena *arena, enum alb_thumbor_style style,
                                        struct alb_str image)
{
    return style == ALB_THUMBOR_STYLE_DIGEST ? digest_key(arena, image) : image;
}

static struct alb_str suffix_key(struct alb_arena *arena, bool size, struct alb_str path,
                                 const struct alb_thumbor_url *u, struct alb_str format)
{
    struct alb_buf b = ALB_BUF_INIT(KEY_MAX);
    char hex[2 * ALB_SHA1_LEN + 1];
    size_t dot = alb_str_rfind(u->image, '.'), slash = alb_str_rfind(u->image, '/');
    bool ends = dot != ALB_STR_NPOS && (slash == ALB_STR_NPOS || slash < dot);
    struct alb_str ending = ends ? alb_str_from(u->image, dot + 1) : ALB_STR_NONE;
    digest(path, hex);
    alb_buf_str(&b, ends ? alb_str_sub(u->image, 0, dot) : u->image);
    alb_buf_char(&b, '.');
    alb_buf_add(&b, hex, SUFFIX_DIGITS);
    if (size && (u->width != 0 || u->height != 0))
        alb_buf_printf(&b, "_%lldx%lld", (long long)u->width, (long long)u->height);
    for (size_t i = 0; i < u->filter_count; i++) {
        if (alb_str_eq_c(u->filters[i].name, "format"))
            ending = u->filters[i].args;
    }
    if (ends) {
        alb_buf_char(&b, '.');
        alb_buf_str(&b, u->meta ? ALB_STR("json") : (format.n > 0 ? format : ending));
    }
    return kept(arena, &b);
}

struct alb_str alb_thumbor_result_key(struct alb_arena *arena, enum alb_thumbor_style style,
                                      struct alb_str path, const struct alb_thumbor_url *u,
                                      struct alb_str format)
{
    if (style == ALB_THUMBOR_STYLE_ORIGINAL)
        return path;
    return style == ALB_THUMBOR_STYLE_DIGEST
               ? digest_key(arena, path)
               : suffix_key(arena, style == ALB_THUMBOR_STYLE_SIZE, path, u, format);
}

/* ---- folders ---- */

/* As Go's path.Clean, but for the slashes at both ends, which go. `out` has room for all of key; returns the length. */
static size_t clean(struct alb_str key, char *out)
{
    bool rooted = alb_str_starts(key, ALB_STR("/"));
    size_t n = 0, fixed = 0; /* of a "../" at the beginning nothing is taken back */
    struct alb_str piece;
    while (key.n > 0 && alb_str_next(&key, '/', &piece)) {
        if (piece.n == 0 || alb_str_eq_c(piece, "."))
            continue;
        bool up = alb_str_eq_c(piece, "..");
        if (up && n > fixed) {
            while (n > fixed && out[--n] != '/')
                ;
            continue;
        }
        if (up && rooted)
            continue;
        if (n > 0)
            out[n++] = '/';
        memcpy(out + n, piece.p, piece.n);
        n += piece.n;
        fixed = up ? n : fixed;
    }
    return n;
}

static bool stays(char c, struct alb_str safe)
{
    char l = alb_lower(c);
    return alb_is_digit(c) || (l >= 'a' && l <= 'z') || c == '/' || c == '-' || c == '_' || c == '.' ||
           c == '~' || alb_str_find(safe, c) != ALB_STR_NPOS;
}

static void escape(struct alb_str key, struct alb_str safe, struct alb_buf *out)
{
    bool all = alb_str_eq_c(safe, "--");
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        if (all || stays(c, safe))
            alb_buf_char(out, c);
        else if (c == ' ')
            alb_buf_char(out, '+');
        else
            alb_buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static struct alb_str without_slashes(struct alb_str s)
{
    while (s.n > 0 && s.p[0] == '/')
        s = alb_str_from(s, 1);
    while (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    return s;
}

/* Takes the prefix off; false: it is not there, or a segment is hidden. */
static bool beneath(struct alb_str prefix, struct alb_str *path)
{
    prefix = without_slashes(prefix);
    if (prefix.n > 0) {
        if (!alb_str_starts(*path, prefix) || path->n == prefix.n || path->p[prefix.n] != '/')
            return false;
    }
    if (path->n == 0 || path->p[0] == '.' || alb_str_find_str(*path, ALB_STR("/.")) != ALB_STR_NPOS ||
        alb_str_find(*path, '\0') != ALB_STR_NPOS)
        return false;
    if (prefix.n > 0)
        *path = alb_str_from(*path, prefix.n + 1);
    return true;
}

bool alb_thumbor_folder_path(struct alb_arena *arena, const struct alb_thumbor_folder *folder,
                             struct alb_str key, struct alb_str *path)
{
    struct alb_buf escaped = ALB_BUF_INIT(KEY_MAX);
    char *room = alb_arena_alloc(arena, key.n + 1);
    if (!room)
        return false;
    struct alb_str text = alb_thumbor_url_clean(arena, alb_str_n(room, clean(key, room)));
    escape(without_slashes(text), folder->safe, &escaped);
    text = alb_buf_view(&escaped);
    bool ok = alb_buf_code(&escaped) == ALB_OK && beneath(folder->prefix, &text);
    const char *copy = ok ? alb_arena_cstr(arena, text) : NULL;
    *path = copy ? alb_str_c(copy) : ALB_STR_NONE;
    alb_buf_fini(&escaped);
    return copy != NULL;
}
