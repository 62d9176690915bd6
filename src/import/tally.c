/* SPDX-License-Identifier: Apache-2.0
 *
 * See tally.h.
 */
#include "import/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void alb_tally_init(struct alb_tally *t)
{
    memset(t, 0, sizeof(*t));
    alb_mutex_init(&t->lock, ALB_LOCK_IMPORT_TALLY);
    atomic_init(&t->moving, 0);
    atomic_init(&t->sent, 0);
}

void alb_tally_fini(struct alb_tally *t)
{
    for (size_t i = 0; i < t->failures_n; i++) {
        alb_mem_free(t->failures[i].path);
        alb_mem_free(t->failures[i].reason);
    }
    alb_mem_free(t->failures);
    alb_mutex_fini(&t->lock);
}

static void count(struct alb_count *c, int64_t bytes)
{
    c->files++;
    c->bytes += bytes;
}

void alb_tally_found(struct alb_tally *t, int64_t bytes)
{
    alb_mutex_lock(&t->lock);
    count(&t->view.found, bytes);
    alb_mutex_unlock(&t->lock);
}

void alb_tally_end(struct alb_tally *t, enum alb_outcome how, int64_t bytes)
{
    alb_mutex_lock(&t->lock);
    count(&t->view.outcome[how], bytes);
    alb_mutex_unlock(&t->lock);
}

/* The last slot gathers what has no slot of its own. */
static void count_type_locked(struct alb_tally *t, const char *ext)
{
    size_t last = ALB_ARRAY_LEN(t->all_types) - 1;
    for (size_t i = 0; i < last; i++) {
        struct alb_type_count *c = &t->all_types[i];
        if (c->files == 0)
            memcpy(c->ext, ext, sizeof(c->ext));
        if (strcmp(c->ext, ext) == 0) {
            c->files++;
            return;
        }
    }
    memcpy(t->all_types[last].ext, "others", sizeof("others"));
    t->all_types[last].files++;
}

void alb_tally_skip(struct alb_tally *t, enum alb_skip why, struct alb_str path, int64_t bytes)
{
    char room[16], ext[16] = "no extension";
    struct alb_str e = alb_extension_of(path, room);
    if (e.n > 0)
        alb_ignore(!alb_str_to_c(e, ext, sizeof(ext)), "it is shorter by contract");
    alb_mutex_lock(&t->lock);
    count(&t->view.outcome[ALB_OUTCOME_SKIPPED], bytes);
    count(&t->view.skip[why], bytes);
    if (why == ALB_SKIP_TYPE)
        count_type_locked(t, ext);
    alb_mutex_unlock(&t->lock);
}

static char *copy(struct alb_str s)
{
    char *p = alb_mem_alloc(s.n + 1);
    if (!p)
        return NULL;
    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

static bool keep_locked(struct alb_tally *t, struct alb_failure f)
{
    if (t->failures_n >= ALB_IMPORT_FAILURES_MAX)
        return false;
    if (t->failures_n == t->failures_cap) {
        size_t cap = t->failures_cap ? t->failures_cap * 2 : 32;
        struct alb_failure *more = alb_mem_realloc(t->failures, cap * sizeof(*more));
        if (!more)
            return false;
        t->failures = more;
        t->failures_cap = cap;
    }
    t->failures[t->failures_n++] = f;
    return true;
}

uint64_t alb_tally_fail(struct alb_tally *t, struct alb_str path, int64_t bytes, bool folder,
                        struct alb_str reason)
{
    struct alb_failure f = {.path = copy(path), .reason = copy(reason), .folder = folder};
    alb_mutex_lock(&t->lock);
    if (folder)
        t->view.folders_failed++;
    else
        count(&t->view.outcome[ALB_OUTCOME_FAILED], bytes);
    bool kept = f.path && f.reason && keep_locked(t, f);
    uint64_t n = t->view.outcome[ALB_OUTCOME_FAILED].files + t->view.folders_failed;
    alb_mutex_unlock(&t->lock);
    if (!kept) {
        alb_mem_free(f.path);
        alb_mem_free(f.reason);
    }
    return n;
}

void alb_tally_resumed(struct alb_tally *t)
{
    alb_mutex_lock(&t->lock);
    t->view.resumed++;
    alb_mutex_unlock(&t->lock);
}

void alb_tally_known(struct alb_tally *t)
{
    alb_mutex_lock(&t->lock);
    t->view.known++;
    alb_mutex_unlock(&t->lock);
}

void alb_tally_scanned(struct alb_tally *t)
{
    alb_mutex_lock(&t->lock);
    t->view.scanned = true;
    alb_mutex_unlock(&t->lock);
}

void alb_tally_sent(struct alb_tally *t, int64_t bytes)
{
    atomic_fetch_add(&t->moving, bytes);
    atomic_fetch_add(&t->sent, bytes);
}

void alb_tally_moved(struct alb_tally *t, int64_t bytes)
{
    atomic_fetch_add(&t->moving, bytes);
}

static int by_files(const void *a, const void *b)
{
    const struct alb_type_count *x = a, *y = b;
    if (x->files != y->files)
        return x->files < y->files ? 1 : -1;
    return strcmp(x->ext, y->ext);
}

void alb_tally_look(struct alb_tally *t, struct alb_tally_view *out)
{
    struct alb_type_count types[ALB_ARRAY_LEN(t->all_types)];
    alb_mutex_lock(&t->lock);
    *out = t->view;
    memcpy(types, t->all_types, sizeof(types));
    alb_mutex_unlock(&t->lock);
    out->moving = atomic_load(&t->moving);
    out->sent = atomic_load(&t->sent);
    qsort(types, ALB_ARRAY_LEN(types), sizeof(types[0]), by_files);
    memcpy(out->types, types, sizeof(out->types));
}

bool alb_tally_adds_up(const struct alb_tally_view *v)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < ALB_OUTCOME_COUNT; i++)
        sum += v->outcome[i].files;
    return sum == v->found.files;
}

const struct alb_failure *alb_tally_failures(const struct alb_tally *t, size_t *n)
{
    *n = t->failures_n;
    return t->failures;
}

/* --- text --------------------------------------------------------------------------------------------------
 */

static bool between(uint32_t c, uint32_t from, uint32_t to)
{
    return c >= from && c <= to;
}

/* Bytes of the well-formed, printable character at the start of s; 0 = none. */
static size_t printable(struct alb_str s)
{
    unsigned char c = (unsigned char)s.p[0];
    if (c < 0x80)
        return between(c, 0x20, 0x7e) ? 1 : 0;
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (!alb_str_is_utf8(alb_str_sub(s, 0, n)))
        return 0;
    uint32_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes = bytes << 8 | (unsigned char)s.p[i];
    /* C1 controls (U+0080..9F); line ends and bidi overrides (U+2028..202E, U+2066..2069) that move text
     * about. */
    if (between(bytes, 0xc280, 0xc29f) || between(bytes, 0xe280a8, 0xe280ae) ||
        between(bytes, 0xe281a6, 0xe281a9))
        return 0;
    return n;
}

void alb_tally_safe_text(struct alb_buf *out, struct alb_str s)
{
    while (s.n > 0) {
        size_t n = printable(s);
        if (n > 0)
            alb_buf_add(out, s.p, n);
        else
            alb_buf_printf(out, "\\x%02x", (unsigned char)s.p[0]);
        s = alb_str_from(s, n > 0 ? n : 1);
    }
}
