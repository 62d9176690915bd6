/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may see what, answered from one snapshot. A viewer is loaded in the same snapshot as the question, so a
 * revoked session, a deleted user or a withdrawn grant counts at once. Absent data is always "no".
 *
 * see(viewer, asset):
 *   a share's viewer      the asset is in the share, the share's maker sees it, and it is shown (below)
 *   its owner             always; locked ones, and the motion parts of locked ones, only after elevation
 *   anybody else          only while it is shown: timeline or archive, not in the trash; a hidden motion part
 *                         is seen by who sees a still that it belongs to. Then one of:
 *     gallery             asset.gallery, asset.level <= viewer.level, and in a gallery album that is visible
 *     gallery, orphan     the same for administrators, if it is in no gallery album at all
 *     shared              in a personal album that the viewer owns or that is shared with the viewer
 * A gallery album is visible if no album of its path is locked (administrators pass locks), and each private
 * album of its path is granted to the viewer or to one of the viewer's groups (administrators too).
 */
#ifndef ALB_CATALOG_RIGHTS_H
#define ALB_CATALOG_RIGHTS_H

#include "catalog/catalog.h"
#include "catalog/types.h"

struct alb_viewer {
    int64_t user_id; /* 0 = nobody: sees nothing */
    int level;
    bool admin, guest;
    bool elevated;    /* own locked assets too */
    bool all;         /* jobs and the command line: everything */
    int64_t share_id; /* looks through this share, made by user_id */
};

enum alb_viewer_by { ALB_VIEWER_USER, ALB_VIEWER_SESSION, ALB_VIEWER_KEY, ALB_VIEWER_SHARE };
/* Loads who stands behind a credential (id: of the session, key, share or user). UNAUTHENTICATED if it does
 * not exist, has expired or was revoked, or its user is gone. */
enum alb_code alb_catalog_viewer(struct alb_snap *s, enum alb_viewer_by by, int64_t id, int64_t now_ms,
                                 struct alb_viewer *out, struct alb_err *err) ALB_MUST_CHECK;

enum alb_code alb_catalog_see(struct alb_snap *s, const struct alb_viewer *v, int64_t asset_id, bool *sees,
                              struct alb_err *err) ALB_MUST_CHECK;

/* Is it in the locked folder: itself, or as the motion part of a still that is? Then its owner needs
 * elevation, which ends by time, so answers about it are not to be remembered. False if there is no such
 * asset. */
enum alb_code alb_catalog_locked(struct alb_snap *s, int64_t asset_id, bool *locked,
                                 struct alb_err *err) ALB_MUST_CHECK;

struct alb_album_access {
    int kind;               /* enum alb_album_kind */
    bool sees, edits, owns; /* edits: may link and unlink; owns: everything (gallery: administrators) */
};
/* All false if there is no such album. */
enum alb_code alb_catalog_album_access(struct alb_snap *s, const struct alb_viewer *v, int64_t album_id,
                                       struct alb_album_access *out, struct alb_err *err) ALB_MUST_CHECK;

#endif
