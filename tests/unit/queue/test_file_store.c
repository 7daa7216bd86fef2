/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Q6: a file is kept whole under the digest of its content, on the disk before anybody says so, or not at all; where a
 * file of a message lies (recommendations 3.5, section 5), and whether it is the one that was signed.
 */
#include "queue/queue_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include <cmocka.h>

/* ---- a disk that does not do what it is told ---- */

static const char *failing = ""; /* the call that fails */
static char done[100];           /* those that were made, in order: f of a file, r, d of the folder */

static int is_failing(const char *what, const char *mark)
{
    (void)strncat(done, mark, sizeof done - strlen(done) - 1);
    errno = ENOSPC;
    return strcmp(failing, what) == 0 ? -1 : 0;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    bool is_folder = S_ISDIR(st.st_mode);
    return is_failing(is_folder ? "fsync of the folder" : "fsync", is_folder ? "d" : "f") != 0 ? -1 : __real_fsync(fd);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    return is_failing("rename", "r") != 0 ? -1 : __real_rename(from, to);
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n) /* a few octets at a time */
{
    return is_failing("write", "") != 0 ? -1 : __real_write(fd, p, n < 5 ? n : 5);
}

/* ---- the store ---- */

static char folder[] = "/tmp/zapisd-store-XXXXXX";
static struct arena *a;

static unsigned files_in(void)
{
    unsigned n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *one; (one = readdir(dir)) != NULL;)
        n += strcmp(one->d_name, ".") != 0 && strcmp(one->d_name, "..") != 0;
    (void)closedir(dir);
    return n;
}

static int begin(void **state)
{
    (void)state;
    a = arena_new();
    failing = "";
    return 0;
}

static int end(void **state)
{
    char command[100];
    (void)state;
    arena_free(a);
    (void)snprintf(command, sizeof command, "rm -rf %s/* %s/.d*", folder, folder);
    return system(command);
}

static int group_begin(void **state)
{
    struct error e = {0};
    (void)state;
    return crypto_init(&e) == ERR_OK && mkdtemp(folder) != NULL ? 0 : -1;
}

static int group_end(void **state)
{
    (void)state;
    crypto_fini();
    return rmdir(folder);
}

static enum err put(const char *text, struct file_kept *kept)
{
    struct file_draft d;
    struct error e = {0};
    enum err err = file_store_begin(a, folder, &d, &e);
    if (err == ERR_OK)
        err = file_draft_write(&d, span_of(text), &e);
    if (err == ERR_OK)
        err = file_draft_measure(&d, kept, &e);
    if (err == ERR_OK)
        err = file_store_keep(&d, kept, &e);
    else
        file_store_drop(&d);
    return err;
}

#define SHA_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* FIPS 180-4 */

static void Q6_by_content(void **state)
{
    (void)state;
    struct file_kept kept;
    struct stat st;
    char text[10] = "";
    done[0] = '\0';
    assert_int_equal(put("abc", &kept), ERR_OK);
    assert_string_equal(done, "frd"); /* its octets, its name, the folder that has the name */
    assert_string_equal(kept.name, SHA_OF_ABC);
    assert_int_equal(kept.size, 3);
    char *path = arena_printf(a, "%s/%s", folder, kept.name);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600); /* J3 */
    int file = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(file, text, sizeof text), 3);
    (void)close(file);
    assert_string_equal(text, "abc");
    assert_int_equal(put("abc", &kept), ERR_OK); /* once more is the same */
    assert_int_equal(put("longer than a piece", &kept), ERR_OK);
    assert_int_equal(kept.size, 19);
    assert_int_equal(files_in(), 2);
}

/* Whatever fails, nothing is said to be kept, and there is no half of it. */
static void Q6_nothing_or_all(void **state)
{
    (void)state;
    static const char *const calls[] = {"write", "fsync", "rename"};
    struct file_kept kept;
    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        failing = calls[i];
        assert_int_equal(put("abc", &kept), ERR_SYSTEM);
        assert_int_equal(files_in(), 0);
    }
    failing = "fsync of the folder"; /* it has its name, who knows for how long: it is whole, and asked for again */
    assert_int_equal(put("abc", &kept), ERR_SYSTEM);
    assert_int_equal(files_in(), 1);
    failing = "";
    assert_int_equal(put("abc", &kept), ERR_OK);
    assert_int_equal(files_in(), 1);
}

static void O2_a_folder_or_none(void **state)
{
    (void)state;
    struct error e = {0};
    struct file_draft d;
    assert_int_equal(file_store_check(folder, &e), ERR_OK);
    assert_int_equal(file_store_check("/proc/self/nothing", &e), ERR_CONFIG);
    e = (struct error){0};
    assert_int_equal(file_store_check("/dev/null", &e), ERR_CONFIG);
    assert_non_null(strstr(e.detail, "is no folder"));
    e = (struct error){0};
    assert_int_equal(file_store_begin(a, "/proc/self/nothing", &d, &e), ERR_SYSTEM);
    file_store_drop(&d);
}

static void Q6_what_was_killed_leaves(void **state)
{
    (void)state;
    struct file_draft old, young;
    struct file_kept kept;
    struct error e = {0};
    const struct utimbuf long_ago = {.actime = 1000000000, .modtime = 1000000000};
    assert_int_equal(put("kept long ago", &kept), ERR_OK);
    assert_int_equal(file_store_begin(a, folder, &old, &e), ERR_OK);
    assert_int_equal(file_store_begin(a, folder, &young, &e), ERR_OK);
    assert_int_equal(utime(old.path, &long_ago), 0);
    assert_int_equal(utime(arena_printf(a, "%s/%s", folder, kept.name), &long_ago), 0);
    file_store_sweep(folder);
    assert_int_equal(access(old.path, F_OK), -1);
    assert_int_equal(access(young.path, F_OK), 0);
    file_store_drop(&young);
    file_store_drop(&old);
    assert_int_equal(files_in(), 1); /* what is kept is never swept */
}

/* ---- where a file lies ---- */

static const char *url_of(const char *server, const char *id, const char *name, const char *user)
{
    const struct smev3_file file = {
        .is_stored = true, .id = id, .file_name = name, .user = user, .password = "p", .hash = "h"};
    return queue_file_url(a, server, &file);
}

static void Q6_where_it_lies(void **state)
{
    (void)state;
    assert_string_equal(url_of("ftp://h:21", "u-1", "/u-1.zip", "n"), "ftp://h:21/u-1/u-1.zip");
    assert_string_equal(url_of("ftp://h/", "u-1", "a b#?%;.zip", "n"), "ftp://h/u-1/a%20b%23%3F%25%3B.zip");
    assert_string_equal(url_of("ftp://h", "u", "\xd1\x8f", "n"), "ftp://h/u/%D1%8F");
    assert_string_equal(url_of("ftp://h", "u", "a/b.zip", "n"), "ftp://h/u/a/b.zip");
    static const char *const bad[][3] = {
        {"u", "../x", "n"},
        {"u", "a/../../x", "n"},
        {"u", "./x", "n"},
        {"u", "a//x", "n"},
        {"u", "", "n"},
        {"u", "/", "n"},
        {"u", "x\r\nDELE y", "n"},
        {"..", "x", "n"},
        {"a/b", "x", "n"},
        {"", "x", "n"},
        {"u", NULL, "n"},
        {"u", "x", NULL},
        {"u", "x", "n\r\nDELE y"},
        {"u\n", "x", "n"},
        {"u", "x\x7f", "n"},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_null(url_of("ftp://h", bad[i][0], bad[i][1], bad[i][2]));
}

static void Q6_which_it_is(void **state)
{
    (void)state;
    struct file_kept kept;
    assert_int_equal(put("abc", &kept), ERR_OK);
    /* GOST R 34.11-94 of "abc" with the CryptoPro S-box; below SHA-256 of it, which SMEV does not use */
    assert_true(queue_file_is_hashed(a, "soUFbb8Y1zktdnc2lSTdFHR0We2BQ5l+Fjsphvkv1Cw=", &kept));
    struct buf hash;
    buf_init(&hash, a, 100);
    buf_add_base64(&hash, kept.streebog256, 32);
    buf_add_char(&hash, '\0');
    assert_true(queue_file_is_hashed(a, hash.p, &kept));
    static const char *const other[] = {NULL,          "",
                                        "AAAA",        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
                                        "not base64!", "soUFbb8Y1zktdnc2lSTdFHR0We2BQ5l+Fjsphvkv1C"};
    for (unsigned i = 0; i < sizeof other / sizeof other[0]; i++)
        assert_false(queue_file_is_hashed(a, other[i], &kept));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(Q6_by_content, begin, end),
        cmocka_unit_test_setup_teardown(Q6_nothing_or_all, begin, end),
        cmocka_unit_test_setup_teardown(O2_a_folder_or_none, begin, end),
        cmocka_unit_test_setup_teardown(Q6_what_was_killed_leaves, begin, end),
        cmocka_unit_test_setup_teardown(Q6_where_it_lies, begin, end),
        cmocka_unit_test_setup_teardown(Q6_which_it_is, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
