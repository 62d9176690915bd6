/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a folder (contract: list.h).
 */
#include "blob/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fs.h"

enum alb_code alb_list_folder(int dirfd, const char *path, alb_list_fn *fn, void *arg, struct alb_err *err)
{
    int fd;
    enum alb_code code = alb_fs_open(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, err);

    if (code != ALB_OK)
        return code;
    DIR *dir = fdopendir(fd); /* takes fd */
    if (dir == NULL) {
        int sys = errno;
        alb_fs_close(&fd);
        return alb_fail_sys(err, alb_code_of_errno(sys), sys, "read folder %s", path);
    }
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (e == NULL) {
            if (errno != 0)
                code = alb_fail_sys(err, alb_code_of_errno(errno), errno, "read folder %s", path);
            break;
        }
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        code = fn(arg, fd, e->d_name, err);
        if (code != ALB_OK)
            break;
    }
    (void)closedir(dir);
    return code;
}
