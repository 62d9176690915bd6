/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/immich/door.h"

#define SMALL ALB_IMMICH_BODY_MAX

/* Answered for everybody. */
static const struct alb_route open_routes[] = {
    {"/.well-known/immich", ALB_M_GET, ALB_BODY_NONE, 0, 0, alb_immich_well_known, NULL},
    {"/api/server/ping", ALB_M_GET, ALB_BODY_NONE, ALB_ROUTE_QUIET, 0, alb_immich_ping, NULL},
    {"/api/server/version", ALB_M_GET, ALB_BODY_NONE, 0, 0, alb_immich_version, NULL},
    {"/api/server/features", ALB_M_GET, ALB_BODY_NONE, 0, 0, alb_immich_features, NULL},
    {"/api/server/config", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, alb_immich_config},
    {"/api/server/media-types", ALB_M_GET, ALB_BODY_NONE, 0, 0, alb_immich_media_types, NULL},
    {"/api/auth/login", ALB_M_POST, ALB_BODY_SMALL, 0, 65536, NULL, alb_immich_login},
    {"/api/auth/admin-sign-up", ALB_M_POST, ALB_BODY_SMALL, 0, 65536, NULL, alb_immich_sign_up},
};

/* Answered for who says who it is. */
static const struct alb_route routes[] = {
    {"/api/server/about", ALB_M_GET, ALB_BODY_NONE, 0, 0, alb_immich_about, NULL},
    {"/api/auth/logout", ALB_M_POST, ALB_BODY_SMALL, 0, 65536, NULL, alb_immich_logout},
    {"/api/users/me", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, alb_immich_me},
    {"/api/api-keys/me", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, alb_immich_key_me},
    {"/api/timeline/buckets", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, alb_immich_buckets},
    {"/api/timeline/bucket", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, alb_immich_bucket},
    {"/api/assets/statistics", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, alb_immich_statistics},
    {"/api/assets/bulk-upload-check", ALB_M_POST, ALB_BODY_SMALL, 0, SMALL, NULL, alb_immich_bulk_check},
    {"/api/assets", ALB_M_PUT, ALB_BODY_SMALL, 0, SMALL, NULL, alb_immich_assets_put},
    {"/api/assets", ALB_M_DELETE, ALB_BODY_SMALL, 0, SMALL, NULL, alb_immich_assets_delete},
    {"/api/assets/{id}", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, alb_immich_asset_get},
    {"/api/assets/{id}", ALB_M_PUT, ALB_BODY_SMALL, 0, 65536, NULL, alb_immich_asset_put},
    {"/api/assets/{id}/thumbnail", ALB_M_GET, ALB_BODY_NONE, 0, 0, alb_immich_thumbnail_hot,
     alb_immich_thumbnail},
    {"/api/assets/{id}/original", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, alb_immich_original},
    {"/api/assets/{id}/video/playback", ALB_M_GET, ALB_BODY_NONE, 0, 0, NULL, alb_immich_playback},
    {"/api/trash/restore/assets", ALB_M_POST, ALB_BODY_SMALL, 0, SMALL, NULL, alb_immich_trash_restore},
    {"/api/trash/restore", ALB_M_POST, ALB_BODY_SMALL, 0, 65536, NULL, alb_immich_trash_restore_all},
    {"/api/trash/empty", ALB_M_POST, ALB_BODY_SMALL, 0, 65536, NULL, alb_immich_trash_empty},
    {"/api/search/metadata", ALB_M_POST, ALB_BODY_SMALL, 0, 65536, NULL, alb_immich_search},
};

enum alb_code alb_door_immich(struct alb_http *http, struct alb_door_immich *door, struct alb_err *err)
{
    static struct alb_http_group open_group = {.name = "immich"};
    static struct alb_http_group group = {.name = "immich", .before = alb_auth_require};
    open_group.ctx = door;
    group.ctx = door;
    enum alb_code code = alb_http_routes(http, &open_group, open_routes, ALB_ARRAY_LEN(open_routes), err);
    return code == ALB_OK ? alb_http_routes(http, &group, routes, ALB_ARRAY_LEN(routes), err) : code;
}
