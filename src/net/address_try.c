/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Could this address be listened on? Bound and let go again, never listened on, so that nobody connects to us. When it
 * is taken: by whom. A daemon that is running already is no mistake of its configuration.
 */
#include "conn.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_BYTES 512

/* ---- who holds it ---- */

/* Inode of the socket that listens on this local address, as the kernel lists it; 0: none seen. */
static unsigned long inode_of_port(const char *table, unsigned port)
{
    char line[PATH_BYTES];
    unsigned long inode = 0;
    FILE *f = fopen(table, "re");
    while (f != NULL && inode == 0 && fgets(line, sizeof line, f) != NULL) {
        unsigned local = 0, state = 0;
        unsigned long found = 0;
        if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu", &local, &state,
                   &found) == 3 &&
            local == port && state == 0x0A)
            inode = found;
    }
    if (f != NULL)
        fclose(f);
    return inode;
}

static unsigned long inode_of_path(const char *path)
{
    char line[PATH_BYTES];
    unsigned long inode = 0;
    FILE *f = fopen("/proc/self/net/unix", "re");
    while (f != NULL && inode == 0 && fgets(line, sizeof line, f) != NULL) {
        unsigned long found = 0;
        int at = 0;
        if (sscanf(line, "%*x: %*x %*x %*x %*x %*x %lu %n", &found, &at) != 1 || at == 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line + at, path) == 0)
            inode = found;
    }
    if (f != NULL)
        fclose(f);
    return inode;
}

static bool has_socket(const char *pid, const char *name)
{
    char folder[PATH_BYTES], path[PATH_BYTES + 300], target[64];
    snprintf(folder, sizeof folder, "/proc/%.20s/fd", pid);
    DIR *d = opendir(folder);
    bool has = false;
    for (const struct dirent *entry; d != NULL && !has && (entry = readdir(d)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        ssize_t n = readlink(path, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        has = strcmp(target, name) == 0;
    }
    if (d != NULL)
        closedir(d);
    return has;
}

/* The last part of the path, without what the kernel adds when a program was replaced by a new version. */
static void program_of(const char *pid, char *out, size_t cap)
{
    static const char deleted[] = " (deleted)";
    char path[64], target[PATH_BYTES];
    snprintf(path, sizeof path, "/proc/%.20s/exe", pid);
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    size_t cut = strlen(target);
    if (cut > sizeof deleted - 1 && strcmp(target + cut - (sizeof deleted - 1), deleted) == 0)
        target[cut - (sizeof deleted - 1)] = '\0';
    const char *slash = strrchr(target, '/');
    snprintf(out, cap, "%s", slash != NULL ? slash + 1 : target);
}

/* "": nobody we may see. */
static void holder_of(unsigned long inode, char *out, size_t cap)
{
    char name[64];
    out[0] = '\0';
    snprintf(name, sizeof name, "socket:[%lu]", inode);
    DIR *d = inode != 0 ? opendir("/proc") : NULL;
    for (const struct dirent *entry; d != NULL && out[0] == '\0' && (entry = readdir(d)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]) && has_socket(entry->d_name, name))
            program_of(entry->d_name, out, cap);
    if (d != NULL)
        closedir(d);
}

static enum address_try judge_holder(const char *address, unsigned long inode, struct error *e)
{
    char holder[PATH_BYTES], own[PATH_BYTES];
    holder_of(inode, holder, sizeof holder);
    program_of("self", own, sizeof own);
    if (holder[0] != '\0' && strcmp(holder, own) == 0) {
        (void)error_set(e, ERR_CONFIG, "%s: the running daemon listens there", address);
        return TRY_OURS;
    }
    (void)error_set(e, ERR_CONFIG, "%s: %s listens there already", address,
                    holder[0] != '\0' ? holder : "a process of somebody else");
    return TRY_BAD;
}

/* ---- trying ---- */

static enum address_try try_inet(const char *address, struct error *e)
{
    struct error why = {0};
    int fd = -1;
    bool is_pipe;
    const char *made;
    errno = 0;
    if (address_bind(address, &fd, &is_pipe, &made, &why) == ERR_OK) {
        close(fd);
        return TRY_GOOD;
    }
    const char *colon = strrchr(address, ':');
    if (colon == NULL || strstr(why.detail, strerror(EADDRINUSE)) == NULL) {
        (void)error_set(e, ERR_CONFIG, "%s", why.detail);
        return TRY_BAD;
    }
    unsigned port = (unsigned)strtoul(colon + 1, NULL, 10);
    unsigned long inode = inode_of_port("/proc/self/net/tcp", port);
    if (inode == 0)
        inode = inode_of_port("/proc/self/net/tcp6", port);
    return judge_holder(address, inode, e);
}

static bool is_answered(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is = probe >= 0 && (connect(probe, (const struct sockaddr *)&un, sizeof un) == 0 || errno != ECONNREFUSED);
    if (probe >= 0)
        close(probe);
    return is;
}

/* A socket may be put into the folder: shown by one of another name. */
static enum address_try try_folder(const char *path, struct error *e)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct stat st;
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    if (stat(folder[0] != '\0' ? folder : "/", &st) != 0) {
        (void)error_set(e, ERR_CONFIG, "socket %s: folder %s: %s", path, folder, strerror(errno));
        /* systemd makes it at the start and removes it after the stop */
        return errno == ENOENT && strcmp(folder, "/run/zapisd") == 0 ? TRY_UNTRIED : TRY_BAD;
    }
    int n = snprintf(un.sun_path, sizeof un.sun_path, "%s/.%d", folder, (int)getpid());
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_bound =
        s >= 0 && n > 0 && (size_t)n < sizeof un.sun_path && bind(s, (const struct sockaddr *)&un, sizeof un) == 0;
    if (!is_bound)
        (void)error_set(e, ERR_CONFIG, "socket %s: folder %s: %s", path, folder, strerror(errno));
    else
        unlink(un.sun_path);
    if (s >= 0)
        close(s);
    return is_bound ? TRY_GOOD : TRY_BAD;
}

static enum address_try try_unix(const char *path, struct error *e)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return try_folder(path, e);
    if (!S_ISSOCK(st.st_mode)) {
        (void)error_set(e, ERR_CONFIG, "socket %s: a file of another kind is in its place", path);
        return TRY_BAD;
    }
    return is_answered(path) ? judge_holder(path, inode_of_path(path), e) : try_folder(path, e);
}

enum address_try address_try(const char *address, struct error *e)
{
    if (strncmp(address, "fd:", 3) == 0) {
        (void)error_set(e, ERR_CONFIG, "%s: handed over when the service starts", address);
        return TRY_UNTRIED;
    }
    return strncmp(address, "unix:", 5) == 0 ? try_unix(address + 5, e) : try_inet(address, e);
}
