/* SPDX-License-Identifier: Apache-2.0
 *
 * See journal_index.h.
 */
#include "import/journal_index.h"

#include <string.h>

#include "base/codec.h"
#include "base/mem.h"

#define CAP_FIRST 256

/* --- lines -------------------------------------------------------------------------------------------------
 */

void alb_journal_line_write(struct alb_buf *out, struct alb_str rest)
{
    alb_buf_printf(out, "%016llx ", (unsigned long long)alb_xxh3(rest.p, rest.n));
    alb_buf_str(out, rest);
    alb_buf_char(out, '\n');
}

static bool field(struct alb_str *rest, struct alb_str *out)
{
    return alb_str_next(rest, ' ', out) && out->n > 0;
}

static bool field_hex(struct alb_str *rest, uint64_t *out)
{
    struct alb_str s;
    return field(rest, &s) && alb_str_hex_u64(s, out);
}

static bool field_i64(struct alb_str *rest, int64_t *out)
{
    struct alb_str s;
    return field(rest, &s) && alb_str_i64(s, out);
}

static bool field_text(struct alb_str *rest, struct alb_journal_line *out)
{
    struct alb_str s;
    if (!field(rest, &s) || !alb_percent_decode(s, false, out->text, sizeof(out->text) - 1, &out->text_n))
        return false;
    out->text[out->text_n] = '\0';
    return memchr(out->text, '\0', out->text_n) == NULL;
}

/* The checked rest of a line. */
static bool check_sum(struct alb_str line, struct alb_str *rest)
{
    struct alb_str text;
    uint64_t sum;
    return alb_str_cut(line, ' ', &text, rest) && text.n == 16 && alb_str_hex_u64(text, &sum) &&
           sum == alb_xxh3(rest->p, rest->n);
}

bool alb_journal_line_parse(struct alb_str line, struct alb_journal_line *out)
{
    struct alb_str rest, kind, sha1, word;
    if (!check_sum(line, &rest))
        return false;
    if (!field(&rest, &kind) || kind.n != 1 || !field(&rest, &sha1) ||
        !alb_hex_decode(sha1, out->sha1, ALB_SHA1_LEN))
        return false;
    out->kind = kind.p[0];
    out->text_n = 0;
    out->text[0] = '\0';
    out->size = out->mtime_ns = 0;
    out->ino = out->labels = 0;
    switch (out->kind) {
    case 'H':
        return field_i64(&rest, &out->size) && field_i64(&rest, &out->mtime_ns) && field(&rest, &word) &&
               alb_str_u64(word, &out->ino) && field_text(&rest, out);
    case 'U':
        return field_hex(&rest, &out->labels) && field_i64(&rest, &out->size) && field_text(&rest, out);
    case 'D':
    case 'X':
        return field_hex(&rest, &out->labels);
    default:
        return false;
    }
}

void alb_journal_key(struct alb_str path, int64_t size, int64_t mtime_ns, uint64_t ino, unsigned char key[16])
{
    struct alb_hash h;
    unsigned char sum[ALB_HASH_MAX_LEN];
    uint64_t numbers[3] = {(uint64_t)size, (uint64_t)mtime_ns, ino};
    alb_hash_init(&h, ALB_HASH_SHA1);
    alb_hash_update(&h, numbers, sizeof(numbers));
    alb_hash_update(&h, path.p, path.n);
    alb_hash_final(&h, sum);
    memcpy(key, sum, 16);
    key[15] |= 1; /* never all zero */
}

/* --- files -------------------------------------------------------------------------------------------------
 */

static bool is_free(const struct alb_journal_file *f)
{
    static const unsigned char zero[16];
    return memcmp(f->key, zero, sizeof(zero)) == 0;
}

static struct alb_journal_file *file_slot(const struct alb_journal_index *x, const unsigned char key[16])
{
    uint64_t h;
    memcpy(&h, key, sizeof(h));
    size_t i = (size_t)h & (x->files_cap - 1);
    while (!is_free(&x->files[i]) && memcmp(x->files[i].key, key, 16) != 0)
        i = (i + 1) & (x->files_cap - 1);
    return &x->files[i];
}

static bool grow_files(struct alb_journal_index *x)
{
    struct alb_journal_index bigger = *x;
    bigger.files_cap = x->files_cap ? x->files_cap * 2 : CAP_FIRST;
    bigger.files = alb_mem_calloc(bigger.files_cap, sizeof(*bigger.files));
    if (!bigger.files)
        return false;
    for (size_t i = 0; i < x->files_cap; i++)
        if (!is_free(&x->files[i]))
            *file_slot(&bigger, x->files[i].key) = x->files[i];
    alb_mem_free(x->files);
    x->files = bigger.files;
    x->files_cap = bigger.files_cap;
    return true;
}

const struct alb_journal_file *alb_journal_index_file(const struct alb_journal_index *x,
                                                      const unsigned char key[16])
{
    if (x->files_cap == 0)
        return NULL;
    const struct alb_journal_file *f = file_slot(x, key);
    return is_free(f) ? NULL : f;
}

static bool add_file(struct alb_journal_index *x, const struct alb_journal_line *line)
{
    unsigned char key[16];
    if (x->files_n >= x->files_cap / 4 * 3 && !grow_files(x))
        return false;
    alb_journal_key(alb_str_n(line->text, line->text_n), line->size, line->mtime_ns, line->ino, key);
    struct alb_journal_file *f = file_slot(x, key);
    if (is_free(f)) {
        memcpy(f->key, key, sizeof(f->key));
        x->files_n++;
        x->live++;
    }
    memcpy(f->sha1, line->sha1, sizeof(f->sha1));
    return true;
}

/* --- uploads -----------------------------------------------------------------------------------------------
 */

static struct alb_journal_upload *upload_slot(const struct alb_journal_index *x, const unsigned char *sha1,
                                              uint64_t labels)
{
    uint64_t h;
    memcpy(&h, sha1, sizeof(h));
    size_t i = (size_t)(h ^ labels) & (x->uploads_cap - 1);
    while (x->uploads[i].used &&
           (x->uploads[i].labels != labels || memcmp(x->uploads[i].sha1, sha1, ALB_SHA1_LEN) != 0))
        i = (i + 1) & (x->uploads_cap - 1);
    return &x->uploads[i];
}

static bool grow_uploads(struct alb_journal_index *x)
{
    struct alb_journal_index bigger = *x;
    bigger.uploads_cap = x->uploads_cap ? x->uploads_cap * 2 : CAP_FIRST;
    bigger.uploads = alb_mem_calloc(bigger.uploads_cap, sizeof(*bigger.uploads));
    if (!bigger.uploads)
        return false;
    for (size_t i = 0; i < x->uploads_cap; i++)
        if (x->uploads[i].used)
            *upload_slot(&bigger, x->uploads[i].sha1, x->uploads[i].labels) = x->uploads[i];
    alb_mem_free(x->uploads);
    x->uploads = bigger.uploads;
    x->uploads_cap = bigger.uploads_cap;
    return true;
}

const struct alb_journal_upload *alb_journal_index_upload(const struct alb_journal_index *x,
                                                          const unsigned char sha1[ALB_SHA1_LEN],
                                                          uint64_t labels)
{
    if (x->uploads_cap == 0)
        return NULL;
    const struct alb_journal_upload *u = upload_slot(x, sha1, labels);
    return u->used ? u : NULL;
}

static bool add_upload(struct alb_journal_index *x, const struct alb_journal_line *line)
{
    if (x->uploads_n >= x->uploads_cap / 4 * 3 && !grow_uploads(x))
        return false;
    struct alb_journal_upload *u = upload_slot(x, line->sha1, line->labels);
    char *url = NULL;
    if (line->kind == 'U') {
        url = alb_mem_alloc(line->text_n + 1);
        if (!url)
            return false;
        memcpy(url, line->text, line->text_n + 1);
    }
    if (!u->used) {
        u->used = true;
        u->labels = line->labels;
        memcpy(u->sha1, line->sha1, sizeof(u->sha1));
        x->uploads_n++;
    }
    x->live -= u->state != ALB_JOURNAL_NONE;
    alb_mem_free(u->url);
    u->url = url;
    u->url_n = url ? line->text_n : 0;
    if (url)
        u->state = ALB_JOURNAL_HALF;
    else
        u->state = line->kind == 'D' && line->labels != 0 ? ALB_JOURNAL_DONE : ALB_JOURNAL_NONE;
    x->live += u->state != ALB_JOURNAL_NONE;
    return true;
}

/* --- both --------------------------------------------------------------------------------------------------
 */

enum alb_code alb_journal_index_add(struct alb_journal_index *x, const struct alb_journal_line *line,
                                    struct alb_err *err)
{
    x->lines++;
    if (line->kind == 'H' ? add_file(x, line) : add_upload(x, line))
        return ALB_OK;
    return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the journal");
}

bool alb_journal_index_live(const struct alb_journal_index *x, const struct alb_journal_line *line)
{
    if (line->kind == 'H') {
        unsigned char key[16];
        alb_journal_key(alb_str_n(line->text, line->text_n), line->size, line->mtime_ns, line->ino, key);
        const struct alb_journal_file *f = alb_journal_index_file(x, key);
        return f && memcmp(f->sha1, line->sha1, sizeof(f->sha1)) == 0;
    }
    const struct alb_journal_upload *u = alb_journal_index_upload(x, line->sha1, line->labels);
    if (!u)
        return false;
    if (line->kind == 'D')
        return u->state == ALB_JOURNAL_DONE;
    return u->state == ALB_JOURNAL_HALF &&
           alb_str_eq(alb_str_n(u->url, u->url_n), alb_str_n(line->text, line->text_n));
}

void alb_journal_index_fini(struct alb_journal_index *x)
{
    for (size_t i = 0; i < x->uploads_cap; i++)
        alb_mem_free(x->uploads[i].url);
    alb_mem_free(x->uploads);
    alb_mem_free(x->files);
    *x = (struct alb_journal_index){.files = NULL};
}
