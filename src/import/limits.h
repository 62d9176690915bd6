/* SPDX-License-Identifier: Apache-2.0
 *
 * Every bound of the importer (law 7) that is no option. Bytes and items, unless the name says otherwise.
 */
#ifndef ALB_IMPORT_LIMITS_H
#define ALB_IMPORT_LIMITS_H

#define ALB_IMPORT_ITEMS_MAX 4096u              /* files between scan and end; the scanner waits above it */
#define ALB_IMPORT_HASH_QUEUE 256u              /* found, not yet hashed */
#define ALB_IMPORT_CHECK_QUEUE 1024u            /* hashed, not yet asked for */
#define ALB_IMPORT_SEND_QUEUE 256u              /* to be sent; and so many bytes, so that the page cache */
#define ALB_IMPORT_SEND_QUEUE_BYTES (256 << 20) /* still holds what was read for the hash */
#define ALB_IMPORT_CHECK_BATCH 500u             /* checksums per question to the server */
#define ALB_IMPORT_CHECK_WAIT_MS 50             /* how long a batch waits to become full */

#define ALB_IMPORT_INLINE_MAX (4 << 20) /* bytes sent along with the creation of an upload */
#define ALB_IMPORT_PIECE_MAX (32 << 20) /* bytes of one request: what a wrong checksum or a break can cost */
#define ALB_IMPORT_ROUNDS_MAX 10u       /* times one upload may begin at 0 again */
#define ALB_IMPORT_CHANGED_MAX 3u       /* times a file may change under us before it fails */

#define ALB_IMPORT_JOBS_MAX 20
#define ALB_IMPORT_JOBS_LEAST 4 /* unless --concurrent says so */
#define ALB_IMPORT_HASHERS_MAX 4u
#define ALB_IMPORT_ANSWER_MAX ((size_t)4 << 20) /* longest answer of the server */
#define ALB_IMPORT_KEY_MAX ((size_t)4096)
#define ALB_IMPORT_URL_MAX ((size_t)2048) /* longest upload address that is remembered */
#define ALB_IMPORT_PATH_MAX ((size_t)4096)
#define ALB_IMPORT_LABEL_MAX ((size_t)1024)       /* bytes of an album or tag name */
#define ALB_IMPORT_DEPTH_MAX 128u                 /* folders within folders */
#define ALB_IMPORT_FOLDER_MAX ((size_t)256 << 20) /* bytes of names in one folder */
#define ALB_IMPORT_TYPES_MAX 512u                 /* extensions that the server lists */
#define ALB_IMPORT_FAILURES_MAX 10000u            /* failures kept with path and reason; more are counted */
#define ALB_IMPORT_FAILURES_SHOWN 100u            /* of them in the table (all in --json) */
#define ALB_IMPORT_JOURNAL_LINE ((size_t)16384)
#define ALB_IMPORT_JOURNAL_FLUSH_NS                                                                          \
    (1000 * (int64_t)1000000) /* longest time between two syncs of the journal */

#define ALB_IMPORT_CONNECT_NS (15 * (int64_t)1000000000)
#define ALB_IMPORT_GRACE_NS (2 * (int64_t)1000000000) /* after Ctrl-C, for uploads that are nearly done */

#endif
