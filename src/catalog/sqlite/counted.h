/* SPDX-License-Identifier: Apache-2.0
 *
 * What counters and other derived rows must say, asked of the rows they are derived from: for check.c, which
 * compares, and repair.c, which puts right.
 */
#ifndef ALB_CATALOG_SQLITE_COUNTED_H
#define ALB_CATALOG_SQLITE_COUNTED_H

#include "catalog/sqlite/engine.h"

#define COUNTED_MONTHS                                                                                       \
    "SELECT owner_id, visibility, trashed, month_of(sort_local) AS month, count(*) AS assets,"               \
    " sum(kind = 0) AS images, sum(kind = 1) AS videos, sum(behind) AS behind FROM asset GROUP BY 1, 2, 3, " \
    "4"
#define COUNTED_OWNERS                                                                                       \
    "SELECT a.owner_id, count(*) AS assets, sum(b.size) AS bytes FROM asset a JOIN blob b ON b.id = "        \
    "a.blob_id"                                                                                              \
    " GROUP BY 1"
#define COUNTED_ALBUMS                                                                                       \
    "SELECT l.album_id, a.level, count(*) AS photos, max(a.created_at) AS newest_at FROM album_asset l"      \
    " JOIN asset a ON a.id = l.asset_id WHERE a.trashed = 0 AND a.visibility IN (0, 1) GROUP BY 1, 2"
#define COUNTED_JOBS                                                                                         \
    "SELECT kind, sum(state = 0) AS waiting, sum(state = 1) AS leased, sum(state = 2) AS failed FROM job "   \
    "GROUP BY 1"
/* The path of every album, from its parents. */
#define COUNTED_PATHS                                                                                        \
    "WITH RECURSIVE up(album_id, ancestor_id, depth) AS (SELECT id, id, 0 FROM album UNION ALL"              \
    " SELECT up.album_id, b.parent_id, up.depth + 1 FROM up JOIN album b ON b.id = up.ancestor_id"           \
    " WHERE b.parent_id IS NOT NULL AND up.depth < 1000)"
/* The same as a text, of album b: from its rows in album_path, which are checked and repaired before. */
#define COUNTED_PATH_TEXT                                                                                    \
    "(SELECT group_concat(ancestor_id, ',') FROM (SELECT ancestor_id FROM album_path WHERE album_id = b.id"  \
    " ORDER BY depth DESC))"
#define COUNTED_SHOWN "CASE WHEN a.trashed = 0 AND a.visibility IN (0, 1) THEN a.level END"

/* Puts right what check_counters complains about. Where waiting is allowed. */
enum alb_code alb_catalog_repair(struct alb_catalog *cat, struct alb_err *err) ALB_MUST_CHECK;

#endif
