/* SPDX-License-Identifier: Apache-2.0
 *
 * What an importer remembers between runs, in one file: an append-only text, one record per line,
 *     albumen-journal 1
 *     <16 hex digits: XXH3-64 of the rest> H <sha1> <size> <mtime ns> <inode> <path>      hash of a file
 *     <...>                                U <sha1> <labels> <size> <address>             upload begun there
 *     <...>                                D <sha1> <labels> <result> <asset>             done
 *     <...>                                X <sha1> <labels>                              that upload is gone
 * with paths and addresses percent-encoded. It is a memory, never the truth: what the server has is
 * asked from the server. So losing it costs time only, and a damaged or torn line is passed over.
 *  1. A record is one write(2) to a descriptor with O_APPEND: kill -9 loses nothing that was appended, and
 * lines of several threads never mix. Syncs are batched (about one per second), so a power cut loses the last
 * second.
 *  2. Opening ends a torn last line, and rewrites the file (new file, fsync, rename) when most of it is dead.
 *  3. One importer per journal: an flock on the file itself.
 *  4. After a write has failed nothing more is written (alb_journal_broken tells); the import goes on.
 * The index is built by open and read-only afterwards: lookups see what earlier runs knew. Any thread, no
 * locks.
 */
#ifndef ALB_IMPORT_JOURNAL_H
#define ALB_IMPORT_JOURNAL_H

#include "base/buf.h"
#include "import/item.h"

struct alb_journal;

enum alb_journal_mode { ALB_JOURNAL_READ, ALB_JOURNAL_WRITE };

/* READ never creates, locks, mends or writes (dry runs); an absent file is an empty journal. Folders of the
 * path are made in WRITE. CONFLICT: another importer has it. INVALID: the file is no journal. */
enum alb_code alb_journal_open(const char *path, enum alb_journal_mode mode, struct alb_journal **journal,
                               struct alb_err *err) ALB_MUST_CHECK;
void alb_journal_close(struct alb_journal **journal); /* NULL inside is allowed; syncs */

/* In all functions below journal may be NULL: nothing is known, nothing is written. */

/* The hash of an unchanged file (path, size, mtime, inode). */
bool alb_journal_hash(const struct alb_journal *j, const struct alb_item *item,
                      unsigned char sha1[ALB_SHA1_LEN]);

enum alb_journal_state { ALB_JOURNAL_NONE, ALB_JOURNAL_HALF, ALB_JOURNAL_DONE };
/* How far these bytes with these labels came. HALF: *url is where (valid until close). DONE is kept only for
 * labels that are not 0: without labels the server's own answer says it all. */
enum alb_journal_state alb_journal_state(const struct alb_journal *j, const struct alb_item *item,
                                         struct alb_str *url);

/* Appends; the item carries path, size, mtime, inode, sha1, labels. */
void alb_journal_hashed(struct alb_journal *j, const struct alb_item *item);
void alb_journal_begun(struct alb_journal *j, const struct alb_item *item, struct alb_str url);
/* Both end a HALF. result is a word, asset a UUID or empty. */
void alb_journal_done(struct alb_journal *j, const struct alb_item *item, const char *result,
                      struct alb_str asset);
void alb_journal_gone(struct alb_journal *j, const struct alb_item *item);
bool alb_journal_broken(const struct alb_journal *j, struct alb_err *err);

/* $XDG_STATE_HOME/albumen/import-<hash of server and key>.journal, else below $HOME/.local/state. NOT_FOUND
 * when neither variable is set. */
enum alb_code alb_journal_default_path(struct alb_str server, struct alb_str key, struct alb_buf *path,
                                       struct alb_err *err) ALB_MUST_CHECK;

#endif
