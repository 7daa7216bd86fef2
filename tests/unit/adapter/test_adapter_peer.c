/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* L4: faults by name. However many names there are, none of them happens in silence. */
#include "adapter.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NAMES 200

static char names[NAMES][16];

static uint64_t counted(const struct adapter_peer *p, const char *word)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < ADAPTER_FAULT_WORDS && p->faults[i].word != NULL; i++)
        if (word == NULL || strcmp(p->faults[i].word, word) == 0)
            n += p->faults[i].n;
    return n;
}

static void L4_each_fault_is_counted(void **state)
{
    (void)state;
    struct adapter_peer p = {.whose = "x"};
    uint64_t all = 0;
    for (unsigned i = 0; i < NAMES; i++)
        (void)snprintf(names[i], sizeof names[i], "Fault%u", i);
    adapter_peer_failed(&p, "SMEVFailure");
    adapter_peer_failed(&p, "SMEVFailure");
    assert_int_equal(counted(&p, "SMEVFailure"), 2);
    assert_int_equal(counted(&p, NULL), 2);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < NAMES; i++) {
            adapter_peer_failed(&p, names[i]);
            all++;
            assert_int_equal(counted(&p, NULL), all + 2); /* the 41st name, too */
        }
    adapter_peer_failed(&p, "SMEVFailure");
    assert_int_equal(counted(&p, "SMEVFailure"), 3); /* what has its place keeps it */
    assert_int_equal(counted(&p, names[0]), 3);
    assert_int_equal(counted(&p, ADAPTER_FAULT_OTHER), 3 * (NAMES - (ADAPTER_FAULT_WORDS - 2)));
    for (unsigned i = 0; i < ADAPTER_FAULT_WORDS; i++) /* a name once: it is a label */
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(p.faults[i].word, p.faults[j].word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(L4_each_fault_is_counted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
