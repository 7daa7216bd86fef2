#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The largest answers there may be (L1, L2): what is long about them is done by workers. What the loop's thread takes of the processor is
compared with what the whole daemon takes for the same answers, so that no machine is too slow for it."""
import os

import e2e
from e2e import E2E, SERVICE

SLOTS, AREAS, ROUNDS = 20000, 10, 4
MANY = 150000  # far above the default of ref_items_max
OFFICE = """
insert into data.organization (organization_id, agency_code, name, time_zone, latitude, longitude, booking_window_days, horizon_days)
values ('R7700099', 'AAAA00001', 'Большая', 'Europe/Moscow', 55, 37, 365, 0);
insert into data.organization_service (organization_id, service_id) values ('R7700099', '{service}');
insert into data.area (organization_id, area_id, number, name) select 'R7700099', 'a' || n, n, 'Окно ' || n from generate_series(1, {areas}) as n;
insert into data.area_service (area_key, organization_id, service_id) select area_key, organization_id, '{service}' from data.area where organization_id = 'R7700099';
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select ('00000000-0000-1000-8000-' || lpad(to_hex(a.number::int), 4, '0') || lpad(to_hex(n), 8, '0'))::uuid, a.organization_id, a.area_key, t, t + interval '15 min'
from generate_series(1, {each}) as n join data.area as a on a.organization_id = 'R7700099'
cross join lateral (select date_trunc('day', now()) + interval '1 day' + n * interval '15 min' as t) as x;
insert into data.ref_book (ref_name, title, kind) values ('large', 'Книга', 'H');
insert into data.ref_attribute (ref_name, position, name, title, type, allow_filtering)
select 'large', 10 + n, 'a' || n, 'Признак', 'STRING', true from generate_series(1, 3) as n;
insert into data.ref_item (ref_name, code, title, attributes)
select 'large', 'c' || n, 'Элемент ёлка ' || n, jsonb_build_object('a1', 'Значение ' || n, 'a2', 'Другое ' || n, 'a3', 'x') from generate_series(1, 10000) as n;
insert into data.ref_book (ref_name, title, kind) values ('huge', 'Книга', 'H');
insert into data.ref_attribute (ref_name, position, name, title, type, allow_filtering)
select 'huge', 10 + n, 'a' || n, 'Признак', 'STRING', true from generate_series(1, 3) as n;
insert into data.ref_item (ref_name, code, title, attributes)
select 'huge', 'c' || n, 'Элемент ёлка ' || n, jsonb_build_object('a1', 'Значение ' || n, 'a2', 'Другое ' || n, 'a3', 'x') from generate_series(1, {many}) as n;
"""


class Large(E2E):
    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("[daemon]", "[daemon]\nrequest_timeout = 600s").replace("[database]", "[database]\nstatement_timeout = 600s")
                + "\n[limits]\nref_items_max = %d\nanswers_max = 512MiB\nbuffers_max = 512MiB\n" % MANY}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.instance.psql(OFFICE.format(service=SERVICE, areas=AREAS, each=SLOTS // AREAS + 50, many=MANY))
        except BaseException:
            cls.instance.down()
            raise

    def cpu(self):
        """Seconds of the processor: the loop's thread, all threads."""
        pid = self.instance.pid()
        with open("/proc/%d/task/%d/schedstat" % (pid, pid)) as f:
            loop = int(f.read().split()[0]) / 1e9
        with open("/proc/%d/stat" % pid) as f:  # with the threads that have ended
            user, system = f.read().rpartition(")")[2].split()[11:13]
        return loop, (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def compare(self, method, content, least_bytes, most_share=0.34):
        for kind in ("plain", "smev2"):
            client = self.portal(kind, timeout=600)
            client.post(client.envelope(method, content), method)  # libraries and buffers are there then
            loop, whole = self.cpu()
            for _ in range(ROUNDS):
                reply = client.post(client.envelope(method, content), method)
                self.assertEqual(reply.http_status, 200)
                self.assertGreater(len(reply.body), least_bytes)
            loop_now, whole_now = self.cpu()
            share = (loop_now - loop) / (whole_now - whole)
            print("%s %s: %d octets, %.1f ms of the loop each, %.2f of all" % (kind, method, len(reply.body), (loop_now - loop) * 1000 / ROUNDS, share), flush=True)
            self.assertLess(share, most_share, (kind, method))

    def test_slots(self):  # L1, L2
        self.compare("getSlots", [("organizationId", "R7700099"), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1000000000")], 200 * SLOTS)

    def test_items(self):  # L1, L2
        self.compare("getRefItemsList", [("refName", "large"), ("treeFiltering", "ONELEVEL"), ("pageNum", "1"), ("pageSize", "10000")], 2000000)

    def test_very_many_items(self):  # L1
        """Fifty megabytes: what the loop does must not grow faster than the answer, as moving its rest with each part that was sent would."""
        self.compare("getRefItemsList", [("refName", "huge"), ("treeFiltering", "ONELEVEL"), ("pageNum", "1"), ("pageSize", str(MANY))], 15 * 2000000, 0.3)


if __name__ == "__main__":
    e2e.main()
