/* SPDX-License-Identifier: Apache-2.0
 *
 * The visibility of a gallery album as an SQL condition, for single questions and for lists. `?1` is the
 * viewer's user id, `?2` is 1 for administrators. An album without its path rows is not visible: absent data
 * is no.
 */
#ifndef ALB_CATALOG_SQLITE_RIGHTS_SQL_H
#define ALB_CATALOG_SQLITE_RIGHTS_SQL_H

#define ALB_SQL_GALLERY_VISIBLE(album)                                                                       \
    "(EXISTS (SELECT 1 FROM album_path vs WHERE vs.album_id = " album " AND vs.ancestor_id = " album ")"     \
    " AND NOT EXISTS (SELECT 1 FROM album_path vp JOIN album va ON va.id = vp.ancestor_id"                   \
    "  WHERE vp.album_id = " album " AND ((va.locked = 1 AND ?2 = 0) OR (va.private = 1"                     \
    "   AND NOT EXISTS (SELECT 1 FROM album_account vg WHERE vg.album_id = va.id AND vg.account_id = ?1)"    \
    "   AND NOT EXISTS (SELECT 1 FROM album_group vr JOIN group_member vm ON vm.group_id = vr.group_id"      \
    "     WHERE vr.album_id = va.id AND vm.account_id = ?1)))))"
#define ALB_SQL_PERSONAL_VISIBLE(album)                                                                      \
    "(" album ".owner_id = ?1 OR EXISTS (SELECT 1 FROM album_account ps WHERE ps.album_id = " album ".id"    \
    " AND ps.account_id = ?1))"

/* The motion part `asset` belongs to a still of the locked folder. */
#define ALB_SQL_STILL_LOCKED(asset)                                                                          \
    "EXISTS (SELECT 1 FROM asset sl WHERE sl.live_id = " asset ".id AND sl.visibility = 3)"

#endif
