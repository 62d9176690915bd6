/* SPDX-License-Identifier: Apache-2.0
 *
 * What came out of a worker. The memory file is sealed first: from then on nobody, the worker included, can
 * change or shorten it under our eyes. Then it is looked at with our own bounded parsers: a picture must be
 * of the planned format and size, a probe must unpack.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes_file.h"
#include "base/fs.h"
#include "base/mem.h"
#include "image/darkroom_priv.h"

int alb_dr_result_new(void)
{
    return memfd_create("albumen-result", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

static struct alb_bytes *copy_out(int fd, size_t n)
{
    void *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    struct alb_bytes *bytes = map == MAP_FAILED ? NULL : alb_bytes_copy(map, n);

    if (map != MAP_FAILED)
        (void)munmap(map, n);
    return bytes;
}

/* Small results are copied, others stay in their file. */
static enum alb_code read_bytes(int fd, size_t n, struct alb_bytes **out, struct alb_err *err)
{
    *out = n < ALB_BYTES_FILE_LEAST ? copy_out(fd, n) : alb_bytes_of_file(fd, n);
    return *out ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory for a result");
}

static enum alb_code check_picture(const struct alb_plan *plan, enum alb_format format,
                                   const struct alb_bytes *b, struct alb_err *err)
{
    uint32_t w, h;
    if (!alb_sniff_size(alb_format_type(format), b->p, b->n, &w, &h))
        return alb_fail(err, ALB_E_UNPROCESSABLE, "the worker's result is no %s", alb_format_name(format));
    if (w != plan->width || h != plan->height)
        return alb_fail(err, ALB_E_UNPROCESSABLE, "the worker's result is %ux%u, not %ux%u", w, h,
                        plan->width, plan->height);
    return ALB_OK;
}

/* The planned one, or one of those among which the worker was to choose. */
static enum alb_code take_format(struct alb_darkroom_job *job, uint32_t said, struct alb_err *err)
{
    const struct alb_plan *plan = job->plan;
    uint16_t best = plan->steps[plan->count - 1].u.encode.output.best;
    job->format = plan->format;
    if (job->format != ALB_FORMAT_SAME)
        return ALB_OK;
    if (said == ALB_FORMAT_SAME || said >= ALB_FORMAT_COUNT || !(best & ALB_FORMAT_BIT(said)))
        return alb_fail(err, ALB_E_UNPROCESSABLE, "the worker wrote a format that was not asked for");
    job->format = (enum alb_format)said;
    return ALB_OK;
}

static enum alb_code take_trim(struct alb_darkroom_job *job, const struct alb_rect *r, struct alb_err *err)
{
    const struct alb_plan *p = job->plan;
    bool size_only = p->steps[p->count - 1].u.find_trim.size_only;
    if (size_only && r->left == 0 && r->top == 0 && r->width > 0 && r->height > 0) {
        job->trim = *r; /* of any size: the next plan looks at that */
        return ALB_OK;
    }
    if (size_only || r->width == 0 || r->height == 0 || r->left >= p->width || r->top >= p->height ||
        r->width > p->width - r->left || r->height > p->height - r->top)
        return alb_fail(err, ALB_E_UNPROCESSABLE, "the worker's rectangle is not inside the picture");
    job->trim = *r;
    return ALB_OK;
}

static enum alb_code take_bytes(struct alb_darkroom_job *job, struct alb_bytes *bytes, struct alb_err *err)
{
    enum alb_code code;
    if (job->work == ALB_WORK_RENDER) {
        code = check_picture(job->plan, job->format, bytes, err);
        if (code == ALB_OK)
            job->result = alb_bytes_ref(bytes);
        return code;
    }
    if (job->work == ALB_WORK_SANITISE) {
        job->result = alb_bytes_ref(bytes);
        return ALB_OK;
    }
    code = alb_probe_unpack(alb_bytes_view(bytes), &job->probe, err);
    return code == ALB_E_INVALID ? ALB_E_UNPROCESSABLE : code;
}

enum alb_code alb_dr_take_result(struct alb_darkroom_job *job, const struct alb_reply_packet *reply, int fd,
                                 struct alb_err *err)
{
    struct alb_bytes *bytes = NULL;
    int64_t size;
    if (job->work == ALB_WORK_CANARY)
        return ALB_OK;
    if (job->work == ALB_WORK_RENDER && alb_plan_is_trim(job->plan))
        return take_trim(job, &reply->trim, err);
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        return alb_fail_sys(err, ALB_E_UNPROCESSABLE, errno, "the result cannot be sealed");
    enum alb_code code = alb_fs_size(fd, &size, err);
    bool probe = job->work != ALB_WORK_RENDER && job->work != ALB_WORK_SANITISE;
    if (code == ALB_OK && (size <= 0 || (probe && size > ALB_PROBE_PACKED_MAX)))
        code = alb_fail(err, ALB_E_UNPROCESSABLE, "a result of %lld bytes", (long long)size);
    if (code == ALB_OK && job->work == ALB_WORK_RENDER)
        code = take_format(job, reply->format, err);
    if (code == ALB_OK)
        code = read_bytes(fd, (size_t)size, &bytes, err);
    if (code == ALB_OK)
        code = take_bytes(job, bytes, err);
    alb_bytes_unref(bytes);
    return code;
}
