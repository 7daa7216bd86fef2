/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* For the tests with TLS, after fixture.h: a folder of their own with keys and the certificates they sign for
 * themselves. */
#pragma once

static char pair_dir[] = "/tmp/zapisd-net-XXXXXX";

static int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *fmt, ...)
{
    char command[2048];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(command, sizeof(command), fmt, ap);
    va_end(ap);
    assert_true(n > 0 && (size_t)n < sizeof(command));
    return system(command);
}

static void pairs_begin(void)
{
    struct error e = {0};
    assert_non_null(mkdtemp(pair_dir));
    if (crypto_init(&e) != ERR_OK)
        fail_msg("crypto_init: %s", e.detail);
}

static int pairs_end(void **state)
{
    (void)state;
    crypto_fini();
    return shell("rm -rf %s", pair_dir);
}

/* NAME.key and NAME.pem; of GOST false where the engine is missing. */
#define PAIR_EC   "-newkey ec -pkeyopt ec_paramgen_curve:P-256"
#define PAIR_GOST "-engine gost -newkey gost2012_256 -pkeyopt paramset:A"
static bool pair_make(const char *name, const char *kind)
{
    return shell("cd %s && openssl req -x509 %s -nodes -days 2 -subj /CN=%s -keyout %s.key -out %s.pem >/dev/null 2>&1",
                 pair_dir, kind, name, name, name) == 0;
}

/* What a server speaks with that has this pair; a's. */
static inline struct tls_ctx *pair_ctx(struct arena *a, const char *name)
{
    char cert[128], key[128];
    struct tls_conf conf = {.cert_file = cert, .key_file = key};
    struct tls_ctx *ctx = NULL;
    struct error e = {0};
    snprintf(cert, sizeof(cert), "%s/%s.pem", pair_dir, name);
    snprintf(key, sizeof(key), "%s/%s.key", pair_dir, name);
    if (tls_ctx_new(a, &conf, &ctx, &e) != ERR_OK)
        fail_msg("tls_ctx_new: %s", e.detail);
    return ctx;
}
