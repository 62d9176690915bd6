/* SPDX-License-Identifier: Apache-2.0 */
#include "render/failures.h"

#include <string.h>

#include "base/lock.h"
#include "base/mem.h"

#define WAYS 4 /* notes that share a place; the key is a hash, so any of its bytes choose it */
#define SETS (ALB_FAILURES_MAX / WAYS)
#define TIMES 10

struct note {
    struct alb_flight_key key;
    enum alb_code code; /* ALB_OK: none */
    int64_t until;
};

struct alb_failures {
    struct alb_mutex mtx;
    struct note notes[SETS][WAYS]; /* under mtx */
};

struct alb_failures *alb_failures_new(void)
{
    struct alb_failures *f = alb_mem_calloc(1, sizeof(*f));
    if (f)
        alb_mutex_init(&f->mtx, ALB_LOCK_RENDER_FAILURES);
    return f;
}

void alb_failures_free(struct alb_failures **failures)
{
    if (!*failures)
        return;
    alb_mutex_fini(&(*failures)->mtx);
    alb_mem_free(*failures);
    *failures = NULL;
}

static struct note *set_of(struct alb_failures *f, const struct alb_flight_key *key)
{
    return f->notes[((unsigned)key->b[0] << 8 | key->b[1]) % SETS];
}

static bool is_of(const struct note *n, const struct alb_flight_key *key)
{
    return n->code != ALB_OK && memcmp(&n->key, key, sizeof(*key)) == 0;
}

static int64_t lifetime(int64_t took_ns)
{
    if (took_ns >= ALB_FAILURE_MOST_NS / TIMES)
        return ALB_FAILURE_MOST_NS;
    return took_ns <= ALB_FAILURE_LEAST_NS / TIMES ? ALB_FAILURE_LEAST_NS : took_ns * TIMES;
}

void alb_failures_note(struct alb_failures *f, const struct alb_flight_key *key, enum alb_code code,
                       int64_t took_ns, int64_t now)
{
    alb_mutex_lock(&f->mtx);
    struct note *set = set_of(f, key), *at = &set[0];
    for (unsigned i = 0; i < WAYS; i++) {
        if (is_of(&set[i], key)) {
            at = &set[i];
            break;
        }
        if (set[i].until < at->until) /* free ones end first of all */
            at = &set[i];
    }
    at->key = *key;
    at->code = code;
    at->until = alb_deadline(now, lifetime(took_ns));
    alb_mutex_unlock(&f->mtx);
}

enum alb_code alb_failures_look(struct alb_failures *f, const struct alb_flight_key *key, int64_t now)
{
    enum alb_code code = ALB_OK;
    alb_mutex_lock(&f->mtx);
    struct note *set = set_of(f, key);
    for (unsigned i = 0; i < WAYS && code == ALB_OK; i++) {
        if (is_of(&set[i], key) && set[i].until > now)
            code = set[i].code;
    }
    alb_mutex_unlock(&f->mtx);
    return code;
}
