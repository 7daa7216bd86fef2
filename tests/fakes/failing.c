/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The nth call of a kind fails, in a program that is started with this preloaded (LD_PRELOAD). The file $FAILING is
 * shared with a test: an entry a kind, of four numbers of four bytes: calls so far, how many until one fails (0: none
 * does), the errno it fails with, how many have failed. Sockets and regular files only: what libuv wakes its loop with
 * is its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { READ, WRITE, SEND, RECV, ACCEPT, OPEN, SOCKET, CONNECT, ALLOCATE, KINDS }; /* tests/e2e/test_failing.py */

static struct entry {
    atomic_uint calls;
    atomic_int left;
    int error;
    atomic_uint failed;
} * board;

__attribute__((constructor)) static void begin(void)
{
    const char *file = getenv("FAILING");
    long fd = file == NULL ? -1 : syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *p = mmap(NULL, KINDS * sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
    (void)syscall(SYS_close, fd);
    board = p == MAP_FAILED ? NULL : p;
}

static bool is_failing(enum kind kind)
{
    if (board == NULL)
        return false;
    struct entry *e = &board[kind];
    atomic_fetch_add(&e->calls, 1);
    if (atomic_load(&e->left) <= 0 || atomic_fetch_sub(&e->left, 1) != 1)
        return false;
    atomic_fetch_add(&e->failed, 1);
    errno = e->error;
    return true;
}

static bool is_ours(int fd)
{
    struct stat st;
    return board != NULL && fstat(fd, &st) == 0 && (S_ISSOCK(st.st_mode) || S_ISREG(st.st_mode));
}

#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))
#define WRAP(result, name, kind, parameters, arguments)                                                                \
    result name parameters                                                                                             \
    {                                                                                                                  \
        return is_ours(fd) && is_failing(kind) ? -1 : REAL(name) arguments;                                            \
    }

WRAP(ssize_t, read, READ, (int fd, void *p, size_t n), (fd, p, n))
WRAP(ssize_t, write, WRITE, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(ssize_t, writev, WRITE, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(ssize_t, send, SEND, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(ssize_t, recv, RECV, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(int, accept4, ACCEPT, (int fd, struct sockaddr *a, socklen_t *n, int flags), (fd, a, n, flags))
WRAP(int, connect, CONNECT, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))

int socket(int domain, int type, int protocol)
{
    return is_failing(SOCKET) ? -1 : REAL(socket)(domain, type, protocol);
}

#define WRAP_OPEN(name)                                                                                                \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list ap;                                                                                                    \
        va_start(ap, flags);                                                                                           \
        mode_t mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;                                                 \
        va_end(ap);                                                                                                    \
        return is_failing(OPEN) ? -1 : REAL(name)(path, flags, mode);                                                  \
    }
WRAP_OPEN(open)
WRAP_OPEN(open64)

/* What the program's own malloc() asks (src/exhausted.c). */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

void *__libc_malloc(size_t size)
{
    static __typeof__(&__libc_malloc) real;
    if (real == NULL)
        real = REAL(__libc_malloc);
    return is_failing(ALLOCATE) ? NULL : real(size);
}

void *__libc_calloc(size_t n, size_t size)
{
    static __typeof__(&__libc_calloc) real;
    if (real == NULL)
        real = REAL(__libc_calloc);
    return is_failing(ALLOCATE) ? NULL : real(n, size);
}

void *__libc_realloc(void *p, size_t size)
{
    static __typeof__(&__libc_realloc) real;
    if (real == NULL)
        real = REAL(__libc_realloc);
    return is_failing(ALLOCATE) ? NULL : real(p, size);
}
