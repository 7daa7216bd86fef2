/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Any octets as an answer of SMEV 3 (Q1, Q6). The first byte chooses the operation, the second whether it is multipart.
 * What is read is of a kind that belongs to the operation; nothing is left to be included where a signature stands; a
 * business element has one normal form, also after it was written into a message of ours.
 */
#include "ascii.h"
#include "clock.h"
#include "smev3.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    xml_init();
    return 0;
}

static void require(bool is_so)
{
    if (!is_so)
        __builtin_trap();
}

static void require_id(const char *id)
{
    require(id != NULL && uuid_is_valid(id) && id[strspn(id, "0123456789abcdef-")] == '\0');
}

static void check_kind(enum smev3_op op, const struct smev3_reply *r)
{
    static const unsigned kinds[] = {
        [SMEV3_SEND_REQUEST] = 1U << SMEV3_SENT,
        [SMEV3_SEND_RESPONSE] = 1U << SMEV3_SENT,
        [SMEV3_GET_REQUEST] = 1U << SMEV3_EMPTY | 1U << SMEV3_REQUEST | 1U << SMEV3_CANCEL,
        [SMEV3_GET_RESPONSE] = 1U << SMEV3_EMPTY | 1U << SMEV3_RESPONSE,
        [SMEV3_GET_STATUS] = 1U << SMEV3_EMPTY | 1U << SMEV3_STATUS,
        [SMEV3_ACK] = 1U << SMEV3_ACKED,
        [SMEV3_GET_STATISTICS] = 1U << SMEV3_STATISTICS,
    };
    require(((kinds[op] | 1U << SMEV3_FAULT) & 1U << r->kind) != 0);
    bool is_signed =
        r->kind != SMEV3_EMPTY && r->kind != SMEV3_ACKED && r->kind != SMEV3_STATISTICS && r->kind != SMEV3_FAULT;
    require(is_signed == (r->element != NULL));
    require(r->place == NULL || (r->element != NULL && xml_parent(r->place) == xml_parent(r->element)));
}

static bool parse(struct arena *a, struct span octets, struct xml_doc **doc)
{
    struct error e = {0};
    return xml_prescan(octets, &smev3_xml_limits, &e) == ERR_OK && xml_parse(a, octets, doc, &e) == ERR_OK;
}

static void require_normal(struct arena *a, const struct xml_node *node, struct span octets)
{
    struct buf again;
    struct error e = {0};
    buf_init(&again, a, octets.n + 1);
    require(smev3_normal(a, node, &again, &e) == ERR_OK && span_equals(buf_span(&again), octets));
}

static void check_content(struct arena *a, const struct smev3_content *c)
{
    struct xml_doc *doc = NULL;
    struct smev3_draft draft;
    struct error e = {0};
    if (!parse(a, c->octets, &doc))
        return; /* too deep or too long for one message, by itself */
    require(xml_is(xml_root(doc), c->ns, c->local));
    require_normal(a, xml_root(doc), c->octets);
    struct smev3_message m = {.message_id = "0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77", .content = c->octets};
    require(smev3_write_message(a, SMEV3_1_3, &m, &draft, &e) == ERR_OK);
    if (!parse(a, draft.element, &doc))
        return;
    const char *basic = smev3_namespaces(SMEV3_1_3)->basic;
    require_normal(a, xml_first(xml_first(xml_root(doc), basic, "MessagePrimaryContent"), NULL, NULL), c->octets);
}

static void check_values(struct arena *a, const struct smev3_reply *r, struct span octets)
{
    struct error e = {0};
    struct smev3_request q;
    struct smev3_response p;
    struct smev3_cancel c;
    struct smev3_async s;
    struct smev3_metadata m;
    if (r->kind == SMEV3_REQUEST && smev3_read_request(a, octets, &q, &e) == ERR_OK) {
        require_id(q.message_id);
        require_id(q.ack_id);
        require((q.trouble == SMEV3_FINE) == (q.content.octets.n > 0) && (q.reply_to == NULL || *q.reply_to != 0));
        if (q.content.octets.n > 0)
            check_content(a, &q.content);
    } else if (r->kind == SMEV3_RESPONSE && smev3_read_response(a, octets, &p, &e) == ERR_OK) {
        require_id(p.message_id);
        require(p.kind != SMEV3_REJECTED || p.nrejections > 0);
        if (p.content.octets.n > 0)
            check_content(a, &p.content);
    } else if (r->kind == SMEV3_CANCEL && smev3_read_cancel(a, octets, &c, &e) == ERR_OK) {
        require_id(c.ack_id);
    } else if (r->kind == SMEV3_STATUS) {
        (void)!smev3_read_status(a, octets, &s, &e);
    } else if (r->kind == SMEV3_SENT) {
        (void)!smev3_read_metadata(a, octets, &m, &e);
    }
}

static void check_element(struct arena *a, const struct smev3_reply *r)
{
    struct buf octets;
    struct error e = {0};
    for (struct xml_node *at = r->element; at != NULL; at = xml_walk(r->element, at))
        require(!xml_is(at, "http://www.w3.org/2004/08/xop/include", "Include"));
    buf_init(&octets, a, 4096);
    if (smev3_normal(a, r->element, &octets, &e) == ERR_OK)
        check_values(a, r, buf_span(&octets));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct arena *a = arena_new();
    struct error e = {0};
    struct smev3_reply r;
    enum smev3_op op = (enum smev3_op)(data[0] % 7);
    const char *type = data[1] % 2 != 0 ? "multipart/related; boundary=b" : "text/xml";
    struct span body = {arena_copy(a, data + 2, size - 2), size - 2};
    if (smev3_reply_read(a, op, 200, type, body, &r, &e) == ERR_OK) {
        check_kind(op, &r);
        if (r.element != NULL)
            check_element(a, &r);
    } else {
        require(r.element == NULL && r.place == NULL && r.nattachments == 0 && e.detail[0] != '\0');
        require(strncmp(e.detail, "HTTP 200 to ", 12) == 0);
    }
    if (r.claimed_id != NULL)
        require_id(r.claimed_id);
    arena_free(a);
    return 0;
}
