/* SPDX-License-Identifier: Apache-2.0
 *
 * Evil files (hostile.py) and whole ones that end too early, through the real darkroom: each one ends in time with an
 * answer that says what it was, memory stays within its bounds, and afterwards everything is as it was.
 */
#include "dark_world.h"
#include "scripted.h"

#define JOB_NS (2 * ALB_NS_PER_S)
#define WORKER_MEMORY ((uint64_t)1 << 30)

static unsigned ended[ALB_CODE_COUNT];

/* Nothing else may come of a bad file: the others would be tried again, or be called our own fault. */
static void expect_clear(const char *name, const char *what, enum alb_code code, const struct alb_err *err)
{
    static const enum alb_code clear[] = {ALB_OK, ALB_E_UNPROCESSABLE, ALB_E_TOO_LARGE, ALB_E_UNSUPPORTED,
                                          ALB_E_TIMEOUT};
    bool ok = false;
    for (size_t i = 0; i < ALB_ARRAY_LEN(clear); i++)
        ok = ok || code == clear[i];
    if (!ok)
        fail_msg("%s: %s ends with %d: %s", name, what, (int)code, err->msg);
    ended[code]++;
}

static void render_it(const char *name, struct alb_darkroom_job *job, const struct alb_image_header *h)
{
    static struct alb_plan plan;
    struct alb_plan_options o;
    struct alb_err err = ALB_ERR_INIT;
    alb_plan_options_init(&o);
    o.width = o.height = 64;
    o.lenient = true;
    o.output.format = ALB_FORMAT_JPEG;
    enum alb_code code = plan_make(h, &o, &config.limits, &plan, &err);
    expect_clear(name, "a plan", code, &err);
    if (code != ALB_OK)
        return;
    job->work = ALB_WORK_RENDER;
    job->plan = &plan;
    code = alb_darkroom_run(dr, job, &err);
    expect_clear(name, "a picture", code, &err);
    alb_bytes_unref(job->result);
}

static void try_bytes(const char *name, struct alb_str s)
{
    enum alb_type type = alb_sniff(s.p, s.n < ALB_SNIFF_LEN ? s.n : ALB_SNIFF_LEN);
    struct alb_err err = ALB_ERR_INIT;
    if (type == ALB_TYPE_UNKNOWN) { /* such a file gets no further than here */
        ended[ALB_E_UNSUPPORTED]++;
        return;
    }
    int fd = file_of(s);
    struct alb_darkroom_job job = {.work = ALB_WORK_PROBE,
                                   .source_fd = fd,
                                   .source_bytes = (int64_t)s.n,
                                   .type = type,
                                   .deadline = ALB_NEVER};
    int64_t before = now();
    enum alb_code code = alb_darkroom_run(dr, &job, &err);
    expect_clear(name, "a probe", code, &err);
    if (code == ALB_OK) {
        struct alb_image_header h = job.probe->header;
        alb_probe_free(&job.probe);
        if (h.width > 0 && h.height > 0)
            render_it(name, &job, &h);
    }
    close(fd);
    if (g_getenv("ALB_TEST_VERBOSE"))
        print_message("# %s: %d, %lld ms\n", name, (int)code, (long long)((now() - before) / ALB_NS_PER_MS));
}

/* Resident memory of a process in bytes, 0 if it is gone. */
static uint64_t resident(pid_t pid)
{
    char path[64], text[128];
    unsigned long long size, pages = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return sscanf(text, "%llu %llu", &size, &pages) == 2 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void expect_as_before(struct left *before)
{
    settle();
    await("the end of what was used", nothing_more_is_left, before);
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    for (size_t i = 0; i < ALB_ARRAY_LEN(v.worker_pids) && v.worker_pids[i]; i++) {
        if (resident(v.worker_pids[i]) > (uint64_t)(ALB_SANITIZED ? 2000 : 200) << 20)
            fail_msg("a worker keeps %llu bytes", (unsigned long long)resident(v.worker_pids[i]));
    }
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_BUSY), 0);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_QUEUED), 0);
    works();
}

/* All that begin with `prefix`, in the order of their names. */
static void each_sample(const char *prefix, void (*visit)(const char *name))
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    struct dirent *e;
    DIR *d = opendir(folder);
    assert_non_null(d);
    while ((e = readdir(d))) {
        if (g_str_has_prefix(e->d_name, prefix))
            g_ptr_array_add(names, g_strdup(e->d_name));
    }
    closedir(d);
    g_ptr_array_sort(names, (GCompareFunc)(void (*)(void))g_strcmp0);
    assert_true(names->len > 10);
    for (guint i = 0; i < names->len; i++)
        visit(g_ptr_array_index(names, i));
    g_ptr_array_unref(names);
}

static void try_file(const char *name)
{
    struct alb_str s = sample_file(name);
    try_bytes(name, s);
    g_free((void *)(uintptr_t)s.p);
}

static void try_parts(const char *name, struct alb_str s)
{
    for (size_t tenth = 1; tenth < 10; tenth++)
        try_bytes(name, alb_str_sub(s, 0, s.n * tenth / 10));
}

static void try_parts_of_file(const char *name)
{
    struct alb_str s = sample_file(name);
    try_parts(name, s);
    g_free((void *)(uintptr_t)s.p);
}

static void warm_up(void)
{
    static const char svg[] = "<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>";
    try_bytes("warm-up",
              (struct alb_str){svg, sizeof(svg) - 1}); /* the lanes of vectors start with their first job */
    settle();
}

static void test_evil(void **state)
{
    (void)state;
    warm_up();
    struct left before = look_what_is_left();
    each_sample("evil-", try_file);
    expect_as_before(&before);
    for (unsigned i = 0; i < ALB_CODE_COUNT; i++) {
        if (ended[i] > 0)
            print_message("# %s: %u\n", alb_code_name((enum alb_code)i), ended[i]);
    }
    /* most are seen through at once; a machine under load may be too slow for some more */
    assert_true(ended[ALB_E_UNPROCESSABLE] + ended[ALB_E_TOO_LARGE] + ended[ALB_E_UNSUPPORTED] > 20);
}

static void test_cut_short(void **state)
{
    static const char *const kinds[] = {".avif",
                                        ".heic",
                                        ".jxl",
                                        ".webp[lossless]",
                                        ".tif[tile,pyramid,compression=deflate]",
                                        ".jpg[interlace]",
                                        ".png[interlace]"};
    (void)state;
    warm_up();
    struct left before = look_what_is_left();
    each_sample("good-", try_parts_of_file);
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
        struct alb_str s = sample(300, 200, kinds[i]);
        try_parts(kinds[i], s);
        g_free((void *)(uintptr_t)s.p);
    }
    expect_as_before(&before);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evil),
        cmocka_unit_test(test_cut_short),
    };
    if (argc < 3 || !begin(argv[0], argv[1]))
        return 1;
    config.job_ns = JOB_NS;
    config.memory = WORKER_MEMORY;
    script = argv[2];
    return cmocka_run_group_tests(tests, make_samples, remove_samples);
}
