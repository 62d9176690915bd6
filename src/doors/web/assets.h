/* SPDX-License-Identifier: Apache-2.0
 *
 * The built web page inside the program: a table made by tools/embed from web/dist.
 */
#ifndef ALB_DOORS_WEB_ASSETS_H
#define ALB_DOORS_WEB_ASSETS_H

#include "http/http.h"

extern const struct alb_static_file alb_web_files[];
extern const size_t alb_web_file_count;

#endif
