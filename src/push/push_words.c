/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What an answer of the portal says, whichever road it came by. */
#include "push_message.h"

#include "utf8.h"

#include <stdlib.h>
#include <string.h>

/* Of a peer's words. */
#define WORDS_MAX 1000

const char *push_text_below(struct arena *a, struct xml_node *parent, const char *local)
{
    struct xml_node *n = parent != NULL ? xml_first(parent, NULL, local) : NULL;
    return n != NULL ? xml_own_text(a, n) : NULL;
}

const char *push_peer_words(struct arena *a, const char *text)
{
    struct buf b;
    size_t left = text != NULL ? strlen(text) : 0;
    if (left == 0)
        return "";
    buf_init(&b, a, WORDS_MAX + 8);
    buf_add_str(&b, ": ");
    while (left > 0 && b.n < WORDS_MAX) {
        uint32_t c;
        size_t n = utf8_next(text, left, &c);
        if (n == 0)
            break;
        buf_add_utf8(&b, utf8_is_active(c) ? ' ' : c);
        text += n;
        left -= n;
    }
    return b.p;
}

enum push_verdict push_verdict_of_code(int code)
{
    switch (code) {
    case 0:
    case 5:
        return PUSH_TAKEN;
    case 2:
    case 3:
    case 4:
        return PUSH_REFUSED;
    default:
        return PUSH_FAILED;
    }
}

int push_error_code(struct arena *a, struct xml_node *content, const char **message)
{
    struct xml_node *error = content != NULL ? xml_first(content, NULL, "error") : NULL;
    struct xml_node *detail = error != NULL ? xml_first(error, NULL, "errorDetail") : NULL;
    const char *code = push_text_below(a, detail, "errorCode");
    *message = push_text_below(a, detail, "errorMessage");
    if (code == NULL)
        return -1;
    code += strspn(code, " \t\r\n");
    size_t digits = strspn(code, "0123456789");
    if (digits == 0 || digits > 6 || code[digits + strspn(code + digits, " \t\r\n")] != '\0')
        return -1;
    return (int)strtol(code, NULL, 10);
}
