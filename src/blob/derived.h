/* SPDX-License-Identifier: Apache-2.0
 *
 * Derived files: bytes that can be made again (results of render, copies of remote sources). One file =
 *
 *   offset  size  field (integers little-endian)
 *        0     8  magic "ALBDERV2"
 *        8     8  XXH3-64 of everything behind this field
 *       16    32  key
 *       48     8  length of the body
 *       56     8  created, wall ms
 *       64     4  length of the meta blob (<= 4096)
 *       68     4  length of the labels (<= 8192)
 *       72     8  purges (blob/purges.h) that were known when its making began
 *       80     1  kind, of the cache's user: what its books count by
 *       81     7  0, reserved
 *       88     m  meta blob (content type and whatever render wants to know about the body)
 *   88 + m     l  labels (blob/labels.h): by what it can be purged
 *  ... + l     n  body, to the end of the file
 *
 * They are published atomically but not fsynced: after a power cut a file may be torn, the checksum tells,
 * the file goes to quarantine/ and the bytes are made again. They are read and checked whole before a byte is
 * used (law 3). File name: the first 16 bytes of the key in hex, in a folder of its first two digits; the
 * full key in the header decides. Files of version 1 are misses. Any thread, no locks.
 */
#ifndef ALB_BLOB_DERIVED_H
#define ALB_BLOB_DERIVED_H

#include "base/obj.h"
#include "blob/quarantine.h"

#define ALB_DERIVED_KEY_LEN 32
#define ALB_DERIVED_HEAD 88
#define ALB_DERIVED_SUMMED_AT 16
#define ALB_DERIVED_META_MAX 4096
#define ALB_DERIVED_LABELS_MAX 8192
#define ALB_DERIVED_BODY_MAX ((int64_t)1 << 30)
#define ALB_DERIVED_FRONT_MAX ((size_t)ALB_DERIVED_HEAD + ALB_DERIVED_META_MAX + ALB_DERIVED_LABELS_MAX)
#define ALB_DERIVED_FILE_MAX (ALB_DERIVED_FRONT_MAX + (size_t)ALB_DERIVED_BODY_MAX)
#define ALB_DERIVED_NAME_MAX 40 /* "ab/" + 32 digits + NUL */

struct alb_derived_key {
    unsigned char b[ALB_DERIVED_KEY_LEN];
};

/* What stands in front of the body, to be written. Borrowed. */
struct alb_derived_front {
    struct alb_str meta, labels;
    uint64_t purges; /* 0: it cannot be older than any purge */
    uint8_t kind;
};

/* What a file says; views into the parsed memory. */
struct alb_derived_view {
    struct alb_derived_key key;
    uint64_t checksum;
    int64_t created_ms;
    struct alb_derived_front front;
    struct alb_str body;
};
/* Pure. CORRUPT if anything is wrong; key NULL = any key is fine. A good file of another key is NOT_FOUND, and
 * so is one of an older version. */
enum alb_code alb_derived_parse(const unsigned char *p, size_t n, const struct alb_derived_key *key,
                                struct alb_derived_view *view, struct alb_err *err) ALB_MUST_CHECK;
/* The same of its first n bytes, which hold all that is in front of the body; the whole file has file_n. The
 * checksum is not looked at, and view->body may reach beyond what is there. */
enum alb_code alb_derived_parse_front(const unsigned char *p, size_t n, uint64_t file_n,
                                      struct alb_derived_view *view, struct alb_err *err) ALB_MUST_CHECK;
void alb_derived_name(const struct alb_derived_key *key, char out[ALB_DERIVED_NAME_MAX]);

/* What was read; ref-counted parts. Fini releases. */
struct alb_derived {
    struct alb_bytes *body; /* a view that keeps the file's memory alive */
    char *meta;             /* meta_n bytes, alb_mem */
    size_t meta_n;
    int64_t created_ms;
    uint64_t purges;
    uint8_t kind;
};
void alb_derived_fini(struct alb_derived *d); /* safe twice and on a zeroed struct */

/* Size of the file that holds such a body. */
int64_t alb_derived_file_size(const struct alb_derived_front *front, size_t body_n);

/* dirfd: the folder of the cache; tmp_dirfd: tmp/ of the same file system. */
enum alb_code alb_derived_write(int dirfd, int tmp_dirfd, const struct alb_derived_key *key,
                                const struct alb_derived_front *front, struct alb_str body, int64_t created_ms,
                                struct alb_err *err) ALB_MUST_CHECK;
/* NOT_FOUND = miss. CORRUPT (also: the disk cannot read it): it was bad, has been moved to quarantine and counted: a
 * miss as well. */
enum alb_code alb_derived_read(int dirfd, const struct alb_derived_key *key,
                               struct alb_quarantine *quarantine, struct alb_derived *out,
                               struct alb_err *err) ALB_MUST_CHECK;
/* The same of a file of at most `most` bytes that the kernel has in memory: never waits for the disk. Nothing is done
 * about what is damaged. BUSY, UNSUPPORTED: alb_fs_read_cached; what it cannot read, it may yet be. */
enum alb_code alb_derived_read_cached(int dirfd, const struct alb_derived_key *key, size_t most,
                                      struct alb_derived *out, struct alb_err *err) ALB_MUST_CHECK;
/* What stands in front of the body of a file of that name, without its body and so without its checksum: good
 * enough to decide that it goes. The views point into room. NOT_FOUND, CORRUPT, IO. */
enum alb_code alb_derived_read_front(int dirfd, const char *name, unsigned char room[ALB_DERIVED_FRONT_MAX],
                                     struct alb_derived_view *view, struct alb_err *err) ALB_MUST_CHECK;

#endif
