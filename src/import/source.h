/* SPDX-License-Identifier: Apache-2.0
 *
 * Where files come from. A source walks once and tells a sink what it finds: files to import (with the album
 * that its own rules give them), files that it leaves out and why, and what could not be read. Folders are
 * the first kind; takeout archives, iCloud and Picasa exports are further kinds of source: they bring their
 * own matching and may read from inside archives, which is why a file is opened through its source. walk the
 * scanner's thread, once; blocks in the sink while the pipeline is full open   any thread, at any time after
 * `file` was told, until free; a descriptor that can be read from 0
 */
#ifndef ALB_IMPORT_SOURCE_H
#define ALB_IMPORT_SOURCE_H

#include "import/item.h"
#include "import/select.h"

struct alb_found {
    struct alb_str path; /* absolute; borrowed, as is all of it */
    struct alb_str album;
    int64_t size, mtime_ns;
    uint64_t ino;
};

struct alb_sink {
    void *ctx;
    bool (*file)(void *ctx, const struct alb_found *f); /* false: the walk is to end */
    bool (*skip)(void *ctx, enum alb_skip why, struct alb_str path, int64_t size);
    bool (*fail)(void *ctx, struct alb_str path, const struct alb_err *err);
};

struct alb_source {
    const char *name; /* literal: "folder" */
    void (*walk)(struct alb_source *s, const struct alb_sink *sink);
    enum alb_code (*open)(const struct alb_source *s, const struct alb_item *item, int *fd,
                          struct alb_err *err);
    void (*free)(struct alb_source *s);
};

/* Albums from folders. */
enum alb_folder_album { ALB_FOLDER_ALBUM_NONE, ALB_FOLDER_ALBUM_NAME, ALB_FOLDER_ALBUM_PATH };

struct alb_folder_config {
    const struct alb_select *select; /* borrowed until free */
    char **paths;                    /* borrowed; folders and files, NULL at the end */
    bool recursive;
    enum alb_folder_album album_mode;
    struct alb_str album; /* for every file, when album_mode is NONE */
};
/* Fails (NOT_FOUND, IO) when one of the paths is not there: nothing has begun then. */
enum alb_code alb_source_folder_new(const struct alb_folder_config *config, struct alb_source **source,
                                    struct alb_err *err) ALB_MUST_CHECK;

#endif
