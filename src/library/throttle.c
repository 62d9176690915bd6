/* SPDX-License-Identifier: Apache-2.0 */
#include "library/throttle.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/mem.h"
#include "catalog/types.h"

#define WAYS 8
#define FOLDED_MAX 4096
#define SHIFT_MAX 20 /* 2^20 s is longer than any limit */

struct entry {
    uint64_t key[2];
    unsigned wrong; /* 0: free */
    int64_t last;   /* when the last one began */
};

struct alb_throttle {
    /* fixed after create */
    struct alb_throttle_config config;
    const struct alb_clock *clock;
    unsigned char salt[16];
    size_t sets;

    /* under mtx (LIBRARY_THROTTLE) */
    struct alb_mutex mtx;
    struct entry *entries; /* sets * WAYS */
};

struct alb_throttle *alb_throttle_new(const struct alb_throttle_config *config, const struct alb_clock *clock)
{
    struct alb_throttle *t = alb_mem_calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->config = *config;
    t->clock = clock;
    if (t->config.tries == 0)
        t->config.tries = 5;
    if (t->config.entries == 0)
        t->config.entries = 4096;
    if (t->config.delay_ns == 0)
        t->config.delay_ns = 30 * ALB_NS_PER_S;
    if (t->config.window_ns == 0)
        t->config.window_ns = 15 * 60 * ALB_NS_PER_S;
    alb_random(t->salt, sizeof(t->salt));
    t->sets = ((size_t)t->config.entries + WAYS - 1) / WAYS;
    t->entries = alb_mem_calloc(t->sets * WAYS, sizeof(*t->entries));
    if (t->entries == NULL) {
        alb_mem_free(t);
        return NULL;
    }
    alb_mutex_init(&t->mtx, ALB_LOCK_LIBRARY_THROTTLE);
    return t;
}

void alb_throttle_free(struct alb_throttle **t)
{
    if (*t == NULL)
        return;
    alb_mutex_fini(&(*t)->mtx);
    alb_mem_free((*t)->entries);
    alb_mem_free(*t);
    *t = NULL;
}

/* ---- who ---- */

/* 127.0.0.1, or the /64 of an IPv6 address; what is none stays as it is. */
static struct alb_str network_of(struct alb_str address, char room[INET6_ADDRSTRLEN])
{
    struct in6_addr a;

    if (!alb_str_to_c(address, room, INET6_ADDRSTRLEN) || inet_pton(AF_INET6, room, &a) != 1 ||
        IN6_IS_ADDR_V4MAPPED(&a))
        return address;
    memset(&a.s6_addr[8], 0, 8);
    return inet_ntop(AF_INET6, &a, room, INET6_ADDRSTRLEN) != NULL ? alb_str_c(room) : address;
}

static void add(struct alb_hash *h, struct alb_str s)
{
    uint64_t n = s.n;

    alb_hash_update(h, &n, sizeof(n));
    alb_hash_update(h, s.p, s.n);
}

/* p == NULL: no such part. */
static void make_key(const struct alb_throttle *t, struct alb_str login, struct alb_str address,
                     uint64_t key[2])
{
    struct alb_hash h;
    unsigned char sum[ALB_HASH_MAX_LEN];
    unsigned char parts = (unsigned char)((login.p != NULL) + 2 * (address.p != NULL));

    alb_hash_init(&h, ALB_HASH_SHA256);
    alb_hash_update(&h, t->salt, sizeof(t->salt));
    alb_hash_update(&h, &parts, 1);
    add(&h, login.p != NULL ? login : ALB_STR(""));
    add(&h, address.p != NULL ? address : ALB_STR(""));
    (void)alb_hash_final(&h, sum);
    memcpy(key, sum, 2 * sizeof(*key));
}

void alb_throttle_ticket(const struct alb_throttle *t, struct alb_str login, struct alb_str address,
                         struct alb_throttle_ticket *ticket)
{
    struct alb_buf folded = ALB_BUF_INIT(FOLDED_MAX);
    char room[INET6_ADDRSTRLEN];

    if (login.p == NULL)
        login = ALB_STR("");
    address = address.p != NULL ? network_of(address, room) : ALB_STR("");
    alb_fold(login, &folded);
    if (alb_buf_code(&folded) == ALB_OK && folded.n > 0)
        login = alb_buf_view(&folded);
    make_key(t, login, address, ticket->pair);
    make_key(t, login, ALB_STR_NONE, ticket->account);
    make_key(t, ALB_STR_NONE, address, ticket->address);
    alb_buf_fini(&folded);
}

/* ---- counts ---- */

static struct entry *set_of(struct alb_throttle *t, const uint64_t key[2])
{
    return &t->entries[(size_t)(key[0] % t->sets) * WAYS];
}

/* NULL: nothing is known of it (any more). */
static struct entry *find(struct alb_throttle *t, const uint64_t key[2], int64_t now)
{
    struct entry *e = set_of(t, key);

    for (size_t i = 0; i < WAYS; i++) {
        if (e[i].wrong == 0 || e[i].key[0] != key[0] || e[i].key[1] != key[1])
            continue;
        if (now - e[i].last <= t->config.window_ns)
            return &e[i];
        e[i].wrong = 0;
        return NULL;
    }
    return NULL;
}

static struct entry *find_or_make(struct alb_throttle *t, const uint64_t key[2], int64_t now)
{
    struct entry *e = find(t, key, now), *set = set_of(t, key);

    if (e != NULL)
        return e;
    e = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].wrong > 0 && now - set[i].last > t->config.window_ns)
            set[i].wrong = 0;
        if (set[i].wrong < e->wrong || (set[i].wrong == e->wrong && set[i].last < e->last))
            e = &set[i];
    }
    *e = (struct entry){.key = {key[0], key[1]}, .last = now};
    return e;
}

static int64_t wait_of(const struct alb_throttle *t, const struct entry *e, unsigned tries, int64_t now)
{
    unsigned over;
    int64_t delay;

    if (e == NULL || e->wrong < tries)
        return 0;
    over = e->wrong - tries;
    delay = ALB_NS_PER_S << (over < SHIFT_MAX ? over : SHIFT_MAX);
    if (delay > t->config.delay_ns)
        delay = t->config.delay_ns;
    return e->last + delay > now ? e->last + delay - now : 0;
}

static int64_t wait_locked(struct alb_throttle *t, const struct alb_throttle_ticket *ticket, int64_t now)
{
    const struct entry *account = find(t, ticket->account, now);
    bool besieged = account != NULL && account->wrong >= t->config.tries * ALB_THROTTLE_ACCOUNT_TIMES;
    int64_t pair = wait_of(t, find(t, ticket->pair, now), besieged ? 1 : t->config.tries, now);
    int64_t address =
        wait_of(t, find(t, ticket->address, now), t->config.tries * ALB_THROTTLE_ADDRESS_TIMES, now);

    return pair > address ? pair : address;
}

int64_t alb_throttle_wait(struct alb_throttle *t, const struct alb_throttle_ticket *ticket)
{
    int64_t now = alb_mono(t->clock), wait;

    alb_mutex_lock(&t->mtx);
    wait = wait_locked(t, ticket, now);
    alb_mutex_unlock(&t->mtx);
    return wait;
}

static void count(struct alb_throttle *t, const uint64_t key[2], int64_t now)
{
    struct entry *e = find_or_make(t, key, now);

    e->last = now;
    if (e->wrong < UINT32_MAX)
        e->wrong++;
}

int64_t alb_throttle_begin(struct alb_throttle *t, const struct alb_throttle_ticket *ticket)
{
    int64_t now = alb_mono(t->clock), wait;

    alb_mutex_lock(&t->mtx);
    wait = wait_locked(t, ticket, now);
    if (wait == 0) {
        count(t, ticket->pair, now);
        count(t, ticket->account, now);
        count(t, ticket->address, now);
    }
    alb_mutex_unlock(&t->mtx);
    return wait;
}

static void take_back(struct alb_throttle *t, const uint64_t key[2], int64_t now, bool all)
{
    struct entry *e = find(t, key, now);

    if (e != NULL)
        e->wrong = all ? 0 : e->wrong - 1;
}

static void end(struct alb_throttle *t, const struct alb_throttle_ticket *ticket, bool good)
{
    int64_t now = alb_mono(t->clock);

    alb_mutex_lock(&t->mtx);
    take_back(t, ticket->pair, now, good);
    take_back(t, ticket->account, now, false);
    take_back(t, ticket->address, now, false);
    alb_mutex_unlock(&t->mtx);
}

void alb_throttle_good(struct alb_throttle *t, const struct alb_throttle_ticket *ticket)
{
    end(t, ticket, true);
}

void alb_throttle_undo(struct alb_throttle *t, const struct alb_throttle_ticket *ticket)
{
    end(t, ticket, false);
}
