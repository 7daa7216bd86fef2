/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Inside of smev/: a signature is first read (structure only, no cryptography) and then checked, so that the caller can
 * put its own questions in between: are these the elements it wants signed, is this certificate trusted.
 */
#pragma once

#include "smev.h"

#define URI_EXC_C14N       "http://www.w3.org/2001/10/xml-exc-c14n#"
#define URI_SMEV_TRANSFORM "urn://smev-gov-ru/xmldsig/transform"
#define URI_ENVELOPED      NS_DSIG "enveloped-signature"
#define NS_XML             "http://www.w3.org/XML/1998/namespace"
#define DSIG_PREFIXES_MAX  16

/* Every Id of a document, sorted: wsu:Id, Id, ID, id and xml:id of every element. */
struct dsig_ids;
/* Collects them; with `unique` two elements with one Id are ERR_SECURITY. One element that says one Id twice has it
 * once. */
MUST_CHECK enum err dsig_ids_read(struct arena *a, struct xml_doc *doc, bool unique, struct dsig_ids **out,
                                  struct error *e);
/* The elements with this Id, in no particular order. Returns how many there are; *first indexes dsig_ids_at(). */
size_t dsig_ids_find(const struct dsig_ids *ids, const char *id, size_t *first);
struct xml_node *dsig_ids_at(const struct dsig_ids *ids, size_t i);

/* What a reader of signatures puts up with. The zero value is the strict rule set of SMEV 2. */
struct dsig_rules {
    bool allow_gost2001;
    bool smev3;               /* the second transform; for reports an Id that several elements have */
    struct xml_node *element; /* SMEV 3: what the one reference must name; NULL: it is looked up in the Ids */
    bool tolerant;            /* SMEV 3: InclusiveNamespaces, and enveloped-signature in front of the others */
};

struct dsig_parsed_reference {
    const char *id;
    struct xml_node *element;
    enum digest_alg digest;
    struct span digest_value;
    const char **prefixes; /* InclusiveNamespaces; NULL when there are none */
    bool smev_transform, is_enveloped;
};

struct dsig_parsed {
    struct xml_node *signature, *signed_info, *key_info; /* key_info may be NULL */
    enum sign_alg alg;
    const char **prefixes;
    struct span value;
    struct dsig_parsed_reference refs[DSIG_REFERENCES_MAX];
    unsigned nrefs;
};

/*
 * Structure (one SignedInfo; exclusive C14N only; one exclusive-C14N transform a reference; URI "#id" only; text-only
 * values; no unknown children), algorithms, limits, and which elements are meant. Touches no key and computes no
 * digest. ERR_SECURITY for structure, ERR_ALGORITHM for a URI outside the list. ids may be NULL when the rules name
 * the element.
 */
MUST_CHECK enum err dsig_read(struct arena *a, const struct dsig_ids *ids, struct xml_node *signature,
                              const struct dsig_rules *rules, struct dsig_parsed *out, struct error *e);
/* The element a reference of this Id means to the signature (dsig_resolve.c). */
MUST_CHECK enum err dsig_resolve(struct arena *a, const struct dsig_ids *ids, const struct dsig_rules *rules,
                                 const struct dsig_parsed *parsed, const char *id, struct xml_node **out,
                                 struct error *e);
/*
 * The cryptography: first the signature value, which only the holder of the key can get past, then the digests.
 * ERR_CHECK for one that differs; out is written only when all of it is good.
 */
MUST_CHECK enum err dsig_check(struct arena *a, const struct dsig_parsed *parsed, const struct cert *signer,
                               struct dsig_result *out, struct error *e);

/*
 * A certificate from the base64 text of an element (a token, X509Certificate): the one of `known` with these octets, or
 * a new one; ERR_TOKEN when it is none.
 */
MUST_CHECK enum err wsse_read_cert(struct arena *a, const struct xml_node *node, const struct cert_set *known,
                                   const struct cert **out, struct error *e);
/*
 * A signature is refused: e gets whose certificate came with it, why, and what to do (NULL: nothing known). token: what
 * holds that certificate, as far as one can see; it need not be readable, nor the one that was meant, nor there (NULL).
 * Mistakes of ours stay bare.
 */
enum err wsse_refuse(struct arena *a, const struct xml_node *token, enum err err, const char *why, const char *advice,
                     struct error *e);
/* What to do about a signature that was refused for this reason; NULL: nothing known. */
const char *wsse_advice(enum err err);
/* KeyInfo/X509Data/X509Certificate, each there once. */
MUST_CHECK enum err dsig_find_x509(const struct dsig_parsed *parsed, struct xml_node **out, struct error *e);
/* The one token KeyInfo points at; it has to be a child of this Security header. */
MUST_CHECK enum err wsse_find_token(struct arena *a, const struct dsig_ids *ids, struct xml_node *security,
                                    const struct dsig_parsed *parsed, struct xml_node **token, struct error *e);

/* One of the places where the schemas of SMEV 3 have a signature; told of in smev3.h. */
bool smev3_is_place(const struct xml_node *node);

/* ---- writing ---- */

#define WSSE_BASE64_BINARY                                                                                             \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
#define WSSE_X509V3 "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"

/*
 * A whole wsse:Security element over the canonical octets of soap:Body. `soap_prefix` is the prefix in scope for the
 * SOAP namespace; `serial` makes the Ids of this message unique.
 */
MUST_CHECK enum err wsse_write_security(struct arena *a, const struct key *key, const char *actor,
                                        const char *soap_prefix, const char *body_id, struct span body,
                                        const char *serial, struct buf *out, struct error *e);

/* ds:Signature of SMEV 3 over an element with this Id. */
MUST_CHECK enum err smev3_write_signature(struct arena *a, struct xml_node *element, const char *id,
                                          const struct key *key, struct buf *out, struct error *e);
/* Where the signature of an element stands, as its surroundings have it: the parent of the place, and its name; NULL:
 * the schemas have none. *beside: of the place's sisters the one that is signed, or holds what is. */
const char *smev3_place_of(struct xml_node *element, struct xml_node **parent, struct xml_node **beside);

/* smev:Message in canonical form. The prefix smev is declared on it. */
void smev_frame_write(const struct smev_frame *frame, struct buf *out);
