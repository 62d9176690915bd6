/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder source. The walk is depth first, names in byte order, so that two runs see the same order.
 * Symbolic links are put off until everything real has been walked: a file is then known by its real name,
 * and a link adds only what lies outside. Every folder is entered once (by device and inode), so loops end;
 * every file is told once per album. An unreadable folder is reported and the walk goes on. Everything here
 * belongs to the scanner's thread, except open.
 */
#include "import/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "import/seen.h"

struct link_path {
    struct link_path *next;
    size_t root_n; /* bytes of the root's path in it, for album names */
    char path[];
};

struct folder_source {
    struct alb_source source;
    /* fixed after create */
    struct alb_folder_config config;
    char **roots; /* real paths, NULL at the end */
    /* owned by the scanner */
    const struct alb_sink *sink;
    struct alb_seen seen;
    struct link_path *links, **links_end;
    struct alb_buf path; /* of what is looked at */
    struct alb_buf album;
    size_t root_n; /* path.p[0..root_n) is the root */
    bool stop;
};

static struct folder_source *self(struct alb_source *s)
{
    return ALB_CONTAINER_OF(s, struct folder_source, source);
}

/* --- telling the sink --------------------------------------------------------------------------------------
 */

static void tell_skip(struct folder_source *f, enum alb_skip why, int64_t size)
{
    if (!f->sink->skip(f->sink->ctx, why, alb_buf_view(&f->path), size))
        f->stop = true;
}

static void tell_failure(struct folder_source *f, int sys, const char *what)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_fail_sys(&err, alb_code_of_errno(sys), sys, "%s", what);
    if (code != ALB_OK && !f->sink->fail(f->sink->ctx, alb_buf_view(&f->path), &err))
        f->stop = true;
}

static struct alb_str last_part(struct alb_str path)
{
    size_t slash = alb_str_rfind(path, '/');
    return slash == ALB_STR_NPOS ? path : alb_str_from(path, slash + 1);
}

/* FOLDER: the name of the folder that holds the file. PATH: root's name and all folders below it, " / "
 * between. */
static struct alb_str make_album(struct folder_source *f)
{
    struct alb_str path = alb_buf_view(&f->path);
    size_t slash = alb_str_rfind(path, '/');
    struct alb_str folder = alb_str_sub(path, 0, slash == ALB_STR_NPOS ? 0 : slash);
    if (f->config.album_mode == ALB_FOLDER_ALBUM_NONE)
        return f->config.album;
    if (f->config.album_mode == ALB_FOLDER_ALBUM_NAME || folder.n < f->root_n)
        return last_part(folder);
    alb_buf_reset(&f->album);
    alb_buf_str(&f->album, last_part(alb_str_sub(path, 0, f->root_n)));
    struct alb_str rest = alb_str_from(folder, f->root_n), part;
    while (alb_str_next(&rest, '/', &part)) {
        if (part.n == 0)
            continue;
        if (f->album.n > 0)
            alb_buf_c(&f->album, " / ");
        alb_buf_str(&f->album, part);
    }
    return alb_buf_view(&f->album);
}

/* --- one entry ---------------------------------------------------------------------------------------------
 */

static void offer_file(struct folder_source *f, const struct stat *st)
{
    struct alb_str path = alb_buf_view(&f->path);
    int64_t mtime = (int64_t)st->st_mtim.tv_sec * ALB_NS_PER_S + st->st_mtim.tv_nsec;
    enum alb_skip why = alb_select_stat(f->config.select, path, st->st_size, mtime);
    if (why != ALB_SKIP_NONE) {
        tell_skip(f, why, st->st_size);
        return;
    }
    struct alb_str album = make_album(f);
    enum alb_code code = alb_seen_add(&f->seen, (uint64_t)st->st_dev, (uint64_t)st->st_ino,
                                      alb_item_labels(album, ALB_STR("")));
    if (code == ALB_E_CONFLICT) {
        tell_skip(f, ALB_SKIP_LINK, st->st_size);
        return;
    }
    if (code != ALB_OK) {
        tell_failure(f, ENOMEM, "no memory");
        return;
    }
    struct alb_found found = {
        .path = path, .album = album, .size = st->st_size, .mtime_ns = mtime, .ino = (uint64_t)st->st_ino};
    if (!f->sink->file(f->sink->ctx, &found))
        f->stop = true;
}

static void put_off_link(struct folder_source *f)
{
    struct alb_str path = alb_buf_view(&f->path);
    struct link_path *l = alb_mem_alloc(sizeof(*l) + path.n + 1);
    if (!l) {
        tell_failure(f, ENOMEM, "no memory");
        return;
    }
    l->next = NULL;
    l->root_n = f->root_n;
    memcpy(l->path, path.p, path.n);
    l->path[path.n] = '\0';
    *f->links_end = l;
    f->links_end = &l->next;
}

static void walk_folder(struct folder_source *f, const struct stat *st, unsigned depth);

/* What f->path names; `st` is of the thing itself, links are followed already. */
static void visit(struct folder_source *f, const struct stat *st, unsigned depth)
{
    struct alb_str path = alb_buf_view(&f->path);
    if (S_ISDIR(st->st_mode)) {
        if (depth > 0 && alb_select_banned(f->config.select, path, true))
            tell_skip(f, ALB_SKIP_BANNED, 0);
        else if (depth == 0 || f->config.recursive)
            walk_folder(f, st, depth);
        return;
    }
    if (!S_ISREG(st->st_mode)) {
        tell_skip(f, ALB_SKIP_SPECIAL, 0);
        return;
    }
    enum alb_skip why = alb_select_name(f->config.select, path);
    if (why != ALB_SKIP_NONE)
        tell_skip(f, why, st->st_size);
    else
        offer_file(f, st);
}

/* One name of a folder: a real thing is visited, a link put off. */
static void visit_entry(struct folder_source *f, int dirfd, const char *name, unsigned depth)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) /* gone since the folder was read: was not there */
            tell_failure(f, errno, "cannot be looked at");
        return;
    }
    if (S_ISLNK(st.st_mode))
        put_off_link(f);
    else
        visit(f, &st, depth);
}

/* --- one folder --------------------------------------------------------------------------------------------
 */

struct names {
    struct alb_buf text; /* names, each with its NUL */
    size_t *at;
    size_t n, cap;
};

static bool names_add(struct names *names, const char *name)
{
    if (names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 64, bytes;
        if (!alb_size_mul(cap, sizeof(*names->at), &bytes))
            return false;
        size_t *more = alb_mem_realloc(names->at, bytes);
        if (!more)
            return false;
        names->at = more;
        names->cap = cap;
    }
    size_t start = names->text.n;
    alb_buf_add(&names->text, name, strlen(name) + 1);
    if (alb_buf_code(&names->text) != ALB_OK)
        return false;
    names->at[names->n++] = start;
    return true;
}

static int by_name(const void *a, const void *b, void *text)
{
    const char *base = text;
    return strcmp(base + *(const size_t *)a, base + *(const size_t *)b);
}

/* Returns errno, 0 = everything was read. */
static int read_names(DIR *dir, struct names *names)
{
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(dir); /* one thread per DIR */
        if (!e)
            return errno;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (!names_add(names, e->d_name))
            return ENOMEM;
    }
}

static bool path_push(struct folder_source *f, const char *name)
{
    if (f->path.n + 1 + strlen(name) >= ALB_IMPORT_PATH_MAX)
        return false;
    if (f->path.n == 0 || f->path.p[f->path.n - 1] != '/')
        alb_buf_char(&f->path, '/');
    alb_buf_c(&f->path, name);
    return alb_buf_code(&f->path) == ALB_OK;
}

static void visit_all(struct folder_source *f, int dirfd, struct names *names, unsigned depth)
{
    size_t n = f->path.n;
    qsort_r(names->at, names->n, sizeof(*names->at), by_name, names->text.p);
    for (size_t i = 0; i < names->n && !f->stop; i++) {
        const char *name = names->text.p + names->at[i];
        if (path_push(f, name))
            visit_entry(f, dirfd, name, depth + 1);
        else
            tell_failure(f, ENAMETOOLONG, name);
        f->path.n = n;
        f->path.code = ALB_OK;
    }
}

static void walk_folder(struct folder_source *f, const struct stat *st, unsigned depth)
{
    enum alb_code code = alb_seen_add(&f->seen, (uint64_t)st->st_dev, (uint64_t)st->st_ino, 0);
    if (code == ALB_E_CONFLICT) {
        tell_skip(f, ALB_SKIP_LINK, 0);
        return;
    }
    if (code != ALB_OK || depth >= ALB_IMPORT_DEPTH_MAX) {
        tell_failure(f, code != ALB_OK ? ENOMEM : ELOOP, "cannot go into this folder");
        return;
    }
    int fd = open(alb_buf_cstr(&f->path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        tell_failure(f, errno, "cannot open this folder");
        return;
    }
    DIR *dir = fdopendir(fd);
    if (!dir) {
        tell_failure(f, errno, "cannot read this folder");
        close(fd);
        return;
    }
    struct names names = {.text = ALB_BUF_INIT(ALB_IMPORT_FOLDER_MAX)};
    int sys = read_names(dir, &names);
    if (sys != 0)
        tell_failure(f, sys, "cannot read all of this folder");
    if (names.n > 0 && !f->stop)
        visit_all(f, fd, &names, depth);
    closedir(dir);
    alb_buf_fini(&names.text);
    alb_mem_free(names.at);
}

/* --- the whole walk ----------------------------------------------------------------------------------------
 */

static void set_path(struct folder_source *f, const char *path, size_t root_n)
{
    alb_buf_reset(&f->path);
    alb_buf_c(&f->path, path);
    f->root_n = root_n;
}

/* A root that is a file belongs to the folder that holds it. */
static size_t root_length(const char *root, const struct stat *st)
{
    struct alb_str s = alb_str_c(root);
    if (S_ISDIR(st->st_mode))
        return s.n;
    size_t slash = alb_str_rfind(s, '/');
    return slash == ALB_STR_NPOS ? 0 : slash;
}

static void visit_link(struct folder_source *f, const struct link_path *l)
{
    struct stat st;
    set_path(f, l->path, l->root_n);
    if (stat(l->path, &st) == 0)
        visit(f, &st, 1);
    else if (errno == ENOENT || errno == ELOOP)
        tell_skip(f, ALB_SKIP_SPECIAL, 0);
    else
        tell_failure(f, errno, "cannot follow this link");
}

static void folder_walk(struct alb_source *source, const struct alb_sink *sink)
{
    struct folder_source *f = self(source);
    f->sink = sink;
    for (char **root = f->roots; *root && !f->stop; root++) {
        struct stat st;
        set_path(f, *root, 0);
        if (stat(*root, &st) != 0) {
            tell_failure(f, errno, "cannot be looked at");
            continue;
        }
        f->root_n = root_length(*root, &st);
        visit(f, &st, 0);
    }
    /* Links may lead to folders with further links; these come to the end of the list. */
    while (f->links) {
        struct link_path *l = f->links;
        f->links = l->next;
        if (!f->links)
            f->links_end = &f->links;
        if (!f->stop)
            visit_link(f, l);
        alb_mem_free(l);
    }
}

static enum alb_code folder_open(const struct alb_source *source, const struct alb_item *item, int *fd,
                                 struct alb_err *err)
{
    (void)source;
    struct stat st;
    /* O_NONBLOCK: should a pipe stand there now, opening it must not wait for its other end. */
    enum alb_code code = alb_fs_open(AT_FDCWD, item->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, fd, err);
    if (code != ALB_OK)
        return code;
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode))
        return ALB_OK;
    alb_fs_close(fd);
    return alb_fail(err, ALB_E_UNSUPPORTED, "no regular file");
}

static void folder_free(struct alb_source *source)
{
    struct folder_source *f = self(source);
    while (f->links) {
        struct link_path *l = f->links;
        f->links = l->next;
        alb_mem_free(l);
    }
    for (char **root = f->roots; root && *root; root++)
        alb_mem_free(*root);
    alb_mem_free(f->roots);
    alb_seen_fini(&f->seen);
    alb_buf_fini(&f->path);
    alb_buf_fini(&f->album);
    alb_mem_free(f);
}

/* The path without links, in memory of ours. */
static enum alb_code real_path(const char *path, char **out, struct alb_err *err)
{
    char room[PATH_MAX];
    if (!realpath(path, room)) {
        int sys = errno;
        return alb_fail_sys(err, alb_code_of_errno(sys), sys, "%s", path);
    }
    size_t n = strlen(room) + 1;
    *out = alb_mem_alloc(n);
    if (!*out)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a path");
    memcpy(*out, room, n);
    return ALB_OK;
}

enum alb_code alb_source_folder_new(const struct alb_folder_config *config, struct alb_source **source,
                                    struct alb_err *err)
{
    *source = NULL;
    size_t n = 0;
    while (config->paths[n])
        n++;
    struct folder_source *f = alb_mem_calloc(1, sizeof(*f));
    if (!f)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a source");
    f->source =
        (struct alb_source){.name = "folder", .walk = folder_walk, .open = folder_open, .free = folder_free};
    f->config = *config;
    f->links_end = &f->links;
    alb_buf_init(&f->path, ALB_IMPORT_PATH_MAX + 256);
    alb_buf_init(&f->album, ALB_IMPORT_PATH_MAX * 3);
    f->roots = alb_mem_calloc(n + 1, sizeof(*f->roots));
    enum alb_code code = f->roots ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory for a source");
    for (size_t i = 0; i < n && code == ALB_OK; i++)
        code = real_path(config->paths[i], &f->roots[i], err);
    if (code != ALB_OK) {
        folder_free(&f->source);
        return code;
    }
    *source = &f->source;
    return ALB_OK;
}
