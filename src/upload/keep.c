/* SPDX-License-Identifier: Apache-2.0
 *
 * The sink that leaves uploads where they are (sink.h). Its answer is empty.
 */
#include "upload/sink.h"

static enum alb_code take(void *ctx, const struct alb_upload_parcel *parcel, struct alb_future **future,
                          struct alb_err *err)
{
    struct alb_owner title;

    (void)ctx;
    (void)parcel;
    struct alb_bytes *nothing = alb_bytes_copy("", 0);
    if (nothing == NULL || alb_future_new(future, &title) != ALB_OK) {
        alb_bytes_unref(nothing);
        *future = NULL;
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to finish an upload");
    }
    (void)alb_future_settle(&title, &nothing->obj);
    return ALB_OK;
}

const struct alb_upload_sink *alb_upload_keep(void)
{
    static const struct alb_upload_sink keep = {.take = take, .keeps_data = true};

    return &keep;
}
