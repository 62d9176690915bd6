/* SPDX-License-Identifier: Apache-2.0
 *
 * See item.h. An item and its two strings are one allocation.
 */
#include "import/item.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "import/limits.h"

struct alb_item *alb_item_new(const struct alb_source *source, struct alb_str path, struct alb_str album,
                              uint64_t labels)
{
    if (path.n > ALB_IMPORT_PATH_MAX || album.n > ALB_IMPORT_PATH_MAX)
        return NULL;
    struct alb_item *item = alb_mem_calloc(1, sizeof(*item) + path.n + 1 + album.n);
    if (!item)
        return NULL;
    char *p = (char *)(item + 1);
    memcpy(p, path.p, path.n);
    if (album.n > 0)
        memcpy(p + path.n + 1, album.p, album.n);
    item->source = source;
    item->path = p;
    item->album = alb_str_n(p + path.n + 1, album.n);
    item->labels = labels;
    return item;
}

void alb_item_free(struct alb_item **item)
{
    alb_mem_free(*item);
    *item = NULL;
}

uint64_t alb_item_labels(struct alb_str album, struct alb_str tags)
{
    if (album.n == 0 && tags.n == 0)
        return 0;
    struct alb_buf b = ALB_BUF_INIT(1 << 20);
    alb_buf_u64(&b, album.n);
    alb_buf_char(&b, ':');
    alb_buf_str(&b, album);
    alb_buf_str(&b, tags);
    uint64_t h = alb_xxh3(b.p, b.n);
    alb_buf_fini(&b);
    return h == 0 ? 1 : h;
}

struct alb_str alb_item_name(const struct alb_item *item)
{
    struct alb_str path = alb_str_c(item->path);
    size_t slash = alb_str_rfind(path, '/');
    return slash == ALB_STR_NPOS ? path : alb_str_from(path, slash + 1);
}
