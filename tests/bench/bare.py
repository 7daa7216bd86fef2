# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The least that books safely, as a measure for what does: one plain table each for slot, booking, history and message, and one short
function (the slot's row locked, its capacity asked, one update, three inserts), called by pgbench as a prepared statement with the very
octets of a request and of its answer. No roles, rules, holds, areas, foreign keys or repeated messages."""

TABLES = """
    create schema bare;
    create table bare.slot (slot_id bigint primary key, capacity smallint not null, taken smallint not null default 0) with (fillfactor = 90);
    create table bare.booking (book_id uuid primary key, slot_id bigint not null, esia_id text not null, status text not null, at timestamptz not null);
    create table bare.history (history_id bigint generated always as identity primary key, book_id uuid not null, status text not null,
        at timestamptz not null);
    create table bare.message (message_id text primary key, at timestamptz not null, request bytea compression lz4, answer bytea compression lz4);
    create function bare.book(p_slot_id bigint, p_book_id uuid, p_esia_id text, p_message_id text, p_request bytea, p_answer bytea) returns void
    language plpgsql as $$
    declare
        s bare.slot;
    begin
        select * into s from bare.slot as t where t.slot_id = p_slot_id for update;
        if not found or s.taken >= s.capacity then
            raise exception 'taken'; -- pgbench tells of it: what books nothing is no measure
        end if;
        update bare.slot as t set taken = t.taken + 1 where t.slot_id = p_slot_id;
        insert into bare.booking (book_id, slot_id, esia_id, status, at) values (p_book_id, p_slot_id, p_esia_id, '201', clock_timestamp());
        insert into bare.history (book_id, status, at) values (p_book_id, '201', clock_timestamp());
        insert into bare.message (message_id, at, request, answer) values (p_message_id, clock_timestamp(), p_request, p_answer);
    end $$;
    insert into bare.slot (slot_id, capacity) select n, 1 from generate_series(1, %d) n;
"""

SCRIPT = """\\set n :n + 1
\\set slot :first + :client_id * :each + :n
select bare.book((:slot)::bigint, (lpad(to_hex((:slot)::bigint), 8, '0') || '-0000-4000-9000-000000000000')::uuid, '1', 'req:' || (:slot)::text,
    (:request)::bytea, (:answer)::bytea);
"""


class Bare:
    def __init__(self, bench, request, answer):
        """request, answer: octets of one booking, as PostgreSQL writes them."""
        self.bench, self.request, self.answer = bench, request, answer
        self.most = int(20000 * bench.seconds)  # of one run
        self.next, self.slots = 1, self.most * (bench.rounds + 4)
        self.script = bench.work / "bare.pgbench"
        self.script.write_text(SCRIPT)
        bench.instance.psql(TABLES % self.slots)
        bench.instance.psql("vacuum analyze bare.slot")

    def pgbench(self, clients):
        each = self.most // clients
        first, self.next = self.next, self.next + each * clients
        if self.next > self.slots + 1:
            raise SystemExit("bench: ran out of bare slots")
        return self.bench.pgbench_run(self.script, clients, "prepared", {"n": "-1", "first": str(first), "each": str(each),
                                                                        "request": self.request, "answer": self.answer})
