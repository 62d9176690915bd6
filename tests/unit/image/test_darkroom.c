/* SPDX-License-Identifier: Apache-2.0
 *
 * The darkroom with its real program and real processes: what comes out, what is refused, what happens when
 * workers die, and that nothing is left behind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "test.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/stat_priv.h"
#include "image/darkroom.h"
#include "image/protocol.h"
#include "sample.h"

static struct alb_darkroom_config config;
static struct alb_darkroom *dr;

static int64_t now(void)
{
    return alb_mono(alb_clock_real());
}

/* A few milliseconds for what the kernel does by itself; every wait on it is a loop with a deadline. */
static void breathe(void)
{
    struct timespec t = {0, 2000000};
    nanosleep(&t, NULL);
}

static int file_of(struct alb_str s)
{
    int fd = memfd_create("source", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, s.p, s.n), s.n);
    return fd;
}

static enum alb_code probe_bytes(struct alb_str s, enum alb_type type, struct alb_probe **out)
{
    int fd = file_of(s);
    struct alb_darkroom_job job = {.work = ALB_WORK_PROBE,
                                   .source_fd = fd,
                                   .source_bytes = (int64_t)s.n,
                                   .type = type,
                                   .deadline = ALB_NEVER};
    enum alb_code code = alb_darkroom_run(dr, &job, NULL);
    close(fd);
    *out = job.probe;
    return code;
}

/* Probes and renders to 64 pixels; the code of what failed first. */
static enum alb_code render_with(struct alb_str s, enum alb_format format, int64_t deadline,
                                 struct alb_darkroom_job *job)
{
    struct alb_probe *p;
    struct alb_plan plan;
    struct alb_plan_options o;
    struct alb_err err = ALB_ERR_INIT;
    memset(job, 0, sizeof(*job));
    enum alb_code code = probe_bytes(s, alb_sniff(s.p, s.n), &p);
    if (code != ALB_OK)
        return code;
    alb_plan_options_init(&o);
    o.width = o.height = 64;
    o.format = format;
    code = alb_plan_make(&p->header, &o, &config.limits, &plan, &err);
    alb_probe_free(&p);
    if (code != ALB_OK)
        return code;
    int fd = file_of(s);
    *job = (struct alb_darkroom_job){.work = ALB_WORK_RENDER,
                                     .source_fd = fd,
                                     .source_bytes = (int64_t)s.n,
                                     .plan = &plan,
                                     .deadline = deadline};
    code = alb_darkroom_run(dr, job, &err);
    close(fd);
    return code;
}

static void works(void)
{
    struct alb_str s = sample(300, 200, ".jpg");
    struct alb_darkroom_job job;
    char corners[5];
    if (render_with(s, ALB_FORMAT_PNG, ALB_NEVER, &job) != ALB_OK)
        fail_msg("%s", job.err.msg);
    sample_corners(alb_bytes_view(job.result), corners);
    assert_string_equal(corners, "rgbw");
    alb_bytes_unref(job.result);
    g_free((void *)(uintptr_t)s.p);
}

static unsigned count_fds(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Processes whose parent is `parent`. */
static unsigned count_children(pid_t parent)
{
    unsigned n = 0;
    DIR *d = opendir("/proc");
    struct dirent *e;
    assert_non_null(d);
    while ((e = readdir(d))) {
        char path[300], text[512], *p;
        int ppid = 0;
        char state = 0;
        snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
        int fd = e->d_name[0] >= '1' && e->d_name[0] <= '9' ? open(path, O_RDONLY) : -1;
        if (fd < 0)
            continue;
        ssize_t got = read(fd, text, sizeof(text) - 1);
        close(fd);
        text[got > 0 ? got : 0] = 0;
        p = strrchr(text, ')');
        if (p && sscanf(p + 1, " %c %d", &state, &ppid) == 2 && ppid == parent && state != 'Z')
            n++;
    }
    closedir(d);
    return n;
}

/* Until every worker of the lanes in use is idle again (replacements are up). */
static void settle(void)
{
    int64_t by = now() + 10 * ALB_NS_PER_S;
    for (;;) {
        struct alb_darkroom_view v = alb_darkroom_look(dr);
        unsigned idle = 0, wanted = config.render_workers + config.probe_workers;
        for (unsigned i = 0; i < ALB_LANE_COUNT; i++)
            idle += v.lane[i].idle;
        bool busy = false;
        for (unsigned i = 0; i < ALB_LANE_COUNT; i++)
            busy = busy || v.lane[i].busy || v.lane[i].queued || v.lane[i].workers != v.lane[i].idle;
        if (!busy && idle >= wanted)
            return;
        if (now() > by)
            fail_msg("the darkroom does not settle");
        breathe();
    }
}

/* ---- what works ---- */

static void test_formats(void **state)
{
    static const char *const kinds[] = {".jpg", ".png", ".webp", ".gif", ".tif",
                                        ".jxl", ".jp2", ".avif", ".heic"};
    VipsImage *image = sample_image(300, 200);
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
        void *p = NULL;
        size_t n = 0;
        struct alb_str s;
        if (i < 7)
            s = sample_encode(image, kinds[i]);
        else {
            assert_int_equal(vips_heifsave_buffer(image, &p, &n, "effort", 0, "compression",
                                                  i == 7 ? VIPS_FOREIGN_HEIF_COMPRESSION_AV1
                                                         : VIPS_FOREIGN_HEIF_COMPRESSION_HEVC,
                                                  NULL),
                             0);
            s = (struct alb_str){p, n};
        }
        for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
            struct alb_darkroom_job job;
            char corners[5];
            if (render_with(s, (enum alb_format)f, ALB_NEVER, &job) != ALB_OK)
                fail_msg("%s to %s: %s", kinds[i], alb_format_name((enum alb_format)f), job.err.msg);
            sample_corners(alb_bytes_view(job.result), corners);
            assert_string_equal(corners, "rgbw");
            alb_bytes_unref(job.result);
        }
        g_free((void *)(uintptr_t)s.p);
    }
    g_object_unref(image);
}

static void test_fonts(void **state)
{
    static const char svg[] = "<svg xmlns='http://www.w3.org/2000/svg' width='200' height='60'><rect "
                              "width='200' height='60' fill='white'/>"
                              "<text x='10' y='40' font-size='30'>albumen</text></svg>";
    static const char pdf[] =
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count "
        "1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 60]/Contents 4 0 R/Resources<</Font<</F1 5 0 "
        "R>>>>>>endobj\n"
        "4 0 obj<</Length 44>>stream\nBT /F1 30 Tf 10 20 Td (Hello albumen) Tj ET\nendstream endobj\n"
        "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n";
    struct alb_str texts[2] = {{svg, sizeof(svg) - 1}, {pdf, sizeof(pdf) - 1}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct alb_darkroom_job job;
        double least = 255;
        if (render_with(texts[i], ALB_FORMAT_PNG, ALB_NEVER, &job) != ALB_OK)
            fail_msg("%s", job.err.msg);
        VipsImage *image = vips_image_new_from_buffer(job.result->p, job.result->n, "", NULL), *flat = NULL;
        VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
        assert_int_equal(vips_flatten(image, &flat, "background", white, NULL), 0);
        vips_area_unref(VIPS_AREA(white));
        assert_int_equal(vips_min(flat, &least, NULL), 0);
        if (least > 150)
            fail_msg("text %zu was drawn without ink", i);
        g_object_unref(flat);
        g_object_unref(image);
        alb_bytes_unref(job.result);
    }
    int64_t by = now() + 5 * ALB_NS_PER_S;
    while (!alb_darkroom_look(dr).fonts_ok && now() < by)
        breathe();
    assert_true(alb_darkroom_look(dr).fonts_ok);
}

static void test_probe(void **state)
{
    struct alb_str s = sample(301, 200, ".png");
    struct alb_probe *p;
    (void)state;
    assert_int_equal(probe_bytes(s, ALB_TYPE_PNG, &p), ALB_OK);
    assert_true(p->header.width == 301 && p->header.height == 200 && p->header.bytes == (int64_t)s.n);
    assert_true(p->thumbhash_len > 0 && !p->damaged);
    alb_probe_free(&p);
    static const char xmp[] = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
                              "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
                              "<rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' "
                              "xmp:Rating='4'/></rdf:RDF></x:xmpmeta>";
    int fd = file_of((struct alb_str){xmp, sizeof(xmp) - 1});
    struct alb_darkroom_job job = {
        .work = ALB_WORK_SIDECAR, .source_fd = fd, .source_bytes = sizeof(xmp) - 1, .deadline = ALB_NEVER};
    assert_int_equal(alb_darkroom_run(dr, &job, NULL), ALB_OK);
    assert_int_equal(job.probe->type, ALB_TYPE_XMP);
    assert_int_equal(job.probe->meta.rating, 4);
    alb_probe_free(&job.probe);
    close(fd);
    g_free((void *)(uintptr_t)s.p);
}

/* ---- what is refused ---- */

static void test_misuse(void **state)
{
    struct alb_darkroom_job job = {.work = ALB_WORK_PROBE, .source_fd = -1, .deadline = ALB_NEVER};
    struct alb_plan plan;
    uint64_t ticket;
    (void)state;
    memset(&plan, 0, sizeof(plan));
    assert_int_equal(alb_darkroom_submit(dr, &job, &ticket, NULL), ALB_E_INVALID);
    job.source_fd = 0;
    assert_int_equal(alb_darkroom_submit(dr, &job, &ticket, NULL), ALB_E_INVALID); /* type unknown */
    job = (struct alb_darkroom_job){
        .work = ALB_WORK_RENDER, .source_fd = 0, .plan = &plan, .deadline = ALB_NEVER};
    assert_int_equal(alb_darkroom_submit(dr, &job, &ticket, NULL), ALB_E_INVALID);
    assert_int_equal(ticket, 0);
    alb_darkroom_cancel(dr, 12345678); /* nobody's */
}

static void test_damage(void **state)
{
    struct alb_str s = sample(300, 200, ".jpg"), half = {s.p, s.n * 3 / 4};
    struct alb_darkroom_job job;
    struct alb_probe *p;
    (void)state;
    assert_int_equal(probe_bytes(half, ALB_TYPE_JPEG, &p), ALB_OK);
    assert_true(p->damaged && p->type == ALB_TYPE_JPEG);
    alb_probe_free(&p);
    assert_int_equal(render_with(half, ALB_FORMAT_JPEG, ALB_NEVER, &job), ALB_E_UNPROCESSABLE);
    assert_int_equal(probe_bytes((struct alb_str){"", 0}, ALB_TYPE_JPEG, &p), ALB_E_UNPROCESSABLE);
    assert_int_equal(probe_bytes(ALB_STR("text that says it is a picture"), ALB_TYPE_JPEG, &p), ALB_OK);
    assert_true(p->damaged);
    alb_probe_free(&p);
    works();
    g_free((void *)(uintptr_t)s.p);
}

/* 30 000 x 30 000 in 110 kB: told from the header, nothing is decoded. */
static void test_bomb(void **state)
{
    VipsImage *black = NULL, *one = NULL;
    struct alb_probe *p;
    struct alb_plan plan;
    struct alb_plan_options o;
    void *png = NULL;
    size_t n = 0;
    (void)state;
    assert_int_equal(vips_black(&black, 30000, 30000, NULL), 0);
    assert_int_equal(vips_copy(black, &one, "interpretation", VIPS_INTERPRETATION_B_W, NULL), 0);
    assert_int_equal(vips_pngsave_buffer(one, &png, &n, "bitdepth", 1, "compression", 1, NULL), 0);
    int64_t before = now();
    assert_int_equal(probe_bytes((struct alb_str){png, n}, ALB_TYPE_PNG, &p), ALB_OK);
    assert_true(p->not_looked && !p->damaged && p->header.width == 30000);
    alb_plan_options_init(&o);
    o.width = 64;
    assert_int_equal(alb_plan_make(&p->header, &o, &config.limits, &plan, NULL), ALB_E_TOO_LARGE);
    assert_true(now() - before < 2 * ALB_NS_PER_S);
    alb_probe_free(&p);
    g_free(png);
    g_object_unref(one);
    g_object_unref(black);
}

/* A file that only a follower of its references would find: its name and contents must have no effect. The
 * canary is a picture; if the worker could open it, the result would be red. */
static void test_svg_opens_nothing(void **state)
{
    static const char *const bodies[] = {
        "<image xlink:href='file://%s' width='64' height='64'/>",
        "<image xlink:href='%s' width='64' height='64'/>",
        "<style>@import url('file://%s');</style><image href='file://%s' width='64' height='64'/>",
        "<image xlink:href='http://127.0.0.1:1/x.png' width='64' height='64'/><!-- %s -->",
        "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file://%s' parse='text'/>",
        "<use xlink:href='file://%s#x'/>",
    };
    char canary[] = "/tmp/albumen-canary-XXXXXX";
    (void)state;
    struct alb_str png = sample(64, 64, ".png");
    int fd = mkstemp(canary);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, png.p, png.n), png.n);
    assert_int_equal(fchmod(fd, 0644), 0);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bodies); i++) {
        struct alb_buf b = ALB_BUF_INIT(4096);
        struct alb_darkroom_job job;
        char body[600];
        int at = 0;
        for (const char *c = bodies[i]; *c; c++) { /* %s, as often as it stands there */
            if (c[0] == '%' && c[1] == 's') {
                at += snprintf(body + at, sizeof(body) - (size_t)at, "%s", canary);
                c++;
            } else {
                body[at++] = *c;
            }
        }
        body[at] = 0;
        alb_buf_printf(&b,
                       "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' "
                       "width='64' height='64'>%s</svg>",
                       body);
        enum alb_code code = render_with(alb_buf_view(&b), ALB_FORMAT_PNG, ALB_NEVER, &job);
        if (code == ALB_OK) {
            VipsImage *image = vips_image_new_from_buffer(job.result->p, job.result->n, "", NULL);
            double ink = 1;
            assert_int_equal(vips_avg(image, &ink, NULL), 0);
            if (ink > 0)
                fail_msg("case %zu drew something", i);
            g_object_unref(image);
            alb_bytes_unref(job.result);
        } else {
            assert_int_equal(code, ALB_E_UNPROCESSABLE);
        }
        alb_buf_fini(&b);
    }
    unlink(canary);
    close(fd);
    g_free((void *)(uintptr_t)png.p);
}

/* What a library has to say in a worker is said to nobody, and is no reason to end the worker: GLib would
 * look at its stderr first, which is not in the list of calls. */
static void test_warnings_are_harmless(void **state)
{
    static const char odd[] =
        "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n"
        "2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n"
        "3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 100000000 100000000] >> endobj\n"
        "trailer << /Root 1 0 R >>\n%%EOF\n";
    struct alb_probe *p = NULL;
    int64_t before = alb_stat_get(ALB_STAT_DARKROOM_SIGSYS);
    (void)state;
    assert_int_equal(probe_bytes((struct alb_str){odd, sizeof(odd) - 1}, ALB_TYPE_PDF, &p), ALB_OK);
    alb_probe_free(&p);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_SIGSYS), before);
}

static void test_svg_bombs(void **state)
{
    static const char entities[] =
        "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
        "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"
        "<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'><!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>"
        "<!ENTITY g '&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;'><!ENTITY h '&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;'>]>"
        "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'><text>&h;</text></svg>";
    static const char xxe[] =
        "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg xmlns='http://www.w3.org/2000/svg' "
        "width='200' height='60'><text x='10' y='40'>&x;</text></svg>";
    struct alb_str texts[2] = {{entities, sizeof(entities) - 1}, {xxe, sizeof(xxe) - 1}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct alb_darkroom_job job;
        int64_t before = now();
        enum alb_code code = render_with(texts[i], ALB_FORMAT_PNG, ALB_NEVER, &job);
        if (code == ALB_OK) { /* fine if nothing of it is seen */
            VipsImage *image = vips_image_new_from_buffer(job.result->p, job.result->n, "", NULL);
            double ink = 1;
            assert_int_equal(vips_avg(image, &ink, NULL), 0);
            assert_true(ink <= 0);
            g_object_unref(image);
            alb_bytes_unref(job.result);
        }
        assert_true(now() - before < 10 * ALB_NS_PER_S);
    }
    works();
}

/* ---- when workers die ---- */

struct slow {
    struct alb_darkroom_job job;
    struct alb_plan plan;
    atomic_int done;
};
static struct alb_str slow_source; /* made once */
static int slow_fd = -1;

static void slow_done(struct alb_darkroom_job *job)
{
    struct slow *s = ALB_CONTAINER_OF(job, struct slow, job);
    atomic_store(&s->done, 1);
}

/* A job that keeps a worker busy for seconds: a large JPEG XL. */
static void slow_start(struct slow *s, int64_t deadline, uint64_t *ticket)
{
    struct alb_image_header h = {
        .type = ALB_TYPE_PNG, .width = 3000, .height = 3000, .orientation = 1, .pages = 1, .bits = 8};
    struct alb_plan_options o;
    struct alb_err err = ALB_ERR_INIT;
    memset(s, 0, sizeof(*s));
    h.bytes = (int64_t)slow_source.n;
    alb_plan_options_init(&o);
    o.format = ALB_FORMAT_JXL;
    assert_int_equal(alb_plan_make(&h, &o, &config.limits, &s->plan, NULL), ALB_OK);
    s->job = (struct alb_darkroom_job){.work = ALB_WORK_RENDER,
                                       .source_fd = slow_fd,
                                       .source_bytes = h.bytes,
                                       .plan = &s->plan,
                                       .deadline = deadline,
                                       .done = slow_done};
    if (alb_darkroom_submit(dr, &s->job, ticket, &err) != ALB_OK)
        fail_msg("%s", err.msg);
}

static void await(const char *what, bool (*is)(void *arg), void *arg)
{
    int64_t by = now() + 20 * ALB_NS_PER_S;
    while (!is(arg)) {
        if (now() > by)
            fail_msg("%s does not happen", what);
        breathe();
    }
}

static bool is_done(void *arg)
{
    return atomic_load(&((struct slow *)arg)->done) != 0;
}

static bool is_running(void *arg)
{
    (void)arg;
    /* long enough that the worker has surely taken it up: a job that was not even begun is given to another
     * one */
    return alb_darkroom_look(dr).lane[ALB_LANE_RENDER].longest_run_ns > 250 * ALB_NS_PER_MS;
}

static void slow_end(struct slow *s)
{
    await("the end of a job", is_done, s);
    alb_bytes_unref(s->job.result);
}

/* A crash is the picture's fault; a SIGKILL that is not ours is the kernel's, for want of memory. */
static void test_killed_worker(void **state)
{
    static const struct {
        int sig;
        enum alb_code code;
        enum alb_stat counter;
    } deaths[] = {{SIGBUS, ALB_E_UNPROCESSABLE, ALB_STAT_DARKROOM_CRASH},
                  {SIGKILL, ALB_E_TOO_LARGE, ALB_STAT_DARKROOM_OOM},
                  {SIGSYS, ALB_E_UNPROCESSABLE, ALB_STAT_DARKROOM_SIGSYS},
                  {SIGXCPU, ALB_E_TIMEOUT, ALB_STAT_DARKROOM_CPU}};
    (void)state;
    for (size_t k = 0; k < ALB_ARRAY_LEN(deaths); k++) {
        struct slow s;
        uint64_t ticket;
        settle();
        int64_t before = alb_stat_get(deaths[k].counter);
        slow_start(&s, ALB_NEVER, &ticket);
        await("a running job", is_running, NULL);
        struct alb_darkroom_view v = alb_darkroom_look(dr);
        for (size_t i = 0; i < 64 && v.worker_pids[i]; i++) /* all of them: one has the job */
            assert_int_equal(kill(v.worker_pids[i], deaths[k].sig), 0);
        slow_end(&s);
        if (!ALB_SANITIZED || deaths[k].sig == SIGKILL) { /* a sanitizer makes its own end of some signals */
            assert_int_equal(s.job.code, deaths[k].code);
            assert_int_equal(alb_stat_get(deaths[k].counter), before + 1);
        }
        works();
    }
}

/* A worker that dies between two jobs costs none. */
static void test_killed_idle_worker(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        settle();
        struct alb_darkroom_view v = alb_darkroom_look(dr);
        for (size_t k = 0; k < 64 && v.worker_pids[k]; k++)
            if (k == 0 || i % 2)
                assert_int_equal(kill(v.worker_pids[k], SIGKILL), 0);
        works();
    }
}

/* The server is at its limit of open files: the job is told so, and its worker is none the worse for it. */
static void test_no_descriptors(void **state)
{
    struct alb_str s = sample(30, 20, ".jpg");
    int fd = file_of(s);
    struct rlimit old, none;
    struct alb_darkroom_job job = {.work = ALB_WORK_PROBE,
                                   .source_fd = fd,
                                   .source_bytes = (int64_t)s.n,
                                   .type = ALB_TYPE_JPEG,
                                   .deadline = ALB_NEVER};
    (void)state;
    settle();
    struct alb_darkroom_view before = alb_darkroom_look(dr);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum alb_code code = alb_darkroom_run(dr, &job, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(code, ALB_E_IO);
    close(fd);
    g_free((void *)(uintptr_t)s.p);
    works();
    struct alb_darkroom_view after = alb_darkroom_look(dr);
    assert_int_equal(after.started_total, before.started_total);
}

static int oom_score_of(pid_t pid)
{
    char path[64], text[16] = "";
    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    return (int)strtol(text, NULL, 10);
}

/* When memory is short the kernel is to take a worker, not the server. */
static void test_workers_go_first(void **state)
{
    (void)state;
    settle();
    pid_t worker = alb_darkroom_look(dr).worker_pids[0];
    assert_true(oom_score_of(worker) > oom_score_of(getpid()));
}

/* A zygote that is alive and does nothing is replaced. */
static void test_silent_zygote(void **state)
{
    (void)state;
    settle();
    int64_t lost = alb_stat_get(ALB_STAT_DARKROOM_ZYGOTES_LOST);
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    assert_int_equal(kill(v.zygote_pid, SIGSTOP), 0);
    for (size_t i = 0; i < 64 && v.worker_pids[i]; i++)
        assert_int_equal(kill(v.worker_pids[i], SIGKILL), 0);
    works();
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_ZYGOTES_LOST), lost + 1);
    assert_int_not_equal(alb_darkroom_look(dr).zygote_pid, v.zygote_pid);
}

/* /metrics tells the time of probes and of renders apart; what never got to a worker has none. */
static void test_times_are_told(void **state)
{
    struct alb_hist_view render[2], probing[2];
    (void)state;
    settle();
    alb_hist_look(ALB_HIST_DARKROOM_RENDER, &render[0]);
    alb_hist_look(ALB_HIST_DARKROOM_PROBE, &probing[0]);
    works();
    alb_hist_look(ALB_HIST_DARKROOM_RENDER, &render[1]);
    alb_hist_look(ALB_HIST_DARKROOM_PROBE, &probing[1]);
    assert_int_equal(render[1].count, render[0].count + 1);
    assert_int_equal(probing[1].count, probing[0].count + 1);
}

static void test_killed_zygote(void **state)
{
    struct slow s;
    uint64_t ticket;
    (void)state;
    settle();
    int64_t lost = alb_stat_get(ALB_STAT_DARKROOM_ZYGOTES_LOST);
    slow_start(&s, ALB_NEVER, &ticket);
    await("a running job", is_running, NULL);
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    assert_int_equal(kill(v.zygote_pid, SIGKILL), 0);
    slow_end(&s);
    assert_int_equal(s.job.code, ALB_E_BUSY);
    for (size_t i = 0; i < 64 && v.worker_pids[i]; i++) /* none is left, not even as a zombie of ours */
        assert_int_not_equal(waitpid(v.worker_pids[i], NULL, WNOHANG), 0);
    works();
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_ZYGOTES_LOST), lost + 1);
    assert_int_not_equal(alb_darkroom_look(dr).zygote_pid, v.zygote_pid);
}

static void test_deadline(void **state)
{
    struct slow s;
    uint64_t ticket;
    (void)state;
    settle();
    slow_start(&s, now() + 300 * ALB_NS_PER_MS, &ticket);
    slow_end(&s);
    assert_int_equal(s.job.code, ALB_E_TIMEOUT);
    works();
}

static void test_deadline_in_the_queue(void **state)
{
    struct slow s[4];
    uint64_t ticket[4];
    (void)state;
    settle();
    for (int i = 0; i < 4; i++) /* two workers; all end in time, run or not */
        slow_start(&s[i], now() + 400 * ALB_NS_PER_MS, &ticket[i]);
    for (int i = 0; i < 4; i++) {
        slow_end(&s[i]);
        assert_int_equal(s[i].job.code, ALB_E_TIMEOUT);
    }
    works();
}

static void test_cancel(void **state)
{
    struct slow s[3];
    uint64_t ticket[3];
    (void)state;
    settle();
    for (int i = 0; i < 3; i++)
        slow_start(&s[i], ALB_NEVER, &ticket[i]);
    await("a running job", is_running, NULL);
    pid_t busy = alb_darkroom_look(dr).zygote_pid;
    unsigned before = count_children(busy);
    for (int i = 2; i >= 0; i--)
        alb_darkroom_cancel(dr, ticket[i]);
    for (int i = 0; i < 3; i++) {
        slow_end(&s[i]);
        assert_int_equal(s[i].job.code, ALB_E_CANCELLED);
        alb_darkroom_cancel(dr, ticket[i]); /* too late: nothing */
    }
    settle();
    assert_int_equal(count_children(busy), before);
    works();
}

/* ---- limits of a worker ---- */

static void reopen(const struct alb_darkroom_config *c)
{
    struct alb_err err = ALB_ERR_INIT;
    alb_darkroom_close(&dr);
    config = *c;
    if (alb_darkroom_open(&config, &dr, &err) != ALB_OK)
        fail_msg("%s", err.msg);
}

static void test_out_of_memory(void **state)
{
    struct alb_darkroom_config old = config, small = config;
    struct slow s;
    uint64_t ticket;
    (void)state;
    if (ALB_SANITIZED) { /* its allocator ends the process by itself, and needs more */
        print_message("# a sanitizer has its own way with memory\n");
        return;
    }
    int64_t before = alb_stat_get(ALB_STAT_DARKROOM_OOM);
    small.memory = 100 << 20;
    reopen(&small);
    slow_start(&s, ALB_NEVER, &ticket);
    slow_end(&s);
    if (s.job.code != ALB_E_TOO_LARGE)
        fail_msg("%s: %s", alb_code_name(s.job.code), s.job.err.msg);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_OOM), before + 1);
    works();
    reopen(&old);
}

static void test_result_too_large(void **state)
{
    struct alb_darkroom_config old = config, small = config;
    struct alb_str s = sample(300, 200, ".jpg");
    struct alb_darkroom_job job;
    (void)state;
    int64_t before = alb_stat_get(ALB_STAT_DARKROOM_FSIZE);
    small.result_max = 700;
    reopen(&small);
    assert_int_equal(render_with(s, ALB_FORMAT_PNG, ALB_NEVER, &job), ALB_E_TOO_LARGE);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_FSIZE), before + 1);
    assert_int_equal(render_with(s, ALB_FORMAT_WEBP, ALB_NEVER, &job), ALB_OK); /* small enough */
    alb_bytes_unref(job.result);
    reopen(&old);
    g_free((void *)(uintptr_t)s.p);
}

static void test_queue_is_bounded(void **state)
{
    struct alb_darkroom_config old = config, small = config;
    struct slow s[8];
    uint64_t ticket[8];
    unsigned busy = 0, accepted = 0;
    (void)state;
    small.queue_max = 2;
    small.render_workers = 1;
    reopen(&small);
    struct alb_str png = sample(100, 100, ".png");
    slow_start(&s[0], ALB_NEVER, &ticket[0]);
    await("a running job", is_running, NULL);
    for (int i = 1; i < 8; i++) {
        s[i].job = s[0].job;
        atomic_store(&s[i].done, 0);
        enum alb_code code = alb_darkroom_submit(dr, &s[i].job, &ticket[i], NULL);
        assert_true(code == ALB_OK || code == ALB_E_BUSY);
        if (code == ALB_OK)
            accepted++;
        else
            busy++;
        if (code != ALB_OK)
            ticket[i] = 0;
    }
    assert_int_equal(accepted, 2);
    assert_int_equal(busy, 5);
    struct alb_probe *p; /* the other lane goes on */
    assert_int_equal(probe_bytes(png, ALB_TYPE_PNG, &p), ALB_OK);
    alb_probe_free(&p);
    for (int i = 0; i < 8; i++) {
        if (ticket[i])
            alb_darkroom_cancel(dr, ticket[i]);
    }
    for (int i = 1; i < 8; i++) {
        if (ticket[i])
            await("the end of a job", is_done, &s[i]);
    }
    slow_end(&s[0]);
    reopen(&old);
    g_free((void *)(uintptr_t)png.p);
}

static void test_recycling(void **state)
{
    struct alb_darkroom_config old = config, few = config;
    struct alb_str s = sample(100, 100, ".jpg");
    (void)state;
    few.jobs_per_worker = 3;
    few.render_workers = 1;
    reopen(&few);
    settle();
    uint64_t before = alb_darkroom_look(dr).started_total;
    int64_t crashes = alb_stat_get(ALB_STAT_DARKROOM_CRASH);
    for (int i = 0; i < 12; i++) {
        struct alb_darkroom_job job;
        assert_int_equal(render_with(s, ALB_FORMAT_JPEG, ALB_NEVER, &job), ALB_OK);
        alb_bytes_unref(job.result);
    }
    settle();
    assert_in_range(alb_darkroom_look(dr).started_total - before, 7,
                    8); /* 12 probes and 12 renders, 3 to a worker */
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_CRASH), crashes);
    reopen(&old);
    g_free((void *)(uintptr_t)s.p);
}

/* ---- storms ---- */

#define STORM 1000

struct drop {
    struct alb_darkroom_job job;
    uint64_t ticket;
};
static struct drop drops[STORM];
static atomic_uint ended, ended_ok, ended_cancelled;

static void drop_done(struct alb_darkroom_job *job)
{
    if (job->code == ALB_OK)
        atomic_fetch_add(&ended_ok, 1);
    else if (job->code == ALB_E_CANCELLED)
        atomic_fetch_add(&ended_cancelled, 1);
    alb_bytes_unref(job->result);
    job->result = NULL;
    atomic_fetch_add(&ended, 1);
}

static bool all_ended(void *arg)
{
    return atomic_load(&ended) == *(unsigned *)arg;
}

/* A thousand jobs, every third cancelled at some moment: afterwards everything is as it was. */
static void test_storm(void **state)
{
    struct alb_str s = sample(400, 300, ".jpg");
    struct alb_image_header h = {.type = ALB_TYPE_JPEG,
                                 .width = 400,
                                 .height = 300,
                                 .orientation = 1,
                                 .pages = 1,
                                 .bits = 8,
                                 .bytes = (int64_t)s.n};
    struct alb_plan_options o;
    struct alb_plan plan;
    unsigned all = STORM, asked = 0;
    (void)state;
    alb_plan_options_init(&o);
    o.width = 100;
    assert_int_equal(alb_plan_make(&h, &o, &config.limits, &plan, NULL), ALB_OK);
    works();
    settle();
    unsigned fds = count_fds(), children = count_children(alb_darkroom_look(dr).zygote_pid);
    int fd = file_of(s);
    uint32_t random = 12345;
    for (unsigned i = 0; i < STORM; i++) {
        drops[i].job = (struct alb_darkroom_job){.work = ALB_WORK_RENDER,
                                                 .source_fd = fd,
                                                 .source_bytes = h.bytes,
                                                 .plan = &plan,
                                                 .deadline = ALB_NEVER,
                                                 .done = drop_done};
        struct alb_err err = ALB_ERR_INIT;
        while (alb_darkroom_submit(dr, &drops[i].job, &drops[i].ticket, &err) != ALB_OK) {
            assert_int_equal(err.code, ALB_E_BUSY);
            alb_err_clear(&err);
            breathe();
        }
        random = random * 1664525 + 1013904223;
        if (random >> 16 & 1) { /* one that is queued, running or over */
            alb_darkroom_cancel(dr, drops[i - random % (i < 20 ? i + 1 : 20)].ticket);
            asked++;
        }
    }
    await("the end of the storm", all_ended, &all);
    assert_true(atomic_load(&ended_ok) > 0 && atomic_load(&ended_cancelled) > 0 && asked > 0);
    assert_int_equal(atomic_load(&ended_ok) + atomic_load(&ended_cancelled), STORM);
    settle();
    close(fd);
    assert_int_equal(count_fds(), fds);
    assert_int_equal(count_children(alb_darkroom_look(dr).zygote_pid), children);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_BUSY), 0);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_QUEUED), 0);
    works();
    g_free((void *)(uintptr_t)s.p);
}

/* ---- the end ---- */

static void test_close_with_work(void **state)
{
    struct alb_darkroom_config same = config;
    struct slow s[4];
    uint64_t ticket;
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    unsigned fds = count_fds();
    for (int i = 0; i < 4; i++)
        slow_start(&s[i], ALB_NEVER, &ticket);
    await("a running job", is_running, NULL);
    pid_t zygote = alb_darkroom_look(dr).zygote_pid;
    int64_t before = now();
    alb_darkroom_close(&dr);
    assert_null(dr);
    assert_true(now() - before < 5 * ALB_NS_PER_S);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(s[i].job.code, ALB_E_CANCELLED);
        slow_end(&s[i]);
    }
    assert_int_equal(kill(zygote, 0), -1);
    assert_int_equal(count_children(getpid()), 0);
    if (alb_darkroom_open(&same, &dr, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    settle();
    assert_int_equal(count_fds(), fds);
}

/* The server of the next test: this program again, with a pipe as its output. Never returns by itself. */
static int serve(void)
{
    if (alb_darkroom_open(&config, &dr, NULL) != ALB_OK)
        return 1;
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    if (write(STDOUT_FILENO, &v, sizeof(v)) != sizeof(v))
        return 1;
    for (;;)
        pause();
}

/* A server that is killed leaves no process behind. */
static void test_killed_server(void **state)
{
    char program[300], self[] = "/proc/self/exe", how[] = "serve";
    char *argv[] = {self, program, how, NULL};
    int pipe_fds[2];
    struct alb_darkroom_view v;
    (void)state;
    snprintf(program, sizeof(program), "%s", config.program);
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        dup2(pipe_fds[1], STDOUT_FILENO);
        execv(self, argv);
        _exit(127);
    }
    assert_int_equal(read(pipe_fds[0], &v, sizeof(v)), sizeof(v));
    assert_int_equal(kill(server, SIGKILL), 0);
    assert_int_equal(waitpid(server, NULL, 0), server);
    int64_t by = now() + 5 * ALB_NS_PER_S;
    bool alive = true;
    while (alive && now() < by) {
        while (waitpid(-1, NULL, WNOHANG | __WNOTHREAD) > 0) /* if we are init here, they are ours now */
            continue;
        alive = kill(v.zygote_pid, 0) == 0;
        for (size_t i = 0; i < 64 && v.worker_pids[i]; i++)
            alive = alive || kill(v.worker_pids[i], 0) == 0;
        breathe();
    }
    assert_false(alive);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static void test_no_program(void **state)
{
    struct alb_darkroom_config c = config;
    struct alb_darkroom *none;
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    unsigned fds = count_fds();
    c.program = "/nonexistent/albumen-darkroom";
    assert_int_equal(alb_darkroom_open(&c, &none, &err), ALB_E_NOT_FOUND);
    assert_null(none);
    alb_err_clear(&err);
    c.program = "/bin/false"; /* starts, and is no zygote */
    assert_int_not_equal(alb_darkroom_open(&c, &none, &err), ALB_OK);
    assert_null(none);
    assert_int_equal(count_fds(), fds);
}

static int start(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    slow_source = sample(3000, 3000, ".png[compression=0,filter=none]");
    slow_fd = file_of(slow_source);
    if (alb_darkroom_open(&config, &dr, &err) != ALB_OK) {
        print_error("%s\n", err.msg);
        return -1;
    }
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    print_message("# sandbox: %s\n", v.level);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    alb_darkroom_close(&dr);
    close(slow_fd);
    g_free((void *)(uintptr_t)slow_source.p);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_fonts),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_svg_opens_nothing),
        cmocka_unit_test(test_warnings_are_harmless),
        cmocka_unit_test(test_svg_bombs),
        cmocka_unit_test(test_killed_worker),
        cmocka_unit_test(test_killed_idle_worker),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_workers_go_first),
        cmocka_unit_test(test_killed_zygote),
        cmocka_unit_test(test_silent_zygote),
        cmocka_unit_test(test_times_are_told),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_deadline_in_the_queue),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_result_too_large),
        cmocka_unit_test(test_queue_is_bounded),
        cmocka_unit_test(test_recycling),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_close_with_work),
        cmocka_unit_test(test_killed_server),
        cmocka_unit_test(test_no_program),
    };
    if (argc < 2)
        return 1;
    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT, ALB_LOG_ERROR);
    alb_darkroom_config_default(&config);
    config.program = argv[1];
    config.render_workers = 2;
    config.probe_workers = 1;
    if (argc > 2)
        return serve();
    if (VIPS_INIT(argv[0]) != 0)
        return 1;
    int rc = cmocka_run_group_tests(tests, start, stop);
    vips_shutdown();
    return rc;
}
