/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients ask before they sign in or upload: constant answers from memory.
 */
#include <string.h>

#include "doors/immich/door.h"
#include "library/auth.h"

static enum alb_hot literal(struct alb_req *req, struct alb_str body)
{
    alb_res_type(req, "application/json; charset=utf-8");
    alb_res_literal(req, body);
    return ALB_HOT_HIT;
}

enum alb_hot alb_immich_ping(struct alb_req *req)
{
    return literal(req, ALB_STR("{\"res\":\"pong\"}"));
}

enum alb_hot alb_immich_version(struct alb_req *req)
{
    return literal(req, ALB_STR("{\"major\":2,\"minor\":4,\"patch\":0}"));
}

enum alb_hot alb_immich_well_known(struct alb_req *req)
{
    return literal(req, ALB_STR("{\"api\":{\"endpoint\":\"/api\"}}"));
}

enum alb_hot alb_immich_features(struct alb_req *req)
{
    return literal(req,
                   ALB_STR("{\"configFile\":false,\"duplicateDetection\":false,\"email\":false,"
                           "\"facialRecognition\":false,\"importFaces\":false,\"map\":false,\"oauth\":false,"
                           "\"oauthAutoLaunch\":false,\"ocr\":false,\"passwordLogin\":true,"
                           "\"reverseGeocoding\":false,\"search\":true,\"sidecar\":false,"
                           "\"smartSearch\":false,\"trash\":true}"));
}

enum alb_hot alb_immich_about(struct alb_req *req)
{
    return literal(req, ALB_STR("{\"version\":\"v2.4.0\",\"versionUrl\":\"\",\"licensed\":false,"
                                "\"repository\":\"albumen\",\"build\":\"" ALB_VERSION "\"}"));
}

/* A superset of what clients pick up; what a file is, is decided by its content. */
enum alb_hot alb_immich_media_types(struct alb_req *req)
{
    return literal(
        req,
        ALB_STR(
            "{\"video\":[\".3gp\",\".3gpp\",\".avi\",\".flv\",\".insv\",\".m2t\",\".m2ts\",\".m4v\",\".mkv\","
            "\".mov\",\".mp4\",\".mpe\",\".mpeg\",\".mpg\",\".mts\",\".mxf\",\".ts\",\".vob\",\".webm\",\"."
            "wmv\"],"
            "\"image\":[\".3fr\",\".ari\",\".arw\",\".avif\",\".bmp\",\".cap\",\".cin\",\".cr2\",\".cr3\","
            "\".crw\",\".dcr\",\".dng\",\".erf\",\".fff\",\".gif\",\".heic\",\".heif\",\".hif\",\".ico\",\"."
            "iiq\","
            "\".insp\",\".jp2\",\".jpe\",\".jpeg\",\".jpg\",\".jxl\",\".k25\",\".kdc\",\".mrw\",\".nef\",\"."
            "nrw\","
            "\".orf\",\".ori\",\".pdf\",\".pef\",\".png\",\".psd\",\".raf\",\".raw\",\".rw2\",\".rwl\",\"."
            "sr2\","
            "\".srf\",\".srw\",\".svg\",\".tif\",\".tiff\",\".webp\",\".x3f\"],\"sidecar\":[\".xmp\"]}"));
}

enum alb_step alb_immich_config(struct alb_req *req)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_buf out;
    struct alb_json j;
    bool first = false;
    if (alb_library_first_run(door->auth.library, &first, &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    alb_immich_begin(&j, &out);
    alb_json_object(&j);
    alb_json_kbool(&j, "isInitialized", !first);
    alb_json_kbool(&j, "isOnboarded", true);
    alb_json_kc(&j, "externalDomain", "");
    alb_json_kc(&j, "loginPageMessage", "");
    alb_json_kbool(&j, "maintenanceMode", false);
    alb_json_kc(&j, "mapDarkStyleUrl", "");
    alb_json_kc(&j, "mapLightStyleUrl", "");
    alb_json_kc(&j, "oauthButtonText", "");
    alb_json_kbool(&j, "publicUsers", false);
    alb_json_ki64(&j, "trashDays", door->trash_days);
    alb_json_ki64(&j, "userDeleteDelay", 7);
    alb_json_end(&j);
    return alb_immich_send(req, 200, &out);
}
