/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Any octets as any request: the binding, then the field checks. The first byte chooses the method. */
#include "soap.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    soap_binding_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum booking_method method = (enum booking_method)(data[0] % BOOKING_METHOD_COUNT);
    struct arena *a = arena_new();
    struct booking_request r;
    struct error e = {0};
    struct span octets = {(const char *)data + 1, size - 1};
    if (soap_bind_request(a, method, octets, &r, &e) == ERR_OK) {
        struct field_errors f = {.arena = a};
        booking_check(&r, &f, a);
        struct booking_reply reply;
        booking_reply_error(&r, 2, NULL, &f, &reply);
        struct buf out;
        buf_init(&out, a, 1024);
        if (soap_write_content(a, &reply, NULL, &out, &e) != ERR_OK || out.n == 0)
            __builtin_trap();
    }
    arena_free(a);
    return 0;
}
