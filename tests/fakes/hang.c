/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A disk and a name server that hang, for a program that is started with this preloaded (LD_PRELOAD). While the file
 * $HANG is there and begins the name of a file, whoever opens or looks at that file waits; while $HANG_NAMES is there,
 * whoever looks up a name.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#undef stat64
#undef lstat64
#undef fopen64
#undef open64
int stat64(const char *path, struct stat64 *st);
int lstat64(const char *path, struct stat64 *st);

static bool is_file_hanging(const char *path)
{
    char begin[4096];
    const char *flag = getenv("HANG");
    long fd = flag == NULL ? -1 : syscall(SYS_openat, AT_FDCWD, flag, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    long n = syscall(SYS_read, fd, begin, sizeof begin);
    (void)syscall(SYS_close, fd);
    return n > 0 && strncmp(path, begin, (size_t)n) == 0;
}

static bool is_resolver_hanging(const char *name)
{
    const char *flag = getenv("HANG_NAMES");
    return name != NULL && flag != NULL && syscall(SYS_access, flag, F_OK) == 0;
}

static void hang_while(bool (*is_hanging)(const char *what), const char *what)
{
    while (is_hanging(what))
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static void wait_for(const char *path)
{
    if (path != NULL)
        hang_while(is_file_hanging, path);
}

#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))
#define WRAP(result, name, parameters, arguments)                                                                      \
    result name parameters;                                                                                            \
    result name parameters                                                                                             \
    {                                                                                                                  \
        wait_for(path);                                                                                                \
        return REAL(name) arguments;                                                                                   \
    }

WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode))
WRAP(FILE *, fopen64, (const char *path, const char *mode), (path, mode))
WRAP(DIR *, opendir, (const char *path), (path))
WRAP(int, access, (const char *path, int mode), (path, mode))
WRAP(int, stat, (const char *path, struct stat *st), (path, st))
WRAP(int, lstat, (const char *path, struct stat *st), (path, st))
WRAP(int, stat64, (const char *path, struct stat64 *st), (path, st))
WRAP(int, lstat64, (const char *path, struct stat64 *st), (path, st))
WRAP(int, scandir,
     (const char *path, struct dirent ***names, int (*is_wanted)(const struct dirent *),
      int (*order)(const struct dirent **, const struct dirent **)),
     (path, names, is_wanted, order))

#define WRAP_OPEN(name)                                                                                                \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list ap;                                                                                                    \
        va_start(ap, flags);                                                                                           \
        mode_t mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;                                                 \
        va_end(ap);                                                                                                    \
        wait_for(path);                                                                                                \
        return REAL(name)(path, flags, mode);                                                                          \
    }
WRAP_OPEN(open)
WRAP_OPEN(open64)

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    hang_while(is_resolver_hanging, name);
    return REAL(getaddrinfo)(name, service, hints, out);
}
