/* SPDX-License-Identifier: Apache-2.0
 *
 * A crash at every file call of what a process does, each in a process of its own (crash.h), and a look at what is left.
 */
#ifndef ALB_TESTS_BLOB_STORY_H
#define ALB_TESTS_BLOB_STORY_H

struct story {
    void (*begin)(const char *path); /* what is there before, all of it on the disk */
    void *(*open)(const char *path); /* of the process that crashes; no crash yet */
    void (*live)(void *world);       /* here; at most one thread at a time */
    void (*check)(const char *path);
    unsigned
        stride; /* a crash at every so manieth call (sanitizers: at fewer); with ALB_TEST_FULL at each */
};
/* In every way there is. */
void story_crash_anywhere(const struct story *s);

#endif
