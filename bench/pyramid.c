/* SPDX-License-Identifier: Apache-2.0
 *
 * The pyramid (image/plan.h, "levels") against the direct path, on photographs: what the sizes of one photo cost one
 * after the other, and what they look like. Each size is made three times through the darkroom: directly, of its level
 * (which is made first if it is not there), and without loss of every pixel in linear light, which both are compared
 * with.
 *
 * CPU is of the worker and of this process, in ms: the least of the rounds. "first": the pyramid's first size with all
 * levels that it needs; "more": the mean of the others, levels that they lack included. Quality: means; SSIMULACRA2
 * (100: equal) of direct and pyramid against the lossless picture; DSSIM, SSIMULACRA2 and PSNR of pyramid against direct;
 * and the worst difference of the first two scores.
 *
 * These are parts, made one by one. What a person's requests cost in a server, in each order, and what follows an answer
 * there by itself, is measured by bench/pyramid-orders.
 *
 *   bench-pyramid PROGRAM ROUNDS FILE...     PROGRAM: albumen-darkroom
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <vips/vips.h>

#include "image/darkroom.h"
#include "image/score.h"
#include "library/source.h"
#include "render/sizes.h"

#define LEVELS_MAX 8

/* The sizes of albumen's own, and those of others in between (as the boxes of galleries). */
static const struct {
    enum alb_size as;
    uint32_t side; /* 0: its own */
} wanted[] = {
    {ALB_SIZE_PREVIEW, 0}, {ALB_SIZE_THUMBNAIL, 0}, {ALB_SIZE_PREVIEW, 1008}, {ALB_SIZE_THUMBNAIL, 240}};
#define SIZES ALB_ARRAY_LEN(wanted)

struct file {
    int fd;
    int64_t bytes;
};
struct made {
    struct alb_bytes *bytes;
    double cpu;
};
struct score {
    double direct, pyramid, worst, dssim, between, psnr, cpu_direct, cpu_pyramid, bytes_direct, bytes_pyramid;
};
static struct score sums[SIZES];
static double first_sum, more_sum, first_direct, more_direct, level_bytes;
static int files;

static void die(const char *what)
{
    fprintf(stderr, "bench-pyramid: %s\n", what);
    exit(1);
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct file memory_file(const struct alb_bytes *b)
{
    struct file f = {memfd_create("level", MFD_CLOEXEC), (int64_t)b->n};
    if (f.fd < 0 || pwrite(f.fd, b->p, b->n, 0) != (ssize_t)b->n)
        die("memory file");
    return f;
}

static bool probe(struct alb_darkroom *dr, struct file f, struct alb_image_header *h)
{
    struct alb_darkroom_job job = {.work = ALB_WORK_PROBE, .deadline = ALB_NEVER, .source_fd = f.fd};
    unsigned char head[ALB_SNIFF_LEN];
    ssize_t n = pread(f.fd, head, sizeof(head), 0);
    job.source_bytes = f.bytes;
    job.type = alb_sniff(head, n > 0 ? (size_t)n : 0);
    if (alb_darkroom_run(dr, &job, NULL) != ALB_OK)
        return false;
    *h = job.probe->header;
    alb_probe_free(&job.probe);
    return true;
}

static void plan_of(const struct alb_image_header *h, const struct alb_plan_options *o, struct alb_plan *plan)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_plan_limits l;
    alb_plan_limits_default(&l);
    const struct alb_plan_ask ask = {.headers = h, .header_count = 1, .options = o, .limits = &l};
    if (alb_plan_make(&ask, plan, &err) != ALB_OK)
        die(err.msg);
}

static struct made run(struct alb_darkroom *dr, struct file f, const struct alb_plan *plan, int rounds)
{
    struct made m = {.cpu = 1e9};
    for (int i = 0; i < rounds; i++) {
        struct alb_darkroom_job job = {
            .work = ALB_WORK_RENDER, .plan = plan, .deadline = ALB_NEVER, .source_fd = f.fd};
        double before = cpu_ms();
        job.source_bytes = f.bytes;
        if (alb_darkroom_run(dr, &job, NULL) != ALB_OK)
            die(job.err.msg);
        double cpu = (double)job.cpu_ns / 1e6 + cpu_ms() - before;
        m.cpu = cpu < m.cpu ? cpu : m.cpu;
        alb_bytes_unref(m.bytes);
        m.bytes = job.result;
    }
    return m;
}

/* ---- the pyramid of one photo ---- */

struct pyramid {
    struct alb_darkroom *dr;
    struct alb_image_header header;
    struct file original;
    struct {
        uint32_t side;
        struct file file;
    } levels[LEVELS_MAX];
    unsigned count;
    int rounds;
};

static struct made of_pyramid(struct pyramid *y, const struct alb_plan_options *o, int depth)
{
    static struct alb_plan plans[LEVELS_MAX]; /* large */
    struct alb_plan *plan = &plans[depth];
    struct alb_plan_options lo;
    unsigned i = 0;
    plan_of(&y->header, o, plan);
    if (plan->level == 0)
        return run(y->dr, y->original, plan, y->rounds);
    while (i < y->count && y->levels[i].side != plan->level)
        i++;
    double cpu = 0;
    if (i == y->count) {
        alb_level_options(&y->header, plan->level, &lo);
        struct made level = of_pyramid(y, &lo, depth + 1);
        cpu = level.cpu;
        level_bytes += (double)level.bytes->n;
        i = y->count++;
        y->levels[i].side = plan->level;
        y->levels[i].file = memory_file(level.bytes);
        alb_bytes_unref(level.bytes);
    }
    struct made m = run(y->dr, y->levels[i].file, plan, y->rounds);
    m.cpu += cpu;
    return m;
}

/* ---- scores ---- */

struct pixels {
    uint8_t *p;
    int width, height;
};

static struct pixels pixels_of(struct alb_bytes *b)
{
    VipsImage *in = vips_image_new_from_buffer(b->p, b->n, "", NULL), *rgb = NULL, *flat = NULL;
    struct pixels out = {0};
    size_t n = 0;
    if (!in || vips_colourspace(in, &rgb, VIPS_INTERPRETATION_sRGB, NULL) != 0 ||
        (vips_image_hasalpha(rgb) ? vips_flatten(rgb, &flat, NULL) : vips_copy(rgb, &flat, NULL)) != 0)
        die(vips_error_buffer());
    out.p = vips_image_write_to_memory(flat, &n);
    out.width = flat->Xsize;
    out.height = flat->Ysize;
    if (!out.p || n != (size_t)out.width * (size_t)out.height * 3)
        die("not RGB");
    g_object_unref(in);
    g_object_unref(rgb);
    g_object_unref(flat);
    return out;
}

static double score_of(const struct pixels *a, const struct pixels *b)
{
    double score = 0;
    if (a->width != b->width || a->height != b->height ||
        !alb_score_ssimulacra2(a->p, b->p, (uint32_t)a->width, (uint32_t)a->height, 3, &score))
        die("sizes differ");
    return score;
}

static double psnr_of(const struct pixels *a, const struct pixels *b)
{
    size_t n = (size_t)a->width * (size_t)a->height * 3;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)(a->p[i] - b->p[i]) * (a->p[i] - b->p[i]);
    return sum > 0 ? 10 * log10(255.0 * 255.0 * (double)n / sum) : 99;
}

static void judge(struct score *s, struct alb_bytes *lossless, const struct made *direct,
                  const struct made *pyramid)
{
    struct pixels a = pixels_of(lossless), b = pixels_of(direct->bytes), c = pixels_of(pyramid->bytes);
    double with_direct = score_of(&a, &b), with_pyramid = score_of(&a, &c);
    s->direct += with_direct;
    s->pyramid += with_pyramid;
    s->worst = fmin(s->worst, with_pyramid - with_direct);
    s->between += score_of(&b, &c);
    s->dssim += alb_score_dssim(b.p, c.p, (uint32_t)b.width, (uint32_t)b.height, 3);
    s->psnr += psnr_of(&b, &c);
    s->cpu_direct += direct->cpu;
    s->cpu_pyramid += pyramid->cpu;
    s->bytes_direct += (double)direct->bytes->n;
    s->bytes_pyramid += (double)pyramid->bytes->n;
    g_free(a.p);
    g_free(b.p);
    g_free(c.p);
}

static void one_size(struct pyramid *y, struct alb_source *source, size_t i, double cpu[2])
{
    static struct alb_plan plan;
    struct alb_plan_options o;
    alb_size_options(wanted[i].as, source, &o);
    if (wanted[i].side > 0)
        o.width = o.height = wanted[i].side;
    struct made pyramid = of_pyramid(y, &o, 0);
    o.levels = false;
    o.linear = alb_light_is_cheap(&y->header);
    plan_of(&y->header, &o, &plan);
    struct made direct = run(y->dr, y->original, &plan, y->rounds);
    o.linear = true;
    o.shrink_margin = ALB_SHRINK_NEVER;
    o.output.format = ALB_FORMAT_PNG;
    plan_of(&y->header, &o, &plan);
    struct made lossless = run(y->dr, y->original, &plan, 1);
    judge(&sums[i], lossless.bytes, &direct, &pyramid);
    cpu[0] = direct.cpu;
    cpu[1] = pyramid.cpu;
    alb_bytes_unref(pyramid.bytes);
    alb_bytes_unref(direct.bytes);
    alb_bytes_unref(lossless.bytes);
}

static void one_file(struct alb_darkroom *dr, const char *name, int rounds)
{
    struct pyramid y = {.dr = dr, .rounds = rounds};
    struct alb_buf packed = ALB_BUF_INIT(4096);
    struct stat st;
    double cpu[SIZES][2], more[2] = {0, 0}, least[2] = {1e9, 1e9};
    y.original.fd = open(name, O_RDONLY | O_CLOEXEC);
    if (y.original.fd < 0 || fstat(y.original.fd, &st) != 0)
        die(name);
    y.original.bytes = st.st_size;
    if (!probe(dr, y.original, &y.header) || !alb_level_any(&y.header)) {
        printf("%-40.40s no levels\n", strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
        close(y.original.fd);
        return;
    }
    alb_header_pack(&y.header, &packed);
    struct alb_source source = {.header = alb_buf_view(&packed)};
    for (size_t i = 0; i < SIZES; i++) {
        one_size(&y, &source, i, cpu[i]);
        for (int k = 0; k < 2 && i > 0; k++) {
            more[k] += cpu[i][k] / (double)(SIZES - 1);
            least[k] = fmin(least[k], cpu[i][k]);
        }
    }
    printf("%-32.32s %5u x %-5u  direct", strrchr(name, '/') ? strrchr(name, '/') + 1 : name, y.header.width,
           y.header.height);
    for (size_t i = 0; i < SIZES; i++)
        printf(" %6.1f", cpu[i][0]);
    printf("   pyramid");
    for (size_t i = 0; i < SIZES; i++)
        printf(" %6.1f", cpu[i][1]);
    printf("   first/more %5.1f\n", cpu[0][1] / more[1]);
    fflush(stdout);
    files++;
    first_sum += cpu[0][1];
    first_direct += cpu[0][0];
    more_sum += more[1];
    more_direct += more[0];
    for (unsigned i = 0; i < y.count; i++)
        close(y.levels[i].file.fd);
    alb_buf_fini(&packed);
    close(y.original.fd);
}

static void report(void)
{
    double n = files;
    if (files == 0)
        return;
    printf("\n%d photographs; levels: %.0f KB each; CPU ms, means: first %.1f (direct %.1f), more %.1f "
           "(direct %.1f): "
           "1/%.1f of the first\n",
           files, level_bytes / n / 1e3, first_sum / n, first_direct / n, more_sum / n, more_direct / n,
           first_sum / more_sum);
    printf("size   score direct  pyramid  worst   between: score  dssim     psnr    CPU direct  pyramid    "
           "KB direct  "
           "pyramid\n");
    for (size_t i = 0; i < SIZES; i++) {
        const struct score *s = &sums[i];
        static const uint32_t own[] = {[ALB_SIZE_THUMBNAIL] = 512, [ALB_SIZE_PREVIEW] = 1440};
        printf("%-5u  %10.2f  %8.2f  %6.2f  %12.2f   %.5f  %6.2f  %10.1f  %8.1f  %10.1f  %8.1f\n",
               wanted[i].side ? wanted[i].side : own[wanted[i].as], s->direct / n, s->pyramid / n, s->worst,
               s->between / n, s->dssim / n, s->psnr / n, s->cpu_direct / n, s->cpu_pyramid / n,
               s->bytes_direct / n / 1e3, s->bytes_pyramid / n / 1e3);
    }
}

int main(int argc, char **argv)
{
    struct alb_darkroom_config c;
    struct alb_darkroom *dr = NULL;
    struct alb_err err = ALB_ERR_INIT;
    if (argc < 4 || atoi(argv[2]) < 1 || VIPS_INIT(argv[0]) != 0)
        die("usage: bench-pyramid PROGRAM ROUNDS FILE...");
    alb_darkroom_config_default(&c);
    c.program = argv[1];
    c.render_workers = 1;
    c.memory = (uint64_t)4 << 30;
    if (alb_darkroom_open(&c, &dr, &err) != ALB_OK)
        die(err.msg);
    for (int i = 3; i < argc; i++)
        one_file(dr, argv[i], atoi(argv[2]));
    report();
    alb_darkroom_close(&dr);
    vips_shutdown();
    return 0;
}
