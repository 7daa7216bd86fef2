/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What a path must be as a whole, extensions of each certificate and revocation apart: RFC 5280 section 6.1. The path
 * is given, and each of it has signed the one before: OpenSSL is asked for one rule after the other. Its own walk
 * (X509_verify_cert) takes every certificate for the end of a path that bears its issuer's name and does not say by a
 * key identifier that another key has signed it: of an authority that certifies its own next key it knows nothing.
 */
#include "trust_private.h"

#include <openssl/x509_vfy.h>

/* An objection of OpenSSL's, and whom it is about. */
struct objection {
    int code, depth;
};

static const struct objection none = {X509_V_OK, 0};

static bool is_self_issued(const X509 *x)
{
    return X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
}

static int dates_objection(const X509 *x, int64_t now_s)
{
    int64_t from, to;
    if (!time_of_asn1(X509_get0_notBefore(x), &from))
        return X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD;
    if (!time_of_asn1(X509_get0_notAfter(x), &to))
        return X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD;
    return now_s < from ? X509_V_ERR_CERT_NOT_YET_VALID : now_s >= to ? X509_V_ERR_CERT_HAS_EXPIRED : X509_V_OK;
}

/* What OpenSSL asks of the certificate of a client, or of an authority above one. */
static bool is_for_clients(X509 *x, bool is_authority)
{
    return X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, is_authority) != 0;
}

/* As OpenSSL counts levels: SSL_CTX_set_security_level(3). */
static int strength_objection(X509 *x, int level, bool is_anchor)
{
    static const int bits[] = {0, 80, 112, 128, 192, 256};
    int wanted = bits[level < 5 ? level : 5], signature = -1;
    if (EVP_PKEY_get_security_bits(X509_get0_pubkey(x)) < wanted)
        return X509_V_ERR_EE_KEY_TOO_SMALL;
    if (is_anchor)
        return X509_V_OK; /* its own signature proves nothing */
    return X509_get_signature_info(x, NULL, NULL, &signature, NULL) == 1 && signature >= wanted
               ? X509_V_OK
               : X509_V_ERR_CA_MD_TOO_WEAK;
}

/* Section 4.2.1.9: those between, but for those an authority has issued to itself. OpenSSL asks it of an anchor too. */
static bool is_too_long(const struct path_rules *r, int i)
{
    long allowed = X509_get_pathlen(r->path[i]), between = 0;
    for (int j = 1; j < i; j++)
        between += is_self_issued(r->path[j]) ? 0 : 1;
    return i > 1 && allowed >= 0 && between > allowed;
}

static int one_objection(const struct path_rules *r, int i)
{
    X509 *x = r->path[i];
    bool is_anchor = i == r->n - 1;
    if (i > 0 && (is_anchor ? X509_check_ca(x) == 0 : X509_check_ca(x) != 1))
        return X509_V_ERR_INVALID_CA;
    if (r->is_of_client && !is_for_clients(x, i > 0))
        return X509_V_ERR_INVALID_PURPOSE;
    if (is_too_long(r, i))
        return X509_V_ERR_PATH_LENGTH_EXCEEDED;
    if (r->auth_level > 0 && strength_objection(x, r->auth_level, is_anchor) != X509_V_OK)
        return strength_objection(x, r->auth_level, is_anchor);
    return dates_objection(x, r->now_s);
}

static bool has_dns_name(const X509 *x)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    bool has = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !has; i++)
        has = sk_GENERAL_NAME_value(names, i)->type == GEN_DNS;
    GENERAL_NAMES_free(names);
    return has;
}

/* Section 4.2.1.10: of those below, but for authorities between that are self-issued. */
static struct objection names_below(const struct path_rules *r, int i, NAME_CONSTRAINTS *allowed)
{
    for (int j = i - 1; j >= 0; j--) {
        if (j > 0 && is_self_issued(r->path[j]))
            continue;
        int why = NAME_CONSTRAINTS_check(r->path[j], allowed);
        if (why == X509_V_OK && j == 0 && !has_dns_name(r->path[0]))
            why = NAME_CONSTRAINTS_check_CN(r->path[0], allowed);
        if (why != X509_V_OK)
            return (struct objection){why, j};
    }
    return none;
}

static struct objection names_objection(const struct path_rules *r)
{
    struct objection o = none;
    for (int i = r->n - 1; i > 0 && o.code == X509_V_OK; i--) {
        NAME_CONSTRAINTS *allowed = X509_get_ext_d2i(r->path[i], NID_name_constraints, NULL, NULL);
        if (allowed != NULL)
            o = names_below(r, i, allowed);
        NAME_CONSTRAINTS_free(allowed);
    }
    return o;
}

static struct objection policies_objection(const struct path_rules *r)
{
    STACK_OF(X509) *path = sk_X509_new_null();
    X509_POLICY_TREE *tree = NULL;
    int is_explicit = 0, rc = X509_PCY_TREE_INTERNAL;
    bool is_whole = path != NULL;
    for (int i = 0; i < r->n && is_whole; i++)
        is_whole = sk_X509_push(path, r->path[i]) > 0;
    if (is_whole)
        rc = X509_policy_check(&tree, &is_explicit, path, NULL, X509_V_FLAG_POLICY_CHECK);
    X509_policy_tree_free(tree);
    sk_X509_free(path);
    switch (rc) {
    case X509_PCY_TREE_INTERNAL:
        return (struct objection){X509_V_ERR_OUT_OF_MEM, 0};
    case X509_PCY_TREE_INVALID:
        return (struct objection){X509_V_ERR_INVALID_POLICY_EXTENSION, 0};
    case X509_PCY_TREE_FAILURE:
        return (struct objection){X509_V_ERR_NO_EXPLICIT_POLICY, 0};
    default:
        return none;
    }
}

static enum trust_reason reason_of(int why)
{
    switch (why) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TRUST_DATES;
    case X509_V_ERR_INVALID_PURPOSE:
        return TRUST_USAGE;
    default:
        return TRUST_BROKEN;
    }
}

enum err path_rules_check(const struct path_rules *r, enum trust_reason *reason, struct error *e)
{
    struct objection o = none;
    for (int i = 0; i < r->n && o.code == X509_V_OK; i++)
        o = (struct objection){one_objection(r, i), i};
    if (o.code == X509_V_OK)
        o = names_objection(r);
    if (o.code == X509_V_OK && r->n > 1)
        o = policies_objection(r);
    if (o.code == X509_V_OK)
        return ERR_OK;
    *reason = reason_of(o.code);
    return crypto_error(e, ERR_TOKEN, "%s at depth %d", X509_verify_cert_error_string(o.code), o.depth);
}
