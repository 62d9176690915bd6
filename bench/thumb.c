/* SPDX-License-Identifier: Apache-2.0
 *
 * What a thumbnail costs: a 12 megapixel JPEG to 512 pixels, through the darkroom (hand-over, sandbox, encode
 * and all), against libjpeg-turbo's own scaled decode (djpeg -scale 1/4: no resize, no encode) and
 * vipsthumbnail. Rounds are interleaved and medians are shown; processor time is what counts on a busy
 * machine. Start-up of the two programs is measured and taken off (theirs, not their work).
 *
 *   bench-thumb PROGRAM [FILE.jpg]     PROGRAM: albumen-darkroom; without a file one is made
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vips/vips.h>

#include "image/darkroom.h"

#define ROUNDS 15

extern char **environ;

struct series {
    const char *name;
    double cpu[ROUNDS], wall[ROUNDS];
};

static double now_ms(void)
{
    return (double)alb_mono(alb_clock_real()) / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v)
{
    qsort(v, ROUNDS, sizeof(*v), compare);
    return v[ROUNDS / 2];
}

static void die(const char *what)
{
    fprintf(stderr, "bench-thumb: %s\n", what);
    exit(1);
}

static void run_program(const char *const argv[], struct series *s, int round)
{
    struct rusage used;
    int status;
    pid_t pid;
    double before = now_ms();
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0 ||
        wait4(pid, &status, 0, &used) != pid || status != 0)
        die(argv[0]);
    s->wall[round] = now_ms() - before;
    s->cpu[round] = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
                    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

static void run_albumen(struct alb_darkroom *dr, int fd, int64_t bytes, const struct alb_plan *plan,
                        struct series *s, int round)
{
    struct alb_darkroom_job job = {
        .work = ALB_WORK_RENDER, .source_fd = fd, .source_bytes = bytes, .plan = plan, .deadline = ALB_NEVER};
    double before = now_ms();
    if (alb_darkroom_run(dr, &job, NULL) != ALB_OK)
        die(job.err.msg);
    s->wall[round] = now_ms() - before;
    s->cpu[round] = (double)job.cpu_ns / 1e6;
    alb_bytes_unref(job.result);
}

/* Something like a photograph: soft shapes, fine grain, 12 megapixels, about 4 MB. */
static void make_source(const char *path, int w, int h, const char *quality)
{
    VipsImage *t[8] = {NULL};
    char name[300];
    snprintf(name, sizeof(name), "%s[Q=%s]", path, quality);
    bool ok = vips_perlin(&t[0], w, h, "cell_size", 300, "seed", 1, NULL) == 0 &&
              vips_perlin(&t[1], w, h, "cell_size", 40, "seed", 2, NULL) == 0 &&
              vips_gaussnoise(&t[2], w, h, "sigma", 14.0, "mean", 0.0, "seed", 3, NULL) == 0 &&
              vips_linear1(t[0], &t[3], 70, 120, NULL) == 0 && vips_linear1(t[1], &t[4], 30, 0, NULL) == 0 &&
              vips_sum((VipsImage *[]){t[3], t[4], t[2]}, &t[5], 3, NULL) == 0 &&
              vips_bandjoin((VipsImage *[]){t[5], t[3], t[5]}, &t[6], 3, NULL) == 0 &&
              vips_copy(t[6], &t[7], "interpretation", VIPS_INTERPRETATION_sRGB, NULL) == 0 &&
              vips_image_write_to_file(t[7], name, NULL) == 0;
    for (int i = 0; i < 8; i++)
        g_clear_object(&t[i]);
    if (!ok)
        die(vips_error_buffer());
}

static struct alb_image_header header_of(struct alb_darkroom *dr, int fd, int64_t bytes)
{
    struct alb_darkroom_job job = {.work = ALB_WORK_PROBE,
                                   .source_fd = fd,
                                   .source_bytes = bytes,
                                   .type = ALB_TYPE_JPEG,
                                   .deadline = ALB_NEVER};
    if (alb_darkroom_run(dr, &job, NULL) != ALB_OK)
        die(job.err.msg);
    struct alb_image_header h = job.probe->header;
    alb_probe_free(&job.probe);
    return h;
}

/* *plan is too large for a stack. */
static void plan_of(const struct alb_image_header *h, uint16_t margin, struct alb_plan *plan)
{
    struct alb_plan_options o;
    struct alb_plan_limits l;
    alb_plan_options_init(&o);
    alb_plan_limits_default(&l);
    o.width = o.height = 512;
    o.output.format = ALB_FORMAT_JPEG;
    o.shrink_margin = margin;
    const struct alb_plan_ask ask = {.headers = h, .header_count = 1, .options = &o, .limits = &l};
    if (alb_plan_make(&ask, plan, NULL) != ALB_OK)
        die("no plan");
}

enum { FAST, FINE, DJPEG, VIPSTHUMB, DJPEG_START, VIPS_START, COUNT };

static void report(struct series *s)
{
    double cpu[COUNT], wall[COUNT];
    for (int i = 0; i < COUNT; i++) {
        cpu[i] = median(s[i].cpu);
        wall[i] = median(s[i].wall);
    }
    cpu[DJPEG] -= cpu[DJPEG_START];
    wall[DJPEG] -= wall[DJPEG_START];
    cpu[VIPSTHUMB] -= cpu[VIPS_START];
    wall[VIPSTHUMB] -= wall[VIPS_START];
    printf("%-34s %8s %8s %10s\n", "", "cpu ms", "wall ms", "cpu ratio");
    for (int i = 0; i <= VIPSTHUMB; i++)
        printf("%-34s %8.1f %8.1f %9.2fx\n", s[i].name, cpu[i], wall[i], cpu[i] / cpu[DJPEG]);
}

int main(int argc, char **argv)
{
    static struct series s[COUNT] = {{.name = "albumen, fast (margin 0)"},
                                     {.name = "albumen, fine (margin 1.7)"},
                                     {.name = "djpeg -scale 1/4"},
                                     {.name = "vipsthumbnail -s 512"}};
    char made[] = "/tmp/bench-thumb-XXXXXX.jpg", tiny[] = "/tmp/bench-tiny-XXXXXX.jpg",
         out[] = "/tmp/bench-out-XXXXXX.jpg";
    struct alb_darkroom_config config;
    struct alb_darkroom *dr;
    struct alb_err err = ALB_ERR_INIT;
    if (argc < 2 || VIPS_INIT(argv[0]) != 0)
        die("usage: bench-thumb PROGRAM [FILE.jpg]");
    close(mkstemps(made, 4));
    close(mkstemps(tiny, 4));
    close(mkstemps(out, 4));
    make_source(tiny, 16, 16, "75");
    if (argc < 3)
        make_source(made, 4000, 3000, "88");
    char *source = argc > 2 ? argv[2] : made;
    alb_darkroom_config_default(&config);
    config.program = argv[1];
    config.render_workers = 1;
    if (alb_darkroom_open(&config, &dr, &err) != ALB_OK)
        die(err.msg);
    int fd = open(source, O_RDONLY | O_CLOEXEC);
    int64_t bytes = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    if (bytes <= 0)
        die(source);
    struct alb_image_header h = header_of(dr, fd, bytes);
    static struct alb_plan fast, fine;
    plan_of(&h, 0, &fast);
    plan_of(&h, 1700, &fine);
    printf("%ux%u, %.1f MB; fast decodes to %ux%u, fine to %ux%u; medians of %d rounds\n", h.width, h.height,
           (double)bytes / 1e6, fast.steps[0].width, fast.steps[0].height, fine.steps[0].width,
           fine.steps[0].height, ROUNDS);
    const char *djpeg[] = {"djpeg", "-scale", "1/4", "-outfile", "/dev/null", source, NULL};
    const char *djpeg_start[] = {"djpeg", "-outfile", "/dev/null", tiny, NULL};
    const char *vt[] = {"vipsthumbnail", source, "-s", "512", "-o", out, NULL};
    const char *vt_start[] = {"vipsthumbnail", tiny, "-s", "16", "-o", out, NULL};
    for (int i = 0; i < ROUNDS; i++) {
        run_albumen(dr, fd, bytes, &fast, &s[FAST], i);
        run_program(djpeg, &s[DJPEG], i);
        run_albumen(dr, fd, bytes, &fine, &s[FINE], i);
        run_program(vt, &s[VIPSTHUMB], i);
        run_program(djpeg_start, &s[DJPEG_START], i);
        run_program(vt_start, &s[VIPS_START], i);
    }
    report(s);
    alb_darkroom_close(&dr);
    unlink(made);
    unlink(tiny);
    unlink(out);
    return 0;
}
