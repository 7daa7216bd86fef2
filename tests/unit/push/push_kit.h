/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * For the tests of push/: an agency (signer of the kit), a portal (other), SMEV itself (signer512) as a keyring that
 * the configuration has made, and the change that is told.
 */
#pragma once

#include "../smev/testkit.h"

#include "clock.h"
#include "push/push_message.h"
#include "soap.h"

#define AGENCY "AAAA00001"
#define PORTAL "PGU001001"

static struct attribute push_attributes[] = {{"Кабинет", "12 & <13>"}, {"empty", ""}};
static const struct time_slot push_slot = {.slot_id = "e513be00-ee1b-11f1-8001-010000000012",
                                           .service_id = "10000593393",
                                           .organization_id = "R7700018",
                                           .area_id = "hall-1",
                                           .visit_time = "2026-12-02T09:45:00+03:00",
                                           .queue_number = "А7",
                                           .duration = "15",
                                           .attributes = {push_attributes, 2}};
static const struct booking_update push_update = {.outbox_id = 7,
                                                  .attempt = 1,
                                                  .agency_code = AGENCY,
                                                  .book_id = "6b9f2c1e-0000-4000-8000-000000000001",
                                                  .esia_id = "1000300890",
                                                  .status_code = "201",
                                                  .status_message = "Забронировано: \"да\" & <нет>",
                                                  .timeslot = &push_slot};

static struct keyring *push_keys;

static inline struct push_way push_way_of(const char *agency)
{
    return (struct push_way){.keys = push_keys, .conf = keyring_push_of(push_keys, agency), .age_max_s = 86400};
}

static int push_setup(void **state)
{
    static const char text[] =
        "[database]\nconninfo = dbname=x\n[trust]\nanchors = %s\ncrl_required = no\n"
        "[listener s]\nkind = smev2\naddress = 127.0.0.1:1\n"
        "[agency " AGENCY "]\nname = Агентство \"А\" & <Б>\nkey = %s\ncert = %s\n"
        "[agency BBBB00002]\nkey = %s\ncert = %s\n"
        "[agency DEAD00003]\nkey = /nowhere\ncert = /nowhere\n"
        "[sender " PORTAL "]\nname = ЕПГУ\ncert = %s\n"
        "[sender OTHER0001]\ncert = %s\n"
        "[sender SMEV00001]\nsmev = yes\ncert = %s\n"
        "[push " AGENCY "]\nurl = http://p/\nportal = " PORTAL
        "\nservice_name = PguEqueue\nexchange_type = 2\nservice_code = 00&1\noktmo = 45000000\nanswer_deadline = 1h\n"
        "[push BBBB00002]\nurl = http://p/\nportal = " PORTAL
        "\nrevision = rev111111\ntype_code = GFNC\nexchange_type = 0\nanswer_deadline = 48h\n"
        "[push DEAD00003]\nurl = http://p/\nportal = " PORTAL "\nservice_name = P\nexchange_type = 2\n";
    struct config conf;
    const char *mistakes = NULL;
    struct error e = {0};
    if (kit_setup(state) != 0)
        return -1;
    const char *path = arena_printf(kit.arena, "%s/z.conf", kit.folder);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fprintf(f, text, kit.ca.cert_file, kit.signer.key_file, kit.signer.cert_file, kit.signer.key_file,
                        kit.signer.cert_file, kit.other.cert_file, kit.signer2001.cert_file,
                        kit.signer512.cert_file) > 0);
    assert_int_equal(fclose(f), 0);
    if (config_load(kit.arena, path, &conf, &mistakes, &e) != ERR_OK)
        fail_msg("%s", mistakes);
    assert_int_equal(keyring_load(&conf, NULL, &push_keys, &e), ERR_OK);
    return 0;
}

static int push_teardown(void **state)
{
    keyring_unref(push_keys);
    return kit_teardown(state);
}
