/* SPDX-License-Identifier: Apache-2.0
 *
 * A room of sources over a real fetch loop, a real pool and a folder of its own; its wall clock is set by
 * the test, its monotonic one is real, for the fetch loop's is too. And askers of it.
 */
#ifndef ALB_TESTS_RENDER_ORIGINS_H
#define ALB_TESTS_RENDER_ORIGINS_H

#include <semaphore.h>

#include "base/fs.h"
#include "base/mem.h"
#include "blob/quarantine.h"
#include "render/origin.h"

#define SECOND_MS ((int64_t)1000)

struct room {
    char path[64]; /* of the folder */
    int dirfd, tmpfd, localfd;
    _Atomic int64_t wall;
    struct alb_clock clock;
    struct alb_quarantine *quarantine;
    struct alb_pool *pool;
    struct alb_fetch *fetch;
    struct alb_origins *origins;
    struct alb_origins_config config; /* to change before room_begin, or between end and begin */
};
void room_open(struct room *r);  /* the folder, and usual config */
void room_begin(struct room *r); /* the room itself */
void room_end(struct room *r);   /* closes it; the folder stays */
void room_close(struct room *r); /* ends if it has begun, removes the folder */
/* A file of the folder, with these bytes. */
void room_file(struct room *r, const char *path, const void *p, size_t n);
/* Turns one byte at `at` (from the end if negative) in every file below the folder's `path`; how many
 * files. */
unsigned room_damage(struct room *r, const char *path, long at);
unsigned room_remove(struct room *r, const char *path); /* every file below that */
unsigned room_files(struct room *r, const char *path);  /* below that */

/* reach LOOPBACK, five redirects, local, a minute. */
struct alb_origin_policy *policy_new(void);

/* An ask with the usual policy, 64 MiB. */
struct alb_origin_ask ask_of(const char *url, struct alb_origin_policy *policy);

struct asker {
    struct alb_waiter waiter;
    struct alb_future *future;
    sem_t woken;
};
enum alb_code asker_start(struct room *r, struct asker *a, const struct alb_origin_ask *ask);
/* Waits; a reference or NULL (then *code, which may be NULL, says why), and the asker is done with. */
struct alb_origin *asker_end(struct asker *a, enum alb_code *code);
void asker_leave(struct asker *a); /* before it is woken */
/* start and end. */
struct alb_origin *get(struct room *r, const struct alb_origin_ask *ask, enum alb_code *code);
/* The same, and it must be a failure of that kind; its status. */
int get_failure(struct room *r, const struct alb_origin_ask *ask, enum alb_origin_failure failure);
void until_no_jobs(struct room *r);

/* Whether it has exactly these bytes, by its descriptor and by its reader. */
bool has_bytes(struct alb_origin *o, const void *p, size_t n);

/* n bytes that are taken for a PNG, different for each seed; malloc. */
unsigned char *picture(size_t n, unsigned seed);

#endif
