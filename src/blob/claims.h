/* SPDX-License-Identifier: Apache-2.0
 *
 * Who makes a derived file, among processes that share a cache: best effort, so that one picture is not made by each
 * of them. Two makers of one file are harmless (the later rename wins, the bytes are equal).
 *
 * A claim is a lock of the kernel (an open file description's, F_OFD_SETLK) on one byte of CACHE/claims, at a place
 * that the key chooses; the kernel takes it back when its process ends, however that happens. Who finds it taken waits
 * without a thread: the holder writes a byte into the file when it gives a claim back, the kernel closes the file when
 * it dies, and inotify tells of both; then `wake` is called, also when `deadline` has come, once. Whoever is woken
 * looks for the file, and asks again. Where there is no inotify, or no such lock, nobody waits.
 *
 *   take --HELD--> give       take --WAITING--> wake (once) | leave (then never)       take --NONE--> go on without
 *
 * Within one process a key is claimed by one at a time (the flight of the key sees to that).
 * Thread: `cache-claims` calls wake, without locks of its own but CACHE_CLAIMS: only to post an event. Bound: those
 * who wait are the caller's; nothing is allocated.
 */
#ifndef ALB_BLOB_CLAIMS_H
#define ALB_BLOB_CLAIMS_H

#include "blob/derived.h"

struct alb_claims;
struct alb_claim {
    void (*wake)(struct alb_claim *claim); /* set by its owner; under CACHE_CLAIMS: posts, and no more */
    /* of the room */
    bool waits;
    int64_t deadline;
    struct alb_claim *prev, *next;
};

/* dirfd: of the cache's folder, borrowed during open. UNSUPPORTED: this system or file system has not what it takes. */
enum alb_code alb_claims_open(int dirfd, struct alb_claims **out, struct alb_err *err) ALB_MUST_CHECK;
void alb_claims_close(struct alb_claims **claims); /* nobody waits any more */

enum alb_claim_answer { ALB_CLAIM_HELD, ALB_CLAIM_WAITING, ALB_CLAIM_NONE };
/* deadline: real monotonic ns, when the waiting ends. One that is past never waits: HELD or NONE. */
enum alb_claim_answer alb_claim_take(struct alb_claims *c, const struct alb_derived_key *key,
                                     struct alb_claim *claim, int64_t deadline);
void alb_claim_give(struct alb_claims *c, const struct alb_derived_key *key);
/* After this wake is not called any more. Safe if it does not wait. */
void alb_claim_leave(struct alb_claims *c, struct alb_claim *claim);

#endif
