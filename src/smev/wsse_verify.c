/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The SOAP envelope's structure and its WS-Security headers. A signature counts only when it covers the very
 * element the protocol wants covered, compared by identity and not by name: soap:Body, the second and last child of the
 * root, and for SMEV's own signature also smev:Header. Comments between elements say nothing and no digest covers them:
 * they are passed over here, and are gone from the octets that are read afterwards (docs/decisions/0308). Clauses:
 * SOAP 1.1 section 4; OASIS WSS 1.0; SMEV 2.5.x.
 */
#include "dsig.h"

#include "clock.h"
#include "told.h"

#include <string.h>

#define ACTOR_NEXT "http://schemas.xmlsoap.org/soap/actor/next"

struct envelope {
    struct xml_node *header, *body;    /* header may be NULL */
    struct xml_node *smev, *recipient; /* wsse:Security by actor */
    struct xml_node *smev_header;      /* smev:Header */
};

struct verification {
    struct arena *arena;
    const struct wsse_policy *policy;
    const struct dsig_ids *ids;
    const struct envelope *envelope;
    struct error *e;
};

static enum err read_parts(struct xml_node *root, struct envelope *env, struct error *e)
{
    if (strcmp(xml_local(root), "Envelope") != 0)
        return error_set(e, ERR_ENVELOPE, "the root is <%s>, not a SOAP envelope", told_name(xml_local(root)));
    if (!xml_is(root, NS_SOAP, "Envelope"))
        return error_set(e, ERR_VERSION, "envelope of another SOAP version: %s",
                         told_uri(xml_ns(root) ? xml_ns(root) : "no namespace"));
    if (xml_has_words(root))
        return error_set(e, ERR_ENVELOPE, "text between the parts of the envelope");
    struct xml_node *child = xml_first(root, NULL, NULL);
    if (child && xml_is(child, NS_SOAP, "Header")) {
        env->header = child;
        child = xml_next(child, NULL, NULL);
    }
    if (!child || !xml_is(child, NS_SOAP, "Body"))
        return error_set(e, ERR_ENVELOPE, "soap:Body is missing or out of place");
    env->body = child;
    if (xml_next(child, NULL, NULL))
        return error_set(e, ERR_ENVELOPE, "<%s> behind soap:Body", told_name(xml_local(xml_next(child, NULL, NULL))));
    if (env->header && xml_has_words(env->header))
        return error_set(e, ERR_ENVELOPE, "text between header blocks");
    return ERR_OK;
}

/* SOAP 1.1, 4.2.2: a block without an actor is for whoever gets the message; one for somebody else is none of ours. */
static bool is_for_us(struct arena *a, const struct xml_node *block)
{
    static const char *const ours[] = {"", ACTOR_NEXT, ACTOR_SMEV, ACTOR_RECIPIENT};
    static const char blanks[] = " \t\r\n"; /* around a URI they do not count */
    const char *actor = xml_attr(a, block, NS_SOAP, "actor");
    if (!actor)
        return true;
    actor += strspn(actor, blanks);
    size_t n = strlen(actor);
    while (n && strchr(blanks, actor[n - 1]))
        n--;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strlen(ours[i]) == n && memcmp(actor, ours[i], n) == 0)
            return true;
    }
    return false;
}

/* Anything but a plain "no" counts as yes. */
static bool must_understand(struct arena *a, const struct xml_node *block)
{
    const char *value = xml_attr(a, block, NS_SOAP, "mustUnderstand");
    return value && strcmp(value, "0") != 0 && strcmp(value, "false") != 0;
}

static bool is_smev_header(const struct xml_node *n)
{
    return xml_is(n, NS_SMEV_120315, "Header") || xml_is(n, NS_SMEV_111111, "Header") ||
           xml_is(n, NS_SMEV_110801, "Header");
}

static enum err read_security_block(struct arena *a, struct xml_node *block, struct envelope *env, struct error *e)
{
    const char *actor = xml_attr(a, block, NS_SOAP, "actor");
    struct xml_node **slot = NULL;
    if (actor && strcmp(actor, ACTOR_SMEV) == 0)
        slot = &env->smev;
    else if (actor && strcmp(actor, ACTOR_RECIPIENT) == 0)
        slot = &env->recipient;
    if (!slot)
        return is_for_us(a, block) && must_understand(a, block)
                   ? error_set(e, ERR_MUST_UNDERSTAND, "wsse:Security of no actor we know must be understood")
                   : ERR_OK;
    if (*slot)
        return error_set(e, ERR_SECURITY, "two wsse:Security headers for one actor");
    *slot = block;
    return ERR_OK;
}

static enum err read_blocks(struct arena *a, struct envelope *env, struct error *e)
{
    struct xml_node *block = env->header ? xml_first(env->header, NULL, NULL) : NULL;
    for (; block; block = xml_next(block, NULL, NULL)) {
        if (xml_is(block, NS_WSSE, "Security")) {
            enum err err = read_security_block(a, block, env, e);
            if (err)
                return err;
        } else if (is_smev_header(block)) {
            if (env->smev_header)
                return error_set(e, ERR_ENVELOPE, "two smev:Header blocks");
            env->smev_header = block;
        } else if (is_for_us(a, block) && must_understand(a, block)) {
            return error_set(e, ERR_MUST_UNDERSTAND, "header block <%s> must be understood",
                             told_name(xml_local(block)));
        }
    }
    return ERR_OK;
}

/* An instant in wsu:Created or wsu:Expires; WSS 1.0, 10: in UTC, so one without a zone is read so. */
static enum err read_stamp_time(const struct verification *v, struct xml_node *stamp, const char *local, int64_t *at_s)
{
    bool has_zone;
    int64_t wall_us;
    struct xml_node *node = xml_first(stamp, NS_WSU, local);
    if (!node)
        return ERR_OK;
    const char *text = xml_text(v->arena, node);
    if (xml_next(node, NS_WSU, local) || !text || !clock_parse(text, &wall_us, &has_zone))
        return error_set(v->e, ERR_SECURITY, "wsu:%s is there twice or is no instant", local);
    *at_s = wall_us / 1000000;
    return ERR_OK;
}

/* WSS 1.0, 10: what has expired is refused. Clocks and time zones differ: the same slack as for the message itself. */
static enum err check_stamp(const struct verification *v, struct xml_node *stamp)
{
    int64_t now_s = v->policy->now_s, slack_s = v->policy->age_max_s;
    int64_t created_s = now_s, expires_s = INT64_MAX;
    if (xml_has_stray_text(stamp))
        return error_set(v->e, ERR_SECURITY, "text or comment inside wsu:Timestamp");
    enum err err = read_stamp_time(v, stamp, "Created", &created_s);
    if (!err)
        err = read_stamp_time(v, stamp, "Expires", &expires_s);
    if (err)
        return err;
    if (expires_s < created_s && xml_first(stamp, NS_WSU, "Created"))
        return error_set(v->e, ERR_SECURITY, "wsu:Timestamp ends before it begins");
    if (expires_s < now_s)
        return error_set(v->e, ERR_EXPIRED, "wsu:Timestamp expired %lld s ago", (long long)(now_s - expires_s));
    if (slack_s > 0 && (created_s < now_s - slack_s || created_s > now_s + slack_s))
        return error_set(v->e, ERR_EXPIRED, "wsu:Timestamp was created %lld s from now",
                         (long long)(created_s - now_s));
    return ERR_OK;
}

/* One signature, one token, at most one time stamp. */
static enum err read_security(struct xml_node *security, struct xml_node **signature, struct xml_node **stamp,
                              struct error *e)
{
    if (xml_has_words(security))
        return error_set(e, ERR_SECURITY, "text inside wsse:Security");
    unsigned tokens = 0, stamps = 0, signatures = 0;
    for (struct xml_node *n = xml_first(security, NULL, NULL); n; n = xml_next(n, NULL, NULL)) {
        if (xml_is(n, NS_WSSE, "BinarySecurityToken")) {
            tokens++;
        } else if (xml_is(n, NS_WSU, "Timestamp")) {
            stamps++;
            *stamp = n;
        } else if (xml_is(n, NS_DSIG, "Signature")) {
            signatures++;
            *signature = n;
        } else {
            return error_set(e, ERR_SECURITY, "<%s> not allowed inside wsse:Security", told_name(xml_local(n)));
        }
    }
    if (signatures != 1)
        return error_set(e, ERR_SECURITY, "%u signatures inside wsse:Security, exactly one is expected", signatures);
    if (tokens > 1 || stamps > 1)
        return error_set(e, ERR_SECURITY, "several tokens or time stamps inside wsse:Security");
    return ERR_OK;
}

static bool is_below(struct xml_node *node, const struct xml_node *ancestor)
{
    for (; node; node = xml_parent(node)) {
        if (node == ancestor)
            return true;
    }
    return false;
}

/* Body is covered, smev:Header too when SMEV signs, and nothing that is not ours to look at. */
static enum err check_coverage(const struct verification *v, const struct xml_node *security,
                               const struct dsig_parsed *parsed)
{
    const struct envelope *env = v->envelope;
    bool body = false, header = false;
    for (unsigned i = 0; i < parsed->nrefs; i++) {
        struct xml_node *element = parsed->refs[i].element;
        if (element == env->body)
            body = true;
        else if (env->smev_header && element == env->smev_header)
            header = true;
        else if (xml_parent(element) != security && !(env->smev_header && is_below(element, env->smev_header)))
            return error_set(v->e, ERR_SECURITY, "a reference covers <%s> (line %ld), which is no part of the frame",
                             told_name(xml_local(element)), xml_line(element));
    }
    if (!body)
        return error_set(v->e, ERR_SECURITY, "soap:Body is not signed");
    if (security == env->recipient && !header)
        return error_set(v->e, ERR_SECURITY, "smev:Header is not signed by the recipient-side signature");
    return ERR_OK;
}

static enum err signer_trust_check(const struct verification *v, const struct cert *signer, const char **advice)
{
    enum trust_reason reason;
    if (!v->policy->trust)
        return ERR_OK;
    enum err err = trust_check(v->policy->trust, signer, v->policy->now_s, &reason, v->e);
    if (err)
        *advice = trust_advice(reason, TRUST_OF_MESSAGES);
    return err;
}

static enum err check_security(const struct verification *v, struct xml_node *security, const char *actor,
                               struct wsse_signature *out, const char **advice)
{
    struct xml_node *signature = NULL, *stamp = NULL;
    enum err err = read_security(security, &signature, &stamp, v->e);
    if (err)
        return err;
    struct dsig_rules rules = {.allow_gost2001 = v->policy->allow_gost2001};
    struct dsig_parsed parsed;
    err = dsig_read(v->arena, v->ids, signature, &rules, &parsed, v->e);
    if (err)
        return err;
    err = check_coverage(v, security, &parsed);
    if (err)
        return err;
    struct xml_node *token = NULL;
    err = wsse_find_token(v->arena, v->ids, security, &parsed, &token, v->e);
    if (err)
        return err;
    const struct cert *signer = NULL;
    err = wsse_read_cert(v->arena, token, v->policy->known, &signer, v->e);
    if (err)
        return err;
    err = signer_trust_check(v, signer, advice);
    if (err)
        return err;
    err = dsig_check(v->arena, &parsed, signer, &out->dsig, v->e);
    if (!err && stamp)
        err = check_stamp(v, stamp);
    if (err)
        return err;
    out->actor = actor;
    out->signer = signer;
    return ERR_OK;
}

/* Whatever is wrong with a signature: whose it is comes first, for its owner will have to be told. */
static enum err verify_security(const struct verification *v, struct xml_node *security, const char *actor,
                                struct wsse_signature *out)
{
    struct error why = {0};
    struct verification inner = *v;
    const char *advice = NULL;
    inner.e = &why;
    enum err err = check_security(&inner, security, actor, out, &advice);
    if (!err)
        return ERR_OK;
    const struct xml_node *token = xml_first(security, NS_WSSE, "BinarySecurityToken");
    return wsse_refuse(v->arena, token, err, why.detail, advice ? advice : wsse_advice(err), v->e);
}

static struct span signed_octets(const struct wsse_signature *s, const struct xml_node *element)
{
    for (unsigned i = 0; s->signer && i < s->dsig.nrefs; i++) {
        if (s->dsig.refs[i].element == element)
            return s->dsig.refs[i].octets;
    }
    return (struct span){NULL, 0};
}

/* A field of smev:Header that may be absent. */
static enum err read_header_field(const struct verification *v, const char *local, const char **out)
{
    struct xml_node *header = v->envelope->smev_header;
    const char *ns = xml_ns(header);
    unsigned n = xml_count(header, ns, local);
    if (n == 0)
        return ERR_OK;
    const char *text = xml_text(v->arena, xml_first(header, ns, local));
    if (n > 1 || !text || !text[0] || strlen(text) > 256)
        return error_set(v->e, ERR_ENVELOPE, "smev:Header/%s is empty, too long or there twice", local);
    *out = text;
    return ERR_OK;
}

enum err wsse_verify(struct arena *a, struct xml_doc *doc, const struct wsse_policy *policy, struct wsse_result *out,
                     struct error *e)
{
    *out = (struct wsse_result){0};
    struct envelope env = {0};
    enum err err = read_parts(xml_root(doc), &env, e);
    if (!err)
        err = read_blocks(a, &env, e);
    if (err)
        return err;
    if (policy->require_smev && !env.smev)
        return error_set(e, ERR_SECURITY, "no wsse:Security for " ACTOR_SMEV);
    if (policy->require_recipient && !env.recipient)
        return error_set(e, ERR_SECURITY, "no wsse:Security for " ACTOR_RECIPIENT);
    if (!env.smev && !env.recipient)
        return ERR_OK;

    struct dsig_ids *ids = NULL;
    err = dsig_ids_read(a, doc, true, &ids, e);
    if (err)
        return err;
    struct verification v = {a, policy, ids, &env, e};
    struct wsse_result good = {0};
    if (env.smev)
        err = verify_security(&v, env.smev, ACTOR_SMEV, &good.smev);
    if (!err && env.recipient)
        err = verify_security(&v, env.recipient, ACTOR_RECIPIENT, &good.recipient);
    if (!err && env.recipient)
        err = read_header_field(&v, "MessageId", &good.header_message_id);
    if (!err && env.recipient)
        err = read_header_field(&v, "MessageClass", &good.header_message_class);
    if (err)
        return err;
    good.body = signed_octets(env.smev ? &good.smev : &good.recipient, env.body);
    *out = good; /* only a message whose every signature is good leaves anything here */
    return ERR_OK;
}
