/* SPDX-License-Identifier: Apache-2.0
 *
 * The seal of a file on a shelf: an extended attribute that says which bytes were put there, and under which name.
 * "2 SIZE MTIME PLACE XXH3": numbers in decimal, sums in hex; MTIME in ns, of the file when its last byte was written;
 * PLACE is the sum of the shelf's name and the path on it, so that the whole folder may be moved.
 *
 *   - Of another place: the file was moved or copied here together with its attributes. Two that were swapped cannot be
 *     told from one that was renamed on purpose, so it is what no file of this name may be, whatever its size and time.
 *   - Size or time are not the file's: it is about other bytes (somebody has written into the file since), and no seal.
 *   - "1 SIZE MTIME XXH3 SHA256" is of older albumens: says what the bytes are, and nothing about the name. Its file is
 *     taken under whatever name it has, as others' files are, and sealed anew, so that it is bound from then on.
 *
 * A seal keeps accidents out, not forgers: whoever may write here may put any picture under any name. But under no
 * other one: what is made of a file is cached by its identity, and that is the SHA-256 which this process has worked
 * out from the bytes, never one that a file tells of itself. Not a sum of path and XXH3, which would do too: a source
 * that has just come from its server is known by its SHA-256, and what was made of it then is found again.
 *
 * SHA-256 takes ten times as long as XXH3 (fifty times without instructions for it), so it is remembered, by stamp and
 * XXH3 of the file. The bytes are read and their XXH3 is worked out every time: a disk that loses bits, or a write
 * through mmap, leaves all times as they are.
 *
 * Private to src/render. One thread per file; reads files. Lock of the memo: SHELF, for a lookup.
 */
#ifndef ALB_RENDER_SHELF_SEAL_H
#define ALB_RENDER_SHELF_SEAL_H

#include "base/hash.h"
#include "render/origin_priv.h"

struct alb_seal {
    uint64_t place, xxh3;
};
uint64_t alb_seal_place(const char *shelf, struct alb_str path);

enum alb_seal_kind {
    ALB_SEAL_NONE,      /* or of other bytes */
    ALB_SEAL_ELSEWHERE, /* of another place */
    ALB_SEAL_OLD,       /* of version 1; *seal is what it would be now */
    ALB_SEAL_HERE,
};
enum alb_seal_kind alb_seal_read(int fd, const struct alb_origin_stamp *stamp, uint64_t place,
                                 struct alb_seal *seal) ALB_MUST_CHECK;
/* stamp: of the file as soon as all bytes were there. A file system without attributes is no error: then there is no
 * seal. IO, NO_SPACE. */
enum alb_code alb_seal_write(int fd, const struct alb_origin_stamp *stamp, const struct alb_seal *seal,
                             struct alb_err *err) ALB_MUST_CHECK;

/* The SHA-256 of files that were read whole by this process: a fixed number, a newcomer takes the place of whom it
 * collides with. NULL: no memory. */
struct alb_seal_memo;
struct alb_seal_memo *alb_seal_memo_new(void) ALB_MUST_CHECK;
void alb_seal_memo_free(struct alb_seal_memo **memo); /* NULL is fine */

/* Reads the whole file. *good: its bytes are those of the seal; sha256 is then theirs. IO, NO_MEMORY. */
enum alb_code alb_seal_check(struct alb_seal_memo *memo, int fd, const struct alb_origin_stamp *stamp,
                             const struct alb_seal *seal, unsigned char sha256[ALB_SHA256_LEN], bool *good,
                             struct alb_err *err) ALB_MUST_CHECK;

/* Where bytes come from for alb_seal_copy: n of them at `off`; false: *err says why. */
typedef bool alb_seal_source_fn(void *ctx, int64_t off, void *p, size_t n, struct alb_err *err);
/* Writes `size` bytes from a source into an empty file; *xxh3: their sum. */
enum alb_code alb_seal_copy(int fd, int64_t size, alb_seal_source_fn *source, void *ctx, uint64_t *xxh3,
                            struct alb_err *err) ALB_MUST_CHECK;

#endif
