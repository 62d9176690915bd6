/* SPDX-License-Identifier: Apache-2.0
 *
 * The protocol of futures and flights (src/base/future.h, flight.h), for spin: ASKERS threads ask for one key.
 * Each joins or starts its flight, may wait, leave, inherit, hang hooks, settle, fail, resign, or pass the title
 * on inside its wake; a hook may end its own term, against an owner who is about to. A critical section of the code is one atomic here; between two of them anything may happen.
 * What is called back is a step outside of every critical section (F6 by construction; the code checks it with
 * ALB_LOCK_DEBUG).
 *
 * Checked: F1-F5 and C4 by assertions, and that every thread comes to its end (no waiter is forgotten).
 * BROKEN=n builds a protocol with one mistake, which spin has to find (tests/models/run):
 *   1 leave says "out" although the wake is under way     2 an end does not wait for a hook that runs
 *   3 a promotion keeps the old term                      4 the heir stays on the list
 *   5 the flight loses its entry only after the wakes     6 an end does not drop a hook that is set
 *   7 a newcomer does not end being forsaken              8 a hook is called once per forsaking, set or not
 *   9 who sets a hook on a forsaken future does not call it
 *  10 an owner who waited for a hook does not look whether that has ended the term
 */
#ifndef ASKERS
#define ASKERS 3
#endif
#ifndef FUTURES
#define FUTURES 1 /* flights of the key, one after the other */
#endif
#ifndef BROKEN
#define BROKEN 0
#endif
#define TERMS (ASKERS + 1) /* an asker inherits at most once: it then waits with heir = false */
#define NONE 255

mtype = { OWNED, SETTLED, FAILED };
mtype = { SLEEPS, WOKEN, PROMOTED };

/* The future, under its lock. */
mtype state[FUTURES];
byte term[FUTURES];
byte waiters[FUTURES];
bool awaited[FUTURES];
bool forsaken[FUTURES];
byte hook_set[FUTURES]; /* the term that set it; 0: none */
bool hook_queued[FUTURES];
bool hook_running[FUTURES];
byte hook_term[FUTURES];
byte hook_runner[FUTURES];

/* The flight, under its lock. */
byte table = NONE;
byte made;

/* The waiters: one per asker. */
byte on[ASKERS];    /* the future it is registered on, plus 1; 0: none */
bool heir[ASKERS];
byte waker[ASKERS]; /* the thread that is about to wake it, plus 1 */
byte title[ASKERS]; /* filled by a promotion: the term; 0: it is to be woken SETTLED */
mtype news[ASKERS] = SLEEPS;

/* For the assertions. */
bool open[ASKERS];            /* a registration that has had neither wake nor leave */
bool freed[FUTURES * TERMS];  /* what the hook of a term points to */

#define IS_CURRENT(k, t) (state[k] == OWNED && term[k] == t)
#define HOOK_DUE(k) (forsaken[k] && (hook_set[k] != 0 || BROKEN == 8))
#define HOOK_BUSY(k, t) (hook_running[k] && hook_term[k] == t && hook_runner[k] != me && BROKEN != 2)
#define ARG(k, t) ((k) * TERMS + (t) - 1)

/* In an atomic: the waiter of `me` goes on the list of k. */
inline register_on(k)
{
    assert(on[me] == 0 && waker[me] == 0 && !open[me]);
    on[me] = k + 1;
    news[me] = SLEEPS;
    title[me] = 0;
    waiters[k]++;
    awaited[k] = true;
    if
    :: BROKEN != 7 -> forsaken[k] = false
    :: else
    fi;
    open[me] = true
}

/* The loop of run_hook in future.c. Called by the thread that set hook_queued. */
inline run_hook(k)
{
    do
    :: atomic {
           HOOK_DUE(k) ->
           assert(state[k] == OWNED && waiters[k] == 0);                  /* F5 */
           assert(hook_set[k] != 0);                                      /* F5: once per setting */
           assert(hook_set[k] == term[k]);                                /* F5: in its own term */
           hook_set[k] = 0;
           hook_running[k] = true;
           hook_term[k] = term[k];
           hook_runner[k] = me;
           assert(!freed[ARG(k, hook_term[k])])                           /* C4: when the callback begins … */
       }
       if
       :: atomic { IS_CURRENT(k, hook_term[k]) -> end_now(k, hook_term[k]) } /* C5: it may end its own */
       :: skip
       fi;
       atomic {
           assert(!freed[ARG(k, hook_term[k])]);                          /* … and until it ends */
           hook_running[k] = false;
           hook_term[k] = 0
       }
    :: atomic { !HOOK_DUE(k) -> hook_queued[k] = false; break }
    od;
    wake_all(k) /* C2: what a hook has ended is told after it */
}

inline queue_hook(k)
{
    call = HOOK_DUE(k) && !hook_queued[k];
    if
    :: call -> hook_queued[k] = true
    :: else
    fi
}

inline set_hook(k, t)
{
    atomic {
        if
        :: IS_CURRENT(k, t) -> hook_set[k] = 0
        :: else
        fi
    }
    atomic {
        !HOOK_BUSY(k, t) ->
        if
        :: IS_CURRENT(k, t) ->
           hook_set[k] = t;
           if
           :: BROKEN != 9 -> queue_hook(k)
           :: else -> call = false
           fi
        :: else -> call = false
        fi
    }
    if
    :: call -> run_hook(k)
    :: else
    fi
}

/* In an atomic: a terminal state; everybody on the list is cut off, to be woken by me. */
inline finish(k, how)
{
    state[k] = how;
    forsaken[k] = false;
    if
    :: BROKEN != 5 -> table = NONE
    :: else
    fi;
    i = 0;
    do
    :: i < ASKERS ->
       if
       :: on[i] == k + 1 -> on[i] = 0; waker[i] = me + 1
       :: else
       fi;
       i++
    :: else -> break
    od;
    waiters[k] = 0;
    i = 0
}

/* In an atomic: an heir owns the next term, or it fails. Askers are alike, so the first will do. */
inline hand_on(k)
{
    i = 0;
    do
    :: i < ASKERS && !(on[i] == k + 1 && heir[i]) -> i++
    :: else -> break
    od;
    if
    :: i == ASKERS -> finish(k, FAILED)
    :: else ->
       if
       :: BROKEN != 4 -> on[i] = 0; waiters[k]--
       :: else
       fi;
       if
       :: BROKEN != 3 -> term[k]++
       :: else
       fi;
       awaited[k] = false;
       forsaken[k] = false;
       title[i] = term[k];
       waker[i] = me + 1
    fi;
    i = 0
}

/* Calls the wakes that my last end decided on, one by one; a promoted one may pass its title on inside. */
inline wake_all(k)
{
    do
    :: atomic {
           i = 0;
           do
           :: i < ASKERS && waker[i] != me + 1 -> i++
           :: else -> break
           od;
           if
           :: i == ASKERS -> i = 0; break
           :: else ->
              assert(open[i]);                                            /* F2: never twice, not after leave */
              open[i] = false;
              waker[i] = 0;
              if
              :: title[i] == 0 -> assert(state[k] != OWNED); news[i] = WOKEN; i = 0
              :: else ->
                 assert(IS_CURRENT(k, title[i]));                         /* F4 */
                 if
                 :: news[i] = PROMOTED; i = 0
                 :: BROKEN != 4 -> news[i] = WOKEN; hand_on(k)            /* resigns inside its wake */
                 fi
              fi
           fi
       }
    od
}

/* In an atomic: settles, fails or resigns. */
inline end_now(k, t)
{
    assert(IS_CURRENT(k, t));                                             /* F1: the term was ours to end */
    if
    :: finish(k, SETTLED)
    :: finish(k, FAILED)
    :: hand_on(k)
    fi;
    assert(!IS_CURRENT(k, t))                                             /* F1: and is stale from then on */
}

/* Ends the term, unless its hook has, then frees what the hook points to: not if it was stale from the beginning. */
inline end_term(k, t)
{
    atomic {
        stale = !IS_CURRENT(k, t);
        ok = true;
        if
        :: stale || BROKEN == 6 -> skip
        :: else -> hook_set[k] = 0
        fi;
        if
        :: stale -> skip
        :: !stale && HOOK_BUSY(k, t) -> ok = false
        :: !stale && !HOOK_BUSY(k, t) -> end_now(k, t)
        fi
    }
    if
    :: !ok ->
       atomic { /* await_hook_locked, and look again */
           !HOOK_BUSY(k, t) ->
           if
           :: IS_CURRENT(k, t) || BROKEN == 10 -> end_now(k, t)
           :: else
           fi
       }
    :: else
    fi;
    if
    :: BROKEN == 5 -> wake_all(k); atomic { if :: state[k] != OWNED -> table = NONE :: else fi }
    :: else -> wake_all(k)
    fi;
    if
    :: stale
    :: else -> freed[ARG(k, t)] = true
    fi;
    stale = false
}

inline make(k, t)
{
    if
    :: set_hook(k, t);
       if
       :: set_hook(k, t)
       :: skip
       fi
    :: skip
    fi;
    end_term(k, t)
}

/* ok: out. */
inline leave(k)
{
    atomic {
        ok = (on[me] == k + 1);
        call = false;
        if
        :: ok ->
           on[me] = 0;
           waiters[k]--;
           if
           :: waiters[k] == 0 && awaited[k] -> forsaken[k] = true; queue_hook(k)
           :: else
           fi
        :: else -> ok = (BROKEN == 1)
        fi;
        if
        :: ok -> assert(open[me]); open[me] = false                       /* F2 */
        :: else
        fi
    }
    if
    :: call -> run_hook(k)
    :: else
    fi
}

proctype asker(byte me)
{
    byte k, t, i;
    bool ok, call, waits, stale;

    atomic { /* alb_flight_join */
        if
        :: table != NONE ->
           k = table;
           waits = true;
           if
           :: heir[me] = true
           :: skip
           fi;
           register_on(k)
        :: table == NONE && made < FUTURES ->
           k = made;
           made++;
           table = k;
           state[k] = OWNED;
           term[k] = 1;
           t = 1;
           if
           :: waits = true; register_on(k)
           :: skip
           fi
        :: table == NONE && made == FUTURES -> goto done
        fi
    }
    if
    :: t != 0 -> make(k, t); t = 0
    :: else
    fi;
again:
    if
    :: waits ->
       if
       :: leave(k);
          if
          :: ok -> waits = false
          :: else
          fi
       :: skip
       fi
    :: else
    fi;
    if
    :: waits ->
       atomic {
           news[me] != SLEEPS ->
           waits = false;
           heir[me] = false;
           t = (news[me] == PROMOTED -> title[me] : 0);
           news[me] = SLEEPS;
           title[me] = 0;
           if
           :: t != 0 -> waits = true; register_on(k) /* a promoted one waits for the result of its own making, */
           :: skip                                   /* or does not */
           fi
       };
       if
       :: t != 0 -> make(k, t); t = 0
       :: else
       fi;
       goto again
    :: else
    fi;
done:
    atomic {
        assert(!open[me] && waker[me] == 0);                              /* F2: never none */
        k = 0; t = 0; i = 0; ok = false; call = false
    }
}

/* A hook that is due is in somebody's hands. */
proctype watch(byte k)
{
end:
    do
    :: atomic { HOOK_DUE(k) && !hook_queued[k] -> assert(false) }
    od
}

init {
    byte n;

    atomic { /* who never ends comes first: processes die in the order of their birth, the last one first */
        do
        :: n < FUTURES -> run watch(n); n++
        :: else -> break
        od;
        n = 0;
        do
        :: n < ASKERS -> run asker(n); n++
        :: else -> break
        od;
        n = 0
    }
    (_nr_pr == 1 + FUTURES);
    assert(table == NONE);
    do
    :: n < made ->
       assert(state[n] != OWNED && waiters[n] == 0 && !hook_queued[n] && !hook_running[n]);
       n++
    :: else -> break
    od
}
