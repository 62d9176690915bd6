/* SPDX-License-Identifier: Apache-2.0
 *
 * One asset as Immich 2.x writes it (AssetResponseDto), exifInfo and tags included. Times: "…sss" with Z, but
 * exifInfo.dateTimeOriginal with an offset, because immich-go reads no other form. duration is null for all
 * clients: the versions disagree about its type.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "doors/immich/door.h"

static const char *type_word(enum alb_kind kind)
{
    switch (kind) {
    case ALB_KIND_IMAGE:
        return "IMAGE";
    case ALB_KIND_VIDEO:
        return "VIDEO";
    case ALB_KIND_AUDIO:
        return "AUDIO";
    case ALB_KIND_OTHER:
        return "OTHER";
    }
    return "OTHER";
}

static bool says(const struct alb_layer *l, enum alb_field f)
{
    return (l->stated & ALB_FIELD_BIT(f)) && !(l->empty & ALB_FIELD_BIT(f));
}

static void number(struct alb_json *j, const char *key, double v, bool known)
{
    alb_json_key(j, key);
    if (known && isfinite(v))
        alb_json_double(j, v);
    else
        alb_json_null(j);
}

static void text(struct alb_json *j, const char *key, struct alb_str v)
{
    if (v.n > 0)
        alb_json_kstr(j, key, v);
    else
        alb_json_knull(j, key);
}

static void date_original(struct alb_json *j, const struct alb_asset *a)
{
    char z[25], offset[40];
    if (!says(&a->effective, ALB_FIELD_CAPTURE)) {
        alb_json_knull(j, "dateTimeOriginal");
        return;
    }
    alb_time_rfc3339(a->effective.capture.utc_ms, z);
    (void)snprintf(offset, sizeof(offset), "%.23s+00:00", z);
    alb_json_kc(j, "dateTimeOriginal", offset);
}

/* As shown: turned by the file's orientation and by a person. */
static void shown_size(const struct alb_asset *a, int32_t *width, int32_t *height)
{
    int turn = says(&a->effective, ALB_FIELD_ROTATION) ? a->effective.rotation : 0;
    bool swapped = (a->media.orientation >= 5) != (turn == 90 || turn == 270);
    *width = swapped ? a->media.height : a->media.width;
    *height = swapped ? a->media.width : a->media.height;
}

static void time_zone(struct alb_json *j, const struct alb_asset *a)
{
    const struct alb_capture *c = &a->effective.capture;
    char zone[16];
    if (!says(&a->effective, ALB_FIELD_CAPTURE) || !c->has_offset) {
        text(j, "timeZone", a->media.time_zone);
        return;
    }
    int minutes = c->offset_min < 0 ? -c->offset_min : c->offset_min;
    (void)snprintf(zone, sizeof(zone), "UTC%c%d:%02d", c->offset_min < 0 ? '-' : '+', minutes / 60 % 24,
                   minutes % 60);
    alb_json_kc(j, "timeZone", zone);
}

static void exif(struct alb_json *j, const struct alb_asset *a)
{
    const struct alb_media *m = &a->media;
    const struct alb_layer *l = &a->effective;
    char orientation[12];
    (void)snprintf(orientation, sizeof(orientation), "%d", m->orientation);
    alb_json_key(j, "exifInfo");
    alb_json_object(j);
    text(j, "make", m->make);
    text(j, "model", m->model);
    text(j, "lensModel", m->lens);
    number(j, "exifImageWidth", m->width, m->width > 0);
    number(j, "exifImageHeight", m->height, m->height > 0);
    alb_json_ki64(j, "fileSizeInByte", a->size);
    alb_json_kc(j, "orientation", m->orientation > 0 ? orientation : NULL);
    date_original(j, a);
    alb_immich_json_time(j, "modifyDate", a->file_modified_at);
    time_zone(j, a);
    number(j, "fNumber", m->f_number, true);
    number(j, "focalLength", m->focal_mm, true);
    number(j, "iso", m->iso, m->iso > 0);
    text(j, "exposureTime", m->exposure);
    number(j, "latitude", l->latitude, says(l, ALB_FIELD_GPS));
    number(j, "longitude", l->longitude, says(l, ALB_FIELD_GPS));
    text(j, "city", m->city);
    text(j, "state", m->state);
    text(j, "country", m->country);
    alb_json_kstr(j, "description", says(l, ALB_FIELD_DESCRIPTION) ? l->description : ALB_STR(""));
    text(j, "projectionType", m->projection);
    number(j, "rating", l->rating, says(l, ALB_FIELD_RATING));
    alb_json_end(j);
}

static struct alb_str leaf(struct alb_str path)
{
    size_t slash = alb_str_rfind(path, '/');
    return slash == ALB_STR_NPOS ? path : alb_str_from(path, slash + 1);
}

static void tags(struct alb_json *j, const struct alb_asset *a)
{
    alb_json_key(j, "tags");
    alb_json_array(j);
    for (size_t i = 0; i < a->tag_count; i++) {
        alb_json_object(j);
        alb_immich_json_uuid(j, "id", &a->tags[i].uuid);
        alb_json_kstr(j, "name", leaf(a->tags[i].value));
        alb_json_kstr(j, "value", a->tags[i].value);
        alb_json_end(j);
    }
    alb_json_end(j);
}

static void stack(struct alb_json *j, const struct alb_asset *a)
{
    alb_json_key(j, "stack");
    if (!a->has_stack) {
        alb_json_null(j);
        return;
    }
    alb_json_object(j);
    alb_immich_json_uuid(j, "id", &a->stack);
    alb_immich_json_uuid(j, "primaryAssetId", &a->stack_primary);
    alb_json_ki64(j, "assetCount", a->stack_count);
    alb_json_end(j);
}

static int64_t created_instant(const struct alb_asset *a)
{
    if (says(&a->effective, ALB_FIELD_CAPTURE))
        return a->effective.capture.utc_ms;
    return a->file_modified_at ? a->file_modified_at : a->created_at;
}

void alb_immich_json_asset(struct alb_json *j, const struct alb_asset *a)
{
    int32_t width, height;
    shown_size(a, &width, &height);
    alb_json_object(j);
    alb_immich_json_uuid(j, "id", &a->uuid);
    alb_json_kstr(j, "deviceAssetId", a->device_asset_id.p ? a->device_asset_id : ALB_STR(""));
    alb_immich_json_uuid(j, "ownerId", &a->owner_uuid);
    alb_json_kstr(j, "deviceId", a->device_id.p ? a->device_id : ALB_STR(""));
    alb_json_knull(j, "libraryId");
    alb_json_kc(j, "type", type_word(a->kind));
    alb_json_kstr(j, "originalPath", a->name);
    alb_json_kstr(j, "originalFileName", a->name);
    alb_json_kstr(j, "originalMimeType", a->mime);
    alb_immich_json_b64(j, "thumbhash", a->media.thumbhash);
    alb_immich_json_time(j, "fileCreatedAt", created_instant(a));
    alb_immich_json_time(j, "fileModifiedAt", a->file_modified_at ? a->file_modified_at : a->created_at);
    alb_immich_json_time(j, "localDateTime", a->sort_local);
    alb_immich_json_time(j, "createdAt", a->created_at);
    alb_immich_json_time(j, "updatedAt", a->updated_at);
    alb_json_kbool(j, "isFavorite", a->favorite);
    alb_json_kbool(j, "isArchived", a->visibility == ALB_VIS_ARCHIVE);
    alb_json_kbool(j, "isTrashed", a->trashed);
    alb_json_kbool(j, "isOffline", false);
    alb_json_kbool(j, "isEdited", false);
    alb_json_kc(j, "visibility", alb_immich_visibility_word(a->visibility));
    alb_json_knull(j, "duration");
    alb_json_kbool(j, "hasMetadata", true);
    alb_json_kbool(j, "resized", true);
    /* Ours: the content cannot be decoded to its end, or its original has been damaged since it came. */
    alb_json_kbool(j, "isDamaged", a->damaged || a->original_bad);
    alb_json_kbool(j, "isOriginalDamaged", a->original_bad); /* then the same bytes, uploaded again, mend it */
    number(j, "width", width, width > 0);
    number(j, "height", height, height > 0);
    alb_immich_json_b64(j, "checksum", alb_str_n((const char *)a->sha1, sizeof(a->sha1)));
    if (a->has_live)
        alb_immich_json_uuid(j, "livePhotoVideoId", &a->live);
    else
        alb_json_knull(j, "livePhotoVideoId");
    alb_json_knull(j, "duplicateId");
    alb_json_key(j, "people");
    alb_json_array(j);
    alb_json_end(j);
    alb_json_key(j, "unassignedFaces");
    alb_json_array(j);
    alb_json_end(j);
    tags(j, a);
    stack(j, a);
    exif(j, a);
    alb_json_end(j);
}
