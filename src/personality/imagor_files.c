/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/imagor_files.h"

#include <sys/stat.h>

#define KEY_ARENA ((size_t)1 << 20)
#define STORAGE "file-storage"

/* ---- where something lies ---- */

struct place { /* of one call */
    struct alb_arena *arena;
    const char *path; /* NULL: never there */
};

static void place_end(struct place *p)
{
    alb_arena_free(&p->arena);
}

static const char *path_in(const struct place *p, const struct alb_thumbor_folder *folder, struct alb_str key)
{
    struct alb_str path;
    bool there = key.n > 0 && alb_thumbor_folder_path(p->arena, folder, key, &path);
    return there ? path.p : NULL;
}

/* With ".." in it the path that is left is another key's, and whoever owns a server could choose which:
 * "https://his.example/../hers.example/a.jpg" is his, and would lie where hers is looked for. */
static bool goes_up(struct alb_str key)
{
    struct alb_str piece;
    while (key.n > 0 && alb_str_next(&key, '/', &piece))
        if (alb_str_eq_c(piece, ".."))
            return true;
    return false;
}

static const char *path_kept(const struct place *p, const struct alb_thumbor_folder *folder,
                             struct alb_str key)
{
    return goes_up(key) ? NULL : path_in(p, folder, key);
}

static struct place place_of_source(const struct alb_imagor_files *f, enum alb_imagor_folder which,
                                    struct alb_str image)
{
    bool keeps = which == ALB_IMAGOR_STORAGE;
    struct place p = {.arena = f->shelf[which] ? alb_arena_new(KEY_ARENA) : NULL};
    if (p.arena && keeps)
        p.path = path_kept(&p, &f->folder[which], alb_thumbor_original_key(p.arena, f->storage_style, image));
    else if (p.arena)
        p.path = path_in(&p, &f->folder[which], image);
    return p;
}

/* The name of the format that Accept has chosen, which then stands in the path; empty: none has. */
static struct alb_str chosen(const struct place *p, const struct alb_thumbor_result *r)
{
    static const char *const names[ALB_THUMBOR_FORMATS] = {
        [ALB_THUMBOR_JPEG] = "jpeg", [ALB_THUMBOR_WEBP] = "webp", [ALB_THUMBOR_AVIF] = "avif"};
    struct alb_str name = alb_str_c(names[r->filters->format]);
    if (name.n == 0 || r->filters->has_format)
        return ALB_STR_NONE;
    struct alb_str filter = alb_arena_printf(p->arena, ":format(" ALB_STR_FMT ")", ALB_STR_ARG(name));
    return filter.n > 0 && alb_str_find_str(r->path, filter) != ALB_STR_NPOS ? name : ALB_STR_NONE;
}

static struct place place_of_result(const struct alb_imagor_files *f, const struct alb_thumbor_result *r)
{
    struct place p = {.arena = f->shelf[ALB_IMAGOR_RESULTS] ? alb_arena_new(KEY_ARENA) : NULL};
    if (p.arena)
        p.path = path_kept(&p, &f->folder[ALB_IMAGOR_RESULTS],
                           alb_thumbor_result_key(p.arena, f->result_style, r->path, r->url, chosen(&p, r)));
    return p;
}

/* ---- sources ---- */

/* OK with NULL: not there, or not to be had. */
static enum alb_code take(struct alb_shelf *shelf, const char *path, struct alb_str asked,
                          struct alb_origin **out)
{
    struct alb_err why = ALB_ERR_INIT;
    if (path && alb_shelf_get(shelf, path, asked, out, &why) == ALB_E_NO_MEMORY)
        return why.code;
    return ALB_OK;
}

/* Where file names were never escaped: as the URL has it. */
static struct alb_thumbor_folder as_written(const struct alb_thumbor_folder *folder)
{
    return (struct alb_thumbor_folder){.prefix = folder->prefix, .safe = ALB_STR("--")};
}

static enum alb_code load(void *ctx, struct alb_str image, struct alb_origin **out, struct alb_err *err)
{
    const struct alb_imagor_files *f = ctx;
    enum alb_code code = ALB_OK;
    *out = NULL;
    struct place p = place_of_source(f, ALB_IMAGOR_STORAGE, image);
    code = take(f->shelf[ALB_IMAGOR_STORAGE], p.path, image, out);
    place_end(&p);
    if (code == ALB_OK && !*out && f->shelf[ALB_IMAGOR_LOADER]) {
        const struct alb_thumbor_folder plain = as_written(&f->folder[ALB_IMAGOR_LOADER]);
        p = place_of_source(f, ALB_IMAGOR_LOADER, image);
        code = take(f->shelf[ALB_IMAGOR_LOADER], p.path, image, out);
        if (code == ALB_OK && !*out && p.arena)
            code = take(f->shelf[ALB_IMAGOR_LOADER], path_in(&p, &plain, image), image, out);
        place_end(&p);
    }
    return code == ALB_OK ? ALB_OK : alb_fail(err, code, "no memory for a stored source");
}

static void save(void *ctx, struct alb_str image, struct alb_origin *origin)
{
    const struct alb_imagor_files *f = ctx;
    struct place p = place_of_source(f, ALB_IMAGOR_STORAGE, image);
    if (p.path)
        alb_shelf_put(f->shelf[ALB_IMAGOR_STORAGE], p.path, origin);
    place_end(&p);
}

/* When the source was changed, wall ms; false: not known without asking another server. */
static bool source_modified(const struct alb_imagor_files *f, struct alb_str image, int64_t *ms)
{
    static const enum alb_imagor_folder order[] = {ALB_IMAGOR_STORAGE, ALB_IMAGOR_LOADER};
    bool known = false;
    for (size_t i = 0; i < ALB_ARRAY_LEN(order) && !known; i++) {
        const struct alb_thumbor_folder plain = as_written(&f->folder[order[i]]);
        struct place p = place_of_source(f, order[i], image);
        known = p.path && alb_shelf_modified(f->shelf[order[i]], p.path, ms);
        const char *other =
            p.arena && !known && order[i] == ALB_IMAGOR_LOADER ? path_in(&p, &plain, image) : NULL;
        known = known || (other && alb_shelf_modified(f->shelf[order[i]], other, ms));
        place_end(&p);
    }
    return known;
}

/* ---- results ---- */

static enum alb_code load_result(void *ctx, const struct alb_thumbor_result *r, struct alb_origin **out,
                                 struct alb_err *err)
{
    const struct alb_imagor_files *f = ctx;
    struct place p = place_of_result(f, r);
    int64_t result, source;
    bool wanted = p.path != NULL;
    *out = NULL;
    if (wanted &&
        f->modified_check) /* what is not known is looked at by the source's own answer: then it is made */
        wanted = alb_shelf_modified(f->shelf[ALB_IMAGOR_RESULTS], p.path, &result) &&
                 source_modified(f, r->url->image, &source) && result >= source;
    enum alb_code code = wanted ? take(f->shelf[ALB_IMAGOR_RESULTS], p.path, r->url->image, out) : ALB_OK;
    place_end(&p);
    return code == ALB_OK ? ALB_OK : alb_fail(err, code, "no memory for a stored result");
}

static void save_result(void *ctx, const struct alb_thumbor_result *r, struct alb_bytes *bytes)
{
    const struct alb_imagor_files *f = ctx;
    struct place p = place_of_result(f, r);
    if (p.path)
        alb_shelf_put_later(f->shelf[ALB_IMAGOR_RESULTS], p.path, bytes);
    place_end(&p);
}

/* ---- up and down ---- */

struct wanted {
    const char *flag, *name, *dir, *prefix;
    const char *sealer; /* of struct alb_shelf_config */
    bool keeps;
    int64_t mkdir_mode, write_mode, expiration;
};

static enum alb_code open_folder(struct alb_imagor_files *files, enum alb_imagor_folder which,
                                 const struct wanted *w, const struct alb_shelf_config *common,
                                 const char *safe, struct alb_err *err)
{
    struct alb_shelf_config config = *common;
    if (!w->dir[0])
        return ALB_OK;
    config.name = w->name;
    config.folder = w->dir;
    config.sealer = w->sealer;
    config.keeps = w->keeps;
    config.dir_mode = (mode_t)w->mkdir_mode & 07777;
    config.file_mode = (mode_t)w->write_mode & 0777;
    config.expire_ns = w->expiration;
    files->folder[which] = (struct alb_thumbor_folder){alb_str_c(w->prefix), alb_str_c(safe)};
    if (alb_shelf_open(&config, &files->shelf[which], err) != ALB_OK)
        alb_err_context(err, "-%s", w->flag);
    return err->code;
}

static bool is_same_folder(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

enum alb_code alb_imagor_files_open(const struct alb_imagor_flags *f, struct alb_pool *pool,
                                    struct alb_purges *purges, struct alb_imagor_files *files,
                                    struct alb_err *err)
{
    const struct alb_shelf_config common = {.clock = alb_clock_real(), .pool = pool, .purges = purges};
    const struct wanted all[ALB_IMAGOR_FOLDERS] = {
        [ALB_IMAGOR_LOADER] = {.flag = "file-loader-base-dir",
                               .name = "file-loader",
                               .dir = f->loader_dir,
                               .prefix = f->loader_prefix,
                               .sealer = is_same_folder(f->loader_dir, f->storage_dir) ? STORAGE : NULL},
        [ALB_IMAGOR_STORAGE] = {"file-storage-base-dir", STORAGE, f->storage_dir, f->storage_prefix, NULL,
                                true, f->storage_mkdir, f->storage_write, f->storage_expiration},
        [ALB_IMAGOR_RESULTS] = {"file-result-storage-base-dir", "file-result-storage", f->result_dir,
                                f->result_prefix, NULL, true, f->result_mkdir, f->result_write,
                                f->result_expiration},
    };
    enum alb_code code = ALB_OK;
    *files = (struct alb_imagor_files){.modified_check = f->modified_check};
    files->hooks = (struct alb_thumbor_files){files, load, save, load_result, save_result};
    if (!alb_thumbor_style_of(alb_str_c(f->storage_style), false, &files->storage_style))
        return alb_fail(err, ALB_E_INVALID, "-imagor-storage-path-style: original or digest, not \"%s\"",
                        f->storage_style);
    if (!alb_thumbor_style_of(alb_str_c(f->result_style), true, &files->result_style))
        return alb_fail(err, ALB_E_INVALID,
                        "-imagor-result-storage-path-style: original, digest, suffix or size, not \"%s\"",
                        f->result_style);
    for (int i = 0; i < ALB_IMAGOR_FOLDERS && code == ALB_OK; i++)
        code = open_folder(files, (enum alb_imagor_folder)i, &all[i], &common, f->safe_chars, err);
    return code;
}

void alb_imagor_files_tend(const struct alb_imagor_files *files)
{
    for (size_t i = 0; i < ALB_IMAGOR_FOLDERS; i++) {
        if (files->shelf[i])
            alb_shelf_tend(files->shelf[i]);
    }
}

void alb_imagor_files_close(struct alb_imagor_files *files)
{
    for (size_t i = 0; i < ALB_IMAGOR_FOLDERS; i++)
        alb_shelf_close(&files->shelf[i]);
}
