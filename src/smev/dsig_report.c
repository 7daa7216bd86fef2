/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Every signature of a document, one line each, for the operator. Signatures inside wsse:Security are held to the
 * strict rules requests are held to. Those at a place of SMEV 3 are judged as its messages are: strictly, and where
 * that fails and the signature is not SMEV's own, once more with tolerance, which is said. The others are looked up by
 * their Ids. A report is no admission: whether the element signed is the one a service wants is for wsse_verify() and
 * smev3_verify() to say.
 */
#include "dsig.h"
#include "smev3.h"

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

/* Structure, and what can be said of it; token and signer as far as they could be read. */
static enum err describe(const struct reporting *r, struct xml_node *signature, const struct dsig_ids *ids,
                         const struct dsig_rules *rules, struct dsig_parsed *parsed, const struct cert **signer,
                         struct dsig_report_line *line, struct error *e)
{
    enum err err = dsig_read(r->arena, ids, signature, rules, parsed, e);
    if (err)
        return err;
    line->element = describe_elements(r->arena, parsed);
    line->algorithms = describe_algorithms(r->arena, parsed);
    struct xml_node *token = NULL;
    err = rules->smev3 ? dsig_find_x509(parsed, &token, e)
                       : wsse_find_token(r->arena, ids, xml_parent(signature), parsed, &token, e);
    if (!err)
        err = wsse_read_cert(r->arena, token, NULL, signer, e);
    if (err)
        return err;
    line->signer =
        arena_printf(r->arena, "%s, sha256 %s", cert_subject(*signer), cert_fingerprint_text(r->arena, *signer));
    return ERR_OK;
}

/* In wsse:Security, or somewhere: found by its Id. */
static enum err check_by_id(const struct reporting *r, struct xml_node *signature, bool is_wsse,
                            struct dsig_report_line *line, const char **advice, struct error *e)
{
    struct dsig_rules rules = {.allow_gost2001 = r->allow_gost2001, .smev3 = !is_wsse};
    struct dsig_ids *ids = r->ids;
    enum err err = is_wsse ? dsig_ids_read(r->arena, r->doc, true, &ids, e) : ERR_OK;
    struct dsig_parsed parsed;
    const struct cert *signer = NULL;
    if (!err)
        err = describe(r, signature, ids, &rules, &parsed, &signer, line, e);
    if (err)
        return err;
    enum trust_reason reason = TRUST_GOOD;
    err = r->trust ? trust_check(r->trust, signer, r->now_s, &reason, e) : ERR_OK;
    if (err)
        *advice = trust_advice(reason, TRUST_OF_MESSAGES);
    struct dsig_result result;
    return err ? err : dsig_check(r->arena, &parsed, signer, &result, e);
}

/* ---- SMEV 3 ---- */

static const char *describe_forms(struct arena *a, unsigned forms)
{
    static const char *const words[] = {"enveloped-signature", "InclusiveNamespaces", "Id or Type attributes",
                                        "blanks between elements", "blanks in base64"};
    const char *all = NULL;
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        if (forms & 1U << i)
            all = all ? arena_printf(a, "%s, %s", all, words[i]) : words[i];
    return all;
}

static enum err check_at_place(const struct reporting *r, struct xml_node *place, struct dsig_report_line *line,
                               struct error *e)
{
    struct xml_node *element = smev3_signed(place), *signature = xml_first(place, NS_DSIG, "Signature");
    if (!element)
        return error_set(e, ERR_SECURITY, "no element, or several, that <%s> would be the signature of",
                         xml_local(place));
    struct dsig_rules rules = {
        .allow_gost2001 = r->allow_gost2001, .smev3 = true, .element = element, .tolerant = true};
    struct dsig_parsed parsed;
    const struct cert *signer = NULL;
    struct error ignored = {0};
    (void)describe(r, signature, NULL, &rules, &parsed, &signer, line, &ignored);
    struct smev3_policy policy = {.allow_gost2001 = r->allow_gost2001, .trust = r->trust, .now_s = r->now_s};
    struct smev3_signature good;
    enum err err = smev3_verify(r->arena, element, place, &policy, &good, e);
    if (err && strcmp(xml_local(place), "SMEVSignature") != 0) {
        policy.tolerant = true;
        memset(&ignored, 0, sizeof ignored);
        if (smev3_verify(r->arena, element, place, &policy, &good, &ignored) != ERR_OK)
            return err;
    } else if (err) {
        return err;
    }
    const char *forms = describe_forms(r->arena, good.forms);
    line->reason = arena_printf(r->arena, "good, %s%s%s", policy.tolerant ? "tolerated" : "strict", forms ? ": " : "",
                                forms ? forms : "");
    return ERR_OK;
}

/* ---- all of them ---- */

static void report_one(const struct reporting *r, struct xml_node *signature, struct dsig_report_line *line)
{
    struct xml_node *parent = xml_parent(signature);
    struct error why = {0}, told = {0};
    const char *advice = NULL;
    if (parent && smev3_is_place(parent)) {
        line->verdict = check_at_place(r, parent, line, &why);
        line->reason = line->verdict ? arena_strdup(r->arena, why.detail) : line->reason;
        return;
    }
    line->verdict = check_by_id(r, signature, parent && xml_is(parent, NS_WSSE, "Security"), line, &advice, &why);
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
