/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C1, C3, V3: the inside of ds:Signature. Everything here is signed after it was bent, so each refusal is the rule's
 * own. Sources of the cases: RFC 3275, the algorithm lists of the common XML signature libraries, published attacks on
 * them.
 */
#include "smev/dsig.h"
#include "testkit.h"

static struct recipe_ref ref_to(const char *uri)
{
    return (struct recipe_ref){.uri = uri};
}

/* ---- what has to pass ---- */

static void test_good_ones_pass(void **state)
{
    (void)state;
    struct recipe plain = {0};
    kit_expect("256", &plain, ERR_OK);
    struct recipe r512 = {.signer = &kit.signer512};
    kit_expect("512", &r512, ERR_OK);
    struct recipe http = {.sign_uri = HTTP_ALG "gostr34102012-gostr34112012-256",
                          .refs = {{.digest_uri = HTTP_ALG "gostr34112012-256", .digest_alg = DIGEST_STREEBOG256}}};
    kit_expect("256 by the http URIs", &http, ERR_OK);
    struct recipe http512 = {.signer = &kit.signer512,
                             .sign_uri = HTTP_ALG "gostr34102012-gostr34112012-512",
                             .refs = {{.digest_uri = HTTP_ALG "gostr34112012-512", .digest_alg = DIGEST_STREEBOG512}}};
    kit_expect("512 by the http URIs", &http512, ERR_OK);
    struct recipe mixed = {.refs = {{.digest_uri = URN_ALG "gostr34112012-512", .digest_alg = DIGEST_STREEBOG512}}};
    kit_expect("512 digest under a 256 key", &mixed, ERR_OK);
    struct recipe stamp = {
        .security_first =
            "<wsu:Timestamp wsu:Id=\"ts\"><wsu:Created>2026-11-22T00:00:00Z</wsu:Created></wsu:Timestamp>",
        .refs = {{.uri = "#ts"}, {.uri = "#body"}},
        .nrefs = 2};
    kit_expect("Timestamp and Body", &stamp, ERR_OK);
    struct recipe ids = {.signature_attrs = " Id=\"s\"", .info_attrs = " Id=\"i\"", .refs = {{.attrs = " Id=\"r\""}}};
    kit_expect("Ids inside the signature", &ids, ERR_OK);
    struct recipe blanks = {.signature_first = "\n", .info_first = "\n ", .info_last = "\n", .signature_last = "\n\t"};
    kit_expect("new lines between elements", &blanks, ERR_OK);
}

static void test_inclusive_prefixes(void **state)
{
    (void)state;
#define INCLUSIVE(uri, list)                                                                                           \
    "<ds:Transforms><ds:Transform Algorithm=\"" uri "\"><ec:InclusiveNamespaces xmlns:ec=\"" EXC_C14N                  \
    "\" PrefixList=\"" list "\"/></ds:Transform></ds:Transforms>"
#define SIXTEEN "a b c d e f g h i j k l m n o p"
    /* S is used by Body anyway, the others are bound nowhere: the octets stay the same */
    struct recipe ok = {.refs = {{.transforms = INCLUSIVE(EXC_C14N, "S")}}};
    kit_expect("one prefix", &ok, ERR_OK);
    struct recipe sixteen = {.refs = {{.transforms = INCLUSIVE(EXC_C14N, SIXTEEN)}}};
    kit_expect("sixteen prefixes", &sixteen, ERR_OK);
    struct recipe empty = {.refs = {{.transforms = INCLUSIVE(EXC_C14N, "")}}};
    kit_expect("no prefix", &empty, ERR_OK);
    struct recipe seventeen = {.refs = {{.transforms = INCLUSIVE(EXC_C14N, SIXTEEN " q")}}};
    kit_expect("seventeen prefixes", &seventeen, ERR_LIMIT);
    /* a prefix that is bound and not used changes the octets: the list has to be minded */
    struct recipe minded = {.refs = {{.transforms = INCLUSIVE(EXC_C14N, "wsse")}}};
    kit_expect("a prefix that matters", &minded, ERR_CHECK);

    static const char *const methods[] = {
        "<ds:CanonicalizationMethod Algorithm=\"" EXC_C14N "\"><ec:InclusiveNamespaces xmlns:ec=\"" EXC_C14N
        "\"/></ds:CanonicalizationMethod>",
        "<ds:CanonicalizationMethod Algorithm=\"" EXC_C14N
        "\"><ds:InclusiveNamespaces PrefixList=\"S\"/></ds:CanonicalizationMethod>",
        "<ds:CanonicalizationMethod Algorithm=\"" EXC_C14N "\">S</ds:CanonicalizationMethod>",
        "<ds:CanonicalizationMethod Algorithm=\"" EXC_C14N "\"><ec:InclusiveNamespaces xmlns:ec=\"" EXC_C14N
        "\" PrefixList=\"S\" Other=\"\"/></ds:CanonicalizationMethod>",
        "<ds:CanonicalizationMethod Algorithm=\"" EXC_C14N "\"><ec:InclusiveNamespaces xmlns:ec=\"" EXC_C14N
        "\" PrefixList=\"S\">x</ec:InclusiveNamespaces></ds:CanonicalizationMethod>",
        "<ds:CanonicalizationMethod Algorithm=\"" EXC_C14N "\"><ec:InclusiveNamespaces xmlns:ec=\"" EXC_C14N
        "\" PrefixList=\"S\"/><ec:InclusiveNamespaces xmlns:ec=\"" EXC_C14N
        "\" PrefixList=\"S\"/></ds:CanonicalizationMethod>",
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct recipe r = {.c14n = methods[i]};
        kit_expect(methods[i], &r, ERR_SECURITY);
    }
}

/* ---- algorithms (B.1: one test for each foreign URI) ---- */

#define W3 "http://www.w3.org/"
static const char *const foreign_digests[] = {
    W3 "2000/09/xmldsig#sha1",
    W3 "2001/04/xmlenc#sha256",
    W3 "2001/04/xmlenc#sha512",
    W3 "2001/04/xmlenc#ripemd160",
    W3 "2001/04/xmldsig-more#md5",
    W3 "2001/04/xmldsig-more#sha224",
    W3 "2001/04/xmldsig-more#sha384",
    W3 "2007/05/xmldsig-more#sha3-224",
    W3 "2007/05/xmldsig-more#sha3-256",
    W3 "2007/05/xmldsig-more#sha3-384",
    W3 "2007/05/xmldsig-more#sha3-512",
    W3 "2007/05/xmldsig-more#whirlpool",
    "",
    "gostr34112012-256",
    HTTP_ALG "gostr34112012_256",
    HTTP_ALG "GOSTR34112012-256",
    URN_ALG "gostr34112012-256 ",
    URN_ALG "gostr34112012-384",
    "urn:none",
    W3 "2001/04/xmldsig-more#hmac-gostr3411",
};

static const char *const foreign_signatures[] = {
    W3 "2000/09/xmldsig#dsa-sha1",
    W3 "2000/09/xmldsig#rsa-sha1",
    W3 "2000/09/xmldsig#hmac-sha1",
    W3 "2009/xmldsig11#dsa-sha256",
    W3 "2001/04/xmldsig-more#rsa-md5",
    W3 "2001/04/xmldsig-more#rsa-ripemd160",
    W3 "2001/04/xmldsig-more#rsa-sha224",
    W3 "2001/04/xmldsig-more#rsa-sha256",
    W3 "2001/04/xmldsig-more#rsa-sha384",
    W3 "2001/04/xmldsig-more#rsa-sha512",
    W3 "2007/05/xmldsig-more#rsa-pss",
    W3 "2007/05/xmldsig-more#sha1-rsa-MGF1",
    W3 "2007/05/xmldsig-more#sha224-rsa-MGF1",
    W3 "2007/05/xmldsig-more#sha256-rsa-MGF1",
    W3 "2007/05/xmldsig-more#sha384-rsa-MGF1",
    W3 "2007/05/xmldsig-more#sha512-rsa-MGF1",
    W3 "2007/05/xmldsig-more#sha3-256-rsa-MGF1",
    W3 "2001/04/xmldsig-more#ecdsa-sha1",
    W3 "2001/04/xmldsig-more#ecdsa-sha224",
    W3 "2001/04/xmldsig-more#ecdsa-sha256",
    W3 "2001/04/xmldsig-more#ecdsa-sha384",
    W3 "2001/04/xmldsig-more#ecdsa-sha512",
    W3 "2007/05/xmldsig-more#ecdsa-ripemd160",
    W3 "2021/04/xmldsig-more#ecdsa-sha3-256",
    W3 "2021/04/xmldsig-more#eddsa-ed25519",
    W3 "2001/04/xmldsig-more#hmac-md5",
    W3 "2001/04/xmldsig-more#hmac-ripemd160",
    W3 "2001/04/xmldsig-more#hmac-sha224",
    W3 "2001/04/xmldsig-more#hmac-sha256",
    W3 "2001/04/xmldsig-more#hmac-sha384",
    W3 "2001/04/xmldsig-more#hmac-sha512",
    URN_ALG "hmac-gostr3411",
    URN_ALG "gostr34112012-256",
    URN_ALG "gostr34102012-gostr34112012-384",
    URN_ALG "gostr34102001-gostr34112012-256",
    "urn:none",
    "",
    "none",
};

static const char *const foreign_c14n[] = {
    W3 "TR/2001/REC-xml-c14n-20010315",
    W3 "TR/2001/REC-xml-c14n-20010315#WithComments",
    W3 "2006/12/xml-c14n11",
    W3 "2006/12/xml-c14n11#WithComments",
    W3 "2001/10/xml-exc-c14n#WithComments",
    W3 "2010/xml-c14n2",
    W3 "2001/10/xml-exc-c14n",
    "urn://smev-gov-ru/xmldsig/transform",
    "",
};

static const char *const foreign_transforms[] = {
    W3 "2000/09/xmldsig#enveloped-signature",
    W3 "2000/09/xmldsig#base64",
    W3 "TR/1999/REC-xpath-19991116",
    W3 "2002/06/xmldsig-filter2",
    W3 "TR/1999/REC-xslt-19991116",
    W3 "2001/04/xmldsig-more/xptr",
    W3 "2002/07/decrypt#XML",
    W3 "2002/07/decrypt#Binary",
    "http://schemas.openxmlformats.org/package/2006/RelationshipTransform",
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform",
    "urn://smev-gov-ru/xmldsig/transform",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_foreign_algorithms(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(foreign_digests); i++) {
        struct recipe r = {.refs = {{.digest_uri = foreign_digests[i], .digest_alg = DIGEST_STREEBOG256}}};
        kit_expect(foreign_digests[i], &r, ERR_ALGORITHM);
    }
    for (size_t i = 0; i < COUNT(foreign_signatures); i++) {
        struct recipe r = {.sign_uri = foreign_signatures[i]};
        kit_expect(foreign_signatures[i], &r, ERR_ALGORITHM);
    }
    for (size_t i = 0; i < COUNT(foreign_c14n); i++) {
        struct recipe method = {.c14n =
                                    arena_printf(a, "<ds:CanonicalizationMethod Algorithm=\"%s\"/>", foreign_c14n[i])};
        kit_expect(foreign_c14n[i], &method, ERR_ALGORITHM);
    }
    for (size_t i = 0; i < COUNT(foreign_c14n) + COUNT(foreign_transforms); i++) {
        const char *uri = i < COUNT(foreign_c14n) ? foreign_c14n[i] : foreign_transforms[i - COUNT(foreign_c14n)];
        struct recipe alone = {
            .refs = {{.transforms =
                          arena_printf(a, "<ds:Transforms><ds:Transform Algorithm=\"%s\"/></ds:Transforms>", uri)}}};
        kit_expect(uri, &alone, ERR_ALGORITHM);
        struct recipe before = {
            .refs = {{.transforms = arena_printf(
                          a, "<ds:Transforms><ds:Transform Algorithm=\"%s\"/>" TRANSFORM(EXC_C14N) "</ds:Transforms>",
                          uri)}}};
        kit_expect(uri, &before, ERR_ALGORITHM);
        struct recipe behind = {
            .refs = {{.transforms = arena_printf(
                          a, "<ds:Transforms>" TRANSFORM(EXC_C14N) "<ds:Transform Algorithm=\"%s\"/></ds:Transforms>",
                          uri)}}};
        kit_expect(uri, &behind, ERR_ALGORITHM);
    }
    arena_free(a);
}

static void test_gost2001_only_when_enabled(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct recipe both[] = {
        {.signer = &kit.signer2001},
        {.signer = &kit.signer2001,
         .sign_uri = URN_ALG "gostr34102001-gostr3411",
         .refs = {{.digest_uri = URN_ALG "gostr3411", .digest_alg = DIGEST_GOST94}}},
    };
    for (size_t i = 0; i < COUNT(both); i++) {
        kit_expect("2001, not enabled", &both[i], ERR_ALGORITHM);
        struct wsse_policy policy = kit_policy();
        policy.allow_gost2001 = true;
        struct wsse_result result;
        struct error e = {0};
        assert_int_equal(kit_verify(a, kit_make(a, &both[i]), &policy, &result, &e), ERR_OK);
        assert_int_equal(result.smev.dsig.alg, SIGN_GOST2001);
    }
    struct recipe old_digest = {.refs = {{.digest_uri = HTTP_ALG "gostr3411", .digest_alg = DIGEST_GOST94}}};
    kit_expect("34.11-94 under a 2012 key, not enabled", &old_digest, ERR_ALGORITHM);
    struct recipe new_digest = {
        .signer = &kit.signer2001,
        .refs = {{.digest_uri = URN_ALG "gostr34112012-256", .digest_alg = DIGEST_STREEBOG256}}};
    kit_expect("34.11-2012 under a 2001 key, not enabled", &new_digest, ERR_ALGORITHM);
    arena_free(a);
}

/* The URI promises one key, the certificate holds another. */
static void test_algorithm_and_key_differ(void **state)
{
    (void)state;
    struct recipe r512 = {.sign_uri = URN_ALG "gostr34102012-gostr34112012-512"};
    kit_expect("512 claimed, 256 bytes of value", &r512, ERR_SECURITY);
    struct recipe r256 = {.signer = &kit.signer512, .sign_uri = URN_ALG "gostr34102012-gostr34112012-256"};
    kit_expect("256 claimed, 512 bytes of value", &r256, ERR_SECURITY);
    char long_value[173];
    memset(long_value, 'A', 171);
    long_value[171] = '=';
    long_value[172] = 0;
    struct recipe padded = {.sign_uri = URN_ALG "gostr34102012-gostr34112012-512", .value = long_value};
    kit_expect("512 claimed and padded, 256 key", &padded, ERR_ALGORITHM);

    /* keys of 2001 and 2012-256 are points of the same curves: only the key's kind tells them apart */
    static const struct {
        const struct kit_signer *signer;
        const char *uri;
    } rows[] = {{&kit.signer, HTTP_ALG "gostr34102001-gostr3411"},
                {&kit.signer2001, URN_ALG "gostr34102012-gostr34112012-256"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *a = arena_new();
        struct recipe r = {.signer = rows[i].signer, .sign_uri = rows[i].uri};
        struct wsse_policy policy = kit_policy();
        policy.allow_gost2001 = true;
        struct wsse_result result;
        struct error e = {0};
        assert_int_equal(kit_verify(a, kit_make(a, &r), &policy, &result, &e), ERR_ALGORITHM);
        arena_free(a);
    }
}

/* ---- structure ---- */

static void test_signed_info_structure(void **state)
{
    (void)state;
    static const struct {
        const char *first, *last;
    } rows[] = {
        {"text", NULL},
        {NULL, "text"},
        {"<!-- c -->", NULL},
        {NULL, "<!-- c -->"},
        {"<ds:Object/>", NULL},
        {NULL, "<ds:Object/>"},
        {NULL, "<x xmlns=\"urn:x\"/>"},
        {"<ds:CanonicalizationMethod Algorithm=\"" EXC_C14N "\"/>", NULL},
        {NULL, "<ds:SignatureMethod Algorithm=\"" URN_ALG "gostr34102012-gostr34112012-256\"/>"},
        {NULL, "<ds:Reference/>"},
        {NULL, "<ds:Reference URI=\"#body\"/>"},
        {NULL, "<ds:Reference URI=\"#body\">" ONE_TRANSFORM "</ds:Reference>"},
        {NULL, "<ds:Reference URI=\"#body\">" ONE_TRANSFORM "<ds:DigestMethod Algorithm=\"" URN_ALG
               "gostr34112012-256\"/></ds:Reference>"},
        {NULL, "<![CDATA[x]]>"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct recipe r = {.info_first = rows[i].first, .info_last = rows[i].last};
        kit_expect(rows[i].first ? rows[i].first : rows[i].last, &r, ERR_SECURITY);
    }
    struct recipe attrs = {.info_attrs = " xml:lang=\"ru\""};
    kit_expect("attribute on SignedInfo", &attrs, ERR_SECURITY);
    struct recipe type = {.refs = {{.attrs = " Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\""}}};
    kit_expect("a manifest", &type, ERR_SECURITY);
    struct recipe advice = {.refs = {{.attrs = " Type=\"http://example.org/advice\""}}};
    kit_expect("any other Type is only advice", &advice, ERR_OK);
    struct recipe length = {
        .sign_method =
            "<ds:SignatureMethod Algorithm=\"" URN_ALG
            "gostr34102012-gostr34112012-256\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>"};
    kit_expect("HMACOutputLength", &length, ERR_SECURITY);
    struct recipe hmac = {.sign_method =
                              "<ds:SignatureMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#hmac-sha1\">"
                              "<ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>"};
    kit_expect("HMAC of no bits", &hmac, ERR_ALGORITHM);
    struct recipe no_algorithm = {.sign_method = "<ds:SignatureMethod/>"};
    kit_expect("SignatureMethod without Algorithm", &no_algorithm, ERR_SECURITY);
    struct recipe wsu_algorithm = {.sign_method = "<ds:SignatureMethod wsu:Algorithm=\"" URN_ALG
                                                  "gostr34102012-gostr34112012-256\"/>"};
    kit_expect("Algorithm in a namespace", &wsu_algorithm, ERR_SECURITY);
    struct recipe foreign_ns = {.sign_method = "<SignatureMethod xmlns=\"urn:x\" Algorithm=\"" URN_ALG
                                               "gostr34102012-gostr34112012-256\"/>"};
    kit_expect("SignatureMethod in a foreign namespace", &foreign_ns, ERR_SECURITY);
    struct recipe none = {.nrefs = UINT32_MAX};
    kit_expect("no reference", &none, ERR_SECURITY);
}

static void test_signature_structure(void **state)
{
    (void)state;
    static const char *const extras[] = {
        "<ds:Object/>",     "<ds:Object><x xmlns=\"urn:x\"/></ds:Object>",
        "<ds:SignedInfo/>", "<ds:SignatureValue>AAAA</ds:SignatureValue>",
        "<ds:KeyInfo/>",    "<ds:Signature/>",
        "<x xmlns=\"\"/>",  "text",
        "<!-- c -->",
    };
    for (size_t i = 0; i < COUNT(extras); i++) {
        struct recipe last = {.signature_last = extras[i]};
        kit_expect(extras[i], &last, ERR_SECURITY);
        struct recipe first = {.signature_first = extras[i]};
        kit_expect(extras[i], &first, ERR_SECURITY);
    }
    struct recipe attrs = {.signature_attrs = " Type=\"x\""};
    kit_expect("attribute on Signature", &attrs, ERR_SECURITY);
    struct recipe lower = {.signature_attrs = " id=\"x\""};
    kit_expect("id in lower case", &lower, ERR_SECURITY);
}

/* A whole second SignedInfo in front of, or behind, the one that is signed. */
static void test_several_signed_infos(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct recipe plain = {0};
    char *text = kit_make(a, &plain);
    const char *start = strstr(text, "<ds:SignedInfo"),
               *end = strstr(text, "</ds:SignedInfo>") + strlen("</ds:SignedInfo>");
    char *info = arena_strndup(a, start, (size_t)(end - start));
    struct wsse_policy policy = kit_policy();
    struct wsse_result result;
    struct error e = {0};
    assert_int_equal(
        kit_verify(a, kit_replace(a, text, info, arena_printf(a, "%s%s", info, info)), &policy, &result, &e),
        ERR_SECURITY);
    memset(&e, 0, sizeof e);
    char *wrapped =
        kit_replace(a, text, info, arena_printf(a, "<ds:SignedInfo><ds:SignedInfo/>%s</ds:SignedInfo>", info));
    assert_int_equal(kit_verify(a, wrapped, &policy, &result, &e), ERR_SECURITY);
    memset(&e, 0, sizeof e);
    char *behind = kit_replace(a, text, "</ds:KeyInfo>", arena_printf(a, "</ds:KeyInfo>%s", info));
    assert_int_equal(kit_verify(a, behind, &policy, &result, &e), ERR_SECURITY);
    arena_free(a);
}

static void test_reference_structure(void **state)
{
    (void)state;
    static const char *const uris[] = {
        "",
        "#",
        "body",
        " #body",
        "#body ",
        "##body",
        "#Body",
        "#BODY",
        "#xpointer(/)",
        "#xpointer(id('body'))",
        "#element(/1/2)",
        "#/1/2",
        "#body#body",
        "http://127.0.0.1:1/x#body",
        "file:///etc/hostname",
        "ftp://127.0.0.1/x",
        "cid:body",
        "?#body",
        "%23body",
        "#bod&#x9;y",
        "#body,other",
        "/",
        ".",
        "urn:body",
        "#token",
        "#nosuch",
    };
    for (size_t i = 0; i < COUNT(uris); i++) {
        struct recipe r = {.refs = {ref_to(uris[i])}};
        kit_expect(uris[i], &r, ERR_SECURITY);
        struct recipe second = {.refs = {ref_to("#body"), ref_to(uris[i])}, .nrefs = 2};
        if (strcmp(uris[i], "#token") != 0) /* the token may be signed, beside Body */
            kit_expect(uris[i], &second, ERR_SECURITY);
    }
    struct recipe token = {.refs = {ref_to("#body"), ref_to("#token")}, .nrefs = 2};
    kit_expect("Body and token", &token, ERR_OK);
    struct recipe twice = {.refs = {ref_to("#body"), ref_to("#body")}, .nrefs = 2};
    kit_expect("Body twice", &twice, ERR_SECURITY);

    static const char *const transforms[] = {
        "",
        "<ds:Transforms/>",
        ONE_TRANSFORM ONE_TRANSFORM,
        "<ds:Transforms>" TRANSFORM(EXC_C14N) TRANSFORM(EXC_C14N) "</ds:Transforms>",
        "<ds:Transforms><ds:Transform/></ds:Transforms>",
        "<ds:Transforms>text" TRANSFORM(EXC_C14N) "</ds:Transforms>",
        "<ds:Transforms><ds:Transform Algorithm=\"" EXC_C14N "\"><ds:XPath>1</ds:XPath></ds:Transform></ds:Transforms>",
        "<ds:Transforms><x xmlns=\"urn:x\"/></ds:Transforms>",
        "<ds:Transforms><!-- c -->" TRANSFORM(EXC_C14N) "</ds:Transforms>",
        "<x xmlns=\"urn:x\"/>" ONE_TRANSFORM,
        "text" ONE_TRANSFORM,
    };
    for (size_t i = 0; i < COUNT(transforms); i++) {
        struct recipe r = {.refs = {{.transforms = transforms[i]}}};
        kit_expect(transforms[i], &r, ERR_SECURITY);
    }
    struct recipe three = {.refs = {{.transforms = "<ds:Transforms>" TRANSFORM(EXC_C14N) TRANSFORM(EXC_C14N)
                                         TRANSFORM(EXC_C14N) "</ds:Transforms>"}}};
    kit_expect("three transforms", &three, ERR_LIMIT);
    struct recipe extra = {.refs = {{.extra = "<ds:DigestValue>AAAA</ds:DigestValue>"}}};
    kit_expect("two digest values", &extra, ERR_SECURITY);
}

static void test_reference_limit(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct buf header;
    buf_init(&header, a, 1024);
    buf_add_str(&header, "<smev:Header xmlns:smev=\"" NS_SMEV_120315 "\">");
    struct recipe r = {.refs = {ref_to("#body")}};
    for (unsigned i = 1; i < 17; i++) {
        buf_printf(&header, "<smev:NodeId wsu:Id=\"n%u\"/>", i);
        r.refs[i] = ref_to(arena_printf(a, "#n%u", i));
    }
    buf_add_str(&header, "</smev:Header>");
    r.header_last = header.p;
    r.nrefs = 16;
    kit_expect("sixteen references", &r, ERR_OK);
    r.nrefs = 17;
    kit_expect("seventeen references", &r, ERR_LIMIT);
    arena_free(a);
}

/* ---- values ---- */

static void test_values(void **state)
{
    (void)state;
#define ZERO32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    static const struct {
        const char *value;
        enum err expected;
    } digests[] = {
        {ZERO32, ERR_CHECK},
        {" \n" ZERO32 "\t ", ERR_CHECK}, /* blanks are allowed, the value is still wrong */
        {"", ERR_SECURITY},
        {" ", ERR_SECURITY},
        {"AAAA", ERR_SECURITY},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", ERR_SECURITY}, /* 31 bytes */
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ERR_SECURITY}, /* 33 bytes */
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ERR_SECURITY},  /* no padding */
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=", ERR_SECURITY}, /* spare bits */
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA*=", ERR_SECURITY},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-=", ERR_SECURITY}, /* the URL alphabet */
        {ZERO32 "=", ERR_SECURITY},
        {ZERO32 "AAAA", ERR_SECURITY},
        {"=" ZERO32, ERR_SECURITY},
        {"<!-- c -->" ZERO32, ERR_SECURITY},
        {"AAAA<!-- c -->AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", ERR_SECURITY},
        {ZERO32 "<x xmlns=\"urn:x\"/>", ERR_SECURITY},
        {"&#0;" ZERO32, ERR_MALFORMED},
        {"&#xA0;" ZERO32, ERR_SECURITY},
        {"\xD0\x90" ZERO32, ERR_SECURITY},
    };
    for (size_t i = 0; i < COUNT(digests); i++) {
        struct recipe digest = {.refs = {{.digest_value = digests[i].value}}};
        kit_expect(digests[i].value, &digest, digests[i].expected);
    }
#define FF63   "////////////////////////////////////////////////////////////////////////////////////"
#define FF64   "/////////////////////////////////////////////////////////////////////////////////////w=="
#define FF65   "//////////////////////////////////////////////////////////////////////////////////////8="
#define ZERO64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
    static const struct {
        const char *value;
        enum err expected;
    } values[] = {
        {ZERO64, ERR_CHECK}, /* r = s = 0 */
        {FF64, ERR_CHECK},   /* r and s beyond q */
        {ZERO64 "AAAA", ERR_SECURITY},
        {FF63, ERR_SECURITY},
        {FF65, ERR_SECURITY},
        {"", ERR_SECURITY},
        {ZERO32, ERR_SECURITY},
        {"<!-- c -->" ZERO64, ERR_SECURITY},
        {"<ds:x/>" ZERO64, ERR_SECURITY},
    };
    for (size_t i = 0; i < COUNT(values); i++) {
        struct recipe r = {.value = values[i].value};
        kit_expect(values[i].value, &r, values[i].expected);
    }
}

/* GOST specifics: no other order of bytes or halves is taken for the right one; every flipped bit is noticed. */
static void test_mutated_signature_values(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct recipe plain = {0};
    char *text = kit_make(a, &plain);
    const char *start = strstr(text, "<ds:SignatureValue>") + strlen("<ds:SignatureValue>");
    char *encoded = arena_strndup(a, start, strcspn(start, "<"));
    struct span value;
    assert_true(base64_decode(a, span_of(encoded), &value));
    assert_int_equal(value.n, 64);
    struct wsse_policy policy = kit_policy();
    for (unsigned kind = 0; kind < 3 + 64; kind++) {
        char bent[64];
        for (unsigned i = 0; i < 64; i++) {
            unsigned reversed = 63 - i, swapped = (i + 32) % 64, both = i < 32 ? 31 - i : 95 - i;
            bent[i] = value.p[kind == 0 ? reversed : kind == 1 ? swapped : kind == 2 ? both : i];
        }
        if (kind >= 3)
            bent[kind - 3] = (char)(bent[kind - 3] ^ (1 << (kind % 8)));
        char bent_encoded[256];
        kit_base64(a, bent, sizeof bent, bent_encoded);
        struct wsse_result result;
        struct error e = {0};
        assert_int_equal(kit_verify(a, kit_replace(a, text, encoded, bent_encoded), &policy, &result, &e), ERR_CHECK);
    }
    arena_free(a);
}

/* Every byte of Body and of SignedInfo matters. */
static void test_altered_content(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct recipe plain = {0};
    char *text = kit_make(a, &plain);
    static const char *const changes[][2] = {
        {">GOOD<", ">GOOE<"},
        {">GOOD<", ">GOOD <"},
        {">GOOD<", "><"},
        {"<eq:bookId>", "<eq:bookId x=\"\">"},
        {"</S:Body>", " </S:Body>"},
        {"</S:Body>", "<x/></S:Body>"},
        {"<S:Body ", "<S:Body x=\"\" "},
        {"http://epgu.rtlabs.ru/equeue/ws/", "http://epgu.rtlabs.ru/equeue/ws"},
    };
    struct wsse_policy policy = kit_policy();
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct wsse_result result;
        struct error e = {0};
        assert_int_equal(kit_verify(a, kit_replace(a, text, changes[i][0], changes[i][1]), &policy, &result, &e),
                         ERR_CHECK);
    }
    struct wsse_result result;
    struct error e = {0};
    /* what exclusive C14N does not see may change: attribute order, quotes, unused declarations, <x/> */
    char *same = kit_replace(a, text, "<eq:bookId>", "<eq:bookId\n xmlns:unused='urn:u' >");
    assert_int_equal(kit_verify(a, same, &policy, &result, &e), ERR_OK);
    arena_free(a);
}

/* Canonical form that cannot be had must not become the form of nothing. */
static void test_void_canonical_form(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "<S:Body wsu:Id=\"body\"><x xmlns=\"relative\"/></S:Body>",
        "<S:Body wsu:Id=\"body\"><x xmlns:a=\"1\" a:b=\"\"/></S:Body>",
    };
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct arena *a = arena_new();
        unsigned char digest[DIGEST_MAX];
        char encoded[256];
        struct error e = {0};
        assert_int_equal(digest_once(DIGEST_STREEBOG256, "", 0, digest, &e), ERR_OK);
        kit_base64(a, digest, 32, encoded);
        struct recipe r = {.body = bodies[i], .refs = {{.digest_value = encoded}}, .value = ZERO64};
        kit_expect(bodies[i], &r, ERR_MALFORMED);
        arena_free(a);
    }
    struct recipe info = {.info_attrs = " xmlns:rel=\"relative\" rel:x=\"\""};
    kit_expect("a relative namespace on SignedInfo", &info, ERR_SECURITY);
}

static void test_comments_in_signed_elements(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "<S:Body wsu:Id=\"body\"><!-- c --><x/></S:Body>",
        "<S:Body wsu:Id=\"body\"><x>a<!-- c -->b</x></S:Body>",
        "<S:Body wsu:Id=\"body\"><x/><!----></S:Body>",
    };
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct recipe r = {.body = bodies[i]};
        kit_expect(bodies[i], &r, ERR_OK);
    }
    struct recipe pi = {.body = "<S:Body wsu:Id=\"body\"><?x y?><x/></S:Body>"};
    kit_expect("processing instruction", &pi, ERR_MALFORMED);
}

/* ---- the functions by themselves ---- */

/* As wsse_verify.c does it, without the questions it puts in between. */
static enum err verify(struct arena *a, struct xml_doc *doc, struct xml_node *signature, const struct cert *signer,
                       struct dsig_result *out, struct error *e)
{
    struct dsig_rules rules = {0};
    struct dsig_ids *ids;
    struct dsig_parsed parsed;
    *out = (struct dsig_result){0};
    memset(e, 0, sizeof *e);
    enum err err = dsig_ids_read(a, doc, true, &ids, e);
    if (!err)
        err = dsig_read(a, ids, signature, &rules, &parsed, e);
    return err ? err : dsig_check(a, &parsed, signer, out, e);
}

static void test_one_signature_and_ids(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct recipe plain = {0};
    struct error e = {0};
    struct xml_doc *doc = NULL;
    assert_int_equal(kit_parse(a, kit_make(a, &plain), &doc, &e), ERR_OK);
    struct xml_node *signature = xml_root(doc);
    while (!xml_is(signature, NS_DSIG, "Signature"))
        signature = xml_walk(xml_root(doc), signature);
    struct dsig_result result;
    assert_int_equal(verify(a, doc, signature, kit.signer.cert, &result, &e), ERR_OK);
    assert_int_equal(result.nrefs, 1);
    assert_int_equal(result.alg, SIGN_GOST2012_256);
    assert_string_equal(result.refs[0].uri, "body");
    assert_true(xml_is(result.refs[0].element, NS_SOAP, "Body"));
    assert_non_null(memmem(result.refs[0].octets.p, result.refs[0].octets.n, "GOOD", 4));
    assert_int_equal(verify(a, doc, signature, kit.other.cert, &result, &e), ERR_CHECK);
    assert_int_equal(result.nrefs, 0);
    memset(&e, 0, sizeof e);
    assert_int_equal(verify(a, doc, signature, kit.signer512.cert, &result, &e), ERR_ALGORITHM);
    memset(&e, 0, sizeof e);
    assert_int_equal(verify(a, doc, xml_root(doc), kit.signer.cert, &result, &e), ERR_SECURITY);

    struct recipe no_reference = {.nrefs = UINT32_MAX};
    memset(&e, 0, sizeof e);
    struct xml_doc *bare = NULL;
    assert_int_equal(kit_parse(a, kit_make(a, &no_reference), &bare, &e), ERR_OK);
    struct xml_node *empty = xml_root(bare);
    while (!xml_is(empty, NS_DSIG, "Signature"))
        empty = xml_walk(xml_root(bare), empty);
    assert_int_equal(verify(a, bare, empty, kit.signer.cert, &result, &e), ERR_SECURITY);

    struct dsig_ids *ids = NULL;
    size_t first;
    memset(&e, 0, sizeof e);
    assert_int_equal(dsig_ids_read(a, doc, true, &ids, &e), ERR_OK);
    assert_int_equal(dsig_ids_find(ids, "body", &first), 1);
    assert_true(xml_is(dsig_ids_at(ids, first), NS_SOAP, "Body"));
    assert_int_equal(dsig_ids_find(ids, "nosuch", &first), 0);
    static const char twice[] = "<r Id=\"x\"><a xml:id=\"x\"/></r>";
    assert_int_equal(kit_parse(a, twice, &doc, &e), ERR_OK);
    assert_int_equal(dsig_ids_read(a, doc, true, &ids, &e), ERR_SECURITY);
    memset(&e, 0, sizeof e);
    assert_int_equal(dsig_ids_read(a, doc, false, &ids, &e), ERR_OK); /* of a report */
    assert_int_equal(dsig_ids_find(ids, "x", &first), 2);
    arena_free(a);
}

/* L2 */
static void test_bounds_are_those_of_the_page(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const char *page = whole_file(a, SOURCE_DIR "/docs/limits.md").p;
    assert_non_null(strstr(page, arena_printf(a, "| references of a signature | %d |", DSIG_REFERENCES_MAX)));
    assert_non_null(strstr(page, arena_printf(a, "| prefixes of InclusiveNamespaces | %d |", DSIG_PREFIXES_MAX)));
    arena_free(a);
}

static void test_algorithm_tables(void **state)
{
    (void)state;
    for (enum sign_alg alg = 0; alg < SIGN_COUNT; alg++) {
        enum sign_alg back = SIGN_COUNT;
        assert_true(dsig_sign_alg(dsig_sign_uri(alg), &back));
        assert_int_equal(back, alg);
        enum digest_alg digest = DIGEST_COUNT;
        assert_true(dsig_digest_alg(dsig_digest_uri(sign_alg_digest(alg)), &digest));
        assert_int_equal(digest, sign_alg_digest(alg));
    }
    assert_string_equal(dsig_sign_uri(SIGN_GOST2001), HTTP_ALG "gostr34102001-gostr3411");
    assert_string_equal(dsig_sign_uri(SIGN_GOST2012_256), URN_ALG "gostr34102012-gostr34112012-256");
    assert_string_equal(dsig_digest_uri(DIGEST_STREEBOG512), URN_ALG "gostr34112012-512");
    assert_null(dsig_digest_uri(DIGEST_SHA256));
    enum sign_alg alg;
    assert_false(dsig_sign_alg(NULL, &alg));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_ones_pass),
        cmocka_unit_test(test_inclusive_prefixes),
        cmocka_unit_test(test_foreign_algorithms),
        cmocka_unit_test(test_gost2001_only_when_enabled),
        cmocka_unit_test(test_algorithm_and_key_differ),
        cmocka_unit_test(test_signed_info_structure),
        cmocka_unit_test(test_signature_structure),
        cmocka_unit_test(test_several_signed_infos),
        cmocka_unit_test(test_reference_structure),
        cmocka_unit_test(test_reference_limit),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_mutated_signature_values),
        cmocka_unit_test(test_altered_content),
        cmocka_unit_test(test_void_canonical_form),
        cmocka_unit_test(test_comments_in_signed_elements),
        cmocka_unit_test(test_one_signature_and_ids),
        cmocka_unit_test(test_bounds_are_those_of_the_page),
        cmocka_unit_test(test_algorithm_tables),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
