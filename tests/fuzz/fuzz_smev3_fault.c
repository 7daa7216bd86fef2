/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Anything within a soap:Fault (Q3); the first byte chooses the operation. What nobody knows is tried again, and of
 * what a peer wrote only known words and figures are for telling (J3).
 */
#include "ascii.h"
#include "smev.h"
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

static bool is_plain(const char *s)
{
    for (; *s != '\0'; s++)
        if (!ascii_is_digit(*s) && (*s < 'A' || *s > 'z') && strchr("=, ", *s) == NULL)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Body><S:Fault>",
                      tail[] = "</S:Fault></S:Body></S:Envelope>";
    if (size < 1)
        return 0;
    struct arena *a = arena_new();
    struct buf text;
    struct error e = {0};
    struct smev3_reply r;
    buf_init(&text, a, size + 256);
    buf_add_str(&text, head);
    buf_add(&text, data + 1, size - 1);
    buf_add_str(&text, tail);
    enum err err = smev3_reply_read(a, (enum smev3_op)(data[0] % 7), 500, "text/xml", buf_span(&text), &r, &e);
    if (err == ERR_OK) { /* another answer under this status is none */
        require(r.kind == SMEV3_FAULT && r.element == NULL && r.place == NULL);
        require(r.fault.reaction <= SMEV3_CONFIGURE && (r.fault.name != NULL || r.fault.reaction == SMEV3_AGAIN));
        require(r.fault.name == NULL || is_plain(r.fault.name));
        require(r.fault.inner == NULL || is_plain(r.fault.inner));
        require(is_plain(r.fault.figures) && r.fault.number <= 999999);
    }
    arena_free(a);
    return 0;
}
