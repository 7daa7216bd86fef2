/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Every signature of a document, one line each, for the operator. Signatures inside wsse:Security are held to the
 * strict rules requests are held to; the others to SMEV 3's (its transform, X509Data, Ids that occur twice). A report
 * is no admission: whether the element signed is the one a service wants is for wsse_verify() to say.
 */
#include "dsig.h"

#include <string.h>

struct reporting {
    struct arena *arena;
    struct dsig_ids *ids; /* repeated Ids allowed; strict signatures look for themselves */
    struct xml_doc *doc;
    struct trust *trust;
    int64_t now_s;
    bool allow_gost2001;
};

static const char *path_of(struct arena *a, struct xml_node *node)
{
    const char *path = xml_local(node);
    for (struct xml_node *up = xml_parent(node); up; up = xml_parent(up))
        path = arena_printf(a, "%s/%s", xml_local(up), path);
    return path;
}

static const char *describe_elements(struct arena *a, const struct dsig_parsed *p)
{
    const char *all = NULL;
    for (unsigned i = 0; i < p->nrefs; i++) {
        const char *one = path_of(a, p->refs[i].element);
        all = all ? arena_printf(a, "%s + %s", all, one) : one;
    }
    return all;
}

static const char *short_uri(const char *uri)
{
    const char *cut = strrchr(uri, '#');
    cut = cut ? cut : strrchr(uri, ':');
    return cut ? cut + 1 : uri;
}

static const char *describe_algorithms(struct arena *a, const struct dsig_parsed *p)
{
    const char *digest = short_uri(dsig_digest_uri(p->refs[0].digest));
    const char *transform = p->refs[0].smev_transform ? ", smev transform" : "";
    return arena_printf(a, "%s, %s%s", short_uri(dsig_sign_uri(p->alg)), digest, transform);
}

/* KeyInfo/X509Data/X509Certificate, each there once. */
static enum err find_x509(const struct dsig_parsed *p, struct xml_node **out, struct error *e)
{
    if (!p->key_info || xml_count(p->key_info, NS_DSIG, "X509Data") != 1)
        return error_set(e, ERR_TOKEN_UNAVAILABLE, "ds:KeyInfo holds no ds:X509Data, or several");
    struct xml_node *data = xml_first(p->key_info, NS_DSIG, "X509Data");
    if (xml_count(data, NS_DSIG, "X509Certificate") != 1)
        return error_set(e, ERR_TOKEN_UNAVAILABLE, "ds:X509Data does not hold exactly one certificate");
    *out = xml_first(data, NS_DSIG, "X509Certificate");
    return ERR_OK;
}

/* What holds its certificate, as it seems; NULL: nothing. */
static const struct xml_node *find_token(struct xml_node *signature)
{
    struct xml_node *security = xml_parent(signature);
    if (security && xml_is(security, NS_WSSE, "Security"))
        return xml_first(security, NS_WSSE, "BinarySecurityToken");
    for (struct xml_node *at = xml_walk(signature, signature); at; at = xml_walk(signature, at))
        if (xml_is(at, NS_DSIG, "X509Certificate"))
            return at;
    return NULL;
}

static enum err check_one(const struct reporting *r, struct xml_node *signature, struct dsig_report_line *line,
                          const char **advice, struct error *e)
{
    struct xml_node *security = xml_parent(signature);
    bool strict = security && xml_is(security, NS_WSSE, "Security");
    struct dsig_rules rules = {.allow_gost2001 = r->allow_gost2001, .smev3 = !strict};
    struct dsig_ids *ids = r->ids;
    enum err err = strict ? dsig_ids_read(r->arena, r->doc, true, &ids, e) : ERR_OK;
    if (err)
        return err;
    struct dsig_parsed parsed;
    err = dsig_read(r->arena, ids, signature, &rules, &parsed, e);
    if (err)
        return err;
    line->element = describe_elements(r->arena, &parsed);
    line->algorithms = describe_algorithms(r->arena, &parsed);

    struct xml_node *token = NULL;
    const struct cert *signer = NULL;
    err = strict ? wsse_find_token(r->arena, ids, security, &parsed, &token, e) : find_x509(&parsed, &token, e);
    if (!err)
        err = wsse_read_cert(r->arena, token, NULL, &signer, e);
    if (err)
        return err;
    line->signer =
        arena_printf(r->arena, "%s, sha256 %s", cert_subject(signer), cert_fingerprint_text(r->arena, signer));
    enum trust_reason reason = TRUST_GOOD;
    err = r->trust ? trust_check(r->trust, signer, r->now_s, &reason, e) : ERR_OK;
    if (err)
        *advice = trust_advice(reason, TRUST_OF_MESSAGES);
    struct dsig_result result;
    return err ? err : dsig_check(r->arena, &parsed, signer, &result, e);
}

static void report_one(const struct reporting *r, struct xml_node *signature, struct dsig_report_line *line)
{
    struct error why = {0}, told = {0};
    const char *advice = NULL;
    line->verdict = check_one(r, signature, line, &advice, &why);
    if (line->verdict)
        (void)wsse_refuse(r->arena, find_token(signature), line->verdict, why.detail, advice, &told);
    line->reason = line->verdict ? arena_strdup(r->arena, told.detail) : "good";
}

enum err dsig_report(struct arena *a, struct xml_doc *doc, struct trust *trust, int64_t now_s, bool allow_gost2001,
                     struct dsig_report_line **lines, unsigned *n, struct error *e)
{
    *lines = NULL;
    *n = 0;
    struct reporting r = {a, NULL, doc, trust, now_s, allow_gost2001};
    enum err err = dsig_ids_read(a, doc, false, &r.ids, e);
    if (err)
        return err;
    struct xml_node *root = xml_root(doc);
    unsigned count = xml_is(root, NS_DSIG, "Signature");
    for (struct xml_node *at = xml_walk(root, root); at; at = xml_walk(root, at))
        count += xml_is(at, NS_DSIG, "Signature");
    if (count > DSIG_REPORT_MAX)
        return error_set(e, ERR_LIMIT, "%u signatures in one document, %d are looked at", count, DSIG_REPORT_MAX);

    struct dsig_report_line *out = arena_array(a, count + 1, sizeof *out);
    unsigned at_line = 0;
    for (struct xml_node *at = root; at; at = xml_walk(root, at)) {
        if (!xml_is(at, NS_DSIG, "Signature"))
            continue;
        report_one(&r, at, &out[at_line++]);
    }
    *lines = out;
    *n = count;
    return ERR_OK;
}
