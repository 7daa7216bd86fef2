/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The three versions of SMEV 3 and its operations. Names are told apart by namespace alone: prefixes of real messages
 * clash. */
#include "smev3_names.h"

#include "clock.h"
#include "mime.h"

#include <string.h>

#define ROOT "urn://x-artefacts-smev-gov-ru/services/message-exchange/"
#define VERSION(v)                                                                                                     \
    {                                                                                                                  \
        v, ROOT v, ROOT "types/" v, ROOT "types/basic/" v, ROOT "types/faults/" v                                      \
    }

static const struct smev3_namespaces versions[SMEV3_VERSIONS] = {
    [SMEV3_1_1] = VERSION("1.1"),
    [SMEV3_1_2] = VERSION("1.2"),
    [SMEV3_1_3] = VERSION("1.3"),
};

static const char *const actions[SMEV3_OPS] = {
    [SMEV3_SEND_REQUEST] = "urn:SendRequest",
    [SMEV3_SEND_RESPONSE] = "urn:SendResponse",
    [SMEV3_GET_REQUEST] = "urn:GetRequest",
    [SMEV3_GET_RESPONSE] = "urn:GetResponse",
    [SMEV3_GET_STATUS] = "urn:GetStatus",
    [SMEV3_ACK] = "urn:Ack",
    [SMEV3_GET_STATISTICS] = "urn:GetIncomingQueueStatistics",
};

const struct smev3_namespaces *smev3_namespaces(enum smev3_version version)
{
    return &versions[version];
}

const char *smev3_action(enum smev3_op op)
{
    return actions[op];
}

const char *smev3_op_name(enum smev3_op op)
{
    return actions[op] + strlen("urn:");
}

/* Which of three names it is, one a version. */
static bool find(const char *ns, const char *const names[SMEV3_VERSIONS], enum smev3_version *out)
{
    for (unsigned i = 0; ns != NULL && i < SMEV3_VERSIONS; i++) {
        if (strcmp(ns, names[i]) == 0) {
            *out = (enum smev3_version)i;
            return true;
        }
    }
    return false;
}

bool smev3_is_types(const char *ns, enum smev3_version *out)
{
    return find(ns, (const char *const[]){versions[0].types, versions[1].types, versions[2].types}, out);
}

bool smev3_is_basic(const char *ns, enum smev3_version *out)
{
    return find(ns, (const char *const[]){versions[0].basic, versions[1].basic, versions[2].basic}, out);
}

bool smev3_is_faults(const char *ns, enum smev3_version *out)
{
    return find(ns, (const char *const[]){versions[0].faults, versions[1].faults, versions[2].faults}, out);
}

const char *smev3_word(struct arena *a, const struct xml_node *node)
{
    const char *text = node != NULL ? xml_text(a, node) : NULL;
    if (text == NULL)
        return NULL;
    struct span s = mime_trim(span_of(text));
    return arena_strndup(a, s.p, s.n);
}

const char *smev3_uuid(struct arena *a, const char *text)
{
    return text != NULL && uuid_is_valid(text) ? mime_lower(a, span_of(text)) : NULL;
}
