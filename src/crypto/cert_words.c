/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A certificate in words, for whoever has to find out which one was refused. Never names a person: a certificate of an
 * official (ЭП-СП) bears surname, given name and SNILS, and its common name is then the person's too.
 */
#include "crypto_private.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/objects.h>

#include <stdio.h>
#include <string.h>

#define PART_BYTES 96

static bool is_personal(const X509_NAME *name)
{
    /* surname, given name, initials, SNILS, INN of a person */
    static const char *const oids[] = {"2.5.4.4", "2.5.4.42", "2.5.4.43", "1.2.643.100.3", "1.2.643.3.131.1.1"};
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        char oid[80];
        OBJ_obj2txt(oid, sizeof oid, X509_NAME_ENTRY_get_object(X509_NAME_get_entry(name, i)), 1);
        for (size_t k = 0; k < sizeof oids / sizeof oids[0]; k++)
            if (strcmp(oid, oids[k]) == 0)
                return true;
    }
    return false;
}

/* One attribute as UTF-8; "" when there is none. */
static void part_read(const X509_NAME *name, int nid, char out[PART_BYTES])
{
    unsigned char *text = NULL;
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    out[0] = '\0';
    int n = at < 0 ? -1 : ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (n > 0)
        snprintf(out, PART_BYTES, "%.*s", n, (const char *)text);
    OPENSSL_free(text);
}

static void name_describe(const X509_NAME *name, char *out, size_t cap)
{
    char organization[PART_BYTES], common[PART_BYTES];
    part_read(name, NID_organizationName, organization);
    part_read(name, NID_commonName, common);
    bool is_person = is_personal(name);
    snprintf(out, cap, "%s%s%s%s", *organization != '\0' ? "O=" : "", organization,
             *organization != '\0' && *common != '\0' && !is_person ? ", " : "",
             is_person ? (*organization != '\0' ? ", a person" : "a person") : "");
    size_t used = strlen(out);
    if (!is_person && *common != '\0' && used < cap)
        snprintf(out + used, cap - used, "CN=%s", common);
}

const char *name_label(struct arena *a, const X509_NAME *name)
{
    char words[2 * PART_BYTES + 16];
    name_describe(name, words, sizeof words);
    return arena_strdup(a, words);
}

const char *integer_text(struct arena *a, const ASN1_INTEGER *n)
{
    BIGNUM *bn = n == NULL ? NULL : ASN1_INTEGER_to_BN(n, NULL);
    char *hex = bn == NULL ? NULL : BN_bn2hex(bn);
    const char *text = arena_strdup(a, hex != NULL ? hex : "-");
    OPENSSL_free(hex);
    BN_free(bn);
    return text;
}

void x509_describe(const X509 *x, char *out, size_t cap)
{
    char subject[2 * PART_BYTES + 16], issuer[2 * PART_BYTES + 16];
    name_describe(X509_get_subject_name(x), subject, sizeof subject);
    name_describe(X509_get_issuer_name(x), issuer, sizeof issuer);
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    char *hex = serial != NULL ? BN_bn2hex(serial) : NULL;
    snprintf(out, cap, "serial %.48s of issuer [%s], subject [%s]", hex != NULL ? hex : "?", issuer, subject);
    OPENSSL_free(hex);
    BN_free(serial);
}
