/* SPDX-License-Identifier: Apache-2.0
 *
 * See config.h. Every refusal names the option and what would be right.
 */
#include "import/config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "fetch/client.h"
#include "import/journal.h"

#define TAGS_MAX ((size_t)16 * 1024)
#define URL_TEXT_MAX ((size_t)2048)

static enum alb_code take_server(struct alb_import_config *c, const struct alb_options *o,
                                 struct alb_err *err)
{
    const char *text = alb_opt_string(o, ALB_P_SERVER);
    if (!*text)
        return alb_fail(err, ALB_E_INVALID, "--server: where is the server? Give --server http://HOST:PORT");
    enum alb_code code = alb_client_base(alb_str_c(text), &c->server, err);
    if (code != ALB_OK)
        alb_err_context(err, "--server %s", text);
    return code;
}

static enum alb_code read_key_file(struct alb_import_config *c, const char *path, struct alb_err *err)
{
    char *p = NULL;
    size_t n = 0;
    enum alb_code code = alb_fs_read_file(AT_FDCWD, path, ALB_IMPORT_KEY_MAX, &p, &n, err);
    if (code != ALB_OK) {
        alb_err_context(err, "--key-file");
        return code;
    }
    struct alb_str line, rest;
    alb_str_cut(alb_str_n(p, n), '\n', &line, &rest);
    while (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    line = alb_str_trim(line);
    if (line.n == 0)
        code = alb_fail(err, ALB_E_INVALID, "--key-file: the first line of %s is empty", path);
    else if (!alb_secret_set(&c->key, line))
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for the key");
    alb_wipe(p, n);
    alb_mem_free(p);
    return code;
}

static enum alb_code take_key(struct alb_import_config *c, const struct alb_options *o, struct alb_err *err)
{
    const char *key = alb_opt_string(o, ALB_P_KEY), *file = alb_opt_string(o, ALB_P_KEY_FILE);
    if (*key && *file)
        return alb_fail(err, ALB_E_INVALID, "both --key and --key-file are set (perhaps in the environment)");
    if (*file)
        return read_key_file(c, file, err);
    if (!*key)
        return alb_fail(
            err, ALB_E_INVALID,
            "no key: give --key-file FILE or ALBUMEN_KEY (`albumen key new --user NAME` prints a key)");
    struct alb_str s = alb_str_trim(alb_str_c(key));
    if (s.n > ALB_IMPORT_KEY_MAX || alb_str_has_control(s))
        return alb_fail(err, ALB_E_INVALID, "--key: that is no key");
    return alb_secret_set(&c->key, s) ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory for the key");
}

static enum alb_code take_speed(struct alb_import_config *c, const struct alb_options *o, struct alb_err *err)
{
    int64_t jobs = alb_opt_int(o, ALB_P_CONCURRENT);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (jobs < 0 || jobs > ALB_IMPORT_JOBS_MAX)
        return alb_fail(err, ALB_E_INVALID, "--concurrent: from 1 to %u, or 0 for one per core",
                        ALB_IMPORT_JOBS_MAX);
    if (cores < 1)
        cores = 1;
    if (jobs == 0) { /* a small machine waits for the network and the server's disk all the same */
        jobs = cores > ALB_IMPORT_JOBS_LEAST ? cores : ALB_IMPORT_JOBS_LEAST;
        if (jobs > ALB_IMPORT_JOBS_MAX)
            jobs = ALB_IMPORT_JOBS_MAX;
    }
    c->jobs = (unsigned)jobs;
    c->hashers = cores < (long)ALB_IMPORT_HASHERS_MAX ? (unsigned)cores : ALB_IMPORT_HASHERS_MAX;
    c->retry_ns = alb_opt_duration(o, ALB_P_RETRY_FOR);
    c->stall_ns = alb_opt_duration(o, ALB_P_STALL_TIMEOUT);
    if (c->stall_ns < 1000000000)
        return alb_fail(err, ALB_E_INVALID, "--stall-timeout: at least 1s");
    return ALB_OK;
}

static enum alb_code take_errors(struct alb_import_config *c, const struct alb_options *o,
                                 struct alb_err *err)
{
    struct alb_str s = alb_str_c(alb_opt_string(o, ALB_P_ON_ERRORS));
    if (alb_str_eq_c(s, "continue"))
        c->errors_max = 0;
    else if (alb_str_eq_c(s, "stop"))
        c->errors_max = 1;
    else if (!alb_str_u64(s, &c->errors_max) || c->errors_max == 0)
        return alb_fail(err, ALB_E_INVALID, "--on-errors: continue, stop, or a number above 0");
    return ALB_OK;
}

static bool is_label(struct alb_str s)
{
    return s.n <= ALB_IMPORT_LABEL_MAX && alb_str_is_utf8(s) && !alb_str_has_control(s);
}

static enum alb_code take_tags(struct alb_import_config *c, const struct alb_options *o, struct alb_err *err)
{
    const char *const *tags;
    size_t n = alb_opt_list(o, ALB_P_TAG, &tags);
    for (size_t i = 0; i < n; i++) {
        struct alb_str tag = alb_str_trim(alb_str_c(tags[i]));
        if (tag.n == 0 || !is_label(tag) || alb_str_find(tag, ',') != ALB_STR_NPOS)
            return alb_fail(err, ALB_E_INVALID,
                            "--tag \"%s\": up to %zu bytes of UTF-8 in one line, no comma", tags[i],
                            (size_t)ALB_IMPORT_LABEL_MAX);
        if (i > 0)
            alb_buf_char(&c->tags, ',');
        alb_buf_str(&c->tags, tag);
    }
    if (alb_buf_code(&c->tags) != ALB_OK)
        return alb_fail(err, ALB_E_INVALID, "--tag: too many tags");
    return ALB_OK;
}

static enum alb_code take_album(struct alb_import_config *c, const struct alb_options *o, struct alb_err *err)
{
    static const struct {
        const char *name;
        enum alb_folder_album mode;
    } modes[] = {
        {"NONE", ALB_FOLDER_ALBUM_NONE}, {"FOLDER", ALB_FOLDER_ALBUM_NAME}, {"PATH", ALB_FOLDER_ALBUM_PATH}};
    struct alb_str mode = alb_str_c(alb_opt_string(o, ALB_P_FOLDER_AS_ALBUM));
    size_t i = 0;
    while (i < ALB_ARRAY_LEN(modes) && !alb_str_eq_ci(mode, alb_str_c(modes[i].name)))
        i++;
    if (i == ALB_ARRAY_LEN(modes))
        return alb_fail(err, ALB_E_INVALID, "--folder-as-album: NONE, FOLDER or PATH");
    c->folder_album = modes[i].mode;
    c->album = alb_str_trim(alb_str_c(alb_opt_string(o, ALB_P_ALBUM)));
    if (c->folder_album != ALB_FOLDER_ALBUM_NONE && c->album.n > 0)
        return alb_fail(err, ALB_E_INVALID, "--album and --folder-as-album exclude each other");
    if (!is_label(c->album))
        return alb_fail(err, ALB_E_INVALID, "--album: up to %zu bytes of UTF-8 in one line",
                        (size_t)ALB_IMPORT_LABEL_MAX);
    return ALB_OK;
}

/* On the command line ".jpg,.png" is one item; the commas are for the person. */
static enum alb_code take_extensions(const struct alb_options *o, enum alb_param p, const char *name,
                                     struct alb_extension_set *set, struct alb_err *err)
{
    const char *const *items;
    size_t n = alb_opt_list(o, p, &items);
    for (size_t i = 0; i < n; i++) {
        struct alb_str rest = alb_str_c(items[i]), ext;
        while (alb_str_next(&rest, ',', &ext)) {
            enum alb_code code = alb_extension_add(set, ext, ALB_KIND_MEDIA, err);
            if (code != ALB_OK) {
                alb_err_context(err, "--%s", name);
                return code;
            }
        }
    }
    return ALB_OK;
}

static enum alb_code take_selection(struct alb_import_config *c, const struct alb_options *o,
                                    struct alb_err *err)
{
    struct alb_str trashed = alb_str_c(alb_opt_string(o, ALB_P_TRASHED));
    c->recursive = alb_opt_bool(o, ALB_P_RECURSIVE);
    c->select.bans_n = alb_opt_list(o, ALB_P_BAN_FILE, &c->select.bans);
    if (alb_str_eq_c(trashed, "restore"))
        c->restore_trashed = true;
    else if (!alb_str_eq_c(trashed, "skip"))
        return alb_fail(err, ALB_E_INVALID, "--trashed: skip or restore");
    enum alb_code code =
        alb_date_range_parse(alb_str_c(alb_opt_string(o, ALB_P_DATE_RANGE)), &c->select.dates, err);
    if (code != ALB_OK) {
        alb_err_context(err, "--date-range");
        return code;
    }
    code = take_extensions(o, ALB_P_INCLUDE_EXTENSIONS, "include-extensions", &c->select.include, err);
    if (code == ALB_OK)
        code = take_extensions(o, ALB_P_EXCLUDE_EXTENSIONS, "exclude-extensions", &c->select.exclude, err);
    return code;
}

static enum alb_code take_journal(struct alb_import_config *c, const struct alb_options *o,
                                  struct alb_err *err)
{
    const char *path = alb_opt_string(o, ALB_P_JOURNAL);
    bool no = alb_opt_bool(o, ALB_P_NO_JOURNAL);
    if (no && *path)
        return alb_fail(err, ALB_E_INVALID, "--journal and --no-journal exclude each other");
    if (no)
        return ALB_OK;
    if (*path) {
        c->journal_asked = true;
        c->has_journal = true;
        alb_buf_c(&c->journal, path);
        return alb_buf_code(&c->journal) == ALB_OK
                   ? ALB_OK
                   : alb_fail(err, ALB_E_INVALID, "--journal: the path is too long");
    }
    /* No home, no memory: the import runs all the same. */
    c->has_journal = alb_journal_default_path(alb_buf_view(&c->server), alb_str_n(c->key.p, c->key.n),
                                              &c->journal, NULL) == ALB_OK;
    return ALB_OK;
}

enum alb_code alb_import_config_init(struct alb_import_config *c, const struct alb_options *o,
                                     struct alb_err *err)
{
    typedef enum alb_code take_fn(struct alb_import_config *, const struct alb_options *, struct alb_err *);
    static take_fn *const steps[] = {take_server, take_key,  take_speed,     take_errors,
                                     take_album,  take_tags, take_selection, take_journal};
    *c = (struct alb_import_config){.dry_run = alb_opt_bool(o, ALB_P_DRY_RUN),
                                    .quiet = alb_opt_bool(o, ALB_P_QUIET),
                                    .json = alb_opt_bool(o, ALB_P_JSON)};
    alb_buf_init(&c->server, URL_TEXT_MAX);
    alb_buf_init(&c->journal, ALB_IMPORT_PATH_MAX);
    alb_buf_init(&c->tags, TAGS_MAX);
    for (size_t i = 0; i < ALB_ARRAY_LEN(steps); i++) {
        enum alb_code code = steps[i](c, o, err);
        if (code != ALB_OK) {
            alb_import_config_fini(c);
            return code;
        }
    }
    return ALB_OK;
}

void alb_import_config_fini(struct alb_import_config *c)
{
    alb_secret_fini(&c->key);
    alb_select_fini(&c->select);
    alb_buf_fini(&c->server);
    alb_buf_fini(&c->journal);
    alb_buf_fini(&c->tags);
}
