/* SPDX-License-Identifier: Apache-2.0
 *
 * Claims (contract: claims.h). One descriptor holds all locks of the process; locks of different bytes do not touch
 * each other, and the places are 62 bits of the key.
 */
#include "blob/claims.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/thread.h"

#define NAME "claims"
#define PATH_LEN 64

struct alb_claims {
    /* fixed after open */
    int fd, inotify, wake[2];
    struct alb_thread thread;
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_claim *first;
    bool stop;
};

static bool set_lock(struct alb_claims *c, const struct alb_derived_key *key, short how)
{
    uint64_t place;

    memcpy(&place, key->b, sizeof(place));
    struct flock l = {.l_type = how, .l_whence = SEEK_SET, .l_start = (off_t)(place >> 2), .l_len = 1};
    return fcntl(c->fd, F_OFD_SETLK, &l) == 0;
}

static void nudge(struct alb_claims *c)
{
    while (write(c->wake[1], "", 1) < 0 && errno == EINTR) {
    }
}

/* ---- who waits; under the lock ---- */

static void link_locked(struct alb_claims *c, struct alb_claim *claim)
{
    claim->waits = true;
    claim->prev = NULL;
    claim->next = c->first;
    if (c->first != NULL)
        c->first->prev = claim;
    c->first = claim;
}

static void unlink_locked(struct alb_claims *c, struct alb_claim *claim)
{
    if (claim->prev != NULL)
        claim->prev->next = claim->next;
    else
        c->first = claim->next;
    if (claim->next != NULL)
        claim->next->prev = claim->prev;
    claim->waits = false;
}

/* Wakes all, or those whose time is over; ms until the next one's is, or -1. */
static int wake_them(struct alb_claims *c, bool all, bool *stop)
{
    int64_t now = alb_mono(alb_clock_real()), next_due = ALB_NEVER;

    alb_mutex_lock(&c->mtx);
    for (struct alb_claim *claim = c->first, *next; claim != NULL; claim = next) {
        next = claim->next;
        if (all || claim->deadline <= now) {
            unlink_locked(c, claim);
            claim->wake(claim);
        } else if (claim->deadline < next_due) {
            next_due = claim->deadline;
        }
    }
    *stop = c->stop;
    alb_mutex_unlock(&c->mtx);
    if (next_due == ALB_NEVER)
        return -1;
    int64_t ms = (next_due - now) / ALB_NS_PER_MS + 1;
    return ms > 60000 ? 60000 : (int)ms;
}

static bool drain(int fd)
{
    char bytes[4096];
    bool any = false;

    while (read(fd, bytes, sizeof(bytes)) > 0)
        any = true;
    return any;
}

static void *claims_main(void *arg)
{
    struct alb_claims *c = arg;
    bool stop = false, all = false;

    while (!stop) {
        int timeout = wake_them(c, all, &stop);
        struct pollfd p[] = {{.fd = c->inotify, .events = POLLIN}, {.fd = c->wake[0], .events = POLLIN}};
        if (!stop)
            (void)poll(p, ALB_ARRAY_LEN(p), timeout);
        (void)drain(c->wake[0]);
        all = drain(c->inotify); /* an overflow of its queue is an event too */
    }
    return NULL;
}

/* ---- taken and given ---- */

enum alb_claim_answer alb_claim_take(struct alb_claims *c, const struct alb_derived_key *key,
                                     struct alb_claim *claim, int64_t deadline)
{
    if (set_lock(c, key, F_WRLCK))
        return ALB_CLAIM_HELD;
    if ((errno != EAGAIN && errno != EACCES) || deadline <= alb_mono(alb_clock_real()))
        return ALB_CLAIM_NONE;
    alb_mutex_lock(&c->mtx);
    claim->deadline = deadline;
    /* Once more: who has given it back before this was linked has told nobody who would hear it. */
    bool held = set_lock(c, key, F_WRLCK);
    if (!held)
        link_locked(c, claim);
    alb_mutex_unlock(&c->mtx);
    if (!held)
        nudge(c); /* its deadline may be the next */
    return held ? ALB_CLAIM_HELD : ALB_CLAIM_WAITING;
}

void alb_claim_give(struct alb_claims *c, const struct alb_derived_key *key)
{
    (void)set_lock(c, key, F_UNLCK);
    alb_ignore(pwrite(c->fd, "", 1, 0) != 1, "who waits has a deadline");
}

void alb_claim_leave(struct alb_claims *c, struct alb_claim *claim)
{
    alb_mutex_lock(&c->mtx);
    if (claim->waits)
        unlink_locked(c, claim);
    alb_mutex_unlock(&c->mtx);
}

/* ---- open and close ---- */

static enum alb_code open_all(struct alb_claims *c, int dirfd, struct alb_err *err)
{
    char path[PATH_LEN];
    enum alb_code code = alb_fs_open(dirfd, NAME, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &c->fd, err);

    if (code != ALB_OK)
        return code;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", c->fd);
    c->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (c->inotify < 0 || inotify_add_watch(c->inotify, path, IN_MODIFY | IN_CLOSE_WRITE) < 0)
        return alb_fail_sys(err, ALB_E_UNSUPPORTED, errno, "inotify");
    if (pipe2(c->wake, O_CLOEXEC | O_NONBLOCK) < 0)
        return alb_fail_sys(err, alb_code_of_errno(errno), errno, "pipe");
    struct alb_derived_key probe = {{0}};
    if (!set_lock(c, &probe, F_WRLCK) && errno != EAGAIN && errno != EACCES)
        return alb_fail_sys(err, ALB_E_UNSUPPORTED, errno, "locks of open file descriptions");
    (void)set_lock(c, &probe, F_UNLCK);
    return alb_thread_start(&c->thread, "cache-claims", claims_main, c, err);
}

enum alb_code alb_claims_open(int dirfd, struct alb_claims **out, struct alb_err *err)
{
    struct alb_claims *c = alb_mem_calloc(1, sizeof(*c));

    *out = c;
    if (c == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for claims");
    c->fd = c->inotify = c->wake[0] = c->wake[1] = -1;
    alb_mutex_init(&c->mtx, ALB_LOCK_CACHE_CLAIMS);
    enum alb_code code = open_all(c, dirfd, err);
    if (code != ALB_OK)
        alb_claims_close(out);
    return code;
}

void alb_claims_close(struct alb_claims **claims)
{
    struct alb_claims *c = *claims;

    *claims = NULL;
    if (c == NULL)
        return;
    alb_mutex_lock(&c->mtx);
    c->stop = true;
    alb_mutex_unlock(&c->mtx);
    if (c->thread.started)
        nudge(c);
    alb_thread_join(&c->thread);
    alb_fs_close(&c->wake[0]);
    alb_fs_close(&c->wake[1]);
    alb_fs_close(&c->inotify);
    alb_fs_close(&c->fd);
    alb_mutex_fini(&c->mtx);
    alb_mem_free(c);
}
