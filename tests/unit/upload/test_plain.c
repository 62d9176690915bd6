/* SPDX-License-Identifier: Apache-2.0
 *
 * The plain layout with the keep sink, as `albumen tusd` uses it: names of files, sidecars, ids with slashes,
 * paths of their own, modes, restarts, and that nobody else's files are touched.
 */
#include "world.h"

#include <sys/stat.h>

static void sidecar(void *ctx, const struct alb_upload_view *v, struct alb_buf *out)
{
    (void)ctx;
    alb_buf_printf(out, "%.*s is %lld in %.*s", (int)v->id.n, v->id.p, (long long)v->length, (int)v->path.n,
                   v->path.p);
}

static int plain_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    alb_err_clear(&err);
    kit_dir_new(w->k.path);
    alb_manual_clock_init(&w->clock, 0, 1700000000000);
    alb_upload_limits_default(&w->limits);
    w->limits.min_free = 0;
    w->limits.keep_ms = w->limits.keep_done_ms = 0;
    w->keep = true;
    w->layout = (struct alb_upload_layout){.folder = "files",
                                           .plain = true,
                                           .file_mode = 0640,
                                           .dir_mode = 0750,
                                           .unhashed = true,
                                           .sidecar = sidecar};
    world_open(w, false);
    *state = w;
    return 0;
}

static unsigned mode_of(struct world *w, const char *name)
{
    struct stat st;

    assert_int_equal(fstatat(w->k.fd, name, &st, 0), 0);
    return st.st_mode & 0777;
}

static void check_text(struct world *w, const char *name, const char *want)
{
    char *p;
    size_t n;

    assert_ok(alb_fs_read_file(w->k.fd, name, 1000, &p, &n, &err));
    assert_int_equal(n, strlen(want));
    assert_memory_equal(p, want, n);
    alb_mem_free(p);
}

static void check_bytes(struct world *w, const char *name, size_t n, uint64_t seed)
{
    unsigned char *want = kit_bytes(n, seed);
    char *p;
    size_t got;

    assert_ok(alb_fs_read_file(w->k.fd, name, 10 << 20, &p, &got, &err));
    assert_int_equal(got, n);
    assert_memory_equal(p, want, n);
    alb_mem_free(p);
    alb_mem_free(want);
}

static void end(struct alb_upload_session **s)
{
    struct alb_future *f;

    assert_ok(alb_upload_finish(s, &f, &err));
    assert_int_equal(wait_for(f), ALB_OK);
    alb_future_unref(f);
}

static void files_lie_where_scripts_look(void **state)
{
    struct world *w = *state;
    struct alb_upload_reader *r;
    struct alb_upload_view v;
    unsigned char got[100], want[100];
    size_t n;

    announce(w, "0a1b", 3000000);
    assert_int_equal(kit_file_size(w->k.fd, "files/0a1b"), 0);
    check_text(w, "files/0a1b.info", "0a1b is 3000000 in ");
    assert_int_equal(mode_of(w, "files/0a1b"), 0640);
    assert_int_equal(mode_of(w, "files/0a1b.info"), 0640);
    assert_int_equal(mode_of(w, "files"), 0750);
    struct alb_upload_session *s = take(w, "0a1b", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 2000000, 100000));
    alb_upload_release(&s);
    world_again(w);
    assert_int_equal(offset_of(w, "0a1b"), 2000000);
    s = take(w, "0a1b", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 3000000, 100000));
    end(&s);
    check_bytes(w, "files/0a1b", 3000000, 1);
    assert_true(kit_exists(w->k.fd, "files/0a1b.info"));
    assert_true(kit_exists(w->k.fd, "files/.albumen/0a1b.state"));
    w->clock.wall += 400LL * 24 * 3600 * 1000;
    struct alb_upload_swept swept;
    alb_uploads_sweep(w->u, 10, &swept);
    world_again(w);
    assert_int_equal(state_of(w, "0a1b"), ALB_UPLOAD_FINISHED);
    assert_ok(alb_upload_reader_open(w->u, ALB_STR("0a1b"), OWNER, &r, &v, &err));
    assert_int_equal(v.expires_ms, 0);
    assert_ok(alb_upload_reader_read(r, 1000000, got, sizeof(got), &n, &err));
    assert_int_equal(n, sizeof(got));
    kit_fill(want, sizeof(want), 1000000, 1);
    assert_memory_equal(got, want, n);
    alb_upload_reader_close(&r);
    s = take(w, "0a1b", ALB_UPLOAD_TERMINATE);
    assert_ok(alb_upload_terminate(s, &err));
    alb_upload_release(&s);
    assert_false(kit_exists(w->k.fd, "files/0a1b"));
    assert_false(kit_exists(w->k.fd, "files/0a1b.info"));
    assert_false(kit_exists(w->k.fd, "files/.albumen/0a1b.state"));
}

static void a_length_that_comes_later_is_in_the_sidecar(void **state)
{
    struct world *w = *state;

    announce(w, "a", ALB_UPLOAD_DEFERRED);
    check_text(w, "files/a.info", "a is -1 in ");
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(alb_upload_declare(s, 500, &err));
    assert_ok(feed(s, 1, 500, 100));
    end(&s);
    check_text(w, "files/a.info", "a is 500 in ");
}

static void ids_may_be_paths(void **state)
{
    struct world *w = *state;
    static const char *const bad[] = {"../a", "a/../b", "/a",         "a/",   "a//b",
                                      ".",    "a/./b",  ".albumen/x", "a\\b", "a b"};
    struct alb_upload_session *s;

    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        struct alb_upload_spec spec = {.id = alb_str_c(bad[i]), .owner = OWNER, .length = 1};
        assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_INVALID);
        assert_false(alb_upload_known(w->u, spec.id));
    }
    announce(w, "lake+boats-(1).jpg~", 1000);
}

static void folders_are_made_for_ids_and_paths(void **state)
{
    struct world *w = *state;
    char absolute[4200];

    announce(w, "2026/lake", 1000);
    assert_true(kit_exists(w->k.fd, "files/2026/lake"));
    assert_true(kit_exists(w->k.fd, "files/2026/lake.info"));
    struct alb_upload_spec spec = {
        .id = ALB_STR("b"), .owner = OWNER, .length = 1000, .path = ALB_STR("deep/er/b.bin")};
    struct alb_upload_session *s;
    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_ok(feed(s, 2, 1000, 100));
    end(&s);
    check_bytes(w, "files/deep/er/b.bin", 1000, 2);
    check_text(w, "files/b.info", "b is 1000 in deep/er/b.bin");
    (void)snprintf(absolute, sizeof(absolute), "%s/elsewhere/c.bin", w->k.path);
    spec.id = ALB_STR("c");
    spec.path = alb_str_c(absolute);
    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_ok(feed(s, 3, 500, 100));
    assert_ok(alb_upload_commit(s, &err));
    alb_upload_release(&s);
    world_again(w);
    s = take(w, "c", ALB_UPLOAD_WRITE);
    assert_int_equal(alb_upload_position(s), 500);
    assert_ok(feed(s, 3, 1000, 100));
    end(&s);
    check_bytes(w, "elsewhere/c.bin", 1000, 3);
    s = take(w, "2026/lake", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 4, 1000, 100));
    end(&s);
    check_bytes(w, "files/2026/lake", 1000, 4);
}

static void others_files_are_left_alone(void **state)
{
    struct world *w = *state;
    struct alb_upload_session *s;

    kit_write_file(w->k.fd, "files/notes.data", "mine", 4);
    kit_write_file(w->k.fd, "files/taken", "mine", 4);
    kit_write_file(w->k.fd, "files/.albumen/broken.state", "junk", 4);
    kit_write_file(w->k.fd, "files/broken", "mine", 4);
    world_again(w);
    assert_true(kit_exists(w->k.fd, "files/notes.data"));
    assert_true(kit_exists(w->k.fd, "files/broken")); /* the record went, the bytes stay */
    assert_false(kit_exists(w->k.fd, "files/.albumen/broken.state"));
    struct alb_upload_spec spec = {.id = ALB_STR("taken"), .owner = OWNER, .length = 10};
    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_true(alb_upload_commit(s, NULL) != ALB_OK);
    alb_upload_release(&s);
    check_text(w, "files/taken", "mine");
}

/* Ids and paths that hooks make of what clients say: nothing of an upload takes the place of another's. */
static void names_do_not_collide(void **state)
{
    struct world *w = *state;
    static const char *const bad_ids[] = {"x.info", "a/x.INFO"};
    static const char *const bad_paths[] = {"x.info", "deep/y.Info", ".albumen/x.state", "a/.albumen/b"};
    struct alb_upload_session *s;
    struct alb_upload_spec spec = {.owner = OWNER, .length = 10};

    for (size_t i = 0; i < ALB_ARRAY_LEN(bad_ids); i++) {
        spec.id = alb_str_c(bad_ids[i]);
        assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_INVALID);
    }
    spec.id = ALB_STR("p");
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad_paths); i++) {
        spec.path = alb_str_c(bad_paths[i]);
        assert_code(alb_upload_create(w->u, &spec, &s, &err), ALB_E_INVALID);
    }
    kit_write_file(w->k.fd, "files/note.info", "mine", 4);
    spec = (struct alb_upload_spec){.id = ALB_STR("note"), .owner = OWNER, .length = 10};
    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_code(alb_upload_commit(s, &err), ALB_E_CONFLICT);
    alb_upload_release(&s);
    check_text(w, "files/note.info", "mine");
    assert_false(kit_exists(w->k.fd, "files/note"));
    assert_false(kit_exists(w->k.fd, "files/.albumen/note.fresh"));

    announce(w, "first", 10);
    spec = (struct alb_upload_spec){
        .id = ALB_STR("2nd"), .owner = OWNER, .length = 10, .path = ALB_STR("first")};
    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_code(alb_upload_commit(s, &err), ALB_E_CONFLICT);
    alb_upload_release(&s);
    assert_true(kit_exists(w->k.fd, "files/first"));
    assert_true(kit_exists(w->k.fd, "files/first.info"));
    assert_false(kit_exists(w->k.fd, "files/2nd.info"));
}

static void what_a_full_disk_left_is_removed(void **state)
{
    struct world *w = *state;

    kit_write_file(w->k.fd, "files/.albumen/lost.fresh", "{", 1);
    world_again(w);
    assert_false(kit_exists(w->k.fd, "files/.albumen/lost.fresh"));
}

static enum alb_upload_kind adopt_kind;

/* A sidecar of "<id> <length> <path>". */
static bool adopt(void *ctx, struct alb_str text, struct alb_arena *arena, struct alb_upload_spec *spec)
{
    struct alb_str id = text, length = ALB_STR_NONE;
    uint64_t n;

    (void)ctx;
    (void)arena;
    if (!alb_str_next(&text, ' ', &id) || !alb_str_next(&text, ' ', &length) || !alb_str_u64(length, &n))
        return false;
    *spec = (struct alb_upload_spec){
        .id = id, .owner = OWNER, .length = (int64_t)n, .kind = adopt_kind, .path = text};
    return true;
}

static void forged_sidecars_lead_nowhere(void **state)
{
    struct world *w = *state;
    char text[4200];

    kit_write_file(w->k.fd, "secret", "0123456789", 10);
    announce(w, "theirs", 10);
    kit_write_file(w->k.fd, "files/good", "01234", 5);
    kit_write_file(w->k.fd, "files/good.info", "good 10 ", 8);
    (void)snprintf(text, sizeof(text), "absolute 10 %s/secret", w->k.path);
    kit_write_file(w->k.fd, "files/absolute.info", text, strlen(text));
    kit_write_file(w->k.fd, "files/up.info", "up 10 ../secret", 15);
    kit_write_file(w->k.fd, "files/twice.info", "twice 10 theirs", 15);
    kit_write_file(w->k.fd, "files/state.info", "state 10 .albumen/theirs.state", 30);
    kit_write_file(w->k.fd, "files/link.info", "link 10 ", 8);
    assert_int_equal(symlinkat("../secret", w->k.fd, "files/link"), 0);
    kit_write_file(w->k.fd, "files/hard.info", "hard 10 ", 8);
    assert_int_equal(linkat(w->k.fd, "secret", w->k.fd, "files/hard", 0), 0);
    w->layout.adopt = adopt;
    world_again(w);
    assert_int_equal(offset_of(w, "good"), 5);
    assert_int_equal(alb_uploads_look(w->u).known, 2);
    check_text(w, "secret", "0123456789");
    check_text(w, "files/absolute.info", text); /* left as they were */
    assert_true(kit_exists(w->k.fd, "files/theirs"));
}

/* `size` bytes of `seed` under `name`, and a sidecar that says `length`. */
static void found(struct world *w, const char *id, size_t size, int64_t length, uint64_t seed)
{
    unsigned char *bytes = kit_bytes(size, seed);
    char name[100], text[100];

    (void)snprintf(name, sizeof(name), "files/%s", id);
    kit_write_file(w->k.fd, name, bytes, size);
    (void)snprintf(name, sizeof(name), "files/%s.info", id);
    (void)snprintf(text, sizeof(text), "%s %lld ", id, (long long)length);
    kit_write_file(w->k.fd, name, text, strlen(text));
    alb_mem_free(bytes);
}

/* What is there takes no room: on a full disk, over every limit, it is taken up as after a restart. */
static void what_is_found_asks_for_no_room(void **state)
{
    struct world *w = *state;

    found(w, "a", 5000, 10000, 1);
    found(w, "b", 5000, 10000, 2);
    found(w, "c", 5000, 5000, 3);
    w->layout.adopt = adopt;
    w->limits.min_free = INT64_MAX / 2;
    w->limits.max_total = w->limits.max_bytes = w->limits.max_owner_bytes = 4000;
    w->limits.max_count = w->limits.max_per_owner = 1;
    world_again(w);
    assert_int_equal(offset_of(w, "a"), 5000);
    assert_int_equal(offset_of(w, "b"), 5000);
    assert_int_equal(state_of(w, "c"), ALB_UPLOAD_FINISHED);
    assert_int_equal(alb_uploads_look(w->u).stored_bytes, 10000);
    w->limits.max_total = w->limits.max_owner_bytes = 100000;
    world_again(w);
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 10000, 1000));
    end(&s);
    check_bytes(w, "files/a", 10000, 1);
}

/* Bytes that this process has asked the kernel for so far. */
static int64_t bytes_read(void)
{
    long long n = -1;
    FILE *f = fopen("/proc/self/io", "r");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "rchar: %lld", &n), 1);
    (void)fclose(f);
    return n;
}

/* Nobody waits for hundreds of gigabytes to be read: not the start, not a HEAD, not a PATCH. */
static void what_is_found_is_not_read(void **state)
{
    struct world *w = *state;
    const int64_t size = (int64_t)300 << 20;
    int fd;

    found(w, "big", 0, size + 10, 0);
    assert_ok(alb_fs_open(w->k.fd, "files/big", O_RDWR, 0, &fd, &err));
    assert_ok(alb_fs_truncate(fd, size, &err));
    alb_fs_close(&fd);
    w->layout.adopt = adopt;
    int64_t before = bytes_read();
    world_again(w);
    assert_int_equal(offset_of(w, "big"), size);
    struct alb_upload_session *s = take(w, "big", ALB_UPLOAD_WRITE);
    assert_int_equal(alb_upload_position(s), size);
    assert_ok(feed(s, 1, size + 5, 5));
    alb_upload_release(&s);
    world_again(w);
    s = take(w, "big", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, size + 10, 5));
    end(&s);
    assert_true(bytes_read() - before < (int64_t)8 << 20);
    assert_int_equal(kit_file_size(w->k.fd, "files/big"), size + 10);
}

/* Parts that another program began: they go on here, and become a whole. */
static void found_parts_become_a_whole(void **state)
{
    struct world *w = *state;
    const int64_t part = (3 << 20) + 12345;
    struct alb_future *f;

    adopt_kind = ALB_UPLOAD_PARTIAL;
    found(w, "p1", (size_t)part, part, 1);
    found(w, "p2", 1500000, part, 2);
    w->layout.adopt = adopt;
    world_again(w);
    struct alb_upload_session *s = take(w, "p2", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 2, 2500000, 100000)); /* over the end of a block */
    alb_upload_release(&s);
    world_again(w);
    s = take(w, "p2", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 2, part, 100000));
    end(&s);
    assert_int_equal(state_of(w, "p1"), ALB_UPLOAD_COMPLETE);
    struct alb_upload_spec spec = {.id = ALB_STR("all"),
                                   .owner = OWNER,
                                   .length = ALB_UPLOAD_DEFERRED,
                                   .kind = ALB_UPLOAD_FINAL,
                                   .parts = ALB_STR("p1 p2")};
    assert_ok(alb_upload_create(w->u, &spec, &s, &err));
    assert_ok(alb_upload_assemble(&s, &f, &err));
    assert_int_equal(wait_for(f), ALB_OK);
    alb_future_unref(f);
    unsigned char *want = alb_mem_alloc_nofail(2 * (size_t)part);
    char *got;
    size_t n;
    kit_fill(want, (size_t)part, 0, 1);
    kit_fill(want + part, (size_t)part, 0, 2);
    assert_ok(alb_fs_read_file(w->k.fd, "files/all", 10 << 20, &got, &n, &err));
    assert_int_equal(n, 2 * part);
    assert_memory_equal(got, want, n);
    alb_mem_free(got);
    alb_mem_free(want);
    adopt_kind = ALB_UPLOAD_NORMAL;
}

/* Ids with slashes are folders; what is no plain file is not looked into. */
static void folders_are_looked_into(void **state)
{
    struct world *w = *state;
    char deep[200] = "files";

    assert_int_equal(mkdirat(w->k.fd, "files/2026", 0755), 0);
    assert_int_equal(mkdirat(w->k.fd, "files/2026/lake", 0755), 0);
    found(w, "2026/lake/a", 5000, 10000, 1);
    found(w, "2026/b", 10000, 10000, 2);
    found(w, "c", 5, 10, 3);
    assert_int_equal(mkdirat(w->k.fd, "files/folder.info", 0755), 0);
    assert_int_equal(mkfifoat(w->k.fd, "files/pipe.info", 0644), 0);
    assert_int_equal(symlinkat("2026", w->k.fd, "files/again"), 0);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep), "/d");
        assert_int_equal(mkdirat(w->k.fd, deep, 0755), 0);
    }
    w->layout.adopt = adopt;
    world_again(w);
    assert_int_equal(alb_uploads_look(w->u).known, 3);
    assert_int_equal(offset_of(w, "2026/lake/a"), 5000);
    assert_int_equal(state_of(w, "2026/b"), ALB_UPLOAD_FINISHED);
    struct alb_upload_session *s = take(w, "2026/lake/a", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 10000, 1000));
    end(&s);
    check_bytes(w, "files/2026/lake/a", 10000, 1);
    world_again(w);
    assert_int_equal(alb_uploads_look(w->u).known, 3);
}

/* Two names for the bytes of one upload, in whatever order a folder lists them. */
static void found_bytes_are_one_uploads(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 8; i++) {
        char id[20], name[40], text[60];
        (void)snprintf(id, sizeof(id), "mine%d", i);
        found(w, id, 5, 10, 1);
        (void)snprintf(name, sizeof(name), "files/forged%d.info", i);
        (void)snprintf(text, sizeof(text), "forged%d 10 %smine%d", i, i % 2 == 0 ? "" : "./", i);
        kit_write_file(w->k.fd, name, text, strlen(text));
    }
    w->layout.adopt = adopt;
    world_again(w);
    assert_int_equal(alb_uploads_look(w->u).known, 8);
    assert_int_equal(offset_of(w, "mine3"), 5);
}

/* What a request for it gets. */
static enum alb_code load_code(struct world *w, const char *id, enum alb_upload_intent intent)
{
    struct alb_future *f;
    struct alb_upload_session *s;
    enum alb_code code = alb_upload_acquire(w->u, alb_str_c(id), OWNER, intent, &s, &f, NULL);

    if (code != ALB_OK)
        return code;
    assert_null(f);
    code = alb_upload_load(s, NULL);
    alb_upload_release(&s);
    return code;
}

static void remove_file(struct world *w, const char *name)
{
    assert_int_equal(unlinkat(w->k.fd, name, 0), 0);
}

/* The files are their owner's: a script moves finished ones away, a job removes old ones. */
static void files_may_be_taken_away(void **state)
{
    struct world *w = *state;
    const enum alb_upload_intent intents[] = {ALB_UPLOAD_LOOK, ALB_UPLOAD_WRITE, ALB_UPLOAD_TERMINATE};

    for (int finished = 0; finished < 2; finished++) {
        announce(w, "a", 1000);
        struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
        assert_ok(feed(s, 1, finished != 0 ? 1000 : 500, 100));
        if (finished != 0)
            end(&s);
        alb_upload_release(&s);
        assert_int_equal(renameat(w->k.fd, "files/a", w->k.fd, "elsewhere"), 0);
        for (size_t i = 0; i < ALB_ARRAY_LEN(intents); i++)
            assert_int_equal(load_code(w, "a", intents[i]), ALB_E_GONE);
        world_again(w);
        assert_int_equal(load_code(w, "a", ALB_UPLOAD_LOOK), ALB_E_GONE);
        assert_int_equal(renameat(w->k.fd, "elsewhere", w->k.fd, "files/a"), 0); /* another disk is back */
        assert_int_equal(offset_of(w, "a"), finished != 0 ? 1000 : 500);

        remove_file(w, "files/a");
        remove_file(w, "files/a.info");
        assert_int_equal(load_code(w, "a", ALB_UPLOAD_LOOK), ALB_E_GONE);
        assert_int_equal(load_code(w, "a", ALB_UPLOAD_LOOK), ALB_E_NOT_FOUND); /* nothing is left of it */
        assert_false(kit_exists(w->k.fd, "files/.albumen/a.state"));
        assert_int_equal(alb_uploads_look(w->u).known, 0);
        assert_int_equal(alb_uploads_look(w->u).unfinished, 0);
    }
    announce(w, "b", 1000); /* and at a start */
    remove_file(w, "files/b");
    remove_file(w, "files/b.info");
    world_again(w);
    assert_int_equal(alb_uploads_look(w->u).known, 0);
    assert_false(kit_exists(w->k.fd, "files/.albumen/b.state"));
}

/* No offset is told that is not there. */
static void files_may_be_cut(void **state)
{
    struct world *w = *state;
    int fd;

    announce(w, "a", 1000);
    struct alb_upload_session *s = take(w, "a", ALB_UPLOAD_WRITE);
    assert_ok(feed(s, 1, 1000, 100));
    end(&s);
    assert_ok(alb_fs_open(w->k.fd, "files/a", O_RDWR, 0, &fd, &err));
    assert_ok(alb_fs_truncate(fd, 400, &err));
    alb_fs_close(&fd);
    assert_int_equal(load_code(w, "a", ALB_UPLOAD_LOOK), ALB_E_CORRUPT);
    assert_int_equal(load_code(w, "a", ALB_UPLOAD_LOOK), ALB_E_NOT_FOUND);
    assert_int_equal(kit_file_size(w->k.fd, "files/a"), 400);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, plain_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(files_lie_where_scripts_look),
        T(a_length_that_comes_later_is_in_the_sidecar),
        T(ids_may_be_paths),
        T(folders_are_made_for_ids_and_paths),
        T(others_files_are_left_alone),
        T(names_do_not_collide),
        T(what_a_full_disk_left_is_removed),
        T(forged_sidecars_lead_nowhere),
        T(what_is_found_asks_for_no_room),
        T(what_is_found_is_not_read),
        T(found_parts_become_a_whole),
        T(found_bytes_are_one_uploads),
        T(folders_are_looked_into),
        T(files_may_be_taken_away),
        T(files_may_be_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
