/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a signature does not fit (contract: explain.h). Three lists of mistakes, in what was signed, in how the
 * keys were used, and in how the signature is written, are tried in all their combinations; the first that
 * gives the signature at hand is told. Fewer than MATCH_LEAST characters would match by chance and count only
 * when nothing else is wrong.
 */
#include "doors/imgproxy/explain.h"

#include <string.h>

#include "base/codec.h"
#include "base/hash.h"
#include "doors/common/lenient.h"
#include "doors/imgproxy/options_priv.h"
#include "doors/imgproxy/signature.h"

#define MATCH_LEAST 7 /* characters */
#define VARIANTS_MAX 40

/* ---- how the signature is written ---- */

struct written {
    struct alb_str text; /* URL-safe base64 without padding, or hexadecimal digits */
    unsigned char digest[ALB_SHA256_LEN];
    size_t n;
    bool escaped, padded, standard, hex;
};

static bool is_hex(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = alb_lower(s.p[i]);
        if (!alb_is_digit(c) && (c < 'a' || c > 'f'))
            return false;
    }
    return s.n >= 16 && s.n <= 64 && s.n % 2 == 0;
}

static bool read_signature(struct alb_arena *arena, struct alb_str signature, struct written *w)
{
    char *room = alb_arena_alloc(arena, signature.n + 1);
    size_t n;

    *w = (struct written){.n = 0};
    if (room == NULL || !alb_percent_decode(signature, false, room, signature.n, &n))
        return false;
    w->escaped = n != signature.n;
    while (n > 0 && room[n - 1] == '=') {
        w->padded = true;
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        if (room[i] == '+' || room[i] == '/') {
            room[i] = room[i] == '+' ? '-' : '_';
            w->standard = true;
        }
    }
    w->text = alb_str_n(room, n);
    w->hex = is_hex(w->text) && alb_hex_decode(w->text, w->digest, n / 2);
    if (w->hex) {
        w->n = n / 2;
        return true;
    }
    struct alb_str bytes = alb_lenient_base64(arena, w->text);
    if (bytes.n > sizeof(w->digest))
        return false;
    if (bytes.n > 0)
        memcpy(w->digest, bytes.p, bytes.n);
    w->n = bytes.n; /* 0: no base64 as it is; a text that was cut may be compared as text */
    return true;
}

/* ---- what was signed ---- */

struct variant {
    struct alb_str text; /* with its first "/" */
    const char *mistake; /* NULL: as it should be */
};
struct variants {
    struct alb_arena *arena;
    struct variant item[VARIANTS_MAX];
    size_t count;
};

static void add(struct variants *v, struct alb_str text, const char *mistake)
{
    for (size_t i = 0; i < v->count; i++) {
        if (alb_str_eq(v->item[i].text, text))
            return;
    }
    if (text.p != NULL && v->count < VARIANTS_MAX)
        v->item[v->count++] = (struct variant){text, mistake};
}

/* One text in another's place, everywhere. */
static struct alb_str replaced(struct alb_arena *arena, struct alb_str s, const char *from, const char *to)
{
    struct alb_str what = alb_str_c(from), with = alb_str_c(to);
    char *out = alb_arena_alloc(arena, s.n * (with.n > 1 ? with.n : 1) + 1);
    size_t n = 0;

    if (out == NULL)
        return ALB_STR_NONE;
    for (size_t i = 0; i < s.n;) {
        if (alb_str_starts(alb_str_from(s, i), what)) {
            memcpy(out + n, with.p, with.n);
            n += with.n;
            i += what.n;
        } else {
            out[n++] = s.p[i++];
        }
    }
    return alb_str_n(out, n);
}

static struct alb_str decoded(struct alb_arena *arena, struct alb_str s)
{
    char *out = alb_arena_alloc(arena, s.n + 1);
    size_t n;

    if (out == NULL || !alb_percent_decode(s, false, out, s.n, &n))
        return ALB_STR_NONE;
    return alb_str_n(out, n);
}

/* The digits of every escape in one case. */
static struct alb_str escapes_in(struct alb_arena *arena, struct alb_str s, bool upper)
{
    char *out = alb_arena_cstr(arena, s);

    for (size_t i = 0; out != NULL && i + 2 < s.n; i++) {
        for (size_t k = 1; k <= 2 && out[i] == '%'; k++) {
            char low = alb_lower(out[i + k]);
            out[i + k] = upper && low >= 'a' && low <= 'f' ? (char)(low - 32) : low;
        }
    }
    return out != NULL ? alb_str_n(out, s.n) : ALB_STR_NONE;
}

/* The path up to its plain source, and the source percent-encoded once more. */
static struct alb_str encoded_source(struct alb_arena *arena, struct alb_str path, bool all)
{
    struct alb_buf out = ALB_BUF_INIT(4 * ALB_IMGPROXY_TARGET_MAX);
    size_t at = alb_str_find_str(path, ALB_STR("/plain/"));
    struct alb_str source, extension, done = ALB_STR_NONE;

    if (at == ALB_STR_NPOS)
        return done;
    bool with_extension = alb_str_cut(alb_str_from(path, at + 7), '@', &source, &extension);
    alb_buf_str(&out, alb_str_sub(path, 0, at + 7));
    for (size_t i = 0; i < source.n; i++) {
        bool kept = all ? source.p[i] == '%' : strchr("?@ ", source.p[i]) == NULL;
        if (kept)
            alb_buf_char(&out, source.p[i]);
        else
            alb_percent_encode(&out, alb_str_sub(source, i, 1));
    }
    if (with_extension) {
        alb_buf_char(&out, '@');
        alb_buf_str(&out, extension);
    }
    if (alb_buf_code(&out) == ALB_OK)
        done = alb_arena_str(arena, alb_buf_view(&out));
    alb_buf_fini(&out);
    return done;
}

static struct alb_str without_extension(struct alb_str path)
{
    size_t at = alb_str_rfind(path, '@'), dot = alb_str_rfind(path, '.');

    if (alb_str_find_str(path, ALB_STR("/plain/")) == ALB_STR_NPOS)
        at = dot;
    return at != ALB_STR_NPOS ? alb_str_sub(path, 0, at) : ALB_STR_NONE;
}

static void spell(struct variants *v, struct alb_str path, struct alb_str received)
{
    struct alb_arena *a = v->arena;
    struct alb_str once = decoded(a, received);

    add(v, received,
        "it was made over the path as it arrived; imgproxy signs ':' where a proxy wrote %3A, and '://' "
        "where one wrote "
        "':/'");
    add(v, replaced(a, path, "%3a", ":"),
        "a proxy wrote ':' as %3a in lower case; imgproxy undoes only %3A. Let the proxy leave ':' alone, or "
        "sign the "
        "path with %3a in it");
    add(v, replaced(a, path, ":", "%3A"), "it was made over a path in which ':' was written as %3A");
    add(v, replaced(a, path, ":", "%3a"), "it was made over a path in which ':' was written as %3a");
    add(v, once, "it was made over the decoded path, and the path was percent-encoded afterwards");
    if (once.p != NULL)
        add(v, decoded(a, once), "it was made over the path before it was percent-encoded twice");
    add(v, encoded_source(a, path, true),
        "the source was percent-encoded when it was signed, and decoded on the way");
    add(v, encoded_source(a, path, false),
        "'?', '@' or blanks of the source were percent-encoded when it was signed, and decoded on the way");
    add(v, escapes_in(a, path, true),
        "the hexadecimal digits of its escapes were in upper case when it was signed");
    add(v, escapes_in(a, path, false),
        "the hexadecimal digits of its escapes were in lower case when it was signed");
    add(v, replaced(a, path, "+", "%20"), "'%20' was signed, and '+' arrived");
    add(v, replaced(a, path, "%20", "+"), "'+' was signed, and '%20' arrived");
    add(v, replaced(a, path, "//", "/"), "double slashes were made one before it was signed");
}

static void frame(struct variants *v, const struct alb_imgproxy_config *c, const struct alb_imgproxy_url *url,
                  struct alb_str path, struct alb_str target, struct alb_str origin)
{
    static const char *const unsigned_words[] = {"unsafe", "insecure", "_", "signature"};
    struct alb_arena *a = v->arena;
    struct alb_str head, query;

    add(v, alb_str_from(path, 1), "the path was signed without its first '/'");
    if (url->info)
        add(v, alb_arena_printf(a, "/info%.*s", ALB_STR_ARG(path)),
            "'/info' was signed too; the signature covers only what stands behind it");
    if (c->path_prefix.n > 0)
        add(v, alb_arena_printf(a, "%.*s%.*s", ALB_STR_ARG(c->path_prefix), ALB_STR_ARG(path)),
            "the prefix of the path was signed too; the signature covers only what stands behind it");
    if (alb_str_cut(target, '?', &head, &query))
        add(v, alb_arena_printf(a, "%.*s?%.*s", ALB_STR_ARG(path), ALB_STR_ARG(query)),
            "the query was signed too; imgproxy drops it");
    if (origin.n > 0)
        add(v, alb_arena_printf(a, "%.*s%.*s", ALB_STR_ARG(origin), ALB_STR_ARG(path)),
            "the whole URL was signed; only the path behind the signature is");
    for (size_t i = 0; i < ALB_ARRAY_LEN(unsigned_words); i++)
        add(v, alb_arena_printf(a, "/%s%.*s", unsigned_words[i], ALB_STR_ARG(path)),
            "the word in the signature's place ('unsafe' or alike) was signed too");
    add(v, alb_arena_printf(a, "%.*s/", ALB_STR_ARG(path)), "a '/' stood at the end when it was signed");
    if (path.n > 1 && path.p[path.n - 1] == '/')
        add(v, alb_str_sub(path, 0, path.n - 1), "no '/' stood at the end when it was signed");
    add(v, without_extension(path), "the extension was added after it was signed");
    struct alb_imgproxy_path parts;
    alb_imgproxy_path_split(url->path, c->separator, false, &parts);
    if (parts.source.p != NULL)
        add(v, alb_arena_printf(a, "/%.*s", ALB_STR_ARG(parts.source)),
            "only the source was signed, without options");
}

/* ---- how the keys were used ---- */

enum use {
    USE_RIGHT,
    USE_SWAPPED,
    USE_TEXT,
    USE_KEY_TEXT,
    USE_SALT_TEXT,
    USE_SALT_BEHIND,
    USE_NO_SALT,
    USE_OTHER_SALT,
    USES,
};
static const char *const use_mistakes[USES] = {
    [USE_SWAPPED] = "key and salt were swapped",
    [USE_TEXT] = "key and salt were used as hexadecimal text; they are to be decoded to bytes",
    [USE_KEY_TEXT] = "the key was used as hexadecimal text; it is to be decoded to bytes",
    [USE_SALT_TEXT] = "the salt was used as hexadecimal text; it is to be decoded to bytes",
    [USE_SALT_BEHIND] = "the salt was put behind the path; it belongs in front of it",
    [USE_NO_SALT] = "the salt was left out",
    [USE_OTHER_SALT] = "the key was used with the salt of another pair",
};

static struct alb_str hex_text(struct alb_arena *arena, struct alb_str bytes)
{
    char *out = alb_arena_alloc(arena, 2 * bytes.n + 1);

    if (out == NULL)
        return ALB_STR_NONE;
    alb_hex(bytes.p, bytes.n, out);
    return alb_str_n(out, 2 * bytes.n);
}

static bool digest_of(const struct alb_imgproxy_config *c, struct alb_arena *arena, size_t pair, enum use use,
                      struct alb_str text, unsigned char out[ALB_SHA256_LEN])
{
    struct alb_str key = c->keys.item[pair], salt = c->salts.item[pair], whole;

    if (use == USE_SWAPPED) {
        key = salt;
        salt = c->keys.item[pair];
    }
    if (use == USE_TEXT || use == USE_KEY_TEXT)
        key = hex_text(arena, key);
    if (use == USE_TEXT || use == USE_SALT_TEXT)
        salt = hex_text(arena, salt);
    if (use == USE_OTHER_SALT)
        salt = c->salts.item[(pair + 1) % c->salts.count];
    if (use == USE_NO_SALT)
        salt = ALB_STR_NONE;
    char *room = alb_arena_alloc(arena, salt.n + text.n + 1);
    if (room == NULL || key.p == NULL)
        return false;
    struct alb_str first = use == USE_SALT_BEHIND ? text : salt,
                   second = use == USE_SALT_BEHIND ? salt : text;
    if (first.n > 0)
        memcpy(room, first.p, first.n);
    if (second.n > 0)
        memcpy(room + first.n, second.p, second.n);
    whole = alb_str_n(room, salt.n + text.n);
    alb_hmac_sha256(key, whole, out);
    return true;
}

/* ---- telling ---- */

static bool matches(const struct written *w, const unsigned char digest[ALB_SHA256_LEN], bool *cut_text,
                    bool *small)
{
    struct alb_buf text = ALB_BUF_INIT(64);

    *cut_text = *small = false;
    if (w->n > 0 && memcmp(w->digest, digest, w->n) == 0)
        return true;
    alb_b64_encode(&text, digest, ALB_SHA256_LEN, ALB_B64_URL);
    *cut_text = !w->hex && w->text.n > 0 && alb_str_starts(alb_buf_view(&text), w->text);
    *small = !w->hex && w->text.n >= MATCH_LEAST && !*cut_text &&
             alb_str_eq_ci(alb_str_sub(alb_buf_view(&text), 0, w->text.n), w->text);
    alb_buf_fini(&text);
    return *cut_text || *small;
}

static void tell(const struct alb_imgproxy_config *c, const struct written *w, bool cut_text,
                 const char *path_mistake, const char *key_mistake, struct alb_buf *out)
{
    if (path_mistake != NULL)
        alb_buf_printf(out, "  - %s\n", path_mistake);
    if (key_mistake != NULL)
        alb_buf_printf(out, "  - %s\n", key_mistake);
    if (w->hex)
        alb_buf_c(out, "  - it is written in hexadecimal digits; it is to be URL-safe base64\n");
    if (w->padded)
        alb_buf_c(out, "  - it has padding ('=') at its end; imgproxy takes none\n");
    if (w->standard)
        alb_buf_c(out, "  - it is written with '+' and '/'; URL-safe base64 has '-' and '_'\n");
    if (w->escaped)
        alb_buf_c(out, "  - it is percent-encoded\n");
    if (cut_text)
        alb_buf_c(out, "  - its text was cut after it was encoded; cut the bytes before\n");
    else if (w->n != (size_t)c->signature_size)
        alb_buf_printf(out, "  - it has %zu bytes; IMGPROXY_SIGNATURE_SIZE is %lld\n", w->n,
                       (long long)c->signature_size);
}

static bool try_all(const struct alb_imgproxy_config *c, struct variants *v, const struct written *w,
                    struct alb_buf *out)
{
    unsigned char digest[ALB_SHA256_LEN];
    bool cut_text, small;

    for (size_t i = 0; i < v->count; i++) {
        for (size_t pair = 0; pair < c->keys.count; pair++) {
            for (int use = 0; use < USES; use++) {
                struct alb_arena_mark mark = alb_arena_mark(v->arena);
                bool known = digest_of(c, v->arena, pair, (enum use)use, v->item[i].text, digest);
                alb_arena_rewind(v->arena, mark);
                bool alone = i == 0 && use == USE_RIGHT;
                if (!known || (w->text.n < MATCH_LEAST && !alone) || !matches(w, digest, &cut_text, &small))
                    continue;
                alb_buf_printf(out, "the signature belongs to key %zu, but:\n", pair + 1);
                if (small)
                    alb_buf_c(out, "  - its letters came in another case: somebody made them small\n");
                tell(c, w, cut_text, v->item[i].mistake, use_mistakes[use], out);
                return true;
            }
        }
    }
    return false;
}

static bool is_option(const struct alb_imgproxy_config *c, const struct alb_imgproxy_url *url)
{
    struct alb_str rest = url->signature, name;

    return alb_str_find_str(url->signature, c->separator) != ALB_STR_NPOS &&
           alb_imgproxy_next(&rest, c->separator, &name) && alb_imgproxy_row_find(url->info, name) != NULL;
}

static bool is_placeholder(struct alb_str s)
{
    return alb_str_eq_c(s, "unsafe") || alb_str_eq_c(s, "insecure") || alb_str_eq_c(s, "_");
}

bool alb_imgproxy_explain_signature(const struct alb_imgproxy_config *c, struct alb_arena *arena,
                                    const struct alb_imgproxy_url *url, struct alb_str target,
                                    struct alb_str origin, struct alb_buf *out)
{
    struct variants v = {.arena = arena};
    struct written w;
    int pair;

    enum alb_imgproxy_refusal r =
        alb_imgproxy_signature_check(c, arena, url->signature, url->path, &pair, NULL);
    if (r == ALB_IMGPROXY_FINE && !alb_imgproxy_config_signs(c))
        alb_buf_c(out, "no keys are set: every signature passes\n");
    else if (r == ALB_IMGPROXY_FINE && pair < 0)
        alb_buf_c(out, "the signature is one of IMGPROXY_TRUSTED_SIGNATURES\n");
    else if (r == ALB_IMGPROXY_FINE)
        alb_buf_printf(out, "the signature is right (key %d)\n", pair + 1);
    else if (r == ALB_IMGPROXY_NO_SIGNATURE)
        alb_buf_c(out,
                  "an option stands where the signature belongs: the path is /SIGNATURE/OPTIONS/SOURCE\n");
    if (r == ALB_IMGPROXY_FINE || r == ALB_IMGPROXY_NO_SIGNATURE)
        return true;
    if (is_option(c, url)) {
        alb_buf_c(out, "there is no signature: its place has an option in it, the path is /SIGNATURE/OPTIONS/SOURCE\n");
        return true;
    }
    if (is_placeholder(url->signature)) {
        alb_buf_c(out, "the URL is not signed, and keys are set\n");
        return true;
    }
    struct alb_str path = alb_arena_printf(arena, "/%.*s", ALB_STR_ARG(url->path));
    add(&v, path, NULL);
    spell(&v, path, alb_arena_printf(arena, "/%.*s", ALB_STR_ARG(url->received)));
    frame(&v, c, url, path, target, origin);
    if (read_signature(arena, url->signature, &w) && try_all(c, &v, &w, out))
        return true;
    alb_buf_c(out, "the signature is wrong, and no usual mistake explains it: another key, or another path "
                   "was signed\n");
    return false;
}
