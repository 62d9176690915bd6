/* SPDX-License-Identifier: Apache-2.0
 *
 * quarantine/ (contract: quarantine.h). Names begin with the UTC time, so the order of names is the order of
 * arrival and pruning needs no file times.
 */
#include "blob/quarantine.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "blob/list.h"

#define NAME_MAX_LEN 200

struct alb_quarantine {
    /* fixed after create */
    int dirfd;
    int64_t max_bytes, max_files;
    const struct alb_clock *clock;
    /* atomic */
    atomic_uint serial;
    _Atomic int64_t taken;
};

enum alb_code alb_quarantine_open(int data_dirfd, int64_t max_bytes, int64_t max_files,
                                  const struct alb_clock *clock, struct alb_quarantine **q,
                                  struct alb_err *err)
{
    int fd = -1;
    enum alb_code code = alb_fs_mkdirs(data_dirfd, "quarantine", 0700, err);

    *q = NULL;
    if (code == ALB_OK)
        code = alb_fs_open(data_dirfd, "quarantine", O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (code != ALB_OK)
        return code;
    struct alb_quarantine *n = alb_mem_calloc(1, sizeof(*n));
    if (n == NULL) {
        alb_fs_close(&fd);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for quarantine");
    }
    n->dirfd = fd;
    n->max_bytes = max_bytes;
    n->max_files = max_files;
    n->clock = clock;
    *q = n;
    return ALB_OK;
}

void alb_quarantine_close(struct alb_quarantine **q)
{
    if (*q == NULL)
        return;
    alb_fs_close(&(*q)->dirfd);
    alb_mem_free(*q);
    *q = NULL;
}

struct census {
    int64_t files, bytes;
    char oldest[NAME_MAX_LEN + 1];
    int64_t oldest_bytes;
};

static enum alb_code count_one(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    struct census *c = arg;
    struct stat st;

    (void)err;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return ALB_OK;
    c->files++;
    c->bytes += st.st_size;
    if (strlen(name) <= NAME_MAX_LEN && (c->oldest[0] == '\0' || strcmp(name, c->oldest) < 0)) {
        (void)snprintf(c->oldest, sizeof(c->oldest), "%s", name);
        c->oldest_bytes = st.st_size;
    }
    return ALB_OK;
}

/* The folder is small (max_files), damage is rare: counting it again for each file that goes is fine. */
static void prune(struct alb_quarantine *q)
{
    for (;;) {
        struct census c = {0};
        if (alb_list_folder(q->dirfd, ".", count_one, &c, NULL) != ALB_OK)
            return;
        if ((c.bytes <= q->max_bytes && c.files <= q->max_files) || c.oldest[0] == '\0')
            return;
        if (alb_fs_unlink(q->dirfd, c.oldest, NULL) != ALB_OK)
            return;
    }
}

enum alb_code alb_quarantine_take(struct alb_quarantine *q, int dirfd, const char *name, const char *why,
                                  bool keep, struct alb_err *err)
{
    char to[NAME_MAX_LEN + 1], stamp[25];
    struct alb_err moved = ALB_ERR_INIT;
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    unsigned n = atomic_fetch_add_explicit(&q->serial, 1, memory_order_relaxed);

    alb_time_rfc3339(alb_wall(q->clock), stamp);
    for (char *c = strchr(stamp, ':'); c != NULL; c = strchr(c, ':'))
        *c = '-'; /* exFAT, SMB and others know no names with colons */
    (void)snprintf(to, sizeof(to), "%s-%06u-%s", stamp, n, base);
    enum alb_code code = alb_fs_rename(dirfd, name, q->dirfd, to, &moved);
    if (code == ALB_E_NOT_FOUND)
        return alb_fail(err, code, "%s is gone", name);
    atomic_fetch_add_explicit(&q->taken, 1, memory_order_relaxed);
    alb_stat_inc(ALB_STAT_QUARANTINED);
    alb_log(ALB_LOG_ERROR, "damaged file", ALB_LOG_C("file", name), ALB_LOG_C("why", why),
            ALB_LOG_C("moved_to", code == ALB_OK ? to : ""));
    if (code == ALB_OK) {
        prune(q);
        return ALB_OK;
    }
    if (keep)
        return alb_fail_sys(err, code, moved.sys, "%s", moved.msg);
    return alb_fs_unlink(dirfd, name, err);
}

enum alb_code alb_quarantine_look(struct alb_quarantine *q, struct alb_quarantine_view *view,
                                  struct alb_err *err)
{
    struct census c = {0};
    enum alb_code code = alb_list_folder(q->dirfd, ".", count_one, &c, err);

    *view =
        (struct alb_quarantine_view){c.files, c.bytes, atomic_load_explicit(&q->taken, memory_order_relaxed)};
    return code;
}
