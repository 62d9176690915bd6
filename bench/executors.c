/* SPDX-License-Identifier: Apache-2.0
 *
 * What the general executor costs: a picture of each format to 400 pixels, through the darkroom (hand-over, sandbox and
 * all, a worker that lives long), against vips_thumbnail_buffer and the same saver in one long-lived process. Rounds are
 * interleaved; of each the best is shown beside the median: what others do on the machine only adds. The promise is a
 * ratio of at most 1.10. Peak memory is of this process, and of the darkroom's together.
 *
 *   bench-executors PROGRAM     PROGRAM: albumen-darkroom
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <vips/vips.h>

#include "image/darkroom.h"
#include "image/sniff.h"

#define ROUNDS 21
#define SIDE 400

static void die(const char *what)
{
    fprintf(stderr, "bench-executors: %s\n", what);
    exit(1);
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* ---- the sources ---- */

/* Something like a photograph: soft shapes, fine grain. */
static VipsImage *photograph(int w, int h)
{
    VipsImage *t[7] = {NULL}, *out = NULL;
    bool ok = vips_perlin(&t[0], w, h, "cell_size", 200, "seed", 1, NULL) == 0 &&
              vips_perlin(&t[1], w, h, "cell_size", 30, "seed", 2, NULL) == 0 &&
              vips_gaussnoise(&t[2], w, h, "sigma", 6.0, "mean", 0.0, "seed", 3, NULL) == 0 &&
              vips_linear1(t[0], &t[3], 70, 120, NULL) == 0 && vips_linear1(t[1], &t[4], 30, 0, NULL) == 0 &&
              vips_sum((VipsImage *[]){t[3], t[4], t[2]}, &t[5], 3, NULL) == 0 &&
              vips_bandjoin((VipsImage *[]){t[5], t[3], t[5]}, &t[6], 3, NULL) == 0 &&
              vips_cast(t[6], &out, VIPS_FORMAT_UCHAR, NULL) == 0;
    for (int i = 0; i < 7; i++)
        g_clear_object(&t[i]);
    VipsImage *held = NULL, *named = NULL;
    if (!ok || vips_copy(out, &named, "interpretation", VIPS_INTERPRETATION_sRGB, NULL) != 0 ||
        !(held = vips_image_copy_memory(named)))
        die(vips_error_buffer());
    g_object_unref(named);
    g_object_unref(out);
    return held;
}

static const struct format {
    const char *name, *suffix;
    enum alb_format format;
    int width, height;
} formats[] = {
    {"JPEG", ".jpg[Q=88]", ALB_FORMAT_JPEG, 2000, 1500},
    {"PNG", ".png", ALB_FORMAT_PNG, 1600, 1200},
    {"WebP", ".webp[Q=85]", ALB_FORMAT_WEBP, 2000, 1500},
    {"AVIF", ".avif[effort=1]", ALB_FORMAT_AVIF, 1600, 1200},
};

/* ---- the two ways ---- */

/* The savers' arguments are the executor's own (src/image/general_encode.c). */
static int save(VipsImage *x, enum alb_format f, int quality, void **p, size_t *n)
{
    switch ((int)f) {
    case ALB_FORMAT_JPEG:
        return vips_jpegsave_buffer(x, p, n, "Q", quality, "optimize_coding", TRUE, "strip", TRUE, NULL);
    case ALB_FORMAT_PNG:
        return vips_pngsave_buffer(x, p, n, "filter", VIPS_FOREIGN_PNG_FILTER_ALL, "strip", TRUE, NULL);
    case ALB_FORMAT_WEBP:
        return vips_webpsave_buffer(x, p, n, "Q", quality, "effort", 4, "strip", TRUE, NULL);
    default:
        return vips_heifsave_buffer(x, p, n, "Q", quality, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1,
                                    "effort", 1, "strip", TRUE, NULL);
    }
}

static double by_vips(struct alb_str s, const struct format *f, int quality, size_t *bytes)
{
    double before = cpu_ms();
    VipsImage *x = NULL;
    void *p = NULL;
    if (vips_thumbnail_buffer((void *)(uintptr_t)s.p, s.n, &x, SIDE, "height", SIDE, "size", VIPS_SIZE_DOWN,
                              NULL) != 0 ||
        save(x, f->format, quality, &p, bytes) != 0)
        die(vips_error_buffer());
    g_free(p);
    g_object_unref(x);
    return cpu_ms() - before;
}

/* Of the worker as it tells, and of our own part in it. */
static double by_darkroom(struct alb_darkroom *dr, int fd, int64_t n, const struct alb_plan *plan,
                          size_t *bytes)
{
    double before = cpu_ms();
    struct alb_darkroom_job job = {.work = ALB_WORK_RENDER, .plan = plan, .deadline = ALB_NEVER};
    job.source_fd = fd;
    job.source_bytes = n;
    if (alb_darkroom_run(dr, &job, NULL) != ALB_OK)
        die(job.err.msg);
    *bytes = job.result->n;
    alb_bytes_unref(job.result);
    return (double)job.cpu_ns / 1e6 + cpu_ms() - before;
}

static void plan_of(struct alb_darkroom *dr, int fd, int64_t n, const struct format *f, struct alb_plan *plan)
{
    struct alb_darkroom_job job = {
        .work = ALB_WORK_PROBE, .deadline = ALB_NEVER, .type = alb_format_type(f->format)};
    struct alb_plan_options o;
    struct alb_plan_limits l;
    job.source_fd = fd;
    job.source_bytes = n;
    if (alb_darkroom_run(dr, &job, NULL) != ALB_OK)
        die(job.err.msg);
    alb_plan_options_init(&o);
    alb_plan_limits_default(&l);
    o.width = o.height = SIDE;
    o.output.format = f->format;
    const struct alb_plan_ask ask = {
        .headers = &job.probe->header, .header_count = 1, .options = &o, .limits = &l};
    if (alb_plan_make(&ask, plan, &job.err) != ALB_OK)
        die(job.err.msg);
    alb_probe_free(&job.probe);
}

/* ---- memory ---- */

static long status_of(long pid, const char *what)
{
    char path[64], line[200];
    long v = 0;
    size_t n = strlen(what);
    snprintf(path, sizeof(path), "/proc/%ld/status", pid);
    FILE *in = fopen(path, "r");
    while (in && fgets(line, sizeof(line), in)) {
        if (strncmp(line, what, n) == 0)
            v = strtol(line + n, NULL, 10);
    }
    if (in)
        fclose(in);
    return v;
}

/* All processes of the darkroom: our children and their children. */
static long children_kb(void)
{
    long kb = 0, self = (long)getpid();
    DIR *dir = opendir("/proc");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        long pid = strtol(e->d_name, NULL, 10), parent = pid > 0 ? status_of(pid, "PPid:") : 0;
        if (parent > 0 && (parent == self || status_of(parent, "PPid:") == self))
            kb += status_of(pid, "VmHWM:");
    }
    if (dir)
        closedir(dir);
    return kb;
}

static double one_format(struct alb_darkroom *dr, const struct format *f)
{
    static struct alb_plan plan;
    double vips[ROUNDS], dark[ROUNDS];
    VipsImage *x = photograph(f->width, f->height);
    void *p = NULL;
    size_t n = 0, a = 0, b = 0;
    if (vips_image_write_to_buffer(x, f->suffix, &p, &n, NULL) != 0)
        die(vips_error_buffer());
    g_object_unref(x);
    int fd = memfd_create("source", MFD_CLOEXEC);
    if (fd < 0 || write(fd, p, n) != (ssize_t)n)
        die("memfd");
    plan_of(dr, fd, (int64_t)n, f, &plan);
    int quality = plan.steps[plan.count - 1].u.encode.output.quality[f->format];
    for (int i = -2; i < ROUNDS; i++) { /* two to warm up */
        double v = by_vips((struct alb_str){p, n}, f, quality, &a),
               d = by_darkroom(dr, fd, (int64_t)n, &plan, &b);
        vips[i < 0 ? 0 : i] = v;
        dark[i < 0 ? 0 : i] = d;
    }
    qsort(vips, ROUNDS, sizeof(double), compare);
    qsort(dark, ROUNDS, sizeof(double), compare);
    printf("%-5s %4dx%-4d %6.2f MB | %7.1f %7.1f ms %7zu B | %7.1f %7.1f ms %7zu B | %.2f %.2f\n", f->name,
           f->width, f->height, (double)n / 1e6, vips[0], vips[ROUNDS / 2], a, dark[0], dark[ROUNDS / 2], b,
           dark[0] / vips[0], dark[ROUNDS / 2] / vips[ROUNDS / 2]);
    g_free(p);
    close(fd);
    return dark[0] / vips[0];
}

int main(int argc, char **argv)
{
    struct alb_darkroom_config config;
    struct alb_darkroom *dr;
    struct alb_err err = ALB_ERR_INIT;
    double worst = 0;
    if (argc < 2 || VIPS_INIT(argv[0]) != 0)
        die("usage: bench-executors PROGRAM");
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    alb_darkroom_config_default(&config);
    config.program = argv[1];
    config.render_workers = 1;
    if (alb_darkroom_open(&config, &dr, &err) != ALB_OK)
        die(err.msg);
    printf("cpu per picture, to %d pixels: best, median, bytes; of vips_thumbnail, of the darkroom; ratios\n",
           SIDE);
    for (size_t i = 0; i < ALB_ARRAY_LEN(formats); i++) {
        double ratio = one_format(dr, &formats[i]);
        worst = ratio > worst ? ratio : worst;
    }
    printf("worst ratio %.2f (at most 1.10); peak memory: the darkroom's processes %ld MB, this one %ld MB\n",
           worst, children_kb() / 1024, status_of((long)getpid(), "VmHWM:") / 1024);
    alb_darkroom_close(&dr);
    vips_shutdown();
    return 0;
}
