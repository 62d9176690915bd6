/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiler attributes under names of our own, and the few macros that every file needs.
 * ALB_NONNULL says something to the analyser only: in a product build the compiler would delete the
 * run-time check inside the function (docs/architecture.md, "Dialect").
 */
#ifndef ALB_BASE_ATTR_H
#define ALB_BASE_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALB_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define ALB_MUST_CHECK __attribute__((warn_unused_result))
#define ALB_COLD __attribute__((cold))
#define ALB_NORETURN __attribute__((noreturn))
#define ALB_UNUSED __attribute__((unused))
#define ALB_CLEANUP(fn) __attribute__((cleanup(fn)))

#ifdef ALB_ANALYSIS
#define ALB_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#else
#define ALB_NONNULL(...)
#endif

/* clang's thread-safety analysis on functions (fields are wrongly reported, so only functions). */
#if defined(__clang__)
#define ALB_CAPABILITY(name) __attribute__((capability(name)))
#define ALB_ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define ALB_RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define ALB_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define ALB_EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define ALB_NO_LOCK_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define ALB_CAPABILITY(name)
#define ALB_ACQUIRE(...)
#define ALB_RELEASE(...)
#define ALB_REQUIRES(...)
#define ALB_EXCLUDES(...)
#define ALB_NO_LOCK_ANALYSIS
#endif

#define ALB_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that holds member m at address p. */
#define ALB_CONTAINER_OF(p, type, m) ((type *)(void *)((char *)(p) - offsetof(type, m)))

/* Best-effort calls: says that a must-check result is dropped on purpose; `why` is for the reader. */
#define alb_ignore(call, why)                                                                                \
    do {                                                                                                     \
        if (call) {                                                                                          \
        }                                                                                                    \
    } while (0)

#endif
