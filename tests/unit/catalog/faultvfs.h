/* SPDX-License-Identifier: Apache-2.0
 * A VFS for SQLite that passes everything on to the system's and fails when told: the n-th write or sync of
 * any file of the catalog fails with a given result. And an allocator that fails the n-th request of one
 * thread.
 */
#ifndef TEST_CATALOG_FAULTVFS_H
#define TEST_CATALOG_FAULTVFS_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum fault_on { FAULT_WRITE, FAULT_SYNC };

static struct {
    _Atomic int left; /* calls until the fault; 0 = no plan */
    _Atomic int on, rc;
    _Atomic bool fired, sticky;
} fault;

static inline void fault_plan(enum fault_on on, int n, int rc, bool sticky)
{
    fault.on = on;
    fault.rc = rc;
    fault.sticky = sticky;
    fault.fired = false;
    fault.left = n;
}

static inline bool fault_hits(enum fault_on on)
{
    int left = fault.left;

    if (left == 0 || fault.on != (int)on)
        return false;
    if (left > 1) {
        fault.left = left - 1;
        return false;
    }
    fault.fired = true;
    if (!fault.sticky)
        fault.left = 0;
    return true;
}

/* ---- files ---- */

struct ffile {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
};

static inline sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct ffile *)(void *)f)->real;
}
#define REAL(f) (real_of(f)->pMethods)

static int f_close(sqlite3_file *f)
{
    return REAL(f)->xClose(real_of(f));
}
static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 o)
{
    return REAL(f)->xRead(real_of(f), p, n, o);
}
static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 o)
{
    return fault_hits(FAULT_WRITE) ? fault.rc : REAL(f)->xWrite(real_of(f), p, n, o);
}
static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    return REAL(f)->xTruncate(real_of(f), n);
}
static int f_sync(sqlite3_file *f, int flags)
{
    return fault_hits(FAULT_SYNC) ? fault.rc : REAL(f)->xSync(real_of(f), flags);
}
static int f_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return REAL(f)->xFileSize(real_of(f), n);
}
static int f_lock(sqlite3_file *f, int l)
{
    return REAL(f)->xLock(real_of(f), l);
}
static int f_unlock(sqlite3_file *f, int l)
{
    return REAL(f)->xUnlock(real_of(f), l);
}
static int f_reserved(sqlite3_file *f, int *r)
{
    return REAL(f)->xCheckReservedLock(real_of(f), r);
}
static int f_control(sqlite3_file *f, int op, void *p)
{
    return REAL(f)->xFileControl(real_of(f), op, p);
}
static int f_sector(sqlite3_file *f)
{
    return REAL(f)->xSectorSize(real_of(f));
}
static int f_device(sqlite3_file *f)
{
    return REAL(f)->xDeviceCharacteristics(real_of(f));
}
static int f_shm_map(sqlite3_file *f, int page, int n, int extend, void volatile **p)
{
    return REAL(f)->xShmMap(real_of(f), page, n, extend, p);
}
static int f_shm_lock(sqlite3_file *f, int o, int n, int flags)
{
    return REAL(f)->xShmLock(real_of(f), o, n, flags);
}
static void f_shm_barrier(sqlite3_file *f)
{
    REAL(f)->xShmBarrier(real_of(f));
}
static int f_shm_unmap(sqlite3_file *f, int del)
{
    return REAL(f)->xShmUnmap(real_of(f), del);
}

static const sqlite3_io_methods fault_methods = {
    .iVersion = 2,
    .xClose = f_close,
    .xRead = f_read,
    .xWrite = f_write,
    .xTruncate = f_truncate,
    .xSync = f_sync,
    .xFileSize = f_size,
    .xLock = f_lock,
    .xUnlock = f_unlock,
    .xCheckReservedLock = f_reserved,
    .xFileControl = f_control,
    .xSectorSize = f_sector,
    .xDeviceCharacteristics = f_device,
    .xShmMap = f_shm_map,
    .xShmLock = f_shm_lock,
    .xShmBarrier = f_shm_barrier,
    .xShmUnmap = f_shm_unmap,
};

static sqlite3_vfs fault_vfs, *system_vfs;

static int f_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct ffile *f = (struct ffile *)(void *)file;
    int rc;

    (void)vfs;
    f->real = (sqlite3_file *)(void *)(f + 1);
    f->base.pMethods = NULL;
    rc = system_vfs->xOpen(system_vfs, name, f->real, flags, out);
    if (f->real->pMethods != NULL)
        f->base.pMethods = &fault_methods;
    return rc;
}

/* Every database opened from now on goes through the faulty files. */
static inline void fault_vfs_install(void)
{
    system_vfs = sqlite3_vfs_find(NULL);
    fault_vfs = *system_vfs;
    fault_vfs.zName = "fault";
    fault_vfs.szOsFile = (int)sizeof(struct ffile) + system_vfs->szOsFile;
    fault_vfs.xOpen = f_open;
    sqlite3_vfs_register(&fault_vfs, 1);
}

/* ---- memory ---- */

static sqlite3_mem_methods system_mem;
static _Thread_local int oom_left; /* requests of this thread until one fails; 0 = no plan */
static _Thread_local bool oom_fired;

static bool oom_hits(void)
{
    if (oom_left == 0 || --oom_left > 0)
        return false;
    oom_fired = true;
    return true;
}

static void *oom_malloc(int n)
{
    return oom_hits() ? NULL : system_mem.xMalloc(n);
}
static void *oom_realloc(void *p, int n)
{
    return oom_hits() ? NULL : system_mem.xRealloc(p, n);
}

/* Before anything else of SQLite is called. */
static inline void oom_install(void)
{
    sqlite3_mem_methods m;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_mem);
    m = system_mem;
    m.xMalloc = oom_malloc;
    m.xRealloc = oom_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &m);
}

#endif
