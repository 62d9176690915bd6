/* SPDX-License-Identifier: Apache-2.0
 *
 * The protocol of lease pools (src/base/lease.h), for spin: CLIENTS threads, each with one lease of any class and
 * cost, a clock that lets deadlines pass and ticks, and somebody who may close the pool. A client requests, may
 * cancel or abandon, and releases, itself or inside reclaim, which may also adopt. A critical section of the code is one atomic
 * here; callbacks are called one at a time (L7), outside of every critical section (L6 by construction; the code
 * checks it with ALB_LOCK_DEBUG). In the code the call that finds nobody dispatching does it; here it hands that to
 * a thread that does nothing else, which allows more. Which of several due leases is next is left open.
 *
 * Checked: L1-L5 and C4 by assertions, and that every client comes to its end (no request is forgotten; an
 * abandoned lease that nobody releases by himself is told WANTED while somebody waits for what it holds).
 * BROKEN=n builds a protocol with one mistake, which spin has to find (tests/models/run):
 *   1 cancel does not let the next one in                  2 release does not wait for a reclaim that runs
 *   3 release does not drop a reclaim that is due          4 a small request overtakes the head of its class
 *   5 background overtakes a foreground request that waits 6 the dispatcher looks for the last time too early
 *   7 an abandoned lease is told only when a request comes, not when it is abandoned
 *   8 reclaim may be called before granted                 9 cancel answers yes to a request that was granted
 *  10 what is past its deadline in the queue is granted   11 adopting does not ask another one instead
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef BUDGET
#define BUDGET 3
#endif
#ifndef SHARE
#define SHARE 1 /* of the background */
#endif
#ifndef PART
#define PART BUDGET /* of the budget, for the background */
#endif
#ifndef EVENTS
#define EVENTS 1 /* deadlines that pass, ticks, or the end of the pool */
#endif
#ifndef BROKEN
#define BROKEN 0
#endif
#define CLIENTS 3
#define NONE 255

mtype = { IDLE, QUEUED, HELD, ABANDONED, OVERDUE, GONE };
mtype = { NOTHING, GRANTED, REFUSED };

/* The pool, under its lock. */
byte slots = SLOTS, budget = BUDGET, share = SHARE, part = PART;
bool closed;
byte length;              /* of the queue, both classes */
bool dispatching;
byte reclaiming = NONE;

/* The leases. */
mtype st[CLIENTS] = IDLE;
bool background[CLIENTS];
byte cost[CLIENTS];
byte place[CLIENTS];      /* in the queue: 1 is first; 0: not in it */
bool late[CLIENTS];       /* its queue deadline, or its hold deadline, has passed */
bool told_wanted[CLIENTS];
bool due_granted[CLIENTS], due_refused[CLIENTS], due_overdue[CLIENTS], due_wanted[CLIENTS];

/* The clients. */
mtype news[CLIENTS] = NOTHING;
bool gives_way[CLIENTS];  /* released inside reclaim, by nobody else */
bool patient[CLIENTS];    /* does not cancel, however long it takes */

/* For the assertions. */
bool waiting[CLIENTS];    /* a request that queued and has had no answer */
bool asked_overdue[CLIENTS];

#define HOLDS(l) (st[l] == HELD || st[l] == ABANDONED || st[l] == OVERDUE)
#define FITS(l) (slots > 0 && budget >= cost[l] && (!background[l] || (share > 0 && part >= cost[l])))
#define DUE(l) (due_granted[l] || due_refused[l] || due_overdue[l] || due_wanted[l])
#define ANY_DUE (DUE(0) || DUE(1) || DUE(2))
#define UNTOLD(l) (st[l] == ABANDONED && !told_wanted[l])

inline take(l)
{
    slots--;
    budget = budget - cost[l];
    share = share - (background[l] -> 1 : 0);
    part = part - (background[l] -> cost[l] : 0)
}

inline give(l)
{
    slots++;
    budget = budget + cost[l];
    share = share + (background[l] -> 1 : 0);
    part = part + (background[l] -> cost[l] : 0)
}

/* Scratch inside one d_step: spin does not restore these when it goes back. */
hidden byte h, j, k, a, least, from;
hidden byte room_slots, room_budget, room_share, room_part;
hidden byte stuck;

/* Everything about l that is over. */
inline forget(l)
{
    late[l] = false;
    told_wanted[l] = false;
    background[l] = false;
    cost[l] = 0;
    patient[l] = false;
    gives_way[l] = false;
    asked_overdue[l] = false
}

inline enqueue(l)
{
    length++;
    place[l] = length;
    st[l] = QUEUED;
    waiting[l] = true
}

inline dequeue(l, state)
{
    k = 0;
    do
    :: k < CLIENTS ->
       if
       :: place[k] > place[l] -> place[k]--
       :: else
       fi;
       k++
    :: else -> break
    od;
    k = 0;
    place[l] = 0;
    length--;
    st[l] = state
}

/* h = who is first in the queue of a class from a place on, or NONE. */
inline find_first(class, start)
{
    from = start;
    h = NONE;
    least = NONE;
    j = 0;
    do
    :: j < CLIENTS ->
       if
       :: st[j] == QUEUED && background[j] == class && place[j] >= from && place[j] < least ->
          h = j;
          least = place[j]
       :: else
       fi;
       j++
    :: else -> break
    od
}

/* Nobody of its class came before h, and no foreground request waits when background is served. */
inline check_turn()
{
    j = 0;
    do
    :: j < CLIENTS ->
       assert(!(st[j] == QUEUED && background[j] == background[h] && place[j] < place[h]));
       assert(!(st[j] == QUEUED && background[h] && !background[j]));
       j++
    :: else -> break
    od
}

/* grant() of lease_ledger.c for one class; `stuck`: its head waits. */
inline grant_class(class)
{
    do
    :: find_first(class, 0);
       if
       :: h == NONE -> stuck = false; break
       :: h != NONE && late[h] && BROKEN != 10 ->
          dequeue(h, IDLE);
          due_refused[h] = true
       :: h != NONE && (!late[h] || BROKEN == 10) ->
          if
          :: BROKEN == 4 && !FITS(h) -> find_first(class, place[h] + 1) /* tries the second one */
          :: else
          fi;
          if
          :: h != NONE && FITS(h) ->
             check_turn();
             assert(!late[h] && waiting[h]);
             take(h);
             dequeue(h, HELD);
             told_wanted[h] = false;
             due_granted[h] = true
          :: else -> stuck = true; break
          fi
       fi
    od
}

inline grant()
{
    grant_class(false);
    if
    :: !stuck || BROKEN == 5 -> grant_class(true)
    :: else
    fi
}

#define ROOM_FITS (room_slots > 0 && room_budget >= cost[h] && \
                   (!background[h] || (room_share > 0 && room_part >= cost[h])))
#define LACKS_SHARE (background[h] && room_share == 0)
#define LACKS_PART (background[h] && room_part < cost[h])

/* a = an abandoned lease that brings nearer what h lacks, or CLIENTS. */
inline find_helper()
{
    a = 0;
    do
    :: a < CLIENTS &&
       !(UNTOLD(a) && (LACKS_SHARE || LACKS_PART -> background[a] && (LACKS_SHARE || cost[a] > 0) :
                       (room_slots == 0 || cost[a] > 0))) -> a++
    :: else -> break
    od
}

inline room_give(l)
{
    room_slots++;
    room_budget = room_budget + cost[l];
    room_share = room_share + (background[l] -> 1 : 0);
    room_part = room_part + (background[l] -> cost[l] : 0)
}

/* want() of lease_ledger.c for one class. */
inline want_class(class)
{
    find_first(class, 0);
    do
    :: h == NONE || stuck -> break
    :: h != NONE && !stuck ->
       do
       :: late[h] || ROOM_FITS -> break
       :: else ->
          find_helper();
          if
          :: a == CLIENTS -> stuck = true; break
          :: else -> told_wanted[a] = true; due_wanted[a] = true; room_give(a)
          fi
       od;
       if
       :: stuck || late[h]
       :: else ->
          room_slots--;
          room_budget = room_budget - cost[h];
          room_share = room_share - (background[h] -> 1 : 0);
          room_part = room_part - (background[h] -> cost[h] : 0)
       fi;
       find_first(class, place[h] + 1)
    od
}

/* What is free, and what comes back because its owner has been told. */
inline find_room()
{
    room_slots = slots;
    room_budget = budget;
    room_share = share;
    room_part = part;
    j = 0;
    do
    :: j < CLIENTS ->
       if
       :: st[j] == OVERDUE || (st[j] == ABANDONED && told_wanted[j]) -> room_give(j)
       :: else
       fi;
       j++
    :: else -> break
    od
}

inline want()
{
    find_room();
    stuck = false;
    want_class(false);
    want_class(true)
}

/* L1, L4 and L5, at the end of every critical section. */
inline check()
{
    room_slots = slots;
    room_budget = budget;
    room_share = share;
    room_part = part;
    j = 0;
    do
    :: j < CLIENTS ->
       if
       :: HOLDS(j) -> room_give(j)
       :: else
       fi;
       j++
    :: else -> break
    od;
    assert(slots <= SLOTS && budget <= BUDGET && share <= SHARE && part <= PART);
    assert(room_slots == SLOTS && room_budget == BUDGET && room_share == SHARE && room_part == PART);
    find_first(false, 0);
    if
    :: h == NONE -> find_first(true, 0)
    :: else
    fi;
    find_room();
    if
    :: h != NONE && !late[h] ->
       assert(!FITS(h));                                                  /* L4 */
       if
       :: !ROOM_FITS -> find_helper(); assert(a == CLIENTS)               /* L5 */
       :: else
       fi
    :: else
    fi
}

/* end_change() of lease.c: what is due and in nobody's hands is the dispatcher's. */
inline end_change(balance)
{
    d_step {
        if
        :: balance -> grant(); want()
        :: else
        fi;
        check();
        if
        :: ANY_DUE -> dispatching = true
        :: else
        fi
    }
}

inline release_now(l)
{
    assert(HOLDS(l));
    if
    :: BROKEN != 3 -> due_overdue[l] = false; due_wanted[l] = false
    :: else
    fi;
    give(l);
    st[l] = GONE;                                                         /* L3: nothing touches it any more */
    forget(l)
}

inline answer(l)
{
    assert(st[l] != GONE && waiting[l] && news[l] == NOTHING);            /* L2 */
    waiting[l] = false
}

/* In an atomic: takes one due callback of l and begins it. `asks`: a reclaim, which runs for a while. */
inline begin_call(l)
{
    asks = NOTHING;
    if
    :: due_refused[l] -> due_refused[l] = false; answer(l); news[l] = REFUSED
    :: due_granted[l] && !(BROKEN == 8 && (due_overdue[l] || due_wanted[l])) ->
       due_granted[l] = false;
       answer(l);
       news[l] = GRANTED
    :: !due_refused[l] && (!due_granted[l] || BROKEN == 8) && (due_overdue[l] || due_wanted[l]) ->
       reclaiming = l;
       assert(st[l] != GONE && !waiting[l]);                              /* L3 */
       if
       :: due_overdue[l] ->
          due_overdue[l] = false;
          assert(!asked_overdue[l]);                                      /* L5 */
          asked_overdue[l] = true;
          asks = OVERDUE
       :: else -> due_wanted[l] = false; asks = ABANDONED
       fi
    fi
}

/* run_dispatch() of lease.c. */
proctype dispatch()
{
    byte l;
    mtype asks = NOTHING;

end:
    do
    :: atomic { asks == NOTHING && dispatching && DUE(0) -> l = 0; begin_call(l) }
    :: atomic { asks == NOTHING && dispatching && DUE(1) -> l = 1; begin_call(l) }
    :: atomic { asks == NOTHING && dispatching && DUE(2) -> l = 2; begin_call(l) }
    :: atomic { asks == NOTHING && dispatching && !ANY_DUE ->
          if
          :: BROKEN != 6 -> dispatching = false
          :: else -> break
          fi
       }
    :: atomic { asks == OVERDUE || asks == ABANDONED -> /* inside reclaim … */
          if
          :: !gives_way[l] -> asks = GONE /* … which sets a flag */
          :: gives_way[l] -> release_now(l); asks = IDLE /* … which ends the work and releases */
          :: asks == ABANDONED && !gives_way[l] && st[l] == ABANDONED -> /* … which adopts */
             st[l] = HELD;
             told_wanted[l] = false;
             due_wanted[l] = false;
             asks = GONE
          fi;
          end_change(!(BROKEN == 11 && st[l] == HELD))
       }
    :: atomic { asks == GONE || asks == IDLE -> /* it returns */
          assert(asks == IDLE || st[l] != GONE);                          /* C4: release has waited for us */
          reclaiming = NONE;
          asks = NOTHING;
          l = 0
       }
    od;
    dispatching = false;
    goto end
}

proctype client(byte me)
{
    mtype phase = IDLE;
    bool at_once;

    do
    :: atomic {
          if
          :: phase == IDLE -> /* alb_lease_request */
             d_step {
                grant();
                find_first(false, 0);
                if
                :: h == NONE && background[me] -> find_first(true, 0)
                :: else
                fi;
                at_once = (h == NONE && FITS(me))
             }
             if
             :: closed -> phase = GONE; at_once = false
             :: !closed && at_once -> take(me); st[me] = HELD; phase = HELD; at_once = false
             :: !closed && !at_once ->
                if
                :: patient[me] = true
                :: skip
                fi;
                enqueue(me);
                phase = QUEUED
             fi
          :: phase == QUEUED && !patient[me] && (st[me] == QUEUED || (BROKEN == 9 && waiting[me])) ->
             assert(waiting[me] && !due_granted[me] && !due_refused[me]); /* L2: alb_lease_cancel says true */
             waiting[me] = false;
             d_step { dequeue(me, IDLE) }
             phase = GONE
          :: phase == QUEUED && news[me] == REFUSED -> phase = GONE
          :: phase == QUEUED && news[me] == GRANTED -> phase = HELD
          :: phase == HELD && st[me] == HELD -> /* alb_lease_abandon */
             st[me] = ABANDONED;
             if
             :: !asked_overdue[me] -> gives_way[me] = true; phase = OVERDUE /* it is reclaim that will release it */
             :: skip
             fi
          :: phase == HELD && (BROKEN == 2 || reclaiming != me) -> /* alb_lease_release */
             release_now(me);
             phase = OVERDUE
          fi;
          if
          :: phase == GONE -> st[me] = GONE; forget(me)
          :: else
          fi;
          end_change(!(BROKEN == 1 && phase == GONE) && !(BROKEN == 7 && st[me] == ABANDONED));
          if
          :: phase == GONE || phase == OVERDUE -> news[me] = NOTHING; phase = NOTHING; break
          :: else
          fi
       }
    od
}

/* Deadlines pass, of any lease, and are noticed by a tick or only when its turn comes; or the pool is closed. */
proctype world()
{
    byte events, n;

    do
    :: events < EVENTS ->
       atomic {
          events++;
          if
          :: closed = true /* alb_lease_close */
          :: st[0] != IDLE && st[0] != GONE -> late[0] = true
          :: st[1] != IDLE && st[1] != GONE -> late[1] = true
          :: st[2] != IDLE && st[2] != GONE -> late[2] = true
          fi;
          if
          :: skip /* it passes, that is all */
          :: /* alb_lease_tick */
             do
             :: n < CLIENTS ->
                if
                :: (late[n] || closed) && st[n] == QUEUED -> d_step { dequeue(n, IDLE); due_refused[n] = true }
                :: late[n] && (st[n] == HELD || st[n] == ABANDONED) -> st[n] = OVERDUE; due_overdue[n] = true
                :: else
                fi;
                n++
             :: else -> break
             od;
             n = 0;
             end_change(true)
          fi
       }
    :: break
    od;
    events = 0
}

init {
    byte n;

    atomic { /* any class and cost; clients are alike, so in rising order */
        do
        :: n < CLIENTS ->
           if
           :: n == 0 -> cost[n] = 1
           :: else -> background[n] = background[n - 1]; cost[n] = cost[n - 1]
           fi;
           if
           :: cost[n] == 1 -> cost[n] = 2
           :: !background[n] -> background[n] = true; cost[n] = 1
           :: !background[n] -> background[n] = true; cost[n] = 2
           :: skip
           fi;
           n++
        :: else -> break
        od;
        run dispatch(); /* who never ends comes first: processes die the last one first */
        run world();
        n = 0;
        do
        :: n < CLIENTS -> run client(n); n++
        :: else -> break
        od;
        n = 0
    }
    (_nr_pr == 2 && !dispatching && reclaiming == NONE);
    assert(!ANY_DUE && length == 0);
    do
    :: n < CLIENTS ->
       assert(!waiting[n]);                                               /* L2 */
       assert(st[n] == GONE || gives_way[n]);
       n++
    :: else -> break
    od
}
