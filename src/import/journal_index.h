/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal in memory: two hash tables (open addressing), filled while the file is read.
 *   files    key = 16 bytes of SHA-1 over path, size, mtime, inode -> SHA-1 of the content; 36 bytes each, so
 *            that a million photos stay below 100 MB (the paths themselves are not kept)
 *   uploads  (SHA-1, labels) -> half done at an address, or done
 * Also reads and checks single lines. One thread while it grows; read-only afterwards.
 */
#ifndef ALB_IMPORT_JOURNAL_INDEX_H
#define ALB_IMPORT_JOURNAL_INDEX_H

#include "import/journal.h"
#include "import/limits.h"

#define ALB_JOURNAL_HEAD "albumen-journal 1\n"

struct alb_journal_file {
    unsigned char key[16]; /* all zero = free */
    unsigned char sha1[ALB_SHA1_LEN];
};
struct alb_journal_upload {
    unsigned char sha1[ALB_SHA1_LEN];
    bool used;
    enum alb_journal_state state;
    uint64_t labels;
    char *url; /* with state HALF */
    size_t url_n;
};
struct alb_journal_index {
    struct alb_journal_file *files;
    size_t files_n, files_cap;
    struct alb_journal_upload *uploads;
    size_t uploads_n, uploads_cap;
    uint64_t lines, live; /* good lines read, and how many of them a rewritten journal would keep */
};

struct alb_journal_line {
    char kind; /* 'H', 'U', 'D' or 'X' */
    unsigned char sha1[ALB_SHA1_LEN];
    int64_t size, mtime_ns;             /* H; size also U */
    uint64_t ino;                       /* H */
    uint64_t labels;                    /* U, D, X */
    char text[ALB_IMPORT_PATH_MAX + 1]; /* H: path; U: address */
    size_t text_n;
};
/* A line without its newline. False: torn, damaged or of a kind that this version does not know. */
bool alb_journal_line_parse(struct alb_str line, struct alb_journal_line *out) ALB_MUST_CHECK;
/* Puts checksum before and newline behind. */
void alb_journal_line_write(struct alb_buf *out, struct alb_str rest);

void alb_journal_key(struct alb_str path, int64_t size, int64_t mtime_ns, uint64_t ino,
                     unsigned char key[16]);

enum alb_code alb_journal_index_add(struct alb_journal_index *x, const struct alb_journal_line *line,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Whether a line still says something that the index says. */
bool alb_journal_index_live(const struct alb_journal_index *x, const struct alb_journal_line *line);
const struct alb_journal_file *alb_journal_index_file(const struct alb_journal_index *x,
                                                      const unsigned char key[16]);
const struct alb_journal_upload *alb_journal_index_upload(const struct alb_journal_index *x,
                                                          const unsigned char sha1[ALB_SHA1_LEN],
                                                          uint64_t labels);
void alb_journal_index_fini(struct alb_journal_index *x);

#endif
