/* SPDX-License-Identifier: Apache-2.0
 *
 * The tus client; see upload.h for its states.
 */
#include "import/upload.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "import/source.h"

#define READ_BYTES ((size_t)256 * 1024)
#define SUM_LINE_MAX 64 /* "Upload-Checksum: sha1 " and 28 characters */
#define METADATA_MAX ((size_t)32 * 1024)

enum step { CREATE, SEND, ASK, CLOSE, VERIFY, END };

struct upload {
    struct alb_api *api;
    const struct alb_upload_env *env;
    struct alb_item *item;
    struct alb_err *err;
    int fd;
    struct alb_buf target; /* of the upload on the server; empty = none */
    struct alb_buf metadata;
    int64_t offset;  /* the server has so much, as far as we know */
    int64_t reading; /* next byte that a request takes from the file */
    int64_t request_end;
    struct alb_patience patience;
    unsigned rounds;   /* times it began at 0 */
    bool pieced;       /* put together from several requests after a break: verify it */
    bool perhaps_done; /* all bytes went out, but the answer did not come */
    bool answered;     /* the server took the last byte and `end` is what it said */
    bool remembered;   /* the journal knows the address */
    bool changed, unreadable;
    enum alb_upload_end end;
};

/* --- the file ----------------------------------------------------------------------------------------------
 */

static bool is_same(const struct upload *u)
{
    struct stat st;
    const struct alb_item *i = u->item;
    return fstat(u->fd, &st) == 0 && st.st_size == i->size && (uint64_t)st.st_ino == i->ino &&
           (int64_t)st.st_mtim.tv_sec * ALB_NS_PER_S + st.st_mtim.tv_nsec == i->mtime_ns;
}

static size_t read_file(void *ctx, void *p, size_t n)
{
    struct upload *u = ctx;
    size_t got = 0;
    if (alb_fs_pread_all(u->fd, p, n, u->reading, &got, u->err) != ALB_OK) {
        u->unreadable = true;
        return 0;
    }
    u->reading += (int64_t)got;
    /* Before the last byte leaves: from then on the server may take it for complete. */
    if (got == 0 || (u->reading >= u->item->size && !is_same(u))) {
        u->changed = true;
        return 0;
    }
    u->item->shown += (int64_t)got;
    alb_tally_sent(u->env->tally, (int64_t)got);
    return got;
}

/* The SHA-1 of n bytes as they lie on the disk now. */
static bool hash_piece(struct upload *u, int64_t from, int64_t n, unsigned char out[ALB_HASH_MAX_LEN])
{
    unsigned char *room = alb_mem_alloc(READ_BYTES);
    struct alb_hash h;
    size_t got = 1;

    alb_hash_init(&h, ALB_HASH_SHA1);
    while (room && n > 0 && got > 0) {
        size_t want = n < (int64_t)READ_BYTES ? (size_t)n : READ_BYTES;
        if (alb_fs_pread_all(u->fd, room, want, from, &got, u->err) != ALB_OK)
            break;
        alb_hash_update(&h, room, got);
        from += (int64_t)got;
        n -= (int64_t)got;
    }
    alb_mem_free(room);
    (void)alb_hash_final(&h, out);
    return n == 0;
}

/* The header that has the server check the n bytes of one request (tus, checksum): what the network has turned
 * over is taken back at once. False: the file could not be read to there. */
static bool sum_line(struct upload *u, int64_t from, int64_t n, char line[static SUM_LINE_MAX])
{
    struct alb_buf b = ALB_BUF_INIT(SUM_LINE_MAX);
    unsigned char sha1[ALB_HASH_MAX_LEN];
    bool whole = n == u->item->size && u->item->hashed;

    if (whole)
        memcpy(sha1, u->item->sha1, ALB_SHA1_LEN);
    else if (!hash_piece(u, from, n, sha1))
        return false;
    alb_buf_c(&b, "Upload-Checksum: sha1 ");
    alb_b64_encode(&b, sha1, ALB_SHA1_LEN, ALB_B64_STD);
    alb_ignore(!alb_str_to_c(alb_buf_view(&b), line, SUM_LINE_MAX), "it fits");
    alb_buf_fini(&b);
    return true;
}

/* The progress bar follows what the server says it has. */
static void show_offset(struct upload *u, int64_t offset)
{
    alb_tally_moved(u->env->tally, offset - u->item->shown);
    u->item->shown = offset;
}

/* --- ends --------------------------------------------------------------------------------------------------
 */

static enum step finish(struct upload *u, enum alb_upload_end end)
{
    u->end = end;
    return END;
}

static enum step fail(struct upload *u, enum alb_code code, const char *why)
{
    alb_ignore(alb_fail(u->err, code, "%s", why), "the end says it");
    return finish(u, ALB_UPLOAD_FAILED);
}

static enum step refused(struct upload *u)
{
    struct alb_buf text = ALB_BUF_INIT(1024);
    int status = u->api->answer.status;
    alb_api_refusal(&u->api->answer, &text);
    alb_ignore(alb_fail(u->err, alb_api_code(status), "the server refused it: %s", alb_buf_cstr(&text)),
               "the end says it");
    alb_buf_fini(&text);
    bool hopeless = status == 401 || status == 412 || (status == 404 && u->target.n == 0) || status == 405;
    return finish(u, hopeless ? ALB_UPLOAD_FATAL : ALB_UPLOAD_FAILED);
}

/* The answer that ends an upload says what became of it; a plain tus server says nothing more than 2xx. */
static enum alb_upload_end read_result(const struct upload *u)
{
    struct alb_str result;
    if (!alb_client_header(&u->api->answer, "albumen-result", &result))
        return ALB_UPLOAD_CREATED;
    if (alb_str_eq_c(result, "restored"))
        return ALB_UPLOAD_RESTORED;
    if (alb_str_eq_c(result, "duplicate") && !u->perhaps_done)
        return ALB_UPLOAD_DUPLICATE;
    return ALB_UPLOAD_CREATED;
}

/* --- one request -------------------------------------------------------------------------------------------
 */

/* Sends and judges. ANSWER: look at api->answer. Else *next says where to go. `broken` is where a failure
 * leads. */
static enum alb_verdict exchange(struct upload *u, const struct alb_client_request *r, enum step broken,
                                 enum step *next)
{
    struct alb_err cause = ALB_ERR_INIT;
    struct alb_client_answer *a = &u->api->answer;
    int64_t pause;
    enum alb_code code = alb_client_do(u->api->conn, r, a, &cause);
    if (u->changed || u->unreadable) {
        *next =
            u->changed ? fail(u, ALB_E_CONFLICT, "it changed while it was uploaded") : fail(u, ALB_E_IO, "");
        return ALB_VERDICT_GIVE_UP;
    }
    if (code == ALB_E_CANCELLED) {
        *next = finish(u, ALB_UPLOAD_STOPPED);
        return ALB_VERDICT_GIVE_UP;
    }
    enum alb_verdict v = alb_patience_judge(&u->patience, code, a, &pause);
    if (v == ALB_VERDICT_ANSWER)
        return v;
    if (v == ALB_VERDICT_GIVE_UP) {
        *next = code == ALB_OK ? refused(u) : fail(u, code, cause.msg);
        return v;
    }
    if (r->body && a->sent == r->body->length && u->request_end == u->item->size)
        u->perhaps_done = true;
    *next = alb_patience_wait(u->api->server->stop->drain_fd, pause) ? broken : finish(u, ALB_UPLOAD_STOPPED);
    return v;
}

static bool offset_header(const struct upload *u, int64_t *offset)
{
    struct alb_str v;
    return alb_client_header(&u->api->answer, "upload-offset", &v) && alb_str_i64(v, offset) &&
           *offset >= 0 && *offset <= u->item->size;
}

/* The server has `offset` bytes now. */
static enum step advance(struct upload *u, int64_t offset)
{
    if (offset > u->offset || u->offset == 0)
        alb_patience_progress(&u->patience);
    u->offset = offset;
    show_offset(u, offset);
    if (offset == u->item->size) {
        u->answered = true;
        u->end = read_result(u);
        return u->pieced ? VERIFY : END;
    }
    if (!u->remembered) {
        alb_journal_begun(u->env->journal, u->item, alb_buf_view(&u->target));
        u->remembered = true;
    }
    return SEND;
}

/* Back to the beginning, with a new upload. */
static enum step start_again(struct upload *u)
{
    int64_t pause;
    if (++u->rounds > ALB_IMPORT_ROUNDS_MAX ||
        alb_patience_again(&u->patience, &pause) == ALB_VERDICT_GIVE_UP)
        return fail(u, ALB_E_CONFLICT, "the server loses this upload again and again");
    if (!alb_patience_wait(u->api->server->stop->drain_fd, pause))
        return finish(u, ALB_UPLOAD_STOPPED);
    alb_buf_reset(&u->target);
    u->offset = 0;
    u->remembered = false;
    u->pieced = false;
    u->answered = false;
    show_offset(u, 0);
    return CREATE;
}

/* --- the steps ---------------------------------------------------------------------------------------------
 */

/* We and the server do not agree on the offset, or another connection of ours still holds the upload. */
static enum step ask_later(struct upload *u)
{
    int64_t pause;
    u->pieced = true;
    if (alb_patience_again(&u->patience, &pause) == ALB_VERDICT_GIVE_UP)
        return refused(u);
    return alb_patience_wait(u->api->server->stop->drain_fd, pause) ? ASK : finish(u, ALB_UPLOAD_STOPPED);
}

/* 460: the bytes that came are not those of the checksum. */
static enum step damaged(struct upload *u)
{
    if (!is_same(u))
        return fail(u, ALB_E_CONFLICT, "it changed while it was uploaded");
    return u->target.n > 0 ? ask_later(u) : start_again(u);
}

static enum step unread(struct upload *u)
{
    if (u->err->code != ALB_OK)
        return finish(u, ALB_UPLOAD_FAILED);
    return fail(u, ALB_E_CONFLICT, "it changed while it was uploaded");
}

/* What a creation with n bytes led to. */
static enum step created(struct upload *u, int64_t n, bool named)
{
    int status = u->api->answer.status;
    int64_t offset = 0;
    if (status == 409 && named)
        return ask_later(u);
    if (status == 460)
        return damaged(u);
    if (status != 201 && status != 200)
        return refused(u);
    if (!offset_header(u, &offset) && n > 0)
        return fail(u, ALB_E_INVALID, "the server takes no bytes with the creation of an upload (tus)");
    if (offset < u->item->size && !named)
        return fail(u, ALB_E_INVALID, "the server does not say where the upload is (tus)");
    return advance(u, offset);
}

static enum step do_create(struct upload *u)
{
    char length[64], sum[SUM_LINE_MAX];
    struct alb_buf line = ALB_BUF_INIT(METADATA_MAX), b = ALB_BUF_INIT(64);
    int64_t n = u->item->size < ALB_IMPORT_INLINE_MAX ? u->item->size : ALB_IMPORT_INLINE_MAX;
    if (!sum_line(u, 0, n, sum))
        return unread(u);
    alb_buf_printf(&b, "Upload-Length: %lld", (long long)u->item->size);
    alb_ignore(!alb_str_to_c(alb_buf_view(&b), length, sizeof(length)), "it fits");
    alb_buf_fini(&b);
    alb_buf_c(&line, "Upload-Metadata: ");
    alb_buf_str(&line, alb_buf_view(&u->metadata));
    const char *const headers[] = {"Tus-Resumable: 1.0.0",
                                   length,
                                   alb_buf_cstr(&line),
                                   "Content-Type: application/offset+octet-stream",
                                   sum,
                                   NULL};
    struct alb_client_body body = {.length = n, .read = read_file, .ctx = u};
    struct alb_client_request r = {
        .method = "POST", .target = ALB_STR("/files/"), .headers = headers, .body = n > 0 ? &body : NULL};
    struct alb_str location;
    enum step next = END;
    u->reading = 0;
    u->request_end = n;
    enum alb_verdict v = exchange(u, &r, CREATE, &next);
    alb_buf_fini(&line);
    /* An answer may name the upload even when it is an error: then what it has is not lost. */
    bool named = alb_client_header(&u->api->answer, "location", &location) &&
                 alb_upload_target(u->api->server->base, location, &u->target);
    if (v != ALB_VERDICT_ANSWER) {
        u->pieced |= named;
        return next == CREATE && named ? ASK : next;
    }
    return created(u, n, named);
}

/* What a PATCH with n bytes led to. */
static enum step sent(struct upload *u, int64_t n)
{
    int status = u->api->answer.status;
    int64_t offset;
    if (status == 404 || status == 410)
        return VERIFY;
    if (status == 409 || status == 423)
        return ask_later(u);
    if (status == 460)
        return damaged(u);
    if (status != 204 && status != 200)
        return refused(u);
    if (!offset_header(u, &offset) || offset < u->offset || (offset == u->offset && n > 0))
        return fail(u, ALB_E_INVALID, "the server takes no bytes and says no reason (tus)");
    return advance(u, offset);
}

/* PATCH with the next piece; with nothing, when all is there. */
static enum step do_send(struct upload *u)
{
    char at[64], sum[SUM_LINE_MAX];
    struct alb_buf b = ALB_BUF_INIT(64);
    struct alb_client_body body = {.length = u->item->size - u->offset, .read = read_file, .ctx = u};
    if (body.length > ALB_IMPORT_PIECE_MAX)
        body.length = ALB_IMPORT_PIECE_MAX;
    if (!sum_line(u, u->offset, body.length, sum))
        return unread(u);
    alb_buf_printf(&b, "Upload-Offset: %lld", (long long)u->offset);
    alb_ignore(!alb_str_to_c(alb_buf_view(&b), at, sizeof(at)), "it fits");
    alb_buf_fini(&b);
    const char *const headers[] = {"Tus-Resumable: 1.0.0", at,
                                   "Content-Type: application/offset+octet-stream", sum, NULL};
    struct alb_client_request r = {.method = "PATCH",
                                   .target = alb_buf_view(&u->target),
                                   .headers = headers,
                                   .body = body.length > 0 ? &body : NULL};
    enum step next = END;
    u->reading = u->offset;
    u->request_end = u->offset + body.length;
    if (exchange(u, &r, ASK, &next) != ALB_VERDICT_ANSWER) {
        u->pieced = true;
        return next;
    }
    return sent(u, body.length);
}

static enum step do_ask(struct upload *u)
{
    static const char *const headers[] = {"Tus-Resumable: 1.0.0", NULL};
    struct alb_client_request r = {.method = "HEAD", .target = alb_buf_view(&u->target), .headers = headers};
    struct alb_str length;
    enum step next = END;
    int64_t offset, whole;
    if (exchange(u, &r, ASK, &next) != ALB_VERDICT_ANSWER)
        return next;
    int status = u->api->answer.status;
    if (status == 401)
        return refused(u);
    if (status != 200 && status != 204)
        return VERIFY; /* gone; perhaps because it is done */
    if (!alb_client_header(&u->api->answer, "upload-length", &length) || !alb_str_i64(length, &whole) ||
        whole != u->item->size || !offset_header(u, &offset))
        return start_again(u); /* an address of something else */
    if (offset > u->offset)
        alb_patience_progress(&u->patience);
    u->offset = offset;
    show_offset(u, offset);
    return offset == u->item->size ? CLOSE : SEND;
}

/* Is what was sent what is there? Asked when no answer of one request says so. */
static enum step do_verify(struct upload *u)
{
    enum alb_has has;
    enum alb_code code = alb_api_check(u->api, &u->item, 1, &has, u->err);
    if (code == ALB_E_CANCELLED)
        return finish(u, ALB_UPLOAD_STOPPED);
    if (code != ALB_OK)
        return finish(u, ALB_UPLOAD_FAILED);
    if (has == ALB_HAS_NOT || has == ALB_HAS_NO_USE)
        return start_again(u);
    if (u->answered)
        return END;
    bool ours = u->perhaps_done || u->offset == u->item->size;
    return finish(u, ours ? ALB_UPLOAD_CREATED : ALB_UPLOAD_DUPLICATE);
}

static void run(struct upload *u, enum step step)
{
    while (step != END) {
        switch (step) {
        case CREATE:
            step = do_create(u);
            break;
        case ASK:
            step = do_ask(u);
            break;
        case CLOSE: /* an empty PATCH asks for the result again */
            u->pieced = true;
            step = do_send(u);
            break;
        case SEND:
            step = do_send(u);
            break;
        case VERIFY:
            step = do_verify(u);
            break;
        case END:
            break;
        }
    }
}

/* --- the whole ---------------------------------------------------------------------------------------------
 */

/* Where an earlier run stopped, if the journal knows. */
static enum step first_step(struct upload *u)
{
    struct alb_str url;
    if (alb_journal_state(u->env->journal, u->item, &url) != ALB_JOURNAL_HALF)
        return CREATE;
    alb_buf_str(&u->target, url);
    if (alb_buf_code(&u->target) != ALB_OK || url.n == 0 || url.p[0] != '/') {
        alb_buf_reset(&u->target);
        return CREATE;
    }
    u->remembered = true;
    u->pieced = true;
    alb_tally_resumed(u->env->tally);
    return ASK;
}

/* Failures with which the upload on the server is over, too. After all others it can go on in another run. */
static bool is_over(enum alb_code code)
{
    return code == ALB_E_UNPROCESSABLE || code == ALB_E_UNSUPPORTED || code == ALB_E_TOO_LARGE ||
           code == ALB_E_CONFLICT;
}

static void remember_end(struct upload *u)
{
    static const char *const words[] = {
        [ALB_UPLOAD_CREATED] = "created",
        [ALB_UPLOAD_DUPLICATE] = "duplicate",
        [ALB_UPLOAD_RESTORED] = "restored",
    };
    struct alb_str asset;
    bool stored =
        u->end == ALB_UPLOAD_CREATED || u->end == ALB_UPLOAD_DUPLICATE || u->end == ALB_UPLOAD_RESTORED;
    if (!alb_client_header(&u->api->answer, "albumen-asset", &asset))
        asset = ALB_STR_NONE;
    if (stored && (u->remembered || u->item->labels != 0))
        alb_journal_done(u->env->journal, u->item, words[u->end], asset);
    else if (u->end == ALB_UPLOAD_FAILED && u->remembered && is_over(u->err->code))
        alb_journal_gone(u->env->journal, u->item);
}

enum alb_upload_end alb_upload(struct alb_api *api, const struct alb_upload_env *env, struct alb_item *item,
                               struct alb_err *err)
{
    struct upload u = {.api = api, .env = env, .item = item, .err = err, .fd = -1, .end = ALB_UPLOAD_FAILED};
    if (item->source->open(item->source, item, &u.fd, err) != ALB_OK)
        return ALB_UPLOAD_FAILED;
    alb_buf_init(&u.target, ALB_IMPORT_URL_MAX + 64);
    alb_buf_init(&u.metadata, METADATA_MAX);
    alb_upload_metadata(item, env->tags, &u.metadata);
    alb_patience_init(&u.patience, &api->server->outage, api->server->clock, api->server->retry_ns);
    if (alb_buf_code(&u.metadata) != ALB_OK)
        alb_ignore(alb_fail(err, ALB_E_TOO_LARGE, "its names are too long"), "the end says it");
    else if (!is_same(&u))
        alb_ignore(alb_fail(err, ALB_E_CONFLICT, "it changed after it was read"), "the end says it");
    else
        run(&u, first_step(&u));
    remember_end(&u);
    show_offset(&u, 0);
    alb_fs_close(&u.fd);
    alb_buf_fini(&u.metadata);
    alb_buf_fini(&u.target);
    return u.end;
}
