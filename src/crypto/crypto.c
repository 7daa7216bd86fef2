/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Start and end of OpenSSL and of gost-engine in this process, and the translation of its errors. The engine, not the
 * provider: gostprov of Debian 12 has digests but neither keys nor signatures. The system-wide configuration file is
 * not read: what is accepted must not depend on the machine.
 */
#include "crypto_private.h"

#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <stdarg.h>
#include <stdio.h>

static ENGINE *engine;

/* In digest.c: looked up once, after the engine is there. */
enum err digest_init(struct error *e);
void digest_fini(void);

enum err crypto_init(struct error *e)
{
    if (engine != NULL)
        return ERR_OK;
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS, NULL) != 1)
        return crypto_error(e, ERR_CRYPTO, "OpenSSL does not start");
    ENGINE_load_builtin_engines();
    ENGINE *found = ENGINE_by_id("gost");
    if (found == NULL)
        return crypto_error(e, ERR_CRYPTO, "gost-engine is missing (package libengine-gost-openssl)");
    if (ENGINE_init(found) != 1) {
        ENGINE_free(found);
        return crypto_error(e, ERR_CRYPTO, "gost-engine does not start");
    }
    engine = found;
    enum err rc = ENGINE_set_default(found, ENGINE_METHOD_ALL) == 1
                      ? digest_init(e)
                      : crypto_error(e, ERR_CRYPTO, "gost-engine cannot be made the default");
    if (rc != ERR_OK)
        crypto_fini();
    return rc;
}

void crypto_fini(void)
{
    if (engine == NULL)
        return;
    digest_fini();
    ENGINE_finish(engine);
    ENGINE_free(engine);
    engine = NULL;
}

enum err crypto_error(struct error *e, enum err code, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    /* The first entry is the cause, the later ones are callers passing it up. */
    unsigned long first = ERR_get_error();
    ERR_clear_error();
    const char *reason = first == 0 ? NULL : ERR_reason_error_string(first);
    return reason == NULL ? error_set(e, code, "%s", what) : error_set(e, code, "%s: %s", what, reason);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the shape is OpenSSL's */
int crypto_no_password(char *buf, int size, int is_writing, void *arg)
{
    (void)buf, (void)size, (void)is_writing, (void)arg;
    return -1;
}
