/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Any element as any strict request (M10): the walk of the table of fields and the schema accept the same ones. The
 * first byte chooses the method.
 */
#include "request/settle.h"
#include "request/structure.h"
#include "soap.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct arena *for_ever; /* still pointed to at exit, so no leak */
static struct xml_schema *schema;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct error e = {0};
    xml_init();
    for_ever = arena_new();
    if (xml_schema_load(for_ever, SOURCE_DIR "/schemas/equeue-bare.xsd", &schema, &e) != ERR_OK)
        __builtin_trap();
    return 0;
}

static void on_violation(void *arg, const char *element, const char *message)
{
    unsigned *n = arg;
    if (*element == '\0' || *message == '\0')
        __builtin_trap();
    (*n)++;
}

static void compare(struct arena *a, struct xml_doc *bare, enum booking_method method)
{
    struct error e = {0};
    struct field_errors f = {.arena = a};
    struct structure found;
    unsigned violations = 0;
    settle_request(a, xml_root(bare), method);
    structure_check(xml_root(bare), method, &f, &found);
    if (found.is_wrong != (f.n > 0) || f.n > 100)
        __builtin_trap();
    for (unsigned i = 0; i < f.n; i++)
        if (f.items[i].field[0] == '\0' || strlen(f.items[i].field) > 255)
            __builtin_trap();
    bool is_valid = xml_validate(schema, bare, on_violation, &violations, &e) == ERR_OK;
    if (is_valid != (violations == 0) || (is_valid && found.is_wrong))
        __builtin_trap();
    if (!is_valid && !found.is_wrong)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum booking_method method = (enum booking_method)(data[0] % BOOKING_METHOD_COUNT);
    struct span octets = {(const char *)data + 1, size - 1};
    struct arena *a = arena_new();
    struct error e = {0};
    struct xml_doc *doc, *bare;
    const char *name = arena_printf(a, "%sRequest", booking_ops[method].name);
    if (xml_prescan(octets, &xml_limits_default, &e) == ERR_OK && xml_parse(a, octets, &doc, &e) == ERR_OK &&
        xml_regraft(a, xml_root(doc), SOAP_NS, name, &bare, &e) == ERR_OK)
        compare(a, bare, method);
    arena_free(a);
    return 0;
}
