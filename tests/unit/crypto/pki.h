/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The keys of make_pki.sh for the tests of this folder. */
#pragma once

#include "arena.h"
#include "buf.h"
#include "crypto.h"
#include "whole_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PKI_DIR   BUILD_DIR "/unit-crypto-pki"
#define PKI(name) PKI_DIR "/" name

static struct arena *pki_arena;

static inline bool pki_make(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", TESTS_DIR "/unit/crypto/make_pki.sh", PKI_DIR, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static inline int pki_setup(void **state)
{
    (void)state;
    struct error e = {0};
    /* The system's configuration must not matter. */
    setenv("OPENSSL_CONF", "/dev/null", 1);
    if (!pki_make() || crypto_init(&e) != ERR_OK) {
        fprintf(stderr, "no keys for the test: %s\n", e.detail);
        return -1;
    }
    pki_arena = arena_new();
    return 0;
}

static inline int pki_teardown(void **state)
{
    (void)state;
    arena_free(pki_arena);
    crypto_fini();
    return 0;
}

static inline const char *pki_path(const char *name, const char *suffix)
{
    return arena_printf(pki_arena, "%s/%s%s", PKI_DIR, name, suffix);
}

static inline struct span pki_read(const char *name, const char *suffix)
{
    return whole_file(pki_arena, pki_path(name, suffix));
}

static inline struct cert *pki_cert(const char *name)
{
    struct cert *c = NULL;
    struct error e = {0};
    enum err rc = cert_load(pki_arena, pki_path(name, ".pem"), &c, &e);
    assert_string_equal(e.detail, "");
    assert_int_equal(rc, ERR_OK);
    return c;
}

static inline struct key *pki_key(const char *name)
{
    struct key *k = NULL;
    struct error e = {0};
    enum err rc = key_load(pki_arena, pki_path(name, ".key"), pki_path(name, ".pem"), &k, &e);
    assert_string_equal(e.detail, "");
    assert_int_equal(rc, ERR_OK);
    return k;
}
