/* SPDX-License-Identifier: Apache-2.0
 *
 * `albumen cache`: purges, and numbers of the cache of results. In the server that has the data folder, on the data
 * folder if none runs, or beside the processes that share a --cache-dir.
 */
#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/fs.h"
#include "blob/cache.h"
#include "blob/purges.h"
#include "blob/quarantine.h"
#include "cmd/admin.h"
#include "cmd/upkeep.h"
#include "doors/imgproxy/url.h"
#include "doors/thumbor/url.h"
#include "image/options.h"
#include "render/books.h"

#define LABEL_ARENA ((size_t)4 << 20)
#define TOP 10

/* ---- purge ---- */

static struct alb_str without_host(struct alb_str url)
{
    size_t scheme = alb_str_find_str(url, ALB_STR("://"));
    size_t slash = alb_str_find(url, '/');
    if (scheme == ALB_STR_NPOS || (slash != ALB_STR_NPOS && slash < scheme)) /* that one is the source's */
        return url;
    struct alb_str rest = alb_str_from(url, scheme + 3);
    slash = alb_str_find(rest, '/');
    return slash == ALB_STR_NPOS ? ALB_STR_NONE : alb_str_from(rest, slash);
}

/* The query of a request says nothing about its picture. */
static struct alb_str thumbor_label(struct alb_arena *a, struct alb_str target)
{
    struct alb_thumbor_url url = {0};
    struct alb_str path, query;
    (void)alb_str_cut(target, '?', &path, &query);
    return alb_thumbor_url_apply(&url, a, path) ? alb_thumbor_url_label(a, url.path, false) : ALB_STR_NONE;
}

/* What the door calls the URL of an answer: what stands behind its signature, mended. Empty: it is none. */
static struct alb_str url_label(struct alb_arena *a, struct alb_str url)
{
    struct alb_str path = without_host(url);
    if (alb_str_starts(path, ALB_STR("/imagor/")))
        return thumbor_label(a, alb_str_from(path, sizeof("/imagor") - 1));
    if (alb_str_starts(path, ALB_STR("/imgproxy/")))
        path = alb_str_from(path, sizeof("/imgproxy") - 1);
    if (path.n < 2 || path.p[0] != '/')
        return ALB_STR_NONE;
    path = alb_str_from(path, 1);
    size_t slash = alb_str_find(path, '/');
    if (slash == ALB_STR_NPOS || slash + 1 == path.n)
        return ALB_STR_NONE;
    struct alb_str mended = alb_imgproxy_url_mend(a, alb_str_from(path, slash + 1));
    return alb_arena_printf(a, "u:" ALB_STR_FMT, ALB_STR_ARG(mended));
}

#define ASSET ALB_STR("asset://")
static const char *const begins[] = {"http://", "https://", "local:///"}; /* of sources, beside assets */

static bool begins_so(struct alb_str text, struct alb_str with)
{
    return text.n >= with.n && alb_str_eq_ci(alb_str_sub(text, 0, with.n), with);
}

/* As it would be written in a label; empty: nothing is ever had from there. */
static struct alb_str source_label(struct alb_arena *a, struct alb_str text)
{
    struct alb_uuid uuid;
    char name[37];
    if (alb_str_starts(text, ASSET)) {
        if (!alb_uuid_parse(alb_str_from(text, ASSET.n), &uuid))
            return ALB_STR_NONE;
        alb_uuid_text(&uuid, name);
        return alb_arena_printf(a, "asset://%s", name);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(begins); i++) {
        struct alb_str scheme = alb_str_c(begins[i]);
        if (begins_so(text, scheme) && text.n > scheme.n && text.p[scheme.n] != '/')
            return text;
    }
    return ALB_STR_NONE;
}

/* What a source may begin with, or more of it. */
static struct alb_str prefix_label(struct alb_arena *a, struct alb_str text)
{
    (void)a;
    bool good = text.n < ASSET.n ? begins_so(ASSET, text) : alb_str_starts(text, ASSET);
    for (size_t i = 0; !good && i < ALB_ARRAY_LEN(begins); i++) {
        struct alb_str scheme = alb_str_c(begins[i]);
        good = text.n < scheme.n ? begins_so(scheme, text) : begins_so(text, scheme);
    }
    return good && text.n > 0 ? text : ALB_STR_NONE;
}

static struct alb_str tag_label(struct alb_arena *a, struct alb_str text)
{
    return text.n > 0 ? alb_arena_printf(a, "t:" ALB_STR_FMT, ALB_STR_ARG(text)) : text;
}

struct alb_str alb_cache_label(struct alb_arena *a, const char *what, struct alb_str text,
                               struct alb_err *err)
{
    static const struct {
        const char *what;
        struct alb_str (*label)(struct alb_arena *a, struct alb_str text);
        const char *why;
    } kinds[] = {
        {"url", url_label, "no URL of a picture, with its signature or what stands in its place"},
        {"source", source_label,
         "no source; those are http://..., https://..., local:///PATH and asset://UUID"},
        {"prefix", prefix_label,
         "nothing that http://..., https://..., local:///PATH or asset://UUID begins with"},
        {"tag", tag_label, "no tag"},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
        if (strcmp(what, kinds[i].what) != 0)
            continue;
        struct alb_str label = kinds[i].label(a, text);
        if (label.n == 0)
            (void)(alb_arena_code(a) == ALB_OK ? alb_fail(err, ALB_E_INVALID, "this is %s", kinds[i].why)
                                               : alb_fail(err, ALB_E_NO_MEMORY, "no memory for a label"));
        return label;
    }
    (void)alb_fail(err, ALB_E_INVALID, "nothing is purged by a %s", what);
    return ALB_STR_NONE;
}

/* ---- the same, to `albumen imagor` ---- */

/* There is no telling from a URL whose it is. Before the signature may stand -server-path-prefix. */
static struct alb_str imagor_url_label(struct alb_arena *a, struct alb_str text)
{
    struct alb_str rest = without_host(text), path, query;
    for (size_t slash; rest.n > 0; rest = alb_str_from(rest, slash)) {
        struct alb_thumbor_url url = {0};
        (void)alb_str_cut(rest, '?', &path, &query);
        if (!alb_thumbor_url_apply(&url, a, path))
            break;
        if (url.is_unsafe || url.hash.n > 0)
            return alb_thumbor_url_label(a, url.path, false);
        while (rest.n > 0 && rest.p[0] == '/')
            rest = alb_str_from(rest, 1);
        slash = alb_str_find(rest, '/');
        if (slash == ALB_STR_NPOS)
            break;
    }
    return ALB_STR_NONE;
}

/* Its own folders know a source by what stands in URLs: "a.jpg" of the loader, "HOST/a.jpg" of the storage. */
static struct alb_str imagor_source_label(struct alb_str text)
{
    static const char *const schemes[] = {"https://", "local:///"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(schemes); i++) {
        struct alb_str scheme = alb_str_c(schemes[i]);
        if (begins_so(text, scheme))
            return alb_str_from(text, scheme.n);
    }
    return ALB_STR_NONE;
}

/* Empty: there is no other. */
static struct alb_str imagor_label(struct alb_arena *a, const char *what, struct alb_str text)
{
    if (strcmp(what, "tag") == 0)
        return ALB_STR_NONE;
    return strcmp(what, "url") == 0 ? imagor_url_label(a, text) : imagor_source_label(text);
}

static int purge_usage(struct alb_console *c)
{
    alb_console_err(c, "albumen: cache purge needs one of url, source, prefix, tag, and one text or more\n");
    return 2;
}

static enum alb_code purge_one(const struct alb_admin *admin, struct alb_arena *a, const char *what,
                               struct alb_str text, struct alb_err *err)
{
    const struct alb_str labels[] = {alb_cache_label(a, what, text, err),
                                     admin->is_shared ? imagor_label(a, what, text) : ALB_STR_NONE};
    enum alb_code code = labels[0].n > 0 ? ALB_OK : err->code;
    uint64_t number;
    for (size_t i = 0; i < ALB_ARRAY_LEN(labels) && code == ALB_OK; i++) {
        if (labels[i].n > 0 && (i == 0 || !alb_str_eq(labels[i], labels[0])))
            code = alb_purges_add(admin->purges, labels[i], strcmp(what, "prefix") == 0,
                                  ALB_STR("command line"), &number, err);
    }
    return code;
}

static int purge(struct alb_admin *admin, char **words, struct alb_console *c)
{
    struct alb_err err = ALB_ERR_INIT;
    const char *what = words[0];
    enum alb_code code = ALB_OK;
    if (!what || !words[1] ||
        (strcmp(what, "url") != 0 && strcmp(what, "source") != 0 && strcmp(what, "prefix") != 0 &&
         strcmp(what, "tag") != 0))
        return purge_usage(c);
    if (!admin->purges) {
        alb_console_err(c, "albumen: there is no list of purges: the disk of the cache cannot be written\n");
        return 1;
    }
    struct alb_arena *a = alb_arena_new(LABEL_ARENA);
    if (!a)
        code = alb_fail(&err, ALB_E_NO_MEMORY, "labels");
    const char *which = "cache purge";
    for (char **w = words + 1; code == ALB_OK && *w; w++) {
        which = *w;
        code = purge_one(admin, a, what, alb_str_c(*w), &err);
        if (code == ALB_OK)
            alb_console_err(c, "purged: %s %s\n", what, *w);
    }
    alb_arena_free(&a);
    return code == ALB_OK ? 0 : alb_console_fail(c, which, &err);
}

/* ---- stats ---- */

static void fault(struct alb_console *c, const char *what, const struct alb_cache_fault *f)
{
    if (f->code != ALB_OK)
        alb_console_out(c, "%-10s fails: %s\n", what,
                        strerrordesc_np(f->sys) ? strerrordesc_np(f->sys) : "unknown");
}

/* What one door has in one format; in a server also what it has answered. */
static void kind(const struct alb_admin *admin, enum alb_render_door door, enum alb_format format,
                 struct alb_console *c)
{
    const char *name = format == ALB_FORMAT_SAME ? "unknown" : alb_format_name(format);
    struct alb_render_count n = {.answers = 0};
    alb_cache_look_kind(admin->cache, alb_books_kind(door, format), &n.files, &n.kept_bytes);
    if (admin->render)
        n = alb_render_count(admin->render, door, format);
    if (n.files == 0 && n.answers == 0 && n.made == 0)
        return;
    alb_console_out(c, "  %-8s %-8s %lld files, %lld bytes", alb_render_door_name(door), name,
                    (long long)n.files, (long long)n.kept_bytes);
    if (n.answers + n.made > 0)
        alb_console_out(c, "; %llu answers, %llu bytes: %llu hits, %llu made", (unsigned long long)n.answers,
                        (unsigned long long)n.bytes, (unsigned long long)alb_render_count_hits(&n),
                        (unsigned long long)n.made);
    alb_console_out(c, "\n");
}

static void top(const struct alb_admin *admin, const char *head, enum alb_render_top by,
                struct alb_console *c)
{
    struct alb_render_source sources[TOP];
    size_t n = alb_render_top(admin->render, by, sources, TOP);
    for (size_t i = 0; i < n; i++) {
        for (char *at = sources[i].name; *at; at++) /* it came from outside, and goes to a terminal */
            if ((unsigned char)*at < ' ' || *at == 0x7f)
                *at = '?';
        alb_console_out(c, "%-10s %llu answers, %llu bytes, %llu made: %s\n", i == 0 ? head : "",
                        (unsigned long long)sources[i].answers, (unsigned long long)sources[i].bytes,
                        (unsigned long long)sources[i].made, sources[i].name);
    }
}

static void since_start(const struct alb_cache_view *v, struct alb_console *c)
{
    alb_console_out(c, "%-10s since the server started: %llu found, %llu not found\n", "asked for",
                    (unsigned long long)v->hits, (unsigned long long)v->misses);
    alb_console_out(c, "%-10s since then: %llu stored, %llu not stored\n", "files in",
                    (unsigned long long)v->stored, (unsigned long long)v->refused);
    alb_console_out(c, "%-10s since then: %llu for room, %llu for age, %llu damaged\n", "files out",
                    (unsigned long long)v->evicted, (unsigned long long)v->expired,
                    (unsigned long long)v->corrupt);
}

static int stats(const struct alb_admin *admin, struct alb_console *c)
{
    struct alb_cache_view v = alb_cache_look(admin->cache);
    alb_console_out(c, "%-10s %lld files, %lld bytes of %lld%s\n", "results", (long long)v.files,
                    (long long)v.bytes, (long long)v.limit,
                    v.complete ? "" : " (what lies there is still being looked through)");
    for (unsigned d = 0; d < ALB_RENDER_DOORS; d++)
        for (unsigned f = 0; f < ALB_FORMAT_COUNT; f++)
            kind(admin, (enum alb_render_door)d, (enum alb_format)f, c);
    if (admin->render) /* else they would be those of this command */
        since_start(&v, c);
    fault(c, "reading", &v.reads);
    fault(c, "writing", &v.writes);
    if (admin->purges)
        alb_console_out(c, "%-10s %zu in force\n", "purges", alb_purges_look(admin->purges).in_force);
    if (admin->render) {
        top(admin, "asked most", ALB_RENDER_TOP_ANSWERS, c);
        top(admin, "most bytes", ALB_RENDER_TOP_BYTES, c);
    }
    return 0;
}

/* ---- the command ---- */

int alb_admin_cache(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    const char *verb = call->words[0];
    if (verb && strcmp(verb, "purge") == 0)
        return purge(admin, call->words + 1, c);
    if (verb && strcmp(verb, "stats") == 0 && !call->words[1])
        return stats(admin, c);
    alb_console_err(c, "albumen: cache takes purge url|source|prefix|tag TEXT..., or stats\n");
    return 2;
}

static enum alb_code open_folder(const char *path, int *dirfd, struct alb_quarantine **q,
                                 struct alb_admin *admin, struct alb_err *err)
{
    enum alb_code code = alb_fs_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, dirfd, err);
    if (code == ALB_OK)
        code = alb_fs_mkdirs(*dirfd, "tmp", 0700, err);
    if (code == ALB_OK)
        code = alb_quarantine_open(*dirfd, INT64_MAX, INT64_MAX, admin->clock, q, err);
    const struct alb_cache_config cache = {.data_dirfd = *dirfd,
                                           .folder = "cache",
                                           .limit = INT64_MAX / 4, /* this one evicts nothing */
                                           .clock = admin->clock,
                                           .quarantine = *q,
                                           .shared = true};
    if (code == ALB_OK)
        code = alb_cache_open(&cache, &admin->cache, err);
    if (code == ALB_OK)
        alb_upkeep_open_purges(*dirfd, true, &admin->purges);
    return code;
}

int alb_cache_folder_run(const char *path, const struct alb_admin_call *call, struct alb_console *c)
{
    struct alb_admin admin = {.clock = alb_clock_real(), .is_shared = true};
    struct alb_quarantine *q = NULL;
    struct alb_err err = ALB_ERR_INIT;
    int dirfd = -1, status;
    if (open_folder(path, &dirfd, &q, &admin, &err) == ALB_OK)
        status = alb_admin_cache(&admin, call, c);
    else
        status = alb_console_fail(c, path, &err);
    alb_purges_close(&admin.purges);
    if (admin.cache)
        alb_cache_close(&admin.cache);
    if (q)
        alb_quarantine_close(&q);
    alb_fs_close(&dirfd);
    return status;
}
