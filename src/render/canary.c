/* SPDX-License-Identifier: Apache-2.0 */
#include "render/canary.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/flight.h"
#include "base/fs.h"
#include "base/mem.h"
#include "image/darkroom.h"

/* Grey, 4x4. */
static const unsigned char picture[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
    0x52, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x04, 0x08, 0x00, 0x00, 0x00, 0x00, 0x8c,
    0x9a, 0xc1, 0xa2, 0x00, 0x00, 0x00, 0x0e, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x68,
    0x00, 0x02, 0x06, 0x54, 0x02, 0x00, 0x50, 0x14, 0x08, 0x01, 0x6d, 0x4d, 0xe0, 0x49, 0x00,
    0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

struct alb_canary {
    /* fixed after open */
    struct alb_darkroom *darkroom;
    struct alb_flight *flight; /* of one key */
    int fd;
};

struct look { /* held by the darkroom until `answered` */
    struct alb_darkroom_job job;
    struct alb_owner owner;
    struct alb_bytes *word; /* what the future settles with */
};

enum alb_code alb_canary_open(struct alb_darkroom *darkroom, struct alb_canary **out, struct alb_err *err)
{
    struct alb_canary *c = alb_mem_calloc(1, sizeof(*c));
    *out = NULL;
    if (!c)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a look at the darkroom");
    c->darkroom = darkroom;
    c->flight = alb_flight_new(1);
    c->fd = memfd_create("canary", MFD_CLOEXEC);
    enum alb_code code = ALB_OK;
    if (!c->flight)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a look at the darkroom");
    else if (c->fd < 0)
        code = alb_fail_sys(err, ALB_E_IO, errno, "memfd");
    else
        code = alb_fs_write_all(c->fd, picture, sizeof(picture), err);
    if (code != ALB_OK) {
        alb_canary_close(&c);
        return code;
    }
    *out = c;
    return ALB_OK;
}

void alb_canary_close(struct alb_canary **canary)
{
    struct alb_canary *c = *canary;
    if (!c)
        return;
    *canary = NULL;
    if (c->flight)
        alb_flight_free(&c->flight);
    alb_fs_close(&c->fd);
    alb_mem_free(c);
}

/* On the darkroom's thread. */
static void answered(struct alb_darkroom_job *job)
{
    struct look *l = ALB_CONTAINER_OF(job, struct look, job);
    struct alb_bytes *word = l->word;
    struct alb_owner owner = l->owner;
    struct alb_err err = job->err;
    enum alb_code code = job->code;
    alb_probe_free(&job->probe);
    alb_mem_free(l);
    if (code == ALB_OK) {
        (void)alb_future_settle(&owner, &word->obj);
        return;
    }
    alb_bytes_unref(word);
    if (err.code == ALB_OK)
        (void)alb_fail(&err, code, "no worker has answered");
    (void)alb_future_fail(&owner, &err);
}

static enum alb_code begin(struct alb_canary *c, int64_t deadline, struct alb_owner *owner,
                           struct alb_err *err)
{
    struct look *l = alb_mem_calloc(1, sizeof(*l));
    uint64_t ticket;
    if (l)
        l->word = alb_bytes_copy("", 0);
    if (!l || !l->word) {
        alb_mem_free(l);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a look at the darkroom");
    }
    l->owner = *owner;
    l->job = (struct alb_darkroom_job){.work = ALB_WORK_HEADER,
                                       .source_fd = c->fd,
                                       .source_bytes = sizeof(picture),
                                       .type = ALB_TYPE_PNG,
                                       .deadline = deadline,
                                       .done = answered};
    enum alb_code code = alb_darkroom_submit(c->darkroom, &l->job, &ticket, err);
    if (code != ALB_OK) {
        alb_bytes_unref(l->word);
        alb_mem_free(l);
    } else {
        *owner = ALB_OWNER_NONE;
    }
    return code;
}

enum alb_code alb_canary_ask(struct alb_canary *c, int64_t deadline, struct alb_waiter *w,
                             struct alb_future **future, struct alb_err *err)
{
    const struct alb_flight_key only = {.b = {0}};
    struct alb_owner owner;
    enum alb_flight_role role;
    enum alb_code code = alb_flight_join(c->flight, &only, w, future, &owner, &role, err);
    if (code != ALB_OK || role == ALB_FLIGHT_WAITER)
        return code;
    struct alb_err why = ALB_ERR_INIT;
    if (begin(c, deadline, &owner, &why) != ALB_OK)
        (void)alb_future_fail(&owner, &why); /* w hears of it */
    return ALB_OK;
}
