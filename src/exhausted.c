/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The end of memory, for everybody in this process at one place (docs/decisions/0003-out-of-memory.md): malloc() and
 * its sisters never return NULL here, not to us and not to libxml2, OpenSSL, gost-engine, gSOAP, libuv or libpq, some
 * of whose paths behind a NULL nobody has ever walked. One line, then abort(). glibc lets a program bring its own; the
 * work is still done by glibc's. Not under sanitizers, which bring theirs.
 *
 * The stack is memory too: the main thread's grows by faults that end in SIGSEGV when there is nothing left, so it is
 * given its pages at the start. The workers' are whole from the beginning.
 */
#include "exhausted.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#define STACK_BYTES (1024 * 1024) /* the deepest walk takes a fraction of it */

/* write(2) and nothing that could ask for memory again; a log that nobody reads does not keep us from ending. */
static void say(const char *text)
{
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    (void)fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
    (void)fcntl(STDERR_FILENO, F_SETFL, flags);
}

#ifndef HAS_SANITIZER
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void *or_die(void *p, size_t size)
{
    if (p != NULL || size == 0)
        return p;
    char line[120];
    (void)snprintf(line, sizeof line,
                   "error memory why=exhausted bytes=%zu advice=\"MemoryMax, ulimit -v, [limits]\"\n", size);
    say(line);
    abort();
}

void *malloc(size_t size)
{
    return or_die(__libc_malloc(size), size);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): glibc names its own with underscores */
void *calloc(size_t n, size_t size)
{
    return or_die(__libc_calloc(n, size), n > 0 && size > 0 ? n * size | 1 : 0);
}

void *realloc(void *p, size_t size)
{
    return or_die(__libc_realloc(p, size), size);
}

void *memalign(size_t alignment, size_t size)
{
    return or_die(__libc_memalign(alignment, size), size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = memalign(alignment, size);
    return 0;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
#endif

/* What a library ends by abort() without a word (a thread that cannot be made) has a line too. */
static void on_abort(int signum)
{
    say("error aborted detail=\"a library or the program has given up; see the lines before\"\n");
    (void)signal(signum, SIG_DFL);
    (void)raise(signum);
}

static __attribute__((noinline)) void stack_touch(void)
{
    volatile char room[STACK_BYTES];
    for (size_t i = 0; i < sizeof room; i += 4096)
        room[i] = 0;
}

void exhausted_init(void)
{
    (void)signal(SIGABRT, on_abort);
    void *room = mmap(NULL, 2 * (size_t)STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
        say("error memory why=exhausted detail=\"no address space for the stack\"\n");
        abort();
    }
    (void)munmap(room, 2 * (size_t)STACK_BYTES);
    stack_touch();
}
