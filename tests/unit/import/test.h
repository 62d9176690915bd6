/* SPDX-License-Identifier: Apache-2.0
 *
 * What the unit tests of the importer share.
 */
#ifndef ALB_TEST_IMPORT_H
#define ALB_TEST_IMPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "import/item.h"

/* An item whose content is named by one number. */
static inline struct alb_item *test_item(const char *path, int64_t size, unsigned char content,
                                         const char *album)
{
    struct alb_item *item =
        alb_item_new(NULL, alb_str_c(path), alb_str_c(album), alb_item_labels(alb_str_c(album), ALB_STR("")));
    assert_non_null(item);
    item->size = size;
    item->mtime_ns = 1580000000123456789;
    item->ino = 4711;
    memset(item->sha1, content, sizeof(item->sha1));
    return item;
}

#endif
